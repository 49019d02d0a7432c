package cron

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"magento_migration_exporter/collector/finding"
)

var (
	// consoleText finds the path of Magento's console in a text, looseConsole the name by itself, as in ["bin",
	// "magento"].
	consoleText  = regexp.MustCompile(`([^\s"'` + "`" + `,;()<>|&=\[\]{}]*\bbin/magento)(?:[^\w./-]|$)`)
	looseConsole = regexp.MustCompile(`(?:^|[\s"'` + "`" + `,(\[])magento(?:[\s"'` + "`" + `,)\]]|$)`)
	// consoleClass is the class behind it, which PHP programs use too.
	consoleClass = regexp.MustCompile(`Framework\\+Console\\+Cli\b`)
	// cronCommand finds what Magento's console is called to run.
	cronCommand  = regexp.MustCompile(`\b(setup:cron:run|sys:cron:run|cron:run|queue:consumers:start)\b`)
	magerunText  = regexp.MustCompile(`\bmagerun2?\b`)
	cronFileText = regexp.MustCompile(`([^\s"'` + "`" + `,;()<>|&=\[\]{}]*\b(pub|update)/cron\.php)\b`)
)

const mentionNote = "its text names this, and what it does with it is not known"

// mentioned reports what a text says of Magento's cron that belongs to something whose working cannot be decided: it
// names the console and one of the commands that start cron. What it is said to be is possible, never certain.
func (l *look) mentioned(text string, sh shell) []invocation {
	if !strings.Contains(text, "cron") && !strings.Contains(text, "consumers") {
		return nil
	}
	var found []invocation
	add := func(s finding.System, k Kind) {
		note := joinNotes(sh.scriptNote(), mentionNote)
		i := invocation{kind: k, system: s, certainty: Possible, text: string(k), note: note}
		if l.looksFor(s) && !slices.Contains(found, i) {
			found = append(found, i)
		}
	}
	for _, command := range cronCommand.FindAllString(text, -1) {
		switch kind := Kind(command); {
		case kind == MagerunCron && magerunText.MatchString(text):
			s := finding.Magento1
			if strings.Contains(text, "magerun2") {
				s = finding.Magento2
			}
			add(s, kind)
		case kind != MagerunCron && l.namesConsole(text, sh):
			add(finding.Magento2, kind)
		}
	}
	if len(found) == 0 && composedCron.MatchString(text) && l.namesConsole(text, sh) {
		add(finding.Magento2, CronRun)
	}
	for _, m := range cronFileText.FindAllStringSubmatch(text, maxPaths) {
		if l.canBeOurs(m[1], 2, sh) {
			add(finding.Magento2, map[string]Kind{"pub": PubCron, "update": UpdateCron}[m[2]])
		}
	}
	for _, s := range l.sites {
		if len(found) > 0 || !s.isNamed(text) {
			continue
		}
		if s.system == finding.Magento2 && entryFileName.MatchString(text) {
			add(finding.Magento2, PubCron)
		}
		if s.system == finding.Magento1 && (entryFileName.MatchString(text) || magento1FileName.MatchString(text)) {
			add(finding.Magento1, Magento1Cron)
		}
	}
	return found
}

var (
	// entryFileName finds the file that both Magentos have, magento1FileName what only Magento 1 has. They say
	// something beside the path of a root.
	entryFileName    = regexp.MustCompile(`(?:^|[^\w.-])cron\.php(?:[^\w.-]|$)`)
	magento1FileName = regexp.MustCompile(`(?:^|[^\w.-])(?:scheduler_)?cron\.sh(?:[^\w.-]|$)`)
)

// isNamed reports whether a text names the root by its path.
func (s site) isNamed(text string) bool {
	for _, root := range []string{s.given, s.resolved} {
		_, after, found := strings.Cut(text, root)
		if found && len(root) > 1 && (after == "" || !isNameByte(after[0])) {
			return true
		}
	}
	return false
}

// maxPaths is how many paths of a text are looked at.
const maxPaths = 100

// namesConsole reports whether a text names a console that can be this Magento 2's.
func (l *look) namesConsole(text string, sh shell) bool {
	paths := consoleText.FindAllStringSubmatch(text, maxPaths)
	if len(paths) == 0 {
		return looseConsole.MatchString(text) || consoleClass.MatchString(text)
	}
	return slices.ContainsFunc(paths, func(m []string) bool { return l.canBeOurs(m[1], 2, sh) })
}

// canBeOurs reports whether a script can be Magento 2's, which lies up directories below its root. One that is there,
// below another root, is not.
func (l *look) canBeOurs(script string, up int, sh shell) bool {
	if sh.elsewhere != "" || !filepath.IsAbs(script) || !isFile(script) {
		return true
	}
	return slices.ContainsFunc(l.sites, func(s site) bool {
		return s.system == finding.Magento2 && s.holds(script, up)
	})
}
