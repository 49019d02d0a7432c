package precondition_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"magento_migration_exporter/collector/delta"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// newDelta makes a migration in its phase delta, with everything right.
func newDelta(t *testing.T, change ...func(*shoptest.Shop)) *shop {
	t.Helper()
	both := []func(*shoptest.Shop){func(s *shoptest.Shop) { s.Server2 = s.Server1 }, shoptest.Migrated}
	if strings.HasPrefix(subject(), "delta_") {
		both = append(both, shoptest.With("delta_log", "delta_backlog"))
	}
	s := newShop(t, append(both, change...)...)
	s.WithDelta()
	return s
}

// newDeltaPhase makes a migration in its phase delta: Magento 2 has all of Magento 1, no delta runs, and nothing of the
// delta log is pending.
func newDeltaPhase(t *testing.T, change ...func(*shoptest.Shop)) *shop {
	t.Helper()
	s := newDelta(t, change...)
	s.Migration.Phase = config.PhaseDelta
	return s
}

func TestDeltaLogIntact(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "mage_"} {
		s := newDelta(t, func(s *shoptest.Shop) { s.Prefix1 = prefix })
		s.Want("delta_log", finding.Pass)
		s.WantValue(12, "delta_log_tables", "intact")
		s.WantValue(0, "delta_log_tables", "table_missing")
		s.WantValue(0, "delta_lost_rows")
		if created, ok := s.Value("delta_log_created_timestamp_seconds"); !ok ||
			time.Since(time.UnixMilli(int64(created*1000))).Abs() > 2*time.Hour {
			t.Errorf("created at %v (%v)", created, ok)
		}
	}
}

// deltaFault is something that happens to a delta log, and what is said then.
type deltaFault struct {
	do     []string
	status finding.Status
	// subject is the finding's, words are in its texts.
	subject string
	words   []string
	// after is the status when the finding's statements were pasted, Unknown where it has none; afterWords is what is
	// said then.
	after      finding.Status
	afterWords []string
	// state is the label value that counts the table, empty for intact.
	state string
}

