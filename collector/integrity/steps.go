package integrity

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/config/toolmap"
)

//go:embed structure.tsv
var structureTable string

// stages are the integrity stages of the tool, by the class that config.xml names. The functions add what the class
// logs.
func stages() map[string]func(*checker) {
	return map[string]func(*checker){
		`Migration\Step\Settings\Integrity`:                 (*checker).settings,
		`Migration\Step\Stores\Integrity`:                   (*checker).stores,
		`Migration\Step\DataIntegrity\Integrity`:            func(*checker) {}, // see FindOrphans
		`Migration\Step\Eav\Integrity`:                      (*checker).eav,
		`Migration\Step\Customer\Integrity`:                 (*checker).customer,
		`Migration\Step\CustomCustomerAttributes\Integrity`: (*checker).customCustomerAttributes,
		`Migration\Step\Map\Integrity`:                      (*checker).allDocuments,
		`Migration\Step\UrlRewrite\Version191to2000`:        (*checker).urlRewrites,
		`Migration\Step\UrlRewrite\Version11300to2000`:      (*checker).commerceURLRewrites,
		`Migration\Step\UrlRewrite\Version11410to2000`:      (*checker).commerceURLRewrites,
		`Migration\Step\Log\Integrity`:                      (*checker).log,
		`Migration\Step\Ratings\Integrity`:                  (*checker).ratings,
		`Migration\Step\ConfigurablePrices\Integrity`:       (*checker).configurablePrices,
		`Migration\Step\OrderGrids\Integrity`:               (*checker).orderGrids,
		`Migration\Step\OrderGridsEE\Integrity`:             (*checker).orderGrids,
		`Migration\Step\TierPrice\Integrity`:                (*checker).tierPrices,
		`Migration\Step\SalesIncrement\Integrity`:           (*checker).salesIncrement,
		`Migration\Step\Inventory\Integrity`:                (*checker).inventory,
		`Migration\Step\SalesOrder\Integrity`:               (*checker).salesOrder,
		`Migration\Step\VisualMerchandiser\Integrity`:       (*checker).visualMerchandiser,
	}
}

// needed is a row of structure.tsv.
type needed struct {
	side     toolmap.Side
	document string
	columns  []string
}

