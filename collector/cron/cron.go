// Package cron finds what starts Magento's cron: lines of crontabs, systemd units, supervisor programs and running
// processes of this host, the scripts and programs that they start, and the definitions of what containers, clusters
// and clouds run. It reads files and /proc only, and runs nothing; what cron has left in the database is looked at
// elsewhere.
package cron

import (
	"context"
	"fmt"
	"slices"

	"magento_migration_exporter/collector/finding"
)

// Kind says which way into Magento's cron something is, in Magento's own words.
type Kind string

// The ways. Only CronRun heeds cron.enabled in env.php: the others run whatever it says.
const (
	CronRun      Kind = "cron:run"
	SetupCronRun Kind = "setup:cron:run"
	UpdateCron   Kind = "update/cron.php"
	PubCron      Kind = "pub/cron.php"
	Consumers    Kind = "queue:consumers:start"
	// MagerunCron runs single jobs, of Magento 1 or 2.
	MagerunCron Kind = "sys:cron:run"
	// Magento1Cron is Magento 1's cron.sh and cron.php, and Aoe_Scheduler's scheduler_cron.sh.
	Magento1Cron Kind = "cron.sh"
)

// Certainty says how sure it is that something belongs to the root that was asked about.
type Certainty string

const (
	// Certain means that a path, a working directory or Magento's own marker ties it to the root.
	Certain Certainty = "certain"
	// Possible means that it is not known: it can be another Magento's, because it runs in a container, through HTTP or
	// from a directory that is not known, or what starts it is a program whose working cannot be decided, or a
	// definition that need not be in use.
	Possible Certainty = "possible"
)

// Entry is something that starts Magento's cron at its time.
type Entry struct {
	// File and Line (from 1) are where it is written.
	File string
	Line int
	// Schedule is as it is written: "*/5 * * * *", "@hourly", "OnCalendar=minutely"; empty for what runs all the time.
	Schedule string
	// User is who it runs as; empty when the file does not say.
	User      string
	Kind      Kind
	System    finding.System
	Certainty Certainty
	// Dormant is why it does not run although it is there; empty when it is armed.
	Dormant string
	// Text is the recognised part of the command alone: command lines can hold passwords.
	Text string
	// Note is what else to know; may be empty.
	Note string
	// CronEnabled is what the command's environment says in MAGENTO_DC_CRON__ENABLED, which newer releases heed instead
	// of env.php; empty where it says nothing, "?" where that is not known.
	CronEnabled string
	// Remedy is how to stop it.
	Remedy string
}

// Armed reports whether it will run.
func (e Entry) Armed() bool { return e.Dormant == "" }

// Problem is something that could not be looked at, so that "nothing was found" does not mean that there is nothing.
type Problem struct {
	// Path is the file, directory, pattern or process table.
	Path string
	// Text says why not, Remedy what to do about it.
	Text, Remedy string
}

// String writes the path and what is wrong with it.
func (p Problem) String() string { return p.Path + ": " + p.Text }

// Evidence is what one look found.
type Evidence struct {
	Entries   []Entry
	Processes []Process
	Problems  []Problem
	// Looked names what was read, for people who wonder why something was not found.
	Looked []string
	// Overlooked names programs that are started and were not looked into, and why.
	Overlooked []string
}

// Armed returns the entries that certainly start that system's cron.
func (e *Evidence) Armed(s finding.System) []Entry {
	var armed []Entry
	for _, entry := range e.Entries {
		if entry.System == s && entry.Certainty == Certain && entry.Armed() {
			armed = append(armed, entry)
		}
	}
	return armed
}

// Running returns the processes that certainly are that system's.
func (e *Evidence) Running(s finding.System) []Process {
	var running []Process
	for _, p := range e.Processes {
		if p.System == s && p.Certainty == Certain {
			running = append(running, p)
		}
	}
	return running
}

// Options say what to look for and where.
type Options struct {
	// Magento2Root and Magento1Root are the installations' root directories on this host; an empty one is not looked
	// for.
	Magento2Root, Magento1Root string
	// Crontabs are files, directories and patterns as path/filepath.Match has them, of crontabs, systemd units
	// (*.timer, *.service, or a directory of them), supervisor's and Ofelia's configuration (*.conf, *.ini), and
	// Kubernetes manifests, Compose files and other definitions (*.yaml, *.yml, *.json). Nil means the usual places,
	// empty means nowhere. Unless it is empty, definitions in the roots are read too.
	Crontabs []string
	// Processes says whether to look at running processes, ProcRoot where /proc is mounted when it is not there.
	Processes bool
	ProcRoot  string
}

