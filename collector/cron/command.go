package cron

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"magento_migration_exporter/collector/finding"
)

// invocation is one start of Magento's cron that a command line holds.
type invocation struct {
	kind      Kind
	system    finding.System
	certainty Certainty
	text      string
	note      string
	// enabled is Entry.CronEnabled.
	enabled string
	// file, line and schedule are where it is written when that is a crontab that the command makes a daemon read.
	file     string
	line     int
	schedule string
}

// entry completes an entry of the command with what was found. What a daemon's crontab starts is reported there.
func (i invocation) entry(e Entry) Entry {
	e.Kind, e.System, e.Certainty, e.Text, e.Note = i.kind, i.system, i.certainty, i.text, joinNotes(e.Note, i.note)
	e.CronEnabled = i.enabled
	if i.file == "" {
		e.Schedule = cmp.Or(e.Schedule, i.schedule)
		return e
	}
	e.Note = joinNotes(fmt.Sprintf("line %d of %s starts what reads it", e.Line, e.File), e.Note)
	if e.Line == 0 {
		e.Note = joinNotes(e.File+" reads it", i.note)
	}
	e.Remedy = fmt.Sprintf("comment out line %d of %s; or %s", i.line, i.file, e.Remedy)
	e.File, e.Line, e.Schedule = i.file, i.line, i.schedule
	return e
}

func baseName(w word) string { return filepath.Base(w.text()) }

// isCommandName reports whether a word can name a program that many hosts have, other than the path of some file.
func isCommandName(w word) bool {
	dir := filepath.Base(filepath.Dir(w.text()))
	return isSystemCommand(w) || dir == "bin" || dir == "sbin"
}

// isSystemCommand reports whether a word can name a program of the system: no script of the shop's that is called sync
// or mail.
func isSystemCommand(w word) bool {
	return !strings.Contains(w.text(), "/") || ofSystem.MatchString(w.text())
}

// run reads a program with its arguments.
func (r *reader) run(words []word, sh shell, in stream) outcome {
	words, sh = r.unwrap(words[:min(len(words), maxWords)], sh)
	switch {
	case !r.spend(1):
		return outcome{out: opaque()}
	case len(words) == 0: // sudo -i and the like start a shell
		return outcome{out: r.standardInput(in, sh)}
	case words[0].isHidden():
		return r.hiddenText(sh)
	}
	if !isCommandName(words[0]) {
		return r.program(words, sh)
	}
	return r.knownCommand(baseName(words[0]), words, sh, in)
}

// knownCommand reads a program by its name, if it is one whose working is known here.
func (r *reader) knownCommand(name string, words []word, sh shell, in stream) outcome {
	l, isForeign := languageOf(name)
	switch {
	case isSystemCommand(words[0]) && isPassive(name, words):
		return outcome{out: r.passiveOutput(words, &sh, in)}
	case isShell(name):
		return r.shellProgram(words, sh, in)
	case isForeign:
		r.interpreted(l, words, sh, in)
		return outcome{out: opaque()}
	case name == "su" || name == "runuser":
		return r.switchUser(words, sh, in)
	case isDecoder(name, words[1:]):
		return outcome{out: stream{altered: true, encoded: true}}
	case name == "rev":
		return outcome{out: reversed(in)}
	case isRemote(name):
		return r.remote(words, sh, in)
	case isFetcher(name):
		r.fetch(words)
		return outcome{out: opaque()}
	case name == "make" || name == "gmake" || name == "gnumake":
		r.make(words[1:], sh)
		return outcome{out: opaque()}
	case taskFiles(name) != nil:
		r.runTask(name, words, sh)
		return outcome{out: opaque()}
	case isCronDaemon(name):
		r.cronDaemon(words, sh, in)
		return outcome{out: opaque()}
	case name == "run-parts":
		r.runParts(words[1:], sh)
		return outcome{out: opaque()}
	case name == "at" || name == "batch":
		r.later(words[1:], sh, in)
		return outcome{out: opaque()}
	case name == "xargs" || name == "parallel":
		// More words follow, which come from its input.
		sh.moreWords = true
		r.undecideStream(in)
		r.undecideFiles(words[1:], sh)
		own := flags{short: "aEILnPsdjS", long: "--arg-file --delimiter --max-args --max-procs --jobs"}
		return r.run(filledIn(skipOptions(words[1:], own)), sh, in)
	case name == "find":
		return r.find(words, sh)
	case name == "systemctl" || name == "service":
		r.startUnits(name, words[1:], sh)
		return outcome{out: opaque()}
	case isTerminal(name) && r.texts(words[1:], sh):
		return outcome{out: opaque()}
	}
	return r.program(words, sh)
}

