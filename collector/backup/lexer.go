package backup

import (
	"bytes"
	"strings"
)

// lexer cuts a stream of SQL statements, as the mysql client would read them, into tokens. It keeps no more than one
// short token in memory.
type lexer struct {
	src       *source
	delimiter string // what ends a statement, changed by the client's DELIMITER command
	// executing: the text is within an executable comment ( /*! ). Servers keep no count of them: another one may open
	// within, as recipes that cut DEFINER out with sed leave it behind, and the first end closes both.
	executing bool
	word      []byte // the token's text
}

type tokenKind byte

const (
	tokenEnd  tokenKind = iota // the end of the statement
	tokenWord                  // a bare word, number or @variable
	tokenName                  // `quoted` name
	tokenText                  // 'text' or "text"
	tokenMark                  // any other single byte
)

// token is one piece of a statement. Its text is valid until the next one and holds at most maxToken bytes.
type token struct {
	kind tokenKind
	text []byte
}

// maxToken is the longest token that is kept whole: four bytes for each of the 64 characters that an identifier may
// have.
const maxToken = 256

// is compares a bare word without regard to case.
func (t token) is(word string) bool {
	return t.kind == tokenWord && len(t.text) == len(word) && bytes.EqualFold(t.text, []byte(word))
}

// mark reports whether the token is that single byte.
func (t token) mark(b byte) bool { return t.kind == tokenMark && t.text[0] == b }

// named reports whether the token can stand where a name is wanted.
func (t token) named() bool {
	return t.kind == tokenName || t.kind == tokenWord || (t.kind == tokenText && len(t.text) > 0)
}

func newLexer(src *source) *lexer {
	return &lexer{src: src, delimiter: ";", word: make([]byte, 0, maxToken)}
}

// next returns the next token of a statement. A stream that ends within the statement is an error.
func (l *lexer) next() (token, error) {
	if err := l.space(); err != nil {
		return token{}, err
	}
	s := l.src
	if s.starts(l.delimiter) {
		if l.executing {
			return token{}, corrupt(s.offset(), "a statement ends within a /*! comment")
		}
		s.pos += len(l.delimiter)
		return token{kind: tokenEnd}, nil
	}
	switch c := s.peek(); {
	case c == 0:
		return token{}, s.ended("it ends within a statement")
	case c == '`':
		return l.quotedToken(tokenName, c)
	case c == '\'' || c == '"':
		return l.quotedToken(tokenText, c)
	case isWord[c]:
		return l.wordToken(), nil
	case c == '*' && s.starts("*/") && !s.starts("*/*"):
		return token{}, corrupt(s.offset(), "a comment ends here that did not begin")
	case c < ' ' || strings.IndexByte(`?[]{}\`, c) >= 0:
		return token{}, corrupt(s.offset(), "%q, which is no SQL", c)
	default:
		s.pos++
		l.word = append(l.word[:0], c)
		return token{tokenMark, l.word}, nil
	}
}

// skip reads up to the end of the statement.
func (l *lexer) skip() error {
	for {
		t, err := l.next()
		if err != nil || t.kind == tokenEnd {
			return err
		}
	}
}

// skipPlain reads up to the end of a statement that is no routine, in which a
// colon would be a label.
func (l *lexer) skipPlain() error {
	for {
		at := l.src.offset()
		t, err := l.next()
		if err != nil || t.kind == tokenEnd {
			return err
		}
		if t.mark(':') && l.src.peek() != '=' {
			return corrupt(at, "a colon in a statement")
		}
	}
}

func (l *lexer) wordToken() token {
	s := l.src
	l.word = l.word[:0]
	for {
		c := s.peek()
		if !isWord[c] || c == l.delimiter[0] && s.starts(l.delimiter) {
			return token{tokenWord, l.word}
		}
		s.pos++
		if len(l.word) < maxToken {
			l.word = append(l.word, c)
		}
	}
}

func (l *lexer) quotedToken(kind tokenKind, quote byte) (token, error) {
	l.src.pos++
	var err error
	l.word, err = l.quoted(quote, l.word[:0], maxToken)
	return token{kind, l.word}, err
}

// quoted reads what follows an opening quote, up to its closing one, and
// appends up to limit unescaped bytes of it to keep. In `names` a backslash
// is a character like others.
func (l *lexer) quoted(quote byte, keep []byte, limit int) ([]byte, error) {
	s := l.src
	start := s.offset()
	for {
		if !s.have(1) {
			return keep, s.ended("it ends within the %c quotes that open at byte %d", quote, start-1)
		}
		run := s.buf[s.pos:s.end]
		i := 0
		for i < len(run) && run[i] != quote && run[i] != '\\' {
			i++
		}
		keep = append(keep, run[:min(i, limit-len(keep))]...)
		s.pos += i
		if i == len(run) {
			continue
		}
		s.pos++
		c := run[i]
		if c == quote {
			if s.peek() != quote { // a doubled quote stands for one
				return keep, nil
			}
			s.pos++
		} else if quote != '`' {
			if c = s.peek(); c == 0 {
				continue
			}
			s.pos++
			c = unescape(c)
		}
		if len(keep) < limit {
			keep = append(keep, c)
		}
	}
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case '0':
		return 0
	case 'Z':
		return 26
	}
	return c
}

