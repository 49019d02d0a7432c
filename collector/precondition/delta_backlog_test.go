package precondition_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// TestDeltaBacklogOfAClosedShop never runs a delta, which is right while nothing changes.
func TestDeltaBacklogOfAClosedShop(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Want("delta_backlog", finding.Pass)
	s.WantValue(0, "delta_pending_rows", "map")
	s.WantValue(0, "delta_pending_rows", "customer")
	s.WantValue(0, "delta_undeliverable_rows", "unread")
	s.WantValue(0, "delta_undeliverable_rows", "orphaned")
	s.WantValue(0, "delta_running")
	s.WantValue(1000, "delta_delivery_rows_per_second")
	s.WantAbsent("delta_drain_seconds")
	s.later(time.Minute)
	s.Want("delta_backlog", finding.Pass)
	s.WantValue(0, "delta_arrival_rows_per_second")
	s.WantValue(0, "delta_drain_seconds")
	s.Migration.Phase = config.PhaseMigrate
	s.Want("delta_backlog", finding.NotApplicable)
}

func TestDeltaBacklogWithoutADelta(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Want("delta_backlog", finding.Pass)
	s.On1(manyOrders(100), "UPDATE customer_entity SET email = CONCAT('x', email)",
		"UPDATE core_url_rewrite SET options = 'R' WHERE url_rewrite_id = 1",
		"INSERT INTO m2_cl_sales_flat_quote (entity_id, operation) VALUES (4711, 'UPDATE')")
	s.later(time.Minute)
	r := s.Want("delta_backlog", finding.Warn)
	for _, words := range [][]string{
		{"migrate:delta does not run, and 102 rows wait", "its log has no run of it", "migrate:delta"},
		{"1 row waits in m2_cl_core_url_rewrite", "404"},
		{"1 row of the log stays for ever", "harmless"},
		{"a cautious guess", "after Magento 1 closes"},
	} {
		s.wantSaid(r, words...)
	}
	s.WantValue(100, "delta_pending_rows", "map")
	chart := s.State("delta_backlog").Result.Chart
	if chart == nil || !strings.Contains(chart.Caption, "102 rows wait; after Magento 1 closes") ||
		!strings.Contains(chart.Caption, "memory_limit of at least 2G, or fewer than 5 188") {
		t.Fatalf("%+v", chart)
	}
	points := chart.Panels[0].Lines[0].Points
	if len(points) < 2 || points[0].Value != 0 || points[len(points)-1].Value != 102 {
		t.Errorf("%+v", points)
	}
	s.WantValue(2, "delta_pending_rows", "customer")
	s.WantValue(1, "delta_undeliverable_rows", "unread")
	s.WantValue(1, "delta_undeliverable_rows", "orphaned")
	if arrival, ok := s.Value("delta_arrival_rows_per_second"); !ok || arrival <= 0 {
		t.Errorf("arrival %v (%v)", arrival, ok)
	}
	at := s.Now().Add(time.Second)
	s.Migration.Cutover = &at
	s.Evaluate() // another configuration begins to measure again
	s.later(time.Minute)
	s.wantSaid(s.Want("delta_backlog", finding.Warn), "would not be delivered by the cutover")
}

// wantSaid wants some finding of a result that says all the words.
func (s *shop) wantSaid(r finding.Result, words ...string) {
	s.T.Helper()
	for _, f := range r.Findings {
		if shoptest.ContainsAll(f.Summary+"\n"+f.Evidence+"\n"+f.Remedy, words) {
			return
		}
	}
	s.T.Errorf("no finding says %q: %+v", words, r.Findings)
}

