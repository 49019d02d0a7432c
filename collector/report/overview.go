package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
)

const (
	// rowsPerPage is how many migrations one page of the overview shows.
	rowsPerPage = 100
	// worstPerRow is how many preconditions a row shows.
	worstPerRow = 3
	// summaryInRow is how many characters of a summary a row shows; the migration's own page shows all of it.
	summaryInRow = 160
)

// overview is what the overview's template shows.
type overview struct {
	Now  time.Time
	Rows []row
	// All, Blocked, Ready and Matching count migrations.
	All, Blocked, Ready, Matching int
	Filter                        Filter
	// Narrow is whether the filter leaves any out.
	Narrow        bool
	Statuses      []option
	Preconditions []option
	Pager         pager
	// Causes are the preconditions that block: those that fail first, and of them those that block most migrations.
	Causes []cause
	// Compact is whether a row has one line: with many migrations the causes say more.
	Compact bool
}

// cause is a precondition that blocks migrations, and the query that shows them.
type cause struct {
	Title, Query  string
	Fail, Unknown int
}

// Count says how many migrations it blocks.
func (c cause) Count() string { return plural(c.Fail+c.Unknown, "migration", "migrations") }

// Status is the worst of them.
func (c cause) Status() finding.Status {
	if c.Fail > 0 {
		return finding.Fail
	}
	return finding.Unknown
}

// maxDetailed is how many migrations a page shows with the summaries of what blocks them.
const maxDetailed = 10

// causes counts which preconditions block.
func causes(migrations []*MigrationReadiness, catalogue precondition.Catalogue) []cause {
	var all []cause
	for i := range catalogue {
		c := cause{
			Title: catalogue[i].Title,
			Query: Filter{Status: "blocked", Precondition: catalogue[i].ID}.query(1),
		}
		for _, m := range migrations {
			for _, p := range m.Preconditions {
				switch {
				case p.ID != catalogue[i].ID || p.EvaluatedAt == nil:
				case p.Status == finding.Fail:
					c.Fail++
				case p.Status == finding.Unknown:
					c.Unknown++
				}
			}
		}
		if c.Fail+c.Unknown > 0 {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b cause) int {
		// What fails is a cause. What is unknown follows from something, most often from a network that fails.
		if fails := a.Fail > 0; fails != (b.Fail > 0) {
			if fails {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Fail+b.Unknown, a.Fail+a.Unknown), cmp.Compare(b.Fail, a.Fail))
	})
	return all
}

// row is one migration of the overview.
type row struct {
	Name    string
	Verdict verdict
	About   []string
	Worst   []rowPrecondition
	More    int
	Counts  string
	Age     string
	// Changed is what changed since the time of the filter, at most worstPerRow; MoreChanged is how many more.
	Changed     []Difference
	MoreChanged int
}

type rowPrecondition struct {
	Status             finding.Status
	ID, Title, Summary string
}

// pager has the links to the other pages. First is the position of the first row.
type pager struct {
	Page, Pages, First int
	Previous, Next     string
}

func newOverview(d Readiness, f Filter, catalogue precondition.Catalogue) overview {
	o := overview{
		Now:           d.GeneratedAt,
		All:           len(d.Migrations),
		Filter:        f,
		Narrow:        f.narrow(),
		Statuses:      statusFilters(),
		Preconditions: preconditionFilters(catalogue),
	}
	var matching []*MigrationReadiness
	for i := range d.Migrations {
		m := &d.Migrations[i]
		if m.Ready {
			o.Ready++
		} else {
			o.Blocked++
		}
		if f.match(m) {
			matching = append(matching, m)
		}
	}
	slices.SortStableFunc(matching, blockedFirst)
	o.Matching, o.Compact = len(matching), len(matching) > maxDetailed
	if len(matching) > 2 {
		o.Causes = causes(matching, catalogue)
	}
	o.Pager = newPager(f, len(matching))
	for _, m := range matching[o.Pager.First-1 : min(o.Pager.First-1+rowsPerPage, len(matching))] {
		o.Rows = append(o.Rows, newRow(m, d.GeneratedAt))
	}
	return o
}

// newPager shows the last page when there is none of the given number: there may be fewer rows than before.
func newPager(f Filter, rows int) pager {
	p := pager{Pages: max(1, (rows+rowsPerPage-1)/rowsPerPage)}
	p.Page = min(max(1, f.Page), p.Pages)
	p.First = (p.Page-1)*rowsPerPage + 1
	if p.Page > 1 {
		p.Previous = f.query(p.Page - 1)
		if p.Previous == "" {
			p.Previous = "?"
		}
	}
	if p.Page < p.Pages {
		p.Next = f.query(p.Page + 1)
	}
	return p
}

func newRow(m *MigrationReadiness, now time.Time) row {
	r := row{
		Name:    m.Name,
		Verdict: newVerdict(m, now),
		About:   about(m, now),
		Counts:  counts(m),
		Age:     oldestEvidence(m, now),
	}
	if m.Since != nil {
		r.MoreChanged = max(0, len(m.Since.Changes)-worstPerRow)
		r.Changed = m.Since.Changes[:len(m.Since.Changes)-r.MoreChanged]
	}
	for _, status := range []finding.Status{finding.Fail, finding.Unknown, finding.Warn} {
		for _, p := range m.Preconditions {
			switch {
			case p.Status != status || p.EvaluatedAt == nil:
			case len(r.Worst) == worstPerRow:
				r.More++
			default:
				r.Worst = append(r.Worst, rowPrecondition{status, p.ID, p.Title, shorten(printable(p.Summary))})
			}
		}
	}
	return r
}

// shorten cuts a text to summaryInRow characters.
func shorten(s string) string { return shortenTo(s, summaryInRow) }

func shortenTo(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return strings.TrimSpace(s[:i]) + "…"
		}
		n++
	}
	return s
}

// about has the migration's phase and cutover.
func about(m *MigrationReadiness, now time.Time) []string {
	texts := []string{"phase unknown"}
	if m.Phase != "" {
		texts[0] = "phase " + string(m.Phase)
	}
	if m.Cutover != nil {
		at := m.Cutover.UTC().Format("2006-01-02 15:04 UTC")
		texts = append(texts, fmt.Sprintf("cutover %s (%s)", at, relative(*m.Cutover, now)))
	}
	return texts
}

// counts says how many preconditions have each status.
func counts(m *MigrationReadiness) string {
	var texts []string
	for _, s := range worstFirst() {
		n := 0
		for _, p := range m.Preconditions {
			if p.Status == s {
				n++
			}
		}
		if n > 0 {
			texts = append(texts, fmt.Sprintf("%d %s", n, word(s)))
		}
	}
	return strings.Join(texts, ", ")
}

// oldestEvidence says how old the oldest result is.
func oldestEvidence(m *MigrationReadiness, now time.Time) string {
	var oldest time.Time
	for _, p := range m.Preconditions {
		if p.EvaluatedAt == nil {
			return "not evaluated yet"
		}
		if oldest.IsZero() || p.EvaluatedAt.Before(oldest) {
			oldest = *p.EvaluatedAt
		}
	}
	if oldest.IsZero() {
		return "not evaluated yet"
	}
	return "evaluated " + relative(oldest, now)
}
