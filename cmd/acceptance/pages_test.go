package acceptance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"magento_migration_exporter/collector/mysqltest"
)

// TestInABrowser is not parallel, because a browser takes all the time of small machines.
func TestInABrowser(t *testing.T) {
	ctx, axe := startBrowser(t), axeSource(t)
	for _, part := range []struct {
		name string
		look func(*testing.T, *tab, string)
	}{
		{"states", testStates}, {"thousand", testThousand}, {"hostile", testHostile}, {"keyboard", testKeyboard},
		{"refresh", testRefresh}, {"without scripts", testWithoutScripts}, {"reports and print", testReports},
		{"docs", testDocsPages}, {"prefix", testBehindAPrefix},
	} {
		t.Run(part.name, func(t *testing.T) { part.look(t, openTab(t, ctx), axe) })
	}
}

// silent is a server that accepts connections and says nothing.
func silent(t *testing.T) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

func testStates(t *testing.T, b *tab, axe string) {
	jane := newAccount(t, "jane")
	jane.grant()
	cutover := "    cutover: " + time.Now().Add(400*time.Hour).UTC().Format(time.RFC3339) + "\n"
	decided := waiver("precondition: extensions, subject: amshopby_setup, reason: moves, owner: jane")
	// Nothing is said of a migration for as long as its first login hangs, which is a third of an evaluation's time.
	d := start(t, strings.Replace(configuration(
		entry("ready", "tool", cutover, waived()), entry("blocked", "jane", cutover, waived(), decided),
		entry("unknown", "tool", waived("topology")), entry("night", "tool", "    phase: cutover\n", cutover),
		"  - name: new\n    magento1: {database: {name: x, host: 127.0.0.1, port: "+silent(t)+", user: x}}\n",
	), "evaluation_timeout: 10m", "evaluation_timeout: 10h", 1))
	d.shows("/migrations/blocked", "blocked is ready")
	jane.revoke()
	d.shows("/migrations/blocked", "blocked is not ready")
	d.shows("/migrations/ready", "ready is ready")
	d.shows("/migrations/unknown", "unknown is not ready")
	d.shows("/migrations/night", "night is not ready")
	for path, want := range map[string]string{
		"/":                   "4 of 5 not ready, 1 ready.",
		"/migrations/ready":   "Ready, with ",
		"/migrations/blocked": "Not ready: 1 fail",
		"/migrations/unknown": "Not ready: 1 unknown",
		"/migrations/new":     "Not ready: not evaluated yet",
		// The steps of a night, and what is said before.
		"/migrations/night/cutover": "Next: Close Magento 1.",
		"/migrations/ready/cutover": "from the phase delta on",
	} {
		b.open(d.base + path)
		if text := evaluate[string](b, "document.body.innerText"); !strings.Contains(text, want) {
			t.Errorf("%s lacks %q: %.300s", path, want, text)
		}
		b.audit(axe)
		b.screenshot("page" + strings.ReplaceAll(path, "/", "-"))
		b.fits(path)
	}
	b.open(d.base + "/migrations/blocked")
	b.is(`document.querySelector(".phases [aria-current=step]").firstChild.data === "prepare"`)
	b.is(`document.querySelectorAll("article.precondition").length === ` + fmt.Sprint(d.preconditions("blocked")))
	b.is(`/^1 change in the last .*, now fail$/.test(document.querySelector("#privileges .strip").ariaLabel)`)
	b.is(`[...document.querySelectorAll("#extensions .waiver")].some(w => w.innerText.includes("jane"))`)
	b.is(`document.querySelector("ol.changes").innerText.includes("changed from  pass to  fail")`)
	b.scheme("dark")
	b.screenshot("page-migrations-blocked-dark")
}

