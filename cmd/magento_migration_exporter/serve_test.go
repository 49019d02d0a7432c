package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/report"
)

func TestServe(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, writeConfig(t, fast+entry("acme", "pa55", waived)+entry("other", "wrong", "")))
	d.want("GET", "/-/healthy", 200)
	d.ready()
	d.want(
		"GET",
		"/metrics",
		200,
		`magento_migration_ready{migration="acme"} 1`,
		`magento_migration_ready{migration="other"} 0`,
		"magento_migration_exporter_build_info",
		"go_goroutines",
	)
	if body := d.want("GET", "/metrics?scope=exporter", 200, "process_open_fds"); strings.Contains(body, "acme") {
		t.Error("scope=exporter has migrations")
	}
	d.want("GET", "/metrics?scope=all", 400, "the only scope is exporter")
	if body := d.want("GET", "/probe?target=acme", 200, `magento_migration_ready{migration="acme"} 1`); strings.Contains(
		body,
		`"other"`,
	) {
		t.Error("/probe has other migrations")
	}
	d.want("GET", "/probe?target=none", 400, `"none"`)
	d.want("GET", "/probe", 400)
	d.want("GET", "/api/v1/readiness?migration=none", 400, `"none"`)
	d.want("GET", "/api/v1/readiness?migration=", 400)
	d.want("GET", "/", 200, "acme", "other", "denies access")
	d.want("GET", "/migrations/acme", 200, "acme")
	d.want("GET", "/migrations/none", 400, "none")
	d.want("GET", "/docs/preconditions", 200, `id="binlog_trust"`)
	d.want("GET", "/docs/none", 404)
	d.want("GET", "/static/style.css", 200, "body")
	d.want("GET", "/static/overview.html", 404)
	d.want("GET", "/nowhere", 404)
	d.want("POST", "/metrics", 405)
	d.want("GET", "/debug/pprof/", 404)
	d.want("POST", "/-/reload", 403, "--web.enable-lifecycle")

	var doc report.Readiness
	if err := json.Unmarshal([]byte(d.want("GET", "/api/v1/readiness", 200)), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Ready || len(doc.Migrations) != 2 || !doc.Migrations[0].Ready ||
		len(doc.Migrations[0].Preconditions) != len(precondition.All()) {
		t.Errorf("%+v", doc)
	}
	if code := d.stop(); code != 0 {
		t.Errorf("exit code %d after a signal", code)
	}
	if log := d.logs.String(); strings.Contains(log, "pa55") || !strings.Contains(log, "stopping") {
		t.Errorf("log: %s", log)
	}
}

func TestTransitionsAreLogged(t *testing.T) {
	t.Parallel()
	if err := server.Load(t.Context(), "changing", mysqltest.Magento2("")); err != nil {
		t.Fatal(err)
	}
	d := startDaemon(
		t,
		writeConfig(t, fast+strings.Replace(entry("acme", "pa55", waived), "name: magento2", "name: changing", 1)),
	)
	d.ready()
	if err := server.Exec(t.Context(), "INSERT INTO changing.cms_block (title, identifier) VALUES ('x', 'x')"); err != nil {
		t.Fatal(err)
	}
	line := `msg="status changed" migration=acme precondition=m2_entities old=pass new=warn summary="Magento 2 has 1 new CMS block"`
	d.eventually("the change is logged", func() bool { return strings.Contains(d.logs.String(), line) })
	d.want(
		"GET",
		"/metrics",
		200,
		`magento_migration_precondition_status_changes_total{migration="acme",precondition="m2_entities"} 1`,
	)
}