// The most that is reported, so that somebody else's crontab cannot fill this program's memory.
const (
	maxEntries  = 1000
	maxProblems = 100
	maxLooked   = 1000
)

// Look finds what starts the cron of the roots. It reads again at each call and keeps nothing. What it cannot see is in
// Problems, also when ctx ends before everything was seen.
func Look(ctx context.Context, o Options) Evidence {
	l := newLook(o, "/etc/passwd")
	places := o.Crontabs
	if places == nil {
		places = usualPlaces("/", l.ownerHome())
	}
	l.files(ctx, places)
	if len(places) > 0 {
		l.rootDefinitions(ctx)
	}
	if o.Processes {
		procRoot := o.ProcRoot
		if procRoot == "" {
			procRoot = "/proc"
		}
		l.processes(ctx, procRoot)
	}
	if err := ctx.Err(); err != nil {
		l.problem("", "looking for cron was ended before everything was seen: "+err.Error(), "raise evaluation_timeout")
	}
	return l.evidence
}

// look is one call of Look.
type look struct {
	sites    []site
	accounts accounts
	evidence Evidence
	// usual says that the usual places are looked at, of which most hosts have only some.
	usual bool
	// seen are the files that were read, by their resolved path: /lib is often a link to /usr/lib. inodes are the same
	// files as a container sees them, to which a host's files are often mounted.
	seen   map[string]bool
	inodes map[inode]bool
	// scripts and scriptBytes say how much may still be read of scripts, steps how many commands of all of them.
	scripts, scriptBytes, steps int
	// programBytes is how much may still be looked through of long programs.
	programBytes int64
	// startedUnits are the units of systemd that a command starts, with where that is written; command is where the
	// command is that is being read, unitDirs are the directories in which units are looked for.
	startedUnits map[string]string
	command      string
	unitDirs     []string
	// rootEntries is how many files of a root are looked at, definitionBytes how much of them may still be read.
	rootEntries, definitionBytes int
}

func newLook(o Options, passwd string) *look {
	l := &look{
		usual: o.Crontabs == nil, seen: map[string]bool{}, inodes: map[inode]bool{},
		scripts: maxScripts, scriptBytes: maxAllScripts, steps: maxLookSteps, programBytes: maxAllPrograms,
		rootEntries: maxRootEntries, definitionBytes: maxAllDefinitions, startedUnits: map[string]string{},
	}
	var err error
	if l.accounts, err = readAccounts(passwd); err != nil {
		l.problem(passwd, "the users' home directories are not known: "+reason(err), readRemedy)
	}
	for _, s := range []site{
		{system: finding.Magento2, given: o.Magento2Root},
		{system: finding.Magento1, given: o.Magento1Root},
	} {
		if s.given != "" {
			l.sites = append(l.sites, s.resolve())
		}
	}
	return l
}

func (l *look) problem(path, text, remedy string) {
	p := Problem{Path: printable(path), Text: printable(text), Remedy: printable(remedy)}
	switch n := len(l.evidence.Problems); {
	case slices.Contains(l.evidence.Problems, p):
	case n < maxProblems:
		l.evidence.Problems = append(l.evidence.Problems, p)
	case n == maxProblems:
		l.evidence.Problems = append(l.evidence.Problems, Problem{Text: "there are more problems than these"})
	}
}

func (l *look) looked(what string) {
	if len(l.evidence.Looked) < maxLooked {
		l.evidence.Looked = append(l.evidence.Looked, printable(what))
	}
}

func (l *look) overlooked(what string) {
	if what = printable(what); len(l.evidence.Overlooked) < maxLooked &&
		!slices.Contains(l.evidence.Overlooked, what) {
		l.evidence.Overlooked = append(l.evidence.Overlooked, what)
	}
}

func (l *look) entry(e Entry) {
	if len(l.evidence.Entries) == maxEntries {
		l.problem("", fmt.Sprintf("only the first %d entries are reported", maxEntries), fewerRemedy)
		return
	}
	for _, text := range []*string{
		&e.File, &e.Schedule, &e.User, &e.Dormant, &e.Text, &e.Note, &e.Remedy, &e.CronEnabled,
	} {
		*text = printable(*text)
	}
	l.evidence.Entries = append(l.evidence.Entries, e)
}
