package report

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// Runbook is the cutover in the order of the migration guide, each step with what was seen of it. It is made of the
// results on the board.
type Runbook struct {
	// Next is the id of the step to do now, empty when all are done.
	Next string `json:"next"`
	// ExpectedSeconds is how long the steps that can be measured will take, nil when none can be.
	ExpectedSeconds *float64 `json:"expected_seconds"`
	Steps           []Step   `json:"steps"`
}

// Step is one step of the runbook.
type Step struct {
	ID    string    `json:"id"`
	Title string    `json:"title"`
	State StepState `json:"state"`
	// Summary says what was seen, in one line.
	Summary string `json:"summary"`
	// Do says what to do; the lines after the first are commands.
	Do string `json:"do"`
	// ExpectedSeconds is how long it takes by what was seen, nil when nothing was. Expected says it in words.
	ExpectedSeconds *float64   `json:"expected_seconds"`
	Expected        string     `json:"expected"`
	Evidence        []Evidence `json:"evidence"`
}

// Evidence is a finding that a step rests on.
type Evidence struct {
	Precondition string         `json:"precondition"`
	Status       finding.Status `json:"status"`
	Summary      string         `json:"summary"`
	Evidence     string         `json:"evidence"`
}

// StepState says how far a step is.
type StepState string

// The states. In a step with a problem something is wrong, whatever its turn is. A step that leaves no trace is unseen
// once a later one is done.
const (
	StepDone    StepState = "done"
	StepNow     StepState = "now"
	StepLater   StepState = "later"
	StepProblem StepState = "problem"
	StepUnseen  StepState = "unseen"
)

// runbookPhases are those in which there is a runbook.
func runbookPhases() []config.Phase {
	return []config.Phase{config.PhaseDelta, config.PhaseCutover, config.PhaseDone}
}

// board is what the steps read: statuses, findings and values of one migration.
type board struct {
	state   *collector.MigrationState
	samples map[string][]finding.Sample
}

func newRunbook(state *collector.MigrationState) *Runbook {
	if !slices.Contains(runbookPhases(), state.Phase) {
		return nil
	}
	b := board{state, map[string][]finding.Sample{}}
	for i := range state.Preconditions {
		for _, s := range state.Preconditions[i].Result.Samples {
			b.samples[s.Family] = append(b.samples[s.Family], s)
		}
	}
	r := &Runbook{}
	for _, step := range steps() {
		seen := step.look(b)
		seen.ID, seen.Title = step.id, step.title
		seen.Do, seen.Expected = cmp.Or(seen.Do, step.do), cmp.Or(seen.Expected, step.expected)
		if seen.Evidence == nil {
			seen.Evidence = []Evidence{}
		}
		r.Steps = append(r.Steps, seen)
	}
	r.order()
	r.sum()
	return r
}

// order makes the first step that is not done the next one.
func (r *Runbook) order() {
	all := steps()
	before := true // all steps so far are done, but those that leave no trace
	for i := range r.Steps {
		s := &r.Steps[i]
		if all[i].last && !before && r.Steps[i+1].State != StepDone {
			s.State = "" // what is right before the other steps need not be right after them
		}
		before = before && (s.State == StepDone || all[i].manual)
	}
	for i := range r.Steps {
		s := &r.Steps[i]
		later := slices.ContainsFunc(r.Steps[i:], func(s Step) bool { return s.State == StepDone })
		if all[i].manual && later {
			s.State = StepUnseen
		}
		if s.State == StepDone || s.State == StepUnseen {
			continue
		}
		turn := StepLater
		if r.Next == "" {
			r.Next, turn = s.ID, StepNow
		}
		s.State = cmp.Or(s.State, turn)
	}
}

// sum adds up how long the steps take that are not done.
func (r *Runbook) sum() {
	total, measured := 0.0, false
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.State == StepDone {
			s.ExpectedSeconds = nil
		}
		if s.ExpectedSeconds != nil {
			total, measured = total+*s.ExpectedSeconds, true
		}
	}
	if measured {
		r.ExpectedSeconds = &total
	}
}

