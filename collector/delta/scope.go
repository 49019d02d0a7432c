// Package delta looks at the log of changes that the Data Migration Tool keeps in Magento 1 from migrate:data to the
// cutover: which tables are to be logged, whether the log is intact, what is pending, how fast it drains, what the tool
// wrote to its own log. It gathers and computes; the preconditions judge.
package delta

import (
	_ "embed" // the tables of steps and meanings
	"path"
	"slices"
	"strings"

	"magento_migration_exporter/config/toolconfig"
	"magento_migration_exporter/config/toolmap"
)

var (
	//go:embed steps.tsv
	stepsTable string
	//go:embed meanings.tsv
	meaningsTable string
)

// MaxTables bounds how many documents of a delta file are looked at. The tool's largest file has 139.
const MaxTables = 1000

// Table is a table of Magento 1 whose changes the tool logs.
type Table struct {
	// Document is its name without the prefix.
	Document string
	// Keys are the columns that tell a row in the log.
	Keys []string
	// Group is the first group that a step reads and that has the table, else the first that has it, without "delta_".
	Group string
	// Read reports whether a step of config.xml reads its log.
	Read bool
	// Meaning is what it means that nobody reads the log, empty where that is not known.
	Meaning string
	// Rebuilt is true of the sales grids, which Magento 2 fills from the orders: that nobody reads their log is no
	// loss.
	Rebuilt bool
}

// Scope is what the tool's configuration says about the log.
type Scope struct {
	// Tables are in the order of the file, each once.
	Tables []Table
	// UnknownSteps are classes of delta stages that are not the tool's own: what they read is not known.
	UnknownSteps []string
	// Problems are entries of the file that make no table, as line:column: text or as a sentence.
	Problems []string
}

// Sources are the files that NewScope reads the answer from.
type Sources struct {
	Config *toolconfig.Config
	// Groups is the file that delta_document_groups_file names.
	Groups *toolmap.Groups
	// Maps are the map files by the name of their option. A map that is missing ignores nothing.
	Maps map[string]*toolmap.Map
}

// NewScope returns the tables that the tool logs, and which of them the steps of mode delta read.
func NewScope(s Sources) Scope {
	var scope Scope
	for _, p := range s.Groups.Problems {
		if len(scope.Problems) < maxProblems {
			scope.Problems = append(scope.Problems, p.String())
		}
	}
	read := scope.readGroups(s)
	index := map[string]int{}
	for _, group := range s.Groups.GroupNames() {
		ignores, isRead := read[group]
		for _, item := range s.Groups.Group(group) {
			t := newTable(item, group)
			t.Read = isRead && (ignores == nil || !ignores.DocumentIgnored(item.Name, toolmap.Source))
			scope.add(index, t)
		}
	}
	return scope
}

// maxProblems bounds how many faults of one file are named.
const maxProblems = 10

func newTable(item toolmap.Item, group string) Table {
	t := Table{Document: item.Name, Group: strings.TrimPrefix(group, "delta_")}
	for key := range strings.SplitSeq(item.Key, ",") {
		if key = strings.TrimSpace(key); key != "" {
			t.Keys = append(t.Keys, key)
		}
	}
	for _, row := range rows(meaningsTable) {
		if row[0] == item.Name {
			t.Rebuilt = row[1] == "rebuilt"
			if !t.Rebuilt {
				t.Meaning = row[1]
			}
		}
	}
	return t
}

// add adds a table. One that stands in several groups counts in the first that a step reads.
func (s *Scope) add(index map[string]int, t Table) {
	at, known := index[t.Document]
	switch {
	case known && t.Read && !s.Tables[at].Read:
		s.Tables[at] = t
	case known:
	case len(t.Keys) == 0:
		s.problem(t.Document + " has no attribute key, so the tool can log nothing of it")
	case len(s.Tables) == MaxTables:
		s.problem("only the first tables of the file are looked at")
	default:
		index[t.Document] = len(s.Tables)
		s.Tables = append(s.Tables, t)
	}
}

func (s *Scope) problem(text string) {
	if len(s.Problems) < maxProblems && !slices.Contains(s.Problems, text) {
		s.Problems = append(s.Problems, text)
	}
}

// readGroups returns the groups that the delta stages read, each with the map whose ignored documents it leaves out.
func (s *Scope) readGroups(from Sources) map[string]*toolmap.Map {
	read := map[string]*toolmap.Map{}
	for _, class := range from.Config.Stages("delta", "delta") {
		row := stepOf(class)
		switch {
		case row == nil:
			s.UnknownSteps = append(s.UnknownSteps, class)
		case row[1] != "-":
			read[row[1]] = from.Maps[row[2]]
		}
	}
	return read
}

// stepOf returns the row of a class in the table of steps, nil for one that is not the tool's own.
func stepOf(class string) []string {
	slashed := strings.ReplaceAll(strings.TrimPrefix(class, `\`), `\`, "/")
	for _, row := range rows(stepsTable) {
		if ok, err := path.Match(strings.ReplaceAll(row[0], `\`, "/"), slashed); ok && err == nil {
			return row
		}
	}
	return nil
}

func rows(table string) [][]string {
	var rows [][]string
	for line := range strings.Lines(table) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			rows = append(rows, strings.Split(line, "\t"))
		}
	}
	return rows
}

// Guessed returns a scope for a log whose configuration cannot be read: all tables that have a log, as read.
func Guessed(documents map[string][]string) Scope {
	var s Scope
	for document, keys := range documents {
		s.Tables = append(s.Tables, Table{Document: document, Keys: keys, Group: "unknown", Read: true})
	}
	slices.SortFunc(s.Tables, func(a, b Table) int { return strings.Compare(a.Document, b.Document) })
	return s
}

// maxName is how many characters of m2_cl_ and the table's name the tool keeps.
const maxName = 64

// LogTable returns the name of a document's log table.
func LogTable(prefix, document string) string {
	name := []rune("m2_cl_" + document)
	return prefix + string(name[:min(len(name), maxName)])
}
