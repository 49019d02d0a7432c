package integrity

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/mysqltest"
)

// What is done to a clean pair of shops, and what the tool says of it. @1 and @2 are the prefixes, where it prints
// them.
const (
	changes1 = `
CREATE TABLE {{prefix}}aw_blog (id int NOT NULL PRIMARY KEY) ENGINE=InnoDB;
INSERT INTO {{prefix}}aw_blog VALUES (1),(2),(3);
CREATE TABLE {{prefix}}acme_log (id int NOT NULL PRIMARY KEY) ENGINE=InnoDB;
CREATE TABLE {{prefix}}core_cache_tag (tag varchar(100) NOT NULL PRIMARY KEY) ENGINE=InnoDB;
ALTER TABLE {{prefix}}sales_flat_order ADD aw_giftcard_amount decimal(12,4), ADD ` + "`acme_<&>`" + ` int;
ALTER TABLE {{prefix}}cms_page MODIFY title text;
ALTER TABLE {{prefix}}core_store ADD vendor_flag int;
ALTER TABLE {{prefix}}log_visitor ADD ip varchar(10);
INSERT INTO {{prefix}}eav_attribute VALUES (20,4,'is_fragile',NULL,'acme/backend_fragile','int','acme/front',NULL,NULL);
INSERT INTO {{prefix}}catalog_eav_attribute VALUES (20,'acme/renderer');
INSERT INTO {{prefix}}eav_attribute_set VALUES (6,4,'Gifts');
INSERT INTO {{prefix}}eav_attribute_group VALUES (20,6,'General'),(21,6,'Prices');`
	changes2 = `
CREATE TABLE {{prefix}}data_exporter_uuid (id int NOT NULL PRIMARY KEY) ENGINE=InnoDB;
CREATE VIEW {{prefix}}vendor_view AS SELECT 1 AS one;
ALTER TABLE {{prefix}}sales_order ADD dispute_status varchar(50);
ALTER TABLE {{prefix}}store ADD vendor_color varchar(10);
ALTER TABLE {{prefix}}catalog_product_entity_tier_price ADD percentage_value decimal(5,2);
ALTER TABLE {{prefix}}customer_entity ADD vendor_col int;
ALTER TABLE {{prefix}}url_rewrite DROP metadata;
ALTER TABLE {{prefix}}rating DROP is_active;
ALTER TABLE {{prefix}}sales_sequence_profile ADD extra int, DROP warning_value;
ALTER TABLE {{prefix}}inventory_source_item ADD extra int;`
	said = `settings Stores Step error: Source fields are not mapped. Document: core_store. Fields: vendor_flag
settings Stores Step error: Destination fields are not mapped. Document: store. Fields: vendor_color
data EAV Step error: Incompatibility in data. Source document: eav_attribute_group. Field: attribute_group_name. Error: The product attribute set "Gifts" does not contain all required attribute group names "General, Prices, Design, Images"
data EAV Step error: Incompatibility in data. Source document: eav_attribute. Field: frontend_input. Error: Attribute with attribute_id=20 cannot contain empty field value
data EAV Step error: Incompatibility in data. Source document: eav_attribute. Field: backend_model. Error: Class acme/backend_fragile is not mapped in record attribute_id=20
data EAV Step error: Incompatibility in data. Source document: eav_attribute. Field: frontend_model. Error: Class acme/front is not mapped in record attribute_id=20
data EAV Step warning: Incompatibility in data. Source document: catalog_eav_attribute. Field: frontend_input_renderer. Error: Class acme/renderer is not mapped in record attribute_id=20
data Customer Attributes Step error: Destination fields are not mapped. Document: customer_entity. Fields: vendor_col
data Map Step error: Source documents are not mapped: acme_log,aw_blog,core_cache_tag
data Map Step error: Destination documents are not mapped: data_exporter_uuid,vendor_view
data Map Step error: Source fields are not mapped. Document: sales_flat_order. Fields: aw_giftcard_amount,acme_<&>
data Map Step error: Destination fields are not mapped. Document: sales_order. Fields: dispute_status
data Map Step warning: Mismatch of data types. Source document: cms_page. Fields: title
data Map Step warning: Mismatch of data types. Destination document: cms_page. Fields: title
data Url Rewrite Step error: Destination fields are missing. Document: url_rewrite. Fields: metadata
data Log Step error: Source fields are not mapped. Document: log_visitor. Fields: ip
data Ratings Step error: "is_active" field does not exist in "rating" document of the destination resource
data Tier Price Step error: Destination fields are not mapped. Document: catalog_product_entity_tier_price. Fields: percentage_value
data SalesIncrement Step error: Source fields are missing. Document: sales_sequence_profile. Fields: extra
data SalesIncrement Step error: Destination fields are missing. Document: sales_sequence_profile. Fields: warning_value
data Inventory Step error: Source fields are missing. Document: @2inventory_source_item. Fields: extra`
)