// TestDeltaBacklogOfADeltaThatDied marks rows and never comes to the end of its cycle.
func TestDeltaBacklogOfADeltaThatDied(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.On1(
		"UPDATE sales_flat_order SET status = 'x' WHERE entity_id = 1",
		"UPDATE m2_cl_sales_flat_order SET processed = 1",
	)
	s.WriteRunLog(s.Now().Add(-10*time.Minute), shoptest.DeltaCycle[0])
	shoptest.WriteUnder(t, s.Migration.Magento2.Root, "var/log/system.log", "["+s.Now().UTC().Format(time.RFC3339)+
		"] main.ERROR: SQLSTATE[08S01]: Communication link failure: 1153 Got a packet bigger, query was: INSERT INTO secret\n")
	s.Want("delta_backlog", finding.Pass) // a delta that cannot be seen marks rows, too
	s.later(time.Minute)
	s.WantFinding("delta_backlog", finding.Warn, "a delta died in the middle: 1 row", "m2_cl_sales_flat_order")
	s.WantValue(0, "delta_running")
	s.Migration.Phase = config.PhaseCutover
	s.Want("delta_backlog", finding.Fail) // another configuration begins to look again
	s.later(time.Minute)
	f := s.WantFinding("delta_backlog", finding.Fail, "a delta died in the middle")
	s.pasteRemedy(f)
	s.Migration.Phase = config.PhaseDelta
	s.WantValue(0, "delta_pending_rows", "map")
	f = s.WantFinding("delta_backlog", finding.Warn, "migrate:delta does not run, and 1 row waits",
		"died or was stopped in Map Step", "1153")
	if strings.Contains(f.Evidence, "secret") {
		t.Errorf("shop data is shown: %s", f.Evidence)
	}
}

// TestDeltaBacklogOfARunningDelta sees the tool by its log, and by its connection.
func TestDeltaBacklogOfARunningDelta(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.On1("UPDATE sales_flat_order SET status = 'x' WHERE entity_id = 1")
	s.later(time.Hour)
	s.WriteRunLog(s.Now(), shoptest.DeltaCycle...)
	s.Want("delta_backlog", finding.Pass)
	s.WantValue(1, "delta_running")
	s.WantValue(1, "delta_pending_rows", "map")
	s.later(time.Hour)
	s.WantFinding("delta_backlog", finding.Warn, "does not run", "stopped between two cycles")
	tool := s.asTool()
	s.Must(tool.PingContext(t.Context()))
	s.later(time.Minute)
	s.Evaluate()
	s.later(time.Minute)
	s.WantFinding("delta_backlog", finding.Warn, "does not run") // an administrator's client is on one database
	other := s.asToolOn(s.Server2, s.DB2)
	s.Must(other.PingContext(t.Context()))
	s.later(time.Minute)
	s.Evaluate()
	s.later(time.Minute)
	s.wantSaid(s.Want("delta_backlog", finding.Pass), "connections to Magento 1 that stay open")
	s.WantValue(1, "delta_running")
	s.WriteRunLog(s.Now(), "[ERROR]: Deltalog for wishlist is not installed")
	s.Must(tool.Close())
	s.Must(other.Close())
	s.later(time.Minute)
	s.Evaluate()
	s.later(time.Minute)
	s.WantFinding("delta_backlog", finding.Warn, "Deltalog for wishlist is not installed")
}

// TestDeltaBacklogSeesTheProcess has a delta on this host that is silent, as it is on a big page.
func TestDeltaBacklogSeesTheProcess(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.On1("UPDATE sales_flat_order SET status = 'x' WHERE entity_id = 1")
	s.WantFinding("delta_backlog", finding.Warn, "does not run")
	pid, stop := s.runMagento(s.Migration.Magento2.Root, "bin/magento", "migrate:delta", "config.xml")
	s.wantSaid(s.Want("delta_backlog", finding.Pass), "migrate:delta runs", "process "+strconv.Itoa(pid))
	s.WantValue(1, "delta_running")
	stop()
	s.WantFinding("delta_backlog", finding.Warn, "does not run")
	s.WantValue(0, "delta_running")
}

// TestDeltaBacklogAfterTheSwitch has a Magento 2 that sells: what it changes itself is no loss.
func TestDeltaBacklogAfterTheSwitch(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Migration.Phase = config.PhaseCutover
	s.On2("INSERT INTO sales_order (entity_id, status, increment_id) VALUES (900, 'new', '1000000900')",
		"UPDATE sales_order SET status = 'closed', updated_at = NOW() WHERE entity_id = 1",
		"UPDATE newsletter_subscriber SET subscriber_status = 3", "UPDATE catalog_category_entity SET position = 9",
		"DELETE FROM quote WHERE entity_id = 1")
	s.Evaluate()
	for range 5 { // some tables are compared in turn
		s.later(time.Minute)
		s.Want("delta_backlog", finding.Pass)
		s.Has("delta_log", finding.Pass)
	}
	// Before Magento 2 sells, a difference is a loss.
	s.On2("DELETE FROM sales_order WHERE entity_id = 900")
	s.Migration.Phase = config.PhaseDelta
	for range 6 {
		s.later(time.Minute)
		s.Evaluate()
	}
	s.HasFinding("delta_log", finding.Fail, "quotes were lost")
	s.HasFinding("delta_log", finding.Fail, "categories were lost")
}

