package cron

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// commandLine makes shell text of a command line in which only quotes, backslashes and blanks are special, as systemd
// and supervisor have it. variables says that $NAME and ${NAME} are replaced in it too. An unknownPart in it stays one.
func commandLine(text string, variables bool) string {
	var out strings.Builder
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case strings.HasPrefix(text[i:], unknownPart):
			out.WriteString(unknownPart)
			i += len(unknownPart) - 1
			continue
		case c == '\\' && quote != '\'' && i+1 < len(text):
			i++
			out.WriteByte('\\')
			out.WriteByte(text[i])
			continue
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		case quote == '\'':
		case c == '$' && variables && strings.HasPrefix(text[i:], "$$"):
			i++
			out.WriteByte('\\')
		case c == '$' && variables:
			if strings.HasPrefix(text[i:], "${") {
				out.WriteByte('$')
				i, c = i+1, '{'
			}
		case c == '$' || c == '`', quote == 0 && isOperator(c) && !isSeparateSemicolon(text, i, variables):
			out.WriteByte('\\')
		}
		out.WriteByte(c)
	}
	return out.String()
}

func isOperator(c byte) bool { return strings.IndexByte("();<>|&*?[]#!~{\n", c) >= 0 }

// isSeparateSemicolon reports whether the character at i is what separates two commands in a unit.
func isSeparateSemicolon(text string, i int, unit bool) bool {
	return unit && text[i] == ';' && i > 0 && text[i-1] == ' ' && (i+1 == len(text) || text[i+1] == ' ')
}

// splitWords splits a list at its blanks and takes the quotes off. A list that no shell takes is empty.
func splitWords(list string) []word {
	p := parse("words=("+commandLine(list, false)+")", dialectsOf("bash"))
	if len(p.statements) != 1 {
		return nil
	}
	call, ok := p.statements[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Assigns) != 1 || call.Assigns[0].Array == nil {
		return nil
	}
	r := (&look{steps: maxSteps}).newReader()
	var words []word
	for _, e := range call.Assigns[0].Array.Elems {
		if e.Value != nil && len(words) < maxWords {
			words = append(words, r.expandWord(e.Value, &shell{}))
		}
	}
	return words
}
