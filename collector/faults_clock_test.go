package collector

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// TestFaultsOfTheSchedulersClock lets the clock jump a day ahead and two days back under a scheduler at work.
func TestFaultsOfTheSchedulersClock(t *testing.T) {
	t.Parallel()
	var offset atomic.Int64
	reader := backup.New(t.Context(), backup.Options{})
	t.Cleanup(reader.Close)
	board := NewBoard(precondition.All(), nil)
	s := NewScheduler(
		NewEvaluator(EvaluatorOptions{Board: board, Backups: reader, Logger: slog.New(slog.DiscardHandler),
			Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }}),
	)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	c := config.Default()
	c.Global.EvaluationInterval = model.Duration(300 * time.Millisecond)
	for i := range 3 {
		c.Migrations = append(c.Migrations, unconfigured(i))
	}
	if err := s.Apply(ctx, c); err != nil {
		t.Fatal(err)
	}
	eventually(t, "each migration is evaluated", 20*time.Second, board.Evaluated)
	for _, jump := range []time.Duration{24 * time.Hour, -24 * time.Hour, time.Minute, 0} {
		offset.Store(int64(jump))
		jumped := time.Now().Add(jump)
		eventually(t, "after a jump of "+jump.String()+" each migration is evaluated again", time.Minute, func() bool {
			for _, state := range board.Snapshot() {
				at := state.Preconditions[0].Result.EvaluatedAt
				if at.Before(jumped) || at.Sub(jumped) > time.Hour {
					return false
				}
			}
			return true
		})
	}
}

// TestFaultsOfTheWallClock checks that times between evaluations are told by the clock that nobody can set: that is
// what keeps a wall clock that jumps from making results old or evaluations late.
func TestFaultsOfTheWallClock(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Migrations = []config.Migration{unconfigured(1)}
	board, _ := running(t, c)
	eventually(t, "evaluated", time.Minute, board.Evaluated)
	at := board.Snapshot()[0].Preconditions[0].Result.EvaluatedAt
	if at == at.Round(0) { //nolint:staticcheck // Equal does not look at the readings
		t.Errorf("%s has no reading of the monotonic clock", at)
	}
}
