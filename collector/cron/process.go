package cron

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"magento_migration_exporter/collector/finding"

	"github.com/prometheus/procfs"
)

// Process is a running process of Magento's cron.
type Process struct {
	PID int
	// User is its name on this host, or its number.
	User string
	// Since is when it started; zero when that could not be read.
	Since     time.Time
	Kind      Kind
	System    finding.System
	Certainty Certainty
	// Text is the script and Magento's command alone: command lines can hold passwords.
	Text string
	// Note is what else to know; may be empty.
	Note string
	// Remedy is how to stop it.
	Remedy string
}

// interpreter is what runs Magento's scripts. sudo, flock, sh -c and the like stay beside what they start, which is
// seen itself.
var interpreter = regexp.MustCompile(`^(php[0-9.]*|lsphp[0-9.]*|hhvm|frankenphp|(ba|da|a)?sh)$`)

var (
	// phpValueOption is an option of php whose value is a word of its own.
	phpValueOption = regexp.MustCompile(`^-[dcz]$`)
	// phpInline and shellInline make the next word the program itself instead of its file.
	phpInline   = regexp.MustCompile(`^-[rR]$`)
	shellInline = regexp.MustCompile(`^-[a-z]*c$`)
)

// processTable is a mounted /proc.
type processTable struct {
	root string
	fs   procfs.FS
	// mounts is this program's mount namespace; 0 when not known.
	mounts uint32
	// hidden is how many processes did not show their command line.
	hidden int
}

// processes reports the running processes of the sites' cron.
func (l *look) processes(ctx context.Context, root string) {
	table := processTable{root: root}
	var err error
	if table.fs, err = procfs.NewFS(root); err != nil {
		l.problem(root, "the process table cannot be read: "+err.Error(), processRemedy)
		return
	}
	all, err := table.fs.AllProcs()
	if err != nil {
		l.problem(root, "the process table cannot be read: "+reason(err), processRemedy)
		return
	}
	self, selfErr := table.fs.Self()
	if selfErr == nil {
		table.mounts = mountNamespace(self)
	}
	for _, p := range byPID(all) {
		if ctx.Err() != nil {
			return
		}
		if selfErr != nil || p.PID != self.PID {
			l.process(&table, p)
		}
	}
	l.looked(fmt.Sprintf("%s (%d processes)", root, len(all)))
	l.processView(&table, all, self)
}

// byPID returns the processes in the order of their ids. What sorts them as an interface, or as a type parameter, links
// every method of package procfs into the program: 2 % of it.
func byPID(all procfs.Procs) []procfs.Proc {
	at := map[int]int{}
	for i, p := range all {
		at[p.PID] = i
	}
	var sorted []procfs.Proc
	for _, pid := range slices.Sorted(maps.Keys(at)) {
		sorted = append(sorted, all[at[pid]])
	}
	return sorted
}

// processRemedy is for a process table that shows too little.
const processRemedy = "run the exporter as root or with CAP_SYS_PTRACE on the host that Magento runs on, " +
	"in a container with the host's process namespace; " +
	"or set cron_stopped.processes to false when Magento's processes do not run on this host"

// processView reports when other processes than the ones that were looked at can be running.
func (l *look) processView(t *processTable, all procfs.Procs, self procfs.Proc) {
	first, alone := false, true
	own := map[int]bool{0: true}
	for pid := self.PID; !own[pid]; {
		own[pid] = true
		if p, err := t.fs.Proc(pid); err == nil {
			if stat, err := p.Stat(); err == nil {
				pid = stat.PPID
			}
		}
	}
	for _, p := range all {
		first = first || p.PID == 1
		alone = alone && own[p.PID]
	}
	switch {
	case t.hidden > 0:
		l.problem(t.root, fmt.Sprintf("%d processes do not show their command line", t.hidden), processRemedy)
	case !first:
		l.problem(t.root, "it hides other users' processes (it is mounted with hidepid)", processRemedy)
	case alone:
		l.problem(t.root, "it shows nothing but the exporter itself, as in a container of its own", processRemedy)
	}
}