// preconditions counts those of a migration in the JSON.
func (d *daemon) preconditions(name string) int {
	d.t.Helper()
	var r struct {
		Migrations []struct {
			Preconditions []struct{ ID string }
		}
	}
	_, body := d.get("/api/v1/readiness?migration=" + name)
	if err := json.Unmarshal([]byte(body), &r); err != nil || len(r.Migrations) != 1 {
		d.t.Fatalf("%v: %s", err, body)
	}
	return len(r.Migrations[0].Preconditions)
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

// testThousand has few migrations with databases, so that most are blocked, and those come first.
func testThousand(t *testing.T, b *tab, axe string) {
	const ready = 5
	var migrations []string
	for i := range 1000 {
		name := fmt.Sprintf("shop-%04d", i)
		if i < ready {
			migrations = append(migrations, entry(name, "tool", waived()))
		} else {
			migrations = append(migrations, "  - name: "+name+"\n")
		}
	}
	d := start(t, strings.Replace(configuration(migrations...), "1s", "10m", 1))
	d.shows("/", fmt.Sprintf("%d of 1000 not ready, %d ready.", 1000-ready, ready))
	b.open(d.base)
	b.is(`document.querySelectorAll(".row").length === 100`)
	b.is(`document.querySelector(".row h2").innerText === "shop-0005"`)
	// Fifty migrations are on three screens.
	if end := evaluate[float64](b, `document.querySelectorAll(".row")[49].getBoundingClientRect().bottom + scrollY`); end > 3*1080 {
		t.Errorf("50 migrations end at %.0f pixels", end)
	}
	b.audit(axe)
	b.screenshot("page-thousand")
	b.fits("-thousand")
	b.click("#next")
	b.eventually(`document.querySelector(".pager").innerText.includes("Page 2 of 10") &&
		document.readyState === "complete"`)
	b.is(`document.querySelector(".row h2").innerText === "shop-0105"`)
	b.open(d.base + "/?page=10")
	b.is(`[...document.querySelectorAll(".row h2")].slice(-5).map(h => h.innerText).join() ===
		"shop-0000,shop-0001,shop-0002,shop-0003,shop-0004"`)
}

// hostile are texts that a database or file can hold.
func hostile() []string {
	return []string{
		`<script>document.title = "taken"</script>`, `"><img src=x onerror="document.title='taken'">`,
		"'); alert(1); ('", "{{.}} ${1} %s", "\u202etxt.exe\u202c \u2066x\u2069", "שלום עולם", "\x1b[31mred\x07",
		strings.Repeat("x", 10<<10), strings.Repeat("<b>", 3<<10),
	}
}

// testHostile lets hostile texts take the whole way to the page, from the databases and from the configuration.
func testHostile(t *testing.T, b *tab, axe string) {
	// The longest that MySQL takes are 64 characters.
	for name, schema := range map[string]string{
		"<script>alert(1)</script>": mysqltest.Magento1(""), "\"'`שלום": mysqltest.Magento2(""),
	} {
		if err := server.Load(t.Context(), name, schema); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Exec(t.Context(), "INSERT INTO `<script>alert(1)</script>`.core_resource (code, version) "+
		"VALUES ('<img src=x onerror=alert(1)>', '1'), ('\u202eevil_setup', '1')"); err != nil {
		t.Fatal(err)
	}
	login := fmt.Sprintf("host: 127.0.0.1, port: %d, user: tool, password: pa55", server.Port())
	d := start(t, configuration(fmt.Sprintf(`  - name: hostile
    magento1: {database: {name: "<script>alert(1)</script>", %[1]s}}
    magento2: {database: {name: "\"'%[2]sשלום", %[1]s}}
    preconditions: {cron_stopped: {crontabs: [], processes: false}}
    waivers:
%[3]s  - name: absent
    magento1: {database: {name: "<svg onload=alert(1)>", %[1]s}}
`, login, "`", hostileWaivers(t))))
	d.shows("/migrations/hostile", "hostile is not ready")
	d.shows("/migrations/absent", "absent is not ready")
	for _, path := range []string{"/", "/migrations/hostile", "/migrations/absent"} {
		b.open(d.base + path)
		b.is(`!document.title.includes("taken")`)
		b.is(`document.querySelectorAll("main img, main script, main b, [onerror], [onload]").length === 0`)
		b.is(`!/[\u202a-\u202e\u2066-\u2069\u0007\u001b]/.test(document.documentElement.outerHTML)`)
		b.fits(path + "hostile")
		b.audit(axe)
	}
	b.is(`document.querySelector("#network").innerText.includes("<svg onload=alert(1)>")`)
	b.open(d.base + "/migrations/hostile")
	b.is(`document.querySelector("#network").classList.contains("pass")`)
	b.is(`document.querySelector(".facts").innerText.includes("<script>alert(1)</script>")`)
	b.is(`document.querySelector("#extensions").innerText.includes("<img src=x onerror=alert(1)>")`)
	b.is(`document.querySelector("#extensions").innerText.includes("<script>document.title")`)
	b.is(`document.querySelector("#extensions").textContent.includes("x".repeat(10240))`)
	b.screenshot("page-hostile")
}

// hostileWaivers have each hostile text as their subject, reason and owner.
func hostileWaivers(t *testing.T) string {
	t.Helper()
	var waivers strings.Builder
	for _, text := range hostile() {
		// JSON's strings are YAML's, too.
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		waivers.WriteString(
			waiver(fmt.Sprintf("precondition: extensions, subject: %[1]s, reason: %[1]s, owner: %[1]s", quoted)),
		)
	}
	return waivers.String()
}

func testKeyboard(t *testing.T, b *tab, _ string) {
	newAccount(t, "acme")
	d := start(t, configuration(entry("acme", "acme", waived()), entry("other", "tool", waived())))
	d.shows("/", "1 of 2 not ready, 1 ready.")
	focus := func() string {
		return evaluate[string](b, "(e => e.id || e.className || e.innerText)(document.activeElement)")
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
	b.open(d.base)
	tabs("skip")
	b.keys(kb.Enter)
	b.is(`document.activeElement.id === "main"`)
	tabs("search")
	b.keys("o", "t", "h", kb.Enter)
	b.eventually(`location.search.includes("search=oth") && document.readyState === "complete"`)
	b.is(`document.querySelectorAll(".row").length === 1`)
	b.open(d.base)
	tabs("skip", "home", "Documentation", "Metrics", "JSON", "search", "status", "precondition", "since", "filter",
		"a-acme", "a-acme-privileges", "a-other", "report-html", "report-json", "pause")
	b.open(d.base)
	tabs("skip")
	b.keys(kb.Enter)
	tabs("search", "status", "precondition", "since", "filter", "a-acme", "a-acme-privileges")
	b.keys(kb.Enter)
	b.eventually(`location.pathname === "/migrations/acme" && location.hash === "#privileges" &&
		document.readyState === "complete"`)
	b.allowClipboard(d.base)
	// What is said stays for seconds only, so it is written down.
	evaluate[bool](b, `window.said = [];
		new MutationObserver(() => said.push(notice.textContent, document.activeElement.textContent)).
			observe(notice, {childList: true, characterData: true, subtree: true}); true`)
	for range 100 {
		if focus() == "copy" && evaluate[bool](b, `document.activeElement.closest("#privileges .command") !== null`) {
			break
		}
		b.keys(kb.Tab)
	}
	b.keys(kb.Enter)
	b.eventually(`said.filter(s => s.startsWith("Copied")).join(" ") === "Copied. Copied"`)
	want := evaluate[string](b, `document.activeElement.closest(".command").querySelector("pre").textContent`)
	if got := evaluate[string](b, "navigator.clipboard.readText()"); got != want || !strings.HasPrefix(got, "GRANT ") {
		t.Errorf("copied %q, want %q", got, want)
	}
	tabs("privileges-more", "privileges-docs")
}

func (b *tab) allowClipboard(origin string) {
	b.t.Helper()
	b.do(func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		for _, name := range []string{"clipboard-read", "clipboard-write"} {
			p := browser.SetPermissionParams{
				Permission: &browser.PermissionDescriptor{Name: name},
				Setting:    browser.PermissionSettingGranted, Origin: origin,
			}
			if _, err := chromedp.CallBrowser(ctx, browser.SetPermission, p); err != nil {
				return chromedp.Void{}, err
			}
		}
		return chromedp.Void{}, nil
	})
}

func testRefresh(t *testing.T, b *tab, _ string) {
	acme := newAccount(t, "acme")
	acme.grant()
	d := start(t, configuration(entry("acme", "acme", waived())))
	d.shows("/migrations/acme", "acme is ready")
	b.open(d.base + "/migrations/acme")
	b.is(`document.title.startsWith("acme is ready")`)
	evaluate[bool](b, `document.querySelector("#cron_stopped-notes").open = true;
		document.querySelector("#cron_stopped-docs").focus();
		scrollTo(0, 900); window.before = document.querySelector("#cron_stopped"); true`)
	scrolled := evaluate[float64](b, "scrollY")

	acme.revoke()
	d.shows("/migrations/acme", "acme is not ready")
	b.wake()
	b.eventually(`document.title.startsWith("acme is not ready")`)
	b.is(`document.getElementById("notice").innerText.startsWith("acme is not ready")`)
	b.is(`document.querySelector("#privileges").classList.contains("fail")`)
	b.is(`document.querySelector("#privileges .copy").hidden === false`)
	b.is(`document.activeElement.id === "cron_stopped-docs"`)
	b.is(`document.querySelector("#cron_stopped-notes").open && !document.querySelector("#network-notes").open`)
	b.is(`document.querySelector("#cron_stopped") === window.before`)
	if got := evaluate[float64](b, "scrollY"); got == 0 || scrolled == 0 {
		t.Errorf("scrolled to %v, was %v", got, scrolled)
	}

	b.asksNothing("hidden", `Object.defineProperty(document, "hidden", {value: true, configurable: true}); true`)
	b.asksNothing("paused", `Object.defineProperty(document, "hidden", {value: false, configurable: true});
		document.getElementById("pause").click(); true`)
	b.is(`document.getElementById("pause").getAttribute("aria-pressed") === "true"`)

	acme.grant()
	d.shows("/migrations/acme", "acme is ready")
	evaluate[bool](b, `document.getElementById("pause").click(); true`)
	b.eventually(`document.title.startsWith("acme is ready")`)
	b.is(`document.querySelector("ol.changes").children.length === 2`)

	d.stop()
	b.wake()
	b.eventually(`document.getElementById("notice").innerText.
		startsWith("The exporter does not answer. This page shows the state as of 20")`)
	b.screenshot("page-lost")
}

// wake does what coming back to the tab does.
func (b *tab) wake() {
	b.t.Helper()
	evaluate[bool](b, `document.dispatchEvent(new Event("visibilitychange"))`)
}

// asksNothing checks that a page in some state does not refresh itself when it is woken. A request that it makes must
// come before the one that the test makes after it.
func (b *tab) asksNothing(state, script string) {
	b.t.Helper()
	evaluate[bool](b, `fetch("/-/healthy").then(a => a.ok)`) // what was on its way has arrived
	evaluate[bool](b, script)
	b.requested()
	b.wake()
	evaluate[bool](b, `fetch("/-/healthy?fence").then(a => a.ok)`)
	var asked []string
	for !slices.ContainsFunc(asked, func(url string) bool { return strings.HasSuffix(url, "?fence") }) {
		asked = append(asked, b.requested()...)
		time.Sleep(time.Millisecond)
	}
	if len(asked) != 1 {
		b.t.Errorf("while the page was %s it asked for %q", state, asked)
	}
}

func testWithoutScripts(t *testing.T, b *tab, _ string) {
	newAccount(t, "acme")
	d := start(t, configuration(entry("acme", "acme", waived()), entry("other", "tool", waived())))
	d.shows("/", "1 of 2 not ready, 1 ready.")
	b.withoutScripts()
	b.open(d.base)
	b.do(chromedp.SetValue(chromedp.ID("status"), "ready"))
	b.click("#filter")
	b.do(chromedp.WaitVisible(chromedp.ID("clear")))
	b.is(`document.querySelectorAll(".row").length === 1 && document.querySelector(".row h2").innerText === "other"`)
	b.is(`document.getElementById("status").value === "ready"`)
	b.open(d.base + "/migrations/acme")
	b.is(`[...document.querySelectorAll("button[type=button]")].every(b => b.offsetParent === null)`)
	b.is(`document.querySelector("#privileges .command pre").innerText.startsWith("GRANT ")`)
	b.click("#network-notes summary")
	b.is(`document.querySelector("#network-notes").open`)
	b.do(chromedp.SetValue(chromedp.ID("since"), "3d"))
	b.click("#since-show")
	b.eventually(`location.search === "?since=3d" && document.readyState === "complete"`)
	b.is(`document.querySelector(".since h2").innerText.includes("the history begins at")`)
}

func testReports(t *testing.T, b *tab, axe string) {
	newAccount(t, "acme")
	d := start(t, configuration(entry("acme", "acme", waived())))
	d.shows("/migrations/acme", "acme is not ready")
	b.open(d.base + "/migrations/acme")
	b.media("print")
	b.is(`getComputedStyle(document.querySelector(".site nav")).display === "none" &&
		document.querySelector("#network-notes .findings").checkVisibility({contentVisibilityAuto: true})`)
	b.screenshot("print")
	b.media("")

	resp, report := d.get("/migrations/acme/report.html")
	const want = "attachment; filename=magento-migration-readiness-acme-20"
	if got := resp.Header.Get("Content-Disposition"); !strings.HasPrefix(got, want) {
		t.Errorf("Content-Disposition is %q", got)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(report), 0o600); err != nil {
		t.Fatal(err)
	}
	d.stop()
	b.open("file://" + file)
	// The page before it asks again now and then, until it is left.
	if asked := b.requestedBy("file://" + file); len(asked) != 1 {
		t.Errorf("the report asked for %q", asked)
	}
	b.is(`["Checked at 20", "` + server.Addr() + `", "INSERT"].every(s => document.body.innerText.includes(s))`)
	b.is(`getComputedStyle(document.querySelector(".verdict")).borderLeftWidth === "10px"`)
	b.audit(axe)
	b.screenshot("report")
	b.fits("-report")
}

// wholeWords is true when no word of a name in a table is on two lines.
const wholeWords = `[...document.querySelectorAll("td code")].flatMap(c => [...c.childNodes]).every(n => {
	const r = document.createRange();
	r.selectNodeContents(n);
	return !/^[A-Za-z0-9_]+$/.test(n.data) || r.getClientRects().length <= 1;
})`

func testDocsPages(t *testing.T, b *tab, axe string) {
	d := start(t, configuration(entry("acme", "tool", waived())))
	d.shows("/migrations/acme", "acme is ready")
	b.open(d.base + "/docs/")
	pages := evaluate[[]string](b, `[...document.querySelectorAll("main article a")].map(a => a.href).
		filter(h => h.startsWith(location.origin))`)
	for _, page := range pages {
		b.open(page)
		b.is(`document.querySelectorAll("h1").length === 1`)
		b.is(`[...document.querySelectorAll("main a[href^='#']")].
			every(a => document.getElementById(decodeURIComponent(a.hash.slice(1))))`)
		b.audit(axe)
		b.do(chromedp.EmulateViewport(360, 740))
		b.is(wholeWords)
		b.fits(strings.TrimPrefix(page, d.base))
	}
	b.screenshot("docs")
	b.open(d.base + "/migrations/acme")
	b.click("#backup-docs")
	b.eventually(`location.pathname === "/docs/preconditions" && location.hash === "#backup" &&
		document.querySelector(":target")?.id === "backup"`)
}

// testBehindAPrefix looks at the pages through a proxy that takes a path away.
func testBehindAPrefix(t *testing.T, b *tab, _ string) {
	const external = "--web.external-url=https://monitoring.example.com/migration/"
	d := start(t, configuration(entry("acme", "tool", waived())), external)
	target, err := url.Parse(d.base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.StripPrefix("/migration", httputil.NewSingleHostReverseProxy(target)))
	t.Cleanup(proxy.Close)
	d.shows("/migrations/acme", "acme is ready")
	b.open(proxy.URL + "/migration/")
	b.is(`getComputedStyle(document.querySelector(".row")).display === "grid" &&
		!document.getElementById("pause").hidden`)
	for _, way := range []struct{ click, path string }{
		{"#a-acme", "/migration/migrations/acme"}, {"#backup-docs", "/migration/docs/preconditions"},
		{".home", "/migration/"}, {"#filter", "/migration/"}, {"nav[aria-label=Exporter] a", "/migration/docs/"},
		{"main article a", "/migration/docs/preconditions"},
	} {
		b.click(way.click)
		b.eventually(`location.pathname === "` + way.path + `" && document.readyState === "complete" &&
			document.querySelector("main") !== null`)
	}
	b.open(proxy.URL + "/migration/")
	const links = `[...document.querySelectorAll("a[href], link[href], script[src]")].map(e => e.href || e.src)`
	for _, path := range evaluate[[]string](b, links) {
		if resp, err := proxy.Client().Get(path); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %v, %v", path, resp, err)
		} else {
			_ = resp.Body.Close()
		}
	}
}
