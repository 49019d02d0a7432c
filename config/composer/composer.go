// Package composer reads which packages composer.lock installs, and what composer.json asks for.
// It reads names, versions and requirements only: addresses of repositories and downloads can hold passwords.
package composer

import (
	"fmt"

	"magento_migration_exporter/config/sourcefile"
)

const (
	// MaxLockSize is the largest composer.lock that is read, in bytes. That of Magento 2 has about 1 MB.
	MaxLockSize = 16 << 20
	// MaxManifestSize is the largest composer.json that is read, in bytes.
	MaxManifestSize = 1 << 20
)

// Names of packages that say what is installed.
const (
	OpenSource        = "magento/product-community-edition"
	Commerce          = "magento/product-enterprise-edition"
	Base              = "magento/magento2-base"
	DataMigrationTool = "magento/data-migration-tool"
)

// Lock is composer.lock.
type Lock struct {
	File string `json:"file"`
	// Packages are all packages, those for development last.
	Packages []Package `json:"packages"`
	// Platform is what the root package requires of PHP and its extensions.
	Platform map[string]string `json:"platform"`
	// PluginAPIVersion is that of the Composer which wrote the file.
	PluginAPIVersion string `json:"plugin_api_version"`
}

// Package is an installed package.
type Package struct {
	Name string `json:"name"`
	// Version is as Composer writes it, such as 2.4.7-p3, v1.2.3 or dev-main.
	Version string `json:"version"`
	// Type is such as magento2-module, library or metapackage.
	Type    string            `json:"type"`
	Require map[string]string `json:"require"`
	// Dev tells that the package is for development only.
	Dev bool `json:"dev"`
}

// Manifest is composer.json.
type Manifest struct {
	File       string            `json:"file"`
	Name       string            `json:"name"`
	Version    string            `json:"version"`
	Type       string            `json:"type"`
	Require    map[string]string `json:"require"`
	RequireDev map[string]string `json:"require_dev"`
}

// ReadLock reads a composer.lock.
func ReadLock(path string) (*Lock, error) {
	data, err := sourcefile.Read(path, MaxLockSize)
	if err != nil {
		return nil, err
	}
	return ParseLock(path, data)
}

// ReadManifest reads a composer.json.
func ReadManifest(path string) (*Manifest, error) {
	data, err := sourcefile.Read(path, MaxManifestSize)
	if err != nil {
		return nil, err
	}
	return ParseManifest(path, data)
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
		case "platform":
			lock.Platform, err = requirements(file, data, f)
		case "plugin-api-version":
			err = f.Decode(file, data, &lock.PluginAPIVersion)
		}
		if err != nil {
			return nil, err
		}
	}
	if !found {
		return nil, &sourcefile.Error{File: file, Place: sourcefile.Place{Line: 1, Column: 1}, Problem: `there is no "packages": is this a composer.lock?`}
	}
	lock.add(packages, false)
	lock.add(dev, true)
	return lock, nil
}

// jsonPackage is a package as it is written. PHP writes an empty object as an empty list, hence the type of Require.
type jsonPackage struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Type    string `json:"type"`
	Require any    `json:"require"`
}

func (l *Lock) add(packages []jsonPackage, dev bool) {
	for _, p := range packages {
		l.Packages = append(l.Packages, Package{Name: p.Name, Version: p.Version, Type: p.Type, Require: texts(p.Require), Dev: dev})
	}
}

// texts returns the texts of an object.
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
		return nil, &sourcefile.Error{File: file, Place: sourcefile.NewLines(data).At(f.Offset), Problem: fmt.Sprintf("the value of %q is of the wrong type", f.Name)}
	}
	return texts(v), nil
}

// ParseManifest reads the text of a composer.json.
func ParseManifest(file string, data []byte) (*Manifest, error) {
	if err := sourcefile.CheckSize(file, len(data), MaxManifestSize); err != nil {
		return nil, err
	}
	fields, err := sourcefile.JSONFields(file, data)
	if err != nil {
		return nil, err
	}
	m := &Manifest{File: file}
	for _, f := range fields {
		var err error
		switch f.Name {
		case "name":
			err = f.Decode(file, data, &m.Name)
		case "version":
			err = f.Decode(file, data, &m.Version)
		case "type":
			err = f.Decode(file, data, &m.Type)
		case "require":
			m.Require, err = requirements(file, data, f)
		case "require-dev":
			m.RequireDev, err = requirements(file, data, f)
		}
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Package returns the package of this name.
func (l *Lock) Package(name string) (Package, bool) {
	for _, p := range l.Packages {
		if p.Name == name {
			return p, true
		}
	}
	return Package{}, false
}