// filledIn puts something unknown in the place of {}, as find and xargs do.
func filledIn(words []word) []word {
	filled := make([]word, len(words))
	for i, w := range words {
		filled[i] = word(strings.ReplaceAll(string(w), "{}", unknown))
	}
	return filled
}

// later reads what at runs at its time: a file behind -f, or its input.
func (r *reader) later(args []word, sh shell, in stream) {
	for i, w := range args[:max(len(args)-1, 0)] {
		if w == "-f" {
			r.script(sh.resolve(args[i+1]), nil, sh, "sh")
			return
		}
	}
	r.standardInput(in, sh)
}

// unwrap takes off what only runs the rest: nice, sudo, flock and so on.
func (r *reader) unwrap(words []word, sh shell) ([]word, shell) {
	for len(words) > 0 && isCommandName(words[0]) && r.spend(1) {
		name := baseName(words[0])
		o, ok := wrapperOptions(name)
		if !ok {
			break
		}
		rest := skipOptions(words[1:], o)
		own := words[1 : len(words)-len(rest)]
		for len(rest) > 0 && assignment.MatchString(string(rest[0])) {
			variable, value, _ := strings.Cut(string(rest[0]), "=")
			sh.assign(variable, exportedWord(word(value)))
			rest = rest[1:]
		}
		rest = rest[min(o.operands, len(rest)):]
		switch name {
		case "sudo", "doas":
			sh = r.becomes(own, sh)
		case "flock":
			rest = commandText(rest)
		case "env":
			if split := envSplit(own); split != "" {
				rest = []word{"sh", "-c", split + word(" "+join(rest))}
			}
		}
		words = rest
	}
	return words, sh
}

func exportedWord(w word) variable { return variable{words: []word{w}, exported: true} }

// commandText makes the words behind flock's lock file a command: it can be one text behind -c.
func commandText(words []word) []word {
	if len(words) > 1 && (words[0] == "-c" || words[0] == "--command") {
		return append([]word{"sh", "-c"}, words[1])
	}
	return words
}

// envSplit is the text in env -S "text".
func envSplit(own []word) word {
	for i, w := range own {
		switch {
		case (w == "-S" || w == "--split-string") && i+1 < len(own):
			return own[i+1]
		case strings.HasPrefix(string(w), "-S"):
			return w[2:]
		case strings.HasPrefix(string(w), "--split-string="):
			return w[len("--split-string="):]
		}
	}
	return ""
}

var loginOption = regexp.MustCompile(`^-[A-Za-z]*[il]`)

// becomes follows sudo and su to another user's home directory. words are those before the command.
func (r *reader) becomes(words []word, sh shell) shell {
	a := r.look.accounts
	home, login := a["root"].home, false
	for _, w := range words {
		text := w.text()
		switch {
		case text == "-", text == "--login", loginOption.MatchString(text):
			login = true
		case a[text].name != "":
			home = a[text].home
		}
	}
	sh.vars = sh.child().vars
	sh.assign("HOME", exportedWord(word(home)))
	if home == "" {
		sh.assign("HOME", exportedWord(unknown))
	}
	if login {
		sh.dir = home
	}
	return sh
}

