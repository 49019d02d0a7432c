package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/history"
	"magento_migration_exporter/collector/mysqltest"
)

// historyOf returns what a daemon knows of a precondition's past.
func (d *daemon) historyOf(migration, id string) history.Log {
	d.t.Helper()
	for _, p := range d.readiness()[migration].Preconditions {
		if p.ID == id {
			return p.History
		}
	}
	d.t.Fatalf("%s has no precondition %s", migration, id)
	return nil
}

// TestTheHistoryOutlivesAProcess ends processes gently and by force, and looks for what the one before saw.
func TestTheHistoryOutlivesAProcess(t *testing.T) {
	t.Parallel()
	if err := server.Load(t.Context(), "outlived", mysqltest.Magento2("")); err != nil {
		t.Fatal(err)
	}
	dir, storage := filepath.Join(t.TempDir(), "storage"), "--storage.path="
	storage += dir
	configFile := writeConfig(t, fast+strings.Replace(entry("acme", "pa55", waived), "name: magento2", "name: outlived", 1))
	const changed = `magento_migration_precondition_last_changed_timestamp_seconds{migration="acme",precondition="m2_entities"}`
	d := startProcess(t, configFile, storage)
	d.ready()
	if _, is := d.value(changed); is {
		t.Error("a change that nobody saw")
	}
	if err := server.Exec(t.Context(), "INSERT INTO outlived.cms_block (title, identifier) VALUES ('x', 'x')"); err != nil {
		t.Fatal(err)
	}
	d.eventually("the change is seen", func() bool { _, is := d.value(changed); return is })
	at, log := d.mustValue(changed), d.historyOf("acme", "m2_entities")
	d.stop() // at once: the change is written at the end
	for _, end := range []func(*daemon){func(d *daemon) { d.stop() }, func(d *daemon) { _ = d.process.Kill(); d.stop() }} {
		d = startProcess(t, configFile, storage)
		d.ready()
		if got := d.mustValue(changed); got != at {
			t.Errorf("changed at %f, and %f before the restart", got, at)
		}
		if got := d.historyOf("acme", "m2_entities"); len(log) != 2 || !slices.Equal(got, log) {
			t.Errorf("the history was %v and is %v", log, got)
		}
		if strings.Contains(d.logs.String(), "status changed") {
			t.Errorf("a restart is no change: %s", d.logs)
		}
		if got := d.mustValue("magento_migration_exporter_history_last_write_successful"); got != 1 {
			t.Errorf("the last write: %f", got)
		}
		end(d)
	}
	check := func(code int, want string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		args = append([]string{"check", "--timeout=10m", "--config.file=" + configFile}, args...)
		if got := run(t.Context(), args, &out, &out); got != code || !strings.Contains(out.String(), want) {
			t.Errorf("%v: exit code %d, want %d and %q: %s", args, got, code, want, out.String())
		}
	}
	before, err := os.ReadFile(filepath.Join(dir, "history.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	check(exitReady, "m2_entities          from pass to warn, at ", storage, "--since=1h")
	check(exitReady, `"since": null`, storage, "--format=json")
	check(exitError, "--since needs --storage.path", "--since=1h")
	check(exitError, "--since and --phase do not go together", storage, "--since=1h", "--phase=cutover")
	check(exitError, `--since="soon": expected`, storage, "--since=soon")
	check(exitError, "no such file", "--storage.path=/nowhere", "--since=1h")
	check(exitReady, "there is no history yet", "--storage.path="+t.TempDir(), "--since=1h")
	if after, err := os.ReadFile(filepath.Join(dir, "history.jsonl")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("check has written the history: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestTwoProcessesDoNotShareAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	configFile := writeConfig(t, once+entry("acme", "pa55", waived))
	d := startProcess(t, configFile, "--storage.path="+dir)
	d.ready()
	var out bytes.Buffer
	code := run(t.Context(), []string{"--config.file=" + configFile, "--web.listen-address=127.0.0.1:0", "--storage.path=" + dir},
		&out, &out)
	want := fmt.Sprintf("another process keeps its history there (process %d on ", d.process.Pid)
	if code != exitError || !strings.Contains(out.String(), want) {
		t.Errorf("exit code %d: %s", code, out.String())
	}
	if code, _ := d.do("GET", "/-/ready"); code != 200 {
		t.Error("the first one ended")
	}
}
