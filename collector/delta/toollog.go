package delta

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"magento_migration_exporter/config/sourcefile"
)

const (
	// tailSize is how much of a log's end is read, in bytes. A cycle without changes writes about 1400.
	tailSize = 64 << 10
	// maxLine is how much of a line is kept, in bytes.
	maxLine = 512
	// scanBudget is how much one evaluation looks through for the start of the data stage, in bytes.
	scanBudget = 32 << 20
)

// Line is a line of the tool's own log. Lines with a mode are notes of progress; the others belong to what they follow.
type Line struct {
	// At is zero for a line without a time.
	At                time.Time
	Level             string
	Mode, Stage, Step string
	Text              string
}

var (
	dated  = regexp.MustCompile(`^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))\]\[([A-Z]+)\]`)
	placed = regexp.MustCompile(`^\[mode: ([^\]]*)\]\[stage: ([^\]]*)\]\[step: ([^\]]*)\]`)
)

// ParseLine reads a line of the tool's log. It is false for what the tool did not write.
func ParseLine(text string) (Line, bool) {
	m := dated.FindStringSubmatch(text)
	if m == nil {
		return Line{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, m[1])
	if err != nil {
		return Line{}, false
	}
	l := Line{At: at.UTC(), Level: m[2]}
	rest := text[len(m[0]):]
	if p := placed.FindStringSubmatch(rest); p != nil {
		l.Mode, l.Stage, l.Step = p[1], p[2], p[3]
		rest = rest[len(p[0]):]
	}
	l.Text = printable(strings.TrimPrefix(strings.TrimPrefix(rest, ":"), " "))
	return l, true
}

// printable cuts a text of a log and takes out what is no text. What follows "query was" is shop data and never shown.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s, _, _ = strings.Cut(s, "query was") // late, because taking bytes out can bring the words together
	s = withoutValues(strings.TrimRight(s, " ,"))
	return strings.ToValidUTF8(s[:min(len(s), maxLine)], "")
}

// duplicateEntry and wrongValue find the values of rows that MySQL's messages repeat: errors 1062, 1292, 1366 and 1367.
// A value can have any character, and the end of the message can be missing.
var (
	duplicateEntry = regexp.MustCompile(`(Duplicate entry ')(.*?)(' for key|$)`)
	wrongValue     = regexp.MustCompile(
		`((?i:incorrect|illegal) [\w() ]*value:? ')(.*?)(' for column|' for function|$)`)
)

// withoutValues hides what can be a customer's in a message of the server. A duplicate without an address stays: who
// reads it has to find it, and keys with names of people have their mail addresses in them.
func withoutValues(s string) string {
	s = duplicateEntry.ReplaceAllStringFunc(s, func(entry string) string {
		if !strings.Contains(entry, "@") {
			return entry
		}
		return duplicateEntry.ReplaceAllString(entry, "${1}…$3")
	})
	return wrongValue.ReplaceAllString(s, "${1}…$3")
}

// RunLog is the end of the tool's log.
type RunLog struct {
	File string
	// Changed is the file's modification time, Size its length in bytes.
	Changed time.Time
	Size    int64
	// Lines are the last ones, oldest first, as far as they could be read.
	Lines []Line
}

// ReadRunLog reads the end of the tool's log.
func ReadRunLog(path string) (*RunLog, error) {
	f, info, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines, err := tail(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	log := &RunLog{File: path, Changed: info.ModTime(), Size: info.Size()}
	for _, text := range lines {
		if l, ok := ParseLine(text); ok {
			log.Lines = append(log.Lines, l)
		}
	}
	return log, nil
}

func open(path string) (*os.File, os.FileInfo, error) {
	f, err := sourcefile.Open(path, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the tool's log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("reading the tool's log: %w", err), f.Close())
	}
	return f, info, nil
}

// tail returns the whole lines in the last tailSize bytes, each cut.
func tail(f io.ReaderAt, size int64) ([]string, error) {
	from := max(0, size-tailSize)
	data, err := io.ReadAll(io.NewSectionReader(f, from, tailSize))
	if err != nil {
		return nil, err
	}
	if from > 0 { // the first line begins somewhere before
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	var lines []string
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, "\r\n")
		lines = append(lines, string(line[:min(len(line), 2*maxLine)]))
	}
	return lines, nil
}

// RunState says how a delta stands by the tool's log.
type RunState int

