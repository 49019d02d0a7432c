package delta

import (
	"context"
	_ "embed" // the SQL files
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
)

const (
	// DefaultRate is how many rows a second a delta is taken to deliver until one was seen: runs had 500 to 24 600.
	DefaultRate = 1000.0
	// defaultCells is how many values a second a delta copies on a machine that is busy: rows of orders have 138 each.
	defaultCells = 75000.0
	// meterWindow is over how much time rates are measured, at most.
	meterWindow = 15 * time.Minute
	// maxSamples bounds what a meter keeps of the window, maxPoints what it keeps of a day.
	maxSamples, maxPoints = 200, 100
)

// Load is what is pending now.
type Load struct {
	At time.Time
	// Pending are rows that a step reads and that are not marked, Marked are those that are.
	Pending, Marked int
	// Cells are the pending rows' values.
	Cells float64
	// Running says whether a delta runs, Cycle how long one of its cycles takes.
	Running bool
	Cycle   time.Duration
}

// Rates are in rows a second.
type Rates struct {
	// Known is true when the arrival was measured over at least one whole cycle.
	Known   bool
	Arrival float64
	// Delivery is what a delta delivers while it delivers. Measured is false for DefaultRate.
	Delivery float64
	Measured bool
	// Drain is how long it takes until nothing is pending, in seconds: +Inf when more arrives than is delivered.
	Drain float64
	// Closed is how long it takes after Magento 1 was closed, in seconds.
	Closed float64
}

// Point is one moment of a backlog, for charts. Rates that were not measured yet are 0 and not known.
type Point struct {
	At                          time.Time
	Pending                     int
	Arrival, Delivery           float64
	ArrivalKnown, DeliveryKnown bool
}

// Meter measures rates from one evaluation to the next. The zero value has measured nothing.
type Meter struct {
	samples []Load
	// arrival and best are the last arrival that was measured and the best delivery.
	arrival, best float64
	// points are spacing apart at least; latest is newer than the last of them.
	points  []Point
	spacing time.Duration
	latest  Point
}

// Add takes in what is pending now and returns the rates.
func (m *Meter) Add(l Load) Rates {
	if n := len(m.samples); n > 0 && m.samples[n-1].Running != l.Running {
		m.samples = nil // what was measured with the delta says nothing without it
	}
	m.samples = append(m.samples, l)
	m.samples = slices.DeleteFunc(m.samples, func(s Load) bool { return l.At.Sub(s.At) > meterWindow })
	m.samples = m.samples[max(0, len(m.samples)-maxSamples):]
	r := Rates{Known: l.At.Sub(m.samples[0].At) >= l.Cycle && len(m.samples) > 1}
	if r.Known {
		m.measure(l)
	}
	r.Arrival, r.Delivery, r.Measured = m.arrival, m.best, m.best > 0
	if !r.Measured {
		r.Delivery = max(DefaultRate, 0)
	}
	r.Drain, r.Closed = r.times(l)
	m.remember(Point{l.At, l.Pending, m.arrival, m.best, r.Known, r.Measured})
	return r
}

// measure updates what is known of arrival and delivery. Rows come and go within a cycle of seconds, so that with a
// delta at work only the difference of both is seen while a backlog grows or shrinks, and their equality while it does
// neither.
func (m *Meter) measure(l Load) {
	first := m.samples[0]
	net := float64(l.Pending-first.Pending) / l.At.Sub(first.At).Seconds()
	if !l.Running {
		m.arrival = max(0, net)
		return
	}
	mean := 0.0
	for _, s := range m.samples {
		mean += float64(s.Pending) / float64(len(m.samples))
	}
	cycle := l.Cycle.Seconds()
	// What arrives in two cycles waits in the log of a delta that keeps up.
	usual := 2*m.arrival*cycle + usualRows
	switch {
	case float64(first.Pending-l.Pending) > usual:
		m.best = max(m.best, m.arrival-net)
	case float64(l.Pending-first.Pending) > usual:
		delivery := m.best
		if delivery == 0 {
			delivery = DefaultRate
		}
		m.arrival = delivery + net
	case mean > usual && m.still():
		m.arrival = max(0, net)
	default:
		m.arrival = min(2*mean/cycle, m.rate())
	}
}

// still reports whether no sample shows that a row was delivered: the tool works on its first page, which can take
// minutes.
func (m *Meter) still() bool {
	for i, s := range m.samples[1:] {
		if before := m.samples[i]; s.Marked != before.Marked || s.Pending < before.Pending {
			return false
		}
	}
	return true
}

// usualRows is a number of rows that is no backlog.
const usualRows = 500

func (m *Meter) rate() float64 {
	if m.best > 0 {
		return m.best
	}
	return DefaultRate
}

// times returns how long it takes until nothing is pending: as things go, and after Magento 1 was closed. Two whole
// cycles belong to the latter: the one that runs, and one that begins after the last write.
func (r Rates) times(l Load) (drain, closed float64) {
	rows := float64(l.Pending + l.Marked)
	work := rows / r.Delivery
	if !r.Measured {
		work = max(work, l.Cells/defaultCells)
	}
	closed = work + 2*l.Cycle.Seconds()
	switch {
	case rows == 0:
		return 0, 0
	case r.Arrival >= r.Delivery:
		return math.Inf(1), closed
	}
	return work*r.Delivery/(r.Delivery-r.Arrival) + l.Cycle.Seconds(), closed
}

