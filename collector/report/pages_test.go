package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/docs"
)

func newPages(t testing.TB) *Pages {
	t.Helper()
	p, err := NewPages(precondition.All(), "/base", "/m", docs.Pages())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func render(t testing.TB, write func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func wants(t *testing.T, page string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(page, w) {
			t.Errorf("the page lacks %q", w)
		}
	}
}

func never(t *testing.T, page string, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(page, w) {
			t.Errorf("the page has %q", w)
		}
	}
}

func TestMigrationPage(t *testing.T) {
	t.Parallel()
	page := render(t, func(w io.Writer) error {
		return newPages(t).Migration(w, example().Migrations[0], "1.2.3", noon)
	})
	wants(t, page, "/base/static/style.css", `href="/base/m"`, "/base/docs/preconditions#privileges",
		"acme is not ready", "Not ready: 1 fail, 1 unknown", "&lt;script&gt;",
		"<pre tabindex=\"0\"><bdi>GRANT INSERT ON `a_b`.* TO &#39;m&#39;@&#39;%&#39;;</bdi></pre>", "the server says 1142",
		"evaluated 30 s ago, in 12.3ms", "fail since 2026-11-01 11:59:30 UTC (30 s ago)",
		"1 change in the last 1 h 0 min, now fail", "jane", "expires before the cutover", "(expired)",
		"Magento 1: database magento_1 at db1:3306 as mig@%, MariaDB 10.11.19",
		"Magento 2: database magento2 at db2:3306 as mig, not reached", "2026-12-01 12:00:00 UTC</time> (in 30 days)",
		`<li class="now" aria-current="step">prepare`, "/base/migrations/acme/report.html")
	never(t, page, "<script>alert", "\x1b", "\u202e", "style=", "onclick", "<no value>", "ZgotmplZ")
	if fail, warn := strings.Index(page,
		"INSERT is missing</bdi>"), strings.Index(page, "&lt;script&gt;"); fail > warn {
		t.Error("a warning stands before a failure")
	}
}

func TestOverviewPage(t *testing.T) {
	t.Parallel()
	page := render(t, func(w io.Writer) error { return newPages(t).Overview(w, example(), Filter{Search: `"><b>`}) })
	wants(t, page, "0 of 2 match.", "No migration matches", `value="&#34;&gt;&lt;b&gt;"`)
	page = render(t, func(w io.Writer) error { return newPages(t).Overview(w, example(), Filter{}) })
	wants(t, page, "1 of 2 not ready, 1 ready.", "INSERT is missing", `href="/base/migrations/acme#privileges"`,
		"1 fail, 1 unknown, 1 waived, 1 pass", "cutover 2026-12-01 12:00 UTC (in 30 days)")
	never(t, page, "GRANT INSERT", "style=", "ZgotmplZ", "ENGINE")
}

// many makes migrations that differ in status, phase and cutover.
func many(n int) Readiness {
	d := Readiness{Version: "1", GeneratedAt: noon}
	for i := range n {
		m := MigrationReadiness{Name: fmt.Sprintf("shop-%04d", i), Ready: i%4 == 0, Phase: "prepare"}
		if i%2 == 0 {
			at := noon.Add(time.Duration(n-i) * time.Hour)
			m.Cutover = &at
		}
		for j, p := range precondition.All() {
			at := noon.Add(-time.Duration(j) * time.Second)
			status := finding.Pass
			if j < 5 && !m.Ready {
				status = []finding.Status{finding.Fail, finding.Unknown, finding.Fail}[i%4-1]
			}
			if j == 7 && i%8 == 0 {
				status = finding.Warn
			}
			m.Preconditions = append(m.Preconditions, PreconditionReadiness{
				ID: p.ID, Title: p.Title, Status: status, Summary: "what was seen of " + p.Title,
				EvaluatedAt: &at, DocsURL: p.DocsURL(),
				History: history.Log{
					{At: noon.Add(-time.Hour), Status: finding.Pass},
					{At: noon.Add(-time.Minute), Status: status},
				},
				Findings: []finding.Finding{
					{
						Status:   status,
						Subject:  "it",
						Summary:  "it is so",
						Evidence: strings.Repeat("evidence ", 10),
						Remedy:   "As an administrator:\nGRANT x;",
					},
				},
			})
		}
		d.Migrations = append(d.Migrations, m)
	}
	return d
}

var rowID = regexp.MustCompile(`id="m-(shop-\d+)"`)