// The states.
const (
	// NeverRan: the end of the log has no line of mode delta.
	NeverRan RunState = iota
	// Between: a cycle was completed, the next begins 5 seconds later.
	Between
	// AtWork: a step has begun.
	AtWork
	// Failed: the tool wrote an error and ended.
	Failed
)

// Run is the delta by the tool's log.
type Run struct {
	State RunState
	// At is when the last line was written, Step the step that it names, Error the tool's own words.
	At          time.Time
	Step, Error string
	// Cycle is how long the last whole cycle took, with the pause behind it; 0 when none was seen.
	Cycle time.Duration
	// Began is when the cycle began in which a step is at work; zero between two cycles.
	Began time.Time
	// Completed is when the last whole cycle ended.
	Completed time.Time
	// Warnings are those of the volume checks of the last whole cycle.
	Warnings []string
}

// Pause is the tool's own between two cycles.
const Pause = 5 * time.Second

const (
	cycleEnd = "Migration completed successfully"
	// maxWarnings bounds how many of a cycle's warnings are kept.
	maxWarnings = 50
)

// Delta returns the last run of mode delta.
func (l *RunLog) Delta() Run {
	var run Run
	var began time.Time
	var first string // the step that the cycle began with
	var warnings []string
	mode := ""
	for _, line := range l.Lines {
		if line.Mode != "" {
			mode = line.Mode
		}
		if mode != "delta" {
			began, warnings = time.Time{}, nil
			continue
		}
		switch {
		case line.Mode == "" && line.Level == "ERROR":
			run.State, run.At, run.Error = Failed, line.At, line.Text
		case line.Mode == "" && line.Level == "WARNING" && len(warnings) < maxWarnings:
			warnings = append(warnings, line.Text)
		case line.Mode == "":
		case line.Text == cycleEnd:
			run.State, run.At, run.Error, run.Completed = Between, line.At, "", line.At
			if run.Warnings = warnings; !began.IsZero() {
				run.Cycle = line.At.Sub(began) + Pause
			}
			began, warnings = time.Time{}, nil
		case strings.HasPrefix(line.Text, "Automatic restart"):
			run.State, run.At, run.Error = Between, line.At, ""
		default:
			// A delta that died in its cycle left the beginning of one, and the next one begins again.
			if line.Stage == StageDelta && (began.IsZero() || line.Step == first || run.State == Failed) {
				began, first, warnings = line.At, line.Step, nil
			}
			run.State, run.At, run.Step, run.Error = AtWork, line.At, line.Step, ""
		}
	}
	if run.State == AtWork {
		run.Began = began
	}
	return run
}

// Mode returns the mode of the last line that has one, empty when none has.
func (l *RunLog) Mode() string {
	for _, line := range slices.Backward(l.Lines) {
		if line.Mode != "" {
			return line.Mode
		}
	}
	return ""
}

// Copying reports whether the log's last run is one of migrate:data that did not say that it was completed.
func (l *RunLog) Copying() bool {
	for _, line := range slices.Backward(l.Lines) {
		if line.Mode != "" {
			return line.Mode == ModeData && !completes(line)
		}
	}
	return false
}

// DataStart finds when the last run of migrate:data began to copy. It remembers how far it has looked: a log that grows
// for weeks is looked through once, and then only at its end. The zero value has not looked anywhere.
type DataStart struct {
	file os.FileInfo
	// low and high are the bytes that were looked through.
	low, high int64
	at        time.Time
}

// dataMark begins what the tool writes when it starts to copy the data of a step.
var dataMark = []byte("[mode: data][stage: data migration]")

// dataBegin stands before the first data stage of a run.
var dataBegin = []byte("[mode: data][stage: integrity check]")

// Find looks at what has been written since the last call, and goes on backwards by at most a budget. The result is
// zero while nothing was found; done is false when there is more to look at.
func (d *DataStart) Find(path string) (at time.Time, done bool, err error) {
	f, info, err := open(path)
	if err != nil {
		return time.Time{}, false, err
	}
	defer f.Close()
	if d.file == nil || !os.SameFile(d.file, info) || info.Size() < d.high {
		*d = DataStart{low: info.Size(), high: info.Size()}
	}
	d.file = info
	found, _, err := scanBack(f, d.high, info.Size(), scanBudget)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("reading %s: %w", path, err)
	}
	d.high = info.Size()
	if !found.IsZero() {
		d.at = found
	}
	if d.at.IsZero() && d.low > 0 {
		found, low, err := scanBack(f, 0, d.low, scanBudget)
		if err != nil {
			return time.Time{}, false, fmt.Errorf("reading %s: %w", path, err)
		}
		d.at, d.low = found, low
	}
	return d.at, !d.at.IsZero() || d.low == 0, nil
}

