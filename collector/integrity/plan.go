package integrity

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"magento_migration_exporter/config/sourcefile"
	"magento_migration_exporter/config/toolconfig"
	"magento_migration_exporter/config/toolmap"
)

// Options say where the tool is and how Magento runs.
type Options struct {
	// MagentoRoot is Magento 2's directory, from which the tool is started.
	MagentoRoot string
	// Developer tells that Magento 2 is in developer mode, in which the tool refuses files that its XSDs refuse.
	Developer bool
	// Tool is the tool's release, as composer.lock has it; empty when it is not known. Not all releases have all rules.
	Tool string
}

// Plan is what a config.xml asks for: its integrity stages, and the files that they use.
type Plan struct {
	// Steps are the integrity stages in the tool's order, those of the mode settings first.
	Steps []Step
	// Unpredicted are those among them whose classes are not the tool's own: what they say cannot be predicted.
	Unpredicted []Step
	// Files are the files that config.xml names.
	Files []File
	// ModuleDir is the tool's own directory.
	ModuleDir string

	edition, editionNumber string
	resolvesDuplicates     bool
	tool                   string
	maps                   map[string]*toolmap.Map
	groups                 map[string]*toolmap.Groups
	classes                *toolmap.ClassMap
	predictions            []Prediction
}

// Step is the integrity stage of a step.
type Step struct{ Mode, Title, Class string }

// File is a file that config.xml names.
type File struct {
	// Option is the option's name, Value what it says.
	Option, Value string
	// Path is where the tool finds the file; where it would look last when it is nowhere.
	Path string
	info fs.FileInfo // nil when it is nowhere
}

// NewPlan reads the files that a config.xml names. What is wrong with them is among the predictions of Check.
func NewPlan(c *toolconfig.Config, o Options) *Plan {
	p := &Plan{
		ModuleDir:          moduleDir(c, o),
		edition:            c.Value("edition_migrate"),
		editionNumber:      c.Value("edition_number"),
		resolvesDuplicates: !empty(c.Value("auto_resolve_urlrewrite_duplicates")),
		tool:               o.Tool,
		maps:               map[string]*toolmap.Map{},
		groups:             map[string]*toolmap.Groups{},
	}
	for _, mode := range []string{"settings", "data"} {
		p.addSteps(c, mode)
	}
	p.Files = files(c, o, p.ModuleDir)
	for _, f := range p.Files {
		p.read(f, o)
	}
	return p
}

