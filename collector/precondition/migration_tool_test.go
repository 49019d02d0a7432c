package precondition_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/shoptest"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/integrity"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config"
)

func TestMigrationToolUnseen(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.WantFinding("migration_tool", finding.Unknown, "migration_tool.config")
	s.WantFinding("migration_tool", finding.Unknown, "magento2.root")
}

func TestMigrationTool(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shoptest.Shop) { s.Prefix1, s.Prefix2 = "mage_", "m2_" })
	root1, root2 := s.WithRoots()
	s.Want("migration_tool", finding.Pass)
	s.WantValue(1, "tool_info", "2.4.7", "2.4.7-p3")

	lock := func(tool, magento string) string {
		versions := map[string]string{"magento/product-community-edition": magento}
		if tool != "" {
			versions["magento/data-migration-tool"] = tool
		}
		return shoptest.ComposerLock(versions)
	}
	for _, tc := range []struct {
		path, content string
		status        finding.Status
		words         []string
	}{
		{"composer.lock", lock("2.4.6.1", "2.4.7-p3"), finding.Warn, []string{"release is not Magento 2's", "2.4.6.1"}},
		{"composer.lock", lock("2.4.7.1", "2.4.7-p9"), finding.Pass, []string{"release fits"}},
		{"composer.lock", lock("2.3.5", "2.4.7-p3"), finding.Fail, []string{"not for this Magento 2"}},
		{"composer.lock", lock("dev-main", "2.4.7-p3"), finding.Unknown, []string{"dev-main"}},
		{
			"composer.lock", lock("", "2.4.7-p3"), finding.Fail,
			[]string{"is not installed", "composer require magento/data-migration-tool:2.4.7"},
		},
		{"composer.lock", "{", finding.Unknown, []string{"composer.lock"}},
		{"composer.lock", lock("2.4.7", "2.4.7-p3"), finding.Pass, nil},
		{
			"app/etc/config.php", shoptest.ConfigPHP("Magento_Store"), finding.Fail,
			[]string{"module is not enabled", "module:enable Magento_DataMigrationTool"},
		},
		{
			"app/etc/config.php", shoptest.ConfigPHP(shoptest.ToolModule + "=0"), finding.Fail,
			[]string{"module is not enabled"},
		},
		{"app/etc/config.php", "<?php return include 'x.php';", finding.Unknown, []string{"config.php"}},
		{"app/etc/config.php", shoptest.ConfigPHP(shoptest.ToolModule), finding.Pass, nil},
		{"config.xml", "<config>", finding.Fail, []string{"config.xml cannot be read"}},
		{
			"config.xml", s.ConfigXML(map[string]string{"source_prefix": ""}), finding.Fail,
			[]string{"disagree on Magento 1's table prefix", `"mage_"`},
		},
		{
			"config.xml", s.ConfigXML(map[string]string{"crypt_key": ""}), finding.Warn,
			[]string{"crypt_key of config.xml is empty"},
		},
		{
			"config.xml", s.ConfigXML(map[string]string{"crypt_key": "other"}), finding.Fail,
			[]string{"crypt_key of config.xml is not Magento 1's"},
		},
		{
			"config.xml", s.ConfigXML(map[string]string{"eav_map_file": "etc/none.xml"}), finding.Fail,
			[]string{"Invalid map filename", "etc/none.xml"},
		},
		{
			"config.xml",
			s.ConfigXML(map[string]string{"map_file": "etc/opensource-to-opensource/1.9.3.0/map.xml.dist"}),
			finding.Fail, []string{"Invalid map filename"},
		},
		{"config.xml", s.ConfigXML(nil), finding.Pass, nil},
		{
			"app/etc/env.php",
			strings.Replace(s.EnvPHP(""), "'table_prefix' => 'm2_'", "'table_prefix' => 'other_'", 1), finding.Fail,
			[]string{"disagree on Magento 2's table prefix", `"other_"`},
		},
		{
			"app/etc/env.php", strings.Replace(s.EnvPHP(""), "'dbname' => '"+s.DB2+"'", "'dbname' => getenv('DB')", 1),
			finding.Unknown, []string{"agree on Magento 2's database", "getenv()"},
		},
		{
			"app/etc/env.php", strings.Replace(s.EnvPHP(""), "'dbname' => '"+s.DB2+"'", "'dbname' => 'elsewhere'", 1),
			finding.Fail, []string{"disagree on Magento 2's database"},
		},
		{
			"app/etc/env.php",
			strings.Replace(s.EnvPHP(""), "'MAGE_MODE' => 'default'", "'MAGE_MODE' => 'developer'", 1), finding.Warn,
			[]string{"developer mode"},
		},
		{
			"app/etc/env.php",
			s.EnvPHP("'resource' => ['default_setup' => ['connection' => 'default'], 'sales' => ['connection' => 'sales']],"),
			finding.Fail, []string{"does not support"},
		},
		{"app/etc/env.php", s.EnvPHP(""), finding.Pass, nil},
		{
			shoptest.ToolDir + "/etc/eav_map_file.xml", "<map>", finding.Fail,
			[]string{"cannot read the file of eav_map_file"},
		},
		{shoptest.ToolDir + "/etc/eav_map_file.xml", shoptest.MapFile("eav_map_file"), finding.Pass, nil},
	} {
		shoptest.WriteUnder(t, root2, tc.path, tc.content)
		if tc.words == nil {
			s.Want("migration_tool", tc.status)
			continue
		}
		s.WantFinding("migration_tool", tc.status, tc.words...)
	}
	for _, tc := range []struct {
		path, content string
		status        finding.Status
		words         []string
	}{
		{"app/Mage.php", shoptest.MagePHP("1.9.3.0", "COMMUNITY"), finding.Warn, []string{"another release"}},
		{"app/Mage.php", shoptest.MagePHP("1.8.1.0", "COMMUNITY"), finding.Fail, []string{"another release"}},
		{"app/Mage.php", shoptest.MagePHP("1.14.4.5", "ENTERPRISE"), finding.Fail, []string{"another edition"}},
		{
			"app/Mage.php",
			strings.Replace(shoptest.MagePHP("1.9.4.5", "COMMUNITY"), "}\n}",
				"}\n    public static function getOpenMageVersionInfo() { return array('major' => '20', 'minor' => '1', 'patch' => '0'); }\n}",
				1),
			finding.Warn, []string{"OpenMage"},
		},
		{"app/Mage.php", shoptest.MagePHP("1.9.4.5", "COMMUNITY"), finding.Pass, nil},
		{
			"app/etc/local.xml", s.LocalXML("mage_", "another"), finding.Fail,
			[]string{"disagree on Magento 1's database", `"another"`},
		},
		{"app/etc/local.xml", "<config>", finding.Unknown, []string{"local.xml"}},
		{"app/etc/local.xml", s.LocalXML("mage_", s.DB1), finding.Pass, nil},
	} {
		shoptest.WriteUnder(t, root1, tc.path, tc.content)
		if tc.words == nil {
			s.Want("migration_tool", tc.status)
			continue
		}
		s.WantFinding("migration_tool", tc.status, tc.words...)
	}
	for _, f := range s.State("migration_tool").Result.Findings {
		if strings.Contains(f.Evidence+f.Remedy+f.Summary, shoptest.CryptKey) {
			t.Errorf("the crypt key is shown: %+v", f)
		}
	}
}

