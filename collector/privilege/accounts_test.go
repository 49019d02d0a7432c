package privilege

import (
	"cmp"
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.yaml.in/yaml/v4"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
)

//go:embed testdata/*.yaml
var shapeFiles embed.FS

// accountShape is one of the shapes in testdata, where the fields are explained.
type accountShape struct {
	Name       string
	User       string
	NoAccount  bool `yaml:"noAccount"`
	TCP        bool
	Setup      []string
	AfterLogin []string `yaml:"afterLogin"`
	Session    []string
	Truth      []shapeTruth
}

type shapeTruth struct {
	Database   string
	Servers    []string
	Holds      []Privilege
	Unverified []Privilege
	Shop       *uint16
	Untrusted  uint16
	View       string
}

// shapesOf returns the shapes that say something about a server, with what they say about it.
func shapesOf(t *testing.T, servers []string) []accountShape {
	t.Helper()
	var list []accountShape
	for file, all := range map[string]string{"accounts.yaml": "", "accounts_mysql97.yaml": "mysql97"} {
		text, err := shapeFiles.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var shapes []accountShape
		if err := yaml.Load(text, &shapes, yaml.WithKnownFields()); err != nil {
			t.Fatal(err)
		}
		for _, shape := range shapes {
			shape.User = cmp.Or(shape.User, "u1")
			shape.Truth = slices.DeleteFunc(shape.Truth, func(truth shapeTruth) bool {
				return !slices.ContainsFunc(servers, func(s string) bool {
					return s == all ||
						slices.Contains(truth.Servers, s)
				})
			})
			if len(shape.Truth) > 0 {
				list = append(list, shape)
			}
		}
	}
	return list
}

// TestVerdictsOfAccountShapes sets every account shape up on the real servers and expects exactly what such an account
// could really do there, as the account of either system. Then each remedy that is offered is pasted, and must lead to
// an account that lacks nothing.
func TestVerdictsOfAccountShapes(t *testing.T) {
	t.Parallel()
	var verdicts, remedies, writes atomic.Int32
	t.Cleanup(func() {
		t.Logf("%d verdicts, %d remedies pasted, %d writes of the shop", verdicts.Load(), remedies.Load(),
			writes.Load())
	})
	for _, server := range labServers() {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			l := use(t, server.name)
			for _, shape := range shapesOf(t, server.shapes) {
				for _, truth := range shape.Truth {
					t.Run(shape.Name+"@"+truth.Database, func(t *testing.T) {
						c := &shapeCase{lab: l, shape: shape, truth: truth, verdicts: &verdicts, remedies: &remedies,
							writes: &writes}
						c.asMagento1(t)
						c.asMagento2(t)
					})
				}
			}
		})
	}
}

// shapeCase is one shape on one server and one database.
type shapeCase struct {
	*lab
	shape                      accountShape
	truth                      shapeTruth
	verdicts, remedies, writes *atomic.Int32
	// made is true while the account is as the shape describes it: no remedy has been pasted since.
	made bool
}

// make makes the account, and forgets those before it.
func (c *shapeCase) make(t *testing.T) {
	t.Helper()
	if c.made && c.plain() {
		return
	}
	c.made = true
	c.forgetAccounts(t)
	if !c.shape.NoAccount {
		c.exec(t, "CREATE USER 'u1'@'%' IDENTIFIED BY 'pw'")
	}
	c.exec(t, c.shape.Setup...)
}