func TestVariants(t *testing.T) {
	t.Parallel()
	for _, flavor := range mysqltest.Flavors() {
		t.Run(flavor.String(), func(t *testing.T) {
			t.Parallel()
			server := mysqltest.New(t, mysqltest.Options{Flavor: flavor})
			for _, prefixes := range [][2]string{{"", ""}, {"mage_", "m2x"}} {
				t.Run("prefix "+prefixes[0], func(t *testing.T) { testVariant(t, server, prefixes[0], prefixes[1]) })
			}
			// The same on a server whose administrator limits everybody's statements.
			if err := server.Exec(t.Context(), "SET GLOBAL sql_select_limit = 1", "SET GLOBAL group_concat_max_len = 4",
				"SET GLOBAL max_join_size = 1", "SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'"); err != nil {
				t.Fatal(err)
			}
			t.Run("limits", func(t *testing.T) { testVariant(t, server, "", "") })
		})
	}
}

func testVariant(t *testing.T, server *mysqltest.Server, prefix1, prefix2 string) {
	s := newShop(t, server, prefix1, prefix2)
	expect(t, s.forecast(t).Predictions) // a clean pair has none
	s.load(t, s.magento1, changes1)
	s.load(t, s.magento2, changes2)
	found := s.forecast(t).Predictions
	expect(t, found, strings.ReplaceAll(said, "@2", prefix2))
	later := s.input(t)
	later.Options.Tool = "2.3.5"
	var newer Forecaster
	forecast, err := newer.Forecast(t.Context(), later)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(of(forecast.Predictions, Attributes)); n != len(of(found, Attributes))-1 {
		t.Errorf("a release without the check of group names has %d predictions about attributes", n)
	}

	var notes []string
	for _, f := range of(found, Documents, Fields) {
		notes = append(notes, fmt.Sprintf("%s rows=%d extension=%s", f.Subject(), f.Rows, f.Extension))
	}
	if got, want := strings.Join(notes, "\n"), `core_store.vendor_flag rows=-1 extension=
store.vendor_color rows=-1 extension=
customer_entity.vendor_col rows=-1 extension=
acme_log rows=0 extension=acme_setup
aw_blog rows=3 extension=aw_blog_setup
core_cache_tag rows=0 extension=
data_exporter_uuid rows=0 extension=Magento_DataExporter
vendor_view rows=-1 extension=
sales_flat_order.aw_giftcard_amount rows=-1 extension=aw_blog_setup, aw_lib_setup
sales_flat_order.acme_<&> rows=-1 extension=acme_setup
sales_order.dispute_status rows=-1 extension=
log_visitor.ip rows=-1 extension=
catalog_product_entity_tier_price.percentage_value rows=-1 extension=`; got != want {
		t.Errorf(" got\n%s\nwant\n%s", got, want)
	}

	// What is pasted is valid, and fixes all that lines can fix.
	s.paste(t, found)
	left := s.forecast(t).Predictions
	for _, f := range left {
		if f.Remedy.XML != "" || f.Kind != Structure && f.Field != "attribute_group_name" {
			t.Errorf("after pasting all remedies there is still: %s", f.Message)
		}
		if f.Remedy.String() == "" {
			t.Errorf("no remedy for: %s", f.Message)
		}
	}
	if len(left) != 6 {
		t.Errorf("%d predictions are left:\n%s", len(left), write(left))
	}
}

func TestMariaDB(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	for name, test := range map[string]func(*testing.T, *mysqltest.Server){
		"alternatives":     testAlternatives,
		"wrong prefix":     testWrongPrefix,
		"foreign tables":   testUnprefixedTable,
		"fingerprint":      testFingerprint,
		"unreadable":       testUnreadable,
		"views":            unreadableViews(""),
		"prefixed views":   unreadableViews("mage_"),
		"structure":        testStructure,
		"files":            testFiles,
		"orphans":          testOrphans,
		"kept":             testKept,
		"commerce":         testCommerce,
		"duplicates":       testDuplicateRewrites,
		"duplicates in 13": testDuplicateRewrites113,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, server)
		})
	}
}

