package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

// assembly combines the files of one configuration into one document, and adds the defaults and templates to each
// migration.
type assembly struct {
	sources  *sources
	sections []Section
	errs     []error

	root       *yaml.Node
	migrations *yaml.Node
	// keys are the top-level keys that can exist only once; templates are by name.
	keys      map[string]*yaml.Node
	defaults  *yaml.Node
	templates map[string]pair
	names     []string
}

// maxMergeDepth is deeper than any setting; it stops at aliases that contain themselves.
const maxMergeDepth = 8

func newAssembly(s *sources, sections []Section) *assembly {
	return &assembly{sources: s, sections: sections, keys: map[string]*yaml.Node{}, templates: map[string]pair{}}
}

func (a *assembly) fail(node *yaml.Node, format string, args ...any) {
	a.errs = append(a.errs, a.sources.at(node, fmt.Sprintf(format, args...)))
}

// add adds the content of one file.
func (a *assembly) add(document *yaml.Node) {
	top := document.Content[0]
	if a.root == nil {
		a.root = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: top.Line, Column: top.Column}
	}
	if top.Kind != yaml.MappingNode {
		a.fail(top, "expected a mapping with the key migrations")
		return
	}
	for _, p := range a.pairs(top) {
		switch p.key.Value {
		case "migrations":
			a.addMigrations(p)
		case "templates":
			a.addTemplates(p.value)
		case "defaults":
			if a.only(p) {
				a.defaults = p.value
			}
		default:
			if a.only(p) {
				a.root.Content = append(a.root.Content, p.key, p.value)
			}
		}
	}
}

// only refuses a second key of the same name.
func (a *assembly) only(p pair) bool {
	if first := a.keys[p.key.Value]; first != nil {
		a.fail(p.key, "a second %s: the first is at %s", clipKey(p.key.Value), a.sources.place(first))
		return false
	}
	a.keys[p.key.Value] = p.key
	return true
}

func (a *assembly) addMigrations(p pair) {
	list := resolve(p.value)
	switch {
	case list.Kind != yaml.SequenceNode && a.migrations == nil:
		a.migrations = list // the decoder reports the wrong type
		a.root.Content = append(a.root.Content, p.key, list)
	case list.Kind != yaml.SequenceNode || a.migrations != nil && a.migrations.Kind != yaml.SequenceNode:
		a.fail(list, "expected a list of migrations")
	case a.migrations == nil:
		whole := *list
		whole.Content = append([]*yaml.Node(nil), list.Content...)
		whole.Anchor = ""
		a.migrations = &whole
		a.root.Content = append(a.root.Content, p.key, a.migrations)
	default:
		a.migrations.Content = append(a.migrations.Content, list.Content...)
	}
}

func (a *assembly) addTemplates(node *yaml.Node) {
	node = resolve(node)
	if node.Kind != yaml.MappingNode {
		a.fail(node, "expected a mapping of templates by name")
		return
	}
	for _, p := range a.pairs(node) {
		if first, is := a.templates[p.key.Value]; is {
			a.fail(p.key, "a second template %q: the first is at %s", Clip(p.key.Value), a.sources.place(first.key))
			continue
		}
		a.templates[p.key.Value] = p
		a.names = append(a.names, p.key.Value)
	}
}

// document returns everything as one document. Templates and defaults are checked even when no migration uses them.
func (a *assembly) document() *yaml.Node {
	if a.defaults != nil {
		_, defaults := a.cutTemplate(a.defaults)
		a.check(defaults, "defaults")
	}
	for _, name := range a.names {
		a.check(a.templates[name].value, "a template")
	}
	if a.migrations != nil && a.migrations.Kind == yaml.SequenceNode {
		for i, entry := range a.migrations.Content {
			a.migrations.Content[i] = a.complete(entry)
		}
	}
	return &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{a.root}, Line: a.root.Line, Column: a.root.Column}
}

// check decodes settings strictly: a misspelt key is reported even when no migration uses it yet.
func (a *assembly) check(node *yaml.Node, what string) {
	node = resolve(node)
	if node.Kind != yaml.MappingNode {
		a.fail(node, "expected %s to be a mapping with the keys of a migration", what)
		return
	}
	for _, p := range a.pairs(node) {
		if p.key.Value == "name" {
			a.fail(p.key, "%s cannot have a name: each migration has its own", what)
		}
	}
	var m Migration
	if err := node.Load(&m, yaml.WithKnownFields()); err != nil {
		a.errs = append(a.errs, a.sources.errors(err))
	}
	for _, err := range m.Preconditions.decode(a.sections) {
		a.errs = append(a.errs, a.sources.errors(err))
	}
	for id := range m.Preconditions.nodes {
		a.fail(keyNode(child(node, "preconditions"), id), "%s", a.sources.keys.unknownKey(id, preconditionsType))
	}
}

