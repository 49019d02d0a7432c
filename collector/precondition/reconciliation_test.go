package precondition_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

func TestReconciliationOfEqualShops(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Want("reconciliation", finding.Pass)
	for _, entity := range []string{"order", "customer", "product", "cms", "groups", "stores"} {
		s.WantValue(1, "reconciliation_equal", entity)
	}
	orders, ok := s.Value("reconciliation_rows", "magento1", "order")
	if !ok || orders == 0 {
		t.Errorf("orders of Magento 1: %v (%v)", orders, ok)
	}
	s.WantValue(orders, "reconciliation_rows", "magento2", "order")
	s.WantValue(0, "grid_stale_rows", "order")
	s.WantAbsent("reconciliation_rows", "magento1", "cms")
}

// mismatch is a difference between the two systems, and what is said of it.
type mismatch struct {
	on1, on2 string
	status   finding.Status
	subject  string
	words    []string
	// undo1 and undo2 take it back.
	undo1, undo2 string
}

// quiet forgets the log, as if a change had never been logged.
const quiet = "DELETE FROM m2_cl_sales_flat_order"

func mismatches() map[string]mismatch {
	return map[string]mismatch{
		"a missing order": {
			on2: "CREATE TABLE kept AS SELECT * FROM sales_order WHERE entity_id = 2; DELETE FROM sales_order " +
				"WHERE entity_id = 2",
			status: finding.Fail, subject: "order",
			words: []string{
				"1 order of Magento 1 is not in Magento 2: 200000001; nothing is pending",
				"INSERT INTO `m2_cl_sales_flat_order`",
			},
			undo2: "INSERT INTO sales_order SELECT * FROM kept; DROP TABLE kept",
		},
		"another total": {
			on2: "UPDATE sales_order SET grand_total = grand_total + 0.01, updated_at = updated_at WHERE " +
				"entity_id <= 3",
			status: finding.Fail, subject: "order", words: []string{"3 orders differ in grand_total: 100000001, " +
				"200000001, 100000002"},
			undo2: "UPDATE sales_order SET grand_total = grand_total - 0.01, updated_at = updated_at WHERE " +
				"entity_id <= 3",
		},
		"an order changed in Magento 2": {
			on2:    "UPDATE sales_order SET status = 'x', updated_at = '2037-01-01' WHERE entity_id = 1",
			status: finding.Fail, subject: "order", words: []string{"differs in status", "they were changed there"},
			undo2: "UPDATE sales_order o JOIN m1.sales_flat_order p USING (entity_id) SET o.status = p.status, " +
				"o.updated_at = p.updated_at",
		},
		"NULL and an empty text": {
			on2:    "UPDATE sales_order SET state = '', updated_at = updated_at WHERE entity_id = 3",
			on1:    "UPDATE sales_flat_order SET state = NULL, updated_at = updated_at WHERE entity_id = 3; " + quiet,
			status: finding.Fail, subject: "order", words: []string{"1 order differs in state"},
			undo2: "UPDATE sales_order SET state = NULL, updated_at = updated_at WHERE entity_id = 3",
		},
		"letters of another case": {
			on2:    "UPDATE customer_entity SET email = UPPER(email), updated_at = updated_at WHERE entity_id = 1",
			status: finding.Fail, subject: "customer", words: []string{"1 customer differs in email: 1"},
			undo2: "UPDATE customer_entity SET email = LOWER(email), updated_at = updated_at WHERE entity_id = 1",
		},
		"a customer without an address": {
			on2:    "CREATE TABLE kept AS SELECT * FROM customer_address_entity; DELETE FROM customer_address_entity",
			status: finding.Fail, subject: "address", words: []string{"1 address of a customer of Magento 1 is not " +
				"in Magento 2: 1"},
			undo2: "INSERT INTO customer_address_entity SELECT * FROM kept; DROP TABLE kept",
		},
		"a product of Magento 2": {
			on1: "CREATE TABLE kept AS SELECT * FROM catalog_product_entity WHERE entity_id = 1; DELETE FROM " +
				"catalog_product_entity WHERE entity_id = 1; DELETE FROM m2_cl_catalog_product_entity",
			status: finding.Fail, subject: "product", words: []string{"1 product of Magento 2 is not in Magento 1: " +
				"1", "Delete them in Magento 2"},
			undo1: "INSERT INTO catalog_product_entity SELECT * FROM kept; DROP TABLE kept; DELETE FROM " +
				"m2_cl_catalog_product_entity",
		},
		"a CMS page": {
			on1:    "UPDATE cms_page SET title = CONCAT(title, 'x'), update_time = update_time WHERE page_id = 1",
			status: finding.Warn, subject: "uncovered", words: []string{"CMS pages", "1 CMS page differs in title: " +
				"1", "Magento 2 shows the old page"},
			undo2: "UPDATE cms_page SET title = CONCAT(title, 'x'), update_time = update_time WHERE page_id = 1",
		},
		"a customer group": {
			on1:    "INSERT INTO customer_group (customer_group_code, tax_class_id) VALUES ('vip', 3)",
			status: finding.Warn, subject: "uncovered", words: []string{"customer groups", "1 customer group of " +
				"Magento 1 is not in Magento 2"},
			undo1: "DELETE FROM customer_group WHERE customer_group_code = 'vip'",
		},
		"no sequences": {
			on2: "CREATE TABLE kept AS SELECT * FROM sales_sequence_meta; DELETE FROM sales_sequence_meta WHERE " +
				"store_id = 2",
			status: finding.Fail, subject: "sequences", words: []string{"for 1 of its stores", "store ids 2"},
			undo2: "DELETE FROM sales_sequence_meta; INSERT INTO sales_sequence_meta SELECT * FROM kept; DROP " +
				"TABLE kept",
		},
		"a stale grid": {
			on2:    "UPDATE sales_order_grid SET status = 'x', updated_at = updated_at WHERE entity_id = 3",
			status: finding.Warn, subject: "order grid", words: []string{"Magento 2's grid of orders", "100000002"},
			undo2: "UPDATE sales_order_grid g JOIN sales_order o USING (entity_id) SET g.status = o.status",
		},
		"URL rewrites": {
			on2: "CREATE TABLE kept AS SELECT * FROM url_rewrite; DELETE FROM url_rewrite WHERE entity_type = " +
				"'product'",
			status: finding.Warn, subject: "url_rewrite", words: []string{"Magento 2 lacks"},
			undo2: "DELETE FROM url_rewrite; INSERT INTO url_rewrite SELECT * FROM kept; DROP TABLE kept",
		},
	}
}

