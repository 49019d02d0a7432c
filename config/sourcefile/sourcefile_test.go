package sourcefile

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
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

// TestOpenRefuses has no FIFO that somebody writes to: a reader that waits for one hangs, and so does the test.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	big, fifo, socket := filepath.Join(dir, "big"), filepath.Join(dir, "fifo"), filepath.Join(dir, "s")
	if err := errors.Join(os.WriteFile(big, make([]byte, 11), 0o600), syscall.Mkfifo(fifo, 0o600)); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for path, want := range map[string]string{
		big:         ": is larger than 10 bytes, which no file of this kind is",
		fifo:        ": is not a regular file",
		dir:         ": is not a regular file",
		socket:      ": is not a regular file",
		"/dev/null": ": is not a regular file",
	} {
		if _, err := Open(path, 10); err == nil || err.Error() != path+want {
			t.Errorf("Open(%s) = %v, want %q", path, err, want)
		}
		if _, err := Read(path, 10); err == nil || err.Error() != path+want {
			t.Errorf("Read(%s) = %v, want %q", path, err, want)
		}
	}
	if _, err := Read(filepath.Join(dir, "none"), 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if data, err := Read(big, 11); err != nil || len(data) != 11 {
		t.Errorf("Read of exactly the limit: %d bytes, %v", len(data), err)
	}
	f, err := Open(big, 0)
	if err != nil {
		t.Fatalf("Open without a limit: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// TestReadStopsAtTheLimit reads a file whose size the system does not know beforehand, as that of one that grows.
func TestReadStopsAtTheLimit(t *testing.T) {
	t.Parallel()
	const path = "/proc/self/status"
	if data, err := Read(path, 1<<20); err != nil || len(data) < 100 {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	if _, err := Read(path, 10); err == nil || err.Error() != path+": is larger than 10 bytes, which no file of this "+
		"kind is" {
		t.Errorf("%v", err)
	}
}

// TestOpenDoesNotRace swaps a file for a FIFO all the time: what is read is the file, or an error, and nothing waits.
func TestOpenDoesNotRace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, file, fifo := filepath.Join(dir, "path"), filepath.Join(dir, "file"), filepath.Join(dir, "fifo")
	if err := errors.Join(os.WriteFile(file, []byte("text"), 0o600), syscall.Mkfifo(fifo, 0o600), os.Link(file,
		path)); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			next := filepath.Join(dir, "next")
			if err := errors.Join(os.Link([]string{fifo, file}[i%2], next), os.Rename(next, path)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	defer swapping.Wait()
	defer close(stop)
	for range 2000 {
		data, err := Read(path, 10)
		if err != nil && !strings.Contains(err.Error(), "is not a regular file") || err == nil &&
			string(data) != "text" {
			t.Fatalf("%q, %v", data, err)
		}
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

func TestJSONFields(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		`{}`: "",
		"{\"a\":1,\n \"b\": [1],\n\"a\":{}}": "a@1:6=1 c.json:1:6: the value of \"a\" is of the wrong type; b@2:7=[1] " +
			"c.json:2:7: the value of \"b\" is of the wrong type; a@3:5={} <nil>",
		`{"a":{"x":"text"}}`: `a@1:6={"x":"text"} c.json:1:16: the value of "a.X" is of the wrong type`,
		``:                   "c.json:1:1: the file ends in the middle of the JSON",
		"{\"a\":\n[1":        "c.json:2:3: the file ends in the middle of the JSON",
		`null`:               "c.json:1:1: the file is not a JSON object",
		`[{}]`:               "c.json:1:1: the file is not a JSON object",
		"\xef\xbb\xbf{}": "c.json:1:1: the file begins with a byte order mark, which no reader of " +
			"JSON accepts",
		"{\"ä\":1}\n x": "c.json:2:2: this is not well-formed JSON: a character that is not " +
			"allowed after top-level value",
		"{\"ä\":tru}": "c.json:1:9: this is not well-formed JSON: a character that is not " +
			"allowed in literal true (expecting 'e')",
		`{"a":1,}`: "c.json:1:8: this is not well-formed JSON: a character that is not " +
			"allowed looking for beginning of object key string",
		"{\"a\":\"x\x00\"}": `c.json:1:8: this is not well-formed JSON: a character that is not allowed in string literal`,
		strings.Repeat(`{"a":`, 20000): "c.json:1:50001: this is not well-formed JSON: a character that is not " +
			"allowed exceeded max depth",
	} {
		fields, err := JSONFields("c.json", []byte(document))
		var parts []string
		for _, f := range fields {
			err := f.Decode("c.json", []byte(document), new(struct{ X int }))
			parts = append(parts, fmt.Sprintf("%s@%s=%s %v", f.Name, NewLines([]byte(document)).At(f.Offset), f.Value,
				err))
		}
		if err != nil {
			parts = append(parts, err.Error())
		}
		if got := strings.Join(parts, "; "); got != want {
			t.Errorf("%.40q\n got %s\nwant %s", document, got, want)
		}
	}
}

func FuzzJSONFields(f *testing.F) {
	f.Add([]byte("{\"a\":1,\n \"b\": [1],\n\"a\":{\"X\":\"y\"}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fields, err := JSONFields("c.json", data)
		if _, ok := errors.AsType[*Error](err); err != nil && !ok {
			t.Fatalf("an error without a place: %v", err)
		}
		for _, field := range fields {
			if string(data[field.Offset:field.Offset+len(field.Value)]) != string(field.Value) {
				t.Fatalf("%q does not stand at %d", field.Value, field.Offset)
			}
			_ = field.Decode("c.json", data, new(struct{ X int }))
		}
	})
}
