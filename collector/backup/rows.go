package backup

import "bytes"

// insert reads INSERT [options] INTO [database.]table [(columns)] VALUES rows.
func (p *dumpParser) insert(verb string) error {
	strict := verb == "INSERT"
	for {
		t, err := p.lex.next()
		if err != nil || t.kind == tokenEnd {
			return err
		}
		if t.is("INTO") {
			break
		}
		strict = strict && !t.is("IGNORE")
	}
	d, name, next, err := p.object()
	if err != nil {
		return err
	}
	t, err := p.contents.table(d, name)
	if err != nil {
		return err
	}
	if p.where != "" {
		t.where = p.where
	}
	columns := t.columns
	explicit := next.mark('(')
	if explicit {
		if columns, next, err = p.columnList(); err != nil {
			return err
		}
	}
	switch {
	case next.is("SELECT"), next.is("SET"), next.is("WITH"):
		return p.lex.skipPlain()
	case !next.is("VALUES") && !next.is("VALUE"):
		return corrupt(p.lex.src.offset(), "an INSERT without VALUES")
	}
	widths := [2]int{len(columns), t.implicit}
	if explicit {
		widths[1] = len(columns)
	}
	reader := newRowReader(t, columns, p.utc)
	reader.strict = strict
	return p.rows(t, reader, widths)
}

// columnList reads the names behind an opening parenthesis, and the token behind the closing one.
func (p *dumpParser) columnList() ([]string, token, error) {
	var names []string
	for {
		t, err := p.lex.next()
		if err != nil {
			return nil, t, err
		}
		if !t.named() || len(names) == maxColumns {
			return nil, t, corrupt(p.lex.src.offset(), "a column's name is missing in INSERT")
		}
		names = append(names, string(t.text))
		if t, err = p.lex.next(); err != nil {
			return nil, t, err
		}
		if t.mark(')') {
			t, err = p.lex.next()
			return names, t, err
		}
		if !t.mark(',') {
			return nil, t, corrupt(p.lex.src.offset(), "a comma is missing in the columns of an INSERT")
		}
	}
}

// rows reads the rows of an INSERT to its end. Each must have one of the two widths: as many values as columns, or as
// columns that are not hidden. Where the columns are not known all rows must be as wide as the first.
func (p *dumpParser) rows(t *table, reader *rowReader, widths [2]int) error {
	s := p.lex.src
	for {
		p.blanks()
		at := s.offset()
		if err := p.expect('(', "a row"); err != nil {
			return err
		}
		n, err := p.row(reader)
		if err != nil {
			return err
		}
		if widths[0] == 0 {
			widths = [2]int{n, n}
		}
		if n != widths[0] && n != widths[1] {
			return corrupt(at, "a row of %d values for the %d columns of %s", n, widths[0], printable([]byte(t.name)))
		}
		reader.take()
		p.blanks()
		switch {
		case s.peek() == ',':
			s.pos++
		case reader.repeated && s.starts(p.lex.delimiter):
			return p.twice(at, "a row of "+t.name)
		case s.starts(p.lex.delimiter) || isWord[s.peek()] || s.peek() == '*': // ON DUPLICATE KEY UPDATE, */
			return p.lex.skip()
		default:
			return p.unexpected("a comma or the end of the statement behind a row")
		}
	}
}

// row reads the values of a row behind its opening parenthesis.
func (p *dumpParser) row(reader *rowReader) (values int, err error) {
	s := p.lex.src
	for {
		slot := reader.slot(values)
		if err := p.value(slot); err != nil {
			return 0, err
		}
		values++
		p.blanks()
		switch s.peek() {
		case ',':
			s.pos++
		case ')':
			s.pos++
			return values, nil
		default:
			return 0, p.unexpected("a comma or a closing parenthesis behind a value")
		}
	}
}

// maxField is how much of a value is kept.
const maxField = 1024

// value reads one value. Without a field it is only stepped over.
func (p *dumpParser) value(into *field) (err error) {
	p.blanks()
	s := p.lex.src
	var keep []byte
	limit := 0
	if into != nil {
		into.Null = false
		keep, limit = into.Text[:0], maxField
	}
	switch c := s.peek(); {
	case c == '\'' || c == '"':
		s.pos++
		keep, err = p.lex.quoted(c, keep, limit)
	case isNumber[c]:
		keep = p.number(keep, limit)
	case isWord[c]:
		keep, err = p.wordValue(into, keep, limit)
	default:
		return p.unexpected("a value")
	}
	if into != nil {
		into.Text = keep
	}
	return err
}

// number reads a number, or a hexadecimal literal.
func (p *dumpParser) number(keep []byte, limit int) []byte {
	s := p.lex.src
	for {
		i := s.pos
		for i < s.end && (isNumber[s.buf[i]] || isWord[s.buf[i]]) {
			i++
		}
		if limit > 0 {
			keep = append(keep, s.buf[s.pos:min(i, s.pos+limit-len(keep))]...)
		}
		s.pos = i
		if i < s.end || !s.have(1) {
			return keep
		}
	}
}

// wordValue reads NULL and its like, a text with its character set or base ( _binary '…', x'…' ), or a function's call.
func (p *dumpParser) wordValue(into *field, keep []byte, limit int) ([]byte, error) {
	s := p.lex.src
	at := s.offset()
	word := p.lex.wordToken()
	switch {
	case word.is("NULL"):
		if into != nil {
			into.Null = true
		}
		return keep, nil
	case word.is("TRUE"):
		return append(keep, '1'), nil
	case word.is("FALSE"):
		return append(keep, '0'), nil
	case word.is("DEFAULT"):
		return keep, nil
	}
	p.blanks()
	switch c := s.peek(); {
	case c == '\'' || c == '"':
		s.pos++
		return p.lex.quoted(c, keep, limit)
	case c == '(':
		return keep, p.call()
	case isNumber[c] && word.is("_binary"):
		return p.number(keep, limit), nil
	case c == 0:
		return keep, s.ended("it ends within a row")
	}
	return keep, corrupt(at, "a word that is no value")
}

// call reads a function's arguments.
func (p *dumpParser) call() error {
	for depth := 0; ; {
		t, err := p.lex.next()
		switch {
		case err != nil:
			return err
		case t.kind == tokenEnd:
			return corrupt(p.lex.src.offset(), "a row that is not closed")
		case t.mark('('):
			depth++
		case t.mark(')'):
			if depth--; depth == 0 {
				return nil
			}
		}
	}
}

func (p *dumpParser) blanks() {
	s := p.lex.src
	for isBlank[s.peek()] {
		s.pos++
	}
}

func (p *dumpParser) expect(c byte, what string) error {
	if p.lex.src.peek() != c {
		return p.unexpected(what)
	}
	p.lex.src.pos++
	return nil
}

// unexpected says what should be at this place.
func (p *dumpParser) unexpected(want string) error {
	s := p.lex.src
	if s.peek() == 0 {
		return s.ended("it ends where %s should be", want)
	}
	return corrupt(s.offset(), "something else where %s should be", want)
}

var isNumber = byteSet(func(c byte) bool { return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' })

// printable shortens a text from a file, and drops what could disturb a terminal or a page.
func printable(text []byte) string {
	const limit = 64
	clean := bytes.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return '?'
		}
		return r
	}, text)
	if len(clean) > limit {
		return string(bytes.ToValidUTF8(clean[:limit], nil)) + "…"
	}
	return string(clean)
}
