package backup

import (
	"bytes"
	"errors"
	"io"
)

// source hands out the bytes of a text backup through one small buffer.
//
// No writer of such backups lets a NUL byte through unescaped, in data neither: a NUL is a hole that a crash left in
// the file, so the source ends there.
type source struct {
	r    io.Reader
	buf  []byte
	pos  int   // next byte to hand out
	end  int   // end of what was read
	base int64 // offset of buf[0] in the stream
	err  error // why there is no more, io.EOF at the end
}

const sourceBuffer = 128 << 10

func newSource(r io.Reader) *source {
	return &source{r: r, buf: make([]byte, sourceBuffer)}
}

// offset returns the place of the next byte in the stream.
func (s *source) offset() int64 { return s.base + int64(s.pos) }

// have makes sure that n bytes (at most a few) can be looked at from pos on; false means that the stream ends before.
func (s *source) have(n int) bool {
	for s.end-s.pos < n {
		if s.err != nil {
			return false
		}
		s.read()
	}
	return true
}

// read moves what is left to the front and reads more behind it.
func (s *source) read() {
	if s.pos > 0 {
		s.base += int64(s.pos)
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.pos = 0
	}
	n, err := s.r.Read(s.buf[s.end:])
	if hole := bytes.IndexByte(s.buf[s.end:s.end+n], 0); hole >= 0 {
		err = corrupt(s.base+int64(s.end+hole), "a NUL byte, which no dump holds")
		n = hole
	}
	s.end += n
	s.err = err
}

// peek returns the next byte, or 0 at the end (there are no NUL bytes).
func (s *source) peek() byte {
	if s.pos < s.end || s.have(1) {
		return s.buf[s.pos]
	}
	return 0
}

// starts reports whether the stream goes on with text.
func (s *source) starts(text string) bool {
	return s.have(len(text)) && string(s.buf[s.pos:s.pos+len(text)]) == text
}

// failure returns why the stream could not be read to its end, nil where it was.
func (s *source) failure() error {
	if errors.Is(s.err, io.EOF) {
		return nil
	}
	return s.err
}

// ended returns the reason why there is nothing more in the middle of something: the failure of the stream, else a
// truncation with this text.
func (s *source) ended(format string, args ...any) error {
	if err := s.failure(); err != nil {
		return err
	}
	return truncated(s.offset(), format, args...)
}
