package precondition_test

import (
	"strings"
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// TestM2EntitiesEach makes one row of each entity, sees it, and deletes it again.
func TestM2EntitiesEach(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shoptest.Shop) { s.Prefix2 = "m2_" })
	s.Want("m2_entities", finding.Pass)
	for _, tc := range []struct{ entity, table, insert, remove string }{
		{"product", "catalog_product_entity", "(attribute_set_id, sku) VALUES (4, 'new')", "sku = 'new'"},
		{
			"category", "catalog_category_entity",
			"(attribute_set_id, parent_id, path, position, level, children_count) VALUES (3, 2, '1/2/3', 1, 2, 0)",
			"level = 2",
		},
		{
			"attribute", "eav_attribute", "(entity_type_id, attribute_code, is_user_defined) VALUES (4, 'erp_id', 1)",
			"attribute_code = 'erp_id'",
		},
		{
			"attribute_set", "eav_attribute_set", "(entity_type_id, attribute_set_name) VALUES (4, 'Shoes')",
			"attribute_set_name = 'Shoes'",
		},
		{"customer", "customer_entity", "(email) VALUES ('new@example.com')", "email = 'new@example.com'"},
		{
			"customer_group", "customer_group", "(customer_group_code, tax_class_id) VALUES ('VIP', 3)",
			"customer_group_code = 'VIP'",
		},
		{"order", "sales_order", "(increment_id) VALUES ('900000001')", "increment_id = '900000001'"},
		{"cms_page", "cms_page", "(title, identifier) VALUES ('New', 'new')", "identifier = 'new'"},
		{"cms_block", "cms_block", "(title, identifier) VALUES ('New', 'new')", "identifier = 'new'"},
		{"cart_rule", "salesrule", "(name) VALUES ('new')", "name = 'new'"},
		{"catalog_rule", "catalogrule", "(name) VALUES ('new')", "name = 'new'"},
		{"review", "review", "(entity_id, entity_pk_value) VALUES (1, 1)", "entity_pk_value = 1"},
		{
			"url_rewrite", "url_rewrite",
			"(entity_type, entity_id, request_path, target_path, store_id) VALUES ('product', 1, 'new', 'catalog/product/view/id/1', 1)",
			"entity_type = 'product'",
		},
		{"store", "store", "(code, website_id, group_id, name) VALUES ('brandnew', 1, 1, 'New')", "code = 'brandnew'"},
	} {
		s.On2("INSERT INTO m2_" + tc.table + " " + tc.insert)
		r := s.Want("m2_entities", finding.Warn)
		if len(r.Findings) != 1 || r.Findings[0].Subject != tc.entity {
			t.Errorf("%s: %+v", tc.entity, r.Findings)
		}
		s.WantValue(1, "m2_new_entities", tc.entity)
		s.On2("DELETE FROM m2_" + tc.table + " WHERE " + tc.remove)
		s.Want("m2_entities", finding.Pass)
		s.WantValue(0, "m2_new_entities", tc.entity)
	}
}

func TestM2EntitiesSeverity(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Configure("m2_entities", "{severity: fail}")
	s.On2("INSERT INTO cms_block (title, identifier) VALUES ('New', 'new')")
	s.WantFinding("m2_entities", finding.Fail, "1 new CMS block", "backup")
}

// TestM2EntitiesBaselines checks installations whose ids are not those of a plain one.
func TestM2EntitiesBaselines(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.On2("UPDATE eav_attribute_set SET attribute_set_id = attribute_set_id * 3 + 100 ORDER BY attribute_set_id DESC",
		"UPDATE eav_entity_type SET default_attribute_set_id = default_attribute_set_id * 3 + 100",
		"UPDATE catalog_category_entity SET entity_id = 4 WHERE entity_id = 2",
		"UPDATE url_rewrite SET url_rewrite_id = url_rewrite_id * 3 + 100 ORDER BY url_rewrite_id DESC",
		"INSERT INTO cms_page (title, identifier) VALUES ('Commerce', 'private-sales')")
	s.Want("m2_entities", finding.Pass)
	// migrate:settings brings Magento 1's stores.
	s.On1("INSERT INTO core_store (code, website_id, group_id, name) VALUES ('german', 1, 1, 'German')")
	s.On2("INSERT INTO store (code, website_id, group_id, name) VALUES ('german', 1, 1, 'German')")
	s.Want("m2_entities", finding.Pass)
}

func TestM2EntitiesCountStops(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	values := strings.TrimSuffix(strings.Repeat("(4, UUID()),", 5001), ",")
	s.On2("INSERT INTO catalog_product_entity (attribute_set_id, sku) VALUES "+values,
		"INSERT INTO catalog_product_entity (attribute_set_id, sku) VALUES "+values)
	s.WantFinding("m2_entities", finding.Warn, "more than 10000 new products")
	s.WantValue(10001, "m2_new_entities", "product")
	s.WantValue(10001, "m2_entity_count", "product")
}

func TestM2EntitiesByPhase(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = s.Server1 })
	if err := mysqltest.SimulateMigrateData(t.Context(), s.Server1, s.DB1, s.DB2, "", ""); err != nil {
		t.Fatal(err)
	}
	s.Want("m2_entities", finding.NotApplicable)
	if got := s.Board.Snapshot()[0].Phase; got != config.PhaseDelta {
		t.Fatalf("phase %q, want delta", got)
	}
	s.On2("INSERT INTO catalog_product_entity (attribute_set_id, sku) VALUES (4, 'new')")
	s.WantFinding("m2_entities", finding.Warn, "products that Magento 1 does not have", "migrate:delta overwrites")
	s.On2("DELETE FROM catalog_product_entity WHERE sku = 'new'",
		"INSERT INTO sales_order (increment_id) VALUES ('900000001')")
	s.WantFinding("m2_entities", finding.Fail, "orders that Magento 1 does not have", "migrate:delta overwrites")
	s.On2("DELETE FROM sales_order WHERE increment_id = '900000001'")
	s.Want("m2_entities", finding.NotApplicable)
	// Magento 1's last order was deleted: the next cycle deletes it in Magento 2 as well.
	s.On1("DELETE FROM sales_flat_order ORDER BY entity_id DESC LIMIT 1")
	s.Want("m2_entities", finding.NotApplicable)
	s.On1("DELETE FROM m2_cl_sales_flat_order")
	s.Want("m2_entities", finding.Fail)
}

func TestM2EntitiesNeedsThePhase(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Migration.Magento1 = config.System{}
	s.WantFinding("m2_entities", finding.Unknown, "whether data was migrated")
	s.WantValue(0, "m2_new_entities", "product")
	s.Migration.Phase = config.PhasePrepare
	s.Want("m2_entities", finding.Pass)
}

// TestM2EntitiesInDeltaWithoutMagento1 has a Magento 1 that does not answer: then whose rows they are is unknown.
func TestM2EntitiesInDeltaWithoutMagento1(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Migration.Phase = config.PhaseDelta
	s.Migration.Magento1.Database.Host = "no-such-host.invalid"
	s.WantFinding("m2_entities", finding.Unknown, "Magento 1's database cannot be read")
}

func TestM2EntitiesWithoutAModule(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.On2("DROP TABLE review")
	s.WantFinding("m2_entities", finding.Pass, "has no reviews")
	s.WantAbsent("m2_new_entities", "review")
	s.On2("RENAME TABLE catalog_product_entity TO away")
	s.WantFinding("m2_entities", finding.Unknown, "lacks a table")
}
