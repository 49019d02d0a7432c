package report

import (
	"fmt"
	"html"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"
)

// docsIndex is the page with links to the others.
const docsIndex = "README"

// doc is one page of the documentation.
type doc struct {
	Title string
	Body  template.HTML
}

// readDocs reads every page. They are the project's own, rendered from its Markdown files.
func readDocs(files fs.FS) (map[string]doc, error) {
	names, err := fs.Glob(files, "html/*.html")
	if err != nil {
		return nil, fmt.Errorf("listing the documentation: %w", err)
	}
	docs := map[string]doc{}
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("reading the documentation: %w", err)
		}
		body := template.HTML(content) //nolint:gosec // embedded at build time
		docs[strings.TrimSuffix(path.Base(name), ".html")] = doc{Title: headline(string(content)), Body: body}
	}
	return docs, nil
}

// headline is the text of a page's first heading, which has no markup.
func headline(page string) string {
	_, rest, _ := strings.Cut(page, "<h1")
	_, rest, _ = strings.Cut(rest, ">")
	text, _, _ := strings.Cut(rest, "</h1>")
	return html.UnescapeString(text)
}

// HasDoc reports whether the documentation has a page of that name, without ".md". The empty name is the index.
func (p *Pages) HasDoc(name string) bool {
	_, ok := p.docs[docName(name)]
	return ok
}

// Doc writes a page of the documentation for an exporter of a version.
func (p *Pages) Doc(w io.Writer, name, version string) error {
	d := p.docs[docName(name)]
	return p.templates.ExecuteTemplate(w, "doc.html", page{Title: d.Title, Version: version, Body: d})
}

func docName(name string) string {
	if name == "" {
		return docsIndex
	}
	return name
}
