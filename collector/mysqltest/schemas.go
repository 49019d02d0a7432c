package mysqltest

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
)

var (
	//go:embed schema/magento1.sql
	magento1SQL string
	//go:embed schema/magento2.sql
	magento2SQL string
	//go:embed schema/migrated.sql
	migratedSQL string
	//go:embed schema/delta_log.sql
	deltaLogSQL string
)

// Magento1 returns an SQL script that makes a small Magento 1.9.4.5 shop with a few rows and two third-party modules.
// The prefix is put before each table's name, as Magento's table_prefix is: letters, digits and underscores. Load runs
// the script.
func Magento1(prefix string) string { return strings.ReplaceAll(magento1SQL, "{{prefix}}", prefix) }

// Magento2 returns an SQL script that makes a small Magento 2.4.7 as its installer leaves it. The prefix is put before
// each table's and view's name and into the triggers' names. Load runs the script.
func Magento2(prefix string) string { return strings.ReplaceAll(magento2SQL, "{{prefix}}", prefix) }

// deltaLogged are the documents of the tool's deltalog.xml that the small Magento 1 has, each with its key.
var deltaLogged = [...]struct{ document, key string }{
	{"catalog_category_entity", "entity_id"},
	{"catalog_compare_item", "catalog_compare_item_id"},
	{"catalog_product_entity", "entity_id"},
	{"core_url_rewrite", "url_rewrite_id"},
	{"customer_address_entity", "entity_id"},
	{"customer_entity", "entity_id"},
	{"newsletter_subscriber", "subscriber_id"},
	{"review", "review_id"},
	{"sales_flat_invoice", "entity_id"},
	{"sales_flat_order", "entity_id"},
	{"sales_flat_order_grid", "entity_id"},
	{"sales_flat_quote", "entity_id"},
}

// SimulateMigrateData does to a small Magento 1 and a small Magento 2 on one server what the Data Migration Tool's
// migrate:settings and migrate:data do: Magento 2's rows become Magento 1's, and Magento 1 gets a delta log, m2_cl_*,
// and its triggers. The triggers run as root@localhost; with the tool they run as its account.
func SimulateMigrateData(ctx context.Context, s *Server, magento1DB, magento2DB, prefix1, prefix2 string) error {
	if err := s.Load(ctx, magento2DB, MigrateData(magento1DB, magento2DB, prefix1, prefix2)); err != nil {
		return fmt.Errorf("simulate migrate:data: %w", err)
	}
	if err := SetUpDeltaLog(ctx, s, magento1DB, prefix1, "CURRENT_USER"); err != nil {
		return fmt.Errorf("simulate migrate:data's delta log: %w", err)
	}
	return nil
}

// MigrateData returns an SQL script that makes of a small Magento 2's rows those of a small Magento 1 on the same
// server, as migrate:settings and migrate:data do. It does not make the delta log.
func MigrateData(magento1DB, magento2DB, prefix1, prefix2 string) string {
	return strings.NewReplacer(
		"{{magento1}}", quoteIdentifier(magento1DB)+"."+prefix1,
		"{{magento2}}", quoteIdentifier(magento2DB)+"."+prefix2,
	).Replace(migratedSQL)
}

// DropDeltaLog removes a delta log from a small Magento 1, with its triggers.
func DropDeltaLog(ctx context.Context, s *Server, db, prefix string) error {
	var statements []string
	for _, d := range deltaLogged {
		for _, event := range []string{"insert", "update", "delete"} {
			statements = append(statements, "DROP TRIGGER "+quoteIdentifier(db)+"."+
				quoteIdentifier("trg_"+prefix+d.document+"_after_"+event))
		}
		statements = append(
			statements,
			"DROP TABLE "+quoteIdentifier(db)+"."+quoteIdentifier(prefix+"m2_cl_"+d.document),
		)
	}
	return s.Exec(ctx, statements...)
}

// SetUpDeltaLog makes the tables and triggers of the tool's delta log in a small Magento 1. The definer is written as
// in CREATE TRIGGER. The triggers say that they were made an hour ago.
func SetUpDeltaLog(ctx context.Context, s *Server, db, prefix, definer string) error {
	// A trigger remembers when it was made; the log of a shop that is being watched is older than the watching.
	return s.Load(ctx, db, "SET timestamp = UNIX_TIMESTAMP() - 3600;\n"+DeltaLog(prefix, definer))
}

// DeltaLog returns an SQL script that makes the tables and triggers of the tool's delta log in a small Magento 1. The
// definer is written as in CREATE TRIGGER.
func DeltaLog(prefix, definer string) string {
	var delta strings.Builder
	for _, d := range deltaLogged {
		delta.WriteString(strings.NewReplacer(
			"{{prefix}}", prefix, "{{document}}", d.document, "{{key}}", d.key, "{{definer}}", definer,
		).Replace(deltaLogSQL))
	}
	return delta.String()
}

// DeltaLogged returns the keys of the documents that the small Magento 1's delta log has, by document.
func DeltaLogged() map[string]string {
	keys := map[string]string{}
	for _, d := range deltaLogged {
		keys[d.document] = d.key
	}
	return keys
}
