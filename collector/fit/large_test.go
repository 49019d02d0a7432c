package fit

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// large is how many rows the large tables have. With 2000000 the test shows, in its log, how long statements take.
var large = flag.Int("large", 80000, "how many rows a large table has")

// firstBudget is what an evaluation has with the default limit.
const firstBudget = 4 * time.Second

// TestLargeTables looks at tables that no statement could go through at once: one with a key that no index of
// Magento 1 helps with, and one with an index in which all rows have the same value.
func TestLargeTables(t *testing.T) {
	t.Parallel()
	for _, f := range flavors() {
		l := newLab(t, f)
		l.fill("plain", "")
		l.fill("one_store", ", KEY of_store (store_id)")
		l.shop(1, "CREATE TABLE plain (id int NOT NULL PRIMARY KEY, store_id int, path varchar(60), UNIQUE k (path)); "+
			"CREATE TABLE one_store (id int NOT NULL PRIMARY KEY, store_id int, path varchar(60), "+
			"UNIQUE k (store_id, path))")
		r, rounds := l.watched(0)
		last := *large
		want := fmt.Sprintf("5 = %d", last-5)
		if got := kinds(r.Problems); got != "collision one_store k, collision plain k" || len(r.Failures) > 0 {
			t.Fatalf("%s: %s %v", f, got, r.Failures)
		}
		for _, p := range r.Problems {
			if p.Rows != 2 || p.More || !slices.Contains(p.IDs, want) || !slices.Contains(p.IDs, "7 = 8") {
				t.Errorf("%s: %+v", f, p)
			}
		}
		if rounds < 2 && last > 100000 {
			t.Errorf("%s: all in one round", f)
		}
		if got, _ := l.watched(firstBudget); kinds(got.Problems) != kinds(r.Problems) {
			t.Errorf("%s: with more time for the first round: %s", f, kinds(got.Problems))
		}
		if got, n := l.watched(time.Hour); kinds(got.Problems) != kinds(r.Problems) || n != 1 {
			t.Errorf("%s: %d rounds with an hour for the first: %s", f, n, kinds(got.Problems))
		}
	}
}

// fill makes a table of Magento 1. Two pairs of its rows differ in nothing but capital letters.
func (l *lab) fill(table, index string) {
	l.t.Helper()
	l.shop(0, "CREATE TABLE "+table+" (id int NOT NULL PRIMARY KEY, store_id int, path varchar(60) COLLATE utf8_bin"+
		index+"); INSERT INTO "+table+" VALUES (1, 1, 'path/1.html')")
	for n := 1; n < *large; n *= 2 {
		l.shop(0, fmt.Sprintf("INSERT INTO %s SELECT id + %d, 1, CONCAT('path/', id + %[2]d, '.html') FROM %[1]s "+
			"WHERE id + %[2]d <= %[3]d", table, n, *large))
	}
	l.shop(0, fmt.Sprintf("UPDATE %s SET path = 'PATH/5.html' WHERE id = %d; "+
		"UPDATE %[1]s SET path = 'path/7.HTML' WHERE id = 8; ANALYZE TABLE %[1]s", table, *large-5))
}

// watched goes through all tables, and logs what it costs. Until all was looked at, a round may take as long as first.
func (l *lab) watched(first time.Duration) (Report, int) {
	l.t.Helper()
	var looker Looker
	in := l.input()
	in.First = first
	defer l.close(in)
	var longestRound time.Duration
	began, cpu := time.Now(), l.cpu()
	for rounds := 1; ; rounds++ {
		started := time.Now()
		r := round(l.t, &looker, in)
		longestRound = max(longestRound, time.Since(started))
		if r.Whole {
			l.t.Logf("%s, %d rows a table: %d rounds of at most %s, %s in all, of which the server's CPUs %s",
				l.server.Flavor(), *large, rounds, longestRound, time.Since(began), l.cpu()-cpu)
			return r, rounds
		}
	}
}

// cpu is how long the server has been computing.
func (l *lab) cpu() time.Duration {
	l.t.Helper()
	var path string
	if err := l.tool.QueryRowContext(l.t.Context(), "SELECT @@pid_file").Scan(&path); err != nil {
		l.t.Fatal(err)
	}
	if !strings.HasPrefix(path, "/") {
		path = l.server.DataDir() + "/" + path
	}
	pid, err := os.ReadFile(path)
	if err != nil {
		l.t.Fatal(err)
	}
	stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
	if err != nil {
		l.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	var ticks int
	for _, field := range strings.Fields(rest)[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			l.t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
