package evidence

import (
	"context"
	"fmt"

	"magento_migration_exporter/collector/database"
)

// Setting is a row of core_config_data.
type Setting struct {
	Scope       string
	ScopeID     int64
	Path, Value string
}

// The settings of a shop's addresses.
const (
	UnsecureURL = "web/unsecure/base_url"
	SecureURL   = "web/secure/base_url"
	HTTPSShop   = "web/secure/use_in_frontend"
)

const (
	// searchPaths is what the paths of all settings of the search engine begin with.
	searchPaths = "catalog/search/"
	// maxSettings caps how many rows of core_config_data are looked at.
	maxSettings = 5000
)

// settingsQuery reads what is looked at, the search engine first; encrypted values begin with the number of their key
// and their cipher.
const settingsQuery = "SELECT scope, scope_id, path, COALESCE(value, '') FROM %s WHERE path LIKE ? " +
	"OR path IN (?, ?, ?) OR value LIKE '_:3:%%' ORDER BY path LIKE ? DESC, config_id LIMIT %d"

// Settings returns the settings that any precondition looks at: addresses, the search engine, and what is encrypted.
// They are read once an evaluation.
func (s *System) Settings(ctx context.Context) ([]Setting, error) {
	s.settingsOnce.Do(func() {
		search := database.EscapeLike(searchPaths) + "%"
		args := []any{search, UnsecureURL, SecureURL, HTTPSShop, search}
		query := fmt.Sprintf(settingsQuery, s.Table("core_config_data"), maxSettings)
		s.settingsErr = s.Session.Rows(ctx, query, args, func(scan func(...any) error) error {
			var one Setting
			err := scan(&one.Scope, &one.ScopeID, &one.Path, &one.Value)
			s.settings = append(s.settings, one)
			return err
		})
	})
	return s.settings, s.settingsErr
}
