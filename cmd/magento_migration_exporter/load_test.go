package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"magento_migration_exporter/collector/mysqltest"
)

// soak is short where all tests run; make soak gives the time after which a leak cannot hide.
var soak = flag.Duration("soak", 3*time.Second, "how long each soak test lasts; from 1m on they do everything")

// figures are what a process holds, in bytes and pieces.
type figures struct{ heap, resident, goroutines, files float64 }

// figures are the least of several, since evaluations make garbage at any time.
func (d *daemon) figures() figures {
	d.t.Helper()
	least := d.figuresNow()
	for range 4 {
		now := d.figuresNow()
		least = figures{
			min(least.heap, now.heap),
			min(least.resident, now.resident),
			min(least.goroutines, now.goroutines),
			min(least.files, now.files),
		}
	}
	return least
}

func (d *daemon) figuresNow() figures {
	d.t.Helper()
	for range 2 { // what a pool held is garbage only in the second round
		d.want("GET", "/debug/pprof/heap?gc=1", 200)
	}
	body := d.want("GET", "/metrics?scope=exporter", 200)
	value := func(series string) float64 {
		v, is := valueIn(body, series)
		if !is {
			d.t.Errorf("there is no series %s", series)
		}
		return v
	}
	return figures{
		value("go_memstats_heap_alloc_bytes"),
		value("process_resident_memory_bytes"),
		value("go_goroutines"),
		value("process_open_fds"),
	}
}

// String implements fmt.Stringer.
func (f figures) String() string {
	return fmt.Sprintf(
		"heap %.1f MiB, resident %.1f MiB, %.0f goroutines, %.0f files",
		f.heap/(1<<20),
		f.resident/(1<<20),
		f.goroutines,
		f.files,
	)
}

// wantFlat compares with what was held before, and leaves room for what the runtime does as it likes, and for
// evaluations that go on.
func (f figures) wantFlat(t *testing.T, before figures) {
	t.Helper()
	if f.heap > before.heap*1.15+(2<<20) || f.resident > before.resident*1.3+(24<<20) ||
		f.goroutines > before.goroutines+40 ||
		f.files > before.files+12 {
		t.Errorf("before: %s; after: %s", before, f)
	}
}

// view is something that a client asks for.
type view struct{ path, accept, encoding, contains string }

const openMetricsAccept = "application/openmetrics-text; version=1.0.0"

var views = []view{
	{"/metrics", "text/plain", "identity", `ready{migration="healthy-0"}`},
	{"/metrics", "text/plain", "gzip", `ready{migration="healthy-0"}`},
	{"/metrics", openMetricsAccept, "gzip", "# EOF\n"},
	{"/metrics", openMetricsAccept, "", "# EOF\n"},
	{"/metrics?scope=exporter", "", "", "process_open_fds"},
	{"/probe?target=paused-0", "", "gzip", `ready{migration="paused-0"} 0`},
	{"/", "text/html", "gzip", "healthy-0"},
	{"/migrations/silent-0", "text/html", "", "silent-0"},
	{"/api/v1/readiness", "application/json", "", `"healthy-1"`},
	{"/api/v1/readiness?migration=refused-0", "", "", `"refused-0"`},
	{"/report.html", "", "", "healthy-1"},
	{"/sd", "", "", `"paused-1"`},
	{"/docs/preconditions", "", "", "binlog_trust"},
	{"/-/ready", "", "", "ready"},
}

// crowd is many clients at once.
type crowd struct {
	t      *testing.T
	base   string
	client *http.Client
	errors atomic.Int64

	mu   sync.Mutex
	took map[string][]time.Duration
}

func newCrowd(d *daemon, size int) *crowd {
	return &crowd{t: d.t, base: d.base, took: map[string][]time.Duration{}, client: &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: size, MaxIdleConns: size},
	}}
}

