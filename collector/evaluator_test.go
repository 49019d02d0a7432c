package collector_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/report"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// TestEvaluationConnections counts what an evaluation costs the server, and that nothing is held open afterwards.
func TestEvaluationConnections(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = server })
	s.Evaluate()
	root := s.Root(server)
	count := func(name string) (n int) {
		var ignored string
		if err := root.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE '"+name+"'").Scan(&ignored, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count("Connections")
	s.Evaluate()
	if n := count("Connections") - before; n > 3 {
		t.Errorf("%d connections for one evaluation, want at most 3", n)
	}
	s.wantCalm(server)
}

// TestEvaluationOfAHungDatabase stops a server in its tracks: the other one's preconditions go on, and all recovers by
// itself.
func TestEvaluationOfAHungDatabase(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
	s.Want("network", finding.Pass)
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	s.EvaluateHung(map[string]finding.Status{
		"network": finding.Fail, "privileges": finding.Unknown, "binlog_trust": finding.Unknown,
		"m2_installed": finding.Pass, "cron_stopped": finding.Pass,
	}, "network", "did not answer in time")
	s.WantAbsent("binlog_trust")
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	s.Want("network", finding.Pass)
	s.Want("privileges", finding.Pass)
}

// TestStatementsEndOnTheServer lets a statement run into its limit, and sees that the server has stopped working on it.
func TestStatementsEndOnTheServer(t *testing.T) {
	t.Parallel()
	for _, flavor := range []mysqltest.Flavor{mysqltest.MariaDB, mysqltest.MySQL56} {
		t.Run(flavor.String(), func(t *testing.T) {
			t.Parallel()
			server := mysqltest.New(t, mysqltest.Options{Flavor: flavor})
			s := newShop(t, func(s *shoptest.Shop) { s.Server2 = server })
			s.Want("m2_entities", finding.Pass)
			// Unlike SLEEP this goes on without a client.
			s.On2("INSERT INTO sales_order (increment_id) VALUES ('1')", "RENAME TABLE sales_order TO hidden",
				"CREATE VIEW sales_order AS SELECT * FROM hidden WHERE BENCHMARK(1000000000000, MD5('x')) = 0")
			// A machine can be too busy for the second that ending a statement may take. Then the log says so.
			eventually(t, "the statement is ended on the server", func() bool {
				logged := s.Log.Len()
				s.EvaluateHung(map[string]finding.Status{"network": finding.Pass, "m2_entities": finding.Unknown},
					"m2_entities", "stopped answering")
				return !strings.Contains(s.Log.String()[logged:], "may still be running")
			})
			s.wantCalm(server) // else the server would work on it for days
		})
	}
}

// alone is a catalogue of one precondition that is not about anything.
func alone(evaluate func(context.Context, *evidence.Evidence) finding.Verdict) func(*shoptest.Shop) {
	return func(s *shoptest.Shop) {
		s.Catalogue = append(
			precondition.All(),
			precondition.Precondition{ID: "made_up", Title: "Made up", Evaluate: evaluate},
		)
	}
}

func TestAPanicIsAResult(t *testing.T) {
	t.Parallel()
	s := newShop(t, alone(func(context.Context, *evidence.Evidence) finding.Verdict { panic("oh secret") }))
	s.WantFinding("made_up", finding.Unknown, "the exporter failed")
	if s.Evaluator.Faults() != 1 {
		t.Errorf("%d faults", s.Evaluator.Faults())
	}
	if log := s.Log.String(); !strings.Contains(log, "panicked") || strings.Contains(log, "oh secret") {
		t.Errorf("log: %s", log)
	}
}

func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	canary := config.Secret("canary-4711")
	s.Exec(s.Server1, "ALTER USER '"+s.User+"'@'%' IDENTIFIED BY 'canary-4711'")
	s.Migration.Magento1.Database.Password = &canary
	s.Migration.Magento2.Database.Password = &canary
	s.Evaluate()
	doc := report.NewReadiness("", s.Board.Snapshot(), time.Now())
	for _, text := range []string{fmt.Sprintf("%+v", doc), s.Log.String(), shoptest.Exposition(t, s.Board, s.Catalogue)} {
		if strings.Contains(text, string(canary)) || strings.Contains(text, shoptest.Password) {
			t.Errorf("a password in %s", text)
		}
	}
	if s.State("network").Result.Status != finding.Fail {
		t.Error("the wrong password was not tried")
	}
}

// TestEvaluationCost compares what is counted with what the server saw.
func TestEvaluationCost(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1, s.Server2 = server, server })
	root := s.Root(server)
	questions := func() (n int64) {
		var name string
		if err := root.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE 'Questions'").Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := questions()
	s.Evaluate()
	asked := questions() - before
	var counted int64
	for _, id := range precondition.All().IDs() {
		counted += s.Evaluator.DatabaseCost(id).Statements()
	}
	if asked < 30 || counted < asked*9/10 || counted > asked+5 {
		t.Errorf("%d statements were counted, the server saw %d", counted, asked)
	}
	if c := s.Evaluator.DatabaseCost("m2_entities"); c.Statements() == 0 || c.Spent() <= 0 {
		t.Errorf("m2_entities: %d statements in %s", c.Statements(), c.Spent())
	}
}
