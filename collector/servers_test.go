package collector

import (
	"strings"
	"testing"
	"time"
)

func TestReadinessNamesTheServers(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.evaluate()
	state := s.board.Snapshot()[0]
	doc := NewReadiness("1", s.board.Snapshot(), time.Now())
	got := doc.Migrations[0].Servers
	if len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	for i, want := range []Server{
		{System: "magento1", Database: s.db1, Account: s.user + "@%"},
		{System: "magento2", Database: s.db2, Account: s.user + "@%"},
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
	s.migration.Magento1.Database.Host, s.migration.Magento1.Database.Port = "127.0.0.1", 1
	s.migration.Magento2.Database.Name = ""
	s.evaluate()
	doc := NewReadiness("1", s.board.Snapshot(), time.Now())
	want := Server{System: "magento1", Address: "127.0.0.1:1", Database: s.db1, Account: s.user}
	if got := doc.Migrations[0].Servers; len(got) != 1 || got[0] != want {
		t.Errorf("got %+v", got)
	}
	if doc.Migrations[0].Phase != "" || doc.Migrations[0].PhaseReason == "" {
		t.Errorf("%+v", doc.Migrations[0])
	}
}
