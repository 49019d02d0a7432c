package dashboards_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"magento_migration_exporter/dashboards"
)

const chartName = "magento-migration-exporter"

// renderChart renders the chart with files of values, by the templates' names. Complaints are what it says when it fails.
func renderChart(t *testing.T, values ...string) (rendered map[string]string, complaints string) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), chart(t), append([]string{"deploy/helm", chartName, dir}, values...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return nil, err.Error() + ": " + stderr.String()
	}
	rendered = map[string]string{}
	for _, file := range filesBelow(t, dir) {
		rendered[filepath.Base(file)] = readText(t, file)
	}
	return rendered, ""
}

// mustRenderChart renders the chart with texts of values.
func mustRenderChart(t *testing.T, values ...string) map[string]string {
	t.Helper()
	var files []string
	for i, text := range values {
		file := filepath.Join(t.TempDir(), fmt.Sprintf("values%d.yaml", i))
		write(t, file, text)
		files = append(files, file)
	}
	rendered, complaints := renderChart(t, files...)
	if complaints != "" {
		t.Fatal(complaints)
	}
	return rendered
}

// TestPrometheusRuleAndManifests keeps the plain manifests equal to what the chart renders without values, and their
// rules to those in rules/; go test ./dashboards -run TestPrometheusRule -update writes them again.
func TestPrometheusRuleAndManifests(t *testing.T) {
	t.Parallel()
	const head = "# Rendered from ../helm by: go test ./dashboards -run TestPrometheusRule -update\n"
	rendered := mustRenderChart(t)
	delete(rendered, "NOTES.txt")
	for name, text := range rendered {
		file := "deploy/kubernetes/" + name
		if *update {
			write(t, file, head+text)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != head+text {
			t.Errorf("%s differs from the chart: run go test ./dashboards -run TestPrometheusRule -update", file)
		}
	}
	var manifest struct {
		Spec ruleFile `yaml:"spec"`
	}
	if err := yaml.Unmarshal([]byte(rendered["prometheusrule.yaml"]), &manifest); err != nil {
		t.Fatal(err)
	}
	var groups []ruleGroup
	for _, name := range ruleFiles() {
		var f ruleFile
		readYAML(t, name, &f)
		groups = append(groups, f.Groups...)
	}
	if !reflect.DeepEqual(manifest.Spec.Groups, groups) {
		t.Error("the PrometheusRule has other rules than the files in rules/")
	}
}

// kinds are the types of what the chart's templates render.
func kinds() map[string]string {
	return map[string]string{
		"secret.yaml":                "kubernetes-models/v1/Secret",
		"configmap.yaml":             "kubernetes-models/v1/ConfigMap",
		"dashboards.yaml":            "kubernetes-models/v1/ConfigMap",
		"service.yaml":               "kubernetes-models/v1/Service",
		"persistentvolumeclaim.yaml": "kubernetes-models/v1/PersistentVolumeClaim",
		"deployment.yaml":            "kubernetes-models/apps/v1/Deployment",
		"networkpolicy.yaml":         "kubernetes-models/networking.k8s.io/v1/NetworkPolicy",
		"servicemonitor.yaml":        "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor",
		"prometheusrule.yaml":        "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule",
	}
}

// TestManifests compiles what the chart renders as constants of their kinds' types, which finds unknown and missing keys.
func TestManifests(t *testing.T) {
	t.Parallel()
	sources, seen := map[string]string{}, map[string]bool{}
	for prefix, rendered := range map[string]map[string]string{
		"plain": mustRenderChart(t),
		"whole": mustRenderChart(t, readDeployed(t, "testdata/everything.yaml")),
	} {
		delete(rendered, "NOTES.txt")
		for file, text := range rendered {
			seen[file] = true
			module := kinds()[file]
			kind := filepath.Base(module)
			document := toJSON(t, text)
			head := fmt.Sprintf("import type { I%s as T } from '%s';\nexport const manifest: T = ", kind, module)
			name := prefix + "_" + strings.TrimSuffix(file, ".yaml")
			sources[name] = head + document
			sources["bad_"+name] = head + strings.Replace(document, `"metadata":{`, `"metadata":{"lables":{},`, 1)
		}
	}
	if !reflect.DeepEqual(slices.Sorted(maps.Keys(seen)), slices.Sorted(maps.Keys(kinds()))) {
		t.Errorf("rendered were %v", slices.Sorted(maps.Keys(seen)))
	}
	errs := compileAll(t, sources)
	for name := range sources {
		if bad := strings.HasPrefix(name, "bad_"); bad != (len(errs[name]) > 0) {
			t.Errorf("%s: a mistake was made: %t; the compiler says %v", name, bad, errs[name])
		}
	}
}

func toJSON(t *testing.T, text string) string {
	t.Helper()
	var generic any
	if err := yaml.Unmarshal([]byte(text), &generic); err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(generic)
	if err != nil {
		t.Fatal(err)
	}
	return string(document)
}

// configMap returns the data of a rendered ConfigMap.
func configMap(t *testing.T, text string) map[string]string {
	t.Helper()
	var object struct{ Data map[string]string }
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return object.Data
}

// TestChartValues looks for what people set in what is rendered.
func TestChartValues(t *testing.T) {
	t.Parallel()
	whole := mustRenderChart(t, readDeployed(t, "testdata/everything.yaml"))
	for name, words := range map[string][]string{
		"deployment.yaml": {
			`image: "registry.example.com/magento_migration_exporter:0.9.0"`, "secretName: magento-passwords",
			"- --log.format=json", "name: TZ", "mountPath: /files", "runAsUser: 1000", "cpu: \"1\"", "team: shops",
			"priorityClassName: high", "name: registry", "- --storage.path=/var/lib/magento_migration_exporter", "claimName: migrations",
		},
		"persistentvolumeclaim.yaml": {"storageClassName: fast", "storage: 1Gi"},
		"service.yaml":               {"type: NodePort", "port: 80", "example.com/a: b"},
		"servicemonitor.yaml":        {"release: prometheus", "interval: 1m", "scrapeTimeout: 10s", "replacement: shops"},
		"prometheusrule.yaml":        {"release: prometheus", `job="shops"`, "https://exporter.example.com/docs/alerts#"},
		"networkpolicy.yaml":         {"app: prometheus", "cidr: 10.0.0.0/8"},
		"dashboards.yaml":            {`grafana_dashboard: "1"`, "grafana_folder: Magento"},
	} {
		for _, word := range words {
			if !strings.Contains(whole[name], word) {
				t.Errorf("%s has no %q:\n%.3000s", name, word, whole[name])
			}
		}
	}
	if text, rendered := whole["secret.yaml"]; rendered {
		t.Errorf("there is a Secret beside existingSecret:\n%s", text)
	}
	if old := `job="` + dashboards.Job; strings.Contains(whole["prometheusrule.yaml"], old) {
		t.Errorf("a rule still has %s", old)
	}
	for _, rendered := range []map[string]string{whole, mustRenderChart(t)} {
		acceptsConfig(t, configMap(t, rendered["configmap.yaml"])["config.yml"])
	}
	for name, text := range configMap(t, whole["dashboards.yaml"]) {
		file := strings.TrimPrefix(name, "magento-migration-")
		shipped := strings.ReplaceAll(readFile(t, file), dashboards.ExporterURL, "https://exporter.example.com")
		if !reflect.DeepEqual(decode(t, file, text), decode(t, file, shipped)) {
			t.Errorf("%s is another dashboard", name)
		}
	}
}

// TestChartWithoutValues has the chart say that it runs on its example, and refuse to run without a configuration.
func TestChartWithoutValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values string
		said   bool
	}{
		"nothing":       {"{}", true},
		"configuration": {"config: {migrations: [{name: a}]}\npasswords: {magento1_password: a, magento2_password: b}", false},
		"their own":     {"existingConfigMap: a\nexistingSecret: b", false},
	} {
		notes := mustRenderChart(t, c.values)["NOTES.txt"]
		for _, words := range []string{"THIS IS NOT YOUR MIGRATION YET", "THE PASSWORDS ARE NOT SET"} {
			if strings.Contains(notes, words) != c.said {
				t.Errorf("%s: %q is said: %t, want %t:\n%s", name, words, !c.said, c.said, notes)
			}
		}
	}
	file := filepath.Join(t.TempDir(), "values.yaml")
	write(t, file, "config: null")
	if _, got := renderChart(t, file); !strings.Contains(got, "needs a configuration") {
		t.Errorf("a chart without a configuration is rendered: %q", got)
	}
}

