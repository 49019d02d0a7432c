package precondition

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/shell"
)

// The states of an extension: the values of the label.
const (
	extensionMigrated  = "migrated"
	extensionReplaced  = "replaced"
	extensionDropped   = "dropped"
	extensionUndecided = "undecided"
)

// extensionsState is the metric family of extensions.
const extensionsState = "extensions"

const extensionsID = "extensions"

// extensions checks that there is a decision for each third-party module of Magento 1.
func extensions() Precondition {
	return Precondition{
		ID: extensionsID, Title: "Extensions", Phases: untilDone(), Needs: []Need{Magento1Database, LocalFiles},
		Families: []finding.Family{{
			Name: extensionsState, Labels: []string{"state"},
			Help: "Third-party modules of Magento 1 by the decision about them.",
		}},
		Settings: func() config.Settings { return &extensionSettings{} },
		Evaluate: evaluateExtensions,
	}
}

// extensionSettings hold the decisions about Magento 1's third-party modules.
type extensionSettings struct {
	config.Judgment `yaml:",inline"`
	// Decisions are keyed by module name or by the code of its row in core_resource.
	Decisions map[string]extensionDecision `yaml:"decisions"`
}

// extensionDecision is the decision about one Magento 1 module: exactly one field is set.
type extensionDecision struct {
	// ReplacedBy is the Magento 2 module that replaces it.
	ReplacedBy string `yaml:"replaced_by"`
	// Dropped is the reason why nothing replaces it.
	Dropped string `yaml:"dropped"`
}

// Validate implements config.Validator.
func (s *extensionSettings) Validate(fail func(message string, path ...any)) {
	for module, d := range s.Decisions {
		if (strings.TrimSpace(d.ReplacedBy) == "") == (strings.TrimSpace(d.Dropped) == "") {
			fail("a decision is either replaced_by (a Magento 2 module) or dropped (a reason)", "decisions", module)
		}
	}
}

func evaluateExtensions(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{}
	found, ok := e.Extensions(ctx, &v)
	if !ok {
		return v
	}
	counts := map[string]int{}
	var undecided []evidence.Extension
	for _, x := range found.Found {
		state := judgeExtension(&v, e, x)
		if state == extensionUndecided {
			undecided = append(undecided, x)
		}
		counts[state]++
	}
	for _, state := range []string{extensionMigrated, extensionReplaced, extensionDropped, extensionUndecided} {
		v.Sample(extensionsState, float64(counts[state]), state)
	}
	v.Summary = fmt.Sprintf("a decision is recorded for each of Magento 1's %d third-party modules", len(found.Found))
	failUndecided(&v, e, undecided)
	judgeOrphans(&v, e, found)
	return v
}

// judgeExtension returns the state of an extension, and adds a finding unless it is undecided.
func judgeExtension(v *finding.Verdict, e *evidence.Evidence, x evidence.Extension) string {
	settings := config.SettingsOf[extensionSettings](&e.Migration.Preconditions, extensionsID)
	decision, decided := decisionOn(settings, x)
	switch {
	case decided && decision.Dropped != "":
		v.Note(x.Subject(), x.String()+" is dropped", decision.Dropped, "")
		return extensionDropped
	case decided:
		judgeReplacement(v, e, x, decision.ReplacedBy)
		return extensionReplaced
	case x.Module == "":
		return extensionUndecided
	}
	// The same name in Magento 2 means that the vendor has migrated the module.
	modules, err := e.Files.ConfigPHP()
	if err == nil {
		if enabled, known := modules.Enabled(x.Module); enabled && known {
			v.Note(x.Subject(), x.String()+" is migrated", "Magento 2 has a module of the same name", "")
			return extensionMigrated
		}
	}
	return extensionUndecided
}

// decisionOn looks for a decision under the module's name and under each of its codes.
func decisionOn(settings *extensionSettings, x evidence.Extension) (extensionDecision, bool) {
	for _, name := range append([]string{x.Module}, x.Codes...) {
		if d, ok := settings.Decisions[name]; ok && name != "" {
			return d, true
		}
	}
	return extensionDecision{}, false
}

// judgeReplacement checks that the replacement is installed and enabled.
func judgeReplacement(v *finding.Verdict, e *evidence.Evidence, x evidence.Extension, replacement string) {
	subject := x.Subject()
	unknown := fmt.Sprintf("it is unknown whether %s, which replaces %s, is enabled", replacement, x)
	modules, err := e.Files.ConfigPHP()
	if err != nil {
		remedy := "Set " + e.Magento2.Key("root") + " to Magento 2's folder."
		if !errors.Is(err, evidence.ErrNoRoot) {
			remedy = "Let the user that the exporter runs as read app/etc/config.php, and correct the file."
		}
		v.Unknown(subject, unknown, err.Error(), remedy)
		return
	}
	enabled, known := modules.Enabled(replacement)
	switch {
	case !known:
		v.Unknown(subject, unknown, modules.Unknown,
			"Make app/etc/config.php a plain array:\nbin/magento app:config:dump modules")
	case !enabled:
		v.Fail(subject, fmt.Sprintf("%s, which replaces %s, is not enabled in Magento 2", replacement, x), modules.File,
			"Install it and enable it:\nbin/magento module:enable "+shell.Word(replacement)+
				" && bin/magento setup:upgrade")
	default:
		v.Note(subject, x.String()+" is replaced by "+replacement, "enabled in Magento 2", "")
	}
}

// failUndecided adds a finding for each undecided extension.
func failUndecided(v *finding.Verdict, e *evidence.Evidence, undecided []evidence.Extension) {
	for _, x := range undecided {
		v.Fail(x.Subject(), "no decision recorded for extension "+x.String(), "a third-party module of Magento 1",
			"Record the decision in migrations["+e.Migration.Name+"]:\n"+decisionSnippet([]string{x.Subject()}))
	}
}

// judgeOrphans reports the setups in core_resource that no module declares: their tables and settings still exist.
func judgeOrphans(v *finding.Verdict, e *evidence.Evidence, found evidence.Extensions) {
	settings := config.SettingsOf[extensionSettings](&e.Migration.Preconditions, extensionsID)
	var left []string
	for _, code := range found.Orphans {
		if _, decided := settings.Decisions[code]; !decided {
			left = append(left, code)
		}
	}
	if len(left) == 0 {
		return
	}
	seen := strings.Join(left, ", ")
	if found.Unattributed > 0 {
		v.Note("core_resource", "setups in Magento 1's database belong to no module whose config.xml can be read",
			fmt.Sprintf("%s; modules without a readable config.xml: %d", seen, found.Unattributed), "")
		return
	}
	v.Warn("core_resource", "setups in Magento 1's database belong to no module under its root", seen,
		"Removed extensions leave them behind: record a decision for each code. If these extensions are not removed, "+
			"set "+e.Magento1.Key("root")+" to the folder of the shop that uses this database.")
}

// decisionLine is a decision to complete.
func decisionLine(name string) string {
	return yamlKey(name) + ": {replaced_by: Vendor_Module} # or {dropped: \"why\"}"
}

// maxSnippet is how many undecided extensions the snippet has.
const maxSnippet = 50

// decisionSnippet is YAML to complete.
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

// yamlKey quotes a name that YAML could read as something else.
func yamlKey(name string) string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" && name != "" {
		return name
	}
	return fmt.Sprintf("%q", name)
}
