package toolmap

import (
	"regexp"
	"slices"
	"strings"

	"magento_migration_exporter/config/xmltree"
)

// Groups is a file of document or attribute groups.
type Groups struct {
	File string
	// Problems are in the order of the file.
	Problems []Problem

	groups map[string][]Item
	order  []string
}

// Item is a document or an attribute of a group.
type Item struct {
	Name string
	// Key is the column that a document's key attribute names.
	Key string
	// Types are the entity types of an attribute, one for each time that it stands in the group.
	Types []string
}

// ReadGroups reads a file of groups of at most MaxSize bytes.
func ReadGroups(path string) (*Groups, error) { return read(path, ParseGroups) }

// ParseGroups reads the text of a file of groups. It fails when that is not well-formed XML.
func ParseGroups(file string, data []byte) (*Groups, error) {
	root, err := parseTree(file, data)
	if err != nil {
		return nil, err
	}
	g := &Groups{File: file, Problems: check(root, "groups"), groups: map[string][]Item{}}
	for _, group := range below(root, "group") {
		name := group.Attribute("name")
		if name == nil {
			continue
		}
		if _, known := g.groups[name.Value]; !known { // the tool uses the first group of a name
			g.groups[name.Value] = items(group)
			g.order = append(g.order, name.Value)
		}
	}
	return g, nil
}

func items(group *xmltree.Node) []Item {
	items := []Item{}
	for _, n := range group.Children {
		i := slices.IndexFunc(items, func(item Item) bool { return item.Name == n.TextContent() })
		if i < 0 {
			i = len(items)
			items = append(items, Item{Name: n.TextContent()})
		}
		if key := n.Attribute("key"); key != nil {
			items[i].Key = key.Value
		} else if t := n.Attribute("type"); t != nil {
			items[i].Types = append(items[i].Types, t.Value)
		}
	}
	return items
}

// Group returns the items of a group in the order of the file, none when there is no such group. A nil Groups has no
// groups.
func (g *Groups) Group(name string) []Item {
	if g == nil {
		return nil
	}
	return g.groups[name]
}

// GroupNames returns the names of the groups in the order of the file. A nil Groups has no groups.
func (g *Groups) GroupNames() []string {
	if g == nil {
		return nil
	}
	return slices.Clone(g.order)
}

// Names returns the names of a group's items in the order of the file.
func (g *Groups) Names(group string) []string {
	var names []string
	for _, item := range g.Group(group) {
		names = append(names, item.Name)
	}
	return names
}

// ClassMap is the file that says which class of Magento 2 stands for one of Magento 1.
type ClassMap struct {
	File string
	// Problems are in the order of the file.
	Problems []Problem

	classes map[string]string
}

// ReadClassMap reads a class map of at most MaxSize bytes.
func ReadClassMap(path string) (*ClassMap, error) { return read(path, ParseClassMap) }

// ParseClassMap reads the text of a class map. It fails when that is not well-formed XML.
func ParseClassMap(file string, data []byte) (*ClassMap, error) {
	root, err := parseTree(file, data)
	if err != nil {
		return nil, err
	}
	c := &ClassMap{File: file, Problems: check(root, "classmap"), classes: map[string]string{}}
	if root.Name != "classmap" {
		return c, nil
	}
	for _, rule := range root.Children {
		var from, to string
		for _, n := range rule.Children {
			switch n.Name {
			case "from":
				from = n.TextContent()
			case "to":
				to = n.TextContent()
			}
		}
		if from != "" {
			c.classes[from] = to
		}
	}
	return c, nil
}

// Class returns Magento 2's class, which is empty for one that is left out on purpose. It is false for a class that is
// not mapped.
func (c *ClassMap) Class(from string) (string, bool) {
	to, ok := c.classes[from]
	return to, ok
}

// Settings is the file that maps the paths of core_config_data. The tool's integrity check only reads it.
type Settings struct {
	File string
	// Problems are in the order of the file.
	Problems []Problem

	ignored   map[string]bool
	wildcards []*regexp.Regexp
	renamed   map[string]string
	handlers  map[string]Transform
}

// ReadSettings reads a settings map of at most MaxSize bytes.
func ReadSettings(path string) (*Settings, error) { return read(path, ParseSettings) }

// ParseSettings reads the text of a settings map. It fails when that is not well-formed XML.
func ParseSettings(file string, data []byte) (*Settings, error) {
	root, err := parseTree(file, data)
	if err != nil {
		return nil, err
	}
	s := &Settings{
		File: file, Problems: check(root, "settings"),
		ignored: map[string]bool{}, renamed: map[string]string{}, handlers: map[string]Transform{},
	}
	for _, n := range below(root, "key", "ignore", "path") {
		path := n.TextContent()
		s.ignored[path] = true
		if strings.Contains(path, "*") {
			// As the tool does it: what comes behind the pattern does not matter.
			pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(path), `\*`, ".+")
			s.wildcards = append(s.wildcards, regexp.MustCompile(pattern))
		}
	}
	for _, rule := range below(root, "key", "rename") {
		if path, to := rule.Child("path"), rule.Child("to"); path != nil && to != nil {
			s.renamed[path.TextContent()] = to.TextContent()
		}
	}
	for _, rule := range below(root, "value", "transform") {
		if path, handler := rule.Child("path"), rule.Child("handler"); path != nil && handler != nil {
			s.handlers[path.TextContent()] = newTransform(handler)
		}
	}
	return s, nil
}

// Target returns the path that a path of Magento 1 has in Magento 2, false when the tool leaves it out.
func (s *Settings) Target(path string) (string, bool) {
	if s.ignored[path] || slices.ContainsFunc(s.wildcards, func(w *regexp.Regexp) bool { return w.MatchString(path) }) {
		return "", false
	}
	if to, renamed := s.renamed[path]; renamed {
		return to, true
	}
	return path, true
}

// Handler returns the rule that gives the value of a path of Magento 1 another form, false when the tool copies it.
func (s *Settings) Handler(path string) (Transform, bool) {
	t, found := s.handlers[path]
	return t, found
}
