package localxml

import (
	"magento_migration_exporter/config/sourcefile"
	"magento_migration_exporter/config/xmltree"
)

// section is an element of the merged configuration.
type section struct {
	text     string
	place    sourcefile.Place
	children map[string]*section
	names    []string // of the children, in order
}

// extend merges the children of a document's element into the section, as Magento does
// (Varien_Simplexml_Element::extendChild with overwrite): an element without children replaces one without children, an
// element with children is merged. Of elements with one name that leaves the last text, and all children.
func (s *section) extend(source *xmltree.Node) {
	for _, n := range source.Children {
		target, exists := s.children[n.Name]
		switch {
		case !exists:
			target = s.add(n.Name)
		case len(n.Children) == 0 && len(target.children) > 0:
			continue
		}
		target.text, target.place = n.Text(), n.Place
		target.extend(n)
	}
}

func (s *section) add(name string) *section {
	child := &section{}
	if s.children == nil {
		s.children = map[string]*section{}
	}
	s.children[name] = child
	s.names = append(s.names, name)
	return child
}

// at follows names downwards. It returns an empty section where there is none.
func (s *section) at(path ...string) *section {
	for _, name := range path {
		child, ok := s.children[name]
		if !ok {
			return &section{}
		}
		s = child
	}
	return s
}

// has reports whether the section has a child of this name, be it empty.
func (s *section) has(name string) bool {
	_, ok := s.children[name]
	return ok
}
