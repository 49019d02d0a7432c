package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/report"
	"magento_migration_exporter/config"
)

// value returns a series of /metrics.
func (d *daemon) value(series string) (float64, bool) {
	d.t.Helper()
	_, body := d.do("GET", "/metrics")
	return valueIn(body, series)
}

func valueIn(body, series string) (float64, bool) {
	for line := range strings.Lines(body) {
		if text, is := strings.CutPrefix(line, series+" "); is {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			return value, err == nil
		}
	}
	return 0, false
}

// mustValue is value of a series that has to be there.
func (d *daemon) mustValue(series string) float64 {
	d.t.Helper()
	value, is := d.value(series)
	if !is {
		d.t.Errorf("there is no series %s", series)
	}
	return value
}

// readiness returns the JSON document's migrations by name.
func (d *daemon) readiness() map[string]report.MigrationReadiness {
	d.t.Helper()
	var doc report.Readiness
	if err := json.Unmarshal([]byte(d.want("GET", "/api/v1/readiness", 200)), &doc); err != nil {
		d.t.Fatal(err)
	}
	byName := map[string]report.MigrationReadiness{}
	for _, m := range doc.Migrations {
		byName[m.Name] = m
	}
	return byName
}

// wantReloaded waits until the gauges tell of a reload that worked, or did not, since the given time of the last good
// one.
func (d *daemon) wantReloaded(ok bool, since float64) float64 {
	d.t.Helper()
	var at float64
	d.eventually(fmt.Sprintf("the gauges say that the reload worked: %v", ok), func() bool {
		_, body := d.do("GET", "/metrics")
		successful, _ := valueIn(body, "magento_migration_exporter_config_last_reload_successful")
		at, _ = valueIn(body, "magento_migration_exporter_config_last_reload_success_timestamp_seconds")
		return (successful == 1) == ok && (at > since) == ok
	})
	return at
}

func (d *daemon) hangup() {
	d.t.Helper()
	if err := d.process.Signal(syscall.SIGHUP); err != nil {
		d.t.Fatal(err)
	}
}

// evaluations is how often a migration was evaluated since its entry is what it is.
func (d *daemon) evaluations(name string) float64 {
	d.t.Helper()
	n, _ := d.value(
		fmt.Sprintf(`magento_migration_precondition_evaluations_total{migration=%q,precondition="network"}`, name),
	)
	return n
}

// runningReloader is a reloader with a scheduler that runs, and what it shows.
func runningReloader(t *testing.T, path string) (*reloader, *collector.Board) {
	t.Helper()
	cfg, err := config.Load(path, precondition.All().Sections())
	if err != nil {
		t.Fatal(err)
	}
	backups := backup.New(t.Context(), backup.Options{})
	board := collector.NewBoard(precondition.All(), nil)
	logger := slog.New(slog.DiscardHandler)
	scheduler := collector.NewScheduler(
		collector.NewEvaluator(
			collector.EvaluatorOptions{Board: board, Backups: backups, Logger: logger, Now: time.Now},
		),
	)
	r := newReloader(path, cfg, backups, scheduler, logger)
	var all sync.WaitGroup
	t.Cleanup(func() { all.Wait(); backups.Close() }) // t.Context() has ended by then
	all.Go(func() { scheduler.Run(t.Context()) })
	if err := scheduler.Apply(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	r.settled = time.Second
	r.readLimit = time.Second
	all.Go(func() { r.Run(t.Context(), nil) })
	return r, board
}

func names(board *collector.Board) []string {
	var all []string
	for _, state := range board.Snapshot() {
		all = append(all, state.Migration.Name)
	}
	return all
}

// TestReloadOfAHungFile comes back although the reading does not.
func TestReloadOfAHungFile(t *testing.T) {
	t.Parallel()
	path := writeConfig(t, "migrations: [{name: a}]\n")
	r, board := runningReloader(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := r.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "does not end") {
			t.Errorf("got %v", err)
		}
	}
	if r.state.Load().ok {
		t.Error("the gauge says that the reload worked")
	}
	writer, err := os.OpenFile(path, os.O_WRONLY, 0) // the first reading is waiting for it
	if err != nil {
		t.Fatal(err)
	}
	writer.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	rewrite(t, path, "migrations: [{name: b}]\n")
	for deadline := time.Now().Add(patience); r.Reload(t.Context()) != nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the fixed file is not read")
		}
	}
	if got := names(board); !slices.Equal(got, []string{"b"}) {
		t.Errorf("the board has %v", got)
	}
}

