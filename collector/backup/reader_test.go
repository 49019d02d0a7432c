package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func newReader(t *testing.T, o Options) *Reader {
	t.Helper()
	r := New(t.Context(), o)
	t.Cleanup(r.Close)
	return r
}

// get requests what is at the paths, waits, and returns the reports.
func get(t *testing.T, r *Reader, paths ...string) []Report {
	t.Helper()
	found, problems := r.Find(t.Context(), "acme", paths)
	if len(problems) > 0 || len(found) != len(paths) {
		t.Fatalf("found %v, problems %v", found, problems)
	}
	slices.SortFunc(
		found,
		func(a, b Candidate) int { return slices.Index(paths, a.Path) - slices.Index(paths, b.Path) },
	)
	r.Request("acme", found)
	must(t, r.Wait(t.Context(), found))
	var reports []Report
	for _, c := range found {
		report, p, standing := r.Lookup(c)
		if standing != StandingRead {
			t.Fatalf("%s: %q, %v", c.Path, standing, p)
		}
		reports = append(reports, report)
	}
	return reports
}

func TestReader(t *testing.T) {
	t.Parallel()
	r := newReader(t, Options{})
	whole := write(t, "whole.sql", dump(t, "other"))
	cut := write(t, "cut.sql", dump(t, "other")[:200])
	reports := get(t, r, whole, cut)
	wantWhole(t, reports[0])
	if reports[1].State != StateDamaged {
		t.Errorf("cut: %s", reports[1].State)
	}
	if _, _, standing := r.Lookup(Candidate{Path: "never requested"}); standing != StandingUnknown {
		t.Errorf("never requested: %q", standing)
	}
	r.Request("acme", nil)
	if _, _, standing := r.Lookup(reports[0].Candidate); standing != StandingUnknown || len(r.entries) != 0 {
		t.Errorf("not wanted any more: %q, %d reports kept", standing, len(r.entries))
	}
}

