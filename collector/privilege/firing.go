package privilege

import (
	"net/netip"
	"slices"
	"strings"
)

// whenDefinerFires says whether another account holds a privilege where its triggers need it: by its own grants, by
// PUBLIC's, or by those of accounts that also count for it.
func (a *assessor) whenDefinerFires(d definer, p Privilege) State {
	own := newReading(a.Server, d.standing, a.Target.Database)
	state := either(a.publicState(p), own.holding(p).state)
	if state == Missing && len(d.standing.roles) == 0 && !own.decides() {
		state = a.throughOthers(d, p)
	}
	if state == Missing {
		state = a.onSingleTables(d, p)
	}
	if state == Missing && (d.rolesUnknown || d.othersUnknown) {
		return Undetermined
	}
	return state
}

// either is the state of what one of two gives.
func either(a, b State) State {
	switch {
	case a == Held || b == Held:
		return Held
	case a == Undetermined || b == Undetermined:
		return Undetermined
	default:
		return Missing
	}
}

// decides reports whether the account has a line of its own that matches the database: then no other account's counts.
func (r reading) decides() bool {
	return slices.ContainsFunc(r.grantees, func(g grantee) bool {
		return g.kind == GranteeAccount && len(r.matching(g)) > 0
	})
}

// throughOthers is what other accounts' grants on databases give. What they have on *.* does not count.
func (a *assessor) throughOthers(d definer, p Privilege) State {
	var votes []vote
	for _, o := range d.others {
		r := newReading(a.Server, o.standing.without(ScopeGlobal), a.Target.Database)
		if r.decides() {
			votes = append(votes, vote{o.account, r.holding(p).state})
		}
	}
	return count(votes)
}

// without leaves out lines of a scope.
func (st standing) without(scope Scope) standing {
	st.grants.Lines = slices.DeleteFunc(slices.Clone(st.grants.Lines), func(l Grant) bool { return l.Scope == scope })
	return st
}

// vote is what one account's grants say.
type vote struct {
	account Account
	state   State
}

// count follows the server, which goes by one account's line: by that with the most exact host, so never by that for
// all hosts while there is another. Which of the others is more exact is not worked out. Grants to the anonymous user
// count on most servers, and not on MySQL 5.6.
func count(votes []vote) State {
	exact := slices.DeleteFunc(slices.Clone(votes), func(v vote) bool { return v.account.Host == "%" })
	if len(exact) > 0 {
		votes = exact
	}
	state := Missing
	for i, v := range votes {
		if v.state == Held && v.account.User == "" || i > 0 && v.state != state {
			return Undetermined
		}
		state = v.state
	}
	return state
}

// onSingleTables says whether a privilege is granted on each of the tables on which an account's triggers need it.
func (a *assessor) onSingleTables(d definer, p Privilege) State {
	tables := a.firingTables(d.account, p)
	if len(tables) == 0 {
		return Missing
	}
	state := Held
	for _, table := range tables {
		state = both(state, a.onTable(d, p, table))
	}
	return state
}

// firingTables lists the tables on which the triggers that run as an account need a privilege. A trigger reads the row
// of the shop's table; only MySQL 8 and newer do not ask for SELECT on the log that it writes.
func (a *assessor) firingTables(account Account, p Privilege) []string {
	var tables []string
	for _, t := range a.deltaLog.triggers {
		if t.logTo == "" || t.definer != account {
			continue
		}
		if p == Trigger || p == Select {
			tables = append(tables, t.table)
		}
		if p == Insert || p == Update || p == Select && !a.Server.isMySQL8() {
			tables = append(tables, t.logTo)
		}
	}
	return tables
}

func (a *assessor) onTable(d definer, p Privilege, table string) State {
	name := a.Target.Database
	if state, there := newReading(a.Server, d.standing, name).onTable(p, table); there {
		return state
	}
	var votes []vote
	for _, o := range d.others {
		if o.account.User == "" {
			continue // for tables the anonymous user's grants never count
		}
		if state, there := newReading(a.Server, o.standing, name).onTable(p, table); there {
			votes = append(votes, vote{o.account, state})
		}
	}
	return count(votes)
}

// onTable says what the lines for a single table give. It is false where there is none. On which columns a privilege is
// needed is not worked out.
func (r reading) onTable(p Privilege, table string) (state State, there bool) {
	state = Missing
	for _, g := range r.grantees {
		for _, l := range g.lines {
			if l.Scope != ScopeTable || l.Revoke || r.server.fold(l.Database) != r.server.fold(r.database) ||
				r.server.fold(l.Object) != r.server.fold(table) {
				continue
			}
			there = true
			switch {
			case l.has(p):
				return Held, true
			case slices.Contains(l.ColumnPrivileges, p):
				state = Undetermined
			}
		}
	}
	return state, there
}

// matchHost reports whether the host of an account's grants matches the host of a definer, which the server takes as
// text: a pattern, or an address with a mask.
func matchHost(pattern, host string) bool {
	base, mask, masked := strings.Cut(pattern, "/")
	if !masked {
		return matchPattern(strings.ToLower(pattern), strings.ToLower(host))
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if prefix, err := netip.ParsePrefix(pattern); err == nil {
		return prefix.Contains(address)
	}
	network, err1 := netip.ParseAddr(base)
	bits, err2 := netip.ParseAddr(mask)
	if err1 != nil || err2 != nil || !network.Is4() || !bits.Is4() || !address.Is4() {
		return false
	}
	n, m, h := network.As4(), bits.As4(), address.As4()
	for i := range n {
		if h[i]&m[i] != n[i] {
			return false
		}
	}
	return true
}
