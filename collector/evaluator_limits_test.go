package collector

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

// evaluated is an evaluator of made-up preconditions without a scheduler, and its board's only migration.
func evaluated(t *testing.T, patient bool, all ...evaluate) (*Evaluator, *config.Migration) {
	t.Helper()
	board := NewBoard(madeUp(all...), nil)
	reader := backup.New(t.Context(), backup.Options{})
	t.Cleanup(reader.Close)
	e := NewEvaluator(EvaluatorOptions{
		Board: board, Backups: reader, Patient: patient, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	return e, board.Configure([]config.Migration{unconfigured(0)})[0]
}

// took evaluates with a time limit and returns after which time that was over.
func took(t *testing.T, e *Evaluator, m *config.Migration, limit time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	e.Evaluate(t.Context(), m, limit)
	return time.Since(began)
}

// want compares what the board says of the migration's preconditions: each a status, and words of the summary.
func want(t *testing.T, e *Evaluator, all ...string) {
	t.Helper()
	for i, text := range all {
		status, words, _ := strings.Cut(text, ": ")
		r := e.board.Snapshot()[0].Preconditions[i].Result
		if r.Status.String() != status || !strings.Contains(r.Summary, words) {
			t.Errorf("p%d is %s: %s; want %s", i, r.Status, r.Summary, text)
		}
	}
}

func TestEvaluationEndsAtItsLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const limit = 15 * time.Second
		e, m := evaluated(t, false, fine, untilEnded)
		if got := took(t, e, m, limit); got != limit {
			t.Errorf("it took %s, the limit is %s", got, limit)
		}
		want(t, e, "pass: fine", "unknown: it did not answer")
		for i, d := range []time.Duration{0, limit} {
			if got := e.board.Snapshot()[0].Preconditions[i].Result.Duration; got != d {
				t.Errorf("p%d took %s, want %s", i, got, d)
			}
		}
	})
}

// TestAnEvaluationThatHangsIsNotStartedAgain has a precondition that does not come back, as one that waits for a dead
// mount.
func TestAnEvaluationThatHangsIsNotStartedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const limit = 15 * time.Second
		mount, calls := make(chan struct{}), atomic.Int64{}
		e, m := evaluated(t, false, fine, func(ctx context.Context, m *config.Migration) finding.Verdict {
			calls.Add(1)
			<-mount
			return fine(ctx, m)
		})
		if got := took(t, e, m, limit); got != limit+graceAfterLimit {
			t.Errorf("it took %s, the limit is %s", got, limit)
		}
		want(t, e, "pass: fine", "unknown: did not end within its time limit")
		for range 5 {
			if got := took(t, e, m, limit); got != 0 {
				t.Errorf("it took %s although nothing was to be waited for", got)
			}
			want(t, e, "pass: fine", "unknown: has not ended yet")
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("%d evaluations were begun", n)
		}
		close(mount)
		synctest.Wait()
		e.Evaluate(t.Context(), m, limit)
		want(t, e, "pass: fine", "pass: fine")
	})
}

// TestPatience evaluates, as check does, until all was looked at or its own time is over; the daemon leaves that to the
// next evaluation.
func TestPatience(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		patient bool
		within  time.Duration
		calls   int
		status  string
	}{
		{true, time.Hour, 5, "pass"},
		{true, 2500 * time.Millisecond, 3, "unknown"},
		{false, time.Hour, 1, "unknown"},
	} {
		t.Run(fmt.Sprintf("%+v", tc), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				calls := 0
				e, _ := evaluated(t, tc.patient, func(ctx context.Context, m *config.Migration) finding.Verdict {
					calls++
					taking(time.Second)(ctx, m)
					if calls == 5 {
						return fine(ctx, m)
					}
					v := unanswered()
					v.Incomplete = true
					return v
				})
				ctx, cancel := context.WithTimeout(t.Context(), tc.within)
				defer cancel()
				e.EvaluateAll(ctx, many(1, time.Minute, time.Minute, 1))
				if want(t, e, tc.status); calls != tc.calls {
					t.Errorf("it was evaluated %d times, want %d", calls, tc.calls)
				}
			})
		})
	}
}

