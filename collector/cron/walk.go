package cron

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// reader reads what one command line or script starts. It runs nothing: what a condition decides at run time, like test
// -f x &&, counts as true for what it starts, and as undecided for the variables and the directory that it sets.
type reader struct {
	look *look
	// found are the starts of cron.
	found []invocation
	// undecided are the words of commands of which it is not known what they start, unsure says that there are such
	// commands.
	undecided strings.Builder
	unsure    bool
	// written is what the commands so far write into files, by path. Readers of one command line share it.
	written map[string]word
	// steps is how many commands may still be read. Readers of one command line share it.
	steps *int
}

// The most commands that are read for one line of a crontab and for one look, and how deep a script can call another.
const (
	maxSteps     = 20_000
	maxLookSteps = 2_000_000
	maxDepth     = 10
	maxLoop      = 20 // values of a loop's variable
)

// invocations finds the starts of cron in shell text.
func (l *look) invocations(text string, in stream, sh shell) []invocation {
	if len(l.sites) == 0 {
		return nil
	}
	r := l.newReader()
	r.textWithInput(text, in, &sh, dialectsOf(sh.value("SHELL")))
	return r.result(sh)
}

func (l *look) newReader() *reader {
	steps := maxSteps
	return &reader{look: l, steps: &steps, written: map[string]word{}}
}

// part is a reader of a script that the text starts, with what is found and undecided in it kept apart.
func (r *reader) part() *reader {
	return &reader{look: r.look, steps: r.steps, written: r.written}
}

// result is what was found, or what the text says that could not be decided.
func (r *reader) result(sh shell) []invocation {
	if len(r.found) > 0 {
		return r.found
	}
	return r.look.mentioned(r.undecided.String(), sh)
}

// take adds what a part found.
func (r *reader) take(p *reader, sh shell) {
	found := p.result(sh)
	r.found = append(r.found, found...)
	if len(found) == 0 && p.unsure {
		r.undecide(p.undecided.String())
	}
}

// undecide notes text of which it is not known what it starts. Only lines that can name Magento's cron or root are
// kept.
func (r *reader) undecide(text string) {
	r.unsure = true
	for line := range strings.Lines(text) {
		isOurs := slices.ContainsFunc(r.look.sites, func(s site) bool { return s.isNamed(line) })
		if r.undecided.Len()+len(line) <= maxShellText && (isOurs || ownScript.MatchString(line)) {
			r.undecided.WriteString(line)
			r.undecided.WriteByte('\n')
		}
	}
}

// write notes what a command writes into a file, because a shell can be started with that file later.
func (r *reader) write(path string, text word) {
	old := r.written[path]
	if path == "" || len(old)+len(text) > maxShellText || len(r.written) >= maxVars {
		return
	}
	r.written[path] = old + text
}

// spend takes n steps, and reports whether there were so many left.
func (r *reader) spend(n int) bool {
	*r.steps -= n
	r.look.steps -= n
	if r.look.steps < 0 {
		r.look.problem("", "the commands that cron runs are too many to read all of them", fewerRemedy)
	}
	return *r.steps >= 0 && r.look.steps >= 0
}

// text reads shell text in a shell, which it changes.
func (r *reader) text(text string, sh *shell, languages dialects) stream {
	return r.textWithInput(text, stream{}, sh, languages)
}

func (r *reader) textWithInput(text string, in stream, sh *shell, languages dialects) stream {
	p := parse(text, languages)
	var out stream
	if sh.depth <= maxDepth {
		out = r.statements(p.statements, sh, in).out
	}
	if sh.depth > maxDepth || *r.steps < 0 {
		p.rest = text
	}
	if p.rest != "" {
		r.undecide(withoutComments(p.rest))
	}
	return out
}

// withoutComments leaves out the lines that are comments.
func withoutComments(text string) string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool {
		return strings.HasPrefix(strings.TrimSpace(line), "#")
	})
	return strings.Join(lines, "\n")
}

// truth is what is known of a command's exit status.
type truth int

const (
	maybe truth = iota
	yes
	no
)

// outcome is what a command writes and how it ends.
type outcome struct {
	out   stream
	truth truth
}

func (r *reader) statements(list []*syntax.Stmt, sh *shell, in stream) outcome {
	all := outcome{truth: yes}
	for _, s := range list {
		if sh.ended != goesOn {
			break
		}
		o := r.statement(s, sh, in)
		all.truth = o.truth
		all.out.append(o.out)
	}
	return all
}

