package privilege

import (
	"strings"
	"testing"

	"magento_migration_exporter/collector/database"
)

// probed lists the privileges that the probe asks for on both systems, in its order.
func probed() []Privilege {
	return []Privilege{Select, Insert, Update, Delete, Create, Drop, Trigger}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		number       uint16
		state        State
		trustMissing bool
		locked       bool
		why          string
	}{
		"no such table":        {number: 1146, state: Held},
		"denied":               {number: 1142, state: Missing},
		"denied on a column":   {number: 1143, state: Missing},
		"denied on a database": {number: 1044, state: Missing},
		"lock wait":            {number: 1205, state: Held, locked: true},
		"no trust":             {number: 1419, trustMissing: true, why: "1419"},
		"duplicate column":     {number: 1060, why: "error 1060"}, // right for another statement only
		"resource limit":       {number: 1226, why: "error 1226"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r ProbeResult
			answer, err := r.classify(probeStatement{privilege: Trigger, held: database.ErrNoSuchTable}, test.number)
			if err != nil {
				t.Fatal(err)
			}
			if answer.State != test.state || answer.Number != test.number || r.TrustMissing != test.trustMissing ||
				(r.Locked == Trigger) != test.locked ||
				!strings.Contains(answer.Why, test.why) || test.why == "" && answer.Why != "" {
				t.Errorf("%+v %+v", answer, r)
			}
		})
	}
	var r ProbeResult
	if answer, err := r.classify(probeStatement{privilege: Drop, held: database.ErrNoSuchTable}, 0); err == nil {
		t.Errorf("a statement that succeeded is %+v", answer)
	}
}

// TestProbeStatements proves that no statement could succeed, or be harmful if a name were taken twice.
func TestProbeStatements(t *testing.T) {
	t.Parallel()
	table, trigger := randomName(), randomName()
	if table == trigger || len(table) < 40 || len(table) > 64 {
		t.Errorf("%q and %q", table, trigger)
	}
	statements := append(probeStatements("back`tick", table, trigger), referencesStatement("back`tick", table, trigger))
	for i, s := range statements {
		if s.privilege != append(probed(), References)[i] {
			t.Errorf("%s comes %d.", s.privilege, i+1)
		}
		if strings.Contains(strings.ToUpper(s.text), "EXISTS") || !strings.Contains(s.text,
			"`back``tick`.`"+table+"`") {
			t.Error(s.text)
		}
	}
}
