package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
)

// Identity is which Magento a database contains with a system's table prefix.
type Identity struct {
	// Magento1 and Magento2 report whether the tables exist that only this one has.
	Magento1, Magento2 bool
	// OtherPrefixes are other prefixes with a Magento of the system's kind, at most five. They are only searched when
	// the configured prefix has no Magento.
	OtherPrefixes []string
}

// Others lists the other prefixes for people; that there is none is one of them.
func (i Identity) Others() string {
	var texts []string
	for _, prefix := range i.OtherPrefixes {
		if prefix == "" {
			texts = append(texts, "no prefix")
			continue
		}
		texts = append(texts, fmt.Sprintf("%q", prefix))
	}
	return strings.Join(texts, ", ")
}

// Identify looks only at the names of the tables.
func (s *System) Identify(ctx context.Context) (Identity, error) {
	registries := []string{"core_resource", "core_store", "setup_module", "store"}
	var names []any
	for _, table := range registries {
		names = append(names, s.Prefix+table)
	}
	found, err := s.Column(ctx, "SELECT TABLE_NAME FROM information_schema.TABLES "+
		"WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ("+database.Parameters(len(names))+")", names...)
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

// prefixes returns the prefixes with which the registry of the system's modules exists.
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

// WithPrefix says which tables were searched.
func WithPrefix(prefix string) string {
	if prefix == "" {
		return "without a table prefix"
	}
	return fmt.Sprintf("with the table prefix %q", prefix)
}
