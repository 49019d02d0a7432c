package precondition_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

func TestMigrationRunOfAnUntouchedPair(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.WithRoots()
	s.Want("migration_run", finding.Pass)
	for _, system := range []string{"magento1", "magento2"} {
		if bytes, ok := s.Value("max_allowed_packet_bytes", system); !ok || bytes < 1<<20 {
			t.Errorf("%s: %v (%v)", system, bytes, ok)
		}
	}
	s.Migration.Magento2.Database = config.Database{}
	s.Migration.MigrationTool = config.MigrationTool{}
	s.Want("migration_run", finding.Unknown)
	s.WantAbsent("max_allowed_packet_bytes", "magento1")
}

func TestMigrationRunSettings(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "exporter.yml")
	load := func(section string) (*config.Config, error) {
		text := "migrations:\n- name: acme\n  preconditions:\n    migration_run: " + section + "\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return config.Load(path, precondition.All().Sections())
	}
	for _, good := range []string{"{memory_limit: 2G, log: run.log}", "{memory_limit: -1}", "{severity: fail}"} {
		if _, err := load(good); err != nil {
			t.Error(err)
		}
	}
	_, err := load("{memory_limit: much}")
	if err == nil || !strings.Contains(err.Error(), "exporter.yml:4:") || !strings.Contains(err.Error(), "2G") {
		t.Error(err)
	}
}