// testAlternatives pastes the rules that join what is unmapped on both sides.
func testAlternatives(t *testing.T, server *mysqltest.Server) {
	s := newShop(t, server, "", "")
	s.load(
		t,
		s.magento1,
		"CREATE TABLE aw_faq (id int NOT NULL PRIMARY KEY); ALTER TABLE sales_flat_order ADD old_name int; ALTER TABLE cms_page ADD a int, ADD b int;",
	)
	s.load(
		t,
		s.magento2,
		"CREATE TABLE vendor_faq (id int NOT NULL PRIMARY KEY); ALTER TABLE sales_order ADD new_name int; ALTER TABLE cms_page ADD c int;",
	)
	found := s.forecast(t).Predictions
	alternatives := 0
	for i, f := range found {
		if f.Alternative != nil {
			alternatives++
			found[i].Remedy = *f.Alternative
		}
	}
	if alternatives != 4 { // cms_page has two candidates, so none
		t.Errorf("%d alternatives in\n%s", alternatives, write(found))
	}
	for _, want := range []string{"<rename><document>aw_faq</document><to>vendor_faq</to></rename>", "<move><field>sales_flat_order.old_name</field><to>sales_order.new_name</to></move>"} {
		if !strings.Contains(fmt.Sprint(Snippets(found)), want) {
			t.Errorf("no %s in %v", want, Snippets(found))
		}
	}
	s.paste(t, found)
	expect(t, s.forecast(t).Predictions)
	if strings.Contains(read(t, filepath.Join(s.dir, "etc/shop/map.xml")), "<ignore><document>aw_faq") {
		t.Error("the table is ignored, not renamed")
	}
}

func testWrongPrefix(t *testing.T, server *mysqltest.Server) {
	s := newShop(t, server, "mage_", "")
	s.prefix1 = ""
	expect(
		t,
		s.forecast(t).Predictions,
		`settings Settings Step error: Integrity check failed due to "core_config_data" document does not exist in the source resource`,
		"settings Stores Step error: Source documents are not mapped: core_store,core_store_group,core_website",
		"settings Stores Step error: Destination documents are not mapped: store,store_group,store_website",
		"data EAV Step error: SQLSTATE[42S02]: Base table or view not found: 1146 Table '"+s.magento1+".eav_attribute' doesn't exist",
	)
}

// testUnprefixedTable has a table of somebody else in a database with a prefix: the tool looks for it with the prefix.
func testUnprefixedTable(t *testing.T, server *mysqltest.Server) {
	s := newShop(t, server, "mage_", "m2_")
	s.load(
		t,
		s.magento1,
		"CREATE TABLE wp_posts (id int NOT NULL PRIMARY KEY); CREATE TABLE sales_flat_order (id int NOT NULL PRIMARY KEY)",
	)
	found := s.forecast(t).Predictions
	expect(t, found, "data Map Step error: Source documents are not mapped: wp_posts")
	if found[0].Rows != -1 || !strings.Contains(found[0].Detail, `does not begin with the prefix "mage_"`) {
		t.Errorf("%+v", found[0])
	}
	s.paste(t, found)
	expect(t, s.forecast(t).Predictions)
}

// testUnreadable has a table whose definition nobody can open, as with wrong mode bits: a symbolic link that leads to
// itself.
func testUnreadable(t *testing.T, server *mysqltest.Server) {
	s := newShop(t, server, "", "")
	path := filepath.Join(server.DataDir(), s.magento1, "sales_flat_order.frm")
	if err := errors.Join(os.Remove(path), os.Symlink(filepath.Base(path), path), server.Exec(t.Context(), "FLUSH TABLES")); err != nil {
		t.Fatal(err)
	}
	_, err := ReadSchema(t.Context(), s.session(t, s.magento1), "")
	if database.CauseOf(err) != database.TableUnreadable || !strings.Contains(err.Error(), "sales_flat_order") {
		t.Errorf("%v", err)
	}
}

// unreadableViews has views whose tables are gone, which the server lists without columns.
func unreadableViews(prefix string) func(*testing.T, *mysqltest.Server) {
	return func(t *testing.T, server *mysqltest.Server) {
		s := newShop(t, server, prefix, "")
		s.load(t, s.magento1, "CREATE TABLE t (a int); CREATE VIEW "+prefix+"gone AS SELECT a FROM t; "+
			"CREATE VIEW of_somebody AS SELECT a FROM t; DROP TABLE t")
		found := s.forecast(t).Predictions
		if len(found) == 0 {
			t.Fatal("nothing is foretold")
		}
		for _, p := range found {
			if !strings.Contains(p.Detail, "does not show the columns") || strings.Contains(p.Detail, `""`) {
				t.Errorf("%+v", p)
			}
		}
		s.paste(t, found)
		expect(t, s.forecast(t).Predictions)
	}
}

