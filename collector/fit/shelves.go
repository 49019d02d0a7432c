package fit

import (
	"sync"
	"time"
)

const (
	// shelfCount is how many searches keep hashes at the same time, shelfSize how many hashes each of them keeps: in
	// all 32 MiB, however many migrations there are.
	shelfCount, shelfSize = 4, 1 << 20
	// abandoned is after how long a search that did not go on loses its hashes to another one: its migration may be
	// gone, or its database hang.
	abandoned = 30 * time.Minute
)

// Shelves are where searches keep hashes of rows from one evaluation to the next. They are for all migrations of a
// process, which is what limits their memory. The zero value is ready.
type Shelves struct {
	mu      sync.Mutex
	shelves [shelfCount]shelf
	// size is how many hashes a shelf has place for, 0 for shelfSize.
	size int
}

func (s *Shelves) most() int {
	if s.size == 0 {
		return shelfSize
	}
	return s.size
}

// shelf is what one search keeps.
type shelf struct {
	owner  *keyed
	used   time.Time
	hashes []uint64
}

// take returns the shelf of a search, or gives it an empty one; nil when all are in use. Only its owner may use what it
// holds, and takes it again for each statement.
func (s *Shelves) take(owner *keyed, now time.Time) *shelf {
	s.mu.Lock()
	defer s.mu.Unlock()
	var free *shelf
	for i := range s.shelves {
		x := &s.shelves[i]
		if x.owner == owner {
			x.used = now
			return x
		}
		if free == nil && (x.owner == nil || now.Sub(x.used) >= abandoned) {
			free = x
		}
	}
	if free != nil {
		*free = shelf{owner: owner, used: now}
	}
	return free
}

// leave gives a shelf back.
func (s *Shelves) leave(owner *keyed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.shelves {
		if s.shelves[i].owner == owner {
			s.shelves[i] = shelf{}
		}
	}
}
