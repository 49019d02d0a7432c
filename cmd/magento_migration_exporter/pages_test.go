package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// hostile are texts that a database or file can hold.
var hostile = []string{
	`<script>document.title = "taken"</script>`, `"><img src=x onerror="document.title='taken'">`, "'); alert(1); ('", "{{.}} ${1} %s",
	"\u202etxt.exe\u202c \u2066x\u2069", "שלום עולם", "\x1b[31mred\x07", strings.Repeat("x", 10<<10), strings.Repeat("<b>", 3<<10),
}

// site is the exporter's HTTP surface over a board that the test writes on.
type site struct {
	t          *testing.T
	handler    http.Handler
	board      *collector.Board
	migrations []*config.Migration
	server     *httptest.Server
}

func newSite(t *testing.T, migrations ...config.Migration) *site {
	t.Helper()
	s := newSiteAt(t, "", migrations...)
	s.server = httptest.NewServer(s.handler)
	t.Cleanup(s.server.Close)
	return s
}

func newSiteAt(t *testing.T, externalURL string, migrations ...config.Migration) *site {
	t.Helper()
	catalogue := precondition.All()
	expositor := exposition.NewExpositor(catalogue)
	s := &site{t: t, board: collector.NewBoard(catalogue, expositor.Render)}
	s.migrations = s.board.Configure(migrations)
	logger := slog.New(slog.DiscardHandler)
	evaluator := collector.NewEvaluator(collector.EvaluatorOptions{Board: s.board, Logger: logger, Now: time.Now})
	var err error
	s.handler, err = newHandler(handlerOptions{
		catalogue: catalogue, expositor: expositor, board: s.board, evaluator: evaluator, reload: newReloader("", config.Default(), nil, nil, logger), logger: logger, now: time.Now, telemetryPath: "/metrics", externalURL: externalURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// publish makes every precondition of a migration pass.
func (s *site) publish(migration int, at time.Time) {
	s.t.Helper()
	e := collector.Evaluation{
		Phase: config.PhaseMigrate, PhaseReason: "sales_order has the ids 1 to 9 in both systems",
		Servers: []evidence.Server{
			{
				System:   "magento1",
				Address:  "db1.example.com:3306",
				Database: "magento1",
				Account:  "migration@10.0.0.%",
				Version:  "MariaDB 10.11.19",
			},
		},
	}
	for range precondition.All() {
		r := finding.Result{
			Status: finding.Pass, Summary: "it is as it should be", EvaluatedAt: at, Duration: 12 * time.Millisecond,
			Findings: []finding.Finding{
				{Status: finding.Pass, Summary: "a note on what was seen", Evidence: "the evidence"},
			},
		}
		e.Results = append(e.Results, r)
	}
	s.board.Publish(s.migrations[migration], e, at)
}

func TestReportsAreServed(t *testing.T) {
	t.Parallel()
	s := newSite(t, config.Migration{Name: "acme"}, config.Migration{Name: "other"})
	s.publish(0, time.Now())
	for path, want := range map[string]struct {
		code                int
		kind, name, content string
	}{
		"/report.html":                  {200, "text/html; charset=utf-8", `^attachment; filename=magento-migration-readiness-\d{8}T\d{6}Z\.html$`, "other"},
		"/report.json":                  {200, "application/json", `^attachment; filename=magento-migration-readiness-\d{8}T\d{6}Z\.json$`, `"name": "other"`},
		"/migrations/acme/report.html":  {200, "text/html; charset=utf-8", `^attachment; filename=magento-migration-readiness-acme-\d{8}T\d{6}Z\.html$`, "<span class=\"status pass\">"},
		"/migrations/acme/report.json":  {200, "application/json", `^attachment; filename=magento-migration-readiness-acme-\d{8}T\d{6}Z\.json$`, `"servers"`},
		"/migrations/none/report.html":  {400, "text/plain; charset=utf-8", "^$", "none"},
		"/migrations/acme/cutover":      {200, "text/html; charset=utf-8", "^$", "from the phase delta on"},
		"/migrations/none/cutover":      {400, "text/plain; charset=utf-8", "^$", "none"},
		"/migrations/acme?since=7d":     {200, "text/html; charset=utf-8", "^$", "Nothing changed since "},
		"/migrations/acme?since=sad":    {400, "text/plain; charset=utf-8", "^$", `since="sad": expected a duration`},
		"/api/v1/readiness?since=24h":   {200, "application/json", "^$", `"begins": "20`},
		"/api/v1/readiness?since=":      {400, "text/plain; charset=utf-8", "^$", `since=""`},
		"/?status=sad":                  {400, "text/plain; charset=utf-8", "^$", `status="sad"`},
		"/?page=0":                      {400, "text/plain; charset=utf-8", "^$", `page="0"`},
		"/?status=ready&search=ac":      {200, "text/html; charset=utf-8", "^$", "1 of 2 match."},
		"/docs/":                        {200, "text/html; charset=utf-8", "^$", "preconditions"},
		"/migrations/other/report.json": {200, "application/json", "other", "not evaluated yet"},
	} {
		resp, err := s.server.Client().Get(s.server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != want.code || resp.Header.Get("Content-Type") != want.kind ||
			!regexp.MustCompile(want.name).MatchString(resp.Header.Get("Content-Disposition")) ||
			!strings.Contains(string(body), want.content) {
			t.Errorf("%s: %d %v: %.200s", path, resp.StatusCode, resp.Header, body)
		}
		if strings.HasPrefix(path, "/migrations/other") && strings.Contains(string(body), `"acme"`) {
			t.Errorf("%s has other migrations", path)
		}
	}
	// What was served is the last report, unless there was nothing to report.
	later := time.Now().Add(time.Hour)
	if s.board.LastReport("acme", later).IsZero() || !s.board.LastReport("other", later).IsZero() ||
		!s.board.LastReport("acme", time.Now()).IsZero() {
		t.Error("the reports were not remembered")
	}
}

func TestCheckPrintsHTML(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	code := run(
		t.Context(),
		[]string{
			"check",
			"--timeout=10m",
			"--format=html",
			"--config.file=" + writeConfig(t, once+entry("acme", "pa55", waived)),
		},
		&out,
		&errs,
	)
	page := out.String()
	if code != exitReady || !strings.HasPrefix(page, "<!DOCTYPE html>") || !strings.HasSuffix(page, "</html>\n") ||
		!strings.Contains(page, fmt.Sprintf("127.0.0.1:%d", server.Port())) {
		t.Errorf("exit code %d, %.300s, %s", code, page, errs.String())
	}
}
