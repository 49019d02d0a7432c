package fit

import (
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/mysqltest"
)

// hostile is a situation for the servers that know its types and collations.
type hostile struct {
	situation
	on []mysqltest.Flavor
	// skipped is what is said not to be looked at; then what happens need not be foretold.
	skipped string
}

func everywhere() []mysqltest.Flavor { return mysqltest.Flavors() }

func mysqlOnly() []mysqltest.Flavor { return []mysqltest.Flavor{mysqltest.MySQL97} }

func mariadbOnly() []mysqltest.Flavor {
	return []mysqltest.Flavor{mysqltest.MariaDB, mysqltest.MariaDB118}
}

func modern() []mysqltest.Flavor { return append(mysqlOnly(), mariadbOnly()...) }

// hostileSituations are unusual ones, which no Magento has by itself and an extension can have.
func hostileSituations() []hostile {
	return slices.Concat(hostileCollations(), hostileNumbers(), hostileKinds(), hostileTables())
}

func hostileCollations() []hostile {
	const wide = " CHARACTER SET utf8mb4"
	return []hostile{
		{situation{"blanks under a collation that does not pad", id + "a varchar(9)",
			id + "a varchar(9) COLLATE utf8mb4_0900_ai_ci, UNIQUE k (a)", "(1, 'x'), (2, 'x ')", "", 0, ""}, mysqlOnly(), ""},
		{situation{"accents and case under 0900_ai_ci", id + "a varchar(9)",
			id + "a varchar(9) COLLATE utf8mb4_0900_ai_ci, UNIQUE k (a)", "(1, 'é'), (2, 'E'), (3, 'f')",
			"collision rows k", 1062, ""}, mysqlOnly(), ""},
		{situation{"case under 0900_as_cs", id + "a varchar(9)",
			id + "a varchar(9) COLLATE utf8mb4_0900_as_cs, UNIQUE k (a)", "(1, 'a'), (2, 'A'), (3, 'á')", "", 0, ""},
			mysqlOnly(), ""},
		{situation{"uca1400", id + "a varchar(9)", id + "a varchar(9)" + wide + " COLLATE uca1400_ai_ci, UNIQUE k (a)",
			"(1, 'é'), (2, 'E')", "collision rows k", 1062, ""}, mariadbOnly(), ""},
		{situation{"uca1400 that does not pad", id + "a varchar(9)",
			id + "a varchar(9)" + wide + " COLLATE uca1400_nopad_ai_ci, UNIQUE k (a)", "(1, 'x'), (2, 'x ')", "", 0, ""},
			mariadbOnly(), ""},
		{situation{"blanks under a binary collation that pads", id + "a varchar(9)",
			id + "a varchar(9) COLLATE utf8mb4_bin, UNIQUE k (a)", "(1, 'x'), (2, 'x '), (3, 'X')", "collision rows k", 1062,
			""}, everywhere(), ""},
		{situation{"a blank of another kind at the end", id + "a varchar(9) COLLATE utf8_bin",
			id + "a varchar(9) COLLATE utf8_unicode_ci, UNIQUE k (a)", "(1, 'x'), (2, _utf8 X'78C2A0')", "collision rows k",
			1062, ""}, everywhere(), ""},
		{situation{"a letter of two in German", id + "a varchar(9) CHARACTER SET latin1 COLLATE latin1_bin",
			id + "a varchar(9) CHARACTER SET latin1 COLLATE latin1_german2_ci, UNIQUE k (a)", "(1, 'ue'), (2, 'ü')",
			"collision rows k", 1062, ""}, everywhere(), ""},
		{situation{"Cyrillic from another character set", id + "a varchar(9) CHARACTER SET cp1251 COLLATE cp1251_bin",
			id + "a varchar(9), UNIQUE k (a)", "(1, 'я'), (2, 'Я')", "collision rows k", 1062, ""}, everywhere(), ""},
		{situation{"two bytes a character", id + "a varchar(9) CHARACTER SET ucs2", id + "a varchar(3), UNIQUE k (a)",
			"(1, 'яяя'), (2, 'яяяя')", "collision rows k, cut rows.a", 1062, "a 1"}, everywhere(), ""},
	}
}

