package integrity

import (
	"strings"
	"testing"
)

func TestHolds(t *testing.T) {
	t.Parallel()
	for release, want := range map[string]string{
		"2.0.0":   "",
		"2.1.0":   "",
		"2.1.1":   "group_names",
		"2.1.3":   "group_names orphans frontend_inputs",
		"2.3.0":   "group_names orphans frontend_inputs",
		"v2.3.4":  "group_names orphans frontend_inputs classes",
		"2.3.5":   "orphans frontend_inputs classes",
		"2.4.6.1": "orphans frontend_inputs classes",
		// Of these nothing is known.
		"":                "orphans frontend_inputs classes",
		"dev-2.4-develop": "orphans frontend_inputs classes",
		"2.4.x-dev":       "orphans frontend_inputs classes",
		"2.4":             "orphans frontend_inputs classes",
	} {
		var got []string
		for _, rule := range []string{ruleGroupNames, ruleOrphans, ruleFrontendInputs, ruleClasses} {
			if holds(rule, release) {
				got = append(got, rule)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", release, got, want)
		}
	}
	if !holds("documents", "2.0.0") {
		t.Error("a rule without an entry is in all releases")
	}
	for line := range strings.Lines(releasesTable) {
		if row := strings.Split(line, "\t"); len(row) != 4 || !strings.Contains(row[3], " of 20") {
			t.Errorf("%q has no source", line)
		}
	}
}
