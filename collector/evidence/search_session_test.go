package evidence

import (
	"context"
	"errors"
	"testing"

	"magento_migration_exporter/collector/database"
)

func TestSearchWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	s := &System{searching: searching{turn: make(chan struct{}, 1)}}
	s.searching.turn <- struct{}{} // another search runs
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.search(ctx, func(*database.Session) error {
		t.Error("it runs while another one does")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the context's error", err)
	}
}
