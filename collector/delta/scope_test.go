package delta

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"magento_migration_exporter/config/toolconfig"
	"magento_migration_exporter/config/toolmap"
)

const deltaFile = `<groups>
<group name="delta_map"><document key="entity_id">sales_flat_order</document><document key="entity_id">sales_flat_order_grid</document>
<document key="item_id">cataloginventory_stock_item</document><document>no_key</document></group>
<group name="delta_customer"><document key="entity_id">customer_entity</document></group>
<group name="delta_inventory"><document key="item_id">cataloginventory_stock_item</document></group>
<group name="delta_tier_price"><document key="entity_id,all_groups,customer_group_id,qty,website_id">catalog_product_entity_tier_price</document></group>
<group name="acme"><document key="id">acme</document></group>
</groups>`

// scopeOf reads what the delta stages of these classes are to log.
func scopeOf(t *testing.T, file string, classes ...string) Scope {
	t.Helper()
	groups, err := toolmap.ParseGroups("deltalog.xml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	m, err := toolmap.Parse(
		"map.xml",
		[]byte("<map><source><document_rules><ignore><document>sales_flat_*_grid</document></ignore>"+
			"</document_rules></source><destination/></map>"),
		toolmap.AnyNumber,
	)
	if err != nil {
		t.Fatal(err)
	}
	c := &toolconfig.Config{}
	mode := toolconfig.Mode{Name: "delta"}
	for _, class := range classes {
		mode.Steps = append(mode.Steps, toolconfig.Step{Stages: []toolconfig.Stage{{Name: "delta", Class: class}}})
	}
	c.Modes = []toolconfig.Mode{mode}
	return NewScope(Sources{Config: c, Groups: groups, Maps: map[string]*toolmap.Map{"map_file": m}})
}

func TestScope(t *testing.T) {
	t.Parallel()
	s := scopeOf(
		t,
		deltaFile,
		`Migration\Step\Map\Delta`,
		`Migration\Step\OrderGrids\Delta`,
		`\Migration\Step\Inventory\Delta`,
		`Acme\Delta`,
	)
	var got []string
	for _, table := range s.Tables {
		got = append(got, fmt.Sprint(table.Document, " ", table.Group, " ", table.Read, " ", table.Rebuilt))
	}
	want := `sales_flat_order map true false
sales_flat_order_grid map false true
cataloginventory_stock_item map true false
customer_entity customer false false
catalog_product_entity_tier_price tier_price false false
acme acme false false`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if len(s.UnknownSteps) != 1 || s.UnknownSteps[0] != `Acme\Delta` {
		t.Errorf("%q", s.UnknownSteps)
	}
	if len(s.Problems) != 1 || !strings.Contains(s.Problems[0], "no_key") {
		t.Errorf("%q", s.Problems)
	}
	// A table of two groups counts in the first that a step reads.
	s = scopeOf(t, deltaFile, `Migration\Step\Inventory\Delta`, `Migration\Step\UrlRewrite\Version191to2000Delta`)
	if table := s.Tables[2]; table.Group != "inventory" || !table.Read {
		t.Errorf("%+v", table)
	}
}

func TestLogTableIsCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 62)
	if got := LogTable("mage_", long); got != "mage_m2_cl_"+long[:58] {
		t.Error(got)
	}
}

// TestScopeOfALogAlone reads documents and keys from the log tables and triggers, also where the tool cut a name or a
// log table is gone.
func TestScopeOfALogAlone(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 62)
	l := &Log{
		Columns: map[string][]Column{
			LogTable("p_", long): {
				{Name: "k", Primary: true},
				{Name: "operation"},
			}, "p_m2_cl_bare": {{Name: "operation"}},
		},
		Triggers: []Trigger{
			{Table: "p_" + long, Event: "UPDATE", Writes: []string{LogTable("p_", long)}},
			{Table: "p_gone", Writes: []string{"p_m2_cl_gone"}, keys: map[string][]string{"p_m2_cl_gone": {"a", "b"}}},
		},
	}
	got := map[string]string{}
	for _, s := range Inspect(ScopeOf(l, "p_"), l, "p_") {
		got[s.Document] = strings.Join(s.Keys, ",") + " " + strings.Join(s.Fires, ",")
		if s.Document == "bare" && s.countable() {
			t.Error("a log table without a key can be counted")
		}
	}
	if want := map[string]string{long: "k UPDATE", "bare": " ", "gone": "a,b "}; !maps.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLoggedTables(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"BEGIN\nINSERT INTO m2_cl_x (`k`, `operation`) VALUES (NEW.k, 'UPDATE')ON DUPLICATE KEY UPDATE operation = 'UPDATE';\nEND": "m2_cl_x",
		"insert into `mage_m2_cl_x`(`k`,`operation`)values(NEW.k,'UPDATE')":                                                        "mage_m2_cl_x",
		"INSERT INTO m2_cl_x (k, operation) VALUES (NEW.k, 'INSERT')":                                                              "",
		"-- INSERT INTO m2_cl_x (k, operation) VALUES (NEW.k, 'UPDATE')\nSET @a = 1":                                               "",
		"/* INSERT INTO m2_cl_x (k, operation) VALUES (NEW.k, 'UPDATE') */":                                                        "",
		"SELECT 1 FROM m2_cl_x": "",
	} {
		trigger := Trigger{Event: "UPDATE"}
		trigger.log(body)
		if got := strings.Join(trigger.Writes, ","); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
		if len(trigger.Conditional) > 0 {
			t.Errorf("%s: %q is conditional", body, trigger.Conditional)
		}
		if got := strings.Join(trigger.keys[want], ","); want != "" && got != "k" {
			t.Errorf("%s: the key %q", body, got)
		}
	}
}

