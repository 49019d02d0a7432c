package precondition_test

import (
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/shoptest"
)

// newDelta makes a migration in its phase delta, with everything right.
func newDelta(t *testing.T, change ...func(*shoptest.Shop)) *shop {
	t.Helper()
	s := newShop(t, append([]func(*shoptest.Shop){func(s *shoptest.Shop) { s.Server2 = s.Server1 }}, change...)...)
	s.WithDelta()
	return s
}

func TestDeltaLogIntact(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "mage_"} {
		s := newDelta(t, func(s *shoptest.Shop) { s.Prefix1 = prefix })
		s.Want("delta_log", finding.Pass)
		s.WantValue(12, "delta_log_tables", "intact")
		s.WantValue(0, "delta_log_tables", "table_missing")
		s.WantValue(0, "delta_lost_rows")
		if created, ok := s.Value("delta_log_created_timestamp_seconds"); !ok ||
			time.Since(time.UnixMilli(int64(created*1000))).Abs() > time.Hour {
			t.Errorf("created at %v (%v)", created, ok)
		}
	}
}
