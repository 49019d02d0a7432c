package delta

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Modes of the tool, in the order in which they are run.
const (
	ModeSettings = "settings"
	ModeData     = "data"
	ModeDelta    = "delta"
)

// Modes returns the modes of the tool in the order in which they are run.
func Modes() []string { return []string{ModeSettings, ModeData, ModeDelta} }

// The tool's stages that findings depend on, as its log has them.
const (
	StageIntegrity = "integrity check"
	StageTriggers  = "setup triggers"
	StageData      = "data migration"
	StageVolume    = "volume check"
	StageDelta     = "delta delivering"
)

// ModeRun is the last run of a mode by the tool's log. The zero value has not run.
type ModeRun struct {
	Mode string
	// Began and At are the times of its first and its last line.
	Began, At time.Time
	// Stage and Step are those of the last line that has them.
	Stage, Step string
	// Last are the words of the last line.
	Last string
	// Completed is true when the tool said so; of a delta when its last cycle was completed.
	Completed bool
	// Refused is true when the tool ended after its integrity check.
	Refused bool
	// Failed is true when the last line is an error.
	Failed bool
	// Errors are the first errors that it logged; ErrorCount counts all.
	Errors     []string
	ErrorCount int

	first string
}

// Ran reports whether the log has a run of the mode.
func (r ModeRun) Ran() bool { return !r.At.IsZero() }

// Took is how long it took.
func (r ModeRun) Took() time.Duration { return r.At.Sub(r.Began) }

// maxErrors bounds how many errors of a run are kept.
const maxErrors = 5

// History is what the tool's log says of earlier runs. It remembers how far it has read: a log that grows for weeks is
// read once, and then only its end. The zero value has not read anything. A copy is independent.
type History struct {
	// Runs are by mode: settings, data, delta.
	Runs [3]ModeRun
	// Longest is how long the longest completed run of mode data took; 0 when none was.
	Longest time.Duration

	file   os.FileInfo
	offset int64
	// present is the index of the mode of the last line that has one, -1 for none; quiet is the last line of a delta
	// that only says that a stage was started: most of a log are such lines.
	present int
	quiet   string
}

// Read reads what has been written since the last call, at most a budget. Done is false when there is more.
func (h *History) Read(path string) (done bool, err error) {
	f, info, err := open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if h.file == nil || !os.SameFile(h.file, info) || info.Size() < h.offset {
		*h = History{present: -1}
	}
	h.file = info
	block := make([]byte, 1<<20)
	for budget := int64(scanBudget); budget > 0 && h.offset < info.Size(); {
		n, err := f.ReadAt(block, h.offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, fmt.Errorf("reading %s: %w", path, err)
		}
		used := h.lines(block[:n])
		h.offset += int64(used)
		budget -= int64(n)
		if used == 0 {
			break // the tool is writing this line
		}
	}
	h.flush()
	return h.offset >= info.Size() || info.Size()-h.offset < int64(len(block)), nil
}

// lines reads the whole lines of a block and returns their length. A line as long as the block is passed over.
func (h *History) lines(block []byte) (used int) {
	for {
		end := bytes.IndexByte(block[used:], '\n')
		if end < 0 {
			break
		}
		h.line(block[used : used+end])
		used += end + 1
	}
	if used == 0 && len(block) == cap(block) {
		return len(block)
	}
	return used
}

var (
	deltaMark  = []byte("[mode: delta]")
	started    = []byte(": started")
	noticeMark = []byte("[NOTICE]: You can use --auto")
)

func (h *History) line(text []byte) {
	text = bytes.TrimRight(text, "\r")
	if bytes.HasSuffix(text, started) && bytes.Contains(text[:min(len(text), overlap)], deltaMark) &&
		h.present == 2 && len(text) < overlap {
		h.quiet = string(text)
		return
	}
	h.flush()
	if bytes.HasPrefix(text, noticeMark) && h.present >= 0 {
		h.Runs[h.present].Refused = h.Runs[h.present].Stage == StageIntegrity
		return
	}
	if l, ok := ParseLine(string(text[:min(len(text), 2*maxLine)])); ok {
		h.note(l)
	}
}

// flush notes the last quiet line.
func (h *History) flush() {
	if h.quiet == "" {
		return
	}
	if l, ok := ParseLine(h.quiet); ok {
		h.note(l)
	}
	h.quiet = ""
}

func (h *History) note(l Line) {
	if l.Mode == "" {
		if h.present >= 0 {
			h.Runs[h.present].words(l)
		}
		return
	}
	i := slices.Index(Modes(), l.Mode)
	if i < 0 {
		return
	}
	r := &h.Runs[i]
	if h.present != i || r.begins(l) {
		*r = ModeRun{Mode: l.Mode, Began: l.At, first: l.Step}
	}
	h.present = i
	r.At, r.Stage, r.Step, r.Last = l.At, l.Stage, l.Step, l.Text
	r.Completed, r.Failed, r.Refused = completes(l), false, false
	if l.Mode == ModeData && r.Completed {
		h.Longest = max(h.Longest, r.Took())
	}
}

// completes reports whether a line says that the run, or a cycle of the delta, was completed.
func completes(l Line) bool {
	return strings.HasPrefix(l.Text, "Migration completed") || strings.HasPrefix(l.Text, "Automatic restart")
}

// begins reports whether a line is the first one of another run of the same mode: each run begins with the integrity
// checks, of which each step has one.
func (r *ModeRun) begins(l Line) bool {
	if l.Mode == ModeDelta || l.Stage != StageIntegrity {
		return false
	}
	return r.Completed || r.Stage != StageIntegrity || l.Step == r.first
}

// words notes a line without a mode.
func (r *ModeRun) words(l Line) {
	r.At, r.Last = l.At, l.Text
	r.Failed = l.Level == "ERROR"
	if !r.Failed {
		return
	}
	r.Completed = false
	r.ErrorCount++
	if len(r.Errors) < maxErrors {
		r.Errors = append(slices.Clone(r.Errors), l.Text)
	}
}
