package main

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/collectors/version"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
)

// exporterRegistry returns a registry with the exporter's own metrics.
func exporterRegistry(
	reload *reloader, evaluator *collector.Evaluator, store *history.Store,
) (*prometheus.Registry, error) {
	registry := prometheus.NewRegistry()
	for _, c := range exporterCollectors(reload, evaluator, store) {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("registering the exporter's own metrics: %w", err)
		}
	}
	return registry, nil
}

// exporterCollectors returns the exporter's own metrics. store may be nil.
func exporterCollectors(
	reload *reloader, evaluator *collector.Evaluator, store *history.Store,
) []prometheus.Collector {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		options := prometheus.GaugeOpts{Namespace: finding.Namespace, Subsystem: "exporter", Name: name, Help: help}
		return prometheus.NewGaugeFunc(options, value)
	}
	all := []prometheus.Collector{
		newCertificateCollector(reload.webConfigFile),
		version.NewCollector(program),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("config_last_reload_successful",
			"Whether the last attempt to load the configuration worked (1 yes, 0 no).",
			func() float64 { return finding.Bool(reload.state.Load().ok) }),
		gauge("config_last_reload_success_timestamp_seconds",
			"When the configuration was last loaded, in Unix seconds.",
			func() float64 { return finding.UnixSeconds(reload.state.Load().loadedAt) }),
		gauge("evaluation_interval_seconds",
			"The configured time between two evaluations of a migration.",
			func() float64 {
				return time.Duration(reload.state.Load().running.Global.EvaluationInterval).Seconds()
			}),
	}
	if store != nil && store.Keeps() {
		all = append(all, gauge("history_last_write_successful",
			"Whether the history was last written to the folder of --storage.path (1 yes, 0 no).",
			func() float64 { return finding.Bool(store.OK()) }))
	}
	return append(all, evaluator.Collectors()...)
}
