package reconcile

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
)

// window is how many rows of a table are compared in one statement. A table with more is large: its newest rows are
// compared like a small table, the others slice by slice.
const window = 10000

// totals are what one statement says of a side.
type totals struct {
	rows     int
	min, max sql.NullInt64
	sum      string
	crc, xor string
	// lost are rows without a checksum.
	lost int
	// own are rows of Magento 2 above the highest key of Magento 1: it took them itself. They are not among rows.
	own int
}

func (t totals) equals(other totals) bool {
	return t.rows == other.rows && t.sum == other.sum && t.crc == other.crc && t.xor == other.xor
}

// span is a range of keys, both ends included.
type span struct{ low, high int64 }

// state is what is known of a comparison. The zero value knows nothing.
type state struct {
	// looks is how many looks have ended; turn is the round of the last one.
	looks, turn int
	err         error
	sides       [2]totals
	// large is true when Magento 1 has more rows than the window; from is then the lowest key of the window.
	large bool
	from  int64
	// rows are those that differ; more is true when there are others.
	rows map[rowID]Row
	more bool
	// lost is how many rows have no checksum; unfound is how many looks in a row saw a difference and no row that
	// differs.
	lost, unfound int
	// stale counts the rows of a grid that are missing or old.
	stale int
	// rehashed is true when Magento 2 has made so many hashes of passwords again that they are not compared any more.
	rehashed bool
	history
}

// unconfirmed reports whether a row was seen to differ once, with nothing pending.
func (s *state) unconfirmed() bool {
	if s.fresh {
		return true
	}
	for _, r := range s.rows {
		if r.looks == 1 && !r.explained() {
			return true
		}
	}
	return false
}

// rounds does one evaluation's work.
type rounds struct {
	sides [2]Side
	Input
	statements int
}

// query runs a statement on a side.
func (r *rounds) query(ctx context.Context, side int, query string, each func(scan func(...any) error) error) error {
	r.statements++
	return r.sides[side].Session.Rows(ctx, query, nil, each)
}

// look compares some comparisons: small ones in one statement a side, large ones by themselves. When the server refuses
// the statement for all, each has its own, so that one broken table hides no other.
func (r *rounds) look(ctx context.Context, all []*comparison) {
	var small []*comparison
	for _, c := range all {
		if c.large {
			r.lookAlone(ctx, c)
			continue
		}
		small = append(small, c)
	}
	for _, some := range portions(small) {
		r.lookTogether(ctx, some)
	}
}

// portions splits comparisons so that one statement reads about as many rows as the window has.
func portions(all []*comparison) [][]*comparison {
	var portions [][]*comparison
	full := 0
	for _, c := range all {
		if len(portions) == 0 || full+c.expected() > window {
			portions, full = append(portions, nil), 0
		}
		last := len(portions) - 1
		portions[last], full = append(portions[last], c), full+c.expected()
	}
	return portions
}

func (r *rounds) lookTogether(ctx context.Context, small []*comparison) {
	switch err := r.totals(ctx, small); {
	case err == nil:
	case isRefusal(err) && len(small) > 1:
		for _, c := range small {
			r.lookAlone(ctx, c)
		}
		return
	default:
		for _, c := range small {
			r.failed(c, err)
		}
		return
	}
	for _, c := range small {
		r.settle(ctx, c)
	}
}

func (r *rounds) lookAlone(ctx context.Context, c *comparison) {
	if err := r.totals(ctx, []*comparison{c}); err != nil {
		r.failed(c, err)
		return
	}
	r.settle(ctx, c)
}

// failed ends a look that could not be made.
func (r *rounds) failed(c *comparison, err error) { c.err, c.turn = err, r.Turn }

// totals reads both sides, Magento 1 first: its answer says which rows of Magento 2 are compared with it.
func (r *rounds) totals(ctx context.Context, all []*comparison) error {
	if err := r.first(ctx, all); err != nil {
		return err
	}
	for _, c := range all {
		if c.sides[0].rows <= window || len(c.Hashed) > 0 {
			continue // of hashed keys both sides have the same ones first
		}
		// The lowest key may be cut in two, and the window grows.
		low, high := c.sides[0].min.Int64, c.sides[0].max.Int64
		c.large, c.from = true, max(low+(high-low)/10, low+1)
		if err := r.first(ctx, []*comparison{c}); err != nil {
			return err
		}
	}
	return r.second(ctx, all)
}

// condition selects the rows of the window.
func (c *comparison) condition(side int) string {
	if !c.large {
		return ""
	}
	return fmt.Sprintf("%s >= %d", c.key(side), c.from)
}

func (r *rounds) first(ctx context.Context, all []*comparison) error {
	return r.read(ctx, all, 0, func(i int, c *comparison) string {
		return "(SELECT x.*, 0 FROM (" + c.totals(0, i, c.condition(0), window+1) + ") x)"
	})
}

func (r *rounds) second(ctx context.Context, all []*comparison) error {
	return r.read(ctx, all, 1, func(i int, c *comparison) string {
		var conditions []string
		if condition := c.condition(1); condition != "" {
			conditions = append(conditions, condition)
		}
		own := "0"
		if top := c.sides[0].max; top.Valid && len(c.Hashed) == 0 {
			conditions = append(conditions, fmt.Sprintf("%s <= %d", c.key(1), top.Int64))
			own = fmt.Sprintf("(SELECT COUNT(*) FROM (SELECT 1%s LIMIT %d) o)",
				c.source(1, fmt.Sprintf("%s > %d", c.key(1), top.Int64)), window+1)
		}
		return "(SELECT x.*, " + own + " FROM (" + c.totals(1, i, strings.Join(conditions, " AND "+
			""), window+1) + ") x)"
	})
}

