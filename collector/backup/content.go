package backup

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unique"

	"magento_migration_exporter/collector/baseline"
)

// Database is one database in a backup.
type Database struct {
	Name     string // "" where the backup does not say
	Tables   Names  // base tables, sorted
	Views    Names  // sorted
	Triggers int    // of all tables together
	// TriggersKnown reports whether all triggers are seen: MySQL 8 keeps them where a copy of its files does not show
	// them.
	TriggersKnown bool
	// RowsKnown reports whether the backup's rows were read. Physical backups hold pages, so there only the names of
	// the tables are known.
	RowsKnown bool
	RowCount  int64 // rows of all tables together

	rows      map[string]Rows // by table, of those whose rows are looked at
	filled    Names           // the tables that installation fills, each as a tableCount
	triggered Names           // the tables that have triggers, each as a tableCount
}

// tableCount is a count of something that a table has, in one text: they are kept as Names, which are shared.
type tableCount struct {
	table   string
	count   int64
	nextKey int64  // the table's AUTO_INCREMENT, or what is above all keys where that is not known; else 0
	where   string // only the rows that meet this condition are in the backup
}

const countSeparator = "\x01"

func (c tableCount) String() string {
	clean := func(text string) string { return strings.ReplaceAll(text, countSeparator, "") }
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	return strings.Join([]string{clean(c.table), number(c.count), number(c.nextKey), clean(c.where)}, countSeparator)
}

// tableCounts undoes String, for the tables that have the prefix, which is cut.
func tableCounts(texts Names, prefix string) []tableCount {
	var counts []tableCount
	for _, text := range texts.List() {
		parts := strings.SplitN(text, countSeparator, 4)
		table, ok := strings.CutPrefix(parts[0], prefix)
		n, err1 := strconv.ParseInt(parts[1], 10, 64)
		next, err2 := strconv.ParseInt(parts[2], 10, 64)
		if ok && err1 == nil && err2 == nil {
			counts = append(counts, tableCount{table, n, next, parts[3]})
		}
	}
	return counts
}

// Rows is what is kept of the rows of one of Magento's tables.
type Rows struct {
	Count    int64  // all rows
	IDs      Range  // of the numeric key
	First    string // the time column of the row with the smallest key
	Earliest string // the smallest value of the time column
	UTC      bool   // First and Earliest are in UTC
	New      int64  // rows that installing Magento 2 does not make
	NewKnown bool   // false where a column that is needed for New was missing
	Names    Names  // what the rows are called: some of the new ones; all, in tables that register what is installed
	Capped   bool   // there are more Names than were kept
}

// Range is the smallest and the largest of some keys; both 0 where there are none.
type Range struct{ Min, Max int64 }

// Names is a list of names. Lists that are equal share their memory, in all reports: the backups of one database, and
// those of many Magentos, differ little in them.
type Names struct{ joined unique.Handle[string] }

const nameSeparator = "\x00"

