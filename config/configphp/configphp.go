// Package configphp reads the modules of Magento 2's app/etc/config.php.
package configphp

import (
	"fmt"
	"strings"

	"magento_migration_exporter/config/phparray"
	"magento_migration_exporter/config/sourcefile"
)

// MaxSize is the largest config.php that is read, in bytes.
const MaxSize = phparray.MaxSize

// File is the list of modules of app/etc/config.php.
type File struct {
	File string `json:"file"`
	// Modules are in the order of the file, which is the one in which Magento loads them.
	Modules []Module `json:"modules"`
	// Unknown says why there may be further modules, which only PHP can compute. It is empty when there are none.
	Unknown string `json:"unknown,omitempty"`

	root *phparray.Value
}

// Module is a module and whether Magento loads it.
type Module struct {
	Place   sourcefile.Place `json:"place"`
	Name    string           `json:"name"`
	Enabled bool             `json:"enabled"`
	// Unknown says why only PHP can compute whether the module is enabled. It is empty otherwise.
	Unknown string `json:"unknown,omitempty"`
}

// Read reads a file of at most MaxSize bytes.
func Read(path string) (*File, error) {
	data, err := sourcefile.Read(path, MaxSize)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Parse reads the text of a file. It fails when that is not PHP that returns an array with modules.
func Parse(file string, data []byte) (*File, error) {
	root, err := phparray.Parse(file, data)
	if err != nil {
		return nil, err
	}
	f := &File{File: file, root: root}
	modules := root.Get("modules")
	switch {
	case modules == nil:
		return nil, &sourcefile.Error{
			File: file, Place: root.Place(), Problem: "there is no array 'modules': Magento 2 is not installed",
		}
	case modules.Kind() == phparray.Unknown:
		f.Unknown = describe(modules)
		return f, nil
	case modules.Kind() != phparray.Array:
		return nil, &sourcefile.Error{File: file, Place: modules.Place(), Problem: "'modules' is not an array"}
	}
	for name, v := range modules.Entries() {
		m := Module{Place: v.Place(), Name: name}
		var known bool
		if m.Enabled, known = v.Truth(); !known {
			m.Unknown = describe(v)
		}
		f.Modules = append(f.Modules, m)
	}
	if open := modules.Open(); open != nil {
		f.Unknown = describe(open)
	}
	return f, nil
}

// Enabled reports whether Magento loads a module. It is false, false when only PHP can compute that.
func (f *File) Enabled(module string) (enabled, known bool) {
	for _, m := range f.Modules {
		if m.Name == module {
			return m.Enabled, m.Unknown == ""
		}
	}
	return false, f.Unknown == ""
}

// Setting returns what stands under a path such as system/default/catalog/search/engine: a value that Magento takes
// instead of the one in its database. It is false where no text stands there that is known without running PHP.
func (f *File) Setting(path string) (text string, ok bool) {
	v := f.root.Get(strings.Split(path, "/")...)
	if v == nil || v.Kind() == phparray.Null {
		return "", false
	}
	return v.Text()
}

func describe(v *phparray.Value) string {
	return fmt.Sprintf("what stands at %s %s", v.Place(), v.Reason())
}
