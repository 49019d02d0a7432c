package exposition_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// fullBoard has every family, every status and hostile labels on it, for n migrations, and one that was not evaluated.
func fullBoard(t testing.TB, n int) *collector.Board {
	t.Helper()
	settings := backupOfAge(t)
	b := newBoard()
	now := time.Unix(1800000000, 123e6)
	var migrations []config.Migration
	for i := range n {
		m := config.Migration{Name: fmt.Sprintf("shop-%04d", i), Cutover: &now}
		m.Preconditions = settings
		m.Waivers = []config.Waiver{
			{Precondition: "backup", Subject: "\\ \"\n\xff<é", Expires: config.Expiry{Time: now}},
		}
		migrations = append(migrations, m)
	}
	kept := b.Configure(append(migrations, config.Migration{Name: "not-yet"}))
	for i, m := range kept[:n] {
		publishAll(b, m, now.Add(time.Duration(i)*time.Millisecond), i)
	}
	return b
}

// publishAll publishes twice, so that everything has changed once.
func publishAll(b *collector.Board, m *config.Migration, now time.Time, seed int) {
	for round, statuses := range [][]finding.Status{
		{finding.Pass, finding.Warn, finding.Fail, finding.Unknown},
		{finding.Warn, finding.Fail, finding.Unknown, finding.Pass},
	} {
		except := map[string]finding.Status{}
		for i, p := range precondition.All() {
			except[p.ID] = statuses[(i+seed)%len(statuses)]
		}
		e := evaluation(now.Add(time.Duration(round)*time.Second), except)
		for i := range e.Results {
			e.Results[i].Samples = nil
		}
		e.Results[0].Samples = databaseSamples()
		b.Publish(m, e, now.Add(time.Duration(round)*time.Second))
	}
}

// databaseSamples are about as many as a real migration has.
func databaseSamples() []finding.Sample {
	var all []finding.Sample
	add := func(f string, value float64, labels ...string) {
		all = append(all, finding.Sample{Family: f, Labels: labels, Value: value})
	}
	for _, s := range []finding.System{finding.Magento1, finding.Magento2} {
		add("database_up", 1, string(s))
		add("database_connect_duration_seconds", 0.000123456, string(s))
		add("database_info", 1, string(s), "mariadb", "10.11.19")
		add("privileges_ok", 0, string(s))
		add("cron_running", 0, string(s))
		add("cron_last_activity_timestamp_seconds", 1.8e9, string(s))
		for _, p := range []string{"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "TRIGGER", "SHOW VIEW"} {
			add("privilege_granted", 1, string(s), p)
		}
		for _, r := range []string{"web", "database", "replica", "cache", "page_cache", "session", "search", "queue"} {
			add("topology_nodes", 2, string(s), r)
		}
	}
	for _, f := range []string{
		"binlog_enabled", "binlog_trust", "backup_age_seconds", "backup_timestamp_seconds", "backup_size_bytes",
		"m2_installed_timestamp_seconds",
	} {
		add(f, 1.23456789e+09)
	}
	for i := range 14 {
		add("m2_entity_count", float64(i*1000), "entity"+strconv.Itoa(i))
		add("m2_new_entities", float64(i), "entity"+strconv.Itoa(i))
	}
	for i := range 8 {
		add("requirement_met", 1, "component"+strconv.Itoa(i))
		add("integrity_findings", float64(i), "kind"+strconv.Itoa(i))
	}
	for i, special := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1} {
		add("extensions", special, "state"+strconv.Itoa(i))
	}
	add("tool_info", 1, "2.4.7", "2.4.7-p3")
	add("tls_certificate_expiry_timestamp_seconds", 1.8e9, "magento1")
	for _, p := range precondition.All() {
		if p.Group != precondition.GroupCutover {
			continue
		}
		for _, f := range p.Families {
			add(f.Name, 1, slices.Repeat([]string{"a label"}, len(f.Labels))...)
		}
	}
	return all
}

// write returns an exposition as it goes over the wire, plain, after comparing it with what the gzip stream holds.
func write(t testing.TB, b *collector.Board, format expfmt.Format) string {
	t.Helper()
	e, err := exposition.NewExpositor(precondition.All()).New(format, nil, b.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	var plain, zipped bytes.Buffer
	if _, err := e.WriteTo(&plain); err != nil || plain.Len() != e.Size() {
		t.Fatalf("%v: %d bytes, announced %d", err, plain.Len(), e.Size())
	}
	if err := e.WriteGzip(&zipped); err != nil || zipped.Len() != e.GzipSize() {
		t.Fatalf("%v: %d bytes compressed, announced %d", err, zipped.Len(), e.GzipSize())
	}
	r, err := gzip.NewReader(&zipped)
	if err != nil {
		t.Fatal(err)
	}
	r.Multistream(false) // some clients read only the first member
	unzipped, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(unzipped, plain.Bytes()) {
		t.Fatalf("%v: the compressed exposition holds something else", err)
	}
	return plain.String()
}

// TestExpositionIsWhatClientGolangWrites renders the same board with client_golang.
func TestExpositionIsWhatClientGolangWrites(t *testing.T) {
	t.Parallel()
	for _, format := range exposition.Formats() {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			b := fullBoard(t, 7)
			registry := prometheus.NewPedanticRegistry()
			registry.MustRegister(shoptest.Reference{Board: b, Catalogue: precondition.All()})
			w := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "/metrics", nil)
			r.Header.Set("Accept", string(format))
			promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, r)
			if w.Code != 200 {
				t.Fatal(w.Body)
			}
			got, want := families(t, write(t, b, format)), families(t, w.Body.String())
			for i := range max(len(got), len(want)) {
				if i >= len(got) || i >= len(want) || got[i] != want[i] {
					t.Fatalf("family %d is\n%s\nwant\n%s", i, at(got, i), at(want, i))
				}
			}
			if len(got) != len(exposition.Families(precondition.All()))+1 {
				t.Errorf("%d families: the board is to have all %d", len(got)-1,
					len(exposition.Families(precondition.All())))
			}
		})
	}
}

