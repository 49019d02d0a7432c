package backup

import (
	"slices"
	"strings"
)

// rowRule says what is kept of the rows of one of Magento's tables, and which
// of them installing Magento 2 does not make.
type rowRule struct {
	table    string
	entity   string // the entity whose rows these are, "" for none
	id       string // the numeric key
	label    string // what a row is called; nothing personal
	when     string // a time
	other    string // one more column that isNew needs
	keep     int    // how many labels are kept
	allNames bool   // labels of all rows are kept, not only of new ones
	isNew    func(id int64, label, other string) bool
}

// examples is how many names of new rows are kept.
const examples = 20

// rowRules are the tables that tell what a Magento is and what is in it. The
// baselines are what installation leaves in 2.2.7, 2.3.5-p1, 2.4.6-p3, 2.4.7-p3
// and 2.4.8 (databases looked at in 2026), and what Commerce's installer adds.
var rowRules = []rowRule{
	{table: "patch_list", id: "patch_id", label: "patch_name", keep: 5000, allNames: true},
	{table: "setup_module", label: "module", keep: 5000, allNames: true},
	{table: "core_resource", label: "code", keep: 5000, allNames: true},
	{table: "admin_user", id: "user_id", when: "created"},
	{table: "eav_entity_type", label: "default_attribute_set_id", keep: 1000, allNames: true},
	{table: "sales_flat_order", id: "entity_id"},

	{table: "catalog_product_entity", entity: "product", id: "entity_id", label: "sku", keep: examples, isNew: anyRow},
	{table: "catalog_category_entity", entity: "category", id: "entity_id", when: "created_at", isNew: idAbove(2)},
	{table: "eav_attribute", entity: "attribute", id: "attribute_id", label: "attribute_code", other: "is_user_defined", keep: examples,
		isNew: func(_ int64, code, userDefined string) bool {
			return userDefined == "1" && !slices.Contains([]string{"color", "cost", "manufacturer"}, code)
		}},
	// Which sets are new is told by eav_entity_type's defaults: see Content.
	{table: "eav_attribute_set", entity: "attribute_set", label: "attribute_set_id", keep: 5000, allNames: true},
	{table: "customer_entity", entity: "customer", id: "entity_id", isNew: anyRow},
	{table: "customer_group", entity: "customer_group", id: "customer_group_id", label: "customer_group_code", keep: examples, isNew: idAbove(3)},
	{table: "sales_order", entity: "order", id: "entity_id", isNew: anyRow},
	{table: "cms_page", entity: "cms_page", id: "page_id", label: "identifier", keep: examples,
		isNew: func(_ int64, identifier, _ string) bool { return !slices.Contains(installedPages, identifier) }},
	{table: "cms_block", entity: "cms_block", id: "block_id", label: "identifier", keep: examples, isNew: anyRow},
	{table: "salesrule", entity: "cart_rule", id: "rule_id", label: "name", keep: examples, isNew: anyRow},
	{table: "catalogrule", entity: "catalog_rule", id: "rule_id", label: "name", keep: examples, isNew: anyRow},
	{table: "review", entity: "review", id: "review_id", isNew: anyRow},
	{table: "url_rewrite", entity: "url_rewrite", id: "url_rewrite_id", label: "request_path", other: "entity_type", keep: examples,
		isNew: func(_ int64, _, entityType string) bool { return entityType != "cms-page" }},
	{table: "store", entity: "store", id: "store_id", label: "code", keep: 1000, isNew: idAbove(1)},
}

// installedPages are the CMS pages of an installation, Commerce's and B2B's too.
var installedPages = []string{
	"no-route", "home", "enable-cookies", "privacy-policy-cookie-restriction-mode",
	"service-unavailable", "private-sales", "reward-points", "access-denied-page",
}

func anyRow(int64, string, string) bool { return true }

func idAbove(last int64) func(int64, string, string) bool {
	return func(id int64, _, _ string) bool { return id > last }
}

// ruleFor returns the rule of the longest table name that the name ends in:
// a prefix is bare text, so it may be anything before it.
func ruleFor(table string) *rowRule {
	var found *rowRule
	for i := range rowRules {
		r := &rowRules[i]
		if strings.HasSuffix(table, r.table) && (found == nil || len(r.table) > len(found.table)) {
			found = r
		}
	}
	return found
}

// judge tells whether a row is new, and whether the columns to tell it are there.
func (r *rowRule) judge(id int64, hasID bool, label, other *field) (isNew, known bool) {
	missing := r.isNew == nil || r.id != "" && !hasID || r.label != "" && label == nil || r.other != "" && other == nil
	if missing {
		return false, false
	}
	return r.isNew(id, label.value(), other.value()), true
}
