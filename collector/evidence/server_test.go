package evidence_test

import (
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/report"
)

func TestReadinessNamesTheServers(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Evaluate()
	state := s.Board.Snapshot()[0]
	doc := report.NewReadiness("1", s.Board.Snapshot(), time.Now())
	got := doc.Migrations[0].Servers
	if len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	for i, want := range []evidence.Server{
		{System: "magento1", Database: s.DB1, Account: s.User + "@%"},
		{System: "magento2", Database: s.DB2, Account: s.User + "@%"},
	} {
		if got[i].System != want.System || got[i].Database != want.Database || got[i].Account != want.Account ||
			!strings.HasPrefix(got[i].Address, "127.0.0.1:") || !strings.HasPrefix(got[i].Version, "MariaDB ") {
			t.Errorf("got %+v, want %+v", got[i], want)
		}
	}
	if doc.Migrations[0].PhaseReason == "" || len(doc.Migrations[0].Preconditions[0].History) != 1 {
		t.Errorf("%+v", state)
	}
}

func TestReadinessOfServersThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Migration.Magento1.Database.Host, s.Migration.Magento1.Database.Port = "127.0.0.1", 1
	s.Migration.Magento2.Database.Name = ""
	s.Evaluate()
	doc := report.NewReadiness("1", s.Board.Snapshot(), time.Now())
	want := evidence.Server{System: "magento1", Address: "127.0.0.1:1", Database: s.DB1, Account: s.User}
	if got := doc.Migrations[0].Servers; len(got) != 1 || got[0] != want {
		t.Errorf("got %+v", got)
	}
	if doc.Migrations[0].Phase != "" || doc.Migrations[0].PhaseReason == "" {
		t.Errorf("%+v", doc.Migrations[0])
	}
}
