package privilege

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
)

// Holding is the verdict on one privilege that the tool needs.
type Holding struct {
	Privilege Privilege
	// For says what the tool needs it for.
	For string
	// State is Held where the session holds the privilege and, if the tool's triggers need it, their definer will hold
	// it when they fire.
	State State
	// Evidence says what the server answered and which line of SHOW GRANTS gives or hides it.
	Evidence string

	session, definer State
	answer           Answer
	reading          State
}

// Assessment is the verdict on an account's privileges on a database.
type Assessment struct {
	// Login is USER() and Account is CURRENT_USER().
	Login, Account Account
	// Privileges are those that the tool needs, in a fixed order.
	Privileges []Holding
	// Findings come in a fixed order; the worst is the status.
	Findings []finding.Finding
	// Grant are the statements that give the account what it lacks, each on a line of its own; it is empty when the
	// account lacks nothing.
	Grant string
}

// OK is Held where the account, and on Magento 1 also the definer of triggers that are there already, has all that the
// tool needs. It is Undetermined where that is unknown. It follows from the findings, so it never contradicts the
// status.
func (a Assessment) OK() State {
	status := finding.Pass
	for _, f := range a.Findings {
		if f.Status.Rank() > status.Rank() {
			status = f.Status
		}
	}
	switch status {
	case finding.Fail:
		return Missing
	case finding.Unknown:
		return Undetermined
	default:
		return Held
	}
}

// assessor gathers the findings on one observation.
type assessor struct {
	Observation
	task     Task
	current  reading // of the session
	firing   reading // of the definer of the tool's triggers
	holdings []Holding
	findings []finding.Finding
	grant    string
}

// Assess judges the privileges of an account. It takes the server's answers to the probe for the truth and SHOW GRANTS
// for the explanation. Whether the server takes writes at all is for [AssessReadOnly] to judge.
func Assess(o Observation, t Task) Assessment {
	a := &assessor{Observation: o, task: t, current: newReading(o.Server, o.session, o.Target.Database)}
	a.firing = newReading(o.Server, o.whenFiring(), o.Target.Database)
	a.judge()
	a.grant = a.missingGrant()
	a.account()
	// What endangers the shop that sells goes before what only stops the migration.
	a.liveShop()
	a.roles()
	a.missing()
	a.hidden()
	a.directCopies()
	a.unreadGrants()
	a.definers()
	a.brokenTriggers()
	return Assessment{Login: o.Login, Account: o.Account, Privileges: a.holdings, Findings: a.findings, Grant: a.grant}
}

// whenFiring is how the account stands as the definer of a trigger.
func (o Observation) whenFiring() standing {
	if o.definer != nil {
		return *o.definer
	}
	return o.session
}

func (a *assessor) add(status finding.Status, subject, summary, evidence, remedy string) {
	a.findings = append(a.findings,
		finding.Finding{Status: status, Subject: subject, Summary: summary, Evidence: evidence, Remedy: remedy})
}

// judge decides on each privilege.
func (a *assessor) judge() {
	for _, need := range required(a.Observation, a.task) {
		h := Holding{Privilege: need.privilege, For: need.reason}
		h.session, h.answer = decide(a.answer(need.privilege), a.current, a.session.probe, need.privilege)
		h.definer = h.session
		if a.definer != nil && slices.Contains(firing(), need.privilege) {
			h.definer, _ = decide(a.definer.probe.Answers[need.privilege], a.firing, a.definer.probe, need.privilege)
		}
		h.State = both(h.session, h.definer)
		h.reading = a.current.holding(need.privilege).state
		h.Evidence = a.evidence(h)
		a.holdings = append(a.holdings, h)
	}
}

// both is the state of what is needed twice.
func both(a, b State) State {
	switch {
	case a == Missing || b == Missing:
		return Missing
	case a == Undetermined || b == Undetermined:
		return Undetermined
	default:
		return Held
	}
}

// answer returns what the server itself said about a privilege.
func (a *assessor) answer(p Privilege) Answer {
	if p == ShowView {
		return a.showView
	}
	return a.session.probe.Answers[p]
}

