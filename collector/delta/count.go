package delta

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
)

const (
	// CountCap is where counting the rows of a log table stops: one more reads "more than".
	CountCap = 100000
	// orphanCap is how many rows of a log table are looked at for rows whose own row is gone, orphanBudget how many of
	// all log tables together.
	orphanCap, orphanBudget = 20000, 60000
)

// Count is what a log table holds; each stops at CountCap + 1 rows of the table.
type Count struct {
	Rows int
	// Waiting are not marked, Marked are marked as processed.
	Waiting, Marked int
	// Orphaned are waiting and can never be delivered, because a cascade deleted their row: the tool joins, and finds
	// nothing.
	Orphaned int
}

// Pending is how many rows the next cycles will deliver.
func (c Count) Pending() int { return max(0, c.Waiting-c.Orphaned) }

// countable reports whether the log table can be counted.
func (s Standing) countable() bool { return s.HasLog && s.Wrong == "" && len(s.Keys) > 0 }

// CountLog counts the rows of all log tables in one statement, by document.
func CountLog(ctx context.Context, s *database.Session, standings []Standing) (map[string]Count, error) {
	counts := map[string]Count{}
	var parts []string
	for i, t := range standings {
		if t.countable() {
			// The limit stands inside and without a condition: there is no index on processed.
			parts = append(parts, fmt.Sprintf(
				"SELECT %d, COUNT(*), COALESCE(SUM(processed = 0), 0), COALESCE(SUM(processed = 1), 0)"+
					" FROM (SELECT processed FROM %s LIMIT %d) t%d",
				i, database.Quote(t.LogName), CountCap+1, i,
			))
		}
	}
	if len(parts) == 0 {
		return counts, nil
	}
	err := s.Rows(ctx, strings.Join(parts, " UNION ALL "), nil, func(scan func(...any) error) error {
		var i int
		var c Count
		err := scan(&i, &c.Rows, &c.Waiting, &c.Marked)
		if err == nil && i >= 0 && i < len(standings) {
			counts[standings[i].Document] = c
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("counting the rows of the delta log: %w", err)
	}
	return counts, nil
}

// CountOrphans adds to the counts how many of the waiting rows have lost their row, in one statement. Only tables that
// a step reads are looked at, and of each only the first rows.
func CountOrphans(ctx context.Context, s *database.Session, standings []Standing, counts map[string]Count) error {
	var waiting []int
	for i, t := range standings {
		if t.Read && !t.Absent && t.countable() && counts[t.Document].Waiting > 0 {
			waiting = append(waiting, i)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	var parts []string
	for _, i := range waiting {
		parts = append(parts, orphanQuery(i, standings[i], min(orphanCap, orphanBudget/len(waiting))))
	}
	err := s.Rows(ctx, strings.Join(parts, " UNION ALL "), nil, func(scan func(...any) error) error {
		var i, n int
		err := scan(&i, &n)
		if err == nil && i >= 0 && i < len(standings) {
			c := counts[standings[i].Document]
			c.Orphaned = n
			counts[standings[i].Document] = c
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("looking for rows of the delta log whose own row is gone: %w", err)
	}
	return nil
}

// orphanQuery limits the rows before it looks for a mark, which has no index, and takes no text into its temporary
// table, which would go to disk.
func orphanQuery(i int, t Standing, limit int) string {
	var keys, on []string
	for _, k := range t.Keys {
		keys = append(keys, database.Quote(k))
		on = append(on, fmt.Sprintf("t.%[1]s = l.%[1]s", database.Quote(k)))
	}
	return fmt.Sprintf(
		"SELECT %d, COUNT(*) FROM (SELECT %s, processed = 0 AND operation <> 'DELETE' AS waits FROM %s LIMIT %d) l"+
			" LEFT JOIN %s t ON %s WHERE l.waits AND t.%s IS NULL",
		i,
		strings.Join(keys, ", "),
		database.Quote(t.LogName),
		limit,
		database.Quote(t.Name),
		strings.Join(on, " AND "),
		keys[0],
	)
}

// Thread is a connection to a database of the migration.
type Thread struct {
	ID   uint64
	Host string
}

// Threads lists the connections of the session's own user to its database, without the session itself. Without the
// privilege PROCESS the server shows those of the own user only, which is all that is asked for.
func Threads(ctx context.Context, s *database.Session) ([]Thread, error) {
	var all []Thread
	const query = "SELECT ID, COALESCE(HOST, '') FROM information_schema.PROCESSLIST" +
		" WHERE DB = DATABASE() AND USER = ? AND ID <> CONNECTION_ID() LIMIT 1000"
	user := s.User
	if at := strings.LastIndex(user, "@"); at >= 0 {
		user = user[:at]
	}
	err := s.Rows(ctx, query, []any{user}, func(scan func(...any) error) error {
		var t Thread
		err := scan(&t.ID, &t.Host)
		all = append(all, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the connections to the database: %w", err)
	}
	return all, nil
}

// Persisting returns the ids that are in both looks: an exporter's connections end with its evaluation, the tool's
// stay.
func Persisting(before, now []Thread) []uint64 {
	var ids []uint64
	for _, t := range now {
		if slices.ContainsFunc(before, func(b Thread) bool { return b.ID == t.ID }) {
			ids = append(ids, t.ID)
		}
	}
	return ids
}
