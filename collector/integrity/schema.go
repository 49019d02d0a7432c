package integrity

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
)

var (
	//go:embed sql/columns.sql
	columnsSQL string
	//go:embed sql/fingerprint.sql
	fingerprintSQL string
)

// Schema is the tables and columns of a database, as the tool sees them.
type Schema struct {
	// Database and Prefix are the names of the database and of the prefix of its tables.
	Database, Prefix string
	// Documents are the names of all tables and views in the server's order, without the prefix where they have it.
	Documents []string

	tables map[string]*Table
	listed map[string]bool
	// unreadable are the documents that are views of which the server shows no columns.
	unreadable map[string]bool
}

// Table is a table or a view.
type Table struct {
	// Name is the real one, with the prefix.
	Name    string
	View    bool
	Columns []Column

	columns map[string]int
}

// Column is a column. Type is the data type in the tool's reading of DESCRIBE.
type Column struct {
	Name, Type string
	Primary    bool
}

// Fingerprint returns a text that changes when a table or column is made, dropped or changed. It is one statement that
// reads no table. Servers build SHA2 in unless they were built without TLS (then the text changes each time); MySQL 9.6
// has no SHA1 and no MD5 any more.
func Fingerprint(ctx context.Context, s *database.Session) (string, error) {
	var fingerprint string
	if err := s.Row(ctx, fingerprintSQL, nil, &fingerprint); err != nil {
		return "", fmt.Errorf("taking the fingerprint of a schema: %w", err)
	}
	return fingerprint, nil
}

// ReadSchema reads the schema of a session's database in three statements that read no table.
func ReadSchema(ctx context.Context, s *database.Session, prefix string) (*Schema, error) {
	schema := &Schema{Prefix: prefix, tables: map[string]*Table{}, listed: map[string]bool{},
		unreadable: map[string]bool{}}
	if err := s.Row(ctx, "SELECT DATABASE()", nil, &schema.Database); err != nil {
		return nil, fmt.Errorf("reading a schema: %w", err)
	}
	views := map[string]bool{}
	err := s.Rows(ctx, "SHOW FULL TABLES", nil, func(scan func(...any) error) error {
		var name, kind string
		if err := scan(&name, &kind); err != nil {
			return err
		}
		views[name] = strings.HasSuffix(kind, "VIEW")
		document := schema.document(name)
		if !schema.listed[document] {
			schema.Documents = append(schema.Documents, document)
		}
		schema.listed[document] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	err = s.Rows(ctx, columnsSQL, nil, func(scan func(...any) error) error {
		var table, name, columnType, key string
		if err := scan(&table, &name, &columnType, &key); err != nil {
			return err
		}
		schema.add(table, views[table], Column{name, dataType(columnType), key == "PRI"})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the columns: %w", err)
	}
	for name, view := range views {
		if view && schema.tables[name] == nil {
			schema.unreadable[schema.document(name)] = true
		}
	}
	return schema, schema.checkOpened(ctx, s, views)
}

// checkOpened looks for a table of which the server lists no column: its files cannot be opened, or the account may not
// see its columns. It would be taken for one that is missing, and everything that needs it would be predicted wrong.
func (s *Schema) checkOpened(ctx context.Context, session *database.Session, views map[string]bool) error {
	for _, name := range slices.Sorted(maps.Keys(views)) {
		if views[name] || s.tables[name] != nil {
			continue
		}
		if err := session.Exec(ctx, "SHOW COLUMNS FROM "+database.Quote(name)); err != nil {
			return fmt.Errorf("reading the columns of %s: %w", name, err)
		}
	}
	return nil
}

func (s *Schema) add(table string, view bool, c Column) {
	t := s.tables[table]
	if t == nil {
		t = &Table{Name: table, View: view, columns: map[string]int{}}
		s.tables[table] = t
	}
	t.columns[c.Name] = len(t.Columns)
	t.Columns = append(t.Columns, c)
}

// RealName puts the prefix before a document's name, unless the name already begins with it.
func (s *Schema) RealName(document string) string {
	if empty(s.Prefix) || strings.HasPrefix(document, s.Prefix) {
		return document
	}
	return s.Prefix + document
}

// Table returns the table of a document, nil when there is none. A view that cannot be read has no columns, and is
// none.
func (s *Schema) Table(document string) *Table { return s.tables[s.RealName(document)] }

// Lists reports whether the document is among those of the database. In a database with a prefix it may be listed
// without being a Table.
func (s *Schema) Lists(document string) bool { return s.listed[document] }

// Column returns a column, nil when there is none. A nil Table has no columns.
func (t *Table) Column(name string) *Column {
	if t == nil {
		return nil
	}
	if i, ok := t.columns[name]; ok {
		return &t.Columns[i]
	}
	return nil
}

// typeForms are the forms of which Magento's database adapter keeps the first group only; other types stay as DESCRIBE
// says them. Source: Zend_Db_Adapter_Pdo_Mysql::describeTable in magento/zend-db 1.16; before, int without a width kept
// its unsigned.
var typeForms = []*regexp.Regexp{
	regexp.MustCompile(`^((?:var)?char)\(\d+\)`),
	regexp.MustCompile(`^(decimal)\(\d+,\d+\)`),
	regexp.MustCompile(`^(float)\(\d+,\d+\)`),
	regexp.MustCompile(`^((?:big|medium|small|tiny)?int)(?:\(\d+\))?`),
}

func dataType(columnType string) string {
	for _, form := range typeForms {
		if m := form.FindStringSubmatch(columnType); m != nil {
			return m[1]
		}
	}
	// What MariaDB adds to the temporal types of old tables.
	return strings.ReplaceAll(columnType, " /* mariadb-5.3 */", "")
}

// document takes the prefix off a table's name.
func (s *Schema) document(name string) string {
	if empty(s.Prefix) {
		return name
	}
	return strings.TrimPrefix(name, s.Prefix)
}