// TestDeltaBacklogSaysWhatItCannotReadOfTheLog also shows that the rest is judged.
func TestDeltaBacklogSaysWhatItCannotReadOfTheLog(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	path := filepath.Join(s.Migration.Magento2.Root, "var/migration.log")
	for name, tc := range map[string]struct {
		put    func() error
		status finding.Status
		words  string
	}{
		"a folder":      {func() error { return os.Mkdir(path, 0o700) }, finding.Warn, "not a regular file"},
		"a pipe":        {func() error { return syscall.Mkfifo(path, 0o600) }, finding.Warn, "not a regular file"},
		"a link itself": {func() error { return os.Symlink(path, path) }, finding.Warn, "too many levels of symbolic links"},
		"UTF-16":        {func() error { return os.WriteFile(path, []byte("[\x002\x000\x002\x006\x00"), 0o600) }, finding.Warn, "no line as the tool writes them"},
		"nothing":       {func() error { return nil }, finding.Pass, "does not exist"},
	} {
		s.Must(os.RemoveAll(path))
		s.Must(tc.put())
		f := s.WantFinding("delta_backlog", tc.status, "the tool's own log", tc.words)
		if f.Subject != "migration.log" {
			t.Errorf("%s: %+v", name, f)
		}
		s.Has("delta_log", finding.Pass) // the progress file says when the data was copied
	}
}

func TestDeltaBacklogVolumeWarnings(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.WriteRunLog(s.Now(), shoptest.DeltaCycle[0],
		"[WARNING]: Mismatch of entities in the document: newsletter_subscriber Source: 0 Destination: 12",
		"[WARNING]: Mismatch of entities in the document: sales_order_grid Source: 39 Destination: 40",
		shoptest.DeltaCycle[2])
	r := s.Want("delta_backlog", finding.Warn)
	s.wantSaid(r, "newsletter_subscriber is empty in Magento 1", "truncated")
	s.wantSaid(r, "sales_order_grid", "for ever")
}

// awaitSecond waits until the server's clock shows a later second: it remembers in seconds when a table was written, by
// a clock that is some milliseconds late.
func (s *shop) awaitSecond() {
	s.T.Helper()
	const enough = 2
	for first, now := 0, 0; now < first+enough; time.Sleep(20 * time.Millisecond) {
		s.Must(s.Root(s.Server1).QueryRowContext(s.T.Context(), "SELECT UNIX_TIMESTAMP()").Scan(&now))
		if first == 0 {
			first = now
		}
	}
}

// TestDeltaBacklogAtCutover passes only when nothing was pending over two whole cycles.
func TestDeltaBacklogAtCutover(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Migration.Phase = config.PhaseCutover
	s.On1("UPDATE sales_flat_order SET status = 'x' WHERE entity_id = 1")
	s.WantFinding("delta_backlog", finding.Fail, "not drained: 1 row waits", "start the delta", "migrate:delta")
	s.Must(s.Deliver(t.Context()))
	s.Must(s.Clean(t.Context()))
	s.WantFinding("delta_backlog", finding.Fail, "not yet over two whole cycles")
	s.later(time.Minute)
	s.Want("delta_backlog", finding.Pass)
	// A late change of a row that is there, of which a quick delta leaves no trace in the log.
	s.awaitSecond()
	s.On1("UPDATE sales_flat_order SET status = 'late' WHERE entity_id = 1")
	s.Must(s.Deliver(t.Context()))
	s.Must(s.Clean(t.Context()))
	s.WantFinding("delta_backlog", finding.Fail, "not yet over two whole cycles")
	s.later(time.Minute)
	s.Want("delta_backlog", finding.Pass)
	// A late order, of which a quick delta leaves no trace in the log.
	s.On1(
		"INSERT INTO sales_flat_order (entity_id, status, increment_id, updated_at) VALUES (90, 'new', '900000090', NOW())",
	)
	s.Must(s.Deliver(t.Context()))
	s.Must(s.Clean(t.Context()))
	s.WantFinding("delta_backlog", finding.Fail, "not yet over two whole cycles")
	s.later(time.Minute)
	s.Want("delta_backlog", finding.Pass)
	s.On1("DROP TRIGGER trg_review_after_update")
	s.Want("delta_log", finding.Pass) // drained: only what stops the shop still counts
}

