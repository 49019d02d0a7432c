package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestReloadKeepsTheLastGood puts in the configuration's place all that cannot be one, also for root, who may read
// everything.
func TestReloadKeepsTheLastGood(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yml")
	const start = "global: {evaluation_interval: 100ms}\nmigrations: "
	const good = start + "[{name: a}, {name: b}]\n"
	link := func(target string) func() error { return func() error { return os.Symlink(target, path) } }
	write := func(content string) func() error {
		return func() error { return os.WriteFile(path, []byte(content), 0o600) }
	}
	rewrite(t, path, good)
	d := startProcess(t, path, "--web.enable-lifecycle")
	d.ready()
	last := d.wantReloaded(true, 0)
	for _, tc := range []struct {
		name, says string
		place      func() error
	}{
		{"no YAML", ":1:", write("migrations: [")},
		{"an unknown key", `unknown key "phases"`, write("migrations: [{name: a, phases: x}]\n")},
		{"the same name twice", "a second migration", write("migrations: [{name: a}, {name: a}]\n")},
		{"empty", "the file is empty", write("")},
		{"no migrations", "no migrations", write("global: {evaluation_interval: 100ms}\n")},
		{"cut off within a word", "did not find expected", write(good[:len(good)-12])},
		{"cut off before the list", "no migrations", write(start)},
		{"binary", "control characters", write("\x00\x01\x02\xff\xfe")},
		{"too large", "larger than 8 MiB", write(good + strings.Repeat("# large\n", 1<<20))},
		{"endless", "larger than 8 MiB", link("/dev/zero")},
		{"an input/output error", "input/output error", link("/proc/self/mem")},
		{"a dangling link", "no such file", link("/nowhere/config.yml")},
		{"a link to itself", "too many levels", link(path)},
		{"gone", "no such file", func() error { return nil }},
		{"a folder without files", "no file that ends in .yml", func() error { return os.Mkdir(path, 0o700) }},
		{"a socket", "no such device", func() error {
			l, err := net.Listen("unix", path)
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		}},
	} {
		before := d.evaluations("a")
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if err := tc.place(); err != nil {
			t.Fatal(err)
		}
		if body := d.want("POST", "/-/reload", 500, tc.says, path); len(body) > 5000 {
			t.Errorf("%s: %d bytes of reason", tc.name, len(body))
		}
		d.wantReloaded(false, last)
		d.want("GET", "/metrics", 200, `ready{migration="a"}`, `ready{migration="b"}`)
		d.want("GET", "/-/ready", 200)
		for _, args := range [][]string{{"--config.check"}, {"check"}} {
			var out strings.Builder
			if code := run(t.Context(), append(args, "--config.file="+path), &out, &out); code != exitError ||
				!strings.Contains(out.String(), tc.says) {
				t.Errorf("%s: %v exits %d: %s", tc.name, args, code, out.String())
			}
		}
		d.eventually(tc.name+": evaluations go on", func() bool { return d.evaluations("a") > before })
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		rewrite(t, path, good)
		d.hangup()
		last = d.wantReloaded(true, last)
		if d.evaluations("a") <= before {
			t.Errorf("%s: the results did not outlive the reload", tc.name)
		}
	}
	if code := d.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := strings.Count(d.logs.String(), "was not reloaded"); n != 16 {
		t.Errorf("%d log lines about 16 refused reloads", n)
	}
}

// TestReloadOfAPipe has a configuration that nobody writes: neither later reloads nor the end of the process wait for
// it.
func TestReloadOfAPipe(t *testing.T) {
	t.Parallel()
	path := writeConfig(t, "migrations: [{name: a}]\n")
	d := startProcess(t, path, "--web.enable-lifecycle")
	d.ready()
	pipe := filepath.Join(t.TempDir(), "pipe.yml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(pipe, path); err != nil {
		t.Fatal(err)
	}
	d.hangup()
	d.hangup()
	d.want("GET", "/metrics", 200, `ready{migration="a"}`)
	if code := d.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	// At the start it is waited for, since a writer may be on its way, but not after a signal.
	waiting, writer := startAtPipe(t, path)
	defer writer.Close()
	if err := waiting.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _ = waiting.Wait(); waiting.ProcessState.ExitCode() != exitError {
		t.Errorf("%s", waiting.ProcessState)
	}
}

// startAtPipe starts the program with a pipe for a configuration, and returns when it waits for what is written there.
func startAtPipe(t *testing.T, path string, args ...string) (*exec.Cmd, *os.File) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(t), append([]string{"--config.file=" + path}, args...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return cmd, writer
}

