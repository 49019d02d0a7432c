package privilege

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

const (
	createUser1 = "CREATE USER 'u1'@'%' IDENTIFIED BY 'pw'"
	verdictSet  = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, TRIGGER"
)

// toolTrigger is what the tool makes, for one event, in the database magento1.
const toolTrigger = "CREATE TRIGGER magento1.trg_orders_after_insert AFTER INSERT ON magento1.orders FOR EACH ROW " +
	"BEGIN " +
	"INSERT INTO m2_cl_orders (`id`,`operation`) VALUES (NEW.id,'INSERT')ON DUPLICATE KEY UPDATE operation = " +
	"'INSERT'; END"

// shopWrites lets an account make the tool's trigger, and then says what the live shop's own write is answered. It is
// false where no trigger could be made.
func (l *lab) shopWrites(t *testing.T, user string, tcp bool, name string) (number uint16, made bool) {
	t.Helper()
	s := l.login(t, user, tcp)
	defer s.Close()
	db := database.Quote(name)
	number, err := execute(t.Context(), s, strings.ReplaceAll(toolTrigger, "magento1.", db+"."))
	if err != nil {
		t.Fatal(err)
	}
	if number != 0 {
		return 0, false
	}
	defer l.exec(t, "DROP TRIGGER "+db+".trg_orders_after_insert", "DELETE FROM "+db+".orders",
		"DELETE FROM "+db+".m2_cl_orders")
	return l.shopWrite(t, name), true
}

func (l *lab) shopWrite(t *testing.T, name string) uint16 {
	t.Helper()
	number, err := serverError(l.Exec(t.Context(), "INSERT INTO "+database.Quote(name)+".orders VALUES (1, 1)"))
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// expectWrite wants the trigger to be made and the shop's write to be answered so.
func (l *lab) expectWrite(t *testing.T, want uint16) {
	t.Helper()
	if number, made := l.shopWrites(t, "u1", false, "magento1"); !made || number != want {
		t.Errorf("the trigger is made: %t; the shop's write is answered by error %d, want %d", made, number, want)
	}
}

func always(labServer) bool { return true }

// ignoresRoles is for servers on which a trigger's definer has no roles.
func ignoresRoles(s labServer) bool { return s.hasRoles && !s.firingRoles }

// hasPublic is for MariaDB from 10.11 on.
func hasPublic(s labServer) bool { return slices.Contains(s.shapes, "mariadb-public") }

func firesWithRoles(s labServer) bool { return s.firingRoles }

// dangerCase is an account whose triggers are a danger to the shop.
type dangerCase struct {
	is      func(labServer) bool
	setup   func(*lab) []string
	subject string // empty where there is no danger
	status  finding.Status
	shop    uint16 // how the shop's write ends before the remedy
}

func grants(statements ...string) func(*lab) []string {
	return func(*lab) []string { return statements }
}

func dangerCases() map[string]dangerCase {
	everythingByRole := func(l *lab) []string { return l.role("tool", "ALL", "magento1.*") }
	triggerDirect := func(l *lab) []string {
		return append(everythingByRole(l),
			"GRANT TRIGGER ON magento1.* TO 'u1'@'%'")
	}
	activated := grants("CREATE ROLE tool", "GRANT ALL ON magento1.* TO tool", "GRANT tool TO 'u1'@'%'",
		"SET GLOBAL activate_all_roles_on_login = ON")
	return map[string]dangerCase{
		"trigger without insert and update": {
			always, grants("GRANT SELECT, CREATE, DROP, DELETE, TRIGGER ON magento1.* TO 'u1'@'%'"), SubjectLiveShop,
			finding.Fail, 1142,
		},
		"trigger without select": {
			always, grants("GRANT INSERT, UPDATE, CREATE, DROP, DELETE, TRIGGER ON magento1.* TO 'u1'@'%'"),
			SubjectLiveShop, finding.Fail, 1143,
		},
		"everything through a role": {ignoresRoles, everythingByRole, SubjectRoles, finding.Fail,
			1142},
		"what the trigger does through a role": {ignoresRoles, triggerDirect, SubjectRoles, finding.Fail,
			1142},
		"everything through a default role":             {firesWithRoles, everythingByRole, "", finding.Pass, 0},
		"what the trigger does through a default role":  {firesWithRoles, triggerDirect, "", finding.Pass, 0},
		"everything through a role active at the login": {firesWithRoles, activated, SubjectRoles, finding.Fail, 1142},
		"everything through a mandatory role": {
			firesWithRoles, grants("CREATE ROLE tool", "GRANT ALL ON magento1.* TO tool",
				"SET GLOBAL mandatory_roles = 'tool'"),
			SubjectRoles, finding.Fail, 1142,
		},
		"select alone through a mandatory role": {
			firesWithRoles, grants("CREATE ROLE tool", "GRANT SELECT ON magento1.* TO tool",
				"SET GLOBAL mandatory_roles = 'tool'",
				"GRANT INSERT, UPDATE, DELETE, CREATE, DROP, TRIGGER ON magento1.* TO 'u1'@'%'"),
			SubjectRoles, finding.Fail, 1143,
		},
		// What only the tool's own session does is as good through any role.
		"delete, create and drop through a role": {
			withRoles, func(l *lab) []string {
				return append(l.role("tool", "DELETE, CREATE, DROP", "magento1.*"),
					"GRANT SELECT, INSERT, UPDATE, TRIGGER ON magento1.* TO 'u1'@'%'")
			}, "", finding.Pass, 0,
		},
		// The account is u1@%, so triggers run as u1@%, which the row for localhost does not match.
		"everything through a row for another host": {
			always, func(l *lab) []string {
				return []string{"CREATE USER 'u1'@'localhost'", "GRANT ALL ON magento1.* TO 'u1'@'localhost'",
					"DELETE FROM mysql." + l.accounts + " WHERE User = 'u1' AND Host = 'localhost'", "FLUSH PRIVILEGES"}
			}, SubjectHiddenGrants, finding.Warn, 1142,
		},
		"everything through a row for all hosts": {
			always, grants("CREATE USER 'u1'@'localhost' IDENTIFIED BY 'pw'", "GRANT ALL ON magento1.* TO 'u1'@'%'"),
			SubjectHiddenGrants, finding.Warn, 0,
		},
	}
}

func TestFireTimeDanger(t *testing.T) {
	t.Parallel()
	for name, test := range dangerCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onServers(t, test.is, func(t *testing.T, l *lab) {
				l.exec(t, append([]string{createUser1}, test.setup(l)...)...)
				assessment := Assess(l.observe(t, "u1", sourceTarget), Task{})
				expectOneJudgement(t, assessment)
				l.expectWrite(t, test.shop)
				if test.subject == "" {
					if assessment.OK() != Held || len(assessment.Findings) > 0 {
						t.Error(showFindings(assessment.Findings))
					}
					return
				}
				found := mustFind(t, assessment.Findings, test.subject, test.status)
				l.exec(t, statementsIn(found.Remedy)...)
				after := Assess(l.observe(t, "u1", sourceTarget), Task{})
				if after.OK() != Held || len(after.Findings) > 0 {
					t.Errorf("after the remedy:\n%s", showFindings(after.Findings))
				}
				l.expectWrite(t, 0)
			})
		})
	}
}

