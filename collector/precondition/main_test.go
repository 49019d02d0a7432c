package precondition_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"magento_migration_exporter/collector/shoptest"
)

var shared shoptest.Servers

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if err := shared.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := shared.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// shop is a whole migration with what only these tests do with one.
type shop struct{ *shoptest.Shop }

// newShop makes a migration whose database preconditions all pass.
func newShop(t *testing.T, change ...func(*shoptest.Shop)) *shop {
	t.Helper()
	return &shop{shared.New(t, change...)}
}
