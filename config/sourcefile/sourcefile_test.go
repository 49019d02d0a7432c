package sourcefile

import (
	"errors"
	"fmt"
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

func TestJSONFields(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		`{}`:                                 "",
		"{\"a\":1,\n \"b\": [1],\n\"a\":{}}": "a@1:6=1 c.json:1:6: the value of \"a\" is of the wrong type; b@2:7=[1] c.json:2:7: the value of \"b\" is of the wrong type; a@3:5={} <nil>",
		`{"a":{"x":"text"}}`:                 `a@1:6={"x":"text"} c.json:1:16: the value of "a.X" is of the wrong type`,
		``:                                   "c.json:1:1: the file ends in the middle of the JSON",
		"{\"a\":\n[1":                        "c.json:2:3: the file ends in the middle of the JSON",
		`null`:                               "c.json:1:1: the file is not a JSON object",
		`[{}]`:                               "c.json:1:1: the file is not a JSON object",
		"\xef\xbb\xbf{}":                     "c.json:1:1: the file begins with a byte order mark, which no reader of JSON accepts",
		"{\"ä\":1}\n x":                      "c.json:2:2: this is not well-formed JSON: a character that is not allowed after top-level value",
		"{\"ä\":tru}":                        "c.json:1:9: this is not well-formed JSON: a character that is not allowed in literal true (expecting 'e')",
		`{"a":1,}`:                           "c.json:1:8: this is not well-formed JSON: a character that is not allowed looking for beginning of object key string",
		"{\"a\":\"x\x00\"}":                  `c.json:1:8: this is not well-formed JSON: a character that is not allowed in string literal`,
		strings.Repeat(`{"a":`, 20000):       "c.json:1:50001: this is not well-formed JSON: a character that is not allowed exceeded max depth",
	} {
		fields, err := JSONFields("c.json", []byte(document))
		var parts []string
		for _, f := range fields {
			err := f.Decode("c.json", []byte(document), new(struct{ X int }))
			parts = append(parts, fmt.Sprintf("%s@%s=%s %v", f.Name, NewLines([]byte(document)).At(f.Offset), f.Value, err))
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
