package collector

import (
	"strings"
	"testing"

	"magento_migration_exporter/collector/mysqltest"
)

// sqlLines returns the lines of a remedy that are statements.
func sqlLines(remedy string) []string {
	var statements []string
	for line := range strings.Lines(remedy) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "GRANT ") || strings.HasPrefix(line, "SET GLOBAL ") {
			statements = append(statements, line)
		}
	}
	return statements
}

// TestPrivilegesEachMissing takes each privilege away, sees that, and pastes the remedy.
func TestPrivilegesEachMissing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.want("privileges", Pass)
	s.wantValue(1, privilegesOK, magento1)
	s.wantValue(1, privilegesOK, magento2)
	account := "'" + s.user + "'@'%'"
	for _, tc := range []struct {
		system, privileges string
		server             *mysqltest.Server
		database           string
	}{
		{magento1, "SELECT INSERT UPDATE DELETE CREATE DROP TRIGGER", s.server1, s.db1},
		{magento2, "SELECT INSERT UPDATE DELETE CREATE DROP", s.server2, s.db2},
	} {
		for p := range strings.FieldsSeq(tc.privileges) {
			s.exec(tc.server, "REVOKE "+p+" ON "+grantName(tc.database)+".* FROM "+account)
			f := s.wantFinding("privileges", Fail, p, "GRANT ")
			if !strings.HasPrefix(f.Subject, tc.system+" ") {
				t.Errorf("the finding on %s of %s has the subject %q", p, tc.system, f.Subject)
			}
			s.wantValue(0, privilegesOK, tc.system)
			s.wantValue(0, privilegeGranted, tc.system, p)
			statements := sqlLines(f.Remedy)
			if len(statements) != 1 {
				t.Fatalf("remedy: %q", f.Remedy)
			}
			s.exec(tc.server, statements...)
			s.want("privileges", Pass)
			s.wantValue(1, privilegeGranted, tc.system, p)
		}
	}
}

func TestPrivilegesOddNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"my shop", "o'brien", "100%_new", "магазин", "back`tick", `back\slash`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, func(s *shop) { s.db1 += name; s.db2 += name })
			for _, id := range []string{"network", "m2_installed", "privileges", "binlog_trust", "m2_entities", "cron_stopped"} {
				if got := s.evaluate().precondition(id).Result; got.Status != Pass && got.Status != Warn {
					t.Errorf("%s is %s: %+v", id, got.Status, got.Findings)
				}
			}
			s.exec(s.server1, "REVOKE INSERT ON "+grantName(s.db1)+".* FROM '"+s.user+"'@'%'")
			f := s.wantFinding("privileges", Fail, "INSERT")
			s.exec(s.server1, sqlLines(f.Remedy)...)
			s.want("privileges", Pass)
		})
	}
}

func TestPrivilegesThroughARoleWouldStopTheShop(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	account, role := "'"+s.user+"'@'%'", "role_"+s.user
	s.exec(s.server1, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM "+account, "CREATE ROLE "+role, "GRANT ALL ON "+grantName(s.db1)+".* TO "+role, "GRANT "+role+" TO "+account, "SET DEFAULT ROLE "+role+" FOR "+account)
	t.Cleanup(func() { _ = s.server1.Exec(t.Context(), "DROP ROLE "+role) })
	f := s.wantFinding("privileges", Fail, "role", "GRANT ")
	s.wantValue(0, privilegesOK, magento1)
	s.exec(s.server1, sqlLines(f.Remedy)...)
	s.want("privileges", Pass)
	s.wantValue(1, privilegesOK, magento1)
}
