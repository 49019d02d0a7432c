package cron

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// compose reads a Compose file: the services' commands, the jobs in their labels and the crontabs in their variables.
func (d *definition) compose(n *yaml.Node) {
	d.besides(n)
	for _, f := range d.fields(d.get(n, "services")) {
		d.service(f.key, f.value, f.line)
	}
	for _, f := range d.fields(d.get(n, "configs")) {
		if content := d.text(f.value, "content"); content != "" {
			p := part{line: f.line, runs: "a container", note: "config " + f.key, remedy: "take the job out of it"}
			d.report(p, func(r *reader, sh shell) { r.anyText(strings.ReplaceAll(content, "$$", "$"), sh) })
		}
	}
}

func (d *definition) service(name string, n *yaml.Node, line int) {
	labels, vars := d.pairs(d.get(n, "labels")), d.pairs(d.get(n, "environment"))
	labels = append(labels, d.pairs(d.at(n, "deploy", "labels"))...)
	p := part{
		line: line, runs: "a container", note: "service " + name, user: d.text(n, "user"), vars: map[string]string{},
		remedy: "docker compose stop " + name,
	}
	if d.text(n, "deploy", "replicas") == "0" || d.text(n, "scale") == "0" {
		p.dormant = "it has no replicas"
	}
	for _, v := range vars {
		if len(p.vars) < maxVars {
			p.vars[v.name] = strings.ReplaceAll(v.value, "$$", "$")
		}
	}
	d.envFiles(n, p.vars)
	p.swarmCronjob(labels)
	command := d.serviceCommand(n)
	d.command(command, p)
	d.mountedScript(n, command, p)
	d.extended(n)
	d.built(n)
	d.variables(p)
	d.mounted(n, p)
	d.jobLabels(name, labels, p)
}

// swarmCronjob takes the labels of swarm-cronjob, which starts a service that has no replicas at its times.
func (p *part) swarmCronjob(labels []pair) {
	for _, l := range labels {
		switch l.name {
		case "swarm.cronjob.schedule":
			p.schedule = l.value
		case "swarm.cronjob.enable":
			p.dormant = ""
			if !strings.EqualFold(l.value, "true") {
				p.dormant = "swarm-cronjob is off for this service"
			}
		}
	}
}

// serviceCommand is what a service runs: its entrypoint with its command behind it.
func (d *definition) serviceCommand(n *yaml.Node) []word {
	var words []word
	for _, key := range []string{"entrypoint", "command"} {
		value := d.get(n, key)
		if value == nil {
			continue
		}
		if value.Kind == yaml.ScalarNode {
			words = append(words, composeWords(value.Value)...)
			continue
		}
		for _, w := range d.words(value) {
			words = append(words, composeValue(string(w)))
		}
	}
	return words
}

var composeVariable = regexp.MustCompile(`\$\$|\$\{[^}]*\}|\$[A-Za-z_]\w*`)

// composeValue is a text in which Compose replaces variables by what its environment holds.
func composeValue(text string) word {
	return word(composeVariable.ReplaceAllStringFunc(text, func(reference string) string {
		if reference == "$$" {
			return "$"
		}
		return unknown
	}))
}

// composeWords splits a command that is written as one text, as a shell does that knows quotes alone.
func composeWords(text string) []word {
	words := splitWords(composeValue(text).source())
	for i, w := range words {
		words[i] = word(strings.ReplaceAll(string(w), unknownPart, unknown))
	}
	return words
}

// pair is a label or a variable.
type pair struct {
	name, value string
	line        int
}

// pairs returns what is written as a mapping or as a list of name=value.
func (d *definition) pairs(n *yaml.Node) []pair {
	var pairs []pair
	for _, f := range d.fields(n) {
		pairs = append(pairs, pair{f.key, f.value.Value, f.line})
	}
	for _, item := range d.items(n) {
		if name, value, ok := strings.Cut(item.Value, "="); ok {
			pairs = append(pairs, pair{name, value, item.Line})
		}
	}
	return pairs
}

// mounted reads the crontabs that a service gets from beside the Compose file.
func (d *definition) mounted(n *yaml.Node, p part) {
	for _, volume := range d.items(d.get(n, "volumes")) {
		source, target := d.mount(volume)
		if !strings.Contains(source, "/") || !strings.Contains(target, "cron") {
			continue
		}
		path := absolute(filepath.Dir(d.path), source)
		files, err := list(path, "*")
		if err != nil {
			files = []string{path}
		}
		p.line = volume.Line
		for _, file := range files[:min(len(files), maxIncluded)] {
			named := p
			named.note = joinNotes(p.note, "with the file "+file)
			d.look.isFirst(file) // so that it is not reported once more where it lies
			d.report(named, func(r *reader, sh shell) {
				if text, ok := r.scriptText(file); ok {
					r.anyText(text, sh)
				}
			})
		}
	}
}

// composeCall reads the services that docker compose run, up and start start, by their commands in the Compose file. It
// reports whether words are such a call whose file is known.
func (r *reader) composeCall(words []word, sh, there shell) bool {
	isCompose := func(w word) bool { return strings.HasSuffix(baseName(w), "compose") }
	i := slices.IndexFunc(words, func(w word) bool { return hasWord("run up start restart create", string(w)) })
	if i < 0 || !slices.ContainsFunc(words[:i], isCompose) {
		return false
	}
	path := composeFile(words[:i], sh)
	data, _, err := readRegular(path, maxDefinition)
	if path == "" || err != nil {
		return false
	}
	d := definition{look: r.look, path: path}
	own := flags{
		short: "euwvpl",
		long:  "--env --user --workdir --volume --name --entrypoint --publish --label --scale --timeout",
	}
	names := skipOptions(words[i+1:], own)
	if words[i] == "run" && len(names) > 1 {
		r.run(names[1:], there, stream{})
		return true
	}
	for _, document := range d.documents(data) {
		for _, f := range d.fields(d.get(document, "services")) {
			if len(names) == 0 || slices.Contains(names, word(f.key)) {
				r.run(d.serviceCommand(f.value), there, stream{})
			}
		}
	}
	return true
}

// composeFile is the file that docker compose reads; empty when it is not known.
func composeFile(words []word, sh shell) string {
	names := []word{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"}
	for i, w := range words {
		if file, ok := strings.CutPrefix(string(w), "--file="); ok {
			names = []word{word(file)}
		}
		if (w == "-f" || w == "--file") && i+1 < len(words) {
			names = words[i+1 : i+2]
		}
		if w == "--project-directory" && i+1 < len(words) {
			sh.dir = sh.resolve(words[i+1])
		}
	}
	for _, name := range names {
		if path := sh.resolve(name); path != "" && isFile(path) {
			return path
		}
	}
	return ""
}
