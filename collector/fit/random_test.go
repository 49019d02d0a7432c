package fit

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/database"
)

// random is how many pairs of tables the random test makes on each server; 500 take some minutes.
var random = flag.Int("random", 40, "how many random pairs of tables are proved on each server")

// columnKind is a type and values that stand at its limits.
type columnKind struct {
	name   string
	text   bool
	long   bool // needs a prefix in a key
	values []string
}

// columnKinds are those of which pairs are made. What stands in one list can become each other.
func columnKinds() [][]columnKind {
	return [][]columnKind{numberKinds(), textKinds(), memberKinds(), byteKinds(), timeKinds()}
}

// alike are columns of several types with the same values.
func alike(values []string, types ...string) []columnKind {
	var kinds []columnKind
	for _, name := range types {
		long := strings.Contains(name, "text")
		kinds = append(kinds, columnKind{
			name: name, text: long || strings.Contains(name, "char"), long: long, values: values,
		})
	}
	return kinds
}

func numberKinds() []columnKind {
	integers := []string{"0", "1", "127", "128", "255", "256", "-1", "-128", "32767", "32768", "65536", "2147483647",
		"2147483648", "4294967295", "99"}
	decimals := []string{"0", "1", "-1", "0.5", "1.25", "1.255", "99.99", "100", "999999.9999", "-0.0049", "12345678.9"}
	return slices.Concat(
		alike(integers, "tinyint", "tinyint unsigned", "smallint", "smallint unsigned", "mediumint unsigned", "int",
			"int unsigned", "bigint"),
		alike(decimals, "decimal(12,4)", "decimal(6,2)", "decimal(4,4)", "decimal(10,0) unsigned"),
		alike([]string{"1", "12", "x", "", "999"}, "varchar(3)"),
	)
}

func textKinds() []columnKind {
	texts := []string{
		"",
		"a",
		"A",
		"a ",
		" a",
		"abc",
		"abcdefghij",
		"abcdefghijk",
		"é",
		"E",
		"ß",
		"ss",
		"😀",
		"a😀",
		"12",
		"x1",
		"ABC",
		"abc   ",
	}
	return alike(
		texts,
		"varchar(3)",
		"varchar(10)",
		"varchar(255)",
		"char(3)",
		"char(10)",
		"varchar(10) COLLATE utf8_bin",
		"varchar(10) COLLATE utf8_unicode_ci",
		"varchar(10) CHARACTER SET utf8mb4",
		"varchar(3) CHARACTER SET utf8mb4",
		"varchar(10) COLLATE utf8mb4_bin",
		"varchar(10) CHARACTER SET latin1",
		"tinytext",
		"text",
		"mediumtext",
		"longtext CHARACTER SET utf8mb4",
	)
}

func memberKinds() []columnKind {
	return slices.Concat(
		alike([]string{"a", "abc", "é"}, "enum('a','abc','é')"),
		alike([]string{"a", "é"}, "enum('a','é')"),
		alike([]string{"a", "abc", "é", "zz"}, "varchar(10)"),
	)
}

func byteKinds() []columnKind {
	values := []string{"a", "A", "abc", "abcd", ""}
	return slices.Concat(
		alike(append(values, "a ", "é"), "varchar(10)", "varchar(3)"),
		alike(values, "varbinary(3)", "varbinary(10)"),
	)
}

func timeKinds() []columnKind {
	times := []string{"2020-01-01 00:00:00", "2020-01-01 10:20:30", "1969-12-31 23:59:59", "2038-01-19 03:14:07",
		"2038-01-19 03:14:08", "0000-00-00 00:00:00", "1970-01-01 00:00:01"}
	return slices.Concat(
		alike(times, "datetime", "timestamp NULL DEFAULT NULL", "date"),
		// Midnight that is cut off is a matter of taste.
		alike([]string{"2020-01-01 10:20:30", "1969-12-31 23:59:59", "1970-01-01 00:00:01", "never", ""}, "varchar(30)",
			"varchar(10)"),
	)
}

// trial is one random pair of tables.
type trial struct {
	magento1, magento2 []string
	values             [2][]string
}

