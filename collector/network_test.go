package collector

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config"
)

func TestNetworkPasses(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.want("network", Pass)
	s.wantValue(1, databaseUp, magento1)
	s.wantValue(1, databaseUp, magento2)
	if _, ok := s.value(connectDuration, magento1); !ok {
		t.Error("no connect duration")
	}
	for _, sample := range s.board.Snapshot()[0].samples() {
		if sample.family == databaseInfo && (sample.labels[1] != "mariadb" || strings.Count(sample.labels[2], ".") != 2) {
			t.Errorf("database_info%q", sample.labels)
		}
	}
}

// TestNetworkNamesEachFault breaks the login in each way, sees it named, and mends it.
func TestNetworkNamesEachFault(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closedPort := closed.Addr().(*net.TCPAddr).Port
	closed.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	wrong := config.Secret("wrong")
	for name, tc := range map[string]struct {
		change func(*config.Database)
		words  []string
	}{
		"refused":        {func(d *config.Database) { d.Port = closedPort }, []string{"refuses connections", "bind-address"}},
		"silent":         {func(d *config.Database) { d.Port = silent.Addr().(*net.TCPAddr).Port }, []string{"did not answer in time", "firewall"}},
		"no such host":   {func(d *config.Database) { d.Host = "no-such-host.invalid" }, []string{"has no address", "getent hosts no-such-host.invalid"}},
		"wrong password": {func(d *config.Database) { d.Password = &wrong }, []string{"denies access", "--user="}},
		"no socket":      {func(d *config.Database) { d.Host, d.Port, d.Socket = "localhost", 0, "/nowhere/s.sock" }, []string{"no Unix socket", "127.0.0.1"}},
		"no TLS there":   {func(d *config.Database) { d.TLS = &config.TLS{} }, []string{"TLS", "server_name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			good := s.migration.Magento1.Database
			tc.change(&s.migration.Magento1.Database)
			s.wantFinding("network", Fail, tc.words...)
			s.wantValue(0, databaseUp, magento1)
			s.wantValue(1, databaseUp, magento2)
			s.wantAbsent(privilegesOK, magento1)
			s.wantAbsent(binlogTrust)
			for _, id := range []string{"privileges", "binlog_trust", "m2_entities"} {
				if got := s.board.Snapshot()[0].precondition(id).Result.Status; got != Unknown {
					t.Errorf("%s is %s while Magento 1 is down, want unknown: one cause is one failure", id, got)
				}
			}
			if got := s.board.Snapshot()[0].precondition("m2_installed").Result.Status; got != Pass {
				t.Errorf("m2_installed is %s, want pass: it needs only Magento 2", got)
			}
			s.migration.Magento1.Database = good
			s.want("network", Pass)
			s.wantValue(1, databaseUp, magento1)
		})
	}
}

func TestNetworkDatabaseThatMayNotBeUsed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	account := "'" + s.user + "'@'%'"
	s.exec(s.server2, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM "+account)
	s.wantFinding("network", Fail, "may not use", s.user)
	s.wantValue(0, databaseUp, magento2)
	s.wantFinding("privileges", Fail, "GRANT ", s.user)
	s.wantValue(0, privilegesOK, magento2)
	s.wantValue(0, privilegeGranted, magento2, "SELECT")
	s.exec(s.server2, "GRANT ALL ON *.* TO "+account)
	s.migration.Magento2.Database.Name = "nothing_here"
	s.wantFinding("network", Fail, "does not exist: nothing_here")
	s.migration.Magento2.Database.Name = s.db2
	s.want("network", Pass)
}

func TestNetworkAccountFaults(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{Args: []string{"--max-connections=10"}})
	s := newShop(t, func(s *shop) { s.server1 = server })
	account := "'" + s.user + "'@'%'"

	s.exec(server, "ALTER USER "+account+" PASSWORD EXPIRE")
	s.wantFinding("network", Fail, "has expired", "ALTER USER")
	s.exec(server, "ALTER USER "+account+" IDENTIFIED BY '"+testPassword+"'")
	s.exec(server, "ALTER USER "+account+" ACCOUNT LOCK")
	s.wantFinding("network", Fail, "is locked", "ACCOUNT UNLOCK")
	s.exec(server, "ALTER USER "+account+" ACCOUNT UNLOCK")
	// MariaDB does not say that it wants TLS: the remedy has to name that possibility.
	s.exec(server, "ALTER USER "+account+" REQUIRE SSL")
	s.wantFinding("network", Fail, "denies access", "REQUIRE SSL", "magento1.database.tls")
	s.exec(server, "ALTER USER "+account+" REQUIRE NONE")
	s.want("network", Pass)

	root, err := server.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 11 {
		conn, err := root.Conn(t.Context())
		if err != nil {
			break
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	s.wantFinding("network", Fail, "no connection left", "max_connections")
}

func TestNetworkHostNotAllowed(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shop) { s.server1 = server })
	s.exec(server, "RENAME USER '"+s.user+"'@'%' TO '"+s.user+"'@'10.9.8.7'")
	// Every other account lets some host in; root stays reachable over the socket.
	s.exec(server, "DELETE FROM mysql.global_priv WHERE User <> '"+s.user+"' AND NOT (User = 'root' AND Host = 'localhost')", "FLUSH PRIVILEGES",
		"RENAME USER root@localhost TO root@'_gateway'")
	s.wantFinding("network", Fail, "lets no account in from this host", "CREATE USER '"+s.user+"'")
}

