package precondition_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// sqlLines returns the lines of a remedy that are statements.
func sqlLines(remedy string) []string {
	var statements []string
	for line := range strings.Lines(remedy) {
		line = strings.TrimSpace(line)
		if slices.ContainsFunc([]string{"GRANT ", "SET GLOBAL ", "ALTER DATABASE "}, func(verb string) bool {
			return strings.HasPrefix(line, verb)
		}) {
			statements = append(statements, line)
		}
	}
	return statements
}

// TestPrivilegesEachMissing takes each privilege away, sees that, and pastes the remedy.
func TestPrivilegesEachMissing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Want("privileges", finding.Pass)
	s.WantValue(1, "privileges_ok", "magento1")
	s.WantValue(1, "privileges_ok", "magento2")
	account := "'" + s.User + "'@'%'"
	for _, tc := range []struct {
		system, privileges string
		server             *mysqltest.Server
		database           string
	}{
		{"magento1", "SELECT INSERT UPDATE DELETE CREATE DROP TRIGGER", s.Server1, s.DB1},
		{"magento2", "SELECT INSERT UPDATE DELETE CREATE DROP", s.Server2, s.DB2},
	} {
		for p := range strings.FieldsSeq(tc.privileges) {
			s.Exec(tc.server, "REVOKE "+p+" ON "+shoptest.GrantName(tc.database)+".* FROM "+account)
			f := s.WantFinding("privileges", finding.Fail, p, "GRANT ")
			if !strings.HasPrefix(f.Subject, tc.system+" ") {
				t.Errorf("the finding on %s of %s has the subject %q", p, tc.system, f.Subject)
			}
			s.WantValue(0, "privileges_ok", tc.system)
			s.WantValue(0, "privilege_granted", tc.system, p)
			statements := sqlLines(f.Remedy)
			if len(statements) != 1 {
				t.Fatalf("remedy: %q", f.Remedy)
			}
			s.Exec(tc.server, statements...)
			s.Want("privileges", finding.Pass)
			s.WantValue(1, "privilege_granted", tc.system, p)
		}
	}
}

func TestPrivilegesOddNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"my shop", "o'brien", "100%_new", "магазин", "back`tick", `back\slash`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ids := []string{"network", "m2_installed", "privileges", "binlog_trust", "m2_entities", "cron_stopped"}
			s := newShop(t, shoptest.With(ids...), func(s *shoptest.Shop) { s.DB1 += name; s.DB2 += name })
			s.Evaluate()
			for _, id := range ids {
				if got := s.State(id).Result; got.Status != finding.Pass &&
					got.Status != finding.Warn {
					t.Errorf("%s is %s: %+v", id, got.Status, got.Findings)
				}
			}
			s.Exec(s.Server1, "REVOKE INSERT ON "+shoptest.GrantName(s.DB1)+".* FROM '"+s.User+"'@'%'")
			f := s.WantFinding("privileges", finding.Fail, "INSERT")
			s.Exec(s.Server1, sqlLines(f.Remedy)...)
			s.Want("privileges", finding.Pass)
		})
	}
}

func TestPrivilegesThroughARoleWouldStopTheShop(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	account, role := "'"+s.User+"'@'%'", "role_"+s.User
	s.Exec(s.Server1, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM "+account, "CREATE ROLE "+role,
		"GRANT ALL ON "+shoptest.GrantName(s.DB1)+".* TO "+role, "GRANT "+role+" TO "+account,
		"SET DEFAULT ROLE "+role+" FOR "+account)
	t.Cleanup(func() { _ = s.Server1.Exec(t.Context(), "DROP ROLE "+role) })
	f := s.WantFinding("privileges", finding.Fail, "role", "GRANT ")
	s.WantValue(0, "privileges_ok", "magento1")
	s.WantValue(0, "privilege_granted", "magento1", "TRIGGER") // as the triggers' definer has it
	s.Exec(s.Server1, sqlLines(f.Remedy)...)
	s.Want("privileges", finding.Pass)
	s.WantValue(1, "privileges_ok", "magento1")
}

// TestPrivilegesByTheToolsConfiguration changes what the tool needs by what it is set to do.
func TestPrivilegesByTheToolsConfiguration(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = s.Server1 })
	_, root2 := s.WithRoots()
	account := "'" + s.User + "'@'%'"
	// Both databases are on one server here, so that the account holds both systems' privileges: take one that only matters by configuration.
	s.Migration.Phase = config.PhaseDelta
	s.Exec(s.Server1, "REVOKE CREATE, DROP ON "+shoptest.GrantName(s.DB1)+".* FROM "+account)
	s.Want("privileges", finding.Pass)
	s.WriteTool(root2, map[string]string{"map_file": "etc/commerce-to-commerce/1.14.4.5/map.xml.dist"})
	s.WantFinding("privileges", finding.Fail, "CREATE", "DROP")
	s.WriteTool(root2, map[string]string{"map_file": "etc/opensource-to-opensource/1.9.4.5/map.xml.dist"})
	s.Want("privileges", finding.Pass)

	s.Exec(s.Server1, "CREATE USER 'other"+s.User+"'@'%' IDENTIFIED BY '"+shoptest.Password+"'",
		"GRANT ALL ON "+shoptest.GrantName(s.DB2)+".* TO 'other"+s.User+"'@'%'")
	t.Cleanup(func() { _ = s.Server1.Exec(context.Background(), "DROP USER 'other"+s.User+"'@'%'") })
	s.Migration.Magento2.Database.User = "other" + s.User
	s.Want("privileges", finding.Pass)
	s.WriteTool(root2, map[string]string{"direct_document_copy": "1"})
	s.WantFinding("privileges", finding.Warn, "SELECT", s.DB1)
}

// TestPrivilegesNameTriggersThatTheToolBreaks leaves alone the tables whose changes the tool does not log.
func TestPrivilegesNameTriggersThatTheToolBreaks(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	shoptest.WriteUnder(t, root2, shoptest.ToolDir+"/etc/delta_document_groups_file.xml",
		`<groups><group name="delta_map"><document key="entity_id">sales_flat_order</document></group></groups>`)
	const body = " FOR EACH ROW BEGIN IF NEW.entity_id = 0 THEN SET @x = 1; END IF; END"
	s.On1("CREATE TRIGGER erp AFTER UPDATE ON catalog_product_entity" + body)
	s.Want("privileges", finding.Pass)
	s.On1("CREATE TRIGGER erp2 AFTER UPDATE ON sales_flat_order" + body)
	f := s.WantFinding("privileges", finding.Warn, "erp2")
	if strings.Contains(f.Evidence, "catalog_product_entity") {
		t.Errorf("%+v", f)
	}
}
