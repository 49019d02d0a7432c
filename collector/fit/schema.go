package fit

import (
	"context"
	"database/sql"
	_ "embed" // the statements
	"fmt"
	"maps"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/integrity"
)

var (
	//go:embed sql/columns.sql
	columnsSQL string
	//go:embed sql/indexes.sql
	indexesSQL string
	//go:embed sql/tables.sql
	tablesSQL string
	//go:embed sql/triggers.sql
	triggersSQL string
	//go:embed sql/checks.sql
	checksSQL string
)

// Side is one of the two databases.
type Side struct {
	Session *database.Session
	// Prefix is that of its tables.
	Prefix string
}

// The indexes of the two sides.
const (
	magento1 = iota
	magento2
)

// column is a column as information_schema has it.
type column struct {
	name, kind, columnType string
	nullable, hasDefault   bool
	extra                  string
	// chars and bytes are the most that a text or binary column takes.
	chars, bytes       int64
	charset, collation string
	precision, scale   int
}

// index is an index and its columns in order.
type index struct {
	name string
	// hash is true for an index that has no order.
	unique, hash bool
	parts        []part
}

// part is a column of an index; length is the number of characters that it uses, 0 for all.
type part struct {
	column string
	length int64
}

// table is a base table.
type table struct {
	name              string
	engine, rowFormat string
	rows              int64
	// changed is a text that changes when rows do, as far as the server knows it; it is empty where that cannot be
	// relied on.
	changed string
	columns []*column
	indexes []*index
	byName  map[string]*column
}

func (t *table) column(name string) *column { return t.byName[strings.ToLower(name)] }

// primary returns the primary key, nil when there is none.
func (t *table) primary() *index {
	for _, i := range t.indexes {
		if i.name == "PRIMARY" {
			return i
		}
	}
	return nil
}

// leads reports whether an index begins with a whole column.
func (t *table) leads(name string) bool {
	return slices.ContainsFunc(t.indexes, func(i *index) bool {
		return strings.EqualFold(i.parts[0].column, name) && i.parts[0].length == 0 && !i.hash
	})
}

// schema is what is read of one database.
type schema struct {
	prefix string
	tables map[string]*table
	keys   []integrity.ForeignKey
	// triggers are the names of those that fire on INSERT, rules those of CHECK constraints, by table.
	triggers, rules map[string][]string
	// views has all tables and views, and which are views.
	views map[string]bool
}

// table returns a document's table, nil when there is none.
func (s *schema) table(document string) *table { return s.tables[s.prefix+document] }

// documents returns the names of all tables and views that have the prefix, without it, in order.
func (s *schema) documents() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.views)) {
		if document, ok := strings.CutPrefix(name, s.prefix); ok {
			names = append(names, document)
		}
	}
	return names
}

// readSchema reads a database's tables, columns, indexes and keys, and Magento 2's triggers. It reads no table.
func readSchema(ctx context.Context, side Side) (*schema, error) {
	s := &schema{prefix: side.Prefix, views: map[string]bool{}}
	err := s.readTables(ctx, side.Session)
	if err != nil {
		return nil, err
	}
	if err = s.readColumns(ctx, side.Session); err != nil {
		return nil, fmt.Errorf("reading the columns: %w", err)
	}
	if err = s.readIndexes(ctx, side.Session); err != nil {
		return nil, fmt.Errorf("reading the indexes: %w", err)
	}
	if s.keys, err = integrity.ReadForeignKeys(ctx, side.Session); err != nil {
		return nil, err
	}
	if s.triggers, err = readNames(ctx, side.Session, triggersSQL); err != nil {
		return nil, fmt.Errorf("reading the triggers: %w", err)
	}
	if s.rules, err = readNames(ctx, side.Session, checksSQL); err != nil {
		return nil, fmt.Errorf("reading the CHECK constraints: %w", err)
	}
	return s, nil
}

// readNames reads a statement's pairs of a table and a name, by table.
func readNames(ctx context.Context, session *database.Session, query string) (map[string][]string, error) {
	names := map[string][]string{}
	err := session.Rows(ctx, query, nil, func(scan func(...any) error) error {
		var on, name string
		err := scan(&on, &name)
		names[on] = append(names[on], name)
		return err
	})
	return names, err
}

// readTables reads what says whether a table changed; it is one statement.
func (s *schema) readTables(ctx context.Context, session *database.Session) error {
	s.tables = map[string]*table{}
	err := session.Rows(ctx, tablesSQL, nil, func(scan func(...any) error) error {
		t := &table{byName: map[string]*column{}}
		var base, now bool
		var increment, updated string
		if err := scan(&t.name, &base, &t.engine, &t.rowFormat, &t.rows, &increment, &updated, &now); err != nil {
			return err
		}
		t.changed = increment + " " + updated
		if updated == "" {
			// A server that does not know when a table was written to (InnoDB after a start) leaves the estimate.
			t.changed += fmt.Sprint(t.rows)
		}
		if now {
			t.changed = "" // the next change can be within the same second
		}
		if s.views[t.name] = !base; base {
			s.tables[t.name] = t
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the tables: %w", err)
	}
	return nil
}

func (s *schema) readColumns(ctx context.Context, session *database.Session) error {
	return session.Rows(ctx, columnsSQL, nil, func(scan func(...any) error) error {
		var name string
		var c column
		var byDefault sql.NullString
		err := scan(&name, &c.name, &c.kind, &c.columnType, &c.nullable, &byDefault, &c.extra, &c.chars, &c.bytes,
			&c.charset, &c.collation, &c.precision, &c.scale)
		if t := s.tables[name]; t != nil && err == nil {
			c.kind, c.columnType = strings.ToLower(c.kind), strings.ToLower(c.columnType)
			c.extra = strings.ToLower(c.extra)
			c.hasDefault = byDefault.Valid && !strings.EqualFold(byDefault.String, "NULL")
			t.columns = append(t.columns, &c)
			t.byName[strings.ToLower(c.name)] = &c
		}
		return err
	})
}

func (s *schema) readIndexes(ctx context.Context, session *database.Session) error {
	return session.Rows(ctx, indexesSQL, nil, func(scan func(...any) error) error {
		var name, of string
		var unique, hash bool
		var p part
		if err := scan(&name, &of, &unique, &hash, &p.column, &p.length); err != nil {
			return err
		}
		t := s.tables[name]
		if t == nil {
			return nil
		}
		if n := len(t.indexes); n == 0 || t.indexes[n-1].name != of {
			t.indexes = append(t.indexes, &index{name: of, unique: unique, hash: hash})
		}
		last := t.indexes[len(t.indexes)-1]
		last.parts = append(last.parts, p)
		return nil
	})
}

// readCollations lists those of a server.
func readCollations(ctx context.Context, session *database.Session) (map[string]bool, error) {
	collations := map[string]bool{}
	query := "SELECT COLLATION_NAME FROM information_schema.COLLATIONS"
	err := session.Rows(ctx, query, nil, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		collations[name] = true
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the collations: %w", err)
	}
	return collations, nil
}
