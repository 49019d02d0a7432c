// Package docs holds the project's documentation, which the exporter serves itself.
package docs

import (
	"embed"
	"io/fs"
)

var (
	//go:embed *.md
	sources embed.FS
	//go:embed html/*.html
	pages embed.FS
)

// Sources returns the Markdown files.
func Sources() fs.FS { return sources }

// Pages returns the Markdown files as HTML, html/NAME.html for NAME.md, without a page's frame: the exporter needs no
// renderer.
func Pages() fs.FS { return pages }
