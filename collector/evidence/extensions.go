package evidence

import (
	"cmp"
	"context"
	_ "embed" // the list of Magento's own modules
	"errors"
	"fmt"
	"io/fs"
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

// coreModules lists the parts of Magento 1 that are Magento's own.
type coreModules struct {
	SetupResources   []string `yaml:"setup_resources"`
	SetupPrefixes    []string `yaml:"setup_prefixes"`
	CoreVendors      []string `yaml:"core_vendors"`
	CommunityModules []string `yaml:"community_modules"`
	// The rest is Magento's own only in Enterprise.
	EnterpriseSetupResources []string `yaml:"enterprise_setup_resources"`
	EnterpriseModules        []string `yaml:"enterprise_modules"`
}

func readCoreModules() (core coreModules, err error) {
	if err := yaml.Load(coreData, &core, yaml.WithKnownFields()); err != nil {
		return core, fmt.Errorf("reading the built-in list of Magento's own modules: %w", err)
	}
	return core, nil
}

// enterpriseSetup is a prefix of setup resources that every Enterprise has and no Community.
const enterpriseSetup = "enterprise_"

func (c coreModules) ownsSetup(code string, enterprise bool) bool {
	return slices.Contains(c.SetupResources, code) ||
		enterprise && slices.Contains(c.EnterpriseSetupResources, code) ||
		slices.ContainsFunc(c.SetupPrefixes, func(p string) bool { return strings.HasPrefix(code, p) })
}

// owns reports whether a module is Magento's own. Extensions can put themselves into the code pool core, too.
func (c coreModules) owns(m magento1.Module, enterprise bool) bool {
	vendor, _, _ := strings.Cut(m.Name, "_")
	pool := strings.ToLower(m.CodePool)
	return pool != "community" && pool != "local" && slices.Contains(c.CoreVendors, vendor) ||
		slices.Contains(c.CommunityModules, m.Name) || enterprise && slices.Contains(c.EnterpriseModules, m.Name)
}

// Extension is a third-party module of Magento 1.
type Extension struct {
	// Module is empty when only the database knows the extension; Codes are its rows in core_resource.
	Module string
	Codes  []string
}

// Subject is the name for waivers and decisions: the code, which both the database and the files know.
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

// Extensions are Magento 1's third-party modules, and what is left of them.
type Extensions struct {
	Found []Extension
	// Orphans are third-party setups in core_resource that no module file under magento1.root declares.
	Orphans []string
	// Unattributed counts the third-party modules that Magento loads and whose config.xml, which has their setups,
	// cannot be read: the orphans may belong to them.
	Unattributed int
}

// Extensions returns Magento 1's third-party modules. It reads its files when the root is set, else core_resource,
// which has only modules with a setup resource. It is false when neither can be read. What could not be read is added
// to the verdict.
func (e *Evidence) Extensions(ctx context.Context, v *finding.Verdict) (Extensions, bool) {
	core, err := Once(e.Lifetime, "core modules", readCoreModules)
	if err != nil {
		v.Unknown("", "the built-in list of Magento's own modules cannot be read", err.Error(),
			"Report it to the exporter's maintainers.")
		return Extensions{}, false
	}
	modules, err := e.Files.Modules()
	if slices.ContainsFunc(modules, func(m magento1.Module) bool { return m.Name == "Mage_Core" }) {
		unreadableModules(v, err)
		return e.thirdParty(ctx, core, modules), true
	}
	switch {
	case errors.Is(err, ErrNoRoot):
		v.Unknown("modules", "the database does not have modules without a setup resource", "",
			"Set "+e.Magento1.Key("root")+" to Magento 1's folder, or to a copy of its app/ folder.")
	case err == nil:
		v.Unknown("modules", "Magento 1's modules cannot be read",
			"app/etc/modules declares no Mage_Core: it is not a complete Magento 1",
			"Set "+e.Magento1.Key("root")+" to Magento 1's folder, or to a copy of its app/ folder.")
	default:
		v.Unknown("modules", "Magento 1's modules cannot be read", err.Error(),
			"Let the user that the exporter runs as read app/etc/modules, and correct the file.")
	}
	return e.installedSetups(ctx, v, core)
}

// unreadableModules adds a finding for each file of app/etc/modules that cannot be read.
func unreadableModules(v *finding.Verdict, err error) {
	if err == nil {
		return
	}
	broken := []error{err}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		broken = several.Unwrap()
	}
	for _, one := range broken {
		subject := "modules"
		if at, ok := errors.AsType[*sourcefile.Error](one); ok {
			subject = filepath.Base(at.File)
		} else if at, ok := errors.AsType[*fs.PathError](one); ok {
			subject = filepath.Base(at.Path)
		}
		v.Unknown(subject, "a file of Magento 1's modules cannot be read", one.Error(),
			"Let the user that the exporter runs as read it, and correct it.")
	}
}