// TestReconciliationNamesWhatDiffers makes one difference after another: each is named, and nothing else is.
func TestReconciliationNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Want("reconciliation", finding.Pass)
	for name, m := range mismatches() {
		s.runBoth(m.on1, m.on2)
		r := s.compareUntil(m.status, name)
		said := false
		for _, f := range r.Findings {
			if f.Status == finding.Pass {
				continue
			}
			if f.Subject != m.subject && f.Subject != "order grid" {
				t.Errorf("%s: %+v", name, f)
			}
			said = said || f.Subject == m.subject && shoptest.ContainsAll(f.Summary+f.Evidence+f.Remedy, m.words)
		}
		if !said {
			t.Errorf("%s: no finding says %q: %+v", name, m.words, r.Findings)
		}
		s.runBoth(m.undo1, m.undo2)
		s.compareUntil(finding.Pass, "after "+name)
	}
}

// runBoth runs statements on the two systems. m1 stands for Magento 1's database.
func (s *shop) runBoth(on1, on2 string) {
	s.T.Helper()
	s.On1(statements(on1)...)
	s.On2(statements(strings.ReplaceAll(on2, "m1.", database.Quote(s.DB1)+"."))...)
}

func statements(text string) []string {
	var all []string
	for statement := range strings.SplitSeq(text, "; ") {
		if statement != "" {
			all = append(all, statement)
		}
	}
	return all
}

// compareUntil evaluates until the precondition has a status: one evaluation compares only some of the entities.
func (s *shop) compareUntil(status finding.Status, what string) finding.Result {
	s.T.Helper()
	for range 20 {
		if s.Evaluate(); s.State("reconciliation").Result.Status == status {
			return s.Has("reconciliation", status)
		}
	}
	s.T.Fatalf("%s: %+v", what, s.State("reconciliation").Result.Findings)
	return finding.Result{}
}

