package cron

import (
	"maps"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// shell is the state in which a command runs: what is known of it without running anything.
type shell struct {
	// dir is the working directory; empty when it is not known.
	dir string
	// vars are the variables that are set. The map is replaced, never changed, so that copies of a shell can share it.
	vars map[string]variable
	// closed says that nothing but vars is in the environment, as where cron starts a command.
	closed bool
	// exportAll says that "set -a" is on.
	exportAll bool
	// functions are the bodies by name: more than one where a condition decides which is taken. Replaced, never
	// changed.
	functions map[string][]*syntax.Stmt
	// name is $0, args are $1 and so on, file is the file that is being read.
	name, file  string
	args        []word
	argsUnknown bool
	// elsewhere is the program through which the command leaves this host or its file system, like docker.
	elsewhere string
	// view is where the kernel shows the file system of another mount namespace; empty for this program's own.
	view string
	// marked says that Magento's own marker ties the command to the Magento 2 root, whatever path it names.
	marked bool
	// script is the script that is being read; empty for the command line itself.
	script string
	// doubt is why it cannot be decided whether the command runs; empty when it runs.
	doubt string
	// moreWords says that the command gets further words that are not known, as from xargs.
	moreWords bool
	depth     int
	ended     ending
}

// ending says what the commands that follow are not reached for. A lower one ends less.
type ending int

const (
	goesOn ending = iota
	endsLoop
	endsFunction
	endsShell
)

// variable is a shell variable: one word, or those of an array.
type variable struct {
	words    []word
	exported bool
}

// maxVars is far above what a script sets.
const maxVars = 500

// environment makes exported variables.
func environment(values map[string]string) map[string]variable {
	vars := make(map[string]variable, len(values))
	for name, value := range values {
		vars[name] = variable{words: []word{word(value)}, exported: true}
	}
	return vars
}

// value is what a variable holds; empty when it is not known.
func (sh *shell) value(name string) string {
	if v := sh.vars[name].words; len(v) > 0 && !v[0].open() {
		return string(v[0])
	}
	return ""
}

// assign sets a variable. One that is exported stays so.
func (sh *shell) assign(name string, v variable) {
	old, known := sh.vars[name]
	if !known && len(sh.vars) >= maxVars {
		return // which leaves it unknown, as any name that nothing sets
	}
	size := 0
	for _, w := range v.words {
		size += len(w)
	}
	if size > maxValue {
		v.words = []word{unknown}
	}
	v.exported = v.exported || old.exported || sh.exportAll || name == "PATH" || name == "HOME"
	sh.setVars(func(vars map[string]variable) { vars[name] = v })
}

func (sh *shell) setVars(change func(map[string]variable)) {
	vars := maps.Clone(sh.vars)
	if vars == nil {
		vars = map[string]variable{}
	}
	change(vars)
	sh.vars = vars
}

// child is the shell of a program that sh starts: it gets the exported variables and no functions.
func (sh shell) child() shell {
	vars := map[string]variable{}
	for name, v := range sh.vars {
		if v.exported {
			vars[name] = v
		}
	}
	sh.vars, sh.functions, sh.exportAll = vars, nil, false
	sh.args, sh.argsUnknown, sh.name, sh.file = nil, false, "", ""
	sh.depth++
	sh.ended = goesOn
	return sh
}

// tilde replaces the ~ or ~user at a word's start, and returns what follows. more says that the word goes on behind
// text.
func (sh *shell) tilde(text string, a accounts, more bool) (home, rest string) {
	user, _, hasSlash := strings.Cut(text[1:], "/")
	if !hasSlash && more || strings.Contains(user, `\`) {
		return "~", text[1:]
	}
	home = sh.value("HOME")
	if user != "" {
		home = a[user].home
	}
	if home == "" {
		home = unknown
	}
	return home, text[1+len(user):]
}

// changeDirectory does what cd does with its arguments.
func (sh *shell) changeDirectory(args []word) {
	for len(args) > 0 && strings.HasPrefix(string(args[0]), "-") && args[0] != "-" {
		args = args[1:]
	}
	switch {
	case len(args) == 0:
		sh.dir = sh.value("HOME")
	case args[0].open() || args[0] == "-":
		sh.dir = ""
	default:
		sh.dir = absolute(sh.dir, string(args[0]))
	}
}

// define adds a function.
func (sh *shell) define(name string, body *syntax.Stmt) {
	functions := maps.Clone(sh.functions)
	if functions == nil {
		functions = map[string][]*syntax.Stmt{}
	}
	functions[name] = []*syntax.Stmt{body}
	sh.functions = functions
}

// merge is the state after a place where either a or b was reached; either may be nil.
func merge(a, b *shell) *shell {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.ended != goesOn && b.ended == goesOn:
		return b
	case b.ended != goesOn && a.ended == goesOn:
		return a
	}
	m := *a
	m.ended = min(a.ended, b.ended)
	if a.dir != b.dir {
		m.dir = ""
	}
	if a.argsUnknown || b.argsUnknown || !slices.Equal(a.args, b.args) {
		m.args, m.argsUnknown = nil, true
	}
	m.closed = a.closed && b.closed
	m.vars = mergeVars(a.vars, b.vars)
	m.functions = mergeFunctions(a.functions, b.functions)
	return &m
}

// mergeVars keeps what both sides agree on. What they do not agree on is set to something unknown.
func mergeVars(a, b map[string]variable) map[string]variable {
	merged := maps.Clone(a)
	for name, v := range a {
		if other, ok := b[name]; !ok || !slices.Equal(v.words, other.words) {
			merged[name] = variable{words: []word{unknown}, exported: v.exported || other.exported}
		}
	}
	for name, v := range b {
		if _, ok := a[name]; !ok {
			if merged == nil {
				merged = map[string]variable{}
			}
			merged[name] = variable{words: []word{unknown}, exported: v.exported}
		}
	}
	return merged
}

// mergeFunctions keeps each body that a name can stand for.
func mergeFunctions(a, b map[string][]*syntax.Stmt) map[string][]*syntax.Stmt {
	merged := maps.Clone(a)
	for name, bodies := range b {
		if merged == nil {
			merged = map[string][]*syntax.Stmt{}
		}
		all := slices.Clone(merged[name])
		for _, body := range bodies {
			if !slices.Contains(all, body) {
				all = append(all, body)
			}
		}
		merged[name] = all
	}
	return merged
}

// resolve is the path that a name means in the shell's directory; empty when that is not known.
func (sh *shell) resolve(name word) string {
	if name.open() {
		return ""
	}
	return absolute(sh.dir, string(name))
}

// scriptNote says which script is being read; empty for the command line itself.
func (sh *shell) scriptNote() string {
	if sh.script == "" {
		return ""
	}
	return "in the script " + sh.script
}
