package privilege

import (
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/collector/finding"
)

// Holding is the verdict on one privilege that the tool needs.
type Holding struct {
	Privilege Privilege
	// For says what the tool needs it for.
	For string
	// State says whether the session holds it.
	State State
	// Direct says whether the account holds it without its roles, as triggers made by it will. Away from Magento 1 it is State.
	Direct State
	// Evidence says what the server answered and which line of SHOW GRANTS gives or hides it.
	Evidence string

	answer  Answer
	reading State
}

// Assessment is the verdict on an account's privileges on a database.
type Assessment struct {
	// Login is USER() and Account is CURRENT_USER().
	Login, Account Account
	// Privileges are those that the tool needs, in a fixed order.
	Privileges []Holding
	// Findings come in a fixed order; the greatest level is the status.
	Findings []finding.Finding
	// Grant is the one statement that gives the account what it lacks, or empty when it lacks nothing.
	Grant string
}

// OK says whether all needed privileges are held, on Magento 1 without roles. Undetermined means that it is not known.
func (a Assessment) OK() State {
	worst := Held
	for _, h := range a.Privileges {
		switch h.Direct {
		case Missing:
			return Missing
		case Undetermined:
			worst = Undetermined
		}
	}
	return worst
}

// assessor gathers the findings on one observation.
type assessor struct {
	Observation
	task     Task
	all      reading // what the session has
	direct   reading // what the account has without roles
	holdings []Holding
	findings []finding.Finding
	grant    string
}

// Assess judges the privileges of an account. It takes the server's answers to the probe for the truth and SHOW GRANTS for the explanation.
func Assess(o Observation, t Task) Assessment {
	a := &assessor{
		Observation: o,
		task:        t,
		all:         newReading(o, o.Target.Database, true),
		direct:      newReading(o, o.Target.Database, false),
	}
	a.judge()
	a.grant = a.missingGrant()
	a.account()
	// What endangers the shop that sells goes before what only stops the migration.
	a.liveShop()
	a.roleOnly()
	a.missing()
	a.hidden()
	a.directCopies()
	a.readOnly()
	a.unreadGrants()
	a.definers()
	a.brokenTriggers()
	return Assessment{Login: o.Login, Account: o.Account, Privileges: a.holdings, Findings: a.findings, Grant: a.grant}
}

func (a *assessor) add(status finding.Status, subject, summary, evidence, remedy string) {
	a.findings = append(a.findings, finding.Finding{Status: status, Subject: subject, Summary: summary, Evidence: evidence, Remedy: remedy})
}

// judge decides on each privilege.
func (a *assessor) judge() {
	for _, need := range required(a.Observation, a.task) {
		h := Holding{Privilege: need.privilege, For: need.reason}
		h.State, h.answer = decide(a.answer(need.privilege, a.probe), a.all, a.probe, need.privilege)
		h.Direct = h.State
		if a.probeWithoutRoles != nil && slices.Contains(probed(), need.privilege) {
			h.Direct, _ = decide(a.probeWithoutRoles.Answers[need.privilege], a.direct, *a.probeWithoutRoles, need.privilege)
		}
		h.reading = a.all.holding(need.privilege).state
		h.Evidence = a.evidence(h)
		a.holdings = append(a.holdings, h)
	}
}

// answer returns what the server itself said about a privilege.
func (a *assessor) answer(p Privilege, probe ProbeResult) Answer {
	switch p {
	case ShowView:
		return a.showView
	case References:
		return Answer{State: a.references, Why: "the server has no statement that tells it without changing anything"}
	default:
		return probe.Answers[p]
	}
}

// decide takes the server's answer or, where there is none, what SHOW GRANTS says. SHOW GRANTS does not decide on a database grant
// when the server has contradicted it elsewhere: then grants count that it does not show.
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
		if said := r.holding(p).state; answer.State != Undetermined && said != Undetermined && said != answer.State {
			return true
		}
	}
	return false
}

// evidence puts together who asked, what the server answered and what SHOW GRANTS says.
func (a *assessor) evidence(h Holding) string {
	var said string
	switch h.answer.State {
	case Held:
		said = fmt.Sprintf("the server lets the account use %s", h.Privilege)
	case Missing:
		said = fmt.Sprintf("the server denies %s (error %d)", h.Privilege, h.answer.Number)
	default:
		said = h.answer.Why
	}
	return strings.Join([]string{said, a.all.explain(h.Privilege), a.who()}, "; ")
}

