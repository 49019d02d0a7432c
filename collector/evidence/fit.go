package evidence

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/fit"
	"magento_migration_exporter/collector/integrity"
	"magento_migration_exporter/collector/requirements"
	"magento_migration_exporter/config/composer"
)

// Fit looks for rows of Magento 1 that Magento 2's tables do not take as they are, as far as this evaluation has time
// for it. It is false when that cannot go on; the verdict then says why.
func (e *Evidence) Fit(ctx context.Context, v *finding.Verdict) (fit.Report, bool) {
	looker, err := recallOf[fit.Looker](ctx, e, "fit")
	if err != nil {
		e.SystemOf(err).Broken(v, "data", err)
		return fit.Report{}, false
	}
	rules := e.groupRules()
	key := fmt.Sprintf("%d %q %q %s", rules, e.Magento1.Prefix, e.Magento2.Prefix,
		integrity.Key(e.Tool.Config, integrity.Options{MagentoRoot: e.Migration.Magento2.Root}))
	if looker.Idle(key, e.Now) {
		return looker.Known(), true
	}
	// All migrations have the same ones, so that their memory does not grow with their number.
	shelves, err := Once(e.Lifetime, "hashes of rows", func() (*fit.Shelves, error) { return new(fit.Shelves), nil })
	if err != nil {
		v.Unknown("data", "rows cannot be looked at", err.Error(), "Report this as a fault of the exporter.")
		return fit.Report{}, false
	}
	var report fit.Report
	err = e.Magento1.search(ctx, func(session *database.Session) (err error) {
		report, err = looker.Round(ctx, fit.Input{
			Now: e.Now, Key: key, Shelves: shelves, First: e.firstBudget(ctx),
			Sides: [2]fit.Side{{Session: session, Prefix: e.Magento1.Prefix},
				{Session: e.Magento2.Session, Prefix: e.Magento2.Prefix}},
			Files: func() (fit.Files, error) {
				read, err := e.readToolFiles(ctx, "map files of the data", fit.MapOptions(), fit.GroupOptions())
				return fit.Files{Config: e.Tool.Config, Maps: read.maps, Groups: read.groups, GroupRules: rules}, err
			},
		})
		return err
	})
	unread, ok := errors.AsType[*toolFilesError](err)
	switch {
	case ok:
		v.Unknown("data", "it is unknown which rows the migration tool copies: a map file cannot be read",
			unread.Error(), unread.remedy())
	case err != nil:
		e.SystemOf(err).Broken(v, "data", err)
	}
	return report, err == nil
}

// firstBudget is how long an evaluation looks at rows until all was looked at once: nobody knows anything before. By
// default it is 4 s, and it leaves as much time for what comes after it.
func (e *Evidence) firstBudget(ctx context.Context) time.Duration {
	budget := e.Magento1.statementTimeout * 4 / 5
	if deadline, limited := ctx.Deadline(); limited {
		return min(budget, time.Until(deadline)/2)
	}
	return budget
}

// groupRules are those of the installed release of the tool; where it is not known, those of the newest.
func (e *Evidence) groupRules() fit.GroupRules {
	lock, err := e.Files.Lock()
	if err != nil {
		return fit.AllGroups
	}
	tool, _ := lock.Package(composer.DataMigrationTool)
	release, ok := requirements.ParseRelease(strings.TrimPrefix(tool.Version, "v"))
	switch {
	case !ok || release.Compare(requirements.Release{Major: 2, Minor: 4, Patch: 2}) >= 0:
		return fit.AllGroups
	case release.Compare(requirements.Release{Major: 2, Minor: 3, Patch: 5}) >= 0:
		return fit.ProductGroups
	}
	return fit.UnknownGroups
}
