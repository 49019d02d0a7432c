package reconcile

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

const (
	// maxRewrites is how many URL rewrites one statement compares. More are compared in slices of their ids.
	maxRewrites = 20000
	// rewriteTime is how long one evaluation compares slices, rewriteRest the time between two passes through them.
	rewriteTime = 200 * time.Millisecond
	rewriteRest = 10 * time.Minute
	// maxRewriteSlices is how many slices that differ are looked through for the rows.
	maxRewriteSlices = 4
)

// Rewrites is how the URL rewrites of both systems agree.
type Rewrites struct {
	// Known is false until they were compared.
	Known bool
	Rows  [2]int
	// Looks is how many looks in a row saw a difference; Pending is true while changes wait in the log.
	Looks   int
	Pending bool
	// Missing are ids in Magento 1 of those that Magento 2 lacks, Extra ids in Magento 2 of others, up to MaxShown
	// each.
	Missing, Extra           []int64
	MissingCount, ExtraCount int
	// More is true when there are others than were counted.
	More bool

	// pass is how far many rewrites have been compared, nil between two passes. The last one ended at ended, and spans
	// are some slices in which it saw differences; ended is zero for few rewrites.
	pass  *rewritePass
	ended time.Time
	spans []span
}

// open reports whether the next evaluation has to go on, or to look again.
func (w *Rewrites) open() bool { return w.pass != nil || w.Looks == 1 && !w.Pending }

// digest is a number of rows and their checksums, as a sum and as XOR.
type digest struct {
	rows     int
	crc, xor uint64
}

func (d *digest) add(other digest) {
	d.rows += other.rows
	d.crc += other.crc
	d.xor ^= other.xor
}

// rewritePass is one pass through the URL rewrites of both systems, by their ids. The tool keeps the ids, but Magento 2
// gives others to rewrites that it makes again: equal are the systems when the sums of all are, whatever the ids.
type rewritePass struct {
	next, last, width int64
	sums              [2]digest
	// slices is how many were compared, differing how many of them differ; spans are the first of these.
	slices, differing int
	spans             []span
}

// rewriteSources are the tables of both systems. Those of CMS pages are Magento 2's own.
func (r *rounds) rewriteSources() [2]string {
	return [2]string{
		r.table(magento1, "core_url_rewrite") + " u WHERE 1 = 1",
		r.table(magento2, "url_rewrite") + " u WHERE u.entity_type <> 'cms-page'",
	}
}

// fingerprint is a URL rewrite's: the same request path in the same store. A path can be NULL.
const fingerprint = "CRC32(CONCAT(u.store_id, '|', COALESCE(CONVERT(u.request_path USING utf8mb4), '')))"

// rewrites compares the URL rewrites of both systems as sets: few in one statement a side, many in slices.
func (r *rounds) rewrites(ctx context.Context, w *Rewrites) error {
	switch {
	case w.pass != nil:
		return r.continueRewrites(ctx, w)
	case !w.ended.IsZero() && w.Looks == 1:
		return r.confirmRewrites(ctx, w)
	case !w.ended.IsZero() && r.Now.Sub(w.ended) < rewriteRest:
		return nil
	}
	sides, err := r.rewriteDigests(ctx, nil)
	if err != nil {
		return err
	}
	if max(sides[0].rows, sides[1].rows) > maxRewrites {
		if w.pass, err = r.beginRewrites(ctx); err != nil {
			return err
		}
		return r.continueRewrites(ctx, w)
	}
	found := Rewrites{Known: true, Rows: [2]int{sides[0].rows, sides[1].rows}}
	if sides[0] != sides[1] {
		found.Looks, found.Pending = w.Looks+1, r.pends(r.Log["core_url_rewrite"])
		err = r.nameRewrites(ctx, &found, []span{{}})
	}
	if err == nil {
		*w = found
	}
	return err
}

// beginRewrites finds the range of ids.
func (r *rounds) beginRewrites(ctx context.Context) (*rewritePass, error) {
	p := &rewritePass{next: 1, width: maxRewrites}
	first := true
	for side, table := range [2]string{r.table(magento1, "core_url_rewrite"), r.table(magento2, "url_rewrite")} {
		var low, high sql.NullInt64
		query := "SELECT MIN(url_rewrite_id), MAX(url_rewrite_id) FROM " + table
		err := r.query(ctx, side, query, func(scan func(...any) error) error { return scan(&low, &high) })
		if err != nil {
			return nil, fmt.Errorf("looking for the ids of URL rewrites: %w", err)
		}
		if !low.Valid {
			continue
		}
		if first || low.Int64 < p.next {
			p.next = low.Int64
		}
		p.last = max(p.last, high.Int64)
		first = false
	}
	return p, nil
}

