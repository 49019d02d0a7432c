// Package report writes the readiness document for people and programs. It renders what it is given and evaluates nothing.
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

// printable keeps a hostile name from moving the cursor, colouring the terminal or reversing the line. Newlines stay.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// shown reports whether a finding is worth a line beside its precondition's summary.
func shown(f collector.Finding) bool {
	return f.Status != collector.Pass && f.Status != collector.NotApplicable
}
