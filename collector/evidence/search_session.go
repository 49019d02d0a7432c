package evidence

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"magento_migration_exporter/collector/database"
)

// errClosed is what a search gets that begins after its evaluation was given up.
var errClosed = errors.New("the evaluation has ended")

// searching is a second session of one evaluation, for statements that read many rows: the limit that ends such a
// statement may cost its session, which the other preconditions must not lose.
type searching struct {
	// turn holds what the search that runs put there: preconditions are evaluated at the same time, and a search that
	// fails must not close the session of another.
	turn    chan struct{}
	mu      sync.Mutex
	session *database.Session
	closed  bool
}

// search runs one search at a time on the system's session for searches. The first one opens it, and a search that
// fails closes it: the next one gets another. While another search runs it waits, at most until the context ends.
func (s *System) search(ctx context.Context, run func(*database.Session) error) error {
	select {
	case s.searching.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("waiting for another search to end: %w", ctx.Err())
	}
	defer func() { <-s.searching.turn }()
	session, err := s.searchSession(ctx)
	if err != nil {
		return err
	}
	if err := run(session); err != nil {
		if err := s.searching.keep(nil); err != nil {
			s.logger.Debug("closing a session failed", "system", s.Name, "err", err)
		}
		return err
	}
	return nil
}

func (s *System) searchSession(ctx context.Context) (*database.Session, error) {
	s.searching.mu.Lock()
	session := s.searching.session
	s.searching.mu.Unlock()
	if session != nil {
		return session, nil
	}
	session, err := s.open(ctx, database.Options{})
	if err != nil {
		return nil, err
	}
	return session, s.searching.keep(session)
}

// keep closes the session before and takes another one in its place.
func (s *searching) keep(session *database.Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.Join(errClosed, session.Close())
	}
	last := s.session
	s.session = session
	return last.Close()
}

// close ends the session, and lets no search begin after it.
func (s *searching) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.session.Close()
}
