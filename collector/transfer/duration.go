package transfer

import "time"

// The speed of migrate:data in measured runs: values a second from a loaded machine to an idle one, and what a run
// takes besides, for the integrity checks, the triggers and the DDL.
const (
	slowCells, fastCells = 75000, 400000
	leastFixed           = 8 * time.Second
	mostFixed            = 40 * time.Second
)

// Duration is the range in which migrate:data takes, by measured runs. It is wide: the first measured run on a copy of
// the shop beats it.
func (t Total) Duration() (least, most time.Duration) {
	return leastFixed + time.Duration(float64(t.Cells)/fastCells*float64(time.Second)),
		mostFixed + time.Duration(float64(t.Cells)/slowCells*float64(time.Second))
}

// Grown is by how much Magento 2 grows, in bytes: measured, its data had nine tenths of Magento 1's.
func (t Total) Grown() int64 { return t.Bytes / 10 * 9 }
