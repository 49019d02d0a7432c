package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mistake is a configuration as people write it, and the whole answer of --config.check.
type mistake struct {
	name, text string
	code       int
	answer     []string
}

// mistakes has what people get wrong, each with the sentence that says what to write instead. FILE is the file's name.
func mistakes() []mistake {
	return []mistake{
		{
			"cutover", "migrations:\n  - name: acme\n    cutover: 2026-12-31 02:00\n", 1,
			[]string{
				"FILE:3:14: write 2026-12-31T02:00:00Z for UTC, or with an offset, like 2026-12-31T02:00:00+01:00",
			},
		},
		{
			"cutover date", "migrations:\n  - name: acme\n    cutover: 2026-12-31\n", 0,
			[]string{
				"FILE is valid: 1 migration",
			},
		},
		{
			"cutover words", "migrations:\n  - name: acme\n    cutover: tomorrow\n", 1,
			[]string{
				"FILE:3:14: expected a time like 2026-12-31T02:00:00Z (UTC) or 2026-12-31T02:00:00+01:00, or a date, which is its midnight in UTC",
			},
		},
		{
			"backups", "migrations:\n  - name: acme\n    preconditions:\n      backups: {paths: [/x]}\n", 1,
			[]string{
				"FILE:4:7: unknown precondition \"backups\", did you mean \"backup\"?",
			},
		},
		{
			"key", "migrations:\n  - name: acme\n    magento_1: {root: /x}\n", 1,
			[]string{
				"FILE:3:5: unknown key \"magento_1\", did you mean \"magento1\"?",
			},
		},
		{
			"key2", "migrations:\n  - name: acme\n    magento1: {databse: {host: db}}\n", 1,
			[]string{
				"FILE:3:16: unknown key \"databse\", did you mean \"database\"?",
			},
		},
		{
			"key3", "migrations:\n  - name: acme\n    preconditions:\n      backup: {path: [/x]}\n", 1,
			[]string{
				"FILE:4:16: unknown key \"path\", did you mean \"paths\"?",
			},
		},
		{
			"topkey", "migration:\n  - name: acme\n", 1,
			[]string{
				"FILE:1:1: unknown key \"migration\", did you mean \"migrations\"?",
			},
		},
		{
			"global", "global: {evalution_interval: 1m}\nmigrations:\n  - name: acme\n", 1,
			[]string{
				"FILE:1:10: unknown key \"evalution_interval\", did you mean \"evaluation_interval\"?",
			},
		},
		{
			"indent", "migrations:\n  - name: acme\n   phase: prepare\n", 1,
			[]string{
				"FILE:3:4: this line begins in another column than the others of its block: align it (did not find expected '-' indicator)",
			},
		},
		{
			"tabs", "migrations:\n  - name: acme\n\tphase: prepare\n", 1,
			[]string{
				"FILE:3:1: there is a tab: indent with spaces (found a tab character that violates indentation)",
			},
		},
		{
			"interval", "global: {evaluation_interval: 60}\nmigrations:\n  - name: acme\n", 1,
			[]string{
				"FILE:1:31: 60 has no unit: write 60s for seconds (units: ms, s, m, h, d, w, y)",
			},
		},
		{
			"interval2", "global: {evaluation_interval: 1 minute}\nmigrations:\n  - name: acme\n", 1,
			[]string{
				"FILE:1:31: expected a duration like 90s, 5m or 1h30m (units: ms, s, m, h, d, w, y)",
			},
		},
		{
			"interval0", "global: {evaluation_interval: 0s}\nmigrations:\n  - name: acme\n", 1,
			[]string{
				"FILE:1:31: evaluation_interval must be above zero",
			},
		},
		{
			"percent", "migrations:\n  - name: acme\n    magento1: {database: {password: %x}}\n", 1,
			[]string{
				"FILE:3:37: a text that begins with %, @ or ` needs quotes, like '%x' (found character that cannot start any token)",
			},
		},
		{
			"hash", "migrations:\n  - name: acme\n    magento1: {database: {password: ab #c}}\n", 1,
			[]string{
				"FILE:4:1: a {…} is not closed, or a text in it needs quotes: one with a colon, a brace, or # after a space (did not find expected ',' or '}')",
			},
		},
		{
			"at", "migrations:\n  - name: acme\n    magento1: {database: {password: @x}}\n", 1,
			[]string{
				"FILE:3:37: a text that begins with %, @ or ` needs quotes, like '%x' (found character that cannot start any token)",
			},
		},
		{
			"hostport", "migrations:\n  - name: acme\n    magento1: {database: {host: \"db:3306\", name: a, user: u, password: p}}\n", 0,
			[]string{
				"FILE is valid: 1 migration",
				"migration acme: magento1.database.host has a port in it: write host: db and port: 3306",
			},
		},
		{
			"both", "migrations:\n  - name: acme\n    magento1: {database: {host: db, name: a, user: u, password: p, password_file: /x}}\n", 0,
			[]string{
				"FILE is valid: 1 migration",
				"migration acme: magento1.database has several passwords (password, password_file): the first one is used",
			},
		},
		{
			"expired", "migrations:\n  - name: acme\n    waivers:\n      - {precondition: backup, reason: x, expires: 2020-01-01}\n", 0,
			[]string{
				"FILE is valid: 1 migration",
				"migration acme: the waiver for backup expired at 2020-01-02T00:00:00Z and covers nothing: renew it or remove it",
			},
		},
		{
			"waiver pre", "migrations:\n  - name: acme\n    waivers:\n      - {precondition: backups, reason: x, expires: 2099-01-01}\n", 1,
			[]string{
				"FILE:4:24: unknown precondition \"backups\", did you mean \"backup\"?",
			},
		},
		{
			"waiver noreason", "migrations:\n  - name: acme\n    waivers:\n      - {precondition: backup, expires: 2099-01-01}\n", 1,
			[]string{
				"FILE:4:9: a waiver needs a reason",
			},
		},
		{
			"waiver noexp", "migrations:\n  - name: acme\n    waivers:\n      - {precondition: backup, reason: x}\n", 1,
			[]string{
				"FILE:4:9: a waiver needs an end: set expires to a date or a time",
			},
		},
		{
			"waiver exp", "migrations:\n  - name: acme\n    waivers:\n      - {precondition: backup, reason: x, expires: 31.12.2026}\n", 1,
			[]string{
				"FILE:4:52: expected a date like 2026-12-31 or a time like 2026-12-31T02:00:00Z",
			},
		},
		{
			"phase", "migrations:\n  - name: acme\n    phase: preparation\n", 1,
			[]string{
				"FILE:3:12: phase \"preparation\": expected auto, prepare, migrate, delta, cutover or done",
			},
		},
		{
			"severity", "migrations:\n  - name: acme\n    preconditions: {m2_entities: {severity: critical}}\n", 1,
			[]string{
				"FILE:3:45: severity \"critical\": expected warn or fail",
			},
		},
		{
			"dup", "migrations:\n  - name: acme\n  - name: acme\n", 1,
			[]string{
				"FILE:3:11: a second migration with the name \"acme\": the first is at FILE:2:11",
			},
		},
		{
			"name", "migrations:\n  - name: \"my shop\"\n", 1,
			[]string{
				"FILE:2:11: name \"my shop\": a name starts with a letter or digit, continues with letters, digits, '.', '_' or '-', and has at most 63 characters",
			},
		},
		{
			"noname", "migrations:\n  - phase: auto\n", 1,
			[]string{
				"FILE:2:5: a migration needs a name",
			},
		},
		{
			"empty", "", 1,
			[]string{
				"FILE: the file is empty",
			},
		},
		{
			"nomig", "migrations: []\n", 1,
			[]string{
				"FILE:1:13: no migrations: list at least one under migrations",
			},
		},
		{
			"port", "migrations:\n  - name: acme\n    magento1: {database: {host: db, port: \"33o6\", name: a, user: u}}\n", 1,
			[]string{
				"FILE:3:43: expected a whole number, got text",
			},
		},
		{
			"portbig", "migrations:\n  - name: acme\n    magento1: {database: {host: db, port: 99999, name: a, user: u}}\n", 1,
			[]string{
				"FILE:3:43: port 99999: expected 1 to 65535",
			},
		},
		{
			"boolyes", "migrations:\n  - name: acme\n    preconditions: {migration_tool: {auto: maybe}}\n", 1,
			[]string{
				"FILE:3:44: expected true or false, got text",
			},
		},
		{
			"list", "migrations:\n  - name: acme\n    preconditions: {backup: {paths: /x}}\n", 1,
			[]string{
				"FILE:3:37: expected a list, got text",
			},
		},
		{
			"dash", "migrations:\n  name: acme\n", 1,
			[]string{
				"FILE:2:3: expected a list, got a mapping",
			},
		},
		{
			"comma", "migrations:\n  - name: acme\n    waivers:\n      - {precondition: backup, reason: no, not now, expires: 2099-01-01}\n", 1,
			[]string{
				"FILE:4:44: an unquoted comma inside {…}: a text with a comma needs quotes",
			},
		},
		{
			"dupkey", "migrations:\n  - name: acme\n    phase: auto\n    phase: delta\n", 1,
			[]string{
				"FILE:4:5: the key \"phase\" is here a second time: the first is at line 3",
			},
		},
		{
			"quote", "migrations:\n  - name: acme\n    phase: \"auto\n", 1,
			[]string{
				"FILE:4:1: a quote is opened and not closed (found unexpected end of stream)",
			},
		},
		{
			"colon", "migrations:\n  - name: acme\n    magento1: {database: {password: a: b}}\n", 1,
			[]string{
				"FILE:3:38: a {…} is not closed, or a text in it needs quotes: one with a colon, a brace, or # after a space (did not find expected ',' or '}')",
			},
		},
		{
			"nospace", "migrations:\n  - name: acme\n    phase:auto\n", 1,
			[]string{
				"FILE:4:1: expected a key with a colon and a space after it, like phase: auto (could not find expected ':')",
			},
		},
		{
			"maxage", "migrations:\n  - name: acme\n    preconditions: {backup: {paths: [/x], max_age: 7}}\n", 1,
			[]string{
				"FILE:3:52: 7 has no unit: write 7s for seconds (units: ms, s, m, h, d, w, y)",
			},
		},
		{
			"dec", "migrations:\n  - name: acme\n    preconditions: {extensions: {decisions: {a: dropped}}}\n", 1,
			[]string{
				"FILE:3:49: expected a mapping, got text",
			},
		},
		{
			"topo", "migrations:\n  - name: acme\n    preconditions: {topology: {magento1: {web: four}}}\n", 1,
			[]string{
				"FILE:3:48: expected a number of nodes from 0 to 1000, or a list of addresses",
			},
		},
		{
			"anchor", "migrations:\n  - name: acme\n    magento1: *m1\n", 1,
			[]string{
				"FILE:3:15: there is no anchor of this name: a text that begins with * needs quotes",
			},
		},
	}
}

