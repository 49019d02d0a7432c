// Package toolconfig reads the Data Migration Tool's config.xml (and config.xml.dist) as the tool itself does,
// and says what in it the tool misunderstands without a word.
//
// The tool checks the file against its etc/config.xsd in developer mode only; that check is made here always. What a
// config.xml has to have depends on the tool's release, so that it is compared with the config.xml.dist that the tool
// was shipped with.
package toolconfig

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/common/config"

	"magento_migration_exporter/config/address"
	"magento_migration_exporter/config/sourcefile"
	"magento_migration_exporter/config/xmltree"
)

// MaxSize is the largest config.xml that is read, in bytes.
const MaxSize = 1 << 20

// Config is what the tool takes from its configuration file.
type Config struct {
	File string `json:"file"`
	// Shipped is the config.xml.dist with which the file was compared. It is empty when none was found; then the file
	// is compared with the options that every release of the tool from 2.2.0 on has, and no step can be missing.
	Shipped string `json:"shipped"`
	// Source is Magento 1's database, nil when the file has none.
	Source *Database `json:"source"`
	// Destination is Magento 2's database, nil when the file has none.
	Destination *Database `json:"destination"`
	// CryptKey is Magento 1's encryption key, empty when the option is empty or missing.
	CryptKey config.Secret `json:"crypt_key"`
	// Options are all options in the order of the file.
	Options []Option `json:"options"`
	// Modes are the steps of each mode, in the order of the file.
	Modes []Mode `json:"modes"`
	// Problems are in the order of the file.
	Problems []Problem `json:"problems"`

	// kinds are the options that this release of the tool has.
	kinds map[string]knownOption
}

// Database is how the tool logs in to a database.
type Database struct {
	Place sourcefile.Place `json:"place"`
	// Host, Port and Name are as they are written.
	Host string `json:"host"`
	Port string `json:"port"`
	Name string `json:"name"`
	User string `json:"user"`
	// Password is as the tool sends it: it takes "0" for none.
	Password config.Secret `json:"password"`
	SSLCA    string        `json:"ssl_ca"`
	SSLCert  string        `json:"ssl_cert"`
	SSLKey   string        `json:"ssl_key"`
	// Address is where PHP connects to.
	Address address.Address `json:"address"`
	// TLS is set when the tool asks for TLS, which it does when all three files are named.
	TLS bool `json:"tls"`
}

// Option is an element in an <options> block.
type Option struct {
	Place sourcefile.Place `json:"place"`
	Name  string           `json:"name"`
	// Value is the text as the tool uses it, with all white space. It is empty for crypt_key, and for
	// options that the tool does not know, which may be a misspelt crypt_key.
	Value string `json:"value"`
	// Block counts the <options> blocks from 1.
	Block int `json:"block"`
	// Replaced is set when a later option of this name wins.
	Replaced bool `json:"replaced"`
}

// Mode is one of settings, data and delta with its steps.
type Mode struct {
	Name  string `json:"name"`
	Steps []Step `json:"steps"`
}

// Step is a step with its stages. Steps of one title in one mode are one step to the tool.
type Step struct {
	Place  sourcefile.Place `json:"place"`
	Title  string           `json:"title"`
	Stages []Stage          `json:"stages"`
}

// Stage is a stage of a step (integrity, data, volume, delta) and the PHP class that does it.
type Stage struct {
	Place sourcefile.Place `json:"place"`
	Name  string           `json:"name"`
	Class string           `json:"class"`
}

// Severity is how bad a problem is.
type Severity string

const (
	// Refused is what the tool's XSD forbids. The tool notices in developer mode only.
	Refused Severity = "refused"
	// Broken is what makes the tool fail, or silently leave something out.
	Broken Severity = "broken"
	// Misleading is what works, but not as it looks.
	Misleading Severity = "misleading"
)

// Problem is something in the file that is not as it should be.
type Problem struct {
	Place    sourcefile.Place `json:"place"`
	Severity Severity         `json:"severity"`
	// Subject is source, destination, steps, missing steps, or the name of an option.
	Subject string `json:"subject"`
	// Text says what is wrong and what to write instead.
	Text string `json:"text"`
}

// Format hides the secrets, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { sourcefile.Print(f, c) }

// Format hides the secrets, whatever the verb.
func (d Database) Format(f fmt.State, _ rune) { sourcefile.Print(f, d) }