// run lets size clients ask for one view after the other until the time is over.
func (c *crowd) run(size int, length time.Duration) {
	ctx, cancel := context.WithTimeout(c.t.Context(), length)
	defer cancel()
	var all sync.WaitGroup
	for i := range size {
		all.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				v := views[n%len(views)]
				began := time.Now()
				err := c.ask(v, n%50 == 0)
				took := time.Since(began)
				if err != nil && c.errors.Add(1) <= 5 {
					c.t.Errorf("%s: %v", v.path, err)
				}
				c.mu.Lock()
				kind := map[bool]string{true: "scrapes", false: "pages"}[strings.HasPrefix(v.path, "/metrics") || strings.HasPrefix(v.path, "/probe")]
				c.took[kind] = append(c.took[kind], took)
				c.mu.Unlock()
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	all.Wait()
	c.client.CloseIdleConnections()
}

func (c *crowd) ask(v view, closely bool) error {
	req, err := http.NewRequestWithContext(c.t.Context(), "GET", c.base+v.path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", v.accept)
	req.Header.Set("Accept-Encoding", v.encoding)
	req.Close = closely // some clients keep no connection
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var body io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(resp.Body); err != nil {
			return err
		}
	}
	text, err := io.ReadAll(body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK || !bytes.Contains(text, []byte(v.contains)):
		return fmt.Errorf("%s: no %q in %.200q", resp.Status, v.contains, text)
	case closely && strings.HasPrefix(v.path, "/metrics"):
		familiesAreWhole(c.t, string(text))
	}
	return nil
}

// report says how long it took; what a figure should be depends on the machine.
func (c *crowd) report() {
	for _, kind := range slices.Sorted(maps.Keys(c.took)) {
		took := c.took[kind]
		slices.Sort(took)
		c.t.Logf(
			"%d %s: p50 %s, p99 %s, longest %s",
			len(took),
			kind,
			took[len(took)/2].Round(10*time.Microsecond),
			took[len(took)*99/100].Round(10*time.Microsecond),
			took[len(took)-1].Round(10*time.Microsecond),
		)
	}
}

// hangingDatabases is a configuration in which most databases do not answer; the servers are there until the test ends.
func hangingDatabases(t *testing.T) string {
	t.Helper()
	paused := mysqltest.New(t, mysqltest.Options{})
	if err := paused.Pause(); err != nil {
		t.Fatal(err)
	}
	refusing := mysqltest.ClosedPort(t)
	text := "global: {evaluation_interval: 1s, evaluation_timeout: 2s}\nmigrations:"
	for i := range 2 {
		text += entry(fmt.Sprint("healthy-", i), "pa55", waived)
		for name, port := range map[string]int{"paused": paused.Port(), "silent": blackHole(t).port, "refused": refusing} {
			text += at(port, entry(fmt.Sprint(name, "-", i), "pa55", ""))
		}
	}
	return text
}

// wantGoroutines waits until there are hardly more than before: a few belong to connections that the server keeps alive
// for clients.
func (d *daemon) wantGoroutines(base float64) {
	d.t.Helper()
	d.client.CloseIdleConnections()
	d.eventually(fmt.Sprintf("there are about %.0f goroutines again", base), func() bool {
		return d.mustValue("go_goroutines") <= base+6
	})
}

// TestSoakClients has 200 clients who scrape and look at pages while databases hang.
func TestSoakClients(t *testing.T) {
	t.Parallel()
	// waiting is how many goroutines come and go with the evaluations that hang.
	const waiting = 60
	size := 50 // the race detector makes them slow, and other tests run beside them
	if *soak >= time.Minute {
		size = 200
	}
	d := startProcess(t, writeConfig(t, hangingDatabases(t)), "--web.enable-pprof")
	d.ready()
	calm := d.figures()
	crowd := newCrowd(d, size)
	crowd.run(size, *soak/4)
	d.wantGoroutines(calm.goroutines + waiting)
	warm, evaluations := d.figures(), d.evaluations("healthy-0")
	crowd.run(size, *soak-*soak/4)
	d.eventually("evaluations go on", func() bool { return d.evaluations("healthy-0") > evaluations })
	d.wantGoroutines(calm.goroutines + waiting)
	after := d.figures()
	after.wantFlat(t, warm)
	crowd.report()
	t.Logf("%d errors", crowd.errors.Load())
	t.Logf("before: %s", calm)
	t.Logf("after a quarter: %s", warm)
	t.Logf("after all: %s", after)
	if _, failed, has := strings.Cut(d.logs.String(), "level=error"); has {
		t.Errorf("logged as an error: %s", failed)
	}
}

var readyOf = regexp.MustCompile(`(?m)^magento_migration_ready\{migration="([^"]+)"\}`)

// reloadStorm swaps two configurations and watches that nobody ever sees a mix of them.
type reloadStorm struct {
	d         *daemon
	path      string
	texts     [2]string
	sets      [2][]string
	changedAt float64
	// asked is for how many reloads, and looks is how often what is served was looked at.
	asked int
	looks atomic.Int64
}

// run asks for reloads, half of them by signals, until the time is over.
func (s *reloadStorm) run(length time.Duration) {
	ctx, cancel := context.WithTimeout(s.d.t.Context(), length)
	defer cancel()
	s.use(s.texts[0])
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for evaluations := 0.0; ctx.Err() == nil; s.looks.Add(1) {
				s.look(&evaluations)
			}
		})
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ; ctx.Err() == nil; s.asked++ {
		if s.asked%15 == 0 {
			replace(s.d.t, s.path, s.texts[s.asked/15%2])
		}
		if s.asked%2 == 0 {
			s.d.hangup()
		} else {
			all.Go(func() { s.d.want("POST", "/-/reload", 200) })
		}
		<-tick.C
	}
	all.Wait()
}

