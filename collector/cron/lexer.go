package cron

import (
	"regexp"
	"slices"
	"strings"
)

// lexer takes out of a program what is only said in it: comments, and texts that are printed or logged.
type lexer struct {
	language language
	text     string
	at       int
	// out is the program without what is only said, bare the same without any text.
	out, bare strings.Builder
	// callees are the functions whose arguments are being read, the innermost one last.
	callees []string
	// first is the statement's first word, last the word before the place, with what follows it.
	first, last string
	// empty says that the statement has no word yet.
	empty bool
	// pending are the ends of here-documents that begin on the next line, with whether each is only said.
	pending []pendingText
	broken  bool
}

type pendingText struct {
	end    string
	output bool
}

// program is what a source file says that counts: without comments and texts that are only said. code has no texts at
// all.
type source struct {
	text, code string
}

// program returns what is left of a source file. One with a text that does not end keeps all but the lines that are
// comments.
func (l language) program(text string) source {
	x := lexer{language: l, text: text, empty: true}
	if l.tags[0] != "" {
		x.outside()
	}
	for x.at < len(x.text) {
		x.next()
	}
	if x.broken {
		text = l.withoutCommentLines(text)
		return source{text, text}
	}
	return source{x.out.String(), x.bare.String()}
}

func (l language) withoutCommentLines(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		start := strings.TrimSpace(line)
		isBlock := len(l.blocks) > 0 && (strings.HasPrefix(start, "* ") || strings.HasPrefix(start, l.blocks[0][0]))
		if !isBlock && !hasAnyPrefix(start, l.comments) {
			out.WriteString(line)
		}
	}
	return out.String()
}

