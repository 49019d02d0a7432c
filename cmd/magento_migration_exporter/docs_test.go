package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/reconcile"
	"magento_migration_exporter/collector/report"
	"magento_migration_exporter/config"
	"magento_migration_exporter/docs"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := fs.ReadFile(docs.Sources(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// loadText reads a configuration.
func loadText(t *testing.T, text string) (*config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "exporter.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(path, precondition.All().Sections())
}

// migrationFamilies are those of every migration, with their full names and all labels.
func migrationFamilies() []finding.Family {
	all := exposition.Families(precondition.All())
	for i := range all {
		all[i].Name, all[i].Labels = all[i].FullName(), append([]string{"migration"}, all[i].Labels...)
	}
	return all
}

// exporterFamilies gathers the exporter's own metrics, without those of the Go and process collectors.
func exporterFamilies(t *testing.T) []finding.Family {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	board := collector.NewBoard(precondition.All(), nil)
	evaluator := collector.NewEvaluator(collector.EvaluatorOptions{Board: board, Logger: logger, Now: time.Now})
	registry := prometheus.NewRegistry()
	reload := newReloader("", config.Default(), nil, nil, logger)
	cert, _ := certificateOf(t)
	reload.webConfigFile = writeConfig(t, "tls_server_config:\n  cert: |\n"+indented(cert))
	store, err := history.Open(t.TempDir(), logger, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	for _, c := range exporterCollectors(reload, evaluator, store) {
		if err := registry.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	gathered, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all []finding.Family
	for _, f := range gathered {
		if !strings.HasPrefix(f.GetName(), finding.Namespace) {
			continue
		}
		family := finding.Family{Name: f.GetName(), Help: f.GetHelp(), Counter: f.GetType().String() == "COUNTER"}
		for _, l := range f.GetMetric()[0].GetLabel() {
			family.Labels = append(family.Labels, l.GetName())
		}
		all = append(all, family)
	}
	return all
}

// TestMetricsAreDocumented makes docs/metrics.md from the exported metrics, and fails when the present one differs.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	form := template.New("metrics.md.tmpl").Funcs(template.FuncMap{"join": strings.Join})
	if _, err := form.ParseFiles("testdata/metrics.md.tmpl"); err != nil {
		t.Fatal(err)
	}
	var statuses []string
	for _, s := range finding.Statuses() {
		statuses = append(statuses, s.String())
	}
	var grids []string
	for _, p := range reconcile.Pairs() {
		if p.Level == reconcile.Grid {
			grids = append(grids, p.Entity)
		}
	}
	var b bytes.Buffer
	err := form.Execute(&b, map[string]any{
		"Migrations":    migrationFamilies(),
		"Exporter":      exporterFamilies(t),
		"Preconditions": precondition.All().IDs(),
		"Statuses":      statuses,
		"Compared":      append(reconcile.Entities(), "url_rewrite"),
		"Grids":         grids,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range slices.Concat(migrationFamilies(), exporterFamilies(t)) {
		for _, label := range f.Labels {
			if !strings.Contains(b.String(), "\n| `"+label+"` |") {
				t.Errorf("the values of the label %s are not documented", label)
			}
		}
	}
	if *update {
		if err := os.WriteFile(filepath.Join("..", "..", "docs", "metrics.md"), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if readDoc(t, "metrics.md") != b.String() {
		t.Error("docs/metrics.md is not current: " +
			"go test ./cmd/magento_migration_exporter -run TestMetricsAreDocumented -update")
	}
}

var readmePrecondition = regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\| ([^|]+) \\| [^|]+ \\|$")

// TestReadmeListsThePreconditions compares the table in README.md with the catalogue: ids and titles, in its order.
func TestReadmeListsThePreconditions(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Preconditions\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var listed, want []string
	for _, m := range readmePrecondition.FindAllStringSubmatch(section, -1) {
		listed = append(listed, m[1]+": "+m[2])
	}
	for _, p := range precondition.All() {
		want = append(want, p.ID+": "+p.Title)
	}
	if !slices.Equal(listed, want) {
		t.Errorf("README.md lists\n%s\nand the catalogue has\n%s", strings.Join(listed, "\n"), strings.Join(want, "\n"))
	}
}

// TestHeadingsOfThePreconditions compares the headings in docs/preconditions.md with the catalogue's titles, in its
// order.
func TestHeadingsOfThePreconditions(t *testing.T) {
	t.Parallel()
	var headings, want []string
	for _, p := range precondition.All() {
		want = append(want, "## "+p.Title+" {#"+p.ID+"}")
	}
	for line := range strings.Lines(readDoc(t, "preconditions.md")) {
		_, anchor, _ := strings.Cut(strings.TrimSpace(line), " {#")
		if slices.Contains(precondition.All().IDs(), strings.TrimSuffix(anchor, "}")) {
			headings = append(headings, strings.TrimSpace(line))
		}
	}
	if !slices.Equal(headings, want) {
		t.Errorf("docs/preconditions.md has\n%s\nand the catalogue wants\n%s",
			strings.Join(headings, "\n"), strings.Join(want, "\n"))
	}
}

// keysOf lists the keys below a type of the configuration. NAME, ROLE and the like stand for keys that people choose.
func keysOf(typ reflect.Type, path string, chosen map[string]string) []string {
	_, decodes := reflect.PointerTo(typ).MethodByName("UnmarshalYAML")
	switch kind := typ.Kind(); {
	case kind == reflect.Pointer:
		return keysOf(typ.Elem(), path, chosen)
	case decodes, typ == reflect.TypeFor[time.Time](), typ == reflect.TypeFor[model.Duration]():
		return []string{path}
	case kind == reflect.Slice && typ.Elem().Kind() == reflect.Struct:
		return keysOf(typ.Elem(), path+"[]", chosen)
	case kind == reflect.Map:
		return keysOf(typ.Elem(), path+"."+chosen[path[strings.LastIndex(path, ".")+1:]], chosen)
	case kind != reflect.Struct:
		return []string{path}
	}
	var keys []string
	for field := range typ.Fields() {
		name, option, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == "-" {
			continue
		}
		if !field.IsExported() {
			continue
		}
		if option == "inline" {
			keys = append(keys, keysOf(field.Type, path, chosen)...)
			continue
		}
		keys = append(keys, keysOf(field.Type, strings.TrimPrefix(path+"."+name, "."), chosen)...)
	}
	return keys
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

// documentedKeys reads the tables of docs/configuration.md: the headings name where the keys of a table belong.
func documentedKeys(text string) map[string]string {
	defaults := map[string]string{}
	var places []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			places = nil
			if strings.HasPrefix(line, "## Keys of") {
				for _, m := range codeSpan.FindAllStringSubmatch(line, -1) {
					places = append(places, m[1])
				}
			}
		}
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		for _, place := range places {
			defaults[place+"."+strings.Trim(cells[1], " `")] = strings.Trim(cells[2], " `")
		}
	}
	return defaults
}

// everyKey lists the keys that a configuration can have.
func everyKey() []string {
	chosen := map[string]string{
		"preconditions": "ID",
		"decisions":     "NAME",
		"magento1":      "ROLE",
		"magento2":      "ROLE",
		"endpoints":     "COMPONENT",
	}
	keys := keysOf(reflect.TypeFor[config.Config](), "", chosen)
	const all = "migrations[].preconditions"
	keys = slices.DeleteFunc(keys, func(key string) bool { return key == all })
	for _, section := range precondition.All().Sections() {
		if section.New == nil {
			keys = append(keys, all+".ID.severity")
			continue
		}
		keys = append(keys, keysOf(reflect.TypeOf(section.New()), all+"."+section.ID, chosen)...)
	}
	return keys
}

func TestEveryKeyIsDocumented(t *testing.T) {
	t.Parallel()
	documented := documentedKeys(readDoc(t, "configuration.md"))
	exist := map[string]bool{}
	for _, key := range everyKey() {
		exist[key] = true
		if _, ok := documented[key]; !ok {
			t.Errorf("docs/configuration.md does not have %s", key)
		}
	}
	for key := range documented {
		if !exist[key] {
			t.Errorf("docs/configuration.md has %s, which does not exist", key)
		}
	}
	global := reflect.ValueOf(config.Default().Global)
	for i := range global.NumField() {
		key := "global." + global.Type().Field(i).Tag.Get("yaml")
		if want := fmt.Sprint(global.Field(i)); documented[key] != want {
			t.Errorf("%s: the default is %s, documented is %s", key, want, documented[key])
		}
	}
}

// TestReadmeHasEveryKey looks for every key in README.md's whole example. One system there has what both can have.
func TestReadmeHasEveryKey(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\nEvery key.")
	example := yamlBlock.FindStringSubmatch(section)
	if example == nil {
		t.Fatal("README.md has no example with every key")
	}
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(example[1]), &tree); err != nil {
		t.Fatal(err)
	}
	shown := strings.Join(pathsOf(tree, ""), "\n")
	for _, key := range everyKey() {
		parts := strings.Split(regexp.QuoteMeta(strings.ReplaceAll(key, "[]", "")), `\.`)
		switch {
		case parts[len(parts)-1] == "severity", strings.HasSuffix(key, ".database.password"):
			continue // the example says the one once for all, the other in a comment
		case strings.Contains(key, ".database."):
			parts[1] = "magento[12]"
		}
		for i, part := range parts {
			if part == strings.ToUpper(part) {
				parts[i] = "[^.\n]+"
			}
		}
		if !regexp.MustCompile(`(?m)^` + strings.Join(parts, `\.`) + `(\.|$)`).MatchString(shown) {
			t.Errorf("README.md does not have %s", key)
		}
	}
	for _, phase := range config.Phases() {
		if !regexp.MustCompile(`(?m)^ *phase: .*\b` + string(phase) + `\b`).MatchString(example[1]) {
			t.Errorf("README.md does not have the phase %s", phase)
		}
	}
}

// pathsOf lists the keys of a document with those above them, and leaves positions in lists out.
func pathsOf(value any, path string) []string {
	var paths []string
	switch value := value.(type) {
	case map[string]any:
		for key, v := range value {
			paths = append(paths, pathsOf(v, strings.TrimPrefix(path+"."+key, "."))...)
		}
	case []any:
		for _, v := range value {
			paths = append(paths, pathsOf(v, path)...)
		}
	}
	return append(paths, path)
}

// fieldsOf lists the fields of a JSON document.
func fieldsOf(typ reflect.Type, path string) []string {
	switch {
	case typ.Kind() == reflect.Slice:
		return fieldsOf(typ.Elem(), path+"[]")
	case typ.Kind() == reflect.Pointer:
		return fieldsOf(typ.Elem(), path)
	case typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]():
		return []string{path}
	}
	var fields []string
	for f := range typ.Fields() {
		fields = append(fields, fieldsOf(f.Type, strings.TrimPrefix(path+"."+f.Tag.Get("json"), "."))...)
	}
	return fields
}

func TestEveryFieldIsDocumented(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(readDoc(t, "command-line.md"), "{#json}")
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(section, -1) {
		documented = append(documented, m[1])
	}
	if want := fieldsOf(reflect.TypeFor[report.Readiness](), ""); !slices.Equal(documented, want) {
		t.Errorf("documented are\n%s\nand there are\n%s", strings.Join(documented, "\n"), strings.Join(want, "\n"))
	}
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

func TestExamplesOfTheConfigurationAreValid(t *testing.T) {
	t.Parallel()
	whole := 0
	text := readDoc(t, "configuration.md") + readDoc(t, "preconditions.md")
	for _, m := range yamlBlock.FindAllStringSubmatch(text, -1) {
		example := m[1]
		if !strings.Contains(example, "migrations:") {
			example = "migrations:\n  - name: acme\n" + regexp.MustCompile(`(?m)^`).ReplaceAllString(example, "    ")
		} else {
			whole++
		}
		if _, err := loadText(t, example); err != nil {
			t.Errorf("%v in:\n%s", err, example)
		}
		var any yaml.Node
		if err := yaml.Unmarshal([]byte(example), &any); err != nil {
			t.Error(err)
		}
	}
	if whole < 2 {
		t.Errorf("%d whole examples", whole)
	}
}

var documentedFlag = regexp.MustCompile("(?m)^\\| `--([a-z.-]+)` \\| *`?([^|`]*?)`? *\\|")

func TestEveryFlagIsDocumented(t *testing.T) {
	t.Parallel()
	text := readDoc(t, "command-line.md")
	app, _ := newApplication(&flags{}, nil, &bytes.Buffer{}, &bytes.Buffer{})
	groups := map[string][]*kingpin.FlagModel{"both": app.Model().Flags}
	for _, c := range app.Model().Commands {
		if c.Name != "help" {
			groups[c.Name] = c.Flags
		}
	}
	for group, list := range groups {
		_, section, found := strings.Cut(text, "{#"+group+"}")
		section, _, _ = strings.Cut(section, "\n## ")
		if !found {
			t.Errorf("docs/command-line.md has no section %s", group)
		}
		documented := documentedFlag.FindAllStringSubmatch(section, -1)
		for _, f := range list {
			i := slices.IndexFunc(documented, func(m []string) bool { return m[1] == f.Name })
			switch {
			case f.Hidden || strings.HasPrefix(f.Name, "help-") || strings.HasPrefix(f.Name, "completion-"):
			case i < 0:
				t.Errorf("%s: --%s is not documented", group, f.Name)
			case !f.IsBoolFlag() && strings.TrimSpace(documented[i][2]) != strings.Join(f.Default, ","):
				t.Errorf("%s: the default of --%s is %q, documented is %q", group, f.Name, f.Default, documented[i][2])
			}
		}
		for _, m := range documented {
			if !slices.ContainsFunc(list, func(f *kingpin.FlagModel) bool { return f.Name == m[1] }) {
				t.Errorf("%s: --%s does not exist", group, m[1])
			}
		}
	}
}

// TestEverySubjectIsDocumented looks for the subjects, which waivers name, in the source: those of a precondition's own
// file in its section, the others anywhere.
func TestEverySubjectIsDocumented(t *testing.T) {
	t.Parallel()
	text := readDoc(t, "preconditions.md")
	section := func(id string) string {
		_, after, ok := strings.Cut(text, "{#"+id+"}")
		if !ok {
			t.Errorf("docs/preconditions.md has no section %s", id)
		}
		section, _, _ := strings.Cut(after, "\n## ")
		parts := []string{
			"**The guide:**", "**Why:**", "**How this is checked:**", "| subject | finding | how to fix it |",
		}
		for _, part := range parts {
			if !strings.Contains(section, part) {
				t.Errorf("the section %s has no %s", id, part)
			}
		}
		return section
	}
	var files []string
	for _, folder := range []string{"precondition", "evidence"} {
		found, err := filepath.Glob("../../collector/" + folder + "/*.go")
		if err != nil || len(found) == 0 {
			t.Fatalf("%v, %v", found, err)
		}
		files = append(files, found...)
	}
	sections := map[string]string{}
	for _, id := range precondition.All().IDs() {
		sections[id] = section(id)
	}
	seen := 0
	for _, file := range files {
		where, ok := sections[strings.TrimSuffix(filepath.Base(file), ".go")]
		if !ok {
			where = text
		}
		for _, subject := range subjectsIn(t, file) {
			seen++
			if !strings.Contains(where, "`"+subject+"`") {
				t.Errorf("%s: the subject %q is not documented", filepath.Base(file), subject)
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d subjects were found", seen)
	}
}

// subjectsIn returns the literal first arguments of the calls that make findings.
func subjectsIn(t *testing.T, file string) []string {
	t.Helper()
	if strings.HasSuffix(file, "_test.go") {
		return nil
	}
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var subjects []string
	ast.Inspect(tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		// Where the subject stands among the arguments of what makes a finding.
		at, ok := map[string]int{"Fail": 0, "Warn": 0, "Unknown": 0, "Unreadable": 1, "Broken": 1}[method.Sel.Name]
		if !ok || len(call.Args) <= at+1 {
			return true
		}
		if literal, ok := call.Args[at].(*ast.BasicLit); ok {
			if subject, err := strconv.Unquote(literal.Value); err == nil && subject != "" {
				subjects = append(subjects, subject)
			}
		}
		return true
	})
	return subjects
}

var (
	hrefs = regexp.MustCompile(`href="([^"]*)"`)
	ids   = regexp.MustCompile(` id="([^"]*)"`)
)

// TestLinksOfTheDocumentation follows every link between the documentation's pages, and those that preconditions and
// alerts carry.
func TestLinksOfTheDocumentation(t *testing.T) {
	t.Parallel()
	pages, err := report.NewPages(precondition.All(), "", "/metrics", docs.Pages())
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(docs.Sources(), "*.md")
	if err != nil {
		t.Fatal(err)
	}
	content := map[string]string{}
	for _, name := range names {
		var b bytes.Buffer
		if err := pages.Doc(&b, strings.TrimSuffix(name, ".md"), "1"); err != nil {
			t.Fatal(err)
		}
		content[strings.TrimSuffix(name, ".md")] = b.String()
	}
	check := func(from, link string) {
		page, anchor, _ := strings.Cut(link, "#")
		if page == "" {
			page = from
		}
		body, ok := content[strings.TrimPrefix(page, "/docs/")]
		if !ok {
			t.Errorf("%s links to %s, which does not exist", from, link)
			return
		}
		anchors := ids.FindAllStringSubmatch(body, -1)
		if anchor != "" && !slices.ContainsFunc(anchors, func(m []string) bool { return m[1] == anchor }) {
			t.Errorf("%s links to %s, which has no such anchor", from, link)
		}
	}
	for from, body := range content {
		for _, m := range hrefs.FindAllStringSubmatch(body, -1) {
			if link := m[1]; !strings.HasPrefix(link, "https://") && !strings.HasPrefix(link, "/") {
				check(from, link)
			}
		}
		anchors := map[string]bool{}
		for _, m := range ids.FindAllStringSubmatch(body, -1) {
			if anchors[m[1]] {
				t.Errorf("%s has the anchor %s twice", from, m[1])
			}
			anchors[m[1]] = true
		}
	}
	for name := range content {
		if name != "README" && !strings.Contains(content["README"], `href="`+name+`"`) {
			t.Errorf("docs/README.md does not lead to %s.md", name)
		}
	}
	for _, p := range precondition.All() {
		check("the catalogue", p.DocsURL())
	}
	rules, err := os.ReadFile(filepath.Join("..", "..", "dashboards", "rules", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	runbooks := regexp.MustCompile(`runbook_url: \S*?(/docs/\S+)`).FindAllStringSubmatch(string(rules), -1)
	if len(runbooks) == 0 {
		t.Error("no alert has a runbook")
	}
	for _, m := range runbooks {
		check("alerts.yml", strings.Trim(m[1], `"'`))
	}
}
