package backup

import (
	"cmp"
	"context"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Options are the settings of a Reader. The zero value of each stands for the default that its comment names.
type Options struct {
	BytesPerSecond int64         // how fast files are read; 0: as fast as they come
	Stall          time.Duration // how long the operating system may take for one read; 30s
	Settle         time.Duration // how long a file that grew must be quiet before it is read again; 10s
	// Fresh is how long after its last write a file that ends too early counts as being written; 1m.
	Fresh     time.Duration
	Retry     time.Duration    // when a file that could not be read is tried again; 1m
	MaxWindow int64            // bytes of memory for one decompressor; 64 MiB, which xz -9 needs
	MaxOutput int64            // decompressed bytes of one file; 4 TiB
	MaxRatio  int64            // decompressed bytes for each compressed one, counted after the first 256 MiB; 2000
	Now       func() time.Time // the clock; time.Now
}

func (o Options) withDefaults() Options {
	o.Stall = cmp.Or(o.Stall, 30*time.Second)
	o.Settle = cmp.Or(o.Settle, 10*time.Second)
	o.Fresh = cmp.Or(o.Fresh, time.Minute)
	o.Retry = cmp.Or(o.Retry, time.Minute)
	o.MaxWindow = cmp.Or(o.MaxWindow, 64<<20)
	o.MaxOutput = cmp.Or(o.MaxOutput, 4<<40)
	o.MaxRatio = cmp.Or(o.MaxRatio, 2000)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Standing is how far a Reader is with a candidate.
type Standing string

// The standings. Only StandingRead comes with a whole Report.
const (
	StandingUnknown Standing = ""        // no owner requested it
	StandingQueued  Standing = "queued"  // its turn has not come
	StandingReading Standing = "reading" // it is being read
	StandingStalled Standing = "stalled" // the file system it is on does not answer
	StandingRead    Standing = "read"    // its report is there
)

// Progress is how much of a candidate was read, in bytes on disk.
type Progress struct{ Read, Size int64 }

// Reader reads backups, one at a time in the whole process, at its own pace, and keeps what it found out for as long as
// somebody wants it. A version of a file (path, size, modification time, inode, device) is read once.
//
// Callers name themselves, as owners, and take turns. A file system that does not answer holds up one goroutine: what
// else is on it is StandingStalled until it answers, and files elsewhere are read meanwhile.
type Reader struct {
	opts    Options
	limiter *rate.Limiter
	cancel  context.CancelFunc
	done    chan struct{} // the loop has ended
	wake    chan struct{} // there may be something to read

	mu       sync.Mutex
	wanted   map[string][]Candidate // by owner
	wishes   map[version]int        // by how many owners a version is wanted
	turn     string                 // the owner who was served last
	entries  map[version]entry
	unstable map[string]bool // paths that were met while they were written
	reading  map[version]*reading
	finding  map[string]bool // owners whose Find has not returned
	changed  chan struct{}   // closed, and replaced, when a standing changes
}

// entry is a report that is kept.
type entry struct {
	report Report
	retry  time.Time // when it is worth another try; zero: never
}

// reading is a candidate that is being read.
type reading struct {
	candidate Candidate
	progress  progress
	stalled   bool
	done      chan struct{}
}

// New starts a Reader, which ends with ctx or Close.
func New(ctx context.Context, opts Options) *Reader {
	ctx, cancel := context.WithCancel(ctx)
	r := &Reader{
		opts: opts.withDefaults(), limiter: rate.NewLimiter(rate.Inf, maxChunk), cancel: cancel,
		done: make(chan struct{}), wake: make(chan struct{}, 1),
		wanted: map[string][]Candidate{}, wishes: map[version]int{}, entries: map[version]entry{},
		unstable: map[string]bool{}, reading: map[version]*reading{}, finding: map[string]bool{},
		changed: make(chan struct{}),
	}
	r.SetBytesPerSecond(opts.BytesPerSecond)
	go r.loop(ctx)
	return r
}

// Close ends the reading. It does not wait for a file system that hangs.
func (r *Reader) Close() {
	r.cancel()
	<-r.done
}

// SetBytesPerSecond changes the pace, 0 for as fast as files come.
func (r *Reader) SetBytesPerSecond(n int64) {
	if n <= 0 {
		r.limiter.SetLimit(rate.Inf)
		return
	}
	r.limiter.SetLimit(rate.Limit(n))
}

// Request says which candidates an owner wants reports of, the most urgent first. It replaces what the owner wanted
// before; reports that no owner wants are forgotten.
func (r *Reader) Request(owner string, candidates []Candidate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.wanted[owner]
	if len(candidates) == 0 {
		delete(r.wanted, owner)
	} else {
		r.wanted[owner] = slices.Clone(candidates)
	}
	for _, c := range candidates {
		r.wishes[c.version()]++
	}
	for _, c := range before {
		r.release(c, candidates)
	}
	r.wakeUp()
}

// release takes back one owner's request of a candidate, and forgets what no owner requests any more. That a path was
// being written is remembered while the owner wants it.
func (r *Reader) release(c Candidate, still []Candidate) {
	v := c.version()
	if r.wishes[v]--; r.wishes[v] > 0 {
		return
	}
	delete(r.wishes, v)
	delete(r.entries, v)
	if !slices.ContainsFunc(still, func(s Candidate) bool { return s.Path == c.Path }) {
		delete(r.unstable, c.Path)
	}
}

func (r *Reader) wakeUp() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Lookup returns what is known of a candidate. It never waits.
func (r *Reader) Lookup(c Candidate) (Report, Progress, Standing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lookup(c)
}

func (r *Reader) lookup(c Candidate) (Report, Progress, Standing) {
	v := c.version()
	if e, ok := r.entries[v]; ok {
		return r.aged(e.report), Progress{c.Size, c.Size}, StandingRead
	}
	if now, ok := r.reading[v]; ok {
		standing := StandingReading
		if now.stalled {
			standing = StandingStalled
		}
		// The directory of a ZIP archive is read twice.
		return Report{Candidate: c}, Progress{min(now.progress.read.Load(), c.Size), c.Size}, standing
	}
	if r.settling(c) {
		rep := Report{Candidate: c}
		rep.judge(errChanged)
		return rep, Progress{0, c.Size}, StandingRead
	}
	switch {
	case r.stalledDevice(c.Device):
		return Report{Candidate: c}, Progress{0, c.Size}, StandingStalled
	case r.wishes[v] > 0:
		return Report{Candidate: c}, Progress{0, c.Size}, StandingQueued
	}
	return Report{}, Progress{}, StandingUnknown
}

// aged says of a backup that ends too early that it is in progress while its last write is recent: that is how one
// looks that is being written slowly.
func (r *Reader) aged(rep Report) Report {
	if rep.Truncated && r.opts.Now().Sub(rep.Candidate.ModTime) < r.opts.Fresh {
		rep.State = StateInProgress
		rep.Damage = "it was written to moments ago and is not complete: " + rep.Damage
	}
	return rep
}

// settling reports whether a file was found while it was being written, and is not quiet yet.
func (r *Reader) settling(c Candidate) bool {
	return r.unstable[c.Path] && r.opts.Now().Sub(c.ModTime) < r.opts.Settle
}

func (r *Reader) stalledDevice(device uint64) bool {
	for _, now := range r.reading {
		if now.stalled && now.candidate.Device == device {
			return true
		}
	}
	return false
}

// Wait returns when each of the candidates, which must have been requested, was read or is on a file system that hangs,
// or with the error of ctx.
func (r *Reader) Wait(ctx context.Context, candidates []Candidate) error {
	for {
		r.mu.Lock()
		changed := r.changed
		pending := slices.ContainsFunc(candidates, func(c Candidate) bool {
			_, _, standing := r.lookup(c)
			return standing == StandingQueued || standing == StandingReading
		})
		r.mu.Unlock()
		if !pending {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.done:
			return context.Canceled
		case <-changed:
		}
	}
}

// Find is the function Find for callers that cannot wait for a mount that hangs: it returns when ctx ends, and as long
// as an owner's search hangs it starts no other for it.
func (r *Reader) Find(ctx context.Context, owner string, patterns []string) ([]Candidate, []Problem) {
	r.mu.Lock()
	busy := r.finding[owner]
	r.finding[owner] = true
	r.mu.Unlock()
	if busy {
		return nil, []Problem{
			{
				Text:   "the file system of the paths does not answer: an earlier look at it has not come back",
				Unread: true,
			},
		}
	}
	type result struct {
		found    []Candidate
		problems []Problem
	}
	results := make(chan result, 1)
	go func() {
		found, problems := Find(ctx, patterns)
		r.mu.Lock()
		delete(r.finding, owner)
		r.mu.Unlock()
		results <- result{found, problems}
	}()
	select {
	case got := <-results:
		return got.found, got.problems
	case <-ctx.Done():
		return nil, []Problem{{Text: "the file system of the paths did not answer in time", Unread: true}}
	}
}

// loop reads what is wanted until ctx ends.
func (r *Reader) loop(ctx context.Context) {
	defer close(r.done)
	for ctx.Err() == nil {
		if now, ok := r.next(); ok {
			r.attend(ctx, now, func() { r.readOne(ctx, now) })
			continue
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-time.After(r.opts.Settle): // what settled or is to be tried again
		}
	}
}

// next takes the first candidate to read of the owner whose turn it is.
func (r *Reader) next() (*reading, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	owners := make([]string, 0, len(r.wanted))
	for o := range r.wanted {
		owners = append(owners, o)
	}
	slices.Sort(owners)
	start, found := slices.BinarySearch(owners, r.turn)
	if found {
		start++
	}
	for i := range owners {
		owner := owners[(start+i)%len(owners)]
		for _, c := range r.wanted[owner] {
			if !r.due(c) {
				continue
			}
			r.turn = owner
			now := &reading{candidate: c, done: make(chan struct{})}
			r.reading[c.version()] = now
			return now, true
		}
	}
	return nil, false
}

// due reports whether a candidate is to be read now.
func (r *Reader) due(c Candidate) bool {
	v := c.version()
	if e, ok := r.entries[v]; ok {
		return !e.retry.IsZero() && !r.opts.Now().Before(e.retry) && r.reading[v] == nil
	}
	return r.reading[v] == nil && !r.settling(c) && !r.stalledDevice(c.Device)
}

// attend starts a reading and waits until it ends or stalls.
func (r *Reader) attend(ctx context.Context, now *reading, read func()) {
	go func() {
		defer close(now.done)
		read()
	}()
	r.announce()
	tick := time.NewTicker(min(r.opts.Stall/4, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-now.done:
			return
		case <-tick.C:
		}
		since := now.progress.since.Load()
		limit := r.opts.Stall
		if ctx.Err() != nil {
			limit = min(limit, time.Second)
		}
		if since != 0 && time.Since(time.Unix(0, since)) > limit {
			r.mu.Lock()
			now.stalled = true
			r.mu.Unlock()
			r.announce()
			return
		}
	}
}

// maxChunk is how much is read from a file at once.
const maxChunk = 256 << 10

// readOne reads one candidate and keeps its report.
func (r *Reader) readOne(ctx context.Context, now *reading) {
	j := job{limits: limits{r.opts.MaxWindow, r.opts.MaxOutput, r.opts.MaxRatio, freeBytes}, progress: &now.progress}
	j.pace = func(n int) (int, error) {
		n = min(n, maxChunk)
		if limit := r.limiter.Limit(); limit != rate.Inf {
			n = min(n, max(4<<10, int(limit/4)))
		}
		return n, r.limiter.WaitN(ctx, n)
	}
	report, err := j.read(ctx, now.candidate)
	const large = 16 << 20
	if report.Bytes > large {
		debug.FreeOSMemory() // an exporter at rest is small
	}
	r.mu.Lock()
	delete(r.reading, now.candidate.version())
	if err == nil {
		r.keep(report)
	}
	r.mu.Unlock()
	r.announce()
	r.wakeUp()
}

// keep stores a report, if anybody still wants it.
func (r *Reader) keep(report Report) {
	c := report.Candidate
	if r.wishes[c.version()] == 0 {
		return
	}
	e := entry{report: report}
	if report.unread {
		e.retry = r.opts.Now().Add(r.opts.Retry)
	}
	r.entries[c.version()] = e
	if report.State == StateInProgress || report.Truncated {
		r.unstable[c.Path] = true
	} else {
		delete(r.unstable, c.Path)
	}
}

// announce wakes up what waits for standings to change.
func (r *Reader) announce() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.changed)
	r.changed = make(chan struct{})
}
