package fit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"magento_migration_exporter/collector/database"
)

const (
	// Budget is how long one round looks at rows; the statement that is running then still ends. Until all was looked
	// at once a round may take Input.First: nobody knows anything before.
	Budget = 300 * time.Millisecond
	// rest is the time between two times that all tables were gone through; restAfterProblems is that while something
	// was found, so that a correction is seen soon. Tables that did not change are not looked at again before
	// forgetting.
	rest, restAfterProblems, forgetting = time.Hour, 10 * time.Minute, 24 * time.Hour
)

// task is one thing to look at. What it found holds until its table changes.
type task struct {
	name, document string
	of             *table
	work           interface {
		// step is one bounded part of the work; it is true with what was found when that was the last one.
		step(ctx context.Context, p *Plan) (bool, []Problem, error)
	}
}

// result is what a task found.
type result struct {
	changed  fingerprint
	at       time.Time
	problems []Problem
	err      error
}

// fingerprint stands for a text, in less memory. It is zero for none. By chance two texts have the same one in one of
// 2^64 cases.
type fingerprint [8]byte

func fingerprintOf(text string) fingerprint {
	if text == "" {
		return fingerprint{}
	}
	sum := sha256.Sum256([]byte(text))
	return fingerprint(sum[:len(fingerprint{})])
}

// clean is a task that found nothing, which most of two hundred do.
type clean struct {
	task, changed fingerprint
	// at is in seconds since 1970.
	at int64
}

// Looker keeps what was found from one evaluation to the next. Its zero value is ready. It is for one migration and one
// goroutine at a time.
type Looker struct {
	key  string
	plan *Plan
	next int
	// results are of the tasks that found something or failed, cleans of the others.
	results map[string]result
	cleans  []clean
	// ended is when all was looked at last; zero before the first time.
	ended time.Time
	kept  Report
}

// Input is what one round needs.
type Input struct {
	Now   time.Time
	Sides [2]Side
	// Key changes when the files may have.
	Key string
	// Files reads them. It is called when a round begins.
	Files func() (Files, error)
	// Shelves are those of the process.
	Shelves *Shelves
	// First is how long a round looks at rows until all was looked at once, when that is more than Budget.
	First time.Duration
}

// budget is how long this round looks at rows.
func (l *Looker) budget(in Input) time.Duration {
	if l.ended.IsZero() {
		return max(Budget, in.First)
	}
	return Budget
}

// Report is what is known.
type Report struct {
	// Whole is true once everything was looked at. Done and Total count the tasks of the first time.
	Whole       bool
	Done, Total int
	// Problems are in the order of Magento 1's tables.
	Problems []Problem
	// Failures are why tables or keys could not be looked at, by the task's name.
	Failures []Failure
	// Skipped, Engines, RowFormats, Triggers and Pairs are as in Plan.
	Skipped             []Skipped
	Engines, RowFormats []TableFact
	Triggers            []TableFact
	Pairs               int
	// Unread is as in Plan.
	Unread []string
}

// Failure is why something could not be looked at.
type Failure struct {
	What string
	Err  error
}

// Round looks at what one evaluation has time for. The error is one that ends it for now, a *database.SideError when it
// belongs to one side; what is known is reported all the same.
func (l *Looker) Round(ctx context.Context, in Input) (Report, error) {
	if l.key != in.Key {
		*l = Looker{key: in.Key}
	}
	err := l.goOn(ctx, in)
	return l.report(), err
}

// Idle reports whether a round would only repeat what is known.
func (l *Looker) Idle(key string, now time.Time) bool {
	return l.key == key && l.plan == nil && !l.due(now)
}

// Known is what is known without a look.
func (l *Looker) Known() Report { return l.report() }

func (l *Looker) goOn(ctx context.Context, in Input) error {
	if l.plan == nil {
		if !l.due(in.Now) {
			return nil
		}
		if err := l.begin(ctx, in); err != nil {
			return err
		}
	}
	l.plan.sides, l.plan.now, l.plan.shelves = in.Sides, in.Now, in.Shelves
	started, budget := time.Now(), l.budget(in)
	waiting := 0
	for l.next < len(l.plan.tasks) {
		err := l.step(ctx, l.plan.tasks[l.next], in.Now)
		switch {
		case errors.Is(err, errWaits):
			if waiting++; waiting >= len(l.plan.tasks)-l.next {
				return nil
			}
			last := l.plan.tasks[l.next]
			l.plan.tasks = append(slices.Delete(l.plan.tasks, l.next, l.next+1), last)
			continue
		case err != nil:
			return err
		}
		waiting = 0
		if time.Since(started) >= budget && l.next < len(l.plan.tasks) {
			return nil
		}
	}
	l.end(in.Now)
	return nil
}

