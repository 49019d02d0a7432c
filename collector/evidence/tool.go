package evidence

import (
	"context"
	"os"
	"strings"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/toolconfig"
)

// Tool is the Data Migration Tool's own configuration, read again at each evaluation.
type Tool struct {
	// Path is empty when none is configured.
	Path string
	// Config is nil when Path is empty or Err is not nil.
	Config *toolconfig.Config
	Err    error
}

func readTool(ctx context.Context, m *config.Migration, o Options) Tool {
	t := Tool{Path: m.MigrationTool.Config}
	if t.Path != "" {
		read := func() (*toolconfig.Config, error) { return toolconfig.Read(t.Path, m.Magento2.Root) }
		t.Config, t.Err = answered(ctx, o.Flights, Flight{m.Name, "config.xml"}, o.StatementTimeout, read)
	}
	return t
}

// ModuleDir returns the tool's own folder, empty when it is not found on this host.
func (t Tool) ModuleDir(magentoRoot string) string { return toolconfig.ModuleDir(magentoRoot, t.Path) }

// File returns the file that an option of config.xml names, found as the tool finds it; empty when it does not exist.
func (t Tool) File(option, magentoRoot string) string {
	if t.Config == nil {
		return ""
	}
	for _, candidate := range t.Config.Candidates(option, magentoRoot, t.ModuleDir(magentoRoot)) {
		if _, err := os.Stat(candidate.Path); err == nil {
			return candidate.Path
		}
	}
	return ""
}

// Mapping returns the edition and Magento 1's release of the mapping folder, empty when the map file is in none.
func (t Tool) Mapping() (edition, version string) {
	if t.Config == nil {
		return "", ""
	}
	edition, version, _ = toolconfig.MappingOf(t.Config.Value("map_file"))
	return edition, version
}

// FirstTwo returns the first two numbers of a release.
func FirstTwo(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// database returns a system's database in config.xml, nil when it has none.
func (t Tool) database(system finding.System) *toolconfig.Database {
	switch {
	case t.Config == nil:
		return nil
	case system == finding.Magento1:
		return t.Config.Source
	}
	return t.Config.Destination
}

// prefix returns the table prefix that the tool uses.
func (t Tool) prefix(system finding.System) string {
	switch {
	case t.Config == nil:
		return ""
	case system == finding.Magento1:
		return t.Config.Value("source_prefix")
	}
	return t.Config.Value("dest_prefix")
}
