package collector_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/report"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// watchedVariable makes the test program evaluate a configuration, with its calls for files answered by the process
// that started it.
const watchedVariable = "COLLECTOR_WATCHED_CONFIG"

// watchedAnswer is what such a process says of itself whenever it gets a line.
type watchedAnswer report.Readiness

// evaluateWatched is all that such a process does, until its input ends. It is an error when something is left then.
func evaluateWatched(path string) error {
	left, err := shoptest.Watch()
	if err != nil {
		return err
	}
	if err := letParentAnswer(3); err != nil {
		return err
	}
	c, err := config.Load(path, precondition.All().Sections())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	reader := backup.New(ctx, backup.Options{Stall: 500 * time.Millisecond})
	board := collector.NewBoard(precondition.All(), nil)
	s := collector.NewScheduler(
		collector.NewEvaluator(
			collector.EvaluatorOptions{
				Board:   board,
				Backups: reader,
				Logger:  slog.New(slog.DiscardHandler),
				Now:     time.Now,
			},
		),
	)
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	if err := s.Apply(ctx, c); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if err := json.NewEncoder(os.Stdout).Encode(report.NewReadiness("", board.Snapshot(), time.Now())); err != nil {
			return err
		}
	}
	cancel()
	running.Wait()
	reader.Close()
	return left()
}

// letParentAnswer makes the kernel ask who listens at the other end of a socket about each call that names a file. It
// needs no privilege.
func letParentAnswer(socket int) error {
	const load, jumpIfEqual, answer = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	calls := []uint32{
		unix.SYS_OPENAT,
		unix.SYS_NEWFSTATAT,
		unix.SYS_FACCESSAT,
		unix.SYS_FACCESSAT2,
		unix.SYS_READLINKAT,
	}
	program := []unix.SockFilter{{Code: load}}
	for i, call := range calls {
		program = append(
			program,
			unix.SockFilter{Code: jumpIfEqual, K: call, Jt: uint8(len(calls) - i)},
		) //nolint:gosec // there are few
	}
	program = append(
		program,
		unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_USER_NOTIF},
	)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up new privileges: %w", err)
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]} //nolint:gosec // there are few
	const allThreads = unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH
	listener, _, errno := unix.Syscall(
		unix.SYS_SECCOMP,
		unix.SECCOMP_SET_MODE_FILTER,
		allThreads|unix.SECCOMP_FILTER_FLAG_NEW_LISTENER,
		uintptr(unsafe.Pointer(&filter)),
	)
	if errno != 0 {
		return fmt.Errorf("having calls answered by the parent: %w", errno)
	}
	if err := unix.Sendmsg(socket, []byte{0}, unix.UnixRights(int(listener)), nil, 0); err != nil {
		return fmt.Errorf("handing the calls to the parent: %w", err)
	}
	return unix.Close(int(listener))
}

// mount stands for a network mount as a child process sees it: while it hangs, calls for what is below its directory do
// not return.
type mount struct {
	t        *testing.T
	dir      string
	child    *exec.Cmd
	in       io.WriteCloser
	out      *json.Decoder
	listener int

	mu   sync.Mutex
	hung bool
	held []uint64
	// asked is how many calls for each path hang.
	asked map[string]int
}

// call is the kernel's struct seccomp_notif, and ruling its struct seccomp_notif_resp.
type (
	call struct {
		id           uint64
		pid, flags   uint32
		number, arch uint32
		instruction  uint64
		args         [6]uint64
	}
	ruling struct {
		id    uint64
		value int64
		errno int32
		flags uint32
	}
)

// newMount starts a child process that evaluates a configuration.
func newMount(t *testing.T, dir, configuration string) *mount {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(path, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &mount{t: t, dir: dir, child: exec.Command(os.Args[0])}
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	theirs := os.NewFile(uintptr(ends[1]), "socket")
	m.child.ExtraFiles, m.child.Env, m.child.Stderr = []*os.File{
		theirs,
	}, append(
		os.Environ(),
		watchedVariable+"="+path,
	), os.Stderr
	if m.in, err = m.child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := m.child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.out = json.NewDecoder(out)
	if err := m.child.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	var serving sync.WaitGroup
	t.Cleanup(func() { _ = m.child.Process.Kill(); _ = m.child.Wait(); serving.Wait() })
	m.listener = receiveFile(t, ends[0])
	serving.Go(m.serve)
	return m
}

func receiveFile(t *testing.T, socket int) int {
	t.Helper()
	defer unix.Close(socket)
	rights := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, make([]byte, 1), rights, 0)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := unix.ParseSocketControlMessage(rights[:n])
	if err != nil || len(messages) != 1 {
		t.Fatal("the child process could not have its calls answered here", err)
	}
	files, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		t.Fatal(err)
	}
	return files[0]
}

