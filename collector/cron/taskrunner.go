package cron

import (
	"encoding/json"
	"path/filepath"
	"strings"
)

// taskFiles returns the files in which a program that runs tasks looks for them, the first one that is there being
// read.
func taskFiles(program string) []string {
	switch program {
	case "npm", "yarn", "pnpm":
		return []string{"package.json"}
	case "composer", "composer.phar":
		return []string{"composer.json"}
	case "just":
		return []string{"justfile", "Justfile", ".justfile"}
	case "task":
		return []string{"Taskfile.yml", "Taskfile.yaml"}
	case "rake":
		return []string{"Rakefile"}
	case "invoke", "inv":
		return []string{"tasks.py"}
	case "fab":
		return []string{"fabfile.py"}
	case "grunt":
		return []string{"Gruntfile.js"}
	case "gulp":
		return []string{"gulpfile.js"}
	case "phing", "ant":
		return []string{"build.xml"}
	case "robo":
		return []string{"RoboFile.php"}
	case "dep":
		return []string{"deploy.php"}
	}
	return nil
}

// runTask reads the task that a program runs. Where tasks are a list of commands by name they are read like a shell's;
// of others the file says what is possible.
func (r *reader) runTask(name string, words []word, sh shell) {
	args := words[1:]
	files := taskFiles(name)
	for i, w := range args {
		if file, ok := strings.CutPrefix(string(w), "--justfile="); ok {
			files = []string{file}
		}
		if hasWord("-f --file --justfile --taskfile -t -buildfile --rakefile", string(w)) && i+1 < len(args) {
			files = []string{string(args[i+1])}
		}
		if dir, ok := strings.CutPrefix(string(w), "--working-dir="); ok {
			sh.dir = sh.resolve(word(dir))
		}
		if (w == "-d" || w == "-C" || w == "--prefix" || w == "--cwd" || w == "--working-dir") && i+1 < len(args) {
			sh.dir = sh.resolve(args[i+1])
		}
	}
	for _, file := range files {
		path := sh.resolve(word(file))
		text, ok := r.scriptText(path)
		if !ok || sh.elsewhere != "" {
			continue
		}
		if filepath.Ext(path) == ".json" {
			r.jsonTask(path, text, args, sh)
			return
		}
		l, isForeign := unknownLanguage(), false
		if _, known, ok := fileLanguage(path, ""); ok {
			l, isForeign = known, true
		}
		if !isForeign {
			text = withoutComments(text)
		}
		r.foreign(path, text, l, args, sh)
		return
	}
	r.undecide(join(words))
}

// jsonTask reads the task in package.json or composer.json that the arguments name.
func (r *reader) jsonTask(path, text string, args []word, sh shell) {
	var file struct {
		Scripts map[string]json.RawMessage `json:"scripts"`
	}
	if json.Unmarshal([]byte(text), &file) != nil {
		r.undecide(text)
		return
	}
	there := sh.child()
	there.script, there.dir = path, filepath.Dir(path)
	goals := []string{}
	for _, w := range args {
		switch goal := w.text(); goal {
		case "install", "update":
			goals = append(goals, "post-"+goal+"-cmd", "post"+goal, goal)
		default:
			goals = append(goals, goal)
		}
	}
	seen := map[string]bool{}
	for len(goals) > 0 {
		goal := goals[0]
		goals = goals[1:]
		if seen[goal] || file.Scripts[goal] == nil {
			continue
		}
		seen[goal] = true
		for _, command := range taskCommands(file.Scripts[goal]) {
			if other, ok := strings.CutPrefix(command, "@"); ok && !strings.Contains(other, " ") {
				goals = append(goals, other)
				continue
			}
			apart := there
			r.text(strings.TrimPrefix(command, "@"), &apart, dialectsOf(""))
		}
	}
}

// taskCommands are the commands of a task: one, or a list.
func taskCommands(raw json.RawMessage) []string {
	var one string
	var list []string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	_ = json.Unmarshal(raw, &list) // what is neither starts nothing
	return list
}
