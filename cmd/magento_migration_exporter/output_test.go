package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/precondition"
)

// checkTo runs check with --output, and returns its exit code and what it printed.
func checkTo(t *testing.T, file string, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	args = append([]string{"check", "--timeout=10m", "--output=" + file}, args...)
	code := run(t.Context(), args, &out, &out)
	return code, out.String()
}

// familyNames lists the families of an exposition.
func familyNames(text string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) `).FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// TestCheckWritesMetrics compares the families of check with those of /metrics, and lets promtool read them.
func TestCheckWritesMetrics(t *testing.T) {
	t.Parallel()
	configFile := writeConfig(t, once+entry("acme", "pa55", waived))
	file := filepath.Join(t.TempDir(), "migration.prom")
	if code, printed := checkTo(t, file, "--config.file="+configFile, "--format=prometheus"); code != exitReady ||
		strings.Contains(printed, "magento_migration_ready") {
		t.Fatalf("exit code %d: %s", code, printed)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := startDaemon(t, configFile)
	d.ready()
	_, served := d.do(http.MethodGet, "/probe?target=acme")
	if got, want := familyNames(string(content)), familyNames(served); !slices.Equal(got, want) {
		t.Errorf("check has %q, /probe has %q", got, want)
	}
	sample := regexp.MustCompile(`^[a-z0-9_]+\{migration="acme"[^}]*\} \S+$`)
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") && !sample.MatchString(line) {
			t.Errorf("a line that textfile collectors refuse: %s", line)
		}
	}
}

// TestNodeExporterReadsCheck gives the file to a real node_exporter.
func TestNodeExporterReadsCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	configFile := writeConfig(t, once+entry("acme", "pa55", waived))
	if code, printed := checkTo(t, filepath.Join(dir, "migration.prom"), "--config.file="+configFile,
		"--format=prometheus"); code != exitReady {
		t.Fatalf("exit code %d: %s", code, printed)
	}
	address := startNodeExporter(t, dir)
	resp, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`magento_migration_ready{migration="acme"} 1`, "node_textfile_scrape_error 0",
		`magento_migration_precondition_status{migration="acme",precondition="network",status="pass"} 1`,
		`node_textfile_mtime_seconds{file="` + filepath.Join(dir, "migration.prom") + `"}`,
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("node_exporter does not have %s", want)
		}
	}
	statuses := strings.Count(string(body), "\nmagento_migration_precondition_status{")
	if want := 6 * len(precondition.All()); statuses != want {
		t.Errorf("%d statuses, want %d", statuses, want)
	}
}

// startNodeExporter runs Debian's node_exporter with nothing but the textfile collector, and returns its address.
func startNodeExporter(t *testing.T, dir string) string {
	t.Helper()
	port, err := mysqltest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	var log lockedBuffer
	cmd := exec.Command("prometheus-node-exporter", "--web.listen-address="+address,
		"--collector.disable-defaults", "--collector.textfile", "--collector.textfile.directory="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp4", address); err == nil {
			c.Close()
			return address
		}
		if time.Now().After(deadline) {
			t.Fatalf("node_exporter does not listen: %s", log.String())
		}
	}
}

// TestOutputReplacesTheFileWhole looks at what is left of the file and of its folder.
func TestOutputReplacesTheFileWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "readiness.txt")
	if err := os.WriteFile(file, []byte("old"), 0o604); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("readiness.txt", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	failure := errors.New("a printer without paper")
	err := writeOutput(file, io.Discard, func(w io.Writer) error {
		fmt.Fprint(w, "half")
		return failure
	})
	if content, _ := os.ReadFile(file); !errors.Is(err, failure) || string(content) != "old" {
		t.Errorf("%v; the file has %q", err, content)
	}
	configFile := writeConfig(t, once+entry("acme", "pa55", waived))
	code, printed := checkTo(t, filepath.Join(dir, "link"), "--config.file="+configFile)
	content, err := os.ReadFile(file)
	if code != exitReady || err != nil || !strings.Contains(string(content), "acme: Ready") {
		t.Errorf("exit code %d, %v: %s; the file has %q", code, err, printed, content)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o604 {
		t.Errorf("%v, %v", info, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 || left[0].Type() != os.ModeSymlink {
		t.Errorf("%v: %v", left, err)
	}
}

// TestOutputThatCannotBe must end before anything is evaluated.
func TestOutputThatCannotBe(t *testing.T) {
	t.Parallel()
	configFile := writeConfig(t, once+entry("acme", "pa55", waived))
	for file, want := range map[string]string{
		"/nowhere/at/all":        "--output=/nowhere/at/all: the folder does not exist",
		"/dev/null":              "--output=/dev/null: this is no regular file",
		t.TempDir():              "this is no regular file",
		configFile + "/readable": "not a directory",
	} {
		if code, printed := checkTo(t, file, "--config.file="+configFile); code != exitError ||
			!strings.Contains(printed, want) {
			t.Errorf("%s: exit code %d: %s", file, code, printed)
		}
	}
}

// TestInterruptedOutput must not replace results by none.
func TestInterruptedOutput(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "migration.prom")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := loadText(t, once+entry("acme", "pa55", waived))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := &flags{format: prometheusFormat, output: file, timeout: 1 << 40}
	var out bytes.Buffer
	logger := newLogger("info", "logfmt", &out)
	code := check(ctx, f, cfg, logger, io.Discard, &statusLine{w: &out})
	if content, _ := os.ReadFile(file); code != exitError || string(content) != "old" ||
		!strings.Contains(out.String(), "stays as it was") {
		t.Errorf("exit code %d, %s; the file has %q", code, out.String(), content)
	}
}