// continueRewrites compares the next slices.
func (r *rounds) continueRewrites(ctx context.Context, w *Rewrites) error {
	p := w.pass
	for started := time.Now(); p.next <= p.last; {
		if time.Since(started) > rewriteTime {
			return nil // the next evaluation goes on
		}
		s := span{p.next, min(p.last, p.next+p.width-1)}
		sides, err := r.rewriteDigests(ctx, &s)
		if err != nil {
			return err
		}
		rows := max(sides[0].rows, sides[1].rows)
		if rows > maxRewrites && p.width > 1 {
			p.width /= 2
			continue
		}
		if rows < maxRewrites/4 {
			p.width *= 2
		}
		p.take(s, sides)
	}
	w.pass = nil
	found := Rewrites{
		Known: true, Rows: [2]int{p.sums[0].rows, p.sums[1].rows}, ended: r.Now, spans: p.spans,
		More: p.differing > len(p.spans),
	}
	if p.sums[0] != p.sums[1] {
		found.Looks, found.Pending = w.Looks+1, r.pends(r.Log["core_url_rewrite"])
		if 2*p.differing > p.slices {
			found.spans = nil // the ids are others in Magento 2, so that they say nothing
		}
		if err := r.nameRewrites(ctx, &found, found.spans); err != nil {
			w.ended = time.Time{}
			return err
		}
	}
	*w = found
	return nil
}

func (p *rewritePass) take(s span, sides [2]digest) {
	for side := range sides {
		p.sums[side].add(sides[side])
	}
	p.slices++
	if sides[0] != sides[1] {
		p.differing++
		if len(p.spans) < maxRewriteSlices {
			p.spans = append(p.spans, s)
		}
	}
	p.next = s.high + 1
}

// confirmRewrites looks again at the slices in which a pass saw differences, or has another pass begin.
func (r *rounds) confirmRewrites(ctx context.Context, w *Rewrites) error {
	if len(w.spans) == 0 {
		w.ended = time.Time{}
		return nil
	}
	again := *w
	if err := r.nameRewrites(ctx, &again, w.spans); err != nil {
		return err
	}
	if again.Looks = 2; again.MissingCount+again.ExtraCount == 0 {
		again.Looks, again.ended = 0, time.Time{} // they are equal by now: another pass shows the rest
	}
	again.Pending = r.pends(r.Log["core_url_rewrite"])
	*w = again
	return nil
}

// within is the condition for the ids of a slice, none for all.
func within(s *span) string {
	if s == nil || *s == (span{}) {
		return ""
	}
	return fmt.Sprintf(" AND u.url_rewrite_id BETWEEN %d AND %d", s.low, s.high)
}

func (r *rounds) rewriteDigests(ctx context.Context, s *span) (sides [2]digest, err error) {
	for side, source := range r.rewriteSources() {
		d := &sides[side]
		query := fmt.Sprintf("SELECT COUNT(*), CAST(COALESCE(SUM(c), 0) AS CHAR), "+
			"CAST(COALESCE(BIT_XOR(c), 0) AS CHAR) FROM (SELECT %s AS c FROM %s%s LIMIT %d) x",
			fingerprint, source, within(s), maxRewrites+1)
		err = r.query(ctx, side, query, func(scan func(...any) error) error { return scan(&d.rows, &d.crc, &d.xor) })
		if err != nil {
			return sides, fmt.Errorf("comparing URL rewrites: %w", err)
		}
	}
	return sides, nil
}

// nameRewrites finds the ids of the URL rewrites that differ in some slices.
func (r *rounds) nameRewrites(ctx context.Context, w *Rewrites, slices []span) error {
	var found [2]map[int64][]int64
	for side, source := range r.rewriteSources() {
		found[side] = map[int64][]int64{}
		for _, s := range slices {
			query := fmt.Sprintf("SELECT %s, u.url_rewrite_id FROM %s%s LIMIT %d", fingerprint, source, within(&s),
				maxRewrites+1)
			err := r.query(ctx, side, query, func(scan func(...any) error) error {
				var crc, id int64
				err := scan(&crc, &id)
				found[side][crc] = append(found[side][crc], id)
				return err
			})
			if err != nil {
				return fmt.Errorf("finding the URL rewrites that differ: %w", err)
			}
		}
	}
	w.Missing, w.MissingCount = surplus(found[0], found[1])
	w.Extra, w.ExtraCount = surplus(found[1], found[0])
	return nil
}
