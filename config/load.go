package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// MaxFileSize is the largest configuration, in bytes, for all its files together: far more than a thousand migrations
// need.
const MaxFileSize = 8 << 20

// FileError is a fault in a configuration file, with its place. Line and Column count from 1; 0 means unknown.
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

// Load reads and validates a configuration. The path is a file, a folder (every file in it that ends in .yml or .yaml
// is read) or a glob pattern. Sections are those of the known preconditions; a setting or waiver for any other is
// refused. The error has all faults that were found, one FileError each. Relative paths start at the folder of their
// file.
func Load(path string, sections []Section) (*Config, error) {
	files, err := listFiles(path)
	if err != nil {
		return nil, err
	}
	p := parser{sections: sections, sources: sources{keys: newKeyTable(sections)}}
	var errs []error
	left := int64(MaxFileSize)
	for _, file := range files {
		data, err := readFile(file, left)
		if err == nil {
			left -= int64(len(data))
			err = p.read(file, data)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	cfg, err := p.config()
	if err != nil {
		return nil, err
	}
	p.resolvePaths(cfg)
	return cfg, nil
}

func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, &FileError{File: path, Message: "this is a folder, not a file"}
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if int64(len(data)) > limit {
		return nil, &FileError{
			File:    path,
			Message: fmt.Sprintf("the configuration is larger than %d MiB", MaxFileSize>>20),
		}
	}
	return data, nil
}

// parser reads a configuration from one or several files.
type parser struct {
	sections  []Section
	sources   sources
	documents []*yaml.Node
	document  *yaml.Node

	filesWithSecrets []string
}

func (p *parser) read(file string, data []byte) error {
	var document yaml.Node
	if err := yaml.Load(data, &document); err != nil {
		one := sources{files: []source{{path: file}}, keys: p.sources.keys}
		return one.errors(err)
	}
	if len(document.Content) == 0 {
		return &FileError{File: file, Message: "the file is empty"}
	}
	if key := keyWithoutColon(&document); key != nil {
		const message = "an unquoted comma inside {…}: a text with a comma needs quotes"
		return &FileError{File: file, Line: key.Line, Column: key.Column, Message: message}
	}
	p.sources.add(file, data, &document)
	p.documents = append(p.documents, &document)
	if holdsSecret(&document, "") {
		p.filesWithSecrets = append(p.filesWithSecrets, file)
	}
	return nil
}

func (p *parser) config() (*Config, error) {
	a := newAssembly(&p.sources, p.sections)
	for _, d := range p.documents {
		a.add(d)
	}
	p.document = a.document()
	cfg := Default()
	if err := p.document.Load(cfg, yaml.WithKnownFields()); err != nil {
		a.errs = append(a.errs, p.sources.errors(err))
	}
	for i := range cfg.Migrations {
		for _, err := range cfg.Migrations[i].Preconditions.decode(p.sections) {
			a.errs = append(a.errs, p.sources.errors(err))
		}
	}
	if len(a.errs) > 0 {
		return nil, distinct(a.errs)
	}
	v := validator{sources: &p.sources, document: p.document, sections: p.sections}
	v.config(cfg)
	cfg.filesWithSecrets = p.filesWithSecrets
	return cfg, distinct(v.errs)
}

// errors converts the decoder's errors to FileErrors.
func (s *sources) errors(err error) error {
	var several *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case errors.As(err, &several):
		var errs []error
		for _, e := range several.Errors {
			errs = append(errs, s.error(e))
		}
		return errors.Join(errs...)
	case errors.As(err, &one):
		return s.error(one)
	}
	return &FileError{File: s.files[0].path, Message: readable(err.Error(), s.keys)}
}

var lineInMessage = regexp.MustCompile(`at line (\d+)$`)

func (s *sources) error(e *yaml.LoadError) error {
	path, line := s.of(e.Mark.Line)
	message := lineInMessage.ReplaceAllStringFunc(readable(e.Message, s.keys), func(text string) string {
		number, _ := strconv.Atoi(lineInMessage.FindStringSubmatch(text)[1])
		_, number = s.of(number)
		return fmt.Sprintf("at line %d", number)
	})
	return &FileError{File: path, Line: line, Column: e.Mark.Column, Message: message}
}

// resolvePaths makes relative paths absolute; they start at the folder of their file.
func (p *parser) resolvePaths(c *Config) {
	join := func(value *string, path ...any) {
		if *value != "" && !filepath.IsAbs(*value) {
			file, _ := p.sources.of(find(p.document, path).Line)
			*value = filepath.Join(filepath.Dir(file), *value)
		}
	}
	for i := range c.Migrations {
		m := &c.Migrations[i]
		at := func(keys ...any) []any { return append([]any{"migrations", i}, keys...) }
		join(&m.MigrationTool.Config, at("migration_tool", "config")...)
		for name, s := range map[string]*System{"magento1": &m.Magento1, "magento2": &m.Magento2} {
			join(&s.Root, at(name, "root")...)
			join(&s.Database.PasswordFile, at(name, "database", "password_file")...)
			join(&s.Database.Socket, at(name, "database", "socket")...)
			if tls := s.Database.TLS; tls != nil {
				join(&tls.CAFile, at(name, "database", "tls", "ca_file")...)
				join(&tls.CertFile, at(name, "database", "tls", "cert_file")...)
				join(&tls.KeyFile, at(name, "database", "tls", "key_file")...)
			}
		}
		for id, settings := range m.Preconditions.sections {
			if named, ok := settings.(PathSettings); ok {
				named.Paths(func(value *string, keys ...any) {
					join(value, append(at("preconditions", id), keys...)...)
				})
			}
		}
	}
}