// use puts a configuration in place and waits until it is served.
func (s *reloadStorm) use(text string) {
	s.d.t.Helper()
	replace(s.d.t, s.path, text)
	s.d.want("POST", "/-/reload", 200)
}

// calm returns what is held when only one migration is left.
func (s *reloadStorm) calm() figures {
	s.d.t.Helper()
	kept, _, _ := strings.Cut(s.texts[0], "\n  - name: a-")
	s.use(kept)
	s.d.eventually("few goroutines are left", func() bool {
		s.d.client.CloseIdleConnections()
		return s.d.mustValue("go_goroutines") < 30
	})
	return s.d.figures()
}

// look fetches once what is served, and checks it.
func (s *reloadStorm) look(evaluations *float64) {
	_, body := s.d.do("GET", "/metrics")
	var shown []string
	for _, m := range readyOf.FindAllStringSubmatch(body, -1) {
		shown = append(shown, m[1])
	}
	within := func(set []string) bool {
		return !slices.ContainsFunc(shown, func(name string) bool { return !slices.Contains(set, name) })
	}
	if !slices.Contains(shown, "keep") || !within(s.sets[0]) && !within(s.sets[1]) {
		s.d.t.Errorf("a scrape shows %v", shown)
	}
	familiesAreWhole(s.d.t, body)
	if at, _ := valueIn(body, `magento_migration_precondition_last_changed_timestamp_seconds{migration="keep",precondition="m2_entities"}`); at != s.changedAt {
		s.d.t.Errorf("the unchanged migration changed at %f, before at %f", at, s.changedAt)
	}
	n, _ := valueIn(body, `magento_migration_precondition_evaluations_total{migration="keep",precondition="network"}`)
	if n < *evaluations {
		s.d.t.Errorf("the unchanged migration's evaluations went from %f to %f", *evaluations, n)
	}
	*evaluations = n
	var groups []targetGroup
	if err := json.Unmarshal([]byte(s.d.want("GET", "/sd", 200)), &groups); err != nil {
		s.d.t.Error(err)
		return
	}
	var listed []string
	for _, g := range groups[:len(groups)-1] {
		listed = append(listed, g.Labels["target"])
	}
	if !slices.Equal(listed, s.sets[0]) && !slices.Equal(listed, s.sets[1]) {
		s.d.t.Errorf("discovery lists %v", listed)
	}
}

// TestSoakReloads reloads 50 times a second, half of them by signals, while the configuration is replaced and
// everything is watched.
func TestSoakReloads(t *testing.T) {
	t.Parallel()
	if err := server.Load(t.Context(), "storm", mysqltest.Magento2("")); err != nil {
		t.Fatal(err)
	}
	if err := server.Exec(t.Context(), "GRANT ALL ON *.* TO storm@'%' IDENTIFIED BY 'pa55'"); err != nil {
		t.Fatal(err)
	}
	storm, hole := &reloadStorm{}, blackHole(t)
	for i, letter := range []string{"a", "b"} {
		text := fast + strings.Replace(entry("keep", "pa55", waived), "name: magento2", "name: storm", 1) +
			entry(
				letter+"-real",
				"pa55",
				waived,
			) + at(hole.port, entry(letter+"-hung", "pa55", "")) + entry(letter+"-denied", "wrong", "") + "\n  - name: " + letter + "-bare"
		storm.texts[i] = strings.ReplaceAll(text, "user: tool", "user: storm")
		storm.sets[i] = []string{"keep", letter + "-real", letter + "-hung", letter + "-denied", letter + "-bare"}
	}
	storm.path = writeConfig(t, storm.texts[0])
	d := startProcess(t, storm.path, "--web.enable-lifecycle", "--web.enable-pprof")
	storm.d = d
	d.eventually("the first migration is evaluated", func() bool { return d.evaluations("keep") > 0 })
	if err := server.Exec(t.Context(), "INSERT INTO storm.cms_block (title, identifier) VALUES ('x', 'x')"); err != nil {
		t.Fatal(err)
	}
	d.eventually("its change is seen", func() bool {
		at, is := d.value(
			`magento_migration_precondition_last_changed_timestamp_seconds{migration="keep",precondition="m2_entities"}`,
		)
		storm.changedAt = at
		return is
	})

	storm.run(*soak / 4)
	before := storm.calm()
	storm.run(*soak - *soak/4)
	storm.use(storm.texts[0])
	d.eventually(
		"the last configuration is evaluated",
		func() bool { return d.evaluations("a-real") > 0 && d.evaluations("a-denied") > 0 },
	)
	d.want("GET", "/metrics", 200, "config_last_reload_successful 1")
	after := storm.calm()
	after.wantFlat(t, before)
	reloads := strings.Count(d.logs.String(), "was reloaded")
	t.Logf("%d times asked, %d reloads, %d times looked at", storm.asked, reloads, storm.looks.Load())
	t.Logf("before: %s", before)
	t.Logf("after: %s", after)
	if reloads < 10 || reloads > storm.asked+3 {
		t.Errorf("%d reloads were logged, %d were asked for", reloads, storm.asked)
	}
	if code := d.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	wantNoConnection(t, "storm")
}