// setups reads core_resource, which also shows whether this is an Enterprise.
func (e *Evidence) setups(ctx context.Context) (codes []string, enterprise bool, err error) {
	codes, err = e.Magento1.Column(ctx, "SELECT code FROM "+e.Magento1.Table("core_resource")+" ORDER BY code")
	isEnterprise := func(code string) bool { return strings.HasPrefix(code, enterpriseSetup) }
	return codes, slices.ContainsFunc(codes, isEnterprise), err
}

// installedSetups returns the third-party modules in core_resource.
func (e *Evidence) installedSetups(ctx context.Context, v *finding.Verdict, core coreModules) (Extensions, bool) {
	var x Extensions
	if e.Magento1.Unreachable(v) {
		return x, false
	}
	codes, enterprise, err := e.setups(ctx)
	if err != nil {
		e.Magento1.Broken(v, "core_resource", err)
		return x, false
	}
	for _, code := range codes {
		if !core.ownsSetup(code, enterprise) {
			x.Found = append(x.Found, Extension{Codes: []string{code}})
		}
	}
	return x, true
}

// thirdParty leaves out Magento's own modules, and those that Magento does not load.
func (e *Evidence) thirdParty(ctx context.Context, core coreModules, modules []magento1.Module) Extensions {
	local, err := e.Files.Local()
	noLocal := err == nil && local.DisableLocalModules
	var codes []string
	isEnterprise := func(m magento1.Module) bool { return m.Name == "Enterprise_Enterprise" }
	version, err := e.Files.Version()
	enterprise := err == nil && version.Edition == magento1.Enterprise || slices.ContainsFunc(modules, isEnterprise)
	if e.Magento1.Err == nil {
		// Other preconditions report that it cannot be read.
		var fromDatabase bool
		codes, fromDatabase, _ = e.setups(ctx)
		enterprise = enterprise || fromDatabase
	}
	var x Extensions
	owned := map[string]bool{}
	for _, m := range modules {
		if core.owns(m, enterprise) {
			continue
		}
		own, known := setupCodes(e.Migration.Magento1.Root, m)
		for _, code := range own {
			owned[code] = true
		}
		if !m.Active || noLocal && strings.EqualFold(m.CodePool, "local") {
			continue
		}
		if !known {
			x.Unattributed++
		}
		x.Found = append(x.Found, Extension{Module: m.Name, Codes: own})
	}
	slices.SortFunc(x.Found, func(a, b Extension) int { return cmp.Compare(a.Subject(), b.Subject()) })
	for _, code := range codes {
		if !core.ownsSetup(code, enterprise) && !owned[code] {
			x.Orphans = append(x.Orphans, code)
		}
	}
	return x
}

// maxModuleConfig is the largest config.xml of a module that is read, in bytes.
const maxModuleConfig = 1 << 20

// setupCodes returns a module's rows in core_resource, sorted: the resources in its config.xml that have a setup. known
// is false when the file cannot be read.
func setupCodes(root string, m magento1.Module) (codes []string, known bool) {
	vendor, name, _ := strings.Cut(m.Name, "_")
	if vendor == ".." || strings.Contains(m.Name, "/") {
		return nil, false
	}
	folder := strings.ReplaceAll(name, "_", string(filepath.Separator))
	path := filepath.Join(root, "app/code", strings.ToLower(m.CodePool), vendor, folder, "etc/config.xml")
	data, err := sourcefile.Read(path, maxModuleConfig)
	if err != nil {
		return nil, false
	}
	tree, err := xmltree.Parse(path, data)
	if err != nil {
		return nil, false
	}
	if resources := tree.Child("global", "resources"); resources != nil {
		for _, r := range resources.Children {
			if r.Child("setup") != nil {
				codes = append(codes, r.Name)
			}
		}
	}
	slices.Sort(codes)
	return codes, true
}
