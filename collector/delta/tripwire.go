package delta

import (
	"context"
	"database/sql"
	_ "embed" // the table of probes
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
)

//go:embed probes.tsv
var probesTable string

const (
	// probeRows is how many of the newest rows of a table are compared.
	probeRows = 200
	// fixedProbes are compared in each evaluation, turnProbes more in turn.
	fixedProbes, turnProbes = 5, 3
	// maxSuspects bounds how many differing rows of a table are remembered, maxLost how many that were proved lost.
	maxSuspects, maxLost = 1000, 1000
	// replanAfter is how long the schemas are taken for unchanged.
	replanAfter = time.Hour
	// DefaultCycle is how long a cycle counts where no delta runs.
	DefaultCycle = 15 * time.Second
)

// Probe is a pair of tables that the tripwire compares.
type Probe struct {
	Document, Magento2, Key string
	Columns                 []string
	// Many is what people call the rows.
	Many string
	// Deletions is true where a row that is gone in Magento 1 alone was lost: no cascade deletes it without the log.
	Deletions bool
	// Cleaned is true where Magento 2's cron deletes old rows.
	Cleaned bool
}

// Probes returns all pairs of tables; the first are compared in each evaluation.
func Probes() []Probe {
	var all []Probe
	for _, row := range rows(probesTable) {
		all = append(all, Probe{row[0], row[1], row[2], strings.Split(row[3], ","), row[4],
			strings.HasPrefix(row[5], "deletions"), strings.HasSuffix(row[5], "cleaned")})
	}
	return all
}

// Side is one of the two databases.
type Side struct {
	Session *database.Session
	Prefix  string
}

// Tripwire proves from the newest rows whether the log loses changes: a row that differs between the systems and is in
// no log, in two evaluations more than a cycle apart, was lost. It keeps what it learns from one evaluation to the
// next; the zero value knows nothing.
type Tripwire struct {
	// Cutover is true once Magento 2's cron runs, which deletes what is too old. Magento2Sells is true once Magento 2
	// has taken an order: then a row without updated_at can be newer there.
	Cutover, Magento2Sells bool

	turn int
	// plans are the probes that the two schemas can answer, as they were at planned.
	plans   []plan
	planned time.Time
	// suspects are rows that differed, and since when; lost are those proved lost.
	suspects map[string]map[int64]time.Time
	lost     map[string]map[int64]lostRow
	// seen are the rows of the last look at a table whose deletions can be seen.
	seen map[string][]int64
}

// lostRow is a row that was proved lost.
type lostRow struct {
	// waits is true while it waits in the log again, gone when it is in Magento 2 alone.
	waits, gone bool
}

// plan is a probe with what both systems have of its columns.
type plan struct {
	Probe
	log     string
	columns []string
	// byTime is true where Magento 1 has an index that begins with updated_at.
	byTime bool
}

// Loss is what was proved lost of one table.
type Loss struct {
	Probe
	// IDs are the keys of the rows that differ and are in no log, sorted; at most a thousand are known.
	IDs []int64
	// Gone are those of them that Magento 1 has deleted.
	Gone []int64
}

// row is one row of a comparison.
type row struct {
	there bool
	sum   uint32
	// updated is updated_at in Unix seconds, 0 where there is none.
	updated int64
	// logged is true of a row whose change waits in the log, not yet marked.
	logged bool
}

// Round compares once. The standings are those of Magento 1's log now, cycle is how long a cycle of the delta takes.
// The error is a *database.SideError.
func (t *Tripwire) Round(
	ctx context.Context, m1, m2 Side, standings []Standing, now time.Time, cycle time.Duration,
) ([]Loss, error) {
	if t.planned.IsZero() || now.Sub(t.planned).Abs() >= replanAfter {
		if err := t.plan(ctx, m1, m2, standings); err != nil {
			return nil, err
		}
		t.planned = now
	}
	plans := t.due(standings)
	if len(plans) == 0 {
		return t.losses(), nil
	}
	before, err := t.readMagento1(ctx, m1, plans, nil)
	if err != nil {
		return nil, err
	}
	if err := t.addGone(ctx, m1, plans, before); err != nil {
		return nil, err
	}
	there, err := t.readMagento2(ctx, m2, plans, before)
	if err != nil {
		return nil, err
	}
	looks := t.compare(plans, before, there)
	if err := t.lookAgain(ctx, m1, plans, before, looks); err != nil {
		return nil, err
	}
	for i, p := range plans {
		t.judge(p, looks[i], now, cycle)
		t.keepDeleted(p, before[i], looks[i])
	}
	return t.losses(), nil
}

// look is what one round says of a row. The zero value says that it is equal in both systems.
type look int

