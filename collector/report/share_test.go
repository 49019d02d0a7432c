package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
)

func rule(status finding.Status, subject, element, line string) finding.Finding {
	return finding.Finding{
		Status: status, Subject: subject, Summary: subject + " is not mapped",
		Remedy: "Copy /m/map.xml.dist to /m/map.xml, set <map_file> to /m/map.xml in config.xml, and add inside " +
			element + ":\n" + line,
	}
}

// TestShare puts the rules for one map file into one block, and keys of the configuration under each other.
func TestShare(t *testing.T) {
	t.Parallel()
	decide := func(name string) finding.Finding {
		return finding.Finding{
			Status: finding.Fail, Subject: name, Summary: "no decision on " + name,
			Remedy: "Record the decision in migrations[acme]:\npreconditions:\n  extensions:\n    decisions:\n      " + name + ": {}",
		}
	}
	same := finding.Finding{Status: finding.Unknown, Remedy: "Set magento1.root."}
	causes := func(system string) finding.Finding {
		return finding.Finding{
			Status: finding.Fail, Subject: system, Summary: system + " denies access",
			Remedy: "The server does not say which of these it is:\n1. The password is wrong. Try:\nmysql " + system +
				"\n2. There is no account:\nSELECT user FROM mysql.user;",
		}
	}
	got := share([]finding.Finding{
		causes("magento1"), causes("magento2"),
		rule(finding.Fail, "a", "<source><document_rules>", "<ignore>a</ignore>"),
		decide("x"),
		rule(finding.Fail, "b", "<destination><document_rules>", "<ignore>b</ignore>"),
		rule(finding.Warn, "w", "<source><document_rules>", "<ignore>w</ignore>"),
		rule(finding.Fail, "c", "<source><document_rules>", "<ignore>c</ignore>"),
		decide("y"),
		same, same,
		{Status: finding.Unknown, Summary: "1"},
		{Status: finding.Unknown, Summary: "2"},
	})
	want := []string{
		"1: " + causes("magento1").Remedy,
		"1: " + causes("magento2").Remedy,
		"3: Copy /m/map.xml.dist to /m/map.xml, set <map_file> to /m/map.xml in config.xml, and add:\n" +
			"<!-- inside <source><document_rules> -->\n<ignore>a</ignore>\n<ignore>c</ignore>\n" +
			"<!-- inside <destination><document_rules> -->\n<ignore>b</ignore>",
		"2: Record the decision in migrations[acme]:\npreconditions:\n  extensions:\n    decisions:\n      x: {}\n      y: {}",
		"1: " + rule(finding.Warn, "w", "<source><document_rules>", "<ignore>w</ignore>").Remedy,
		"2: Set magento1.root.",
		"1: ",
		"1: ",
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) {
			t.Fatalf("%d groups, want %d", len(got), len(want))
		}
		if text := fmt.Sprintf("%d: %s", len(got[i].Findings), got[i].Remedy); text != want[i] {
			t.Errorf("group %d is\n%s\nwant\n%s", i, text, want[i])
		}
	}
}

func TestHeadline(t *testing.T) {
	t.Parallel()
	at := noon
	one := func(status finding.Status, waivers ...WaiverReadiness) PreconditionReadiness {
		return PreconditionReadiness{ID: "x", Status: status, EvaluatedAt: &at, Waivers: waivers}
	}
	until := func(d time.Duration) WaiverReadiness { return WaiverReadiness{Expires: noon.Add(d)} }
	for _, tc := range []struct {
		ready         bool
		preconditions []PreconditionReadiness
		want          string
	}{
		{true, []PreconditionReadiness{one(finding.Pass), one(finding.NotApplicable)}, "Ready"},
		{true, []PreconditionReadiness{one(finding.Warn)}, "Ready, with 1 warning"},
		{
			true,
			[]PreconditionReadiness{
				one(finding.Warn), one(finding.Warn),
				one(finding.Waived, until(96*time.Hour), until(-time.Hour)), one(finding.Waived, until(48*time.Hour), until(72*time.Hour)),
				one(finding.Pass, until(time.Hour)),
			},
			"Ready, with 2 warnings and 3 waivers (the first ends in 2 days)",
		},
		{true, []PreconditionReadiness{one(finding.Waived, until(time.Hour))}, "Ready, with 1 waiver (ends in 1 h 0 min)"},
		{false, []PreconditionReadiness{one(finding.Unknown), one(finding.Fail), one(finding.Fail)}, "Not ready: 2 fail, 1 unknown"},
		{false, []PreconditionReadiness{one(finding.Unknown), one(finding.Warn)}, "Not ready: 1 unknown"},
		{false, nil, "Not ready: not evaluated yet"},
	} {
		m := MigrationReadiness{Name: "acme", Ready: tc.ready, Preconditions: tc.preconditions}
		if got := newVerdict(&m, noon).Headline; got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
		if got := heading(m, noon); got != "acme: "+tc.want {
			t.Errorf("heading %q", got)
		}
	}
}

// TestTableEnds has the last line, and what becomes of more than ten migrations.
func TestTableEnds(t *testing.T) {
	t.Parallel()
	table := func(n int, verbose bool) string {
		var b bytes.Buffer
		if err := Table(&b, many(n), TableOptions{Verbose: verbose}); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(b.String(), "\n")
	}
	last := func(text string) string { return text[strings.LastIndex(text, "\n")+1:] }
	if got := last(table(2, false)); got != "not ready: 1 of 2 migrations: shop-0001" {
		t.Error(got)
	}
	if got := last(table(1, false)); got != "ready: 1 migration" {
		t.Error(got)
	}
	short, whole := table(12, false), table(12, true)
	if got := last(short); got != "not ready: 9 of 12 migrations: shop-0001, shop-0002, shop-0003, shop-0005, "+
		"shop-0006, shop-0007, shop-0009, shop-0010, shop-0011" || got != last(whole) {
		t.Error(got)
	}
	const one = "what was seen of Network access"
	if got := strings.Count(short, one); got != 9 || !strings.Contains(short, "\nshop-0000: Ready, with 1 warning") {
		t.Errorf("%d migrations are whole:\n%s", got, short)
	}
	if got := strings.Count(whole, one); got != 12 {
		t.Errorf("with --verbose %d migrations are whole", got)
	}
}
