package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// MaxShown is how many rows a difference names.
const MaxShown = 20

// sorted returns the ids of the rows that differ, in order.
func (c *comparison) sorted() []rowID {
	var all []rowID
	for id := range c.rows {
		all = append(all, id)
	}
	slices.SortFunc(all, func(a, b rowID) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.label, b.label))
	})
	return all
}

// wayOf tells apart how rows differ. The columns of changed rows make one difference each way; missing rows make one.
func wayOf(row Row, columns []string) string {
	if row.Kind != Changed {
		return fmt.Sprint(row.Kind)
	}
	return fmt.Sprint(row.Kind, row.Later, strings.Join(columns, ","))
}

// add takes in a row. The values of one row of a table of values have one key.
func (d *Difference) add(id rowID, row Row) {
	if d.Count > 0 && d.last == id.key {
		return
	}
	d.last = id.key
	if d.Count++; len(d.Shown) == MaxShown {
		return
	}
	shown := row.Shown
	if shown == "" {
		shown = fmt.Sprint(id.key)
	}
	d.Shown, d.Keys = append(d.Shown, shown), append(d.Keys, id.key)
}
