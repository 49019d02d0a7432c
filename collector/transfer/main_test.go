package transfer_test

import (
	"os"
	"testing"

	"magento_migration_exporter/collector/shoptest"
)

func TestMain(m *testing.M) { os.Exit(shoptest.Main(m)) }
