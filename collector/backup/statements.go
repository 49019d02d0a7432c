package backup

import (
	"cmp"
	"strconv"
	"strings"
)

// verbs begin the statements in dumps, and those that people add.
var verbs = wordSet(`ALTER ANALYZE BEGIN CALL CHANGE COMMIT CREATE DEALLOCATE DELETE DO DROP EXECUTE FLUSH GRANT
	INSERT INSTALL LOCK OPTIMIZE PREPARE PURGE RENAME REPLACE RESET REVOKE ROLLBACK SELECT SET SHOW START STOP
	TRUNCATE UNINSTALL UNLOCK UPDATE USE WITH XA`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// statement reads a statement whose first token was read.
func (p *dumpParser) statement(first token, at int64) error {
	if first.kind == tokenEnd {
		return nil
	}
	verb := strings.ToUpper(string(first.text))
	if first.kind == tokenWord && verb == "DELIMITER" {
		return p.setDelimiter(at)
	}
	if first.kind != tokenWord || !verbs[verb] {
		if p.loose {
			return p.lex.skip()
		}
		return p.noStatement(first, at)
	}
	if p.trailerAt >= 0 && !p.tail {
		return corrupt(at, "something follows the line %q", p.trailer)
	}
	p.statements++
	p.closing = false
	if verb != "SET" {
		p.session.statement(verb)
	}
	switch verb {
	case "ALTER":
		return p.alter()
	case "CREATE":
		return p.create(at)
	case "DROP", "TRUNCATE", "DELETE":
		return p.remove(verb)
	case "INSERT", "REPLACE":
		p.inserts++
		if p.loose { // within a trigger
			return p.lex.skip()
		}
		return p.insert(verb)
	case "RENAME":
		return p.renamed()
	case "SET":
		return p.set()
	case "USE":
		return p.use()
	}
	return p.lex.skipPlain()
}

// noStatement explains text that is not SQL, without repeating what may be half of a broken row.
func (p *dumpParser) noStatement(first token, at int64) error {
	text := printable(first.text)
	if strings.HasPrefix(text, "mysqldump") || strings.HasPrefix(text, "mariadb") || text == "Warning" {
		return corrupt(at,
			"a message of the program (%s …) is in the dump, so restoring it stops there: write it without 2>&1", text)
	}
	return corrupt(at, "this begins no statement")
}

// setDelimiter obeys the client's DELIMITER command.
func (p *dumpParser) setDelimiter(at int64) error {
	text, _ := p.lex.line()
	word := strings.TrimSpace(string(text))
	if word == "" || len(word) > 16 {
		return corrupt(at, "DELIMITER without a usable delimiter")
	}
	p.lex.delimiter = word
	return nil
}

// set looks for the settings that say in which zone times are, for those that the head of a dump saves and its end
// restores, and for those that only a closing statement has.
func (p *dumpParser) set() error {
	const old = "@OLD_"
	target, value := "", false // of the assignment at hand, and whether its value has begun
	p.session.checksOn = false
	for {
		t, err := p.lex.next()
		if err != nil || t.kind == tokenEnd {
			return err
		}
		word := ""
		if t.kind == tokenWord {
			word = strings.ToUpper(string(t.text))
		}
		switch {
		case t.mark('='):
			value = true
			if strings.HasPrefix(target, old) {
				p.session.saved = remember(p.session.saved, target)
			}
		case t.mark(','):
			target, value = "", false
		case !value && word != "":
			target = word
		case value && strings.HasPrefix(word, old):
			p.session.restored = remember(p.session.restored, word)
			p.closing = p.closing || word == "@OLD_SQL_NOTES" || word == "@OLD_NOTE_VERBOSITY"
		case value && target == "TIME_ZONE" && t.kind == tokenText:
			p.utc = string(t.text) == "+00:00"
		case value && target == "FOREIGN_KEY_CHECKS":
			p.session.checksOn = word == "1"
		}
	}
}

func (p *dumpParser) use() error {
	t, err := p.lex.next()
	if err != nil || t.kind == tokenEnd {
		return err
	}
	if t.named() {
		p.contents.use(string(t.text))
		p.used = true
	}
	return p.lex.skip()
}

// create reads CREATE …: what is created stands behind an arbitrary number of options (OR REPLACE, DEFINER=…,
// ALGORITHM=…).
func (p *dumpParser) create(at int64) error {
	for replace := false; ; {
		t, err := p.lex.next()
		if err != nil || t.kind == tokenEnd {
			return err
		}
		switch {
		case t.is("REPLACE"):
			replace = true
		case t.is("TABLE"):
			return p.createTable(at, replace)
		case t.is("VIEW"):
			return p.createNamed(p.contents.view)
		case t.is("TRIGGER"):
			return p.createTrigger(at, replace)
		case t.is("PROCEDURE"), t.is("FUNCTION"), t.is("PACKAGE"), t.is("EVENT"), t.is("DATABASE"), t.is("SCHEMA"),
			t.is("USER"), t.is("ROLE"), t.is("SEQUENCE"), t.is("SERVER"), t.is("INDEX"):
			return p.lex.skip()
		case t.mark('*'), t.mark('!'): // what a recipe that cuts comments left of one
			return corrupt(p.lex.src.offset(), "%q between CREATE and what is created", t.text)
		}
	}
}

// name reads [IF [NOT] EXISTS] [database.]name. It returns the token behind it.
func (p *dumpParser) name() (database, name string, next token, err error) {
	t, err := p.lex.next()
	if err != nil {
		return "", "", token{}, err
	}
	return p.nameFrom(t)
}

// nameFrom is name where the first token was read.
func (p *dumpParser) nameFrom(t token) (database, name string, next token, err error) {
	p.conditional = t.is("IF")
	for p.conditional && (t.is("IF") || t.is("NOT") || t.is("EXISTS")) {
		if t, err = p.lex.next(); err != nil {
			return "", "", token{}, err
		}
	}
	if !t.named() {
		return "", "", token{}, corrupt(p.lex.src.offset(), "a name is missing")
	}
	name = string(t.text)
	t, err = p.lex.next()
	if err != nil || !t.mark('.') {
		return "", name, t, err
	}
	if t, err = p.lex.next(); err != nil {
		return "", "", token{}, err
	}
	if !t.named() {
		return "", "", token{}, corrupt(p.lex.src.offset(), "a name is missing behind a dot")
	}
	database, name = name, string(t.text)
	t, err = p.lex.next()
	return database, name, t, err
}

// object is name with the database, which is the present one where the statement names none.
func (p *dumpParser) object() (d *database, name string, next token, err error) {
	in, name, next, err := p.name()
	if err != nil {
		return nil, "", token{}, err
	}
	d, err = p.contents.database(in)
	return d, name, next, err
}

func (p *dumpParser) createNamed(add func(*database, string) error) error {
	d, name, t, err := p.object()
	if err != nil {
		return err
	}
	if err := add(d, name); err != nil || t.kind == tokenEnd {
		return err
	}
	return p.lex.skip()
}

// createTrigger reads TRIGGER name time event ON table ….
func (p *dumpParser) createTrigger(at int64, replace bool) error {
	database, trigger, next, err := p.name()
	again := replace || p.conditional
	for err == nil && next.kind != tokenEnd && !next.is("ON") {
		next, err = p.lex.next()
	}
	if err != nil || next.kind == tokenEnd {
		return err
	}
	of, table, next, err := p.name()
	if err != nil {
		return err
	}
	d, err := p.contents.database(cmp.Or(of, database))
	if err != nil {
		return err
	}
	if !d.trigger(trigger, table) && !again {
		return p.twice(at, "the trigger "+trigger)
	}
	if next.kind == tokenEnd {
		return nil
	}
	return p.lex.skip()
}

// twice says that a statement creates what is there already: the mysql client stops at it.
func (p *dumpParser) twice(at int64, what string) error {
	return corrupt(at, "%s is in it twice, so restoring it stops there", printable([]byte(what)))
}

func (p *dumpParser) createTable(at int64, replace bool) error {
	d, name, next, err := p.object()
	if err != nil {
		return err
	}
	again := p.conditional
	t, err := p.contents.table(d, name)
	if err != nil {
		return err
	}
	switch {
	case t.created && !t.view && again:
		return p.restOf(next)
	case t.created && !t.view && !replace:
		return p.twice(at, "the table "+name)
	case replace:
		d.drop(name)
		t = t.emptied()
		d.tables[name] = t
	}
	t.columns, t.implicit, t.nextKey, t.created = nil, 0, 0, true
	for !next.mark('(') {
		if next.kind == tokenEnd { // CREATE TABLE … LIKE …
			return nil
		}
		if next, err = p.lex.next(); err != nil {
			return err
		}
	}
	if err := p.columns(t); err != nil {
		return err
	}
	next, err = p.lex.next()
	return p.tableOptions(t, next, err)
}

// restOf steps over the rest of a statement whose next token was read.
func (p *dumpParser) restOf(next token) error {
	if next.kind == tokenEnd {
		return nil
	}
	return p.lex.skip()
}

// tableOptions reads the rest of a CREATE TABLE or ALTER TABLE from a token on, and takes the table's counter.
func (p *dumpParser) tableOptions(t *table, next token, err error) error {
	counter := false
	for ; err == nil && next.kind != tokenEnd; next, err = p.lex.next() {
		n, failed := strconv.ParseInt(string(next.text), 10, 64)
		if counter && failed == nil && next.kind == tokenWord {
			t.nextKey = n
		}
		counter = next.is("AUTO_INCREMENT") || counter && next.mark('=')
	}
	return err
}

// alter reads ALTER TABLE, in which phpMyAdmin writes a table's counter, and steps over every other ALTER.
func (p *dumpParser) alter() error {
	t, err := p.lex.next()
	if err != nil || t.kind == tokenEnd {
		return err
	}
	if !t.is("TABLE") {
		return p.lex.skipPlain()
	}
	database, name, next, err := p.name()
	if err != nil || next.kind == tokenEnd {
		return err
	}
	d, err := p.contents.database(database)
	if err != nil {
		return err
	}
	if next.is("RENAME") {
		return p.alterName(d, name)
	}
	if known := d.tables[name]; known != nil {
		return p.tableOptions(known, next, nil)
	}
	return p.lex.skipPlain()
}

// alterName reads what ALTER TABLE … RENAME renames: the table, or something in it.
func (p *dumpParser) alterName(d *database, old string) error {
	t, err := p.lex.next()
	if err != nil || t.kind == tokenEnd {
		return err
	}
	if t.is("COLUMN") || t.is("INDEX") || t.is("KEY") {
		return p.lex.skipPlain()
	}
	if t.is("TO") || t.is("AS") || t.mark('=') {
		if t, err = p.lex.next(); err != nil || t.kind == tokenEnd {
			return err
		}
	}
	database, name, next, err := p.nameFrom(t)
	if err != nil {
		return err
	}
	to, err := p.contents.database(database)
	if err != nil {
		return err
	}
	d.rename(old, to, name)
	return p.restOf(next)
}

// keyWords begin the items of a CREATE TABLE that are not columns.
var keyWords = wordSet("PRIMARY UNIQUE KEY INDEX FULLTEXT SPATIAL VECTOR CONSTRAINT FOREIGN CHECK PERIOD LIKE")

// maxColumns is MySQL's own limit.
const maxColumns = 4096

// columns reads the items of a CREATE TABLE behind their opening parenthesis.
func (p *dumpParser) columns(t *table) error {
	for {
		name, err := p.lex.next()
		if err != nil {
			return err
		}
		if !name.named() {
			return corrupt(p.lex.src.offset(), "a column's name is missing in CREATE TABLE")
		}
		column := name.kind != tokenWord || !keyWords[strings.ToUpper(string(name.text))]
		if column {
			if len(t.columns) == maxColumns {
				return corrupt(p.lex.src.offset(), "a table of more than %d columns", maxColumns)
			}
			t.columns = append(t.columns, string(name.text))
		}
		hidden, last, err := p.item()
		if err != nil {
			return err
		}
		if column && !hidden {
			t.implicit++
		}
		if last {
			return nil
		}
	}
}

// item reads an item of a CREATE TABLE to its end. Hidden columns, generated or invisible, are those that an INSERT
// without column names leaves out.
func (p *dumpParser) item() (hidden, last bool, err error) {
	for depth := 0; ; {
		t, err := p.lex.next()
		switch {
		case err != nil:
			return false, false, err
		case t.kind == tokenEnd:
			return false, false, corrupt(p.lex.src.offset(), "a CREATE TABLE without its closing parenthesis")
		case t.mark('('):
			depth++
		case t.mark(')') && depth == 0:
			return hidden, true, nil
		case t.mark(')'):
			depth--
		case t.mark(',') && depth == 0:
			return hidden, false, nil
		case depth == 0 && (t.is("AS") || t.is("GENERATED") || t.is("INVISIBLE")):
			hidden = true
		}
	}
}
