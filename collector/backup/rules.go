package backup

import (
	"slices"
	"strings"
	"sync"

	"magento_migration_exporter/collector/baseline"
)

// rowRule says what is kept of the rows of one of Magento's tables.
type rowRule struct {
	table  string           // without prefix
	id     string           // the numeric key
	label  string           // what all rows are called, up to maxLabels of them; nothing personal
	when   string           // a time
	entity *baseline.Entity // set where people make such rows too: the new ones are counted
	filled bool             // installation fills the table
	key    string           // of a table that installation fills: a numeric key that is counted up
	unique bool             // id is its primary key in every table of such a name
}

// looks reports whether more is kept of the rows than their number.
func (r *rowRule) looks() bool {
	return r != nil && (r.id != "" || r.label != "" || r.entity != nil || r.table == baseline.EntityTypeTable)
}

const (
	maxLabels = 5000 // labels of all rows of a table that are kept
	examples  = 20   // names of new rows that are kept
)

// marks are the columns that show which Magento a database belongs to and how far its migration is.
var marks = []rowRule{
	{table: "patch_list", id: "patch_id", label: "patch_name", unique: true},
	{table: "setup_module", label: "module"},
	{table: "core_resource", label: "code"},
	{table: "admin_user", id: "user_id", when: "created"},
	{table: baseline.EntityTypeTable},
	{table: "sales_flat_order", id: "entity_id"},
	{table: "catalog_category_entity", id: "entity_id", when: "created_at", unique: true},
	{table: "catalog_product_entity", id: "entity_id"},
	{table: "customer_entity", id: "entity_id"},
	{table: "sales_order", id: "entity_id"},
}

// rowRules returns the rules of all tables of whose rows something is kept.
var rowRules = sync.OnceValue(func() []rowRule {
	rules := slices.Clone(marks)
	of := func(table string) *rowRule {
		i := slices.IndexFunc(rules, func(r rowRule) bool { return r.table == table })
		if i < 0 {
			i, rules = len(rules), append(rules, rowRule{table: table})
		}
		return &rules[i]
	}
	for _, e := range baseline.Entities() {
		of(e.Table).entity = &e
	}
	for _, f := range baseline.FilledTables() {
		r := of(f.Table)
		r.filled, r.key = true, f.Key
	}
	return rules
})

// ruleFor returns the rule of the longest table name that the name ends in: a prefix is bare text, so it may be
// anything before it.
func ruleFor(table string) *rowRule {
	var found *rowRule
	rules := rowRules()
	for i := range rules {
		r := &rules[i]
		if strings.HasSuffix(table, r.table) && (found == nil || len(r.table) > len(found.table)) {
			found = r
		}
	}
	return found
}
