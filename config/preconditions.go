package config

import (
	"maps"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v4"
)

// Section declares the settings of one precondition: a key below preconditions in a migration's entry.
type Section struct {
	// ID is the precondition's id, and the section's key.
	ID string
	// New returns the default settings, as a pointer to a struct that embeds Judgment inline. It is nil when only a
	// severity can be set.
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

// Validator is implemented by settings with rules that the decoder cannot check.
type Validator interface {
	// Validate reports each fault with the path to the value, which starts in the section: keys are strings, positions
	// in lists are ints.
	Validate(fail func(message string, path ...any))
}

// PathSettings is implemented by settings that have file paths. Relative ones start at the folder of their
// configuration file.
type PathSettings interface {
	// Paths calls resolve for each file path, with its keys from the section on.
	Paths(resolve func(path *string, keys ...any))
}

// Judgment has the settings of every precondition.
type Judgment struct {
	Severity Severity `yaml:"severity"`
}

func (j *Judgment) severity() Severity { return j.Severity }

// Severity says whether a warning stays a warning or becomes a failure.
type Severity string

// The severities; an empty one is SeverityWarn.
const (
	SeverityWarn Severity = "warn"
	SeverityFail Severity = "fail"
)

// Preconditions holds the settings of the preconditions of one migration.
type Preconditions struct {
	sections map[string]Settings
	// nodes are the sections that are not decoded yet.
	nodes map[string]yaml.Node
}

// UnmarshalYAML implements yaml.Unmarshaler. The parser decodes the sections later.
func (p *Preconditions) UnmarshalYAML(node *yaml.Node) error { return node.Load(&p.nodes) }

// decode decodes the sections strictly. A section that is not set has its defaults; an unknown one stays in nodes.
func (p *Preconditions) decode(sections []Section) []error {
	var errs []error
	p.sections = map[string]Settings{}
	for _, section := range sections {
		settings := section.settings()
		if node, set := p.nodes[section.ID]; set {
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

// SettingsOf returns the settings of a precondition, those of an empty section when nothing is set.
func SettingsOf[T any](p *Preconditions, id string) *T {
	var section any = p.sections[id]
	if settings, ok := section.(*T); ok {
		return settings
	}
	return new(T)
}

// Severity returns the severity of a precondition's warnings.
func (p *Preconditions) Severity(id string) Severity {
	if s, ok := p.sections[id]; ok && s.severity() != "" {
		return s.severity()
	}
	return SeverityWarn
}

// withoutSeverities returns a copy of the settings in which no severity is set.
func (p *Preconditions) withoutSeverities() Preconditions {
	sections := map[string]Settings{}
	for id, section := range p.sections {
		settings := reflect.New(reflect.TypeOf(section).Elem())
		settings.Elem().Set(reflect.ValueOf(section).Elem())
		settings.Elem().FieldByName("Severity").SetZero()
		sections[id] = settings.Interface().(Settings)
	}
	return Preconditions{sections: sections, nodes: p.nodes}
}

// Key is the path of one of the migration's settings from the configuration's root, as remedies have it.
func (m *Migration) Key(path string) string { return "migrations[" + m.Name + "]." + path }