// value returns a sample of a family whose labels are the given ones.
func (b board) value(family string, labels ...string) (float64, bool) {
	for _, s := range b.samples[family] {
		if slices.Equal(s.Labels, labels) {
			return s.Value, true
		}
	}
	return 0, false
}

func (b board) precondition(id string) *collector.PreconditionState {
	for i := range b.state.Preconditions {
		if b.state.Preconditions[i].Precondition.ID == id {
			return &b.state.Preconditions[i]
		}
	}
	return nil
}

// switchover returns the findings of that precondition on some subjects, all for none, worst first and at most
// maxEvidence.
func (b board) switchover(subjects ...string) []Evidence {
	const id = "switchover"
	p := b.precondition(id)
	if p == nil {
		return nil
	}
	var all []Evidence
	for _, f := range p.Result.Findings {
		about := func(subject string) bool { return strings.HasPrefix(f.Subject, subject) }
		if len(subjects) == 0 || slices.ContainsFunc(subjects, about) {
			all = append(all, Evidence{id, f.Status, f.Summary, f.Evidence})
		}
	}
	slices.SortStableFunc(all, func(x, y Evidence) int { return y.Status.Rank() - x.Status.Rank() })
	return all[:min(len(all), maxEvidence)]
}

// maxEvidence is how many findings a step shows of one precondition; its own page has all.
const maxEvidence = 10

// conclusion returns a precondition's whole result as one piece of evidence.
func (b board) conclusion(id string) []Evidence {
	p := b.precondition(id)
	if p == nil {
		return nil
	}
	return []Evidence{{id, p.Result.Status, p.Result.Summary, ""}}
}

// worst returns the worst status among evidence.
func worst(all []Evidence) finding.Status {
	status := finding.Pass
	for _, e := range all {
		if e.Status.Rank() > status.Rank() {
			status = e.Status
		}
	}
	return status
}

// says reports whether some evidence has a summary.
func says(all []Evidence, summary string) bool {
	return slices.ContainsFunc(all, func(e Evidence) bool { return e.Summary == summary })
}

// runbookStep is a step before it was looked at.
type runbookStep struct {
	id, title string
	// do is what to do, where what was seen does not ask for something else.
	do string
	// expected is how long it takes, in words, where nothing shows it.
	expected string
	// manual is true for a step that leaves no trace.
	manual bool
	// last is true for a step that is only done once all before it are.
	last bool
	look func(board) Step
}

func steps() []runbookStep {
	return []runbookStep{
		{
			id: "close_magento1", title: "Close Magento 1", expected: "a minute for each web node", look: lookAtClosing,
			do: "Put Magento 1 into maintenance mode on each of its web nodes, and stop its cron:\n" +
				"touch maintenance.flag\ncrontab -e",
		},
		{
			id: "drain", title: "Let the delta drain", look: lookAtDrain, expected: "unknown until rows were counted",
			do: "Let migrate:delta run until nothing was pending over two whole cycles:\nbin/magento " +
				"migrate:delta config.xml",
		},
		{
			id: "stop_delta", title: "Stop the delta", look: lookAtDelta, expected: "seconds",
			do: "End migrate:delta while it sleeps between two cycles (Ctrl-C), and keep it from being started again.",
		},
		{
			id: "cron", title: "Start Magento 2's cron", look: lookAtCron, expected: "a minute until its first jobs",
			do: "As the user that owns the files:\nbin/magento cron:install",
		},
		{
			id: "reindex", title: "Index Magento 2", look: lookAtIndexes,
			expected: "not measured; a rehearsal on a copy shows it",
			do:       "Index everything, before visitors come:\nbin/magento indexer:reindex",
		},
		{
			id: "warm", title: "Clean and warm the caches", manual: true, look: func(board) Step {
				return Step{Summary: "leaves no trace that can be seen without a request to the shop"}
			},
			expected: "by the number of pages that are warmed",
			do:       "Clean the caches and request the most visited pages:\nbin/magento cache:flush",
		},
		{
			id: "verify", title: "Verify Magento 2", last: true, look: lookAtVerification,
			expected: "two evaluations for the figures; test orders by hand",
			do:       "Look at what still fails, and try a checkout with each means of payment.",
		},
		{
			id: "dns", title: "Switch DNS and load balancers", look: lookAtSwitch,
			expected: "the time to live of the DNS records, or at once at a load balancer",
			do: "Open Magento 2, then let the shop's names lead to it:\nbin/magento maintenance:disable\n" +
				"bin/magento cache:clean config",
		},
		{
			id: "watch", title: "Watch both shops", look: lookAtWatch, expected: "a day, then set phase: done",
			do: "Look for orders that Magento 1 still takes. When a day was quiet, set phase to done in the " +
				"configuration.",
		},
	}
}

