package reconcile_test

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/reconcile"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config/toolmap"
)

func TestMain(m *testing.M) { os.Exit(shoptest.Main(m)) }

var (
	//go:embed testdata/magento1.sql
	magento1SQL string
	//go:embed testdata/magento2.sql
	magento2SQL string
)

// hostile are settings of a server that must not decide whether two systems are equal.
const hostile = "--default-time-zone=+05:30 " +
	"--sql-mode=STRICT_ALL_TABLES,ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES " +
	"--max-allowed-packet=1048576"

// load loads both systems and returns the sides that compare them.
func load(t *testing.T, pair string, server1, server2 *mysqltest.Server) [2]reconcile.Side {
	t.Helper()
	const header = "SET NAMES utf8mb4;\nSET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\nSET time_zone = '+00:00';\n"
	sides := [2]reconcile.Side{}
	for i, server := range []*mysqltest.Server{server1, server2} {
		name := fmt.Sprintf("side%d_%s", i+1, pair)
		script := []string{magento1SQL, magento2SQL}[i]
		if err := server.Load(t.Context(), name, header+script); err != nil {
			t.Fatal(err)
		}
		sides[i] = reconcile.Side{Session: open(t, server, name)}
	}
	return sides
}

func open(t *testing.T, server *mysqltest.Server, name string) *database.Session {
	t.Helper()
	session, err := database.Open(t.Context(), database.Endpoint{
		Host: server.Host(), Port: server.Port(), Name: name, User: "root",
	}, database.Options{StatementTimeout: time.Minute, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// compare runs rounds until nothing is open, as a patient evaluation does.
func compare(ctx context.Context, t *testing.T, sides [2]reconcile.Side) reconcile.Report {
	t.Helper()
	payments, err := toolmap.Parse("map.xml", []byte("<map><source><document_rules>"+
		"<rename><document>sales_flat_order</document><to>sales_order</to></rename>"+
		"<rename><document>sales_flat_order_payment</document><to>sales_order_payment</to></rename>"+
		"<rename><document>sales_flat_quote</document><to>quote</to></rename></document_rules><field_rules>"+
		"<transform><field>sales_flat_order_payment.method</field><handler class=\"\\Migration\\Handler\\Convert\">"+
		"<param name=\"map\" value=\"[paypal_direct:payflowpro;paypal_standard:paypal_express]\"/></handler></transform>"+
		"<transform><field>cms_block.content</field><handler class=\"\\Migration\\Handler\\Placeholder\"/></transform>"+
		"</field_rules></source><destination/></map>"), toolmap.AnyNumber)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := reconcile.NewPlan(ctx, sides, reconcile.Maps{"map_file": payments}, &reconcile.Definitions{})
	if err != nil {
		t.Fatal(err)
	}
	return runRounds(ctx, t, plan, sides)
}

func runRounds(ctx context.Context, t *testing.T, plan *reconcile.Plan, sides [2]reconcile.Side) reconcile.Report {
	t.Helper()
	in := reconcile.Input{}
	for in.Turn = 1; in.Turn < 100; in.Turn++ {
		if report := plan.Round(ctx, sides, in); !report.Open {
			return report
		}
	}
	t.Fatal("100 rounds left something open")
	return reconcile.Report{}
}

// differences are one line each.
func differences(report reconcile.Report) string {
	var lines []string
	for _, o := range report.Outcomes {
		if o.Err != nil || o.Lost > 0 || o.Unfound {
			lines = append(lines, fmt.Sprintf("%s: %v, lost %d, unfound "+
				"%v", o.Pair.Document, o.Err, o.Lost, o.Unfound))
		}
		for _, d := range o.Differences {
			lines = append(lines, fmt.Sprintf("%s %d %d %v %v", d.Pair.Document, d.Kind, d.Count, d.Columns, d.Shown))
		}
	}
	return strings.Join(lines, "\n")
}

// TestServersAgree compares systems that hold the same on servers of two kinds: types, character sets, time zones,
// modes and packet sizes differ, and no value does. Then values differ, one by one.
func TestServersAgree(t *testing.T) {
	t.Parallel()
	var servers []*mysqltest.Server
	for i, flavor := range mysqltest.Flavors() {
		o := mysqltest.Options{Flavor: flavor}
		if i%2 == 1 {
			o.Args = strings.Fields(hostile)
		}
		servers = append(servers, mysqltest.New(t, o))
	}
	for i, server := range servers {
		for j, other := range []*mysqltest.Server{server, servers[(i+1)%len(servers)]} {
			pair := fmt.Sprintf("%d_%d", i, j)
			sides := load(t, pair, server, other)
			name := fmt.Sprintf("%s and %s", server.Flavor(), other.Flavor())
			if got := differences(compare(t.Context(), t, sides)); got != "" {
				t.Errorf("%s:\n%s", name, got)
			}
			wantDifferences(t, name, other, "side2_"+pair, sides)
		}
	}
}

// faults are statements for Magento 2, and want is all that they make differ.
func faults() (statements []string, want string) {
	return []string{
			"UPDATE sales_order SET grand_total = 10.500001, customer_email = 'ann@example.com', " +
				"created_at = '2015-03-29 00:30:00' WHERE entity_id = 1",
			"UPDATE sales_order SET state = '', customer_email = 'strasse@müller.de' WHERE entity_id = 2",
			"UPDATE sales_order SET state = 'a', status = '|bc' WHERE entity_id = 3",
			"DELETE FROM sales_order WHERE entity_id = 4",
			"UPDATE cms_block SET content = NULL WHERE block_id = 2",
			"UPDATE cms_block SET content = CONCAT(content, 'x') WHERE block_id = 1",
			"DELETE FROM cms_block WHERE block_id = -3",
			"UPDATE catalog_product_entity SET sku = 'A-1' WHERE entity_id = 2",
			"UPDATE catalog_product_entity_decimal SET value = value + 1 WHERE attribute_id = 176",
			"DELETE FROM catalog_product_entity_decimal WHERE attribute_id = 175",
			"DELETE FROM catalog_product_website WHERE website_id = 2",
			"UPDATE tax_calculation_rate SET rate = 19.0001",
			"UPDATE newsletter_subscriber SET subscriber_email = ''",
			"UPDATE customer_entity SET dob = '1980-03-01', password_hash = CONCAT(password_hash, ':3_32_2_67108864'), " +
				"updated_at = updated_at WHERE entity_id = 1",
			"UPDATE customer_entity SET password_hash = CONCAT(REPEAT('0b', 32), '::1'), updated_at = updated_at " +
				"WHERE entity_id = 2",
			"UPDATE catalog_product_entity_media_gallery SET value = '/o.png' WHERE value_id = 2",
			"UPDATE catalog_product_entity_int SET value = 13 WHERE attribute_id = 193",
			"UPDATE customer_entity SET firstname = 'Ann' WHERE entity_id = 1",
			"UPDATE customer_entity SET gender = 0, lastname = 'x' WHERE entity_id = 3",
			"UPDATE customer_entity_varchar SET value = 'silver' WHERE entity_id = 1",
			"UPDATE sales_order_status SET label = 'tired' WHERE status <> 'pending'",
			"INSERT INTO sales_order_status VALUES ('acme_m2', 'x')",
			"UPDATE sales_order_payment SET method = 'paypal_standard'",
			"UPDATE customer_group SET customer_group_code = " +
				"CASE customer_group_id WHEN 0 THEN 'General' ELSE 'NOT LOGGED IN' END",
		}, strings.Join([]string{
			"sales_flat_order 2 1 [grand_total customer_email created_at] [100000001]",
			"sales_flat_order 2 1 [state customer_email] [100000002]",
			"sales_flat_order 2 1 [state status] [100000003]",
			"sales_flat_order 0 1 [] [100000004]",
			"sales_flat_order_payment 2 3 [method] [1 2 3]",
			"customer_entity 2 1 [firstname dob] [1]",
			"customer_entity 2 1 [password_hash] [2]",
			"customer_entity 2 1 [lastname gender] [3]",
			"customer_entity_varchar 2 1 [acme_club] [1]",
			"catalog_product_entity 2 1 [sku] [2]",
			"catalog_product_entity_decimal 2 2 [price] [1 2]",
			"catalog_product_entity_decimal 0 1 [special_price] [1]",
			"catalog_product_entity_int 2 1 [acme_months] [1]",
			"catalog_product_website 2 1 [website_id] [1]",
			"catalog_product_entity_media_gallery 2 1 [value] [2]",
			"newsletter_subscriber 2 2 [subscriber_email] [1 2]",
			"cms_block 0 1 [] [-3]",
			"cms_block 2 2 [content] [1 2]",
			"customer_group 2 2 [customer_group_code] [0 1]",
			"tax_calculation_rate 2 1 [rate] [1]",
			"sales_order_status 2 1 [label] [acme_müde]",
			"sales_order_status 1 1 [] [acme_m2]",
		}, "\n")
}

// wantDifferences makes values of Magento 2 differ: each is found, and nothing else.
func wantDifferences(t *testing.T, name string, server *mysqltest.Server, db string, sides [2]reconcile.Side) {
	t.Helper()
	statements, want := faults()
	statements = append([]string{
		"SET NAMES utf8mb4", "SET sql_mode = ''", "SET time_zone = '+00:00'", "USE " + db,
	}, statements...)
	if err := server.Exec(t.Context(), statements...); err != nil {
		t.Fatal(err)
	}
	if got := differences(compare(t.Context(), t, sides)); got != want {
		t.Errorf("%s\n got %s\nwant %s", name, got, want)
	}
}

// TestLongTexts compares a text that is longer than one of the servers lets a function return: it is equal or unknown,
// and never different.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	for _, flavor := range mysqltest.Flavors() {
		server := mysqltest.New(t, mysqltest.Options{Flavor: flavor})
		sides := load(t, "long", server, server)
		small := "SET GLOBAL max_allowed_packet = 1048576"
		text := "UPDATE cms_block SET content = REPEAT('wörter ', 200000) WHERE block_id = 1"
		if err := server.Exec(t.Context(), "SET NAMES utf8mb4", "USE side1_long", text, "USE "+
			"side2_long", text, small); err != nil {
			t.Fatal(err)
		}
		sides[1].Session = open(t, server, "side2_long")
		for _, o := range compare(t.Context(), t, sides).Outcomes {
			if o.Pair.Document == "cms_block" && (len(o.Differences) > 0 || !o.Equal && o.Lost == 0) {
				t.Errorf("%s: %+v", flavor, o)
			}
		}
	}
}

// many are statements that give both systems 45000 more orders; the ids have gaps, and begin with a negative one.
func many() []string {
	const digits = "(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 " +
		"UNION SELECT 6 " +
		"UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"
	const numbers = "SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS n FROM " + digits + " a, " +
		"" + digits +
		" b, " + digits + " c, " + digits + " e, (SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION " +
		"SELECT 4) f"
	var all []string
	for _, table := range []string{"side1_large.sales_flat_order", "side2_large.sales_order"} {
		all = append(all, "ALTER TABLE "+table+" MODIFY entity_id int NOT NULL",
			"INSERT INTO "+table+" (entity_id, increment_id, status, created_at, updated_at) SELECT 10 + 7 * n, n, "+
				"'complete', "+
				"'2020-01-01', '2020-01-01' FROM ("+numbers+") x WHERE n < 45000",
			"UPDATE "+table+" SET entity_id = -5 WHERE entity_id = 1")
	}
	return all
}

// TestLargeTables compares a table slice by slice: a difference is found wherever it is.
func TestLargeTables(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	sides := load(t, "large", server, server)
	run := func(statements ...string) {
		t.Helper()
		if err := server.Exec(t.Context(), append([]string{"SET time_zone = " +
			"'+00:00'"}, statements...)...); err != nil {
			t.Fatal(err)
		}
	}
	run(many()...)
	report := compare(t.Context(), t, sides)
	if got := differences(report); got != "" {
		t.Fatal(got)
	}
	if o := report.Outcomes[0]; !o.Counted || !o.Equal || o.Rows != [2]int{45004, 45004} {
		t.Errorf("%+v", o)
	}
	for _, c := range []struct{ do, undo, want string }{
		{
			"UPDATE side2_large.sales_order SET status = 'x' WHERE entity_id IN (-5, 17, 157496, 315003)",
			"UPDATE side2_large.sales_order SET status = 'pending' WHERE entity_id = -5; " +
				"UPDATE side2_large.sales_order SET status = 'complete' WHERE entity_id > 10",
			"sales_flat_order 2 4 [status] [100000001 1 22498 44999]",
		},
		{
			"CREATE TABLE side2_large.kept AS SELECT * FROM side2_large.sales_order WHERE entity_id IN (24, 79999, " +
				"315003); " +
				"DELETE FROM side2_large.sales_order WHERE entity_id IN (24, 79999, 315003)",
			"INSERT INTO side2_large.sales_order SELECT * FROM side2_large.kept",
			"sales_flat_order 0 3 [] [2 11427 44999]",
		},
		{
			"INSERT INTO side2_large.sales_order (entity_id, increment_id) VALUES (12, 'own'), (400000, 'later')",
			"DELETE FROM side2_large.sales_order WHERE entity_id IN (12, 400000)",
			"sales_flat_order 1 1 [] [own]",
		},
	} {
		run(strings.Split(c.do, "; ")...)
		if got := differences(compare(t.Context(), t, sides)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.do, got, c.want)
		}
		run(strings.Split(c.undo, "; ")...)
	}
	run("DELETE FROM side2_large.sales_order WHERE entity_id > 100000")
	report = compare(t.Context(), t, sides)
	if o := report.Outcomes[0]; len(o.Differences) != 1 || o.Differences[0].Kind != reconcile.Missing || !o.Differences[0].More {
		t.Errorf("%+v", o)
	}
}

// TestMainPairs asks for each pair, as every evaluation does, and expects that nothing is read for it.
func TestMainPairs(t *testing.T) {
	pairs := reconcile.Pairs()
	documents := map[string]string{}
	for _, p := range pairs {
		if p.Main() {
			if other, twice := documents[p.Entity]; twice && other != p.Document {
				t.Errorf("%s counts the rows of %s and of %s", p.Entity, other, p.Document)
			}
			documents[p.Entity] = p.Document
		}
	}
	for _, entity := range reconcile.Entities() {
		if documents[entity] == "" {
			t.Errorf("no pair has the rows of %s", entity)
		}
	}
	if got := documents["order"]; got != "sales_flat_order" {
		t.Errorf("orders are counted in %q", got)
	}
	if n := testing.AllocsPerRun(1, func() { pairs[0].Main() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
