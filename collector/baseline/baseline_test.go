package baseline

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/mysqltest"
)

// servers are those that the conditions are tried on.
var servers []*mysqltest.Server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	defer func() {
		for _, s := range servers {
			if err := s.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}()
	for _, flavor := range mysqltest.Flavors() {
		if err := start(ctx, flavor); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

func start(ctx context.Context, flavor mysqltest.Flavor) error {
	s, err := mysqltest.Start(ctx, mysqltest.Options{Flavor: flavor})
	if err != nil {
		return err
	}
	servers = append(servers, s)
	if err := s.Exec(ctx, "CREATE DATABASE m2 DEFAULT CHARSET utf8"); err != nil {
		return err
	}
	return s.Load(ctx, "m2", mysqltest.Magento2("m2_"))
}

func quoted(table string) string { return "`m2_" + table + "`" }

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

type scenario struct {
	name  string
	to    []string // statements; {{}} is the prefix
	want  map[string]int64
	names []string
}

// scenarios are changes to a fresh installation, and how many rows of which entities are new then.
var scenarios = []scenario{
	{name: "fresh"},
	{
		name: "other ids, as a cluster hands them out",
		to: []string{
			"UPDATE {{}}eav_attribute_set SET attribute_set_id = attribute_set_id * 3 + 100 ORDER BY attribute_set_id DESC",
			"UPDATE {{}}eav_entity_type SET default_attribute_set_id = default_attribute_set_id * 3 + 100",
			"UPDATE {{}}eav_entity_type SET entity_type_id = entity_type_id * 3 + 100 ORDER BY entity_type_id DESC",
			"UPDATE {{}}eav_attribute SET entity_type_id = entity_type_id * 3 + 100",
			"UPDATE {{}}catalog_category_entity SET entity_id = 4, path = '1/4' WHERE entity_id = 2",
			"UPDATE {{}}url_rewrite SET url_rewrite_id = url_rewrite_id * 3 + 100 ORDER BY url_rewrite_id DESC",
			"UPDATE {{}}cms_page SET page_id = page_id * 3 + 100 ORDER BY page_id DESC",
		},
	},
	{
		name: "the default category deleted, a root category made later",
		to: []string{
			"DELETE FROM {{}}catalog_category_entity WHERE entity_id = 2",
			addCategory(5, 1, "2025-06-10 15:10:00"),
		},
		want: map[string]int64{"category": 1},
	},
	{
		name: "the default category deleted, the made root category has a child",
		to: []string{
			"DELETE FROM {{}}catalog_category_entity WHERE entity_id = 2",
			addCategory(3, 1, "2025-06-11 08:00:00"), addCategory(7, 2, "2025-06-11 08:00:05"),
		},
		want: map[string]int64{"category": 2},
	},
	{
		name: "the default category deleted",
		to:   []string{"DELETE FROM {{}}catalog_category_entity WHERE entity_id = 2"},
	},
	{
		name: "a default category with another id, and a root category before it",
		to: []string{
			"UPDATE {{}}catalog_category_entity SET entity_id = 40 WHERE entity_id = 2",
			addCategory(3, 1, "2025-06-12 00:00:00"),
		},
		want: map[string]int64{"category": 1},
	},
	{
		name: "a second root category beside the default one, at once",
		to:   []string{addCategory(3, 1, "2025-06-10 14:00:30")},
		want: map[string]int64{"category": 1},
	},
	{
		name: "a code in capitals, and one for customers",
		to: []string{
			"DELETE FROM {{}}eav_attribute WHERE attribute_code = 'color'",
			addAttribute(4, "COLOR", 1), addAttribute(1, "color", 1),
		},
		want:  map[string]int64{"attribute": 2},
		names: []string{"COLOR", "color"},
	},
	{
		name: "attributes that bundled modules make",
		to:   []string{addAttribute(4, "merchant_center_category", 1), addAttribute(3, "automatic_sorting", 1)},
	},
	{
		name: "the same codes for others",
		to: []string{
			addAttribute(
				3,
				"merchant_center_category",
				1,
			), addAttribute(4, "automatic_sorting", 1), addAttribute(2, "cost", 1),
		},
		want:  map[string]int64{"attribute": 3},
		names: []string{"automatic_sorting", "cost", "merchant_center_category"},
	},
	{
		name: "an attribute of an extension that is not user-defined",
		to:   []string{addAttribute(4, "erp_id", 0)},
	},
	{
		name: "pages and blocks of Commerce",
		to: []string{
			"INSERT INTO {{}}cms_page (title, identifier) VALUES ('a', 'private-sales'), ('b', 'access-denied-page')",
			"INSERT INTO {{}}cms_block (title, identifier) VALUES ('a', 'catalog_events_lister')",
		},
	},
	{
		name:  "a page whose identifier differs in case",
		to:    []string{"INSERT INTO {{}}cms_page (title, identifier) VALUES ('Home', 'HOME')"},
		want:  map[string]int64{"cms_page": 1},
		names: []string{"HOME"},
	},
	{
		name: "one of each",
		to: []string{
			"INSERT INTO {{}}catalog_product_entity (attribute_set_id, sku) VALUES (4, 'new')",
			addCategory(3, 2, "2025-06-10 14:00:26"),
			addAttribute(4, "brand", 1),
			"INSERT INTO {{}}eav_attribute_set (entity_type_id, attribute_set_name) VALUES (4, 'Shoes')",
			"INSERT INTO {{}}customer_entity (email) VALUES ('new@example.com')",
			"INSERT INTO {{}}customer_group (customer_group_code, tax_class_id) VALUES ('VIP', 3)",
			"INSERT INTO {{}}sales_order (increment_id) VALUES ('900000001')",
			"INSERT INTO {{}}cms_page (title, identifier) VALUES ('New', 'new')",
			"INSERT INTO {{}}cms_block (title, identifier) VALUES ('New', 'new')",
			"INSERT INTO {{}}salesrule (name) VALUES ('new')",
			"INSERT INTO {{}}catalogrule (name) VALUES ('new')",
			"INSERT INTO {{}}review (entity_id, entity_pk_value) VALUES (1, 1)",
			"INSERT INTO {{}}url_rewrite (entity_type, entity_id, request_path, target_path, store_id) " +
				"VALUES ('product', 1, 'new', 'catalog/product/view/id/1', 1)",
			"INSERT INTO {{}}store (code, website_id, group_id, name) VALUES ('brandnew', 1, 1, 'New')",
		},
		want: map[string]int64{
			"product": 1, "category": 1, "attribute": 1, "attribute_set": 1, "customer": 1, "customer_group": 1, "order": 1,
			"cms_page": 1, "cms_block": 1, "cart_rule": 1, "catalog_rule": 1, "review": 1, "url_rewrite": 1, "store": 1,
		},
		names: []string{"VIP", "brand", "brandnew", "new"},
	},
}

func addCategory(id, level int, created string) string {
	return fmt.Sprintf(
		"INSERT INTO {{}}catalog_category_entity (entity_id, attribute_set_id, parent_id, created_at, path, "+
			"position, level, children_count) VALUES (%d, 3, 1, '%s', '1/%d', 1, %d, 0)",
		id,
		created,
		id,
		level,
	)
}

func addAttribute(typeID int, code string, userDefined int) string {
	return fmt.Sprintf("INSERT INTO {{}}eav_attribute (entity_type_id, attribute_code, is_user_defined) "+
		"VALUES (%d, '%s', %d)", typeID, code, userDefined)
}

// TestBothAnswers counts new rows by the condition, and by reading all rows in either order, in the same database.
func TestBothAnswers(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.Flavor().String(), func(t *testing.T) {
			t.Parallel()
			root, err := s.Root(t.Context())
			must(t, err)
			// One after the other: they write to the same tables, and two transactions could wait for each other.
			for _, c := range scenarios {
				t.Run(c.name, func(t *testing.T) { testBothAnswers(t, root, c) })
			}
		})
	}
}

