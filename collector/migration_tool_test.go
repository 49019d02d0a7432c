package collector

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/collector/integrity"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config"
)

func TestMigrationToolUnseen(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.wantFinding("migration_tool", Unknown, "migration_tool.config")
	s.wantFinding("migration_tool", Unknown, "magento2.root")
}

func TestMigrationTool(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shop) { s.prefix1, s.prefix2 = "mage_", "m2_" })
	root1, root2 := s.withRoots()
	s.want("migration_tool", Pass)
	s.wantValue(1, toolInfo, "2.4.7", "2.4.7-p3")

	lock := func(tool, magento string) string {
		versions := map[string]string{"magento/product-community-edition": magento}
		if tool != "" {
			versions["magento/data-migration-tool"] = tool
		}
		return composerLock(versions)
	}
	for _, tc := range []struct {
		path, content string
		status        Status
		words         []string
	}{
		{"composer.lock", lock("2.4.6.1", "2.4.7-p3"), Warn, []string{"release is not Magento 2's", "2.4.6.1"}},
		{"composer.lock", lock("2.4.7.1", "2.4.7-p9"), Pass, []string{"release fits"}},
		{"composer.lock", lock("2.3.5", "2.4.7-p3"), Fail, []string{"not for this Magento 2"}},
		{"composer.lock", lock("dev-main", "2.4.7-p3"), Unknown, []string{"dev-main"}},
		{"composer.lock", lock("", "2.4.7-p3"), Fail, []string{"is not installed", "composer require magento/data-migration-tool:2.4.7"}},
		{"composer.lock", "{", Unknown, []string{"composer.lock"}},
		{"composer.lock", lock("2.4.7", "2.4.7-p3"), Pass, nil},
		{"app/etc/config.php", configPHP("Magento_Store"), Fail, []string{"module is not enabled", "module:enable Magento_DataMigrationTool"}},
		{"app/etc/config.php", configPHP(toolModule + "=0"), Fail, []string{"module is not enabled"}},
		{"app/etc/config.php", "<?php return include 'x.php';", Unknown, []string{"config.php"}},
		{"app/etc/config.php", configPHP(toolModule), Pass, nil},
		{"config.xml", "<config>", Fail, []string{"config.xml cannot be read"}},
		{"config.xml", s.configXML(map[string]string{"source_prefix": ""}), Fail, []string{"disagree on Magento 1's table prefix", `"mage_"`}},
		{"config.xml", s.configXML(map[string]string{"crypt_key": ""}), Warn, []string{"crypt_key of config.xml is empty"}},
		{"config.xml", s.configXML(map[string]string{"crypt_key": "other"}), Fail, []string{"crypt_key of config.xml is not Magento 1's"}},
		{"config.xml", s.configXML(map[string]string{"eav_map_file": "etc/none.xml"}), Fail, []string{"Invalid map filename", "etc/none.xml"}},
		{"config.xml", s.configXML(map[string]string{"map_file": "etc/opensource-to-opensource/1.9.3.0/map.xml.dist"}), Fail, []string{"Invalid map filename"}},
		{"config.xml", s.configXML(nil), Pass, nil},
		{"app/etc/env.php", strings.Replace(s.envPHP(""), "'table_prefix' => 'm2_'", "'table_prefix' => 'other_'", 1), Fail, []string{"disagree on Magento 2's table prefix", `"other_"`}},
		{"app/etc/env.php", strings.Replace(s.envPHP(""), "'dbname' => '"+s.db2+"'", "'dbname' => getenv('DB')", 1), Unknown, []string{"agree on Magento 2's database", "getenv()"}},
		{"app/etc/env.php", strings.Replace(s.envPHP(""), "'dbname' => '"+s.db2+"'", "'dbname' => 'elsewhere'", 1), Fail, []string{"disagree on Magento 2's database"}},
		{"app/etc/env.php", strings.Replace(s.envPHP(""), "'MAGE_MODE' => 'default'", "'MAGE_MODE' => 'developer'", 1), Warn, []string{"developer mode"}},
		{"app/etc/env.php", s.envPHP("'resource' => ['default_setup' => ['connection' => 'default'], 'sales' => ['connection' => 'sales']],"), Fail, []string{"does not support"}},
		{"app/etc/env.php", s.envPHP(""), Pass, nil},
		{toolDir + "/etc/eav_map_file.xml", "<map>", Fail, []string{"cannot read the file of eav_map_file"}},
		{toolDir + "/etc/eav_map_file.xml", mapFile("eav_map_file"), Pass, nil},
	} {
		writeUnder(t, root2, tc.path, tc.content)
		if tc.words == nil {
			s.want("migration_tool", tc.status)
			continue
		}
		s.wantFinding("migration_tool", tc.status, tc.words...)
	}
	for _, tc := range []struct {
		path, content string
		status        Status
		words         []string
	}{
		{"app/Mage.php", magePHP("1.9.3.0", "COMMUNITY"), Warn, []string{"another release"}},
		{"app/Mage.php", magePHP("1.8.1.0", "COMMUNITY"), Fail, []string{"another release"}},
		{"app/Mage.php", magePHP("1.14.4.5", "ENTERPRISE"), Fail, []string{"another edition"}},
		{"app/Mage.php", strings.Replace(magePHP("1.9.4.5", "COMMUNITY"), "}\n}", "}\n    public static function getOpenMageVersionInfo() { return array('major' => '20', 'minor' => '1', 'patch' => '0'); }\n}", 1), Warn, []string{"OpenMage"}},
		{"app/Mage.php", magePHP("1.9.4.5", "COMMUNITY"), Pass, nil},
		{"app/etc/local.xml", s.localXML("mage_", "another"), Fail, []string{"disagree on Magento 1's database", `"another"`}},
		{"app/etc/local.xml", "<config>", Unknown, []string{"local.xml"}},
		{"app/etc/local.xml", s.localXML("mage_", s.db1), Pass, nil},
	} {
		writeUnder(t, root1, tc.path, tc.content)
		if tc.words == nil {
			s.want("migration_tool", tc.status)
			continue
		}
		s.wantFinding("migration_tool", tc.status, tc.words...)
	}
	for _, f := range s.board.Snapshot()[0].precondition("migration_tool").Result.Findings {
		if strings.Contains(f.Evidence+f.Remedy+f.Summary, cryptKey) {
			t.Errorf("the crypt key is shown: %+v", f)
		}
	}
}

