package precondition_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

func TestNetworkPasses(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Want("network", finding.Pass)
	s.WantValue(1, "database_up", "magento1")
	s.WantValue(1, "database_up", "magento2")
	if _, ok := s.Value("database_connect_duration_seconds", "magento1"); !ok {
		t.Error("no connect duration")
	}
	for _, sample := range exposition.Samples(s.Board.Snapshot()[0]) {
		if sample.Family == "database_info" &&
			(sample.Labels[1] != "mariadb" || strings.Count(sample.Labels[2], ".") != 2) {
			t.Errorf("database_info%q", sample.Labels)
		}
	}
}

// TestNetworkNamesEachFault breaks the login in each way, sees it named, and fixes it.
func TestNetworkNamesEachFault(t *testing.T) {
	t.Parallel()
	closedPort := mysqltest.ClosedPort(t)
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
		"refused": {
			func(d *config.Database) { d.Port = closedPort }, []string{"refuses connections", "bind-address"},
		},
		"silent": {
			func(d *config.Database) { d.Port = silent.Addr().(*net.TCPAddr).Port },
			[]string{"did not answer in time", "firewall"},
		},
		"no such host": {
			func(d *config.Database) { d.Host = "no-such-host.invalid" },
			[]string{"has no address", "getent hosts no-such-host.invalid"},
		},
		"IPv6 in brackets": {
			func(d *config.Database) { d.Host = "[::1]" }, []string{"an IPv6 address in brackets", "without brackets"},
		},
		"a part of an IPv6 address": {
			func(d *config.Database) { d.Host = "[" }, []string{`neither a name nor an address: "["`, "at its colons"},
		},
		"white space": {
			func(d *config.Database) { d.Host = "  127.0.0.1 " }, []string{`white space in the host of Magento 1's database: "  127.0.0.1 "`},
		},
		"wrong password": {func(d *config.Database) { d.Password = &wrong }, []string{"denies access", "--user="}},
		"no socket": {
			func(d *config.Database) { d.Host, d.Port, d.Socket = "localhost", 0, "/nowhere/s.sock" },
			[]string{"no Unix socket", "127.0.0.1"},
		},
		"no TLS there": {func(d *config.Database) { d.TLS = &config.TLS{} }, []string{"does not offer TLS", "ssl_cert"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, shoptest.With("m2_installed", "privileges", "binlog_trust", "m2_entities"))
			good := s.Migration.Magento1.Database
			tc.change(&s.Migration.Magento1.Database)
			s.EvaluateHung(map[string]finding.Status{"network": finding.Fail, "m2_installed": finding.Pass}, "network",
				tc.words...)
			s.WantValue(0, "database_up", "magento1")
			s.WantValue(1, "database_up", "magento2")
			s.WantAbsent("privileges_ok", "magento1")
			s.WantAbsent("binlog_trust")
			for _, id := range []string{"privileges", "binlog_trust", "m2_entities"} {
				if got := s.State(id).Result.Status; got != finding.Unknown {
					t.Errorf("%s is %s while Magento 1 is down, want unknown: one cause is one failure", id, got)
				}
			}
			s.Migration.Magento1.Database = good
			s.Want("network", finding.Pass)
			s.WantValue(1, "database_up", "magento1")
		})
	}
}