func newTrial(r *rand.Rand) trial {
	tr := trial{magento1: []string{"id int unsigned NOT NULL PRIMARY KEY"}, magento2: []string{
		"id int unsigned NOT NULL PRIMARY KEY"}}
	lists := columnKinds()
	var from, to [2]columnKind
	for i, name := range []string{"a", "b"} {
		kinds := lists[r.IntN(len(lists))]
		from[i] = kinds[r.IntN(len(kinds))]
		to[i] = kinds[r.IntN(len(kinds))]
		tr.magento1 = append(tr.magento1, name+" "+from[i].name+nullable(r, from[i]))
		tr.magento2 = append(tr.magento2, name+" "+to[i].name+nullable(r, to[i]))
		n := 1 + r.IntN(min(5, len(from[i].values)))
		for range n {
			tr.values[i] = append(tr.values[i], from[i].values[r.IntN(len(from[i].values))])
		}
	}
	if r.IntN(2) == 0 {
		tr.magento1 = append(tr.magento1, "KEY plain (a"+prefix(from[0])+")")
	}
	for i := range r.IntN(3) {
		var parts []string
		for _, j := range [][]int{{0}, {1}, {0, 1}}[r.IntN(3)] {
			part := []string{"a", "b"}[j]
			if to[j].long || to[j].text && r.IntN(4) == 0 {
				part += fmt.Sprintf("(%d)", 1+r.IntN(3))
			}
			parts = append(parts, part)
		}
		tr.magento2 = append(tr.magento2, fmt.Sprintf("UNIQUE KEY k%d (%s)", i, strings.Join(parts, ", ")))
	}
	return tr
}

// prefix is what an index wants behind the name of a long text.
func prefix(k columnKind) string {
	if k.long {
		return "(5)"
	}
	return ""
}

func nullable(r *rand.Rand, k columnKind) string {
	if strings.Contains(k.name, "NULL") || r.IntN(3) > 0 {
		return ""
	}
	return " NOT NULL"
}

// rows are INSERT statements of single rows: what Magento 1 itself refuses it does not have.
func (tr trial) rows(r *rand.Rand) []string {
	var rows []string
	for i := range 1 + r.IntN(8) {
		values := []string{fmt.Sprint(i + 1)}
		for j := range tr.values {
			value := database.Literal(tr.values[j][r.IntN(len(tr.values[j]))])
			if r.IntN(6) == 0 && !strings.Contains(tr.magento1[1+j], "NOT NULL") {
				value = "NULL"
			}
			values = append(values, value)
		}
		rows = append(rows, "INSERT IGNORE INTO `rows` VALUES ("+strings.Join(values, ", ")+")")
	}
	return rows
}

// score compares predictions with what happened.
type score struct{ right, wrong, missed int }

func (s *score) add(foretold, happened bool) bool {
	switch {
	case foretold && happened:
		s.right++
	case foretold:
		s.wrong++
	case happened:
		s.missed++
	}
	return foretold == happened
}

func (s *score) String() string {
	return fmt.Sprintf("%d right, %d wrong, %d missed", s.right, s.wrong, s.missed)
}

func TestRandomPairs(t *testing.T) {
	t.Parallel()
	for _, f := range flavors() {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, f)
			var deaths, changes score
			for i := range *random {
				proveRandom(t, l, rand.New(rand.NewPCG(uint64(i), 7)), &deaths, &changes)
			}
			t.Logf("%d pairs: the run dies: %s; values change: %s", *random, &deaths, &changes)
		})
	}
}

// harmful are the kinds after which a value is another one.
func harmful(k Kind) bool {
	return slices.Contains([]Kind{Cut, Range, Rounded, Lossy, NoMember, OtherKind, Null, OnlyNull}, k)
}

func proveRandom(t *testing.T, l *lab, r *rand.Rand, deaths, changes *score) {
	t.Helper()
	tr := newTrial(r)
	options := ") CHARACTER SET utf8 COLLATE utf8_general_ci ROW_FORMAT=DYNAMIC"
	for side, columns := range [][]string{tr.magento1, tr.magento2} {
		l.shop(side, "DROP TABLE IF EXISTS `rows`; CREATE TABLE `rows` ("+strings.Join(columns, ", ")+options)
	}
	rows := tr.rows(r)
	l.shop(0, strings.Join(rows, ";\n"))
	problems := l.foretell().Problems
	if got, want := kinds(l.inParts(r.IntN(4))), kinds(problems); got != want {
		t.Errorf("in parts it is %s, at once it is %s", got, want)
	}
	m := l.move("rows", "rows", [][2]string{{"id", "id"}, {"a", "a"}, {"b", "b"}})
	dies := slices.ContainsFunc(problems, func(p Problem) bool { return p.Kind == Collision || p.Kind == OnlyNull })
	ok := deaths.add(dies, m.number != 0)
	for _, column := range []string{"a", "b"} {
		if m.changed == nil {
			continue
		}
		changed := slices.ContainsFunc(problems, func(p Problem) bool { return harmful(p.Kind) && p.Column == column })
		ok = changes.add(changed, m.changed[column] > 0) && ok
	}
	if !ok {
		t.Errorf("%s\n%s\n%s\nforetold: %s\nhappened: %d %v", strings.Join(tr.magento1, ", "),
			strings.Join(tr.magento2, ", "), strings.Join(rows, "\n"), kinds(problems), m.number, m.changed)
	}
}
