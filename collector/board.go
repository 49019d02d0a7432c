// Package collector is the engine: the evaluator runs the preconditions of a catalogue on evidence, the scheduler says
// when, and the board keeps the latest results.
//
// Data flows one way: config, evidence, preconditions, board; what renders reads the board.
package collector

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// Board keeps the latest result of each precondition of each migration. A state on it is never changed, only replaced:
// a snapshot can be read without a lock.
type Board struct {
	catalogue precondition.Catalogue
	render    func(*MigrationState) Rendering

	mu      sync.RWMutex
	names   []string
	entries map[string]*MigrationState
	// evaluated becomes true when each migration was evaluated, and stays true when others are added later.
	evaluated bool
	// past has what is kept of migrations by name, also of those that are not configured now.
	past map[string]history.Migration
	// changed has a message when a history has changed.
	changed chan struct{}
}

// MigrationState is what the board says about one migration.
type MigrationState struct {
	Migration *config.Migration
	// Evaluated is false until the first whole evaluation ended.
	Evaluated bool
	Ready     bool
	// Phase is empty when it is unknown. PhaseReason says what it was derived from, or why it is unknown.
	Phase       config.Phase
	PhaseReason string
	// Servers are the databases that the last evaluation looked at.
	Servers []evidence.Server
	// Preconditions come in the catalogue's order.
	Preconditions []PreconditionState
	// rendered renders at its first call; nil before the first evaluation.
	rendered func() Rendering
}

// Rendering is what a renderer makes of a state; only that renderer can read it. It is made once, when the results are
// new, and is dropped together with them.
type Rendering any

// Rendering returns what the board's renderer made of the state; nil before the first evaluation.
func (s *MigrationState) Rendering() Rendering {
	if s.rendered == nil {
		return nil
	}
	return s.rendered()
}

// PreconditionState is what the board says about one precondition.
type PreconditionState struct {
	Precondition *precondition.Precondition
	// Result has the waivers applied; raw has not.
	Result finding.Result
	raw    finding.Result
	// decayed is true when raw stands for an evaluation that never ended.
	decayed bool
	// Waivers are those that the configuration has for it, expired or not.
	Waivers []config.Waiver
	// KnownAt is when the last evaluation ended that was not unknown, ChangedAt when the status last changed. Both are
	// zero when there was none.
	KnownAt, ChangedAt time.Time
	// Changes and Evaluations are counted by this process.
	Changes, Evaluations int
	// History holds the last statuses, also those that were kept over a restart.
	History history.Log
	// unsettled is since when the status is unknown after a start, zero while it is not.
	unsettled time.Time
}

// settling is how long a status may be unknown after a start without being a change: much is unknown until it was
// looked at twice.
const settling = 10 * time.Minute

// Transition is a change of a precondition's status.
type Transition struct {
	Migration, Precondition string
	Old, New                finding.Status
	Summary                 string
}

// Evaluation is what one evaluation of a migration found; results come in the catalogue's order.
type Evaluation struct {
	Phase       config.Phase
	PhaseReason string
	Servers     []evidence.Server
	Results     []finding.Result
}

// NewBoard returns an empty board for the preconditions of a catalogue. What render returns is kept beside each state
// that was evaluated; it may be nil.
func NewBoard(catalogue precondition.Catalogue, render func(*MigrationState) Rendering) *Board {
	if render == nil {
		render = func(*MigrationState) Rendering { return nil }
	}
	return &Board{
		catalogue: catalogue,
		render:    render,
		entries:   map[string]*MigrationState{},
		past:      map[string]history.Migration{},
		changed:   make(chan struct{}, 1),
	}
}

// Remember gives the board the histories of an earlier process, before it is configured.
func (b *Board) Remember(past map[string]history.Migration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.Copy(b.past, past)
}

// Changed has a message after a history has changed.
func (b *Board) Changed() <-chan struct{} { return b.changed }

