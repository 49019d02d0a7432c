package dashboards_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"

	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/dashboards"
)

// ruleFile is a file of Prometheus rules.
type ruleFile struct {
	Groups []ruleGroup `yaml:"groups"`
}

type ruleGroup struct {
	Name  string `yaml:"name"`
	Rules []rule `yaml:"rules"`
}

type rule struct {
	Record        string            `yaml:"record,omitempty"`
	Alert         string            `yaml:"alert,omitempty"`
	Expr          string            `yaml:"expr"`
	For           string            `yaml:"for,omitempty"`
	KeepFiringFor string            `yaml:"keep_firing_for,omitempty"`
	Labels        map[string]string `yaml:"labels,omitempty"`
	Annotations   map[string]string `yaml:"annotations,omitempty"`
}

// ruleTest is a file of promtool's rule tests, as far as it is looked at here.
type ruleTest struct {
	Tests []struct {
		AlertRuleTest []struct {
			Alertname string `yaml:"alertname"`
			ExpAlerts []any  `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
	} `yaml:"tests"`
}

func ruleFiles() []string { return []string{"rules/recording.yml", "rules/alerts.yml"} }

func readRules(t *testing.T, names ...string) []rule {
	t.Helper()
	var all []rule
	for _, name := range names {
		var f ruleFile
		readYAML(t, name, &f)
		for _, g := range f.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

// alertNames returns each name once; a name can have a rule for each severity.
func alertNames(t *testing.T) []string {
	t.Helper()
	names := map[string]bool{}
	for _, r := range readRules(t, "rules/alerts.yml") {
		names[r.Alert] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := fs.ReadFile(dashboards.Files(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(readFile(t, name)), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// withRoom is an environment in which promtool and jsonnet spend less time on a few megabytes of garbage that there is room
// for: it is a sixth of promtool's time and a quarter of jsonnet's.
func withRoom() []string { return append(os.Environ(), "GOGC=400") }

// run runs a program that must be there and must succeed.
func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = withRoom()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, &stdout, &stderr)
	}
	return stdout.String()
}

func TestRulesPassTheirTests(t *testing.T) {
	t.Parallel()
	run(t, "", "promtool", append([]string{"check", "rules"}, ruleFiles()...)...)
	for _, name := range ruleTestFiles(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			testRules(t, name, ruleFiles()...)
		})
	}
}

// testRules runs a file of rule tests in two ways, which together take a fraction of the time: each test with the alerts
// that it names and what they need, at every step, and then with all rules at every tenth step, where none may fail to be
// evaluated.
func testRules(t *testing.T, name string, rules ...string) {
	t.Helper()
	file, dir := readSuite(t, name), t.TempDir()
	all, every := rulesIn(t, rules), filepath.Join(dir, "every.yml")
	writeJSON(t, every, withoutTexts(all))
	suites := eachTestAlone(t, dir, file, all)
	step, err := model.ParseDuration(file["evaluation_interval"].(string))
	if err != nil {
		t.Fatal(err)
	}
	var evaluated []any
	for _, test := range file["tests"].([]any) {
		evaluated = append(evaluated, evaluatedOnly(t, test.(map[string]any)))
	}
	file["rule_files"], file["tests"], file["evaluation_interval"] = []string{every}, evaluated, (10 * step).String()
	path := filepath.Join(dir, "every_test.yml")
	writeJSON(t, path, file) // which is valid YAML
	run(t, "", "promtool", append([]string{"test", "rules", path}, suites...)...)
}

func readSuite(t *testing.T, name string) map[string]any {
	t.Helper()
	var file map[string]any
	if err := yaml.Unmarshal([]byte(readText(t, name)), &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// eachTestAlone writes a file for each test of a file, which loads the rules that the test needs, and returns their names.
func eachTestAlone(t *testing.T, dir string, file map[string]any, all []map[string]any) (names []string) {
	t.Helper()
	for i, test := range file["tests"].([]any) {
		few := filepath.Join(dir, fmt.Sprintf("rules-%d.yml", i))
		writeJSON(t, few, map[string]any{"groups": needed(all, asJSON(t, test))})
		suite := maps.Clone(file)
		suite["rule_files"], suite["tests"] = []string{few}, []any{test}
		name := filepath.Join(dir, fmt.Sprintf("%d_test.yml", i))
		writeJSON(t, name, suite)
		names = append(names, name)
	}
	return names
}

// rulesIn returns the groups of rules of some files, in their order.
func rulesIn(t *testing.T, files []string) (groups []map[string]any) {
	t.Helper()
	for _, name := range files {
		var file struct {
			Groups []map[string]any `yaml:"groups"`
		}
		if err := yaml.Unmarshal([]byte(readText(t, name)), &file); err != nil {
			t.Fatal(err)
		}
		groups = append(groups, file.Groups...)
	}
	return groups
}

// needed returns the alerts and recording rules whose names are in a text, and in the rules that it needs.
func needed(groups []map[string]any, text string) (kept []map[string]any) {
	isNeeded := map[string]bool{}
	for more := true; more; {
		more = false
		for _, r := range rulesOf(groups) {
			name := nameOf(r)
			if !isNeeded[name] && strings.Contains(text, name) {
				isNeeded[name], more = true, true
			}
		}
		for _, r := range rulesOf(groups) {
			if isNeeded[nameOf(r)] {
				text += fmt.Sprint(r["expr"], r["annotations"])
			}
		}
	}
	for _, group := range groups {
		group = maps.Clone(group)
		group["rules"] = slices.DeleteFunc(slices.Clone(group["rules"].([]any)), func(r any) bool {
			return !isNeeded[nameOf(r.(map[string]any))]
		})
		kept = append(kept, group)
	}
	return kept
}

func rulesOf(groups []map[string]any) (all []map[string]any) {
	for _, group := range groups {
		for _, r := range group["rules"].([]any) {
			all = append(all, r.(map[string]any))
		}
	}
	return all
}

func nameOf(rule map[string]any) string {
	if alert, ok := rule["alert"].(string); ok {
		return alert
	}
	return rule["record"].(string)
}

// withoutTexts leaves out what people read, which is a large part of what promtool loads and cannot make an evaluation
// fail: where it is wrong, an alert has an error for a text.
func withoutTexts(groups []map[string]any) map[string]any {
	var short []map[string]any
	for _, group := range groups {
		var rules []any
		for _, r := range rulesOf([]map[string]any{group}) {
			r = maps.Clone(r)
			delete(r, "annotations")
			rules = append(rules, r)
		}
		group = maps.Clone(group)
		group["rules"] = rules
		short = append(short, group)
	}
	return map[string]any{"groups": short}
}

// evaluatedOnly returns a rule test that lasts as long as another one and expects nothing of the rules but that each can
// be evaluated.
func evaluatedOnly(t *testing.T, test map[string]any) map[string]any {
	t.Helper()
	var last model.Duration
	for _, list := range []string{"alert_rule_test", "promql_expr_test"} {
		expected, _ := test[list].([]any)
		for _, e := range expected {
			at, err := model.ParseDuration(e.(map[string]any)["eval_time"].(string))
			if err != nil {
				t.Fatal(err)
			}
			last = max(last, at)
		}
	}
	return map[string]any{
		"interval": test["interval"], "input_series": test["input_series"],
		"promql_expr_test": []any{map[string]any{
			"expr": "vector(1)", "eval_time": last.String(),
			"exp_samples": []any{map[string]any{"labels": "{}", "value": 1}},
		}},
	}
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeJSON(t *testing.T, path string, value any) {
	t.Helper()
	write(t, path, asJSON(t, value))
}

func ruleTestFiles(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("rules/tests/*.yml")
	if err != nil || len(names) == 0 {
		t.Fatal("there are no rule tests", err)
	}
	return names
}

func withoutComments(text string) string {
	return regexp.MustCompile(`(?m)^\s*#.*$`).ReplaceAllString(text, "")
}

// Each alert is shown to fire, to be quiet in a case of its own, and to end.
func TestEachAlertIsTested(t *testing.T) {
	t.Parallel()
	fires, quiet, resolves := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, name := range ruleTestFiles(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var f ruleTest
		if err := yaml.Unmarshal(text, &f); err != nil {
			t.Fatal(err)
		}
		for _, test := range f.Tests {
			fired := map[string]bool{}
			for _, a := range test.AlertRuleTest {
				if len(a.ExpAlerts) > 0 {
					fires[a.Alertname], fired[a.Alertname] = true, true
				} else if fired[a.Alertname] {
					resolves[a.Alertname] = true
				}
			}
			for _, a := range test.AlertRuleTest {
				if !fired[a.Alertname] {
					quiet[a.Alertname] = true
				}
			}
		}
	}
	for _, name := range alertNames(t) {
		for what, seen := range map[string]map[string]bool{"fire": fires, "stay quiet": quiet, "resolve": resolves} {
			if !seen[name] {
				t.Errorf("no rule test shows %s to %s", name, what)
			}
		}
	}
}

func TestAlertsHaveWhatAPersonNeeds(t *testing.T) {
	t.Parallel()
	headings := runbookHeadings(t)
	component := regexp.MustCompile(`^[a-z]+$`)
	for _, r := range readRules(t, "rules/alerts.yml") {
		if !strings.HasPrefix(r.Alert, "MagentoMigration") {
			t.Errorf("%s: the name does not begin with MagentoMigration", r.Alert)
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s: severity is %q", r.Alert, r.Labels["severity"])
		}
		if !component.MatchString(r.Labels["component"]) {
			t.Errorf("%s: component is %q", r.Alert, r.Labels["component"])
		}
		if s := r.Annotations["summary"]; s == "" || strings.Contains(s, "{{") || len(s) > 90 {
			t.Errorf("%s: the summary has to be one short sentence without values: %q", r.Alert, s)
		}
		if !strings.Contains(r.Annotations["description"], "$labels") {
			t.Errorf("%s: the description does not say what it is about", r.Alert)
		}
		want := dashboards.ExporterURL + "/docs/alerts#" + r.Alert
		if r.Labels["component"] == "exporter" { // it may be down
			want = dashboards.DocsURL + "/alerts#" + r.Alert
		}
		if r.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url is %q, want %q", r.Alert, r.Annotations["runbook_url"], want)
		}
		if got := r.Annotations["dashboard_url"]; !strings.HasPrefix(got, dashboards.GrafanaURL+"/d/"+dashboardUID(t)) {
			t.Errorf("%s: dashboard_url is %q", r.Alert, got)
		}
		if !headings[r.Alert] {
			t.Errorf("%s: docs/alerts.md has no heading of that id", r.Alert)
		}
	}
	for _, name := range alertNames(t) {
		delete(headings, name)
	}
	for id := range headings {
		if strings.HasPrefix(id, "MagentoMigration") {
			t.Errorf("docs/alerts.md explains %s, which is no alert", id)
		}
	}
}

// dashboardUID is the last part of the dashboard's address.
func dashboardUID(t *testing.T) string {
	t.Helper()
	var d struct {
		UID string `json:"uid"`
	}
	if err := json.Unmarshal([]byte(readFile(t, "readiness.json")), &d); err != nil {
		t.Fatal(err)
	}
	return d.UID
}

// runbookHeadings returns the ids of the headings whose sections have all four parts, in the page that the exporter
// serves.
func runbookHeadings(t *testing.T) map[string]bool {
	t.Helper()
	page, err := os.ReadFile("../docs/html/alerts.html")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for section := range strings.SplitSeq(string(page), "<h2 ") {
		id := regexp.MustCompile(`^id="([^"]+)"`).FindStringSubmatch(section)
		if id == nil {
			continue
		}
		ids[id[1]] = true
		for _, part := range []string{"Meaning", "Impact", "Diagnosis", "Mitigation"} {
			if !strings.Contains(section, "<strong>"+part+".</strong>") {
				t.Errorf("docs/alerts.md: %s has no %s", id[1], part)
			}
		}
	}
	return ids
}

func TestAlertmanagerRoutes(t *testing.T) {
	t.Parallel()
	run(t, "", "amtool", "check-config", "alertmanager.yml")
	for _, r := range readRules(t, "rules/alerts.yml") {
		want := "chat"
		if r.Labels["severity"] == "critical" {
			want = "pager,chat"
		}
		got := strings.TrimSpace(run(t, "", "amtool", "config", "routes", "test", "--config.file=alertmanager.yml",
			"alertname="+r.Alert, "severity="+r.Labels["severity"], "job=magento_migration", "migration=acme"))
		if got != want {
			t.Errorf("%s (%s) goes to %q, want %q", r.Alert, r.Labels["severity"], got, want)
		}
	}
	if got := strings.TrimSpace(run(t, "", "amtool", "config", "routes", "test", "--config.file=alertmanager.yml", "alertname=SomethingElse", "severity=critical")); got != "chat" {
		t.Errorf("an alert of somebody else goes to %q, want chat", got)
	}
}

// inhibitRule is a rule of Alertmanager.
type inhibitRule struct {
	Source []string `yaml:"source_matchers"`
	Target []string `yaml:"target_matchers"`
	Equal  []string `yaml:"equal"`
}

// ofSameName reports whether a page holds back a warning of its own name.
func (r inhibitRule) ofSameName() bool {
	return slices.Contains(r.Source, `severity="critical"`) && slices.Contains(r.Target, `severity="warning"`) &&
		slices.Contains(r.Equal, "alertname")
}

func inhibitRules(t *testing.T) []inhibitRule {
	t.Helper()
	var f struct {
		InhibitRules []inhibitRule `yaml:"inhibit_rules"`
	}
	readYAML(t, "alertmanager.yml", &f)
	if len(f.InhibitRules) == 0 {
		t.Fatal("no inhibit_rules")
	}
	return f.InhibitRules
}

// TestPagesHoldBackTheirWarnings looks for every alert that has both severities in a rule for alerts of the same name.
func TestPagesHoldBackTheirWarnings(t *testing.T) {
	t.Parallel()
	severities := map[string][]string{}
	for _, r := range readRules(t, "rules/alerts.yml") {
		severities[r.Alert] = append(severities[r.Alert], r.Labels["severity"])
	}
	both := 0
	for alert, s := range severities {
		if !slices.Contains(s, "critical") || !slices.Contains(s, "warning") {
			continue
		}
		both++
		covers := func(matcher string) bool {
			names, ok := strings.CutPrefix(matcher, "alertname=~")
			return ok && regexp.MustCompile("^("+strings.Trim(names, `"`)+")$").MatchString(alert)
		}
		if !slices.ContainsFunc(inhibitRules(t), func(r inhibitRule) bool {
			return r.ofSameName() && slices.ContainsFunc(r.Source, covers) && slices.ContainsFunc(r.Target, covers)
		}) {
			t.Errorf("the page %s does not hold back its warning", alert)
		}
	}
	if both == 0 {
		t.Error("no alert has both severities")
	}
}

// TestOutagesHoldBackWhatNeedsTheDatabase looks for every precondition that needs a database in the rule for the one that
// is down. Only network fails then; the others are unknown.
func TestOutagesHoldBackWhatNeedsTheDatabase(t *testing.T) {
	t.Parallel()
	for system, need := range map[string]precondition.Need{
		"magento1": precondition.Magento1Database, "magento2": precondition.Magento2Database,
	} {
		list := ""
		for _, r := range inhibitRules(t) {
			if slices.Contains(r.Source, `system="`+system+`"`) {
				list = strings.Join(r.Target, " ")
			}
		}
		_, list, _ = strings.Cut(list, `precondition=~"`)
		held := strings.Split(strings.TrimSuffix(list, `"`), "|")
		for _, p := range precondition.All() {
			if p.ID != "network" && slices.Contains(p.Needs, need) && !slices.Contains(held, p.ID) {
				t.Errorf("%s of %s is down: %s is not held back", need, system, p.ID)
			}
		}
	}
}

// A database that is down holds back what follows from it: what is unknown, and that the migration is not ready. A page
// holds back the warning of the same name. A failure of anything else is never held back.
func TestInhibitionHidesNoFailure(t *testing.T) {
	t.Parallel()
	rules := inhibitRules(t)
	follows := []string{
		`alertname="MagentoMigrationPreconditionUnknown"`,
		`alertname="MagentoMigrationNotReady"`,
		`alertname=~"MagentoMigrationNotReady|MagentoMigrationReadinessLost"`,
		`precondition="network"`,
	}
	for _, r := range rules {
		if !r.ofSameName() && !slices.ContainsFunc(r.Target, func(m string) bool { return slices.Contains(follows, m) }) {
			t.Errorf("%v holds back %v", r.Source, r.Target)
		}
		if slices.Contains(r.Target, `alertname="MagentoMigrationNotReady"`) &&
			!slices.Contains(r.Source, `severity="critical"`) {
			t.Errorf("%v holds back a page: %v", r.Source, r.Target)
		}
		if !slices.Contains(r.Equal, "job") || !slices.Contains(r.Equal, "migration") {
			t.Errorf("%v holds back %v of other migrations: equal is %v", r.Source, r.Target, r.Equal)
		}
	}
}
