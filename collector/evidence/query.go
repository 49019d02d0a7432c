package evidence

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"magento_migration_exporter/collector/finding"
)

// Column returns a query's only column, NULL as empty.
func (s *System) Column(ctx context.Context, query string, args ...any) ([]string, error) {
	var values []string
	err := s.Session.Rows(ctx, query, args, func(scan func(...any) error) error {
		var value sql.NullString
		err := scan(&value)
		values = append(values, value.String)
		return err
	})
	return values, err
}

// Count counts the rows of one of Magento's tables that a condition selects, all for an empty condition. It stops at
// one above finding.CountCap: its cost does not grow with the table.
func (s *System) Count(ctx context.Context, table, condition string, args ...any) (int, error) {
	if condition != "" {
		condition = " WHERE " + condition
	}
	var n int
	query := fmt.Sprintf("SELECT COUNT(*) FROM (SELECT 1 FROM %s%s LIMIT %d) capped",
		s.Table(table), condition, finding.CountCap+1)
	err := s.Session.Row(ctx, query, args, &n)
	return n, err
}

// RootCategoryCreated returns the creation time of the root of all categories as text in UTC, "" when there is none.
func (s *System) RootCategoryCreated(ctx context.Context) (string, error) {
	var created sql.NullString
	query := "SELECT created_at FROM " + s.Table("catalog_category_entity") + " WHERE entity_id = 1"
	err := s.Session.Row(ctx, query, nil, &created)
	if errors.Is(err, sql.ErrNoRows) || created.String == "0000-00-00 00:00:00" {
		return "", nil
	}
	return created.String, err
}

// IDRange returns "lowest to highest" entity_id of one of Magento's tables, or "" for an empty one. Both are read from
// the ends of the primary key.
func (s *System) IDRange(ctx context.Context, table string) (string, error) {
	var low, high sql.NullInt64
	err := s.Session.Row(ctx, "SELECT MIN(entity_id), MAX(entity_id) FROM "+s.Table(table), nil, &low, &high)
	if err != nil || !low.Valid {
		return "", err
	}
	return fmt.Sprintf("%d to %d", low.Int64, high.Int64), nil
}

// LastID returns the highest entity_id of one of Magento's tables, 0 for an empty one.
func (s *System) LastID(ctx context.Context, table string) (int64, error) {
	var id sql.NullInt64
	err := s.Session.Row(ctx, "SELECT MAX(entity_id) FROM "+s.Table(table), nil, &id)
	return id.Int64, err
}

// BaseTables returns the names of the tables under the prefix, without it; views are left out.
func (s *System) BaseTables(ctx context.Context) ([]string, error) {
	all, err := s.Column(ctx, "SELECT TABLE_NAME FROM information_schema.TABLES "+
		"WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'")
	var tables []string
	for _, t := range all {
		if name, ok := strings.CutPrefix(t, s.Prefix); ok {
			tables = append(tables, name)
		}
	}
	return tables, err
}
