package cron

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
)

// isProgram reports whether a file that the configuration names is a program itself, no list of such: a script, or what
// runit, s6 and daemontools run for a service.
func isProgram(path string, data []byte) bool {
	return bytes.HasPrefix(data, []byte("#!")) || filepath.Base(path) == "run"
}

// programFile reports what a program starts, that of a service in particular. What starts the program itself is not
// looked for, but for the file with which runit, s6 and daemontools keep a service down.
func (l *look) programFile(path string) {
	e := Entry{File: path, Remedy: "stop what runs it, and take Magento's cron out of it"}
	service := filepath.Dir(path)
	if filepath.Base(path) == "run" {
		e.Note = "the program of the service " + filepath.Base(service)
		e.Remedy = "run sv down, s6-svc -d or svc -d with " + service + ", and create the file " +
			filepath.Join(service, "down")
		if _, err := os.Stat(filepath.Join(service, "down")); err == nil {
			e.Dormant = "the file down beside it keeps the service down"
		}
	}
	r := l.newReader()
	sh := shell{dir: service, name: "sh"}
	r.run([]word{word(path)}, sh, stream{})
	for _, found := range r.result(sh) {
		l.entry(found.entry(e))
	}
}

// strange reports a file that the configuration names and that is in no format which is known here, when its text names
// Magento's cron.
func (l *look) strange(path string, data []byte) {
	lines, at := strings.Split(string(data), "\n"), 0
	for i, line := range lines {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"), strings.HasPrefix(line, ";"), strings.HasPrefix(line, "//"):
			lines[i] = ""
		case at == 0 && (cronCommand.MatchString(line) || cronFileText.MatchString(line)):
			at = i + 1
		}
	}
	for _, found := range l.mentioned(strings.Join(lines, "\n"), shell{}) {
		l.entry(found.entry(Entry{
			File: path, Line: max(at, 1), Note: "the file is in no format that is known here",
			Remedy: "take Magento's cron out of it, or name only crontabs in cron_stopped.crontabs",
		}))
	}
}
