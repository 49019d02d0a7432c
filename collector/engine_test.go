package collector

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/model"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// bubble runs a test of which time is the subject, on a clock that goes on only while everybody waits: a test of hours
// is over at once, and each instant is exact, however busy the machine is.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// evaluate is what a made-up precondition does.
type evaluate func(ctx context.Context, m *config.Migration) finding.Verdict

func passed() finding.Verdict { return finding.Verdict{Summary: "fine"} }

func fine(context.Context, *config.Migration) finding.Verdict { return passed() }

// taking is an evaluation that takes some time, unless its context ends before.
func taking(d time.Duration) evaluate {
	return func(ctx context.Context, m *config.Migration) finding.Verdict {
		select {
		case <-time.After(d):
			return fine(ctx, m)
		case <-ctx.Done():
			return unanswered()
		}
	}
}

// untilEnded is what waits for a database that does not answer: the context ends it.
func untilEnded(ctx context.Context, _ *config.Migration) finding.Verdict {
	<-ctx.Done()
	return unanswered()
}

func unanswered() finding.Verdict {
	v := finding.Verdict{}
	v.Unknown("", "it did not answer", "", "Wait.")
	return v
}

// madeUp is a catalogue of preconditions that are not about anything, called p0, p1 and so on.
func madeUp(all ...evaluate) precondition.Catalogue {
	var c precondition.Catalogue
	for i, f := range all {
		c = append(c, precondition.Precondition{
			ID: fmt.Sprint("p", i), Title: "Made up",
			Evaluate: func(ctx context.Context, e *evidence.Evidence) finding.Verdict { return f(ctx, e.Migration) },
		})
	}
	return c
}

// engine is a scheduler with all that it works on, in a bubble.
type engine struct {
	t         *testing.T
	board     *Board
	evaluator *Evaluator
	scheduler *Scheduler
	// offset is by how much the clock that the engine was given is ahead of the bubble's.
	offset atomic.Int64
	// stop ends the scheduler and returns when Run has.
	stop func()
}

// newEngine makes an engine of made-up preconditions whose scheduler runs until the test ends.
func newEngine(t *testing.T, all ...evaluate) *engine {
	t.Helper()
	e := &engine{t: t, board: NewBoard(madeUp(all...), nil)}
	reader := backup.New(t.Context(), backup.Options{})
	t.Cleanup(reader.Close)
	e.evaluator = NewEvaluator(EvaluatorOptions{
		Board: e.board, Backups: reader, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(time.Duration(e.offset.Load())) },
	})
	e.scheduler = NewScheduler(e.evaluator)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { e.scheduler.Run(ctx) })
	e.stop = func() { cancel(); running.Wait() }
	t.Cleanup(e.stop)
	return e
}

// apply makes the engine use a configuration, and returns when what is due has begun and whoever can go on has done so.
func (e *engine) apply(c *config.Config) {
	e.t.Helper()
	if err := e.scheduler.Apply(e.t.Context(), c); err != nil {
		e.t.Fatal(err)
	}
	synctest.Wait()
}

// after lets time pass, and what is due then happen.
func (e *engine) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// result is what the board says of a migration's first precondition.
func (e *engine) result(migration int) finding.Result {
	return e.board.Snapshot()[migration].Preconditions[0].Result
}

// many is a configuration of migrations without databases, called m0, m1 and so on.
func many(n int, interval, timeout time.Duration, concurrency int) *config.Config {
	c := config.Default()
	c.Global.EvaluationInterval, c.Global.EvaluationTimeout = model.Duration(interval), model.Duration(timeout)
	c.Global.EvaluationConcurrency = concurrency
	for i := range n {
		c.Migrations = append(c.Migrations, unconfigured(i))
	}
	return c
}

// unconfigured is a migration without databases.
func unconfigured(i int) config.Migration {
	return config.Migration{Name: fmt.Sprint("m", i), Phase: config.PhaseAuto}
}

// record notes when evaluations of each migration begin and end, since the first of all began.
type record struct {
	start        time.Time
	mu           sync.Mutex
	begun, ended map[string][]time.Duration
}

func newRecord() *record {
	return &record{start: time.Now(), begun: map[string][]time.Duration{}, ended: map[string][]time.Duration{}}
}

// of notes each evaluation that f does.
func (r *record) of(f evaluate) evaluate {
	note := func(times map[string][]time.Duration, m *config.Migration) {
		r.mu.Lock()
		defer r.mu.Unlock()
		times[m.Name] = append(times[m.Name], time.Since(r.start))
	}
	return func(ctx context.Context, m *config.Migration) finding.Verdict {
		note(r.begun, m)
		defer note(r.ended, m)
		return f(ctx, m)
	}
}

// times returns when evaluations of a migration began and ended.
func (r *record) times(migration int) (begun, ended []time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := fmt.Sprint("m", migration)
	return r.begun[name], r.ended[name]
}

// wantBegun compares when evaluations of a migration began with what they must have.
func (r *record) wantBegun(t *testing.T, migration int, want ...time.Duration) {
	t.Helper()
	if got, _ := r.times(migration); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("m%d was evaluated after %v, want after %v", migration, got, want)
	}
}

// turns are a first evaluation and all later ones up to an end, of which the first comes at next.
func turns(first, next, interval, end time.Duration) []time.Duration {
	all := []time.Duration{first}
	for ; next <= end; next += interval {
		all = append(all, next)
	}
	return all
}
