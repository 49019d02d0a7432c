package report

import (
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
)

// TestCausesFirst counts a network that fails in one migration, and what is unknown in two.
func TestCausesFirst(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	of := func(id string, s finding.Status) PreconditionReadiness {
		return PreconditionReadiness{ID: id, Status: s, EvaluatedAt: &at}
	}
	migrations := []*MigrationReadiness{
		{Preconditions: []PreconditionReadiness{of("network", finding.Fail), of("topology", finding.Unknown)}},
		{Preconditions: []PreconditionReadiness{of("network", finding.Pass), of("topology", finding.Unknown)}},
	}
	got := causes(migrations, precondition.All())
	if len(got) != 2 || got[0].Title != "Network access" || got[1].Title != "Topology" || got[1].Unknown != 2 {
		t.Errorf("%+v", got)
	}
}
