package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"magento_migration_exporter/collector/mysqltest"
)

// openTerminal returns the two ends of a pseudo terminal.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return screen, terminal
}

// slowBackup is a dump that takes long to read at the configured pace.
func slowBackup(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "magento2.sql")
	if err := os.WriteFile(path, []byte("-- MySQL dump 10.13\n"+strings.Repeat("-- filler\n", 200_000)+mysqltest.Magento2("")+"-- Dump completed on 2026-11-01 12:00:00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestProgress shows the progress of a check that waits for a backup until its own time is over.
func TestProgress(t *testing.T) {
	t.Parallel()
	slow := strings.Replace(
		entry("slow", "pa55", ""),
		"preconditions: {",
		"preconditions: {backup: {paths: ["+slowBackup(t)+"]}, ",
		1,
	)
	limits := "global: {backup_read_bytes_per_second: 5000, evaluation_timeout: 5m}\nmigrations:"
	file := writeConfig(t, limits+entry("acme", "pa55", waived)+slow)
	// A check waits for the backup until only the time of an evaluation is left. Until then acme has to be evaluated.
	timeout := ""
	for wait := 3 * time.Second; ; wait *= 2 {
		timeout = "--timeout=" + (5*time.Minute + wait).String()
		code, stdout, got := checkOnTerminal(t, "--config.file="+file, timeout)
		if code != exitFails || !strings.Contains(stdout, "slow: Not ready: ") || strings.Contains(stdout, "evaluating") {
			t.Fatalf("exit code %d, stdout %q", code, stdout)
		}
		if !strings.HasSuffix(got, "\x1b[K") {
			t.Fatalf("the last progress is still on the terminal: %q", got)
		}
		if n := len(regexp.MustCompile(`evaluating 2 of 2 … \d+ s\r\x1b\[K`).FindAllString(got, -1)); n >= 3 {
			break
		}
		if wait > patience {
			t.Fatalf("the terminal shows %q", got)
		}
	}

	var notATerminal bytes.Buffer
	run(
		t.Context(),
		[]string{"check", "--config.file=" + file, timeout},
		io.Discard,
		&notATerminal,
	)
	if strings.Contains(notATerminal.String(), "evaluating") {
		t.Errorf("progress where nobody looks: %q", notATerminal.String())
	}
}

// checkOnTerminal returns what a check writes to its output, and to the terminal that its errors go to.
func checkOnTerminal(t *testing.T, args ...string) (code int, output, shown string) {
	t.Helper()
	screen, terminal := openTerminal(t)
	text := make(chan string)
	go func() {
		read, err := io.ReadAll(screen)
		if err != nil && !errors.Is(err, syscall.EIO) { // the other end was closed
			t.Error(err)
		}
		text <- string(read)
	}()
	var stdout bytes.Buffer
	code = run(t.Context(), append([]string{"check"}, args...), &stdout, terminal)
	_ = terminal.Close()
	return code, stdout.String(), <-text
}

func TestTheLogGoesAboveTheStatusLine(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	line := &statusLine{w: &b}
	line.show("one")
	line.show("two")
	newLogger("info", "logfmt", line).Info("hello")
	line.show("three")
	line.clear()
	line.clear()
	if want := regexp.MustCompile(`^one\r\x1b\[Ktwo\r\x1b\[K[^\r]*msg=hello\nthree\r\x1b\[K$`); !want.MatchString(
		b.String(),
	) {
		t.Errorf("got %q", b.String())
	}
}

// program builds the exporter, for what only a process of its own does.
func buildProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), program)
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return path
}

func TestCompletionAndManPage(t *testing.T) {
	t.Parallel()
	path := buildProgram(t)
	shell := func(script string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "bash", "--norc", "-c", script)
		c.Env = append(os.Environ(), "PATH="+filepath.Dir(path)+":"+os.Getenv("PATH"))
		output, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		return string(output)
	}
	for words, want := range map[string]string{
		"che": "check ", "check --form": "--format ", "check --format m": "markdown ", "--web.enable-l": "--web.enable-lifecycle ", "check --str": "--strict ", "": "help serve check ", "--config.file x s": "serve ",
	} {
		got := shell(
			fmt.Sprintf(
				`empty=(%[3]s); eval "$(%[1]s --completion-script-bash)"; COMP_WORDS=(%[1]s %[2]s "${empty[@]}"); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _%[1]s_bash_autocomplete; printf '%%s ' "${COMPREPLY[@]}"`,
				program,
				words,
				map[bool]string{true: `""`}[words == ""],
			),
		)
		if got != want {
			t.Errorf("%q is completed to %q, want %q", words, got, want)
		}
	}
	if got := shell(program + " --completion-script-zsh"); !strings.HasPrefix(got, "#compdef "+program) {
		t.Errorf("the zsh script is %q", got)
	}
	page := shell(program + " --help-man")
	if !strings.HasPrefix(page, ".TH "+program+" 1 ") || strings.Contains(strings.SplitN(page, "\n", 3)[1], "build") {
		t.Errorf("the man page begins with %.200q", page)
	}
	for _, flag := range []string{"config.file", "web.listen-address", "migration", "format"} {
		if !strings.Contains(page, `\fB--`+flag) {
			t.Errorf("the man page lacks --%s", flag)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	help := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := run(t.Context(), args, &out, &out); code != exitReady {
			t.Errorf("%v: exit code %d", args, code)
		}
		return out.String()
	}
	all, check := help("--help"), help("check", "--help")
	for _, flag := range []string{"--config.file=FILE", "--web.telemetry-path", "--migration=NAME", "--log.level"} {
		if !strings.Contains(all, flag) {
			t.Errorf("--help lacks %s", flag)
		}
	}
	if strings.Contains(check, "--web.") || !strings.Contains(check, "--config.file=FILE") ||
		!strings.Contains(check, "strict") {
		t.Errorf("check --help: %s", check)
	}
	for line := range strings.Lines(all + check) {
		if len(line) > 100 && !strings.Contains(line, "https://") {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
	}
}