// TestReconciliationOfAGridInSeveralWays runs the remedy for more rows than a text names: then nothing differs.
func TestReconciliationOfAGridInSeveralWays(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	for id := 50; id < 80; id++ {
		row := fmt.Sprintf(" (entity_id, status, increment_id) VALUES (%d, 'new', '1000000%d')", id, id)
		s.On1("INSERT INTO sales_flat_order" + row)
		s.On2("INSERT INTO sales_order" + row)
	}
	s.On1(quiet)
	s.On2("UPDATE sales_order_grid SET status = 'x' WHERE entity_id = 3")
	s.compareUntil(finding.Warn, "an old grid")
	grid := s.finding("reconciliation", "order grid")
	if !shoptest.ContainsAll(grid.Summary+grid.Remedy, []string{": 31", "later evaluations", "(3, 50, ", ", 69);"}) {
		t.Errorf("%+v", grid)
	}
	s.pasteNumbers(grid)
	// What Magento 2's job sales_grid_order_async_insert does.
	const both = "entity_id, status, store_id, customer_id, base_grand_total, grand_total, increment_id, created_at, " +
		"updated_at"
	s.On2("INSERT INTO sales_order_grid (" + both + ") SELECT " + both + " FROM sales_order WHERE entity_id NOT IN " +
		"(SELECT entity_id FROM (SELECT entity_id FROM sales_order_grid) there)")
	s.compareUntil(finding.Pass, "after the remedy")
	s.WantValue(0, "grid_stale_rows", "order")
}

func TestReconciliationExplainsWhatIsPending(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Want("reconciliation", finding.Pass)
	s.On1("UPDATE sales_flat_order SET status = 'holded' WHERE entity_id = 2",
		"DELETE FROM customer_entity WHERE entity_id = 1",
		"INSERT INTO sales_flat_order (entity_id, status, increment_id) VALUES (4000, 'new', '100004000')")
	r := s.Want("reconciliation", finding.Pass)
	s.wantSaid(r, "rows differ that wait in the delta log", "orders 2")
	s.WantValue(1, "reconciliation_equal", "order")
	s.Must(s.Deliver(t.Context()))
	s.Must(s.Clean(t.Context()))
	s.On2(
		"INSERT INTO sales_order_grid (entity_id, status, store_id, increment_id) SELECT entity_id, status, "+
			"store_id, "+
			"increment_id FROM sales_order WHERE entity_id = 4000",
		"UPDATE sales_order_grid g JOIN sales_order o USING (entity_id) "+
			"SET g.status = o.status",
	)
	s.compareUntil(finding.Pass, "after the delta")
	s.On1("UPDATE sales_flat_order SET status = 'closed' WHERE entity_id = 2", quiet)
	s.WantFinding("reconciliation", finding.Fail, "1 order differs in status", "200000001")
	s.WantValue(0, "reconciliation_equal", "order")
}

// TestReconciliationAfterAThousandChanges has a shop that sold and a delta that delivered it: nothing differs.
func TestReconciliationAfterAThousandChanges(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Want("reconciliation", finding.Pass)
	for n := range 200 { // five changes each
		s.Must(s.sell(t.Context(), n))
	}
	s.Must(s.Deliver(t.Context()))
	s.Must(s.Clean(t.Context()))
	s.On2("INSERT INTO sales_order_grid (entity_id, status, store_id, increment_id) SELECT o.entity_id, o.status, "+
		"o.store_id, o.increment_id FROM sales_order o LEFT JOIN sales_order_grid g USING (entity_id) "+
		"WHERE g.entity_id IS NULL", "UPDATE sales_order_grid g JOIN sales_order o USING (entity_id) SET g.status = o.status")
	for range 5 {
		r := s.Want("reconciliation", finding.Pass)
		for _, f := range r.Findings {
			if f.Subject == "seen once" || f.Subject == "pending" {
				t.Errorf("%+v", f)
			}
		}
	}
	s.WantValue(1, "reconciliation_equal", "order")
	s.WantValue(1, "reconciliation_equal", "customer")
	s.WantValue(203, "reconciliation_rows", "magento2", "order")
}

