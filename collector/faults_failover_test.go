package collector

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/mysqltest"
)

// copyTo makes a shop's database and account on another server, as a replica has them.
func (s *shop) copyTo(server *mysqltest.Server, database, script, privileges string) {
	s.t.Helper()
	s.load(server, database, script)
	s.account(server, database, privileges)
}

// searchesOrphans adds the tool's data integrity step to config.xml.
func (s *shop) searchesOrphans(root2 string) {
	s.t.Helper()
	const step = `<steps mode="data"><step title="Data Integrity Step"><integrity>Migration\Step\DataIntegrity\Integrity</integrity></step>`
	writeUnder(s.t, root2, "config.xml", strings.Replace(s.configXML(nil), `<steps mode="data">`, step, 1))
}

// child is a table with a foreign key, and what brings it an orphan.
const (
	child  = "CREATE TABLE acme_child (id int PRIMARY KEY, store_id smallint(5) unsigned, CONSTRAINT FK_ACME FOREIGN KEY (store_id) REFERENCES core_store (store_id)) ENGINE=InnoDB;"
	orphan = "SET FOREIGN_KEY_CHECKS=0; INSERT INTO acme_child VALUES (1, 77); SET FOREIGN_KEY_CHECKS=1;"
)

// TestFaultsOfAFailoverOfMagento1 switches the line to a server of another make, on which much is different, and back. Whatever was
// kept of the one must not be told of the other.
func TestFaultsOfAFailoverOfMagento1(t *testing.T) {
	t.Parallel()
	other := mysqltest.New(t, mysqltest.Options{Flavor: mysqltest.MySQL56})
	s := newShop(t)
	_, root2 := s.withRoots()
	s.searchesOrphans(root2)
	s.load(s.server1, s.db1, child)
	s.copyTo(other, s.db1, mysqltest.Magento1("")+child+orphan, "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, SHOW VIEW")
	line := newLine(t, s.server1)
	s.migration.Magento1.Database.Host, s.migration.Magento1.Database.Port = "127.0.0.1", line.port()
	for range 2 { // there, back, and the same again
		s.want("migration_tool", Pass)
		s.wantValue(0, integrityFindings, "foreign_keys")
		s.want("privileges", Pass)
		s.wantValue(1, binlogEnabled)
		s.wantValue(1, databaseInfo, magento1, "mariadb", versionOf(t, s.server1))

		line.lead(other)
		s.wantFinding("migration_tool", Warn, "FK_ACME", "77")
		s.wantValue(1, integrityFindings, "foreign_keys")
		s.wantFinding("privileges", Fail, "TRIGGER")
		s.wantValue(0, binlogEnabled)
		s.wantValue(1, databaseInfo, magento1, "mysql", versionOf(t, other))
		s.wantAbsent(databaseInfo, magento1, "mariadb", versionOf(t, s.server1))
		s.wantMagento2GoesOn()

		line.lead(s.server1)
	}
	s.wantCalm(s.server1)
	s.wantCalm(other)
}

// TestFaultsOfAFailoverOfMagento2 does so with Magento 2's server, against which a backup is judged.
func TestFaultsOfAFailoverOfMagento2(t *testing.T) {
	t.Parallel()
	other := mysqltest.New(t, mysqltest.Options{})
	s, dir := newShopWithBackup(t)
	s.dump(filepath.Join(dir, "m2.sql"), s.db2, false)
	s.copyTo(other, s.db2, mysqltest.Magento2("")+"CREATE TABLE acme_late (id int); INSERT INTO catalog_product_entity (attribute_set_id, sku) VALUES (4, 'late'); INSERT INTO cron_schedule (job_code, created_at, executed_at) VALUES ('x', UTC_TIMESTAMP(), UTC_TIMESTAMP());",
		"SELECT")
	line := newLine(t, s.server2)
	s.migration.Magento2.Database.Host, s.migration.Magento2.Database.Port = "127.0.0.1", line.port()
	for range 2 {
		s.want("backup", Pass)
		s.want("m2_entities", Pass)
		s.want("cron_stopped", Pass)
		s.want("privileges", Pass)

		line.lead(other)
		s.wantFinding("backup", Fail, "lacks tables", "acme_late")
		s.wantAbsent(backupAge)
		s.wantFinding("m2_entities", Warn, "1 new product")
		s.wantFinding("cron_stopped", Fail, "cron runs")
		s.wantFinding("privileges", Fail, "INSERT")

		line.lead(s.server2)
	}
	s.wantCalm(s.server2)
	s.wantCalm(other)
}

// TestFaultsOfAServerWithAnothersName restarts a server, under its own name and port, with other data: as a container is made anew from
// another volume.
func TestFaultsOfAServerWithAnothersName(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shop) { s.server1 = server })
	_, root2 := s.withRoots()
	s.searchesOrphans(root2)
	s.load(s.server1, s.db1, child)
	s.want("migration_tool", Pass)
	s.wantValue(0, integrityFindings, "foreign_keys")
	s.load(s.server1, s.db1, orphan)
	s.wantValue(0, integrityFindings, "foreign_keys") // the search rests, and that is what the restart must end
	first := s.evaluator.memory(s.board.Snapshot()[0].Migration).of[0]
	eventually(t, "a server that starts now starts later than this one did", 10*time.Second, func() bool { return time.Since(first.Started) > 5*time.Second })
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.wantFinding("migration_tool", Warn, "FK_ACME", "77")
}

func versionOf(t *testing.T, server *mysqltest.Server) string {
	t.Helper()
	var version string
	if err := rootOf(t, server).QueryRowContext(t.Context(), "SELECT SUBSTRING_INDEX(VERSION(), '-', 1)").Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}