// replace puts a whole file in the place of another.
func replace(t *testing.T, path, content string) {
	t.Helper()
	next := filepath.Join(filepath.Dir(path), "next")
	rewrite(t, next, content)
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}

// wantNoConnection waits until an account has no connection to the tests' server.
func wantNoConnection(t *testing.T, account string) {
	t.Helper()
	root, err := server.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := -1
	for deadline := time.Now().Add(patience); n != 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections of %s are left", n, account)
		}
		if err := root.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = ?", account).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSoakEvaluations evaluates one migration as often as a day does, and something new is found and lost again all the
// time.
func TestSoakEvaluations(t *testing.T) {
	t.Parallel()
	evaluations, every := 100, 4
	if *soak >= time.Minute {
		evaluations, every = 24*60, 10
	}
	for name, script := range map[string]string{"day1": mysqltest.Magento1(""), "day2": mysqltest.Magento2("")} {
		if err := server.Load(t.Context(), name, script); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.NewReplacer(
		"name: magento1",
		"name: day1",
		"name: magento2",
		"name: day2",
	).Replace(
		entry("day", "pa55", ""),
	)
	d := startProcess(t, writeConfig(t, "global: {evaluation_interval: 10ms}\nmigrations:"+text), "--web.enable-pprof")
	d.ready()
	// until changes what there is to find, also to subjects that were never seen before, until so many evaluations have
	// ended.
	changes := 0
	until := func(target int) {
		for next := 0; ; {
			body := d.want("GET", "/probe?target=day", 200)
			n, _ := valueIn(
				body,
				`magento_migration_precondition_evaluations_total{migration="day",precondition="network"}`,
			)
			if int(n) >= target {
				return
			}
			if int(n) >= next {
				next = int(n) + every
				changes++
				if err := server.Exec(t.Context(),
					"DELETE FROM day1.core_resource WHERE code LIKE 'acme\\_%'",
					fmt.Sprintf("INSERT INTO day1.core_resource (code, version, data_version) VALUES ('acme_passing%d_setup', '1.0.0', '1.0.0')", changes),
					[]string{"INSERT INTO day2.cms_block (title, identifier) VALUES ('x', 'x')", "DELETE FROM day2.cms_block"}[changes%2]); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	// settled is what is held, and served, when there is nothing new to find.
	settled := func() (held figures, series, document int) {
		if err := server.Exec(t.Context(), "DELETE FROM day1.core_resource WHERE code LIKE 'acme\\_%'", "DELETE FROM day2.cms_block"); err != nil {
			t.Fatal(err)
		}
		began := d.evaluations("day")
		d.eventually("it is evaluated again", func() bool { return d.evaluations("day") >= began+2 })
		body := d.want("GET", "/probe?target=day", 200)
		return d.figures(), strings.Count(body, "\nmagento_migration_"), len(d.want("GET", "/api/v1/readiness", 200))
	}
	until(evaluations / 4)
	warm, series, document := settled()
	until(evaluations)
	after, seriesAfter, documentAfter := settled()
	seen := d.mustValue(
		`magento_migration_precondition_status_changes_total{migration="day",precondition="m2_entities"}`,
	)
	t.Logf("%.0f evaluations, %d changes, of which one precondition saw %.0f", d.evaluations("day"), changes, seen)
	t.Logf("after a quarter: %s, %d series, a document of %d bytes", warm, series, document)
	t.Logf("after all: %s, %d series, a document of %d bytes", after, seriesAfter, documentAfter)
	if after.wantFlat(t, warm); seriesAfter != series {
		t.Errorf("%d series, then %d", series, seriesAfter)
	}
	if seen < float64(changes)/4 {
		t.Errorf("only %.0f of %d changes were seen: the test shows nothing", seen, changes)
	}
	if documentAfter > document+document/10+4096 { // the history grows to its limit
		t.Errorf("the document has %d bytes, then %d", document, documentAfter)
	}
}
