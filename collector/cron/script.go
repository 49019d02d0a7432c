package cron

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config/address"
)

// The most scripts that are read in one look, and how many words behind an unknown program can be scripts.
const (
	maxScripts     = 1000
	maxScriptBytes = 1 << 20  // of one
	maxAllScripts  = 64 << 20 // together
	maxWrapped     = 10
	maxArgs        = 50 // of one program
)

// follow reads the script that a command starts, because people wrap cron in scripts of their own. It reports whether
// the command is decided.
func (r *reader) follow(words []word, sh shell) bool {
	// An unknown program can run a script that is among its arguments.
	sh.doubt = "whether " + baseName(words[0]) + " runs it is not known"
	for _, w := range words[1:min(len(words), maxWrapped)] {
		if isCommandText(w) {
			there := sh.child()
			r.text(w.source(), &there, dialectsOf(""))
			continue
		}
		isPath := strings.Contains(string(w), "/") || scriptSuffix.MatchString(string(w))
		if isPath && !noFile.MatchString(string(w)) && r.script(sh.resolve(w), nil, sh, "") && len(r.found) > 0 {
			return true
		}
	}
	return false
}

// isCommandText reports whether a word can be the text of a command that has to do with cron.
func isCommandText(w word) bool {
	return strings.ContainsAny(string(w), " \t\n") && ownScript.MatchString(string(w))
}

// noFile are options, variables and addresses: what has a slash and can have a password.
var noFile = regexp.MustCompile(`^-|^[A-Za-z_][A-Za-z0-9_]*=|://`)

// ownFile reads the file that a command's first word names.
func (r *reader) ownFile(words []word, sh shell) bool {
	path := sh.resolve(words[0])
	if !strings.Contains(string(words[0]), "/") {
		path = sh.findInPath(string(words[0]))
	}
	if !filepath.IsAbs(path) {
		return false
	}
	if r.script(path, words[1:], sh, "") {
		return true
	}
	// A text without a first line that names an interpreter is run by the shell that starts it.
	text, ok := "", false
	if sh.elsewhere == "" && !ofSystem.MatchString(path) {
		text, ok = r.scriptText(path)
	}
	if !ok || text == "" || isBinary(text) {
		return false
	}
	r.shellScript(path, text, "sh", words[1:], sh)
	return true
}

// scriptWord reads the script that an interpreter is given.
func (r *reader) scriptWord(w word, args []word, sh shell, interpreter string) {
	all := append([]word{w}, args...)
	if r.named(all, true, sh) {
		return
	}
	first := len(r.found)
	isRead := r.script(sh.resolve(w), args, sh, interpreter)
	if len(r.found) > first || r.scan(args, sh) || isRead {
		return
	}
	r.undecide(join(all))
	r.unknownCommand(all, sh)
	r.unseenScript(w, sh)
}

// unseenScript reports a script that cannot be read from here, when its name says that it runs Magento's cron.
func (r *reader) unseenScript(w word, sh shell) {
	name := filepath.Base(w.text())
	isScript := strings.Contains(string(w), "/") || scriptSuffix.MatchString(name)
	isSeen := sh.elsewhere == "" && sh.resolve(w) != ""
	if !isScript || isSeen || !cronThing.MatchString(name) || !r.look.looksFor(finding.Magento2) {
		return
	}
	r.found = append(r.found, invocation{
		kind: CronRun, system: finding.Magento2, certainty: Possible, text: name,
		note: joinNotes(sh.scriptNote(), "its name says that it runs Magento's cron, and it cannot be found from here"),
	})
}

