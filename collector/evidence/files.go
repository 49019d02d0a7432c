package evidence

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"syscall"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/composer"
	"magento_migration_exporter/config/configphp"
	"magento_migration_exporter/config/envphp"
	"magento_migration_exporter/config/localxml"
	"magento_migration_exporter/config/magento1"
	"magento_migration_exporter/config/progress"
	"magento_migration_exporter/config/shell"
	"magento_migration_exporter/config/sourcefile"
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
	switch {
	case errors.Is(err, ErrNoRoot):
		return "Set " + s.Key("root") + " to the folder of " + s.Label() + " on this host."
	case Missing(err):
		return fmt.Sprintf("Each installation has this file. Set %s to the folder of %s on this host, if that is "+
			"another one; else put the file back.", s.Key("root"), s.Label())
	}
	return fileRemedy(err)
}

// fileRemedy says what to do about a file that cannot be read, by the cause.
func fileRemedy(err error) string {
	var content *sourcefile.Error
	var path string
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		path = e.Path
	}
	switch {
	case errors.Is(err, ErrHangs):
		return HangRemedy
	case Missing(err):
		return "Put the file there, readable for the user that the exporter runs as, or correct its path."
	case errors.Is(err, fs.ErrPermission):
		return "Let the user that the exporter runs as read the file (r), and go through each folder above it (x). " +
			"This shows whose right is missing:\nnamei -l " + shell.Word(path)
	case errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENOTDIR):
		return "A part of the path leads nowhere: a symbolic link to itself, or a file where a folder should be. " +
			"Correct it. This shows which:\nnamei -l " + shell.Word(path)
	case errors.As(err, &content) && content.IsKnown():
		return "Correct the file at the place that is named."
	case errors.As(err, &content):
		return "Put a file of the right kind there, with its whole content."
	case path == "":
		return "Correct what the message names; the next evaluation reads it again."
	}
	return "Look at the disk or the mount that the file is on, and at the kernel's messages:\ndmesg | tail"
}