// TestReconciliationWaitsForACycle has a delta at work, whose later steps may still deliver what differs.
func TestReconciliationWaitsForACycle(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.On2("UPDATE sales_order_grid SET status = 'x' WHERE entity_id = 3")
	s.Freeze()
	s.later(time.Hour)
	// Who asks once and has no time for a whole cycle does not learn that all is equal.
	s.WriteRunLog(s.Now(), shoptest.DeltaCycle...)
	s.WantFinding("reconciliation", finding.Unknown, "rows differ that must be seen again", "longer --timeout")
	s.Hasty = true
	s.Start()
	for range 20 { // until all is compared
		s.WriteRunLog(s.Now(), shoptest.DeltaCycle...)
		if s.Evaluate(); s.State("reconciliation").Result.Status == finding.Pass {
			break
		}
	}
	for range 3 {
		s.WriteRunLog(s.Now(), shoptest.DeltaCycle...)
		s.wantSaid(s.Want("reconciliation", finding.Pass), "rows differ that must be seen again", "orders 1")
		if again := s.State("reconciliation").Result.Again; again < time.Second || again > time.Minute {
			t.Errorf("again after %s", again)
		}
	}
	s.later(30 * time.Second)
	s.WriteRunLog(s.Now(), shoptest.DeltaCycle...)
	s.WantFinding("reconciliation", finding.Warn, "Magento 2's grid of orders", "100000002")
}

// TestReconciliationOfBrokenTables is about tables that cannot be compared: that is unknown, and never equal.
func TestReconciliationOfBrokenTables(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	for _, c := range []struct {
		name, on1, on2, undo1, undo2 string
		words                        []string
	}{
		{
			name: "a table that Magento 2 lacks", on2: "RENAME TABLE sales_invoice TO hidden",
			undo2: "RENAME TABLE hidden TO sales_invoice",
			words: []string{"invoices cannot be compared: Magento 2 has no table sales_invoice"},
		},
		{
			name: "a table that Magento 1 lacks", on1: "RENAME TABLE customer_address_entity TO hidden",
			undo1: "RENAME TABLE hidden TO customer_address_entity",
			words: []string{"addresses of customers cannot be compared: Magento 1 has no table"},
		},
		{
			name: "a view that is broken",
			on1: "RENAME TABLE customer_entity TO hidden; CREATE TABLE gone AS SELECT * FROM hidden; " +
				"CREATE VIEW customer_entity AS SELECT * FROM gone; DROP TABLE gone",
			undo1: "DROP VIEW customer_entity; RENAME TABLE hidden TO customer_entity",
			words: []string{"customers"},
		},
		{
			name: "a table that neither system has any more", on1: "RENAME TABLE customer_address_entity TO hidden",
			on2: "RENAME TABLE customer_address_entity TO hidden", undo1: "RENAME TABLE hidden TO customer_address_entity",
			undo2: "RENAME TABLE hidden TO customer_address_entity",
			words: []string{"addresses of customers cannot be compared: neither system has it"},
		},
		{
			name: "no URL rewrites", on2: "RENAME TABLE url_rewrite TO hidden",
			undo2: "RENAME TABLE hidden TO url_rewrite",
			words: []string{"URL rewrites cannot be compared: Magento 2 has no table url_rewrite"},
		},
		{
			name: "a table without its key", on2: "ALTER TABLE customer_group CHANGE customer_group_id id int NOT " +
				"NULL",
			undo2: "ALTER TABLE customer_group CHANGE id customer_group_id int NOT NULL",
			words: nil,
		},
	} {
		s.runBoth(c.on1, c.on2)
		s.Start()
		s.Evaluate()
		result := s.State("reconciliation").Result
		if c.words == nil {
			s.wantSaid(result, "some tables and columns are not compared", "customer_group")
			s.WantAbsent("reconciliation_equal", "groups")
		} else {
			s.wantSaid(s.Has("reconciliation", finding.Unknown), c.words...)
		}
		s.runBoth(c.undo1, c.undo2)
	}
	s.Start()
	s.Want("reconciliation", finding.Pass)
	s.On2("RENAME TABLE sales_invoice TO hidden")
	s.wantSaid(s.compareUntil(finding.Unknown, "a table that vanishes"), "invoices could not be compared")
}

// TestReconciliationRemembersABrokenTrace is about what is not looked at in each evaluation: that it could not be read
// is said in each.
func TestReconciliationRemembersABrokenTrace(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.On2("RENAME TABLE url_rewrite TO hidden",
		"CREATE TABLE gone AS SELECT * FROM hidden", "CREATE VIEW url_rewrite AS SELECT * FROM gone", "DROP TABLE gone")
	s.compareUntil(finding.Unknown, "a broken view")
	for range 7 {
		s.wantSaid(
			s.Want("reconciliation", finding.Unknown),
			"what the last steps of migrate:data left could not be read",
		)
		s.WantAbsent("reconciliation_equal", "url_rewrite")
	}
	s.On2("DROP VIEW url_rewrite", "RENAME TABLE hidden TO url_rewrite")
	s.Want("reconciliation", finding.Pass)
}

