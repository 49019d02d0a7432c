package backup

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/baseline"
)

// todayRows counts the rows of the tables that installation fills, in a database of the test's server.
func todayRows(t *testing.T, database, prefix string) map[string]int64 {
	t.Helper()
	root, err := server.Root(t.Context())
	must(t, err)
	rows := map[string]int64{}
	for _, f := range baseline.FilledTables() {
		var n int64
		err := root.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM `"+database+"`.`"+prefix+f.Table+"`").Scan(&n)
		if err == nil && f.Rows > 0 { // the small Magento has not all of them
			rows[f.Table] = n
		}
	}
	if len(rows) < 10 {
		t.Fatalf("only %d tables that installation fills", len(rows))
	}
	return rows
}

// todayTriggers counts the triggers of each table.
func todayTriggers(t *testing.T, database, prefix string) map[string]int {
	t.Helper()
	root, err := server.Root(t.Context())
	must(t, err)
	rows, err := root.QueryContext(
		t.Context(),
		"SELECT EVENT_OBJECT_TABLE, COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? GROUP BY 1",
		database,
	)
	must(t, err)
	defer func() { must(t, rows.Close()) }()
	triggers := map[string]int{}
	for rows.Next() {
		var table string
		var n int
		must(t, rows.Scan(&table, &n))
		triggers[strings.TrimPrefix(table, prefix)] = n
	}
	must(t, rows.Err())
	return triggers
}

// leftOut returns the tables of whose rows a whole backup of m2 holds too few.
func leftOut(t *testing.T, path, database, prefix string) []string {
	t.Helper()
	r := report(t, path)
	wantWhole(t, r)
	db, ok := r.Database(database)
	if !ok {
		t.Fatalf("no database %s, but %v", database, r.Databases)
	}
	var tables []string
	for _, l := range db.Content(prefix).LeftOut(todayRows(t, database, prefix)) {
		tables = append(tables, l.Table)
	}
	return tables
}

// TestRowsLeftOutOfEachTable leaves the rows of one table out, for each that installation fills.
func TestRowsLeftOutOfEachTable(t *testing.T) {
	t.Parallel()
	today := todayRows(t, "m2p", "m2_")
	for table := range today {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			content := dump(t, "--ignore-table-data=m2p.m2_"+table, "m2p")
			if got := leftOut(t, write(t, "dump.sql", content), "m2p", "m2_"); !slices.Equal(got, []string{table}) {
				t.Errorf("left out: %q", got)
			}
		})
	}
}

func TestRowsLeftOut(t *testing.T) {
	t.Parallel()
	nothing := []string(nil)
	today := todayRows(t, "m2", "")
	atLeast := func(rows int64) []string { // tables of which installation makes that many rows
		var tables []string
		for _, f := range baseline.FilledTables() {
			if min(f.Rows, today[f.Table]) >= rows {
				tables = append(tables, f.Table)
			}
		}
		return tables
	}
	all := slices.Sorted(maps.Keys(today))
	stores := []string{"store", "store_group", "store_website"}
	without := func(option string, tables ...string) []string {
		var args []string
		for _, table := range tables {
			args = append(args, "--"+option+"=m2."+table)
		}
		return append(args, "m2")
	}
	for name, c := range map[string]struct {
		content []byte
		want    []string
	}{
		"nothing":        {dump(t, "m2"), nothing},
		"several tables": {dump(t, without("ignore-table-data", stores...)...), stores},
		"the structure, then the rest": {
			slices.Concat(dump(t, append([]string{"--no-data", "m2"}, stores...)...),
				dump(t, without("ignore-table", stores...)...)), stores,
		},
		"tables that are not there": {dump(t, without("ignore-table", stores...)...), stores},
		"one row of each":           {dump(t, "--where=1 limit 1", "m2"), atLeast(2)},
		"one row of each, without a word of it": {
			[]byte(strings.ReplaceAll(string(dump(t, "--where=1 limit 1", "m2")), "-- WHERE:", "-- ")), atLeast(3),
		},
		"no rows for a condition":  {dump(t, "--where=1 = 0", "m2"), all},
		"all rows for a condition": {dump(t, "--where=1", "m2"), nothing},
		"a condition for one other table": {slices.Concat(
			dump(t, without("ignore-table", "sales_order")...), dump(t, "--where=entity_id > 5", "m2", "sales_order")), nothing},
		"most rows of each": {dump(t, "--where=1 limit 7", "m2"), atLeast(8)},
		"generated tables and logs": {
			dump(t, without("ignore-table-data", "cron_schedule", "catalog_product_index_price", "mview_state")...), nothing,
		},
		"rows with column names": {
			dump(t, "--complete-insert", "--skip-extended-insert", "--ignore-table-data=m2.indexer_state", "m2"), []string{
				"indexer_state",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := leftOut(t, write(t, "dump.sql", c.content), "m2", ""); !slices.Equal(got, c.want) {
				t.Errorf("left out: %q, want %q", got, c.want)
			}
		})
	}
	t.Run("a file of mydumper is missing", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "dump")
		tool(t, "mydumper", mydumperArgs(dir, "-B", "m2")...)
		must(t, os.Remove(filepath.Join(dir, "m2.store.sql")))
		if got := leftOut(t, dir, "m2", ""); !slices.Equal(got, []string{"store"}) {
			t.Errorf("left out: %q", got)
		}
	})
}

