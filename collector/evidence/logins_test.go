package evidence_test

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"testing"
	"time"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// status reads a global status variable.
func (s *shop) status(server *mysqltest.Server, name string) int {
	s.T.Helper()
	var value string
	if err := s.Root(server).QueryRowContext(s.T.Context(), "SHOW GLOBAL STATUS LIKE '"+name+"'").Scan(&name,
		&value); err != nil {
		s.T.Fatal(err)
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		s.T.Fatal(err)
	}
	return n
}

// gathering is what is kept between evaluations, whose evidence a test gathers itself.
type gathering struct {
	*shop
	memory  evidence.Memory
	flights evidence.Flights
	logins  evidence.Logins
	now     time.Time
}

// gather gathers a minute after the last time.
func (g *gathering) gather(ctx context.Context) *evidence.Evidence {
	g.T.Helper()
	g.now = g.now.Add(time.Minute)
	reader := backup.New(ctx, backup.Options{})
	g.T.Cleanup(reader.Close)
	e := evidence.Gather(ctx, g.Migration, evidence.Options{
		Now: g.now, StatementTimeout: time.Minute, Backups: reader, Memory: &g.memory,
		Lifetime: &evidence.Lifetime{}, Flights: &g.flights, Logins: &g.logins, Logger: slog.New(slog.DiscardHandler),
	})
	g.T.Cleanup(e.Close)
	return e
}

// TestProbesObeyDeniedLogins changes the password between the login of an evaluation and that of its probe.
func TestProbesObeyDeniedLogins(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
	g := &gathering{shop: s, now: time.Now()}
	before := s.status(server, "Aborted_connects")
	wantTried := func(want int) {
		t.Helper()
		got := s.status(server, "Aborted_connects") - before
		// The server counts a login after it has refused it.
		for got < want && t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
			got = s.status(server, "Aborted_connects") - before
		}
		if got != want {
			t.Errorf("%d logins were tried, want %d", got, want)
		}
	}
	e := g.gather(t.Context())
	if e.Magento1.Err != nil {
		t.Fatal(e.Magento1.Err)
	}
	s.Exec(server, "ALTER USER '"+s.User+"'@'%' IDENTIFIED BY 'another'")
	var v finding.Verdict
	if _, ok := e.Privileges(t.Context(), e.Magento1, &v); ok {
		t.Error("the probe got in")
	}
	if f := v.Findings; len(f) != 1 || f[0].Status != finding.Unknown ||
		!shoptest.ContainsAll(f[0].Remedy, []string{"The password is wrong", "once more"}) {
		t.Errorf("%+v", f)
	}
	wantTried(1)
	for range 3 { // the second time is the last one
		e = g.gather(t.Context())
		if database.CauseOf(e.Magento1.Err) != database.AccessDenied || e.Magento2.Err != nil {
			t.Errorf("%v, %v", e.Magento1.Err, e.Magento2.Err)
		}
		wantTried(2)
	}
	g.logins.Forget()
	g.gather(t.Context())
	wantTried(3)
}

// TestMigrationsWithOneAccountTryItOnce has many evaluations at once, whose passwords are wrong.
func TestMigrationsWithOneAccountTryItOnce(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1, s.Server2 = server, server })
	before := s.status(server, "Aborted_connects")
	wrong := config.Secret("wrong")
	s.Migration.Magento1.Database.Password, s.Migration.Magento2.Database.Password = &wrong, &wrong
	c := &config.Config{Global: s.Global}
	c.Global.EvaluationConcurrency = 8
	for i := range 20 {
		m := *s.Migration
		m.Name += strconv.Itoa(i)
		c.Migrations = append(c.Migrations, m)
	}
	s.Evaluator.EvaluateAll(t.Context(), c)
	s.Evaluator.EvaluateAll(t.Context(), c)
	s.WaitForSessions(server) // the server counts a login after it has refused it
	if got := s.status(server, "Aborted_connects") - before; got != 2 {
		t.Errorf("%d logins were tried, want 2", got)
	}
	for _, state := range s.Board.Snapshot() {
		if got := shoptest.Precondition(state, "network").Result; got.Status != finding.Fail {
			t.Errorf("%s: network is %s", state.Migration.Name, got.Status)
		}
	}
}

// TestReloadsTryDeniedLogins applies a configuration that is the same as before.
func TestReloadsTryDeniedLogins(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
	s.Exec(server, "ALTER USER '"+s.User+"'@'%' IDENTIFIED BY 'another'")
	before := s.status(server, "Aborted_connects")
	tried := func() int { return s.status(server, "Aborted_connects") - before }
	for range 4 {
		s.Want("network", finding.Fail)
	}
	s.WaitForSessions(server)
	if got := tried(); got != 2 {
		t.Fatalf("%d logins were tried, want 2", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	scheduler, ended := collector.NewScheduler(s.Evaluator), make(chan struct{})
	go func() { defer close(ended); scheduler.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	// The first evaluation by this scheduler begins at once, and its second one after the default interval.
	c := &config.Config{Global: s.Global, Migrations: []config.Migration{*s.Migration}}
	if err := scheduler.Apply(ctx, c); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Minute); tried() != 3; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the login was not tried")
		}
	}
}

// TestRefusedSettingsAreKept has an account that may not set all that an evaluation would set, as on each MySQL of
// today: from the second evaluation on each session sets what it may with one statement.
func TestRefusedSettingsAreKept(t *testing.T) {
	t.Parallel()
	shared.Each(t, func(t *testing.T, server *mysqltest.Server) {
		s := newShop(t, func(s *shoptest.Shop) { s.Server1, s.Server2 = server, server })
		g := &gathering{shop: s, now: time.Now()}
		assigned := func() int {
			t.Helper()
			before := s.status(server, "Com_set_option")
			e := g.gather(t.Context())
			var v finding.Verdict
			if _, ok := e.Privileges(t.Context(), e.Magento2, &v); !ok {
				t.Errorf("%+v", v.Findings)
			}
			return s.status(server, "Com_set_option") - before
		}
		const sessions = 3 // two, and that of the probe
		first := assigned()
		// The server counts those of all its sessions: others can only add to those of an evaluation.
		later := []int{assigned(), assigned()}
		for len(later) < 20 && slices.Min(later) != sessions {
			later = append(later, assigned())
		}
		if slices.Min(later) != sessions {
			t.Errorf("the evaluations sent %d and then %v SET, want %d from the second on", first, later, sessions)
		}
		if server.Flavor() == mysqltest.MySQL97 && first == sessions {
			t.Error("the server lets the account set all")
		}
	})
}
