package precondition

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/indexer"
	"magento_migration_exporter/collector/service"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/encryption"
	"magento_migration_exporter/config/envphp"
	"magento_migration_exporter/config/shell"
)

// The metric families of switchover.
const (
	m1LastOrder           = "m1_last_order_timestamp_seconds"
	m1OrdersAfterSwitch   = "m1_orders_after_switchover"
	m2FirstOrder          = "m2_first_order_timestamp_seconds"
	indexerValid          = "indexer_valid"
	indexBacklogRows      = "index_backlog_rows"
	switchoverID          = "switchover"
	switchoverNotInEffect = "does not apply before the cutover"
)

// switchover says whether the shop has really moved: Magento 1 is quiet, Magento 2 has all it needs to sell.
func switchover() Precondition {
	return Precondition{
		ID: switchoverID, Title: "Switchover", Group: GroupCutover,
		Needs: []Need{Magento1Database, Magento2Database, LocalFiles},
		Families: []finding.Family{
			{Name: m1LastOrder, Help: "When Magento 1 took its last order, in Unix seconds."},
			{
				Name: m1OrdersAfterSwitch,
				Help: "Orders that Magento 1 took after the switch, in the phase cutover; stops at 10001.",
			},
			{
				Name: m2FirstOrder,
				Help: "When Magento 2 took the first order of its own, in Unix seconds; absent until then.",
			},
			{
				Name: indexerValid, Labels: []string{"indexer"},
				Help: "Whether the indexer of Magento 2 is valid (1 yes, 0 no), from migrate on.",
			},
			{
				Name: indexBacklogRows, Labels: []string{"view"},
				Help: "Entities that Magento 2's cron has still to index, from migrate on; stops at 10001.",
			},
		},
		Settings: func() config.Settings { return &switchoverSettings{} },
		Evaluate: evaluateSwitchover,
	}
}

// What findings on the subject "maintenance of magento1" say, for those who show how far the cutover is.
const (
	Magento1Closed = "Magento 1 is closed"
	Magento1Open   = "Magento 1 is open"
)

// switchoverSettings say when the switch is.
type switchoverSettings struct {
	config.Judgment `yaml:",inline"`
	// At is from when on Magento 1 must take no order; nil means the migration's cutover.
	At *time.Time `yaml:"at"`
}

// seldom is in how many evaluations what cannot change quickly is read once.
const seldom = 5

// switchoverMemory is what is kept from one evaluation to the next.
type switchoverMemory struct {
	turn int
	// settings are Magento 1's base URLs, nil until they were read.
	settings []setting
	// newest are the ids of Magento 2's newest orders.
	newest []int64
	// products is how many products can be found; searched is true when it and the search index agreed.
	products int
	searched bool
}

// due reports whether this evaluation reads what is read seldom.
func (m *switchoverMemory) due() bool { return m.turn%seldom == 1 }

// switchoverJudge judges one switch.
type switchoverJudge struct {
	*finding.Verdict
	e      *evidence.Evidence
	memory *switchoverMemory
	// done is true in that phase: Magento 1 is not looked at any more.
	done bool
	// at is when the switch is, zero when nothing says it; from says where that comes from.
	at   time.Time
	from string
	// lastID is Magento 1's highest order id. Late is how many of its orders are of after the switch, firstLate when
	// the first of them was taken.
	lastID    int64
	late      int
	firstLate sql.NullString
	// numbers are Magento 1's of the orders that were the newest of Magento 2 in the last evaluation; an id that
	// Magento 1 has not has none.
	numbers map[int64]string
	// traced are the times of visitors' traces that were read with the orders, nil when each has to be read by itself.
	traced map[int]traced
	// sells is true when Magento 2 has orders of its own.
	sells bool
	// deltaStopped is true when the delta is known not to run, noLateOrders when Magento 1 took no late order.
	deltaStopped, noLateOrders bool
	// settings are the rows of Magento 2's core_config_data that are looked at.
	settings []setting
}

func evaluateSwitchover(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "the shop has moved: Magento 1 is quiet and Magento 2 has what it needs"}
	memory := evidence.Recall[switchoverMemory](e.Memory, switchoverID)
	memory.turn++
	j := &switchoverJudge{Verdict: &v, e: e, memory: memory, done: e.Phase.Phase == config.PhaseDone}
	switch e.Phase.Phase {
	case config.PhaseCutover:
		j.findTime()
		j.magento1(ctx)
		j.magento2(ctx)
		j.end(ctx)
	case config.PhaseDone:
		v.Summary = "Magento 2 has what it needs"
		j.magento2(ctx)
		j.end(ctx)
	case "":
		v.Unknown("phase", "it is unknown whether the shop has to have moved by now", fmt.Sprint(e.Phase.Err),
			e.PhaseRemedy())
	default:
		v.NotApplicable, v.Summary = true, switchoverNotInEffect
		j.valuesOnly(ctx)
	}
	return v
}

// valuesOnly shows before the cutover what is not judged yet.
func (j *switchoverJudge) valuesOnly(ctx context.Context) {
	if j.e.Magento1.Err == nil {
		if last, err := j.lastOrder(ctx); err == nil && !last.IsZero() {
			j.Sample(m1LastOrder, finding.UnixSeconds(last))
		}
	}
	if j.e.Phase.Migrated() && j.e.Magento2.Err == nil {
		if state, err := indexer.Read(ctx, j.e.Magento2.Session, j.e.Magento2.Prefix); err == nil {
			j.indexSamples(state)
		}
	}
}

// findTime finds when the switch is in the configuration.
func (j *switchoverJudge) findTime() {
	s := config.SettingsOf[switchoverSettings](&j.e.Migration.Preconditions, switchoverID)
	switch {
	case s.At != nil:
		j.at, j.from = *s.At, j.key("at")
	case j.e.Migration.Cutover != nil:
		j.at, j.from = *j.e.Migration.Cutover, j.e.Migration.Key("cutover")
	}
}

func (j *switchoverJudge) key(path string) string {
	return j.e.Migration.Key("preconditions." + switchoverID + "." + path)
}

// passed reports whether the switch has been.
func (j *switchoverJudge) passed() bool { return j.done || !j.at.IsZero() && !j.e.Now.Before(j.at) }

// magento1 judges whether Magento 1 is quiet.
func (j *switchoverJudge) magento1(ctx context.Context) {
	m1 := j.e.Magento1
	if m1.Unreachable(j.Verdict) {
		return
	}
	last, err := j.lookAtMagento1(ctx)
	if err != nil {
		m1.Broken(j.Verdict, "late orders", err)
		return
	}
	if !last.IsZero() {
		j.Sample(m1LastOrder, finding.UnixSeconds(last))
	}
	j.ownOrders(ctx)
	j.lateOrders(last)
	j.writing(ctx)
	j.delta(ctx)
	j.maintenance1()
}

