package integrity

import (
	"fmt"
	"strings"

	"magento_migration_exporter/config/toolmap"
)

// suggest adds to what is unmapped on both sides of one step the rule that would join the two, where there is only one
// such pair.
func (p *Plan) suggest(predictions []Prediction, source, destination *Schema) {
	for i := range predictions {
		f := &predictions[i]
		if f.Side != toolmap.Source || f.item == "" {
			continue
		}
		switch f.Kind {
		case Fields:
			p.suggestMove(predictions, f, source, destination)
		case Documents:
			p.suggestRename(predictions, f)
		}
	}
}

// optionOf is the map file of a prediction, empty where it has no rule.
func optionOf(f *Prediction) string {
	if f.Remedy.XML == "" {
		return ""
	}
	return f.Remedy.Option
}

// only returns the one prediction that fits, nil when none or several do.
func only(predictions []Prediction, fits func(*Prediction) bool) *Prediction {
	var found *Prediction
	for i := range predictions {
		if fits(&predictions[i]) {
			if found != nil {
				return nil
			}
			found = &predictions[i]
		}
	}
	return found
}

// suggestMove takes a column for renamed when it is the only unmapped one of its table, and so is another, of the same
// type, in the other table.
func (p *Plan) suggestMove(predictions []Prediction, f *Prediction, source, destination *Schema) {
	m := p.maps[optionOf(f)]
	if m == nil {
		return
	}
	other, _ := m.DocumentMap(f.Document, toolmap.Source)
	here := only(predictions, func(o *Prediction) bool {
		return o.Kind == Fields && o.step == f.step && o.Side == f.Side && o.Document == f.Document
	})
	there := only(predictions, func(o *Prediction) bool {
		return o.Kind == Fields && o.step == f.step && o.Side == toolmap.Destination && o.Document == other
	})
	if here == nil || there == nil || optionOf(there) == "" {
		return
	}
	from, to := source.Table(f.Document).Column(f.Field), destination.Table(other).Column(there.Field)
	if from.Type != to.Type {
		return
	}
	move := p.paste(
		f.Remedy.Option,
		"source/field_rules",
		fmt.Sprintf("<move><field>%s.%s</field><to>%s.%s</to></move>",
			escape(f.Document), escape(f.Field), escape(other), escape(there.Field)),
	)
	move.Text = "Only if the two hold the same."
	f.Alternative, there.Alternative = &move, &move
}

// suggestRename takes a table for renamed when but for the first word, which is the vendor, an unmapped one of the
// other side has its name.
func (p *Plan) suggestRename(predictions []Prediction, f *Prediction) {
	_, name, ok := strings.Cut(f.Document, "_")
	if !ok || optionOf(f) == "" {
		return
	}
	same := func(o *Prediction, side toolmap.Side) bool {
		_, other, _ := strings.Cut(o.Document, "_")
		return o.Kind == Documents && o.step == f.step && o.Side == side && other == name && optionOf(o) != ""
	}
	here := only(predictions, func(o *Prediction) bool { return same(o, toolmap.Source) })
	there := only(predictions, func(o *Prediction) bool { return same(o, toolmap.Destination) })
	if here == nil || there == nil {
		return
	}
	rename := p.paste(
		f.Remedy.Option,
		"source/document_rules",
		fmt.Sprintf("<rename><document>%s</document><to>%s</to></rename>", escape(f.Document), escape(there.Document)),
	)
	rename.Text = "Only if the two hold the same; their columns are compared then."
	f.Alternative, there.Alternative = &rename, &rename
}
