package config

import (
	"errors"
	"time"

	"go.yaml.in/yaml/v4"
)

// Waiver excuses a precondition, or one subject of its findings, until it expires.
type Waiver struct {
	Precondition string `yaml:"precondition"`
	// Subject is a finding's subject; empty means the whole precondition.
	Subject string `yaml:"subject"`
	Reason  string `yaml:"reason"`
	Owner   string `yaml:"owner"`
	Expires Expiry `yaml:"expires"`
}

// Expiry is when a waiver expires. It is written as a date, which includes the whole day in UTC, or as RFC 3339.
type Expiry struct{ time.Time }

// UnmarshalYAML implements yaml.Unmarshaler.
func (e *Expiry) UnmarshalYAML(node *yaml.Node) error {
	if day, err := time.Parse(time.DateOnly, node.Value); err == nil {
		e.Time = day.AddDate(0, 0, 1)
		return nil
	}
	t, err := time.Parse(time.RFC3339, node.Value)
	if err != nil {
		return errors.New("expected a date like 2026-12-31 or a time like 2026-12-31T02:00:00Z")
	}
	e.Time = t.UTC()
	return nil
}
