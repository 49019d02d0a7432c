package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/precondition"
)

func TestExpositionIsNegotiated(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, writeConfig(t, "migrations: [{name: acme}, {name: other}]"))
	d.ready()
	const text, openMetrics = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"
	for _, path := range []string{"/metrics", "/metrics?scope=exporter", "/probe?target=acme"} {
		for _, tc := range []struct {
			accept, encoding, contentType string
			zipped                        bool
		}{
			{"", "", text, false},
			{"*/*", "gzip", text, true},
			{"text/html,*/*;q=0.1", "gzip, deflate, br", text, true},
			{openMetrics, "gzip", openMetrics, true},
			{"text/plain", "identity", text, false},
			{"application/json", "", text, false},
			{openMetrics + ";q=0.5,text/plain;version=0.0.4;q=0.3", "gzip;q=0", openMetrics, false},
			{"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;version=0.0.4;q=0.3", "*", text, true},
			{"text/plain", "*;q=1, gzip;q=0.0", text, false},
			{"text/plain", "br, GZIP; Q=0.2", text, true},
			{"text/plain", "gzip;q=none", text, false},
		} {
			resp, body := d.fetch(path, tc.accept, tc.encoding)
			if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, tc.contentType) ||
				resp.StatusCode != 200 {
				t.Errorf("%s, Accept %q: %d %q, want %q", path, tc.accept, resp.StatusCode, got, tc.contentType)
			}
			if zipped := resp.Header.Get("Content-Encoding") == "gzip"; zipped != tc.zipped {
				t.Errorf("%s, Accept-Encoding %q: gzip is %v", path, tc.encoding, zipped)
			}
			if got := resp.Header.Get("Content-Length"); got != strconv.Itoa(len(body)) {
				t.Errorf("%s: Content-Length %q of %d bytes", path, got, len(body))
			}
			if got := resp.Header.Get("Vary"); got != "Accept, Accept-Encoding" {
				t.Errorf("%s: Vary %q", path, got)
			}
			plain := body
			if tc.zipped {
				plain = unzip(t, body)
			}
			if strings.HasSuffix(plain, "# EOF\n") != (tc.contentType == openMetrics) {
				t.Errorf("%s as %s ends with %q", path, tc.contentType, plain[len(plain)-20:])
			}
			familiesAreWhole(t, plain)
		}
	}
}

// fetch sends the headers as they are given, and returns the body as it came.
func (d *daemon) fetch(path, accept, encoding string) (*http.Response, string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), "GET", d.base+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	for name, value := range map[string]string{"Accept": accept, "Accept-Encoding": encoding} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp, string(body)
}

func unzip(t *testing.T, body string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// familiesAreWhole fails when a family begins twice or a series stands outside its family. In OpenMetrics two families
// of Go's own share a name: go_memstats_alloc_bytes is a gauge and a counter.
func familiesAreWhole(t *testing.T, text string) {
	t.Helper()
	seen := map[string]bool{}
	current := ""
	for line := range strings.Lines(text) {
		if rest, is := strings.CutPrefix(line, "# HELP "); is {
			current, _, _ = strings.Cut(rest, " ")
			if seen[current] && current != "go_memstats_alloc_bytes" {
				t.Errorf("%s comes twice", current)
			}
			seen[current] = true
		} else if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, current) {
			t.Errorf("%q stands in the family %s", line, current)
		}
	}
	if len(seen) == 0 {
		t.Error("no families")
	}
}