// remember keeps the last day: each moment at first, and ever fewer of them, so that there are at most maxPoints.
func (m *Meter) remember(p Point) {
	const day = 24 * time.Hour
	m.latest = p
	m.points = slices.DeleteFunc(m.points, func(old Point) bool { return p.At.Sub(old.At) > day })
	if n := len(m.points); n > 0 && p.At.Sub(m.points[n-1].At) < m.spacing {
		return
	}
	m.points = append(m.points, p)
	for len(m.points) >= maxPoints {
		m.spacing = max(2*m.spacing, time.Second)
		var last time.Time
		m.points = slices.DeleteFunc(m.points, func(old Point) bool {
			near := !last.IsZero() && old.At.Sub(last) < m.spacing
			if !near {
				last = old.At
			}
			return near
		})
	}
}

// Points are those of the last day, oldest first, with the newest.
func (m *Meter) Points() []Point {
	points := slices.Clone(m.points)
	if n := len(points); n > 0 && m.latest.At.After(points[n-1].At) {
		points = append(points, m.latest)
	}
	return points
}

// Group is what is pending of one group of the tool's delta files.
type Group struct {
	Name    string
	Pending int
	// Capped is true when a table has more than was counted.
	Capped bool
}

// Waiting is a table that no step reads, with what waits there.
type Waiting struct {
	Standing
	Rows int
}

// Backlog is what is in the log, by what becomes of it.
type Backlog struct {
	// Groups are those that a step reads, sorted by name.
	Groups []Group
	// Pending and Marked are their sums; Orphaned are rows that are never delivered because their own row is gone.
	Pending, Marked, Orphaned int
	// Orders are the pending rows of sales_flat_order.
	Orders int
	// MarkedTables are the log tables with marked rows.
	MarkedTables []string
	// Unset are rows whose mark is NULL, UnsetTables the log tables that have them.
	Unset       int
	UnsetTables []string
	// Unread are the tables with rows that nobody reads, without the sales grids.
	Unread []Waiting
	Rates  Rates
	Points []Point
}

// NewBacklog sorts the counts. Columns are the numbers of columns of Magento 1's tables, for the cells.
func NewBacklog(standings []Standing, counts map[string]Count, columns map[string]int) (b Backlog, cells float64) {
	groups := map[string]*Group{}
	for _, s := range standings {
		c := counts[s.Document]
		switch {
		case !s.Read && s.Rebuilt:
			continue
		case !s.Read:
			if c.Rows > 0 {
				b.Unread = append(b.Unread, Waiting{s, c.Rows})
			}
			continue
		}
		g := groups[s.Group]
		if g == nil {
			g = &Group{Name: s.Group}
			groups[s.Group] = g
		}
		g.Pending += c.Pending()
		g.Capped = g.Capped || c.Rows > CountCap && !c.Exact
		b.Pending += c.Pending()
		b.Marked += c.Marked
		b.Orphaned += c.Orphaned
		if c.Marked > 0 {
			b.MarkedTables = append(b.MarkedTables, s.LogName)
		}
		if b.Unset += c.Unset; c.Unset > 0 {
			b.UnsetTables = append(b.UnsetTables, s.LogName)
		}
		if s.Document == "sales_flat_order" {
			b.Orders = c.Pending()
		}
		cells += float64(c.Pending()) * float64(columns[s.Name])
	}
	for _, g := range groups {
		b.Groups = append(b.Groups, *g)
	}
	slices.SortFunc(b.Groups, func(x, y Group) int { return strings.Compare(x.Name, y.Name) })
	return b, cells
}

// ColumnCounts returns how many columns each table of the database has.
func ColumnCounts(ctx context.Context, s *database.Session) (map[string]int, error) {
	counts := map[string]int{}
	const query = "SELECT TABLE_NAME, COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()" +
		" GROUP BY TABLE_NAME LIMIT 50000"
	err := s.Rows(ctx, query, nil, func(scan func(...any) error) error {
		var name string
		var n int
		err := scan(&name, &n)
		counts[name] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("counting the columns of Magento 1's tables: %w", err)
	}
	return counts, nil
}

// Newest returns the highest keys of all logged tables as one text: while it stays the same, Magento 1 gets no new
// rows. Empty is true when none of these tables has a row.
func Newest(ctx context.Context, s *database.Session, standings []Standing) (newest string, empty bool, err error) {
	var parts []string
	for i, t := range standings {
		if !t.Absent && !t.View && len(t.Keys) == 1 && t.countable() {
			parts = append(parts, fmt.Sprintf("SELECT %d, COALESCE(MAX(%s), 0) FROM %s",
				i, database.Quote(t.Keys[0]), database.Quote(t.Name)))
		}
	}
	if len(parts) == 0 {
		return "", false, nil
	}
	empty = true
	var all strings.Builder
	err = s.Rows(ctx, strings.Join(parts, " UNION ALL "), nil, func(scan func(...any) error) error {
		var i int
		var key string
		err := scan(&i, &key)
		empty = empty && key == "0"
		fmt.Fprintf(&all, "%d:%s ", i, key)
		return err
	})
	if err != nil {
		return "", false, fmt.Errorf("reading the highest ids of Magento 1's logged tables: %w", err)
	}
	return all.String(), empty, nil
}

//go:embed sql/written.sql
var writtenQuery string

// Written returns when a log table was written last, as far as the server remembers it, as a text: while it stays the
// same, nothing was logged, also nothing that was delivered at once.
func Written(ctx context.Context, s *database.Session, prefix string) (string, error) {
	var at string
	err := s.Row(ctx, writtenQuery, []any{database.EscapeLike(prefix+"m2_cl_") + "%"}, &at)
	if err != nil {
		return "", fmt.Errorf("asking when the log was written: %w", err)
	}
	return at, nil
}
