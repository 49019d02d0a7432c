package fit

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/integrity"
	"magento_migration_exporter/config/toolconfig"
	"magento_migration_exporter/config/toolmap"
)

// Files are what the tool's config.xml names, by option.
type Files struct {
	Config *toolconfig.Config
	Maps   map[string]*toolmap.Map
	Groups map[string]*toolmap.Groups
	// GroupRules are those of the tool's release.
	GroupRules GroupRules
}

// MapOptions are the map files that a plan needs, GroupOptions the files of groups.
func MapOptions() []string {
	return []string{"map_file", "customer_map_file", "stores_map_file", "eav_map_file"}
}

// GroupOptions are the files of groups that a plan needs.
func GroupOptions() []string {
	return []string{"customer_document_groups_file", "customer_attribute_groups_file", "map_document_groups",
		"eav_attribute_groups_file"}
}

// Plan is what there is to look at. It is made of both schemas, and takes as much memory as they do: it is for as long
// as a round takes.
type Plan struct {
	sides   [2]Side
	schemas [2]*schema
	tasks   []*task
	// now and shelves are those of the evaluation.
	now     time.Time
	shelves *Shelves
	// Skipped are tables, columns and keys that are not looked at.
	Skipped []Skipped
	// Engines, RowFormats and Triggers are what was seen of Magento 2's tables that the tool fills.
	Engines, RowFormats []TableFact
	Triggers            []TableFact
	// Pairs counts the pairs of tables.
	Pairs int
	// Unread are the options of config.xml whose map files are needed and not there.
	Unread []string
}

// TableFact is something about a table of Magento 2 that the tool fills.
type TableFact struct {
	// Document and Target are the tables in Magento 1 and Magento 2, without their prefixes.
	Document, Target string
	// Value is the engine, the row format or the triggers' names.
	Value string
	// Rows is what Magento 1's server estimates.
	Rows int64
}

// copied is a pair of tables of which the tool copies all rows.
type copied struct {
	document, target string
	from, to         *table
	columns          []pair
	rules            *toolmap.Map
	// merges are the columns that ON DUPLICATE KEY UPDATE names; nil for a plain INSERT.
	merges []string
}

// pair is a column of Magento 1 and the one of Magento 2 that gets its value.
type pair struct {
	from, to *column
	// handler is the PHP class that gives the value, empty for a copy. value is the constant that it gives.
	handler string
	value   *string
	// follows is the column of Magento 2 whose value decides this one's, where a class looks it up.
	follows string
}

// planner makes a plan.
type planner struct {
	*Plan
	files  Files
	names  charset
	newest string
	// mariadb is true when Magento 2's server is one.
	mariadb bool
	// explicit is Magento 2's explicit_defaults_for_timestamp.
	explicit bool
	copies   []*copied
	// attributes are Magento 1's, and needed for the customers.
	attributes []attribute
	// collations are those of Magento 1's server.
	collations map[string]bool
}

// NewPlan reads both schemas, and Magento 1's attributes. The error is a *database.SideError.
func NewPlan(ctx context.Context, sides [2]Side, files Files) (*Plan, error) {
	p := &planner{Plan: &Plan{sides: sides}, files: files}
	var err error
	for i, side := range sides {
		if p.schemas[i], err = readSchema(ctx, side); err != nil {
			return nil, &database.SideError{Side: i, Err: err}
		}
	}
	if p.attributes, err = readAttributes(ctx, sides[magento1], p.schemas[magento1]); err != nil {
		return nil, &database.SideError{Side: magento1, Err: err}
	}
	if p.collations, err = readCollations(ctx, sides[magento1].Session); err != nil {
		return nil, &database.SideError{Side: magento1, Err: err}
	}
	// Without that variable, a timestamp takes NULL for the present time.
	query := "SELECT @@explicit_defaults_for_timestamp"
	if err = sides[magento2].Session.Row(ctx, query, nil, &p.explicit); err != nil {
		err = fmt.Errorf("asking for explicit_defaults_for_timestamp: %w", err)
		return nil, &database.SideError{Side: magento2, Err: err}
	}
	p.names = sessionCharset(files.Config)
	p.newest = newestTimestamp(sides[magento2].Session.Version)
	p.mariadb = sides[magento2].Session.Version.Flavor == database.MariaDB
	p.copy()
	p.Pairs = len(p.copies)
	for _, c := range p.copies {
		p.add(c)
	}
	p.addGroups()
	p.addStoreGroups()
	p.facts()
	p.reduce()
	return p.Plan, nil
}