// testFingerprint swaps the types of two columns and back.
func testFingerprint(t *testing.T, server *mysqltest.Server) {
	s := newShop(t, server, "", "")
	session := s.session(t, s.magento1)
	var seen []string
	for _, script := range []string{
		"CREATE TABLE acme (a varchar(10), b varchar(20))",
		"ALTER TABLE acme MODIFY a varchar(20), MODIFY b varchar(10)",
		"ALTER TABLE acme MODIFY a varchar(10), MODIFY b varchar(20)",
	} {
		s.load(t, s.magento1, script)
		fingerprint, err := Fingerprint(t.Context(), session)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, fingerprint)
	}
	if seen[0] == seen[1] || seen[0] != seen[2] {
		t.Errorf("%q", seen)
	}
}

func testStructure(t *testing.T, server *mysqltest.Server) {
	s := newShop(t, server, "", "m2_")
	s.load(t, s.magento1, `
DROP TABLE core_url_rewrite, catalog_product_super_link, log_visitor, core_website, catalog_product_entity_group_price;
ALTER TABLE catalog_product_super_attribute_pricing DROP website_id;
UPDATE eav_attribute SET backend_type = 'static' WHERE attribute_code = 'firstname';`)
	s.load(t, s.magento2, `
DROP TABLE {{prefix}}rating_store, {{prefix}}sales_order_grid, {{prefix}}sales_sequence_meta, {{prefix}}inventory_shipment_source, {{prefix}}core_config_data;
ALTER TABLE {{prefix}}catalog_product_entity_decimal DROP store_id, DROP value;`)
	s.edit(
		t,
		"customer-attribute-groups.xml.dist",
		"<attribute>firstname</attribute>",
		"<attribute>firstname</attribute><attribute>vat_id</attribute>",
	)
	s.edit(
		t,
		"log-document-groups.xml.dist",
		`<group name="destination_documents_to_clear">`,
		`<group name="destination_documents_to_clear"><document>log_url</document><document>customer_visitor</document>`,
	)
	gone := "SQLSTATE[42S02]: Base table or view not found: 1146 Table '%s' doesn't exist"
	expect(
		t,
		s.forecast(t).Predictions,
		`settings Settings Step error: Integrity check failed due to "core_config_data" document does not exist in the destination resource`,
		"settings Stores Step error: Source documents are not mapped: core_website",
		"settings Stores Step error: Destination documents are not mapped: store_website",
		"data Customer Attributes Step error: "+fmt.Sprintf(gone, s.magento1+".customer_entity_static"),
		"data Customer Attributes Step error: Attribute vat_id does not exist in the type customer",
		"data Map Step error: Destination documents are not mapped: catalog_product_super_link",
		"data Map Step error: Source fields are not mapped. Document: catalog_product_entity_decimal. Fields: store_id,value",
		"data Url Rewrite Step error: "+fmt.Sprintf(gone, s.magento1+".core_url_rewrite"),
		"data Log Step error: Destination documents are missing: log_url",
		"data Log Step error: Source documents are not mapped: log_visitor",
		"data Log Step error: Destination documents are not mapped: customer_visitor",
		`data Ratings Step error: "rating" or "rating_store" documents do not exist in the destination resource`,
		"data ConfigurablePrices step error: Call to a member function getStructure() on bool",
		"data ConfigurablePrices step error: Source fields are missing. Document: catalog_product_super_attribute_pricing. Fields: website_id",
		"data OrderGrids Step error: "+fmt.Sprintf(gone, s.magento2+".m2_sales_order_grid"),
		"data Tier Price Step error: Source documents are not mapped: catalog_product_entity_group_price",
		"data SalesIncrement Step error: Destination documents are missing: sales_sequence_meta",
		"data Inventory Step error: Destination documents are missing: m2_inventory_shipment_source",
	)
}

