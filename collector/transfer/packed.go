package transfer

import (
	"encoding/binary"
	"maps"
	"math"
	"time"
	"unique"
)

// memory is what looks have found out.
type memory struct {
	plan    *Plan
	samples map[string]Sample
	fat     map[string]*fatSearch
}

// packed is a memory between two looks: of a shop with 200 tables it takes some kB instead of 50.
type packed struct {
	// since is what the times count from, in milliseconds since 1970.
	since int64
	// tables are the names of the tables and what does not change with their rows. Migrations with the same ones keep
	// the same text; it is forgotten with the last one.
	tables    unique.Handle[string]
	unplanned []string
	// numbers are the tables' sizes, samples and ended searches, in the order of tables.
	numbers []byte
	// searches are those that have not ended, by document.
	searches map[string]*fatSearch
}

// What is known of a table, in packed.numbers.
const (
	isSampled = 1 << iota
	isDirect
	// isCurrent says that the table has as many rows and bytes as when it was sampled.
	isCurrent
	isSearched
)

// What a table is, in packed.tables.
const (
	hasEntities = 1 << iota
	hasValues
	isCompressed
	isLong
)

// writer appends numbers, texts and times.
type writer struct {
	b     []byte
	since int64
}

func (w *writer) number(n int64) { w.b = binary.AppendVarint(w.b, n) }

func (w *writer) text(s string) {
	w.number(int64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) time(t time.Time) { w.number(t.UnixMilli() - w.since) }

// flags appends a number with a bit for each flag that is true.
func (w *writer) flags(flags ...bool) {
	n := int64(0)
	for i, flag := range flags {
		if flag {
			n |= 1 << i
		}
	}
	w.number(n)
}

// reader reads what a writer wrote. At the end it reads zeros.
type reader struct {
	b     string
	since int64
}

func (r *reader) number() int64 {
	n, size := binary.Varint([]byte(r.b[:min(len(r.b), binary.MaxVarintLen64)]))
	r.b = r.b[max(0, size):]
	return n
}

func (r *reader) text() string {
	n := min(int(r.number()), len(r.b))
	s := r.b[:n]
	r.b = r.b[n:]
	return s
}

func (r *reader) time() time.Time { return time.UnixMilli(r.since + r.number()) }

// pack packs a memory; nil without a plan.
func (m *memory) pack(since time.Time) *packed {
	if m.plan == nil {
		return nil
	}
	p := &packed{since: since.UnixMilli(), unplanned: m.plan.Unplanned}
	names, numbers := &writer{}, &writer{since: p.since}
	for _, t := range m.plan.Tables {
		names.text(t.Document)
		names.text(t.Target)
		names.text(t.mapOption)
		names.number(int64(t.Columns[0]))
		names.number(int64(t.Columns[1]))
		names.flags(t.entity, t.values, t.compressed, t.long)
		m.packNumbers(numbers, t)
		if s := m.fat[t.Document]; s != nil && !s.done {
			if p.searches == nil {
				p.searches = map[string]*fatSearch{}
			}
			p.searches[t.Document] = s
		}
	}
	p.tables, p.numbers = unique.Make(string(names.b)), append([]byte(nil), numbers.b...)
	return p
}

func (m *memory) packNumbers(w *writer, t Table) {
	w.number(t.Rows)
	w.number(t.Bytes)
	w.number(t.average)
	s, sampled := m.samples[t.Document]
	search := m.fat[t.Document]
	current, searched := s.rows == t.Rows && s.bytes == t.Bytes, search != nil && search.done
	w.flags(sampled, s.Direct, current, searched)
	if sampled {
		if !current {
			w.number(s.rows)
			w.number(s.bytes)
		}
		for _, n := range []int{s.Rows, s.Measured, s.Values, s.pending} {
			w.number(int64(n))
		}
		w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(s.Width))
		w.time(s.at)
	}
	if searched {
		w.number(search.rows)
		w.number(search.bytes)
		w.time(search.ended)
		w.number(search.longest.Bytes)
		w.text(search.longest.Key)
		w.text(search.longest.ID)
	}
}

// open returns the memory that was packed; an empty one where nothing was.
func (p *packed) open() memory {
	m := memory{samples: map[string]Sample{}, fat: map[string]*fatSearch{}}
	if p == nil {
		return m
	}
	m.plan = &Plan{Unplanned: p.unplanned}
	names, numbers := &reader{b: p.tables.Value()}, &reader{b: string(p.numbers), since: p.since}
	for names.b != "" {
		t := Table{Document: names.text(), Target: names.text(), mapOption: names.text()}
		t.Columns = [2]int{int(names.number()), int(names.number())}
		flags := names.number()
		t.entity, t.values = flags&hasEntities != 0, flags&hasValues != 0
		t.compressed, t.long = flags&isCompressed != 0, flags&isLong != 0
		t.Rows, t.Bytes, t.average = numbers.number(), numbers.number(), numbers.number()
		m.openNumbers(numbers, t)
		m.plan.Tables = append(m.plan.Tables, t)
	}
	maps.Copy(m.fat, p.searches)
	return m
}

func (m *memory) openNumbers(r *reader, t Table) {
	flags := r.number()
	if flags&isSampled != 0 {
		s := Sample{Direct: flags&isDirect != 0, rows: t.Rows, bytes: t.Bytes}
		if flags&isCurrent == 0 {
			s.rows, s.bytes = r.number(), r.number()
		}
		s.Rows, s.Measured, s.Values, s.pending = int(r.number()), int(r.number()), int(r.number()), int(r.number())
		if len(r.b) >= 8 {
			s.Width = math.Float64frombits(binary.LittleEndian.Uint64([]byte(r.b[:8])))
			r.b = r.b[8:]
		}
		s.at = r.time()
		m.samples[t.Document] = s
	}
	if flags&isSearched == 0 {
		return
	}
	s := &fatSearch{rows: r.number(), bytes: r.number(), ended: r.time(), begun: true, done: true}
	s.longest = FatRow{Table: t, Bytes: r.number(), Key: r.text(), ID: r.text()}
	m.fat[t.Document] = s
}
