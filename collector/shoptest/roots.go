package shoptest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"magento_migration_exporter/config"
)

// WriteProgram writes a file that can be run at once. A process that another test starts meanwhile would have it open
// for writing until it runs its program, and the kernel refuses to run such a file.
func WriteProgram(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

// WriteUnder writes a file and its folders; with an empty content it removes the file.
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
        return array('major' => '%s', 'minor' => '%s', 'revision' => '%s', 'patch' => '%s',
            'stability' => '', 'number' => '');
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
	return fmt.Sprintf(`<?xml version="1.0"?>
<config><modules><%[1]s><active>%[2]v</active><codePool>%[3]s</codePool></%[1]s></modules></config>
`, name, active, pool)
}

// ModuleConfig is a module's etc/config.xml with a setup resource.
func ModuleConfig(name, code string) string {
	return fmt.Sprintf(`<?xml version="1.0"?>
<config><global><resources>
<%[2]s><setup><module>%[1]s</module></setup></%[2]s><%[2]s_read/>
</resources></global></config>
`, name, code)
}

// CryptKey is Magento 1's crypt key.
const CryptKey = "k3y"

// LocalXML is Magento 1's app/etc/local.xml.
func (s *Shop) LocalXML(prefix, database string) string {
	return fmt.Sprintf(`<?xml version="1.0"?>
<config><global>
<install><date><![CDATA[Wed, 03 Feb 2016 09:15:00 +0000]]></date></install>
<crypt><key><![CDATA[%s]]></key></crypt>
<resources><db><table_prefix><![CDATA[%s]]></table_prefix></db>
<default_setup><connection>
<host><![CDATA[%s:%d]]></host><username><![CDATA[%s]]></username><password><![CDATA[x]]></password>
<dbname><![CDATA[%s]]></dbname><active>1</active>
</connection></default_setup></resources>
<session_save><![CDATA[files]]></session_save>
</global></config>
`, CryptKey, prefix, s.Server1.Host(), s.Server1.Port(), s.User, database)
}

// mapFiles are the options of config.xml that name a file of the same name below the tool's etc/.
func mapFiles() []string {
	return []string{
		"eav_map_file", "log_map_file", "settings_map_file", "customer_map_file", "tier_price_map_file",
		"stores_map_file", "class_map", "customer_attribute_groups_file", "customer_document_groups_file",
		"delta_document_groups_file", "eav_attribute_groups_file", "eav_document_groups_file",
		"log_document_groups_file", "map_document_groups", "order_grids_document_groups_file",
	}
}

// steps are the steps of the smallest config.xml.
const steps = `<steps mode="settings"><step title="Settings Step">
<integrity>Migration\Step\Settings\Integrity</integrity>
</step></steps>
<steps mode="data"><step title="Map Step">
<integrity>Migration\Step\Map\Integrity</integrity><data>Migration\Step\Map\Data</data>
</step></steps>
<steps mode="delta"><step title="Map Step"><delta>Migration\Step\Map\Delta</delta></step></steps>
`

// ConfigXML is the tool's configuration for the shop. It has the given values in place of its own.
func (s *Shop) ConfigXML(replace map[string]string) string {
	values := map[string]string{
		"map_file":                           "etc/opensource-to-opensource/1.9.4.5/map.xml.dist",
		"auto_resolve_urlrewrite_duplicates": "0",
		"bulk_size":                          "0",
		"crypt_key":                          CryptKey,
		"dest_prefix":                        s.Prefix2,
		"direct_document_copy":               "0",
		"edition_migrate":                    "opensource-to-opensource",
		"edition_number":                     "1.9.4.5",
		"init_statements_destination":        "SET NAMES utf8;",
		"init_statements_source":             "SET NAMES utf8;",
		"log_file":                           "migration.log",
		"progress_bar_format":                "x",
		"resource_adapter_class_name":        "x",
		"source_prefix":                      s.Prefix1,
		"upgrade_customer_password_hash":     "1",
	}
	for _, name := range mapFiles() {
		values[name] = "etc/" + name + ".xml"
	}
	var options strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value, replaced := replace[name]
		if !replaced {
			value = values[name]
		}
		fmt.Fprintf(&options, "<%[1]s>%[2]s</%[1]s>\n", name, value)
	}
	login := func(port int, name string) string {
		return fmt.Sprintf(`<database host="127.0.0.1:%d" name=%q user=%q password=%q/>`, port, name, s.User, Password)
	}
	return "<config>\n" + steps +
		"<source>" + login(s.Server1.Port(), s.DB1) + "</source>\n" +
		"<destination>" + login(s.Server2.Port(), s.DB2) + "</destination>\n" +
		"<options>\n" + options.String() + "</options>\n</config>\n"
}

