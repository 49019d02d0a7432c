package fit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
)

// keyed looks for rows that collide in a unique key of Magento 2.
type keyed struct {
	*copied
	name  string
	parts []keyPart
	// ordered is the part whose index is followed, nil where there is none. Its rows are looked at in ranges, width of
	// them at a time; after and to are the limits of the present one, literals of SQL.
	ordered   *keyPart
	width     int
	after, to string
	// hashed is how a large table without such an index is looked at; without both all rows are, at once.
	hashed *hashed
	found  []Problem
}

// keyPart is a column of a unique key that gets its value from one of Magento 1.
type keyPart struct {
	pair
	// length is how many characters count, 0 for all.
	length int64
	// stored is what Magento 2 will hold, grouped is the same under a collation that finds at least as much. plain is
	// true where the column itself compares like that.
	stored, grouped string
	plain           bool
	// set and collation are those of grouped, for a text that is not plain.
	set, collation string
}

const (
	// groupedRows is how many rows one statement groups, about; a table that cannot be read page by page may have
	// wholeTable of them.
	groupedRows = 50000
	// crowd is more rows with one value than a range of an index may end with.
	crowd = 3 * firstPage
	// substitute is the collation that stands in for one that a server lacks.
	substitute = "utf8mb4_unicode_520_ci"
)

// addKey makes what there is to do for a unique key of Magento 2.
func (p *planner) addKey(c *copied, key *index) {
	k := &keyed{copied: c, name: key.name}
	for _, x := range key.parts {
		part, use, why := keyPartOf(c, key, x)
		switch {
		case why == never:
			return
		case why != "":
			p.skip(c.target+" "+key.name, why)
			return
		case use:
			k.parts = append(k.parts, part)
		}
	}
	if len(k.parts) == 0 || p.guaranteed(c, k.parts) {
		return
	}
	for i := range k.parts {
		if !p.group(&k.parts[i]) {
			p.skip(c.target+" "+key.name, k.parts[i].from.columnType+" into "+k.parts[i].to.columnType)
			return
		}
	}
	if !k.plan() {
		p.skip(c.target+" "+key.name, "Magento 1's table is large and has no key by which it can be read in parts")
		return
	}
	p.tasks = append(
		p.tasks,
		&task{name: "key " + c.target + " " + key.name, document: c.document, of: c.from, work: k},
	)
}

// never is why a key cannot be violated: the server gives the value, or it is NULL.
const never = "never"

// keyPartOf finds where the value of a column in a key comes from. It is not used when all rows have the same one.
func keyPartOf(c *copied, key *index, of part) (x keyPart, use bool, why string) {
	to := c.to.column(of.column)
	switch {
	case to == nil:
		return x, false, "the server computes it"
	case to.computed():
		return x, false, "the server computes " + of.column
	}
	i := slices.IndexFunc(c.columns, func(y pair) bool { return y.to == to })
	switch {
	case i < 0 && (strings.Contains(to.extra, "auto_increment") || to.nullable && !to.hasDefault):
		return x, false, never
	case i < 0:
		return x, false, ""
	case c.columns[i].value != nil && *c.columns[i].value == "NULL" && to.nullable:
		return x, false, never
	case c.columns[i].value != nil:
		return x, false, ""
	case c.columns[i].follows != "" && slices.ContainsFunc(key.parts, func(y part) bool {
		return y.column == c.columns[i].follows
	}):
		return x, false, ""
	case c.columns[i].handler == storeGroupHandler:
		return x, false, never // see storeGroups
	case c.columns[i].handler != "":
		return x, false, c.columns[i].handler + " gives " + of.column
	}
	return keyPart{pair: c.columns[i], length: of.length}, true, ""
}

// guaranteed reports whether a unique key of Magento 1 already keeps rows apart in a key of Magento 2.
func (p *planner) guaranteed(c *copied, parts []keyPart) bool {
	return slices.ContainsFunc(c.from.indexes, func(i *index) bool {
		return i.unique && !slices.ContainsFunc(i.parts, func(x part) bool {
			return !slices.ContainsFunc(parts, func(y keyPart) bool {
				return strings.EqualFold(y.from.name, x.column) && p.keepsApart(y)
			})
		})
	})
}

