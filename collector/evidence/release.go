package evidence

import (
	"context"
	"database/sql"
	_ "embed" // the fingerprints
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"magento_migration_exporter/collector/requirements"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/composer"
)

//go:embed m2_fingerprints.yml
var fingerprintData []byte

// fingerprint is something that came with a release of Magento 2 and stayed.
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

// DeclaredRelease is a setting that says Magento 2's release.
type DeclaredRelease interface {
	config.Settings
	// Magento2Release is empty where nothing is said.
	Magento2Release() string
}

// KnownRelease returns Magento 2's exact release as the configuration or composer.lock says it, empty when neither
// does. What the configuration says wins.
func (e *Evidence) KnownRelease() string {
	for _, s := range e.Migration.Preconditions.All() {
		if d, ok := s.(DeclaredRelease); ok && d.Magento2Release() != "" {
			return d.Magento2Release()
		}
	}
	lock, err := e.Files.Lock()
	if err != nil {
		return ""
	}
	for _, name := range []string{composer.Commerce, composer.OpenSource, composer.Base} {
		if p, ok := lock.Package(name); ok {
			return strings.TrimPrefix(p.Version, "v")
		}
	}
	return ""
}

// ReleaseRange is what Magento 2's database says of its release.
type ReleaseRange struct {
	// Exact is the release that Magento itself has noted; empty where it has not.
	Exact string
	// Since is the lowest possible release; Before is above the highest one, and empty where the range is open.
	Since, Before string
	// Seen and Lacking are the fingerprints that decided.
	Seen, Lacking string
}

// String is the exact release, or the range in words.
func (r ReleaseRange) String() string {
	switch {
	case r.Exact != "":
		return r.Exact
	case r.Before != "":
		return r.Since + " or newer, before " + r.Before
	}
	return r.Since + " or newer"
}

// Evidence says what the release was found from.
func (r ReleaseRange) Evidence() string {
	if r.Exact != "" {
		return "admin_analytics_usage_version_log"
	}
	var witnesses []string
	if r.Seen != "" {
		witnesses = append(witnesses, "it has "+r.Seen)
	}
	if r.Before != "" {
		witnesses = append(witnesses, "it lacks "+r.Lacking)
	}
	return strings.Join(witnesses, ", ")
}

// Limits returns the lowest possible release and the one above the highest, which is the zero Release where the range
// is open.
func (r ReleaseRange) Limits() (since, before requirements.Release) {
	if exact, ok := requirements.ParseRelease(r.Exact); ok {
		next := exact
		next.Security++
		return exact, next
	}
	return fullRelease(r.Since), fullRelease(r.Before)
}

// fullRelease reads a release that may lack its last number.
func fullRelease(text string) requirements.Release {
	if strings.Count(text, ".") == 1 {
		text += ".0"
	}
	r, _ := requirements.ParseRelease(text)
	return r
}

// ReleaseOfDatabase returns the exact release where Magento has noted it, which it does at the first login to the
// admin, and else the range that the fingerprints leave open. Present are the tables of PresentTables.
func (e *Evidence) ReleaseOfDatabase(ctx context.Context, present map[string]bool) (ReleaseRange, error) {
	noted, err := notedRelease(ctx, e.Magento2, present)
	if err != nil || noted != "" {
		return ReleaseRange{Exact: noted}, err
	}
	return e.fingerprintRange(ctx, present)
}

func notedRelease(ctx context.Context, s *System, present map[string]bool) (release string, err error) {
	if !present["admin_analytics_usage_version_log"] {
		return "", nil
	}
	query := "SELECT last_viewed_in_version FROM " + s.Table(
		"admin_analytics_usage_version_log",
	) + " ORDER BY id DESC LIMIT 1"
	err = s.Session.Row(ctx, query, nil, &release)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return release, err
}

func (e *Evidence) fingerprintRange(ctx context.Context, present map[string]bool) (ReleaseRange, error) {
	r := ReleaseRange{Since: "2.0"}
	fingerprints, err := e.fingerprints()
	if err != nil {
		return r, err
	}
	for _, f := range fingerprints {
		has := present[f.Table]
		if f.Patch != "" && present["patch_list"] {
			n, err := e.Magento2.Count(ctx, "patch_list", "patch_name = ?", f.Patch)
			if err != nil {
				return r, err
			}
			has = n > 0
		}
		switch {
		case has:
			r = ReleaseRange{Since: f.Since, Seen: f.String()}
		case r.Before == "" && f.Since != r.Since:
			r.Before, r.Lacking = f.Since, f.String()
		}
	}
	return r, nil
}
