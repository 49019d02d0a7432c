package history

import (
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"magento_migration_exporter/collector/leaktest"
)

// writesInto makes the test program write histories into a folder until it is killed.
const writesInto = "HISTORY_TEST_WRITES_INTO"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writesInto); dir != "" {
		writeForEver(dir)
	}
	leaktest.Main(m)
}

// writeForEver writes generations of a history: all changes of one have the same summary.
func writeForEver(dir string) {
	s, err := Open(dir, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for generation := 1; ; generation++ {
		if err := s.write(generationOf(generation, time.Now())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
