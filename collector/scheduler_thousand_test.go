package collector

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

// TestSchedulerThousand has a thousand migrations: of each ten one hangs until its time limit.
func TestSchedulerThousand(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const interval, limit, n = 10 * time.Second, 6 * time.Second, 1000
		const settled, end = 30 * time.Second, 70 * time.Second
		const concurrency, slowPlaces = 4, slowLaneFactor * 4
		r := newRecord()
		var hung, most atomic.Int64
		hangs := func(name string) bool { return strings.HasSuffix(name, "3") }
		e := newEngine(t, r.of(func(ctx context.Context, m *config.Migration) finding.Verdict {
			if !hangs(m.Name) {
				return fine(ctx, m)
			}
			most.Store(max(most.Load(), hung.Add(1)))
			defer hung.Add(-1)
			return untilEnded(ctx, m)
		}))
		e.apply(many(n, interval, limit, concurrency))
		if e.after(settled); !e.board.Evaluated() {
			t.Error("some migration was never evaluated")
		}
		most.Store(0) // those that hang for the first time take places in both lanes
		e.after(end - settled)
		if got := most.Load(); got != slowPlaces {
			t.Errorf("%d of those that hang were evaluated at a time, want %d", got, slowPlaces)
		}
		for i := range n {
			begun, _ := r.times(i)
			since, _ := slices.BinarySearch(begun, settled)
			if hangs(unconfigured(i).Name) {
				if got := len(begun[since:]); got == 0 {
					t.Errorf("m%d, which hangs, does not get its turn any more", i)
				}
				continue
			}
			place := time.Duration(i) * interval / n
			want := turns(settled+place, settled+place+interval, interval, end)
			if got := begun[since:]; !slices.Equal(got, want) {
				t.Errorf("m%d was evaluated after %v, want after %v", i, got, want)
			}
		}
	})
}