// decide takes the server's answer or, where there is none, what SHOW GRANTS says. SHOW GRANTS does not decide on a
// database grant when the server has contradicted it elsewhere: then grants count that it does not show.
func decide(answer Answer, r reading, probe ProbeResult, p Privilege) (State, Answer) {
	if answer.State != Undetermined {
		return answer.State, answer
	}
	h := r.holding(p)
	if !h.global && contradicts(r, probe) {
		return Undetermined, answer
	}
	return h.state, answer
}

// contradicts reports whether the server answered otherwise than SHOW GRANTS says.
func contradicts(r reading, probe ProbeResult) bool {
	for p, answer := range probe.Answers {
		if s := r.holding(p).state; answer.State != Undetermined && s != Undetermined && s != answer.State {
			return true
		}
	}
	return false
}

// evidence puts together who asked, what the server answered and what SHOW GRANTS says.
func (a *assessor) evidence(h Holding) string {
	var text string
	switch h.answer.State {
	case Held:
		text = fmt.Sprintf("the server lets the account use %s", h.Privilege)
	case Missing:
		text = fmt.Sprintf("the server denies %s (error %d)", h.Privilege, h.answer.Number)
	default:
		text = h.answer.Why
	}
	return strings.Join([]string{text, a.current.explain(h.Privilege), a.who()}, "; ")
}

// who names the login and the account, which need not be the same.
func (a *assessor) who() string {
	text := fmt.Sprintf("CURRENT_USER() is %s, USER() is %s", a.Account, a.Login)
	if len(a.session.roles) > 0 {
		text += ", active role: " + roleNames(a.session.roles)
	}
	return text
}

func roleNames(roles []Account) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = r.User
	}
	return strings.Join(names, ", ")
}

// with returns the needed privileges for which a test holds.
func (a *assessor) with(test func(Holding) bool) []Privilege {
	var list []Privilege
	for _, h := range a.holdings {
		if test(h) {
			list = append(list, h.Privilege)
		}
	}
	return list
}

// missingGrant returns the statements for all that is missing. They go to the account itself, also where a role would
// do.
func (a *assessor) missingGrant() string {
	lacking := a.with(func(h Holding) bool { return h.State == Missing })
	if len(lacking) == 0 || a.isAnonymous() {
		return ""
	}
	return a.grantAll()
}

func (a *assessor) grantAll() string {
	standings := []standing{a.session}
	if a.definer != nil {
		standings = append(standings, *a.definer)
	}
	request := grantRequest{a.Account, a.Server, a.Target.Database, a.own, standings,
		a.with(func(Holding) bool { return true })}
	return strings.Join(request.statements(), "\n")
}

// isAnonymous reports whether an anonymous account caught a login by name. Granting anything to it would be the wrong
// remedy.
func (a *assessor) isAnonymous() bool { return a.Account.User == "" && a.Login.User != "" }

// give is the remedy that grants all that the tool needs to the account itself.
func (a *assessor) give(sentence string) string {
	if a.isAnonymous() {
		return a.dropAnonymous()
	}
	return remedy(sentence, a.grantAll())
}

func (a *assessor) dropAnonymous() string {
	return remedy("Remove the anonymous account, so that the login is the account that was meant:",
		"DROP USER "+a.Account.Quoted()+";")
}

// account reports a login that the server took for another account than the one that was meant.
func (a *assessor) account() {
	switch {
	case a.isAnonymous():
		a.add(finding.Warn, SubjectAccount,
			fmt.Sprintf("the server takes %s for the anonymous user %s, which goes before accounts for less exact "+
				"hosts: what was granted to %s does not count", a.Login, a.Account.Quoted(), a.Login.User),
			a.who(), a.dropAnonymous())
	case a.Account.User != a.Login.User:
		a.add(finding.Pass, SubjectAccount,
			fmt.Sprintf("the login %s acts as the account %s (a proxy user)", a.Login.User, a.Account), a.who(), "")
	case a.Account.Host != "%" && a.grant != "":
		a.add(finding.Pass, SubjectAccount,
			fmt.Sprintf("the server chose the account %s for this login: what was granted on *.* to another host's "+
				"account of %s does not count", a.Account.Quoted(), a.Account.User), a.who(), "")
	}
}

