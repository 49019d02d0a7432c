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
	"magento_migration_exporter/collector/requirements"
	"magento_migration_exporter/config"
)

// Evaluator evaluates migrations and publishes what it finds on a board.
type Evaluator struct {
	board   *Board
	backups *backup.Reader
	logger  *slog.Logger
	now     func() time.Time
	late    atomic.Uint64
	faults  atomic.Uint64

	waitForBackups bool
	requirements   func() (requirements.Table, error)
	// costs are by precondition, for all migrations together.
	costs map[string]*database.Cost

	// flights are the preconditions' evaluations and what is read before them.
	flights flights
	// memories belong to the migrations that the board holds.
	memoriesMu sync.Mutex
	memories   map[*config.Migration]*integrityMemory
}

// EvaluatorOptions is what an Evaluator works with.
type EvaluatorOptions struct {
	Board   *Board
	Backups *backup.Reader
	// WaitForBackups makes EvaluateAll wait until the backups were read.
	WaitForBackups bool
	Logger         *slog.Logger
	// Now is the clock.
	Now func() time.Time
}

// NewEvaluator returns an evaluator that does nothing until it is asked to.
func NewEvaluator(o EvaluatorOptions) *Evaluator {
	costs := map[string]*database.Cost{}
	for _, id := range PreconditionIDs() {
		costs[id] = &database.Cost{}
	}
	return &Evaluator{
		board: o.Board, backups: o.Backups, logger: o.Logger, now: o.Now, waitForBackups: o.WaitForBackups, costs: costs,
		flights: flights{pending: map[flight]bool{}}, memories: map[*config.Migration]*integrityMemory{},
		requirements: sync.OnceValues(func() (requirements.Table, error) { return requirements.Load("") }),
	}
}

// Late returns how many evaluations began later than the interval asks for.
func (e *Evaluator) Late() uint64 { return e.late.Load() }

// Faults returns how many evaluations the program itself has failed.
func (e *Evaluator) Faults() uint64 { return e.faults.Load() }

// DatabaseCost returns what a precondition's evaluations have cost the databases so far, over all migrations.
func (e *Evaluator) DatabaseCost(precondition string) *database.Cost { return e.costs[precondition] }

// Evaluate evaluates a migration once, within the time limit, and publishes the results.
func (e *Evaluator) Evaluate(ctx context.Context, m *config.Migration, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	// Logging in and telling the phase is part of no precondition's function, and nearest to network's.
	evidence := gather(database.WithCost(ctx, e.costs["network"]), m, gatherOptions{now: e.now(), statementTimeout: limit / 3, backups: e.backups, memory: e.memory(m), flights: &e.flights, requirements: e.requirements, logger: e.logger.With("migration", m.Name)})
	defer evidence.Close()
	evaluation := Evaluation{Phase: evidence.Phase.Phase, PhaseReason: evidence.Phase.reason(), Servers: evidence.servers(), Results: e.results(ctx, evidence)}
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return // shutting down: a result that was cut short would be published as unknown
	}
	for _, t := range e.board.Publish(m, evaluation, e.now()) {
		e.logTransition(t)
	}
}

func (e *Evaluator) logTransition(t Transition) {
	e.logger.Info("status changed", "migration", t.Migration, "precondition", t.Precondition, "old", t.Old, "new", t.New, "summary", t.Summary)
}

// results runs every precondition side by side. One that does not end in time is unknown, and is not waited for.
func (e *Evaluator) results(ctx context.Context, evidence *Evidence) []Result {
	type outcome struct {
		index  int
		result Result
	}
	catalogue := Catalogue()
	outcomes := make(chan outcome, len(catalogue))
	started := time.Now()
	for i, p := range catalogue {
		f := flight{evidence.Migration.Name, p.ID}
		if !e.flights.begin(f) {
			outcomes <- outcome{i, e.stuck(p, evidence)}
			continue
		}
		go func() {
			r := e.result(ctx, p, evidence)
			e.flights.end(f) // first, else the next evaluation could be early enough to meet it
			outcomes <- outcome{i, r}
		}()
	}
	results := make([]Result, len(catalogue))
	ended := make([]bool, len(catalogue))
	limit, gaveUp := ctx.Done(), (<-chan time.Time)(nil)
	for pending := len(catalogue); pending > 0; {
		select {
		case o := <-outcomes:
			results[o.index], ended[o.index] = o.result, true
			pending--
		case <-limit:
			limit, gaveUp = nil, time.After(graceAfterLimit)
		case <-gaveUp:
			return e.fillUnended(results, ended, catalogue, evidence, time.Since(started))
		}
	}
	return results
}

