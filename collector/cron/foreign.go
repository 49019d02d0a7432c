package cron

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The most that is read beside a program: files that become part of it, how deep those include others, and scripts that
// it names.
const (
	maxIncluded     = 20
	maxNamedScripts = 20
)

// foreign reads a program in another language than a shell's. Nothing here runs it, so what it names is possible at
// most: a program that names Magento's console and a cron command in something else than a comment or a message, and
// that can start others.
func (r *reader) foreign(path, text string, l language, args []word, sh shell) {
	there := sh.child()
	if path != "" {
		there.script = path
	}
	p := r.part()
	var program source
	always := slices.ContainsFunc(args, func(w word) bool { return canMatter(`"` + w.text() + `"`) })
	r.include(path, text, &program, l, always)
	if l.name == "php" && p.entry(path, program.text, there) {
		r.take(p, there)
		return
	}
	if !l.starts.MatchString(program.code) {
		return
	}
	p.undecide(program.text)
	p.undecide(join(args))
	p.undecideFiles(args, sh)
	p.undecideData(path, program.text)
	p.namedScripts(program.text, there)
	r.take(p, there)
}

// include adds what counts in a program, in the files that it includes by names that are known, and in those that they
// include. What cannot matter is left out, unless always is set.
func (r *reader) include(path, text string, program *source, l language, always bool) {
	seen := map[string]bool{path: true}
	type file struct{ path, text string }
	for files := []file{{path, text}}; len(files) > 0; files = files[1:] {
		current := files[0]
		if always || canMatter(current.text) {
			part := l.program(current.text)
			current.text = part.text
			program.text += part.text + "\n"
			program.code += part.code + "\n"
		}
		if l.includes == nil || path == "" {
			return
		}
		for _, m := range l.includes.FindAllStringSubmatch(current.text, maxIncluded) {
			name := l.includedFile(current.path, m)
			if seen[name] || len(seen) > maxIncluded || !isFile(name) || isMagento(name) {
				continue
			}
			seen[name] = true
			if included, ok := r.scriptText(name); ok {
				files = append(files, file{name, included})
			}
		}
	}
}

// canMatter reports whether a program's text names anything of Magento's cron, or a script or file that could. Few do,
// and to take a program apart takes time.
func canMatter(text string) bool {
	for _, hint := range []string{"cron", "Cron", "consumers", "magento", "Magento"} {
		if strings.Contains(text, hint) {
			return true
		}
	}
	return dataName.MatchString(text) || len(decodedLiterals(text)) > 0 ||
		slices.ContainsFunc(scriptPath.FindAllString(text, maxPaths), isScriptPath)
}

// isScriptPath reports whether a path can be that of a script.
func isScriptPath(path string) bool {
	return scriptSuffix.MatchString(path) || ownScript.MatchString(filepath.Base(path))
}

// includedFile is the path of a file that is included, by the groups of includes: a part before the name that says that
// it lies beside the program, and the name.
func (l language) includedFile(path string, groups []string) string {
	name := groups[2]
	if filepath.Ext(name) == "" {
		name += map[string]string{"python": ".py", "ruby": ".rb", "javascript": ".js"}[l.name]
	}
	if groups[1] == "" && filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(filepath.Dir(path), name)
}

// isMagento reports whether a file is part of a Magento: it names everything, and starts what its arguments say.
func isMagento(path string) bool {
	for _, dir := range []string{"/vendor/", "/app/", "/lib/", "/setup/", "/generated/"} {
		root, _, found := strings.Cut(path, dir)
		if found && isFile(filepath.Join(root, "bin/magento")) || found && isFile(filepath.Join(root, "app/Mage.php")) {
			return true
		}
	}
	return false
}

// scriptPath finds the scripts that a program names by their whole path.
var scriptPath = regexp.MustCompile(`/(?:[\w.@+-]+/)+[\w.@+-]+`)

// namedScripts reads the scripts that a program names, because it can start them with arguments that are not known.
func (r *reader) namedScripts(program string, sh shell) {
	sh.doubt = "whether " + sh.script + " runs it is not known"
	sh.moreWords = true
	for i, path := range scriptPath.FindAllString(program, maxPaths) {
		if i >= maxNamedScripts || len(r.found) > 0 {
			return
		}
		if !isScriptPath(path) || path == sh.script || !isFile(path) || isMagento(path) || sh.depth >= maxDepth {
			continue
		}
		if !r.named([]word{word(path)}, true, sh) {
			r.script(path, nil, sh, "")
		}
	}
}

var scriptSuffix = regexp.MustCompile(`\.(sh|bash|php|py|pl|rb|js|ts|go|lua|exp)$`)

// interpreted reads a program that runs the program in a file, in its arguments or in its input.
func (r *reader) interpreted(l language, words []word, sh shell, in stream) {
	args := words[1:]
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && args[0] != "--" {
		option := string(args[0])
		args = args[1:]
		switch {
		case strings.HasPrefix(option, "--eval=") || strings.HasPrefix(option, "--print="):
			_, code, _ := strings.Cut(option, "=")
			r.inline(l, code, args, sh)
			return
		case takesCode(option, l.code):
			if len(args) > 0 {
				r.inline(l, string(args[0]), args[1:], sh)
			}
			return
		case option == "-f" && l.name == "php" && len(args) > 0:
			r.scriptWord(args[0], args[1:], sh, baseName(words[0]))
			return
		case option == "-m" && l.name == "python" && len(args) > 0:
			r.module(args[0], args[1:], sh)
			return
		case len(args) > 0 && (hasWord(l.longValues, option) || option[1] != '-' && takesNext(option[1:], l.values)):
			args = args[1:]
		}
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	switch {
	case len(args) > 0 && args[0] != "-":
		r.scriptWord(args[0], args[1:], sh, baseName(words[0]))
	case in.file != "":
		r.script(in.file, nil, sh, baseName(words[0]))
	default:
		r.foreign("", in.text.text(), l, args, sh)
	}
}

// module reads a module of Python's that lies in the working directory.
func (r *reader) module(name word, args []word, sh shell) {
	path := strings.ReplaceAll(string(name), ".", "/")
	for _, file := range []string{path + ".py", path + "/__main__.py"} {
		if r.script(sh.resolve(word(file)), args, sh, "python") {
			return
		}
	}
}

// takesCode reports whether an option, or the last of some one-letter options, takes a program as its value.
func takesCode(option, letters string) bool {
	if strings.HasPrefix(option, "--") {
		return option == "--eval" || option == "--print" || option == "--run"
	}
	return strings.IndexByte(letters, option[len(option)-1]) >= 0 && takesNext(option[1:], letters)
}

// inline reads a program in an argument.
func (r *reader) inline(l language, code string, args []word, sh shell) {
	l.tags = [2]string{}
	r.foreign("", word(code).text(), l, args, sh)
}
