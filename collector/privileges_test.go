package collector

import (
	"context"
	"strings"
	"testing"

	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config"
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
	s.wantValue(1, privilegeGranted, magento1, "TRIGGER")
	s.exec(s.server1, sqlLines(f.Remedy)...)
	s.want("privileges", Pass)
	s.wantValue(1, privilegesOK, magento1)
}

// TestPrivilegesByTheToolsConfiguration changes what the tool needs by what it is told to do.
func TestPrivilegesByTheToolsConfiguration(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shop) { s.server2 = s.server1 })
	_, root2 := s.withRoots()
	account := "'" + s.user + "'@'%'"
	// Both databases are on one server here, so that the account holds both systems' privileges: take one that only matters by configuration.
	s.migration.Phase = config.PhaseDelta
	s.exec(s.server1, "REVOKE CREATE, DROP ON "+grantName(s.db1)+".* FROM "+account)
	s.want("privileges", Pass)
	s.writeTool(root2, map[string]string{"map_file": "etc/commerce-to-commerce/1.14.4.5/map.xml.dist"})
	s.wantFinding("privileges", Fail, "CREATE", "DROP")
	s.writeTool(root2, map[string]string{"map_file": "etc/opensource-to-opensource/1.9.4.5/map.xml.dist"})
	s.want("privileges", Pass)

	s.exec(s.server1, "CREATE USER 'other"+s.user+"'@'%' IDENTIFIED BY '"+testPassword+"'", "GRANT ALL ON "+grantName(s.db2)+".* TO 'other"+s.user+"'@'%'")
	t.Cleanup(func() { _ = s.server1.Exec(context.Background(), "DROP USER 'other"+s.user+"'@'%'") })
	s.migration.Magento2.Database.User = "other" + s.user
	s.want("privileges", Pass)
	s.writeTool(root2, map[string]string{"direct_document_copy": "1"})
	s.wantFinding("privileges", Warn, "SELECT", s.db1)
}

// TestPrivilegesNameTriggersThatTheToolBreaks leaves alone the tables whose changes the tool does not log.
func TestPrivilegesNameTriggersThatTheToolBreaks(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.withRoots()
	writeUnder(t, root2, toolDir+"/etc/delta_document_groups_file.xml", `<groups><group name="delta_map"><document key="entity_id">sales_flat_order</document></group></groups>`)
	const body = " FOR EACH ROW BEGIN IF NEW.entity_id = 0 THEN SET @x = 1; END IF; END"
	s.on1("CREATE TRIGGER erp AFTER UPDATE ON catalog_product_entity" + body)
	s.want("privileges", Pass)
	s.on1("CREATE TRIGGER erp2 AFTER UPDATE ON sales_flat_order" + body)
	f := s.wantFinding("privileges", Warn, "erp2")
	if strings.Contains(f.Evidence, "catalog_product_entity") {
		t.Errorf("%+v", f)
	}
}
