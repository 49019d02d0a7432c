package cron

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Limits of the file names that a pattern stands for.
const (
	maxNames     = 2000 // that are looked at in one directory
	maxMatches   = 200
	maxWildcards = 3  // directories of one pattern that are read
	globSteps    = 50 // commands that reading a directory counts as
)

// glob is a word that a shell replaces by file names.
type glob struct {
	index   int // of the word
	pattern string
}

// quoteGlob makes text stand for itself in a pattern.
func quoteGlob(text string) string {
	if !strings.ContainsAny(text, `\*?[`) {
		return text // most texts: a Replacer is costly to make
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(text)
}

// withFiles replaces the words that are patterns by the files that they stand for. One that none has, or that is not
// known, stays what it is.
func (r *reader) withFiles(words []word, globs []glob, sh *shell) []word {
	for _, g := range slices.Backward(globs) {
		if g.index >= len(words) {
			continue
		}
		if names := r.names(g.pattern, sh); len(names) > 0 {
			words = slices.Replace(words, g.index, g.index+1, names...)
		}
	}
	return words[:min(len(words), maxWords)]
}

// names returns the names of the files that a pattern stands for in the shell's directory.
func (r *reader) names(pattern string, sh *shell) []word {
	dir := ""
	if !strings.HasPrefix(pattern, "/") {
		dir = strings.TrimSuffix(sh.dir, "/") + "/"
	}
	path := quoteGlob(dir) + pattern
	if sh.elsewhere != "" || sh.view != "" || strings.Contains(path, unknown) || !filepath.IsAbs(path) ||
		ofSystem.MatchString(path) {
		return nil
	}
	var names []word
	for _, match := range r.matches(path) {
		names = append(names, word(strings.TrimPrefix(match, dir)))
	}
	return names
}

// matches returns the paths that an absolute pattern stands for, in their order.
func (r *reader) matches(pattern string) []string {
	paths, wildcards, listed := []string{""}, 0, false
	for segment := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		var next []string
		if !strings.ContainsAny(strings.NewReplacer(`\*`, "", `\?`, "", `\[`, "").Replace(segment), "*?[") {
			for _, path := range paths {
				next = append(next, path+"/"+unescape(segment, ""))
			}
			paths, listed = next, false
			continue
		}
		listed = true
		if wildcards++; wildcards > maxWildcards {
			return nil
		}
		for _, path := range paths {
			if len(next) < maxMatches && r.spend(globSteps) {
				next = append(next, matchingNames(path, segment)...)
			}
		}
		paths = next[:min(len(next), maxMatches)]
	}
	if listed { // their directories say that they are there
		return paths
	}
	return slices.DeleteFunc(paths, func(path string) bool { _, err := os.Lstat(path); return err != nil })
}

// matchingNames returns the paths of what is in a directory and has a name that matches.
func matchingNames(dir, pattern string) []string {
	names, err := someNames(dir + "/")
	if err != nil {
		return nil
	}
	var paths []string
	for _, name := range names {
		hidden := strings.HasPrefix(name, ".") && !strings.HasPrefix(pattern, ".")
		if ok, err := filepath.Match(pattern, name); ok && err == nil && !hidden {
			paths = append(paths, dir+"/"+name)
		}
	}
	return paths
}

// someNames lists up to maxNames names of a directory, sorted.
func someNames(dir string) ([]string, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fs.ErrInvalid
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	names, _ := d.Readdirnames(maxNames) // what could be read counts
	slices.Sort(names)
	return names, d.Close()
}

// undecideValues notes the values of a loop that has too many to be read one by one, and what the files among them
// hold: a loop over scripts can run them.
func (r *reader) undecideValues(values []word, sh *shell) {
	r.undecide(join(values))
	for _, w := range values {
		if path := sh.resolve(w); path != "" && sh.elsewhere == "" && isFile(path) && !ofSystem.MatchString(path) {
			if text, ok := r.scriptText(path); ok && !isBinary(text) {
				r.undecide(withoutComments(text))
			}
		}
	}
}

// find reads what find runs for each file that it finds.
func (r *reader) find(words []word, sh shell) outcome {
	first := slices.IndexFunc(words, func(w word) bool { return hasWord("-exec -execdir -ok -okdir", string(w)) })
	if first < 0 {
		return outcome{out: opaque()}
	}
	command := words[first+1:]
	if end := slices.IndexFunc(command, func(w word) bool { return w == ";" || w == "+" }); end >= 0 {
		command = command[:end]
	}
	if isPassiveCall(command) {
		return outcome{out: opaque()}
	}
	o := r.program(filledIn(words), sh)
	found := r.foundFiles(words[1:first], sh)
	if len(found) > maxLoop {
		r.undecideValues(found, &sh)
		return o
	}
	for _, path := range found {
		filled := make([]word, len(command))
		for i, w := range command {
			filled[i] = word(strings.ReplaceAll(string(w), "{}", string(path)))
		}
		there := sh
		there.doubt = "whether find finds it is not known"
		r.run(filled, there, stream{})
	}
	return o
}

// foundFiles returns the files that find may find: those below its directories whose names fit, whatever else it asks
// for.
func (r *reader) foundFiles(args []word, sh shell) []word {
	var dirs []string
	pattern := ""
	for i, w := range args {
		switch {
		case strings.HasPrefix(string(w), "-"):
			if w == "-name" && i+1 < len(args) && pattern == "" {
				pattern = string(args[i+1])
			}
		case len(dirs) == i && sh.elsewhere == "" && sh.resolve(w) != "" && !ofSystem.MatchString(sh.resolve(w)+"/"):
			dirs = append(dirs, sh.resolve(w))
		}
	}
	var found []word
	left := maxNames
	for _, dir := range dirs {
		_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if left--; left < 0 || len(found) >= maxMatches || !r.spend(1) {
				return fs.SkipAll
			}
			if err != nil {
				return nil //nolint:nilerr // what cannot be read is passed over, as find does
			}
			fits, err := filepath.Match(pattern, entry.Name())
			if entry.Type().IsRegular() && (pattern == "" || fits || err != nil) {
				found = append(found, word(path))
			}
			return nil
		})
	}
	return found
}
