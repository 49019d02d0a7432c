// Package shoptest sets up complete migrations on real database servers and evaluates them with the real engine, for
// tests.
package shoptest

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// Servers are shared by the tests of one package: Magento 1's has a binary log. The zero value has not been started.
type Servers struct {
	Magento1, Magento2 *mysqltest.Server

	shops  atomic.Int64
	keeper keeper
	// lifetime has the built-in tables, which each shop would read again.
	lifetime evidence.Lifetime
	// checked are the texts that have been looked at: most are the same in each test.
	checked sync.Map
	// flavors are those of Each that have started: a *flavored by mysqltest.Flavor.
	flavors sync.Map
}

// Start starts both servers, within minutes. Their tables share one file and have no statistics: each shop has 70
// tables, and making and dropping them is most of what these servers do.
func (s *Servers) Start() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var err error
	cheap := []string{
		"--innodb-file-per-table=0", "--innodb-stats-persistent=0",
		// Those of all shops, whose tables are looked at again and again.
		"--table-definition-cache=4000", "--table-open-cache=4000",
	}
	if s.Magento1, err = mysqltest.Start(ctx, mysqltest.Options{Args: append(logging(), cheap...)}); err != nil {
		return err
	}
	if s.Magento2, err = mysqltest.Start(ctx, mysqltest.Options{Args: cheap}); err != nil {
		_ = s.Magento1.Stop()
		return err
	}
	return nil
}

// Stop stops all servers.
func (s *Servers) Stop() error {
	errs := []error{s.Magento1.Stop(), s.Magento2.Stop()}
	s.flavors.Range(func(_, own any) bool {
		if f := own.(*flavored); f.server != nil {
			errs = append(errs, f.server.Stop())
		}
		return true
	})
	return errors.Join(errs...)
}

// Shop is one migration with its own databases and account.
type Shop struct {
	T                *testing.T
	Server1, Server2 *mysqltest.Server
	DB1, DB2         string
	Prefix1, Prefix2 string
	// User is the account's name on both servers; its password is Password.
	User      string
	Migration *config.Migration
	Global    config.Global
	Catalogue precondition.Catalogue
	Board     *collector.Board
	Evaluator *collector.Evaluator
	// Offset is added to the clock.
	Offset time.Duration
	frozen time.Time
	// Log has what the evaluator logged.
	Log *strings.Builder
	// Hasty makes Evaluate one evaluation, as in serving. Otherwise it is repeated until all is looked at, as in check.
	Hasty bool

	// migrated says that the databases have what WithDelta gives them.
	migrated bool
	// own are databases that others have had or will have.
	own      *databases
	sections map[string]string
	lifetime *evidence.Lifetime
	checked  *sync.Map
}

// Password is the password of the shop's account.
const Password = "t0p secret"

// New makes a migration whose database preconditions all pass. The changes are made before anything is loaded.
func (s *Servers) New(t *testing.T, change ...func(*Shop)) *Shop {
	t.Helper()
	n := s.shops.Add(1)
	shop := &Shop{
		T: t, Server1: s.Magento1, Server2: s.Magento2, DB1: fmt.Sprintf("m1_%d", n), DB2: fmt.Sprintf("m2_%d", n),
		User: fmt.Sprintf("mig%d", n), Log: &strings.Builder{}, Catalogue: precondition.All(),
		lifetime: &s.lifetime, checked: &s.checked,
	}
	own := databases{db1: shop.DB1, db2: shop.DB2, user: shop.User}
	for _, c := range change {
		c(shop)
	}
	// Who names them wants new ones.
	named := own.db1 != shop.DB1 || own.db2 != shop.DB2 || own.user != shop.User
	if !named && s.keeps(shop.Server1) && s.keeps(shop.Server2) {
		s.lend(shop, &own)
	} else {
		shop.loadOwn()
	}
	shop.Migration = &config.Migration{
		Name: "acme", Phase: config.PhaseAuto,
		Magento1: config.System{Database: shop.Login(shop.Server1, shop.DB1, shop.Prefix1)},
		Magento2: config.System{Database: shop.Login(shop.Server2, shop.DB2, shop.Prefix2)},
	}
	shop.Configure("cron_stopped", "{crontabs: [], processes: false}")
	shop.Global = config.Default().Global
	shop.Global.EvaluationTimeout = model.Duration(unhurried)
	shop.Start()
	return shop
}

