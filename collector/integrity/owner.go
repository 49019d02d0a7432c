package integrity

import (
	"slices"
	"strings"
	"unicode"

	"magento_migration_exporter/config/toolmap"
)

// maxOwners is how many extensions of one vendor are named where no single one fits.
const maxOwners = 3

// extension guesses by name what a table, column or class belongs to.
func (c *checker) extension(side toolmap.Side, name string) string {
	if side == toolmap.Source {
		return owner(name, c.facts.Extensions)
	}
	var modules []string
	for module, enabled := range c.facts.Modules {
		if enabled {
			modules = append(modules, module)
		}
	}
	return owner(name, modules)
}

// owner returns the candidate whose name a name begins with, else those of the vendor that it begins with. Candidates
// are core_resource codes, like aw_blog_setup, or modules, like Vendor_Module.
func owner(name string, candidates []string) string {
	words := strings.Split(strings.ToLower(name), "_")
	best, bestWords, bestWhole := "", 1, false
	var vendor []string
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		stem, foreign := stemOf(candidate)
		common := 0
		for common < len(stem) && common < len(words) && stem[common] == words[common] {
			common++
		}
		whole := common == len(stem) && common > 0
		if common > bestWords || whole && (!bestWhole && common >= bestWords) {
			best, bestWords, bestWhole = candidate, common, whole
		}
		if common > 0 && foreign && len(vendor) < maxOwners {
			vendor = append(vendor, candidate)
		}
	}
	if best != "" {
		return best
	}
	return strings.Join(vendor, ", ")
}

// stemOf returns the words that the tables of an extension begin with, and whether the first of them is a vendor's
// name.
func stemOf(candidate string) (words []string, foreign bool) {
	if code, ok := strings.CutSuffix(candidate, "_setup"); ok {
		return strings.Split(strings.ToLower(code), "_"), true
	}
	var b strings.Builder
	for i, r := range candidate {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	words = slices.DeleteFunc(strings.Split(b.String(), "_"), func(word string) bool { return word == "" })
	if len(words) > 1 && words[0] == "magento" {
		return words[1:], false
	}
	return words, true
}
