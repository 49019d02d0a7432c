package integrity

import (
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/config/toolmap"
)

const eavGroups = "eav_attribute_groups_file"

func (c *checker) eav() {
	c.compareGroup(comparison{option: "eav_map_file"}, "eav_document_groups_file", "documents")
	for _, check := range []struct {
		rule string
		run  func()
	}{{ruleGroupNames, c.groupNames}, {ruleFrontendInputs, c.frontendInputs}, {ruleClasses, c.classes}} {
		if holds(check.rule, c.plan.tool) {
			check.run()
		}
	}
}

// incompatible is what the EAV step says of a value in a row.
func (c *checker) incompatible(f Prediction, message string) {
	f.Side, f.rank = toolmap.Source, rankData
	f.Message = fmt.Sprintf(
		"Incompatibility in data. Source document: %s. Field: %s. Error: %s",
		f.Document,
		f.Field,
		message,
	)
	c.add(f)
}

// groupNames wants the groups of which the tool knows the new names in each attribute set of products, as releases up
// to 2.3.4 do.
func (c *checker) groupNames() {
	wanted := []string{"General", "Prices", "Design", "Images"}
	for _, set := range c.facts.ProductSets {
		var missing []string
		for _, name := range wanted {
			if !slices.Contains(set.Groups, name) {
				missing = append(missing, name)
			}
		}
		if len(missing) == 0 {
			continue
		}
		list := strings.Join(missing, ", ")
		c.incompatible(
			Prediction{
				Kind:     Attributes,
				Document: "eav_attribute_group",
				Field:    "attribute_group_name",
				Detail:   "Missing: " + list,
				Remedy: Remedy{
					Text: fmt.Sprintf(
						"Give the attribute set %q these groups in Magento 1 (Catalog, Attributes, Manage Attribute "+
							"Sets): %s.",
						set.Name,
						list,
					),
				},
			},
			`The product attribute set "`+set.Name+`" does not contain all required attribute group names "`+
				strings.Join(
					wanted,
					", ",
				)+`"`,
		)
	}
}

// inGroup reports whether an attribute stands in a group, with its entity type.
func (c *checker) inGroup(group string, a Attribute) bool {
	for _, item := range c.plan.groups[eavGroups].Group(group) {
		if item.Name == a.Code &&
			slices.ContainsFunc(
				item.Types,
				func(code string) bool { return c.facts.EntityTypes[code] == a.EntityTypeID },
			) {
			return true
		}
	}
	return false
}

// entityType returns the code of an attribute's entity type.
func (c *checker) entityType(a Attribute) string {
	for code, id := range c.facts.EntityTypes {
		if id == a.EntityTypeID {
			return code
		}
	}
	return ""
}

// groupItem is the line that puts an attribute into a group.
func (c *checker) groupItem(group string, a Attribute) Remedy {
	return c.plan.paste(eavGroups, fmt.Sprintf("groups/group name=%q", group),
		`<attribute type="`+escape(c.entityType(a))+`">`+escape(a.Code)+`</attribute>`)
}

func (c *checker) frontendInputs() {
	for _, a := range c.facts.Attributes {
		if !empty(a.FrontendInput) || c.inGroup("ignore", a) || c.inGroup("frontend_input_empty_allowed", a) {
			continue
		}
		f := Prediction{
			Kind:      Attributes,
			Document:  "eav_attribute",
			Field:     "frontend_input",
			Extension: c.extension(toolmap.Source, a.Code),
			Detail: fmt.Sprintf(
				"The attribute is %s of %s",
				a.Code,
				c.entityType(a),
			),
			Remedy: c.groupItem("frontend_input_empty_allowed", a),
		}
		c.incompatible(f, fmt.Sprintf("Attribute with attribute_id=%s cannot contain empty field value", a.ID))
	}
}

