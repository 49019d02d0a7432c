package acceptance_test

import (
	"bytes"
	"fmt"
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"magento_migration_exporter/docs"
)

// TestDocsAreRendered compares the pages with the Markdown files that they are made of; -update renders them again.
func TestDocsAreRendered(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(repository, "docs", "html")
	names, err := fs.Glob(docs.Sources(), "*.md")
	if err != nil || len(names) == 0 {
		t.Fatalf("the documentation has no Markdown file: %v", err)
	}
	for _, name := range names {
		source, err := fs.ReadFile(docs.Sources(), name)
		if err != nil {
			t.Fatal(err)
		}
		page := renderDoc(t, source)
		file := filepath.Join(dir, strings.TrimSuffix(name, ".md")+".html")
		if *update {
			if err := os.WriteFile(file, page, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(file); err != nil || !bytes.Equal(have, page) {
			t.Errorf("%s is not what docs/%s renders to (%v); "+
				"go test -C cmd/acceptance -run TestDocsAreRendered -update writes it", file, name, err)
		}
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(pages) != len(names) {
		t.Errorf("%d Markdown files, but %s in docs/html: %v", len(names), pages, err)
	}
}

// renderedDoc collects the headings below a page's title.
type renderedDoc struct{ contents []docHeading }

type docHeading struct{ id, text string }

// renderDoc makes the page of a Markdown file: the list of its sections if there are some, and the text.
func renderDoc(t *testing.T, source []byte) []byte {
	t.Helper()
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table),
		goldmark.WithParserOptions(parser.WithAttribute(), parser.WithAutoHeadingID()))
	tree := markdown.Parser().Parse(text.NewReader(source))
	var d renderedDoc
	if err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			d.note(n, source)
		}
		return ast.WalkContinue, nil
	}); err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if len(d.contents) > 2 {
		page.WriteString("<nav class=\"contents\" aria-label=\"On this page\"><ul>\n")
		for _, h := range d.contents {
			fmt.Fprintf(&page, "<li><a href=\"#%s\">%s</a></li>\n", html.EscapeString(h.id), html.EscapeString(h.text))
		}
		page.WriteString("</ul></nav>\n")
	}
	page.WriteString("<article>\n")
	if err := markdown.Renderer().Render(&page, source, tree); err != nil {
		t.Fatal(err)
	}
	page.WriteString("</article>\n")
	return longName.ReplaceAllFunc(page.Bytes(), func(name []byte) []byte {
		return bytes.ReplaceAll(name, []byte("_"), []byte("_<wbr>"))
	})
}

// longName finds names that can be wider than a phone, such as those of metrics: they break between their words.
var longName = regexp.MustCompile(`<code>[A-Za-z0-9_]{20,}</code>`)

// note collects headings, and lets links between the files lead to the pages that the exporter serves.
func (d *renderedDoc) note(n ast.Node, source []byte) {
	switch n := n.(type) {
	case *ast.Heading:
		if id, ok := n.AttributeString("id"); ok && n.Level == 2 {
			d.contents = append(d.contents, docHeading{fmt.Sprintf("%s", id), plainText(n, source)})
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
