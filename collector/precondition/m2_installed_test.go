package precondition_test

import (
	"testing"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/shoptest"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
)

func TestM2InstalledPasses(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "m2_", "shop"} {
		s := newShop(t, func(s *shoptest.Shop) { s.Prefix2 = prefix })
		r := s.Want("m2_installed", finding.Pass)
		if want := "Magento 2 (2.4.7 or newer, before 2.4.8) is installed since 2025-06-10 14:00:28 UTC"; r.Summary != want {
			t.Errorf("prefix %q: %q, want %q", prefix, r.Summary, want)
		}
		s.WantValue(1749564028, "m2_installed_timestamp_seconds")
	}
}

func TestM2InstalledExactRelease(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.On2(
		"CREATE TABLE IF NOT EXISTS admin_analytics_usage_version_log (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, last_viewed_in_version varchar(50) NOT NULL)",
		"INSERT INTO admin_analytics_usage_version_log (last_viewed_in_version) VALUES ('2.4.6'), ('2.4.7-p3')",
	)
	s.WantFinding("m2_installed", finding.Pass, "2.4.7-p3", "admin_analytics_usage_version_log")
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
		s.On2(step.change)
		s.WantFinding("m2_installed", finding.Pass, "release is "+step.want)
	}
}

func TestM2InstalledFails(t *testing.T) {
	t.Parallel()
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.Exec(s.Server2, "DROP DATABASE "+database.Quote(s.DB2), "CREATE DATABASE "+database.Quote(s.DB2))
		s.WantFinding("m2_installed", finding.Fail, "is not installed", "setup:install")
		s.WantAbsent("m2_installed_timestamp_seconds")
		s.Load(s.Server2, s.DB2, mysqltest.Magento2(""))
		s.Want("m2_installed", finding.Pass)
	})
	t.Run("a Magento 1", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.Exec(s.Server2, "DROP DATABASE "+database.Quote(s.DB2))
		s.Load(s.Server2, s.DB2, mysqltest.Magento1(""))
		s.WantFinding("m2_installed", finding.Fail, "this is a Magento 1", "swapped")
	})
	t.Run("wrong prefix", func(t *testing.T) {
		t.Parallel()
		s := newShop(t, func(s *shoptest.Shop) { s.Prefix2 = "m2_" })
		none := ""
		s.Migration.Magento2.Database.TablePrefix = &none
		s.WantFinding("m2_installed", finding.Fail, `without a table prefix`, `table_prefix: "m2_"`)
	})
	t.Run("half", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.On2("RENAME TABLE sales_order TO away")
		s.WantFinding("m2_installed", finding.Fail, "half installed", "missing: sales_order")
		s.On2(
			"RENAME TABLE away TO sales_order",
			"CREATE TABLE kept AS SELECT * FROM patch_list",
			"DELETE FROM patch_list",
		)
		s.WantFinding("m2_installed", finding.Fail, "half installed", "patch_list has 0 rows")
		s.On2("INSERT INTO patch_list SELECT * FROM kept")
		s.Want("m2_installed", finding.Pass)
	})
	t.Run("the same database", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.Migration.Magento1.Database = s.Migration.Magento2.Database
		s.WantFinding("m2_installed", finding.Fail, "the same database", s.DB2)
	})
}
