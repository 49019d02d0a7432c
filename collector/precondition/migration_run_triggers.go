package precondition

import (
	"context"
	"fmt"
	"strings"

	"magento_migration_exporter/collector/delta"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/privilege"
	"magento_migration_exporter/config"
)

// oldTransaction is from which age on a transaction is named, in seconds: each query of the shop on the same tables
// would wait behind the tool's CREATE TRIGGER for as long as it stays open.
const oldTransaction = 5

// triggers looks for what migrate:data would wait for when it creates its triggers in Magento 1.
func (j *runJudge) triggers(ctx context.Context) {
	const subject = "setup triggers"
	phase := j.e.Phase.Phase
	if phase != config.PhasePrepare && phase != config.PhaseMigrate || j.triggersExist(ctx) {
		return
	}
	old, shown, err := j.e.OldTransactions(ctx, oldTransaction)
	switch {
	case err != nil:
		summary, _ := j.e.Magento1.StatementFault(err)
		j.Note(subject, "open transactions of Magento 1 are not shown: "+summary, err.Error(), "")
	case !shown:
		account := privilege.ParseAccount(j.e.Magento1.Session.CurrentUser).Quoted()
		j.Note(subject, "open transactions of Magento 1 are not shown to this account: migrate:data would wait for "+
			"them, and the shop for it", "information_schema.INNODB_TRX needs the privilege PROCESS",
			"If you want it checked:\nGRANT PROCESS ON *.* TO "+account+";")
	case len(old) > 0:
		var parts []string
		for _, t := range old {
			what := "a transaction"
			if t.Dump {
				what = "a dump"
			}
			parts = append(parts,
				fmt.Sprintf("%s of %s in connection %d, open for %d s", what, t.User, t.ID, t.Seconds))
		}
		j.Add(finding.Finding{
			Status: finding.Warn, Subject: subject,
			Summary: fmt.Sprintf("migrate:data would wait for %s, and each query of the shop on the same tables for it",
				parts[0]),
			Evidence: strings.Join(parts, "; "),
			Remedy: "Start migrate:data when it has ended: no dump with --single-transaction, no report query, no " +
				"open client. This shows what is open:\n" +
				"SELECT * FROM information_schema.INNODB_TRX ORDER BY trx_started;",
		})
	}
}

// triggersExist reports whether migrate:data has created its triggers.
func (j *runJudge) triggersExist(ctx context.Context) bool {
	var unread finding.Verdict // delta_log reports what could not be read
	d, ok := j.e.Delta(ctx, &unread)
	if !ok || len(d.Standings) == 0 {
		return false
	}
	for _, s := range d.Standings {
		if !s.Absent && s.State() != delta.Intact {
			return false
		}
	}
	return true
}
