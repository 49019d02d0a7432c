package history

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"magento_migration_exporter/collector/finding"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// lockedLog is a log that several goroutines write.
type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// opened opens a folder, and fails the test when that is impossible.
func opened(t *testing.T, dir string) (*Store, *lockedLog) {
	t.Helper()
	log := &lockedLog{}
	s, err := Open(dir, slog.New(slog.NewTextHandler(log, nil)), atNoon)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, log
}

// shop is a migration in whose history one precondition failed an hour ago.
func shop(name string) Migration {
	return Migration{
		Name: name, Seen: noon, Kept: map[string]json.RawMessage{"delta": json.RawMessage(`{"best":7}`)},
		Logs: map[string]Log{"backup": {
			{At: noon.Add(-2 * time.Hour), Status: finding.Pass, Summary: "it is whole", First: true},
			{At: noon.Add(-time.Hour), Status: finding.Fail, Summary: "it is cut off"},
		}},
	}
}

// wantShop compares a history that was read with that of shop.
func wantShop(t *testing.T, past map[string]Migration, name string) {
	t.Helper()
	want, got := shop(name).Logs["backup"], past[name].Logs["backup"]
	if len(got) != len(want) {
		t.Fatalf("%s has %v, want %v", name, got, want)
	}
	if kept := string(past[name].Kept["delta"]); kept != `{"best":7}` {
		t.Errorf("%s keeps %s", name, kept)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s has %v, want %v", name, got[i], want[i])
		}
	}
}

// files lists a folder without the lock.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != lockName {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestAHistoryOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "by", "the", "store")
	s, _ := opened(t, dir)
	if !s.save([]Migration{shop("acme"), shop("other")}) || !s.OK() {
		t.Fatal("not saved")
	}
	s.Close()
	again, log := opened(t, dir)
	wantShop(t, again.Past(), "acme")
	wantShop(t, again.Past(), "other")
	if strings.Contains(log.String(), "ERROR") || len(files(t, dir)) != 1 {
		t.Errorf("%s, %v", log, files(t, dir))
	}
}

// TestAClosedFolderIsFree has the lock's file open in a process that is being started.
func TestAClosedFolderIsFree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := opened(t, dir)
	inherited, err := unix.Dup(int(s.lock.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(inherited)
	s.Close()
	opened(t, dir)
}

func TestOneProcessHasAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opened(t, dir)
	_, err := Open(dir, slog.New(slog.DiscardHandler), atNoon)
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("process %d on ", os.Getpid())) ||
		!strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
}

// TestTwoWritersOfAFile are on a file system without locks: the second to write sees it.
func TestTwoWritersOfAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, log := opened(t, dir)
	first.save([]Migration{shop("acme")})
	if err := os.Remove(filepath.Join(dir, lockName)); err != nil {
		t.Fatal(err)
	}
	second, _ := opened(t, dir)
	second.save([]Migration{shop("other")})
	first.save([]Migration{shop("acme")})
	if first.OK() || !strings.Contains(log.String(), "another process has written to the file") {
		t.Errorf("%s", log)
	}
	first.save([]Migration{shop("acme")})
	past, warning, err := Read(dir, noon)
	if err != nil || warning != nil || len(past) != 1 || strings.Count(log.String(), "another process") != 1 {
		t.Errorf("%v, %v, %v; %s", past, warning, err, log)
	}
	wantShop(t, past, "other")
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	good := func(migrations ...Migration) string {
		var b strings.Builder
		if err := write(&b, header{Host: "elsewhere", Writer: "w"}, migrations, noon); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	acme := good(shop("acme"))
	for name, tc := range map[string]struct {
		text, aside, says string
		left              int
	}{
		"whole":             {acme, "", "another host and goes on here", 1},
		"empty":             {"", ".broken", "does not begin as", 0},
		"something else":    {"<html>", ".broken", "does not begin as", 0},
		"newer":             {strings.Replace(acme, `"version":1`, `"version":2`, 1), ".newer", "up to 1", 0},
		"cut off":           {good(shop("acme"), shop("other"))[:len(acme)+40], ".broken", "line 3", 1},
		"a line of garbage": {acme + "\x00\xff{\n" + good(shop("other")), ".broken", "2 lines cannot be read", 2},
		"a huge line":       {acme + strings.Repeat("x", 2*maxLine), ".broken", "stopped after 1 migrations", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, fileName)
			if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			past, warning, err := Read(dir, noon)
			if err != nil || (warning == nil) != (tc.aside == "") || len(past) != tc.left || len(files(t, dir)) != 1 {
				t.Errorf("without a store: %v, %v, %v, %v", past, warning, err, files(t, dir))
			}
			s, log := opened(t, dir)
			if len(s.Past()) != tc.left || !strings.Contains(log.String(), tc.says) {
				t.Errorf("%v; %s", s.Past(), log)
			}
			s.save([]Migration{shop("new")})
			aside, err := filepath.Glob(path + tc.aside + "-*")
			if err != nil || (len(aside) == 1) != (tc.aside != "") {
				t.Fatalf("%v, %v", files(t, dir), err)
			}
			for _, moved := range aside {
				if kept, err := os.ReadFile(moved); err != nil || string(kept) != tc.text {
					t.Errorf("what was moved aside has changed: %v", err)
				}
			}
			if past, warning, err := Read(dir, noon); err != nil || warning != nil || len(past) != 1 {
				t.Errorf("the new file: %v, %v, %v", past, warning, err)
			}
		})
	}
}

