package evidence

import (
	"errors"
	"fmt"
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

// Files reads the files below the roots of both systems: each at most once an evaluation, and only when a precondition
// needs it.
type Files struct {
	// Modules, Version and Local (app/etc/local.xml) are Magento 1's.
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

// ErrNoRoot is the error of every file of a system whose root is not configured.
var ErrNoRoot = errors.New("root is not set")

func newFiles(m *config.Migration) *Files {
	root1 := root{finding.Magento1, m.Magento1.Root}
	root2 := root{finding.Magento2, m.Magento2.Root}
	readEnv := func(path string) (*envphp.File, error) { return envphp.Read(path, nil) }
	return &Files{
		Modules:   below(root1, "", magento1.ReadModules),
		Version:   below(root1, "", magento1.ReadVersion),
		Local:     below(root1, "app/etc/local.xml", localxml.Read),
		ConfigPHP: below(root2, "app/etc/config.php", configphp.Read),
		Env:       below(root2, "app/etc/env.php", readEnv),
		Lock:      below(root2, "composer.lock", composer.ReadLock),
		Progress:  below(root2, progressFile, progress.Read),
	}
}

// root is the folder of a system; its path is empty when it is not configured.
type root struct {
	system finding.System
	path   string
}

// progressFile is where the tool notes how far it is, below Magento 2's root.
const progressFile = "var/migration-tool-progress.lock"

// below reads a file under a root once.
func below[T any](r root, path string, read func(string) (T, error)) func() (T, error) {
	return sync.OnceValues(func() (T, error) {
		if r.path == "" {
			var none T
			return none, fmt.Errorf("%s.%w", r.system, ErrNoRoot)
		}
		return read(filepath.Join(r.path, path))
	})
}

// Missing reports whether a file does not exist, in contrast to one that cannot be read.
func Missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// Unreadable adds that a file below a system's root cannot be read, or that the root is not configured.
func (s *System) Unreadable(v *finding.Verdict, subject, summary string, err error) {
	v.Unknown(subject, summary, err.Error(), s.UnreadableRemedy(err))
}

// UnreadableRemedy is the remedy for a file below the system's root that cannot be read.
func (s *System) UnreadableRemedy(err error) string {
	if errors.Is(err, ErrNoRoot) {
		return "Set " + s.Key("root") + " to the folder of " + s.Label() + " on this host."
	}
	return "Let the user that the exporter runs as read the file, and correct it."
}
