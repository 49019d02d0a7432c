package collector

import (
	"testing"

	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config"
)

func (s *shop) wantPhase(want config.Phase) {
	s.t.Helper()
	if got := s.evaluate().Phase; got != want {
		s.t.Errorf("phase %q, want %q", got, want)
	}
	for _, p := range []config.Phase{config.PhasePrepare, config.PhaseMigrate, config.PhaseDelta, config.PhaseCutover} {
		if want == "" {
			s.wantAbsent(phaseState, string(p))
			continue
		}
		s.wantValue(boolValue(p == want), phaseState, string(p))
	}
}

func TestPhaseFromTheDatabases(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shop) { s.server2, s.prefix1, s.prefix2 = s.server1, "mage_", "m2_" })
	s.wantPhase(config.PhasePrepare)
	s.on2("INSERT INTO m2_sales_order (increment_id) VALUES ('1')")
	s.wantPhase(config.PhasePrepare)
	s.on2("DELETE FROM m2_sales_order")
	if err := mysqltest.SimulateMigrateData(t.Context(), s.server1, s.db1, s.db2, s.prefix1, s.prefix2); err != nil {
		t.Fatal(err)
	}
	s.wantPhase(config.PhaseDelta)
	s.on2("DELETE FROM m2_sales_order ORDER BY entity_id DESC LIMIT 1")
	s.wantPhase(config.PhaseMigrate)
	// The root category can be older than Magento 1's time column: then the ids tell.
	s.on1("UPDATE mage_catalog_category_entity SET created_at = '2001-01-01' WHERE entity_id = 1")
	s.wantPhase(config.PhasePrepare)
	s.on1("DELETE FROM mage_sales_flat_order ORDER BY entity_id DESC LIMIT 1")
	s.wantPhase(config.PhaseDelta)
}

func TestPhaseIsNotGuessed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	host := s.migration.Magento1.Database.Host
	s.migration.Magento1.Database.Host = "no-such-host.invalid"
	s.wantPhase("")
	s.migration.Phase = config.PhaseCutover
	s.wantPhase(config.PhaseCutover)
	s.migration.Phase, s.migration.Magento1.Database.Host = config.PhaseAuto, host
	s.wantPhase(config.PhasePrepare)
}

func TestPhaseFromTheProgressFile(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shop) { s.server2 = s.server1 })
	_, root2 := s.withRoots()
	const path = "var/migration-tool-progress.lock"
	const done = `{"Migration\\Step\\Map\\Data":{"data migration":{"result":true}}}`
	writeUnder(t, root2, path, done)
	s.wantPhase(config.PhasePrepare)
	if err := mysqltest.SimulateMigrateData(t.Context(), s.server1, s.db1, s.db2, "", ""); err != nil {
		t.Fatal(err)
	}
	s.wantPhase(config.PhaseDelta)
	writeUnder(t, root2, path, `{"Migration\\Step\\Map\\Data":{"data migration":{"run":{"process":["a"]}}}}`)
	s.wantPhase(config.PhaseMigrate)
	writeUnder(t, root2, path, "")
	s.wantPhase(config.PhaseDelta)
}
