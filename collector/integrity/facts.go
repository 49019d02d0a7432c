package integrity

import (
	"context"
	"fmt"
	"strings"

	"magento_migration_exporter/collector/database"
)

// Facts is what the tool's integrity check reads from the databases besides their schemas. All of it is small.
type Facts struct {
	// Attributes are the rows of Magento 1's eav_attribute, in the order of their ids.
	Attributes []Attribute
	// Classes are what Magento 1's other EAV tables hold in their columns for PHP classes.
	Classes []ClassUse
	// EntityTypes are the ids of Magento 1's entity types by their codes.
	EntityTypes map[string]string
	// ProductSets are the attribute sets of Magento 1's products that have groups.
	ProductSets []AttributeSet
	// DestinationAttributes are the codes that the SalesOrder step looks for and Magento 2 has. It is nil where that
	// was not asked.
	DestinationAttributes []string

	// Modules are Magento 2's enabled modules. It is nil where they are not known; then tables stand in for them.
	Modules map[string]bool
	// Extensions are the core_resource codes of Magento 1's third-party extensions, for guessing what a table belongs
	// to.
	Extensions []string
}

// Attribute is a row of eav_attribute. NULL is empty, as to the tool.
type Attribute struct {
	ID, EntityTypeID, Code, BackendType, FrontendInput string
	// Classes are the attribute_model, backend_model, frontend_model and source_model.
	Classes [4]string
}

// classFields are the columns of Attribute.Classes.
func classFields() [4]string {
	return [4]string{"attribute_model", "backend_model", "frontend_model", "source_model"}
}

// ClassUse is a PHP class in another EAV table.
type ClassUse struct{ Document, Field, Key, ID, Class string }

// AttributeSet is an attribute set and the names of its groups.
type AttributeSet struct {
	Name   string
	Groups []string
}

// ReadFacts reads the facts for a plan. Tables and columns that are not there are left out: their absence is for Check
// to tell. Modules and Extensions are the caller's to set.
func ReadFacts(
	ctx context.Context,
	p *Plan,
	source, destination *database.Session,
	sourceSchema, destinationSchema *Schema,
) (Facts, error) {
	f := Facts{EntityTypes: map[string]string{}}
	r := reader{source, sourceSchema}
	for _, part := range []struct {
		what string
		read func() error
	}{
		{"the entity types", func() error { return f.readEntityTypes(ctx, r) }},
		{"the attributes", func() error { return f.readAttributes(ctx, r) }},
		{"the attribute sets", func() error { return f.readProductSets(ctx, r) }},
		{"the classes", func() error { return f.readClasses(ctx, r) }},
		{"Magento 2's attributes", func() error {
			return f.readDestinationAttributes(ctx, p, reader{destination, destinationSchema})
		}},
	} {
		if err := part.read(); err != nil {
			return Facts{}, fmt.Errorf("reading %s: %w", part.what, err)
		}
	}
	return f, nil
}

// factsDocuments are the tables that ReadFacts looks at.
func factsDocuments() []string {
	return []string{
		"eav_entity_type",
		"eav_attribute",
		"eav_attribute_set",
		"eav_attribute_group",
		"catalog_eav_attribute",
		"customer_eav_attribute",
	}
}

// reader reads columns of a table that may not be there.
type reader struct {
	session *database.Session
	schema  *Schema
}

// columns returns the quoted names, NULL for those that are not there; false when the table is not there.
func (r reader) columns(document string, names ...string) (string, bool) {
	table := r.schema.Table(document)
	if table == nil {
		return "", false
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = "NULL"
		if table.Column(name) != nil {
			quoted[i] = database.Quote(name)
		}
	}
	return strings.Join(quoted, ", "), true
}

func (r reader) table(document string) string { return database.Quote(r.schema.RealName(document)) }