const (
	equal look = iota
	// waiting in the log.
	waiting
	// changing: it was changed or delivered while it was compared.
	changing
	differing
	// undeleted is gone in Magento 1 and still in Magento 2.
	undeleted
)

func (t *Tripwire) compare(plans []plan, rows1, rows2 []map[int64]row) []map[int64]look {
	looks := make([]map[int64]look, len(plans))
	for i := range plans {
		looks[i] = map[int64]look{}
		for id, r := range rows1[i] {
			switch {
			case r.logged:
				looks[i][id] = waiting
			case t.Cutover && plans[i].Cleaned && !rows2[i][id].there:
				looks[i][id] = equal
			case !r.there && rows2[i][id].there && plans[i].Deletions:
				looks[i][id] = undeleted
			case !r.there:
				looks[i][id] = equal // a cascade may have deleted it, and will in Magento 2
			case r.differs(rows2[i][id]):
				looks[i][id] = differing
			default:
				looks[i][id] = equal
			}
		}
	}
	return looks
}

// lookAgain reads the rows that differ, and the log, once more: a row may have been changed or delivered in between.
func (t *Tripwire) lookAgain(
	ctx context.Context, m1 Side, plans []plan, before []map[int64]row, looks []map[int64]look,
) error {
	again := map[string][]int64{}
	for i, p := range plans {
		for id, l := range looks[i] {
			if l == differing || l == undeleted {
				again[p.Document] = append(again[p.Document], id)
			}
		}
	}
	if len(again) == 0 {
		return nil
	}
	after, err := t.readMagento1(ctx, m1, plans, again)
	if err != nil {
		return err
	}
	for i, p := range plans {
		for _, id := range again[p.Document] {
			switch r := after[i][id]; {
			case r.logged:
				looks[i][id] = waiting
			case r != before[i][id]:
				looks[i][id] = changing
			}
		}
	}
	return nil
}

// differs reports whether a row of Magento 1 is another one in Magento 2, and no later change in Magento 2 explains it.
func (r row) differs(other row) bool {
	if r.there != other.there {
		return true
	}
	return r.sum != other.sum && (r.updated == 0 || other.updated <= r.updated)
}

func (t *Tripwire) judge(p plan, looks map[int64]look, now time.Time, cycle time.Duration) {
	suspects, lost := t.suspects[p.Document], t.lost[p.Document]
	for id, l := range looks {
		_, isLost := lost[id]
		since, suspect := suspects[id]
		switch {
		case l == changing:
		case l == equal:
			delete(suspects, id)
			delete(lost, id)
		case l == waiting:
			delete(suspects, id)
			if isLost {
				lost[id] = lostRow{waits: true}
			}
		case isLost:
			lost[id] = lostRow{gone: l == undeleted}
		case !suspect && len(suspects) < maxSuspects:
			suspects[id] = now
		case suspect && now.Sub(since) > cycle && len(lost) < maxLost:
			delete(suspects, id)
			lost[id] = lostRow{gone: l == undeleted}
		}
	}
}

// Suspects is how many rows differ and are in no log, and were not yet seen so for long enough.
func (t *Tripwire) Suspects() int {
	n := 0
	for _, p := range t.plans {
		if !t.excused(p) {
			n += len(t.suspects[p.Document])
		}
	}
	return n
}

// losses returns what is lost now.
func (t *Tripwire) losses() []Loss {
	var all []Loss
	for _, p := range t.plans {
		if t.excused(p) {
			continue
		}
		loss := Loss{Probe: p.Probe}
		for _, id := range slices.Sorted(maps.Keys(t.lost[p.Document])) {
			row := t.lost[p.Document][id]
			if row.waits {
				continue
			}
			loss.IDs = append(loss.IDs, id)
			if row.gone {
				loss.Gone = append(loss.Gone, id)
			}
		}
		if len(loss.IDs) > 0 {
			all = append(all, loss)
		}
	}
	return all
}

// excused reports whether a difference proves nothing any more, because Magento 2 changes the rows itself and does not
// say when.
func (t *Tripwire) excused(p plan) bool {
	return t.Magento2Sells && !slices.Contains(p.columns, "updated_at")
}

// due returns the probes of this round: the first ones always, the others in turn.
func (t *Tripwire) due(standings []Standing) []plan {
	readable := map[string]bool{}
	for _, s := range standings {
		readable[s.Document] = s.countable() && !s.Absent && s.Read
	}
	plans := slices.DeleteFunc(slices.Clone(t.plans), func(p plan) bool {
		return !readable[p.Document] || t.excused(p)
	})
	if len(plans) <= fixedProbes+turnProbes {
		return plans
	}
	chosen := slices.Clone(plans[:fixedProbes])
	rest := plans[fixedProbes:]
	for range turnProbes {
		chosen = append(chosen, rest[t.turn%len(rest)])
		t.turn++
	}
	return chosen
}

