package toolmap

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"magento_migration_exporter/config/composer"
	"magento_migration_exporter/config/sourcefile"
)

// Handler is the PHP class that a rule of a map file gives values to.
type Handler struct {
	// Place is where the class is named.
	Place sourcefile.Place
	// Class is its name without a leading backslash, such as Migration\Handler\Settings\Encrypt.
	Class string
}

// ReadHandlers returns the handlers that a map file or settings map of at most MaxSize bytes names, in its order.
func ReadHandlers(path string) ([]Handler, error) {
	handlers, err := read(path, parseHandlers)
	if err != nil {
		return nil, err
	}
	return *handlers, nil
}

// parseHandlers reads the text of a file. It fails when that is not well-formed XML.
func parseHandlers(file string, data []byte) (*[]Handler, error) {
	root, err := parseTree(file, data)
	if err != nil {
		return nil, err
	}
	var handlers []Handler
	for n := range root.All() {
		if class := n.Attribute("class"); n.Name == "handler" && class != nil {
			handlers = append(handlers, Handler{Place: class.Place, Class: strings.TrimPrefix(class.Value, `\`)})
		}
	}
	return &handlers, nil
}

// Classes finds PHP classes of an installed Magento 2, without running PHP.
type Classes struct {
	// Root is Magento 2's folder.
	Root string
	// ModuleDir is the folder of the Data Migration Tool.
	ModuleDir string
	// Lock says where Composer's packages have their classes.
	Lock *composer.Lock
}

// className is a name that can stand in a map file: words with backslashes between them.
var className = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\\[A-Za-z_][A-Za-z0-9_]*)*$`)

// Lack reports whether Magento 2 certainly has no file with a class: neither the tool, nor a package of composer.lock,
// nor app/code. It is false where not all of these places are known, and for what is no name of a class.
func (c Classes) Lack(class string) bool {
	class = strings.TrimPrefix(class, `\`)
	if c.Root == "" || c.ModuleDir == "" || c.Lock == nil || !className.MatchString(class) {
		return false
	}
	// A copy of the tool's map files alone says nothing about its classes.
	if _, err := os.Stat(filepath.Join(c.ModuleDir, "src")); err != nil {
		return false
	}
	for _, file := range c.files(class) {
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			return false
		}
	}
	return true
}

// files returns all files in which a class can be: PSR-4 folders of packages, and the folders in which Magento looks
// for every class.
func (c Classes) files(class string) []string {
	path := strings.ReplaceAll(class, `\`, "/") + ".php"
	files := []string{
		filepath.Join(c.ModuleDir, "src", path),
		filepath.Join(c.Root, "app/code", path),
		filepath.Join(c.Root, "generated/code", path),
		filepath.Join(c.Root, "var/generation", path), // before 2.2
	}
	for _, p := range c.Lock.Packages {
		files = append(files, filesOf(p, filepath.Join(c.Root, "vendor", p.Name), class)...)
	}
	return append(files, filesOf(c.Lock.Root, c.Root, class)...)
}

// filesOf returns the files of a package in which Composer's autoloader looks for a class.
func filesOf(p composer.Package, dir, class string) []string {
	var files []string
	for prefix, folders := range p.Classes {
		rest, ok := strings.CutPrefix(class, prefix)
		if !ok {
			continue
		}
		for _, folder := range folders {
			files = append(files, filepath.Join(dir, folder, strings.ReplaceAll(rest, `\`, "/")+".php"))
		}
	}
	return files
}
