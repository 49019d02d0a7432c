// Package baseline knows what installing Magento 2 makes of each entity that people make too: products, categories,
// attributes, CMS pages and so on. A row that installation does not make is new: somebody made it, and migrating data
// loses it.
//
// The same facts answer for a live database, as a condition in SQL (Entity.Condition), and for the rows of a dump that
// are read one after the other (Entity.NewTally). FilledTables are the tables whose rows a backup of the installation
// must have. All of it is in baseline.yml, with its source.
package baseline

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"go.yaml.in/yaml/v4"
)

//go:embed baseline.yml
var data []byte

// EntityTypeTable is the table, without prefix, whose rows tell which attributes and attribute sets are new.
const EntityTypeTable = "eav_entity_type"

// Entity is a kind of row that people make and that installation may make too.
type Entity struct {
	Name  string `yaml:"name"`  // as in labels of metrics: cms_page
	One   string `yaml:"one"`   // for people: CMS page
	Many  string `yaml:"many"`  // for people: CMS pages
	Table string `yaml:"table"` // without prefix
	Core  bool   `yaml:"core"`  // every Magento 2 has the table; the others' modules can be left out
	Key   string `yaml:"key"`   // the table's numeric primary key
	Label string `yaml:"label"` // the column that names a row to people, nothing personal; "" where there is none

	made made
}

// made says which rows installation makes: of the fields one is set, or none where it makes no row.
type made struct {
	Keys        []int64     `yaml:"keys"`
	Column      string      `yaml:"column"`
	Values      []string    `yaml:"values"`
	Attributes  []attribute `yaml:"attributes"`
	DefaultSets bool        `yaml:"default_sets"`
	Categories  *categories `yaml:"categories"`
}

// attribute is a user-defined attribute that a module makes.
type attribute struct {
	Type   string `yaml:"type"` // eav_entity_type.entity_type_code
	Code   string `yaml:"code"`
	Module string `yaml:"module"`
}

// categories is the root of the category tree and the default category.
type categories struct {
	Root          int64 `yaml:"root"`
	Default       int64 `yaml:"default"`
	WithinSeconds int64 `yaml:"within_seconds"` // how long after the root the default category is made at most
}

func (c categories) within() time.Duration { return time.Duration(c.WithinSeconds) * time.Second }

// Filled is a table that installation fills in every release that has it, and that nothing empties. A backup that holds
// no rows of it, while the database has some, does not restore the installation.
type Filled struct {
	Table string `yaml:"table"` // without prefix
	Rows  int64  `yaml:"rows"`  // what installation makes at least, in the release that makes fewest; 0: only keys tell
	// Key is a numeric key that an AUTO_INCREMENT counts up: that of the table Counter, where that is set, or of this
	// one.
	Key     string `yaml:"key"`
	Counter string `yaml:"counter"`
	Code    bool   `yaml:"code"` // only setup scripts and patches add rows
}

// maxCounted is more rows than any table has to which only code adds some.
const maxCounted = 20_000

// Limit is up to how many rows of the table in a database have to be counted.
func (f Filled) Limit() int64 {
	if f.Code {
		return maxCounted
	}
	return f.Rows + 1
}

// Entities returns the entities in the order in which they are shown. Do not change what they hold.
func Entities() []Entity { return slices.Clone(facts().entities) }

// FilledTables returns the tables that installation fills, by name.
func FilledTables() []Filled { return slices.Clone(facts().filled) }

// content is what baseline.yml holds.
type content struct {
	entities []Entity
	filled   []Filled
}

// facts parses the embedded data, once.
var facts = sync.OnceValue(func() content {
	c, err := parse(data)
	if err != nil {
		panic("baseline.yml: " + err.Error()) // TestData reads it
	}
	return c
})

// identifier is what names of tables and columns, and the values that are written into SQL, are made of.
var identifier = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// parse reads and checks what the embedded file may hold.
func parse(text []byte) (content, error) {
	var file struct {
		Entities []struct {
			Entity `yaml:",inline"`
			Made   made `yaml:"made"`
		} `yaml:"entities"`
		Filled []Filled `yaml:"filled"`
	}
	if err := yaml.Load(text, &file, yaml.WithKnownFields()); err != nil {
		return content{}, err
	}
	c := content{filled: file.Filled}
	for _, item := range file.Entities {
		e := item.Entity
		e.made = item.Made
		if err := e.check(); err != nil {
			return content{}, fmt.Errorf("entity %q: %w", e.Name, err)
		}
		c.entities = append(c.entities, e)
	}
	for _, f := range c.filled {
		named := identifier.MatchString(f.Table) && (f.Key == "" || identifier.MatchString(f.Key))
		if !named || f.Rows < 0 || f.Rows == 0 && f.Key == "" || f.Counter != "" && f.Key == "" {
			return content{}, fmt.Errorf(
				"filled table %q: it has no name, no rows, or a counter without a key",
				f.Table,
			)
		}
	}
	return c, nil
}

// check looks for what would make no SQL, or no sense.
func (e Entity) check() error {
	names := append([]string{e.Name, e.Table, e.Key}, e.made.Values...)
	for _, a := range e.made.Attributes {
		names = append(names, a.Type, a.Code)
	}
	for _, n := range append(names, e.columns()...) {
		if !identifier.MatchString(n) {
			return fmt.Errorf("%q is no name", n)
		}
	}
	if e.One == "" || e.Many == "" {
		return errors.New("it has no name for people")
	}
	if n := e.made.rules(); n > 1 {
		return fmt.Errorf("it has %d rules", n)
	}
	return nil
}

// rules counts the rules that are set.
func (m made) rules() int {
	n := 0
	for _, set := range []bool{
		m.Keys != nil, m.Column != "" || m.Values != nil, m.Attributes != nil, m.DefaultSets, m.Categories != nil,
	} {
		if set {
			n++
		}
	}
	return n
}

// columns returns the columns that tell a new row, in the order in which a Tally takes their values.
func (e Entity) columns() []string {
	columns := []string{e.Key}
	switch {
	case e.made.Column != "":
		columns = append(columns, e.made.Column)
	case e.made.Attributes != nil:
		columns = append(columns, "entity_type_id", "attribute_code", "is_user_defined")
	case e.made.Categories != nil:
		columns = append(columns, "level", "created_at")
	}
	if e.Label != "" && !slices.Contains(columns, e.Label) {
		columns = append(columns, e.Label)
	}
	return columns
}