// ToolModule is the migration tool's name among Magento 2's modules.
const ToolModule = "Magento_DataMigrationTool"

// ToolDir is the tool's folder below Magento 2's.
const ToolDir = "vendor/magento/data-migration-tool"

// IgnoreAll is one side of a map that ignores all tables.
const IgnoreAll = "<document_rules><ignore><document>*</document></ignore></document_rules>"

// MapFile is the smallest file for an option of config.xml.
func MapFile(option string) string {
	switch {
	case option == "class_map":
		return `<classmap><rename><from>none</from><to/></rename></classmap>`
	case option == "settings_map_file":
		return `<settings><key/><value><transform><path>a/b/c</path>` +
			`<handler class="\Migration\Handler\Convert"/></transform></value></settings>`
	case strings.Contains(option, "group"):
		return `<groups><group name="none"><document>none</document></group></groups>`
	}
	return "<map><source>" + IgnoreAll + "</source><destination>" + IgnoreAll + "</destination></map>"
}

// ComposerLock is a composer.lock with these packages.
func ComposerLock(versions map[string]string) string {
	const form = `{"name": %q, "version": %q, "type": "magento2-module", "require": {"php": "~8.2.0||~8.3.0"}}`
	var packages []string
	for name, version := range versions {
		packages = append(packages, fmt.Sprintf(form, name, version))
	}
	return `{"packages": [` + strings.Join(packages, ",") +
		`], "packages-dev": [], "platform": {}, "plugin-api-version": "2.6.0"}`
}

// ConfigPHP is an app/etc/config.php with these modules; "NAME=0" is a disabled one.
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

// WithRoots gives the shop correct files of both systems and of the tool.
func (s *Shop) WithRoots() (root1, root2 string) {
	s.T.Helper()
	root1, root2 = s.T.TempDir(), s.T.TempDir()
	WriteUnder(s.T, root1, "app/Mage.php", MagePHP("1.9.4.5", "COMMUNITY"))
	WriteUnder(s.T, root1, "app/etc/local.xml", s.LocalXML(s.Prefix1, s.DB1))
	WriteUnder(s.T, root1, "app/etc/modules/Mage_All.xml", Module("Mage_Core", "core", true))
	WriteUnder(s.T, root2, "composer.lock", ComposerLock(map[string]string{
		"magento/product-community-edition": "2.4.7-p3",
		"magento/magento2-base":             "2.4.7-p3",
		"magento/data-migration-tool":       "2.4.7",
	}))
	WriteUnder(s.T, root2, "app/etc/config.php", ConfigPHP("Magento_Store", ToolModule))
	WriteUnder(s.T, root2, ToolDir+"/etc/config.xsd", "<xs/>")
	for _, handler := range []string{"Convert", "Encrypt"} {
		WriteUnder(s.T, root2, ToolDir+"/src/Migration/Handler/"+handler+".php", "<?php")
	}
	for _, option := range mapFiles() {
		WriteUnder(s.T, root2, ToolDir+"/etc/"+option+".xml", MapFile(option))
	}
	WriteUnder(s.T, root2, ToolDir+"/etc/opensource-to-opensource/1.9.4.5/map.xml.dist", MapFile("map_file"))
	WriteUnder(s.T, root2, "app/etc/env.php", s.EnvPHP(""))
	s.WriteTool(root2, nil)
	s.Migration.Magento1.Root, s.Migration.Magento2.Root = root1, root2
	s.Migration.MigrationTool = config.MigrationTool{Config: filepath.Join(root2, "config.xml")}
	return root1, root2
}

// WriteTool writes the tool's config.xml.
func (s *Shop) WriteTool(root2 string, replace map[string]string) {
	s.T.Helper()
	WriteUnder(s.T, root2, "config.xml", s.ConfigXML(replace))
}

// EnvPHP is Magento 2's app/etc/env.php, with more settings.
func (s *Shop) EnvPHP(more string) string {
	return fmt.Sprintf(`<?php
return [
    'install' => ['date' => 'Tue, 10 Jun 2025 14:00:30 +0000'],
    'crypt' => ['key' => 'm2k3y'],
    'db' => ['table_prefix' => '%s', 'connection' => ['default' => [
        'host' => '%s:%d', 'dbname' => '%s', 'username' => '%s', 'password' => 'x', 'active' => '1',
    ]]],
    %s
    'MAGE_MODE' => 'default',
];
`, s.Prefix2, s.Server2.Host(), s.Server2.Port(), s.DB2, s.User, more)
}
