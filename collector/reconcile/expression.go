package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
)

// columnType is a column's type as information_schema has it.
type columnType struct {
	kind  string
	scale int
	// length is of a text, in characters.
	length   int64
	nullable bool
}

// kind is how a column's value is made a text that both servers write in the same way.
type kind uint8

const (
	// whole is an integer.
	whole kind = iota
	// decimal has a scale, which the two systems may have chosen differently.
	decimal
	// text is short.
	text
	// long is a text of any length: only its checksum is used, so that no row exceeds max_allowed_packet.
	long
	// bytes have no character set.
	bytes
	// hashed is a number made of other columns.
	hashed
)

// column is a column that both tables have.
type column struct {
	names [2]string
	kind  kind
	// scale is the one of a decimal.
	scale int
	// filled is true when Magento 2's column has no NULL and Magento 1's has: the server puts 0 or '' there. In a
	// column of a time it puts the present one, which stamped marks.
	filled, stamped bool
	// of are the columns that a hashed one is made of.
	of [2]string
	// value1 is where Magento 1 has the value, when it is not in the table itself.
	value1 string
	// markers is true of a text in which the tool changes {{widget …}} and {{block …}}: what differs is read.
	markers bool
	// converted is the list of values that the map file replaces by others.
	converted string
	// length is that of Magento 2's text where it is the shorter one, else 0: the server cuts off what is longer.
	length int64
	// day is true where one system has a date and the other one a date with a time.
	day bool
	// password is true of a hash, to which the tool adds which kind it is.
	password bool
}

// ref is where a side has the value.
func (c column) ref(side int) string {
	if side == magento1 && c.value1 != "" {
		return c.value1
	}
	return "t." + database.Quote(c.names[side])
}

// newColumn chooses how two columns are compared. A decimal has the scale of Magento 2, which is what can be stored
// there.
func newColumn(names [2]string, t1, t2 columnType) column {
	c := column{names: names}
	k1, k2 := kindOf(t1), kindOf(t2)
	switch {
	case k1 == long || k2 == long:
		c.kind = long
	case k1 == bytes || k2 == bytes:
		c.kind = bytes
	case k1 == text || k2 == text:
		c.kind = text
	case k1 == decimal || k2 == decimal:
		c.kind, c.scale = decimal, t2.scale
		if isFloat(t1) || isFloat(t2) {
			c.scale = floatScale
		}
	}
	if c.kind == text && t2.length > 0 && (t2.length < t1.length || t1.length == 0) {
		c.length = t2.length
	}
	c.day = (k1 == text && k2 == text) && isDay(t1) != isDay(t2) && isTime(t1) && isTime(t2)
	c.password = names[1] == passwordHash && c.kind == text
	if t1.nullable && !t2.nullable {
		c.stamped = isTime(t2)
		c.filled = !c.stamped
	}
	return c
}

// floatScale is the scale at which floating point numbers are compared: their last digits differ between servers.
const floatScale = 4

func isFloat(t columnType) bool { return t.kind == "float" || t.kind == "double" }

func isTime(t columnType) bool {
	switch strings.ToLower(t.kind) {
	case "timestamp", "datetime", "date", "time":
		return true
	}
	return false
}

func isDay(t columnType) bool { return strings.EqualFold(t.kind, "date") }

func kindOf(t columnType) kind {
	switch strings.ToLower(t.kind) {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "bit", "year":
		return whole
	case "decimal", "float", "double":
		return decimal
	case "tinytext", "text", "mediumtext", "longtext", "json":
		return long
	case "tinyblob", "blob", "mediumblob", "longblob", "binary", "varbinary":
		return bytes
	}
	return text
}

// separator stands between the values of a row: no value of a shop has it.
const separator = "CHAR(31 USING utf8mb4)"

