package cron

import (
	"bytes"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"magento_migration_exporter/collector/finding"
)

// job is one line of a crontab that starts something.
type job struct {
	line           int
	schedule, user string
	// command is what the shell gets, input what the command reads.
	command, input string
	// marker says that the line lies in one of Magento's blocks, hash is that block's.
	marker bool
	hash   string
	// dormant is why cron does not run it, note what else is odd about it.
	dormant, note string
	// odd says that the line is none that a cron accepts.
	odd bool
	// vars are the variables that are set above it; valid until the next job is asked for.
	vars map[string]string
}

// crontabFormat says what stands between schedule and command.
type crontabFormat struct {
	// system crontabs, /etc/crontab and those of /etc/cron.d, have a user there.
	system bool
	// isUser decides for crontabs in places that no cron uses; nil says that there is no user.
	isUser func(string) bool
	// copied says that it has the name of a system crontab in a place that no cron uses: the users of a copy may be
	// those of another host, and a user's own crontab may have that name.
	copied bool
	// supercronic's schedules can have two fields more, and % is nothing special.
	supercronic bool
	// anacron's lines have a period, a delay and a name before the command.
	anacron bool
}

// hasUser reports whether the word behind a schedule is a user.
func (f crontabFormat) hasUser(w string) bool {
	return f.system || f.isUser != nil && f.isUser(w)
}

var (
	markerLine = regexp.MustCompile(`^#~ MAGENTO (START|END)(?:\s+([0-9A-Fa-f]{64}|[0-9A-Fa-f]{32}))?\s*$`)
	setting    = regexp.MustCompile(`^(?:"([^"=]+)"|'([^'=]+)'|([A-Za-z_][A-Za-z0-9_]*))\s*=\s*(.*)$`)
	macro      = regexp.MustCompile(`^@[A-Za-z0-9_]+\s+`)
	fiveFields = regexp.MustCompile(`^-?(?:[0-9*][0-9*,/~-]*\s+){3}` +
		`[0-9A-Za-z*][0-9A-Za-z*,/~-]*\s+[0-9A-Za-z*][0-9A-Za-z*,/~#-]*\s+`)
	moreFields = regexp.MustCompile(`^(?:[0-9*?][0-9*?,/~LW#-]*\s+){1,2}`)
	period     = regexp.MustCompile(`^(?:\d+|@[a-z]+)\s+\d+\s+\S+\s+`)
	firstField = regexp.MustCompile(`^\S+\s+`)
	userName   = regexp.MustCompile(`^[a-z_][a-z0-9_-]*\s+$`)
	// runPartsName is what Debian's run-parts and cron accept in their directories: nothing with a dot.
	runPartsName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// maxContinued is how many lines a backslash can join.
const maxContinued = 20

const (
	noteContinuation = "a line ends with a backslash: cron joins no lines, so it takes the next one for a new line, " +
		"and Debian's cron refuses the whole file over that"
	noteCRLF      = "the line ends with a carriage return, which cron gives to the command"
	noteNoNewline = "the last line has no line feed at its end: Debian's cron ignores the whole file until it has one"
)

// jobs reads a crontab. Comments start no job, so a line that was commented out is not there. cron knows no
// continuation, but people mean one by a backslash at a line's end, so such a line is read both ways: as cron does, and
// joined with those that follow.
func jobs(data []byte, format crontabFormat) iter.Seq[job] {
	return func(yield func(job) bool) {
		lines := strings.Split(string(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))), "\n")
		last := len(lines) - 1
		c := crontab{format: format, vars: map[string]string{}}
		joinedTo := 0
		for i, line := range lines {
			j, ok := c.line(line)
			if !ok {
				continue
			}
			if j.odd && i < joinedTo {
				continue // it has been read as the end of the line above
			}
			if i == last {
				j.note = joinNotes(j.note, noteNoNewline)
			}
			if end := c.continued(&j, lines[i:]); end > 0 {
				joinedTo = max(joinedTo, i+end)
			}
			j.line = i + 1
			if !yield(j) {
				return
			}
		}
	}
}

// crontab is how far a crontab has been read.
type crontab struct {
	format crontabFormat
	marker bool
	hash   string
	vars   map[string]string
}

