package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"magento_migration_exporter/collector/database"
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

// PhaseRemedy is what to do while the phase is unknown.
func (e *Evidence) PhaseRemedy() string {
	set := ", or set " + e.Migration.Key("phase") + "."
	if e.Magento1.Err == nil && e.Magento2.Err == nil {
		return "Fix what the preconditions migration_tool (Magento 1) and m2_installed report about the databases" + set
	}
	return "Fix what the precondition network reports" + set
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
	switch p := e.Migration.Phase; {
	case e.Migration.Rehearsed:
		return Phase{Phase: p, Seen: "a rehearsal: the configuration has another one, or leaves it to the databases"}
	case p != config.PhaseAuto:
		return Phase{Phase: p, Seen: "set in the configuration"}
	}
	if err := unreadable(e.Magento1.Err, e.Magento2.Err); err != nil {
		return Phase{Err: err}
	}
	seen, err := seePhase(ctx, e)
	if err != nil {
		return Phase{Err: err}
	}
	return Recall[phaseMemory](e.Memory, "phase").settle(seen)
}

// unreadable joins the two errors; what both systems have in common, such as a broken config.xml, is said once.
func unreadable(magento1, magento2 error) error {
	if magento1 != nil && magento2 != nil && magento1.Error() == magento2.Error() {
		return magento1
	}
	return errors.Join(magento1, magento2)
}

// phaseSight is the phase according to one look at the databases.
type phaseSight struct {
	Phase
	// orders is how many orders Magento 2 has, capped.
	orders int
	// restored is true when something other than the number of orders shows that Magento 2 was restored.
	restored bool
}

// phaseMemory keeps the phase from one evaluation to the next. It advances at once, and goes back only when a restore
// was seen twice in a row: new orders, a late delta and a lost log do not undo a migration.
type phaseMemory struct {
	kept   phaseSight
	behind int
}

func (m *phaseMemory) settle(seen phaseSight) Phase {
	phases := config.Phases()
	back := slices.Index(phases, seen.Phase.Phase) < slices.Index(phases, m.kept.Phase.Phase)
	if !back {
		m.kept, m.behind = seen, 0
		return seen.Phase
	}
	if m.behind++; !seen.restored && seen.orders >= m.kept.orders {
		m.behind = 0
	}
	if m.behind >= 2 {
		m.kept, m.behind = seen, 0
		return seen.Phase
	}
	stays := m.kept.Phase
	stays.Seen += "; now: " + seen.Seen + ", but the phase goes back only when a restore was seen twice"
	return stays
}

// seePhase looks at the two databases.
func seePhase(ctx context.Context, e *Evidence) (s phaseSight, err error) {
	migrated, seen, err := isMigrated(ctx, e)
	if err != nil {
		return s, err
	}
	if !migrated {
		return phaseSight{Phase: Phase{Phase: config.PhasePrepare, Seen: seen}, restored: true}, nil
	}
	if s.orders, err = e.Magento2.Count(ctx, "sales_order", ""); err != nil {
		return s, err
	}
	complete, how, byLock, err := isComplete(ctx, e, s.orders)
	if err != nil {
		return s, err
	}
	s.Phase = Phase{Phase: config.PhaseMigrate, Seen: seen + "; " + how}
	s.restored = byLock && !complete
	if !complete {
		return s, nil
	}
	logged, err := e.hasDeltaLog(ctx)
	if err != nil {
		return s, err
	}
	if !logged {
		s.Seen += "; but Magento 1 has no delta log"
		return s, nil
	}
	s.Phase.Phase = config.PhaseDelta
	return s, nil
}

// hasDeltaLog reports whether Magento 1 has a log table of the tool.
func (e *Evidence) hasDeltaLog(ctx context.Context) (bool, error) {
	pattern := database.EscapeLike(e.Magento1.Prefix+"m2_cl_") + "%"
	tables, err := e.Magento1.Column(ctx, "SELECT TABLE_NAME FROM information_schema.TABLES "+
		"WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE ? LIMIT 1", pattern)
	return len(tables) > 0, err
}

// isComplete reports whether migrate:data has ended, by the tool's progress file, else by the number of orders.
func isComplete(ctx context.Context, e *Evidence, orders2 int) (complete bool, how string, byLock bool, err error) {
	if complete, known := lockIsComplete(ctx, e); known {
		how = fmt.Sprintf("the tool's progress file says that all its steps are done: %v", complete)
		return complete, how, true, nil
	}
	complete, how, err = hasAllOrders(ctx, e, orders2)
	return complete, how, false, err
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
		return true, "the root category was created at " + created1 + " UTC in both databases", nil
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
			return false, "Magento 2 contains none of Magento 1's data", nil
		}
		seen = fmt.Sprintf("%s has the ids %s in both systems", t.magento2, range2)
	}
	return true, seen, nil
}

// hasAllOrders reports whether Magento 2 has as many orders as Magento 1; orders that wait in the delta log count as
// delivered. Above the cap it compares the highest ids, because the tool copies in the order of the ids.
func hasAllOrders(ctx context.Context, e *Evidence, orders2 int) (complete bool, counts string, err error) {
	const table1, table2 = "sales_flat_order", "sales_order"
	orders1, err := e.Magento1.Count(ctx, table1, "")
	if err != nil {
		return false, "", err
	}
	if orders1 <= finding.CountCap || orders2 <= finding.CountCap {
		text := fmt.Sprintf("Magento 2 has %s of Magento 1's %s orders", finding.Count(orders2), finding.Count(orders1))
		if orders2 >= orders1 {
			return true, text, nil
		}
		logged, err := e.loggedOrders(ctx, 0)
		return orders2+logged >= orders1, text + ", and " + finding.Count(logged) + " wait in the delta log", err
	}
	last1, err := e.Magento1.LastID(ctx, table1)
	if err != nil {
		return false, "", err
	}
	last2, err := e.Magento2.LastID(ctx, table2)
	if err != nil {
		return false, "", err
	}
	text := fmt.Sprintf("the highest order id is %d in Magento 2, %d in Magento 1", last2, last1)
	if last2 >= last1 {
		return true, text, nil
	}
	above, err := e.Magento1.Count(ctx, table1, "entity_id > ?", last2)
	if err != nil {
		return false, "", err
	}
	logged, err := e.loggedOrders(ctx, last2)
	return logged >= above, text + ", and " + finding.Count(logged) + " of those between wait in the delta log", err
}

// loggedOrders counts the orders above an id whose changes wait in the delta log. It is 0 when the log cannot be read:
// the precondition delta_log reports that.
func (e *Evidence) loggedOrders(ctx context.Context, above int64) (int, error) {
	const condition = "processed = 0 AND operation <> 'DELETE' AND entity_id > ?"
	n, err := e.Magento1.Count(ctx, "m2_cl_sales_flat_order", condition, above)
	if database.Number(err) != 0 && database.CauseOf(err) != database.Timeout {
		return 0, nil
	}
	return n, err
}
