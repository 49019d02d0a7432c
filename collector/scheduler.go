package collector

import (
	"context"
	"slices"
	"sync"
	"time"

	"magento_migration_exporter/config"
)

// Scheduler evaluates every migration once an interval: all at once in the beginning, as many at a time as
// evaluation_concurrency says, then spread evenly over the interval. An evaluation that takes long moves to a slow lane
// and gives its place to another one: databases that hang never make the others late.
type Scheduler struct {
	evaluator *Evaluator
	apply     chan application
	ended     chan *job
	slowed    chan *job
	// stopped is closed when Run returns: nobody receives any more.
	stopped   chan struct{}
	running   sync.WaitGroup
	slowAfter time.Duration

	// The rest belongs to the goroutine of Run.
	global config.Global
	epoch  time.Time
	jobs   []*job
	// leaving are evaluations that a new configuration has cancelled and that have not ended yet.
	leaving []*job
	decayed time.Time
	// busy and slow are the taken places in the two lanes.
	busy, slow int
}

// application is a configuration to use, and a channel that is closed when it is in use.
type application struct {
	config *config.Config
	inUse  chan<- struct{}
}

// job is one migration in the schedule.
type job struct {
	migration *config.Migration
	offset    time.Duration
	due       time.Time
	running   bool
	// cancel ends a running evaluation without a result; left is when a new configuration called it.
	cancel context.CancelFunc
	left   time.Time
	// first is true until the first evaluation, which comes at once.
	first bool
	// inSlowLane says in which lane it runs, wasSlow in which one it will run next.
	inSlowLane, wasSlow bool
}

const (
	// defaultSlowAfter is far above what a healthy evaluation takes: about 10 ms.
	defaultSlowAfter = time.Second
	// slowLaneFactor times evaluation_concurrency is the size of the slow lane; its evaluations only wait.
	slowLaneFactor = 4
	// lateSlack: an evaluation may begin late by 1/lateSlack of the interval without being counted.
	lateSlack = 10
	// intervalsToDecay is after how many intervals without a new result an old one becomes unknown.
	intervalsToDecay = 3
	// leaveLimit is how long the next evaluation of a migration waits for one that was cancelled.
	leaveLimit = 2 * time.Second
)

// NewScheduler returns a scheduler; Run starts it, and Apply gives it a configuration.
func NewScheduler(e *Evaluator) *Scheduler {
	return &Scheduler{
		evaluator: e,
		apply:     make(chan application),
		ended:     make(chan *job),
		slowed:    make(chan *job),
		stopped:   make(chan struct{}),
		slowAfter: defaultSlowAfter,
	}
}

