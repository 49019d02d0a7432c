package reconcile_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/leaktest"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/reconcile"
)

// schemaOfAll makes the tables of all pairs, of which both systems have all columns.
func schemaOfAll() [2][]string {
	var all [2][]string
	made := [2]map[string]bool{{}, {}}
	add := func(side int, table string, p reconcile.Pair) {
		if made[side][table] {
			return
		}
		made[side][table] = true
		var columns []string
		names := slices.Concat(p.Hashed, p.Columns, p.Flat)
		if p.Key != "" {
			columns = append(columns, database.Quote(p.Key)+" INT NOT NULL PRIMARY KEY")
		}
		if len(p.Attributes) > 0 || p.Own {
			columns = append(columns, "attribute_id INT")
		}
		for i, name := range names {
			if !slices.Contains(names[:i], name) {
				columns = append(columns, database.Quote(name)+" VARCHAR(50)")
			}
		}
		all[side] = append(all[side], "CREATE TABLE "+database.Quote(table)+" ("+strings.Join(columns, ", ")+")")
	}
	for _, p := range reconcile.Pairs() {
		if p.Level == reconcile.Grid {
			add(1, p.Document, p)
		} else {
			add(0, p.Document, p)
		}
		add(1, p.Table, p)
	}
	for side := range all {
		for _, table := range []string{
			"eav_attribute (attribute_id INT, entity_type_id INT, attribute_code VARCHAR(50), backend_type VARCHAR(8), " +
				"is_user_defined INT, frontend_input VARCHAR(50))",
			"eav_entity_type (entity_type_id INT, entity_type_code VARCHAR(50))",
			"eav_entity_attribute (attribute_id INT, attribute_set_id INT)",
			"eav_attribute_set (attribute_set_id INT, entity_type_id INT)",
		} {
			all[side] = append(all[side], "CREATE TABLE IF NOT EXISTS "+table)
		}
	}
	return all
}

// perMigration is how much memory a migration may keep of the comparison between two evaluations, in bytes.
const perMigration = 20 << 10

// TestManyPlansAreSmall compares the same systems for many migrations, as an exporter of an agency does.
func TestManyPlansAreSmall(t *testing.T) {
	server := mysqltest.New(t, mysqltest.Options{})
	sides := [2]reconcile.Side{}
	for side, statements := range schemaOfAll() {
		name := fmt.Sprintf("all%d", side+1)
		script := append([]string{"CREATE DATABASE " + name, "USE " + name}, statements...)
		if err := server.Exec(t.Context(), script...); err != nil {
			t.Fatal(err)
		}
		sides[side] = reconcile.Side{Session: open(t, server, name)}
	}
	shared := &reconcile.Definitions{}
	plan := func() *reconcile.Plan {
		plan, err := reconcile.NewPlan(t.Context(), sides, nil, shared)
		if err != nil {
			t.Fatal(err)
		}
		runRounds(t.Context(), t, plan, sides)
		return plan
	}
	first := plan()
	const migrations = 30
	plans := make([]*reconcile.Plan, migrations)
	before := leaktest.Heap()
	for i := range plans {
		plans[i] = plan()
	}
	each := (leaktest.Heap() - before) / migrations
	runtime.KeepAlive(plans)
	runtime.KeepAlive(first)
	if t.Logf("%d bytes", each); each > perMigration {
		t.Errorf("each migration keeps %d bytes, more than %d", each, perMigration)
	}
}