// TestDeltaLogDrainedWithoutTriggers has an empty log because nothing writes it.
func TestDeltaLogDrainedWithoutTriggers(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Migration.Phase = config.PhaseCutover
	s.On1("DROP TRIGGER trg_review_after_update")
	for range 3 {
		s.later(time.Minute)
		s.WantFinding("delta_log", finding.Fail, "changes of review are not logged")
	}
}

func TestDeltaBacklogWithoutTheToolsConfiguration(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Migration.MigrationTool.Config = ""
	s.WantFinding("delta_backlog", finding.Unknown, "which log tables a step reads", "migration_tool.config")
	s.WantAbsent("delta_pending_rows", "map")
	if _, ok := s.Value("delta_drain_seconds"); ok {
		t.Error("a drain time after one look")
	}
}

// TestDeltaBacklogOfManyStuckRows has more rows that are never delivered than one evaluation looks at, behind them one
// that will be.
func TestDeltaBacklogOfManyStuckRows(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Migration.Phase = config.PhaseCutover
	const digits = "(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION " +
		"SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"
	stick := func(table, keys, values string, hundredThousands int) {
		s.On1(
			fmt.Sprintf(
				"INSERT INTO m2_cl_%s (%s, operation) SELECT %s, 'UPDATE' FROM (SELECT 100000 * f.d + 10000 * e.d + "+
					"1000 * a.d + 100 * b.d + 10 * c.d + g.d AS n FROM %[4]s a, %[4]s b, %[4]s c, %[4]s e, %[4]s f, %[4]s g "+
					"WHERE f.d < %[5]d) x",
				table,
				keys,
				values,
				digits,
				hundredThousands,
			),
		)
	}
	stick("review", "review_id", "1000000 + n", 2)
	s.On1("INSERT INTO m2_cl_sales_flat_order (entity_id, operation) VALUES (1, 'UPDATE'), (2000000, 'DELETE')")
	s.awaitSecond()
	s.awaitSecond()
	for range 12 {
		s.later(time.Minute)
		s.WantFinding("delta_backlog", finding.Fail, "the log is not drained")
	}
	s.wantSaid(s.State("delta_backlog").Result, "the log is not drained: 2 rows wait", "map 2")
	s.WantValue(200000, "delta_undeliverable_rows", "orphaned")
	s.On1("DELETE FROM m2_cl_sales_flat_order")
	s.awaitSecond()
	for range 14 {
		s.later(time.Minute)
		s.Evaluate()
	}
	s.Has("delta_backlog", finding.Pass)
	s.On1("INSERT INTO review (review_id, status_id) VALUES (1150000, 1)") // it can be delivered now
	s.WantFinding("delta_backlog", finding.Fail, "the log is not drained")
}

// TestDeltaBacklogOverARestart begins again with what an evaluator before it has kept, and without it.
func TestDeltaBacklogOverARestart(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	lines := func() (pending, arrival int) {
		panels := s.State("delta_backlog").Result.Chart.Panels
		return len(panels[0].Lines[0].Points), len(panels[1].Lines[0].Points)
	}
	s.Evaluate()
	s.On1(manyOrders(5000))
	s.later(time.Minute)
	s.Want("delta_backlog", finding.Warn)
	pending, arrival := lines()
	if pending < 2 || arrival == 0 {
		t.Fatalf("nothing was measured: %d and %d points", pending, arrival)
	}
	past := map[string]history.Migration{}
	for _, m := range s.Evaluator.Histories(s.Now()) {
		past[m.Name] = m
	}
	s.Start()
	s.Board.Remember(past)
	s.later(time.Minute)
	s.Want("delta_backlog", finding.Warn)
	if p, a := lines(); p <= pending || a < arrival {
		t.Errorf("%d and %d points after %d and %d", p, a, pending, arrival)
	}
	s.WantAbsent("delta_arrival_rows_per_second") // this process has not measured it yet
	s.Start()
	s.Want("delta_backlog", finding.Warn)
	if p, a := lines(); p > pending || a > 0 {
		t.Errorf("%d and %d points that nobody kept", p, a)
	}
}

