package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
)

// Identity is which Magento a database contains with a system's table prefix.
type Identity struct {
	// Magento1 and Magento2 report whether the tables exist that only this one has.
	Magento1, Magento2 bool
	// OtherPrefixes are other prefixes with a Magento of the system's kind, at most maxPrefixes. They are only searched
	// when the configured prefix has no Magento.
	OtherPrefixes []string
	// WrongPrefixes are those with a Magento of the other kind. They are only searched when OtherPrefixes is empty.
	WrongPrefixes []string
}

// maxPrefixes is how many prefixes are named.
const maxPrefixes = 5

// Others lists the other prefixes for people; that there is none is one of them.
func (i Identity) Others() string { return prefixTexts(i.OtherPrefixes) }

// Wrong lists the prefixes of the other kind for people; that there is none is one of them.
func (i Identity) Wrong() string { return prefixTexts(i.WrongPrefixes) }

// Choice lists the other prefixes as they are to be written, of which one is the right one.
func (i Identity) Choice(format string) string {
	texts := make([]string, len(i.OtherPrefixes))
	for n, prefix := range i.OtherPrefixes {
		texts[n] = fmt.Sprintf(format, prefix)
	}
	return strings.Join(texts, " or ")
}

// Chosen says which of several other prefixes is the right one; it is empty where there is only one.
func (i Identity) Chosen() string {
	if len(i.OtherPrefixes) < 2 {
		return ""
	}
	return ", whichever is that of the shop that you migrate"
}

func prefixTexts(prefixes []string) string {
	var texts []string
	for _, prefix := range prefixes {
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
	var names []string
	for _, table := range registries {
		names = append(names, s.Prefix+table)
	}
	found, err := s.tablesNamed(ctx, names)
	if err != nil {
		return Identity{}, err
	}
	has := func(table string) bool { return found[s.Prefix+table] }
	i := Identity{Magento1: has("core_resource") && has("core_store"), Magento2: has("setup_module") && has("store")}
	if i.Magento1 || i.Magento2 {
		return i, nil
	}
	own, other := finding.Magento1, finding.Magento2
	if s.Name == finding.Magento2 {
		own, other = other, own
	}
	if i.OtherPrefixes, err = s.prefixes(ctx, own); err == nil && len(i.OtherPrefixes) == 0 {
		i.WrongPrefixes, err = s.prefixes(ctx, other)
	}
	return i, err
}

// tablesNamed returns which of the tables exist, by their names with the prefix.
func (s *System) tablesNamed(ctx context.Context, names []string) (map[string]bool, error) {
	if len(names) == 0 {
		return nil, nil
	}
	args := make([]any, len(names))
	for i, name := range names {
		args[i] = name
	}
	found, err := s.Column(ctx, "SELECT TABLE_NAME FROM information_schema.TABLES "+
		"WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ("+database.Parameters(len(args))+")", args...)
	named := map[string]bool{}
	for _, name := range found {
		named[name] = true
	}
	return named, err
}

// maxRegistries caps how many tables are looked at that can be the registry of a Magento.
const maxRegistries = 100

// prefixes returns the prefixes with which a kind of Magento exists: the registry of its modules and its store views. A
// registry alone is a copy that somebody made of that table.
func (s *System) prefixes(ctx context.Context, kind finding.System) ([]string, error) {
	registry, stores := kind.Registry(), "core_store"
	if kind == finding.Magento2 {
		stores = "store"
	}
	query := "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE ? " +
		fmt.Sprintf("ORDER BY CHAR_LENGTH(TABLE_NAME), TABLE_NAME LIMIT %d", maxRegistries)
	registries, err := s.Column(ctx, query, "%"+database.EscapeLike(registry))
	if err != nil {
		return nil, err
	}
	var candidates, names []string
	for _, name := range registries {
		if prefix, ok := strings.CutSuffix(name, registry); ok {
			candidates, names = append(candidates, prefix), append(names, prefix+stores)
		}
	}
	found, err := s.tablesNamed(ctx, names)
	if err != nil {
		return nil, err
	}
	whole := slices.DeleteFunc(candidates, func(prefix string) bool { return !found[prefix+stores] })
	return whole[:min(len(whole), maxPrefixes)], nil
}

// WithPrefix says which tables were searched.
func WithPrefix(prefix string) string {
	if prefix == "" {
		return "without a table prefix"
	}
	return fmt.Sprintf("with the table prefix %q", prefix)
}
