package dashboards_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"magento_migration_exporter/collector/mysqltest"
)

// composerLock is what Composer writes for a Magento 2 with the migration tool, as far as anybody reads it.
const composerLock = `{"packages": [
 {"name": "magento/product-community-edition", "version": "2.4.7"},
 {"name": "magento/data-migration-tool", "version": "2.4.6.1"}
]}`

// toolSteps is a config.xml with one step for each mode.
const toolSteps = `<steps mode="settings"><step title="Settings Step"><integrity>Migration\Step\Settings\Integrity</integrity></step></steps>
<steps mode="data"><step title="Map Step"><integrity>Migration\Step\Map\Integrity</integrity><data>Migration\Step\Map\Data</data></step></steps>
<steps mode="delta"><step title="Map Step"><delta>Migration\Step\Map\Delta</delta></step></steps>
`

// mapFiles are the options of config.xml that name a file.
func mapFiles() []string {
	return strings.Fields(
		"map_file eav_map_file log_map_file settings_map_file customer_map_file tier_price_map_file stores_map_file class_map " +
			"customer_attribute_groups_file customer_document_groups_file delta_document_groups_file eav_attribute_groups_file eav_document_groups_file " +
			"log_document_groups_file map_document_groups order_grids_document_groups_file",
	)
}

// otherOptions are those that name none.
func otherOptions() []string {
	return strings.Fields(
		"auto_resolve_urlrewrite_duplicates=0 bulk_size=0 crypt_key=k dest_prefix= direct_document_copy=0 edition_migrate=opensource-to-opensource " +
			"edition_number=1.9.4.5 init_statements_destination=SELECT init_statements_source=SELECT log_file=migration.log progress_bar_format=x " +
			"resource_adapter_class_name=x source_prefix= upgrade_customer_password_hash=1",
	)
}

// mapFile is the smallest file for an option. The map itself knows one table, so that the tool's integrity check would
// refuse the others.
func mapFile(option string) string {
	switch {
	case option == "map_file":
		return "<map><source><document_rules><ignore><document>core_store</document></ignore></document_rules></source><destination><document_rules><ignore><document>*</document></ignore></document_rules></destination></map>"
	case option == "class_map":
		return "<classmap><rename><from>none</from><to/></rename></classmap>"
	case option == "settings_map_file":
		return `<settings><key><ignore><path>*</path></ignore></key><value><transform><path>a/b/c</path><handler class="None"/></transform></value></settings>`
	case strings.Contains(option, "group"):
		return `<groups><group name="none"><document>none</document></group></groups>`
	}
	return "<map><source/><destination/></map>"
}

// deltaFile is a delta file that lists what the small Magento 1 has.
func deltaFile() string {
	var b strings.Builder
	for document, key := range mysqltest.DeltaLogged() {
		fmt.Fprintf(&b, "<document key=%q>%s</document>", key, document)
	}
	return `<groups><group name="delta_map">` + b.String() + "</group></groups>"
}

// logLine is a line of the tool's log from some time ago.
func logLine(ago time.Duration, stage, text string) string {
	return fmt.Sprintf("[%s][INFO][mode: data][stage: %s][step: Map Step]: %s\n",
		time.Now().UTC().Add(-ago).Format("2006-01-02T15:04:05.000000-07:00"), stage, text)
}

// writeMagento2 writes the files of a Magento 2 with the migration tool that is set up for the shop.
func writeMagento2(s *shop) error {
	const tool = "vendor/magento/data-migration-tool/"
	var options strings.Builder
	files := map[string]string{"composer.lock": composerLock, tool + "etc/config.xsd": "<xs/>"}
	for _, name := range mapFiles() {
		fmt.Fprintf(&options, "<%[1]s>etc/%[1]s.xml</%[1]s>\n", name)
		files[tool+"etc/"+name+".xml"] = mapFile(name)
	}
	if s.Migrated {
		files[tool+"etc/delta_document_groups_file.xml"] = deltaFile()
		files["var/migration.log"] = logLine(50*time.Minute, "data migration", "started") +
			logLine(40*time.Minute, "volume check", "Migration completed")
	}
	for _, option := range otherOptions() {
		name, value, _ := strings.Cut(option, "=")
		fmt.Fprintf(&options, "<%[1]s>%[2]s</%[1]s>\n", name, value)
	}
	login := func(port int, name string) string {
		return fmt.Sprintf(
			`<database host="127.0.0.1:%d" name=%q user=%q password=%q/>`,
			port,
			name,
			s.User(),
			s.Password,
		)
	}
	files["config.xml"] = "<config>\n" + toolSteps + "<source>" + login(
		s.Port1,
		s.DB1(),
	) + "</source>\n<destination>" + login(
		s.Port2,
		s.DB2(),
	) + "</destination>\n<options>\n" + options.String() + "</options>\n</config>\n"
	for name, text := range files {
		path := filepath.Join(s.Root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
