package history

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"magento_migration_exporter/collector/leaktest"
)

// writesInto makes the test program write histories into a folder until it is killed.
const writesInto = "HISTORY_TEST_WRITES_INTO"

// fillsUp makes the test program write a history into a folder whose disk gets full, and room again.
const fillsUp = "HISTORY_TEST_FILLS_UP"

// lostSomething is the exit code of a test program that does not do with a full disk what it should.
const lostSomething = 3

func TestMain(m *testing.M) {
	if dir := os.Getenv(writesInto); dir != "" {
		writeForEver(dir)
	}
	if dir := os.Getenv(fillsUp); dir != "" {
		if err := fillUp(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(lostSomething)
		}
		os.Exit(0)
	}
	leaktest.Main(m)
}

// writeForEver writes generations of a history: all changes of one have the same summary.
func writeForEver(dir string) {
	s, err := Open(dir, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for generation := 1; ; generation++ {
		if err := s.write(generationOf(generation, time.Now())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// fillUp is an error where a full disk costs anything that was written before.
func fillUp(dir string) error {
	var log bytes.Buffer
	s, err := Open(dir, slog.New(slog.NewTextHandler(&log, nil)), time.Now)
	if err != nil {
		return err
	}
	defer s.Close()
	if !s.save([]Migration{shop("acme")}) {
		return fmt.Errorf("nothing was written while there was room: %s", &log)
	}
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("the disk is not full: %w", err)
	}
	if s.save([]Migration{shop("acme"), shop("late")}) || s.OK() || !strings.Contains(log.String(), "no space left") {
		return fmt.Errorf("written on a full disk: %s", &log)
	}
	if past, warning, err := Read(dir, time.Now()); err != nil || warning != nil || len(past) != 1 {
		return fmt.Errorf("the file of before has %d migrations, %w, %w", len(past), warning, err)
	}
	if err := os.Remove(filler); err != nil {
		return err
	}
	if !s.save([]Migration{shop("acme"), shop("late")}) || !s.OK() {
		return fmt.Errorf("not written again: %s", &log)
	}
	past, _, err := Read(dir, time.Now())
	if err != nil || len(past) != 2 {
		return fmt.Errorf("%d migrations, %w", len(past), err)
	}
	return nil
}
