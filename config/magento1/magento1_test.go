package magento1

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/config/sourcefile"
)

const mage = `<?php
/**
 * public static function getVersionInfo() { return array('major' => '9'); }
 */
define('DS', DIRECTORY_SEPARATOR);
if (defined('COMPILER_INCLUDE_PATH')) {
    include_once COMPILER_INCLUDE_PATH . DS . "Mage_Core_functions.php";
}
final class Mage
{
    const EDITION_COMMUNITY    = 'Community';
    const EDITION_ENTERPRISE   = 'Enterprise';
    static private $_currentEdition = self::EDITION_%s;

    public static function getVersion()
    {
        $i = self::getVersionInfo();
        return trim("{$i['major']}.{$i['minor']}.{$i['revision']}" . ($i['patch'] != '' ? ".{$i['patch']}" : "")
                        . "-{$i['stability']}{$i['number']}", '.-');
    }

    public static function getVersionInfo()
    {
        return %s;
    }

    public static function getEdition()
    {
       return self::$_currentEdition;
    }
%s
}
`

func TestParseVersion(t *testing.T) {
	t.Parallel()
	info := func(major, minor, revision, patch, stability, number string) string {
		return fmt.Sprintf("array('major' => '%s', 'minor' => '%s', 'revision' => '%s', 'patch' => '%s', 'stability' "+
			"=> '%s', 'number' => '%s',)",
			major, minor, revision, patch, stability, number)
	}
	const openMage = `
    public static function getOpenMageVersionInfo(): array
    {
        if (self::getOpenMageMajorVersion() === 20) {
            return ['major' => '20', 'minor' => '14', 'patch' => '0', 'stability' => '', 'number' => ''];
        }
        return ['major' => '19', 'minor' => '5', 'patch' => '3', 'stability' => '', 'number' => ''];
    }
`
	for name, test := range map[string]struct {
		source string
		want   Version
	}{
		"CE 1.9.4.5": {
			fmt.Sprintf(mage, "COMMUNITY", info("1", "9", "4", "5", "", ""), ""),
			Version{Number: "1.9.4.5", Edition: "Community"},
		},
		"EE": {
			fmt.Sprintf(mage, "ENTERPRISE", info("1", "14", "4", "2", "", ""), ""),
			Version{Number: "1.14.4.2", Edition: "Enterprise"},
		},
		"beta": {
			fmt.Sprintf(mage, "COMMUNITY", info("1", "8", "0", "0", "alpha", "1"), ""),
			Version{Number: "1.8.0.0-alpha1", Edition: "Community"},
		},
		"no patch": {
			fmt.Sprintf(mage, "COMMUNITY", info("1", "9", "4", "", "", ""), ""),
			Version{Number: "1.9.4", Edition: "Community"},
		},
		"numbers": {
			fmt.Sprintf(mage, "OTHER", "['major' => 1, 'minor' => 9, 'revision' => 4, 'patch' => 5]", ""),
			Version{Number: "1.9.4.5"},
		},
		"OpenMage 20": {fmt.Sprintf(mage, "COMMUNITY", info("1", "9", "4", "5", "", ""),
			openMage+"public static function getOpenMageMajorVersion(): int { return 20; }"),
			Version{Number: "1.9.4.5", Edition: "Community", OpenMage: true, OpenMageNumber: "20.14.0"}},
		"OpenMage 19": {fmt.Sprintf(mage, "COMMUNITY", info("1", "9", "4", "5", "", ""),
			openMage+"public static function getOpenMageMajorVersion(): int { return 19; }"),
			Version{Number: "1.9.4.5", Edition: "Community", OpenMage: true, OpenMageNumber: "19.5.3"}},
		"OpenMage of unknown number": {fmt.Sprintf(mage, "COMMUNITY", info("1", "9", "4", "5", "", ""),
			openMage+"public static function getOpenMageMajorVersion(): int { return self::X; }"),
			Version{Number: "1.9.4.5", Edition: "Community", OpenMage: true}},
		"EE before editions": {
			"<?php class Mage { public static function getVersionInfo() { return " + info("1", "11", "2", "0", "", "") +
				"; } }",
			Version{Number: "1.11.2.0", Edition: "Enterprise"},
		},
		"CE before editions": {
			"<?php class Mage { public static function getVersionInfo() { return " + info("1", "6", "2", "0", "", "") +
				"; } }",
			Version{Number: "1.6.2.0"},
		},
		"before 1.4": {
			"<?php class Mage { public static function getVersion() { return '1.3.2.4'; } }",
			Version{Number: "1.3.2.4"},
		},
	} {
		got, err := ParseVersion("Mage.php", []byte(test.source))
		if err != nil || got != test.want {
			t.Errorf("%s: %+v %v, want %+v", name, got, err, test.want)
		}
	}
}

