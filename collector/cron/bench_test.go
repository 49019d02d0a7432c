package cron

import "testing"

// BenchmarkLook is what one evaluation costs on this host, with its real units, crontabs and processes.
func BenchmarkLook(b *testing.B) {
	o := Options{Magento2Root: b.TempDir(), Processes: true}
	for b.Loop() {
		Look(b.Context(), o)
	}
}
