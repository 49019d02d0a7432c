package baseline

import (
	"slices"
	"strconv"
	"time"
)

// Value is what a row holds in one column.
type Value struct {
	Text []byte // unescaped; the caller may cut it after a length that no key, code or time has
	Null bool
}

// String returns the text; "" where the value is NULL or there is none.
func (v *Value) String() string {
	if v == nil || v.Null {
		return ""
	}
	return string(v.Text)
}

// Int reads the text as a whole number.
func (v *Value) Int() (int64, bool) {
	if v == nil || v.Null {
		return 0, false
	}
	n, err := strconv.ParseInt(string(v.Text), 10, 64)
	return n, err == nil
}

// Time reads the text as MySQL writes a TIMESTAMP or DATETIME.
func (v *Value) Time() (time.Time, bool) {
	if v == nil || v.Null {
		return time.Time{}, false
	}
	t, err := time.Parse(time.DateTime, string(v.Text))
	return t, err == nil
}

// Limits of what a Tally and EntityTypes remember: what a hostile dump has more of makes their answer unknown.
const (
	maxKept  = 5000
	maxTypes = 1000
)

// Tally counts the rows of an entity's table that are read one after the other, in any order. What it remembers does
// not grow with their number.
type Tally struct {
	columns []string
	made    made
	keep    int
	label   int // of the columns, -1 where there is none

	rows, fresh int64
	unknown     bool
	names       []string

	sets      []int64              // attribute sets
	suspects  map[typedCode]int64  // attributes with a code that a module makes, of a type that is not known yet
	root      Value                // created_at of the tree's root
	roots     map[int64]firstLevel // categories that may be the default one
	rootRows  int64
	usualRows int64 // of the default category with the usual id
}

// typedCode is the key of an attribute.
type typedCode struct{ typeID, code string }

// firstLevel is a category right below the tree's root.
type firstLevel struct {
	rows    int64
	created time.Time
}

// NewTally returns a Tally that remembers the names of up to keep new rows.
func (e Entity) NewTally(keep int) *Tally {
	t := &Tally{columns: e.columns(), made: e.made, keep: keep}
	t.label = slices.Index(t.columns, e.Label)
	return t
}

// Columns returns the columns whose values Add takes, in that order.
func (t *Tally) Columns() []string { return t.columns }

// Add counts a row. Its values are those of Columns, nil for a column that the table does not have.
func (t *Tally) Add(row []*Value) {
	t.rows++
	switch m := &t.made; {
	case m.Keys != nil:
		key, ok := row[0].Int()
		t.judge(row, ok, !slices.Contains(m.Keys, key))
	case m.Column != "":
		t.judge(row, row[1] != nil, !contains(m.Values, row[1]))
	case m.Attributes != nil:
		t.attribute(row)
	case m.DefaultSets:
		t.set(row[0])
	case m.Categories != nil:
		t.category(m.Categories, row)
	default:
		t.judge(row, true, true)
	}
}

// contains compares without making a string of the value: there are many rows.
func contains(values []string, v *Value) bool {
	for _, value := range values {
		if v != nil && !v.Null && string(v.Text) == value {
			return true
		}
	}
	return false
}

func (t *Tally) judge(row []*Value, known, isNew bool) {
	switch {
	case !known:
		t.unknown = true
	case isNew:
		t.fresh++
		if t.label >= 0 && len(t.names) < t.keep && row[t.label] != nil {
			t.names = append(t.names, row[t.label].String())
		}
	}
}

func (t *Tally) attribute(row []*Value) {
	typeID, code, userDefined := row[1], row[2], row[3]
	if code == nil || userDefined == nil {
		t.unknown = true
		return
	}
	if n, ok := userDefined.Int(); !ok || n != 1 {
		return
	}
	moduleMakes := slices.ContainsFunc(t.made.Attributes, func(a attribute) bool { return a.Code == string(code.Text) })
	if !moduleMakes {
		t.judge(row, true, true)
		return
	}
	key := typedCode{typeID.String(), code.String()}
	if _, met := t.suspects[key]; !met && len(t.suspects) == maxTypes || key.typeID == "" {
		t.unknown = true
		return
	}
	if t.suspects == nil {
		t.suspects = map[typedCode]int64{}
	}
	t.suspects[key]++
}

