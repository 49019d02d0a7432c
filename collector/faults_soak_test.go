package collector_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// soak is set by make soak, for the tests that print figures. Their short versions look at states alone.
var soak = flag.Duration("soak", 0, "how long each soak test lasts")

// soaks skips a test that is for make soak.
func soaks(t *testing.T) {
	t.Helper()
	if *soak == 0 {
		t.Skip("make soak runs this")
	}
}

// daemon is what the program has at work, without its flags: the scheduler, the board, and a real HTTP server that
// exports it.
type daemon struct {
	t     *testing.T
	board *collector.Board
	url   string
	// reload applies the configuration again.
	reload func()
}

func newDaemon(t *testing.T, c *config.Config) *daemon {
	t.Helper()
	reader := backup.New(t.Context(), backup.Options{})
	t.Cleanup(reader.Close)
	expositor := exposition.NewExpositor(precondition.All())
	d := &daemon{t: t, board: collector.NewBoard(precondition.All(), expositor.Render)}
	s := collector.NewScheduler(
		collector.NewEvaluator(
			collector.EvaluatorOptions{
				Board:   d.board,
				Backups: reader,
				Logger:  slog.New(slog.DiscardHandler),
				Now:     time.Now,
			},
		),
	)
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	running.Go(func() { s.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		exposition, err := expositor.New(
			expfmt.NegotiateAccept(r.Header, exposition.Formats()...),
			nil,
			d.board.Snapshot(),
		)
		if err == nil {
			_, err = exposition.WriteTo(w)
		}
		if err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	d.url = server.URL
	d.reload = func() {
		if err := s.Apply(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	d.reload()
	return d
}

func (d *daemon) status(migration, id string) finding.Status {
	for _, state := range d.board.Snapshot() {
		if state.Migration.Name == migration {
			return shoptest.Precondition(state, id).Result.Status
		}
	}
	return finding.Unknown
}

// pass reports whether all of these preconditions of a migration do.
func (d *daemon) pass(migration string, ids []string) bool {
	return !slices.ContainsFunc(ids, func(id string) bool { return d.status(migration, id) != finding.Pass })
}

// scrape asks for the metrics at least once and, after a pause each, until stop is closed. It returns how long each
// answer took.
func (d *daemon) scrape(client *http.Client, pause time.Duration, stop <-chan struct{}) (took []time.Duration) {
	for {
		began := time.Now()
		response, err := client.Get(d.url)
		if err != nil {
			d.t.Errorf("a scrape failed: %v", err)
			return took
		}
		n, err := io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if took = append(took, time.Since(began)); err != nil || response.StatusCode != http.StatusOK || n == 0 {
			d.t.Errorf("a scrape was answered by %s and %d bytes: %v", response.Status, n, err)
		}
		select {
		case <-stop:
			return took
		case <-time.After(pause):
		}
	}
}

// scrapers are clients that scrape at the same time, with a pause behind each answer.
type scrapers struct {
	clients int
	pause   time.Duration
}

// scraping scrapes until the function it returns is called, which says how long the answers took.
func (d *daemon) scraping(s scrapers) (end func() string) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	transport := &http.Transport{MaxIdleConnsPerHost: s.clients}
	for range s.clients {
		all.Go(func() {
			mine := d.scrape(&http.Client{Transport: transport, Timeout: 5 * time.Minute}, s.pause, stop)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
		})
	}
	return func() string {
		close(stop)
		all.Wait()
		transport.CloseIdleConnections()
		slices.Sort(took)
		if len(took) == 0 {
			return "no scrapes"
		}
		return fmt.Sprintf("%d scrapes, p99 %s, longest %s", len(took), took[len(took)*99/100], took[len(took)-1])
	}
}

// rowFault is one fault of a row of them: how it begins and ends, and what a migration's precondition becomes while it
// lasts.
type rowFault struct {
	name       string
	begin, end func()
	id         string
	want       finding.Status
	// goOn are the preconditions that have nothing to do with it.
	goOn []string
}

// faultsInARow are faults of the two databases of a shop whose servers are its own, behind lines. A login that the
// server denied is tried once an hour, or after a reload.
func faultsInARow(t *testing.T, s *shop, d *daemon, line1, line2 *line, standby *mysqltest.Server) []rowFault {
	account := "'" + s.User + "'@'%'"
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	root := s.Root(s.Server2)
	only1, only2 := []string{"binlog_trust"}, []string{"m2_installed", "cron_stopped"}
	on := func(l *line, fault string) func() { return func() { l.set(fault) } }
	unlock := func() {}
	return []rowFault{
		{"black hole before Magento 1", on(line1, "black hole"), on(line1, ""), "network", finding.Fail, only2},
		{
			"Magento 2's server killed",
			s.Server2.Kill,
			func() { must(s.Server2.Restart(t.Context())) },
			"network",
			finding.Fail,
			only1,
		},
		{
			"failover of Magento 2",
			func() { line2.lead(standby) },
			func() { line2.lead(s.Server2) },
			"m2_entities",
			finding.Warn,
			append([]string{"network"}, only1...),
		},
		{
			"Magento 1's server stopped",
			func() { must(s.Server1.Pause()) },
			func() { must(s.Server1.Resume()) },
			"network",
			finding.Fail,
			only2,
		},
		{"reset by Magento 2", on(line2, "reset"), on(line2, ""), "network", finding.Fail, only1},
		{
			"one byte a second from Magento 1",
			on(line1, "one byte a second"),
			on(line1, ""),
			"network",
			finding.Fail,
			only2,
		},
		{"password rotated", func() { s.Exec(s.Server1, "ALTER USER "+account+" IDENTIFIED BY 'x'") },
			func() {
				s.Exec(s.Server1, "ALTER USER "+account+" IDENTIFIED BY '"+shoptest.Password+"'")
				d.reload()
			}, "network", finding.Fail, only2},
		{"privileges revoked", func() { s.Exec(s.Server2, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM "+account) },
			func() { s.Exec(s.Server2, "GRANT ALL ON "+shoptest.GrantName(s.DB2)+".* TO "+account) }, "privileges", finding.Fail, only1},
		{"a table locked", func() {
			conn, err := root.Conn(t.Context())
			must(err)
			_, err = conn.ExecContext(t.Context(), "LOCK TABLES "+database.Quote(s.DB2)+".sales_order WRITE")
			must(err)
			unlock = func() {
				_, err := conn.ExecContext(t.Context(), "UNLOCK TABLES")
				must(err)
				must(conn.Close())
			}
		}, func() { unlock() }, "m2_entities", finding.Unknown, append([]string{"network"}, only1...)},
		{
			"no room for temporary tables",
			func() { s.Exec(s.Server2, "SET GLOBAL tmp_disk_table_size=1024, GLOBAL tmp_memory_table_size=1024") },
			func() {
				s.Exec(s.Server2, "SET GLOBAL tmp_disk_table_size=DEFAULT, GLOBAL tmp_memory_table_size=DEFAULT")
			},
			"m2_installed",
			finding.Unknown,
			append([]string{"network"}, only1...),
		},
	}
}

// TestFaultsInARow lets one fault after the other meet a daemon that is scraped all the while.
func TestFaultsInARow(t *testing.T) {
	t.Parallel()
	meetFaultsInARow(t, scrapers{clients: 1, pause: 20 * time.Millisecond}, 0)
}

func TestSoakFaultsInARow(t *testing.T) {
	soaks(t)
	meetFaultsInARow(t, scrapers{clients: 4, pause: 2 * time.Millisecond}, *soak)
}

// meetFaultsInARow lets a daemon meet each fault once, and again until some time is over.
func meetFaultsInARow(t *testing.T, by scrapers, length time.Duration) {
	t.Helper()
	standby := mysqltest.New(t, mysqltest.Options{})
	s := newShop(t, func(s *shoptest.Shop) {
		s.Server1, s.Server2 = mysqltest.New(t, mysqltest.Options{}), mysqltest.New(t, mysqltest.Options{})
	})
	late := "INSERT INTO catalog_product_entity (attribute_set_id, sku) VALUES (4, 'late');"
	s.copyTo(standby, s.DB2, mysqltest.Magento2("")+late, "ALL")
	line1, line2 := newLine(t, s.Server1), newLine(t, s.Server2)
	s.Migration.Magento1.Database.Port, s.Migration.Magento2.Database.Port = line1.port(), line2.port()
	healthy := newShop(t)
	healthy.Migration.Name = "other"
	c := &config.Config{Global: s.Global, Migrations: []config.Migration{*s.Migration, *healthy.Migration}}
	c.Global.EvaluationInterval = model.Duration(250 * time.Millisecond)
	c.Global.EvaluationTimeout = model.Duration(4 * time.Second)
	ids := []string{"network", "m2_installed", "cron_stopped", "privileges", "binlog_trust", "m2_entities"}

	t.Run("daemon", func(t *testing.T) {
		d := newDaemon(t, c)
		well := func() bool { return d.pass("acme", ids) && d.pass("other", ids) }
		eventually(t, "all is well", well)
		before := held(t)
		for began := time.Now(); ; {
			for _, f := range faultsInARow(t, s, d, line1, line2, standby) {
				d.meet(f, by, well)
			}
			if time.Since(began) >= length {
				break
			}
		}
		t.Logf("at first %s, in the end %s", before, held(t))
	})
	for _, server := range []*mysqltest.Server{s.Server1, s.Server2, standby} {
		s.wantCalm(server)
	}
}

// held says what this process holds, with all that goes on beside the test.
func held(t *testing.T) string {
	t.Helper()
	runtime.GC()
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d goroutines, %d files", runtime.NumGoroutine(), len(files))
}

// meet lets one fault begin and end, and waits for all that must go on meanwhile.
func (d *daemon) meet(f rowFault, by scrapers, well func() bool) {
	d.t.Helper()
	evaluated := func(migration int) time.Time {
		return shoptest.Precondition(d.board.Snapshot()[migration], "network").Result.EvaluatedAt
	}
	end := d.scraping(by)
	f.begin()
	eventually(d.t, fmt.Sprintf("%s: %s is %s", f.name, f.id, f.want), func() bool {
		return d.status("acme", f.id) == f.want
	})
	met := time.Now()
	eventually(d.t, f.name+": what has nothing to do with it goes on in both migrations", func() bool {
		return evaluated(0).After(met) && evaluated(1).After(met) && d.status("acme", f.id) == f.want &&
			d.pass("acme", f.goOn) && d.pass("other", []string{"network", "privileges", "m2_entities"})
	})
	for _, ps := range d.board.Snapshot()[0].Preconditions {
		for _, finding := range ps.Result.Findings {
			if !finding.Status.Ready() && finding.Remedy == "" {
				d.t.Errorf("%s: a finding of %s without a remedy: %+v", f.name, ps.Precondition.ID, finding)
			}
		}
	}
	f.end()
	ended := time.Now()
	eventually(d.t, f.name+": all is well again", well)
	d.t.Logf("%s: well again after %s; %s", f.name, time.Since(ended).Round(time.Millisecond), end())
}
