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
	"strings"

	"magento_migration_exporter/collector/finding"
)

// maxUnitBytes is far above any unit file, which is a page of text.
const maxUnitBytes = 256 << 10

// unitSet is what one service manager, the system's or a user's, finds in its directories.
type unitSet struct {
	user bool
	// files holds a unit's file by its name; the first directory wins. An empty path is a masked unit.
	files map[string]string
	// dropIns holds the *.conf files of NAME.d by NAME, the first directory's of the same name.
	dropIns map[string]map[string]string
	// wanted are the units that a link in a *.wants, *.requires or *.upholds directory enables.
	wanted map[string]bool
}

// unitFiles reports the timers and services of one service manager that run Magento's cron or consumers, and returns
// how many of the directories are there. Whether a unit is enabled is shown by links, as systemctl enable makes them;
// what somebody started by hand without enabling it shows as a process, and what other units' Wants= pull in is not
// followed.
func (l *look) unitFiles(ctx context.Context, dirs []string, user bool) int {
	u := unitSet{
		user: user, files: map[string]string{}, dropIns: map[string]map[string]string{}, wanted: map[string]bool{},
	}
	found := 0
	for _, dir := range slices.Compact(dirs) {
		if ctx.Err() != nil {
			return found
		}
		resolved, err := filepath.EvalSymlinks(dir)
		if err == nil && l.seen[resolved] {
			continue // /lib is often a link to /usr/lib
		}
		l.seen[resolved] = true
		if l.unitDirectory(dir, &u) {
			found++
		}
	}
	timers := l.timers(ctx, &u)
	for _, name := range sortedKeys(u.files) {
		if ctx.Err() == nil && strings.HasSuffix(name, ".service") {
			l.service(&u, name, timers)
		}
	}
	return found
}

// unitDirectory adds what one directory holds, and reports whether it is there.
func (l *look) unitDirectory(dir string, u *unitSet) bool {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && l.usual:
		return false
	case errors.Is(err, fs.ErrNotExist):
		l.problem(dir, "there is no such directory", "correct cron_stopped.crontabs")
		return false
	case err != nil:
		l.problem(dir, reason(err), readRemedy)
		return true
	}
	l.looked(fmt.Sprintf("%s (%d units and directories)", dir, len(entries)))
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch ext := filepath.Ext(entry.Name()); ext {
		case ".timer", ".service":
			u.add(path)
			if filepath.Base(dir) == "transient" {
				u.wanted[entry.Name()] = true // it is there only while it is loaded
			}
		case ".d":
			l.dropIns(path, u)
		case ".wants", ".requires", ".upholds":
			l.wants(path, u)
		}
	}
	return true
}

// add takes a unit's file unless a directory before had one. A link to /dev/null or an empty file masks the unit; a
// link to a unit of another name is an alias.
func (u *unitSet) add(path string) {
	name := filepath.Base(path)
	if _, known := u.files[name]; known {
		return
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		resolved = path
	}
	info, err := os.Stat(resolved)
	if resolved == os.DevNull || err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		u.files[name] = ""
		return
	}
	if target := filepath.Base(resolved); target != name && filepath.Ext(target) == filepath.Ext(name) {
		return
	}
	u.files[name] = path
}

func (l *look) dropIns(dir string, u *unitSet) {
	files, err := list(dir, "*.conf")
	if err != nil {
		l.problem(dir, reason(err), readRemedy)
		return
	}
	unit := strings.TrimSuffix(filepath.Base(dir), ".d")
	if u.dropIns[unit] == nil {
		u.dropIns[unit] = map[string]string{}
	}
	for _, file := range files {
		if name := filepath.Base(file); u.dropIns[unit][name] == "" {
			u.dropIns[unit][name] = file
		}
	}
}

// wants notes the units that links in a directory enable, by the link's name and by that of what it leads to.
func (l *look) wants(dir string, u *unitSet) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.problem(dir, reason(err), readRemedy)
		return
	}
	for _, entry := range entries {
		u.wanted[entry.Name()] = true
		if target, err := filepath.EvalSymlinks(filepath.Join(dir, entry.Name())); err == nil {
			u.wanted[filepath.Base(target)] = true
		}
	}
}

