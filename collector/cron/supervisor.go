package cron

import (
	"fmt"
	"regexp"
	"strings"
)

// supervisorExpansion is a part that supervisor fills in, like %(process_num)02d.
var supervisorExpansion = regexp.MustCompile(`%\([^)]*\)[0-9]*[sd]`)

// supervisorFile reports the programs of a supervisor configuration that run Magento's cron or consumers, and whether
// there are any programs.
func (l *look) supervisorFile(path string, data []byte) bool {
	found := parseOptions(path, supervisorLines(data))
	sections := found.sections("program:")
	for _, section := range sections {
		for _, command := range found.list(section, "command") {
			l.supervisorProgram(found, section, command)
		}
	}
	return len(sections) > 0 || len(found.sections("supervisord")) > 0
}

func (l *look) supervisorProgram(o options, section string, command option) {
	name, user := strings.TrimPrefix(section, "program:"), o.last(section, "user")
	sh := shell{
		dir:  knownDirectory(supervisorExpansion.ReplaceAllString(o.last(section, "directory"), unknownPart)),
		vars: environment(assignments(strings.ReplaceAll(o.last(section, "environment"), ",", " "))),
	}
	dormant := ""
	switch strings.ToLower(o.last(section, "autostart")) {
	case "false", "no", "off", "0":
		dormant = "its autostart is off"
	}
	l.command = fmt.Sprintf("line %d of %s", command.line, command.file)
	text := commandLine(supervisorExpansion.ReplaceAllString(command.value, unknownPart), false)
	for _, i := range l.invocations(text, stream{}, sh) {
		l.entry(i.entry(Entry{
			File: command.file, Line: command.line, User: user, Dormant: dormant, Note: "supervisor's program " + name,
			Remedy: fmt.Sprintf("run supervisorctl stop %s:* and set autostart=false in %s", name, command.file),
		}))
	}
}

// knownDirectory is a working directory, or "" where a part of it is not known.
func knownDirectory(dir string) string {
	if strings.Contains(dir, unknownPart) {
		return ""
	}
	return absolute("", dir)
}

// assignments reads variables that are written as a list of NAME=value, quoted as in a shell.
func assignments(list string) map[string]string {
	vars := map[string]string{}
	for _, w := range splitWords(list) {
		if name, value, ok := strings.Cut(string(w), "="); ok && len(vars) < maxVars && !w.open() {
			vars[name] = value
		}
	}
	return vars
}
