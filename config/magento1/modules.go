// Package magento1 reads what Magento 1's own files say of its version and its modules, without running PHP.
package magento1

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"magento_migration_exporter/config/sourcefile"
	"magento_migration_exporter/config/xmltree"
)

const (
	// MaxModuleFileSize is the largest file in app/etc/modules that is read, in bytes.
	MaxModuleFileSize = 256 << 10
	// maxModuleFiles is how many files app/etc/modules may have.
	maxModuleFiles = 2000
)

// Module is a declared module.
type Module struct {
	// Name is vendor and module, such as Mage_Catalog.
	Name string `json:"name"`
	// Active is set when Magento loads the module, unless its code pool is switched off in local.xml.
	Active bool `json:"active"`
	// CodePool is core, community or local.
	CodePool string `json:"code_pool"`
	// Depends are the names of the modules it needs.
	Depends []string `json:"depends"`
	// File and Place are where it is declared last.
	File  string           `json:"file"`
	Place sourcefile.Place `json:"place"`
}

// ReadModules reads app/etc/modules/*.xml below Magento 1's root, as Magento does: Mage_All.xml first, then Mage_*.xml,
// then the others; what comes later wins. Files that cannot be read are in the error; the modules of the others are
// returned.
func ReadModules(root string) ([]Module, error) {
	dir := filepath.Join(root, "app/etc/modules")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the modules of Magento 1: %w", err)
	}
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".xml") && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, e.Name())
		}
	}
	if len(files) > maxModuleFiles {
		return nil, &sourcefile.Error{File: dir, Problem: fmt.Sprintf("has more than %d files", maxModuleFiles)}
	}
	slices.SortStableFunc(files, func(a, b string) int { return loadOrder(a) - loadOrder(b) })
	var d declarations
	var broken []error
	for _, name := range files {
		broken = append(broken, d.read(filepath.Join(dir, name)))
	}
	return d.modules, errors.Join(broken...)
}

func loadOrder(file string) int {
	switch {
	case file == "Mage_All.xml":
		return 0
	case strings.HasPrefix(file, "Mage_"):
		return 1
	}
	return 2
}

// declarations are the modules in the order of their first declaration.
type declarations struct {
	modules []Module
	index   map[string]int
}

func (d *declarations) read(file string) error {
	data, err := sourcefile.Read(file, MaxModuleFileSize)
	if err != nil {
		return err
	}
	return d.add(file, data)
}

// add adds the modules that the text of a file declares.
func (d *declarations) add(file string, data []byte) error {
	root, err := xmltree.Parse(file, data)
	if err != nil {
		return err
	}
	for _, modules := range root.Children {
		if modules.Name != "modules" {
			continue
		}
		for _, n := range modules.Children {
			d.declare(file, n)
		}
	}
	return nil
}

func (d *declarations) declare(file string, n *xmltree.Node) {
	i, ok := d.index[n.Name]
	if !ok {
		if d.index == nil {
			d.index = map[string]int{}
		}
		i = len(d.modules)
		d.index[n.Name] = i
		d.modules = append(d.modules, Module{Name: n.Name})
	}
	m := &d.modules[i]
	m.File, m.Place = file, n.Place
	for _, property := range n.Children {
		switch property.Name {
		case "active":
			m.Active = isFlag(property.Text())
		case "codePool":
			m.CodePool = property.Text()
		case "depends":
			for _, other := range property.Children {
				if !slices.Contains(m.Depends, other.Name) {
					m.Depends = append(m.Depends, other.Name)
				}
			}
		}
	}
}

// isFlag is Varien_Simplexml_Element::is, by which Magento decides whether to load a module.
func isFlag(text string) bool {
	return !slices.Contains([]string{"", "0", "false", "off"}, strings.ToLower(text))
}