func at(all []string, i int) string {
	if i < len(all) {
		return all[i]
	}
	return "nothing"
}

// families splits an exposition into its families, with sorted samples and numbers in one form. What ends it comes
// last.
func families(t *testing.T, text string) []string {
	t.Helper()
	var all []string
	for part := range strings.SplitSeq(text, "# HELP ") {
		lines := strings.Split(strings.TrimSuffix(strings.TrimSuffix(part, "\n"), "\n# EOF"), "\n")
		if len(lines) < 3 {
			if part != "" {
				t.Fatalf("a family without samples: %q", part)
			}
			continue
		}
		for i, line := range lines[2:] {
			series, value, _ := strings.Cut(line, "} ")
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			name, labels, _ := strings.Cut(series, "{")
			pairs := splitLabels(labels)
			slices.Sort(pairs)
			lines[i+2] = fmt.Sprint(name, pairs, v)
		}
		slices.Sort(lines[2:])
		all = append(all, strings.Join(lines, "\n"))
	}
	end := ""
	if strings.HasSuffix(text, "\n# EOF\n") {
		end = "# EOF"
	}
	return append(all, end)
}

// splitLabels splits at the commas between labels.
func splitLabels(labels string) []string {
	var pairs []string
	quoted, escaped, start := false, false, 0
	for i, c := range labels {
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			pairs = append(pairs, labels[start:i])
			start = i + 1
		}
	}
	return append(pairs, labels[start:])
}

// TestExpositionFollowsTheBoard publishes between two scrapes.
func TestExpositionFollowsTheBoard(t *testing.T) {
	t.Parallel()
	b := fullBoard(t, 2)
	before, err := exposition.NewExpositor(precondition.All()).New(expfmt.FmtText, nil, b.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	old := write(t, b, expfmt.FmtText)
	m := b.Snapshot()[1].Migration
	now := b.Snapshot()[1].Preconditions[0].Result.EvaluatedAt.Add(time.Hour)
	b.Publish(m, evaluation(now, nil), now)
	var still bytes.Buffer
	if _, err := before.WriteTo(&still); err != nil || still.String() != old {
		t.Error("an exposition changed after it was made")
	}
	line := `magento_migration_ready{migration="shop-0001"} `
	if fresh := write(t, b, expfmt.FmtText); !strings.Contains(old, line+"0\n") ||
		!strings.Contains(fresh, line+"1\n") {
		t.Error("the new result is not in the next exposition")
	}
	b.Decay(now.Add(24*time.Hour), time.Hour)
	if decayed := write(t, b, expfmt.FmtText); !strings.Contains(decayed, line+"0\n") ||
		strings.Contains(decayed, "database_info") {
		t.Error("a result that decayed is still there")
	}
}

func TestMetricsNeedAWholeEvaluation(t *testing.T) {
	t.Parallel()
	b := newBoard()
	m := b.Configure([]config.Migration{{Name: "a"}})[0]
	b.Publish(m, evaluation(time.Now(), nil), time.Now())
	up := 0
	for _, s := range exposition.Samples(b.Snapshot()[0]) {
		if s.Family == "database_up" {
			up++
			if s.Value != 0 {
				t.Errorf("database_up%q is %v without a login", s.Labels, s.Value)
			}
		}
		if strings.Contains(s.Family, "changed") {
			t.Errorf("%s before any change", s.Family)
		}
	}
	if up != 2 {
		t.Errorf("%d series of database_up", up)
	}
}

// backupOfAge are settings with the one family that the configuration alone decides.
func backupOfAge(t testing.TB) config.Preconditions {
	t.Helper()
	path := t.TempDir() + "/exporter.yml"
	text := "migrations: [{name: a, preconditions: {backup: {max_age: 1h}}}]"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, precondition.All().Sections())
	if err != nil {
		t.Fatal(err)
	}
	return c.Migrations[0].Preconditions
}

// newBoard is a board of the whole catalogue.
func newBoard() *collector.Board {
	catalogue := precondition.All()
	return collector.NewBoard(catalogue, exposition.NewExpositor(catalogue).Render)
}

// evaluation makes an evaluation in which everything passes but what is named.
func evaluation(at time.Time, except map[string]finding.Status) collector.Evaluation {
	e := collector.Evaluation{Phase: config.PhasePrepare}
	for _, p := range precondition.All() {
		v := finding.Verdict{
			Summary: "fine",
			Samples: []finding.Sample{{Family: "cron_running", Labels: []string{p.ID}, Value: 1}},
		}
		if s, ok := except[p.ID]; ok {
			v.Add(finding.Finding{Status: s, Subject: "it", Summary: "it is " + s.String(), Remedy: "fix it"})
		}
		e.Results = append(e.Results, v.Result(config.SeverityWarn, at, time.Second))
	}
	return e
}