func hostileNumbers() []hostile {
	return []hostile{
		{situation{"negative ids", "id int NOT NULL PRIMARY KEY, a int", id + "a int", "(-1, 1), (-2, 1), (1, 1)",
			"collision rows PRIMARY, range rows.id", 1062, "id 2"}, everywhere(), ""},
		{situation{"an id of 0", "id int NOT NULL PRIMARY KEY, a int",
			"id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, a int", "(0, 1), (1, 1)", "", 0, ""}, everywhere(), ""},
		{situation{"the largest number there is", id + "a bigint unsigned", id + "a bigint",
			"(1, 18446744073709551615), (2, 9223372036854775807)", "range rows.a", 0, "a 1"}, everywhere(), ""},
		{situation{"below zero, rounded to it", id + "a decimal(10,4)", id + "a decimal(10,2), UNIQUE k (a)",
			"(1, -0.001), (2, 0.001)", "collision rows k, rounded rows.a", 1062, "a 2"}, everywhere(), ""},
		{
			situation{
				"a decimal that is too wide for the key",
				id + "a decimal(20,6)",
				id + "a decimal(12,4), UNIQUE k (a)",
				"(1, 99999999999.5), (2, 88888888888.5)",
				"collision rows k, range rows.a",
				1062,
				"a 2",
			},
			everywhere(),
			"",
		},
		{situation{"a double into a float", id + "a double", id + "a float", "(1, 1.23456789012)", "", 0, "a 1"},
			everywhere(), "rows.a (double into float)"},
		{situation{"an integer into a float", id + "a int", id + "a float", "(1, 123456789)", "", 0, "a 1"},
			everywhere(), "rows.a ("},
		{situation{"a float into a decimal", id + "a double", id + "a decimal(6,2)", "(1, 12345.5), (2, 1.5)",
			"range rows.a", 0, "a 1"}, everywhere(), ""},
		{situation{"numbers in words", id + "a varchar(20)", id + "a int", "(1, '-0'), (2, '+7'), (3, ' 8'), (4, '9 ')",
			"", 0, ""}, everywhere(), ""},
	}
}

func hostileKinds() []hostile {
	return []hostile{
		{situation{"bits as they were", id + "a bit(4)", id + "a bit(4)", "(1, b'0101')", "", 0, ""}, everywhere(), ""},
		{situation{"bits into a number", id + "a bit(4)", id + "a tinyint", "(1, b'0101')", "", 0, "-"}, everywhere(),
			"rows.a (bit(4) into tinyint"},
		{situation{"a set into a smaller one", id + "a set('x','y')", id + "a set('x')", "(1, 'x,y')", "", 0, "a 1"},
			everywhere(), "rows.a (set('x','y') into set('x'))"},
		{situation{"an enum in another order", id + "a enum('x','y')", id + "a enum('y','x'), UNIQUE k (a)",
			"(1, 'x'), (2, 'y')", "", 0, ""}, everywhere(), ""},
		{
			situation{"a year from a number", id + "a int", id + "a year", "(1, 2020), (2, 1800)", "", 0, "a 1"},
			everywhere(),
			"rows.a (",
		},
		{situation{"fractions of a second", id + "a datetime(6)", id + "a datetime",
			"(1, '2020-01-01 10:00:00.600000')", "rounded rows.a", 0, "a 1"}, everywhere(), ""},
		{situation{"fractions of a second in a key", id + "a datetime(6)", id + "a datetime, UNIQUE k (a)",
			"(1, '2020-01-01 10:00:00.100000'), (2, '2020-01-01 10:00:00.200000')", "rounded rows.a", 1062, "a 2"},
			everywhere(), "rows k (datetime(6) into datetime)"},
		{situation{"two zero dates in a key", id + "a date", id + "a date, UNIQUE k (a)",
			"(1, '0000-00-00'), (2, '0000-00-00')", "collision rows k, zero_date rows.a", 1062, ""}, everywhere(), ""},
		{
			situation{
				"a date without a month",
				id + "a date",
				id + "a timestamp NULL",
				"(1, '2020-00-00'), (2, '2020-02-02')",
				"range rows.a",
				0,
				"a 1",
			},
			everywhere(),
			"",
		},
		{situation{"bytes that are padded", id + "a varbinary(4)", id + "a binary(4), UNIQUE k (a)",
			"(1, 'a'), (2, X'6100')", "", 1062, "a 2"}, everywhere(), "rows k (varbinary(4) into binary(4))"},
		{situation{"no JSON", id + "a longtext", id + "a json", "(1, '{'), (2, '{}')", "", 3140, ""}, mysqlOnly(),
			"rows.a (longtext into json)"},
		{
			situation{
				"a text with a byte of zero",
				id + "a varchar(9) COLLATE utf8_bin",
				id + "a varchar(9), UNIQUE k (a)",
				"(1, _utf8 X'6100'), (2, _utf8 X'61')",
				"",
				0,
				"",
			},
			everywhere(),
			"",
		},
	}
}

