package evidence

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/requirements"
	"magento_migration_exporter/collector/service"
)

// SearchEndpoint reads the search engine's address from the configuration in Magento 2's database. It is empty for
// Magento's own search in MySQL, the default when no engine is configured.
func (e *Evidence) SearchEndpoint(ctx context.Context) (string, error) {
	m2 := e.Magento2
	if m2.Err != nil {
		return "", m2.Err
	}
	settings := map[string]string{}
	query := "SELECT path, COALESCE(value, '') FROM " + m2.Table("core_config_data") +
		" WHERE scope = 'default' AND path LIKE ? ORDER BY path LIMIT 100"
	args := []any{database.EscapeLike("catalog/search/") + "%"}
	err := m2.Session.Rows(ctx, query, args, func(scan func(...any) error) error {
		var path, value string
		err := scan(&path, &value)
		settings[strings.TrimPrefix(path, "catalog/search/")] = value
		return err
	})
	if err != nil {
		return "", err
	}
	if settings["engine"] == "" {
		if settings["engine"], err = e.defaultEngine(ctx, onlyHost(settings)); err != nil {
			return "", err
		}
	}
	return service.SearchEndpoint(settings)
}

// defaultEngine is the engine when core_config_data has none: that in the config.xml of Magento's own modules. Up to
// 2.3 it is mysql, from 2.4.0 to 2.4.5 elasticsearch7, and from 2.4.6 on opensearch when Magento_OpenSearch is enabled,
// whose config.xml is read after that of Magento_Elasticsearch7. Where release or modules leave it open, it is the only
// engine that has a host in core_config_data; "" where there is none.
func (e *Evidence) defaultEngine(ctx context.Context, onlyHost string) (string, error) {
	release, err := e.Release(ctx)
	if err != nil {
		return "", err
	}
	since, before := release.Limits()
	open := before == requirements.Release{}
	first24, first246 := requirements.Release{Major: 2, Minor: 4}, requirements.Release{Major: 2, Minor: 4, Patch: 6}
	switch {
	case !open && before.Compare(first24) <= 0:
		return "mysql", nil
	case since.Compare(first24) >= 0 && !open && before.Compare(first246) <= 0:
		return "elasticsearch7", nil
	case since.Compare(first246) < 0 && onlyHost != "":
		return onlyHost, nil
	case since.Compare(first246) < 0:
		return "", fmt.Errorf("core_config_data has no search engine, and the default depends on Magento 2's exact "+
			"release; known is only: %s", release)
	}
	modules, err := e.Files.ConfigPHP()
	if err != nil {
		return cmp.Or(onlyHost, "opensearch"), nil // as installed
	}
	if enabled, known := modules.Enabled("Magento_OpenSearch"); known && !enabled {
		return "elasticsearch7", nil
	}
	return "opensearch", nil
}

// onlyHost is the only engine that has a host in core_config_data; "" where there is none, or more than one.
func onlyHost(settings map[string]string) string {
	only := ""
	for path, value := range settings {
		engine, ok := strings.CutSuffix(path, "_server_hostname")
		switch {
		case !ok || value == "":
		case only != "":
			return ""
		default:
			only = engine
		}
	}
	return only
}
