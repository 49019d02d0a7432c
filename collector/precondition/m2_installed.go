package precondition

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/requirements"
)

// installedTime is the metric family of m2_installed.
const installedTime = "m2_installed_timestamp_seconds"

// m2Installed checks that the database has a complete Magento 2, and finds its release.
func m2Installed() Precondition {
	return Precondition{
		ID: "m2_installed", Title: "Magento 2 installation", Needs: []Need{Magento2Database},
		Families: []finding.Family{{Name: installedTime, Help: "When Magento 2 was installed, in Unix seconds."}},
		Evaluate: evaluateM2Installed,
	}
}

func evaluateM2Installed(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "Magento 2 is installed"}
	m2 := e.Magento2
	if m2.Unreachable(&v) {
		return v
	}
	judgeSameDatabase(ctx, &v, e)
	tables, err := e.PresentTables(ctx)
	if err != nil {
		m2.Broken(&v, "tables", err)
		return v
	}
	if !judgeTables(ctx, &v, m2, tables) {
		return v
	}
	judgeInstallRows(ctx, &v, m2, tables)
	release, err := e.Release(ctx)
	if err != nil {
		m2.Broken(&v, "release", err)
		return v
	}
	v.Note("release", "Magento 2's release is "+release.String(), release.Evidence, "")
	judgeReleases(&v, e, release)
	v.Summary = "Magento 2 (" + release.String() + ") is installed"
	if installed, err := e.Installed(ctx); err != nil {
		m2.Broken(&v, "admin_user", err)
	} else if !installed.IsZero() {
		v.Sample(installedTime, finding.UnixSeconds(installed))
		v.Summary = "Magento 2 (" + release.String() + ") has been installed since " +
			installed.Format(time.DateTime) + " UTC"
	}
	return v
}

// judgeReleases compares the release of the files with that of the database. Everything in the database came with its
// release; a missing table, except patch_list, may also have gone with a removed module.
func judgeReleases(v *finding.Verdict, e *evidence.Evidence, r evidence.Release) {
	files, ok := requirements.ParseRelease(r.Files.Release)
	d := r.Database
	if !ok || d == nil {
		return
	}
	since, before := evidence.Release{Since: d.Since, Before: d.Before}.Limits()
	if d.Schema.Since != "" {
		since, before = evidence.Release{Since: d.Schema.Since, Before: d.Schema.Before}.Limits()
	}
	seen := "files: " + r.Files.Evidence() + "; database: " + d.String() + " (" + d.Evidence() + ")"
	const upgrade = "If both belong to this Magento 2, upgrade the database to the files' release:\n" +
		"bin/magento setup:upgrade"
	switch {
	case since.Compare(files) > 0:
		v.Fail("files", "Magento 2's database is of a newer release than its files", seen,
			"Set "+e.Magento2.Key("root")+" to the folder of the Magento 2 that uses this database.")
	case recordedAfter(d, files):
		v.Warn("files", "somebody used Magento 2's database with a newer release than its files", seen,
			"Set "+e.Magento2.Key("root")+" to the folder of the Magento 2 that uses this database.")
	case d.Before == "" || files.Compare(before) < 0:
	case d.Lacking == "table patch_list":
		v.Fail("files", "Magento 2's database is of an older release than its files", seen, upgrade)
	default:
		v.Warn("files", "Magento 2's database seems to be of an older release than its files", seen, upgrade)
	}
}

// recordedAfter reports whether the release that Magento recorded at the first login is newer than that of the files. A
// release that only differs in its patch leaves no other trace.
func recordedAfter(d *evidence.DatabaseRelease, files requirements.Release) bool {
	recorded, ok := requirements.ParseRelease(d.Exact)
	return ok && recorded.Compare(files) > 0
}

