package dashboards_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
)

// afterMigration finds families that exist only once the whole of a shop was migrated, or the tool itself was run.
var afterMigration = regexp.MustCompile(`_tool_last_run_|_run_estimated_seconds|_reconciliation_|_grid_|_increment_id_|_index|_m1_orders_after|_m2_first_order`)

// testPanels runs every query of the dashboards, as Grafana would send it, while something is wrong.
func (s *stack) testPanels(t *testing.T) {
	eachDashboard(t, func(t *testing.T, d *dashboard) {
		for _, p := range d.drawn() {
			for _, q := range p.Targets {
				s.testQuery(t, p.Title, q)
			}
		}
		for _, a := range d.Annotations.List {
			if a.Expr == "" {
				continue
			}
			result, err := s.query(t.Context(), withVariables(a.Expr), 20*time.Second)
			if err != nil {
				t.Errorf("annotation %q: %v", a.Name, err)
			}
			if len(result) == 0 && a.always() {
				t.Errorf("annotation %q: nothing: %s", a.Name, a.Expr)
			}
			checkLegend(t, a.Name, a.TitleFormat, result)
		}
	})
}

// withVariables replaces the dashboards' variables as Grafana does when all is chosen.
func withVariables(expr string) string {
	return strings.NewReplacer(
		"$job", ".+", "$instance", ".+", "$migration", ".+", "$__rate_interval", "10s", "$__interval", "1s",
	).Replace(expr)
}

// testQuery requires an answer with the labels that the legend names.
func (s *stack) testQuery(t *testing.T, title string, q target) {
	t.Helper()
	window := 20 * time.Second
	if q.Instant {
		window = 0
	}
	result, err := s.query(t.Context(), withVariables(q.Expr), window)
	if err != nil {
		t.Errorf("%q: %v", title, err)
		return
	}
	if len(result) == 0 && afterMigration.MatchString(q.Expr) {
		return // no shop of the stack is past the cutover; testNames checks these names and labels
	}
	if len(result) == 0 {
		result = s.awaitResult(t, fmt.Sprintf("%q, query %s", title, q.RefID), withVariables(q.Expr), window)
	}
	checkLegend(t, title, q.LegendFormat, result)
}

func checkLegend(t *testing.T, title, format string, result []series) {
	t.Helper()
	for _, label := range legendLabels(format) {
		if len(result) > 0 && result[0].Metric[label] == "" {
			t.Errorf("%q: the legend names %s, which the result does not have: %v", title, label, result[0].Metric)
		}
	}
}

// awaitResult waits for values that are there after a cycle of the delta, or after the next scrape: one that took too
// long leaves none.
func (s *stack) awaitResult(t *testing.T, what, expr string, window time.Duration) (result []series) {
	t.Helper()
	await(t, what, func() (err error) {
		if result, err = s.query(t.Context(), expr, window); err == nil && len(result) == 0 {
			err = fmt.Errorf("nothing: %s", expr)
		}
		return err
	})
	return result
}

func legendLabels(format string) []string {
	var labels []string
	for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(format, -1) {
		labels = append(labels, m[1])
	}
	return labels
}

// exportedFamilies returns the labels of each family: those of the migrations as they are declared, those of the
// exporter from a scrape.
func (s *stack) exportedFamilies(t *testing.T) map[string][]string {
	t.Helper()
	families := map[string][]string{}
	for _, f := range exposition.Families(precondition.All()) {
		families[f.FullName()] = append([]string{"migration"}, f.Labels...)
	}
	text, err := get(t.Context(), "http://"+s.exporter+"/metrics?scope=exporter")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^([a-z]\w*)(?:\{(.*)\})? \S+$`).FindAllStringSubmatch(string(text), -1) {
		families[m[1]] = nil
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(m[2], -1) {
			families[m[1]] = append(families[m[1]], label[1])
		}
	}
	return families
}

// leftOut are labels that nobody has to see.
func leftOut() []string {
	return []string{
		"magento_migration_precondition_evaluations_total precondition", // a migration's preconditions are evaluated together
		"magento_migration_exporter_build_info branch",                  // the version says it all
		"magento_migration_exporter_build_info goarch",
		"magento_migration_exporter_build_info goos",
		"magento_migration_exporter_build_info goversion",
		"magento_migration_exporter_build_info revision",
		"magento_migration_exporter_build_info tags",
	}
}

// testNames compares what the dashboards and the rules name with what the exporter exports, both ways.
func (s *stack) testNames(t *testing.T) {
	families := s.exportedFamilies(t)
	own := []string{"job", "instance"}
	families["up"], families["ALERTS"] = nil, []string{
		"alertname",
		"alertstate",
		"severity",
		"precondition",
		"system",
		"migration",
	}
	families["magento_migration_exporter_tls_certificate_expiry_timestamp_seconds"] = nil // only with TLS
	records := map[string]bool{}
	for _, r := range readRules(t, ruleFiles()...) {
		records[r.Record] = true
	}
	shown, shownLabels := map[string]bool{}, map[string]map[string]bool{}
	for where, expr := range s.expressions(t) {
		e := parseExpression(expr)
		known := slices.Clone(own)
		for _, sel := range e.selectors {
			if records[sel.metric] {
				known = append(known, strings.Split(strings.SplitN(sel.metric, ":", 2)[0], "_")...)
				continue
			}
			labels, ok := families[sel.metric]
			if !ok {
				t.Errorf("%s names %s, which nobody exports", where, sel.metric)
			}
			known = append(known, labels...)
			shown[sel.metric] = true
			if shownLabels[sel.metric] == nil {
				shownLabels[sel.metric] = map[string]bool{}
			}
			for _, label := range append(e.labels, sel.labels...) {
				shownLabels[sel.metric][label] = true
			}
			for _, label := range sel.labels {
				if !slices.Contains(labels, label) && !slices.Contains(own, label) {
					t.Errorf("%s: %s has no label %s", where, sel.metric, label)
				}
			}
		}
		for _, label := range e.labels {
			if !slices.Contains(known, label) {
				t.Errorf("%s groups by %s, which none of its metrics has", where, label)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if !strings.HasPrefix(name, finding.Namespace) {
			continue
		}
		if !shown[name] {
			t.Errorf("%s is exported and shown nowhere", name)
		}
		for _, label := range families[name] {
			if shown[name] && !shownLabels[name][label] && !slices.Contains(leftOut(), name+" "+label) {
				t.Errorf("%s: the label %s is shown nowhere", name, label)
			}
		}
	}
}

// expressions returns every expression of the dashboards and the rules by where it stands.
func (s *stack) expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range dashboardFiles() {
		d := readDashboard(t, name)
		for _, p := range d.drawn() {
			for _, q := range p.Targets {
				all[name+", panel "+p.Title+", query "+q.RefID] = q.Expr
			}
		}
		for _, a := range d.Annotations.List {
			all[name+", annotation "+a.Name] = a.Expr
		}
	}
	for _, r := range readRules(t, ruleFiles()...) {
		all["rule "+r.Record+r.Alert+" "+r.Labels["severity"]] = r.Expr
		for _, m := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(r.Annotations["description"], -1) {
			all["text of "+r.Alert+": "+m[1]] = strings.ReplaceAll(m[1], "%q", `"x"`)
		}
	}
	return all
}
