package collector

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config"
)

func rootOf(t *testing.T, server *mysqltest.Server) *sql.DB {
	t.Helper()
	root, err := server.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// fingerprintOf is the binary log's position and the checksum of every table.
func fingerprintOf(t *testing.T, server *mysqltest.Server, database string) string {
	t.Helper()
	root := rootOf(t, server)
	var file, position string
	var doDB, ignoreDB sql.NullString
	if err := root.QueryRowContext(t.Context(), "SHOW MASTER STATUS").Scan(&file, &position, &doDB, &ignoreDB); err != nil {
		t.Fatal(err)
	}
	text := file + ":" + position
	var tables []string
	rows, err := root.QueryContext(t.Context(), "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE' ORDER BY 1", database)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, table)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var name string
		var checksum sql.NullInt64
		if err := root.QueryRowContext(t.Context(), "CHECKSUM TABLE "+quoted(database)+"."+quoted(table)).Scan(&name, &checksum); err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf(" %s=%d", table, checksum.Int64)
	}
	return text
}

func TestEvaluationChangesNothing(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{Args: []string{"--log-bin=binlog", "--server-id=1"}})
	s := newShop(t, func(s *shop) { s.server1, s.server2 = server, server })
	before := fingerprintOf(t, server, s.db1) + fingerprintOf(t, server, s.db2)
	for range 3 {
		s.evaluate()
	}
	if after := fingerprintOf(t, server, s.db1) + fingerprintOf(t, server, s.db2); after != before {
		t.Errorf("an evaluation changed something:\n%s\n%s", before, after)
	}
}

// TestEvaluationConnections counts what an evaluation costs the server, and that nothing is held open afterwards.
func TestEvaluationConnections(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shop) { s.server2 = server })
	s.evaluate()
	root := rootOf(t, server)
	count := func(name string) (n int) {
		var ignored string
		if err := root.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE '"+name+"'").Scan(&ignored, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count("Connections")
	s.evaluate()
	if n := count("Connections") - before; n > 3 {
		t.Errorf("%d connections for one evaluation, want at most 3", n)
	}
	var open int
	for range 100 {
		if err := root.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = ?", s.user).Scan(&open); err != nil {
			t.Fatal(err)
		}
		if open == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d connections are open at rest", open)
}

// TestEvaluationOfAHungDatabase stops a server in its tracks: the other one's preconditions go on, and all recovers by itself.
func TestEvaluationOfAHungDatabase(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shop) { s.server1 = server })
	s.global.EvaluationTimeout = model.Duration(3 * time.Second)
	s.want("network", Pass)
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	s.wantFinding("network", Fail, "did not answer in time")
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("the evaluation took %s, its limit is 3s", took)
	}
	for id, want := range map[string]Status{"privileges": Unknown, "binlog_trust": Unknown, "m2_installed": Pass, "cron_stopped": Pass} {
		if got := s.board.Snapshot()[0].precondition(id).Result.Status; got != want {
			t.Errorf("%s is %s while Magento 1's server hangs, want %s", id, got, want)
		}
	}
	s.wantAbsent(binlogTrust)
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	s.want("network", Pass)
	s.want("privileges", Pass)
}

