package phparray

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// decodeNumber reads an integer or float literal. Integers that do not fit become floats, as in PHP.
func decodeNumber(literal string) (*Value, error) {
	digits := strings.ReplaceAll(literal, "_", "")
	base := 10
	switch lower := strings.ToLower(digits); {
	case strings.HasPrefix(lower, "0x"):
		base, digits = 16, digits[2:]
	case strings.HasPrefix(lower, "0b"):
		base, digits = 2, digits[2:]
	case strings.HasPrefix(lower, "0o"):
		base, digits = 8, digits[2:]
	case strings.ContainsAny(digits, ".eE"):
		return decodeFloat(digits)
	case len(digits) > 1 && digits[0] == '0':
		base, digits = 8, digits[1:]
	}
	n, err := strconv.ParseInt(digits, base, 64)
	switch {
	case err == nil:
		return &Value{kind: Int, number: n}, nil
	case !errors.Is(err, strconv.ErrRange):
		return nil, errNumber
	case base == 10:
		return decodeFloat(digits)
	}
	var f float64
	for _, digit := range digits {
		d, _ := strconv.ParseInt(string(digit), base, 64)
		f = f*float64(base) + float64(d)
	}
	return &Value{kind: Float, float: f}, nil
}

var errNumber = errors.New("this is no number")

func decodeFloat(digits string) (*Value, error) {
	f, err := strconv.ParseFloat(digits, 64)
	// Too large a number is infinite in PHP as well.
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, errNumber
	}
	return &Value{kind: Float, float: f}, nil
}

// decodeSingleQuoted undoes \' and \\, the only escapes there.
func decodeSingleQuoted(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '\\' || s[i+1] == '\'') {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// The escapes of one character in "…" and heredocs, and what they stand for.
const (
	escapeLetters = `ntrvef\$`
	escapeBytes   = "\n\t\r\v\x1b\f\\$"
)

// decodeEscapes undoes the escapes of "…" and, with quote 0, of heredocs. The offset of a faulty escape goes with the
// error.
func decodeEscapes(s string, quote byte) (text string, badOffset int, err error) {
	if !strings.Contains(s, `\`) {
		return s, 0, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		size := 2
		c := s[i+1]
		simple := strings.IndexByte(escapeLetters, c)
		switch {
		case simple >= 0:
			b.WriteByte(escapeBytes[simple])
		case quote != 0 && c == quote:
			b.WriteByte(c)
		case c >= '0' && c <= '7':
			size = 1 + run(s[i+1:], 3, func(c byte) bool { return c >= '0' && c <= '7' })
			n, _ := strconv.ParseUint(s[i+1:i+size], 8, 16)
			b.WriteByte(byte(n)) // PHP drops the ninth bit too
		case c == 'x' || c == 'u':
			if size, err = decodeHexEscape(&b, s[i:]); err != nil {
				return "", i, err
			}
		default:
			b.WriteString(s[i : i+2])
		}
		i += size - 1
	}
	return b.String(), 0, nil
}

// decodeHexEscape writes what \xHH or \u{H…} at the start of s stands for and returns the length of the escape.
func decodeHexEscape(b *strings.Builder, s string) (int, error) {
	if s[1] == 'x' {
		digits := run(s[2:], 2, isHexDigit)
		if digits == 0 {
			b.WriteString(`\x`)
			return 2, nil
		}
		n, _ := strconv.ParseUint(s[2:2+digits], 16, 8)
		b.WriteByte(byte(n))
		return 2 + digits, nil
	}
	if len(s) < 3 || s[2] != '{' {
		b.WriteString(`\u`)
		return 2, nil
	}
	digits := run(s[3:], len(s), isHexDigit)
	n, err := strconv.ParseUint(s[3:3+digits], 16, 32)
	if err != nil || n > utf8.MaxRune || len(s) == 3+digits || s[3+digits] != '}' {
		return 0, errors.New(`the escape \u{ is not followed by a code point and }`)
	}
	b.Write(utf8.AppendRune(nil, rune(n)))
	return 4 + digits, nil
}

// run returns how many of the first limit bytes of s are in the class.
func run(s string, limit int, is func(byte) bool) int {
	n := 0
	for n < len(s) && n < limit && is(s[n]) {
		n++
	}
	return n
}

// heredocBody returns the lines of a heredoc or nowdoc without the indentation of its closing label. The offset of a
// line that is indented less, or otherwise, goes with the error.
func heredocBody(literal string) (body string, badOffset int, err error) {
	first := strings.IndexAny(literal, "\r\n")
	start := first + 1
	if strings.HasPrefix(literal[first:], "\r\n") {
		start++
	}
	lastLine := strings.LastIndexAny(literal, "\r\n") + 1
	closing := literal[lastLine:]
	indent := closing[:len(closing)-len(strings.TrimLeft(closing, " \t"))]
	if strings.Contains(indent, " ") && strings.Contains(indent, "\t") {
		return "", lastLine, errors.New("the heredoc is indented with both tabs and spaces")
	}
	if lastLine <= start {
		return "", 0, nil
	}
	text := literal[start:lastLine]
	text = text[:len(text)-len(lineEnding(text))]
	if indent == "" {
		return text, 0, nil
	}
	var b strings.Builder
	for offset := 0; offset < len(text); {
		end := len(text)
		if i := strings.IndexAny(text[offset:], "\r\n"); i >= 0 {
			end = offset + i
		}
		line := text[offset:end]
		switch {
		case line == "":
		case !strings.HasPrefix(line, indent) && strings.Trim(line, indent) == "" && len(line) < len(indent):
			line = ""
		case !strings.HasPrefix(line, indent):
			return "", start + offset, errors.New(
				"this line of a heredoc is indented less than its closing label, or otherwise",
			)
		default:
			line = line[len(indent):]
		}
		b.WriteString(line)
		ending := leadingLineEnding(text[end:])
		b.WriteString(ending)
		offset = end + len(ending)
	}
	return b.String(), 0, nil
}

func lineEnding(s string) string {
	if strings.HasSuffix(s, "\r\n") {
		return "\r\n"
	}
	return s[max(0, len(s)-1):]
}

func leadingLineEnding(s string) string {
	if strings.HasPrefix(s, "\r\n") {
		return "\r\n"
	}
	return s[:min(1, len(s))]
}

// decodeString returns the value of a string token.
func (l *lexer) decodeString(t token) (*Value, error) {
	v := &Value{kind: String, lines: &l.lines, offset: int(t.start)}
	literal := l.text(t)
	base, bad := int(t.start), 0
	var err error
	switch t.kind {
	case singleQuoted:
		v.text = decodeSingleQuoted(literal[1 : len(literal)-1])
	case doubleQuoted:
		base++
		v.text, bad, err = decodeEscapes(literal[1:len(literal)-1], '"')
	case heredoc, nowdoc:
		v.text, bad, err = heredocBody(literal)
		if err == nil && t.kind == heredoc {
			// Where in the lines, whose indentation is gone, the escape stands is not known: the heredoc is the place.
			v.text, _, err = decodeEscapes(v.text, 0)
		}
	}
	if err != nil {
		return nil, l.errorAt(base+bad, "%s", err)
	}
	return v, nil
}
