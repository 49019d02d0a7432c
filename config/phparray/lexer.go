package phparray

import (
	"fmt"

	"magento_migration_exporter/config/sourcefile"
)

// kind is what a token is. Values of literals are decoded only when they are asked for.
type kind uint8

const (
	endOfFile    kind = iota
	name              // keyword, constant, function or class, with namespace
	variable          // $x
	number            // integer or float literal
	singleQuoted      // '…'
	doubleQuoted      // "…" without a variable in it
	heredoc           // <<<X without a variable in it
	nowdoc            // <<<'X'
	interpolated      // "…", <<<X or `…` whose value PHP computes
	closeTag          // ?>
	punctuation       // one character, or => ... <=>
)

// token is a range of the source.
type token struct {
	kind       kind
	start, end int32
}

// maxCodeDepth limits strings with code in them that has strings with code in them.
const maxCodeDepth = 8

// lexer splits PHP source into tokens, following Zend/zend_language_scanner.l of PHP 8.
type lexer struct {
	file  string
	data  []byte
	lines sourcefile.Lines
	pos   int
	depth int
}

func (l *lexer) errorAt(offset int, format string, args ...any) error {
	return &sourcefile.Error{File: l.file, Place: l.lines.At(offset), Problem: fmt.Sprintf(format, args...)}
}

// next returns the token at pos, behind white space and comments, and moves behind it.
func (l *lexer) next() (token, error) {
	if err := l.skipSpace(); err != nil {
		return token{}, err
	}
	start := l.pos
	kind, err := l.scan()
	return token{kind: kind, start: int32(start), end: int32(l.pos)}, err // MaxSize fits in int32
}

func (l *lexer) scan() (kind, error) {
	c := l.at(0)
	switch {
	case l.pos >= len(l.data):
		return endOfFile, nil
	case c == '\'':
		return singleQuoted, l.scanSingleQuoted()
	case c == '"' || c == '`':
		return l.scanQuoted(c)
	case l.hasPrefix("<<<"):
		return l.scanHeredoc()
	case c == '$' && isNameStart(l.at(1)):
		l.pos++
		l.scanName()
		return variable, nil
	case isNameStart(c) || c == '\\' && isNameStart(l.at(1)):
		l.scanName()
		return name, nil
	case isDigit(c) || c == '.' && isDigit(l.at(1)):
		l.scanNumber()
		return number, nil
	case l.hasPrefix("?>"):
		l.pos += 2
		l.skipInlineHTML()
		return closeTag, nil
	}
	return l.scanPunctuation(c)
}

func (l *lexer) scanPunctuation(c byte) (kind, error) {
	for _, long := range []string{"<=>", "...", "=>"} {
		if l.hasPrefix(long) {
			l.pos += len(long)
			return punctuation, nil
		}
	}
	if c < ' ' || c == 0x7f {
		return punctuation, l.errorAt(l.pos, "the control character 0x%02x does not belong in PHP", c)
	}
	l.pos++
	return punctuation, nil
}

// at returns the byte n behind pos, 0 behind the end.
func (l *lexer) at(n int) byte {
	if l.pos+n < len(l.data) {
		return l.data[l.pos+n]
	}
	return 0
}

func (l *lexer) hasPrefix(s string) bool {
	return len(l.data)-l.pos >= len(s) && string(l.data[l.pos:l.pos+len(s)]) == s
}

func (l *lexer) skipSpace() error {
	for l.pos < len(l.data) {
		switch c := l.at(0); {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			l.pos++
		case l.hasPrefix("//") || c == '#' && l.at(1) != '[':
			// #[ begins an attribute in PHP 8 and is a comment only in PHP 7:
			// it is left to the parser, which does not guess.
			for l.pos < len(l.data) && l.at(0) != '\n' && l.at(0) != '\r' && !l.hasPrefix("?>") {
				l.pos++
			}
		case l.hasPrefix("/*"):
			start := l.pos
			for l.pos += 2; !l.hasPrefix("*/"); l.pos++ {
				if l.pos >= len(l.data) {
					return l.errorAt(start, "the comment that begins here does not end")
				}
			}
			l.pos += 2
		default:
			return nil
		}
	}
	return nil
}

// skipInlineHTML moves behind the next <?php, or to the end.
func (l *lexer) skipInlineHTML() {
	for l.pos < len(l.data) && !l.hasPrefix("<?php") {
		l.pos++
	}
	if l.pos < len(l.data) {
		l.pos += len("<?php")
	}
}

func (l *lexer) scanSingleQuoted() error {
	start := l.pos
	for l.pos++; l.pos < len(l.data); l.pos++ {
		switch l.at(0) {
		case '\\':
			l.pos++
		case '\'':
			l.pos++
			return nil
		}
	}
	return l.errorAt(start, "the string that begins here does not end")
}