func TestMigrationToolStaleLock(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shop) { s.server2 = s.server1 })
	_, root2 := s.withRoots()
	const done = `{"Migration\\App\\SetupDeltaLog":{"setup triggers":{"result":true}},"Migration\\Step\\Map\\Data":{"data migration":{"result":true}},"Migration\\Step\\PostProcessing\\Data":{"data migration":{"result":true}}}`
	writeUnder(t, root2, "var/migration-tool-progress.lock", done)
	s.wantFinding("migration_tool", Fail, "Magento 2 holds none of it", "--reset")
	writeUnder(t, root2, "var/migration-tool-progress.lock", "[]")
	s.want("migration_tool", Pass)
	writeUnder(t, root2, "var/migration-tool-progress.lock", "{")
	s.wantFinding("migration_tool", Warn, "progress file cannot be read")

	if err := mysqltest.SimulateMigrateData(t.Context(), s.server1, s.db1, s.db2, "", ""); err != nil {
		t.Fatal(err)
	}
	writeUnder(t, root2, "var/migration-tool-progress.lock", done)
	s.want("migration_tool", Pass)
	s.on1("INSERT INTO m2_cl_sales_flat_order (entity_id, operation, processed) VALUES (1, 'UPDATE', 1)")
	s.wantFinding("migration_tool", Warn, "drops them unseen", "m2_cl_sales_flat_order")
	s.on1("UPDATE m2_cl_sales_flat_order SET processed = 0")
	s.want("migration_tool", Pass)
	s.on2("CREATE TABLE migration_backup_eav_attribute (id int)")
	s.wantFinding("migration_tool", Fail, "died in its EAV step")
	s.on2("DROP TABLE migration_backup_eav_attribute")

	// A new copy of Magento 1 has no triggers.
	tables, err := filepath.Glob(filepath.Join(root2, "var/*"))
	if err != nil || len(tables) != 1 {
		t.Fatal(err, tables)
	}
	for _, table := range s.deltaTables() {
		s.on1("DROP TABLE " + quoted(table))
	}
	s.wantFinding("migration_tool", Fail, "this Magento 1 has none")
	if err := os.Remove(tables[0]); err != nil {
		t.Fatal(err)
	}
	s.want("migration_tool", Pass)
}

