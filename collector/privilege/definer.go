package privilege

import (
	"context"
	_ "embed" // the SQL files
	"fmt"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
)

var (
	//go:embed sql/default_roles.sql
	defaultRolesQuery string
	//go:embed sql/other_accounts.sql
	otherAccountsQuery string
)

// definer is an account, other than the session's, as which triggers run.
type definer struct {
	account Account
	known   bool // false where this account may not look at other accounts
	exists  bool
	own     Grants // without roles
	// standing is the account's own, with its default roles on MySQL 8.
	standing standing
	// others are accounts whose grants on databases and tables may count for it as well.
	others []otherAccount
	// rolesUnknown is true where the account's default roles count and are not shown, and othersUnknown where it is
	// unknown which other accounts' grants count.
	rolesUnknown, othersUnknown bool
}

// otherAccount is the same user on another host, or the anonymous user.
type otherAccount struct {
	account  Account
	standing standing
}

// readDefiner looks at another account.
func readDefiner(ctx context.Context, s *database.Session, server Server, account Account) (definer, error) {
	d := definer{account: account}
	number, err := d.standing.readGrantsOf(ctx, s, account)
	d.exists = number == 0
	d.known = number == 0 || number == database.ErrNoSuchGrant
	if err != nil || !d.exists {
		return d, err
	}
	d.own = d.standing.grants
	if err := d.readDefaultRoles(ctx, s, server, &d.standing); err != nil {
		return d, err
	}
	return d, d.readOthers(ctx, s)
}

// readOthers looks at the accounts whose hosts match the definer's. A role has none.
func (d *definer) readOthers(ctx context.Context, s *database.Session) error {
	if d.account.Host == "" {
		return nil
	}
	var accounts []Account
	args := []any{d.account.User, d.account.User}
	err := s.Rows(ctx, otherAccountsQuery, args, func(scan func(...any) error) error {
		var a Account
		err := scan(&a.User, &a.Host)
		// MariaDB keeps its roles there, without a host.
		if a != d.account && a.Host != "" && matchHost(a.Host, d.account.Host) {
			accounts = append(accounts, a)
		}
		return err
	})
	number, err := serverError(err)
	if err != nil {
		return fmt.Errorf("reading whose grants count for %s: %w", d.account, err)
	}
	d.othersUnknown = number != 0
	for _, a := range accounts {
		other := otherAccount{account: a}
		number, err := other.standing.readGrantsOf(ctx, s, a)
		if err != nil {
			return err
		}
		d.othersUnknown = d.othersUnknown || number != 0 // grants that outlived their account
		d.others = append(d.others, other)
	}
	return nil
}

// readGrantsOf returns the error number where the server refuses it.
func (st *standing) readGrantsOf(ctx context.Context, s *database.Session, account Account) (number uint16, err error) {
	statement := "SHOW GRANTS FOR " + account.Quoted()
	if len(st.roles) > 0 {
		quoted := make([]string, len(st.roles))
		for i, r := range st.roles {
			quoted[i] = r.Quoted()
		}
		statement += " USING " + strings.Join(quoted, ", ")
	}
	var lines []string
	err = s.Rows(ctx, statement, nil, func(scan func(...any) error) error {
		var line string
		err := scan(&line)
		if len(lines) <= maxGrantLines {
			lines = append(lines, line)
		}
		return err
	})
	if number, err = serverError(err); err != nil {
		return 0, fmt.Errorf("reading the grants of %s: %w", account, err)
	}
	st.grants = ParseGrants(lines)
	return number, nil
}

// readDefaultRoles adds what the account has through its default roles, which MySQL 8 activates for a trigger's
// definer.
func (d *definer) readDefaultRoles(ctx context.Context, s *database.Session, server Server, st *standing) error {
	if !server.isMySQL8() {
		return nil
	}
	var roles []Account
	err := s.Rows(ctx, defaultRolesQuery, []any{d.account.User, d.account.Host}, func(scan func(...any) error) error {
		var role Account
		err := scan(&role.User, &role.Host)
		roles = append(roles, role)
		return err
	})
	number, err := serverError(err)
	if err != nil {
		return fmt.Errorf("reading the default roles of %s: %w", d.account, err)
	}
	if d.rolesUnknown = number != 0; d.rolesUnknown || len(roles) == 0 {
		return nil
	}
	with := standing{roles: roles}
	if number, err = with.readGrantsOf(ctx, s, d.account); err != nil {
		return err
	}
	if d.rolesUnknown = number != 0; !d.rolesUnknown {
		*st = with
	}
	return nil
}