func TestMigrationToolStaleLock(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = s.Server1 })
	_, root2 := s.WithRoots()
	const done = `{"Migration\\App\\SetupDeltaLog":{"setup triggers":{"result":true}},"Migration\\Step\\Map\\Data":{"data migration":{"result":true}},"Migration\\Step\\PostProcessing\\Data":{"data migration":{"result":true}}}`
	shoptest.WriteUnder(t, root2, "var/migration-tool-progress.lock", done)
	s.WantFinding("migration_tool", finding.Fail, "Magento 2 contains none of it", "--reset")
	shoptest.WriteUnder(t, root2, "var/migration-tool-progress.lock", "[]")
	s.Want("migration_tool", finding.Pass)
	shoptest.WriteUnder(t, root2, "var/migration-tool-progress.lock", "{")
	s.WantFinding("migration_tool", finding.Warn, "progress file cannot be read")

	if err := mysqltest.SimulateMigrateData(t.Context(), s.Server1, s.DB1, s.DB2, "", ""); err != nil {
		t.Fatal(err)
	}
	shoptest.WriteUnder(t, root2, "var/migration-tool-progress.lock", done)
	s.Want("migration_tool", finding.Pass)
	s.On2("CREATE TABLE migration_backup_eav_attribute (id int)")
	s.WantFinding("migration_tool", finding.Fail, "died in its EAV step")
	s.On2("DROP TABLE migration_backup_eav_attribute")

	// A new copy of Magento 1 has no triggers.
	tables, err := filepath.Glob(filepath.Join(root2, "var/*"))
	if err != nil || len(tables) != 1 {
		t.Fatal(err, tables)
	}
	for _, table := range s.deltaTables() {
		s.On1("DROP TABLE " + database.Quote(table))
	}
	s.WantFinding("migration_tool", finding.Fail, "this Magento 1 has none")
	if err := os.Remove(tables[0]); err != nil {
		t.Fatal(err)
	}
	s.Want("migration_tool", finding.Pass)
}

func (s *shop) deltaTables() []string {
	s.T.Helper()
	rows, err := s.Root(s.Server1).QueryContext(s.T.Context(),
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME LIKE 'm2\\_cl\\_%'",
		s.DB1)
	if err != nil {
		s.T.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			s.T.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		s.T.Fatal(err)
	}
	return names
}

