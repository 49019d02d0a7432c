package delta

import (
	"slices"
	"strings"
	"time"
)

// State is how the logging of one table stands. The zero value is Intact.
type State int

// The states, as label values of metrics.
const (
	Intact State = iota
	// TableMissing: the log table is not there.
	TableMissing
	// TriggerMissing: not every event of the table is logged.
	TriggerMissing
	// TriggerMoved: triggers that write the log table sit on another table, as after a swap by RENAME.
	TriggerMoved
)

// States returns all states.
func States() []State { return []State{Intact, TableMissing, TriggerMissing, TriggerMoved} }

// String is the state as label values name it.
func (s State) String() string {
	return [...]string{"intact", "table_missing", "trigger_missing", "trigger_moved"}[s]
}

// Standing is what was found of one logged table.
type Standing struct {
	Table
	// Name and LogName are the whole names of the table and of its log table.
	Name, LogName string
	// Absent is true when Magento 1 has no such table; View is true when it is a view, which can have no triggers.
	Absent, View bool
	// HasLog is true when the log table is there, Wrong says what of its columns is not as the tool needs it.
	HasLog bool
	Wrong  string
	// Lacks are the columns that it does not have and that the triggers write.
	Lacks []string
	// Fires are the events whose triggers on the table itself write the log table.
	Fires []string
	// Conditional are those of them that are logged under a condition only; Conditions are the triggers' names.
	Conditional, Conditions []string
	// Elsewhere are other tables with triggers that write the log table.
	Elsewhere []string
	// Created is when the newest trigger was made, zero where it is not known.
	Created time.Time
	// Next is the next id where it is above what the log's key holds, else 0; Holds is that.
	Next, Holds uint64
}

// Missing returns the events that no trigger of the table logs.
func (s Standing) Missing() []string {
	return slices.DeleteFunc(Events(), func(e string) bool { return slices.Contains(s.Fires, e) })
}

// State says how the table's logging stands. A table that Magento 1 does not have needs none, and has none.
func (s Standing) State() State {
	switch {
	case !s.HasLog:
		return TableMissing
	case len(s.Missing()) == 0:
		return Intact
	case len(s.Elsewhere) > 0:
		return TriggerMoved
	}
	return TriggerMissing
}

// Inspect compares what should be logged with what the server says.
func Inspect(scope Scope, l *Log, prefix string) []Standing {
	var all []Standing
	for _, t := range scope.Tables {
		s := Standing{Table: t, Name: prefix + t.Document, LogName: LogTable(prefix, t.Document)}
		kind, there := l.Types[s.Name]
		s.Absent, s.View = !there, there && kind != "BASE TABLE" && kind != "SYSTEM VERSIONED"
		columns, hasLog := l.Columns[s.LogName]
		if s.HasLog = hasLog; hasLog {
			s.Wrong = wrongColumns(t.Keys, columns)
			s.Lacks = without(columns, append(slices.Clone(t.Keys), "operation"))
			s.outgrown(columns, l.Next[s.Name])
		}
		s.triggers(l.writing(s.LogName))
		all = append(all, s)
	}
	return all
}

// outgrown notes that the table's next id is above what its log holds. Only a log with one key has ids.
func (s *Standing) outgrown(columns []Column, next uint64) {
	for _, c := range columns {
		if len(s.Keys) == 1 && strings.EqualFold(c.Name, s.Keys[0]) && next > c.holds() {
			s.Next, s.Holds = next, c.holds()
		}
	}
}

func (s *Standing) triggers(writing []Trigger) {
	always := map[string]bool{}
	for _, t := range writing {
		if !strings.EqualFold(t.Table, s.Name) {
			if !slices.Contains(s.Elsewhere, t.Table) {
				s.Elsewhere = append(s.Elsewhere, t.Table)
			}
			continue
		}
		if event := strings.ToUpper(t.Event); !slices.Contains(s.Fires, event) {
			s.Fires = append(s.Fires, event)
		}
		if event := strings.ToUpper(t.Event); !t.conditional(s.LogName) {
			always[event] = true
		} else if !slices.Contains(s.Conditional, event) {
			s.Conditional, s.Conditions = append(s.Conditional, event), append(s.Conditions, t.Name)
		}
		if t.Created.After(s.Created) {
			s.Created = t.Created
		}
	}
	s.Conditional = slices.DeleteFunc(s.Conditional, func(event string) bool { return always[event] })
}

// conditional reports whether the trigger writes a log table under a condition only.
func (t Trigger) conditional(logTable string) bool {
	return slices.ContainsFunc(t.Conditional, func(c string) bool { return strings.EqualFold(c, logTable) })
}

// wrongColumns says what is wrong with the columns of a log table, or returns an empty text.
func wrongColumns(keys []string, columns []Column) string {
	var primary []string
	for _, c := range columns {
		if c.Primary {
			primary = append(primary, strings.ToLower(c.Name))
		}
	}
	if missing := without(columns, append(slices.Clone(keys), "operation", "processed")); len(missing) > 0 {
		return "it has no column " + strings.Join(missing, ", ")
	}
	var want []string
	for _, k := range keys {
		want = append(want, strings.ToLower(k))
	}
	slices.Sort(want)
	slices.Sort(primary)
	if !slices.Equal(want, primary) {
		return "its primary key is (" + strings.Join(primary, ", ") + "), not (" + strings.Join(keys, ", ") + ")"
	}
	return ""
}

// without returns which names are not among the columns.
func without(columns []Column, names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		return slices.ContainsFunc(columns, func(c Column) bool { return strings.EqualFold(c.Name, name) })
	})
}

// ScopeOf returns a scope for when the configuration cannot be read: the log tables that are there, and the tables
// whose triggers write others, all as if a step read them.
func ScopeOf(l *Log, prefix string) Scope {
	documents := map[string][]string{}
	for name, columns := range l.Columns {
		document := l.document(name, prefix)
		documents[document] = nil
		for _, c := range columns {
			if c.Primary {
				documents[document] = append(documents[document], c.Name)
			}
		}
	}
	for _, t := range l.Triggers {
		for _, w := range t.Writes {
			document := l.document(w, prefix)
			if len(documents[document]) == 0 {
				documents[document] = t.keys[w]
			}
		}
	}
	return Guessed(documents)
}

// document returns the document whose changes a log table holds. The tool cuts long names: then the table with the
// triggers tells it.
func (l *Log) document(logTable, prefix string) string {
	document := strings.TrimPrefix(logTable, prefix+"m2_cl_")
	for _, t := range l.writing(logTable) {
		if whole := strings.TrimPrefix(t.Table, prefix); LogTable(prefix, whole) == logTable {
			return whole
		}
	}
	return document
}