// process reports one process if it is of a site's cron. One that ends meanwhile is none.
func (l *look) process(t *processTable, p procfs.Proc) {
	args, err := p.CmdLine()
	switch {
	case errors.Is(err, fs.ErrPermission):
		t.hidden++
		return
	case err != nil:
		return
	}
	if l.daemonProcess(t, p, args) {
		return
	}
	_, isNamed := runningProgram(args, "")
	if !isNamed && !isPHP(args) {
		return
	}
	dir, dirErr := p.Cwd()
	dir = strings.TrimSuffix(dir, " (deleted)")
	program, ok := runningProgram(args, dir)
	if !ok {
		program, ok = l.runningEntry(args, dir)
	}
	if !ok {
		return
	}
	found := Process{PID: p.PID, Kind: program.kind}
	if mounts := mountNamespace(p); mounts != 0 && t.mounts != 0 && mounts != t.mounts {
		found.System, found.Certainty, found.Note, ok = l.contained(t, p, program, dir)
	} else {
		found.System, found.Certainty, ok = l.owner(program, dir)
	}
	if !ok || found.Certainty == Possible && ended(p) {
		return
	}
	if found.Certainty == Possible && dirErr != nil {
		found.Note = "its working directory cannot be read: " +
			"run the exporter as root or with CAP_SYS_PTRACE to know whose it is"
	}
	found.Text = printable(strings.TrimSpace(program.script + " " + program.text))
	found.User, found.Since = l.startOf(p)
	found.Remedy = "stop what starts it, then kill " + strconv.Itoa(p.PID)
	if len(l.evidence.Processes) == maxEntries {
		l.problem(t.root, fmt.Sprintf("only the first %d processes are reported", maxEntries), "stop them")
		return
	}
	l.evidence.Processes = append(l.evidence.Processes, found)
}

// ended reports whether a process has ended: the kernel says no more where it is. Whose it was is unknown then only
// because it ended between two looks.
func ended(p procfs.Proc) bool {
	dir, err := p.Cwd()
	return err == nil && dir == ""
}

// runningProgram finds the way into Magento's cron that a process is. Its path is complete where dir is known.
func runningProgram(args []string, dir string) (program, bool) {
	script, rest, ok := runningScript(args)
	if !ok {
		return program{}, false
	}
	if full := absolute(dir, script); full != "" {
		script = full
	}
	return namedProgram(script, rest)
}

// runningScript finds the script that an interpreter runs, or that the process is, and what follows it.
func runningScript(args []string) (script string, rest []string, ok bool) {
	if len(args) == 1 {
		args = strings.Fields(args[0]) // a title that the process has set itself
	}
	inline := phpInline
	if len(args) > 0 && isShell(filepath.Base(args[0])) {
		inline = shellInline
	}
	for i := 0; i < len(args) && i < maxArgs; i++ {
		switch arg := args[i]; {
		case i == 0 && interpreter.MatchString(filepath.Base(arg)):
		case i > 0 && inline.MatchString(arg):
			return "", nil, false
		case i > 0 && phpValueOption.MatchString(arg):
			i++
		case i > 0 && (strings.HasPrefix(arg, "-") || arg == "php-cli"):
		default:
			return arg, args[i+1 : min(len(args), i+1+maxArgs)], true
		}
	}
	return "", nil, false
}

// contained says whose a process is that has its own view of the file system: it is in a container, or it or the
// exporter is in a sandbox of systemd's. The kernel shows that view below root in the process's directory, so its root
// directory can be compared with the one that was asked for.
func (l *look) contained(
	t *processTable, p procfs.Proc, named program, dir string,
) (finding.System, Certainty, string, bool) {
	return l.containedIn(filepath.Join(t.root, strconv.Itoa(p.PID), "root"), named, dir)
}

// containedIn does so for a program in the file system that the kernel shows below view.
func (l *look) containedIn(view string, named program, dir string) (finding.System, Certainty, string, bool) {
	const note = "it runs in a container or another mount namespace"
	root := absolute(dir, named.root)
	if named.up >= 0 {
		root = above(named.script, named.up)
	}
	for _, s := range l.sites {
		if !named.isOf(s.system) {
			continue
		}
		samePath := root == s.given || root == s.resolved
		switch same, err := sameDirectory(filepath.Join(view, root), s.resolved); {
		case same:
			return s.system, Certain, note, true
		case samePath && err != nil:
			return s.system, Possible, note + ", where the same path can be another directory", true
		case samePath:
			return "", "", "", false
		}
	}
	if same, _ := sameDirectory(view, "/"); !same {
		return "", "", "", false
	}
	system, certainty, ok := l.owner(named, dir)
	return system, certainty, note, ok
}

func sameDirectory(a, b string) (bool, error) {
	one, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other), err
}

// mountNamespace identifies a process's mount namespace; 0 when it is not shown.
func mountNamespace(p procfs.Proc) uint32 {
	namespaces, err := p.Namespaces()
	if err != nil {
		return 0
	}
	return namespaces["mnt"].Inode
}

// processUser is who runs a process; empty when that cannot be read.
func (l *look) processUser(p procfs.Proc) string {
	status, err := p.NewStatus()
	if err != nil {
		return ""
	}
	return l.accounts.userName(status.UIDs[1])
}

// startOf says who runs a process and since when.
func (l *look) startOf(p procfs.Proc) (user string, since time.Time) {
	user = l.processUser(p)
	if stat, err := p.Stat(); err == nil {
		if seconds, err := stat.StartTime(); err == nil {
			since = time.UnixMilli(int64(seconds * 1000)).UTC()
		}
	}
	return user, since
}
