package cron

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"go.yaml.in/yaml/v4"
)

// Limits of what is read of definitions, which say what containers and clouds run: the size of a file, its documents,
// and what is looked at below a root.
const (
	maxDefinition     = 1 << 20
	maxAllDefinitions = 32 << 20
	maxDocuments      = 500
	maxNodes          = 50_000
	maxRootEntries    = 20_000
	maxRootDepth      = 3
)

const (
	definitionNote = "whether this is in use is not known here"
	notInUse       = "if it is not in use, move the file out of Magento's folder or waive this finding"
)

// definition is a file that defines what containers, a cluster or a cloud run.
type definition struct {
	look *look
	path string
	// nodes is how many parts of it have been looked at: an anchor can be used many times.
	nodes int
	// depth is how many other definitions led to it; named says that somebody names it, or one of those.
	depth int
	named bool
}

// isDefinition reports whether a file's name is that of a definition.
func isDefinition(path string) bool {
	switch filepath.Ext(path) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// definitionFile reads a file that somebody names as a place that starts cron.
func (l *look) definitionFile(path string, data []byte) {
	d := definition{look: l, path: path, named: true}
	for _, document := range d.documents(data) {
		before := len(l.evidence.Entries)
		if d.known(document); len(l.evidence.Entries) == before {
			d.anything(document)
		}
	}
}

// documents parses a file. One that is no YAML, like a template, is read as text.
func (d *definition) documents(data []byte) []*yaml.Node {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	var documents []*yaml.Node
	for err == nil && len(documents) < maxDocuments {
		var document yaml.Node
		if err = loader.Load(&document); err == nil {
			documents = append(documents, root(&document))
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		d.template(string(data))
		return nil
	}
	return documents
}

func root(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		return n.Content[0]
	}
	return n
}

var templateComment = regexp.MustCompile(`(?s)\{\{-?\s*/\*.*?\*/\s*-?\}\}`)

// template reads what is left of a template without its comments.
func (d *definition) template(text string) {
	text = withoutComments(templateComment.ReplaceAllString(text, ""))
	line := 1
	if at := cronCommand.FindStringIndex(text); at != nil {
		line += strings.Count(text[:at[0]], "\n")
	}
	d.report(part{line: line, note: "it is no plain YAML"}, func(r *reader, _ shell) { r.undecide(text) })
}

// known reads a document of a kind that is known.
func (d *definition) known(n *yaml.Node) {
	switch services := d.get(n, "services"); {
	case d.text(n, "kind") != "" && d.text(n, "apiVersion") != "":
		d.kubernetes(n, maxDepth)
	case services != nil && services.Kind == yaml.MappingNode,
		len(d.items(d.get(n, "include"))) > 0 && composeName.MatchString(filepath.Base(d.path)):
		d.compose(n)
	case d.get(n, "crons") != nil, d.get(n, "workers") != nil, d.get(n, "applications") != nil, isCloudFile(d.path):
		d.cloud(n)
	}
}

// anything reads a document of another kind: each text in it that is a command, but for those that only describe.
func (d *definition) anything(n *yaml.Node) {
	if n = d.resolve(n); n == nil || !d.visit() {
		return
	}
	switch n.Kind {
	case yaml.ScalarNode:
		d.report(part{line: n.Line}, func(r *reader, sh shell) { r.anyText(n.Value, sh) })
	case yaml.MappingNode:
		d.called(n)
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !describing.MatchString(n.Content[i].Value) {
				d.anything(n.Content[i+1])
			}
		}
	case yaml.SequenceNode:
		if words := d.words(n); words != nil && !strings.ContainsAny(string(words[0]), " \t\n") {
			d.report(part{line: n.Line}, func(r *reader, sh shell) { r.run(words, sh, stream{}) })
			return
		}
		for _, item := range n.Content {
			d.anything(item)
		}
	}
}

// called reads a program that has its arguments beside it, as pm2 and Nomad have them.
func (d *definition) called(n *yaml.Node) {
	for _, key := range []string{"script", "command", "cmd", "program"} {
		program, args := d.get(n, key), d.get(n, "args")
		if program == nil || args == nil || program.Kind != yaml.ScalarNode {
			continue
		}
		words := append([]word{word(strings.ReplaceAll(program.Value, unknown, ""))}, d.words(args)...)
		if args.Kind == yaml.ScalarNode {
			words = append(words, splitWords(args.Value)...)
		}
		d.report(part{line: program.Line}, func(r *reader, sh shell) { r.run(words, sh, stream{}) })
	}
}

var describing = regexp.MustCompile(`(?i)^(name|description|comment|summary|title|message|help|notes?|annotations)$`)

