package integrity

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
)

// releasesTable has the rules of the tool's integrity check that not all of its releases have: the rule, the first
// release that has it, the first that does not have it any more, and the commit of magento/data-migration-tool that
// says so. It was made from the public history with the tags 2.0.0 to 2.4.6.1; what it does not name was in all of
// them.
//
//go:embed releases.tsv
var releasesTable string

// The rules of releases.tsv.
const (
	ruleGroupNames     = "group_names"
	ruleOrphans        = "orphans"
	ruleFrontendInputs = "frontend_inputs"
	ruleClasses        = "classes"
)

// holds reports whether a release of the tool has a rule. Of a release that is not known, such as a development branch,
// the newest known one is assumed.
func holds(rule, release string) bool {
	numbers, known := toolRelease(release)
	for line := range strings.Lines(releasesTable) {
		row := strings.Split(strings.TrimSpace(line), "\t")
		if row[0] != rule {
			continue
		}
		since, _ := toolRelease(row[1])
		before, ends := toolRelease(row[2])
		if !known {
			return !ends
		}
		return slices.Compare(numbers, since) >= 0 && (!ends || slices.Compare(numbers, before) < 0)
	}
	return true
}

// toolRelease reads a release of the tool, which can have a fourth number. It is false for anything else.
func toolRelease(text string) (numbers []int, ok bool) {
	for part := range strings.SplitSeq(strings.TrimPrefix(text, "v"), ".") {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return nil, false
		}
		numbers = append(numbers, int(n))
	}
	return numbers, len(numbers) >= 3
}
