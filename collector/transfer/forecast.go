package transfer

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// Statement is the longest INSERT of a table to expect.
type Statement struct {
	Table Table
	// Rows is how many rows it has, Page how many fit on a page, Width the average length of a row, Bytes the length.
	Rows, Page int
	Width      float64
	Bytes      int64
	// Exact is true when all of its rows were measured.
	Exact bool
}

// head is what a statement has besides its rows, in bytes: the names of the columns, once or three times.
func head(t Table, delta bool) int64 {
	const name = 20
	bytes := int64(len("INSERT INTO  () VALUES ")+len(t.Target)) + int64(t.Columns[1]*name)
	if delta {
		bytes += int64(t.Columns[1] * (2*name + len("``=VALUES(``), ")))
	}
	return bytes
}

// Modes of the tool that insert rows.
const (
	ModeData  = "data"
	ModeDelta = "delta"
)

// statement predicts a table's longest statement. The tool separates values by a comma; Magento's own adapter, which
// delta uses, by a comma and a space. Data cuts a page of the source by the pages of the destination; delta does not.
func (s Sample) statement(t Table, page Page, mode string, pending int) Statement {
	st := Statement{Table: t, Page: page.Rows(t.Columns[0])}
	rows, separator := s.Rows, 1
	if mode == ModeDelta {
		rows, separator = pending, 2
	} else {
		st.Page = min(st.Page, page.Rows(t.Columns[1]))
	}
	st.Rows, st.Width = min(rows, st.Page), s.row(separator)
	st.Bytes = int64(st.Width*float64(st.Rows)) + head(t, mode == ModeDelta)
	st.Exact = s.Measured == s.Rows && st.Rows == s.Rows
	return st
}

// bound is more than a table's longest statement can be, as far as the server's estimates tell. A number takes 4 bytes
// in the table and up to 14 in a statement, a date 5 and 22.
func (t Table) bound(page Page, mode string, pending int) int64 {
	const perValue = 30
	average := 2 * t.average
	if t.compressed {
		average *= 10
	}
	rows := 2*t.Rows + sampleRows
	if mode == ModeDelta {
		rows = int64(pending)
	}
	return min(rows, int64(page.Rows(t.Columns[0])))*(average+int64(perValue*max(t.Columns[0], t.Columns[1]))) +
		head(t, true)
}

// Input is what one look works with.
type Input struct {
	Sides [2]Side
	// Key changes when the plan may have: with config.xml and its files.
	Key string
	// Sources reads the files, when they are needed.
	Sources func() (Sources, error)
	Page    Page
	// Packet is what Magento 2's server accepts, in bytes.
	Packet int64
	// Pending are the rows that wait in the delta log, by document; nil while there is no log.
	Pending map[string]int
	// Budget is how long the look may take, by Now. It ends after the statement that exceeds it.
	Budget time.Duration
	Now    func() time.Time
}

// Outlook is what the tool's statements will be, as far as all looks up to this one have found out.
type Outlook struct {
	Plan *Plan
	// Data and Delta are the statements of the tables that were measured, the longest first.
	Data, Delta []Statement
	// Fat are rows that no packet of Magento 2's server can hold.
	Fat []FatRow
	// Whole becomes true when no other table can have a longer statement.
	Whole bool
	// Measured is how many tables were measured, Left how many are still to be.
	Measured, Left int

	samples map[string]Sample
}

// Forecaster keeps what it measured from one look to the next. The zero value has not looked.
type Forecaster struct {
	key string
	// made is when the plan was made, looked when the present look began.
	made, looked time.Time
	// memory is for as long as a look takes, kept for the time until the next one.
	memory
	kept *packed
}

// replan is how often the sizes of the tables are read again. What changed since is measured again.
const replan = 10 * time.Minute

// Look measures the tables that can have the longest statements, those first, as many as the budget allows.
func (f *Forecaster) Look(ctx context.Context, in Input) (*Outlook, error) {
	start := in.Now()
	in.Sources = sync.OnceValues(in.Sources)
	f.memory = f.kept.open()
	defer func() { f.memory, f.kept = memory{}, f.pack(f.made) }()
	if f.plan == nil || f.key != in.Key || start.Sub(f.made) >= replan {
		sources, err := in.Sources()
		if err != nil {
			return nil, err
		}
		plan, err := NewPlan(ctx, in.Sides, sources)
		if err != nil {
			return nil, err
		}
		if f.key != in.Key {
			f.memory = (*packed)(nil).open()
		}
		f.plan, f.key, f.made = plan, in.Key, start
	}
	f.looked = start
	o := &Outlook{Plan: f.plan, samples: f.samples}
	measured := 0
	spent := func() bool { // never before the first statement, or nothing would ever be measured
		measured++
		return measured > 1 && in.Now().Sub(start) >= in.Budget
	}
	for _, mode := range []string{ModeData, ModeDelta} {
		if mode == ModeDelta && in.Pending == nil {
			continue
		}
		if err := f.measure(ctx, in, mode, o, spent); err != nil {
			return nil, err
		}
	}
	if err := f.searchFat(ctx, in, o, spent); err != nil {
		return nil, err
	}
	o.Whole = o.Left == 0
	o.Measured = len(f.samples)
	return o, nil
}

// measure measures tables in the order of their bounds, until no other one can have a longer statement than those
// measured, or one that is too long.
func (f *Forecaster) measure(ctx context.Context, in Input, mode string, o *Outlook, spent func() bool) error {
	type candidate struct {
		Table
		bound int64
	}
	var all []candidate
	for _, t := range f.plan.Tables {
		if pending := in.Pending[t.Document]; !t.values && (mode == ModeData || pending > 0) {
			all = append(all, candidate{t, t.bound(in.Page, mode, pending)})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.bound, a.bound) })
	var statements []Statement
	longest := int64(0)
	for _, c := range all {
		if c.bound <= longest && c.bound <= in.Packet/2 {
			break
		}
		s, known := f.samples[c.Document]
		switch {
		case known && s.current(c.Table, f.looked, in.Pending[c.Document]):
		case !spent():
			var err error
			if s, err = measure(ctx, in, c.Table, f.looked); err != nil {
				return err
			}
			f.samples[c.Document], known = s, true
		case !known:
			o.Left++
		}
		if known && !s.Direct { // an older sample is better than none
			st := s.statement(c.Table, in.Page, mode, in.Pending[c.Document])
			statements = append(statements, st)
			longest = max(longest, st.Bytes)
		}
	}
	slices.SortStableFunc(statements, func(a, b Statement) int { return cmp.Compare(b.Bytes, a.Bytes) })
	if mode == ModeData {
		o.Data = statements
	} else {
		o.Delta = statements
	}
	return nil
}

// With predicts the statements of migrate:data of the measured tables for another page.
func (o *Outlook) With(page Page) []Statement {
	var statements []Statement
	for _, t := range o.Plan.Tables {
		if s, ok := o.samples[t.Document]; ok && !s.Direct {
			statements = append(statements, s.statement(t, page, ModeData, 0))
		}
	}
	slices.SortStableFunc(statements, func(a, b Statement) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return statements
}
