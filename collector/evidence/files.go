package evidence

import (
	"errors"
	"io/fs"
	"path/filepath"
	"sync"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/composer"
	"magento_migration_exporter/config/configphp"
	"magento_migration_exporter/config/envphp"
	"magento_migration_exporter/config/localxml"
	"magento_migration_exporter/config/magento1"
	"magento_migration_exporter/config/progress"
)

// Files reads what lies below the roots of both systems: each file at most once an evaluation, and only when somebody
// asks.
type Files struct {
	// Modules and Version are of Magento 1, Local is its app/etc/local.xml.
	Modules func() ([]magento1.Module, error)
	Version func() (magento1.Version, error)
	Local   func() (*localxml.File, error)
	// ConfigPHP, Env, Lock and Progress are Magento 2's app/etc/config.php, app/etc/env.php, composer.lock and the
	// tool's progress file.
	ConfigPHP func() (*configphp.File, error)
	Env       func() (*envphp.File, error)
	Lock      func() (*composer.Lock, error)
	Progress  func() (*progress.Lock, error)
}

// ErrNoRoot is the error of every file of a system without a root.
var ErrNoRoot = errors.New("its root is not configured")

func newFiles(m *config.Migration) *Files {
	root1, root2 := m.Magento1.Root, m.Magento2.Root
	return &Files{
		Modules:   below(root1, "", magento1.ReadModules),
		Version:   below(root1, "", magento1.ReadVersion),
		Local:     below(root1, "app/etc/local.xml", localxml.Read),
		ConfigPHP: below(root2, "app/etc/config.php", configphp.Read),
		Env: below(
			root2,
			"app/etc/env.php",
			func(path string) (*envphp.File, error) { return envphp.Read(path, nil) },
		),
		Lock:     below(root2, "composer.lock", composer.ReadLock),
		Progress: below(root2, "var/migration-tool-progress.lock", progress.Read),
	}
}

// below reads a file under a root once.
func below[T any](root, path string, read func(string) (T, error)) func() (T, error) {
	return sync.OnceValues(func() (T, error) {
		if root == "" {
			var none T
			return none, ErrNoRoot
		}
		return read(filepath.Join(root, path))
	})
}

// Missing reports whether a file is not there, as opposed to unreadable.
func Missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// Unreadable adds that a file below a system's root cannot be read, or that the configuration does not say where the
// root is.
func (s *System) Unreadable(v *finding.Verdict, subject, summary string, err error) {
	v.Unknown(subject, summary, err.Error(), s.UnreadableRemedy(err))
}

// UnreadableRemedy says what to do about a file below the system's root that cannot be read.
func (s *System) UnreadableRemedy(err error) string {
	if errors.Is(err, ErrNoRoot) {
		return "Set " + s.Key("root") + " to the folder of " + s.Label() + " on this host."
	}
	return "Let the user that the exporter runs as read the file, and correct it."
}
