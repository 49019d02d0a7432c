package reconcile

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"weak"
)

// definition is what two tables have in common, and how they are compared. It never changes. Shops whose schemas and
// map files say the same have the same one: a migration keeps a pointer of it, and not its texts.
type definition struct {
	Pair
	// on are the sides that have the tables, tables their names without the prefix, keys and sums the columns'.
	on                  [2]int
	tables, keys, shown [2]string
	sums                [2]string
	columns             []column
	// flats are values of Magento 1 that are columns in Magento 2.
	flats []flatValue
}

// flatValue is an attribute of Magento 1 and the document that has its values.
type flatValue struct {
	document string
	id       int64
}

// alias is what the table is called that has the value.
func (f flatValue) alias() string { return fmt.Sprintf("a%d", f.id) }

// explainers are the documents of the flat values, in whose log a difference can wait.
func (d *definition) explainers() []string {
	var documents []string
	for _, f := range d.flats {
		if !slices.Contains(documents, f.document) {
			documents = append(documents, f.document)
		}
	}
	return documents
}

// values are the compared attributes of a table of values: their codes, and their ids on each side in the same order.
type values struct {
	codes      []string
	attributes [2][]int64
	// leftover says of each attribute whether an attribute set lacks it: the last step of migrate:data removes what the
	// products of that set have of it.
	leftover []bool
}

func (v *values) equals(other *values) bool {
	if v == nil || other == nil {
		return v == other
	}
	return slices.Equal(v.codes, other.codes) && slices.Equal(v.attributes[0], other.attributes[0]) &&
		slices.Equal(v.attributes[1], other.attributes[1]) &&
		slices.Equal(v.leftover, other.leftover)
}

// Definitions share equal definitions among all migrations of a process. The zero value is ready. A definition is
// forgotten when no migration uses it any more.
type Definitions struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]weak.Pointer[definition]
	// sweep is the number of entries at which those that nobody uses are dropped.
	sweep int
}

// leastSweep is the number of definitions below which none is dropped.
const leastSweep = 1000

// share returns the definition that is equal to d.
func (s *Definitions) share(d *definition) *definition {
	key := sha256.Sum256(fmt.Appendf(nil, "%#v", *d))
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.known[key].Value(); known != nil {
		return known
	}
	if s.known == nil {
		s.known, s.sweep = map[[sha256.Size]byte]weak.Pointer[definition]{}, leastSweep
	}
	if len(s.known) >= s.sweep {
		for k, p := range s.known {
			if p.Value() == nil {
				delete(s.known, k)
			}
		}
		s.sweep = max(leastSweep, 2*len(s.known))
	}
	s.known[key] = weak.Make(d)
	return d
}

// kept is a comparison between two evaluations. There are about a hundred of each migration.
type kept struct {
	definition *definition
	// values is nil where no attributes are compared.
	values *values
	// state is nil while nothing differs in a table that fits into the window.
	state            *state
	looks, turn      int32
	rows             [2]int32
	own, expectation int32
}

// open returns the comparison to work with.
func (k *kept) open(prefix [2]string) *comparison {
	c := &comparison{definition: k.definition, values: &values{}, prefix: prefix, estimate: int(k.expectation)}
	if k.values != nil {
		c.values = k.values
	}
	if k.state != nil {
		c.state = *k.state
		return c
	}
	c.looks, c.turn = int(k.looks), int(k.turn)
	for side, rows := range k.rows {
		c.sides[side].rows = int(rows)
	}
	c.sides[1].own = int(k.own)
	return c
}

// keep takes over what the comparison has learnt. Checksums are of one look only.
func (k *kept) keep(c *comparison) {
	for side := range c.sides {
		c.sides[side] = totals{rows: c.sides[side].rows, own: c.sides[side].own}
	}
	k.state = nil
	if !c.quiet() {
		s := c.state
		k.state = &s
		return
	}
	k.looks, k.turn = int32(min(c.looks, enoughLooks)), int32(c.turn)
	k.rows = [2]int32{int32(c.sides[0].rows), int32(c.sides[1].rows)}
	k.own = int32(c.sides[1].own)
}

// quiet reports whether nothing is known but numbers of rows.
func (s *state) quiet() bool {
	return s.err == nil && !s.large && len(s.rows) == 0 && !s.more && s.lost == 0 && s.unfound == 0 && s.stale == 0 &&
		len(s.dirty) == 0 && !s.fresh && !s.rehashed
}