// load reads a unit with its drop-ins. Those of a template hold for its instances.
func (l *look) load(u *unitSet, name string) options {
	path := u.files[name]
	if path == "" {
		return nil
	}
	template := name
	if prefix, _, ok := strings.Cut(name, "@"); ok {
		template = prefix + "@" + filepath.Ext(name)
	}
	found := l.parseUnit(path)
	dropIns := map[string]string{}
	for _, unit := range []string{template, name} {
		maps.Copy(dropIns, u.dropIns[unit])
	}
	for _, base := range sortedKeys(dropIns) {
		found = append(found, l.parseUnit(dropIns[base])...)
	}
	return found
}

func (l *look) parseUnit(path string) options {
	data, _, err := readRegular(path, maxUnitBytes)
	switch {
	case err == nil:
		return parseOptions(path, unitLines(data))
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errNotRegular):
		l.problem(path, reason(err), readRemedy)
	}
	return nil
}

// timer starts a service at its times.
type timer struct {
	name, schedule string
	armed          bool
}

// timers returns the timers by the name of the service that they start.
func (l *look) timers(ctx context.Context, u *unitSet) map[string][]timer {
	found := map[string][]timer{}
	for _, name := range sortedKeys(u.files) {
		if ctx.Err() != nil || !strings.HasSuffix(name, ".timer") || u.files[name] == "" {
			continue
		}
		settings := l.load(u, name)
		var schedule []string
		times := []string{
			"OnCalendar", "OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec",
		}
		for _, on := range settings.list("Timer", times...) {
			schedule = append(schedule, on.key+"="+on.value)
		}
		for _, instance := range u.instances(name) {
			service := strings.TrimSuffix(instance, ".timer") + ".service"
			if unit := settings.last("Timer", "Unit"); unit != "" {
				service = fillSpecifiers(unit, instance, "")
			}
			t := timer{name: instance, schedule: strings.Join(schedule, " "), armed: u.wanted[instance]}
			found[service] = append(found[service], t)
		}
	}
	return found
}

// instances returns the enabled instances of a template; a unit that is none is its own.
func (u *unitSet) instances(name string) []string {
	prefix, suffix, ok := strings.Cut(name, "@.")
	if !ok {
		return []string{name}
	}
	var found []string
	for _, wanted := range sortedKeys(u.wanted) {
		if strings.HasPrefix(wanted, prefix+"@") && strings.HasSuffix(wanted, "."+suffix) && wanted != name {
			found = append(found, wanted)
		}
	}
	return found
}

// service reports what a service starts.
func (l *look) service(u *unitSet, name string, timers map[string][]timer) {
	settings := l.load(u, name)
	commands := settings.list("Service", "ExecStartPre", "ExecStart", "ExecStartPost")
	if len(commands) == 0 {
		return
	}
	instances := u.instances(name)
	if prefix, _, ok := strings.Cut(name, "@."); ok {
		for _, started := range slices.Concat(sortedKeys(timers), sortedKeys(l.startedUnits)) {
			if strings.HasPrefix(started, prefix+"@") && !slices.Contains(instances, started) {
				instances = append(instances, started)
			}
		}
		if len(instances) == 0 {
			instances = []string{name} // nothing starts it, which is worth a word
		}
	}
	for _, instance := range instances {
		for _, command := range commands {
			l.serviceCommand(u, instance, settings, command, timers[instance])
		}
	}
}

func (l *look) serviceCommand(u *unitSet, name string, settings options, command option, timers []timer) {
	user, home := l.serviceUser(u, settings, command)
	sh := shell{dir: "/"}
	if home != "" {
		sh.assign("HOME", exportedWord(word(home)))
	}
	if u.user {
		sh.dir = home
	}
	dir := fillSpecifiers(settings.last("Service", "WorkingDirectory"), name, home)
	switch dir = strings.TrimPrefix(dir, "-"); dir {
	case "~":
		sh.dir = home
	case "":
	default:
		sh.dir = knownDirectory(dir)
	}
	for _, line := range settings.list("Service", "Environment") {
		for variable, value := range assignments(fillSpecifiers(line.value, name, home)) {
			sh.assign(variable, exportedWord(word(value)))
		}
	}
	for _, line := range settings.list("Service", "EnvironmentFile") {
		l.environmentFile(&sh, fillSpecifiers(line.value, name, home))
	}
	l.command = "" // what units start is not followed
	text := commandLine(fillSpecifiers(strings.TrimLeft(command.value, "@-:+!|"), name, home), true)
	for _, found := range l.invocations(text, stream{}, sh) {
		e := Entry{File: command.file, Line: command.line, User: user}
		u.arming(&e, name, timers)
		if by := l.startedUnits[name]; by != "" && !e.Armed() {
			e.Dormant, e.Note = "", by+" starts "+name
			e.Remedy = fmt.Sprintf("take the start of %s out of %s, and run systemctl stop %s", name, by, name)
		}
		l.entry(found.entry(e))
	}
}

