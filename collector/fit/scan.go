package fit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
)

// wholeTable is up to how many rows a table is read that cannot be read page by page.
const wholeTable = 300000

// scan looks at the rows of a table, page by page.
type scan struct {
	*copied
	checks []check

	pages *pages
	rows  int64
	found []tally
}

// tally is what a check has found so far.
type tally struct {
	rows int
	ids  []string
}

// step reads one page. It is true when that was the last one.
func (s *scan) step(ctx context.Context, p *Plan) (bool, []Problem, error) {
	session := p.sides[magento1].Session
	started := time.Now()
	err := s.pages.bound(ctx, session)
	if err == nil {
		err = s.read(ctx, session)
	}
	switch {
	case err != nil && s.pages.again(err):
		return false, nil, nil
	case err != nil:
		return false, nil, err
	case s.pages.next(time.Since(started)):
		return false, nil, nil
	}
	return true, s.problems(), nil
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

// query is one aggregate over a page of rows: for each check how many rows it is about, and the first of them.
func (s *scan) query() string {
	var inner, outer strings.Builder
	for i, k := range s.checks {
		fmt.Fprintf(&inner, ", (%s) AS b%d", k.where, i)
		fmt.Fprintf(&outer, ", COALESCE(SUM(b%d), 0), COALESCE(SUBSTRING_INDEX(GROUP_CONCAT(IF(b%[1]d, k, NULL) "+
			"SEPARATOR ','), ',', %d), '')", i, MaxShown)
	}
	limit := ""
	if s.pages.path == nil {
		limit = fmt.Sprintf(" LIMIT %d", wholeTable)
	}
	return fmt.Sprintf("SELECT COUNT(*)%s FROM (SELECT %s AS k%s FROM %s%s%s) x", outer.String(), s.from.id(),
		inner.String(), s.pages.from(), where(s.pages.conditions()), limit)
}

func (s *scan) read(ctx context.Context, session *database.Session) error {
	var rows int64
	counts, ids := make([]int, len(s.checks)), make([]string, len(s.checks))
	dest := []any{&rows}
	for i := range s.checks {
		dest = append(dest, &counts[i], &ids[i])
	}
	if err := session.Row(ctx, s.query(), nil, dest...); err != nil {
		return fmt.Errorf("looking at the values of %s: %w", s.from.name, err)
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
			Attribute: k.subject, Rows: f.rows, IDs: f.ids, More: s.pages.path == nil && s.rows == wholeTable}
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
