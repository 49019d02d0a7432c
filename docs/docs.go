// Package docs holds the project's documentation, which the exporter serves itself.
package docs

import (
	"embed"
	"io/fs"
)

//go:embed *.md
var files embed.FS

// Files returns the Markdown files.
func Files() fs.FS { return files }
