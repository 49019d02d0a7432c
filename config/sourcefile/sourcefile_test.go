package sourcefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestLinesAt(t *testing.T) {
	t.Parallel()
	text := "a\nbä\r\nc\rd"
	for _, test := range []struct {
		offset int
		want   Place
	}{
		{-1, Place{1, 1}},
		{0, Place{1, 1}},
		{1, Place{1, 2}},
		{2, Place{2, 1}},
		{5, Place{2, 3}}, // behind the two bytes of ä
		{7, Place{3, 1}},
		{9, Place{4, 1}},
		{10, Place{4, 2}},
		{99, Place{4, 2}},
	} {
		if got := NewLines([]byte(text)).At(test.offset); got != test.want {
			t.Errorf("At(%d) = %v, want %v", test.offset, got, test.want)
		}
	}
}

func TestLinesAtInLongLines(t *testing.T) {
	t.Parallel()
	text := []byte("\n" + strings.Repeat("ä", 3*chunk) + "x")
	for _, n := range []int{0, 1, chunk/2 - 1, chunk / 2, chunk, 3 * chunk} {
		if got, want := NewLines(text).At(1+2*n), (Place{2, n + 1}); got != want {
			t.Errorf("character %d is at %v, want %v", n, got, want)
		}
	}
	// The end of a text that fills its last chunk.
	if got := NewLines(make([]byte, chunk)).At(chunk); got != (Place{1, chunk + 1}) {
		t.Errorf("the end is at %v", got)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, make([]byte, 11), 0o600); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		big:  big + ": is larger than 10 bytes, which no file of this kind is",
		fifo: fifo + ": is not a regular file",
		dir:  dir + ": is not a regular file",
	} {
		done := make(chan error, 1)
		go func() {
			_, err := Read(path, 10)
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil || err.Error() != want {
				t.Errorf("Read(%s) = %v, want %q", path, err, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("Read(%s) hangs", path)
		}
	}
	if _, err := Read(filepath.Join(dir, "none"), 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if data, err := Read(big, 11); err != nil || len(data) != 11 {
		t.Errorf("Read of exactly the limit: %d bytes, %v", len(data), err)
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	err := &Error{File: "env.php", Place: Place{Line: 3, Column: 14}, Problem: "a string that does not end"}
	if got := err.Error(); got != "env.php:3:14: a string that does not end" {
		t.Error(got)
	}
	if got := (&Error{File: "env.php", Problem: "is empty"}).Error(); strings.Contains(got, "0:0") {
		t.Error(got)
	}
}
