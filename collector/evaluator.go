package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// Evaluator evaluates migrations and publishes what it finds on a board.
type Evaluator struct {
	catalogue precondition.Catalogue
	board     *Board
	backups   *backup.Reader
	logger    *slog.Logger
	now       func() time.Time
	patient   bool
	late      atomic.Uint64
	faults    atomic.Uint64

	// costs are by precondition, for all migrations together.
	costs map[string]*database.Cost
	// flights are the evaluations of preconditions, and the reads before them, that have not returned yet.
	flights  evidence.Flights
	logins   evidence.Logins
	lifetime *evidence.Lifetime
	// memories are by the names of the migrations that the board holds.
	memoriesMu sync.Mutex
	memories   map[string]*keptMemory
}

// EvaluatorOptions is what an Evaluator works with.
type EvaluatorOptions struct {
	Board   *Board
	Backups *backup.Reader
	// Patient makes EvaluateAll wait for what takes longer than one evaluation, and repeat evaluations that looked at
	// only a part of the evidence, until its context ends.
	Patient bool
	Logger  *slog.Logger
	// Now is the clock.
	Now func() time.Time
	// Lifetime is what was read for other evaluators of this process; nil means nothing.
	Lifetime *evidence.Lifetime
}

// NewEvaluator returns an evaluator of the board's catalogue. It does nothing on its own.
func NewEvaluator(o EvaluatorOptions) *Evaluator {
	costs := map[string]*database.Cost{}
	for _, id := range o.Board.catalogue.IDs() {
		costs[id] = &database.Cost{}
	}
	if o.Lifetime == nil {
		o.Lifetime = &evidence.Lifetime{}
	}
	return &Evaluator{
		lifetime:  o.Lifetime,
		catalogue: o.Board.catalogue,
		board:     o.Board,
		backups:   o.Backups,
		logger:    o.Logger,
		now:       o.Now,
		patient:   o.Patient,
		costs:     costs,
		memories:  map[string]*keptMemory{},
	}
}

// Late returns how many evaluations began later than the interval asks for.
func (e *Evaluator) Late() uint64 { return e.late.Load() }

// Faults returns how many evaluations failed by a fault of the program itself.
func (e *Evaluator) Faults() uint64 { return e.faults.Load() }

// DatabaseCost returns what a precondition's evaluations have cost the databases so far, over all migrations.
func (e *Evaluator) DatabaseCost(id string) *database.Cost { return e.costs[id] }

// Evaluate evaluates a migration once, within the time limit, and publishes the results.
func (e *Evaluator) Evaluate(ctx context.Context, m *config.Migration, limit time.Duration) {
	e.evaluate(ctx, m, limit, false)
}

// evaluate is Evaluate. Again says that an evaluation of this run has been published: one that whole cuts short says
// less, and is not published.
func (e *Evaluator) evaluate(whole context.Context, m *config.Migration, limit time.Duration, again bool) {
	ctx, cancel := context.WithTimeout(whole, limit)
	defer cancel()
	judge := e.results
	if errors.Is(whole.Err(), context.DeadlineExceeded) {
		judge = e.unstarted // what it reads would end at once, and be blamed on files and servers
	}
	memory, release := e.memory(m)
	defer release()
	// The login and the search for the phase belong to no precondition: the first one, network, has their cost.
	gathered := evidence.Gather(database.WithCost(ctx, e.costs[e.catalogue[0].ID]), m, evidence.Options{
		Now:              e.now(),
		StatementTimeout: limit / 3,
		Backups:          e.backups,
		Memory:           memory,
		Lifetime:         e.lifetime,
		Flights:          &e.flights,
		Logins:           &e.logins,
		Patient:          e.patient,
		Logger:           e.logger.With("migration", m.Name),
	})
	defer gathered.Close()
	evaluation := Evaluation{
		Phase:       gathered.Phase.Phase,
		PhaseReason: gathered.Phase.Reason(),
		Servers:     gathered.Servers(),
		Results:     judge(ctx, gathered),
	}
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return // the exporter stops or reloads: an interrupted result would be published as unknown
	}
	if again && whole.Err() != nil {
		return
	}
	for _, t := range e.board.Publish(m, evaluation, e.now()) {
		e.logTransition(t)
	}
}

func (e *Evaluator) logTransition(t Transition) {
	e.logger.Info("status changed", "migration", t.Migration, "precondition", t.Precondition,
		"old", t.Old, "new", t.New, "summary", t.Summary)
}