// TestRowsSince checks that rows which the database got since the backup are not missed.
func TestRowsSince(t *testing.T) {
	t.Parallel()
	r := report(t, write(t, "dump.sql", dump(t, "m2")))
	db, _ := r.Database("m2")
	today := todayRows(t, "m2", "")
	for table := range today {
		today[table] += today[table] / 2
	}
	today["rating"] = 0
	if got := db.Content("").LeftOut(today); len(got) != 0 {
		t.Errorf("left out: %+v", got)
	}
	for table := range today {
		today[table] = 5000
	}
	for _, l := range db.Content("").LeftOut(today) {
		if l.Today != 5000 || l.Rows >= l.Today {
			t.Errorf("%+v", l)
		}
	}
}

func TestTriggerGaps(t *testing.T) {
	t.Parallel()
	today := todayTriggers(t, "m2", "")
	const table = "catalog_category_entity"
	some := slices.Concat(dump(t, "--ignore-table=m2."+table, "m2"), dump(t, "--skip-triggers", "m2", table))
	onlyInsert := slices.Concat(some, []byte("-- MariaDB dump\nDELIMITER ;;\n"+
		"CREATE DEFINER=`a`@`b` TRIGGER IF NOT EXISTS `m2`.`x` AFTER INSERT ON `"+table+"` FOR EACH ROW SET @on = 1 ;;\n"+
		"DELIMITER ;\n-- Dump completed on 2026-11-23  1:00:00\n"))
	prefixed := todayTriggers(t, "m2p", "m2_")
	for name, c := range map[string]struct {
		path, database, prefix string
		today, want            map[string]int
	}{
		"none missing":              {write(t, "a.sql", dump(t, "m2")), "m2", "", today, nil},
		"none missing, prefix":      {write(t, "a.sql", dump(t, "m2p")), "m2p", "m2_", prefixed, nil},
		"none missing, server dump": {write(t, "a.sql", dump(t, "--databases", "other", "m2p")), "m2p", "m2_", prefixed, nil},
		"all missing":               {write(t, "a.sql", dump(t, "--skip-triggers", "m2")), "m2", "", today, zeros(today)},
		"those of a table":          {write(t, "a.sql", some), "m2", "", today, map[string]int{table: 0}},
		"one of a table":            {write(t, "a.sql", onlyInsert), "m2", "", today, map[string]int{table: 1}},
		"mydumper with triggers":    {mydumped(t, true), "m2", "", today, nil},
		"mydumper without triggers": {mydumped(t, false), "m2", "", today, zeros(today)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, ok := report(t, c.path).Database(c.database)
			if !ok {
				t.Fatal("the database is not in it")
			}
			got := map[string]int{}
			for _, gap := range db.Content(c.prefix).TriggerGaps(c.today) {
				got[gap.Table] = gap.Has
				if gap.Today != c.today[gap.Table] {
					t.Errorf("%+v", gap)
				}
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("too few triggers: %v, want %v", got, c.want)
			}
		})
	}
}

func zeros(of map[string]int) map[string]int {
	none := map[string]int{}
	for table := range of {
		none[table] = 0
	}
	return none
}

// mydumped returns a directory of mydumper.
func mydumped(t *testing.T, triggers bool) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dump")
	args := mydumperArgs(dir, "-B", "m2")
	if !triggers {
		args = slices.DeleteFunc(args, func(arg string) bool { return arg == "-G" })
	}
	tool(t, "mydumper", args...)
	return dir
}

