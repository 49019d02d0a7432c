package precondition_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// on makes a shop whose systems are both on one server.
func on(server *mysqltest.Server) func(*shoptest.Shop) {
	return func(s *shoptest.Shop) { s.Server1, s.Server2 = server, server }
}

// verdicts are the status and the findings of each precondition, without what is measured.
func (s *shop) verdicts() map[string]string {
	s.T.Helper()
	all := map[string]string{}
	for _, p := range s.Evaluate().Preconditions {
		lines := []string{p.Result.Status.String() + " " + p.Result.Summary}
		for _, f := range p.Result.Findings {
			lines = append(lines, fmt.Sprintf("%s %s: %s", f.Status, f.Subject, f.Summary))
		}
		all[p.Precondition.ID] = strings.Join(lines, "\n\t")
	}
	return all
}

// TestVerdictsOnEachServer has a migration at work on each server whose preconditions pass, and then all of the global
// settings hostile that the server has: no verdict is another one.
func TestVerdictsOnEachServer(t *testing.T) {
	t.Parallel()
	shared.Each(t, func(t *testing.T, server *mysqltest.Server) {
		shoptest.RestoreGlobals(t, server)
		s := newShop(t, on(server))
		s.WithRoots()
		before := s.verdicts()
		for _, id := range []string{"network", "m2_installed", "privileges", "binlog_trust", "m2_entities",
			"cron_stopped"} {
			s.Has(id, finding.Pass)
		}
		for _, system := range []string{"magento1", "magento2"} {
			s.WantValue(1, "database_up", system)
			s.WantValue(1, "privileges_ok", system)
		}
		if set, err := server.MakeHostile(t.Context()); err != nil || set < 30 {
			t.Fatalf("%d settings are hostile: %v", set, err)
		}
		for id, after := range s.verdicts() {
			if after != before[id] {
				t.Errorf("%s among hostile settings:\n%s\nand before:\n%s", id, after, before[id])
			}
		}
	})
}

// readOnlyCase is a way in which a server takes no writes.
type readOnlyCase struct {
	set string
	// says is a part of what the finding says.
	says string
	// exempt is a grant to {{}} with which it takes them all the same, empty where there is none.
	exempt string
	undo   string
}

func readOnlyCases(flavor mysqltest.Flavor) []readOnlyCase {
	const readOnly, super = "SET GLOBAL read_only = 1", "GRANT SUPER ON *.* TO {{}}"
	const serverWide = "read-only for this account"
	switch flavor {
	case mysqltest.MySQL56:
		return []readOnlyCase{{readOnly, serverWide, super, "REVOKE SUPER ON *.* FROM {{}}"}}
	case mysqltest.MySQL97:
		const admin, revoke = "GRANT CONNECTION_ADMIN ON *.* TO {{}}", "REVOKE CONNECTION_ADMIN ON *.* FROM {{}}"
		return []readOnlyCase{
			{readOnly, serverWide, admin, revoke},
			{"SET GLOBAL super_read_only = 1", serverWide, "", ""},
			{"ALTER DATABASE {{database}} READ ONLY = 1", "error 3989", "", ""},
		}
	case mysqltest.MariaDB105:
		return []readOnlyCase{{readOnly, serverWide, super, "REVOKE SUPER ON *.* FROM {{}}"}}
	}
	return []readOnlyCase{
		{readOnly, serverWide, "GRANT READ_ONLY ADMIN ON *.* TO {{}}", "REVOKE READ_ONLY ADMIN ON *.* FROM {{}}"},
	}
}

// TestReadOnlyMagento1 pastes the remedy, and then the grant that exempts the account, which is tried and not read.
func TestReadOnlyMagento1(t *testing.T) {
	t.Parallel()
	shared.Each(t, func(t *testing.T, server *mysqltest.Server) {
		shoptest.RestoreGlobals(t, server)
		s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
		account := "'" + s.User + "'@'%'"
		for _, c := range readOnlyCases(server.Flavor()) {
			s.Want("network", finding.Pass)
			s.Exec(server, strings.ReplaceAll(c.set, "{{database}}", database.Quote(s.DB1)))
			f := s.WantFinding("network", finding.Fail, c.says, "CREATE TABLE")
			if c.exempt != "" {
				s.Exec(server, strings.ReplaceAll(c.exempt, "{{}}", account))
				s.Want("network", finding.Pass)
				s.Exec(server, strings.ReplaceAll(c.undo, "{{}}", account))
				s.Want("network", finding.Fail)
			}
			s.Exec(server, sqlLines(f.Remedy)...)
			s.Want("network", finding.Pass)
		}
	})
}

