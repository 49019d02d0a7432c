package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/procfs"

	"magento_migration_exporter/collector/mysqltest"
)

// startedProgram is a started program that serves metrics.
type startedProgram struct {
	cmd  *exec.Cmd
	url  string
	logs bytes.Buffer
	// started is when the process was started, and took is how long it was until the first 200 on /metrics.
	started time.Time
	took    time.Duration
}

// prometheusHeader is what a Prometheus 3 asks with.
func prometheusHeader() http.Header {
	return http.Header{
		"Accept": {
			"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		},
		"Accept-Encoding": {"gzip"}, "X-Prometheus-Scrape-Timeout-Seconds": {"10"},
	}
}

// exporterBinary is the program as it is released: make bench builds it.
func exporterBinary(b *testing.B) string {
	b.Helper()
	path := os.Getenv("BENCH_EXPORTER")
	if path == "" {
		b.Fatal("BENCH_EXPORTER does not name the program to measure: run make bench")
	}
	return path
}

// startProgram returns when /metrics answers 200.
func startProgram(ctx context.Context, b *testing.B, path string, args ...string) *startedProgram {
	b.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	p := &startedProgram{
		cmd: exec.Command(path, append(args, "--web.listen-address="+address)...),
		url: "http://" + address,
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.logs, &p.logs
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.stop)
	for deadline := p.started.Add(time.Minute); ; time.Sleep(200 * time.Microsecond) {
		if err := p.get(ctx, "/metrics", io.Discard); err == nil {
			p.took = time.Since(p.started)
			return p
		} else if time.Now().After(deadline) {
			p.stop()
			b.Fatalf("%s does not answer: %v\n%s", path, err, &p.logs)
		}
	}
}

func (p *startedProgram) stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// get copies the body of an answer.
func (p *startedProgram) get(ctx context.Context, path string, to io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	_, err = io.Copy(to, resp.Body)
	return err
}

// await waits until a path answers 200.
func (p *startedProgram) await(b *testing.B, path string, limit time.Duration) {
	b.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		if err := p.get(b.Context(), path, io.Discard); err == nil {
			return
		} else if time.Now().After(deadline) {
			b.Fatalf("%s does not answer 200 within %s: %v", path, limit, err)
		}
	}
}

// each calls f with the samples of /metrics, or of a part of it.
func (p *startedProgram) each(b *testing.B, query string, f func(series string, value float64)) {
	b.Helper()
	var text bytes.Buffer
	if err := p.get(b.Context(), "/metrics"+query, &text); err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if at := strings.LastIndexByte(line, ' '); line[0] != '#' {
			value, err := strconv.ParseFloat(strings.TrimSpace(line[at:]), 64)
			if err != nil {
				b.Fatalf("%q: %v", line, err)
			}
			f(line[:at], value)
		}
	}
}

// usage is what the kernel knows of a process.
type usage struct {
	procfs.ProcStatus
	cpu float64 // seconds
	at  time.Time
}

func (p *startedProgram) process(b *testing.B) (u usage, files int) {
	b.Helper()
	proc, err := procfs.NewProc(p.cmd.Process.Pid)
	if err != nil {
		b.Fatal(err)
	}
	status, err1 := proc.NewStatus()
	stat, err2 := proc.Stat()
	files, err3 := proc.FileDescriptorsLen()
	if err := errors.Join(err1, err2, err3); err != nil {
		b.Fatalf("%v\n%s", err, &p.logs)
	}
	return usage{status, stat.CPUTime(), time.Now()}, files
}

// BenchmarkStart starts the program again and again, until /metrics answers.
func BenchmarkStart(b *testing.B) {
	s := &benchShop{dir: b.TempDir()}
	s.writeFiles(b)
	for _, migrations := range []int{1, 1000} {
		b.Run(fmt.Sprintf("databases=refused/migrations=%d", migrations), func(b *testing.B) {
			config := s.write(b, "", migrations, slices.Repeat([]int{closedPort}, migrations)...)
			benchmarkStart(b, exporterBinary(b), "--config.file="+config)
		})
	}
}

// closedPort is tcpmux, which nothing listens on.
const closedPort = 1

func benchmarkStart(b *testing.B, path string, args ...string) {
	b.Helper()
	var took []time.Duration
	for b.Loop() {
		p := startProgram(b.Context(), b, path, args...)
		took = append(took, p.took)
		p.stop()
	}
	if info, err := os.Stat(path); err == nil {
		b.ReportMetric(float64(info.Size())/1e6, "MB-binary")
	}
	reportSpread(b, took)
}