func TestConditionalStatements(t *testing.T) {
	t.Parallel()
	const insert = "INSERT INTO m2_cl_x (k, operation) VALUES (NEW.k, 'UPDATE')"
	for body, want := range map[string]bool{
		"BEGIN " + insert + "; END":                                                                           false,
		"BEGIN IF NEW.a <> OLD.a THEN " + insert + "; END IF; END":                                            true,
		"BEGIN IF (NEW.a <> OLD.a) THEN SET @a = 1; ELSE " + insert + "; END IF; END":                         true,
		"BEGIN IF NEW.a <> OLD.a THEN SET @a = 1; END IF; " + insert + "; END":                                false,
		"BEGIN SET @a := IF(NEW.a > 1, 2, 3); " + insert + "; END":                                            false,
		"BEGIN SET @a = CASE WHEN NEW.a THEN IF(NEW.b, 1, CASE 1 WHEN 1 THEN 2 END) END; " + insert + "; END": false,
		"BEGIN CASE NEW.a WHEN 1 THEN BEGIN " + insert + "; END; ELSE BEGIN END; END CASE; END":               true,
		"BEGIN CASE NEW.a WHEN 1 THEN SET @a = 1; ELSE BEGIN END; END CASE; " + insert + "; END":              false,
		"top: BEGIN IF @off THEN LEAVE top; END IF; " + insert + "; END":                                      true,
		"BEGIN l: LOOP LEAVE l; END LOOP; " + insert + "; END":                                                false,
		"BEGIN WHILE @a DO " + insert + "; END WHILE; END":                                                    true,
		"BEGIN REPEAT SET @a = REPEAT('x', 2); UNTIL 1 END REPEAT; " + insert + "; END":                       false,
		"BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN " + insert + "; END; END":                          true,
		"BEGIN DECLARE CONTINUE HANDLER FOR NOT FOUND SET @a = 1; " + insert + "; END":                        false,
		"BEGIN DECLARE CONTINUE HANDLER FOR NOT FOUND " + insert + "; END":                                    true,
		"BEGIN SET @a = 'IF x THEN', @b = \"it\"\"s IF\", @c = `if`; " + insert + "; END":                     false,
		"BEGIN BEGIN SET @a = 1; END; " + insert + "; END":                                                    false,
		"BEGIN IF @a THEN " + insert + "; END IF; " + insert + "; END":                                        false,
		"IF @a THEN " + insert + "; END IF":                                                                   true,
	} {
		trigger := Trigger{Event: "UPDATE"}
		trigger.log(body)
		if got := len(trigger.Conditional) > 0; got != want || len(trigger.Writes) != 1 {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
}

func FuzzLogged(f *testing.F) {
	f.Add("INSERT INTO m2_cl_x (k) VALUES (NEW.k, 'UPDATE')", "UPDATE")
	f.Fuzz(func(t *testing.T, body, event string) {
		trigger := Trigger{Event: event}
		trigger.log(body)
		for _, table := range trigger.Writes {
			if !strings.Contains(strings.ToLower(table), "m2_cl_") {
				t.Fatalf("%q", table)
			}
		}
		if n := len(trigger.Writes); len(trigger.keys) > n || len(trigger.Conditional) > n {
			t.Fatalf("%+v", trigger)
		}
	})
}

func FuzzScope(f *testing.F) {
	f.Add(deltaFile)
	f.Fuzz(func(t *testing.T, file string) {
		groups, err := toolmap.ParseGroups("deltalog.xml", []byte(file))
		if err != nil {
			return
		}
		s := NewScope(Sources{Config: &toolconfig.Config{}, Groups: groups})
		if len(s.Tables) > MaxTables || len(s.Problems) > maxProblems {
			t.Fatalf("%d tables, %d problems", len(s.Tables), len(s.Problems))
		}
		l := &Log{}
		for _, standing := range Inspect(s, l, "p_") {
			if len(standing.Keys) == 0 || standing.State() != TableMissing {
				t.Fatalf("%+v", standing)
			}
		}
	})
}
