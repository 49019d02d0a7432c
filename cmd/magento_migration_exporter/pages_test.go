package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// hostile are texts that a database or file can hold.
var hostile = []string{
	`<script>document.title = "taken"</script>`, `"><img src=x onerror="document.title='taken'">`, "'); alert(1); ('", "{{.}} ${1} %s",
	"\u202etxt.exe\u202c \u2066x\u2069", "שלום עולם", "\x1b[31mred\x07", strings.Repeat("x", 10<<10), strings.Repeat("<b>", 3<<10),
}

// site is the exporter's HTTP surface over a board that the test writes on.
type site struct {
	t          *testing.T
	handler    http.Handler
	board      *collector.Board
	migrations []*config.Migration
	server     *httptest.Server
	// prepare is true before data was migrated.
	prepare bool
}

func newSite(t *testing.T, migrations ...config.Migration) *site {
	t.Helper()
	s := newSiteAt(t, "", migrations...)
	s.server = httptest.NewServer(s.handler)
	t.Cleanup(s.server.Close)
	return s
}

func newSiteAt(t *testing.T, externalURL string, migrations ...config.Migration) *site {
	t.Helper()
	catalogue := precondition.All()
	expositor := exposition.NewExpositor(catalogue)
	s := &site{t: t, board: collector.NewBoard(catalogue, expositor.Render)}
	s.migrations = s.board.Configure(migrations)
	logger := slog.New(slog.DiscardHandler)
	evaluator := collector.NewEvaluator(collector.EvaluatorOptions{Board: s.board, Logger: logger, Now: time.Now})
	var err error
	s.handler, err = newHandler(handlerOptions{
		catalogue: catalogue, expositor: expositor, board: s.board, evaluator: evaluator, reload: newReloader("", config.Default(), nil, nil, logger), logger: logger, now: time.Now, telemetryPath: "/metrics", externalURL: externalURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// publish makes every precondition of a migration pass but those that are named.
func (s *site) publish(migration int, at time.Time, except map[string][]finding.Finding) {
	s.t.Helper()
	e := collector.Evaluation{
		Phase: config.PhaseMigrate, PhaseReason: "sales_order has the ids 1 to 9 in both systems",
		Servers: []evidence.Server{{System: "magento1", Address: "db1.example.com:3306", Database: "magento1", Account: "migration@10.0.0.%", Version: "MariaDB 10.11.19"}},
	}
	if s.prepare {
		e.Phase, e.PhaseReason = config.PhasePrepare, "Magento 2 holds none of Magento 1's data"
	}
	for _, p := range precondition.All() {
		r := finding.Result{
			Status: finding.Pass, Summary: "it is as it should be", EvaluatedAt: at, Duration: 12 * time.Millisecond,
			Findings: []finding.Finding{{Status: finding.Pass, Summary: "a note on what was seen", Evidence: "the evidence"}},
		}
		if findings, ok := except[p.ID]; ok {
			r.Status, r.Summary, r.Findings = findings[0].Status, findings[0].Summary, slices.Concat(findings, r.Findings)
		}
		e.Results = append(e.Results, r)
	}
	s.board.Publish(s.migrations[migration], e, at)
}

func failing(summary string) []finding.Finding {
	return []finding.Finding{{Status: finding.Fail, Subject: "INSERT", Summary: summary, Evidence: "the server answers 1142", Remedy: "As an administrator:\nGRANT INSERT ON `m2`.* TO 'migration'@'%';"}}
}

// TestInABrowser is not parallel, because a browser takes all the time of small machines.
func TestInABrowser(t *testing.T) {
	ctx, axe := startBrowser(t), axeSource(t)
	for name, look := range map[string]func(*testing.T, *tab, string){
		"states": testStates, "thousand": testThousand, "hostile": testHostile, "real": testHostileDatabases,
		"keyboard": testKeyboard, "refresh": testRefresh, "without scripts": testWithoutScripts, "reports and print": testReports, "docs": testDocsPages, "pictures": testPictures, "prefix": testBehindAPrefix,
	} {
		t.Run(name, func(t *testing.T) { look(t, openTab(t, ctx), axe) })
	}
}

func testStates(t *testing.T, b *tab, axe string) {
	cutover := time.Now().Add(400 * time.Hour)
	s := newSite(t,
		config.Migration{Name: "ready", Cutover: &cutover},
		config.Migration{Name: "blocked", Cutover: &cutover, Waivers: []config.Waiver{{Precondition: "extensions", Subject: "aw_blog_setup", Reason: "moves to WordPress", Owner: "jane", Expires: config.Expiry{Time: time.Now().Add(time.Hour)}}}},
		config.Migration{Name: "unknown"}, config.Migration{Name: "new"})
	now := time.Now()
	s.publish(0, now, nil)
	s.publish(1, now.Add(-time.Hour), nil)
	s.publish(1, now, map[string][]finding.Finding{
		"privileges": failing("the account lacks INSERT on Magento 2's database"), "extensions": {{Status: finding.Warn, Subject: "aw_blog_setup", Summary: "nobody decided on AW_Blog", Remedy: "Decide."}},
	})
	s.publish(2, now, map[string][]finding.Finding{"topology": {{Status: finding.Unknown, Summary: "no node is declared", Remedy: "Declare them."}}})
	for path, want := range map[string]string{
		"/":                   "3 of 4 not ready, 1 ready.",
		"/migrations/ready":   "Nothing stands in the way of the migration.",
		"/migrations/blocked": "1 precondition fails.",
		"/migrations/unknown": "Nothing fails, but 1 precondition cannot be told.",
		"/migrations/new":     "The first evaluation has not ended.",
	} {
		b.open(s.server.URL + path)
		if text := evaluate[string](b, "document.body.innerText"); !strings.Contains(text, want) {
			t.Errorf("%s lacks %q: %.300s", path, want, text)
		}
		b.audit(axe)
		b.screenshot("page" + strings.ReplaceAll(path, "/", "-"))
		b.fits(path)
	}
	b.open(s.server.URL + "/migrations/blocked")
	b.is(`document.querySelector(".phases [aria-current=step]").firstChild.data === "migrate"`)
	b.is(`document.querySelectorAll("article.precondition").length === ` + fmt.Sprint(len(precondition.All())))
	b.is(`document.querySelector("#privileges .strip").getAttribute("aria-label") === "1 change in the last 1 h 0 min, now fail"`)
	b.is(`document.querySelector("#extensions .waiver").innerText.includes("jane")`)
	b.is(`document.querySelector("ol.changes").innerText.includes("went from  pass to  fail")`)
	b.scheme("dark")
	b.screenshot("page-migrations-blocked-dark")
}

// fits checks that nothing has to be scrolled sideways, on a phone too.
func (b *tab) fits(path string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(360, 740))
	if over := evaluate[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
		b.t.Errorf("%s is %d pixels wider than a phone", path, over)
	}
	b.screenshot("phone" + strings.ReplaceAll(path, "/", "-"))
	b.do(chromedp.EmulateViewport(1280, 900))
}

func testThousand(t *testing.T, b *tab, axe string) {
	var migrations []config.Migration
	for i := range 1000 {
		migrations = append(migrations, config.Migration{Name: fmt.Sprintf("shop-%04d", i)})
	}
	s := newSite(t, migrations...)
	for i := range migrations {
		except := map[string][]finding.Finding{}
		if i%10 == 0 {
			except["backup"] = failing("there is no backup")
		}
		s.publish(i, time.Now(), except)
	}
	b.open(s.server.URL)
	b.is(`document.querySelectorAll(".row").length === 100`)
	b.is(`document.querySelector(".lead").innerText === "100 of 1000 not ready, 900 ready."`)
	b.is(`[...document.querySelectorAll(".row")].every(r => r.innerText.includes("there is no backup"))`)
	b.audit(axe)
	b.screenshot("page-thousand")
	b.fits("-thousand")
	b.click("#next")
	b.eventually(`document.querySelector(".pager").innerText.includes("Page 2 of 10")`)
	b.is(`document.querySelector(".row h2").innerText === "shop-0001"`)
}

func testHostile(t *testing.T, b *tab, axe string) {
	s := newSite(t, config.Migration{Name: "acme", Waivers: []config.Waiver{{Precondition: "backup", Subject: hostile[0], Reason: hostile[1], Owner: hostile[4], Expires: config.Expiry{Time: time.Now().Add(time.Hour)}}}})
	var findings []finding.Finding
	for _, text := range hostile {
		findings = append(findings, finding.Finding{Status: finding.Fail, Subject: text, Summary: text, Evidence: text, Remedy: text + "\n" + text})
	}
	except := map[string][]finding.Finding{"extensions": findings}
	for i, p := range precondition.All()[:len(hostile)] {
		if p.ID != "extensions" {
			except[p.ID] = findings[i : i+1]
		}
	}
	s.publish(0, time.Now(), except)
	for _, path := range []string{"/", "/migrations/acme"} {
		b.open(s.server.URL + path)
		b.is(`!document.title.includes("taken")`)
		b.is(`document.querySelectorAll("main img, main script, main b, [onerror]").length === 0`)
		b.is(`!/[\u202a-\u202e\u2066-\u2069\u0007\u001b]/.test(document.documentElement.outerHTML)`)
		b.is(`document.body.innerText.includes("<script>document.title")`)
		b.fits(path + "hostile")
		b.audit(axe)
	}
	b.is(`document.querySelector("#extensions").textContent.includes("x".repeat(10240))`)
	b.screenshot("page-hostile")
}

// testHostileDatabases lets the whole way be taken, from a server's answer to the page.
func testHostileDatabases(t *testing.T, b *tab, axe string) {
	// The longest that MySQL takes are 64 characters.
	for name, schema := range map[string]string{"<script>alert(1)</script>": mysqltest.Magento1(""), "\"'`שלום": mysqltest.Magento2("")} {
		if err := server.Load(t.Context(), name, schema); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Exec(t.Context(), "INSERT INTO `<script>alert(1)</script>`.core_resource (code, version) VALUES ('<img src=x onerror=alert(1)>', '1'), ('\u202eevil_setup', '1')"); err != nil {
		t.Fatal(err)
	}
	login := fmt.Sprintf("host: 127.0.0.1, port: %d, user: tool, password: pa55", server.Port())
	d := startDaemon(t, writeConfig(t, fast+fmt.Sprintf(`
  - name: hostile
    magento1: {database: {name: "<script>alert(1)</script>", %[1]s}}
    magento2: {database: {name: "\"'%[2]sשלום", %[1]s}}
    preconditions: {cron_stopped: {crontabs: [], processes: false}}
  - name: absent
    magento1: {database: {name: "<svg onload=alert(1)>", %[1]s}}`, login, "`")))
	d.ready()
	b.open(d.base + "/migrations/hostile")
	b.is(`document.querySelector("#network").classList.contains("pass")`)
	b.is(`document.querySelector(".facts").innerText.includes("<script>alert(1)</script>")`)
	b.is(`document.querySelector("#extensions").innerText.includes("<img src=x onerror=alert(1)>")`)
	b.is(`!document.documentElement.outerHTML.includes("\u202e")`)
	b.audit(axe)
	b.screenshot("page-hostile-databases")
	b.open(d.base + "/migrations/absent")
	b.is(`document.querySelector("#network").innerText.includes("<svg onload=alert(1)>")`)
	b.is(`document.querySelectorAll("[onload]").length === 0`)
	d.stop()
}

func testKeyboard(t *testing.T, b *tab, _ string) {
	s := newSite(t, config.Migration{Name: "acme"}, config.Migration{Name: "other"})
	s.publish(0, time.Now(), map[string][]finding.Finding{"privileges": failing("INSERT is missing")})
	s.publish(1, time.Now(), nil)
	focus := func() string {
		return evaluate[string](b, "document.activeElement.id || document.activeElement.className || document.activeElement.innerText")
	}
	tabs := func(want ...string) {
		t.Helper()
		for _, w := range want {
			b.keys(kb.Tab)
			if got := focus(); got != w {
				t.Errorf("Tab leads to %q, want %q", got, w)
			}
			b.is(`getComputedStyle(document.activeElement).outlineStyle !== "none"`)
		}
	}
	b.open(s.server.URL)
	tabs("skip")
	b.keys(kb.Enter)
	b.is(`document.activeElement.id === "main"`)
	tabs("search")
	b.keys("o", "t", "h", kb.Enter)
	b.eventually(`location.search.includes("search=oth") && document.readyState === "complete"`)
	b.is(`document.querySelectorAll(".row").length === 1`)
	b.open(s.server.URL)
	tabs("skip", "home", "Documentation", "Metrics", "JSON", "search", "status", "precondition", "filter", "a-acme", "a-acme-privileges", "a-other", "report-html", "report-json", "pause")
	b.open(s.server.URL)
	tabs("skip")
	b.keys(kb.Enter)
	tabs("search", "status", "precondition", "filter", "a-acme", "a-acme-privileges")
	b.keys(kb.Enter)
	b.eventually(`location.pathname === "/migrations/acme" && location.hash === "#privileges" && document.readyState === "complete"`)

	b.do(func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		for _, name := range []string{"clipboard-read", "clipboard-write"} {
			if _, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, Origin: s.server.URL}); err != nil {
				return chromedp.Void{}, err
			}
		}
		return chromedp.Void{}, nil
	})
	for range 60 {
		if focus() == "copy" && evaluate[bool](b, `document.activeElement.closest(".command") !== null`) {
			break
		}
		b.keys(kb.Tab)
	}
	b.keys(kb.Enter)
	b.eventually(`document.getElementById("notice").innerText === "Copied."`)
	if got := evaluate[string](b, "navigator.clipboard.readText()"); got != "GRANT INSERT ON `m2`.* TO 'migration'@'%';" {
		t.Errorf("copied %q", got)
	}
	b.is(`document.activeElement.textContent === "Copied"`)
	tabs("What else was seen (1)", "privileges-docs")
}