// utc is SQL that makes UTC of a TIMESTAMP column of Magento 1, which writes UTC under the server's own time zone.
const utc = "CAST(CONVERT_TZ(%s, '+00:00', @@global.time_zone) AS CHAR)"

// errTimeZone is the error for a server whose own time zone it does not know itself.
var errTimeZone = errors.New("the server cannot convert times between its global time_zone and UTC")

// answer is a row of what is asked of Magento 1 in one statement.
type answer struct {
	// kind is ordersAnswer, numberAnswer, or the index of a trace.
	kind      int
	text, at  sql.NullString
	id, count sql.NullInt64
	first     sql.NullString
}

// The kinds of answers beside those of traces.
const (
	ordersAnswer = -1
	numberAnswer = -2
)

// ask asks Magento 1 some questions in one statement.
func (j *switchoverJudge) ask(ctx context.Context, parts []string, args []any) ([]answer, error) {
	var all []answer
	err := j.e.Magento1.Session.Rows(ctx, "("+strings.Join(parts, ") UNION ALL (")+")", args,
		func(scan func(...any) error) error {
			var a answer
			err := scan(&a.kind, &a.text, &a.at, &a.id, &a.count, &a.first)
			all = append(all, a)
			return err
		})
	return all, err
}

// lookAtMagento1 is lastOrder, and reads in the same statement the traces of visitors and the numbers of the orders
// whose ids Magento 2 has too. When the server refuses that, only the orders are read.
func (j *switchoverJudge) lookAtMagento1(ctx context.Context) (time.Time, error) {
	orders, args := j.ordersPart()
	parts := []string{orders}
	for i, t := range traces() {
		parts = append(parts, j.tracePart(i, t))
	}
	if ids := j.memory.newest; len(ids) > 0 {
		parts = append(parts, fmt.Sprintf("SELECT %d, CAST(increment_id AS CHAR), NULL, entity_id, 0, NULL FROM %s "+
			"WHERE entity_id IN (%s)", numberAnswer, j.e.Magento1.Table("sales_flat_order"),
			database.Parameters(len(ids))))
		for _, id := range ids {
			args = append(args, id)
		}
	}
	answers, err := j.ask(ctx, parts, args)
	if database.Number(err) != 0 {
		return j.lastOrder(ctx)
	}
	if err != nil {
		return time.Time{}, err
	}
	j.traced, j.numbers = map[int]traced{}, map[int64]string{}
	for _, id := range j.memory.newest {
		j.numbers[id] = ""
	}
	for _, a := range answers {
		switch a.kind {
		case ordersAnswer:
		case numberAnswer:
			j.numbers[a.id.Int64] = a.text.String
		default:
			j.traced[a.kind] = traced{database.Time(a.at.String), database.Time(a.first.String)}
		}
	}
	return j.takeOrders(answers)
}

// ordersPart asks for the ends of two indexes: Magento 1's newest order, and how many are late.
func (j *switchoverJudge) ordersPart() (part string, args []any) {
	orders := j.e.Magento1.Table("sales_flat_order")
	late := "SELECT 0 AS n, NULL AS first"
	if !j.at.IsZero() {
		args = []any{j.at.UTC().Format(time.DateTime)}
		late = fmt.Sprintf("SELECT COUNT(*) AS n, MIN(created_at) AS first FROM (SELECT created_at FROM %s WHERE "+
			"created_at > CONVERT_TZ(?, @@global.time_zone, '+00:00') ORDER BY created_at LIMIT %d) late",
			orders, finding.CountCap+1)
	}
	return fmt.Sprintf("SELECT %d, CAST(newest AS CHAR), "+utc+", id, n, "+utc+" FROM (SELECT MAX(created_at) AS "+
		"newest, MAX(entity_id) AS id FROM %s) o, (%s) l", ordersAnswer, "newest", "first", orders, late), args
}

// lastOrder returns when Magento 1 took its last order, zero for none, and keeps the highest id and how many orders are
// late.
func (j *switchoverJudge) lastOrder(ctx context.Context) (time.Time, error) {
	part, args := j.ordersPart()
	answers, err := j.ask(ctx, []string{part}, args)
	if err != nil {
		return time.Time{}, err
	}
	return j.takeOrders(answers)
}

// errNoAnswer is the error for a server that leaves out a row that each answer has.
var errNoAnswer = errors.New("the server did not say which order is the last one")

func (j *switchoverJudge) takeOrders(answers []answer) (time.Time, error) {
	i := slices.IndexFunc(answers, func(a answer) bool { return a.kind == ordersAnswer })
	if i < 0 {
		return time.Time{}, errNoAnswer
	}
	a := answers[i]
	j.late, j.firstLate = int(a.count.Int64), a.first
	if a.text.Valid && !a.at.Valid && !strings.HasPrefix(a.text.String, "0000") {
		return time.Time{}, errTimeZone
	}
	j.lastID = a.id.Int64
	return database.Time(a.at.String), nil
}

// newestOrders is how many of Magento 2's newest orders are looked up in Magento 1.
const newestOrders = 50

// order is an order of Magento 2.
type order struct {
	id     int64
	number string
	made   time.Time
}

// ownOrders finds orders that Magento 2 took itself: their ids are above Magento 1's, or another order has them there.
func (j *switchoverJudge) ownOrders(ctx context.Context) {
	if j.e.Magento2.Err != nil {
		return
	}
	m1, m2 := j.e.Magento1, j.e.Magento2
	above, newest, err := j.ordersAbove(ctx)
	if err != nil {
		m2.Broken(j.Verdict, "orders", err)
		return
	}
	if first := j.firstOwn(ctx, above); first.id > 0 {
		j.sells = true
		if !first.made.IsZero() {
			j.Sample(m2FirstOrder, finding.UnixSeconds(first.made))
		}
		if j.at.IsZero() && !first.made.IsZero() {
			j.at, j.from = first.made, "the first order of Magento 2"
			if _, err := j.lastOrder(ctx); err != nil { // now it is known which ones are late
				j.e.Magento1.Broken(j.Verdict, "late orders", err)
				return
			}
		}
		j.Note("orders", "Magento 2 sells: its first own order is "+first.number,
			fmt.Sprintf("entity_id %d, made at %s", first.id, finding.Time(first.made)), "")
	}
	both, err := j.twiceUsedIDs(ctx, newest)
	switch {
	case err != nil:
		m1.Broken(j.Verdict, "orders", err)
	case len(both) > 0:
		j.sells = true
		j.Fail("orders", fmt.Sprintf("%d orders of the two systems have the same id: a delta overwrites those of "+
			"Magento 2", len(both)), strings.Join(both, "; "),
			"Stop migrate:delta for good. Enter the orders of Magento 1 by hand in Magento 2, and close Magento 1.")
	}
}

