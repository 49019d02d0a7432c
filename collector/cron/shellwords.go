package cron

import (
	"strings"
)

// token is a word of a shell command, or what separates commands.
type token struct {
	// op is 0 for a word, '(' and ')' for a subshell's bounds, ';' for everything else that ends a command.
	op   byte
	text string
	// open says that the word has a part that only the shell could tell: an unknown variable, a substitution.
	open bool
}

// maxExpansion limits what variables can make of a word: each can hold the one before twice.
const maxExpansion = 4096

// lexer splits shell text as POSIX's shell does, as far as commands need it to be told apart. It runs nothing and knows no here-documents.
type lexer struct {
	text string
	at   int
	// vars are the variables whose values are known. They can be replaced between commands.
	vars   map[string]string
	tokens []token
	// nested are the texts of the last command's substitutions.
	nested []string

	word    strings.Builder
	inWord  bool
	open    bool
	skipped bool // the next word is a redirection's file
}

// command returns the words of the next command and what ends it. The last command, which may be empty, ends with 0.
func (l *lexer) command() (words []token, end byte) {
	l.tokens, l.nested = nil, nil
	for l.at < len(l.text) {
		l.next()
		if n := len(l.tokens); n > 0 && l.tokens[n-1].op != 0 {
			return l.tokens[:n-1], l.tokens[n-1].op
		}
	}
	l.endWord()
	return l.tokens, 0
}

func (l *lexer) next() {
	c := l.text[l.at]
	l.at++
	switch c {
	case ' ', '\t', '\r':
		l.endWord()
	case '\n', ';', '&', '|':
		l.operator(';')
	case '(', ')':
		l.operator(c)
	case '<', '>':
		l.redirection()
	case '#':
		if l.inWord {
			l.add("#")
			return
		}
		l.until('\n')
	case '\'':
		l.add(l.until('\''))
	case '"':
		l.doubleQuoted()
	case '\\':
		l.escaped("")
	case '$', '`':
		l.expansion(c, false)
	default:
		l.add(l.text[l.at-1 : l.at])
	}
}

func (l *lexer) add(text string) {
	l.inWord = true
	if l.word.Len()+len(text) > maxExpansion {
		// Nothing that is looked for is that long, but such a word must stay one word.
		l.open = true
		return
	}
	l.word.WriteString(text)
}

func (l *lexer) endWord() {
	if l.inWord && !l.skipped {
		l.tokens = append(l.tokens, token{text: l.word.String(), open: l.open})
	}
	if l.inWord {
		l.skipped = false
	}
	l.word.Reset()
	l.inWord, l.open = false, false
}

func (l *lexer) operator(op byte) {
	l.endWord()
	l.skipped = false
	l.tokens = append(l.tokens, token{op: op})
}

// redirection passes over 2>&1, >>file and the like with the file that follows.
func (l *lexer) redirection() {
	if strings.Trim(l.word.String(), "0123456789") == "" {
		l.word.Reset()
		l.inWord = false
	}
	l.endWord()
	for l.at < len(l.text) && strings.IndexByte("<>&|", l.text[l.at]) >= 0 {
		l.at++
	}
	l.skipped = true
}

// until returns what comes before the next end, which is passed over too.
func (l *lexer) until(end byte) string {
	rest := l.text[l.at:]
	i := strings.IndexByte(rest, end)
	if i < 0 {
		l.at = len(l.text)
		return rest
	}
	l.at += i
	if end != '\n' { // which ends a command as well as a comment
		l.at++
	}
	return rest[:i]
}

func (l *lexer) doubleQuoted() {
	l.add("")
	for l.at < len(l.text) {
		c := l.text[l.at]
		l.at++
		switch c {
		case '"':
			return
		case '\\':
			l.escaped("$`\"\\\n")
		case '$', '`':
			l.expansion(c, true)
		default:
			l.add(l.text[l.at-1 : l.at])
		}
	}
}

// escaped takes the character behind a backslash. Within double quotes only some are special.
func (l *lexer) escaped(special string) {
	if l.at == len(l.text) {
		return
	}
	c := l.text[l.at]
	if special != "" && strings.IndexByte(special, c) < 0 {
		l.add(`\`)
		return
	}
	l.at++
	if c != '\n' {
		l.add(string([]byte{c}))
	}
}

// expansion takes what follows $ or a backtick.
func (l *lexer) expansion(c byte, quoted bool) {
	rest := l.text[l.at:]
	switch {
	case c == '`':
		l.substitution(l.until('`'))
	case strings.HasPrefix(rest, "("):
		l.substitution(l.balanced())
	case strings.HasPrefix(rest, "{"):
		name := strings.TrimPrefix(l.until('}'), "{")
		l.variable(name, quoted)
	default:
		n := 0
		for n < len(rest) && isNameByte(rest[n], n) {
			n++
		}
		if n == 0 && rest != "" && strings.IndexByte("0123456789@*#?$!-", rest[0]) >= 0 {
			n = 1
		}
		l.at += n
		if n == 0 {
			l.add("$")
			return
		}
		l.variable(rest[:n], quoted)
	}
}

func isNameByte(c byte, at int) bool {
	return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || at > 0 && c >= '0' && c <= '9'
}

func (l *lexer) substitution(text string) {
	l.nested = append(l.nested, text)
	l.inWord, l.open = true, true
}

// balanced returns what is between parentheses.
func (l *lexer) balanced() string {
	depth, start := 0, l.at+1
	for ; l.at < len(l.text); l.at++ {
		switch l.text[l.at] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			l.at++
			return l.text[start : l.at-1]
		}
	}
	return l.text[min(start, len(l.text)):]
}

// variable adds a variable's value; outside quotes its blanks split words.
func (l *lexer) variable(name string, quoted bool) {
	value, known := l.vars[name]
	if !known {
		l.inWord, l.open = true, true
		return
	}
	if quoted {
		l.add(value)
		return
	}
	for i, field := range strings.Fields(value) {
		if i > 0 {
			l.endWord()
		}
		l.add(field)
	}
}