// switchUser reads su and runuser, whose command is a text behind -c or, for runuser -u, the words behind its options.
func (r *reader) switchUser(words []word, sh shell, in stream) outcome {
	user := flags{
		short: "csgGwu",
		long:  "--command --session-command --shell --group --supp-group --whitelist-environment --user",
	}
	rest := skipOptions(words[1:], user)
	sh = r.becomes(words[1:], sh)
	for i, w := range words[:len(words)-1] {
		if i > 0 && (w == "--command" || takesNext(strings.TrimPrefix(string(w), "-"), "c") && w[0] == '-') {
			return r.shellProgram([]word{"sh", "-c", words[i+1]}, sh, in)
		}
		if i > 0 && w == "-u" {
			return r.run(rest, sh, in)
		}
	}
	if len(rest) <= 2 { // at most "- user"
		return r.shellProgram([]word{"sh"}, sh, in)
	}
	return r.program(rest, sh)
}

// shellProgram reads a shell with its arguments: a text behind -c, a script, or what its standard input holds.
func (r *reader) shellProgram(words []word, sh shell, in stream) outcome {
	name := baseName(words[0])
	o, args := shellOptions(words[1:])
	switch {
	case len(args) > 0 && args[0].isHidden():
		return r.hiddenText(sh)
	case o == 'c' && len(args) > 0:
		there := sh.child()
		there.name = name
		if len(args) > 1 {
			there.name, there.args = args[1].text(), args[2:]
		}
		return outcome{out: r.text(args[0].source(), &there, dialectsOf(name))}
	case o == 's' || len(args) == 0 || args[0] == "-":
		return outcome{out: r.standardInput(in, sh)}
	}
	r.scriptWord(args[0], args[1:], sh, name)
	return outcome{out: opaque()}
}

// shellOptions passes over a shell's options. The first result is 'c' or 's' where one of them says where the commands
// are.
func shellOptions(args []word) (source byte, rest []word) {
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') {
		option := string(args[0])
		args = args[1:]
		long := strings.HasPrefix(option, "--")
		switch {
		case option == "--":
			return source, args
		case long && option != "--rcfile" && option != "--init-file", !long && !strings.ContainsAny(option, "oO"):
		case len(args) > 0:
			args = args[1:]
		}
		for _, letter := range []byte("cs") {
			if !long && source == 0 && strings.IndexByte(option, letter) > 0 {
				source = letter
			}
		}
	}
	return source, args
}

// standardInput reads the text that a shell gets as its input.
func (r *reader) standardInput(in stream, sh shell) stream {
	there := sh.child()
	switch {
	case in.encoded, in.text.isHidden():
		r.hiddenText(sh)
	case in.altered:
		text, _ := r.scriptText(in.file)
		r.undecide(in.text.text() + withoutComments(text))
	case in.file != "":
		if text, ok := r.scriptText(in.file); ok {
			there.script = in.file
			return r.text(text, &there, dialectsOf(""))
		}
	case in.text != "":
		return r.text(in.text.source(), &there, dialectsOf(""))
	}
	return opaque()
}

// program reads a program that is none of those whose working is known here.
func (r *reader) program(words []word, sh shell) outcome {
	if !r.named(words, false, sh) && !r.ownFile(words, sh) && !r.scan(words[1:], sh) && !r.follow(words, sh) {
		r.undecide(join(words))
		r.undecideFiles(words[1:], sh)
		r.unknownCommand(words, sh)
		r.unseenScript(words[0], sh)
	}
	return outcome{out: opaque()}
}

// undecideFiles notes what is in the files that a program is given whose working is not known: a playbook, a list of
// tasks. A log only says what was run.
func (r *reader) undecideFiles(args []word, sh shell) {
	for _, w := range args[:min(len(args), maxArgs)] {
		if _, value, ok := strings.Cut(string(w), "="); ok && strings.HasPrefix(string(w), "-") {
			w = word(value)
		}
		path := sh.resolve(w)
		switch ext := filepath.Ext(path); {
		case !strings.ContainsAny(string(w), "./"), sh.elsewhere != "", ofSystem.MatchString(path), !isFile(path),
			ext == ".log", ext == ".gz":
			continue
		}
		if text, ok := r.scriptText(path); ok && !isBinary(text) {
			r.undecide(withoutComments(text))
		}
	}
}