// TestChartSchema has each value in the schema, and nothing else; what the schema refuses, make chart-test tries with Helm.
func TestChartSchema(t *testing.T) {
	t.Parallel()
	var values map[string]any
	if err := yaml.Unmarshal([]byte(readDeployed(t, "helm/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	type object struct {
		Properties           map[string]*object `json:"properties"`
		AdditionalProperties any                `json:"additionalProperties"`
	}
	var schema object
	if err := json.Unmarshal([]byte(readDeployed(t, "helm/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	delete(schema.Properties, "global") // Helm gives it to charts that are part of another one
	var compare func(at string, values map[string]any, schema *object)
	compare = func(at string, values map[string]any, schema *object) {
		got, want := slices.Sorted(maps.Keys(schema.Properties)), slices.Sorted(maps.Keys(values))
		if !slices.Equal(got, want) || schema.AdditionalProperties != false {
			t.Errorf("%s: the schema knows %v, the values are %v; others allowed: %v", at, got, want, schema.AdditionalProperties)
		}
		for name, value := range values {
			inner, isMap := value.(map[string]any)
			if p := schema.Properties[name]; isMap && p != nil && p.Properties != nil {
				compare(at+name+".", inner, p)
			}
		}
	}
	compare("", values, &schema)
}

// The chart's image is that of the release.
func TestChartVersion(t *testing.T) {
	t.Parallel()
	release := regexp.MustCompile(`(?m)^## (\S+)`).FindStringSubmatch(readText(t, "../CHANGELOG.md"))[1]
	for _, key := range []string{"version", "appVersion"} {
		if !strings.Contains(readDeployed(t, "helm/Chart.yaml"), "\n"+key+": "+release+"\n") {
			t.Errorf("deploy/helm/Chart.yaml: %s is not %s, the newest in CHANGELOG.md", key, release)
		}
	}
}
