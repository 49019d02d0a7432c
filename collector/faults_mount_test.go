package collector_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
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

	"github.com/prometheus/common/model"
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
type watchedAnswer struct {
	Readiness  report.Readiness
	Goroutines int
}

// evaluateWatched is all that such a process does.
func evaluateWatched(path string) error {
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
	go s.Run(ctx)
	if err := s.Apply(ctx, c); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if err := json.NewEncoder(os.Stdout).Encode(watchedAnswer{report.NewReadiness("", board.Snapshot(), time.Now()), runtime.NumGoroutine()}); err != nil {
			return err
		}
	}
	return nil
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
	in       io.Writer
	out      *json.Decoder
	listener int

	mu   sync.Mutex
	hung bool
	held []uint64
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
	m.hung, m.held = hung, nil
}

// calls is how many of the child's calls hang.
func (m *mount) calls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.held)
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

func (a watchedAnswer) precondition(migration, id string) report.PreconditionReadiness {
	for _, m := range a.Readiness.Migrations {
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

const watchedInterval, watchedTimeout = 500 * time.Millisecond, 3 * time.Second

// TestFaultsOfAHungMount lets a network mount hang below the paths of one migration, and sees that the other
// preconditions and the other migration go on, that nothing piles up, and that all is well again when the mount
// answers.
func TestFaultsOfAHungMount(t *testing.T) {
	t.Parallel()
	const settings = "    preconditions: {backup: {paths: [%q]}, cron_stopped: {crontabs: [], processes: false}, topology: {magento1: {web: 1}, magento2: {web: 1}}}\n    migration_tool: {config: %q}\n"
	for name, tc := range map[string]struct {
		backups, tool, root, secrets bool // what is on the mount
		hangs                        map[string]string
		goOn                         []string
	}{
		"backups": {backups: true, hangs: map[string]string{"backup": "does not answer"}, goOn: []string{"network", "m2_installed", "cron_stopped", "privileges", "binlog_trust", "m2_entities", "migration_tool"}},
		"magento2.root": {root: true, hangs: map[string]string{"migration_tool": "file system"},
			goOn: []string{"network", "m2_entities"}},
		"config.xml": {tool: true, hangs: map[string]string{"migration_tool": "file system does not answer"},
			goOn: []string{"network", "m2_installed", "cron_stopped", "backup", "privileges", "binlog_trust", "m2_entities"}},
		"password_file": {secrets: true, hangs: map[string]string{"network": "ls there hangs too", "privileges": "does not answer"}, goOn: []string{"topology"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			_, root := s.WithRoots()
			dead, alive := t.TempDir(), t.TempDir()
			place := func(onMount bool) string {
				if onMount {
					return dead
				}
				return alive
			}
			backups, tool := filepath.Join(place(tc.backups), "m2.sql"), filepath.Join(place(tc.tool), "config.xml")
			s.Dump(backups, s.DB2, false)
			s.write(tool, s.ConfigXML(nil))
			if tc.root {
				dead = root
			}
			more := fmt.Sprintf(settings, backups, tool)
			healthy := newShop(t)
			healthy.WithRoots()
			healthySecret := filepath.Join(t.TempDir(), "password")
			healthy.write(healthySecret, shoptest.Password)
			secret := filepath.Join(place(tc.secrets), "password")
			s.write(secret, shoptest.Password)
			m := newMount(
				t,
				dead,
				fmt.Sprintf(
					"global: {evaluation_interval: %s, evaluation_timeout: %s}\nmigrations:\n%s%s",
					model.Duration(
						watchedInterval,
					),
					model.Duration(watchedTimeout),
					s.yaml("acme", secret, more),
					healthy.yaml("other", healthySecret, ""),
				),
			)
			ids := append(slices.Clone(tc.goOn), "network", "backup", "migration_tool")
			t.Cleanup(func() {
				if t.Failed() {
					for _, p := range m.state().Readiness.Migrations[0].Preconditions {
						t.Logf(
							"%s is %s since %v: %.1000s",
							p.ID,
							p.Status,
							p.EvaluatedAt,
							fmt.Sprintf("%+v", p.Findings),
						)
					}
				}
			})
			well := func() bool {
				a := m.state()
				return !slices.ContainsFunc(
					ids,
					func(id string) bool { return a.precondition("acme", id).Status != finding.Pass },
				)
			}
			eventually(t, "all is well", well)
			rest := m.state()

			m.hang(true)
			var a watchedAnswer
			eventually(t, "what needs the mount is unknown and says why", func() bool {
				a = m.state()
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
			})
			first := a
			if m.calls() == 0 {
				t.Fatal("no call hangs: the test shows nothing")
			}
			later := time.Now().Add(8 * watchedInterval)
			eventually(t, "the others are evaluated again and again", func() bool {
				a = m.state()
				for _, id := range tc.goOn {
					if p := a.precondition("acme", id); p.Status == finding.Pass && p.EvaluatedAt.Before(later) {
						return false
					}
				}
				return a.precondition("other", "network").EvaluatedAt.After(later)
			})
			for _, id := range tc.goOn {
				if p := a.precondition("acme", id); p.Status != finding.Pass {
					t.Errorf("%s is %s, it needs nothing on the mount: %+v", id, p.Status, p.Findings)
				}
			}
			t.Logf(
				"goroutines: %d at rest, %d soon after, %d later; %d calls hang",
				rest.Goroutines,
				first.Goroutines,
				a.Goroutines,
				m.calls(),
			)
			if a.Goroutines > first.Goroutines+10 || m.calls() > 12 {
				t.Errorf("goroutines pile up: %d, then %d; %d calls hang", first.Goroutines, a.Goroutines, m.calls())
			}

			m.hang(false)
			began := time.Now()
			eventually(t, "all is well again", well)
			t.Logf("well again after %s", time.Since(began))
			eventually(t, "what hung has ended", func() bool { return m.state().Goroutines <= rest.Goroutines+10 })
		})
	}
}
