// Package toolmap reads the files that tell the Data Migration Tool what to do with which table, column, attribute and
// class: its map files, document and attribute groups, class map and settings map, and answers as the tool's own
// readers do.
//
// The tool checks these files against its XSDs in developer mode only; that check is made here always.
package toolmap

import (
	"path/filepath"
	"strings"

	"magento_migration_exporter/config/sourcefile"
	"magento_migration_exporter/config/xmltree"
)

// MaxSize is the largest file that is read, in bytes. The largest that the tool brings, a map for Commerce, is under
// 200 KiB.
const MaxSize = 2 << 20

// Side is one of the two systems, as the map files call them.
type Side string

// The sides. The source is Magento 1, the destination is Magento 2.
const (
	Source      Side = "source"
	Destination Side = "destination"
)

// Opposite is the other side.
func (s Side) Opposite() Side {
	if s == Source {
		return Destination
	}
	return Source
}

// Problem is something in a file that its XSD refuses, or that the tool cannot use.
type Problem struct {
	sourcefile.Place
	Text string
}

// String writes the problem as line:column: text.
func (p Problem) String() string { return p.Place.String() + ": " + p.Text }

// Wildcard is the regular expression that a release of the tool makes of the * in an ignored document's name.
type Wildcard string

const (
	// AnyNumber is what the tool makes of * now: a run of 2.4.6.1 takes the table inventory_stock for one of
	// inventory_stock*.
	AnyNumber Wildcard = ".*"
	// AtLeastOne is what older releases make of *, as copies of 2.1 and 2.2 show.
	AtLeastOne Wildcard = ".+"
)

// InstalledWildcard looks into the source of the tool that is installed in a directory for what it makes of *.
// Without that source it is AnyNumber.
func InstalledWildcard(moduleDir string) Wildcard {
	source, err := sourcefile.Read(filepath.Join(moduleDir, "src/Migration/Reader/Map.php"), MaxSize)
	if err == nil && strings.Contains(strings.ReplaceAll(string(source), `"`, `'`), `str_replace('*', '.+'`) {
		return AtLeastOne
	}
	return AnyNumber
}

// read reads and parses a file.
func read[T any](path string, parse func(file string, data []byte) (*T, error)) (*T, error) {
	data, err := sourcefile.Read(path, MaxSize)
	if err != nil {
		return nil, err
	}
	return parse(path, data)
}

func parseTree(file string, data []byte) (*xmltree.Node, error) {
	if err := sourcefile.CheckSize(file, len(data), MaxSize); err != nil {
		return nil, err
	}
	return xmltree.Parse(file, data)
}

// below yields the elements at a path of names below all elements of the first name, wherever those are: the tool's
// //first/second/….
func below(root *xmltree.Node, first string, path ...string) []*xmltree.Node {
	var found []*xmltree.Node
	for n := range root.All() {
		if n.Name != first {
			continue
		}
		level := []*xmltree.Node{n}
		for _, name := range path {
			var next []*xmltree.Node
			for _, parent := range level {
				for _, child := range parent.Children {
					if child.Name == name {
						next = append(next, child)
					}
				}
			}
			level = next
		}
		found = append(found, level...)
	}
	return found
}
