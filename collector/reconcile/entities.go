// Package reconcile finds out whether Magento 2 holds what Magento 1 holds. It compares tables by counts, maxima, sums
// and checksums, narrows a difference down to rows, and keeps what it has learnt for the next evaluation. It gathers;
// the precondition judges.
package reconcile

import (
	_ "embed" // the table of entities
	"strings"
)

//go:embed entities.tsv
var entitiesTable string

// Level is what a difference means.
type Level string

// The levels.
const (
	// Fail is for what a shop cannot be moved without.
	Fail Level = "fail"
	// Warn is for what it can be moved without.
	Warn Level = "warn"
	// Uncovered is for tables that the delta never delivers.
	Uncovered Level = "uncovered"
	// Grid is for a table of Magento 2 that must agree with another one of Magento 2.
	Grid Level = "grid"
)

// Pair is two tables that are compared.
type Pair struct {
	// Entity is the label of metrics.
	Entity string
	// Document is the table of Magento 1 without the prefix; of a grid, Magento 2's.
	Document string
	// Option is the option of config.xml that names the map file which has the document.
	Option string
	// Table is Magento 2's, for when there is no map file.
	Table string
	// Key is the column whose values name the rows; it need not be unique. Hashed are the columns that make the key of
	// a small table without a number of its own; Key is empty then.
	Key    string
	Hashed []string
	// Columns are those that are compared, Sum the one that is added up; "-" is none.
	Columns []string
	Sum     string
	Level   Level
	// Shown is the column by which people know a row, "-" where it is the key.
	Shown string
	// Parent is a document whose deletion deletes the rows with it, "-" for none. Of a grid it is the logged document
	// whose rows make the grid's.
	Parent string
	// Attributes are the codes of those whose values are compared; none for a table that is none of values. Own is true
	// for a table of values of which the attributes that the shop has made itself are compared, too.
	Attributes []string
	Own        bool
	// Flat are codes of attributes whose values are columns of Magento 2's table.
	Flat []string
	// One and Many are what people call a row and several, Meaning is what a difference means for Magento 2.
	One, Many, Meaning string
	// main is true for the document of the entity's first pair.
	main bool
}

// pairColumns is how many columns a line of the table of entities has.
const pairColumns = 14

// Pairs returns what is compared, entity by entity.
func Pairs() []Pair {
	var all []Pair
	first := map[string]string{} // the document of an entity's first pair
	for line := range strings.Lines(entitiesTable) {
		line = strings.TrimSpace(line)
		f := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") || len(f) != pairColumns {
			continue
		}
		if first[f[0]] == "" {
			first[f[0]] = f[1]
		}
		p := Pair{
			Entity: f[0], Document: f[1], Option: f[2], Table: f[3], Key: f[4], Columns: strings.Split(f[5], ","),
			Sum: f[6], Level: Level(f[7]), Shown: f[8], Parent: f[9], One: f[11], Many: f[12], Meaning: f[13],
			main: f[1] == first[f[0]],
		}
		p.setAttributes(f[10])
		if hashed, ok := strings.CutPrefix(p.Key, "#"); ok {
			p.Key, p.Hashed = "", strings.Split(hashed, ",")
		}
		all = append(all, p)
	}
	return all
}

func (p *Pair) setAttributes(field string) {
	flat, isFlat := strings.CutPrefix(field, "flat:")
	switch {
	case field == none:
	case isFlat:
		p.Flat = strings.Split(flat, ",")
	default:
		if field, p.Own = strings.CutSuffix(","+field, ",*"); field != "" {
			p.Attributes = strings.Split(field[1:], ",")
		}
	}
}

// none stands for an empty field of the table.
const none = "-"

// Entities returns the entities of all pairs but the grids, in the order of the table.
func Entities() []string {
	var all []string
	seen := map[string]bool{}
	for _, p := range Pairs() {
		if !seen[p.Entity] && p.Level != Grid {
			seen[p.Entity] = true
			all = append(all, p.Entity)
		}
	}
	return all
}

// Main reports whether the pair's rows are what the entity counts: it is the entity's first.
func (p Pair) Main() bool { return p.main && p.Level != Grid }
