package evidence

import (
	"context"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/service"
)

// SearchEndpoint reads the search engine's address from the configuration in Magento 2's database. It is empty for
// Magento's own search in MySQL, which is the default where no engine is named.
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
	return service.SearchEndpoint(settings)
}
