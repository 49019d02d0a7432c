// Package precondition has the preconditions of a migration: one file for each, which declares everything about it and
// judges what package evidence has gathered. No precondition uses the file of another one.
package precondition

import (
	"context"
	"slices"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

// Precondition is one thing that must be true before a migration starts.
type Precondition struct {
	// ID is the label value, the key in the configuration and the anchor in the documentation.
	ID string
	// Title is its name for people. It is shown beside a status, so it names the subject and states nothing.
	Title string
	// Group is the group of the precondition; empty means GroupGuide.
	Group Group
	// Needs is what it looks at.
	Needs []Need
	// Phases are those in which it applies; it is not_applicable in the others. Empty means all.
	Phases []config.Phase
	// Families are the metric families of its samples.
	Families []finding.Family
	// Settings returns its settings with their defaults; nil when only a severity can be set.
	Settings func() config.Settings
	// Evaluate judges. It must return soon after the context ends.
	Evaluate func(context.Context, *evidence.Evidence) finding.Verdict
	// Configured returns samples that depend only on the configuration: they exist even when the result is unknown. It
	// may be nil.
	Configured func(*config.Migration) []finding.Sample
	// Wait returns when the background work that an evaluation needs is done, or ctx ends. It may be nil.
	Wait func(context.Context, *config.Migration, *backup.Reader)
	// Leave ends the background work for a migration that is no longer configured. It may be nil.
	Leave func(migration string, backups *backup.Reader)
}

// Group is a group of preconditions, as the JSON has it.
type Group string

// The groups: the preconditions of the migration guide, and those after it until the cutover.
const (
	GroupGuide   Group = "guide"
	GroupCutover Group = "cutover"
)

// Need is something that a precondition looks at.
type Need string

// What preconditions look at.
const (
	Magento1Database Need = "Magento 1's database"
	Magento2Database Need = "Magento 2's database"
	LocalFiles       Need = "files on this host"
)

// untilDone returns all phases except done.
func untilDone() []config.Phase {
	return slices.DeleteFunc(config.Phases(), func(p config.Phase) bool { return p == config.PhaseDone })
}

// Catalogue is a list of preconditions in the order in which they are shown.
type Catalogue []Precondition

// All returns the preconditions of the migration guide, in its order, and then those of the cutover.
func All() Catalogue {
	return Catalogue{
		network(),
		m2Installed(),
		systemRequirements(),
		topology(),
		cronStopped(),
		backups(),
		privileges(),
		binlogTrust(),
		m2Entities(),
		extensions(),
		migrationTool(),
		migrationRun(),
		deltaLog(),
		deltaBacklog(),
		reconciliation(),
		incrementIDs(),
		switchover(),
	}
}

// DocsURL is the page of the exporter that explains the precondition.
func (p *Precondition) DocsURL() string { return "/docs/preconditions#" + p.ID }

// AppliesIn reports whether the precondition applies in a phase. An unknown phase is empty; it applies there.
func (p *Precondition) AppliesIn(phase config.Phase) bool {
	return len(p.Phases) == 0 || phase == "" || slices.Contains(p.Phases, phase)
}

// IDs returns the ids in the catalogue's order.
func (c Catalogue) IDs() []string {
	var ids []string
	for i := range c {
		ids = append(ids, c[i].ID)
	}
	return ids
}

// Sections declares the preconditions' settings to the configuration.
func (c Catalogue) Sections() []config.Section {
	var sections []config.Section
	for i := range c {
		sections = append(sections, config.Section{ID: c[i].ID, New: c[i].Settings})
	}
	return sections
}

// Families returns the metric families of all preconditions.
func (c Catalogue) Families() []finding.Family {
	var families []finding.Family
	for i := range c {
		families = append(families, c[i].Families...)
	}
	return families
}
