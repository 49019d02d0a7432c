package collector

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/requirements"
	"magento_migration_exporter/config/envphp"
)

// signature holds the tables that tell the two Magentos apart and an installation that ended from one that did not. Many other tables
// exist in both.
var (
	magento1Tables = []string{"core_resource", "core_store", "sales_flat_order"}
	magento2Tables = []string{"setup_module", "store", "store_website", "store_group", "core_config_data", "eav_attribute", "eav_entity_type", "catalog_product_entity",
		"catalog_category_entity", "customer_entity", "sales_order", "cron_schedule", "admin_user", "url_rewrite"}
)

//go:embed m2_fingerprints.yml
var fingerprintData []byte

// fingerprint is something that came with a release of Magento 2 and stayed.
type fingerprint struct {
	Table string `yaml:"table"`
	Patch string `yaml:"patch"`
	Since string `yaml:"since"`
}

func (f fingerprint) String() string {
	if f.Table != "" {
		return "table " + f.Table
	}
	return "patch " + f.Patch
}

// evaluateM2Installed tells whether a whole Magento 2 is in the database, and which.
func evaluateM2Installed(ctx context.Context, e *Evidence) Verdict {
	v := Verdict{Summary: "Magento 2 is installed"}
	m2 := e.Magento2
	if m2.unseen(&v) {
		return v
	}
	judgeSameDatabase(ctx, &v, e)
	tables, err := presentTables(ctx, m2)
	if err != nil {
		m2.broken(&v, "tables", err)
		return v
	}
	if !judgeTables(ctx, &v, m2, tables) {
		return v
	}
	judgeInstallRows(ctx, &v, m2, tables)
	release, evidence, err := findRelease(ctx, m2, tables)
	if err != nil {
		m2.broken(&v, "release", err)
		return v
	}
	if lock, err := e.files.lock(); err == nil {
		if exact := magento2Release(e, lock); exact != "" {
			release, evidence = exact, "composer.lock; the database says "+release
		}
	}
	v.note("release", "Magento 2's release is "+release, evidence, "")
	v.Summary = "Magento 2 (" + release + ") is installed"
	if installed, err := installTime(ctx, e); err != nil {
		m2.broken(&v, "admin_user", err)
	} else if !installed.IsZero() {
		v.sample(installedTime, unixSeconds(installed))
		v.Summary += " since " + installed.Format(time.DateTime) + " UTC"
	}
	return v
}

// presentTables returns which of the tables that matter here exist under the prefix.
func presentTables(ctx context.Context, s *System) (map[string]bool, error) {
	names := slices.Concat(magento1Tables, magento2Tables, []string{"patch_list", "admin_analytics_usage_version_log"})
	fingerprints, err := loadFingerprints()
	if err != nil {
		return nil, err
	}
	for _, f := range fingerprints {
		if f.Table != "" {
			names = append(names, f.Table)
		}
	}
	var args []any
	for _, n := range names {
		args = append(args, s.Prefix+n)
	}
	present := map[string]bool{}
	err = s.Session.Rows(ctx, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (?"+strings.Repeat(", ?", len(args)-1)+")", args,
		func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			present[strings.TrimPrefix(name, s.Prefix)] = true
			return err
		})
	return present, err
}

// judgeTables reports whether it is worth looking further.
func judgeTables(ctx context.Context, v *Verdict, s *System, present map[string]bool) bool {
	var missing []string
	for _, t := range magento2Tables {
		if !present[t] {
			missing = append(missing, s.Prefix+t)
		}
	}
	isMagento1 := present["core_resource"] && present["core_store"]
	switch {
	case isMagento1 && !present["setup_module"]:
		v.fail("magento1", "this is a Magento 1 database, not a Magento 2", "it has "+s.Prefix+"core_resource and "+s.Prefix+"core_store",
			"The two databases may be swapped: correct magento2.database, or <destination> in the tool's config.xml.")
		return false
	case len(missing) == 0:
		return true
	case !present["setup_module"] && !present["store"]:
		judgeEmpty(ctx, v, s)
		return false
	}
	v.fail("tables", "Magento 2 is only half installed", "missing: "+strings.Join(missing, ", "),
		"Look at var/log/install.log, then install again into an empty database: bin/magento setup:install --cleanup-database …")
	return false
}

// judgeEmpty looks for the prefix under which there is a Magento 2.
func judgeEmpty(ctx context.Context, v *Verdict, s *System) {
	const suffix = "setup_module"
	var prefixes []string
	err := s.Session.Rows(ctx, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE ? LIMIT 5",
		[]any{"%" + database.EscapeLike(suffix)}, func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			prefixes = append(prefixes, strings.TrimSuffix(name, suffix))
			return err
		})
	switch {
	case err != nil:
		s.broken(v, "tables", err)
	case len(prefixes) > 0:
		v.fail("table_prefix", fmt.Sprintf("there is no Magento 2 under the table prefix %q", s.Prefix), fmt.Sprintf("there is one under %q", prefixes),
			fmt.Sprintf("Set magento2.database.table_prefix: %q, and dest_prefix in the tool's config.xml.", prefixes[0]))
	default:
		v.fail("tables", "Magento 2 is not installed in "+s.Endpoint.Name, "the account sees none of Magento 2's tables there",
			"Install it: bin/magento setup:install. If it is installed, let the account see it: the precondition privileges has the exact GRANT.")
	}
}