func (r *reader) statement(s *syntax.Stmt, sh *shell, in stream) outcome {
	if !r.spend(1) {
		return outcome{}
	}
	to := redirects{in: in}
	for _, redirect := range s.Redirs {
		r.redirect(redirect, sh, &to)
	}
	here := sh
	if s.Background || s.Coprocess || s.Disown {
		apart := *sh
		here = &apart
	}
	o := r.command(s.Cmd, here, to.in)
	if s.Cmd == nil && to.in.file != "" {
		o.out = to.in // $(<file)
	}
	if s.Negated {
		o.truth = [...]truth{maybe: maybe, yes: no, no: yes}[o.truth]
	}
	if to.redirected {
		if to.file != "" {
			r.write(to.file, o.out.text)
			r.wroteCrontab(to.file, o.out.text, *sh)
		}
		o.out = stream{}
	}
	return o
}

func (r *reader) command(c syntax.Command, sh *shell, in stream) outcome {
	switch c := c.(type) {
	case *syntax.CallExpr:
		return r.call(c, sh, in)
	case *syntax.Block:
		return r.statements(c.Stmts, sh, in)
	case *syntax.Subshell:
		apart := *sh
		return r.statements(c.Stmts, &apart, in)
	case *syntax.BinaryCmd:
		if c.Op == syntax.AndStmt || c.Op == syntax.OrStmt {
			return r.chain(c, sh, in)
		}
		return r.pipeline(c, sh, in)
	case *syntax.IfClause:
		return r.ifClause(c, sh, in)
	case *syntax.WhileClause:
		return r.whileClause(c, sh, in)
	case *syntax.ForClause:
		return r.forClause(c, sh, in)
	case *syntax.CaseClause:
		return r.caseClause(c, sh, in)
	case *syntax.FuncDecl:
		if c.Name != nil {
			sh.define(c.Name.Value, c.Body)
		}
		return outcome{truth: yes}
	case *syntax.DeclClause:
		r.declare(c, sh)
	case *syntax.TimeClause:
		if c.Stmt != nil {
			return r.statement(c.Stmt, sh, in)
		}
	case *syntax.CoprocClause:
		apart := *sh
		r.statement(c.Stmt, &apart, in)
	case *syntax.TestClause:
		r.nested(c, sh)
		return outcome{truth: r.testClause(c.X, sh)}
	case nil:
	default:
		r.nested(c, sh)
	}
	return outcome{}
}

// nested reads the command substitutions anywhere below a node.
func (r *reader) nested(n syntax.Node, sh *shell) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			r.substitution(n.Stmts, sh)
			return false
		case *syntax.ProcSubst:
			r.substitution(n.Stmts, sh)
			return false
		}
		return true
	})
}

// substitution reads the commands of a $(…), and returns what they write as far as it is known.
func (r *reader) substitution(list []*syntax.Stmt, sh *shell) word {
	apart := *sh
	apart.ended = goesOn
	out := r.statements(list, &apart, stream{}).out
	if out.encoded {
		return hidden + unknown
	}
	if out.file != "" && !out.altered {
		text, ok := r.scriptText(out.file)
		out.text, out.altered = word(shellText(text)), !ok
	}
	if out.altered || len(out.text) > maxValue {
		return unknown
	}
	return word(strings.TrimRight(string(out.text), "\n"))
}

// chain reads commands that && and || join. It follows the states in which the commands so far succeeded and failed.
func (r *reader) chain(c *syntax.BinaryCmd, sh *shell, in stream) outcome {
	links := chainLinks(c)
	success, failure, out := r.link(links[0].statement, sh, in)
	switch guard := r.sourceGuard(links[0].statement, links[1].statement, sh); {
	case guard == yes && !links[1].or:
		failure = nil
	case guard == no && !links[1].or:
		success = nil
	}
	for _, l := range links[1:] {
		from := success
		if l.or {
			from = failure
		}
		if from == nil || from.ended != goesOn {
			continue
		}
		good, bad, text := r.link(l.statement, from, in)
		out.append(text)
		if l.or {
			success, failure = merge(success, good), bad
		} else {
			success, failure = good, merge(failure, bad)
		}
	}
	*sh = *merge(success, failure)
	switch {
	case failure == nil:
		return outcome{out, yes}
	case success == nil:
		return outcome{out, no}
	}
	return outcome{out, maybe}
}

// link is one command of a chain.
type link struct {
	or        bool
	statement *syntax.Stmt
}

func chainLinks(c *syntax.BinaryCmd) []link {
	var links []link
	for {
		links = append(links, link{c.Op == syntax.OrStmt, c.Y})
		left, ok := c.X.Cmd.(*syntax.BinaryCmd)
		if !ok || left.Op != syntax.AndStmt && left.Op != syntax.OrStmt || c.X.Negated || len(c.X.Redirs) > 0 {
			break
		}
		c = left
	}
	links = append(links, link{statement: c.X})
	slices.Reverse(links)
	return links
}

