package report

import (
	"fmt"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
)

// strip is a precondition's last statuses over time, the newest to the right.
type strip struct {
	Segments []segment
	// Label says the same in words.
	Label string
}

// segment is a bar of the strip. Height and colour show the status: colour alone is not enough for everybody.
type segment struct {
	X, Y, Width, Height int
	Status              finding.Status
}

const (
	stripWidth, stripHeight = 240, 16
	// stripWindow is how far back the strip looks at most.
	stripWindow = 24 * time.Hour
	// leastSegment keeps a short outage visible.
	leastSegment = 2
)

// newStrip draws the history up to now; nothing without one.
func newStrip(log history.Log, now time.Time) strip {
	if len(log) == 0 || !log[0].At.Before(now) {
		return strip{}
	}
	start := log[0].At
	if earliest := now.Add(-stripWindow); start.Before(earliest) {
		start = earliest
	}
	s := strip{}
	changes := 0
	for i, c := range log {
		end := now
		if i+1 < len(log) {
			end = log[i+1].At
		}
		if end.Before(start) {
			continue
		}
		if i > 0 && !c.At.Before(start) {
			changes++
		}
		x := stripX(c.At, start, now)
		width := max(leastSegment, stripX(end, start, now)-x)
		height := barHeight(c.Status)
		x = min(x, stripWidth-leastSegment)
		s.Segments = append(s.Segments, segment{x, stripHeight - height, width, height, c.Status})
	}
	s.Label = fmt.Sprintf("%s in the last %s, now %s", plural(changes, "change", "changes"),
		finding.Duration(now.Sub(start)), word(log[len(log)-1].Status))
	return s
}

func stripX(t, start, end time.Time) int {
	if t.Before(start) {
		return 0
	}
	return int(float64(stripWidth) * float64(t.Sub(start)) / float64(end.Sub(start)))
}

func barHeight(s finding.Status) int {
	switch s {
	case finding.Fail:
		return stripHeight
	case finding.Unknown:
		return stripHeight * 3 / 4
	case finding.Warn:
		return stripHeight / 2
	}
	return stripHeight / 4
}
