package exposition_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

var update = flag.Bool("update", false, "write the golden files")

// moving are the parts that differ from run to run.
var moving = regexp.MustCompile(
	`(?m)^(magento_migration_(?:precondition_last_(?:evaluated|known|changed)_timestamp_seconds|precondition_evaluation_duration_seconds|database_connect_duration_seconds|backup_age_seconds|backup_timestamp_seconds|backup_size_bytes|cron_last_activity_timestamp_seconds)\{[^}]*\}) \S+$`,
)

// TestMetricsGolden compares a whole exposition of a real evaluation.
func TestMetricsGolden(t *testing.T) {
	t.Parallel()
	s, dir := shared.New(t), t.TempDir()
	s.Dump(dir+"/m2.sql.gz", s.DB2, true)
	cutover := time.Date(2026, 12, 31, 2, 0, 0, 0, time.UTC)
	s.Migration.Cutover = &cutover
	s.Set("backup", map[string]any{"paths": []string{dir + "/*.sql*"}, "max_age": "7d"})
	s.Migration.Waivers = []config.Waiver{
		{Precondition: "topology", Reason: "one node", Expires: config.Expiry{Time: cutover}},
		{Precondition: "m2_entities", Subject: "product", Reason: "kept", Expires: config.Expiry{Time: cutover}},
	}
	s.Evaluate()
	s.On2("INSERT INTO catalog_product_entity (attribute_set_id, sku) VALUES (4, 'new')")
	s.Evaluate()
	text := shoptest.Exposition(t, s.Board, s.Catalogue)
	cmd := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	out, _ := cmd.CombinedOutput()
	if got := strings.TrimSpace(string(out)); got != `magento_migration_m2_entity_count non-histogram and non-summary metrics should not have "_count" suffix` {
		t.Errorf("promtool check metrics says %s", got)
	}
	text = moving.ReplaceAllString(text, "$1 X")
	text = regexp.MustCompile(`version="10\.\d+\.\d+"`).ReplaceAllString(text, `version="10.x"`)
	golden(t, "testdata/metrics.txt", text)
}

// golden compares with a file, which -update writes.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, []byte(got)) {
		wantLines := strings.Split(string(want), "\n")
		for i, line := range strings.Split(got, "\n") {
			if i >= len(wantLines) || wantLines[i] != line {
				t.Fatalf("%s: line %d is\n%s\nwant\n%s", path, i+1, line,
					append(wantLines, "nothing")[min(i, len(wantLines))])
			}
		}
		t.Fatalf("%s: some lines are missing at the end", path)
	}
}

func TestMetricsSurviveHostileLabels(t *testing.T) {
	t.Parallel()
	b, now := newBoard(), time.Now()
	m := b.Configure([]config.Migration{
		{
			Name: "a",
			Waivers: []config.Waiver{
				{Precondition: "backup", Subject: "\xff\n\"<", Reason: "r", Expires: config.Expiry{Time: now}},
			},
		},
	})[0]
	e := evaluation(now, nil)
	e.Results[0].Samples = []finding.Sample{
		{Family: "database_info", Labels: []string{"magento1", "mysql", "\xff\xfe"}, Value: 1},
	}
	b.Publish(m, e, now)
	if text := shoptest.Exposition(t, b, precondition.All()); !strings.Contains(text, "waiver_expiry") ||
		!strings.Contains(text, "database_info") {
		t.Error(text)
	}
}
