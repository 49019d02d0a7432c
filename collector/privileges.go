package collector

import (
	"context"
	"errors"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/privilege"
	"magento_migration_exporter/config/toolmap"
)

// evaluatePrivileges tells whether the tool's accounts may do what the tool does.
func evaluatePrivileges(ctx context.Context, e *Evidence) Verdict {
	v := Verdict{Summary: "both accounts hold every privilege that the tool needs"}
	for _, s := range []*System{e.Magento1, e.Magento2} {
		if observation, ok := s.observePrivileges(ctx, &v, e); ok {
			judgePrivileges(&v, s, privilege.Assess(observation, task(e)))
		}
	}
	return v
}

// task is what the tool will do next, as far as its configuration tells.
func task(e *Evidence) privilege.Task {
	t := privilege.Task{Phase: privilege.Phase(e.Phase.Phase)}
	edition, version := e.Tool.mapping()
	release := firstTwo(version)
	commerce := strings.HasPrefix(edition, "commerce-")
	t.Commerce = commerce && (release == "1.13" || release == "1.14")
	t.NormalizationIDs = commerce && release == "1.11" || !commerce && release == "1.6"
	if path := e.Tool.file("delta_document_groups_file", e.Migration.Magento2.Root); path != "" {
		// A file that cannot be read is migration_tool's business; here it means that any table may get triggers.
		if groups, err := toolmap.ReadGroups(path); err == nil {
			for _, group := range deltaGroups {
				for _, table := range groups.Names(group) {
					t.DeltaTables = append(t.DeltaTables, e.Magento1.Prefix+table)
				}
			}
		}
	}
	return t
}

// deltaGroups are the groups of the tool's change log, in the files of all its mappings.
var deltaGroups = []string{"delta_map", "delta_log", "delta_customer", "delta_sales_sequence", "delta_inventory", "delta_tier_price", "delta_url_rewrite", "delta_configurable_price"}

// directCopyFrom returns Magento 1's database when the tool is told to copy within one server.
func directCopyFrom(e *Evidence) string {
	if e.Tool.Config == nil || strings.TrimSpace(e.Tool.Config.Value("direct_document_copy")) != "1" {
		return ""
	}
	return e.Magento1.Endpoint.Name
}

func judgePrivileges(v *Verdict, s *System, a privilege.Assessment) {
	for _, h := range a.Privileges {
		// A privilege that cannot be told has no series: neither 0 nor 1 would be true.
		if h.State != privilege.Undetermined {
			v.sample(privilegeGranted, boolValue(h.State == privilege.Held), s.Name, string(h.Privilege))
		}
	}
	if ok := a.OK(); ok != privilege.Undetermined {
		v.sample(privilegesOK, boolValue(ok == privilege.Held), s.Name)
	}
	for _, f := range a.Findings {
		v.addPrivilegeFinding(s.Name+" ", f)
	}
}

func (v *Verdict) addPrivilegeFinding(subjectPrefix string, f privilege.Finding) {
	status := map[privilege.Level]Status{privilege.Note: Pass, privilege.Warn: Warn, privilege.Unknown: Unknown, privilege.Fail: Fail}[f.Level]
	v.add(Finding{status, subjectPrefix + f.Subject, f.Summary, f.Evidence, f.Remedy})
}

// observePrivileges asks the server on a fresh session. The two preconditions that need it share what it saw.
func (s *System) observePrivileges(ctx context.Context, v *Verdict, e *Evidence) (privilege.Observation, bool) {
	// An account that may log in and not use the database holds nothing there, and the probe says so.
	if database.CauseOf(s.Err) != database.DatabaseDenied && s.unseen(v) {
		return privilege.Observation{}, false
	}
	s.observe.Do(func() { s.observation, s.observeErr = s.observeOnce(ctx, e) })
	if s.observeErr != nil {
		summary, remedy := s.statementFault(s.observeErr)
		v.unknown(s.Name, "the privileges on "+s.label()+"'s database cannot be told: "+summary, s.observeErr.Error(), remedy)
		return privilege.Observation{}, false
	}
	return s.observation, true
}

func (s *System) observeOnce(ctx context.Context, e *Evidence) (o privilege.Observation, err error) {
	session, err := s.openProbing(ctx)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	target := privilege.Target{System: privilege.System(s.Name), Database: s.Endpoint.Name, TablePrefix: s.Prefix}
	if s.Name == magento2 {
		target.DirectCopyFrom = directCopyFrom(e)
	}
	return privilege.Observe(ctx, session.Conn(), target)
}
