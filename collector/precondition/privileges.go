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
			stopped := s.Name == finding.Magento1 && leaveToDeltaLog(ctx, e, &assessment)
			held := assessment.OK()
			if stopped {
				leaveFailure(&assessment)
			}
			judgePrivileges(&v, s, assessment, held)
		}
	}
	return v
}

// leaveToDeltaLog removes findings about the accounts that existing triggers run as: one cause is one finding. It
// reports whether delta_log fails because this account lacks something.
func leaveToDeltaLog(ctx context.Context, e *evidence.Evidence, a *privilege.Assessment) (stopped bool) {
	s := e.Magento1
	if s.Session == nil {
		return false
	}
	a.Findings = slices.DeleteFunc(a.Findings, func(f finding.Finding) bool {
		if f.Subject != privilege.SubjectDefiner && f.Subject != privilege.SubjectLiveShop {
			return false
		}
		var discarded finding.Verdict // delta_log reports it
		d, ok := e.Delta(ctx, &discarded)
		leave := ok && d.AboutTriggers(f, s)
		stopped = stopped || leave && f.Subject == privilege.SubjectLiveShop
		return leave
	})
	return stopped
}

// leaveFailure demotes what delta_log fails for: one cause is one failure.
func leaveFailure(a *privilege.Assessment) {
	for i, f := range a.Findings {
		if f.Status == finding.Fail && privilege.StopsTriggers(f.Subject) {
			a.Findings[i].Status = finding.Warn
			a.Findings[i].Evidence += "; delta_log fails for it, because it stops the live shop"
		}
	}
}

// judgePrivileges adds what was found. Held is what the metric says: a demoted finding makes no privilege be there.
func judgePrivileges(v *finding.Verdict, s *evidence.System, a privilege.Assessment, held privilege.State) {
	for _, h := range a.Privileges {
		// An unknown privilege has no series: neither 0 nor 1 would be true.
		if h.State != privilege.Undetermined {
			v.Sample(privilegeGranted, finding.Bool(h.State == privilege.Held), string(s.Name), string(h.Privilege))
		}
	}
	if held != privilege.Undetermined {
		v.Sample(privilegesOK, finding.Bool(held == privilege.Held), string(s.Name))
	}
	for _, f := range a.Findings {
		f.Subject = string(s.Name) + " " + f.Subject
		v.Add(f)
	}
}