// TestStatementsEndOnTheServer lets a statement run into its limit, and sees that the server has stopped working on it.
func TestStatementsEndOnTheServer(t *testing.T) {
	t.Parallel()
	for _, flavor := range []mysqltest.Flavor{mysqltest.MariaDB, mysqltest.MySQL56} {
		t.Run(flavor.String(), func(t *testing.T) {
			t.Parallel()
			server := mysqltest.New(t, mysqltest.Options{Flavor: flavor})
			s := newShop(t, func(s *shop) { s.server2 = server })
			s.global.EvaluationTimeout = model.Duration(3 * time.Second)
			s.want("m2_entities", Pass)
			s.on2("INSERT INTO sales_order (increment_id) VALUES ('1')", "RENAME TABLE sales_order TO hidden", "CREATE VIEW sales_order AS SELECT * FROM hidden WHERE SLEEP(30) = 0")
			s.wantFinding("m2_entities", Unknown, "stopped answering")
			root := rootOf(t, server)
			deadline := time.Now().Add(time.Second)
			for {
				var running int
				if err := root.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = ? AND COMMAND = 'Query'", s.user).Scan(&running); err != nil {
					t.Fatal(err)
				}
				if running == 0 {
					return
				}
				if time.Now().After(deadline) {
					t.Fatal("the statement still runs on the server a second after its limit")
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
}

func TestOnMySQL56(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{Flavor: mysqltest.MySQL56, Args: []string{"--log-bin=binlog", "--server-id=1"}})
	s := newShop(t, func(s *shop) { s.server1, s.server2 = server, server })
	for id, want := range map[string]Status{"network": Pass, "m2_installed": Pass, "cron_stopped": Pass, "privileges": Pass, "binlog_trust": Fail, "m2_entities": Pass} {
		s.want(id, want)
	}
	s.wantValue(0, binlogTrust)
	s.exec(server, "SET GLOBAL log_bin_trust_function_creators=1")
	s.want("binlog_trust", Pass)
	s.wantValue(1, databaseUp, magento1)
}

func TestAPanicIsAResult(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	broken := Precondition{ID: "network", evaluate: func(context.Context, *Evidence) Verdict { panic("oh secret") }}
	r := s.evaluator.result(t.Context(), broken, &Evidence{Migration: s.migration})
	if r.Status != Unknown || r.Findings[0].Remedy == "" || s.evaluator.Faults() != 1 {
		t.Errorf("%+v, %d faults", r, s.evaluator.Faults())
	}
	if log := s.log.String(); !strings.Contains(log, "panicked") || strings.Contains(log, "oh secret") {
		t.Errorf("log: %s", log)
	}
}

// TestAnEvaluationThatHangsIsNotStartedAgain holds a precondition's place as one does that waits for a dead mount.
func TestAnEvaluationThatHangsIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.evaluate()
	f := flight{"acme", "topology"}
	if !s.evaluator.flights.begin(f) || s.evaluator.flights.begin(f) {
		t.Fatal("begin")
	}
	s.wantFinding("topology", Unknown, "has not come back", "file system that hangs")
	s.evaluator.flights.end(f)
	s.wantFinding("topology", Unknown, "magento1.root")
}

func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	canary := config.Secret("canary-4711")
	s.exec(s.server1, "ALTER USER '"+s.user+"'@'%' IDENTIFIED BY 'canary-4711'")
	s.migration.Magento1.Database.Password = &canary
	s.migration.Magento2.Database.Password = &canary
	s.evaluate()
	doc := NewReadiness("", s.board.Snapshot(), time.Now())
	for _, text := range []string{fmt.Sprintf("%+v", doc), s.log.String(), exposition(t, s.board)} {
		if strings.Contains(text, string(canary)) || strings.Contains(text, testPassword) {
			t.Errorf("a password in %s", text)
		}
	}
	if s.board.Snapshot()[0].precondition("network").Result.Status != Fail {
		t.Error("the wrong password was not tried")
	}
}

// TestEvaluationCost compares what is counted with what the server saw.
func TestEvaluationCost(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shop) { s.server1, s.server2 = server, server })
	root := rootOf(t, server)
	questions := func() (n int64) {
		var name string
		if err := root.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE 'Questions'").Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := questions()
	s.evaluate()
	asked := questions() - before
	var counted int64
	for _, id := range PreconditionIDs() {
		counted += s.evaluator.DatabaseCost(id).Statements()
	}
	if asked < 30 || counted < asked*9/10 || counted > asked+5 {
		t.Errorf("%d statements were counted, the server saw %d", counted, asked)
	}
	if c := s.evaluator.DatabaseCost("m2_entities"); c.Statements() == 0 || c.Spent() <= 0 {
		t.Errorf("m2_entities: %d statements in %s", c.Statements(), c.Spent())
	}
}