// plan finds out which columns of the probes both systems have.
func (t *Tripwire) plan(ctx context.Context, m1, m2 Side, standings []Standing) error {
	columns1, err := probeColumns(ctx, m1, func(p Probe) string { return p.Document })
	if err != nil {
		return &database.SideError{Err: err}
	}
	columns2, err := probeColumns(ctx, m2, func(p Probe) string { return p.Magento2 })
	if err != nil {
		return &database.SideError{Side: 1, Err: err}
	}
	if t.suspects == nil {
		t.suspects, t.lost = map[string]map[int64]time.Time{}, map[string]map[int64]lostRow{}
		t.seen = map[string][]int64{}
	}
	t.plans = nil
	for _, p := range Probes() {
		at := slices.IndexFunc(standings, func(s Standing) bool { return s.Document == p.Document })
		if at < 0 || !slices.Equal(standings[at].Keys, []string{p.Key}) {
			continue
		}
		c1, c2 := columns1[p.Document], columns2[p.Magento2]
		if _, ok := c1[p.Key]; !ok {
			continue
		}
		if _, ok := c2[p.Key]; !ok {
			continue
		}
		made := plan{Probe: p, log: standings[at].LogName, byTime: c1["updated_at"]}
		for _, c := range p.Columns {
			_, in1 := c1[c]
			if _, in2 := c2[c]; in1 && in2 {
				made.columns = append(made.columns, c)
			}
		}
		t.plans = append(t.plans, made)
		if t.suspects[p.Document] == nil {
			t.suspects[p.Document], t.lost[p.Document] = map[int64]time.Time{}, map[int64]lostRow{}
		}
	}
	return nil
}

//go:embed sql/probe_columns.sql
var probeColumnsQuery string

