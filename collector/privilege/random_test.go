package privilege

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
)

// randomCombinations is how many accounts are made on each server.
const randomCombinations = 200

// randomCase is one made-up account.
type randomCase struct {
	*lab
	*grantMaker
	seed  uint64
	count *randomCount
}

type randomCount struct{ verdicts, missing, explained, unsure, repaired, writes int }

// TestVerdictsOfRandomGrants makes accounts with overlapping grants of all kinds, and compares the verdict with really
// doing each operation.
func TestVerdictsOfRandomGrants(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		var count randomCount
		for seed := range uint64(randomCombinations) {
			c := randomCase{l, newGrantMaker(l, seed), seed, &count}
			c.forgetAccounts(t)
			c.exec(t, strings.Join(c.statements, ";"))
			o := c.observe(t, "u1", Target{System: finding.Magento1, Database: c.schema})
			assessment := Assess(o, Task{})
			expectOneJudgement(t, assessment)
			c.compare(t, assessment)
			c.expectShop(t, assessment)
			c.repair(t, o.Target, assessment)
			if t.Failed() {
				return
			}
		}
		t.Logf("%d combinations: %d verdicts, %d of them missing; of those that SHOW GRANTS alone could tell %d "+
			"right, %d not sure; "+
			"%d writes of the shop; %d accounts repaired",
			randomCombinations, count.verdicts, count.missing, count.explained, count.unsure, count.writes,
			count.repaired)
	})
}

func (c randomCase) errorf(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Errorf("combination %d on %s: "+format+"; made by\n%s",
		append(append([]any{c.seed, c.schema}, args...), strings.Join(c.statements, "\n"))...)
}

func (c randomCase) compare(t *testing.T, a Assessment) {
	t.Helper()
	done := c.operate(t, c.schema)
	for _, h := range a.Privileges {
		c.count.verdicts++
		if h.session != done[h.Privilege] {
			c.errorf(t, "%s is %s, but doing it says %s", h.Privilege, h.session, done[h.Privilege])
		}
		if h.session == Missing {
			c.count.missing++
		}
		// Without grants to others that also count, SHOW GRANTS must explain everything, or admit that it cannot.
		switch {
		case c.hidden:
		case h.reading == done[h.Privilege]:
			c.count.explained++
		case h.reading == Undetermined:
			c.count.unsure++
		default:
			c.errorf(t, "SHOW GRANTS is read as %s %s, but it is %s", h.Privilege, h.reading, done[h.Privilege])
		}
	}
}

// expectShop compares what the triggers' definer is said to have with the shop's write.
func (c randomCase) expectShop(t *testing.T, a Assessment) {
	t.Helper()
	number, made := c.shopWrites(t, "u1", false, c.schema)
	if !made || c.hidden {
		return
	}
	c.count.writes++
	lacks := false
	for _, h := range a.Privileges {
		lacks = lacks || h.definer != Held && slices.Contains(firing(), h.Privilege)
	}
	if lacks != (number != 0) {
		c.errorf(t, "the shop's write is answered by error %d, but there is:\n%s", number, showFindings(a.Findings))
	}
}

func (c randomCase) repair(t *testing.T, target Target, a Assessment) {
	t.Helper()
	if a.Grant == "" {
		return
	}
	c.exec(t, statementsIn(a.Grant)...)
	if after := Assess(c.observe(t, "u1", target), Task{}); after.OK() != Held {
		c.errorf(t, "%s does not help: %s", a.Grant, showFindings(after.Findings))
	}
	c.count.repaired++
}

// grantMaker makes up an account's grants.
type grantMaker struct {
	*rand.Rand
	schema     string // the database
	statements []string
	hidden     bool // grants to other accounts may count
}

func newGrantMaker(l *lab, seed uint64) *grantMaker {
	g := &grantMaker{Rand: rand.New(rand.NewPCG(seed, 0))}
	g.schema = pick(g, "magento1", "magento_one", "magento%", "test_magento", `back\slash`)
	g.statements = []string{"CREATE USER 'u1'@'%' IDENTIFIED BY 'pw'"}
	g.grants("'u1'@'%'", 4)
	if g.often(0.3) {
		g.hidden = true
		g.statements = append(g.statements, "CREATE USER 'u1'@'localhost' IDENTIFIED BY 'pw'")
		g.grants("'u1'@'localhost'", 2)
	}
	if g.often(0.2) {
		g.hidden = true
		// Not @localhost, which would catch the login.
		g.statements = append(g.statements, "CREATE USER ''@'%'")
		g.grants("''@'%'", 2)
	}
	if l.hasRoles && g.often(0.6) {
		g.roles(l)
	}
	for _, group := range l.extraGrants {
		if g.often(0.2) {
			group = strings.ReplaceAll(group, "{{database}}", database.Quote(g.schema))
			g.statements = append(g.statements, strings.Split(group, "; ")...)
		}
	}
	g.statements = append(g.statements, "FLUSH PRIVILEGES")
	return g
}

