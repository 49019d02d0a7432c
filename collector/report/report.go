// Package report writes the readiness document for people and programs: as a table for a terminal, as Markdown, as
// JSON, as one HTML file, and as the pages that the exporter serves. It renders snapshots and evaluates nothing.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
)

// JSON writes the document as the HTTP API does.
func JSON(w io.Writer, doc Readiness) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}

// heading is the line over one migration.
func heading(m MigrationReadiness, now time.Time) string {
	var about []string
	if m.Phase != "" {
		about = append(about, "phase "+string(m.Phase))
	}
	if m.Cutover != nil {
		about = append(about, "cutover "+m.Cutover.Format(time.RFC3339))
	}
	line := m.Name + ": " + newVerdict(&m, now).Headline
	if len(about) == 0 {
		return line
	}
	return line + " (" + strings.Join(about, ", ") + ")"
}

// serverLine is one database in a line.
func serverLine(s evidence.Server) string {
	line := fmt.Sprintf("%s: database %s at %s as %s", s.System.Label(), s.Database, s.Address, s.Account)
	if s.Version == "" {
		return line + ", not reached"
	}
	return line + ", " + s.Version
}

// printable replaces control characters: a hostile name must not move the cursor, colour the terminal or reverse the
// line. Newlines stay.
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

// shown reports whether a finding needs a line below its precondition's summary.
func shown(f finding.Finding) bool {
	return f.Status != finding.Pass && f.Status != finding.NotApplicable
}

// remedyText is a part of a remedy: a sentence, or a command to type.
type remedyText struct {
	Text    string
	Command bool
}

// Name is what a screen reader says of the button that copies a command: its beginning.
func (r remedyText) Name() string { return shortenTo(strings.ReplaceAll(r.Text, "\n", " "), 60) }

// remedyTexts separates sentences from commands. In a remedy with several lines, the first line and those that look
// like a sentence are for people; the lines between them are statements or configuration. A single line can be either.
func remedyTexts(remedy string) []remedyText {
	var parts []remedyText
	lines := strings.Split(strings.TrimSpace(printable(remedy)), "\n")
	for i, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		command := i > 0 && !isSentence(line) || len(lines) == 1 && !isProse(line)
		if last := len(parts) - 1; command && last >= 0 && parts[last].Command {
			parts[last].Text += "\n" + line
			continue
		}
		parts = append(parts, remedyText{Text: line, Command: command})
	}
	return parts
}

// isSentence is true for "Or, less safe, give the account SUPER:" and false for statements and keys.
func isSentence(line string) bool {
	return line[0] >= 'A' && line[0] <= 'Z' && strings.Contains(line, " ") &&
		(strings.HasSuffix(line, ":") || strings.HasSuffix(line, "."))
}

// isProse is true for what begins with a word like "Start", and false for statements and shell commands.
func isProse(line string) bool {
	return len(line) > 1 && line[0] >= 'A' && line[0] <= 'Z' && (line[1] < 'A' || line[1] > 'Z')
}
