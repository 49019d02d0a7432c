package shoptest

import (
	"reflect"
	"regexp"
	"strings"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

var (
	// named is a setting of a migration with its path from the configuration's root.
	named = regexp.MustCompile(`migrations\[[^\]]*\]\.([a-z0-9_.]+[a-z0-9_])`)
	// bare is a setting without the whole path.
	bare = regexp.MustCompile(`(?:^|[^\w.\]])((?:magento[12]\.(?:root|database)|preconditions\.\w+` +
		`|system_requirements\.\w+|cron_stopped\.\w+|topology\.\w+` +
		`|database\.(?:socket|tls|name|table_prefix)|migration_tool\.config)[\w.]*)`)
	// plural is a single thing in the plural. Other numbers, names and groups of digits can end in a 1, too.
	plural  = regexp.MustCompile(`(?:^|[ (])1 (?:tables|files|places|findings|patches|\w+ nodes)\b`)
	ofMore  = regexp.MustCompile(`\d 1 |(?: of| than| least) 1 `)
	article = regexp.MustCompile(`^(The|An?|It|Whether) `)
)

// checkTexts looks at the texts of all findings, whatever the test is about.
func (s *Shop) checkTexts(state *collector.MigrationState) {
	s.T.Helper()
	for i := range state.Preconditions {
		id, result := state.Preconditions[i].Precondition.ID, state.Preconditions[i].Result
		if slip := Slip(result.Summary); slip != "" {
			s.T.Errorf("%s: the summary has %q: %s", id, slip, result.Summary)
		}
		for _, f := range result.Findings {
			key := [4]string{id, f.Summary, f.Evidence, f.Remedy}
			if _, known := s.checked.LoadOrStore(key, true); !known {
				s.checkText(id, f)
			}
		}
	}
}

// checkText finds faults in the texts of a finding: settings that do not exist, settings without their whole path, and
// formatting mistakes.
func (s *Shop) checkText(id string, f finding.Finding) {
	s.T.Helper()
	for _, m := range named.FindAllStringSubmatch(f.Remedy, -1) {
		if !s.hasSetting(m[1]) {
			s.T.Errorf("%s: a remedy names the setting %s, which does not exist: %s", id, m[0], f.Remedy)
		}
	}
	if m := bare.FindStringSubmatch(f.Remedy); m != nil {
		s.T.Errorf("%s: a remedy names the setting %s without its path from the root: %s", id, m[1], f.Remedy)
	}
	// What the tool logs, which some summaries quote, begins with a capital.
	if article.MatchString(f.Summary) {
		s.T.Errorf("%s: a summary begins with a capital: %s", id, f.Summary)
	}
	for _, text := range []string{f.Summary, f.Evidence, f.Remedy} {
		if m := plural.FindString(text); m != "" && !ofMore.MatchString(text) {
			s.T.Errorf("%s: a text has one thing in the plural (%s): %s", id, strings.TrimSpace(m), text)
		}
	}
	for _, text := range []string{f.Subject, f.Summary, f.Evidence, f.Remedy} {
		if slip := Slip(text); slip != "" {
			s.T.Errorf("%s: a text has %q: %s", id, slip, text)
		}
	}
}

var (
	// quotation is what somebody else wrote, and is shown as it is. An apostrophe begins none.
	quotation = regexp.MustCompile("(?m)(^|[\\s(=:,;\\[{])(\"[^\"\n]+\"|'[^'\n]+'|`[^`\n]+`)")
	// statement is SQL of the exporter, in which a text can be empty, before what stopped it.
	statement = regexp.MustCompile(`(?m)running .*: (Error|context) `)
	// indentation is that of a snippet to copy.
	indentation = regexp.MustCompile(`(?m)^ +`)
	// anonymous is the account without a name, which is written as an empty text.
	anonymous = strings.NewReplacer("''@'", "?@'", ", '')", ", ?)", "('')", "(?)")
)

// Slip returns a formatting mistake in a text for people: what Go prints for a missing value, an empty quotation, two
// spaces in a row. It is empty when there is none. In what is quoted there can be two spaces.
func Slip(text string) string {
	text = indentation.ReplaceAllString(statement.ReplaceAllString(anonymous.Replace(text), ""), "")
	for _, slip := range []string{"<nil>", "%!", `""`, "''"} {
		if strings.Contains(text, slip) {
			return slip
		}
	}
	if strings.Contains(quotation.ReplaceAllString(text, "${1}?"), "  ") {
		return "  "
	}
	return ""
}

// hasSetting reports whether a migration's entry can have a setting.
func (s *Shop) hasSetting(path string) bool {
	if rest, ok := strings.CutPrefix(path, "preconditions."); ok {
		id, rest, more := strings.Cut(rest, ".")
		for _, section := range precondition.All().Sections() {
			if section.ID == id {
				return !more || section.New != nil && hasKey(reflect.TypeOf(section.New()), strings.Split(rest, "."))
			}
		}
		return false
	}
	return hasKey(reflect.TypeFor[config.Migration](), strings.Split(path, "."))
}

// hasKey follows YAML keys through the configuration's types. A map can have any key.
func hasKey(t reflect.Type, keys []string) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case len(keys) == 0:
		return true
	case t.Kind() == reflect.Map:
		return hasKey(t.Elem(), keys[1:])
	case t.Kind() != reflect.Struct:
		return false
	}
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == keys[0] && hasKey(field.Type, keys[1:]) || options == "inline" && hasKey(field.Type, keys) {
			return true
		}
	}
	return false
}
