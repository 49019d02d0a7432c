package fit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/mysqltest"
)

// situation is one table of a made-up shop: its columns in both systems, and rows that fit or do not.
type situation struct {
	name string
	// magento1 and magento2 are what stands in CREATE TABLE.
	magento1, magento2 string
	// rows are VALUES of Magento 1's table.
	rows string
	// want are the kinds and subjects of the problems, number is what the server says to the tool's INSERT, changed are
	// the columns whose values differ afterwards.
	want    string
	number  uint16
	changed string
}

const id = "id int unsigned NOT NULL PRIMARY KEY, "

// situations are proved on each server: what is foretold against what happens.
func situations() []situation {
	return slices.Concat(keySituations(), valueSituations(), ruleSituations())
}

// keySituations are rows that collide, or nearly.
func keySituations() []situation {
	return []situation{
		{"nothing wrong", id + "a varchar(10)", id + "a varchar(10)", "(1, 'a'), (2, 'a')", "", 0, ""},
		{"a key that Magento 1 lacks", id + "a varchar(10)", id + "a varchar(10), UNIQUE k (a)",
			"(1, 'x'), (2, 'x'), (3, 'y')", "collision rows k", 1062, ""},
		{"the same key on both sides", id + "a varchar(10), UNIQUE k (a)", id + "a varchar(10), UNIQUE k (a)",
			"(1, 'x'), (2, 'y')", "", 0, ""},
		{"case alone", id + "a varchar(10) COLLATE utf8_bin, UNIQUE k (a)", id + "a varchar(10), UNIQUE k (a)",
			"(1, 'x'), (2, 'X')", "collision rows k", 1062, ""},
		{"case under a binary collation", id + "a varchar(10)", id + "a varchar(10) COLLATE utf8_bin, UNIQUE k (a)",
			"(1, 'x'), (2, 'X')", "", 0, ""},
		{"accents", id + "a varchar(10) COLLATE utf8_bin", id + "a varchar(10), UNIQUE k (a)",
			"(1, 'e'), (2, 'é')", "collision rows k", 1062, ""},
		{"sharp s under general_ci", id + "a varchar(10)", id + "a varchar(10), UNIQUE k (a)",
			"(1, 'ss'), (2, 'ß')", "", 0, ""},
		{"sharp s under unicode_ci", id + "a varchar(10), UNIQUE k (a)",
			id + "a varchar(10) COLLATE utf8_unicode_ci, UNIQUE k (a)", "(1, 'ss'), (2, 'ß')", "collision rows k", 1062, ""},
		{"trailing blanks", id + "a varchar(10)", id + "a varchar(10), UNIQUE k (a)",
			"(1, 'x'), (2, 'x ')", "collision rows k", 1062, ""},
		{"blanks in front", id + "a varchar(10)", id + "a varchar(10), UNIQUE k (a)",
			"(1, 'x'), (2, ' x')", "", 0, ""},
		{"two columns", id + "a varchar(10), b int", id + "a varchar(10), b int, UNIQUE k (a, b)",
			"(1, 'x', 1), (2, 'x', 2), (3, 'X', 2)", "collision rows k", 1062, ""},
		{"NULL is unlike NULL", id + "a varchar(10), b int", id + "a varchar(10), b int, UNIQUE k (a, b)",
			"(1, 'x', NULL), (2, 'x', NULL), (3, NULL, NULL), (4, NULL, NULL)", "", 0, ""},
		{"NULL becomes 0", id + "a int", id + "a int NOT NULL, UNIQUE k (a)",
			"(1, NULL), (2, 0)", "collision rows k, null rows.a", 1062, "a 1"},
		{"two NULLs become empty", id + "a varchar(9), UNIQUE k (a)", id + "a varchar(9) NOT NULL, UNIQUE k (a)",
			"(1, NULL), (2, NULL)", "collision rows k, null rows.a", 1062, "a 2"},
		{"a prefix of the column", id + "a varchar(10)", id + "a varchar(10), UNIQUE k (a(3))",
			"(1, 'abcd'), (2, 'abce')", "collision rows k", 1062, ""},
		{
			"what is no member of an enum",
			id + "a varchar(9)",
			id + "a enum('a','b'), UNIQUE k (a)",
			"(1, 'abc'), (2, 'a')",
			"no_member rows.a",
			0,
			"a 1",
		},
		{"two that are no members of an enum", id + "a varchar(9)", id + "a enum('a','b'), UNIQUE k (a)",
			"(1, 'abc'), (2, 'bcd')", "collision rows k, no_member rows.a", 1062, "a 2"},
		{"a prefix of a long text", id + "a text", id + "a text, UNIQUE k (a(3))", "(1, 'abcd'), (2, 'abce')",
			"collision rows k", 1062, ""},
		{"a prefix of a number's text", id + "a int", id + "a varchar(9), UNIQUE k (a(2))", "(1, 123), (2, 124)",
			"collision rows k", 1062, ""},
		{"a key of Magento 1 on more of the column", id + "a varchar(10), UNIQUE k (a)",
			id + "a varchar(10), UNIQUE k (a(3))", "(1, 'abcd'), (2, 'abce')", "collision rows k", 1062, ""},
		{"what is cut is alike", id + "a varchar(10), UNIQUE k (a)", id + "a varchar(3), UNIQUE k (a)",
			"(1, 'abcd'), (2, 'abce')", "collision rows k, cut rows.a", 1062, "a 2"},
		{"what is cut differs", id + "a varchar(10), UNIQUE k (a)", id + "a varchar(3), UNIQUE k (a)",
			"(1, 'abcd'), (2, 'xbcd')", "cut rows.a", 0, "a 2"},
		{"numbers that are clamped are alike", id + "a int, UNIQUE k (a)", id + "a smallint, UNIQUE k (a)",
			"(1, 40000), (2, 50000)", "collision rows k, range rows.a", 1062, "a 2"},
		{"negative numbers become 0", id + "a int, UNIQUE k (a)", id + "a int unsigned, UNIQUE k (a)",
			"(1, -1), (2, -2)", "collision rows k, range rows.a", 1062, "a 2"},
		{"rounded to the same", id + "a decimal(10,4), UNIQUE k (a)", id + "a decimal(10,2), UNIQUE k (a)",
			"(1, 1.001), (2, 1.002)", "collision rows k, rounded rows.a", 1062, "a 2"},
		{"the same day", id + "a datetime, UNIQUE k (a)", id + "a date, UNIQUE k (a)",
			"(1, '2020-01-01 01:00:00'), (2, '2020-01-01 02:00:00')", "collision rows k, cut rows.a", 1062, "a 2"},
		{
			"a column of the key that Magento 1 lacks",
			id + "a int",
			id + "a int, b int NOT NULL DEFAULT 3, UNIQUE k (a, b)",
			"(1, 1), (2, 1)",
			"collision rows k",
			1062,
			"",
		},
		{"the same with NULL", id + "a int", id + "a int, b int, UNIQUE k (a, b)", "(1, 1), (2, 1)", "", 0, ""},
		{"a primary key that Magento 1 lacks", "id int unsigned NOT NULL, a int", id + "a int",
			"(1, 1), (1, 2)", "collision rows PRIMARY", 1062, ""},
		{"a primary key of its own", "a int", "id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, a int",
			"(1), (1)", "", 0, ""},
		{"less in the key than in Magento 1's", id + "a int, b int, UNIQUE k (a, b)", id + "a int, b int, UNIQUE k (a)",
			"(1, 1, 1), (2, 1, 2)", "collision rows k", 1062, ""},
		{"characters of four bytes", id + "a varchar(9) COLLATE utf8mb4_bin, UNIQUE k (a)",
			id + "a varchar(9), UNIQUE k (a)",
			"(1, 'a😀'), (2, 'a😁')", "collision rows k, lossy rows.a", 1062, "a 2"},
		{"mail twice", id + "a varchar(50) COLLATE utf8_bin, w int", id + "a varchar(50), w int, UNIQUE k (a, w)",
			"(1, 'Jane@example.com', 1), (2, 'jane@example.com', 1), (3, 'jane@example.com', 2)", "collision rows k", 1062, ""},
	}
}

