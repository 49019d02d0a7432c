package cron

import (
	"strconv"

	"mvdan.cc/sh/v3/syntax"
)

// test evaluates the arguments of test and [ where they compare texts that are known. What a file or a program decides
// is not known.
func (r *reader) test(args []word) truth {
	if n := len(args); n > 0 && args[n-1] == "]" {
		args = args[:n-1]
	}
	if len(args) > 1 && args[0] == "!" {
		return [...]truth{maybe: maybe, yes: no, no: yes}[r.test(args[1:])]
	}
	for _, arg := range args {
		if arg.open() {
			return maybe
		}
	}
	switch len(args) {
	case 0:
		return no
	case 1:
		return truthOf(args[0] != "")
	case 2:
		return testUnary(string(args[0]), string(args[1]))
	case 3:
		return testBinary(string(args[0]), string(args[1]), string(args[2]))
	}
	return maybe
}

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func testUnary(operator, value string) truth {
	switch operator {
	case "-n":
		return truthOf(value != "")
	case "-z":
		return truthOf(value == "")
	}
	return maybe
}

func testBinary(left, operator, right string) truth {
	switch operator {
	case "=", "==":
		return truthOf(left == right)
	case "!=":
		return truthOf(left != right)
	}
	a, err := strconv.Atoi(left)
	b, errRight := strconv.Atoi(right)
	if err != nil || errRight != nil {
		return maybe
	}
	switch operator {
	case "-eq":
		return truthOf(a == b)
	case "-ne":
		return truthOf(a != b)
	case "-lt":
		return truthOf(a < b)
	case "-le":
		return truthOf(a <= b)
	case "-gt":
		return truthOf(a > b)
	case "-ge":
		return truthOf(a >= b)
	}
	return maybe
}

// testClause evaluates what stands in [[ ]].
func (r *reader) testClause(x syntax.TestExpr, sh *shell) truth {
	switch x := x.(type) {
	case *syntax.ParenTest:
		return r.testClause(x.X, sh)
	case *syntax.UnaryTest:
		if x.Op == syntax.TsNot {
			return [...]truth{maybe: maybe, yes: no, no: yes}[r.testClause(x.X, sh)]
		}
		if w, ok := x.X.(*syntax.Word); ok {
			return r.testWords(x.Op.String(), w, sh)
		}
	case *syntax.BinaryTest:
		return r.testClauseBinary(x, sh)
	case *syntax.Word:
		return r.testWords("-n", x, sh)
	}
	return maybe
}

func (r *reader) testWords(operator string, w *syntax.Word, sh *shell) truth {
	if value := r.expandWord(w, sh); !value.open() {
		return testUnary(operator, string(value))
	}
	return maybe
}

func (r *reader) testClauseBinary(x *syntax.BinaryTest, sh *shell) truth {
	switch x.Op {
	case syntax.AndTest, syntax.OrTest:
		a, b := r.testClause(x.X, sh), r.testClause(x.Y, sh)
		decides := no
		if x.Op == syntax.OrTest {
			decides = yes
		}
		switch {
		case a == decides || b == decides:
			return decides
		case a == maybe || b == maybe:
			return maybe
		}
		return a
	}
	left, ok := x.X.(*syntax.Word)
	right, ok2 := x.Y.(*syntax.Word)
	if !ok || !ok2 {
		return maybe
	}
	value := r.expandWord(left, sh)
	switch x.Op {
	case syntax.TsMatchShort, syntax.TsMatch, syntax.TsNoMatch:
		matches, ok := compilePattern(r.patternText(right, sh))
		if !ok || value.open() || len(value) > maxValue {
			return maybe
		}
		return truthOf(matches(string(value)) == (x.Op != syntax.TsNoMatch))
	}
	other := r.expandWord(right, sh)
	if value.open() || other.open() {
		return maybe
	}
	return testBinary(string(value), x.Op.String(), string(other))
}

// testUnset evaluates test -z and -n of a variable that nothing sets, where the whole environment is known.
func testUnset(c *syntax.CallExpr, sh *shell) truth {
	if !sh.closed || len(c.Args) < 3 || len(c.Args) > 4 {
		return maybe
	}
	operator := c.Args[1].Lit()
	name := parameterName(c.Args[2])
	if _, set := sh.parameter(name, false, ""); name == "" || set || operator != "-z" && operator != "-n" {
		return maybe
	}
	return truthOf(operator == "-z")
}

// parameterName is the name in a word that is nothing but $name or "$name".
func parameterName(w *syntax.Word) string {
	parts := w.Parts
	if len(parts) == 1 {
		if q, ok := parts[0].(*syntax.DblQuoted); ok {
			parts = q.Parts
		}
	}
	p := onlyParameter(parts)
	if p == nil || p.Param == nil || !plainExpansion(p) || p.Length || p.Exp != nil ||
		!assignment.MatchString(p.Param.Value+"=") {
		return ""
	}
	return p.Param.Value
}

// sourceGuard decides a test that asks for nothing but whether the file is there that the next command reads: test -f x
// && . x. Such a file is there or not, and no switch.
func (r *reader) sourceGuard(test, next *syntax.Stmt, sh *shell) truth {
	tested, ok := testedFile(test)
	call, isCall := next.Cmd.(*syntax.CallExpr)
	if !ok || !isCall || len(call.Args) < 2 || call.Args[0].Lit() != "." && call.Args[0].Lit() != "source" {
		return maybe
	}
	path := sh.resolve(r.expandWord(tested, sh))
	if path == "" || path != sh.resolve(r.expandWord(call.Args[1], sh)) {
		return maybe
	}
	return truthOf(isFile(path))
}

// testedFile is the only file that a test asks for.
func testedFile(s *syntax.Stmt) (*syntax.Word, bool) {
	if s.Negated {
		return nil, false
	}
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		if n := len(c.Args); (n == 3 || n == 4) && hasWord("[ test", c.Args[0].Lit()) && isFileTest(c.Args[1].Lit()) {
			return c.Args[2], true
		}
	case *syntax.TestClause:
		if u, ok := c.X.(*syntax.UnaryTest); ok && isFileTest(u.Op.String()) {
			w, ok := u.X.(*syntax.Word)
			return w, ok
		}
	}
	return nil, false
}

func isFileTest(operator string) bool {
	return hasWord("-e -f -r -s", operator)
}