// TestOfflineMagento1 is MySQL 5.7 and newer.
func TestOfflineMagento1(t *testing.T) {
	t.Parallel()
	shared.EachOf(t, []mysqltest.Flavor{mysqltest.MySQL97}, func(t *testing.T, server *mysqltest.Server) {
		shoptest.RestoreGlobals(t, server)
		s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
		s.Exec(server, "SET GLOBAL offline_mode = ON")
		f := s.WantFinding("network", finding.Fail, "offline_mode")
		s.Exec(server, "GRANT CONNECTION_ADMIN ON *.* TO '"+s.User+"'@'%'")
		s.Want("network", finding.Pass)
		s.Exec(server, "REVOKE CONNECTION_ADMIN ON *.* FROM '"+s.User+"'@'%'")
		s.Want("network", finding.Fail)
		s.Exec(server, sqlLines(f.Remedy)...)
		s.Want("network", finding.Pass)
	})
}

// TestHiddenReplication is a server that does not show the account whether it is a replica. The remedy's grant is pasted.
func TestHiddenReplication(t *testing.T) {
	t.Parallel()
	shared.Each(t, func(t *testing.T, server *mysqltest.Server) {
		s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
		s.Want("network", finding.Pass)
		f, hidden := s.findingOf("network", "magento1 replica")
		if hidden != (server.Flavor() == mysqltest.MySQL97) {
			t.Fatalf("%+v", f)
		}
		if !hidden {
			return
		}
		s.Exec(server, "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=1, SOURCE_USER='x'")
		t.Cleanup(func() {
			if err := server.Exec(context.Background(), "RESET REPLICA ALL"); err != nil {
				t.Error(err)
			}
		})
		s.Want("network", finding.Pass)
		if f, hidden = s.findingOf("network", "magento1 replica"); !hidden {
			t.Fatal("nothing says that a replica would not be seen")
		}
		s.Exec(server, sqlLines(f.Remedy)...)
		s.WantFinding("network", finding.Warn, "is a replica", "live primary")
		s.Exec(server, "RESET REPLICA ALL")
		s.Want("network", finding.Pass)
		if f, there := s.findingOf("network", "magento1 replica"); there {
			t.Errorf("%+v", f)
		}
	})
}

// findingOf returns the finding of the last evaluation on a subject.
func (s *shop) findingOf(id, subject string) (finding.Finding, bool) {
	s.T.Helper()
	for _, f := range s.State(id).Result.Findings {
		if f.Subject == subject {
			return f, true
		}
	}
	return finding.Finding{}, false
}

// dumped returns the servers that there is a client program to dump with.
func dumped() []mysqltest.Flavor {
	servers := mysqltest.Flavors()
	if !slices.Contains(servers, mysqltest.MySQL97) { // whose client is MySQL 5.6's, too
		servers = slices.DeleteFunc(servers, func(f mysqltest.Flavor) bool { return f == mysqltest.MySQL56 })
	}
	return servers
}

