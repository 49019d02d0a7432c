package precondition_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

func TestMigrationRunOfAnUntouchedPair(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.WithRoots()
	s.Want("migration_run", finding.Pass)
	for _, system := range []string{"magento1", "magento2"} {
		if bytes, ok := s.Value("max_allowed_packet_bytes", system); !ok || bytes < 1<<20 {
			t.Errorf("%s: %v (%v)", system, bytes, ok)
		}
	}
	s.Migration.Magento2.Database = config.Database{}
	s.Migration.MigrationTool = config.MigrationTool{}
	s.Want("migration_run", finding.Unknown)
	s.WantAbsent("max_allowed_packet_bytes", "magento1")
}

// newSmallPacket makes a shop with so many orders of about 350 bytes, whose Magento 2 accepts 1 MiB.
func newSmallPacket(t *testing.T, orders int) *shop {
	t.Helper()
	s := newShop(t, on(mysqltest.New(t, mysqltest.Options{Args: []string{"--innodb-stats-persistent=0"}})))
	_, root2 := s.WithRoots()
	shoptest.WriteUnder(t, root2, shoptest.ToolDir+"/etc/opensource-to-opensource/1.9.4.5/map.xml.dist",
		"<map><source><document_rules><rename><document>sales_flat_order</document><to>sales_order</to></rename>"+
			"</document_rules></source><destination/></map>")
	digits := "(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 " +
		"UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"
	s.On1(
		fmt.Sprintf("INSERT INTO sales_flat_order (entity_id, increment_id, customer_email) SELECT n, 500000000 + n, "+
			"REPEAT('x', 250) FROM (SELECT 1000 + a.d + b.d*10 + c.d*100 + e.d*1000 AS n FROM %[1]s a, %[1]s b, %[1]s c, "+
			"%[1]s e) numbers WHERE n < %d", digits, 1000+orders),
	)
	s.Exec(s.Server2, "SET GLOBAL max_allowed_packet = 1048576")
	return s
}

func TestMigrationRunStatements(t *testing.T) {
	t.Parallel()
	s := newSmallPacket(t, 3500)
	f := s.WantFinding("migration_run", finding.Fail, "migrate:data will die with error 1153", "sales_order",
		"SET GLOBAL max_allowed_packet = 16777216;", "<bulk_size>")
	if strings.Contains(f.Evidence, "of -1") {
		t.Error(f.Evidence) // 3500 orders are one statement whatever the memory_limit is
	}
	predicted, _ := s.Value("predicted_statement_bytes", "data")
	if packet, _ := s.Value("max_allowed_packet_bytes", "magento2"); packet != 1<<20 || predicted <= packet {
		t.Errorf("%v of %v bytes", predicted, packet)
	}
	s.WantAbsent("predicted_statement_bytes", "delta")

	s.Configure("migration_run", "{memory_limit: 1M}")
	s.WantFinding("migration_run", finding.Pass, "fits into max_allowed_packet", "memory_limit is 1M")
	s.Configure("migration_run", "{memory_limit: -1}")
	s.WantFinding("migration_run", finding.Fail, "will die with error 1153", "memory_limit is -1 by migrations[acme]")

	bulk := regexp.MustCompile("<bulk_size>([0-9]+)<").FindStringSubmatch(f.Remedy)
	s.WriteTool(s.Migration.Magento2.Root, map[string]string{"bulk_size": bulk[1]})
	s.WantFinding("migration_run", finding.Pass, "fits into max_allowed_packet", "bulk_size is "+bulk[1])
	s.WriteTool(s.Migration.Magento2.Root, nil)
	s.WantFinding("migration_run", finding.Fail, "will die with error 1153")
	s.pasteSQL(f.Remedy)
	s.WantFinding("migration_run", finding.Pass, "fits into max_allowed_packet", "16.0 MiB")
}

// pasteSQL runs the SET GLOBAL of a remedy on Magento 2's server.
func (s *shop) pasteSQL(remedy string) {
	s.T.Helper()
	for line := range strings.Lines(remedy) {
		if strings.HasPrefix(line, "SET GLOBAL") {
			s.Exec(s.Server2, strings.TrimSpace(line))
			return
		}
	}
	s.T.Fatalf("no statement in %q", remedy)
}

// TestMigrationRunAssumesNoMemoryLimit has more rows than a page has with PHP's own memory_limit: only a warning.
func TestMigrationRunAssumesNoMemoryLimit(t *testing.T) {
	t.Parallel()
	s := newSmallPacket(t, 9000)
	s.Exec(s.Server2, "SET GLOBAL max_allowed_packet = 2097152")
	s.WantFinding("migration_run", finding.Warn, "if PHP has no memory_limit", "assumed to be -1",
		"set migrations[acme].preconditions.migration_run.memory_limit")
	php := filepath.Join(t.TempDir(), "php")
	script := "#!/bin/sh\necho '{\"version\":\"8.2.1\",\"extensions\":[],\"memory_limit\":\"128M\"}'\n"
	if err := os.WriteFile(php, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	s.Set("system_requirements", map[string]any{"php": php})
	s.WantFinding("migration_run", finding.Pass, "memory_limit is 128M in the php of the command line")
}

// TestMigrationRunLongRow has a row that no bulk_size makes shorter.
func TestMigrationRunLongRow(t *testing.T) {
	t.Parallel()
	s := newSmallPacket(t, 1)
	s.Exec(s.Server1, "SET GLOBAL max_allowed_packet = 16777216")
	for _, on := range []func(...string){s.On1, s.On2} {
		on("CREATE TABLE acme_page (page_id int PRIMARY KEY, content longtext)",
			"INSERT INTO acme_page VALUES (1, 'short'), (7, REPEAT('<br>', 300000))")
	}
	s.Exec(s.Server2, "SET GLOBAL max_allowed_packet = 1048576")
	s.WriteTool(s.Migration.Magento2.Root, map[string]string{"bulk_size": "1"})
	f := s.WantFinding(
		"migration_run",
		finding.Fail,
		"acme_page (page_id = 7) alone is longer",
		"bulk_size does not help",
	)
	s.pasteSQL(f.Remedy)
	s.Want("migration_run", finding.Pass)
}

func TestMigrationRunSettings(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "exporter.yml")
	load := func(section string) (*config.Config, error) {
		text := "migrations:\n- name: acme\n  preconditions:\n    migration_run: " + section + "\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return config.Load(path, precondition.All().Sections())
	}
	for _, good := range []string{"{memory_limit: 2G, log: run.log}", "{memory_limit: -1}", "{severity: fail}"} {
		if _, err := load(good); err != nil {
			t.Error(err)
		}
	}
	_, err := load("{memory_limit: much}")
	if err == nil || !strings.Contains(err.Error(), "exporter.yml:4:") || !strings.Contains(err.Error(), "2G") {
		t.Error(err)
	}
}