func newNames(list []string) Names {
	if len(list) == 0 {
		return Names{}
	}
	for i, name := range list {
		list[i] = strings.ReplaceAll(name, nameSeparator, "")
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
	budget    *budget             // what it may hold, and others of the same backup with it
	schema    map[tableKey]*table // what earlier files of the same backup created; may be nil
}

// budget counts what a backup has made this program remember.
type budget struct {
	databases, tables int
	labels            int // bytes
}

// database is a Database being read.
type database struct {
	name           string
	tables         map[string]*table
	triggers       int
	triggered      map[string]string // the tables of the triggers, by their names
	rowsHidden     bool
	triggersHidden bool
}

// table is a table being read.
type table struct {
	Rows
	name     string
	rule     *rowRule // nil where nothing is kept of its rows
	budget   *budget
	where    string // the condition that mysqldump was given for its rows
	view     bool
	created  bool // its CREATE TABLE was read
	columns  []string
	implicit int   // columns that an INSERT without names has values for
	nextKey  int64 // the table's AUTO_INCREMENT; 0 where the backup does not say
	names    []string
	tally    *baseline.Tally       // of an entity's table
	types    *baseline.EntityTypes // of eav_entity_type
}

const (
	maxDatabases    = 1000
	maxAllDatabases = 20_000 // of all files of one backup
	maxTables       = 100_000
	maxLabelBytes   = 32 << 20
)

func newContents() *contents {
	return &contents{byName: map[string]*database{}, budget: &budget{}}
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
	if len(c.databases) >= maxDatabases || c.budget.databases >= maxAllDatabases {
		return nil, undetermined("it holds more than %d databases, which are not all looked at", maxDatabases)
	}
	c.budget.databases++
	d := &database{name: name, tables: map[string]*table{}, triggered: map[string]string{}}
	c.databases = append(c.databases, d)
	c.byName[name] = d
	return d, nil
}

// table returns the table of that name, new where it was not met before.
func (c *contents) table(d *database, name string) (*table, error) {
	if t := d.tables[name]; t != nil {
		return t, nil
	}
	if c.budget.tables == maxTables {
		return nil, undetermined("it holds more than %d tables, which are not all looked at", maxTables)
	}
	c.budget.tables++
	t := &table{name: name, rule: ruleFor(name), budget: c.budget}
	if known := c.schema[tableKey{d.name, name}]; known != nil {
		t.columns, t.implicit = known.columns, known.implicit
	}
	d.tables[name] = t
	return t, nil
}

func (c *contents) view(d *database, name string) error {
	t, err := c.table(d, name)
	if err == nil {
		*t = table{name: name, rule: t.rule, budget: t.budget, view: true, created: true}
	}
	return err
}

// trigger takes note of a trigger of a table. It reports whether it is new.
func (d *database) trigger(name, table string) bool {
	if _, known := d.triggered[name]; known {
		return false
	}
	d.triggers++
	if len(d.triggered) < maxTables {
		d.triggered[strings.Clone(name)] = strings.Clone(table)
	}
	return true
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
	out := Database{
		Name: d.name, Triggers: d.triggers, TriggersKnown: !d.triggersHidden, RowsKnown: !d.rowsHidden,
		rows: map[string]Rows{},
	}
	var tables, views, filled, triggered []string
	for name, t := range d.tables {
		if t.view {
			views = append(views, name)
			continue
		}
		tables = append(tables, name)
		out.RowCount += t.Count
		if t.rule.looks() {
			out.rows[strings.Clone(name)] = d.rowsOf(t)
		}
		if t.rule != nil && t.rule.filled {
			filled = append(filled, tableCount{name, t.Count, t.aboveKeys(), t.where}.String())
		}
	}
	byTable := map[string]int64{}
	for _, table := range d.triggered {
		byTable[table]++
	}
	for name, n := range byTable {
		triggered = append(triggered, tableCount{table: name, count: n}.String())
	}
	out.Tables, out.Views = sortedNames(tables), sortedNames(views)
	out.filled, out.triggered = sortedNames(filled), sortedNames(triggered)
	return out
}

// aboveKeys returns what no key has reached that the table had when the backup was made; 0 where that is not known.
func (t *table) aboveKeys() int64 {
	if t.Count > 0 && t.IDs.Max > 0 {
		return max(t.nextKey, t.IDs.Max+1)
	}
	return t.nextKey
}

func sortedNames(list []string) Names {
	slices.Sort(list)
	return newNames(list)
}

// rowsOf returns what was found out about a table's rows. Which attributes and attribute sets are new depends on the
// table eav_entity_type that has the same prefix.
func (d *database) rowsOf(t *table) Rows {
	t.Names = newNames(t.names)
	if t.tally == nil {
		return t.Rows
	}
	var types *baseline.EntityTypes
	if e := d.tables[strings.TrimSuffix(t.name, t.rule.table)+baseline.EntityTypeTable]; e != nil {
		types = e.types
	}
	count := t.tally.Count(types)
	t.New, t.NewKnown, t.Names = count.New, count.Known, newNames(count.Names)
	t.Capped = t.Capped || count.New > int64(len(count.Names))
	return t.Rows
}

// rowReader takes what the rule of a table wants out of its rows.
type rowReader struct {
	table *table
	rule  *rowRule // nil: the rows are only counted
	slots []*field // by the position of the value; nil is not wanted
	id    *field
	label *field
	when  *field
	tally []*field // of the columns that the table's tally or types take
	utc   bool

	strict   bool // a key that is there already ends the restoring
	repeated bool // there was such a key
}

// field receives a value.
type field = baseline.Value

// newRowReader maps the rule's columns to places in the rows.
func newRowReader(t *table, columns []string, utc bool) *rowReader {
	r := &rowReader{table: t, rule: t.rule, utc: utc}
	if r.rule == nil {
		return r
	}
	r.slots = make([]*field, len(columns))
	want := func(column string) *field {
		i := slices.Index(columns, column)
		if i < 0 || column == "" {
			return nil
		}
		if r.slots[i] == nil {
			r.slots[i] = &field{}
		}
		return r.slots[i]
	}
	r.id, r.label, r.when = want(cmp.Or(r.rule.id, r.rule.key)), want(r.rule.label), want(r.rule.when)
	for _, column := range t.tallied(r.rule) {
		r.tally = append(r.tally, want(column))
	}
	return r
}

// tallied returns the columns that the table's tally or types take.
func (t *table) tallied(rule *rowRule) []string {
	switch {
	case rule.entity != nil:
		if t.tally == nil {
			t.tally = rule.entity.NewTally(examples)
		}
		return t.tally.Columns()
	case rule.table == baseline.EntityTypeTable:
		if t.types == nil {
			t.types = baseline.NewEntityTypes()
		}
		return t.types.Columns()
	}
	return nil
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
	r.takeRange()
	if r.label != nil {
		t.keepName(r.label.String())
	}
	switch {
	case t.tally != nil:
		t.tally.Add(r.tally)
	case t.types != nil:
		t.types.Add(r.tally)
	}
}

// takeRange keeps the smallest and largest key, and the times.
func (r *rowReader) takeRange() {
	t := r.table
	id, hasID := r.id.Int()
	first := t.Count == 1
	if hasID && !first && r.strict && r.rule.unique && (id == t.IDs.Min || id == t.IDs.Max) {
		r.repeated = true
	}
	if hasID && (first || id < t.IDs.Min) {
		t.IDs.Min, t.First = id, ""
		// Where the columns are not those that the table says, something else stands here, like a password's hash.
		if _, ok := r.when.Time(); ok {
			t.First = r.when.String()
		}
	}
	if hasID && (first || id > t.IDs.Max) {
		t.IDs.Max = id
	}
	if r.when == nil {
		return
	}
	if _, ok := r.when.Time(); ok && (t.Earliest == "" || r.when.String() < t.Earliest) {
		t.Earliest, t.UTC = r.when.String(), r.utc
	}
}

func (t *table) keepName(name string) {
	if len(t.names) >= maxLabels || t.budget.labels+len(name) > maxLabelBytes {
		t.Capped = true
		return
	}
	t.budget.labels += len(name)
	t.names = append(t.names, name)
}
