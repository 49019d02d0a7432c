package requirements

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBuiltInTable(t *testing.T) {
	t.Parallel()
	table, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		release, component, version string
		supported, named            bool
	}{
		{"2.4.7-p3", "mariadb", "10.6.19", true, true},
		{"2.4.7-p3", "mariadb", "10.11.6", false, true},
		{"2.4.7-p6", "mariadb", "10.11.6", true, true},
		{"2.4.7-p3", "mysql", "8.0.40", true, true},
		{"2.4.7-p3", "php", "8.2.36", true, true},
		{"2.4.7-p3", "php", "8.1.0", false, true},
		{"2.4.4-p18", "mysql", "8.0.40", false, false},
		{"2.4.8", "opensearch", "2.19.1", true, true},
		{"2.4.9", "elasticsearch", "8.11.0", false, false},
		{"2.3.5", "mysql", "5.7.44", true, true},
		{"2.4.8-p5", "composer", "2.10.1", true, true},
		{"2.4.8-p4", "composer", "2.9.2", false, true},
		{"2.4.8-p4", "composer", "2.11.0", true, true},
	} {
		r, ok := ParseRelease(tc.release)
		if !ok {
			t.Fatal(tc.release)
		}
		row, ok := table.Row(r)
		if !ok {
			t.Errorf("no row for %s", tc.release)
		}
		if supported, named := row.Supports(tc.component, tc.version); supported != tc.supported || named != tc.named {
			t.Errorf("%s with %s %s: supported %v, named %v", tc.release, tc.component, tc.version, supported, named)
		}
	}
	for release := range table.Releases {
		if r, _ := ParseRelease(release); r.Compare(Release{2, 3, 0, 0}) < 0 || r.Compare(Release{2, 4, 9, 99}) > 0 {
			t.Errorf("release %s", release)
		}
	}
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x: 1", "releases: {new: {php: ['8']}}", "releases: {2.4.7: {php: [eight]}}", "releases: [1]"} {
		if _, err := Parse([]byte(text)); err == nil && text != "" {
			t.Errorf("%q was accepted", text)
		}
	}
	path := filepath.Join(t.TempDir(), "own.yml")
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(path, []byte("releases: {2.4.7-p3: {mariadb: ['10.11']}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	own, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := own.Releases["2.4.7-p3"].Supports("mariadb", "10.11.2"); !ok {
		t.Error("the user's own table was not used")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("releases: {2.4.7-p3: {mariadb: ['10.11', '11+']}}"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		table, err := Parse(data)
		if err == nil {
			for _, row := range table.Releases {
				row.Supports("php", "8.1")
			}
		}
	})
}

func FuzzStartProperties(f *testing.F) {
	f.Add([]byte("\x00\x0a\x00\x0a\x00\x09\x00\x00\x00\x10\x07versionS\x00\x00\x00\x03" + "1.2"))
	f.Fuzz(func(_ *testing.T, frame []byte) { _, _ = startProperties(frame) })
}

func FuzzRedisService(f *testing.F) {
	f.Add("# Server\r\nredis_version:7.0.15\r\n")
	f.Fuzz(func(_ *testing.T, info string) { _, _ = redisService(info) })
}