// TestPublicIsNoRole proves that what everybody may do counts when triggers fire.
func TestPublicIsNoRole(t *testing.T) {
	t.Parallel()
	onServers(t, hasPublic, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT ALL ON magento1.* TO PUBLIC")
		assessment := Assess(l.observe(t, "u1", sourceTarget), Task{})
		if assessment.OK() != Held || len(assessment.Findings) > 0 {
			t.Error(showFindings(assessment.Findings))
		}
		l.expectWrite(t, 0)
	})
}

// TestRolesAreFineOnMagento2 proves that the destination, where no triggers are made, takes roles.
func TestRolesAreFineOnMagento2(t *testing.T) {
	t.Parallel()
	onServers(t, withRoles, func(t *testing.T, l *lab) {
		l.exec(t, append([]string{createUser1}, l.role("tool", "ALL", "magento2.*")...)...)
		assessment := Assess(l.observe(t, "u1", Target{System: finding.Magento2, Database: "magento2"}), Task{})
		if assessment.OK() != Held || len(assessment.Findings) > 0 {
			t.Error(showFindings(assessment.Findings))
		}
	})
}

func TestInactiveRoleIsNamed(t *testing.T) {
	t.Parallel()
	onServers(t, withRoles, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "CREATE ROLE tool", "GRANT ALL ON magento1.* TO tool", "GRANT tool TO 'u1'@'%'")
		assessment := Assess(l.observe(t, "u1", sourceTarget), Task{})
		want := "role(s) tool are granted to the account, but not active"
		if f := mustFind(t, assessment.Findings, string(Insert), finding.Fail); !strings.Contains(f.Evidence, want) {
			t.Error(f.Evidence)
		}
	})
}

// TestRoleHidesOwnGrants has a role's line for exactly the database, which on MySQL 8 hides the account's own wildcard.
func TestRoleHidesOwnGrants(t *testing.T) {
	t.Parallel()
	onServers(t, firesWithRoles, func(t *testing.T, l *lab) {
		l.exec(t, append([]string{createUser1, "GRANT ALL ON `magento%`.* TO 'u1'@'%'"}, l.role("reader", "SELECT",
			"magento1.*")...)...)
		assessment := Assess(l.observe(t, "u1", sourceTarget), Task{})
		expectOneJudgement(t, assessment)
		if assessment.OK() != Missing {
			t.Error(showFindings(assessment.Findings))
		}
		l.exec(t, assessment.Grant)
		if after := Assess(l.observe(t, "u1", sourceTarget), Task{}); after.OK() != Held || len(after.Findings) > 0 {
			t.Errorf("after %s:\n%s", assessment.Grant, showFindings(after.Findings))
		}
		l.expectWrite(t, 0)
	})
}