// complete returns a migration's entry, completed from its template and then from the defaults.
func (a *assembly) complete(entry *yaml.Node) *yaml.Node {
	entry = resolve(entry)
	if entry.Kind != yaml.MappingNode {
		return entry
	}
	name, entry := a.cutTemplate(entry)
	var defaults *yaml.Node
	if a.defaults != nil && resolve(a.defaults).Kind == yaml.MappingNode {
		var fallback *yaml.Node
		if fallback, defaults = a.cutTemplate(a.defaults); name == nil {
			name = fallback
		}
	}
	if name != nil {
		template, is := a.templates[name.Value]
		switch {
		case !is:
			a.fail(name, "there is no template %q", Clip(name.Value))
		case resolve(template.value).Kind == yaml.MappingNode:
			entry = a.merge(entry, template.value, 0)
		}
	}
	if defaults != nil {
		entry = a.merge(entry, defaults, 0)
	}
	return entry
}

// cutTemplate removes the key template from settings. The name is nil when there is none.
func (a *assembly) cutTemplate(node *yaml.Node) (name, rest *yaml.Node) {
	node = resolve(node)
	if child(node, "template") == nil {
		return nil, node
	}
	without := *node
	without.Content = nil
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value != "template" {
			without.Content = append(without.Content, node.Content[i], node.Content[i+1])
			continue
		}
		name = resolve(node.Content[i+1])
		if name.Kind != yaml.ScalarNode {
			a.fail(name, "expected the name of a template")
			name = nil
		}
	}
	return name, &without
}

// merge overrides settings: mappings key by key; any other value, also null, replaces the value below.
func (a *assembly) merge(over, under *yaml.Node, depth int) *yaml.Node {
	over, under = resolve(over), resolve(under)
	if over.Kind != yaml.MappingNode || under.Kind != yaml.MappingNode || depth > maxMergeDepth {
		return over
	}
	merged := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: over.Line, Column: over.Column}
	below := a.pairs(under)
	set := map[string]bool{}
	for _, p := range a.pairs(over) {
		set[p.key.Value] = true
		for _, q := range below {
			if q.key.Value == p.key.Value {
				p.value = a.merge(p.value, q.value, depth+1)
			}
		}
		merged.Content = append(merged.Content, p.key, p.value)
	}
	for _, q := range below {
		if !set[q.key.Value] {
			merged.Content = append(merged.Content, q.key, q.value)
		}
	}
	return merged
}

type pair struct{ key, value *yaml.Node }

// pairs returns a mapping's keys and values: first its own, then those of its merge keys (<<).
func (a *assembly) pairs(mapping *yaml.Node) []pair {
	var own []pair
	var merged []*yaml.Node
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		switch first := seen[key.Value]; {
		case key.Tag == "!!merge" || key.Value == "<<":
			merged = append(merged, value)
		case first != nil:
			_, line := a.sources.of(first.Line)
			a.fail(key, "the key %q is here a second time: the first is at line %d", clipKey(key.Value), line)
		default:
			seen[key.Value] = key
			own = append(own, pair{key, value})
		}
	}
	for _, m := range merged {
		for _, p := range a.mergedPairs(m) {
			if seen[p.key.Value] == nil {
				seen[p.key.Value] = p.key
				own = append(own, p)
			}
		}
	}
	return own
}

// mergedPairs returns the pairs of one merge key: those of a mapping, or of a list of mappings, of which the first
// wins. Merge keys in these stay for the decoder.
func (a *assembly) mergedPairs(node *yaml.Node) []pair {
	node = resolve(node)
	mappings := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		mappings = node.Content
	}
	var all []pair
	for _, m := range mappings {
		m = resolve(m)
		if m.Kind != yaml.MappingNode {
			a.fail(m, "<< expects a mapping or a list of mappings")
			continue
		}
		for i := 0; i+1 < len(m.Content); i += 2 {
			all = append(all, pair{m.Content[i], m.Content[i+1]})
		}
	}
	return all
}

// resolve follows an alias.
func resolve(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode && node.Alias != nil {
		node = node.Alias
	}
	return node
}

// maxFaults is how many faults are reported at once: a file that is no configuration at all has one in each line.
const maxFaults = 50

// distinct keeps the first of equal errors: each user of a template has the template's faults.
func distinct(errs []error) error {
	seen := map[string]bool{}
	var kept []error
	for _, err := range errs {
		for _, one := range flat(err) {
			if text := one.Error(); !seen[text] {
				seen[text] = true
				kept = append(kept, one)
			}
		}
	}
	slices.SortStableFunc(kept, comparePlaces)
	if over := len(kept) - maxFaults; over > 0 {
		kept = append(kept[:maxFaults], fmt.Errorf("and %d more faults", over))
	}
	return errors.Join(kept...)
}

// comparePlaces orders faults by file and place.
func comparePlaces(a, b error) int {
	x, y := new(FileError), new(FileError)
	errors.As(a, &x)
	errors.As(b, &y)
	return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
}

func flat(err error) []error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range several.Unwrap() {
			all = append(all, flat(e)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
