package config

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"
)

// Section declares the settings of one precondition: what stands under preconditions in a migration's entry.
type Section struct {
	// ID is the precondition's, and the section's key.
	ID string
	// New returns settings as they are when nothing is said, as a pointer to a struct that embeds Judgment inline; nil
	// stands for a precondition that can only be given a severity.
	New func() Settings
}

func (s Section) settings() Settings {
	if s.New == nil {
		return &Judgment{}
	}
	return s.New()
}

// Settings are one precondition's settings.
type Settings interface {
	severity() Severity
}

// Validator is implemented by settings that have rules which the decoder does not know.
type Validator interface {
	// Validate reports each fault with the path to the value, from the section on: keys as string, positions in lists
	// as int.
	Validate(fail func(message string, path ...any))
}

// PathSettings is implemented by settings that name files. Relative paths are taken from the folder of the file in
// which they stand.
type PathSettings interface {
	// Paths calls resolve for each path and the way to it, from the section on.
	Paths(resolve func(path *string, keys ...any))
}

// Judgment is what can be set for every precondition.
type Judgment struct {
	Severity Severity `yaml:"severity"`
}

func (j *Judgment) severity() Severity { return j.Severity }

// Severity says what a warning counts as.
type Severity string

// The severities; an empty one is SeverityWarn.
const (
	SeverityWarn Severity = "warn"
	SeverityFail Severity = "fail"
)

// Preconditions holds the settings of the preconditions of one migration.
type Preconditions struct {
	sections map[string]Settings
	// nodes are the sections as they are written, until they are decoded.
	nodes map[string]yaml.Node
}

// UnmarshalYAML implements yaml.Unmarshaler. What the sections mean is known to the parser, which decodes them.
func (p *Preconditions) UnmarshalYAML(node *yaml.Node) error { return node.Load(&p.nodes) }

// decode decodes the sections strictly. A section that is not said has its defaults; one that is not known is left.
func (p *Preconditions) decode(sections []Section) []error {
	var errs []error
	p.sections = map[string]Settings{}
	for _, section := range sections {
		settings := section.settings()
		if node, said := p.nodes[section.ID]; said {
			if err := node.Load(settings, yaml.WithKnownFields()); err != nil {
				errs = append(errs, err)
			}
			delete(p.nodes, section.ID)
		}
		p.sections[section.ID] = settings
	}
	return errs
}

// All returns the settings of all preconditions, in the order of the ids.
func (p *Preconditions) All() []Settings {
	var all []Settings
	for _, id := range slices.Sorted(maps.Keys(p.sections)) {
		all = append(all, p.sections[id])
	}
	return all
}

// SettingsOf returns the settings of a precondition, those of an empty section where nothing was said.
func SettingsOf[T any](p *Preconditions, id string) *T {
	var said any = p.sections[id]
	if settings, ok := said.(*T); ok {
		return settings
	}
	return new(T)
}

// Severity returns how the warnings of a precondition count.
func (p *Preconditions) Severity(id string) Severity {
	if s, ok := p.sections[id]; ok && s.severity() != "" {
		return s.severity()
	}
	return SeverityWarn
}

// Key names one of the migration's settings from the configuration's root, as remedies do.
func (m *Migration) Key(path string) string { return "migrations[" + m.Name + "]." + path }
