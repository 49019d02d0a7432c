package evidence_test

import (
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

func (s *shop) wantPhase(want config.Phase) {
	s.T.Helper()
	if got := s.Evaluate().Phase; got != want {
		s.T.Errorf("phase %q, want %q", got, want)
	}
	for _, p := range config.Phases() {
		if want == "" {
			s.WantAbsent("phase", string(p))
			continue
		}
		s.WantValue(finding.Bool(p == want), "phase", string(p))
	}
}

func TestPhaseFromTheDatabases(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shoptest.Shop) {
		s.Server2, s.Prefix1, s.Prefix2, s.Hasty = s.Server1, "mage_", "m2_", true
	})
	s.wantPhase(config.PhasePrepare)
	s.On2("INSERT INTO m2_sales_order (increment_id) VALUES ('1')")
	s.wantPhase(config.PhasePrepare)
	s.On2("DELETE FROM m2_sales_order")
	if err := mysqltest.SimulateMigrateData(t.Context(), s.Server1, s.DB1, s.DB2, s.Prefix1, s.Prefix2); err != nil {
		t.Fatal(err)
	}
	s.wantPhase(config.PhaseDelta)
	s.On2("DELETE FROM m2_sales_order ORDER BY entity_id DESC LIMIT 1")
	s.wantPhase(config.PhaseDelta) // seen once
	s.wantPhase(config.PhaseMigrate)
	// The root category can be older than Magento 1's time column: then the ids tell.
	s.On1("UPDATE mage_catalog_category_entity SET created_at = '2001-01-01' WHERE entity_id = 1")
	s.Evaluate() // seen once
	s.wantPhase(config.PhasePrepare)
	s.On1("DELETE FROM mage_sales_flat_order ORDER BY entity_id DESC LIMIT 1")
	s.wantPhase(config.PhaseDelta)
}

func TestPhaseIsNotGuessed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	host := s.Migration.Magento1.Database.Host
	s.Migration.Magento1.Database.Host = "no-such-host.invalid"
	s.wantPhase("")
	s.Migration.Phase = config.PhaseCutover
	s.wantPhase(config.PhaseCutover)
	s.Migration.Phase, s.Migration.Magento1.Database.Host = config.PhaseAuto, host
	s.wantPhase(config.PhasePrepare)
}

func TestPhaseFromTheProgressFile(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = s.Server1 })
	_, root2 := s.WithRoots()
	const path = "var/migration-tool-progress.lock"
	const done = `{"Migration\\Step\\Map\\Data":{"data migration":{"result":true}}}`
	shoptest.WriteUnder(t, root2, path, done)
	s.wantPhase(config.PhasePrepare)
	if err := mysqltest.SimulateMigrateData(t.Context(), s.Server1, s.DB1, s.DB2, "", ""); err != nil {
		t.Fatal(err)
	}
	s.wantPhase(config.PhaseDelta)
	shoptest.WriteUnder(t, root2, path, `{"Migration\\Step\\Map\\Data":{"data migration":{"run":{"process":["a"]}}}}`)
	s.Evaluate() // seen once
	s.wantPhase(config.PhaseMigrate)
	shoptest.WriteUnder(t, root2, path, "")
	s.wantPhase(config.PhaseDelta)
}

// TestPhaseDoesNotFlap places orders in Magento 1 without the tool's progress file: they wait in the delta log.
func TestPhaseDoesNotFlap(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = s.Server1 })
	if err := mysqltest.SimulateMigrateData(t.Context(), s.Server1, s.DB1, s.DB2, "", ""); err != nil {
		t.Fatal(err)
	}
	s.On1("INSERT INTO sales_flat_order (increment_id) VALUES ('100000099')")
	s.wantPhase(config.PhaseDelta)
	// The log loses it: that is for delta_log to say.
	s.On1("TRUNCATE m2_cl_sales_flat_order")
	for range 3 {
		s.wantPhase(config.PhaseDelta)
	}
	s.Start() // a new process has not seen the phase before
	s.wantPhase(config.PhaseMigrate)
}

func TestDeltaNeedsALog(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = s.Server1 })
	if err := mysqltest.SimulateMigrateData(t.Context(), s.Server1, s.DB1, s.DB2, "", ""); err != nil {
		t.Fatal(err)
	}
	if err := mysqltest.DropDeltaLog(t.Context(), s.Server1, s.DB1, ""); err != nil {
		t.Fatal(err)
	}
	s.wantPhase(config.PhaseMigrate)
}