// keepsApart reports whether two values that differ in Magento 1 always differ in Magento 2.
func (p *planner) keepsApart(x keyPart) bool {
	if x.from.nullable && !x.to.nullable {
		return false
	}
	checks, known := p.checks(x.from, x.to)
	changes := slices.ContainsFunc(checks, func(k check) bool { return k.kind != ZeroDate && k.kind != Null })
	if changes || !known {
		return x.from.columnType == x.to.columnType && x.from.family() == other
	}
	if x.from.family() != text || x.to.family() != text {
		return x.from.family() == x.to.family()
	}
	long := x.length > 0 && (x.from.isLong() || x.length < x.from.chars)
	return !long && (sameOrder(x.from, x.to) || strings.HasSuffix(x.to.collation, "_bin"))
}

// order is a collation without the character set, under which texts of both compare alike.
func order(c *column) string {
	_, name, _ := strings.Cut(c.collation, "_")
	return name
}

// sameOrder reports whether two columns hold the same texts for equal. Every character set has its own general_ci but
// those of Unicode.
func sameOrder(a, b *column) bool {
	unicode := func(c *column) bool { return strings.HasPrefix(c.charset, "utf8") }
	return a.collation == b.collation || unicode(a) && unicode(b) && order(a) == order(b)
}

// group writes what Magento 2 will hold, and what it is grouped by. It is false for pairs that are not looked at.
func (p *planner) group(x *keyPart) bool {
	name := "t." + database.Quote(x.from.name)
	x.stored = p.stored(*x, name)
	if x.stored == "" {
		return false
	}
	if x.from.nullable && !x.to.nullable {
		x.stored = fmt.Sprintf("COALESCE(%s, %s)", x.stored, p.implicit(x.to))
	}
	x.grouped, x.plain = x.stored, x.stored == name
	if x.to.family() == text {
		x.plain = x.from.family() == text && x.from.collation == x.to.collation && !x.from.nullableOnly(x.to) &&
			p.whole(x) && !isWide(x.from.charset)
		if x.grouped = name; !x.plain {
			x.grouped = p.collated(x)
		}
	}
	return true
}

// implicit is what Magento 2's server puts for NULL where a column has none. For an enum MariaDB puts its first member
// and MySQL the empty text.
func (p *planner) implicit(c *column) string {
	switch c.family() {
	case text, binary:
		if c.kind == "enum" && p.mariadb {
			return fmt.Sprintf("ELT(1, %s)", members(c))
		}
		return "''"
	case temporal:
		return zero(c)
	}
	return "0"
}

// storedText is what Magento 2 will hold in a column of texts.
func (p *planner) storedText(x keyPart, name string) string {
	most := min(nonZero(x.length), nonZero(x.to.chars))
	switch f := x.from.family(); {
	case x.to.kind == "enum" && f != text:
		return "" // a number is taken for a place in the list
	case x.to.kind == "enum":
		return fmt.Sprintf("IF(%s IS NULL OR %[1]s IN (%s), %[1]s, '')", p.names.sent(x.from), members(x.to))
	case f == text && x.length == 0 && x.from.isLong() && x.to.isLong():
		return p.names.sent(x.from)
	case f == text:
		return fmt.Sprintf("LEFT(%s, %d)", p.names.sent(x.from), most)
	case f == binary:
		return fmt.Sprintf("LEFT(CONVERT(%s USING %s), %d)", name, p.names, most)
	case f == integer || f == decimal || f == temporal:
		return fmt.Sprintf("LEFT(CAST(%s AS CHAR), %d)", name, most)
	}
	return ""
}

