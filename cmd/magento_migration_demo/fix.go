package main

import (
	_ "embed"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed files/instructions.tmpl
var instructions string

// fix is what fixes a precondition: commands for a shell, made of the exporter's remedies.
type fix struct {
	Precondition string
	Summaries    []string
	Commands     []string
	// Remedies are those of which no command can be made. They matter only without any command.
	Remedies []string
}

// explain prints how to fix what fails, and the addresses of everything.
func (d *demo) explain(s *shops, e *runningExporter, m *monitoring, r *readiness) error {
	menus, err := d.writeMenus(s, e)
	if err != nil {
		return err
	}
	text, err := fill("instructions", instructions, map[string]any{
		"Fixes": fixes(s.Demo, e, r), "Shops": s, "Monitoring": m, "Exporter": e, "Menus": menus,
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(d.stdout, text)
	return err
}

// comment makes a shell comment of a text.
func comment(text string) string {
	return "# " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n# ")
}

// fixes makes commands for these servers of the exporter's remedies for the first migration, each once.
func fixes(s *site, e *runningExporter, r *readiness) []fix {
	var list []fix
	for _, m := range r.Migrations[:min(len(r.Migrations), 1)] {
		for _, p := range m.Preconditions {
			found := fix{Precondition: p.ID}
			for _, f := range p.Findings {
				if (f.Status != "fail" && f.Status != "warn") || f.Remedy == "" {
					continue
				}
				found.Summaries = append(found.Summaries, f.Summary)
				commands := s.commands(p.ID, f, e)
				if len(commands) == 0 {
					found.Remedies = append(found.Remedies, f.Remedy)
				}
				for _, c := range commands {
					if !slices.Contains(found.Commands, c) {
						found.Commands = append(found.Commands, c)
					}
				}
			}
			if found.Summaries != nil {
				list = append(list, found)
			}
		}
	}
	return list
}

var (
	magentoInRemedy = regexp.MustCompile(`bin/magento [a-z:]+`)
	mapInRemedy     = regexp.MustCompile(`^Copy (\S+) to (\S+), set <(\w+)> to \S+ in config\.xml, ` +
		`and add inside <(\w+)><(\w+)>:\n(<.*>)`)
)

// commands are the command lines that follow a remedy in this demo.
func (s *site) commands(precondition string, f finding, e *runningExporter) []string {
	if sql := firstStatements(f.Remedy); sql != "" {
		client := s.Client2()
		if precondition == "binlog_trust" || strings.HasPrefix(f.Subject, "magento1") {
			client = s.Client1()
		}
		return []string{fmt.Sprintf("%s <<'SQL'\n%s\nSQL", client, sql)}
	}
	if m := mapInRemedy.FindStringSubmatch(f.Remedy); m != nil {
		return []string{
			"cp --no-clobber " + m[1] + " " + m[2],
			fmt.Sprintf("sed -i 's|<%[1]s>.*</%[1]s>|<%[1]s>%[2]s</%[1]s>|' %[3]s", m[3], m[2], s.Config()),
			fmt.Sprintf("sed -i '/<%[1]s>/,/<.%[1]s>/s|<%[2]s>|&\\n%[3]s|' %[4]s", m[4], m[5], m[6], m[2]),
		}
	}
	switch precondition {
	case "m2_entities":
		return []string{fmt.Sprintf("gunzip --stdout %s | %s", s.Backup, s.Client2())}
	case "extensions":
		return []string{
			fmt.Sprintf("sed -i '/name: %s$/,/topology:/s|topology:|extensions: {decisions: {%s: {dropped: "+
				"\"no longer sold\"}}}\\n      &|' %s", s.Name, f.Subject, e.Config),
			e.Reload(),
		}
	}
	if command := magentoInRemedy.FindString(f.Remedy); command != "" {
		return []string{filepath.Join(s.Root2, command)}
	}
	return nil
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