func TestNetworkDatabaseThatMayNotBeUsed(t *testing.T) {
	t.Parallel()
	s := newShop(t, shoptest.With("privileges"))
	account := "'" + s.User + "'@'%'"
	s.Exec(s.Server2, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM "+account)
	s.WantFinding("network", finding.Fail, "may not use", s.User)
	s.WantValue(0, "database_up", "magento2")
	s.WantFinding("privileges", finding.Fail, "GRANT ", s.User)
	s.WantValue(0, "privileges_ok", "magento2")
	s.WantValue(0, "privilege_granted", "magento2", "SELECT")
	s.Exec(s.Server2, "GRANT ALL ON *.* TO "+account)
	s.Migration.Magento2.Database.Name = "nothing_here"
	s.WantFinding("network", finding.Fail, "does not exist: nothing_here")
	s.Migration.Magento2.Database.Name = s.DB2
	s.Want("network", finding.Pass)
}

func TestNetworkAccountFaults(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{Args: []string{"--max-connections=10"}})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
	account := "'" + s.User + "'@'%'"

	s.Exec(server, "ALTER USER "+account+" PASSWORD EXPIRE")
	s.WantFinding("network", finding.Fail, "has expired", "ALTER USER")
	s.Exec(server, "ALTER USER "+account+" IDENTIFIED BY '"+shoptest.Password+"'")
	s.Exec(server, "ALTER USER "+account+" ACCOUNT LOCK")
	s.WantFinding("network", finding.Fail, "is locked", "ACCOUNT UNLOCK")
	s.Exec(server, "ALTER USER "+account+" ACCOUNT UNLOCK")
	// MariaDB does not say that it wants TLS: the remedy has to name that possibility.
	s.Exec(server, "ALTER USER "+account+" REQUIRE SSL")
	s.WantFinding("network", finding.Fail, "denies access", "REQUIRE SSL", "magento1.database.tls")
	s.Exec(server, "ALTER USER "+account+" REQUIRE NONE")
	s.Want("network", finding.Pass)

	s.WaitForSessions(server)
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
	s.WantFinding("network", finding.Fail, "has no free connection", "max_connections")
}

func TestNetworkHostNotAllowed(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
	s.Exec(server, "RENAME USER '"+s.User+"'@'%' TO '"+s.User+"'@'10.9.8.7'")
	// Every other account lets some host in; root stays reachable over the socket.
	s.Exec(server,
		"DELETE FROM mysql.global_priv WHERE User <> '"+s.User+"' AND NOT (User = 'root' AND Host = 'localhost')",
		"FLUSH PRIVILEGES", "RENAME USER root@localhost TO root@'_gateway'")
	s.WantFinding("network", finding.Fail, "has no account for this host", "CREATE USER '"+s.User+"'")
}

func TestNetworkLocalhostIsTheSocket(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	d := &s.Migration.Magento1.Database
	d.Host, d.Socket = "localhost", s.Server1.Socket()
	s.WantFinding("network", finding.Warn, "PHP ignores", "127.0.0.1")
	d.Port = 0
	s.Want("network", finding.Pass)
}

func TestNetworkWhatTheConfigurationNames(t *testing.T) {
	t.Parallel()
	s := newShop(t, shoptest.With("m2_installed"))
	d := &s.Migration.Magento2.Database
	d.Password = nil
	d.PasswordFile = filepath.Join(t.TempDir(), "password")
	s.WantFinding("network", finding.Unknown, "settings of Magento 2's database cannot be read", d.PasswordFile)
	s.WantValue(0, "database_up", "magento2")
	for _, content := range []string{shoptest.Password, shoptest.Password + "\n", shoptest.Password + "\r\n"} {
		if err := os.WriteFile(d.PasswordFile, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s.Want("network", finding.Pass)
	}
	d.PasswordFile, d.PasswordEnv = "", "MAGENTO_MIGRATION_EXPORTER_NO_SUCH_VARIABLE"
	s.WantFinding("network", finding.Unknown, "no variable MAGENTO_MIGRATION_EXPORTER_NO_SUCH_VARIABLE")
	d.PasswordEnv = ""
	password := config.Secret(shoptest.Password)
	d.Password, d.TLS = &password, &config.TLS{CAFile: "/nowhere/ca.pem"}
	s.WantFinding("network", finding.Unknown, "TLS files", "/nowhere/ca.pem")
	s.Migration.Magento2 = config.System{}
	s.WantFinding("network", finding.Unknown, "not configured", "magento2.database")
	s.WantFinding("m2_installed", finding.Unknown, "not configured")
}

// What is wrong in config.xml is corrected there, not by putting the file where it is already.
func TestNetworkRemediesForConfigXML(t *testing.T) {
	t.Parallel()
	const xml = `<config><steps mode="data"/><source><database host="%s" name="m1" user="u" password="%s"/></source>` +
		`<destination><database host="h" name="m2" user="u"/></destination><options/></config>`
	for name, tc := range map[string]struct {
		text   string
		status finding.Status
		words  []string
		not    string
	}{
		"a raw &":           {fmt.Sprintf(xml, "db", "pa&ss"), finding.Unknown, []string{"&amp;", "Correct the file"}, "Put the"},
		"a raw <":           {fmt.Sprintf(xml, "db", "pa<ss"), finding.Unknown, []string{"Correct the file"}, "Put the"},
		"cut short":         {xml[:60], finding.Unknown, []string{"Correct the file"}, "Put the"},
		"a URL":             {fmt.Sprintf(xml, "mysql://nowhere.invalid", ""), finding.Fail, []string{"only the host's name"}, "localhost"},
		"a socket's path":   {fmt.Sprintf(xml, "localhost:/nowhere/s", ""), finding.Fail, []string{"without localhost:"}, "as in PHP"},
		"only a path":       {fmt.Sprintf(xml, "/nowhere/s", ""), finding.Fail, []string{"correct the path"}, "as in PHP"},
		"there is no file":  {"", finding.Unknown, []string{"Put the file there"}, "Correct"},
		"a database behind": {fmt.Sprintf(xml, "nowhere.invalid/m1", ""), finding.Fail, []string{"only the host's name"}, "as in PHP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.Migration.MigrationTool.Config = filepath.Join(t.TempDir(), "config.xml")
			s.Migration.Magento1.Database = config.Database{}
			if tc.text != "" {
				rewrite(t, s.Migration.MigrationTool.Config, tc.text)
			}
			s.Evaluate()
			for _, f := range s.State("network").Result.Findings {
				if f.Subject != "magento1" {
					continue
				}
				for _, word := range tc.words {
					if f.Status != tc.status || !strings.Contains(f.Evidence+f.Remedy, word) ||
						strings.Contains(f.Remedy, tc.not) {
						t.Errorf("%+v", f)
					}
				}
			}
		})
	}
}

