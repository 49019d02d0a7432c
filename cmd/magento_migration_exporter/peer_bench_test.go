package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"magento_migration_exporter/collector/mysqltest"
)

// BenchmarkPeer measures mysqld_exporter and this exporter beside each other, on the same server: started, at rest, and
// scraped while the server is healthy, and while it is stopped (SIGSTOP), when its port still takes connections.
func BenchmarkPeer(b *testing.B) {
	s := newBenchShop(b, 0)
	dir := b.TempDir()
	for _, peer := range []struct {
		name, path string
		config     func(port int) string
	}{
		{"exporter", exporterBinary(b), func(port int) string {
			// One evaluation at the start, none while it is scraped.
			return "--config.file=" + s.write(b, "evaluation_interval: 1h", 1, port)
		}},
		{"mysqld_exporter", mysqldExporter(b), func(port int) string {
			path := filepath.Join(dir, fmt.Sprint(port))
			content := fmt.Sprintf("[client]\nhost=127.0.0.1\nport=%d\nuser=tool\npassword=%s\n", port, benchPassword)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				b.Fatal(err)
			}
			return "--config.my-cnf=" + path
		}},
	} {
		for name, port := range map[string]int{"up": s.port, "refused": closedPort} {
			b.Run(
				peer.name+"/start/database="+name,
				func(b *testing.B) { benchmarkStart(b, peer.path, peer.config(port)) },
			)
		}
		b.Run(peer.name+"/scrape", func(b *testing.B) {
			p := startProgram(b.Context(), b, peer.path, peer.config(s.port))
			time.Sleep(5 * time.Second) // until the first evaluation is over
			b.Run("database=up", func(b *testing.B) { p.scrapeBeside(b, s.server) })
			if err := s.server.Pause(); err != nil {
				b.Fatal(err)
			}
			b.Run("database=stopped", p.scrapeInVain)
			if err := s.server.Resume(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// mysqldExporter finds the program under the names that it has in Debian and elsewhere.
func mysqldExporter(b *testing.B) string {
	b.Helper()
	if path := os.Getenv("BENCH_MYSQLD_EXPORTER"); path != "" {
		return path
	}
	for _, name := range []string{"prometheus-mysqld-exporter", "mysqld_exporter"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	b.Fatal(
		"there is no mysqld_exporter to stand beside: install Debian's prometheus-mysqld-exporter, or let BENCH_MYSQLD_EXPORTER name one",
	)
	return ""
}

// scrapeBeside scrapes, and counts what that costs the database server.
func (p *startedProgram) scrapeBeside(b *testing.B, server *mysqltest.Server) {
	b.Helper()
	before := serverStatus(b, server)
	scrape(b, p.url+"/metrics", prometheusHeader())
	after := serverStatus(b, server)
	b.ReportMetric(float64(after["Connections"]-before["Connections"])/float64(b.N), "connections")
	b.ReportMetric(float64(after["Questions"]-before["Questions"]-1)/float64(b.N), "statements")
	u, _ := p.process(b)
	b.ReportMetric(float64(u.VmRSS)/1e6, "MB-rss")
}

// scrapeInVain also counts the scrapes that a Prometheus would give up.
func (p *startedProgram) scrapeInVain(b *testing.B) {
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	var took []time.Duration
	givenUp := 0
	for b.Loop() {
		start := time.Now()
		if _, err := scrapeOnce(b.Context(), transport, p.url+"/metrics", prometheusHeader()); err != nil {
			givenUp++
		}
		took = append(took, time.Since(start))
	}
	b.ReportMetric(float64(givenUp)/float64(len(took)), "given-up")
	reportSpread(b, took)
}

// serverStatus asks once.
func serverStatus(b *testing.B, server *mysqltest.Server) map[string]int {
	b.Helper()
	root, err := server.Root(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	rows, err := root.QueryContext(
		b.Context(),
		"SHOW GLOBAL STATUS WHERE Variable_name IN ('Connections', 'Questions')",
	)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	all := map[string]int{}
	for rows.Next() {
		var name string
		var value int
		if err := rows.Scan(&name, &value); err != nil {
			b.Fatal(err)
		}
		all[name] = value
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return all
}
