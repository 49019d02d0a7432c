package cron

import (
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

// besides reads the files that a Compose file names and that become part of it.
func (d *definition) besides(n *yaml.Node) {
	for _, item := range d.items(d.get(n, "include")) {
		files := append(d.items(d.get(item, "path")), item, d.get(item, "path"))
		for _, file := range files {
			if file != nil && file.Kind == yaml.ScalarNode {
				d.other(file.Value, "")
			}
		}
	}
}

// other reads another Compose file: all of its services, or one of them.
func (d *definition) other(name, service string) {
	path := absolute(filepath.Dir(d.path), name)
	if name == "" || strings.Contains(name, "://") || d.look.scripts <= 0 || d.depth >= maxDepth {
		return
	}
	if service == "" && !d.look.isFirst(path) {
		return // where it lies it has been read
	}
	data, _, err := readRegular(path, maxDefinition)
	d.look.scripts--
	if err != nil {
		return
	}
	there := definition{look: d.look, path: path, depth: d.depth + 1, named: d.named}
	for _, document := range there.documents(data) {
		if service == "" {
			there.known(document)
			continue
		}
		for _, f := range there.fields(there.get(document, "services")) {
			if f.key == service {
				there.service(f.key, f.value, f.line)
			}
		}
	}
}

// isFirst reports whether a file is there and was not read before, and takes note that it is read now.
func (l *look) isFirst(path string) bool {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil || l.seen[resolved] || len(l.seen) >= maxFiles {
		return false
	}
	l.seen[resolved] = true
	return true
}

// extended reads the service of another file that a service is made from, unless it has a command of its own. Below a
// root all files are read anyway.
func (d *definition) extended(n *yaml.Node) {
	if d.named && d.get(n, "command") == nil {
		d.other(d.text(n, "extends", "file"), d.text(n, "extends", "service"))
	}
}

// built reads the definition of the image that a service is built from, unless the service runs something else.
func (d *definition) built(n *yaml.Node) {
	build := d.get(n, "build")
	if build == nil || d.get(n, "command") != nil && d.get(n, "entrypoint") != nil {
		return
	}
	if inline := d.text(build, "dockerfile_inline"); inline != "" {
		d.look.dockerfile(d.path, []byte(inline))
		return
	}
	context, file := d.text(build, "context"), d.text(build, "dockerfile")
	if build.Kind == yaml.ScalarNode {
		context = build.Value
	}
	if file == "" {
		file = "Dockerfile"
	}
	path := absolute(absolute(filepath.Dir(d.path), context), file)
	if strings.Contains(context, "://") || d.look.scripts <= 0 || !isFile(path) || !d.look.isFirst(path) {
		return
	}
	d.look.scripts--
	if data, _, err := readRegular(path, maxDefinition); err == nil {
		d.look.dockerfile(path, data)
	}
}

// envFiles adds the variables of the files that a service names.
func (d *definition) envFiles(n *yaml.Node, vars map[string]string) {
	node := d.get(n, "env_file")
	names := d.items(node)
	if node != nil && node.Kind == yaml.ScalarNode {
		names = append(names, node)
	}
	for _, item := range names {
		name := item.Value
		if item.Kind == yaml.MappingNode {
			name = d.text(item, "path")
		}
		path := absolute(filepath.Dir(d.path), name)
		if name == "" || d.look.scripts <= 0 {
			continue
		}
		data, _, err := readRegular(path, maxDefinition)
		d.look.scripts--
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			variable, value, ok := strings.Cut(strings.TrimSpace(line), "=")
			if _, set := vars[variable]; ok && !set && !strings.HasPrefix(variable, "#") && len(vars) < maxVars {
				vars[variable] = strings.Trim(value, `"'`)
			}
		}
	}
}

// mountedScript reads the script that a service runs, where it is mounted from beside the Compose file.
func (d *definition) mountedScript(n *yaml.Node, command []word, p part) {
	for _, volume := range d.items(d.get(n, "volumes")) {
		source, target := d.mount(volume)
		for i, w := range command[:min(len(command), maxWrapped)] {
			rest, below := strings.CutPrefix(string(w), target)
			if !strings.Contains(source, "/") || target == "" || !below || w.open() ||
				rest != "" && !strings.HasPrefix(rest, "/") && !strings.HasSuffix(target, "/") {
				continue
			}
			path := absolute(filepath.Dir(d.path), source) + "/" + rest
			d.report(p, func(r *reader, sh shell) {
				if text, ok := r.scriptText(filepath.Clean(path)); ok && !isBinary(text) {
					sh.script, sh.args = filepath.Clean(path), command[i+1:]
					r.text(text, &sh, dialectsOf(""))
				}
			})
		}
	}
}

// mount returns what a volume mounts, and where.
func (d *definition) mount(volume *yaml.Node) (source, target string) {
	if volume.Kind == yaml.MappingNode {
		return d.text(volume, "source"), d.text(volume, "target")
	}
	source, target, _ = strings.Cut(volume.Value, ":")
	target, _, _ = strings.Cut(target, ":")
	return source, target
}