func rows(t *testing.T, d Readiness, query string) (names []string, page string) {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	f, err := newPages(t).ParseFilter(values, noon)
	if err != nil {
		t.Fatal(err)
	}
	page = render(t, func(w io.Writer) error { return newPages(t).Overview(w, d, f) })
	for _, m := range rowID.FindAllStringSubmatch(page, -1) {
		names = append(names, m[1])
	}
	return names, page
}

func TestOverviewOfThousand(t *testing.T) {
	t.Parallel()
	d := many(1000)
	all := map[string]bool{}
	for page := 1; page <= 10; page++ {
		names, _ := rows(t, d, fmt.Sprintf("page=%d", page))
		if len(names) != 100 {
			t.Fatalf("page %d has %d rows", page, len(names))
		}
		for _, name := range names {
			all[name] = true
		}
	}
	if len(all) != 1000 {
		t.Errorf("the pages show %d migrations", len(all))
	}
	first, page := rows(t, d, "")
	if first[0] != "shop-0001" { // fails, has no cutover; those that fail have none, see many
		t.Errorf("the first row is %s", first[0])
	}
	wants(t, page, "Page 1 of 10", `href="/base/?page=2"`, `<ol class="migrations compact" start="1"`, "and 2 more",
		"750 of 1000 not ready, 250 ready.")
	_, page = rows(t, d, "page=10")
	wants(t, page, `start="901"`, `href="/base/?page=9"`)
	if past, _ := rows(t, d, "page=99"); len(past) != 100 {
		t.Errorf("a page past the last has %d rows", len(past))
	}
	for query, want := range map[string]int{
		"search=shop-099": 10, "search=SHOP-0999": 1, "status=blocked&search=00": 75, "status=ready&search=shop-000": 3,
		"status=warn&search=shop-000":                         2,
		"precondition=backup&status=ready&search=shop-000":    10,
		"precondition=network&status=blocked&search=shop-000": 7,
		"precondition=network&search=shop-000":                10, "search=nothing": 0,
	} {
		if names, page := rows(t, d, query); len(names) != want ||
			!strings.Contains(page, fmt.Sprintf("%d of 1000 match.", want)) {
			t.Errorf("%s: %d rows, want %d", query, len(names), want)
		}
	}
	_, page = rows(t, d, "status=blocked&precondition=network&page=2")
	wants(t, page, `href="/base/?page=3&amp;precondition=network&amp;status=blocked"`,
		`<option value="blocked" selected>`)
}

func TestOverviewOrder(t *testing.T) {
	t.Parallel()
	with := func(name string, s finding.Status, cutover time.Duration) MigrationReadiness {
		m := MigrationReadiness{
			Name:          name,
			Ready:         s.Ready(),
			Preconditions: []PreconditionReadiness{{ID: "network", Status: s}},
		}
		if cutover != 0 {
			at := noon.Add(cutover)
			m.Cutover = &at
		}
		return m
	}
	d := Readiness{Migrations: []MigrationReadiness{
		with(
			"shop-1",
			finding.Pass,
			0,
		), with("shop-2", finding.Warn, 0), with("shop-3", finding.Unknown, time.Hour), with("shop-4", finding.Fail, 0),
		with("shop-5", finding.Fail,
			2*time.Hour), with("shop-6", finding.Fail, time.Hour), with("shop-7", finding.Waived, time.Minute),
	}}
	names, _ := rows(t, d, "")
	if want := []string{"shop-6", "shop-5", "shop-4", "shop-3", "shop-2", "shop-7", "shop-1"}; !slices.Equal(names,
		want) {
		t.Errorf("got %v, want %v", names, want)
	}
}

func TestParseFilterRefuses(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"status=sad":                        `status="sad": expected one of blocked`,
		"precondition=no":                   `precondition="no"`,
		"page=0":                            `page="0"`,
		"page=x":                            `page="x"`,
		"since=sad":                         `since="sad": expected a duration`,
		"search=" + strings.Repeat("x", 64): "63 characters",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newPages(t).ParseFilter(values, noon); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	pages := newPages(f)
	f.Add("search=a&status=fail&precondition=backup&page=2&since=24h")
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		filter, err := pages.ParseFilter(values, noon)
		if err != nil {
			return
		}
		again, err := url.ParseQuery(strings.TrimPrefix(filter.query(filter.Page), "?"))
		if err != nil {
			t.Fatal(err)
		}
		if back, err := pages.ParseFilter(again, noon); err != nil || back.Search != filter.Search ||
			back.Status != filter.Status || !back.ChangedSince.Equal(filter.ChangedSince) ||
			max(1, back.Page) != max(1, filter.Page) {
			t.Errorf("%+v became %+v, %v", filter, back, err)
		}
	})
}