// TestReconciliationRemembersABrokenInventory is about stock, which every second evaluation looks at.
func TestReconciliationRemembersABrokenInventory(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	stock := "CREATE TABLE cataloginventory_stock_item (item_id int PRIMARY KEY, product_id int, stock_id int, qty int)"
	const sources = "(source_item_id int, source_code varchar(255), sku varchar(64), quantity decimal(12,4))"
	s.On1(stock)
	s.On2(stock, "CREATE TABLE inventory_source_item "+sources)
	s.Want("reconciliation", finding.Pass)
	s.On2("DROP TABLE inventory_source_item", "CREATE TABLE gone "+sources,
		"CREATE VIEW inventory_source_item AS SELECT * FROM gone", "DROP TABLE gone")
	s.compareUntil(finding.Unknown, "a broken view")
	for range 4 {
		s.wantSaid(
			s.Want("reconciliation", finding.Unknown),
			"what the last steps of migrate:data left could not be read",
		)
	}
	s.On2("DROP VIEW inventory_source_item", "CREATE TABLE inventory_source_item "+sources)
	s.compareUntil(finding.Pass, "a table")
}

// TestReconciliationOfManyTouchedOrders has more orders whose time is a later one in Magento 2 than are looked at. One
// that differs among them would not be found: that is no pass.
func TestReconciliationOfManyTouchedOrders(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Want("reconciliation", finding.Pass)
	var rows []string
	for id := 10; id < 1300; id++ {
		rows = append(rows, fmt.Sprintf("(%d, 'new', '1%08d', '2020-01-01', '2020-01-01')", id, id))
	}
	const columns = " (entity_id, status, increment_id, created_at, updated_at) VALUES "
	s.On1("INSERT INTO sales_flat_order"+columns+strings.Join(rows, ", "), quiet)
	s.On2("INSERT INTO sales_order"+columns+strings.Join(rows, ", "),
		"UPDATE sales_order SET updated_at = '2036-01-01' WHERE entity_id >= 10",
		"UPDATE sales_order SET status = 'x', updated_at = '2036-01-01' WHERE entity_id = 1299",
		"INSERT INTO sales_order_grid (entity_id, status, increment_id, created_at, updated_at) "+
			"SELECT entity_id, status, increment_id, created_at, updated_at FROM sales_order WHERE entity_id >= 10")
	s.wantSaid(s.compareUntil(finding.Unknown, "touched orders"), "so many orders differ for a known reason")
	s.WantValue(0, "reconciliation_equal", "order")
}

// TestReconciliationOfOddValues is about what old shops have: times that are none, columns that modules added.
func TestReconciliationOfOddValues(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.On1("SET sql_mode = ''", "ALTER TABLE sales_flat_order ADD acme_note varchar(20) DEFAULT 'x'",
		"UPDATE sales_flat_order SET created_at = '0000-00-00 00:00:00', updated_at = '0000-00-00 00:00:00' "+
			"WHERE entity_id = 2", quiet)
	s.On2("SET sql_mode = ''", "ALTER TABLE sales_order ADD other_note int DEFAULT 7",
		"UPDATE sales_order SET created_at = '0000-00-00 00:00:00', updated_at = '0000-00-00 00:00:00' "+
			"WHERE entity_id = 2",
		"UPDATE sales_order_grid g JOIN sales_order o USING (entity_id) "+
			"SET g.created_at = o.created_at, g.updated_at = o.updated_at")
	s.Want("reconciliation", finding.Pass)
	s.WantValue(1, "reconciliation_equal", "order")
	s.On2("UPDATE sales_order SET created_at = NULL, updated_at = '0000-00-00 00:00:00' WHERE entity_id = 2")
	s.wantSaid(s.compareUntil(finding.Fail, "no time beside a zero one"), "1 order differs in created_at: 200000001")
}

