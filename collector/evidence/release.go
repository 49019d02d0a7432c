package evidence

import (
	"context"
	"database/sql"
	_ "embed" // the fingerprints
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"magento_migration_exporter/collector/requirements"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/composer"
)

//go:embed m2_fingerprints.yml
var fingerprintData []byte

//go:embed m2_catalog.yml
var catalogData []byte

// catalogVersion is a version of Magento_Catalog in setup_module, and the releases that have it.
type catalogVersion struct {
	Version string `yaml:"version"`
	Since   string `yaml:"since"`
	Before  string `yaml:"before"`
}

func (e *Evidence) catalogVersions() ([]catalogVersion, error) {
	return Once(e.Lifetime, "versions of Magento_Catalog", func() ([]catalogVersion, error) {
		var all []catalogVersion
		if err := yaml.Load(catalogData, &all, yaml.WithKnownFields()); err != nil {
			return nil, fmt.Errorf("reading the built-in versions of Magento_Catalog: %w", err)
		}
		return all, nil
	})
}

// fingerprint is a table or patch that came with a release of Magento 2 and exists in all newer ones.
type fingerprint struct {
	Table string `yaml:"table"`
	Patch string `yaml:"patch"`
	Since string `yaml:"since"`
}

// String names the fingerprint for people.
func (f fingerprint) String() string {
	if f.Table != "" {
		return "table " + f.Table
	}
	return "patch " + f.Patch
}

func (e *Evidence) fingerprints() ([]fingerprint, error) {
	return Once(e.Lifetime, "fingerprints", func() ([]fingerprint, error) {
		var all []fingerprint
		if err := yaml.Load(fingerprintData, &all, yaml.WithKnownFields()); err != nil {
			return nil, fmt.Errorf("reading the built-in fingerprints: %w", err)
		}
		return all, nil
	})
}

// DeclaredRelease is a precondition's settings that can have Magento 2's release.
type DeclaredRelease interface {
	config.Settings
	// Magento2Release is empty when the configuration does not have it.
	Magento2Release() string
}

// Release is what is known about Magento 2's release: one release, or a range of releases.
type Release struct {
	// Exact is the one release; empty when only a range is known.
	Exact string
	// Since is the lowest possible release. Before is the first one above the range, empty when the range is open.
	Since, Before string
	// Evidence says what the release was found from.
	Evidence string
	// Declared is true when the configuration has the release.
	Declared bool
	// Files is the release in Composer's files; its Problem says why they do not have it.
	Files composer.Magento
	// Database is the release according to the database; nil when it cannot be read.
	Database *DatabaseRelease
}

// String is the exact release, or the range in words.
func (r Release) String() string {
	switch {
	case r.Exact != "":
		return r.Exact
	case r.Since == "":
		return ""
	case r.Before != "":
		return r.Since + " or newer, before " + r.Before
	}
	return r.Since + " or newer"
}

// Limits returns the lowest possible release and the first one above the range, which is the zero Release when the
// range is open. Both are zero when nothing is known, or the release has no numbers.
func (r Release) Limits() (since, before requirements.Release) {
	if r.Exact == "" {
		return fullRelease(r.Since), fullRelease(r.Before)
	}
	exact, ok := requirements.ParseRelease(r.Exact)
	if !ok {
		return since, before
	}
	next := exact
	next.Security++
	return exact, next
}

// fullRelease reads a release that may lack its last number.
func fullRelease(text string) requirements.Release {
	if strings.Count(text, ".") == 1 {
		text += ".0"
	}
	r, _ := requirements.ParseRelease(text)
	return r
}

// Release returns what is known about Magento 2's release: from the configuration, else from Composer's files, else
// from the database. The error is that of reading the database, when nothing else has the release.
func (e *Evidence) Release(ctx context.Context) (Release, error) {
	e.releaseOnce.Do(func() { e.release, e.releaseErr = e.findRelease(ctx) })
	return e.release, e.releaseErr
}

func (e *Evidence) findRelease(ctx context.Context) (Release, error) {
	r := Release{Files: e.releaseOfFiles()}
	var err error
	if e.Magento2.Err == nil {
		r.Database, err = e.releaseOfDatabase(ctx)
	}
	for _, s := range e.Migration.Preconditions.All() {
		if d, ok := s.(DeclaredRelease); ok && d.Magento2Release() != "" {
			r.Exact, r.Evidence, r.Declared = d.Magento2Release(), "set in the configuration", true
			return r, nil
		}
	}
	switch {
	case r.Files.Release != "":
		r.Exact, r.Evidence = r.Files.Release, r.Files.Evidence()
		if r.Database != nil {
			r.Evidence += "; the database says " + r.Database.String()
		}
		return r, nil
	case err != nil:
		return r, err
	case r.Database != nil:
		d := r.Database
		r.Exact, r.Since, r.Before, r.Evidence = d.Exact, d.Since, d.Before, d.Evidence()
	}
	return r, nil
}

// releaseOfFiles reads composer.lock and composer.json. A checkout's composer.json is enough.
func (e *Evidence) releaseOfFiles() composer.Magento {
	lock, err := e.Files.Lock()
	if Missing(err) {
		if m := composer.ReleaseOfRoot(filepath.Join(e.Migration.Magento2.Root, "composer.lock")); m.Release != "" {
			return m
		}
	}
	if err != nil {
		return composer.Magento{Problem: err.Error()}
	}
	return composer.Release(lock)
}

