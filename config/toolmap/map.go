package toolmap

import (
	"fmt"
	"regexp"
	"strings"

	"magento_migration_exporter/config/xmltree"
)

// Map is a map file: which documents (tables) and fields (columns) of the two systems correspond, and which are
// ignored. Its methods may be called from several goroutines.
type Map struct {
	File string
	// Problems are in the order of the file.
	Problems []Problem

	sides   map[Side]*sideRules
	renames map[string]string // a document of either side, and the other one's
	moves   map[string]string // a document.field of either side, and the other one's
}

type sideRules struct {
	documents, fields, datatypes map[string]bool
	wildcards                    []*regexp.Regexp
	transforms                   map[string][]Transform
}

// AmbiguousError is what the tool stops at when the rules of a map file contradict each other.
type AmbiguousError struct {
	// Message is the tool's own.
	Message string
}

// Error implements error.
func (e *AmbiguousError) Error() string { return e.Message }

// Read reads a map file of at most MaxSize bytes.
func Read(path string, w Wildcard) (*Map, error) {
	return read(path, func(file string, data []byte) (*Map, error) { return Parse(file, data, w) })
}

// Parse reads the text of a map file. It fails when that is not well-formed XML; whatever else is wrong is among the
// problems.
func Parse(file string, data []byte, w Wildcard) (*Map, error) {
	root, err := parseTree(file, data)
	if err != nil {
		return nil, err
	}
	m := &Map{File: file, Problems: check(root, "map"), sides: map[Side]*sideRules{}}
	for _, side := range []Side{Source, Destination} {
		rules := &sideRules{
			documents:  texts(below(root, string(side), "document_rules", "ignore", "document")),
			fields:     texts(below(root, string(side), "field_rules", "ignore", "field")),
			datatypes:  texts(below(root, string(side), "field_rules", "ignore", "datatype")),
			transforms: transforms(root, side),
		}
		m.sides[side] = rules
		for _, n := range below(root, string(side), "document_rules", "ignore", "document") {
			m.addWildcard(rules, n, w)
		}
	}
	m.renames = pairs(below(root, string(Source), "document_rules", "rename"))
	m.moves = pairs(below(root, string(Source), "field_rules", "move"))
	sortProblems(m.Problems)
	return m, nil
}

func texts(nodes []*xmltree.Node) map[string]bool {
	set := map[string]bool{}
	for _, n := range nodes {
		set[n.Text()] = true
	}
	delete(set, "") // the tool asks for a text node, of which an empty element has none
	return set
}

// pairs returns for each text in a rule the last other text in it. Of several rules with one text, the tool uses the
// first.
func pairs(rules []*xmltree.Node) map[string]string {
	result := map[string]string{}
	for _, rule := range rules {
		for _, n := range rule.Children {
			text := n.Text()
			if _, known := result[text]; known || text == "" {
				continue
			}
			result[text] = ""
			for _, other := range rule.Children {
				if name := other.TextContent(); name != text {
					result[text] = name
				}
			}
		}
	}
	return result
}

// addWildcard adds an ignored document with a * in it. The tool puts the name unquoted between "/^" and "/", open at
// the end.
func (m *Map) addWildcard(rules *sideRules, n *xmltree.Node, w Wildcard) {
	name := n.TextContent()
	if !strings.Contains(name, "*") {
		return
	}
	pattern, err := regexp.Compile("^" + strings.ReplaceAll(name, "*", string(w)))
	if err != nil || strings.Contains(name, "/") {
		text := "with each * read as " + string(w) + " this is not a regular expression, which the tool takes it for"
		m.Problems = append(m.Problems, Problem{n.Place, text})
		return
	}
	rules.wildcards = append(rules.wildcards, pattern)
}

// DocumentIgnored reports whether the tool leaves a document out.
func (m *Map) DocumentIgnored(document string, side Side) bool {
	rules := m.sides[side]
	if rules.documents[document] {
		return true
	}
	for _, w := range rules.wildcards {
		if w.MatchString(document) {
			return true
		}
	}
	return false
}

// DocumentMap returns the name of a document on the other side. It is false for an ignored document.
// A rename counts for both of its names on both sides, as in the tool.
func (m *Map) DocumentMap(document string, side Side) (string, bool) {
	if m.DocumentIgnored(document, side) {
		return "", false
	}
	if other := m.renames[document]; other != "" {
		return other, true
	}
	return document, true
}

// FieldIgnored reports whether the tool leaves a field out.
func (m *Map) FieldIgnored(document, field string, side Side) bool {
	return m.sides[side].fields[document+"."+field]
}

// DataTypeIgnored reports whether the tool accepts that a field has another data type on the other side.
func (m *Map) DataTypeIgnored(document, field string, side Side) bool {
	return m.sides[side].datatypes[document+"."+field]
}

// FieldMap returns the name of a field on the other side. It is false for an ignored field. The error is an
// *AmbiguousError.
func (m *Map) FieldMap(document, field string, side Side) (string, bool, error) {
	if m.FieldIgnored(document, field, side) {
		return "", false, nil
	}
	result, ok := m.DocumentMap(document, side)
	if !ok {
		return "", false, &AmbiguousError{"Document has ambiguous configuration: " + document}
	}
	other, moved := m.moves[document+"."+field]
	if other == "" {
		other = result + "." + field
	}
	otherDocument, otherField, _ := strings.Cut(other, ".")
	otherField, _, _ = strings.Cut(otherField, ".")
	if !moved {
		return otherField, true, nil
	}
	if _, ok := m.DocumentMap(otherDocument, side.Opposite()); !ok {
		return "", false, &AmbiguousError{"Document has ambiguous configuration: " + otherDocument}
	}
	if m.FieldIgnored(otherDocument, otherField, side.Opposite()) {
		return "", false, &AmbiguousError{fmt.Sprintf("Field has ambiguous configuration: %s", other)}
	}
	return otherField, true, nil
}
