package shoptest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/mysqltest"
)

// WithDelta gives the shop, whose databases are on one server, what migrate:settings and migrate:data leave: Magento
// 1's rows in Magento 2, a delta log whose triggers run as the shop's account, the tool's progress file and its own
// log. The roots are those of WithRoots.
func (s *Shop) WithDelta() (root1, root2 string) {
	s.T.Helper()
	root1, root2 = s.WithRoots()
	if !s.migrated {
		s.migrate()
	}
	const mapStep = `<step title="Map Step"><delta>`
	WriteUnder(s.T, root2, "config.xml", strings.Replace(s.ConfigXML(nil), mapStep,
		`<step title="Customer Step"><delta>Migration\Step\Customer\Delta</delta></step>`+mapStep, 1))
	WriteUnder(s.T, root2, ToolDir+"/etc/delta_document_groups_file.xml", DeltaGroups())
	WriteUnder(s.T, root2, ToolDir+"/etc/opensource-to-opensource/1.9.4.5/map.xml.dist",
		"<map><source><document_rules><ignore><document>sales_flat_order_grid</document></ignore>"+
			renames(
				"sales_flat_order",
				"sales_order",
				"sales_flat_invoice",
				"sales_invoice",
				"sales_flat_quote",
				"quote",
			)+
			"</document_rules></source><destination/></map>")
	// The settings are those of two shops: migrate:settings has not run.
	WriteUnder(s.T, root2, ToolDir+"/etc/settings_map_file.xml",
		"<settings><key><ignore><path>*</path></ignore></key><value/></settings>")
	for _, option := range []string{"customer_map_file", "tier_price_map_file"} {
		WriteUnder(s.T, root2, ToolDir+"/etc/"+option+".xml", "<map><source/><destination/></map>")
	}
	WriteUnder(s.T, root2, ToolDir+"/etc/stores_map_file.xml", "<map><source><document_rules>"+
		renames("core_store", "store", "core_store_group", "store_group", "core_website", "store_website")+
		"</document_rules></source><destination/></map>")
	WriteUnder(s.T, root2, ToolDir+"/etc/log_map_file.xml", "<map><source/><destination/></map>")
	WriteUnder(s.T, root2, "var/migration-tool-progress.lock",
		`{"Migration\\App\\SetupDeltaLog":{"setup triggers":{"result":true}},`+
			`"Migration\\Step\\Map\\Data":{"data migration":{"result":true}}}`)
	s.WriteRunLog(time.Now().Add(-50*time.Minute), DataRun...)
	return root1, root2
}

// migrate gives the databases what migrate:settings and migrate:data leave in them.
func (s *Shop) migrate() {
	s.T.Helper()
	s.Must(s.Server1.Load(s.T.Context(), s.DB2, mysqltest.MigrateData(s.DB1, s.DB2, s.Prefix1, s.Prefix2)))
	s.SetUpDeltaLog()
	s.On2("UPDATE " + s.Prefix2 + "customer_entity c JOIN `" + s.DB1 + "`." + s.Prefix1 +
		"customer_entity o USING (entity_id) SET c.updated_at = o.updated_at")
}

// renames are the rules of a map file for documents with other names in Magento 2; the names come in pairs.
func renames(names ...string) string {
	var b strings.Builder
	for pair := range slices.Chunk(names, 2) {
		fmt.Fprintf(&b, "<rename><document>%s</document><to>%s</to></rename>", pair[0], pair[1])
	}
	return b.String()
}

// SetUpDeltaLog makes the delta log as the shop's account does.
func (s *Shop) SetUpDeltaLog() {
	s.T.Helper()
	s.Must(mysqltest.SetUpDeltaLog(s.T.Context(), s.Server1, s.DB1, s.Prefix1, "'"+s.User+"'@'%'"))
}

