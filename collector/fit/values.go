package fit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"magento_migration_exporter/collector/database"
)

// check is something that can be wrong with a row; where is the condition for it, over a row t of Magento 1's table.
type check struct {
	kind Kind
	// column is Magento 1's, target is Magento 2's as table.column, limit what that takes.
	column, target, limit string
	where                 string
	// subject is the attribute's code, of a value that becomes a column of Magento 2.
	subject string
}

// charset is what the tool's sessions speak: the one of SET NAMES in its init statements.
type charset string

// isWide reports whether a character set has more characters than utf8 with three bytes.
func isWide(name string) bool {
	return slices.Contains([]string{"utf8mb4", "utf16", "utf16le", "utf32", "gb18030"}, strings.ToLower(name))
}

// sent is the text that the tool reads from a column; what its session cannot say becomes a question mark.
func (n charset) sent(c *column) string {
	name := "t." + database.Quote(c.name)
	if isWide(c.charset) && !isWide(string(n)) {
		return "CONVERT(" + name + " USING " + string(n) + ")"
	}
	return name
}

// family is what kinds of columns have in common.
type family uint8

const (
	other family = iota
	integer
	decimal
	float
	text
	binary
	temporal
)

// families are those of data types; what is not here is not looked at.
func families() map[string]family {
	return map[string]family{
		"tinyint": integer, "smallint": integer, "mediumint": integer, "int": integer, "bigint": integer,
		"decimal": decimal, "float": float, "double": float,
		"char": text, "varchar": text, "tinytext": text, "text": text, "mediumtext": text, "longtext": text,
		"enum": text, "binary": binary, "varbinary": binary, "tinyblob": binary, "blob": binary,
		"mediumblob": binary, "longblob": binary, "date": temporal, "datetime": temporal, "timestamp": temporal,
	}
}

func (c *column) family() family { return families()[c.kind] }

// isLong reports whether a column's limit is one of bytes.
func (c *column) isLong() bool {
	return strings.HasSuffix(c.kind, "text") || strings.HasSuffix(c.kind, "blob")
}

func (c *column) unsigned() bool { return strings.Contains(c.columnType, "unsigned") }

// computed reports whether the server gives a column its values.
func (c *column) computed() bool {
	return strings.Contains(c.extra, "generated") || strings.Contains(c.extra, "virtual") ||
		strings.Contains(c.extra, "persistent")
}

// fraction is how many digits of a second a column keeps.
func (c *column) fraction() int {
	_, digits, _ := strings.Cut(strings.TrimSuffix(c.columnType, ")"), "(")
	if n, err := strconv.Atoi(digits); err == nil && c.family() == temporal {
		return n
	}
	return 0
}

// padded reports whether the server fills values up with bytes of zero.
func padded(from, to *column) bool {
	return to.kind == "binary" && (from.kind != "binary" || from.bytes != to.bytes)
}

