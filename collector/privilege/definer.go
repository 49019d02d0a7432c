package privilege

import (
	"context"
	_ "embed" // the SQL files
	"fmt"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
)

//go:embed sql/default_roles.sql
var defaultRolesQuery string

// definer is an account, other than the session's, as which triggers run.
type definer struct {
	account Account
	known   bool // false where this account may not look at other accounts
	exists  bool
	own     Grants // without roles
	// standings are the account's own, with its default roles on MySQL 8, and those of accounts whose database grants
	// also count for it.
	standings []standing
	// rolesUnknown is true where the account's default roles count and are not shown.
	rolesUnknown bool
}

// readDefiner looks at another account. Database grants to the same user, or to anybody, from everywhere count for it
// as well.
func readDefiner(ctx context.Context, s *database.Session, server Server, account Account) (definer, error) {
	d := definer{account: account}
	for i, a := range []Account{account, {User: account.User, Host: "%"}, {Host: "%"}} {
		st := standing{}
		number, err := st.readGrantsOf(ctx, s, a)
		if err != nil {
			return d, err
		}
		if i == 0 {
			d.exists = number == 0
			d.known = number == 0 || number == database.ErrNoSuchGrant
			if !d.exists {
				return d, nil
			}
			d.own = st.grants
			if err := d.readDefaultRoles(ctx, s, server, &st); err != nil {
				return d, err
			}
		}
		if number == 0 {
			d.standings = append(d.standings, st)
		}
	}
	return d, nil
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

// state says whether the definer holds a privilege by its own grants, by PUBLIC's, or by those of accounts that also
// count for it.
func (d definer) state(server Server, name string, public State, p Privilege) State {
	best := public
	for _, st := range d.standings {
		best = max(best, newReading(server, st, name).holding(p).state)
	}
	if best == Missing && d.rolesUnknown {
		return Undetermined
	}
	return best
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
		switch d.state(a.Server, a.Target.Database, a.publicState(p), p) {
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
		a.add(finding.Unknown, SubjectDefiner,
			fmt.Sprintf("it is unknown whether %s, as whom the tool's triggers run, has %s: its default roles count, "+
				"and they are not shown",
				d.account.Quoted(), joinPrivileges(unclear)), evidence,
			remedy("As an administrator, let this account see them, or check the other one:",
				"GRANT SELECT ON mysql.default_roles TO "+a.Account.Quoted()+";",
				"SHOW GRANTS FOR "+d.account.Quoted()+";"))
	}
}

func (a *assessor) definerGrants(d definer) []string {
	request := grantRequest{account: d.account, server: a.Server, database: a.Target.Database, needed: firing(),
		standings: []standing{{}}}
	if len(d.standings) > 0 {
		request.standings = d.standings[:1]
		request.own = d.own
	}
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
