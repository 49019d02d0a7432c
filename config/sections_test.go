package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
)

// The sections of these tests have one of each kind of setting that the real ones have.
type (
	testBackup struct {
		Judgment `yaml:",inline"`
		Files    []string       `yaml:"paths"`
		MaxAge   model.Duration `yaml:"max_age"`
	}
	testCron struct {
		Judgment  `yaml:",inline"`
		Crontabs  *[]string `yaml:"crontabs"`
		Processes *bool     `yaml:"processes"`
	}
	testExtensions struct {
		Judgment  `yaml:",inline"`
		Decisions map[string]testDecision `yaml:"decisions"`
	}
	testDecision struct {
		ReplacedBy string `yaml:"replaced_by"`
		Dropped    string `yaml:"dropped"`
	}
)

func (b *testBackup) Paths(resolve func(path *string, keys ...any)) {
	for i := range b.Files {
		resolve(&b.Files[i], "paths", i)
	}
}

func (c *testCron) Paths(resolve func(path *string, keys ...any)) {
	if c.Crontabs != nil {
		for i := range *c.Crontabs {
			resolve(&(*c.Crontabs)[i], "crontabs", i)
		}
	}
}

func (e *testExtensions) Validate(fail func(message string, path ...any)) {
	for module, d := range e.Decisions {
		if (d.ReplacedBy == "") == (d.Dropped == "") {
			fail("a decision is either of two", "decisions", module)
		}
	}
}

func testSections() []Section {
	return []Section{
		{ID: "network"},
		{ID: "backup", New: func() Settings { return &testBackup{} }},
		{ID: "cron_stopped", New: func() Settings { return &testCron{} }},
		{ID: "m2_entities"},
		{ID: "extensions", New: func() Settings { return &testExtensions{} }},
	}
}

// parseText is Load of a text as f.yml: relative paths stay as they are.
func parseText(data []byte) (*Config, error) {
	p := parser{sections: testSections()}
	if err := p.read("f.yml", data); err != nil {
		return nil, err
	}
	return p.config()
}

// TestSeesAs changes one setting after the other.
func TestSeesAs(t *testing.T) {
	t.Parallel()
	type settings struct {
		Judgment `yaml:",inline"`
		Paths    []string `yaml:"paths"`
	}
	sections := []Section{{ID: "backup", New: func() Settings { return &settings{} }}, {ID: "network"}}
	const base = "phase: delta, magento1: {root: /m1}, preconditions: {backup: {paths: [/b]}}"
	read := func(text string) *Migration {
		path := filepath.Join(t.TempDir(), "exporter.yml")
		if err := os.WriteFile(path, []byte("migrations: [{name: a, "+text+"}]"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, sections)
		if err != nil {
			t.Fatal(err)
		}
		return &c.Migrations[0]
	}
	for text, same := range map[string]bool{
		base:                                     true,
		base + ", cutover: 2026-12-31T02:00:00Z": true,
		base + ", waivers: [{precondition: backup, reason: r, expires: 2999-01-01}]": true,
		strings.Replace(base, "{paths", "{severity: fail, paths", 1):                 true,
		strings.Replace(base, "{backup", "{network: {severity: fail}, backup", 1):    true,
		strings.Replace(base, "/b", "/c", 1):                                         false,
		strings.Replace(base, "/m1", "/m2", 1):                                       false,
		strings.Replace(base, "delta", "cutover", 1):                                 false,
		base + ", magento2: {database: {host: db}}":                                  false,
	} {
		before, after := read(base), read(text)
		if before.SeesAs(after) != same || after.SeesAs(before) != same {
			t.Errorf("%s: want %v", text, same)
		}
		if before.Preconditions.Severity("backup") != SeverityWarn {
			t.Error("the comparison changed the entry")
		}
	}
	if m := read(strings.Replace(base, "{paths", "{severity: fail, paths", 1)); !m.SeesAs(m) ||
		m.Preconditions.Severity("backup") != SeverityFail {
		t.Error("the comparison changed the entry")
	}
}