func TestMigrationToolEncryptedSettings(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shoptest.Shop) { s.Prefix1 = "mage_" })
	_, root2 := s.WithRoots()
	s.WriteTool(root2, map[string]string{"crypt_key": ""})
	shoptest.WriteUnder(
		t,
		root2,
		shoptest.ToolDir+"/etc/settings_map_file.xml",
		`<settings><value><transform><path>payment/acme/key</path><handler class="\Migration\Handler\Encrypt"/></transform></value></settings>`,
	)
	s.WantFinding("migration_tool", finding.Warn, "crypt_key of config.xml is empty")
	s.On1(
		"INSERT INTO mage_core_config_data (scope, scope_id, path, value) VALUES ('default', 0, 'payment/acme/key', 'x')",
	)
	s.WantFinding("migration_tool", finding.Fail, "has encrypted settings")
	s.WriteTool(root2, nil)
	s.Want("migration_tool", finding.Pass)
}

// TestMigrationToolIntegrity predicts the tool's verdict, pastes the remedy, and sees it gone.
func TestMigrationToolIntegrity(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	s.Want("migration_tool", finding.Pass)
	for _, kind := range integrity.Kinds() {
		s.WantValue(0, "integrity_findings", string(kind))
	}
	const path = shoptest.ToolDir + "/etc/opensource-to-opensource/1.9.4.5/map.xml.dist"
	// Every table but the extension's.
	tables := s.tablesBut("acme_giftcard")
	shoptest.WriteUnder(
		t,
		root2,
		path,
		"<map><source><document_rules>"+tables+"</document_rules></source><destination>"+shoptest.IgnoreAll+"</destination></map>",
	)
	f := s.WantFinding("migration_tool", finding.Fail, "Source documents are not mapped: acme_giftcard",
		"<ignore><document>acme_giftcard</document></ignore>")
	if f.Subject != "acme_giftcard" {
		t.Errorf("subject %q", f.Subject)
	}
	s.WantValue(1, "integrity_findings", "documents")
	s.Configure("migration_tool", "{auto: true}")
	s.WantFinding("migration_tool", finding.Warn,
		"Source documents are not mapped: acme_giftcard; with --auto its row stays behind in Magento 1",
		"<ignore><document>acme_giftcard</document></ignore>")
	s.Configure("migration_tool", "{auto: true, severity: fail}")
	s.Want("migration_tool", finding.Fail)
	s.Configure("migration_tool", "{}")
	shoptest.WriteUnder(
		t,
		root2,
		path,
		"<map><source><document_rules>"+tables+"<ignore><document>acme_giftcard</document></ignore></document_rules></source><destination>"+shoptest.IgnoreAll+"</destination></map>",
	)
	s.Want("migration_tool", finding.Pass)
	s.WantValue(0, "integrity_findings", "documents")
}

// TestMigrationToolPassedIntegrity runs the tool in other words: what its check refuses fails until the tool's own files
// show that it is past the check.
func TestMigrationToolPassedIntegrity(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = s.Server1 })
	_, root2 := s.WithRoots()
	shoptest.WriteUnder(t, root2, shoptest.ToolDir+"/etc/opensource-to-opensource/1.9.4.5/map.xml.dist",
		"<map><source><document_rules>"+s.tablesBut("acme_giftcard")+
			"</document_rules></source><destination>"+shoptest.IgnoreAll+"</destination></map>")
	const lock, log = "var/migration-tool-progress.lock", "var/migration.log"
	const settings = `"Migration\\Step\\Settings\\Integrity":{"integrity check":{"result":true}}`
	for _, tc := range []struct {
		lock   string
		status finding.Status
	}{
		{`[]`, finding.Fail},
		{`{` + settings + `}`, finding.Fail},
		{`{` + settings + `,"Migration\\Step\\Map\\Integrity":{"integrity check":{"result":true}}}`, finding.Pass},
		// With --auto a check that finds errors is not noted as done.
		{`{"Migration\\App\\SetupDeltaLog":{"setup triggers":{"result":true}}}`, finding.Pass},
		{`{"Migration\\Step\\Map\\Data":{"run":{"process":["acme"]}}}`, finding.Pass},
	} {
		shoptest.WriteUnder(t, root2, lock, tc.lock)
		s.WantFinding("migration_tool", tc.status, "Source documents are not mapped: acme_giftcard")
	}
	if err := mysqltest.SimulateMigrateData(t.Context(), s.Server1, s.DB1, s.DB2, "", ""); err != nil {
		t.Fatal(err)
	}
	s.Migration.Phase = config.PhaseMigrate
	shoptest.WriteUnder(t, root2, lock, "[]")
	s.WantFinding("migration_tool", finding.Fail, "Source documents are not mapped: acme_giftcard")
	if err := os.Remove(filepath.Join(root2, lock)); err != nil {
		t.Fatal(err)
	}
	s.WantFinding("migration_tool", finding.Fail, "Source documents are not mapped: acme_giftcard")
	shoptest.WriteUnder(t, root2, log, "[2026-11-27T20:40:46.371340+00:00][INFO][mode: data][stage: integrity check]"+
		"[step: Map Step]: started\n[2026-11-27T20:41:10.781661+00:00][INFO][mode: data][stage: data migration]"+
		"[step: Map Step]: started\n")
	s.WantFinding("migration_tool", finding.Pass, "Source documents are not mapped: acme_giftcard")
}

