package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// folder writes files, and returns their folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shared is what one team writes for all.
const shared = `# lines before it count too

global: {evaluation_interval: 30s}
defaults:
  magento2: {root: m2, database: {port: 3307, user: tool, tls: {ca_file: ca.pem}}}
  preconditions:
    backup: {paths: [all.sql], max_age: 24h}
    m2_entities: {severity: fail}
templates:
  shop:
    phase: prepare
    magento2: {database: {user: shop, password_file: shop.secret}}
    preconditions: {backup: {paths: [shop.sql]}, extensions: {decisions: {a_setup: {dropped: unused}}}}
`

func TestManyFiles(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"00-all.yaml":   shared,
		"teams/a.yml":   "migrations:\n- name: a\n  template: shop\n  magento2: {database: {host: db-a, user: own, tls: {server_name: a}}}\n  preconditions: {extensions: {decisions: {b_setup: {replaced_by: B_B}}}}\n",
		"b.yml":         "migrations: [{name: b, magento2: {root: own, database: }, preconditions: {backup: {paths: []}}}]",
		"c.yaml":        "migrations:\n  - name: c\n",
		".hidden.yml":   "this: is no configuration",
		"notes.txt":     "nor is this",
		"teams/README":  "nor this",
		"10-empty.yaml": "migrations: []\n",
	})
	if err := os.Rename(filepath.Join(dir, "teams/a.yml"), filepath.Join(dir, "a.yml")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, dir + "/", filepath.Join(dir, "*.y*ml")} {
		c, err := Load(path, testSections())
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for i := range c.Migrations {
			names = append(names, c.Migrations[i].Name)
		}
		if !slices.Equal(names, []string{"a", "b", "c"}) ||
			time.Duration(c.Global.EvaluationInterval) != 30*time.Second {
			t.Fatalf("%s: migrations %v, interval %s", path, names, c.Global.EvaluationInterval)
		}
		in := func(name string) string { return filepath.Join(dir, name) }
		a, b, other := &c.Migrations[0], &c.Migrations[1], &c.Migrations[2]
		if d := a.Magento2.Database; d.Host != "db-a" || d.User != "own" || d.Port != 3307 ||
			d.PasswordFile != in("shop.secret") ||
			d.TLS.CAFile != in("ca.pem") ||
			d.TLS.ServerName != "a" {
			t.Errorf("a's database: %+v", d)
		}
		p := &a.Preconditions
		backup, decisions := SettingsOf[testBackup](p, "backup"), SettingsOf[testExtensions](p, "extensions").Decisions
		if a.Phase != PhasePrepare || !slices.Equal(backup.Files, []string{in("shop.sql")}) || backup.MaxAge == 0 ||
			len(decisions) != 2 ||
			p.Severity("m2_entities") != SeverityFail {
			t.Errorf("a's preconditions: %+v %+v", backup, decisions)
		}
		backup = SettingsOf[testBackup](&b.Preconditions, "backup")
		if !reflect.DeepEqual(b.Magento2, System{Root: in("own")}) || len(backup.Files) != 0 || backup.MaxAge == 0 {
			t.Errorf("b, which empties what the defaults say: %+v", b)
		}
		if other.Phase != PhaseAuto || other.Magento2.Root != in("m2") || other.Magento2.Database.User != "tool" {
			t.Errorf("c, which has only the defaults: %+v", other)
		}
	}
}

// TestPathsAreRelativeToTheirFile has a file in another folder than the rest.
func TestPathsAreRelativeToTheirFile(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"a/base.yml":  "templates: {t: {magento1: {root: m1}, preconditions: {cron_stopped: {crontabs: [tab]}}}}",
		"b/shops.yml": "migrations: [{name: x, template: t, migration_tool: {config: config.xml}}]",
	})
	c, err := Load(dir+"/*/*.yml", testSections())
	if err != nil {
		t.Fatal(err)
	}
	m := c.Migrations[0]
	if m.Magento1.Root != dir+"/a/m1" || m.MigrationTool.Config != dir+"/b/config.xml" ||
		(*SettingsOf[testCron](&m.Preconditions, "cron_stopped").Crontabs)[0] != dir+"/a/tab" {
		t.Errorf("%+v", m)
	}
}

