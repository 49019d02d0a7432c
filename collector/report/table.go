package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"magento_migration_exporter/collector/finding"
)

// Table writes the document for a terminal: a line for each precondition, and below those that do not pass the evidence
// and the remedy.
func Table(w io.Writer, doc Readiness, colour bool) error {
	b := bufio.NewWriter(w)
	t := tableWriter{b, colour}
	for i, m := range doc.Migrations {
		if i > 0 {
			fmt.Fprintln(b)
		}
		t.migration(m)
	}
	return b.Flush()
}

type tableWriter struct {
	*bufio.Writer
	colour bool
}

// The columns: the longest status is not_applicable, the longest id system_requirements.
const (
	statusWidth = 14
	idWidth     = 19
	indent      = 2
)

func (t tableWriter) migration(m MigrationReadiness) {
	overall := finding.Fail
	if m.Ready {
		overall = finding.Pass
	}
	fmt.Fprintf(t, "%s\n\n", t.paint(overall, printable(heading(m))))
	for _, p := range m.Preconditions {
		status := p.Status.String()
		fmt.Fprintf(t, "%*s%s%*s  %-*s  %s\n", indent, "",
			t.paint(p.Status, status), statusWidth-len(status), "", idWidth, p.ID, printable(p.Summary))
		for _, f := range p.Findings {
			if shown(f) {
				t.finding(p, f)
			}
		}
		for _, w := range p.Waivers {
			t.waiver(p, w, m)
		}
	}
}

func (t tableWriter) finding(p PreconditionReadiness, f finding.Finding) {
	if f.Summary != p.Summary {
		t.line(f.Status, f.Status.String()+": ", f.Summary)
	}
	t.line(finding.Pass, "seen: ", f.Evidence)
	t.line(f.Status, "remedy: ", f.Remedy)
}

func (t tableWriter) waiver(p PreconditionReadiness, w WaiverReadiness, m MigrationReadiness) {
	subject := ""
	if w.Subject != "" {
		subject = w.Subject + ": "
	}
	text := fmt.Sprintf("%s%s (until %s", subject, w.Reason, w.Expires.Format(time.RFC3339))
	if w.Owner != "" {
		text += ", " + w.Owner
	}
	if m.Cutover != nil && w.Expires.Before(*m.Cutover) {
		text += ", before the cutover"
	}
	t.line(p.Status, "waiver: ", text+")")
}

// line writes one text under a precondition, its further lines below its first.
func (t tableWriter) line(status finding.Status, label, text string) {
	if text == "" {
		return
	}
	margin := strings.Repeat(" ", indent+statusWidth+2)
	if status != finding.Pass {
		label = t.paint(status, label)
	}
	text = strings.ReplaceAll(strings.TrimSpace(printable(text)), "\n", "\n"+margin+"  ")
	fmt.Fprintf(t, "%s%s%s\n", margin, label, text)
}

func (t tableWriter) paint(s finding.Status, text string) string {
	if !t.colour {
		return text
	}
	code := map[finding.Status]string{
		finding.Pass:          "32",
		finding.Warn:          "33",
		finding.Fail:          "1;31",
		finding.Unknown:       "1;35",
		finding.NotApplicable: "2",
		finding.Waived:        "36",
	}[s]
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
