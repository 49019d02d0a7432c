package cron

import (
	"strings"
)

// option is one setting of a systemd unit or of supervisor's configuration.
type option struct {
	section, key, value string
	file                string
	line                int
}

// options are in the order in which they are written; later ones win or add, as the program that reads them has it.
type options []option

// logicalLine is a line with those that continue it.
type logicalLine struct {
	number int
	text   string
}

// unitLines joins a unit file's lines: a backslash at the end continues a line, over comments between.
func unitLines(data []byte) []logicalLine {
	var lines []logicalLine
	var text strings.Builder
	number, start := 0, 0
	for line := range strings.SplitSeq(string(data), "\n") {
		number++
		line = strings.TrimSpace(line)
		if isCommentLine(line) || line == "" && start == 0 {
			continue
		}
		if start == 0 {
			start = number
		}
		part, more := strings.CutSuffix(line, `\`)
		text.WriteString(part)
		if more {
			text.WriteByte(' ')
			continue
		}
		lines = append(lines, logicalLine{start, text.String()})
		text.Reset()
		start = 0
	}
	if start > 0 {
		lines = append(lines, logicalLine{start, text.String()})
	}
	return lines
}

// supervisorLines joins lines as Python's configparser does: one that begins with a blank continues the one before.
func supervisorLines(data []byte) []logicalLine {
	var lines []logicalLine
	var text strings.Builder
	number := 0
	flush := func() {
		if len(lines) > 0 {
			lines[len(lines)-1].text = text.String()
		}
		text.Reset()
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		number++
		line, _, _ = strings.Cut(line, " ;")
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || isCommentLine(trimmed):
			continue
		case len(lines) > 0 && (line[0] == ' ' || line[0] == '\t'):
			text.WriteByte(' ')
		default:
			flush()
			lines = append(lines, logicalLine{number: number})
		}
		text.WriteString(trimmed)
	}
	flush()
	return lines
}

func isCommentLine(line string) bool {
	return strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";")
}

// parseOptions reads sections and settings. Lines that are neither are passed over, as systemd does.
func parseOptions(file string, lines []logicalLine) options {
	var found options
	section := ""
	for _, line := range lines {
		if strings.HasPrefix(line.text, "[") && strings.HasSuffix(line.text, "]") {
			section = line.text[1 : len(line.text)-1]
			continue
		}
		if key, value, ok := strings.Cut(line.text, "="); ok {
			key, value = strings.TrimSpace(key), strings.TrimSpace(value)
			found = append(found, option{section: section, key: key, value: value, file: file, line: line.number})
		}
	}
	return found
}

// list returns what a setting that can be given several times adds up to: an empty value takes back those before it.
func (o options) list(section string, keys ...string) options {
	var found options
	for _, key := range keys {
		var values options
		for _, option := range o {
			switch {
			case option.section != section || option.key != key:
			case option.value == "":
				values = nil
			default:
				values = append(values, option)
			}
		}
		found = append(found, values...)
	}
	return found
}

// last returns a setting's last value, or "".
func (o options) last(section, key string) string {
	value := ""
	for _, option := range o {
		if option.section == section && option.key == key {
			value = option.value
		}
	}
	return value
}

// sections returns the names of the sections that begin so, once each.
func (o options) sections(prefix string) []string {
	var names []string
	seen := map[string]bool{}
	for _, option := range o {
		if strings.HasPrefix(option.section, prefix) && !seen[option.section] {
			seen[option.section] = true
			names = append(names, option.section)
		}
	}
	return names
}