// TestReconciliationOfHiddenTables reads with accounts that may not see a table of customers, or their log: they are
// never equal then, and what waits in the log that is not seen is no proof.
func TestReconciliationOfHiddenTables(t *testing.T) {
	t.Parallel()
	for _, hidden := range []string{"customer_entity", "m2_cl_customer_entity"} {
		s := newDeltaPhase(t, shoptest.With("delta_log"))
		const sets = "CREATE TABLE eav_entity_attribute (attribute_set_id int, attribute_id int)"
		s.On1(sets, "UPDATE customer_entity SET email = CONCAT('new.', email), updated_at = NOW() WHERE entity_id = 1")
		s.On2(sets)
		user := s.User + "b"
		account := "'" + user + "'@'%'"
		s.Exec(s.Server1, "CREATE USER "+account+" IDENTIFIED BY '"+shoptest.Password+"'")
		for _, db := range []string{s.DB1, s.DB2} {
			for _, table := range s.texts(s.Server1, "SELECT TABLE_NAME FROM information_schema.TABLES "+
				"WHERE TABLE_SCHEMA = '"+db+"'") {
				if db != s.DB1 || table != hidden {
					s.Exec(s.Server1, "GRANT SELECT, TRIGGER ON "+database.Quote(db)+"."+database.Quote(table)+" TO "+account)
				}
			}
		}
		s.Migration.Magento1.Database.User, s.Migration.Magento2.Database.User = user, user
		s.Evaluate()
		s.wantSaid(s.Has("delta_log", finding.Unknown), "may not read", hidden)
		s.wantSaid(s.Has("reconciliation", finding.Unknown), "customer")
		if equal, ok := s.Value("reconciliation_equal", "customer"); ok && equal == 1 {
			t.Errorf("without %s customers are equal", hidden)
		}
	}
}

// TestReconciliationOfAURLRewriteWithoutAPath has a row that both systems allow, which Magento 2 lacks.
func TestReconciliationOfAURLRewriteWithoutAPath(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.On1("INSERT INTO core_url_rewrite (url_rewrite_id, store_id, request_path) VALUES (77, 1, NULL)")
	s.wantSaid(s.compareUntil(finding.Warn, "a rewrite without a path"), "Magento 2 lacks 1 of Magento 1", "77")
}

// TestReconciliationOfManyURLRewrites compares them slice by slice.
func TestReconciliationOfManyURLRewrites(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	const digits = "(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION " +
		"SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"
	const ids = "(SELECT 1000 + 3 * (10000 * a.d + 1000 * b.d + 100 * c.d + 10 * e.d + f.d) AS id FROM " + digits + " a, " +
		digits + " b, " + digits + " c, " + digits + " e, " + digits + " f WHERE a.d < 3) x"
	s.On1(
		"INSERT INTO core_url_rewrite (url_rewrite_id, store_id, request_path) SELECT id, 1, CONCAT('p', id) FROM "+ids,
		"DELETE FROM m2_cl_core_url_rewrite",
	)
	s.On2(
		"INSERT INTO url_rewrite (url_rewrite_id, entity_type, entity_id, store_id, request_path) SELECT id, 'product', 1, 1, " +
			"CONCAT('p', id) FROM " + ids,
	)
	s.compareUntil(finding.Pass, "many equal ones")
	s.WantValue(1, "reconciliation_equal", "url_rewrite")
	rows, _ := s.Value("reconciliation_rows", "magento1", "url_rewrite")
	s.WantValue(rows, "reconciliation_rows", "magento2", "url_rewrite")
	if rows < 30000 {
		t.Errorf("%v rows", rows)
	}
	s.On2("DELETE FROM url_rewrite WHERE url_rewrite_id IN (1000, 70000)",
		"UPDATE url_rewrite SET request_path = 'other' WHERE url_rewrite_id = 1003")
	s.later(time.Hour)
	s.wantSaid(s.compareUntil(finding.Warn, "many that differ"), "Magento 2 lacks 3 of Magento 1, and has 1 others",
		"1000, 1003, 70000", "in Magento 2: 1003")
	s.WantValue(0, "reconciliation_equal", "url_rewrite")
	s.On2("UPDATE url_rewrite SET url_rewrite_id = url_rewrite_id + 1000000 ORDER BY url_rewrite_id DESC")
	s.later(time.Hour)
	for range 8 {
		s.Evaluate()
	}
	s.wantSaid(s.compareUntil(finding.Warn, "other ids"), "have other ids in Magento 2")
	s.On2("INSERT INTO url_rewrite (entity_type, entity_id, store_id, request_path) VALUES ('product', 1, 1, "+
		"'p1000'), ('product', 1, 1, 'p70000')", "UPDATE url_rewrite SET request_path = 'p1003' WHERE request_path = 'other'")
	s.later(time.Hour)
	for range 8 {
		s.Evaluate()
	}
	s.compareUntil(finding.Pass, "equal again, with other ids")
}

