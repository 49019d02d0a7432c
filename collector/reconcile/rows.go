package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
)

const (
	// fine is how many rows are compared one by one, buckets how many parts a longer range is cut into.
	fine, buckets = 2000, 64
	// maxSlice and maxGroups bound what a statement for groups reads and returns.
	maxSlice, maxGroups = 200000, 5000
	// dirtyLooks is how many older ranges one look narrows, enoughRows how many rows are enough to name.
	dirtyLooks, enoughRows = 3, 100
	// maxRows is how many differing rows of a comparison are kept.
	maxRows = 1000
)

// Kind is how a row differs.
type Kind int

// The kinds.
const (
	// Missing: Magento 2 does not have it.
	Missing Kind = iota
	// Extra: Magento 1 does not have it.
	Extra
	// Changed: the systems have different values.
	Changed
)

// rowID names a row, or several where the key is not unique; label is the attribute of a value.
type rowID struct {
	key   int64
	label string
}

// Row is a row that differs.
type Row struct {
	Kind Kind
	// Shown is what people know it by.
	Shown string
	// Columns are those that differ.
	Columns []string
	// Pending is true while its change waits in the log.
	Pending bool
	// Stamped is true when all that differs are times that Magento 1 does not have and Magento 2 must, or a password's
	// hash that Magento 2 has made again.
	Stamped bool
	// Later is true when the row of Magento 2 is the younger one: it was changed there. Touched is true when that time
	// is all that differs.
	Later, Touched bool

	rehashed bool
	prints   [2]string
	looks    int
	// since is when it was seen first, as it is now.
	since time.Time
}

// explained reports whether the row's difference is none by a rule.
func (r Row) explained() bool { return r.Pending || r.Touched || r.Stamped }

// group is what one side says of a group of rows.
type group struct {
	rows       int
	crc, xor   string
	lost       int
	shown      string
	updated    string
	nulls      string
	columnSums []string
}

func (g group) equals(other group) bool {
	return g.rows == other.rows && g.crc == other.crc && g.xor == other.xor
}

// narrow finds the rows of a range that differ, in at most two steps, the first for parts of the range. It returns the
// parts that have such rows.
func (r *rounds) narrow(ctx context.Context, c *comparison, s span, rows int, found map[rowID]Row) ([]span, error) {
	ranges := []span{s}
	if width := uint64(s.high-s.low)/buckets + 1; width > 1 && rows > fine {
		var err error
		if ranges, err = r.parts(ctx, c, s, width); err != nil {
			return nil, err
		}
	}
	if len(ranges) == 0 {
		return nil, nil
	}
	sides, err := r.groups(ctx, c, ranges, s.low, 1)
	if err != nil {
		return nil, err
	}
	var differing []int64
	for id := range ids(sides) {
		a, b := sides[0][id], sides[1][id]
		if a.equals(b) || a.lost+b.lost > 0 { // what has no checksum is not compared, and said to be
			continue
		}
		differing = append(differing, id.key)
		if len(found) == maxRows {
			c.more = true
			continue
		}
		found[id] = c.row(a, b)
	}
	return slices.DeleteFunc(ranges, func(s span) bool {
		return !slices.ContainsFunc(differing, func(key int64) bool { return s.low <= key && key <= s.high })
	}), nil
}

// ids yields the ids of both sides, in order.
func ids(sides [2]map[rowID]group) func(yield func(rowID) bool) {
	var all []rowID
	for id := range sides[0] {
		all = append(all, id)
	}
	for id := range sides[1] {
		if _, known := sides[0][id]; !known {
			all = append(all, id)
		}
	}
	slices.SortFunc(all, func(a, b rowID) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		}
		return strings.Compare(a.label, b.label)
	})
	return slices.Values(all)
}

