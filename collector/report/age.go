package report

import (
	"fmt"
	"time"
)

// duration is a length of time with the digits that somebody reads.
func duration(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < time.Second:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// relative says how far a time is from now.
func relative(t, now time.Time) string {
	if d := now.Sub(t); d >= 0 {
		return duration(d) + " ago"
	}
	return "in " + duration(t.Sub(now))
}

// clock is a time for people. All times are UTC, as on the servers that they are compared with.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