// line reads one line as cron does. It is no job when it is empty, a comment or a variable.
func (c *crontab) line(line string) (job, bool) {
	text := strings.TrimLeft(line, " \t")
	j := job{vars: c.vars}
	if strings.HasSuffix(text, "\r") {
		text, j.note = strings.TrimRight(text, "\r"), noteCRLF
	}
	if m := markerLine.FindStringSubmatch(text); m != nil {
		c.marker, c.hash = m[1] == "START", m[2]
		return j, false
	}
	if text == "" || text[0] == '#' || c.variable(text) {
		return j, false
	}
	j.marker, j.hash = c.marker, c.hash
	schedule := ""
	switch {
	case c.format.anacron:
		schedule = period.FindString(text)
	default:
		schedule = macro.FindString(text)
	}
	if schedule == "" && !c.format.anacron {
		schedule = fiveFields.FindString(text)
	}
	if schedule == "" {
		j.command, j.dormant, j.odd = text, "cron does not accept this line", true
		return j, true
	}
	if c.format.supercronic {
		schedule += moreFields.FindString(text[len(schedule):])
	}
	j.schedule = strings.Join(strings.Fields(strings.TrimPrefix(schedule, "-")), " ")
	j.command = text[len(schedule):]
	if field := firstField.FindString(j.command); field != "" && c.format.hasUser(strings.TrimSpace(field)) {
		j.user, j.command = strings.TrimSpace(field), j.command[len(field):]
	}
	if !c.format.supercronic {
		j.command, j.input = splitAtPercent(j.command)
	}
	return j, true
}

// variable takes a line like HOME=/var/www.
func (c *crontab) variable(text string) bool {
	m := setting.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	value := strings.TrimRight(m[4], " \t")
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		value = value[1 : n-1]
	}
	if len(c.vars) < maxVars {
		c.vars[m[1]+m[2]+m[3]] = value
	}
	return true
}

// splitAtPercent cuts a job at the first %. What follows is the command's input, in which % ends a line. \% is a
// percent sign.
func splitAtPercent(text string) (command, input string) {
	var parts [2]strings.Builder
	at := 0
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], `\%`):
			parts[at].WriteByte('%')
			i++
		case text[i] == '%' && at == 0:
			at = 1
		case text[i] == '%':
			parts[at].WriteByte('\n')
		default:
			parts[at].WriteByte(text[i])
		}
	}
	return parts[0].String(), parts[1].String()
}