// probeColumns returns the columns of the probes' tables on one side, and whether an index begins with them.
func probeColumns(ctx context.Context, side Side, table func(Probe) string) (map[string]map[string]bool, error) {
	found := map[string]map[string]bool{}
	var names []any
	for _, p := range Probes() {
		names = append(names, side.Prefix+table(p))
	}
	query := fmt.Sprintf(probeColumnsQuery, database.Parameters(len(names)))
	err := side.Session.Rows(ctx, query, names, func(scan func(...any) error) error {
		var name, column, key string
		if err := scan(&name, &column, &key); err != nil {
			return err
		}
		name = strings.TrimPrefix(name, side.Prefix)
		if found[name] == nil {
			found[name] = map[string]bool{}
		}
		found[name][column] = key != ""
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the columns that are compared: %w", err)
	}
	return found, nil
}

// fingerprint is the expression for what is compared of a row: a number, so that no shop data and no collation matters.
func fingerprint(columns []string) string {
	parts := []string{"'|'"}
	for _, c := range columns {
		parts = append(parts, fmt.Sprintf("IFNULL(CONVERT(t.%s USING utf8mb4), '~')", database.Quote(c)))
	}
	return "CRC32(CONCAT_WS(" + strings.Join(parts, ", ") + "))"
}

// updated is the expression for when a row was changed.
func (p plan) updated() string {
	if slices.Contains(p.columns, "updated_at") {
		return "COALESCE(UNIX_TIMESTAMP(t.updated_at), 0)"
	}
	return "0"
}

// readMagento1 reads the newest rows and those that are remembered, each with its row in the log, or only the given
// ones.
func (t *Tripwire) readMagento1(
	ctx context.Context,
	m1 Side,
	plans []plan,
	only map[string][]int64,
) ([]map[int64]row, error) {
	var parts []string
	result := make([]map[int64]row, len(plans))
	for i, p := range plans {
		result[i] = map[int64]row{}
		ids := only[p.Document]
		if only == nil {
			ids = t.remembered(p)
			order := p.Key
			if p.byTime {
				order = "updated_at"
			}
			parts = append(parts, p.magento1(i, fmt.Sprintf(
				"(SELECT %s FROM %s ORDER BY %s DESC LIMIT %d)",
				p.selected(), database.Quote(m1.Prefix+p.Document), database.Quote(order), probeRows,
			)))
		}
		for _, id := range ids {
			result[i][id] = row{}
		}
		if len(ids) > 0 {
			parts = append(parts, p.magento1ByID(i, m1.Prefix, ids))
		}
	}
	if len(parts) == 0 {
		return result, nil
	}
	err := readRows(ctx, m1.Session, parts, result)
	if err != nil {
		return nil, &database.SideError{Err: fmt.Errorf("reading the newest rows of Magento 1: %w", err)}
	}
	return result, nil
}

// addGone adds what the last look had and this one has not: such rows are older than the newest now, or gone.
func (t *Tripwire) addGone(ctx context.Context, m1 Side, plans []plan, before []map[int64]row) error {
	gone := map[string][]int64{}
	for i, p := range plans {
		if !p.Deletions {
			continue
		}
		for _, id := range t.seen[p.Document] {
			if _, there := before[i][id]; !there {
				gone[p.Document] = append(gone[p.Document], id)
			}
		}
		t.seen[p.Document] = nil
		for id, r := range before[i] {
			if r.there {
				t.seen[p.Document] = append(t.seen[p.Document], id)
			}
		}
	}
	if len(gone) == 0 {
		return nil
	}
	more, err := t.readMagento1(ctx, m1, plans, gone)
	if err != nil {
		return err
	}
	for i := range plans {
		maps.Copy(before[i], more[i])
	}
	return nil
}

// keepDeleted looks again at deletions that wait in the log, until they are delivered.
func (t *Tripwire) keepDeleted(p plan, rows map[int64]row, looks map[int64]look) {
	for id, r := range rows {
		if p.Deletions && !r.there && looks[id] == waiting && len(t.seen[p.Document]) < maxSuspects {
			t.seen[p.Document] = append(t.seen[p.Document], id)
		}
	}
}

// selected are the columns that a comparison needs.
func (p plan) selected() string {
	quoted := []string{database.Quote(p.Key)}
	for _, c := range p.columns {
		quoted = append(quoted, database.Quote(c))
	}
	return strings.Join(quoted, ", ")
}

func (p plan) magento1(i int, from string) string {
	return fmt.Sprintf(
		"SELECT %d, t.%[2]s, 1, %s, %s, COALESCE(l.processed = 0, 0) FROM %s t LEFT JOIN %s l ON l.%[2]s = t.%[2]s",
		i, database.Quote(p.Key), fingerprint(p.columns), p.updated(), from, database.Quote(p.log),
	)
}

// magento1ByID also finds what is gone from the table and waits in the log as deleted.
func (p plan) magento1ByID(i int, prefix string, ids []int64) string {
	key, list := database.Quote(p.Key), joinIDs(ids)
	return p.magento1(i, database.Quote(prefix+p.Document)) + " WHERE t." + key + " IN (" + list + ")" +
		fmt.Sprintf(
			" UNION ALL SELECT %d, l.%[2]s, 0, 0, 0, l.processed = 0 FROM %[3]s l LEFT JOIN %[4]s t ON t.%[2]s = "+
				"l.%[2]s"+
				" WHERE l.%[2]s IN (%[5]s) AND t.%[2]s IS NULL",
			i,
			key,
			database.Quote(p.log),
			database.Quote(prefix+p.Document),
			list,
		)
}

func (t *Tripwire) readMagento2(
	ctx context.Context,
	m2 Side,
	plans []plan,
	rows1 []map[int64]row,
) ([]map[int64]row, error) {
	var parts []string
	result := make([]map[int64]row, len(plans))
	for i, p := range plans {
		result[i] = map[int64]row{}
		if len(rows1[i]) == 0 {
			continue
		}
		parts = append(parts, fmt.Sprintf(
			"SELECT %d, t.%[2]s, 1, %[3]s, %[4]s, 0 FROM %[5]s t WHERE t.%[2]s IN (%[6]s)",
			i, database.Quote(p.Key), fingerprint(p.columns), p.updated(), database.Quote(m2.Prefix+p.Magento2),
			joinIDs(slices.Collect(maps.Keys(rows1[i]))),
		))
	}
	if len(parts) == 0 {
		return result, nil
	}
	if err := readRows(ctx, m2.Session, parts, result); err != nil {
		err = fmt.Errorf("looking up Magento 1's newest rows in Magento 2: %w", err)
		return nil, &database.SideError{Side: 1, Err: err}
	}
	return result, nil
}

func readRows(ctx context.Context, s *database.Session, parts []string, result []map[int64]row) error {
	return s.Rows(ctx, strings.Join(parts, " UNION ALL "), nil, func(scan func(...any) error) error {
		var i int
		var id int64
		var there, logged sql.NullBool
		var r row
		if err := scan(&i, &id, &there, &r.sum, &r.updated, &logged); err != nil {
			return err
		}
		r.there, r.logged = there.Bool, logged.Bool
		if i >= 0 && i < len(result) {
			result[i][id] = r
		}
		return nil
	})
}

// remembered returns the rows of a probe to look at again.
func (t *Tripwire) remembered(p plan) []int64 {
	ids := slices.Collect(maps.Keys(t.lost[p.Document]))
	for id := range t.suspects[p.Document] {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func joinIDs(ids []int64) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, id)
	}
	return b.String()
}