func TestMistakesOfConfigurations(t *testing.T) {
	t.Parallel()
	for _, m := range mistakes() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "exporter.yml")
			if err := os.WriteFile(file, []byte(m.text), 0o600); err != nil {
				t.Fatal(err)
			}
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), []string{"--config.file=" + file, "--config.check"}, &stdout, &stderr)
			if got := answerOf(stdout.String()+stderr.String(), file); code != m.code ||
				got != strings.Join(m.answer, "\n") {
				t.Errorf("exit code %d:\n%s\nwant %d:\n%s", code, got, m.code, strings.Join(m.answer, "\n"))
			}
		})
	}
}

var loggedWarning = regexp.MustCompile(`(?m)^.* warning="(.*)"$`)

// answerOf is what was printed, without what the log puts around a warning.
func answerOf(text, file string) string {
	text = loggedWarning.ReplaceAllString(strings.TrimSpace(text), "$1")
	return strings.NewReplacer(file, "FILE", `\"`, `"`).Replace(text)
}

// TestConfigCheckReadsTheWebConfiguration has a web configuration that is missing, and one that is not valid.
func TestConfigCheckReadsTheWebConfiguration(t *testing.T) {
	t.Parallel()
	file := writeConfig(t, "migrations:\n  - name: acme\n")
	missing := filepath.Join(t.TempDir(), "web.yml")
	for web, want := range map[string]string{
		missing:                              missing + ": open " + missing + ": no such file or directory",
		writeConfig(t, "basic_auth: {a: b}"): "not found in type web.Config",
	} {
		var stdout, stderr bytes.Buffer
		code := run(
			t.Context(),
			[]string{"--config.file=" + file, "--config.check", "--web.config.file=" + web},
			&stdout,
			&stderr,
		)
		if code != exitError || !strings.Contains(stderr.String(), want) || stdout.String() != "" {
			t.Errorf("exit code %d, %s%s, want %s", code, &stdout, &stderr, want)
		}
	}
}