// TestGrantBesideWildcards grants on a database whose name has an underscore to an account with an active role and a
// wildcard line, which MySQL 8 prefers to the escaped name.
func TestGrantBesideWildcards(t *testing.T) {
	t.Parallel()
	onServers(t, withRoles, func(t *testing.T, l *lab) {
		target := Target{System: finding.Magento1, Database: "magento_one"}
		for _, setup := range [][]string{
			append(l.role("reader", "SELECT", "magento2.*"), "GRANT SELECT ON `mag%`.* TO 'u1'@'%'"),
			l.role("reader", "SELECT", "`mag%`.*"),
			append(l.role("reader", "SELECT", "`magento%`.*"), "GRANT INDEX ON `magento_one`.* TO 'u1'@'%'"),
		} {
			l.forgetAccounts(t)
			l.exec(t, append([]string{createUser1}, setup...)...)
			assessment := Assess(l.observe(t, "u1", target), Task{})
			if assessment.OK() != Missing {
				t.Error(showFindings(assessment.Findings))
			}
			l.exec(t, statementsIn(assessment.Grant)...)
			if after := Assess(l.observe(t, "u1", target), Task{}); after.OK() != Held || len(after.Findings) > 0 {
				t.Errorf("%s, and after %s:\n%s", setup, assessment.Grant, showFindings(after.Findings))
			}
		}
	})
}

// TestOwnTriggersThatStopTheShop is the account that lost a privilege after it made the triggers.
func TestOwnTriggersThatStopTheShop(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT "+verdictSet+" ON magento1.* TO 'u1'@'%'",
			strings.Replace(toolTrigger, "CREATE TRIGGER", "CREATE DEFINER='u1'@'%' TRIGGER", 1))
		l.dropTriggerAtEnd(t)
		delta := Task{Phase: config.PhaseDelta}
		assessment := Assess(l.observe(t, "u1", sourceTarget), delta)
		if assessment.OK() != Held || len(assessment.Findings) > 0 {
			t.Error(showFindings(assessment.Findings))
		}
		for _, lost := range []struct {
			privilege string
			code      uint16
		}{{"UPDATE", 1142}, {"SELECT", 1143}} {
			l.exec(t, "REVOKE "+lost.privilege+" ON magento1.* FROM 'u1'@'%'")
			found := mustFind(t, Assess(l.observe(t, "u1", sourceTarget), delta).Findings, SubjectLiveShop, finding.Fail)
			if !strings.Contains(found.Evidence, "1 trigger runs as this account") ||
				!strings.Contains(found.Evidence, fmt.Sprintf("ends with error %d", lost.code)) {
				t.Error(found.Summary, found.Evidence)
			}
			if number := l.shopWrite(t, "magento1"); number != lost.code {
				t.Errorf("without %s the shop's write is answered by error %d", lost.privilege, number)
			}
			l.exec(t, "GRANT "+lost.privilege+" ON magento1.* TO 'u1'@'%'")
		}
		// What is granted on the log's table lets the shop write, though the tool needs more.
		l.exec(t, "REVOKE UPDATE ON magento1.* FROM 'u1'@'%'")
		l.exec(t, "GRANT UPDATE ON magento1.m2_cl_orders TO 'u1'@'%'")
		assessment = Assess(l.observe(t, "u1", sourceTarget), delta)
		if f, there := find(assessment.Findings, SubjectLiveShop); there || assessment.OK() != Missing {
			t.Errorf("%+v", f)
		}
		if number := l.shopWrite(t, "magento1"); number != 0 {
			t.Errorf("the shop's write is answered by error %d", number)
		}
	})
}

// TestOwnTriggersThroughADefaultRole is a shop that can write, on a server on which the definer has its default roles.
func TestOwnTriggersThroughADefaultRole(t *testing.T) {
	t.Parallel()
	onServers(t, firesWithRoles, func(t *testing.T, l *lab) {
		l.exec(t, append([]string{createUser1}, l.role("tool", "ALL", "magento1.*")...)...)
		l.exec(t, strings.Replace(toolTrigger, "CREATE TRIGGER", "CREATE DEFINER='u1'@'%' TRIGGER", 1))
		l.dropTriggerAtEnd(t)
		assessment := Assess(l.observe(t, "u1", sourceTarget), Task{Phase: config.PhaseDelta})
		if assessment.OK() != Held || len(assessment.Findings) > 0 {
			t.Error(showFindings(assessment.Findings))
		}
		if number := l.shopWrite(t, "magento1"); number != 0 {
			t.Errorf("the shop's write is answered by error %d", number)
		}
	})
}

func (l *lab) dropTriggerAtEnd(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		l.exec(t, "DROP TRIGGER magento1.trg_orders_after_insert", "DELETE FROM magento1.orders",
			"DELETE FROM magento1.m2_cl_orders")
	})
}
