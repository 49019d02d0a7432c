package integrity

import (
	"fmt"
	"strings"

	"magento_migration_exporter/config/toolmap"
)

// suggest adds to what is unmapped on both sides of one step the rule that would join the two, where there is only one such pair.
func (p *Plan) suggest(findings []Finding, source, destination *Schema) {
	for i := range findings {
		f := &findings[i]
		if f.Side != toolmap.Source || f.item == "" {
			continue
		}
		switch f.Kind {
		case Fields:
			p.suggestMove(findings, f, source, destination)
		case Documents:
			p.suggestRename(findings, f)
		}
	}
}

// optionOf is the map file of a finding, empty where it has no rule.
func optionOf(f *Finding) string {
	if f.Remedy.XML == "" {
		return ""
	}
	return f.Remedy.Option
}

// only returns the one finding that fits, nil when none or several do.
func only(findings []Finding, fits func(*Finding) bool) *Finding {
	var found *Finding
	for i := range findings {
		if fits(&findings[i]) {
			if found != nil {
				return nil
			}
			found = &findings[i]
		}
	}
	return found
}

// suggestMove takes a column for renamed when it is the only unmapped one of its table, and so is another, of the same type, in the other table.
func (p *Plan) suggestMove(findings []Finding, f *Finding, source, destination *Schema) {
	m := p.maps[optionOf(f)]
	if m == nil {
		return
	}
	other, _ := m.DocumentMap(f.Document, toolmap.Source)
	here := only(findings, func(o *Finding) bool {
		return o.Kind == Fields && o.step == f.step && o.Side == f.Side && o.Document == f.Document
	})
	there := only(findings, func(o *Finding) bool {
		return o.Kind == Fields && o.step == f.step && o.Side == toolmap.Destination && o.Document == other
	})
	if here == nil || there == nil || optionOf(there) == "" {
		return
	}
	from, to := source.Table(f.Document).Column(f.Field), destination.Table(other).Column(there.Field)
	if from.Type != to.Type {
		return
	}
	move := p.paste(f.Remedy.Option, "source/field_rules", fmt.Sprintf("<move><field>%s.%s</field><to>%s.%s</to></move>",
		escape(f.Document), escape(f.Field), escape(other), escape(there.Field)))
	move.Text = "Only if the two hold the same."
	f.Alternative, there.Alternative = &move, &move
}

// suggestRename takes a table for renamed when but for the first word, which is the vendor, an unmapped one of the other side has its name.
func (p *Plan) suggestRename(findings []Finding, f *Finding) {
	_, name, ok := strings.Cut(f.Document, "_")
	if !ok || optionOf(f) == "" {
		return
	}
	same := func(o *Finding, side toolmap.Side) bool {
		_, other, _ := strings.Cut(o.Document, "_")
		return o.Kind == Documents && o.step == f.step && o.Side == side && other == name && optionOf(o) != ""
	}
	here := only(findings, func(o *Finding) bool { return same(o, toolmap.Source) })
	there := only(findings, func(o *Finding) bool { return same(o, toolmap.Destination) })
	if here == nil || there == nil {
		return
	}
	rename := p.paste(f.Remedy.Option, "source/document_rules", fmt.Sprintf("<rename><document>%s</document><to>%s</to></rename>", escape(f.Document), escape(there.Document)))
	rename.Text = "Only if the two hold the same; their columns are compared then."
	f.Alternative, there.Alternative = &rename, &rename
}
