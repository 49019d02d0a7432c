package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
)

// TestBillOfTheExporter compares the bill with what the go command says of the binary.
func TestBillOfTheExporter(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "exporter")
	run(t, "go", "build", "-o", binary, "../magento_migration_exporter")
	var out, again bytes.Buffer
	for _, w := range []*bytes.Buffer{&out, &again} {
		if err := write(w, "1.2.3", binary); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Error("a second bill of the same binary differs")
	}
	var bom cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(&out, cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, c := range *bom.Components {
		got = append(got, c.Name+" "+c.Version)
	}
	for line := range strings.Lines(run(t, "go", "version", "-m", binary)) {
		switch fields := strings.Fields(line); {
		case strings.HasPrefix(fields[0], binary):
			want = append(want, "stdlib "+strings.TrimPrefix(fields[1], "go"))
		case fields[0] == "dep":
			want = append(want, fields[1]+" "+fields[2])
		}
	}
	if len(want) < 20 || !slices.Equal(got, want) {
		t.Errorf("the bill names\n%s\nand go version -m\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	if p := bom.Metadata.Component; p.Name != "magento_migration_exporter" || p.Version != "1.2.3" || (*p.Hashes)[0].Value != hex.EncodeToString(sum[:]) || bom.SpecVersion != specVersion {
		t.Errorf("the binary is %+v, CycloneDX %s", p, bom.SpecVersion)
	}
}

func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return string(out)
}

func TestModules(t *testing.T) {
	t.Parallel()
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Path: "x"}, Deps: []*debug.Module{
		{Path: "example.com/A/b", Version: "v2.0.0+incompatible", Sum: "h1:" + "AQI="},
		{Path: "old", Version: "v1.0.0", Replace: &debug.Module{Path: "new", Version: "v1.0.1"}},
	}}
	bom, err := describe(info, "1", sha256.Sum256(nil))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range *bom.Components {
		hash := ""
		if c.Hashes != nil {
			hash = (*c.Hashes)[0].Value
		}
		got = append(got, c.PackageURL+" "+hash)
	}
	if want := []string{"pkg:golang/stdlib@1.26.8 ", "pkg:golang/example.com/A/b@v2.0.0%2Bincompatible 0102", "pkg:golang/new@v1.0.1 "}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	info.Deps[0].Sum = "h1:?"
	if _, err := describe(info, "1", sha256.Sum256(nil)); err == nil || !strings.Contains(err.Error(), "example.com/A/b") {
		t.Errorf("a sum that is none: %v", err)
	}
	if err := write(&bytes.Buffer{}, "1", "main.go"); err == nil {
		t.Error("a text has a bill of materials")
	}
}