func TestReload(t *testing.T) {
	t.Parallel()
	path := writeConfig(t, fast+entry("acme", "pa55", waived))
	d := startProcess(t, path, "--web.enable-lifecycle", "--web.enable-pprof", "--log.format=json")
	d.ready()
	d.want("GET", "/debug/pprof/cmdline", 200)
	d.want("GET", "/-/reload", 405)
	rewrite(t, path, "migrations: oops")
	d.want("POST", "/-/reload", 500, path+":1:13")
	d.want(
		"GET",
		"/metrics",
		200,
		"magento_migration_exporter_config_last_reload_successful 0",
		`ready{migration="acme"} 1`,
	)
	rewrite(t, path, fast+entry("acme", "pa55", waived)+entry("second", "pa55", waived))
	d.want("POST", "/-/reload", 200)
	d.eventually("the second migration is there", func() bool {
		_, body := d.do("GET", "/metrics")
		return strings.Contains(body, `ready{migration="second"} 1`)
	})
	d.want("GET", "/metrics", 200, "magento_migration_exporter_config_last_reload_successful 1")
	rewrite(t, path, fast+entry("acme", "pa55", waived))
	d.hangup()
	d.eventually(
		"the second migration is gone",
		func() bool { _, body := d.do("GET", "/metrics"); return !strings.Contains(body, `"second"`) },
	)
}

// TestCheckEndsWhileABackupIsBeingRead must not call a backup broken that is only slow to read.
func TestCheckEndsWhileABackupIsBeingRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m2.sql")
	rewrite(
		t,
		path,
		"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n"+strings.Repeat("-- nothing\n", 1_000_000),
	)
	content := strings.Replace(fast, "global: {", "global: {backup_read_bytes_per_second: 5000, ", 1) +
		strings.NewReplacer(
			"preconditions: {", "preconditions: {backup: {paths: ["+path+"]}, ",
			"precondition: backup", "precondition: network",
		).Replace(entry("acme", "pa55", waived))
	// A check waits for the backup until only the time of an evaluation is left.
	var out bytes.Buffer
	code := run(
		t.Context(),
		[]string{"check", "--timeout=5m2s", "--config.file=" + writeConfig(t, content)},
		&out,
		&out,
	)
	if code != exitUnknown || !strings.Contains(out.String(), "the backup is being read") {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
}

// TestAllAtOnce is what the race detector is for: clients ask the program for everything while it evaluates, loads its
// configuration again and writes its history, and then it ends.
func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	const clients, times, reloads = 3, 3, 4
	text := strings.Replace(fast, "1s", "250ms", 1)
	path := writeConfig(t, text+entry("acme", "pa55", waived)+entry("other", "pa55", waived))
	d := startProcess(t, path, "--web.enable-lifecycle", "--storage.path="+t.TempDir())
	d.ready()
	ask := func(c *http.Client, method, path string) error {
		req, err := http.NewRequestWithContext(t.Context(), method, d.base+path, nil)
		if err != nil {
			return err
		}
		resp, err := c.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s %s: %s", method, path, resp.Status)
		}
		return errors.Join(err, resp.Body.Close())
	}
	var all sync.WaitGroup
	all.Go(func() {
		for n := range reloads {
			more := entry(fmt.Sprint("new-", n), "pa55", waived)
			replace(t, path, text+entry("acme", "pa55", waived)+entry("other", "pa55", waived)+more)
			if err := ask(d.client, http.MethodPost, "/-/reload"); err != nil {
				t.Error(err)
			}
		}
	})
	// A connection that stays open is a goroutine of the server, which nothing orders among the others.
	var open [clients]*http.Client
	for i := range open {
		open[i] = &http.Client{Timeout: patience, Transport: &http.Transport{}}
		t.Cleanup(open[i].CloseIdleConnections)
	}
	for _, path := range []string{
		"/", "/migrations/acme", "/migrations/acme/cutover", "/metrics", "/metrics?scope=exporter",
		"/probe?target=other", "/api/v1/readiness?since=1h", "/report.html", "/report.json", "/sd",
		"/docs/preconditions", "/static/style.css", "/-/healthy",
	} {
		var asking sync.WaitGroup
		for _, c := range open {
			asking.Go(func() {
				for range times {
					if err := ask(c, http.MethodGet, path); err != nil {
						t.Error(err)
					}
				}
			})
		}
		asking.Wait()
	}
	all.Wait()
	before := d.evaluations("acme")
	d.eventually("evaluations go on", func() bool { return d.evaluations("acme") > before })
	if code := d.stop(); code != exitReady {
		t.Errorf("exit code %d", code)
	}
}
