package evidence

import (
	"cmp"
	"context"
	_ "embed" // the list of Magento's own modules
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config/magento1"
	"magento_migration_exporter/config/sourcefile"
	"magento_migration_exporter/config/xmltree"
)

//go:embed extensions_core.yml
var coreData []byte

// coreModules is what in Magento 1 is Magento's own.
type coreModules struct {
	SetupResources   []string `yaml:"setup_resources"`
	SetupPrefixes    []string `yaml:"setup_prefixes"`
	CommunityModules []string `yaml:"community_modules"`
}

func readCoreModules() (core coreModules, err error) {
	if err := yaml.Load(coreData, &core, yaml.WithKnownFields()); err != nil {
		return core, fmt.Errorf("reading the built-in list of Magento's own modules: %w", err)
	}
	return core, nil
}

func (c coreModules) ownsSetup(code string) bool {
	return slices.Contains(c.SetupResources, code) ||
		slices.ContainsFunc(c.SetupPrefixes, func(p string) bool { return strings.HasPrefix(code, p) })
}

// Extension is a third-party module of Magento 1.
type Extension struct {
	// Module is empty where only the database knows of it; Codes are its rows in core_resource.
	Module string
	Codes  []string
}

// Subject is what waivers and decisions best name: the code, which both the database and the files know.
func (x Extension) Subject() string {
	if len(x.Codes) > 0 {
		return x.Codes[0]
	}
	return x.Module
}

// String is the module with its codes.
func (x Extension) String() string {
	if x.Module == "" || len(x.Codes) == 0 {
		return x.Subject()
	}
	return x.Module + " (" + strings.Join(x.Codes, ", ") + ")"
}

// Extensions returns Magento 1's third-party modules from its files where these are given, and else from core_resource,
// which knows only those that have a setup of their own. It is false when neither can be seen. What could not be seen
// is added to the verdict.
func (e *Evidence) Extensions(ctx context.Context, v *finding.Verdict) ([]Extension, bool) {
	core, err := Once(e.Lifetime, "core modules", readCoreModules)
	if err != nil {
		v.Unknown(
			"",
			"the built-in list of Magento's own modules cannot be read",
			err.Error(),
			"Report it to the exporter's maintainers.",
		)
		return nil, false
	}
	modules, err := e.Files.Modules()
	if err == nil && !slices.ContainsFunc(modules, func(m magento1.Module) bool { return m.Name == "Mage_Core" }) {
		err = errors.New("app/etc/modules declares no Mage_Core, so that is no whole Magento 1")
	}
	if err == nil {
		return e.thirdParty(core, modules), true
	}
	if errors.Is(err, ErrNoRoot) {
		v.Unknown("modules", "modules without a setup resource cannot be seen in the database", "",
			"Set "+e.Magento1.Key("root")+" to Magento 1's folder, or to a copy of its app/ folder.")
	} else {
		v.Unknown("modules", "Magento 1's modules cannot be read", err.Error(),
			"Let the user that the exporter runs as read app/etc/modules, and correct the file.")
	}
	return e.installedSetups(ctx, v, core)
}

// installedSetups reads core_resource.
func (e *Evidence) installedSetups(ctx context.Context, v *finding.Verdict, core coreModules) ([]Extension, bool) {
	if e.Magento1.Unseen(v) {
		return nil, false
	}
	codes, err := e.Magento1.Column(ctx, "SELECT code FROM "+e.Magento1.Table("core_resource")+" ORDER BY code")
	if err != nil {
		e.Magento1.Broken(v, "core_resource", err)
		return nil, false
	}
	var found []Extension
	for _, code := range codes {
		if !core.ownsSetup(code) {
			found = append(found, Extension{Codes: []string{code}})
		}
	}
	return found, true
}

// thirdParty leaves out what Magento itself brings, and what it does not load.
func (e *Evidence) thirdParty(core coreModules, modules []magento1.Module) []Extension {
	local, err := e.Files.Local()
	noLocal := err == nil && local.DisableLocalModules
	var found []Extension
	for _, m := range modules {
		pool := strings.ToLower(m.CodePool)
		switch {
		case !m.Active, pool != "community" && pool != "local", pool == "local" && noLocal:
		case slices.Contains(core.CommunityModules, m.Name):
		default:
			found = append(found, Extension{Module: m.Name, Codes: setupCodes(e.Migration.Magento1.Root, m)})
		}
	}
	slices.SortFunc(found, func(a, b Extension) int { return cmp.Compare(a.Subject(), b.Subject()) })
	return found
}

// maxModuleConfig is the largest config.xml of a module that is read, in bytes.
const maxModuleConfig = 1 << 20

// setupCodes returns a module's rows in core_resource, sorted: the resources in its config.xml that have a setup. A
// file that cannot be read leaves the module with its name alone.
func setupCodes(root string, m magento1.Module) []string {
	vendor, name, _ := strings.Cut(m.Name, "_")
	if vendor == ".." || strings.Contains(m.Name, "/") {
		return nil
	}
	folder := strings.ReplaceAll(name, "_", string(filepath.Separator))
	path := filepath.Join(root, "app/code", strings.ToLower(m.CodePool), vendor, folder, "etc/config.xml")
	data, err := sourcefile.Read(path, maxModuleConfig)
	if err != nil {
		return nil
	}
	tree, err := xmltree.Parse(path, data)
	if err != nil {
		return nil
	}
	var codes []string
	if resources := tree.Child("global", "resources"); resources != nil {
		for _, r := range resources.Children {
			if r.Child("setup") != nil {
				codes = append(codes, r.Name)
			}
		}
	}
	slices.Sort(codes)
	return codes
}