// continued joins a job that ends with a backslash with the lines that follow, and returns how many lines it takes.
func (c *crontab) continued(j *job, lines []string) int {
	n := 0
	for n+1 < len(lines) && n < maxContinued && strings.HasSuffix(j.command, `\`) {
		n++
		next, _ := splitAtPercent(strings.TrimSpace(lines[n]))
		j.command = strings.TrimSuffix(j.command, `\`) + " " + next
	}
	if n > 0 {
		j.note = joinNotes(j.note, noteContinuation)
		return n + 1
	}
	return 0
}

// crontabFile reads one crontab and reports what starts a cron that is looked for.
func (l *look) crontabFile(path string, data []byte, info fs.FileInfo) {
	format, user := formatOf(path)
	if !format.system && user == "" {
		format.isUser = l.isUser
	}
	dormant, note := fileState(path, format, user, info)
	first, isOdd := len(l.evidence.Entries), false
	for j := range jobs(data, format) {
		if j.odd && !isCronPlace(path) {
			isOdd = true
			continue
		}
		if j.user == "" {
			j.user = user
		}
		sh := l.cronShell(j)
		l.command = fmt.Sprintf("line %d of %s", j.line, path)
		for _, found := range l.jobInvocations(&j, format, sh) {
			if found.certainty == Possible && j.hash != "" && !sh.marked && found.system == finding.Magento2 {
				continue // Magento's own marker says that it is another root's
			}
			found.note = joinNotes(found.note, j.note, note)
			l.entry(found.entry(Entry{
				File: path, Line: j.line, Schedule: j.schedule, User: j.user, Dormant: joinNotes(j.dormant, dormant),
				Remedy: crontabRemedy(path, j, format, user, sh.marked),
			}))
		}
	}
	if isOdd && len(l.evidence.Entries) == first {
		l.strange(path, data)
	}
}

// jobInvocations returns what a job starts. In a copy of a system crontab the first word may be a user who is unknown
// here.
func (l *look) jobInvocations(j *job, format crontabFormat, sh shell) []invocation {
	in := stream{text: word(j.input)}
	found := l.invocations(j.command, in, sh)
	certain := slices.ContainsFunc(found, func(i invocation) bool { return i.certainty == Certain })
	field := firstField.FindString(j.command)
	if certain || !format.copied || j.user != "" || !userName.MatchString(field) || isInstalled(field) {
		return found
	}
	if others := l.invocations(j.command[len(field):], in, sh); len(others) > 0 {
		j.user = strings.TrimSpace(field)
		return others
	}
	return found
}

// isInstalled reports whether a word is the name of a program of this host.
func isInstalled(name string) bool {
	return slices.ContainsFunc([]string{"/bin", "/usr/bin", "/usr/local/bin"}, func(dir string) bool {
		return isFile(filepath.Join(dir, strings.TrimSpace(name)))
	})
}

// cronShell is the shell that cron gives a job to.
func (l *look) cronShell(j job) shell {
	sh := shell{vars: environment(j.vars), closed: true, name: "sh"}
	sh.marked = j.marker && slices.ContainsFunc(l.sites, func(s site) bool {
		return s.system == finding.Magento2 && s.wroteMarker(j.hash)
	})
	if home := l.accounts[j.user].home; home != "" && sh.value("HOME") == "" {
		sh.assign("HOME", exportedWord(word(home)))
	}
	if j.user != "" && sh.value("LOGNAME") == "" {
		sh.assign("LOGNAME", exportedWord(word(j.user)))
	}
	sh.dir = sh.value("HOME")
	return sh
}

// formatOf returns a crontab's format by its place, and whose it is. In other places its content shows the user column.
func formatOf(path string) (crontabFormat, string) {
	dir := filepath.Dir(path)
	switch base, parent := filepath.Base(dir), filepath.Base(filepath.Dir(dir)); {
	case filepath.Base(path) == "anacrontab":
		return crontabFormat{anacron: true}, "root"
	case base == "etc" && filepath.Base(path) == "crontab", base == "cron.d" && parent == "etc":
		return crontabFormat{system: true}, ""
	case base == "cron.d" || filepath.Base(path) == "crontab":
		return crontabFormat{copied: true}, ""
	case (base == "crontabs" || base == "tabs") && parent == "cron", base == "cron" && parent == "spool":
		return crontabFormat{}, filepath.Base(path)
	}
	return crontabFormat{}, ""
}

// setAside matches the names that every cron daemon passes over.
var setAside = regexp.MustCompile(`^[.#]|~$|\.rpm(save|orig|new)$`)

// fileState says why cron passes over a file, and what else keeps it from being read. Debian's cron and cronie differ
// here. What somebody can repair by accident is a note, because the file is armed then.
func fileState(path string, format crontabFormat, user string, info fs.FileInfo) (dormant, note string) {
	dir, name := filepath.Split(path)
	if setAside.MatchString(name) {
		return "cron passes over files of this name", ""
	}
	if filepath.Base(dir) == "cron.d" && !runPartsName.MatchString(name) {
		if _, err := os.Stat(filepath.Join(dir, "..", "debian_version")); err == nil {
			return "Debian's cron passes over files whose name has more than letters, digits, _ and -", ""
		}
		note = "Debian's cron would pass over a file of this name, others do not"
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch mode := info.Mode().Perm(); {
	case format.system && mode&0o022 != 0:
		note = joinNotes(note, "Debian's cron refuses it while others than its owner can write it")
	case format.system && ok && stat.Uid != 0:
		note = joinNotes(note, "Debian's cron refuses it while its owner is not root")
	case user != "" && !format.anacron && mode != 0o600:
		note = joinNotes(note, "Debian's cron refuses it while its mode is not 0600")
	}
	return "", note
}

// crontabRemedy says how to stop what a line starts.
func crontabRemedy(path string, j job, format crontabFormat, user string, marked bool) string {
	remedy := fmt.Sprintf("comment out line %d of %s", j.line, path)
	if !format.system && !format.anacron && user != "" {
		remedy = fmt.Sprintf("run crontab -u %s -e and comment out line %d", user, j.line)
	}
	if marked {
		remedy += fmt.Sprintf("; or run bin/magento cron:remove as %s, which takes Magento's whole block out",
			orUser(j.user, "the user whose crontab it is"))
	}
	return remedy
}

func orUser(user, otherwise string) string {
	if user == "" {
		return otherwise
	}
	return user
}