func hasAnyPrefix(text string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

// outside passes over what a template prints as it is.
func (x *lexer) outside() {
	i := strings.Index(x.text[x.at:], x.language.tags[0])
	if i < 0 {
		x.at = len(x.text)
		return
	}
	x.at += i + len(x.language.tags[0])
	switch rest := x.text[x.at:]; {
	case strings.HasPrefix(rest, "php"):
		x.at += len("php")
	case strings.HasPrefix(rest, "="):
		x.at++
		x.first = "echo"
	}
}

func (x *lexer) next() {
	rest := x.text[x.at:]
	switch {
	case x.language.tags[1] != "" && strings.HasPrefix(rest, x.language.tags[1]):
		x.endStatement()
		x.outside()
	case x.comment(rest), x.block(rest), x.hereDocument(rest):
	case x.quoted(rest):
	default:
		x.code(rest[0])
	}
}

func (x *lexer) comment(rest string) bool {
	if !hasAnyPrefix(rest, x.language.comments) || !x.canComment(rest) {
		return false
	}
	line, _, _ := strings.Cut(rest, "\n")
	if tag := x.language.tags[1]; tag != "" {
		line, _, _ = strings.Cut(line, tag)
	}
	x.at += len(line)
	return true
}

// canComment reports whether what looks like a comment is one: $#list, http://… and a pattern are none, PHP's #[…]
// neither.
func (x *lexer) canComment(rest string) bool {
	before := byte('\n')
	if x.at > 0 {
		before = x.text[x.at-1]
	}
	if strings.HasPrefix(rest, "#[") && x.language.name == "php" {
		return false
	}
	return strings.IndexByte(" \t\r\n;{}(),", before) >= 0
}

func (x *lexer) block(rest string) bool {
	if x.language.name == "perl" && (x.at == 0 || x.text[x.at-1] == '\n') && podStart.MatchString(rest) {
		x.skipTo(rest, "\n=cut")
		return true
	}
	if x.language.hereDocument == perlHereDocument && strings.HasPrefix(rest, "\n__END__") {
		x.at = len(x.text)
		return true
	}
	if x.language.name == "ruby" && strings.HasPrefix(rest, "\n=begin") {
		x.skipTo(rest, "\n=end")
		return true
	}
	for _, b := range x.language.blocks {
		if strings.HasPrefix(rest, b[0]) {
			x.skipTo(rest, b[1])
			return true
		}
	}
	return false
}

var podStart = regexp.MustCompile(`^=[a-z]`)

func (x *lexer) skipTo(rest, end string) {
	i := strings.Index(rest[1:], end)
	if i < 0 {
		x.at = len(x.text)
		return
	}
	x.at += 1 + i + len(end)
	x.write(" ", " ")
}

func (x *lexer) hereDocument(rest string) bool {
	if x.language.hereDocument == nil || !strings.HasPrefix(rest, "<<") {
		return false
	}
	m := x.language.hereDocument.FindStringSubmatch(rest)
	if m == nil {
		return false
	}
	x.pending = append(x.pending, pendingText{end: m[1] + m[2] + m[3], output: x.isOutput()})
	x.at += len(m[0])
	x.write(`""`, "")
	x.empty = false
	return true
}

// write adds a text, and what is in its place where there are no texts.
func (x *lexer) write(text, code string) {
	x.out.WriteString(text)
	x.bare.WriteString(code)
}

// hereDocumentBody takes the texts that begin on the line behind the one that announces them.
func (x *lexer) hereDocumentBody() {
	for _, p := range x.pending {
		for x.at < len(x.text) {
			line, _, _ := strings.Cut(x.text[x.at:], "\n")
			x.at = min(x.at+len(line)+1, len(x.text))
			if end := strings.TrimRight(strings.TrimSpace(line), ";,)"); end == p.end {
				break
			}
			if !p.output {
				x.out.WriteString(line + "\n")
			}
		}
	}
	x.pending = nil
}

// quoted takes a text. One that is a statement by itself, as a docstring, or that is printed is left out.
func (x *lexer) quoted(rest string) bool {
	for _, quote := range x.language.quotes {
		if !strings.HasPrefix(rest, quote) {
			continue
		}
		end := textEnd(rest, quote)
		if end < 0 {
			x.broken, x.at = true, len(x.text)
			return true
		}
		x.at += end
		if quote != "`" && (x.empty && x.language.name == "python" || x.isOutput()) {
			x.write(`""`, `""`)
		} else {
			x.write(rest[:end], quote+quote)
		}
		x.empty = false
		return true
	}
	return false
}

// textEnd is the offset behind a text that begins and ends with quote; -1 when it does not end.
func textEnd(rest, quote string) int {
	for i := len(quote); i < len(rest); i++ {
		switch {
		case rest[i] == '\\':
			i++
		case strings.HasPrefix(rest[i:], quote):
			return i + len(quote)
		}
	}
	return -1
}

// isOutput reports whether a text at this place is printed, logged or the like: by the function whose argument it is,
// or by the statement.
func (x *lexer) isOutput() bool {
	last := strings.TrimRight(x.last, " \t")
	switch {
	case sayingArgument.MatchString(last):
		return true
	case x.language.starts.MatchString(last):
		return false
	}
	for _, callee := range slices.Backward(x.callees) {
		if callee != "" {
			return saying.MatchString(callee)
		}
	}
	if x.first == "" {
		return saying.MatchString(last)
	}
	return saying.MatchString(x.first)
}

var (
	saying = regexp.MustCompile(`(?i)^(echo|print|println|printf|print_r|puts|say|warn|warning|die|exit|abort|` +
		`log|logger|info|debug|error|error_log|critical|notice|alert|raise|throw|\w*Exception|\w*Error|` +
		`writeln|mail|notify|syslog|pp|p|var_dump|trigger_error|message|usage|help)$`)
	sayingArgument = regexp.MustCompile(`(?i)\b(help|description|usage|epilog|message|title|doc)\s*[=:]$`)
)

// maxCallees is how deep calls can be nested, maxName how long a name can be that is looked at.
const (
	maxCallees = 1000
	maxName    = 100
)

// code takes one character that is none of a text or a comment.
func (x *lexer) code(c byte) {
	x.at++
	x.out.WriteByte(c)
	x.bare.WriteByte(c)
	if isNameByte(c) {
		x.name(c)
		return
	}
	if x.first == "" {
		x.first = strings.TrimRight(x.last, "=:")
	}
	switch {
	case c == '(' || c == '[' || c == '{' && x.language.newlines:
		callee := strings.TrimRight(x.last, " \t")
		if c != '(' {
			callee = ""
		}
		x.callees = append(x.callees, callee)
		x.broken = x.broken || len(x.callees) > maxCallees
		x.last, x.empty = "", false
	case c == ')' || c == ']' || c == '}' && x.language.newlines:
		x.callees = x.callees[:max(len(x.callees)-1, 0)]
		x.last = ""
	case c == '\n':
		if len(x.callees) == 0 && x.language.newlines {
			x.endStatement()
		}
		x.hereDocumentBody()
	case c == ';' || c == '{' || c == '}':
		x.endStatement()
	case c == ',':
		x.last = ""
	case c != ' ' && c != '\t' && c != '\r':
		x.empty = false
		x.last += string(rune(c))
	}
	if x.broken {
		x.at = len(x.text)
	}
}

// name takes a character of a name.
func (x *lexer) name(c byte) {
	if len(x.last) > maxName || x.at < 2 || !isNameByte(x.text[x.at-2]) {
		x.last = ""
	}
	x.last += string(rune(c))
	x.empty = false
}

func (x *lexer) endStatement() {
	x.callees, x.first, x.last, x.empty = nil, "", "", true
}

func isNameByte(c byte) bool {
	return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
}
