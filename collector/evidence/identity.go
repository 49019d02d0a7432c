package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
)

// Identity is which Magento a database holds under a system's table prefix.
type Identity struct {
	// Magento1 and Magento2 report whether the tables that only that one has are there.
	Magento1, Magento2 bool
	// OtherPrefixes are those under which there is a Magento of the system's kind, where the configured prefix has
	// none: at most five.
	OtherPrefixes []string
}

// Identify looks at the names of the tables alone.
func (s *System) Identify(ctx context.Context) (Identity, error) {
	registries := []string{"core_resource", "core_store", "setup_module", "store"}
	var names []any
	for _, table := range registries {
		names = append(names, s.Prefix+table)
	}
	found, err := s.Column(ctx, "SELECT TABLE_NAME FROM information_schema.TABLES "+
		"WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ("+Parameters(len(names))+")", names...)
	if err != nil {
		return Identity{}, err
	}
	has := func(table string) bool { return slices.Contains(found, s.Prefix+table) }
	i := Identity{Magento1: has("core_resource") && has("core_store"), Magento2: has("setup_module") && has("store")}
	if !i.Magento1 && !i.Magento2 {
		i.OtherPrefixes, err = s.prefixes(ctx)
	}
	return i, err
}

// prefixes returns under which prefixes the registry of the system's modules is.
func (s *System) prefixes(ctx context.Context) ([]string, error) {
	suffix := s.Name.Registry()
	found, err := s.Column(ctx, "SELECT TABLE_NAME FROM information_schema.TABLES "+
		"WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE ? ORDER BY CHAR_LENGTH(TABLE_NAME), TABLE_NAME LIMIT 5",
		"%"+database.EscapeLike(suffix))
	for i := range found {
		found[i] = strings.TrimSuffix(found[i], suffix)
	}
	return found, err
}

// UnderPrefix says where tables are looked for.
func UnderPrefix(prefix string) string {
	if prefix == "" {
		return "without a table prefix"
	}
	return fmt.Sprintf("under the table prefix %q", prefix)
}
