package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// The file has a line of JSON that says what it is, and a line for each migration. A line that cannot be read costs
// only itself.
const (
	formatName    = "magento_migration_exporter history"
	formatVersion = 1
	// maxLine is more than a line of any version needs.
	maxLine = 256 << 10
	// maxFile is the size of a file of more migrations than one process can watch.
	maxFile = 256 << 20
	// maxName is the greatest length of a migration's name, and maxID that of a precondition's id.
	maxName, maxID = 63, 63
	// maxLogs is more preconditions than there are.
	maxLogs = 200
)

// header is the first line.
type header struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// Host is where the writer ran.
	Host string `json:"host"`
	// Writer is different for each process.
	Writer    string    `json:"writer"`
	WrittenAt time.Time `json:"written_at"`
}

// line is one migration. Times are Unix milliseconds.
type line struct {
	Migration string             `json:"migration"`
	Seen      int64              `json:"seen"`
	Reports   []int64            `json:"reports,omitempty"`
	Changes   map[string][]entry `json:"changes"`
	// Kept are JSON values.
	Kept map[string]json.RawMessage `json:"kept,omitempty"`
}

// entry is a change as an array: time, status, summary, and 1 for the first one.
type entry Change

// MarshalJSON implements json.Marshaler.
func (e entry) MarshalJSON() ([]byte, error) {
	fields := []any{e.At.UnixMilli(), e.Status, e.Summary}
	if e.First {
		fields = append(fields, 1)
	}
	return json.Marshal(fields)
}

// UnmarshalJSON implements json.Unmarshaler. What is no change becomes the zero value, and costs only itself.
func (e *entry) UnmarshalJSON(text []byte) error {
	*e = entry{}
	var fields []json.RawMessage
	var at int64
	var c entry
	if json.Unmarshal(text, &fields) != nil || len(fields) < 3 || json.Unmarshal(fields[0], &at) != nil ||
		json.Unmarshal(fields[1], &c.Status) != nil || json.Unmarshal(fields[2], &c.Summary) != nil {
		return nil
	}
	c.At = time.UnixMilli(at).UTC()
	c.First = len(fields) > 3
	*e = c
	return nil
}

// errNewer is the error of a file that a newer version wrote.
var errNewer = errors.New("a newer version of the exporter wrote it")

// errBroken is the error of a file that is none of the exporter's.
var errBroken = errors.New("it does not begin as the exporter's history does")

// contents is what a file has.
type contents struct {
	header     header
	migrations map[string]Migration
	// unread is how many lines could not be read, and damage says what is wrong with the first of them.
	unread int
	damage string
}

// read reads a history leniently: the error is about the whole file. now is the time against which changes are old, or
// in the future.
func read(r io.Reader, now time.Time) (contents, error) {
	c := contents{migrations: map[string]Migration{}}
	lines := bufio.NewScanner(io.LimitReader(r, maxFile))
	lines.Buffer(nil, maxLine)
	if !lines.Scan() {
		return c, errors.Join(errBroken, lines.Err())
	}
	if err := json.Unmarshal(lines.Bytes(), &c.header); err != nil || c.header.Format != formatName {
		return c, errBroken
	}
	if c.header.Version > formatVersion {
		return c, fmt.Errorf(
			"%w: its format is %d, and this one reads up to %d",
			errNewer,
			c.header.Version,
			formatVersion,
		)
	}
	for number := 2; lines.Scan(); number++ {
		m, err := readLine(lines.Bytes(), now)
		if err != nil {
			if c.unread++; c.unread == 1 {
				c.damage = fmt.Sprintf("line %d: %v", number, err)
			}
			continue
		}
		if !m.outdated(now) {
			c.migrations[m.Name] = m
		}
	}
	if err := lines.Err(); err != nil {
		c.unread++
		c.damage = fmt.Sprintf("reading stopped after %d migrations: %v", len(c.migrations), err)
	}
	return c, nil
}

func readLine(text []byte, now time.Time) (Migration, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return Migration{}, errors.New("it is no JSON of a migration")
	}
	if l.Migration == "" || len(l.Migration) > maxName || len(l.Changes) > maxLogs {
		return Migration{}, errors.New("it names no migration")
	}
	m := Migration{Name: l.Migration, Seen: time.UnixMilli(l.Seen).UTC(), Logs: map[string]Log{}}
	if m.Seen.After(now) {
		m.Seen = now
	}
	for _, ms := range l.Reports {
		if at := time.UnixMilli(ms).UTC(); !at.After(now) {
			m.Reports = AddReport(m.Reports, at)
		}
	}
	for id, entries := range l.Changes {
		if id == "" || len(id) > maxID {
			continue
		}
		if log := logOf(entries, now); len(log) > 0 {
			m.Logs[id] = log
		}
	}
	Fit(m.Logs)
	m.Kept = small(l.Kept)
	return m, nil
}

// small leaves out what is larger than anything that evaluations keep.
func small(kept map[string]json.RawMessage) map[string]json.RawMessage {
	total := 0
	for name, value := range kept {
		total += len(name) + len(value)
	}
	if total > maxKept {
		return nil
	}
	return kept
}

// earliest is before the first version of the exporter.
func earliest() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }

// logOf orders changes, and leaves out those that are no changes, and those of a clock that was wrong.
func logOf(entries []entry, now time.Time) Log {
	var changes Log
	for _, e := range entries {
		if !e.At.Before(earliest()) && !e.At.After(now.Add(time.Hour)) {
			changes = append(changes, Change(e))
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return a.At.Compare(b.At) })
	changes = changes.young(now)
	log := Log{}
	for i, c := range changes[max(0, len(changes)-maxChanges):] {
		c.First = c.First && i == 0
		c.Summary = shorten(c.Summary)
		log = append(log, c)
	}
	return log
}

// write writes a history, each migration in a line.
func write(w io.Writer, h header, migrations []Migration, now time.Time) error {
	b := bufio.NewWriterSize(w, 64<<10)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	h.Format, h.Version, h.WrittenAt = formatName, formatVersion, now.UTC().Truncate(time.Second)
	if err := e.Encode(h); err != nil {
		return err
	}
	for i := range migrations {
		m := &migrations[i]
		if m.outdated(now) {
			continue
		}
		if err := e.Encode(lineOf(m, now)); err != nil {
			return err
		}
	}
	return b.Flush()
}

func lineOf(m *Migration, now time.Time) line {
	l := line{Migration: m.Name, Seen: m.Seen.UnixMilli(), Changes: map[string][]entry{}, Kept: small(m.Kept)}
	for _, at := range m.Reports {
		l.Reports = append(l.Reports, at.UnixMilli())
	}
	for _, id := range slices.Sorted(maps.Keys(m.Logs)) {
		for _, c := range m.Logs[id].young(now) {
			l.Changes[id] = append(l.Changes[id], entry(c))
		}
	}
	return l
}

// headerOf returns the first line of a file that begins with these bytes; the zero value when there is none.
func headerOf(beginning []byte) header {
	first, _, _ := bytes.Cut(beginning, []byte("\n"))
	var h header
	if json.Unmarshal(first, &h) != nil || h.Format != formatName {
		return header{}
	}
	return h
}
