package main

import (
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// FuzzRequest sends any path, query and wish for a format: none may be the exporter's own fault, and what comes must be
// what it says.
func FuzzRequest(f *testing.F) {
	f.Add(
		"/metrics",
		"scope=exporter",
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
		"gzip, br;q=0",
	)
	f.Add(
		"/metrics",
		"",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
		"*;q=1e-3, gzip;q=x",
	)
	f.Add("/probe", "target=acme&target=%zz", "text/html", "")
	f.Add("/api/v1/readiness", "migration=acme", "", "identity")
	f.Add("/", "search=a&status=fail&precondition=backup&page=2", "", "")
	f.Add("/migrations/acme/report.html", "x=%00", "", "")
	f.Add("/docs/../docs/preconditions", "", "", "")
	f.Add("/sd", "", "", "")
	catalogue := precondition.All()
	expositor := exposition.NewExpositor(catalogue)
	board, logger := collector.NewBoard(catalogue, expositor.Render), slog.New(slog.DiscardHandler)
	board.Configure([]config.Migration{{Name: "acme"}, {Name: "other"}})
	evaluator := collector.NewEvaluator(collector.EvaluatorOptions{Board: board, Logger: logger, Now: time.Now})
	handler, err := newHandler(
		handlerOptions{
			catalogue:     catalogue,
			expositor:     expositor,
			board:         board,
			evaluator:     evaluator,
			reload:        newReloader("", config.Default(), nil, nil, logger),
			logger:        logger,
			now:           time.Now,
			telemetryPath: "/metrics",
		},
	)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, query, accept, encoding string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path, r.URL.RawQuery = "/"+strings.TrimPrefix(path, "/"), query
		r.Header.Set("Accept", accept)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= 500 && r.URL.Path != "/-/ready" {
			t.Fatalf("%d: %.300s", w.Code, w.Body)
		}
		if w.Header().Get("Content-Encoding") == "gzip" {
			unzipped, err := gzip.NewReader(w.Body)
			if err == nil {
				_, err = io.Copy(io.Discard, unzipped)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzShard reads the value of --shard: what is accepted prints as it was written, and each migration is in exactly one
// shard.
func FuzzShard(f *testing.F) {
	f.Add("2/5", "acme")
	f.Add("1/1", "")
	f.Add("9999/9999", "a/b")
	f.Add("01/2", "x")
	f.Fuzz(func(t *testing.T, text, name string) {
		var s shard
		if s.Set(text) != nil {
			return
		}
		if s.String() != text || s.number < 1 || s.number > s.count {
			t.Fatalf("%q became %+v", text, s)
		}
		in := 0
		for number := 1; number <= min(s.count, 20); number++ {
			if (&shard{number, min(s.count, 20)}).has(name) {
				in++
			}
		}
		if in != 1 {
			t.Errorf("%q is in %d shards", name, in)
		}
	})
}