// TestAFolderThatCannotBeWritten has its lock taken by a folder, which root cannot open for writing either.
func TestAFolderThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := opened(t, dir)
	s.save([]Migration{shop("acme")})
	s.Close()
	if err := errors.Join(os.Remove(filepath.Join(dir, lockName)), os.Mkdir(filepath.Join(dir, lockName), 0o700)); err != nil {
		t.Fatal(err)
	}
	again, log := opened(t, dir)
	wantShop(t, again.Past(), "acme")
	again.save(nil)
	if again.OK() || strings.Count(log.String(), "the history is not kept") != 1 {
		t.Errorf("%s", log)
	}
	past, _, err := Read(dir, noon)
	if err != nil {
		t.Fatal(err)
	}
	wantShop(t, past, "acme")
	if _, err := Open(filepath.Join(dir, fileName, "below"), slog.New(slog.DiscardHandler), atNoon); err == nil ||
		!strings.Contains(err.Error(), "--storage.path=") {
		t.Errorf("a folder below a file: %v", err)
	}
}

// TestWritingFailsForATime takes the folder away and gives it back.
func TestWritingFailsForATime(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "storage")
	s, log := opened(t, dir)
	s.save([]Migration{shop("acme")})
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if s.save([]Migration{shop("acme")}) || s.OK() {
			t.Error("saved nowhere")
		}
	}
	if strings.Count(log.String(), "was not written") != 1 {
		t.Errorf("%s", log)
	}
	if err := os.Rename(dir+"-away", dir); err != nil {
		t.Fatal(err)
	}
	if !s.save([]Migration{shop("acme")}) || !s.OK() || !strings.Contains(log.String(), "written again") {
		t.Errorf("%s", log)
	}
}

// TestAFullDisk fills a disk of its own, in a process of its own that may mount it.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, arguments := range [][]string{{"--mount"}, {"--mount", "--map-root-user"}} {
		const script = `mount -t tmpfs -o size=64k tmpfs "$1" && exec "$0"`
		cmd := exec.CommandContext(t.Context(), "unshare", append(arguments, "sh", "-c", script, os.Args[0], dir)...)
		cmd.Env = append(os.Environ(), fillsUp+"="+dir)
		printed, err := cmd.CombinedOutput()
		if err == nil {
			return
		}
		if cmd.ProcessState.ExitCode() == lostSomething {
			t.Fatalf("%s", printed)
		}
		t.Logf("this kernel lets nobody here mount: %v: %s", err, printed)
	}
}

// manyShops are so many that writing them takes a moment.
const manyShops = 500

// generationOf makes a history that takes a moment to write. Every change has the generation as its summary.
func generationOf(n int, now time.Time) []Migration {
	var all []Migration
	for i := range manyShops {
		m := Migration{Name: fmt.Sprint("shop-", i), Seen: now, Logs: map[string]Log{}}
		for p := range 17 {
			for c := range 2 {
				m.Logs[fmt.Sprint("p", p)] = append(m.Logs[fmt.Sprint("p", p)],
					Change{At: now.Add(time.Duration(c-2) * time.Hour), Summary: fmt.Sprint(n)})
			}
		}
		all = append(all, m)
	}
	return all
}

// TestRunWritesWhatChanges counts the writes on a clock of its own.
func TestRunWritesWhatChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(dir, slog.New(slog.DiscardHandler), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ctx, cancel := context.WithCancel(t.Context())
		changed := make(chan struct{}, 1)
		var writes atomic.Int64
		collected := func() int64 {
			synctest.Wait()
			return writes.Load()
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Run(ctx, changed, func() []Migration { writes.Add(1); return nil })
		}()
		change := func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		}
		for range 600 { // for a minute there is always a change
			change()
			time.Sleep(100 * time.Millisecond)
		}
		if n := collected(); n < 4 || n > 7 {
			t.Errorf("%d writes in a minute", n)
		}
		time.Sleep(time.Minute)
		before := collected()
		time.Sleep(10 * time.Minute)
		if n := collected() - before; n != 0 {
			t.Errorf("%d writes without a change", n)
		}
		time.Sleep(50 * time.Minute)
		if n := collected() - before; n < 3 || n > 4 {
			t.Errorf("the file was refreshed %d times in an hour", n)
		}
		before = collected()
		change()
		cancel()
		<-done
		if collected() != before+1 {
			t.Error("the last change was not written")
		}
	})
}

// TestADiskThatHangs ends while a write does not return. A pipe that nobody writes to stands for the disk.
func TestADiskThatHangs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, log := opened(t, dir)
	path := filepath.Join(dir, fileName)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changed := make(chan struct{}, 1)
	changed <- struct{}{}
	collects := 0
	s.Run(ctx, changed, func() []Migration {
		collects++
		cancel()
		return []Migration{shop("shop")}
	})
	if n := strings.Count(log.String(), "the disk does not answer"); n != 1 || collects != 1 {
		t.Errorf("%d writes were begun, and %d said to hang, want one:\n%s", collects, n, log)
	}
	pipe, err := os.OpenFile(path, os.O_RDWR, 0) // the disk answers again
	if err != nil {
		t.Fatal(err)
	}
	_ = pipe.Close()
	for end := time.Now().Add(2 * time.Minute); len(leftovers(dir)) > 0 || !isRegular(path); {
		if time.Now().After(end) {
			t.Fatal("the write that hung did not end")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func isRegular(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}
