package toolmap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/config/sourcefile"
)

func testMap(t *testing.T, w Wildcard) *Map {
	t.Helper()
	m, err := Read("testdata/map.xml", w)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Problems {
		t.Error(p)
	}
	return m
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	m := testMap(t, AnyNumber)
	for _, test := range []struct {
		document string
		side     Side
		want     string // empty for an ignored document
	}{
		{"cms_page", Source, "cms_page"},
		{"core_cache", Source, ""},
		{"core_cache", Destination, "core_cache"},
		{"core_cache_tag", Source, "core_cache_tag"}, // without a * a name is the whole name
		{"core_store", Source, "store"},
		{"store", Destination, "core_store"},
		{"store", Source, "core_store"}, // a rename counts for both names on both sides
		{"second_rule", Destination, "core_store"},
		{"log_visitor", Source, ""},
		{"log_", Source, ""},
		{"catalog_log_visitor", Source, "catalog_log_visitor"}, // anchored at the beginning
		{"s_a_b_c_d", Source, ""},
		{"s_b__tail", Source, ""},            // open at the end
		{"sXb_1_2", Source, "sXb_1_2"},       // s_ is literal
		{"s_orderb_x", Source, "s_orderb_x"}, // a second _ is missing
		{"inventory_stock", Destination, ""},
		{"inventory_stock_1", Destination, ""},
		{"inventory_cl", Destination, "inventory_cl"},
	} {
		got, ok := m.DocumentMap(test.document, test.side)
		if got != test.want || ok != (test.want != "") || m.DocumentIgnored(test.document, test.side) == ok {
			t.Errorf("%s of the %s: %q %v, want %q", test.document, test.side, got, ok, test.want)
		}
	}
}

