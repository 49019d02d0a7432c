package privilege

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// reading is what SHOW GRANTS says about one database. It explains; what holds is for the probe to say wherever the
// server answers it.
type reading struct {
	server   Server
	database string
	grantees []grantee
	// complete is false when SHOW GRANTS failed or a line could not be read: then only what it gives globally is sure.
	complete bool
	// rolesActive matters on MySQL 8, which lists roles' privileges under the account and picks rows differently with
	// roles.
	rolesActive bool
}

// grantee is one party whose lines are weighed by themselves: the account, PUBLIC, or the active roles, which the
// server merges.
type grantee struct {
	kind  GranteeKind
	lines []Grant
}

// holding is what a reading says about one privilege.
type holding struct {
	state State
	// global is true when it is held through *.*, so that no database line can hide it.
	global bool
	// line is what gives it.
	line *Grant
}

// newReading reads the effective privileges of an account that stands so.
func newReading(server Server, st standing, name string) reading {
	r := reading{
		server:      server,
		database:    name,
		complete:    st.grantsProblem == "" && len(st.grants.Unread) == 0,
		rolesActive: len(st.roles) > 0 && server.isMySQL8(),
	}
	for _, kind := range []GranteeKind{GranteeAccount, GranteePublic, GranteeRole} {
		g := grantee{kind: kind}
		for _, line := range st.grants.Lines {
			if line.GranteeKind == kind {
				g.lines = append(g.lines, line)
			}
		}
		r.grantees = append(r.grantees, g)
	}
	return r
}

// holding adds up what the grantees have: the account, PUBLIC and the active roles are OR-ed.
func (r reading) holding(p Privilege) holding {
	best := holding{state: Missing}
	for _, g := range r.grantees {
		h := r.ofGrantee(g, p)
		if h.state == Held && (best.state != Held || h.global && !best.global) {
			best = h
		} else if h.state == Undetermined && best.state == Missing {
			best = h
		}
	}
	if !r.complete && !best.global {
		best.state = Undetermined
	}
	return best
}

// ofGrantee applies the server's rule for one grantee: what is granted on *.*, or else on the database line that
// counts.
func (r reading) ofGrantee(g grantee, p Privilege) holding {
	if line := r.global(g, p); line != nil && r.partialRevoke(g, p) == nil {
		return holding{state: Held, global: true, line: line}
	}
	lines, sure := r.counting(g)
	giving := slices.IndexFunc(lines, func(l Grant) bool { return l.has(p) })
	switch {
	case giving < 0:
		return holding{state: Missing}
	case sure || !slices.ContainsFunc(lines, func(l Grant) bool { return !l.has(p) }):
		return holding{state: Held, line: &lines[giving]}
	default:
		return holding{state: Undetermined}
	}
}

func (r reading) global(g grantee, p Privilege) *Grant {
	for i, l := range g.lines {
		if l.Scope == ScopeGlobal && !l.Revoke && l.has(p) {
			return &g.lines[i]
		}
	}
	return nil
}

// partialRevoke returns MySQL 8's REVOKE line that takes a privilege on *.* away for this database.
func (r reading) partialRevoke(g grantee, p Privilege) *Grant {
	for i, l := range g.lines {
		if l.Scope == ScopeDatabase && l.Revoke && l.has(p) && r.server.fold(l.Database) == r.server.fold(r.database) {
			return &g.lines[i]
		}
	}
	return nil
}

// matching returns the database lines of a grantee that apply to the database, in the server's order.
func (r reading) matching(g grantee) []Grant {
	var lines []Grant
	for _, l := range g.lines {
		if l.Scope == ScopeDatabase && !l.Revoke && r.matches(l) {
			lines = append(lines, l)
		}
	}
	return lines
}

// matches reports whether a line applies to the database. While a role is active, MySQL 8 takes a backslash for an
// escape only in names with a wildcard character; a name without one it looks up as it stands.
func (r reading) matches(l Grant) bool {
	if r.rolesActive && !hasWildcard(l.Database) {
		return r.server.fold(l.Database) == r.server.fold(r.database)
	}
	return r.server.matches(l.Database, r.database)
}

// counting returns the matching lines that the server goes by. It never adds up lines of one grantee for different
// names: SHOW GRANTS prints them in the order in which the server looks, so the first one counts. Where that is not
// established, sure is false and the lines are those of which one counts, or together.
func (r reading) counting(g grantee) (lines []Grant, sure bool) {
	lines = r.matching(g)
	if len(lines) < 2 {
		return lines, true
	}
	if r.server.isMySQL8() {
		return r.countingMySQL8(lines)
	}
	if g.kind == GranteeRole && lines[0].Grantee != lines[len(lines)-1].Grantee {
		return mergedRoleLines(lines)
	}
	return lines[:1], true
}