// anyText reads a text that can be a command, a script or a crontab.
func (r *reader) anyText(text string, sh shell) {
	if !ownScript.MatchString(text) {
		return
	}
	before := len(r.found)
	r.crontabText("", text, crontabFormat{isUser: isLikelyUser}, sh)
	if len(r.found) == before {
		r.text(text, &sh, dialectsOf(""))
	}
}

// isLikelyUser reports whether a word in a crontab of which nothing else is known is a user: containers have their own.
func isLikelyUser(w string) bool {
	switch w {
	case "root", "www-data", "www", "app", "magento", "nginx", "apache", "application", "nobody", "web":
		return true
	}
	return false
}

// part is a part of a definition that starts something.
type part struct {
	line                    int
	schedule, user, dormant string
	note, remedy            string
	// runs is where it runs, vars its variables.
	runs string
	vars map[string]string
}

// report reads what a part starts, and reports it.
func (d *definition) report(p part, read func(*reader, shell)) {
	sh := shell{vars: environment(p.vars), elsewhere: p.runs, depth: 1}
	if p.runs == "" {
		sh.elsewhere = "what this file defines"
	}
	r := d.look.newReader()
	read(r, sh)
	for _, found := range r.result(sh) {
		found.certainty, found.file = Possible, ""
		found.note = joinNotes(p.note, found.note, definitionNote)
		remedy := p.remedy
		if remedy == "" {
			remedy = "stop what it starts"
		}
		d.look.entry(found.entry(Entry{
			File: d.path, Line: p.line, Schedule: p.schedule, User: p.user, Dormant: p.dormant,
			Remedy: remedy + "; " + notInUse,
		}))
	}
}

// visit counts a part that is looked at, and reports whether there may be more.
func (d *definition) visit() bool {
	if d.nodes++; d.nodes == maxNodes {
		d.look.problem(d.path, fmt.Sprintf("only its first %d parts were read", maxNodes), "split the file")
	}
	return d.nodes < maxNodes
}

// resolve follows an alias.
func (d *definition) resolve(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode && i < maxDepth; i++ {
		n = n.Alias
	}
	return n
}

// get returns what a mapping holds under a key, or what the mappings that it merges hold there; nil for nothing.
func (d *definition) get(n *yaml.Node, key string) *yaml.Node {
	return d.merged(n, key, maxDepth)
}

func (d *definition) merged(n *yaml.Node, key string, depth int) *yaml.Node {
	if n = d.resolve(n); n == nil || n.Kind != yaml.MappingNode || depth == 0 || !d.visit() {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return d.resolve(n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "<<" {
			continue
		}
		from := d.resolve(n.Content[i+1])
		if from != nil && from.Kind == yaml.SequenceNode {
			for _, item := range from.Content {
				if found := d.merged(item, key, depth-1); found != nil {
					return found
				}
			}
		} else if found := d.merged(from, key, depth-1); found != nil {
			return found
		}
	}
	return nil
}

// at follows several keys.
func (d *definition) at(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		n = d.get(n, key)
	}
	return n
}

// text is a scalar under a key; empty for anything else.
func (d *definition) text(n *yaml.Node, keys ...string) string {
	if found := d.at(n, keys...); found != nil && found.Kind == yaml.ScalarNode {
		return found.Value
	}
	return ""
}

// fields returns the keys and values of a mapping, in its order.
func (d *definition) fields(n *yaml.Node) []field {
	if n = d.resolve(n); n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var fields []field
	for i := 0; i+1 < len(n.Content) && d.visit(); i += 2 {
		fields = append(fields, field{n.Content[i].Value, d.resolve(n.Content[i+1]), n.Content[i].Line})
	}
	return fields
}

type field struct {
	key   string
	value *yaml.Node
	line  int
}

