// Package composer reads which packages composer.lock installs, and what the root package in composer.json is.
//
// It reads names, versions, requirements and where classes are: addresses of repositories and downloads can hold
// passwords.
package composer

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"magento_migration_exporter/config/sourcefile"
)

const (
	// MaxLockSize is the largest composer.lock that is read, in bytes. That of Magento 2 has about 1 MB.
	MaxLockSize = 16 << 20
	// MaxRootSize is the largest composer.json that is read, in bytes.
	MaxRootSize = 1 << 20
)

// Names of packages that say what is installed.
const (
	OpenSource        = "magento/product-community-edition"
	Commerce          = "magento/product-enterprise-edition"
	Cloud             = "magento/magento-cloud-metapackage"
	Base              = "magento/magento2-base"
	CommerceBase      = "magento/magento2-ee-base"
	DataMigrationTool = "magento/data-migration-tool"
)

// Lock is composer.lock, and the root package of the composer.json beside it.
type Lock struct {
	File string `json:"file"`
	// Packages are all packages, those for development last.
	Packages []Package `json:"packages"`
	// Root is the package in composer.json. It has no name where there is no such file.
	Root Package `json:"root"`
	// RootProblem says why composer.json cannot be read, empty where it can or is not there.
	RootProblem string `json:"root_problem,omitempty"`
	// Platform is what the root package requires of PHP and its extensions.
	Platform map[string]string `json:"platform"`
	// Aliases are the versions by package for which the root package takes another, such as "dev-main as 2.4.7".
	Aliases map[string]string `json:"aliases,omitempty"`
}

// Package is an installed package.
type Package struct {
	Name string `json:"name"`
	// Version is as Composer writes it, such as 2.4.7-p3, v1.2.3 or dev-main.
	Version string `json:"version"`
	// Type is such as magento2-module, library or metapackage.
	Type    string            `json:"type"`
	Require map[string]string `json:"require"`
	// Replace are the packages that this one stands for, with their versions.
	Replace map[string]string `json:"replace"`
	// MagentoVersion is extra.magento_version, in which Mage-OS names the release of Magento that it is.
	MagentoVersion string `json:"magento_version,omitempty"`
	// Classes are the folders of PHP classes by the beginning of their names (PSR-4), relative to the package's own
	// folder.
	Classes map[string][]string `json:"classes"`
	// Dev is set for packages that are for development only.
	Dev bool `json:"dev"`
}

// ReadLock reads a composer.lock and the composer.json beside it. Only the former has to be there.
func ReadLock(path string) (*Lock, error) {
	data, err := sourcefile.Read(path, MaxLockSize)
	if err != nil {
		return nil, err
	}
	lock, err := ParseLock(path, data)
	if err != nil {
		return nil, err
	}
	lock.Root, err = readRoot(filepath.Join(filepath.Dir(path), "composer.json"))
	if err != nil {
		lock.RootProblem = err.Error()
	}
	return lock, nil
}

func readRoot(path string) (Package, error) {
	data, err := sourcefile.Read(path, MaxRootSize)
	if errors.Is(err, fs.ErrNotExist) {
		return Package{}, nil
	}
	if err != nil {
		return Package{}, err
	}
	return parseRoot(path, data)
}

// parseRoot reads the text of a composer.json.
func parseRoot(file string, data []byte) (Package, error) {
	if err := sourcefile.CheckSize(file, len(data), MaxRootSize); err != nil {
		return Package{}, err
	}
	if _, err := sourcefile.JSONFields(file, data); err != nil {
		return Package{}, err
	}
	var p jsonPackage
	if err := (sourcefile.Field{Name: "composer.json", Value: data}).Decode(file, data, &p); err != nil {
		return Package{}, err
	}
	return p.plain(), nil
}

