package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"magento_migration_exporter/collector/finding"
)

// maxWhole is how many migrations a table shows whole without being asked to.
const maxWhole = 10

// TableOptions says how to write a table.
type TableOptions struct {
	// Colour paints statuses for a terminal.
	Colour bool
	// Verbose writes every migration whole. Without it, of more than ten the ready ones have one line each.
	Verbose bool
}

// Table writes the document for a terminal: a line for each precondition, and below those that do not pass the evidence
// and the remedy. The last line is about all migrations.
func Table(w io.Writer, doc Readiness, o TableOptions) error {
	b := bufio.NewWriter(w)
	t := tableWriter{b, o.Colour, doc.GeneratedAt}
	short := !o.Verbose && len(doc.Migrations) > maxWhole
	var lines []MigrationReadiness
	for _, m := range doc.Migrations {
		if short && m.Ready {
			lines = append(lines, m)
			continue
		}
		t.migration(m)
		t.since(m.Since)
		fmt.Fprintln(b)
	}
	for _, m := range lines {
		fmt.Fprintln(b, t.heading(m))
		if m.Since != nil && len(m.Since.Changes) > 0 {
			t.since(m.Since)
		}
	}
	if len(lines) > 0 {
		fmt.Fprintln(b)
	}
	t.last(doc)
	return b.Flush()
}

type tableWriter struct {
	*bufio.Writer
	colour bool
	now    time.Time
}

// The columns: the longest status is not_applicable, the longest id system_requirements.
const (
	statusWidth = 14
	idWidth     = 19
	indent      = 2
)

// last says whether all are ready, and names those that are not.
func (t tableWriter) last(doc Readiness) {
	var blocked []string
	for _, m := range doc.Migrations {
		if !m.Ready {
			blocked = append(blocked, printable(m.Name))
		}
	}
	all := plural(len(doc.Migrations), "migration", "migrations")
	if len(blocked) == 0 {
		fmt.Fprintf(t, "%s: %s\n", t.paint(finding.Pass, "ready"), all)
		return
	}
	fmt.Fprintf(t, "%s: %d of %s: %s\n", t.paint(finding.Fail, "not ready"), len(blocked), all,
		strings.Join(blocked, ", "))
}

func (t tableWriter) heading(m MigrationReadiness) string {
	overall := finding.Fail
	if m.Ready {
		overall = finding.Pass
	}
	return t.paint(overall, printable(heading(m, t.now)))
}

func (t tableWriter) migration(m MigrationReadiness) {
	fmt.Fprintf(t, "%s\n\n", t.heading(m))
	for _, p := range m.Preconditions {
		status := p.Status.String()
		fmt.Fprintf(t, "%*s%s%*s  %-*s  %s\n", indent, "",
			t.paint(p.Status, status), statusWidth-len(status), "", idWidth, p.ID, printable(p.Summary))
		t.findings(p)
		for _, w := range p.Waivers {
			t.waiver(p, w, m)
		}
	}
}

// since writes what changed, if that was asked for.
func (t tableWriter) since(s *Since) {
	if s == nil {
		return
	}
	fmt.Fprintf(t, "\n%*s%s\n", indent, "", s.Title())
	for _, d := range s.Changes {
		status := d.Status.String()
		fmt.Fprintf(t, "%*s%s%*s  %-*s  %s, at %s: %s\n", indent, "", t.paint(d.Status, status),
			statusWidth-len(status), "", idWidth, d.Precondition, d.Course(), clock(d.ChangedAt), printable(d.Summary))
	}
}

func (t tableWriter) findings(p PreconditionReadiness) {
	for _, g := range share(urgent(p.Findings)) {
		status, many := g.Findings[0].Status, len(g.Findings) > 1
		if many {
			t.line(status, fmt.Sprintf("remedy for the next %d: ", len(g.Findings)), g.Remedy)
		}
		for _, f := range g.Findings {
			if many && !strings.Contains(f.Evidence, "\n") {
				t.line(f.Status, f.Status.String()+": ", strings.TrimSuffix(f.Summary+" ("+f.Evidence+")", " ()"))
				continue
			}
			if many || f.Summary != p.Summary {
				t.line(f.Status, f.Status.String()+": ", f.Summary)
			}
			t.line(finding.Pass, "seen: ", f.Evidence)
		}
		if !many {
			t.line(status, "remedy: ", g.Remedy)
		}
	}
}

func (t tableWriter) waiver(p PreconditionReadiness, w WaiverReadiness, m MigrationReadiness) {
	subject := ""
	if w.Subject != "" {
		subject = w.Subject + ": "
	}
	text := fmt.Sprintf("%s%s (until %s", subject, w.Reason, until(w.Expires))
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