// reduce leaves out what only planning needs: both schemas take megabytes, and a round of a large shop lasts for many
// evaluations.
func (p *planner) reduce() {
	for _, c := range p.copies {
		c.columns, c.rules = nil, nil
		c.from.keepKey()
		c.to = nil
	}
	for i, s := range p.schemas {
		kept := &schema{prefix: s.prefix, tables: map[string]*table{}}
		for _, of := range eavDocuments() {
			if t := s.table(of); t != nil {
				kept.tables[t.name] = t
			}
		}
		p.schemas[i] = kept
	}
}

// keepKey leaves out all columns and indexes but those by which rows are named and gone through.
func (t *table) keepKey() {
	var kept []*index
	for _, i := range []*index{t.primary(), t.path()} {
		if i != nil && !slices.Contains(kept, i) {
			kept = append(kept, i)
		}
	}
	t.columns, t.indexes = nil, kept
	all := t.byName
	t.byName = map[string]*column{}
	for _, i := range kept {
		for _, x := range i.parts {
			name := strings.ToLower(x.column)
			t.byName[name] = all[name]
		}
	}
}

// setNames is the statement that decides which characters reach the tool.
var setNames = regexp.MustCompile(`(?i)\bSET\s+NAMES\s+['"]?(\w+)`)

// sessionCharset is the character set of the tool's sessions. Where the two sides have different ones, the smaller one
// decides. Without init statements it is the one of the shipped files.
func sessionCharset(c *toolconfig.Config) charset {
	found := charset("utf8")
	if c == nil {
		return found
	}
	wide := 0
	for _, option := range []string{"init_statements_source", "init_statements_destination"} {
		if m := setNames.FindStringSubmatch(c.Value(option)); m != nil && isWide(m[1]) {
			wide++
		}
	}
	if wide == 2 {
		return "utf8mb4"
	}
	return found
}

// newestTimestamp is the latest time that the type timestamp has on a server, in UTC.
func newestTimestamp(v database.Version) string {
	if v.Flavor == database.MariaDB && v.AtLeast(11, 5, 0) {
		return "2106-02-07 06:28:15"
	}
	return "2038-01-19 03:14:07"
}

// stages are the classes that copy tables as a map file says, and its option.
func stages() []struct{ class, option string } {
	return []struct{ class, option string }{
		{`Migration\Step\Stores\Data`, "stores_map_file"},
		{`Migration\Step\Customer\Data`, "customer_map_file"},
		{`Migration\Step\Map\Data`, "map_file"},
		{`Migration\Step\UrlRewrite\Version191to2000`, ""},
	}
}

