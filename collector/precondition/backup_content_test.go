package precondition_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
)

// cutRows removes the last rows of a table from a dump that has a statement for each row.
func cutRows(t *testing.T, path, table string, last int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	insert := "INSERT INTO `" + table + "`"
	rows := strings.Count(string(text), insert)
	if rows <= last {
		t.Fatalf("only %d rows of %s", rows, table)
	}
	lines := slices.DeleteFunc(strings.Split(string(text), "\n"), func(line string) bool {
		if strings.HasPrefix(line, insert) {
			rows--
		}
		return strings.HasPrefix(line, insert) && rows < last
	})
	rewrite(t, path, strings.Join(lines, "\n"))
}

// rewrite replaces an old file's content.
func rewrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	age(t, path, time.Second)
}

// forget removes the counters of all tables from a dump.
func forget(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, path, regexp.MustCompile(` AUTO_INCREMENT=\d+`).ReplaceAllString(string(text), ""))
}

// catalogAttributes is the table that has a row for each attribute of products and categories.
const catalogAttributes = "CREATE TABLE catalog_eav_attribute (attribute_id smallint unsigned PRIMARY KEY, x int)"

// Most rows of a table are in the backup, no condition is named in it, and yet it is not whole.
func TestBackupCut(t *testing.T) {
	t.Parallel()
	const atDump, ofCode = "lacks rows that the database had when it was made", "lacks rows that the installation created"
	for name, tc := range map[string]struct {
		prepare []string
		table   string
		less    int // rows that are cut
		edit    func(t *testing.T, path string)
		words   []string
	}{
		"the last row of a table with a counter": {
			nil, "eav_attribute", 1, nil, []string{atDump, "eav_attribute: "},
		},
		"a row that has no counter of its own": {
			[]string{catalogAttributes, "INSERT INTO catalog_eav_attribute SELECT attribute_id, 0 FROM eav_attribute"},
			"catalog_eav_attribute", 2, nil, []string{atDump, "catalog_eav_attribute: "},
		},
		"a row that only code makes": {
			[]string{
				"CREATE TABLE directory_country (country_id varchar(2) PRIMARY KEY)",
				"INSERT INTO directory_country VALUES ('AD'), ('AE'), ('AF'), ('AG')",
			}, "directory_country", 1, nil, []string{ofCode, "directory_country: 3 of at least 4 rows"},
		},
		"of a number that differs": {
			[]string{
				"CREATE TABLE IF NOT EXISTS mview_state (state_id int unsigned AUTO_INCREMENT PRIMARY KEY, mode varchar(16))",
				"INSERT INTO mview_state (mode) VALUES ('disabled'), ('disabled')",
			}, "mview_state", 1, nil, []string{atDump, "mview_state: "},
		},
		"without counters":           {nil, "eav_entity_type", 1, forget, []string{ofCode, "eav_entity_type: "}},
		"of the register of patches": {nil, "patch_list", 3, nil, []string{atDump, "patch_list: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newShopWithBackup(t)
			s.On2(tc.prepare...)
			path := filepath.Join(dir, "m2.sql")
			s.Dump(path, s.DB2, false, "--skip-extended-insert")
			s.Want("backup", finding.Pass)
			cutRows(t, path, tc.table, tc.less)
			if tc.edit != nil {
				tc.edit(t, path)
			}
			f := s.WantFinding("backup", finding.Fail, tc.words...)
			if f.Subject != path {
				t.Errorf("subject %q", f.Subject)
			}
			s.Migration.Magento1.Database.Host = "no-such-host.invalid"
			s.WantFinding("backup", finding.Unknown, append(tc.words, "without the phase")...)
		})
	}
}

// What was added to the database since is no gap in the backup, nor is what was deleted before.
func TestBackupAndRowsSince(t *testing.T) {
	t.Parallel()
	s, dir := newShopWithBackup(t)
	s.On2(catalogAttributes, "INSERT INTO catalog_eav_attribute SELECT attribute_id, 0 FROM eav_attribute",
		"INSERT INTO customer_group (customer_group_code, tax_class_id) VALUES ('gone', 3)",
		"DELETE FROM customer_group WHERE customer_group_code = 'gone'",
		"CREATE TABLE review_status (status_id smallint unsigned AUTO_INCREMENT PRIMARY KEY, code varchar(9))",
		"INSERT INTO review_status (code) VALUES ('a'), ('b')")
	s.Dump(filepath.Join(dir, "m2.sql"), s.DB2, false)
	s.Want("backup", finding.Pass)
	s.On2("INSERT INTO eav_attribute (entity_type_id, attribute_code, is_user_defined) VALUES (4, 'since', 1)",
		"INSERT INTO catalog_eav_attribute SELECT MAX(attribute_id), 0 FROM eav_attribute",
		"INSERT INTO customer_group (customer_group_code, tax_class_id) VALUES ('since', 3)")
	s.Want("backup", finding.Pass)
	s.On2("INSERT INTO review_status (code) VALUES ('c')",
		`INSERT INTO patch_list (patch_name) VALUES ('Acme\\Review\\Setup\\Patch\\Data\\AddStatus')`)
	s.WantFinding("backup", finding.Warn, "extensions were installed since the backup", `Acme\Review`)
}

