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
		if want := "Magento 2 (2.4.7 or newer, before 2.4.8) has been installed since 2025-06-10 14:00:28 UTC"; r.Summary != want {
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
		{"DELETE FROM patch_list WHERE patch_name LIKE '%CostaRica'", "2.4.7 or newer, before 2.4.8"},
		{"DELETE FROM patch_list WHERE patch_name LIKE '%Ukraine'", "2.4.4 or newer, before 2.4.7"},
		{"DROP TABLE jwt_auth_revoked", "2.4 or newer, before 2.4.4"},
		{"DROP TABLE admin_user_expiration", "2.4 or newer, before 2.4.4"},
		{"DROP TABLE login_as_customer", "2.3 or newer, before 2.4"},
		{"DROP TABLE patch_list", "2.0 or newer, before 2.3"},
		{"INSERT INTO setup_module VALUES ('Magento_Catalog', '2.2.6', '2.2.6')", "2.2 or newer, before 2.3"},
		{
			"UPDATE setup_module SET schema_version = '2.1.4' WHERE module = 'Magento_Catalog'",
			"2.1 or newer, before 2.2",
		},
		{
			"UPDATE setup_module SET schema_version = '2.0.4' WHERE module = 'Magento_Catalog'",
			"2.0 or newer, before 2.1",
		},
		{"UPDATE setup_module SET schema_version = '2.0.7' WHERE module = 'Magento_Catalog'", "2.0 or newer, before 2.1"},
		{"INSERT INTO setup_module VALUES ('Magento_Vault', '2.0.0', '2.0.0')", "2.1 or newer, before 2.2"},
		{"UPDATE setup_module SET schema_version = '2.1.3' WHERE module = 'Magento_Catalog'", "2.1 or newer, before 2.2"},
		{"UPDATE setup_module SET schema_version = '2.2.3' WHERE module = 'Magento_Catalog'", "2.2 or newer, before 2.3"},
		{"UPDATE setup_module SET schema_version = '102.0.0' WHERE module = 'Magento_Catalog'", "2.0 or newer, before 2.3"},
		{"UPDATE setup_module SET schema_version = NULL WHERE module = 'Magento_Catalog'", "2.0 or newer, before 2.3"},
	} {
		s.On2(step.change)
		s.WantFinding("m2_installed", finding.Pass, "release is "+step.want)
	}
}

// TestM2InstalledStaleRelease has the row of the first login, which Magento never writes again, of an older release
// than the tables.
func TestM2InstalledStaleRelease(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.On2("INSERT INTO admin_analytics_usage_version_log (last_viewed_in_version) VALUES ('2.4.0')")
	s.WantFinding("m2_installed", finding.Pass, "release is 2.4.7 or newer, before 2.4.8", "still has 2.4.0")
	for noted, want := range map[string]string{
		"2.4.7-p3": "release is 2.4.7-p3", "2.4.9": "release is 2.4.7 or newer, before 2.4.8", "dev-main": "release is 2.4.7 or newer",
	} {
		s.On2("UPDATE admin_analytics_usage_version_log SET last_viewed_in_version = '" + noted + "'")
		s.WantFinding("m2_installed", finding.Pass, want)
	}
}

func TestM2InstalledFilesOfAnotherRelease(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	files := func(release string) {
		shoptest.WriteUnder(t, root2, "composer.lock",
			shoptest.ComposerLock(map[string]string{"magento/product-community-edition": release}))
	}
	s.Want("m2_installed", finding.Pass)
	files("2.4.6-p3")
	s.WantFinding("m2_installed", finding.Fail, "newer release than its files", "2.4.6-p3", "AddDataFor",
		"magento2.root")
	files("2.4.8")
	s.WantFinding("m2_installed", finding.Warn, "seems to be of an older release", "2.4.8", "setup:upgrade")
	s.On2("DROP TABLE patch_list", "INSERT INTO setup_module VALUES ('Magento_Catalog', '2.2.6', '2.2.6')")
	s.WantFinding("m2_installed", finding.Fail, "is of an older release", "2.4.8", "Magento_Catalog 2.2.6",
		"setup:upgrade")
	files("2.2.8")
	s.Want("m2_installed", finding.Pass)
	files("dev-main")
	s.WantFinding("m2_installed", finding.Pass, "release is 2.2 or newer, before 2.3")
}

