package precondition

import (
	"fmt"
	"strings"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
)

// size shows how much migrate:data has to copy, and how long that takes. It is never a verdict.
func (j *runJudge) size(t *evidence.Transfer) {
	total := t.Plan.Total()
	if len(t.Plan.Tables) == 0 {
		return
	}
	j.Sample(runEstimatedRows, float64(total.Rows))
	var parts []string
	for _, table := range total.Largest {
		parts = append(parts, fmt.Sprintf("%s %s rows", table.Document, finding.Grouped(int(table.Rows))))
	}
	least, most := total.Duration()
	long := fmt.Sprintf("between %s and %s by the speed of other shops' runs", finding.Duration(least),
		finding.Duration(most))
	if took := j.runs.History.Longest; took > 0 {
		most = took
		long = finding.Duration(took) + ", as the longest whole run in its log did"
	}
	j.Sample(runEstimatedSeconds, most.Seconds())
	j.Note("size", fmt.Sprintf("migrate:data copies about %s rows of %s, which takes %s",
		finding.Grouped(int(total.Rows)), finding.Counted(len(t.Plan.Tables), "table", "tables"), long),
		fmt.Sprintf("%s; %s in Magento 1, Magento 2 grows by about %s and its binary log by as much again",
			strings.Join(parts, ", "), megabytes(total.Bytes), megabytes(total.Grown())), "")
}
