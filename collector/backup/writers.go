package backup

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v4"
)

//go:embed writers.yml
var writersData []byte

// writer is a program that writes dumps in a way of its own: see writers.yml.
type writer struct {
	Name        string  `yaml:"name"`
	Begins      string  `yaml:"begins"`
	Ends        string  `yaml:"ends"`
	Version     pattern `yaml:"version"`
	Database    pattern `yaml:"database"`
	Server      pattern `yaml:"server"`
	Began       pattern `yaml:"began"`
	BeganLayout string  `yaml:"began_layout"`
	End         string  `yaml:"end"`
	EndLine     pattern `yaml:"end_line"`
	EndLayout   string  `yaml:"end_layout"`
	EndUTC      bool    `yaml:"end_utc"`
	EndText     string  `yaml:"end_text"`
	Commits     bool    `yaml:"commits"`
	Older       string  `yaml:"older"`
	Triggers    string  `yaml:"triggers"`
}

// What ends a whole dump.
const (
	endSettings    = "settings"
	endLine        = "line"
	endForeignKeys = "foreign keys"
	endNothing     = "nothing"
)

// pattern is a regular expression; the zero value matches nothing.
type pattern struct{ expression *regexp.Regexp }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *pattern) UnmarshalText(text []byte) (err error) {
	p.expression, err = regexp.Compile(string(text))
	return err
}