func testBothAnswers(t *testing.T, root *sql.DB, c scenario) {
	conn, err := root.Conn(t.Context())
	must(t, err)
	tx, err := conn.BeginTx(t.Context(), nil)
	must(t, err)
	defer func() { must(t, tx.Rollback()); must(t, conn.Close()) }()
	_, err = tx.ExecContext(t.Context(), "USE m2")
	must(t, err)
	for _, statement := range c.to {
		_, err := tx.ExecContext(t.Context(), strings.ReplaceAll(statement, "{{}}", "m2_"))
		must(t, err)
	}
	types := NewEntityTypes()
	eachRow(t, tx, EntityTypeTable, types.Columns(), false, types.Add)
	var names []string
	for _, e := range Entities() {
		names = append(names, wantCount(t, tx, e, types, c.want[e.Name])...)
	}
	slices.Sort(names)
	if names = slices.Compact(names); c.names != nil && !slices.Equal(names, c.names) {
		t.Errorf("names %q, want %q", names, c.names)
	}
}

// wantCount compares both answers for one entity, and returns the names of new rows.
func wantCount(t *testing.T, tx *sql.Tx, e Entity, types *EntityTypes, want int64) []string {
	t.Helper()
	condition := e.Condition(quoted)
	if condition == "" {
		condition = "1 = 1"
	}
	var bySQL int64
	must(t, tx.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+quoted(e.Table)+" WHERE "+condition).Scan(&bySQL))
	if bySQL != want {
		t.Errorf("%s: %d new by SQL, want %d: %s", e.Name, bySQL, want, condition)
	}
	var names []string
	for _, backwards := range []bool{false, true} {
		tally := e.NewTally(20)
		eachRow(t, tx, e.Table, tally.Columns(), backwards, tally.Add)
		got := tally.Count(types)
		if !got.Known || got.New != want {
			t.Errorf("%s, backwards %v: %+v by rows, want %d new", e.Name, backwards, got, want)
		}
		names = got.Names
	}
	return names
}

