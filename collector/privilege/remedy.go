package privilege

import (
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
)

// grantRequest is what a GRANT has to give to whom, whatever the account's other grants are.
type grantRequest struct {
	account  Account
	server   Server
	database string
	// own is what SHOW GRANTS says of the account without roles.
	own Grants
	// standings are those in which the privileges have to be held.
	standings []standing
	needed    []Privilege
}

// statements returns one GRANT, or one for each standing where they go by lines for different names.
//
// Each names all the privileges, not only those that are missing, and also what the account holds through a line for
// another name: the line that it makes is for exactly this database, so it counts from then on and hides every other
// line of the account.
func (r grantRequest) statements() []string {
	var list []string
	for _, st := range r.standings {
		if text := r.statement(st); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}

func (r grantRequest) statement(st standing) string {
	pattern := r.pattern(st)
	list := slices.Clone(r.needed)
	option := ""
	for _, line := range r.hiddenBy(pattern, st) {
		for _, p := range line.Privileges {
			if p != usage && !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
		if line.GrantOption {
			option = " WITH GRANT OPTION"
		}
	}
	if slices.Contains(list, allPrivileges) {
		list = []Privilege{allPrivileges}
	}
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = string(p)
	}
	return fmt.Sprintf("GRANT %s ON %s.* TO %s%s;", strings.Join(names, ", "), database.Quote(pattern),
		r.account.Quoted(), option)
}

// pattern returns the name that the GRANT is for: exactly the database's, unless the server would go by another line
// all the same. While a role is active, MySQL 8 takes the first line that matches, and a name with an underscore,
// though escaped, is not looked up first.
func (r grantRequest) pattern(st standing) string {
	exact := r.server.pattern(r.database)
	current := newReading(r.server, st, r.database)
	switch {
	case !current.rolesActive:
		return exact
	case !hasWildcard(r.database):
		return r.database
	}
	for _, g := range current.grantees {
		if lines := current.matching(g); g.kind == GranteeAccount && len(lines) > 0 && lines[0].Database < exact {
			return lines[0].Database
		}
	}
	return exact
}

// hiddenBy returns the account's own lines that count now and that a line for the pattern would hide.
func (r grantRequest) hiddenBy(pattern string, st standing) []Grant {
	current := newReading(r.server, standing{roles: st.roles, grants: r.own}, r.database)
	for _, g := range current.grantees {
		if g.kind == GranteeAccount {
			lines, _ := current.counting(g)
			return slices.DeleteFunc(slices.Clone(lines), func(l Grant) bool { return l.Database == pattern })
		}
	}
	return nil
}

// GrantOn returns the statement that gives an account privileges on exactly one database of a server of which nothing
// is known: there _ and % in its name are escaped.
func GrantOn(name string, account Account, needed ...Privilege) string {
	return grantRequest{account: account, database: name, needed: needed}.statement(standing{})
}

// Held says whether the account holds a privilege on the database in a session of its own.
func (o Observation) Held(p Privilege) State {
	current := newReading(o.Server, o.session, o.Target.Database)
	state, _ := decide(o.session.probe.Answers[p], current, o.session.probe, p)
	return state
}

// Grant returns the statements that give the account these privileges beside what it has; none when it has them.
func (o Observation) Grant(needed ...Privilege) []string {
	if !slices.ContainsFunc(needed, func(p Privilege) bool { return o.Held(p) != Held }) {
		return nil
	}
	return grantRequest{o.Account, o.Server, o.Target.Database, o.own, []standing{o.session}, needed}.statements()
}

// remedy puts a sentence before statements or configuration lines, each on a line of its own.
func remedy(sentence string, lines ...string) string {
	return strings.Join(append([]string{sentence}, lines...), "\n")
}