// BenchmarkProgram runs the program with the databases as they can be, and looks at it at rest, which is over an
// interval in which each migration is evaluated once, and as a Prometheus.
func BenchmarkProgram(b *testing.B) {
	s := newBenchShop(b, 0)
	hung := mysqltest.New(b, mysqltest.Options{})
	if err := hung.Pause(); err != nil {
		b.Fatal(err)
	}
	for _, databases := range []struct {
		name       string
		migrations []int
		ports      []int
	}{
		{"up", []int{1, 10, 100, 1000}, nil},
		{"refused", []int{1, 1000}, slices.Repeat([]int{closedPort}, 1000)},
		{"100-hung", []int{1000}, slices.Repeat([]int{hung.Port()}, 100)},
	} {
		for _, migrations := range databases.migrations {
			b.Run(fmt.Sprintf("databases=%s/migrations=%d", databases.name, migrations), func(b *testing.B) {
				config := s.write(
					b,
					"evaluation_interval: "+benchInterval.String(),
					migrations,
					databases.ports[:min(len(databases.ports), migrations)]...)
				p := startProgram(b.Context(), b, exporterBinary(b), "--config.file="+config)
				p.await(b, "/-/ready", 10*time.Minute)
				ready := time.Since(p.started)
				time.Sleep(benchInterval * 3 / 2) // as long as a migration can have to wait for its second turn
				b.Run("rest", func(b *testing.B) {
					for b.Loop() {
						p.observe(b, s.server, len(databases.ports)%1000)
					}
					b.ReportMetric(ready.Seconds(), "s-to-ready")
				})
				b.Run("scrape", func(b *testing.B) { scrape(b, p.url+"/metrics", prometheusHeader()) })
			})
		}
	}
}

const (
	// benchInterval is the default.
	benchInterval = time.Minute
	// looks is how often the program is looked at meanwhile. Each scrape costs it time of its own.
	looks = 12
	// glances are those at what only the kernel and the database server are asked for.
	glances = 100
)

// observe watches the program for an interval. What it holds at rest is the least that was seen. The longest gap
// between two evaluations is that of the migrations from the given one on: theirs are the databases that do not hang.
func (p *startedProgram) observe(b *testing.B, server *mysqltest.Server, answering int) {
	b.Helper()
	before, _ := p.process(b)
	lateBefore := p.values(b)["magento_migration_exporter_evaluations_late_total"]
	files, goroutines, connections := 1<<30, float64(1<<30), 1<<30
	evaluated, gap := p.evaluated(b, answering), 0.0
	for range looks {
		for range glances {
			_, f := p.process(b)
			files, connections = min(files, f), min(connections, connectionsOf(b, server, "tool"))
			time.Sleep(benchInterval / looks / glances)
		}
		goroutines = min(goroutines, p.values(b)["go_goroutines"])
		now := p.evaluated(b, answering)
		for name, at := range now {
			gap = max(gap, at-evaluated[name])
		}
		evaluated = now
	}
	after, _ := p.process(b)
	b.ReportMetric(float64(after.VmRSS)/1e6, "MB-rss")
	b.ReportMetric(float64(after.VmHWM)/1e6, "MB-rss-max")
	b.ReportMetric(float64(after.RssAnon)/1e6, "MB-rss-anon")
	b.ReportMetric(100*(after.cpu-before.cpu)/after.at.Sub(before.at).Seconds(), "%-cpu")
	b.ReportMetric(goroutines, "goroutines")
	b.ReportMetric(float64(files), "files")
	b.ReportMetric(float64(connections), "connections")
	b.ReportMetric(p.values(b)["magento_migration_exporter_evaluations_late_total"]-lateBefore, "late")
	b.ReportMetric(gap, "s-longest-gap")
	b.ReportMetric(0, "ns/op")
}

// values are the exporter's own metrics that have no labels.
func (p *startedProgram) values(b *testing.B) map[string]float64 {
	b.Helper()
	all := map[string]float64{}
	p.each(b, "?scope=exporter", func(series string, value float64) { all[series] = value })
	return all
}

// evaluated tells when each migration from the given one on was evaluated last, in Unix seconds.
func (p *startedProgram) evaluated(b *testing.B, from int) map[string]float64 {
	b.Helper()
	all := map[string]float64{}
	p.each(b, "", func(series string, value float64) {
		labels, is := strings.CutPrefix(
			series,
			`magento_migration_precondition_last_evaluated_timestamp_seconds{migration="`,
		)
		name, precondition, _ := strings.Cut(labels, `"`)
		if is && name >= shopName(from) && precondition == `,precondition="network"}` {
			all[name] = value
		}
	})
	if len(all) == 0 {
		b.Fatal("no migration was evaluated")
	}
	return all
}

// connectionsOf counts the connections of an account.
func connectionsOf(b *testing.B, server *mysqltest.Server, user string) int {
	b.Helper()
	root, err := server.Root(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	if err := root.QueryRowContext(b.Context(), "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = ?", user).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}