// structure returns the rows of structure.tsv for the present step.
func (c *checker) structure() []needed {
	entity := "entity_id"
	if c.plan.edition != "opensource-to-opensource" && c.hasModule("Magento_CatalogStaging", "staging_update") {
		entity = "row_id"
	}
	var rows []needed
	for line := range strings.Lines(structureTable) {
		row := strings.Split(strings.TrimSpace(line), "\t")
		if `Migration\Step\`+row[0] != c.step.Class {
			continue
		}
		n := needed{side: toolmap.Side(row[1]), document: row[2]}
		if row[3] != "-" {
			n.columns = strings.Split(strings.ReplaceAll(row[3], "entity_id+", entity), ",")
		}
		rows = append(rows, n)
	}
	return rows
}

// hasModule reports whether a module of Magento 2 is enabled; where the modules are not known, by a table that only it
// has.
func (c *checker) hasModule(module, table string) bool {
	if c.facts.Modules == nil {
		return c.schemas[toolmap.Destination].Table(table) != nil
	}
	return c.facts.Modules[module]
}

// lacking returns the columns that a table does not have.
func (t *Table) lacking(columns []string) []string {
	var missing []string
	for _, name := range columns {
		if t.Column(name) == nil {
			missing = append(missing, name)
		}
	}
	return missing
}

// dies is a table that the tool asks for without looking whether it is there.
func (c *checker) dies(side toolmap.Side, document string) {
	schema := c.schemas[side]
	c.add(Prediction{Kind: Structure, Side: side, Document: document, Fatal: true,
		Message: fmt.Sprintf(
			"SQLSTATE[42S02]: Base table or view not found: 1146 Table '%s.%s' doesn't exist",
			schema.Database,
			schema.RealName(document),
		),
		Detail: "The tool dies here, and says nothing of what comes after",
		Remedy: Remedy{Text: wrongDatabase(side)}})
}

// deadModes are the modes of which the tool does not reach the first stage: it makes all steps of a mode first, and to
// make the EAV step it reads the attributes of both sides.
func (c *checker) deadModes() map[string]bool {
	dead := map[string]bool{}
	for i, step := range c.plan.Steps {
		if step.Class != `Migration\Step\Eav\Integrity` {
			continue
		}
		for _, need := range []needed{
			{side: toolmap.Destination, document: "eav_attribute_set"},
			{side: toolmap.Destination, document: "eav_attribute_group"},
			{side: toolmap.Source, document: "eav_attribute"},
			{side: toolmap.Destination, document: "eav_attribute"},
			{side: toolmap.Source, document: "eav_entity_type"},
			{side: toolmap.Destination, document: "eav_entity_type"},
		} {
			if c.schemas[need.side].Table(need.document) == nil && !dead[step.Mode] {
				dead[step.Mode] = true
				c.step, c.index = step, i
				c.dies(need.side, need.document)
			}
		}
	}
	return dead
}

// missingFields adds one prediction for each column that a step does not find, in the words of its list.
func (c *checker) missingFields(side toolmap.Side, document string, columns []string) {
	for _, column := range columns {
		c.add(Prediction{Kind: Structure, Side: side, Document: document, Field: column,
			lead: fmt.Sprintf("%s fields are missing. Document: %s. Fields: ", title(side), document), item: column,
			Remedy: Remedy{
				Text: fmt.Sprintf(
					"Restore the column %s of %s in %s; no rule of a map file makes this step pass without it.",
					column,
					document,
					system(side),
				),
			},
			rank: rank(rankMissingFields, side)})
	}
}

func (c *checker) missingDocument(side toolmap.Side, document, as string) {
	c.add(Prediction{Kind: Structure, Side: side, Document: document,
		lead: title(side) + " documents are missing: ", item: as,
		Remedy: Remedy{Text: wrongDatabase(side)}, rank: rank(rankMissingDocuments, side)})
}

func (c *checker) settings() {
	for _, side := range []toolmap.Side{toolmap.Source, toolmap.Destination} {
		if c.schemas[side].Lists("core_config_data") {
			continue
		}
		c.add(Prediction{Kind: Structure, Side: side, Document: "core_config_data",
			Message: fmt.Sprintf(
				`Integrity check failed due to "core_config_data" document does not exist in the %s resource`,
				side,
			),
			Detail: "Please check if table names uses prefix, add it to your config.xml file",
			Remedy: Remedy{Text: wrongDatabase(side)}})
		return
	}
}

func (c *checker) stores() {
	c.compare(
		comparison{
			side:   toolmap.Source,
			option: "stores_map_file",
			names:  []string{"core_store", "core_store_group", "core_website"},
		},
	)
	c.compare(
		comparison{
			side:   toolmap.Destination,
			option: "stores_map_file",
			names:  []string{"store", "store_group", "store_website"},
		},
	)
}

func (c *checker) allDocuments() {
	for _, side := range []toolmap.Side{toolmap.Source, toolmap.Destination} {
		c.compare(comparison{side: side, option: "map_file", names: c.schemas[side].Documents, all: true})
	}
}

// compareGroup compares the documents of a group, then their counterparts.
func (c *checker) compareGroup(k comparison, groupsOption, group string) {
	m := c.plan.maps[k.option]
	if m == nil {
		return
	}
	k.side, k.names = toolmap.Source, c.plan.groups[groupsOption].Names(group)
	c.compare(k)
	var others []string
	for _, document := range k.names {
		if other, ok := m.DocumentMap(document, toolmap.Source); ok {
			others = append(others, other)
			continue
		}
		c.add(Prediction{Kind: Structure, Side: toolmap.Destination, Document: document,
			lead: "Destination documents are not mapped: ", item: "0",
			Detail: fmt.Sprintf(
				"%s stands in the group %s, and is ignored in the map file: the tool then looks for a table without "+
					"a name",
				document,
				group,
			),
			Remedy: Remedy{
				Option: groupsOption,
				File:   c.plan.path(groupsOption),
				Text: inCopy(groupsOption, c.plan.path(groupsOption), fmt.Sprintf(
					"remove %s from the group %s; or remove the rule that ignores it from %s.", document, group, m.File,
				)),
			},
			rank: rank(rankDocuments, toolmap.Destination)})
	}
	k.side, k.names = toolmap.Destination, others
	c.compare(k)
}

func (c *checker) customCustomerAttributes() {
	c.compareGroup(
		comparison{option: "customer_attr_map_file", skipFields: true},
		"customer_attr_document_groups_file",
		"source_documents",
	)
}

func (c *checker) visualMerchandiser() {
	c.compareGroup(
		comparison{option: "visual_merchandiser_map"},
		"visual_merchandiser_document_groups",
		"source_documents",
	)
}

func (c *checker) log() {
	c.compareGroup(comparison{option: "log_map_file"}, "log_document_groups_file", "source_documents")
	for _, document := range c.plan.groups["log_document_groups_file"].Names("destination_documents_to_clear") {
		if !c.schemas[toolmap.Destination].Lists(document) {
			c.missingDocument(toolmap.Destination, document, document)
		}
	}
}

func (c *checker) salesOrder() {
	c.compare(comparison{side: toolmap.Source, option: "sales_order_map_file", names: []string{"sales_flat_order"}})
	c.compare(comparison{side: toolmap.Destination, option: "sales_order_map_file", names: []string{"sales_order"}})
	if c.facts.DestinationAttributes == nil {
		return
	}
	for _, code := range salesOrderAttributes() {
		if !slices.Contains(c.facts.DestinationAttributes, code) {
			c.missingFields(toolmap.Destination, "eav_attribute", []string{code})
		}
	}
}

// salesOrderAttributes are what the SalesOrder step looks for in Magento 2 Commerce.
func salesOrderAttributes() []string {
	return []string{"reward_points_balance_refunded", "reward_salesrule_points"}
}

// tierPrices compares with a map of its own: group prices become tier prices.
func (c *checker) tierPrices() {
	const tier, group = "catalog_product_entity_tier_price", "catalog_product_entity_group_price"
	names := []string{tier}
	withoutGroups := []string{
		"1.11.0.0",
		"1.11.0.1",
		"1.11.0.2",
		"1.11.1.0",
		"1.11.2.0",
		"1.6.0.0",
		"1.6.1.0",
		"1.6.2.0",
	}
	if !empty(c.plan.editionNumber) && !slices.Contains(withoutGroups, c.plan.editionNumber) {
		names = append(names, group)
	}
	counterpart := func(string) string { return tier }
	c.compare(comparison{side: toolmap.Source, option: "tier_price_map_file", names: names, counterpart: counterpart})
	c.compare(
		comparison{
			side:        toolmap.Destination,
			option:      "tier_price_map_file",
			names:       []string{tier},
			counterpart: counterpart,
		},
	)
}

func (c *checker) urlRewrites() {
	for _, need := range c.structure() {
		table := c.schemas[need.side].Table(need.document)
		if table == nil {
			c.dies(need.side, need.document)
			return
		}
		c.missingFields(need.side, need.document, table.lacking(need.columns))
	}
}

func (c *checker) commerceURLRewrites() {
	for _, need := range c.structure() {
		table := c.schemas[need.side].Table(need.document)
		f := Prediction{Kind: Structure, Side: need.side, Document: need.document}
		switch {
		case table == nil:
			f.Message = fmt.Sprintf("%s table does not exist: %s", title(need.side), need.document)
			f.Remedy.Text = wrongDatabase(need.side)
		case len(table.Columns) != len(need.columns) || len(table.lacking(need.columns)) > 0:
			f.Message = fmt.Sprintf("%s table structure does not meet expectation: %s", title(need.side), need.document)
			f.Detail = "It wants exactly these columns: " + strings.Join(need.columns, ", ")
			f.Remedy.Text = "Use the mapping directory of this Magento 1's release; columns that an extension added " +
				"have to go from the copy that is migrated."
		default:
			continue
		}
		c.add(f)
	}
}

func (c *checker) ratings() {
	destination := c.schemas[toolmap.Destination]
	for _, need := range c.structure() {
		if !destination.Lists(need.document) {
			c.add(Prediction{Kind: Structure, Side: need.side, Document: need.document,
				Message: `"rating" or "rating_store" documents do not exist in the destination resource`,
				Remedy:  Remedy{Text: wrongDatabase(need.side)}})
			return
		}
	}
	for _, need := range c.structure() {
		for _, column := range destination.Table(need.document).lacking(need.columns) {
			c.add(Prediction{Kind: Structure, Side: need.side, Document: need.document, Field: column,
				Message: `"` + column + `" field does not exist in "` + need.document +
					`" document of the destination resource`,
				Remedy: Remedy{Text: wrongDatabase(need.side)}})
		}
	}
}