// missing reports each privilege that the session does not hold, or is not known to hold.
func (a *assessor) missing() {
	for _, h := range a.holdings {
		switch h.session {
		case Missing:
			a.add(finding.Fail, string(h.Privilege),
				fmt.Sprintf("%s is missing on %s: the tool needs it to %s", h.Privilege, a.Target.Database, h.For),
				h.Evidence+a.inactive(), a.give(asGrantor))
		case Undetermined:
			a.add(finding.Unknown, string(h.Privilege),
				fmt.Sprintf("it is unknown whether %s is held on %s", h.Privilege, a.Target.Database), h.Evidence,
				a.undeterminedRemedy())
		}
	}
}

// Introductions to a GRANT.
const (
	asGrantor = "As an account that may grant, such as root:"
	toAccount = "Grant it to the account itself:"
)

// inactive names roles that might have what is missing, if they were active.
func (a *assessor) inactive() string {
	roles := inactiveRoles(a.session.grants, a.session.roles)
	if len(roles) == 0 {
		return ""
	}
	return fmt.Sprintf("; the role(s) %s are granted to the account, but not active in the tool's session",
		strings.Join(roles, ", "))
}

func (a *assessor) undeterminedRemedy() string {
	probe := a.session.probe
	switch {
	case probe.TrustMissing:
		return a.give("The server answers once binary logging trusts the account (see binlog_trust). Or grant it to " +
			"the account itself, which settles it:")
	case probe.refusesWrites():
		return a.give("The server answers once it is no longer read-only (see network). Or grant it to the account " +
			"itself, which settles it:")
	case probe.Locked != "":
		return "All tables are locked, probably by a backup. The server answers when it is done."
	default:
		return a.give("Grant it to the account itself, which settles it:")
	}
}

// creates reports whether the session could make the tool's triggers.
func (a *assessor) creates() bool {
	has := a.with(func(h Holding) bool { return h.session == Held })
	return slices.Contains(has, Create) && slices.Contains(has, Trigger)
}

// liveShop reports what would stop, or already stops, the shop from writing: triggers run as the account that made
// them.
func (a *assessor) liveShop() {
	if a.Target.System != finding.Magento1 {
		return
	}
	existing := a.deltaLog.definedBy(a.Account)
	own := definer{account: a.Account, standing: a.whenFiring()}
	lacking := a.with(func(h Holding) bool {
		return slices.Contains(firing(), h.Privilege) && h.definer == Missing &&
			(h.session == Missing || existing > 0) &&
			(existing == 0 || a.onSingleTables(own, h.Privilege) == Missing)
	})
	if len(lacking) == 0 || !a.creates() && existing == 0 {
		return
	}
	summary := fmt.Sprintf("migrate:data would succeed, and from then on the live shop could not write: its triggers "+
		"run as this account, which lacks %s", joinPrivileges(lacking))
	evidence := ""
	if existing > 0 {
		summary = fmt.Sprintf("the live shop cannot write now: the tool's triggers run as this account, which lacks %s",
			joinPrivileges(lacking))
		evidence = finding.Counted(existing, "trigger runs", "triggers run") + " as this account; "
	}
	code := 1142
	if slices.Equal(lacking, []Privilege{Select}) {
		code = 1143 // the others are denied for the table, SELECT for the column that the trigger reads
	}
	a.add(finding.Fail, SubjectLiveShop, summary,
		evidence+fmt.Sprintf("each INSERT, UPDATE or DELETE of the shop on a logged table ends with error %d, %s",
			code, a.who()),
		a.give(asGrantor))
}