// TestReaderReadsOnce puts other bytes where a file was, without a trace in its size, time and inode: what was read
// stays. With another time it is read again.
func TestReaderReadsOnce(t *testing.T) {
	t.Parallel()
	r := newReader(t, Options{})
	content := dump(t, "other")
	path := write(t, "dump.sql", content)
	wantWhole(t, get(t, r, path)[0])
	info, err := os.Stat(path)
	must(t, err)
	must(t, os.WriteFile(path, bytes.Repeat([]byte("x"), len(content)), 0o600))
	must(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
	wantWhole(t, get(t, r, path)[0])
	age(t, path, 30*time.Minute)
	if again := get(t, r, path)[0]; again.State != StateDamaged {
		t.Errorf("not read again: %s", again.State)
	}
}

// TestReaderPace reads a file in a bubble whose clock only moves while the Reader waits for its turn, so that the time
// is what the pace makes it, exactly.
func TestReaderPace(t *testing.T) {
	t.Parallel()
	content := dump(t, "m2")
	path := write(t, "dump.sql", content)
	c := candidate(t, path)
	synctest.Test(t, func(t *testing.T) {
		const pace = 64 << 10 // bytes per second
		r := New(t.Context(), Options{BytesPerSecond: pace})
		defer r.Close()
		start := time.Now()
		r.Request("acme", []Candidate{c})
		must(t, r.Wait(t.Context(), []Candidate{c}))
		took, want := time.Since(start), time.Duration(c.Size-maxChunk)*time.Second/pace
		if took < want || took > want+time.Second {
			t.Errorf(
				"%d bytes at %d a second, of which the first %d are free, took %v, want %v",
				c.Size,
				pace,
				maxChunk,
				took,
				want,
			)
		}
	})
}

// TestReaderClose closes a Reader that could not go on for days, and sees before how far it is.
func TestReaderClose(t *testing.T) {
	t.Parallel()
	r := New(t.Context(), Options{BytesPerSecond: 1})
	c := candidate(t, write(t, "dump.sql", dump(t, "m2")))
	r.Request("acme", []Candidate{c})
	waitFor(t, "the bytes that are free are read", func() bool {
		_, p, standing := r.Lookup(c)
		if p.Read > maxChunk || p.Size != c.Size {
			t.Fatalf("%q, %v", standing, p)
		}
		return standing == StandingReading && p.Read == maxChunk
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Wait(ctx, []Candidate{c}); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait: %v", err)
	}
	r.Close()
	if _, _, standing := r.Lookup(c); standing == StandingRead {
		t.Error("a reading that Close ended left a report")
	}
}

// waitFor waits for a state that must come, however slow the machine is.
func waitFor(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !reached(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("this did not come: " + what)
		}
	}
}

// TestReaderTakesTurns lets one owner want many files, and checks in which order they and another's are read.
func TestReaderTakesTurns(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	r := New(ended, Options{})
	r.Close() // its loop does not run: this test takes the steps
	content := dump(t, "other")
	want := func(owner string, names ...string) {
		var all []Candidate
		for _, name := range names {
			all = append(all, candidate(t, write(t, name, content)))
		}
		r.Request(owner, all)
	}
	var order []string
	step := func() bool {
		now, ok := r.next()
		if ok {
			r.readOne(t.Context(), now)
			order = append(order, filepath.Base(now.candidate.Path))
		}
		return ok
	}
	want("a", "a1", "a2", "a3", "a4", "a5")
	step()
	want("b", "b1")
	want("c", "c1", "c2")
	for step() {
	}
	if got := strings.Join(order, " "); got != "a1 b1 c1 a2 c2 a3 a4 a5" {
		t.Errorf("read in the order %s", got)
	}
}

// clock is a time that a test moves.
type clock struct{ now atomic.Int64 }

func newClock(now time.Time) *clock {
	c := &clock{}
	c.now.Store(now.UnixNano())
	return c
}

func (c *clock) Now() time.Time { return time.Unix(0, c.now.Load()) }

func (c *clock) forward(d time.Duration) { c.now.Add(int64(d)) }

// TestReaderGrowing reads a dump while it is being written: it is not whole until it is quiet, then it is.
func TestReaderGrowing(t *testing.T) {
	t.Parallel()
	content := dump(t, "m2")
	path := filepath.Join(t.TempDir(), "dump.sql")
	start := time.Now()
	now := newClock(start)
	r := newReader(t, Options{Now: now.Now})
	for i := 1; i <= 10; i++ {
		must(t, os.WriteFile(path, content[:len(content)*i/10], 0o600))
		must(t, os.Chtimes(path, now.Now(), now.Now()))
		if got := get(t, r, path)[0]; got.State != StateInProgress {
			t.Fatalf("%d tenths written: %s: %s", i, got.State, got.Damage)
		}
		now.forward(time.Second)
	}
	now.forward(r.opts.Settle)
	wantWhole(t, get(t, r, path)[0])
}

// TestReaderFresh checks that a dump that ends too early is in progress as long as its last write is recent, and
// damaged then.
func TestReaderFresh(t *testing.T) {
	t.Parallel()
	now := newClock(time.Now())
	r := newReader(t, Options{Now: now.Now})
	path := write(t, "dump.sql", dump(t, "other")[:300])
	must(t, os.Chtimes(path, now.Now().Add(-50*time.Second), now.Now().Add(-50*time.Second)))
	if got := get(t, r, path)[0]; got.State != StateInProgress {
		t.Errorf("%s: %s", got.State, got.Damage)
	}
	now.forward(20 * time.Second)
	if got := get(t, r, path)[0]; got.State != StateDamaged {
		t.Errorf("%s: %s", got.State, got.Damage)
	}
}

// TestChangedWhileRead changes a file, or puts another in its place, after a part of it was read.
func TestChangedWhileRead(t *testing.T) {
	t.Parallel()
	content := dump(t, "m2")
	for name, change := range map[string]func(path string){
		"grows": func(path string) {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteString("\n")
			must(t, errors.Join(err, f.Close()))
		},
		"shrinks": func(path string) { must(t, os.Truncate(path, 1000)) },
		"touched": func(path string) { age(t, path, time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, "dump.sql", content)
			j := unlimited()
			once := false
			j.pace = func(n int) (int, error) {
				if !once && j.progress.read.Load() > 0 {
					once = true
					change(path)
				}
				return min(n, 4<<10), nil
			}
			r, err := j.read(t.Context(), candidate(t, path))
			must(t, err)
			if r.State != StateInProgress {
				t.Errorf("%s: %s", r.State, r.Damage)
			}
		})
	}
}

