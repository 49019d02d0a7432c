package privilege

import "testing"

func TestDeltaLogComplete(t *testing.T) {
	t.Parallel()
	logging := func(table string, events ...string) []existingTrigger {
		var list []existingTrigger
		for _, event := range events {
			list = append(list, existingTrigger{event: event, logTo: table})
		}
		return list
	}
	all := []string{"INSERT", "UPDATE", "DELETE"}
	for name, test := range map[string]struct {
		log  deltaLog
		want bool
	}{
		"nothing": {deltaLog{}, false},
		"triggers, tables": {deltaLog{tables: []string{"mage_m2_cl_a"}, triggers: logging("mage_m2_cl_a", all...)},
			true},
		"an event missing": {deltaLog{tables: []string{"m2_cl_a"}, triggers: logging("m2_cl_a", all[:2]...)}, false},
		"an event twice": {deltaLog{tables: []string{"m2_cl_a"}, triggers: logging("m2_cl_a", "INSERT", "UPDATE",
			"INSERT")}, false},
		"a table without": {deltaLog{tables: []string{"m2_cl_a", "m2_cl_b"}, triggers: logging("m2_cl_a", all...)},
			false},
		"triggers only": {deltaLog{triggers: logging("m2_cl_a", all...)}, false},
	} {
		if got := test.log.complete(); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestDeltaTable(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"INSERT INTO m2_cl_sales_flat_order (`entity_id`,`operation`) VALUES " +
			"(NEW.entity_id,'UPDATE')": "m2_cl_sales_flat_order",
		"BEGIN\nSET @x = 1;\nINSERT INTO `mage_m2_cl_a` (`id`) VALUES (1);\nEND": "mage_m2_cl_a",
		"INSERT INTO audit (what) VALUES ('m2_cl_a')":                            "",
		"": "",
	} {
		if got := deltaTable(body); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}
