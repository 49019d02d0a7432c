package cron

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/pattern"
	"mvdan.cc/sh/v3/syntax"
)

// isList reports whether an expansion in double quotes yields one word for each value: "$@" and "${name[@]}".
func isList(p *syntax.ParamExp) bool {
	return p.Param != nil && (p.Param.Value == "@" || subscript(p) == "@")
}

// subscript is what stands in the brackets of ${name[…]}; empty when there are none.
func subscript(p *syntax.ParamExp) string {
	if w, ok := p.Index.(*syntax.Word); ok {
		return w.Lit()
	}
	return ""
}

// parameter returns what an expansion like $name or ${name:-default} yields.
func (e *expansion) parameter(p *syntax.ParamExp) []word {
	e.reader.nested(p, e.sh)
	if p.Param == nil || !plainExpansion(p) {
		return []word{unknown}
	}
	values, set := e.sh.parameter(p.Param.Value, p.Index != nil, subscript(p))
	switch {
	case p.Length:
		return []word{unknown}
	case p.Exp != nil:
		return e.operator(p, values, set)
	case !set:
		// Cron's environment is small, but what else is in it is not known.
		return []word{unknown}
	}
	return values
}

// plainExpansion reports whether p is none of bash's and zsh's more special forms.
func plainExpansion(p *syntax.ParamExp) bool {
	return p.Flags == nil && !p.Excl && !p.Width && !p.IsSet && p.NestedParam == nil && len(p.Modifiers) == 0 &&
		p.Slice == nil && p.Repl == nil && p.Names == 0
}

// operator applies what stands behind the name in ${name:-word} and the like. A variable that nothing sets is unset
// only where the whole environment is known.
func (e *expansion) operator(p *syntax.ParamExp, values []word, set bool) []word {
	other := func() []word { return []word{e.reader.expandWord(p.Exp.Word, e.sh)} }
	empty := set && len(values) == 1 && values[0] == "" || set && len(values) == 0
	open := set && len(values) > 0 && values[0] == unknown
	switch p.Exp.Op {
	case syntax.DefaultUnset, syntax.AssignUnset, syntax.DefaultUnsetOrNull, syntax.AssignUnsetOrNull:
		_, notNumber := strconv.Atoi(p.Param.Value)
		orNull := p.Exp.Op == syntax.DefaultUnsetOrNull || p.Exp.Op == syntax.AssignUnsetOrNull || notNumber == nil
		if set && (!orNull || !empty) {
			return values
		}
		value := other()
		if !set && !e.sh.closed {
			value = []word{unknown}
		}
		if p.Exp.Op == syntax.AssignUnset || p.Exp.Op == syntax.AssignUnsetOrNull {
			e.sh.assign(p.Param.Value, variable{words: value})
		}
		return value
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
		switch {
		case open, !set && !e.sh.closed:
			return []word{unknown}
		case !set || empty && p.Exp.Op == syntax.AlternateUnsetOrNull:
			return nil
		}
		return other()
	case syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
		if set {
			return values
		}
		return []word{unknown}
	}
	if !set || len(values) != 1 {
		return []word{unknown}
	}
	return []word{e.cut(values[0], p.Exp)}
}

// Limits of what a pattern is tried on: cutting takes the square of the length.
const (
	maxCut     = 512
	maxPattern = 200
)

// cut takes off a value what a pattern matches, as in ${0%/*}.
func (e *expansion) cut(value word, op *syntax.Expansion) word {
	text := string(value)
	if cut, ok := cutPlain(text, op); ok {
		return word(cut)
	}
	matches, ok := compilePattern(e.reader.patternText(op.Word, e.sh))
	if !ok || value.open() || len(text) > maxCut || !e.reader.spend(1+len(text)/8) {
		return unknown
	}
	switch op.Op {
	case syntax.RemSmallSuffix:
		for i := len(text); i >= 0; i-- {
			if matches(text[i:]) {
				return word(text[:i])
			}
		}
	case syntax.RemLargeSuffix:
		for i := range len(text) + 1 {
			if matches(text[i:]) {
				return word(text[:i])
			}
		}
	case syntax.RemSmallPrefix:
		for i := range len(text) + 1 {
			if matches(text[:i]) {
				return word(text[i:])
			}
		}
	case syntax.RemLargePrefix:
		for i := len(text); i >= 0; i-- {
			if matches(text[:i]) {
				return word(text[i:])
			}
		}
	default:
		return unknown
	}
	return value
}