// TestReplaced puts other things in a file's place after it was found.
func TestReplaced(t *testing.T) {
	t.Parallel()
	content := dump(t, "m2")
	for name, c := range map[string]struct {
		put  func(path string) error
		want State
	}{
		"another file": {func(path string) error { return os.WriteFile(path, content, 0o600) }, StateInProgress},
		"a pipe":       {func(path string) error { return syscall.Mkfifo(path, 0o600) }, StateUndetermined},
		"a directory":  {func(path string) error { return os.Mkdir(path, 0o700) }, StateUndetermined},
		"nothing":      {func(string) error { return nil }, StateUndetermined},
		"a loop":       {func(path string) error { return os.Symlink(path, path) }, StateUndetermined},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, "dump.sql", content)
			found := candidate(t, path)
			must(t, os.Remove(path))
			must(t, c.put(path))
			r, err := unlimited().read(t.Context(), found)
			must(t, err)
			if r.State != c.want || r.Damage == "" {
				t.Errorf("%s: %s", r.State, r.Damage)
			}
		})
	}
}

// TestReaderTriesAgain checks that what the operating system refused is tried again, after a while, though nothing
// about the file has changed.
func TestReaderTriesAgain(t *testing.T) {
	t.Parallel()
	path := write(t, "dump.sql", dump(t, "other"))
	found, other := candidate(t, path), candidate(t, write(t, "other.sql", dump(t, "other")))
	away := path + ".away"
	must(t, os.Rename(path, away))
	now := newClock(time.Now())
	r := newReader(t, Options{Now: now.Now, Settle: 20 * time.Millisecond}) // it looks for work that often
	r.Request("acme", []Candidate{found})
	must(t, r.Wait(t.Context(), []Candidate{found}))
	must(t, os.Rename(away, path))
	now.forward(r.opts.Retry - time.Second)
	r.Request("acme", []Candidate{found, other}) // the other one's turn comes after the first's
	must(t, r.Wait(t.Context(), []Candidate{other}))
	if got, _, _ := r.Lookup(found); got.State != StateUndetermined {
		t.Fatalf("too early: %s: %s", got.State, got.Damage)
	}
	now.forward(2 * time.Second)
	waitFor(t, "the file is tried again", func() bool {
		got, _, _ := r.Lookup(found)
		return got.State == StateWhole
	})
}

// TestReaderStalls lets the operating system not answer, and checks that this holds up what is on the same file system,
// and nothing else. In the bubble, time passes only while all wait.
func TestReaderStalls(t *testing.T) {
	t.Parallel()
	good := candidate(t, write(t, "dump.sql", dump(t, "other")))
	hung, neighbour := good, good
	hung.Path, neighbour.Path = "/mnt/dead/dump.sql", "/mnt/dead/other.sql"
	hung.Device, neighbour.Device = good.Device+1, good.Device+1
	synctest.Test(t, func(t *testing.T) {
		r := New(t.Context(), Options{})
		defer r.Close()
		now := &reading{candidate: hung, done: make(chan struct{})}
		answer := make(chan struct{})
		r.mu.Lock()
		r.reading[hung.version()] = now
		r.mu.Unlock()
		r.attend(t.Context(), now, func() {
			now.progress.waiting(func() { <-answer })
			r.mu.Lock()
			delete(r.reading, hung.version())
			r.mu.Unlock()
			r.announce()
		})
		all := []Candidate{hung, neighbour, good}
		r.Request("acme", all)
		must(t, r.Wait(t.Context(), all))
		for i, want := range []Standing{StandingStalled, StandingStalled, StandingRead} {
			if _, _, standing := r.Lookup(all[i]); standing != want {
				t.Errorf("%s: %q, want %q", all[i].Path, standing, want)
			}
		}
		close(answer)
		<-now.done
		if _, _, standing := r.Lookup(neighbour); standing == StandingStalled {
			t.Error("it answers, and still counts as stalled")
		}
	})
}