// environmentFile assigns the variables of the files that a pattern names.
func (l *look) environmentFile(sh *shell, pattern string) {
	paths, err := filepath.Glob(strings.Trim(strings.TrimPrefix(pattern, "-"), `"'`))
	if err != nil || strings.Contains(pattern, unknownPart) {
		return // what its variables are is not known then
	}
	for _, path := range paths {
		data, _, err := readRegular(path, maxScriptBytes)
		if err != nil {
			continue
		}
		for _, line := range unitLines(data) {
			for variable, value := range assignments(line.text) {
				sh.assign(variable, exportedWord(word(value)))
			}
		}
	}
}

// serviceUser is who a service runs as, empty where the unit does not say, and that user's home directory.
func (l *look) serviceUser(u *unitSet, settings options, command option) (user, home string) {
	if u.user {
		if info, err := os.Stat(command.file); err == nil {
			user = l.accounts.userName(ownerOf(info))
		}
		return user, l.accounts[user].home
	}
	user = settings.last("Service", "User")
	return user, l.accounts[orUser(user, "root")].home
}

// arming says what starts a service and how to stop that.
func (u *unitSet) arming(e *Entry, name string, timers []timer) {
	var units, schedules []string
	if u.wanted[name] {
		units = append(units, name)
	}
	for _, t := range timers {
		if t.armed {
			units, schedules = append(units, t.name), append(schedules, t.schedule)
		}
	}
	e.Schedule = strings.Join(schedules, " ")
	systemctl := "systemctl"
	if u.user {
		systemctl = "as " + e.User + ": systemctl --user"
	}
	if len(units) == 0 {
		e.Dormant = "neither " + name + " nor a timer of it is enabled"
		e.Remedy = "leave it disabled, or delete " + e.File
		return
	}
	e.Note = joinNotes("systemd starts it by "+strings.Join(units, " and "), e.Note)
	e.Remedy = systemctl + " disable --now " + strings.Join(units, " ")
}

var specifier = regexp.MustCompile(`%[A-Za-z%]`)

// fillSpecifiers replaces systemd's %i and the like. One that is not known stays unknown.
func fillSpecifiers(text, unit, home string) string {
	base := strings.TrimSuffix(unit, filepath.Ext(unit))
	prefix, instance, _ := strings.Cut(base, "@")
	return specifier.ReplaceAllStringFunc(text, func(s string) string {
		switch {
		case s == "%%":
			return "%"
		case s == "%i" || s == "%I":
			return instance
		case s == "%n":
			return unit
		case s == "%N":
			return base
		case s == "%p":
			return prefix
		case s == "%h" && home != "":
			return home
		}
		return unknownPart
	})
}

// startUnits notes the services that systemctl or service starts, which need not be enabled. Of one that is not found
// here the name decides.
func (r *reader) startUnits(program string, args []word, sh shell) {
	names := skipOptions(args, flags{short: "tpHM", long: "--type --property --host --machine"})
	switch {
	case len(names) < 2 || sh.elsewhere != "" || r.look.command == "":
		return
	case program == "service":
		names = []word{names[1], names[0]}
	}
	if !hasWord("start restart try-restart reload-or-restart enable reenable", string(names[0])) {
		return
	}
	for _, w := range names[1:] {
		name := strings.TrimSuffix(w.text(), ".service")
		r.look.startedUnits[name+".service"] = r.look.command
		if init := "/etc/init.d/" + name; program == "service" && isFile(init) {
			r.script(init, names[:1], sh, "sh")
			continue
		}
		isUnit := func(dir string) bool { return isFile(filepath.Join(dir, name+".service")) }
		if cronThing.MatchString(name) && r.look.looksFor(finding.Magento2) &&
			!slices.ContainsFunc(r.look.unitDirs, isUnit) {
			r.found = append(r.found, invocation{
				kind: CronRun, system: finding.Magento2, certainty: Possible, text: name,
				note: joinNotes(sh.scriptNote(),
					"its name says that it runs Magento's cron, and the unit is not found here"),
			})
		}
	}
}
