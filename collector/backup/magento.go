package backup

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"magento_migration_exporter/collector/baseline"
	"magento_migration_exporter/collector/finding"
)

// Content is what a database in a backup says about the Magento whose tables have a certain prefix. Names are without
// the prefix.
type Content struct {
	System    finding.System // whose tables these are; empty when they are neither's
	Prefix    string
	Tables    []string // base tables, sorted
	Views     []string // sorted
	Triggers  int      // of the whole database
	RowsKnown bool     // false: only the names of the tables are known

	TriggersKnown bool             // false: there may be triggers that are not seen
	TableTriggers map[string]int   // how many triggers each table has, of those that have any
	FilledRows    map[string]int64 // rows of the tables of baseline.FilledTables that the backup holds

	Patches       []string // patch_list.patch_name
	Modules       []string // setup_module.module, or Magento 1's core_resource.code
	NamesCapped   bool     // there are more patches or modules than are listed
	AdminCreated  string   // the earliest admin_user.created, as text
	RootCreated   string   // created_at of the category with the smallest id, as text
	TimesUTC      bool     // the two times are in UTC; else in the dumped session's zone
	Orders        Range    // ids of sales_order, or Magento 1's sales_flat_order
	Customers     Range    // ids of customer_entity
	Products      Range    // ids of catalog_product_entity
	Entities      map[string]Entity
	MigrationLeft []string // migration_backup_*: an EAV step of the migration tool that died
	DeltaLog      []string // m2_cl_*: what the migration tool makes in a Magento 1

	where   map[string]string // by table, the condition that mysqldump was given for its rows
	nextKey map[string]int64  // by table, what is above all keys that it had when the backup was made
}

// Entity is what a backup holds of one entity: product, category, attribute, attribute_set, customer, customer_group,
// order, cms_page, cms_block, cart_rule, catalog_rule, review, url_rewrite or store. An entity whose table is not in
// the backup, or whose columns do not tell, is not in the map.
type Entity struct {
	Rows  int64
	New   int64    // rows that installing Magento 2 does not make
	Names []string // of some new ones, for people
}

// Installed reports whether the backup holds the rows that installing a Magento 2 makes: its patches or modules.
func (c Content) Installed() bool {
	return c.System == finding.Magento2 && (len(c.Patches) > 0 || len(c.Modules) > 0)
}

// LeftOut is a table of whose rows a backup holds none, or not those that it should.
type LeftOut struct {
	Table string // without prefix
	Rows  int64  // that the backup holds
	Today int64  // that the database holds
	Where string // the condition that mysqldump was given for them; "" where it was given none
}

