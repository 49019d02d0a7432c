package cron

import (
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// Limits of shell text. A shell takes more, but no cron job needs it, and the parser's stack grows with each level of
// nesting: what could open a level is counted, whether it is closed again or not.
const (
	maxShellText = 64 << 10
	maxOpened    = 5000
	maxKeywords  = 2000
	maxOperators = 1000 // in a row, or "?" in all
)

// dialects are the languages that a text can be in, the likeliest first.
type dialects []syntax.LangVariant

// dialectsOf returns what a shell of this name reads. /bin/sh is dash on some systems and bash on others. Bash's
// language has nearly all of POSIX's, so that comes second.
func dialectsOf(shell string) dialects {
	switch {
	case strings.HasSuffix(shell, "zsh"):
		return dialects{syntax.LangZsh, syntax.LangBash}
	case strings.HasSuffix(shell, "ksh"):
		return dialects{syntax.LangMirBSDKorn, syntax.LangBash}
	}
	return dialects{syntax.LangBash, syntax.LangPOSIX}
}

// parsed is shell text as far as it could be parsed.
type parsed struct {
	statements []*syntax.Stmt
	// rest is the text from the first line on that could not be parsed; empty when all was.
	rest string
}

// parse parses shell text. A shell reads one line after the other, so what stands before a mistake runs.
func parse(text string, languages dialects) parsed {
	text = shellText(text)
	if len(text) > maxShellText || tooDeep(text) {
		return parsed{rest: text}
	}
	var best parsed
	for i, language := range languages {
		p := parseDialect(text, language)
		if p.rest == "" {
			return p
		}
		if i == 0 || len(p.rest) < len(best.rest) {
			best = p
		}
	}
	return best
}

// shellText takes out what no shell keeps: NUL bytes, which stand for unknown parts here, and the carriage returns of a
// file that was written on Windows.
func shellText(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, unknown, ""), hidden, "")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return toUTF8(text)
}

// byteRune is where in Unicode's private area bytes are put that are no UTF-8, because the parser takes nothing else. A
// script in Latin-1 is read all the same.
const byteRune = 0xF700

func toUTF8(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			r = byteRune | rune(text[i])
		}
		out.WriteRune(r)
		i += n
	}
	return out.String()
}

// fromUTF8 gives back the bytes that toUTF8 replaced.
func fromUTF8(text string) string {
	if !strings.ContainsFunc(text, isByteRune) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if isByteRune(r) {
			out.WriteByte(byte(r))
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

func isByteRune(r rune) bool { return r >= byteRune|0x80 && r <= byteRune|0xFF }

func parseDialect(text string, language syntax.LangVariant) (p parsed) {
	defer func() {
		if recover() != nil { // the parser's own mistake: the text is as good as one that it refuses
			p = parsed{rest: text}
		}
	}()
	broken := false
	parser := syntax.NewParser(syntax.Variant(language))
	for statement, err := range parser.StmtsSeq(strings.NewReader(text)) {
		// After an error the parser can yield another one, even to a loop that has ended.
		broken = broken || err != nil
		if !broken {
			p.statements = append(p.statements, statement)
		}
	}
	if broken {
		p.dropBrokenLine(text)
	}
	return p
}

// dropBrokenLine takes out the statements on the line in which the first one stands that could not be parsed: a shell
// runs none of them.
func (p *parsed) dropBrokenLine(text string) {
	start := 0
	if n := len(p.statements); n > 0 {
		start = statementEnd(p.statements[n-1])
	}
	if start > len(text) {
		start = len(text)
	}
	start += len(text[start:]) - len(strings.TrimLeft(text[start:], " \t\n;&"))
	lineStart := strings.LastIndexByte(text[:start], '\n') + 1
	for n := len(p.statements); n > 0 && statementEnd(p.statements[n-1]) > lineStart; n-- {
		lineStart = min(lineStart, int(p.statements[n-1].Pos().Offset()))
		p.statements = p.statements[:n-1]
	}
	p.rest = text[lineStart:]
	if strings.TrimSpace(p.rest) == "" {
		p.rest = text
	}
}

// statementEnd is the offset behind a statement and its here-documents.
func statementEnd(s *syntax.Stmt) int {
	return int(s.End().Offset())
}

// tooDeep reports whether text could nest deeper than the parser should go. It counts without a look at quotes and
// comments: a script that people write stays far below the limits.
func tooDeep(text string) bool {
	opened, run, questions := 0, 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(', '{', '[', '`':
			opened++
			run = 0
		case '!', '~', '+', '-':
			run++
		case '?':
			questions++
		case ' ', '\t', '\n':
			continue
		default:
			run = 0
		}
		if opened > maxOpened || run > maxOperators || questions > maxOperators {
			return true
		}
	}
	return keywords(text) > maxKeywords
}

// keywords counts the words that can begin something which nests.
func keywords(text string) int {
	n := 0
	for word := range strings.FieldsFuncSeq(text, isSeparator) {
		switch word {
		case "if", "elif", "while", "until", "for", "case", "select", "time", "coproc", "function":
			n++
		}
	}
	return n
}

func isSeparator(r rune) bool {
	return strings.ContainsRune(" \t\n;&|(){}`\"'", r)
}
