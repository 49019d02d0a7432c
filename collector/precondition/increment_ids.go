package precondition

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

// incrementIDLag is the metric family of increment_ids.
const incrementIDLag = "increment_id_lag"

// incrementIDs says whether Magento 2's next order, invoice, shipment and credit memo numbers fit and are free.
func incrementIDs() Precondition {
	return Precondition{
		ID: "increment_ids", Title: "Order numbers", Group: GroupCutover,
		Needs: []Need{Magento1Database, Magento2Database, LocalFiles},
		Families: []finding.Family{{
			Name: incrementIDLag, Labels: []string{"type"},
			Help: "The most by which the sequence of a store in Magento 2 is behind Magento 1's last number; " +
				"what the next cycle of the delta brings does not count.",
		}},
		Evaluate: evaluateIncrementIDs,
	}
}

// numbered is a kind of document that has numbers of its own in each store.
type numbered struct{ name, many, table string }

// numberedTypes are named as in both systems' tables.
func numberedTypes() []numbered {
	return []numbered{
		{"order", "orders", "sales_order"},
		{"invoice", "invoices", "sales_invoice"},
		{"shipment", "shipments", "sales_shipment"},
		{"creditmemo", "credit memos", "sales_creditmemo"},
	}
}

func typeArgs() []any {
	var names []any
	for _, t := range numberedTypes() {
		names = append(names, t.name)
	}
	return names
}

const (
	// maxSequenceValue is the highest value of a sequence's column, int unsigned.
	maxSequenceValue = math.MaxUint32
	// fewNumbers is how many numbers are so few that it is said, Magento's own limit for its warning.
	fewNumbers = 1000
	// maxSequences caps how many numbers are looked at: four for each store.
	maxSequences = 5000
	// defaultPadLength is the length to which Magento 1 fills up numbers when it does not say another one.
	defaultPadLength = 8
	// numberDigits is the length to which Magento 2 fills up numbers.
	numberDigits = 9
	// maxHidden is how many tables that are not shown are asked for one by one.
	maxHidden = 20
	// nextNumbers is how many of the next numbers are looked up.
	nextNumbers = 10000
)

// lastNumber is a row of Magento 1's eav_entity_store: the last number that was given.
type lastNumber struct {
	row            int64
	kind           string
	store          int64
	prefix, lastID string
}

// part is the text that the tool takes the number from.
func (l lastNumber) part() string { return l.lastID[min(len(l.prefix), len(l.lastID)):] }

var leadingDigits = regexp.MustCompile(`^[ \t\n\r\v\f]*\+?(\d+)`)

// value is the number that the tool takes: PHP's (int) of the part, which stops at the largest 64-bit integer and is 0
// for a text without digits at its beginning.
func (l lastNumber) value() uint64 {
	m := leadingDigits.FindStringSubmatch(l.part())
	if m == nil {
		return 0
	}
	n, err := strconv.ParseUint(m[1], 10, 63)
	if err != nil {
		return math.MaxInt64
	}
	return n
}

// plain reports whether the number is one of Magento's own numbering.
func (l lastNumber) plain() bool {
	part := l.part()
	return strings.HasPrefix(l.lastID, l.prefix) && part != "" && strings.Trim(part, "0123456789") == ""
}

// sequence is where Magento 2 takes the numbers of one kind of document in one store from.
type sequence struct {
	kind  string
	store int64
	// table is what sales_sequence_meta says; it is empty when that has no row.
	table string
	// active is false when no profile is active, which Magento needs for the number's form.
	active         bool
	prefix, suffix string
	start, step    uint64

	// exists and valid say whether the table is there and has the column sequence_value.
	exists, valid bool
	// limit is the highest value of that column.
	limit uint64
	// last is the highest value; taken is false for an empty table. next is the value of the next number.
	last, next uint64
	taken      bool
	// clashes is the first and the last number among the next ones that is taken already, empty for none.
	clashes [2]string
}

// name is the sequence's table, or what it is to be called when sales_sequence_meta has no row.
func (s *sequence) name(prefix string) string {
	if s.table == "" {
		return prefix + s.subject()
	}
	return s.table
}

// subject is the sequence's table without a prefix.
func (s *sequence) subject() string { return fmt.Sprintf("sequence_%s_%d", s.kind, s.store) }

// number is the number that Magento 2 makes of a value.
func (s *sequence) number(value uint64) string {
	if value >= s.start {
		value = (value-s.start)*s.step + s.start
	}
	return fmt.Sprintf("%s%0*d%s", s.prefix, numberDigits, value, s.suffix)
}

// valueOf is the reverse of number; false for a number that the sequence does not make.
func (s *sequence) valueOf(number string) (uint64, bool) {
	digits := strings.TrimSuffix(strings.TrimPrefix(number, s.prefix), s.suffix)
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n < s.start {
		return 0, false
	}
	return (n-s.start)/s.step + s.start, true
}

// incrementIDsMemory is what is kept from one evaluation to the next, so that most of them ask each server once.
type incrementIDsMemory struct {
	turn int
	// stores are the ids of Magento 1's.
	stores []int64
	// sequences and documents are those of Magento 2 in the last evaluation, nil when its tables have to be looked at
	// again.
	sequences []sequence
	documents map[string]bool
}

