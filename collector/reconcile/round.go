package reconcile

import (
	"cmp"
	"context"
	"slices"
	"time"

	"magento_migration_exporter/config/toolmap"
)

const (
	// maxStatements and maxTime are what comparing costs at most in one evaluation, apart from older rows.
	maxStatements = 8
	maxTime       = 120 * time.Millisecond
	// firstHistory is how long one evaluation compares older rows until they all were compared once, laterHistory from
	// then on.
	firstHistory, laterHistory = time.Second, 300 * time.Millisecond
	// enoughLooks is how many looks in a row see a difference without a row before it is reported: rows that change
	// meanwhile make one look like that.
	enoughLooks = 3
	// always is the entity that is compared in each evaluation.
	always = "order"
)

// Input is what a round needs to know beside the databases.
type Input struct {
	Now time.Time
	// Turn counts the evaluations. Brief says that this one has read the schemas again: it compares only what each one
	// does.
	Turn  int
	Brief bool
	// Log is the delta log by document, nil when there is none. Running reports whether the tool's delta is at work.
	Log     map[string]Logged
	Running bool
	// SettingsRules reads the tool's map of settings, Classes its class map. Nil, or a nil map, means that there is
	// none.
	SettingsRules func() (*toolmap.Settings, error)
	Classes       func() (*toolmap.ClassMap, error)
	// Cycle is how long one of its cycles takes while it is at work, else 0: later steps of a cycle deliver what
	// belongs to what earlier ones have delivered.
	Cycle time.Duration
}

// Difference is rows of one pair that differ in the same way.
type Difference struct {
	Pair Pair
	Kind Kind
	// Columns are the columns or attributes that differ, of changed rows.
	Columns []string
	// Shown are what people know the rows by, Keys are their keys; both are the first ones. Count is how many there
	// are; More is true when there are others.
	Shown []string
	Keys  []int64
	Count int
	More  bool
	// Later is true when Magento 2's rows are the younger ones.
	Later bool

	last int64
}

// Outcome is what is known of one pair.
type Outcome struct {
	Pair Pair
	// Looked is false until the first look has ended. Err is why the last one failed.
	Looked bool
	Err    error
	// Rows are counted on each side. Counted is false while that is not known of all rows of a large table.
	Rows    [2]int
	Counted bool
	// Equal reports whether the last look found no difference, or only such as have an explanation.
	Equal bool
	// Differences were seen twice, with nothing pending.
	Differences []Difference
	// Suspects differ and were seen once, or for less than a cycle of a delta that is at work; Pending differ and wait
	// in the log; Own are rows that Magento 2 took itself; Touched are rows that only a later updated_at in Magento 2
	// tells apart.
	Suspects, Pending, Own, Touched int
	// Lost is how many rows could not be compared, because their checksum could not be computed.
	Lost int
	// Unfound is true when the tables differ and no row was found that does.
	Unfound bool
	// Hidden is true when all rows that were found have an explanation, and there are too many to look at the others.
	Hidden bool
	// Stale is how many rows of a grid are missing or old, -1 where that is not known.
	Stale int
	// Progress is how much of a large table has been compared at least once.
	Progress float64
	// Tables are both tables' whole names.
	Tables [2]string
}

// Report is what all rounds so far have found.
type Report struct {
	Outcomes []Outcome
	// Skipped are pairs that are not compared, Columns columns that are not.
	Skipped, Columns []Skipped
	// Traces are what the last steps leave; TracesErr is why they are not known.
	Traces    Traces
	TracesErr error
	// Open is true while something was not compared yet, or a difference has to be seen again.
	Open bool
	// Again is after how long differences have lasted for a cycle; 0 where none has to.
	Again time.Duration
	// Statements is how many this round sent.
	Statements int
}

// Round compares what one evaluation has time for, and reports all that is known.
func (p *Plan) Round(ctx context.Context, sides [2]Side, in Input) Report {
	r := &rounds{sides: sides, Input: in}
	p.open()
	defer p.close()
	started := time.Now()
	for i, batch := range batches(order(p.entities())) {
		if ctx.Err() != nil || i > 0 && in.Brief ||
			i > 1 && (r.statements >= maxStatements || time.Since(started) > maxTime) {
			break
		}
		r.look(ctx, batch)
	}
	p.older(ctx, r)
	err := p.trace(ctx, r)
	report := p.report(r)
	report.Traces, report.TracesErr = p.Traces, err
	report.Open = report.Open || err == nil && p.Traces.Open
	return report
}

