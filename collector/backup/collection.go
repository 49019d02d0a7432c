package backup

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"magento_migration_exporter/collector/finding"
)

// collection is what several files hold that may together be one backup, or be several: the members of an archive, the
// dumps in a folder.
type collection struct {
	members  []member
	together bool // what holds no table belongs to the others: their files are dumps of single tables
	budget   *budget
	schema   map[tableKey]*table // what was created so far: the columns of rows in later files
}

// tableKey names a table.
type tableKey struct{ database, table string }

// member is a file of a collection, or several that complement each other.
type member struct {
	name     string
	report   Report
	contents *contents
	err      error // why it is not whole
	withRows int   // files that hold rows
	rank     int64 // how much it looks like the backup that is looked for
}

// maxMembers bounds the dumps of one collection.
const maxMembers = 5000

func newCollection() *collection {
	return &collection{budget: &budget{}, schema: map[tableKey]*table{}}
}

// newContents returns the contents to read the next file into.
func (c *collection) newContents() *contents {
	found := newContents()
	found.budget, found.schema = c.budget, c.schema
	return found
}

// add adds a file that was read.
func (c *collection) add(name string, r Report, found *contents, err error) error {
	if len(c.members) == maxMembers {
		return undetermined("it holds more than %d dumps, which are not all looked at", maxMembers)
	}
	m := member{name: name, report: r, contents: found, err: err}
	for _, d := range found.databases {
		for _, t := range d.tables {
			if t.created {
				c.schema[tableKey{d.name, t.name}] = t
			}
			if t.Count > 0 {
				m.withRows = 1
			}
		}
	}
	c.members = append(c.members, m)
	return nil
}

// groups joins the files that complement each other: the structure and the rows of one database, or its tables one by
// one.
func (c *collection) groups() []member {
	members := slices.Clone(c.members)
	if c.together {
		slices.SortStableFunc(members, func(a, b member) int { return compareBool(b.hasTables(), a.hasTables()) })
	}
	var groups []member
	for _, m := range members {
		i := slices.IndexFunc(groups, func(g member) bool { return g.complements(&m) })
		if i < 0 && c.together && len(groups) > 0 && !m.hasTables() {
			i = 0
		}
		if i < 0 {
			groups = append(groups, m)
			continue
		}
		groups[i].absorb(&m)
	}
	return groups
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// hasTables reports whether any table is in it.
func (m *member) hasTables() bool {
	return slices.ContainsFunc(m.contents.databases, func(d *database) bool { return len(d.tables) > 0 })
}

// complements reports whether two files hold different things of the same databases.
func (m *member) complements(o *member) bool {
	common := false
	for _, d := range o.contents.databases {
		mine := m.contents.byName[d.name]
		if mine == nil {
			continue
		}
		common = true
		for name, t := range d.tables {
			if has := mine.tables[name]; has != nil && (has.created && t.created || has.Count > 0 && t.Count > 0) {
				return false
			}
		}
	}
	return common
}

// absorb adds to the member what another one holds that complements it.
func (m *member) absorb(o *member) {
	for _, d := range o.contents.databases {
		mine := m.contents.byName[d.name]
		if mine == nil {
			m.contents.databases = append(m.contents.databases, d)
			m.contents.byName[d.name] = d
			continue
		}
		mine.absorb(d)
	}
	m.withRows += o.withRows
	if worse(o.err, m.err) {
		m.name, m.err = o.name, o.err
	}
	r := &m.report
	if o.withRows > 0 || r.Kind == KindUnknown {
		r.Kind, r.Tool, r.ServerVersion = o.report.Kind, o.report.Tool, o.report.ServerVersion
	}
	r.Began, r.Finished = earlier(r.Began, o.report.Began), earlier(r.Finished, o.report.Finished)
	r.Bytes += o.report.Bytes
	for _, note := range o.report.Notes {
		if !slices.Contains(r.Notes, note) {
			r.Notes = append(r.Notes, note)
		}
	}
}

// earlier returns the earlier one of two moments that are known.
func earlier(a, b Moment) Moment {
	if a.Time.IsZero() || !b.Time.IsZero() && b.Time.Before(a.Time) {
		return b
	}
	return a
}

// absorb adds the tables, rows and triggers of another reading of the same database.
func (d *database) absorb(o *database) {
	for name, t := range o.tables {
		mine := d.tables[name]
		switch {
		case mine == nil:
			d.tables[name] = t
		case t.Count > 0: // and mine has none
			t.created, t.view = t.created || mine.created, t.view || mine.view
			t.nextKey = max(t.nextKey, mine.nextKey)
			d.tables[name] = t
		case t.created:
			mine.created, mine.view = true, t.view
			mine.nextKey = max(t.nextKey, mine.nextKey)
		}
	}
	for name, table := range o.triggered {
		d.trigger(name, table)
	}
	d.rowsHidden = d.rowsHidden || o.rowsHidden
}

// worse reports whether an error says more against a backup than another.
func worse(a, b error) bool { return severity(a) > severity(b) }

func severity(err error) int {
	var d *damage
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &d):
		return 4
	case d.state == StateDamaged:
		return 3
	case d.state == StateOpaque:
		return 2
	}
	return 1
}