func (c *shapeCase) observe(t *testing.T, system finding.System) Observation {
	t.Helper()
	s := c.login(t, c.shape.User, c.shape.TCP)
	c.exec(t, c.shape.AfterLogin...)
	for _, statement := range c.shape.Session {
		if err := s.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return observe(t, s, Target{System: system, Database: c.truth.Database})
}

func (c *shapeCase) asMagento1(t *testing.T) {
	t.Helper()
	view := database.Quote(c.truth.Database) + ".a_view"
	if c.truth.View != "" {
		c.exec(t, "CREATE OR REPLACE VIEW "+view+" AS SELECT 1 AS one")
		t.Cleanup(func() { c.exec(t, "DROP VIEW "+view) })
	}
	c.make(t)
	o := c.observe(t, finding.Magento1)
	c.verdicts.Add(1)
	if wrong := c.compare(o); len(wrong) > 0 {
		t.Errorf("%s\n%v", strings.Join(wrong, "\n"), o.session.grants.Lines)
	}
	a := Assess(o, Task{})
	expectOneJudgement(t, a)
	if c.plain() {
		c.expectShop(t, a)
		c.pasteEach(t, finding.Magento1, o, a)
	}
}

func (c *shapeCase) asMagento2(t *testing.T) {
	t.Helper()
	c.make(t)
	o := c.observe(t, finding.Magento2)
	a := Assess(o, Task{})
	expectOneJudgement(t, a)
	for _, h := range a.Privileges {
		want := Missing
		if slices.Contains(c.truth.Holds, h.Privilege) {
			want = Held
		}
		if h.State != want && !slices.Contains(c.truth.Unverified, h.Privilege) {
			t.Errorf("as Magento 2's account: %s is %s, want %s", h.Privilege, h.State, want)
		}
	}
	if c.plain() {
		c.pasteEach(t, finding.Magento2, o, a)
	}
}

// plain reports whether the account is all that the shape has, so that the same is found at another login.
func (c *shapeCase) plain() bool { return len(c.shape.Session) == 0 && len(c.shape.AfterLogin) == 0 }

// compare compares what the session holds with the truth.
func (c *shapeCase) compare(o Observation) []string {
	got := map[Privilege]State{}
	for _, h := range Assess(o, Task{}).Privileges {
		got[h.Privilege] = h.session
	}
	// SUPER is no requirement and is read from SHOW GRANTS. So is REFERENCES here.
	current := newReading(o.Server, o.session, o.Target.Database)
	got[Super] = (&trustAssessor{Observation: o, current: current}).super()
	unverified := slices.Clone(c.truth.Unverified)
	if got[References] = current.holding(References).state; contradicts(current, o.session.probe) {
		unverified = append(unverified, References)
	}
	var wrong []string
	for _, p := range append(probed(), References, Super) {
		want := Missing
		if slices.Contains(c.truth.Holds, p) {
			want = Held
		}
		if got[p] != want && !slices.Contains(unverified, p) {
			wrong = append(wrong, fmt.Sprintf("%s is %s, want %s", p, got[p], want))
		}
	}
	if c.truth.View != "" && got[ShowView].String() != c.truth.View {
		wrong = append(wrong, fmt.Sprintf("SHOW VIEW is %s, want %s", got[ShowView], c.truth.View))
	}
	return wrong
}

// expectOneJudgement wants the gauges and the status to say the same.
func expectOneJudgement(t *testing.T, a Assessment) {
	t.Helper()
	worst := finding.Pass
	for _, f := range a.Findings {
		if f.Status.Rank() > worst.Rank() {
			worst = f.Status
		}
		if f.Remedy == "" && (f.Status == finding.Fail || f.Status == finding.Unknown) {
			t.Errorf("no remedy: %+v", f)
		}
	}
	want := map[State]bool{Held: worst.Ready(), Missing: worst == finding.Fail, Undetermined: worst == finding.Unknown}
	if !want[a.OK()] {
		t.Errorf("privileges are %s and the status is %s:\n%s", a.OK(), worst, showFindings(a.Findings))
	}
	for _, h := range a.Privileges {
		if h.State == Missing && a.OK() != Missing || h.State == Undetermined && a.OK() == Held {
			t.Errorf("%s is %s, and all privileges are %s", h.Privilege, h.State, a.OK())
		}
	}
}

// expectShop makes the tool's trigger as the account and lets another account write. What was predicted has to come
// true, but for grants that SHOW GRANTS does not show.
func (c *shapeCase) expectShop(t *testing.T, a Assessment) {
	t.Helper()
	number, made := c.shopWrites(t, c.shape.User, c.shape.TCP, c.truth.Database)
	if known := c.truth.Shop != nil; slices.Contains(c.shapes, "mysql97") && (known != made || known &&
		number != *c.truth.Shop) {
		t.Errorf("the trigger is made: %t; the shop's write is answered by error %d; the shape says otherwise", made,
			number)
	}
	if !made {
		if a.OK() == Held {
			t.Error("the account lacks nothing, and the tool's trigger cannot be made")
		}
		return
	}
	c.writes.Add(1)
	if _, hidden := find(a.Findings, SubjectHiddenGrants); hidden {
		return
	}
	// An account that cannot make the change log's tables gets no further than that.
	if a.OK() == Held && number != 0 || danger(a) && number == 0 {
		t.Errorf("the shop's write is answered by error %d, but the findings are:\n%s", number,
			showFindings(a.Findings))
	}
}

// danger reports whether the findings say that the shop's writes would fail.
func danger(a Assessment) bool {
	for _, f := range a.Findings {
		if f.Status == finding.Fail && (f.Subject == SubjectLiveShop || f.Subject == SubjectRoles) {
			return true
		}
	}
	return false
}

// pasteEach pastes each remedy that is offered by itself, as an administrator, and expects that nothing is wrong then.
func (c *shapeCase) pasteEach(t *testing.T, system finding.System, before Observation, a Assessment) {
	t.Helper()
	var pasted []string
	for _, f := range a.Findings {
		statements := statementsIn(f.Remedy)
		text := strings.Join(statements, "\n")
		if len(statements) == 0 || slices.Contains(pasted, text) {
			continue
		}
		pasted = append(pasted, text)
		c.make(t)
		c.made = false
		c.exec(t, statements...)
		o := c.observe(t, system)
		c.expectNothingLost(t, before, o, text)
		c.remedies.Add(1)
		after := Assess(o, Task{})
		if after.OK() != Held || after.Grant != "" {
			t.Errorf("as the account of %s, after\n%s\nthere is:\n%s%v", system, text, showFindings(after.Findings),
				o.session.grants.Lines)
		}
		expectOneJudgement(t, after)
		onlyNotes(t, after.Findings)
		if system == finding.Magento1 {
			if number, made := c.shopWrites(t, c.shape.User, c.shape.TCP, c.truth.Database); !made || number != 0 {
				t.Errorf("after\n%s\nthe tool's trigger is made: %t, and the shop's write is answered by error %d",
					text, made, number)
			}
			c.writes.Add(1)
		}
	}
}

// expectNothingLost wants the account itself to have kept what the tool does not need.
func (c *shapeCase) expectNothingLost(t *testing.T, before, after Observation, text string) {
	t.Helper()
	own := func(o Observation, p Privilege) State {
		return newReading(o.Server, standing{grants: o.own}, o.Target.Database).holding(p).state
	}
	for _, p := range []Privilege{References, "INDEX", "ALTER", "LOCK TABLES"} {
		if own(before, p) == Held && own(after, p) != Held {
			t.Errorf("%s took %s away", text, p)
		}
	}
}
