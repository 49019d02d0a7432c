package privilege

import (
	"fmt"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
)

// Trust is the verdict on whether binary logging lets the tool create its triggers on Magento 1.
type Trust struct {
	BinaryLog BinaryLog
	// Trusted is Held when creating a trigger does not fail with error 1419: the binary log is off, the server trusts
	// those who create triggers, or the account has SUPER.
	Trusted  State
	Findings []finding.Finding
}

// AssessTrust judges Magento 1's binary-log trust. The server's answer to the probe's CREATE TRIGGER wins over what its
// variables say. A missing TRIGGER privilege is not its business.
func AssessTrust(o Observation, t Task) Trust {
	a := &trustAssessor{Observation: o, task: t, current: newReading(o.Server, o.session, o.Target.Database)}
	trusted := a.trusted()
	switch {
	case trusted == Missing && t.afterData() && o.deltaLog.complete():
		a.add(finding.Pass, "the server would refuse new triggers (error 1419), but all triggers of the change log "+
			"are there"+a.dropping(), "")
	case trusted == Missing:
		a.add(finding.Fail, "migrate:data would stop at \"setup triggers\" with error 1419: binary logging is on, and "+
			"the account has no SUPER", a.remedy())
	case trusted == Undetermined:
		a.add(finding.Unknown, "it is unknown whether the account may create triggers while binary logging is on",
			a.remedy())
	default:
		a.permanence()
	}
	return Trust{BinaryLog: o.Server.BinaryLog, Trusted: trusted, Findings: a.findings}
}

// dropping says what dropping the triggers after cutover needs.
func (a *trustAssessor) dropping() string {
	if a.Server.isMySQL8() {
		return ""
	}
	return "; dropping them after cutover will need SUPER or trust"
}

type trustAssessor struct {
	Observation
	task     Task
	current  reading
	findings []finding.Finding
}

func (a *trustAssessor) add(status finding.Status, summary, remedy string) {
	a.findings = append(a.findings, finding.Finding{Status: status, Subject: SubjectTrust, Summary: summary,
		Evidence: a.evidence(), Remedy: remedy})
}

func (a *trustAssessor) trusted() State {
	if a.session.probe.TrustMissing {
		return Missing
	}
	switch a.session.probe.Answers[Trigger].Number {
	case database.ErrNoSuchTable, database.ErrTableAccessDenied, database.ErrLockWaitTimeout:
		// The server looks at trust before it looks at the privilege and at the table.
		return Held
	}
	if !a.Server.BinaryLog.Open() || a.Server.BinaryLog.Trust {
		return Held
	}
	return a.super()
}

// super says whether the session has SUPER, the only privilege that counts here: BINLOG ADMIN, SET USER and the like do
// not.
func (a *trustAssessor) super() State { return a.globally(Super) }

// globally says whether the session holds a privilege that can only be granted on *.*.
func (a *trustAssessor) globally(p Privilege) State {
	switch h := a.current.holding(p); {
	case h.global:
		return Held
	case !a.current.complete:
		return Undetermined
	default:
		return Missing
	}
}

func (a *trustAssessor) evidence() string {
	b := a.Server.BinaryLog
	parts := []string{
		a.Server.Version.String(),
		"log_bin = " + onOff(b.Enabled),
		"log_bin_trust_function_creators = " + onOff(b.Trust),
		"SUPER " + a.super().String(),
	}
	if b.Enabled && b.Format != "" {
		parts = append(parts, "binlog_format = "+b.Format+", which makes no difference")
	}
	if b.Galera {
		parts = append(parts, "a Galera node, which counts as logging also with log_bin off")
	}
	if a.Server.ReadOnly {
		parts = append(parts, "read_only = ON")
	}
	if n := a.session.probe.Answers[Trigger].Number; n != 0 {
		parts = append(parts, fmt.Sprintf("CREATE TRIGGER on a missing table is answered by error %d", n))
	}
	if a.restart.origin != "" && b.Trust {
		parts = append(parts, "the value comes from "+a.restart.origin)
	}
	return fmt.Sprintf("%s; CURRENT_USER() is %s, USER() is %s", strings.Join(parts, ", "), a.Account, a.Login)
}

