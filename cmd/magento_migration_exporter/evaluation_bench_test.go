package main

import (
	"fmt"
	"maps"
	"os"
	"testing"
	"time"

	"magento_migration_exporter/collector/precondition"
)

// BenchmarkEvaluate evaluates migrations side by side, as many at a time as the default configuration does. All have
// the same two databases. The first round is not counted: it reads what later ones find unchanged.
func BenchmarkEvaluate(b *testing.B) {
	s := newBenchShop(b, 0)
	for _, n := range []int{1, 10, 1000} {
		b.Run(fmt.Sprintf("migrations=%d", n), func(b *testing.B) {
			l := loadLocally(b, s.write(b, "", n))
			first := time.Now()
			l.evaluate(b.Context(), b)
			b.Logf("the first round took %s for each", time.Since(first)/time.Duration(n))
			before := l.costs()
			rounds := 0
			for b.Loop() {
				l.evaluate(b.Context(), b)
				rounds++
			}
			spent := l.costs().minus(before).of("all")
			evaluations := float64(rounds * n)
			b.ReportMetric(float64(spent.statements)/evaluations, "statements/evaluation")
			b.ReportMetric(milliseconds(spent.time)/evaluations, "database-ms/evaluation")
			b.ReportMetric(milliseconds(b.Elapsed())/evaluations, "ms/evaluation")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// benchRows is how many products, orders and URL rewrites a big shop has.
const benchRows = 2_000_000

// BenchmarkPreconditions evaluates one migration again and again and tells what each precondition costs the databases:
// one of a shop as it is installed, one of a big shop, and each of the configuration that BENCH_CONFIG names.
func BenchmarkPreconditions(b *testing.B) {
	for _, rows := range []int{0, benchRows} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			benchmarkPreconditions(b, loadLocally(b, newBenchShop(b, rows).write(b, "", 1)))
		})
	}
	path := os.Getenv("BENCH_CONFIG")
	if path == "" {
		return
	}
	for i, m := range loadLocally(b, path).config.Migrations {
		b.Run("migration="+m.Name, func(b *testing.B) {
			l := loadLocally(b, path)
			l.config.Migrations = l.config.Migrations[i : i+1]
			benchmarkPreconditions(b, l)
		})
	}
}

func benchmarkPreconditions(b *testing.B, l *localRun) {
	b.Helper()
	l.evaluate(b.Context(), b)
	first := l.costs()
	// What is kept in mind from one evaluation to the next takes several.
	for before, last := first, costs(nil); !maps.EqualFunc(before, last, sameStatements); {
		last, before = before, l.costs()
		l.evaluate(b.Context(), b)
		before = l.costs().minus(before)
	}
	for _, id := range append(precondition.All().IDs(), "all") {
		b.Run(id, func(b *testing.B) {
			before, rounds := l.costs(), 0
			for b.Loop() {
				l.evaluate(b.Context(), b)
				rounds++
			}
			later := l.costs().minus(before)
			b.ReportMetric(float64(first.of(id).statements), "first-statements")
			b.ReportMetric(milliseconds(first.of(id).time), "first-ms")
			b.ReportMetric(float64(later.of(id).statements)/float64(rounds), "statements")
			b.ReportMetric(milliseconds(later.of(id).time)/float64(rounds), "ms")
			b.ReportMetric(0, "ns/op") // of the whole evaluation
		})
	}
}

// cost is what a precondition's evaluations cost the databases.
type cost struct {
	statements int64
	time       time.Duration
}

func sameStatements(a, b cost) bool { return a.statements == b.statements }

// costs are by precondition.
type costs map[string]cost

func (l *localRun) costs() costs {
	all := costs{}
	for _, id := range precondition.All().IDs() {
		c := l.evaluator.DatabaseCost(id)
		all[id] = cost{c.Statements(), c.Spent()}
	}
	return all
}

func (c costs) minus(other costs) costs {
	all := costs{}
	for id, total := range c {
		all[id] = cost{total.statements - other[id].statements, total.time - other[id].time}
	}
	return all
}

// of returns the cost of a precondition, or of all.
func (c costs) of(id string) cost {
	var sum cost
	for each, one := range c {
		if id == each || id == "all" {
			sum.statements += one.statements
			sum.time += one.time
		}
	}
	return sum
}
