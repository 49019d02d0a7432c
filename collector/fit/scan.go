package fit

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
)

const (
	// firstSlice is how many rows the first statement of a scan reads, about; wholeTable is up to how many rows a table
	// without a number as its key is read, in one statement.
	firstSlice, wholeTable = 20000, 300000
	// shortest and longest are the times between which a slice stays as long as it is.
	shortest, longest = 100 * time.Millisecond, 400 * time.Millisecond
)

// scan looks at the rows of a table, a range of its key at a time.
type scan struct {
	*copied
	checks []check

	began     bool
	key       string // the column whose ranges are read, empty where there is none
	low, high int64
	width     uint64
	rows      int64
	found     []tally
}

// tally is what a check has found so far.
type tally struct {
	rows int
	ids  []string
}

// step reads one range. It is true when that was the last one.
func (s *scan) step(ctx context.Context, p *Plan) (bool, []Problem, error) {
	session := p.sides[magento1].Session
	if !s.began {
		if done, err := s.begin(ctx, session); done || err != nil {
			return done, nil, err
		}
	}
	started := time.Now()
	last := s.key == "" || s.width > uint64(s.high)-uint64(s.low)
	to := s.high
	if !last {
		to = s.low + int64(s.width) - 1
	}
	if err := s.read(ctx, session, to); err != nil {
		if database.CauseOf(err) == database.Timeout && database.Number(err) != 0 && s.key != "" && s.width > 64 {
			s.width /= 8
			return false, nil, nil
		}
		return false, nil, err
	}
	switch took := time.Since(started); {
	case last:
		return true, s.problems(), nil
	case took < shortest:
		s.width *= 2
	case took > longest && s.width > 1:
		s.width /= 2
	}
	s.low = to + 1
	return false, nil, nil
}

// begin finds the range of keys. It is true for a table without rows.
func (s *scan) begin(ctx context.Context, session *database.Session) (bool, error) {
	s.found = make([]tally, len(s.checks))
	if key := s.from.primary(); key != nil {
		if c := s.from.column(key.parts[0].column); c != nil && c.family() == integer {
			s.key = c.name
		}
	}
	s.began = true
	if s.key == "" {
		return false, nil
	}
	var low, high sql.NullInt64
	query := fmt.Sprintf("SELECT MIN(%s), MAX(%[1]s) FROM %s", database.Quote(s.key), database.Quote(s.from.name))
	if err := session.Row(ctx, query, nil, &low, &high); err != nil {
		s.began = false
		return false, fmt.Errorf("looking for the range of %s: %w", s.from.name, err)
	}
	s.low, s.high = low.Int64, high.Int64
	span := uint64(s.high) - uint64(s.low)
	s.width = max(span/uint64(max(s.from.rows/firstSlice, 1)), 1) + 1
	return !low.Valid, nil
}

// id is the expression for a row's key.
func (t *table) id() string {
	key := t.primary()
	if key == nil {
		return "''"
	}
	var parts []string
	for _, x := range key.parts {
		parts = append(parts, "t."+database.Quote(x.column))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "CONCAT_WS('-', " + strings.Join(parts, ", ") + ")"
}

// query is one aggregate over a range of rows: for each check how many rows it is about, and the first of them.
func (s *scan) query(to int64) string {
	var inner, outer strings.Builder
	for i, k := range s.checks {
		fmt.Fprintf(&inner, ", (%s) AS b%d", k.where, i)
		fmt.Fprintf(&outer, ", COALESCE(SUM(b%d), 0), COALESCE(SUBSTRING_INDEX(GROUP_CONCAT(IF(b%[1]d, k, NULL) "+
			"SEPARATOR ','), ',', %d), '')", i, MaxShown)
	}
	where := ""
	if s.key != "" {
		where = fmt.Sprintf(" WHERE t.%s BETWEEN %d AND %d", database.Quote(s.key), s.low, to)
	}
	return fmt.Sprintf("SELECT COUNT(*)%s FROM (SELECT %s AS k%s FROM %s t%s LIMIT %d) x", outer.String(), s.from.id(),
		inner.String(), database.Quote(s.from.name), where, wholeTable)
}

func (s *scan) read(ctx context.Context, session *database.Session, to int64) error {
	var rows int64
	counts, ids := make([]int, len(s.checks)), make([]string, len(s.checks))
	dest := []any{&rows}
	for i := range s.checks {
		dest = append(dest, &counts[i], &ids[i])
	}
	if err := session.Row(ctx, s.query(to), nil, dest...); err != nil {
		return fmt.Errorf("looking at the values of %s: %w", s.from.name, err)
	}
	if rows == wholeTable && s.key != "" {
		s.width /= 2
		return fmt.Errorf("looking at the values of %s: more rows than expected between two keys", s.from.name)
	}
	s.rows += rows
	for i, n := range counts {
		f := &s.found[i]
		if f.rows += n; n > 0 && len(f.ids) < MaxShown {
			f.ids = append(f.ids, strings.Split(ids[i], ",")...)
			f.ids = f.ids[:min(len(f.ids), MaxShown)]
		}
	}
	return nil
}

func (s *scan) problems() []Problem {
	var found []Problem
	for i, k := range s.checks {
		f := s.found[i]
		if f.rows == 0 {
			continue
		}
		p := Problem{Kind: k.kind, Document: s.document, Target: k.target, Column: k.column, Limit: k.limit,
			Attribute: k.subject, Rows: f.rows, IDs: f.ids, More: s.key == "" && s.rows == wholeTable}
		p.Query = fmt.Sprintf(
			"SELECT %s AS id, t.%s FROM %s t WHERE %s LIMIT 1000;",
			s.from.id(),
			database.Quote(k.column),
			database.Quote(s.from.name),
			k.where,
		)
		if k.kind == Orphan {
			p.Target, p.Key = s.target, k.target
		}
		if k.kind == Null && s.rows == 1 && s.merges == nil {
			p.Kind = OnlyNull
		}
		found = append(found, p)
	}
	return found
}