func (b *Board) notify() {
	select {
	case b.changed <- struct{}{}:
	default: // whoever listens has not heard of the last change yet
	}
}

// Histories returns what is to be kept of all migrations, ordered by their names. Nobody writes to it.
func (b *Board) Histories(now time.Time) []history.Migration {
	b.mu.RLock()
	defer b.mu.RUnlock()
	all := maps.Clone(b.past)
	for name, state := range b.entries {
		all[name] = b.kept(state, now)
	}
	return slices.SortedFunc(
		maps.Values(all),
		func(x, y history.Migration) int { return strings.Compare(x.Name, y.Name) },
	)
}

// saved returns what an earlier process saved for the evaluations of a migration.
func (b *Board) saved(name string) map[string]json.RawMessage {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.past[name].Kept
}

// LastReport returns when the last go/no-go report of a migration was made before this one, zero when none was.
func (b *Board) LastReport(name string, now time.Time) time.Time {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return history.LastReport(b.past[name].Reports, now)
}

// Reported remembers that a go/no-go report of a migration was made.
func (b *Board) Reported(name string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.entries[name] == nil {
		return
	}
	past := b.past[name]
	past.Reports = history.AddReport(past.Reports, now)
	b.past[name] = past
	b.notify()
}

// kept returns what is kept of a migration that is configured. The logs of preconditions that the catalogue does not
// know stay: another version wrote them.
func (b *Board) kept(state *MigrationState, now time.Time) history.Migration {
	name := state.Migration.Name
	past := b.past[name]
	m := history.Migration{
		Name: name, Seen: now, Reports: past.Reports, Logs: map[string]history.Log{}, Kept: past.Kept,
	}
	maps.Copy(m.Logs, past.Logs)
	for _, ps := range state.Preconditions {
		if len(ps.History) > 0 {
			m.Logs[ps.Precondition.ID] = ps.History
		}
	}
	return m
}

// Configure makes the board hold exactly these migrations. A migration whose entry is unchanged keeps its results and
// its old entry; the old entry is returned in place of the new one. One whose entry changes only the judgment keeps
// its results until the next evaluation, and every migration of the same name its history.
func (b *Board) Configure(migrations []config.Migration) []*config.Migration {
	b.mu.Lock()
	defer b.mu.Unlock()
	entries := map[string]*MigrationState{}
	b.names = nil
	var kept []*config.Migration
	for i := range migrations {
		m := &migrations[i]
		state := b.entries[m.Name]
		if state == nil || !reflect.DeepEqual(state.Migration, m) {
			state = b.successor(state, m)
		}
		entries[m.Name] = state
		b.names = append(b.names, m.Name)
		kept = append(kept, state.Migration)
	}
	for name, old := range b.entries {
		if entries[name] == nil {
			b.past[name] = b.kept(old, old.evaluatedAt(b.past[name].Seen))
		}
	}
	b.entries = entries
	b.evaluated = b.evaluated || b.allEvaluated() // a shard can be empty
	return kept
}

// successor returns the state of a migration whose entry is new or was changed.
func (b *Board) successor(old *MigrationState, m *config.Migration) *MigrationState {
	if old == nil {
		return b.newMigrationState(m, b.past[m.Name].Logs)
	}
	b.past[m.Name] = b.kept(old, old.evaluatedAt(b.past[m.Name].Seen))
	state := b.newMigrationState(m, b.past[m.Name].Logs)
	if !old.Evaluated || !old.Migration.SeesAs(m) {
		return state
	}
	next := *old
	next.Migration, next.Preconditions = m, slices.Clone(old.Preconditions)
	for i := range next.Preconditions {
		next.Preconditions[i].Waivers = state.Preconditions[i].Waivers
	}
	next.rendered = sync.OnceValue(func() Rendering { return b.render(&next) })
	return &next
}

