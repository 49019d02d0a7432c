package collector_test

import (
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
)

// copyTo makes a shop's database and account on another server, as a replica has them.
func (s *shop) copyTo(server *mysqltest.Server, database, script, privileges string) {
	s.T.Helper()
	s.Load(server, database, script)
	s.Account(server, database, privileges)
}

// searchesOrphans adds the tool's data integrity step to config.xml.
func (s *shop) searchesOrphans(root2 string) {
	s.T.Helper()
	const step = `<steps mode="data"><step title="Data Integrity Step"><integrity>Migration\Step\DataIntegrity\Integrity</integrity></step>`
	shoptest.WriteUnder(s.T, root2, "config.xml", strings.Replace(s.ConfigXML(nil), `<steps mode="data">`, step, 1))
}

// child is a table with a foreign key, and what brings it an orphan.
const (
	child  = "CREATE TABLE acme_child (id int PRIMARY KEY, store_id smallint(5) unsigned, CONSTRAINT FK_ACME FOREIGN KEY (store_id) REFERENCES core_store (store_id)) ENGINE=InnoDB;"
	orphan = "SET FOREIGN_KEY_CHECKS=0; INSERT INTO acme_child VALUES (1, 77); SET FOREIGN_KEY_CHECKS=1;"
)

// TestFaultsOfAFailoverOfMagento1 switches the line to a server of another make, on which much is different, and back.
// Whatever was kept of the one must not be said of the other.
func TestFaultsOfAFailoverOfMagento1(t *testing.T) {
	t.Parallel()
	other := mysqltest.New(t, mysqltest.Options{Flavor: mysqltest.MySQL56})
	s := newShop(t)
	_, root2 := s.WithRoots()
	s.searchesOrphans(root2)
	s.Load(s.Server1, s.DB1, child)
	s.copyTo(
		other,
		s.DB1,
		mysqltest.Magento1("")+child+orphan,
		"SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, SHOW VIEW",
	)
	line := newLine(t, s.Server1)
	s.Migration.Magento1.Database.Host, s.Migration.Magento1.Database.Port = "127.0.0.1", line.port()
	for range 2 { // there, back, and the same again
		s.Want("migration_tool", finding.Pass)
		s.WantValue(0, "integrity_findings", "foreign_keys")
		s.Want("privileges", finding.Pass)
		s.WantValue(1, "binlog_enabled")
		s.WantValue(1, "database_info", "magento1", "mariadb", s.version(s.Server1))

		line.lead(other)
		s.WantFinding("migration_tool", finding.Fail, "FK_ACME", "77")
		s.WantValue(1, "integrity_findings", "foreign_keys")
		s.WantFinding("privileges", finding.Fail, "TRIGGER")
		s.WantValue(0, "binlog_enabled")
		s.WantValue(1, "database_info", "magento1", "mysql", s.version(other))
		s.WantAbsent("database_info", "magento1", "mariadb", s.version(s.Server1))
		s.wantMagento2GoesOn()

		line.lead(s.Server1)
	}
	s.wantCalm(s.Server1)
	s.wantCalm(other)
}

// TestFaultsOfAFailoverOfMagento2 does so with Magento 2's server, against which a backup is judged.
func TestFaultsOfAFailoverOfMagento2(t *testing.T) {
	t.Parallel()
	other := mysqltest.New(t, mysqltest.Options{})
	s, dir := newShop(t), t.TempDir()
	s.Set("backup", map[string]any{"paths": []string{dir + "/*.sql*"}})
	s.Dump(filepath.Join(dir, "m2.sql"), s.DB2, false)
	s.copyTo(
		other,
		s.DB2,
		mysqltest.Magento2(
			"",
		)+"CREATE TABLE acme_late (id int); INSERT INTO catalog_product_entity (attribute_set_id, sku) VALUES (4, 'late'); INSERT INTO cron_schedule (job_code, created_at, executed_at) VALUES ('x', UTC_TIMESTAMP(), UTC_TIMESTAMP());",
		"SELECT",
	)
	line := newLine(t, s.Server2)
	s.Migration.Magento2.Database.Host, s.Migration.Magento2.Database.Port = "127.0.0.1", line.port()
	for range 2 {
		s.Want("backup", finding.Pass)
		s.Want("m2_entities", finding.Pass)
		s.Want("cron_stopped", finding.Pass)
		s.Want("privileges", finding.Pass)

		line.lead(other)
		s.WantFinding("backup", finding.Fail, "lacks tables", "acme_late")
		s.WantAbsent("backup_age_seconds")
		s.WantFinding("m2_entities", finding.Warn, "1 new product")
		s.WantFinding("cron_stopped", finding.Fail, "cron runs")
		s.WantFinding("privileges", finding.Fail, "INSERT")

		line.lead(s.Server2)
	}
	s.wantCalm(s.Server2)
	s.wantCalm(other)
}

// TestFaultsOfAServerWithAnothersName restarts a server, under its own name and port, with other data: as a container
// is made again from another volume.
func TestFaultsOfAServerWithAnothersName(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
	_, root2 := s.WithRoots()
	s.searchesOrphans(root2)
	s.Load(s.Server1, s.DB1, child)
	s.Want("migration_tool", finding.Pass)
	s.WantValue(0, "integrity_findings", "foreign_keys")
	s.Load(s.Server1, s.DB1, orphan)
	s.WantValue(0, "integrity_findings", "foreign_keys") // the search rests, and that is what the restart must end
	eventually(t, "a server that starts now starts later than this one did", func() bool {
		var name string
		var uptime int
		if err := s.Root(server).QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE 'Uptime'").Scan(&name, &uptime); err != nil {
			t.Fatal(err)
		}
		return uptime > 5
	})
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.WantFinding("migration_tool", finding.Fail, "FK_ACME", "77")
}

func (s *shop) version(server *mysqltest.Server) string {
	t := s.T
	t.Helper()
	var version string
	if err := s.Root(server).QueryRowContext(t.Context(), "SELECT SUBSTRING_INDEX(VERSION(), '-', 1)").Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}
