package integrity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/mysqltest"
)

func testOrphans(t *testing.T, server *mysqltest.Server) {
	s := newShop(t, server, "mage_", "")
	s.load(t, s.magento1, `
SET FOREIGN_KEY_CHECKS=0;
INSERT INTO mage_customer_entity VALUES (1,'a@example.com');
INSERT INTO mage_customer_entity_varchar VALUES (1,1,1,'x'),(2,1,98765,'y'),(3,1,NULL,'z'),(4,99,1,'z');
INSERT INTO mage_core_store VALUES (1,7,'one');
ALTER TABLE mage_customer_entity_varchar ADD CONSTRAINT FK_ENTITY FOREIGN KEY (entity_id) REFERENCES mage_customer_entity (entity_id);
ALTER TABLE mage_customer_entity_varchar ADD CONSTRAINT FK_ATTRIBUTE FOREIGN KEY (attribute_id) REFERENCES mage_eav_attribute (attribute_id);
ALTER TABLE mage_core_store ADD CONSTRAINT FK_WEBSITE FOREIGN KEY (website_id) REFERENCES mage_core_website (website_id);
CREATE TABLE mage_pair (a smallint NOT NULL, b smallint unsigned NOT NULL, CONSTRAINT FK_PAIR FOREIGN KEY (a, b) REFERENCES mage_cms_page_store (page_id, store_id)) ENGINE=InnoDB;
INSERT INTO mage_pair VALUES (5,5);`)
	session := s.session(t, s.magento1)
	keys, err := ReadForeignKeys(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) != 3 { // the tool does not see keys of two columns
		t.Fatal(keys)
	}
	plan := NewPlan(s.config(t), Options{})
	schema, err := ReadSchema(t.Context(), session, s.prefix1)
	if err != nil {
		t.Fatal(err)
	}

	// Each look at the clock takes a second, so that the budget is enough for one key.
	clock := time.Unix(0, 0)
	now := func() time.Time { clock = clock.Add(time.Second); return clock }
	var state Orphans
	var steps []string
	for range 3 {
		if state, err = FindOrphans(t.Context(), session, keys, state, 2*time.Second, now); err != nil {
			t.Fatal(err)
		}
		steps = append(
			steps,
			fmt.Sprintf(
				"%d/%d %s %d round %d",
				state.Checked,
				state.Total,
				state.Last.Name,
				len(state.Found),
				state.Rounds,
			),
		)
	}
	if got := strings.Join(steps, ", "); got != "1/3 FK_WEBSITE 1 round 0, 2/3 FK_ATTRIBUTE 2 round 0, 3/3  3 round 1" {
		t.Error(got)
	}
	const gone = "data Data Integrity Step error: Foreign key (%s) constraint fails on source database. Orphan records id: %s from `%s`.`%s` has no referenced records in `%s`"
	expect(t, state.Predictions(plan, schema),
		fmt.Sprintf(gone, "FK_WEBSITE", "7", "mage_core_store", "website_id", "mage_core_website"),
		fmt.Sprintf(gone, "FK_ATTRIBUTE", "99", "mage_customer_entity_varchar", "attribute_id", "mage_eav_attribute"),
		fmt.Sprintf(gone, "FK_ENTITY", "98765", "mage_customer_entity_varchar", "entity_id", "mage_customer_entity"))
	if got := state.Predictions(plan, schema)[2].Subject(); got != "customer_entity_varchar.entity_id" {
		t.Error(got)
	}

	// What is fixed or no key any more goes in the next round, and not before.
	s.load(
		t,
		s.magento1,
		"DELETE FROM mage_customer_entity_varchar WHERE value_id = 2; ALTER TABLE mage_core_store DROP FOREIGN KEY FK_WEBSITE;",
	)
	if keys, err = ReadForeignKeys(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	before := state
	if state, err = FindOrphans(t.Context(), session, keys, state, time.Minute, time.Now); err != nil {
		t.Fatal(err)
	}
	if len(before.Found) != 3 || len(state.Found) != 1 || state.Found[0].Name != "FK_ATTRIBUTE" || state.Rounds != 2 ||
		state.Checked != 2 {
		t.Errorf("before %+v, then %+v", before, state)
	}

	// A key that cannot be checked is unknown, and the others are checked.
	broken := append([]ForeignKey{{"mage_aaa", "FK_AAA", "a", "mage_core_website", "website_id"}}, keys...)
	if state, err = FindOrphans(t.Context(), session, broken, Orphans{}, time.Minute, time.Now); err != nil {
		t.Fatal(err)
	}
	if len(state.Unknown) != 1 || database.Number(state.Unknown[0].Err) != 1146 || len(state.Found) != 1 {
		t.Errorf("%+v", state)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = FindOrphans(ctx, session, keys, Orphans{}, time.Minute, time.Now); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// testKept looks at what a Forecaster reads again.
func testKept(t *testing.T, server *mysqltest.Server) {
	s := newShop(t, server, "", "")
	in := s.input(t)
	var f Forecaster
	statements := func() int {
		t.Helper()
		count := func() (n int) {
			var name string
			if err := in.Source.Row(t.Context(), "SHOW SESSION STATUS LIKE 'Questions'", nil, &name, &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := count()
		if _, err := f.Forecast(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		return count() - before - 1
	}
	first, second := statements(), statements()
	if first != second+3 {
		t.Errorf("%d statements on Magento 1 at first, then %d", first, second)
	}
	kept := f.kept
	for _, change := range []string{
		"ALTER TABLE cms_page ADD acme int", "ALTER TABLE cms_page MODIFY acme bigint", "ALTER TABLE cms_page CHANGE acme acme2 bigint", "CREATE TABLE acme (id int)",
		// Changes alike in tables with names alike.
		"ALTER TABLE cms_page ADD zz int; ALTER TABLE log_url ADD zz int;", "ALTER TABLE cms_page MODIFY zz bit; ALTER TABLE log_url MODIFY zz bit;",
	} {
		s.load(t, s.magento1, change)
		if got := statements(); got < second+3 || f.kept == kept {
			t.Errorf("%s: %d statements", change, got)
		}
		kept = f.kept
	}
	s.load(t, s.magento1, "UPDATE eav_attribute SET frontend_input = 'acme' LIMIT 1")
	if got := statements(); got < second+3 || f.kept == kept {
		t.Errorf("an attribute was changed: %d statements", got)
	}
	kept = f.kept
	if statements(); f.kept != kept {
		t.Error("everything was read again, and nothing had changed")
	}
	s.edit(t, "map.xml.dist", "<document>core_cache</document>", "<document>core_cachx</document>")
	path := filepath.Join(s.dir, "etc/shop/map.xml.dist")
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Second)); err != nil { // it is as long as before
		t.Fatal(err)
	}
	forecast, err := f.Forecast(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if f.kept == kept || !strings.Contains(write(forecast.Predictions), "core_cache") {
		t.Error("a changed file is not read again")
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	s := &shop{dir: t.TempDir()}
	if err := os.CopyFS(s.dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	key := func() string { return Key(s.config(t), Options{}) }
	last := key()
	if key() != last {
		t.Error("the key changes by itself")
	}
	for _, change := range [][3]string{
		{"config.xml.dist", `Ratings\Integrity`, `Ratinks\Integrity`}, // as long as before
		{"config.xml.dist", "Ratings Step", "Ratinks Step"},
		{"config.xml.dist", "<edition_number>1.9.4.5", "<edition_number>1.9.4.4"},
		{"config.xml.dist", "etc/shop/map-log.xml.dist", "etc/shop/map-eav.xml.dist"},
		{"map.xml.dist", "core_cache", "core_cache_tag"},
	} {
		s.edit(t, change[0], change[1], change[2])
		if key() == last {
			t.Errorf("the key is the same after %v", change)
		}
		last = key()
	}
	if err := os.Remove(filepath.Join(s.dir, "etc/shop/map.xml.dist")); err != nil {
		t.Fatal(err)
	}
	if key() == last || Key(s.config(t), Options{Developer: true}) == key() {
		t.Error("the key is the same without a file, or in developer mode")
	}
}

const commerceSteps = `<step title="Url Rewrite Step"><integrity>Migration\Step\UrlRewrite\Version11410to2000</integrity></step>
<step title="SalesOrder Step"><integrity>Migration\Step\SalesOrder\Integrity</integrity></step>
<step title="OrderGrids Step"><integrity>Migration\Step\OrderGridsEE\Integrity</integrity></step>
<step title="Custom Customer Attributes Step"><integrity>Migration\Step\CustomCustomerAttributes\Integrity</integrity></step>
<step title="VisualMerchandiser Step"><integrity>Migration\Step\VisualMerchandiser\Integrity</integrity></step>`

// newCommerceShop has the steps of Commerce only.
func newCommerceShop(t *testing.T, server *mysqltest.Server, prefix1 string) *shop {
	t.Helper()
	s := newShop(t, server, prefix1, "")
	config := read(t, filepath.Join(s.dir, "etc/shop/config.xml.dist"))
	before, rest, _ := strings.Cut(config, `<steps mode="data">`)
	_, after, _ := strings.Cut(rest, "</steps>")
	config = before + `<steps mode="data">` + commerceSteps + "</steps>" + strings.NewReplacer("opensource-to-opensource", "commerce-to-commerce", "</options>",
		`<sales_order_map_file>etc/shop/map-sales.xml</sales_order_map_file><customer_attr_map_file>etc/shop/map-none.xml</customer_attr_map_file>
<customer_attr_document_groups_file>etc/shop/groups.xml</customer_attr_document_groups_file><visual_merchandiser_map>etc/shop/map-none.xml</visual_merchandiser_map>
<visual_merchandiser_document_groups>etc/shop/groups.xml</visual_merchandiser_document_groups></options>`).
		Replace(after)
	for name, text := range map[string]string{
		"config.xml.dist": config,
		"map-none.xml":    "<map><source/><destination/></map>",
		"map-sales.xml":   "<map><source><document_rules><rename><document>sales_flat_order</document><to>sales_order</to></rename></document_rules></source><destination/></map>",
		"groups.xml":      `<groups><group name="source_documents"><document>cms_page</document></group></groups>`,
	} {
		if err := os.WriteFile(filepath.Join(s.dir, "etc/shop", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.load(t, s.magento1, `
CREATE TABLE {{prefix}}enterprise_url_rewrite (url_rewrite_id int NOT NULL PRIMARY KEY, request_path varchar(255), target_path varchar(255), is_system smallint, guid varchar(32), identifier varchar(255), inc int, value_id int, store_id smallint unsigned, entity_type smallint) ENGINE=InnoDB;
CREATE TABLE {{prefix}}enterprise_url_rewrite_redirect (redirect_id int NOT NULL PRIMARY KEY, identifier varchar(255), target_path varchar(255), options varchar(255), description varchar(255), category_id int, product_id int, store_id smallint unsigned) ENGINE=InnoDB;
CREATE TABLE {{prefix}}catalog_category_entity_url_key (value_id int NOT NULL PRIMARY KEY, entity_type_id smallint, attribute_id smallint, store_id smallint unsigned, entity_id int, value varchar(255)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}catalog_product_entity_url_key (value_id int NOT NULL PRIMARY KEY, entity_type_id smallint, attribute_id smallint, store_id smallint unsigned, entity_id int, value varchar(255)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}catalog_product_website (product_id int NOT NULL, website_id smallint unsigned NOT NULL, PRIMARY KEY (product_id, website_id)) ENGINE=InnoDB;
INSERT INTO {{prefix}}core_store VALUES (0,0,'admin'),(1,1,'one'),(2,1,'two'),(3,2,'three');`)
	s.load(t, s.magento2, `
CREATE TABLE catalog_category_entity_varchar (value_id int NOT NULL PRIMARY KEY, attribute_id smallint, store_id smallint, row_id int, value varchar(255));
CREATE TABLE catalog_product_entity_varchar (value_id int NOT NULL PRIMARY KEY, attribute_id smallint, store_id smallint, row_id int, value varchar(255));
CREATE TABLE magento_sales_order_grid_archive (entity_id int NOT NULL PRIMARY KEY, refunded_to_store_credit int);
CREATE TABLE magento_sales_invoice_grid_archive (entity_id int NOT NULL PRIMARY KEY);
CREATE TABLE magento_sales_shipment_grid_archive (entity_id int NOT NULL PRIMARY KEY);
CREATE TABLE magento_sales_creditmemo_grid_archive (entity_id int NOT NULL PRIMARY KEY);
INSERT INTO eav_attribute (attribute_id, attribute_code) VALUES (1,'reward_salesrule_points');`)
	return s
}

func testCommerce(t *testing.T, server *mysqltest.Server) {
	s := newCommerceShop(t, server, "")
	s.load(
		t,
		s.magento1,
		"ALTER TABLE enterprise_url_rewrite_redirect ADD acme int; ALTER TABLE cms_page ADD acme int; DROP TABLE catalog_product_entity_url_key;",
	)
	s.load(t, s.magento2, "DROP TABLE cms_page_store")
	in := s.input(t)
	in.Modules = map[string]bool{"Magento_CatalogStaging": true}
	forecast, err := new(Forecaster).Forecast(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	expect(
		t,
		forecast.Predictions,
		"data Url Rewrite Step error: Source table does not exist: catalog_product_entity_url_key",
		"data Url Rewrite Step error: Source table structure does not meet expectation: enterprise_url_rewrite_redirect",
		"data SalesOrder Step error: Destination fields are missing. Document: eav_attribute. Fields: reward_points_balance_refunded",
		"data OrderGrids Step error: sales_order_grid table does not contain field: refunded_to_store_credit",
		"data VisualMerchandiser Step error: Source fields are not mapped. Document: cms_page. Fields: root_template,acme",
		"data VisualMerchandiser Step error: Destination fields are not mapped. Document: cms_page. Fields: page_layout",
		"data VisualMerchandiser Step warning: Mismatch of data types. Source document: cms_page. Fields: content",
		"data VisualMerchandiser Step warning: Mismatch of data types. Destination document: cms_page. Fields: content",
	)
}

// findDuplicates looks at a few rewrites at a time until all were looked at.
func findDuplicates(t *testing.T, session *database.Session, p *Plan, source *Schema) ([]Prediction, error) {
	t.Helper()
	whole := Rewrites{}
	if err := whole.Find(t.Context(), session, p, source, time.Hour, time.Now); err != nil {
		return nil, err
	}
	sliced := Rewrites{}
	for sliced.Rounds == 0 {
		sliced.rows = 1
		if err := sliced.Find(t.Context(), session, p, source, 0, time.Now); err != nil {
			return nil, err
		}
	}
	if got, want := write(sliced.Found), write(whole.Found); got != want {
		t.Errorf("in slices:\n%s\nat once:\n%s", got, want)
	}
	return sliced.Found, nil
}

func testDuplicateRewrites(t *testing.T, server *mysqltest.Server) {
	s := newCommerceShop(t, server, "mage_")
	s.load(t, s.magento1, `
INSERT INTO mage_core_config_data VALUES (1,'default',0,'catalog/seo/product_url_suffix','htm'),(2,'stores',3,'catalog/seo/product_url_suffix','');
INSERT INTO mage_catalog_product_website VALUES (1,1),(2,1),(3,1),(3,2);
INSERT INTO mage_catalog_product_entity_url_key (value_id, store_id, entity_id) VALUES (1,0,1),(2,0,2),(3,0,3),(4,2,2),(5,1,3);
INSERT INTO mage_catalog_category_entity_url_key (value_id, store_id, entity_id) VALUES (11,0,7),(12,0,8);
INSERT INTO mage_enterprise_url_rewrite (url_rewrite_id, value_id, store_id, entity_type, request_path, target_path) VALUES
(1,1,0,3,'towel','product/1'),(2,2,0,3,'towel','product/2'),
(3,4,2,3,'towel-two','product/2'),
(4,3,0,3,'moved','product/3'),(5,5,1,3,'free','product/3'),
(6,11,3,2,'garden','category/7'),(7,12,3,2,'garden','category/7'),
(8,NULL,3,1,'moved','custom'),
(9,NULL,1,1,'home','custom/home'),
(10,NULL,1,1,'old','custom/old');
INSERT INTO mage_enterprise_url_rewrite_redirect (redirect_id, identifier, target_path, product_id, store_id) VALUES (1,'old','new',NULL,1),(2,'free.htm','x',NULL,1);
INSERT INTO mage_cms_page (page_id, title, root_template) VALUES (1,'home','x');
ALTER TABLE mage_cms_page ADD identifier varchar(100);
UPDATE mage_cms_page SET identifier = 'home';
INSERT INTO mage_cms_page_store VALUES (1,0);`)
	session := s.session(t, s.magento1)
	schema, err := ReadSchema(t.Context(), session, s.prefix1)
	if err != nil {
		t.Fatal(err)
	}
	plan := NewPlan(s.config(t), Options{})
	found, err := findDuplicates(t, session, plan, schema)
	if err != nil {
		t.Fatal(err)
	}
	// In store 1 two products are towel.htm; store 2 has a path of its own for one of them. In store 3 a product
	// without a suffix is moved. What is the same twice, or replaced by a redirect, is none.
	expect(t, found, `data Url Rewrite Step error: There are duplicates in URL rewrites:
Request path: home Store ID: 1 Target path: custom/home
Request path: home Store ID: 1 Target path: cms/page/view/page_id/1
Request path: towel.htm Store ID: 1 Target path: product/1
Request path: towel.htm Store ID: 1 Target path: product/2
Request path: moved Store ID: 3 Target path: custom
Request path: moved Store ID: 3 Target path: product/3`)
	if len(found) != 3 {
		t.Errorf("%d duplicates", len(found))
	}
	s.edit(
		t,
		"config.xml.dist",
		"<auto_resolve_urlrewrite_duplicates>0</auto_resolve_urlrewrite_duplicates>",
		found[0].Remedy.XML,
	)
	if found, err = findDuplicates(t, session, NewPlan(s.config(t), Options{}), schema); err != nil ||
		found != nil {
		t.Error(found, err)
	}
}

func testDuplicateRewrites113(t *testing.T, server *mysqltest.Server) {
	s := newCommerceShop(t, server, "")
	s.edit(t, "config.xml.dist", "Version11410to2000", "Version11300to2000")
	session := s.session(t, s.magento1)
	schema, err := ReadSchema(t.Context(), session, "")
	if err != nil {
		t.Fatal(err)
	}
	plan := NewPlan(s.config(t), Options{})
	// The tables of 1.13 are missing, which is the step's own prediction.
	if found, err := findDuplicates(t, session, plan, schema); err != nil || found != nil {
		t.Error(found, err)
	}
	s.load(t, s.magento1, `
CREATE TABLE enterprise_catalog_product_rewrite (product_id int, store_id smallint unsigned, url_rewrite_id int);
CREATE TABLE enterprise_catalog_category_rewrite (category_id int, store_id smallint unsigned, url_rewrite_id int);
CREATE TABLE enterprise_url_rewrite_redirect_rewrite (redirect_id int, url_rewrite_id int);
ALTER TABLE cms_page ADD identifier varchar(100);
INSERT INTO catalog_product_website VALUES (1,1),(2,1);
INSERT INTO catalog_product_entity_url_key (value_id, store_id, entity_id) VALUES (1,0,1),(2,0,2),(3,2,2);
INSERT INTO catalog_category_entity_url_key (value_id, store_id, entity_id) VALUES (11,0,7);
INSERT INTO enterprise_url_rewrite (url_rewrite_id, value_id, request_path, target_path) VALUES (1,1,'towel','product/1'),(2,2,'towel','product/2'),(3,3,'two','product/2'),(4,11,'garden','category/7'),(5,NULL,'garden.html','custom');
INSERT INTO enterprise_catalog_product_rewrite VALUES (1,0,1),(2,0,2),(2,2,3);
INSERT INTO enterprise_catalog_category_rewrite VALUES (7,0,4);
INSERT INTO enterprise_url_rewrite_redirect (redirect_id, identifier) VALUES (1,'garden.html');
INSERT INTO enterprise_url_rewrite_redirect_rewrite VALUES (1,5);`)
	if schema, err = ReadSchema(t.Context(), session, ""); err != nil {
		t.Fatal(err)
	}
	found, err := findDuplicates(t, session, plan, schema)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, found, `data Url Rewrite Step error: There are duplicates in URL rewrites:
Request path: garden.html Store ID: 1 Target path: custom
Request path: garden.html Store ID: 1 Target path: category/7
Request path: towel.html Store ID: 1 Target path: product/1
Request path: towel.html Store ID: 1 Target path: product/2
Request path: garden.html Store ID: 2 Target path: custom
Request path: garden.html Store ID: 2 Target path: category/7
Request path: garden.html Store ID: 3 Target path: custom
Request path: garden.html Store ID: 3 Target path: category/7`)
}

func TestDataType(t *testing.T) {
	t.Parallel()
	for columnType, want := range map[string]string{
		"int(10) unsigned": "int", "int unsigned": "int", "bigint(20)": "bigint", "tinyint(1)": "tinyint", "varchar(255)": "varchar", "char(1)": "char",
		"decimal(12,4)": "decimal", "decimal(12,4) unsigned": "decimal", "float(12,4)": "float", "float unsigned": "float unsigned", "varbinary(16)": "varbinary(16)",
		"mediumtext": "mediumtext", "timestamp /* mariadb-5.3 */": "timestamp", "enum('a','b')": "enum('a','b')", "datetime(6)": "datetime(6)",
	} {
		if got := dataType(columnType); got != want {
			t.Errorf("%s is %s, want %s", columnType, got, want)
		}
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	codes := []string{
		"aw_blog_setup",
		"aw_lib_setup",
		"amshopby_setup",
		"mageworx_seosuite_setup",
		"mageworx_seo_setup",
	}
	modules := []string{
		"Magento_Sales",
		"Magento_SalesDataExporter",
		"Magento_PaymentServicesBase",
		"Magento_Store",
		"Amasty_Shopby",
		"Amasty_Base",
		"Vendor_Module",
	}
	for name, want := range map[string]string{"aw_blog_cat": "aw_blog_setup", "aw_points": "aw_blog_setup, aw_lib_setup", "amshopby_filter": "amshopby_setup",
		"mageworx_seosuite_redirect": "mageworx_seosuite_setup", "awful": "", "custom": ""} {
		if got := owner(name, codes); got != want {
			t.Errorf("%s belongs to %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"sales_data_exporter_orders": "Magento_SalesDataExporter", "payment_services_store_data": "Magento_PaymentServicesBase",
		"amasty_shopby_page": "Amasty_Shopby", "amasty_faq": "Amasty_Base, Amasty_Shopby", "store_colour": "Magento_Store", "vendor_module": "Vendor_Module", "stores": ""} {
		if got := owner(name, modules); got != want {
			t.Errorf("%s belongs to %q, want %q", name, got, want)
		}
	}
}

func TestSpreadFindingsStayInOrder(t *testing.T) {
	t.Parallel()
	plan := &Plan{Steps: []Step{{"data", "EAV Step", "x"}, {"data", "Data Integrity Step", dataIntegrity}}}
	state := Orphans{Found: []Orphan{{ForeignKey{"b", "FK", "c", "p", "d"}, "1"}}}
	eav := Prediction{Mode: "data", Step: "EAV Step", Message: "first"}
	predictions := append(state.Predictions(plan, &Schema{}), eav)
	Sort(predictions)
	if predictions[0].Message != "first" {
		t.Error(write(predictions))
	}
}

// BenchmarkReadSchema reads as many tables and columns as a Magento 2 has.
func BenchmarkReadSchema(b *testing.B) {
	server := mysqltest.New(b, mysqltest.Options{})
	var script strings.Builder
	for i := range 393 {
		fmt.Fprintf(
			&script,
			"CREATE TABLE vendor_table_%d (a int NOT NULL PRIMARY KEY, b varchar(255), c text, d decimal(12,4), e int, f int, g int, h datetime) ENGINE=InnoDB;\n",
			i,
		)
	}
	if err := server.Exec(b.Context(), "CREATE DATABASE big"); err != nil {
		b.Fatal(err)
	}
	if err := server.Load(b.Context(), "big", script.String()); err != nil {
		b.Fatal(err)
	}
	session, err := database.Open(
		b.Context(),
		database.Endpoint{Host: server.Host(), Port: server.Port(), Name: "big", User: "root"},
		database.Options{StatementTimeout: 10 * time.Minute, Logger: slog.New(slog.DiscardHandler)},
	)
	if err != nil {
		b.Fatal(err)
	}
	defer session.Close()
	b.Run("schema", func(b *testing.B) {
		for b.Loop() {
			if s, err := ReadSchema(b.Context(), session, ""); err != nil || len(s.Documents) != 393 {
				b.Fatal(err)
			}
		}
	})
	b.Run("fingerprint", func(b *testing.B) {
		for b.Loop() {
			if _, err := Fingerprint(b.Context(), session); err != nil {
				b.Fatal(err)
			}
		}
	})
}