// Must ends the test at an error.
func (s *Shop) Must(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

// DeltaGroups is the tool's delta file for the small Magento 1.
func DeltaGroups() string {
	groups := map[string]string{
		"customer_entity": "delta_customer", "customer_address_entity": "delta_customer",
		"core_url_rewrite": "delta_url_rewrite",
	}
	members := map[string][]string{}
	keys := mysqltest.DeltaLogged()
	for _, document := range slices.Sorted(maps.Keys(keys)) {
		group, ok := groups[document]
		if !ok {
			group = "delta_map"
		}
		members[group] = append(members[group], fmt.Sprintf("<document key=%q>%s</document>", keys[document], document))
	}
	var b strings.Builder
	b.WriteString("<groups>")
	for _, group := range slices.Sorted(maps.Keys(members)) {
		fmt.Fprintf(&b, "<group name=%q>%s</group>", group, strings.Join(members[group], ""))
	}
	return b.String() + "</groups>"
}

// DataRun are the lines, without their time, that a good migrate:data leaves in the tool's log.
var DataRun = []string{
	"[INFO][mode: data][stage: integrity check][step: Map Step]: started",
	"[INFO][mode: data][stage: setup triggers][step: Stage]: started",
	"[INFO][mode: data][stage: data migration][step: Map Step]: started",
	"[INFO][mode: data][stage: data migration][step: Map Step]: Migration completed",
}

// DeltaCycle are the lines of one cycle of migrate:delta.
var DeltaCycle = []string{
	"[INFO][mode: delta][stage: delta delivering][step: Map Step]: started",
	"[INFO][mode: delta][stage: volume check][step: Map Step]: started",
	"[INFO][mode: delta][stage: volume check][step: Map Step]: Migration completed successfully",
	"[INFO][mode: delta][stage: volume check][step: Map Step]: Automatic restart in 5 sec. Use CTRL-C to abort",
}

// WriteRunLog adds lines to the tool's log, all with one time.
func (s *Shop) WriteRunLog(at time.Time, lines ...string) {
	s.T.Helper()
	path := filepath.Join(s.Migration.Magento2.Root, "var/migration.log")
	s.Must(os.MkdirAll(filepath.Dir(path), 0o755))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	s.Must(err)
	for _, line := range lines {
		_, err := fmt.Fprintf(f, "[%s]%s\n", at.UTC().Format("2006-01-02T15:04:05.000000-07:00"), line)
		s.Must(err)
	}
	s.Must(f.Close())
	s.Must(os.Chtimes(path, at, at))
}

// delivered are the documents that Deliver copies, each with its table in Magento 2 and the columns that both have.
var delivered = []struct{ document, magento2, key, columns string }{
	{
		"customer_entity",
		"customer_entity",
		"entity_id",
		"entity_id, website_id, email, group_id, increment_id, store_id, created_at, updated_at, is_active",
	},
	{
		"sales_flat_order",
		"sales_order",
		"entity_id",
		"entity_id, state, status, store_id, customer_id, base_grand_total, grand_total, increment_id, " +
			"base_currency_code, customer_email, created_at, updated_at",
	},
	{
		"catalog_product_entity",
		"catalog_product_entity",
		"entity_id",
		"entity_id, attribute_set_id, type_id, sku, has_options, required_options, created_at, updated_at",
	},
	{
		"sales_flat_quote",
		"quote",
		"entity_id",
		"entity_id, store_id, created_at, updated_at, is_active, items_count, grand_total, customer_id",
	},
}

// Deliver does what one cycle of migrate:delta does up to its last step: it copies what waits in the log to Magento 2
// and marks it. Clean ends the cycle. A delta that dies in the middle never comes to Clean.
func (s *Shop) Deliver(ctx context.Context) error {
	statements := []string{"USE `" + s.DB1 + "`"}
	for _, d := range delivered {
		old, log := "`"+s.DB1+"`."+s.Prefix1+d.document, "`"+s.DB1+"`."+s.Prefix1+"m2_cl_"+d.document
		made := "`" + s.DB2 + "`." + s.Prefix2 + d.magento2
		statements = append(
			statements,
			fmt.Sprintf(
				"DELETE n FROM %s n JOIN %s l USING (%s) WHERE l.processed = 0 AND l.operation = 'DELETE'",
				made,
				log,
				d.key,
			),
			fmt.Sprintf(
				"REPLACE INTO %s (%s) SELECT %s FROM %s o WHERE %s IN (SELECT %[5]s FROM %[6]s WHERE processed = 0)",
				made,
				d.columns,
				d.columns,
				old,
				d.key,
				log,
			),
			fmt.Sprintf(
				"UPDATE %s l LEFT JOIN %s o USING (%s) SET l.processed = 1 WHERE o.%[3]s IS NOT NULL OR l.operation "+
					"= 'DELETE'",
				log,
				old,
				d.key,
			),
		)
	}
	return s.Server1.Exec(ctx, statements...)
}

// Clean ends a cycle as migrate:delta does: it deletes what is marked, in the log of every document.
func (s *Shop) Clean(ctx context.Context) error {
	var statements []string
	for _, document := range slices.Sorted(maps.Keys(mysqltest.DeltaLogged())) {
		statements = append(statements, "DELETE FROM `"+s.DB1+"`."+s.Prefix1+"m2_cl_"+document+" WHERE processed = 1")
	}
	return s.Server1.Exec(ctx, statements...)
}