// link runs one command of a chain in a copy of the state, and returns the states after its success and its failure.
func (r *reader) link(s *syntax.Stmt, from *shell, in stream) (success, failure *shell, out stream) {
	after := *from
	o := r.statement(s, &after, in)
	if o.truth != no {
		success = &after
	}
	if o.truth != yes {
		failure = &after
	}
	return success, failure, o.out
}

func (r *reader) ifClause(c *syntax.IfClause, sh *shell, in stream) outcome {
	condition := yes
	if len(c.Cond) > 0 {
		condition = r.statements(c.Cond, sh, in).truth
	}
	if sh.ended != goesOn {
		return outcome{}
	}
	if condition == maybe && len(c.Cond) == 1 && len(c.Then) > 0 {
		condition = r.sourceGuard(c.Cond[0], c.Then[0], sh)
	}
	var then, otherwise *shell
	var out outcome
	if condition != no {
		state := *sh
		out = r.statements(c.Then, &state, in)
		then = &state
	}
	if condition != yes {
		state := *sh
		if c.Else != nil {
			out.out.append(r.ifClause(c.Else, &state, in).out)
		}
		otherwise = &state
	}
	*sh = *merge(then, otherwise)
	return outcome{out: out.out}
}

func (r *reader) whileClause(c *syntax.WhileClause, sh *shell, in stream) outcome {
	condition := r.statements(c.Cond, sh, in).truth
	if !c.Until && condition == no || c.Until && condition == yes || sh.ended != goesOn {
		return outcome{}
	}
	if in.text != "" || in.file != "" { // which read takes line by line
		text, _ := r.scriptText(in.file)
		r.undecide(in.text.text() + text)
	}
	return r.loop(c.Do, sh, in, nil)
}

// loop reads a loop's body, once for each value of its variable. set sets the variable.
func (r *reader) loop(body []*syntax.Stmt, sh *shell, in stream, set []func(*shell)) outcome {
	if len(set) == 0 {
		set = []func(*shell){func(*shell) {}}
	}
	var out stream
	before, first := *sh, len(r.found)
	for _, assign := range set {
		assign(sh)
		round := *sh
		start := len(r.found)
		out.append(r.statements(body, &round, in).out)
		r.dropRepeated(first, start)
		if round.ended == endsLoop {
			round.ended = goesOn
		}
		*sh = *merge(sh, &round)
		if sh.ended != goesOn {
			break
		}
	}
	*sh = *merge(&before, sh)
	return outcome{out: out}
}

// dropRepeated takes out what was found from start on and before in the same loop.
func (r *reader) dropRepeated(first, start int) {
	for i := start; i < len(r.found); {
		if slices.Contains(r.found[first:start], r.found[i]) {
			r.found = slices.Delete(r.found, i, i+1)
			continue
		}
		i++
	}
}

func (r *reader) forClause(c *syntax.ForClause, sh *shell, in stream) outcome {
	items, ok := c.Loop.(*syntax.WordIter)
	if !ok {
		r.nested(c.Loop, sh)
		return r.loop(c.Do, sh, in, nil)
	}
	values := sh.args
	if items.InPos.IsValid() {
		words, globs := r.expandPatterns(items.Items, sh)
		values = r.withFiles(words, globs, sh)
	} else if sh.argsUnknown {
		values = []word{unknown}
	}
	if len(values) == 0 {
		return outcome{truth: yes}
	}
	if len(values) > maxLoop {
		r.undecideValues(values, sh)
		values = []word{unknown}
	}
	var set []func(*shell)
	for _, value := range values {
		set = append(set, func(sh *shell) { sh.assign(items.Name.Value, variable{words: []word{value}}) })
	}
	return r.loop(c.Do, sh, in, set)
}

func (r *reader) caseClause(c *syntax.CaseClause, sh *shell, in stream) outcome {
	subject := r.expandWord(c.Word, sh)
	states, out := (*shell)(nil), stream{}
	through := false // the branch before goes on into this one
	for _, item := range c.Items {
		hit := r.matchesCase(item, subject, sh)
		if through {
			hit = yes
		}
		if hit == no {
			continue
		}
		state := *sh
		out.append(r.statements(item.Stmts, &state, in).out)
		states = merge(states, &state)
		through = item.Op == syntax.Fallthrough
		if hit == yes && item.Op == syntax.Break {
			*sh = *states
			return outcome{out: out}
		}
	}
	*sh = *merge(states, sh)
	return outcome{out: out}
}

// matchesCase reports whether a branch of a case is taken.
func (r *reader) matchesCase(item *syntax.CaseItem, subject word, sh *shell) truth {
	result := no
	for _, p := range item.Patterns {
		text := r.patternText(p, sh)
		if text == "*" {
			return yes
		}
		matches, ok := compilePattern(text)
		switch {
		case !ok || subject.open():
			result = maybe
		case len(subject) > maxValue || !r.spend(1):
			result = maybe
		case matches(string(subject)):
			return yes
		}
	}
	return result
}
