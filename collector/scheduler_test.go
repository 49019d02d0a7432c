package collector

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// TestSchedulerSpreadsEvaluations has evaluations of 100 ms: first all come at once, eight at a time, and then each has
// its own place in the interval.
func TestSchedulerSpreadsEvaluations(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const interval, takes, n = 10 * time.Second, 100 * time.Millisecond, 20
		r := newRecord()
		e := newEngine(t, r.of(taking(takes)))
		e.apply(many(n, interval, time.Minute, 8))
		e.after(10 * interval)
		for i := range n {
			first, next := time.Duration(i/8)*takes, time.Duration(i)*interval/n
			if next <= first+interval/2 {
				next += interval // its place is too near to its first turn
			}
			r.wantBegun(t, i, turns(first, next, interval, 10*interval)...)
		}
		if n := e.evaluator.Late(); n != 0 {
			t.Errorf("%d evaluations were late", n)
		}
	})
}

// TestSchedulerHungMigrationsMakeNobodyLate has more migrations that hang than there are places. The first time, those
// behind them wait a second for each two of them, and from then on for none, also when they hang again.
func TestSchedulerHungMigrationsMakeNobodyLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const interval, limit, hung, n = 10 * time.Second, 10 * time.Minute, 4, 10
		const end = 3 * limit
		r := newRecord()
		e := newEngine(t, r.of(func(ctx context.Context, m *config.Migration) finding.Verdict {
			if m.Name < "m4" {
				return untilEnded(ctx, m)
			}
			return fine(ctx, m)
		}))
		e.apply(many(n, interval, limit, 2))
		if e.after(2 * time.Second); e.board.Evaluated() {
			t.Error("a migration that hangs was evaluated")
		}
		e.after(end - 2*time.Second)
		for i := hung; i < n; i++ {
			next := time.Duration(i) * interval / n
			if next <= 2*time.Second+interval/2 {
				next += interval
			}
			r.wantBegun(t, i, turns(2*time.Second, next, interval, end)...)
		}
		for i := range hung {
			first := time.Duration(i/2) * time.Second
			if begun, ended := r.times(i); len(begun) < 3 || begun[0] != first || ended[0] != first+limit {
				t.Errorf("m%d hung from %v on until %v, want at first from %s on", i, begun, ended, first)
			}
		}
	})
}

// TestSchedulerCountsLateEvaluations has two migrations and one place for them.
func TestSchedulerCountsLateEvaluations(t *testing.T) {
	for takes, want := range map[time.Duration]uint64{
		500 * time.Millisecond: 0,
		900 * time.Millisecond: 21, // all that begin within 20 s but the first two
	} {
		t.Run(takes.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				e := newEngine(t, taking(takes))
				e.apply(many(2, time.Second, time.Minute, 1))
				e.after(20 * time.Second)
				if got := e.evaluator.Late(); got != want {
					t.Errorf("%d evaluations were late, want %d", got, want)
				}
			})
		})
	}
}

// TestSchedulerReload changes one migration, adds another and leaves one as it is.
func TestSchedulerReload(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const interval = time.Minute
		r := newRecord()
		e := newEngine(t, r.of(fine))
		c := many(2, interval, time.Second, 8)
		e.apply(c)
		kept := e.result(0).EvaluatedAt
		e.after(10 * time.Second)
		changed := unconfigured(1)
		changed.Magento1.Root = "/elsewhere"
		next := *c
		next.Migrations = []config.Migration{unconfigured(0), changed, unconfigured(2)}
		e.apply(&next)
		r.wantBegun(t, 0, 0)
		r.wantBegun(t, 1, 0, 10*time.Second)
		r.wantBegun(t, 2, 10*time.Second)
		if states := e.board.Snapshot(); len(states) != 3 || !states[0].Evaluated || !states[1].Evaluated ||
			!states[2].Evaluated {
			t.Errorf("not all are evaluated: %+v", states)
		}
		if got := e.result(0).EvaluatedAt; !got.Equal(kept) {
			t.Error("an unchanged migration lost its results")
		}
	})
}

