package collector

import (
	"context"
	"errors"
	"sync"
	"time"
)

// flight is something that one migration's evaluation does: a precondition's id, or what is read before the preconditions.
type flight struct{ migration, what string }

// flights holds what has begun and not come back: on a dead mount it never does, and must not be begun again and again.
type flights struct {
	mu      sync.Mutex
	pending map[flight]bool
}

// begin is false while an earlier flight of that kind has not come back.
func (f *flights) begin(x flight) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pending[x] {
		return false
	}
	f.pending[x] = true
	return true
}

func (f *flights) end(x flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.pending, x)
}

// errHangs is the error of a file whose file system does not answer.
var errHangs = errors.New("its file system does not answer")

// hangRemedy is what to do about errHangs.
const hangRemedy = "Look at the mount: ls there hangs too. What is on it is read again when it answers."

// answered returns what read returns, or errHangs when that does not come within the limit, or an earlier read has not come back yet.
func answered[T any](ctx context.Context, f *flights, x flight, limit time.Duration, read func() (T, error)) (T, error) {
	var none T
	if !f.begin(x) {
		return none, errHangs
	}
	var value T
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer f.end(x)
		value, err = read()
	}()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case <-done:
		return value, err
	case <-ctx.Done():
		return none, errHangs
	}
}