func TestReconciliationWhileMigrateDataRuns(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Migration.Phase = config.PhaseMigrate
	s.On2("DELETE FROM sales_order WHERE entity_id = 3")
	s.wantSaid(s.Want("reconciliation", finding.Pass), "Magento 2 has orders 2 of 3")
	s.Migration.Phase = config.PhasePrepare
	s.Want("reconciliation", finding.NotApplicable)
}

func TestReconciliationOfAShopThatSells(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Migration.Phase = config.PhaseCutover
	s.On2("INSERT INTO sales_order (entity_id, increment_id, status) VALUES (9000, '1000000009', 'new')",
		"INSERT INTO sales_order_grid (entity_id, increment_id, status) VALUES (9000, '1000000009', 'new')",
		"UPDATE sales_order SET status = 'closed', updated_at = '2037-01-01' WHERE entity_id = 1",
		"UPDATE sales_order_grid SET status = 'closed' WHERE entity_id = 1",
		"UPDATE customer_entity SET updated_at = '2037-01-01' WHERE entity_id = 1")
	r := s.Want("reconciliation", finding.Pass)
	s.wantSaid(r, "it took them itself", "orders 1")
	s.wantSaid(r, "1 order differs in status", "changed them later")
	s.wantSaid(r, "a later updated_at", "customers 1")
}

// settingsMap is a map of settings with each kind of rule.
const settingsMap = `<settings><key><ignore><path>web/cookie/*</path></ignore><ignore><path>dev/log/file</path></ignore>` +
	`<rename><path>contacts/email/recipient_email</path><to>contact/email/recipient_email</to></rename></key><value>` +
	`<transform><path>catalog/seo/product_url_suffix</path><handler class="\Migration\Handler\Settings\UrlSuffix"/>` +
	`</transform><transform><path>catalog/category/root_id</path>` +
	`<handler class="\Migration\Handler\Settings\CategoryRootId"/></transform><transform>` +
	`<path>carriers/ups/password</path><handler class="\Migration\Handler\Encrypt"/></transform><transform>` +
	`<path>currency/options/customsymbol</path><handler class="\Migration\Handler\SerializeToJson"/></transform></value>` +
	`</settings>`

// TestReconciliationOfSettings compares core_config_data by the rules of the tool's map. Values are never shown.
func TestReconciliationOfSettings(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	shoptest.WriteUnder(t, s.Migration.Magento2.Root, shoptest.ToolDir+"/etc/settings_map_file.xml", settingsMap)
	row := func(table, rows string) string {
		return "INSERT INTO " + table + " (scope, scope_id, path, value) VALUES " + rows
	}
	s.On1("DELETE FROM core_config_data", row("core_config_data", "('default', 0, 'web/cookie/lifetime', '1'), "+
		"('default', 0, 'dev/log/file', 'x'), ('default', 0, 'contacts/email/recipient_email', 'ann@example.com'), "+
		"('default', 0, 'catalog/seo/product_url_suffix', 'html'), ('default', 0, 'catalog/category/root_id', '2'), "+
		"('default', 0, 'carriers/ups/password', 'c2VjcmV0'), ('default', 0, 'currency/options/customsymbol', "+
		"'a:1:{i:0;i:1;}'), ('stores', 2, 'general/locale/code', 'de_DE'), ('default', 0, 'a/b/null', NULL)"))
	s.On2("DELETE FROM core_config_data", row("core_config_data", "('default', 0, 'contact/email/recipient_email', "+
		"'ann@example.com'), ('default', 0, 'catalog/seo/product_url_suffix', '.html'), ('default', 0, "+
		"'catalog/category/root_id', NULL), ('default', 0, 'carriers/ups/password', '0:3:xyz'), ('default', 0, "+
		"'currency/options/customsymbol', '[1]'), ('stores', 2, 'general/locale/code', 'de_DE'), ('default', 0, "+
		"'a/b/null', NULL), ('default', 0, 'own/of/magento2', '1')"))
	s.Start()
	s.wantSaid(s.Want("reconciliation", finding.Pass), "settings that the tool writes in another form", "2")
	s.On1("UPDATE core_config_data SET value = 'bob@example.com' WHERE path LIKE 'contacts/%'",
		"UPDATE core_config_data SET value = 'htm' WHERE path LIKE 'catalog/seo/%'",
		"UPDATE core_config_data SET value = '' WHERE path = 'a/b/null'",
		row("core_config_data", "('websites', 1, 'tax/calculation/price_includes_tax', '1')"))
	result := s.compareUntil(finding.Warn, "other settings")
	for range 2 {
		result = s.compareUntil(finding.Warn, "other settings")
	}
	s.wantSaid(
		result,
		"what the delta never delivers differs: configuration",
		"1 setting of Magento 1 is not in Magento 2: tax/calculation/price_includes_tax (websites 1); 3 settings differ: "+
			"a/b/null, catalog/seo/product_url_suffix, contact/email/recipient_email",
	)
	if text := fmt.Sprint(result); strings.Contains(text, "example.com") {
		t.Error(text)
	}
	shoptest.WriteUnder(t, s.Migration.Magento2.Root, shoptest.ToolDir+"/etc/settings_map_file.xml", "<settings>")
	s.Start()
	s.wantSaid(s.Want("reconciliation", finding.Unknown), "the configuration cannot be compared")
}