// TestDeltaBacklogOfAStructure has a Magento 1 without any row, such as a copy that was made with --no-data.
func TestDeltaBacklogOfAStructure(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.On1("SET FOREIGN_KEY_CHECKS = 0")
	for document := range mysqltest.DeltaLogged() {
		s.On1("DELETE FROM "+document, "DELETE FROM m2_cl_"+document)
	}
	for _, phase := range []config.Phase{config.PhaseDelta, config.PhaseCutover} {
		s.Migration.Phase = phase
		for range 3 {
			s.later(time.Minute)
			s.WantFinding("delta_backlog", finding.Unknown, "have no rows", "magento1.database")
		}
	}
}

// TestDeltaBacklogOfRowsWithoutAMark has log rows that neither wait nor are marked: the tool reads none of them.
func TestDeltaBacklogOfRowsWithoutAMark(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.On1("ALTER TABLE m2_cl_review MODIFY processed TINYINT(1) NULL",
		"INSERT INTO m2_cl_review VALUES (1, 'UPDATE', NULL)")
	s.Want("delta_log", finding.Pass)
	s.WantFinding("delta_backlog", finding.Warn, "1 row has NULL in the column processed")
	s.Migration.Phase = config.PhaseCutover
	s.Evaluate()
	s.later(time.Hour)
	f := s.WantFinding("delta_backlog", finding.Fail, "1 row has NULL in the column processed", "m2_cl_review")
	s.pasteRemedy(f)
	s.WantFinding("delta_backlog", finding.Fail, "the log is not drained: 1 row waits")
}

// TestDeltaBacklogOfAnotherAccount watches with an account that is not the tool's: whether the tool is connected is not
// shown to it without PROCESS.
func TestDeltaBacklogOfAnotherAccount(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	root := s.Migration.Magento2.Root
	watcher := "w" + s.User
	s.Exec(s.Server1, "CREATE USER '"+watcher+"'@'%' IDENTIFIED BY '"+shoptest.Password+"'",
		"GRANT SELECT, TRIGGER ON "+shoptest.GrantName(s.DB1)+".* TO '"+watcher+"'@'%'",
		"GRANT SELECT ON "+shoptest.GrantName(s.DB2)+".* TO '"+watcher+"'@'%'")
	t.Cleanup(func() { _ = s.Server1.Exec(context.Background(), "DROP USER '"+watcher+"'@'%'") })
	s.Migration.Magento1.Database.User, s.Migration.Magento2.Database.User = watcher, watcher
	s.Must(os.Remove(filepath.Join(root, "var/migration.log")))
	s.On1("UPDATE sales_flat_order SET status = 'x' WHERE entity_id = 1")
	for range 2 {
		s.later(time.Minute)
		s.WantFinding(
			"delta_backlog",
			finding.Unknown,
			"1 row waits, and it is unknown whether migrate:delta runs",
			"GRANT PROCESS",
		)
		s.WantAbsent("delta_running")
	}
	s.Exec(s.Server1, "GRANT PROCESS ON *.* TO '"+watcher+"'@'%'")
	s.later(time.Minute)
	s.WantFinding("delta_backlog", finding.Warn, "does not run")
	for _, db := range []string{s.DB1, s.DB2} {
		s.Must(s.asToolOn(s.Server1, db).PingContext(t.Context()))
	}
	s.later(time.Minute)
	s.Evaluate()
	s.later(time.Minute)
	s.Want("delta_backlog", finding.Pass)
	s.WantValue(1, "delta_running")
}