// parts returns the ranges within s that differ, with at most as many rows as are compared one by one.
func (r *rounds) parts(ctx context.Context, c *comparison, s span, width uint64) ([]span, error) {
	sides, err := r.groups(ctx, c, []span{s}, s.low, width)
	if err != nil {
		return nil, err
	}
	type part struct{ rows [2]int }
	differing := map[int64]part{}
	for id := range ids(sides) {
		if a, b := sides[0][id], sides[1][id]; !a.equals(b) {
			p := differing[id.key]
			p.rows[0] += a.rows
			p.rows[1] += b.rows
			differing[id.key] = p
		}
	}
	var keys []int64
	for key := range differing {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var ranges []span
	rows := 0
	for _, key := range keys {
		p := differing[key]
		if rows += max(p.rows[0], p.rows[1]); rows > fine && len(ranges) > 0 {
			c.more = true
			break
		}
		low := s.low + key*int64(width)
		ranges = append(ranges, span{low, min(s.high, low+int64(width)-1)})
	}
	return ranges, nil
}

// row compares two groups of one row.
func (c *comparison) row(a, b group) Row {
	row := Row{Shown: a.shown, prints: [2]string{a.crc, b.crc}}
	if a.rows == 0 {
		row.Shown = b.shown
	}
	switch {
	case a.rows > 0 && b.rows == 0:
		row.Kind = Missing
		return row
	case a.rows == 0:
		row.Kind = Extra
		return row
	}
	row.Kind = Changed
	for i, col := range c.compared() {
		switch {
		case a.columnSums[i] == b.columnSums[i]:
		case col.stamped && a.rows == b.rows && len(a.nulls) == len(c.compared()) && a.nulls[i] == '1':
			row.Stamped = true
		case col.password && i < len(b.nulls) && b.nulls[i] == markRehashed:
			row.Stamped, row.rehashed = true, true
		default:
			row.Columns = append(row.Columns, col.names[0])
		}
	}
	row.Stamped = row.Stamped && len(row.Columns) == 0
	row.Later = b.updated > a.updated
	row.Touched = row.Later && slices.Equal(row.Columns, []string{"updated_at"})
	return row
}

// groups reads the groups of ranges on both sides.
func (r *rounds) groups(ctx context.Context, c *comparison, ranges []span, low int64, width uint64,
) (sides [2]map[rowID]group, err error) {
	for side := range sides {
		var conditions []string
		for _, s := range ranges {
			conditions = append(conditions, fmt.Sprintf("%s BETWEEN %d AND %d", c.key(side), s.low, s.high))
		}
		query := c.groups(side, strings.Join(conditions, " OR "), low, width)
		sides[side] = map[rowID]group{}
		err := r.query(ctx, c.on[side], query, func(scan func(...any) error) error {
			var id rowID
			var g group
			dest := []any{&id.key, &id.label, &g.rows, &g.crc, &g.xor, &g.lost, &g.shown, &g.nulls, &g.updated}
			if width == 1 {
				g.columnSums = make([]string, len(c.compared()))
				for i := range g.columnSums {
					dest = append(dest, &g.columnSums[i])
				}
			}
			err := scan(dest...)
			sides[side][id] = g
			return err
		})
		if err != nil {
			return sides, err
		}
		if len(sides[side]) == maxGroups {
			return sides, fmt.Errorf("more than %d groups of rows", maxGroups)
		}
	}
	return sides, nil
}

// Logged is the log of one document of Magento 1.
type Logged struct {
	// Name is the log table's whole name, Table the document's, Keys are its columns.
	Name, Table string
	Keys        []string
	// Read reports whether a step of the tool reads it.
	Read bool
	// Waiting and Marked are how many of its rows wait and how many are marked as processed.
	Waiting, Marked int
}

// waits is the condition for a row of the log whose change is on its way. A marked row is while the tool works: steps
// that come later in a cycle read it too.
func (r *rounds) waits(alias string) string {
	if r.Running {
		return alias + ".processed IN (0, 1)"
	}
	return alias + ".processed = 0"
}

func (r *rounds) pends(l Logged) bool { return l.Read && (l.Waiting > 0 || r.Running && l.Marked > 0) }

// explain marks the rows whose changes wait in the log. The log is read after both systems: a row that was changed
// while they were compared is in it.
func (r *rounds) explain(ctx context.Context, c *comparison, found map[rowID]Row) error {
	document := c.Document
	if c.Level == Grid {
		document = c.Parent
	}
	pending := map[int64]bool{}
	for _, d := range append([]string{document}, c.explainers()...) {
		l := r.Log[d]
		if !r.pends(l) || len(found) == 0 || len(c.Hashed) > 0 {
			continue
		}
		keys, err := r.pendingKeys(ctx, c, l, found)
		if err != nil {
			return fmt.Errorf("looking for rows of %s in the delta log: %w", c.Document, err)
		}
		maps.Copy(pending, keys)
	}
	deleted, err := r.deletesPending(ctx, c, document, found)
	if err != nil {
		return fmt.Errorf("looking for deleted rows of %s in the delta log: %w", c.Document, err)
	}
	for id, row := range found {
		row.Pending = pending[id.key] || deleted && row.Kind == Extra
		found[id] = row
	}
	return nil
}

func (r *rounds) pendingKeys(
	ctx context.Context,
	c *comparison,
	l Logged,
	found map[rowID]Row,
) (map[int64]bool, error) {
	var keys []string
	seen := map[int64]bool{}
	for id := range found {
		if !seen[id.key] {
			seen[id.key] = true
			keys = append(keys, fmt.Sprint(id.key))
		}
	}
	list := strings.Join(keys, ", ")
	key := c.keys[0]
	var query string
	if slices.Contains(l.Keys, key) {
		query = fmt.Sprintf("SELECT DISTINCT l.%s FROM %s l WHERE %s AND l.%[1]s IN (%[4]s)",
			database.Quote(key), database.Quote(l.Name), r.waits("l"), list)
	} else {
		var on []string
		for _, k := range l.Keys {
			on = append(on, fmt.Sprintf("t.%[1]s = l.%[1]s", database.Quote(k)))
		}
		query = fmt.Sprintf("SELECT DISTINCT t.%s FROM %s l JOIN %s t ON %s WHERE %s AND t.%[1]s IN (%[6]s)",
			database.Quote(key), database.Quote(l.Name), database.Quote(l.Table), strings.Join(on, " AND "),
			r.waits("l"), list)
	}
	pending := map[int64]bool{}
	err := r.query(ctx, magento1, query, func(scan func(...any) error) error {
		var key int64
		err := scan(&key)
		pending[key] = true
		return err
	})
	return pending, err
}

// deletesPending reports whether a deletion waits that may explain rows that only Magento 2 has: of the document
// itself, or of its parent, whose deletion takes them along.
func (r *rounds) deletesPending(ctx context.Context, c *comparison, document string, found map[rowID]Row,
) (bool, error) {
	extra := false
	for _, row := range found {
		extra = extra || row.Kind == Extra
	}
	if !extra {
		return false, nil
	}
	for _, d := range []string{document, c.Parent} {
		l := r.Log[d]
		if !r.pends(l) {
			continue
		}
		waits := false
		query := fmt.Sprintf("SELECT 1 FROM %s l WHERE l.operation = 'DELETE' AND %s LIMIT 1",
			database.Quote(l.Name), r.waits("l"))
		err := r.query(ctx, magento1, query, func(scan func(...any) error) error {
			waits = true
			var one int
			return scan(&one)
		})
		if waits || err != nil {
			return waits, err
		}
	}
	return false, nil
}

// countStale counts the rows of a grid that are missing or old, up to one above the window. It is -1 when that failed:
// the number is for a chart only.
func (r *rounds) countStale(ctx context.Context, c *comparison) int {
	if !c.more {
		n := 0
		for _, row := range c.rows {
			if row.Kind != Extra && !row.explained() {
				n++
			}
		}
		return n
	}
	differs := []string{"g." + database.Quote(c.keys[1]) + " IS NULL"}
	for _, col := range c.compared() {
		differs = append(differs, fmt.Sprintf("NOT (t.%s <=> g.%s)",
			database.Quote(col.names[0]), database.Quote(col.names[1])))
	}
	query := fmt.Sprintf("SELECT COUNT(*) FROM (SELECT 1 FROM %s t LEFT JOIN %s g ON g.%s = t.%s WHERE %s LIMIT "+
		"%d) x",
		database.Quote(c.table(0)), database.Quote(c.table(1)), database.Quote(c.keys[1]),
		database.Quote(c.keys[0]), strings.Join(differs, " OR "), window+1)
	n := -1
	err := r.query(ctx, magento2, query, func(scan func(...any) error) error { return scan(&n) })
	if err != nil {
		return -1
	}
	return n
}
