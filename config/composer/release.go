package composer

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Edition is an edition of Magento 2.
type Edition string

// The editions. An empty one is not known.
const (
	EditionOpenSource Edition = "Magento Open Source"
	EditionCommerce   Edition = "Adobe Commerce"
)

// Magento is what Composer's files say of an installed Magento 2.
type Magento struct {
	// Release is Magento's release, such as 2.4.7-p3, empty when the files do not say it. For a distribution with
	// numbers of its own, such as Mage-OS, it is the release of Magento that it replaces.
	Release string
	// Edition is that of the distribution's original.
	Edition Edition
	// Package and Version are the package that says so and its own version: for a development branch the version is
	// such as 2.4.x-dev, and Release is empty. They are empty when there is none.
	Package, Version string
	// File is the file in which the package stands.
	File string
	// Problem says why Release is empty.
	Problem string
}

// Evidence says where the release was found, such as "composer.lock: magento/product-community-edition 2.4.7-p3".
func (m Magento) Evidence() string {
	if m.Package == "" {
		return m.Problem
	}
	return strings.TrimSpace(filepath.Base(m.File) + ": " + m.Package + " " + m.Version)
}

// release is the form of Magento's releases. Betas and branches are none.
var release = regexp.MustCompile(`^v?(\d{1,3}\.\d{1,3}\.\d{1,3}(?:-p\d{1,3})?)$`)

// magentoRoot is the form by which Magento itself recognises that it runs from a checkout of its own repository
// (Magento\Framework\Composer\ComposerInformation::isMagentoRoot).
var magentoRoot = regexp.MustCompile(`^magento/magento2(ce|ee|b2b)?$`)

// Release returns what composer.lock, and for a checkout of Magento's repository composer.json, say of the installed
// Magento 2. As in Magento's own ProductMetadata, an installed product comes first, then the root package.
func Release(lock *Lock) Magento {
	found := candidates(lock)
	if len(found) == 0 {
		problem := "neither composer.lock nor composer.json names a package that is Magento 2"
		if lock.RootProblem != "" {
			problem = "composer.lock names no package that is Magento 2, and " + lock.RootProblem
		}
		return Magento{Problem: problem}
	}
	known := slices.IndexFunc(found, func(m Magento) bool { return m.Release != "" })
	m := found[max(known, 0)]
	if found[0].Edition != "" {
		m.Edition = found[0].Edition // Commerce has the packages of Magento Open Source too
	}
	return m
}

// ReleaseOfRoot returns what the composer.json beside a composer.lock that is not there says of a checkout of Magento's
// repository. Its Release is empty for anything else.
func ReleaseOfRoot(lockFile string) Magento {
	root, err := readRoot(filepath.Join(filepath.Dir(lockFile), "composer.json"))
	if err != nil {
		return Magento{}
	}
	return Release(&Lock{File: lockFile, Root: root})
}

// candidates are all packages that are Magento 2, the one that decides first.
func candidates(lock *Lock) []Magento {
	var found []Magento
	for _, name := range []string{Commerce, Cloud, OpenSource} {
		if p, ok := lock.Package(name); ok {
			found = append(found, product(lock.File, lock.aliased(p), editionOf(name)))
		}
	}
	for _, p := range lock.Packages {
		if version, edition, ok := replacement(p); ok {
			found = append(found, replaced(lock.File, p, version, edition))
		}
	}
	for _, name := range []string{CommerceBase, Base} {
		if p, ok := lock.Package(name); ok {
			found = append(found, product(lock.File, lock.aliased(p), editionOf(name)))
		}
	}
	file := filepath.Join(filepath.Dir(lock.File), "composer.json")
	if root := lock.Root; magentoRoot.MatchString(root.Name) {
		found = append(found, product(file, root, editionOf(root.Name)))
	} else if version, edition, ok := replacement(root); ok {
		found = append(found, replaced(file, root, version, edition))
	}
	return found
}

// aliased is a package with the version that the root package takes it for, as Composer and so Magento do.
func (l *Lock) aliased(p Package) Package {
	if alias := l.Aliases[p.Name]; alias != "" && !release.MatchString(p.Version) && release.MatchString(alias) {
		p.Version += " as " + alias
	}
	return p
}

func editionOf(name string) Edition {
	switch {
	case name == Commerce || name == Cloud || name == CommerceBase, strings.HasSuffix(name, "ee"),
		strings.HasSuffix(name, "b2b"):
		return EditionCommerce
	case name == OpenSource || strings.HasSuffix(name, "ce"):
		return EditionOpenSource
	}
	return ""
}

// product is a package that is Magento 2, at the release that its version says.
func product(file string, p Package, edition Edition) Magento {
	version := p.Version
	if _, alias, ok := strings.Cut(version, " as "); ok {
		version = alias
	}
	return replaced(file, p, version, edition)
}

// replaced is a package that is Magento 2, at the release that it replaces.
func replaced(file string, p Package, version string, edition Edition) Magento {
	m := Magento{Edition: edition, Package: p.Name, Version: p.Version, File: file}
	if text := release.FindStringSubmatch(version); text != nil {
		m.Release = text[1]
		return m
	}
	switch version {
	case "":
		m.Problem = m.Evidence() + " has no version, as on a development branch"
	case p.Version:
		m.Problem = m.Evidence() + " is not a release"
	default:
		m.Problem = fmt.Sprintf("%s replaces Magento %s, which is not a release", m.Evidence(), version)
	}
	return m
}

// replacement returns the release of Magento that a distribution of it stands for. It is false for other packages.
func replacement(p Package) (version string, edition Edition, ok bool) {
	for _, name := range []string{Commerce, OpenSource} {
		if version, ok = p.Replace[name]; ok && p.Name != Commerce && p.Name != OpenSource {
			if !release.MatchString(version) && p.MagentoVersion != "" {
				version = p.MagentoVersion
			}
			return version, editionOf(name), true
		}
	}
	_, name, _ := strings.Cut(p.Name, "/")
	isProduct := strings.HasPrefix(name, "product-") && strings.HasSuffix(name, "-edition") || name == "magento2ce"
	return p.MagentoVersion, EditionOpenSource, isProduct && p.MagentoVersion != ""
}
