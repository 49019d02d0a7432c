package evidence

import (
	"context"
	"database/sql"
	"errors"

	"magento_migration_exporter/config/magento1"
)

// Magento1Release is what is known about Magento 1's edition and release.
type Magento1Release struct {
	// Edition is Community or Enterprise; empty when it is unknown.
	Edition string
	// First and Last are the oldest and the newest possible release; they are equal when the release is exact. Last is
	// empty when the setups are newer than those of any release; both are empty when nothing is known.
	First, Last string
	// OpenMage is true for OpenMage; its own number can be unknown.
	OpenMage       bool
	OpenMageNumber string
	// Evidence says what it was found from, or why it is unknown.
	Evidence string
}

// String is the edition with the release or the range.
func (r Magento1Release) String() string {
	text := r.Edition
	if text != "" {
		text += " "
	}
	switch {
	case r.First == "":
		return text + "of an unknown release"
	case r.First == r.Last:
		return text + r.First
	case r.Last == "":
		return text + "newer than " + r.First
	}
	return text + r.First + " to " + r.Last
}

// Magento1Release reads Magento 1's release from its files. When these are not on this host, it infers the release from
// the versions of its modules in core_resource.
func (e *Evidence) Magento1Release(ctx context.Context) Magento1Release {
	version, err := e.Files.Version()
	if err == nil {
		return Magento1Release{
			Edition:        version.Edition,
			First:          version.Number,
			Last:           version.Number,
			OpenMage:       version.OpenMage,
			OpenMageNumber: version.OpenMageNumber,
			Evidence:       "app/Mage.php has " + version.String(),
		}
	}
	unknown := Magento1Release{Evidence: "Magento 1's root: " + err.Error()}
	if !errors.Is(err, ErrNoRoot) {
		unknown.Evidence = err.Error()
	}
	if e.Magento1.Err != nil {
		unknown.Evidence += "; its database: " + e.Magento1.Err.Error()
		return unknown
	}
	resources, err := e.resources(ctx)
	if err != nil {
		unknown.Evidence += "; its database: " + err.Error()
		return unknown
	}
	r := magento1.InferRelease(resources)
	if r.First == "" {
		unknown.Edition = r.Edition
		unknown.Evidence += "; core_resource: " + r.Problem
		return unknown
	}
	return Magento1Release{
		Edition: r.Edition, First: r.First, Last: r.Last, Evidence: "core_resource has " + r.Evidence,
	}
}

// resources returns the versions in core_resource by code.
func (e *Evidence) resources(ctx context.Context) (map[string]string, error) {
	resources := map[string]string{}
	query := "SELECT code, version FROM " + e.Magento1.Table("core_resource")
	err := e.Magento1.Session.Rows(ctx, query, nil, func(scan func(...any) error) error {
		var code string
		var version sql.NullString
		err := scan(&code, &version)
		resources[code] = version.String
		return err
	})
	return resources, err
}
