package finding

import "fmt"

// Status is the verdict on a precondition. The zero value is Unknown.
type Status int

// The statuses.
const (
	Unknown Status = iota
	Pass
	Warn
	Fail
	NotApplicable
	Waived
)

// Statuses returns all of them in the order in which they are exported.
func Statuses() []Status { return []Status{Pass, Warn, Fail, Unknown, NotApplicable, Waived} }

// String is the status as labels and JSON have it.
func (s Status) String() string {
	switch s {
	case Pass:
		return "pass"
	case Warn:
		return "warn"
	case Fail:
		return "fail"
	case NotApplicable:
		return "not_applicable"
	case Waived:
		return "waived"
	default:
		return "unknown"
	}
}

// MarshalText implements encoding.TextMarshaler.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Status) UnmarshalText(text []byte) error {
	for _, known := range Statuses() {
		if known.String() == string(text) {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("no status is called %q", text)
}

// Ready reports whether the status lets a migration start.
func (s Status) Ready() bool { return s != Fail && s != Unknown }

// Rank orders statuses by importance: a precondition has the status of its worst finding.
func (s Status) Rank() int {
	switch s {
	case Fail:
		return 4
	case Unknown:
		return 3
	case Warn:
		return 2
	case Waived:
		return 1
	default:
		return 0
	}
}
