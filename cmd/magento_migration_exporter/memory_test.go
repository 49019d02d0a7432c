package main

import (
	"log/slog"
	"runtime"
	"testing"
	"time"

	"magento_migration_exporter/collector/leaktest"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// perMigration is how many bytes a migration may keep between two evaluations. With the program's setting of the
// garbage collection that is 112 KiB of resident memory; the limit is 128.
const perMigration = 80 << 10

// TestEachMigrationIsSmall evaluates migrations until each of them is known whole, and measures what they keep.
func TestEachMigrationIsSmall(t *testing.T) {
	s := newBenchShop(t, 0)
	reader := backup.New(t.Context(), backup.Options{})
	defer reader.Close()
	lifetime := &evidence.Lifetime{}
	expositor := exposition.NewExpositor(precondition.All())
	run := func(n int) (*collector.Board, *collector.Evaluator) {
		cfg, err := config.Load(s.write(t, "evaluation_timeout: 10m", n), precondition.All().Sections())
		if err != nil {
			t.Fatal(err)
		}
		board := collector.NewBoard(precondition.All(), expositor.Render)
		evaluator := collector.NewEvaluator(collector.EvaluatorOptions{
			Board: board, Backups: reader, Logger: slog.New(slog.DiscardHandler), Now: time.Now, Patient: true,
			Lifetime: lifetime,
		})
		for range 2 {
			evaluator.EvaluateAll(t.Context(), cfg)
		}
		return board, evaluator
	}
	first, of := run(1)
	const migrations = 6
	before := leaktest.Heap()
	board, evaluator := run(migrations)
	each := (leaktest.Heap() - before) / migrations
	for _, state := range board.Snapshot() {
		for _, ps := range state.Preconditions {
			if ps.Result.Incomplete || ps.Precondition.ID == "network" && ps.Result.Status != finding.Pass {
				t.Errorf("%s of %s: %+v", ps.Precondition.ID, state.Migration.Name, ps.Result)
			}
		}
	}
	runtime.KeepAlive([]any{first, of, board, evaluator})
	if t.Logf("%d bytes", each); each > perMigration {
		t.Errorf("each migration keeps %d bytes, more than %d", each, perMigration)
	}
}
