// Package requirements holds what each release of Magento 2 was tested with, and reads Composer's constraints on
// versions.
package requirements

import (
	"cmp"
	_ "embed" // the table
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"magento_migration_exporter/config/sourcefile"
)

//go:embed requirements.yml
var builtIn []byte

// Table lists, by release of Magento 2, the versions of its surroundings that it was tested with.
type Table struct {
	// Dated is the day from which the facts are.
	Dated    string         `yaml:"dated"`
	Releases map[string]Row `yaml:"releases"`
}

// Row lists versions by component: php, mariadb, mysql, elasticsearch, opensearch, rabbitmq, redis, valkey, varnish,
// composer.
type Row map[string][]string

// MaxSize is the largest table that is read, in bytes. The built-in one has about 20 KiB.
const MaxSize = 1 << 20

// Load reads a table from a regular file of at most MaxSize bytes, or the built-in one for an empty path.
func Load(path string) (Table, error) {
	if path == "" {
		return Parse(builtIn)
	}
	data, err := sourcefile.Read(path, MaxSize)
	if err != nil {
		return Table{}, fmt.Errorf("the table of requirements: %w", err)
	}
	t, err := Parse(data)
	if err != nil {
		return Table{}, fmt.Errorf("the table of requirements %s: %w", path, err)
	}
	return t, nil
}

// Parse reads the YAML text of a table of at most MaxSize bytes.
func Parse(data []byte) (Table, error) {
	var t Table
	if len(data) > MaxSize {
		return t, fmt.Errorf("larger than %d KiB", MaxSize>>10)
	}
	if err := yaml.Load(data, &t, yaml.WithKnownFields()); err != nil {
		return Table{}, err
	}
	for release, row := range t.Releases {
		if _, ok := ParseRelease(release); !ok {
			return Table{}, fmt.Errorf("%q is no release of Magento 2", release)
		}
		for component, versions := range row {
			for _, v := range versions {
				if _, ok := parseVersion(strings.TrimSuffix(v, "+")); !ok {
					return Table{}, fmt.Errorf("release %s: %s %q is no version", release, component, v)
				}
			}
		}
	}
	return t, nil
}

// Release is a release of Magento 2, like 2.4.7-p3.
type Release struct{ Major, Minor, Patch, Security int }

var releaseText = regexp.MustCompile(`^(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:-p(\d{1,3}))?$`)

// ParseRelease reads a release. It is false for what is none, such as a development branch.
func ParseRelease(s string) (Release, bool) {
	m := releaseText.FindStringSubmatch(s)
	if m == nil {
		return Release{}, false
	}
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1])
	}
	return Release{n[0], n[1], n[2], n[3]}, true
}

// Compare orders releases.
func (r Release) Compare(other Release) int {
	return cmp.Or(cmp.Compare(r.Major, other.Major), cmp.Compare(r.Minor, other.Minor),
		cmp.Compare(r.Patch, other.Patch), cmp.Compare(r.Security, other.Security))
}

// String is the release as Magento writes it.
func (r Release) String() string {
	s := fmt.Sprintf("%d.%d.%d", r.Major, r.Minor, r.Patch)
	if r.Security > 0 {
		s += fmt.Sprintf("-p%d", r.Security)
	}
	return s
}

// Row returns what a release was tested with, and the release whose row that is. Adobe's tables leave out some patch
// releases: one without a row of its own has that of the newest older patch of the same release, or of the release
// itself. It is false where there is none.
func (t Table) Row(r Release) (row Row, of Release, ok bool) {
	for of = r; of.Security >= 0; of.Security-- {
		if row, ok = t.Releases[of.String()]; ok {
			return row, of, true
		}
	}
	return nil, Release{}, false
}

// Between returns the releases with a row of their own from since on and, unless before is the zero Release, before
// that one, in ascending order.
func (t Table) Between(since, before Release) []Release {
	var releases []Release
	for text := range t.Releases {
		r, _ := ParseRelease(text)
		if r.Compare(since) >= 0 && (before == (Release{}) || r.Compare(before) < 0) {
			releases = append(releases, r)
		}
	}
	slices.SortFunc(releases, Release.Compare)
	return releases
}

// Supports reports whether a component's version is in the row, and whether the row names the component at all.
func (r Row) Supports(component, version string) (supported, named bool) {
	versions := r[component]
	return slices.ContainsFunc(versions, func(v string) bool { return matches(version, v) }), len(versions) > 0
}

// matches reports whether a version is of the line that the table names, or with "+" that line or a newer one.
func matches(version, line string) bool {
	atLeast := strings.HasSuffix(line, "+")
	want, ok := parseVersion(strings.TrimSuffix(line, "+"))
	got, ok2 := parseVersion(version)
	if !ok || !ok2 {
		return false
	}
	for i, n := range want {
		have := 0
		if i < len(got) {
			have = got[i]
		}
		if have != n {
			return atLeast && have > n
		}
	}
	return true
}

var versionText = regexp.MustCompile(`^v?(\d{1,5}(?:\.\d{1,5}){0,3})`)

func parseVersion(s string) ([]int, bool) {
	m := versionText.FindStringSubmatch(s)
	if m == nil {
		return nil, false
	}
	var numbers []int
	for part := range strings.SplitSeq(m[1], ".") {
		n, _ := strconv.Atoi(part)
		numbers = append(numbers, n)
	}
	return numbers, true
}