// TestOverviewOfCauses counts what blocks, and links to the migrations that it blocks.
func TestOverviewOfCauses(t *testing.T) {
	t.Parallel()
	d := many(12)
	page := render(t, func(w io.Writer) error { return newPages(t).Overview(w, d, Filter{}) })
	wants(t, page, "What blocks", `href="/base/?precondition=network&amp;status=blocked">Network access</a>: 9 migrations`)
	never(t, page, "what was seen of Network access", "New entities in Magento 2</a>: ")
	one := render(t, func(w io.Writer) error {
		return newPages(t).Overview(w, Readiness{GeneratedAt: noon, Migrations: d.Migrations[1:2]}, Filter{})
	})
	wants(t, one, "what was seen of Network access")
	never(t, one, "What blocks")
}

// TestRefusedReload shows on each page why the configuration was refused, as long as it is.
func TestRefusedReload(t *testing.T) {
	t.Parallel()
	pages := newPages(t)
	var err error
	pages.ShowRefused(func() error { return err })
	all := func() string {
		return render(t, func(w io.Writer) error { return pages.Overview(w, example(), Filter{}) }) +
			render(t, func(w io.Writer) error { return pages.Migration(w, example().Migrations[0], "1", noon) }) +
			render(t, func(w io.Writer) error { return pages.Cutover(w, example().Migrations[0], "1", noon) })
	}
	never(t, all(), "refused")
	err = errors.New("exporter.yml:3:3: unknown key <b>")
	if n := strings.Count(all(), "<bdi>exporter.yml:3:3: unknown key &lt;b&gt;</bdi>"); n != 3 {
		t.Errorf("%d of 3 pages say why", n)
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	for at, want := range map[time.Time]string{
		time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC): "2026-12-31 (the whole day, UTC)",
		noon: "2026-11-01 12:00:00 UTC",
	} {
		if got := until(at); got != want {
			t.Errorf("%s is %q, want %q", at, got, want)
		}
	}
}

func TestBeforeTheFirstEvaluation(t *testing.T) {
	t.Parallel()
	d := Readiness{
		GeneratedAt: noon,
		Migrations: []MigrationReadiness{
			{
				Name:          "new",
				Preconditions: []PreconditionReadiness{{ID: "network", Title: "Network", Summary: "not evaluated yet"}},
			},
		},
	}
	wants(t, render(t, func(w io.Writer) error { return newPages(t).Migration(w, d.Migrations[0], "1", noon) }),
		"new is not evaluated yet", "Not ready: not evaluated yet")
	wants(t, render(t, func(w io.Writer) error { return newPages(t).Overview(w, d, Filter{}) }), "not evaluated yet",
		"1 of 1 not ready, none ready.")
}

func TestHTMLReport(t *testing.T) {
	t.Parallel()
	page := render(t, func(w io.Writer) error { return HTML(w, example()) })
	wants(t, page, "Checked at", "2026-11-01 12:00:00 UTC", "magento_migration_exporter 1.2.3", "MariaDB 10.11.19",
		"GRANT INSERT", "&lt;script&gt;", "--paper", `id="acme-privileges"`, `<details id="acme-network-notes" open>`,
		"done: ", "default-src 'none'")
	never(t, page, "<script", "<link", "<img", "src=", "/docs/", "<button type=\"button\" id", "\x1b", "ZgotmplZ",
		"<no value>")
}

func TestStatic(t *testing.T) {
	t.Parallel()
	p := newPages(t)
	get := func(file, etag string) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/static/"+file, http.NoBody)
		r.SetPathValue("file", file)
		r.Header.Set("If-None-Match", etag)
		w := httptest.NewRecorder()
		p.Static(w, r)
		return w.Result()
	}
	for file, kind := range map[string]string{
		"style.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml",
	} {
		first := get(file, "")
		if first.StatusCode != http.StatusOK || !strings.HasPrefix(first.Header.Get("Content-Type"), kind) {
			t.Errorf("%s: %d %v", file, first.StatusCode, first.Header)
		}
		if again := get(file, first.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %d", file, again.StatusCode)
		}
	}
	for _, file := range []string{"overview.html", "../pages.go", ""} {
		if got := get(file, ""); got.StatusCode != http.StatusNotFound {
			t.Errorf("%q: %d", file, got.StatusCode)
		}
	}
}

