package backup

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unique"
)

// Database is one database in a backup.
type Database struct {
	Name     string // "" where the backup does not say
	Tables   Names  // base tables, sorted
	Views    Names  // sorted
	Triggers int
	// RowsKnown tells that the backup's rows were read. Physical backups hold
	// pages, so there only the names of the tables are known.
	RowsKnown bool
	RowCount  int64 // rows of all tables together

	rows map[string]Rows // by table, of those that tell something of a Magento
}

// Rows is what a backup holds of a table that tells something of a Magento.
type Rows struct {
	Count    int64  // all rows
	IDs      Range  // of the numeric key
	First    string // the time column of the row with the smallest key
	Earliest string // the smallest value of the time column
	UTC      bool   // First and Earliest are in UTC
	New      int64  // rows that installing Magento 2 does not make
	NewKnown bool   // false where a column was missing to tell
	Names    Names  // what the rows are called: of all rows, or of the new ones
	Capped   bool   // there are more Names than were kept
}

// Range is the smallest and the largest of some keys; both 0 where there are none.
type Range struct{ Min, Max int64 }

// Names is a list of names. Lists that are equal share their memory, in all
// reports: the backups of one database, and those of many Magentos, differ
// little in them.
type Names struct{ joined unique.Handle[string] }

const nameSeparator = "\x00"

func newNames(list []string) Names {
	if len(list) == 0 {
		return Names{}
	}
	return Names{unique.Make(strings.Join(list, nameSeparator))}
}

// List returns the names.
func (n Names) List() []string {
	if n == (Names{}) {
		return nil
	}
	return strings.Split(n.joined.Value(), nameSeparator)
}

// contents collects what a backup holds, within limits.
type contents struct {
	databases []*database
	byName    map[string]*database
	current   string
	tables    int
}

// database is a Database in the making.
type database struct {
	name       string
	tables     map[string]*table
	triggers   int
	rowsHidden bool
}

// table is a table in the making.
type table struct {
	Rows
	name     string
	view     bool
	created  bool // its CREATE TABLE was read
	columns  []string
	implicit int // columns that an INSERT without names has values for
	names    []string
}

const (
	maxDatabases = 1000
	maxTables    = 100_000
)

func newContents() *contents {
	return &contents{byName: map[string]*database{}}
}

// use makes a database the one that unqualified names belong to.
func (c *contents) use(name string) { c.current = strings.Clone(name) }

// database returns the database of that name, "" for the current one.
func (c *contents) database(name string) (*database, error) {
	if name == "" {
		name = c.current
	}
	if d := c.byName[name]; d != nil {
		return d, nil
	}
	if len(c.databases) == maxDatabases {
		return nil, undetermined("it holds more than %d databases, which are not all looked at", maxDatabases)
	}
	d := &database{name: name, tables: map[string]*table{}}
	c.databases = append(c.databases, d)
	c.byName[name] = d
	return d, nil
}

// table returns the table of that name, new where it was not met before.
func (c *contents) table(d *database, name string) (*table, error) {
	if t := d.tables[name]; t != nil {
		return t, nil
	}
	if c.tables == maxTables {
		return nil, undetermined("it holds more than %d tables, which are not all looked at", maxTables)
	}
	c.tables++
	t := &table{name: name}
	d.tables[name] = t
	return t, nil
}

func (c *contents) view(d *database, name string) error {
	t, err := c.table(d, name)
	if err == nil {
		*t = table{name: name, view: true, created: true}
	}
	return err
}

// list returns the databases as they are kept.
func (c *contents) list() []Database {
	out := make([]Database, 0, len(c.databases))
	for _, d := range c.databases {
		out = append(out, d.finished())
	}
	return out
}

func (d *database) finished() Database {
	out := Database{Name: d.name, Triggers: d.triggers, RowsKnown: !d.rowsHidden, rows: map[string]Rows{}}
	var tables, views []string
	for name, t := range d.tables {
		if t.view {
			views = append(views, name)
			continue
		}
		tables = append(tables, name)
		out.RowCount += t.Count
		if ruleFor(name) != nil {
			t.Names = newNames(t.names)
			out.rows[strings.Clone(name)] = t.Rows
		}
	}
	slices.Sort(tables)
	slices.Sort(views)
	out.Tables, out.Views = newNames(tables), newNames(views)
	return out
}

// rowReader takes what the rule of a table wants out of its rows.
type rowReader struct {
	table *table
	rule  *rowRule // nil: the rows are only counted
	slots []*field // by the position of the value; nil is not wanted
	id    *field
	label *field
	when  *field
	other *field
	utc   bool
}

// newRowReader maps the rule's columns to places in the rows.
func newRowReader(t *table, columns []string, utc bool) *rowReader {
	r := &rowReader{table: t, rule: ruleFor(t.name), utc: utc}
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

// take counts the row whose values are in the fields, and keeps what is wanted of it.
func (r *rowReader) take() {
	t := r.table
	t.Count++
	if r.rule == nil {
		return
	}
	id, hasID := r.id.number()
	first := t.Count == 1
	if hasID && (first || id < t.IDs.Min) {
		t.IDs.Min, t.First = id, ""
		if r.when.isTime() {
			t.First = r.when.value()
		}
	}
	if hasID && (first || id > t.IDs.Max) {
		t.IDs.Max = id
	}
	if when := r.when.value(); when != "" && (t.Earliest == "" || when < t.Earliest) && r.when.isTime() {
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
		t.keepName(r.label.value(), r.rule.keep)
	}
}

func (t *table) keepName(name string, limit int) {
	if len(t.names) >= limit {
		t.Capped = true
		return
	}
	t.names = append(t.names, strings.ReplaceAll(name, nameSeparator, ""))
}

// field receives a value.
type field struct {
	text []byte
	null bool
}

// value returns the text of the field; "" where it is NULL or no column.
func (f *field) value() string {
	if f == nil || f.null {
		return ""
	}
	return string(f.text)
}

// isTime tells a time from what stands in its place where the columns are not those that the table says, like a password's hash.
func (f *field) isTime() bool {
	_, err := time.Parse(time.DateTime, f.value())
	return err == nil
}

func (f *field) number() (int64, bool) {
	n, err := strconv.ParseInt(f.value(), 10, 64)
	return n, err == nil
}
