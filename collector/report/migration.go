package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

// verdict is the answer to the question whether a migration can start.
type verdict struct {
	// Status selects shape and colour.
	Status finding.Status
	Word   string
	// Headline is the word with what it is made of, like "Not ready: 2 fail, 1 unknown".
	Headline string
}

func newVerdict(m *MigrationReadiness, now time.Time) verdict {
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
		return verdict{finding.Pass, "ready", "Ready" + conditions(m, count(finding.Warn), now)}
	case !evaluated:
		return verdict{finding.Unknown, "not evaluated yet", "Not ready: not evaluated yet"}
	}
	var parts []string
	if failing > 0 {
		parts = append(parts, fmt.Sprintf("%d fail", failing))
	}
	if unknown > 0 {
		parts = append(parts, fmt.Sprintf("%d unknown", unknown))
	}
	status := finding.Fail
	if failing == 0 {
		status = finding.Unknown
	}
	return verdict{status, "not ready", "Not ready: " + strings.Join(parts, ", ")}
}

// conditions says what a ready migration is ready in spite of.
func conditions(m *MigrationReadiness, warnings int, now time.Time) string {
	var parts []string
	if warnings > 0 {
		parts = append(parts, plural(warnings, "warning", "warnings"))
	}
	waivers, first := waiversInUse(m, now)
	switch {
	case waivers == 1:
		parts = append(parts, "1 waiver (ends "+relative(first, now)+")")
	case waivers > 1:
		parts = append(parts, fmt.Sprintf("%d waivers (the first ends %s)", waivers, relative(first, now)))
	}
	if len(parts) == 0 {
		return ""
	}
	return ", with " + strings.Join(parts, " and ")
}

// waiversInUse counts the waivers of preconditions in which something is waived, and returns the end of the first.
func waiversInUse(m *MigrationReadiness, now time.Time) (n int, first time.Time) {
	for _, p := range m.Preconditions {
		used := p.Status == finding.Waived || slices.ContainsFunc(p.Findings, func(f finding.Finding) bool {
			return f.Status == finding.Waived
		})
		for _, w := range p.Waivers {
			if !used || !now.Before(w.Expires) {
				continue
			}
			if n++; n == 1 || w.Expires.Before(first) {
				first = w.Expires
			}
		}
	}
	return n, first
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
	CutoverIn     string
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
	// Base is what links to other preconditions of the migration begin with.
	Base string
	// Short is the summary, cut for a list.
	Short string
	Since string
	Seen  string
	// Told is whether a finding that is shown says what the summary says.
	Told bool
	// Groups are the findings that need a look, with their remedies.
	Groups []shownGroup
	// Notes are findings that need no action.
	Notes    []shownFinding
	Waivers  []waiver
	Strip    strip
	Drawing  chart
	InReport bool
}

// shownGroup is one remedy with the findings that it covers, as a page shows it.
type shownGroup struct {
	Findings []shownFinding
	Remedies advice
	// Anchor is its id in the page. Open is whether the findings are shown without a click.
	Anchor string
	Open   bool
}

// shownFinding is a finding as a page shows it.
type shownFinding struct {
	finding.Finding
	// Repeated is true when the precondition's summary says the same.
	Repeated bool
}

// maxOpen is how many findings of one remedy are shown without a click.
const maxOpen = 5

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

// summaryInList is how many characters of a summary the list of what blocks shows; it is below in full.
const summaryInList = 90

// maxChanges is how many of the last changes are listed.
const maxChanges = 20

// lookBack is how far the page of a migration looks back when nobody asks for another time.
const lookBack = 24 * time.Hour

func newMigration(m MigrationReadiness, now time.Time, anchor string, inReport bool) migration {
	v := migration{
		MigrationReadiness: m,
		Now:                now,
		Verdict:            newVerdict(&m, now),
		Counts:             counts(&m),
		Age:                oldestEvidence(&m, now),
		Phases:             phases(m.Phase),
		Changes:            lastChanges(&m, now, anchor),
		Anchor:             anchor,
		InReport:           inReport,
	}
	v.nextStep()
	if m.Cutover != nil {
		v.CutoverIn = relative(*m.Cutover, now)
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
		Base:                  "#" + anchor,
		Short:                 shortenTo(printable(p.Summary), summaryInList),
		Since:                 since(&p, now),
		Seen:                  "not evaluated yet",
		Strip:                 newStrip(p.History, now),
		Drawing:               newChart(p.Chart),
	}
	if p.EvaluatedAt != nil {
		took := time.Duration(p.DurationSeconds * float64(time.Second)).Round(100 * time.Microsecond)
		v.Seen = fmt.Sprintf("evaluated %s, in %s", relative(*p.EvaluatedAt, now), took)
	}
	v.Groups, v.Notes = shownFindings(p, v.Base)
	for i := range v.Groups {
		g := &v.Groups[i]
		g.Anchor = fmt.Sprintf("%s-group-%d", v.Anchor, i+1)
		v.Told = v.Told || g.Open && slices.ContainsFunc(g.Findings, func(f shownFinding) bool {
			return !f.Repeated && strings.HasPrefix(p.Summary, f.Summary+" (and ")
		})
	}
	for _, w := range p.Waivers {
		v.Waivers = append(v.Waivers, newWaiver(w, m.Cutover, now))
	}
	return v
}

// shownFindings returns what needs a look, the worst first, and the notes. Links to preconditions begin with base.
func shownFindings(p PreconditionReadiness, base string) (groups []shownGroup, notes []shownFinding) {
	for _, f := range p.Findings {
		if !shown(f) {
			notes = append(notes, shownFinding{f, f.Summary == p.Summary})
		}
	}
	for _, s := range share(urgent(p.Findings)) {
		g := shownGroup{Remedies: newAdvice(s.Remedy, base), Open: len(s.Findings) <= maxOpen}
		for _, f := range s.Findings {
			g.Findings = append(g.Findings, shownFinding{f, len(s.Findings) == 1 && f.Summary == p.Summary})
		}
		groups = append(groups, g)
	}
	return groups, notes
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
