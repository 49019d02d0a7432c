package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
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