// tablesTurns is in how many evaluations the tables of the sequences are looked at once: their columns, and the next
// numbers of those that are ahead of their rows.
const tablesTurns = 5

// incrementIDsJudge judges the numbers of one migration.
type incrementIDsJudge struct {
	*finding.Verdict
	e      *evidence.Evidence
	memory *incrementIDsMemory
	last   []lastNumber
	// stores are the ids of Magento 1's, newest the numbers of their newest orders, nil until they were read.
	stores    []int64
	newest    map[int64]string
	pending   map[int64]bool
	sequences []*sequence
	// documents are the kinds of documents whose table Magento 2 has.
	documents map[string]bool
	// judged is true when Magento 2's sequences must be right by now.
	judged bool
	// unnumbered is true when Magento 1 has orders, and no last number that Magento 2 could go on from.
	unnumbered bool
}

func evaluateIncrementIDs(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "Magento 2's next numbers are free, and go on from Magento 1's last ones"}
	memory := evidence.Recall[incrementIDsMemory](e.Memory, "increment_ids")
	memory.turn++
	j := &incrementIDsJudge{Verdict: &v, e: e, memory: memory}
	defer j.remember()
	done := e.Phase.Phase == config.PhaseDone
	if !done && !j.readMagento1(ctx) {
		return v
	}
	if e.Phase.Phase == "" {
		v.Unknown("phase", "it is unknown whether Magento 2 has to have the numbers by now", fmt.Sprint(e.Phase.Err),
			e.PhaseRemedy())
	}
	j.judged = e.Phase.Migrated() && j.readMagento2(ctx)
	if j.judged && e.Phase.Phase == config.PhaseMigrate && !j.migrated() {
		j.judged = false
		v.Note("sequences", "migrate:data has not come to its step SalesIncrement yet", "", "")
	}
	j.fits(ctx)
	if !j.judged {
		v.Summary = "Magento 1's numbers fit into Magento 2"
		return v
	}
	j.judge(ctx)
	return v
}

// remember keeps what was read for the next evaluation, unless something is wrong: what fixes it is to be seen at once.
func (j *incrementIDsJudge) remember() {
	m := j.memory
	m.stores = j.stores
	if m.sequences, m.documents = nil, nil; j.Worst() != finding.Pass {
		return
	}
	m.documents = j.documents
	m.sequences = make([]sequence, 0, len(j.sequences)) // a thousand migrations keep them
	for _, s := range j.sequences {
		m.sequences = append(m.sequences, *s)
	}
}

// readMagento1 reads the last numbers, and the ids of the stores.
func (j *incrementIDsJudge) readMagento1(ctx context.Context) bool {
	m1 := j.e.Magento1
	if m1.Unreachable(j.Verdict) {
		return false
	}
	query := fmt.Sprintf("(SELECT s.entity_store_id, t.entity_type_code, s.store_id, "+
		"COALESCE(s.increment_prefix, ''), COALESCE(s.increment_last_id, ''), '' "+
		"FROM %s s JOIN %s t ON t.entity_type_id = s.entity_type_id "+
		"WHERE t.entity_type_code IN (%s) ORDER BY s.entity_store_id LIMIT %d) UNION ALL "+
		"(SELECT 0, '', store_id, '', '', '' FROM %s WHERE store_id > 0 ORDER BY store_id LIMIT %d)",
		m1.Table("eav_entity_store"), m1.Table("eav_entity_type"), database.Parameters(len(numberedTypes())),
		maxSequences, m1.Table("core_store"), maxParts)
	kept := j.memory.stores
	err := errNotAsked
	if len(kept) > 0 {
		err = j.readNumbers(ctx, query+" UNION ALL "+j.newestPart(kept))
	}
	if err != nil { // again without the orders: that they cannot be read must not hide the numbers
		err = j.readNumbers(ctx, query)
	}
	if err != nil {
		m1.Broken(j.Verdict, "eav_entity_store", err)
		return false
	}
	if !slices.Equal(j.stores, kept) {
		j.newest = nil
	}
	return true
}

// errNotAsked stands for an answer that there is not yet.
var errNotAsked = errors.New("not asked")

// newestMark is in the place of a row's number in rows that are a store's newest order.
const newestMark = -1

func (j *incrementIDsJudge) readNumbers(ctx context.Context, query string) error {
	j.stores, j.last, j.newest = nil, nil, nil
	return j.e.Magento1.Session.Rows(ctx, query, typeArgs(), func(scan func(...any) error) error {
		var l lastNumber
		var order string
		err := scan(&l.row, &l.kind, &l.store, &l.prefix, &l.lastID, &order)
		switch {
		case l.row == newestMark:
			j.addNewest(l.store, order)
		case l.kind == "":
			j.stores = append(j.stores, l.store)
		case l.lastID != "":
			j.last = append(j.last, l)
		}
		return err
	})
}

func (j *incrementIDsJudge) addNewest(store int64, order string) {
	if j.newest == nil {
		j.newest = map[int64]string{}
	}
	if order != "" {
		j.newest[store] = order
	}
}

