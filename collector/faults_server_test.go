package collector

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"magento_migration_exporter/collector/mysqltest"
)

// TestFaultsOfADatabaseThatIsDownAtStart begins without Magento 1's server.
func TestFaultsOfADatabaseThatIsDownAtStart(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shop) { s.server1 = server })
	server.Kill()
	s.wantFinding("network", Fail, "refuses connections", "Start the server")
	s.wantMagento2GoesOn()
	s.wantValue(0, databaseUp, magento1)
	s.wantFinding("privileges", Unknown, "Magento 1's database cannot be read", "precondition network")
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.want("network", Pass)
	s.want("privileges", Pass)
}

// slowly makes a statement of the evaluation take as long as somebody wants: reading the table waits.
func (s *shop) slowly(table string) {
	s.t.Helper()
	s.on2("RENAME TABLE "+table+" TO hidden", "CREATE VIEW "+table+" AS SELECT * FROM hidden WHERE SLEEP(30) = 0")
}

// waitForQuery returns when a statement of the shop's account runs on the server.
func (s *shop) waitForQuery(server *mysqltest.Server, text string) {
	s.t.Helper()
	root := rootOf(s.t, server)
	eventually(s.t, "a statement runs on the server", 20*time.Second, func() bool {
		var n int
		err := root.QueryRowContext(s.t.Context(), "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = ? AND COMMAND = 'Query' AND INFO LIKE ?", s.user, "%"+text+"%").Scan(&n)
		return err == nil && n > 0
	})
}

// TestFaultsOfAServerKilledInMidQuery kills the server while it works on a statement.
func TestFaultsOfAServerKilledInMidQuery(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shop) { s.server2 = server })
	s.global.EvaluationTimeout = model.Duration(30 * time.Second)
	s.on2("INSERT INTO cms_block (title, identifier) VALUES ('x', 'x')")
	s.slowly("cms_block")
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		s.waitForQuery(server, "cms_block")
		server.Kill()
	}()
	began := time.Now()
	s.wantFinding("m2_entities", Unknown, "stopped answering", "SHOW PROCESSLIST")
	<-killed
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the evaluation took %s after its server was gone", took)
	}
	if got := s.board.Snapshot()[0].precondition("binlog_trust").Result; got.Status != Pass {
		t.Errorf("binlog_trust is %s, it needs only Magento 1: %+v", got.Status, got.Findings)
	}
	s.wantFinding("network", Fail, "refuses connections")
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.on2("DROP VIEW cms_block", "DELETE FROM hidden", "RENAME TABLE hidden TO cms_block")
	s.want("m2_entities", Pass)
	s.wantCalm(server)
}

// TestFaultsOfRevokedPrivileges takes the account's privileges while a statement of its evaluation runs.
func TestFaultsOfRevokedPrivileges(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shop) { s.server2 = server })
	s.global.EvaluationTimeout = model.Duration(30 * time.Second)
	s.on2("INSERT INTO catalog_product_entity (attribute_set_id, sku) VALUES (4, 'x')", "RENAME TABLE catalog_product_entity TO hidden",
		"CREATE VIEW catalog_product_entity AS SELECT * FROM hidden WHERE SLEEP(1) = 0")
	account := "'" + s.user + "'@'%'"
	revoked := make(chan struct{})
	go func() {
		defer close(revoked)
		s.waitForQuery(server, "catalog_product_entity")
		s.exec(server, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM "+account)
	}()
	s.want("network", Pass)
	<-revoked
	for _, id := range PreconditionIDs() {
		r := s.board.Snapshot()[0].precondition(id).Result
		for _, f := range r.Findings {
			if (f.Status == Fail || f.Status == Unknown) && f.Remedy == "" {
				t.Errorf("%s: a finding without a remedy: %+v", id, f)
			}
		}
	}

	s.wantFinding("network", Fail, "the account may not use", s.db2)
	s.wantFinding("privileges", Fail, "GRANT", "INSERT", s.db2)
	s.wantFinding("m2_entities", Unknown, "precondition network")
	s.wantValue(0, databaseUp, magento2)
	s.wantValue(1, databaseUp, magento1)
	s.want("binlog_trust", Pass)
	s.exec(server, "GRANT SELECT ON "+grantName(s.db2)+".* TO "+account)
	s.want("network", Pass)
	s.wantFinding("privileges", Fail, "GRANT", "INSERT")
	s.exec(server, "GRANT ALL ON "+grantName(s.db2)+".* TO "+account)
	s.want("privileges", Pass)
	s.wantCalm(server)
}

