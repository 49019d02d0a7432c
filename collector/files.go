package collector

import (
	"errors"
	"io/fs"
	"path/filepath"
	"sync"

	"magento_migration_exporter/config"
	"magento_migration_exporter/config/composer"
	"magento_migration_exporter/config/configphp"
	"magento_migration_exporter/config/envphp"
	"magento_migration_exporter/config/localxml"
	magento1files "magento_migration_exporter/config/magento1"
	"magento_migration_exporter/config/progress"
)

// files reads what lies below the roots of both systems: each file at most once an evaluation, and only when somebody asks.
type files struct {
	modules    func() ([]magento1files.Module, error)
	version    func() (magento1files.Version, error)
	local      func() (*localxml.File, error)
	configPHP  func() (*configphp.File, error)
	env        func() (*envphp.File, error)
	lock       func() (*composer.Lock, error)
	progress   func() (*progress.Lock, error)
	setupCodes func(module magento1files.Module) []string
}

// errNoRoot is the error of every file of a system without a root.
var errNoRoot = errors.New("its root is not configured")

func newFiles(m *config.Migration) *files {
	root1, root2 := m.Magento1.Root, m.Magento2.Root
	return &files{
		modules:    below(root1, "", magento1files.ReadModules),
		version:    below(root1, "", magento1files.ReadVersion),
		local:      below(root1, "app/etc/local.xml", localxml.Read),
		configPHP:  below(root2, "app/etc/config.php", configphp.Read),
		env:        below(root2, "app/etc/env.php", func(path string) (*envphp.File, error) { return envphp.Read(path, nil) }),
		lock:       below(root2, "composer.lock", composer.ReadLock),
		progress:   below(root2, "var/migration-tool-progress.lock", progress.Read),
		setupCodes: func(module magento1files.Module) []string { return setupCodes(root1, module) },
	}
}

// below reads a file under a root once.
func below[T any](root, path string, read func(string) (T, error)) func() (T, error) {
	return sync.OnceValues(func() (T, error) {
		if root == "" {
			var none T
			return none, errNoRoot
		}
		return read(filepath.Join(root, path))
	})
}

// missing reports whether a file is not there, as opposed to unreadable.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
