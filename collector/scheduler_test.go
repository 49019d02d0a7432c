package collector

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// running starts a scheduler, as the daemon does, until the test ends.
func running(t *testing.T, c *config.Config, change ...func(*Scheduler)) (*Board, *Scheduler) {
	t.Helper()
	board := NewBoard(precondition.All(), nil)
	reader := backup.New(t.Context(), backup.Options{})
	t.Cleanup(reader.Close)
	evaluator := NewEvaluator(
		EvaluatorOptions{Board: board, Backups: reader, Logger: slog.New(slog.DiscardHandler), Now: time.Now},
	)
	s := NewScheduler(evaluator)
	for _, f := range change {
		f(s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	if err := s.Apply(ctx, c); err != nil {
		t.Fatal(err)
	}
	return board, s
}

func eventually(t *testing.T, what string, limit time.Duration, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

// unconfigured is a migration without databases, which is evaluated at once.
func unconfigured(i int) config.Migration {
	return config.Migration{Name: fmt.Sprint("m", i), Phase: config.PhaseAuto}
}

func TestSchedulerEvaluatesAgainAndAgain(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Global.EvaluationInterval = model.Duration(200 * time.Millisecond)
	for i := range 20 {
		c.Migrations = append(c.Migrations, unconfigured(i))
	}
	board, _ := running(t, c)
	eventually(t, "each migration is evaluated", time.Minute, board.Evaluated)
	eventually(t, "each migration is evaluated three times", time.Minute, func() bool {
		for _, s := range board.Snapshot() {
			if s.Preconditions[0].Evaluations < 3 {
				return false
			}
		}
		return true
	})
	var seen []time.Time
	for _, s := range board.Snapshot() {
		seen = append(seen, s.Preconditions[0].Result.EvaluatedAt)
	}
	spread := 0
	for i := 1; i < len(seen); i++ {
		if seen[i].Sub(seen[i-1]).Abs() > 2*time.Millisecond {
			spread++
		}
	}
	if spread < 10 {
		t.Errorf("evaluations come in one burst: %v", seen)
	}
}

// TestSchedulerHungMigrationsMakeNobodyLate has more migrations that hang than there are places.
func TestSchedulerHungMigrationsMakeNobodyLate(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	c := config.Default()
	c.Global.EvaluationConcurrency = 2
	c.Global.EvaluationInterval = model.Duration(time.Second)
	c.Global.EvaluationTimeout = model.Duration(10 * time.Minute)
	for i := range 4 {
		m := unconfigured(100 + i)
		m.Magento1.Database = config.Database{
			Host: "127.0.0.1",
			Port: silent.Addr().(*net.TCPAddr).Port,
			Name: "x",
			User: "x",
		}
		c.Migrations = append(c.Migrations, m)
	}
	for i := range 6 {
		c.Migrations = append(c.Migrations, unconfigured(i))
	}
	board, _ := running(t, c)
	eventually(t, "the healthy migrations are evaluated although four others hang", time.Minute, func() bool {
		for _, s := range board.Snapshot()[4:] {
			if s.Preconditions[0].Evaluations < 4 {
				return false
			}
		}
		return true
	})
	for _, s := range board.Snapshot()[:4] {
		if s.Evaluated {
			t.Error("a migration that hangs was evaluated: the test shows nothing")
		}
	}
}

func TestSchedulerReload(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Migrations = []config.Migration{unconfigured(1), unconfigured(2)}
	board, s := running(t, c)
	eventually(t, "evaluated", time.Minute, board.Evaluated)
	kept := board.Snapshot()[0].Preconditions[0].Result.EvaluatedAt
	next := config.Default()
	changed := unconfigured(2)
	changed.Magento1.Root = "/elsewhere"
	next.Migrations = []config.Migration{unconfigured(1), changed, unconfigured(3)}
	if err := s.Apply(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new migrations are evaluated at once", time.Minute, func() bool {
		states := board.Snapshot()
		return len(states) == 3 && states[0].Evaluated && states[1].Evaluated && states[2].Evaluated
	})
	if got := board.Snapshot()[0].Preconditions[0].Result.EvaluatedAt; !got.Equal(kept) {
		t.Error("an unchanged migration lost its results")
	}
}

// TestSchedulerDecays lets an evaluation never end.
func TestSchedulerDecays(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	board := NewBoard(precondition.All(), nil)
	m := board.Configure([]config.Migration{unconfigured(1)})[0]
	board.Publish(m, evaluation(clock, nil), clock)
	evaluator := NewEvaluator(
		EvaluatorOptions{
			Board:  board,
			Logger: slog.New(slog.DiscardHandler),
			Now:    func() time.Time { return clock.Add(200 * time.Second) },
		},
	)
	s := NewScheduler(evaluator)
	s.global = config.Default().Global
	s.decay()
	if board.Snapshot()[0].Ready {
		t.Error("a result older than three intervals and the time limit still counts")
	}
}

// TestSchedulerThousand has a thousand migrations: of each ten one hangs, one is refused, and the others have no
// databases.
func TestSchedulerThousand(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing.Close()
	c := config.Default()
	c.Global.EvaluationConcurrency = 4
	c.Global.EvaluationInterval = model.Duration(10 * time.Second)
	c.Global.EvaluationTimeout = model.Duration(6 * time.Second)
	const many = 1000 / raceFactor
	for i := range many {
		m := unconfigured(i)
		if listener := map[int]net.Listener{3: silent, 7: refusing}[i%10]; listener != nil {
			m.Magento1.Database = config.Database{
				Host: "127.0.0.1",
				Port: listener.Addr().(*net.TCPAddr).Port,
				Name: "x",
				User: "x",
			}
		}
		c.Migrations = append(c.Migrations, m)
	}
	board, _ := running(t, c, func(s *Scheduler) { s.slowAfter = 200 * time.Millisecond })
	began := time.Now()
	eventually(t, "every migration is evaluated, also those that hang", 5*time.Minute, board.Evaluated)
	t.Logf("all were evaluated after %s", time.Since(began))
	evaluations := func(i int) int { return board.Snapshot()[i].Preconditions[0].Evaluations }
	before := make([]int, many)
	for i := range before {
		before[i] = evaluations(i)
	}
	const intervals = 2
	time.Sleep(intervals * time.Duration(c.Global.EvaluationInterval))
	for i := range before {
		// If those that hang held the places, each round would take 100 times 2 s by 4 places: 50 s.
		if n := evaluations(i) - before[i]; i%10 != 3 && n < intervals-1 {
			t.Errorf("migration %d was evaluated %d times in %d intervals", i, n, intervals)
		}
	}
}

// TestSchedulerReloadsPutNothingOff reloads more often than migrations are evaluated.
func TestSchedulerReloadsPutNothingOff(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Global.EvaluationInterval = model.Duration(500 * time.Millisecond)
	for i := range 5 {
		c.Migrations = append(c.Migrations, unconfigured(i))
	}
	board, s := running(t, c)
	next := 5
	eventually(
		t,
		"each of the first is evaluated again although the list changes all the time",
		20*time.Second,
		func() bool {
			changed := *c
			changed.Migrations = append([]config.Migration{unconfigured(next)}, c.Migrations...)
			next++
			if err := s.Apply(t.Context(), &changed); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
			states := board.Snapshot()
			for _, state := range states[len(states)-5:] {
				if state.Preconditions[0].Evaluations < 4 {
					return false
				}
			}
			return true
		},
	)
}

// TestSchedulerIsFair has far more work than places, and looks for migrations that never get their turn.
func TestSchedulerIsFair(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	evaluator := NewEvaluator(
		EvaluatorOptions{
			Board:  NewBoard(precondition.All(), nil),
			Logger: slog.New(slog.DiscardHandler),
			Now:    func() time.Time { return clock },
		},
	)
	s := NewScheduler(evaluator)
	s.global = config.Default().Global
	s.global.EvaluationConcurrency = 2
	s.epoch = clock.Add(-time.Hour)
	for i := range 6 {
		m := unconfigured(i)
		s.jobs = append(s.jobs, &job{migration: &m, due: clock.Add(-time.Duration(i) * time.Second)})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // evaluations end at once; only who is started matters
	s.dispatch(ctx)
	for i, j := range s.jobs {
		if j.running != (i >= 4) {
			t.Errorf("job %d, which is due for %d s, runs: %v", i, i, j.running)
		}
	}
	s.drain()
}

// TestSchedulerDecaysWhileItIsBusy lets messages come all the time, each of which begins the wait for the next turn
// anew.
func TestSchedulerDecaysWhileItIsBusy(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	c := config.Default()
	c.Global.EvaluationTimeout = model.Duration(time.Hour)
	hung := unconfigured(1)
	hung.Magento1.Database = config.Database{
		Host: "127.0.0.1",
		Port: silent.Addr().(*net.TCPAddr).Port,
		Name: "x",
		User: "x",
	}
	c.Migrations = []config.Migration{hung}
	var later atomic.Int64
	board, s := running(t, c, func(s *Scheduler) {
		s.evaluator.now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	board.Publish(board.Snapshot()[0].Migration, evaluation(time.Now(), nil), time.Now())
	if !board.Snapshot()[0].Ready {
		t.Fatal("the result is no good one: the test shows nothing")
	}
	later.Store(int64(2 * time.Hour))
	eventually(t, "the old result is not believed any more", 10*time.Second, func() bool {
		if err := s.Apply(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		return !board.Snapshot()[0].Ready
	})
}

// TestSchedulerEndsWhatIsNotConfiguredAnyMore changes and removes migrations whose evaluations would take an hour.
func TestSchedulerEndsWhatIsNotConfiguredAnyMore(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	c := config.Default()
	c.Global.EvaluationTimeout = model.Duration(time.Hour)
	c.Global.EvaluationConcurrency = 1
	for i := range 3 {
		m := unconfigured(i)
		m.Magento1.Database = config.Database{
			Host: "127.0.0.1",
			Port: silent.Addr().(*net.TCPAddr).Port,
			Name: "x",
			User: "x",
		}
		c.Migrations = append(c.Migrations, m)
	}
	board, s := running(t, c, func(s *Scheduler) { s.slowAfter = 50 * time.Millisecond })
	conn := func() net.Conn {
		t.Helper()
		if err := silent.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		conn, err := silent.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	conns := []net.Conn{conn(), conn(), conn()} // two of them are in the slow lane by now
	next := *c
	next.Migrations = []config.Migration{unconfigured(0), unconfigured(7)} // one is changed, two are gone, one is new
	if err := s.Apply(t.Context(), &next); err != nil {
		t.Fatal(err)
	}
	for _, conn := range conns {
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Errorf("a connection is still held: %v", err)
		}
	}
	eventually(t, "what is configured now is evaluated", time.Minute, board.Evaluated)
	for _, state := range board.Snapshot() {
		for _, p := range state.Preconditions {
			if strings.Contains(p.Result.Summary, "has not ended yet") {
				t.Errorf(
					"%s of %s waits for what was ended: %s",
					p.Precondition.ID,
					state.Migration.Name,
					p.Result.Summary,
				)
			}
		}
	}
}

// TestSchedulerReleasesBackupsThatWereAskedForTooLate lets an evaluation ask for a backup after a reload has removed
// its migration.
func TestSchedulerReleasesBackupsThatWereAskedForTooLate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m2.sql")
	if err := os.WriteFile(path, []byte("-- MySQL dump 10.13\n"+strings.Repeat("-- filler\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	reader := backup.New(t.Context(), backup.Options{BytesPerSecond: 1})
	t.Cleanup(reader.Close)
	s := NewScheduler(
		NewEvaluator(
			EvaluatorOptions{
				Board:   NewBoard(precondition.All(), nil),
				Backups: reader,
				Logger:  slog.New(slog.DiscardHandler),
				Now:     time.Now,
			},
		),
	)
	m := unconfigured(1)
	candidates, _ := reader.Find(t.Context(), m.Name, []string{path})
	if len(candidates) != 1 {
		t.Fatalf("found %v", candidates)
	}
	standing := func() backup.Standing {
		_, _, standing := reader.Lookup(candidates[0])
		return standing
	}
	leaving := &job{migration: &m, running: true, cancel: func() {}}
	s.leave(leaving, time.Now())
	reader.Request(m.Name, candidates)
	if standing() == backup.StandingUnknown {
		t.Fatal("the backup was not requested: the test shows nothing")
	}
	s.busy = 1
	s.end(leaving)
	eventually(
		t,
		"nobody wants the backup any more",
		10*time.Second,
		func() bool { return standing() == backup.StandingUnknown },
	)
	if len(s.leaving) != 0 || s.busy != 0 {
		t.Errorf("%d evaluations are leaving, %d places are taken", len(s.leaving), s.busy)
	}
}
