// Package collector evaluates the preconditions of a migration and exports the results.
//
// Data flows one way: the evaluator runs each precondition's function on evidence, the board keeps the latest results, and metrics and
// the readiness document are made from the board.
package collector

import "context"

// Precondition is one thing that must be true before a migration starts.
type Precondition struct {
	// ID is the label value, the key in the configuration and the anchor in the documentation.
	ID string
	// Title is for people.
	Title    string
	evaluate func(context.Context, *Evidence) Verdict
}

// DocsURL is where the exporter itself explains the precondition.
func (p Precondition) DocsURL() string { return "/docs/preconditions#" + p.ID }

// Catalogue returns all preconditions in the order of the migration guide.
func Catalogue() []Precondition {
	return []Precondition{
		{"network", "The tool reaches both databases", evaluateNetwork},
		{"m2_installed", "Magento 2 is installed", evaluateM2Installed},
		{"system_requirements", "Magento 2 meets the system requirements", evaluateSystemRequirements},
		{"topology", "Magento 2's topology at least matches Magento 1's", evaluateTopology},
		{"cron_stopped", "Magento 2's cron jobs are not started", evaluateCronStopped},
		{"backup", "The Magento 2 database was backed up after installation", evaluateBackup},
		{"privileges", "The MySQL accounts have all necessary privileges", evaluatePrivileges},
		{"binlog_trust", "Magento 1's binary log lets the tool create triggers", evaluateBinlogTrust},
		{"m2_entities", "Magento 2 has no new entities", evaluateM2Entities},
		{"extensions", "Magento 1's extensions are migrated", evaluateExtensions},
		{"migration_tool", "The Data Migration Tool is installed", evaluateMigrationTool},
	}
}

// PreconditionIDs returns the ids in the catalogue's order.
func PreconditionIDs() []string {
	var ids []string
	for _, p := range Catalogue() {
		ids = append(ids, p.ID)
	}
	return ids
}
