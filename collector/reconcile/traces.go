package reconcile

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"magento_migration_exporter/collector/database"
)

// The tables that the traces are in, of Magento 1 and of Magento 2.
func traceTables() [2][]string {
	return [2][]string{
		{"core_url_rewrite", "catalog_product_entity_varchar", settingsTable, "eav_attribute_set"},
		{
			"url_rewrite", "sales_sequence_meta", "store", "inventory_source_item", "cataloginventory_stock_item",
			"catalog_product_entity", "catalog_product_entity_varchar", settingsTable, "eav_attribute_set",
		},
	}
}

const (
	// urlPath is the attribute whose values of products the last step of migrate:data removes from Magento 2.
	urlPath = "url_path"
	// sequenceTypes is how many kinds of documents have a sequence in each store: orders, invoices, shipments, credit
	// memos.
	sequenceTypes = 4
	// productSlice is the range of product ids whose stock one evaluation looks at.
	productSlice = 10000
	// rewriteTurns is the number of evaluations between two comparisons of URL rewrites.
	rewriteTurns = 5
)

// Traces are what the last steps of migrate:data leave. Equal orders prove nothing about them: a run that broke off has
// all orders and none of these.
type Traces struct {
	// Sequences is true when Magento 2 has the tables; Lacking are its stores that lack a sequence.
	Sequences bool
	Lacking   []int64
	// Inventory is what the sources of Magento 2 hold, against its stock items.
	Inventory Inventory
	// URLPaths are the url_path values of products in each system, up to one above the window.
	URLPaths Pathways
	// Rewrites are the URL rewrites without those of CMS pages.
	Rewrites Rewrites
	// Settings are those of core_config_data, Attributes are attributes and their sets.
	Settings, Attributes Listed
	// Lacks are tables without which there is no comparison of URL rewrites, by system: "Magento 2 has no table x".
	Lacks []string
	// Open is true while something was not looked at yet, or has to be seen again.
	Open bool

	turn int
	// due are the slow looks that have to be made, each from its turn on until one has ended without an error.
	due [slowLooks]bool
	// failure is why the last look could not be made.
	failure error
}

// The slow looks, which take turns.
const (
	sequencesLook = iota
	rewritesLook
	urlPathsLook
	settingsLook
	attributesLook
	slowLooks
)

// Pathways are numbers of url_path values of products in both systems.
type Pathways struct {
	Known bool
	Rows  [2]int
}

// Inventory is how the source items of Magento 2 agree with its stock items.
type Inventory struct {
	// Exists is false where Magento 2 has no sources; Known is false until all products were looked at once.
	Exists, Known bool
	// Missing are ids of products without a source item, Different of those with another quantity; both of the last
	// round.
	Missing, Different []int64
	// Pending is true while changes of products or stock wait in the log.
	Pending bool

	// broken is true when the last look could not be made.
	broken             bool
	cursor             int64
	missing, different []int64
	// seenMissing and seenDifferent are those of the round before, which a finding needs too.
	seenMissing, seenDifferent []int64
	rounds                     int
}

// maxTraceIDs bounds how many products a look at the inventory keeps.
const maxTraceIDs = 1000

// trace looks at the traces of the last steps.
func (p *Plan) trace(ctx context.Context, r *rounds) error {
	t := &p.Traces
	t.turn++
	has2 := p.has[magento2]
	t.Inventory.Exists = has2["inventory_source_item"] && has2["cataloginventory_stock_item"] &&
		has2["catalog_product_entity"]
	t.Lacks = nil
	for side, table := range [2]string{"core_url_rewrite", "url_rewrite"} {
		if !p.has[side][table] {
			t.Lacks = append(t.Lacks, system(side)+" has no table "+r.sides[side].Prefix+table)
		}
	}
	// An error must not be forgotten until the next slow look: a status would pass that knows nothing.
	for look := range slowLooks {
		t.due[look] = t.due[look] || t.turn == 1 || t.turn%rewriteTurns == (1+look)%rewriteTurns
	}
	t.due[rewritesLook] = t.due[rewritesLook] || t.Rewrites.open()
	t.due[settingsLook] = t.due[settingsLook] || t.Settings.open()
	t.due[attributesLook] = t.due[attributesLook] || t.Attributes.open()
	if r.Brief && t.turn > 1 && t.failure == nil {
		return nil // the next evaluation looks at what is due
	}
	t.failure = p.looks(ctx, r)
	t.Open = t.Inventory.open() || t.Rewrites.open() || t.Settings.open() || t.Attributes.open()
	return t.failure
}

