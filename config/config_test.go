package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// everyKey uses each key of the file once, with an anchor where two systems are alike.
const everyKey = `
global: {evaluation_interval: 30s, evaluation_timeout: 10s, evaluation_concurrency: 4, backup_read_bytes_per_second: 1048576}
migrations:
  - name: acme
    phase: delta
    cutover: 2026-12-31T02:00:00Z
    migration_tool: {config: /m2/config.xml}
    magento1: &system
      root: /m1
      database: {host: db, port: 3307, socket: /s, name: shop, user: mig, password: 12345, table_prefix: "",
                 tls: {ca_file: ca.pem, cert_file: c.pem, key_file: k.pem, server_name: n, insecure_skip_verify: true}}
    magento2: *system
    preconditions:
      network: {severity: fail}
      backup: {paths: [/b/*.gz, rel.sql], max_age: 168h}
      cron_stopped: {severity: warn, crontabs: [], processes: false}
      m2_entities: {severity: fail}
      extensions: {decisions: {amshopby_setup: {replaced_by: Amasty_Shopby}, acme_log_setup: {dropped: "not used"}}}
    waivers:
      - {precondition: extensions, subject: aw_blog_setup, reason: moves, owner: jane, expires: 2026-12-31}
      - {precondition: extensions, reason: later, expires: 2026-12-31T10:00:00+02:00}
`

