// Package integrity predicts what the Data Migration Tool's integrity check says of two databases, without running the
// tool, which writes while it checks.
//
// A Plan is what the tool's config.xml and the files that it names ask for. Check compares two Schemas by it, as the
// tool's own integrity stages do, and says what they log, in their words. What takes long on a big Magento 1, orphans
// of foreign keys and duplicates of URL rewrites, has functions of its own, so that the caller can spread it over time.
//
// The rules are those of magento/data-migration-tool 2.4.6.1 (August 2023), read in its source and compared with a run
// of it.
package integrity

import (
	"cmp"
	"slices"
	"unique"

	"magento_migration_exporter/config/toolmap"
)

// Kind is what a prediction is about; it is the label of integrity_findings.
type Kind string

// The kinds.
const (
	// Documents are tables that the tool cannot assign to one of the other system.
	Documents Kind = "documents"
	// Fields are columns that it cannot assign.
	Fields Kind = "fields"
	// Types are columns whose data type differs between the systems, which the tool only warns about.
	Types Kind = "types"
	// Classes are PHP classes of attributes that the class map does not know.
	Classes Kind = "classes"
	// Attributes are attributes and attribute sets that lack what the tool needs.
	Attributes Kind = "attributes"
	// ForeignKeys are declared keys of Magento 1 with orphans.
	ForeignKeys Kind = "foreign_keys"
	// URLRewrites are request paths that two targets share.
	URLRewrites Kind = "url_rewrites"
	// Structure is everything else: tables and columns that a step needs, files that it cannot use, rules that
	// contradict each other.
	Structure Kind = "structure"
)

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{Documents, Fields, Types, Classes, Attributes, ForeignKeys, URLRewrites, Structure}
}

// Level is how the tool logs a prediction when it runs without --auto.
type Level string

const (
	// Error makes the tool stop after the integrity check.
	Error Level = "error"
	// Warning does not.
	Warning Level = "warning"
)

// Prediction is one thing that the tool would complain about.
type Prediction struct {
	Kind Kind
	// Mode is settings or data, after migrate:settings and migrate:data.
	Mode string
	// Step is the step's title in config.xml; empty for what keeps the mode from starting.
	Step  string
	Level Level
	// Fatal is set where the tool dies at once, with --auto too.
	Fatal bool
	// Side is empty for what concerns neither database.
	Side toolmap.Side
	// Document is the table's name without the prefix, Field the column's; either may be empty.
	Document, Field string
	// Message is what the tool logs, with this prediction alone where the tool makes one line of many; see Lines.
	Message string
	// Detail says what the tool does not, if anything.
	Detail string
	Remedy Remedy
	// Alternative is another way to fix it, nil when there is none.
	Alternative *Remedy
	// Rows is how many rows an unmapped table holds, at most MaxRows; -1 when that is not known or does not matter.
	Rows int
	// Extension is what the table or column probably belongs to: core_resource codes of Magento 1 or modules of Magento
	// 2. It is a guess by name.
	Extension string

	lead, item, separator string // Message is lead and item; the items of one lead make one line
	step, rank            int    // where in the tool's log it stands

	// remedy is RemedyText of a forecast that is kept: all evaluations, and shops that lack the same, have it once.
	remedy unique.Handle[string]
}

// RemedyText says for people how to fix it.
func (f Prediction) RemedyText() string {
	switch {
	case f.remedy != unique.Handle[string]{}:
		return f.remedy.Value()
	case f.Alternative != nil:
		return f.Remedy.String() + "\nOr: " + f.Alternative.String()
	}
	return f.Remedy.String()
}

// Subject is the table, or table.field.
func (f Prediction) Subject() string {
	if f.Document == "" || f.Field == "" {
		return f.Document + f.Field
	}
	return f.Document + "." + f.Field
}

// Check lists what the tool's integrity stages would log, in its order, but for orphans of foreign keys and duplicates
// of URL rewrites. After what makes a mode die before its first stage there is nothing else of that mode.
func Check(p *Plan, source, destination *Schema, facts Facts) []Prediction {
	c := &checker{
		plan:    p,
		schemas: map[toolmap.Side]*Schema{toolmap.Source: source, toolmap.Destination: destination},
		facts:   facts,
	}
	c.predictions = slices.Clone(p.predictions)
	dead := c.deadModes()
	for i, step := range p.Steps {
		if run := stages()[step.Class]; !dead[step.Mode] && run != nil {
			c.step, c.index = step, i
			run(c)
		}
	}
	Sort(c.predictions)
	p.suggest(c.predictions, source, destination)
	return c.predictions
}

// Sort puts predictions of several functions into the order in which the tool logs them.
func Sort(predictions []Prediction) {
	slices.SortStableFunc(
		predictions,
		func(a, b Prediction) int { return cmp.Or(cmp.Compare(a.step, b.step), cmp.Compare(a.rank, b.rank)) },
	)
}

// checker is one run of Check.
type checker struct {
	plan        *Plan
	schemas     map[toolmap.Side]*Schema
	facts       Facts
	predictions []Prediction

	step  Step
	index int
}

func (c *checker) add(f Prediction) {
	f.Mode, f.Step, f.step = c.step.Mode, c.step.Title, c.index
	f.complete()
	// Two rules that are in each other's way are found from both sides.
	if f.item != "" ||
		!slices.ContainsFunc(
			c.predictions,
			func(known Prediction) bool { return known.step == f.step && known.Message == f.Message },
		) {
		c.predictions = append(c.predictions, f)
	}
}

// complete fills in what most predictions have in common.
func (f *Prediction) complete() {
	if f.Message == "" {
		f.Message = f.lead + f.item
	}
	if f.separator == "" {
		f.separator = ","
	}
	if f.Level == "" {
		f.Level = Error
	}
	f.Rows = -1
}
