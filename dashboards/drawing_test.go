//go:build drawing

package dashboards_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDrawing draws the dashboard of one migration with Grafana's own libraries in Chromium, in the states that matter, and keeps the
// pictures in .cache/dashboards-drawing/. It takes minutes and 500 MB of Node modules, so it is no part of the other
// tests:
//
//	go test ./dashboards -tags drawing -run TestDrawing -v
func TestDrawing(t *testing.T) {
	d := newDrawing(t)
	shops := []*shop{
		{
			Name:    "acme",
			Root:    t.TempDir(),
			Cutover: time.Now().Add(9 * 24 * time.Hour).UTC().Format(time.RFC3339),
			Waived:  unread(),
		},
	}
	for _, r := range regressions() {
		shops = append(shops, &shop{Name: r.shop, Trusted: r.shop != "trust", Waived: unread()})
	}
	s := startStack(t, shops)
	d.prometheus = s.prometheus
	await(t, "every migration to be ready", func() error {
		ready, err := s.query(t.Context(), "job_migration:magento_migration_ready:min_last10m == 1", 0)
		if err == nil && len(ready) < len(shops) {
			err = os.ErrNotExist
		}
		return err
	})
	d.draw(
		t,
		"ready",
		map[string]string{"migration": "cron"},
		"Ready to migrate cron READY",
		"Failing cron 0",
		"cron: cron_stopped pass",
	)
	for _, r := range regressions() {
		if err := r.cause(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	s.awaitNotified(
		t,
		"firing",
		expectation{receiver: "chat", labels: map[string]string{"alertname": "MagentoMigrationBackupTooOld"}},
	)
	d.draw(
		t,
		"blocked",
		map[string]string{"migration": "cron"},
		"Ready to migrate cron NOT READY",
		"Failing cron 1",
		"cron cron_stopped FAIL",
		"NotReady warning cron",
		"cron magento2 RUNS",
	)
	d.draw(
		t,
		"privileges",
		map[string]string{"migration": "privileges"},
		"privileges privileges FAIL",
		"privileges: TRIGGER MISSING -",
		"privileges: magento1 MISSING",
	)
	s.magento2.Kill()
	s.awaitNotified(
		t,
		"firing",
		expectation{
			receiver: "chat",
			labels:   map[string]string{"alertname": "MagentoMigrationDatabaseDown", "migration": "entities"},
		},
	)
	d.draw(
		t,
		"unknown",
		map[string]string{"migration": "entities"},
		"Ready to migrate entities NOT READY",
		"entities network FAIL",
		"entities m2_entities UNKNOWN",
		"entities magento2 DOWN",
	)
	if err := s.magento2.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.stopExporter()
	d.draw(
		t,
		"down",
		map[string]string{"seconds": "60", "ahead": "600"},
		"Ready to migrate UNKNOWN",
		"no data: is the exporter scraped?",
	)
}

// drawing is the page, built, and where its pictures go.
type drawing struct{ dir, prometheus string }

func newDrawing(t *testing.T) *drawing {
	t.Helper()
	dir, err := filepath.Abs("../.cache/dashboards-drawing")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"package.json", "package-lock.json", "index.html", "vite.config.mjs", "main.tsx", "shot.mjs"} {
		write(t, filepath.Join(dir, name), readText(t, "drawing/"+name))
	}
	for _, name := range dashboardFiles() {
		write(t, filepath.Join(dir, name), readFile(t, name))
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err != nil {
		run(t, dir, "npm", "ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund")
	}
	run(t, dir, "npx", "vite", "build", "--logLevel=error")
	return &drawing{dir: dir}
}

// draw keeps a picture, and requires words in what the panels say.
func (d *drawing) draw(t *testing.T, name string, query map[string]string, words ...string) {
	t.Helper()
	args := []string{"shot.mjs", d.prometheus, name + ".png"}
	if query["seconds"] == "" {
		query["seconds"] = "60"
	}
	for key, value := range query {
		args = append(args, key+"="+value)
	}
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Dir = d.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
	for _, word := range words {
		if !strings.Contains(string(out), word) {
			t.Errorf("%s: no panel says %q:\n%s", name, word, out)
		}
	}
	t.Logf("%s", filepath.Join(d.dir, name+".png"))
}