// Apply makes the scheduler and its board use a configuration, and returns when the board shows it. Running evaluations
// of migrations that it changes or removes end without a result. When ctx ends first, its error is returned.
func (s *Scheduler) Apply(ctx context.Context, c *config.Config) error {
	inUse := make(chan struct{})
	select {
	case s.apply <- application{c, inUse}:
		<-inUse
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run evaluates until ctx ends, and is called once. It returns when the running evaluations have ended too, or after
// drainLimit.
func (s *Scheduler) Run(ctx context.Context) {
	defer close(s.stopped)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(s.dispatch(ctx))
		select {
		case <-ctx.Done():
			s.drain()
			return
		case a := <-s.apply:
			s.configure(a.config)
			close(a.inUse)
		case j := <-s.ended:
			s.end(j)
		case j := <-s.slowed:
			if j.running && !j.inSlowLane {
				j.inSlowLane = true
				s.busy--
				s.slow++
			}
		case <-timer.C:
		}
		// Not only by the timer, which starts again with each message: frequent reloads must not keep old results
		// alive.
		if now := s.evaluator.now(); now.Sub(s.decayed).Abs() >= s.decayInterval() {
			s.decayed = now
			s.decay()
		}
	}
}

// drainLimit is how long evaluations have to end: one that waits for a dead mount never does.
const drainLimit = 2 * time.Second

// drain receives the messages of evaluations that end because ctx ended.
func (s *Scheduler) drain() {
	done := make(chan struct{})
	go func() { s.running.Wait(); close(done) }()
	limit := time.NewTimer(drainLimit)
	defer limit.Stop()
	for {
		select {
		case <-s.ended:
		case <-s.slowed:
		case <-done:
			return
		case <-limit.C:
			return
		}
	}
}

func (s *Scheduler) configure(c *config.Config) {
	now := s.evaluator.now()
	s.global = c.Global
	if s.epoch.IsZero() {
		s.epoch = now
	}
	known := map[*config.Migration]*job{}
	for _, j := range s.jobs {
		known[j.migration] = j
	}
	s.jobs = nil
	migrations := s.evaluator.board.Configure(c.Migrations)
	interval := time.Duration(c.Global.EvaluationInterval)
	for i, m := range migrations {
		j := known[m]
		if j == nil {
			j = &job{migration: m, due: now, first: true}
		}
		j.offset = interval * time.Duration(i) / time.Duration(len(migrations))
		// A job that is due earlier, or waits for a place, keeps its turn: reloads must not delay it for ever.
		if next := s.next(j, now); next.Before(j.due) {
			j.due = next
		}
		s.jobs = append(s.jobs, j)
		delete(known, m)
	}
	s.evaluator.forget(migrations)
	for _, j := range known {
		s.leave(j, now)
	}
}

// leave cancels the evaluation of a migration whose entry was changed or removed.
func (s *Scheduler) leave(j *job, now time.Time) {
	if j.running {
		j.cancel()
		j.left = now
		s.leaving = append(s.leaving, j)
	}
	s.release(j)
}

// release ends the background work for a migration whose name is no longer configured.
func (s *Scheduler) release(j *job) {
	if !slices.ContainsFunc(s.jobs, func(other *job) bool { return other.migration.Name == j.migration.Name }) {
		s.evaluator.leave(j.migration.Name)
	}
}

// next is the job's next turn after t.
func (s *Scheduler) next(j *job, t time.Time) time.Time {
	interval := time.Duration(s.global.EvaluationInterval)
	start := s.epoch.Add(j.offset)
	turns := t.Sub(start)/interval + 1
	if t.Before(start) {
		turns = 0
	}
	return start.Add(turns * interval)
}

// dispatch starts the jobs that are due and have a place, and returns the time until the next one is due.
func (s *Scheduler) dispatch(ctx context.Context) time.Duration {
	now := s.evaluator.now()
	if now.Before(s.epoch) {
		s.epoch = now // the clock was set back, and no turn is before the epoch
	}
	wait := s.decayInterval()
	var due []*job
	for _, j := range s.jobs {
		if j.due.Sub(now) > 2*time.Duration(s.global.EvaluationInterval) {
			j.due = s.next(j, now) // only a clock that was set back makes a turn this far away
		}
		until := max(j.due.Sub(now), s.mustWait(j, now))
		switch {
		case j.running:
		case until > 0:
			wait = min(wait, until)
		default:
			due = append(due, j)
		}
	}
	// The job that has waited longest comes first. Otherwise, with too few places, the end of the list would starve.
	slices.SortStableFunc(due, func(a, b *job) int { return a.due.Compare(b.due) })
	for _, j := range due {
		if s.hasPlace(j) {
			s.start(ctx, j, now)
		}
	}
	return wait
}

// mustWait is how long a new job still waits for the evaluation of its migration's old entry to end. Both at the same
// time would open twice as many connections, and the new one would find the old one's preconditions still running.
func (s *Scheduler) mustWait(j *job, now time.Time) time.Duration {
	wait := time.Duration(0)
	for _, old := range s.leaving {
		if old.migration.Name == j.migration.Name {
			wait = max(wait, leaveLimit-now.Sub(old.left))
		}
	}
	return wait
}

func (s *Scheduler) hasPlace(j *job) bool {
	if j.wasSlow {
		return s.slow < slowLaneFactor*s.global.EvaluationConcurrency
	}
	return s.busy < s.global.EvaluationConcurrency
}

func (s *Scheduler) start(ctx context.Context, j *job, now time.Time) {
	interval := time.Duration(s.global.EvaluationInterval)
	if !j.first && now.Sub(j.due) > interval/lateSlack {
		s.evaluator.late.Add(1)
	}
	after := now
	if j.first {
		after = now.Add(interval / 2) // let the others have their first turn before this job has its second
	}
	j.due = s.next(j, after)
	j.running, j.first, j.inSlowLane = true, false, j.wasSlow
	if j.inSlowLane {
		s.slow++
	} else {
		s.busy++
	}
	limit := time.Duration(s.global.EvaluationTimeout)
	evaluation, cancel := context.WithCancel(ctx)
	j.cancel = cancel
	s.running.Go(func() {
		defer cancel()
		slow := time.AfterFunc(s.slowAfter, func() {
			select {
			case s.slowed <- j:
			case <-ctx.Done():
			}
		})
		s.evaluator.Evaluate(evaluation, j.migration, limit)
		j.wasSlow = !slow.Stop()
		s.report(j)
	})
}

// report gives a job that has ended back to Run, unless Run has stopped waiting for it.
func (s *Scheduler) report(j *job) {
	select {
	case s.ended <- j:
	case <-s.stopped:
	}
}

func (s *Scheduler) end(j *job) {
	j.running = false
	if j.inSlowLane {
		s.slow--
	} else {
		s.busy--
	}
	if !j.left.IsZero() {
		s.leaving = slices.DeleteFunc(s.leaving, func(other *job) bool { return other == j })
		s.release(j) // the evaluation may have started background work again before it ended
	}
}

func (s *Scheduler) decayInterval() time.Duration {
	if s.global.EvaluationInterval <= 0 {
		return time.Hour
	}
	return time.Duration(s.global.EvaluationInterval) / 2
}

func (s *Scheduler) decay() {
	maxAge := intervalsToDecay*time.Duration(s.global.EvaluationInterval) + time.Duration(s.global.EvaluationTimeout)
	if maxAge <= 0 {
		return
	}
	for _, t := range s.evaluator.board.Decay(s.evaluator.now(), maxAge) {
		s.evaluator.logTransition(t)
	}
}