var deltaFaults = map[string]deltaFault{
	"one trigger dropped": {
		do:     []string{"DROP TRIGGER trg_sales_flat_order_after_update"},
		status: finding.Fail, subject: "sales_flat_order triggers", words: []string{"trigger for UPDATE is missing", "keeps the old rows"},
		after: finding.Fail, afterWords: []string{"made after the data was copied", "subject: sales_flat_order"}, state: "trigger_missing",
	},
	"restored without triggers": {
		do: []string{
			"CREATE TABLE copied LIKE sales_flat_order", "INSERT INTO copied SELECT * FROM sales_flat_order",
			"DROP TABLE sales_flat_order", "RENAME TABLE copied TO sales_flat_order",
		},
		status: finding.Fail, subject: "sales_flat_order triggers", words: []string{"the triggers for INSERT, UPDATE, DELETE are missing"},
		after: finding.Fail, afterWords: []string{"made after the data was copied"}, state: "trigger_missing",
	},
	"swapped by RENAME": {
		do: []string{
			"CREATE TABLE sales_flat_order_new LIKE sales_flat_order",
			"INSERT INTO sales_flat_order_new SELECT * FROM sales_flat_order",
			"RENAME TABLE sales_flat_order TO sales_flat_order_old",
			"RENAME TABLE sales_flat_order_new TO sales_flat_order",
		},
		status: finding.Fail, subject: "sales_flat_order triggers", words: []string{"sit on sales_flat_order_old", "RENAME"},
		after: finding.Fail, afterWords: []string{"made after the data was copied"}, state: "trigger_moved",
	},
	"log table dropped": {
		do:     []string{"DROP TABLE m2_cl_sales_flat_order"},
		status: finding.Fail, subject: "sales_flat_order log table", words: []string{"the live shop cannot write", "1146"},
		after: finding.Pass, state: "table_missing",
	},
	"log table that no step reads dropped": {
		do:     []string{"DROP TABLE m2_cl_core_url_rewrite"},
		status: finding.Fail, subject: "core_url_rewrite log table", words: []string{"the live shop cannot write", "1146"},
		after: finding.Pass, state: "table_missing",
	},
	"neither log table nor triggers": {
		do: []string{
			"DROP TABLE m2_cl_review", "DROP TRIGGER trg_review_after_insert", "DROP TRIGGER trg_review_after_update",
			"DROP TRIGGER trg_review_after_delete",
		},
		status: finding.Fail, subject: "review log table", words: []string{"neither a log table nor triggers", "Deltalog for review"},
		after: finding.Fail, afterWords: []string{"made after the data was copied"}, state: "table_missing",
	},
	"log table with other columns": {
		do:     []string{"ALTER TABLE m2_cl_review DROP COLUMN processed"},
		status: finding.Fail, subject: "review log table", words: []string{"it has no column processed"}, after: finding.Pass,
	},
	"log table without its key": {
		do:     []string{"ALTER TABLE m2_cl_review CHANGE review_id id INT NOT NULL"},
		status: finding.Fail, subject: "review log table",
		words: []string{"the live shop cannot write review", "has no column review_id", "1054"}, after: finding.Pass,
	},
	"view in place of a log table": {
		do: []string{
			"RENAME TABLE m2_cl_review TO kept",
			"CREATE SQL SECURITY INVOKER VIEW m2_cl_review AS SELECT * FROM kept",
		},
		status: finding.Fail, subject: "review log table", words: []string{"not as the tool needs it"}, after: finding.Pass,
	},
	"log table with another key": {
		do:     []string{"ALTER TABLE m2_cl_review DROP PRIMARY KEY, ADD KEY (review_id)"},
		status: finding.Fail, subject: "review log table", words: []string{"primary key is ()"}, after: finding.Pass,
	},
	"table dropped": {
		do:     []string{"DROP TABLE catalog_compare_item", "DROP TABLE m2_cl_catalog_compare_item"},
		status: finding.Fail, subject: "catalog_compare_item log table", words: []string{"which Magento 1 does not have", "1146"},
		after: finding.Pass,
	},
	"view in place of a table": {
		after: finding.Unknown,
		do: []string{
			"RENAME TABLE review TO review_table", "CREATE SQL SECURITY INVOKER VIEW review AS SELECT * FROM review_table",
		},
		status: finding.Fail, subject: "review log table", words: []string{"is a view"}, state: "trigger_moved",
	},
	"ids beyond the log": {
		do:     []string{"ALTER TABLE review AUTO_INCREMENT = 3000000000"},
		status: finding.Fail, subject: "review log table", words: []string{"2147483647", "3000000000"}, after: finding.Pass,
	},
	"a condition around the tool's statement": {
		do: []string{
			"DROP TRIGGER trg_review_after_update",
			"SET timestamp = UNIX_TIMESTAMP() - 3600",
			"CREATE DEFINER='{{user}}'@'%' TRIGGER acme AFTER UPDATE ON review FOR EACH ROW BEGIN IF NEW.status_id = 1 THEN " +
				"INSERT INTO `m2_cl_review` (`review_id`, `operation`) VALUES (NEW.`review_id`, 'UPDATE')ON DUPLICATE KEY " +
				"UPDATE operation = 'UPDATE'; END IF; END",
			"SET timestamp = DEFAULT",
		},
		status: finding.Unknown, subject: "review conditions",
		words: []string{"UPDATE of review", "under a condition only", "acme", "SHOW CREATE TRIGGER `acme`"},
		after: finding.Unknown,
	},
	"another module's statement merged in": {
		do: []string{
			"DROP TRIGGER trg_review_after_update",
			"CREATE DEFINER='{{user}}'@'%' TRIGGER acme AFTER UPDATE ON review FOR EACH ROW BEGIN SET @acme = 1; " +
				"INSERT INTO `m2_cl_review` (`review_id`, `operation`) VALUES (NEW.`review_id`, 'UPDATE')ON DUPLICATE KEY UPDATE operation = 'UPDATE'; END",
		},
		status: finding.Fail, subject: "review", words: []string{"made after the data was copied"}, after: finding.Unknown,
	},
	"a trigger that only looks like it": {
		do: []string{
			"DROP TRIGGER trg_review_after_update",
			"CREATE TRIGGER trg_review_after_update AFTER UPDATE ON review FOR EACH ROW BEGIN " +
				"/* INSERT INTO m2_cl_review (review_id, operation) VALUES (NEW.review_id, 'UPDATE') */ SET @acme = 1; END",
		},
		status: finding.Fail, subject: "review triggers", words: []string{"trigger for UPDATE is missing"}, state: "trigger_missing",
		after: finding.Unknown, // the name is taken
	},
	"altered in place": {
		do: []string{
			"ALTER TABLE sales_flat_order ADD COLUMN acme INT, ALGORITHM=COPY",
			"OPTIMIZE TABLE review",
		}, status: finding.Pass,
	},
}

func TestDeltaLogFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range deltaFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDelta(t)
			s.On1(s.filled(fault.do)...)
			if fault.status == finding.Pass {
				s.Want("delta_log", finding.Pass)
				return
			}
			f := s.WantFinding("delta_log", fault.status, fault.words...)
			if f.Subject != fault.subject {
				t.Errorf("subject %q, want %q", f.Subject, fault.subject)
			}
			if fault.state != "" {
				s.WantValue(1, "delta_log_tables", fault.state)
			}
			if fault.after == finding.Unknown {
				return
			}
			s.pasteRemedy(f)
			if len(fault.afterWords) == 0 {
				s.Want("delta_log", fault.after)
				return
			}
			s.WantFinding("delta_log", fault.after, fault.afterWords...)
		})
	}
}

// filled puts the account's name into statements.
func (s *shop) filled(statements []string) []string {
	var filled []string
	for _, statement := range statements {
		filled = append(filled, strings.ReplaceAll(statement, "{{user}}", s.User))
	}
	return filled
}

// asTool is a connection to Magento 1's database as the tool's account.
func (s *shop) asTool() *sql.DB { return s.asToolOn(s.Server1, s.DB1) }

func (s *shop) asToolOn(server *mysqltest.Server, database string) *sql.DB {
	s.T.Helper()
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.DBName = s.User, shoptest.Password, "tcp", server.Addr(), database
	connector, err := mysql.NewConnector(c)
	s.Must(err)
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	s.T.Cleanup(func() { _ = db.Close() })
	return db
}

var pastedLine = regexp.MustCompile(`^(SET|CREATE|DROP|INSERT|ALTER|RENAME|UPDATE|DELETE|GRANT) `)

// pasteRemedy runs the lines of a remedy that are SQL, as the tool's account.
func (s *shop) pasteRemedy(f finding.Finding) {
	s.T.Helper()
	db, pasted := s.asTool(), 0
	defer db.Close() // else it looks like the tool's
	administrator := strings.Contains(f.Remedy, "as an administrator")
	for line := range strings.Lines(f.Remedy) {
		if line = strings.TrimSpace(line); pastedLine.MatchString(line) {
			if administrator {
				s.On1(line)
			} else if _, err := db.ExecContext(s.T.Context(), strings.TrimSuffix(line, ";")); err != nil {
				s.T.Fatalf("%s: %v", line, err)
			}
			pasted++
		}
	}
	if pasted == 0 {
		s.T.Fatalf("the remedy has no statement: %s", f.Remedy)
	}
}

// dropTriggers is what a copy with --skip-triggers leaves out.
func (s *shop) dropTriggers() {
	s.T.Helper()
	for document := range mysqltest.DeltaLogged() {
		for _, event := range []string{"insert", "update", "delete"} {
			s.On1("DROP TRIGGER trg_" + document + "_after_" + event)
		}
	}
}