func lookAtClosing(b board) Step {
	s := Step{Evidence: b.switchover("maintenance of magento1", "late orders", "quotes", "visitors")}
	switch {
	case b.state.Phase == config.PhaseDone:
		return Step{State: StepDone, Summary: "Magento 1 is not looked at any more"}
	case worst(s.Evidence) == finding.Fail:
		s.State, s.Summary = StepProblem, s.Evidence[0].Summary
	case says(s.Evidence, precondition.Magento1Closed):
		s.State, s.Summary = StepDone, precondition.Magento1Closed
	case says(s.Evidence, precondition.Magento1Open):
		s.Summary = precondition.Magento1Open
	case b.drained():
		s.State, s.Summary = StepDone, "Magento 1 has written nothing over two cycles of the delta"
	case worst(s.Evidence) != finding.Pass:
		s.Summary = s.Evidence[0].Summary
	default:
		s.Summary = "whether Magento 1 is closed cannot be seen here"
	}
	return s
}

// drained reports whether delta_backlog has found the log drained: it passes in cutover only then.
func (b board) drained() bool {
	p := b.precondition("delta_backlog")
	return b.state.Phase == config.PhaseDone ||
		b.state.Phase == config.PhaseCutover && p != nil && p.Result.Status == finding.Pass
}

// restCycles is how long two cycles of a delta without work take, in seconds.
const restCycles = 15

func lookAtDrain(b board) Step {
	s := Step{Evidence: b.conclusion("delta_backlog")}
	pending := 0.0
	for _, sample := range b.samples["delta_pending_rows"] {
		pending += sample.Value
	}
	if b.drained() {
		s.State, s.Summary = StepDone, "the delta log is drained"
		return s
	}
	rate, ok := b.value("delta_delivery_rows_per_second")
	if !ok || rate <= 0 {
		s.Summary = "how many rows wait is unknown"
		return s
	}
	seconds := math.Ceil(pending/rate) + restCycles
	s.ExpectedSeconds = &seconds
	s.Summary = plural(int(pending), "row waits", "rows wait")
	s.Expected = finding.Duration(time.Duration(seconds*float64(time.Second))) + " after Magento 1 is closed"
	return s
}

func lookAtDelta(b board) Step {
	s := Step{Evidence: b.switchover("delta")}
	running, known := b.value("delta_running")
	switch {
	case b.state.Phase == config.PhaseDone:
		return Step{State: StepDone, Summary: "the migration has ended"}
	case worst(s.Evidence) == finding.Fail:
		s.State, s.Summary = StepProblem, s.Evidence[0].Summary
	case !known:
		s.Summary = "whether migrate:delta runs is unknown"
	case running == 1:
		s.Summary = "migrate:delta is at work"
	case b.drained():
		s.State, s.Summary = StepDone, "migrate:delta does not run"
	default:
		s.Summary = "migrate:delta does not run, and the log is not drained"
	}
	return s
}

