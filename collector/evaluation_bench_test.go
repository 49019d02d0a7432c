package collector

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config"
)

// BenchmarkEvaluate evaluates migrations side by side, as many at a time as the default configuration does, on two real servers with
// small schemas. Statements and database milliseconds are those of one evaluation of one migration.
func BenchmarkEvaluate(b *testing.B) {
	for _, n := range []int{1, 10, 1000} {
		b.Run(fmt.Sprintf("migrations=%d", n), func(b *testing.B) {
			reader := backup.New(b.Context(), backup.Options{})
			defer reader.Close()
			board := NewBoard()
			evaluator := NewEvaluator(EvaluatorOptions{Board: board, Backups: reader, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
			global := config.Default().Global
			kept := board.Configure(benchmarkMigrations(b, n))
			evaluations := 0
			for b.Loop() {
				evaluateTogether(b.Context(), evaluator, kept, global)
				evaluations += n
			}
			for _, state := range board.Snapshot() {
				if status := state.Preconditions[0].Result.Status; status == Fail || status == Unknown {
					b.Fatalf("network is %s: nothing was measured", status)
				}
			}
			var statements int64
			var spent time.Duration
			for _, id := range PreconditionIDs() {
				statements += evaluator.DatabaseCost(id).Statements()
				spent += evaluator.DatabaseCost(id).Spent()
			}
			b.ReportMetric(float64(statements)/float64(evaluations), "statements")
			b.ReportMetric(float64(spent.Microseconds())/1000/float64(evaluations), "db-ms")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(evaluations), "ms/evaluation")
		})
	}
}

func evaluateTogether(ctx context.Context, e *Evaluator, migrations []*config.Migration, global config.Global) {
	places := make(chan struct{}, global.EvaluationConcurrency)
	var all sync.WaitGroup
	for _, m := range migrations {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			e.Evaluate(ctx, m, time.Duration(global.EvaluationTimeout))
		})
	}
	all.Wait()
}

// benchmarkMigrations have ten pairs of databases between them.
func benchmarkMigrations(b *testing.B, n int) []config.Migration {
	b.Helper()
	var migrations []config.Migration
	for i := range n {
		m := config.Migration{Name: fmt.Sprintf("shop-%04d", i), Phase: config.PhaseAuto}
		for name, system := range map[string]*config.System{magento1: &m.Magento1, magento2: &m.Magento2} {
			server, script := shared.magento1, mysqltest.Magento1("")
			if name == magento2 {
				server, script = shared.magento2, mysqltest.Magento2("")
			}
			database := fmt.Sprintf("bench_%d_%d_%s", n, i%10, name)
			if i < 10 {
				if err := server.Load(b.Context(), database, script); err != nil && !strings.Contains(err.Error(), "exists") {
					b.Fatal(err)
				}
			}
			system.Database = config.Database{Host: "localhost", Socket: server.Socket(), Name: database, User: "root"}
		}
		migrations = append(migrations, m)
	}
	return migrations
}