// space skips blanks and comments, and steps in and out of executable ones.
func (l *lexer) space() error {
	s := l.src
	for {
		switch c := s.peek(); {
		case isBlank[c]:
			s.pos++
		case c == '#' || (c == '-' && l.dashes()):
			l.line()
		case c == '/' && s.starts("/*"):
			if err := l.comment(); err != nil {
				return err
			}
		case c == '*' && l.executing && s.starts("*/"):
			s.pos += 2
			l.executing = false
		default:
			return nil
		}
	}
}

// stepComment takes one step that begins with a slash or an asterisk: into or out of an executable comment, or over a
// plain one.
func (l *lexer) stepComment() error {
	s := l.src
	switch {
	case s.starts("/*"):
		return l.comment()
	case l.executing && s.starts("*/"):
		s.pos += 2
		l.executing = false
	}
	return nil
}

// dashes reports whether a comment to the end of the line begins: two dashes and a blank, or two dashes that are the
// last of the stream.
func (l *lexer) dashes() bool {
	s := l.src
	if !s.starts("--") {
		return false
	}
	return !s.have(3) || isBlank[s.buf[s.pos+2]]
}

// maxLine is how much of a comment line is kept.
const maxLine = 512

// maxBlock is how much of a block comment is kept.
const maxBlock = 4 << 10

// line reads the rest of the line, and reports whether a line feed ended it.
func (l *lexer) line() (text []byte, closed bool) {
	s := l.src
	l.word = l.word[:0]
	for s.have(1) {
		run := s.buf[s.pos:s.end]
		i := bytes.IndexByte(run, '\n')
		if i >= 0 {
			run = run[:i]
		}
		l.word = append(l.word, run[:min(len(run), max(0, maxLine-len(l.word)))]...)
		s.pos += len(run)
		if i >= 0 {
			s.pos++
			return bytes.TrimRight(l.word, "\r"), true
		}
	}
	return bytes.TrimRight(l.word, "\r"), false
}

// block reads a plain comment, and returns the beginning of its text.
func (l *lexer) block(start int64) (string, error) {
	s := l.src
	s.pos += len("/*")
	l.word = l.word[:0]
	for s.have(2) {
		if s.starts("*/") {
			s.pos += 2
			return string(l.word), nil
		}
		if len(l.word) < maxBlock {
			l.word = append(l.word, s.buf[s.pos])
		}
		s.pos++
	}
	return "", s.ended("it ends within the comment that opens at byte %d", start)
}

// comment steps into an executable comment, or over a plain one.
func (l *lexer) comment() error {
	s := l.src
	start := s.offset()
	switch {
	case s.starts("/*!"):
		s.pos += 3
	case s.starts("/*M!"):
		s.pos += 4
	default:
		s.pos += 2
		return l.after("*/", start)
	}
	before := l.executing
	l.executing = true
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	if s.peek() == '\\' { // a command for the client, such as MariaDB's sandbox mode
		l.executing = before
		return l.after("*/", start)
	}
	return nil
}

// after skips what comes before the text, and the text.
func (l *lexer) after(text string, start int64) error {
	s := l.src
	for s.have(len(text)) {
		if s.starts(text) {
			s.pos += len(text)
			return nil
		}
		s.pos++
	}
	return s.ended("it ends within the comment that opens at byte %d", start)
}

// Which bytes a bare word, a number or an @variable is made of, and which are blank.
var (
	isWord = byteSet(func(c byte) bool {
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' ||
			c == '@' ||
			c >= 0x80
	})
	isBlank = byteSet(
		func(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == '\v' })
)

func byteSet(in func(byte) bool) (set [256]bool) {
	for c := range set {
		set[c] = in(byte(c))
	}
	return set
}
