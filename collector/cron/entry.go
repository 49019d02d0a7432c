package cron

import (
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config/sourcefile"
)

// cronEntry is how a PHP file looks that starts a Magento's cron by itself, whatever its name is.
type cronEntry struct {
	system finding.System
	kind   Kind
	text   *regexp.Regexp
}

// cronEntries returns what Magento's own files hold: pub/cron.php (2.0 to 2.4.8), update/cron.php (2.0 to 2.3) and
// Magento 1's cron.php (1.4 to 1.9.4), and what programs use that call Magento 2's cron without them.
func cronEntries() []cronEntry {
	return []cronEntry{
		{finding.Magento2, PubCron, regexp.MustCompile(`Magento\\{1,2}Framework\\{1,2}App\\{1,2}Cron(?:[^\\\w]|$)`)},
		{finding.Magento2, PubCron, regexp.MustCompile(`\bProcessCronQueueObserver\b`)},
		{finding.Magento2, CronRun, regexp.MustCompile(`\bCron\\{1,2}Console\\{1,2}Command\\{1,2}CronCommand\b`)},
		{finding.Magento2, UpdateCron, regexp.MustCompile(`Magento\\{1,2}Update\\{1,2}Queue\b`)},
		{finding.Magento1, Magento1Cron,
			regexp.MustCompile(`\b(?:loadEventObservers|addEventArea)\s*\(\s*["']crontab["']`)},
	}
}

// entryOf returns the entry that a PHP program holds.
func entryOf(program string) (cronEntry, bool) {
	entries := cronEntries()
	i := slices.IndexFunc(entries, func(e cronEntry) bool { return e.text.MatchString(program) })
	if i < 0 {
		return cronEntry{}, false
	}
	return entries[i], true
}

// entry reports a PHP program that is a copy of one of Magento's files under another name, or uses what they use. Below
// a root it is certainly that root's. Elsewhere it can be another Magento's.
func (r *reader) entry(path, program string, sh shell) bool {
	e, ok := entryOf(program)
	if !ok {
		return false
	}
	found := invocation{kind: e.kind, system: e.system, certainty: Possible, text: path}
	found.note = "it holds the entry of Magento's cron"
	for _, s := range r.look.sites {
		switch {
		case s.system != e.system:
		case path != "" && s.contains(path):
			found.certainty = Certain
		case path != "" && inAnotherMagento(path):
			return true
		default:
			found.note += ", and which Magento it starts is not known"
		}
	}
	if sh.doubt != "" {
		found.certainty, found.note = Possible, joinNotes(sh.doubt, found.note)
	}
	if r.look.looksFor(e.system) {
		r.found = append(r.found, found)
	}
	return true
}

// inAnotherMagento reports whether a file lies below the root of a Magento.
func inAnotherMagento(path string) bool {
	for dir := filepath.Dir(path); len(dir) > 1; dir = filepath.Dir(dir) {
		if isFile(filepath.Join(dir, "app/bootstrap.php")) || isFile(filepath.Join(dir, "app/Mage.php")) ||
			isPHPFile(filepath.Join(dir, "bin/magento")) {
			return true
		}
	}
	return false
}

// isPHPFile reports whether a file begins as a PHP program does: a shell script that is called magento is no console.
func isPHPFile(path string) bool {
	f, err := sourcefile.Open(path, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, maxHead))
	_, l, ok := fileLanguage("", string(head))
	return err == nil && ok && l.name == "php"
}

// entryBehind returns the entry in the PHP file that a web address names: one in the root or in its directory pub.
func (l *look) entryBehind(address string) (invocation, bool) {
	m := phpURL.FindStringSubmatch(address)
	if m == nil {
		return invocation{}, false
	}
	for _, s := range l.sites {
		for _, dir := range []string{"pub", "."} {
			path := filepath.Join(s.resolved, dir, filepath.Base(m[1]))
			if e, ok := l.entryFile(path); ok && e.system == s.system {
				return invocation{
					kind: e.kind, system: s.system, certainty: Possible, text: filepath.Base(path),
					note: "it runs through the web server, so whether it is this Magento's is not known here",
				}, true
			}
		}
	}
	return invocation{}, false
}

var phpURL = regexp.MustCompile(`^(?:https?://)?[^/?#\s]+/(?:[^?#\s]*/)?([\w.-]+\.php)(?:[?#].*)?$`)

// entryFile returns the entry in a PHP file.
func (l *look) entryFile(path string) (cronEntry, bool) {
	if l.scripts <= 0 {
		return cronEntry{}, false
	}
	l.scripts--
	data, _, err := readRegular(path, maxScriptBytes)
	if err != nil || !strings.Contains(string(data), "<?") {
		return cronEntry{}, false
	}
	php, _ := languageOf("php")
	return entryOf(php.program(string(data)).text)
}

func isPHP(args []string) bool {
	return len(args) > 1 && strings.HasPrefix(filepath.Base(args[0]), "php")
}

// runningEntry finds the file below a root that a PHP process runs and that holds an entry.
func (l *look) runningEntry(args []string, dir string) (program, bool) {
	script, _, ok := runningScript(args)
	path := absolute(dir, script)
	if !ok || path == "" {
		return program{}, false
	}
	for _, s := range l.sites {
		if !s.contains(path) {
			continue
		}
		if e, ok := l.entryFile(path); ok && e.system == s.system {
			systems := []finding.System{e.system}
			return program{kind: e.kind, systems: systems, script: path, up: -1, root: s.resolved}, true
		}
	}
	return program{}, false
}
