package acceptance_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browserOptions are what a Chromium in a container, or of root, needs beside chromedp's own.
func browserOptions() []chromedp.ExecAllocatorOption {
	return append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"),
		chromedp.NoSandbox, chromedp.DisableGPU,
		// No page lives long enough for what its scripts gain from the last of V8's compilers.
		chromedp.Flag("js-flags", "--no-turbofan"),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(limit))
}

// startBrowser starts a Chromium, which ends with the test. What it returns opens tabs.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	allocator, cancelAllocator := chromedp.NewExecAllocator(t.Context(), browserOptions()...)
	t.Cleanup(cancelAllocator)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() { cancel(); _ = chromedp.Cancel(ctx) })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	return ctx
}

// tab is one tab of the browser. It fails the test when a page runs into an error or asks anything of another host.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	faults   []string
	requests []request
}

// request is a URL that was asked for, and that of the page that did, which may be the same.
type request struct{ url, page string }

func openTab(t *testing.T, browser context.Context) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, f := range b.faults {
			t.Error(f)
		}
	})
	return b
}

func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.faults = append(b.faults, "exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.faults = append(b.faults, "the console was used")
	case *log.EventEntryAdded:
		if !strings.Contains(e.Entry.Text, "ERR_CONNECTION_REFUSED") {
			b.faults = append(b.faults, "browser log: "+e.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, request{e.Request.URL, e.DocumentURL})
		if !strings.HasPrefix(e.Request.URL, "http://127.0.0.1:") && !strings.HasPrefix(e.Request.URL, "file:") {
			b.faults = append(b.faults, "request to "+e.Request.URL)
		}
	}
}

// requested returns the URLs that were asked for since the last call.
func (b *tab) requested() []string { return b.requestedBy("") }

// requestedBy returns the URLs that one page asked for since the last call, or all of them without a page.
func (b *tab) requestedBy(page string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var urls []string
	for _, r := range b.requests {
		if page == "" || r.page == page {
			urls = append(urls, r.url)
		}
	}
	b.requests = nil
	return urls
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// click clicks on an element. It looks for it again when the page was replaced between finding and clicking, as a
// refresh does.
func (b *tab) click(selector string) {
	b.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithDeadline(b.ctx, deadline)
		err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector)))
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) || !strings.Contains(err.Error(), "node") {
			b.t.Fatalf("clicking on %s: %v", selector, err)
		}
	}
}

func (b *tab) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url))
}

// evaluate returns what a JavaScript expression is; promises are waited for.
func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// eventually waits until an expression is true. While a page loads there may be nothing to ask, or nobody.
func (b *tab) eventually(expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithDeadline(b.ctx, deadline)
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		cancel()
		if is && err == nil {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("it did not become true: %s (%v)", expression, err)
		}
	}
}

func (b *tab) is(expression string) {
	b.t.Helper()
	if !evaluate[bool](b, expression) {
		b.t.Errorf("it is not true: %s", expression)
	}
}

// keys presses keys one after the other.
func (b *tab) keys(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		b.do(chromedp.KeyEvent(k))
	}
}

func (b *tab) scheme(name string) {
	b.t.Helper()
	b.media("", &emulation.MediaFeature{Name: "prefers-color-scheme", Value: name})
}

func (b *tab) media(media string, features ...*emulation.MediaFeature) {
	b.t.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		p := emulation.SetEmulatedMediaParams{Media: media, Features: features}
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, p)
		return chromedp.Void{}, err
	})
}

func (b *tab) withoutScripts() {
	b.t.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		p := emulation.SetScriptExecutionDisabledParams{Value: true}
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, p)
		return chromedp.Void{}, err
	})
}

// tallest is the height in pixels up to which Chromium pictures a whole page.
const tallest = 16000

// screenshot keeps a picture of the page for people to look at, if they want to.
func (b *tab) screenshot(name string) {
	b.t.Helper()
	if !*screenshots {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	picture := chromedp.FullScreenshot(100)
	if evaluate[int](b, "document.documentElement.scrollHeight") > tallest {
		picture = chromedp.CaptureScreenshot()
	}
	png, err := chromedp.Run(ctx, picture)
	if err != nil {
		b.t.Fatal(err)
	}
	dir := filepath.Join(repository, "test-output", "browser")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// audit lets axe-core look for barriers: for all in the light colour scheme, and for those of colours in the dark one
// too.
func (b *tab) audit(axe string) {
	b.t.Helper()
	evaluate[bool](b, axe+"; true")
	for scheme, rules := range map[string]string{"light": "", "dark": `runOnly: ["color-contrast"], `} {
		b.scheme(scheme)
		found := evaluate[json.RawMessage](b, `axe.run(document, {`+rules+`resultTypes: ["violations"]}).
			then(r => r.violations.map(v => ({
				id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.html + " " + n.failureSummary),
			})))`)
		if string(found) != "[]" {
			b.t.Errorf("axe-core, %s: %s", scheme, found)
		}
	}
	b.scheme("light")
}

// axeVersion is the newest of axe-core that the tests were run with.
const axeVersion = "4.14.1"

// axeSource returns axe-core, which is installed below .cache/ when it is not there.
func axeSource(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(repository, ".cache", "axe-core-"+axeVersion)
	file := filepath.Join(dir, "node_modules", "axe-core", "axe.min.js")
	source, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		install := exec.CommandContext(t.Context(), "npm", "install", "--prefix", dir, "--ignore-scripts", "--no-audit",
			"--no-fund", "--loglevel=error", "axe-core@"+axeVersion)
		if output, err := install.CombinedOutput(); err != nil {
			t.Fatalf("installing axe-core: %v\n%s", err, output)
		}
		source, err = os.ReadFile(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}
