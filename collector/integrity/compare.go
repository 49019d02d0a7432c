package integrity

import (
	"errors"
	"fmt"

	"magento_migration_exporter/config/toolmap"
)

// The order in which the tool logs what a step found.
const (
	rankAtOnce = iota // logged when it is met
	rankMissingDocuments
	rankDocuments = rankMissingDocuments + 2
	rankMissingFields
	rankFields = rankMissingFields + 2
	rankTypes  = rankFields + 2
	rankData   = rankTypes + 2
)

// title spells a side as the tool's messages begin.
func title(side toolmap.Side) string {
	if side == toolmap.Source {
		return "Source"
	}
	return "Destination"
}

// system is what people call a side.
func system(side toolmap.Side) string {
	if side == toolmap.Source {
		return "Magento 1"
	}
	return "Magento 2"
}

// rank puts the source before the destination.
func rank(first int, side toolmap.Side) int {
	if side == toolmap.Source {
		return first
	}
	return first + 1
}

// comparison is a set of documents that a step looks for on the other side, by a map file.
type comparison struct {
	side toolmap.Side
	// option names the map file.
	option string
	// names are the documents.
	names []string
	// counterpart overrides the map file's renames.
	counterpart func(document string) string
	// skipFields leaves the columns out.
	skipFields bool
	// all tells that names are all of the database, not those that the step needs.
	all bool
}

// compare is the tool's AbstractIntegrity::check.
func (c *checker) compare(k comparison) {
	m := c.plan.maps[k.option]
	if m == nil {
		return // which is a prediction of its own
	}
	here, there := c.schemas[k.side], c.schemas[k.side.Opposite()]
	for _, document := range k.names {
		if m.DocumentIgnored(document, k.side) {
			continue
		}
		other, _ := m.DocumentMap(document, k.side)
		if k.counterpart != nil {
			other = k.counterpart(document)
		}
		table, otherTable := here.Table(document), there.Table(other)
		switch {
		case table == nil || otherTable == nil || !there.Lists(other):
			c.unmappedDocument(k, document, other, table)
		case !k.skipFields:
			c.compareFields(k, m, document, other, table, otherTable)
		}
	}
}

func (c *checker) unmappedDocument(k comparison, document, other string, table *Table) {
	f := Prediction{
		Kind:      Documents,
		Side:      k.side,
		Document:  document,
		lead:      title(k.side) + " documents are not mapped: ",
		item:      document,
		Extension: c.extension(k.side, document),
		rank:      rank(rankDocuments, k.side),
	}
	switch {
	case table == nil && k.all && c.schemas[k.side].unreadable[document]:
		f.Detail = "The server does not show the columns of " + document + ": a view whose tables are gone, or whose " +
			"definer lacks privileges"
		f.Remedy = c.ignoreDocument(k.option, k.side, document)
	case table == nil && k.all:
		f.Detail = fmt.Sprintf(
			"The table %s does not begin with the prefix %q, which the tool puts before its name",
			document,
			c.schemas[k.side].Prefix,
		)
		f.Remedy = c.ignoreDocument(k.option, k.side, document)
	case table == nil:
		f.Detail = "The step needs this table, and " + system(k.side) + " has none of the name"
		f.Remedy = Remedy{Text: wrongDatabase(k.side)}
	case !k.all:
		f.Detail = fmt.Sprintf("The step needs %s in %s, which has no such table", other, system(k.side.Opposite()))
		f.Remedy = Remedy{Text: wrongDatabase(k.side.Opposite())}
	default:
		f.Remedy = c.ignoreDocument(k.option, k.side, document)
	}
	c.add(f)
}

func wrongDatabase(side toolmap.Side) string {
	prefix := "source_prefix"
	if side == toolmap.Destination {
		prefix = "dest_prefix"
	}
	return fmt.Sprintf(
		"Check that config.xml names the right database of %s and its table prefix in <%s>, and that the installation "+
			"is whole.",
		system(side),
		prefix,
	)
}

// compareFields is the tool's AbstractIntegrity::verifyFields.
func (c *checker) compareFields(k comparison, m *toolmap.Map, document, other string, table, otherTable *Table) {
	for _, column := range table.Columns {
		mapped, ok, err := m.FieldMap(document, column.Name, k.side)
		if ambiguous, isAmbiguous := errors.AsType[*toolmap.AmbiguousError](err); isAmbiguous {
			c.add(
				Prediction{
					Kind:     Structure,
					Side:     k.side,
					Document: document,
					Field:    column.Name,
					Fatal:    true,
					Message:  ambiguous.Message,
					Detail: "Two rules contradict each other, and the tool stops at once: it says nothing of what " +
						"comes after",
					Remedy: Remedy{
						Option: k.option,
						File:   m.File,
						Text: fmt.Sprintf(
							"Remove either the <move> of %s.%s or the <ignore> of what it is moved to.",
							document,
							column.Name,
						),
					},
				},
			)
			continue
		}
		if !ok || empty(mapped) {
			continue
		}
		counterpart := otherTable.Column(mapped)
		switch {
		case counterpart == nil:
			c.unmappedField(k, document, other, column.Name, mapped)
		case counterpart.Type != column.Type && !m.DataTypeIgnored(document, column.Name, k.side):
			c.add(Prediction{Kind: Types, Side: k.side, Level: Warning, Document: document, Field: column.Name,
				lead: fmt.Sprintf("Mismatch of data types. %s document: %s. Fields: ", title(k.side), document),
				item: column.Name,
				Detail: fmt.Sprintf(
					"%s in %s, %s in %s",
					column.Type,
					system(k.side),
					counterpart.Type,
					system(k.side.Opposite()),
				),
				Remedy: c.ignoreField(k.option, k.side, "datatype", document, column.Name),
				rank:   rank(rankTypes, k.side)})
		}
	}
}

func (c *checker) unmappedField(k comparison, document, other, field, mapped string) {
	f := Prediction{Kind: Fields, Side: k.side, Document: document, Field: field,
		lead:      fmt.Sprintf("%s fields are not mapped. Document: %s. Fields: ", title(k.side), document),
		item:      mapped, // the tool's list has the names that it looked for
		Remedy:    c.ignoreField(k.option, k.side, "field", document, field),
		Extension: c.extension(k.side, field), rank: rank(rankFields, k.side)}
	if mapped != field {
		f.Detail = fmt.Sprintf(
			"A <move> sends %s.%s to %s.%s, which %s does not have",
			document,
			field,
			other,
			mapped,
			system(k.side.Opposite()),
		)
	}
	c.add(f)
}
