package evidence

import (
	"context"
	"fmt"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/fit"
	"magento_migration_exporter/collector/integrity"
	"magento_migration_exporter/collector/requirements"
	"magento_migration_exporter/config/composer"
	"magento_migration_exporter/config/toolmap"
)

// fitMemory is what is kept of the search for rows that do not fit from one evaluation to the next.
type fitMemory struct {
	// of are the databases that the rest was read from.
	of     [2]database.Instance
	looker fit.Looker
}

// Fit looks for rows of Magento 1 that Magento 2's tables do not take as they are, as far as this evaluation has time
// for it. It is false when that cannot go on; the verdict then says why.
func (e *Evidence) Fit(ctx context.Context, v *finding.Verdict) (fit.Report, bool) {
	memory := Recall[fitMemory](e.Memory, "fit")
	for i, s := range e.Systems() {
		instance, err := s.Instance(ctx)
		if err != nil {
			s.Broken(v, "data", err)
			return fit.Report{}, false
		}
		if !memory.of[i].Is(instance) {
			*memory = fitMemory{of: memory.of}
		}
		memory.of[i] = instance
	}
	rules := e.groupRules()
	key := fmt.Sprintf("%d %q %q %s", rules, e.Magento1.Prefix, e.Magento2.Prefix,
		integrity.Key(e.Tool.Config, integrity.Options{MagentoRoot: e.Migration.Magento2.Root}))
	if memory.looker.Idle(key, e.Now) {
		return memory.looker.Known(), true
	}
	// All migrations have the same ones, so that their memory does not grow with their number.
	shelves, err := Once(e.Lifetime, "hashes of rows", func() (*fit.Shelves, error) { return new(fit.Shelves), nil })
	if err != nil {
		v.Unknown("data", "rows cannot be looked at", err.Error(), "Report this as a fault of the exporter.")
		return fit.Report{}, false
	}
	var report fit.Report
	var unread error
	err = e.Magento1.search(ctx, func(session *database.Session) (err error) {
		report, err = memory.looker.Round(ctx, fit.Input{
			Now: e.Now, Key: key, Shelves: shelves,
			Sides: [2]fit.Side{{Session: session, Prefix: e.Magento1.Prefix},
				{Session: e.Magento2.Session, Prefix: e.Magento2.Prefix}},
			Files: func() (files fit.Files, err error) {
				files, unread = e.fitFiles(ctx, rules)
				return files, unread
			},
		})
		return err
	})
	switch {
	case unread != nil:
		v.Unknown("data", "it is unknown which rows the migration tool copies: a map file cannot be read",
			unread.Error(), "Fix what the precondition migration_tool says.")
	case err != nil:
		e.SystemOf(err).Broken(v, "data", err)
	}
	return report, err == nil
}

// fitFiles reads what the tool's config.xml names.
func (e *Evidence) fitFiles(ctx context.Context, rules fit.GroupRules) (fit.Files, error) {
	flight := Flight{e.Migration.Name, "map files of the data"}
	return answered(ctx, e.flights, flight, e.Magento1.statementTimeout, func() (fit.Files, error) {
		f := fit.Files{Config: e.Tool.Config, Groups: map[string]*toolmap.Groups{}, GroupRules: rules}
		var err error
		if f.Maps, err = e.readMaps(fit.MapOptions()...); err != nil {
			return fit.Files{}, err
		}
		for _, option := range fit.GroupOptions() {
			path := e.Tool.File(option, e.Migration.Magento2.Root)
			if path == "" {
				continue
			}
			if f.Groups[option], err = toolmap.ReadGroups(path); err != nil {
				return fit.Files{}, err
			}
		}
		return f, nil
	})
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
