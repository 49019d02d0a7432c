package collector

import (
	"context"
	"slices"
	"sync"
	"time"

	"magento_migration_exporter/config"
)

// Scheduler evaluates every migration once an interval: all at once in the beginning, as many at a time as
// evaluation_concurrency says, then spread evenly over the interval. An evaluation that takes long gives its place to
// others and goes on in a lane of its own, so that databases that hang never make the others late.
type Scheduler struct {
	evaluator *Evaluator
	apply     chan application
	ended     chan *job
	slowed    chan *job
	running   sync.WaitGroup
	slowAfter time.Duration

	// The rest belongs to the goroutine of Run.
	global config.Global
	epoch  time.Time
	jobs   []*job
	// leaving are evaluations that a configuration has ended, as long as they have not noticed.
	leaving []*job
	decayed time.Time
	// busy and slow are the taken places in the two lanes.
	busy, slow int
}

// application is a configuration to use, and what is closed when it is in use.
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
	// cancel ends a running evaluation without a result, and left is when a configuration did so.
	cancel context.CancelFunc
	left   time.Time
	// first is true until the first evaluation, which comes at once.
	first bool
	// inSlowLane says which lane's place it holds, and wasSlow which one it asks for next.
	inSlowLane, wasSlow bool
}

const (
	// defaultSlowAfter is what a healthy evaluation stays far below: it takes some 10 ms.
	defaultSlowAfter = time.Second
	// slowLaneFactor is how many times evaluation_concurrency the slow lane has; its evaluations only wait.
	slowLaneFactor = 4
	// lateSlack is the part of the interval by which an evaluation can begin late without being counted.
	lateSlack = 10
	// intervalsToDecay is after how many intervals without an end a result is not believed any more.
	intervalsToDecay = 3
	// leaveLimit is how long the next evaluation of a migration waits for one that was ended.
	leaveLimit = 2 * time.Second
)

// NewScheduler returns a scheduler that begins with Run and Apply.
func NewScheduler(e *Evaluator) *Scheduler {
	return &Scheduler{
		evaluator: e,
		apply:     make(chan application),
		ended:     make(chan *job),
		slowed:    make(chan *job),
		slowAfter: defaultSlowAfter,
	}
}

// Apply makes the scheduler and its board use a configuration, and returns when the board shows it. What is evaluated
// of migrations that it changes or lacks ends without a result. The error is that of ctx, when that ends first.
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

// Run evaluates until ctx ends, and returns when the evaluations in flight have ended too, or soon after.
func (s *Scheduler) Run(ctx context.Context) {
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
		// Not only by the timer, which starts anew with each message: reloads in quick succession must not keep old
		// results alive.
		if now := s.evaluator.now(); now.Sub(s.decayed).Abs() >= s.decayInterval() {
			s.decayed = now
			s.decay()
		}
	}
}

// drainLimit is how long evaluations have to notice that they should end: one that waits for a dead mount never does.
const drainLimit = 2 * time.Second

// drain takes the messages of evaluations that end because ctx did.
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
		if next := s.next(j, now); next.Before(j.due) {
			j.due = next // what is due earlier, or waits for a place, keeps its turn, else reloads could put it off for ever
		}
		s.jobs = append(s.jobs, j)
		delete(known, m)
	}
	s.evaluator.forget(migrations)
	for _, j := range known {
		s.leave(j, now)
	}
}

// leave ends the evaluation of a migration that is not configured like this any more.
func (s *Scheduler) leave(j *job, now time.Time) {
	if j.running {
		j.cancel()
		j.left = now
		s.leaving = append(s.leaving, j)
	}
	s.release(j)
}

// release lets go of what goes on for a migration whose name is configured no more.
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

// dispatch starts what is due and has a place, and returns how long nothing else will be due.
func (s *Scheduler) dispatch(ctx context.Context) time.Duration {
	now := s.evaluator.now()
	if now.Before(s.epoch) {
		s.epoch = now // the clock was set back, and no turn is before the epoch
	}
	wait := s.decayInterval()
	var due []*job
	for _, j := range s.jobs {
		if j.due.Sub(now) > 2*time.Duration(s.global.EvaluationInterval) {
			j.due = s.next(j, now) // no turn is that far away otherwise
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
	// Who has waited longest comes first, else those at the end of the list would starve where there are too few
	// places.
	slices.SortStableFunc(due, func(a, b *job) int { return a.due.Compare(b.due) })
	for _, j := range due {
		if s.hasPlace(j) {
			s.start(ctx, j, now)
		}
	}
	return wait
}

// mustWait is how long a new job still waits for the evaluation of its migration's former entry to end. Side by side
// they would count the database's connections twice, and the newer one would find the older one's preconditions stuck.
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
	j.due = s.next(j, now)
	if j.first {
		j.due = s.next(
			j,
			now.Add(interval/2),
		) // else those that were first come again while others still wait for their first turn
	}
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
		s.ended <- j
	})
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
		s.release(j) // it may have asked again in the meantime
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
