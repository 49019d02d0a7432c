package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"magento_migration_exporter/collector/mysqltest"
)

// Each client gives each fault its cause: servers that are not there, hang, close, or are something else.
func TestCausesOfServers(t *testing.T) {
	t.Parallel()
	nobody := "127.0.0.1:" + strconv.Itoa(mysqltest.ClosedPort(t))
	web := strings.TrimPrefix(answering(t, http.StatusOK, "", "hello"), "http://")
	closing := func(text string) string { a, _ := speaking(t, text, false); return a }
	type client func(ctx context.Context, address string) error
	search := func(ctx context.Context, a string) error { _, err := Search(ctx, "http://"+a); return err }
	varnish := func(ctx context.Context, a string) error { _, err := Varnish(ctx, "http://"+a); return err }
	redis := func(ctx context.Context, a string) error { _, err := Redis(ctx, a, ""); return err }
	rabbitMQ := func(ctx context.Context, a string) error { _, err := RabbitMQ(ctx, a); return err }
	for _, tc := range []struct {
		name, address string
		want          Cause
		clients       []client
	}{
		{"nobody", nobody, Refused, []client{search, varnish, redis, rabbitMQ}},
		{"no name", "name.invalid:1234", NameUnknown, []client{search, varnish, redis, rabbitMQ}},
		{"a web server", web, OtherServer, []client{search, redis}},
		{"a web server", web, NoVersion, []client{varnish}}, // there may be a Varnish that hides itself
		{"closed at once", closing(""), Closed, []client{search}},
		{"closed at once", closing(""), Closed, []client{varnish}},
		{"closed at once", closing(""), Closed, []client{redis}},
		{"closed at once", closing(""), Closed, []client{rabbitMQ}},
		{"another protocol", closing("220 mail ready\r\n"), OtherServer, []client{search}},
		{"another protocol", closing("220 mail ready\r\n"), OtherServer, []client{varnish}},
		{"no port", "127.0.0.1", InvalidAddress, []client{redis, rabbitMQ}},
		{"a port with a name", "127.0.0.1:canary", InvalidAddress, []client{redis, rabbitMQ}},
		{"a login", "user:canary@127.0.0.1:1", InvalidAddress, []client{redis, rabbitMQ}},
		{"no URL", "% canary", InvalidAddress, []client{search, varnish}},
	} {
		for i, ask := range tc.clients {
			t.Run(fmt.Sprint(tc.name, i), func(t *testing.T) {
				t.Parallel()
				err := ask(limited(t), tc.address)
				if got := CauseOf(err); err == nil || got != tc.want {
					t.Errorf("%v has the cause %q, want %q", err, got, tc.want)
				}
				if err != nil && strings.Contains(err.Error(), "user:canary") {
					t.Error(err)
				}
			})
		}
	}
	for i, ask := range []client{search, varnish, redis, rabbitMQ} {
		t.Run(fmt.Sprint("silent until the caller gives up ", i), func(t *testing.T) {
			t.Parallel()
			address, connected := speaking(t, "", true)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() { <-connected; cancel() }()
			if err := answerOf(t, "the client", func() error { return ask(ctx, address) }); CauseOf(err) != TimedOut {
				t.Errorf("%v has the cause %q", err, CauseOf(err))
			}
		})
		t.Run(fmt.Sprint("silent until the deadline ", i), func(t *testing.T) {
			t.Parallel()
			address, _ := speaking(t, "", true)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := answerOf(t, "the client", func() error { return ask(ctx, address) }); CauseOf(err) != TimedOut {
				t.Errorf("%v has the cause %q", err, CauseOf(err))
			}
		})
	}
}

func TestCausesOfTLS(t *testing.T) {
	t.Parallel()
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = quiet
	secure.StartTLS()
	t.Cleanup(secure.Close)
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.Config.ErrorLog = quiet
	old.StartTLS()
	t.Cleanup(old.Close)
	plain := strings.TrimPrefix(answering(t, http.StatusOK, "", "hello"), "http://")
	redis, _ := speaking(t, "-ERR what is this\r\n", false)
	for what, endpoint := range map[string]string{
		"a certificate of nobody": secure.URL, "an old protocol": old.URL,
		"no TLS but HTTP": "https://" + plain, "no TLS at all": "https://" + redis,
	} {
		if _, err := Search(limited(t), endpoint); CauseOf(err) != TLSFailed {
			t.Errorf("%s: %v has the cause %q", what, err, CauseOf(err))
		}
	}
}

