package collector

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"magento_migration_exporter/config"
)

// PhaseEvidence is how far the migration has come, and how that is known.
type PhaseEvidence struct {
	// Phase is empty when it cannot be told.
	Phase config.Phase
	// Reason says what was seen.
	Reason string
	Err    error
}

// Migrated reports whether migrate:data has written to Magento 2.
func (p PhaseEvidence) Migrated() bool {
	return p.Phase == config.PhaseMigrate || p.Phase == config.PhaseDelta || p.Phase == config.PhaseCutover
}

// reason says what the phase was told from, or why it was not.
func (p PhaseEvidence) reason() string {
	if p.Err != nil {
		return cut(p.Err.Error())
	}
	return p.Reason
}

// findPhase tells the phase from the two databases, unless the configuration says it. migrate:data replaces Magento 2's root category
// by Magento 1's with its creation time, and copies orders and customers with their ids; two installations never agree on these.
func findPhase(ctx context.Context, e *Evidence) PhaseEvidence {
	if p := e.Migration.Phase; p != config.PhaseAuto {
		return PhaseEvidence{Phase: p, Reason: "the configuration says so"}
	}
	if err := errors.Join(e.Magento1.Err, e.Magento2.Err); err != nil {
		return PhaseEvidence{Err: err}
	}
	migrated, reason, err := isMigrated(ctx, e)
	if err != nil {
		return PhaseEvidence{Err: err}
	}
	if !migrated {
		return PhaseEvidence{Phase: config.PhasePrepare, Reason: reason}
	}
	if complete, told := lockIsComplete(ctx, e); told {
		phase := config.PhaseMigrate
		if complete {
			phase = config.PhaseDelta
		}
		return PhaseEvidence{Phase: phase, Reason: fmt.Sprintf("%s; the tool's progress file says that all its steps are done: %v", reason, complete)}
	}
	complete, counts, err := hasAllOrders(ctx, e)
	if err != nil {
		return PhaseEvidence{Err: err}
	}
	if complete {
		return PhaseEvidence{Phase: config.PhaseDelta, Reason: reason + "; " + counts}
	}
	return PhaseEvidence{Phase: config.PhaseMigrate, Reason: reason + "; " + counts}
}

// lockIsComplete reads the tool's progress file: whether every data stage of this config.xml is done. The second result is false where the
// file or config.xml cannot be read.
func lockIsComplete(ctx context.Context, e *Evidence) (complete, told bool) {
	lock, err := answered(ctx, e.flights, flight{e.Migration.Name, "progress file"}, e.Magento1.statementTimeout, e.files.progress)
	if err != nil || e.Tool.Config == nil {
		return false, false
	}
	classes := e.Tool.Config.Stages("data", "data")
	for _, class := range classes {
		if !lock.Done(class, "data migration") {
			return false, true
		}
	}
	return len(classes) > 0, len(classes) > 0
}

func isMigrated(ctx context.Context, e *Evidence) (migrated bool, reason string, err error) {
	created1, err := rootCategoryCreated(ctx, e.Magento1)
	if err != nil {
		return false, "", err
	}
	created2, err := rootCategoryCreated(ctx, e.Magento2)
	if err != nil {
		return false, "", err
	}
	if created1 != "" && created1 == created2 {
		return true, "the root category was made at " + created1 + " UTC in both databases", nil
	}
	for _, t := range []struct{ magento1, magento2 string }{{"sales_flat_order", "sales_order"}, {"customer_entity", "customer_entity"}} {
		range1, err := idRange(ctx, e.Magento1, t.magento1)
		if err != nil {
			return false, "", err
		}
		range2, err := idRange(ctx, e.Magento2, t.magento2)
		if err != nil {
			return false, "", err
		}
		if range1 == "" || range1 != range2 {
			return false, "Magento 2 holds none of Magento 1's data", nil
		}
		reason = fmt.Sprintf("%s has the ids %s in both systems", t.magento2, range2)
	}
	return true, reason, nil
}

// rootCategoryCreated returns the text in UTC, or "" where there is none to compare.
func rootCategoryCreated(ctx context.Context, s *System) (string, error) {
	var created sql.NullString
	err := s.Session.Row(ctx, "SELECT created_at FROM "+s.table("catalog_category_entity")+" WHERE entity_id = 1", nil, &created)
	if errors.Is(err, sql.ErrNoRows) || created.String == "0000-00-00 00:00:00" {
		return "", nil
	}
	return created.String, err
}

// idRange returns "lowest to highest", or "" for an empty table. Both are read from the ends of the primary key.
func idRange(ctx context.Context, s *System, table string) (string, error) {
	var low, high sql.NullInt64
	err := s.Session.Row(ctx, "SELECT MIN(entity_id), MAX(entity_id) FROM "+s.table(table), nil, &low, &high)
	if err != nil || !low.Valid {
		return "", err
	}
	return fmt.Sprintf("%d to %d", low.Int64, high.Int64), nil
}

// hasAllOrders reports whether Magento 2 has at least as many orders as Magento 1. Above the cap it compares the highest ids: the tool
// copies in their order.
func hasAllOrders(ctx context.Context, e *Evidence) (complete bool, counts string, err error) {
	orders1, err := cappedCount(ctx, e.Magento1, "sales_flat_order", "")
	if err != nil {
		return false, "", err
	}
	orders2, err := cappedCount(ctx, e.Magento2, "sales_order", "")
	if err != nil {
		return false, "", err
	}
	if orders1 <= countCap || orders2 <= countCap {
		return orders2 >= orders1, fmt.Sprintf("Magento 2 has %s of Magento 1's %s orders", countText(orders2), countText(orders1)), nil
	}
	var last1, last2 int64
	if err := e.Magento1.Session.Row(ctx, "SELECT MAX(entity_id) FROM "+e.Magento1.table("sales_flat_order"), nil, &last1); err != nil {
		return false, "", err
	}
	if err := e.Magento2.Session.Row(ctx, "SELECT MAX(entity_id) FROM "+e.Magento2.table("sales_order"), nil, &last2); err != nil {
		return false, "", err
	}
	return last2 >= last1, fmt.Sprintf("the highest order id is %d in Magento 2, %d in Magento 1", last2, last1), nil
}

// countCap is where counting stops: a count above it reads "more than".
const countCap = 10000

// cappedCount counts the rows that a condition selects, up to one above countCap, so that its cost does not grow with the table.
func cappedCount(ctx context.Context, s *System, table, condition string, args ...any) (int, error) {
	if condition != "" {
		condition = " WHERE " + condition
	}
	var n int
	err := s.Session.Row(ctx, fmt.Sprintf("SELECT COUNT(*) FROM (SELECT 1 FROM %s%s LIMIT %d) capped", s.table(table), condition, countCap+1), args, &n)
	return n, err
}

// countText is how a capped count reads.
func countText(n int) string {
	if n > countCap {
		return fmt.Sprintf("more than %d", countCap)
	}
	return fmt.Sprint(n)
}
