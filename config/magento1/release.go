package magento1

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed releases.tsv
var releaseTable string

// The editions of Magento 1, as app/Mage.php names them.
const (
	Community    = "Community"
	Enterprise   = "Enterprise"
	professional = "Professional"
	hosted       = "Go"
)

// Release is what core_resource says of Magento 1's release. Several releases have the same setup scripts, so that it
// is a range.
type Release struct {
	// Edition is Community or Enterprise.
	Edition string
	// First and Last are the oldest and the newest release that have these setup scripts; they are equal where one
	// release alone has them. Last is empty for setups that are newer than those of any release, as OpenMage has them.
	// Both are empty when the release is not known.
	First, Last string
	// Evidence are the rows that say so, such as "catalog_setup 1.6.0.0.19.1.6, core_setup 1.6.0.10".
	Evidence string
	// Problem says why the release is not known.
	Problem string
}

// String is the release or the range in words, empty when the release is not known.
func (r Release) String() string {
	switch {
	case r.First == "" && r.Last == "":
		return ""
	case r.First == "":
		return r.Last + " or older"
	case r.Last == "":
		return r.First + " or newer"
	case r.First == r.Last:
		return r.First
	}
	return r.First + " to " + r.Last
}

// setups is a row of releases.tsv.
type setups struct {
	first, last map[string]string // by edition; empty where it is older than the table
	versions    map[string]string // by code of core_resource
}

// setupCodes are the codes of core_resource that releases.tsv has.
var setupCodes = []string{
	"core_setup", "admin_setup", "eav_setup", "catalog_setup",
	"customer_setup", "sales_setup", "cms_setup", "directory_setup",
}

// setupRows returns the rows of releases.tsv, the oldest first.
var setupRows = sync.OnceValue(func() []setups {
	var rows []setups
	for line := range strings.Lines(releaseTable) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(strings.TrimSpace(strings.ReplaceAll(line, "\t-", "\t")), "\t")
		row := setups{
			first:    map[string]string{Community: fields[0], Enterprise: fields[2]},
			last:     map[string]string{Community: fields[1], Enterprise: fields[3]},
			versions: map[string]string{},
		}
		for i, code := range setupCodes {
			row.versions[code] = fields[4+i]
		}
		rows = append(rows, row)
	}
	return rows
})

// InferRelease returns what the rows of core_resource, versions by code, say of Magento 1's release. Rows of extensions
// are ignored. They say nothing certain when Magento has not run all of its setup scripts: Problem names the codes that
// contradict each other then.
func InferRelease(resources map[string]string) Release {
	r := Release{Edition: Community}
	for code := range resources {
		if strings.HasPrefix(code, "enterprise_") && strings.HasSuffix(code, "_setup") {
			r.Edition = Enterprise
		}
	}
	var s span
	for _, code := range setupCodes {
		if version := resources[code]; isNumber(version) {
			s.narrow(code, version)
		}
	}
	r.Evidence = strings.Join(s.evidence, ", ")
	switch {
	case len(s.evidence) == 0:
		r.Problem = "core_resource has no row of Magento's own modules"
	case s.oldest > s.newest:
		rows := setupRows()
		r.Problem = fmt.Sprintf("%s is that of %s, and %s is that of %s: an upgrade did not run all of its setup "+
			"scripts",
			s.from, rows[s.oldest].release(r.Edition), s.until, rows[s.newest].release(r.Edition))
	default:
		r.First, r.Last = s.releases(r.Edition)
	}
	return r
}

// span is a range of rows of releases.tsv.
type span struct {
	oldest, newest int
	from, until    string // the rows of core_resource that the limits stem from
	evidence       []string
	below, above   bool // a version is lower than in all rows, or higher
}

// narrow takes the rows that have a version of a setup, or the highest below it.
func (s *span) narrow(code, version string) {
	rows := setupRows()
	last := len(rows) - 1
	for last > 0 && CompareNumbers(rows[last].versions[code], version) > 0 {
		last--
	}
	order := CompareNumbers(version, rows[last].versions[code])
	s.below = s.below || order < 0
	s.above = s.above || order > 0 && last == len(rows)-1
	first := last
	for first > 0 && rows[first-1].versions[code] == rows[last].versions[code] {
		first--
	}
	row := code + " " + version
	if len(s.evidence) == 0 || first > s.oldest {
		s.oldest, s.from = first, row
	}
	if len(s.evidence) == 0 || last < s.newest {
		s.newest, s.until = last, row
	}
	s.evidence = append(s.evidence, row)
}

// releases returns the oldest and the newest release of the rows, empty where that is older or newer than the table.
func (s *span) releases(edition string) (first, last string) {
	rows := setupRows()
	first, last = rows[s.oldest].first[edition], rows[s.newest].last[edition]
	if last == "" {
		last = beforeEnterprise
	}
	if s.below {
		first = ""
	}
	if s.above {
		last = ""
	}
	return first, last
}

// beforeEnterprise stands for the releases of Enterprise that are older than the table.
const beforeEnterprise = "1.9"

// release names the releases of a row for people.
func (s setups) release(edition string) string {
	if s.first[edition] == "" {
		edition = Community
	}
	return Release{First: s.first[edition], Last: s.last[edition]}.String()
}

// isNumber reports whether a text is a release or version of Magento 1: numbers with dots between them.
func isNumber(text string) bool {
	for part := range strings.SplitSeq(text, ".") {
		if _, err := strconv.ParseUint(part, 10, 16); err != nil {
			return false
		}
	}
	return true
}

// CompareNumbers orders releases of Magento 1, and versions of its modules, by their numbers; a missing number is lower
// than any. What is no number counts as 0.
func CompareNumbers(a, b string) int {
	return slices.Compare(numbers(a), numbers(b))
}

func numbers(text string) []uint64 {
	var list []uint64
	for part := range strings.SplitSeq(text, ".") {
		n, _ := strconv.ParseUint(part, 10, 16)
		list = append(list, n)
	}
	return list
}