// DatabaseRelease is Magento 2's release according to its database.
type DatabaseRelease struct {
	// Exact is the release that Magento itself recorded at the first login to the admin. It is empty when it has not,
	// and when the range contradicts it, because Magento never writes that row again.
	Exact string
	// Since is the lowest possible release. Before is the first one above the range, empty when the range is open.
	Since, Before string
	// Recorded is the release of the first login, also when it is no longer true.
	Recorded string
	// Seen and Lacking are the fingerprints that decided. Everything in the database came with its release; a missing
	// table may have gone with a removed module.
	Seen, Lacking string
	// Schema are the releases whose setup has been run, as far as setup_module says it more exactly than the range. Its
	// Since is empty where it does not.
	Schema struct{ Since, Before string }
}

// String is the exact release, or the range in words.
func (d *DatabaseRelease) String() string {
	return Release{Exact: d.Exact, Since: d.Since, Before: d.Before}.String()
}

// Evidence says what the release was found from.
func (d *DatabaseRelease) Evidence() string {
	if d.Exact != "" {
		return "admin_analytics_usage_version_log"
	}
	var parts []string
	if d.Seen != "" {
		parts = append(parts, "it has "+d.Seen)
	}
	if d.Before != "" {
		parts = append(parts, "it lacks "+d.Lacking)
	}
	if d.Recorded != "" {
		parts = append(parts, "admin_analytics_usage_version_log still has "+d.Recorded)
	}
	return strings.Join(parts, ", ")
}

func (e *Evidence) releaseOfDatabase(ctx context.Context) (*DatabaseRelease, error) {
	present, err := e.PresentTables(ctx)
	if err != nil || !present["setup_module"] {
		return nil, err
	}
	d := &DatabaseRelease{}
	if present["patch_list"] {
		err = e.fingerprintRange(ctx, d, present)
	} else {
		err = e.lineOfCatalog(ctx, d)
	}
	if err != nil {
		return nil, err
	}
	if d.Recorded, err = recordedRelease(ctx, e.Magento2, present); err != nil {
		return nil, err
	}
	if d.contains(d.Recorded) {
		d.Exact = d.Recorded
	}
	return d, nil
}

// contains reports whether a release is in the range.
func (d *DatabaseRelease) contains(release string) bool {
	r, ok := requirements.ParseRelease(release)
	if !ok {
		return false
	}
	return r.Compare(fullRelease(d.Since)) >= 0 && (d.Before == "" || r.Compare(fullRelease(d.Before)) < 0)
}

// lineOfCatalog finds the line of a release before 2.3 by the version of Magento_Catalog: 2.0.x in 2.0, 2.1.x in 2.1,
// 2.2.x in 2.2. From 2.1.0 to 2.1.2 it is still 2.0.x: then Magento_Vault, which came with 2.1, tells them apart.
func (e *Evidence) lineOfCatalog(ctx context.Context, d *DatabaseRelease) error {
	d.Since, d.Before, d.Lacking = "2.0", "2.3", "table patch_list"
	versions := map[string]string{}
	query := "SELECT module, COALESCE(schema_version, '') FROM " + e.Magento2.Table("setup_module") +
		" WHERE module IN ('Magento_Catalog', 'Magento_Vault')"
	err := e.Magento2.Session.Rows(ctx, query, nil, func(scan func(...any) error) error {
		var module, version string
		err := scan(&module, &version)
		versions[module] = version
		return err
	})
	if err != nil {
		return err
	}
	catalog := versions["Magento_Catalog"]
	_, vault := versions["Magento_Vault"]
	seen := "Magento_Catalog " + catalog
	switch evident := FirstTwo(catalog); {
	case evident == "2.0" && vault:
		d.Since, d.Before, d.Seen = "2.1", "2.2", seen+" and Magento_Vault in setup_module"
	case evident == "2.0":
		d.Since, d.Before, d.Seen = "2.0", "2.1", seen+" in setup_module"
	case evident == "2.1":
		d.Since, d.Before, d.Seen = "2.1", "2.2", seen+" in setup_module"
	case evident == "2.2":
		d.Since, d.Before, d.Seen = "2.2", "2.3", seen+" in setup_module"
	}
	known, err := e.catalogVersions()
	for _, v := range known {
		if v.Version == catalog {
			d.Schema.Since, d.Schema.Before = v.Since, v.Before
		}
	}
	return err
}

func recordedRelease(ctx context.Context, s *System, present map[string]bool) (release string, err error) {
	const table = "admin_analytics_usage_version_log"
	if !present[table] {
		return "", nil
	}
	query := "SELECT last_viewed_in_version FROM " + s.Table(table) +
		" ORDER BY id DESC LIMIT 1"
	err = s.Session.Row(ctx, query, nil, &release)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return release, err
}

func (e *Evidence) fingerprintRange(ctx context.Context, d *DatabaseRelease, present map[string]bool) error {
	fingerprints, err := e.fingerprints()
	if err != nil {
		return err
	}
	for _, f := range fingerprints {
		has := present[f.Table]
		if f.Patch != "" {
			n, err := e.Magento2.Count(ctx, "patch_list", "patch_name = ?", f.Patch)
			if err != nil {
				return err
			}
			has = n > 0
		}
		switch {
		case has:
			d.Since, d.Seen, d.Before, d.Lacking = f.Since, f.String(), "", ""
		case d.Before == "" && f.Since != d.Since:
			d.Before, d.Lacking = f.Since, f.String()
		}
	}
	return nil
}
