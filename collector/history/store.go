package history

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"magento_migration_exporter/collector/finding"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// The files in the folder of --storage.path.
const (
	fileName = "history.jsonl"
	lockName = "lock"
)

const (
	// settle is how long a change waits for those that come with it.
	settle = time.Second
	// pause is the least time between two writes.
	pause = 10 * time.Second
	// retry is when a write that failed is tried again, without a change, and refresh when one that worked is repeated:
	// the file has rates, and says when a migration was last configured.
	retry, refresh = time.Minute, 15 * time.Minute
	// drain is how long the process waits at its end for a disk that hangs.
	drain = 2 * time.Second
)

// ErrInUse is the error of a folder in which another process keeps its history.
var ErrInUse = errors.New("another process keeps its history there")

// errWritten is why a history is not written: two processes would take turns in losing each other's changes.
var errWritten = errors.New("another process has written to the file: give each process a folder of its own")

// Store keeps histories in a folder. Only one process at a time has it.
type Store struct {
	dir    string
	logger *slog.Logger
	now    func() time.Time
	lock   *os.File
	past   map[string]Migration
	header header
	// last is the writer of the file as this process knows it; empty when there is no file.
	last string
	// readOnly is why nothing is written, nil when something is.
	readOnly error
	// failed is since when writing fails, zero while it works.
	failed time.Time
	ok     atomic.Bool
	// hung says that a write has not returned at the end of the process. A second one would get in its way.
	hung bool
}

// Open takes possession of a folder, makes it when it is missing, and reads its history. What cannot be read is moved
// aside, and what cannot be written is logged; the error is about a folder that cannot be used at all. Without a
// folder the store keeps nothing.
func Open(dir string, logger *slog.Logger, now func() time.Time) (*Store, error) {
	if dir == "" {
		return &Store{}, nil
	}
	host, _ := os.Hostname()
	s := &Store{
		dir: dir, logger: logger.With("path", filepath.Join(dir, fileName)), now: now,
		past: map[string]Migration{}, header: header{Host: host, Writer: rand.Text()},
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("making the folder of --storage.path=%s: %w", dir, err)
	}
	if err := s.acquire(); err != nil {
		return nil, err
	}
	s.load()
	s.ok.Store(s.readOnly == nil)
	return s, nil
}

// acquire locks the folder for this process. A folder that cannot be written to needs no lock.
func (s *Store) acquire() error {
	path := filepath.Join(s.dir, lockName)
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		s.logger.Warn("the disk is full: only one process may use the folder, and nothing makes sure of it", "err", err)
		return nil
	}
	if err != nil {
		s.withoutWriting(fmt.Errorf("locking the folder: %w", err))
		return nil
	}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		owner, _ := io.ReadAll(io.LimitReader(lock, 256))
		_ = lock.Close()
		return fmt.Errorf("--storage.path=%s: %w (%s): give each process a folder of its own",
			s.dir, ErrInUse, strings.TrimSpace(string(owner)))
	case err != nil:
		s.logger.Warn("the file system knows no locks: only one process may use the folder", "err", err)
	}
	s.lock = lock
	if lock.Truncate(0) == nil { // who waits for the lock is told who has it, if there is room
		fmt.Fprintf(lock, "process %d on %s\n", os.Getpid(), s.header.Host)
	}
	for _, left := range leftovers(s.dir) {
		_ = os.Remove(left)
	}
	return nil
}

// leftovers are files of a process that was killed while it wrote.
func leftovers(dir string) []string {
	files, _ := filepath.Glob(filepath.Join(dir, "."+fileName+"[0-9]*"))
	return files
}

func (s *Store) withoutWriting(why error) {
	s.readOnly = why
	s.logger.Error("the history is not kept: it is only in memory, and the file stays as it is", "err", why)
}

// load reads the file, and moves aside what it cannot read.
func (s *Store) load() {
	c, err := readFile(s.dir, s.now())
	s.past, s.last = c.migrations, c.header.Writer
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case errors.Is(err, errNewer):
		s.moveAside("newer", err)
	case errors.Is(err, errBroken):
		s.moveAside("broken", err)
	case err != nil:
		s.withoutWriting(fmt.Errorf("reading the history: %w", err))
		return
	case c.unread > 0:
		s.moveAside(
			"broken",
			fmt.Errorf("%s cannot be read, the first is %s", finding.Counted(c.unread, "line", "lines"), c.damage),
		)
	}
	if host := c.header.Host; host != "" && host != s.header.Host {
		s.logger.Info("the history was written on another host and goes on here", "host", host, "here", s.header.Host)
	}
	s.logger.Info("the history was read", "migrations", len(s.past))
}

// moveAside gives the file another name, and says why. Nothing is written over a file that cannot be moved.
func (s *Store) moveAside(word string, why error) {
	path := filepath.Join(s.dir, fileName)
	aside := path + "." + word + s.now().UTC().Format("-20060102T150405.000Z")
	if s.readOnly != nil {
		s.logger.Error("the history cannot be read, or not all of it", "err", why)
		return
	}
	if err := os.Rename(path, aside); err != nil {
		s.logger.Error("the history cannot be read, or not all of it", "err", why)
		s.withoutWriting(fmt.Errorf("moving it aside: %w", err))
		return
	}
	s.last = ""
	s.logger.Error("the history cannot be read, or not all of it: the file was moved aside", "err", why,
		"to", aside, "migrations", len(s.past))
}

