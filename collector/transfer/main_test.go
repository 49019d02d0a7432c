package transfer_test

import (
	"fmt"
	"os"
	"testing"

	"magento_migration_exporter/collector/shoptest"
)

// TestMain fails the tests when they leave something behind.
func TestMain(m *testing.M) {
	left, err := shoptest.Watch()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := left(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
