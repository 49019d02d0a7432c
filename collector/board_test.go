package collector

import (
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// evaluation makes an evaluation in which everything passes but what is named.
func evaluation(at time.Time, except map[string]finding.Status) Evaluation {
	e := Evaluation{Phase: config.PhasePrepare}
	for _, p := range precondition.All() {
		v := finding.Verdict{
			Summary: "fine",
			Samples: []finding.Sample{{Family: "cron_running", Labels: []string{p.ID}, Value: 1}},
		}
		if s, ok := except[p.ID]; ok {
			v.Add(finding.Finding{Status: s, Subject: "it", Summary: "it is " + s.String(), Remedy: "fix it"})
		}
		e.Results = append(e.Results, v.Result(config.SeverityWarn, at, time.Second))
	}
	return e
}

func configured(b *Board, migrations ...config.Migration) []*config.Migration {
	return b.Configure(migrations)
}

func TestBoardReadiness(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for status, want := range map[finding.Status]bool{finding.Pass: true, finding.Warn: true, finding.Fail: false, finding.Unknown: false} {
		b := NewBoard(precondition.All(), nil)
		m := configured(b, config.Migration{Name: "a"})[0]
		if b.Evaluated() || b.Snapshot()[0].Ready || b.Snapshot()[0].Evaluated {
			t.Fatal("nothing was evaluated yet")
		}
		b.Publish(m, evaluation(now, map[string]finding.Status{"backup": status}), now)
		if got := b.Snapshot()[0].Ready; got != want {
			t.Errorf("ready is %v while backup is %s", got, status)
		}
		if !b.Evaluated() {
			t.Error("not evaluated")
		}
	}
}

func TestBoardTransitions(t *testing.T) {
	t.Parallel()
	b, start := NewBoard(precondition.All(), nil), time.Now()
	m := configured(b, config.Migration{Name: "a"})[0]
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	if got := b.Publish(m, evaluation(at(0), map[string]finding.Status{"backup": finding.Unknown}), at(0)); len(
		got,
	) != 0 {
		t.Errorf("the first evaluation is no change: %+v", got)
	}
	got := b.Publish(m, evaluation(at(1), map[string]finding.Status{"backup": finding.Fail}), at(1))
	if len(got) != 1 || got[0] != (Transition{"a", "backup", finding.Unknown, finding.Fail, "it is fail"}) {
		t.Errorf("got %+v", got)
	}
	b.Publish(m, evaluation(at(2), map[string]finding.Status{"backup": finding.Unknown}), at(2))
	ps := of(b.Snapshot()[0], "backup")
	if ps.Changes != 2 || ps.Evaluations != 3 || !ps.ChangedAt.Equal(at(2)) || !ps.KnownAt.Equal(at(1)) {
		t.Errorf("%+v", ps)
	}
	if other := of(b.Snapshot()[0], "network"); !other.ChangedAt.IsZero() || other.Changes != 0 {
		t.Errorf("%+v", other)
	}
}

func TestBoardWaivers(t *testing.T) {
	t.Parallel()
	b, now := NewBoard(precondition.All(), nil), time.Now()
	m := configured(b, config.Migration{Name: "a", Waivers: []config.Waiver{
		{Precondition: "backup", Reason: "r", Expires: config.Expiry{Time: now.Add(time.Minute)}},
		{Precondition: "network", Reason: "r", Expires: config.Expiry{Time: now.Add(-time.Minute)}},
	}})[0]
	b.Publish(m, evaluation(now, map[string]finding.Status{"backup": finding.Fail}), now)
	state := b.Snapshot()[0]
	if !state.Ready || of(state, "backup").Result.Status != finding.Waived ||
		len(of(state, "backup").Result.Findings) != 1 {
		t.Errorf("%+v", of(state, "backup").Result)
	}
	later := now.Add(2 * time.Minute)
	got := b.Publish(m, evaluation(later, map[string]finding.Status{"backup": finding.Fail}), later)
	if len(got) != 1 || got[0].Old != finding.Waived || got[0].New != finding.Fail || b.Snapshot()[0].Ready {
		t.Errorf("a waiver that has ended: %+v", got)
	}
}

func TestBoardDecay(t *testing.T) {
	t.Parallel()
	b, now := NewBoard(precondition.All(), nil), time.Now()
	m := configured(b, config.Migration{Name: "a"})[0]
	b.Publish(m, evaluation(now, nil), now)
	if got := b.Decay(now.Add(time.Minute), time.Hour); len(got) != 0 || !b.Snapshot()[0].Ready {
		t.Errorf("a fresh result decayed: %+v", got)
	}
	before := b.Snapshot()[0]
	got := b.Decay(now.Add(2*time.Hour), time.Hour)
	state := b.Snapshot()[0]
	if len(got) != len(precondition.All()) || state.Ready || state.Phase != "" {
		t.Errorf("%d transitions, ready %v", len(got), state.Ready)
	}
	for _, ps := range state.Preconditions {
		if ps.Result.Status != finding.Unknown || len(ps.Result.Samples) != 0 || !ps.Result.EvaluatedAt.Equal(now) ||
			ps.Result.Findings[0].Remedy == "" {
			t.Errorf("%s: %+v", ps.Precondition.ID, ps.Result)
		}
	}
	if !before.Ready {
		t.Error("a snapshot was changed")
	}
	if again := b.Decay(now.Add(3*time.Hour), time.Hour); len(again) != 0 {
		t.Errorf("decayed twice: %+v", again)
	}
	if got := b.Publish(m, evaluation(now.Add(4*time.Hour), nil), now.Add(4*time.Hour)); len(
		got,
	) != len(
		precondition.All(),
	) ||
		!b.Snapshot()[0].Ready {
		t.Errorf("did not recover: %d", len(got))
	}
}

func TestBoardConfigure(t *testing.T) {
	t.Parallel()
	b, now := NewBoard(precondition.All(), nil), time.Now()
	entry := func(name, root string) config.Migration {
		return config.Migration{Name: name, Magento1: config.System{Root: root}}
	}
	first := configured(b, entry("a", "/1"), entry("b", "/1"), entry("c", "/1"))
	for _, m := range first {
		b.Publish(m, evaluation(now, nil), now)
	}
	b.Publish(first[0], evaluation(now, map[string]finding.Status{"backup": finding.Fail}), now)
	second := configured(b, entry("a", "/1"), entry("b", "/2"), entry("d", "/1"))
	if second[0] != first[0] || second[1] == first[1] {
		t.Error("an unchanged entry must stay the same, a changed one must not")
	}
	states := b.Snapshot()
	if len(states) != 3 || !states[0].Evaluated || of(states[0], "backup").ChangedAt.IsZero() || states[1].Evaluated ||
		states[2].Evaluated {
		t.Errorf("%+v", states)
	}
	for _, m := range []*config.Migration{first[1], first[2]} {
		b.Publish(m, evaluation(now, nil), now)
	}
	if !b.Evaluated() {
		t.Error("a reload took the exporter out of service")
	}
	if states := b.Snapshot(); states[1].Evaluated || len(states) != 3 {
		t.Error("an evaluation of an entry that is gone was published")
	}
}

func TestBoardHistory(t *testing.T) {
	t.Parallel()
	b, start := NewBoard(precondition.All(), nil), time.Now()
	m := configured(b, config.Migration{Name: "a"})[0]
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	for minute, status := range []finding.Status{finding.Pass, finding.Pass, finding.Fail, finding.Fail, finding.Unknown} {
		b.Publish(m, evaluation(at(minute), map[string]finding.Status{"backup": status}), at(minute))
	}
	want := history.Log{
		{At: at(0), Status: finding.Pass, Summary: "fine", First: true}, {At: at(2), Status: finding.Fail, Summary: "it is fail"},
		{At: at(4), Status: finding.Unknown, Summary: "it is unknown"},
	}
	before := b.Snapshot()[0]
	if got := of(before, "backup").History; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := of(before, "network").History; !slices.Equal(got, want[:1]) {
		t.Errorf("without a change: %+v", got)
	}
	const many = 64
	for minute := 5; minute < 5+2*many; minute++ {
		b.Publish(
			m,
			evaluation(
				at(minute),
				map[string]finding.Status{"backup": []finding.Status{finding.Pass, finding.Fail}[minute%2]},
			),
			at(minute),
		)
	}
	got := of(b.Snapshot()[0], "backup").History
	if len(got) != many || !got[many-1].At.Equal(at(4+2*many)) || !got[0].At.Equal(at(5+many)) {
		t.Errorf("%d changes, from %v to %v", len(got), got[0], got[len(got)-1])
	}
	if !slices.Equal(of(before, "backup").History, want) {
		t.Error("a snapshot was changed")
	}
}

// of returns what a state says of a precondition.
func of(state *MigrationState, id string) *PreconditionState {
	for i := range state.Preconditions {
		if state.Preconditions[i].Precondition.ID == id {
			return &state.Preconditions[i]
		}
	}
	return nil
}

// statusesOf lists the statuses that a precondition had.
func statusesOf(ps *PreconditionState) string {
	var all []string
	for _, c := range ps.History {
		all = append(all, c.Status.String())
	}
	return strings.Join(all, " ")
}

// TestBoardRemembers gives a board what one before it has seen.
func TestBoardRemembers(t *testing.T) {
	t.Parallel()
	first, start := NewBoard(precondition.All(), nil), time.Now()
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	failing := func(id string, s finding.Status) map[string]finding.Status { return map[string]finding.Status{id: s} }
	m := configured(first, config.Migration{Name: "a"})[0]
	first.Publish(m, evaluation(at(0), nil), at(0))
	first.Publish(m, evaluation(at(1), failing("backup", finding.Fail)), at(1))
	past := map[string]history.Migration{"gone": {Name: "gone", Seen: at(0)}}
	for _, kept := range first.Histories(at(2)) {
		kept.Logs["of_another_version"] = kept.Logs["backup"]
		past[kept.Name] = kept
	}
	b := NewBoard(precondition.All(), nil)
	b.Remember(past)
	m = configured(b, config.Migration{Name: "a"})[0]
	if ps := of(b.Snapshot()[0], "backup"); b.Snapshot()[0].Evaluated || !ps.ChangedAt.Equal(at(1)) {
		t.Errorf("before the first evaluation: %+v", ps)
	}
	// What is unknown at first is no change, unless it stays so. What changed while nobody looked is one.
	unknown := map[string]finding.Status{"backup": finding.Unknown, "network": finding.Unknown, "topology": finding.Warn}
	got := b.Publish(m, evaluation(at(10), unknown), at(10))
	if len(got) != 1 || got[0].Precondition != "topology" || got[0].Old != finding.Pass {
		t.Errorf("the first evaluation: %+v", got)
	}
	unknown["backup"] = finding.Fail
	if got := b.Publish(m, evaluation(at(15), unknown), at(15)); len(got) != 0 {
		t.Errorf("the second evaluation: %+v", got)
	}
	got = b.Publish(m, evaluation(at(21), unknown), at(21))
	if len(got) != 1 || got[0].Precondition != "network" || got[0].New != finding.Unknown {
		t.Errorf("eleven minutes later: %+v", got)
	}
	state := b.Snapshot()[0]
	for id, want := range map[string]string{"backup": "pass fail", "network": "pass unknown", "topology": "pass warn"} {
		if got := statusesOf(of(state, id)); got != want {
			t.Errorf("%s was %s, want %s", id, got, want)
		}
	}
	if ps := of(state, "backup"); !ps.ChangedAt.Equal(at(1)) || ps.Changes != 0 {
		t.Errorf("%+v", ps)
	}
	all := b.Histories(at(30))
	if len(all) != 2 || len(all[0].Logs["of_another_version"]) != 2 || len(all[0].Logs["topology"]) != 2 ||
		!all[0].Seen.Equal(at(30)) || all[1].Name != "gone" {
		t.Errorf("%+v", all)
	}
}

// TestBoardKeepsWhatAnEditDoesNotChange edits the entry of a migration.
func TestBoardKeepsWhatAnEditDoesNotChange(t *testing.T) {
	t.Parallel()
	b, now := NewBoard(precondition.All(), nil), time.Now()
	entry := config.Migration{Name: "a", Magento1: config.System{Root: "/1"}}
	first := configured(b, entry)[0]
	b.Publish(first, evaluation(now, nil), now)
	b.Publish(first, evaluation(now, map[string]finding.Status{"backup": finding.Fail}), now)
	<-b.Changed()
	entry.Waivers = []config.Waiver{{Precondition: "backup", Reason: "r", Expires: config.Expiry{Time: now.Add(time.Hour)}}}
	entry.Cutover = &now
	second := configured(b, entry)[0]
	state := b.Snapshot()[0]
	if second == first || !state.Evaluated || of(state, "backup").Changes != 1 ||
		of(state, "backup").Result.Status != finding.Fail || len(of(state, "backup").Waivers) != 1 {
		t.Errorf("a new waiver: %+v", of(state, "backup"))
	}
	b.Publish(first, evaluation(now, nil), now) // of the old entry
	b.Publish(second, evaluation(now, map[string]finding.Status{"backup": finding.Fail}), now)
	if got := statusesOf(of(b.Snapshot()[0], "backup")); got != "pass fail waived" || !b.Snapshot()[0].Ready {
		t.Errorf("after the next evaluation: %s", got)
	}
	entry.Magento1.Root = "/2"
	third := configured(b, entry)[0]
	if state := b.Snapshot()[0]; state.Evaluated || statusesOf(of(state, "backup")) != "pass fail waived" {
		t.Errorf("another path: %+v", of(state, "backup"))
	}
	configured(b)
	if kept := b.Histories(now.Add(time.Hour)); len(kept) != 1 || !kept[0].Seen.Equal(now) {
		t.Errorf("%+v", kept)
	}
	fourth := configured(b, entry)[0]
	if got := statusesOf(of(b.Snapshot()[0], "backup")); third == fourth || got != "pass fail waived" {
		t.Errorf("an entry that comes back: %s", got)
	}
}

// TestBoardWaitsForTheWholeEvidence has a first evaluation that has looked at only a part.
func TestBoardWaitsForTheWholeEvidence(t *testing.T) {
	t.Parallel()
	b, now := NewBoard(precondition.All(), nil), time.Now()
	m := configured(b, config.Migration{Name: "a"})[0]
	part := func() Evaluation {
		e := evaluation(now, map[string]finding.Status{"backup": finding.Unknown, "network": finding.Unknown})
		for i, p := range precondition.All() {
			e.Results[i].Incomplete = p.ID == "backup"
		}
		return e
	}
	b.Publish(m, part(), now)
	if state := b.Snapshot()[0]; statusesOf(of(state, "backup")) != "" || statusesOf(of(state, "network")) != "unknown" {
		t.Errorf("%v", of(state, "backup").History)
	}
	b.Publish(m, evaluation(now, nil), now)
	ps := of(b.Snapshot()[0], "backup")
	if statusesOf(ps) != "pass" || !ps.ChangedAt.IsZero() || ps.Changes != 0 {
		t.Errorf("%v", ps.History)
	}
	m = configured(b, config.Migration{Name: "never whole"})[0]
	b.Publish(m, part(), now)
	b.Publish(m, part(), now.Add(settling))
	if got := statusesOf(of(b.Snapshot()[0], "backup")); got != "unknown" {
		t.Errorf("what stays so is remembered: %s", got)
	}
}