// TestReconciliationOfAttributes has an attribute and an attribute set that were made after migrate:data.
func TestReconciliationOfAttributes(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.On1(
		"INSERT INTO eav_attribute (entity_type_id, attribute_code, backend_type, is_user_defined) SELECT "+
			"entity_type_id, 'acme_size', 'varchar', 1 FROM eav_entity_type WHERE entity_type_code = 'catalog_product'",
		"INSERT INTO eav_attribute_set (attribute_set_id, entity_type_id, attribute_set_name) SELECT 99, entity_type_id, "+
			"'Shoes' FROM eav_entity_type WHERE entity_type_code = 'catalog_product'",
	)
	s.wantSaid(s.Want("reconciliation", finding.Warn), "attributes and their sets",
		"2 attributes or attribute sets of Magento 1 are not in Magento 2: acme_size (catalog_product), set 99")
}

// TestReconciliationOfTextsThatTheToolRewrites has a text of which the tool has changed a widget, and then another one.
func TestReconciliationOfTextsThatTheToolRewrites(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	root := s.Migration.Magento2.Root
	shoptest.WriteUnder(t, root, shoptest.ToolDir+"/etc/class_map.xml",
		`<classmap><rename><from>core/template</from><to>Magento\Template</to></rename></classmap>`)
	shoptest.WriteUnder(t, root, shoptest.ToolDir+"/etc/opensource-to-opensource/1.9.4.5/map.xml.dist", "<map><source>"+
		"<document_rules><rename><document>sales_flat_order</document><to>sales_order</to></rename>"+
		"<rename><document>sales_flat_invoice</document><to>sales_invoice</to></rename>"+
		"<rename><document>sales_flat_quote</document><to>quote</to></rename></document_rules>"+
		`<field_rules><transform><field>cms_page.content</field><handler class="\Migration\Handler\Placeholder"/>`+
		"</transform></field_rules></source><destination/></map>")
	const text = "UPDATE cms_page SET update_time = update_time, content = '%s' WHERE page_id = 1"
	s.On1(fmt.Sprintf(text, `a {{widget type="acme/gone" id="1"}}b {{block type="core/template"}}`))
	s.On2(fmt.Sprintf(text, `a b {{block type="Magento\\\\Template"}}`))
	s.Start()
	r := s.compareUntil(finding.Pass, "a text that the tool has rewritten")
	for _, f := range r.Findings {
		if strings.Contains(f.Summary+f.Evidence, "CMS page") {
			t.Errorf("%+v", f)
		}
	}
	s.On1(fmt.Sprintf(text, `a {{widget type="acme/gone" id="1"}}c {{block type="core/template"}}`))
	s.wantSaid(s.compareUntil(finding.Warn, "another text"), "1 CMS page differs in content: 1")
}
