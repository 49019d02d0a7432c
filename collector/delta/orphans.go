package delta

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"magento_migration_exporter/collector/database"
)

const (
	// orphanCap is how many rows of a log table one evaluation looks at for rows whose own row is gone, orphanBudget
	// how many of all log tables together.
	orphanCap, orphanBudget = 20000, 60000
	// maxSkipped is how many rows are skipped at most to get to the next ones of a log whose key has several columns.
	maxSkipped = 200000
)

// Orphans counts log rows that wait and can never be delivered, because a cascade deleted their row: the tool joins,
// and finds nothing. A log table with more rows than one evaluation looks at is looked through part by part, for as
// long as nobody writes it. The zero value has looked at nothing.
type Orphans struct{ passes map[string]*orphanPass }

// orphanPass is how far a log table was looked through.
type orphanPass struct {
	// written is when the server says that the table was written last, with its numbers of rows.
	written string
	// last is the highest key so far where one column is the key, skip how many rows that are; done is true at the end
	// of the table.
	last sql.NullInt64
	skip int
	done bool
	// waiting, marked and orphaned are what was counted so far.
	waiting, marked, orphaned int
}

// Count adds to the counts how many of the waiting rows have lost their row. Only tables that a step reads are looked
// at.
func (o *Orphans) Count(ctx context.Context, s *database.Session, standings []Standing, counts map[string]Count) error {
	var waiting []int
	for i, t := range standings {
		if t.Read && !t.Absent && t.countable() && counts[t.Document].Waiting > 0 {
			waiting = append(waiting, i)
		}
	}
	if len(waiting) == 0 {
		o.passes = nil
		return nil
	}
	limit := min(orphanCap, orphanBudget/len(waiting))
	if err := o.keep(ctx, s, standings, counts, limit); err != nil {
		return err
	}
	var parts []string
	asked := map[int]*orphanPass{}
	for _, i := range waiting {
		p := o.passes[standings[i].Document]
		if p == nil {
			p = &orphanPass{}
		}
		asked[i] = p
		if !p.done && p.skip <= maxSkipped {
			parts = append(parts, p.query(i, standings[i], limit))
		}
	}
	if err := readOrphans(ctx, s, parts, asked, limit); err != nil {
		return fmt.Errorf("looking for rows of the delta log whose own row is gone: %w", err)
	}
	for i, p := range asked {
		counts[standings[i].Document] = p.apply(counts[standings[i].Document])
	}
	return nil
}

// keep keeps the passes of tables that are too long for one look and were not written since the last one.
func (o *Orphans) keep(
	ctx context.Context, s *database.Session, standings []Standing, counts map[string]Count, limit int,
) error {
	documents := map[string]string{}
	var names []any
	for _, t := range standings {
		if t.countable() && counts[t.Document].Waiting > 0 && counts[t.Document].Rows > limit {
			documents[t.LogName] = t.Document
			names = append(names, t.LogName)
		}
	}
	before := o.passes
	o.passes = map[string]*orphanPass{}
	if len(names) == 0 {
		return nil
	}
	// A table that is written in the second in which it was asked for can be written again in the same one.
	query := "SELECT TABLE_NAME, COALESCE(UPDATE_TIME, ''), COALESCE(UPDATE_TIME > NOW() - INTERVAL 2 SECOND, 0) " +
		"FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (" +
		database.Parameters(len(names)) + ")"
	err := s.Rows(ctx, query, names, func(scan func(...any) error) error {
		var name, written string
		var fresh bool
		if err := scan(&name, &written, &fresh); err != nil {
			return err
		}
		document := documents[name]
		written = fmt.Sprint(written, counts[document]) // a server does not know it for ever
		if p := before[document]; p != nil && p.written == written && !fresh {
			o.passes[document] = p
		} else {
			o.passes[document] = &orphanPass{written: written}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("asking when the log was written: %w", err)
	}
	return nil
}

// query looks at the next rows. It limits them before it looks for a mark, which has no index, and takes no text into
// its temporary table, which would go to disk.
func (p *orphanPass) query(i int, t Standing, limit int) string {
	var keys, on []string
	for _, k := range t.Keys {
		keys = append(keys, database.Quote(k))
		on = append(on, fmt.Sprintf("t.%[1]s = l.%[1]s", database.Quote(k)))
	}
	list := strings.Join(keys, ", ")
	from := fmt.Sprintf("ORDER BY %s LIMIT %d OFFSET %d", list, limit, p.skip)
	if p.last.Valid {
		from = fmt.Sprintf("WHERE %s > %d ORDER BY %[1]s LIMIT %[3]d", keys[0], p.last.Int64, limit)
	}
	last := "NULL"
	if len(keys) == 1 {
		last = "MAX(l." + keys[0] + ")"
	}
	return fmt.Sprintf(
		"(SELECT %d, COUNT(*), %s, COALESCE(SUM(l.waits), 0), COALESCE(SUM(l.marked), 0), "+
			"COALESCE(SUM(l.waits AND l.changed AND t.%s IS NULL), 0) FROM (SELECT %s, processed = 0 AS waits, "+
			"processed = 1 AS marked, operation <> 'DELETE' AS changed FROM %s %s) l LEFT JOIN %s t ON %s)",
		i, last, keys[0], list, database.Quote(t.LogName), from, database.Quote(t.Name), strings.Join(on, " AND "))
}

func readOrphans(
	ctx context.Context, s *database.Session, parts []string, asked map[int]*orphanPass, limit int,
) error {
	if len(parts) == 0 {
		return nil
	}
	return s.Rows(ctx, strings.Join(parts, " UNION ALL "), nil, func(scan func(...any) error) error {
		var i, rows, waiting, marked, orphaned int
		var last sql.NullString
		if err := scan(&i, &rows, &last, &waiting, &marked, &orphaned); err != nil {
			return err
		}
		if p := asked[i]; p != nil {
			p.waiting, p.marked, p.orphaned = p.waiting+waiting, p.marked+marked, p.orphaned+orphaned
			p.skip, p.done, p.last = p.skip+rows, rows < limit, sql.NullInt64{}
			if key, err := strconv.ParseInt(last.String, 10, 64); err == nil {
				p.last = sql.NullInt64{Int64: key, Valid: true}
			}
		}
		return nil
	})
}

// apply adds what is known to a count. Until the whole table was looked through, at least one row can be delivered.
func (p *orphanPass) apply(c Count) Count {
	switch {
	case !p.done:
		c.Orphaned = min(p.orphaned, max(0, c.Waiting-1))
	case c.Rows > CountCap:
		c.Waiting, c.Marked, c.Orphaned, c.Exact = p.waiting, p.marked, p.orphaned, true
	default:
		c.Orphaned = min(p.orphaned, c.Waiting)
	}
	return c
}
