package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

var (
	//go:embed files/faults.sh
	faults string
	//go:embed files/story.sh
	story string
	//go:embed files/menu.sh
	menuScript string
)

// menu is a script of numbered entries: without a number it lists them, with one it shows the entry's commands and runs
// them.
type menu struct {
	Path, What string
	Entries    []entry
	// Undo is true when entries can be undone.
	Undo bool
}

// entry is one number of a menu.
type entry struct{ Title, Do, Undo string }

// menus are the scripts that the demo writes for those who want to try more.
type menus struct {
	// Break breaks something, Story goes through a migration step by step.
	Break, Story *menu
}

// writeMenus fills the two texts and writes the scripts.
func (d *demo) writeMenus(s *shops, e *runningExporter) (*menus, error) {
	data := map[string]any{"Demo": s.Demo, "Window": s.Window, "Config": e.Config, "Reload": e.Reload()}
	m := &menus{
		Break: &menu{Path: filepath.Join(d.dir, "break"), Undo: true, What: "Break something, and see what the " +
			"exporter says. First the migration, then the precondition that sees it:"},
		Story: &menu{Path: filepath.Join(d.dir, "story"), What: "The migration \"demo\" step by step, once it is " +
			"ready. First the phase that it gets to:"},
	}
	for of, text := range map[*menu]string{m.Break: faults, m.Story: story} {
		if err := of.write(text, data); err != nil {
			return nil, fmt.Errorf("write %s: %w", of.Path, err)
		}
	}
	return m, nil
}

// write fills the text, in which lines that begin with == begin an entry or its undo, and writes the script.
func (m *menu) write(text string, data any) error {
	filled, err := fill("entries", text, data)
	if err != nil {
		return err
	}
	for block := range strings.SplitSeq(filled, "== ") {
		title, commands, ok := strings.Cut(block, "\n")
		commands = strings.TrimSpace(commands)
		switch {
		case !ok || commands == "":
		case title == "undo":
			m.Entries[len(m.Entries)-1].Undo = commands
		default:
			m.Entries = append(m.Entries, entry{Title: title, Do: commands})
		}
	}
	script, err := fill("menu", menuScript, m)
	if err != nil {
		return err
	}
	return os.WriteFile(m.Path, []byte(script), 0o700) //nolint:gosec // people run it
}

// fill fills a template.
func fill(name, text string, data any) (string, error) {
	inc := func(i int) int { return i + 1 }
	t, err := template.New(name).Funcs(template.FuncMap{"inc": inc, "comment": comment}).Parse(text)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = t.Execute(&b, data)
	return b.String(), err
}
