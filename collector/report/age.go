package report

import (
	"time"

	"magento_migration_exporter/collector/finding"
)

// relative says how far a time is from now.
func relative(t, now time.Time) string {
	if d := now.Sub(t); d >= 0 {
		return finding.Duration(d) + " ago"
	}
	return "in " + finding.Duration(t.Sub(now))
}

// clock is a time for people. All times are UTC, as on the servers that they are compared with.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// until is the end of a waiver for people: a date in the configuration ends with its day, and is shown as that day.
func until(t time.Time) string {
	t = t.UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Add(-time.Second).Format("2006-01-02") + " (the whole day, UTC)"
	}
	return clock(t)
}