// find returns the first group of the match.
func (p pattern) find(line string) (string, bool) {
	if p.expression == nil {
		return "", false
	}
	m := p.expression.FindStringSubmatch(line)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// writers parses the embedded data, once.
var writers = sync.OnceValue(func() []writer {
	list, err := parseWriters(writersData)
	if err != nil {
		panic("writers.yml: " + err.Error()) // TestWriters reads it
	}
	return list
})

func parseWriters(text []byte) ([]writer, error) {
	var file struct {
		Writers []writer `yaml:"writers"`
	}
	if err := yaml.Load(text, &file, yaml.WithKnownFields()); err != nil {
		return nil, err
	}
	for _, w := range file.Writers {
		ended := w.End == endSettings || w.End == endForeignKeys || w.End == endNothing ||
			w.End == endLine && w.EndLine.expression != nil && w.EndText != ""
		if w.Name == "" || w.Begins == "" || !ended || w.Triggers == "" {
			return nil, fmt.Errorf("writer %q: something is missing", w.Name)
		}
	}
	return file.Writers, nil
}

// writerOf returns the program in whose head a comment line stands, nil for none.
func writerOf(line string) *writer {
	list := writers()
	for i := range list {
		if w := &list[i]; strings.HasPrefix(line, w.Begins) && strings.HasSuffix(line, w.Ends) {
			return w
		}
	}
	return nil
}

// session is what a dump does to the settings of the session that restores it.
type session struct {
	saved       map[string]bool // the variables @OLD_… that it saved them in
	restored    map[string]bool // those it restored since the last statement of another kind
	transaction bool            // it started one
	committed   bool            // and committed it, as the last statement but for settings
	checksOn    bool            // SET FOREIGN_KEY_CHECKS = 1 is the last statement but for settings
}

// maxSaved bounds the variables that are remembered: dumps have a handful.
const maxSaved = 64

// statement takes note of a statement that is no SET.
func (s *session) statement(verb string) {
	clear(s.restored)
	s.committed, s.checksOn = false, false
	switch verb {
	case "START", "BEGIN":
		s.transaction = true
	case "COMMIT":
		s.committed = true
	}
}

// remember adds a variable to a set of them.
func remember(set map[string]bool, variable string) map[string]bool {
	if set == nil {
		set = map[string]bool{}
	}
	if len(set) < maxSaved {
		set[variable] = true
	}
	return set
}

// restoredAll reports whether everything that was saved is restored.
func (s *session) restoredAll() bool {
	for variable := range s.saved {
		if !s.restored[variable] {
			return false
		}
	}
	return true
}

// The lines of a head that are looked at, and how many comment lines may name a database.
const (
	maxHead     = 64
	maxComments = 100_000
)

// writerLine takes a comment line: of the head of a dump of one of the writers, or of what follows it.
func (p *dumpParser) writerLine(line string, at int64, closed bool) error {
	if w := writerOf(line); w != nil && p.begins(w) {
		if err := p.header(Kind(w.Name), w.Name, at); err != nil {
			return err
		}
		p.writer, p.older = w, false
		for _, earlier := range p.head {
			p.fromHead(earlier)
		}
	}
	switch {
	case p.statements == p.before && len(p.head) < maxHead:
		p.head = append(p.head, line)
		p.fromHead(line)
	case p.comments < maxComments:
		p.fromComment(line, at, closed)
	}
	return nil
}

// begins reports whether a line of a writer's head begins a dump, or another one behind the first. Of a writer that
// puts such a line before each table all are one dump.
func (p *dumpParser) begins(w *writer) bool {
	return w != p.writer || p.statements > p.before && w.End != endNothing
}

// fromHead takes what a line of the head tells.
func (p *dumpParser) fromHead(line string) {
	w := p.writer
	if w == nil {
		return
	}
	if version, ok := w.Version.find(line); ok && p.tool == w.Name {
		p.tool += " " + printable([]byte(version))
	}
	if server, ok := w.Server.find(line); ok && p.server == "" {
		p.server = printable([]byte(server))
	}
	if text, ok := w.Began.find(line); ok {
		if began, err := time.Parse(w.BeganLayout, text); err == nil {
			p.began = Moment{Time: began.UTC(), Source: SourceHead}
		}
	}
	if w.Older != "" && strings.HasPrefix(line, w.Older) {
		p.older = true
	}
	if database, ok := w.Database.find(line); ok {
		p.contents.use(database)
	}
}

// fromComment takes what a line behind the head tells.
func (p *dumpParser) fromComment(line string, at int64, closed bool) {
	w := p.writer
	if w == nil {
		return
	}
	if database, ok := w.Database.find(line); ok {
		p.contents.use(database)
	}
	if _, ok := w.EndLine.find(line); ok {
		p.trailer, p.trailerAt, p.closed = line, at, closed
	}
}

// ended says whether the present section of a writer's dump has come to its end, and when.
func (p *dumpParser) ended(modified time.Time) (Moment, error) {
	w, s, end := p.writer, &p.session, p.lex.src.offset()
	switch {
	case w.End == endLine && p.trailerAt < 0:
		return Moment{}, truncated(end, "%s, which %s writes last, is missing", w.EndText, w.Name)
	case w.End == endLine:
		return p.endTime(modified), nil
	case w.End == endForeignKeys && s.checksOn:
		return Moment{}, nil
	case w.End == endNothing, w.End == endForeignKeys && p.older:
		return Moment{}, undetermined("%s writes nothing that ends a whole dump, so this one may be cut short", w.Name)
	case w.End == endForeignKeys:
		return Moment{}, truncated(end, "SET FOREIGN_KEY_CHECKS = 1, which %s writes last, is missing", w.Name)
	case w.Commits && s.transaction && !s.committed:
		return Moment{}, truncated(end, "COMMIT, which %s writes last, is missing", w.Name)
	case !s.restoredAll():
		return Moment{}, truncated(end,
			"the statements that restore the session's settings, which %s writes last, are missing", w.Name)
	case len(s.saved) == 0 && (!w.Commits || !s.transaction):
		return Moment{}, undetermined(
			"%s wrote it without settings of the session, so the end of a whole dump is unknown",
			w.Name,
		)
	}
	return Moment{}, nil
}

// endTime reads the moment in the last line.
func (p *dumpParser) endTime(modified time.Time) Moment {
	text, _ := p.writer.EndLine.find(p.trailer)
	wall, err := time.Parse(p.writer.EndLayout, text)
	switch {
	case err != nil:
		return Moment{}
	case p.writer.EndUTC || strings.Contains(p.writer.EndLayout, "-0700"):
		return Moment{Time: wall.UTC(), Source: SourceTrailer}
	}
	return inferZone(wall, modified).moment(wall, SourceTrailer)
}

// writerNotes says what the program left out.
func (p *dumpParser) writerNotes() []string {
	if p.writer == nil || p.contents.budget.tables == 0 {
		return nil
	}
	for _, d := range p.contents.databases {
		if d.triggers > 0 {
			return nil
		}
	}
	return []string{"it holds no triggers: " + p.writer.Name + " writes them only " + p.writer.Triggers}
}
