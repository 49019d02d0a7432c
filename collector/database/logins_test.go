package database

import (
	"context"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/mysqltest"
)

// loginServer is how a server is brought to refuse a login. What it does not have is empty.
type loginServer struct {
	// account makes lg@localhost with the password pw and the option {{}}.
	account string
	// expired and locked make it with an expired password, and locked.
	expired, locked []string
	// blocked are settings with which two wrong passwords block it, and unblocked what takes them back.
	blocked, unblocked []string
	// gone makes the account's plugin one that the server does not have.
	gone []string
	// system makes an account for the operating system's user of that name.
	system, notSystem []string
	// secure is true where a setting demands TLS of all accounts, and offline where one keeps all out.
	secure, offline bool
	// limitAtStart is true where max_user_connections can only be changed when it was set at the start.
	limitAtStart bool
}

func loginServers() map[mysqltest.Flavor]loginServer {
	const create = "CREATE USER lg@localhost IDENTIFIED BY 'pw' {{}}"
	const expire = "ALTER USER lg@localhost PASSWORD EXPIRE"
	mariadb := loginServer{
		account: create, expired: []string{withOption(create, ""), expire},
		locked:    []string{withOption(create, "ACCOUNT LOCK")},
		blocked:   []string{withOption(create, ""), "SET GLOBAL max_password_errors = 2"},
		unblocked: []string{"SET GLOBAL max_password_errors = 4294967295"},
		gone: []string{withOption(create, ""), "UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.plugin', " +
			"'no_such_plugin') WHERE User = 'lg'", "FLUSH PRIVILEGES"},
		system: []string{"CREATE USER lg@localhost IDENTIFIED VIA unix_socket"},
		secure: true, limitAtStart: true,
	}
	gone := []string{"UPDATE mysql.user SET plugin = 'no_such_plugin' WHERE User = 'lg'", "FLUSH PRIVILEGES"}
	grant := "GRANT USAGE ON *.* TO lg@localhost IDENTIFIED BY 'pw' {{}}"
	return map[mysqltest.Flavor]loginServer{
		mysqltest.MariaDB: mariadb, mysqltest.MariaDB118: mariadb, mysqltest.MariaDB105: mariadb,
		mysqltest.MySQL97: {
			account: create, expired: []string{withOption(create, "PASSWORD EXPIRE")},
			locked:    []string{withOption(create, "ACCOUNT LOCK")},
			blocked:   []string{withOption(create, "FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME UNBOUNDED")},
			gone:      append([]string{withOption(create, "")}, gone...),
			system:    []string{installSocket, "CREATE USER lg@localhost IDENTIFIED WITH auth_socket"},
			notSystem: []string{"DROP USER lg@localhost", "UNINSTALL PLUGIN auth_socket"},
			secure:    true, offline: true,
		},
		mysqltest.MySQL56: {
			account: grant, expired: []string{withOption(grant, ""), expire},
			gone: append([]string{withOption(grant, "")}, gone...),
		},
	}
}

const installSocket = "INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'"

func withOption(statement, option string) string {
	return strings.TrimSpace(strings.ReplaceAll(statement, "{{}}", option))
}

// loginCase is a login that fails.
type loginCase struct {
	// setup makes the account; nil stands for a server that cannot be brought to it.
	setup func(loginServer) []string
	// start is what the server is started with, where that is another start than usual.
	start func(loginServer) []string
	// first opens sessions before the one that fails, and retries are failed logins before it.
	first, retries int
	// login changes the endpoint, which is that of lg over TCP.
	login func(*Endpoint)
	want  []Cause
	// says are parts of the advice.
	says []string
	// undo is run at the end; the fix is not tried where it is not SQL.
	undo   func(loginServer) []string
	notSQL bool
}

// plain makes an account with an option.
func plain(option string, more ...string) func(loginServer) []string {
	return func(s loginServer) []string { return append([]string{withOption(s.account, option)}, more...) }
}

func only(statements ...string) func(loginServer) []string {
	return func(loginServer) []string { return statements }
}

// denials are the reasons for which a server answers 1045.
func denials() map[string]loginCase {
	return map[string]loginCase{
		"wrong password": {
			setup: plain(""), login: func(e *Endpoint) { e.Password = "wrong" }, want: []Cause{AccessDenied},
			notSQL: true, says: []string{"denies access to lg@localhost", "correct " +
				"migrations[acme].magento1.database.password_file"},
		},
		"no password": {
			setup: plain(""), login: func(e *Endpoint) { e.Password = "" }, want: []Cause{AccessDenied}, notSQL: true,
			says: []string{"No password is set: set migrations[acme].magento1.database.password_file"},
		},
		"no account": {
			setup: func(loginServer) []string { return []string{"FLUSH PRIVILEGES"} }, want: []Cause{AccessDenied},
			notSQL: true, says: []string{"There is no account lg for this host"},
		},
		"an anonymous account": {
			setup: only("CREATE USER lg@'%' IDENTIFIED BY 'pw'", "CREATE USER ''@localhost IDENTIFIED BY 'other'"),
			want:  []Cause{AccessDenied}, says: []string{"an anonymous one"},
		},
		"TLS demanded of the account": {
			setup: plain("REQUIRE SSL"), notSQL: true, want: []Cause{AccessDenied},
			says: []string{"database.tls is not set"},
		},
		"a system user": {
			setup: func(s loginServer) []string { return s.system }, notSQL: true,
			undo:  func(s loginServer) []string { return s.notSystem },
			login: func(e *Endpoint) { e.Host = "" }, want: []Cause{AccessDenied}, says: []string{"unix_socket"},
		},
	}
}