func FuzzPHPAnswer(f *testing.F) {
	f.Add([]byte("PHP Warning: x\n{\"version\":\"8.2.1\",\"extensions\":[\"intl\"],\"memory_limit\":\"2G\"}"))
	f.Add([]byte("{\"version\": 8}{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if p, ok := phpAnswer(text); ok && (p.Version == "" || !bytes.Contains(text, []byte("{"))) {
			t.Errorf("%q is %+v", text, p)
		}
	})
}

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// answering serves one answer over HTTP.
func answering(t *testing.T, status int, header, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if header != "" {
			w.Header().Set("Via", header)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestSearch(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status     int
		body, want string
	}{
		{200, `{"version": {"distribution": "opensearch", "number": "2.12.0"}}`, "opensearch 2.12.0"},
		{200, `{"version": {"number": "8.11.1"}}`, "elasticsearch 8.11.1"},
		{401, `{}`, "wants a login"},
		{500, `{}`, "500"},
		{200, `{}`, "no search engine"},
		{200, `<html>`, "reading the answer"},
		{302, ``, "302"},
	} {
		got, err := Search(limited(t), answering(t, tc.status, "", tc.body))
		if text := got.String() + fmt.Sprint(err); !strings.Contains(text, tc.want) {
			t.Errorf("%d %s: %s, want %s", tc.status, tc.body, text, tc.want)
		}
	}
	_, err := Search(limited(t), "http://user:canary@127.0.0.1:1/?token=canary")
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
	for _, endpoint := range []string{"redis:6379", "ftp://x/", "://", ""} {
		if _, err := Search(limited(t), endpoint); err == nil {
			t.Errorf("%q was accepted", endpoint)
		}
	}
}

func TestVarnish(t *testing.T) {
	t.Parallel()
	if got, err := Varnish(limited(t), answering(t, 503, "1.1 web (Varnish/7.5)", "")); err != nil || got.String() != "varnish 7.5" {
		t.Errorf("%s %v", got, err)
	}
	if got, err := Varnish(limited(t), answering(t, 200, "1.1 nginx", "")); err == nil {
		t.Errorf("%s", got)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// start runs a server until the test ends.
func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	// A group of its own, since some servers are started by scripts that stay.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
}

// eventually asks until there is an answer.
func eventually(t *testing.T, limit time.Duration, ask func(context.Context) (Service, error)) (s Service) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		s, err = ask(ctx)
		cancel()
		if err == nil {
			return s
		}
	}
	t.Fatal(err)
	return s
}

func TestRealRedis(t *testing.T) {
	t.Parallel()
	port := strconv.Itoa(freePort(t))
	socket := filepath.Join(t.TempDir(), "r.sock")
	start(t, exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--unixsocket", socket, "--save", "", "--dir", t.TempDir(), "--requirepass", "pa55"))
	s := eventually(t, 10*time.Second, func(ctx context.Context) (Service, error) { return Redis(ctx, "127.0.0.1:"+port, "pa55") })
	if s.Product != "redis" && s.Product != "valkey" || !strings.Contains(s.Version, ".") {
		t.Errorf("%s", s)
	}
	if again, err := Redis(limited(t), socket, "pa55"); err != nil || again != s {
		t.Errorf("over the socket: %s %v", again, err)
	}
	for _, password := range []string{"", "wrong"} {
		if _, err := Redis(limited(t), "127.0.0.1:"+port, password); err == nil || !strings.Contains(err.Error(), "login") {
			t.Errorf("password %q: %v", password, err)
		}
	}
}

func TestRedisServiceOfValkey(t *testing.T) {
	t.Parallel()
	if s, err := redisService("# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\n"); err != nil || s.String() != "valkey 8.1.0" {
		t.Errorf("%s %v", s, err)
	}
	if _, err := redisService("nothing"); err == nil {
		t.Error("accepted nothing")
	}
}

func TestRealRabbitMQ(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), freePort(t)
	cmd := exec.Command("/usr/lib/rabbitmq/bin/rabbitmq-server")
	cmd.Env = append(os.Environ(), "RABBITMQ_NODENAME=test"+strconv.Itoa(port)+"@localhost", "RABBITMQ_NODE_PORT="+strconv.Itoa(port), "RABBITMQ_DIST_PORT="+strconv.Itoa(freePort(t)),
		"RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", "RABBITMQ_BASE="+dir, "RABBITMQ_MNESIA_BASE="+dir, "RABBITMQ_LOG_BASE="+dir, "RABBITMQ_PID_FILE="+dir+"/pid",
		"RABBITMQ_ENABLED_PLUGINS_FILE="+dir+"/plugins", "RABBITMQ_CONF_ENV_FILE="+dir+"/none", "HOME="+dir, "ERL_EPMD_ADDRESS=127.0.0.1")
	epmd := strconv.Itoa(freePort(t))
	cmd.Env = append(cmd.Env, "ERL_EPMD_PORT="+epmd)
	// The broker would start the port mapper as a daemon, which stays.
	start(t, exec.Command("epmd", "-port", epmd, "-address", "127.0.0.1"))
	start(t, cmd)
	s := eventually(t, 90*time.Second, func(ctx context.Context) (Service, error) {
		return RabbitMQ(ctx, "127.0.0.1:"+strconv.Itoa(port))
	})
	if s.Product != "rabbitmq" || !strings.Contains(s.Version, ".") {
		t.Errorf("%s", s)
	}
}

