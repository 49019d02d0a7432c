// Command magento_migration_sbom prints the software bill of materials of a Go binary in CycloneDX's JSON form: the modules that the linker
// wrote down in it. The same binary has the same bill, so it has no time and no serial number.
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime/debug"
	"strings"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
)

// specVersion is CycloneDX's, a version behind its newest, because more programs read it.
const specVersion = cyclonedx.SpecVersion1_6

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: magento_migration_sbom VERSION BINARY")
		os.Exit(1)
	}
	if err := write(os.Stdout, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "magento_migration_sbom:", err)
		os.Exit(1)
	}
}

func write(w io.Writer, version, binary string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return fmt.Errorf("reading the modules of %s: %w", binary, err)
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	bom, err := describe(info, version, sha256.Sum256(content))
	if err != nil {
		return fmt.Errorf("describing %s: %w", binary, err)
	}
	return cyclonedx.NewBOMEncoder(w, cyclonedx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).EncodeVersion(bom, specVersion)
}

// describe makes the bill of a binary with that hash. The binary's version is none that Go knows: it is set when it is linked.
func describe(info *debug.BuildInfo, version string, sum [sha256.Size]byte) (*cyclonedx.BOM, error) {
	program := component(cyclonedx.ComponentTypeApplication, info.Main.Path, version)
	program.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}}
	var settings []cyclonedx.Property
	for _, s := range info.Settings {
		if s.Key == "GOOS" || s.Key == "GOARCH" || s.Key == "CGO_ENABLED" {
			settings = append(settings, cyclonedx.Property{Name: "go:build:" + s.Key, Value: s.Value})
		}
	}
	program.Properties = &settings

	// What databases of vulnerabilities call the standard library.
	components := []cyclonedx.Component{component(cyclonedx.ComponentTypeLibrary, "stdlib", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		c := component(cyclonedx.ComponentTypeLibrary, m.Path, m.Version)
		hash, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:"))
		if err != nil {
			return nil, fmt.Errorf("the sum of %s: %w", m.Path, err)
		}
		if len(hash) > 0 {
			c.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(hash)}}
		}
		components = append(components, c)
	}
	var references []string
	for _, c := range components {
		references = append(references, c.BOMRef)
	}
	return &cyclonedx.BOM{
		BOMFormat: cyclonedx.BOMFormat, Version: 1,
		Metadata:     &cyclonedx.Metadata{Component: &program},
		Components:   &components,
		Dependencies: &[]cyclonedx.Dependency{{Ref: program.BOMRef, Dependencies: &references}},
	}, nil
}

// component has a package URL, https://github.com/package-url/purl-spec, for its identity.
func component(kind cyclonedx.ComponentType, path, version string) cyclonedx.Component {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	purl := "pkg:golang/" + strings.Join(segments, "/") + "@" + url.QueryEscape(version)
	return cyclonedx.Component{BOMRef: purl, Type: kind, Name: path, Version: version, PackageURL: purl}
}