func (f *Facts) readEntityTypes(ctx context.Context, r reader) error {
	columns, ok := r.columns("eav_entity_type", "entity_type_code", "entity_type_id")
	if !ok {
		return nil
	}
	return r.session.Texts(
		ctx,
		"SELECT "+columns+" FROM "+r.table("eav_entity_type"),
		nil,
		2,
		func(row []string) { f.EntityTypes[row[0]] = row[1] },
	)
}

func (f *Facts) readAttributes(ctx context.Context, r reader) error {
	fields := classFields()
	columns, ok := r.columns(
		"eav_attribute",
		append(
			[]string{"attribute_id", "entity_type_id", "attribute_code", "backend_type", "frontend_input"},
			fields[:]...)...)
	if !ok {
		return nil
	}
	return r.session.Texts(
		ctx,
		"SELECT "+columns+" FROM "+r.table("eav_attribute")+" ORDER BY 1",
		nil,
		9,
		func(row []string) {
			f.Attributes = append(f.Attributes, Attribute{row[0], row[1], row[2], row[3], row[4], [4]string(row[5:])})
		},
	)
}

func (f *Facts) readProductSets(ctx context.Context, r reader) error {
	for _, document := range []string{"eav_attribute_group", "eav_attribute_set", "eav_entity_type"} {
		if r.schema.Table(document) == nil {
			return nil
		}
	}
	query := "SELECT s.attribute_set_id, s.attribute_set_name, g.attribute_group_name FROM " + r.table(
		"eav_attribute_group",
	) + " g JOIN " +
		r.table(
			"eav_attribute_set",
		) + " s ON s.attribute_set_id = g.attribute_set_id JOIN " +
		r.table(
			"eav_entity_type",
		) + " t ON t.entity_type_id = s.entity_type_id WHERE t.entity_type_code = 'catalog_product' ORDER BY " +
		"g.attribute_group_id"
	places := map[string]int{}
	return r.session.Texts(ctx, query, nil, 3, func(row []string) {
		i, known := places[row[0]]
		if !known {
			i = len(f.ProductSets)
			places[row[0]] = i
			f.ProductSets = append(f.ProductSets, AttributeSet{Name: row[1]})
		}
		f.ProductSets[i].Groups = append(f.ProductSets[i].Groups, row[2])
	})
}

func (f *Facts) readClasses(ctx context.Context, r reader) error {
	for _, in := range []struct {
		document, key string
		fields        []string
	}{
		{"catalog_eav_attribute", "attribute_id", []string{"frontend_input_renderer"}},
		{"customer_eav_attribute", "attribute_id", []string{"data_model"}},
		{"eav_entity_type", "entity_type_id", []string{
			"entity_model", "attribute_model", "increment_model", "entity_attribute_collection",
		}},
	} {
		columns, ok := r.columns(in.document, append([]string{in.key}, in.fields...)...)
		if !ok {
			continue
		}
		err := r.session.Texts(
			ctx,
			"SELECT "+columns+" FROM "+r.table(in.document)+" ORDER BY 1",
			nil,
			1+len(in.fields),
			func(row []string) {
				for i, field := range in.fields {
					if class := row[1+i]; !empty(class) {
						f.Classes = append(f.Classes, ClassUse{in.document, field, in.key, row[0], class})
					}
				}
			},
		)
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *Facts) readDestinationAttributes(ctx context.Context, p *Plan, r reader) error {
	columns, ok := r.columns("eav_attribute", "attribute_code")
	if !ok || !p.has(`Migration\Step\SalesOrder\Integrity`) {
		return nil
	}
	f.DestinationAttributes = []string{}
	var args []any
	for _, code := range salesOrderAttributes() {
		args = append(args, code)
	}
	return r.session.Texts(
		ctx,
		"SELECT "+columns+" FROM "+r.table("eav_attribute")+" WHERE attribute_code IN (?, ?)",
		args,
		1,
		func(row []string) {
			f.DestinationAttributes = append(f.DestinationAttributes, row[0])
		},
	)
}
