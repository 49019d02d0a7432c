package mysqltest

import (
	"database/sql"
	"strings"
	"testing"
)

// number returns the one number that a query yields.
func number(t *testing.T, db *sql.DB, query string) int {
	t.Helper()
	var n int
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// loadShops loads both schemas into databases of the names magento1 and magento2, which it makes again.
func loadShops(t *testing.T, s *Server, prefix1, prefix2 string) *sql.DB {
	t.Helper()
	if err := s.Exec(t.Context(), "DROP DATABASE IF EXISTS magento1", "DROP DATABASE IF EXISTS magento2"); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(t.Context(), "magento1", Magento1(prefix1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(t.Context(), "magento2", Magento2(prefix2)); err != nil {
		t.Fatal(err)
	}
	root, err := s.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// TestShops has one server of each flavor for everything that is loaded.
func TestShops(t *testing.T) {
	t.Parallel()
	for _, flavor := range Flavors() {
		t.Run(flavor.String(), func(t *testing.T) {
			t.Parallel()
			s := New(t, Options{Flavor: flavor})
			t.Run("no prefix", func(t *testing.T) { testSchemas(t, s, "", "") })
			t.Run("prefixes", func(t *testing.T) { testSchemas(t, s, "mage_", "m2_") })
			t.Run("migrate data", func(t *testing.T) { testSimulateMigrateData(t, s) })
		})
	}
}

func testSchemas(t *testing.T, s *Server, prefix1, prefix2 string) {
	root := loadShops(t, s, prefix1, prefix2)
	facts := []struct {
		what, query string
		want        int
	}{
		{"setup resources: Magento's 52 and two more", "SELECT COUNT(*) FROM magento1.{1}core_resource", 54},
		{
			"the admin store has id 0",
			"SELECT COUNT(*) FROM magento1.{1}core_store WHERE store_id = 0 AND code = 'admin'",
			1,
		},
		{"orders", "SELECT COUNT(*) FROM magento1.{1}sales_flat_order", 3},
		{
			"cron's index",
			"SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'magento1' AND INDEX_NAME = 'IDX_CRON_SCHEDULE_SCHEDULED_AT_STATUS'",
			2,
		},
		{"patches", "SELECT COUNT(*) FROM magento2.{2}patch_list", 12},
		{
			"patch names have single backslashes",
			`SELECT COUNT(*) FROM magento2.{2}patch_list WHERE patch_name = 'Magento\\Directory\\Setup\\Patch\\Data\\AddDataForCostaRica'`,
			1,
		},
		{
			"no new attribute sets",
			"SELECT COUNT(*) FROM magento2.{2}eav_attribute_set WHERE attribute_set_id NOT IN (SELECT default_attribute_set_id FROM magento2.{2}eav_entity_type)",
			0,
		},
		{
			"user-defined attributes",
			"SELECT COUNT(*) FROM magento2.{2}eav_attribute WHERE is_user_defined = 1 AND attribute_code IN ('color', 'cost', 'manufacturer')",
			3,
		},
		{
			"customer groups",
			"SELECT COUNT(*) FROM magento2.{2}customer_group WHERE customer_group_id BETWEEN 0 AND 3",
			4,
		},
		{"url rewrites", "SELECT COUNT(*) FROM magento2.{2}url_rewrite WHERE entity_type = 'cms-page'", 4},
		{"no products", "SELECT COUNT(*) FROM magento2.{2}catalog_product_entity", 0},
		{"the view answers", "SELECT COUNT(*) FROM magento2.{2}inventory_stock_1", 0},
		{
			"not migrated",
			"SELECT COUNT(*) FROM magento1.{1}catalog_category_entity a JOIN magento2.{2}catalog_category_entity b USING (entity_id, created_at)",
			0,
		},
		{
			"views",
			"SELECT COUNT(*) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'magento2' AND TABLE_NAME = '{2}inventory_stock_1'",
			1,
		},
		{
			"triggers",
			"SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'magento2' AND LEFT(TRIGGER_NAME, 4 + CHAR_LENGTH('{2}')) = 'trg_{2}'",
			2,
		},
		{
			"tables without the prefix",
			"SELECT COUNT(*) FROM information_schema.TABLES WHERE (TABLE_SCHEMA = 'magento1' AND LEFT(TABLE_NAME, CHAR_LENGTH('{1}')) <> '{1}') OR (TABLE_SCHEMA = 'magento2' AND LEFT(TABLE_NAME, CHAR_LENGTH('{2}')) <> '{2}')",
			0,
		},
	}
	for _, f := range facts {
		query := strings.NewReplacer("{1}", prefix1, "{2}", prefix2).Replace(f.query)
		if got := number(t, root, query); got != f.want {
			t.Errorf("%s: got %d, want %d (%s)", f.what, got, f.want, query)
		}
	}
}

func TestSchemasHaveNoPlaceholderLeft(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{"Magento1": Magento1("x_"), "Magento2": Magento2("x_")} {
		if i := strings.Index(script, "{{"); i >= 0 {
			t.Errorf("%s: a placeholder is left: %.40q", name, script[i:])
		}
	}
}

func TestMagento2ChangeLogFires(t *testing.T) {
	t.Parallel()
	s := New(t, Options{})
	root := loadShops(t, s, "", "m2_")
	if err := s.Exec(t.Context(), "INSERT INTO magento2.m2_catalog_category_entity (attribute_set_id, parent_id, path, position, children_count) VALUES (3, 2, '1/2/3', 1, 0)"); err != nil {
		t.Fatal(err)
	}
	if got := number(t, root, "SELECT COUNT(*) FROM magento2.m2_catalog_category_product_cl"); got != 1 {
		t.Errorf("rows in the change log: got %d, want 1", got)
	}
}

func testSimulateMigrateData(t *testing.T, s *Server) {
	root := loadShops(t, s, "mage_", "")
	if err := SimulateMigrateData(t.Context(), s, "magento1", "magento2", "mage_", ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Exec(t.Context(), "UPDATE magento1.mage_sales_flat_order SET status = 'complete' WHERE entity_id = 2"); err != nil {
		t.Fatal(err)
	}
	facts := []struct {
		what, query string
		want        int
	}{
		{
			"category 1 has Magento 1's created_at",
			"SELECT COUNT(*) FROM magento1.mage_catalog_category_entity a JOIN magento2.catalog_category_entity b USING (entity_id, created_at) WHERE entity_id = 1",
			1,
		},
		{"orders", "SELECT COUNT(*) FROM magento2.sales_order", 3},
		{"products", "SELECT COUNT(*) FROM magento2.catalog_product_entity", 3},
		{"stores", "SELECT COUNT(*) FROM magento2.store JOIN magento1.mage_core_store USING (store_id, code)", 3},
		{
			"attributes that only Magento 1 had",
			"SELECT COUNT(*) FROM magento2.eav_attribute WHERE attribute_code = 'wood'",
			1,
		},
		{"attributes", "SELECT COUNT(*) FROM magento2.eav_attribute", 10},
		{"rewrites", "SELECT COUNT(*) FROM magento2.url_rewrite", 7},
		{
			"the installation's witness stays",
			"SELECT COUNT(*) FROM magento2.admin_user WHERE created = '2025-06-10 14:00:28'",
			1,
		},
		{
			"delta logs",
			"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'magento1' AND TABLE_NAME LIKE 'mage\\_m2\\_cl\\_%'",
			12,
		},
		{
			"triggers",
			"SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'magento1' AND TRIGGER_NAME LIKE 'trg\\_mage\\_%'",
			36,
		},
		{
			"a change is logged",
			"SELECT COUNT(*) FROM magento1.mage_m2_cl_sales_flat_order WHERE entity_id = 2 AND operation = 'UPDATE' AND processed = 0",
			1,
		},
	}
	for _, f := range facts {
		if got := number(t, root, f.query); got != f.want {
			t.Errorf("%s: got %d, want %d (%s)", f.what, got, f.want, f.query)
		}
	}
}
