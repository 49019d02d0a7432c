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
	"syscall"
	"testing"
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
	slices.SortFunc(found, func(a, b Candidate) int { return slices.Index(paths, a.Path) - slices.Index(paths, b.Path) })
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

// TestReaderReadsOnce puts other bytes where a file was, without a trace in its
// size, time and inode: what was read stays. With another time it is read again.
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

// TestReaderPace checks that bytes come as slowly as they are to, that it can
// be seen from outside how far it is, and that Close does not wait for it.
func TestReaderPace(t *testing.T) {
	t.Parallel()
	r := New(t.Context(), Options{BytesPerSecond: 1 << 20})
	content := dump(t, "m2")
	path := write(t, "dump.sql", bytes.Repeat(content, 1+(2<<20)/len(content)))
	c := candidate(t, path)
	start := time.Now()
	r.Request("acme", []Candidate{c})
	for {
		_, p, standing := r.Lookup(c)
		if standing == StandingReading && p.Read > 300<<10 {
			if p.Size != c.Size || p.Read >= p.Size {
				t.Errorf("progress %v", p)
			}
			break
		}
		if time.Since(start) > 10*time.Second || standing == StandingRead {
			t.Fatalf("%q, %v", standing, p)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if took := time.Since(start); took < 50*time.Millisecond {
		t.Errorf("%v for more than the first 256 KiB", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := r.Wait(ctx, []Candidate{c}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait: %v", err)
	}
	start = time.Now()
	r.Close()
	if took := time.Since(start); took > time.Second {
		t.Errorf("Close took %v", took)
	}
	if _, _, standing := r.Lookup(c); standing == StandingRead {
		t.Error("a reading that Close ended left a report")
	}
}

// TestReaderTakesTurns lets one owner want many files, and checks that another
// does not wait for them all.
func TestReaderTakesTurns(t *testing.T) {
	t.Parallel()
	r := newReader(t, Options{BytesPerSecond: 1 << 20})
	content := dump(t, "m2")
	var many []Candidate
	for i := range 20 {
		many = append(many, candidate(t, write(t, fmt.Sprint("many", i), content)))
	}
	one := candidate(t, write(t, "one", content))
	r.Request("a", many)
	r.Request("b", []Candidate{one})
	must(t, r.Wait(t.Context(), []Candidate{one}))
	read := 0
	for _, c := range many {
		if _, _, standing := r.Lookup(c); standing == StandingRead {
			read++
		}
	}
	if read > 5 {
		t.Errorf("%d files of another owner came first", read)
	}
	for i, c := range many {
		if _, _, standing := r.Lookup(c); i > 10 && standing == StandingReading {
			t.Error("not in the order of the request")
		}
	}
}

// TestReaderGrowing reads a dump while it is being written.
func TestReaderGrowing(t *testing.T) {
	t.Parallel()
	r := newReader(t, Options{Settle: 50 * time.Millisecond, Fresh: time.Nanosecond})
	content := dump(t, "m2")
	path := filepath.Join(t.TempDir(), "dump.sql")
	f, err := os.Create(path)
	must(t, err)
	for written := 0; written < len(content); written += len(content) / 10 {
		_, err := f.Write(content[written:min(len(content), written+len(content)/10)])
		must(t, err)
		if written > len(content)*8/10 {
			break
		}
		if got := get(t, r, path)[0]; got.State == StateWhole {
			t.Fatal("a dump that is being written counts as whole")
		}
	}
	_, err = f.WriteAt(content, 0)
	must(t, err)
	must(t, f.Close())
	for deadline := time.Now().Add(10 * time.Second); ; {
		got := get(t, r, path)[0]
		if got.State == StateWhole {
			break
		}
		if got.State != StateInProgress || time.Now().After(deadline) {
			t.Fatalf("%s: %s", got.State, got.Damage)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestReaderFresh checks that a dump that ends too early is in progress as long
// as its last write is recent, and damaged then.
func TestReaderFresh(t *testing.T) {
	t.Parallel()
	now := time.Now()
	r := newReader(t, Options{Now: func() time.Time { return now }, Settle: time.Nanosecond})
	path := write(t, "dump.sql", dump(t, "other")[:300])
	must(t, os.Chtimes(path, now.Add(-50*time.Second), now.Add(-50*time.Second)))
	if got := get(t, r, path)[0]; got.State != StateInProgress {
		t.Errorf("%s: %s", got.State, got.Damage)
	}
	now = now.Add(20 * time.Second)
	if got := get(t, r, path)[0]; got.State != StateDamaged {
		t.Errorf("%s: %s", got.State, got.Damage)
	}
}

// TestChangedWhileRead changes a file, or puts another in its place, after a
// part of it was read.
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

// TestReaderTriesAgain checks that what the operating system refused is tried
// again though nothing about the file has changed.
func TestReaderTriesAgain(t *testing.T) {
	t.Parallel()
	path := write(t, "dump.sql", dump(t, "other"))
	found := candidate(t, path)
	away := path + ".away"
	must(t, os.Rename(path, away))
	r := newReader(t, Options{Retry: 20 * time.Millisecond, Settle: 20 * time.Millisecond})
	r.Request("acme", []Candidate{found})
	must(t, r.Wait(t.Context(), []Candidate{found}))
	if got, _, _ := r.Lookup(found); got.State != StateUndetermined {
		t.Fatalf("%s: %s", got.State, got.Damage)
	}
	must(t, os.Rename(away, path))
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if got, _, _ := r.Lookup(found); got.State == StateWhole {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("not tried again")
		}
	}
}

// TestReaderStalls lets the operating system not answer, and checks that this
// holds up what is on the same file system, and nothing else.
func TestReaderStalls(t *testing.T) {
	t.Parallel()
	r := newReader(t, Options{Stall: 40 * time.Millisecond})
	good := candidate(t, write(t, "dump.sql", dump(t, "other")))
	hung, neighbour := good, good
	hung.Path, neighbour.Path = "/mnt/dead/dump.sql", "/mnt/dead/other.sql"
	hung.Device, neighbour.Device = good.Device+1, good.Device+1
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
}

// TestFindHangs checks that a search that does not come back is not joined by
// another.
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
	blanks := bytes.Repeat([]byte("\n"), 280<<20)
	small := []string{"zstd", "-c"}
	for name, c := range map[string]struct {
		content []byte
		lim     func(*limits)
		want    string
	}{
		"zeros":          {compress(t, make([]byte, 64<<20), small), nil, "empty|NUL"},
		"ratio":          {slices.Concat(compress(t, []byte("-- MariaDB dump\nSET a=1;\n"), small), compress(t, blanks, small)), nil, "2000 times"},
		"output":         {compress(t, dump(t, "m2"), small), func(l *limits) { l.output = 64 << 10 }, "come out"},
		"zstd window":    {compress(t, blanks[:130<<20], []string{"zstd", "-c", "--long=27"}), nil, "more memory"},
		"xz dictionary":  {compress(t, blanks[:1<<20], []string{"xz", "-c", "--lzma2=dict=128MiB"}), nil, "MiB"},
		"endless text":   {compress(t, slices.Concat([]byte("SET a='"), blanks[:200<<20]), small), nil, "quotes"},
		"endless name":   {compress(t, slices.Concat([]byte("CREATE TABLE `"), bytes.Repeat([]byte("a"), 50<<20)), small), nil, "quotes"},
		"endless word":   {compress(t, bytes.Repeat([]byte("a"), 50<<20), small), nil, "no backup"},
		"endless line":   {compress(t, slices.Concat([]byte("-- "), bytes.Repeat([]byte("a"), 50<<20)), small), nil, "no statement"},
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
