package backup

import (
	"slices"
	"strconv"
	"strings"
)

// Database is one database in a backup.
type Database struct {
	Name     string            // "" where the backup does not say
	Tables   map[string]*Table // tables and views by their full names
	Triggers int
	// RowsKnown tells that the backup's rows were read. Physical backups hold
	// pages, so there only the tables' names are known.
	RowsKnown bool
}

// Table is what a backup holds of one table or view.
type Table struct {
	View bool
	Rows int64 // all rows

	// The rest is kept only of the tables that tell something of a Magento.
	IDs      Range    // of the numeric key
	First    string   // the time column of the row with the smallest key
	Earliest string   // the smallest value of the time column
	UTC      bool     // First and Earliest are in UTC
	New      int64    // rows that installing Magento 2 does not make
	NewKnown bool     // false where a column was missing to tell
	Names    []string // what the rows are called: of all rows, or of the new ones
	Capped   bool     // there are more Names than were kept

	name     string
	created  bool // its CREATE TABLE was read
	columns  []string
	implicit int // columns that an INSERT without names has values for
}

// Range is the smallest and the largest of some keys; both 0 where there are none.
type Range struct{ Min, Max int64 }

// contents collects what a backup holds, within limits.
type contents struct {
	databases []*Database
	byName    map[string]*Database
	current   string
	tables    int
}

const (
	maxDatabases = 1000
	maxTables    = 100_000
)

func newContents() *contents {
	return &contents{byName: map[string]*Database{}}
}

// use makes a database the one that unqualified names belong to.
func (c *contents) use(name string) { c.current = strings.Clone(name) }

// database returns the database of that name, "" for the current one.
func (c *contents) database(name string) (*Database, error) {
	if name == "" {
		name = c.current
	}
	if d := c.byName[name]; d != nil {
		return d, nil
	}
	if len(c.databases) == maxDatabases {
		return nil, undetermined("it holds more than %d databases, which are not all looked at", maxDatabases)
	}
	d := &Database{Name: name, Tables: map[string]*Table{}, RowsKnown: true}
	c.databases = append(c.databases, d)
	c.byName[name] = d
	return d, nil
}

// table returns the table of that name, new where it was not met before.
func (c *contents) table(d *Database, name string) (*Table, error) {
	if t := d.Tables[name]; t != nil {
		return t, nil
	}
	if c.tables == maxTables {
		return nil, undetermined("it holds more than %d tables, which are not all looked at", maxTables)
	}
	c.tables++
	t := &Table{name: name}
	d.Tables[name] = t
	return t, nil
}

func (d *Database) addView(name string) {
	d.Tables[name] = &Table{name: name, View: true, created: true}
}

func (d *Database) addTrigger(string) { d.Triggers++ }

// list returns the databases as plain values.
func (c *contents) list() []Database {
	out := make([]Database, 0, len(c.databases))
	for _, d := range c.databases {
		out = append(out, *d)
	}
	return out
}

// rowReader takes what the rule of a table wants out of its rows.
type rowReader struct {
	table *Table
	rule  *rowRule // nil: the rows are only counted
	slots []*field // by the position of the value; nil is not wanted
	id    *field
	label *field
	when  *field
	other *field
	utc   bool
}

// newRowReader maps the rule's columns to places in the rows.
func newRowReader(table *Table, columns []string, utc bool) *rowReader {
	r := &rowReader{table: table, rule: ruleFor(table.name), utc: utc}
	if r.rule == nil {
		return r
	}
	r.slots = make([]*field, len(columns))
	want := func(column string) *field {
		i := slices.Index(columns, column)
		if i < 0 || column == "" {
			return nil
		}
		f := &field{}
		r.slots[i] = f
		return f
	}
	r.id, r.label, r.when, r.other = want(r.rule.id), want(r.rule.label), want(r.rule.when), want(r.rule.other)
	return r
}

func (r *rowReader) slot(i int) *field {
	if i < len(r.slots) {
		return r.slots[i]
	}
	return nil
}

// take keeps what is wanted of the row whose values are in the fields. The
// row itself was counted before.
func (r *rowReader) take() {
	if r.rule == nil {
		return
	}
	t := r.table
	id, hasID := r.number(r.id)
	first := t.Rows == 1
	if hasID {
		if first || id < t.IDs.Min {
			t.IDs.Min, t.First = id, r.text(r.when)
		}
		if first || id > t.IDs.Max {
			t.IDs.Max = id
		}
	}
	if when := r.text(r.when); when != "" && (t.Earliest == "" || when < t.Earliest) {
		t.Earliest, t.UTC = when, r.utc
	}
	isNew, known := r.rule.judge(id, hasID, r.label, r.other)
	if first || !known {
		t.NewKnown = known
	}
	if isNew {
		t.New++
	}
	if r.label != nil && (isNew || r.rule.allNames) {
		t.keepName(r.label, r.rule.keep)
	}
}

func (t *Table) keepName(label *field, limit int) {
	if len(t.Names) >= limit {
		t.Capped = true
		return
	}
	t.Names = append(t.Names, string(label.text))
}

func (r *rowReader) number(f *field) (int64, bool) {
	if f == nil || f.null {
		return 0, false
	}
	n, err := strconv.ParseInt(string(f.text), 10, 64)
	return n, err == nil
}

func (r *rowReader) text(f *field) string {
	if f == nil || f.null {
		return ""
	}
	return string(f.text)
}