func testRefresh(t *testing.T, b *tab, _ string) {
	s := newSite(t, config.Migration{Name: "acme"})
	begin := time.Now().Add(-time.Hour)
	s.publish(0, begin, nil)
	b.open(s.server.URL + "/migrations/acme")
	b.is(`document.title.startsWith("acme is ready")`)
	evaluate[bool](b, `document.querySelector("#backup-notes").open = true; document.querySelector("#backup-docs").focus(); scrollTo(0, 900); window.before = document.querySelector("#backup"); true`)
	scrolled := evaluate[float64](b, "scrollY")

	s.publish(0, time.Now(), map[string][]finding.Finding{"migration_tool": failing("the tool is not installed")})
	b.wake()
	b.eventually(`document.title.startsWith("acme is not ready")`)
	b.is(`document.getElementById("notice").innerText.startsWith("acme is not ready")`)
	b.is(`document.querySelector("#migration_tool").classList.contains("fail")`)
	b.is(`document.querySelector("#migration_tool .copy").hidden === false`)
	b.is(`document.activeElement.id === "backup-docs"`)
	b.is(`document.querySelector("#backup-notes").open && !document.querySelector("#network-notes").open`)
	b.is(`document.querySelector("#backup") === window.before`)
	if got := evaluate[float64](b, "scrollY"); got == 0 || scrolled == 0 {
		t.Errorf("scrolled to %v, was %v", got, scrolled)
	}

	evaluate[bool](b, `Object.defineProperty(document, "hidden", {value: true, configurable: true}); true`)
	asked := b.requested()
	b.wake()
	evaluate[bool](b, `Object.defineProperty(document, "hidden", {value: false, configurable: true}); document.getElementById("pause").click(); true`)
	b.wake()
	time.Sleep(200 * time.Millisecond)
	if got := b.requested(); got != asked {
		t.Errorf("%d requests while the page was hidden or paused", got-asked)
	}
	b.is(`document.getElementById("pause").getAttribute("aria-pressed") === "true"`)

	s.publish(0, time.Now(), nil)
	evaluate[bool](b, `document.getElementById("pause").click(); true`)
	b.eventually(`document.title.startsWith("acme is ready")`)
	b.is(`document.querySelector("ol.changes").children.length === 2`)

	s.server.Close()
	b.wake()
	b.eventually(`document.getElementById("notice").innerText.startsWith("The exporter does not answer. What is shown is as of 20")`)
	b.screenshot("page-lost")
}