// value is the expression for a value's text, ” for NULL. It compares bytes and no collation: the two servers may order
// and fold texts differently.
func (c column) value(side int) string {
	name := c.ref(side)
	var expression string
	switch c.kind {
	case hashed:
		return c.of[side]
	case whole:
		expression = name + " + 0" // which drops the zeros of ZEROFILL
	case decimal:
		expression = fmt.Sprintf("CAST(%s AS DECIMAL(38,%d))", name, c.scale)
	case text:
		expression = c.text(side, "CONVERT("+name+" USING utf8mb4)")
	case long:
		expression = "CRC32(CONVERT(" + name + " USING utf8mb4))"
	case bytes:
		expression = "CRC32(" + name + ")"
	}
	empty := "''"
	if c.filled && (c.kind == whole || c.kind == decimal) {
		return strings.ReplaceAll(expression, name, "IFNULL("+name+", 0)")
	}
	if c.filled && c.kind != text {
		empty = "0" // the checksum of an empty text
	}
	return "IF(ISNULL(" + name + "), " + empty + ", " + expression + ")"
}

// text is the expression for a text as Magento 2 can have it.
func (c column) text(side int, expression string) string {
	if side == magento1 {
		expression = replaced(c.converted, expression)
		if c.length > 0 {
			expression = fmt.Sprintf("LEFT(%s, %d)", expression, c.length)
		}
	}
	switch {
	case c.day:
		return fmt.Sprintf("LEFT(%s, %d)", expression, len(time.DateOnly))
	case c.password:
		return password(expression)
	}
	return expression
}

// passwordHash is the attribute of customers whose values the tool changes: it writes hash:salt:0 of a hash with 32
// digits, and hash:salt:1 of one with 64.
const passwordHash = "password_hash"

// password is the expression for hash:salt, in both systems. A hash without a salt ends with the colon.
func password(hash string) string {
	const form = "CONCAT(CASE WHEN SUBSTRING_INDEX(%[1]s, ':', -1) IN ('0', '1') AND " +
		"CHAR_LENGTH(SUBSTRING_INDEX(%[1]s, ':', 1)) IN (32, 64) AND CHAR_LENGTH(%[1]s) - " +
		"CHAR_LENGTH(REPLACE(%[1]s, ':', '')) = 2 THEN LEFT(%[1]s, CHAR_LENGTH(%[1]s) - 2) ELSE %[1]s END, " +
		"IF(LOCATE(':', %[1]s) = 0, ':', ''))"
	return fmt.Sprintf(form, hash)
}

// isNull is 1 for NULL, so that NULL differs from an empty text.
func (c column) isNull(side int) string {
	if c.filled {
		return "0"
	}
	return "ISNULL(" + c.ref(side) + ")"
}

// replaced is an expression whose value the map file replaces: [old:new;old:new]. It compares bytes, as the tool does.
func replaced(list, expression string) string {
	if list == "" {
		return expression
	}
	var whens strings.Builder
	for pair := range strings.SplitSeq(strings.Trim(list, "[]"), ";") {
		if before, after, ok := strings.Cut(pair, ":"); ok {
			fmt.Fprintf(&whens, " WHEN BINARY %s = BINARY %s THEN %s", expression,
				literal(before), literal(after))
		}
	}
	return "CASE" + whens.String() + " ELSE " + expression + " END"
}

// literal is a text in utf8mb4, whatever the session's character set is.
func literal(text string) string { return "CONVERT(" + database.Literal(text) + " USING utf8mb4)" }

// sum is the checksum of one column of a row.
func (c column) sum(side int) string {
	return "CRC32(CONCAT(" + c.isNull(side) + ", " + c.value(side) + "))"
}

