package report

import (
	"fmt"
	"slices"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

// verdict is the answer to the question whether a migration can start.
type verdict struct {
	// Status selects shape and colour.
	Status finding.Status
	Word   string
	// Reason is a sentence.
	Reason string
}

func newVerdict(m *MigrationReadiness) verdict {
	count := func(s finding.Status) int {
		n := 0
		for _, p := range m.Preconditions {
			if p.Status == s {
				n++
			}
		}
		return n
	}
	failing, unknown := count(finding.Fail), count(finding.Unknown)
	evaluated := len(m.Preconditions) > 0 && m.Preconditions[0].EvaluatedAt != nil
	switch {
	case m.Ready:
		return verdict{finding.Pass, "ready", "No precondition blocks the migration."}
	case !evaluated:
		return verdict{finding.Unknown, "not evaluated yet", "The first evaluation has not ended."}
	}
	failures := plural(failing, "precondition fails", "preconditions fail")
	switch {
	case failing > 0 && unknown > 0:
		return verdict{finding.Fail, "not ready", failures + ", " + plural(unknown, "is unknown", "are unknown") + "."}
	case failing > 0:
		return verdict{finding.Fail, "not ready", failures + "."}
	}
	unknowns := plural(unknown, "precondition is unknown", "preconditions are unknown")
	return verdict{finding.Unknown, "not ready", "No precondition fails, but " + unknowns + "."}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// migration is what the page and the report show of one migration.
type migration struct {
	MigrationReadiness
	Now           time.Time
	Verdict       verdict
	Counts        string
	Age           string
	CutoverText   string
	Phases        []phase
	Blocking      []shownPrecondition
	Preconditions []shownPrecondition
	Changes       []change
	// Anchor is what the ids in the page begin with.
	Anchor string
	// NextTitle is the title of the runbook's next step, Remaining how long the steps take that can be measured.
	NextTitle, Remaining string
	// InReport is true in a file, which has no buttons and no links to other pages.
	InReport bool
	// page is the path of the migration's page, empty within it.
	page string
}

// Link is where a precondition is shown.
func (m migration) Link(id string) string { return m.page + "#" + m.Anchor + id }

// nextStep puts into words what the runbook says next.
func (m *migration) nextStep() {
	if m.Runbook == nil {
		return
	}
	for _, s := range m.Runbook.Steps {
		if s.ID == m.Runbook.Next {
			m.NextTitle = s.Title
		}
	}
	if seconds := m.Runbook.ExpectedSeconds; seconds != nil {
		m.Remaining = finding.Duration(time.Duration(*seconds * float64(time.Second)))
	}
}

// phase is one step before the cutover, or the cutover itself.
type phase struct {
	Name config.Phase
	// State is done, now or later.
	State string
}

// shownPrecondition is what the page and the report show of one precondition.
type shownPrecondition struct {
	PreconditionReadiness
	// Anchor is its id in the page.
	Anchor string
	// Short is the summary, cut for a list.
	Short    string
	Since    string
	Seen     string
	Findings []shownFinding
	// Notes are findings that need no action.
	Notes    []shownFinding
	Waivers  []waiver
	Strip    strip
	Drawing  chart
	InReport bool
}

// shownFinding is a finding as a page shows it.
type shownFinding struct {
	finding.Finding
	// Repeated is true when the precondition's summary says the same.
	Repeated bool
	Remedies []remedyText
}

type waiver struct {
	WaiverReadiness
	// State is empty, or says why the waiver needs a look.
	State string
}

// change is one line of the last changes.
type change struct {
	At            time.Time
	Ago           string
	Anchor, Title string
	Old, New      finding.Status
}

// maxChanges is how many of the last changes are listed.
const maxChanges = 20

func newMigration(m MigrationReadiness, now time.Time, anchor string, inReport bool) migration {
	v := migration{
		MigrationReadiness: m,
		Now:                now,
		Verdict:            newVerdict(&m),
		Counts:             counts(&m),
		Age:                oldestEvidence(&m, now),
		Phases:             phases(m.Phase),
		Changes:            lastChanges(&m, now, anchor),
		Anchor:             anchor,
		InReport:           inReport,
	}
	v.nextStep()
	if m.Cutover != nil {
		v.CutoverText = fmt.Sprintf("%s (%s)", clock(*m.Cutover), relative(*m.Cutover, now))
	}
	for _, p := range m.Preconditions {
		shown := newPrecondition(p, &m, now, anchor)
		shown.InReport = inReport
		v.Preconditions = append(v.Preconditions, shown)
	}
	for _, status := range []finding.Status{finding.Fail, finding.Unknown} {
		for _, p := range v.Preconditions {
			if p.Status == status && p.EvaluatedAt != nil {
				v.Blocking = append(v.Blocking, p)
			}
		}
	}
	return v
}

func phases(now config.Phase) []phase {
	names := config.Phases()
	at := slices.Index(names, now)
	var all []phase
	for i, name := range names {
		state := "later"
		switch {
		case i == at:
			state = "now"
		case i < at:
			state = "done"
		}
		all = append(all, phase{name, state})
	}
	return all
}

func newPrecondition(p PreconditionReadiness, m *MigrationReadiness, now time.Time, anchor string) shownPrecondition {
	v := shownPrecondition{
		PreconditionReadiness: p,
		Anchor:                anchor + p.ID,
		Short:                 shorten(printable(p.Summary)),
		Since:                 since(&p, now),
		Seen:                  "not evaluated yet",
		Strip:                 newStrip(p.History, now),
		Drawing:               newChart(p.Chart),
	}
	if p.EvaluatedAt != nil {
		took := time.Duration(p.DurationSeconds * float64(time.Second)).Round(100 * time.Microsecond)
		v.Seen = fmt.Sprintf("evaluated %s, in %s", relative(*p.EvaluatedAt, now), took)
	}
	for _, f := range p.Findings {
		one := shownFinding{Finding: f, Repeated: f.Summary == p.Summary, Remedies: remedyTexts(f.Remedy)}
		if shown(f) {
			v.Findings = append(v.Findings, one)
		} else {
			v.Notes = append(v.Notes, one)
		}
	}
	slices.SortStableFunc(v.Findings, func(a, b shownFinding) int {
		return slices.Index(worstFirst(), a.Status) - slices.Index(worstFirst(), b.Status)
	})
	for _, w := range p.Waivers {
		v.Waivers = append(v.Waivers, newWaiver(w, m.Cutover, now))
	}
	return v
}

// since says since when the precondition has its status, as far as this process knows.
func since(p *PreconditionReadiness, now time.Time) string {
	switch {
	case p.ChangedAt != nil:
		return fmt.Sprintf("since %s (%s)", clock(*p.ChangedAt), relative(*p.ChangedAt, now))
	case len(p.History) > 0:
		return fmt.Sprintf("since the first evaluation, %s", relative(p.History[0].At, now))
	}
	return ""
}

func newWaiver(w WaiverReadiness, cutover *time.Time, now time.Time) waiver {
	v := waiver{WaiverReadiness: w}
	switch {
	case !now.Before(w.Expires):
		v.State = "expired"
	case cutover != nil && w.Expires.Before(*cutover):
		v.State = "expires before the cutover"
	}
	return v
}

// lastChanges lists the changes of all preconditions, the newest first.
func lastChanges(m *MigrationReadiness, now time.Time, anchor string) []change {
	var all []change
	for _, p := range m.Preconditions {
		for i := 1; i < len(p.History); i++ {
			before, after := p.History[i-1], p.History[i]
			ago := relative(after.At, now)
			all = append(all, change{after.At, ago, anchor + p.ID, p.Title, before.Status, after.Status})
		}
	}
	slices.SortStableFunc(all, func(a, b change) int { return b.At.Compare(a.At) })
	return all[:min(len(all), maxChanges)]
}
