package collector_test

import (
	"fmt"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
)

// TestManyRows has more products, orders and rewrites than are counted.
func TestManyRows(t *testing.T) {
	t.Parallel()
	countManyRows(t, 30_000)
}

func TestSoakMillionsOfRows(t *testing.T) {
	soaks(t)
	countManyRows(t, 2_000_000)
}

func countManyRows(t *testing.T, products int) {
	t.Helper()
	server := mysqltest.New(
		t,
		mysqltest.Options{Args: []string{"--innodb-buffer-pool-size=512M", "--innodb-log-file-size=256M"}},
	)
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = server })
	began := time.Now()
	s.On2(
		"SET unique_checks=0, foreign_key_checks=0",
		fmt.Sprintf(
			"INSERT INTO catalog_product_entity (attribute_set_id, sku) SELECT 4, CONCAT('sku-', LPAD(seq, 8, '0')) FROM seq_1_to_%d",
			products,
		),
		"INSERT INTO sales_order (increment_id) SELECT LPAD(seq, 9, '0') FROM seq_1_to_30000",
		"INSERT INTO url_rewrite (entity_type, entity_id, request_path, target_path, store_id) SELECT 'product', seq, CONCAT('p-', seq), 'x', 1 FROM seq_1_to_30000",
	)
	t.Logf("made %d products in %s", products, time.Since(began))
	s.WantFinding("m2_entities", finding.Warn, "more than 10000 new products")
	for range 3 {
		cost := s.Evaluator.DatabaseCost("m2_entities").Spent()
		began := time.Now()
		s.Want("m2_entities", finding.Warn)
		t.Logf(
			"m2_entities took %s of the database, the evaluation %s",
			s.Evaluator.DatabaseCost("m2_entities").Spent()-cost,
			time.Since(began),
		)
	}
	s.WantValue(10001, "m2_entity_count", "product")
	s.WantValue(10001, "m2_new_entities", "url_rewrite")
}
