package evidence_test

import (
	"os"
	"testing"

	"magento_migration_exporter/collector/shoptest"
)

var shared shoptest.Servers

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// shop is a whole migration with what only these tests do with one.
type shop struct{ *shoptest.Shop }

// newShop makes a migration whose database preconditions all pass.
func newShop(t *testing.T, change ...func(*shoptest.Shop)) *shop {
	t.Helper()
	return &shop{shared.New(t, change...)}
}
