package collector

import (
	"runtime"
	"testing"
)

// BenchmarkRender is what a new result costs before anybody scrapes it.
func BenchmarkRender(b *testing.B) {
	state := fullBoard(1).Snapshot()[0]
	for b.Loop() {
		state.render()
	}
}

// BenchmarkMemory tells what one migration's results hold in memory, rendered.
func BenchmarkMemory(b *testing.B) {
	const migrations = 1000
	for b.Loop() {
		before := heap()
		board := fullBoard(migrations)
		b.ReportMetric(float64(heap()-before)/migrations, "B/migration")
		runtime.KeepAlive(board)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