// items returns what a sequence holds.
func (d *definition) items(n *yaml.Node) []*yaml.Node {
	if n = d.resolve(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	var items []*yaml.Node
	for _, item := range n.Content {
		if item = d.resolve(item); item != nil && d.visit() {
			items = append(items, item)
		}
	}
	return items
}

// words returns a sequence of texts as the words of a command; nil for anything else.
func (d *definition) words(n *yaml.Node) []word {
	var words []word
	for _, item := range d.items(n) {
		if item.Kind != yaml.ScalarNode || len(words) >= maxWords {
			return nil
		}
		words = append(words, word(strings.ReplaceAll(item.Value, unknown, "")))
	}
	return words
}

// rootDefinitions reads the definitions below the roots. Links to directories are not followed.
func (l *look) rootDefinitions(ctx context.Context) {
	for _, s := range l.sites {
		type directory struct {
			path  string
			depth int
		}
		left, files := l.rootEntries, 0
		for dirs := []directory{{s.resolved, 0}}; len(dirs) > 0 && ctx.Err() == nil; dirs = dirs[1:] {
			dir := dirs[0]
			for entry := range entries(dir.path, &left) {
				path := filepath.Join(dir.path, entry.Name())
				switch {
				case entry.IsDir() && dir.depth < maxRootDepth && !isMagentoDirectory(entry.Name()):
					dirs = append(dirs, directory{path, dir.depth + 1})
				case !entry.IsDir() && l.rootDefinition(path):
					files++
				}
			}
		}
		if left <= 0 {
			l.problem(s.given, fmt.Sprintf("only the first %d files in it are looked through for what containers run",
				l.rootEntries), "keep other files than Magento's outside of its folder")
		}
		if files > 0 {
			l.looked(fmt.Sprintf("%s (%d definitions of containers)", s.given, files))
		}
	}
}

// entries yields what is in a directory, as long as left is above 0.
func entries(path string, left *int) iter.Seq[fs.DirEntry] {
	return func(yield func(fs.DirEntry) bool) {
		dir, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return // what nobody can list holds nothing that somebody deploys from here
		}
		defer dir.Close()
		for *left > 0 {
			batch, err := dir.ReadDir(min(*left, 1000))
			for _, entry := range batch {
				*left--
				if !yield(entry) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}

// isMagentoDirectory reports whether a directory in a root holds Magento's own files, or those of what it is built
// with.
func isMagentoDirectory(name string) bool {
	return slices.Contains([]string{
		"vendor", "generated", "var", "pub", "lib", "app", "setup", "dev", "update", "phpserver", "m2-hotfixes",
		"node_modules", ".git", "media", "skin", "js", "includes", "downloader", "errors", "shell", "pkginfo",
	}, name)
}

// rootDefinition reads a file below a root if it is a definition of a kind that is known.
func (l *look) rootDefinition(path string) bool {
	ext := filepath.Ext(path)
	if ext != ".yaml" && ext != ".yml" && ext != ".ini" && !isDockerfile(path) && !isCrontabCopy(path) {
		return false
	}
	if !l.isFirst(path) {
		return false
	}
	if l.definitionBytes < 0 {
		l.problem("",
			fmt.Sprintf("only the first %d MiB of definitions in Magento's folder are read", maxAllDefinitions>>20),
			"keep other files than Magento's outside of its folder")
		return false
	}
	data, _, err := readRegular(path, maxDefinition)
	l.definitionBytes -= len(data)
	if errors.Is(err, fs.ErrPermission) && (isCloudFile(path) || composeName.MatchString(filepath.Base(path))) {
		l.problem(path, reason(err), readRemedy)
	}
	if err != nil {
		return false
	}
	switch {
	case isDockerfile(path):
		l.dockerfile(path, data)
		return true
	case isCrontabCopy(path):
		p := part{line: 1, runs: "a container", note: "a crontab in Magento's folder", remedy: "take the job out of it"}
		d := definition{look: l, path: path}
		d.report(p, func(r *reader, sh shell) {
			r.crontabText("", string(data), crontabFormat{isUser: isLikelyUser}, sh)
		})
		return true
	case ext == ".ini":
		return l.ofeliaFile(path, data)
	case developmentTool.MatchString(path):
		d := definition{look: l, path: path}
		for _, document := range d.documents(data) {
			d.anything(document)
		}
		return true
	}
	if !isCloudFile(path) && !composeName.MatchString(filepath.Base(path)) && !knownContent.Match(data) {
		return false
	}
	d := definition{look: l, path: path}
	for _, document := range d.documents(data) {
		d.known(document)
	}
	return true
}

// isCrontabCopy reports whether a file is named like a crontab that comes into a container. crontab.xml is Magento's.
func isCrontabCopy(path string) bool {
	dir := filepath.Base(filepath.Dir(path))
	switch filepath.Ext(path) {
	case ".xml", ".md", ".php", ".yaml", ".yml", ".ini":
		return false
	}
	return crontabName.MatchString(filepath.Base(path)) || dir == "cron.d" || dir == "crontabs"
}

var (
	crontabName = regexp.MustCompile(`^crontab([.-]\w+)?$|^[\w.-]+\.(cron|crontab)$`)
	// developmentTool matches the configuration of ddev and Lando, which have commands in many places.
	developmentTool = regexp.MustCompile(`/\.ddev/config[\w.-]*\.ya?ml$|/\.lando(\.[\w-]+)?\.yml$`)

	composeName = regexp.MustCompile(`^(docker-|podman-)?(compose|stack)[\w.-]*\.ya?ml$`)
	// knownContent is how manifests and Compose files look that have other names.
	knownContent = regexp.MustCompile(`(?m)^services:|^\s*(?:- )?kind:\s*["']?` +
		`(CronJob|CronWorkflow|Job|Deployment|StatefulSet|DaemonSet|ReplicaSet|Pod|ConfigMap|\w*List)\b`)
)
