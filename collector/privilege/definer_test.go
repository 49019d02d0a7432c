package privilege

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config"
)

// definerCase is what happens to another account once triggers of the tool are there that run as it.
type definerCase struct {
	is   func(labServer) bool
	role bool // the other account has everything through a default role
	// host is that of the other account, % where it is empty.
	host string
	// grants are what the other account has instead of everything.
	grants  []string
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

const (
	// onHost is the other account where it is for one host.
	onHost = "'old'@'10.0.0.1'"
	// firingSet is what triggers need.
	firingSet = "SELECT, INSERT, UPDATE, TRIGGER"
)

// hostCases have grants to accounts for other hosts: those on databases and tables may count, those on *.* never do.
func hostCases() map[string]definerCase {
	allOn := func(accounts ...string) []string {
		var list []string
		for _, a := range accounts {
			list = append(list, "CREATE USER "+a, "GRANT "+firingSet+" ON magento1.* TO "+a)
		}
		return list
	}
	some := func(account string) string { return "GRANT SELECT ON magento1.* TO " + account }
	inThis := []string{"GRANT TRIGGER, SELECT ON magento1.orders TO {{}}", "GRANT SELECT, INSERT, UPDATE ON " +
		"magento1.m2_cl_orders TO {{}}"}
	role := func(on string) []string {
		return append(
			allOn("'old'@'%'"),
			"CREATE ROLE tool",
			"GRANT SELECT ON "+on+".* TO tool",
			"GRANT tool TO "+onHost,
			"SET DEFAULT ROLE tool TO "+onHost,
		)
	}
	fails := definerCase{is: always, subject: SubjectDefiner, status: finding.Fail, shop: 1142}
	passes := definerCase{is: always}
	all := map[string]definerCase{}
	for _, c := range []struct {
		name   string
		grants []string
		like   definerCase
	}{
		{"another host's for all", allOn("'old'@'%'"), passes},
		{"another host's for a pattern", allOn("'old'@'10.%'"), passes},
		{"another host's for a mask", allOn("'old'@'10.0.0.0/255.0.0.0'"), passes},
		{"another host's that does not match", allOn("'old'@'192.%'"), fails},
		{"another host's on *.*", []string{"CREATE USER 'old'@'%'", "GRANT " + firingSet + " ON *.* TO 'old'@'%'"}, fails},
		{"another host's, and its own line hides it", append(allOn("'old'@'%'"), some(onHost)), fails},
		{"another host's, and its own wildcard hides it", append(allOn("'old'@'%'"), "GRANT SELECT ON `m%`.* TO "+onHost),
			fails},
		{"another host's, hidden by a more exact host", append(allOn("'old'@'%'"), "CREATE USER 'old'@'10.%'",
			some("'old'@'10.%'")), fails},
		{"another host's, hiding that for all", append(allOn("'old'@'10.%'"), "CREATE USER 'old'@'%'", some("'old'@'%'")),
			passes},
		{"its tables'", forAccount(inThis, onHost), passes},
		{"one of its tables'", forAccount(inThis[:1], onHost), fails},
		{"another host's tables'", append([]string{"CREATE USER 'old'@'%'"}, forAccount(inThis, "'old'@'%'")...), passes},
		{"tables' of the anonymous user", append([]string{"CREATE USER ''@'%'"}, forAccount(inThis, "''@'%'")...), fails},
	} {
		c.like.grants, c.like.host = c.grants, "10.0.0.1"
		all[c.name] = c.like
	}
	for name, on := range map[string]string{"a default role hides another host's": "magento1",
		"with a default role another host's does not count": "magento2"} {
		c := fails
		c.is, c.host, c.grants = firesWithRoles, "10.0.0.1", role(on)
		all[name] = c
	}
	return all
}

// unsureCases are those of which it is not worked out whether they count.
func unsureCases() map[string]definerCase {
	anonymous := definerCase{
		is: func(s labServer) bool { return s.flavor != mysqltest.MySQL56 }, host: "10.0.0.1",
		grants:  []string{"CREATE USER ''@'%'", "GRANT " + firingSet + " ON magento1.* TO ''@'%'"},
		subject: SubjectDefiner, status: finding.Unknown,
	}
	columns := definerCase{
		is: firesWithRoles, host: "10.0.0.1", grants: []string{
			"GRANT TRIGGER, SELECT (id) ON magento1.orders TO " + onHost,
			"GRANT INSERT (id, operation), UPDATE (operation) ON magento1.m2_cl_orders TO " + onHost,
		}, subject: SubjectDefiner, status: finding.Unknown,
	}
	anonymousAlone, columnsAlone := anonymous, columns
	anonymousAlone.is = func(s labServer) bool { return s.flavor == mysqltest.MySQL56 }
	columnsAlone.is = func(s labServer) bool { return !s.firingRoles }
	columnsAlone.status, columnsAlone.shop = finding.Fail, 1143 // SELECT on the log's table is missing
	anonymousAlone.shop = 1142
	return map[string]definerCase{
		"the anonymous user's": anonymous, "the anonymous user's, which do not count": anonymousAlone,
		"single columns'": columns, "too few single columns'": columnsAlone,
	}
}

func forAccount(statements []string, account string) []string {
	list := slices.Clone(statements)
	for i := range list {
		list[i] = strings.ReplaceAll(list[i], "{{}}", account)
	}
	return list
}

// make makes the other account.
func (c definerCase) make(t *testing.T, l *lab) (account string) {
	t.Helper()
	account = "'old'@'" + cmp.Or(c.host, "%") + "'"
	l.exec(t, "CREATE USER "+account+" IDENTIFIED BY 'pw'")
	switch {
	case c.role:
		l.exec(t, asOld(l.role("tool", verdictSet, "magento1.*"))...)
	case c.grants != nil:
		l.exec(t, c.grants...)
		l.exec(t, "GRANT SELECT ON mysql.* TO 'u1'@'%'")
	default:
		l.exec(t, "GRANT "+verdictSet+" ON magento1.* TO "+account)
	}
	return account
}

// TestDefiners covers triggers of the tool that are there already, as in delta: the shop writes as their definer.
func TestDefiners(t *testing.T) {
	t.Parallel()
	cases := definerCases()
	maps.Copy(cases, hostCases())
	maps.Copy(cases, unsureCases())
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onServers(t, test.is, func(t *testing.T, l *lab) {
				l.exec(t, createUser1, "GRANT "+verdictSet+" ON magento1.* TO 'u1'@'%'")
				account := test.make(t, l)
				l.exec(t, strings.Replace(toolTrigger, "CREATE TRIGGER", "CREATE DEFINER="+account+" TRIGGER", 1))
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
