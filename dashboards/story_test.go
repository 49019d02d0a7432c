//go:build drawing

package dashboards_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/dashboards"
)

// What happened to six shops within six weeks, for pictures of the dashboards: as days before or after now, each with
// the status, or the phase, from then on. What is not told passes from the beginning.
const beginning = -42

func storyPhases() map[string]string {
	return map[string]string{
		"acme":   "-42 prepare, -8 migrate, -6.5 delta",
		"bikes":  "-42 prepare, -2 migrate",
		"garden": "-42 prepare",
		"outlet": "-42 delta, -9.2 cutover, -8 done",
		"toys":   "-30 prepare",
		"wine":   "-12 prepare",
	}
}

func storyCutovers() map[string]float64 {
	return map[string]float64{"acme": 3.3, "bikes": 12.4, "garden": 26.4, "outlet": -9, "toys": 40.4}
}

func story() map[string]map[string]string {
	return map[string]map[string]string{
		"acme": {
			"network": "-42 fail, -39.3 pass", "privileges": "-42 unknown, -39.3 fail, -35.6 pass, -0.1 fail",
			"binlog_trust": "-42 unknown, -39.3 fail, -30.4 pass", "m2_installed": "-42 unknown, -39.3 pass",
			"backup": "-42 fail, -21.5 pass", "extensions": "-42 fail, -19.2 pass",
			"system_requirements": "-42 fail, -27.3 waived", "topology": "-42 unknown, -24.4 pass",
			"migration_tool": "-42 fail, -13.6 pass", "cron_stopped": "-42 pass, -17.4 fail, -16.1 pass",
			"m2_entities": "-42 unknown, -39.3 pass, -11.5 warn, -8 not_applicable",
			"delta_log":   "-42 not_applicable, -7.4 pass", "delta_backlog": "-42 not_applicable, -6.5 pass, -2.2 warn",
			"reconciliation": "-42 not_applicable, -6.5 fail, -4.3 pass",
			"increment_ids":  "-42 not_applicable, -6.5 pass", "switchover": "-42 not_applicable",
		},
		"bikes": {
			"privileges": "-42 fail, -33.4 pass", "binlog_trust": "-42 fail, -26.5 pass", "backup": "-42 fail, -12.4 pass",
			"extensions": "-42 fail, -9.4 pass", "topology": "-42 unknown, -18.3 pass", "migration_tool": "-42 fail, -3.2 pass",
			"system_requirements": "-42 fail, -15.5 pass", "cron_stopped": "-42 fail, -37 pass",
			"delta_log": "-42 not_applicable, -1.6 pass", "reconciliation": "-42 not_applicable",
		},
		"garden": {
			"privileges": "-42 fail, -22.2 pass", "extensions": "-42 fail", "topology": "-42 unknown, -6.3 waived",
			"migration_tool": "-42 fail", "backup": "-42 fail, -5.2 pass, -1.2 warn",
			"system_requirements": "-42 unknown, -14.4 fail, -7.4 pass",
			"delta_log":           "-42 not_applicable", "reconciliation": "-42 not_applicable", "m2_entities": "-42 warn",
		},
		"outlet": {"delta_backlog": "-42 fail, -31.2 pass", "reconciliation": "-42 fail, -28.4 pass, -14.6 fail, -13.8 pass",
			"increment_ids": "-42 fail, -20.3 pass", "m2_entities": "-42 not_applicable"},
		"toys": {
			"network": "-30 fail, -24.3 pass", "privileges": "-30 unknown, -24.3 fail, -11.3 pass",
			"m2_installed": "-30 unknown, -24.3 fail, -17.4 pass", "extensions": "-30 fail", "migration_tool": "-30 fail",
			"backup": "-30 fail", "topology": "-30 unknown", "system_requirements": "-30 unknown, -17.4 fail, -4.2 pass",
			"binlog_trust": "-30 unknown, -24.3 pass", "delta_log": "-30 not_applicable",
		},
		"wine": {
			"m2_installed": "-12 fail, -3.4 pass", "migration_tool": "-12 fail", "extensions": "-12 fail", "backup": "-12 fail",
			"topology": "-12 unknown", "system_requirements": "-12 unknown", "delta_log": "-12 not_applicable",
		},
	}
}

