package fit

import (
	"sync"
	"testing"
	"time"
)

// TestShelvesAreShared has several searches take and give back shelves at the same time, as those of several migrations
// do: each shelf is one search's, and the race detector sees those that are not.
func TestShelvesAreShared(t *testing.T) {
	t.Parallel()
	var s Shelves
	now := time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC)
	var all sync.WaitGroup
	for range 2 * shelfCount {
		all.Go(func() {
			owner := &keyed{}
			for n := range 200 {
				x := s.take(owner, now)
				if x == nil {
					continue
				}
				if x.owner != owner || len(x.hashes) != 0 {
					t.Errorf("%+v: it is not an empty shelf of this search", x)
				}
				x.hashes = append(x.hashes, uint64(n))
				s.leave(owner)
			}
		})
	}
	all.Wait()
	for i, x := range s.shelves {
		if x.owner != nil {
			t.Errorf("shelf %d was not given back", i)
		}
	}
}