// refusals are the other answers to a login.
func refusals() map[string]loginCase {
	has := func(it bool, setup func(loginServer) []string, s loginServer) []string {
		if !it {
			return nil
		}
		return setup(s)
	}
	return map[string]loginCase{
		"TLS demanded by the server": {
			setup: func(s loginServer) []string {
				return has(s.secure, plain("", "SET GLOBAL require_secure_transport = ON"), s)
			},
			undo: only("SET GLOBAL require_secure_transport = OFF"), notSQL: true,
			want: []Cause{TLSRequired, AccessDenied}, says: []string{"migrations[acme].magento1.database.tls"},
		},
		"locked": {
			setup: func(s loginServer) []string { return s.locked }, want: []Cause{AccountLocked},
			says: []string{"is locked"},
		},
		"expired": {
			setup: func(s loginServer) []string { return s.expired }, want: []Cause{PasswordExpired},
			says: []string{"has expired"},
		},
		"too many wrong passwords": {
			setup: func(s loginServer) []string { return s.blocked }, retries: 2,
			undo: func(s loginServer) []string { return s.unblocked },
			want: []Cause{LoginsBlocked}, says: []string{"too many logins with a wrong password"},
		},
		"offline": {
			setup: func(s loginServer) []string { return has(s.offline, plain("", "SET GLOBAL offline_mode = ON"), s) },
			undo:  only("SET GLOBAL offline_mode = OFF"), want: []Cause{Offline}, says: []string{"offline_mode"},
		},
		"a plugin that is gone": {
			setup: func(s loginServer) []string { return s.gone }, want: []Cause{AuthPlugin}, notSQL: true,
			says: []string{"authentication plugin"},
		},
	}
}

// limits are what an account may do at once, or in an hour.
func limits() map[string]loginCase {
	return map[string]loginCase{
		"connections at once": {
			setup: plain("WITH MAX_USER_CONNECTIONS 1"), first: 1, want: []Cause{AccountLimit},
			says: []string{"only 1 connection(s) at once", "needs three"},
		},
		"connections an hour": {
			setup: plain("WITH MAX_CONNECTIONS_PER_HOUR 1"), first: 1, want: []Cause{AccountLimit},
			says: []string{"has used up MAX_CONNECTIONS_PER_HOUR, which is 1"},
		},
		"queries an hour": {
			setup: plain("WITH MAX_QUERIES_PER_HOUR 1"), want: []Cause{AccountLimit},
			says: []string{"has used up MAX_QUERIES_PER_HOUR, which is 1"},
		},
		"connections of all accounts": {
			setup: plain("", "SET GLOBAL max_user_connections = 1"), first: 1,
			start: func(s loginServer) []string {
				if !s.limitAtStart {
					return nil
				}
				return []string{"--max-user-connections=1"}
			},
			undo: only("SET GLOBAL max_user_connections = 0"), want: []Cause{AccountLimit},
			says: []string{"max_user_connections"},
		},
	}
}

// TestAdviceOnLogins makes each of the failures on the servers that can, pastes the advice as an administrator, and
// logs in.
func TestAdviceOnLogins(t *testing.T) {
	t.Parallel()
	for _, cases := range []map[string]loginCase{denials(), refusals(), limits()} {
		for name, test := range cases {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for _, flavor := range mysqltest.Flavors() {
					if test.setup(loginServers()[flavor]) != nil {
						onServer(t, flavor, test.run)
					}
				}
			})
		}
	}
}

func (c loginCase) run(t *testing.T, server *mysqltest.Server) {
	t.Helper()
	e, o := c.prepare(t, server)
	_, err := Open(t.Context(), e, o)
	advice := Advise(err, e, naming())
	if !slices.Contains(c.want, CauseOf(err)) {
		t.Errorf("%q, want one of %q: %v", CauseOf(err), c.want, err)
	}
	for _, part := range c.says {
		if !strings.Contains(advice.Summary+"\n"+advice.Remedy, part) {
			t.Errorf("%q is not in: %s\n%s", part, advice.Summary, advice.Remedy)
		}
	}
	if c.notSQL || t.Failed() {
		return
	}
	if !paste(t, server, advice) {
		t.Errorf("the server knows none of the statements of\n%s", advice.Remedy)
	}
	s, err := Open(t.Context(), e, o)
	if err != nil {
		t.Fatalf("after\n%s\nthe login is answered by: %v", advice.Remedy, err)
	}
	_ = s.Close()
}

// prepare makes the account and what is before the login that fails.
func (c loginCase) prepare(t *testing.T, server *mysqltest.Server) (Endpoint, Options) {
	t.Helper()
	kind := loginServers()[server.Flavor()]
	exec := func(ctx context.Context, statements ...string) {
		t.Helper()
		if err := server.Exec(ctx, statements...); err != nil {
			t.Fatal(err)
		}
	}
	if c.start != nil && c.start(kind) != nil {
		if err := server.Restart(t.Context(), c.start(kind)...); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { restart(t, server) })
	}
	if c.undo != nil {
		t.Cleanup(func() { exec(context.WithoutCancel(t.Context()), c.undo(kind)...) })
	}
	exec(t.Context(), c.setup(kind)...)
	e := Endpoint{Host: server.Host(), Port: server.Port(), Socket: server.Socket(), User: "lg", Password: "pw"}
	if c.login != nil {
		c.login(&e)
	}
	o := options()
	o.Probing = true // an account without privileges
	for range c.first {
		s, err := Open(t.Context(), e, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
	}
	for range c.retries {
		tried := e
		tried.Password = "wrong"
		if _, err := Open(t.Context(), tried, o); err == nil {
			t.Fatal("a wrong password is taken")
		}
	}
	return e, o
}
