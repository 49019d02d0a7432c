package phparray

import (
	"bytes"
	"slices"
)

// maxFollowed is how often a variable that is set to another variable is followed.
const maxFollowed = 8

// followVariable returns the value of the return at an index. Where that names a variable which is set once, in a
// statement of its own, and used nowhere else, nothing else can have changed it, and the value is the one that it is
// set to.
func (s *Source) followVariable(before int) (*Value, error) {
	for range maxFollowed {
		i := before + 1
		if s.tokens[i].kind != variable || !s.endsStatement(i+1) {
			break
		}
		assignment, ok := s.onlyAssignment(i)
		if !ok && s.usedElsewhere(i) {
			return s.unknown(i, "is a variable that several statements set or use"), nil
		}
		if !ok {
			break
		}
		before = assignment
	}
	return s.returnedBy(before)
}

// onlyAssignment returns the index of the = of the only assignment to the variable at i.
func (s *Source) onlyAssignment(i int) (equals int, ok bool) {
	name := s.text(s.tokens[i])
	depth := 0
	for j, t := range s.tokens {
		switch {
		case s.is(t, "(") || s.is(t, "[") || s.is(t, "{"):
			depth++
		case s.is(t, ")") || s.is(t, "]") || s.is(t, "}"):
			depth--
		case t.kind == interpolated && mayName(s.data[t.start:t.end], name):
			return 0, false
		case t.kind != variable || s.text(t) != name || j == i:
		case ok || j > i || depth > 0 || !s.startsStatement(j) || !s.isAssignment(j+1):
			return 0, false
		default:
			equals, ok = j+1, true
		}
	}
	return equals, ok && !s.changesVariables(equals, i)
}

// mayName reports whether code in a string can name a variable.
func mayName(text []byte, name string) bool {
	return bytes.Contains(text, []byte(name)) || bytes.Contains(text, []byte("${"))
}

func (s *Source) endsStatement(i int) bool {
	t := s.tokens[i]
	return s.is(t, ";") || t.kind == closeTag || t.kind == endOfFile
}

// isAssignment reports whether a plain = stands at i: no comparison, and no reference.
func (s *Source) isAssignment(i int) bool {
	next := s.tokens[min(i+1, len(s.tokens)-1)]
	return s.is(s.tokens[i], "=") && !s.is(next, "=") && !s.is(next, "&")
}

// variableChangers set variables without naming them. What an included file does is not known.
var variableChangers = []string{
	"include", "include_once", "require", "require_once", "eval", "extract", "parse_str", "mb_parse_str",
}

// changesVariables reports whether something between an assignment and the use of its variable can set variables
// without naming them.
func (s *Source) changesVariables(equals, use int) bool {
	p := parser{Source: s, i: equals + 1}
	p.skip()
	for j := p.i; j < use; j++ {
		if s.is(s.tokens[j], "$") || slices.Contains(variableChangers, s.keyword(j)) {
			return true
		}
	}
	return false
}

// usedElsewhere reports whether the variable at i stands anywhere else in the file.
func (s *Source) usedElsewhere(i int) bool {
	name := s.text(s.tokens[i])
	return slices.IndexFunc(s.tokens, func(t token) bool {
		return t.kind == variable && t != s.tokens[i] && s.text(t) == name
	}) >= 0
}
