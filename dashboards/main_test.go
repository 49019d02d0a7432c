package dashboards_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// What several tests need is made once, by the first that asks.
var (
	temporary      string
	exporterBinary = sync.OnceValues(buildExporterBinary)
	schemaModules  = sync.OnceValues(installSchemaModules)
	jsonnetBuilt   = sync.OnceValue(func() error { return buildTools("jsonnet", "jsonnetfmt") })
	chartBuilt     = sync.OnceValue(func() error { return buildTools("chart") })
)

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	var err error
	if temporary, err = os.MkdirTemp("", "dashboards-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	return m.Run()
}

func buildExporterBinary() (string, error) {
	binary := filepath.Join(temporary, "magento_migration_exporter")
	// Without the debugger's tables it is linked in half the time.
	out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", binary, "../cmd/magento_migration_exporter").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the exporter: %w\n%s", err, out)
	}
	return binary, nil
}

// installSchemaModules installs what schema/package-lock.json pins under .cache/ at the project's root, and returns the
// folder of modules.
func installSchemaModules() (string, error) {
	dir, err := filepath.Abs("../.cache/dashboards-schema")
	if err != nil {
		return "", err
	}
	modules := filepath.Join(dir, "node_modules")
	stamp := filepath.Join(modules, "installed-lock.json")
	lock, err := os.ReadFile("schema/package-lock.json")
	if err != nil {
		return "", err
	}
	if installed, err := os.ReadFile(stamp); err == nil && bytes.Equal(lock, installed) {
		return modules, nil
	}
	manifest, err := os.ReadFile("schema/package.json")
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "package.json"), manifest, 0o600), os.WriteFile(filepath.Join(dir, "package-lock.json"), lock, 0o600)); err != nil {
		return "", err
	}
	cmd := exec.Command("npm", "ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return modules, os.WriteFile(stamp, lock, 0o600)
}

// buildTools has the Makefile build programs of .cache/tools, unless they are there.
func buildTools(names ...string) error {
	args := []string{"-s"}
	for _, name := range names {
		args = append(args, ".cache/tools/"+name)
	}
	cmd := exec.Command("make", args...)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make %v: %w\n%s", names, err, out)
	}
	return nil
}

// chart returns the program that renders the Helm chart.
func chart(t *testing.T) string {
	t.Helper()
	if err := chartBuilt(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join("..", ".cache", "tools", "chart")
}

// jsonnet returns the program jsonnet or jsonnetfmt.
func jsonnet(t *testing.T, name string) string {
	t.Helper()
	if err := jsonnetBuilt(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join("..", ".cache", "tools", name)
}

// exporter returns the exporter's binary.
func exporter(t *testing.T) string {
	t.Helper()
	binary, err := exporterBinary()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// schema returns the folder of the Node modules that hold the types.
func schema(t *testing.T) string {
	t.Helper()
	modules, err := schemaModules()
	if err != nil {
		t.Fatal(err)
	}
	return modules
}
