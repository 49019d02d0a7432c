package dashboards_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"magento_migration_exporter/dashboards"
)

var update = flag.Bool("update", false, "write the manifests in deploy/kubernetes again from the chart")

// composeFile is what the tests look at in it.
type composeFile struct {
	Services map[string]struct {
		Volumes []string `yaml:"volumes"`
		Command []string `yaml:"command"`
	} `yaml:"services"`
	Secrets map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
}

func TestComposeFile(t *testing.T) {
	t.Parallel()
	text := readDeployed(t, "compose/compose.yml")
	var generic any
	var f composeFile
	for _, into := range []any{&generic, &f} {
		if err := yaml.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	document, err := json.Marshal(generic)
	if err != nil {
		t.Fatal(err)
	}
	modules := schema(t)
	if complaints := checkCompose(t, modules, document); complaints != "" {
		t.Error(complaints)
	}
	if checkCompose(t, modules, bytes.Replace(document, []byte(`"read_only"`), []byte(`"readonly"`), 1)) == "" {
		t.Error("the Compose specification does not find a misspelt key")
	}
	mounted := map[string]string{}
	for name, service := range f.Services {
		for _, volume := range service.Volumes {
			source, inside, _ := strings.Cut(strings.TrimSuffix(volume, ":ro"), ":")
			if !strings.HasPrefix(source, ".") {
				continue
			}
			mounted[name+":"+inside] = filepath.Join("deploy/compose", source)
			if _, err := os.Stat(mounted[name+":"+inside]); err != nil {
				t.Errorf("%s mounts what does not exist: %v", name, err)
			}
		}
		for _, arg := range service.Command {
			if file, ok := strings.CutPrefix(arg, "--config.file="); ok && mounted[name+":"+file] == "" {
				t.Errorf("%s reads %s, which is not mounted", name, file)
			}
		}
	}
	for file, in := range map[string]string{
		"../Dockerfile": "exporter:" + regexp.MustCompile(`--config\.file=([^"]+)`).FindStringSubmatch(readText(t, "../Dockerfile"))[1],
		"rules":         "prometheus:/etc/prometheus/rules/alerts.yml",
	} {
		if mounted[in] == "" {
			t.Errorf("%s: nothing is mounted at %s", file, in)
		}
	}
	run(t, "", "promtool", "check", "config", "--syntax-only", "deploy/compose/prometheus.yml")
	if !strings.Contains(readDeployed(t, "compose/prometheus.yml"), "job_name: "+dashboards.Job+"\n") {
		t.Errorf("deploy/compose/prometheus.yml does not scrape under the job %s", dashboards.Job)
	}
	acceptsConfig(t, readDeployed(t, "compose/exporter.yml"))
}

// TestLeastPrivilege holds the examples to what the image needs: it writes nothing, is nobody, and has no capability.
func TestLeastPrivilege(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]string{
		"../Dockerfile":                     {"USER 65532:65532"},
		"deploy/compose/compose.yml":        {`user: "65532:65532"`, "read_only: true", "cap_drop: [ALL]", `security_opt: ["no-new-privileges:true"]`},
		"deploy/kubernetes/deployment.yaml": {"runAsNonRoot: true", "runAsUser: 65532", "readOnlyRootFilesystem: true", "- ALL", "allowPrivilegeEscalation: false", "type: RuntimeDefault", "automountServiceAccountToken: false"},
		"../README.md":                      {"--read-only --cap-drop=ALL --security-opt=no-new-privileges"},
	} {
		text := readText(t, name)
		for _, line := range lines {
			if !regexp.MustCompile(`(?m)^[^#]*` + regexp.QuoteMeta(line)).MatchString(text) {
				t.Errorf("%s lacks %s", name, line)
			}
		}
	}
}

// checkCompose returns what the Compose specification's own schema has against a document.
func checkCompose(t *testing.T, modules string, document []byte) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "schema/compose.mjs", modules)
	cmd.Stdin = bytes.NewReader(document)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("check the Compose file: %v\n%s", err, out)
	}
	return string(out)
}

func readDeployed(t *testing.T, name string) string { t.Helper(); return readText(t, "deploy/"+name) }

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// acceptsConfig has the exporter check a configuration.
func acceptsConfig(t *testing.T, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yml")
	write(t, file, text)
	run(t, "", exporter(t), "--config.file="+file, "--config.check")
}

// TestUnits has systemd read the units, rate their hardening, and hand over a socket as the socket unit does.
func TestUnits(t *testing.T) {
	t.Parallel()
	const program = "/usr/local/bin/magento_migration_exporter"
	binary, dir := exporter(t), t.TempDir()
	for _, name := range []string{"magento_migration_exporter.socket", "magento_migration_exporter.service"} {
		write(t, filepath.Join(dir, name), strings.ReplaceAll(readDeployed(t, "systemd/"+name), program, binary))
	}
	// It prints what it has against a unit, and not all of that makes it fail.
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", filepath.Join(dir, "magento_migration_exporter.service"), filepath.Join(dir, "magento_migration_exporter.socket")).CombinedOutput(); err != nil ||
		strings.Contains(string(out), "magento_migration_exporter") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	// The rating goes from 0, nothing allowed, to 10; --threshold takes tenths.
	run(
		t,
		"",
		"systemd-analyze",
		"security",
		"--offline=true",
		"--threshold=16",
		filepath.Join(dir, "magento_migration_exporter.service"),
	)

	config := filepath.Join(dir, "config.yml")
	write(t, config, "migrations: [{name: shop}]\n")
	args := regexp.MustCompile(
		`(?m)^ExecStart=\S+ (.*)$`,
	).FindStringSubmatch(
		readDeployed(t, "systemd/magento_migration_exporter.service"),
	)
	address := freeAddress(t)
	command := append(
		[]string{"--listen=" + address, binary},
		strings.Fields(strings.NewReplacer(
			"/etc/magento_migration_exporter/config.yml", config, "/var/lib/magento_migration_exporter", dir,
		).Replace(args[1]))...)
	start(t, "systemd-socket-activate", command...)
	await(t, "the exporter to answer on the socket", func() error {
		body, err := get(t.Context(), "http://"+address+"/-/healthy")
		if err == nil && string(body) != "healthy\n" {
			err = fmt.Errorf("it answers %q", body)
		}
		return err
	})
}

// TestPackage holds what the packages add to what they need; make package-test installs them.
func TestPackage(t *testing.T) {
	t.Parallel()
	acceptsConfig(t, readDeployed(t, "package/config.yml"))
	scripts, err := filepath.Glob("deploy/package/*.sh")
	if err != nil {
		t.Fatal(err)
	}
	description := readDeployed(t, "package/nfpm.yaml")
	for _, script := range scripts {
		run(t, "", "sh", "-n", script)
		if !strings.Contains(description, ": "+filepath.Base(script)+"\n") {
			t.Errorf("%s is in no package", script)
		}
	}
	if len(scripts) != 4 {
		t.Errorf("%d scripts, want one before and one after an installation and a removal", len(scripts))
	}
}