// runs reports whether a mode of config.xml has a stage that copies data with a class.
func (f Files) runs(class string) bool {
	if f.Config == nil {
		return false
	}
	for _, mode := range f.Config.Modes {
		if mode.Name != "settings" && mode.Name != "data" {
			continue
		}
		for _, step := range mode.Steps {
			for _, stage := range step.Stages {
				if stage.Name == "data" && strings.TrimPrefix(stage.Class, `\`) == class {
					return true
				}
			}
		}
	}
	return false
}

// copy finds the pairs of tables.
func (p *planner) copy() {
	for _, stage := range stages() {
		m := p.files.Maps[stage.option]
		switch {
		case !p.files.runs(stage.class):
		case stage.option == "":
			p.copyRewrites()
		case m == nil:
			p.Unread = append(p.Unread, stage.option)
		default:
			for _, document := range p.documents(stage.option) {
				p.copyTable(m, document, stage.option)
			}
		}
	}
	slices.SortStableFunc(p.copies, func(a, b *copied) int { return cmp.Compare(a.document, b.document) })
}

// documents are those of Magento 1 that a step goes through.
func (p *planner) documents(option string) []string {
	switch option {
	case "stores_map_file":
		return []string{"core_store", "core_store_group", "core_website"}
	case "customer_map_file":
		return p.files.Groups["customer_document_groups_file"].Names("source_documents")
	}
	return p.schemas[magento1].documents()
}

func (p *planner) skip(what, why string) { p.Skipped = append(p.Skipped, Skipped{what, why}) }

func (p *planner) copyTable(m *toolmap.Map, document, option string) {
	target, mapped := m.DocumentMap(document, toolmap.Source)
	from, to := p.schemas[magento1].table(document), p.schemas[magento2].table(target)
	for i, name := range []string{document, target} {
		if mapped && p.schemas[i].views[p.schemas[i].prefix+name] {
			p.skip(name, "it is a view in "+[]string{"Magento 1", "Magento 2"}[i])
		}
	}
	if !mapped || from == nil || to == nil {
		return
	}
	c := &copied{document: document, target: target, from: from, to: to, rules: m}
	c.columns = p.columns(m, c, option == "map_file")
	if option == "map_file" {
		for _, item := range p.files.Groups["map_document_groups"].Group("destination_documents_update_on_duplicate") {
			if item.Name == target {
				c.merges = strings.Split(item.Key, ",")
			}
		}
	}
	p.copies = append(p.copies, c)
}

// columns pairs the columns as the tool does. Its Map step copies a table as it is when Magento 2 has all of its
// columns and no rule gives one another value; ignored and moved fields do not count then.
func (p *planner) columns(m *toolmap.Map, c *copied, justCopies bool) []pair {
	for _, from := range c.from.columns {
		justCopies = justCopies && c.to.column(from.name) != nil &&
			len(m.Transforms(c.document, from.name, toolmap.Source)) == 0
	}
	for _, to := range c.to.columns {
		justCopies = justCopies && len(m.Transforms(c.target, to.name, toolmap.Destination)) == 0
	}
	var pairs []pair
	for _, from := range c.from.columns {
		name := from.name
		if !justCopies {
			var mapped bool
			var err error
			if name, mapped, err = m.FieldMap(c.document, from.name, toolmap.Source); err != nil || !mapped {
				continue // an ambiguous rule ends the tool before it copies
			}
		}
		to := c.to.column(name)
		if to == nil {
			continue
		}
		pairs = append(pairs, p.handled(m, c, pair{from: from, to: to}))
	}
	for _, to := range c.to.columns {
		given := slices.ContainsFunc(pairs, func(x pair) bool { return x.to == to })
		if rules := m.Transforms(c.target, to.name, toolmap.Destination); len(rules) > 0 && !given {
			pairs = append(pairs, p.handled(m, c, pair{to: to}))
		}
	}
	return pairs
}

// handled adds the class that gives a value. A rule that names attributes changes only theirs, and shortens them.
func (p *planner) handled(m *toolmap.Map, c *copied, x pair) pair {
	rules := slices.Clone(m.Transforms(c.target, x.to.name, toolmap.Destination))
	if x.from != nil {
		rules = append(rules, m.Transforms(c.document, x.from.name, toolmap.Source)...)
	}
	for _, r := range rules {
		class := strings.TrimPrefix(r.Class, `\`)
		if r.Params["attributeCode"] != "" || r.Params["attributeCodes"] != "" ||
			class == `Migration\Handler\CleanMultiselect` {
			continue
		}
		switch x.handler = class; class {
		case `Migration\Handler\SetValue`:
			if value := r.Params["value"]; !strings.ContainsAny(value, "+-") {
				x.value = &value
			}
		case `Migration\Handler\Gallery\InsertValueToEntity`:
			x.handler = "" // it fills another table, and leaves the value as it is
		case `Migration\Handler\BundleParentProduct`:
			x.follows = r.Params["parentField"]
		}
	}
	return x
}

// copyRewrites is the step for URL rewrites of Magento 1 Community, which has no map file.
func (p *planner) copyRewrites() {
	from, to := p.schemas[magento1].table("core_url_rewrite"), p.schemas[magento2].table("url_rewrite")
	if from == nil || to == nil {
		return
	}
	c := &copied{document: "core_url_rewrite", target: "url_rewrite", from: from, to: to}
	for _, name := range []string{"url_rewrite_id", "store_id", "description", "request_path", "target_path"} {
		if x := (pair{from: from.column(name), to: to.column(name)}); x.from != nil && x.to != nil {
			c.columns = append(c.columns, x)
		}
	}
	p.copies = append(p.copies, c)
}

// add makes what there is to do for a pair of tables.
func (p *planner) add(c *copied) {
	scan := &scan{copied: c}
	for _, x := range c.columns {
		if x.from == nil || x.handler != "" {
			continue
		}
		if x.to.computed() {
			p.skip(c.document+"."+x.from.name, "the server computes it in Magento 2, and MySQL refuses a value")
			continue
		}
		checks, known := p.checks(x.from, x.to)
		if !known && x.from.columnType != x.to.columnType {
			p.skip(c.document+"."+x.from.name, x.from.columnType+" into "+x.to.columnType)
		}
		for _, k := range checks {
			if k.kind == OtherKind && c.typeIgnored(x.from.name, x.to.name) {
				continue // the map file says that this is known
			}
			k.target = c.target + "." + x.to.name
			scan.checks = append(scan.checks, k)
		}
	}
	scan.checks = append(scan.checks, p.moved(c)...)
	scan.checks = append(scan.checks, p.orphans(c)...)
	if len(scan.checks) > 0 {
		scan.pages, scan.found = newPages(c.from), make([]tally, len(scan.checks))
		p.tasks = append(p.tasks, &task{name: "rows " + c.document, document: c.document, of: c.from, work: scan})
	}
	for _, key := range c.to.indexes {
		if key.unique {
			p.addKey(c, key)
		}
	}
	for _, name := range p.schemas[magento2].rules[c.to.name] {
		p.skip(c.target+" "+name, "a CHECK constraint")
	}
}

// orphans are the foreign keys of Magento 2 that Magento 1 does not have. Where it has them, the tool's integrity check
// looks for orphans itself.
func (p *planner) orphans(c *copied) []check {
	var checks []check
	for _, k := range p.schemas[magento2].keys {
		if k.Table != c.to.name {
			continue
		}
		child, parent := c.plain(k.Column), p.parent(k.ParentTable)
		if child == nil || parent == nil {
			continue
		}
		key := parent.plain(k.ParentColumn)
		if key == nil || !parent.from.leads(key.name) || p.declared(c.from.name, child.name, parent.from.name) {
			continue
		}
		column := "t." + database.Quote(child.name)
		where := fmt.Sprintf("%s IS NOT NULL AND NOT EXISTS (SELECT 1 FROM %s p WHERE p.%s = %[1]s)", column,
			database.Quote(parent.from.name), database.Quote(key.name))
		checks = append(checks, check{kind: Orphan, column: child.name, target: k.Name, limit: parent.document,
			where: where})
	}
	return checks
}

// typeIgnored reports whether the map file accepts that a column has another type in Magento 2.
func (c *copied) typeIgnored(from, to string) bool {
	return c.rules != nil && (c.rules.DataTypeIgnored(c.document, from, toolmap.Source) ||
		c.rules.DataTypeIgnored(c.target, to, toolmap.Destination))
}

// plain returns the column of Magento 1 that is copied into one of Magento 2, nil when there is none.
func (c *copied) plain(name string) *column {
	for _, x := range c.columns {
		if strings.EqualFold(x.to.name, name) && x.handler == "" {
			return x.from
		}
	}
	return nil
}

// parent returns the pair that fills a table of Magento 2, nil when there is none.
func (p *planner) parent(name string) *copied {
	for _, c := range p.copies {
		if c.to.name == name {
			return c
		}
	}
	return nil
}

// declared reports whether Magento 1 has a foreign key itself.
func (p *planner) declared(child, column, parent string) bool {
	return slices.ContainsFunc(p.schemas[magento1].keys, func(k integrity.ForeignKey) bool {
		return k.Table == child && strings.EqualFold(k.Column, column) && k.ParentTable == parent
	})
}

// moved are the attributes of customers and addresses that are columns in Magento 2: their values are in the tables of
// values of Magento 1.
func (p *planner) moved(c *copied) []check {
	groups := p.files.Groups["customer_attribute_groups_file"]
	var checks []check
	for entity, code := range map[string]string{
		"customer_entity": "customer", "customer_address_entity": "customer_address",
	} {
		kind, found := strings.CutPrefix(c.document, entity+"_")
		value := c.from.column("value")
		target := p.schemas[magento2].table(entity)
		if !found || value == nil || target == nil {
			continue
		}
		for _, a := range p.attributes {
			if a.entityType != code || a.backendType != kind || !slices.Contains(groups.Names(entity), a.code) {
				continue
			}
			if to := target.column(a.code); to != nil {
				checks = append(checks, p.movedChecks(a, value, to, entity)...)
			}
		}
	}
	return checks
}

func (p *planner) movedChecks(a attribute, value, to *column, entity string) []check {
	checks, _ := p.checks(value, to)
	for i := range checks {
		checks[i].target, checks[i].subject = entity+"."+to.name, a.code
		checks[i].where = fmt.Sprintf("t.attribute_id = %d AND (%s)", a.id, checks[i].where)
	}
	// A value that is NULL is as good as none.
	return slices.DeleteFunc(checks, func(k check) bool { return k.kind == Null })
}

// facts notes what is unusual about the tables that are filled.
func (p *planner) facts() {
	for _, c := range p.copies {
		f := TableFact{Document: c.document, Target: c.target, Rows: c.from.rows}
		if f.Value = c.to.engine; !strings.EqualFold(f.Value, "InnoDB") {
			p.Engines = append(p.Engines, f)
		}
		if f.Value = strings.ToUpper(c.to.rowFormat); f.Value == "REDUNDANT" || f.Value == "COMPACT" {
			p.RowFormats = append(p.RowFormats, f)
		}
		if names := p.schemas[magento2].triggers[c.to.name]; len(names) > 0 {
			f.Value = strings.Join(names, ", ")
			p.Triggers = append(p.Triggers, f)
		}
	}
}
