package exposition_test

import (
	"runtime"
	"testing"

	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/leaktest"
	"magento_migration_exporter/collector/precondition"
)

// BenchmarkRender is what a new result costs before anybody scrapes it.
func BenchmarkRender(b *testing.B) {
	state := fullBoard(b, 1).Snapshot()[0]
	expositor := exposition.NewExpositor(precondition.All())
	for b.Loop() {
		expositor.Render(state)
	}
}

// BenchmarkMemory reports what one migration's results hold in memory, rendered.
func BenchmarkMemory(b *testing.B) {
	const migrations = 1000
	for b.Loop() {
		before := leaktest.Heap()
		board := fullBoard(b, migrations)
		b.ReportMetric(float64(leaktest.Heap()-before)/migrations, "B/migration")
		runtime.KeepAlive(board)
	}
}