// who names the login and the account, which need not be the same.
func (a *assessor) who() string {
	text := fmt.Sprintf("CURRENT_USER() is %s, USER() is %s", a.Account, a.Login)
	if len(a.roles) > 0 {
		text += ", active role: " + roleNames(a.roles)
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

// missingGrant returns the one statement for all that is missing. It goes to the account itself, also where a role would do.
func (a *assessor) missingGrant() string {
	lacking := a.with(func(h Holding) bool { return h.State == Missing || h.Direct == Missing })
	if len(lacking) == 0 || a.isAnonymous() {
		return ""
	}
	return a.grantAll()
}

func (a *assessor) grantAll() string {
	return grantStatement(a.Account, a.direct, a.with(func(Holding) bool { return true }))
}

// isAnonymous reports whether an anonymous account caught a login by name. Granting anything to it would be the wrong remedy.
func (a *assessor) isAnonymous() bool { return a.Account.User == "" && a.Login.User != "" }

// give is the remedy that grants all that the tool needs to the account itself.
func (a *assessor) give(sentence string) string {
	if a.isAnonymous() {
		return a.dropAnonymous()
	}
	return remedy(sentence, a.grantAll())
}

func (a *assessor) dropAnonymous() string {
	return remedy("Remove the anonymous account, so that the login is the account that was meant:", "DROP USER "+a.Account.Quoted()+";")
}

// account reports a login that the server took for another account than the one that was meant.
func (a *assessor) account() {
	switch {
	case a.isAnonymous():
		a.add(finding.Warn, SubjectAccount,
			fmt.Sprintf("The server takes %s for the anonymous user %s, which goes before accounts for less exact hosts: what was granted to %s does not count",
				a.Login, a.Account.Quoted(), a.Login.User),
			a.who(), a.dropAnonymous())
	case a.Account.User != a.Login.User:
		a.add(finding.Pass, SubjectAccount, fmt.Sprintf("The login %s acts as the account %s (a proxy user)", a.Login.User, a.Account), a.who(), "")
	case a.Account.Host != "%" && a.grant != "":
		a.add(finding.Pass, SubjectAccount,
			fmt.Sprintf("The server chose the account %s for this login: what was granted on *.* to another host's account of %s does not count", a.Account.Quoted(), a.Account.User),
			a.who(), "")
	}
}

// missing reports each privilege that is not held, or not known to be.
func (a *assessor) missing() {
	for _, h := range a.holdings {
		switch h.State {
		case Missing:
			a.add(finding.Fail, string(h.Privilege),
				fmt.Sprintf("%s is missing on %s: the tool needs it to %s", h.Privilege, a.Target.Database, h.For),
				h.Evidence+a.inactive(),
				a.give(asGrantor))
		case Undetermined:
			a.add(finding.Unknown, string(h.Privilege),
				fmt.Sprintf("Whether %s is held on %s cannot be told", h.Privilege, a.Target.Database), h.Evidence, a.undeterminedRemedy())
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
	roles := inactiveRoles(a.grants, a.roles)
	if len(roles) == 0 {
		return ""
	}
	return fmt.Sprintf("; the role(s) %s are granted to the account, but not active in the tool's session", strings.Join(roles, ", "))
}

func (a *assessor) undeterminedRemedy() string {
	switch {
	case a.probe.TrustMissing:
		return a.give("The server answers once binary logging trusts the account (see binlog_trust). Or grant it to the account itself, which settles it:")
	case a.probe.ReadOnly:
		return "The server answers once it is no longer read-only."
	case a.probe.Locked != "":
		return "All tables are locked, probably by a backup. The server answers when it is done."
	default:
		return a.give("Grant it to the account itself, which settles it:")
	}
}

// liveShop reports what would stop, or already stops, the shop from writing: triggers run as the account that made them.
func (a *assessor) liveShop() {
	if a.Target.System != finding.Magento1 {
		return
	}
	existing := a.deltaLog.definedBy(a.Account)
	lacking := a.with(func(h Holding) bool {
		return slices.Contains(firing(), h.Privilege) && h.Direct == Missing && (h.State == Missing || existing > 0)
	})
	has := a.with(func(h Holding) bool { return h.State == Held })
	creates := slices.Contains(has, Create) && slices.Contains(has, Trigger)
	if len(lacking) == 0 || !creates && existing == 0 {
		return
	}
	summary := fmt.Sprintf("migrate:data would succeed, and from then on the live shop could not write: its triggers run as this account, which lacks %s", joinPrivileges(lacking))
	if existing > 0 {
		summary = fmt.Sprintf("The live shop cannot write now: %d trigger(s) of the tool run as this account, which lacks %s", existing, joinPrivileges(lacking))
	}
	a.add(finding.Fail, SubjectLiveShop, summary,
		"each INSERT, UPDATE or DELETE of the shop on a logged table ends with error 1142, "+a.who(), a.give(asGrantor))
}

// roleOnly reports what Magento 1's account holds through roles only, which triggers run without.
func (a *assessor) roleOnly() {
	through := a.with(func(h Holding) bool { return h.State == Held && h.Direct == Missing })
	unclear := a.with(func(h Holding) bool { return h.State == Held && h.Direct == Undetermined })
	evidence := "asked again after SET ROLE NONE; " + a.who()
	give := a.give(toAccount)
	if len(through) > 0 && a.Server.isMySQL8() {
		a.add(finding.Warn, SubjectRoles,
			fmt.Sprintf("%s held only through the role %s: the tool's triggers have it only if the role is one of the account's default roles", held(through), roleNames(a.roles)),
			evidence, give)
	} else if len(through) > 0 {
		a.add(finding.Fail, SubjectRoles,
			fmt.Sprintf("%s held only through the role %s: migrate:data would succeed, and from then on each write of the live shop could end with error 1142, as its triggers run without roles", held(through), roleNames(a.roles)),
			evidence, give)
	}
	if len(unclear) > 0 {
		a.add(finding.Unknown, SubjectRoles,
			fmt.Sprintf("Whether %s without the role %s cannot be told", held(unclear), roleNames(a.roles)), evidence, give)
	}
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
// On Magento 1 that is a danger. The session has what was granted to other accounts whose host pattern matches the client; a trigger has it
// only where the pattern matches the host part of its definer, taken as text.
func (a *assessor) hidden() {
	more := a.with(func(h Holding) bool { return h.State == Held && h.reading == Missing })
	less := a.with(func(h Holding) bool { return h.State == Missing && h.reading == Held })
	through := fmt.Sprintf("a grant to %s for another host, or to the anonymous user", a.Account.User)
	switch {
	case len(more) == 0:
	case a.Target.System == finding.Magento1:
		a.add(finding.Warn, SubjectHiddenGrants,
			fmt.Sprintf("%s held, but SHOW GRANTS does not show it: the tool's triggers may not have it when they fire, and then the live shop could not write", held(more)),
			fmt.Sprintf("probably held through %s; triggers run as %s, for whom such a grant counts only where its host pattern matches %q; %s",
				through, a.Account.Quoted(), a.Account.Host, a.who()),
			a.give(toAccount))
	default:
		a.add(finding.Pass, SubjectHiddenGrants,
			fmt.Sprintf("%s held, but SHOW GRANTS does not show it: probably through %s", held(more), through), a.who(), "")
	}
	if len(less) > 0 {
		a.add(finding.Pass, SubjectHiddenGrants,
			fmt.Sprintf("%s denied, though SHOW GRANTS shows a grant: probably %s is closer to the database's name and hides it", held(less), through),
			a.who(), a.give(asGrantor))
	}
}

// directCopies reports a Magento 2 account that cannot read Magento 1's database, which the tool survives.
func (a *assessor) directCopies() {
	from := a.Target.DirectCopyFrom
	if from == "" || a.Target.System != finding.Magento2 {
		return
	}
	r := newReading(a.Observation, from, true)
	state, answer := decide(a.directCopy, r, ProbeResult{}, Select)
	if state == Held {
		return
	}
	evidence := fmt.Sprintf("SELECT on %s: %s; %s; %s", from, state, r.explain(Select), a.who())
	if answer.Number != 0 {
		evidence = fmt.Sprintf("error %d; %s", answer.Number, evidence)
	}
	a.add(finding.Warn, SubjectDirectCopy,
		fmt.Sprintf("direct_document_copy is on, but Magento 2's account cannot read %s: the tool will copy row by row, which takes longer", from),
		evidence,
		remedy("On the server that holds both databases:", grantStatement(a.Account, newReading(a.Observation, from, false), []Privilege{Select})))
}

func (a *assessor) readOnly() {
	if !a.probe.ReadOnly {
		return
	}
	give := remedy("New sessions start read-only here. As an administrator:", "SET GLOBAL TRANSACTION READ WRITE;")
	if a.Server.ReadOnly {
		give = remedy("If this is a replica, give the tool the primary instead. Else, as an administrator:", "SET GLOBAL read_only = 0;")
	}
	a.add(finding.Warn, SubjectReadOnly, "The server is read-only for this account: nothing that the tool writes would work, whatever the account may do",
		fmt.Sprintf("a write is answered by error %d, read_only is %s; %s", a.probe.readOnlyNumber, onOff(a.Server.ReadOnly), a.who()), give)
}

// unreadGrants admits lines of SHOW GRANTS that could not be read, or that there were none.
func (a *assessor) unreadGrants() {
	if a.grantsProblem != "" {
		a.add(finding.Pass, SubjectGrants, "SHOW GRANTS cannot be read, so nothing explains what the server answers", a.grantsProblem, "")
	}
	for _, err := range a.grants.Unread {
		a.add(finding.Pass, SubjectGrants, "A line of SHOW GRANTS could not be read", err.Error(), "")
	}
}

// definers reports triggers of the tool that run as other accounts: they must exist and be able to write for as long as the triggers are there.
func (a *assessor) definers() {
	for _, d := range a.deltaLog.definers {
		triggers := a.deltaLog.definedBy(d.account)
		evidence := fmt.Sprintf("%d trigger(s) of the tool have the definer %s; %s", triggers, d.account.Quoted(), a.who())
		switch {
		case !d.known:
			a.add(finding.Unknown, SubjectDefiner,
				fmt.Sprintf("Whether %s, as whom the tool's triggers run, still exists and may write the change log cannot be told", d.account.Quoted()), evidence,
				remedy("As an administrator, check that it has TRIGGER, SELECT, INSERT and UPDATE on the database:", "SHOW GRANTS FOR "+d.account.Quoted()+";"))
		case !d.exists:
			a.add(finding.Fail, SubjectDefiner,
				fmt.Sprintf("The live shop cannot write: %s, as whom the tool's triggers run, does not exist (error 1449)", d.account.Quoted()), evidence,
				remedy("Create the account again, with a password of your choice, and grant it what the triggers need:",
					"CREATE USER "+d.account.Quoted()+" IDENTIFIED BY 'a new password';", grantStatement(d.account, reading{server: a.Server, database: a.Target.Database}, firing())))
		default:
			a.definerLacks(d, evidence)
		}
	}
}

func (a *assessor) definerLacks(d definer, evidence string) {
	var lacking []Privilege
	for _, p := range firing() {
		if a.definerState(d, p) == Missing {
			lacking = append(lacking, p)
		}
	}
	if len(lacking) == 0 {
		return
	}
	a.add(finding.Fail, SubjectDefiner,
		fmt.Sprintf("The live shop cannot write: %s, as whom the tool's triggers run, lacks %s (error 1142)", d.account.Quoted(), joinPrivileges(lacking)), evidence,
		remedy(asGrantor, grantStatement(d.account, a.definerReading(d.grants[0]), firing())))
}

// definerState says whether the definer holds a privilege by its own grants, by PUBLIC's, or by those of accounts that also count for it.
func (a *assessor) definerState(d definer, p Privilege) State {
	best := a.publicReading().holding(p).state
	for _, g := range d.grants {
		best = max(best, a.definerReading(g).holding(p).state)
	}
	return best
}

func (a *assessor) definerReading(g Grants) reading {
	return newReading(Observation{Server: a.Server, grants: g}, a.Target.Database, false)
}

func (a *assessor) publicReading() reading {
	r := a.direct
	r.grantees = slices.DeleteFunc(slices.Clone(r.grantees), func(g grantee) bool { return g.kind != GranteePublic })
	return r
}

func (a *assessor) brokenTriggers() {
	if a.deltaLog.problem != "" {
		a.add(finding.Unknown, SubjectTriggers, "Whether triggers of the shop are in the tool's way, or run as an account that is gone, cannot be told", a.deltaLog.problem, "")
	}
	for _, t := range a.deltaLog.broken(a.task.DeltaTables) {
		a.add(finding.Warn, SubjectTriggers,
			fmt.Sprintf("The tool would break the shop's trigger %s on %s: %s", t.name, t.table, t.why),
			fmt.Sprintf("AFTER %s, definer %s", t.event, t.definer),
			"Keep its definition (SHOW CREATE TRIGGER), drop it before migrate:data, and put it back after cutover in a form that runs beside the tool's.")
	}
}