// serve answers the child's calls until it has ended.
func (m *mount) serve() {
	defer unix.Close(m.listener)
	for {
		ready := []unix.PollFd{{Fd: int32(m.listener), Events: unix.POLLIN}} //nolint:gosec // a file descriptor
		if _, err := unix.Poll(ready, -1); err != nil && err != unix.EINTR ||
			ready[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0 {
			return
		}
		if ready[0].Revents&unix.POLLIN == 0 {
			continue
		}
		var c call
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(m.listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&c))); errno != 0 {
			continue // the call was given up
		}
		path := make([]byte, unix.PathMax)
		if memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", c.pid)); err == nil {
			n, _ := memory.ReadAt(path, int64(c.args[1])) //nolint:gosec // an address
			memory.Close()
			path, _, _ = bytes.Cut(path[:n], []byte{0})
		}
		m.mu.Lock()
		if m.hung && strings.HasPrefix(string(path), m.dir) {
			m.held = append(m.held, c.id)
			m.asked[string(path)]++
		} else {
			m.letGo(c.id)
		}
		m.mu.Unlock()
	}
}

// letGo lets the kernel do what was asked.
func (m *mount) letGo(id uint64) {
	r := ruling{id: id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	_, _, _ = unix.Syscall(
		unix.SYS_IOCTL,
		uintptr(m.listener),
		unix.SECCOMP_IOCTL_NOTIF_SEND,
		uintptr(unsafe.Pointer(&r)),
	)
}

func (m *mount) hang(hung bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range m.held {
		m.letGo(id)
	}
	m.hung, m.held, m.asked = hung, nil, map[string]int{}
}

// calls returns how many of the child's calls hang, for each path.
func (m *mount) calls() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.asked)
}

// end lets the child end, which looks for what its evaluations have left.
func (m *mount) end() {
	m.t.Helper()
	if err := m.in.Close(); err != nil {
		m.t.Fatal(err)
	}
	if err := m.child.Wait(); err != nil {
		m.t.Errorf("the process that evaluated: %v", err)
	}
}

// state asks the child.
func (m *mount) state() watchedAnswer {
	m.t.Helper()
	var a watchedAnswer
	if _, err := io.WriteString(m.in, "\n"); err != nil {
		m.t.Fatal(err)
	}
	if err := m.out.Decode(&a); err != nil {
		m.t.Fatal(err)
	}
	return a
}

// eventually waits for a state. It asks seldom: an answer is about all preconditions, and to write and read it takes both
// processes longer than an evaluation of most of them.
func (m *mount) eventually(what string, is func(watchedAnswer) bool) {
	m.t.Helper()
	eventually(m.t, what, func() bool {
		if is(m.state()) {
			return true
		}
		time.Sleep(200 * time.Millisecond)
		return false
	})
}

func (a watchedAnswer) precondition(migration, id string) report.PreconditionReadiness {
	for _, m := range a.Migrations {
		i := slices.IndexFunc(m.Preconditions, func(p report.PreconditionReadiness) bool { return p.ID == id })
		if m.Name == migration && i >= 0 {
			return m.Preconditions[i]
		}
	}
	return report.PreconditionReadiness{}
}

// yaml is the configuration of a shop, with its password in a file.
func (s *shop) yaml(name, secret, more string) string {
	d1, d2 := s.Migration.Magento1.Database, s.Migration.Magento2.Database
	return fmt.Sprintf(`  - name: %s
    magento1: {root: %q, database: {host: 127.0.0.1, port: %d, name: %s, user: %s, password_file: %q}}
    magento2: {root: %q, database: {host: 127.0.0.1, port: %d, name: %s, user: %s, password_file: %q}}
%s`, name, s.Migration.Magento1.Root, d1.Port, d1.Name, d1.User, secret, s.Migration.Magento2.Root, d2.Port, d2.Name, d2.User, secret, more)
}

// hungMount is what is on a mount, and what its hanging does.
type hungMount struct {
	backups, tool, root, secrets bool
	hangs                        map[string]string
	goOn                         []string
	// readers is how many read the same file on their own.
	readers int
}

// TestFaultsOfAHungMount lets a network mount hang below the paths of one migration, and sees that the other
// preconditions and the other migration go on, that nothing piles up, and that all is well again when the mount
// answers.
func TestFaultsOfAHungMount(t *testing.T) {
	t.Parallel()
	meetHungMounts(t, map[string]hungMount{
		"magento2.root": {
			root: true, hangs: map[string]string{"migration_tool": "file system"},
			// Of the tool's folder: migration_tool, its forecast, two each of the delta and of migration_run, and what
			// privileges and binlog_trust read of the delta's tables.
			readers: 8,
			goOn:    []string{"network", "m2_entities"},
		},
		"password_file": {
			secrets: true, hangs: map[string]string{"network": "ls there hangs too", "privileges": "does not answer"},
			goOn: []string{"topology"}, readers: 2,
		},
	})
}