// tablesBut ignores all of Magento 1's tables but one, by name.
func (s *shop) tablesBut(but string) string {
	s.T.Helper()
	rows, err := s.Root(s.Server1).QueryContext(s.T.Context(),
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME <> ?", s.DB1, but)
	if err != nil {
		s.T.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			s.T.Fatal(err)
		}
		b.WriteString("<ignore><document>" + name + "</document></ignore>")
	}
	if err := rows.Err(); err != nil {
		s.T.Fatal(err)
	}
	return b.String()
}

func TestMigrationToolSeverity(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	s.WriteTool(root2, map[string]string{"crypt_key": ""})
	s.Want("migration_tool", finding.Warn)
	s.Configure("migration_tool", "{severity: fail}")
	s.Want("migration_tool", finding.Fail)
}

// TestMigrationToolSourceIsNoMagento1 has each way in which the source cannot be Magento 1: one failure, and no silence
// about what cannot be predicted then.
func TestMigrationToolSourceIsNoMagento1(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change  func(s *shop, root2 string)
		subject string
		words   []string
	}{
		"a prefix that is missing": {func(s *shop, _ string) {
			s.Load(s.Server1, s.DB1, mysqltest.Magento1("shop_"))
			s.dropUnprefixed()
		}, "source_prefix", []string{
			"no Magento 1 without a table prefix", `"shop_"`, "<source_prefix>shop_</source_prefix>",
		}},
		"a Magento 2": {func(s *shop, _ string) {
			s.Migration.Magento1 = s.Migration.Magento2
			s.Migration.Magento1.Root = ""
		}, "source", []string{"is a Magento 2", "swapped"}},
		"a prefix of another case": {func(s *shop, _ string) {
			s.Load(s.Server1, s.DB1, mysqltest.Magento1("Shop_"))
			s.prefix1("shop_")
		}, "source_prefix", []string{`with the table prefix "shop_"`, "<source_prefix>Shop_</source_prefix> into"}},
		"a prefix that LIKE would find": {func(s *shop, _ string) {
			s.Load(s.Server1, s.DB1, mysqltest.Magento1("shopX"))
			s.prefix1("shop_")
		}, "source_prefix", []string{"<source_prefix>shopX</source_prefix> into"}},
		"two shops": {func(s *shop, _ string) {
			s.Load(s.Server1, s.DB1, mysqltest.Magento1("one_"))
			s.On1("CREATE TABLE two_core_resource LIKE one_core_resource", "CREATE TABLE two_core_store LIKE one_core_store")
			s.dropUnprefixed()
		}, "source_prefix", []string{
			"<source_prefix>one_</source_prefix> or <source_prefix>two_</source_prefix>", "whichever",
		}},
		"a registry left without its prefix, and copies of it": {func(s *shop, _ string) {
			s.Load(s.Server1, s.DB1, mysqltest.Magento1("shop_"))
			s.dropUnprefixed()
			s.On1("CREATE TABLE core_resource LIKE shop_core_resource", "CREATE TABLE a_core_resource LIKE core_resource")
		}, "source_prefix", []string{`there is one with "shop_";`, "Write <source_prefix>shop_</source_prefix> into"}},
		"only a copy of the registry": {func(s *shop, _ string) {
			s.On1("CREATE TABLE old_core_resource LIKE core_resource")
			s.dropUnprefixed()
		}, "source", []string{"there is no Magento 1 in", "GRANT"}},
		"a Magento 2 with a prefix": {func(s *shop, _ string) {
			s.dropUnprefixed()
			s.On1("CREATE TABLE m2_setup_module (module int)", "CREATE TABLE m2_store (store_id int)")
		}, "source", []string{"is a Magento 2", `a Magento 2 with "m2_"`, "swapped"}},
		"another program's": {func(s *shop, _ string) {
			s.dropUnprefixed()
			s.On1("CREATE TABLE wp_posts (id int)", "CREATE TABLE wp_store (id int)")
		}, "source", []string{"there is no Magento 1", "GRANT"}},
		"nothing": {
			func(s *shop, _ string) { s.dropUnprefixed() }, "source", []string{"there is no Magento 1", "GRANT"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			_, root2 := s.WithRoots()
			s.Want("migration_tool", finding.Pass)
			tc.change(s, root2)
			f := s.WantFinding("migration_tool", finding.Fail, tc.words...)
			if f.Subject != tc.subject || !strings.Contains(f.Evidence, "is unknown") {
				t.Errorf("%+v", f)
			}
		})
	}
}

// prefix1 drops Magento 1's tables without a prefix, and configures a prefix.
func (s *shop) prefix1(prefix string) {
	s.T.Helper()
	s.dropUnprefixed()
	s.Migration.Magento1.Database.TablePrefix = &prefix
}

// dropUnprefixed drops Magento 1's tables without a prefix.
func (s *shop) dropUnprefixed() {
	s.T.Helper()
	s.On1("SET foreign_key_checks = 0",
		"DROP TABLE core_resource, core_store, sales_flat_order, catalog_category_entity")
}

