// Command chart renders a Helm chart without Helm, which takes minutes to compile: with Go's templates, Sprig and the
// functions that Helm adds and this project's chart uses. That Helm renders the same is tested by make chart-test.
//
//	chart FOLDER RELEASE OUT [VALUES.yaml]...
//
// It writes what each template renders into a file of its name in OUT, for a cluster that has the Prometheus Operator.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: chart FOLDER RELEASE OUT [VALUES.yaml]...")
		os.Exit(1)
	}
	if err := render(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

// files are the chart's files, by their paths in it.
type files struct{ folder string }

// Get returns the text of a file, and nothing when there is none, as Helm does.
func (f files) Get(name string) string {
	text, err := os.ReadFile(filepath.Join(f.folder, name))
	if err != nil {
		return ""
	}
	return string(text)
}

// versions are the types that the cluster has.
type versions []string

// Has reports whether the cluster has a version of an API.
func (v versions) Has(version string) bool { return slices.Contains(v, version) }

func render(folder, release, out string, valueFiles []string) error {
	about, err := read(filepath.Join(folder, "Chart.yaml"))
	if err != nil {
		return err
	}
	values := map[string]any{}
	for _, name := range append([]string{filepath.Join(folder, "values.yaml")}, valueFiles...) {
		more, err := read(name)
		if err != nil {
			return err
		}
		merge(values, more)
	}
	root := map[string]any{
		"Values":       values,
		"Release":      map[string]any{"Name": release, "Namespace": "default", "Service": "Helm"},
		"Chart":        map[string]any{"Name": about["name"], "AppVersion": about["appVersion"]},
		"Files":        files{folder},
		"Capabilities": map[string]any{"APIVersions": versions{"monitoring.coreos.com/v1"}},
		"Template":     map[string]any{"BasePath": "templates"},
	}
	templates, names, err := parse(folder)
	if err != nil {
		return err
	}
	for _, name := range names {
		var text strings.Builder
		if err := templates.ExecuteTemplate(&text, name, root); err != nil {
			return err
		}
		if strings.TrimSpace(text.String()) == "" {
			continue
		}
		target := filepath.Join(out, filepath.Base(name))
		if err := os.WriteFile(target, []byte(strings.TrimSpace(text.String())+"\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// parse reads the chart's templates, and lists those that render something.
func parse(folder string) (templates *template.Template, names []string, err error) {
	templates = template.New("").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	functions["toYaml"] = toYAML
	functions["fromYaml"] = fromYAML
	functions["fromJson"] = fromYAML
	functions["toJson"] = toJSON
	functions["required"] = required
	functions["include"] = func(name string, data any) (string, error) {
		var text strings.Builder
		err := templates.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	templates.Funcs(functions)
	paths, err := filepath.Glob(filepath.Join(folder, "templates", "*"))
	if err != nil {
		return nil, nil, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		name := "templates/" + filepath.Base(path)
		if _, err := templates.New(name).Parse(string(text)); err != nil {
			return nil, nil, err
		}
		if !strings.HasPrefix(filepath.Base(path), "_") {
			names = append(names, name)
		}
	}
	return templates, names, nil
}

func read(name string) (map[string]any, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var values map[string]any
	if err := yaml.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return values, nil
}

// merge puts values over others. Maps are merged; null takes a key away.
func merge(values, more map[string]any) {
	for key, value := range more {
		inner, isMap := value.(map[string]any)
		old, wasMap := values[key].(map[string]any)
		switch {
		case value == nil:
			delete(values, key)
		case isMap && wasMap:
			merge(old, inner)
		default:
			values[key] = value
		}
	}
}

func toYAML(value any) (string, error) {
	text, err := yaml.Marshal(value)
	return strings.TrimSuffix(string(text), "\n"), err
}

// fromYAML reads JSON, too, which is YAML.
func fromYAML(text string) (map[string]any, error) {
	var value map[string]any
	err := yaml.Unmarshal([]byte(text), &value)
	return value, err
}

func toJSON(value any) (string, error) {
	text, err := json.Marshal(value)
	return string(text), err
}

func required(complaint string, value any) (any, error) {
	if value == nil || value == "" {
		return nil, errors.New(complaint)
	}
	return value, nil
}
