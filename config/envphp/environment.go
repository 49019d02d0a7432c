package envphp

import (
	"regexp"
	"slices"
	"strings"

	"magento_migration_exporter/config/phparray"
)

const (
	variablePrefix   = "MAGENTO_DC_"
	overrideVariable = "MAGENTO_DC__OVERRIDE"
)

// Override is a setting or a section that an environment variable brings, whatever env.php says.
type Override struct {
	Variable string `json:"variable"`
	// Path is that of the setting, such as cron/enabled, or for MAGENTO_DC__OVERRIDE that of a whole section, such as
	// db.
	Path string `json:"path"`
	// Problem says why Magento ignores the variable.
	Problem string `json:"problem,omitempty"`
}

// environment is what the variables of PHP's process say of the deployment configuration
// (Magento\Framework\App\DeploymentConfig, the same in 2.4.x):
//   - MAGENTO_DC__OVERRIDE is JSON whose members replace whole sections of env.php.
//   - MAGENTO_DC_CRON__ENABLED is the setting cron/enabled, if Magento reads that by itself. It wins over the file and
//     the JSON.
type environment struct {
	values    map[string]string // by path
	variables map[string]string // the variable of each path
	sections  *phparray.Value   // of MAGENTO_DC__OVERRIDE, nil without it
	mode      string            // MAGE_MODE, which the web server may set too
	overrides []Override
}

// readWhole are the sections that Magento reads as a whole, so that a variable for a setting in them has no effect
// in the releases that were read. Whether that is so in all of them is not known.
var readWhole = []string{"db/connection/", "db/slave_connection/", "cache/", "queue/", "resource/", "http_cache_hosts/"}

func newEnvironment(environ []string) *environment {
	e := &environment{values: map[string]string{}, variables: map[string]string{}}
	for _, variable := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case name == overrideVariable:
			e.override(value)
		case name == "MAGE_MODE":
			e.mode = value
		case strings.Contains(name, variablePrefix):
			path := strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(name, variablePrefix, ""), "__", "/"))
			e.values[path], e.variables[path] = value, name
			e.overrides = append(e.overrides, Override{Variable: name, Path: path})
		}
	}
	return e
}

func (e *environment) override(value string) {
	if value == "" || value == "0" {
		return
	}
	sections, err := phparray.FromJSON([]byte(value))
	switch {
	case err != nil:
		e.overrides = append(e.overrides, Override{Variable: overrideVariable, Problem: "it is not JSON"})
		return
	case sections.Kind() != phparray.Array:
		e.overrides = append(e.overrides, Override{Variable: overrideVariable, Problem: "it is not a JSON object"})
		return
	}
	e.sections = sections
	for section := range sections.Entries() {
		e.overrides = append(e.overrides, Override{Variable: overrideVariable, Path: section})
	}
}

// indirection is Magento's notation for a value from an environment variable: #env(NAME) or #env(NAME, "default").
var indirection = regexp.MustCompile(`^#env\(\s*(\w+)\s*(,\s*"[^"]+")?\)$`)

// setting returns what Magento gets for a path, as a literal.
func (f *File) setting(path string) Setting[*phparray.Value] {
	keys := strings.Split(path, "/")
	result := fromValue(f.root.Get(keys...))
	inOverride := f.environment.sections != nil && f.environment.sections.Get(keys[0]) != nil
	if inOverride {
		result.Variable = overrideVariable
	}
	value, ok := f.environment.values[path]
	if !ok {
		return result
	}
	variable := f.environment.variables[path]
	if text, same := textOf(result); same && text == value {
		return result
	}
	unknown := Setting[*phparray.Value]{Place: result.Place, State: Unknown, Variable: variable}
	switch {
	case slices.ContainsFunc(readWhole, func(section string) bool { return strings.HasPrefix(path, section) }):
		unknown.Reason = "the environment variable " + variable +
			" says something else; Magento reads the section as a whole, in which it may not count"
		return unknown
	case inOverride && result.State != Absent:
		unknown.Reason = "the environment variables " + variable + " and " + overrideVariable + " contradict each other"
		return unknown
	}
	return Setting[*phparray.Value]{State: Known, Value: phparray.NewString(value), Variable: variable}
}

func textOf(s Setting[*phparray.Value]) (string, bool) {
	if s.State != Known {
		return "", false
	}
	return s.Value.Text()
}

// fromValue returns what is known of a value of the file.
func fromValue(v *phparray.Value) Setting[*phparray.Value] {
	if v == nil {
		return Setting[*phparray.Value]{State: Absent}
	}
	s := Setting[*phparray.Value]{Place: v.Place(), State: Known, Value: v}
	text, _ := v.Text()
	if m := indirection.FindStringSubmatch(text); m != nil {
		return Setting[*phparray.Value]{
			Place: s.Place, State: Unknown, Variable: m[1],
			Reason: "the value is that of the environment variable " + m[1] + " of PHP, which is not seen here",
		}
	}
	if v.Kind() == phparray.Unknown {
		return Setting[*phparray.Value]{
			Place: s.Place, State: Unknown, Reason: "only PHP can compute it: it " + v.Reason(),
		}
	}
	return s
}
