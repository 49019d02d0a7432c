package report

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// docsIndex is the page that leads to the others.
const docsIndex = "README"

// doc is one rendered page of the documentation.
type doc struct {
	Title string
	Body  template.HTML
	// Contents are the headings below the title.
	Contents []docHeading
}

type docHeading struct{ ID, Text string }

// renderDocs renders every Markdown file. It is the project's own text.
func renderDocs(files fs.FS) (map[string]doc, error) {
	names, err := fs.Glob(files, "*.md")
	if err != nil {
		return nil, fmt.Errorf("listing the documentation: %w", err)
	}
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAttribute(), parser.WithAutoHeadingID()))
	docs := map[string]doc{}
	for _, name := range names {
		source, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("reading the documentation: %w", err)
		}
		d := doc{}
		tree := markdown.Parser().Parse(text.NewReader(source))
		if err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if entering {
				d.note(n, source)
			}
			return ast.WalkContinue, nil
		}); err != nil {
			return nil, fmt.Errorf("reading the documentation's %s: %w", name, err)
		}
		var body bytes.Buffer
		if err := markdown.Renderer().Render(&body, source, tree); err != nil {
			return nil, fmt.Errorf("rendering the documentation's %s: %w", name, err)
		}
		d.Body = template.HTML(body.String()) //nolint:gosec // embedded at build time
		docs[strings.TrimSuffix(name, ".md")] = d
	}
	return docs, nil
}

// note collects headings, and lets links between the files lead to the pages that the exporter serves.
func (d *doc) note(n ast.Node, source []byte) {
	switch n := n.(type) {
	case *ast.Heading:
		heading := plainText(n, source)
		if n.Level == 1 {
			d.Title = heading
		}
		if id, ok := n.AttributeString("id"); ok && n.Level == 2 {
			d.Contents = append(d.Contents, docHeading{fmt.Sprintf("%s", id), heading})
		}
	case *ast.Link:
		file, anchor, _ := bytes.Cut(n.Destination, []byte("#"))
		if name, ok := bytes.CutSuffix(file, []byte(".md")); ok && !bytes.Contains(name, []byte("/")) {
			n.Destination = name
			if len(anchor) > 0 {
				n.Destination = append(append(bytes.Clone(name), '#'), anchor...)
			}
		}
	}
}

// plainText is the text below a node without its markup.
func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Segment.Value(source))
		} else {
			b.WriteString(plainText(c, source))
		}
	}
	return b.String()
}

// HasDoc reports whether the documentation has a page of that name, without ".md". The empty name is the page that leads to the others.
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