// checksum is the checksum of a row: of its key, the attribute of a value, which columns are NULL, and the values. It
// is NULL where the server could not make the text; those rows are counted.
func (c *comparison) checksum(side int) string {
	parts := []string{c.key(side) + " + 0"}
	if len(c.codes) > 0 {
		parts = append(parts, separator, c.label(side))
	}
	if len(c.compared()) > 0 {
		parts = append(parts, separator)
	}
	for _, col := range c.compared() {
		parts = append(parts, col.isNull(side))
	}
	for _, col := range c.compared() {
		parts = append(parts, separator, col.value(side))
	}
	return "CRC32(CONCAT(" + strings.Join(parts, ", ") + "))"
}

func (c *comparison) key(side int) string {
	if len(c.Hashed) > 0 {
		return c.keys[side]
	}
	return "t." + database.Quote(c.keys[side])
}

// hash is a key made of columns.
func hash(names []string) string {
	var parts []string
	for _, name := range names {
		parts = append(parts, "IFNULL(CONVERT(t."+database.Quote(name)+" USING utf8mb4), '')")
	}
	return "CRC32(CONCAT_WS(" + separator + ", " + strings.Join(parts, ", ") + "))"
}

// label is the expression for the code of a value's attribute, which has an id of its own on each side.
func (c *comparison) label(side int) string {
	if len(c.codes) == 0 {
		return "''"
	}
	var ids, codes []string
	for i, code := range c.codes {
		ids = append(ids, fmt.Sprint(c.attributes[side][i]))
		codes = append(codes, database.Literal(code))
	}
	return "ELT(FIELD(t.attribute_id, " + strings.Join(ids, ", ") + "), " + strings.Join(codes, ", ") + ")"
}

// total is the expression for what is added up, NULL where nothing is.
func (c *comparison) total(side int) string {
	if c.sums[side] == "" {
		return "NULL"
	}
	return "CAST(t." + database.Quote(c.sums[side]) + " AS DECIMAL(38,4))"
}

// source is FROM and WHERE of a side's rows.
func (c *comparison) source(side int, condition string) string {
	where := []string{}
	if len(c.codes) > 0 {
		var ids []string
		for _, id := range c.attributes[side] {
			ids = append(ids, fmt.Sprint(id))
		}
		where = append(where, "t.attribute_id IN ("+strings.Join(ids, ", ")+")")
	}
	if condition != "" {
		where = append(where, "("+condition+")")
	}
	if known := c.inSets(side); known != "" {
		where = append(where, known)
	}
	from := " FROM " + database.Quote(c.table(side)) + " t" + c.join(side)
	if len(where) > 0 {
		from += " WHERE " + strings.Join(where, " AND ")
	}
	return from
}

// inSets is the condition for a value whose attribute is in the product's attribute set, "" where all of them are.
func (c *comparison) inSets(side int) string {
	var everywhere []string
	for i, leftover := range c.leftover {
		if !leftover {
			everywhere = append(everywhere, fmt.Sprint(c.attributes[side][i]))
		}
	}
	if len(everywhere) == len(c.codes) {
		return ""
	}
	condition := ""
	if len(everywhere) > 0 {
		condition = "t.attribute_id IN (" + strings.Join(everywhere, ", ") + ") OR "
	}
	prefix := c.prefix[c.on[side]]
	return "(" + condition + "EXISTS (SELECT 1 FROM " + database.Quote(prefix+"catalog_product_entity") + " p JOIN " +
		database.Quote(prefix+"eav_entity_attribute") + " e ON e.attribute_set_id = p.attribute_set_id " +
		"WHERE p.entity_id = t.entity_id AND e.attribute_id = t.attribute_id))"
}

