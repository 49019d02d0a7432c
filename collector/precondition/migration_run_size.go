package precondition

import (
	"context"

	"magento_migration_exporter/collector/evidence"
)

// size shows how much migrate:data has to copy. It is never a verdict.
func (j *runJudge) size(_ context.Context, t *evidence.Transfer) {
	total := t.Plan.Total()
	j.Sample(runEstimatedRows, float64(total.Rows))
}