// TestFindHangs checks that a search that does not come back is not joined by another.
func TestFindHangs(t *testing.T) {
	t.Parallel()
	r := newReader(t, Options{})
	r.mu.Lock()
	r.finding["acme"] = true
	r.mu.Unlock()
	if found, problems := r.Find(t.Context(), "acme", []string{t.TempDir()}); len(found) != 0 || len(problems) != 1 ||
		!strings.Contains(problems[0].Text, "does not answer") {
		t.Errorf("%v, %v", found, problems)
	}
	if _, problems := r.Find(t.Context(), "other", []string{t.TempDir()}); len(problems) != 0 {
		t.Errorf("another owner: %v", problems)
	}
}

// TestBombs reads files out of which much more comes than they are.
func TestBombs(t *testing.T) {
	t.Parallel()
	blanks := bytes.Repeat([]byte("\n"), 32<<20)
	small := []string{"zstd", "-c"}
	for name, c := range map[string]struct {
		content []byte
		lim     func(*limits)
		want    string
	}{
		"zeros": {compress(t, make([]byte, 16<<20), small), nil, "empty|NUL"},
		"ratio": {
			slices.Concat(compress(t, []byte("-- MariaDB dump\nSET a=1;\n"), small), compress(t, blanks, small)),
			func(l *limits) { l.free = 16 << 20 }, "2000 times",
		},
		"output":        {compress(t, dump(t, "m2"), small), func(l *limits) { l.output = 64 << 10 }, "come out"},
		"zstd window":   {compress(t, blanks, []string{"zstd", "-c", "--long=27"}), nil, "more memory"},
		"xz dictionary": {compress(t, blanks[:1<<20], []string{"xz", "-c", "--lzma2=dict=128MiB"}), nil, "MiB"},
		"endless text":  {compress(t, slices.Concat([]byte("SET a='"), blanks), small), nil, "quotes"},
		"endless name": {
			compress(t, slices.Concat([]byte("CREATE TABLE `"), bytes.Repeat([]byte("a"), 16<<20)), small), nil, "quotes",
		},
		"endless word": {compress(t, bytes.Repeat([]byte("a"), 16<<20), small), nil, "no backup"},
		"endless line": {
			compress(t, slices.Concat([]byte("-- "), bytes.Repeat([]byte("a"), 16<<20)), small), nil, "no statement",
		},
		"many databases": {compress(t, manyDatabases(), small), nil, "more than 1000 databases"},
		"many columns":   {[]byte("CREATE TABLE t (" + strings.Repeat("a int,", 5000) + "b int);\n"), nil, "columns"},
		"deep":           {[]byte("CREATE TABLE t (a int " + strings.Repeat("(", 1<<20)), nil, "ends within"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := unlimited()
			if c.lim != nil {
				c.lim(&j.limits)
			}
			r, err := j.read(t.Context(), candidate(t, write(t, "bomb", c.content)))
			must(t, err)
			if r.State == StateWhole || !containsAny(r.Damage, strings.Split(c.want, "|")) {
				t.Errorf("%s: %s, want %q", r.State, r.Damage, c.want)
			}
		})
	}
}

func manyDatabases() []byte {
	var b bytes.Buffer
	for i := range 2000 {
		fmt.Fprintf(&b, "USE `d%d`;\nCREATE TABLE t (a int);\n", i)
	}
	return b.Bytes()
}
