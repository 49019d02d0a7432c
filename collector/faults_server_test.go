package collector_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/shoptest"
)

// TestFaultsOfADatabaseThatIsDownAtStart begins without Magento 1's server.
func TestFaultsOfADatabaseThatIsDownAtStart(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
	server.Kill()
	s.WantFinding("network", finding.Fail, "refuses connections", "Start the server")
	s.wantMagento2GoesOn()
	s.WantValue(0, "database_up", "magento1")
	s.WantFinding("privileges", finding.Unknown, "Magento 1's database cannot be read", "precondition network")
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Want("network", finding.Pass)
	s.Want("privileges", finding.Pass)
}

// slowly makes a statement that reads a row of Magento 2's table take an hour.
func (s *shop) slowly(table string) {
	s.T.Helper()
	s.On2("RENAME TABLE "+table+" TO hidden", "CREATE VIEW "+table+" AS SELECT * FROM hidden WHERE SLEEP(3600) = 0")
}

// waitForQuery returns when a statement of the shop's account runs on the server.
func (s *shop) waitForQuery(server *mysqltest.Server, text string) {
	s.T.Helper()
	root := s.Root(server)
	eventually(s.T, "a statement runs on the server", func() bool {
		var n int
		err := root.QueryRowContext(
			s.T.Context(),
			"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = ? AND COMMAND = 'Query' AND INFO LIKE ?",
			s.User,
			"%"+text+"%",
		).Scan(
			&n,
		)
		return err == nil && n > 0
	})
}

// TestFaultsOfAServerKilledInMidQuery kills the server while it works on a statement.
func TestFaultsOfAServerKilledInMidQuery(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = server })
	// Far more than the test waits for: only the server's end is a reason for the evaluation to end.
	s.Global.EvaluationTimeout = model.Duration(24 * time.Hour)
	s.On2("INSERT INTO cms_block (title, identifier) VALUES ('x', 'x')")
	s.slowly("cms_block")
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		s.waitForQuery(server, "cms_block")
		server.Kill()
	}()
	s.WantFinding("m2_entities", finding.Unknown, "stopped answering", "SHOW PROCESSLIST")
	<-killed
	if got := s.State("binlog_trust").Result; got.Status != finding.Pass {
		t.Errorf("binlog_trust is %s, it needs only Magento 1: %+v", got.Status, got.Findings)
	}
	s.WantFinding("network", finding.Fail, "refuses connections")
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.On2("DROP VIEW cms_block", "DELETE FROM hidden", "RENAME TABLE hidden TO cms_block")
	s.Want("m2_entities", finding.Pass)
	s.wantCalm(server)
}

// TestFaultsOfRevokedPrivileges takes the account's privileges while a statement of its evaluation runs.
func TestFaultsOfRevokedPrivileges(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = server })
	s.Global.EvaluationTimeout = model.Duration(10 * time.Minute)
	s.On2(
		"INSERT INTO catalog_product_entity (attribute_set_id, sku) VALUES (4, 'x')",
		"RENAME TABLE catalog_product_entity TO hidden",
		"CREATE VIEW catalog_product_entity AS SELECT * FROM hidden WHERE GET_LOCK('gate', 86400) + RELEASE_LOCK('gate') = 2",
	)
	gate, err := s.Root(server).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	do := func(statement string) {
		if _, err := gate.ExecContext(t.Context(), statement); err != nil {
			t.Error(err)
		}
	}
	do("DO GET_LOCK('gate', 86400)")
	account := "'" + s.User + "'@'%'"
	revoked := make(chan struct{})
	go func() {
		defer close(revoked)
		defer do("DO RELEASE_LOCK('gate')")
		s.waitForQuery(server, "catalog_product_entity")
		s.Exec(server, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM "+account)
	}()
	s.Want("network", finding.Pass)
	<-revoked
	for _, id := range precondition.All().IDs() {
		r := s.State(id).Result
		for _, f := range r.Findings {
			if (f.Status == finding.Fail || f.Status == finding.Unknown) && f.Remedy == "" {
				t.Errorf("%s: a finding without a remedy: %+v", id, f)
			}
		}
	}

	s.WantFinding("network", finding.Fail, "the account may not use", s.DB2)
	s.WantFinding("privileges", finding.Fail, "GRANT", "INSERT", s.DB2)
	s.WantFinding("m2_entities", finding.Unknown, "precondition network")
	s.WantValue(0, "database_up", "magento2")
	s.WantValue(1, "database_up", "magento1")
	s.Want("binlog_trust", finding.Pass)
	s.Exec(server, "GRANT SELECT ON "+shoptest.GrantName(s.DB2)+".* TO "+account)
	s.Want("network", finding.Pass)
	s.WantFinding("privileges", finding.Fail, "GRANT", "INSERT")
	s.Exec(server, "GRANT ALL ON "+shoptest.GrantName(s.DB2)+".* TO "+account)
	s.Want("privileges", finding.Pass)
	s.wantCalm(server)
}

