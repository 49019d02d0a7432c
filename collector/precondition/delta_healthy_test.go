package precondition_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// sell makes changes in a shop that sells: a new order and customer, a new state of an older order, another product.
func (s *shop) sell(ctx context.Context, n int) error {
	id := 1000 + n
	return s.Server1.Exec(
		ctx,
		"USE "+database.Quote(s.DB1),
		fmt.Sprintf(
			"INSERT INTO sales_flat_order (entity_id, status, increment_id, updated_at) VALUES (%d, 'new', '4%08d', NOW())",
			id,
			id,
		),
		fmt.Sprintf(
			"INSERT INTO customer_entity (entity_id, email, updated_at) VALUES (%d, 'c%[1]d@example.com', NOW())",
			id,
		),
		fmt.Sprintf("UPDATE sales_flat_order SET status = 'complete', updated_at = NOW() WHERE entity_id = %d", id-5),
		fmt.Sprintf(
			"UPDATE catalog_product_entity SET updated_at = FROM_UNIXTIME(1500000000 + %d) WHERE entity_id = 1",
			n,
		),
		fmt.Sprintf("DELETE FROM customer_entity WHERE entity_id = %d", id-50),
	)
}

// TestDeltaLogIsQuietWhileTheShopSells evaluates fifty times while a shop sells and a delta delivers, which are never
// in each other's way: what the tool itself loses between marking and cleaning is not this test's subject.
func TestDeltaLogIsQuietWhileTheShopSells(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t, func(s *shoptest.Shop) { s.Hasty = true })
	s.Want("delta_log", finding.Pass)
	ctx, stop := context.WithCancel(t.Context())
	var turn sync.Mutex
	var both sync.WaitGroup
	defer both.Wait()
	defer stop()
	running := func(what func(context.Context, int) error) {
		both.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				turn.Lock()
				err := what(ctx, n)
				turn.Unlock()
				if err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
				select {
				case <-ctx.Done():
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
	running(s.sell)
	running(func(ctx context.Context, _ int) error {
		if err := s.Deliver(ctx); err != nil {
			return err
		}
		return s.Clean(ctx)
	})
	for range 50 {
		s.later(time.Minute)
		s.WriteRunLog(s.Now(), shoptest.DeltaCycle...)
		s.Want("delta_log", finding.Pass)
		s.Has("delta_backlog", finding.Pass)
	}
	s.WantValue(0, "delta_lost_rows")
}

// TestDeltaCost bounds what both preconditions of the delta add to an evaluation in which everything is to be read: the
// log has rows, rows differ, and rows that were compared before are gone.
func TestDeltaCost(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	// reconciliation looks twice at what differs, and would have the evaluation repeated.
	s.Catalogue = slices.DeleteFunc(s.Catalogue, func(p precondition.Precondition) bool {
		return p.ID == "reconciliation"
	})
	s.Start()
	statements := func() (n int64) {
		for _, id := range []string{"delta_log", "delta_backlog"} {
			n += s.Evaluator.DatabaseCost(id).Statements()
		}
		return n
	}
	for range 3 {
		before := statements()
		s.Want("delta_log", finding.Pass)
		if n := statements() - before; n > deltaStatements || n < 10 {
			t.Errorf("%d statements", n)
		}
		s.On1("UPDATE sales_flat_order SET status = 'x'", "DELETE FROM m2_cl_sales_flat_order",
			"UPDATE customer_entity SET email = CONCAT('x', email)", "DELETE FROM sales_flat_quote LIMIT 1")
	}
}

// deltaStatements is how many statements the delta's preconditions send in an evaluation at most, while nothing waits in
// the log.
const deltaStatements = 19

// TestCutoverCost bounds what the comparison, the numbers and the switch add to an evaluation, in each one and in the
// mean of a round: one evaluation of it reads the schemas again. What they share with the delta's preconditions counts
// as that one's that comes first, so that all are added up.
func TestCutoverCost(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t, func(s *shoptest.Shop) { s.Hasty = true })
	s.Migration.Phase = config.PhaseCutover
	at := s.Now().Add(-time.Hour)
	s.Migration.Cutover = &at
	// A table that is missing costs statements that look for it.
	s.On1("CREATE TABLE log_visitor (visitor_id int PRIMARY KEY, last_visit_at datetime)")
	s.On2("CREATE TABLE sales_shipment LIKE sales_order", "CREATE TABLE sales_creditmemo LIKE sales_order")
	statements := func() (n int64) {
		for _, id := range []string{"delta_log", "delta_backlog", "reconciliation", "increment_ids", "switchover"} {
			n += s.Evaluator.DatabaseCost(id).Statements()
		}
		return n
	}
	for range 3 { // at first all is looked at
		s.Evaluate()
	}
	const round, most, mean = 30, 20, 14
	start := statements()
	for i := range round {
		before := statements()
		s.Evaluate()
		if n := statements() - before; n > deltaStatements+most || n < 15 {
			t.Errorf("evaluation %d: %d statements", i, n)
		}
	}
	if n := statements() - start; n > round*(deltaStatements+mean) {
		t.Errorf("%d statements in %d evaluations", n, round)
	}
}
