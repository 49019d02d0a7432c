package report

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
)

// Since is what changed in a migration since a time.
type Since struct {
	At time.Time `json:"at"`
	// Report is true when At is the time of the last report, because nobody asked for another one.
	Report bool `json:"report"`
	// Begins is when the history begins, if that is later than At: what was before is unknown. Else it is nil.
	Begins  *time.Time   `json:"begins"`
	Changes []Difference `json:"changes"`
}

// Difference is a precondition whose status has changed, the worst present status first.
type Difference struct {
	Precondition string `json:"precondition"`
	Title        string `json:"title"`
	// Before is the status at the time that was asked for, Status the present one. They are the same when it changed
	// there and back.
	Before finding.Status `json:"before"`
	Status finding.Status `json:"status"`
	// Summary is of the present status, SummaryBefore of the one before.
	Summary       string    `json:"summary"`
	SummaryBefore string    `json:"summary_before"`
	ChangedAt     time.Time `json:"changed_at"`
	// Changes is how often the status changed since.
	Changes int `json:"changes"`
}

// ParseSince reads how far to look back: a duration like 24h or 7d, a date, whose day begins at midnight UTC, or a time
// of RFC 3339.
func ParseSince(text string, now time.Time) (time.Time, error) {
	var at time.Time
	if d, err := model.ParseDuration(text); err == nil {
		at = now.Add(-time.Duration(d))
	} else if at, err = time.Parse(time.DateOnly, text); err != nil {
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			return at, fmt.Errorf("%q: expected a duration like 24h or 7d, a date like %s, or a time like %s", text,
				now.UTC().AddDate(0, 0, -1).Format(time.DateOnly), now.UTC().AddDate(0, 0, -1).Format(time.RFC3339))
		}
	}
	if !at.Before(now) {
		return at, fmt.Errorf("%q: expected a time in the past", text)
	}
	return at.UTC().Truncate(time.Millisecond), nil
}

// SinceOf reads the parameter since of a query; the zero time means that it is not set.
func SinceOf(query url.Values, now time.Time) (time.Time, error) {
	if !query.Has("since") {
		return time.Time{}, nil
	}
	at, err := ParseSince(query.Get("since"), now)
	if err != nil {
		return at, fmt.Errorf("since=%w", err)
	}
	return at, nil
}

// Compare adds to each migration what changed since a time.
func (d *Readiness) Compare(at time.Time) {
	for i := range d.Migrations {
		m := &d.Migrations[i]
		m.Since = m.since(at)
	}
}

// CompareWithReports adds to each migration that nothing was added to what changed since its last report; without one
// since a day ago.
func (d *Readiness) CompareWithReports(last func(migration string) time.Time) {
	for i := range d.Migrations {
		m := &d.Migrations[i]
		if m.Since != nil {
			continue
		}
		at := last(m.Name)
		reported := !at.IsZero()
		if !reported {
			at = d.GeneratedAt.Add(-lookBack)
		}
		m.Since = m.since(at)
		m.Since.Report = reported
	}
}

func (m *MigrationReadiness) since(at time.Time) *Since {
	s := &Since{At: at, Changes: []Difference{}}
	for i := range m.Preconditions {
		p := &m.Preconditions[i]
		before, after := p.withPresent().Since(at)
		if before == nil {
			if len(after) == 0 {
				continue // it was never evaluated
			}
			before, after = &after[0], after[1:]
			if s.Begins == nil || before.At.After(*s.Begins) {
				s.Begins = &before.At
			}
		}
		if len(after) == 0 {
			continue
		}
		s.Changes = append(s.Changes, Difference{
			p.ID, p.Title, before.Status, p.Status, p.Summary, before.Summary, after[len(after)-1].At, len(after),
		})
	}
	slices.SortStableFunc(s.Changes, func(a, b Difference) int {
		return cmp.Or(b.Status.Rank()-a.Status.Rank(), b.ChangedAt.Compare(a.ChangedAt))
	})
	return s
}

// withPresent is the history up to the present status. The two differ while a status that is unknown since the start is
// no change yet.
func (p *PreconditionReadiness) withPresent() history.Log {
	last, seen := p.History.Last()
	if !seen || last.Status == p.Status || p.EvaluatedAt == nil {
		return p.History
	}
	return p.History.Add(history.Change{At: *p.EvaluatedAt, Status: p.Status, Summary: p.Summary})
}

// Course says in words what happened to the status.
func (d Difference) Course() string {
	if d.Before == d.Status {
		return fmt.Sprintf("is %s again, after %s", word(d.Status), plural(d.Changes, "change", "changes"))
	}
	course := fmt.Sprintf("from %s to %s", word(d.Before), word(d.Status))
	if d.Changes > 1 {
		course += fmt.Sprintf(", in %d changes", d.Changes)
	}
	return course
}

// Title says since when there is something to compare, and what came of it.
func (s *Since) Title() string {
	title := "Changed since "
	if len(s.Changes) == 0 {
		title = "Nothing changed since "
	}
	if s.Report {
		title += "the last report, "
	}
	title += clock(s.At)
	if s.Begins != nil {
		title += " (the history begins at " + clock(*s.Begins) + ")"
	}
	return title
}