func TestCausesOfAnswers(t *testing.T) {
	t.Parallel()
	search := func(status int, body string) error {
		_, err := Search(limited(t), answering(t, status, "", body))
		return err
	}
	redis := func(answer, password string) error {
		address, _ := speaking(t, answer, true)
		_, err := Redis(limited(t), address, password)
		return err
	}
	broker := func(answer string) error {
		address, _ := speaking(t, answer, true)
		_, err := RabbitMQ(limited(t), address)
		return err
	}
	const start = "\x01\x00\x00\x00\x00\x00"
	for name, test := range map[string]struct {
		err  error
		want Cause
	}{
		"401":                   {search(401, "{}"), LoginWanted},
		"403":                   {search(403, "{}"), LoginWanted},
		"503":                   {search(503, "{}"), Failing},
		"302":                   {search(302, ""), OtherServer},
		"404":                   {search(404, ""), OtherServer},
		"a web page":            {search(200, "<html>"), OtherServer},
		"JSON of another kind":  {search(200, `{"version": {"number": "new"}}`), OtherServer},
		"version hidden":        {search(200, `{"cluster_name": "shop"}`), NoVersion},
		"redis without login":   {redis("-NOAUTH Authentication required.\r\n", ""), LoginWanted},
		"redis of old":          {redis("-ERR invalid password\r\n", "canary"), LoginWanted},
		"redis with ACL":        {redis("-NOPERM this user has no permissions\r\n", ""), LoginWanted},
		"redis, protected mode": {redis("-DENIED Redis is running in protected mode\r\n", ""), LoginWanted},
		"redis without INFO":    {redis("-ERR unknown command\r\n", ""), NoVersion},
		"INFO of nothing":       {redis("$2\r\nab\r\n", ""), NoVersion},
		"INFO of minus one":     {redis("$-1\r\n", ""), OtherServer},
		"INFO of a gigabyte":    {redis("$1073741824\r\n", ""), OtherServer},
		"no redis":              {redis("220 mail ready\r\n", ""), OtherServer},
		"broker of another age": {broker("AMQP\x03\x01\x00\x00"), OtherServer},
		"another frame":         {broker(start + "\x04abcd\xce"), OtherServer},
		"a huge frame":          {broker("\x01\x00\x00\xff\xff\xff\xff"), OtherServer},
		"no version":            {broker(start + "\x0a\x00\x0a\x00\x0a\x00\x09\x00\x00\x00\x00\xce"), NoVersion},
	} {
		if got := CauseOf(test.err); got != test.want {
			t.Errorf("%s: %v has the cause %q, want %q", name, test.err, got, test.want)
		}
		if test.err != nil && strings.Contains(test.err.Error(), "canary") {
			t.Errorf("%s: %v", name, test.err)
		}
	}
}

func TestCausesOfSocketsAndPrograms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Redis(limited(t), filepath.Join(dir, "none.sock"), ""); CauseOf(err) != NotFound {
		t.Errorf("%v has the cause %q", err, CauseOf(err))
	}
	// A socket file that nobody listens at, as a dead server leaves one.
	left := filepath.Join(dir, "left.sock")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: left}), syscall.Close(fd)); err != nil {
		t.Fatal(err)
	}
	if _, err := Redis(limited(t), left, ""); CauseOf(err) != Refused {
		t.Errorf("%v has the cause %q", err, CauseOf(err))
	}
	plain := filepath.Join(dir, "php")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for binary, want := range map[string]Cause{
		"/nowhere/php": NotFound, "php-of-nobody": NotFound, plain: NotPermitted,
		"/bin/true": OtherServer, "/bin/false": Failing,
	} {
		if _, err := AskPHP(limited(t), binary); CauseOf(err) != want {
			t.Errorf("%s: %v has the cause %q, want %q", binary, err, CauseOf(err), want)
		}
	}
}

func TestCauseOf(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]Cause{
		nil:                            "",
		errors.New("something"):        "",
		because(Refused, fs.ErrClosed): Refused,
		fmt.Errorf("asking: %w", because(NoVersion, fs.ErrClosed)):               NoVersion,
		classified(&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}):          Unreachable,
		classified(&net.OpError{Op: "dial", Err: syscall.ENETUNREACH}):           Unreachable,
		classified(&net.OpError{Op: "read", Err: syscall.ECONNRESET}):            Closed,
		classified(&net.DNSError{Err: "no such host", IsNotFound: true}):         NameUnknown,
		classified(&net.DNSError{Err: "i/o timeout", IsTimeout: true}):           TimedOut,
		classified(because(NoVersion, &net.OpError{Err: syscall.ECONNREFUSED})):  NoVersion,
		classified(&net.OpError{Op: "write", Err: errors.New("something else")}): "",
	} {
		if got := CauseOf(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
	if err := classified(nil); err != nil {
		t.Error(err)
	}
	if err := because(Refused, fs.ErrClosed); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("%v does not wrap its error", err)
	}
}
