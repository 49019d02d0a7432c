package main

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/collectors/version"

	"magento_migration_exporter/collector"
)

// exporterRegistry holds the metrics that are about the exporter itself.
func exporterRegistry(reload *reloader, evaluator *collector.Evaluator) (*prometheus.Registry, error) {
	registry := prometheus.NewRegistry()
	for _, c := range exporterCollectors(reload, evaluator) {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("registering the exporter's own metrics: %w", err)
		}
	}
	return registry, nil
}

// exporterCollectors returns the metrics that are about the exporter itself.
func exporterCollectors(reload *reloader, evaluator *collector.Evaluator) []prometheus.Collector {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: collector.Namespace, Subsystem: "exporter", Name: name, Help: help}, value)
	}
	all := []prometheus.Collector{
		version.NewCollector(program),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("config_last_reload_successful", "Whether the last attempt to load the configuration worked (1 yes, 0 no).", func() float64 {
			if reload.state.Load().ok {
				return 1
			}
			return 0
		}),
		gauge("config_last_reload_success_timestamp_seconds", "When the configuration was last loaded, in Unix seconds.", func() float64 {
			return float64(reload.state.Load().loadedAt.UnixMilli()) / 1000
		}),
		gauge("evaluation_interval_seconds", "The configured time between two evaluations of a migration.", func() float64 {
			return time.Duration(reload.state.Load().running.Global.EvaluationInterval).Seconds()
		}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: collector.Namespace, Subsystem: "exporter", Name: "evaluations_late_total", Help: "Evaluations that began later than the interval asks for."},
			func() float64 { return float64(evaluator.Late()) }),
	}
	return append(all, databaseCosts(evaluator)...)
}

// databaseCosts returns what evaluations cost the databases, by precondition. Divided by the evaluations they are the cost of one.
func databaseCosts(evaluator *collector.Evaluator) []prometheus.Collector {
	counter := func(name, help, precondition string, value func() float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: collector.Namespace, Subsystem: "exporter", Name: name, Help: help, ConstLabels: prometheus.Labels{"precondition": precondition},
		}, value)
	}
	var all []prometheus.Collector
	for _, id := range collector.PreconditionIDs() {
		cost := evaluator.DatabaseCost(id)
		all = append(all,
			counter("database_statements_total", "SQL statements that evaluations of the precondition sent, over all migrations; logins count for network.", id, func() float64 {
				return float64(cost.Statements())
			}),
			counter("database_seconds_total", "How long the databases took to answer the SQL statements of the precondition's evaluations.", id, func() float64 { return cost.Spent().Seconds() }))
	}
	return all
}