// TestM2InstalledDatabaseOfAnotherRelease has databases that the files' release did not make, with traces of each kind.
func TestM2InstalledDatabaseOfAnotherRelease(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	const table = "admin_analytics_usage_version_log"
	const newer, older, recorded = "is of a newer release", "be of an older release", "used Magento 2's database with a newer"
	for _, step := range []struct {
		change, files string
		status        finding.Status
		words         string
	}{
		{"INSERT INTO " + table + " (last_viewed_in_version) VALUES ('2.4.7-p3')", "2.4.7-p3", finding.Pass, "2.4.7-p3"},
		{"", "2.4.7-p1", finding.Warn, recorded},
		{"", "2.4.7", finding.Warn, recorded},
		{"", "2.4.7-p5", finding.Pass, "2.4.7-p5"},
		{"", "2.4.6-p9", finding.Fail, newer},
		{"", "2.3.7-p4", finding.Fail, newer},
		{"", "2.4.9", finding.Warn, older},
		{"DELETE FROM " + table, "2.4.7", finding.Pass, "2.4.7"},
		{"CREATE TABLE sales_order_status_change_history (id int)", "2.4.7-p3", finding.Fail, newer},
		{"", "2.4.8-p2", finding.Pass, "2.4.8-p2"},
		{"DROP TABLE sales_order_status_change_history", "2.4.8", finding.Warn, older},
		{"DELETE FROM patch_list WHERE patch_name LIKE '%AddDataFor%'", "2.4.7", finding.Warn, older},
		{"", "2.4.5-p1", finding.Pass, "2.4.5-p1"},
		{"", "2.4.3", finding.Fail, newer},
		{"DROP TABLE jwt_auth_revoked", "2.4.4", finding.Warn, older},
		{"", "2.4.0", finding.Pass, "2.4.0"},
		{"", "2.3.5-p1", finding.Fail, newer},
		{"DROP TABLE admin_user_expiration, login_as_customer", "2.4.0", finding.Warn, older},
		{"", "2.3.0", finding.Pass, "2.3.0"},
		{"", "2.2.11", finding.Fail, newer},
		{"DROP TABLE patch_list", "2.2.11", finding.Pass, "2.2.11"}, // nothing says more
		{"INSERT INTO setup_module VALUES ('Magento_Catalog', '2.2.3', '2.2.3')", "2.2.2", finding.Pass, "2.2.2"},
		{"", "2.2.9", finding.Fail, "is of an older release"},
		{"", "2.1.18", finding.Fail, newer},
		{"UPDATE setup_module SET schema_version = '2.2.6' WHERE module = 'Magento_Catalog'", "2.2.9", finding.Pass, "2.2.9"},
		{"", "2.2.5", finding.Fail, newer},
		{"", "2.3.0", finding.Fail, "is of an older release"},
		{"UPDATE setup_module SET schema_version = '2.1.4' WHERE module = 'Magento_Catalog'", "2.1.18", finding.Pass, "2.1.18"},
		{"", "2.1.7", finding.Fail, newer},
		{"", "2.2.0", finding.Fail, "is of an older release"},
	} {
		if step.change != "" {
			s.On2(step.change)
		}
		shoptest.WriteUnder(t, root2, "composer.lock",
			shoptest.ComposerLock(map[string]string{"magento/product-community-edition": step.files}))
		s.WantFinding("m2_installed", step.status, step.words)
	}
}

// TestM2InstalledCheckoutWithoutALock has Magento's own composer.json, and no composer.lock.
func TestM2InstalledCheckoutWithoutALock(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	shoptest.WriteUnder(t, root2, "composer.lock", "")
	s.WantFinding("m2_installed", finding.Pass, "release is 2.4.7 or newer, before 2.4.8")
	shoptest.WriteUnder(t, root2, "composer.json", `{"name": "magento/magento2ce", "version": "2.4.7-p3"}`)
	s.WantFinding("m2_installed", finding.Pass, "release is 2.4.7-p3", "composer.json: magento/magento2ce")
	shoptest.WriteUnder(t, root2, "composer.json", `{"name": "magento/magento2ce", "version": "2.4.6"}`)
	s.WantFinding(
		"m2_installed",
		finding.Fail,
		"newer release than its files",
		"composer.json: magento/magento2ce 2.4.6",
	)
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
	t.Run("two prefixes", func(t *testing.T) {
		t.Parallel()
		s := newShop(t, func(s *shoptest.Shop) { s.Prefix2 = "b_" })
		none := ""
		s.Migration.Magento2.Database.TablePrefix = &none
		s.On2("CREATE TABLE a_setup_module LIKE b_setup_module", "CREATE TABLE setup_module_old LIKE b_setup_module",
			"CREATE TABLE c_setup_module LIKE b_setup_module", "CREATE TABLE c_store LIKE b_store")
		s.WantFinding(
			"m2_installed",
			finding.Fail,
			`there is one with "b_", "c_"`,
			`table_prefix: "b_" or "c_"`,
			"whichever",
		)
	})
	t.Run("a Magento 1 with a prefix", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.Exec(s.Server2, "DROP DATABASE "+database.Quote(s.DB2))
		s.Load(s.Server2, s.DB2, mysqltest.Magento1("mage_"))
		s.WantFinding("m2_installed", finding.Fail, "this is a Magento 1", `a Magento 1 with "mage_"`, "swapped")
	})
	t.Run("half", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.On2("RENAME TABLE sales_order TO away")
		s.WantFinding("m2_installed", finding.Fail, "half installed", "missing: sales_order")
		s.On2("RENAME TABLE away TO sales_order", "CREATE TABLE kept AS SELECT * FROM patch_list",
			"DELETE FROM patch_list")
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
