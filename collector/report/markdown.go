package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// Markdown writes the document for a ticket.
func Markdown(w io.Writer, doc Readiness) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# Migration readiness\n\nChecked at %s by version %s.\n",
		doc.GeneratedAt.Format(time.RFC3339), inline(doc.Version))
	for _, m := range doc.Migrations {
		fmt.Fprintf(b, "\n## %s\n\n", inline(heading(m, doc.GeneratedAt)))
		for _, s := range m.Servers {
			fmt.Fprintf(b, "- %s\n", inline(serverLine(s)))
		}
		if len(m.Servers) > 0 {
			fmt.Fprintln(b)
		}
		fmt.Fprint(b, "| status | precondition | summary |\n| --- | --- | --- |\n")
		for _, p := range m.Preconditions {
			fmt.Fprintf(b, "| %s | %s | %s |\n", p.Status, inline(p.ID), inline(p.Summary))
		}
		markdownSince(b, m.Since)
		markdownRunbook(b, m.Runbook)
		for _, p := range m.Preconditions {
			markdownFindings(b, p)
		}
	}
	return b.Flush()
}

// markdownSince writes what changed, if that was asked for.
func markdownSince(b *bufio.Writer, s *Since) {
	if s == nil {
		return
	}
	fmt.Fprintf(b, "\n### %s\n\n", inline(s.Title()))
	for _, d := range s.Changes {
		fmt.Fprintf(b, "- %s: %s, at %s: %s\n", inline(d.Precondition), inline(d.Course()), clock(d.ChangedAt),
			inline(d.Summary))
	}
}

// markdownRunbook writes the steps of the cutover as a table.
func markdownRunbook(b *bufio.Writer, r *Runbook) {
	if r == nil {
		return
	}
	fmt.Fprint(b, "\n### Cutover, step by step\n\n| step | state | seen | takes |\n| --- | --- | --- | --- |\n")
	for _, s := range r.Steps {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", s.Title, s.State, inline(s.Summary), inline(s.Expected))
	}
}

func markdownFindings(b *bufio.Writer, p PreconditionReadiness) {
	titled := false
	title := func() {
		if !titled {
			fmt.Fprintf(b, "\n### %s\n\n", inline(p.Title))
		}
		titled = true
	}
	for _, g := range share(urgent(p.Findings)) {
		title()
		if len(g.Findings) > 1 {
			fmt.Fprintf(b, "- remedy for the next %d:%s\n", len(g.Findings), code(g.Remedy))
		}
		for _, f := range g.Findings {
			fmt.Fprintf(b, "- **%s**: %s\n", f.Status, inline(f.Summary))
			if f.Evidence != "" {
				fmt.Fprintf(b, "  - seen:%s\n", code(f.Evidence))
			}
		}
		if len(g.Findings) == 1 && g.Remedy != "" {
			fmt.Fprintf(b, "  - remedy:%s\n", code(g.Remedy))
		}
	}
	for _, w := range p.Waivers {
		title()
		fmt.Fprintf(b, "- waiver %s%suntil %s: %s\n",
			named("for", w.Subject), named("by", w.Owner), until(w.Expires), inline(w.Reason))
	}
}

// named puts a word before a name, unless the name is empty.
func named(word, name string) string {
	if name == "" {
		return ""
	}
	return word + " " + inline(name) + " "
}

// inline escapes a text for a line or a table cell.
func inline(s string) string {
	s = strings.Join(strings.Fields(printable(s)), " ")
	return strings.NewReplacer(
		`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
		"*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "#", `\#`,
	).Replace(s)
}

// code writes a text after its label, in a code span or block, with more backticks around it than it contains.
func code(s string) string {
	s = strings.TrimSpace(printable(s))
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.Contains(s, "\n") {
		for len(fence) < 3 {
			fence += "`"
		}
		return "\n\n    " + fence + "\n    " + strings.ReplaceAll(s, "\n", "\n    ") + "\n    " + fence
	}
	if fence != "`" {
		s = " " + s + " "
	}
	return " " + fence + s + fence
}
