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

const randomCombinations = 200

// TestVerdictsOfRandomGrants makes accounts with overlapping grants of all kinds, and compares the verdict with really doing each operation.
func TestVerdictsOfRandomGrants(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, l *lab) {
		var verdicts, missing, mended, explained, unsure int
		for seed := range uint64(randomCombinations) {
			g := newGrantMaker(l, seed)
			l.clean(t)
			l.exec(t, g.statements...)
			o := l.observe(t, "u1", Target{System: finding.Magento1, Database: g.database})
			assessment := Assess(o, Task{})
			session, direct := l.operate(t, g.database, false), l.operate(t, g.database, true)
			for _, h := range assessment.Privileges {
				verdicts++
				if h.State != session[h.Privilege] || h.Direct != direct[h.Privilege] {
					t.Errorf("combination %d: %s on %s is %s (directly %s), but doing it says %s (directly %s); made by\n%s",
						seed, h.Privilege, g.database, h.State, h.Direct, session[h.Privilege], direct[h.Privilege], strings.Join(g.statements, "\n"))
				}
				if h.State == Missing {
					missing++
				}
				// Without grants to others that also count, SHOW GRANTS must explain everything, or admit that it cannot.
				switch {
				case g.hidden:
				case h.reading == session[h.Privilege]:
					explained++
				case h.reading == Undetermined:
					unsure++
				default:
					t.Errorf("combination %d: SHOW GRANTS is read as %s %s, but it is %s; made by\n%s",
						seed, h.Privilege, h.reading, session[h.Privilege], strings.Join(g.statements, "\n"))
				}
			}
			if assessment.Grant != "" {
				l.exec(t, assessment.Grant)
				if after := Assess(l.observe(t, "u1", o.Target), Task{}); after.OK() != Held {
					t.Errorf("combination %d: %s does not help; made by\n%s", seed, assessment.Grant, strings.Join(g.statements, "\n"))
				}
				mended++
			}
		}
		t.Logf("%d combinations: %d verdicts, %d of them missing; of those that SHOW GRANTS alone could tell %d right, %d not sure; %d accounts mended",
			randomCombinations, verdicts, missing, explained, unsure, mended)
	})
}

// grantMaker makes up an account's grants.
type grantMaker struct {
	*rand.Rand
	database   string
	statements []string
	hidden     bool // grants to other accounts may count
}

func newGrantMaker(l *lab, seed uint64) *grantMaker {
	g := &grantMaker{Rand: rand.New(rand.NewPCG(seed, 0))}
	g.database = pick(g, "magento1", "magento_one", "magento%", "test_magento", `back\slash`)
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
	if l.isMariaDB() && g.often(0.6) {
		g.roles()
	}
	g.statements = append(g.statements, "FLUSH PRIVILEGES")
	return g
}

func (g *grantMaker) roles() {
	g.statements = append(g.statements, "CREATE ROLE outer_role", "CREATE ROLE inner_role", "GRANT inner_role TO outer_role")
	g.grants("outer_role", 2)
	g.grants("inner_role", 2)
	g.statements = append(g.statements, "GRANT outer_role TO 'u1'@'%'")
	if !g.hidden && g.often(0.8) {
		g.statements = append(g.statements, "SET DEFAULT ROLE outer_role FOR 'u1'@'%'")
	}
	if g.often(0.3) {
		g.grants("PUBLIC", 1)
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
			on = database.Quote(g.database) + ".probe"
		default:
			on = database.Quote(g.pattern()) + ".*"
		}
		g.statements = append(g.statements, fmt.Sprintf("GRANT %s ON %s TO %s", g.privileges(), on, to))
	}
}

// pattern returns a name that matches the database, or only just does not.
func (g *grantMaker) pattern() string {
	name := g.database
	if g.often(0.2) {
		return escapePattern(name)
	}
	if g.often(0.2) {
		return pick(g, name, name+"%", "%", strings.ToUpper(name), "magento%", "m%", "%o%", "magento_", "magento_one", `magento\_%`, `magento\_one`, `test\_%`)
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
func (l *lab) operate(t *testing.T, name string, withoutRoles bool) map[Privilege]State {
	t.Helper()
	conn := l.login(t, "u1", false)
	defer conn.Close()
	if withoutRoles && l.isMariaDB() {
		if err := conn.Exec(t.Context(), "SET ROLE NONE"); err != nil {
			t.Fatal(err)
		}
	}
	db := database.Quote(name)
	done := map[Privilege]State{}
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
		{Trigger, "CREATE TRIGGER " + db + ".made AFTER INSERT ON " + db + ".orders FOR EACH ROW SET @x=1", "DROP TRIGGER " + db + ".made"},
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
				l.exec(t, operation.undo)
			}
		}
	}
	return done
}