// looks looks at what is due. An error is one of this evaluation and of those after it, until the same look has ended.
func (p *Plan) looks(ctx context.Context, r *rounds) error {
	t := &p.Traces
	if v := &t.Inventory; v.Exists && (t.turn%2 == 1 || v.broken || v.open() || v.cursor != 0) {
		err := r.inventory(ctx, v)
		if v.broken = err != nil; err != nil {
			return err
		}
	}
	return p.slow(ctx, r)
}

// slow looks at what costs more.
func (p *Plan) slow(ctx context.Context, r *rounds) error {
	for look, do := range [slowLooks]func(context.Context, *rounds) error{
		sequencesLook: p.lookAtSequences, rewritesLook: p.lookAtRewrites, urlPathsLook: p.lookAtURLPaths,
		settingsLook: p.lookAtSettings, attributesLook: p.lookAtAttributes,
	} {
		if !p.Traces.due[look] {
			continue
		}
		if err := do(ctx, r); err != nil {
			return err
		}
		p.Traces.due[look] = false
	}
	return nil
}

func (p *Plan) lookAtSequences(ctx context.Context, r *rounds) error {
	if !p.has[magento2]["sales_sequence_meta"] || !p.has[magento2]["store"] {
		return nil
	}
	return r.sequences(ctx, &p.Traces)
}

func (p *Plan) lookAtRewrites(ctx context.Context, r *rounds) error {
	if len(p.Traces.Lacks) > 0 {
		p.Traces.Rewrites = Rewrites{}
		return nil
	}
	return r.rewrites(ctx, &p.Traces.Rewrites)
}

func (p *Plan) lookAtSettings(ctx context.Context, r *rounds) error {
	p.compareSettings(ctx, r)
	return nil
}

func (p *Plan) lookAtAttributes(ctx context.Context, r *rounds) error {
	p.compareAttributes(ctx, r)
	return nil
}

func (p *Plan) lookAtURLPaths(ctx context.Context, r *rounds) error {
	const values = "catalog_product_entity_varchar"
	if !p.has[magento1][values] || !p.has[magento2][values] {
		return nil
	}
	for side := range r.sides {
		query := fmt.Sprintf(
			"SELECT COUNT(*) FROM (SELECT 1 FROM %s v JOIN %s a ON a.attribute_id = v.attribute_id JOIN %s t"+
				" ON t.entity_type_id = a.entity_type_id WHERE a.attribute_code = '%s' AND t.entity_type_code = "+
				"'catalog_product'"+
				" LIMIT %d) x",
			r.table(side, values),
			r.table(side, "eav_attribute"),
			r.table(side, "eav_entity_type"),
			urlPath,
			window+1,
		)
		rows := &p.Traces.URLPaths.Rows[side]
		if err := r.query(ctx, side, query, func(scan func(...any) error) error { return scan(rows) }); err != nil {
			return fmt.Errorf("counting the url_path values of products: %w", err)
		}
	}
	p.Traces.URLPaths.Known = true
	return nil
}

// table quotes the name of a table of a side.
func (r *rounds) table(side int, name string) string {
	return database.Quote(r.sides[side].Prefix + name)
}

