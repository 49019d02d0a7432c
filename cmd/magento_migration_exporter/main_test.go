package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
)

// server holds both databases of these tests.
var server *mysqltest.Server

// asProgram is the variable that makes this test binary the exporter itself, for tests that need a process of its own.
const asProgram = "MAGENTO_MIGRATION_EXPORTER_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	_ = os.Setenv("TERM", "xterm") // for the tests that have a terminal
	os.Exit(runTests(m))
}

// runTests fails the tests too when they leave a goroutine or an open file behind, after all daemons have ended.
func runTests(m *testing.M) int {
	if mysqltest.Fuzzing() {
		return m.Run()
	}
	left, err := shoptest.Watch()
	if err == nil {
		err = startServer()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := errors.Join(server.Stop(), left()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

func startServer() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if server, err = mysqltest.Start(ctx, mysqltest.Options{}); err != nil {
		return err
	}
	shops := map[string]string{"magento1": mysqltest.Magento1(""), "magento2": mysqltest.Magento2("")}
	for name, script := range shops {
		if err := server.Load(ctx, name, script); err != nil {
			return errors.Join(err, server.Stop())
		}
	}
	if err := server.Exec(ctx, "GRANT ALL ON *.* TO tool@'%' IDENTIFIED BY 'pa55'"); err != nil {
		return errors.Join(err, server.Stop())
	}
	return nil
}

// patience is how long anything may take on a machine that does much else.
const patience = 5 * time.Minute

// waived lets pass what these tests give no evidence of.
const waived = `
    waivers:
      - {precondition: system_requirements, reason: test, expires: 2999-01-01}
      - {precondition: topology, reason: test, expires: 2999-01-01}
      - {precondition: extensions, reason: test, expires: 2999-01-01}
      - {precondition: migration_tool, reason: test, expires: 2999-01-01}
      - {precondition: backup, reason: test, expires: 2999-01-01}
      - {precondition: migration_run, reason: test, expires: 2999-01-01}
`

// entry is a migration on the test's server.
func entry(name, password, more string) string {
	login := fmt.Sprintf("host: 127.0.0.1, port: %d, user: tool, password: %q", server.Port(), password)
	return fmt.Sprintf(`
  - name: %s
    magento1: {database: {name: magento1, %s}}
    magento2: {database: {name: magento2, %s}}
    preconditions: {cron_stopped: {crontabs: [], processes: false}}%s`, name, login, login, more)
}

func writeConfig(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yml")
	rewrite(t, path, content)
	return path
}

func rewrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fast evaluates each second, which is most of what these tests cost, and each evaluation may take as long as a busy
// machine needs.
const fast = "global: {evaluation_interval: 1s, evaluation_timeout: 5m}\nmigrations:"

// once is fast for tests to which the first evaluation is enough.
const once = "global: {evaluation_interval: 1h, evaluation_timeout: 5m}\nmigrations:"

func TestCommandLine(t *testing.T) {
	t.Parallel()
	good := writeConfig(t, once+entry("acme", "pa55", waived))
	bad := writeConfig(t, "migrations:\n- name: a\n  magneto1: {}\n")
	for _, tc := range []struct {
		name   string
		args   []string
		code   int
		output string
	}{
		{"version", []string{"--version"}, 0, program},
		{"help", []string{"--help"}, 0, "--config.file"},
		{"no arguments", nil, 1, "--config.file"},
		{"unknown flag", []string{"--config.file=" + good, "--nonsense"}, 1, "--nonsense"},
		{"no file", []string{"--config.file=/nowhere"}, 1, "/nowhere"},
		{"bad file", []string{"--config.file=" + bad}, 1, bad + `:3:3: unknown key "magneto1"`},
		{"bad file, check", []string{"check", "--config.file=" + bad}, 1, bad + ":3:3"},
		{"config check", []string{"--config.file=" + good, "--config.check"}, 0, "is valid: 1 migration"},
		{"unknown migration", []string{"check", "--config.file=" + good, "--migration=other"}, 1, "--migration=other"},
		{"bad format", []string{"check", "--config.file=" + good, "--format=xml"}, 1, "'xml'"},
		{"bad timeout", []string{"check", "--config.file=" + good, "--timeout=0s"}, 1, "above zero"},
		{"bad path", []string{"--config.file=" + good, "--web.listen-address=127.0.0.1:0", "--web.telemetry-path=metrics"}, 1, "--web.telemetry-path=metrics"},
		{"path in use", []string{"--config.file=" + good, "--web.listen-address=127.0.0.1:0", "--web.telemetry-path=/probe"}, 1, "--web.telemetry-path=/probe"},
		{"bad url", []string{"--config.file=" + good, "--web.listen-address=127.0.0.1:0", "--web.external-url=here"}, 1, "--web.external-url=here"},
		{"ready", []string{"check", "--timeout=10m", "--config.file=" + good}, 0, "acme: Ready, with "},
		{"json", []string{"check", "--timeout=10m", "--config.file=" + good, "--format=json"}, 0, `"ready": true`},
		{"markdown", []string{"check", "--timeout=10m", "--config.file=" + good, "--format=markdown"}, 0, "# Migration readiness"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if code := run(t.Context(), tc.args, &out, &out); code != tc.code ||
				!strings.Contains(out.String(), tc.output) {
				t.Errorf("exit code %d, want %d; output %q, want %q in it", code, tc.code, out.String(), tc.output)
			}
			if strings.Contains(out.String(), "pa55") {
				t.Error("the password was printed")
			}
		})
	}
}

func TestCheckExitCodes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		config string
		args   []string
		code   int
	}{
		"unknown":               {once + entry("a", "pa55", strings.Replace(waived, "precondition: topology", "precondition: m2_entities", 1)), nil, 3},
		"fail":                  {once + entry("a", "wrong", ""), nil, 2},
		"the worst of all":      {once + entry("a", "pa55", waived) + entry("b", "wrong", ""), nil, 2},
		"only the chosen":       {once + entry("a", "pa55", waived) + entry("b", "wrong", ""), []string{"--migration=a"}, 0},
		"a warning":             {once + strings.Replace(entry("a", "pa55", waived), "host: 127.0.0.1", "host: localhost, socket: "+server.Socket(), 1), nil, 0},
		"a rehearsal":           {once + entry("a", "pa55", waived), []string{"--phase=cutover"}, 2},
		"of the same phase":     {once + entry("a", "pa55", waived), []string{"--phase=prepare"}, 0},
		"no phase":              {once + entry("a", "pa55", waived), []string{"--phase=auto"}, 1},
		"a warning with strict": {once + strings.Replace(entry("a", "pa55", waived), "host: 127.0.0.1", "host: localhost, socket: "+server.Socket(), 1), []string{"--strict"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			args := append([]string{"check", "--timeout=10m", "--config.file=" + writeConfig(t, tc.config)}, tc.args...)
			if code := run(t.Context(), args, &out, &out); code != tc.code {
				t.Errorf("exit code %d, want %d\n%s", code, tc.code, out.String())
			}
		})
	}
}