// evaluatedAt is when the last evaluation ended, if that is later than the given time.
func (s *MigrationState) evaluatedAt(last time.Time) time.Time {
	for _, ps := range s.Preconditions {
		if at := ps.raw.EvaluatedAt; at.After(last) {
			last = at
		}
	}
	return last
}

func (b *Board) newMigrationState(m *config.Migration, logs map[string]history.Log) *MigrationState {
	state := &MigrationState{Migration: m}
	for i := range b.catalogue {
		p := &b.catalogue[i]
		ps := PreconditionState{
			Precondition: p, Result: finding.Result{Summary: "not evaluated yet"},
			History: logs[p.ID], ChangedAt: logs[p.ID].ChangedAt(),
		}
		for _, w := range m.Waivers {
			if w.Precondition == p.ID {
				ps.Waivers = append(ps.Waivers, w)
			}
		}
		state.Preconditions = append(state.Preconditions, ps)
	}
	return state
}

// Publish replaces a migration's results whole. It does nothing when the configuration has changed since the
// evaluation began.
func (b *Board) Publish(m *config.Migration, e Evaluation, now time.Time) []Transition {
	next, transitions := b.publish(m, e, now)
	if next != nil {
		next.rendered() // here and without the lock, so that no scrape has to
	}
	return transitions
}

func (b *Board) publish(m *config.Migration, e Evaluation, now time.Time) (*MigrationState, []Transition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.entries[m.Name]
	if old == nil || old.Migration != m {
		return nil, nil
	}
	next := &MigrationState{
		Migration:     m,
		Evaluated:     true,
		Phase:         e.Phase,
		PhaseReason:   e.PhaseReason,
		Servers:       e.Servers,
		Preconditions: slices.Clone(old.Preconditions),
	}
	var transitions []Transition
	for i := range next.Preconditions {
		ps := &next.Preconditions[i]
		ps.raw, ps.decayed = e.Results[i], false
		ps.Evaluations++
		if ps.raw.Status != finding.Unknown {
			ps.KnownAt = ps.raw.EvaluatedAt
		}
		transitions = append(transitions, ps.settle(m.Name, now)...)
	}
	b.remembered(old, next)
	b.replace(next)
	return next, transitions
}

// settle applies the waivers to the raw result and records a change of status.
func (ps *PreconditionState) settle(migration string, now time.Time) []Transition {
	ps.Result = finding.Waive(ps.raw, ps.Waivers, now)
	last, seen := ps.History.Last()
	change := history.Change{At: now, Status: ps.Result.Status, Summary: ps.Result.Summary, First: !seen}
	switch {
	case seen && last.Status == change.Status:
		ps.unsettled = time.Time{}
		return nil
	case change.Status == finding.Unknown && (ps.raw.Incomplete || seen) && ps.KnownAt.IsZero() && ps.isSettling(now):
		return nil
	}
	ps.unsettled = time.Time{}
	ps.History = ps.History.Add(change)
	if !seen {
		return nil
	}
	ps.ChangedAt = now
	ps.Changes++
	return []Transition{{migration, ps.Precondition.ID, last.Status, ps.Result.Status, ps.Result.Summary}}
}

// isSettling reports whether a status that is unknown since the start is none to remember yet.
func (ps *PreconditionState) isSettling(now time.Time) bool {
	if ps.unsettled.IsZero() {
		ps.unsettled = now
	}
	return now.Sub(ps.unsettled).Abs() < settling
}

// remembered bounds what a migration's histories take, and says when they have changed.
func (b *Board) remembered(old, next *MigrationState) {
	same := slices.EqualFunc(old.Preconditions, next.Preconditions, func(x, y PreconditionState) bool {
		return len(x.History) == len(y.History) && x.ChangedAt.Equal(y.ChangedAt)
	})
	if same {
		return
	}
	logs := map[string]history.Log{}
	for _, ps := range next.Preconditions {
		logs[ps.Precondition.ID] = ps.History
	}
	history.Fit(logs)
	for i := range next.Preconditions {
		ps := &next.Preconditions[i]
		ps.History = logs[ps.Precondition.ID]
	}
	b.notify()
}