// roles reports what Magento 1's account holds through roles that are not active when its triggers fire.
func (a *assessor) roles() {
	through := a.with(func(h Holding) bool { return h.session != Missing && h.definer == Missing })
	unclear := a.with(func(h Holding) bool { return h.session == Held && h.definer == Undetermined })
	names := roleNames(a.session.roles)
	evidence := fmt.Sprintf("asked again as the triggers' definer will be (%s); %s", a.definerRoles(), a.who())
	if len(through) > 0 {
		a.add(finding.Fail, SubjectRoles,
			fmt.Sprintf("%s held only through the role %s: migrate:data would succeed, and from then on each write of "+
				"the live shop could end with error 1142, as its triggers run %s", held(through), names,
				a.definerRoles()),
			evidence, a.give(toAccount))
	}
	if len(unclear) > 0 {
		a.add(finding.Unknown, SubjectRoles,
			fmt.Sprintf("it is unknown whether %s held also when triggers run %s", held(unclear), a.definerRoles()),
			evidence, a.give(toAccount))
	}
}

// definerRoles says which roles a trigger's definer has.
func (a *assessor) definerRoles() string {
	firing := a.whenFiring()
	switch {
	case !a.Server.isMySQL8():
		return "without roles"
	case len(firing.roles) == 0:
		return "with the definer's default roles, and this account has none: mandatory_roles and " +
			"activate_all_roles_on_login do not count"
	}
	return "with the definer's default roles (" + roleNames(firing.roles) +
		"): mandatory_roles and activate_all_roles_on_login do not count"
}

func held(list []Privilege) string {
	if len(list) == 1 {
		return joinPrivileges(list) + " is"
	}
	return joinPrivileges(list) + " are"
}

func joinPrivileges(list []Privilege) string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = string(p)
	}
	return strings.Join(names, ", ")
}

// hidden reports privileges on which the server and SHOW GRANTS differ, which the server decides.
//
// On Magento 1 that is a danger. The session has what was granted to other accounts whose host pattern matches the
// client; a trigger has it only where the pattern matches the host part of its definer, taken as text.
func (a *assessor) hidden() {
	// SHOW VIEW can be granted on each view, and no trigger needs it.
	more := a.with(func(h Holding) bool {
		return h.session == Held && h.reading == Missing && h.Privilege != ShowView
	})
	less := a.with(func(h Holding) bool { return h.session == Missing && h.reading == Held })
	through := fmt.Sprintf("a grant to %s for another host, or to the anonymous user", a.Account.User)
	switch {
	case len(more) == 0:
	case a.Target.System == finding.Magento1:
		a.add(finding.Warn, SubjectHiddenGrants,
			fmt.Sprintf("%s held, but SHOW GRANTS does not show it: the tool's triggers may not have it when they "+
				"fire, and then the live shop could not write", held(more)),
			fmt.Sprintf("probably held through %s; triggers run as %s, for whom such a grant counts only where its "+
				"host pattern matches %q; %s", through, a.Account.Quoted(), a.Account.Host, a.who()),
			a.give(toAccount))
	default:
		a.add(finding.Pass, SubjectHiddenGrants,
			fmt.Sprintf("%s held, but SHOW GRANTS does not show it: probably through %s", held(more), through), a.who(),
			"")
	}
	if len(less) > 0 {
		a.add(finding.Pass, SubjectHiddenGrants,
			fmt.Sprintf("%s denied, though SHOW GRANTS shows a grant: probably %s is closer to the database's name "+
				"and hides it",
				held(less), through),
			a.who(), a.give(asGrantor))
	}
}

// directCopies reports a Magento 2 account that cannot read Magento 1's database, which the tool survives.
func (a *assessor) directCopies() {
	from := a.Target.DirectCopyFrom
	if from == "" || a.Target.System != finding.Magento2 {
		return
	}
	r := newReading(a.Server, a.session, from)
	state, answer := decide(a.directCopy, r, ProbeResult{}, Select)
	if state == Held {
		return
	}
	evidence := fmt.Sprintf("SELECT on %s: %s; %s; %s", from, state, r.explain(Select), a.who())
	if answer.Number != 0 {
		evidence = fmt.Sprintf("error %d; %s", answer.Number, evidence)
	}
	request := grantRequest{a.Account, a.Server, from, a.own, []standing{a.session}, []Privilege{Select}}
	a.add(finding.Warn, SubjectDirectCopy,
		fmt.Sprintf("direct_document_copy is on, but Magento 2's account cannot read %s: the tool will copy row by "+
			"row, which takes longer", from),
		evidence, remedy("On the server that holds both databases:", request.statements()...))
}

