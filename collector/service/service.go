// Package service asks the servers and programs around Magento for their product and version: search engines, Redis and Valkey, AMQP
// brokers, Varnish and PHP.
package service

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"magento_migration_exporter/config/address"
)

// Service is what a server says of itself. Product has the table's spelling.
type Service struct{ Product, Version string }

// String is what people call it.
func (s Service) String() string { return s.Product + " " + s.Version }

// errLogin is what servers answer who tell nothing to strangers.
var errLogin = errors.New("it wants a login before it tells its version")

// maxAnswer is far above what is asked for, in bytes.
const maxAnswer = 256 << 10

// Search asks Elasticsearch or OpenSearch over HTTP.
func Search(ctx context.Context, endpoint string) (Service, error) {
	resp, err := get(ctx, endpoint)
	if err != nil {
		return Service{}, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return Service{}, errLogin
	case resp.StatusCode != http.StatusOK:
		return Service{}, fmt.Errorf("%s answers %d %s", Redacted(endpoint), resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	var answer struct {
		Version struct{ Number, Distribution string } `json:"version"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&answer); err != nil {
		return Service{}, fmt.Errorf("reading the answer of %s: %w", Redacted(endpoint), err)
	}
	if !versionStart.MatchString(answer.Version.Number) {
		return Service{}, fmt.Errorf("%s is no search engine: its answer has no version", Redacted(endpoint))
	}
	product := "elasticsearch"
	if answer.Version.Distribution == "opensearch" {
		product = "opensearch"
	}
	return Service{product, answer.Version.Number}, nil
}

var versionStart = regexp.MustCompile(`^v?\d{1,5}(?:\.\d{1,5})*`)

var varnishVia = regexp.MustCompile(`\(Varnish/(\d+(?:\.\d+)*)\)`)

// Varnish reads what a cache in front of Magento writes into its answers.
func Varnish(ctx context.Context, endpoint string) (Service, error) {
	resp, err := get(ctx, endpoint)
	if err != nil {
		return Service{}, err
	}
	defer resp.Body.Close()
	m := varnishVia.FindStringSubmatch(strings.Join(resp.Header.Values("Via"), " "))
	if m == nil {
		return Service{}, errors.New("its answers do not name Varnish and its version (header Via)")
	}
	return Service{"varnish", m[1]}, nil
}

func get(ctx context.Context, endpoint string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return nil, fmt.Errorf("%s is no URL", Redacted(endpoint))
	}
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return nil, fmt.Errorf("%s is no URL that begins with http:// or https://", Redacted(endpoint))
	}
	resp, err := Ask(req, true)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", Redacted(endpoint), err)
	}
	return resp, nil
}

var urlScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// Redacted takes what can be secret out of an address or URL, be it well-formed or not: login, path and query.
func Redacted(endpoint string) string {
	scheme := urlScheme.FindString(endpoint)
	rest := address.WithoutLogin(strings.TrimPrefix(endpoint, scheme))
	if scheme == "" && strings.HasPrefix(rest, "/") {
		return rest // the path of a socket
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 && rest[i:] != "/" {
		rest = rest[:i] + "/…"
	}
	return scheme + rest
}

// askError is an error of asking over HTTP without what the other side said: one that repeats what it is sent would show login and query.
func askError(err error) error {
	var dial *net.OpError
	var certificate *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case errors.As(err, &dial), errors.As(err, &certificate), errors.As(err, &timeout) && timeout.Timeout(),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, io.EOF), errors.Is(err, http.ErrSchemeMismatch):
		if u, ok := errors.AsType[*url.Error](err); ok {
			return u.Err
		}
		return err
	}
	return errors.New("what answers there does not speak HTTP")
}

// Ask sends a request with a client of its own: a proxy from the environment is not the way Magento takes, and nothing is kept open. Its
// errors have nothing of the URL, whose login and query are nobody's business.
func Ask(req *http.Request, verify bool) (*http.Response, error) {
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: maxAnswer, TLSClientConfig: &tls.Config{InsecureSkipVerify: !verify}}, //nolint:gosec // the caller's choice
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, askError(err)
	}
	return resp, nil
}

// CheckAddress refuses what is neither host:port nor the path of a socket, with a message that shows no login: dialling it would show all.
func CheckAddress(text string) error {
	if strings.HasPrefix(text, "/") && Redacted(text) == text {
		return nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(host+port, "@/?#") {
		return fmt.Errorf("%s is neither host:port nor the path of a socket", Redacted(text))
	}
	return nil
}

// converse connects and lets talk run under the context's deadline.
func converse(ctx context.Context, address string, talk func(net.Conn) error) error {
	if err := CheckAddress(address); err != nil {
		return err
	}
	var dialer net.Dialer
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	return talk(conn)
}

// Redis asks Redis or Valkey at host:port or the path of a socket. A password is sent when it is not empty.
func Redis(ctx context.Context, address, password string) (Service, error) {
	var s Service
	err := converse(ctx, address, func(conn net.Conn) (err error) {
		r := bufio.NewReader(io.LimitReader(conn, maxAnswer))
		if password != "" {
			if _, err := redisCommand(conn, r, "AUTH", password); err != nil {
				return err
			}
		}
		info, err := redisCommand(conn, r, "INFO", "server")
		if err != nil {
			return err
		}
		s, err = redisService(info)
		return err
	})
	return s, err
}

func redisCommand(conn net.Conn, r *bufio.Reader, words ...string) (string, error) {
	var request bytes.Buffer
	fmt.Fprintf(&request, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := conn.Write(request.Bytes()); err != nil {
		return "", err
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	switch {
	case strings.HasPrefix(line, "-NOAUTH"), strings.HasPrefix(line, "-WRONGPASS"), strings.HasPrefix(line, "-NOPERM"):
		return "", errLogin
	case strings.HasPrefix(line, "-"):
		// Only the kind of error: the rest can repeat what was sent, and with AUTH that is a password.
		kind, _, _ := strings.Cut(line, " ")
		return "", fmt.Errorf("it answers %s with the error %q", words[0], kind)
	case strings.HasPrefix(line, "+"):
		return line[1:], nil
	case !strings.HasPrefix(line, "$"):
		return "", errors.New("it is no Redis")
	}
	size, err := strconv.Atoi(line[1:])
	if err != nil || size < 0 || size > maxAnswer {
		return "", errors.New("it is no Redis")
	}
	body := make([]byte, size)
	_, err = io.ReadFull(r, body)
	return string(body), err
}

// redisService reads INFO: Valkey keeps redis_version at the release that it forked from.
func redisService(info string) (Service, error) {
	fields := map[string]string{}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		fields[name] = value
	}
	if v := fields["valkey_version"]; v != "" {
		return Service{"valkey", v}, nil
	}
	if v := fields["redis_version"]; v != "" {
		return Service{"redis", v}, nil
	}
	return Service{}, errors.New("it does not tell its version")
}

// RabbitMQ reads the greeting that a broker sends before any login.
func RabbitMQ(ctx context.Context, address string) (Service, error) {
	var s Service
	err := converse(ctx, address, func(conn net.Conn) error {
		if _, err := io.WriteString(conn, "AMQP\x00\x00\x09\x01"); err != nil {
			return err
		}
		var header [7]byte
		if _, err := io.ReadFull(conn, header[:]); err != nil {
			return err
		}
		size := binary.BigEndian.Uint32(header[3:])
		if header[0] != 1 || size > maxAnswer {
			return errors.New("it is no AMQP 0.9.1 broker")
		}
		frame := make([]byte, size)
		if _, err := io.ReadFull(conn, frame); err != nil {
			return err
		}
		properties, err := startProperties(frame)
		if err != nil {
			return err
		}
		if properties["version"] == "" {
			return errors.New("it does not tell its version")
		}
		s = Service{strings.ToLower(properties["product"]), properties["version"]}
		return nil
	})
	return s, err
}

// startProperties reads the texts in the server-properties table of a connection.start method.
func startProperties(frame []byte) (map[string]string, error) {
	errFrame := errors.New("its greeting is no connection.start")
	// Class 10, method 10, version major and minor, then the table's length.
	if len(frame) < 10 || binary.BigEndian.Uint32(frame) != 10<<16|10 {
		return nil, errFrame
	}
	size := binary.BigEndian.Uint32(frame[6:])
	table := frame[10:]
	if uint64(size) > uint64(len(table)) {
		return nil, errFrame
	}
	table = table[:size]
	texts := map[string]string{}
	for len(table) > 0 {
		nameEnd := 1 + int(table[0])
		if len(table) < nameEnd+1 {
			return nil, errFrame
		}
		name, kind := string(table[1:nameEnd]), table[nameEnd]
		table = table[nameEnd+1:]
		length, prefix := 1, 0
		if kind == 'S' || kind == 'F' {
			if len(table) < 4 {
				return nil, errFrame
			}
			length, prefix = int(binary.BigEndian.Uint32(table)), 4
		} else if kind != 't' {
			return texts, nil // a type that no text comes behind: what was read so far will do
		}
		if length < 0 || len(table)-prefix < length {
			return nil, errFrame
		}
		if kind == 'S' {
			texts[name] = string(table[prefix : prefix+length])
		}
		table = table[prefix+length:]
	}
	return texts, nil
}

// PHP is what a php binary says of itself.
type PHP struct {
	Version    string   `json:"version"`
	Extensions []string `json:"extensions"`
	// MemoryLimit is php.ini's text, like 2G or -1.
	MemoryLimit string `json:"memory_limit"`
}

const phpProgram = `echo json_encode(["version" => PHP_VERSION, "extensions" => array_map("strtolower", get_loaded_extensions()), "memory_limit" => ini_get("memory_limit")]);`

// AskPHP runs a php binary, without a shell and within the context's time.
func AskPHP(ctx context.Context, binary string) (PHP, error) {
	var p PHP
	cmd := exec.CommandContext(ctx, binary, "-r", phpProgram) //nolint:gosec // the user names the binary
	cmd.WaitDelay = time.Second
	out := limitedBuffer{left: maxAnswer}
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return p, fmt.Errorf("running %s: %w", binary, err)
	}
	p, ok := phpAnswer(out.Bytes())
	if !ok {
		return p, fmt.Errorf("%s is no php: its answer has no version", binary)
	}
	return p, nil
}

// phpAnswer reads what phpProgram prints. Warnings that php.ini sends to standard output come before it.
func phpAnswer(text []byte) (p PHP, ok bool) {
	if i := bytes.IndexByte(text, '{'); i > 0 {
		text = text[i:]
	}
	err := json.Unmarshal(text, &p)
	return p, err == nil && p.Version != ""
}

// limitedBuffer keeps the beginning and drops the rest.
type limitedBuffer struct {
	bytes.Buffer
	left int
}

// Write implements io.Writer.
func (b *limitedBuffer) Write(p []byte) (int, error) {
	keep := p[:min(len(p), b.left)]
	b.left -= len(keep)
	b.Buffer.Write(keep)
	return len(p), nil
}