// eachRow reads a table as the reader of a dump would.
func eachRow(t *testing.T, tx *sql.Tx, table string, columns []string, backwards bool, add func([]*Value)) {
	t.Helper()
	order := "ASC"
	if backwards {
		order = "DESC"
	}
	rows, err := tx.QueryContext(t.Context(), //nolint:gosec // names of the package's own data
		"SELECT `"+strings.Join(columns, "`, `")+"` FROM "+quoted(table)+" ORDER BY 1 "+order)
	must(t, err)
	defer func() { must(t, rows.Close()) }()
	for rows.Next() {
		texts, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range texts {
			into[i] = &texts[i]
		}
		must(t, rows.Scan(into...))
		values := make([]*Value, len(columns))
		for i, text := range texts {
			values[i] = &Value{Text: []byte(text.String), Null: !text.Valid}
		}
		add(values)
	}
	must(t, rows.Err())
}

// TestUnknown checks that what the columns do not tell is said to be unknown.
func TestUnknown(t *testing.T) {
	t.Parallel()
	types := NewEntityTypes()
	types.Add([]*Value{text("4"), text("catalog_product"), text("4")})
	for _, c := range []struct {
		entity string
		row    []*Value
		types  *EntityTypes
		want   Count
	}{
		{"product", []*Value{nil, nil}, nil, Count{Rows: 1, New: 1, Known: true}},
		{"category", []*Value{nil, nil, nil}, nil, Count{Rows: 1, New: 1}},
		{"category", []*Value{text("2"), nil, nil}, nil, Count{Rows: 1, Known: true}},
		{"attribute", []*Value{text("1"), text("4"), text("color"), nil}, types, Count{Rows: 1}},
		{"attribute", []*Value{text("1"), text("4"), text("color"), text("1")}, nil, Count{Rows: 1}},
		{"attribute", []*Value{text("1"), text("9"), text("color"), text("1")}, types, Count{Rows: 1}},
		{"attribute", []*Value{text("1"), text("4"), text("color"), text("1")}, types, Count{Rows: 1, Known: true}},
		{"attribute", []*Value{text("1"), nil, text("brand"), text("1")}, nil,
			Count{Rows: 1, New: 1, Known: true, Names: []string{"brand"}}},
		{"attribute_set", []*Value{text("4")}, nil, Count{Rows: 1}},
		{"attribute_set", []*Value{text("4")}, NewEntityTypes(), Count{Rows: 1}},
		{"attribute_set", []*Value{text("4")}, types, Count{Rows: 1, Known: true}},
		{"cms_page", []*Value{text("1"), nil}, nil, Count{Rows: 1}},
		{"customer_group", []*Value{text("x"), text("General")}, nil, Count{Rows: 1}},
	} {
		tally := entity(t, c.entity).NewTally(3)
		tally.Add(c.row)
		if got := tally.Count(c.types); got.Rows != c.want.Rows || got.New != c.want.New || got.Known != c.want.Known ||
			!slices.Equal(got.Names, c.want.Names) {
			t.Errorf("%s: %+v, want %+v", c.entity, got, c.want)
		}
	}
}

