package collector

import (
	"testing"

	"magento_migration_exporter/collector/mysqltest"
)

func TestM2InstalledPasses(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "m2_", "shop"} {
		s := newShop(t, func(s *shop) { s.prefix2 = prefix })
		r := s.want("m2_installed", Pass)
		if want := "Magento 2 (2.4.7 or newer, before 2.4.8) is installed since 2025-06-10 14:00:28 UTC"; r.Summary != want {
			t.Errorf("prefix %q: %q, want %q", prefix, r.Summary, want)
		}
		s.wantValue(1749564028, installedTime)
	}
}

func TestM2InstalledExactRelease(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.on2("CREATE TABLE IF NOT EXISTS admin_analytics_usage_version_log (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, last_viewed_in_version varchar(50) NOT NULL)",
		"INSERT INTO admin_analytics_usage_version_log (last_viewed_in_version) VALUES ('2.4.6'), ('2.4.7-p3')")
	s.wantFinding("m2_installed", Pass, "2.4.7-p3", "admin_analytics_usage_version_log")
}

func TestM2InstalledReleaseRanges(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, step := range []struct{ change, want string }{
		{"CREATE TABLE sales_order_status_change_history (id int)", "2.4.8 or newer"},
		{"DROP TABLE sales_order_status_change_history", "2.4.7 or newer, before 2.4.8"},
		{"DELETE FROM patch_list WHERE patch_name LIKE '%CostaRica'", "2.4 or newer, before 2.4.7"},
		{"DROP TABLE jwt_auth_revoked", "2.3 or newer, before 2.4"},
		{"DROP TABLE patch_list", "2.0 or newer, before 2.3"},
	} {
		s.on2(step.change)
		s.wantFinding("m2_installed", Pass, "release is "+step.want)
	}
}

func TestM2InstalledFails(t *testing.T) {
	t.Parallel()
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.exec(s.server2, "DROP DATABASE "+quoted(s.db2), "CREATE DATABASE "+quoted(s.db2))
		s.wantFinding("m2_installed", Fail, "is not installed", "setup:install")
		s.wantAbsent(installedTime)
		s.load(s.server2, s.db2, mysqltest.Magento2(""))
		s.want("m2_installed", Pass)
	})
	t.Run("a Magento 1", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.exec(s.server2, "DROP DATABASE "+quoted(s.db2))
		s.load(s.server2, s.db2, mysqltest.Magento1(""))
		s.wantFinding("m2_installed", Fail, "this is a Magento 1", "swapped")
	})
	t.Run("wrong prefix", func(t *testing.T) {
		t.Parallel()
		s := newShop(t, func(s *shop) { s.prefix2 = "m2_" })
		none := ""
		s.migration.Magento2.Database.TablePrefix = &none
		s.wantFinding("m2_installed", Fail, `under the table prefix ""`, `table_prefix: "m2_"`)
	})
	t.Run("half", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.on2("RENAME TABLE sales_order TO away")
		s.wantFinding("m2_installed", Fail, "half installed", "missing: sales_order")
		s.on2("RENAME TABLE away TO sales_order", "CREATE TABLE kept AS SELECT * FROM patch_list", "DELETE FROM patch_list")
		s.wantFinding("m2_installed", Fail, "half installed", "patch_list has 0 rows")
		s.on2("INSERT INTO patch_list SELECT * FROM kept")
		s.want("m2_installed", Pass)
	})
	t.Run("the same database", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.migration.Magento1.Database = s.migration.Magento2.Database
		s.wantFinding("m2_installed", Fail, "the same database", s.db2)
	})
}
