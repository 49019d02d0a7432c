package toolmap

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"magento_migration_exporter/config/sourcefile"
	"magento_migration_exporter/config/xmltree"
)

//go:embed schema.tsv
var schemaTable string

// element is what the XSDs say of an element.
type element struct {
	model      string // as in schema.tsv
	elements   *regexp.Regexp
	text       *form // nil where no text may be
	attributes []attribute
}

type attribute struct {
	name     string
	value    *form
	optional bool
}

// form is a regular expression for a whole text.
type form struct {
	pattern string
	whole   *regexp.Regexp
}

var elementName = regexp.MustCompile(`[a-z_]+`)

// elements returns the rows of schema.tsv by path.
var elements = sync.OnceValue(func() map[string]element {
	elements := map[string]element{}
	for line := range strings.Lines(schemaTable) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		row := strings.Split(line, "\t")
		e := element{model: row[1], elements: regexp.MustCompile("^$")}
		if row[1] != "-" {
			model := strings.NewReplacer(" ", "", ",", "").Replace(elementName.ReplaceAllString(row[1], "(?:$0;)"))
			e.elements = regexp.MustCompile("^(?:" + model + ")$")
		}
		if row[2] != "-" {
			e.text = whole(row[2])
		}
		if row[3] != "-" {
			for a := range strings.FieldsSeq(row[3]) {
				name, value, _ := strings.Cut(a, "=")
				optional := strings.HasPrefix(name, "?")
				e.attributes = append(e.attributes, attribute{strings.TrimPrefix(name, "?"), whole(value), optional})
			}
		}
		elements[row[0]] = e
	}
	return elements
})

func whole(pattern string) *form { return &form{pattern, regexp.MustCompile("^(?:" + pattern + ")$")} }

// check lists what the XSD for a root element of this name refuses, in the order of the file.
func check(root *xmltree.Node, name string) []Problem {
	if root.Name != name {
		return []Problem{{root.Place, fmt.Sprintf("the root element is <%s>, not <%s>", root.Name, name)}}
	}
	c := checker{}
	c.element(root, name)
	sortProblems(c.problems)
	return c.problems
}

func sortProblems(problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int { return sourcefile.Compare(a.Place, b.Place) })
}

type checker struct{ problems []Problem }

func (c *checker) problem(place sourcefile.Place, format string, args ...any) {
	c.problems = append(c.problems, Problem{place, fmt.Sprintf(format, args...)})
}

func (c *checker) element(n *xmltree.Node, path string) {
	e := elements()[path]
	c.attributes(n, e)
	switch text := n.Text(); {
	case e.text == nil && strings.TrimSpace(text) != "":
		c.problem(n.Place, "there is text directly in <%s>", n.Name)
	case e.text != nil && len(n.Children) == 0 && !e.text.whole.MatchString(text):
		c.problem(n.Place, "the text of <%s> is not of the form %s", n.Name, e.text.pattern)
	}
	c.children(n, e, path)
}

func (c *checker) children(n *xmltree.Node, e element, path string) {
	var names strings.Builder
	for _, child := range n.Children {
		childPath := path + "/" + child.Name
		if _, known := elements()[childPath]; !known {
			c.problem(child.Place, "<%s> has no element <%s>: it holds %s", n.Name, child.Name, e.holds())
			return
		}
		names.WriteString(child.Name + ";")
		c.element(child, childPath)
	}
	if !e.elements.MatchString(names.String()) {
		c.problem(n.Place, "what <%s> holds is not %s", n.Name, e.holds())
	}
	if path == "groups" || strings.HasSuffix(path, "/handler") {
		c.unique(n)
	}
}

func (e element) holds() string {
	if e.model == "-" {
		return "no elements"
	}
	return e.model
}

// unique checks that no two elements have one name attribute.
func (c *checker) unique(n *xmltree.Node) {
	seen := map[string]bool{}
	for _, child := range n.Children {
		if name := child.Attribute("name"); name != nil {
			if seen[name.Value] {
				c.problem(name.Place, "a second <%s> has this name", child.Name)
			}
			seen[name.Value] = true
		}
	}
}

func (c *checker) attributes(n *xmltree.Node, e element) {
	for _, a := range n.Attributes {
		i := slices.IndexFunc(e.attributes, func(known attribute) bool { return known.name == a.Name })
		switch {
		case a.Namespace != "":
		case i < 0:
			c.problem(a.Place, "<%s> has no attribute %s", n.Name, a.Name)
		case !e.attributes[i].value.whole.MatchString(a.Value):
			c.problem(a.Place, "the attribute %s of <%s> is not of the form %s", a.Name, n.Name,
				e.attributes[i].value.pattern)
		}
	}
	for _, known := range e.attributes {
		if !known.optional && n.Attribute(known.name) == nil {
			c.problem(n.Place, "<%s> has no attribute %s", n.Name, known.name)
		}
	}
}