// results runs all preconditions at the same time. One that does not end in time is unknown; nobody waits for it.
func (e *Evaluator) results(ctx context.Context, gathered *evidence.Evidence) []finding.Result {
	type outcome struct {
		index  int
		result finding.Result
	}
	outcomes := make(chan outcome, len(e.catalogue))
	started := time.Now()
	for i := range e.catalogue {
		p := &e.catalogue[i]
		f := evidence.Flight{Migration: gathered.Migration.Name, What: p.ID}
		if !e.flights.Begin(f) {
			outcomes <- outcome{i, e.stuck(p, gathered)}
			continue
		}
		go func() {
			r := e.result(ctx, p, gathered)
			e.flights.End(f) // before the result is sent: the next evaluation may begin at once
			outcomes <- outcome{i, r}
		}()
	}
	results := make([]finding.Result, len(e.catalogue))
	ended := make([]bool, len(e.catalogue))
	limit, gaveUp := ctx.Done(), (<-chan time.Time)(nil)
	for pending := len(e.catalogue); pending > 0; {
		select {
		case o := <-outcomes:
			results[o.index], ended[o.index] = o.result, true
			pending--
		case <-limit:
			limit, gaveUp = nil, time.After(graceAfterLimit)
		case <-gaveUp:
			return e.fillUnended(results, ended, gathered, time.Since(started))
		}
	}
	return results
}

// unstarted are the results of a migration for which no time was left.
func (e *Evaluator) unstarted(_ context.Context, gathered *evidence.Evidence) []finding.Result {
	results := make([]finding.Result, len(e.catalogue))
	for i := range e.catalogue {
		v := finding.Verdict{}
		v.Unknown("", "no time was left for this migration", "the time limit was over before its evaluation began",
			"Give the check more time with --timeout, or evaluate fewer migrations with --migration.")
		results[i] = v.Result(gathered.Migration.Preconditions.Severity(e.catalogue[i].ID), e.now(), 0)
	}
	return results
}

// keptMemory is what is kept of a migration between its evaluations.
type keptMemory struct {
	of     *config.Migration
	memory *evidence.Memory
	// users are the evaluations that work with it.
	users int
}

// memory returns what is kept of a migration, and a function that the evaluation calls at its end. An entry that sees
// the same as the one before it goes on with its memory, unless an evaluation of that one does not end: two at the
// same time must not share a memory.
func (e *Evaluator) memory(m *config.Migration) (*evidence.Memory, func()) {
	e.memoriesMu.Lock()
	defer e.memoriesMu.Unlock()
	kept := e.memories[m.Name]
	switch {
	case kept == nil:
		kept = &keptMemory{memory: evidence.NewMemory(e.board.saved(m.Name))}
	case kept.of != m && (kept.users > 0 || !kept.of.SeesAs(m)):
		kept = &keptMemory{memory: &evidence.Memory{}}
	}
	e.memories[m.Name] = kept
	kept.of = m
	kept.users++
	return kept.memory, func() {
		e.memoriesMu.Lock()
		defer e.memoriesMu.Unlock()
		kept.users--
	}
}

// Histories returns what is to be kept of all migrations over a restart: what the board has seen, and what evaluations
// keep of one another.
func (e *Evaluator) Histories(now time.Time) []history.Migration {
	all := e.board.Histories(now)
	e.memoriesMu.Lock()
	defer e.memoriesMu.Unlock()
	for i := range all {
		if kept := e.memories[all[i].Name]; kept != nil {
			all[i].Kept = kept.memory.Saved()
		}
	}
	return all
}

// forget drops what is kept of migrations that are no longer configured, and which logins wait: whoever reloads may
// have corrected an account.
func (e *Evaluator) forget(configured []*config.Migration) {
	e.logins.Forget()
	e.memoriesMu.Lock()
	defer e.memoriesMu.Unlock()
	for name := range e.memories {
		if !slices.ContainsFunc(configured, func(m *config.Migration) bool { return m.Name == name }) {
			delete(e.memories, name)
		}
	}
}

// leave ends the background work for a migration whose name is no longer configured.
func (e *Evaluator) leave(migration string) {
	for i := range e.catalogue {
		if leave := e.catalogue[i].Leave; leave != nil {
			leave(migration, e.backups)
		}
	}
}