// stored is what Magento 2 will hold of a column, empty for pairs of types that are not looked at.
func (p *planner) stored(x keyPart, name string) string {
	switch f := x.from.family(); {
	case x.from.fraction() > x.to.fraction() || padded(x.from, x.to):
		return ""
	case x.to.family() == text:
		return p.storedText(x, name)
	case f == integer && x.to.family() == integer:
		if intoInteger(name, x.from, x.to) == nil {
			return name
		}
		low, high := x.to.span()
		return fmt.Sprintf("LEAST(GREATEST(%s, %d), %d)", name, low, high)
	case (f == decimal || f == integer || f == text) && x.to.family() == decimal:
		stored := fmt.Sprintf("CAST(%s AS DECIMAL(%d,%d))", p.names.sent(x.from), x.to.precision, x.to.scale)
		if x.to.unsigned() {
			return fmt.Sprintf("GREATEST(%s, 0)", stored)
		}
		return stored
	case (f == decimal || f == text) && x.to.family() == integer:
		low, high := x.to.span()
		return fmt.Sprintf("LEAST(GREATEST(ROUND(CAST(%s AS DECIMAL(65,10))), %d), %d)", p.names.sent(x.from), low,
			high)
	case f == text && x.to.family() == temporal:
		time := fmt.Sprintf("COALESCE(CAST(%s AS DATETIME), '0000-00-00 00:00:00')", p.names.sent(x.from))
		return fmt.Sprintf(
			"IF(%s IS NULL, NULL, %s)",
			name,
			p.stored(keyPart{pair: pair{from: &column{kind: "datetime"},
				to: x.to}}, time),
		)
	case (f == text || f == binary) && x.to.family() == binary:
		if f == text {
			name = fmt.Sprintf("CAST(CONVERT(%s USING %s) AS BINARY)", name, p.names)
		}
		return fmt.Sprintf("LEFT(%s, %d)", name, min(nonZero(x.length), nonZero(x.to.bytes)))
	case f == temporal && x.to.kind == "timestamp" && x.from.kind != "timestamp":
		return fmt.Sprintf("IF(%s, %s, CAST(%s AS DATETIME))", beyond(name, x.from, p.newest), zero(x.to), name)
	case f == temporal && x.to.kind == "date":
		return "DATE(" + name + ")"
	case f == temporal && x.to.family() == temporal:
		return name
	}
	return ""
}

// nullableOnly reports whether a column has NULL and the other one does not.
func (c *column) nullableOnly(other *column) bool { return c.nullable && !other.nullable }

// whole reports whether nothing of a text is cut off, neither by the column nor by the key.
func (p *planner) whole(x *keyPart) bool {
	checks, known := p.checks(x.from, x.to)
	cut := slices.ContainsFunc(checks, func(k check) bool { return k.kind == Cut || k.kind == NoMember })
	return known && !cut && (x.length == 0 || !x.from.isLong() && x.length >= x.from.chars)
}

// plan chooses how the rows are gone through. It is false for a large table that cannot be read in parts.
func (k *keyed) plan() bool {
	if k.follow(); k.ordered != nil || k.from.rows <= groupedRows {
		return true
	}
	if k.from.path() != nil {
		k.hashed = newHashed(k.from)
		return true
	}
	return k.from.rows <= wholeTable
}

// follow chooses the part of the key by whose index the rows can be gone through in ranges.
func (k *keyed) follow() {
	for i := range k.parts {
		if x := &k.parts[i]; x.plain && k.from.leads(x.from.name) {
			k.ordered, k.width = x, firstPage
			return
		}
	}
}

// number is an integer or decimal, as the server writes it.
var number = regexp.MustCompile(`^-?[0-9]+([.][0-9]+)?$`)

// limit is the statement for the end of the next range.
func (k *keyed) limit() string {
	name := "t." + database.Quote(k.ordered.from.name)
	condition := " WHERE " + name + " IS NOT NULL"
	if k.after != "" {
		condition = " WHERE " + name + " > " + k.after
	}
	return fmt.Sprintf("SELECT %s FROM %s t%s ORDER BY %s LIMIT 1 OFFSET %d", k.ordered.from.hexadecimal(name),
		database.Quote(k.from.name), condition, name, k.width)
}

func nonZero(n int64) int64 {
	if n == 0 {
		return 1 << 30
	}
	return n
}

// collated puts a text under the collation of Magento 2, or one that finds about as much where Magento 1's server does
// not have it. Trailing blanks are left out: a collation that pads does not see them.
func (p *planner) collated(x *keyPart) string {
	set, collation := p.collation(x.to)
	x.set, x.collation = set, collation
	return fmt.Sprintf("CONVERT(RTRIM(%s) USING %s) COLLATE %s", x.stored, set, collation)
}

