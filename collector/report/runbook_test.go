package report

import (
	"io"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// night is a migration on the night of its cutover, as the board has it.
type night struct{ *collector.MigrationState }

// newNight begins with everything to do.
func newNight() night {
	catalogue := precondition.All()
	n := night{&collector.MigrationState{Migration: &config.Migration{Name: "acme"}, Phase: config.PhaseCutover}}
	for i := range catalogue {
		n.Preconditions = append(n.Preconditions, collector.PreconditionState{
			Precondition: &catalogue[i],
			Result:       finding.Result{Status: finding.Pass, Summary: "fine", EvaluatedAt: noon},
		})
	}
	n.set("delta_backlog", finding.Fail, finding.Finding{Status: finding.Fail, Subject: "pending", Summary: "not drained"})
	n.value("delta_backlog", "delta_pending_rows", 1500, "map")
	n.value("delta_backlog", "delta_pending_rows", 500, "customer")
	n.value("delta_backlog", "delta_delivery_rows_per_second", 10)
	n.value("delta_backlog", "delta_running", 1)
	n.value("cron_stopped", "cron_running", 0, "magento2")
	n.value("switchover", "indexer_valid", 0, "a")
	n.value("switchover", "indexer_valid", 1, "b")
	n.value("switchover", "index_backlog_rows", 7, "a")
	n.value("switchover", "m1_orders_after_switchover", 0)
	n.set("switchover", finding.Fail,
		finding.Finding{Status: finding.Pass, Subject: "maintenance of magento1", Summary: precondition.Magento1Open},
		finding.Finding{Status: finding.Fail, Subject: "a", Summary: "the indexer a is invalid", Evidence: "<b>since"})
	return n
}

func (n night) of(id string) *collector.PreconditionState {
	i := slices.IndexFunc(n.Preconditions, func(p collector.PreconditionState) bool { return p.Precondition.ID == id })
	return &n.Preconditions[i]
}

func (n night) set(id string, status finding.Status, findings ...finding.Finding) {
	p := n.of(id)
	p.Result.Status, p.Result.Findings = status, findings
}

func (n night) value(id, family string, value float64, labels ...string) {
	p := n.of(id)
	p.Result.Samples = slices.DeleteFunc(p.Result.Samples, func(s finding.Sample) bool {
		return s.Family == family && slices.Equal(s.Labels, labels)
	})
	p.Result.Samples = append(p.Result.Samples, finding.Sample{Family: family, Labels: labels, Value: value})
}

// wantStates compares the states of all steps, by their first letters: d(one), n(ow), l(ater), p(roblem), u(nseen).
func (n night) wantStates(t *testing.T, want, next string) *Runbook {
	t.Helper()
	r := newRunbook(n.MigrationState)
	got := ""
	for _, s := range r.Steps {
		got += string(s.State[0])
		if s.Summary == "" || s.Do == "" || s.Expected == "" || s.Evidence == nil {
			t.Errorf("a step lacks something: %+v", s)
		}
	}
	if got != want || r.Next != next {
		t.Errorf("the steps are %s, next %s, want %s, %s: %+v", got, r.Next, want, next, r.Steps)
	}
	return r
}

// TestRunbook goes through a night.
func TestRunbook(t *testing.T) {
	t.Parallel()
	n := newNight()
	r := n.wantStates(t, "nllllllll", "close_magento1")
	if s := r.Steps[1]; s.ExpectedSeconds == nil || *s.ExpectedSeconds != 215 || r.ExpectedSeconds == nil ||
		*r.ExpectedSeconds != 215 || !strings.Contains(s.Summary, "2000 rows wait") {
		t.Errorf("%+v", s)
	}
	if s := r.Steps[4]; !strings.Contains(s.Summary, "1 indexer is invalid; 7 entities wait") || len(s.Evidence) != 1 {
		t.Errorf("%+v", s)
	}
	closed := finding.Finding{Status: finding.Pass, Subject: "maintenance of magento1", Summary: precondition.Magento1Closed}
	n.set("switchover", finding.Fail, closed)
	n.wantStates(t, "dnlllllll", "drain")
	n.set("delta_backlog", finding.Pass)
	n.wantStates(t, "ddnllllll", "stop_delta")
	n.value("delta_backlog", "delta_running", 0)
	n.wantStates(t, "dddnlllll", "cron")
	n.value("cron_stopped", "cron_running", 1, "magento2")
	n.wantStates(t, "ddddnllll", "reindex")
	n.value("switchover", "indexer_valid", 1, "a")
	n.wantStates(t, "dddddudnl", "dns")
	n.set("increment_ids", finding.Fail)
	n.wantStates(t, "dddddnlll", "warm")
	n.set("increment_ids", finding.Pass)
	n.value("switchover", "m2_first_order_timestamp_seconds", 1.7e9)
	n.wantStates(t, "ddddduddn", "watch")
	n.value("switchover", "m1_orders_after_switchover", 3)
	n.set("switchover", finding.Fail, closed,
		finding.Finding{Status: finding.Fail, Subject: "late orders", Summary: "Magento 1 took 3 orders after the switch"})
	r = n.wantStates(t, "pdddduddp", "close_magento1")
	if !says(r.Steps[8].Evidence, "Magento 1 took 3 orders after the switch") {
		t.Errorf("%+v", r.Steps[8])
	}
	n.Phase = config.PhaseDone
	n.set("switchover", finding.Pass)
	n.wantStates(t, "ddddduddd", "")
}

// TestRunbookOfDangers puts what destroys orders before everything else.
func TestRunbookOfDangers(t *testing.T) {
	t.Parallel()
	n := newNight()
	n.set("switchover", finding.Fail,
		finding.Finding{Status: finding.Fail, Subject: "delta", Summary: "migrate:delta is at work although Magento 2 sells"},
		finding.Finding{Status: finding.Fail, Subject: "maintenance of magento2", Summary: "Magento 2 is closed"})
	r := newRunbook(n.MigrationState)
	if r.Steps[2].State != StepProblem || r.Steps[7].State != StepProblem ||
		r.Steps[2].Summary != "migrate:delta is at work although Magento 2 sells" ||
		r.Steps[7].Summary != "Magento 2 is closed" {
		t.Errorf("%+v", r.Steps)
	}
	n.Phase = config.PhaseDelta
	n.value("cron_stopped", "cron_running", 1, "magento2")
	if s := newRunbook(n.MigrationState).Steps[3]; s.State != StepProblem || !strings.HasSuffix(s.Do, "cron:remove") {
		t.Errorf("%+v", s)
	}
	n.Preconditions = n.Preconditions[:1]
	for _, s := range newRunbook(n.MigrationState).Steps {
		if s.State == StepDone || s.State == StepUnseen {
			t.Errorf("done without evidence: %+v", s)
		}
	}
	for _, phase := range []config.Phase{"", config.PhasePrepare, config.PhaseMigrate} {
		if n.Phase = phase; newRunbook(n.MigrationState) != nil {
			t.Errorf("a runbook in the phase %q", phase)
		}
	}
}

// TestRunbookOfClosing says what was seen of Magento 1, also when that is not as it should be after the switch.
func TestRunbookOfClosing(t *testing.T) {
	t.Parallel()
	const subject = "maintenance of magento1"
	open := finding.Finding{Status: finding.Warn, Subject: subject, Summary: "Magento 1 is not closed"}
	for _, tc := range []struct {
		name    string
		finding finding.Finding
		drained bool
		state   StepState
		summary string
	}{
		{"without the flag", open, false, StepNow, open.Summary},
		{"closed by other means", open, true, StepDone, "Magento 1 has written nothing over two cycles of the delta"},
		{
			"the quotes must stop", finding.Finding{Status: finding.Fail, Subject: "quotes", Summary: "Magento 1 still writes"},
			true, StepProblem, "Magento 1 still writes",
		},
		{
			"unseen", finding.Finding{Status: finding.Pass, Subject: subject, Summary: "cannot be seen"}, false,
			StepNow, "whether Magento 1 is closed cannot be seen here",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			n := newNight()
			n.set("switchover", tc.finding.Status, tc.finding)
			if tc.drained {
				n.set("delta_backlog", finding.Pass)
			}
			if s := newRunbook(n.MigrationState).Steps[0]; s.State != tc.state || s.Summary != tc.summary {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestCutoverPage shows the runbook on its page, in the reports and in the JSON.
func TestCutoverPage(t *testing.T) {
	t.Parallel()
	doc := NewReadiness("1.2.3", []*collector.MigrationState{newNight().MigrationState}, noon)
	page := render(t, func(w io.Writer) error { return newPages(t).Cutover(w, doc.Migrations[0], "1.2.3", noon) })
	wants(t, page, "<title>Cutover of acme: Close Magento 1 ", `aria-current="step"`, "touch maintenance.flag",
		"What can be measured takes about 3 min more.", `href="/base/migrations/acme#delta_backlog"`, "&lt;b&gt;since",
		`class="copy"`, "/base/static/page.js")
	never(t, page, "style=", "onclick", "ZgotmplZ", "<no value>", "<b>since")
	wants(t, render(t, func(w io.Writer) error { return newPages(t).Migration(w, doc.Migrations[0], "1", noon) }),
		`href="/base/migrations/acme/cutover"`)
	html := render(t, func(w io.Writer) error { return HTML(w, doc) })
	wants(t, html, `href="#acme-delta_backlog"`, `id="acme-delta_backlog"`, `id="acme-step-drain"`)
	wants(t, render(t, func(w io.Writer) error { return Markdown(w, doc) }), "### Cutover, step by step",
		"| Let the delta drain | later | 2000 rows wait |")
	wants(t, render(t, func(w io.Writer) error { return JSON(w, doc) }), `"next": "close_magento1"`,
		`"expected_seconds": 215`, `"state": "now"`)
	early := newNight()
	early.Phase = config.PhasePrepare
	doc = NewReadiness("1.2.3", []*collector.MigrationState{early.MigrationState}, noon)
	page = render(t, func(w io.Writer) error { return newPages(t).Cutover(w, doc.Migrations[0], "1.2.3", noon) })
	wants(t, page, "from the phase delta on", "--phase=cutover")
	wants(t, render(t, func(w io.Writer) error { return JSON(w, doc) }), `"runbook": null`)
}