// ParseLock reads the text of a composer.lock.
func ParseLock(file string, data []byte) (*Lock, error) {
	if err := sourcefile.CheckSize(file, len(data), MaxLockSize); err != nil {
		return nil, err
	}
	fields, err := sourcefile.JSONFields(file, data)
	if err != nil {
		return nil, err
	}
	lock := &Lock{File: file}
	var packages, dev []jsonPackage
	found := false
	for _, f := range fields {
		var err error
		switch f.Name {
		case "packages":
			found, packages = true, nil
			err = f.Decode(file, data, &packages)
		case "packages-dev":
			dev = nil
			err = f.Decode(file, data, &dev)
		case "aliases":
			err = lock.readAliases(file, data, f)
		case "platform":
			lock.Platform, err = requirements(file, data, f)
		}
		if err != nil {
			return nil, err
		}
	}
	if !found {
		const problem = `there is no "packages": is this a composer.lock?`
		return nil, &sourcefile.Error{File: file, Place: sourcefile.Place{Line: 1, Column: 1}, Problem: problem}
	}
	lock.add(packages, false)
	lock.add(dev, true)
	return lock, nil
}

// jsonPackage is a package as it is written. PHP writes an empty object as an empty list, hence the types of Require
// and others.
type jsonPackage struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Type     string `json:"type"`
	Require  any    `json:"require"`
	Replace  any    `json:"replace"`
	Extra    any    `json:"extra"`
	Autoload any    `json:"autoload"`
}

func (p jsonPackage) plain() Package {
	return Package{
		Name: p.Name, Version: p.Version, Type: p.Type, Require: texts(p.Require), Replace: texts(p.Replace),
		MagentoVersion: texts(p.Extra)["magento_version"], Classes: folders(p.Autoload),
	}
}

func (l *Lock) add(packages []jsonPackage, dev bool) {
	for _, p := range packages {
		plain := p.plain()
		plain.Dev = dev
		l.Packages = append(l.Packages, plain)
	}
}

func (l *Lock) readAliases(file string, data []byte, f sourcefile.Field) error {
	var aliases []struct {
		Package string `json:"package"`
		Alias   string `json:"alias"`
	}
	if err := f.Decode(file, data, &aliases); err != nil {
		return err
	}
	l.Aliases = map[string]string{}
	for _, a := range aliases {
		l.Aliases[a.Package] = a.Alias
	}
	return nil
}

// folders returns the PSR-4 part of an autoload section, in which one folder can stand without a list.
func folders(autoload any) map[string][]string {
	section, _ := autoload.(map[string]any)
	prefixes, _ := section["psr-4"].(map[string]any)
	result := make(map[string][]string, len(prefixes))
	for prefix, value := range prefixes {
		list, isList := value.([]any)
		if !isList {
			list = []any{value}
		}
		for _, folder := range list {
			if text, ok := folder.(string); ok {
				result[prefix] = append(result[prefix], text)
			}
		}
	}
	return result
}

// texts returns the members of an object that are texts.
func texts(v any) map[string]string {
	object, _ := v.(map[string]any)
	result := make(map[string]string, len(object))
	for name, value := range object {
		if text, ok := value.(string); ok {
			result[name] = text
		}
	}
	return result
}

func requirements(file string, data []byte, f sourcefile.Field) (map[string]string, error) {
	var v any
	if err := f.Decode(file, data, &v); err != nil {
		return nil, err
	}
	list, isList := v.([]any)
	if _, isObject := v.(map[string]any); !isObject && (!isList || len(list) > 0) {
		problem := fmt.Sprintf("the value of %q is of the wrong type", f.Name)
		return nil, &sourcefile.Error{File: file, Place: sourcefile.NewLines(data).At(f.Offset), Problem: problem}
	}
	return texts(v), nil
}

// Package returns the package of this name. It is false when composer.lock does not have it.
func (l *Lock) Package(name string) (Package, bool) {
	for _, p := range l.Packages {
		if p.Name == name {
			return p, true
		}
	}
	return Package{}, false
}