func TestDeltaLogWithoutTriggers(t *testing.T) {
	t.Parallel()
	s := newDelta(t, shoptest.With("privileges"))
	// Without the privilege this server shows the triggers without a body and a definer.
	s.Exec(s.Server1, "REVOKE TRIGGER ON "+shoptest.GrantName(s.DB1)+".* FROM '"+s.User+"'@'%'")
	s.WantFinding("delta_log", finding.Unknown, "may not see triggers", "1142")
	s.HasFinding("privileges", finding.Fail, "TRIGGER is missing")
	s.Account(s.Server1, s.DB1, "TRIGGER")
	s.dropTriggers()
	s.WantFinding("delta_log", finding.Fail, "12 log tables and no triggers", "--skip-triggers")
	s.WantValue(12, "delta_log_tables", "trigger_missing")
	s.WantAbsent("delta_log_created_timestamp_seconds")
	// Without the privilege the server shows no triggers, which says nothing.
	s.Exec(s.Server1, "REVOKE TRIGGER ON "+shoptest.GrantName(s.DB1)+".* FROM '"+s.User+"'@'%'")
	f := s.WantFinding("delta_log", finding.Unknown, "may not see triggers", "TRIGGER ON")
	s.WantAbsent("delta_log_tables", "trigger_missing")
	_, grant, _ := strings.Cut(f.Remedy, "\n")
	s.Exec(s.Server1, strings.TrimSuffix(grant, ";"))
	s.WantFinding("delta_log", finding.Fail, "no triggers")
	for document := range mysqltest.DeltaLogged() {
		s.On1("DROP TABLE m2_cl_" + document)
	}
	s.Migration.Phase = config.PhaseDelta
	s.WantFinding("delta_log", finding.Fail, "Magento 1 has no delta log")
	// Without the tool's files nothing else tells either.
	s.Migration.MigrationTool.Config, s.Migration.Magento2.Root = "", ""
	s.WantFinding("delta_log", finding.Fail, "Magento 1 has no delta log")
}

// TestDeltaLogRestored restores Magento 1 from a full dump: the triggers come back, younger than the copied data.
func TestDeltaLogRestored(t *testing.T) {
	t.Parallel()
	s := newDelta(t)
	s.WriteRunLog(time.Now().Add(-2*time.Hour), shoptest.DataRun...)
	s.WantFinding("delta_log", finding.Fail, "all triggers were made after the data was copied", "subject: created")
	s.Migration.Waivers = []config.Waiver{{
		Precondition: "delta_log", Subject: "created", Reason: "compared", Expires: config.Expiry{Time: time.Now().Add(time.Hour)},
	}}
	s.Want("delta_log", finding.Waived)
	// Without the tool's files it is unknown which is older.
	s.Migration.Waivers = nil
	shoptest.WriteUnder(t, s.Migration.Magento2.Root, "var/migration.log", "")
	s.Must(os.Chtimes(filepath.Join(s.Migration.Magento2.Root, "var/migration-tool-progress.lock"),
		time.Now(), time.Now().Add(-30*time.Minute)))
	s.Want("delta_log", finding.Pass)
	shoptest.WriteUnder(t, s.Migration.Magento2.Root, "var/migration-tool-progress.lock", "")
	s.WantFinding("delta_log", finding.Unknown, "older than the copied data is unknown", "magento2.root")
}

func TestDeltaLogWithoutTheToolsConfiguration(t *testing.T) {
	t.Parallel()
	s := newDelta(t)
	s.Migration.MigrationTool.Config = ""
	s.WantFinding("delta_log", finding.Unknown, "what has to be logged", "migration_tool.config")
	s.On1("DROP TRIGGER trg_review_after_update")
	f := s.WantFinding("delta_log", finding.Fail, "trigger for UPDATE is missing")
	s.pasteRemedy(f)
	s.On1("DROP TABLE m2_cl_review")
	s.WantFinding("delta_log", finding.Fail, "the live shop cannot write review")
}

// TestDeltaLogOnAReplica has a source that replicates another server.
func TestDeltaLogOnAReplica(t *testing.T) {
	t.Parallel()
	primary := mysqltest.New(t, mysqltest.Options{Args: []string{"--log-bin=binlog", "--server-id=11"}})
	replica := mysqltest.New(t, mysqltest.Options{
		Args: []string{"--log-bin=binlog", "--server-id=12", "--log-bin-trust-function-creators=1"},
	})
	s := newDelta(t, shoptest.With("network"), func(s *shoptest.Shop) { s.Server1, s.Server2 = replica, replica })
	s.Want("delta_log", finding.Pass)
	s.Exec(primary, "CREATE USER repl@'%' IDENTIFIED BY 'x'", "GRANT REPLICATION SLAVE ON *.* TO repl@'%'")
	s.Exec(replica, fmt.Sprintf("CHANGE MASTER TO MASTER_HOST = '%s', MASTER_PORT = %d, MASTER_USER = 'repl', "+
		"MASTER_PASSWORD = 'x'", primary.Host(), primary.Port()), "START SLAVE")
	deadline := time.Now().Add(2 * time.Minute)
	for name, running := "", ""; running != "ON"; {
		s.Must(s.Root(replica).QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE 'Slave_running'").
			Scan(&name, &running))
		if time.Now().After(deadline) {
			t.Fatal("the replica does not run")
		}
	}
	f := s.WantFinding("delta_log", finding.Fail, "Magento 1's database is a replica", "Slave_running is ON")
	if f.Subject != "replica" {
		t.Errorf("%+v", f)
	}
	s.Has("network", finding.Pass) // one cause is one failure
}