func hostileTables() []hostile {
	return []hostile{
		{
			situation{"no rows", id + "a varchar(9)", id + "a varchar(3) NOT NULL, UNIQUE k (a)", "", "", 0, ""},
			everywhere(),
			"",
		},
		{situation{"no key at all", "id int, a varchar(9)", "id int, a varchar(3)", "(1, 'abcd'), (1, 'abcd')",
			"cut rows.a", 0, "a 2"}, everywhere(), ""},
		{situation{"a key of two columns", "id int NOT NULL, b int NOT NULL, a varchar(9), PRIMARY KEY (b, id)",
			"id int NOT NULL, b int NOT NULL, a varchar(3), PRIMARY KEY (id)", "(1, 1, 'abcd'), (1, 2, 'a'), (2, 1, 'ab')",
			"collision rows PRIMARY, cut rows.a", 1062, "a 1"}, everywhere(), ""},
		{situation{"a text as its key", "id varchar(9) COLLATE utf8_bin NOT NULL PRIMARY KEY, a int",
			"id varchar(9) NOT NULL PRIMARY KEY, a int", "('a', 1), ('A', 2), ('b', 3)", "collision rows PRIMARY", 1062, ""},
			everywhere(), ""},
		{situation{"an enum as its key", "id enum('z','a') NOT NULL PRIMARY KEY, a varchar(9)",
			"id varchar(9) NOT NULL, a varchar(3)", "('z', 'abcd'), ('a', 'abc')", "cut rows.a", 0, "a 1"}, everywhere(), ""},
		{situation{"a generated column in the key", id + "a varchar(9)",
			id + "a varchar(9), g varchar(9) AS (LEFT(a, 1)) VIRTUAL, UNIQUE k (g)", "(1, 'ab'), (2, 'ac')", "", 1062, ""},
			modern(), "rows k (the server computes g)"},
		{situation{"an expression as the key", id + "a varchar(9)", id + "a varchar(9), UNIQUE k ((LEFT(a, 1)))",
			"(1, 'ab'), (2, 'ac')", "", 1062, ""}, mysqlOnly(), "rows k (the server computes it)"},
		{situation{"a generated column that is copied", id + "b varchar(9), a varchar(9) AS (b) VIRTUAL",
			id + "a varchar(3)", "(1, 'abcd', DEFAULT)", "cut rows.a", 0, "a 1"}, modern(), ""},
		{situation{"a whole long text as the key", id + "a text", id + "a text, UNIQUE k (a)", "(1, 'x'), (2, 'X')",
			"collision rows k", 1062, ""}, mariadbOnly(), ""},
		{
			situation{
				"a rule for values",
				id + "a int",
				id + "a int, CONSTRAINT positive CHECK (a > 0)",
				"(1, 0), (2, 1)",
				"",
				4025,
				"",
			},
			mariadbOnly(),
			"rows positive (a CHECK constraint)",
		},
		{situation{"a rule for values in MySQL", id + "a int", id + "a int, CONSTRAINT positive CHECK (a > 0)",
			"(1, 0), (2, 1)", "", 3819, ""}, mysqlOnly(), "rows positive (a CHECK constraint)"},
		{
			situation{
				"a column that the server computes",
				id + "a int",
				id + "a int AS (7) VIRTUAL",
				"(1, 1), (2, 2)",
				"",
				0,
				"-",
			},
			modern(),
			"rows.a (the server computes it in Magento 2",
		},
	}
}

func TestHostileSituations(t *testing.T) {
	t.Parallel()
	for _, f := range mysqltest.Flavors() {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, f)
			for _, s := range hostileSituations() {
				if !slices.Contains(s.on, f) {
					continue
				}
				t.Run(s.name, func(t *testing.T) {
					l.t = t
					skipped := slices.DeleteFunc(prove(t, l, s.situation).Skipped, func(x Skipped) bool {
						return x.What == "eav_attribute" // no database has one
					})
					said := slices.ContainsFunc(skipped, func(x Skipped) bool {
						return s.skipped != "" && strings.Contains(x.String(), s.skipped)
					})
					if said != (s.skipped != "") || s.skipped == "" && len(skipped) > 0 {
						t.Errorf("not looked at: %v, want %q", skipped, s.skipped)
					}
				})
			}
			l.t = t
		})
	}
}

// TestHostileNames has a prefix, names as long as they may be, a view in place of a table on either side, and tables
// that only one side has.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	long, column := strings.Repeat("t", 61), strings.Repeat("c", 64)
	for _, f := range flavors() {
		l := newLab(t, f)
		l.shop(0, "CREATE TABLE m1_"+long+" (id int NOT NULL PRIMARY KEY, "+column+" varchar(9) COLLATE utf8_bin); "+
			"INSERT INTO m1_"+long+" VALUES (1, 'abcd'), (2, 'ABCD'); "+
			"CREATE TABLE alone (a int); CREATE TABLE m1_alone (a int); CREATE TABLE m1_seen (a varchar(9)); "+
			"INSERT INTO m1_seen VALUES ('abcd'); CREATE VIEW m1_looked AS SELECT a FROM m1_seen")
		l.shop(1, "CREATE TABLE "+long+" (id int NOT NULL PRIMARY KEY, "+column+" varchar(3), UNIQUE k ("+column+")); "+
			"CREATE TABLE looked (a varchar(3)); CREATE TABLE of_seen (a varchar(3)); "+
			"CREATE VIEW seen AS SELECT a FROM of_seen; CREATE TABLE other (a int NOT NULL)")
		in := l.input()
		in.Sides[0].Prefix = "m1_"
		var looker Looker
		r := whole(t, &looker, in)
		if got := kinds(r.Problems); got != "collision "+long+" k, cut "+long+"."+column || len(r.Failures) > 0 {
			t.Errorf("%s: %s %v", f, got, r.Failures)
		}
		for _, want := range []Skipped{{"looked", "it is a view in Magento 1"}, {"seen", "it is a view in Magento 2"}} {
			if !slices.Contains(r.Skipped, want) {
				t.Errorf("%s: %v, want %v", f, r.Skipped, want)
			}
		}
		l.close(in)
	}
}