// TestFaultsOfMaxConnections uses up the server's connections.
func TestFaultsOfMaxConnections(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{Args: []string{"--max-connections=10"}})
	s := newShop(t, func(s *shop) { s.server1 = server })
	s.want("network", Pass)
	root := rootOf(t, server)
	var taken []*sql.Conn
	for range 11 { // one more than all: root may
		conn, err := root.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, conn)
	}
	s.wantFinding("network", Fail, "has no connection left", "max_connections")
	s.wantMagento2GoesOn()
	s.wantValue(0, databaseUp, magento1)
	root.SetMaxIdleConns(1)
	for _, conn := range taken {
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s.want("network", Pass)
}

// TestFaultsOfAFullDisk leaves the server no room for temporary tables, which it answers as it does where its tmpdir is full.
func TestFaultsOfAFullDisk(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shop) { s.server2 = server })
	s.withRoots()
	dir := t.TempDir()
	s.migration.Preconditions.Backup.Paths = []string{dir}
	s.dump(filepath.Join(dir, "m2.sql"), s.db2, false)
	s.want("backup", Pass)
	s.want("migration_tool", Pass)
	s.exec(server, "SET GLOBAL tmp_disk_table_size=1024, GLOBAL tmp_memory_table_size=1024")
	for _, id := range []string{"m2_installed", "backup", "privileges", "migration_tool"} {
		s.wantFinding(id, Unknown, "1114", "df -h")
	}
	s.wantAbsent(backupAge)
	for _, id := range []string{"network", "cron_stopped", "binlog_trust", "m2_entities"} {
		s.want(id, Pass)
	}
	s.exec(server, "SET GLOBAL tmp_disk_table_size=DEFAULT, GLOBAL tmp_memory_table_size=DEFAULT")
	for _, id := range []string{"m2_installed", "backup", "privileges", "migration_tool"} {
		s.want(id, Pass)
	}
}

// TestFaultsOfCrashedTables damages the files of tables as a crash of the machine does.
func TestFaultsOfCrashedTables(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{Args: []string{"--myisam-recover-options=OFF", "--aria-recover-options=OFF"}})
	s := newShop(t, func(s *shop) { s.server1, s.server2 = server, server })
	s.want("extensions", Fail)
	s.on1("ALTER TABLE core_resource ENGINE=MyISAM", "FLUSH TABLES")
	s.on2("INSERT INTO cms_block (title, identifier) VALUES ('x', 'x'), ('y', 'y')", "ALTER TABLE cms_block ENGINE=Aria TRANSACTIONAL=0", "FLUSH TABLES")
	for _, path := range []string{filepath.Join(s.db1, "core_resource.MYI"), filepath.Join(s.db2, "cms_block.MAI")} {
		path = filepath.Join(server.DataDir(), path)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, info.Size()/2); err != nil {
			t.Fatal(err)
		}
	}
	s.wantFinding("extensions", Unknown, "is damaged", "core_resource", "REPAIR TABLE")
	s.wantFinding("m2_entities", Unknown, "is damaged", "cms_block", "REPAIR TABLE")
	for _, id := range []string{"network", "m2_installed", "cron_stopped"} {
		s.want(id, Pass)
	}
	s.on1("REPAIR TABLE core_resource USE_FRM")
	s.on2("DROP TABLE cms_block")
	s.want("extensions", Fail)
	s.want("m2_entities", Pass)
}
