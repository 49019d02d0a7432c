package dashboards_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"magento_migration_exporter/dashboards"
)

// renderMixin writes what the mixin makes of these settings into a folder, and returns it with what jsonnet printed.
func renderMixin(t *testing.T, settings map[string]string) (dir, complaints string) {
	t.Helper()
	dir = t.TempDir()
	args := []string{"-S", "-c", "-m", dir, "mixin/files.jsonnet"}
	for name, value := range settings {
		args = append(args, "--tla-str", name+"="+value)
	}
	cmd := exec.CommandContext(t.Context(), jsonnet(t, "jsonnet"), args...)
	cmd.Env = withRoom()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); (err == nil) != (stderr.Len() == 0) {
		t.Fatalf("jsonnet: %v\n%s", err, &stderr)
	}
	return dir, stderr.String()
}

// mixinFiles are the files that the mixin renders.
func mixinFiles() []string { return append(ruleFiles(), dashboardFiles()...) }

// decode reads a file of rules or a dashboard, whichever it is.
func decode(t *testing.T, name, text string) any {
	t.Helper()
	var value any
	var err error
	if strings.HasSuffix(name, ".json") {
		err = json.Unmarshal([]byte(text), &value)
	} else {
		err = yaml.Unmarshal([]byte(text), &value)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return value
}

// TestMixinRendersWhatIsShipped compares every byte of what the mixin renders by itself.
func TestMixinRendersWhatIsShipped(t *testing.T) {
	t.Parallel()
	dir, complaints := renderMixin(t, nil)
	if complaints != "" {
		t.Fatal(complaints)
	}
	for _, name := range mixinFiles() {
		if readText(t, filepath.Join(dir, name)) != readFile(t, name) {
			t.Errorf("the mixin renders another %s", name)
		}
	}
	if rendered := filesBelow(t, dir); len(rendered) != len(mixinFiles()) {
		t.Errorf("the mixin renders %v, want %v", rendered, mixinFiles())
	}
	sources, err := filepath.Glob("mixin/*sonnet")
	if err != nil || len(sources) == 0 {
		t.Fatal("the mixin has no sources", err)
	}
	run(t, "", jsonnet(t, "jsonnetfmt"), append([]string{"--test"}, sources...)...)
}

func filesBelow(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// With another selector and other URLs the rules and the dashboards are those that are shipped but for these settings, the
// rules work as before, and nothing names the old ones.
func TestRulesWorkUnderAnotherJob(t *testing.T) {
	t.Parallel()
	const job = "shop_migrations"
	settings := map[string]string{
		"selector":    `job="` + job + `"`,
		"exporterURL": "https://exporter.example.com/m/",
		"runbookURL":  "https://runbooks.example.com",
		"grafanaURL":  "https://grafana.example.com",
	}
	dir, complaints := renderMixin(t, settings)
	if complaints != "" {
		t.Fatal(complaints)
	}
	configured := strings.NewReplacer(
		dashboards.Job+`"`, job+`"`,
		"job: "+dashboards.Job, "job: "+job,
		"job "+dashboards.Job, "job "+job,
		dashboards.ExporterURL, "https://exporter.example.com/m",
		dashboards.DocsURL, "https://runbooks.example.com",
		dashboards.GrafanaURL, "https://grafana.example.com",
	)
	for _, name := range mixinFiles() {
		text := readText(t, filepath.Join(dir, name))
		for _, old := range []string{
			`job="` + dashboards.Job, dashboards.ExporterURL, dashboards.GrafanaURL, dashboards.DocsURL,
		} {
			if strings.Contains(text, old) {
				t.Errorf("%s still names %s", name, old)
			}
		}
		if want := decode(t, name, configured.Replace(readFile(t, name))); !reflect.DeepEqual(decode(t, name, text), want) {
			t.Errorf("%s differs from the shipped one in more than the settings", name)
		}
	}
	rules := rulesIn(t, []string{filepath.Join(dir, "rules/recording.yml"), filepath.Join(dir, "rules/alerts.yml")})
	// They have the same expressions as the shipped ones, of which all tests are run.
	file := filepath.Join(dir, "exporter_test.yml")
	write(t, file, configured.Replace(readText(t, "rules/tests/exporter_test.yml")))
	suites := eachTestAlone(t, t.TempDir(), readSuite(t, file), rules)
	run(t, "", "promtool", append([]string{"test", "rules"}, suites...)...)
}

// Every selector of a series in the rules becomes the configured one; an alert on what is missing has it, too.
func TestMixinSelector(t *testing.T) {
	t.Parallel()
	const selector = `job=~"east|west",cluster="shops, \"all\""`
	dir, complaints := renderMixin(t, map[string]string{"selector": selector})
	if complaints != "" {
		t.Fatal(complaints)
	}
	var rules []string
	for _, name := range ruleFiles() {
		rules = append(rules, filepath.Join(dir, name))
		before := strings.Count(withoutComments(readFile(t, name)), `job="`+dashboards.Job+`"`)
		var file ruleFile
		if err := yaml.Unmarshal([]byte(readText(t, filepath.Join(dir, name))), &file); err != nil {
			t.Fatal(err)
		}
		after := 0
		for _, group := range file.Groups {
			for _, r := range group.Rules {
				after += strings.Count(r.Expr, selector)
			}
		}
		if after < before || before == 0 {
			t.Errorf("%s: %d selectors were configured, want at least %d", name, after, before)
		}
	}
	run(t, "", "promtool", append([]string{"check", "rules"}, rules...)...)
}

// TestMixinQuotesSettings has a URL that the text of a file cannot hold as it is.
func TestMixinQuotesSettings(t *testing.T) {
	t.Parallel()
	const grafana = `https://grafana.example.com/?from="a": b #c`
	dir, complaints := renderMixin(t, map[string]string{"grafanaURL": grafana})
	if complaints != "" {
		t.Fatal(complaints)
	}
	for _, name := range mixinFiles() {
		want := strings.ReplaceAll(readFile(t, name), dashboards.GrafanaURL, "GRAFANA")
		value, err := json.Marshal(decode(t, name, want))
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(decode(t, name, readText(t, filepath.Join(dir, name))))
		if err != nil {
			t.Fatal(err)
		}
		quoted, _ := json.Marshal(grafana)
		inside := strings.Trim(string(quoted), `"`)
		if string(got) != strings.ReplaceAll(string(value), "GRAFANA", inside) {
			t.Errorf("%s has other values than its source with %s", name, grafana)
		}
	}
}

// TestMixinSelectsNothing has a selector refused that cannot match a target, and an alert on one that matches none.
func TestMixinSelectsNothing(t *testing.T) {
	t.Parallel()
	for selector, words := range map[string]string{
		"":                      "it is empty",
		`job`:                   "in the middle",
		`job="x`:                "in the middle",
		`job=x`:                 "needs double quotes",
		`job=="x"`:              "no operator ==",
		`job="x" instance="y"`:  "a comma",
		`{job="x"}`:             "begins with the name",
		`job=""`:                "every series has the label job",
		`job="a",job="b"`:       "two values",
		`job="a",migration="x"`: "no label migration",
	} {
		cmd := exec.CommandContext(t.Context(), jsonnet(t, "jsonnet"), "--tla-str", "selector="+selector,
			"-e", `function(selector) (import "mixin/selector.libsonnet").check(selector)`)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), words) {
			t.Errorf("selector %q: jsonnet says %q, want %q (%v)", selector, out, words, err)
		}
	}
	if _, got := renderMixin(t, map[string]string{"selector": `job=""`}); !strings.Contains(got, "matches nothing") {
		t.Errorf("the mixin accepts a selector that matches nothing: %q", got)
	}
	if _, got := renderMixin(t, map[string]string{"exporterURL": "exporter:10102"}); !strings.Contains(got, "http://") {
		t.Errorf("an exporterURL without http:// is accepted: %q", got)
	}
	dir, _ := renderMixin(t, map[string]string{"selector": `job="nobody"`})
	write(t, filepath.Join(dir, "test.yml"), `rule_files: [rules/recording.yml, rules/alerts.yml]
tests:
  - interval: 1m
    input_series: [{series: 'up{job="magento_migration",instance="a"}', values: 1x10}]
    promql_expr_test:
      - {expr: 'count(ALERTS{alertname="MagentoMigrationExporterDown",job="nobody"})', eval_time: 6m,
         exp_samples: [{labels: '{}', value: 1}]}
`)
	run(t, dir, "promtool", "test", "rules", "test.yml")
}
