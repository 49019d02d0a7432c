package magento1

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"magento_migration_exporter/config/phparray"
	"magento_migration_exporter/config/sourcefile"
)

// MaxMageFileSize is the largest app/Mage.php that is read, in bytes.
const MaxMageFileSize = 1 << 20

// Version is what Magento 1's files say of its release.
type Version struct {
	// Number is Mage::getVersion(), such as 1.9.4.5. OpenMage has a number of Magento there too.
	Number string `json:"number"`
	// Edition is Community, Enterprise, Professional or Go. app/Mage.php names it from 1.7 on, so that ParseVersion can
	// leave it empty.
	Edition string `json:"edition"`
	// OpenMage is set for OpenMage, which the Data Migration Tool does not support as a source.
	OpenMage bool `json:"openmage"`
	// OpenMageNumber is such as 20.14.0, empty when it is not a plain number in the file.
	OpenMageNumber string `json:"openmage_number"`
}

// String names the edition and the release, such as "Community 1.9.4.5", or OpenMage and its own release.
func (v Version) String() string {
	if v.OpenMage {
		return strings.TrimSpace("OpenMage " + v.OpenMageNumber)
	}
	return strings.TrimSpace(v.Edition + " " + v.Number)
}

// enterpriseModule is a file that every release of Enterprise and Professional has, and no other edition.
const enterpriseModule = "app/code/core/Enterprise/Enterprise/etc/config.xml"

// ReadVersion reads app/Mage.php below Magento 1's root. Where that does not name the edition, as before 1.7, the
// modules do.
func ReadVersion(root string) (Version, error) {
	file := filepath.Join(root, "app/Mage.php")
	data, err := sourcefile.Read(file, MaxMageFileSize)
	if err != nil {
		return Version{}, err
	}
	v, err := ParseVersion(file, data)
	if err != nil || v.Edition != "" {
		return v, err
	}
	switch _, err := os.Stat(filepath.Join(root, enterpriseModule)); {
	case err == nil:
		v.Edition = Enterprise
	case errors.Is(err, fs.ErrNotExist):
		v.Edition = Community
	}
	return v, nil
}

// ParseVersion reads the text of app/Mage.php. It fails when that does not return its version as a literal.
func ParseVersion(file string, data []byte) (Version, error) {
	if err := sourcefile.CheckSize(file, len(data), MaxMageFileSize); err != nil {
		return Version{}, err
	}
	source, err := phparray.NewSource(file, data)
	if err != nil {
		return Version{}, err
	}
	number, err := versionNumber(file, source)
	if err != nil {
		return Version{}, err
	}
	v := Version{Number: number, Edition: edition(source, number)}
	v.OpenMageNumber, v.OpenMage, err = openMage(source)
	return v, err
}

// versionNumber puts the parts of getVersionInfo together as getVersion does. Releases before 1.4 have a text in
// getVersion.
func versionNumber(file string, source *phparray.Source) (string, error) {
	values, found, err := source.FunctionReturns("getVersionInfo")
	if err == nil && !found {
		values, found, err = source.FunctionReturns("getVersion")
	}
	switch {
	case err != nil:
		return "", err
	case !found:
		const problem = "there is no function getVersionInfo: is this Magento 1's app/Mage.php?"
		return "", &sourcefile.Error{File: file, Problem: problem}
	case len(values) != 1:
		return "", &sourcefile.Error{File: file, Problem: "the function with the version returns several values"}
	}
	v := values[0]
	if text, ok := v.Text(); ok && v.Kind() == phparray.String {
		return text, nil
	}
	var parts [6]string
	for i, key := range []string{"major", "minor", "revision", "patch", "stability", "number"} {
		part := v.Get(key)
		if part == nil {
			continue
		}
		text, ok := part.Text()
		if !ok {
			problem := fmt.Sprintf("the %s version is not known without running PHP", key)
			return "", &sourcefile.Error{File: file, Place: part.Place(), Problem: problem}
		}
		parts[i] = text
	}
	number := strings.Join(parts[:3], ".")
	if parts[3] != "" {
		number += "." + parts[3]
	}
	if number = strings.Trim(number+"-"+parts[4]+parts[5], ".-"); number == "" {
		return "", &sourcefile.Error{File: file, Place: v.Place(), Problem: "the version is empty"}
	}
	return number, nil
}

// edition reads the constant that $_currentEdition is set to (1.7 and later). Before that, a minor version above 9 is
// Enterprise's: Community ended with 1.9.
func edition(source *phparray.Source, number string) string {
	if text, ok := source.PropertyDefault("$_currentEdition"); ok {
		for _, edition := range []string{Community, Enterprise, professional, hosted} {
			if text == "self::EDITION_"+strings.ToUpper(edition) {
				return edition
			}
		}
		return ""
	}
	minor := strings.Split(number+".", ".")[1]
	if n, err := strconv.Atoi(minor); err == nil && n > 9 {
		return Enterprise
	}
	return ""
}

// openMage reports whether there is a getOpenMageVersionInfo, which OpenMage alone has. It returns one of two numbers,
// for the major version that getOpenMageMajorVersion returns.
func openMage(source *phparray.Source) (number string, found bool, err error) {
	values, found, err := source.FunctionReturns("getOpenMageVersionInfo")
	if err != nil || !found {
		return "", false, err
	}
	majors, _, err := source.FunctionReturns("getOpenMageMajorVersion")
	if err != nil {
		return "", true, err
	}
	var numbers []string
	for _, v := range values {
		major, ok := textOf(v, "major")
		if len(majors) == 1 {
			if wanted, known := majors[0].Text(); known && wanted != major {
				continue
			}
		}
		minor, ok2 := textOf(v, "minor")
		patch, ok3 := textOf(v, "patch")
		if ok && ok2 && ok3 {
			numbers = append(numbers, major+"."+minor+"."+patch)
		}
	}
	if len(numbers) == 1 {
		return numbers[0], true, nil
	}
	return "", true, nil
}

func textOf(v *phparray.Value, key string) (string, bool) {
	if v = v.Get(key); v == nil {
		return "", false
	}
	return v.Text()
}
