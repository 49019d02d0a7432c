package composer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/config/sourcefile"
)

const lock = `{
    "_readme": ["This file locks the dependencies of your project to a known state"],
    "content-hash": "0123456789abcdef",
    "packages": [
        {
            "name": "magento/data-migration-tool",
            "version": "2.4.7",
            "dist": {"type": "zip", "url": "https://user:hunter2@repo.magento.com/x.zip?token=hunter2", "shasum": ""},
            "require": [],
            "type": "magento2-module"
        },
        {
            "name": "magento/product-community-edition",
            "version": "2.4.7-p3",
            "require": {"php": "~8.1.0||~8.2.0||~8.3.0", "magento/magento2-base": "2.4.7-p3", "x": 1},
            "type": "metapackage",
            "transport-options": {"http": {"header": ["Authorization: Bearer hunter2"]}}
        },
        {"name": "magento/magento2-base", "version": "2.4.7-p3", "type": "magento2-component"}
    ],
    "packages-dev": [{"name": "phpunit/phpunit", "version": "9.6.20", "type": "library"}],
    "aliases": [],
    "platform": {"php": "~8.2.0", "ext-intl": "*"},
    "platform-dev": [],
    "plugin-api-version": "2.6.0"
}
`

func TestParseLock(t *testing.T) {
	t.Parallel()
	l, err := ParseLock("composer.lock", []byte(lock))
	if err != nil {
		t.Fatal(err)
	}
	tool, ok := l.Package(DataMigrationTool)
	magento, ok2 := l.Package(OpenSource)
	phpunit, ok3 := l.Package("phpunit/phpunit")
	_, none := l.Package(Commerce)
	got := fmt.Sprint(ok, ok2, ok3, none, " ", tool.Version, " ", tool.Type, " ", len(tool.Require), " ",
		magento.Version, " ", magento.Require["php"], " ", phpunit.Dev, magento.Dev, " ", l.Platform["php"], " ",
		len(l.Packages))
	const want = "true true true false 2.4.7 magento2-module 0 2.4.7-p3 ~8.1.0||~8.2.0||~8.3.0 true false ~8.2.0 4"
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	out, _ := json.Marshal(l)
	if out = append(out, fmt.Sprintf("%v %+v %#v", l, *l, l.Packages)...); strings.Contains(string(out), "hunter2") {
		t.Errorf("leaks: %s", out)
	}
}

func TestParseRoot(t *testing.T) {
	t.Parallel()
	root, err := parseRoot("composer.json", []byte(`{"name": "acme/shop", "type": "project", "version": "2.4.7-p3",
"require": {"php": "~8.2.0", "magento/product-community-edition": "2.4.7"}, "replace": [],
"autoload": {"psr-4": {"Acme\\": "src/", "Both\\": ["a", "b/"], "Odd\\": 1}, "psr-0": {"": "x"}},
"extra": {"magento_version": 2}, "repositories": [{"type": "composer", "url": "https://user:hunter2@magento.com/"}],
"config": {"http-basic": {"repo.magento.com": {"password": "hunter2"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{acme/shop 2.4.7-p3 project map[magento/product-community-edition:2.4.7 php:~8.2.0] map[]  ` +
		`map[Acme\:[src/] Both\:[a b/]] false}`
	if got := fmt.Sprint(root); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	out, _ := json.Marshal(root)
	if out = append(out, fmt.Sprintf("%v %+v", root, root)...); strings.Contains(string(out), "hunter2") {
		t.Errorf("leaks: %s", out)
	}
}

// Of keys that stand twice the last one counts, as in PHP, and nothing of the first is left.
func TestDuplicateKeys(t *testing.T) {
	t.Parallel()
	l, err := ParseLock("composer.lock",
		[]byte(`{"packages": [{"name": "a/b", "version": "1"}, {"name": "c/d"}], "packages": [{"name": "e/f", `+
			`"name": "g/h"}]}`))
	if err != nil || len(l.Packages) != 1 || l.Packages[0].Name != "g/h" || l.Packages[0].Version != "" {
		t.Errorf("%+v %v", l, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"", "c:1:1: the file ends in the middle of the JSON"},
		{"{}", `c:1:1: there is no "packages": is this a composer.lock?`},
		{"{\n\"packages\": {}}", `c:2:13: the value of "packages" is of the wrong type`},
		{"{\"packages\": [\n{\"name\": 1}]}", `c:2:10: the value of "packages.name" is of the wrong type`},
		{"{\"packages\": [],\n\"platform\": \"hunter2\"}", `c:2:13: the value of "platform" is of the wrong type`},
		{
			"{\"packages\": [],\n<<<<<<< HEAD\n}",
			"c:2:1: this is not well-formed JSON: a character that is not allowed looking for beginning of object " +
				"key string",
		},
		{"\xef\xbb\xbf" + lock, "c:1:1: the file begins with a byte order mark, which no reader of JSON accepts"},
		{strings.Repeat(" ", MaxLockSize+1), "c: is larger than 16777216 bytes, which no file of this kind is"},
	} {
		text, want := test.text, test.want
		if _, err := ParseLock("c", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%.50q: %v, want %s", text, err, want)
		}
	}
	if _, err := ParseLock("c", []byte(strings.ReplaceAll(lock, "\n", "\r\n")[:300])); err == nil ||
		!strings.HasSuffix(err.Error(), "the file ends in the middle of the JSON") {
		t.Error(err)
	}
	dir := t.TempDir()
	if _, err := ReadLock(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := ReadLock(dir); err == nil {
		t.Error("a directory was read")
	}
	file := filepath.Join(dir, "composer.lock")
	if err := os.WriteFile(file, []byte(lock), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := ReadLock(file); err != nil || l.File != file {
		t.Error(l, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(lock))
	f.Add([]byte(`{"packages": [{"name": "mage-os/product-x-edition", "extra": {"magento_version": "2.4.7"}}]}`))
	f.Add([]byte(`{"name": "a/b", "require": {"php": "8"}, "require-dev": [], "packages": []}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		lock, err := ParseLock("c", data)
		root, err2 := parseRoot("c", data)
		if err == nil {
			lock.Root = root
			if m := Release(lock); (m.Release == "") != (m.Problem != "") {
				t.Fatalf("%+v", m)
			}
		}
		for _, err := range []error{err, err2} {
			if _, ok := errors.AsType[*sourcefile.Error](err); err != nil && !ok {
				t.Fatalf("an error without a place: %v", err)
			}
		}
	})
}