// scanQuoted reads "…" or `…`, which PHP executes in a shell.
func (l *lexer) scanQuoted(quote byte) (kind, error) {
	start := l.pos
	found := doubleQuoted
	if quote == '`' {
		found = interpolated
	}
	for l.pos++; l.pos < len(l.data); l.pos++ {
		switch c := l.at(0); {
		case c == '\\':
			l.pos++
		case c == quote:
			l.pos++
			return found, nil
		case l.startsCode():
			found = interpolated
			if err := l.skipCode(); err != nil {
				return found, err
			}
			l.pos--
		case l.startsVariable():
			found = interpolated
		}
	}
	return found, l.errorAt(start, "the string that begins here does not end")
}

func (l *lexer) startsCode() bool {
	return l.hasPrefix("{$") || l.hasPrefix("${")
}

func (l *lexer) startsVariable() bool {
	return l.at(0) == '$' && isNameStart(l.at(1))
}

// skipCode moves behind the closing brace of {$…} or ${…} in a string.
func (l *lexer) skipCode() error {
	start := l.pos
	if l.depth++; l.depth > maxCodeDepth {
		return l.errorAt(start, "strings with code in them are nested deeper than %d levels", maxCodeDepth)
	}
	defer func() { l.depth-- }()
	if l.at(0) == '$' {
		l.pos++
	}
	for braces := 0; ; {
		t, err := l.next()
		if err != nil {
			return err
		}
		switch {
		case t.kind == endOfFile:
			return l.errorAt(start, "the code in a string that begins here does not end")
		case l.is(t, "{"):
			braces++
		case l.is(t, "}"):
			if braces--; braces == 0 {
				return nil
			}
		}
	}
}

// is reports whether a token is this punctuation.
func (l *lexer) is(t token, text string) bool {
	return t.kind == punctuation && string(l.data[t.start:t.end]) == text
}

func (l *lexer) text(t token) string {
	return string(l.data[t.start:t.end])
}

// scanHeredoc reads <<<X, <<<"X" and <<<'X', whose end may be indented (PHP 7.3 and later).
func (l *lexer) scanHeredoc() (kind, error) {
	start := l.pos
	l.pos += 3
	for l.at(0) == ' ' || l.at(0) == '\t' {
		l.pos++
	}
	found, quote := heredoc, l.at(0)
	switch quote {
	case '\'':
		found = nowdoc
		l.pos++
	case '"':
		l.pos++
	default:
		quote = 0
	}
	labelStart := l.pos
	if !isNameStart(l.at(0)) {
		// << and < are operators, which only a computed value can have.
		l.pos = start + 1
		return punctuation, nil
	}
	l.scanName()
	label := string(l.data[labelStart:l.pos])
	if quote != 0 {
		if l.at(0) != quote {
			return found, l.errorAt(start, "the label of the heredoc that begins here has no closing quote")
		}
		l.pos++
	}
	if !l.skipNewline() {
		return found, l.errorAt(start, "the label of the heredoc that begins here is not at the end of its line")
	}
	return l.scanHeredocBody(start, label, found)
}

func (l *lexer) scanHeredocBody(start int, label string, found kind) (kind, error) {
	for atLineStart := true; l.pos < len(l.data); {
		if atLineStart {
			for l.at(0) == ' ' || l.at(0) == '\t' {
				l.pos++
			}
			if l.hasPrefix(label) && !isNameByte(l.at(len(label))) {
				l.pos += len(label)
				return found, nil
			}
		}
		if atLineStart = l.skipNewline(); atLineStart {
			continue
		}
		switch {
		case l.at(0) == '\\' && found != nowdoc && l.at(1) != '\n' && l.at(1) != '\r':
			l.pos++
		case found == heredoc && (l.startsCode() || l.startsVariable()):
			found = interpolated
		}
		l.pos++
	}
	return found, l.errorAt(start, "the heredoc that begins here does not end")
}

func (l *lexer) skipNewline() bool {
	switch {
	case l.hasPrefix("\r\n"):
		l.pos += 2
	case l.at(0) == '\n' || l.at(0) == '\r':
		l.pos++
	default:
		return false
	}
	return true
}

// scanName reads a name with its namespace.
func (l *lexer) scanName() {
	for isNameByte(l.at(0)) || l.at(0) == '\\' && isNameStart(l.at(1)) {
		l.pos++
	}
}

func (l *lexer) scanNumber() {
	digits := func(is func(byte) bool) {
		for is(l.at(0)) || l.at(0) == '_' && is(l.at(1)) {
			l.pos++
		}
	}
	if l.at(0) == '0' {
		switch l.at(1) {
		case 'x', 'X', 'b', 'B', 'o', 'O':
			l.pos += 2
			digits(isHexDigit)
			return
		}
	}
	digits(isDigit)
	if l.at(0) == '.' && !l.hasPrefix("...") {
		l.pos++
		digits(isDigit)
	}
	if l.at(0) == 'e' || l.at(0) == 'E' {
		sign := 0
		if l.at(1) == '+' || l.at(1) == '-' {
			sign = 1
		}
		if isDigit(l.at(1 + sign)) {
			l.pos += 1 + sign
			digits(isDigit)
		}
	}
}

func isDigit(c byte) bool    { return c >= '0' && c <= '9' }
func isHexDigit(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }
func isNameStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
func isNameByte(c byte) bool { return isNameStart(c) || isDigit(c) }