func (r *rounds) read(ctx context.Context, all []*comparison, side int, part func(int, *comparison) string) error {
	byDatabase := map[int][]string{}
	for i, c := range all {
		byDatabase[c.on[side]] = append(byDatabase[c.on[side]], part(i, c))
	}
	for on, parts := range byDatabase {
		read := 0
		err := r.query(ctx, on, strings.Join(parts, " UNION ALL "), func(scan func(...any) error) error {
			var i int
			var t totals
			var sum sql.NullString
			if err := scan(&i, &t.rows, &t.min, &t.max, &sum, &t.crc, &t.xor, &t.lost, &t.own); err != nil {
				return err
			}
			if i < 0 || i >= len(all) {
				return fmt.Errorf("an answer for a table that was not asked for: %d", i)
			}
			t.sum = sum.String
			all[i].sides[side] = t
			read++
			return nil
		})
		if err != nil {
			return fmt.Errorf("comparing %s: %w", names(all), err)
		}
		if read != len(parts) {
			return fmt.Errorf("comparing %s: %d of %d tables were answered", names(all), read, len(parts))
		}
	}
	return nil
}

func names(all []*comparison) string {
	var texts []string
	for _, c := range all {
		texts = append(texts, c.Document)
	}
	return strings.Join(texts, ", ")
}

// settle ends the look at one comparison: it finds the rows that differ.
func (r *rounds) settle(ctx context.Context, c *comparison) {
	c.looks++
	c.turn = r.Turn
	c.err = nil
	c.lost = c.sides[0].lost + c.sides[1].lost
	before := c.rows
	c.rows, c.more = nil, false
	found, err := r.find(ctx, c)
	if err == nil {
		err = r.rewritten(ctx, c, found, before)
	}
	if err == nil {
		err = r.explain(ctx, c, found)
	}
	if err != nil {
		c.err, c.rows = fmt.Errorf("finding the rows of %s that differ: %w", c.Document, err), before
		return
	}
	for id, row := range found {
		row.looks, row.since = 1, r.Now
		if old, known := before[id]; known && old.prints == row.prints && !old.Pending {
			row.looks, row.since = old.looks+1, old.since
		}
		found[id] = row
	}
	if !c.rehashed && countRehashed(found) >= enoughRows {
		c.rehashed = true
		r.lookAlone(ctx, c)
		return
	}
	if len(found) > 0 || c.sides[0].equals(c.sides[1]) {
		c.unfound = 0
	} else {
		c.unfound++
	}
	if c.rows = found; c.Level == Grid {
		c.stale = r.countStale(ctx, c)
	}
}

func countRehashed(rows map[rowID]Row) int {
	n := 0
	for _, row := range rows {
		if row.rehashed {
			n++
		}
	}
	return n
}

// find returns the rows that differ in the window, and in the older ranges that were found to differ.
func (r *rounds) find(ctx context.Context, c *comparison) (map[rowID]Row, error) {
	found := map[rowID]Row{}
	if !c.sides[0].equals(c.sides[1]) {
		if _, err := r.narrow(ctx, c, c.region(), max(c.sides[0].rows, c.sides[1].rows), found); err != nil {
			return nil, err
		}
	}
	var dirty []span
	for i, s := range c.dirty {
		if i >= dirtyLooks || len(found) >= enoughRows {
			dirty = append(dirty, s) // the rows that are known already say enough
			c.more = true
			continue
		}
		ranges, err := r.narrow(ctx, c, s, sliceRows, found)
		if err != nil {
			return nil, err
		}
		if len(ranges) > 0 {
			dirty = append(dirty, span{ranges[0].low, ranges[len(ranges)-1].high})
		}
	}
	c.dirty, c.fresh = dirty, false
	return found, nil
}

// region is the range of keys that the totals are of.
func (c *comparison) region() span {
	s := span{}
	first := true
	for _, t := range c.sides {
		if !t.min.Valid {
			continue
		}
		if first || t.min.Int64 < s.low {
			s.low = t.min.Int64
		}
		if first || t.max.Int64 > s.high {
			s.high = t.max.Int64
		}
		first = false
	}
	if c.large {
		s.low = c.from
	}
	return s
}

// entities returns the comparisons by entity, in the order of the table; grids are an entity of their own.
func (p *Plan) entities() [][]*comparison {
	var all [][]*comparison
	index := map[string]int{}
	for _, c := range p.comparisons {
		name := c.Entity
		if c.Level == Grid {
			name = "grids"
		}
		i, known := index[name]
		if !known {
			i = len(all)
			index[name] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], c)
	}
	return all
}

// isRefusal reports whether the server answered with an error of its own, which another statement need not get.
func isRefusal(err error) bool { return database.Number(err) != 0 }

// order puts those first that have waited longest, and before them those with a row that must be seen again.
func order(all [][]*comparison) [][]*comparison {
	sorted := slices.Clone(all)
	rank := func(e []*comparison) (unconfirmed bool, turn int) {
		turn = -1
		for _, c := range e {
			unconfirmed = unconfirmed || c.unconfirmed()
			if turn < 0 || c.turn < turn {
				turn = c.turn
			}
		}
		return unconfirmed, turn
	}
	slices.SortStableFunc(sorted, func(a, b []*comparison) int {
		ua, ta := rank(a)
		ub, tb := rank(b)
		switch {
		case ua != ub && ua:
			return -1
		case ua != ub:
			return 1
		}
		return ta - tb
	})
	return sorted
}