func TestBackupOfMagento1(t *testing.T) {
	t.Parallel()
	const head = "-- phpMyAdmin SQL Dump\n-- version 5.2.1\n\nSTART TRANSACTION;\n-- Database: `x`\n"
	const table = "CREATE TABLE `%score_resource` (`code` varchar(50), `version` varchar(50));\n" +
		"INSERT INTO `%score_resource` (`code`, `version`) VALUES\n('core_setup', '1.6.0.6');\n"
	dump := func(prefix string) string { return strings.ReplaceAll(table, "%s", prefix) }
	for name, tc := range map[string]struct{ text, evidence string }{
		"whole":         {head + dump("") + "COMMIT;\n", "it has core_resource"},
		"with a prefix": {head + dump("mage_") + "COMMIT;\n", "it has mage_core_resource"},
		"cut short":     {head + dump(""), "it has core_resource"},
		"cut in a row":  {head + dump("") + "INSERT INTO `core_store` VALUES (0,'adm", "it has core_resource"},
		"without an end mark, of another name": {
			"CREATE DATABASE `shop`;\nUSE `shop`;\n" + dump(""), `it has core_resource in the database "shop"`,
		},
		"by HeidiSQL": {"-- Host: x\n-- HeidiSQL Version: 12.6.0.6765\n" + dump(""), "it has core_resource"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newShopWithBackup(t)
			s.write(filepath.Join(dir, "m1.sql"), tc.text)
			s.WantFinding("backup", finding.Fail, "the backup is of a Magento 1", tc.evidence)
		})
	}
	s, dir := newShopWithBackup(t)
	s.On2("CREATE TABLE m1_core_resource (code varchar(50))")
	s.Dump(filepath.Join(dir, "m2.sql"), s.DB2, false)
	s.Want("backup", finding.Pass) // both shops have tables in this database
}

func TestBackupNotesAreEvidence(t *testing.T) {
	t.Parallel()
	s, dir := newShopWithBackup(t)
	s.write(filepath.Join(dir, "m1.sql"), "-- phpMyAdmin SQL Dump\n-- version 5.2.1\n\nSTART TRANSACTION;\n"+
		"CREATE TABLE `core_resource` (`code` varchar(50));\nCOMMIT;\n")
	s.WantFinding("backup", finding.Fail, "it has core_resource; it holds no triggers: phpMyAdmin writes them only")
}

func TestBackupOfAnotherPrefix(t *testing.T) {
	t.Parallel()
	s, dir := newShopWithBackup(t)
	path := filepath.Join(dir, "m2.sql")
	s.Dump(path, s.DB2, false)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	prefixed := regexp.MustCompile("(DROP TABLE IF EXISTS|CREATE TABLE|INSERT INTO|LOCK TABLES) `").
		ReplaceAllString(string(text), "$1 `old_")
	rewrite(t, path, prefixed)
	s.WantFinding("backup", finding.Fail, "contains no Magento 2", `but no Magento 2 without a table prefix`,
		`there is one with "old_"`)
}

// TestBackupOfSomeTables checks folders with the dumps of some tables: one finding says what is missing.
func TestBackupOfSomeTables(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tables []string
		status finding.Status
		words  []string
	}{
		"the first": {
			[]string{"admin_user", "catalog_category_entity", "catalog_product_entity", "cms_block"}, finding.Fail,
			[]string{"the backup lacks tables of Magento 2", "35 tables: ", "cms_page, core_config_data, cron_schedule"},
		},
		"none that marks a Magento 2": {
			[]string{"cms_block", "cms_page", "cron_schedule", "customer_group", "url_rewrite"}, finding.Fail,
			[]string{"the backup lacks tables of Magento 2", "_version_log, admin_user, "},
		},
		"all": {nil, finding.Unknown, []string{"unknown whether the backup is complete", "not of one moment"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newShopWithBackup(t)
			tables := tc.tables
			if tables == nil {
				tables = tablesOf(t, s)
			}
			for _, table := range tables {
				path := filepath.Join(dir, table+".sql")
				s.Dump(path, table, false, s.DB2) // mariadb-dump DATABASE TABLE
				age(t, path, time.Second)
			}
			s.WantFinding("backup", tc.status, tc.words...)
		})
	}
}

// tablesOf lists the base tables of Magento 2.
func tablesOf(t *testing.T, s *shop) (tables []string) {
	t.Helper()
	rows, err := s.Root(s.Server2).QueryContext(t.Context(), "SELECT table_name FROM information_schema.tables "+
		"WHERE table_schema = ? AND table_type = 'BASE TABLE'", s.DB2)
	s.Must(err)
	defer func() { s.Must(rows.Close()) }()
	for rows.Next() {
		var table string
		s.Must(rows.Scan(&table))
		tables = append(tables, table)
	}
	s.Must(rows.Err())
	return tables
}

// TestBackupThatIsEmptiedAgain checks that what a dump takes away again does not count.
func TestBackupThatIsEmptiedAgain(t *testing.T) {
	t.Parallel()
	s, dir := newShopWithBackup(t)
	path := filepath.Join(dir, "m2.sql")
	s.Dump(path, s.DB2, false)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.Dump(path, s.DB2, false, "--no-data")
	structure, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, path, string(structure)+string(whole))
	s.Want("backup", finding.Pass)
	rewrite(t, path, string(whole)+string(structure))
	s.WantFinding("backup", finding.Fail, "the backup does not contain the installation")
}