// loadOwn makes databases that are dropped at the end of the test, and the account.
func (s *Shop) loadOwn() {
	s.T.Helper()
	s.Load(s.Server1, s.DB1, mysqltest.Magento1(s.Prefix1))
	s.Load(s.Server2, s.DB2, mysqltest.Magento2(s.Prefix2))
	s.accounts()
	if s.migrated {
		s.migrate()
	}
}

func (s *Shop) accounts() {
	s.T.Helper()
	s.Account(s.Server1, s.DB1, "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, TRIGGER, SHOW VIEW")
	s.Account(s.Server2, s.DB2, "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES")
}

// Migrated has the databases loaded with what WithDelta gives them.
func Migrated(s *Shop) { s.migrated = true }

// Only has the shop evaluate these preconditions and no others, which would cost most of the time of a test that asks
// about one.
func Only(ids ...string) func(*Shop) {
	return func(s *Shop) {
		s.Catalogue = nil
		With(ids...)(s)
	}
}

// With adds to the preconditions of Only.
func With(ids ...string) func(*Shop) {
	return func(s *Shop) {
		had := s.Catalogue.IDs()
		s.Catalogue = slices.DeleteFunc(precondition.All(), func(p precondition.Precondition) bool {
			return !slices.Contains(ids, p.ID) && !slices.Contains(had, p.ID)
		})
	}
}

