package report

import (
	"fmt"
	"html/template"
	"io"
)

// HTML writes the document as one self-contained file, to sign and to attach to a ticket: for each migration a sheet
// that is one page when it is printed, and behind them the long form.
func HTML(w io.Writer, d Readiness) error {
	templates, err := parseTemplates("", "")
	if err != nil {
		return err
	}
	return writeHTML(w, templates, d)
}

func writeHTML(w io.Writer, templates *template.Template, d Readiness) error {
	var style []byte
	for _, name := range []string{"page/style.css", "page/report.css"} {
		part, err := pageFiles.ReadFile(name)
		if err != nil {
			return fmt.Errorf("reading the style sheets: %w", err)
		}
		style = append(style, part...)
	}
	body := struct {
		Style      template.CSS
		Sheets     []sheet
		Migrations []migration
	}{Style: template.CSS(style)} //nolint:gosec // embedded at build time
	blocked := 0
	for _, m := range d.Migrations {
		long := newMigration(m, d.GeneratedAt, m.Name+"-", true)
		body.Migrations = append(body.Migrations, long)
		body.Sheets = append(body.Sheets, newSheet(long))
		if !m.Ready {
			blocked++
		}
	}
	title := "ready"
	if blocked > 0 {
		title = fmt.Sprintf("%d of %d not ready", blocked, len(d.Migrations))
	}
	p := page{Title: title, Version: d.Version, Now: d.GeneratedAt, Body: body}
	return templates.ExecuteTemplate(w, "report.html", p)
}