// wake does what coming back to the tab does.
func (b *tab) wake() {
	b.t.Helper()
	evaluate[bool](b, `document.dispatchEvent(new Event("visibilitychange"))`)
}

func testWithoutScripts(t *testing.T, b *tab, _ string) {
	s := newSite(t, config.Migration{Name: "acme"}, config.Migration{Name: "other"})
	s.publish(0, time.Now(), map[string][]finding.Finding{"privileges": failing("INSERT is missing")})
	s.publish(1, time.Now(), nil)
	b.withoutScripts()
	b.open(s.server.URL)
	b.do(chromedp.SetValue(chromedp.ID("status"), "ready"))
	b.click("#filter")
	b.do(chromedp.WaitVisible(chromedp.ID("clear")))
	b.is(`document.querySelectorAll(".row").length === 1 && document.querySelector(".row h2").innerText === "other"`)
	b.is(`document.getElementById("status").value === "ready"`)
	b.open(s.server.URL + "/migrations/acme")
	b.is(`[...document.querySelectorAll("button")].every(b => b.offsetParent === null)`)
	b.is(`document.querySelector("#privileges .command pre").innerText.startsWith("GRANT INSERT")`)
	b.click("#network-notes summary")
	b.is(`document.querySelector("#network-notes").open`)
}