// change is what holds from a day on.
type change struct {
	day  float64
	what string
}

func changes(t *testing.T, text string) []change {
	t.Helper()
	var all []change
	for part := range strings.SplitSeq(text, ", ") {
		day, what, _ := strings.Cut(part, " ")
		value, err := strconv.ParseFloat(day, 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, change{value, what})
	}
	return all
}

// at returns what holds on a day; day -99 before the first change.
func at(all []change, day float64) change {
	now := change{day: -99}
	for _, c := range all {
		if c.day <= day {
			now = c
		}
	}
	return now
}

// history is text in OpenMetrics' format, by family.
type history struct {
	now      time.Time
	families map[string]*strings.Builder
}

// sample writes a value of a day; labels are alternately names and values.
func (h *history) sample(family string, day, value float64, labels ...string) {
	text := h.families[family]
	if text == nil {
		text = &strings.Builder{}
		fmt.Fprintf(text, "# TYPE %s gauge\n", family)
		h.families[family] = text
	}
	text.WriteString(family + `{job="` + dashboards.Job + `",instance="exporter:10102"`)
	for i := 0; i < len(labels); i += 2 {
		fmt.Fprintf(text, ",%s=%q", labels[i], labels[i+1])
	}
	fmt.Fprintf(text, "} %g %d\n", value, h.seconds(day))
}

func (h *history) seconds(day float64) int64 {
	return h.now.Add(time.Duration(day * 24 * float64(time.Hour))).Unix()
}

// days are those of the samples: hourly, and each minute around now.
func days() []float64 {
	var all []float64
	for hour := beginning * 24; hour < -1; hour++ {
		all = append(all, float64(hour)/24)
	}
	for minute := -60; minute < 30; minute++ {
		all = append(all, float64(minute)/24/60)
	}
	return all
}

func (h *history) precondition(t *testing.T, shop, id, text string) {
	t.Helper()
	all := changes(t, text)
	const family = "magento_migration_precondition_"
	for _, day := range days() {
		now := at(all, day)
		if now.what == "" {
			continue
		}
		for _, status := range []string{"pass", "warn", "fail", "unknown", "not_applicable", "waived"} {
			value := 0.0
			if status == now.what {
				value = 1
			}
			h.sample(family+"status", day, value, "migration", shop, "precondition", id, "status", status)
		}
		labels := []string{"migration", shop, "precondition", id}
		h.sample(family+"last_evaluated_timestamp_seconds", day, float64(h.seconds(day)-20), labels...)
		if now.what != "unknown" {
			h.sample(family+"last_known_timestamp_seconds", day, float64(h.seconds(day)-20), labels...)
		}
		if now != all[0] {
			h.sample(family+"last_changed_timestamp_seconds", day, float64(h.seconds(now.day)), labels...)
		}
	}
}

// shop writes what is said of a whole migration.
func (h *history) shop(t *testing.T, name string, preconditions map[string]string) {
	t.Helper()
	phases := changes(t, storyPhases()[name])
	for _, day := range days() {
		phase := at(phases, day)
		if phase.what == "" {
			continue
		}
		ready := 1.0
		for _, text := range preconditions {
			if what := at(changes(t, text), day).what; what == "fail" || what == "unknown" {
				ready = 0
			}
		}
		h.sample("magento_migration_ready", day, ready, "migration", name)
		for _, p := range []string{"prepare", "migrate", "delta", "cutover", "done"} {
			value := 0.0
			if p == phase.what {
				value = 1
			}
			h.sample("magento_migration_phase", day, value, "migration", name, "phase", p)
		}
		if cutover, planned := storyCutovers()[name]; planned {
			h.sample("magento_migration_cutover_timestamp_seconds", day, float64(h.seconds(cutover)), "migration", name)
		}
	}
}