// TestNetworkFromTheToolsConfiguration needs no database in the configuration: the tool's config.xml has all
// of it.
func TestNetworkFromTheToolsConfiguration(t *testing.T) {
	t.Parallel()
	s := newShop(t, shoptest.With(precondition.All().IDs()...), func(s *shoptest.Shop) { s.Prefix1, s.Prefix2 = "mage_", "m2_" })
	path := filepath.Join(t.TempDir(), "config.xml")
	write := func(host string) {
		t.Helper()
		login := func(server *mysqltest.Server, name string) string {
			return fmt.Sprintf(`<database host=%q port="%d" name=%q user=%q password=%q/>`, host, server.Port(), name,
				s.User, shoptest.Password)
		}
		xml := `<config xmlns:xs="http://www.w3.org/2001/XMLSchema-instance"><steps mode="data"><step title="Map"><integrity>Migration\Step\Map\Integrity</integrity></step></steps>
<source>` + login(
			s.Server1,
			s.DB1,
		) + `</source><destination>` + login(
			s.Server2,
			s.DB2,
		) + `</destination>
<options><source_prefix>mage_</source_prefix><dest_prefix>m2_</dest_prefix></options></config>`
		if err := os.WriteFile(path, []byte(xml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.Migration.MigrationTool.Config = path
	s.Migration.Magento1, s.Migration.Magento2 = config.System{}, config.System{}
	s.WantFinding("network", finding.Unknown, "settings of Magento 1's database cannot be read", path)
	write("127.0.0.1")
	s.Want("network", finding.Pass)
	for _, id := range []string{"m2_installed", "privileges", "binlog_trust", "m2_entities", "cron_stopped"} {
		if got := s.State(id).Result; got.Status != finding.Pass {
			t.Errorf("%s is %s: %+v", id, got.Status, got.Findings)
		}
	}
	// What the configuration says wins over the file.
	wrong := config.Secret("wrong")
	s.Migration.Magento1.Database.Password = &wrong
	s.WantFinding("network", finding.Fail, "denies access")
	s.Migration.Magento1.Database = config.Database{Socket: s.Server1.Socket()}
	s.Migration.Magento2.Database = config.Database{Socket: s.Server2.Socket()}
	write("localhost")
	s.WantFinding("network", finding.Warn, "misunderstands", path+":2:")
}