// valueSituations are values that do not fit, or just so.
func valueSituations() []situation {
	return []situation{
		{"too long", id + "a varchar(20)", id + "a varchar(5)", "(1, '123456'), (2, '12345'), (3, '12345   ')",
			"cut rows.a", 0, "a 1"},
		{
			"too long in characters of two bytes",
			id + "a varchar(20)",
			id + "a varchar(5)",
			"(1, 'ééééé'), (2, 'éééééé')",
			"cut rows.a",
			0,
			"a 1",
		},
		{"too long for text", id + "a mediumtext", id + "a tinytext",
			"(1, REPEAT('a', 255)), (2, REPEAT('a', 256)), (3, REPEAT('é', 128))", "cut rows.a", 0, "a 2"},
		{"a text as long as before", id + "a text", id + "a mediumtext", "(1, REPEAT('a', 60000))", "", 0, ""},
		{
			"a smaller number",
			id + "a int",
			id + "a smallint",
			"(1, 32767), (2, 32768), (3, -32769)",
			"range rows.a",
			0,
			"a 2",
		},
		{"an unsigned number", id + "a int", id + "a int unsigned", "(1, 1), (2, -1)", "range rows.a", 0, "a 1"},
		{"a signed number", id + "a int unsigned", id + "a int", "(1, 4294967295)", "range rows.a", 0, "a 1"},
		{
			"fewer digits",
			id + "a decimal(12,4)",
			id + "a decimal(6,4)",
			"(1, 99.9999), (2, 100)",
			"range rows.a",
			0,
			"a 1",
		},
		{"fewer digits behind the point", id + "a decimal(12,4)", id + "a decimal(12,2)", "(1, 1.2300), (2, 1.2345)",
			"rounded rows.a", 0, "a 1"},
		{"a decimal into an integer", id + "a decimal(14,4)", id + "a int", "(1, 1), (2, 1.5), (3, 3000000000)",
			"range rows.a, rounded rows.a", 0, "a 2"},
		{"a bigger decimal", id + "a decimal(12,4)", id + "a decimal(20,4)", "(1, 99999999.9999)", "", 0, ""},
		{"a number into a text", id + "a int", id + "a varchar(3)", "(1, 123), (2, 1234)", "cut rows.a", 0, "a 1"},
		{"a text into a number", id + "a varchar(20)", id + "a int", "(1, '12'), (2, 'x'), (3, '3000000000'), (4, '')",
			"other_kind rows.a, range rows.a", 0, "a 2"},
		{
			"a time into a date",
			id + "a datetime",
			id + "a date",
			"(1, '2020-01-01 00:00:00'), (2, '2020-01-01 10:00:00')",
			"cut rows.a",
			0,
			"a 1",
		},
		{"a time that no timestamp has", id + "a datetime", id + "a timestamp NULL",
			"(1, '2020-01-01 00:00:00'), (2, '1960-01-01 00:00:00'), (3, '2120-01-01 00:00:00')", "range rows.a", 0, "a 2"},
		{"zero dates", id + "a datetime", id + "a datetime", "(1, '0000-00-00 00:00:00')", "zero_date rows.a", 0, ""},
		{"an enum without the value", id + "a varchar(9)", id + "a enum('one','two')", "(1, 'one'), (2, 'three')",
			"no_member rows.a", 0, "a 1"},
		{"question marks", id + "a varchar(9) CHARACTER SET utf8mb4", id + "a varchar(9) CHARACTER SET utf8mb4",
			"(1, 'a'), (2, 'a😀')", "lossy rows.a", 0, "a 1"},
		{"a smaller character set", id + "a varchar(9)", id + "a varchar(9) CHARACTER SET latin1",
			"(1, 'é'), (2, 'я')", "lossy rows.a", 0, "a 1"},
		{"NULL in several rows", id + "a int", id + "a int NOT NULL", "(1, NULL), (2, 2)", "null rows.a", 0, "a 1"},
		{"NULL in the only row", id + "a int", id + "a int NOT NULL", "(1, NULL)", "only_null rows.a", 1048, ""},
		{"bytes", id + "a varbinary(9)", id + "a varbinary(4)", "(1, 'abcd'), (2, 'abcde')", "cut rows.a", 0, "a 1"},
	}
}

