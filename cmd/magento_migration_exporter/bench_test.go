package main

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// benchShop is a pair of databases with as many tables, columns and foreign keys as Magento's own, on a private server,
// and the files of Magento 2 and of the tool.
type benchShop struct {
	server *mysqltest.Server
	port   int
	dir    string
}

// As many tables as Magento 1.9.4.5 with a few modules and Magento 2.4.7-p3 have; the small schemas have less.
const (
	magento1Tables = 349
	magento2Tables = 394
	benchPassword  = "pa55"
)

var (
	//go:embed testdata/bench/padding.sql
	paddingSQL string
	//go:embed testdata/bench/rows_magento1.sql
	magento1Rows string
	//go:embed testdata/bench/rows_magento2.sql
	magento2Rows string
)

// newBenchShop starts a server and fills it. With rows, Magento 1 and Magento 2 have that many products, orders and URL
// rewrites.
func newBenchShop(b testing.TB, rows int) *benchShop {
	b.Helper()
	server := mysqltest.New(b, mysqltest.Options{Args: []string{
		"--log-bin=binlog", "--server-id=1", "--log-bin-trust-function-creators=1", "--max-connections=500",
		"--innodb-buffer-pool-size=1G", "--innodb-log-file-size=128M", "--table-open-cache=4000",
	}})
	s := &benchShop{server, server.Port(), b.TempDir()}
	fill := func(database, script string, tables int, more string) {
		script += padding(tables - strings.Count(script, "CREATE TABLE "))
		if rows > 0 {
			script += strings.ReplaceAll(more, "{{rows}}", strconv.Itoa(rows))
		}
		if err := server.Load(b.Context(), database, script); err != nil {
			b.Fatal(err)
		}
	}
	fill("magento1", mysqltest.Magento1(""), magento1Tables, magento1Rows)
	fill("magento2", mysqltest.Magento2(""), magento2Tables, magento2Rows)
	if err := server.Exec(b.Context(), "GRANT ALL ON *.* TO tool@'%' IDENTIFIED BY '"+benchPassword+"'"); err != nil {
		b.Fatal(err)
	}
	s.writeFiles(b)
	return s
}

// padding makes tables like those of modules, each with a foreign key to the one before.
func padding(tables int) string {
	var all strings.Builder
	for i := range tables {
		all.WriteString(
			strings.NewReplacer(
				"{{table}}",
				paddingTable(i),
				"{{parent}}",
				paddingTable(max(i-1, 0)),
			).Replace(
				paddingSQL,
			),
		)
	}
	return all.String()
}

func paddingTable(i int) string { return fmt.Sprintf("vendor_module_%03d", i) }

// writeFiles makes Magento 2's folder, with the tool whose maps ignore the tables of padding.
func (s *benchShop) writeFiles(b testing.TB) {
	b.Helper()
	tool := filepath.Join(s.root(), "vendor/magento/data-migration-tool/etc")
	for to, from := range map[string]string{s.root(): "testdata/bench/magento2", tool: "../../collector/integrity/testdata/etc"} {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			b.Fatal(err)
		}
	}
	var ignored strings.Builder
	for i := range magento2Tables {
		fmt.Fprintf(&ignored, "<ignore><document>%s</document></ignore>\n", paddingTable(i))
	}
	path := filepath.Join(tool, "shop/map.xml.dist")
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(
			path,
			[]byte(strings.ReplaceAll(string(text), "</document_rules>", ignored.String()+"</document_rules>")),
			0o600,
		)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func (s *benchShop) root() string { return filepath.Join(s.dir, "magento2") }

// entry is a migration of this shop, with all that the smallest useful configuration has. A port other than 0 is that
// of another server.
func (s *benchShop) entry(name string, port int) string {
	login := fmt.Sprintf("host: 127.0.0.1, port: %d, user: tool, password: %s", cmp.Or(port, s.port), benchPassword)
	return fmt.Sprintf(`
- name: %s
  migration_tool: {config: %s/vendor/magento/data-migration-tool/etc/shop/config.xml.dist}
  magento1: {database: {name: magento1, %s}}
  magento2: {root: %s, database: {name: magento2, %s}}
  preconditions: {topology: {magento1: {web: 4}, magento2: {web: 4}}}`, name, s.root(), login, s.root(), login)
}

func shopName(i int) string { return fmt.Sprintf("shop-%04d", i) }

// write writes a configuration of n migrations; the first of them use the given ports.
func (s *benchShop) write(b testing.TB, global string, n int, ports ...int) string {
	b.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "global: {%s}\nmigrations:", global)
	for i := range n {
		port := 0
		if i < len(ports) {
			port = ports[i]
		}
		text.WriteString(s.entry(shopName(i), port))
	}
	path := filepath.Join(b.TempDir(), "config.yml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// localRun evaluates the migrations of a configuration in this process.
type localRun struct {
	board     *collector.Board
	evaluator *collector.Evaluator
	config    *config.Config
}

func loadLocally(b *testing.B, path string) *localRun {
	b.Helper()
	cfg, err := config.Load(path, precondition.All().Sections())
	if err != nil {
		b.Fatal(err)
	}
	reader := backup.New(b.Context(), backup.Options{})
	b.Cleanup(reader.Close)
	board := collector.NewBoard(precondition.All(), nil)
	return &localRun{
		board,
		collector.NewEvaluator(
			collector.EvaluatorOptions{
				Board:   board,
				Backups: reader,
				Logger:  slog.New(slog.DiscardHandler),
				Now:     time.Now,
			},
		),
		cfg,
	}
}

// evaluate evaluates every migration once. A database that cannot be reached ends the benchmark: nothing would be
// measured.
func (p *localRun) evaluate(ctx context.Context, b *testing.B) {
	b.Helper()
	p.evaluator.EvaluateAll(ctx, p.config)
	for _, state := range p.board.Snapshot() {
		if r := state.Preconditions[0].Result; r.Status == finding.Fail || r.Status == finding.Unknown {
			b.Fatalf("%s: network is %s: %s", state.Migration.Name, r.Status, r.Summary)
		}
	}
}

// reportSpread reports the median and the 99th percentile of durations, which is the longest one of fewer than a
// hundred.
func reportSpread(b *testing.B, all []time.Duration) {
	b.Helper()
	slices.Sort(all)
	b.ReportMetric(milliseconds(all[len(all)/2]), "p50-ms")
	b.ReportMetric(milliseconds(all[len(all)*99/100]), "p99-ms")
	b.ReportMetric(0, "ns/op") // the mean, which one collection of garbage moves
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