// Before 1.7 the modules say which edition it is.
func TestReadVersion(t *testing.T) {
	t.Parallel()
	const old = `<?php class Mage { public static function getVersionInfo() {
return array('major' => '1', 'minor' => '5', 'revision' => '1', 'patch' => '0', 'stability' => '', 'number' => ''); } }`
	of1945 := fmt.Sprintf(mage, "COMMUNITY", `array('major' => '1', 'minor' => '9', 'revision' => '4', 'patch' => '5')`,
		"")
	for name, test := range map[string]struct {
		source     string
		enterprise bool
		want       string
	}{
		"community":      {of1945, false, "Community 1.9.4.5"},
		"old community":  {old, false, "Community 1.5.1.0"},
		"old enterprise": {old, true, "Enterprise 1.5.1.0"},
		"very old": {
			"<?php class Mage { static function getVersion() { return '1.3.2.4'; } }", false, "Community 1.3.2.4",
		},
		"with left-overs": {of1945, true, "Community 1.9.4.5"},
	} {
		root := t.TempDir()
		files := map[string]string{"app/Mage.php": test.source}
		if test.enterprise {
			files[enterpriseModule] = "<config/>"
		}
		for file, text := range files {
			path := filepath.Join(root, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if v, err := ReadVersion(root); err != nil || v.String() != test.want {
			t.Errorf("%s: %s %v, want %s", name, v, err, test.want)
		}
	}
	for want, v := range map[string]Version{
		"OpenMage 20.14.0": {Number: "1.9.4.5", Edition: Community, OpenMage: true, OpenMageNumber: "20.14.0"},
		"OpenMage":         {Number: "1.9.4.5", OpenMage: true},
		"1.5.1.0":          {Number: "1.5.1.0"},
	} {
		if v.String() != want {
			t.Errorf("%+v is %q, want %q", v, v, want)
		}
	}
}

func TestParseVersionErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ source, want string }{
		{"", "Mage.php:1:1: the file is empty"},
		{"<?php class Foo {}", "Mage.php: there is no function getVersionInfo: is this Magento 1's app/Mage.php?"},
		{
			"<?php function getVersion() { return trim('1'); }",
			"Mage.php:1:38: the major version is not known without running PHP",
		},
		{"<?php function getVersionInfo() { return []; }", "Mage.php:1:42: the version is empty"},
		{
			"<?php function getVersionInfo() { if (X) { return []; } return []; }",
			"Mage.php: the function with the version returns several values",
		},
		{
			"<?php\nfunction getVersionInfo() { return ['major' => 1,\n'minor' => self::MINOR]; }",
			"Mage.php:3:12: the minor version is not known without running PHP",
		},
		{
			"<?php\nfunction getVersionInfo() { return ['major' => 1",
			"Mage.php:2:36: the [ that stands here is never closed",
		},
		{
			strings.Repeat(" ", MaxMageFileSize+1),
			"Mage.php: is larger than 1048576 bytes, which no file of this kind is",
		},
	} {
		source, want := test.source, test.want
		if _, err := ParseVersion("Mage.php", []byte(source)); err == nil || err.Error() != want {
			t.Errorf("%.60q\n got %v\nwant %s", source, err, want)
		}
	}
	if _, err := ReadVersion(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestReadModules(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, "app/etc/modules")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadModules(filepath.Join(root, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"AW_Blog.xml": "<config>\n  <modules>\n    <AW_Blog><active>true</active><codePool>community</" +
			"codePool><depends><Mage_Cms/><Mage_Core/></depends></AW_Blog>\n  </modules>\n</config>",
		"Mage_All.xml": "<config><modules><Mage_Core><active>true</active><codePool>core</codePool></" +
			"Mage_Core><Mage_Poll><active>true</active><codePool>core</codePool></Mage_Poll></modules></config>",
		"Mage_Poll.xml": "<config><modules><Mage_Poll><active>false</active></Mage_Poll></modules></config>",
		"Zz_Overrides.xml": "<config><modules><Mage_Core><codePool>local</codePool></" +
			"Mage_Core><AW_Blog><depends><Zz_All/></depends></AW_Blog></modules></config>",
		"Flags.xml": "<config><modules><A_One><active>1</active></A_One><A_Off><active>OFF</active></" +
			"A_Off><A_Zero><active>0</active></A_Zero><A_None/></modules></config>",
		"Broken.xml":  "<config>\n<modules>\n<A_Broken>",
		"End_Tag.xml": "<config><modules><A_B></A_C></modules></config>",
		"Large.xml":   strings.Repeat(" ", MaxModuleFileSize+1),
		"Old.xml.bak": "<config>",
		".Hidden.xml": "<config>",
		"AAA_Two_Blocks.xml": "<config><modules><A_X><active>true</active></A_X></" +
			"modules><modules><A_Y><active>true</active></A_Y></modules></config>",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	modules, err := ReadModules(root)
	wantError := filepath.Join(dir, "Broken.xml") + ":3:11: the file ends before the element of line 3 does\n" +
		filepath.Join(dir, "End_Tag.xml") + ":1:29: this end tag is not that of the element of line 1\n" +
		filepath.Join(dir, "Large.xml") + ": is larger than 262144 bytes, which no file of this kind is"
	if err == nil || err.Error() != wantError {
		t.Errorf("got %v, want %s", err, wantError)
	}
	var got []string
	for _, m := range modules {
		got = append(got,
			fmt.Sprintf("%s %v %s %v %s:%s", m.Name, m.Active, m.CodePool, m.Depends, filepath.Base(m.File), m.Place))
	}
	want := `Mage_Core true local [] Zz_Overrides.xml:1:18
Mage_Poll false core [] Mage_Poll.xml:1:18
A_X true  [] AAA_Two_Blocks.xml:1:18
A_Y true  [] AAA_Two_Blocks.xml:1:69
AW_Blog true community [Mage_Cms Mage_Core Zz_All] Zz_Overrides.xml:1:67
A_One true  [] Flags.xml:1:18
A_Off false  [] Flags.xml:1:51
A_Zero false  [] Flags.xml:1:86
A_None false  [] Flags.xml:1:121`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

func FuzzModules(f *testing.F) {
	f.Add([]byte("<config><modules><A_B><active>true</active><codePool>local</codePool><depends><C_D/></depends></" +
		"A_B><A_B/></modules></config>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d declarations
		err := d.add("m.xml", data)
		if _, ok := errors.AsType[*sourcefile.Error](err); err != nil && !ok {
			t.Fatalf("an error without a place: %v", err)
		}
		seen := map[string]bool{}
		for _, m := range d.modules {
			if m.Name == "" || seen[m.Name] {
				t.Fatalf("%+v is nameless or stands twice", m)
			}
			seen[m.Name] = true
		}
	})
}

func FuzzParseVersion(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(mage, "COMMUNITY", "array('major' => '1', 'minor' => '9')",
		"function getOpenMageVersionInfo() { return ['major' => 20, 'minor' => 1, 'patch' => 2]; }")))
	f.Add([]byte("<?php function getVersion() { return '1.3.2.4'; }"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := ParseVersion("Mage.php", data)
		if _, ok := errors.AsType[*sourcefile.Error](err); err != nil && !ok {
			t.Fatalf("an error without a place: %v", err)
		}
		if err == nil && v.OpenMageNumber != "" && !v.OpenMage {
			t.Fatalf("%+v", v)
		}
	})
}
