package privilege

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.yaml.in/yaml/v4"

	"magento_migration_exporter/collector/finding"
)

//go:embed testdata/accounts.yaml
var accountsFile []byte

type accountShape struct {
	Name       string
	User       string
	TCP        bool
	Setup      []string
	AfterLogin []string `yaml:"afterLogin"`
	Session    []string
	Truth      []struct {
		Database   string
		Servers    []string
		Holds      []Privilege
		Unverified []Privilege
	}
}

func accountShapes(t *testing.T) []accountShape {
	t.Helper()
	var shapes []accountShape
	if err := yaml.Load(accountsFile, &shapes, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	return shapes
}

// TestVerdictsOfAccountShapes sets every account shape up on the real servers and expects exactly what such an account could really do there.
// Where that is not all the tool needs, the remedies are pasted and must lead to an account that lacks nothing.
func TestVerdictsOfAccountShapes(t *testing.T) {
	t.Parallel()
	var verdicts, mismatches, remedied atomic.Int32
	t.Cleanup(func() {
		t.Logf("%d verdicts, %d mismatches, %d accounts mended by their remedies", verdicts.Load(), mismatches.Load(), remedied.Load())
	})
	for name := range labOptions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := use(t, name)
			for _, shape := range accountShapes(t) {
				for _, truth := range shape.Truth {
					if !slices.Contains(truth.Servers, name) {
						continue
					}
					t.Run(shape.Name+"@"+truth.Database, func(t *testing.T) {
						o := l.observeShape(t, shape, truth.Database)
						wrong := compareWithTruth(o, truth.Holds, truth.Unverified)
						verdicts.Add(1)
						if len(wrong) > 0 {
							mismatches.Add(1)
							t.Errorf("%s\n%v", strings.Join(wrong, "\n"), o.grants.Lines)
						}
						if len(shape.Session) == 0 && l.remedyWorks(t, shape, o) {
							remedied.Add(1)
						}
					})
				}
			}
		})
	}
}

func (l *lab) observeShape(t *testing.T, shape accountShape, name string) Observation {
	t.Helper()
	l.clean(t)
	l.exec(t, shape.Setup...)
	conn := l.login(t, shape.User, shape.TCP)
	l.exec(t, shape.AfterLogin...)
	for _, statement := range shape.Session {
		if err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return observe(t, conn, Target{System: finding.Magento1, Database: name})
}

func compareWithTruth(o Observation, holds, unverified []Privilege) []string {
	got := map[Privilege]State{}
	for _, h := range Assess(o, Task{}).Privileges {
		got[h.Privilege] = h.State
	}
	// SUPER is no requirement, and REFERENCES none of these servers'; both are read from SHOW GRANTS.
	got[Super] = (&trustAssessor{Observation: o, all: newReading(o, o.Target.Database, true)}).super()
	r := newReading(o, o.Target.Database, true)
	if got[References] = r.holding(References).state; contradicts(r, o.probe) {
		unverified = append(slices.Clone(unverified), References)
	}
	var wrong []string
	for _, p := range append(probed(), References, Super) {
		want := Missing
		if slices.Contains(holds, p) {
			want = Held
		}
		if got[p] != want && !slices.Contains(unverified, p) {
			wrong = append(wrong, fmt.Sprintf("%s is %s, want %s", p, got[p], want))
		}
	}
	return wrong
}

// remedyWorks pastes the remedy for missing privileges as root, logs in again and expects a pass. It is false when nothing was missing.
func (l *lab) remedyWorks(t *testing.T, shape accountShape, before Observation) bool {
	t.Helper()
	assessment := Assess(before, Task{})
	if assessment.OK() == Held || len(shape.AfterLogin) > 0 {
		return false
	}
	l.exec(t, assessment.Grant)
	o := observe(t, l.login(t, shape.User, shape.TCP), before.Target)
	after := Assess(o, Task{})
	if after.OK() != Held || after.Grant != "" {
		t.Errorf("after %s:\n%s%v", assessment.Grant, showFindings(after.Findings), o.grants.Lines)
	}
	atMost(t, finding.Pass, after.Findings)
	// What was held before must not be lost.
	for _, p := range []Privilege{References, "INDEX", "ALTER", "LOCK TABLES"} {
		if newReading(before, before.Target.Database, false).holding(p).state == Held && newReading(o, o.Target.Database, false).holding(p).state != Held {
			t.Errorf("%s took %s away", assessment.Grant, p)
		}
	}
	return true
}