// totals is the statement for what is known of a side's newest rows: their number, the lowest and highest key, the sum,
// the checksums as a sum and as XOR, and how many rows have no checksum. The LIMIT also keeps the server from computing
// the checksum of a row several times. Keys are texts, because a UNION makes one type of signed and unsigned ones.
func (c *comparison) totals(side, index int, condition string, limit int) string {
	return fmt.Sprintf("SELECT %d, COUNT(*), CAST(MIN(k) AS CHAR), CAST(MAX(k) AS CHAR), CAST(SUM(s) AS CHAR), "+
		"CAST(COALESCE(SUM(c), 0) AS CHAR), CAST(COALESCE(BIT_XOR(c), 0) AS CHAR), COALESCE(SUM(ISNULL(c)), 0) "+
		"FROM (SELECT %s AS k, %s AS s, %s AS c%s"+
		" ORDER BY %s DESC LIMIT %d) x%[1]d",
		index, c.key(side), c.total(side), c.checksum(side), c.source(side, condition), c.key(side), limit)
}

// groups is the statement for the rows of ranges, in groups of width keys from low on.
func (c *comparison) groups(side int, condition string, low int64, width uint64) string {
	group := "k"
	if width > 1 {
		group = fmt.Sprintf("(CAST(k AS SIGNED) - (%d)) DIV %d", low, width)
	}
	var inner, outer strings.Builder
	shown := "''"
	if width == 1 {
		for i, col := range c.compared() {
			fmt.Fprintf(&inner, ", %s AS c%d", col.sum(side), i)
			fmt.Fprintf(&outer, ", CAST(COALESCE(SUM(c%d), 0) AS CHAR)", i)
		}
		if name := c.shown[side]; name != "" {
			shown = "CONVERT(t." + database.Quote(name) + " USING utf8mb4)"
		}
	}
	return fmt.Sprintf("SELECT %s AS g, l, COUNT(*), CAST(COALESCE(SUM(c), 0) AS CHAR), "+
		"CAST(COALESCE(BIT_XOR(c), 0) AS CHAR), COALESCE(SUM(ISNULL(c)), 0), COALESCE(MIN(w), ''), MIN(n), "+
		"COALESCE(MAX(u), '')%s FROM (SELECT %s AS k, %s AS l, %s AS w, %s AS n, %s AS u, %s AS c%s%s LIMIT %d) x "+
		"GROUP BY g, l LIMIT %d",
		group, outer.String(), c.key(side), c.label(side), shown, c.nulls(side), c.updated(side), c.checksum(side),
		inner.String(), c.source(side, condition), maxSlice, maxGroups)
}

// updated is the expression for when a row was changed, ” where the table does not say.
func (c *comparison) updated(side int) string {
	for _, col := range c.compared() {
		if col.names[magento1] == "updated_at" {
			return col.value(side)
		}
	}
	return "''"
}

// compared are the columns that are compared.
func (c *comparison) compared() []column {
	if !c.rehashed {
		return c.columns
	}
	return slices.DeleteFunc(slices.Clone(c.columns), func(col column) bool { return col.password })
}

// markRehashed stands for a hash that Magento 2 has made again, which it does at a login, and of all at once when
// somebody asks it to.
const markRehashed = '2'

// rehashed is the condition for a hash of Magento 2's own: behind the salt is another kind than 0 and 1, or several.
func rehashed(name string) string {
	hash := "CONVERT(" + name + " USING utf8mb4)"
	return fmt.Sprintf("CHAR_LENGTH(%[1]s) - CHAR_LENGTH(REPLACE(%[1]s, ':', '')) >= 2 AND (CHAR_LENGTH(%[1]s) - "+
		"CHAR_LENGTH(REPLACE(%[1]s, ':', '')) > 2 OR SUBSTRING_INDEX(%[1]s, ':', -1) NOT IN ('0', '1'))", hash)
}

// nulls is a text with a 1 for each column that is NULL, else 0.
func (c *comparison) nulls(side int) string {
	parts := []string{"''"}
	for _, col := range c.compared() {
		if side == magento2 && col.password {
			own := rehashed(col.ref(side))
			parts = append(parts, fmt.Sprintf("IF(%s, '%c', %s)", own, markRehashed, col.isNull(side)))
			continue
		}
		parts = append(parts, col.isNull(side))
	}
	return "CONCAT(" + strings.Join(parts, ", ") + ")"
}
