package cron

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// call reads one simple command.
func (r *reader) call(c *syntax.CallExpr, sh *shell, in stream) outcome {
	if len(c.Args) == 0 {
		for _, a := range c.Assigns {
			r.assign(a, sh, false)
		}
		return outcome{truth: yes}
	}
	words, globs := r.expandPatterns(c.Args, sh)
	if len(globs) > 0 && !isPassiveCall(words) {
		words = r.withFiles(words, globs, sh)
	}
	before := sh.vars
	for _, a := range c.Assigns {
		r.assign(a, sh, true)
	}
	o := r.simple(words, sh, in)
	if o.truth == maybe && len(words) > 0 && (words[0] == "[" || words[0] == "test") {
		o.truth = testUnset(c, sh)
	}
	if len(c.Assigns) > 0 { // which held for this command alone
		sh.setVars(func(vars map[string]variable) {
			for _, a := range c.Assigns {
				delete(vars, a.Name.Value)
				if old, ok := before[a.Name.Value]; ok {
					vars[a.Name.Value] = old
				}
			}
		})
	}
	return o
}

// assign does what name=value does.
func (r *reader) assign(a *syntax.Assign, sh *shell, exported bool) {
	if a.Name == nil {
		return
	}
	v := variable{exported: exported}
	switch {
	case a.Index != nil:
		v.words = []word{unknown}
	case a.Array != nil:
		for _, e := range a.Array.Elems {
			if e.Index != nil || e.Value == nil {
				v.words = []word{unknown}
				break
			}
			v.words = append(v.words, r.expandWords([]*syntax.Word{e.Value}, sh)...)
		}
	default:
		v.words = []word{r.expandWord(a.Value, sh)}
	}
	if a.Append {
		old := sh.vars[a.Name.Value].words
		if a.Array != nil {
			v.words = append(slices.Clip(old), v.words...)
		} else if len(old) > 0 {
			v.words = []word{old[0] + v.words[0]}
		}
	}
	sh.assign(a.Name.Value, v)
}

// declare does what export, local and the like do.
func (r *reader) declare(c *syntax.DeclClause, sh *shell) {
	exported := c.Variant.Value == "export"
	for _, a := range c.Args {
		switch {
		case a.Name == nil || a.Naked && a.Value != nil:
			option := r.expandWord(a.Value, sh)
			exported = exported || strings.HasPrefix(string(option), "-") && strings.Contains(string(option), "x")
			r.declareWord(option, sh, exported)
		case a.Naked:
			r.declareWord(word(a.Name.Value), sh, exported)
		default:
			r.assign(a, sh, exported)
		}
	}
}

var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// declareWord declares what a word says that is known only after its expansion: name or name=value.
func (r *reader) declareWord(w word, sh *shell, exported bool) {
	name, value, assigned := strings.Cut(string(w), "=")
	switch {
	case !assignment.MatchString(name + "="):
	case assigned:
		sh.assign(name, variable{words: []word{word(value)}, exported: exported})
	case exported:
		if v, ok := sh.vars[name]; ok {
			v.exported = true
			sh.assign(name, v)
		}
	}
}

// simple reads a command whose words are known.
func (r *reader) simple(words []word, sh *shell, in stream) outcome {
	if len(words) == 0 {
		return outcome{}
	}
	if bodies := sh.functions[string(words[0])]; len(bodies) > 0 {
		return r.function(bodies, words, sh, in)
	}
	if o, ok := r.builtin(words, sh, in); ok {
		return o
	}
	return r.run(words, *sh, in)
}

// function calls a function of the script.
func (r *reader) function(bodies []*syntax.Stmt, words []word, sh *shell, in stream) outcome {
	if sh.depth >= maxDepth {
		r.undecide(join(words))
		return outcome{out: opaque()}
	}
	var after *shell
	var o outcome
	for _, body := range bodies {
		state := *sh
		state.args, state.argsUnknown, state.depth = words[1:], false, sh.depth+1
		o = r.statement(body, &state, in)
		if state.ended == endsFunction {
			state.ended = goesOn
		}
		state.args, state.argsUnknown, state.depth = sh.args, sh.argsUnknown, sh.depth
		after = merge(after, &state)
	}
	*sh = *after
	if len(bodies) > 1 {
		o.truth = maybe
	}
	return o
}

