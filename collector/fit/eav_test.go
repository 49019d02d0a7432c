package fit

import (
	"testing"
)

func TestGroupCode(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"General":            "general",
		"Product Details":    "product-details",
		"product-details":    "product-details",
		" Meta  Information": "meta-information",
		"A & B":              "a-b",
		"A &amp; B":          "a-and-b",
		"Größe":              "grose", // the table has one letter for an umlaut, and ss for ß follows
		"Élan":               "elan",
		"日本":                 "d41d8cd98f00b204e9800998ecf8427e",
		"한국":                 "d41d8cd98f00b204e9800998ecf8427e",
		"日本 1":               "1",
		"0":                  "cfcd208495d565ef66e7dff9f98764da",
		"@home":              "athome",
	} {
		if name == "Größe" {
			want = "grosse"
		}
		if code, certain := groupCode(name); code != want || !certain {
			t.Errorf("%s: %s %v, want %s", name, code, certain, want)
		}
	}
	for _, name := range []string{"ãb", "Ж", "α", "ב"} {
		if _, certain := groupCode(name); certain {
			t.Errorf("%s: it is not known what Magento makes of this", name)
		}
	}
}

func TestStoreGroupCode(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Main Website Store": "main_website_store", "main website  store": "main_website_store", "1st shop": "st_shop",
		"日本": "store_group", "Ünder": "nder", "-_a": "a", "": "store_group",
	} {
		if got := storeGroupCode(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func FuzzGroupCode(f *testing.F) {
	f.Add("Größe")
	f.Add("日本")
	f.Fuzz(func(t *testing.T, name string) {
		code, _ := groupCode(name)
		if code == "" || noCode.MatchString(code) && code[0] == '-' {
			t.Errorf("%q: %q", name, code)
		}
		if storeGroupCode(name) == "" {
			t.Errorf("%q has no code as a group of stores", name)
		}
	})
}

// eavSchema is what both systems have, with Magento 2's keys where they are.
const eavSchema = `
CREATE TABLE eav_entity_type (entity_type_id smallint unsigned NOT NULL PRIMARY KEY, entity_type_code varchar(50) NOT NULL);
CREATE TABLE eav_attribute (attribute_id smallint unsigned NOT NULL PRIMARY KEY, entity_type_id smallint unsigned NOT NULL,
	attribute_code varchar(255) NOT NULL, backend_type varchar(8) NOT NULL, is_user_defined smallint NOT NULL,
	UNIQUE KEY attribute (entity_type_id, attribute_code));
CREATE TABLE eav_attribute_set (attribute_set_id smallint unsigned NOT NULL PRIMARY KEY,
	entity_type_id smallint unsigned NOT NULL, attribute_set_name varchar(255) NOT NULL,
	UNIQUE KEY attribute_set (entity_type_id, attribute_set_name));
INSERT INTO eav_entity_type VALUES (1, 'customer'), (4, 'catalog_product');
INSERT INTO eav_attribute_set VALUES (1, 1, 'Default'), (4, 4, 'Default');
`

const eavMagento1 = `
CREATE TABLE eav_attribute_group (attribute_group_id smallint unsigned NOT NULL PRIMARY KEY,
	attribute_set_id smallint unsigned NOT NULL, attribute_group_name varchar(255) NOT NULL,
	UNIQUE KEY name (attribute_set_id, attribute_group_name));
INSERT INTO eav_attribute_group VALUES (1, 1, 'General'), (4, 4, 'General'), (5, 4, 'Prices'), (6, 4, 'Images');
INSERT INTO eav_attribute VALUES (1, 4, 'color', 'int', 1), (2, 4, 'msrp_enabled', 'varchar', 0);
`

const eavMagento2 = `
CREATE TABLE eav_attribute_group (attribute_group_id smallint unsigned NOT NULL PRIMARY KEY,
	attribute_set_id smallint unsigned NOT NULL, attribute_group_name varchar(255) NOT NULL,
	attribute_group_code varchar(255) NOT NULL, UNIQUE KEY name (attribute_set_id, attribute_group_name),
	UNIQUE KEY code (attribute_set_id, attribute_group_code));
INSERT INTO eav_attribute_group VALUES (1, 1, 'General', 'general'), (4, 4, 'Product Details', 'product-details'),
	(5, 4, 'Images', 'image-management'), (6, 4, 'Advanced Pricing', 'advanced-pricing');
INSERT INTO eav_attribute VALUES (1, 4, 'color', 'int', 1), (3, 4, 'cost', 'decimal', 0);
`

func TestAttributes(t *testing.T) {
	t.Parallel()
	for _, f := range flavors() {
		for _, test := range []struct{ name, magento1, magento2, want string }{
			{"as installed", "", "", ""},
			{"a group with the code of one of Magento 2", "INSERT INTO eav_attribute_group VALUES (9, 4, 'product-details')", "",
				"attribute_group eav_attribute_group code"},
			{"a group of Magento 1's own", "INSERT INTO eav_attribute_group VALUES (9, 4, 'Measures')", "", ""},
			{"the name in another spelling", "INSERT INTO eav_attribute_group VALUES (9, 4, 'advanced pricing')", "",
				"attribute_group eav_attribute_group code, attribute_group eav_attribute_group name"},
			{"two groups without a letter of Latin",
				"INSERT INTO eav_attribute_group VALUES (9, 4, '日本'), (10, 4, '東京')", "",
				"attribute_group eav_attribute_group code"},
			{"two groups of another set", "INSERT INTO eav_attribute_set VALUES (9, 4, 'Shoes'); " +
				"INSERT INTO eav_attribute_group VALUES (9, 9, 'A B'), (10, 9, 'A-B'), (11, 9, 'General')", "",
				"attribute_group eav_attribute_group code"},
			{"a set that both have", "INSERT INTO eav_attribute_set VALUES (9, 4, 'Bag')",
				"INSERT INTO eav_attribute_set VALUES (9, 4, 'Bag'); INSERT INTO eav_attribute_group VALUES " +
					"(9, 9, 'Images', 'image-management')",
				"attribute_group eav_attribute_group code, attribute_group eav_attribute_group name"},
			{"a customer's set with another id", "UPDATE eav_attribute_set SET attribute_set_id = 7 WHERE attribute_set_id = 1; " +
				"UPDATE eav_attribute_group SET attribute_set_id = 7 WHERE attribute_set_id = 1", "",
				"attribute_group eav_attribute_group code, attribute_group eav_attribute_group name"},
			{"a set in another spelling", "INSERT INTO eav_attribute_set VALUES (9, 4, 'BAG')",
				"INSERT INTO eav_attribute_set VALUES (9, 4, 'Bag')", "attribute_set eav_attribute_set attribute_set"},
			{"an attribute in another spelling", "INSERT INTO eav_attribute VALUES (9, 4, 'COST', 'decimal', 1)", "",
				"attribute eav_attribute attribute"},
			{"an attribute of another entity", "INSERT INTO eav_attribute VALUES (9, 1, 'COST', 'decimal', 1)", "", ""},
			{"an attribute of another type", "INSERT INTO eav_attribute VALUES (9, 4, 'cost', 'varchar', 1)", "",
				"attribute_type eav_attribute.cost"},
			{"an attribute that is left out", "", "INSERT INTO eav_attribute VALUES (9, 4, 'msrp_enabled', 'int', 0)", ""},
		} {
			t.Run(f.String()+"/"+test.name, func(t *testing.T) {
				l := newLab(t, f)
				l.shop(0, eavSchema+eavMagento1+test.magento1)
				l.shop(1, eavSchema+eavMagento2+test.magento2)
				if got := kinds(l.foretell().Problems); got != test.want {
					t.Errorf("got  %s\nwant %s", got, test.want)
				}
			})
		}
	}
}

func TestStoreGroups(t *testing.T) {
	t.Parallel()
	for rows, want := range map[string]string{
		"(0, 'Default'), (1, 'Main Store'), (2, 'Second')":                           "",
		"(0, 'Default'), (1, 'Main Store'), (2, 'Main Store')":                       "", // gets a code of chance
		"(0, 'Default'), (1, 'Main Store'), (2, 'main store'), (3, '日本'), (4, '東京')": "store_group store_group code",
	} {
		l := newLab(t, flavors()[0])
		l.shop(0, "CREATE TABLE core_store_group (group_id smallint NOT NULL PRIMARY KEY, name varchar(255)); "+
			"INSERT INTO core_store_group VALUES "+rows)
		l.shop(1, "CREATE TABLE store_group (group_id smallint NOT NULL PRIMARY KEY, name varchar(255), "+
			"code varchar(32), UNIQUE KEY code (code))")
		if got := kinds(l.foretell().Problems); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", rows, got, want)
		}
	}
}