// TestDeltaLogOfALongName has a table whose name is as long as a name can be: the tool cuts those of its log table and
// triggers.
func TestDeltaLogOfALongName(t *testing.T) {
	t.Parallel()
	s := newDelta(t)
	long := strings.Repeat("acme_", 12) + "logs"
	if len(long) != 64 {
		t.Fatal(len(long))
	}
	path := filepath.Join(s.Migration.Magento2.Root, shoptest.ToolDir, "etc/delta_document_groups_file.xml")
	text, err := os.ReadFile(path)
	s.Must(err)
	s.Must(os.WriteFile(path, bytes.Replace(text, []byte("</group>"),
		[]byte(`<document key="id">`+long+"</document></group>"), 1), 0o600))
	s.On1("CREATE TABLE "+long+" (id INT PRIMARY KEY, v INT)", "INSERT INTO "+long+" VALUES (1, 1)")
	f := s.WantFinding("delta_log", finding.Fail, "changes of "+long+" are not logged: it has neither a log table")
	s.pasteRemedy(f)
	s.WantFinding("delta_log", finding.Fail, "the triggers of "+long+" were made after the data was copied")
	s.WantValue(13, "delta_log_tables", "intact")
	s.On1("UPDATE " + long + " SET v = 2")
	s.later(time.Minute)
	s.Want("delta_backlog", finding.Warn)
	s.On1("DROP TABLE " + delta.LogTable("", long))
	s.WantFinding("delta_log", finding.Fail, "the live shop cannot write "+long)
	// Without the tool's files the table with the triggers tells the name.
	s.Migration.MigrationTool.Config = ""
	f = s.WantFinding("delta_log", finding.Fail, "the live shop cannot write "+long)
	s.pasteRemedy(f)
	s.On1("UPDATE " + long + " SET v = 3")
}

func TestDeltaLogDefiner(t *testing.T) {
	t.Parallel()
	s := newDelta(t, shoptest.With("privileges"))
	s.Exec(s.Server1, "REVOKE INSERT ON "+shoptest.GrantName(s.DB1)+".* FROM '"+s.User+"'@'%'")
	f := s.WantFinding("delta_log", finding.Fail, "the live shop cannot write now", "INSERT", "1142")
	if f.Subject != "definer" {
		t.Errorf("%+v", f)
	}
	for _, f := range s.State("privileges").Result.Findings {
		if strings.Contains(f.Summary, "live shop") {
			t.Errorf("privileges says it as well: %+v", f)
		}
	}
	s.Has("privileges", finding.Warn) // one cause is one failure
	s.wantSaid(s.State("privileges").Result, "INSERT is missing", "delta_log fails for it")
	s.WantValue(0, "privileges_ok", "magento1")
	s.Account(s.Server1, s.DB1, "INSERT")
	s.Want("delta_log", finding.Pass)
	s.Has("privileges", finding.Pass)
	for _, privilege := range []string{"UPDATE", "SELECT"} {
		s.Exec(s.Server1, "REVOKE "+privilege+" ON "+shoptest.GrantName(s.DB1)+".* FROM '"+s.User+"'@'%'")
		s.WantFinding("delta_log", finding.Fail, "live shop cannot write now", privilege)
		s.Account(s.Server1, s.DB1, privilege)
	}
	// Triggers that run as another account, which then goes.
	s.Exec(s.Server1, "GRANT SELECT ON mysql.* TO '"+s.User+"'@'%'", "CREATE USER '"+s.User+"_old'@'%'",
		"GRANT ALL ON "+shoptest.GrantName(s.DB1)+".* TO '"+s.User+"_old'@'%'")
	s.Must(mysqltest.DropDeltaLog(t.Context(), s.Server1, s.DB1, ""))
	s.Must(mysqltest.SetUpDeltaLog(t.Context(), s.Server1, s.DB1, "", "'"+s.User+"_old'@'%'"))
	s.Want("delta_log", finding.Pass)
	s.Exec(s.Server1, "DROP USER '"+s.User+"_old'@'%'")
	s.WantFinding("delta_log", finding.Fail, "does not exist", "1449")
	s.On1("DROP TRIGGER trg_review_after_update",
		"SET timestamp = UNIX_TIMESTAMP() - 3600",
		"CREATE DEFINER='"+s.User+"'@'%' TRIGGER trg_review_after_update AFTER UPDATE ON review FOR EACH ROW "+
			"INSERT INTO m2_cl_review (review_id, operation) VALUES (NEW.review_id, 'UPDATE') ON DUPLICATE KEY UPDATE operation = 'UPDATE'",
		"SET timestamp = DEFAULT") // the connection goes back to the pool
	var words []string
	for _, f := range s.Want("delta_log", finding.Fail).Findings {
		words = append(words, f.Summary)
	}
	if !strings.Contains(strings.Join(words, "\n"), "run as 2 accounts") {
		t.Errorf("%q", words)
	}
}

