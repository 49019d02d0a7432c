package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmeConfigurations checks that the exporter takes the configurations that the README shows.
func TestReadmeConfigurations(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readme(t), -1) {
		if !strings.Contains(m[1], "migrations:") {
			continue
		}
		checked++
		file := filepath.Join(t.TempDir(), "exporter.yml")
		if err := os.WriteFile(file, []byte(m[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		check := exec.CommandContext(t.Context(), exporterBinary, "--config.file="+file, "--config.check")
		output, err := check.CombinedOutput()
		if err != nil {
			t.Errorf("%v: %s", err, output)
		}
	}
	if checked != 2 {
		t.Errorf("%d configurations, want the smallest and the whole one", checked)
	}
}

// TestReadmeFlags checks that the README lists the flags that the exporter has.
func TestReadmeFlags(t *testing.T) {
	t.Parallel()
	help, err := exec.CommandContext(t.Context(), exporterBinary, "--help-long").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, help)
	}
	flag := regexp.MustCompile(`--(?:\[no-\])?([a-z.-]+[a-z])`)
	_, section, _ := strings.Cut(readme(t), "\n## Command line\n")
	section, _, _ = strings.Cut(section, "\n## ")
	listed := map[string]bool{}
	for _, m := range flag.FindAllStringSubmatch(section, -1) {
		listed[m[1]] = true
	}
	// These are for a reader of --help.
	had := map[string]bool{"help-long": true, "help-man": true}
	for _, m := range flag.FindAllStringSubmatch(string(help), -1) {
		if !listed[m[1]] && !had[m[1]] {
			t.Errorf("the README does not list --%s", m[1])
		}
		had[m[1]] = true
	}
	for name := range listed {
		if !had[name] {
			t.Errorf("the exporter has no --%s", name)
		}
	}
}

// assertReadmeMetrics checks that the README's table has every metric that the exporter serves.
func assertReadmeMetrics(t *testing.T, exporter string) {
	t.Helper()
	var metrics bytes.Buffer
	if err := get(t.Context(), "http://"+exporter+"/metrics", &metrics); err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(readme(t), "\n## Metrics\n")
	section, _, _ = strings.Cut(section, "\n## ")
	names := regexp.MustCompile(`(?m)^# TYPE magento_migration_(\S+) `).FindAllStringSubmatch(metrics.String(), -1)
	if len(names) < 20 {
		t.Errorf("the exporter serves only %d metrics of its own", len(names))
	}
	for _, m := range names {
		if !strings.Contains(section, "`"+m[1]+"`") {
			t.Errorf("the README does not list %s", m[1])
		}
	}
}