// ruleSituations are those of the map file in testdata.
func ruleSituations() []situation {
	return []situation{
		{"a column that is left out", id + "left_out varchar(9), b int", id + "left_out varchar(3), c int",
			"(1, 'abcd', 1)", "", 0, "-"},
		{"a column that another one gets", id + "moved varchar(9), b int", id + "moved_to varchar(3)",
			"(1, 'abcd', 1)", "cut rows.moved", 0, "-"},
		{"a class gives the value", id + "handled varchar(9)", id + "handled varchar(3)", "(1, 'abcd')", "", 0, "-"},
		{"a class gives some values", id + "partly varchar(9)", id + "partly varchar(3)", "(1, 'abcd')",
			"cut rows.partly", 0, "partly 1"},
		{"a constant in the key", id + "a int", id + "a int, fixed int NOT NULL, UNIQUE k (a, fixed)", "(1, 1), (2, 1)",
			"collision rows k", 1062, "-"},
		{
			"a value that follows another",
			id + "a int, b int",
			id + "a int, b int, looked_up int, UNIQUE k (looked_up, a)",
			"(1, 1, 1), (2, 1, 1)",
			"collision rows k",
			0,
			"-",
		},
		{"a type that the map file knows", id + "known_type varchar(9)", id + "known_type int", "(1, '*')", "", 0,
			"known_type 1"},
	}
}

