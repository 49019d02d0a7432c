package toolconfig

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

//go:embed steps.tsv
var stepsTable string

// ModuleDir returns the tool's own folder: the first of ModuleDirs that has etc/config.xsd. It is empty when none has.
func ModuleDir(magentoRoot, configFile string) string {
	for _, dir := range ModuleDirs(magentoRoot, configFile) {
		if _, err := os.Stat(filepath.Join(dir, "etc/config.xsd")); err == nil {
			return dir
		}
	}
	return ""
}

// Mapping is a folder of the tool's etc/ with the mapping for one edition and release of Magento 1.
type Mapping struct {
	// Edition is such as opensource-to-opensource; releases of the tool before 2.2 have ce-to-ce instead.
	Edition string
	// Magento1 is a release such as 1.9.4.5.
	Magento1 string
	// Dir is the folder itself.
	Dir string
}

// Mappings returns the mappings that the tool in a folder has, sorted by edition and release as texts. There are none
// when the folder cannot be read.
func Mappings(moduleDir string) []Mapping {
	var mappings []Mapping
	files, _ := filepath.Glob(filepath.Join(escapeGlob(moduleDir), "etc/*-to-*/*/config.xml.dist"))
	for _, file := range files {
		if edition, version, ok := MappingOf(file); ok {
			mappings = append(mappings, Mapping{Edition: edition, Magento1: version, Dir: filepath.Dir(file)})
		}
	}
	return mappings
}

// escapeGlob takes the meaning from the characters that have one in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// FromCommerce reports whether an edition, such as commerce-to-commerce or ee-to-ee, is one for Magento 1 Enterprise.
func FromCommerce(edition string) bool {
	return strings.HasPrefix(edition, "commerce-to-") || strings.HasPrefix(edition, "ee-to-")
}

// ToCommerce reports whether an edition, such as opensource-to-commerce or ce-to-ee, is one for Adobe Commerce.
func ToCommerce(edition string) bool {
	return strings.HasSuffix(edition, "-to-commerce") || strings.HasSuffix(edition, "-to-ee")
}

// OldestMagento1 returns the oldest release of Magento 1 that any release of the tool has a mapping for: older ones
// have to be upgraded before the migration. (All releases of the tool from 2.0.0 to 2.4.6.1.)
func OldestMagento1(enterprise bool) string {
	if enterprise {
		return "1.11.0.0"
	}
	return "1.6.0.0"
}

// shipped reads the config.xml.dist that a config.xml was made from: the one beside it, else that of its mapping in the
// tool's own folder. It is nil when there is none that can be read.
func shipped(c *Config, magentoRoot string) *Config {
	candidates := []string{c.File + ".dist", filepath.Join(filepath.Dir(c.File), "config.xml.dist")}
	if dir := ModuleDir(magentoRoot, c.File); dir != "" {
		if edition, version, ok := c.mapping(); ok {
			candidates = append(candidates, filepath.Join(dir, "etc", edition, version, "config.xml.dist"))
		}
	}
	for _, path := range candidates {
		if path == c.File {
			continue
		}
		if dist, err := readAlone(path); err == nil && len(dist.Options) > 0 {
			return dist
		}
	}
	return nil
}

// mapping returns the mapping folder of map_file, else the one that edition_migrate and edition_number name.
func (c *Config) mapping() (edition, version string, ok bool) {
	if edition, version, ok = MappingOf(c.Value("map_file")); ok {
		return edition, version, true
	}
	return MappingOf(filepath.Join(c.Value("edition_migrate"), c.Value("edition_number"), "map.xml"))
}

// undone is a row of steps.tsv.
type undone struct{ copied, delivered string }

var undoneWithout = sync.OnceValue(func() map[string]undone {
	steps := map[string]undone{}
	for _, row := range rows(stepsTable) {
		steps[row[0]] = undone{copied: row[1], delivered: row[2]}
	}
	return steps
})

// consequence says what is left undone in a mode without a step.
func consequence(mode string, step Step) string {
	for _, stage := range step.Stages {
		name, ok := strings.CutPrefix(strings.TrimPrefix(stage.Class, `\`), `Migration\Step\`)
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(name, `\`)
		row, known := undoneWithout()[name]
		switch {
		case known && mode != "delta":
			return row.copied
		case known && row.delivered != "-":
			return row.delivered
		}
	}
	if mode == "delta" {
		return "what it delivers is not delivered"
	}
	return "what it copies is not copied"
}

// withoutStage says what is left undone without one of the stages of a step.
func withoutStage(mode string, step Step, stage string) string {
	switch stage {
	case "integrity":
		return "nothing is checked before it copies"
	case "volume":
		return "nothing is counted after it"
	}
	return consequence(mode, step)
}

// lacking lists the steps of one of the shipped modes that are not there, and stages that are not there of steps that
// are. A step whose title or class was changed is there.
func (c *Config) lacking(mode Mode) []string {
	var lacking []string
	for _, step := range mode.Steps {
		var missing []string
		for _, stage := range step.Stages {
			if !c.hasStage(mode.Name, step.Title, stage) {
				missing = append(missing, stage.Name)
			}
		}
		switch {
		case len(missing) == 0:
		case len(missing) == len(step.Stages):
			lacking = append(lacking, fmt.Sprintf("%s (%s)", step.Title, consequence(mode.Name, step)))
		default:
			for _, stage := range missing {
				text := fmt.Sprintf("<%s> of %s (%s)", stage, step.Title, withoutStage(mode.Name, step, stage))
				lacking = append(lacking, text)
			}
		}
	}
	return lacking
}

// hasStage reports whether a mode has a stage under the same title or with the same class.
func (c *Config) hasStage(mode, title string, stage Stage) bool {
	for _, m := range c.Modes {
		for _, step := range m.Steps {
			if m.Name == mode && slices.ContainsFunc(step.Stages, func(s Stage) bool {
				return s.Name == stage.Name && (step.Title == title || s.Class == stage.Class)
			}) {
				return true
			}
		}
	}
	return false
}
