package config

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

var (
	migrationName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$`)
	variableName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	notFoundIn    = regexp.MustCompile(`^field (.+) not found in type (\S+)$`)
	badTime       = regexp.MustCompile(`(?s)^parsing time "(.*?)"`)
	badDuration   = regexp.MustCompile(
		`(?s)^(?:not a valid|unknown unit .*in|missing unit in|empty) duration(?: string:?)?(?: "(.*)")?`,
	)
	alreadyIn = regexp.MustCompile(`^mapping key "(.+)" already defined`)
	wrongType = regexp.MustCompile("(?s)cannot construct (\\S+)(?: `.*`)? (?:into|as) (?:a )?(\\S+)$")
	// quotedText is a part of the file in a decoder's message.
	quotedText = regexp.MustCompile("(?s)([\"'`])(.*)([\"'`])")
)

// readable removes Go's words from a decoder's message, and what can be a secret.
func readable(message string, keys keyTable) string {
	message = strings.TrimPrefix(message, "yaml: ")
	if m := notFoundIn.FindStringSubmatch(message); m != nil {
		return keys.unknownKey(m[1], m[2])
	}
	if m := badTime.FindStringSubmatch(message); m != nil {
		return notATime(m[1])
	}
	if m := badDuration.FindStringSubmatch(message); m != nil {
		return notADuration(m[1])
	}
	if m := wrongType.FindStringSubmatch(message); m != nil {
		return "expected " + goType(m[2]) + ", got " + yamlTag(m[1])
	}
	switch {
	case message == "no documents in stream":
		return "the file is empty"
	case strings.HasPrefix(message, "unknown anchor "):
		return "there is no anchor of this name: a text that begins with * needs quotes"
	case alreadyIn.MatchString(message):
		m := alreadyIn.FindStringSubmatchIndex(message)
		line := strings.TrimPrefix(message[m[1]:], " ")
		return fmt.Sprintf("the key %q is here a second time: the first is %s", clipKey(message[m[2]:m[3]]), line)
	}
	if plain := inPlainWords(message); plain != message {
		return plain
	}
	return quotedText.ReplaceAllStringFunc(message, func(quoted string) string {
		return quoted[:1] + Clip(quoted[1:len(quoted)-1]) + quoted[len(quoted)-1:]
	})
}

func yamlTag(tag string) string {
	names := map[string]string{
		"bool":      "true or false",
		"float":     "a fraction",
		"int":       "a number",
		"map":       "a mapping",
		"null":      "nothing",
		"seq":       "a list",
		"str":       "text",
		"timestamp": "a time",
	}
	return cmp.Or(names[strings.TrimPrefix(tag, "!!")], "something else")
}

func goType(name string) string {
	switch {
	case strings.HasPrefix(name, "[]"):
		return "a list"
	case strings.HasPrefix(strings.TrimPrefix(name, "!!"), "int"):
		return "a whole number"
	case name == "bool":
		return "true or false"
	case name == "string" || name == "config.plain" || name == "config.Phase" || name == "config.Severity":
		return "text"
	case name == "model.Duration" || name == "time.Duration":
		return "a duration like 90s or 1h"
	case name == "time.Time":
		return "a time like 2026-12-31T02:00:00Z"
	}
	return "a mapping"
}

// validator collects the faults that the decoder cannot find.
type validator struct {
	sources  *sources
	document *yaml.Node
	sections []Section
	errs     []error
}

// fail records a fault at the value at path: keys are strings, positions in lists are ints.
func (v *validator) fail(message string, path ...any) {
	v.errs = append(v.errs, v.sources.at(find(v.document, path), message))
}