// builtin does what a command of the shell itself does to the shell.
func (r *reader) builtin(words []word, sh *shell, in stream) (outcome, bool) {
	args := words[1:]
	switch words[0] {
	case "cd", "chdir", "pushd":
		sh.changeDirectory(args)
	case "popd":
		sh.dir = ""
	case "eval":
		if slices.ContainsFunc(args, word.isHidden) {
			return r.hiddenText(*sh), true
		}
		return outcome{out: r.text(join(args), sh, dialectsOf(""))}, true
	case ".", "source":
		r.source(args, sh, in)
	case "read", "mapfile", "readarray":
		r.undecideStream(in) // what is read can be run
		return outcome{}, sh.variableBuiltin(words, r)
	case "exec":
		return r.exec(args, sh, in), true
	case "trap":
		r.trap(args, *sh)
	case "exit":
		sh.ended = endsShell
	case "return":
		sh.ended = endsFunction
	case "break", "continue":
		sh.ended = endsLoop
	case "test", "[":
		return outcome{truth: r.test(args)}, true
	case "true", ":":
		return outcome{truth: yes}, true
	case "false":
		return outcome{truth: no}, true
	default:
		return outcome{}, sh.variableBuiltin(words, r)
	}
	return outcome{}, true
}

// variableBuiltin does what the commands do that set variables, and reports whether it is one.
func (sh *shell) variableBuiltin(words []word, r *reader) bool {
	args := words[1:]
	switch words[0] {
	case "export", "readonly", "local", "declare", "typeset":
		for _, arg := range args {
			r.declareWord(arg, sh, words[0] == "export")
		}
	case "set":
		sh.setArguments(args)
	case "shift":
		sh.shift(args)
	case "unset":
		sh.setVars(func(vars map[string]variable) {
			for _, name := range args {
				delete(vars, string(name))
			}
		})
	case "alias":
		r.alias(args, sh)
	case "read", "mapfile", "readarray", "getopts":
		for _, name := range args {
			if assignment.MatchString(string(name) + "=") {
				sh.assign(string(name), variable{words: []word{unknown}})
			}
		}
	case "unalias", "umask", "ulimit", "wait", "jobs", "hash", "type", "shopt", "times", "let", "disown":
	default:
		return false
	}
	return true
}

// alias makes commands of the names that are given texts: a function that does what the text says is as good.
func (r *reader) alias(args []word, sh *shell) {
	for _, arg := range args {
		name, text, ok := strings.Cut(arg.source(), "=")
		if p := parse(text+` "$@"`, dialectsOf("bash")); ok && len(p.statements) == 1 && p.rest == "" {
			sh.define(name, p.statements[0])
		}
	}
}

// undecideStream notes what a command reads.
func (r *reader) undecideStream(in stream) {
	r.undecide(in.text.text())
	if text, ok := r.scriptText(in.file); ok && !isBinary(text) {
		r.undecide(withoutComments(text))
	}
}

// setArguments does what set does. Other options than -a change nothing here.
func (sh *shell) setArguments(args []word) {
	for i, arg := range args {
		switch {
		case arg == "--":
			sh.args, sh.argsUnknown = args[i+1:], false
			return
		case arg == "-o" || arg == "+o":
			sh.exportAll = sh.exportAll || arg == "-o" && i+1 < len(args) && args[i+1] == "allexport"
		case strings.HasPrefix(string(arg), "-"), strings.HasPrefix(string(arg), "+"):
			if strings.Contains(string(arg), "a") {
				sh.exportAll = arg[0] == '-'
			}
		case i > 0 && (args[i-1] == "-o" || args[i-1] == "+o"):
		default:
			sh.args, sh.argsUnknown = args[i:], false
			return
		}
	}
}

func (sh *shell) shift(args []word) {
	n := 1
	if len(args) > 0 {
		var err error
		if n, err = strconv.Atoi(string(args[0])); err != nil || n < 0 {
			sh.args, sh.argsUnknown = nil, true
			return
		}
	}
	if n <= len(sh.args) {
		sh.args = sh.args[n:]
	}
}

// exec runs a command in the shell's place, so that nothing behind it is reached. Without one it only redirects.
func (r *reader) exec(args []word, sh *shell, in stream) outcome {
	for len(args) > 0 && strings.HasPrefix(string(args[0]), "-") {
		if args[0] == "-a" && len(args) > 1 {
			args = args[1:]
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return outcome{truth: yes}
	}
	o := r.run(args, *sh, in)
	sh.ended = endsShell
	return o
}

// trap reads the commands that a shell runs when it ends or gets a signal.
func (r *reader) trap(args []word, sh shell) {
	for len(args) > 0 && strings.HasPrefix(string(args[0]), "-") {
		args = args[1:]
	}
	if len(args) > 1 {
		r.text(args[0].source(), &sh, dialectsOf(""))
	}
}