// cutPlain does what scripts do most, and what works on values that are known in part: ${0%/*} and ${0##*/}.
func cutPlain(text string, op *syntax.Expansion) (string, bool) {
	if op.Word == nil {
		return "", false
	}
	i := strings.LastIndexByte(text, '/')
	switch {
	case op.Op == syntax.RemSmallSuffix && op.Word.Lit() == "/*" && i >= 0 && !strings.Contains(text[i:], unknown):
		return text[:i], true
	case op.Op == syntax.RemLargePrefix && op.Word.Lit() == "*/" && i >= 0 && !strings.Contains(text[i:], unknown):
		return text[i+1:], true
	}
	return "", false
}

// patternText is a word as a pattern: what is quoted in it stands for itself.
func (r *reader) patternText(w *syntax.Word, sh *shell) word {
	if w == nil {
		return ""
	}
	var text strings.Builder
	for _, part := range w.Parts {
		if lit, ok := part.(*syntax.Lit); ok {
			text.WriteString(lit.Value)
			continue
		}
		value := r.expandWord(&syntax.Word{Parts: []syntax.WordPart{part}}, sh)
		text.WriteString(pattern.QuoteMeta(string(value), 0))
	}
	return word(text.String())
}

// compilePattern returns a function that reports whether a shell's pattern matches all of a text.
func compilePattern(text word) (func(string) bool, bool) {
	if text.open() || len(text) > maxPattern {
		return nil, false
	}
	expression, err := pattern.Regexp(string(text), pattern.EntireString)
	if err != nil {
		return nil, false
	}
	compiled, err := regexp.Compile(expression)
	if err != nil {
		return nil, false
	}
	return compiled.MatchString, true
}

// parameter returns the values of a parameter, and whether it is set. An array without a subscript is its first
// element.
func (sh *shell) parameter(name string, indexed bool, subscript string) ([]word, bool) {
	switch name {
	case "@", "*":
		if sh.argsUnknown {
			return []word{unknown}, true
		}
		return sh.args, true
	case "#":
		return []word{word(strconv.Itoa(len(sh.args)))}, !sh.argsUnknown
	case "?", "$", "!", "-", "_", "RANDOM", "SECONDS", "LINENO":
		return []word{unknown}, true
	case "0":
		return []word{word(sh.name)}, sh.name != ""
	case "PWD":
		return []word{word(sh.dir)}, sh.dir != ""
	case "BASH_SOURCE":
		return []word{word(filepath.Clean(sh.file))}, sh.file != ""
	}
	if n, err := strconv.Atoi(name); err == nil {
		return sh.argument(n)
	}
	v, set := sh.vars[name]
	switch {
	case !set:
		return nil, false
	case !indexed:
		return v.words[:min(len(v.words), 1)], len(v.words) > 0
	case subscript == "@" || subscript == "*":
		return v.words, true
	}
	if i, err := strconv.Atoi(subscript); err == nil && i >= 0 && i < len(v.words) {
		return v.words[i : i+1], true
	}
	return []word{unknown}, true
}

// argument is $1 and so on.
func (sh *shell) argument(n int) ([]word, bool) {
	switch {
	case sh.argsUnknown:
		return []word{unknown}, true
	case n >= 1 && n <= len(sh.args):
		return sh.args[n-1 : n], true
	}
	return []word{""}, true
}