// scan looks for the first word that is a way into Magento's cron, whatever unknown program stands before it. It
// reports whether that decides the words.
func (r *reader) scan(words []word, sh shell) bool {
	decided, file := false, false
	for i, w := range words {
		if o, _ := shellOptions(words[i+1:]); o == 'c' && isShell(baseName(w)) && isCommandName(w) {
			r.shellProgram(words[i:], sh, stream{})
			return true
		}
		if interpreter.MatchString(baseName(w)) {
			file = true // what follows is a file
			continue
		}
		first := len(r.found)
		isNamed := r.named(words[i:], file, sh)
		decided = decided || isNamed && file
		if len(r.found) > first {
			return true
		}
	}
	return decided
}

// named reads a command whose first word can be the name of a way into Magento's cron. It reports whether it is one, or
// a console of Magento's with another command, which starts nothing. isFile says that the word is a file's name, where
// no directory is looked for in PATH.
func (r *reader) named(words []word, isFile bool, sh shell) bool {
	args := words[1:min(len(words), 1+maxArgs)]
	p, isCron := namedProgram(r.look.scriptName(words[0], !isFile, sh), texts(args))
	if !isCron && !p.isConsole() || r.onlyNamedSo(p, words[0], isFile, sh) {
		return false
	}
	if !isCron {
		if sh.moreWords || !isOtherCommand(args) {
			r.undecide(join(words))
		}
		return true
	}
	isOpen := words[0].open() || p.up < 0 && slices.ContainsFunc(args, word.open)
	if found, ok := r.look.started(p, isOpen, sh); ok {
		r.found = append(r.found, found)
	}
	return true
}

// onlyNamedSo reports whether a file has the name of one of Magento's programs, but is a script of the shop's, which
// has to be read: it lies in no Magento.
func (r *reader) onlyNamedSo(p program, w word, isArgument bool, sh shell) bool {
	path := sh.resolve(w)
	if !strings.Contains(string(w), "/") && !isArgument {
		path = sh.findInPath(string(w))
	}
	if p.up <= 0 || sh.elsewhere != "" || sh.marked || w.open() || !filepath.IsAbs(path) || !isFile(path) {
		return false
	}
	target := path
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		target = resolved
	}
	isOurs := false
	for _, s := range r.look.sites {
		if p.isOf(s.system) && s.holds(path, p.up) {
			return false
		}
		isOurs = isOurs || s.contains(target)
	}
	return isOurs || !inAnotherMagento(target)
}

// isOtherCommand reports whether a console's arguments name a command, and are all known.
func isOtherCommand(args []word) bool {
	isCommand := func(w word) bool { return w != "" && w[0] != '-' }
	return !slices.ContainsFunc(args, word.open) && slices.ContainsFunc(args, isCommand)
}

func texts(words []word) []string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = w.text()
	}
	return list
}

// scriptName is the path that a word means, as far as it is known: of $ROOT/pub/cron.php without ROOT's value,
// pub/cron.php. A command without a slash stays as it is.
func (l *look) scriptName(w word, isCommand bool, sh shell) string {
	if w.open() {
		return strings.TrimLeft(w.text(), "/")
	}
	if path := sh.resolve(w); path != "" && (!isCommand || strings.Contains(string(w), "/")) {
		return path
	}
	return string(w)
}

