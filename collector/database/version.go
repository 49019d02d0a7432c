package database

import (
	"regexp"
	"strconv"
	"strings"
)

// Flavor is the family of a server.
type Flavor string

// The flavors, spelt as in the label of database_info.
const (
	MySQL   Flavor = "mysql"
	MariaDB Flavor = "mariadb"
)

// Version is a server's release. Compare versions with AtLeast, never as text.
type Version struct {
	Flavor              Flavor
	Major, Minor, Patch int
}

// versionText finds the release; old MariaDB servers put "5.5.5-" before their own for the sake of old replicas.
var versionText = regexp.MustCompile(`^(?:5\.5\.5-)?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?`)

// ParseVersion reads what SELECT VERSION() and @@version_comment say. It is false when that is no version.
func ParseVersion(version, comment string) (Version, bool) {
	v := Version{Flavor: MySQL}
	if strings.Contains(strings.ToLower(version+" "+comment), "mariadb") {
		v.Flavor = MariaDB
	}
	m := versionText.FindStringSubmatch(version)
	if m == nil {
		return v, false
	}
	v.Major, _ = strconv.Atoi(m[1])
	v.Minor, _ = strconv.Atoi(m[2])
	v.Patch, _ = strconv.Atoi(m[3])
	return v, true
}

// AtLeast compares with a release of the same flavor.
func (v Version) AtLeast(major, minor, patch int) bool {
	if v.Major != major {
		return v.Major > major
	}
	if v.Minor != minor {
		return v.Minor > minor
	}
	return v.Patch >= patch
}

// Number is the release alone, like 10.11.19.
func (v Version) Number() string {
	return strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) + "." + strconv.Itoa(v.Patch)
}

// String is what people call it, like MariaDB 10.11.19.
func (v Version) String() string {
	if v.Flavor == MariaDB {
		return "MariaDB " + v.Number()
	}
	return "MySQL " + v.Number()
}

// limit returns the statement that makes the server end this session's statements, and whether it has one:
// MariaDB from 10.1.1 on for all statements, MySQL from 5.7.8 on for SELECT.
func (v Version) limit(milliseconds int64) (string, bool) {
	switch {
	case v.Flavor == MariaDB && v.AtLeast(10, 1, 1):
		return "max_statement_time=" + strconv.FormatFloat(float64(milliseconds)/1000, 'f', 3, 64), true
	case v.Flavor == MySQL && v.AtLeast(5, 7, 8):
		return "max_execution_time=" + strconv.FormatInt(milliseconds, 10), true
	}
	return "", false
}