// testFiles has a clean pair of databases, and faults in the files.
func testFiles(t *testing.T, server *mysqltest.Server) {
	s := newShop(t, server, "", "")
	for name, test := range map[string]struct {
		change    func(*testing.T, *shop)
		developer bool
		want      []string
	}{
		"a rule in the way of another": {
			change: func(t *testing.T, s *shop) {
				s.edit(t, "map.xml.dist", "<ignore><datatype>cms_page.content</datatype></ignore>\n        </field_rules>\n    </destination>", "<ignore><field>cms_page.page_layout</field></ignore></field_rules></destination>")
			},
			want: []string{"data Map Step error: Field has ambiguous configuration: cms_page.page_layout",
				"data Map Step warning: Mismatch of data types. Destination document: cms_page. Fields: content"},
		},
		"a document both moved to and ignored": {
			change: func(t *testing.T, s *shop) {
				s.edit(t, "map.xml.dist", "<to>cms_page.page_layout</to>", "<to>patch_list.patch_name</to>")
			},
			want: []string{"data Map Step error: Document has ambiguous configuration: patch_list",
				"data Map Step error: Destination fields are not mapped. Document: cms_page. Fields: page_layout"},
		},
		"an ignored document in a group": {
			change: func(t *testing.T, s *shop) {
				s.edit(t, "map-log.xml.dist", "<source>\n        <document_rules>", "<source><document_rules><ignore><document>log_visitor</document></ignore>")
			},
			want: []string{"data Log Step error: Destination documents are not mapped: 0"},
		},
		"a file that is not there": {
			change: func(t *testing.T, s *shop) {
				s.edit(t, "config.xml.dist", "etc/shop/map-eav.xml.dist", "etc/shop/map-eav.xml")
				s.edit(t, "config.xml.dist", "etc/shop/log-document-groups.xml.dist", "etc/shop/log-groups.xml")
			},
			want: []string{"data  error: Invalid map filename: etc/shop/map-eav.xml", "data  error: Invalid groups filename: etc/shop/log-groups.xml"},
		},
		"a file that is not XML": {
			change: func(t *testing.T, s *shop) { s.edit(t, "map-stores.xml.dist", "</map>", "") },
			want:   []string{"settings  error: XML file is invalid."},
		},
		"what the XSD refuses": {
			change: func(t *testing.T, s *shop) { s.edit(t, "settings.xml.dist", "web/cookie/*", "web cookie") },
			want:   []string{"settings  warning: XML file is invalid."},
		},
		"what the XSD refuses, in developer mode": {
			change:    func(t *testing.T, s *shop) { s.edit(t, "class-map.xml.dist", "<to/>", "") },
			developer: true,
			want:      []string{"data  error: XML file is invalid."},
		},
		"an older tool": {
			change: func(t *testing.T, s *shop) {
				dir := filepath.Join(s.dir, "src/Migration/Reader")
				if err := os.MkdirAll(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "Map.php"), []byte(`<?php $regexp = '/^' . str_replace('*', '.+', $name) . '/';`), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			want: []string{"data Map Step error: Source documents are not mapped: core_store",
				"data Map Step error: Destination documents are not mapped: inventory_stock,rating",
				"data Map Step error: Destination fields are not mapped. Document: customer_entity. Fields: firstname"},
		},
		"a class that is not mapped any more": {
			change: func(t *testing.T, s *shop) { s.edit(t, "class-map.xml.dist", "customer/customer", "customer/other") },
			want: []string{"data EAV Step warning: Incompatibility in data. Source document: eav_entity_type. Field: entity_model. Error: " +
				"Class customer/customer is not mapped in record entity_type_id=1"},
		},
		"steps that are not the tool's": {
			change: func(t *testing.T, s *shop) {
				s.edit(t, "config.xml.dist", `Migration\Step\Ratings\Integrity`, `Vendor\Migration\Step\Ratings`)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &shop{s.server, s.magento1, s.magento2, "", "", t.TempDir()}
			if err := os.CopyFS(s.dir, os.DirFS("testdata")); err != nil {
				t.Fatal(err)
			}
			test.change(t, s)
			in := s.input(t)
			in.Options.Developer = test.developer
			forecast, err := new(Forecaster).Forecast(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, forecast.Predictions, test.want...)
			for _, f := range forecast.Predictions {
				if f.Detail == "" && f.Kind == Structure || f.Remedy.String() == "" {
					t.Errorf("it does not help: %+v", f)
				}
			}
			if name == "steps that are not the tool's" &&
				fmt.Sprint(forecast.Plan.Unpredicted) != `[{data Ratings Step Vendor\Migration\Step\Ratings}]` {
				t.Error(forecast.Plan.Unpredicted)
			}
		})
	}
}
