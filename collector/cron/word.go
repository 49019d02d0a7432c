package cron

import (
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// word is a word of a command after the shell's expansions, with unknown in place of what only the running shell knows.
type word string

// unknown stands for an unset variable, a command's output and the like. No word of a real command has it.
const unknown = "\x00"

// unknownPart is unknown as shell text: a parameter whose value is never known.
const unknownPart = "${?}"

// open reports whether a part of the word is unknown.
func (w word) open() bool { return strings.Contains(string(w), unknown) }

// text is what is known of the word.
func (w word) text() string {
	return strings.ReplaceAll(strings.ReplaceAll(string(w), unknown, ""), hidden, "")
}

// source is the word as the text of another shell.
func (w word) source() string {
	return strings.ReplaceAll(strings.ReplaceAll(string(w), hidden, ""), unknown, unknownPart)
}

// join writes words as one command line.
func join(words []word) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.source()
	}
	return strings.Join(texts, " ")
}

// Limits of what a variable holds and of a command. Variables can double what they hold again and again.
const (
	maxValue = 4096
	maxWords = 1000
)

// expansion makes the words of one command.
type expansion struct {
	reader *reader
	sh     *shell
	words  []word
	// current is the word that is being written; started says that there is one, even if it is empty.
	current strings.Builder
	started bool
	// single says that blanks do not split words, as in an assignment.
	single bool
	// size is how long the finished words are together.
	size int
	// pattern is the current word as a pattern of file names, if isPattern says that it is one; globs are those that
	// were finished.
	pattern   strings.Builder
	isPattern bool
	globs     []glob
}

// expandWords does what a shell does with a command's words. Patterns and brace lists make a word unknown.
func (r *reader) expandWords(list []*syntax.Word, sh *shell) []word {
	words, _ := r.expandPatterns(list, sh)
	return words
}

// expandPatterns is expandWords, and returns which words are patterns of file names.
func (r *reader) expandPatterns(list []*syntax.Word, sh *shell) ([]word, []glob) {
	e := expansion{reader: r, sh: sh}
	for _, w := range list {
		e.parts(w.Parts, false)
		e.end()
		if len(e.words) >= maxWords {
			break
		}
	}
	return e.words, e.globs
}

// expandWord is for places where a shell takes one word and splits nothing: assignments, redirections and here-strings.
func (r *reader) expandWord(w *syntax.Word, sh *shell) word {
	if w == nil {
		return ""
	}
	e := expansion{reader: r, sh: sh, single: true}
	e.parts(w.Parts, false)
	return word(e.current.String())
}