// TestFaultsOfMaxConnections uses up the server's connections.
func TestFaultsOfMaxConnections(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{Args: []string{"--max-connections=10"}})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
	s.Want("network", finding.Pass)
	s.WaitForSessions(server)
	root := s.Root(server)
	var taken []*sql.Conn
	for range 11 { // one more than all: root may
		conn, err := root.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, conn)
	}
	s.WantFinding("network", finding.Fail, "has no free connection", "max_connections")
	s.wantMagento2GoesOn()
	s.WantValue(0, "database_up", "magento1")
	root.SetMaxIdleConns(1)
	for _, conn := range taken {
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// The server frees a connection a moment after its client has closed it.
	eventually(t, "the server has no connection but this one", func() bool {
		var name string
		var n int
		if err := root.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE 'Threads_connected'").Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		return n == 1
	})
	s.Want("network", finding.Pass)
}

// TestFaultsOfAFullDisk leaves the server no room for temporary tables, which it answers as it does where its tmpdir is
// full.
func TestFaultsOfAFullDisk(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = server })
	s.WithRoots()
	dir := t.TempDir()
	s.Set("backup", map[string]any{"paths": []string{dir}})
	s.Dump(filepath.Join(dir, "m2.sql"), s.DB2, false)
	s.Want("backup", finding.Pass)
	s.Want("migration_tool", finding.Pass)
	s.Exec(server, "SET GLOBAL tmp_disk_table_size=1024, GLOBAL tmp_memory_table_size=1024")
	for _, id := range []string{"m2_installed", "backup", "privileges", "migration_tool"} {
		s.WantFinding(id, finding.Unknown, "1114", "df -h")
	}
	s.WantAbsent("backup_age_seconds")
	for _, id := range []string{"network", "cron_stopped", "binlog_trust", "m2_entities"} {
		s.Want(id, finding.Pass)
	}
	s.Exec(server, "SET GLOBAL tmp_disk_table_size=DEFAULT, GLOBAL tmp_memory_table_size=DEFAULT")
	for _, id := range []string{"m2_installed", "backup", "privileges", "migration_tool"} {
		s.Want(id, finding.Pass)
	}
}

// TestFaultsOfCrashedTables damages the files of tables as a crash of the machine does.
func TestFaultsOfCrashedTables(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(
		t,
		mysqltest.Options{Args: []string{"--myisam-recover-options=OFF", "--aria-recover-options=OFF"}},
	)
	s := newShop(t, func(s *shoptest.Shop) { s.Server1, s.Server2 = server, server })
	s.Want("extensions", finding.Fail)
	s.On1("ALTER TABLE core_resource ENGINE=MyISAM", "FLUSH TABLES")
	s.On2(
		"INSERT INTO cms_block (title, identifier) VALUES ('x', 'x'), ('y', 'y')",
		"ALTER TABLE cms_block ENGINE=Aria TRANSACTIONAL=0",
		"FLUSH TABLES",
	)
	for _, path := range []string{filepath.Join(s.DB1, "core_resource.MYI"), filepath.Join(s.DB2, "cms_block.MAI")} {
		path = filepath.Join(server.DataDir(), path)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, info.Size()/2); err != nil {
			t.Fatal(err)
		}
	}
	s.WantFinding("extensions", finding.Unknown, "is damaged", "core_resource", "REPAIR TABLE")
	s.WantFinding("m2_entities", finding.Unknown, "is damaged", "cms_block", "REPAIR TABLE")
	for _, id := range []string{"network", "m2_installed", "cron_stopped"} {
		s.Want(id, finding.Pass)
	}
	s.On1("REPAIR TABLE core_resource USE_FRM")
	s.On2("DROP TABLE cms_block")
	s.Want("extensions", finding.Fail)
	s.Want("m2_entities", finding.Pass)
}
