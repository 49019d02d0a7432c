package database

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"magento_migration_exporter/collector/mysqltest"
)

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ version, comment, want string }{
		{"5.6.24-log", "MySQL Community Server (GPL)", "MySQL 5.6.24"},
		{"8.4.3", "", "MySQL 8.4.3"},
		{"8.0.36-0ubuntu0.22.04.1", "(Ubuntu)", "MySQL 8.0.36"},
		{"10.11.19-MariaDB-0+deb12u1", "Debian 12", "MariaDB 10.11.19"},
		{"5.5.5-10.6.16-MariaDB-log", "", "MariaDB 10.6.16"},
		{"10.4.32", "mariadb.org binary distribution", "MariaDB 10.4.32"},
		{"8.0.28", "Source distribution", "MySQL 8.0.28"},
		{"11.4", "MariaDB Server", "MariaDB 11.4.0"},
		{"5.5.5-10.6.16 2.4.1-maxscale", "", "MariaDB 10.6.16"},
		{"8.0.mysql_aurora.3.05.2", "MySQL Community Server (GPL)", "MySQL 8.0.0"},
		{"8.0.11-TiDB-v7.5.0", "TiDB Server (Apache License 2.0)", "MySQL 8.0.11"},
		{"8.0.36-28", "Percona Server (GPL), Release 28", "MySQL 8.0.36"},
		{"8.0.30", "(ProxySQL)", "MySQL 8.0.30"},
	} {
		v, ok := ParseVersion(tc.version, tc.comment)
		if !ok || v.String() != tc.want {
			t.Errorf("%q %q: %s (%v), want %s", tc.version, tc.comment, v, ok, tc.want)
		}
	}
	for _, version := range []string{"", "beta", "v8.0", "99999.1", "5.5.5-"} {
		if v, ok := ParseVersion(version, ""); ok || v.Number() != "" || !strings.Contains(v.String(), "unknown") ||
			v.AtLeast(5, 5, 0) {
			t.Errorf("%q was read as %s", version, v)
		}
	}
}

func TestVersionsAreNotTexts(t *testing.T) {
	t.Parallel()
	v := Version{MariaDB, 10, 11, 2}
	for _, tc := range []struct {
		major, minor, patch int
		want                bool
	}{{10, 2, 9, true}, {10, 11, 2, true}, {10, 11, 10, false}, {11, 0, 0, false}, {9, 99, 99, true}} {
		if got := v.AtLeast(tc.major, tc.minor, tc.patch); got != tc.want {
			t.Errorf("%s at least %d.%d.%d: %v", v, tc.major, tc.minor, tc.patch, got)
		}
	}
}

func FuzzParseVersion(f *testing.F) {
	f.Add("5.5.5-10.6.16-MariaDB-log", "x")
	f.Fuzz(func(t *testing.T, version, comment string) {
		if v, ok := ParseVersion(version, comment); ok && (v.Major < 0 || v.Major > 9999) {
			t.Errorf("%+v", v)
		}
	})
}

func TestCauseOf(t *testing.T) {
	t.Parallel()
	number := func(n uint16) error { return fmt.Errorf("wrapped: %w", &mysql.MySQLError{Number: n}) }
	for _, tc := range []struct {
		err  error
		want Cause
	}{
		{nil, ""},
		{number(1045), AccessDenied}, {number(1698), AccessDenied}, {number(1044), DatabaseDenied}, {number(1049),
			UnknownDatabase},
		{number(1130), HostNotAllowed}, {number(1129), HostBlocked}, {number(1040), TooManyConnections}, {number(1203),
			AccountLimit},
		{number(1820), PasswordExpired}, {number(1862), PasswordExpired}, {number(3159), TLSRequired}, {number(3118),
			AccountLocked},
		{number(3955), LoginsBlocked}, {number(4150), LoginsBlocked}, {number(3032), Offline}, {number(4151),
			AccountLocked},
		{number(1969), Timeout}, {number(3024), Timeout}, {number(1064), Other},
		{&net.DNSError{IsNotFound: true}, NameNotFound}, {&net.DNSError{IsTimeout: true}, Timeout},
		{&net.OpError{Err: syscall.ECONNREFUSED}, Refused}, {&net.OpError{Err: syscall.EHOSTUNREACH}, Unreachable},
		{os.ErrNotExist, SocketMissing}, {os.ErrPermission, SocketDenied},
		{context.DeadlineExceeded, Timeout}, {x509.UnknownAuthorityError{}, CertificateUntrusted}, {mysql.ErrNoTLS,
			TLSUnsupported},
		{mysql.ErrInvalidConn, Lost}, {mysql.ErrOldPassword, AuthPlugin}, {errors.New("else"), Other},
	} {
		if got := CauseOf(tc.err); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.err, got, tc.want)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		e                Endpoint
		network, address string
	}{
		{Endpoint{Host: "db"}, "tcp", "db:3306"},
		{Endpoint{Host: "db", Port: 3307, Socket: "/ignored"}, "tcp", "db:3307"},
		{Endpoint{Host: "::1"}, "tcp", "[::1]:3306"},
		{Endpoint{Host: "LocalHost", Port: 3307, Socket: "/s"}, "unix", "/s"},
		{Endpoint{Socket: "/s"}, "unix", "/s"},
		{Endpoint{Host: "/run/x.sock"}, "unix", "/run/x.sock"},
	} {
		network, address, err := tc.e.Address()
		if err != nil || network != tc.network || address != tc.address {
			t.Errorf("%+v: %s %s %v", tc.e, network, address, err)
		}
	}
}