// countingMySQL8 knows two ways to look. While a role is active, the line for exactly this name counts if that has no
// wildcard character, also no escaped one; else the first line, in the order of SHOW GRANTS. Without roles the line
// counts whose first wildcard comes last; of several such lines it is the one that was granted first, which SHOW GRANTS
// does not tell. Tried on MySQL 9.7.
func (r reading) countingMySQL8(lines []Grant) ([]Grant, bool) {
	if r.rolesActive {
		return lines[:1], true
	}
	position := func(l Grant) int {
		if at := firstWildcard(l.Database); at >= 0 {
			return at
		}
		return math.MaxInt
	}
	last := position(slices.MaxFunc(lines, func(a, b Grant) int { return cmp.Compare(position(a), position(b)) }))
	lines = slices.DeleteFunc(slices.Clone(lines), func(l Grant) bool { return position(l) != last })
	return lines, len(lines) == 1
}

// mergedRoleLines picks from the lines of a MariaDB role and the roles inside it, which the server merges name by name
// before it looks. How it sorts wildcards of several roles SHOW GRANTS does not tell.
func mergedRoleLines(lines []Grant) ([]Grant, bool) {
	sameName := func(name string) []Grant {
		return slices.DeleteFunc(slices.Clone(lines), func(l Grant) bool { return l.Database != name })
	}
	for _, l := range lines {
		if firstWildcard(l.Database) < 0 {
			return sameName(l.Database), true
		}
	}
	if same := sameName(lines[0].Database); len(same) == len(lines) {
		return same, true
	}
	return lines, false
}

// explain says in one sentence or more which lines give a privilege, or what hides it.
func (r reading) explain(p Privilege) string {
	h := r.holding(p)
	if h.line != nil {
		return "given by " + quoteLine(*h.line)
	}
	var reasons []string
	for _, g := range r.grantees {
		reasons = append(reasons, r.hidden(g, p)...)
	}
	if len(reasons) == 0 {
		return fmt.Sprintf("no line of SHOW GRANTS gives %s on the database %s", p, r.database)
	}
	return strings.Join(reasons, "; ")
}

// hidden says why lines of a grantee that name a privilege do not give it here.
func (r reading) hidden(g grantee, p Privilege) []string {
	var reasons []string
	if line := r.global(g, p); line != nil {
		if revoke := r.partialRevoke(g, p); revoke != nil {
			reasons = append(reasons, fmt.Sprintf("%s is taken away for this database by %s", quoteLine(*line),
				quoteLine(*revoke)))
		}
	}
	counting, sure := r.counting(g)
	tables := 0
	var table Grant
	for _, l := range g.lines {
		if l.Revoke || !l.has(p) && !slices.Contains(l.ColumnPrivileges, p) {
			continue
		}
		switch l.Scope {
		case ScopeDatabase:
			if reason := r.hiddenLine(l, counting, sure); reason != "" {
				reasons = append(reasons, reason)
			}
		case ScopeTable:
			if r.server.fold(l.Database) == r.server.fold(r.database) {
				tables++
				table = l
			}
		}
	}
	if tables > 0 {
		reasons = append(reasons, fmt.Sprintf("it is granted on %d single table(s) only, such as by %s", tables,
			quoteLine(table)))
	}
	return reasons
}

func (r reading) hiddenLine(l Grant, counting []Grant, sure bool) string {
	switch {
	case r.matches(l) && len(counting) > 0 && sure:
		return fmt.Sprintf("%s hides %s: of several lines that match a database only one counts",
			quoteLine(counting[0]), quoteLine(l))
	case r.matches(l):
		return fmt.Sprintf("%s may be hidden by another line that matches the database", quoteLine(l))
	case matchPattern(strings.ToLower(l.Database), strings.ToLower(r.database)):
		return fmt.Sprintf("%s is for another database: upper and lower case differ", quoteLine(l))
	case strings.EqualFold(strings.ReplaceAll(l.Database, `\`, ""), r.database):
		return fmt.Sprintf(`%s is for another database: \ in the name takes the next character literally`, quoteLine(l))
	default:
		return ""
	}
}

// maxQuotedLine keeps the lists of all privileges, which are hundreds of bytes long, out of sentences.
const maxQuotedLine = 160

func quoteLine(g Grant) string {
	text := strings.ToValidUTF8(g.String(), "�")
	if runes := []rune(text); len(runes) > maxQuotedLine {
		// The end says on what and to whom.
		half := maxQuotedLine / 2
		text = string(runes[:half]) + " … " + string(runes[len(runes)-half:])
	}
	return "«" + text + "»"
}

// inactiveRoles returns the roles that are granted to the account but give it nothing, as no SET ROLE or default role
// makes them active.
func inactiveRoles(grants Grants, active []Account) []string {
	var names []string
	for _, l := range grants.Lines {
		if l.Scope != ScopeRole || l.GranteeKind != GranteeAccount {
			continue
		}
		for _, role := range l.Roles {
			if !slices.Contains(active, role) {
				names = append(names, role.User)
			}
		}
	}
	return names
}
