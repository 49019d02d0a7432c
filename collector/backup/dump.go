package backup

import (
	"context"
	"regexp"
	"strings"
	"time"
)

// dumpParser reads a stream of SQL statements: a whole dump, or one file of a directory of them.
type dumpParser struct {
	lex      *lexer
	contents *contents

	kind       Kind
	tool       string
	server     string
	utc        bool   // TIMESTAMP values are in UTC
	where      string // the condition that the section's rows meet
	sections   int    // headers seen
	trailer    string
	trailerAt  int64 // -1 until the trailer of the present section was read
	closed     bool  // the trailer's line has its line feed
	closing    bool  // the last statement is the one that writers put last
	statements int64
	before     int64 // of them, those before the present section
	inserts    int64
	loose      bool // statements may be cut at semicolons that are within them
	tail       bool // statements may follow the trailer

	used   bool     // a USE names the database of what follows
	dumped []string // the databases that the heads of the sections name, where that changes

	conditional bool // the name that was read last stood behind IF EXISTS or IF NOT EXISTS

	comments int     // comment lines and block comments between statements
	first    string  // the first of them
	writer   *writer // nil: mysqldump, mariadb-dump, Magento or an unknown program
	head     []string
	older    bool // an old version of the writer
	began    Moment
	session  session
}

func newDumpParser(src *source, into *contents) *dumpParser {
	return &dumpParser{lex: newLexer(src), contents: into, trailerAt: -1}
}

// sandboxLine begins the dumps of MariaDB from 2024 on, also those without comments.
const sandboxLine = `/*M!999999\- enable the sandbox mode */`

// byteOrderMark is what editors and PowerShell's Out-File write before text in UTF-8. The mysql client skips one at the
// very beginning.
const byteOrderMark = "\xef\xbb\xbf"

// run reads to the end of the stream.
func (p *dumpParser) run(ctx context.Context) error {
	if p.lex.src.starts(byteOrderMark) {
		p.lex.src.pos += len(byteOrderMark)
	}
	if p.lex.src.starts(sandboxLine) {
		p.kind = KindMariaDBDump
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := p.step()
		if err != nil || !more {
			return err
		}
	}
}

// step reads one statement, comment line or command of the client.
func (p *dumpParser) step() (more bool, err error) {
	l, s := p.lex, p.lex.src
	for isBlank[s.peek()] {
		s.pos++
	}
	at := s.offset()
	c := s.peek()
	switch {
	case c == 0:
		if l.executing {
			return false, s.ended("it ends within a /*! comment")
		}
		return false, s.failure()
	case !l.executing && (c == '#' || c == '-' && l.dashes()):
		text, closed := l.line()
		return true, p.comment(string(text), at, closed)
	case c == '/' && !l.executing && s.starts("/*") && !s.starts("/*!") && !s.starts("/*M!"):
		text, err := l.block(at)
		if err != nil {
			return false, err
		}
		return true, p.block(text, at)
	case c == '/' || c == '*':
		before := s.offset()
		if err := l.stepComment(); err != nil {
			return false, err
		}
		if s.offset() == before {
			return false, corrupt(at, "%q begins no statement", c)
		}
		return true, nil
	}
	first, err := l.next()
	if err != nil {
		return false, err
	}
	return true, p.statement(first, at)
}

// The lines that dumps begin and end with, as their writers print them.
var (
	headerLine  = regexp.MustCompile(`^-- (MySQL dump|MariaDB dump|Magento DB backup)(.*)$`)
	hostLine    = regexp.MustCompile(`^-- Host: .*? {4}Database: ?(.*)$`)
	whereLine   = regexp.MustCompile(`^-- WHERE: +(.*)$`)
	serverLine  = regexp.MustCompile(`^-- Server version:?\s+(\S+)`)
	trailerLine = regexp.MustCompile(`^-- Dump completed(?: on (\d{4}-\d\d-\d\d [ \d]\d:\d\d:\d\d)( GMT)?)?$`)
)

