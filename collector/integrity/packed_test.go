package integrity

import (
	"reflect"
	"runtime"
	"testing"
	"unsafe"
)

// TestRemediesAreKeptOnce reduces the forecasts of two shops with the same remedy.
func TestRemediesAreKeptOnce(t *testing.T) {
	t.Parallel()
	keep := func(lines string) Prediction {
		f := &Forecast{Plan: &Plan{}, Source: &Schema{}, Destination: &Schema{}, Predictions: []Prediction{{
			Remedy:      Remedy{Option: "map_file", File: "map.xml", Inside: "source/document_rules", XML: lines},
			Alternative: &Remedy{Text: "Drop it."},
		}}}
		before := f.Predictions[0].RemedyText()
		kept := f.reduced().Predictions[0]
		if kept.RemedyText() != before {
			t.Errorf("%q, want %q", kept.RemedyText(), before)
		}
		return kept
	}
	kept := []Prediction{keep("<ignore/>"), keep("<ignore/>"), keep("<move/>")}
	a, b, other := kept[0].RemedyText(), kept[1].RemedyText(), kept[2].RemedyText()
	runtime.KeepAlive(kept) // a remedy that no forecast keeps may be forgotten
	if unsafe.StringData(a) != unsafe.StringData(b) {
		t.Error("the same remedy is kept twice")
	}
	if a == other {
		t.Error("remedies are mixed")
	}
}

// TestPackedSchema packs two schemas with the same tables, and one with another column.
func TestPackedSchema(t *testing.T) {
	t.Parallel()
	schema := func(name, prefix, column string) *Schema {
		s := &Schema{Database: name, Prefix: prefix, tables: map[string]*Table{}}
		for _, table := range []string{"eav_attribute", "eav_entity_type", "acme_view"} {
			s.add(table, table == "acme_view", Column{"id", "int", true})
			s.add(table, table == "acme_view", Column{column, "varchar", false})
		}
		s.tables["acme_log"] = &Table{Name: "acme_log", columns: map[string]int{}} // of which only the rows are counted
		return s
	}
	pack := func(s *Schema) packedSchema {
		packed, err := s.pack()
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	one := schema("magento1", "", "code")
	first, second := pack(one), pack(schema("other", "mg_", "code"))
	if opened, err := first.open(); err != nil || !reflect.DeepEqual(opened, one) {
		t.Errorf("%+v (%v), want %+v", opened, err, one)
	}
	if first.tables != second.tables || second.prefix != "mg_" || second.database != "other" {
		t.Error("schemas with the same tables are kept twice, or mixed")
	}
	if third := pack(schema("magento1", "", "name")); third.tables == first.tables {
		t.Error("schemas with other columns are taken for the same")
	}
}