func TestNetworkLocalhostIsTheSocket(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	d := &s.migration.Magento1.Database
	d.Host, d.Socket = "localhost", s.server1.Socket()
	s.wantFinding("network", Warn, "PHP ignores", "127.0.0.1")
	d.Port = 0
	s.want("network", Pass)
}

func TestNetworkWhatTheConfigurationNames(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	d := &s.migration.Magento2.Database
	d.Password = nil
	d.PasswordFile = filepath.Join(t.TempDir(), "password")
	s.wantFinding("network", Unknown, "settings of Magento 2's database cannot be read", d.PasswordFile)
	s.wantValue(0, databaseUp, magento2)
	for _, content := range []string{testPassword, testPassword + "\n", testPassword + "\r\n"} {
		if err := os.WriteFile(d.PasswordFile, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s.want("network", Pass)
	}
	d.PasswordFile, d.PasswordEnv = "", "MAGENTO_MIGRATION_EXPORTER_NO_SUCH_VARIABLE"
	s.wantFinding("network", Unknown, "no variable MAGENTO_MIGRATION_EXPORTER_NO_SUCH_VARIABLE")
	d.PasswordEnv = ""
	password := config.Secret(testPassword)
	d.Password, d.TLS = &password, &config.TLS{CAFile: "/nowhere/ca.pem"}
	s.wantFinding("network", Unknown, "TLS files", "/nowhere/ca.pem")
	s.migration.Magento2 = config.System{}
	s.wantFinding("network", Unknown, "not configured", "magento2.database")
	s.wantFinding("m2_installed", Unknown, "not configured")
}

// TestNetworkFromTheToolsConfiguration needs no database in the configuration: the tool's config.xml has told everything.
func TestNetworkFromTheToolsConfiguration(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shop) { s.prefix1, s.prefix2 = "mage_", "m2_" })
	path := filepath.Join(t.TempDir(), "config.xml")
	write := func(host string) {
		t.Helper()
		login := func(server *mysqltest.Server, name string) string {
			return fmt.Sprintf(`<database host=%q port="%d" name=%q user=%q password=%q/>`, host, server.Port(), name, s.user, testPassword)
		}
		xml := `<config xmlns:xs="http://www.w3.org/2001/XMLSchema-instance"><steps mode="data"><step title="Map"><integrity>Migration\Step\Map\Integrity</integrity></step></steps>
<source>` + login(s.server1, s.db1) + `</source><destination>` + login(s.server2, s.db2) + `</destination>
<options><source_prefix>mage_</source_prefix><dest_prefix>m2_</dest_prefix></options></config>`
		if err := os.WriteFile(path, []byte(xml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.migration.MigrationTool.Config = path
	s.migration.Magento1, s.migration.Magento2 = config.System{}, config.System{}
	s.wantFinding("network", Unknown, "settings of Magento 1's database cannot be read", path)
	write("127.0.0.1")
	s.want("network", Pass)
	for _, id := range []string{"m2_installed", "privileges", "binlog_trust", "m2_entities", "cron_stopped"} {
		if got := s.board.Snapshot()[0].precondition(id).Result; got.Status != Pass {
			t.Errorf("%s is %s: %+v", id, got.Status, got.Findings)
		}
	}
	// What the configuration says wins over the file.
	wrong := config.Secret("wrong")
	s.migration.Magento1.Database.Password = &wrong
	s.wantFinding("network", Fail, "denies access")
	s.migration.Magento1.Database = config.Database{Socket: s.server1.Socket()}
	s.migration.Magento2.Database = config.Database{Socket: s.server2.Socket()}
	write("localhost")
	s.wantFinding("network", Warn, "misunderstands", path+":2:")
}