func (r *rounds) sequences(ctx context.Context, t *Traces) error {
	query := fmt.Sprintf("SELECT s.store_id FROM %s s LEFT JOIN %s m ON m.store_id = s.store_id AND m.entity_type "+
		"IN "+
		"('order', 'invoice', 'shipment', 'creditmemo') GROUP BY s.store_id HAVING COUNT(DISTINCT m.entity_type) < "+
		"%d LIMIT %d",
		r.table(magento2, "store"), r.table(magento2, "sales_sequence_meta"), sequenceTypes, maxTraceIDs)
	lacking, err := r.ids(ctx, magento2, query)
	if err != nil {
		return fmt.Errorf("looking for stores without sequences: %w", err)
	}
	t.Sequences, t.Lacking = true, lacking
	return nil
}

func (r *rounds) ids(ctx context.Context, side int, query string) ([]int64, error) {
	var all []int64
	err := r.query(ctx, side, query, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		all = append(all, id)
		return err
	})
	return all, err
}

// nextID marks the row that has the next id behind a slice of products.
const nextID = 2

// inventory looks at the stock of the next products, and ends a round with the last ones.
func (r *rounds) inventory(ctx context.Context, v *Inventory) error {
	v.Pending = r.pends(r.Log["cataloginventory_stock_item"]) || r.pends(r.Log["catalog_product_entity"])
	high := v.cursor + productSlice
	products := r.table(magento2, "catalog_product_entity")
	// The last row is the next id behind the slice.
	query := fmt.Sprintf("(SELECT p.entity_id, i.source_item_id IS NULL AS kind FROM %s s JOIN %s p"+
		" ON p.entity_id = s.product_id LEFT JOIN %s i ON i.sku = p.sku AND i.source_code = 'default'"+
		" WHERE s.stock_id = 1 AND p.entity_id > %[4]d AND p.entity_id <= %[5]d"+
		" AND (i.source_item_id IS NULL OR i.quantity <> COALESCE(s.qty, 0)) LIMIT %[6]d)"+
		" UNION ALL (SELECT MIN(entity_id), %[7]d FROM %[2]s WHERE entity_id > %[5]d)",
		r.table(magento2, "cataloginventory_stock_item"), products, r.table(magento2, "inventory_source_item"),
		v.cursor, high, maxTraceIDs, nextID)
	var next sql.NullInt64
	err := r.query(ctx, magento2, query, func(scan func(...any) error) error {
		var id sql.NullInt64
		var kind int
		err := scan(&id, &kind)
		switch kind {
		case nextID:
			next = id
		case 1:
			v.missing = append(v.missing, id.Int64)
		default:
			v.different = append(v.different, id.Int64)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("comparing the stock of Magento 2's sources: %w", err)
	}
	if v.cursor = next.Int64 - 1; !next.Valid {
		v.round()
	}
	v.missing = v.missing[:min(len(v.missing), maxTraceIDs)]
	v.different = v.different[:min(len(v.different), maxTraceIDs)]
	return nil
}

// round ends a round: what was seen in two rounds, and nothing was pending, is reported.
func (v *Inventory) round() {
	both := func(now, before []int64) []int64 {
		return slices.DeleteFunc(
			slices.Clone(now),
			func(id int64) bool { return v.Pending || !slices.Contains(before, id) },
		)
	}
	v.Missing, v.Different = both(v.missing, v.seenMissing), both(v.different, v.seenDifferent)
	v.seenMissing, v.seenDifferent = v.missing, v.different
	v.missing, v.different, v.cursor = nil, nil, 0
	v.rounds++
	v.Known = true
}

func (v *Inventory) open() bool {
	return v.Exists && (!v.Known || !v.Pending && v.rounds == 1 && len(v.seenMissing)+len(v.seenDifferent) > 0)
}

// surplus returns the ids of those that a has more often than b, at most MaxShown, and how many there are.
func surplus(a, b map[int64][]int64) (ids []int64, count int) {
	for crc, own := range a {
		if more := len(own) - len(b[crc]); more > 0 {
			count += more
			ids = append(ids, own[:more]...)
		}
	}
	slices.Sort(ids)
	return ids[:min(len(ids), MaxShown)], count
}