func TestMergeKeysGoBeneathTemplates(t *testing.T) {
	t.Parallel()
	c, err := parseText([]byte(`
defaults: {magento1: {database: {user: default, host: default, name: default}}}
templates:
  base: &base {magento1: {database: {host: template}}}
  more: {<<: *base, phase: migrate}
migrations:
- name: a
  template: more
  magento1: &m {database: &db {name: own, <<: {port: 1, name: brought}}}
- name: b
  magento1: {<<: *m, root: /r}
- {<<: {name: c, phase: delta}}
`))
	if err != nil {
		t.Fatal(err)
	}
	a, b := c.Migrations[0], c.Migrations[1]
	if d := a.Magento1.Database; d.User != "default" || d.Host != "template" || d.Name != "own" || d.Port != 1 ||
		a.Phase != PhaseMigrate {
		t.Errorf("%+v", a)
	}
	if d := b.Magento1.Database; d.Name != "own" || d.Port != 1 || d.Host != "default" || b.Magento1.Root != "/r" {
		t.Errorf("%+v", b)
	}
	if m := c.Migrations[2]; m.Name != "c" || m.Phase != PhaseDelta {
		t.Errorf("%+v", m)
	}
}

func TestDefaultTemplate(t *testing.T) {
	t.Parallel()
	c, err := parseText([]byte(
		"defaults: {template: t}\ntemplates: {t: {phase: delta}, u: {phase: migrate}}\nmigrations: [{name: a}, {name: b, template: u}]",
	))
	if err != nil || c.Migrations[0].Phase != PhaseDelta || c.Migrations[1].Phase != PhaseMigrate {
		t.Errorf("%v %+v", err, c)
	}
}

func TestFaultsInSeveralFilesHaveAPlace(t *testing.T) {
	t.Parallel()
	const good = "migrations:\n- name: good\n"
	for name, tc := range map[string]struct {
		a, b string
		want []string
	}{
		"two globals": {
			"global: {}\n" + good, "\nglobal: {}\n",
			[]string{"b.yml:2:1: a second global: the first is at DIR/a.yml:1:1"},
		},
		"two defaults": {
			"defaults: {}\n" + good, "defaults: {}\n",
			[]string{"b.yml:1:1: a second defaults: the first is at DIR/a.yml:1:1"},
		},
		"two templates": {
			"templates: {x: {}}\n" + good, "templates:\n  x: {}\n",
			[]string{`b.yml:2:3: a second template "x": the first is at DIR/a.yml:1:13`},
		},
		"two migrations": {
			good, "\n\nmigrations:\n- name: good\n",
			[]string{`b.yml:4:9: a second migration with the name "good": the first is at DIR/a.yml:2:9`},
		},
		"unknown key": {
			good, "migrations:\n- name: b\n  magneto1: {}\n", []string{`b.yml:3:3: unknown key "magneto1"`},
		},
		"unknown key at the top": {good, "migration: []\n", []string{`b.yml:1:1: unknown key "migration"`}},
		"duplicate key": {
			good, "migrations:\n- name: b\n  phase: auto\n  phase: delta\n",
			[]string{`b.yml:4:3: the key "phase" is here a second time: the first is at line 3`},
		},
		"duplicate key, merged": {
			"defaults: {phase: auto}\n" + good, "migrations:\n- name: b\n  phase: auto\n  phase: delta\n",
			[]string{`b.yml:4:3: the key "phase" is here a second time: the first is at line 3`},
		},
		"duplicate key at the top": {
			good + "migrations: []\n", "templates: {}\n",
			[]string{`a.yml:3:1: the key "migrations" is here a second time: the first is at line 1`},
		},
		"syntax":        {good, "migrations:\n\t- name: b\n", []string{"b.yml:2:1: "}},
		"half written":  {good, "migrations:\n- name: b\n  magento1: {database: {ho", []string{"b.yml:"}},
		"empty":         {good, "", []string{"b.yml: the file is empty"}},
		"only comments": {good, "# to be done\n", []string{"b.yml"}},
		"no mapping":    {good, "- name: b\n", []string{"b.yml:1:1: expected a mapping"}},
		"no list":       {good, "migrations: {name: b}\n", []string{"b.yml:1:13: expected a list"}},
		"a value": {
			good, "migrations:\n- name: b\n  phase: ended\n", []string{`b.yml:3:10: phase "ended"`},
		},
		"in both": {
			"migrations:\n- name: 'a a'\n", "migrations:\n- name: 'b b'\n",
			[]string{`a.yml:2:9: name "a a"`, `b.yml:2:9: name "b b"`},
		},
		"unknown template": {
			"templates: {x: {}}\n" + good, "migrations:\n- {name: b, template: y}\n",
			[]string{`b.yml:2:23: there is no template "y"`},
		},
		"template, not text": {
			good, "migrations:\n- {name: b, template: [x]}\n", []string{"b.yml:2:23: expected the name of a template"},
		},
		"template, its value": {
			"templates: {x: {phase: ended}}\n" + good, "migrations:\n- {name: b, template: x}\n",
			[]string{`a.yml:1:24: phase "ended"`},
		},
		"template, unknown key": {
			"templates: {x: {phases: ended}}\n" + good, "templates: {z: {}}\n",
			[]string{`a.yml:1:17: unknown key "phases"`},
		},
		"template, nested": {
			"templates: {x: {template: y}, y: {}}\n" + good, "templates: {z: {}}\n",
			[]string{`a.yml:1:17: unknown key "template"`},
		},
		"template, name": {
			"templates: {x: {name: y}}\n" + good, "templates: {z: {}}\n",
			[]string{"a.yml:1:17: a template cannot have a name"},
		},
		"template, no mapping": {
			"templates: {x: 7}\n" + good, "templates: [z]\n",
			[]string{"a.yml:1:16: expected a template to be a mapping", "b.yml:1:12: expected a mapping of templates"},
		},
		"defaults, wrong type": {
			good, "defaults:\n  magento1: {database: {port: abc}}\n", []string{"b.yml:2:31: expected a whole number"},
		},
		"defaults, precondition": {
			good, "defaults:\n  preconditions: {networks: {severity: fail}}\n",
			[]string{`b.yml:2:19: unknown precondition "networks"`},
		},
		"defaults, no mapping": {good, "defaults: [1]\n", []string{"b.yml:1:11: expected defaults to be a mapping"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, map[string]string{"a.yml": tc.a, "b.yml": tc.b})
			_, err := Load(dir, testSections())
			for _, want := range tc.want {
				if want = strings.ReplaceAll(want, "DIR", dir); err == nil ||
					!strings.Contains(err.Error(), dir+"/"+want) {
					t.Errorf("got %v\nwant %s/%s", err, dir, want)
				}
			}
		})
	}
}

