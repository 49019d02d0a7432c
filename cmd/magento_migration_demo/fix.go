package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed files/instructions.tmpl
var instructions string

// fix is a shell command that fixes findings of a precondition.
type fix struct {
	Precondition string
	Summaries    []string
	// Command is empty when the remedy has nothing to paste.
	Command, Remedy string
}

// explain prints how to fix what fails, and the addresses of everything.
func (d *demo) explain(s *shops, e *runningExporter, m *monitoring, r *readiness) error {
	t, err := template.New("instructions").Funcs(template.FuncMap{"comment": comment}).Parse(instructions)
	if err != nil {
		return err
	}
	return t.Execute(d.stdout, map[string]any{
		"Fixes": fixes(s, r), "Shops": s, "Monitoring": m, "Config": e.config,
	})
}

// comment makes a shell comment of a text.
func comment(text string) string {
	return "# " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n# ")
}

// fixes makes commands for these servers of the exporter's remedies for the first migration, each once.
func fixes(s *shops, r *readiness) []fix {
	var list []fix
	for _, m := range r.Migrations[:min(len(r.Migrations), 1)] {
		for _, p := range m.Preconditions {
			for _, f := range p.Findings {
				if (f.Status != "fail" && f.Status != "warn") || f.Remedy == "" {
					continue
				}
				found := fix{p.ID, []string{f.Summary}, s.command(p.ID, f), f.Remedy}
				i := slices.IndexFunc(list, func(x fix) bool {
					return x.Precondition == p.ID && x.Command == found.Command && x.Remedy == f.Remedy
				})
				if i < 0 {
					list = append(list, found)
					continue
				}
				list[i].Summaries = append(list[i].Summaries, f.Summary)
			}
		}
	}
	return list
}

var magentoInRemedy = regexp.MustCompile(`bin/magento [a-z:]+`)

// command is the command line that follows a remedy in this demo.
func (s *shops) command(precondition string, f finding) string {
	if sql := firstStatements(f.Remedy); sql != "" {
		server := s.Magento2
		if precondition == "binlog_trust" || strings.HasPrefix(f.Subject, "magento1") {
			server = s.Magento1
		}
		return fmt.Sprintf("%s <<'SQL'\n%s\nSQL", server.Client(), sql)
	}
	if precondition == "m2_entities" {
		return fmt.Sprintf("gunzip --stdout %s | %s", s.Backup, s.Magento2.Client())
	}
	if command := magentoInRemedy.FindString(f.Remedy); command != "" {
		return fmt.Sprintf("(cd %s && %s)", s.MagentoRoot, command)
	}
	return ""
}

// firstStatements returns the first lines of a remedy that are SQL; later ones are an alternative.
func firstStatements(remedy string) string {
	lines := strings.Split(remedy, "\n")
	isSQL := func(line string) bool { return strings.HasSuffix(line, ";") }
	start := slices.IndexFunc(lines, isSQL)
	if start < 0 {
		return ""
	}
	lines = lines[start:]
	if end := slices.IndexFunc(lines, func(line string) bool { return !isSQL(line) }); end >= 0 {
		lines = lines[:end]
	}
	return strings.Join(lines, "\n")
}