// TestMigrationToolPredictsNothingOfADatabaseThatIsDown must not be silent about it.
func TestMigrationToolPredictsNothingOfADatabaseThatIsDown(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.WithRoots()
	s.Want("migration_tool", finding.Pass)
	s.Migration.Magento1.Database.Host = "no-such-host.invalid"
	s.WantFinding("migration_tool", finding.Unknown, "the result of the tool's integrity check is unknown", "network")
}

// TestMigrationToolFitsTheReleaseOfTheDatabase has Composer's files that do not name Magento's release.
func TestMigrationToolFitsTheReleaseOfTheDatabase(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	tool := func(release string) {
		shoptest.WriteUnder(t, root2, "composer.lock",
			shoptest.ComposerLock(map[string]string{"magento/data-migration-tool": release}))
	}
	tool("2.4.7")
	s.Want("migration_tool", finding.Pass)
	tool("2.4.6.1")
	s.WantFinding("migration_tool", finding.Warn, "2.4.7 or newer, before 2.4.8")
	s.On2("DELETE FROM patch_list WHERE patch_name LIKE '%CostaRica' OR patch_name LIKE '%Ukraine'")
	s.WantFinding("migration_tool", finding.Unknown, "2.4.4 or newer, before 2.4.7", "magento2_version")
}

// TestMigrationToolMapping compares the mapping folder with what is known of both systems.
func TestMigrationToolMapping(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	root1, root2 := s.WithRoots()
	mage := func(version, edition string) {
		shoptest.WriteUnder(t, root1, "app/Mage.php", shoptest.MagePHP(version, edition))
	}
	shoptest.WriteUnder(t, root2, shoptest.ToolDir+"/etc/opensource-to-opensource/1.9.4.5/config.xml.dist",
		s.ConfigXML(nil))
	s.Want("migration_tool", finding.Pass)
	mage("1.5.1.0", "COMMUNITY")
	f := s.WantFinding("migration_tool", finding.Fail, "no release of Magento 1 as old", "upgrade Magento 1 to 1.6.0.0")
	if f.Subject != "mapping" {
		t.Errorf("subject %q", f.Subject)
	}
	mage("1.9.3.2", "COMMUNITY")
	s.WantFinding("migration_tool", finding.Warn, "another release", "has no folder for this release", "1.9.4.5")
	mage("1.8.1.0", "COMMUNITY")
	s.WantFinding("migration_tool", finding.Fail, "another release")
	mage("1.14.4.5", "ENTERPRISE")
	s.WantFinding("migration_tool", finding.Fail, "another edition of Magento 1")
	mage("1.9.4.5", "COMMUNITY")
	shoptest.WriteUnder(t, root2, "composer.lock", shoptest.ComposerLock(map[string]string{
		"magento/product-enterprise-edition": "2.4.7-p3", "magento/data-migration-tool": "2.4.7",
	}))
	s.WantFinding("migration_tool", finding.Fail, "another edition of Magento 2", "Adobe Commerce")
}

// TestMigrationToolMappingTarget has mappings for and from each edition, and Composer's files of each.
func TestMigrationToolMappingTarget(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	root1, root2 := s.WithRoots()
	lock := func(name string) string {
		return shoptest.ComposerLock(map[string]string{name: "2.4.7-p3", "magento/data-migration-tool": "2.4.7"})
	}
	const open, commerce = "magento/product-community-edition", "magento/product-enterprise-edition"
	for _, tc := range []struct {
		mapping, release, edition, product, want string
	}{
		{"opensource-to-opensource", "1.9.4.5", "COMMUNITY", open, ""},
		{"opensource-to-commerce", "1.9.4.5", "COMMUNITY", open, "Magento 2 is Magento Open Source"},
		{"commerce-to-commerce", "1.14.4.5", "ENTERPRISE", open, "Magento 2 is Magento Open Source"},
		{"ce-to-ee", "1.9.4.5", "COMMUNITY", open, "the mapping is ce-to-ee, Magento 2 is Magento Open Source"},
		{"opensource-to-commerce", "1.9.4.5", "COMMUNITY", "mage-os/product-community-edition", ""},
		{"opensource-to-commerce", "1.9.4.5", "COMMUNITY", commerce, ""},
		{"commerce-to-commerce", "1.14.4.5", "ENTERPRISE", commerce, ""},
		{"opensource-to-opensource", "1.9.4.5", "COMMUNITY", commerce, "Magento 2 is Adobe Commerce"},
		{"ce-to-ce", "1.9.4.5", "COMMUNITY", "magento/magento-cloud-metapackage", "Magento 2 is Adobe Commerce"},
		{"opensource-to-opensource", "1.9.4.5", "COMMUNITY", "magento/magento2-ee-base", "Magento 2 is Adobe Commerce"},
		{"opensource-to-opensource", "1.9.4.5", "COMMUNITY", "magento/magento2-base", ""}, // both have it
	} {
		file := "etc/" + tc.mapping + "/" + tc.release + "/map.xml.dist"
		shoptest.WriteUnder(t, root2, shoptest.ToolDir+"/"+file, shoptest.MapFile("map_file"))
		s.WriteTool(root2, map[string]string{
			"map_file": file, "edition_migrate": tc.mapping, "edition_number": tc.release,
		})
		shoptest.WriteUnder(t, root1, "app/Mage.php", shoptest.MagePHP(tc.release, tc.edition))
		shoptest.WriteUnder(t, root2, "composer.lock", lock(tc.product))
		if tc.want != "" {
			f := s.WantFinding("migration_tool", finding.Fail, "for another edition of Magento 2", tc.want)
			if f.Subject != "mapping target" {
				t.Errorf("%+v: subject %q", tc, f.Subject)
			}
			continue
		}
		s.Evaluate()
		for _, f := range s.State("migration_tool").Result.Findings {
			if f.Status != finding.Pass && strings.HasPrefix(f.Subject, "mapping") {
				t.Errorf("%+v: %+v", tc, f)
			}
		}
	}
}

