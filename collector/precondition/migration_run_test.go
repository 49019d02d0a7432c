package precondition_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

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
	s.moreOrders(orders)
	s.On2("ALTER TABLE sales_order MODIFY customer_email varchar(255)")
	s.Exec(s.Server2, "SET GLOBAL max_allowed_packet = 1048576")
	return s
}

// moreOrders adds orders of about 350 bytes to Magento 1.
func (s *shop) moreOrders(n int) {
	s.T.Helper()
	digits := "(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 " +
		"UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"
	s.On1(
		fmt.Sprintf("INSERT INTO sales_flat_order (entity_id, increment_id, customer_email) SELECT n, 500000000 + n, "+
			"REPEAT('x', 250) FROM (SELECT 1000 + a.d + b.d*10 + c.d*100 + e.d*1000 AS n FROM %[1]s a, %[1]s b, %[1]s c, "+
			"%[1]s e) numbers WHERE n < %d", digits, 1000+n),
	)
}

// TestMigrationRunDeltaStatements has orders that wait in the delta log: the delta sends a whole page of them at once.
func TestMigrationRunDeltaStatements(t *testing.T) {
	t.Parallel()
	s := newShop(t, on(mysqltest.New(t, mysqltest.Options{Args: []string{"--innodb-stats-persistent=0"}})))
	s.WithDelta()
	s.Exec(s.Server2, "SET GLOBAL max_allowed_packet = 1048576")
	s.Migration.Phase = config.PhaseDelta
	s.Configure("migration_run", "{memory_limit: -1}")
	s.Want("migration_run", finding.Pass)
	s.moreOrders(3500)
	f := s.WantFinding(
		"migration_run",
		finding.Fail,
		"migrate:delta will die with error 1153",
		"3 500 rows",
		"<bulk_size>",
	)
	if bytes, ok := s.Value("predicted_statement_bytes", "delta"); !ok || bytes <= 1<<20 {
		t.Errorf("%v bytes (%v)", bytes, ok)
	}
	s.WantAbsent("predicted_statement_bytes", "data")
	s.pasteSQL(f.Remedy)
	s.WantFinding("migration_run", finding.Pass, "the longest statement of migrate:delta fits")
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
	shoptest.WriteProgram(t, php, script)
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

// runLines are lines of the tool's log without their time, for a mode that got as far as a stage.
func runLines(mode, stage, step string, more ...string) []string {
	first := "integrity check"
	if mode == "delta" {
		first = "delta delivering"
	}
	lines := []string{"[INFO][mode: " + mode + "][stage: " + first + "][step: EAV Step]: started"}
	if stage != "" {
		lines = append(lines, "[INFO][mode: "+mode+"][stage: "+stage+"][step: "+step+"]: started")
	}
	return append(lines, more...)
}

// TestMigrationRunPast has logs that real runs left, by how they ended.
func TestMigrationRunPast(t *testing.T) {
	t.Parallel()
	const packet = "SQLSTATE[08S01]: Communication link failure: 1153 Got a packet bigger than 'max_allowed_packet' bytes"
	const mail = "SQLSTATE[23000]: Integrity constraint violation: 1062 Duplicate entry 'secret@example.com' for key 'MAIL'"
	const duplicate = "SQLSTATE[23000]: Integrity constraint violation: 1062 Duplicate entry '9-x' for key 'CODE'"
	s := newShop(t)
	s.WithRoots()
	root := s.Migration.Magento2.Root
	for name, c := range map[string]struct {
		lines     []string
		sqlError  string
		lock      string
		inPrepare finding.Status
		inMigrate finding.Status
		words     []string
		ok        float64
	}{
		"a good one": {shoptest.DataRun, "", "", finding.Pass, finding.Pass, []string{"was completed"}, 1},
		"refused": {
			runLines("data", "integrity check", "Map Step", "[ERROR]: Class acme is not mapped",
				"[NOTICE]: You can use --auto or -a option"),
			"", "", finding.Warn, finding.Fail,
			[]string{"stopped after its integrity check", "Class acme is not mapped", "--auto", "without --reset"}, 0,
		},
		"died at the triggers": {
			runLines("data", "setup triggers", "Stage"), "SQLSTATE[HY000]: General error: 1419 You do not have the SUPER",
			"", finding.Warn, finding.Fail,
			[]string{"died in Stage", "1419 You do not", "No row was copied", "without --reset"}, 0,
		},
		"a packet that is too large": {
			runLines("data", "data migration", "Map Step"), packet,
			`{"Migration\\Step\\Map\\Data":{"run":{"process":["catalog_product_entity","sales_flat_invoice"]}}}`,
			finding.Warn, finding.Fail,
			[]string{"1153 Got a packet", "the last is sales_flat_invoice", "Raise max_allowed_packet", "without --reset"}, 0,
		},
		"a duplicate": {
			runLines("data", "data migration", "EAV Step"), duplicate, `{"a":{"b":{"result":true}}}`,
			finding.Warn, finding.Fail, []string{"1062 Duplicate entry", "restore Magento 2 from its backup"}, 0,
		},
		"a duplicate of a customer": {
			runLines("data", "data migration", "Customer Attributes Step"), mail, `{"a":{"b":{"result":true}}}`,
			finding.Warn, finding.Fail, []string{"1062 Duplicate entry '…' for key 'MAIL'"}, 0,
		},
		"killed": {
			runLines("data", "data migration", "Log Step"), "", `{"Migration\\Step\\Log\\Data":{"x":{"result":true}}}`,
			finding.Warn, finding.Fail, []string{"died or was killed in Log Step", "without --reset"}, 0,
		},
		"settings": {
			runLines("settings", "data migration", "Stores Step"), "", "", finding.Warn, finding.Fail,
			[]string{"migrate:settings died", "run migrate:settings again"}, 0,
		},
		"a delta with an error": {
			runLines("delta", "", "", "[ERROR]: Deltalog for wishlist is not installed"), "", "", finding.Warn, finding.Fail,
			[]string{"ended with an error in EAV Step", "Deltalog for wishlist"}, 0,
		},
		"a delta that was stopped": {
			runLines("delta", "", ""), "", "", finding.Warn, finding.Warn, []string{"died or was stopped"}, 0,
		},
	} {
		must(t, os.RemoveAll(filepath.Join(root, "var")))
		at := s.Now().Add(-time.Hour)
		s.WriteRunLog(at, c.lines...)
		if c.sqlError != "" {
			shoptest.WriteUnder(t, root, "var/log/system.log", "["+at.Add(time.Minute).UTC().Format(time.RFC3339)+
				"] main.ERROR: "+c.sqlError+", query was: INSERT INTO secret\n")
		}
		if c.lock != "" {
			shoptest.WriteUnder(t, root, "var/migration-tool-progress.lock", c.lock)
		}
		s.Migration.Phase = config.PhasePrepare
		s.WaitForOwnSessions()
		s.Start() // another process, which remembers nothing
		s.WantFinding("migration_run", c.inPrepare, c.words...)
		s.Migration.Phase = config.PhaseMigrate
		s.WaitForOwnSessions()
		s.Start()
		f := s.WantFinding("migration_run", c.inMigrate, c.words...)
		if strings.Contains(f.Evidence+f.Summary, "secret") {
			t.Errorf("%s: the statement is shown: %+v", name, f)
		}
		mode := strings.TrimPrefix(f.Subject, "last migrate:")
		s.WantValue(c.ok, "tool_last_run_ok", mode)
		s.WantValue(finding.UnixSeconds(at.Truncate(time.Microsecond)), "tool_last_run_timestamp_seconds", mode)
	}
}

// TestMigrationRunWithoutACause has a run that died, and a system.log that does not say why: there is none, it cannot be
// read, or nobody said where it is.
func TestMigrationRunWithoutACause(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.WithRoots()
	s.Migration.Phase = config.PhaseMigrate
	root := s.Migration.Magento2.Root
	s.WriteRunLog(s.Now().Add(-time.Hour), runLines("data", "data migration", "Map Step")...)
	s.WaitForOwnSessions()
	s.Start()
	s.WantFinding("migration_run", finding.Fail, "died or was killed in Map Step")
	for _, f := range s.State("migration_run").Result.Findings {
		if f.Status == finding.Unknown {
			t.Errorf("%+v: a log that is not there has no error", f)
		}
	}
	must(t, os.MkdirAll(filepath.Join(root, "var/log/system.log"), 0o755))
	s.WaitForOwnSessions()
	s.Start()
	s.Want("migration_run", finding.Fail)
	s.HasAnyFinding("migration_run", finding.Fail, "died or was killed in Map Step")
	s.HasAnyFinding("migration_run", finding.Unknown, "it is unknown why the last migrate:data died",
		"system.log cannot be read")
	s.WriteRunLog(s.Now().Add(-time.Hour), shoptest.DataRun...)
	s.WaitForOwnSessions()
	s.Start()
	s.WantFinding("migration_run", finding.Pass, "was completed") // what the log has is of no interest then
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestMigrationRunAtWork tells a run that goes on from one that died, and one that was begun again after it had died.
func TestMigrationRunAtWork(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.WithRoots()
	s.Migration.Phase = config.PhaseMigrate
	s.Freeze()
	s.WriteRunLog(s.Now(), runLines("data", "data migration", "Map Step")...)
	s.WantFinding("migration_run", finding.Pass, "migrate:data is at work", "a moment ago")
	s.WantAbsent("tool_last_run_ok", "data")
	s.later(time.Minute)
	s.WantFinding("migration_run", finding.Fail, "died or was killed in Map Step")
	s.WriteRunLog(
		s.Now(),
		runLines("settings", "", "", "[INFO][mode: settings][stage: x][step: y]: Migration completed")...)
	s.later(time.Minute)
	s.WantFinding("migration_run", finding.Pass, "an earlier mode was run again since")

	log := filepath.Join(t.TempDir(), "run.log")
	must(t, os.WriteFile(log, []byte("[2026-11-01T00:00:00+00:00][INFO][mode: data][stage: data migration]"+
		"[step: Map Step]: started\n"), 0o600))
	s.Set("migration_run", map[string]any{"log": log})
	s.WantFinding("migration_run", finding.Fail, "began 2026-11-01 00:00:00 UTC")
	s.Set("migration_run", map[string]any{"log": t.TempDir()})
	s.WantFinding("migration_run", finding.Unknown, "its log cannot be read", "preconditions.migration_run.log")
}

// TestMigrationRunWaitsForTransactions has a transaction that is open for as long as the test needs it.
func TestMigrationRunWaitsForTransactions(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.WithRoots()
	s.WantFinding(
		"migration_run",
		finding.Pass,
		"not shown to this account",
		"GRANT PROCESS ON *.* TO '"+s.User+"'@'%';",
	)
	s.Exec(s.Server1, "GRANT PROCESS ON *.* TO '"+s.User+"'@'%'")
	s.on(s.connection(), "START TRANSACTION", "UPDATE sales_flat_order SET status = 'held' WHERE entity_id = 1",
		"SELECT SLEEP(7)")
	s.WantFinding("migration_run", finding.Warn, "would wait for a transaction of root in connection")
	s.Migration.Phase = config.PhaseDelta
	s.Evaluate()
	for _, f := range s.State("migration_run").Result.Findings {
		if f.Subject == "setup triggers" {
			t.Errorf("transactions are judged after the triggers were created: %+v", f)
		}
	}
}

// TestMigrationRunSize shows what is to be copied: by the log of an earlier run, else as a range.
func TestMigrationRunSize(t *testing.T) {
	t.Parallel()
	s := newSmallPacket(t, 3000)
	s.Exec(s.Server2, "SET GLOBAL max_allowed_packet = 67108864")
	s.WantFinding("migration_run", finding.Pass, "migrate:data copies about", "between", "sales_flat_order")
	if rows, ok := s.Value("migration_run_estimated_rows"); !ok || rows < 1000 {
		t.Errorf("%v rows (%v)", rows, ok)
	}
	if seconds, ok := s.Value("migration_run_estimated_seconds"); !ok || seconds < 40 {
		t.Errorf("%v seconds (%v)", seconds, ok)
	}
	now := s.Now()
	s.WriteRunLog(now.Add(-3*time.Hour), shoptest.DataRun[:3]...)
	s.WriteRunLog(now.Add(-time.Hour), shoptest.DataRun[3:]...)
	s.WantFinding("migration_run", finding.Pass, "which takes 2 h 0 min, as the longest whole run in its log did")
	if seconds, _ := s.Value("migration_run_estimated_seconds"); math.Round(seconds) != 7200 {
		t.Errorf("%v seconds", seconds)
	}
}