// TestReloadOfAHalfWrittenFile writes in pieces, each of which would be valid by itself.
func TestReloadOfAHalfWrittenFile(t *testing.T) {
	t.Parallel()
	const piece = "migrations:\n- name: a\n"
	path := writeConfig(t, piece+"- name: b\n- name: c\n")
	synctest.Test(t, func(t *testing.T) {
		r, board := runningReloader(t, path)
		// The file system has a clock of its own.
		write := func(text string) {
			now := time.Now()
			if rewrite(t, path, text); os.Chtimes(path, now, now) != nil {
				t.Error("the file's time cannot be set")
			}
		}
		text := piece
		write(text)
		var asking sync.WaitGroup
		for range 5 {
			asking.Go(func() {
				if err := r.Reload(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		for _, more := range []string{"- name: b\n", "- name: c\n", "- na", "me: d\n"} {
			time.Sleep(r.settled * 3 / 4)
			synctest.Wait()
			if got := names(board); !slices.Equal(got, []string{"a", "b", "c"}) {
				t.Errorf("the board has %v while the file is being written", got)
			}
			text += more
			write(text)
		}
		asking.Wait()
		if got := names(board); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
			t.Errorf("the board has %v", got)
		}
	})
}

// TestReloadOfAFolderThatChanges renames, adds and removes a file during each reload.
func TestReloadOfAFolderThatChanges(t *testing.T) {
	t.Parallel()
	for name, pattern := range map[string]string{"a folder": "", "a pattern": "/*.yml"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			passing := dir + "/passing.yml"
			rewrite(t, dir+"/fixed.yml", "migrations: [{name: fixed}]\n")
			rewrite(t, dir+"/0.yml", "migrations: [{name: moving}]\n")
			d := startProcess(t, dir+pattern, "--web.enable-lifecycle")
			d.ready()
			for i := range 12 {
				for _, change := range []func() error{
					func() error { return os.Rename(fmt.Sprintf("%s/%d.yml", dir, i), fmt.Sprintf("%s/%d.yml", dir, i+1)) },
					func() error { replace(t, passing, "migrations: [{name: passing}]\n"); return nil },
					func() error { return os.Remove(passing) },
				} {
					var changing sync.WaitGroup
					changing.Go(func() {
						if err := change(); err != nil {
							t.Error(err)
						}
					})
					d.want("POST", "/-/reload", 200)
					changing.Wait()
					d.want("GET", "/sd", 200, `"moving"`, `"fixed"`)
				}
			}
			d.want("POST", "/-/reload", 200)
			if body := d.want("GET", "/sd", 200, `"moving"`, `"fixed"`); strings.Contains(body, "passing") {
				t.Errorf("after the last reload: %s", body)
			}
			if log := d.logs.String(); strings.Contains(log, "was not reloaded") {
				t.Error(log)
			}
		})
	}
}

// TestReloadKeepsWhatIsUnchanged changes one migration's entry and leaves another's as it is.
func TestReloadKeepsWhatIsUnchanged(t *testing.T) {
	t.Parallel()
	if err := server.Load(t.Context(), "reloaded", mysqltest.Magento2("")); err != nil {
		t.Fatal(err)
	}
	on := func(name, more string) string {
		return strings.Replace(entry(name, "pa55", waived+more), "name: magento2", "name: reloaded", 1)
	}
	path := writeConfig(t, fast+on("same", "")+on("other", ""))
	d := startProcess(t, path, "--web.enable-lifecycle")
	d.ready()
	if err := server.Exec(t.Context(), "INSERT INTO reloaded.cms_block (title, identifier) VALUES ('x', 'x')"); err != nil {
		t.Fatal(err)
	}
	const changes = `magento_migration_precondition_status_changes_total{migration=%q,precondition="m2_entities"}`
	const changed = `magento_migration_precondition_last_changed_timestamp_seconds{migration=%q,precondition="m2_entities"}`
	for _, name := range []string{"same", "other"} {
		d.eventually("the change is seen", func() bool { n, _ := d.value(fmt.Sprintf(changes, name)); return n == 1 })
	}
	changedAt, evaluations := d.mustValue(fmt.Sprintf(changed, "same")), d.evaluations("same")
	document := d.readiness()["same"]
	// Elsewhere in the file, said in another way, with another interval, and beside others.
	again := strings.NewReplacer(
		"evaluation_interval: 1s",
		"evaluation_interval: 150ms",
		"preconditions: {cron_stopped: {crontabs: [], processes: false}}",
		"preconditions:\n      cron_stopped: {processes: false, crontabs: []}",
	).Replace
	rewrite(
		t,
		path,
		again(
			fast+entry(
				"new",
				"pa55",
				"",
			)+on(
				"other",
				"      - {precondition: m2_entities, reason: test, expires: 2999-01-01}\n",
			)+on(
				"same",
				"",
			),
		),
	)
	d.want("POST", "/-/reload", 200)
	if got := d.mustValue(fmt.Sprintf(changed, "same")); got != changedAt {
		t.Errorf("the time of the change went from %f to %f", changedAt, got)
	}
	if got := d.mustValue(fmt.Sprintf(changes, "same")); got != 1 {
		t.Errorf("%f changes were counted", got)
	}
	if got := d.evaluations("same"); got < evaluations {
		t.Errorf("the evaluations' counter went from %f to %f", evaluations, got)
	}
	now := d.readiness()["same"]
	for i, p := range document.Preconditions {
		if got := now.Preconditions[i]; got.Status != p.Status || (got.ChangedAt == nil) != (p.ChangedAt == nil) ||
			p.ChangedAt != nil && !got.ChangedAt.Equal(*p.ChangedAt) {
			t.Errorf("%s was %s since %v, and is %s since %v", p.ID, p.Status, p.ChangedAt, got.Status, got.ChangedAt)
		}
	}
	// A waiver judges what was seen before: the entry keeps its results, and the waiver is a change.
	d.mustValue(fmt.Sprintf(changes, "other"))
	d.eventually("the waiver counts", func() bool {
		n, _ := d.value(`magento_migration_precondition_status{migration="other",precondition="m2_entities",status="waived"}`)
		return n == 1
	})
	if got := d.mustValue(fmt.Sprintf(changes, "other")); got != 2 {
		t.Errorf("%f changes of an entry with a new waiver", got)
	}
	// What another setting shows are new results, with the history of the name.
	rewrite(t, path, fast+on("other", "")+"    phase: prepare\n")
	d.want("POST", "/-/reload", 200)
	d.eventually("the changed entry is evaluated", func() bool {
		n, _ := d.value(`magento_migration_precondition_status{migration="other",precondition="m2_entities",status="warn"}`)
		return n == 1
	})
	var statuses []string
	for _, p := range d.readiness()["other"].Preconditions {
		for _, c := range p.History {
			if p.ID == "m2_entities" {
				statuses = append(statuses, c.Status.String())
			}
		}
	}
	if got := strings.Join(statuses, " "); got != "pass warn waived warn" {
		t.Errorf("the history is %s", got)
	}
	rewrite(t, path, again(fast+on("other", "")))
	d.want("POST", "/-/reload", 200)
	if got := d.mustValue("magento_migration_exporter_evaluation_interval_seconds"); got != 0.15 {
		t.Errorf("the interval is %f", got)
	}
}

// hole accepts connections and never says a word on them.
type hole struct {
	port int
	// open is how many of its connections nobody has closed.
	open atomic.Int64
}

func blackHole(t *testing.T) *hole {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hole{port: l.Addr().(*net.TCPAddr).Port}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			h.open.Add(1)
			connections.Go(func() {
				defer h.open.Add(-1)
				defer conn.Close()
				_, _ = io.Copy(io.Discard, conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); connections.Wait() }) // whoever connected has ended by then
	return h
}

// at is an entry whose databases are at another port.
func at(port int, entry string) string {
	return strings.ReplaceAll(entry, fmt.Sprintf("port: %d", server.Port()), fmt.Sprintf("port: %d", port))
}

// patient has evaluations that end only when something else ends them.
const patient = "global: {evaluation_interval: 200ms, evaluation_timeout: 1h, evaluation_concurrency: 2}\nmigrations:"

// TestReloadDuringAnEvaluation changes, renames and removes migrations while a server that was stopped keeps their
// evaluations waiting.
func TestReloadDuringAnEvaluation(t *testing.T) {
	t.Parallel()
	stopped := mysqltest.New(t, mysqltest.Options{})
	for name, script := range map[string]string{"magento1": mysqltest.Magento1(""), "magento2": mysqltest.Magento2("")} {
		if err := stopped.Load(t.Context(), name, script); err != nil {
			t.Fatal(err)
		}
	}
	if err := stopped.Exec(t.Context(), "GRANT ALL ON *.* TO tool@'%' IDENTIFIED BY 'pa55'"); err != nil {
		t.Fatal(err)
	}
	healthy := entry("healthy", "pa55", waived)
	hung := func(name string) string { return at(stopped.Port(), entry(name, "pa55", waived)) }
	path := writeConfig(t, patient+healthy+hung("corrected")+hung("renamed")+hung("removed")+hung("kept"))
	d := startProcess(t, path, "--web.enable-lifecycle", "--web.enable-pprof")
	d.ready()
	if err := stopped.Pause(); err != nil {
		t.Fatal(err)
	}
	ofHung := func() (n float64) {
		for _, name := range []string{"corrected", "renamed", "removed", "kept"} {
			n += d.evaluations(name)
		}
		return n
	}
	d.eventually("none that hangs is evaluated any more", func() bool {
		before, others := ofHung(), d.evaluations("healthy")
		d.eventually("healthy is evaluated", func() bool { return d.evaluations("healthy") > others+3 })
		return ofHung() == before
	})
	healthyBefore := d.evaluations("healthy")
	d.eventually(
		"those that hang go to a lane of their own",
		func() bool { return d.evaluations("healthy") > healthyBefore+3 },
	)
	keptBefore := d.evaluations("kept")
	rewrite(t, path, patient+healthy+entry("corrected", "pa55", waived)+hung("new-name")+hung("kept"))
	d.want("POST", "/-/reload", 200)
	body := d.want("GET", "/metrics", 200)
	// The corrected one may have been evaluated again by now: what it shows is looked at below.
	if strings.Contains(body, `"renamed"`) || strings.Contains(body, `"removed"`) ||
		strings.Contains(body, `"new-name"`) {
		t.Error("results of other entries are shown")
	}
	if n, _ := valueIn(body, `magento_migration_precondition_evaluations_total{migration="kept",precondition="network"}`); n < keptBefore {
		t.Errorf("kept has %f evaluations after %f", n, keptBefore)
	}
	d.eventually("the corrected entry is evaluated", func() bool { return d.evaluations("corrected") > 2 })
	d.want(
		"GET",
		"/metrics",
		200,
		`magento_migration_ready{migration="corrected"} 1`,
		`precondition_status_changes_total{migration="corrected",precondition="m2_installed"} 0`,
		`precondition_status{migration="corrected",precondition="m2_installed",status="pass"} 1`,
	)
	if err := stopped.Resume(); err != nil {
		t.Fatal(err)
	}
	d.eventually(
		"the renamed one is evaluated",
		func() bool { return d.evaluations("new-name") > 1 && d.evaluations("kept") > keptBefore },
	)
	body = d.want("GET", "/metrics", 200)
	if strings.Contains(body, `"renamed"`) || strings.Contains(body, `"removed"`) {
		t.Error("a late evaluation brought a migration back")
	}
	rewrite(t, path, patient+healthy)
	d.want("POST", "/-/reload", 200)
	root, err := stopped.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.eventually("no connection is left", func() bool {
		n := -1
		if err := root.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'tool'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 0
	})
	d.wantNoEvaluation(path)
	if log := d.logs.String(); strings.Contains(log, "has not ended yet") {
		t.Errorf("an ended evaluation was taken for a stuck one: %s", log)
	}
}

// wantNoEvaluation loads a configuration that asks nobody, and waits until no evaluation of another one is left.
func (d *daemon) wantNoEvaluation(path string) {
	d.t.Helper()
	rewrite(d.t, path, "global: {evaluation_interval: 1h}\nmigrations: [{name: idle}]\n")
	d.want("POST", "/-/reload", 200)
	d.eventually("all evaluations have ended", func() bool {
		return !strings.Contains(d.want("GET", "/debug/pprof/goroutine?debug=1", 200), "collector.(*Evaluator)")
	})
}

// TestReloadsDoNotPileUp replaces a migration that hangs by another that hangs, far more often than there are places
// for evaluations.
func TestReloadsDoNotPileUp(t *testing.T) {
	t.Parallel()
	hole := blackHole(t)
	healthy := entry("healthy", "pa55", waived)
	path := writeConfig(t, patient+healthy)
	d := startProcess(t, path, "--web.enable-lifecycle", "--web.enable-pprof")
	d.ready()
	const rounds, hung = 12, 3
	for round := range rounds {
		text := patient + healthy
		for i := range hung {
			text += at(hole.port, entry(fmt.Sprintf("hung-%d-%d", round, i), "pa55", ""))
		}
		text += at(hole.port, entry("changing", "pa55", fmt.Sprintf("\n    cutover: 2030-01-01T00:00:%02dZ", round)))
		rewrite(t, path, text)
		d.want("POST", "/-/reload", 200)
	}
	d.eventually("one of the last is evaluated", func() bool { return hole.open.Load() > 0 })
	before := d.evaluations("healthy")
	rewrite(t, path, patient+healthy+entry("late", "pa55", waived))
	d.want("POST", "/-/reload", 200)
	d.eventually(
		"what comes last gets its turn",
		func() bool { return d.evaluations("late") > 0 && d.evaluations("healthy") > before },
	)
	body := d.want("GET", "/metrics", 200)
	if strings.Contains(body, `"hung-`) || strings.Contains(body, `"changing"`) {
		t.Error("removed migrations are shown")
	}
	d.eventually("all connections are closed", func() bool { return hole.open.Load() == 0 })
	d.wantNoEvaluation(path)
}
