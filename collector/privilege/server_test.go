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

	"go.uber.org/goleak"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config"
)

// lab is a server on which tests make accounts. Tests that use one lock it, because accounts are global. It starts when it is first used.
type lab struct {
	*mysqltest.Server
	name string
	mu   sync.Mutex
	root *sql.DB
}

// labOptions are the servers. Those with lower_case_table_names=0 write a binary log and trust those who create triggers; the others do neither.
func labOptions() map[string]mysqltest.Options {
	logging := []string{"--log-bin=binlog", "--server-id=1", "--log-bin-trust-function-creators=1", "--lower-case-table-names=0"}
	folding := []string{"--lower-case-table-names=1"}
	return map[string]mysqltest.Options{
		"mariadb":       {Flavor: mysqltest.MariaDB, Args: logging},
		"mariadb-lctn1": {Flavor: mysqltest.MariaDB, Args: folding},
		"mysql":         {Flavor: mysqltest.MySQL56, Args: logging},
		"mysql-lctn1":   {Flavor: mysqltest.MySQL56, Args: folding},
	}
}

// labs are the servers by name. Only their locks guard them.
var labs = map[string]*lab{}

func TestMain(m *testing.M) {
	for name := range labOptions() {
		labs[name] = &lab{name: name}
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
	if err := goleak.Find(); err != nil {
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
	s, err := mysqltest.Start(context.Background(), labOptions()[l.name])
	if err != nil {
		t.Fatal(err)
	}
	l.Server = s
	if l.root, err = s.Root(context.Background()); err != nil {
		t.Fatal(err)
	}
	l.exec(t, labSchema()...)
}

// labDatabases are the databases that the account shapes are about. Some names differ in case only, so there are fewer with lower_case_table_names=1.
func labDatabases() []string {
	return []string{"magento", "magento1", "magento2", "magentobackup", "magento_one", "magentoXone", `magento\_one`, "mxgento", "m_gento", "mgento",
		"magento%", "Magento1", "o'brien", "back`tick", "magento-prod", "select", "my db", "test", "test_magento", `back\slash`}
}

func labSchema() []string {
	statements := []string{"DROP DATABASE IF EXISTS test"}
	for _, name := range labDatabases() {
		db := database.Quote(name)
		statements = append(statements,
			"CREATE DATABASE IF NOT EXISTS "+db,
			"CREATE TABLE IF NOT EXISTS "+db+".probe (id INT PRIMARY KEY, v INT)",
			"CREATE TABLE IF NOT EXISTS "+db+".orders (id INT PRIMARY KEY, v INT)",
			"CREATE TABLE IF NOT EXISTS "+db+".m2_cl_orders (id INT PRIMARY KEY, operation VARCHAR(10), processed TINYINT NOT NULL DEFAULT 0)",
			"CREATE TABLE IF NOT EXISTS "+db+".dropped (id INT)",
			"INSERT IGNORE INTO "+db+".probe VALUES (1, 1)")
	}
	return statements
}

// use locks a server for a test and cleans it of accounts before and after.
func use(t *testing.T, name string) *lab {
	t.Helper()
	l := labs[name]
	l.mu.Lock()
	t.Cleanup(l.mu.Unlock)
	l.start(t)
	l.clean(t)
	t.Cleanup(func() { l.clean(t) })
	return l
}

// onBoth runs a test on MariaDB and on MySQL 5.6, at the same time.
func onBoth(t *testing.T, test func(t *testing.T, l *lab)) {
	t.Helper()
	onEach(t, "mariadb mysql", test)
}

// onEach runs a test on the named servers, at the same time.
func onEach(t *testing.T, names string, test func(t *testing.T, l *lab)) {
	t.Helper()
	for name := range strings.FieldsSeq(names) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, use(t, name))
		})
	}
}

func (l *lab) isMariaDB() bool { return l.Flavor() == mysqltest.MariaDB }

// clean drops all accounts, roles and grants but root's, also those that only stand in the grant tables.
func (l *lab) clean(t *testing.T) {
	t.Helper()
	statements := []string{
		"DELETE FROM mysql.db", "DELETE FROM mysql.tables_priv WHERE User <> 'mariadb.sys'", "DELETE FROM mysql.columns_priv",
		"DELETE FROM mysql.proxies_priv WHERE User <> 'root'",
	}
	if l.isMariaDB() {
		statements = append(statements, "DELETE FROM mysql.roles_mapping", "DELETE FROM mysql.global_priv WHERE User NOT IN ('root', 'mariadb.sys')")
	} else {
		statements = append(statements, "DELETE FROM mysql.user WHERE User <> 'root'")
	}
	l.exec(t, append(statements, "FLUSH PRIVILEGES")...)
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
	o := database.Options{StatementTimeout: time.Minute, Probing: true, Logger: slog.New(slog.DiscardHandler)}
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

// atMost fails the test when a finding weighs more.
func atMost(t *testing.T, status finding.Status, findings []finding.Finding) {
	t.Helper()
	for _, f := range findings {
		if f.Status.Rank() > status.Rank() {
			t.Errorf("a finding weighs more than %s:\n%s", status, showFindings(findings))
			return
		}
	}
}

func showFindings(findings []finding.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s %s: %s\n\tevidence: %s\n\tremedy: %s\n", f.Status, f.Subject, f.Summary, f.Evidence, strings.ReplaceAll(f.Remedy, "\n", "\n\t\t"))
	}
	return b.String()
}

// passwordHash finds what SHOW GRANTS prints of passwords.
var passwordHash = regexp.MustCompile(`\*[0-9A-Fa-f]{40}|IDENTIFIED BY PASSWORD`)
