package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
)

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func example() Readiness {
	earlier, cutover := noon.Add(-30*time.Second), noon.AddDate(0, 1, 0)
	return Readiness{Version: "1.2.3", GeneratedAt: noon, Migrations: []MigrationReadiness{
		{
			Name: "acme", Phase: "prepare", PhaseReason: "Magento 2 holds none of Magento 1's data", Cutover: &cutover,
			Servers: []evidence.Server{
				{
					System:   "magento1",
					Address:  "db1:3306",
					Database: "magento_1",
					Account:  "mig@%",
					Version:  "MariaDB 10.11.19",
				},
				{System: "magento2", Address: "db2:3306", Database: "magento2", Account: "mig"},
			},
			Preconditions: []PreconditionReadiness{
				{
					ID:          "network",
					Title:       "Network",
					Status:      finding.Pass,
					Summary:     "fine",
					EvaluatedAt: &earlier,
					Findings:    []finding.Finding{{Status: finding.Pass, Summary: "a note"}},
				},
				{
					ID: "privileges", Title: "Privileges", Status: finding.Fail, Summary: "INSERT is missing (and 1 more)",
					EvaluatedAt: &earlier, ChangedAt: &earlier,
					DocsURL: "/docs/preconditions#privileges", DurationSeconds: 0.0123,
					History: history.Log{
						{At: noon.Add(-time.Hour), Status: finding.Pass},
						{At: earlier, Status: finding.Fail},
					},
					Findings: []finding.Finding{
						{
							Status:   finding.Warn,
							Subject:  "x",
							Summary:  "<script>alert(1)</script>|\x1b[31mred\u202e",
							Evidence: "`code`",
							Remedy:   "do",
						},
						{
							Status:   finding.Fail,
							Subject:  "INSERT",
							Summary:  "INSERT is missing",
							Evidence: "the server says\t1142",
							Remedy:   "As root:\nGRANT INSERT ON `a_b`.* TO 'm'@'%';",
						},
					},
				},
				{
					ID: "extensions", Title: "Extensions", Status: finding.Waived, Summary: "one is undecided",
					EvaluatedAt: &earlier,
					Waivers: []WaiverReadiness{
						{Subject: "aw_blog", Reason: "later", Owner: "jane", Expires: noon.AddDate(0, 0, 3)},
						{Reason: "old", Expires: noon},
					},
				},
				{
					ID:          "topology",
					Title:       "Topology",
					Status:      finding.Unknown,
					Summary:     "not seen",
					EvaluatedAt: &earlier,
					Findings:    []finding.Finding{{Status: finding.Unknown, Summary: "not seen", Remedy: "set it"}},
				},
			},
		},
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
		"table.txt":        func(b *bytes.Buffer) error { return Table(b, example(), TableOptions{}) },
		"table_colour.txt": func(b *bytes.Buffer) error { return Table(b, example(), TableOptions{Colour: true}) },
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
	if err := Table(&b, example(), TableOptions{}); err != nil {
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
	var back Readiness
	if err := json.Unmarshal(b.Bytes(), &back); err != nil ||
		back.Migrations[0].Preconditions[1].Status != finding.Fail {
		t.Errorf("%v %+v", err, back)
	}
}

func TestRemedyTexts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		remedy string
		want   []remedyText
	}{
		{"", nil},
		{"Start the server.", []remedyText{{"Start the server.", false}}},
		{"Start it, or remove /x", []remedyText{{"Start it, or remove /x", false}}},
		{"bin/magento setup:di:compile", []remedyText{{"bin/magento setup:di:compile", true}}},
		{"GRANT a", []remedyText{{"GRANT a", true}}},
		{"As root:\nGRANT a;\nGRANT b;", []remedyText{{"As root:", false}, {"GRANT a;\nGRANT b;", true}}},
		{
			"As root:\nSET GLOBAL x = 1;\nOr, less safe:\nGRANT SUPER;\n",
			[]remedyText{
				{"As root:", false}, {"SET GLOBAL x = 1;", true}, {"Or, less safe:", false},
				{"GRANT SUPER;", true},
			},
		},
		{
			"In my.cnf:\n[mysqld]\n\n  x=1\nThen restart.",
			[]remedyText{
				{"In my.cnf:", false}, {"[mysqld]\n  x=1", true}, {"Then restart.", false},
			},
		},
		{
			"Write:\npreconditions:\n  extensions:\n    a: {dropped: \"No. Never.\"}",
			[]remedyText{
				{"Write:", false},
				{"preconditions:\n  extensions:\n    a: {dropped: \"No. Never.\"}", true},
			},
		},
		{"a\x1b\tb", []remedyText{{"a\uFFFD b", true}}},
	} {
		got := remedyTexts(tc.remedy)
		if len(got) != len(tc.want) {
			t.Errorf("%q: %+v", tc.remedy, got)
			continue
		}
		for i := range got {
			if got[i] != tc.want[i] {
				t.Errorf("%q: %+v, want %+v", tc.remedy, got[i], tc.want[i])
			}
		}
	}
}

func FuzzRemedyTexts(f *testing.F) {
	f.Add("As root:\nGRANT a;\n\nOr:\nb")
	f.Fuzz(func(t *testing.T, remedy string) {
		for _, part := range remedyTexts(remedy) {
			if strings.TrimSpace(part.Text) == "" {
				t.Errorf("%q has an empty part", remedy)
			}
		}
	})
}
