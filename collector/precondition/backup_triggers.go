package precondition

import (
	"context"
	"strings"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/privilege"
)

// dumpGrant returns the statements that let the account dump Magento 2 with its triggers and views; it is empty when it
// can, and when that is unknown, which the precondition privileges reports.
func dumpGrant(ctx context.Context, e *evidence.Evidence) string {
	var unread finding.Verdict
	o, ok := e.Privileges(ctx, e.Magento2, &unread)
	if !ok {
		return ""
	}
	return strings.Join(o.Grant(privilege.Select, privilege.Trigger, privilege.ShowView), "\n")
}

// hiddenTriggers returns dumpGrant where the server shows the account none of Magento 2's triggers. To who has no
// TRIGGER servers show none, but for MariaDB from 10.11 on, which shows them to who may write the table.
func hiddenTriggers(ctx context.Context, e *evidence.Evidence) string {
	var unread finding.Verdict
	o, ok := e.Privileges(ctx, e.Magento2, &unread)
	v := o.Server.Version
	shows := v.Flavor == database.MariaDB && v.AtLeast(10, 11, 0) && ok && o.Held(privilege.Insert) == privilege.Held
	if !ok || shows || o.Held(privilege.Trigger) == privilege.Held {
		return ""
	}
	return dumpGrant(ctx, e)
}

// refuseHiddenTriggers is for a backup without triggers of a database whose triggers are neither shown nor known from
// Magento's list of views.
func refuseHiddenTriggers(today backupTarget, c *backup.Content) finding.Finding {
	if !c.TriggersKnown || c.Triggers > 0 || len(today.triggers) > 0 || today.scheduledViews > 0 ||
		today.hiddenTriggers == "" {
		return finding.Finding{Status: finding.Pass}
	}
	return finding.Finding{
		Status:   finding.Unknown,
		Summary:  "it is unknown whether the backup lacks triggers of Magento 2: the account cannot see them",
		Evidence: "the backup has none, and the server shows none to an account without TRIGGER",
		Remedy:   "Let the account see them, as an administrator:\n" + today.hiddenTriggers,
	}
}
