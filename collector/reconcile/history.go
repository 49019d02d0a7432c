package reconcile

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

const (
	// sliceRows is how many rows of a large table one statement compares at most.
	sliceRows = 50000
	// firstSlice and leastSlice are widths of slices, in keys.
	firstSlice, leastSlice = 10000, 5000
	// maxDirty bounds how many older ranges that differ are kept: with as many, older rows wait until they are equal.
	maxDirty = 8
	// quickSlice and slowSlice are times at which slices become wider and narrower.
	quickSlice, slowSlice = 50 * time.Millisecond, 100 * time.Millisecond
	// historyRest is the time between two rounds through the older rows.
	historyRest = time.Hour
)

// history is how far the older rows of a large table have been compared: slice by slice, from the newest to the oldest,
// on and on from one evaluation to the next.
type history struct {
	// dirty are ranges that differ; fresh is true when the rows of one were not looked for yet.
	dirty []span
	fresh bool
	// active is true within a round; cursor is then the lowest key that was compared, low the lowest of both systems.
	active      bool
	cursor, low int64
	width       int64
	// counted are the rows of the present round on each side, older those of the last one.
	counted, older [2]int
	// done is true from the end of the first round on; ended is when the last one did.
	done  bool
	ended time.Time
}

// due reports whether there are older rows to compare.
func (c *comparison) due(now time.Time) bool {
	return c.large && c.err == nil && len(c.dirty) < maxDirty &&
		(c.active || !c.done || now.Sub(c.ended) >= historyRest)
}

// almost is the progress of a round that has still to end.
const almost = 0.999

// progress is how much of the present round is done.
func (c *comparison) progress() float64 {
	switch {
	case !c.large || c.done:
		return 1
	case !c.active || c.from <= c.low:
		return 0
	}
	return min(float64(c.from-c.cursor)/float64(c.from-c.low), almost)
}

// slice compares the next older rows.
func (r *rounds) slice(ctx context.Context, c *comparison) error {
	if !c.active {
		if err := r.begin(ctx, c); err != nil {
			return err
		}
	}
	s := span{max(c.low, c.cursor-c.width), c.cursor - 1}
	if c.cursor <= c.low {
		c.end(r.Now)
		return nil
	}
	started := time.Now()
	var sides [2]totals
	for side := range sides {
		condition := fmt.Sprintf("%s BETWEEN %d AND %d", c.key(side), s.low, s.high)
		err := r.query(ctx, c.on[side], c.totals(side, 0, condition, sliceRows+1), func(scan func(...any) error) error {
			var i int
			var sum sql.NullString
			t := &sides[side]
			err := scan(&i, &t.rows, &t.min, &t.max, &sum, &t.crc, &t.xor, &t.lost)
			t.sum = sum.String
			return err
		})
		if err != nil {
			return fmt.Errorf("comparing older rows of %s: %w", c.Document, err)
		}
	}
	took := time.Since(started)
	rows := max(sides[0].rows, sides[1].rows)
	if rows > sliceRows && c.width > 1 {
		c.width = max(1, c.width/2)
		return nil
	}
	c.cursor = s.low
	if !sides[0].equals(sides[1]) {
		c.dirty = slices.DeleteFunc(c.dirty, func(d span) bool { return s.low <= d.low && d.high <= s.high })
		c.dirty, c.fresh = append(c.dirty, s), true
	}
	c.lost += sides[0].lost + sides[1].lost
	for side := range sides {
		c.counted[side] += sides[side].rows
	}
	switch {
	case took > slowSlice && rows > leastSlice:
		c.width = max(leastSlice, c.width/2)
	case took < quickSlice && rows < sliceRows/2:
		c.width *= 2
	}
	return nil
}

func (r *rounds) begin(ctx context.Context, c *comparison) error {
	c.cursor, c.low, c.counted = c.from, c.from, [2]int{}
	for side := range c.on {
		var low sql.NullInt64
		query := fmt.Sprintf("SELECT MIN(%s)%s", c.key(side), c.source(side, ""))
		err := r.query(ctx, c.on[side], query, func(scan func(...any) error) error { return scan(&low) })
		if err != nil {
			return fmt.Errorf("reading the lowest key of %s: %w", c.Document, err)
		}
		if low.Valid {
			c.low = min(c.low, low.Int64)
		}
	}
	if c.active = true; c.width == 0 {
		c.width = firstSlice
	}
	return nil
}

func (c *comparison) end(now time.Time) {
	c.active, c.done, c.ended, c.older = false, true, now, c.counted
}
