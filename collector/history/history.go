// Package history keeps the changes of preconditions' statuses: in memory, and in one file that a restart reads again.
package history

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/finding"
)

// Age is how long a change is kept.
const Age = 90 * 24 * time.Hour

const (
	// maxChanges is how many changes of one precondition are kept: more than anybody reads.
	maxChanges = 64
	// maxSummary is how many bytes of a change's summary are kept.
	maxSummary = 160
	// maxBytes is what one migration may take in the file: a thousand of them stay below 10 MB.
	maxBytes = 15 << 9
	// maxKept is how many bytes of what evaluations keep are in the file.
	maxKept = 1500
	// maxReports is how many times of a migration's last reports are kept.
	maxReports = 8
)

// Change is a new status of a precondition.
type Change struct {
	// At is when it was seen.
	At      time.Time      `json:"at"`
	Status  finding.Status `json:"status"`
	Summary string         `json:"summary"`
	// First is true for the status at the first evaluation, which is no change.
	First bool `json:"first"`
}

// bytes is about what the change takes in the file.
func (c Change) bytes() int { return len(c.Summary) + 40 }

// Log has the changes of one precondition, oldest first. It is never written to, only replaced.
type Log []Change

// Add returns the log with one more change.
func (l Log) Add(c Change) Log {
	c.Summary = shorten(c.Summary)
	kept := l[max(0, len(l)+1-maxChanges):]
	return append(slices.Clone(kept), c)
}

// shorten returns a copy: a part of the text would keep the whole in memory.
func shorten(s string) string {
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "\uFFFD")
	if len(s) <= maxSummary {
		return strings.Clone(s)
	}
	const end = "…"
	cut := maxSummary - len(end)
	for s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + end
}

// ChangedAt is when the status changed last, zero when no change was seen.
func (l Log) ChangedAt() time.Time {
	if len(l) == 0 || l[len(l)-1].First {
		return time.Time{}
	}
	return l[len(l)-1].At
}

// Last returns the present status, false when none was seen.
func (l Log) Last() (Change, bool) {
	if len(l) == 0 {
		return Change{}, false
	}
	return l[len(l)-1], true
}

// Since returns the change that made the status of a time, and those after it. The first result is nil when the log
// does not reach back so far.
func (l Log) Since(t time.Time) (before *Change, after Log) {
	for i := range l {
		if l[i].At.After(t) {
			return before, l[i:]
		}
		before = &l[i]
	}
	return before, nil
}

// young returns the log without the changes that are older than Age. The one that made the status of that time stays.
func (l Log) young(now time.Time) Log {
	for len(l) > 1 && now.Sub(l[1].At) > Age {
		l = l[1:]
	}
	return l
}

// Migration is all that is kept of a migration. Its name identifies it.
type Migration struct {
	Name string
	// Seen is when it was last configured.
	Seen time.Time
	// Reports are the times of its last go/no-go reports, oldest first.
	Reports []time.Time
	// Logs are by the precondition's id.
	Logs map[string]Log
	// Kept is what evaluations keep of one another, by name.
	Kept map[string]json.RawMessage
}

// outdated reports whether nothing of the migration is worth keeping.
func (m *Migration) outdated(now time.Time) bool { return now.Sub(m.Seen) > Age }

// Fit makes logs of one migration fit into what the file has for it: the oldest changes of the longest log go first.
// The present status of each stays.
func Fit(logs map[string]Log) {
	total := 0
	for id, l := range logs {
		total += len(id) + 8
		for _, c := range l {
			total += c.bytes()
		}
	}
	for total > maxBytes {
		longest := ""
		for id, l := range logs {
			if n := len(logs[longest]); len(l) > n || len(l) == n && id < longest {
				longest = id
			}
		}
		if len(logs[longest]) < 2 {
			return
		}
		total -= logs[longest][0].bytes()
		logs[longest] = logs[longest][1:]
	}
}

// LastReport returns the time of the last report that is older than a meeting: who loads a report a second time wants
// to see the same changes. It is zero without one.
func LastReport(reports []time.Time, now time.Time) time.Time {
	for _, at := range slices.Backward(reports) {
		if now.Sub(at) >= meeting {
			return at
		}
	}
	return time.Time{}
}

// meeting is how long reports count as one.
const meeting = 10 * time.Minute

// AddReport returns the reports with one more, unless it belongs to the same meeting as the last one.
func AddReport(reports []time.Time, at time.Time) []time.Time {
	if n := len(reports); n > 0 && at.Sub(reports[n-1]).Abs() < meeting {
		return reports
	}
	kept := reports[max(0, len(reports)+1-maxReports):]
	return append(slices.Clone(kept), at)
}