// Read reads a file of at most MaxSize bytes, and compares it with the config.xml.dist beside it, or with that of the
// tool below Magento 2's root. The root can be empty.
func Read(path, magentoRoot string) (*Config, error) {
	data, err := sourcefile.Read(path, MaxSize)
	if err != nil {
		return nil, err
	}
	c, err := Parse(path, data, nil)
	if err != nil {
		return nil, err
	}
	if dist := shipped(c, magentoRoot); dist != nil {
		return Parse(path, data, dist)
	}
	return c, nil
}

func readAlone(path string) (*Config, error) {
	data, err := sourcefile.Read(path, MaxSize)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, nil)
}

// Parse reads the text of a file and compares it with the config.xml.dist of the tool's release, which is nil where it
// is not known. It fails when the text is not well-formed XML; whatever else is wrong is among the problems.
func Parse(file string, data []byte, shipped *Config) (*Config, error) {
	if err := sourcefile.CheckSize(file, len(data), MaxSize); err != nil {
		return nil, err
	}
	root, err := xmltree.Parse(file, data)
	if err != nil {
		return nil, err
	}
	r := reader{root: root, shipped: shipped, config: &Config{File: file, kinds: optionsOf(shipped)}}
	if shipped != nil {
		r.config.Shipped = shipped.File
	}
	r.checkLayout()
	r.config.Source = r.database("source")
	r.config.Destination = r.database("destination")
	r.modes()
	r.options()
	slices.SortStableFunc(r.config.Problems, func(a, b Problem) int {
		return sourcefile.Compare(a.Place, b.Place)
	})
	return r.config, nil
}

// Option returns the option that the tool uses: of several with one name, in whatever block, the last one.
func (c *Config) Option(name string) (Option, bool) {
	for _, o := range slices.Backward(c.Options) {
		if o.Name == name {
			return o, true
		}
	}
	return Option{}, false
}

// Value returns the text of the option that the tool uses, empty when there is none.
func (c *Config) Value(name string) string {
	o, _ := c.Option(name)
	return o.Value
}

// Stages returns the classes of a mode's stage, such as all integrity classes of the mode data, in order.
func (c *Config) Stages(mode, stage string) []string {
	var classes []string
	for _, m := range c.Modes {
		for _, step := range m.Steps {
			for _, s := range step.Stages {
				if m.Name == mode && s.Name == stage {
					classes = append(classes, s.Class)
				}
			}
		}
	}
	return classes
}

// PathOptions returns the names of the options that name a file and are there, in the order of the file.
func (c *Config) PathOptions() []string {
	var names []string
	for _, o := range c.Options {
		if known, ok := c.kinds[o.Name]; ok && !o.Replaced && known.kind != "text" {
			names = append(names, o.Name)
		}
	}
	return names
}

// Candidate is a place where the tool looks for a file.
type Candidate struct {
	Path string
	// FromRootOnly is set when the file is found only while the tool is started in the Magento root.
	FromRootOnly bool
}

// Candidates returns where the tool looks for the file that an option names, in its order: the path as it is written,
// relative to the working directory, then relative to the tool's own directory. class_map is looked for in the latter
// only.
func (c *Config) Candidates(option, magentoRoot, moduleDir string) []Candidate {
	value := c.Value(option)
	inModule := Candidate{Path: filepath.Join(moduleDir, value)}
	switch {
	case value == "":
		return nil
	case c.kinds[option].kind == "module_path":
		return []Candidate{inModule}
	case filepath.IsAbs(value):
		return []Candidate{{Path: value}, inModule}
	}
	return []Candidate{{Path: filepath.Join(magentoRoot, value), FromRootOnly: true}, inModule}
}

// ModuleDirs returns where the tool's own directory can be, the likeliest first: where Composer puts it, and above the
// etc/ that the configuration file is in. It is the first of them that has etc/config.xsd.
func ModuleDirs(magentoRoot, configFile string) []string {
	dirs := []string{filepath.Join(magentoRoot, "vendor/magento/data-migration-tool")}
	for dir := filepath.Dir(configFile); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		above := filepath.Dir(dir)
		if filepath.Base(dir) == "etc" && filepath.Base(above) != "app" && !slices.Contains(dirs, above) {
			dirs = append(dirs, above)
		}
	}
	return dirs
}

// MappingOf returns the edition and the Magento 1 version of a path like
// etc/opensource-to-opensource/1.9.4.5/map.xml.dist. It is false for a path that is not in a mapping directory.
func MappingOf(path string) (edition, version string, ok bool) {
	parts := strings.Split(filepath.ToSlash(path), "/")
	for i, part := range parts[:max(0, len(parts)-2)] {
		if strings.Contains(part, "-to-") && strings.Trim(parts[i+1], "0123456789.") == "" {
			return part, parts[i+1], true
		}
	}
	return "", "", false
}
