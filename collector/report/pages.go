package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"

	"magento_migration_exporter/collector"
)

//go:embed page
var pageFiles embed.FS

// Pages renders the status page and the documentation as HTML.
type Pages struct {
	templates *template.Template
	docs      map[string]doc
	prefix    string
}

// doc is one rendered page of the documentation.
type doc struct {
	Title string
	Body  template.HTML
}

// NewPages reads the templates and renders the documentation. Prefix is the path under which people reach the exporter, empty for none.
func NewPages(prefix string, docs fs.FS) (*Pages, error) {
	p := &Pages{prefix: prefix}
	var err error
	p.templates, err = template.New("").Funcs(template.FuncMap{
		"since": since, "clock": clock, "shown": shown, "printable": printable, "path": func(path string) string { return prefix + path },
	}).ParseFS(pageFiles, "page/*.html")
	if err != nil {
		return nil, fmt.Errorf("reading the page's templates: %w", err)
	}
	p.docs, err = renderDocs(docs)
	return p, err
}

// renderDocs renders every Markdown file. It is the project's own text, so HTML in it is not escaped.
func renderDocs(files fs.FS) (map[string]doc, error) {
	names, err := fs.Glob(files, "*.md")
	if err != nil {
		return nil, fmt.Errorf("listing the documentation: %w", err)
	}
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAttribute()))
	docs := map[string]doc{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("reading the documentation: %w", err)
		}
		var body bytes.Buffer
		if err := markdown.Convert(text, &body); err != nil {
			return nil, fmt.Errorf("rendering the documentation's %s: %w", name, err)
		}
		title, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
		docs[strings.TrimSuffix(name, ".md")] = doc{title, template.HTML(body.String())} //nolint:gosec // embedded at build time
	}
	return docs, nil
}

// Overview writes the status page of the document's migrations.
func (p *Pages) Overview(w io.Writer, d collector.Readiness) error {
	return p.templates.ExecuteTemplate(w, "overview.html", d)
}

// HasDoc reports whether the documentation has a page of that name, without ".md".
func (p *Pages) HasDoc(name string) bool { _, ok := p.docs[name]; return ok }

// Doc writes a page of the documentation.
func (p *Pages) Doc(w io.Writer, name string) error {
	return p.templates.ExecuteTemplate(w, "doc.html", p.docs[name])
}

// Static serves the style sheet.
func (p *Pages) Static(w http.ResponseWriter, r *http.Request) {
	name := "page/" + r.PathValue("file")
	if !strings.HasSuffix(name, ".css") {
		http.NotFound(w, r)
		return
	}
	http.ServeFileFS(w, r, pageFiles, name)
}

func since(t *time.Time, now time.Time) string {
	if t == nil {
		return "never"
	}
	return now.Sub(*t).Round(time.Second).String() + " ago"
}

func clock(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
