package envphp

import (
	"fmt"

	"magento_migration_exporter/config/sourcefile"
)

// State is what is known of a setting.
type State string

const (
	// Absent is a setting that is known not to be there, so that Magento uses its default.
	Absent State = "absent"
	// Known is a setting whose value is known.
	Known State = "known"
	// Unknown is a setting that only PHP can compute, or of which only PHP knows whether it is there.
	Unknown State = "unknown"
)

// Setting is a value that Magento 2 reads.
type Setting[T any] struct {
	Place sourcefile.Place `json:"place"`
	State State            `json:"state"`
	// Value is the zero value unless the setting is known.
	Value T `json:"value"`
	// Reason says why the setting is unknown.
	Reason string `json:"reason,omitempty"`
	// Variable is the environment variable that the value, or the doubt, stems from. It is empty when that is the file.
	Variable string `json:"variable,omitempty"`
}

// Or returns the value of a known setting, and otherwise the given one.
func (s Setting[T]) Or(otherwise T) T {
	if s.State == Known {
		return s.Value
	}
	return otherwise
}

// Format hides secrets, whatever the verb.
func (s Setting[T]) Format(f fmt.State, _ rune) { sourcefile.Print(f, s) }

// convert turns a setting of one type into one of another. The conversion says why it is not possible.
func convert[From, To any](s Setting[From], conversion func(From) (To, string)) Setting[To] {
	result := Setting[To]{Place: s.Place, State: s.State, Reason: s.Reason, Variable: s.Variable}
	if s.State != Known {
		return result
	}
	value, problem := conversion(s.Value)
	if problem != "" {
		result.State, result.Reason = Unknown, problem
		return result
	}
	result.Value = value
	return result
}
