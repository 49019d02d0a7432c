package transfer

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// mostPacked is how many bytes a table may take between two looks, beside what it has in common with other shops.
const mostPacked = 60

func measuredShop(now time.Time) memory {
	m := memory{
		plan:    &Plan{Unplanned: []string{"log_map_file"}},
		samples: map[string]Sample{},
		fat:     map[string]*fatSearch{},
	}
	for i := range 200 {
		t := Table{
			Document: fmt.Sprintf(
				"vendor_module_%d",
				i,
			), Target: fmt.Sprintf("module_%d", i), Columns: [2]int{i, i + 3},
			Rows: int64(i * 7919), Bytes: int64(i) << 24, mapOption: "map_file", entity: i%5 == 0, values: i%7 == 0,
			average: int64(i), compressed: i%3 == 0, long: i%2 == 0,
		}
		m.plan.Tables = append(m.plan.Tables, t)
		if i%4 != 3 {
			m.samples[t.Document] = Sample{
				Rows: i * 7919, Measured: min(1000, i*7919), Width: float64(i) / 3, Values: i, Direct: i%11 == 0,
				rows: t.Rows - int64(i%2), bytes: t.Bytes, at: now.Add(time.Duration(i) * time.Second), pending: i % 13,
			}
		}
		if i%2 == 0 {
			s := &fatSearch{rows: t.Rows, bytes: t.Bytes, ended: now, begun: true, done: true}
			s.longest = FatRow{Table: t, Key: "entity_id", ID: "4711", Bytes: 1 << 20}
			m.fat[t.Document] = s
		}
	}
	m.fat["vendor_module_1"] = &fatSearch{rows: 3, bytes: 4, key: "id", width: "LENGTH(a)", next: 2001, begun: true}
	return m
}

// TestPacked packs what looks at two shops with the same tables have found out.
func TestPacked(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1764500000123)
	want := measuredShop(now)
	packed := want.pack(now)
	if got := packed.open(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	if each := len(packed.numbers) / len(want.plan.Tables); each > mostPacked {
		t.Errorf("a table takes %d bytes, more than %d", each, mostPacked)
	}
	other := measuredShop(now)
	other.plan.Tables[7].Rows++
	second := other.pack(now)
	if second.tables != packed.tables {
		t.Error("the names of the same tables are kept twice")
	}
	if got := second.open(); !reflect.DeepEqual(got, other) {
		t.Error("what is known of two shops is mixed")
	}
	if again := packed.open(); !reflect.DeepEqual(again, want) {
		t.Error("what is known of two shops is mixed")
	}
	other.plan.Tables[7].Columns[0]++
	if other.pack(now).tables == packed.tables {
		t.Error("tables with other columns are taken for the same")
	}
	if new(memory).pack(now) != nil {
		t.Error("without a plan nothing is known")
	}
}