// firstOwn returns the first order that Magento 2 took itself, among those above all of Magento 1's. One that is older
// than migrate:data came from Magento 1, which lacks it now.
func (j *switchoverJudge) firstOwn(ctx context.Context, above []order) order {
	var unread finding.Verdict // delta says why
	d, ok := j.e.Delta(ctx, &unread)
	copied := func(o order) bool {
		return ok && d.DataStartLogged && !o.made.IsZero() && o.made.Before(d.DataStart)
	}
	if len(above) == 0 || !copied(above[0]) {
		return slices.Concat(above, []order{{}})[0]
	}
	j.Fail("orders", "Magento 1 lacks orders that migrate:data has copied from it: the first one is "+above[0].number,
		fmt.Sprintf("entity_id %d in Magento 2, made at %s; migrate:data copied from %s on (%s); Magento 1's highest "+
			"id is %d", above[0].id, finding.Time(above[0].made), finding.Time(d.DataStart), d.DataStartFrom, j.lastID),
		"Find out whether Magento 1 was restored from a dump, and whether "+j.e.Magento1.Key("database")+" names the "+
			"live Magento 1. If they were deleted there, delete them in Magento 2 too.")
	return slices.Concat(slices.DeleteFunc(above, copied), []order{{}})[0]
}

// ordersAbove returns orders of Magento 2 above all of Magento 1's: the first one, and those of the newest. It also
// returns the numbers of the newest orders.
func (j *switchoverJudge) ordersAbove(ctx context.Context) (above []order, newest map[int64]string, err error) {
	newest = map[int64]string{}
	orders := j.e.Magento2.Table("sales_order")
	const columns = "entity_id, COALESCE(increment_id, ''), CAST(created_at AS CHAR)"
	query := fmt.Sprintf("(SELECT 1, "+columns+" FROM %s WHERE entity_id > ? ORDER BY entity_id LIMIT 1) UNION ALL "+
		"(SELECT 0, "+columns+" FROM %[1]s ORDER BY entity_id DESC LIMIT %d)", orders, newestOrders)
	err = j.e.Magento2.Session.Rows(ctx, query, []any{j.lastID}, func(scan func(...any) error) error {
		var first bool
		var o order
		var at sql.NullString
		err := scan(&first, &o.id, &o.number, &at)
		o.made = database.Time(at.String)
		if !first {
			newest[o.id] = o.number
		}
		if first || o.id > j.lastID && (len(above) == 0 || o.id != above[0].id) {
			above = append(above, o)
		}
		return err
	})
	if err != nil || len(above) == 0 {
		return nil, newest, err
	}
	slices.SortFunc(above, func(a, b order) int { return cmp.Compare(a.id, b.id) })
	deleted, err := j.e.Magento1.Count(ctx, "m2_cl_sales_flat_order", "operation = 'DELETE' AND entity_id = ?",
		above[0].id)
	if err == nil && deleted > 0 {
		return nil, newest, nil // deleted in Magento 1, and not yet in Magento 2
	}
	return above, newest, nil
}

