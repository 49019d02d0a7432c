package history

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestKilledInTheMiddleOfWriting kills a process again and again while it has a file that is not complete.
func TestKilledInTheMiddleOfWriting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 5 {
		killWhileItWrites(t, dir)
		past, warning, err := Read(dir, time.Now())
		if err != nil || warning != nil || len(past) != manyShops {
			t.Fatalf("%d migrations, %v, %v", len(past), warning, err)
		}
		generations := map[string]bool{}
		for _, m := range past {
			for _, log := range m.Logs {
				generations[log[0].Summary] = true
			}
		}
		if len(generations) != 1 {
			t.Errorf("a file of the generations %v", generations)
		}
	}
	s, _ := opened(t, dir)
	if left := leftovers(dir); len(left) > 0 || len(s.Past()) != manyShops {
		t.Errorf("%v are left over", left)
	}
}

// killWhileItWrites starts a process that writes histories, and stops it until it stands still between a complete file
// and one that is not. So it is killed.
func killWhileItWrites(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writesInto+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var printed bytes.Buffer
	cmd.Stderr = &printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	before := leftovers(dir) // of the process that was killed before
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(3 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing is written")
		}
		var status unix.WaitStatus
		if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Wait4(cmd.Process.Pid, &status, unix.WUNTRACED, nil); err != nil || !status.Stopped() {
			t.Fatalf("it ended: %v %s", err, &printed)
		}
		_, err := os.Stat(filepath.Join(dir, fileName))
		left := slices.DeleteFunc(leftovers(dir), func(name string) bool { return slices.Contains(before, name) })
		if err == nil && len(left) > 0 {
			return
		}
		if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
}
