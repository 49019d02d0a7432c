package evidence

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Flight is a piece of work of one migration's evaluation: a precondition, by its id, or a read before the
// preconditions.
type Flight struct{ Migration, What string }

// Flights holds the flights that have begun and not ended. On a dead mount a flight never ends, and must not be begun
// again and again.
type Flights struct {
	mu      sync.Mutex
	pending map[Flight]bool
}

// Begin reports whether the flight may begin: not while an earlier one has not ended.
func (f *Flights) Begin(x Flight) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pending[x] {
		return false
	}
	if f.pending == nil {
		f.pending = map[Flight]bool{}
	}
	f.pending[x] = true
	return true
}

// End records that the flight has ended.
func (f *Flights) End(x Flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.pending, x)
}

// ErrHangs is the error of a file whose file system does not answer.
var ErrHangs = errors.New("its file system does not answer")

// HangRemedy is the remedy for ErrHangs.
const HangRemedy = "Look at the mount: ls there hangs too. The exporter reads its files again when it answers."

// answered returns what read returns, or ErrHangs when read does not return within the limit, or an earlier read has
// not returned yet.
func answered[T any](
	ctx context.Context, f *Flights, x Flight, limit time.Duration, read func() (T, error),
) (T, error) {
	var none T
	if !f.Begin(x) {
		return none, ErrHangs
	}
	var value T
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer f.End(x)
		value, err = read()
	}()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case <-done:
		return value, err
	case <-ctx.Done():
		return none, ErrHangs
	}
}