// script reads a script, and reports whether it could be read. interpreter is the program that has to read it;
// empty where the script says so itself.
func (r *reader) script(path string, args []word, sh shell, interpreter string) bool {
	if sh.elsewhere != "" || path == "" || ofSystem.MatchString(path) && !ownScript.MatchString(path) {
		return false
	}
	if target, err := filepath.EvalSymlinks(path); err == nil && filepath.Base(target) != filepath.Base(path) {
		if r.named(append([]word{word(target)}, args...), true, sh) {
			return true
		}
	}
	text, ok := r.scriptText(path)
	if !ok {
		r.large(path)
		return false
	}
	if isBinary(text) {
		r.compiled(text)
		return false
	}
	l, isForeign := languageOf(interpreter)
	if interpreter == "" {
		interpreter, l, isForeign = fileLanguage(path, text)
	}
	if interpreter != "" && !isShell(interpreter) && !isForeign {
		l, isForeign = unknownLanguage(), true
	}
	switch {
	case isForeign:
		r.foreign(path, text, l, args, sh)
	case isShell(interpreter):
		r.shellScript(path, text, interpreter, args, sh)
	default:
		return false
	}
	return true
}

func (r *reader) shellScript(path, text, interpreter string, args []word, sh shell) {
	there := sh.child()
	there.script, there.file, there.name, there.args, there.argsUnknown = path, path, path, args, sh.moreWords
	p := r.part()
	p.text(text, &there, dialectsOf(interpreter))
	if p.unsure {
		p.undecide(join(args)) // which it can hand on
	}
	r.take(p, there)
}

// scriptText is what a script holds: what the commands before have written into it, or what is there.
func (r *reader) scriptText(path string) (string, bool) {
	text, err := r.readScript(path)
	if errors.Is(err, fs.ErrPermission) && ownScript.MatchString(path) {
		r.look.problem(address.WithoutLogin(path), "cron runs this script, but it cannot be read", readRemedy)
	}
	return text, err == nil
}

// errTooMany ends the reading of scripts, after a problem has been reported.
var errTooMany = errors.New("too many scripts")

func (r *reader) readScript(path string) (string, error) {
	if text, ok := r.written[path]; ok && text != "" {
		return text.source(), nil
	}
	if path == "" {
		return "", fs.ErrNotExist
	}
	if r.look.scripts == 0 || r.look.scriptBytes < 0 {
		r.look.problem("", fmt.Sprintf("only the first %d scripts and %d MiB that cron runs are read", maxScripts,
			maxAllScripts>>20), fewerRemedy)
		return "", errTooMany
	}
	data, _, err := readRegular(path, maxScriptBytes)
	if err != nil {
		return "", err
	}
	r.look.scripts--
	r.look.scriptBytes -= len(data)
	return string(data), nil
}

// source reads a file in the shell itself, as . and source do.
func (r *reader) source(args []word, sh *shell, in stream) {
	if len(args) == 0 {
		return
	}
	if args[0].isHidden() {
		r.hiddenText(*sh)
	}
	path := sh.resolve(args[0])
	if name := string(args[0]); !strings.Contains(name, "/") {
		if found := sh.findInPath(name); found != name {
			path = found
		}
	}
	text, ok := "", false
	switch {
	case path == "/dev/stdin":
		text, ok = in.text.source(), in.file == ""
	case path != "" && !ofSystem.MatchString(path) && sh.elsewhere == "" && sh.depth < maxDepth:
		text, ok = r.scriptText(path)
	}
	if !ok {
		sh.closed = false // it can set anything
		return
	}
	before := *sh
	sh.script, sh.file, sh.depth = path, path, sh.depth+1
	if len(args) > 1 {
		sh.args, sh.argsUnknown = args[1:], false
	}
	r.text(text, sh, dialectsOf("bash"))
	sh.script, sh.file, sh.depth = before.script, before.file, before.depth
	if len(args) > 1 {
		sh.args, sh.argsUnknown = before.args, before.argsUnknown
	}
	if sh.ended == endsFunction {
		sh.ended = goesOn
	}
}