// readPending adds the rows that wait in the delta log. A log that cannot be read explains nothing.
func (j *incrementIDsJudge) readPending(ctx context.Context) {
	m1 := j.e.Magento1
	rows, err := m1.Column(ctx, fmt.Sprintf("SELECT entity_store_id FROM %s WHERE operation <> 'DELETE' LIMIT %d",
		m1.Table("m2_cl_eav_entity_store"), maxSequences))
	if err != nil {
		return
	}
	if j.pending == nil {
		j.pending = map[int64]bool{}
	}
	for _, row := range rows {
		if id, err := strconv.ParseInt(row, 10, 64); err == nil {
			j.pending[id] = true
		}
	}
}

// fits judges the numbers by themselves: what cannot be a number in Magento 2.
func (j *incrementIDsJudge) fits(ctx context.Context) {
	for _, l := range j.last {
		limit := uint64(maxSequenceValue)
		if s := j.sequenceOf(l.kind, l.store); j.judged && s != nil && s.valid {
			limit = s.limit
		}
		switch n := l.value(); {
		case n > limit:
			j.tooLarge(ctx, l)
		case !l.plain():
			j.Warn(l.subject(), fmt.Sprintf("the numbers of %s of store %d are not of Magento's own form: Magento 2 "+
				"begins at %d", l.many(), l.store, n+1),
				l.seen(), "Find out which module of Magento 1 makes these numbers, and whether Magento 2 must go on "+
					"with them. Magento 2 writes the store's prefix and 9 digits.")
		}
	}
	j.sameLength()
	j.foreign(ctx)
}

// subject is the name of the sequence's table in Magento 2.
func (l lastNumber) subject() string { return fmt.Sprintf("sequence_%s_%d", l.kind, l.store) }

func (l lastNumber) many() string { return manyOf(l.kind) }

func manyOf(kind string) string {
	for _, t := range numberedTypes() {
		if t.name == kind {
			return t.many
		}
	}
	return kind
}

func (l lastNumber) seen() string {
	if l.prefix == "" {
		return "Magento 1's last one is " + l.lastID + ", without a prefix"
	}
	return fmt.Sprintf("Magento 1's last one is %s, with the prefix %q", l.lastID, l.prefix)
}

// tooLarge is a number that stops every checkout of the store in Magento 2: error 1264 or 167 for the next value.
func (j *incrementIDsJudge) tooLarge(ctx context.Context, l lastNumber) {
	pad := j.padLength(ctx, l.kind)
	keep := max(0, len(l.lastID)-pad)
	prefix, rest := l.lastID[:keep], l.lastID[keep:]
	remedy := "Let Magento 1 count fewer digits. With the longer prefix its next number stays the same:\n" +
		fmt.Sprintf("UPDATE %s SET increment_prefix = %s WHERE entity_store_id = %d;",
			j.e.Magento1.Table("eav_entity_store"), database.Literal(prefix), l.row)
	if n, err := strconv.ParseUint(rest, 10, 32); err == nil && j.e.Phase.Migrated() {
		table := database.Quote(j.e.Magento2.Prefix + l.subject())
		remedy += "\nThen let Magento 2 go on behind it, in its database:\n" +
			fmt.Sprintf("DELETE FROM %s WHERE sequence_value > %d;\n", table, n) + goOn(table, n)
	}
	if !l.plain() {
		remedy = "Change the format of these numbers in the module of Magento 1 that makes them, so that what " +
			"follows the prefix stays below 4294967296."
	}
	j.Fail(l.subject(), fmt.Sprintf("the number of %s of store %d is too large for Magento 2: every checkout of the "+
		"store would fail", l.many(), l.store),
		l.seen()+fmt.Sprintf("; the tool takes %d, a sequence ends at %d", l.value(), uint64(maxSequenceValue)), remedy)
}

// padLength returns the length of Magento 1's numbers behind their prefix.
func (j *incrementIDsJudge) padLength(ctx context.Context, kind string) int {
	var pad int
	err := j.e.Magento1.Session.Row(ctx, "SELECT increment_pad_length FROM "+j.e.Magento1.Table("eav_entity_type")+
		" WHERE entity_type_code = ? LIMIT 1", []any{kind}, &pad)
	if err != nil || pad < 1 || pad > numberDigits {
		return defaultPadLength
	}
	return pad
}

// goOn are the statements after which a sequence gives the number behind n. The row keeps it over a restart of a server
// that counts from the highest row, and is what the tool's volume check looks at.
func goOn(table string, n uint64) string {
	statement := fmt.Sprintf("ALTER TABLE %s AUTO_INCREMENT = %d;", table, n+1)
	if n == 0 {
		return statement
	}
	return fmt.Sprintf("INSERT IGNORE INTO %s (sequence_value) VALUES (%d);\n%s", table, n, statement)
}