// TestAddressWithALogin must neither be dialled nor shown.
func TestAddressWithALogin(t *testing.T) {
	t.Parallel()
	for _, e := range []Endpoint{{Host: "mysql://u:hidden@db:3306/shop"}, {Host: "u:hidden@db"}, {Host: "hidden@db",
		Port: 1}, {Socket: "/run/hidden@x"}} {
		_, address, err := e.Address()
		if CauseOf(err) != LoginInHost || strings.Contains(address+err.Error()+e.String(), "hidden") {
			t.Errorf("%s, %v", address, err)
		}
		if _, err := Open(t.Context(), e, options()); CauseOf(err) != LoginInHost {
			t.Errorf("%v", err)
		}
	}
}

func TestQuoting(t *testing.T) {
	t.Parallel()
	if got := Quote("a`b"); got != "`a``b`" {
		t.Error(got)
	}
	if got := EscapeLike(`a_b%c\d`); got != `a\_b\%c\\d` {
		t.Error(got)
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"2026-12-31 03:00:00":        time.Date(2026, 12, 31, 3, 0, 0, 0, time.UTC),
		"2026-12-31 03:00:00.250000": time.Date(2026, 12, 31, 3, 0, 0, 250e6, time.UTC),
		"0000-00-00 00:00:00":        {},
		"":                           {},
	} {
		if got := Time(text); !got.Equal(want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// options has a limit that nothing here reaches, however busy the machine is.
func options() Options {
	return Options{StatementTimeout: 10 * time.Minute, Logger: slog.New(slog.DiscardHandler)}
}

func open(t *testing.T, server *mysqltest.Server, o Options) *Session {
	t.Helper()
	s, err := Open(t.Context(), Endpoint{Socket: server.Socket(), User: "root", Name: "shop"}, o)
	if err != nil {
		t.Fatal(err)
	}
	s.killTimeout = patience
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestSessionIsHarmless(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		s := open(t, server, options())
		var n int
		if err := s.Row(t.Context(), "SELECT COUNT(*) FROM t", nil, &n); err != nil || n != 2 {
			t.Fatalf("%d, %v", n, err)
		}
		if err := s.Exec(t.Context(), "INSERT INTO t VALUES (3)"); Number(err) != ErrReadOnlyTransaction {
			t.Errorf("a write was answered by %v, want 1792: the session is to be read-only", err)
		}
		if err := s.Row(t.Context(), "SELECT id FROM t WHERE id = ?", []any{7}, &n); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("no row: %v", err)
		}
	})
}

func TestTexts(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		s := open(t, server, options())
		var rows []string
		err := s.Texts(t.Context(), "SELECT 7, NULL, ? UNION ALL SELECT 8, 'a', ''", []any{"b"}, 3, func(row []string) {
			rows = append(rows, strings.Join(row, "|"))
		})
		if got := strings.Join(rows, " "); err != nil || got != "7||b 8|a|" {
			t.Errorf("%q, %v", got, err)
		}
		if err := s.Texts(t.Context(), "SELECT 1, 2", nil, 1, func([]string) {}); err == nil {
			t.Error("a row of another width is no error")
		}
	})
}

// TestLostSessionFailsAtOnce lets the server come back: a session that was lost is not opened again behind its user's
// back, and no other statement is sent.
func TestLostSessionFailsAtOnce(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		s := open(t, server, options())
		server.Kill()
		var n int
		lost := s.Row(t.Context(), "SELECT COUNT(*) FROM t", nil, &n)
		restart(t, server)
		if CauseOf(lost) != Lost {
			t.Errorf("a killed server: %v", lost)
		}
		if err := s.Row(t.Context(), "SELECT 1", nil, &n); err != lost { //nolint:errorlint // the very same error: nothing was sent
			t.Errorf("the next statement: %v", err)
		}
	})
}