// LeftOutText lists tables for people.
func LeftOutText(left []LeftOut) string {
	var texts []string
	for _, l := range left {
		text := fmt.Sprintf("%s: %d of at least %s", l.Table, l.Rows, finding.Counted(int(l.Today), "row", "rows"))
		if l.Where != "" {
			text += " (made with --where=" + l.Where + ")"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// LeftOut compares the rows of the tables that installation fills with how many the database holds today, by table
// without prefix, where a count may end at any number from baseline.Filled's on. It returns the tables whose rows the
// backup leaves out: all of them, or so many that installation alone makes more. What the database does not hold either
// is not missed.
func (c Content) LeftOut(today map[string]int64) []LeftOut {
	if !c.RowsKnown {
		return nil
	}
	var out []LeftOut
	for _, f := range baseline.FilledTables() {
		rows, want, where := c.FilledRows[f.Table], min(f.Rows, today[f.Table]), c.where[f.Table]
		// A module that was left out takes its rows along, so only half of what installation makes is insisted on.
		if 2*rows < want || where != "" && rows < want {
			out = append(out, LeftOut{f.Table, rows, today[f.Table], where})
		}
	}
	return out
}

// LeftOutOfCode compares the tables to which only code adds rows with how many the database holds today, where a count
// may end at baseline.Filled.Limit. It returns those of which the database holds more, where no code has run since the
// backup: all patches and modules of today are in it.
func (c Content) LeftOutOfCode(today map[string]int64, patches, modules []string) []LeftOut {
	since := func(has, want []string) bool {
		return slices.ContainsFunc(want, func(name string) bool { return !slices.Contains(has, name) })
	}
	if !c.RowsKnown || c.NamesCapped || len(patches) == 0 || since(c.Patches, patches) || since(c.Modules, modules) {
		return nil
	}
	var out []LeftOut
	for _, f := range baseline.FilledTables() {
		if rows := c.FilledRows[f.Table]; f.Code && rows < today[f.Table] {
			out = append(out, LeftOut{f.Table, rows, today[f.Table], c.where[f.Table]})
		}
	}
	return out
}

// Keys says what a backup shows about the keys of a table.
type Keys struct {
	Table string // without prefix
	Key   string // the column
	Below int64  // every row with a key below this was there when the backup was made, or is gone
	Rows  int64  // that the backup holds, all with keys below
}

// FilledKeys returns the keys of those tables that installation fills and whose counter the backup shows. When the
// database holds more rows with a key below than the backup holds, then the backup leaves rows out.
func (c Content) FilledKeys() []Keys {
	if !c.RowsKnown {
		return nil
	}
	var keys []Keys
	for _, f := range baseline.FilledTables() {
		below := c.nextKey[cmp.Or(f.Counter, f.Table)]
		if f.Key != "" && below > 0 {
			keys = append(keys, Keys{f.Table, f.Key, below, c.FilledRows[f.Table]})
		}
	}
	return keys
}

// TriggerGap is a table of whose triggers a backup lacks some.
type TriggerGap struct {
	Table string // without prefix
	Has   int    // triggers that the backup holds
	Today int    // triggers that the database holds
}

// TriggerGaps compares the triggers of each table with how many the database holds today, by table without prefix, and
// returns, sorted, the tables of which the backup holds fewer.
func (c Content) TriggerGaps(today map[string]int) []TriggerGap {
	if !c.TriggersKnown {
		return nil
	}
	var gaps []TriggerGap
	for _, table := range slices.Sorted(maps.Keys(today)) {
		if has := c.TableTriggers[table]; has < today[table] {
			gaps = append(gaps, TriggerGap{table, has, today[table]})
		}
	}
	return gaps
}

// Missing returns those of the given tables (without prefix) that the backup does not hold, sorted, leaving out the
// ones that Generated names.
func (c Content) Missing(tables []string) []string {
	var missing []string
	for _, t := range tables {
		if !Generated(t) && !has(c.Tables, t) && !has(c.Views, t) {
			missing = append(missing, t)
		}
	}
	slices.Sort(missing)
	return missing
}

func has(sorted []string, name string) bool {
	_, found := slices.BinarySearch(sorted, name)
	return found
}

var generatedTable = regexp.MustCompile(
	`^(sequence_.*|.*_cl|.*_tmp|.*_replica|inventory_stock_\d+|catalog_product_index_.*_store\d+|` +
		`catalog_category_product_index_store\d+|catalog_(product|category)_flat_.*\d+|` +
		`catalogsearch_fulltext_scope\d+|` +
		`search_tmp_.*|customer_dummy_cl)$`,
)

// Generated reports whether Magento 2 makes and drops a table (without prefix) by itself while it runs, so that a
// backup without it restores all the same.
func Generated(table string) bool { return generatedTable.MatchString(table) }

// systemOf says which Magento has its tables, which are sorted, under a prefix. Magento 1's register of modules is one
// that no Magento 2 ever had, so it also identifies a part of a Magento 1; a Magento 2 needs more to be one.
func systemOf(tables []string, prefix string) finding.System {
	all := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { return !has(tables, prefix+n) })
	}
	switch {
	case all("store", "sales_order", "eav_attribute") && (all("setup_module") || all("patch_list")):
		return finding.Magento2
	case all("core_resource"):
		return finding.Magento1
	}
	return ""
}

// Prefixes returns the table prefixes under which a Magento is found, sorted.
func (d Database) Prefixes() []string {
	tables := d.Tables.List()
	found := map[string]bool{}
	for _, name := range tables {
		for _, mark := range []string{"setup_module", "patch_list", "core_resource"} {
			if prefix, ok := strings.CutSuffix(name, mark); ok && systemOf(tables, prefix) != "" {
				found[prefix] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Content reads the database as that of the Magento with this table prefix. Its System is "" where no Magento
// has it.
func (d Database) Content(prefix string) Content {
	tables := d.Tables.List()
	c := Content{
		System: systemOf(tables, prefix), Prefix: prefix, RowsKnown: d.RowsKnown,
		Tables: withoutPrefix(tables, prefix), Views: withoutPrefix(d.Views.List(), prefix),
		Triggers: d.Triggers, TriggersKnown: d.TriggersKnown, TableTriggers: map[string]int{},
	}
	for _, t := range tableCounts(d.triggered, prefix) {
		c.TableTriggers[t.table] = int(t.count)
	}
	for _, name := range c.Tables {
		if strings.HasPrefix(name, "migration_backup_") {
			c.MigrationLeft = append(c.MigrationLeft, name)
		}
		if strings.HasPrefix(name, "m2_cl_") {
			c.DeltaLog = append(c.DeltaLog, name)
		}
	}
	if c.RowsKnown {
		d.readRows(&c)
	}
	return c
}

// withoutPrefix returns those names that have the prefix, without it.
func withoutPrefix(names []string, prefix string) []string {
	var out []string
	for _, name := range names {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			out = append(out, rest)
		}
	}
	return out
}

// readRows fills in what the rows tell.
func (d Database) readRows(c *Content) {
	get := func(name string) Rows { return d.rows[c.Prefix+name] }
	modules, orders := get("setup_module"), get("sales_order")
	if c.System == finding.Magento1 {
		modules, orders = get("core_resource"), get("sales_flat_order")
	}
	patches, admin, categories := get("patch_list"), get("admin_user"), get("catalog_category_entity")
	c.Patches, c.Modules, c.NamesCapped = patches.Names.List(), modules.Names.List(), patches.Capped || modules.Capped
	c.AdminCreated, c.RootCreated = admin.Earliest, categories.First
	c.TimesUTC = (admin.Earliest == "" || admin.UTC) && (categories.Earliest == "" || categories.UTC)
	c.Orders, c.Customers, c.Products = orders.IDs, get("customer_entity").IDs, get("catalog_product_entity").IDs

	c.FilledRows, c.where, c.nextKey = map[string]int64{}, map[string]string{}, map[string]int64{}
	for _, t := range tableCounts(d.filled, c.Prefix) {
		c.FilledRows[t.table], c.where[t.table], c.nextKey[t.table] = t.count, t.where, t.nextKey
	}
	c.Entities = map[string]Entity{}
	for _, e := range baseline.Entities() {
		if rows, ok := d.rows[c.Prefix+e.Table]; ok && (rows.NewKnown || rows.Count == 0) {
			c.Entities[e.Name] = Entity{Rows: rows.Count, New: rows.New, Names: rows.Names.List()}
		}
	}
}
