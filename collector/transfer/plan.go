package transfer

import (
	"context"
	_ "embed" // the table of steps and the queries
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/config/toolconfig"
	"magento_migration_exporter/config/toolmap"
)

var (
	//go:embed steps.tsv
	stepsTable string
	//go:embed sql/columns.sql
	columnsQuery string
	//go:embed sql/sizes.sql
	sizesQuery string
)

// Side is one of the two databases.
type Side struct {
	Session *database.Session
	Prefix  string
}

// Sources are the files that say what the tool copies.
type Sources struct {
	Config *toolconfig.Config
	// Maps and Groups are by the options of config.xml that name the files. What needs a missing one is not planned.
	Maps   map[string]*toolmap.Map
	Groups map[string]*toolmap.Groups
}

// Options returns the options of config.xml whose map files and groups a plan uses.
func Options() (maps, groups []string) {
	for _, s := range steps() {
		if s.mapOption != "" {
			maps = append(maps, s.mapOption)
		}
		if s.groupsOption != "" {
			groups = append(groups, s.groupsOption)
		}
	}
	return maps, groups
}

// step is a row of steps.tsv: a class of a data stage that inserts page by page, the map that it uses, and the
// documents that it copies: all, those of a group, or one, which can have another name in Magento 2.
type step struct {
	class, mapOption, groupsOption, group, document, target string
}

func steps() []step {
	var all []step
	for line := range strings.Lines(stepsTable) {
		row := strings.Split(strings.TrimSpace(line), "\t")
		s := step{class: row[0], mapOption: strings.TrimPrefix(row[1], "-")}
		if option, group, ok := strings.Cut(row[2], ":"); ok {
			s.groupsOption, s.group = option, group
		} else if row[2] != "*" {
			s.document, s.target, _ = strings.Cut(row[2], ">")
		}
		all = append(all, s)
	}
	return all
}

// Table is a table that migrate:data copies.
type Table struct {
	// Document is Magento 1's, Target Magento 2's, both without the prefix.
	Document, Target string
	// Columns are how many each side has.
	Columns [2]int
	// Rows and Bytes are how the server estimates Magento 1's table.
	Rows, Bytes int64

	mapOption string
	// entity is true when attributes become columns; values is true of their own tables, most of whose rows are not
	// copied.
	entity, values bool
	average        int64
	compressed     bool
	// long is true when a column holds more than 64 KiB.
	long bool
}

// Plan is what migrate:data copies.
type Plan struct {
	// Tables are in the tool's order of steps.
	Tables []Table
	// Unplanned are the options of config.xml whose files are needed and not there.
	Unplanned []string
}

// size is what information_schema says of a table.
type size struct {
	columns, rows, average, bytes int64
	long, compressed              bool
}

// NewPlan reads the names and sizes of both databases' tables, in two statements each that read no table.
// The error is a *database.SideError.
func NewPlan(ctx context.Context, sides [2]Side, sources Sources) (*Plan, error) {
	var sizes [2]map[string]size
	for i, side := range sides {
		var err error
		if sizes[i], err = readSizes(ctx, side); err != nil {
			return nil, &database.SideError{Side: i, Err: err}
		}
	}
	p := &Plan{}
	classes := sources.Config.Stages("data", "data")
	for _, class := range classes {
		for _, s := range steps() {
			if strings.TrimPrefix(class, `\`) == s.class {
				p.add(s, sources, sizes)
			}
		}
	}
	p.Tables = slices.Clone(p.Tables) // without room for more: it is kept
	return p, nil
}

func readSizes(ctx context.Context, side Side) (map[string]size, error) {
	sizes := map[string]size{}
	err := side.Session.Rows(ctx, columnsQuery, nil, func(scan func(...any) error) error {
		var name string
		var s size
		var long int
		err := scan(&name, &s.columns, &long)
		s.long = long > 0
		if name, ok := strings.CutPrefix(name, side.Prefix); ok {
			sizes[name] = s
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("counting the columns of the tables: %w", err)
	}
	base := map[string]size{}
	err = side.Session.Rows(ctx, sizesQuery, nil, func(scan func(...any) error) error {
		var name, format string
		var rows, average, bytes int64
		err := scan(&name, &rows, &average, &bytes, &format)
		if name, ok := strings.CutPrefix(name, side.Prefix); ok {
			s := sizes[name]
			s.rows, s.average, s.bytes, s.compressed = rows, average, bytes, strings.EqualFold(format, "compressed")
			base[name] = s
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the sizes of the tables: %w", err)
	}
	return base, nil
}

// add plans the documents of one step.
func (p *Plan) add(s step, sources Sources, sizes [2]map[string]size) {
	m := sources.Maps[s.mapOption]
	if s.mapOption != "" && m == nil {
		p.lacks(s.mapOption)
		return
	}
	groups := sources.Groups[s.groupsOption]
	if s.groupsOption != "" && groups == nil {
		p.lacks(s.groupsOption)
		return
	}
	for _, document := range s.documents(groups, sizes[0]) {
		target, mapped := s.target, true
		if target == "" {
			target, mapped = m.DocumentMap(document, toolmap.Source)
		}
		from, ok1 := sizes[0][document]
		to, ok2 := sizes[1][target]
		if !mapped || !ok1 || !ok2 {
			continue
		}
		entities := groups.Names("source_entity_documents")
		p.Tables = append(p.Tables, Table{
			Document: document, Target: target, Columns: [2]int{int(from.columns), int(to.columns)},
			Rows: from.rows, Bytes: from.bytes, average: from.average, compressed: from.compressed, long: from.long,
			mapOption: s.mapOption,
			entity:    slices.Contains(entities, document),
			values:    len(entities) > 0 && !slices.Contains(entities, document),
		})
	}
}

func (p *Plan) lacks(option string) {
	if !slices.Contains(p.Unplanned, option) {
		p.Unplanned = append(p.Unplanned, option)
	}
}

func (s step) documents(groups *toolmap.Groups, sizes map[string]size) []string {
	switch {
	case s.group != "":
		return groups.Names(s.group)
	case s.document != "":
		return []string{s.document}
	}
	var all []string
	for name := range sizes {
		all = append(all, name)
	}
	slices.Sort(all) // as the tool goes through them
	return all
}

// Total is how much migrate:data copies, as the server estimates it.
type Total struct {
	Rows, Cells, Bytes int64
	// Largest are the tables with the most cells, at most 5.
	Largest []Table
}

// cells are the values of a table.
func (t Table) cells() int64 { return t.Rows * int64(t.Columns[0]) }

// Total adds up all tables.
func (p *Plan) Total() Total {
	var total Total
	for _, t := range p.Tables {
		total.Rows += t.Rows
		total.Cells += t.cells()
		total.Bytes += t.Bytes
		if t.Rows > 0 {
			total.Largest = append(total.Largest, t)
		}
	}
	slices.SortStableFunc(total.Largest, func(a, b Table) int { return int(min(1, max(-1, b.cells()-a.cells()))) })
	total.Largest = total.Largest[:min(5, len(total.Largest))]
	return total
}
