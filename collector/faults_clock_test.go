package collector

import (
	"log/slog"
	"testing"
	"time"

	"magento_migration_exporter/collector/backup"
)

// TestFaultsOfTheSchedulersClock lets the clock jump a day ahead and two days back under a scheduler at work: each time
// all are evaluated again within an interval and a half, since half of one is how often it looks.
func TestFaultsOfTheSchedulersClock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const interval, n = time.Minute, 3
		e := newEngine(t, fine)
		e.apply(many(n, interval, time.Second, 8))
		for _, jump := range []time.Duration{24 * time.Hour, -24 * time.Hour, time.Minute, 0} {
			e.offset.Store(int64(jump))
			jumped := e.evaluator.now()
			e.after(interval * 3 / 2)
			for i := range n {
				if at := e.result(i).EvaluatedAt; at.Before(jumped) || at.After(e.evaluator.now()) {
					t.Errorf("after a jump of %s to %s m%d was last evaluated at %s", jump, jumped, i, at)
				}
			}
		}
	})
}

// TestFaultsOfTheWallClock checks that times between evaluations are measured by the clock that nobody can set: that is
// what keeps a wall clock that jumps from making results old or evaluations late.
func TestFaultsOfTheWallClock(t *testing.T) {
	t.Parallel()
	reader := backup.New(t.Context(), backup.Options{})
	t.Cleanup(reader.Close)
	board := NewBoard(madeUp(fine), nil)
	c := many(1, time.Minute, time.Minute, 1)
	NewEvaluator(EvaluatorOptions{
		Board: board, Backups: reader, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	}).EvaluateAll(t.Context(), c)
	at := board.Snapshot()[0].Preconditions[0].Result.EvaluatedAt
	if at == at.Round(0) { //nolint:staticcheck // Equal does not look at the readings
		t.Errorf("%s has no reading of the monotonic clock", at)
	}
}