func TestWrongServers(t *testing.T) {
	t.Parallel()
	web := strings.TrimPrefix(answering(t, 200, "", "hello"), "http://")
	if _, err := RabbitMQ(limited(t), web); err == nil {
		t.Error("a web server is no broker")
	}
	if _, err := Redis(limited(t), web, ""); err == nil {
		t.Error("a web server is no Redis")
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := Redis(ctx, silent.Addr().String(), ""); err == nil || time.Since(begin) > time.Second {
		t.Errorf("a silent server took %s: %v", time.Since(begin), err)
	}
}

func TestRealPHP(t *testing.T) {
	t.Parallel()
	p, err := AskPHP(limited(t), "php")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := parseVersion(p.Version); !ok || len(p.Extensions) < 5 || p.MemoryLimit == "" {
		t.Errorf("%+v", p)
	}
	for _, binary := range []string{"/nowhere/php", "/bin/true", "/bin/cat"} {
		if got, err := AskPHP(limited(t), binary); err == nil {
			t.Errorf("%s: %+v", binary, got)
		}
	}
	hung := filepath.Join(t.TempDir(), "php")
	if err := os.WriteFile(hung, []byte("#!/bin/sh\nsleep 60\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := AskPHP(ctx, hung); err == nil || time.Since(begin) > 5*time.Second {
		t.Errorf("took %s: %v", time.Since(begin), err)
	}
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://os:9200": "http://os:9200", "http://os:9200/": "http://os:9200/", "os:9200": "os:9200", "/run/redis.sock": "/run/redis.sock", "[::1]:6379": "[::1]:6379",
		"http://u:p@os:9200": "http://…@os:9200", "https://os/p?t=p#p": "https://os/…", "u:p@os": "…@os", "http://u:p/p@os": "http://…@os", "http://u:p?p@os": "http://…@os", "http://u:%zz@os": "http://…@os",
		"redis://:p@r:6379/0": "redis://…@r:6379/…", "//u:p@os": "…@os", "/run/u:p@r.sock": "…@r.sock", "u:p@x://os": "…@x:/…", "u:p://x@os": "…@os", "os:1?p": "os:1/…", "": "",
	} {
		if got := Redacted(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func TestSatisfies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		version, constraint string
		want                bool
	}{
		{"8.2.36", "~8.2.0||~8.3.0", true}, {"8.4.1", "~8.2.0||~8.3.0", false}, {"8.3.0", "~8.2.0 || ~8.3.0", true},
		{"8.9", "~8.2", true}, {"9.0", "~8.2", false}, {"7.4.33", "^7.2", true}, {"8.0", "^7.2", false}, {"0.3.1", "^0.3", true}, {"0.4", "^0.3", false},
		{"8.1.5", ">=7.4 <8.2", true}, {"8.2.0", ">=7.4,<8.2", false}, {"8.1.5", "8.1.*", true}, {"8.2", "8.1.*", false}, {"8.2", "*", true}, {"8.2.1", "!=8.2.1", false},
	} {
		if got, err := Satisfies(tc.version, tc.constraint); err != nil || got != tc.want {
			t.Errorf("%s %s: %v %v", tc.version, tc.constraint, got, err)
		}
	}
	for _, constraint := range []string{"", "dev-main", "~8.2 as x", "@stable", "|", "8.2-beta"} {
		if got, err := Satisfies("8.2.0", constraint); err == nil {
			t.Errorf("%q: %v", constraint, got)
		}
	}
}

func FuzzSatisfies(f *testing.F) {
	f.Add("8.2.36", "~8.2.0||~8.3.0")
	f.Fuzz(func(_ *testing.T, version, constraint string) { _, _ = Satisfies(version, constraint) })
}

// TestRedisErrorsDoNotEchoThePassword: a Redis whose AUTH was renamed away repeats the command's arguments in its error.
func TestRedisErrorsDoNotEchoThePassword(t *testing.T) {
	t.Parallel()
	port := strconv.Itoa(freePort(t))
	start(t, exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir(), "--rename-command", "AUTH", ""))
	eventually(t, 10*time.Second, func(ctx context.Context) (Service, error) { return Redis(ctx, "127.0.0.1:"+port, "") })
	_, err := Redis(limited(t), "127.0.0.1:"+port, "canary")
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
}
