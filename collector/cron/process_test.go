package cron

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stub is a bin/magento that runs until its standard input ends.
const stub = "#!/bin/sh\nread line\n"

// processHost is a host whose Magentos run until they are stopped, and a php that can run them.
func processHost(t *testing.T) host {
	t.Helper()
	h := newHost(t)
	for _, name := range []string{"home/shop/www/bin/magento", "srv/other/bin/magento", "srv/old/cron.sh",
		"home/shop/www/pub/cron.php", "home/shop/www/n98-magerun2.phar"} {
		if err := os.Chmod(h.write(t, name, stub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	h.symlink(t, "{ROOT}", "current")
	h.symlink(t, "{ROOT}/bin/magento", "local/magento")
	sh, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	h.symlink(t, sh, "bin/php8.2")
	return h
}

// start runs a program in a directory until the test ends or the returned function is called.
func (h host) start(t *testing.T, dir string, args ...string) (pid int, stop func()) {
	t.Helper()
	for i, arg := range args {
		args[i] = h.fill(arg)
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir = h.fill(dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = stdin.Close()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(stop)
	return cmd.Process.Pid, stop
}

// processesOf looks until as many processes are seen as are wanted, because a process that was started takes a moment
// to become its program.
func (h host) processesOf(t *testing.T, wanted int) Evidence {
	t.Helper()
	o := h.options()
	o.Processes = true
	var e Evidence
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if e = Look(t.Context(), o); len(e.Processes) == wanted {
			break
		}
	}
	return e
}

// TestProcesses starts real processes, sees them, stops them, and does not see them any more.
func TestProcesses(t *testing.T) {
	t.Parallel()
	const ours = "magento2 certain "
	for _, test := range []struct {
		name, dir string
		args      []string
		want      string
	}{
		{
			"by its path", "/", []string{"/bin/sh", "{ROOT}/bin/magento", "cron:run"},
			ours + "cron:run|/home/shop/www/bin/magento cron:run",
		},
		{
			"by the kernel", "/", []string{"{ROOT}/bin/magento", "setup:cron:run"},
			ours + "setup:cron:run|/home/shop/www/bin/magento setup:cron:run",
		},
		{
			"in its directory", "{ROOT}", []string{"{DIR}/bin/php8.2", "-f", "bin/magento", "--",
				"queue:consumers:start", "async.operations.all", "--password=s3cret"},
			ours + "queue:consumers:start|/home/shop/www/bin/magento queue:consumers:start async.operations.all",
		},
		{
			"as Magento starts groups", "/", []string{"{DIR}/bin/php8.2", "{ROOT}/bin/magento", "cron:run",
				"--group=index", "--bootstrap=standaloneProcessStarted=1"},
			ours + "cron:run|/home/shop/www/bin/magento cron:run",
		},
		{
			"through a link", "/", []string{"/bin/sh", "{DIR}/current/bin/magento", "cron:run"},
			ours + "cron:run|/current/bin/magento cron:run",
		},
		{
			"in a linked directory", "{DIR}/current/pub", []string{"/bin/sh", "../bin/magento", "cron:run"},
			ours + "cron:run|/home/shop/www/bin/magento cron:run",
		},
		{
			"pub/cron.php", "{ROOT}/pub", []string{"/bin/sh", "./cron.php"},
			ours + "pub/cron.php|/home/shop/www/pub/cron.php",
		},
		{
			"magerun", "{ROOT}", []string{"/bin/sh", "n98-magerun2.phar", "sys:cron:run", "x"},
			ours + "sys:cron:run|/home/shop/www/n98-magerun2.phar sys:cron:run",
		},
		{"Magento 1", "/", []string{"/bin/sh", "{OLD}/cron.sh"}, "magento1 certain cron.sh|/srv/old/cron.sh"},
		{"another root", "/", []string{"/bin/sh", "{OTHER}/bin/magento", "cron:run"}, ""},
		{"another root's directory", "{OTHER}", []string{"/bin/sh", "bin/magento", "cron:run"}, ""},
		{"another command", "{ROOT}", []string{"/bin/sh", "bin/magento", "cache:flush"}, ""},
		{
			"a shell that waits for it", "{ROOT}", []string{"/bin/sh", "-c", "read line; :", "bin/magento",
				"cron:run"}, "",
		},
		{
			"somebody who edits it", "/", []string{"/usr/bin/env", "-S", "cat", "-", "{ROOT}/bin/magento",
				"{ROOT}/bin/magento"}, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := processHost(t)
			wanted := 0
			if test.want != "" {
				wanted = 1
			}
			before := time.Now()
			pid, stop := h.start(t, test.dir, test.args...)
			awaitCommand(t, pid, test.args[len(test.args)-1])
			e := h.processesOf(t, wanted)
			got := ""
			for _, p := range e.Processes {
				got = fmt.Sprintf("%s %s %s|%s", p.System, p.Certainty, p.Kind, strings.ReplaceAll(p.Text, h.dir, ""))
				// The kernel counts from the machine's start, which it knows to the second.
				if p.PID != pid || p.Remedy != "stop what starts it, then kill "+strconv.Itoa(pid) || p.User == "" ||
					p.Since.Before(before.Add(-time.Minute)) || p.Since.After(time.Now().Add(time.Minute)) {
					t.Errorf("%+v, but its number is %d and it started at %s", p, pid, before)
				}
			}
			if got != test.want || len(e.Processes) != wanted {
				t.Errorf("got %s, want %s: %+v", got, test.want, e)
			}
			if strings.Contains(fmt.Sprintf("%+v", e), "s3cret") {
				t.Errorf("a secret shows in %+v", e)
			}
			stop()
			if e := h.processesOf(t, 0); len(e.Processes) > 0 {
				t.Errorf("still there after its end: %+v", e.Processes)
			}
		})
	}
}

// namespaceCommand begins a command that gets a mount namespace of its own; nil where the kernel lets nobody here have
// one.
func namespaceCommand(t *testing.T) []string {
	t.Helper()
	for _, args := range [][]string{{"unshare", "--mount"}, {"unshare", "--mount", "--map-root-user"}} {
		if exec.CommandContext(t.Context(), args[0], append(args[1:], "/bin/sh", "-c",
			"mount -t tmpfs none /mnt")...).Run() == nil {
			return args
		}
	}
	return nil
}

// TestMountNamespaces starts processes that see other files at the same path, and the same files at another path.
// TestProcessTables has the same cases for hosts that allow no namespaces.
func TestMountNamespaces(t *testing.T) {
	t.Parallel()
	command := namespaceCommand(t)
	if command == nil {
		t.Log("no mount namespaces here: TestProcessTables alone has these cases")
		return
	}
	for _, test := range []struct {
		name, script string
		want         int
	}{
		{"same files at the same path", "exec /bin/sh {ROOT}/bin/magento cron:run", 1},
		{"same files at another path", "mount --bind {ROOT} {DIR}/mnt; exec /bin/sh {DIR}/mnt/bin/magento cron:run", 1},
		{
			"same files at another path, in their directory",
			"mount --bind {ROOT} {DIR}/mnt; cd {DIR}/mnt; exec /bin/sh bin/magento cron:run", 1,
		},
		{"link to the script", "exec /bin/sh {DIR}/local/magento cron:run", 1},
		{"other files at another path", "exec /bin/sh {OTHER}/bin/magento cron:run", 0},
		{"other files at the same path", "mount --bind {OTHER} {ROOT}; exec /bin/sh {ROOT}/bin/magento cron:run", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := processHost(t)
			h.write(t, "mnt/x", "")
			pid, stop := h.start(t, "/", append(slices.Clone(command), "/bin/sh", "-ec", test.script)...)
			awaitCommand(t, pid, "cron:run")
			e := h.processesOf(t, test.want)
			if len(e.Processes) != test.want {
				t.Fatalf("found %+v", e)
			}
			for _, p := range e.Processes {
				if p.Certainty != Certain || p.PID != pid || !strings.Contains(p.Note, "mount namespace") {
					t.Errorf("%+v", p)
				}
			}
			stop()
			if e := h.processesOf(t, 0); len(e.Processes) > 0 {
				t.Errorf("still there after its end: %+v", e.Processes)
			}
		})
	}
}

// awaitCommand waits until a process has become the program with that last argument.
func awaitCommand(t *testing.T, pid int, last string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.HasSuffix(string(line), "\x00"+last+"\x00") {
			return
		}
	}
	t.Fatalf("process %d has not become %s", pid, last)
}

// table writes a process table with one process per command line, the first of which is the exporter.
func (h host) table(t *testing.T, commands map[int]string) string {
	t.Helper()
	root := filepath.Join(h.dir, "proc")
	h.write(t, "proc/stat", "btime 1700000000\n")
	h.symlink(t, "100", "proc/self")
	for pid, command := range commands {
		dir := "proc/" + strconv.Itoa(pid) + "/"
		parent := 1
		if pid == 1 {
			parent = 0
		}
		h.write(t, dir+"cmdline", strings.ReplaceAll(command, " ", "\x00")+"\x00")
		h.write(t, dir+"stat", fmt.Sprintf("%d (a b) c) S %d%s", pid, parent, strings.Repeat(" 100", 48)))
		h.write(t, dir+"status", "Uid:\t0\t12345\t0\t0\n")
		h.symlink(t, "{ROOT}", dir+"cwd")
		h.symlink(t, "/", dir+"root")
		h.symlink(t, "mnt:[1]", dir+"ns/mnt")
	}
	return root
}

func TestProcessTables(t *testing.T) {
	t.Parallel()
	const exporter = "/usr/bin/exporter"
	for _, test := range []struct {
		name     string
		commands map[int]string
		change   func(t *testing.T, h host, root string)
		// want are the processes, problem must be in the only problem.
		want, problem string
	}{
		{
			"relative to the working directory", map[int]string{1: "init", 100: exporter,
				7: "php8.2 -d x=1 bin/magento cron:run"}, nil, "7 12345 certain", "",
		},
		{"a title of its own", map[int]string{1: "init", 100: exporter, 7: ""}, func(t *testing.T, h host, _ string) {
			h.write(t, "proc/7/cmdline", "php bin/magento queue:consumers:start x\x00\x00\x00\x00")
		}, "7 12345 certain", ""},
		{"a kernel thread and a process that ended", map[int]string{1: "init", 100: exporter, 2: "", 7: "x"},
			func(t *testing.T, h host, root string) {
				h.write(t, "proc/2/cmdline", "")
				if err := os.Remove(filepath.Join(root, "7/cmdline")); err != nil {
					t.Fatal(err)
				}
			}, "", ""},
		{"a process that ends while it is looked at", map[int]string{1: "init", 100: exporter,
			7: "php bin/magento cron:run", 8: "php {ROOT}/bin/magento cron:run"}, func(t *testing.T, _ host, root string) {
			replaceLink(t, filepath.Join(root, "8/ns/mnt"), "mnt:[2]")
			for _, name := range []string{"7/cwd", "7/root", "8/cwd", "8/root"} {
				if err := os.Remove(filepath.Join(root, name)); err != nil {
					t.Fatal(err)
				}
			}
		}, "", ""},
		{"a deleted directory", map[int]string{1: "init", 100: exporter, 7: "php bin/magento cron:run"},
			func(t *testing.T, h host, root string) {
				replaceLink(t, filepath.Join(root, "7/cwd"), h.magento2+" (deleted)")
			}, "7 12345 certain", ""},
		{"another namespace that cannot be looked into", map[int]string{1: "init", 100: exporter,
			7: "php {ROOT}/bin/magento cron:run"}, func(t *testing.T, _ host, root string) {
			replaceLink(t, filepath.Join(root, "7/ns/mnt"), "mnt:[2]")
			replaceLink(t, filepath.Join(root, "7/root"), "/nonexistent")
		}, "7 12345 possible", ""},
		{"a container with the same files at another path", map[int]string{1: "init", 100: exporter,
			7: "php /app/bin/magento cron:run"}, func(t *testing.T, h host, root string) {
			h.symlink(t, "{ROOT}", "container/app")
			replaceLink(t, filepath.Join(root, "7/ns/mnt"), "mnt:[2]")
			replaceLink(t, filepath.Join(root, "7/root"), filepath.Join(h.dir, "container"))
		}, "7 12345 certain", ""},
		{"a container with other files at the same path", map[int]string{1: "init", 100: exporter,
			7: "php {ROOT}/bin/magento cron:run"}, func(t *testing.T, h host, root string) {
			h.symlink(t, "{OTHER}", "container"+h.magento2)
			replaceLink(t, filepath.Join(root, "7/ns/mnt"), "mnt:[2]")
			replaceLink(t, filepath.Join(root, "7/root"), filepath.Join(h.dir, "container"))
		}, "", ""},
		{
			"hidden processes", map[int]string{100: exporter, 7: "php {OTHER}/bin/magento cron:run"}, nil, "",
			"it hides other users' processes",
		},
		{
			"alone in a container", map[int]string{1: "/sbin/tini", 100: exporter}, nil, "",
			"nothing but the exporter itself",
		},
		{"no self", map[int]string{1: "init", 7: "php {ROOT}/bin/magento cron:run"}, func(t *testing.T, _ host,
			root string) {
			if err := os.Remove(filepath.Join(root, "self")); err != nil {
				t.Fatal(err)
			}
		}, "7 12345 certain", ""},
		{"no process table", nil, func(t *testing.T, _ host, root string) {
			if err := os.RemoveAll(root); err != nil {
				t.Fatal(err)
			}
		}, "", "cannot be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := processHost(t)
			root := h.table(t, test.commands)
			if test.change != nil {
				test.change(t, h, root)
			}
			o := h.options()
			o.Processes, o.ProcRoot = true, root
			e := Look(t.Context(), o)
			var got []string
			for _, p := range e.Processes {
				got = append(got, fmt.Sprintf("%d %s %s", p.PID, p.User, p.Certainty))
				if want := time.Unix(1700000001, 0).UTC(); !p.Since.Equal(want) {
					t.Errorf("since %s, want %s", p.Since, want)
				}
			}
			if strings.Join(got, "\n") != test.want {
				t.Errorf("got %q, want %s", got, test.want)
			}
			if len(e.Problems) > 1 || (test.problem == "") != (len(e.Problems) == 0) || len(e.Problems) == 1 &&
				(!strings.Contains(e.Problems[0].Text, test.problem) || e.Problems[0].Remedy == "") {
				t.Errorf("problems %+v, want %q", e.Problems, test.problem)
			}
		})
	}
}