// TestSchedulerDecays lets an evaluation never end.
func TestSchedulerDecays(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	board := NewBoard(precondition.All(), nil)
	m := board.Configure([]config.Migration{unconfigured(1)})[0]
	board.Publish(m, evaluation(clock, nil), clock)
	s := NewScheduler(NewEvaluator(EvaluatorOptions{
		Board: board, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return clock },
	}))
	s.global = config.Default().Global
	clock = clock.Add(
		intervalsToDecay*time.Duration(s.global.EvaluationInterval) + time.Duration(s.global.EvaluationTimeout),
	)
	if s.decay(); !board.Snapshot()[0].Ready {
		t.Error("a result of three intervals and the time limit does not count any more")
	}
	clock = clock.Add(1)
	if s.decay(); board.Snapshot()[0].Ready {
		t.Error("a result older than three intervals and the time limit still counts")
	}
}

// TestSchedulerReloadsPutNothingOff reloads more often than migrations are evaluated, each time with a list in which
// all have another place.
func TestSchedulerReloadsPutNothingOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const interval, between, old = 10 * time.Second, time.Second, 5
		r := newRecord()
		e := newEngine(t, r.of(fine))
		c := many(old, interval, time.Second, 8)
		e.apply(c)
		const reloads = 100
		for i := range reloads {
			changed := *c
			for range i%3 + 1 {
				changed.Migrations = append([]config.Migration{unconfigured(old + i)}, changed.Migrations...)
			}
			changed.Migrations = slices.CompactFunc(changed.Migrations, sameName)
			if i%2 == 0 {
				slices.Reverse(changed.Migrations)
			}
			e.after(between)
			e.apply(&changed)
		}
		for i := range old {
			begun, _ := r.times(i)
			begun = append(begun, reloads*between)
			for j := range begun[1:] {
				if begun[j+1]-begun[j] > interval {
					t.Errorf("m%d was evaluated after %v: once it waited for more than %s", i, begun, interval)
				}
			}
		}
	})
}

func sameName(a, b config.Migration) bool { return a.Name == b.Name }

// TestSchedulerIsFair has far more work than places, and looks for migrations that never get their turn.
func TestSchedulerIsFair(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	s := NewScheduler(NewEvaluator(EvaluatorOptions{
		Board: NewBoard(
			madeUp(fine),
			nil,
		), Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return clock },
	}))
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

// TestSchedulerDecaysWhileItIsBusy lets a message come before the timer fires, which then begins to wait again.
func TestSchedulerDecaysWhileItIsBusy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		e := newEngine(t, untilEnded)
		c := many(1, time.Minute, time.Hour, 8)
		e.apply(c)
		now := time.Now()
		good := Evaluation{Results: []finding.Result{passed().Result(config.SeverityWarn, now, 0)}}
		if e.board.Publish(e.board.Snapshot()[0].Migration, good, now); !e.board.Snapshot()[0].Ready {
			t.Fatal("the result is no good one: the test shows nothing")
		}
		e.offset.Store(int64(2 * time.Hour))
		e.apply(c)
		if !time.Now().Equal(now) {
			t.Fatal("the timer could fire: the test shows nothing")
		}
		if e.board.Snapshot()[0].Ready {
			t.Error("the old result is still believed")
		}
	})
}