func meetHungMounts(t *testing.T, mounts map[string]hungMount) {
	t.Helper()
	for name, tc := range mounts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.test(t, tc.start(t))
		})
	}
}

// start makes a migration of which something is on the mount, and a healthy one, and evaluates both.
func (tc hungMount) start(t *testing.T) *mount {
	t.Helper()
	// This machine's own crontabs and units are many files, each of which the child asks for.
	const cron = "cron_stopped: {crontabs: [], processes: false}"
	const settings = "    preconditions: {backup: {paths: [%q]}, " + cron +
		", topology: {magento1: {web: 1}, magento2: {web: 1}}}\n    migration_tool: {config: %q}\n"
	s := newShop(t)
	_, root := s.WithRoots()
	dead, alive := t.TempDir(), t.TempDir()
	place := func(onMount bool, name string) string {
		if onMount {
			return filepath.Join(dead, name)
		}
		return filepath.Join(alive, name)
	}
	backups, tool, secret := place(tc.backups, "m2.sql"), place(tc.tool, "config.xml"), place(tc.secrets, "password")
	s.Dump(backups, s.DB2, false)
	s.write(tool, s.ConfigXML(nil))
	s.write(secret, shoptest.Password)
	if tc.root {
		dead = root
	}
	healthy := newShop(t)
	healthy.WithRoots()
	healthySecret := filepath.Join(t.TempDir(), "password")
	healthy.write(healthySecret, shoptest.Password)
	return newMount(t, dead, "global: {evaluation_interval: 2s, evaluation_timeout: 8s}\nmigrations:\n"+
		s.yaml("acme", secret, fmt.Sprintf(settings, backups, tool))+healthy.yaml("other", healthySecret, "    preconditions: {"+cron+"}\n"))
}

func (tc hungMount) test(t *testing.T, m *mount) {
	t.Cleanup(func() {
		if t.Failed() {
			m.show()
		}
	})
	m.eventually("all is well", tc.well)
	m.hang(true)
	m.eventually("what needs the mount is unknown and says why", tc.hung)
	for range 3 {
		now := time.Now()
		m.eventually("the others are evaluated again and again", func(a watchedAnswer) bool {
			return tc.goesOn(a, now) && a.precondition("other", "network").EvaluatedAt.After(now)
		})
	}
	calls := m.calls()
	t.Logf("calls that hang: %v", calls)
	if len(calls) == 0 {
		t.Error("no call hangs: the test shows nothing")
	}
	for path, n := range calls {
		if n > tc.readers {
			t.Errorf("%d calls for %s hang, want at most %d however often it is evaluated", n, path, tc.readers)
		}
	}
	m.hang(false)
	m.eventually("all is well again", tc.well)
	m.end()
}

func (tc hungMount) well(a watchedAnswer) bool {
	return a.precondition("other", "network").Status == finding.Pass && !slices.ContainsFunc(append(slices.Clone(tc.goOn), "network", "backup", "migration_tool"),
		func(id string) bool { return a.precondition("acme", id).Status != finding.Pass })
}

// hung reports whether each precondition that needs the mount is unknown and says why.
func (tc hungMount) hung(a watchedAnswer) bool {
	for id, word := range tc.hangs {
		p := a.precondition("acme", id)
		if p.Status != finding.Unknown || !slices.ContainsFunc(p.Findings, func(f finding.Finding) bool {
			return f.Status == finding.Unknown && strings.Contains(f.Summary+f.Evidence+f.Remedy, word) &&
				f.Remedy != ""
		}) {
			return false
		}
	}
	return true
}

// goesOn reports whether all that needs nothing on the mount passes, in an evaluation that ended after a time.
func (tc hungMount) goesOn(a watchedAnswer, since time.Time) bool {
	return !slices.ContainsFunc(tc.goOn, func(id string) bool {
		p := a.precondition("acme", id)
		return p.Status != finding.Pass || !p.EvaluatedAt.After(since)
	})
}

// show logs what the child says of the migration.
func (m *mount) show() {
	if m.child.ProcessState != nil {
		return
	}
	for _, p := range m.state().Migrations[0].Preconditions {
		m.t.Logf("%s is %s since %v: %.1000s", p.ID, p.Status, p.EvaluatedAt, fmt.Sprintf("%+v", p.Findings))
	}
}