// hereDocument is a here-document's text. With a quoted delimiter nothing in it is expanded.
func (r *reader) hereDocument(redirect *syntax.Redirect, sh *shell) word {
	if redirect.Hdoc == nil {
		return ""
	}
	for _, part := range redirect.Word.Parts {
		lit, ok := part.(*syntax.Lit)
		if !ok || strings.Contains(lit.Value, `\`) {
			return word(fromUTF8(literal(redirect.Hdoc)))
		}
	}
	e := expansion{reader: r, sh: sh, single: true}
	e.parts(redirect.Hdoc.Parts, true)
	return word(e.current.String())
}

// literal is a word's text as it is written.
func literal(w *syntax.Word) string {
	var text strings.Builder
	for _, part := range w.Parts {
		if lit, ok := part.(*syntax.Lit); ok {
			text.WriteString(lit.Value)
		}
	}
	return text.String()
}

func (e *expansion) add(text string) { e.addPattern(text, quoteGlob(fromUTF8(text))) }

// addPattern adds a text to the current word, and what it is in a pattern.
func (e *expansion) addPattern(text, pattern string) {
	e.started = true
	text = fromUTF8(text)
	if e.pattern.Len()+len(pattern) <= maxValue {
		e.pattern.WriteString(pattern)
	} else {
		e.isPattern = false
	}
	switch length := e.size + e.current.Len(); {
	case length+len(text) <= maxShellText:
		e.current.WriteString(text)
	case length <= maxShellText:
		e.current.WriteString(unknown) // which is the last that fits
		e.size = maxShellText + 1
	}
}

// end ends a word.
func (e *expansion) end() {
	if e.started && len(e.words) < maxWords {
		if e.isPattern {
			e.globs = append(e.globs, glob{len(e.words), e.pattern.String()})
		}
		e.words = append(e.words, word(e.current.String()))
		e.size += e.current.Len()
	}
	e.current.Reset()
	e.pattern.Reset()
	e.started, e.isPattern = false, false
}

func (e *expansion) parts(parts []syntax.WordPart, quoted bool) {
	for i, part := range parts {
		switch p := part.(type) {
		case *syntax.Lit:
			e.literal(p.Value, quoted, i == 0 && !e.started, i+1 < len(parts))
		case *syntax.SglQuoted:
			e.singleQuoted(p)
		case *syntax.DblQuoted:
			e.doubleQuoted(p)
		case *syntax.ParamExp:
			e.values(e.parameter(p), quoted)
		case *syntax.CmdSubst:
			e.values([]word{e.reader.substitution(p.Stmts, e.sh)}, quoted)
		case *syntax.ProcSubst:
			// Who reads it is not known: it can be a shell.
			written := e.reader.substitution(p.Stmts, e.sh)
			e.reader.undecide(written.text())
			if !written.isHidden() {
				written = unknown
			}
			e.add(string(written))
		default: // arithmetic and bash's own patterns
			e.reader.nested(part, e.sh)
			e.add(unknown)
		}
	}
}

var (
	// patternChars are what a shell replaces by file names, or by several words.
	patternChars = regexp.MustCompile(`[*?(]|\[[^\]]+\]|\{[^{}]*(,|\.\.)[^{}]*\}`)
	escapedChar  = regexp.MustCompile(`(?s)\\.`)
)

func (e *expansion) literal(text string, quoted, first, more bool) {
	if quoted {
		e.add(unescape(text, "$`\"\\\n"))
		return
	}
	if first && strings.HasPrefix(text, "~") {
		home, rest := e.sh.tilde(text, e.reader.look.accounts, more)
		e.add(home)
		text = rest
	}
	if !e.single && patternChars.MatchString(escapedChar.ReplaceAllString(text, "")) {
		e.isPattern = true
		e.addPattern(unknown, "")
		e.addPattern(unescape(text, ""), fromUTF8(text))
		return
	}
	e.add(unescape(text, ""))
}

// unescape takes out backslashes. With special, only those before one of its characters.
func unescape(text, special string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) || special != "" && strings.IndexByte(special, text[i+1]) < 0 {
			out.WriteByte(text[i])
			continue
		}
		if i++; text[i] != '\n' {
			out.WriteByte(text[i])
		}
	}
	return out.String()
}

func (e *expansion) singleQuoted(q *syntax.SglQuoted) {
	text := q.Value
	if q.Dollar {
		var err error
		if text, err = expand.Literal(&expand.Config{}, &syntax.Word{Parts: []syntax.WordPart{q}}); err != nil {
			text = unknown
		}
	}
	e.add(text)
}

// doubleQuoted adds one word, or each of "$@" as one.
func (e *expansion) doubleQuoted(q *syntax.DblQuoted) {
	if p := onlyParameter(q.Parts); p != nil && isList(p) {
		for i, value := range e.parameter(p) {
			if i > 0 && !e.single {
				e.end()
			}
			e.add(string(value))
		}
		return
	}
	e.add("")
	e.parts(q.Parts, true)
}

func onlyParameter(parts []syntax.WordPart) *syntax.ParamExp {
	if len(parts) != 1 {
		return nil
	}
	p, _ := parts[0].(*syntax.ParamExp)
	return p
}

// values adds what an expansion yields. Outside quotes the blanks in it split words.
func (e *expansion) values(values []word, quoted bool) {
	for i, value := range values {
		if quoted || e.single {
			if i > 0 {
				e.add(" ")
			}
			e.add(string(value))
			continue
		}
		for j, field := range strings.Fields(string(value)) {
			if i > 0 || j > 0 {
				e.end()
			}
			e.add(field)
		}
	}
}
