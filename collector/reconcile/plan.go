package reconcile

import (
	"context"
	_ "embed" // the query for columns
	"fmt"
	"slices"
	"strconv"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/config/toolmap"
)

// Side is one of the two databases.
type Side struct {
	Session *database.Session
	Prefix  string
}

// The indexes of the two sides.
const (
	magento1 = iota
	magento2
)

// Maps are the map files by their option in config.xml. Nil means that they cannot be read: then the tables of Magento
// 2 are those of the table of entities.
type Maps map[string]*toolmap.Map

// Skipped is something that is not compared.
type Skipped struct {
	// Document and Many are the pair's, Level is what a difference would mean.
	Document, Many string
	Level          Level
	// What is a table, or table.column.
	What string
	// Why completes "is not compared: ".
	Why string
}

// Plan is what can be compared.
type Plan struct {
	kept   []kept
	prefix [2]string
	// comparisons are those that a round works with, nil between two rounds.
	comparisons []*comparison
	// Traces are what was seen of the last steps.
	Traces Traces
	// has are the tables of the last steps that each side has.
	has [2]map[string]bool
	// Skipped are whole pairs, Columns are columns of pairs that are compared.
	Skipped, Columns []Skipped
}

// comparison is a pair of tables as both databases have them, and what is known of it.
type comparison struct {
	*definition
	*values
	prefix [2]string
	// estimate is how many rows Magento 1's server thinks that the table has, at most window.
	estimate int
	state
}

// table returns the whole name of the table on a side.
func (c *comparison) table(side int) string { return c.prefix[c.on[side]] + c.tables[side] }

// names returns the whole names of both tables.
func (c *comparison) names() [2]string { return [2]string{c.table(0), c.table(1)} }

// join returns the further tables of a side that have flat values.
func (c *comparison) join(side int) string {
	if side != magento1 || c.on[side] != magento1 {
		return ""
	}
	var joins strings.Builder
	for _, f := range c.flats {
		fmt.Fprintf(&joins, " LEFT JOIN %s %s ON %[2]s.entity_id = t.%[3]s AND %[2]s.attribute_id = %[4]d",
			database.Quote(c.prefix[magento1]+f.document), f.alias(), database.Quote(c.Key), f.id)
	}
	return joins.String()
}

var (
	//go:embed sql/columns.sql
	columnsQuery string
	//go:embed sql/lacking.sql
	lackingQuery string
)

// schema is the columns of tables, by the table's name without the prefix.
type schema map[string]map[string]columnType