// sameLength warns when both systems make the same numbers: while both sell, or after a number was given twice, the
// checkout of Magento 2 ends with error 1062.
func (j *incrementIDsJudge) sameLength() {
	for _, l := range j.last {
		s := sequence{prefix: strconv.FormatInt(l.store, 10), start: 1, step: 1}
		if found := j.sequenceOf(l.kind, l.store); j.judged && found != nil && found.active {
			s = *found
		}
		next := s.number(l.value() + 1)
		if !l.plain() || l.value() > maxSequenceValue || len(next) != len(l.lastID) ||
			!strings.HasPrefix(l.lastID, s.prefix) {
			continue
		}
		j.Warn(l.subject()+" length", fmt.Sprintf("%s of store %d get numbers of the same length in both systems: "+
			"a number can be given twice", l.many(), l.store),
			fmt.Sprintf("%s; Magento 2's next one would be %s", l.seen(), next),
			"Let only one of the systems sell at any time, and delete test orders of Magento 2 together with their "+
				"numbers. Or give Magento 2 another prefix after migrate:data:\n"+
				fmt.Sprintf("UPDATE %s p JOIN %s m ON m.meta_id = p.meta_id SET p.prefix = '9%s' "+
					"WHERE m.entity_type = '%s' AND m.store_id = %d;",
					j.e.Magento2.Table("sales_sequence_profile"), j.e.Magento2.Table("sales_sequence_meta"),
					s.prefix, l.kind, l.store))
	}
}

func (j *incrementIDsJudge) sequenceOf(kind string, store int64) *sequence {
	for _, s := range j.sequences {
		if s.kind == kind && s.store == store {
			return s
		}
	}
	return nil
}

// editedOrder is what Magento 1 appends to the number of an order that was edited in its admin.
var editedOrder = regexp.MustCompile(`-\d+$`)

// foreign warns when the newest order of a store has another number than Magento's own numbering would have given.
func (j *incrementIDsJudge) foreign(ctx context.Context) {
	m1 := j.e.Magento1
	if j.e.Phase.Phase == config.PhaseDone {
		return
	}
	if err := j.newestOrders(ctx); err != nil {
		m1.Broken(j.Verdict, "sales_flat_order", err)
		return
	}
	newest := j.newest
	j.withoutNumber(newest)
	for _, l := range j.last {
		id, found := newest[l.store]
		if l.kind != "order" || !found || !l.plain() {
			continue
		}
		given := lastNumber{lastID: editedOrder.ReplaceAllString(id, "")}
		// Without its prefix: that can have been changed after the order.
		if given.plain() && given.value() <= (lastNumber{lastID: l.lastID}).value() {
			continue
		}
		j.Warn(
			l.subject(),
			fmt.Sprintf("another module numbers the orders of store %d: Magento 2 would not go on with "+
				"its numbers", l.store),
			fmt.Sprintf("the newest order has the number %s; by eav_entity_store the last one is %s", id, l.lastID),
			"Find out which module of Magento 1 makes these numbers, and whether Magento 2 must go on with them. The "+
				"tool takes over only what stands in eav_entity_store.",
		)
	}
}

// withoutNumber warns about stores whose orders eav_entity_store knows nothing of: no number there proves nothing.
// Store 0 has the numbers of shops that count over all stores.
func (j *incrementIDsJudge) withoutNumber(newest map[int64]string) {
	if len(j.stores) == 0 {
		j.unnumbered = true
		j.Unknown("core_store", "Magento 1 has no store, so no number was looked at", "core_store has no row of one",
			"Check that "+j.e.Magento1.Key("database")+" names the live Magento 1, with its prefix.")
	}
	counted := map[int64]bool{}
	for _, l := range j.last {
		counted[l.store] = counted[l.store] || l.kind == "order"
	}
	for _, store := range slices.Sorted(maps.Keys(newest)) {
		if counted[0] || counted[store] {
			continue
		}
		j.unnumbered = true
		j.Warn(
			lastNumber{kind: "order", store: store}.subject(),
			fmt.Sprintf("Magento 1 has orders of store %d and no last number of them: Magento 2 would not go on with "+
				"its numbers", store),
			"the newest order has the number "+newest[store]+"; eav_entity_store has none for the store",
			"Find out which module of Magento 1 makes these numbers, or restore the rows of eav_entity_store. The "+
				"tool takes over only what stands there.",
		)
	}
}

// newestOrders reads the number of each store's newest order, unless that is known.
func (j *incrementIDsJudge) newestOrders(ctx context.Context) error {
	if j.newest != nil || len(j.stores) == 0 {
		return nil
	}
	return j.e.Magento1.Session.Rows(ctx, j.newestPart(j.stores), nil, func(scan func(...any) error) error {
		var mark, store int64
		var order, none string
		err := scan(&mark, &none, &store, &none, &none, &order)
		j.addNewest(store, order)
		return err
	})
}

// newestPart reads the ends of an index, and single rows.
func (j *incrementIDsJudge) newestPart(stores []int64) string {
	orders := j.e.Magento1.Table("sales_flat_order")
	var parts []string
	for _, store := range stores {
		parts = append(parts, fmt.Sprintf("SELECT MAX(entity_id) AS id FROM %s WHERE store_id = %d", orders, store))
	}
	return fmt.Sprintf("(SELECT %d, '', o.store_id, '', '', COALESCE(o.increment_id, '') FROM (%s) newest JOIN %s o "+
		"ON o.entity_id = newest.id)", newestMark, strings.Join(parts, " UNION ALL "), orders)
}

// maxParts is how many SELECTs one statement has at most.
const maxParts = 500

// readMagento2 reads the sequences. It is false when the verdict says why it could not.
func (j *incrementIDsJudge) readMagento2(ctx context.Context) bool {
	m2 := j.e.Magento2
	if m2.Unreachable(j.Verdict) {
		return false
	}
	if j.recall(ctx) {
		return true
	}
	j.sequences = nil
	for _, read := range []struct {
		subject string
		do      func(context.Context) error
	}{
		{"sales_sequence_meta", j.readSequences},
		{"sequences", j.readTables},
		{"sequences", j.readValues},
		{"next numbers", j.readClashes},
	} {
		if err := read.do(ctx); err != nil {
			m2.Broken(j.Verdict, read.subject, err)
			return false
		}
	}
	return true
}