func TestOpenNamesTheDatabaseFaults(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		if err := server.Exec(t.Context(), "CREATE USER nobody IDENTIFIED BY 'x'"); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), Endpoint{Host: server.Host(), Port: server.Port(), User: "nobody", Password: "x",
			Name: "shop"}, options())
		var f *Fault
		if !errors.As(err, &f) || f.Cause != DatabaseDenied || f.Account != "nobody@%" {
			t.Errorf("%v", err)
		}
		_, err = Open(t.Context(), Endpoint{Socket: server.Socket(), User: "root", Name: "none"}, options())
		if CauseOf(err) != UnknownDatabase {
			t.Errorf("%v", err)
		}
		_, err = Open(t.Context(), Endpoint{Socket: filepath.Join(t.TempDir(), "s"), User: "root", Name: "none"},
			options())
		if CauseOf(err) != SocketMissing || !strings.Contains(err.Error(), "logging in to") {
			t.Errorf("%v", err)
		}
	})
}

// TestSlowLogHasNothingOfASession asks a server that logs everything it can. Where an account may not set
// min_examined_row_limit (MySQL 8 and newer), the log has what uses no index, and a session of an administrator still
// leaves nothing there.
func TestSlowLogHasNothingOfASession(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		if err := server.Exec(t.Context(), "CREATE USER plain@'%' IDENTIFIED BY 'x'",
			"GRANT SELECT ON shop.* TO plain@'%'",
			"CREATE USER dba@'%' IDENTIFIED BY 'x'", "GRANT ALL ON *.* TO dba@'%'",
			"SET GLOBAL long_query_time = 0.000001",
			"SET GLOBAL log_queries_not_using_indexes = 1", "SET GLOBAL log_output = 'TABLE'",
			"SET GLOBAL slow_query_log = 1"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { restart(t, server) })
		quiet(t, server, "plain", false)
		quiet(t, server, "dba", true)
	})
}

// quiet runs statements as an account, of which none is in the slow log afterwards, but for one where the account may
// not prevent it.
func quiet(t *testing.T, server *mysqltest.Server, user string, may bool) {
	t.Helper()
	var refused RefusedSettings
	o := options()
	o.Refused = &refused
	s, err := Open(t.Context(), Endpoint{Host: server.Host(), Port: server.Port(), User: user, Password: "x",
		Name: "shop"}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	exec := func(statements ...string) {
		for _, statement := range statements {
			if err := s.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	exec("SELECT COUNT(*) FROM t WHERE id > 0 /* quiet */", "DO SLEEP(0.2) /* quiet */",
		"SET SESSION long_query_time=0.000001")
	want := 0
	if refused.names["min_examined_row_limit"] {
		want = 1
	} else {
		exec("SET SESSION min_examined_row_limit=0")
	}
	if may && want != 0 {
		t.Errorf("%s may not set min_examined_row_limit", user)
	}
	exec("SELECT COUNT(*) FROM t WHERE id > 0 /* loud */")
	logged := func(word string) (n int) {
		const query = "SELECT COUNT(*) FROM mysql.slow_log WHERE sql_text LIKE ? AND user_host LIKE ?"
		if err := open(t, server, options()).Row(t.Context(), query, []any{"%" + word + "%", user + "%"},
			&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	// The server writes its log after it has answered.
	waitFor(t, "the slow log has the last statement", func() bool { return logged("loud") == 1 })
	if got := logged("quiet"); got != want {
		t.Errorf("%d statements of %s are in the slow log, want %d", got, user, want)
	}
}

func TestCostCountsStatements(t *testing.T) {
	t.Parallel()
	eachServer(t, testCost)
}

func testCost(t *testing.T, server *mysqltest.Server) {
	var refused RefusedSettings
	o := options()
	o.Refused = &refused
	if s, err := Open(t.Context(), Endpoint{Socket: server.Socket(), User: "root", Name: "shop"}, o); err != nil ||
		s.Close() != nil {
		t.Fatal(err)
	}
	questions := func() (n int64) {
		var name string
		if err := open(t, server, options()).Row(t.Context(), "SHOW GLOBAL STATUS LIKE 'Com_select'", nil, &name,
			&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var cost Cost
	ctx := WithCost(t.Context(), &cost)
	s, err := Open(ctx, Endpoint{Socket: server.Socket(), User: "root", Name: "shop"}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	login := cost.Statements()
	if login != 3 {
		t.Errorf("a login took %d statements, want 3", login)
	}
	before := questions()
	var n int
	for range 3 {
		if err := s.Row(ctx, "SELECT COUNT(*) FROM t", nil, &n); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Exec(ctx, "DO 1"); err != nil {
		t.Fatal(err)
	}
	_ = s.Row(t.Context(), "SELECT 1", nil, &n) // counted by nobody
	if got := cost.Statements() - login; got != 4 {
		t.Errorf("%d statements were counted, want 4", got)
	}
	if sent := questions() - before - 2; sent != 3 { // without the login of the second look, and the statement without a cost
		t.Errorf("the server saw %d SELECT statements", sent)
	}
	if cost.Spent() <= 0 {
		t.Errorf("the statements took %s", cost.Spent())
	}
}