func (s *shop) deltaTables() []string {
	s.t.Helper()
	rows, err := rootOf(s.t, s.server1).QueryContext(s.t.Context(), "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME LIKE 'm2\\_cl\\_%'", s.db1)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			s.t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return names
}

func TestMigrationToolEncryptedSettings(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shop) { s.prefix1 = "mage_" })
	_, root2 := s.withRoots()
	s.writeTool(root2, map[string]string{"crypt_key": ""})
	writeUnder(t, root2, toolDir+"/etc/settings_map_file.xml", `<settings><value><transform><path>payment/acme/key</path><handler class="\Migration\Handler\Encrypt"/></transform></value></settings>`)
	s.wantFinding("migration_tool", Warn, "crypt_key of config.xml is empty")
	s.on1("INSERT INTO mage_core_config_data (scope, scope_id, path, value) VALUES ('default', 0, 'payment/acme/key', 'x')")
	s.wantFinding("migration_tool", Fail, "has encrypted settings")
	s.writeTool(root2, nil)
	s.want("migration_tool", Pass)
}

// TestMigrationToolIntegrity foretells the tool's verdict, pastes the remedy, and sees it gone.
func TestMigrationToolIntegrity(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.withRoots()
	s.want("migration_tool", Pass)
	for _, kind := range integrity.Kinds() {
		s.wantValue(0, integrityFindings, string(kind))
	}
	const path = toolDir + "/etc/opensource-to-opensource/1.9.4.5/map.xml.dist"
	// Every table but the extension's.
	tables := s.tablesBut("acme_giftcard")
	writeUnder(t, root2, path, "<map><source><document_rules>"+tables+"</document_rules></source><destination>"+ignoreAll+"</destination></map>")
	f := s.wantFinding("migration_tool", Warn, "Source documents are not mapped: acme_giftcard", "<ignore><document>acme_giftcard</document></ignore>")
	if f.Subject != "acme_giftcard" {
		t.Errorf("subject %q", f.Subject)
	}
	s.wantValue(1, integrityFindings, "documents")
	s.migration.Preconditions.Others = map[string]config.Judgment{"migration_tool": {Severity: config.SeverityFail}}
	s.want("migration_tool", Fail)
	writeUnder(t, root2, path, "<map><source><document_rules>"+tables+"<ignore><document>acme_giftcard</document></ignore></document_rules></source><destination>"+ignoreAll+"</destination></map>")
	s.want("migration_tool", Pass)
	s.wantValue(0, integrityFindings, "documents")
}

// tablesBut ignores all of Magento 1's tables but one, by name.
func (s *shop) tablesBut(but string) string {
	s.t.Helper()
	rows, err := rootOf(s.t, s.server1).QueryContext(s.t.Context(), "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME <> ?", s.db1, but)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			s.t.Fatal(err)
		}
		b.WriteString("<ignore><document>" + name + "</document></ignore>")
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return b.String()
}

func TestMigrationToolSeverity(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.withRoots()
	s.writeTool(root2, map[string]string{"crypt_key": ""})
	s.want("migration_tool", Warn)
	s.migration.Preconditions.Others = map[string]config.Judgment{"migration_tool": {Severity: config.SeverityFail}}
	s.want("migration_tool", Fail)
}

// TestMigrationToolSaysWhatItCannotRead takes the change log's columns away, as an account without SELECT on it would see.
func TestMigrationToolSaysWhatItCannotRead(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shop) { s.server2 = s.server1 })
	s.withRoots()
	if err := mysqltest.SimulateMigrateData(t.Context(), s.server1, s.db1, s.db2, "", ""); err != nil {
		t.Fatal(err)
	}
	s.want("migration_tool", Pass)
	s.on1("ALTER TABLE m2_cl_sales_flat_order CHANGE processed done tinyint(1)")
	s.wantFinding("migration_tool", Unknown, "reading Magento 1's database failed")
}