// TestFilledKeys checks what dumps show about the keys of the tables that installation fills.
func TestFilledKeys(t *testing.T) {
	t.Parallel()
	const magento = "CREATE TABLE store (store_id int);\nCREATE TABLE sales_order (entity_id int);\n" +
		"CREATE TABLE patch_list (patch_id int);\n"
	const attributes = "CREATE TABLE `eav_attribute` (`attribute_id` smallint NOT NULL AUTO_INCREMENT, `x` int, " +
		"PRIMARY KEY (`attribute_id`)) ENGINE=InnoDB"
	const rows = "INSERT INTO `eav_attribute` VALUES (3,NULL),(7,NULL);\n"
	for name, c := range map[string]struct {
		sql  string
		want int64 // 0 where it does not say
	}{
		"a counter": {
			attributes + " AUTO_INCREMENT=137 DEFAULT CHARSET=utf8 COMMENT='AUTO_INCREMENT=9';\n" + rows, 137,
		},
		"spaces":           {attributes + " auto_increment = 137;\n" + rows, 137},
		"within a comment": {attributes + " /*!50100 AUTO_INCREMENT=137 */;\n" + rows, 137},
		"behind the rows":  {attributes + ";\n" + rows + "ALTER TABLE `eav_attribute` AUTO_INCREMENT = 137;\n", 137},
		"as phpMyAdmin writes": {
			attributes + ";\n" + rows + "ALTER TABLE `eav_attribute`\n" +
				"  MODIFY `attribute_id` smallint NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=137;\n", 137,
		},
		"of another table":  {attributes + ";\n" + rows + "ALTER TABLE `eav` AUTO_INCREMENT=137;\n", 8},
		"no counter":        {attributes + ";\n" + rows, 8},
		"a counter too low": {attributes + " AUTO_INCREMENT=2;\n" + rows, 8},
		"no number":         {attributes + " AUTO_INCREMENT=many;\n" + rows, 8},
		"neither":           {attributes + ";\n", 0},
		"only a counter":    {attributes + " AUTO_INCREMENT=137;\n", 137},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := report(t, write(t, "dump.sql", []byte(magento+c.sql)))
			db, ok := r.Database("")
			if !ok {
				t.Fatalf("%+v", r)
			}
			got := int64(0)
			for _, k := range db.Content("").FilledKeys() {
				if k.Table == "eav_attribute" || k.Table == "catalog_eav_attribute" {
					if k.Key != "attribute_id" || got != 0 && got != k.Below {
						t.Errorf("%+v", k)
					}
					got = k.Below
				}
			}
			if got != c.want {
				t.Errorf("keys are below %d, want %d", got, c.want)
			}
		})
	}
}

// TestFilledKeysOfTools checks that the programs' own dumps show the counter of the server.
func TestFilledKeysOfTools(t *testing.T) {
	t.Parallel()
	root, err := server.Root(t.Context())
	must(t, err)
	var highest int64
	must(t, root.QueryRowContext(t.Context(), "SELECT MAX(attribute_id) FROM m2.eav_attribute").Scan(&highest))
	for name, path := range map[string]string{
		"mariadb-dump": write(t, "dump.sql", dump(t, "m2")),
		"mydumper":     mydumped(t, true),
	} {
		r := report(t, path)
		db, _ := r.Database("m2")
		found := false
		for _, k := range db.Content("").FilledKeys() {
			if k.Table == "eav_attribute" {
				found = true
				if k.Below <= highest || k.Rows < 5 {
					t.Errorf("%s: %+v, the highest key is %d", name, k, highest)
				}
			}
		}
		if !found {
			t.Errorf("%s shows nothing of the keys", name)
		}
	}
}

// TestLeftOutOfCode checks when fewer rows of a table that only code fills are a gap.
func TestLeftOutOfCode(t *testing.T) {
	t.Parallel()
	c := Content{
		RowsKnown: true, Patches: []string{"a", "b"}, Modules: []string{"M"},
		FilledRows: map[string]int64{"eav_entity_type": 8, "store": 2},
	}
	today := map[string]int64{"eav_entity_type": 9, "store": 3}
	for name, tc := range map[string]struct {
		change           func(c *Content)
		patches, modules []string
		want             int
	}{
		"no code ran since":  {func(*Content) {}, []string{"a", "b"}, []string{"M"}, 1},
		"less code":          {func(*Content) {}, []string{"a"}, nil, 1},
		"a patch since":      {func(*Content) {}, []string{"a", "c"}, []string{"M"}, 0},
		"a module since":     {func(*Content) {}, []string{"a"}, []string{"M", "N"}, 0},
		"before patches":     {func(*Content) {}, nil, []string{"M"}, 0},
		"names are missing":  {func(c *Content) { c.NamesCapped = true }, []string{"a"}, []string{"M"}, 0},
		"rows are not known": {func(c *Content) { c.RowsKnown = false }, []string{"a"}, []string{"M"}, 0},
	} {
		changed := c
		tc.change(&changed)
		if got := changed.LeftOutOfCode(today, tc.patches, tc.modules); len(got) != tc.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