func (g *grantMaker) roles(l *lab) {
	g.statements = append(g.statements, "CREATE ROLE outer_role", "CREATE ROLE inner_role",
		"GRANT inner_role TO outer_role")
	g.grants("outer_role", 2)
	g.grants("inner_role", 2)
	g.statements = append(g.statements, "GRANT outer_role TO 'u1'@'%'")
	if !g.hidden && g.often(0.8) {
		g.statements = append(g.statements, fmt.Sprintf(l.defaultRole, "outer_role", "'u1'@'%'"))
	}
}

// grants adds up to most grants on overlapping names.
func (g *grantMaker) grants(to string, most int) {
	for range g.IntN(most + 1) {
		on := ""
		switch {
		case g.often(0.1):
			on = "*.*"
		case g.often(0.15):
			on = database.Quote(g.schema) + ".probe"
		default:
			on = database.Quote(g.pattern()) + ".*"
		}
		g.statements = append(g.statements, fmt.Sprintf("GRANT %s ON %s TO %s", g.privileges(), on, to))
	}
}

// pattern returns a name that matches the database, or only just does not.
func (g *grantMaker) pattern() string {
	name := g.schema
	if g.often(0.2) {
		return escapePattern(name)
	}
	if g.often(0.2) {
		return pick(g, name, name+"%", "%", strings.ToUpper(name), "magento%", "m%", "%o%", "magento_", "magento_one",
			`magento\_%`, `magento\_one`, `test\_%`)
	}
	// Wildcards at random places. A wildcard in place of a backslash would leave the next character escaped.
	b := []byte(name)
	b[g.IntN(4)] = '_'
	if g.often(0.5) {
		at := g.IntN(4) + 1
		b = slices.Concat(b[:at], []byte("%"), b[min(at+g.IntN(3), len(b)):])
	}
	return string(b)
}

func (g *grantMaker) privileges() string {
	if g.often(0.15) {
		return "ALL"
	}
	var names []string
	for _, p := range probed() {
		if g.often(0.4) {
			names = append(names, string(p))
		}
	}
	if len(names) == 0 {
		return "SELECT"
	}
	return strings.Join(names, ", ")
}

func (g *grantMaker) often(probability float64) bool { return g.Float64() < probability }

func pick(g *grantMaker, choices ...string) string { return choices[g.IntN(len(choices))] }

// operate logs in and really does what each privilege is for, and then undoes it as root.
func (l *lab) operate(t *testing.T, name string) map[Privilege]State {
	t.Helper()
	conn := l.login(t, "u1", false)
	defer conn.Close()
	db := database.Quote(name)
	done := map[Privilege]State{}
	var undo []string
	for _, operation := range []struct {
		privilege Privilege
		statement string
		undo      string
	}{
		{Select, "SELECT id FROM " + db + ".orders", ""},
		{Insert, "INSERT INTO " + db + ".orders VALUES (77, 1)", "DELETE FROM " + db + ".orders"},
		{Update, "UPDATE " + db + ".orders SET v=2", ""},
		{Delete, "DELETE FROM " + db + ".orders", ""},
		{Create, "CREATE TABLE " + db + ".made (a INT)", "DROP TABLE " + db + ".made"},
		{Drop, "DROP TABLE " + db + ".dropped", "CREATE TABLE " + db + ".dropped (id INT)"},
		{Trigger, "CREATE TRIGGER " + db + ".made AFTER INSERT ON " + db + ".orders FOR EACH ROW SET @x=1",
			"DROP TRIGGER " + db + ".made"},
	} {
		number, err := serverError(conn.Exec(t.Context(), operation.statement))
		switch {
		case err != nil:
			t.Fatal(err)
		case number == database.ErrTableAccessDenied:
			done[operation.privilege] = Missing
		case number != 0:
			t.Fatalf("%s: error %d", operation.statement, number)
		default:
			done[operation.privilege] = Held
			if operation.undo != "" {
				undo = append(undo, operation.undo)
			}
		}
	}
	if len(undo) > 0 {
		l.exec(t, strings.Join(undo, ";"))
	}
	return done
}