// twiceUsedIDs names ids among Magento 2's newest ones that another order has in Magento 1. Most numbers are known:
// only those of new orders are asked for, and once more those that differ.
func (j *switchoverJudge) twiceUsedIDs(ctx context.Context, newest map[int64]string) ([]string, error) {
	j.memory.newest = slices.Sorted(maps.Keys(newest))
	var ids []any
	for _, id := range j.memory.newest {
		number, known := j.numbers[id]
		if !known || number != "" && newest[id] != "" && number != newest[id] {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var both []string
	err := j.e.Magento1.Session.Rows(ctx, "SELECT entity_id, COALESCE(increment_id, '') FROM "+
		j.e.Magento1.Table("sales_flat_order")+" WHERE entity_id IN ("+database.Parameters(len(ids))+")", ids,
		func(scan func(...any) error) error {
			var id int64
			var number string
			err := scan(&id, &number)
			if own := newest[id]; own != "" && number != "" && own != number {
				both = append(both, fmt.Sprintf("id %d is %s in Magento 1, %s in Magento 2", id, number, own))
			}
			return err
		})
	slices.Sort(both)
	return both, err
}

// lateOrders counts Magento 1's orders after the switch. Each is money lost: nobody delivers it any more.
func (j *switchoverJudge) lateOrders(last time.Time) {
	if j.at.IsZero() {
		j.Unknown("late orders", "it is unknown from when on Magento 1 must take no order",
			lastOrderText(last), "Set "+j.key("at")+", or "+j.e.Migration.Key("cutover")+
				", to the time of the switch: 2026-12-31T03:00:00Z")
		return
	}
	at := j.at.UTC().Format(time.DateTime)
	n, first := j.late, j.firstLate
	if n == 0 && last.After(j.at) {
		n, first.String = 1, last.Format(time.DateTime) // CONVERT_TZ did not understand the time
	}
	j.Sample(m1OrdersAfterSwitch, float64(n))
	if n > 0 {
		j.Fail(
			"late orders",
			fmt.Sprintf("Magento 1 took %s after the switch", finding.Counted(n, "order", "orders")),
			fmt.Sprintf(
				"the first at %s UTC, the last at %s; the switch is at %s (%s)",
				first.String,
				finding.Time(last),
				finding.Time(j.at),
				j.from,
			),
			"Close Magento 1 now, and find out how customers still reach it (DNS, load balancer, old addresses). "+
				"Enter "+
				"these orders in Magento 2 by hand, or refund them. As an administrator of Magento 1:\n"+
				fmt.Sprintf(
					"SELECT entity_id, increment_id, created_at FROM %s WHERE created_at > "+
						"CONVERT_TZ('%s', @@global.time_zone, @@session.time_zone) ORDER BY entity_id;",
					j.e.Magento1.Table("sales_flat_order"),
					at,
				),
		)
		return
	}
	j.noLateOrders = true
	text := "Magento 1 took no order after the switch"
	if !j.passed() {
		text = "the switch is still to come"
	}
	j.Note("late orders", text, fmt.Sprintf("%s; the switch is at %s (%s)", lastOrderText(last),
		finding.Time(j.at), j.from), "")
}

func lastOrderText(last time.Time) string {
	if last.IsZero() {
		return "Magento 1 has no order with a time"
	}
	return "Magento 1's last order is of " + finding.Time(last)
}

func timeOrUnknown(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return finding.Time(t)
}

// writingWindow is how long a closed Magento 1 has been quiet.
const writingWindow = 5 * time.Minute

// trace is a table in which Magento 1 writes when somebody visits it.
type trace struct{ subject, table, key, column string }

func traces() []trace {
	return []trace{
		{"quotes", "sales_flat_quote", "entity_id", "GREATEST(created_at, updated_at)"},
		{"visitors", "log_visitor", "visitor_id", "last_visit_at"},
	}
}

// traced is when a trace was left, and the server's time when it was read.
type traced struct{ last, now time.Time }

func (j *switchoverJudge) tracePart(i int, t trace) string {
	return fmt.Sprintf("SELECT %d, NULL, "+utc+", NULL, 0, CAST(UTC_TIMESTAMP() AS CHAR) FROM %s "+
		"ORDER BY %s DESC LIMIT 1", i, t.column, j.e.Magento1.Table(t.table), t.key)
}

// writing looks for other traces of visitors in Magento 1: the newest quote and the newest visitor. A table that
// cannot be read hides the other one not: then each is read by itself.
func (j *switchoverJudge) writing(ctx context.Context) {
	all := j.traced
	if all == nil {
		all = j.readTraces(ctx)
	}
	for i, t := range traces() {
		if at, found := all[i]; found {
			j.judgeTrace(t, at.last, at.now)
		}
	}
}

func (j *switchoverJudge) readTraces(ctx context.Context) map[int]traced {
	all := map[int]traced{}
	for i, t := range traces() {
		answers, err := j.ask(ctx, []string{j.tracePart(i, t)}, nil)
		if err != nil && database.Number(err) != database.ErrNoSuchTable {
			j.e.Magento1.Broken(j.Verdict, t.subject, err)
		}
		for _, a := range answers {
			all[i] = traced{database.Time(a.at.String), database.Time(a.first.String)}
		}
	}
	return all
}

func (j *switchoverJudge) judgeTrace(t trace, last, now time.Time) {
	evidence := fmt.Sprintf("the newest row of %s is of %s", t.table, timeOrUnknown(last))
	if j.passed() && last.After(j.at) && now.Sub(last) < writingWindow {
		j.Warn(
			t.subject,
			"Magento 1 still writes: visitors reach it after the switch",
			evidence,
			"Close it (touch maintenance.flag in its root), or let the load balancer send them to Magento 2. Names in "+
				"DNS lead to the old address until their time to live is over.",
		)
		return
	}
	j.Note(t.subject, "Magento 1's last visitors", evidence, "")
}

// delta judges whether migrate:delta still works although Magento 2 sells: it would overwrite Magento 2's orders.
func (j *switchoverJudge) delta(ctx context.Context) {
	var unread finding.Verdict
	d, ok := j.e.Delta(ctx, &unread)
	if !ok {
		j.Findings = append(j.Findings, unread.Findings...)
		return
	}
	const stop = "Stop it where it runs (Ctrl-C, or kill the process migrate:delta), and keep it from being " +
		"started again."
	switch a := d.Activity; {
	case !d.Log.Exists():
		j.deltaStopped = true
	case a.Running && j.sells:
		j.Fail("delta", "migrate:delta is at work although Magento 2 sells: it overwrites Magento 2's orders", a.Seen,
			stop+" Then compare the newest orders of both systems.")
	case a.Running && j.passed():
		j.Warn("delta", "migrate:delta is still at work after the switch", a.Seen,
			"Let it end its cycle, and stop it before Magento 2 takes its first order. "+stop)
	case a.Running:
		j.Note("delta", "migrate:delta is at work", a.Seen, "")
	case !a.Known:
		j.Again = a.Again
		j.Note("delta", "whether migrate:delta runs shows at the next evaluation", a.Seen, "")
	default:
		j.deltaStopped = true
		j.Note("delta", "migrate:delta does not run", a.Seen, "")
	}
}

// flag is whether a file that closes a shop exists.
func (j *switchoverJudge) flag(s *evidence.System, subject, path string) (closed, known bool) {
	root := s.Config.Root
	if info, err := os.Stat(root); root == "" || err != nil || !info.IsDir() {
		j.Note(subject, "whether "+s.Label()+" is closed cannot be seen here",
			s.Key("root")+" is "+finding.Quoted(root), "")
		return false, false
	}
	_, err := os.Stat(filepath.Join(root, path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Unreadable(j.Verdict, subject, "whether "+s.Label()+" is closed is unknown", err)
		return false, false
	}
	return err == nil, true
}

func (j *switchoverJudge) maintenance1() {
	const subject = "maintenance of magento1"
	path := filepath.Join(j.e.Magento1.Config.Root, "maintenance.flag")
	closed, known := j.flag(j.e.Magento1, subject, "maintenance.flag")
	switch {
	case !known:
	case closed:
		j.Note(subject, Magento1Closed, path+" exists", "")
	case j.passed():
		j.Warn(subject, "Magento 1 is not closed: maintenance.flag is not there", "looked for "+path,
			"Close it on each of its web nodes:\ntouch "+path)
	default:
		j.Note(subject, Magento1Open, "looked for "+path, "")
	}
}

func (j *switchoverJudge) maintenance2() {
	const subject = "maintenance of magento2"
	path := filepath.Join(j.e.Magento2.Config.Root, "var/.maintenance.flag")
	closed, known := j.flag(j.e.Magento2, subject, "var/.maintenance.flag")
	switch {
	case !known:
	case !closed:
		j.Note(subject, "Magento 2 is open", "looked for "+path, "")
	case j.passed():
		j.Fail(subject, "Magento 2 is closed: visitors get the maintenance page", path+" exists",
			"Open it, as the user that owns the files:\nbin/magento maintenance:disable")
	default:
		j.Note(subject, "Magento 2 is closed", path+" exists", "")
	}
}

// magento2 judges whether Magento 2 has what it needs.
func (j *switchoverJudge) magento2(ctx context.Context) {
	m2 := j.e.Magento2
	if m2.Unreachable(j.Verdict) {
		return
	}
	state, err := indexer.Read(ctx, m2.Session, m2.Prefix)
	if err != nil {
		m2.Broken(j.Verdict, "indexers", err)
	} else {
		j.indexSamples(state)
		j.indexers(ctx, state)
		j.views(state)
	}
	j.cron(ctx)
	j.maintenance2()
	if err := j.readSettings(ctx); err != nil {
		m2.Broken(j.Verdict, "core_config_data", err)
	} else {
		j.baseURLs(ctx)
		j.cryptKey()
		j.search(ctx)
	}
	j.sessions(ctx)
}

// indexerName is the form of the names that become label values.
var indexerName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

func (j *switchoverJudge) indexSamples(state indexer.State) {
	seen := map[string]bool{}
	for _, i := range state.Indexers {
		if indexerName.MatchString(i.ID) && !seen[i.ID] {
			seen[i.ID] = true
			j.Sample(indexerValid, finding.Bool(i.Status == "valid"), i.ID)
		}
	}
	seen = map[string]bool{}
	for _, v := range state.Views {
		if v.HasLog && indexerName.MatchString(v.ID) && !seen[v.ID] {
			seen[v.ID] = true
			j.Sample(indexBacklogRows, float64(v.Backlog), v.ID)
		}
	}
}

// longIndexing is how long an indexer works at most, or cron leaves a backlog alone, before something must be wrong.
const (
	longIndexing = time.Hour
	longBacklog  = 10 * time.Minute
)

// indexers judges the indexers' states. One subject for each, so that they can be waived one by one.
func (j *switchoverJudge) indexers(ctx context.Context, state indexer.State) {
	var invalid []string
	for _, i := range state.Indexers {
		if i.Status == "invalid" {
			invalid = append(invalid, i.ID)
		}
	}
	for _, i := range state.Indexers {
		since := "since " + timeOrUnknown(i.Updated)
		age := state.ServerNow.Sub(i.Updated)
		switch {
		case i.Status == "valid":
			j.staleIndex(ctx, i, state)
		case i.Status == "working" && age < longIndexing:
			j.Warn(i.ID, "the indexer "+i.ID+" is at work", since, "Wait until it has ended.")
		case i.Status == "working":
			j.Fail(i.ID, "the indexer "+i.ID+" died: it is at work for too long", since,
				"Look whether it still runs (ps -ef | grep index). If not:\nbin/magento indexer:reset "+i.ID+
					"\nbin/magento indexer:reindex "+i.ID)
		case i.Status == "invalid":
			j.Fail(i.ID, "the indexer "+i.ID+" is invalid: the shop shows old data", since,
				"Let it index, before the shop opens:\nbin/magento indexer:reindex "+strings.Join(invalid, " "))
		default:
			j.Warn(i.ID, fmt.Sprintf("the indexer %s is %q", i.ID, i.Status), since,
				"bin/magento indexer:status says more; to index again:\nbin/magento indexer:reindex "+i.ID)
		}
	}
	if len(state.Indexers) == 0 {
		j.Unknown("indexers", "Magento 2 has no indexer", "indexer_state has no row",
			"Let Magento 2 make the rows:\nbin/magento setup:upgrade --keep-generated")
	}
}

// staleIndex warns about an index that nothing has renewed since the delta wrote: the tool saves nothing the way
// Magento does, so that only change logs or a new indexing notice it.
func (j *switchoverJudge) staleIndex(ctx context.Context, i indexer.Indexer, state indexer.State) {
	scheduled := slices.ContainsFunc(state.Views, func(v indexer.View) bool { return v.ID == i.ID && v.Scheduled })
	if scheduled || j.done || i.Updated.IsZero() || j.e.Magento1.Err != nil {
		return
	}
	if !slices.ContainsFunc(state.Views, func(v indexer.View) bool { return v.ID == i.ID }) {
		return // it has no view, and nothing says what it depends on
	}
	var unread finding.Verdict
	d, ok := j.e.Delta(ctx, &unread)
	if ok && d.Run.At.After(i.Updated) {
		j.Warn(i.ID, "the indexer "+i.ID+" is older than the last delta, and its changes are not logged",
			fmt.Sprintf("indexed at %s, the last delta was at %s; its mode is Update on Save", finding.Time(i.Updated),
				finding.Time(d.Run.At)), "Index again:\nbin/magento indexer:reindex "+i.ID)
	}
}

// fewEntities is a backlog that is no backlog in a shop that sells.
const fewEntities = 1000

// views judges what cron has still to index.
func (j *switchoverJudge) views(state indexer.State) {
	for _, v := range state.Views {
		subject := v.ID + " backlog"
		seen := fmt.Sprintf("%s waiting, status %s, cron last worked on it at %s", entities(v.Backlog), v.Status,
			timeOrUnknown(v.Updated))
		idle := state.ServerNow.Sub(v.Updated)
		const start = "Cron indexes them. See the precondition cron_stopped, and: bin/magento cron:run --group=index"
		switch {
		case !v.Scheduled:
			j.Note(
				subject,
				"the index "+v.ID+" is updated on save, and not by cron",
				"mview_state.mode is not enabled",
				"",
			)
		case !v.HasLog:
			j.Warn(
				subject,
				"the view "+v.ID+" has no change log: changes are not indexed",
				"no table "+
					j.e.Magento2.Prefix+v.ID+"_cl",
				"Make it again:\nbin/magento indexer:set-mode realtime "+v.ID+"\nbin/magento indexer:set-mode "+
					"schedule "+v.ID,
			)
		case v.Status == "suspended":
			j.Warn(subject, "the view "+v.ID+" is suspended", seen, "See bin/magento indexer:status, then:\n"+
				"bin/magento indexer:reindex "+v.ID)
		case v.Status == "working" && idle > longIndexing:
			j.Warn(subject, "the view "+v.ID+" died: it is at work for too long", seen,
				"Look whether it still runs (ps -ef | grep index). If not:\nbin/magento indexer:reset "+v.ID+
					"\nbin/magento indexer:reindex "+v.ID)
		case v.Backlog > 0 && (idle > longBacklog || v.Backlog > fewEntities):
			j.Warn(subject, fmt.Sprintf("%s of the view %s wait to be indexed", entities(v.Backlog), v.ID), seen, start)
		case v.Backlog > 0:
			j.Note(subject, "cron indexes changes of the view "+v.ID, seen, "")
		}
	}
}

func entities(n int) string { return finding.Counted(n, "entity", "entities") }

// cron judges what cron_stopped does not: jobs that end with errors, or none that is run although rows are made.
func (j *switchoverJudge) cron(ctx context.Context) {
	var last, now, failed sql.NullString
	err := j.e.Magento2.Session.Row(ctx, fmt.Sprintf("SELECT CAST(MAX(executed_at) AS CHAR), "+
		"CAST(UTC_TIMESTAMP() AS CHAR), GROUP_CONCAT(DISTINCT CASE WHEN status = 'error' "+
		"AND executed_at > UTC_TIMESTAMP() - INTERVAL 1 HOUR THEN job_code END ORDER BY job_code SEPARATOR ', ') "+
		"FROM (SELECT job_code, status, executed_at FROM %s ORDER BY schedule_id DESC LIMIT %d) newest",
		j.e.Magento2.Table("cron_schedule"), newestSchedules), nil, &last, &now, &failed)
	if err != nil {
		j.e.Magento2.Broken(j.Verdict, "cron", err)
		return
	}
	if ran := database.Time(last.String); database.Time(now.String).Sub(ran) > writingWindow {
		seen := "it has run none that is known"
		if !ran.IsZero() {
			seen = "the last one began at " + finding.Time(ran)
		}
		j.Warn("cron", "Magento 2's cron has run no job for more than 5 minutes", seen,
			"See the precondition cron_stopped. To start it:\nbin/magento cron:install")
	}
	if failed.String != "" {
		j.Warn("cron errors", "cron jobs of Magento 2 ended with errors within the last hour",
			failed.String, "Look for their messages, in Magento 2's database:\n"+
				"SELECT job_code, executed_at, LEFT(messages, 200) FROM "+j.e.Magento2.Table("cron_schedule")+
				" WHERE status = 'error' ORDER BY schedule_id DESC LIMIT 20;")
	}
}

// newestSchedules is how many rows of cron_schedule are looked at: more than cron writes within an hour.
const newestSchedules = 10000

// setting is a row of core_config_data.
type setting struct{ evidence.Setting }

func (s setting) where() string { return fmt.Sprintf("%s/%d", s.Scope, s.ScopeID) }

func (j *switchoverJudge) settingsOf(ctx context.Context, s *evidence.System) ([]setting, error) {
	read, err := s.Settings(ctx)
	var all []setting
	for _, one := range read {
		all = append(all, setting{one})
	}
	return all, err
}

func (j *switchoverJudge) readSettings(ctx context.Context) (err error) {
	j.settings, err = j.settingsOf(ctx, j.e.Magento2)
	return err
}

// theirSettings returns Magento 1's, which are read every few evaluations.
func (j *switchoverJudge) theirSettings(ctx context.Context) ([]setting, error) {
	if !j.memory.due() && j.memory.settings != nil {
		return j.memory.settings, nil
	}
	theirs, err := j.settingsOf(ctx, j.e.Magento1)
	if err == nil {
		j.memory.settings = slices.Clone(urls(theirs)) // without the others' place
	}
	return theirs, err
}

// urls are the base URLs among settings.
func urls(settings []setting) []setting {
	return slices.DeleteFunc(slices.Clone(settings), func(s setting) bool {
		return s.Path != evidence.UnsecureURL && s.Path != evidence.SecureURL
	})
}

// shown is a base URL without what can be secret in it: a login and a query. A text that is no address of the web is
// not shown, because a login in it can have any form.
func (s setting) shown() string {
	u, err := url.Parse(strings.TrimSpace(s.Value))
	switch {
	case strings.Contains(s.Value, "{{"):
		return "a placeholder"
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		return "no URL"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// host returns the name of the host in a base URL, empty for a placeholder like {{base_url}}.
func (s setting) host() string {
	u, err := url.Parse(strings.TrimSpace(s.Value))
	if err != nil || strings.Contains(s.Value, "{{") {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// baseURLs judges under which addresses Magento 2 answers. migrate:settings does not copy those of Magento 1's
// websites and stores.
func (j *switchoverJudge) baseURLs(ctx context.Context) {
	const subject = "base URL"
	mine := urls(j.settings)
	secure := slices.ContainsFunc(j.settings, func(s setting) bool {
		return s.Path == evidence.HTTPSShop && s.ScopeID == 0 && s.Value == "1"
	})
	for _, s := range mine {
		plain := strings.HasPrefix(strings.ToLower(strings.TrimSpace(s.Value)), "http://")
		if plain && (s.Path == evidence.SecureURL || !secure) {
			j.Warn(subject+" "+s.where()+" "+s.Path, "Magento 2 is served without TLS: "+s.Path+" of "+s.where()+
				" begins with http://", s.shown(), "Set an address that begins with https://:\n"+s.setURL("https"))
		}
	}
	if len(mine) == 0 {
		j.Note(subject, "core_config_data of Magento 2 has no base URL", "env.php can have it", "")
	}
	if j.done || j.e.Magento1.Err != nil {
		return
	}
	theirs, err := j.theirSettings(ctx)
	if err != nil {
		j.e.Magento1.Broken(j.Verdict, subject, err)
		return
	}
	j.missingScopes(urls(theirs), mine)
	j.sharedHosts(urls(theirs), mine)
}

// setURL is the command that sets a base URL to the same address with a scheme.
func (s setting) setURL(scheme string) string {
	u, err := url.Parse(s.shown())
	if err != nil || u.Host == "" {
		return s.set(scheme + "://HOST/")
	}
	if u.Scheme != scheme {
		u.Scheme, u.Host = scheme, u.Hostname() // a port belongs to its scheme
	}
	return s.set(shell.Word(u.String()))
}

// set is the command that gives the setting another value, in its own scope.
func (s setting) set(value string) string {
	scope := ""
	if s.Scope != "default" {
		scope = "--scope=" + shell.Word(s.Scope) + " --scope-code=CODE "
	}
	return "bin/magento config:set " + scope + s.Path + " " + value
}

// missingScopes warns about a website or store that opens under the default address. The remedy must not make
// another warning: it suggests Magento 1's address only to a Magento 2 that takes all of Magento 1's host names over,
// and always with TLS.
func (j *switchoverJudge) missingScopes(theirs, mine []setting) {
	takeover := len(mine) > 0 && takesOver(theirs, mine)
	for _, s := range theirs {
		if s.Scope == "default" || slices.ContainsFunc(mine, func(m setting) bool {
			return m.Scope == s.Scope && m.ScopeID == s.ScopeID && m.Path == s.Path
		}) {
			continue
		}
		command := s.set("https://HOST/")
		if takeover {
			command = s.setURL("https")
		}
		j.Warn("base URL "+s.where()+" "+s.Path, "Magento 2 has no "+s.Path+" for "+s.where()+
			": it opens under the default address", "Magento 1 has "+s.shown()+" there; migrate:settings does not "+
			"copy it",
			"Set it with the code of that website or store, then clean the cache:\n"+command+
				"\nbin/magento cache:clean config")
	}
}

// takesOver reports whether each address of Magento 2 has the host name that Magento 1 has at the same place.
func takesOver(theirs, mine []setting) bool {
	at := map[string]string{}
	for _, s := range theirs {
		at[s.where()+s.Path] = s.host()
	}
	return !slices.ContainsFunc(mine, func(s setting) bool {
		return s.host() == "" || s.host() != at[s.where()+s.Path]
	})
}

// sharedHosts judges Magento 1's host names in Magento 2. All of them there, each where it was, is a shop that takes
// the names over. Some of them is a shop that leads its visitors back to the old one.
func (j *switchoverJudge) sharedHosts(theirs, mine []setting) {
	hosts := map[string]bool{}
	for _, s := range theirs {
		if h := s.host(); h != "" {
			hosts[h] = true
		}
	}
	all := takesOver(theirs, mine)
	for _, s := range mine {
		if !hosts[s.host()] {
			continue
		}
		if all {
			j.Note("base URL", "Magento 2 takes over Magento 1's host name "+s.host(),
				s.where()+" "+s.Path+"; right once that name leads to Magento 2", "")
			continue
		}
		j.Warn("base URL "+s.where()+" "+s.Path, "Magento 2 has Magento 1's host name in "+s.Path+" of "+s.where(),
			s.shown()+"; other addresses of Magento 2 have other names",
			"If that name does not lead to Magento 2, set its own one, then clean the cache:\n"+
				s.set("https://HOST/")+"\nbin/magento cache:clean config")
	}
}

// cryptKey compares env.php's key with the one that migrate:settings encrypted with: it must open what is there.
func (j *switchoverJudge) cryptKey() {
	const subject = "crypt key"
	env, err := j.e.Files.Env()
	switch {
	case errors.Is(err, evidence.ErrNoRoot):
		j.Note(subject, "whether the crypt key is that of migrate:settings cannot be seen here", err.Error(), "")
		return
	case err != nil:
		j.e.Magento2.Unreadable(j.Verdict, subject, "whether the crypt key is that of migrate:settings is unknown", err)
		return
	case env.CryptKey.State != envphp.Known:
		j.Note(subject, "the crypt key is not written in env.php", env.CryptKey.Reason, "")
		return
	}
	var closed []string
	opened, odd := 0, 0
	for _, s := range j.settings {
		switch ok, err := encryption.Opens(string(env.CryptKey.Value), s.Value); {
		case errors.Is(err, encryption.ErrOtherCipher):
		case err != nil:
			odd++
		case ok:
			opened++
		default:
			closed = append(closed, s.where()+" "+s.Path)
		}
	}
	switch {
	case len(closed) > 0:
		j.Fail(
			subject,
			fmt.Sprintf("env.php's crypt key does not open %s: it is not the key of migrate:settings",
				finding.Counted(len(closed), "encrypted setting", "encrypted settings")),
			strings.Join(closed[:min(len(closed), newestOrders)], ", "),
			"Put the crypt key of the env.php with which migrate:settings was run into the env.php of every web "+
				"node. Or "+
				"enter these settings again in Magento 2's admin.",
		)
	case odd > 0:
		j.Warn(
			subject,
			"env.php's crypt key does not have the form of a key",
			"",
			"Compare it with that of the host on which "+
				"migrate:settings was run.",
		)
	default:
		j.Note(subject, fmt.Sprintf("env.php's crypt key opens all encrypted settings: %d", opened), env.File, "")
	}
}

// sessions judges where Magento 2 keeps the sessions, which are not taken over from Magento 1.
func (j *switchoverJudge) sessions(ctx context.Context) {
	env, err := j.e.Files.Env()
	if err != nil || env.Session.Backend.Or("") != "db" {
		return
	}
	var n int
	err = j.e.Magento2.Session.Row(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM "+j.e.Magento2.Table("session")+
		" LIMIT 1) one", nil, &n)
	switch {
	case err == nil:
	case database.Number(err) != database.ErrNoSuchTable:
		j.e.Magento2.Broken(j.Verdict, "session", err)
	default:
		j.Fail(
			"session",
			"Magento 2 keeps its sessions in the database, and cannot read the table session",
			err.Error(),
			"Make the table:\nbin/magento setup:upgrade --keep-generated",
		)
	}
}

// searchLimit is how long the search engine may take to answer.
const searchLimit = 5 * time.Second

// searchIndex is the subject of what is found out about it.
const searchIndex = "search index"

// search compares the search engine's documents with the products that can be found. An engine that does not answer is
// the business of the precondition system_requirements.
func (j *switchoverJudge) search(ctx context.Context) {
	server, err := j.e.SearchServer(ctx)
	switch {
	case err != nil:
		j.Note(searchIndex, "no search engine is asked for its index", err.Error(), "")
		return
	case server.Endpoint == "":
		j.Note(searchIndex, "no search engine is asked for its index", "Magento 2 searches in its database", "")
		return
	}
	limited, cancel := context.WithTimeout(ctx, searchLimit)
	defer cancel()
	prefix := server.IndexPrefix + "_product_"
	indexes, err := service.SearchIndexes(limited, server.Endpoint, prefix)
	if err != nil {
		j.Note(searchIndex, "the search engine does not show its index", err.Error(), "")
		return
	}
	stores, err := j.e.Magento2.Column(ctx, "SELECT store_id FROM "+j.e.Magento2.Table("store")+
		" WHERE store_id > 0 AND is_active = 1 ORDER BY store_id LIMIT 1000")
	if err != nil {
		j.e.Magento2.Broken(j.Verdict, searchIndex, err)
		return
	}
	j.judgeSearch(prefix, indexes, stores, j.products(ctx))
}

// products returns how many products can be found, -1 when that is unknown. They are counted every few evaluations, and
// in each one after the search index did not agree with them.
func (j *switchoverJudge) products(ctx context.Context) int {
	if !j.memory.due() && j.memory.searched {
		return j.memory.products
	}
	products, err := j.visibleProducts(ctx)
	if err != nil {
		j.Note(searchIndex, "how many products can be found is unknown", err.Error(), "")
		return -1
	}
	j.memory.products = products
	return products
}

const reindexSearch = "Index again:\nbin/magento indexer:reindex catalogsearch_fulltext"

// judgeSearch judges the indexes of the stores; the number of products is negative when it is unknown.
func (j *switchoverJudge) judgeSearch(prefix string, indexes []service.SearchIndex, stores []string, products int) {
	var missing, seen []string
	most := 0
	for _, store := range stores {
		i := slices.IndexFunc(indexes, func(x service.SearchIndex) bool { return x.Alias == prefix+store })
		if i < 0 {
			missing = append(missing, prefix+store)
			continue
		}
		most = max(most, indexes[i].Documents)
		seen = append(seen, fmt.Sprintf("%s has %d", indexes[i].Alias, indexes[i].Documents))
	}
	text := fmt.Sprintf(
		"%s; products that are enabled and visible: %s",
		strings.Join(seen[:min(len(seen), shownStores)],
			", "),
		countOrUnknown(products),
	)
	j.memory.searched = false
	switch {
	case len(stores) == 0:
		j.Unknown(searchIndex, "Magento 2 has no active store, so no search index was looked at", "",
			"Check that "+j.e.Magento2.Key("database")+" names the Magento 2 of this migration, with its prefix.")
	case most == 0 && len(missing) == 0 && products < 0:
		j.Unknown(searchIndex, "the search index is empty, and whether there are products to find is unknown", text,
			reindexSearch)
	case len(missing) > 0:
		j.Fail(searchIndex, fmt.Sprintf("the search engine has no index for %s: their category pages are empty",
			finding.Counted(len(missing), "store", "stores")), "missing: "+
			strings.Join(missing[:min(len(missing), shownStores)], ", ")+"; "+text, reindexSearch)
	case most == 0 && products > 0:
		j.Fail(searchIndex, "the search index is empty: category pages and search show nothing", text, reindexSearch)
	case 2*most < min(products, finding.CountCap):
		j.Warn(searchIndex, "the search index has far fewer documents than there are products to find", text,
			reindexSearch)
	default:
		j.memory.searched = products >= 0
		j.Note(searchIndex, "the search index is there", text, "")
	}
}

// countOrUnknown is a number for people; a negative one is unknown.
func countOrUnknown(n int) string {
	if n < 0 {
		return "an unknown number"
	}
	return finding.Count(n)
}

// shownStores is how many stores a text names.
const shownStores = 20

// maxProducts bounds how many enabled products are looked at.
const maxProducts = 20000

// visibleProducts counts products that are enabled and can be found, among the first that are enabled.
func (j *switchoverJudge) visibleProducts(ctx context.Context) (int, error) {
	m2 := j.e.Magento2
	attribute := func(code string) string {
		return fmt.Sprintf("(SELECT a.attribute_id FROM %s a JOIN %s t ON t.entity_type_id = a.entity_type_id "+
			"WHERE t.entity_type_code = 'catalog_product' AND a.attribute_code = '%s' LIMIT 1)",
			m2.Table("eav_attribute"), m2.Table("eav_entity_type"), code)
	}
	values := m2.Table("catalog_product_entity_int")
	var n int
	err := m2.Session.Row(ctx, fmt.Sprintf("SELECT COUNT(*) FROM (SELECT entity_id FROM %s WHERE attribute_id = %s "+
		"AND store_id = 0 AND value = 1 LIMIT %d) enabled JOIN %[1]s v ON v.entity_id = enabled.entity_id "+
		"AND v.attribute_id = %[4]s AND v.store_id = 0 AND v.value > 1",
		values, attribute("status"), maxProducts, attribute("visibility")), nil, &n)
	return min(n, finding.CountCap+1), err
}

// end says what is to be done once the switch is complete, and what may then be removed from Magento 1.
func (j *switchoverJudge) end(ctx context.Context) {
	if !j.passed() || !j.done && !j.sells {
		j.Summary = "nothing blocks the switch"
	}
	complete := j.passed() && j.sells && j.deltaStopped && j.noLateOrders && j.Worst() != finding.Fail
	if j.e.Magento1.Err != nil || !j.done && !complete {
		return
	}
	lines, err := j.removal(ctx)
	if err != nil || len(lines) == 0 {
		return
	}
	first := "The delta log of Magento 1 may be removed."
	if !j.done {
		first = "Set " + j.e.Migration.Key("phase") + " to done. Then the delta log of Magento 1 may be removed."
	}
	first += " Until then the account of its triggers must stay, for as long as Magento 1 is in use: without it each " +
		"write " +
		"ends with error 1449. The triggers go first, as an administrator of Magento 1:"
	j.Note("done", "Magento 2 has taken over: the delta log may be removed from Magento 1", lines[0],
		strings.Join(append([]string{first}, lines[1:]...), "\n"))
}

const (
	// triggersPerTable is how many triggers the tool makes for each table: insert, update and delete.
	triggersPerTable = 3
	// shownTriggers is how many triggers that have statements of other modules are named.
	shownTriggers = 20
	// maxRemoval is how many bytes of statements are shown; with more, a statement that makes them is.
	maxRemoval = 3000
	// toolsTriggers selects the triggers that write to the tool's log tables.
	toolsTriggers = "TRIGGER_SCHEMA = DATABASE() AND ACTION_TIMING = 'AFTER' AND ACTION_STATEMENT LIKE '%m2\\_cl\\_%'"
	// oneStatement leaves out those into which another module wrote as well: the tool's own have one statement.
	oneStatement = "CHAR_LENGTH(ACTION_STATEMENT) - CHAR_LENGTH(REPLACE(ACTION_STATEMENT, ';', '')) < 2"
)

// removal returns what is there, and the statements that remove it; nothing when there is no log.
func (j *switchoverJudge) removal(ctx context.Context) ([]string, error) {
	m1 := j.e.Magento1
	pattern := database.EscapeLike(m1.Prefix+"m2_cl_") + "%"
	var triggers, shared, tables []string
	err := m1.Session.Rows(ctx, "(SELECT "+oneStatement+", TRIGGER_NAME AS name FROM information_schema.TRIGGERS "+
		"WHERE "+toolsTriggers+" LIMIT 2000) UNION ALL (SELECT 2, TABLE_NAME FROM information_schema.TABLES "+
		"WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE ? LIMIT 1000) ORDER BY name", []any{pattern},
		func(scan func(...any) error) error {
			var kind int
			var name string
			err := scan(&kind, &name)
			of := [3]*[]string{&shared, &triggers, &tables}[min(max(kind, 0), 2)]
			*of = append(*of, name)
			return err
		})
	if err != nil || len(triggers)+len(shared)+len(tables) == 0 {
		return nil, err
	}
	shared = shared[:min(len(shared), shownTriggers)]
	lines := []string{fmt.Sprintf("%s and %s", finding.Counted(len(triggers), "trigger", "triggers"),
		finding.Counted(len(tables), "log table", "log tables"))}
	if len(shared) > 0 {
		lines[0] += "; other modules' statements are in " + strings.Join(shared, ", ") +
			": take the tool's INSERT out of these by hand, before their tables go"
		return append(lines, listing(pattern)...), nil
	}
	size := 0
	for _, t := range triggers {
		lines = append(lines, "DROP TRIGGER "+database.Quote(t)+";")
		size += len(lines[len(lines)-1])
	}
	for _, t := range tables {
		lines = append(lines, "DROP TABLE "+database.Quote(t)+";")
		size += len(lines[len(lines)-1])
	}
	// While a trigger that this account does not see is there, each write needs the trigger's log table.
	if size > maxRemoval || len(triggers) != triggersPerTable*len(tables) {
		return append(lines[:1], listing(pattern)...), nil
	}
	return lines, nil
}

// listing are statements that print the statements.
func listing(pattern string) []string {
	return []string{
		"SELECT CONCAT('DROP TRIGGER `', TRIGGER_NAME, '`;') FROM information_schema.TRIGGERS WHERE " + toolsTriggers +
			" AND " + oneStatement + ";",
		"SELECT CONCAT('DROP TABLE `', TABLE_NAME, '`;') FROM information_schema.TABLES " +
			"WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE " + database.Literal(pattern) + ";",
	}
}
