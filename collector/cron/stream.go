package cron

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// stream is what a command reads or writes, as far as it is known.
type stream struct {
	text word
	// altered says that the text is not all, or went through a program that can have changed it.
	altered bool
	// file says that it is what this file holds.
	file string
	// encoded says that nothing here shows what it is: it was decoded from what is not known.
	encoded bool
}

// opaque is what a command writes of which nothing is known.
func opaque() stream { return stream{altered: true} }

// append adds what the next command writes.
func (s *stream) append(next stream) {
	both := (s.file != "" || s.text != "") && (next.file != "" || next.text != "")
	s.encoded = s.encoded || next.encoded
	s.altered = s.altered || next.altered || both && (s.file != "" || next.file != "")
	if s.file == "" && s.text == "" {
		s.file = next.file
	}
	if len(s.text)+len(next.text) > maxShellText {
		s.altered = true
		return
	}
	s.text += next.text
}

// redirects is where a statement's input comes from and where its output goes.
type redirects struct {
	in stream
	// redirected says that the output goes to file, or to somewhere else when file is empty.
	redirected bool
	file       string
}

func (r *reader) redirect(redirect *syntax.Redirect, sh *shell, to *redirects) {
	isOutput := redirect.N == nil || redirect.N.Value == "1"
	switch redirect.Op {
	case syntax.Hdoc:
		to.in = stream{text: r.hereDocument(redirect, sh)}
	case syntax.DashHdoc:
		to.in = stream{text: withoutTabs(r.hereDocument(redirect, sh))}
	case syntax.WordHdoc:
		to.in = stream{text: r.expandWord(redirect.Word, sh) + "\n"}
	case syntax.RdrIn, syntax.RdrInOut:
		to.in = stream{file: sh.resolve(r.expandWord(redirect.Word, sh))}
		to.in.altered = to.in.file == ""
	case syntax.DplIn:
		to.in = opaque()
	case syntax.DplOut:
		to.redirected = to.redirected || isOutput
	default:
		path := r.expandWord(redirect.Word, sh)
		if isOutput {
			to.redirected, to.file = true, sh.resolve(path)
		}
	}
}

// withoutTabs does what <<- does with a here-document's lines.
func withoutTabs(text word) word {
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimLeft(line, "\t")
	}
	return word(strings.Join(lines, "\n"))
}

// pipeline reads commands each of which gets what the one before writes.
func (r *reader) pipeline(c *syntax.BinaryCmd, sh *shell, in stream) outcome {
	var o outcome
	for _, s := range pipeParts(nil, c) {
		apart := *sh
		o = r.statement(s, &apart, in)
		in = o.out
	}
	return o
}

func pipeParts(parts []*syntax.Stmt, c *syntax.BinaryCmd) []*syntax.Stmt {
	for _, s := range []*syntax.Stmt{c.X, c.Y} {
		inner, ok := s.Cmd.(*syntax.BinaryCmd)
		if ok && isPipe(inner.Op) && len(s.Redirs) == 0 && !s.Negated {
			parts = pipeParts(parts, inner)
			continue
		}
		parts = append(parts, s)
	}
	return parts
}

func isPipe(op syntax.BinCmdOperator) bool {
	return op == syntax.Pipe || op == syntax.PipeAll
}
