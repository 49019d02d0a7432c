package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v4"
)

// MaxFileSize is how large a configuration file can be, in bytes: far above a thousand migrations.
const MaxFileSize = 8 << 20

// FileError is a fault in the configuration file, with its place. Line and Column count from 1; 0 is not known.
type FileError struct {
	File         string
	Line, Column int
	Message      string
}

// Error implements error.
func (e *FileError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Load reads and validates a file. Preconditions are the known ids; a setting or waiver for any other is refused.
// All faults found are in the error, one FileError each. Relative paths are taken from the file's folder.
func Load(path string, preconditions []string) (*Config, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	cfg, err := Parse(path, data, preconditions)
	if err != nil {
		return nil, err
	}
	cfg.resolvePaths(filepath.Dir(path))
	return cfg, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, &FileError{File: path, Message: "this is a folder, not a file"}
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if len(data) > MaxFileSize {
		return nil, &FileError{File: path, Message: fmt.Sprintf("larger than %d MiB", MaxFileSize>>20)}
	}
	return data, nil
}

// Parse reads and validates a file's content; see Load. Paths stay as they are written.
func Parse(file string, data []byte, preconditions []string) (*Config, error) {
	var document yaml.Node
	cfg := Default()
	if err := yaml.Load(data, &document); err != nil {
		return nil, fileErrors(file, err)
	}
	if err := document.Load(cfg, yaml.WithKnownFields()); err != nil {
		return nil, fileErrors(file, err)
	}
	v := validator{file: file, document: &document, preconditions: preconditions}
	v.config(cfg)
	return cfg, errors.Join(v.errs...)
}

// fileErrors gives the decoder's errors this package's form.
func fileErrors(file string, err error) error {
	var several *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case errors.As(err, &several):
		var errs []error
		for _, e := range several.Errors {
			errs = append(errs, &FileError{File: file, Line: e.Mark.Line, Column: e.Mark.Column, Message: readable(e.Message)})
		}
		return errors.Join(errs...)
	case errors.As(err, &one):
		return &FileError{File: file, Line: one.Mark.Line, Column: one.Mark.Column, Message: readable(one.Message)}
	}
	return &FileError{File: file, Message: readable(err.Error())}
}

// resolvePaths makes relative paths absolute.
func (c *Config) resolvePaths(dir string) {
	join := func(paths ...*string) {
		for _, p := range paths {
			if *p != "" && !filepath.IsAbs(*p) {
				*p = filepath.Join(dir, *p)
			}
		}
	}
	list := func(paths []string) {
		for i := range paths {
			join(&paths[i])
		}
	}
	for i := range c.Migrations {
		m := &c.Migrations[i]
		join(&m.MigrationTool.Config, &m.Preconditions.SystemRequirements.RequirementsFile)
		for _, s := range []*System{&m.Magento1, &m.Magento2} {
			join(&s.Root, &s.Database.PasswordFile, &s.Database.Socket)
			if s.Database.TLS != nil {
				tls := *s.Database.TLS
				join(&tls.CAFile, &tls.CertFile, &tls.KeyFile)
				s.Database.TLS = &tls
			}
		}
		list(m.Preconditions.Backup.Paths)
		if m.Preconditions.CronStopped.Crontabs != nil {
			list(*m.Preconditions.CronStopped.Crontabs)
		}
	}
}
