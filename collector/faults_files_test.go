package collector_test

import "testing"

// TestFaultsOfAHungFile lets a network mount hang on which there is one file of a migration, as TestFaultsOfAHungMount
// does with what more of the exporter reads.
func TestFaultsOfAHungFile(t *testing.T) {
	t.Parallel()
	meetHungMounts(t, map[string]hungMount{
		"backups": {
			backups: true, hangs: map[string]string{"backup": "does not answer"}, readers: 1,
			goOn: []string{
				"network", "m2_installed", "cron_stopped", "privileges", "binlog_trust", "m2_entities", "migration_tool",
			},
		},
		"config.xml": {
			tool: true, hangs: map[string]string{"migration_tool": "file system does not answer"}, readers: 1,
			goOn: []string{
				"network", "m2_installed", "cron_stopped", "backup", "privileges", "binlog_trust", "m2_entities",
			},
		},
	})
}
