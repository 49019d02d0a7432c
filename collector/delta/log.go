package delta

import (
	"context"
	"database/sql"
	_ "embed" // the SQL files
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
)

var (
	//go:embed sql/tables.sql
	tablesQuery string
	//go:embed sql/columns.sql
	columnsQuery string
	//go:embed sql/triggers.sql
	triggersQuery string
	//go:embed sql/auto_increment.sql
	autoIncrementQuery string
)

// MaxID is the highest id that a log table holds: its keys are signed 4-byte integers, whatever the table's own are.
const MaxID = 1<<31 - 1

// Log is what Magento 1's server says about the log. Names are whole, with the prefix.
type Log struct {
	// Types are the types of all tables: BASE TABLE or VIEW.
	Types map[string]string
	// Columns are those of the m2_cl tables.
	Columns map[string][]Column
	// Triggers are those that write to a m2_cl table.
	Triggers []Trigger
	// Next are the next ids of tables that have outgrown MaxID.
	Next map[string]uint64
}

// Column is a column of a log table.
type Column struct {
	Name    string
	Primary bool
	// Type is as the server writes it, like int(11).
	Type string
}

// holds returns the highest id that an integer column holds, MaxID for a type that is not known.
func (c Column) holds() uint64 {
	kind, unsigned := strings.ToLower(c.Type), strings.Contains(strings.ToLower(c.Type), "unsigned")
	switch {
	case strings.HasPrefix(kind, "bigint"):
		return 1<<63 - 1
	case strings.HasPrefix(kind, "int") && unsigned:
		return 1<<32 - 1
	}
	return MaxID
}

// Trigger is one that writes to the log.
type Trigger struct {
	Name, Table, Event, Definer string
	// Created is zero where the server does not say it.
	Created time.Time
	// Writes are the log tables that the body writes for the trigger's own event; keys are their key columns, as the
	// body names them.
	Writes []string
	// Conditional are those of them that the body does not write each time.
	Conditional []string
	keys        map[string][]string
}

