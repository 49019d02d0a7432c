package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/docs"
)

var update = flag.Bool("update", false, "write the golden files")

func example() collector.Readiness {
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	earlier, cutover := at.Add(-30*time.Second), at.AddDate(0, 1, 0)
	return collector.Readiness{Version: "1.2.3", GeneratedAt: at, Migrations: []collector.MigrationReadiness{
		{Name: "acme", Phase: "prepare", Cutover: &cutover, Preconditions: []collector.PreconditionReadiness{
			{ID: "network", Title: "Network", Status: collector.Pass, Summary: "fine", EvaluatedAt: &earlier, Findings: []collector.Finding{{Status: collector.Pass, Summary: "a note"}}},
			{ID: "privileges", Title: "Privileges", Status: collector.Fail, Summary: "INSERT is missing (and 1 more)", EvaluatedAt: &earlier, DocsURL: "/docs/preconditions#privileges",
				Findings: []collector.Finding{
					{Status: collector.Fail, Subject: "INSERT", Summary: "INSERT is missing", Evidence: "the server says 1142", Remedy: "As root:\nGRANT INSERT ON `a_b`.* TO 'm'@'%';"},
					{Status: collector.Warn, Subject: "x", Summary: "<script>alert(1)</script>|\x1b[31mred\u202e", Evidence: "`code`", Remedy: "do"},
				}},
			{ID: "extensions", Title: "Extensions", Status: collector.Waived, Summary: "one is undecided", Waivers: []collector.WaiverReadiness{{Subject: "aw_blog", Reason: "later", Owner: "jane", Expires: at.AddDate(0, 0, 3)}}},
			{ID: "topology", Title: "Topology", Status: collector.Unknown, Summary: "not seen", Findings: []collector.Finding{{Status: collector.Unknown, Summary: "not seen", Remedy: "set it"}}},
		}},
		{Name: "done", Ready: true},
	}}
}

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
	if string(want) != got {
		t.Errorf("%s differs:\n%s", path, got)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*bytes.Buffer) error{
		"table.txt":        func(b *bytes.Buffer) error { return Table(b, example(), false) },
		"table_colour.txt": func(b *bytes.Buffer) error { return Table(b, example(), true) },
		"report.md":        func(b *bytes.Buffer) error { return Markdown(b, example()) },
		"report.json":      func(b *bytes.Buffer) error { return JSON(b, example()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/"+name, b.String())
		})
	}
}

func TestTableIsSafeForATerminal(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := Table(&b, example(), false); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\u202e") {
		t.Error("an escape sequence from a database reached the terminal")
	}
}

func TestJSONReadsBack(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := JSON(&b, example()); err != nil {
		t.Fatal(err)
	}
	var back collector.Readiness
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back.Migrations[0].Preconditions[1].Status != collector.Fail {
		t.Errorf("%v %+v", err, back)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	p, err := NewPages("/base", docs.Files())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := p.Overview(&b, example()); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"/base/static/style.css", "/base/docs/preconditions#privileges", "&lt;script&gt;", "30s ago", "GRANT INSERT", "jane", "not ready"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"<script>alert", "\x1b", "style=\""} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %q", never)
		}
	}
}

func TestEveryPreconditionIsDocumented(t *testing.T) {
	t.Parallel()
	p, err := NewPages("", docs.Files())
	if err != nil {
		t.Fatal(err)
	}
	if !p.HasDoc("preconditions") || p.HasDoc("../go") {
		t.Fatal("HasDoc")
	}
	var b bytes.Buffer
	if err := p.Doc(&b, "preconditions"); err != nil {
		t.Fatal(err)
	}
	for _, c := range collector.Catalogue() {
		if !strings.Contains(b.String(), `id="`+c.ID+`"`) {
			t.Errorf("no section of the documentation has the id %s", c.ID)
		}
	}
}

func TestNoDocs(t *testing.T) {
	t.Parallel()
	p, err := NewPages("", fstest.MapFS{})
	if err != nil || p.HasDoc("preconditions") {
		t.Errorf("%v", err)
	}
}