// recall goes on with the tables of the last evaluation, and reads all else in one statement. It is false when the
// tables have to be looked at: from time to time, when sequences are others than before, when a value is lower, and
// whenever something is wrong or cannot be read.
func (j *incrementIDsJudge) recall(ctx context.Context) bool {
	kept := j.memory.sequences
	if len(kept) == 0 || 2*len(kept) > maxParts || j.memory.turn%tablesTurns == 0 {
		return false
	}
	for i := range kept {
		s := kept[i]
		j.sequences = append(j.sequences, &s)
	}
	j.documents = j.memory.documents
	parts := append(j.metaParts(), slices.Concat(j.valueParts(), j.clashParts())...)
	read, err := j.readParts(ctx, parts)
	if err != nil || !slices.EqualFunc(j.sequencesOf(read), j.sequences, (*sequence).sameAs) {
		return false
	}
	moved := false
	for i, s := range j.sequences {
		if s.taken != kept[i].taken || s.last < kept[i].last || s.next > s.limit || s.limit-s.next < fewNumbers {
			return false
		}
		moved = moved || s.next != kept[i].next
	}
	if moved && j.readClashes(ctx) != nil {
		return false
	}
	return !slices.ContainsFunc(j.sequences, func(s *sequence) bool { return s.clashes[0] != "" }) &&
		!slices.ContainsFunc(j.last, func(l lastNumber) bool { return j.lag(l) > 0 })
}

// sameAs reports whether Magento 2 takes numbers from the same place in the same form.
func (s *sequence) sameAs(other *sequence) bool {
	return s.kind == other.kind && s.store == other.store && s.table == other.table && s.active == other.active &&
		s.prefix == other.prefix && s.suffix == other.suffix && s.start == other.start && s.step == other.step
}

// place is what there is one sequence for.
type place struct {
	kind  string
	store int64
}

// configured is what Magento 2's tables say about its sequences, and its stores.
type configured struct {
	sequences map[place]*sequence
	stores    []int64
}

// readSequences reads what Magento 2 has for each of its stores and each kind of document.
func (j *incrementIDsJudge) readSequences(ctx context.Context) error {
	read, err := j.readParts(ctx, j.metaParts())
	j.sequences = j.sequencesOf(read)
	return err
}

// sequencesOf are the sequences of all stores of both systems, also those that Magento 2 lacks.
func (j *incrementIDsJudge) sequencesOf(read configured) []*sequence {
	stores := read.stores
	for _, l := range j.last {
		if !slices.Contains(stores, l.store) {
			stores = append(stores, l.store)
		}
	}
	var all []*sequence
	for _, store := range stores {
		for _, t := range numberedTypes() {
			s := read.sequences[place{t.name, store}]
			if s == nil {
				s = &sequence{
					kind: t.name, store: store, prefix: strconv.FormatInt(store, 10), start: 1, step: 1,
					limit: maxSequenceValue,
				}
			}
			all = append(all, s)
		}
	}
	return all
}

// readTables asks which of the sequences' tables are there, what they hold at most, and what their next value is.
func (j *incrementIDsJudge) readTables(ctx context.Context) error {
	tables := map[string][]*sequence{}
	var names []any
	for _, s := range j.sequences {
		name := s.name(j.e.Magento2.Prefix)
		if tables[name] == nil {
			names = append(names, name)
		}
		tables[name] = append(tables[name], s)
	}
	j.documents = map[string]bool{}
	kinds := map[string]string{}
	for _, t := range numberedTypes() {
		kinds[j.e.Magento2.Prefix+t.table] = t.name
		names = append(names, j.e.Magento2.Prefix+t.table)
	}
	for chunk := range slices.Chunk(names, maxParts) {
		list := database.Parameters(len(chunk))
		query := "SELECT TABLE_NAME, AUTO_INCREMENT, '' FROM information_schema.TABLES " +
			"WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (" + list + ") UNION ALL " +
			"SELECT TABLE_NAME, NULL, COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() " +
			"AND COLUMN_NAME = 'sequence_value' AND TABLE_NAME IN (" + list + ")"
		err := j.e.Magento2.Session.Rows(ctx, query, append(slices.Clone(chunk), chunk...),
			func(scan func(...any) error) error {
				var name, column string
				var next sql.Null[uint64]
				if err := scan(&name, &next, &column); err != nil {
					return err
				}
				if kind := kinds[name]; kind != "" {
					j.documents[kind] = true
				}
				for _, s := range tables[name] {
					s.exists = true
					s.next = max(s.next, next.V)
					if column != "" {
						s.valid, s.limit = true, columnLimit(column)
					}
				}
				return nil
			})
		if err != nil {
			return err
		}
	}
	return j.hidden(ctx)
}