func TestCurlReadsTheExposition(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, writeConfig(t, "migrations: [{name: acme}]"))
	d.ready()
	out, err := exec.CommandContext(
		t.Context(),
		"curl",
		"-q", // no configuration of the user's
		"--noproxy", "*",
		"--silent",
		"--fail",
		"--compressed",
		d.base+"/probe?target=acme",
	).Output()
	if last := `magento_migration_ready{migration="acme"} 0`; err != nil || !bytes.HasSuffix(out, []byte(last+"\n")) {
		t.Errorf("%v: %.300s", err, out)
	}
	head, err := d.client.Head(d.base + "/metrics?scope=exporter")
	if err != nil || head.StatusCode != 200 || head.ContentLength < 1000 {
		t.Fatalf("HEAD: %v %+v", err, head)
	}
	head.Body.Close()
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args          []string
		address, path string
		scheme        string
	}{
		{nil, "", "", ""},
		{[]string{"--web.external-url=https://exporter.example.com/migration/"}, "exporter.example.com", "/migration", "https"},
		{[]string{"--web.external-url=http://exporter.example.com:8080", "--web.telemetry-path=/m"}, "exporter.example.com:8080", "", "http"},
	} {
		d := startDaemon(t, writeConfig(t, "migrations: [{name: acme}, {name: b.c-d}]"), tc.args...)
		resp, body := d.fetch("/sd", "application/json", "")
		if got := resp.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("Content-Type %q", got)
		}
		address := tc.address
		if address == "" {
			address = strings.TrimPrefix(d.base, "http://")
		}
		telemetry := "/metrics"
		if len(tc.args) > 1 {
			telemetry = "/m"
		}
		want := []targetGroup{
			{
				[]string{address},
				map[string]string{"__metrics_path__": tc.path + "/probe", "__param_target": "acme", "target": "acme"},
			},
			{
				[]string{address},
				map[string]string{"__metrics_path__": tc.path + "/probe", "__param_target": "b.c-d", "target": "b.c-d"},
			},
			{
				[]string{address},
				map[string]string{"__metrics_path__": tc.path + telemetry, "__param_scope": "exporter"},
			},
		}
		for _, g := range want {
			if tc.scheme != "" {
				g.Labels["__scheme__"] = tc.scheme
			}
		}
		var got []targetGroup
		if err := json.Unmarshal([]byte(body), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %s\nwant %v", err, body, want)
		}
	}
}

// TestPrometheusDiscoversAndScrapes lets a real Prometheus find every target by /sd.
func TestPrometheusDiscoversAndScrapes(t *testing.T) {
	t.Parallel()
	var entries strings.Builder
	const migrations = 12
	for i := range migrations {
		fmt.Fprintf(&entries, "\n  - name: shop-%d", i)
	}
	entries.WriteString(entry("acme", "pa55", ""))
	d := startDaemon(t, writeConfig(t, once+entries.String()))
	d.ready()
	prometheus := startPrometheus(
		t,
		fmt.Sprintf(
			// A scrape may take as long as the interval.
			"scrape_configs: [{job_name: magento_migration, scrape_interval: 5s, http_sd_configs: [{url: %q, refresh_interval: 1s}]}]",
			d.base+"/sd",
		),
	)
	d.eventually("Prometheus has every migration and the exporter", func() bool {
		return query(t, prometheus, "sum(up)") == strconv.Itoa(migrations+2) &&
			query(t, prometheus, "count(magento_migration_ready)") == strconv.Itoa(migrations+1)
	})
	for expression, want := range map[string]string{
		`count(magento_migration_precondition_status{migration="acme"})`:                                               fmt.Sprint(6 * len(precondition.All())),
		`magento_migration_database_up{migration="acme",system="magento2",target="acme"}`:                              "1",
		`count(magento_migration_precondition_status) / count(magento_migration_ready)`:                                fmt.Sprint(6 * len(precondition.All())),
		`count(magento_migration_ready{migration="shop-3"} * on (target) up{target="shop-3"})`:                         "1",
		`count(magento_migration_exporter_build_info)`:                                                                 "1",
		`count(count by (instance) (up))`:                                                                              "1",
		`sum(scrape_samples_scraped{target="acme"}) > bool 100`:                                                        "1",
		`min(magento_migration_precondition_evaluations_total{migration="acme"}) >= bool 1`:                            "1",
		`count(magento_migration_ready{migration!~"shop-.*|acme"} or magento_migration_ready{target=""}) or vector(0)`: "0",
	} {
		var got string
		t.Cleanup(func() {
			if got != want {
				t.Logf("%s is %s", expression, got)
			}
		})
		// While scrapes fail there is less.
		d.eventually(expression+" is "+want, func() bool {
			got = query(t, prometheus, expression)
			return got == want
		})
	}
}

func startPrometheus(t *testing.T, config string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	rewrite(t, file, config)
	port, err := mysqltest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	var log bytes.Buffer
	cmd := exec.Command(
		"prometheus",
		"--config.file="+file,
		"--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address,
	)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus wrote: %s", log.Bytes()[max(0, log.Len()-4000):])
		}
	})
	return "http://" + address
}

// query returns the value of an instant query, or why there is none.
func query(t *testing.T, prometheus, expression string) string {
	t.Helper()
	resp, err := http.Get(prometheus + "/api/v1/query?query=" + url.QueryEscape(expression))
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	var answer struct {
		Error string
		Data  struct{ Result []struct{ Value [2]any } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || len(answer.Data.Result) != 1 {
		return fmt.Sprintf("%d results %s", len(answer.Data.Result), answer.Error)
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1])
}
