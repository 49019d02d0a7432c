package backup

import "strings"

// remove reads DROP, TRUNCATE and DELETE: what they take away is not there after the dump was restored.
func (p *dumpParser) remove(verb string) error {
	if p.loose { // within a trigger
		return p.lex.skip()
	}
	t, err := p.lex.next()
	for err == nil && (t.is("TEMPORARY") || t.is("LOW_PRIORITY") || t.is("QUICK") || t.is("IGNORE")) {
		t, err = p.lex.next()
	}
	switch {
	case err != nil || t.kind == tokenEnd:
		return err
	case verb == "DROP" && (t.is("TABLE") || t.is("TABLES") || t.is("VIEW")):
		return p.dropped((*database).drop)
	case verb == "DROP" && t.is("TRIGGER"):
		return p.dropped((*database).dropTrigger)
	case verb == "DROP" && (t.is("DATABASE") || t.is("SCHEMA")):
		return p.dropDatabase()
	case verb == "TRUNCATE" && !t.is("TABLE"):
		return p.emptied(t)
	case verb == "TRUNCATE", verb == "DELETE" && t.is("FROM"):
		if t, err = p.lex.next(); err != nil {
			return err
		}
		return p.emptied(t)
	}
	return p.lex.skipPlain()
}

// dropped reads a list of names and takes each away.
func (p *dumpParser) dropped(drop func(d *database, name string)) error {
	for {
		d, name, next, err := p.object()
		if err != nil {
			return err
		}
		drop(d, name)
		if !next.mark(',') {
			return p.restOf(next)
		}
	}
}

func (p *dumpParser) dropDatabase() error {
	_, name, next, err := p.name()
	if err != nil {
		return err
	}
	if d := p.contents.byName[name]; d != nil {
		clear(d.tables)
		clear(d.triggered)
		d.triggers = 0
	}
	return p.restOf(next)
}

// emptied reads the name of a table, from a token on, all of whose rows go. Which ones a condition takes away is
// unknown.
func (p *dumpParser) emptied(first token) error {
	database, name, next, err := p.nameFrom(first)
	if err != nil {
		return err
	}
	d, err := p.contents.database(database)
	if err != nil {
		return err
	}
	if t := d.tables[name]; t != nil && next.kind == tokenEnd {
		d.tables[name] = t.emptied()
	}
	return p.restOf(next)
}

// drop takes away a table with its triggers, or a view.
func (d *database) drop(name string) {
	if d.tables[name] == nil {
		return
	}
	delete(d.tables, name)
	for trigger, table := range d.triggered {
		if table == name {
			d.dropTrigger(trigger)
		}
	}
}

func (d *database) dropTrigger(name string) {
	if _, known := d.triggered[name]; known {
		delete(d.triggered, name)
		d.triggers--
	}
}

// emptied returns the table without its rows.
func (t *table) emptied() *table {
	return &table{
		name: t.name, rule: t.rule, budget: t.budget, view: t.view, created: t.created, columns: t.columns,
		implicit: t.implicit, nextKey: t.nextKey,
	}
}

// renamed reads RENAME TABLE name TO name, ….
func (p *dumpParser) renamed() error {
	t, err := p.lex.next()
	if err != nil || t.kind == tokenEnd {
		return err
	}
	if !t.is("TABLE") && !t.is("TABLES") {
		return p.lex.skipPlain()
	}
	for {
		d, old, next, err := p.object()
		for err == nil && next.kind != tokenEnd && !next.is("TO") { // WAIT, NOWAIT
			next, err = p.lex.next()
		}
		if err != nil || next.kind == tokenEnd {
			return err
		}
		to, name, next, err := p.object()
		if err != nil {
			return err
		}
		d.rename(old, to, name)
		if !next.mark(',') {
			return p.restOf(next)
		}
	}
}

// rename moves a table with its triggers.
func (d *database) rename(old string, to *database, name string) {
	t := d.tables[old]
	if t == nil || to.tables[name] != nil {
		return
	}
	delete(d.tables, old)
	t.name, t.rule = strings.Clone(name), ruleFor(name)
	to.tables[t.name] = t
	for trigger, table := range d.triggered {
		if table == old {
			d.dropTrigger(trigger)
			to.trigger(trigger, name)
		}
	}
}