// runParts reads the scripts of a directory like /etc/cron.hourly.
func (r *reader) runParts(args []word, sh shell) {
	// With these options other names count too.
	others := slices.ContainsFunc(args, func(w word) bool {
		return strings.HasPrefix(string(w), "--regex") || w == "--lsbsysinit"
	})
	for _, arg := range args {
		if strings.HasPrefix(string(arg), "-") || arg.open() || !filepath.IsAbs(string(arg)) {
			continue
		}
		files, err := os.ReadDir(string(arg))
		if err != nil && !os.IsNotExist(err) {
			r.look.problem(string(arg), reason(err), readRemedy)
		}
		for _, file := range files {
			if runPartsName.MatchString(file.Name()) || others && !setAside.MatchString(file.Name()) {
				r.script(filepath.Join(string(arg), file.Name()), nil, sh, "")
			}
		}
	}
}

// remote reads a program that runs its command on another host or in another file system.
func (r *reader) remote(words []word, sh shell, in stream) outcome {
	there := sh.child()
	there.elsewhere, there.dir, there.closed, there.vars = baseName(words[0]), "", false, nil
	command, isCommand := remoteCommand(words)
	switch {
	case isCommand && baseName(words[0]) == "ssh" && len(command) > 0:
		return outcome{out: r.textWithInput(join(command), in, &there, dialectsOf(""))}
	case isCommand && len(command) > 0:
		return r.run(command, there, in)
	case isCommand:
		return outcome{out: r.standardInput(in, there)}
	case r.composeCall(words, sh, there), r.scan(words[1:], there), r.texts(words[1:], there),
		r.startsNamed(words, there):
		return outcome{out: opaque()}
	}
	r.undecide(join(words))
	return outcome{out: opaque()}
}

// texts reads the words that can be commands themselves, and reports whether one of them starts cron.
func (r *reader) texts(words []word, sh shell) bool {
	before := len(r.found)
	for _, w := range words[:min(len(words), maxArgs)] {
		if isCommandText(w) {
			there := sh
			r.text(w.source(), &there, dialectsOf(""))
		}
	}
	return len(r.found) > before
}

// remoteCommand is the command that is run elsewhere. The second result is false when it is not known where in the
// words it begins.
func remoteCommand(words []word) ([]word, bool) {
	if i := slices.Index(words, "--"); i >= 0 {
		return words[i+1:], true
	}
	levels, ok := remoteOptions(words)
	if !ok {
		return nil, false
	}
	rest := words[1:]
	for i, level := range levels {
		if i > 0 && (len(rest) == 0 || !isSubcommand(rest[0], i == len(levels)-1)) {
			return nil, false
		}
		if i > 0 {
			rest = rest[1:]
		}
		rest = skipOptions(rest, level)
		rest = rest[min(level.operands, len(rest)):]
	}
	return rest, true
}

var (
	// cronThing matches the name of a container, an image or a job that runs Magento's cron, as people name it.
	cronThing    = regexp.MustCompile(`(?i)mag.*cron|cron.*mag|m2.*cron|cron.*m2`)
	startsThings = "start restart run up create apply"
)

// startsNamed reports a container or a job that is started by its name, when the name says that it is Magento's cron.
// What it runs is not known here.
func (r *reader) startsNamed(words []word, there shell) bool {
	i := slices.IndexFunc(words, func(w word) bool { return hasWord(startsThings, string(w)) })
	if i < 0 || !r.look.looksFor(finding.Magento2) {
		return false
	}
	for _, w := range words[i+1:] {
		name := w.text()
		if from, ok := strings.CutPrefix(name, "--from=cronjob/"); ok {
			name = from
		} else if strings.HasPrefix(name, "-") || strings.ContainsAny(name, "/:= \t\n") {
			continue
		}
		if cronThing.MatchString(name) {
			r.found = append(r.found, invocation{
				kind: CronRun, system: finding.Magento2, certainty: Possible, text: name,
				note: joinNotes(there.scriptNote(),
					"its name says that it runs Magento's cron, through "+there.elsewhere),
			})
			return true
		}
	}
	return false
}
