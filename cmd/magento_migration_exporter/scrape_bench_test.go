package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// seriesOfOne is how many series a migration of BenchmarkScrape has; waivers, which have one each, make up for what the
// benchmark's shop has less than a migration can have.
const seriesOfOne = 261

// BenchmarkScrape scrapes over loopback HTTP: the migrations' metrics as the exporter serves them, at rest and while
// results keep coming in, beside an empty handler, bytes that are ready, client_golang's collector over the same board,
// and a GaugeVec of as many series. The exporter's own metrics, which client_golang gathers, are not among them;
// BenchmarkProgram has them.
func BenchmarkScrape(b *testing.B) {
	evaluation := evaluateOne(b)
	for _, migrations := range []int{1, 10, 100, 1000} {
		board := filledBoard(b, evaluation, migrations)
		registry, vec := prometheus.NewRegistry(), prometheus.NewRegistry()
		registry.MustRegister(shoptest.Reference{Board: board, Catalogue: precondition.All()})
		vec.MustRegister(gaugeVec(migrations))
		logger := slog.New(slog.DiscardHandler)
		h := &handler{
			handlerOptions: handlerOptions{
				board:     board,
				logger:    logger,
				expositor: exposition.NewExpositor(precondition.All()),
			},
			exporter: prometheus.NewRegistry(),
		}
		exporter := secured(http.HandlerFunc(h.metrics), logger)
		options := promhttp.HandlerOpts{EnableOpenMetrics: true}
		for _, asked := range []struct{ name, format, encoding string }{
			{"text/plain", "text/plain", "identity"}, {"text/gzip", "text/plain", "gzip"}, {"openmetrics/gzip", prometheusHeader().Get("Accept"), "gzip"},
		} {
			header := http.Header{"Accept": {asked.format}, "Accept-Encoding": {asked.encoding}}
			for _, way := range []struct {
				name    string
				handler http.Handler
				busy    bool
			}{
				{"empty", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), false},
				{"bytes", readyBytes(b, exporter, header), false},
				{"exporter", exporter, false},
				{"exporter-busy", exporter, true},
				{"promhttp", promhttp.HandlerFor(registry, options), false},
				{"gaugevec", promhttp.HandlerFor(vec, options), false},
			} {
				b.Run(fmt.Sprintf("series=%d/%s/%s", migrations*seriesOfOne, asked.name, way.name), func(b *testing.B) {
					if way.busy {
						defer publishing(board, evaluation)()
					}
					server := httptest.NewServer(way.handler)
					defer server.Close()
					scrape(b, server.URL, header)
				})
			}
		}
	}
}

// evaluateOne evaluates a migration on real databases.
func evaluateOne(b *testing.B) collector.Evaluation {
	b.Helper()
	p := loadLocally(b, newBenchShop(b, 0).write(b, "", 1))
	p.evaluate(b.Context(), b)
	state := p.board.Snapshot()[0]
	e := collector.Evaluation{Phase: state.Phase, PhaseReason: state.PhaseReason, Servers: state.Servers}
	for _, ps := range state.Preconditions {
		e.Results = append(e.Results, ps.Result)
	}
	return e
}

// filledBoard has the results for n migrations of exactly seriesOfOne series.
func filledBoard(b *testing.B, e collector.Evaluation, n int) *collector.Board {
	b.Helper()
	board := func(n, waivers int) *collector.Board {
		var migrations []config.Migration
		for i := range n {
			m := config.Migration{Name: shopName(i), Cutover: &time.Time{}}
			for j := range waivers {
				m.Waivers = append(
					m.Waivers,
					config.Waiver{
						Precondition: "extensions",
						Subject:      fmt.Sprintf("vendor_module%d_setup", j),
						Reason:       "tested",
						Expires:      config.Expiry{Time: time.Now()},
					},
				)
			}
			migrations = append(migrations, m)
		}
		board := collector.NewBoard(precondition.All(), exposition.NewExpositor(precondition.All()).Render)
		for _, m := range board.Configure(migrations) {
			changed := e
			changed.Results = make([]finding.Result, len(e.Results))
			board.Publish(m, changed, time.Now())
			board.Publish(m, e, time.Now())
		}
		return board
	}
	series := func(board *collector.Board) int {
		e, err := exposition.NewExpositor(precondition.All()).New(expfmt.FmtText, nil, board.Snapshot())
		if err != nil {
			b.Fatal(err)
		}
		var text bytes.Buffer
		_, _ = e.WriteTo(&text)
		return bytes.Count(text.Bytes(), []byte("} "))
	}
	waivers := seriesOfOne - series(board(1, 0))
	if waivers < 0 {
		b.Fatalf("a migration has %d series: set seriesOfOne", seriesOfOne-waivers)
	}
	b.Logf("%d series and %d waivers", seriesOfOne-waivers, waivers)
	full := board(n, waivers)
	if got := series(full); got != n*seriesOfOne {
		b.Fatalf("%d migrations have %d series, not %d each", n, got, seriesOfOne)
	}
	return full
}

// readyBytes answers with what another handler answers to the header, without making it again.
func readyBytes(b *testing.B, h http.Handler, header http.Header) http.Handler {
	b.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, &http.Request{Method: "GET", URL: &url.URL{Path: "/metrics"}, Header: header})
	return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", strconv.Itoa(w.Body.Len()))
		_, _ = rw.Write(w.Body.Bytes())
	})
}

// gaugeVec is what most exporters have: gauges with two labels.
func gaugeVec(migrations int) *prometheus.GaugeVec {
	vec := prometheus.NewGaugeVec(
		prometheus.GaugeOpts{Name: "magento_migration_precondition_status", Help: "A gauge."},
		[]string{"migration", "precondition"},
	)
	for i := range migrations * seriesOfOne {
		vec.WithLabelValues(shopName(i/seriesOfOne), strconv.Itoa(i%seriesOfOne)).Set(float64(i % 2))
	}
	return vec
}

// publishing publishes as many results as evaluations of all migrations once a minute do, until it is told to stop.
func publishing(board *collector.Board, e collector.Evaluation) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	states := board.Snapshot()
	go func() {
		defer close(ended)
		ticker := time.NewTicker(time.Minute / time.Duration(len(states)))
		defer ticker.Stop()
		for i := 0; ; i++ {
			select {
			case <-end:
				return
			case now := <-ticker.C:
				board.Publish(states[i%len(states)].Migration, e, now)
			}
		}
	}()
	return func() { close(end); <-ended }
}

// scrapeTimeout is a Prometheus's default.
const scrapeTimeout = 10 * time.Second

// scrape sends one request after the other over one connection, and reports how long they took and how large the
// answers are.
func scrape(b *testing.B, url string, header http.Header) {
	b.Helper()
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	var took []time.Duration
	size := int64(0)
	for b.Loop() {
		start := time.Now()
		var err error
		if size, err = scrapeOnce(b.Context(), transport, url, header); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	b.ReportMetric(float64(size), "bytes")
	reportSpread(b, took)
}

// scrapeOnce returns the size of the answer as it came over the wire.
func scrapeOnce(ctx context.Context, transport *http.Transport, url string, header http.Header) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	request.Header = header
	resp, err := transport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, errors.New(resp.Status)
	}
	return io.Copy(io.Discard, resp.Body)
}