func TestEveryKeyIsRead(t *testing.T) {
	c, err := parseText([]byte(everyKey))
	if err != nil {
		t.Fatal(err)
	}
	m := c.Migrations[0]
	if time.Duration(c.Global.EvaluationInterval) != 30*time.Second || c.Global.EvaluationConcurrency != 4 ||
		c.Global.BackupReadBytesPerSecond != 1<<20 {
		t.Errorf("global: %+v", c.Global)
	}
	if m.Phase != PhaseDelta || m.Cutover.Hour() != 2 {
		t.Errorf("phase %q, cutover %v", m.Phase, m.Cutover)
	}
	db := m.Magento2.Database
	if db.Port != 3307 || string(*db.Password) != "12345" || db.TablePrefix == nil || *db.TablePrefix != "" ||
		db.TLS.ServerName != "n" {
		t.Errorf("the aliased database was not read whole")
	}
	p := &m.Preconditions
	for id, want := range map[string]Severity{
		"network": SeverityFail, "m2_entities": SeverityFail, "cron_stopped": SeverityWarn, "backup": SeverityWarn,
	} {
		if got := p.Severity(id); got != want {
			t.Errorf("severity of %s: %q, want %q", id, got, want)
		}
	}
	cron := SettingsOf[testCron](p, "cron_stopped")
	if cron.Crontabs == nil || len(*cron.Crontabs) != 0 || cron.Processes == nil || *cron.Processes {
		t.Errorf("crontabs: [] and processes: false look like nothing said: %+v", cron)
	}
	if d := SettingsOf[testExtensions](p, "extensions").Decisions; d["amshopby_setup"].ReplacedBy != "Amasty_Shopby" ||
		len(d) != 2 {
		t.Errorf("decisions: %+v", d)
	}
	if got := m.Waivers[0].Expires.Time; !got.Equal(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("a date must count whole: ends %v", got)
	}
	if got := m.Waivers[1].Expires.Time; !got.Equal(time.Date(2026, 12, 31, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("ends %v", got)
	}
}

func TestDefaults(t *testing.T) {
	c, err := parseText([]byte("migrations: [{name: a}]"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Global != Default().Global {
		t.Errorf("global: %+v", c.Global)
	}
	m := c.Migrations[0]
	if m.Phase != PhaseAuto || SettingsOf[testCron](&m.Preconditions, "cron_stopped").Crontabs != nil {
		t.Errorf("%+v", m)
	}
}

func TestFaultsHaveAPlace(t *testing.T) {
	for name, tc := range map[string]struct{ yaml, want string }{
		"unknown key": {"migrations:\n- name: a\n  magneto1: 3\n", `f.yml:3:3: unknown key "magneto1"`},
		"unknown key, deep": {
			"migrations:\n- name: a\n  magento1: {database: {pass: x}}\n", `f.yml:3:25: unknown key "pass"`,
		},
		"unknown key in backup": {
			"migrations:\n- name: a\n  preconditions:\n    backup: {path: x}\n", `f.yml:4:14: unknown key "path"`,
		},
		"unknown precondition": {
			"migrations:\n- name: a\n  preconditions:\n    networks: {severity: fail}\n",
			`f.yml:4:5: unknown precondition "networks"`,
		},
		"unknown in severity": {
			"migrations:\n- name: a\n  preconditions:\n    network: {sev: fail}\n", `f.yml:4:15: unknown key "sev"`,
		},
		"wrong type": {
			"migrations:\n- name: a\n  magento1: {database: {port: abc}}\n",
			"f.yml:3:31: expected a whole number, got text",
		},
		"list for text": {"migrations:\n- name: [a]\n", "f.yml:2:9: expected text, got a list"},
		"text for list": {"migrations: hello\n", "f.yml:1:13: expected a list, got text"},
		"duplicate key": {
			"migrations:\n- name: a\n  name: b\n", `f.yml:3:3: the key "name" is here a second time: the first is at line 2`,
		},
		"duplicate name": {
			"migrations:\n- name: a\n- name: a\n",
			`f.yml:3:9: a second migration with the name "a": the first is at f.yml:2:9`,
		},
		"bad name":         {"migrations:\n- name: 'a b'\n", `f.yml:2:9: name "a b"`},
		"no name":          {"migrations:\n- magento1: {root: /x}\n", `f.yml:2:3: a migration needs a name`},
		"no migrations":    {"global: {}\n", "no migrations"},
		"empty migrations": {"migrations: []\n", "f.yml:1:13: no migrations"},
		"empty file":       {"", "f.yml: the file is empty"},
		"only a comment":   {"# nothing\n", "f.yml"},
		"a scalar":         {"hello\n", "f.yml:1:1: "},
		"not YAML":         {"\x00\x01{{{", "f.yml: control characters"},
		"a tab":            {"migrations:\n\t- name: a\n", "f.yml:2:1: "},
		"two documents":    {"migrations: [{name: a}]\n---\nmigrations: []\n", "expected single document"},
		"unclosed":         {"migrations: [{name: a}\n", "f.yml:"},
		"phase":            {"migrations:\n- name: a\n  phase: ended\n", `f.yml:3:10: phase "ended"`},
		"cutover":          {"migrations:\n- name: a\n  cutover: tomorrow\n", "f.yml:3:12: "},
		"duration":         {"global: {evaluation_interval: 5 parsecs}\nmigrations: [{name: a}]\n", "f.yml:1:31: "},
		"interval of zero": {
			"global: {evaluation_interval: 0s}\nmigrations: [{name: a}]\n",
			"f.yml:1:31: evaluation_interval must be above zero",
		},
		"concurrency": {
			"global: {evaluation_concurrency: 0}\nmigrations: [{name: a}]\n", "f.yml:1:34: evaluation_concurrency",
		},
		"byte rate": {
			"global: {backup_read_bytes_per_second: -1}\nmigrations: [{name: a}]\n",
			"f.yml:1:40: backup_read_bytes_per_second",
		},
		"port": {
			"migrations:\n- name: a\n  magento1: {database: {port: 70000}}\n", "f.yml:3:31: port 70000",
		},
		"login in the host": {
			"migrations:\n- name: a\n  magento1: {database: {host: 'root:x@db'}}\n",
			"f.yml:3:31: host contains a login",
		},
		"login in the socket": {
			"migrations:\n- name: a\n  magento1: {database: {socket: '/x/root:x@db'}}\n",
			"f.yml:3:33: socket contains a login",
		},
		"no variable": {
			"migrations:\n- name: a\n  magento1: {database: {password_env: $X}}\n",
			"f.yml:3:39: password_env: expected the name of an environment variable",
		},
		"comma in braces": {
			"migrations:\n- name: a\n  magento1: {database: {user: a,b}}\n",
			"f.yml:3:33: an unquoted comma inside {…}: a text with a comma needs quotes",
		},
		"asterisk": {
			"migrations:\n- name: a\n  magento1: {database: {user: *b}}\n",
			"f.yml:3:31: there is no anchor of this name: a text that begins with * needs quotes",
		},
		"certificate alone": {
			"migrations:\n- name: a\n  magento1: {database: {tls: {cert_file: x}}}\n",
			"f.yml:3:30: cert_file and key_file",
		},
		"severity": {
			"migrations:\n- name: a\n  preconditions: {backup: {severity: page}}\n", `f.yml:3:38: severity "page"`,
		},
		"decision": {
			"migrations:\n- name: a\n  preconditions: {extensions: {decisions: {x: {}}}}\n",
			"f.yml:3:47: a decision is either",
		},
		"waiver, unknown": {
			"migrations:\n- name: a\n  waivers:\n  - {precondition: x, reason: r, expires: 2026-01-01}\n",
			`f.yml:4:20: unknown precondition "x"`,
		},
		"waiver, no reason": {
			"migrations:\n- name: a\n  waivers:\n  - {precondition: backup, expires: 2026-01-01}\n",
			"f.yml:4:5: a waiver needs a reason",
		},
		"waiver, no end": {
			"migrations:\n- name: a\n  waivers:\n  - {precondition: backup, reason: r}\n",
			"f.yml:4:5: a waiver needs an end",
		},
		"waiver, bad end": {
			"migrations:\n- name: a\n  waivers:\n  - {precondition: backup, reason: r, expires: soon}\n",
			"f.yml:4:48: expected a date",
		},
		"waiver, twice": {
			"migrations:\n- name: a\n  waivers:\n  - {precondition: backup, reason: r, expires: 2026-01-01}\n  - {precondition: backup, reason: s, expires: 2027-01-01}\n",
			"f.yml:5:20: a second waiver for backup",
		},
		"alias bomb":   {bomb(), "f.yml:3:3: expected a mapping, got a list"},
		"deep nesting": {"migrations: " + strings.Repeat("[", 100_000), "exceeded max depth"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseText([]byte(tc.yaml))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func bomb() string {
	var b strings.Builder
	b.WriteString("x: &a0 [1,1,1,1,1,1,1,1,1]\nmigrations:\n")
	for i := range 9 {
		b.WriteString("- &a" + string(rune('1'+i)) + " [" + strings.Repeat("*a"+string(rune('0'+i))+", ", 9) + "1]\n")
	}
	return b.String()
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	_, err := parseText([]byte("migrations:\n- {name: a, x: 1}\n- {name: b, y: 2}\n"))
	if err == nil || strings.Count(err.Error(), "unknown key") != 2 {
		t.Errorf("got %v", err)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c, err := Load(write("good.yml", everyKey), testSections())
	if err != nil {
		t.Fatal(err)
	}
	m := c.Migrations[0]
	if got := SettingsOf[testBackup](&m.Preconditions, "backup").Files; got[0] != "/b/*.gz" ||
		got[1] != filepath.Join(dir, "rel.sql") {
		t.Errorf("paths: %v", got)
	}
	if got := m.Magento2.Database.TLS.CAFile; got != filepath.Join(dir, "ca.pem") {
		t.Errorf("ca_file of the aliased system: %q", got)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yml"):                     "no such file",
		filepath.Join(dir, "*.json"):                       "no file matches",
		filepath.Join(dir, "[a.yml"):                       "not a valid pattern",
		write("big.yml", "# "+strings.Repeat("x", 10<<20)): "larger than 8 MiB",
	} {
		if _, err := Load(path, testSections()); err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
}

func TestErrorsNeverShowAPassword(t *testing.T) {
	for _, yaml := range []string{
		"migrations:\n- name: a\n  magento1: {database: {password: [hunter2]}}\n",
		"migrations:\n- name: a\n  magento1: {database: {password: {hunter2: hunter2}}}\n",
		"migrations:\n- name: a\n  magento1: {database: {password: hunter2, port: 99999}}\n",
		"migrations:\n- name: a\n  magento1: {database: {password: \"hunter2}}\n",
	} {
		_, err := parseText([]byte(yaml))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", yaml, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	c, err := parseText([]byte(`
migrations:
- name: a
  cutover: 2027-01-10T00:00:00Z
  waivers:
  - {precondition: backup, reason: r, expires: 2026-12-31}
  - {precondition: network, reason: r, expires: 2027-12-31}
`))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"2026-12-01T00:00:00Z": "waiver for backup expires at 2027-01-01T00:00:00Z, before the cutover at 2027-01-10",
		"2027-01-01T00:00:00Z": "waiver for backup expired at 2027-01-01T00:00:00Z",
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if w := c.Warnings(now); len(w) != 1 || !strings.Contains(w[0], want) {
			t.Errorf("at %s: %q, want %q", at, w, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(everyKey))
	f.Add([]byte("migrations: [{name: a, waivers: [{precondition: backup, expires: 2026-01-01}]}]"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte(
		"defaults: &d {phase: auto, magento1: &m {x: *m}}\ntemplates: {t: {<<: *d}}\nmigrations: [{name: a, template: t, <<: [*d], magento1: *m}]",
	))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseText(data)
		if err == nil && len(c.Migrations) == 0 {
			t.Error("accepted a file without migrations")
		}
		var fe *FileError
		if err != nil && !errors.As(err, &fe) {
			t.Errorf("an error without a file: %v", err)
		}
	})
}

func TestWarningsAboutPasswords(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	text := "migrations:\n- name: a\n  magento2: {database: {password: canary, password_env: X, password_file: " + secret + "}}\n"
	c, err := parseText([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	w := strings.Join(c.Warnings(time.Now()), "\n")
	if !strings.Contains(w, "several passwords (password, password_env, password_file)") ||
		!strings.Contains(w, secret+" contains a secret") ||
		strings.Contains(w, "canary") {
		t.Error(w)
	}
}
