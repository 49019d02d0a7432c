package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"magento_migration_exporter/collector/finding"
)

// Collectors returns the metrics of the evaluator itself: how many evaluations were late, and what the evaluations of
// each precondition cost the databases. Divided by the number of evaluations, the latter are the cost of one.
func (e *Evaluator) Collectors() []prometheus.Collector {
	counter := func(name, help string, labels prometheus.Labels, value func() float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: finding.Namespace, Subsystem: "exporter", Name: name, Help: help, ConstLabels: labels,
		}, value)
	}
	all := []prometheus.Collector{
		counter("evaluations_late_total", "Evaluations that began later than the interval asks for.", nil,
			func() float64 { return float64(e.Late()) }),
	}
	for _, id := range e.catalogue.IDs() {
		cost, labels := e.costs[id], prometheus.Labels{"precondition": id}
		all = append(all,
			counter("database_statements_total", "SQL statements that evaluations of the precondition sent, "+
				"over all migrations; logins count for network.",
				labels, func() float64 { return float64(cost.Statements()) }),
			counter("database_seconds_total",
				"How long the databases took to answer the SQL statements of the precondition's evaluations.",
				labels, func() float64 { return cost.Spent().Seconds() }))
	}
	return all
}
