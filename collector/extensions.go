package collector

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

	"magento_migration_exporter/config"
	magento1files "magento_migration_exporter/config/magento1"
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

func (c coreModules) ownsSetup(code string) bool {
	return slices.Contains(c.SetupResources, code) || slices.ContainsFunc(c.SetupPrefixes, func(p string) bool { return strings.HasPrefix(code, p) })
}

// extension is a third-party module of Magento 1.
type extension struct {
	// module is empty where only the database knows of it; codes are its rows in core_resource.
	module string
	codes  []string
}

// subject is what waivers and decisions best name: the code, which both the database and the files know.
func (x extension) subject() string {
	if len(x.codes) > 0 {
		return x.codes[0]
	}
	return x.module
}

func (x extension) String() string {
	if x.module == "" || len(x.codes) == 0 {
		return x.subject()
	}
	return x.module + " (" + strings.Join(x.codes, ", ") + ")"
}

// The states of an extension, as the label says them.
const (
	extensionMigrated  = "migrated"
	extensionReplaced  = "replaced"
	extensionDropped   = "dropped"
	extensionUndecided = "undecided"
)

// evaluateExtensions tells whether somebody has decided what becomes of each third-party module of Magento 1.
func evaluateExtensions(ctx context.Context, e *Evidence) Verdict {
	v := Verdict{}
	found, ok := findExtensions(ctx, &v, e)
	if !ok {
		return v
	}
	counts := map[string]int{extensionMigrated: 0, extensionReplaced: 0, extensionDropped: 0, extensionUndecided: 0}
	var undecided []extension
	for _, x := range found {
		state := v.judgeExtension(e, x)
		if state == extensionUndecided {
			undecided = append(undecided, x)
		}
		counts[state]++
	}
	for state, n := range counts {
		v.sample(extensionsState, float64(n), state)
	}
	v.Summary = fmt.Sprintf("each of Magento 1's %d third-party modules is decided on", len(found))
	v.failUndecided(undecided)
	return v
}

// findExtensions takes the modules from Magento 1's files where these are given, and else from core_resource, which knows only those
// that have a setup of their own. It is false when neither can be seen.
func findExtensions(ctx context.Context, v *Verdict, e *Evidence) ([]extension, bool) {
	var core coreModules
	if err := yaml.Load(coreData, &core, yaml.WithKnownFields()); err != nil {
		v.unknown("", "the built-in list of Magento's own modules cannot be read", err.Error(), "Report it to the exporter's maintainers.")
		return nil, false
	}
	modules, err := e.files.modules()
	if err == nil && !slices.ContainsFunc(modules, func(m magento1files.Module) bool { return m.Name == "Mage_Core" }) {
		err = errors.New("app/etc/modules declares no Mage_Core, so that is no whole Magento 1")
	}
	if err == nil {
		return thirdParty(e, core, modules), true
	}
	if errors.Is(err, errNoRoot) {
		v.unknown("modules", "modules without a setup resource cannot be seen in the database", "", "Set magento1.root to Magento 1's folder, or to a copy of its app/ folder.")
	} else {
		v.unknown("modules", "Magento 1's modules cannot be read", err.Error(), "Let the user that the exporter runs as read app/etc/modules, and correct the file.")
	}
	return installedSetups(ctx, v, e, core)
}

// installedSetups reads core_resource.
func installedSetups(ctx context.Context, v *Verdict, e *Evidence, core coreModules) ([]extension, bool) {
	if e.Magento1.unseen(v) {
		return nil, false
	}
	codes, err := column(ctx, e.Magento1, "SELECT code FROM "+e.Magento1.table("core_resource")+" ORDER BY code")
	if err != nil {
		e.Magento1.broken(v, "core_resource", err)
		return nil, false
	}
	var found []extension
	for _, code := range codes {
		if !core.ownsSetup(code) {
			found = append(found, extension{codes: []string{code}})
		}
	}
	return found, true
}

// thirdParty leaves out what Magento itself brings, and what it does not load.
func thirdParty(e *Evidence, core coreModules, modules []magento1files.Module) []extension {
	local, err := e.files.local()
	noLocal := err == nil && local.DisableLocalModules
	var found []extension
	for _, m := range modules {
		pool := strings.ToLower(m.CodePool)
		switch {
		case !m.Active, pool != "community" && pool != "local", pool == "local" && noLocal:
		case slices.Contains(core.CommunityModules, m.Name):
		default:
			found = append(found, extension{module: m.Name, codes: e.files.setupCodes(m)})
		}
	}
	slices.SortFunc(found, func(a, b extension) int { return cmp.Compare(a.subject(), b.subject()) })
	return found
}

