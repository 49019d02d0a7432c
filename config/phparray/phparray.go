// Package phparray reads PHP files that return an array literal, without running PHP.
//
// It understands literals and their concatenation, and follows a variable that is set once and then returned. Whatever
// else PHP would have to compute (calls, other variables, constants, operators) becomes an Unknown value in its place,
// with the reason; the rest of the array is read all the same. It never guesses: an element with a computed key makes
// everything uncertain that this element could replace.
package phparray

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/config/sourcefile"
)

const (
	// MaxSize is the largest PHP source that is read, in bytes.
	MaxSize = 2 << 20
	// maxDepth is how deep arrays and parentheses may be nested.
	maxDepth = 64
)

// Source is the text of a PHP file, split into tokens.
type Source struct {
	lexer
	tokens []token
	// closer is the index of the closing bracket, for each token that is an opening one.
	closer []int
}

// NewSource splits PHP source into tokens and pairs its brackets. The error says where it is not PHP.
func NewSource(file string, data []byte) (*Source, error) {
	if err := sourcefile.CheckSize(file, len(data), MaxSize); err != nil {
		return nil, err
	}
	s := &Source{lexer: lexer{file: file, data: data, lines: sourcefile.NewLines(data)}}
	if err := s.openTag(); err != nil {
		return nil, err
	}
	for {
		t, err := s.next()
		if err != nil {
			return nil, err
		}
		s.tokens = append(s.tokens, t)
		if t.kind == endOfFile {
			break
		}
	}
	if word := s.keyword(0); data[0] == 0xef && (word == "declare" || word == "namespace") {
		return nil, s.errorAt(0, "the file begins with a byte order mark, behind which PHP allows no %s", word)
	}
	return s, s.pairBrackets()
}

// openTag moves behind <?php. A byte order mark before it does PHP no harm when it includes the file, unless the first
// statement is one that must be the first thing in the file.
func (s *Source) openTag() error {
	s.pos = len(s.data) - len(bytes.TrimPrefix(s.data, []byte("\xef\xbb\xbf")))
	const tag = "<?php"
	end := s.pos + len(tag)
	switch {
	case bytes.HasPrefix(s.data, []byte("\xff\xfe")), bytes.HasPrefix(s.data, []byte("\xfe\xff")):
		return s.errorAt(0, "the file is UTF-16, which PHP does not read: save it as UTF-8")
	case len(bytes.TrimSpace(s.data)) == 0:
		return s.errorAt(0, "the file is empty")
	case len(s.data) < end || !strings.EqualFold(string(s.data[s.pos:end]), tag):
		return s.errorAt(s.pos, "the file does not begin with <?php")
	}
	s.pos = end
	if end < len(s.data) && !bytes.ContainsRune([]byte(" \t\r\n"), rune(s.data[end])) {
		return s.errorAt(end, "<?php is not followed by white space")
	}
	return nil
}