// TestProcessesUnreadable looks at a table as a user who may not read what other users' processes are.
func TestProcessesUnreadable(t *testing.T) {
	t.Parallel()
	h := processHost(t)
	root := h.table(t, map[int]string{1: "init", 100: "/usr/bin/exporter", 7: "php bin/magento cron:run",
		8: "php bin/magento cron:run"})
	modes := map[string]os.FileMode{"7/cmdline": 0, "8/cmdline": 0o644, "8": 0o755, "8/stat": 0o644, "8/status": 0o644,
		"1/cmdline": 0o644, "1/stat": 0o644, "100/cmdline": 0o644, "100/stat": 0o644, "stat": 0o644}
	for name, mode := range modes {
		if err := os.Chmod(filepath.Join(root, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	for dir := h.dir; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	o := h.options()
	o.Processes, o.ProcRoot = true, root
	var e Evidence
	asNobody(t, func() { e = Look(t.Context(), o) })
	if len(e.Processes) != 1 || e.Processes[0].PID != 8 {
		t.Errorf("processes %+v", e.Processes)
	}
	if len(e.Problems) != 1 || !strings.Contains(e.Problems[0].Text, "1 processes do not show their command line") {
		t.Errorf("problems %+v", e.Problems)
	}
}

// TestUnreadableDirectory sees a process whose working directory only its own user may know.
func TestUnreadableDirectory(t *testing.T) {
	t.Parallel()
	h := processHost(t)
	root := h.table(t, map[int]string{1: "init", 100: "/usr/bin/exporter", 7: "php bin/magento cron:run",
		8: "php {ROOT}/bin/magento cron:run"})
	// What the kernel refuses is made by a directory that is none.
	for _, name := range []string{"7/cwd", "7/ns/mnt", "8/cwd", "8/ns/mnt"} {
		if err := os.Remove(filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := h.options()
	o.Processes, o.ProcRoot = true, root
	e := Look(t.Context(), o)
	slices.SortFunc(e.Processes, func(a, b Process) int { return a.PID - b.PID })
	if len(e.Processes) != 2 || e.Processes[0].Certainty != Possible || !strings.Contains(e.Processes[0].Note,
		"CAP_SYS_PTRACE") || e.Processes[1].Certainty != Certain {
		t.Errorf("%+v", e)
	}
}

func replaceLink(t *testing.T, path, target string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}