// conclude writes into the report what the files are together: those that complement each other are one backup. Where
// there are several backups the report is about the one that most looks like a Magento's, and has the others beside it.
func (c *collection) conclude(r *Report) error {
	groups := c.groups()
	for i := range groups {
		groups[i].finish(r)
	}
	slices.SortStableFunc(groups, func(a, b member) int { return cmp.Compare(b.rank, a.rank) })
	if len(groups) > 1 {
		for _, g := range groups[:min(len(groups), maxReports)] {
			r.Members = append(r.Members, g.report)
		}
	}
	candidate, compression, container, bytes, members := r.Candidate, r.Compression, r.Container, r.Bytes, r.Members
	*r = groups[0].report
	r.Candidate, r.Compression, r.Container, r.Bytes, r.Members = candidate, compression, container, bytes, members
	return groups[0].err
}

// maxReports bounds the reports that are kept of one archive or folder: of those that most look like a Magento's.
const maxReports = 100

// finish completes the report of a group of files.
func (m *member) finish(of *Report) {
	r := &m.report
	if len(m.contents.databases) > 0 {
		r.Databases = m.contents.list()
	}
	if m.withRows > 1 {
		r.Kind = KindTables
	}
	switch {
	case m.err != nil:
		m.err = inFile(m.name, m.err)
	case m.withRows > 1:
		m.err = undetermined("its rows are in %d dumps, made one after the other, so they are not of one moment",
			m.withRows)
	}
	r.Candidate, r.Compression, r.Container = of.Candidate, of.Compression, of.Container
	r.judge(m.err)
	m.rank = m.ranked()
}

// inFile adds to an error of a file in a collection which file it is about.
func inFile(name string, err error) error {
	var own *damage
	if !errors.As(err, &own) || own.place != "" {
		return err
	}
	named := *own
	named.place, named.text = oneLine(name), oneLine(name)+": "+own.text
	return &named
}

// ranked says how much a backup looks like the one that is looked for: a Magento 2 before a Magento 1, a whole one
// before others, a large one before a small one.
func (m *member) ranked() int64 {
	var rank int64
	for _, d := range m.report.Databases {
		for _, prefix := range d.Prefixes() {
			switch systemOf(d.Tables.List(), prefix) {
			case finding.Magento2:
				rank = max(rank, 3)
			case finding.Magento1:
				rank = max(rank, 2)
			}
		}
	}
	if m.err == nil {
		rank = 2*rank + 1
	} else {
		rank *= 2
	}
	const size = 1 << 50
	return rank*size + min(m.report.Bytes, size-1)
}

// Of returns the report of the backup that holds the database: where there are several in one archive or folder, the
// one that names it, holds a Magento and is whole before others. Where none holds it, but one could not be read so far
// as to tell, it is that one's; else the report as it is.
func (r Report) Of(database string) Report {
	found, score := r, 0
	for _, m := range r.Members {
		s := 0
		switch d, ok := m.Database(database); {
		case ok && d.Name == database:
			s = 8
		case ok:
			s = 4
		case m.State != StateWhole && len(m.Databases) == 0:
			found, score = pick(found, m, score, 1)
			continue
		}
		if d, _ := m.Database(database); s > 0 && len(d.Prefixes()) > 0 {
			s += 2 // other dumps may hold a table of it once more
		}
		if s > 0 && m.State == StateWhole {
			s++
		}
		found, score = pick(found, m, score, s)
	}
	return found
}

// pick keeps the report with the higher score.
func pick(a, b Report, scoreA, scoreB int) (Report, int) {
	if scoreB > scoreA {
		return b, scoreB
	}
	return a, scoreA
}

// modifiedOf returns a time that may stand for when a file was written, zero where it is none.
func modifiedOf(t time.Time) time.Time {
	if t.Unix() <= 0 {
		return time.Time{}
	}
	return t
}
