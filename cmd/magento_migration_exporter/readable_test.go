package main

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestReadableSecretsAreWarnedAbout opens the configuration and the web configuration to everybody, and looks at each
// place that says so.
func TestReadableSecretsAreWarnedAbout(t *testing.T) {
	t.Parallel()
	path := writeConfig(t, once+entry("acme", "pa55", waived))
	webConfig := writeConfig(
		t,
		"basic_auth_users:\n  prom: $2a$04$.wj.4NwZ/AIYBgBhi17LBeU5rMhvqgaKNRNB8r5VJybS1pPD62.di\n",
	)
	warnings := []string{"mode 0644", "chmod o-r '" + path + "'", "chmod o-r '" + webConfig + "'"}
	mode := func(mode os.FileMode) {
		for _, file := range []string{path, webConfig} {
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, open := range []bool{false, true} {
		mode(map[bool]os.FileMode{false: 0o600, true: 0o644}[open])
		var out, log bytes.Buffer
		if code := run(t.Context(), []string{"--config.check", "--config.file=" + path, "--web.config.file=" + webConfig}, &out, &log); code != 0 {
			t.Errorf("--config.check: exit code %d: %s", code, log.String())
		}
		for _, w := range warnings {
			if strings.Contains(log.String(), w) != open {
				t.Errorf("--config.check, readable by all: %v; %q is in it: %v: %s", open, w, !open, log.String())
			}
		}
	}

	d := startDaemon(t, path, "--web.config.file="+webConfig, "--web.enable-lifecycle")
	d.request = func(r *http.Request) { r.SetBasicAuth("prom", "test") }
	warned := func() (n int) {
		for _, w := range warnings[1:] {
			n += strings.Count(d.logs.String(), w)
		}
		return n
	}
	if n := warned(); n != 2 {
		t.Errorf("%d warnings at the start: %s", n, d.logs)
	}
	d.want("POST", "/-/reload", 200)
	if n := warned(); n != 4 {
		t.Errorf("%d warnings after a reload: %s", n, d.logs)
	}
	mode(0o640)
	d.want("POST", "/-/reload", 200)
	if n := warned(); n != 4 {
		t.Errorf("%d warnings after chmod and another reload: %s", n, d.logs)
	}
	if log := d.logs.String(); strings.Contains(log, "pa55") || strings.Contains(log, "$2a$") {
		t.Errorf("a secret is in the log: %s", log)
	}
}