// judgeTables reports whether the database has Magento 2's tables.
func judgeTables(ctx context.Context, v *finding.Verdict, s *evidence.System, present map[string]bool) bool {
	var missing []string
	for _, t := range evidence.Magento2Tables() {
		if !present[t] {
			missing = append(missing, s.Prefix+t)
		}
	}
	isMagento1 := present["core_resource"] && present["core_store"]
	switch {
	case isMagento1 && !present["setup_module"]:
		v.Fail("magento1", "this is a Magento 1 database, not a Magento 2",
			"it has "+s.Prefix+"core_resource and "+s.Prefix+"core_store",
			"The two databases may be swapped: correct "+s.Key("database")+
				", or <destination> in the tool's config.xml.")
		return false
	case len(missing) == 0:
		return true
	case !present["setup_module"] && !present["store"]:
		judgeEmpty(ctx, v, s)
		return false
	}
	v.Fail("tables", halfInstalled, "missing: "+strings.Join(missing, ", "), reinstall)
	return false
}

const (
	halfInstalled = "Magento 2 is only half installed"
	reinstall     = "Look at var/log/install.log, then install again into an empty database: " +
		"bin/magento setup:install --cleanup-database …"
)

// judgeEmpty looks for a Magento 2 with another table prefix.
func judgeEmpty(ctx context.Context, v *finding.Verdict, s *evidence.System) {
	identity, err := s.Identify(ctx)
	switch {
	case err != nil:
		s.Broken(v, "tables", err)
	case len(identity.OtherPrefixes) > 0:
		v.Fail("table_prefix", "there is no Magento 2 "+evidence.WithPrefix(s.Prefix),
			"there is one with "+identity.Others(),
			fmt.Sprintf("Set %s: %s, and dest_prefix in the tool's config.xml%s.", s.Key("database.table_prefix"),
				identity.Choice("%q"), identity.Chosen()))
	case len(identity.WrongPrefixes) > 0:
		v.Fail("magento1", "this is a Magento 1 database, not a Magento 2",
			"there is no Magento 2 "+evidence.WithPrefix(s.Prefix)+", and a Magento 1 with "+identity.Wrong(),
			"The two databases may be swapped: correct "+s.Key("database")+
				", or <destination> in the tool's config.xml.")
	default:
		v.Fail("tables", "Magento 2 is not installed in "+s.Endpoint.Name,
			"the account sees none of Magento 2's tables there",
			"Install it: bin/magento setup:install. If it is installed, let the account see it: "+
				"the precondition privileges has the exact GRANT.")
	}
}

// judgeInstallRows finds an installation that made its tables and then died.
func judgeInstallRows(ctx context.Context, v *finding.Verdict, s *evidence.System, present map[string]bool) {
	registry := "patch_list"
	if !present[registry] {
		registry = "setup_module"
	}
	for _, t := range []struct {
		name  string
		least int
	}{{registry, 1}, {"store", 2}, {"eav_entity_type", 1}} {
		n, err := s.Count(ctx, t.name, "")
		switch {
		case err != nil:
			s.Broken(v, t.name, err)
		case n < t.least:
			seen := fmt.Sprintf("%s has %s, a complete installation at least %d", s.Prefix+t.name,
				finding.Counted(n, "row", "rows"), t.least)
			v.Fail(t.name, halfInstalled, seen, reinstall)
		}
	}
}

// judgeSameDatabase compares values that differ between any two servers, on MySQL and MariaDB.
func judgeSameDatabase(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) {
	if e.Magento1.Err != nil || e.Magento1.Prefix != e.Magento2.Prefix {
		return
	}
	const identity = "SELECT CONCAT_WS('|', @@hostname, @@port, @@datadir, DATABASE())"
	var one, two string
	err := errors.Join(e.Magento1.Session.Row(ctx, identity, nil, &one),
		e.Magento2.Session.Row(ctx, identity, nil, &two))
	if err != nil {
		e.Magento2.Broken(v, "same database", err)
		return
	}
	if one == two {
		v.Fail("same database", "Magento 1 and Magento 2 are the same database", two,
			"Correct "+e.Magento1.Key("database")+" or "+e.Magento2.Key("database")+
				", or <source> and <destination> in the tool's config.xml.")
	}
}