// bits is the size of an integer.
func (c *column) bits() int {
	return map[string]int{"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}[c.kind]
}

// span returns the lowest and highest integer of a column.
func (c *column) span() (low int64, high uint64) {
	bits := c.bits()
	if c.unsigned() {
		return 0, ^uint64(0) >> (64 - bits)
	}
	return -1 << (bits - 1), 1<<(bits-1) - 1
}

// checks lists how a value of one column can fail to get into another as it is. It is false for pairs of types that are
// not looked at.
func (p *planner) checks(from, to *column) ([]check, bool) {
	var checks []check
	n := p.names
	known := true
	name := "t." + database.Quote(from.name)
	switch f := from.family(); {
	case f == integer && to.family() == integer:
		checks = intoInteger(name, from, to)
	case (f == integer || f == decimal || f == float) && (to.family() == decimal || to.family() == integer):
		checks = intoDecimal(name, from, to)
	case to.kind == "float" && from.kind != "float" || padded(from, to):
		known = false
	case f == integer && to.family() == float, f == float && to.family() == float, f == decimal && to.family() == float:
	case f == text && to.family() == text:
		checks = n.intoText(from, to)
	case f == text && to.family() == binary, f == binary && (to.family() == binary || to.family() == text &&
		to.kind != "enum"):
		checks = n.intoBytes(name, from, to)
	case f == temporal && to.family() == temporal:
		checks = intoTemporal(name, from, to, p.newest)
	case (f == integer || f == decimal || f == temporal) && to.family() == text:
		checks = shorterText(name, from, to)
	case f == text:
		checks, known = p.parsed(from, to)
	default:
		known = false
	}
	// To a timestamp without explicit defaults NULL is the present time, for a row alone too.
	present := to.kind == "timestamp" && !p.explicit
	if from.nullable && !to.nullable && !present && !strings.Contains(to.extra, "auto_increment") {
		checks = append(checks, check{kind: Null, where: name + " IS NULL"})
	}
	for i := range checks {
		checks[i].column = from.name
		checks[i].limit = to.columnType
	}
	return checks, known
}

func intoInteger(name string, from, to *column) []check {
	low, high := to.span()
	fromLow, fromHigh := from.span()
	var parts []string
	if fromLow < low {
		parts = append(parts, fmt.Sprintf("%s < %d", name, low))
	}
	if fromHigh > high {
		parts = append(parts, fmt.Sprintf("%s > %d", name, high))
	}
	if parts == nil {
		return nil
	}
	return []check{{kind: Range, where: strings.Join(parts, " OR ")}}
}

// number is the form of a column for numbers: how many digits stand before and behind the point.
func (c *column) number() (before, behind int) {
	switch c.family() {
	case integer:
		_, high := c.span()
		return len(strconv.FormatUint(high, 10)), 0
	case decimal:
		return c.precision - c.scale, c.scale
	}
	return 400, 400
}

// outside is the condition for a number that a column does not take once it is rounded to the column's scale.
func outside(rounded string, to *column) string {
	if to.family() == integer {
		low, high := to.span()
		return fmt.Sprintf("%s < %d OR %[1]s > %[3]d", rounded, low, high)
	}
	before, behind := to.number()
	most := strings.Repeat("9", before)
	if behind > 0 {
		most += "." + strings.Repeat("9", behind)
	}
	condition := fmt.Sprintf("ABS(%s) > %s", rounded, strings.TrimPrefix(most, "."))
	if before == 0 {
		condition = fmt.Sprintf("ABS(%s) > 0%s", rounded, most)
	}
	if to.unsigned() {
		condition += fmt.Sprintf(" OR %s < 0", rounded)
	}
	return condition
}

func intoDecimal(name string, from, to *column) []check {
	var checks []check
	before, behind := from.number()
	toBefore, toBehind := to.number()
	rounded := name
	if behind > toBehind {
		rounded = fmt.Sprintf("ROUND(%s, %d)", name, toBehind)
	}
	if before > toBefore || behind > toBehind || to.family() == integer || to.unsigned() && !from.unsigned() {
		checks = append(checks, check{kind: Range, where: outside(rounded, to)})
	}
	// A float's last digits are not what anybody entered.
	if behind > toBehind && from.family() != float {
		checks = append(checks, check{kind: Rounded, where: rounded + " <> " + name})
	}
	return checks
}

func (n charset) intoText(from, to *column) []check {
	checks := n.intoCharset(from, to)
	sent := n.sent(from)
	switch {
	case to.kind == "enum":
		return append(checks, check{kind: NoMember, where: fmt.Sprintf("%s <> '' AND %[1]s NOT IN (%s)", sent,
			members(to))})
	case to.isLong():
		if most := mostBytes(from, to); most > to.bytes {
			where := fmt.Sprintf("LENGTH(CONVERT(RTRIM(%s) USING %s)) > %d", sent, to.charset, to.bytes)
			checks = append(checks, check{kind: Cut, where: where})
		}
	case from.isLong() || from.chars > to.chars:
		where := fmt.Sprintf("CHAR_LENGTH(RTRIM(%s)) > %d", sent, to.chars)
		checks = append(checks, check{kind: Cut, where: where})
	}
	return checks
}

// mostBytes is how long the longest text of one column can be in another one's character set.
func mostBytes(from, to *column) int64 {
	each := int64(1)
	switch {
	case isWide(to.charset):
		each = 4
	case strings.HasPrefix(to.charset, "utf8"):
		each = 3
	}
	if from.isLong() && !strings.HasPrefix(from.charset, "utf8") {
		return from.bytes * each
	}
	if from.isLong() {
		return from.bytes
	}
	return from.chars * each
}

// intoCharset looks for characters that are lost on the way.
func (n charset) intoCharset(from, to *column) []check {
	name := "t." + database.Quote(from.name)
	reading := isWide(from.charset) && !isWide(string(n))
	writing := !strings.HasPrefix(to.charset, "utf8") && !isWide(to.charset) && from.charset != to.charset ||
		isWide(from.charset) && !isWide(to.charset)
	switch {
	case !reading && !writing || from.charset == "ascii":
		return nil
	case strings.EqualFold(from.charset, "utf8mb4") && strings.HasPrefix(to.charset, "utf8"):
		// A character of four bytes becomes one of a single byte.
		return []check{{kind: Lossy, where: fmt.Sprintf("LENGTH(%s) <> LENGTH(CONVERT(%[1]s USING utf8))", name)}}
	}
	stored := fmt.Sprintf("CONVERT(CONVERT(%s USING %s) USING utf8mb4)", n.sent(from), to.charset)
	return []check{{kind: Lossy, where: fmt.Sprintf("CAST(%s AS BINARY) <> CAST(CONVERT(%s USING utf8mb4) AS BINARY)",
		stored, name)}}
}

// members are the values of an enum, as SQL has them.
func members(c *column) string {
	return strings.TrimSuffix(strings.TrimPrefix(c.columnType, "enum("), ")")
}

func (n charset) intoBytes(name string, from, to *column) []check {
	size := "LENGTH(" + name + ")"
	most := from.bytes
	if from.family() == text {
		size, most = fmt.Sprintf("LENGTH(CONVERT(%s USING %s))", name, n), max(from.bytes, 4*from.chars)
	}
	if to.family() == text && !to.isLong() {
		return []check{{kind: Cut, where: fmt.Sprintf("CHAR_LENGTH(CONVERT(%s USING %s)) > %d", name, n, to.chars)}}
	}
	if most <= to.bytes {
		return nil
	}
	return []check{{kind: Cut, where: fmt.Sprintf("%s > %d", size, to.bytes)}}
}

// zero is the zero date of a temporal type.
func zero(c *column) string {
	if c.kind == "date" {
		return "'0000-00-00'"
	}
	return "'0000-00-00 00:00:00'"
}

// beyond is the condition for a time that no timestamp has.
func beyond(name string, from *column, newest string) string {
	return fmt.Sprintf("%s <> %s AND (%[1]s < '1970-01-01 00:00:01' OR %[1]s > '%[3]s' OR MONTH(%[1]s) = 0 OR "+
		"DAYOFMONTH(%[1]s) = 0)", name, zero(from), newest)
}

func intoTemporal(name string, from, to *column, newest string) []check {
	checks := []check{{kind: ZeroDate, where: name + " = " + zero(from)}}
	switch {
	case to.kind == "timestamp" && from.kind != "timestamp":
		checks = append(checks, check{kind: Range, where: beyond(name, from, newest)})
	case to.kind == "date" && from.kind != "date":
		checks = append(checks, check{kind: Cut, where: fmt.Sprintf("TIME(%s) <> '00:00:00'", name)})
	}
	if kept := to.fraction(); from.fraction() > kept && to.kind != "date" {
		checks = append(checks, check{kind: Rounded, where: fmt.Sprintf("MOD(MICROSECOND(%s), 1%s) <> 0", name,
			strings.Repeat("0", 6-kept))})
	}
	return checks
}

// shorterText looks for numbers and times that a text column is too short for.
func shorterText(name string, from, to *column) []check {
	longest := int64(19)
	if from.family() != temporal {
		before, behind := from.number()
		longest = int64(before + behind + 2)
	}
	switch {
	case to.kind == "enum":
		return []check{{kind: NoMember, where: fmt.Sprintf("CAST(%s AS CHAR) NOT IN (%s)", name, members(to))}}
	case !to.isLong() && longest > to.chars && from.family() == decimal:
		// Zeros behind the point are no loss.
		where := fmt.Sprintf("CAST(LEFT(CAST(%s AS CHAR), %d) AS DECIMAL(65,30)) <> %[1]s", name, to.chars)
		return []check{{kind: Cut, where: where}}
	case !to.isLong() && from.family() == temporal && longest > to.chars:
		// Midnight is no loss.
		where := fmt.Sprintf("CHAR_LENGTH(TRIM(TRAILING ' 00:00:00' FROM CAST(%s AS CHAR))) > %d", name, to.chars)
		return []check{{kind: Cut, where: where}}
	case !to.isLong() && longest > to.chars:
		return []check{{kind: Cut, where: fmt.Sprintf("CHAR_LENGTH(CAST(%s AS CHAR)) > %d", name, to.chars)}}
	}
	return nil
}

// parsed looks for texts that are no number or time.
func (p *planner) parsed(from, to *column) ([]check, bool) {
	name := p.names.sent(from)
	var form, number string
	switch to.family() {
	case integer:
		form, number = `^ *[-+]?[0-9]+([.]0*)? *$`, "CAST("+name+" AS DECIMAL(65,0))"
	case decimal:
		form = `^ *[-+]?([0-9]+([.][0-9]*)?|[.][0-9]+) *$`
		number = fmt.Sprintf("CAST(%s AS DECIMAL(65,%d))", name, to.scale)
	case temporal:
		return parsedTimes(name, to, p.newest), true
	default:
		return nil, false
	}
	no := fmt.Sprintf("%s <> '' AND %[1]s NOT REGEXP %s", name, database.Literal(form))
	yes := fmt.Sprintf("%s REGEXP %s", name, database.Literal(form))
	return []check{
		{kind: OtherKind, where: no},
		{kind: Range, where: yes + " AND (" + outside(number, to) + ")"},
	}, true
}

// parsedTimes looks for texts that are no time, or one that a type does not have. The empty text becomes the zero date,
// as which it stood.
func parsedTimes(name string, to *column, newest string) []check {
	time := "CAST(" + name + " AS DATETIME)"
	checks := []check{{kind: OtherKind, where: fmt.Sprintf("%s <> '' AND %s IS NULL", name, time)}}
	for _, k := range intoTemporal(time, &column{kind: "datetime"}, to, newest) {
		k.where = fmt.Sprintf("%s <> '' AND (%s)", name, k.where)
		checks = append(checks, k)
	}
	return checks
}
