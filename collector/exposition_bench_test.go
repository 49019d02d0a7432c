package collector

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"
)

// BenchmarkScrape scrapes over loopback HTTP: the migrations' metrics as the exporter serves them, at rest and while results keep
// coming in, beside an empty handler, bytes that are ready, client_golang's collector over the same board, and a GaugeVec of as many
// series.
func BenchmarkScrape(b *testing.B) {
	x := NewExpositor()
	for _, migrations := range []int{1, 10, 100, 1000} {
		board := fullBoard(migrations)
		exposition := expose(b, x, board)
		var text, zipped bytes.Buffer
		_, _ = exposition.WriteTo(&text)
		_ = exposition.WriteGzip(&zipped)
		series := bytes.Count(text.Bytes(), []byte("} "))
		registry, vec := prometheus.NewRegistry(), prometheus.NewRegistry()
		registry.MustRegister(NewMetrics(board))
		vec.MustRegister(gaugeVec(series))
		exporter := func(w http.ResponseWriter, r *http.Request) { serveExposition(w, r, expose(b, x, board)) }
		for _, encoding := range []string{"gzip", "identity"} {
			ready := map[string][]byte{"gzip": zipped.Bytes(), "identity": text.Bytes()}[encoding]
			for _, way := range []struct {
				name    string
				handler http.Handler
				busy    bool
			}{
				{"empty", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), false},
				{"bytes", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Length", strconv.Itoa(len(ready)))
					_, _ = w.Write(ready)
				}), false},
				{"exporter", http.HandlerFunc(exporter), false},
				{"exporter-busy", http.HandlerFunc(exporter), true},
				{"promhttp", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), false},
				{"gaugevec", promhttp.HandlerFor(vec, promhttp.HandlerOpts{}), false},
			} {
				b.Run(fmt.Sprintf("series=%d/%s/%s", series, encoding, way.name), func(b *testing.B) {
					if way.busy {
						defer publishing(board, migrations)()
					}
					scrape(b, way.handler, encoding)
				})
			}
		}
	}
}

// serveExposition is the part of the exporter's handler that costs anything.
func serveExposition(w http.ResponseWriter, r *http.Request, e *Exposition) {
	if r.Header.Get("Accept-Encoding") == "gzip" {
		w.Header().Set("Content-Length", strconv.Itoa(e.GzipSize()))
		_ = e.WriteGzip(w)
	} else {
		w.Header().Set("Content-Length", strconv.Itoa(e.Size()))
		_, _ = e.WriteTo(w)
	}
}

func expose(b *testing.B, x *Expositor, board *Board) *Exposition {
	e, err := x.New(expfmt.FmtText, nil, board.Snapshot())
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// gaugeVec is what most exporters have: a gauge with two labels.
func gaugeVec(series int) *prometheus.GaugeVec {
	vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "magento_migration_precondition_status", Help: "A gauge."}, []string{"migration", "precondition"})
	for i := range series {
		vec.WithLabelValues(fmt.Sprintf("shop-%04d", i/200), strconv.Itoa(i%200)).Set(float64(i % 2))
	}
	return vec
}

// publishing publishes as many results as evaluations of all migrations once a minute do, until it is told to stop.
func publishing(board *Board, migrations int) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(time.Minute / time.Duration(migrations))
		defer ticker.Stop()
		for i := 0; ; i++ {
			select {
			case <-end:
				return
			case now := <-ticker.C:
				publishAll(board, board.Snapshot()[i%migrations].Migration, now, i)
			}
		}
	}()
	return func() { close(end); <-ended }
}

// scrape sends one request after the other over one connection.
func scrape(b *testing.B, handler http.Handler, encoding string) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(listener) }()
	transport := &http.Transport{DisableCompression: true}
	defer server.Close()
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(b.Context(), "GET", "http://"+listener.Addr().String(), nil)
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", encoding)
	size := int64(0)
	for b.Loop() {
		resp, err := transport.RoundTrip(request)
		if err != nil {
			b.Fatal(err)
		}
		size, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	b.ReportMetric(float64(size), "bytes")
}

// BenchmarkRender is what a new result costs before anybody scrapes it.
func BenchmarkRender(b *testing.B) {
	state := fullBoard(1).Snapshot()[0]
	for b.Loop() {
		state.render()
	}
}

// BenchmarkMemory tells what one migration's results hold in memory, rendered.
func BenchmarkMemory(b *testing.B) {
	const migrations = 1000
	for b.Loop() {
		before := heap()
		board := fullBoard(migrations)
		b.ReportMetric(float64(heap()-before)/migrations, "B/migration")
		runtime.KeepAlive(board)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