// clients returns a folder with the client program of a server under the name that a remedy uses. MySQL 5.6 comes
// without any and is dumped with the one of MySQL 9.7, with its plugin for the old accounts.
func clients(t *testing.T, flavor mysqltest.Flavor) string {
	t.Helper()
	name := "mariadb-dump"
	if flavor.Family() == "mysql" {
		flavor, name = mysqltest.MySQL97, "mysqldump"
	}
	program, err := flavor.Program(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	plugins := filepath.Join(filepath.Dir(program), "root/usr/lib/mysql/plugin")
	script := "#!/bin/sh\nLIBMYSQL_PLUGIN_DIR='" + plugins + "' exec '" + program + "' \"$@\"\n"
	shoptest.WriteProgram(t, filepath.Join(dir, name), script)
	return dir
}

// TestBackupRemedyOnEachServer pastes the remedy into bash: who does has a backup that counts. The account is the
// documented one, which sees no triggers.
func TestBackupRemedyOnEachServer(t *testing.T) {
	t.Parallel()
	shared.EachOf(t, dumped(), func(t *testing.T, server *mysqltest.Server) {
		s := newShop(t, on(server))
		s.On2("CREATE VIEW orders_of_today AS SELECT 1 AS one")
		dir := t.TempDir()
		s.Set("backup", map[string]any{"paths": []string{filepath.Join(dir, "*.sql*")}})
		for _, path := range []string{"tcp", "socket"} {
			if path == "socket" {
				s.Migration.Magento2.Database = config.Database{Socket: server.Socket(), Name: s.DB2, User: s.User,
					Password: s.Migration.Magento2.Database.Password}
			}
			f := s.WantFinding("backup", finding.Fail, "there is no backup", "set -o pipefail")
			lines := strings.Split(f.Remedy, "\n")
			s.Exec(server, sqlLines(f.Remedy)...)
			command := strings.Replace(lines[len(lines)-1], "--password ", "--password='"+shoptest.Password+"' ", 1)
			cmd := exec.CommandContext(t.Context(), "bash", "-c", command)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+clients(t, server.Flavor())+":"+os.Getenv("PATH"))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", command, err, out)
			}
			s.Want("backup", finding.Pass)
			s.Must(os.Remove(filepath.Join(dir, "magento2.sql.gz")))
		}
	})
}

// written is all by which a write would show on a server: where the binary log ends, on MySQL with its GTIDs, the
// checksum of each table, and the accounts.
func (s *shop) written(server *mysqltest.Server) string {
	s.T.Helper()
	position := "SHOW MASTER STATUS"
	if server.Flavor() == mysqltest.MySQL97 {
		position = "SHOW BINARY LOG STATUS"
	}
	text := strings.Join(s.texts(server, position), ":")
	// MySQL moves GTIDs into a table when it finds the time; the position has them. The statistics of tables and
	// indexes are the servers' own, written some time after a change.
	tables := s.texts(server, "SELECT CONCAT('`', TABLE_SCHEMA, '`.`', REPLACE(TABLE_NAME, '`', '``'), '`') "+
		"FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND (TABLE_SCHEMA IN ('"+s.DB1+"', '"+s.DB2+
		"') OR TABLE_SCHEMA = 'mysql' AND TABLE_NAME NOT IN ('gtid_executed', 'innodb_table_stats', "+
		"'innodb_index_stats', 'general_log', 'slow_log')) ORDER BY 1")
	for _, table := range tables {
		text += " " + strings.Join(s.texts(server, "CHECKSUM TABLE "+table), "=")
	}
	return text
}

// texts returns all columns of all rows.
func (s *shop) texts(server *mysqltest.Server, query string) []string {
	s.T.Helper()
	rows, err := s.Root(server).QueryContext(s.T.Context(), query)
	s.Must(err)
	defer rows.Close()
	columns, err := rows.Columns()
	s.Must(err)
	var all []string
	for rows.Next() {
		values, dest := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		s.Must(rows.Scan(dest...))
		for _, v := range values {
			all = append(all, v.String)
		}
	}
	s.Must(rows.Err())
	return all
}

// TestEvaluationsWriteNothing looks at each server before and after evaluations in each phase, of accounts that may
// write and read all.
func TestEvaluationsWriteNothing(t *testing.T) {
	t.Parallel()
	shared.Each(t, func(t *testing.T, server *mysqltest.Server) {
		s := newShop(t, on(server), shoptest.Migrated, func(s *shoptest.Shop) { s.Hasty = true })
		s.WithDelta()
		s.Exec(server, "GRANT ALL ON *.* TO '"+s.User+"'@'%'")
		for _, phase := range []config.Phase{config.PhasePrepare, config.PhaseMigrate, config.PhaseDelta,
			config.PhaseCutover} {
			s.Migration.Phase = phase
			before := s.written(server)
			connections := s.status(server, "Connections")
			s.Evaluate()
			if n := s.status(server, "Connections") - connections; n > 2*3 {
				t.Errorf("an evaluation in %s opened %d connections to two databases", phase, n)
			}
			s.Evaluate()
			if after := s.written(server); after != before {
				t.Errorf("evaluations in %s changed something:\n%s\n%s", phase, before, after)
			}
		}
	})
}

