// Package collector is the engine: the evaluator runs the preconditions of a catalogue on evidence, the scheduler says
// when, and the board keeps the latest results.
//
// Data flows one way: config, evidence, preconditions, board; what renders reads the board.
package collector

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
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
	// KnownAt is when the last evaluation ended that was not unknown, ChangedAt when this process last saw a change.
	// Both are zero when there was none.
	KnownAt, ChangedAt   time.Time
	Changes, Evaluations int
	// History holds the last statuses, oldest first, at most maxHistory of them.
	History []Change
}

// Change is a new status of a precondition, and when this process saw it.
type Change struct {
	At     time.Time      `json:"at"`
	Status finding.Status `json:"status"`
}

// maxHistory is more than anybody reads, and takes little memory when a precondition flaps for weeks.
const maxHistory = 32

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
	return &Board{catalogue: catalogue, render: render, entries: map[string]*MigrationState{}}
}

// Configure makes the board hold exactly these migrations. A migration whose entry is unchanged keeps its results and
// its old entry; the old entry is returned in place of the new one.
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
			state = b.newMigrationState(m)
		}
		entries[m.Name] = state
		b.names = append(b.names, m.Name)
		kept = append(kept, state.Migration)
	}
	b.entries = entries
	b.evaluated = b.evaluated || b.allEvaluated() // a shard can be empty
	return kept
}

func (b *Board) newMigrationState(m *config.Migration) *MigrationState {
	state := &MigrationState{Migration: m}
	for i := range b.catalogue {
		p := &b.catalogue[i]
		ps := PreconditionState{Precondition: p, Result: finding.Result{Summary: "not evaluated yet"}}
		for _, w := range m.Waivers {
			if w.Precondition == p.ID {
				ps.Waivers = append(ps.Waivers, w)
			}
		}
		state.Preconditions = append(state.Preconditions, ps)
	}
	return state
}

// Publish replaces a migration's results whole. It does nothing when the configuration has changed since the evaluation
// began.
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
		transitions = append(transitions, ps.settle(m.Name, old.Evaluated, now)...)
	}
	b.replace(next)
	return next, transitions
}

// settle applies the waivers to the raw result and records a change of status.
func (ps *PreconditionState) settle(migration string, seenBefore bool, now time.Time) []Transition {
	before := ps.Result.Status
	ps.Result = finding.Waive(ps.raw, ps.Waivers, now)
	if seenBefore && ps.Result.Status == before {
		return nil
	}
	ps.remember(Change{now, ps.Result.Status})
	if !seenBefore {
		return nil
	}
	ps.ChangedAt = now
	ps.Changes++
	return []Transition{{migration, ps.Precondition.ID, before, ps.Result.Status, ps.Result.Summary}}
}

// remember appends to a copy of the history: snapshots still use the old one.
func (ps *PreconditionState) remember(c Change) {
	kept := ps.History[max(0, len(ps.History)+1-maxHistory):]
	ps.History = append(slices.Clone(kept), c)
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
				transitions = append(transitions, ps.settle(name, true, now)...)
			}
		}
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

// Evaluated reports whether each migration was evaluated once. It never becomes false again: a reload must not take the
// other migrations out of service.
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
