package privilege

import (
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

// definerCase is what happens to another account once triggers of the tool are there that run as it.
type definerCase struct {
	is      func(labServer) bool
	role    bool // the other account has everything through a default role
	undo    []string
	subject string
	status  finding.Status
	shop    uint16
}

func definerCases() map[string]definerCase {
	visible := "GRANT SELECT ON mysql.* TO 'u1'@'%'"
	return map[string]definerCase{
		"complete":    {is: always, undo: []string{visible}},
		"not visible": {is: always, subject: SubjectDefiner, status: finding.Unknown},
		"gone": {is: always, undo: []string{visible, "DROP USER 'old'@'%'"}, subject: SubjectDefiner,
			status: finding.Fail, shop: 1449},
		"lost its INSERT": {is: always, undo: []string{visible, "REVOKE INSERT ON magento1.* FROM 'old'@'%'"},
			subject: SubjectDefiner, status: finding.Fail, shop: 1142},
		"everything through a role, which does not count": {
			is: ignoresRoles, role: true, undo: []string{visible}, subject: SubjectDefiner, status: finding.Fail,
			shop: 1142,
		},
		"everything through a default role": {is: firesWithRoles, role: true, undo: []string{visible}},
		"a default role that is not shown": {
			is: firesWithRoles, role: true,
			undo:    []string{"GRANT SELECT ON mysql.user TO 'u1'@'%'", "GRANT SELECT ON mysql.db TO 'u1'@'%'"},
			subject: SubjectDefiner, status: finding.Unknown,
		},
		"a role that is no default role": {
			is: firesWithRoles, role: true, undo: []string{visible, "SET DEFAULT ROLE NONE TO 'old'@'%'"},
			subject: SubjectDefiner, status: finding.Fail, shop: 1142,
		},
	}
}

// TestDefiners covers triggers of the tool that are there already, as in delta: the shop writes as their definer.
func TestDefiners(t *testing.T) {
	t.Parallel()
	for name, test := range definerCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onServers(t, test.is, func(t *testing.T, l *lab) {
				l.exec(t, createUser1, "GRANT "+verdictSet+" ON magento1.* TO 'u1'@'%'",
					"CREATE USER 'old'@'%' IDENTIFIED BY 'pw'")
				if test.role {
					l.exec(t, asOld(l.role("tool", verdictSet, "magento1.*"))...)
				} else {
					l.exec(t, "GRANT "+verdictSet+" ON magento1.* TO 'old'@'%'")
				}
				l.exec(t, strings.Replace(toolTrigger, "CREATE TRIGGER", "CREATE DEFINER='old'@'%' TRIGGER", 1))
				l.dropTriggerAtEnd(t)
				l.exec(t, test.undo...)
				assessment := Assess(l.observe(t, "u1", sourceTarget), Task{Phase: config.PhaseDelta})
				expectOneJudgement(t, assessment)
				if number := l.shopWrite(t, "magento1"); number != test.shop {
					t.Errorf("the shop's write is answered by error %d, want %d", number, test.shop)
				}
				if test.subject == "" {
					onlyNotes(t, assessment.Findings)
					return
				}
				found := mustFind(t, assessment.Findings, test.subject, test.status)
				l.exec(t, statementsIn(found.Remedy)...)
				l.exec(t, "DELETE FROM magento1.orders")
				if number := l.shopWrite(t, "magento1"); number != 0 {
					t.Errorf("after the remedy the shop's write is answered by error %d", number)
				}
				if after := Assess(l.observe(t, "u1", sourceTarget), Task{Phase: config.PhaseDelta}); test.shop != 0 {
					onlyNotes(t, after.Findings)
				}
			})
		})
	}
}

func asOld(statements []string) []string {
	list := slices.Clone(statements)
	for i := range list {
		list[i] = strings.ReplaceAll(list[i], "'u1'@", "'old'@")
	}
	return list
}

// TestBrokenTriggers covers triggers of the shop that the tool rewrites.
func TestBrokenTriggers(t *testing.T) {
	t.Parallel()
	l := use(t, "mariadb")
	l.exec(t, createUser1, "GRANT ALL ON magento1.* TO 'u1'@'%'",
		"CREATE TRIGGER magento1.shop_branches AFTER UPDATE ON magento1.orders FOR EACH ROW BEGIN IF NEW.v > 1 THEN "+
			"SET @x = 1; END IF; END",
		"CREATE TRIGGER magento1.shop_first AFTER DELETE ON magento1.orders FOR EACH ROW SET @x = 1",
		"CREATE TRIGGER magento1.shop_second AFTER DELETE ON magento1.orders FOR EACH ROW SET @x = 2",
		"CREATE TRIGGER magento1.shop_before BEFORE UPDATE ON magento1.orders FOR EACH ROW BEGIN IF NEW.v > 1 THEN "+
			"SET @x = 1; END IF; END",
		"CREATE TRIGGER magento1.shop_single AFTER INSERT ON magento1.orders FOR EACH ROW BEGIN SET @x = 1; END",
		"CREATE TRIGGER magento1.shop_elsewhere AFTER UPDATE ON magento1.probe FOR EACH ROW BEGIN IF NEW.v > 1 THEN "+
			"SET @x = 1; END IF; END")
	t.Cleanup(func() {
		for _, name := range []string{"branches", "first", "second", "before", "single", "elsewhere"} {
			l.exec(t, "DROP TRIGGER magento1.shop_"+name)
		}
	})
	o := l.observe(t, "u1", sourceTarget)
	named := func(task Task) []string {
		var names []string
		for _, f := range Assess(o, task).Findings {
			if f.Subject != SubjectTriggers || f.Status != finding.Warn {
				t.Errorf("unexpected: %+v", f)
			}
			for word := range strings.FieldsSeq(f.Summary) {
				if strings.HasPrefix(word, "shop_") {
					names = append(names, word)
				}
			}
		}
		slices.Sort(names)
		return names
	}
	if got, want := named(Task{DeltaTables: []string{"orders"}}), []string{"shop_branches", "shop_first",
		"shop_second"}; !slices.Equal(got, want) {
		t.Errorf("on a logged table: %v, want %v", got, want)
	}
	if got, want := named(Task{}), []string{"shop_branches", "shop_elsewhere", "shop_first",
		"shop_second"}; !slices.Equal(got, want) {
		t.Errorf("on any table: %v, want %v", got, want)
	}
}