// TestServersWithAnotherVersion starts MariaDB under names that proxies and forks have: what it can do is tried, so a
// role is still none for a trigger's definer, and each remedy is MariaDB's.
func TestServersWithAnotherVersion(t *testing.T) {
	t.Parallel()
	for version, known := range map[string]bool{"8.0.30-proxy": true, "5.5.30-proxy": true, "0.1-fork": false,
		"5.5.5-10.11.9-MariaDB-maxscale": true} {
		server := mysqltest.New(t, mysqltest.Options{Args: []string{"--log-bin=binlog", "--server-id=1",
			"--version=" + version}})
		s := newShop(t, on(server))
		s.WithRoots()
		s.Want("network", finding.Pass)
		s.Has("privileges", finding.Pass)
		s.Has("m2_installed", finding.Pass)
		s.Has("m2_entities", finding.Pass)
		f := s.HasFinding("binlog_trust", finding.Fail, "1419", "SET GLOBAL log_bin_trust_function_creators = 1;")
		if !strings.Contains(f.Evidence, "MariaDB") {
			t.Errorf("%s: %s", version, f.Evidence)
		}
		f, _ = s.findingOf("system_requirements", "database")
		if (f.Status == finding.Unknown) == known || !known && !strings.Contains(f.Evidence, version) {
			t.Errorf("%s: %+v", version, f)
		}
		account, role := "'"+s.User+"'@'%'", "role_"+s.User
		s.Exec(server, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM "+account, "CREATE ROLE "+role,
			"GRANT ALL ON "+shoptest.GrantName(s.DB1)+".* TO "+role,
			"GRANT ALL ON "+shoptest.GrantName(s.DB2)+".* TO "+role, "GRANT "+role+" TO "+account,
			"SET DEFAULT ROLE "+role+" FOR "+account)
		s.WantFinding("privileges", finding.Fail, "held only through the role "+role)
		s.WantValue(0, "privileges_ok", "magento1")
		s.WantValue(1, "privileges_ok", "magento2")
	}
}

// TestDumpsWithoutHiddenTriggers is a dump that lacks the triggers, where the documented account may or may not see
// that there are any. It never passes; where it is unknown, the remedy's GRANT lets it be seen.
func TestDumpsWithoutHiddenTriggers(t *testing.T) {
	t.Parallel()
	shared.EachOf(t, dumped(), func(t *testing.T, server *mysqltest.Server) {
		s := newShop(t, func(s *shoptest.Shop) { s.Server2 = server })
		path := filepath.Join(t.TempDir(), "magento2.sql")
		s.Set("backup", map[string]any{"paths": []string{path}})
		s.dumpWithoutTriggers(path)
		s.WantFinding("backup", finding.Fail, "lacks triggers")
		s.On2("UPDATE mview_state SET mode = 'disabled'")
		s.Evaluate()
		if got := s.State("backup").Result; got.Status == finding.Fail {
			// MariaDB from 10.11 on shows triggers to who may write the table.
			if server.Flavor() != mysqltest.MariaDB && server.Flavor() != mysqltest.MariaDB118 {
				t.Errorf("%+v", got)
			}
			return
		}
		f := s.HasFinding("backup", finding.Unknown, "GRANT ", "TRIGGER")
		s.Exec(server, sqlLines(f.Remedy)...)
		s.On2("CREATE TRIGGER erp AFTER INSERT ON sales_order FOR EACH ROW SET @x = 1")
		s.WantFinding("backup", finding.Fail, "triggers", "sales_order: 0 of 1")
		s.Want("privileges", finding.Pass)
	})
}

