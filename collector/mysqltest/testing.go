package mysqltest

import (
	"errors"
	"os"
	"slices"
	"strings"
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

// Fuzzing reports whether this test program was started to mutate the seeds of a fuzz target. Each of its workers is a
// process of its own, which would start servers of its own.
func Fuzzing() bool {
	return slices.ContainsFunc(os.Args[1:], func(arg string) bool {
		return arg == "-test.fuzz" || strings.HasPrefix(arg, "-test.fuzz=")
	})
}