// unreadGrants admits lines of SHOW GRANTS that could not be read, or that there were none.
func (a *assessor) unreadGrants() {
	if a.session.grantsProblem != "" {
		a.add(finding.Pass, SubjectGrants, "SHOW GRANTS cannot be read, so nothing explains what the server answers",
			a.session.grantsProblem, "")
	}
	for _, err := range a.session.grants.Unread {
		a.add(finding.Pass, SubjectGrants, "a line of SHOW GRANTS could not be read", err.Error(), "")
	}
}

// AssessReadOnly judges whether the server takes the account's writes: none of what the tool does works where it does
// not, whatever the account may do. An account that is exempt (SUPER, READ ONLY ADMIN, CONNECTION_ADMIN) is found by
// trying.
func AssessReadOnly(o Observation) []finding.Finding {
	number := o.session.probe.ReadOnly
	a := &assessor{Observation: o}
	switch {
	case o.Server.InnoDBReadOnly != "":
		return []finding.Finding{a.innoDBReadOnly()}
	case number == 0 && o.readOnlyDatabase:
		return []finding.Finding{a.databaseReadOnly()}
	case number == 0:
		return nil
	}
	evidence := fmt.Sprintf("a write is answered by error %d, read_only is %s; %s", number, onOff(o.Server.ReadOnly),
		a.who())
	first := a.firstWrite()
	f := finding.Finding{Status: finding.Fail, Subject: SubjectReadOnly, Evidence: evidence}
	switch number {
	case database.ErrReadOnlyTransaction:
		f.Summary = fmt.Sprintf("new sessions start read-only on %s's server: %s would fail", o.Target.System.Label(),
			first)
		f.Remedy = remedy("As an administrator, and without transaction_read_only in the server's my.cnf:",
			"SET GLOBAL TRANSACTION READ WRITE;")
	case database.ErrReadOnlyMode:
		return []finding.Finding{a.innoDBReadOnly()}
	default:
		f.Summary = fmt.Sprintf("%s's server is read-only for this account: %s would fail", o.Target.System.Label(),
			first)
		f.Remedy = remedy("If this is a replica, give the tool the primary instead. Else, as an administrator, and "+
			"without read_only and super_read_only in the server's my.cnf:", "SET GLOBAL read_only = 0;")
	}
	return []finding.Finding{f}
}

// firstWrite is what of the tool fails first on a server that takes no writes.
func (a *assessor) firstWrite() string {
	if a.Target.System == finding.Magento1 {
		return "the tool's CREATE TABLE for its change log"
	}
	return "migrate:settings and migrate:data"
}

// databaseReadOnly is about MySQL 8.0.22's option of a database, from which no account is exempt.
func (a *assessor) databaseReadOnly() finding.Finding {
	return finding.Finding{
		Status: finding.Fail, Subject: SubjectReadOnly,
		Summary: fmt.Sprintf("the database %s takes no writes: %s would fail with error 3989", a.Target.Database,
			a.firstWrite()),
		Evidence: "the database has the option " + readOnlyOption + "; " + a.who(),
		Remedy: remedy("As an account with ALTER on the database:",
			"ALTER DATABASE "+database.Quote(a.Target.Database)+" READ ONLY = 0;"),
	}
}

func (a *assessor) innoDBReadOnly() finding.Finding {
	return finding.Finding{
		Status: finding.Fail, Subject: SubjectReadOnly,
		Summary: fmt.Sprintf("InnoDB takes no writes on %s's server: %s would fail", a.Target.System.Label(),
			a.firstWrite()),
		Evidence: cmp.Or(a.Server.InnoDBReadOnly, "a write is answered by error 1836") + "; " + a.who(),
		Remedy:   "Take innodb_read_only and innodb_force_recovery out of the server's my.cnf and restart it.",
	}
}