// stuck is the result of a precondition whose earlier evaluation has not returned.
func (e *Evaluator) stuck(p *precondition.Precondition, gathered *evidence.Evidence) finding.Result {
	m := gathered.Migration
	v := finding.Verdict{}
	v.Unknown("", "an earlier evaluation has not ended yet", "",
		"Look for a file system that hangs under "+m.Key("magento1.root")+", "+m.Key("magento2.root")+
			" or the other configured paths: ls there hangs too.")
	return v.Result(m.Preconditions.Severity(p.ID), e.now(), 0)
}

// graceAfterLimit is how long an evaluation that reached its limit has to report what it was doing.
const graceAfterLimit = 500 * time.Millisecond

func (e *Evaluator) fillUnended(
	results []finding.Result, ended []bool, gathered *evidence.Evidence, took time.Duration,
) []finding.Result {
	for i := range e.catalogue {
		if ended[i] {
			continue
		}
		v := finding.Verdict{}
		v.Unknown("", "the evaluation did not end within its time limit",
			fmt.Sprintf("gave up after %s", took.Round(time.Millisecond)),
			"Look for a file system or server that hangs; global.evaluation_timeout sets the limit.")
		results[i] = v.Result(gathered.Migration.Preconditions.Severity(e.catalogue[i].ID), e.now(), took)
	}
	return results
}

// result runs one precondition. A fault of the program itself becomes a result and does not end the daemon.
func (e *Evaluator) result(
	ctx context.Context, p *precondition.Precondition, gathered *evidence.Evidence,
) (r finding.Result) {
	started := time.Now()
	severity := gathered.Migration.Preconditions.Severity(p.ID)
	defer func() {
		if fault := recover(); fault != nil {
			e.faults.Add(1)
			e.logger.Error("a precondition's evaluation panicked", "migration", gathered.Migration.Name,
				"precondition", p.ID, "panic", fmt.Sprintf("%T", fault), "stack", string(debug.Stack()))
			v := finding.Verdict{}
			v.Unknown("", "the exporter failed while it evaluated this", "the exporter's log has the stack",
				"Report it to the exporter's maintainers with the log.")
			r = v.Result(severity, e.now(), time.Since(started))
		}
	}()
	if phase := gathered.Phase.Phase; !p.AppliesIn(phase) {
		v := finding.Verdict{NotApplicable: true, Summary: "does not apply in the phase " + string(phase)}
		return v.Result(severity, e.now(), time.Since(started))
	}
	v := p.Evaluate(database.WithCost(ctx, e.costs[p.ID]), gathered)
	return v.Result(severity, e.now(), time.Since(started))
}

// EvaluateAll evaluates every migration once, as many at a time as the configuration says.
func (e *Evaluator) EvaluateAll(ctx context.Context, c *config.Config) {
	places := make(chan struct{}, c.Global.EvaluationConcurrency)
	limit := time.Duration(c.Global.EvaluationTimeout)
	var all sync.WaitGroup
	for _, m := range e.board.Configure(c.Migrations) {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			if e.patient {
				e.wait(ctx, m, limit)
			}
			e.Evaluate(ctx, m, limit)
			for e.patient && ctx.Err() == nil && e.board.incomplete(m) {
				e.evaluate(ctx, m, limit, true)
			}
		})
	}
	all.Wait()
}

// EvaluateAgain evaluates a migration for as long as a precondition needs another look at it, and ctx has time for a
// whole evaluation. It is for a program that evaluates once; a scheduler comes again anyway.
func (e *Evaluator) EvaluateAgain(ctx context.Context, c *config.Config) {
	limit := time.Duration(c.Global.EvaluationTimeout)
	var all sync.WaitGroup
	for _, m := range e.board.Configure(c.Migrations) {
		all.Go(func() {
			for pause := e.board.again(m); pause > 0; pause = e.board.again(m) {
				if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < pause+limit {
					return
				}
				select {
				case <-ctx.Done():
					return
				case <-time.After(pause):
				}
				e.evaluate(ctx, m, limit, true)
			}
		})
	}
	all.Wait()
}

// wait returns when the work that takes longer than an evaluation is done, or when ctx has only the given time left.
func (e *Evaluator) wait(ctx context.Context, m *config.Migration, left time.Duration) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-left))
		defer cancel()
	}
	for i := range e.catalogue {
		if wait := e.catalogue[i].Wait; wait != nil {
			wait(ctx, m, e.backups)
		}
	}
}