func readSchema(ctx context.Context, side Side, tables []string) (schema, error) {
	found := schema{}
	var names []any
	for _, t := range tables {
		names = append(names, side.Prefix+t)
	}
	query := fmt.Sprintf(columnsQuery, database.Parameters(len(names)))
	err := side.Session.Rows(ctx, query, names, func(scan func(...any) error) error {
		var table, name string
		var c columnType
		if err := scan(&table, &name, &c.kind, &c.scale, &c.length, &c.nullable); err != nil {
			return err
		}
		table = strings.TrimPrefix(table, side.Prefix)
		if found[table] == nil {
			found[table] = map[string]columnType{}
		}
		found[table][strings.ToLower(name)] = c
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the columns that are compared: %w", err)
	}
	return found, nil
}

// readTables returns about how many rows tables have, by the table's name without the prefix, as far as they are there.
// A view has no number: it counts as a table that fills the window.
func readTables(ctx context.Context, side Side, tables []string) (map[string]int, error) {
	var names []any
	for _, t := range tables {
		names = append(names, side.Prefix+t)
	}
	found := map[string]int{}
	query := fmt.Sprintf("SELECT TABLE_NAME, COALESCE(TABLE_ROWS, %d) FROM information_schema.TABLES "+
		"WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (%s) LIMIT 1000", window, database.Parameters(len(names)))
	err := side.Session.Rows(ctx, query, names, func(scan func(...any) error) error {
		var table string
		var rows int
		err := scan(&table, &rows)
		found[strings.TrimPrefix(table, side.Prefix)] = rows
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the tables that are compared: %w", err)
	}
	return found, nil
}

// planner makes a plan.
type planner struct {
	*Plan
	shared  *Definitions
	sides   [2]Side
	maps    Maps
	schemas [2]schema
	// tables are how many rows the servers think that each side's tables have.
	tables [2]map[string]int
	// codes are the attributes by the entity type and the code.
	codes [2]map[string]attribute
	// lacking are the attribute sets that lack an attribute of products, by its code.
	lacking [2]map[string][]int64
}

// attribute is a row of eav_attribute.
type attribute struct {
	id int64
	// backend names the table of its values, own is true when the shop has made it.
	backend string
	own     bool
	// many is true of one with several values, which the tool moves to another table.
	many bool
}

// NewPlan reads both schemas and finds out what can be compared.
func NewPlan(ctx context.Context, sides [2]Side, maps Maps, shared *Definitions) (*Plan, error) {
	prefix := [2]string{sides[0].Prefix, sides[1].Prefix}
	p := &planner{Plan: &Plan{prefix: prefix}, shared: shared, sides: sides, maps: maps}
	pairs := Pairs()
	var tables [2][]string
	for _, pair := range pairs {
		table2, _ := p.magento2Table(pair)
		if pair.Level == Grid {
			tables[magento2] = append(tables[magento2], pair.Document, table2)
			continue
		}
		tables[magento1] = append(tables[magento1], pair.Document)
		tables[magento2] = append(tables[magento2], table2)
	}
	for side := range sides {
		if err := p.read(ctx, side, pairs, tables[side]); err != nil {
			return nil, &database.SideError{Side: side, Err: err}
		}
	}
	for _, pair := range pairs {
		p.add(pair)
	}
	return p.Plan, nil
}

// read reads what a side has, in four statements.
func (p *planner) read(ctx context.Context, side int, pairs []Pair, tables []string) (err error) {
	if p.schemas[side], err = readSchema(ctx, p.sides[side], tables); err != nil {
		return err
	}
	if p.codes[side], err = readAttributes(ctx, p.sides[side], pairs); err != nil {
		return err
	}
	if p.lacking[side], err = readLacking(ctx, p.sides[side], pairs); err != nil {
		return err
	}
	traced := traceTables()[side]
	if p.tables[side], err = readTables(ctx, p.sides[side], slices.Concat(traced, tables)); err != nil {
		return err
	}
	p.has[side] = map[string]bool{}
	for _, table := range traced {
		_, p.has[side][table] = p.tables[side][table]
	}
	return nil
}

// magento2Table returns the table of Magento 2, false when the map file leaves the document out.
func (p *planner) magento2Table(pair Pair) (string, bool) {
	m := p.maps[pair.Option]
	if m == nil || pair.Level == Grid {
		return pair.Table, true
	}
	return m.DocumentMap(pair.Document, toolmap.Source)
}

func (p *planner) skip(pair Pair, what, why string) {
	p.Skipped = append(p.Skipped, Skipped{pair.Document, pair.Many, pair.Level, what, why})
}

// Reasons why a table is not compared.
const (
	// Unmapped is the reason of a document that the map file leaves out.
	Unmapped = "the map file leaves it out"
	// Nowhere is the reason of a table that neither system has.
	Nowhere = "neither system has it"
	// Unused is the reason of a table of values of which this shop has nothing to compare.
	Unused = "the shop has no attributes of its own there"
)

// add plans one pair.
func (p *planner) add(pair Pair) {
	table2, mapped := p.magento2Table(pair)
	if !mapped {
		p.skip(pair, pair.Document, Unmapped)
		return
	}
	c := &comparison{
		definition: &definition{Pair: pair, on: [2]int{magento1, magento2}}, values: &values{}, prefix: p.prefix,
		estimate: window,
	}
	if rows, known := p.tables[magento1][pair.Document]; known {
		c.estimate = min(rows, window)
	}
	if pair.Level == Grid {
		c.on[0] = magento2
	}
	tables := [2]string{pair.Document, table2}
	var columns [2]map[string]columnType
	for i, table := range tables {
		c.tables[i] = strings.Clone(table) // it is a part of the map file
		columns[i] = p.schemas[c.on[i]][table]
	}
	switch {
	case columns[0] == nil && columns[1] == nil:
		p.skip(pair, pair.Document, Nowhere)
		return
	case columns[0] == nil:
		p.skip(pair, pair.Document, system(c.on[0])+" has no table "+c.table(0))
		return
	case columns[1] == nil:
		p.skip(pair, pair.Document, system(c.on[1])+" has no table "+c.table(1))
		return
	}
	if why := p.fill(c, columns); why != "" {
		p.skip(pair, pair.Document, why)
		return
	}
	k := kept{definition: p.shared.share(c.definition), expectation: int32(c.estimate)}
	if len(c.codes) > 0 {
		k.values = c.values
	}
	p.kept = append(p.kept, k)
}

// system is a side's name for people.
func system(side int) string {
	if side == magento1 {
		return "Magento 1"
	}
	return "Magento 2"
}

// notCompared is a part of the comparison's document that is not compared.
func (c *comparison) notCompared(what, why string) Skipped {
	return Skipped{c.Document, c.Many, c.Level, c.Document + what, why}
}

// fill finds the columns of a comparison; it returns why there is none.
func (p *planner) fill(c *comparison, columns [2]map[string]columnType) string {
	if why := p.key(c, columns); why != "" {
		return why
	}
	for _, name := range c.Columns {
		col, why := p.column(c, name, columns, false)
		if why != "" {
			p.Columns = append(p.Columns, c.notCompared("."+name, why))
			continue
		}
		c.columns = append(c.columns, col)
		if name == c.Sum {
			c.sums = col.names
		}
		if name == c.Shown {
			c.shown = col.names
		}
	}
	p.flat(c, columns)
	return p.attributes(c)
}

// key finds the key of a comparison; it returns why there is none.
func (p *planner) key(c *comparison, columns [2]map[string]columnType) string {
	if len(c.Hashed) == 0 {
		key, why := p.column(c, c.Key, columns, true)
		if why == "" && key.kind != whole {
			why = "its key " + c.Key + " is no number"
		}
		c.keys = key.names
		return why
	}
	var names [2][]string
	for _, name := range c.Hashed {
		col, why := p.column(c, name, columns, true)
		if why != "" {
			return why
		}
		for side := range names {
			names[side] = append(names[side], col.names[side])
		}
		if name == c.Shown {
			c.shown = col.names
		}
	}
	for side := range names {
		c.keys[side] = hash(names[side])
	}
	return ""
}

// flat adds values of Magento 1 that are columns in Magento 2. An attribute that a system lacks is none of this shop.
func (p *planner) flat(c *comparison, columns [2]map[string]columnType) {
	for _, code := range c.Flat {
		a, in1 := p.codes[magento1][entityType(c.Document)+" "+code]
		t2, in2 := columns[magento2][code]
		if !in1 || !in2 || !slices.Contains(backends(), a.backend) {
			continue
		}
		value := flatValue{document: c.Document + "_" + a.backend, id: a.id}
		col := newColumn([2]string{code, code}, columnType{kind: a.backend, nullable: true}, t2)
		col.value1 = value.alias() + ".value"
		c.columns, c.flats = append(c.columns, col), append(c.flats, value)
	}
}

// backends are the types of values for which there is a table.
func backends() []string { return []string{"varchar", "int", "text", "decimal", "datetime"} }

// attributes finds the attributes whose values are compared.
func (p *planner) attributes(c *comparison) string {
	codes := slices.Clone(c.Attributes)
	if c.Own {
		for _, code := range p.own(c) {
			if !slices.Contains(codes, code) {
				codes = append(codes, code)
			}
		}
		if len(codes) == 0 {
			return Unused
		}
	}
	for _, code := range codes {
		a1, in1 := p.codes[magento1][entityType(c.Document)+" "+code]
		a2, in2 := p.codes[magento2][entityType(c.Document)+" "+code]
		if !in1 || !in2 {
			p.Columns = append(p.Columns, c.notCompared(", attribute "+code,
				"one of the systems has no such attribute"))
			continue
		}
		leftover, same := p.leftover(c.Document, code)
		if !same {
			p.Columns = append(p.Columns, c.notCompared(", attribute "+code,
				"it is in other attribute sets in Magento 2, and the tool removes its values from the others"))
			continue
		}
		c.leftover = append(c.leftover, leftover)
		c.codes = append(c.codes, code)
		c.attributes[0], c.attributes[1] = append(c.attributes[0], a1.id), append(c.attributes[1], a2.id)
	}
	if len(codes) > 0 && len(c.codes) == 0 {
		return "none of its attributes is in both systems"
	}
	return ""
}

// own returns the codes of the attributes that the shop has made itself and whose values are in a table of both
// systems.
func (p *planner) own(c *comparison) []string {
	document := c.Document
	var codes []string
	for name, a := range p.codes[magento1] {
		kind, code, _ := strings.Cut(name, " ")
		b := p.codes[magento2][name]
		if a.own && kind == entityType(document) && a.backend == b.backend &&
			strings.HasSuffix(document, "_entity_"+a.backend) && (!a.many || kind != products) {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	if len(codes) > maxOwn {
		p.Columns = append(p.Columns, c.notCompared(" of more than "+strconv.Itoa(maxOwn)+" attributes of the shop",
			"from "+codes[maxOwn]+" on"))
		codes = codes[:maxOwn]
	}
	return codes
}

// products is the code of the entity type of products.
const products = "catalog_product"

// leftover reports whether an attribute set lacks an attribute, and whether the same ones do in both systems. The last
// step of migrate:data removes from Magento 2 what products of such a set have of it, and the delta brings it back.
func (p *planner) leftover(document, code string) (some, same bool) {
	if entityType(document) != products {
		return false, true
	}
	lists := [2][]int64{}
	for side := range lists {
		for _, set := range p.lacking[side][code] {
			if slices.Contains(p.lacking[1-side][everySet], set) {
				lists[side] = append(lists[side], set)
			}
		}
	}
	return len(p.lacking[magento1][code]) > 0, slices.Equal(lists[0], lists[1])
}

// everySet stands for the code of an attribute in the list of all attribute sets.
const everySet = ""

// readLacking returns the attribute sets that lack an attribute of products, by its code, and all of them.
func readLacking(ctx context.Context, side Side, pairs []Pair) (map[string][]int64, error) {
	codes := map[string]bool{}
	var args []any
	for _, p := range pairs {
		for _, code := range p.Attributes {
			if entityType(p.Document) == products && !codes[code] {
				codes[code] = true
				args = append(args, code)
			}
		}
	}
	query := fmt.Sprintf(lackingQuery, database.Quote(side.Prefix+"eav_attribute_set"),
		database.Quote(side.Prefix+"eav_entity_type"), database.Quote(side.Prefix+"eav_attribute"),
		database.Quote(side.Prefix+"eav_entity_attribute"), database.Parameters(len(args)))
	found := map[string][]int64{}
	err := side.Session.Rows(ctx, query, args, func(scan func(...any) error) error {
		var code string
		var set int64
		err := scan(&code, &set)
		found[code] = append(found[code], set)
		return err
	})
	if database.Number(err) == database.ErrNoSuchTable {
		return found, nil // then no value was removed for a set either
	}
	if err != nil {
		return nil, fmt.Errorf("looking for attribute sets that lack an attribute: %w", err)
	}
	return found, nil
}

// maxOwn is how many attributes of a shop's own are compared in one table.
const maxOwn = 50

// column finds a column on both sides. It returns why it is not compared.
func (p *planner) column(c *comparison, name string, columns [2]map[string]columnType, key bool) (column, string) {
	m := p.maps[c.Option]
	other, markers, converted := name, false, ""
	if m != nil && c.Level != Grid {
		field, mapped, err := m.FieldMap(c.Document, name, toolmap.Source)
		if err != nil {
			return column{}, "the map file contradicts itself: " + err.Error()
		}
		if !mapped {
			return column{}, Unmapped
		}
		other = field
		table2, _ := m.DocumentMap(c.Document, toolmap.Source)
		rules := append(slices.Clone(m.Transforms(c.Document, name, toolmap.Source)),
			m.Transforms(table2, other, toolmap.Destination)...)
		if len(rules) == 1 && rules[0].Class == `Migration\Handler\Placeholder` {
			markers, rules = true, nil
		}
		if converts(rules) {
			converted, rules = rules[0].Params["map"], nil
		}
		if class := changes(rules, c.Attributes); class != "" && !key {
			return column{}, "the map file gives it another value with " + class
		}
	}
	t1, in1 := columns[0][strings.ToLower(name)]
	t2, in2 := columns[1][strings.ToLower(other)]
	switch {
	case !in1:
		return column{}, system(c.on[0]) + " has no such column"
	case !in2:
		return column{}, system(c.on[1]) + " has no such column"
	}
	col := newColumn([2]string{name, other}, t1, t2)
	col.markers = markers
	if col.converted = converted; converted != "" && col.kind != text {
		return column{}, "the map file gives it other values"
	}
	if markers && col.kind != long {
		return column{}, "the map file rewrites it"
	}
	return col, ""
}

// converts reports whether the only rule replaces some values by others, and keeps the rest.
func converts(rules []toolmap.Transform) bool {
	if len(rules) != 1 || rules[0].Class != `Migration\Handler\Convert` {
		return false
	}
	_, hasDefault := rules[0].Params["defaultValue"]
	return !hasDefault && strings.Count(rules[0].Params["map"], ":") > 0
}

// changes returns the class of a rule that gives a value another text. A rule that names attributes changes only
// theirs, and the tool's rule for multiselect attributes none of those that are compared.
func changes(rules []toolmap.Transform, attributes []string) string {
	for _, r := range rules {
		if len(attributes) > 0 {
			named := r.Params["attributeCode"] + "," + strings.Trim(r.Params["attributeCodes"], "[]")
			touches := slices.ContainsFunc(strings.Split(named, ","), func(code string) bool {
				return slices.Contains(attributes, strings.TrimSpace(code))
			})
			if named != "," && !touches || r.Class == `Migration\Handler\CleanMultiselect` {
				continue
			}
		}
		return r.Class
	}
	return ""
}

// entityType returns the code of the entity type that a table of values belongs to: catalog_product of
// catalog_product_entity_int.
func entityType(document string) string {
	code, _, _ := strings.Cut(document, "_entity")
	return code
}

// readAttributes returns the attributes that are compared.
func readAttributes(ctx context.Context, side Side, pairs []Pair) (map[string]attribute, error) {
	found := map[string]attribute{}
	codes := map[string]bool{}
	var args []any
	for _, p := range pairs {
		for _, code := range slices.Concat(p.Attributes, p.Flat) {
			if !codes[code] {
				codes[code] = true
				args = append(args, code)
			}
		}
	}
	query := fmt.Sprintf("SELECT t.entity_type_code, a.attribute_code, a.attribute_id, COALESCE(a.backend_type, ''), "+
		"COALESCE(a.is_user_defined, 0), COALESCE(a.frontend_input = 'multiselect', 0) FROM %s a "+
		"JOIN %s t ON t.entity_type_id = a.entity_type_id WHERE a.attribute_code IN (%s) "+
		"OR a.is_user_defined = 1 AND t.entity_type_code IN ('customer', "+
		"'customer_address', '"+products+"') LIMIT 20000",
		database.Quote(side.Prefix+"eav_attribute"), database.Quote(side.Prefix+"eav_entity_type"),
		database.Parameters(len(args)))
	err := side.Session.Rows(ctx, query, args, func(scan func(...any) error) error {
		var kind, code string
		var a attribute
		err := scan(&kind, &code, &a.id, &a.backend, &a.own, &a.many)
		found[kind+" "+code] = a
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the ids of attributes: %w", err)
	}
	return found, nil
}

// Continue takes over what an earlier plan has learnt of the pairs that are compared in the same way.
func (p *Plan) Continue(earlier *Plan) {
	if earlier == nil {
		return
	}
	p.Traces = earlier.Traces
	for i := range p.kept {
		k := &p.kept[i]
		for _, old := range earlier.kept {
			if k.definition == old.definition && k.values.equals(old.values) && p.prefix == earlier.prefix {
				definition, values, expectation := k.definition, k.values, k.expectation
				*k = old
				k.definition, k.values, k.expectation = definition, values, expectation
			}
		}
	}
}

// open makes what a round works with, close keeps what it has learnt.
func (p *Plan) open() {
	for i := range p.kept {
		p.comparisons = append(p.comparisons, p.kept[i].open(p.prefix))
	}
}

func (p *Plan) close() {
	for i, c := range p.comparisons {
		p.kept[i].keep(c)
	}
	p.comparisons = nil
}

// MapOptions returns the options of config.xml whose map files a plan uses.
func MapOptions() []string {
	var options []string
	for _, p := range Pairs() {
		if p.Level != Grid && !slices.Contains(options, p.Option) {
			options = append(options, p.Option)
		}
	}
	return options
}
