package delta

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
)

// CountCap is where counting the rows of a log table stops: one more reads "more than".
const CountCap = 100000

// Count is what a log table holds; each stops at CountCap + 1 rows of the table.
type Count struct {
	Rows int
	// Waiting are not marked, Marked are marked as processed.
	Waiting, Marked int
	// Unset have no mark at all, NULL: the tool reads neither these nor those that are marked.
	Unset int
	// Orphaned are waiting and can never be delivered, because a cascade deleted their row: the tool joins, and finds
	// nothing.
	Orphaned int
	// Exact is true of more rows than CountCap when all of them were looked at, part by part.
	Exact bool
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
					", COALESCE(SUM(processed IS NULL), 0) FROM (SELECT processed FROM %s LIMIT %d) t%d",
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
		err := scan(&i, &c.Rows, &c.Waiting, &c.Marked, &c.Unset)
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

// Thread is a connection to a database of the migration.
type Thread struct {
	ID   uint64
	Host string
	// Since is when it was seen first.
	Since time.Time
}

// Threads lists the connections of a user to the session's database, without the session itself. Without the privilege
// PROCESS the server shows those of the session's own user only.
func Threads(ctx context.Context, s *database.Session, user string) ([]Thread, error) {
	var all []Thread
	const query = "SELECT ID, COALESCE(HOST, '') FROM information_schema.PROCESSLIST" +
		" WHERE DB = DATABASE() AND USER = ? AND ID <> CONNECTION_ID() LIMIT 1000"
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

// UserOf returns the name of the user as whom the session came.
func UserOf(s *database.Session) string {
	user := s.User
	if at := strings.LastIndex(user, "@"); at >= 0 {
		user = user[:at]
	}
	return user
}

// SeesAll reports whether the session's account has the privilege PROCESS, with which it sees the connections of all
// users.
func SeesAll(ctx context.Context, s *database.Session) (bool, error) {
	var n int
	const query = "SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'PROCESS'"
	err := s.Row(ctx, query, nil, &n)
	if err != nil {
		return false, fmt.Errorf("asking for the privilege PROCESS: %w", err)
	}
	return n > 0, nil
}

// Persisting notes in the threads of a look which of them the look before had, since when, and returns how many these
// are, and how many of them have been there for a whole cycle. An exporter's connections end with its evaluation, which
// two looks of another one can both fall into; the tool's stay.
func Persisting(before, now []Thread, at time.Time) (seenTwice, stay int) {
	for i := range now {
		now[i].Since = at
		b := slices.IndexFunc(before, func(b Thread) bool { return b.ID == now[i].ID })
		if b < 0 {
			continue
		}
		now[i].Since = before[b].Since
		if seenTwice++; at.Sub(now[i].Since) >= DefaultCycle {
			stay++
		}
	}
	return seenTwice, stay
}