// Read returns the history in a folder, and changes nothing there. The warning says what could not be read. A folder
// without a history has an empty one.
func Read(dir string, now time.Time) (past map[string]Migration, warning, err error) {
	if _, err := os.ReadDir(dir); err != nil {
		return nil, nil, fmt.Errorf("--storage.path=%s: %w", dir, err)
	}
	c, err := readFile(dir, now)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c.migrations, errors.New("there is no history yet: serve writes it, with the same --storage.path"), nil
	case errors.Is(err, errNewer) || errors.Is(err, errBroken):
		return c.migrations, fmt.Errorf("the history cannot be read: %w", err), nil
	case err != nil:
		return nil, nil, fmt.Errorf("--storage.path=%s: %w", dir, err)
	case c.unread > 0:
		return c.migrations, fmt.Errorf(
			"%s of the history cannot be read, the first is %s",
			finding.Counted(c.unread, "line", "lines"),
			c.damage,
		), nil
	}
	return c.migrations, nil, nil
}

func readFile(dir string, now time.Time) (contents, error) {
	file, err := os.Open(filepath.Join(dir, fileName))
	if err != nil {
		return contents{migrations: map[string]Migration{}}, err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && !info.Mode().IsRegular() {
		return contents{migrations: map[string]Migration{}}, errBroken
	}
	return read(file, now)
}

// Past returns what was read.
func (s *Store) Past() map[string]Migration { return s.past }

// Keeps reports whether there is a folder.
func (s *Store) Keeps() bool { return s.dir != "" }

// OK reports whether the last write worked.
func (s *Store) OK() bool { return s.ok.Load() }

// Close gives the folder to the next process.
func (s *Store) Close() {
	if s.lock != nil {
		// A process that is being started has the file open, too, until it runs its program.
		_ = unix.Flock(int(s.lock.Fd()), unix.LOCK_UN)
		_ = s.lock.Close()
	}
}

// Run writes what collect returns after each change, until ctx ends, and then once more. Nobody waits for it: a disk
// that hangs holds up nothing but the history.
func (s *Store) Run(ctx context.Context, changed <-chan struct{}, collect func() []Migration) {
	if s.dir == "" {
		return
	}
	again := time.NewTimer(pause) // soon: what was moved aside has to be written again
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			if !s.hung {
				s.inBackground(ctx, collect())
			}
			return
		case <-changed:
		case <-again.C:
		}
		if !wait(ctx, settle) {
			continue
		}
		next := refresh
		if !s.inBackground(ctx, collect()) {
			next = retry
		}
		again.Reset(next)
		wait(ctx, pause)
	}
}

// wait returns false when ctx ended before the time was over.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// inBackground writes, and reports whether that worked. After the end of ctx it does not wait for long.
func (s *Store) inBackground(ctx context.Context, migrations []Migration) bool {
	done := make(chan bool, 1)
	go func() { done <- s.save(migrations) }()
	select {
	case ok := <-done:
		return ok
	case <-ctx.Done():
	}
	select {
	case ok := <-done:
		return ok
	case <-time.After(drain):
		s.hung = true
		s.logger.Error("the history was not written: the disk does not answer")
		return false
	}
}

// save writes, and logs when that begins to fail and when it works again.
func (s *Store) save(migrations []Migration) bool {
	if s.readOnly != nil {
		return true // said once, and there is nothing to try again
	}
	err := s.write(migrations)
	s.ok.Store(err == nil)
	switch {
	case err == nil && !s.failed.IsZero():
		s.logger.Info("the history is written again", "failed_since", s.failed.UTC().Format(time.RFC3339))
		s.failed = time.Time{}
	case err == nil:
	case errors.Is(err, errWritten):
		s.withoutWriting(err)
	case s.failed.IsZero():
		s.failed = s.now()
		s.logger.Error(
			"the history was not written: the file stays as it was, and the changes are in memory",
			"err",
			err,
		)
	}
	return err == nil
}

// write replaces the file, unless another process has written it.
func (s *Store) write(migrations []Migration) error {
	path := filepath.Join(s.dir, fileName)
	if found := s.writer(path); found != "" && found != s.last && found != s.header.Writer {
		return errWritten
	}
	file, err := renameio.NewPendingFile(path, renameio.WithTempDir(s.dir), renameio.WithPermissions(0o640),
		renameio.WithExistingPermissions())
	if err != nil {
		return fmt.Errorf("making a file beside it: %w", err)
	}
	defer func() { _ = file.Cleanup() }()
	if err := write(file, s.header, migrations, s.now()); err != nil {
		return fmt.Errorf("writing the file that is to replace it: %w", err)
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("replacing it: %w", err)
	}
	s.last = s.header.Writer
	return nil
}

// writer returns who wrote the file, empty when there is none.
func (s *Store) writer(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	beginning, _ := io.ReadAll(io.LimitReader(file, 4<<10))
	return headerOf(beginning).Writer
}