func (c *checker) configurablePrices() {
	for _, need := range c.structure() {
		table := c.schemas[need.side].Table(need.document)
		if table == nil {
			c.add(
				Prediction{
					Kind:     Structure,
					Side:     need.side,
					Document: need.document,
					Fatal:    true,
					Message:  "Call to a member function getStructure() on bool",
					Detail: fmt.Sprintf(
						"%s has no table %s, and the tool dies over it",
						system(need.side),
						need.document,
					),
					Remedy: Remedy{Text: wrongDatabase(need.side)},
				},
			)
			return
		}
		c.missingFields(need.side, need.document, table.lacking(need.columns))
	}
}

// orderGrids adds what the tool logs as errors; it goes on all the same.
func (c *checker) orderGrids() {
	for _, need := range c.structure() {
		table := c.schemas[need.side].Table(need.document)
		if table == nil {
			c.dies(need.side, need.document)
			return
		}
		for _, column := range table.lacking(need.columns) {
			c.add(Prediction{Kind: Structure, Side: need.side, Document: need.document, Field: column,
				Message: fmt.Sprintf("%s table does not contain field: %s", need.document, column),
				Detail:  "The tool logs this error and goes on", Remedy: Remedy{Text: wrongDatabase(need.side)}})
		}
	}
}

