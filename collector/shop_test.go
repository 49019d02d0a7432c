package collector

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config"
)

// servers are shared by the tests of this package: Magento 1's has a binary log.
type servers struct{ magento1, magento2 *mysqltest.Server }

var shared servers

func TestMain(m *testing.M) {
	if path := os.Getenv(watchedVariable); path != "" {
		if err := evaluateWatched(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var err error
	if shared.magento1, err = mysqltest.Start(ctx, mysqltest.Options{Args: []string{"--log-bin=binlog", "--server-id=1", "--log-bin-trust-function-creators=1"}}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = shared.magento1.Stop() }()
	if shared.magento2, err = mysqltest.Start(ctx, mysqltest.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = shared.magento2.Stop() }()
	code := m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func (s servers) stop() error {
	if err := s.magento1.Stop(); err != nil {
		return err
	}
	return s.magento2.Stop()
}

var shopNumber atomic.Int64

// shop is one migration with databases and accounts of its own on real servers.
type shop struct {
	t                *testing.T
	server1, server2 *mysqltest.Server
	db1, db2         string
	user             string
	migration        *config.Migration
	board            *Board
	evaluator        *Evaluator
	global           config.Global
	offset           time.Duration
	log              *strings.Builder
	prefix1, prefix2 string
}

const testPassword = "t0p secret"

// newShop makes a migration whose database preconditions all pass.
func newShop(t *testing.T, change ...func(*shop)) *shop {
	t.Helper()
	n := shopNumber.Add(1)
	s := &shop{t: t, server1: shared.magento1, server2: shared.magento2, db1: fmt.Sprintf("m1_%d", n), db2: fmt.Sprintf("m2_%d", n), user: fmt.Sprintf("mig%d", n), log: &strings.Builder{}}
	for _, c := range change {
		c(s)
	}
	s.load(s.server1, s.db1, mysqltest.Magento1(s.prefix1))
	s.load(s.server2, s.db2, mysqltest.Magento2(s.prefix2))
	s.account(s.server1, s.db1, "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, TRIGGER, SHOW VIEW")
	s.account(s.server2, s.db2, "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES")
	s.migration = &config.Migration{
		Name: "acme", Phase: config.PhaseAuto,
		Magento1: config.System{Database: s.login(s.server1, s.db1, s.prefix1)},
		Magento2: config.System{Database: s.login(s.server2, s.db2, s.prefix2)},
	}
	s.migration.Preconditions.CronStopped.Crontabs = &[]string{}
	s.migration.Preconditions.CronStopped.Processes = new(bool)
	s.global = config.Default().Global
	s.global.EvaluationTimeout = model.Duration(6 * time.Second)
	s.start()
	return s
}

// start makes a fresh board and evaluator, as a new process would.
func (s *shop) start() {
	reader := backup.New(s.t.Context(), backup.Options{})
	s.t.Cleanup(reader.Close)
	s.board = NewBoard()
	logger := slog.New(slog.NewTextHandler(io.Writer(s.log), &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.evaluator = NewEvaluator(EvaluatorOptions{Board: s.board, Backups: reader, WaitForBackups: true, Logger: logger, Now: s.now})
}

func (s *shop) now() time.Time { return time.Now().Add(s.offset) }

func (s *shop) load(server *mysqltest.Server, database, script string) {
	s.t.Helper()
	if err := server.Load(s.t.Context(), database, script); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = server.Exec(context.Background(), "DROP DATABASE IF EXISTS "+quoted(database)) })
}

func quoted(name string) string { return database.Quote(name) }

func (s *shop) account(server *mysqltest.Server, database, privileges string) {
	s.t.Helper()
	account := "'" + s.user + "'@'%'"
	s.exec(server, "GRANT "+privileges+" ON "+grantName(database)+".* TO "+account+" IDENTIFIED BY '"+testPassword+"'")
	s.t.Cleanup(func() { _ = server.Exec(context.Background(), "DROP USER "+account) })
}

// grantName quotes a database name for GRANT, where _ and % are wildcards.
func grantName(database string) string {
	return quoted(strings.NewReplacer(`\`, `\\`, "_", `\_`, "%", `\%`).Replace(database))
}

func (s *shop) login(server *mysqltest.Server, database, prefix string) config.Database {
	password := config.Secret(testPassword)
	return config.Database{Host: server.Host(), Port: server.Port(), Name: database, User: s.user, Password: &password, TablePrefix: &prefix}
}

func (s *shop) exec(server *mysqltest.Server, statements ...string) {
	s.t.Helper()
	if err := server.Exec(s.t.Context(), statements...); err != nil {
		s.t.Fatal(err)
	}
}

// on1 and on2 run statements in the databases, as root.
func (s *shop) on1(statements ...string) {
	s.t.Helper()
	s.exec(s.server1, append([]string{"USE " + quoted(s.db1)}, statements...)...)
}

func (s *shop) on2(statements ...string) {
	s.t.Helper()
	s.exec(s.server2, append([]string{"USE " + quoted(s.db2)}, statements...)...)
}

// evaluate evaluates once and returns the state on the board.
func (s *shop) evaluate() *MigrationState {
	s.t.Helper()
	c := &config.Config{Global: s.global, Migrations: []config.Migration{*s.migration}}
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	s.evaluator.EvaluateAll(ctx, c)
	return s.board.Snapshot()[0]
}

func (m *MigrationState) precondition(id string) *PreconditionState {
	for i := range m.Preconditions {
		if m.Preconditions[i].Precondition.ID == id {
			return &m.Preconditions[i]
		}
	}
	return nil
}

// want evaluates and compares a precondition's status.
func (s *shop) want(id string, status Status) Result {
	s.t.Helper()
	r := s.evaluate().precondition(id).Result
	if r.Status != status {
		s.t.Fatalf("%s is %s, want %s: %s\n%+v", id, r.Status, status, r.Summary, r.Findings)
	}
	for _, f := range r.Findings {
		if (f.Status == Fail || f.Status == Unknown) && f.Remedy == "" {
			s.t.Errorf("%s: a finding without a remedy: %+v", id, f)
		}
	}
	return r
}

// wantFinding is want, and some finding of that status says all the words.
func (s *shop) wantFinding(id string, status Status, words ...string) Finding {
	s.t.Helper()
	r := s.want(id, status)
	for _, f := range r.Findings {
		if f.Status == status && containsAll(f.Summary+"\n"+f.Evidence+"\n"+f.Remedy, words) {
			return f
		}
	}
	s.t.Fatalf("%s: no finding says %q: %+v", id, words, r.Findings)
	return Finding{}
}

func containsAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// value returns a sample of the last evaluation.
func (s *shop) value(f family, labels ...string) (float64, bool) {
	for _, sample := range s.board.Snapshot()[0].samples() {
		if sample.family == f && strings.Join(sample.labels, "\x00") == strings.Join(labels, "\x00") {
			return sample.value, true
		}
	}
	return 0, false
}

func (s *shop) wantValue(want float64, f family, labels ...string) {
	s.t.Helper()
	if got, ok := s.value(f, labels...); !ok || got != want {
		s.t.Errorf("%s%q is %v (there: %v), want %v", f, labels, got, ok, want)
	}
}

func (s *shop) wantAbsent(f family, labels ...string) {
	s.t.Helper()
	if got, ok := s.value(f, labels...); ok {
		s.t.Errorf("%s%q is %v, want no series", f, labels, got)
	}
}
