package exposition_test

import (
	"os"
	"testing"

	"magento_migration_exporter/collector/shoptest"
)

var shared shoptest.Servers

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }
