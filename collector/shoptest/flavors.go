package shoptest

import (
	"context"
	"slices"
	"sync"
	"testing"

	"magento_migration_exporter/collector/mysqltest"
)

// flavored is a server that tests have one after the other. It starts when the first one needs it.
type flavored struct {
	mu     sync.Mutex
	server *mysqltest.Server
}

// Each runs a test on a server of each flavor, alone with it. They have a binary log and trust those who create
// triggers. A test that changes their settings restarts them. It has no parallel subtests, which could wait for the
// places of tests that wait for the server.
func (s *Servers) Each(t *testing.T, test func(t *testing.T, server *mysqltest.Server)) {
	t.Helper()
	s.EachOf(t, mysqltest.Flavors(), test)
}

// EachOf is Each for the servers that have what the test is about.
func (s *Servers) EachOf(
	t *testing.T, flavors []mysqltest.Flavor, test func(t *testing.T, server *mysqltest.Server),
) {
	t.Helper()
	for _, flavor := range flavors {
		if !slices.Contains(mysqltest.Flavors(), flavor) {
			continue
		}
		t.Run(flavor.String(), func(t *testing.T) {
			t.Parallel()
			own, _ := s.flavors.LoadOrStore(flavor, &flavored{})
			f := own.(*flavored)
			f.mu.Lock()
			t.Cleanup(f.mu.Unlock)
			if f.server == nil {
				server, err := mysqltest.Start(context.Background(), mysqltest.Options{Flavor: flavor, Args: logging()})
				if err != nil {
					t.Fatal(err)
				}
				f.server = server
				s.Keep(server)
			}
			test(t, f.server)
		})
	}
}

// Restart lets a server forget at the end of a test what was set while it ran.
func Restart(t *testing.T, server *mysqltest.Server) {
	t.Helper()
	t.Cleanup(func() {
		if err := server.Restart(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func logging() []string {
	return []string{"--log-bin=binlog", "--server-id=1", "--log-bin-trust-function-creators=1"}
}