func (t *Tally) set(key *Value) {
	id, ok := key.Int()
	if !ok || len(t.sets) == maxKept {
		t.unknown = true
		return
	}
	t.sets = append(t.sets, id)
}

func (t *Tally) category(c *categories, row []*Value) {
	id, ok := row[0].Int()
	level, _ := row[1].Int()
	created, dated := row[2].Time()
	switch {
	case !ok:
		t.unknown = true
	case id == c.Root:
		t.rootRows++
		if row[2] != nil {
			t.root = Value{Text: slices.Clone(row[2].Text), Null: row[2].Null}
		}
	case id == c.Default:
		t.usualRows++
	case level == 1 && dated:
		first, met := t.roots[id]
		if !met && len(t.roots) == maxKept {
			t.unknown = true
			return
		}
		if !met {
			first.created = created
		}
		first.rows++
		if t.roots == nil {
			t.roots = map[int64]firstLevel{}
		}
		t.roots[id] = first
	}
}

// Count is what a Tally found out.
type Count struct {
	Rows  int64
	New   int64 // rows that installation does not make
	Known bool  // false: a column was missing to tell, or eav_entity_type, or there is too much of something
	Names []string
}

// Count returns what was counted so far. types is what eav_entity_type of the same installation holds, nil where that
// is not known.
func (t *Tally) Count(types *EntityTypes) Count {
	c := Count{Rows: t.rows, New: t.fresh, Known: !t.unknown || t.rows == 0, Names: slices.Clone(t.names)}
	switch {
	case t.rows == 0:
	case t.made.Attributes != nil:
		t.countAttributes(&c, types)
	case t.made.DefaultSets:
		c.Known = c.Known && types.known() && len(types.defaults) > 0
		for _, id := range t.sets {
			if c.Known && !types.defaults[id] {
				c.New++
			}
		}
	case t.made.Categories != nil:
		c.New = t.rows - t.rootRows - t.defaultRows()
	}
	return c
}

// countAttributes adds the attributes whose code a module makes for another type of entity.
func (t *Tally) countAttributes(c *Count, types *EntityTypes) {
	var others []string
	for key, rows := range t.suspects {
		if !types.known() || types.codes[key.typeID] == "" {
			c.Known = false
			return
		}
		installed := slices.ContainsFunc(t.made.Attributes, func(a attribute) bool {
			return a.Code == key.code && a.Type == types.codes[key.typeID]
		})
		if !installed {
			c.New += rows
			others = append(others, key.code)
		}
	}
	slices.Sort(others)
	c.Names = append(c.Names, others[:min(len(others), t.keep-len(c.Names))]...)
}

// defaultRows counts the rows of the default category: the one with the usual id, or the first below the root that was
// made together with it.
func (t *Tally) defaultRows() int64 {
	root, ok := t.root.Time()
	if t.usualRows > 0 || !ok {
		return t.usualRows
	}
	var lowest, rows int64
	for id, c := range t.roots {
		if c.created.Sub(root).Abs() <= t.made.Categories.within() && (rows == 0 || id < lowest) {
			lowest, rows = id, c.rows
		}
	}
	return rows
}

// EntityTypes is what the rows of eav_entity_type say.
type EntityTypes struct {
	codes    map[string]string // entity_type_code by entity_type_id
	defaults map[int64]bool    // ids of attribute sets
	over     bool
}

// NewEntityTypes returns one that knows no type yet.
func NewEntityTypes() *EntityTypes {
	return &EntityTypes{codes: map[string]string{}, defaults: map[int64]bool{}}
}

// Columns returns the columns whose values Add takes, in that order.
func (*EntityTypes) Columns() []string {
	return []string{"entity_type_id", "entity_type_code", "default_attribute_set_id"}
}

// Add takes a row. Its values are those of Columns, nil for a column that the table does not have.
func (e *EntityTypes) Add(row []*Value) {
	if len(e.codes) >= maxTypes || len(e.defaults) >= maxTypes {
		e.over = true
		return
	}
	if row[0] != nil && row[1] != nil {
		e.codes[row[0].String()] = row[1].String()
	}
	if id, ok := row[2].Int(); ok {
		e.defaults[id] = true
	}
}

// known reports whether the types are known, all of them.
func (e *EntityTypes) known() bool { return e != nil && !e.over }