func onOff(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

const (
	setTrust     = "SET GLOBAL log_bin_trust_function_creators = 1;"
	persistTrust = "SET PERSIST log_bin_trust_function_creators = 1;"
	trustOption  = "log_bin_trust_function_creators = 1"
)

// remedy says how this server comes to trust this account.
func (a *trustAssessor) remedy() string {
	if a.Server.AmazonRDS {
		return a.parameterGroup()
	}
	lines := []string{a.whoSets()}
	if a.Server.isMySQL8() {
		lines = append(lines, persistTrust)
	} else {
		lines = append(lines, setTrust, "It takes effect at once and is lost when the server restarts, so write it "+
			"into its my.cnf as well:", "[mysqld]", trustOption)
	}
	if a.Server.BinaryLog.Galera {
		lines = append(lines, "Do so on each node of the cluster that the tool may reach.")
	}
	return strings.Join(append(lines, "Or, less safe, give the account SUPER:",
		"GRANT SUPER ON *.* TO "+a.Account.Quoted()+";"), "\n")
}

func (a *trustAssessor) whoSets() string {
	switch {
	case a.Server.isMariaDB() && a.globally(BinlogAdmin) == Held:
		return "This account can do it itself, as it has BINLOG ADMIN:"
	case a.Server.isMySQL8() && a.globally(SystemVariablesAdmin) == Held:
		return "This account can do it itself, as it has SYSTEM_VARIABLES_ADMIN:"
	case a.Server.isMariaDB():
		return "As an account with SUPER or BINLOG ADMIN:"
	case a.Server.isMySQL8():
		return "As an account with SUPER or SYSTEM_VARIABLES_ADMIN:"
	default:
		return "As an account with SUPER:"
	}
}

// parameterGroup is the only way on Amazon's servers, where nobody has SUPER. Automated backups switch the binary log
// on there.
func (a *trustAssessor) parameterGroup() string {
	group, command := "DB parameter group", "aws rds modify-db-parameter-group --db-parameter-group-name NAME"
	if a.Server.Aurora {
		group, command = "DB cluster parameter group", "aws rds modify-db-cluster-parameter-group "+
			"--db-cluster-parameter-group-name NAME"
	}
	return remedy(fmt.Sprintf("On Amazon RDS nobody has SUPER. Set %s in the instance's %s, not a default one; it "+
		"needs no restart:", trustOption, group),
		command+` --parameters "ParameterName=log_bin_trust_function_creators,ParameterValue=1,ApplyMethod=immediate"`)
}

// permanence tells what a restart of the server makes of the trust that is needed: a warning where it is known to be
// gone then, a note where that is unknown.
func (a *trustAssessor) permanence() {
	b := a.Server.BinaryLog
	if !b.Open() || !b.Trust || a.super() == Held || a.Server.AmazonRDS || a.restart.trust == Held {
		return
	}
	f := finding.Finding{Status: finding.Pass, Subject: SubjectTrustPermanent, Evidence: a.evidence(),
		Summary: "it is unknown whether log_bin_trust_function_creators survives a restart of the server: it can be " +
			"in the server's my.cnf"}
	if a.restart.trust == Missing {
		f.Status = finding.Warn
		f.Summary = "the server's own configuration sets log_bin_trust_function_creators to 0: after a restart " +
			"creating triggers fails with error 1419"
	}
	if a.Server.isMySQL8() {
		f.Remedy = remedy("As an administrator:", persistTrust)
	} else {
		f.Remedy = remedy("Write it into the server's my.cnf, if it is not there:", "[mysqld]", trustOption)
	}
	a.findings = append(a.findings, f)
}