// hidden returns the error of a table that information_schema does not show because the account may not read it: that
// it is missing would be a guess.
func (j *incrementIDsJudge) hidden(ctx context.Context) error {
	var tables []string
	for _, s := range j.sequences {
		if !s.exists && s.table != "" {
			tables = append(tables, s.table)
		}
	}
	for _, t := range numberedTypes() {
		if !j.documents[t.name] {
			tables = append(tables, j.e.Magento2.Prefix+t.table)
		}
	}
	for _, t := range tables[:min(len(tables), maxHidden)] {
		_, err := j.e.Magento2.Column(ctx, "SELECT 1 FROM "+database.Quote(t)+" LIMIT 1")
		if err != nil && database.Number(err) != database.ErrNoSuchTable {
			return err
		}
	}
	return nil
}

// columnLimit returns the highest value of an integer column.
func columnLimit(column string) uint64 {
	column = strings.ToLower(column)
	switch {
	case strings.HasPrefix(column, "bigint"):
		return math.MaxInt64
	case strings.HasPrefix(column, "int") && !strings.Contains(column, "unsigned"):
		return math.MaxInt32
	}
	return maxSequenceValue
}

// readValues reads the highest value of each sequence, from the end of its primary key.
func (j *incrementIDsJudge) readValues(ctx context.Context) error {
	_, err := j.readParts(ctx, j.valueParts())
	return err
}

// readClashes looks up the next numbers in the unique key of the number and the store.
func (j *incrementIDsJudge) readClashes(ctx context.Context) error {
	_, err := j.readParts(ctx, j.clashParts())
	return err
}

// part is one SELECT of a statement, with its arguments. The first column says what a row is.
type part struct {
	query string
	args  []any
}

// What a row is.
const (
	metaRow = iota
	storeRow
	valueRow
	clashRow
)

// metaParts ask for the sequences and the stores of Magento 2.
func (j *incrementIDsJudge) metaParts() []part {
	m2 := j.e.Magento2
	return []part{
		{fmt.Sprintf("(SELECT %d, 0, m.store_id, p.profile_id IS NOT NULL, COALESCE(p.start_value, 1), "+
			"COALESCE(p.step, 1), m.entity_type, m.sequence_table, COALESCE(p.prefix, ''), COALESCE(p.suffix, ''), "+
			"'', '' FROM %s m LEFT JOIN %s p ON p.meta_id = m.meta_id AND p.is_active = 1 "+
			"WHERE m.entity_type IN (%s) LIMIT %d)", metaRow, m2.Table("sales_sequence_meta"),
			m2.Table("sales_sequence_profile"), database.Parameters(len(numberedTypes())), maxSequences), typeArgs()},
		{fmt.Sprintf("(SELECT %d, 0, store_id, 0, 1, 1, '', '', '', '', '', '' FROM %s ORDER BY store_id LIMIT %d)",
			storeRow, m2.Table("store"), maxSequences/len(numberedTypes())), nil},
	}
}

// valueParts ask for the highest value of each sequence.
func (j *incrementIDsJudge) valueParts() []part {
	var parts []part
	for i, s := range j.sequences {
		if s.valid {
			parts = append(parts, part{fmt.Sprintf("(SELECT %d, %d, 0, COUNT(sequence_value) > 0, "+
				"COALESCE(MAX(sequence_value), 0), 0, '', '', '', '', '', '' FROM (SELECT MAX(sequence_value) AS "+
				"sequence_value FROM %s) highest)", valueRow, i, database.Quote(s.name(j.e.Magento2.Prefix))), nil})
		}
	}
	return parts
}

// clashParts ask which of the next numbers are taken.
func (j *incrementIDsJudge) clashParts() []part {
	var parts []part
	for i, s := range j.sequences {
		if !s.valid || !s.active || !j.documents[s.kind] || s.next > s.limit {
			continue
		}
		first, last := s.number(s.next), s.number(s.next+nextNumbers)
		parts = append(parts, part{fmt.Sprintf("(SELECT %d, %d, 0, 0, 0, 0, '', '', '', '', "+
			"COALESCE(MIN(increment_id), ''), COALESCE(MAX(increment_id), '') FROM %s WHERE store_id = ? "+
			"AND increment_id BETWEEN ? AND ? AND CHAR_LENGTH(increment_id) = ?)",
			clashRow, i, j.e.Magento2.Table("sales_"+s.kind)), []any{s.store, first, last, len(first)}})
	}
	return parts
}

// readParts sends parts, at most maxParts in one statement. It returns what Magento 2 has configured, and keeps the
// rest in the sequences.
func (j *incrementIDsJudge) readParts(ctx context.Context, parts []part) (configured, error) {
	read := configured{sequences: map[place]*sequence{}}
	for chunk := range slices.Chunk(parts, maxParts) {
		var queries []string
		var args []any
		for _, p := range chunk {
			queries, args = append(queries, p.query), append(args, p.args...)
		}
		err := j.e.Magento2.Session.Rows(ctx, strings.Join(queries, " UNION ALL "), args,
			func(scan func(...any) error) error { return j.readRow(scan, &read) })
		if err != nil {
			return read, err
		}
	}
	return read, nil
}