// judgeInstallRows finds an installation that made its tables and then died.
func judgeInstallRows(ctx context.Context, v *Verdict, s *System, present map[string]bool) {
	registry := "patch_list"
	if !present[registry] {
		registry = "setup_module"
	}
	for table, least := range map[string]int{registry: 1, "store": 2, "eav_entity_type": 1} {
		n, err := cappedCount(ctx, s, table, "")
		switch {
		case err != nil:
			s.broken(v, table, err)
		case n < least:
			v.fail(table, "Magento 2 is only half installed", fmt.Sprintf("%s has %d rows, an installation leaves at least %d", s.Prefix+table, n, least),
				"Look at var/log/install.log, then install again into an empty database: bin/magento setup:install --cleanup-database …")
		}
	}
}

// judgeSameDatabase compares what tells servers apart on both flavors.
func judgeSameDatabase(ctx context.Context, v *Verdict, e *Evidence) {
	if e.Magento1.Err != nil || e.Magento1.Prefix != e.Magento2.Prefix {
		return
	}
	const identity = "SELECT CONCAT_WS('|', @@hostname, @@port, @@datadir, DATABASE())"
	var one, two string
	err := errors.Join(e.Magento1.Session.Row(ctx, identity, nil, &one), e.Magento2.Session.Row(ctx, identity, nil, &two))
	if err != nil {
		e.Magento2.broken(v, "same database", err)
		return
	}
	if one == two {
		v.fail("same database", "Magento 1 and Magento 2 are the same database", two, "Correct magento1.database or magento2.database, or <source> and <destination> in the tool's config.xml.")
	}
}

func loadFingerprints() ([]fingerprint, error) {
	var all []fingerprint
	if err := yaml.Load(fingerprintData, &all, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("reading the built-in fingerprints: %w", err)
	}
	return all, nil
}

// findRelease returns the exact release where Magento has noted it, which it does at the first login to the admin, and else the range
// that the fingerprints leave open.
func findRelease(ctx context.Context, s *System, present map[string]bool) (release, evidence string, err error) {
	if release, err = notedRelease(ctx, s, present); release != "" || err != nil {
		return release, "admin_analytics_usage_version_log", err
	}
	r, err := fingerprintRange(ctx, s, present)
	if err != nil {
		return "", "", err
	}
	release = r.since + " or newer"
	var witnesses []string
	if r.seen != "" {
		witnesses = append(witnesses, "it has "+r.seen)
	}
	if r.before != "" {
		release += ", before " + r.before
		witnesses = append(witnesses, "it lacks "+r.unseen)
	}
	return release, strings.Join(witnesses, ", "), nil
}

// releaseRange returns the release as a range: before is the zero Release where it is open. An exact release is since alone.
func releaseRange(ctx context.Context, s *System, present map[string]bool) (since, before requirements.Release, err error) {
	noted, err := notedRelease(ctx, s, present)
	if err != nil {
		return since, before, err
	}
	if exact, ok := requirements.ParseRelease(noted); ok {
		next := exact
		next.Security++
		return exact, next, nil
	}
	r, err := fingerprintRange(ctx, s, present)
	if err != nil {
		return since, before, err
	}
	return fullRelease(r.since), fullRelease(r.before), nil
}

// fullRelease reads a release that may lack its last number.
func fullRelease(text string) requirements.Release {
	if strings.Count(text, ".") == 1 {
		text += ".0"
	}
	r, _ := requirements.ParseRelease(text)
	return r
}

func notedRelease(ctx context.Context, s *System, present map[string]bool) (release string, err error) {
	if !present["admin_analytics_usage_version_log"] {
		return "", nil
	}
	err = s.Session.Row(ctx, "SELECT last_viewed_in_version FROM "+s.table("admin_analytics_usage_version_log")+" ORDER BY id DESC LIMIT 1", nil, &release)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return release, err
}

// versionRange is what the fingerprints leave open, and by which of them.
type versionRange struct{ since, before, seen, unseen string }

func fingerprintRange(ctx context.Context, s *System, present map[string]bool) (versionRange, error) {
	r := versionRange{since: "2.0"}
	fingerprints, err := loadFingerprints()
	if err != nil {
		return r, err
	}
	for _, f := range fingerprints {
		has := present[f.Table]
		if f.Patch != "" && present["patch_list"] {
			n, err := cappedCount(ctx, s, "patch_list", "patch_name = ?", f.Patch)
			if err != nil {
				return r, err
			}
			has = n > 0
		}
		switch {
		case has:
			r = versionRange{since: f.Since, seen: f.String()}
		case r.before == "" && f.Since != r.since:
			r.before, r.unseen = f.Since, f.String()
		}
	}
	return r, nil
}

// installTime is what env.php says, else the first admin account's creation, the one witness in the database that the tool leaves alone.
func installTime(ctx context.Context, e *Evidence) (time.Time, error) {
	if env, err := e.files.env(); err == nil && env.InstallDate.State == envphp.Known {
		return env.InstallDate.Value.UTC(), nil
	}
	var at sql.NullInt64
	err := e.Magento2.Session.Row(ctx, "SELECT UNIX_TIMESTAMP(MIN(created)) FROM "+e.Magento2.table("admin_user"), nil, &at)
	if err != nil || at.Int64 <= 0 {
		return time.Time{}, err
	}
	return time.Unix(at.Int64, 0).UTC(), nil
}