// due reports whether it is time to look at the tables again.
func (l *Looker) due(now time.Time) bool {
	wait := rest
	for _, r := range l.results {
		if len(r.problems) > 0 || r.err != nil {
			wait = restAfterProblems
		}
	}
	return l.ended.IsZero() || now.Sub(l.ended) >= wait
}

// begin makes the plan, without what is known already.
func (l *Looker) begin(ctx context.Context, in Input) error {
	files, err := in.Files()
	if err != nil {
		return err
	}
	plan, err := NewPlan(ctx, in.Sides, files)
	if err != nil {
		return err
	}
	l.forget(plan.tasks)
	l.kept = Report{Skipped: plan.Skipped, Engines: plan.Engines, RowFormats: plan.RowFormats,
		Triggers: plan.Triggers, Pairs: plan.Pairs, Unread: plan.Unread, Total: len(plan.tasks)}
	plan.tasks = slices.DeleteFunc(plan.tasks, func(t *task) bool { return l.known(t, in.Now) })
	l.plan, l.next = plan, 0
	return nil
}

// forget drops the results of tasks that there are no more.
func (l *Looker) forget(tasks []*task) {
	names, keys := map[string]bool{}, map[fingerprint]bool{}
	for _, t := range tasks {
		names[t.name], keys[fingerprintOf(t.name)] = true, true
	}
	maps.DeleteFunc(l.results, func(name string, _ result) bool { return !names[name] })
	l.cleans = slices.DeleteFunc(l.cleans, func(c clean) bool { return !keys[c.task] })
}

// known reports whether a task's table is as it was when it was looked at.
func (l *Looker) known(t *task, now time.Time) bool {
	if t.of == nil || t.of.changed == "" {
		return false
	}
	changed := fingerprintOf(t.of.changed)
	if r, looked := l.results[t.name]; looked {
		return r.err == nil && r.changed == changed && now.Sub(r.at) < forgetting
	}
	key := fingerprintOf(t.name)
	i := slices.IndexFunc(l.cleans, func(c clean) bool { return c.task == key })
	return i >= 0 && l.cleans[i].changed == changed && now.Sub(time.Unix(l.cleans[i].at, 0)) < forgetting
}

// keep keeps a result.
func (l *Looker) keep(t *task, r result) {
	key := fingerprintOf(t.name)
	l.cleans = slices.DeleteFunc(l.cleans, func(c clean) bool { return c.task == key })
	if r.err == nil && len(r.problems) == 0 {
		delete(l.results, t.name)
		l.cleans = append(l.cleans, clean{key, r.changed, r.at.Unix()})
		return
	}
	if l.results == nil {
		l.results = map[string]result{}
	}
	l.results[t.name] = r
}

// step does one part of a task. The error is one after which the session cannot be used any more.
func (l *Looker) step(ctx context.Context, t *task, now time.Time) error {
	done, problems, err := t.work.step(ctx, l.plan)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && !done || errors.Is(err, errWaits) {
		return err
	}
	r := result{at: now, problems: problems, err: err}
	if t.of != nil {
		r.changed = fingerprintOf(t.of.changed)
	}
	if err != nil {
		r.problems = l.results[t.name].problems
	}
	l.keep(t, r)
	l.next++
	if cause := database.CauseOf(err); err != nil && (cause == database.Lost || cause == database.Timeout &&
		database.Number(err) == 0) {
		return err
	}
	return nil
}

func (l *Looker) end(now time.Time) {
	l.plan, l.ended = nil, now
	l.cleans = slices.Clip(slices.Clone(l.cleans)) // it is kept
}

func (l *Looker) report() Report {
	r := l.kept
	r.Whole = !l.ended.IsZero()
	r.Done = r.Total
	if l.plan != nil {
		r.Done = r.Total - (len(l.plan.tasks) - l.next)
	}
	names := make([]string, 0, len(l.results))
	for name := range l.results {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		known := l.results[name]
		r.Problems = append(r.Problems, known.problems...)
		if known.err != nil {
			r.Failures = append(r.Failures, Failure{name, known.err})
		}
	}
	return r
}

// Progress says how far the first time is.
func (r Report) Progress() string { return fmt.Sprintf("%d of %d checks", r.Done, r.Total) }
