package shoptest

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/precondition"
)

// Reference exposes a board's samples with client_golang, to compare package exposition with.
type Reference struct {
	Board     *collector.Board
	Catalogue precondition.Catalogue
}

// Describe implements prometheus.Collector.
func (r Reference) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range r.descriptions() {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (r Reference) Collect(ch chan<- prometheus.Metric) {
	descriptions := r.descriptions()
	counters := map[string]bool{}
	for _, f := range exposition.Families(r.Catalogue) {
		counters[f.Name] = f.Counter
	}
	for _, state := range r.Board.Snapshot() {
		for _, s := range exposition.Samples(state) {
			kind, labels := prometheus.GaugeValue, []string{state.Migration.Name}
			if counters[s.Family] {
				kind = prometheus.CounterValue
			}
			for _, l := range s.Labels {
				labels = append(labels, strings.ToValidUTF8(l, "\uFFFD"))
			}
			ch <- prometheus.MustNewConstMetric(descriptions[s.Family], kind, s.Value, labels...)
		}
	}
}

func (r Reference) descriptions() map[string]*prometheus.Desc {
	all := map[string]*prometheus.Desc{}
	for _, f := range exposition.Families(r.Catalogue) {
		all[f.Name] = prometheus.NewDesc(f.FullName(), f.Help, append([]string{"migration"}, f.Labels...), nil)
	}
	return all
}

// Exposition renders the board with client_golang in the text format, with everything sorted.
func Exposition(t *testing.T, board *collector.Board, catalogue precondition.Catalogue) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(Reference{board, catalogue})
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatal(w.Body)
	}
	return w.Body.String()
}