func testReports(t *testing.T, b *tab, axe string) {
	s := newSite(t, config.Migration{Name: "acme"})
	s.publish(0, time.Now(), map[string][]finding.Finding{"privileges": failing("INSERT is missing")})
	b.open(s.server.URL + "/migrations/acme")
	b.media("print")
	b.is(`getComputedStyle(document.querySelector(".site nav")).display === "none" && document.querySelector("#network-notes .findings").checkVisibility({contentVisibilityAuto: true})`)
	b.screenshot("print")
	b.media("")

	resp, err := s.server.Client().Get(s.server.URL + "/migrations/acme/report.html")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment; filename=magento-migration-readiness-acme-20") {
		t.Errorf("Content-Disposition is %q", got)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	asked := b.requested()
	b.open("file://" + file)
	if got := b.requested() - asked; got != 1 {
		t.Errorf("the report made %d requests", got)
	}
	b.is(`document.body.innerText.includes("Checked at 20") && document.body.innerText.includes("db1.example.com:3306") && document.body.innerText.includes("a note on what was seen")`)
	b.is(`getComputedStyle(document.querySelector(".verdict")).borderLeftWidth === "10px"`)
	b.audit(axe)
	b.screenshot("report")
	b.fits("-report")
}

func testDocsPages(t *testing.T, b *tab, axe string) {
	s := newSite(t, config.Migration{Name: "acme"})
	b.open(s.server.URL + "/docs/")
	for _, page := range evaluate[[]string](b, `[...document.querySelectorAll("main article a")].map(a => a.href).filter(h => h.startsWith(location.origin))`) {
		b.open(page)
		b.is(`document.querySelectorAll("h1").length === 1`)
		b.is(`[...document.querySelectorAll("main a[href^='#']")].every(a => document.getElementById(decodeURIComponent(a.hash.slice(1))))`)
		b.audit(axe)
		b.fits(strings.TrimPrefix(page, s.server.URL))
	}
	b.screenshot("docs")
	b.open(s.server.URL + "/migrations/acme")
	b.click("#backup-docs")
	b.eventually(`location.pathname === "/docs/preconditions" && location.hash === "#backup" && document.querySelector(":target")?.id === "backup"`)
}

