package shoptest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/config"
)

// WriteUnder makes a file with its folders; an empty content removes it.
func WriteUnder(t *testing.T, root, path, content string) {
	t.Helper()
	full := filepath.Join(root, path)
	if content == "" {
		if err := os.Remove(full); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// MagePHP is app/Mage.php of a Community release.
func MagePHP(version, edition string) string {
	n := strings.Split(version, ".")
	return fmt.Sprintf(`<?php
final class Mage
{
    const EDITION_COMMUNITY    = 'Community';
    const EDITION_ENTERPRISE   = 'Enterprise';
    static private $_currentEdition = self::EDITION_%s;
    public static function getVersion()
    {
        $i = self::getVersionInfo();
        return trim("{$i['major']}.{$i['minor']}.{$i['revision']}" . ($i['patch'] != '' ? ".{$i['patch']}" : "")
                        . "-{$i['stability']}{$i['number']}", '.-');
    }
    public static function getVersionInfo()
    {
        return array('major' => '%s', 'minor' => '%s', 'revision' => '%s', 'patch' => '%s', 'stability' => '', 'number' => '');
    }
    public static function getEdition()
    {
       return self::$_currentEdition;
    }
}
`, edition, n[0], n[1], n[2], n[3])
}

// Module declares a Magento 1 module.
func Module(name, pool string, active bool) string {
	return fmt.Sprintf(
		"<?xml version=\"1.0\"?>\n<config><modules><%[1]s><active>%[2]v</active><codePool>%[3]s</codePool></%[1]s></modules></config>\n",
		name,
		active,
		pool,
	)
}

// ModuleConfig is a module's etc/config.xml with a setup resource.
func ModuleConfig(name, code string) string {
	return fmt.Sprintf(
		"<?xml version=\"1.0\"?>\n<config><global><resources><%[2]s><setup><module>%[1]s</module></setup></%[2]s><%[2]s_read/></resources></global></config>\n",
		name,
		code,
	)
}

// CryptKey is Magento 1's.
const CryptKey = "k3y"

// LocalXML is Magento 1's app/etc/local.xml.
func (s *Shop) LocalXML(prefix, database string) string {
	return fmt.Sprintf(`<?xml version="1.0"?>
<config><global>
<install><date><![CDATA[Wed, 03 Feb 2016 09:15:00 +0000]]></date></install>
<crypt><key><![CDATA[%s]]></key></crypt>
<resources><db><table_prefix><![CDATA[%s]]></table_prefix></db>
<default_setup><connection><host><![CDATA[%s:%d]]></host><username><![CDATA[%s]]></username><password><![CDATA[x]]></password><dbname><![CDATA[%s]]></dbname><active>1</active></connection></default_setup></resources>
<session_save><![CDATA[files]]></session_save>
</global></config>
`, CryptKey, prefix, s.Server1.Host(), s.Server1.Port(), s.User, database)
}

// ConfigXML is the tool's configuration for the shop.
func (s *Shop) ConfigXML(replace map[string]string) string {
	var options strings.Builder
	for _, name := range []string{"map_file", "eav_map_file", "log_map_file", "settings_map_file", "customer_map_file", "tier_price_map_file", "stores_map_file", "class_map",
		"customer_attribute_groups_file", "customer_document_groups_file", "delta_document_groups_file", "eav_attribute_groups_file", "eav_document_groups_file",
		"log_document_groups_file", "map_document_groups", "order_grids_document_groups_file", "auto_resolve_urlrewrite_duplicates", "bulk_size", "crypt_key", "dest_prefix",
		"direct_document_copy", "edition_migrate", "edition_number", "init_statements_destination", "init_statements_source", "log_file", "progress_bar_format", "source_prefix",
		"resource_adapter_class_name", "upgrade_customer_password_hash"} {
		value := "etc/" + name + ".xml"
		switch name {
		case "map_file":
			value = "etc/opensource-to-opensource/1.9.4.5/map.xml.dist"
		case "auto_resolve_urlrewrite_duplicates", "bulk_size", "direct_document_copy":
			value = "0"
		case "upgrade_customer_password_hash":
			value = "1"
		case "crypt_key":
			value = CryptKey
		case "source_prefix":
			value = s.Prefix1
		case "dest_prefix":
			value = s.Prefix2
		case "edition_migrate":
			value = "opensource-to-opensource"
		case "edition_number":
			value = "1.9.4.5"
		case "init_statements_destination", "init_statements_source":
			value = "SET NAMES utf8;"
		case "log_file":
			value = "migration.log"
		case "progress_bar_format", "resource_adapter_class_name":
			value = "x"
		}
		if r, ok := replace[name]; ok {
			value = r
		}
		fmt.Fprintf(&options, "<%[1]s>%[2]s</%[1]s>\n", name, value)
	}
	login := func(port int, name string) string {
		return fmt.Sprintf(`<database host="127.0.0.1:%d" name=%q user=%q password=%q/>`, port, name, s.User, Password)
	}
	return "<config>\n" + `<steps mode="settings"><step title="Settings Step"><integrity>Migration\Step\Settings\Integrity</integrity></step></steps>
<steps mode="data"><step title="Map Step"><integrity>Migration\Step\Map\Integrity</integrity><data>Migration\Step\Map\Data</data></step></steps>
<steps mode="delta"><step title="Map Step"><delta>Migration\Step\Map\Delta</delta></step></steps>
<source>` + login(
		s.Server1.Port(),
		s.DB1,
	) + "</source>\n<destination>" + login(
		s.Server2.Port(),
		s.DB2,
	) + "</destination>\n<options>\n" + options.String() + "</options>\n</config>\n"
}

// ToolModule is the name under which Magento 2 knows the migration tool.
const ToolModule = "Magento_DataMigrationTool"

// ToolDir is the tool's folder below Magento 2's.
const ToolDir = "vendor/magento/data-migration-tool"

// IgnoreAll is one side of a map that has no opinion on any table.
const IgnoreAll = "<document_rules><ignore><document>*</document></ignore></document_rules>"

// MapFile is the smallest file for an option of config.xml.
func MapFile(option string) string {
	switch {
	case option == "class_map":
		return `<classmap><rename><from>none</from><to/></rename></classmap>`
	case option == "settings_map_file":
		return `<settings><key/><value><transform><path>a/b/c</path><handler class="\Migration\Handler\Convert"/></transform></value></settings>`
	case strings.Contains(option, "group"):
		return `<groups><group name="none"><document>none</document></group></groups>`
	}
	return "<map><source>" + IgnoreAll + "</source><destination>" + IgnoreAll + "</destination></map>"
}

// ComposerLock installs these packages.
func ComposerLock(versions map[string]string) string {
	var packages []string
	for name, version := range versions {
		packages = append(
			packages,
			fmt.Sprintf(
				`{"name": %q, "version": %q, "type": "magento2-module", "require": {"php": "~8.2.0||~8.3.0"}}`,
				name,
				version,
			),
		)
	}
	return `{"packages": [` + strings.Join(
		packages,
		",",
	) + `], "packages-dev": [], "platform": {}, "plugin-api-version": "2.6.0"}`
}

func ConfigPHP(modules ...string) string {
	var b strings.Builder
	b.WriteString("<?php\nreturn [\n    'modules' => [\n")
	for _, m := range modules {
		name, enabled, _ := strings.Cut(m, "=")
		if enabled == "" {
			enabled = "1"
		}
		fmt.Fprintf(&b, "        '%s' => %s,\n", name, enabled)
	}
	b.WriteString("    ]\n];\n")
	return b.String()
}

// WithRoots gives the shop files of both systems and of the tool in which everything is right.
func (s *Shop) WithRoots() (root1, root2 string) {
	s.T.Helper()
	root1, root2 = s.T.TempDir(), s.T.TempDir()
	WriteUnder(s.T, root1, "app/Mage.php", MagePHP("1.9.4.5", "COMMUNITY"))
	WriteUnder(s.T, root1, "app/etc/local.xml", s.LocalXML(s.Prefix1, s.DB1))
	WriteUnder(s.T, root1, "app/etc/modules/Mage_All.xml", Module("Mage_Core", "core", true))
	WriteUnder(
		s.T,
		root2,
		"composer.lock",
		ComposerLock(
			map[string]string{
				"magento/product-community-edition": "2.4.7-p3",
				"magento/magento2-base":             "2.4.7-p3",
				"magento/data-migration-tool":       "2.4.7",
			},
		),
	)
	WriteUnder(s.T, root2, "app/etc/config.php", ConfigPHP("Magento_Store", ToolModule))
	WriteUnder(s.T, root2, ToolDir+"/etc/config.xsd", "<xs/>")
	for _, handler := range []string{"Convert", "Encrypt"} {
		WriteUnder(s.T, root2, ToolDir+"/src/Migration/Handler/"+handler+".php", "<?php")
	}
	for option := range strings.FieldsSeq("eav_map_file log_map_file settings_map_file customer_map_file tier_price_map_file stores_map_file class_map customer_attribute_groups_file customer_document_groups_file delta_document_groups_file eav_attribute_groups_file eav_document_groups_file log_document_groups_file map_document_groups order_grids_document_groups_file") {
		WriteUnder(s.T, root2, ToolDir+"/etc/"+option+".xml", MapFile(option))
	}
	WriteUnder(s.T, root2, ToolDir+"/etc/opensource-to-opensource/1.9.4.5/map.xml.dist", MapFile("map_file"))
	WriteUnder(s.T, root2, "app/etc/env.php", s.EnvPHP(""))
	s.WriteTool(root2, nil)
	s.Migration.Magento1.Root, s.Migration.Magento2.Root = root1, root2
	s.Migration.MigrationTool = config.MigrationTool{Config: filepath.Join(root2, "config.xml")}
	return root1, root2
}

func (s *Shop) WriteTool(root2 string, replace map[string]string) {
	s.T.Helper()
	WriteUnder(s.T, root2, "config.xml", s.ConfigXML(replace))
}

// EnvPHP is Magento 2's app/etc/env.php; more is put among its settings.
func (s *Shop) EnvPHP(more string) string {
	return fmt.Sprintf(`<?php
return [
    'install' => ['date' => 'Tue, 10 Jun 2025 14:00:30 +0000'],
    'crypt' => ['key' => 'm2k3y'],
    'db' => ['table_prefix' => '%s', 'connection' => ['default' => ['host' => '%s:%d', 'dbname' => '%s', 'username' => '%s', 'password' => 'x', 'active' => '1']]],
    %s
    'MAGE_MODE' => 'default',
];
`, s.Prefix2, s.Server2.Host(), s.Server2.Port(), s.DB2, s.User, more)
}
