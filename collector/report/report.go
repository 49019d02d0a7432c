// Package report writes the readiness document for people and programs: as a table for a terminal, as Markdown, as JSON, as one HTML
// file, and as the pages that the exporter serves. It renders what it is given and evaluates nothing.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"magento_migration_exporter/collector"
)

// JSON writes the document as the HTTP API does.
func JSON(w io.Writer, doc collector.Readiness) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}

// heading is the line over one migration.
func heading(m collector.MigrationReadiness) string {
	verdict := "NOT READY"
	if m.Ready {
		verdict = "READY"
	}
	var about []string
	if m.Phase != "" {
		about = append(about, "phase "+string(m.Phase))
	}
	if m.Cutover != nil {
		about = append(about, "cutover "+m.Cutover.Format(time.RFC3339))
	}
	if len(about) == 0 {
		return m.Name + ": " + verdict
	}
	return fmt.Sprintf("%s: %s (%s)", m.Name, verdict, strings.Join(about, ", "))
}

// serverLine is one database in a line.
func serverLine(s collector.Server) string {
	system := map[string]string{"magento1": "Magento 1", "magento2": "Magento 2"}[s.System]
	line := fmt.Sprintf("%s: database %s at %s as %s", system, s.Database, s.Address, s.Account)
	if s.Version == "" {
		return line + ", not reached"
	}
	return line + ", " + s.Version
}

// printable keeps a hostile name from moving the cursor, colouring the terminal or reversing the line. Newlines stay.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			return r
		case r == '\t':
			return ' '
		}
		return unicode.ReplacementChar
	}, s)
}

// shown reports whether a finding is worth a line beside its precondition's summary.
func shown(f collector.Finding) bool {
	return f.Status != collector.Pass && f.Status != collector.NotApplicable
}

// remedyText is a part of a remedy: a sentence, or a command to type.
type remedyText struct {
	Text    string
	Command bool
}

// remedyTexts tells sentences from what is to be typed. Where a remedy has several lines, its first line and those that end like a
// sentence are for people, and the lines between them are statements or configuration.
func remedyTexts(remedy string) []remedyText {
	var parts []remedyText
	for i, line := range strings.Split(strings.TrimSpace(printable(remedy)), "\n") {
		trimmed := strings.TrimSpace(line)
		command := i > 0 && !strings.HasSuffix(trimmed, ":") && !strings.HasSuffix(trimmed, ".")
		last := len(parts) - 1
		switch {
		case trimmed == "":
		case command && parts[last].Command:
			parts[last].Text += "\n" + line
		default:
			parts = append(parts, remedyText{line, command})
		}
	}
	return parts
}