// batches puts the entity that is compared in each evaluation first, and together what has few rows: one statement a
// side reads about as many rows as the window has.
func batches(entities [][]*comparison) [][]*comparison {
	isAlways := func(entity []*comparison) bool { return entity[0].Entity == always && entity[0].Level != Grid }
	slices.SortStableFunc(entities, func(a, b []*comparison) int {
		switch first, second := isAlways(a), isAlways(b); {
		case first == second:
			return 0
		case first:
			return -1
		}
		return 1
	})
	var all [][]*comparison
	full := 0
	for _, entity := range entities {
		rows := 0
		for _, c := range entity {
			rows += c.expected()
		}
		if len(all) == 0 || full+rows > window {
			all, full = append(all, nil), 0
		}
		last := len(all) - 1
		all[last], full = append(all[last], entity...), full+rows
	}
	return all
}

// expected is about how many rows the next look reads of each side.
func (c *comparison) expected() int {
	switch {
	case c.looks == 0:
		return c.estimate
	case c.large:
		return window
	}
	return min(window, max(c.sides[0].rows, c.sides[1].rows))
}

// older compares older rows of large tables, for a part of a second. The one that is furthest behind comes first.
func (p *Plan) older(ctx context.Context, r *rounds) {
	limit := laterHistory
	var due []*comparison
	for _, c := range p.comparisons {
		if c.due(r.Now) {
			due = append(due, c)
			if !c.done {
				limit = firstHistory
			}
		}
	}
	for started := time.Now(); len(due) > 0 && time.Since(started) < limit && ctx.Err() == nil; {
		slices.SortStableFunc(due, func(a, b *comparison) int { return cmp.Compare(a.progress(), b.progress()) })
		c := due[0]
		if err := r.slice(ctx, c); err != nil {
			c.err = err
		}
		if !c.due(r.Now) {
			due = due[1:]
		}
	}
}

func (p *Plan) report(r *rounds) Report {
	report := Report{Skipped: p.Skipped, Columns: p.Columns, Statements: r.statements}
	for _, c := range p.comparisons {
		o, again := c.outcome(r.Input)
		report.Again = max(report.Again, again)
		report.Outcomes = append(report.Outcomes, o)
		if c.rehashed {
			report.Columns = append(slices.Clip(report.Columns),
				c.notCompared("."+passwordHash, "Magento 2 has made them again"))
		}
		goesOn := o.Progress < 1 && len(c.dirty) < maxDirty
		report.Open = report.Open || o.Err == nil && (!o.Looked || o.Suspects > 0 && again == 0 || goesOn)
	}
	return report
}

// outcome is what is known of a comparison, and after how long a difference has lasted for a cycle.
func (c *comparison) outcome(in Input) (o Outcome, again time.Duration) {
	o = Outcome{
		Pair: c.Pair, Tables: c.names(), Looked: c.looks > 0, Err: c.err, Lost: c.lost, Stale: c.stale,
		Own:     c.sides[1].own,
		Counted: !c.large || c.done, Progress: c.progress(),
	}
	for side := range c.sides {
		o.Rows[side] = c.sides[side].rows + c.older[side]
	}
	o.Rows[1] += o.Own
	byWay := map[string]*Difference{}
	var ways []string
	for _, id := range c.sorted() {
		row := c.rows[id]
		switch {
		case row.Pending:
			o.Pending++
			continue
		case row.Touched:
			o.Touched++
			continue
		case row.Stamped:
			continue
		case row.looks < 2 || in.Now.Sub(row.since) < in.Cycle:
			o.Suspects++
			again = max(again, in.Cycle-in.Now.Sub(row.since))
			continue
		}
		columns := row.Columns
		if id.label != "" {
			columns = []string{id.label}
		}
		way := wayOf(row, columns)
		d := byWay[way]
		if d == nil {
			d = &Difference{Pair: c.Pair, Kind: row.Kind, Columns: columns, More: c.more, Later: row.Later}
			byWay[way] = d
			ways = append(ways, way)
		}
		d.add(id, row)
	}
	for _, way := range ways {
		o.Differences = append(o.Differences, *byWay[way])
	}
	if c.fresh || c.unfound > 0 && c.unfound < enoughLooks {
		o.Suspects++
	}
	o.Unfound = c.unfound >= enoughLooks
	o.Hidden = c.more && o.Pending == 0 && o.Suspects == 0 && len(o.Differences) == 0
	o.Equal = o.Looked && len(o.Differences) == 0 && o.Suspects == 0 && !o.Unfound && !o.Hidden && o.Lost == 0
	return o, again
}
