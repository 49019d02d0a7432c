package reconcile

import (
	"runtime"
	"sync"
	"testing"
)

// TestDefinitionsAreShared has several migrations share equal definitions at the same time, as evaluations of theirs do:
// all get the same one, and the race detector watches.
func TestDefinitionsAreShared(t *testing.T) {
	t.Parallel()
	var s Definitions
	flat := func(id int64) *definition { return &definition{flats: []flatValue{{document: "store", id: id}}} }
	const equal = 20
	first := make([]*definition, equal)
	for id := range int64(equal) {
		first[id] = s.share(flat(id))
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for id := range int64(equal) {
				if s.share(flat(id)) != first[id] {
					t.Errorf("the definition of %d is there twice", id)
				}
				s.share(flat(equal + id))
			}
		})
	}
	all.Wait()
	runtime.KeepAlive(first)
}