// TestMigrationToolMappingOfAnOldMagento1 has releases of Magento 1 that no release of the tool can migrate, known from
// its files or from its database.
func TestMigrationToolMappingOfAnOldMagento1(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	root1, _ := s.WithRoots()
	const community, enterprise = "upgrade Magento 1 to 1.6.0.0", "upgrade Magento 1 to 1.11.0.0"
	wants := func(seen, remedy string) {
		t.Helper()
		f := s.WantFinding("migration_tool", finding.Fail, "no release of Magento 1 as old", seen, remedy)
		if f.Subject != "mapping" || strings.Contains(f.Evidence+f.Remedy, "  ") {
			t.Errorf("%+v", f)
		}
	}
	noEdition := strings.NewReplacer("getEdition", "other", "static private $_currentEdition", "static private $x")
	for _, release := range []string{"1.5.1.0", "1.4.2.0", "1.3.3.0"} {
		shoptest.WriteUnder(t, root1, "app/Mage.php", noEdition.Replace(shoptest.MagePHP(release, "COMMUNITY")))
		wants("Magento 1 is Community "+release, community)
	}
	shoptest.WriteUnder(t, root1, "app/Mage.php", shoptest.MagePHP("1.10.1.1", "ENTERPRISE"))
	wants("Magento 1 is Enterprise 1.10.1.1", enterprise)
	s.Migration.Magento1.Root = ""
	for versions, want := range map[string]string{
		"('catalog_setup', '1.4.0.0.44'), ('core_setup', '0.8.28')":                                    "Community 1.5.1.0",
		"('catalog_setup', '1.4.0.0.28'), ('core_setup', '0.8.26')":                                    "Community 1.4.1.0 to 1.4.1.1",
		"('catalog_setup', '1.4.0.0.43'), ('core_setup', '0.8.28'), ('enterprise_cms_setup', '0.7.1')": "Enterprise 1.10.0.0",
	} {
		s.On1("DELETE FROM core_resource", "INSERT INTO core_resource (code, version) VALUES "+versions)
		remedy := community
		if strings.HasPrefix(want, "Enterprise") {
			remedy = enterprise
		}
		f := s.WantFinding("migration_tool", finding.Fail, "no release of Magento 1 as old", want, remedy)
		if !strings.Contains(f.Evidence, "core_resource has ") {
			t.Errorf("%+v", f)
		}
	}
}

// TestMigrationToolMappingFolder has a tool with folders of all editions: the remedy names the one for both systems.
func TestMigrationToolMappingFolder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	root1, root2 := s.WithRoots()
	for _, edition := range []string{"commerce-to-commerce", "opensource-to-commerce", "opensource-to-opensource"} {
		for _, release := range []string{"1.9.3.10", "1.9.4.4", "1.14.3.10"} {
			if strings.HasPrefix(edition, "commerce") == strings.HasPrefix(release, "1.14") {
				shoptest.WriteUnder(
					t,
					root2,
					shoptest.ToolDir+"/etc/"+edition+"/"+release+"/config.xml.dist",
					"<config/>",
				)
			}
		}
	}
	for _, tc := range []struct{ release, edition, product, want string }{
		{"1.9.3.10", "COMMUNITY", "community", "Take config.xml.dist from */etc/opensource-to-opensource/1.9.3.10."},
		{"1.9.3.10", "COMMUNITY", "enterprise", "Take config.xml.dist from */etc/opensource-to-commerce/1.9.3.10."},
		{"1.9.3.9", "COMMUNITY", "community", "no folder for this release. Take config.xml.dist from */etc/opensource-to-opensource/1.9.4.4"},
		{"1.14.3.10", "ENTERPRISE", "enterprise", "Take config.xml.dist from */etc/commerce-to-commerce/1.14.3.10."},
		{"1.14.3.10", "ENTERPRISE", "community", "Take config.xml.dist from the folder of this edition and release"},
	} {
		shoptest.WriteUnder(t, root1, "app/Mage.php", shoptest.MagePHP(tc.release, tc.edition))
		shoptest.WriteUnder(t, root2, "composer.lock", shoptest.ComposerLock(map[string]string{
			"magento/product-" + tc.product + "-edition": "2.4.7-p3", "magento/data-migration-tool": "2.4.7",
		}))
		s.Evaluate()
		var remedies []string
		for _, f := range s.State("migration_tool").Result.Findings {
			if f.Subject == "mapping" {
				remedies = append(remedies, f.Remedy)
			}
		}
		want := strings.ReplaceAll(tc.want, "*", filepath.Join(root2, shoptest.ToolDir))
		if len(remedies) != 1 || !strings.Contains(remedies[0], want) {
			t.Errorf("%+v: %q", tc, remedies)
		}
	}
}

