package collector

import "context"

// evaluateMigrationTool will read the tool's installation and its configuration.
func evaluateMigrationTool(_ context.Context, _ *Evidence) Verdict {
	v := Verdict{}
	v.unknown("", "the migration tool's installation is not looked at", "",
		"Set migration_tool.config to its config.xml and magento2.root to Magento 2's folder; until this can be told, check by hand and waive.")
	return v
}
