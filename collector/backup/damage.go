package backup

import (
	"errors"
	"fmt"
)

// damage is an error about the backup itself, as opposed to one about reading it: it ends as Report.Damage.
type damage struct {
	state     State
	at        int64 // offset in the decompressed stream, -1 where it has none
	truncated bool
	text      string
	advice    string // what to do about it, where that is not to make another backup
	place     string // the file of an archive or a folder that it is about
}

func (d *damage) Error() string { return d.text }

// corrupt says that what is at an offset cannot be right.
func corrupt(at int64, format string, args ...any) error {
	return &damage{state: StateDamaged, at: at, text: fmt.Sprintf(format, args...)}
}

// truncated says that the backup ends at an offset where more must follow.
func truncated(at int64, format string, args ...any) error {
	return &damage{state: StateDamaged, at: at, truncated: true, text: fmt.Sprintf(format, args...)}
}

// undetermined says that this reader cannot tell.
func undetermined(format string, args ...any) error {
	return &damage{state: StateUndetermined, at: -1, text: fmt.Sprintf(format, args...)}
}

// opaque says that it is not looked into, and what a person can do about it.
func opaque(advice, format string, args ...any) error {
	return &damage{state: StateOpaque, at: -1, text: fmt.Sprintf(format, args...), advice: advice}
}

// errChanged ends the reading of a file that is being written.
var errChanged = errors.New("it changed while it was read")

// judge writes the outcome of a reading into the report. Errors that are not about the content (an I/O error, a
// permission) leave the state undetermined.
func (r *Report) judge(err error) {
	var d *damage
	switch {
	case err == nil:
		r.State, r.Offset = StateWhole, -1
	case errors.As(err, &d):
		r.State, r.Damage, r.Offset, r.Truncated = d.state, d.text, d.at, d.truncated
		if d.advice != "" {
			r.Advice = d.advice
		}
		if d.place != "" {
			r.Place = d.place
		}
	case errors.Is(err, errChanged):
		r.State, r.Damage, r.Offset = StateInProgress, err.Error(), -1
	default:
		r.State, r.Damage, r.Offset, r.unread = StateUndetermined, err.Error(), -1, true
	}
}
