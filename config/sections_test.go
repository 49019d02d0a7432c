package config

import (
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