func lookAtCron(b board) Step {
	s := Step{Evidence: append(b.conclusion("cron_stopped"), b.switchover("cron")...)}
	switch running, known := b.value("cron_running", string(finding.Magento2)); {
	case !known:
		s.Summary = "whether Magento 2's cron runs is unknown"
	case running == 1 && b.state.Phase != config.PhaseDelta:
		s.State, s.Summary = StepDone, "Magento 2's cron runs"
	case running == 1:
		s.State, s.Summary = StepProblem, "Magento 2's cron runs already, before the cutover"
		s.Do = "Stop it until the cutover, as the user that owns the files:\nbin/magento cron:remove"
	default:
		s.Summary = "Magento 2's cron does not run"
	}
	return s
}

func lookAtIndexes(b board) Step {
	invalid, waiting := 0, 0.0
	for _, s := range b.samples["indexer_valid"] {
		if s.Value == 0 {
			invalid++
		}
	}
	for _, s := range b.samples["index_backlog_rows"] {
		waiting += s.Value
	}
	s := Step{}
	for _, e := range b.switchover() {
		if strings.Contains(e.Summary, "indexer") || strings.Contains(e.Summary, "the view ") {
			s.Evidence = append(s.Evidence, e)
		}
	}
	backlog := plural(int(waiting), "entity waits", "entities wait") + " for cron"
	switch all := len(b.samples["indexer_valid"]); {
	case all == 0:
		s.Summary = "the state of the indexers is unknown"
	case invalid > 0:
		s.Summary = plural(invalid, "indexer is", "indexers are") + " invalid; " + backlog
	default:
		s.State, s.Summary = StepDone, "all indexers are valid; "+backlog
	}
	return s
}

// lookAtVerification shows what blocks the switch, apart from what the other steps are about.
func lookAtVerification(b board) Step {
	s := Step{}
	for i := range b.state.Preconditions {
		p := &b.state.Preconditions[i]
		switch p.Precondition.ID {
		case "switchover", "delta_backlog", "cron_stopped":
			continue
		}
		if status := p.Result.Status; status == finding.Fail || status == finding.Unknown {
			s.Evidence = append(s.Evidence, b.conclusion(p.Precondition.ID)...)
		}
	}
	for _, id := range []string{"reconciliation", "increment_ids"} {
		if worst(b.conclusion(id)) == finding.Pass {
			s.Evidence = append(s.Evidence, b.conclusion(id)...)
		}
	}
	against := 0
	for _, e := range s.Evidence {
		if e.Status == finding.Fail || e.Status == finding.Unknown {
			against++
		}
	}
	if against > 0 {
		s.Summary = plural(against, "precondition blocks", "preconditions block") + " the switch"
		return s
	}
	s.State, s.Summary = StepDone, "no precondition blocks the switch"
	return s
}

func lookAtSwitch(b board) Step {
	s := Step{Evidence: b.switchover("maintenance of magento2", "base URL", "orders")}
	first, sells := b.value("m2_first_order_timestamp_seconds")
	switch {
	case b.state.Phase == config.PhaseDone:
		s.State, s.Summary = StepDone, "the migration has ended"
	case worst(s.Evidence) == finding.Fail:
		s.State, s.Summary = StepProblem, s.Evidence[0].Summary
	case sells:
		s.State, s.Summary = StepDone, "Magento 2 has sold since "+finding.Time(time.UnixMilli(int64(first*1000)))
	default:
		s.Summary = "no order of Magento 2's own was seen"
	}
	return s
}

func lookAtWatch(b board) Step {
	s := Step{Evidence: b.switchover("late orders", "done", "cron errors")}
	late, known := b.value("m1_orders_after_switchover")
	switch {
	case b.state.Phase == config.PhaseDone:
		s.State, s.Summary = StepDone, "the migration has ended"
	case known && late > 0:
		s.State, s.Summary = StepProblem, plural(int(late), "order", "orders")+" in Magento 1 after the switch"
	case known:
		s.Summary = "no order in Magento 1 after the switch"
	default:
		s.Summary = "whether Magento 1 took orders after the switch is unknown"
	}
	return s
}
