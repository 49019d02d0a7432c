// Package acceptance_test tests the exporter from the outside, as its users meet it: the program that go build makes,
// on real databases, looked at with a real browser.
package acceptance_test

import (
	"bytes"
	"context"
	"flag"
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
)

var (
	update = flag.Bool("update", false,
		"write what is compared: the rendered documentation and the README's pictures")
	screenshots = flag.Bool("screenshots", false, "keep pictures of the pages in test-output/browser")
)

// What all tests share: the program and the databases magento1 and magento2 on one server.
var (
	exporter string
	server   *mysqltest.Server
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "acceptance-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if err := prepare(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = server.Stop() }()
		return m.Run()
	}())
}

// prepare builds the program into a directory, and starts the server.
func prepare(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	exporter = filepath.Join(dir, "magento_migration_exporter")
	// Without the race detector: TestAllAtOnce of the program's own package has the whole program under it.
	build := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", exporter, "./cmd/magento_migration_exporter")
	build.Dir = repository
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the exporter: %w\n%s", err, output)
	}
	var err error
	if server, err = mysqltest.Start(ctx, mysqltest.Options{}); err != nil {
		return err
	}
	shops := map[string]string{"magento1": mysqltest.Magento1(""), "magento2": mysqltest.Magento2("")}
	for name, script := range shops {
		if err := server.Load(ctx, name, script); err != nil {
			return err
		}
	}
	return server.Exec(ctx, "GRANT ALL ON *.* TO tool@'%' IDENTIFIED BY 'pa55'")
}

// repository is the project's folder: a test's working directory is its package's.
const repository = "../.."

// account may do on magento1 all, and on magento2 all but INSERT, which grant gives and revoke takes.
type account struct {
	t    *testing.T
	name string
}

func newAccount(t *testing.T, name string) account {
	t.Helper()
	a := account{t, name}
	a.exec("CREATE USER %s IDENTIFIED BY 'pa55'", "GRANT ALL ON magento1.* TO %s", "GRANT ALL ON magento2.* TO %s")
	t.Cleanup(func() {
		if err := server.Exec(context.Background(), "DROP USER "+a.quoted()); err != nil {
			t.Error(err)
		}
	})
	a.revoke()
	return a
}

func (a account) quoted() string { return "'" + a.name + "'@'%'" }
func (a account) grant()         { a.t.Helper(); a.exec("GRANT INSERT ON magento2.* TO %s") }
func (a account) revoke()        { a.t.Helper(); a.exec("REVOKE INSERT ON magento2.* FROM %s") }

func (a account) exec(statements ...string) {
	a.t.Helper()
	for _, s := range statements {
		if err := server.Exec(a.t.Context(), fmt.Sprintf(s, a.quoted())); err != nil {
			a.t.Fatal(err)
		}
	}
}

// waived lets pass what these tests give no evidence of, but for the preconditions that are named.
func waived(but ...string) string {
	var b strings.Builder
	b.WriteString("    waivers:\n")
	unseen := []string{"system_requirements", "topology", "extensions", "migration_tool", "backup", "migration_run"}
	for _, id := range unseen {
		if !strings.Contains(strings.Join(but, " "), id) {
			b.WriteString(waiver("precondition: " + id + ", reason: test"))
		}
	}
	return b.String()
}

// waiver is one of a list of them, which does not end.
func waiver(keys string) string { return "      - {" + keys + ", expires: 2999-01-01}\n" }

// entry is a migration on the tests' server, in the configuration's words; more are its other keys.
func entry(name, user string, more ...string) string {
	login := fmt.Sprintf("host: 127.0.0.1, port: %d, user: %s, password: pa55", server.Port(), user)
	return fmt.Sprintf(`  - name: %s
    magento1: {database: {name: magento1, %s}}
    magento2: {database: {name: magento2, %s}}
    preconditions: {cron_stopped: {crontabs: [], processes: false}}
`, name, login, login) + strings.Join(more, "")
}

// configuration evaluates each second, and each evaluation may take as long as a busy machine needs.
func configuration(entries ...string) string {
	const global = "global: {evaluation_interval: 1s, evaluation_timeout: 10m}\nmigrations:\n"
	return global + strings.Join(entries, "")
}

// daemon is the program serving.
type daemon struct {
	t *testing.T
	// base is its URL, without a slash at the end.
	base string
	logs *lockedBuffer
	// stop ends the program and returns its exit code.
	stop func() int
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

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

func start(t *testing.T, config string, args ...string) *daemon {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"--config.file=" + file, "--web.listen-address=127.0.0.1:0"}, args...)
	cmd := exec.Command(exporter, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	d := &daemon{t: t, logs: &lockedBuffer{}}
	cmd.Stderr = d.logs
	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		// The kernel sends the signal when the thread that forked ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in cmd.ProcessState
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	d.stop = sync.OnceValue(func() int {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		return cmd.ProcessState.ExitCode()
	})
	t.Cleanup(func() { d.stop() })
	eventually(t, "it listens", func() bool {
		m := listening.FindStringSubmatch(d.logs.String())
		if m != nil {
			d.base = "http://" + m[1]
		}
		return m != nil
	}, d.logs)
	return d
}

// limit is for machines that do much else: no test needs a part of it.
const limit = 3 * time.Minute

func eventually(t *testing.T, what string, is func() bool, more ...any) {
	t.Helper()
	for deadline := time.Now().Add(limit); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s\n%v", limit, what, more)
		}
	}
}

// get returns what the program serves at a path.
func (d *daemon) get(path string) (*http.Response, string) {
	d.t.Helper()
	resp, err := http.Get(d.base + path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp, string(body)
}

// shows waits until a page has a text.
func (d *daemon) shows(path, text string) {
	d.t.Helper()
	eventually(d.t, path+" shows "+text, func() bool {
		_, body := d.get(path)
		return strings.Contains(body, text)
	}, d.logs)
}