// classes looks for classes without a counterpart. The release that was run looks in eav_attribute only, and drops
// other unknown classes without a word; others call them errors, too.
func (c *checker) classes() {
	if c.plan.classes == nil {
		return
	}
	ignored := map[string]bool{}
	for _, a := range c.facts.Attributes {
		if c.inGroup("ignore", a) {
			ignored[a.ID] = true
			continue
		}
		for i, class := range a.Classes {
			ignore := c.groupItem("ignore", a)
			ignore.Text = "The attribute and its values then stay behind."
			c.class(
				ClassUse{"eav_attribute", classFields()[i], "attribute_id", a.ID, class},
				Prediction{Alternative: &ignore,
					Detail: fmt.Sprintf("The attribute is %s of %s", a.Code, c.entityType(a))},
			)
		}
	}
	for _, use := range c.facts.Classes {
		if use.Key != "attribute_id" || !ignored[use.ID] {
			c.class(
				use,
				Prediction{
					Level:  Warning,
					Detail: "Only some releases of the tool log this; the others leave the class out without a message",
				},
			)
		}
	}
}

func (c *checker) class(use ClassUse, f Prediction) {
	if _, mapped := c.plan.classes.Class(use.Class); mapped || empty(use.Class) {
		return
	}
	f.Kind, f.Document, f.Field = Classes, use.Document, use.Field
	f.Extension = c.extension(toolmap.Source, strings.NewReplacer("/", "_", `\`, "_").Replace(use.Class))
	f.Remedy = c.plan.paste(
		"class_map",
		"classmap",
		fmt.Sprintf("<rename><from>%s</from><to/></rename>", escape(use.Class)),
	)
	f.Remedy.Text = "Between <to> and </to> stands the class of Magento 2 that does the same; empty leaves the " +
		"class out."
	c.incompatible(f, fmt.Sprintf("Class %s is not mapped in record %s=%s", use.Class, use.Key, use.ID))
}

const (
	customerDocuments  = "customer_document_groups_file"
	customerAttributes = "customer_attribute_groups_file"
)

func (c *checker) customer() {
	c.customerAttributes()
	c.compareGroup(comparison{option: "customer_map_file"}, customerDocuments, "source_documents")
}

// customerAttributes wants the attributes whose values become columns of Magento 2's customers. The tool logs the first
// that is missing; the others turn up when that is fixed.
func (c *checker) customerAttributes() {
	documents := c.plan.groups[customerDocuments]
	for _, document := range documents.Names("source_entity_documents") {
		entityType := ""
		for _, code := range documents.Names("eav_entities") {
			if slices.Contains(documents.Names(code), document) {
				entityType = code
			}
		}
		for _, code := range c.plan.groups[customerAttributes].Names(document) {
			c.customerAttribute(document, entityType, code)
		}
	}
}

func (c *checker) customerAttribute(document, entityType, code string) {
	i := slices.IndexFunc(c.facts.Attributes, func(a Attribute) bool {
		return a.Code == code && a.EntityTypeID == c.facts.EntityTypes[entityType]
	})
	f := Prediction{Kind: Attributes, Side: toolmap.Source, Document: "eav_attribute", Field: "attribute_code"}
	if i < 0 {
		f.Message = fmt.Sprintf("Attribute %s does not exist in the type %s", code, entityType)
		f.Remedy = Remedy{Option: customerAttributes, File: c.plan.path(customerAttributes),
			Text: inCopy(customerAttributes, c.plan.path(customerAttributes),
				fmt.Sprintf("remove <attribute>%s</attribute> from the group %s.", escape(code), document))}
		c.add(f)
		return
	}
	source := c.schemas[toolmap.Source]
	values := document + "_" + c.facts.Attributes[i].BackendType
	if source.Table(document) == nil || source.Table(values) != nil {
		return
	}
	f.Field = "backend_type"
	f.Message = fmt.Sprintf(
		"SQLSTATE[42S02]: Base table or view not found: 1146 Table '%s.%s' doesn't exist",
		source.Database,
		source.RealName(values),
	)
	f.Detail = fmt.Sprintf(
		"The attribute %s of %s is %s, and its values are not where the tool looks for them. The integrity check "+
			"passes; the data stage dies of it",
		code,
		entityType,
		c.facts.Attributes[i].BackendType,
	)
	f.Remedy = Remedy{Option: customerAttributes, File: c.plan.path(customerAttributes),
		Text: fmt.Sprintf(
			"Give %s its original backend_type in a copy of Magento 1. Or: %s",
			code,
			inCopy(customerAttributes, c.plan.path(customerAttributes), "remove it from the group "+document+"."),
		)}
	c.add(f)
}
