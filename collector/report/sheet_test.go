package report

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
	"magento_migration_exporter/collector/precondition"
)

// sheetsOf returns the part of a report that people sign.
func sheetsOf(t *testing.T, doc Readiness) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, doc); err != nil {
		t.Fatal(err)
	}
	sheets, _, _ := strings.Cut(b.String(), `<section class="long"`)
	return sheets
}

// plain leaves the text of a page.
func plain(page string) string {
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")), " ")
}

func TestSheet(t *testing.T) {
	t.Parallel()
	doc := example()
	doc.Migrations = doc.Migrations[:1]
	doc.CompareWithReports(func(string) time.Time { return noon.Add(-30 * time.Minute) })
	text := plain(sheetsOf(t, doc))
	order := []string{
		"Go or no-go: acme", "1 fail, 1 unknown", "evidence:", "Privileges", "Topology", "Extensions", "Passing: Network.",
		"Waived", "expired", "aw_blog", "jane", "expires before the cutover: 2026-11-04 12:00:00 UTC", "later",
		"Changed since the last report, 2026-11-01 11:30:00 UTC", "Privileges: from pass to fail, 2026-11-01 11:59:30 UTC",
		"Go, on conditions", "Signature", "Shop owner",
	}
	rest := text
	for _, want := range order {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("no %q, or not in its place: %s", want, text)
		}
		rest = after
	}
	for i := range doc.Migrations[0].Preconditions {
		p := &doc.Migrations[0].Preconditions[i]
		p.EvaluatedAt, p.Status, p.History = nil, finding.Unknown, nil
	}
	text = plain(sheetsOf(t, doc))
	if !strings.Contains(text, "This migration was never evaluated") || strings.Contains(text, "Signature") {
		t.Errorf("a migration that was never evaluated: %s", text)
	}
	doc = example()
	if text := plain(sheetsOf(t, doc)); !strings.Contains(text, "Unknown: there is no history.") {
		t.Errorf("without a history: %s", text)
	}
	doc.CompareWithReports(func(string) time.Time { return time.Time{} })
	if text := plain(sheetsOf(t, doc)); !strings.Contains(text, "Changed since 2026-10-31 12:00:00 UTC (the history begins") {
		t.Errorf("without a report before: %s", text)
	}
}

// worstCase is a migration in which everything fails, with texts that are as long and as wide as can be.
func worstCase(name, text string) MigrationReadiness {
	cutover, now := noon.AddDate(0, 1, 0), noon
	m := MigrationReadiness{
		Name: name, Phase: "prepare", PhaseReason: text, Cutover: &cutover,
		Servers: []evidence.Server{
			{System: "magento1", Address: text, Database: text, Account: text, Version: "MariaDB 10.11.19"},
			{System: "magento2", Address: text, Database: text, Account: text},
		},
	}
	for i, p := range precondition.All() {
		r := PreconditionReadiness{
			ID: p.ID, Title: p.Title, Status: finding.Statuses()[1+i%3], Summary: text, EvaluatedAt: &now,
			Findings: []finding.Finding{{Status: finding.Fail, Subject: text, Summary: text, Evidence: text, Remedy: text}},
			History: history.Log{
				{At: noon.Add(-time.Hour), Status: finding.Pass, First: true}, {At: noon.Add(-time.Minute), Status: finding.Fail},
			},
			Waivers: []WaiverReadiness{{Subject: text, Reason: text, Owner: text, Expires: noon.AddDate(0, 0, 3)}},
		}
		m.Preconditions = append(m.Preconditions, r)
	}
	return m
}

var pdfPage = regexp.MustCompile(`/Type\s*/Page\b[^s]`)

// printed lets Chromium print a page, and returns how many sheets of paper that takes.
func printed(t *testing.T, page string) int {
	t.Helper()
	dir := t.TempDir()
	file, pdf := filepath.Join(dir, "report.html"), filepath.Join(dir, "report.pdf")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	// A Chromium of root, or in a container, has no sandbox.
	cmd := exec.CommandContext(t.Context(), "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--disable-component-update", "--user-data-dir="+filepath.Join(dir, "profile"), "--no-pdf-header-footer",
		"--print-to-pdf="+pdf, "file://"+file)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	content, err := os.ReadFile(pdf)
	if err != nil {
		t.Fatal(err)
	}
	return len(pdfPage.FindAll(content, -1))
}

// TestASheetIsOnePage prints what people sign: one migration with little to say, and two of which everything is said.
func TestASheetIsOnePage(t *testing.T) {
	t.Parallel()
	wide := strings.Repeat("汉字 ", 300)
	short, long := example(), Readiness{Version: "1", GeneratedAt: noon}
	short.Migrations = short.Migrations[:1]
	for i, text := range []string{strings.Repeat("W", 400), wide, strings.Repeat("the words of a server ", 40)} {
		long.Migrations = append(long.Migrations, worstCase(fmt.Sprint("shop-", i, strings.Repeat("W", 56)), text))
	}
	for want, doc := range map[int]Readiness{1: short, 3: long} {
		doc.CompareWithReports(func(string) time.Time { return noon.Add(-30 * time.Minute) })
		sheets := sheetsOf(t, doc)
		if got := printed(t, sheets+"</main></body></html>"); got != want {
			t.Errorf("%d pages, want %d", got, want)
		}
		if want > 1 {
			continue // its long form has a hundred pages
		}
		var whole bytes.Buffer
		if err := HTML(&whole, doc); err != nil {
			t.Fatal(err)
		}
		if got := printed(t, whole.String()); got <= want {
			t.Errorf("%d pages with the long form", got)
		}
	}
}
