package precondition_test

import (
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// copyAll is a map file by which the tool copies each table that both systems have.
const copyAll = "<map><source/><destination/></map>"

// withData is a shop whose tables the tool copies.
func withData(t *testing.T) *shop {
	t.Helper()
	s := newShop(t)
	_, root2 := s.WithRoots()
	shoptest.WriteUnder(t, root2, shoptest.ToolDir+"/etc/opensource-to-opensource/1.9.4.5/map.xml.dist", copyAll)
	return s
}

// both makes a table in both systems, with more columns or keys in each.
func (s *shop) both(name, magento1, magento2 string) {
	s.On1("CREATE TABLE " + name + " (id int NOT NULL PRIMARY KEY, " + magento1 + ") CHARACTER SET utf8")
	s.On2("CREATE TABLE " + name + " (id int NOT NULL PRIMARY KEY, " + magento2 + ") CHARACTER SET utf8")
}

// lookAgain lets the time come at which tables are looked at again, and evaluates until something is found: while
// tables are looked at again, the exporter says what it knows of them.
func (s *shop) lookAgain() {
	s.T.Helper()
	s.Offset += 2 * time.Hour
	for range 200 {
		s.Evaluate()
		if s.State("migration_run").Result.Status == finding.Fail {
			return
		}
	}
}

func TestMigrationRunDataFits(t *testing.T) {
	t.Parallel()
	s := withData(t)
	s.both("promo_code", "code varchar(20), UNIQUE KEY code (code)", "code varchar(40), UNIQUE KEY code (code)")
	s.On1("INSERT INTO promo_code VALUES (1, 'A'), (2, 'B')")
	s.Want("migration_run", finding.Pass)
	// A row that comes later is found when its table is looked at again.
	s.On1("ALTER TABLE promo_code DROP KEY code", "INSERT INTO promo_code VALUES (3, 'a')")
	s.lookAgain()
	s.WantFinding("migration_run", finding.Fail, "unique key code of promo_code", "error 1062", "A", "1 = 3",
		"GROUP_CONCAT")
}

func TestMigrationRunCollisions(t *testing.T) {
	t.Parallel()
	s := withData(t)
	s.both("newsletter_mail", "mail varchar(50), site int", "mail varchar(50), site int, UNIQUE KEY mail (mail, site)")
	s.On1("INSERT INTO newsletter_mail VALUES (7, 'Jane@example.com', 1), (9, 'jane@example.com ', 1), (10, NULL, 1)")
	f := s.WantFinding("migration_run", finding.Fail, "rows of newsletter_mail share 1 value", "7 = 9")
	if strings.Contains(strings.ToLower(f.Evidence+f.Summary), "jane") {
		t.Errorf("a mail address is shown: %+v", f)
	}
	s.On1("DELETE FROM newsletter_mail WHERE id = 9", "DROP TABLE newsletter_mail")
	s.both("only_row", "a int", "a int NOT NULL")
	s.On1("INSERT INTO only_row VALUES (1, NULL)")
	s.lookAgain()
	s.WantFinding("migration_run", finding.Fail, "the only row of only_row has NULL", "error 1048")
}

func TestMigrationRunValues(t *testing.T) {
	t.Parallel()
	s := withData(t)
	s.both("goods", "name varchar(20), n int, day datetime, parent int", "name varchar(5), n smallint, day datetime "+
		"NOT NULL, parent int, CONSTRAINT goods_parent FOREIGN KEY (parent) REFERENCES goods (id)")
	s.On1("INSERT INTO goods VALUES (1, 'much too long', 40000, NULL, NULL), (2, 'short', 1, '0000-00-00', 77)")
	for _, words := range [][]string{
		{"1 value of goods.name is too long for goods.name, varchar(5), and would be cut", "ids in goods: 1",
			"CHAR_LENGTH"},
		{"1 value of goods.n is out of the range"},
		{"1 row of goods has no parent in goods", "goods_parent", "ids in goods: 2", "error 1452"},
	} {
		s.WantFinding("migration_run", finding.Warn, words...)
	}
	s.HasAnyFinding("migration_run", finding.Pass, "NULL becomes 0", "1 in goods.day")
	s.HasAnyFinding("migration_run", finding.Pass, "0000-00-00", "1 in goods.day")
	s.Configure("migration_run", "{severity: fail}")
	s.Want("migration_run", finding.Fail)
}

func TestMigrationRunTables(t *testing.T) {
	t.Parallel()
	s := withData(t)
	s.both("goods", "a int", "a int")
	s.On2("ALTER TABLE goods ENGINE=MyISAM")
	s.WantFinding("migration_run", finding.Warn, "not in InnoDB", "goods (MyISAM)")
}

func TestMigrationRunMapFiles(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.WantFinding("migration_run", finding.Unknown, "it is unknown which rows the migration tool copies",
		"migration_tool.config")
	_, root2 := s.WithRoots()
	const file = shoptest.ToolDir + "/etc/opensource-to-opensource/1.9.4.5/map.xml.dist"
	shoptest.WriteUnder(t, root2, file, "<map>\n<source>")
	s.WantFinding("migration_run", finding.Unknown, "a map file cannot be read", "map.xml.dist:2")
	shoptest.WriteUnder(t, root2, file, "")
	s.WantFinding("migration_run", finding.Unknown, "the file of map_file cannot be found", "<map_file>")
}

func TestMigrationRunDataIsForetoldBeforehand(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t) // whose map file copies what it does not name
	s.both("only_row", "a int", "a int NOT NULL")
	s.On1("INSERT INTO only_row VALUES (1, NULL)")
	s.Evaluate()
	for _, f := range s.State("migration_run").Result.Findings {
		if strings.Contains(f.Summary, "only_row") {
			t.Errorf("%+v", f)
		}
	}
}

// TestMigrationRunOfNothing has no table to look at, by a wrong prefix, on one side, or on either.
func TestMigrationRunOfNothing(t *testing.T) {
	t.Parallel()
	s := withData(t)
	s.Migration.Phase = config.PhasePrepare
	want := func() {
		t.Helper()
		s.Start()
		s.WantFinding("migration_run", finding.Unknown, "no table of Magento 1 was found", "database")
		for _, family := range []string{"migration_run_estimated_rows", "migration_run_estimated_seconds"} {
			s.WantAbsent(family)
		}
		s.WantAbsent("predicted_statement_bytes", "data")
	}
	s.Migration.Magento1.Database.TablePrefix = new("nothing_")
	want()
	s.Migration.Magento1.Database.TablePrefix = nil
	s.Exec(s.Server1, "DROP DATABASE `"+s.DB1+"`", "CREATE DATABASE `"+s.DB1+"`")
	want()
	for _, table := range []string{"shop_core_resource", "shop_core_store", "blog"} {
		s.Exec(s.Server1, "CREATE TABLE `"+s.DB1+"`."+table+" (a int)")
		s.Start()
		s.WantFinding("migration_run", finding.Unknown, "there is no Magento 1 in its database", "migration_tool")
	}
	s.Exec(s.Server1, "DROP DATABASE `"+s.DB1+"`", "CREATE DATABASE `"+s.DB1+"`")
	s.Exec(s.Server2, "DROP DATABASE `"+s.DB2+"`", "CREATE DATABASE `"+s.DB2+"`")
	want()
}
