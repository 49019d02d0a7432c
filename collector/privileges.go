package collector

import (
	"context"
	"errors"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/privilege"
)

// evaluatePrivileges tells whether the tool's accounts may do what the tool does.
func evaluatePrivileges(ctx context.Context, e *Evidence) Verdict {
	v := Verdict{Summary: "both accounts hold every privilege that the tool needs"}
	for _, s := range []*System{e.Magento1, e.Magento2} {
		if observation, ok := s.observePrivileges(ctx, &v); ok {
			judgePrivileges(&v, s, privilege.Assess(observation, task(e)))
		}
	}
	return v
}

// task is what the tool will do next.
func task(e *Evidence) privilege.Task { return privilege.Task{Phase: privilege.Phase(e.Phase.Phase)} }

func judgePrivileges(v *Verdict, s *System, a privilege.Assessment) {
	for _, h := range a.Privileges {
		// A privilege that cannot be told has no series: neither 0 nor 1 would be true.
		if h.Direct != privilege.Undetermined {
			v.sample(privilegeGranted, boolValue(h.Direct == privilege.Held), s.Name, string(h.Privilege))
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
func (s *System) observePrivileges(ctx context.Context, v *Verdict) (privilege.Observation, bool) {
	// An account that may log in and not use the database holds nothing there, and the probe says so.
	if database.CauseOf(s.Err) != database.DatabaseDenied && s.unseen(v) {
		return privilege.Observation{}, false
	}
	s.observe.Do(func() { s.observation, s.observeErr = s.observeOnce(ctx) })
	if s.observeErr != nil {
		v.unknown(s.Name, "the privileges on "+s.label()+"'s database cannot be told", s.observeErr.Error(), "Look at the message; the next evaluation tries again.")
		return privilege.Observation{}, false
	}
	return s.observation, true
}

func (s *System) observeOnce(ctx context.Context) (o privilege.Observation, err error) {
	session, err := s.openProbing(ctx)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	target := privilege.Target{System: privilege.System(s.Name), Database: s.Endpoint.Name, TablePrefix: s.Prefix}
	return privilege.Observe(ctx, session.Conn(), target)
}