func (v *validator) config(c *Config) {
	g := c.Global
	if g.EvaluationInterval <= 0 {
		v.fail("evaluation_interval must be above zero", "global", "evaluation_interval")
	}
	if g.EvaluationTimeout <= 0 {
		v.fail("evaluation_timeout must be above zero", "global", "evaluation_timeout")
	}
	if g.EvaluationConcurrency < 1 {
		v.fail("evaluation_concurrency must be at least 1", "global", "evaluation_concurrency")
	}
	if g.BackupReadBytesPerSecond < 0 {
		v.fail("backup_read_bytes_per_second must not be negative", "global", "backup_read_bytes_per_second")
	}
	if len(c.Migrations) == 0 {
		v.fail("no migrations: list at least one under migrations", "migrations")
	}
	seen := map[string]int{}
	for i := range c.Migrations {
		m := &c.Migrations[i]
		if first, is := seen[m.Name]; is {
			at := find(v.document, []any{"migrations", first, "name"})
			v.fail(fmt.Sprintf("a second migration with the name %q: the first is at %s",
				Clip(m.Name), v.sources.place(at)), "migrations", i, "name")
		} else {
			seen[m.Name] = i
		}
		v.migration(m, i)
	}
}

func (v *validator) migration(m *Migration, i int) {
	switch {
	case m.Name == "":
		v.fail("a migration needs a name", "migrations", i, "name")
	case !migrationName.MatchString(m.Name):
		v.fail(fmt.Sprintf("name %q: a name starts with a letter or digit, continues with letters, digits, '.', '_' "+
			"or '-', and has at most 63 characters", Clip(m.Name)), "migrations", i, "name")
	}
	switch m.Phase {
	case "":
		m.Phase = PhaseAuto
	case PhaseAuto, PhasePrepare, PhaseMigrate, PhaseDelta, PhaseCutover, PhaseDone:
	default:
		v.fail(fmt.Sprintf("phase %q: expected auto, prepare, migrate, delta, cutover or done", Clip(string(m.Phase))),
			"migrations", i, "phase")
	}
	v.database(&m.Magento1.Database, "migrations", i, "magento1", "database")
	v.database(&m.Magento2.Database, "migrations", i, "magento2", "database")
	v.settings(&m.Preconditions, i)
	v.waivers(m.Waivers, i)
}

func (v *validator) database(d *Database, path ...any) {
	at := func(key string) []any { return append(slices.Clone(path), key) }
	if d.Port < 0 || d.Port > 65535 {
		v.fail("port "+strconv.Itoa(d.Port)+": expected 1 to 65535", at("port")...)
	}
	for key, address := range map[string]string{"host": d.Host, "socket": d.Socket} {
		if strings.LastIndex(address, "@") > 0 {
			v.fail(key+" contains a login: expected only the address, with user and password under their own keys",
				at(key)...)
		}
	}
	if d.PasswordEnv != "" && !variableName.MatchString(d.PasswordEnv) {
		v.fail("password_env: expected the name of an environment variable", at("password_env")...)
	}
	if d.TLS != nil && (d.TLS.CertFile == "") != (d.TLS.KeyFile == "") {
		v.fail("cert_file and key_file must be set together", at("tls")...)
	}
}

func (v *validator) settings(p *Preconditions, i int) {
	at := func(path ...any) []any { return append([]any{"migrations", i, "preconditions"}, path...) }
	for _, id := range slices.Sorted(maps.Keys(p.nodes)) {
		key := keyNode(find(v.document, at()), id)
		v.errs = append(v.errs, v.sources.at(key, v.sources.keys.unknownKey(id, preconditionsType)))
	}
	p.nodes = nil
	for _, section := range v.sections {
		settings, set := p.sections[section.ID]
		if !set {
			continue
		}
		if s := p.Severity(section.ID); s != SeverityWarn && s != SeverityFail {
			v.fail(fmt.Sprintf("severity %q: expected warn or fail", Clip(string(s))), at(section.ID, "severity")...)
		}
		if rules, ok := settings.(Validator); ok {
			rules.Validate(func(message string, path ...any) { v.fail(message, append(at(section.ID), path...)...) })
		}
	}
}

func (v *validator) ids() []string {
	var ids []string
	for _, s := range v.sections {
		ids = append(ids, s.ID)
	}
	return ids
}