func TestATemplatesFaultIsReportedOnce(t *testing.T) {
	t.Parallel()
	_, err := parseText([]byte(
		"templates: {x: {phase: ended, magneto: 1}}\nmigrations: [{name: a, template: x}, {name: b, template: x}]"))
	if err == nil || strings.Count(err.Error(), "magneto") != 1 {
		t.Errorf("got %v", err)
	}
}

func TestFolderWithoutFiles(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"a.json": "{}", ".b.yml": ""})
	if _, err := Load(dir, testSections()); err == nil ||
		!strings.Contains(err.Error(), dir+": the folder has no file") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(dir+"/*.yml", testSections()); err == nil ||
		!strings.Contains(err.Error(), dir+"/*.yml: no file matches") {
		t.Errorf("got %v", err)
	}
}

// TestPasswordsInTemplatesAreNotShown has faults beside and in secrets.
func TestPasswordsInTemplatesAreNotShown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"defaults: {magento1: {database: {password: [hunter2]}}}\nmigrations: [{name: a}]",
		"templates: {x: {magento1: {database: {password: {hunter2: 1}}}}}\nmigrations: [{name: a, template: x}]",
		"defaults: {magento1: {database: {password: hunter2, port: 99999}}}\nmigrations: [{name: a}]",
	} {
		if _, err := parseText([]byte(text)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFaultsAreCapped(t *testing.T) {
	t.Parallel()
	_, err := parseText([]byte("migrations:\n- name: a\n" + strings.Repeat("- {name: b, x: 1}\n", 1000)))
	if err == nil || strings.Count(err.Error(), "\n") != maxFaults || !strings.Contains(err.Error(), "f.yml:3:") ||
		!strings.HasSuffix(err.Error(), "\nand 950 more faults") {
		t.Errorf("got %v", err)
	}
}

func TestLastChange(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"a/one.yml": "x", "a/two.yml": "x", "b/one.yml": "x"})
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	age := func(path string, at time.Time) {
		t.Helper()
		if err := os.Chtimes(filepath.Join(dir, path), at, at); err != nil {
			t.Fatal(err)
		}
	}
	paths := []string{"a", "a/*.yml", "*/*.yml", "a/one.yml"}
	for i, tc := range []struct {
		changed string
		saw     []bool
	}{
		{"a/one.yml", []bool{true, true, true, true}},
		{"a/two.yml", []bool{true, true, true, false}},
		{"b/one.yml", []bool{false, false, true, false}},
		{"a", []bool{true, true, true, false}}, // a file came or went
		{"b", []bool{false, false, true, false}},
	} {
		for _, path := range []string{"a/one.yml", "a/two.yml", "b/one.yml", "a", "b", "."} {
			age(path, long)
		}
		now := long.Add(time.Duration(i+1) * time.Minute)
		age(tc.changed, now)
		for j, path := range paths {
			want := long
			if tc.saw[j] {
				want = now
			}
			if got := LastChange(filepath.Join(dir, path)); !got.Equal(want) {
				t.Errorf("%s changed: %s says %s, want %s", tc.changed, path, got, want)
			}
		}
	}
	if got := LastChange(filepath.Join(dir, "none.yml")); !got.IsZero() {
		t.Errorf("a file that is not there was changed at %s", got)
	}
}
