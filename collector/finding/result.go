package finding

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/config"
)

// Result is what one evaluation of one precondition found.
type Result struct {
	Status  Status
	Summary string
	// Findings are the worst ones when there are too many to show.
	Findings []Finding
	// Samples are only the values that were seen.
	Samples     []Sample
	EvaluatedAt time.Time
	Duration    time.Duration
	// Incomplete says that only a part of the evidence was looked at, and that the next evaluation continues.
	Incomplete bool
	// Again is how long to wait until another evaluation can say more; 0 for not.
	Again time.Duration
	// Chart is for pages; nil for none. Nobody writes to it.
	Chart *Chart
	// hidden are the findings that are not shown: they count like the others.
	hidden []hidden
}

// hidden is the part of a finding that is not shown which is needed to judge and to waive it.
type hidden struct {
	status  Status
	subject string
	// number is how many findings it stands for.
	number int
}

const (
	// maxFindings caps what one result shows, so that a hostile database cannot fill memory or the page.
	maxFindings = 200
	// maxHidden caps how many more findings keep their subject; the rest is only counted by status.
	maxHidden = 5000
)

// Result applies severity and caps, and derives status and summary.
func (v Verdict) Result(severity config.Severity, at time.Time, took time.Duration) Result {
	r := Result{
		Summary: v.Summary, Samples: slices.Clone(v.Samples), EvaluatedAt: at, Duration: took,
		Incomplete: v.Incomplete, Again: v.Again, Chart: v.Chart,
	}
	if len(v.Findings) > 0 {
		r.Findings = make([]Finding, 0, len(v.Findings)) // without room for more: it is kept
	}
	for _, f := range v.Findings {
		if f.Status == Warn && severity == config.SeverityFail {
			f.Status = Fail
		}
		r.Findings = append(r.Findings,
			Finding{f.Status, Cut(f.Subject), Cut(f.Summary), Cut(f.Evidence), Cut(f.Remedy)})
	}
	status := Pass
	if v.NotApplicable {
		status = NotApplicable
	}
	r.Status, r.Summary = conclude(status, r.Summary, r.Findings)
	r.hide()
	return r
}

// hide moves the least important findings beyond maxFindings to hidden.
func (r *Result) hide() {
	if len(r.Findings) <= maxFindings {
		return
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return b.Status.Rank() - a.Status.Rank() })
	counted := map[Status]int{}
	for _, f := range r.Findings[maxFindings:] {
		if len(r.hidden) < maxHidden {
			r.hidden = append(r.hidden, hidden{f.Status, f.Subject, 1})
			continue
		}
		counted[f.Status]++
	}
	for _, s := range Statuses() {
		if n := counted[s]; n > 0 {
			r.hidden = append(r.hidden, hidden{status: s, number: n})
		}
	}
	r.Findings = slices.Clone(r.Findings[:maxFindings])
}

// withRest appends a finding that says how many are not shown. Its status is the worst of theirs: the result's status
// stays the same.
func (r Result) withRest() Result {
	if len(r.hidden) == 0 {
		return r
	}
	worst, total := Pass, 0
	byStatus := map[Status]int{}
	for _, h := range r.hidden {
		if h.status.Rank() > worst.Rank() {
			worst = h.status
		}
		byStatus[h.status] += h.number
		total += h.number
	}
	var parts []string
	for _, s := range Statuses() {
		if n := byStatus[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	rest := Finding{
		Status:   worst,
		Summary:  Counted(total, "more finding is", "more findings are") + " not shown",
		Evidence: strings.Join(parts, ", "),
	}
	if worst == Fail || worst == Unknown {
		rest.Remedy = "Fix or waive the shown findings first; the others then appear in their place."
	}
	r.Findings = append(slices.Clip(r.Findings), rest)
	return r
}

// conclude returns the worst finding's status and summary, or the given ones when no finding is worse.
func conclude(status Status, summary string, findings []Finding, more ...hidden) (Status, string) {
	also := 0
	count := func(s Status, text string, number int) {
		switch {
		case s.Rank() > status.Rank():
			status, summary, also = s, text, number-1
		case s.Rank() == status.Rank() && s.Rank() > 0:
			also += number
		}
	}
	for _, f := range findings {
		count(f.Status, f.Summary, 1)
	}
	for _, h := range more {
		count(h.status, "findings that are not shown", h.number)
	}
	if also > 0 {
		summary = fmt.Sprintf("%s (and %d more)", summary, also)
	}
	return status, summary
}
