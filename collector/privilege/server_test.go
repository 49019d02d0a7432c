package privilege

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"magento_migration_exporter/collector/leaktest"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config"
)

// labServer is a server of the tests, and all in which it differs from the others.
type labServer struct {
	name   string
	flavor mysqltest.Flavor
	args   []string
	// shapes are the names under which the account shapes say what is true on it.
	shapes []string
	// forget are statements that remove all accounts and roles but root's, also those that only stand in the grant
	// tables, and what tests set for all sessions.
	forget []string
	// accounts is the table of mysql that holds them.
	accounts string
	// hasRoles is true where accounts can have roles, and firingRoles where the definer of a trigger has its default
	// ones.
	hasRoles, firingRoles bool
	// defaultRole is the statement that makes the first a default role of the second.
	defaultRole string
	// extraGrants are groups of statements with semicolons between them, each of which now and then follows made-up
	// grants to u1.
	extraGrants []string
	// hash finds what SHOW GRANTS prints of passwords; nil where it prints nothing.
	hash *regexp.Regexp
	// position shows where the binary log ends.
	position string
	// trust is the statement of the remedy for a server that does not trust those who create triggers, and configures
	// says whether it needs a line in my.cnf beside it.
	trust      string
	configures bool
	// untrust are the statements that take trust back.
	untrust []string
	// admin is a privilege that lets an account set trust itself; empty where only SUPER does.
	admin string
	// dropNeedsTrust is true where DROP TRIGGER needs what CREATE TRIGGER needs.
	dropNeedsTrust bool
}

const unsetTrust = "SET GLOBAL log_bin_trust_function_creators = 0"

func logging() []string {
	return []string{"--log-bin=binlog", "--server-id=1", "--lower-case-table-names=0"}
}

// labServers is the table of servers. Those with lower_case_table_names=0 write a binary log and trust those who create
// triggers; the others do neither.
func labServers() []labServer {
	mariadb := labServer{
		name: "mariadb", flavor: mysqltest.MariaDB, args: logging(), shapes: []string{"mariadb", "mariadb-public"},
		forget: []string{
			"DELETE FROM mysql.db", "DELETE FROM mysql.tables_priv WHERE User <> 'mariadb.sys'",
			"DELETE FROM mysql.columns_priv",
			"DELETE FROM mysql.proxies_priv WHERE User <> 'root'", "DELETE FROM mysql.procs_priv",
			"DELETE FROM mysql.roles_mapping",
			"DELETE FROM mysql.global_priv WHERE User NOT IN ('root', 'mariadb.sys')", "FLUSH PRIVILEGES",
		},
		extraGrants: []string{"GRANT SELECT, INSERT, TRIGGER ON {{database}}.* TO PUBLIC",
			"GRANT UPDATE ON `m%`.* TO PUBLIC"},
		accounts: "global_priv", hasRoles: true, defaultRole: "SET DEFAULT ROLE %s FOR %s", hash: passwordHash,
		position: "SHOW MASTER STATUS", trust: setTrust, configures: true, dropNeedsTrust: true,
		untrust: []string{unsetTrust},
		admin:   string(BinlogAdmin),
	}
	mysql56 := labServer{
		name: "mysql", flavor: mysqltest.MySQL56, args: logging(), shapes: []string{"mysql"},
		forget: []string{
			"DELETE FROM mysql.db", "DELETE FROM mysql.tables_priv", "DELETE FROM mysql.columns_priv",
			"DELETE FROM mysql.procs_priv",
			"DELETE FROM mysql.proxies_priv WHERE User <> 'root'", "DELETE FROM mysql.user WHERE User <> 'root'",
			"FLUSH PRIVILEGES",
		},
		accounts: "user", hash: passwordHash, position: "SHOW MASTER STATUS", trust: setTrust, configures: true,
		dropNeedsTrust: true,
		untrust:        []string{unsetTrust},
	}
	mysql97 := labServer{
		name: "mysql97", flavor: mysqltest.MySQL97, args: logging(), shapes: []string{"mysql97"},
		forget: forgetMySQL8(),
		extraGrants: []string{
			"CREATE ROLE everybody; GRANT SELECT, TRIGGER ON {{database}}.* TO everybody; SET GLOBAL mandatory_roles " +
				"= 'everybody'",
			"SET GLOBAL activate_all_roles_on_login = ON",
			"GRANT SELECT, INSERT, UPDATE, TRIGGER ON *.* TO 'u1'@'%'", "SET GLOBAL partial_revokes = ON",
			"REVOKE IF EXISTS INSERT, DROP ON {{database}}.* FROM 'u1'@'%'",
		},
		accounts: "user", hasRoles: true, firingRoles: true, defaultRole: "SET DEFAULT ROLE %s TO %s",
		position: "SHOW BINARY LOG STATUS", trust: persistTrust,
		untrust: []string{unsetTrust, "RESET PERSIST IF EXISTS log_bin_trust_function_creators"},
		admin:   string(SystemVariablesAdmin),
	}
	folding := []string{"--lower-case-table-names=1"}
	mariadbFolding, mysqlFolding := mariadb, mysql56
	mariadbFolding.name, mariadbFolding.shapes, mariadbFolding.args = "mariadb-lctn1", []string{"mariadb-lctn1"},
		folding
	mysqlFolding.name, mysqlFolding.shapes, mysqlFolding.args = "mysql-lctn1", []string{"mysql-lctn1"}, folding
	old, recent := mariadb, mariadb
	old.name, old.flavor = "mariadb105", mysqltest.MariaDB105
	old.shapes, old.extraGrants = []string{"mariadb"}, nil // it has no PUBLIC
	recent.name, recent.flavor = "mariadb118", mysqltest.MariaDB118
	return []labServer{mariadb, mariadbFolding, mysql56, mysqlFolding, mysql97, recent, old}
}

