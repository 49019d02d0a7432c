package shoptest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// leakLimit is how long what is ending may take to end, on a machine that is busy with other things.
const leakLimit = 2 * time.Minute

// Run starts the servers, runs a package's tests and returns the exit code for os.Exit. It fails them too when they
// leave something behind.
func (s *Servers) Run(m *testing.M) (code int) {
	left, err := Watch()
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code = m.Run()
	if err := errors.Join(s.Stop(), left()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// Main runs a package's tests, and returns an exit code that also says whether they leave something behind.
func Main(m *testing.M) int {
	left, err := Watch()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := left(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// Watch notes which files this process has open. The function that it returns is for when everything has ended: it
// waits until no goroutine is left but its caller's, and no other open file, and says which are left.
func Watch() (left func() error, err error) {
	before, err := openFiles()
	return func() error {
		for deadline := time.Now().Add(leakLimit); ; time.Sleep(10 * time.Millisecond) {
			err := goleak.Find()
			if err == nil {
				err = leftOpen(before)
			}
			if err == nil || time.Now().After(deadline) {
				return err
			}
		}
	}, err
}

func leftOpen(before map[string]string) error {
	now, err := openFiles()
	if err != nil {
		return err
	}
	var left []error
	for number, what := range now {
		if before[number] != what {
			left = append(left, fmt.Errorf("file descriptor %s is still open: %s", number, what))
		}
	}
	return errors.Join(left...)
}

// openFiles returns what this process's file descriptors lead to.
func openFiles() (map[string]string, error) {
	const folder = "/proc/self/fd"
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, e := range entries {
		what, err := os.Readlink(filepath.Join(folder, e.Name()))
		switch {
		case errors.Is(err, os.ErrNotExist): // that of the listing
		case err != nil:
			return nil, err
		case strings.HasPrefix(what, "anon_inode:[event"): // the runtime's own, made when they are first needed
		default:
			files[e.Name()] = what
		}
	}
	return files, nil
}