func (c *checker) salesIncrement() {
	for _, need := range c.structure() {
		c.exactly(need, need.document)
	}
}

// inventory names its tables with their prefix, unlike the other steps.
func (c *checker) inventory() {
	if !c.hasModule("Magento_Inventory", "inventory_source_item") {
		return
	}
	for _, need := range c.structure() {
		c.exactly(need, c.schemas[need.side].RealName(need.document))
	}
}

// exactly wants a table with these columns and no others. What is too much there is called missing in the source.
func (c *checker) exactly(need needed, as string) {
	table := c.schemas[need.side].Table(need.document)
	if table == nil {
		c.missingDocument(need.side, need.document, as)
		return
	}
	c.missingFields(need.side, as, table.lacking(need.columns))
	for _, column := range table.Columns {
		if !slices.Contains(need.columns, column.Name) {
			c.add(Prediction{Kind: Structure, Side: need.side, Document: need.document, Field: column.Name,
				lead: fmt.Sprintf("Source fields are missing. Document: %s. Fields: ", as), item: column.Name,
				Detail: "The column is one too many in Magento 2: an extension or a newer release added it",
				Remedy: Remedy{
					Text: fmt.Sprintf(
						"Take the column %s off %s until migrate:data has run, or remove the <integrity> line of "+
							"the step %s from a copy of config.xml: no rule of a map file makes it pass.",
						column.Name,
						as,
						c.step.Title,
					),
				},
				rank: rank(rankMissingFields, toolmap.Source)})
		}
	}
}
