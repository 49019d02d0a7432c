package delta

import (
	"regexp"
	"slices"
	"strings"
)

// bodyToken finds texts and quoted names, words, and what separates statements in a trigger's body.
var bodyToken = regexp.MustCompile(`(?s)'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|` + "`[^`]*`" + `|[\w$]+|[;:]|\S`)

// block is a statement of a trigger's body that holds others.
type block struct {
	// kind is the word that opened it: BEGIN, IF, CASE, EXPRESSION for a CASE that is a value, HANDLER, or a loop's.
	kind, label string
	// left is true behind a LEAVE of the block: what follows in it need not be executed.
	left bool
}

// bodyReader follows the statements of a trigger's body.
type bodyReader struct {
	open []block
	// begins is true where a statement begins; handler is true between HANDLER and the end of its statement.
	begins, handler, leaves, ends bool
	// label is the label in front of the next block, last the last token.
	label, last string
}

// isConditional reports whether what comes behind the beginning of a trigger's body need not be executed: it stands in
// an IF, a CASE, a loop or a handler, or behind a LEAVE.
func isConditional(before string) bool {
	r := bodyReader{begins: true}
	for _, token := range bodyToken.FindAllString(before, -1) {
		r.read(token)
	}
	return r.handler || slices.ContainsFunc(r.open, func(b block) bool { return b.left || b.kind != "BEGIN" })
}

func (r *bodyReader) read(token string) {
	word, begins := strings.ToUpper(token), r.begins
	r.begins = false
	switch {
	case r.leaves:
		r.leaves = false
		r.leave(token)
	case r.ends:
		r.ends = false
		r.pop()
		if !slices.Contains(blocks(), word) { // END of a BEGIN or of a value: the word is of what comes next
			r.read(token)
		}
	case word == ";":
		r.begins, r.handler = true, false
	case word == ":":
		r.begins, r.label = true, r.last
	case word == "END":
		r.ends = true
	case word == "LEAVE" && begins:
		r.leaves = true
	case word == "HANDLER":
		r.handler = true
	case word == "THEN" || word == "ELSE" || word == "DO":
		r.begins = len(r.open) == 0 || r.open[len(r.open)-1].kind != "EXPRESSION"
	case word == "BEGIN" && r.handler:
		r.push("HANDLER")
	case word == "CASE" && !begins:
		r.push("EXPRESSION")
		r.begins = false
	case begins && (word == "BEGIN" || slices.Contains(blocks(), word)):
		r.push(word)
		r.begins = word == "BEGIN" || word == "LOOP" || word == "REPEAT"
	}
	r.last = token
}

// blocks are the words that open a statement that holds others, and stand behind its END.
func blocks() []string { return []string{"IF", "CASE", "WHILE", "LOOP", "REPEAT", "FOR"} }

func (r *bodyReader) push(kind string) {
	r.open = append(r.open, block{kind: kind, label: r.label})
	r.label, r.handler, r.begins = "", false, true
}

func (r *bodyReader) pop() { r.open = r.open[:max(0, len(r.open)-1)] }

// leave marks the block that a LEAVE ends early.
func (r *bodyReader) leave(label string) {
	for i := range slices.Backward(r.open) {
		if strings.EqualFold(strings.Trim(r.open[i].label, "`"), strings.Trim(label, "`")) {
			r.open[i].left = true
			return
		}
	}
}
