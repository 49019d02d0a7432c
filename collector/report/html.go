package report

import (
	"fmt"
	"html/template"
	"io"
)

// HTML writes the document as one self-contained file, to attach to a ticket.
func HTML(w io.Writer, d Readiness) error {
	templates, err := parseTemplates("", "")
	if err != nil {
		return err
	}
	style, err := pageFiles.ReadFile("page/style.css")
	if err != nil {
		return fmt.Errorf("reading the style sheet: %w", err)
	}
	body := struct {
		Style      template.CSS
		Migrations []migration
	}{Style: template.CSS(style)} //nolint:gosec // embedded at build time
	blocked := 0
	for _, m := range d.Migrations {
		body.Migrations = append(body.Migrations, newMigration(m, d.GeneratedAt, m.Name+"-", true))
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
