package dashboards_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// mistakes are what people make in a dashboard, each of which Grafana's types have to find.
func mistakes() map[string][2]string {
	return map[string][2]string{
		"unknown panel type":     {`"type": "bargauge"`, `"type": "barguage"`},
		"misspelt unit":          {`"unit": "s"`, `"units": "s"`},
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

// TestDashboardHasGrafanasTypes writes the dashboard, and one with each mistake, into TypeScript constants and has the compiler judge them.
func TestDashboardHasGrafanasTypes(t *testing.T) {
	t.Parallel()
	modules := installSchema(t)
	dir, err := os.MkdirTemp(filepath.Dir(modules), "check-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	types, err := os.ReadFile("schema/types.ts")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{"readiness": readFile(t, "readiness.json")}
	text := oneOfEach(t, sources["readiness"])
	for name, change := range mistakes() {
		if !strings.Contains(text, change[0]) {
			t.Errorf("the dashboard has no %s any more", change[0])
		}
		sources[strings.ReplaceAll(name, " ", "_")] = strings.Replace(text, change[0], change[1], 1)
	}
	write(t, filepath.Join(dir, "types.ts"), string(types))
	args := []string{"--noEmit", "--strict", "--skipLibCheck", "--pretty", "false", "--moduleResolution", "bundler", "--module", "esnext", "--target", "es2022"}
	for name, text := range sources {
		write(t, filepath.Join(dir, name+".ts"), "import type { ReadinessDashboard } from './types';\nexport const dashboard: ReadinessDashboard = "+text)
		args = append(args, name+".ts")
	}
	errs := compile(t, dir, filepath.Join(modules, ".bin", "tsc"), args)
	for _, e := range errs["readiness"] {
		t.Error(e)
	}
	for name := range sources {
		if name != "readiness" && len(errs[name]) == 0 {
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

// compile returns the compiler's errors by the file without .ts.
func compile(t *testing.T, dir, compiler string, args []string) map[string][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), compiler, args...)
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
	if len(errs["types"]) > 0 {
		t.Fatalf("schema/types.ts: %s", strings.Join(errs["types"], "\n"))
	}
	return errs
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// installSchema installs what schema/package-lock.json pins under .cache/ at the project's root, once, and returns the folder of modules.
func installSchema(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../.cache/grafana-schema")
	if err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(dir, "node_modules")
	want, err := os.ReadFile("schema/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	installed, _ := os.ReadFile(filepath.Join(modules, "installed-lock.json"))
	if bytes.Equal(want, installed) {
		return modules
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join("schema", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(text))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	write(t, filepath.Join(modules, "installed-lock.json"), string(want))
	return modules
}