// daemon is the program serving, in this process or in one of its own.
type daemon struct {
	t       *testing.T
	base    string
	stop    func() int
	logs    *lockedBuffer
	client  *http.Client
	request func(*http.Request)
	// process is set by startProcess.
	process *os.Process
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// listening finds the address in either form of the log.
var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)|"address":"([^"]+)"`)

func startDaemon(t *testing.T, configFile string, args ...string) *daemon {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	return newDaemon(t, cancel, func(d *daemon) int {
		return run(
			ctx,
			append([]string{"--config.file=" + configFile, "--web.listen-address=127.0.0.1:0"}, args...),
			io.Discard,
			d.logs,
		)
	})
}

// binary is the path of this test binary, which is the program where asProgram is set.
func binary(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// startProcess starts the program in a process of its own, whose signals and figures are its alone.
func startProcess(t *testing.T, configFile string, args ...string) *daemon {
	t.Helper()
	cmd := exec.Command(
		binary(t),
		append([]string{"--config.file=" + configFile, "--web.listen-address=127.0.0.1:0"}, args...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	end := func() {
		if cmd.Process != nil {
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	d := newDaemon(t, end, func(d *daemon) int {
		// The kernel sends the signal when the thread that forked ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd.Stderr = d.logs
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			return -1
		}
		// Where this binary has the race detector, the process has it too.
		if strings.Contains(d.logs.String(), "DATA RACE") {
			t.Errorf("the race detector found something:\n%s", d.logs)
		}
		return cmd.ProcessState.ExitCode()
	})
	d.process = cmd.Process
	return d
}

func newDaemon(t *testing.T, end func(), run func(*daemon) int) *daemon {
	t.Helper()
	d := &daemon{
		t:    t,
		logs: &lockedBuffer{},
		client: &http.Client{
			Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
			Timeout:   patience,
		},
	}
	code := make(chan int, 1)
	go func() { code <- run(d) }()
	d.stop = sync.OnceValue(func() int {
		end()
		select {
		case c := <-code:
			return c
		case <-time.After(patience):
			t.Errorf("the daemon did not stop within %s\n%s", patience, d.logs)
			return -1
		}
	})
	t.Cleanup(func() { d.stop(); d.client.CloseIdleConnections() })
	d.eventually("it listens", func() bool {
		m := listening.FindStringSubmatch(d.logs.String())
		if m == nil {
			return false
		}
		d.base = "http://" + m[1] + m[2]
		return true
	})
	return d
}

func (d *daemon) eventually(what string, is func() bool) {
	d.t.Helper()
	// Most ask the daemon, which costs more than what is waited for.
	pause := 5 * time.Millisecond
	for deadline := time.Now().Add(patience); !is(); time.Sleep(pause) {
		pause = min(2*pause, 100*time.Millisecond)
		if time.Now().After(deadline) {
			d.t.Fatalf("not within %s: %s\n%s", patience, what, d.logs)
		}
	}
}

// do sends a request and returns status and body.
func (d *daemon) do(method, path string) (int, string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.base+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	if d.request != nil {
		d.request(req)
	}
	resp, err := d.client.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (d *daemon) want(method, path string, code int, words ...string) string {
	d.t.Helper()
	got, body := d.do(method, path)
	if got != code {
		d.t.Errorf("%s %s: %d, want %d: %.200s", method, path, got, code, body)
	}
	for _, w := range words {
		if !strings.Contains(body, w) {
			d.t.Errorf("%s %s: no %q in it: %.300s", method, path, w, body)
		}
	}
	return body
}

func (d *daemon) ready() {
	d.t.Helper()
	d.eventually("it is ready", func() bool { code, _ := d.do("GET", "/-/ready"); return code == 200 })
}

func TestBasicAuth(t *testing.T) {
	t.Parallel()
	// The password is "test", hashed as cheaply as bcrypt can: the race detector makes it slow.
	webConfig := writeConfig(
		t,
		"basic_auth_users:\n  prom: $2a$04$.wj.4NwZ/AIYBgBhi17LBeU5rMhvqgaKNRNB8r5VJybS1pPD62.di\n",
	)
	d := startDaemon(
		t,
		writeConfig(t, once+entry("acme", "pa55", waived)),
		"--web.config.file="+webConfig,
		"--web.enable-lifecycle",
	)
	for _, path := range []string{"/", "/metrics", "/probe?target=acme", "/api/v1/readiness", "/docs/preconditions", "/-/healthy", "/-/ready", "/static/style.css"} {
		d.want("GET", path, 401)
	}
	d.want("POST", "/-/reload", 401)
	d.request = func(r *http.Request) { r.SetBasicAuth("prom", "test") }
	d.ready()
	d.want("GET", "/metrics", 200)
}

func TestPagesCarryAPolicy(t *testing.T) {
	t.Parallel()
	d := startDaemon(
		t,
		writeConfig(t, once+entry("acme", "pa55", waived)),
		"--web.external-url=https://x.example/base/",
	)
	resp, err := d.client.Get(d.base + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	policy := resp.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if !strings.Contains(string(body), `href="/base/static/style.css"`) {
		t.Errorf("links do not have the external URL's path: %.300s", body)
	}
}

func TestServingOpenlyIsWarnedAbout(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	logs := &lockedBuffer{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(
			ctx,
			[]string{
				"--config.file=" + writeConfig(t, once+entry("acme", "pa55", waived)),
				"--web.listen-address=0.0.0.0:0",
			},
			io.Discard,
			logs,
		)
	}()
	// The warning comes before it.
	for deadline := time.Now().Add(patience); !strings.Contains(logs.String(), "Listening on"); {
		if time.Sleep(5 * time.Millisecond); time.Now().After(deadline) {
			t.Error("it does not listen")
			break
		}
	}
	cancel()
	<-done
	if !strings.Contains(logs.String(), "without TLS or login") {
		t.Errorf("no warning: %s", logs)
	}
}