// started says whose a program is that a command starts.
func (l *look) started(p program, isOpen bool, sh shell) (invocation, bool) {
	dir := sh.dir
	if isOpen {
		p.root, dir = "", ""
	}
	if p.up > 0 && !strings.Contains(p.script, "/") && !isOpen {
		p.script, dir = sh.findInPath(p.script), ""
	}
	system, certainty, ok := l.owner(p, dir)
	text := strings.TrimSpace(p.script + " " + p.text)
	found := invocation{kind: p.kind, system: system, certainty: certainty, text: text}
	switch {
	case sh.marked && p.isOf(finding.Magento2):
		found.system, found.certainty, ok = finding.Magento2, Certain, true
	case sh.view != "":
		found.system, found.certainty, found.note, ok = l.containedIn(sh.view, p, dir)
	case sh.elsewhere != "":
		found.system, found.certainty, ok = p.systems[0], Possible, l.looksFor(p.systems[0])
		found.note = "it runs through " + sh.elsewhere + ", so whether it is this Magento's is not known here"
	case certainty == Possible:
		found.note = "the directory that it runs in is not known"
	}
	if sh.doubt != "" && found.certainty == Certain {
		found.certainty, found.note = Possible, sh.doubt
	}
	found.note, found.enabled = joinNotes(sh.scriptNote(), found.note), sh.cronEnabled()
	return found, ok
}

// cronEnabled is what the shell's environment says in MAGENTO_DC_CRON__ENABLED.
func (sh *shell) cronEnabled() string {
	v, ok := sh.vars["MAGENTO_DC_CRON__ENABLED"]
	switch {
	case !ok || !v.exported || len(v.words) == 0:
		return ""
	case v.words[0].open():
		return "?"
	}
	return v.words[0].text()
}

func (l *look) looksFor(s finding.System) bool {
	return slices.ContainsFunc(l.sites, func(site site) bool { return site.system == s })
}

// findInPath finds a command that is named without a directory. What is not found keeps its bare name.
func (sh *shell) findInPath(name string) string {
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	if known := sh.value("PATH"); known != "" {
		path = known
	}
	for _, dir := range filepath.SplitList(path) {
		full := filepath.Join(dir, name)
		if info, err := os.Stat(full); err == nil && info.Mode().IsRegular() && filepath.IsAbs(full) {
			return full
		}
	}
	return name
}

// fetch reads a command that asks for cron.php behind a web address. Both Magentos have one, and the address does not
// say whose it is.
func (r *reader) fetch(words []word) {
	if !r.look.looksFor(finding.Magento2) {
		return
	}
	for _, w := range words[1:] {
		address := w.text()
		if cronURL.MatchString(address) || w.open() && strings.HasSuffix(address, "cron.php") {
			r.found = append(r.found, fetched(address))
			return
		}
		if found, ok := r.look.entryBehind(address); ok {
			r.found = append(r.found, found)
			return
		}
	}
}

func fetched(address string) invocation {
	shown := "cron.php"
	if m := cronURL.FindStringSubmatch(address); m != nil && plainHost.MatchString(m[3]) {
		// A password can be before the host, in the query and in a directory.
		shown = m[1] + m[3] + "/…/cron.php"
		if m[4] == "" || m[4] == "/pub" {
			shown = m[1] + m[3] + m[4] + "/cron.php"
		}
	}
	return invocation{
		kind: PubCron, system: finding.Magento2, certainty: Possible, text: shown,
		note: "it runs through the web server, so whether it is this Magento's is not known here",
	}
}

func joinNotes(notes ...string) string {
	return strings.Join(slices.DeleteFunc(notes, func(s string) bool { return s == "" }), "; ")
}

// unknownCommand reports a command that is not found here, and whose arguments run cron: it can be a function or a
// program of the shop's.
func (r *reader) unknownCommand(words []word, sh shell) {
	if !consoleName.MatchString(words[0].text()) || !r.look.looksFor(finding.Magento2) {
		return
	}
	for _, kind := range []Kind{CronRun, SetupCronRun, Consumers} {
		if slices.Contains(words[1:], word(kind)) {
			r.found = append(r.found, invocation{
				kind: kind, system: finding.Magento2, certainty: Possible,
				text: baseName(words[0]) + " " + string(kind),
				note: joinNotes(sh.scriptNote(), "what "+baseName(words[0])+" is, is not known here"),
			})
		}
	}
}

// consoleName matches how people call what runs Magento's console.
var consoleName = regexp.MustCompile(`(?i)mag|m2|^$`)
