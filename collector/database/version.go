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

// Version is a server's release. Compare versions with AtLeast, never as text. One whose Major is 0 is not known.
type Version struct {
	Flavor              Flavor
	Major, Minor, Patch int
}

// replicaPrefix is what MariaDB before 11.0, and proxies for it, put before their own version for the sake of old
// replicas.
const replicaPrefix = "5.5.5-"

var versionText = regexp.MustCompile(`^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?`)

// ParseVersion reads what SELECT VERSION() and @@version_comment say. It is false when that is no version.
func ParseVersion(version, comment string) (Version, bool) {
	v := Version{Flavor: MySQL}
	version, prefixed := strings.CutPrefix(version, replicaPrefix)
	if prefixed || strings.Contains(strings.ToLower(version+" "+comment), "mariadb") {
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

// Number is the release alone, like 10.11.19; it is empty for one that is not known.
func (v Version) Number() string {
	if v.Major == 0 {
		return ""
	}
	return strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) + "." + strconv.Itoa(v.Patch)
}

// String is what people call it, like MariaDB 10.11.19.
func (v Version) String() string {
	name := "MySQL"
	if v.Flavor == MariaDB {
		name = "MariaDB"
	}
	if v.Major == 0 {
		return name + " of an unknown version"
	}
	return name + " " + v.Number()
}