// scanBack looks from to back to from, by at most a budget, for the first data stage of the last run of migrate:data.
// It returns how far it came: nothing of a run is left out, because it begins again in front of it.
func scanBack(f io.ReaderAt, from, to, budget int64) (at time.Time, low int64, err error) {
	floor := max(from, to-budget)
	block := make([]byte, tailSize)
	var earliest time.Time
	for end := to; end > floor; {
		start := max(floor, end-tailSize)
		data := block[:end-start]
		if n, err := f.ReadAt(data, start); err != nil && !errors.Is(err, io.EOF) {
			return time.Time{}, end, err
		} else if n < len(data) {
			data = data[:n]
		}
		first, ended := earliestData(data, !earliest.IsZero())
		if !first.IsZero() {
			earliest = first
		}
		if ended && !earliest.IsZero() {
			return earliest, start, nil
		}
		if start == floor {
			return earliest, start, nil
		}
		end = start + min(overlap, (end-start)/2) // a line that is cut in two is whole in the next block
	}
	return earliest, floor, nil
}

// overlap is more than the part of a line that is looked at.
const overlap = 256

// earliestData returns the time of the earliest data stage of the last run in a block, and whether the run's beginning
// is in the block too. Begun says that a later block has a data stage of the run.
func earliestData(data []byte, begun bool) (first time.Time, ended bool) {
	for data != nil {
		var line []byte
		if i := bytes.LastIndexByte(data, '\n'); i >= 0 {
			line, data = data[i+1:], data[:i]
		} else {
			line, data = data, nil
		}
		line = line[:min(len(line), overlap)]
		switch {
		case bytes.Contains(line, dataMark):
			if l, ok := ParseLine(string(line)); ok {
				first = l.At
			}
		case bytes.Contains(line, dataBegin) && (begun || !first.IsZero()):
			return first, true
		}
	}
	return first, false
}

// sqlError finds the start of what Magento's own log says of an exception of the database.
var sqlError = regexp.MustCompile(
	`^\[([0-9T:.+\- Z]{19,40})\] [a-zA-Z]+\.(?:ERROR|CRITICAL): (SQLSTATE\[[^\n]{0,1000})`)

// sqlBudget is how much of Magento's log is looked through for an exception, in bytes. One line can hold a whole
// statement, which is longer than any packet where that was the error.
const sqlBudget = 96 << 20

// ReadSQLError returns the last exception of the database that Magento's system.log has, without the statement, which
// holds data of the shop. The text is empty where the end of the file has none.
func ReadSQLError(path string) (at time.Time, text string, err error) {
	f, info, err := open(path)
	if err != nil {
		return time.Time{}, "", err
	}
	defer f.Close()
	block := make([]byte, 1<<20)
	floor := max(0, info.Size()-sqlBudget)
	for end := info.Size(); end > floor; {
		start := max(floor, end-int64(len(block)))
		n, err := f.ReadAt(block[:end-start], start)
		if err != nil && !errors.Is(err, io.EOF) {
			return time.Time{}, "", fmt.Errorf("reading %s: %w", path, err)
		}
		if at, text := lastSQLError(block[:n], start == 0); text != "" {
			return at, text, nil
		}
		if start == floor {
			break
		}
		end = start + sqlOverlap // a line that begins at the end of the block before is whole in this one
	}
	return time.Time{}, "", nil
}

// sqlOverlap is more than what is read of a line.
const sqlOverlap = 2 << 10

// sqlMark stands in each line that is looked for.
var sqlMark = []byte(": SQLSTATE[")

// lastSQLError returns the last exception in a block. The first line of a block is a part of one, unless it begins the
// file.
func lastSQLError(block []byte, begins bool) (time.Time, string) {
	for rest := block; ; {
		mark := bytes.LastIndex(rest, sqlMark)
		if mark < 0 {
			return time.Time{}, ""
		}
		start := bytes.LastIndexByte(rest[:mark], '\n') + 1
		if start == 0 && !begins {
			return time.Time{}, ""
		}
		// Once a line: the statement in it can have the mark many times.
		m := sqlError.FindSubmatch(block[start:min(len(block), start+sqlOverlap)])
		rest = rest[:start]
		if m == nil {
			continue
		}
		if at, err := time.Parse(time.RFC3339Nano, string(m[1])); err == nil {
			return at.UTC(), printable(string(m[2]))
		}
	}
}
