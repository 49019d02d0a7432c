package integrity

import "slices"

// Line is a line as the tool logs it.
type Line struct {
	Mode, Step string
	Level      Level
	Text       string
}

// Lines puts predictions together as the tool does: all unmapped tables of a step in one line, all fields of a table in
// one.
func Lines(predictions []Prediction) []Line {
	var lines []Line
	lead, separator := "", ""
	for _, f := range predictions {
		same := Line{f.Mode, f.Step, f.Level, ""}
		if n := len(lines); n > 0 && f.item != "" && lead == f.lead &&
			(Line{lines[n-1].Mode, lines[n-1].Step, lines[n-1].Level, ""}) == same {
			lines[n-1].Text += separator + f.item
			continue
		}
		same.Text = f.Message
		lines = append(lines, same)
		lead, separator = f.lead, f.separator
	}
	return lines
}

// Snippet is all lines for one place in one file.
type Snippet struct {
	Option, File string
	// Inside is as in Remedy.
	Inside string
	// XML is the lines, each once, in the order of the predictions.
	XML []string
}

// Snippets puts the lines of all predictions together by file and place.
func Snippets(predictions []Prediction) []Snippet {
	var snippets []Snippet
	for _, f := range predictions {
		r := f.Remedy
		if r.XML == "" {
			continue
		}
		i := slices.IndexFunc(snippets, func(s Snippet) bool { return s.Option == r.Option && s.Inside == r.Inside })
		if i < 0 {
			i = len(snippets)
			snippets = append(snippets, Snippet{Option: r.Option, File: r.File, Inside: r.Inside})
		}
		if !slices.Contains(snippets[i].XML, r.XML) {
			snippets[i].XML = append(snippets[i].XML, r.XML)
		}
	}
	return snippets
}