// collation returns a collation of Magento 1's server for a column of Magento 2.
func (p *planner) collation(c *column) (set, name string) {
	set, rest, _ := strings.Cut(c.collation, "_")
	if c.collation == "binary" {
		return "utf8mb4", "utf8mb4_bin"
	}
	candidates := []string{set}
	if set == "utf8" || set == "utf8mb3" {
		candidates = []string{set, "utf8", "utf8mb3", "utf8mb4"}
	}
	for _, set := range candidates {
		// MariaDB lists its newest collations without a character set.
		if name := set + "_" + rest; p.collations[name] || p.collations[rest] {
			return set, name
		}
	}
	return "utf8mb4", substitute
}

// query finds rows that collide: with members their values, else only whether there are any. It groups by hashes: by
// texts MySQL 9.7 takes two for different that a unique key of it takes for the same.
func (k *keyed) query(members bool) string {
	columns := k.hash() + " AS g"
	conditions := k.conditions()
	if k.ordered != nil {
		name := "t." + database.Quote(k.ordered.from.name)
		if k.after != "" {
			conditions = append(conditions, name+" > "+k.after)
		}
		if k.to != "" {
			conditions = append(conditions, name+" <= "+k.to)
		}
	}
	selected, limit := "1", 1
	if members {
		selected = fmt.Sprintf("SUBSTRING_INDEX(GROUP_CONCAT(m SEPARATOR ','), ',', %d)", MaxShown)
		columns += ", " + k.member() + " AS m"
		limit = MaxShown + 1
	}
	return fmt.Sprintf("SELECT %s FROM (SELECT %s FROM %s t%s) x GROUP BY g HAVING COUNT(*) > 1 LIMIT %d", selected,
		columns, database.Quote(k.from.name), where(conditions), limit)
}

// conditions are those for rows that can collide at all.
func (k *keyed) conditions() []string {
	var where []string
	for _, x := range k.parts {
		if x.from.nullable && x.to.nullable {
			where = append(where, "t."+database.Quote(x.from.name)+" IS NOT NULL")
		}
	}
	return where
}

// where joins conditions.
func where(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(conditions, " AND ")
}

// people is the statement that shows people the rows.
func (k *keyed) people() string {
	var groups []string
	for _, x := range k.parts {
		groups = append(groups, x.grouped)
	}
	return fmt.Sprintf(
		"SELECT COUNT(*), GROUP_CONCAT(%s) AS ids FROM %s t%s GROUP BY %s HAVING COUNT(*) > 1 LIMIT 1000;",
		k.from.id(),
		database.Quote(k.from.name),
		where(k.conditions()),
		strings.Join(groups, ", "),
	)
}

// member is a row's key and what Magento 2 will hold of it, in hexadecimal.
func (k *keyed) member() string {
	parts := []string{"HEX(CONVERT(" + k.from.id() + " USING utf8mb4))"}
	for _, x := range k.parts {
		value := "CONVERT(" + x.stored + " USING utf8mb4)"
		if x.to.family() == binary {
			value = x.stored
		}
		parts = append(parts, "HEX("+value+")")
	}
	return "CONCAT_WS(':', " + strings.Join(parts, ", ") + ")"
}

// confirmation asks Magento 2's server whether rows of one group collide there.
func (k *keyed) confirmation(members [][]string) string {
	var rows []string
	same := []string{"a.n < b.n"}
	for i := range k.parts {
		same = append(same, fmt.Sprintf("a.g%d = b.g%[1]d", i))
	}
	for n, m := range members {
		columns := []string{fmt.Sprintf("%d AS n", n)}
		for i, x := range k.parts {
			columns = append(columns, fmt.Sprintf("%s AS g%d", x.held(m[1+i]), i))
		}
		rows = append(rows, "SELECT "+strings.Join(columns, ", "))
	}
	all := "(" + strings.Join(rows, " UNION ALL ") + ")"
	return "SELECT 1 FROM " + all + " a JOIN " + all + " b ON " + strings.Join(same, " AND ") + " LIMIT 1"
}

// held is a value as Magento 2's column compares it.
func (x keyPart) held(hexadecimal string) string {
	value := "CONVERT(X'" + hexadecimal + "' USING utf8mb4)"
	switch x.to.family() {
	case text:
	case binary:
		return "X'" + hexadecimal + "'"
	case integer, decimal:
		return "CAST(" + value + " AS DECIMAL(65,30))"
	default:
		return value
	}
	if x.to.kind == "char" {
		value = "RTRIM(" + value + ")"
	}
	return "CONVERT(" + value + " USING " + x.to.charset + ") COLLATE " + x.to.collation
}
