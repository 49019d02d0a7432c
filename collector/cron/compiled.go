package cron

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"magento_migration_exporter/config/sourcefile"
)

// Limits of programs that are no text, or too long for a script: of one, and of all in one look. People wrap cron in
// small ones. What is beyond is a program with another purpose.
const (
	maxProgram     = 128 << 20
	maxAllPrograms = 256 << 20
	// maxHead is how much of a file shows whether it is text.
	maxHead = 4096
)

// compiled notes the texts in a program that was compiled. What it does with them and with its arguments is not known.
func (r *reader) compiled(data string) {
	r.undecide(printableLines(data))
}

// isBinary reports whether a file is no text.
func isBinary(text string) bool {
	return strings.IndexByte(text[:min(len(text), maxHead)], 0) >= 0
}

// printableLines puts a line's end in place of what is no text.
func printableLines(data string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == utf8.RuneError {
			return '\n'
		}
		return c
	}, data)
}

// large looks through a program that is longer than a script may be.
func (r *reader) large(path string) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	switch size := info.Size(); {
	case size <= maxScriptBytes:
		return
	case size > min(maxProgram, r.look.programBytes):
		r.look.overlooked(path + " is too large")
		return
	}
	f, err := sourcefile.Open(path, 0)
	if err != nil {
		return
	}
	data := hints(io.LimitReader(f, maxProgram))
	if f.Close() == nil {
		r.look.programBytes -= info.Size()
		r.compiled(data)
	}
}

// hintTexts are what can name Magento's cron.
func hintTexts() []string {
	return []string{"bin/magento", "cron:run", "queue:consumers:start", "pub/cron.php", "update/cron.php"}
}

// hints returns the places in a long text that can name Magento's cron, with what is around them.
func hints(from io.Reader) string {
	const size, around = 64 << 10, 100
	var found bytes.Buffer
	block := make([]byte, 0, size+2*around)
	for {
		n, err := io.ReadFull(from, block[len(block):len(block)+size])
		block = block[:len(block)+n]
		for _, hint := range hintTexts() {
			for at := 0; found.Len() < maxShellText; {
				i := bytes.Index(block[at:], []byte(hint))
				if i < 0 {
					break
				}
				at += i + len(hint)
				found.Write(block[max(at-len(hint)-around, 0):min(at+around, len(block))])
				found.WriteByte('\n')
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				found.Reset() // half of a file says nothing
			}
			return found.String()
		}
		block = append(block[:0], block[len(block)-2*around:]...)
	}
}