// TestDeltaLogTripwire loses changes in ways that only a comparison shows.
func TestDeltaLogTripwire(t *testing.T) {
	t.Parallel()
	s := newDelta(t)
	s.Want("delta_log", finding.Pass)
	s.On1(
		"INSERT INTO sales_flat_order (entity_id, status, increment_id, updated_at) VALUES (10, 'new', '100000010', NOW()), (11, 'new', '100000011', NOW())",
		"UPDATE customer_entity SET email = 'new@example.com' WHERE entity_id = 1",
	)
	s.later(time.Minute)
	s.Want("delta_log", finding.Pass) // it waits in the log
	s.On1("TRUNCATE m2_cl_sales_flat_order", "DELETE FROM m2_cl_customer_entity")
	s.later(time.Minute)
	s.Want("delta_log", finding.Pass) // seen once
	s.WantValue(0, "delta_lost_rows")
	s.later(time.Minute)
	f := s.WantFinding("delta_log", finding.Fail, "orders were lost: 2 rows differ", "entity_id 10, 11", "sales_order")
	s.WantFinding("delta_log", finding.Fail, "customers were lost: 1 row differs", "entity_id 1")
	s.WantValue(3, "delta_lost_rows")
	// Newer rows do not hide it.
	for i := range 3 {
		s.On1(manyOrders(100 + 100*i))
		s.Must(s.Deliver(t.Context()))
		s.Must(s.Clean(t.Context()))
		s.later(time.Minute)
		s.WantFinding("delta_log", finding.Fail, "entity_id 10, 11")
	}
	s.later(2 * time.Hour) // the schemas are read again, and what was learnt stays
	s.WantFinding("delta_log", finding.Fail, "entity_id 10, 11")
	s.pasteRemedy(f)
	s.WantFinding("delta_log", finding.Fail, "customers were lost: 1 row")
	s.WantValue(1, "delta_lost_rows")
	s.Must(s.Deliver(t.Context()))
	s.Must(s.Clean(t.Context()))
	s.On2("UPDATE customer_entity SET email = 'new@example.com' WHERE entity_id = 1")
	s.Want("delta_log", finding.Pass)
	s.WantValue(0, "delta_lost_rows")
}

// TestDeltaLogLostDeletion deletes rows that were compared before: with the log, without it, and by a cascade.
func TestDeltaLogLostDeletion(t *testing.T) {
	t.Parallel()
	s := newDelta(t)
	s.Want("delta_log", finding.Pass)
	s.On1("DELETE FROM sales_flat_order WHERE entity_id = 2", "DELETE FROM sales_flat_quote WHERE entity_id = 1")
	for range 3 {
		s.later(time.Minute)
		s.Want("delta_log", finding.Pass) // it waits in the log
	}
	s.On1("DELETE FROM m2_cl_sales_flat_order WHERE entity_id = 2")
	s.later(time.Minute)
	s.Want("delta_log", finding.Pass) // seen once, because it waited before
	s.later(time.Minute)
	f := s.WantFinding("delta_log", finding.Fail, "orders were lost: 1 row differs", "of which Magento 1 has deleted 2",
		"(2, 'DELETE')")
	s.WantValue(1, "delta_lost_rows")
	s.pasteRemedy(f)
	s.Want("delta_log", finding.Pass)
	s.Must(s.Deliver(t.Context()))
	s.Must(s.Clean(t.Context()))
	s.later(time.Minute)
	s.Want("delta_log", finding.Pass)
	s.WantValue(0, "delta_lost_rows")
}

