package dashboards_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mistakes are what people make in a dashboard, each of which Grafana's types have to find.
func mistakes() map[string][2]string {
	return map[string][2]string{
		"unknown panel type":     {`"type": "bargauge"`, `"type": "barguage"`},
		"misspelt unit":          {`"unit": "none"`, `"units": "none"`},
		"misspelt expression":    {`"expr": "`, `"exprr": "`},
		"unknown mapping":        {`"type": "value"`, `"type": "values"`},
		"unknown colour mode":    {`"colorMode": "background"`, `"colorMode": "backdrop"`},
		"unknown threshold mode": {`"mode": "absolute"`, `"mode": "absolut"`},
		"unknown option":         {`"graphMode": "none"`, `"graphMode": "none", "sparkline": true`},
		"unknown grid key":       {`"gridPos": {`, `"gridPos": { "z": 1,`},
		"unknown key at the top": {`"tags": [`, `"label": "x", "tags": [`},
		"unknown draw style":     {`"drawStyle": "line"`, `"drawStyle": "lines"`},
	}
}

// TestDashboardHasGrafanasTypes writes the dashboards, and one with each mistake, into TypeScript constants and has the
// compiler judge them.
func TestDashboardHasGrafanasTypes(t *testing.T) {
	t.Parallel()
	sources := map[string]string{}
	for _, name := range dashboardFiles() {
		sources[strings.TrimSuffix(name, ".json")] = readFile(t, name)
	}
	shipped := slices.Collect(maps.Keys(sources))
	text := oneOfEach(t, sources["readiness"])
	for name, change := range mistakes() {
		if !strings.Contains(text, change[0]) {
			t.Errorf("the dashboard has no %s any more", change[0])
		}
		sources[strings.ReplaceAll(name, " ", "_")] = strings.Replace(text, change[0], change[1], 1)
	}
	for name, text := range sources {
		sources[name] = "import type { MigrationDashboard } from './types';\nexport const dashboard: MigrationDashboard = " + text
	}
	errs := compileAll(t, sources)
	for _, name := range shipped {
		for _, e := range errs[name] {
			t.Error(e)
		}
	}
	for name := range sources {
		if !slices.Contains(shipped, name) && len(errs[name]) == 0 {
			t.Errorf("the types do not find the mistake %q", name)
		}
	}
}

// oneOfEach keeps the first panel of each type, so that the compiler has less to read.
func oneOfEach(t *testing.T, text string) string {
	t.Helper()
	var whole map[string]any
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		t.Fatal(err)
	}
	seen := map[any]bool{"row": true}
	var kept []any
	for _, p := range whole["panels"].([]any) {
		if kind := p.(map[string]any)["type"]; !seen[kind] {
			seen[kind] = true
			kept = append(kept, p)
		}
	}
	whole["panels"] = kept
	small, err := json.MarshalIndent(whole, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(small)
}

// compileAll compiles sources by name, beside schema/types.ts, and returns the compiler's errors by name.
func compileAll(t *testing.T, sources map[string]string) map[string][]string {
	t.Helper()
	modules := schema(t)
	// The compiler looks for modules in the folders above its sources.
	dir, err := os.MkdirTemp(filepath.Dir(modules), "check-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	write(t, filepath.Join(dir, "types.ts"), readText(t, "schema/types.ts"))
	args := []string{
		// To optimise what runs for a second costs more than it brings.
		"--no-opt",
		filepath.Join(modules, "typescript", "lib", "tsc.js"),
		"--noEmit",
		"--strict",
		"--skipLibCheck",
		"--pretty",
		"false",
		"--moduleResolution",
		"bundler",
		"--module",
		"esnext",
		"--target",
		"es2022",
		// No type here is of a browser's, which are four fifths of the library.
		"--lib",
		"es2022",
	}
	for name, text := range sources {
		write(t, filepath.Join(dir, name+".ts"), text)
		args = append(args, name+".ts")
	}
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	errs := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^(\w+)\.ts\(.*$`).FindAllStringSubmatch(string(out), -1) {
		errs[m[1]] = append(errs[m[1]], m[0])
	}
	if len(errs["types"]) > 0 || err != nil && len(errs) == 0 {
		t.Fatalf("tsc: %v\n%s", err, out)
	}
	return errs
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
