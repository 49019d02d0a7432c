package report

import (
	"regexp"
	"slices"
	"strings"

	"magento_migration_exporter/collector/finding"
)

// shared is a remedy with the findings that it covers. Findings that are fixed in the same place share one remedy,
// which has the lines of all.
type shared struct {
	Findings []finding.Finding
	Remedy   string
}

// urgent returns the findings that need a look, the worst first.
func urgent(findings []finding.Finding) []finding.Finding {
	var all []finding.Finding
	for _, status := range worstFirst() {
		for _, f := range findings {
			if f.Status == status && shown(f) {
				all = append(all, f)
			}
		}
	}
	return all
}

// share puts findings with the same status together when their remedies differ only in the lines to paste, such as the
// rules for one map file. Lists of causes are never put together. The order is that of the first finding of each.
func share(findings []finding.Finding) []shared {
	type group struct {
		findings []finding.Finding
		parts    [][]remedyText
	}
	var groups []*group
	byKey := map[string]*group{}
	for _, f := range findings {
		parts := remedyTexts(f.Remedy)
		key := f.Status.String() + "\n" + remedyKey(parts)
		if choice.MatchString(f.Remedy) {
			key = f.Status.String() + "\n" + f.Remedy
		}
		g := byKey[key]
		if g == nil || len(parts) == 0 {
			g = &group{}
			byKey[key] = g
			groups = append(groups, g)
		}
		g.findings = append(g.findings, f)
		g.parts = append(g.parts, parts)
	}
	var all []shared
	for _, g := range groups {
		remedy := g.findings[0].Remedy
		if len(g.findings) > 1 {
			remedy = merged(g.parts)
		}
		all = append(all, shared{g.findings, remedy})
	}
	return all
}

// choice finds a remedy that lists causes to choose from by number. Two such lists in one would have each number twice.
var choice = regexp.MustCompile(`(?m)^2\. `)

// insideElement ends the sentence over rules for a map file. The rules for all elements of one file belong together.
var insideElement = regexp.MustCompile(` inside ((?:<[^<>]+>)+)((?: \([^()]*\))?):$`)

// remedyKey is the same for remedies that can be merged: it has their sentences, and not their commands.
func remedyKey(parts []remedyText) string {
	var key strings.Builder
	for _, p := range parts {
		if p.Command {
			key.WriteString("\x00\n")
		} else {
			key.WriteString(insideElement.ReplaceAllString(p.Text, ":") + "\n")
		}
	}
	return key.String()
}

// merged writes the sentences once and below each the commands of all.
func merged(all [][]remedyText) string {
	var lines []string
	for i, p := range all[0] {
		if p.Command {
			lines = append(lines, mergedCommands(all, i)...)
		} else {
			lines = append(lines, insideElement.ReplaceAllString(p.Text, ":"))
		}
	}
	return strings.Join(lines, "\n")
}

// mergedCommands has the lines of one part of all remedies. Lines with which all begin, such as the keys over a
// setting, stand there once. Rules for a map file stand under a comment that names their element.
func mergedCommands(all [][]remedyText, part int) []string {
	var lines, places []string
	byPlace := map[string][]string{}
	for _, parts := range all {
		place := ""
		if part > 0 {
			if m := insideElement.FindStringSubmatch(parts[part-1].Text); m != nil {
				place = "<!-- inside " + m[1] + m[2] + " -->"
			}
		}
		if !slices.Contains(places, place) {
			places = append(places, place)
		}
		known, own := byPlace[place], strings.Split(parts[part].Text, "\n")
		same := 0
		for same < len(known) && same < len(own) && known[same] == own[same] {
			same++
		}
		byPlace[place] = append(known, own[same:]...)
	}
	for _, place := range places {
		if place != "" {
			lines = append(lines, place)
		}
		lines = append(lines, byPlace[place]...)
	}
	return lines
}