// TestMigrationToolMappingFromTheDatabase has Magento 1 on another host: its modules' versions say the release.
func TestMigrationToolMappingFromTheDatabase(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.WithRoots()
	s.Migration.Magento1.Root = ""
	versions := func(catalog, sales, core string) {
		s.On1(
			"DELETE FROM core_resource",
			"INSERT INTO core_resource (code, version) VALUES ('catalog_setup', '"+catalog+
				"'), ('sales_setup', '"+sales+"'), ('core_setup', '"+core+"')",
		)
	}
	versions("1.6.0.0.19.1.6", "1.6.0.10", "1.6.0.10")
	s.Want("migration_tool", finding.Unknown) // local.xml
	for _, f := range s.State("migration_tool").Result.Findings {
		if f.Subject == "mapping" {
			t.Errorf("the mapping of 1.9.4.5 fits: %+v", f)
		}
	}
	s.On1("DELETE FROM core_resource")
	s.WantFinding("migration_tool", finding.Unknown, "whether the mapping fits", "core_resource", "magento1.root")
}

// TestMigrationToolHandlers names a class that another release of the tool had.
func TestMigrationToolHandlers(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	s.Want("migration_tool", finding.Pass)
	const settings = shoptest.ToolDir + "/etc/settings_map_file.xml"
	whole := shoptest.MapFile("settings_map_file")
	shoptest.WriteUnder(t, root2, settings,
		strings.Replace(whole, `\Migration\Handler\Convert`, `\Migration\Handler\Settings\Encrypt`, 1))
	f := s.WantFinding("migration_tool", finding.Warn, `Migration\Handler\Settings\Encrypt`, "settings_map_file.xml:1:")
	if f.Subject != "settings_map_file" {
		t.Errorf("subject %q", f.Subject)
	}
	shoptest.WriteUnder(t, root2, shoptest.ToolDir+"/src/Migration/Handler/Settings/Encrypt.php", "<?php")
	s.Want("migration_tool", finding.Pass)
}