// TestCutShort has a second look that check's own time cuts short: what the first one saw stays.
func TestCutShort(t *testing.T) {
	bubble(t, func(t *testing.T) {
		calls := 0
		e, _ := evaluated(t, true, func(ctx context.Context, _ *config.Migration) finding.Verdict {
			v := finding.Verdict{Incomplete: true}
			if calls++; calls == 1 {
				v.Warn("", "seen", "", "")
				return v
			}
			<-ctx.Done()
			v.Fail("", "cut short", "", "wait")
			return v
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		e.EvaluateAll(ctx, many(1, time.Minute, time.Minute, 1))
		if want(t, e, "warn"); calls != 2 {
			t.Errorf("it was evaluated %d times", calls)
		}
	})
}

// TestNoTimeIsLeft has a check whose time is over before a migration's turn: nothing of that migration is blamed.
func TestNoTimeIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		calls := 0
		e, _ := evaluated(t, true, fine, func(ctx context.Context, m *config.Migration) finding.Verdict {
			calls++
			return fine(ctx, m)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		time.Sleep(2 * time.Second)
		e.EvaluateAll(ctx, many(1, time.Minute, time.Minute, 1))
		want(t, e, "unknown: no time was left", "unknown: no time was left")
		if f := e.board.Snapshot()[0].Preconditions[1].Result.Findings; calls != 0 || len(f) != 1 ||
			!strings.Contains(f[0].Remedy, "--timeout") {
			t.Errorf("evaluated %d times: %+v", calls, f)
		}
	})
}

// TestEvaluateAgain looks again after the pause that a verdict asks for, as long as there is time for a whole evaluation.
func TestEvaluateAgain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		within time.Duration
		calls  int
		status string
	}{{time.Hour, 3, "pass"}, {75 * time.Second, 2, "unknown"}, {10 * time.Second, 1, "unknown"}} {
		t.Run(fmt.Sprintf("%+v", tc), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				calls := 0
				e, _ := evaluated(t, false, func(ctx context.Context, m *config.Migration) finding.Verdict {
					if calls++; calls == 3 {
						return fine(ctx, m)
					}
					v := unanswered()
					v.Again = 10 * time.Second
					return v
				})
				ctx, cancel := context.WithTimeout(t.Context(), tc.within)
				defer cancel()
				c := many(1, time.Minute, time.Minute, 1)
				e.EvaluateAll(ctx, c)
				e.EvaluateAgain(ctx, c)
				if want(t, e, tc.status); calls != tc.calls {
					t.Errorf("it was evaluated %d times, want %d", calls, tc.calls)
				}
			})
		})
	}
}

// TestEvaluateAllHasPlaces counts how many evaluations go on at a time.
func TestEvaluateAllHasPlaces(t *testing.T) {
	bubble(t, func(t *testing.T) {
		e, _ := evaluated(t, false, taking(time.Second))
		began := time.Now()
		e.EvaluateAll(t.Context(), many(10, time.Minute, time.Minute, 4))
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("ten evaluations of a second each took %s, four at a time", took)
		}
	})
}

// TestMemoryOverAReload has entries of one name after each other, as reloads bring them.
func TestMemoryOverAReload(t *testing.T) {
	t.Parallel()
	e, m := evaluated(t, false, fine)
	first, release := e.memory(m)
	release()
	same := *m
	same.Waivers = []config.Waiver{{Precondition: "p0"}}
	kept, release := e.memory(&same)
	if kept != first {
		t.Error("what is known is forgotten for an entry that sees the same")
	}
	busy := *m
	beside, releaseBusy := e.memory(&busy)
	if beside == kept {
		t.Error("two evaluations share a memory")
	}
	release()
	releaseBusy()
	other := *m
	other.Magento1.Root = "/elsewhere"
	fresh, release := e.memory(&other)
	defer release()
	if fresh == beside {
		t.Error("what was seen of another shop is kept")
	}
}