func (v *validator) waivers(waivers []Waiver, i int) {
	type key struct{ precondition, subject string }
	seen := map[key]bool{}
	for j, w := range waivers {
		at := func(key string) []any { return []any{"migrations", i, "waivers", j, key} }
		if !slices.Contains(v.ids(), w.Precondition) {
			v.fail(v.sources.keys.unknownKey(w.Precondition, preconditionsType), at("precondition")...)
		}
		if strings.TrimSpace(w.Reason) == "" {
			v.fail("a waiver needs a reason", at("reason")...)
		}
		if w.Expires.IsZero() {
			v.fail("a waiver needs an end: set expires to a date or a time", at("expires")...)
		}
		k := key{w.Precondition, w.Subject}
		if seen[k] {
			v.fail(fmt.Sprintf("a second waiver for %s and subject %q", Clip(w.Precondition), Clip(w.Subject)),
				at("precondition")...)
		}
		seen[k] = true
	}
}

// keyNode returns the node of a mapping's key, for faults in the key itself; or the mapping, when the key came from a
// merge key.
func keyNode(mapping *yaml.Node, key string) *yaml.Node {
	mapping = resolve(mapping)
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i]
		}
	}
	return mapping
}

// find follows path as far as it exists: a missing key is reported at the mapping that should have it.
func find(node *yaml.Node, path []any) *yaml.Node {
	for {
		switch {
		case node.Kind == yaml.DocumentNode && len(node.Content) > 0:
			node = node.Content[0]
			continue
		case node.Kind == yaml.AliasNode:
			node = node.Alias
			continue
		case len(path) == 0:
			return node
		}
		next := child(node, path[0])
		if next == nil {
			return node
		}
		node, path = next, path[1:]
	}
}

func child(node *yaml.Node, step any) *yaml.Node {
	switch step := step.(type) {
	case int:
		if node.Kind == yaml.SequenceNode && step < len(node.Content) {
			return node.Content[step]
		}
	case string:
		if node.Kind != yaml.MappingNode {
			return nil
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i+1]
			}
		}
	}
	return nil
}

// Warnings returns a sentence for each setting that is allowed but suspicious at a time.
func (c *Config) Warnings(now time.Time) []string {
	warnings := readableByAll(c.secretFiles())
	for i := range c.Migrations {
		m := &c.Migrations[i]
		warnings = append(warnings, m.Magento1.Database.warnings("migration "+m.Name+": magento1")...)
		warnings = append(warnings, m.Magento2.Database.warnings("migration "+m.Name+": magento2")...)
		for _, w := range m.Waivers {
			if !now.Before(w.Expires.Time) {
				warnings = append(warnings, fmt.Sprintf(
					"migration %s: the waiver for %s %sexpired at %s and covers nothing: renew it or remove it",
					m.Name, w.Precondition, subjectWord(w.Subject), w.Expires.UTC().Format(time.RFC3339)))
				continue
			}
			if m.Cutover != nil && w.Expires.Before(*m.Cutover) {
				expires, cutover := w.Expires.UTC().Format(time.RFC3339), m.Cutover.UTC().Format(time.RFC3339)
				warnings = append(warnings, fmt.Sprintf(
					"migration %s: the waiver for %s %sexpires at %s, before the cutover at %s",
					m.Name, w.Precondition, subjectWord(w.Subject), expires, cutover))
			}
		}
	}
	return warnings
}

// warnings are about several passwords for one database, and about a port in the host.
func (d *Database) warnings(system string) (warnings []string) {
	if name, port, ok := portInHost(d.Host); ok {
		warnings = append(warnings, fmt.Sprintf("%s.database.host has a port in it: write host: %s and port: %s",
			system, Clip(name), port))
	}
	var keys []string
	if d.Password != nil {
		keys = append(keys, "password")
	}
	if d.PasswordEnv != "" {
		keys = append(keys, "password_env")
	}
	if d.PasswordFile != "" {
		keys = append(keys, "password_file")
	}
	if len(keys) > 1 {
		warnings = append(warnings, fmt.Sprintf("%s.database has several passwords (%s): the first one is used",
			system, strings.Join(keys, ", ")))
	}
	return warnings
}

func subjectWord(subject string) string {
	if subject == "" {
		return ""
	}
	return fmt.Sprintf("(%q) ", subject)
}
