package evidence

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/config/envphp"
)

// Magento1Tables returns tables that only Magento 1 has; most of its tables exist in both.
func Magento1Tables() []string { return []string{"core_resource", "core_store", "sales_flat_order"} }

// Magento2Tables returns tables that a complete installation of Magento 2 has.
func Magento2Tables() []string {
	return []string{
		"setup_module", "store", "store_website", "store_group", "core_config_data", "eav_attribute", "eav_entity_type",
		"catalog_product_entity", "catalog_category_entity", "customer_entity", "sales_order", "cron_schedule",
		"admin_user", "url_rewrite",
	}
}

// PresentTables returns which of the tables that identify Magento 1, Magento 2 and its release exist in Magento 2's
// database, without the prefix.
func (e *Evidence) PresentTables(ctx context.Context) (map[string]bool, error) {
	names := slices.Concat(Magento1Tables(), Magento2Tables(),
		[]string{"patch_list", "admin_analytics_usage_version_log"})
	fingerprints, err := e.fingerprints()
	if err != nil {
		return nil, err
	}
	for _, f := range fingerprints {
		if f.Table != "" {
			names = append(names, f.Table)
		}
	}
	m2 := e.Magento2
	var args []any
	for _, n := range names {
		args = append(args, m2.Prefix+n)
	}
	found, err := m2.Column(
		ctx,
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ("+
			database.Parameters(len(args))+")",
		args...)
	present := map[string]bool{}
	for _, name := range found {
		present[strings.TrimPrefix(name, m2.Prefix)] = true
	}
	return present, err
}

// Installed is when Magento 2 was installed: the date in env.php, else the creation of the first admin account, the
// only trace in the database that the tool does not change. It is zero when neither is known.
func (e *Evidence) Installed(ctx context.Context) (time.Time, error) {
	if env, err := e.Files.Env(); err == nil && env.InstallDate.State == envphp.Known {
		return env.InstallDate.Value.UTC(), nil
	}
	var at sql.NullInt64
	query := "SELECT UNIX_TIMESTAMP(MIN(created)) FROM " + e.Magento2.Table("admin_user")
	err := e.Magento2.Session.Row(ctx, query, nil, &at)
	if err != nil || at.Int64 <= 0 {
		return time.Time{}, err
	}
	return time.Unix(at.Int64, 0).UTC(), nil
}
