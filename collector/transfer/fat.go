package transfer

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
)

// FatRow is a row that is longer than the packet.
type FatRow struct {
	Table Table
	// Key is the name of the primary key, ID its value; both are empty for a table without a key of one number.
	Key, ID string
	Bytes   int64
}

const (
	// fatChunk is how many rows and fatBytes how many bytes one statement of the search looks at.
	fatChunk = 2000
	fatBytes = 64 << 20
)

// fatSearch is how far the search through a table has come.
type fatSearch struct {
	rows, bytes int64
	// ended is when the last whole search ended, zero before the first one; longest is what it found.
	ended   time.Time
	longest FatRow
	// key and width are the column that orders the rows, empty for none, and the expression for a row's length.
	key, width string
	next       int64
	begun      bool
	done       bool
	// found is the longest row of the search that is under way.
	found FatRow
}

// again begins another search. What the last one found counts until that ends.
func (s *fatSearch) again(t Table) {
	*s = fatSearch{rows: t.Rows, bytes: t.Bytes, ended: s.ended, longest: s.longest}
}

// canBeFat reports whether a table can have a row of so many bytes: it has a column for long values, and as many bytes
// in all. The server learns of few rows late, so that a small table is always looked at.
func (t Table) canBeFat(packet int64) bool {
	bytes := t.Bytes
	if t.compressed {
		bytes *= 10
	}
	return t.long && !t.values && packet > 0 && (bytes >= packet/2 || t.Rows <= fatChunk)
}

// searchFat looks for single rows that are longer than the packet.
func (f *Forecaster) searchFat(ctx context.Context, in Input, o *Outlook, spent func() bool) error {
	for _, t := range f.plan.Tables {
		if !t.canBeFat(in.Packet) {
			continue
		}
		s := f.fat[t.Document]
		if s == nil {
			s = &fatSearch{rows: t.Rows, bytes: t.Bytes}
			f.fat[t.Document] = s
		} else if s.done && (s.rows != t.Rows || s.bytes != t.Bytes || f.looked.Sub(s.ended) >= stale) {
			s.again(t)
		}
		for !s.done && !spent() {
			if err := s.step(ctx, in, t); err != nil {
				return err
			}
			if s.done { // the expressions of a large shop take much memory
				*s = fatSearch{rows: s.rows, bytes: s.bytes, ended: f.looked, longest: s.found, begun: true, done: true}
			}
		}
		if s.ended.IsZero() {
			o.Left++
		}
		if s.longest.Bytes > in.Packet {
			o.Fat = append(o.Fat, s.longest)
		}
	}
	return nil
}

// begin finds the columns that can be long.
func (s *fatSearch) begin(ctx context.Context, in Input, t Table) error {
	sources, err := in.Sources()
	if err != nil {
		return err
	}
	from, to, err := readBoth(ctx, in.Sides, t)
	if err != nil {
		return err
	}
	var lengths []string
	for _, f := range sources.copied(t, from, to) {
		if f.isText() {
			lengths = append(lengths, "COALESCE(LENGTH("+database.Quote(f.name)+"), 0)")
		}
	}
	s.begun, s.done = true, len(lengths) == 0
	s.width, s.key = strings.Join(lengths, " + "), numberKey(from)
	return nil
}

// step looks at the next rows.
func (s *fatSearch) step(ctx context.Context, in Input, t Table) error {
	if !s.begun {
		return s.begin(ctx, in, t)
	}
	m1 := in.Sides[0]
	table := m1.Prefix + t.Document
	chunk := max(1, min(fatChunk, fatBytes/max(1, t.average)))
	if s.key == "" {
		s.done = true
		query := fmt.Sprintf(
			"SELECT COALESCE(MAX(width), 0) FROM (SELECT %s AS width FROM %s LIMIT %d) longest",
			s.width,
			database.Quote(table),
			chunk,
		)
		s.found = FatRow{Table: t}
		return m1.Session.Row(ctx, query, nil, &s.found.Bytes)
	}
	query := fmt.Sprintf("SELECT MAX(id), COALESCE(MAX(width), 0), "+
		"SUBSTRING_INDEX(MAX(CONCAT(LPAD(width, 12, '0'), ' ', id)), ' ', -1) "+
		"FROM (SELECT %[1]s AS id, %[2]s AS width FROM %[3]s WHERE %[1]s >= ? ORDER BY %[1]s LIMIT %[4]d) longest",
		database.Quote(s.key), s.width, database.Quote(table), chunk)
	var last sql.NullInt64
	var bytes int64
	var id sql.NullString
	if err := m1.Session.Row(ctx, query, []any{s.next}, &last, &bytes, &id); err != nil {
		return fmt.Errorf("looking for the longest row of %s: %w", table, err)
	}
	if bytes > s.found.Bytes {
		s.found = FatRow{Table: t, Key: s.key, ID: id.String, Bytes: bytes}
	}
	s.next, s.done = last.Int64+1, !last.Valid
	return nil
}

// numberKey returns the primary key when it is one number.
func numberKey(fields []field) string {
	keys := slices.DeleteFunc(slices.Clone(fields), func(f field) bool { return !f.primary })
	if len(keys) != 1 || !strings.HasSuffix(keys[0].kind, "int") {
		return ""
	}
	return keys[0].name
}
