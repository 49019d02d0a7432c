package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
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
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/report"
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

func TestCommandLine(t *testing.T) {
	t.Parallel()
	good := writeConfig(t, fast+entry("acme", "pa55", waived))
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
		"unknown":               {fast + entry("a", "pa55", strings.Replace(waived, "precondition: topology", "precondition: m2_entities", 1)), nil, 3},
		"fail":                  {fast + entry("a", "wrong", ""), nil, 2},
		"the worst of all":      {fast + entry("a", "pa55", waived) + entry("b", "wrong", ""), nil, 2},
		"only the chosen":       {fast + entry("a", "pa55", waived) + entry("b", "wrong", ""), []string{"--migration=a"}, 0},
		"a warning":             {fast + strings.Replace(entry("a", "pa55", waived), "host: 127.0.0.1", "host: localhost, socket: "+server.Socket(), 1), nil, 0},
		"a rehearsal":           {fast + entry("a", "pa55", waived), []string{"--phase=cutover"}, 2},
		"of the same phase":     {fast + entry("a", "pa55", waived), []string{"--phase=prepare"}, 0},
		"no phase":              {fast + entry("a", "pa55", waived), []string{"--phase=auto"}, 1},
		"a warning with strict": {fast + strings.Replace(entry("a", "pa55", waived), "host: 127.0.0.1", "host: localhost, socket: "+server.Socket(), 1), []string{"--strict"}, 2},
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

// startProcess starts the program in a process of its own, whose signals and figures are its alone.
func startProcess(t *testing.T, configFile string, args ...string) *daemon {
	t.Helper()
	cmd := exec.Command(
		os.Args[0],
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

func TestServe(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, writeConfig(t, fast+entry("acme", "pa55", waived)+entry("other", "wrong", "")))
	d.want("GET", "/-/healthy", 200)
	d.ready()
	d.want(
		"GET",
		"/metrics",
		200,
		`magento_migration_ready{migration="acme"} 1`,
		`magento_migration_ready{migration="other"} 0`,
		"magento_migration_exporter_build_info",
		"go_goroutines",
	)
	if body := d.want("GET", "/metrics?scope=exporter", 200, "process_open_fds"); strings.Contains(body, "acme") {
		t.Error("scope=exporter has migrations")
	}
	d.want("GET", "/metrics?scope=all", 400, "the only scope is exporter")
	if body := d.want("GET", "/probe?target=acme", 200, `magento_migration_ready{migration="acme"} 1`); strings.Contains(
		body,
		`"other"`,
	) {
		t.Error("/probe has other migrations")
	}
	d.want("GET", "/probe?target=none", 400, `"none"`)
	d.want("GET", "/probe", 400)
	d.want("GET", "/api/v1/readiness?migration=none", 400, `"none"`)
	d.want("GET", "/api/v1/readiness?migration=", 400)
	d.want("GET", "/", 200, "acme", "other", "denies access")
	d.want("GET", "/migrations/acme", 200, "acme")
	d.want("GET", "/migrations/none", 400, "none")
	d.want("GET", "/docs/preconditions", 200, `id="binlog_trust"`)
	d.want("GET", "/docs/none", 404)
	d.want("GET", "/static/style.css", 200, "body")
	d.want("GET", "/static/overview.html", 404)
	d.want("GET", "/nowhere", 404)
	d.want("POST", "/metrics", 405)
	d.want("GET", "/debug/pprof/", 404)
	d.want("POST", "/-/reload", 403, "--web.enable-lifecycle")

	var doc report.Readiness
	if err := json.Unmarshal([]byte(d.want("GET", "/api/v1/readiness", 200)), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Ready || len(doc.Migrations) != 2 || !doc.Migrations[0].Ready ||
		len(doc.Migrations[0].Preconditions) != len(precondition.All()) {
		t.Errorf("%+v", doc)
	}
	if code := d.stop(); code != 0 {
		t.Errorf("exit code %d after a signal", code)
	}
	if log := d.logs.String(); strings.Contains(log, "pa55") || !strings.Contains(log, "stopping") {
		t.Errorf("log: %s", log)
	}
}

func TestTransitionsAreLogged(t *testing.T) {
	t.Parallel()
	if err := server.Load(t.Context(), "changing", mysqltest.Magento2("")); err != nil {
		t.Fatal(err)
	}
	d := startDaemon(
		t,
		writeConfig(t, fast+strings.Replace(entry("acme", "pa55", waived), "name: magento2", "name: changing", 1)),
	)
	d.ready()
	if err := server.Exec(t.Context(), "INSERT INTO changing.cms_block (title, identifier) VALUES ('x', 'x')"); err != nil {
		t.Fatal(err)
	}
	line := `msg="status changed" migration=acme precondition=m2_entities old=pass new=warn summary="Magento 2 has 1 new CMS block"`
	d.eventually("the change is logged", func() bool { return strings.Contains(d.logs.String(), line) })
	d.want(
		"GET",
		"/metrics",
		200,
		`magento_migration_precondition_status_changes_total{migration="acme",precondition="m2_entities"} 1`,
	)
}

func TestReload(t *testing.T) {
	t.Parallel()
	path := writeConfig(t, fast+entry("acme", "pa55", waived))
	d := startDaemon(t, path, "--web.enable-lifecycle", "--web.enable-pprof", "--log.format=json")
	d.ready()
	d.want("GET", "/debug/pprof/cmdline", 200)
	d.want("GET", "/-/reload", 405)
	rewrite(t, path, "migrations: oops")
	d.want("POST", "/-/reload", 500, path+":1:13")
	d.want(
		"GET",
		"/metrics",
		200,
		"magento_migration_exporter_config_last_reload_successful 0",
		`ready{migration="acme"} 1`,
	)
	rewrite(t, path, fast+entry("acme", "pa55", waived)+entry("second", "pa55", waived))
	d.want("POST", "/-/reload", 200)
	d.eventually("the second migration is there", func() bool {
		_, body := d.do("GET", "/metrics")
		return strings.Contains(body, `ready{migration="second"} 1`)
	})
	d.want("GET", "/metrics", 200, "magento_migration_exporter_config_last_reload_successful 1")
	rewrite(t, path, fast+entry("acme", "pa55", waived))
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	d.eventually(
		"the second migration is gone",
		func() bool { _, body := d.do("GET", "/metrics"); return !strings.Contains(body, `"second"`) },
	)
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
		writeConfig(t, fast+entry("acme", "pa55", waived)),
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
		writeConfig(t, fast+entry("acme", "pa55", waived)),
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
				"--config.file=" + writeConfig(t, fast+entry("acme", "pa55", waived)),
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

// TestCheckEndsWhileABackupIsBeingRead must not call a backup broken that is only slow to read.
func TestCheckEndsWhileABackupIsBeingRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m2.sql")
	rewrite(
		t,
		path,
		"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n"+strings.Repeat("-- nothing\n", 1_000_000),
	)
	content := strings.Replace(fast, "global: {", "global: {backup_read_bytes_per_second: 5000, ", 1) +
		strings.NewReplacer(
			"preconditions: {", "preconditions: {backup: {paths: ["+path+"]}, ",
			"precondition: backup", "precondition: network",
		).Replace(entry("acme", "pa55", waived))
	// A check waits for the backup until only the time of an evaluation is left.
	var out bytes.Buffer
	code := run(
		t.Context(),
		[]string{"check", "--timeout=5m2s", "--config.file=" + writeConfig(t, content)},
		&out,
		&out,
	)
	if code != exitUnknown || !strings.Contains(out.String(), "the backup is being read") {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
}