// definers reports triggers of the tool that run as other accounts: they must exist and be able to write for as long as
// the triggers are there.
func (a *assessor) definers() {
	for _, d := range a.deltaLog.definers {
		triggers := a.deltaLog.definedBy(d.account)
		evidence := fmt.Sprintf("%d trigger(s) of the tool have the definer %s; %s", triggers, d.account.Quoted(),
			a.who())
		switch {
		case !d.known:
			a.add(finding.Unknown, SubjectDefiner,
				fmt.Sprintf("it is unknown whether %s, as whom the tool's triggers run, still exists and may write "+
					"the change log", d.account.Quoted()), evidence, checkDefiner(d.account))
		case !d.exists:
			a.add(finding.Fail, SubjectDefiner,
				fmt.Sprintf("the live shop cannot write: %s, as whom the tool's triggers run, does not exist (error "+
					"1449)", d.account.Quoted()),
				evidence,
				remedy("Create the account again, with a password of your choice, and grant it what the triggers need:",
					append([]string{"CREATE USER " + d.account.Quoted() + " IDENTIFIED BY 'a new password';"},
						a.definerGrants(d)...)...))
		default:
			a.definerLacks(d, evidence)
		}
	}
}

func checkDefiner(account Account) string {
	return remedy("As an administrator, check that it has TRIGGER, SELECT, INSERT and UPDATE on the database:",
		"SHOW GRANTS FOR "+account.Quoted()+";")
}

func (a *assessor) definerLacks(d definer, evidence string) {
	var lacking, unclear []Privilege
	for _, p := range firing() {
		switch a.whenDefinerFires(d, p) {
		case Missing:
			lacking = append(lacking, p)
		case Undetermined:
			unclear = append(unclear, p)
		}
	}
	if len(lacking) > 0 {
		a.add(finding.Fail, SubjectDefiner,
			fmt.Sprintf("the live shop cannot write: %s, as whom the tool's triggers run, lacks %s (error 1142)",
				d.account.Quoted(), joinPrivileges(lacking)), evidence, remedy(asGrantor, a.definerGrants(d)...))
	}
	if len(unclear) > 0 {
		a.definerUnclear(d, unclear, evidence)
	}
}

func (a *assessor) definerUnclear(d definer, unclear []Privilege, evidence string) {
	summary := fmt.Sprintf("it is unknown whether %s, as whom the tool's triggers run, has %s: ", d.account.Quoted(),
		joinPrivileges(unclear))
	if d.rolesUnknown {
		a.add(finding.Unknown, SubjectDefiner, summary+"its default roles count, and they are not shown", evidence,
			remedy("As an administrator, let this account see them, or check the other one:",
				"GRANT SELECT ON mysql.default_roles TO "+a.Account.Quoted()+";",
				"SHOW GRANTS FOR "+d.account.Quoted()+";"))
		return
	}
	a.add(finding.Unknown, SubjectDefiner, summary+"grants to the same user on other hosts, to the anonymous user or "+
		"on single columns may count", evidence, remedy(toAccount, a.definerGrants(d)...))
}

func (a *assessor) definerGrants(d definer) []string {
	request := grantRequest{account: d.account, server: a.Server, database: a.Target.Database, needed: firing(),
		standings: []standing{d.standing}, own: d.own}
	return request.statements()
}

// publicState says what MariaDB's PUBLIC gives everybody.
func (a *assessor) publicState(p Privilege) State {
	r := newReading(a.Server, standing{grants: a.session.grants}, a.Target.Database)
	for _, g := range r.grantees {
		if g.kind == GranteePublic {
			return r.ofGrantee(g, p).state
		}
	}
	return Missing
}

func (a *assessor) brokenTriggers() {
	if a.deltaLog.problem != "" {
		a.add(finding.Unknown, SubjectTriggers,
			"it is unknown whether triggers of the shop are in the tool's way, or run as an account that is gone",
			a.deltaLog.problem,
			"Look at the server's error log, and at SHOW TRIGGERS in the mysql client.")
	}
	for _, t := range a.deltaLog.broken(a.task.DeltaTables) {
		a.add(finding.Warn, SubjectTriggers,
			fmt.Sprintf("the tool would break the shop's trigger %s on %s: %s", t.name, t.table, t.why),
			fmt.Sprintf("AFTER %s, definer %s", t.event, t.definer),
			"Keep its definition (SHOW CREATE TRIGGER), drop it before migrate:data, and put it back after cutover in "+
				"a form that runs beside the tool's.")
	}
}
