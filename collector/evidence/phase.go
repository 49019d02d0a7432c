package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

// Phase is the phase of the migration, and how it was found.
type Phase struct {
	// Phase is empty when it is unknown.
	Phase config.Phase
	// Seen says what the phase was found from.
	Seen string
	// Err is why it is unknown.
	Err error
}

// Migrated reports whether migrate:data has written to Magento 2.
func (p Phase) Migrated() bool {
	return slices.Contains(config.Phases(), p.Phase) && p.Phase != config.PhasePrepare
}

// Reason says what the phase was found from, or why it is unknown.
func (p Phase) Reason() string {
	if p.Err != nil {
		return finding.Cut(p.Err.Error())
	}
	return p.Seen
}

// findPhase finds the phase in the two databases, unless the configuration has it. migrate:data replaces Magento 2's
// root category by Magento 1's, with its creation time, and copies orders and customers with their ids; in two separate
// installations these are never all equal.
func findPhase(ctx context.Context, e *Evidence) Phase {
	if p := e.Migration.Phase; p != config.PhaseAuto {
		return Phase{Phase: p, Seen: "the configuration says so"}
	}
	if err := errors.Join(e.Magento1.Err, e.Magento2.Err); err != nil {
		return Phase{Err: err}
	}
	migrated, seen, err := isMigrated(ctx, e)
	if err != nil {
		return Phase{Err: err}
	}
	if !migrated {
		return Phase{Phase: config.PhasePrepare, Seen: seen}
	}
	complete, how, err := isComplete(ctx, e)
	if err != nil {
		return Phase{Err: err}
	}
	phase := config.PhaseMigrate
	if complete {
		phase = config.PhaseDelta
	}
	return Phase{Phase: phase, Seen: seen + "; " + how}
}

// isComplete reports whether migrate:data has ended, by the tool's progress file, else by the number of orders.
func isComplete(ctx context.Context, e *Evidence) (complete bool, how string, err error) {
	if complete, known := lockIsComplete(ctx, e); known {
		return complete, fmt.Sprintf("the tool's progress file says that all its steps are done: %v", complete), nil
	}
	return hasAllOrders(ctx, e)
}

// lockIsComplete reports whether, by the tool's progress file, every data stage of this config.xml is done. known is
// false when the file or config.xml cannot be read.
func lockIsComplete(ctx context.Context, e *Evidence) (complete, known bool) {
	flight := Flight{e.Migration.Name, "progress file"}
	lock, err := answered(ctx, e.flights, flight, e.Magento1.statementTimeout, e.Files.Progress)
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

func isMigrated(ctx context.Context, e *Evidence) (migrated bool, seen string, err error) {
	created1, err := e.Magento1.RootCategoryCreated(ctx)
	if err != nil {
		return false, "", err
	}
	created2, err := e.Magento2.RootCategoryCreated(ctx)
	if err != nil {
		return false, "", err
	}
	if created1 != "" && created1 == created2 {
		return true, "the root category was made at " + created1 + " UTC in both databases", nil
	}
	for _, t := range []struct{ magento1, magento2 string }{
		{"sales_flat_order", "sales_order"},
		{"customer_entity", "customer_entity"},
	} {
		range1, err := e.Magento1.IDRange(ctx, t.magento1)
		if err != nil {
			return false, "", err
		}
		range2, err := e.Magento2.IDRange(ctx, t.magento2)
		if err != nil {
			return false, "", err
		}
		if range1 == "" || range1 != range2 {
			return false, "Magento 2 holds none of Magento 1's data", nil
		}
		seen = fmt.Sprintf("%s has the ids %s in both systems", t.magento2, range2)
	}
	return true, seen, nil
}

// hasAllOrders reports whether Magento 2 has at least as many orders as Magento 1. Above the cap it compares the
// highest ids, because the tool copies in the order of the ids.
func hasAllOrders(ctx context.Context, e *Evidence) (complete bool, counts string, err error) {
	const table1, table2 = "sales_flat_order", "sales_order"
	orders1, err := e.Magento1.Count(ctx, table1, "")
	if err != nil {
		return false, "", err
	}
	orders2, err := e.Magento2.Count(ctx, table2, "")
	if err != nil {
		return false, "", err
	}
	if orders1 <= finding.CountCap || orders2 <= finding.CountCap {
		text := fmt.Sprintf("Magento 2 has %s of Magento 1's %s orders", finding.Count(orders2), finding.Count(orders1))
		return orders2 >= orders1, text, nil
	}
	last1, err := e.Magento1.LastID(ctx, table1)
	if err != nil {
		return false, "", err
	}
	last2, err := e.Magento2.LastID(ctx, table2)
	if err != nil {
		return false, "", err
	}
	return last2 >= last1, fmt.Sprintf("the highest order id is %d in Magento 2, %d in Magento 1", last2, last1), nil
}
