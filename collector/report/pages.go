package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
)

//go:embed page
var pageFiles embed.FS

// guideURL is Magento's own list of the preconditions, which the catalogue follows.
const guideURL = "https://github.com/magento/devdocs/blob/master/src/guides/v2.3/migration/" +
	"migration-tool-preconditions.md"

// Pages renders the status pages and the documentation as HTML.
type Pages struct {
	catalogue precondition.Catalogue
	templates *template.Template
	docs      map[string]doc
	static    map[string]staticFile
	// prefix is the path under which people reach the exporter.
	prefix string
	// refused is nil, or returns why the last reload of the configuration was refused.
	refused func() error
}

// staticFile is a file that pages load, with an ETag of its content.
type staticFile struct {
	content []byte
	etag    string
}

// ShowRefused makes every live page say why the last reload of the configuration was refused, as long as refused
// returns an error.
func (p *Pages) ShowRefused(refused func() error) { p.refused = refused }

// refusal is why the last reload was refused, empty when it was not.
func (p *Pages) refusal() string {
	if p.refused == nil {
		return ""
	}
	if err := p.refused(); err != nil {
		return err.Error()
	}
	return ""
}

// page is the input of every template.
type page struct {
	Title   string
	Version string
	Now     time.Time
	// Live makes the page refresh itself.
	Live bool
	Body any
	// Refused is why the last reload of the configuration was refused.
	Refused string
}

// NewPages reads the templates and the documentation, an HTML file for each page. The overview can be filtered by the
// catalogue's preconditions. prefix is the path under which people reach the exporter, or empty; metrics is the path of
// the metrics.
func NewPages(catalogue precondition.Catalogue, prefix, metrics string, docs fs.FS) (*Pages, error) {
	p := &Pages{catalogue: catalogue, static: map[string]staticFile{}, prefix: prefix}
	var err error
	if p.templates, err = parseTemplates(prefix, metrics); err != nil {
		return nil, err
	}
	for _, name := range []string{"style.css", "page.js", "icon.svg"} {
		content, err := pageFiles.ReadFile("page/" + name)
		if err != nil {
			return nil, fmt.Errorf("reading the pages' files: %w", err)
		}
		p.static[name] = staticFile{content, fmt.Sprintf(`"%x"`, sha256.Sum256(content))}
	}
	p.docs, err = readDocs(docs)
	return p, err
}

func parseTemplates(prefix, metrics string) (*template.Template, error) {
	t, err := template.New("").Funcs(template.FuncMap{
		"path":      func(path string) string { return prefix + path },
		"metrics":   func() string { return prefix + metrics },
		"guide":     func() string { return guideURL },
		"printable": breakable,
		"remedies":  newAdvice,
		"word":      word,
		"status":    statusBadge,
		"verdict":   verdictBadge,
		"clock":     clock,
		"until":     until,
		"server":    serverLine,
	}).ParseFS(pageFiles, "page/*.html")
	if err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	return t, nil
}

// Overview writes the page of all migrations.
func (p *Pages) Overview(w io.Writer, d Readiness, f Filter) error {
	o := newOverview(d, f, p.catalogue)
	title := "All migrations are ready"
	if o.Blocked > 0 {
		title = fmt.Sprintf("%d of %d not ready", o.Blocked, o.All)
	}
	return p.templates.ExecuteTemplate(w, "overview.html", page{title, d.Version, d.GeneratedAt, true, o, p.refusal()})
}

// Migration writes the page of one migration. version is the exporter's. It says what changed in the last day, unless
// the document says since another time.
func (p *Pages) Migration(w io.Writer, m MigrationReadiness, version string, now time.Time) error {
	if m.Since == nil {
		m.Since = m.since(now.Add(-lookBack))
	}
	v := newMigration(m, now, "", false)
	title := m.Name + " is " + v.Verdict.Word
	return p.templates.ExecuteTemplate(w, "migration.html", page{title, version, now, true, v, p.refusal()})
}

// Cutover writes the page of one migration's cutover.
func (p *Pages) Cutover(w io.Writer, m MigrationReadiness, version string, now time.Time) error {
	v := newMigration(m, now, "", false)
	v.page = p.prefix + "/migrations/" + m.Name
	title := "Cutover of " + m.Name
	if v.NextTitle != "" {
		title += ": " + v.NextTitle
	}
	return p.templates.ExecuteTemplate(w, "cutover.html", page{title, version, now, true, v, p.refusal()})
}

// Static serves the files that pages load.
func (p *Pages) Static(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	file, ok := p.static[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", file.etag)
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(file.content))
}

// statusBadge shows a status by shape, word and colour.
func statusBadge(s finding.Status) template.HTML { return badge(s, word(s)) }

func verdictBadge(v verdict) template.HTML { return badge(v.Status, v.Headline) }

// badge is not a template because a page has hundreds of them. No part of it comes from outside the program.
func badge(s finding.Status, word string) template.HTML {
	return template.HTML(`<span class="status ` + s.String() + `">` +
		`<svg class="shape" viewBox="0 0 16 16" aria-hidden="true" focusable="false">` +
		`<use href="#shape-` + s.String() + `"/></svg> ` + word + `</span>`)
}

// word is the text for a status.
func word(s finding.Status) string { return strings.ReplaceAll(s.String(), "_", " ") }
