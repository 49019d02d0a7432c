package mysqltest

import (
	"errors"
	"testing"
)

// New starts a server for a test and stops it when the test ends. A server that does not start fails the test; one that
// MYSQLTEST_SERVERS leaves out skips it.
func New(tb testing.TB, o Options) *Server {
	tb.Helper()
	s, err := Start(tb.Context(), o)
	if errors.Is(err, ErrNotChosen) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return s
}
