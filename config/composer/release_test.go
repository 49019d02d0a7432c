package composer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// project writes composer.lock and, unless it is empty, composer.json.
func project(t *testing.T, lockText, rootText string) *Lock {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"composer.lock": lockText, "composer.json": rootText} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := ReadLock(filepath.Join(dir, "composer.lock"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func packages(list string) string { return `{"packages": [` + list + `], "packages-dev": []}` }

// aliased is a composer.lock with one package, which the root package takes for another version.
func aliased(list, alias string) string {
	const name = "magento/product-community-edition"
	return `{"packages": [` + list + `], "packages-dev": [], "aliases": [{"package": "` + name + `", "version": ` +
		`"dev-main", "alias": "` + alias + `", "alias_normalized": "` + alias + `.0"}]}`
}

func TestReleaseOfRoot(t *testing.T) {
	t.Parallel()
	for root, want := range map[string]string{
		`{"name": "magento/magento2ce", "version": "2.4.8"}`:                         "2.4.8",
		`{"name": "magento/magento2ce"}`:                                             "",
		`{"name": "magento/project-community-edition", "version": "2.4.7"}`:          "",
		`{"name": "acme/shop", "replace": {"magento/product-community-edition": 1}}`: "",
		`{"name": `: "",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "composer.json"), []byte(root), 0o600); err != nil {
			t.Fatal(err)
		}
		if m := ReleaseOfRoot(filepath.Join(dir, "composer.lock")); m.Release != want {
			t.Errorf("%s: %+v, want %q", root, m, want)
		}
	}
	if m := ReleaseOfRoot(filepath.Join(t.TempDir(), "composer.lock")); m.Release != "" {
		t.Errorf("no file: %+v", m)
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	const (
		tool     = `{"name": "magento/data-migration-tool", "version": "2.4.7"}`
		open     = `{"name": "magento/product-community-edition", "version": "2.4.7-p3"}`
		commerce = `{"name": "magento/product-enterprise-edition", "version": "2.4.7-p3"}`
	)
	mageOS := func(more string) string {
		return packages(`{"name": "mage-os/product-community-edition", "version": "1.0.5"` + more + `}, ` + tool)
	}
	const none = " () neither composer.lock nor composer.json names a package that is Magento 2"
	for name, test := range map[string]struct{ lock, root, want string }{
		"open source": {
			packages(open), "",
			"2.4.7-p3 (Magento Open Source) composer.lock: magento/product-community-edition 2.4.7-p3",
		},
		"commerce has both": {
			packages(open + ", " + commerce), "",
			"2.4.7-p3 (Adobe Commerce) composer.lock: magento/product-enterprise-edition 2.4.7-p3",
		},
		"a v": {
			packages(`{"name": "magento/product-community-edition", "version": "v2.3.5"}`), "",
			"2.3.5 (Magento Open Source) composer.lock: magento/product-community-edition v2.3.5",
		},
		"base alone": {
			packages(`{"name": "magento/magento2-base", "version": "2.4.6"}`), "",
			"2.4.6 () composer.lock: magento/magento2-base 2.4.6",
		},
		"git checkout": {
			packages(`{"name": "magento/composer", "version": "1.10.0"}`),
			`{"name": "magento/magento2ce", "type": "project", "version": "2.4.8"}`,
			"2.4.8 (Magento Open Source) composer.json: magento/magento2ce 2.4.8",
		},
		"checkout and tool": {
			packages(tool), `{"name": "magento/magento2ce", "version": "2.4.7-p3", "type": "project"}`,
			"2.4.7-p3 (Magento Open Source) composer.json: magento/magento2ce 2.4.7-p3",
		},
		"checkout of commerce": {
			packages(tool), `{"name": "magento/magento2ee", "version": "2.4.6-p8"}`,
			"2.4.6-p8 (Adobe Commerce) composer.json: magento/magento2ee 2.4.6-p8",
		},
		"checkout of a branch": {
			packages(tool), `{"name": "magento/magento2ce"}`,
			" (Magento Open Source) composer.json: magento/magento2ce has no version, as on a development branch",
		},
		"checkout of a beta": {
			packages(tool), `{"name": "magento/magento2ce", "version": "2.4.9-beta1"}`,
			" (Magento Open Source) composer.json: magento/magento2ce 2.4.9-beta1 is not a release",
		},
		"products come first": {
			packages(open), `{"name": "magento/magento2ce", "version": "2.4.8"}`,
			"2.4.7-p3 (Magento Open Source) composer.lock: magento/product-community-edition 2.4.7-p3",
		},
		"a project": {
			packages(tool), `{"name": "magento/project-community-edition", "version": "2.4.7"}`, none,
		},
		"somebody's project": {packages(tool), `{"name": "acme/shop", "version": "2.4.7"}`, none},
		"Mage-OS": {
			mageOS(`, "extra": {"magento_version": "2.4.7-p3"}, "replace": {"magento/product-community-edition": ` +
				`"2.4.7-p3"}`),
			"", "2.4.7-p3 (Magento Open Source) composer.lock: mage-os/product-community-edition 1.0.5",
		},
		"Mage-OS, replace only": {
			mageOS(`, "replace": {"magento/product-community-edition": "2.4.6-p4"}`), "",
			"2.4.6-p4 (Magento Open Source) composer.lock: mage-os/product-community-edition 1.0.5",
		},
		"Mage-OS, extra only": {
			mageOS(`, "extra": {"magento_version": "2.4.9"}, "replace": []`), "",
			"2.4.9 (Magento Open Source) composer.lock: mage-os/product-community-edition 1.0.5",
		},
		"Mage-OS, self.version": {
			mageOS(`, "extra": {"magento_version": "2.4.8"}, "replace": {"magento/product-community-edition": ` +
				`"self.version"}`),
			"", "2.4.8 (Magento Open Source) composer.lock: mage-os/product-community-edition 1.0.5",
		},
		"Mage-OS, neither": {
			mageOS(`, "replace": {"magento/product-community-edition": "*"}`), "",
			" (Magento Open Source) composer.lock: mage-os/product-community-edition 1.0.5 replaces Magento *, " +
				"which is not a release",
		},
		"Mage-OS minimal": {
			packages(`{"name": "mage-os/product-minimal-edition", "version": "2.2.0", "extra": {"magento_version": ` +
				`"2.4.8-p3"}}`),
			"", "2.4.8-p3 (Magento Open Source) composer.lock: mage-os/product-minimal-edition 2.2.0",
		},
		"checkout of Mage-OS": {
			packages(tool),
			`{"name": "mage-os/mageos-magento2", "replace": {"magento/product-community-edition": "2.4.7"}}`,
			"2.4.7 (Magento Open Source) composer.json: mage-os/mageos-magento2",
		},
		"an extension of Hyva": {
			packages(`{"name": "acme/product-x", "version": "2.4.7", "extra": {"magento_version": "2.4.7"}}`), "", none,
		},
		"a development branch": {
			packages(`{"name": "magento/product-community-edition", "version": "2.4.x-dev"}`), "",
			" (Magento Open Source) composer.lock: magento/product-community-edition 2.4.x-dev is not a release",
		},
		"commerce's branch": {
			packages(open + `, {"name": "magento/product-enterprise-edition", "version": "dev-main"}`), "",
			"2.4.7-p3 (Adobe Commerce) composer.lock: magento/product-community-edition 2.4.7-p3",
		},
		"Adobe Commerce on cloud": {
			packages(`{"name": "magento/magento-cloud-metapackage", "version": "2.4.7-p3"}, ` + open), "",
			"2.4.7-p3 (Adobe Commerce) composer.lock: magento/magento-cloud-metapackage 2.4.7-p3",
		},
		"bases of commerce": {
			packages(`{"name": "magento/magento2-base", "version": "2.4.6-p8"}, {"name": "magento/magento2-ee-base", ` +
				`"version": "2.4.6-p8"}`), "",
			"2.4.6-p8 (Adobe Commerce) composer.lock: magento/magento2-ee-base 2.4.6-p8",
		},
		"a branch with an alias": {
			aliased(`{"name": "magento/product-community-edition", "version": "dev-main"}`, "2.4.6"), "",
			"2.4.6 (Magento Open Source) composer.lock: magento/product-community-edition dev-main as 2.4.6",
		},
		"a branch with the alias of a branch": {
			aliased(`{"name": "magento/product-community-edition", "version": "dev-main"}`, "2.4.x-dev"), "",
			" (Magento Open Source) composer.lock: magento/product-community-edition dev-main is not a release",
		},
		"a release with an alias": {
			aliased(open, "2.4.8"), "",
			"2.4.7-p3 (Magento Open Source) composer.lock: magento/product-community-edition 2.4.7-p3",
		},
		"a branch with its branch's alias": {
			packages(`{"name": "magento/product-community-edition", "version": "dev-2.4-develop", "extra": ` +
				`{"branch-alias": {"dev-2.4-develop": "2.4.x-dev"}}}`), "",
			" (Magento Open Source) composer.lock: magento/product-community-edition dev-2.4-develop is not a release",
		},
		"checkout of Mage-OS that says its original": {
			packages(tool), `{"name": "mage-os/magento2ce", "version": "1.0.5", "extra": {"magento_version": "2.4.7-p3"}}`,
			"2.4.7-p3 (Magento Open Source) composer.json: mage-os/magento2ce 1.0.5",
		},
		"checkout of Mage-OS that does not": {
			packages(tool), `{"name": "mage-os/magento2ce", "version": "1.0.5", "replace": {"magento/framework": "*"}}`, none,
		},
		"nothing": {packages(""), "", none},
	} {
		m := Release(project(t, test.lock, test.root))
		evidence := m.Evidence()
		if m.Release == "" {
			evidence = m.Problem
		}
		if got := fmt.Sprintf("%s (%s) %s", m.Release, m.Edition, evidence); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", name, got, test.want)
		}
	}
}

// A composer.json that cannot be read spoils nothing that composer.lock says, and is named where only it could say
// more.
func TestReleaseWithBrokenRoot(t *testing.T) {
	t.Parallel()
	for name, root := range map[string]string{
		"cut off":                `{"name": "magento/magento2ce", `,
		"a list":                 `[]`,
		"a number for a name":    `{"name": 24}`,
		"a byte order mark":      "\xef\xbb\xbf{}",
		"larger than the others": `{"name": "magento/magento2ce"}` + strings.Repeat(" ", MaxRootSize),
	} {
		l := project(t, packages(`{"name": "magento/product-community-edition", "version": "2.4.7"}`), root)
		if m := Release(l); m.Release != "2.4.7" || l.RootProblem == "" {
			t.Errorf("%s: %+v, problem %q", name, m, l.RootProblem)
		}
		l = project(t, packages(""), root)
		if m := Release(l); m.Release != "" ||
			m.Problem != "composer.lock names no package that is Magento 2, and "+l.RootProblem {
			t.Errorf("%s: %+v", name, m)
		}
	}
}