// memory returns what is kept of a migration between its evaluations, which never overlap for the precondition that uses it.
func (e *Evaluator) memory(m *config.Migration) *integrityMemory {
	e.memoriesMu.Lock()
	defer e.memoriesMu.Unlock()
	if e.memories[m] == nil {
		e.memories[m] = &integrityMemory{}
	}
	return e.memories[m]
}

// forget drops what is kept of migrations that are not configured any more.
func (e *Evaluator) forget(configured []*config.Migration) {
	e.memoriesMu.Lock()
	defer e.memoriesMu.Unlock()
	for m := range e.memories {
		if !slices.Contains(configured, m) {
			delete(e.memories, m)
		}
	}
}

// stuck is the result of a precondition whose earlier evaluation has not come back.
func (e *Evaluator) stuck(p Precondition, evidence *Evidence) Result {
	v := Verdict{}
	v.unknown("", "an earlier evaluation has not come back", "", "Look for a file system that hangs under magento1.root, magento2.root or the other configured paths: ls there hangs too.")
	return v.result(evidence.Migration.Preconditions.Severity(p.ID), e.now(), 0)
}

// graceAfterLimit is how long an evaluation that reached its limit has to tell what it was doing.
const graceAfterLimit = 500 * time.Millisecond

func (e *Evaluator) fillUnended(results []Result, ended []bool, catalogue []Precondition, evidence *Evidence, took time.Duration) []Result {
	for i, p := range catalogue {
		if !ended[i] {
			v := Verdict{}
			v.unknown("", "the evaluation did not end within its time limit", fmt.Sprintf("gave up after %s", took.Round(time.Millisecond)),
				"Look for a file system or server that hangs; global.evaluation_timeout sets the limit.")
			results[i] = v.result(evidence.Migration.Preconditions.Severity(p.ID), e.now(), took)
		}
	}
	return results
}

// result runs one precondition. A fault of the program itself is a result too, not the end of the daemon.
func (e *Evaluator) result(ctx context.Context, p Precondition, evidence *Evidence) (r Result) {
	started := time.Now()
	severity := evidence.Migration.Preconditions.Severity(p.ID)
	defer func() {
		if fault := recover(); fault != nil {
			e.faults.Add(1)
			e.logger.Error("a precondition's evaluation panicked", "migration", evidence.Migration.Name, "precondition", p.ID, "panic", fmt.Sprintf("%T", fault), "stack", string(debug.Stack()))
			v := Verdict{}
			v.unknown("", "the exporter failed while it evaluated this", "the exporter's log has the stack", "Report it to the exporter's maintainers with the log.")
			r = v.result(severity, e.now(), time.Since(started))
		}
	}()
	v := p.evaluate(database.WithCost(ctx, e.costs[p.ID]), evidence)
	return v.result(severity, e.now(), time.Since(started))
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
			if e.waitForBackups {
				e.readBackups(ctx, m, limit)
			}
			e.Evaluate(ctx, m, limit)
		})
	}
	all.Wait()
}

// readBackups returns when the backups were read, or when ctx has only the given time left: what was not read by then is unknown.
func (e *Evaluator) readBackups(ctx context.Context, m *config.Migration, left time.Duration) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-left))
		defer cancel()
	}
	candidates, _ := findBackups(ctx, &Evidence{Migration: m, Backups: e.backups})
	e.backups.Request(m.Name, candidates)
	_ = e.backups.Wait(ctx, candidates) // the precondition says what was not read
}