func TestSituations(t *testing.T) {
	t.Parallel()
	for _, f := range mysqltest.Flavors() {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, f)
			for _, s := range situations() {
				t.Run(s.name, func(t *testing.T) {
					l.t = t
					prove(t, l, s)
				})
			}
			l.t = t
		})
	}
}

// prove compares what is foretold with what the server says and holds.
func prove(t *testing.T, l *lab, s situation) Report {
	t.Helper()
	const options = ") CHARACTER SET utf8 COLLATE utf8_general_ci"
	const table = "DROP TABLE IF EXISTS `rows`; CREATE TABLE `rows` ("
	l.shop(0, table+s.magento1+options)
	l.shop(1, table+s.magento2+options)
	if s.rows != "" {
		l.shop(0, "INSERT INTO `rows` VALUES "+s.rows)
	}
	report := l.foretell()
	if got := kinds(report.Problems); got != s.want {
		t.Errorf("got  %s\nwant %s", got, s.want)
	}
	if s.changed == "-" {
		return report // the columns do not have the same names
	}
	m := l.move("rows", "rows", l.shared("rows"))
	if m.number != s.number {
		t.Errorf("the server says %d, not %d", m.number, s.number)
	}
	var changed []string
	for column, n := range m.changed {
		changed = append(changed, fmt.Sprintf("%s %d", column, n))
	}
	if got := strings.Join(changed, ", "); got != s.changed {
		t.Errorf("what is stored differs in %q, not in %q", got, s.changed)
	}
	return report
}

// shared are the columns that both tables have.
func (l *lab) shared(table string) [][2]string {
	l.t.Helper()
	theirs := columnLine.FindAllStringSubmatch(l.definition(1, table), -1)
	var columns [][2]string
	for _, ours := range columnLine.FindAllStringSubmatch(l.definition(0, table), -1) {
		if slices.ContainsFunc(theirs, func(m []string) bool { return strings.EqualFold(m[1], ours[1]) }) {
			columns = append(columns, [2]string{ours[1], ours[1]})
		}
	}
	return columns
}