func TestNoDocs(t *testing.T) {
	t.Parallel()
	p, err := NewPages(precondition.All(), "", "/metrics", fstest.MapFS{})
	if err != nil || p.HasDoc("preconditions") || p.HasDoc("") {
		t.Errorf("%v", err)
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                      "0 s",
		499 * time.Millisecond: "0 s",
		59 * time.Second:       "59 s",
		61 * time.Second:       "1 min",
		time.Hour + 59*time.Minute + 59*time.Second: "1 h 59 min",
		47 * time.Hour: "47 h 0 min",
		48 * time.Hour: "2 days",
	} {
		if got := finding.Duration(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

var (
	tags       = regexp.MustCompile(`</?([a-zA-Z]+)`)
	attributes = regexp.MustCompile(`<[a-z][^>]*?\s(on\w+|style|srcdoc)=`)
	quoted     = regexp.MustCompile(`="[^"]*"`)
)

// FuzzPages puts a text into every field and lets no more tags come out than the templates have.
func FuzzPages(f *testing.F) {
	f.Add(`"><script>alert(1)</script>`)
	f.Add("{{.}}\x00\u202e' onload=x &lt;")
	pages, err := NewPages(precondition.All(), "", "/metrics", fstest.MapFS{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		one := finding.Finding{
			Status:   finding.Fail,
			Subject:  text,
			Summary:  text,
			Evidence: text,
			Remedy:   "x:\n" + text,
		}
		m := MigrationReadiness{
			Name:        "acme",
			PhaseReason: text,
			Servers: []evidence.Server{
				{System: "magento1", Address: text, Database: text, Account: text, Version: text},
			},
			Preconditions: []PreconditionReadiness{{
				ID: "network", Title: "Network", Status: finding.Fail, Summary: text,
				EvaluatedAt: &noon, DocsURL: "/docs/preconditions#network",
				Findings: []finding.Finding{
					one,
				}, Waivers: []WaiverReadiness{{Subject: text, Reason: text, Owner: text}},
			}},
		}
		d := Readiness{Version: "1", Migrations: []MigrationReadiness{m}}
		page := render(t, func(w io.Writer) error { return pages.Migration(w, m, "1", noon) }) +
			render(t, func(w io.Writer) error { return pages.Overview(w, d, Filter{Search: text}) }) +
			render(t, func(w io.Writer) error { return writeHTML(w, pages.templates, d) })
		harmless := []string{
			"a",
			"article",
			"bdi",
			"body",
			"button",
			"dd",
			"desc",
			"details",
			"div",
			"dl",
			"dt",
			"figcaption",
			"figure",
			"footer",
			"form",
			"h",
			"head",
			"header",
			"html",
			"input",
			"label",
			"li",
			"link",
			"main",
			"meta",
			"nav",
			"ol",
			"option",
			"p",
			"pre",
			"script",
			"section",
			"select",
			"span",
			"strong",
			"style",
			"summary",
			"svg",
			"symbol",
			"path",
			"polyline",
			"text",
			"circle",
			"table",
			"thead",
			"tbody",
			"tr",
			"th",
			"td",
			"br",
			"code",
			"rect",
			"time",
			"title",
			"ul",
			"use",
			"wbr",
		}
		for _, tag := range tags.FindAllStringSubmatch(page, -1) {
			if !slices.Contains(harmless, tag[1]) {
				t.Errorf("a tag %s", tag[0])
			}
		}
		// Both pages load one script; the report none.
		bare := quoted.ReplaceAllString(page, `=""`)
		if n := strings.Count(page, "<script"); n != 2 || attributes.MatchString(bare) ||
			strings.ContainsAny(page, "\x00\x1b\u202e\u2066") {
			t.Errorf("%d scripts, attributes %q", n, attributes.FindAllString(bare, -1))
		}
	})
}

func BenchmarkOverview(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p, d := newPages(b), many(n)
			for b.Loop() {
				if err := p.Overview(io.Discard, d, Filter{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMigration(b *testing.B) {
	p, d := newPages(b), many(2)
	for b.Loop() {
		if err := p.Migration(io.Discard, d.Migrations[1], "1", noon); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHTMLOf100 renders everything that is known of 100 migrations.
func BenchmarkHTMLOf100(b *testing.B) {
	d := many(100)
	for b.Loop() {
		if err := HTML(io.Discard, d); err != nil {
			b.Fatal(err)
		}
	}
}