// TestSchedulerEndsWhatIsNotConfiguredAnyMore changes and removes migrations whose evaluations would take an hour.
func TestSchedulerEndsWhatIsNotConfiguredAnyMore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRecord()
		e := newEngine(t, r.of(func(ctx context.Context, m *config.Migration) finding.Verdict {
			if m.Magento1.Root == "/hangs" {
				return untilEnded(ctx, m)
			}
			return fine(ctx, m)
		}))
		c := many(3, time.Minute, time.Hour, 1)
		for i := range c.Migrations {
			c.Migrations[i].Magento1.Root = "/hangs"
		}
		e.apply(c)
		e.after(5 * time.Second)
		for i := range 3 { // two of them are in the slow lane by now
			r.wantBegun(t, i, time.Duration(i)*time.Second)
		}
		next := *c
		next.Migrations = []config.Migration{
			unconfigured(0),
			unconfigured(7),
		} // one is changed, two are gone, one is new
		e.apply(&next)
		for i := range 3 {
			if _, ended := r.times(i); len(ended) == 0 || ended[0] != 5*time.Second {
				t.Errorf("the evaluation of m%d has ended after %v, want after 5s", i, ended)
			}
		}
		r.wantBegun(t, 0, 0, 5*time.Second)
		r.wantBegun(t, 7, 5*time.Second)
		for i := range next.Migrations {
			if got := e.result(i); got.Status != finding.Pass {
				t.Errorf("m%d: %s: %s", i, got.Status, got.Summary)
			}
		}
	})
}

// TestSchedulerWaitsForWhatDoesNotEnd changes a migration whose evaluation does not notice that it should end, as one
// that waits for a dead mount: the next one waits for it, but not forever.
func TestSchedulerWaitsForWhatDoesNotEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, mount := newRecord(), make(chan struct{})
		e := newEngine(t, func(context.Context, *config.Migration) finding.Verdict {
			<-mount
			return passed()
		}, r.of(fine))
		t.Cleanup(func() { close(mount) })
		c := many(1, time.Minute, 10*time.Second, 2)
		e.apply(c)
		next := *c
		next.Migrations = []config.Migration{unconfigured(0)}
		next.Migrations[0].Magento1.Root = "/elsewhere"
		e.apply(&next)
		e.after(time.Minute / 2)
		r.wantBegun(t, 0, 0, graceAfterLimit)
		if got := e.result(0); got.Status != finding.Unknown || !strings.Contains(got.Summary, "has not ended yet") {
			t.Errorf("%s: %s", got.Status, got.Summary)
		}
	})
}

// TestSchedulerEndsWithoutWhatDoesNotEnd stops a scheduler whose evaluations do not notice that.
func TestSchedulerEndsWithoutWhatDoesNotEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		mount := make(chan struct{})
		e := newEngine(t, func(context.Context, *config.Migration) finding.Verdict {
			<-mount
			return passed()
		})
		t.Cleanup(func() { close(mount) })
		e.apply(many(3, time.Minute, time.Hour, 8))
		stopped := time.Now()
		if e.stop(); time.Since(stopped) > drainLimit {
			t.Errorf("it ended after %s", time.Since(stopped))
		}
		if e.board.Snapshot()[0].Evaluated {
			t.Error("an evaluation that was cut short was published")
		}
	})
}

// TestSchedulerLeavesNobodyWaiting stops a scheduler, and lets an evaluation end long after that.
func TestSchedulerLeavesNobodyWaiting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := NewScheduler(NewEvaluator(EvaluatorOptions{Board: NewBoard(madeUp(fine), nil), Now: time.Now}))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		mount := make(chan struct{})
		s.running.Go(func() {
			<-mount
			s.report(&job{})
		})
		s.Run(ctx)
		close(mount)
		s.running.Wait() // for ever, and the bubble says so, when a report needs a receiver
	})
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
	s := NewScheduler(NewEvaluator(EvaluatorOptions{
		Board: NewBoard(precondition.All(), nil), Backups: reader, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	}))
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
	eventually(t, "nobody wants the backup any more", func() bool { return standing() == backup.StandingUnknown })
	if len(s.leaving) != 0 || s.busy != 0 {
		t.Errorf("%d evaluations are leaving, %d places are taken", len(s.leaving), s.busy)
	}
}

// eventually waits for a state, however busy the machine is.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	// To ask can cost more than what is waited for.
	pause := 5 * time.Millisecond
	for deadline := time.Now().Add(5 * time.Minute); !is(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came true: %s", what)
		}
		pause = min(2*pause, 100*time.Millisecond)
	}
}
