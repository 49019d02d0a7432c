package evidence

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Flight is something that one migration's evaluation does: a precondition's id, or what is read before the
// preconditions.
type Flight struct{ Migration, What string }

// Flights holds what has begun and not come back: on a dead mount it never does, and must not be begun again and again.
type Flights struct {
	mu      sync.Mutex
	pending map[Flight]bool
}

// Begin reports whether the flight may begin: it may not while an earlier one has not come back.
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

// End says that the flight has come back.
func (f *Flights) End(x Flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.pending, x)
}

// ErrHangs is the error of a file whose file system does not answer.
var ErrHangs = errors.New("its file system does not answer")

// HangRemedy is what to do about ErrHangs.
const HangRemedy = "Look at the mount: ls there hangs too. What is on it is read again when it answers."

// answered returns what read returns, or ErrHangs when that does not come within the limit, or an earlier read has not
// come back yet.
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