// comment reads a comment line between statements.
func (p *dumpParser) comment(text string, at int64, closed bool) error {
	if p.comments++; p.comments == 1 {
		p.first = printable([]byte(text))
	}
	if m := headerLine.FindStringSubmatch(text); m != nil {
		p.writer = nil
		return p.header(headerKinds[m[1]], strings.TrimPrefix(text, "-- "), at)
	}
	if p.sections == 0 || p.writer != nil {
		return p.writerLine(text, at, closed)
	}
	if m := hostLine.FindStringSubmatch(text); m != nil {
		p.contents.use(m[1])
		if n := len(p.dumped); n < 2 && m[1] != "" && (n == 0 || p.dumped[0] != m[1]) {
			p.dumped = append(p.dumped, printable([]byte(m[1])))
		}
	}
	if m := serverLine.FindStringSubmatch(text); m != nil {
		p.server = m[1]
	}
	if m := whereLine.FindStringSubmatch(text); m != nil {
		p.where = printable([]byte(m[1]))
	}
	if trailerLine.MatchString(text) {
		p.trailer, p.trailerAt, p.closed = text, at, closed
	}
	return nil
}

// block reads a block comment between statements.
func (p *dumpParser) block(text string, at int64) error {
	for line := range strings.Lines(text) {
		if err := p.comment(strings.TrimSpace(line), at, true); err != nil {
			return err
		}
	}
	return nil
}

// headerKinds are the kinds by what their first line says.
var headerKinds = map[string]Kind{
	"MySQL dump": KindMysqldump, "MariaDB dump": KindMariaDBDump, "Magento DB backup": KindMagento,
}

// header begins a section: two dumps in one file (first the structure, then the rows) are two sections, each with its
// end.
func (p *dumpParser) header(kind Kind, tool string, at int64) error {
	if p.sections > 0 && p.writer != nil {
		if _, err := p.ended(time.Time{}); err != nil {
			return err
		}
	} else if p.sections > 0 && p.trailerAt < 0 {
		return truncated(at, "another dump begins before the line %q of the first", "-- Dump completed")
	}
	p.sections++
	if p.statements > 0 {
		p.head = nil
	}
	p.before = p.statements
	p.kind, p.tool, p.trailerAt, p.where, p.session = kind, tool, -1, "", session{}
	// Magento 2 sets its sessions to UTC; Magento 1 writes UTC into the server's zone, which comes to the same when it
	// is read back.
	p.utc = kind == KindMagento
	return nil
}

// finish judges the end of a dump that was read without an error, and tells when it was completed.
func (p *dumpParser) finish(modified time.Time) (Moment, error) {
	end := p.lex.src.offset()
	switch {
	case p.statements == 0:
		return Moment{}, truncated(end, "it holds no statement")
	case p.sections == 0:
		return Moment{}, p.endless()
	case len(p.dumped) > 1 && !p.used:
		return Moment{}, opaque("Cut the file between the dumps, or dump each database into a file of its own.",
			"it holds dumps of several databases (%s) without USE, so the mysql client restores all into one",
			strings.Join(p.dumped, ", "))
	case p.writer != nil:
		return p.ended(modified)
	case p.trailerAt < 0:
		return Moment{}, truncated(end, "the last line %q is missing", "-- Dump completed")
	}
	m := trailerLine.FindStringSubmatch(p.trailer)
	clock, gmt := m[1], m[2] != ""
	switch {
	case clock == "" && !p.closed, p.kind == KindMagento && !gmt:
		return Moment{}, truncated(end, "the last line %q is cut short", p.trailer)
	case clock == "":
		return Moment{}, nil
	}
	// mysqldump pads the hour with a blank.
	wall, err := time.Parse(wallClock, strings.Replace(clock, "  ", " 0", 1))
	if err != nil {
		return Moment{}, corrupt(p.trailerAt, "the last line has an impossible time: %s", p.trailer)
	}
	z := zone{known: true}
	if !gmt {
		z = inferZone(wall, modified)
	}
	return z.moment(wall, SourceTrailer), nil
}

// endless judges a dump that does not say what wrote it.
func (p *dumpParser) endless() error {
	switch {
	case p.comments > 0:
		return undetermined("it does not say what wrote it (its first comment is %q), "+
			"so the end of a whole dump is unknown", p.first)
	case p.closing:
		return undetermined("it was written without comments (--skip-comments), " +
			"so the line that ends a whole dump is missing; its closing statements are there")
	}
	return undetermined("it was written without comments (as by --compact), so the end of a whole dump is unknown")
}