// later moves the shop's clock.
func (s *shop) later(d time.Duration) { s.Offset += d }

// manyOrders makes a hundred orders.
func manyOrders(first int) string {
	var values []string
	for i := first; i < first+100; i++ {
		values = append(values, fmt.Sprintf("(%d, 'new', '3%08d', NOW())", i, i))
	}
	return "INSERT INTO sales_flat_order (entity_id, status, increment_id, updated_at) VALUES " + strings.Join(
		values,
		", ",
	)
}

func TestDeltaLogByPhase(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = s.Server1 })
	s.Want("delta_log", finding.NotApplicable)
	s.Migration.Phase = config.PhaseMigrate
	s.Want("delta_log", finding.NotApplicable)
	s.WithDelta()
	s.Want("delta_log", finding.Pass)
	s.On1("DROP TRIGGER trg_review_after_update")
	s.Want("delta_log", finding.Fail)
	s.Migration.Phase = config.PhasePrepare
	s.Want("delta_log", finding.NotApplicable)
	s.On1("DROP TABLE m2_cl_review") // but what stops the shop is said in every phase
	s.WantFinding("delta_log", finding.Fail, "the live shop cannot write review")
	s.Migration.Phase = config.PhaseDone
	s.Want("delta_log", finding.NotApplicable)
}

// TestDeltaLogWhileDataIsCopied has a Magento 2 that does not have all rows yet: what differs was not lost.
func TestDeltaLogWhileDataIsCopied(t *testing.T) {
	t.Parallel()
	const lock = "var/migration-tool-progress.lock"
	s := newDelta(t, func(s *shoptest.Shop) { s.Hasty = true })
	root := s.Migration.Magento2.Root
	whole, err := os.ReadFile(filepath.Join(root, lock))
	s.Must(err)
	s.On2("CREATE TABLE kept AS SELECT * FROM sales_order", "DELETE FROM sales_order", "DELETE FROM quote")
	s.Migration.Phase = config.PhaseMigrate
	copying := func() {
		t.Helper()
		for range 3 {
			s.later(time.Minute)
			s.WantFinding("delta_log", finding.Pass, "compared once migrate:data has ended")
		}
		s.WantAbsent("delta_lost_rows")
	}
	// By the progress file.
	shoptest.WriteUnder(t, root, lock, `{"Migration\\App\\SetupDeltaLog":{"setup triggers":{"result":true}}}`)
	copying()
	// By the log of the tool.
	s.Must(os.Remove(filepath.Join(root, lock)))
	shoptest.WriteUnder(t, root, "var/migration.log", "")
	s.WriteRunLog(s.Now().Add(-50*time.Minute), shoptest.DataRun[:3]...)
	copying()
	// By the rows alone. The orders were copied, and the tool works on.
	s.Migration.MigrationTool.Config = ""
	s.later(time.Minute)
	s.HasAnyFinding("delta_log", finding.Pass, "compared once migrate:data has ended")
	s.On2("INSERT INTO sales_order SELECT * FROM kept", "DELETE FROM sales_sequence_meta")
	for _, db := range []string{s.DB1, s.DB2} {
		s.Must(s.asToolOn(s.Server1, db).PingContext(t.Context()))
	}
	for range 3 {
		s.later(time.Minute)
		s.Evaluate()
		s.HasAnyFinding("delta_log", finding.Pass, "compared once migrate:data has ended")
	}
	// It has ended, and the quotes are still not there.
	shoptest.WriteUnder(t, root, lock, string(whole))
	s.Migration.MigrationTool.Config = filepath.Join(root, "config.xml")
	s.WriteRunLog(s.Now().Add(-40*time.Minute), shoptest.DataRun...)
	s.Want("delta_log", finding.Pass) // seen once
	s.later(time.Minute)
	s.WantFinding("delta_log", finding.Fail, "quotes were lost")
}