// TestHangupAtTheStart comes before the configuration was read, and must not end the process.
func TestHangupAtTheStart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe.yml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, writer := startAtPipe(t, path, "--config.check")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if _, err := writer.WriteString("migrations: [{name: a}]\n"); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestReloadWithRotatedSecrets changes an account's password on the server, and then where the exporter reads it.
func TestReloadWithRotatedSecrets(t *testing.T) {
	t.Parallel()
	const first, second, variable = "r0tated-one", "r0tated-two", "MAGENTO_MIGRATION_EXPORTER_TEST_PASSWORD"
	file := filepath.Join(t.TempDir(), "password")
	rewrite(t, file, first)
	if err := server.Exec(t.Context(), "GRANT ALL ON *.* TO rotating@'%' IDENTIFIED BY '"+first+"'"); err != nil {
		t.Fatal(err)
	}
	if err := os.Setenv(variable, second); err != nil { // whoever starts the exporter rotates this one by starting it again
		t.Fatal(err)
	}
	configuration := func(direct string) string {
		text := fast
		for name, password := range map[string]string{"by-file": "password_file: " + file, "by-env": "password_env: " + variable, "direct": "password: " + direct} {
			text += strings.NewReplacer(
				"user: tool",
				"user: rotating",
				`password: ""`,
				password,
			).Replace(
				entry(name, "", waived),
			)
		}
		return text
	}
	path := writeConfig(t, configuration(first))
	d := startProcess(t, path, "--web.enable-lifecycle", "--log.level=debug")
	network := func(name, status string) {
		t.Helper()
		d.eventually(name+"'s network is "+status, func() bool {
			n, _ := d.value(
				fmt.Sprintf(
					`magento_migration_precondition_status{migration=%q,precondition="network",status=%q}`,
					name,
					status,
				),
			)
			return n == 1
		})
	}
	network("by-file", "pass")
	network("direct", "pass")
	network("by-env", "fail")
	if err := server.Exec(t.Context(), "ALTER USER rotating@'%' IDENTIFIED BY '"+second+"'"); err != nil {
		t.Fatal(err)
	}
	network("by-file", "fail")
	network("direct", "fail")
	rewrite(t, file, second+"\n")
	network("by-file", "pass") // secret files are read at each evaluation
	// What was denied is tried once an hour, or after a reload.
	d.want("POST", "/-/reload", 200)
	network("by-env", "pass")
	network("direct", "fail")
	rewrite(t, path, configuration(second))
	d.want("POST", "/-/reload", 200)
	network("direct", "pass")
	// The new entry of direct counts from its own start: that it passes is the only change since.
	for series, want := range map[string]float64{"by-file": 2, "by-env": 1, "direct": 1} {
		if got := d.mustValue(fmt.Sprintf(`magento_migration_precondition_status_changes_total{migration=%q,precondition="network"}`, series)); got != want {
			t.Errorf("%s: %f changes, want %f", series, got, want)
		}
	}
	d.stop()
	if log := d.logs.String(); strings.Contains(log, "r0tated") {
		t.Error("a password was logged")
	}
}

// TestReloadInAShard lets each of two shards load the same change.
func TestReloadInAShard(t *testing.T) {
	t.Parallel()
	list := func(from, to int) (text string, all []string) {
		text = "migrations:\n"
		for i := from; i < to; i++ {
			all = append(all, fmt.Sprint("m", i))
			text += fmt.Sprintf("- name: m%d\n", i)
		}
		return text, all
	}
	before, _ := list(0, 12)
	path := writeConfig(t, before)
	var shards []*daemon
	for number := 1; number <= 2; number++ {
		d := startProcess(t, path, fmt.Sprintf("--shard=%d/2", number), "--web.enable-lifecycle")
		d.ready()
		shards = append(shards, d)
	}
	after, want := list(6, 24)
	rewrite(t, path, after)
	var got []string
	for i, d := range shards {
		d.want("POST", "/-/reload", 200)
		d.ready()
		for name := range d.readiness() {
			if owner := (&shard{i + 1, 2}); !owner.has(name) {
				t.Errorf("shard %d has %s", i+1, name)
			}
			got = append(got, name)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("both shards together have %v", got)
	}
	rewrite(t, path, "migrations: [{name: m1, nme: x}]")
	for _, d := range shards {
		had := len(d.readiness())
		d.want("POST", "/-/reload", 500, "nme") // also where the faulty one would belong to the other shard
		if n := len(d.readiness()); n != had {
			t.Errorf("%d migrations, %d before", n, had)
		}
	}
}

// TestWebConfigNeedsNoReload rotates the login: the file is read at each request, and a broken one lets nobody in.
func TestWebConfigNeedsNoReload(t *testing.T) {
	t.Parallel()
	// The passwords are "test" and "next", hashed as cheaply as bcrypt can.
	const first = "$2a$04$.wj.4NwZ/AIYBgBhi17LBeU5rMhvqgaKNRNB8r5VJybS1pPD62.di"
	const second = "$2a$04$JgoYLEw0.sV8RaBp4xnoj.lWqlaBBaaSfugeGBEy9rnEFhQFGEEf2"
	login := func(hash string) string { return "basic_auth_users: {prom: " + hash + "}\n" }
	web := writeConfig(t, login(first))
	path := writeConfig(t, "migrations: [{name: a}]\n")
	d := startProcess(t, path, "--web.config.file="+web, "--web.enable-lifecycle")
	as := func(password string) { d.request = func(r *http.Request) { r.SetBasicAuth("prom", password) } }
	as("test")
	d.ready()
	rewrite(t, web, login(second))
	d.want("GET", "/metrics", 401)
	d.want("POST", "/-/reload", 401)
	as("next")
	d.want("GET", "/metrics", 200, "config_last_reload_successful 1")
	for _, broken := range []string{"basic_auth_users: {prom", "basic_auth_users: {prom: x}\nnonsense: 1\n"} {
		rewrite(t, web, broken)
		if body := d.want("GET", "/metrics", 500); strings.Contains(body, "migration") {
			t.Errorf("with a web configuration of %q: %.100s", broken, body)
		}
	}
	rewrite(t, path, "migrations: [{name: b}]\n")
	d.hangup() // signals are not the web configuration's business
	d.eventually("the reload is logged", func() bool { return strings.Contains(d.logs.String(), "was reloaded") })
	rewrite(t, web, login(first))
	d.want("GET", "/metrics", 401)
	as("test")
	d.want("GET", "/sd", 200, `"b"`)
}
