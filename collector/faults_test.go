package collector_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
)

// line is a TCP connection to a server that can be made bad in several ways, and made to lead to another server.
type line struct {
	t      *testing.T
	proxy  *mysqltest.Proxy
	server *mysqltest.Server
}

func newLine(t *testing.T, server *mysqltest.Server) *line {
	t.Helper()
	proxy, err := mysqltest.StartProxy(t.Context(), server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	return &line{t, proxy, server}
}

func (l *line) port() int {
	l.t.Helper()
	address, err := net.ResolveTCPAddr("tcp", l.proxy.Addr())
	if err != nil {
		l.t.Fatal(err)
	}
	return address.Port
}

// set changes the fault, and lead the server. All connections are cut, so that none keeps the old fault.
func (l *line) set(fault string) {
	l.t.Helper()
	f := map[string]mysqltest.Fault{
		"black hole": mysqltest.BlackHole, "reset": mysqltest.Reset, "one byte a second": mysqltest.Drip,
	}[fault]
	if err := l.proxy.Set(l.t.Context(), l.server.Addr(), f); err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) lead(server *mysqltest.Server) {
	l.t.Helper()
	l.server = server
	l.set("")
}

// wantCalm checks that nothing of an evaluation is left on the server.
func (s *shop) wantCalm(server *mysqltest.Server) {
	s.T.Helper()
	root := s.Root(server)
	eventually(s.T, "no connection is left on the server", func() bool {
		var n int
		if err := root.QueryRowContext(s.T.Context(), "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = ?", s.User).Scan(&n); err != nil {
			s.T.Fatal(err)
		}
		return n == 0
	})
}

// wantMagento2GoesOn checks what does not need Magento 1's database.
func (s *shop) wantMagento2GoesOn() {
	s.T.Helper()
	state := s.Board.Snapshot()[0]
	for _, id := range []string{"m2_installed", "cron_stopped"} {
		if got := shoptest.Precondition(state, id).Result; got.Status != finding.Pass {
			s.T.Errorf("%s is %s, it needs only Magento 2: %+v", id, got.Status, got.Findings)
		}
	}
	s.WantValue(1, "database_up", "magento2")
}

func TestFaultsOfTheLine(t *testing.T) {
	t.Parallel()
	for fault, words := range map[string][]string{
		"black hole":        {"did not answer in time"},
		"reset":             {"closed the connection"},
		"one byte a second": {"did not answer in time"},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			line := newLine(t, s.Server1)
			s.Migration.Magento1.Database.Port = line.port()
			s.Want("network", finding.Pass)
			line.set(fault)
			s.EvaluateHung(map[string]finding.Status{
				"network": finding.Fail, "m2_installed": finding.Pass, "cron_stopped": finding.Pass,
			}, "network", words...)
			s.wantMagento2GoesOn()
			s.WantValue(0, "database_up", "magento1")
			s.WantAbsent("binlog_trust")
			line.set("")
			s.Want("network", finding.Pass)
			s.Want("privileges", finding.Pass)
			s.wantCalm(s.Server1)
		})
	}
}

func TestFaultsOfAServer(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
	s.Want("network", finding.Pass)

	server.Kill()
	s.WantFinding("network", finding.Fail, "refuses connections")
	s.wantMagento2GoesOn()
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Want("network", finding.Pass)

	account := "'" + s.User + "'@'%'"
	s.Exec(server, "ALTER USER "+account+" IDENTIFIED BY 'rotated'")
	s.WantFinding("network", finding.Fail, "denies access")
	s.wantMagento2GoesOn()
	s.Exec(server, "ALTER USER "+account+" IDENTIFIED BY '"+shoptest.Password+"'")

	s.Exec(server, "SET GLOBAL read_only=1")
	s.WantFinding("network", finding.Fail, "read-only for this account", "SET GLOBAL read_only = 0;")
	s.Exec(server, "SET GLOBAL read_only=0")

	s.On1("RENAME TABLE core_resource TO away")
	s.WantFinding("extensions", finding.Unknown, "lacks a table")
	s.On1("CREATE VIEW core_resource AS SELECT * FROM away", "RENAME TABLE away TO further")
	s.WantFinding("extensions", finding.Unknown, "Magento 1's database answered with error")
	s.On1("DROP VIEW core_resource", "RENAME TABLE further TO core_resource")
	s.Want("privileges", finding.Pass)
}

// TestFaultsOfLocks holds the locks that backups and ALTER TABLE hold.
func TestFaultsOfLocks(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = server })
	// Far more than the test waits for: what ends the wait for a lock is the server's limit, which each session sets.
	s.Global.EvaluationTimeout = model.Duration(24 * time.Hour)
	for name, statements := range map[string][]string{
		"FLUSH TABLES WITH READ LOCK": {"FLUSH TABLES WITH READ LOCK"},
		"metadata lock":               {"LOCK TABLES " + database.Quote(s.DB2) + ".catalog_product_entity WRITE"},
	} {
		conn, err := s.Root(server).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range statements {
			if _, err := conn.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		state := s.Evaluate()
		if got := shoptest.Precondition(state, "privileges").Result; got.Status != finding.Pass &&
			got.Status != finding.Unknown {
			t.Errorf("%s: privileges is %s: %+v", name, got.Status, got.Findings)
		}
		if name == "metadata lock" {
			s.WantFinding("m2_entities", finding.Unknown, "is locked", "SHOW PROCESSLIST")
		}
		if _, err := conn.ExecContext(t.Context(), "UNLOCK TABLES"); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		s.Want("m2_entities", finding.Pass)
		s.Want("privileges", finding.Pass)
	}
	s.wantCalm(server)
}

// TestFaultsOfTheClock moves the exporter's clock both ways.
func TestFaultsOfTheClock(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Want("network", finding.Pass)
	for _, jump := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		s.Offset = jump
		s.Want("network", finding.Pass)
		s.Want("cron_stopped", finding.Pass) // it goes by the server's clock
	}
}

// TestFaultsLeaveNothingBehind lets many evaluations fail, each of another fault than the last. What they leave here is
// seen when all tests have ended: then no goroutine and no file may be left.
func TestFaultsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
	line := newLine(t, server)
	s.Migration.Magento1.Database.Port = line.port()
	s.Want("network", finding.Pass)
	s.Global.EvaluationTimeout = model.Duration(900 * time.Millisecond)
	for i := range 20 {
		line.set([]string{"black hole", "reset", ""}[i%3])
		s.Evaluate()
	}
	line.set("")
	s.wantCalm(server)
}

// TestFaultsOfSecretFiles makes the password file go and come back.
func TestFaultsOfSecretFiles(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	d := &s.Migration.Magento1.Database
	d.Password, d.PasswordFile = nil, filepath.Join(t.TempDir(), "password")
	s.write(d.PasswordFile, shoptest.Password)
	s.Want("network", finding.Pass)
	if err := os.Remove(d.PasswordFile); err != nil {
		t.Fatal(err)
	}
	s.WantFinding("network", finding.Unknown, d.PasswordFile)
	s.wantMagento2GoesOn()
	s.write(d.PasswordFile, shoptest.Password+"\n")
	s.Want("network", finding.Pass)
}
