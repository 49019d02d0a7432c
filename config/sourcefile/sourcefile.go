// Package sourcefile reads files that other programs own and says where in them something is wrong.
package sourcefile

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"syscall"
	"unicode/utf8"
)

// Place is a place in a text file. Lines and columns count from 1, columns in characters.
// The zero Place means that the file as a whole is meant.
type Place struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// String writes the place as line:column.
func (p Place) String() string {
	return fmt.Sprintf("%d:%d", p.Line, p.Column)
}

// IsKnown reports whether the place is one in the file.
func (p Place) IsKnown() bool {
	return p.Line > 0
}

// Compare orders places as they stand in a file.
func Compare(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// Error says what is wrong with a file, and where.
// It never holds text of the file itself, which may be a password.
type Error struct {
	File string
	Place
	Problem string
}

// Error writes file:line:column: problem, or file: problem when no place is known.
func (e *Error) Error() string {
	if !e.IsKnown() {
		return e.File + ": " + e.Problem
	}
	return fmt.Sprintf("%s:%s: %s", e.File, e.Place, e.Problem)
}

// Open opens a regular file of at most limit bytes for reading; without a limit (0) it may be of any size. It is the
// way to open a file that the configuration, or a file that it names, names: what is opened is what was looked at, and
// it does not wait, neither for a writer of a FIFO nor for a terminal. Errors of the operating system are found with
// errors.Is (fs.ErrNotExist, fs.ErrPermission); a file of another kind or size is an *Error.
func Open(path string, limit int64) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if errors.Is(err, syscall.ENXIO) { // a socket, or a device without a driver
		return nil, &Error{File: path, Problem: notRegular}
	}
	if err != nil {
		return nil, fmt.Errorf("reading a file: %w", err)
	}
	if err := check(f, path, limit); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

const notRegular = "is not a regular file"

func check(f *os.File, path string, limit int64) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return fmt.Errorf("reading a file: %w", err)
	case !info.Mode().IsRegular():
		return &Error{File: path, Problem: notRegular}
	case limit > 0 && info.Size() > limit:
		return tooLarge(path, limit)
	}
	return nil
}

// Read reads a regular file of at most limit bytes; its errors are those of Open. A file that grows while it is read is
// cut off at the limit, and an error.
func Read(path string, limit int64) ([]byte, error) {
	f, err := Open(path, limit)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("reading a file: %w", err)
	}
	return data, CheckSize(path, len(data), limit)
}

// CheckSize refuses more than limit bytes.
func CheckSize(file string, size int, limit int64) error {
	if int64(size) > limit {
		return tooLarge(file, limit)
	}
	return nil
}

func tooLarge(file string, limit int64) error {
	return &Error{File: file, Problem: fmt.Sprintf("is larger than %d bytes, which no file of this kind is", limit)}
}

// Lines finds the place of a byte offset.
type Lines struct {
	data   []byte
	starts []int // the offset of each line
	counts []int // how many characters begin before each chunk
}

// chunk is how many bytes At counts at most, so that long lines cost no more than short ones.
const chunk = 1024

// NewLines indexes the line starts of data. LF, CRLF and a lone CR end a line, as in PHP and XML.
func NewLines(data []byte) Lines {
	l := Lines{data: data, starts: []int{0}}
	count := 0
	for i, b := range data {
		if i%chunk == 0 {
			l.counts = append(l.counts, count)
		}
		if utf8.RuneStart(b) {
			count++
		}
		if b == '\n' || b == '\r' && (i+1 == len(data) || data[i+1] != '\n') {
			l.starts = append(l.starts, i+1)
		}
	}
	l.counts = append(l.counts, count)
	return l
}

// At returns the place of a byte offset; an offset behind the end is the end.
func (l Lines) At(offset int) Place {
	offset = max(0, min(offset, len(l.data)))
	line := sort.SearchInts(l.starts, offset+1)
	return Place{Line: line, Column: l.characters(offset) - l.characters(l.starts[line-1]) + 1}
}

// characters returns how many characters begin before an offset.
func (l Lines) characters(offset int) int {
	count := l.counts[offset/chunk]
	for _, b := range l.data[offset/chunk*chunk : offset] {
		if utf8.RuneStart(b) {
			count++
		}
	}
	return count
}

// Print writes v as JSON, in which secrets are hidden, whatever the verb is. It is for the Format methods of what holds
// secrets.
func Print(f fmt.State, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		text = []byte("(cannot be shown)")
	}
	_, _ = f.Write(text)
}
