package precondition

import (
	"context"
	"slices"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/privilege"
)

// The metric families of privileges.
const (
	privilegesOK     = "privileges_ok"
	privilegeGranted = "privilege_granted"
)

// privileges checks that the tool's accounts have the privileges that the tool needs.
func privileges() Precondition {
	return Precondition{
		ID: "privileges", Title: "MySQL privileges", Phases: untilDone(),
		Needs: []Need{Magento1Database, Magento2Database},
		Families: []finding.Family{
			{
				Name: privilegesOK, Labels: []string{"system"},
				Help: "Whether the account holds every privilege that the migration tool needs, on magento1 also as " +
					"a firing trigger has them (1 yes, 0 no).",
			},
			{
				Name: privilegeGranted, Labels: []string{"system", "privilege"},
				Help: "Whether the account holds the privilege, on magento1 also as a firing trigger has it " +
					"(1 held, 0 missing).",
			},
		},
		Evaluate: evaluatePrivileges,
	}
}

func evaluatePrivileges(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "both accounts hold every privilege that the tool needs"}
	for _, s := range e.Systems() {
		if observation, ok := e.Privileges(ctx, s, &v); ok {
			assessment := privilege.Assess(observation, e.Task())
			if s.Name == finding.Magento1 {
				leaveToDeltaLog(ctx, e, &assessment)
			}
			judgePrivileges(&v, s, assessment)
		}
	}
	return v
}

// leaveToDeltaLog removes findings about the accounts that existing triggers run as: one cause is one finding.
func leaveToDeltaLog(ctx context.Context, e *evidence.Evidence, a *privilege.Assessment) {
	if s := e.Magento1; s.Session != nil {
		a.Findings = slices.DeleteFunc(a.Findings, func(f finding.Finding) bool {
			if f.Subject != privilege.SubjectDefiner && f.Subject != privilege.SubjectLiveShop {
				return false
			}
			var discarded finding.Verdict // delta_log reports it
			d, ok := e.Delta(ctx, &discarded)
			return ok && d.AboutTriggers(f, s)
		})
	}
}

func judgePrivileges(v *finding.Verdict, s *evidence.System, a privilege.Assessment) {
	for _, h := range a.Privileges {
		// An unknown privilege has no series: neither 0 nor 1 would be true.
		if h.State != privilege.Undetermined {
			v.Sample(privilegeGranted, finding.Bool(h.State == privilege.Held), string(s.Name), string(h.Privilege))
		}
	}
	if ok := a.OK(); ok != privilege.Undetermined {
		v.Sample(privilegesOK, finding.Bool(ok == privilege.Held), string(s.Name))
	}
	for _, f := range a.Findings {
		f.Subject = string(s.Name) + " " + f.Subject
		v.Add(f)
	}
}