// ReadLog asks the server. What the account may not see is not there, without an error.
func ReadLog(ctx context.Context, s *database.Session, prefix string) (*Log, error) {
	l := &Log{Types: map[string]string{}, Columns: map[string][]Column{}, Next: map[string]uint64{}}
	err := s.Rows(ctx, tablesQuery, nil, func(scan func(...any) error) error {
		var name, kind string
		err := scan(&name, &kind)
		l.Types[name] = kind
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing Magento 1's tables: %w", err)
	}
	pattern := database.EscapeLike(prefix+"m2_cl_") + "%"
	err = s.Rows(ctx, columnsQuery, []any{pattern}, func(scan func(...any) error) error {
		var table, key string
		var c Column
		err := scan(&table, &c.Name, &key, &c.Type)
		c.Primary = key == "PRI"
		l.Columns[table] = append(l.Columns[table], c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the columns of the tool's log tables: %w", err)
	}
	if err := l.readTriggers(ctx, s); err != nil {
		return nil, fmt.Errorf("listing the tool's triggers: %w", err)
	}
	return l, nil
}

// ReadNext reads the next ids of the scope's tables. To ask for all tables would open them all.
func (l *Log) ReadNext(ctx context.Context, s *database.Session, scope Scope, prefix string) error {
	var names []any
	for _, t := range scope.Tables {
		names = append(names, prefix+t.Document)
	}
	if len(names) == 0 {
		return nil
	}
	query := fmt.Sprintf(autoIncrementQuery, database.Parameters(len(names)))
	err := s.Rows(ctx, query, names, func(scan func(...any) error) error {
		var table string
		var next uint64
		err := scan(&table, &next)
		l.Next[table] = next
		return err
	})
	if err != nil {
		return fmt.Errorf("reading the next ids of Magento 1's tables: %w", err)
	}
	return nil
}

func (l *Log) readTriggers(ctx context.Context, s *database.Session) error {
	return s.Rows(ctx, triggersQuery, nil, func(scan func(...any) error) error {
		var t Trigger
		var created, body sql.NullString
		if err := scan(&t.Name, &t.Table, &t.Event, &t.Definer, &created, &body); err != nil {
			return err
		}
		t.Created = database.Time(created.String)
		if t.log(body.String); len(t.Writes) > 0 {
			l.Triggers = append(l.Triggers, t)
		}
		return nil
	})
}

// logStatement finds the statement that the tool puts into its triggers: the log table, its columns, and the operation
// that it notes. Other modules' statements can stand before and behind it.
var logStatement = regexp.MustCompile(
	"(?is)\\bINSERT\\s+INTO\\s+`?([^`\\s(.]*m2_cl_[^`\\s(.]*)`?\\s*\\(([^()]*)\\)\\s*" +
		"VALUES\\s*\\([^()]*'(INSERT|UPDATE|DELETE)'\\s*\\)",
)

// log notes the log tables that the trigger's body writes for its event, and their key columns.
func (t *Trigger) log(body string) {
	body = withoutComments(body)
	t.keys = map[string][]string{}
	for _, at := range logStatement.FindAllStringSubmatchIndex(body, -1) {
		table, columns, operation := body[at[2]:at[3]], body[at[4]:at[5]], body[at[6]:at[7]]
		if !strings.EqualFold(operation, t.Event) {
			continue
		}
		conditional := isConditional(body[:at[0]])
		if slices.Contains(t.Writes, table) {
			if !conditional { // what is written twice is written each time when one of the two is
				t.Conditional = slices.DeleteFunc(t.Conditional, func(c string) bool { return c == table })
			}
			continue
		}
		t.Writes = append(t.Writes, table)
		if conditional {
			t.Conditional = append(t.Conditional, table)
		}
		for column := range strings.SplitSeq(columns, ",") {
			if column = strings.Trim(strings.TrimSpace(column), "`"); !strings.EqualFold(column, "operation") {
				t.keys[table] = append(t.keys[table], column)
			}
		}
	}
}

// comment is a comment of SQL, which a statement can be hidden in.
var comment = regexp.MustCompile(`(?s)/\*.*?\*/|(?m:--[ \t].*$|#.*$)`)

func withoutComments(body string) string {
	// Few bodies have one, and the expression takes long to find none.
	if !strings.Contains(body, "/*") && !strings.Contains(body, "--") && !strings.Contains(body, "#") {
		return body
	}
	return comment.ReplaceAllString(body, " ")
}

// Events are what the tool logs of a table.
func Events() []string { return []string{"INSERT", "UPDATE", "DELETE"} }

// writing returns the triggers that write a log table for an event.
func (l *Log) writing(logTable string) []Trigger {
	var all []Trigger
	for _, t := range l.Triggers {
		if slices.ContainsFunc(t.Writes, func(w string) bool { return strings.EqualFold(w, logTable) }) {
			all = append(all, t)
		}
	}
	return all
}

// Definers returns the accounts as which the tool's triggers run, and how many triggers each has.
func (l *Log) Definers() map[string]int {
	count := map[string]int{}
	for _, t := range l.Triggers {
		count[t.Definer]++
	}
	return count
}

// Created returns when the newest of the triggers was made, zero where there is none or the server does not say it.
func (l *Log) Created() time.Time {
	var newest time.Time
	for _, t := range l.Triggers {
		if t.Created.After(newest) {
			newest = t.Created
		}
	}
	return newest
}

// LogTables returns the m2_cl tables that are there, sorted.
func (l *Log) LogTables() []string {
	var all []string
	for name := range l.Columns {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// Exists reports whether there is a delta log at all: a table or a trigger of it.
func (l *Log) Exists() bool { return len(l.Columns) > 0 || len(l.Triggers) > 0 }
