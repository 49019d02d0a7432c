package precondition_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// lockingAccounts are the statements with which a server locks an account after three wrong passwords, {{}} being the
// account. MySQL 5.6 never locks one.
func lockingAccounts() map[mysqltest.Flavor]string {
	const mariadb = "SET GLOBAL max_password_errors = 3"
	return map[mysqltest.Flavor]string{
		mysqltest.MySQL97:    "ALTER USER {{}} FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME UNBOUNDED",
		mysqltest.MariaDB:    mariadb,
		mysqltest.MariaDB105: mariadb,
		mysqltest.MariaDB118: mariadb,
		mysqltest.MySQL56:    "FLUSH PRIVILEGES",
	}
}

// status reads a number among the server's status variables.
func (s *shop) status(server *mysqltest.Server, name string) int {
	s.T.Helper()
	texts := s.texts(server, "SHOW GLOBAL STATUS LIKE '"+name+"'")
	n, err := strconv.Atoi(texts[len(texts)-1])
	s.Must(err)
	return n
}

// denied returns how many logins a server has denied, which it counts after it has said so.
func (s *shop) denied(server *mysqltest.Server) int {
	s.T.Helper()
	s.WaitForSessions(server)
	return s.status(server, "Aborted_connects")
}

// TestWrongPasswordsDoNotLockTheAccount evaluates a migration thirty times, a minute apart, whose account on both
// systems is one that the server locks after three wrong passwords. Two are tried, then one an hour.
func TestWrongPasswordsDoNotLockTheAccount(t *testing.T) {
	t.Parallel()
	shared.Each(t, func(t *testing.T, server *mysqltest.Server) {
		shoptest.Restart(t, server)
		s := newShop(t, func(s *shoptest.Shop) { s.Server1, s.Server2 = server, server })
		account := "'" + s.User + "'@'%'"
		s.Exec(server, strings.ReplaceAll(lockingAccounts()[server.Flavor()], "{{}}", account))
		file := filepath.Join(t.TempDir(), "password")
		s.passwordFile(file, "wrong")
		before := s.denied(server)
		wantTried := func(want int) {
			t.Helper()
			if got := s.denied(server) - before; got != want {
				t.Fatalf("%d logins were tried, want %d", got, want)
			}
		}

		s.WantFinding("network", finding.Fail, "denies access", "once more", "once an hour")
		wantTried(1)
		for range 29 {
			s.Offset += time.Minute
			s.Evaluate()
			s.HasFinding("network", finding.Fail, "denies access", "not tried again before", "kill -HUP")
			s.WantValue(0, "database_up", "magento1")
		}
		wantTried(2)

		// What was corrected is tried at once, and the account is not locked.
		s.passwordFile(file, shoptest.Password)
		s.Want("network", finding.Pass)
		wantTried(2)
		s.passwordFile(file, "wrong again")
		s.WantFinding("network", finding.Fail, "once more")
		wantTried(3)
		s.passwordFile(file, shoptest.Password)
		s.Want("network", finding.Pass)
	})
}

// passwordFile writes the password of both systems into a file.
func (s *shop) passwordFile(path, password string) {
	s.T.Helper()
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		s.T.Fatal(err)
	}
	for _, d := range []*config.Database{&s.Migration.Magento1.Database, &s.Migration.Magento2.Database} {
		d.Password, d.PasswordFile = nil, path
	}
}

// TestDeniedLoginsAreTriedOnceAnHour corrects the account on the server, which the exporter cannot see.
func TestDeniedLoginsAreTriedOnceAnHour(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
	account := "'" + s.User + "'@'%'"
	s.Exec(server, "ALTER USER "+account+" IDENTIFIED BY 'another'")
	before := s.denied(server)
	wantTried := func(want int) {
		t.Helper()
		if got := s.denied(server) - before; got != want {
			t.Fatalf("%d logins were tried, want %d", got, want)
		}
	}
	s.Want("network", finding.Fail)
	s.Want("network", finding.Fail)
	wantTried(2)
	s.Offset += 30 * time.Minute
	s.Want("network", finding.Fail)
	wantTried(2)
	s.Offset += 30 * time.Minute
	s.Want("network", finding.Fail)
	wantTried(3)
	s.Offset += time.Minute
	s.Want("network", finding.Fail)
	wantTried(3)

	s.Exec(server, "ALTER USER "+account+" IDENTIFIED BY '"+shoptest.Password+"'")
	s.WantFinding("network", finding.Fail, "not tried again before")
	wantTried(3)
	s.Offset += time.Hour
	s.Want("network", finding.Pass)
	s.Exec(server, "ALTER USER "+account+" IDENTIFIED BY 'another'")
	s.WantFinding("network", finding.Fail, "once more")
	// Other settings of the login are another login.
	s.Want("network", finding.Fail)
	wantTried(5)
	s.Migration.Magento1.Database.Host = "localhost"
	s.Migration.Magento1.Database.Port, s.Migration.Magento1.Database.Socket = 0, server.Socket()
	s.WantFinding("network", finding.Fail, "once more")
	wantTried(6)
	// So is a clock that was set back by hours.
	s.Want("network", finding.Fail)
	s.Offset -= 5 * time.Hour
	s.Want("network", finding.Fail)
	wantTried(8)
}