// Start makes a new board and evaluator, as a new process would.
func (s *Shop) Start() {
	reader := backup.New(s.T.Context(), backup.Options{})
	s.T.Cleanup(reader.Close)
	// Nobody scrapes it: what renders it has tests of its own, and costs more than what is looked at here.
	s.Board = collector.NewBoard(s.Catalogue, nil)
	logger := slog.New(slog.NewTextHandler(io.Writer(s.Log), &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.Evaluator = collector.NewEvaluator(collector.EvaluatorOptions{
		Board: s.Board, Backups: reader, Patient: !s.Hasty, Logger: logger, Now: s.Now, Lifetime: s.lifetime,
	})
}

// Now is the shop's clock.
func (s *Shop) Now() time.Time {
	if !s.frozen.IsZero() {
		return s.frozen.Add(s.Offset)
	}
	return time.Now().Add(s.Offset)
}

// Freeze stops the shop's clock, so that only Offset moves it: for what is to be seen within seconds.
func (s *Shop) Freeze() { s.frozen = time.Now() }

// Configure replaces the settings of a precondition. The section is YAML, as in the configuration file; an empty one
// removes the settings.
func (s *Shop) Configure(id, section string) {
	s.T.Helper()
	if s.sections == nil {
		s.sections = map[string]string{}
	}
	s.sections[id] = section
	var b strings.Builder
	b.WriteString("migrations:\n- name: acme\n  preconditions:\n")
	for _, id := range slices.Sorted(maps.Keys(s.sections)) {
		if s.sections[id] != "" {
			fmt.Fprintf(&b, "    %s: %s\n", id, s.sections[id])
		}
	}
	text := b.String()
	path := filepath.Join(s.T.TempDir(), "exporter.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.T.Fatal(err)
	}
	c, err := config.Load(path, precondition.All().Sections())
	if err != nil {
		s.T.Fatalf("%v\n%s", err, text)
	}
	s.Migration.Preconditions = c.Migrations[0].Preconditions
}

// Set is Configure with a section of maps, lists and texts.
func (s *Shop) Set(id string, section any) {
	s.T.Helper()
	text, err := json.Marshal(section) // JSON is valid YAML
	if err != nil {
		s.T.Fatal(err)
	}
	s.Configure(id, string(text))
}

// Load creates a database; it is dropped at the end of the test.
func (s *Shop) Load(server *mysqltest.Server, name, script string) {
	s.T.Helper()
	if err := server.Load(s.T.Context(), name, script); err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { _ = server.Exec(context.Background(), "DROP DATABASE IF EXISTS "+database.Quote(name)) })
}

// Account gives the shop's account privileges on a database.
func (s *Shop) Account(server *mysqltest.Server, name, privileges string) {
	s.T.Helper()
	account := "'" + s.User + "'@'%'"
	// Both systems can be on one server, and then the account is there.
	err := server.Exec(s.T.Context(), "CREATE USER "+account+" IDENTIFIED BY '"+Password+"'")
	if err != nil && database.Number(err) != errCannotCreateUser {
		s.T.Fatal(err)
	}
	s.Exec(server, "GRANT "+privileges+" ON "+GrantName(name)+".* TO "+account)
	s.T.Cleanup(func() { _ = server.Exec(context.Background(), "DROP USER "+account) })
}

// errCannotCreateUser is the server's answer to CREATE USER for one that is there.
const errCannotCreateUser = 1396

// GrantName quotes a database name for GRANT, where _ and % are wildcards.
func GrantName(name string) string {
	return database.Quote(strings.NewReplacer(`\`, `\\`, "_", `\_`, "%", `\%`).Replace(name))
}

// Login is the configuration of the shop's account.
func (s *Shop) Login(server *mysqltest.Server, name, prefix string) config.Database {
	password := config.Secret(Password)
	return config.Database{
		Host: server.Host(), Port: server.Port(), Name: name, User: s.User, Password: &password, TablePrefix: &prefix,
	}
}

// Exec runs statements as root.
func (s *Shop) Exec(server *mysqltest.Server, statements ...string) {
	s.T.Helper()
	if err := server.Exec(s.T.Context(), statements...); err != nil {
		s.T.Fatal(err)
	}
}

// On1 runs statements in Magento 1's database, as root.
func (s *Shop) On1(statements ...string) {
	s.T.Helper()
	s.Exec(s.Server1, append([]string{"USE " + database.Quote(s.DB1)}, statements...)...)
}

// On2 runs statements in Magento 2's database, as root.
func (s *Shop) On2(statements ...string) {
	s.T.Helper()
	s.Exec(s.Server2, append([]string{"USE " + database.Quote(s.DB2)}, statements...)...)
}

// unhurried is the time limit of evaluations of which nothing hangs: no test may fail because the machine is busy.
const unhurried = 2 * time.Minute

// hurried is the first time limit of evaluations of which something hangs: enough for the rest on most machines.
const hurried = 3 * time.Second

// Evaluate evaluates, as patiently as check does, and returns the state on the board. What hangs ends at the time limit
// in Global; when that is too long for a test to wait for, it fails.
func (s *Shop) Evaluate() *collector.MigrationState {
	s.T.Helper()
	c := &config.Config{Global: s.Global, Migrations: []config.Migration{*s.Migration}}
	ctx, cancel := context.WithCancel(s.T.Context())
	defer cancel()
	defer time.AfterFunc(5*unhurried, cancel).Stop()
	if s.Evaluator.EvaluateAll(ctx, c); ctx.Err() != nil {
		s.T.Fatalf("the evaluation has not ended within %s", 5*unhurried)
	}
	state := s.Board.Snapshot()[0]
	s.checkTexts(state)
	return state
}

// Precondition returns the state of a precondition.
func Precondition(state *collector.MigrationState, id string) *collector.PreconditionState {
	for i := range state.Preconditions {
		if state.Preconditions[i].Precondition.ID == id {
			return &state.Preconditions[i]
		}
	}
	return nil
}

// Want evaluates and compares a precondition's status. Each failure and each unknown must have a remedy.
func (s *Shop) Want(id string, status finding.Status) finding.Result {
	s.T.Helper()
	s.Evaluate()
	return s.Has(id, status)
}

// WantFinding is Want, and some finding of that status says all the words.
func (s *Shop) WantFinding(id string, status finding.Status, words ...string) finding.Finding {
	s.T.Helper()
	s.Evaluate()
	return s.HasFinding(id, status, words...)
}

// Has is Want without another evaluation.
func (s *Shop) Has(id string, status finding.Status) finding.Result {
	s.T.Helper()
	r := s.State(id).Result
	if r.Status != status {
		s.T.Fatalf("%s is %s, want %s: %s\n%+v", id, r.Status, status, r.Summary, r.Findings)
	}
	for _, f := range r.Findings {
		if (f.Status == finding.Fail || f.Status == finding.Unknown) && f.Remedy == "" {
			s.T.Errorf("%s: a finding without a remedy: %+v", id, f)
		}
	}
	return r
}

// HasFinding is WantFinding without another evaluation.
func (s *Shop) HasFinding(id string, status finding.Status, words ...string) finding.Finding {
	s.T.Helper()
	s.Has(id, status)
	f, found := s.find(id, status, words)
	if !found {
		s.T.Fatalf("%s: no finding says %q: %+v", id, words, s.State(id).Result.Findings)
	}
	return f
}

// HasAnyFinding fails the test unless the precondition has a finding of a status, whatever its own status is.
func (s *Shop) HasAnyFinding(id string, status finding.Status, words ...string) {
	s.T.Helper()
	if _, found := s.find(id, status, words); !found {
		s.T.Fatalf("%s: no finding says %q: %+v", id, words, s.State(id).Result.Findings)
	}
}

func (s *Shop) find(id string, status finding.Status, words []string) (finding.Finding, bool) {
	for _, f := range s.State(id).Result.Findings {
		if f.Status == status && ContainsAll(f.Summary+"\n"+f.Evidence+"\n"+f.Remedy, words) {
			return f, true
		}
	}
	return finding.Finding{}, false
}

// EvaluateHung evaluates while something hangs, which always takes the whole time limit. That is short, for the tests'
// sake, and twice as long each time until all is as it should be, and a finding of one precondition says all the words:
// a busy machine needs longer for that. Each further time it begins as a new process would, with nothing in memory.
// With the longest limit it is an error.
func (s *Shop) EvaluateHung(want map[string]finding.Status, id string, words ...string) {
	s.T.Helper()
	s.evaluateHung(func() error {
		var other []error
		if _, found := s.find(id, want[id], words); !found {
			other = append(other, fmt.Errorf("%s: no finding says %q", id, words))
		}
		for _, id := range slices.Sorted(maps.Keys(want)) {
			if r := s.State(id).Result; r.Status != want[id] {
				other = append(other, fmt.Errorf("%s is %s, want %s: %+v", id, r.Status, want[id], r.Findings))
			}
		}
		return errors.Join(other...)
	})
}

// EvaluateHungFinding is EvaluateHung until some finding says all the words.
func (s *Shop) EvaluateHungFinding(id string, status finding.Status, words ...string) {
	s.T.Helper()
	s.evaluateHung(func() error {
		if _, found := s.find(id, status, words); !found {
			return fmt.Errorf("%s: no finding says %q: %+v", id, words, s.State(id).Result.Findings)
		}
		return nil
	})
}

func (s *Shop) evaluateHung(unlike func() error) {
	s.T.Helper()
	before := s.Global.EvaluationTimeout
	defer func() { s.Global.EvaluationTimeout = before }()
	for limit := hurried; ; limit *= 2 {
		s.Global.EvaluationTimeout = model.Duration(limit)
		s.Evaluate()
		err := unlike()
		if err == nil {
			return
		}
		if limit >= unhurried {
			s.T.Fatal(err)
		}
		s.Start()
	}
}

// ContainsAll reports whether a text has all the words.
func ContainsAll(text string, words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// Value returns a sample of the last evaluation.
func (s *Shop) Value(family string, labels ...string) (float64, bool) {
	for _, sample := range exposition.Samples(s.Board.Snapshot()[0]) {
		if sample.Family == family && slices.Equal(sample.Labels, labels) {
			return sample.Value, true
		}
	}
	return 0, false
}

// WantValue compares a sample of the last evaluation.
func (s *Shop) WantValue(want float64, family string, labels ...string) {
	s.T.Helper()
	if got, ok := s.Value(family, labels...); !ok || got != want {
		s.T.Errorf("%s%q is %v (exists: %v), want %v", family, labels, got, ok, want)
	}
}

// WantAbsent is for a series that must not exist.
func (s *Shop) WantAbsent(family string, labels ...string) {
	s.T.Helper()
	if !slices.ContainsFunc(exposition.Families(s.Catalogue), func(f finding.Family) bool { return f.Name == family }) {
		s.T.Fatalf("nothing that the shop evaluates, %q, has a series %s", s.Catalogue.IDs(), family)
	}
	if got, ok := s.Value(family, labels...); ok {
		s.T.Errorf("%s%q is %v, want no series", family, labels, got)
	}
}

// State returns the state of a precondition on the board.
func (s *Shop) State(id string) *collector.PreconditionState {
	s.T.Helper()
	state := Precondition(s.Board.Snapshot()[0], id)
	if state == nil {
		s.T.Fatalf("the shop evaluates %q: to ask about %s, make it with shoptest.With(%[2]q)", s.Catalogue.IDs(), id)
	}
	return state
}

// Root connects to a server as root.
func (s *Shop) Root(server *mysqltest.Server) *sql.DB {
	s.T.Helper()
	root, err := server.Root(s.T.Context())
	if err != nil {
		s.T.Fatal(err)
	}
	return root
}