// TestLimits gives more of everything than is remembered.
func TestLimits(t *testing.T) {
	t.Parallel()
	types := NewEntityTypes()
	for i := range maxTypes + 1 {
		types.Add([]*Value{text(fmt.Sprint(i)), text("catalog_product"), text(fmt.Sprint(i))})
	}
	for name, row := range map[string]func(i int) []*Value{
		"attribute_set": func(i int) []*Value { return []*Value{text(fmt.Sprint(i))} },
		"attribute":     func(i int) []*Value { return []*Value{nil, text(fmt.Sprint(i)), text("color"), text("1")} },
		"category": func(i int) []*Value {
			return []*Value{text(fmt.Sprint(i + 3)), text("1"), text("2026-01-02 03:04:05")}
		},
	} {
		tally := entity(t, name).NewTally(3)
		for i := range maxKept + 1 {
			tally.Add(row(i))
		}
		if got := tally.Count(NewEntityTypes()); got.Known || got.Rows != maxKept+1 {
			t.Errorf("%s: %+v", name, got)
		}
		tally = entity(t, name).NewTally(3)
		tally.Add(row(0))
		if got := tally.Count(types); got.Known != (name == "category") {
			t.Errorf("%s with too many types: %+v", name, got)
		}
	}
	products := entity(t, "product").NewTally(3)
	for i := range 10 {
		products.Add([]*Value{nil, text(fmt.Sprint("sku", i))})
	}
	if got := products.Count(nil); got.New != 10 || !slices.Equal(got.Names, []string{"sku0", "sku1", "sku2"}) {
		t.Errorf("products: %+v", got)
	}
}

func text(s string) *Value { return &Value{Text: []byte(s)} }

func entity(t *testing.T, name string) Entity {
	t.Helper()
	for _, e := range Entities() {
		if e.Name == name {
			return e
		}
	}
	t.Fatalf("no entity %q", name)
	return Entity{}
}

// TestData checks the order and the names that labels of metrics and documentation show, and what parse refuses.
func TestData(t *testing.T) {
	t.Parallel()
	var names []string
	for _, e := range Entities() {
		names = append(names, e.Name)
	}
	want := []string{
		"product", "category", "attribute", "attribute_set", "customer", "customer_group", "order",
		"cms_page", "cms_block", "cart_rule", "catalog_rule", "review", "url_rewrite", "store",
	}
	if !slices.Equal(names, want) {
		t.Errorf("entities %q, want %q", names, want)
	}
	Entities()[0].Name, FilledTables()[0].Table = "changed", "changed"
	filled := FilledTables()
	if Entities()[0].Name != "product" || filled[0].Table == "changed" {
		t.Error("a caller changed the lists of all")
	}
	if !slices.IsSortedFunc(filled, func(a, b Filled) int { return strings.Compare(a.Table, b.Table) }) {
		t.Error("the filled tables are not in order")
	}
	if _, err := parse([]byte("filled: [{table: t}]")); err == nil {
		t.Error("a filled table without rows and a key is accepted")
	}
	if _, err := parse([]byte("filled: [{table: t, key: id}]")); err != nil {
		t.Errorf("a filled table whose rows only the key tells: %v", err)
	}
	const head = "entities: [{name: a, one: a, many: as, table: t, key: id, "
	for name, rest := range map[string]string{
		"two rules":        "made: {keys: [1], default_sets: true}}]",
		"a value to quote": "made: {column: code, values: [\"it's\"]}}]",
		"a column's name":  "label: \"`x`\"}]",
		"an unknown key":   "maed: {keys: [1]}}]",
		"no YAML":          "",
	} {
		if _, err := parse([]byte(head + rest)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