// testPictures makes the pictures of the README when it is told to, and else only looks whether they are there and small.
func testPictures(t *testing.T, b *tab, _ string) {
	dir := filepath.Join(repository(t), "docs", "images")
	if *update {
		drawPictures(t, b, dir)
	}
	for _, name := range []string{"overview.png", "migration.png"} {
		picture, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(picture, []byte("\x89PNG")) || len(picture) > 150<<10 {
			t.Errorf("%s has %d bytes", name, len(picture))
		}
	}
}

func drawPictures(t *testing.T, b *tab, dir string) {
	t.Helper()
	now := time.Now()
	soon, later := now.AddDate(0, 0, 9).Truncate(24*time.Hour), now.AddDate(0, 2, 0).Truncate(24*time.Hour)
	s := newSite(t, config.Migration{Name: "acme-de", Cutover: &soon}, config.Migration{Name: "acme-fr", Cutover: &later}, config.Migration{Name: "outlet"}, config.Migration{Name: "spare-parts"})
	s.prepare = true
	for i := range s.migrations {
		s.publish(i, now.Add(-20*time.Hour), nil)
	}
	trust := []finding.Finding{{
		Status: finding.Fail, Subject: "log_bin_trust_function_creators", Summary: "migrate:data would stop at \"setup triggers\" with error 1419: binary logging is on, and the account has no SUPER",
		Evidence: "MariaDB 10.11.19, log_bin = ON, log_bin_trust_function_creators = OFF, SUPER missing",
		Remedy:   "As an account with SUPER or BINLOG ADMIN:\nSET GLOBAL log_bin_trust_function_creators = 1;\nIt takes effect at once and is lost when the server restarts, so write it into its my.cnf as well:\n[mysqld]\nlog_bin_trust_function_creators = 1",
	}}
	entities := []finding.Finding{{Status: finding.Warn, Subject: "product", Summary: "Magento 2 has 3 new products"}}
	s.publish(0, now.Add(-9*time.Hour), map[string][]finding.Finding{"m2_entities": entities})
	s.publish(0, now.Add(-6*time.Hour), nil)
	s.publish(0, now.Add(-2*time.Hour), map[string][]finding.Finding{"binlog_trust": trust})
	s.publish(0, now.Add(-12*time.Second), map[string][]finding.Finding{"binlog_trust": trust})
	s.publish(1, now.Add(-31*time.Second), map[string][]finding.Finding{"topology": {{Status: finding.Unknown, Summary: "nobody declared magento2's web nodes"}}})
	s.publish(2, now.Add(-44*time.Second), map[string][]finding.Finding{"m2_entities": entities})
	s.publish(3, now.Add(-7*time.Second), nil)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, look := range map[string]struct {
		path   string
		height int64
		script string
	}{
		"overview.png": {"/", 690, "scrollTo(0, 0); true"}, "migration.png": {"/migrations/acme-de", 960, `[...document.querySelectorAll("article")].slice(0, 7).forEach(a => a.remove()); true`},
	} {
		b.do(chromedp.EmulateViewport(1000, look.height))
		b.scheme("light")
		b.open(s.server.URL + look.path)
		evaluate[bool](b, look.script)
		picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// testBehindAPrefix looks at the pages through a proxy that takes a path away.
func testBehindAPrefix(t *testing.T, b *tab, _ string) {
	s := newSiteAt(t, "https://monitoring.example.com/migration/", config.Migration{Name: "acme"})
	s.publish(0, time.Now(), nil)
	proxy := httptest.NewServer(http.StripPrefix("/migration", s.handler))
	t.Cleanup(proxy.Close)
	b.open(proxy.URL + "/migration/")
	b.is(`getComputedStyle(document.querySelector(".row")).display === "grid" && !document.getElementById("pause").hidden`)
	for _, way := range []struct{ click, path string }{
		{"#a-acme", "/migration/migrations/acme"}, {"#backup-docs", "/migration/docs/preconditions"}, {".home", "/migration/"}, {"#filter", "/migration/"}, {"nav[aria-label=Exporter] a", "/migration/docs/"},
		{"main article a", "/migration/docs/preconditions"},
	} {
		b.click(way.click)
		b.eventually(`location.pathname === "` + way.path + `" && document.readyState === "complete" && document.querySelector("main") !== null`)
	}
	b.open(proxy.URL + "/migration/")
	for _, path := range evaluate[[]string](b, `[...document.querySelectorAll("a[href], link[href], script[src]")].map(e => e.href || e.src)`) {
		if resp, err := proxy.Client().Get(path); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %v, %v", path, resp, err)
		} else {
			_ = resp.Body.Close()
		}
	}
}

func TestReportsAreServed(t *testing.T) {
	t.Parallel()
	s := newSite(t, config.Migration{Name: "acme"}, config.Migration{Name: "other"})
	s.publish(0, time.Now(), nil)
	for path, want := range map[string]struct {
		code                int
		kind, name, content string
	}{
		"/report.html":                  {200, "text/html; charset=utf-8", `^attachment; filename=magento-migration-readiness-\d{8}T\d{6}Z\.html$`, "other"},
		"/report.json":                  {200, "application/json", `^attachment; filename=magento-migration-readiness-\d{8}T\d{6}Z\.json$`, `"name": "other"`},
		"/migrations/acme/report.html":  {200, "text/html; charset=utf-8", `^attachment; filename=magento-migration-readiness-acme-\d{8}T\d{6}Z\.html$`, "Nothing stands in the way"},
		"/migrations/acme/report.json":  {200, "application/json", `^attachment; filename=magento-migration-readiness-acme-\d{8}T\d{6}Z\.json$`, `"servers"`},
		"/migrations/none/report.html":  {400, "text/plain; charset=utf-8", "^$", "none"},
		"/?status=sad":                  {400, "text/plain; charset=utf-8", "^$", `status="sad"`},
		"/?page=0":                      {400, "text/plain; charset=utf-8", "^$", `page="0"`},
		"/?status=ready&search=ac":      {200, "text/html; charset=utf-8", "^$", "1 of 2 match."},
		"/docs/":                        {200, "text/html; charset=utf-8", "^$", "preconditions"},
		"/migrations/other/report.json": {200, "application/json", "other", "not evaluated yet"},
	} {
		resp, err := s.server.Client().Get(s.server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != want.code || resp.Header.Get("Content-Type") != want.kind || !regexp.MustCompile(want.name).MatchString(resp.Header.Get("Content-Disposition")) || !strings.Contains(string(body), want.content) {
			t.Errorf("%s: %d %v: %.200s", path, resp.StatusCode, resp.Header, body)
		}
		if strings.HasPrefix(path, "/migrations/other") && strings.Contains(string(body), `"acme"`) {
			t.Errorf("%s has other migrations", path)
		}
	}
}

func TestCheckPrintsHTML(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"check", "--format=html", "--config.file=" + writeConfig(t, fast+entry("acme", "pa55", waived))}, &out, &errs)
	page := out.String()
	if code != exitReady || !strings.HasPrefix(page, "<!DOCTYPE html>") || !strings.HasSuffix(page, "</html>\n") || !strings.Contains(page, fmt.Sprintf("127.0.0.1:%d", server.Port())) {
		t.Errorf("exit code %d, %.300s, %s", code, page, errs.String())
	}
}