func TestOlderWildcard(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if got := InstalledWildcard(dir); got != AnyNumber {
		t.Errorf("without a source: %s", got)
	}
	path := filepath.Join(dir, "src/Migration/Reader")
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	for php, want := range map[string]Wildcard{
		`$regexp = '/^' . str_replace('*', '.*', $name) . '/';`: AnyNumber,
		`$regexp = '/^' . str_replace('*', '.+', $name) . '/';`: AtLeastOne,
	} {
		if err := os.WriteFile(filepath.Join(path, "Map.php"), []byte("<?php\n"+php), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := InstalledWildcard(dir); got != want {
			t.Errorf("%s: %s", php, got)
		}
	}
	m := testMap(t, AtLeastOne)
	if m.DocumentIgnored("inventory_stock", Destination) || !m.DocumentIgnored("inventory_stock_1", Destination) {
		t.Error("* is at least one character to older releases")
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	m := testMap(t, AnyNumber)
	for _, test := range []struct {
		document, field string
		side            Side
		want            string // empty for an ignored field
		err             string
	}{
		{document: "cms_page", field: "title", side: Source, want: "title"},
		{document: "cms_page", field: "custom_root_template", side: Source},
		{document: "cms_page", field: "custom_root_template", side: Destination, want: "custom_root_template"},
		{document: "core_store", field: "label", side: Source, want: "title"},
		{document: "store", field: "title", side: Destination, want: "label"},
		{document: "core_store", field: "a.b", side: Source, want: "a"},
		{document: "core_cache", field: "id", side: Source, err: "Document has ambiguous configuration: core_cache"},
		{document: "cms_page", field: "gone", side: Source, err: "Document has ambiguous configuration: hidden"},
		{document: "cms_page", field: "both", side: Source, err: "Field has ambiguous configuration: cms_page.ignored"},
	} {
		got, ok, err := m.FieldMap(test.document, test.field, test.side)
		message := ""
		if ambiguous, isAmbiguous := errors.AsType[*AmbiguousError](err); isAmbiguous {
			message = ambiguous.Error()
		}
		if got != test.want || ok != (test.want != "") || message != test.err {
			t.Errorf("%s.%s of the %s: %q %v %v, want %q %q", test.document, test.field, test.side, got, ok, err,
				test.want, test.err)
		}
	}
	if !m.DataTypeIgnored("cms_page", "content", Source) || m.DataTypeIgnored("cms_page", "content", Destination) ||
		m.DataTypeIgnored("cms_page", "title", Source) {
		t.Error("the ignored data types are wrong")
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	g, err := ParseGroups("groups.xml", []byte(`<groups>
<group name="documents">
<document key="entity_id">customer_entity</document><document>customer_eav_attribute</document>
</group>
<group name="ignore">
<attribute type="catalog_product">url_path</attribute><attribute type="catalog_category">url_path</attribute>
<attribute>x</attribute>
</group>
<group name="ignore"><attribute>second</attribute></group>
</groups>`))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(g.Group("documents"), g.Group("ignore"), g.Names("ignore"), g.Group("none"))
	if got != "[{customer_entity entity_id []} {customer_eav_attribute  []}] [{url_path  [catalog_product "+
		"catalog_category]} {x  []}] [url_path x] []" {
		t.Error(got)
	}
	if got := fmt.Sprint(g.Problems); got != "[9:8: a second <group> has this name]" {
		t.Error(got)
	}
	if (*Groups)(nil).Names("ignore") != nil {
		t.Error("no file has groups")
	}
}

func TestClassMap(t *testing.T) {
	t.Parallel()
	c, err := ParseClassMap("class-map.xml", []byte(`<classmap>
<rename><from>catalog/product</from><to>Magento\Catalog\Model\Product</to></rename>
<rename><to/><from>catalog/gone</from></rename>
</classmap>`))
	if err != nil || len(c.Problems) > 0 {
		t.Fatal(err, c)
	}
	for from, want := range map[string]string{
		"catalog/product": `Magento\Catalog\Model\Product true`, "catalog/gone": " true", "acme/gone": " false",
	} {
		to, ok := c.Class(from)
		if got := fmt.Sprint(to, " ", ok); got != want {
			t.Errorf("%s: %s", from, got)
		}
	}
}

// TestProblems holds documents that xmllint accepts or refuses, too, with the tool's own XSDs, but for the two
// wildcards, which are well-formed XML and no regular expressions.
func TestProblems(t *testing.T) {
	t.Parallel()
	const good = `<map><destination/><source><document_rules/><document_rules/><field_rules/></source></map>`
	for _, test := range []struct{ document, want string }{
		{good, ""},
		{
			`<settings><key><ignore><path>web/cookie/*</path></ignore></key><value><transform><path>a/b</` +
				`path><handler class="\A\B"/></transform></value></settings>`,
			"",
		},
		{`<maps/>`, "1:1: the root element is <maps>, not <map>"},
		{`<map/>`, "1:1: what <map> holds is not (source, destination) | (destination, source)"},
		{
			`<map><source/><destination/><source/></map>`,
			"1:1: what <map> holds is not (source, destination) | (destination, source)",
		},
		{
			`<map><source><field_rules/><document_rules/></source><destination/></map>`,
			"1:6: what <source> holds is not document_rules*, field_rules*",
		},
		{
			`<map><source/><destination><document_rules><rename><document>a</document><to>b</to></rename></` +
				`document_rules></destination></map>`,
			"1:44: <document_rules> has no element <rename>: it holds ignore*",
		},
		{
			`<map><source><document_rules>x</document_rules></source><destination/></map>`,
			"1:14: there is text directly in <document_rules>",
		},
		{
			`<map><source><document_rules><ignore><document/></ignore></document_rules></source><destination/></map>`,
			`1:38: the text of <document> is not of the form [\s\S]+`,
		},
		{
			`<map><source><document_rules><ignore><field>a.b</field></ignore></document_rules></source><destination/` +
				`></map>`,
			"1:38: <ignore> has no element <field>: it holds document",
		},
		{
			`<map><source><field_rules><ignore><field>a</field></ignore></field_rules></source><destination/></map>`,
			`1:35: the text of <field> is not of the form [^.]+\.[^.]+`,
		},
		{
			`<map><source><field_rules><move><to>a.b</to><field>a.b</field></move></field_rules></` +
				`source><destination/></map>`,
			"1:27: what <move> holds is not field, to",
		},
		{
			`<map><source><field_rules><transform><field>a.b</field><handler/></transform></field_rules></` +
				`source><destination/></map>`,
			"1:56: <handler> has no attribute class",
		},
		{
			`<map><source><field_rules><transform><field>a.b</field><handler class="a ` +
				`b"/></transform></field_rules></source><destination/></map>`,
			`1:65: the attribute class of <handler> is not of the form [0-9a-zA-Z_\\]+`,
		},
		{`<map><source colour="red"/><destination/></map>`, "1:14: <source> has no attribute colour"},
		{
			`<map><source><field_rules><transform><field>a.b</field><handler class="A"><param name="a" ` +
				`value=""/><param name="a" value="2"/></handler></transform></field_rules></source><destination/></` +
				`map>`,
			"1:108: a second <param> has this name",
		},
		{
			`<map><source><document_rules><ignore><document>a(*</document></ignore></document_rules></` +
				`source><destination/></map>`,
			"1:38: with each * read as .* this is not a regular expression, which the tool takes it for",
		},
		{
			`<map><source><document_rules><ignore><document>a/b*</document></ignore></document_rules></` +
				`source><destination/></map>`,
			"1:38: with each * read as .* this is not a regular expression, which the tool takes it for",
		},
		{`<groups/>`, "1:1: what <groups> holds is not group+"},
		{
			`<groups><group name="a"><attribute>x</attribute><document>y</document></group></groups>`,
			"1:9: what <group> holds is not document*, attribute*",
		},
		{`<groups><group name=""/></groups>`, `1:16: the attribute name of <group> is not of the form [\s\S]+`},
		{
			`<groups><group name="a"><document type="b">y</document></group></groups>`,
			"1:35: <document> has no attribute type",
		},
		{`<classmap/>`, "1:1: what <classmap> holds is not rename+"},
		{
			`<classmap><rename><from>a</from></rename></classmap>`,
			"1:11: what <rename> holds is not (from, to) | (to, from)",
		},
		{`<settings><key/><value/></settings>`, "1:17: what <value> holds is not transform+"},
		{
			`<settings><key><rename><path>a/b</path><to>a ` +
				`b</to></rename></key><value><transform><path>a/b</path><handler ` +
				`class="A"/></transform></value></settings>`,
			`1:40: the text of <to> is not of the form [0-9a-zA-Z_/\\]+`,
		},
	} {
		document, want := test.document, test.want
		var lines []string
		for _, p := range problemsOf(t, document) {
			lines = append(lines, p.String())
		}
		if got := strings.Join(lines, "\n"); got != want {
			t.Errorf("%s\n got %s\nwant %s", document, got, want)
		}
	}
}

func problemsOf(t *testing.T, document string) []Problem {
	t.Helper()
	data := []byte(document)
	switch {
	case strings.HasPrefix(document, "<groups"):
		g, err := ParseGroups("f", data)
		if err != nil {
			t.Fatal(err)
		}
		return g.Problems
	case strings.HasPrefix(document, "<classmap"):
		c, err := ParseClassMap("f", data)
		if err != nil {
			t.Fatal(err)
		}
		return c.Problems
	case strings.HasPrefix(document, "<settings"):
		s, err := ParseSettings("f", data)
		if err != nil {
			t.Fatal(err)
		}
		return s.Problems
	}
	m, err := Parse("f", data, AnyNumber)
	if err != nil {
		t.Fatal(err)
	}
	return m.Problems
}

func TestErrors(t *testing.T) {
	t.Parallel()
	if _, err := Read(filepath.Join(t.TempDir(), "none.xml"), AnyNumber); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, parse := range []func(string, []byte) error{
		func(f string, d []byte) error { _, err := Parse(f, d, AnyNumber); return err },
		func(f string, d []byte) error { _, err := ParseGroups(f, d); return err },
		func(f string, d []byte) error { _, err := ParseClassMap(f, d); return err },
		func(f string, d []byte) error { _, err := ParseSettings(f, d); return err },
	} {
		err := parse("m.xml", []byte("<map>\n<source>"))
		if err == nil || err.Error() != "m.xml:2:9: the file ends before the element of line 2 does" {
			t.Error(err)
		}
		err = parse("m.xml", make([]byte, MaxSize+1))
		if err == nil || !strings.Contains(err.Error(), "is larger than") {
			t.Error(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	seed, err := os.ReadFile("testdata/map.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed, "core_store", "label")
	f.Add([]byte(`<groups><group name="a"><document key="k">core_store</document></group></groups>`), "core_store", "")
	f.Add([]byte(`<classmap><rename><from>a</from><to/></rename></classmap>`), "a", "b")
	f.Add([]byte(`<settings><key/><value/></settings>`), "a.b.c", "...")
	f.Fuzz(func(t *testing.T, data []byte, document, field string) {
		m, err := Parse("m.xml", data, AnyNumber)
		if err != nil {
			if place, ok := errors.AsType[*sourcefile.Error](err); !ok || !place.IsKnown() {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		for _, side := range []Side{Source, Destination} {
			if name, ok := m.DocumentMap(document, side); ok == m.DocumentIgnored(document, side) {
				t.Fatalf("%q is %q, and ignored", document, name)
			}
			name, ok, err := m.FieldMap(document, field, side)
			if ok && (err != nil || m.FieldIgnored(document, field, side)) {
				t.Fatalf("%q.%q is %q, and ignored: %v", document, field, name, err)
			}
			m.DataTypeIgnored(document, field, side)
		}
		for _, problem := range m.Problems {
			if !problem.IsKnown() {
				t.Fatalf("a problem without a place: %s", problem.Text)
			}
		}
		g, err := ParseGroups("g.xml", data)
		if err != nil {
			t.Fatal(err)
		}
		g.Names(document)
		c, err := ParseClassMap("c.xml", data)
		if err != nil {
			t.Fatal(err)
		}
		c.Class(document)
		if _, err := ParseSettings("s.xml", data); err != nil {
			t.Fatal(err)
		}
	})
}
