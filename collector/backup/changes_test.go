package backup

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// joinings are dumps one behind the other, and statements that people add.
func joinings(t *testing.T) map[string][]byte {
	t.Helper()
	whole := dump(t, "m2")
	structure, rows := dump(t, "--no-data", "m2"), dump(t, "--no-create-info", "m2")
	bare := dump(t, "--no-data", "--skip-triggers", "m2")
	early := func(statement string) []byte {
		end := bytes.LastIndex(whole, []byte("\n-- Dump completed"))
		return slices.Concat(whole[:end], []byte("\n"+statement+"\n"), whole[end:])
	}
	return map[string][]byte{
		"everything twice":                  slices.Concat(whole, whole),
		"three times":                       slices.Concat(whole, whole, whole),
		"the second is cut":                 slices.Concat(whole, whole[:len(whole)/2]),
		"the second has only the structure": slices.Concat(whole, structure),
		"the second has no triggers either": slices.Concat(whole, bare),
		"the second drops nothing":          slices.Concat(whole, dump(t, "--skip-add-drop-table", "m2")),
		"triggers in both halves":           slices.Concat(structure, rows),
		"triggers in both halves, dropped": slices.Concat(
			structure,
			dump(t, "--no-create-info", "--add-drop-trigger", "m2"),
		),
		"rows in both": slices.Concat(
			whole,
			dump(t, "--no-create-info", "--skip-triggers", "m2"),
		),
		"rows in both, replaced": slices.Concat(
			whole,
			dump(t, "-t", "--replace", "--skip-triggers", "m2"),
		),
		"rows in both, ignored": slices.Concat(
			whole,
			dump(t, "-t", "--insert-ignore", "--skip-triggers", "m2"),
		),
		"a table is emptied":                   early("DELETE FROM `admin_user`;"),
		"a table is emptied, the short way":    early("TRUNCATE patch_list;"),
		"a table is emptied, the long way":     early("TRUNCATE TABLE patch_list;"),
		"a table goes":                         early("DROP TABLE IF EXISTS nothing, `patch_list`;"),
		"a table is made again where it is":    early("CREATE TABLE `patch_list` (`patch_id` int);"),
		"a table is made unless it is there":   early("CREATE TABLE IF NOT EXISTS `patch_list` (`patch_id` int);"),
		"a table is replaced":                  early("CREATE OR REPLACE TABLE `patch_list` (`patch_id` int);"),
		"a view is made again where it is":     early("CREATE OR REPLACE VIEW inventory_stock_1 AS SELECT 1;"),
		"a table gets another name":            early("RENAME TABLE `patch_list` TO `patches`;"),
		"a table gets its name again":          early("RENAME TABLE patch_list TO x, x TO patch_list;"),
		"a table gets another name, altered":   early("ALTER TABLE patch_list RENAME TO patches;"),
		"a column gets another name":           early("ALTER TABLE patch_list RENAME COLUMN patch_name TO name;"),
		"a table with triggers gets a name":    early("ALTER TABLE catalog_product_entity RENAME AS products;"),
		"a trigger goes":                       early("DROP TRIGGER IF EXISTS nothing;"),
		"the structure without triggers, then": slices.Concat(bare, rows),
	}
}

// TestJoinedDumps checks that what is in a dump twice, or taken away again, is judged by what the mysql client makes of
// it: the database after the last statement, and an end at the first that fails.
func TestJoinedDumps(t *testing.T) {
	t.Parallel()
	for name, content := range joinings(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database, takes := clientRestores(t, content)
			r := report(t, write(t, "dump.sql", content))
			if (r.State == StateWhole) != takes {
				t.Fatalf("the client takes it: %v; %s: %s (at %d)", takes, r.State, r.Damage, r.Offset)
			}
			if !takes {
				return
			}
			db, _ := r.Database("m2")
			// Triggers add rows to other tables, and rows that replace others or are ignored are counted twice.
			double := strings.HasPrefix(name, "rows in both")
			if n, want := db.rows["patch_list"].Count, countOf(t, database, "patch_list"); n != want && !double {
				t.Errorf("%d patches, the server has %d", n, want)
			}
			if want := countTriggers(t, database); db.Triggers != want {
				t.Errorf("%d triggers, the server has %d", db.Triggers, want)
			}
		})
	}
}

// TestDumpsOfTwoDatabasesJoined checks that dumps of different databases which name none in a statement are not taken for
// a backup of one of them: the mysql client restores both into one database.
func TestDumpsOfTwoDatabasesJoined(t *testing.T) {
	t.Parallel()
	m2, other := dump(t, "m2"), dump(t, "other")
	r := report(t, write(t, "dump.sql", slices.Concat(m2, other)))
	if r.State != StateOpaque || !strings.Contains(r.Damage, "(m2, other) without USE") || r.Advice == "" {
		t.Errorf("%s: %s; %s", r.State, r.Damage, r.Advice)
	}
	for name, content := range map[string][]byte{
		"both with USE":       slices.Concat(dump(t, "--databases", "m2"), dump(t, "--databases", "other")),
		"the database again":  slices.Concat(m2, dump(t, "--databases", "--add-drop-database", "m2")),
		"the second with USE": slices.Concat(m2, dump(t, "--databases", "other")),
	} {
		r := report(t, write(t, "dump.sql", content))
		if db, ok := r.Database("m2"); r.State != StateWhole || !ok {
			t.Errorf("%s: %s: %s", name, r.State, r.Damage)
		} else {
			wantFresh(t, db.Content(""))
		}
	}
}

// countOf counts the rows of a table, none where it is gone.
func countOf(tb testing.TB, database, table string) (n int64) {
	tb.Helper()
	root, err := server.Root(tb.Context())
	must(tb, err)
	var tables int
	must(tb, root.QueryRowContext(tb.Context(),
		"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = ?", database, table).
		Scan(&tables))
	if tables > 0 {
		must(tb, root.QueryRowContext(tb.Context(), "SELECT COUNT(*) FROM `"+database+"`.`"+table+"`").Scan(&n))
	}
	return n
}

// countTriggers counts the triggers of a database.
func countTriggers(tb testing.TB, database string) (n int) {
	tb.Helper()
	root, err := server.Root(tb.Context())
	must(tb, err)
	must(tb, root.QueryRowContext(tb.Context(),
		"SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = ?", database).Scan(&n))
	return n
}