// maxModuleConfig is the largest config.xml of a module that is read, in bytes.
const maxModuleConfig = 1 << 20

// setupCodes returns a module's rows in core_resource, sorted: the resources in its config.xml that have a setup. A file that cannot be
// read leaves the module with its name alone.
func setupCodes(root string, m magento1files.Module) []string {
	vendor, name, _ := strings.Cut(m.Name, "_")
	path := filepath.Join(root, "app/code", strings.ToLower(m.CodePool), vendor, strings.ReplaceAll(name, "_", string(filepath.Separator)), "etc/config.xml")
	if vendor == ".." || strings.Contains(m.Name, "/") {
		return nil
	}
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

// judgeExtension returns what becomes of an extension, and adds a finding when that is not as it was decided.
func (v *Verdict) judgeExtension(e *Evidence, x extension) string {
	decision, decided := decisionOn(&e.Migration.Preconditions.Extensions, x)
	switch {
	case decided && decision.Dropped != "":
		v.note(x.subject(), x.String()+" is dropped", decision.Dropped, "")
		return extensionDropped
	case decided:
		v.judgeReplacement(e, x, decision.ReplacedBy)
		return extensionReplaced
	case x.module == "":
		return extensionUndecided
	}
	// A vendor who kept the name has migrated the module.
	modules, err := e.files.configPHP()
	if err == nil {
		if enabled, known := modules.Enabled(x.module); enabled && known {
			v.note(x.subject(), x.String()+" is migrated", "Magento 2 has a module of the same name", "")
			return extensionMigrated
		}
	}
	return extensionUndecided
}

// decisionOn looks for a decision under the module's name and under each of its codes.
func decisionOn(settings *config.Extensions, x extension) (config.Decision, bool) {
	for _, name := range append([]string{x.module}, x.codes...) {
		if d, ok := settings.Decisions[name]; ok && name != "" {
			return d, true
		}
	}
	return config.Decision{}, false
}

// judgeReplacement looks whether the replacement is there and switched on.
func (v *Verdict) judgeReplacement(e *Evidence, x extension, replacement string) {
	modules, err := e.files.configPHP()
	if err != nil {
		remedy := "Set magento2.root to Magento 2's folder."
		if !errors.Is(err, errNoRoot) {
			remedy = "Let the user that the exporter runs as read app/etc/config.php, and correct the file."
		}
		v.unknown(x.subject(), fmt.Sprintf("whether %s, which replaces %s, is enabled cannot be told", replacement, x), err.Error(), remedy)
		return
	}
	enabled, known := modules.Enabled(replacement)
	switch {
	case !known:
		v.unknown(x.subject(), fmt.Sprintf("whether %s, which replaces %s, is enabled cannot be told", replacement, x), modules.Unknown, "Make app/etc/config.php a plain array:\nbin/magento app:config:dump modules")
	case !enabled:
		v.fail(x.subject(), fmt.Sprintf("%s, which replaces %s, is not enabled in Magento 2", replacement, x), modules.File,
			"Install it and enable it:\nbin/magento module:enable "+shellWord(replacement)+" && bin/magento setup:upgrade")
	default:
		v.note(x.subject(), x.String()+" is replaced by "+replacement, "enabled in Magento 2", "")
	}
}

// failUndecided gives each its finding, and one snippet for all.
func (v *Verdict) failUndecided(undecided []extension) {
	var names []string
	for _, x := range undecided {
		names = append(names, x.subject())
	}
	for i, x := range undecided {
		remedy := "Decide on it like on the first one: " + decisionLine(names[i])
		if i == 0 {
			remedy = "Write the decisions into the migration's configuration:\n" + decisionSnippet(names)
		}
		v.fail(x.subject(), "nobody has decided what becomes of "+x.String(), "a third-party module of Magento 1", remedy)
	}
}

// decisionLine is one decision to fill in.
func decisionLine(name string) string {
	return yamlKey(name) + ": {replaced_by: Vendor_Module}   # or {dropped: \"why\"}"
}

// maxSnippet is how many undecided extensions the snippet has.
const maxSnippet = 50

// decisionSnippet is YAML to fill in.
func decisionSnippet(names []string) string {
	var b strings.Builder
	b.WriteString("preconditions:\n  extensions:\n    decisions:\n")
	for i, name := range names {
		if i == maxSnippet {
			fmt.Fprintf(&b, "      # and %d more\n", len(names)-i)
			break
		}
		fmt.Fprintf(&b, "      %s\n", decisionLine(name))
	}
	return b.String()
}

// yamlKey quotes a name that YAML would take for something else.
func yamlKey(name string) string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" && name != "" {
		return name
	}
	return fmt.Sprintf("%q", name)
}
