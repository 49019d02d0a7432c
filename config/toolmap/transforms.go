package toolmap

import (
	"strings"

	"magento_migration_exporter/config/xmltree"
)

// Transform is a rule that gives a field another value than the source's.
type Transform struct {
	// Class is the handler's, without a leading backslash.
	Class string
	// Params are the handler's, by name.
	Params map[string]string
}

// transforms returns the rules of one side, by document.field.
func transforms(root *xmltree.Node, side Side) map[string][]Transform {
	all := map[string][]Transform{}
	for _, rule := range below(root, string(side), "field_rules", "transform") {
		var field string
		var t Transform
		for _, n := range rule.Children {
			switch n.Name {
			case "field":
				field = n.Text()
			case "handler":
				t = newTransform(n)
			}
		}
		if field != "" {
			all[field] = append(all[field], t)
		}
	}
	return all
}

func newTransform(handler *xmltree.Node) Transform {
	t := Transform{Params: map[string]string{}}
	if class := handler.Attribute("class"); class != nil {
		t.Class = strings.TrimPrefix(class.Value, `\`)
	}
	for _, param := range handler.Children {
		name, value := param.Attribute("name"), param.Attribute("value")
		if name != nil && value != nil {
			t.Params[name.Value] = value.Value
		}
	}
	return t
}

// Transforms returns the rules that give a field of one side its value. With none, the tool copies the value.
func (m *Map) Transforms(document, field string, side Side) []Transform {
	return m.sides[side].transforms[document+"."+field]
}