// replace puts a finished state on the board.
func (b *Board) replace(state *MigrationState) {
	state.Ready = true
	for _, ps := range state.Preconditions {
		state.Ready = state.Ready && ps.Result.Status.Ready()
	}
	state.rendered = sync.OnceValue(func() Rendering { return b.render(state) })
	b.entries[state.Migration.Name] = state
	b.evaluated = b.evaluated || b.allEvaluated()
}

// Decay makes results older than maxAge unknown and withdraws their values. Without it, an evaluation that never ends
// would leave an old verdict in place.
func (b *Board) Decay(now time.Time, maxAge time.Duration) []Transition {
	b.mu.Lock()
	defer b.mu.Unlock()
	var transitions []Transition
	for _, name := range b.names {
		old := b.entries[name]
		if !old.Evaluated || !old.outdated(now, maxAge) {
			continue
		}
		next := *old
		next.Preconditions = slices.Clone(old.Preconditions)
		next.Phase, next.PhaseReason = "", "the last evaluation is too old"
		for i := range next.Preconditions {
			ps := &next.Preconditions[i]
			if age := now.Sub(ps.raw.EvaluatedAt); age > maxAge {
				ps.raw, ps.decayed = outdatedResult(ps.raw.EvaluatedAt, ps.raw.Duration, age), true
				transitions = append(transitions, ps.settle(name, now)...)
			}
		}
		b.remembered(old, &next)
		b.replace(&next)
	}
	return transitions
}

func (s *MigrationState) outdated(now time.Time, maxAge time.Duration) bool {
	for _, ps := range s.Preconditions {
		if now.Sub(ps.raw.EvaluatedAt) > maxAge && !ps.decayed {
			return true
		}
	}
	return false
}

func outdatedResult(evaluatedAt time.Time, took, age time.Duration) finding.Result {
	v := finding.Verdict{}
	v.Unknown("", fmt.Sprintf("no evaluation has ended for %s", age.Round(time.Second)),
		"last evaluated at "+evaluatedAt.UTC().Format(time.RFC3339),
		"Look at the exporter's log and its load: evaluations of this migration do not end, or do not start.")
	return v.Result(config.SeverityWarn, evaluatedAt, took)
}

// incomplete reports whether the migration's last evaluation looked at only a part of the evidence.
func (b *Board) incomplete(m *config.Migration) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	state := b.entries[m.Name]
	return state != nil && state.Migration == m &&
		slices.ContainsFunc(state.Preconditions, func(ps PreconditionState) bool { return ps.raw.Incomplete })
}

// again returns how long to wait until another evaluation of the migration can say more, 0 when none can.
func (b *Board) again(m *config.Migration) time.Duration {
	b.mu.RLock()
	defer b.mu.RUnlock()
	state := b.entries[m.Name]
	if state == nil || state.Migration != m {
		return 0
	}
	longest := time.Duration(0)
	for _, ps := range state.Preconditions {
		longest = max(longest, ps.raw.Again)
	}
	return longest
}

// Snapshot returns the state of every migration, in the configuration's order. It must not be written to.
func (b *Board) Snapshot() []*MigrationState {
	b.mu.RLock()
	defer b.mu.RUnlock()
	states := make([]*MigrationState, 0, len(b.names))
	for _, name := range b.names {
		states = append(states, b.entries[name])
	}
	return states
}

// Evaluated reports whether each migration was evaluated once. It never becomes false again: a reload must not take
// the other migrations out of service.
func (b *Board) Evaluated() bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.evaluated
}

func (b *Board) allEvaluated() bool {
	for _, state := range b.entries {
		if !state.Evaluated {
			return false
		}
	}
	return true
}