// TestBackupRemedyKeepsWhatTheAccountHas pastes it for an account that goes by a line for another name.
func TestBackupRemedyKeepsWhatTheAccountHas(t *testing.T) {
	t.Parallel()
	shared.Each(t, func(t *testing.T, server *mysqltest.Server) {
		s := newShop(t, func(s *shoptest.Shop) { s.Server2 = server })
		s.Set("backup", map[string]any{"paths": []string{filepath.Join(t.TempDir(), "*.sql")}})
		account := "'" + s.User + "'@'%'"
		s.Exec(server, "DROP USER "+account, "CREATE USER "+account+" IDENTIFIED BY '"+shoptest.Password+"'",
			"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES ON `m2%`.* TO "+account)
		s.Want("privileges", finding.Pass)
		f := s.HasFinding("backup", finding.Fail, "there is no backup", "GRANT ")
		s.Exec(server, sqlLines(f.Remedy)...)
		s.Want("privileges", finding.Pass)
		if f := s.HasFinding("backup", finding.Fail, "there is no backup"); strings.Contains(f.Remedy, "GRANT ") {
			t.Errorf("after the remedy: %s", f.Remedy)
		}
	})
}

// dumpWithoutTriggers writes what mysqldump --skip-triggers does, with a client that each server lets in.
func (s *shop) dumpWithoutTriggers(path string) {
	s.T.Helper()
	server := s.Server2
	name := "mariadb-dump"
	flavor := server.Flavor()
	if flavor.Family() == "mysql" {
		flavor, name = mysqltest.MySQL97, "mysqldump"
	}
	program := filepath.Join(clients(s.T, flavor), name)
	out, err := exec.CommandContext(s.T.Context(), program, "--no-defaults", "--socket="+server.Socket(),
		"--user=root", "--single-transaction", "--skip-triggers", "--loose-skip-ssl", "--loose-set-gtid-purged=OFF",
		s.DB2).Output()
	s.Must(err)
	s.Must(os.WriteFile(path, out, 0o600))
	age(s.T, path, time.Hour)
}

// TestAccountsThatPHPCannotUse has MariaDB's plugins by which a program in Go logs in.
func TestAccountsThatPHPCannotUse(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, on(server))
	account := "'" + s.User + "'@'%'"
	password := "USING PASSWORD('" + shoptest.Password + "')"
	s.Exec(server, "INSTALL SONAME 'auth_ed25519'", "ALTER USER "+account+" IDENTIFIED VIA ed25519 "+password)
	f := s.WantFinding("network", finding.Warn, "logs in by ed25519", "2054")
	if strings.Contains(f.Summary+f.Evidence+f.Remedy, "USING '") {
		t.Errorf("a password hash: %+v", f)
	}
	s.Exec(server, "ALTER USER "+account+" IDENTIFIED VIA ed25519 "+password+" OR unix_socket")
	s.WantFinding("network", finding.Warn, "only the operating system's user "+s.User)
	s.Exec(server, "ALTER USER "+account+" IDENTIFIED VIA unix_socket OR mysql_native_password "+password)
	s.Want("network", finding.Pass)
	s.Exec(server, "ALTER USER "+account+" IDENTIFIED VIA ed25519 "+password)
	f = s.WantFinding("network", finding.Warn, "2054")
	lines := strings.Split(f.Remedy, "\n")
	s.Exec(server, strings.ReplaceAll(lines[len(lines)-1], "<password>", shoptest.Password))
	s.Want("network", finding.Pass)
}

// TestInnoDBThatTakesNoWrites starts each server so that InnoDB takes none, and writes to see it.
func TestInnoDBThatTakesNoWrites(t *testing.T) {
	t.Parallel()
	shared.Each(t, func(t *testing.T, server *mysqltest.Server) {
		shoptest.Restart(t, server)
		s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
		s.On1("CREATE TABLE written (id INT PRIMARY KEY) ENGINE=InnoDB")
		s.Want("network", finding.Pass)
		recovery := "--innodb-force-recovery=1"
		if server.Flavor().Family() == "mariadb" {
			recovery = "--innodb-force-recovery=5"
		}
		for _, arg := range []string{"--innodb-read-only=1", recovery} {
			s.Must(server.Restart(t.Context(), arg))
			if err := server.Exec(t.Context(), "INSERT INTO `"+s.DB1+"`.written VALUES (1)"); err == nil {
				t.Fatalf("with %s InnoDB takes writes", arg)
			}
			s.WantFinding("network", finding.Fail, "InnoDB takes no writes", "restart")
		}
	})
}
