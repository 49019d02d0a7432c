package integrity

import (
	"context"
	"fmt"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/config/toolmap"
)

const (
	// MaxRows is where counting an unmapped table stops: it reads "more than 10000".
	MaxRows = 10001
	// maxCounted is how many tables are counted, so that a wrong prefix does not make hundreds of statements.
	maxCounted = 100
)

// CountRows fills in how many rows unmapped tables hold, one short statement for each of at most 100 tables.
// Views are not counted, nor tables that the account may not read. The sessions are those of the two sides.
func CountRows(
	ctx context.Context,
	predictions []Prediction,
	sessions map[toolmap.Side]*database.Session,
	schemas map[toolmap.Side]*Schema,
) error {
	counted := 0
	for i := range predictions {
		f := &predictions[i]
		if f.Kind != Documents || counted == maxCounted {
			continue
		}
		table := schemas[f.Side].Table(f.Document)
		if table == nil || table.View {
			continue
		}
		counted++
		query := fmt.Sprintf(
			"SELECT COUNT(*) FROM (SELECT 1 FROM %s LIMIT %d) some",
			database.Quote(table.Name),
			MaxRows,
		)
		if err := sessions[f.Side].Row(ctx, query, nil, &f.Rows); err != nil {
			f.Rows = -1
			if ctx.Err() != nil || ended(err) {
				return fmt.Errorf("counting the rows of %s: %w", table.Name, err)
			}
		}
	}
	return nil
}