func (j *incrementIDsJudge) readRow(scan func(...any) error, read *configured) error {
	var kind, i int
	row := &sequence{limit: maxSequenceValue}
	var first, last string
	err := scan(&kind, &i, &row.store, &row.active, &row.start, &row.step, &row.kind, &row.table, &row.prefix,
		&row.suffix, &first, &last)
	if err != nil {
		return err
	}
	switch kind {
	case metaRow:
		row.step = max(row.step, 1)
		read.sequences[place{row.kind, row.store}] = row
	case storeRow:
		read.stores = append(read.stores, row.store)
	case valueRow:
		s := j.sequences[i]
		s.taken, s.last = row.active, row.start
		s.next = max(s.next, s.last+1, 1)
	case clashRow:
		j.sequences[i].clashes = [2]string{first, last}
	}
	return nil
}

// salesIncrement is the part of the class's name that the step has in all releases of the tool.
const salesIncrement = `\SalesIncrement\`

// migrated reports whether migrate:data has made the sequences: by the tool's progress file, else by the databases.
func (j *incrementIDsJudge) migrated() bool {
	if lock, err := j.e.Files.Progress(); err == nil && j.e.Tool.Config != nil {
		for _, class := range j.e.Tool.Config.Stages("data", "data") {
			if strings.Contains(class, salesIncrement) {
				return lock.Done(class, "data migration")
			}
		}
	}
	for _, l := range j.last {
		if s := j.sequenceOf(l.kind, l.store); s == nil || !s.active || !s.taken {
			return false
		}
	}
	return len(j.last) > 0
}

// judge compares both systems.
func (j *incrementIDsJudge) judge(ctx context.Context) {
	if len(j.sequences) == 0 {
		j.Unknown("store", "Magento 2 has no store, so no number was looked at", "the table store has no row",
			"Check that "+j.e.Magento2.Key("database")+" names the Magento 2 of this migration, with its prefix.")
		return
	}
	for _, s := range j.sequences {
		switch {
		case s.table == "" || !s.active || !s.exists:
			j.missing(s)
			continue
		case !s.valid:
			j.Fail(
				s.subject(),
				fmt.Sprintf("the table %s is no sequence: it has no column sequence_value", s.table),
				"",
				"Rename it away, and make the sequence again:\nRENAME TABLE "+database.Quote(s.table)+" TO "+
					database.Quote(s.table+"_old")+";\n"+j.create(s),
			)
			continue
		case s.next > s.limit:
			j.usedUp(s)
			continue
		case s.limit-s.next < fewNumbers:
			left := finding.Counted(int(s.limit-s.next+1), "number is", "numbers are")
			j.Warn(s.subject(), fmt.Sprintf("only %s left for %s of store %d", left, manyOf(s.kind), s.store),
				fmt.Sprintf("the next one is %d, the last one %d", s.next, s.limit),
				"Find out what raised it: Magento counts one by one. Let it go on behind the last number that was "+
					"really given before it is used up, because then every checkout of the store fails.")
		}
		j.clash(s)
	}
	behind := func(l lastNumber) bool { return j.lag(l) > 0 && !j.pending[l.row] }
	if slices.ContainsFunc(j.last, behind) {
		j.readPending(ctx)
	}
	if slices.ContainsFunc(j.last, behind) {
		// Again: what the last cycle has delivered between the two reads is in no log any more.
		if err := j.readValues(ctx); err != nil {
			j.e.Magento2.Broken(j.Verdict, "sequences", err)
			return
		}
	}
	j.lags()
}

// lag is by how much the sequence of a number is behind it. A number that does not fit is another matter.
func (j *incrementIDsJudge) lag(l lastNumber) uint64 {
	s, n := j.sequenceOf(l.kind, l.store), l.value()
	switch {
	case s == nil || n > s.limit:
		return 0
	case !s.valid:
		return n
	case s.next > n:
		return 0
	}
	return n + 1 - s.next
}

// lags judges how far the sequences are behind Magento 1's last numbers.
func (j *incrementIDsJudge) lags() {
	lags := map[string]uint64{}
	for _, t := range numberedTypes() {
		lags[t.name] = 0
	}
	for _, l := range j.last {
		s, lag := j.sequenceOf(l.kind, l.store), j.lag(l)
		switch {
		case lag == 0:
		case j.pending[l.row] && s.valid:
			j.Note(s.subject(), fmt.Sprintf("the sequence of %s of store %d is %d behind, which waits in the delta log",
				l.many(), l.store, lag), l.seen(), "")
		default:
			lags[l.kind] = max(lags[l.kind], lag)
			if s.valid {
				j.behind(s, l, lag)
			}
		}
	}
	if j.e.Phase.Phase == config.PhaseDone {
		return
	}
	for _, t := range numberedTypes() {
		if t.name == "order" && j.unnumbered {
			continue // how far behind is unknown
		}
		j.Sample(incrementIDLag, float64(lags[t.name]), t.name)
	}
}

// behind is a sequence that will give numbers below Magento 1's last one.
func (j *incrementIDsJudge) behind(s *sequence, l lastNumber, lag uint64) {
	summary := fmt.Sprintf(
		"the sequence of %s of store %d is %d behind Magento 1's last number",
		l.many(),
		l.store,
		lag,
	)
	if !s.taken && s.next == 1 {
		summary = fmt.Sprintf("the sequence of %s of store %d is empty: the next number would be %s", l.many(), l.store,
			s.number(s.next))
	}
	j.Fail(
		s.subject(),
		summary,
		fmt.Sprintf("%s; the next one in %s is %d (%s); nothing of it waits in the delta log",
			l.seen(), s.table, s.next, s.number(s.next)),
		"Let it go on behind Magento 1's last number, in Magento 2's database:\n"+goOn(
			database.Quote(s.table),
			l.value(),
		),
	)
}

// missing is a store that cannot take documents of one kind.
func (j *incrementIDsJudge) missing(s *sequence) {
	why := "sales_sequence_meta has no row for it"
	switch {
	case s.table != "" && !s.exists:
		why = "sales_sequence_meta names the table " + s.table + ", which does not exist"
	case s.table != "":
		why = "no row of sales_sequence_profile for it is active"
	}
	remedy := "If migrate:data has not ended, let it end: its step SalesIncrement makes the sequences. " +
		"Else make it, in Magento 2's database:"
	if !s.exists {
		remedy += "\n" + j.create(s)
	}
	j.Fail(s.subject(), fmt.Sprintf("Magento 2 has no sequence for %s of store %d: they cannot be made there",
		manyOf(s.kind), s.store), why, strings.TrimSpace(remedy+"\n"+j.enter(s)))
}

// create is what makes the table of a sequence.
func (j *incrementIDsJudge) create(s *sequence) string {
	table := database.Quote(s.name(j.e.Magento2.Prefix))
	statement := "CREATE TABLE " + table + " (sequence_value INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY) " +
		"ENGINE=InnoDB;"
	var n uint64
	for _, l := range j.last {
		if l.kind == s.kind && l.store == s.store && l.value() <= maxSequenceValue {
			n = max(n, l.value())
		}
	}
	if n == 0 {
		return statement
	}
	return statement + "\n" + goOn(table, n)
}

// enter is what makes a sequence known to Magento 2.
func (j *incrementIDsJudge) enter(s *sequence) string {
	meta, profile := j.e.Magento2.Table("sales_sequence_meta"), j.e.Magento2.Table("sales_sequence_profile")
	var lines []string
	if s.table == "" {
		lines = append(
			lines,
			fmt.Sprintf("INSERT INTO %s (entity_type, store_id, sequence_table) VALUES ('%s', %d, %s);",
				meta, s.kind, s.store, database.Literal(j.e.Magento2.Prefix+s.subject())),
		)
	}
	if !s.active && s.table != "" {
		lines = append(lines, fmt.Sprintf("UPDATE %s p JOIN %s m ON m.meta_id = p.meta_id SET p.is_active = 1 "+
			"WHERE m.entity_type = '%s' AND m.store_id = %d;", profile, meta, s.kind, s.store))
	}
	if !s.active {
		lines = append(lines, fmt.Sprintf("INSERT INTO %s (meta_id, prefix, start_value, step, max_value, "+
			"warning_value, is_active) SELECT m.meta_id, '%d', 1, 1, 4294967295, 4294966295, 1 FROM %s m "+
			"WHERE m.entity_type = '%s' AND m.store_id = %d "+
			"AND NOT EXISTS (SELECT 1 FROM %[1]s p WHERE p.meta_id = m.meta_id);",
			profile, s.store, meta, s.kind, s.store))
	}
	return strings.Join(lines, "\n")
}

// usedUp is a sequence without a next number, as the tool leaves it when Magento 1's number was too large.
func (j *incrementIDsJudge) usedUp(s *sequence) {
	for _, l := range j.last {
		if l.kind == s.kind && l.store == s.store && l.value() > maxSequenceValue {
			return // the number itself is a finding
		}
	}
	var n uint64
	for _, l := range j.last {
		if l.kind == s.kind && l.store == s.store {
			n = l.value()
		}
	}
	table := database.Quote(s.table)
	j.Fail(s.subject(), fmt.Sprintf("the sequence of %s of store %d is used up: every checkout of the store fails",
		manyOf(s.kind), s.store), fmt.Sprintf("its last value is %d, and its column ends at %d", s.last, s.limit),
		"Take out the value that is too large and let it go on behind the last number that was given:\n"+
			fmt.Sprintf("DELETE FROM %s WHERE sequence_value >= %d;\n", table, s.limit)+goOn(table, n))
}

// clash is a number that Magento 2 will give although it is taken: it does not look before it gives it.
func (j *incrementIDsJudge) clash(s *sequence) {
	first, last := s.clashes[0], s.clashes[1]
	at, ok := s.valueOf(first)
	if first == "" || !ok {
		return
	}
	after, ok := s.valueOf(last)
	if !ok {
		after = at
	}
	remedy := "Let the sequence go on behind the numbers that are taken, in Magento 2's database:\n" +
		goOn(database.Quote(s.table), after)
	evidence := fmt.Sprintf("store %d has the number %s in %s already; the next one in %s is %d", s.store, first,
		j.e.Magento2.Prefix+"sales_"+s.kind, s.table, s.next)
	if at == s.next {
		j.Fail(
			s.subject(),
			fmt.Sprintf("the next number of %s of store %d is taken: making the next one ends with error "+
				"1062", manyOf(s.kind), s.store),
			evidence,
			remedy,
		)
		return
	}
	j.Warn(
		s.subject(),
		fmt.Sprintf("a number of %s of store %d is taken that comes after %d more: making it ends with "+
			"error 1062", manyOf(s.kind), s.store, at-s.next),
		evidence,
		remedy,
	)
}