func (p *Plan) addSteps(c *toolconfig.Config, name string) {
	for _, mode := range c.Modes {
		if mode.Name != name {
			continue
		}
		for _, step := range mode.Steps {
			for _, stage := range step.Stages {
				if stage.Name != "integrity" {
					continue
				}
				s := Step{name, step.Title, strings.TrimPrefix(stage.Class, `\`)}
				p.Steps = append(p.Steps, s)
				if _, known := stages()[s.Class]; !known {
					p.Unpredicted = append(p.Unpredicted, s)
				}
			}
		}
	}
}

func moduleDir(c *toolconfig.Config, o Options) string {
	dirs := toolconfig.ModuleDirs(o.MagentoRoot, c.File)
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "etc/config.xsd")); err == nil {
			return dir
		}
	}
	return dirs[0]
}

func files(c *toolconfig.Config, o Options, moduleDir string) []File {
	var files []File
	for _, option := range c.PathOptions() {
		f := File{Option: option, Value: c.Value(option)}
		for _, candidate := range c.Candidates(option, o.MagentoRoot, moduleDir) {
			f.Path = candidate.Path
			if info, err := os.Stat(f.Path); err == nil {
				f.info = info
				break
			}
		}
		files = append(files, f)
	}
	return files
}

// Key changes when the plan of a config.xml may have changed: with its steps, its options, and any of the files that it
// names. It costs a stat of each file.
func Key(c *toolconfig.Config, o Options) string {
	hash := sha256.New()
	dir := moduleDir(c, o)
	fmt.Fprintf(hash, "%+v %s\n", o, dir)
	for _, mode := range c.Modes {
		for _, step := range mode.Steps {
			for _, stage := range step.Stages {
				fmt.Fprintf(hash, "%q %q %q %q\n", mode.Name, step.Title, stage.Name, stage.Class)
			}
		}
	}
	for _, option := range []string{"edition_migrate", "edition_number", "auto_resolve_urlrewrite_duplicates"} {
		fmt.Fprintf(hash, "%s=%q\n", option, c.Value(option))
	}
	for _, f := range files(c, o, dir) {
		fmt.Fprintf(hash, "%s %q %q", f.Option, f.Value, f.Path)
		if f.info != nil {
			fmt.Fprintf(hash, " %d %d", f.info.Size(), f.info.ModTime().UnixNano())
			if stat, ok := f.info.Sys().(*syscall.Stat_t); ok {
				fmt.Fprintf(hash, " %d", stat.Ino)
			}
		}
		fmt.Fprintln(hash)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// read reads a file as the tool's reader for its option does.
func (p *Plan) read(f File, o Options) {
	var problems []toolmap.Problem
	var err error
	switch {
	case f.info == nil:
		p.missing(f)
		return
	case f.Option == "class_map":
		if p.classes, err = toolmap.ReadClassMap(f.Path); err == nil {
			problems = p.classes.Problems
		}
	case f.Option == "settings_map_file":
		var s *toolmap.Settings
		if s, err = toolmap.ReadSettings(f.Path); err == nil {
			problems = s.Problems
		}
	case strings.Contains(f.Option, "group"):
		var g *toolmap.Groups
		if g, err = toolmap.ReadGroups(f.Path); err == nil {
			p.groups[f.Option], problems = g, g.Problems
		}
	default:
		var m *toolmap.Map
		if m, err = toolmap.Read(f.Path, toolmap.InstalledWildcard(p.ModuleDir)); err == nil {
			p.maps[f.Option], problems = m, m.Problems
		}
	}
	if err != nil {
		p.unreadable(f, err)
	}
	for _, problem := range problems {
		p.invalid(f, problem, o)
	}
}

// mode is the one that reads a file first.
func (f File) mode() string {
	if f.Option == "settings_map_file" || f.Option == "stores_map_file" {
		return "settings"
	}
	return "data"
}

// filePrediction adds a prediction that stands before all steps: the tool reads all files of a mode before it begins.
func (p *Plan) filePrediction(f File, level Level, message, detail, remedy string) {
	prediction := Prediction{
		Kind:    Structure,
		Mode:    f.mode(),
		Level:   level,
		Fatal:   level == Error,
		Field:   f.Option,
		Message: message,
		Detail:  detail,
		Remedy:  Remedy{Option: f.Option, File: f.Path, Text: remedy},
		step:    -1,
	}
	prediction.complete()
	p.predictions = append(p.predictions, prediction)
}

func (p *Plan) missing(f File) {
	kind := "map"
	if strings.Contains(f.Option, "group") {
		kind = "groups"
	}
	p.filePrediction(
		f,
		Error,
		"Invalid "+kind+" filename: "+f.Value,
		fmt.Sprintf(
			"The file that <%s> names is not in %s nor in the directory the tool is started from",
			f.Option,
			p.ModuleDir,
		),
		fmt.Sprintf("Name a file that is there in <%s> of config.xml; the tool brings each as .dist.", f.Option),
	)
}

func (p *Plan) unreadable(f File, err error) {
	message := err.Error()
	if place, ok := errors.AsType[*sourcefile.Error](err); ok && place.IsKnown() {
		message = "XML file is invalid."
	}
	p.filePrediction(f, Error, message, err.Error(), "Correct "+f.Path+", or restore it from the .dist file beside it.")
}

func (p *Plan) invalid(f File, problem toolmap.Problem, o Options) {
	level, silent := Warning, "; outside of developer mode the tool says nothing and passes over it"
	if o.Developer {
		level, silent = Error, ""
	}
	p.filePrediction(
		f,
		level,
		"XML file is invalid.",
		fmt.Sprintf("%s:%s: %s%s", f.Path, problem.Place, problem.Text, silent),
		"Correct that line.",
	)
}

// empty is PHP's empty() of a text.
func empty(text string) bool { return text == "" || text == "0" }

// path is where a file is that config.xml names.
func (p *Plan) path(option string) string {
	for _, f := range p.Files {
		if f.Option == option {
			return f.Path
		}
	}
	return ""
}

// has reports whether the plan has an integrity stage.
func (p *Plan) has(class string) bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Class == class })
}