func forgetMySQL8() []string {
	list := []string{"RESET PERSIST", "SET GLOBAL mandatory_roles = ''", "SET GLOBAL activate_all_roles_on_login = OFF",
		"START TRANSACTION"}
	for _, table := range []string{"db", "tables_priv", "columns_priv", "procs_priv", "proxies_priv", "global_grants",
		"default_roles", "user"} {
		list = append(list, "DELETE FROM mysql."+table+" WHERE User <> 'root' AND User NOT LIKE 'mysql.%'")
	}
	return append(list, "DELETE FROM mysql.role_edges", "COMMIT", "FLUSH PRIVILEGES", "SET GLOBAL partial_revokes = OFF")
}

// lab is a server on which tests make accounts. Tests that use one lock it, because accounts are global. It starts when
// it is first used.
type lab struct {
	labServer
	*mysqltest.Server
	mu   sync.Mutex
	root *sql.DB
	// startedWith are the options of its last restart, beside args.
	startedWith []string
	refused     database.RefusedSettings
}

// labs are the servers by name. Only their locks guard them.
var labs = map[string]*lab{}

func TestMain(m *testing.M) {
	for _, server := range labServers() {
		if slices.Contains(mysqltest.Flavors(), server.flavor) {
			labs[server.name] = &lab{labServer: server}
		}
	}
	code := m.Run()
	for _, l := range labs {
		if l.Server == nil {
			continue
		}
		if err := l.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if err := leaktest.Goroutines(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// start starts the server when it has not been yet. It outlives the test that does so.
func (l *lab) start(t *testing.T) {
	t.Helper()
	if l.Server != nil {
		return
	}
	s, err := mysqltest.Start(context.Background(), mysqltest.Options{Flavor: l.flavor, Args: l.args})
	if err != nil {
		t.Fatal(err)
	}
	l.Server = s
	if l.root, err = s.Root(context.Background()); err != nil {
		t.Fatal(err)
	}
	l.exec(t, labSchema()...)
}

// labDatabases are the databases that the account shapes are about. Some names differ in case only, so there are fewer
// with lower_case_table_names=1.
func labDatabases() []string {
	return []string{"magento", "magento1", "magento2", "magentobackup", "magento_one", "magentoXone", `magento\_one`,
		"mxgento", "m_gento",
		"mgento", "magento%", "Magento1", "o'brien", "back`tick", "magento-prod", "select", "my db", "test",
		"test_magento", `back\slash`,
		`mag"ento`, "мадженто"}
}

func labSchema() []string {
	statements := []string{"DROP DATABASE IF EXISTS test", "SET NAMES utf8mb4"}
	for _, name := range labDatabases() {
		db := database.Quote(name)
		statements = append(statements,
			"CREATE DATABASE IF NOT EXISTS "+db,
			"CREATE TABLE IF NOT EXISTS "+db+".probe (id INT PRIMARY KEY, v INT, w INT)",
			"CREATE TABLE IF NOT EXISTS "+db+".probe_idx (id INT PRIMARY KEY)",
			"CREATE TABLE IF NOT EXISTS "+db+".orders (id INT PRIMARY KEY, v INT)",
			"CREATE TABLE IF NOT EXISTS "+db+".m2_cl_orders (id INT PRIMARY KEY, operation VARCHAR(10), processed "+
				"TINYINT NOT NULL DEFAULT 0)",
			"CREATE TABLE IF NOT EXISTS "+db+".dropped (id INT)",
			"INSERT IGNORE INTO "+db+".probe VALUES (1, 1, 1)")
	}
	return append(statements, "CREATE PROCEDURE magento1.pr() SELECT 1",
		"CREATE FUNCTION magento1.fn1() RETURNS INT NO SQL RETURN 1")
}

// use locks a server for a test and cleans it of accounts before and after. It skips the test where the server was left
// out.
func use(t *testing.T, name string) *lab {
	t.Helper()
	l := labs[name]
	if l == nil {
		t.Skip(mysqltest.ErrNotChosen)
	}
	l.mu.Lock()
	t.Cleanup(l.mu.Unlock)
	l.start(t)
	l.forgetAccounts(t)
	l.exec(t, setTrust)
	t.Cleanup(func() { l.forgetAccounts(t) })
	return l
}

// onServers runs a test on all servers with lower_case_table_names=0 of which something is true, at the same time.
func onServers(t *testing.T, is func(labServer) bool, test func(t *testing.T, l *lab)) {
	t.Helper()
	for _, server := range labServers() {
		if slices.Equal(server.args, logging()) && is(server) {
			t.Run(server.name, func(t *testing.T) {
				t.Parallel()
				test(t, use(t, server.name))
			})
		}
	}
}

// onAll runs a test on each of these servers.
func onAll(t *testing.T, test func(t *testing.T, l *lab)) {
	t.Helper()
	onServers(t, func(labServer) bool { return true }, test)
}

func withRoles(s labServer) bool { return s.hasRoles }

// isMariaDB is for what only MariaDB has, such as PUBLIC.
func isMariaDB(s labServer) bool { return s.flavor.Family() == "mariadb" }

// role returns statements that make a role with a privilege on a database and give it to u1, as a default role.
func (l *lab) role(name, privileges, on string) []string {
	return []string{"CREATE ROLE " + name, "GRANT " + privileges + " ON " + on + " TO " + name, "GRANT " + name +
		" TO 'u1'@'%'",
		fmt.Sprintf(l.defaultRole, name, "'u1'@'%'")}
}

// forgetAccounts makes the server forget what tests made of accounts.
func (l *lab) forgetAccounts(t *testing.T) {
	t.Helper()
	l.exec(t, strings.Join(l.forget, ";"))
}

// exec runs statements as root. Unlike the test's context, its own outlives the test, so that clean-ups can use it.
func (l *lab) exec(t *testing.T, statements ...string) {
	t.Helper()
	if err := l.Exec(context.Background(), statements...); err != nil {
		t.Fatal(err)
	}
}

func (l *lab) value(t *testing.T, query string) string {
	t.Helper()
	var value string
	if err := l.root.QueryRowContext(t.Context(), query).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

// login opens a fresh session for probing, over the socket or over TCP. All accounts have the password pw, or none.
func (l *lab) login(t *testing.T, user string, tcp bool) *database.Session {
	t.Helper()
	s, err := l.tryLogin(t, user, "pw", tcp)
	if database.Number(err) == database.ErrAccessDenied {
		s, err = l.tryLogin(t, user, "", tcp)
	}
	if err != nil {
		t.Fatalf("log in as %s: %v", user, err)
	}
	return s
}

func (l *lab) tryLogin(t *testing.T, user, password string, tcp bool) (*database.Session, error) {
	t.Helper()
	e := database.Endpoint{Socket: l.Socket(), User: user, Password: config.Secret(password)}
	if tcp {
		e.Host, e.Port = l.Host(), l.Port()
	}
	o := database.Options{StatementTimeout: time.Minute, Probing: true, Refused: &l.refused,
		Logger: slog.New(slog.DiscardHandler)}
	s, err := database.Open(t.Context(), e, o)
	if err == nil {
		t.Cleanup(func() { _ = s.Close() })
	}
	return s, err
}

// observe logs in afresh and looks.
func (l *lab) observe(t *testing.T, user string, target Target) Observation {
	t.Helper()
	return observe(t, l.login(t, user, false), target)
}

func observe(t *testing.T, s *database.Session, target Target) Observation {
	t.Helper()
	o, err := Observe(t.Context(), s, target)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return o
}

// statementsIn returns what a person would paste from a remedy: its lines that are SQL.
func statementsIn(remedy string) []string {
	var list []string
	for line := range strings.Lines(remedy) {
		if line = strings.TrimSpace(line); strings.HasSuffix(line, ";") {
			list = append(list, line)
		}
	}
	return list
}

func find(findings []finding.Finding, subject string) (finding.Finding, bool) {
	i := slices.IndexFunc(findings, func(f finding.Finding) bool { return f.Subject == subject })
	if i < 0 {
		return finding.Finding{}, false
	}
	return findings[i], true
}

// mustFind fails the test unless there is a finding of that subject and level.
func mustFind(t *testing.T, findings []finding.Finding, subject string, status finding.Status) finding.Finding {
	t.Helper()
	f, ok := find(findings, subject)
	if !ok || f.Status != status {
		t.Errorf("no finding %q of status %s in:\n%s", subject, status, showFindings(findings))
	}
	return f
}

// onlyNotes fails the test when a finding does not pass.
func onlyNotes(t *testing.T, findings []finding.Finding) {
	t.Helper()
	if slices.ContainsFunc(findings, func(f finding.Finding) bool { return f.Status != finding.Pass }) {
		t.Errorf("a finding is more than a note:\n%s", showFindings(findings))
	}
}

func showFindings(findings []finding.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s %s: %s\n\tevidence: %s\n\tremedy: %s\n", f.Status, f.Subject, f.Summary, f.Evidence,
			strings.ReplaceAll(f.Remedy, "\n", "\n\t\t"))
	}
	return b.String()
}

// passwordHash finds what SHOW GRANTS prints of passwords.
var passwordHash = regexp.MustCompile(`\*[0-9A-Fa-f]{40}|IDENTIFIED BY PASSWORD`)

// TestServersThatCallThemselvesOtherwise has what proxies and forks say of their version before the variables of the
// servers.
func TestServersThatCallThemselvesOtherwise(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		read := func(version string) Server {
			variables := map[string]string{}
			err := l.login(t, "root", false).Rows(t.Context(), variablesQuery, nil, func(scan func(...any) error) error {
				var name, value string
				err := scan(&name, &value)
				variables[name] = value
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if version != "" {
				variables["version"], variables["version_comment"] = version, "(ProxySQL)"
			}
			return newServer(variables)
		}
		own := read("")
		if own.hasRoles() != l.hasRoles || own.isMySQL8() != l.firingRoles || own.isMariaDB() != isMariaDB(l.labServer) {
			t.Errorf("%+v", own)
		}
		for _, version := range []string{"beta", "5.5.30", "5.5.30-proxysql", "5.6.47.0", "5.7.25-TiDB-v7.1.0"} {
			s := read(version)
			if s.hasRoles() != own.hasRoles() || s.isMySQL8() != own.isMySQL8() || s.isMariaDB() != own.isMariaDB() ||
				!s.checksReferences() && own.checksReferences() {
				t.Errorf("%s: %+v, want %+v", version, s, own)
			}
		}
	})
}
