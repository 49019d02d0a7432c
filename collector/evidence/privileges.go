package evidence

import (
	"context"
	"errors"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/privilege"
	"magento_migration_exporter/config/toolmap"
)

// Privileges asks the server on a new session what the account may do. The preconditions that need it share one
// observation. It is false when there is none; the verdict then says why.
func (e *Evidence) Privileges(ctx context.Context, s *System, v *finding.Verdict) (privilege.Observation, bool) {
	// The account may log in but not use the database: it has no privilege there, and the probe shows that.
	if database.CauseOf(s.Err) != database.DatabaseDenied && s.Unreachable(v) {
		return privilege.Observation{}, false
	}
	s.observe.Do(func() { s.observation, s.observeErr = e.observe(ctx, s) })
	if s.observeErr != nil {
		summary, remedy := s.StatementFault(s.observeErr)
		v.Unknown(string(s.Name), "the privileges on "+s.Label()+"'s database are unknown: "+summary,
			s.observeErr.Error(), remedy)
		return privilege.Observation{}, false
	}
	return s.observation, true
}

func (e *Evidence) observe(ctx context.Context, s *System) (o privilege.Observation, err error) {
	session, err := s.open(ctx, database.Options{Probing: true})
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	target := privilege.Target{System: s.Name, Database: s.Endpoint.Name, TablePrefix: s.Prefix}
	if s.Name == finding.Magento2 {
		target.DirectCopyFrom = e.directCopyFrom()
	}
	return privilege.Observe(ctx, session, target)
}

// directCopyFrom returns Magento 1's database when config.xml tells the tool to copy within one server.
func (e *Evidence) directCopyFrom() string {
	if e.Tool.Config == nil || strings.TrimSpace(e.Tool.Config.Value("direct_document_copy")) != "1" {
		return ""
	}
	return e.Magento1.Endpoint.Name
}

// Task is what the tool will do next, according to its configuration.
func (e *Evidence) Task() privilege.Task {
	t := privilege.Task{Phase: e.Phase.Phase}
	edition, version := e.Tool.Mapping()
	release := FirstTwo(version)
	commerce := strings.HasPrefix(edition, "commerce-")
	t.Commerce = commerce && (release == "1.13" || release == "1.14")
	t.NormalizationIDs = commerce && release == "1.11" || !commerce && release == "1.6"
	if path := e.Tool.File("delta_document_groups_file", e.Migration.Magento2.Root); path != "" {
		// migration_tool reports a file that cannot be read; here it means that any table may get triggers.
		if groups, err := toolmap.ReadGroups(path); err == nil {
			for _, group := range deltaGroups() {
				for _, table := range groups.Names(group) {
					t.DeltaTables = append(t.DeltaTables, e.Magento1.Prefix+table)
				}
			}
		}
	}
	return t
}

// deltaGroups are the groups of tables that delta watches, in the files of all the tool's mappings.
func deltaGroups() []string {
	return []string{
		"delta_map", "delta_log", "delta_customer", "delta_sales_sequence", "delta_inventory", "delta_tier_price",
		"delta_url_rewrite", "delta_configurable_price",
	}
}