func (s *Source) pairBrackets() error {
	s.closer = make([]int, len(s.tokens))
	var open []int
	for i, t := range s.tokens {
		if t.kind != punctuation {
			continue
		}
		switch bracket := s.text(t); bracket {
		case "(", "[", "{":
			open = append(open, i)
		case ")", "]", "}":
			if len(open) == 0 {
				return s.errorAt(int(t.start), "this %s closes nothing", bracket)
			}
			last := open[len(open)-1]
			opening := s.tokens[last]
			if pair := s.text(opening) + bracket; pair != "()" && pair != "[]" && pair != "{}" {
				return s.errorAt(
					int(t.start),
					"this %s does not close the %s of line %d",
					bracket,
					s.text(opening),
					s.lines.At(int(opening.start)).Line,
				)
			}
			s.closer[last] = i
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t := s.tokens[open[len(open)-1]]
		return s.errorAt(int(t.start), "the %s that stands here is never closed", s.text(t))
	}
	return nil
}

// Parse returns the value that including the file would return: what stands behind its return. It is Unknown when PHP
// would have to run to find which return that is.
func Parse(file string, data []byte) (*Value, error) {
	s, err := NewSource(file, data)
	if err != nil {
		return nil, err
	}
	return s.Returned()
}

// Returned returns the value that including the file would return.
func (s *Source) Returned() (*Value, error) {
	conditional := s.alternativeSyntax()
	for i := 0; i < len(s.tokens); i++ {
		switch word := s.keyword(i); {
		case word == "function":
			i = s.endOfFunction(i)
		case word == "return" && !s.startsStatement(i):
			conditional = i
		case word == "return" && conditional < 0:
			return s.followVariable(i)
		case s.is(s.tokens[i], "{"):
			if j := s.firstReturn(i+1, s.closer[i]); j >= 0 {
				conditional = j
			}
			i = s.closer[i]
		}
	}
	if conditional >= 0 {
		return s.unknown(conditional, "depends on a condition"), nil
	}
	return nil, s.errorAt(int(s.tokens[len(s.tokens)-1].start), "the file ends without returning anything")
}

// alternativeSyntax returns the index of an if (…): … endif or the like, or of a goto, or -1. Which statements they
// govern is not followed here.
func (s *Source) alternativeSyntax() int {
	words := []string{"endif", "endfor", "endforeach", "endwhile", "endswitch", "enddeclare", "goto"}
	return slices.IndexFunc(s.tokens, func(t token) bool {
		return t.kind == name && slices.Contains(words, strings.ToLower(s.text(t)))
	})
}

// FunctionReturns returns the value of every return of the named function, in the order of the file. It is false when
// there is no such function.
func (s *Source) FunctionReturns(function string) (values []*Value, found bool, err error) {
	for i := range s.tokens {
		if s.keyword(i) != "function" || s.keyword(i+1) != strings.ToLower(function) {
			continue
		}
		begin := s.bodyOfFunction(i)
		if begin < 0 {
			continue
		}
		for j := s.firstReturn(begin, s.closer[begin]); j >= 0; j = s.firstReturn(j+1, s.closer[begin]) {
			v, err := s.returnedBy(j)
			if err != nil {
				return nil, true, err
			}
			values = append(values, v)
		}
		return values, true, nil
	}
	return nil, false, nil
}

// PropertyDefault returns the source text of what a property or variable is first set to, such as
// self::EDITION_COMMUNITY.
func (s *Source) PropertyDefault(variableName string) (string, bool) {
	for i, t := range s.tokens {
		if t.kind != variable || s.text(t) != variableName || !s.is(s.tokens[i+1], "=") {
			continue
		}
		p := parser{Source: s, i: i + 2}
		begin := p.peek().start
		p.skip()
		return strings.TrimSpace(string(s.data[begin:p.peek().start])), true
	}
	return "", false
}

// keyword returns the token at i in lower case when it is a name, and nothing otherwise.
func (s *Source) keyword(i int) string {
	if i >= len(s.tokens) || s.tokens[i].kind != name {
		return ""
	}
	if i > 0 && (s.is(s.tokens[i-1], ">") || s.is(s.tokens[i-1], ":")) && s.tokens[i-1].end == s.tokens[i].start {
		return "" // $x->return and X::function are no keywords
	}
	return strings.ToLower(s.text(s.tokens[i]))
}

func (s *Source) startsStatement(i int) bool {
	if i == 0 {
		return true
	}
	previous := s.tokens[i-1]
	return previous.kind == closeTag || s.is(previous, ";") || s.is(previous, "}")
}

// bodyOfFunction returns the index of the brace that opens the body of a function, or -1 when it has none.
func (s *Source) bodyOfFunction(function int) int {
	for i := function; i < len(s.tokens); i++ {
		switch t := s.tokens[i]; {
		case s.is(t, "("), s.is(t, "["):
			i = s.closer[i]
		case s.is(t, "{"):
			return i
		case s.is(t, ";"), t.kind == closeTag, i > function && s.keyword(i) == "function":
			return -1
		}
	}
	return -1
}

func (s *Source) endOfFunction(i int) int {
	if body := s.bodyOfFunction(i); body >= 0 {
		return s.closer[body]
	}
	return i
}

// firstReturn returns the index of the first return in a range that is not that of an inner function, or -1.
func (s *Source) firstReturn(begin, end int) int {
	for i := begin; i < end; i++ {
		switch s.keyword(i) {
		case "function":
			i = s.endOfFunction(i)
		case "return":
			return i
		}
	}
	return -1
}

func (s *Source) returnedBy(i int) (*Value, error) {
	p := parser{Source: s, i: i + 1}
	if p.atEnd() {
		return nil, s.errorAt(int(p.peek().start), "%s is followed by nothing", s.text(s.tokens[i]))
	}
	v, err := p.expression()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != closeTag && !s.is(t, ";") {
		return nil, s.errorAt(int(t.start), "a semicolon is missing behind the returned value")
	}
	return v, nil
}

func (s *Source) unknown(i int, reason string) *Value {
	return s.at(s.tokens[i], &Value{kind: Unknown, text: reason})
}

// at gives a value the place of a token.
func (s *Source) at(t token, v *Value) *Value {
	v.lines, v.offset = &s.lines, int(t.start)
	return v
}

// parser reads one expression.
type parser struct {
	*Source
	i     int
	depth int
}

func (p *parser) peek() token { return p.tokens[p.i] }

// atEnd reports whether the expression is over.
func (p *parser) atEnd() bool {
	t := p.peek()
	if t.kind == endOfFile || t.kind == closeTag {
		return true
	}
	return t.kind == punctuation && slices.Contains([]string{",", ")", "]", "}", ";", "=>"}, p.text(t))
}

// skip moves to the end of the expression, over everything that PHP would have to run.
func (p *parser) skip() {
	arrows := 0
	for ; ; p.i++ {
		t := p.peek()
		switch {
		case p.keyword(p.i) == "fn":
			arrows++
		case arrows > 0 && p.is(t, "=>"):
			arrows--
		case p.atEnd():
			return
		case p.is(t, "("), p.is(t, "["), p.is(t, "{"):
			p.i = p.closer[p.i]
		}
	}
}

// expression reads an operand, or several that are joined by dots.
func (p *parser) expression() (*Value, error) {
	begin := p.i
	v, err := p.operand()
	if err == nil && p.is(p.peek(), ".") {
		v, err = p.concatenation(v)
	}
	if err != nil || p.atEnd() {
		return v, err
	}
	if v.kind != Unknown && p.startsOperand() {
		return nil, p.errorAt(int(p.peek().start), "a comma is missing before this")
	}
	v = p.unknown(begin, reason(p.Source, p.i))
	p.skip()
	return v, nil
}

// concatenation joins the operands behind the first one to it. What has no certain text makes the result unknown.
func (p *parser) concatenation(first *Value) (*Value, error) {
	var joined strings.Builder
	for v := first; ; {
		text, ok := v.Text()
		switch {
		case v.kind == Unknown:
			return first.unknown(v.text), nil
		case !ok:
			return first.unknown("joins something that is not a string"), nil
		}
		joined.WriteString(text)
		if !p.is(p.peek(), ".") {
			return &Value{kind: String, lines: first.lines, offset: first.offset, text: joined.String()}, nil
		}
		p.i++
		var err error
		if v, err = p.operand(); err != nil {
			return nil, err
		}
	}
}

// startsOperand reports whether an operand begins here, which cannot be behind another one.
func (p *parser) startsOperand() bool {
	switch t := p.peek(); t.kind {
	case punctuation:
		return false
	case name:
		return !slices.Contains([]string{"and", "or", "xor", "instanceof"}, p.keyword(p.i))
	default:
		return true
	}
}

// operand reads one literal, array or parenthesis. The rest of the expression is skipped behind anything else.
func (p *parser) operand() (*Value, error) {
	begin, t := p.i, p.peek()
	switch {
	case t.kind == endOfFile || p.atEnd():
		return nil, p.errorAt(int(t.start), "a value is missing here")
	case t.kind == singleQuoted || t.kind == doubleQuoted || t.kind == heredoc || t.kind == nowdoc:
		p.i++
		return p.decodeString(t)
	case t.kind == number:
		return p.number(1)
	case (p.is(t, "-") || p.is(t, "+")) && p.tokens[p.i+1].kind == number:
		p.i++
		return p.number(map[string]int{"-": -1, "+": 1}[p.text(t)])
	case p.is(t, "["):
		return p.array(begin)
	case p.keyword(begin) == "array" && p.is(p.tokens[begin+1], "("):
		p.i++
		return p.array(begin)
	case p.is(t, "("):
		return p.parenthesis()
	}
	if v := constant(strings.TrimPrefix(p.keyword(begin), `\`)); v != nil {
		p.i++
		return p.at(t, v), nil
	}
	p.skip()
	return p.unknown(begin, reason(p.Source, begin)), nil
}

// constant returns the value of the constants that cannot be redefined, or nil.
func constant(word string) *Value {
	switch word {
	case "true", "false":
		return boolean(word == "true")
	case "null":
		return &Value{kind: Null}
	}
	return nil
}

func (p *parser) number(sign int) (*Value, error) {
	t := p.peek()
	v, err := decodeNumber(p.text(t))
	if err != nil {
		return nil, p.errorAt(int(t.start), "%s", err)
	}
	v.number *= int64(sign)
	v.float *= float64(sign)
	p.i++
	return p.at(t, v), nil
}

func (p *parser) parenthesis() (*Value, error) {
	begin := p.i
	if err := p.descend(begin); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	p.i++
	if p.i == p.closer[begin] {
		return nil, p.errorAt(int(p.peek().start), "a value is missing here")
	}
	v, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.i != p.closer[begin] {
		return nil, p.errorAt(int(p.peek().start), "this does not belong in parentheses")
	}
	p.i++
	return v, nil
}

func (p *parser) descend(at int) error {
	if p.depth++; p.depth > maxDepth {
		return p.errorAt(int(p.tokens[at].start), "arrays are nested deeper than %d levels", maxDepth)
	}
	return nil
}

// array reads the elements up to the bracket that closes the one at p.i. begin is where the array begins, for its
// place.
func (p *parser) array(begin int) (*Value, error) {
	if err := p.descend(begin); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	array := p.at(p.tokens[begin], newArray())
	end := p.closer[p.i]
	for p.i++; p.i != end; {
		if err := p.element(array); err != nil {
			return nil, err
		}
		if p.i == end {
			break
		}
		if t := p.peek(); !p.is(t, ",") {
			return nil, p.errorAt(int(t.start), "a comma or the end of the array is missing here")
		}
		p.i++
	}
	p.i++
	return array, nil
}

func (p *parser) element(array *Value) error {
	begin := p.i
	if p.is(p.peek(), "...") {
		p.skip()
		array.widen(p.unknown(begin, "spreads another array"))
		return nil
	}
	v, err := p.expression()
	if err != nil {
		return err
	}
	if !p.is(p.peek(), "=>") {
		array.add(v)
		return nil
	}
	p.i++
	key := v
	if v, err = p.expression(); err != nil {
		return err
	}
	text, ok := castKey(key)
	switch {
	case key.kind == Array:
		return p.errorAt(int(p.tokens[begin].start), "an array cannot be a key")
	case key.kind == Unknown:
		array.widen(p.unknown(begin, "has a key that "+key.text))
	case !ok:
		array.widen(p.unknown(begin, "has a key that is too large a number"))
	default:
		array.set(text, v)
	}
	return nil
}

// knownFunctions may be named in a reason. Other names may be a password whose quotes were forgotten.
var knownFunctions = []string{
	"array_merge", "array_replace", "array_replace_recursive", "constant", "define", "dirname", "env",
	"file_get_contents",
	"function_exists", "getenv", "include", "include_once", "json_decode", "require", "require_once", "trim",
	"parse_url",
	"sprintf",
}

// reason says what makes the expression at i something that only PHP can compute. It never quotes the source.
func reason(s *Source, i int) string {
	t := s.tokens[i]
	word := strings.TrimPrefix(s.keyword(i), `\`)
	switch {
	case t.kind == interpolated:
		return "holds a variable"
	case t.kind == variable:
		return "is a variable"
	case word == "new" || word == "function" || word == "fn" || word == "static":
		return "is an object"
	case slices.Contains(knownFunctions, word):
		return fmt.Sprintf("calls %s()", word)
	case t.kind == name && s.is(s.tokens[i+1], "("):
		return "calls a function"
	case t.kind == name && s.is(s.tokens[i+1], ":"):
		return "is a class constant"
	case t.kind == name:
		return "is a constant"
	}
	return "is computed"
}