func (h *history) waiver(shop, id, subject, owner string, ends float64) {
	labels := []string{"migration", shop, "precondition", id, "subject", subject}
	for _, day := range days() {
		h.sample("magento_migration_waiver_expiry_timestamp_seconds", day, float64(h.seconds(ends)), labels...)
		h.sample("magento_migration_waiver_info", day, 1, append(slices.Clone(labels), "owner", owner)...)
	}
}

func (h *history) alert(name, severity, shop string, more ...string) {
	labels := append([]string{"alertname", "MagentoMigration" + name, "alertstate", "firing", "severity", severity,
		"migration", shop}, more...)
	for minute := -60; minute < 30; minute++ {
		h.sample("ALERTS", float64(minute)/24/60, 1, labels...)
	}
}

// tell writes the whole story.
func (h *history) tell(t *testing.T) {
	t.Helper()
	for name, preconditions := range story() {
		for _, p := range precondition.All() {
			if preconditions[p.ID] == "" {
				preconditions[p.ID] = fmt.Sprintf("%g pass", changes(t, storyPhases()[name])[0].day)
			}
		}
		for id, text := range preconditions {
			h.precondition(t, name, id, text)
		}
		h.shop(t, name, preconditions)
	}
	h.waiver("acme", "system_requirements", "php", "jane", 17.5)
	h.waiver("garden", "topology", "", "omar", 2.4)
	h.waiver("bikes", "extensions", "aw_blog_setup", "lena", 30.5)
	h.alert("NotReady", "critical", "acme")
	h.alert("ReadinessLost", "warning", "acme")
	h.alert("PrivilegesMissing", "warning", "acme", "precondition", "privileges", "system", "magento1")
	h.alert("PreconditionRegressed", "warning", "acme", "precondition", "privileges")
	h.alert("WaiverEndingSoon", "info", "garden", "precondition", "topology")
}

// TestStory draws the pictures in the README: what a lead sees of six shops, and what they see of the one whose cutover is
// next. Tables must not clip their cells.
//
//	go test ./dashboards -tags drawing -run TestStory -v
func TestStory(t *testing.T) {
	h := &history{now: time.Now(), families: map[string]*strings.Builder{}}
	h.tell(t)
	var text strings.Builder
	for _, family := range slices.Sorted(maps.Keys(h.families)) {
		text.WriteString(h.families[family].String())
	}
	text.WriteString("# EOF\n")
	dir := t.TempDir()
	file, data := filepath.Join(dir, "history.txt"), filepath.Join(dir, "data")
	write(t, file, text.String())
	run(t, "", "promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1000h", file, data)
	write(t, filepath.Join(dir, "prometheus.yml"), "global: {}\n")
	address := freeAddress(t)
	start(t, "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+data,
		"--storage.tsdb.retention.time=1y", "--query.lookback-delta=61m", "--web.listen-address="+address,
		"--web.cors.origin=.*")
	s := &stack{prometheus: "http://" + address}
	await(t, "the story to be told", func() error {
		told, err := s.query(t.Context(), "magento_migration_ready", 0)
		if err == nil && len(told) != len(story()) {
			err = fmt.Errorf("%d shops of %d", len(told), len(story()))
		}
		return err
	})
	d := newDrawing(t)
	d.prometheus = s.prometheus
	d.draw(t, "whole", map[string]string{"dashboard": "portfolio", "seconds": "3628800", "width": "1400"},
		"garden topology all of it omar", "acme privileges FAIL 2.4 hours")
	d.draw(t, "portfolio", map[string]string{"dashboard": "portfolio", "seconds": "3628800", "width": "1400", "rows": "0,48"},
		"Watched 6", "Ready 2", "Next cutover 3.3 days", "acme NOT READY delta 1 0 3.3 days")
	d.draw(t, "readiness", map[string]string{"migration": "acme", "seconds": "1209600", "width": "1400", "rows": "0,54"},
		"Ready to migrate acme NOT READY", "acme privileges FAIL", "acme system_requirements php jane",
		"NotReady CRITICAL acme")
}
