package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/report"
	"magento_migration_exporter/config"
)

// diskSettings are those of a precondition that does not exist.
type diskSettings struct {
	config.Judgment `yaml:",inline"`
	Least           int    `yaml:"least"`
	Folder          string `yaml:"folder"`
}

func (d *diskSettings) Validate(fail func(message string, path ...any)) {
	if d.Least < 0 {
		fail("least must not be negative", "least")
	}
}

func (d *diskSettings) Paths(resolve func(path *string, keys ...any)) { resolve(&d.Folder, "folder") }

// diskSpace is a precondition that no production file knows.
func diskSpace() precondition.Precondition {
	const free = "disk_free_bytes"
	return precondition.Precondition{
		ID: "disk_space", Title: "Room on the made-up disk", Needs: []precondition.Need{precondition.LocalFiles},
		Phases: []config.Phase{config.PhasePrepare, config.PhaseMigrate},
		Families: []finding.Family{
			{Name: free, Labels: []string{"folder"}, Help: "Free bytes of a folder.", Zero: [][]string{{"always"}}},
		},
		Settings: func() config.Settings { return &diskSettings{Least: 7} },
		Evaluate: func(_ context.Context, e *evidence.Evidence) finding.Verdict {
			settings := config.SettingsOf[diskSettings](&e.Migration.Preconditions, "disk_space")
			v := finding.Verdict{}
			v.Sample(free, float64(settings.Least), filepath.Base(settings.Folder))
			v.Warn(
				"folder",
				"the made-up disk is full",
				settings.Folder,
				"Set "+e.Migration.Key("preconditions.disk_space.folder"),
			)
			return v
		},
	}
}

// madeUp evaluates a configuration with the made-up precondition in the catalogue, and returns what the exporter
// serves.
func madeUp(t *testing.T, phase string) (http.Handler, report.Readiness, string) {
	t.Helper()
	catalogue := append(precondition.All(), diskSpace())
	dir := t.TempDir()
	path := filepath.Join(dir, "exporter.yml")
	text := "migrations: [{name: acme, phase: " + phase + ", preconditions: {disk_space: {folder: data, severity: fail}}, " +
		"waivers: [{precondition: disk_space, subject: other, reason: r, expires: 2999-01-01}]}]"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, catalogue.Sections())
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	backups := backup.New(t.Context(), backup.Options{})
	t.Cleanup(backups.Close)
	expositor := exposition.NewExpositor(catalogue)
	board := collector.NewBoard(catalogue, expositor.Render)
	evaluator := collector.NewEvaluator(
		collector.EvaluatorOptions{Board: board, Backups: backups, Logger: logger, Now: time.Now},
	)
	evaluator.EvaluateAll(t.Context(), cfg)
	handler, err := newHandler(handlerOptions{
		catalogue: catalogue, expositor: expositor, board: board, evaluator: evaluator,
		reload: newReloader(
			"",
			config.Default(),
			nil,
			nil,
			logger,
		), logger: logger, now: time.Now, telemetryPath: "/metrics",
	})
	if err != nil {
		t.Fatal(err)
	}
	return handler, report.NewReadiness("1", board.Snapshot(), time.Now()), dir
}

// TestAPreconditionIsOneFile adds a precondition to a catalogue and finds it wherever preconditions are: nothing else
// has to know it.
func TestAPreconditionIsOneFile(t *testing.T) {
	t.Parallel()
	handler, doc, dir := madeUp(t, "prepare")
	get := func(path string) string {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	render := func(write func(io.Writer, report.Readiness) error) string {
		var b bytes.Buffer
		if err := write(&b, doc); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	whole := func(page string) string { return strings.ReplaceAll(page, "<wbr>", "") }
	table := func(w io.Writer, d report.Readiness) error { return report.Table(w, d, report.TableOptions{}) }
	const title, summary = "Room on the made-up disk", "the made-up disk is full"
	for where, tc := range map[string]struct {
		text  string
		words []string
	}{
		"metrics": {get("/metrics"), []string{
			"# HELP magento_migration_disk_free_bytes Free bytes of a folder.\n# TYPE magento_migration_disk_free_bytes gauge\n",
			`magento_migration_disk_free_bytes{migration="acme",folder="data"} 7`,
			`magento_migration_disk_free_bytes{migration="acme",folder="always"} 0`,
			`magento_migration_precondition_status{migration="acme",precondition="disk_space",status="fail"} 1`,
			`magento_migration_waiver_expiry_timestamp_seconds{migration="acme",precondition="disk_space",subject="other"}`,
			`magento_migration_exporter_database_statements_total{precondition="disk_space"} 0`,
		}},
		"probe":     {get("/probe?target=acme"), []string{"magento_migration_disk_free_bytes"}},
		"overview":  {get("/?precondition=disk_space&status=fail"), []string{title, "acme"}},
		"migration": {whole(get("/migrations/acme")), []string{title, summary, dir + "/data", "/docs/preconditions#disk_space", `id="disk_space"`}},
		"JSON API":  {get("/api/v1/readiness"), []string{`"id": "disk_space"`, `"title": "` + title + `"`, summary}},
		"table":     {render(table), []string{"disk_space", summary, "migrations[acme].preconditions.disk_space.folder"}},
		"Markdown":  {render(report.Markdown), []string{title, summary}},
		"HTML":      {render(report.HTML), []string{title, summary}},
		"JSON":      {render(report.JSON), []string{"disk_space"}},
	} {
		for _, word := range tc.words {
			if !strings.Contains(tc.text, word) {
				t.Errorf("%s does not have %q", where, word)
			}
		}
	}
}

func TestAPreconditionAppliesInItsPhases(t *testing.T) {
	t.Parallel()
	_, doc, _ := madeUp(t, "delta")
	last := doc.Migrations[0].Preconditions[len(doc.Migrations[0].Preconditions)-1]
	if last.ID != "disk_space" || last.Status != finding.NotApplicable || !strings.Contains(last.Summary, "delta") {
		t.Errorf("%+v", last)
	}
}

func TestSettingsOfAPreconditionAreValidated(t *testing.T) {
	t.Parallel()
	sections := append(precondition.All(), diskSpace()).Sections()
	for settings, want := range map[string]string{
		"{least: -1}":           ":1:63: least must not be negative",
		"{lesat: 1}":            `:1:56: unknown key "lesat"`,
		"{severity: sometimes}": `:1:66: severity "sometimes"`,
		"{least: much}":         ":1:63: expected a whole number",
	} {
		path := filepath.Join(t.TempDir(), "exporter.yml")
		text := fmt.Sprintf("migrations: [{name: acme, preconditions: {disk_space: %s}}]", settings)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(path, sections); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", settings, err)
		}
	}
}
