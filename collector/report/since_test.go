package report

import (
	"bytes"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/docs"
)

// compared has one migration in which all that can happen to a status has happened in the last hour.
func compared() Readiness {
	ago := func(minutes int) time.Time { return noon.Add(-time.Duration(minutes) * time.Minute) }
	changes := func(statuses ...finding.Status) history.Log { // an old one, and the others from 50 minutes ago on
		log := history.Log{{At: ago(1000), Status: statuses[0], Summary: "as before", First: true}}
		for i, s := range statuses[1:] {
			log = log.Add(history.Change{At: ago(50 - 10*i), Status: s, Summary: "then"})
		}
		return log
	}
	now := noon
	p := func(id string, status finding.Status, log history.Log) PreconditionReadiness {
		return PreconditionReadiness{
			ID: id, Title: "Title of " + id, Status: status, Summary: "<now>", EvaluatedAt: &now, History: log,
		}
	}
	never := p("never", finding.Unknown, nil)
	never.EvaluatedAt = nil
	return Readiness{GeneratedAt: noon, Migrations: []MigrationReadiness{{Name: "acme", Preconditions: []PreconditionReadiness{
		p("better", finding.Pass, changes(finding.Fail, finding.Pass)),
		p("same", finding.Pass, changes(finding.Pass)),
		p("worse", finding.Fail, changes(finding.Pass, finding.Warn, finding.Fail)),
		p("flapped", finding.Warn, changes(finding.Warn, finding.Fail, finding.Warn)),
		p("just_now", finding.Unknown, changes(finding.Pass)),
		never,
	}}}}
}

func TestSince(t *testing.T) {
	t.Parallel()
	doc := compared()
	doc.Compare(noon.Add(-time.Hour))
	var got []string
	s := doc.Migrations[0].Since
	for _, d := range s.Changes {
		got = append(got, d.Precondition+": "+d.Course()+", "+noon.Sub(d.ChangedAt).String()+", "+d.SummaryBefore)
	}
	want := []string{
		"worse: from pass to fail, in 2 changes, 40m0s, as before",
		"just_now: from pass to unknown, 0s, as before",
		"flapped: is warn again, after 2 changes, 40m0s, as before",
		"better: from fail to pass, 50m0s, as before",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || s.Begins != nil {
		t.Errorf("%v\n%s", s.Begins, strings.Join(got, "\n"))
	}
	doc.Compare(noon.Add(-100 * time.Hour))
	if s := doc.Migrations[0].Since; s.Begins == nil || !s.Begins.Equal(noon.Add(-1000*time.Minute)) || len(s.Changes) != 4 ||
		!strings.Contains(s.Title(), "the history begins at 2026-") {
		t.Errorf("%+v", s)
	}
	doc.Compare(noon.Add(-time.Second))
	if s := doc.Migrations[0].Since; len(s.Changes) != 1 || s.Changes[0].Precondition != "just_now" {
		t.Errorf("%+v", s)
	}
}

func TestParseSince(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"24h": "-24h0m0s", "7d": "-168h0m0s", "2026-11-01": "", "2026-10-31T12:00:00+01:00": "", "": "duration like 24h",
		"0s": "in the past", "9999-01-01": "in the past", "yesterday": "a date like", "-1h": "a date like",
		"999999999999y": "a date like", "2026-02-30": "a date like",
	} {
		at, err := ParseSince(text, noon)
		switch {
		case err != nil && !strings.Contains(err.Error(), want) || err != nil && want == "":
			t.Errorf("%s: %v", text, err)
		case err == nil && want != "" && at.Sub(noon).String() != want:
			t.Errorf("%s: %s", text, at)
		}
	}
	if at, err := SinceOf(url.Values{}, noon); err != nil || !at.IsZero() {
		t.Errorf("%v, %v", at, err)
	}
	if _, err := SinceOf(url.Values{"since": {"x"}}, noon); err == nil || !strings.HasPrefix(err.Error(), `since="x"`) {
		t.Errorf("%v", err)
	}
}

// TestSinceIsShown looks for a change in all that people read.
func TestSinceIsShown(t *testing.T) {
	t.Parallel()
	doc := compared()
	doc.Compare(noon.Add(-time.Hour))
	pages, err := NewPages(precondition.All(), "", "/metrics", docs.Pages())
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"table":    func(w io.Writer) error { return Table(w, doc, TableOptions{}) },
		"Markdown": func(w io.Writer) error { return Markdown(w, doc) },
		"HTML":     func(w io.Writer) error { return HTML(w, doc) },
		"page":     func(w io.Writer) error { return pages.Migration(w, doc.Migrations[0], "1", noon) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Changed since 2026-", "from pass to fail, in 2 changes", "is warn again"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s does not have %q: %s", name, want, b.String())
			}
		}
	}
}

// TestOverviewOfChanges leaves the migrations in which something changed, with what that is.
func TestOverviewOfChanges(t *testing.T) {
	t.Parallel()
	pages, err := NewPages(precondition.All(), "", "/metrics", docs.Pages())
	if err != nil {
		t.Fatal(err)
	}
	for since, want := range map[string][]string{
		"":    {`id="m-acme"`, `id="m-same"`},
		"1h":  {"1 of 2 match", "Changed: Title of worse from pass to fail, in 2 changes", "and 1 more changes"},
		"10m": {"1 of 2 match", "Changed: Title of just_now from pass to unknown"},
	} {
		doc := compared()
		doc.Migrations = append(doc.Migrations, MigrationReadiness{Name: "same"})
		filter, err := pages.ParseFilter(url.Values{"since": {since}}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if since != "" {
			doc.Compare(filter.ChangedSince)
		}
		var b bytes.Buffer
		if err := pages.Overview(&b, doc, filter); err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s: no %q: %s", since, w, plain(b.String()))
			}
		}
		if since != "" && strings.Contains(b.String(), `id="m-same"`) {
			t.Errorf("%s: a migration in which nothing changed", since)
		}
	}
}