// TestMigrationToolClasses has classes that the tool's release lacks, and such that a module or a package has.
func TestMigrationToolClasses(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	own := "src/Migration/Step/"
	for _, class := range []string{"Settings/Integrity", "Map/Integrity", "Map/Data", "Map/Delta"} {
		shoptest.WriteUnder(t, root2, shoptest.ToolDir+"/"+own+class+".php", "<?php")
	}
	s.Want("migration_tool", finding.Pass)
	// A step of a newer release of the tool.
	whole := s.ConfigXML(nil)
	step := func(class string) {
		shoptest.WriteUnder(t, root2, "config.xml", strings.Replace(whole, `<steps mode="data">`,
			`<steps mode="data"><step title="Inventory Step"><integrity>`+class+`</integrity></step>`, 1))
	}
	step(`Migration\Step\Inventory\Integrity`)
	f := s.WantFinding("migration_tool", finding.Warn, "a step of migrate:data has a class", "config.xml:5:",
		`Inventory Step: Migration\Step\Inventory\Integrity`)
	if f.Subject != "steps" {
		t.Errorf("subject %q", f.Subject)
	}
	step(`Acme\Migration\Step\Points`)
	s.WantFinding("migration_tool", finding.Warn, `Acme\Migration\Step\Points`)
	shoptest.WriteUnder(t, root2, "app/code/Acme/Migration/Step/Points.php", "<?php")
	s.Want("migration_tool", finding.Pass)
	shoptest.WriteUnder(t, root2, "config.xml", whole)

	const settings = shoptest.ToolDir + "/etc/settings_map_file.xml"
	handler := func(class string) {
		shoptest.WriteUnder(t, root2, settings,
			strings.Replace(shoptest.MapFile("settings_map_file"), `\Migration\Handler\Convert`, class, 1))
	}
	for _, class := range []string{
		`Migration\Handler\Settings\Encrypt`, `\Migration\Handler\convert`, `\Acme\Migration\Handler\Points`,
		`\Migration\Handler\Convert\Twice`,
	} {
		handler(class)
		s.WantFinding("migration_tool", finding.Warn, "a map file has a class", strings.TrimPrefix(class, `\`))
	}
	handler(`\Acme\Migration\Handler\Points`)
	lock := shoptest.ComposerLock(map[string]string{
		"magento/product-community-edition": "2.4.7-p3", "magento/data-migration-tool": "2.4.7", "acme/points": "1.0.0",
	})
	shoptest.WriteUnder(t, root2, "composer.lock", strings.ReplaceAll(lock, `"type": "magento2-module"`,
		`"type": "magento2-module", "autoload": {"psr-4": {"Acme\\Migration\\": ["lib/", "src"]}}`))
	s.WantFinding("migration_tool", finding.Warn, `Acme\Migration\Handler\Points`)
	shoptest.WriteUnder(t, root2, "vendor/acme/points/src/Handler/Points.php", "<?php")
	s.Want("migration_tool", finding.Pass)
}

// steps replaces those of migrate:data in the tool's configuration by steps of these titles and classes.
func (s *shop) steps(root2 string, classes ...[2]string) {
	s.T.Helper()
	var steps strings.Builder
	for _, c := range classes {
		fmt.Fprintf(&steps, "<step title=%q><integrity>%s</integrity></step>", c[0], c[1])
	}
	const mode = `<steps mode="data">`
	shoptest.WriteUnder(s.T, root2, "config.xml", strings.Replace(s.ConfigXML(nil), mode, mode+steps.String(), 1))
}

// orphans makes tables with one foreign key and one orphan each. A key takes longer than one evaluation looks for
// orphans, because the table that it leads to waits.
func (s *shop) orphans(tables ...string) {
	s.T.Helper()
	statements := []string{"SET FOREIGN_KEY_CHECKS=0"}
	for _, name := range tables {
		statements = append(statements, "CREATE TABLE "+name+" (id int PRIMARY KEY, parent int, CONSTRAINT FK_"+name+
			" FOREIGN KEY (parent) REFERENCES acme_parent (id)) ENGINE=InnoDB", "INSERT INTO "+name+" VALUES (1, 77)")
	}
	s.On1(append(statements, "CREATE VIEW acme_parent AS SELECT 1 AS id FROM core_website WHERE SLEEP(0.4) = 0")...)
}

// TestMigrationToolSearchesOrphansInParts looks for orphans a part at an evaluation: until all has been looked at, what
// is found is unknown. check evaluates until it has been.
func TestMigrationToolSearchesOrphansInParts(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shoptest.Shop) { s.Hasty = true })
	_, root2 := s.WithRoots()
	s.steps(root2, [2]string{"Data Integrity Step", `Migration\Step\DataIntegrity\Integrity`})
	s.orphans("acme_a", "acme_b", "acme_c")
	m := s.Board.Configure([]config.Migration{*s.Migration})[0]
	for _, seen := range []string{"1 of 3", "2 of 3"} {
		s.Evaluator.Evaluate(t.Context(), m, time.Duration(s.Global.EvaluationTimeout))
		s.HasAnyFinding("migration_tool", finding.Unknown, "has not ended", seen)
		if got, ok := s.Value("integrity_findings", "foreign_keys"); !ok || got != float64(seen[0]-'0') {
			t.Errorf("with %s keys checked %v have orphans", seen, got)
		}
		s.WantAbsent("integrity_findings", "url_rewrites")
	}
	s.Evaluator.Evaluate(t.Context(), m, time.Duration(s.Global.EvaluationTimeout))
	wantOrphans := func() {
		t.Helper()
		for _, table := range []string{"acme_a", "acme_b", "acme_c"} {
			s.HasFinding("migration_tool", finding.Fail, "FK_"+table, "77")
		}
		s.WantValue(3, "integrity_findings", "foreign_keys")
		s.WantValue(0, "integrity_findings", "url_rewrites")
	}
	wantOrphans()
	s.Hasty = false
	s.Start()
	s.Evaluate()
	wantOrphans()
}

// TestMigrationToolSearchesOrphansBesideSlowRewrites lets the search for duplicate URL rewrites never end: all orphans
// are found all the same.
func TestMigrationToolSearchesOrphansBesideSlowRewrites(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	s.steps(root2, [2]string{"UrlRewrite Step", `Migration\Step\UrlRewrite\Version11410to2000`},
		[2]string{"Data Integrity Step", `Migration\Step\DataIntegrity\Integrity`})
	s.orphans("acme_a", "acme_b")
	for _, table := range []string{
		"enterprise_url_rewrite", "catalog_product_entity_url_key", "catalog_product_website",
		"catalog_category_entity_url_key", "enterprise_url_rewrite_redirect", "cms_page", "cms_page_store",
	} {
		s.On1(
			"CREATE TABLE IF NOT EXISTS " + table + " (redirect_id int, url_rewrite_id int, request_path varchar(255), " +
				"target_path varchar(255), store_id int, entity_type int, value_id int, identifier varchar(255), " +
				"product_id int, category_id int, entity_id int, website_id int, page_id int)",
		)
	}
	s.On1("INSERT INTO enterprise_url_rewrite_redirect (redirect_id) VALUES (1)",
		"RENAME TABLE enterprise_url_rewrite_redirect TO hidden",
		"CREATE VIEW enterprise_url_rewrite_redirect AS SELECT * FROM hidden WHERE SLEEP(3600) = 0")
	s.EvaluateHungFinding("migration_tool", finding.Unknown, "duplicate URL rewrites", "takes too long")
	s.WantValue(2, "integrity_findings", "foreign_keys")
}
