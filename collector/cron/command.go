package cron

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"magento_migration_exporter/config/address"
)

// shell is what a command line starts with.
type shell struct {
	// dir is the working directory; empty when it cannot be told.
	dir string
	// vars are the variables whose value is known.
	vars map[string]string
	// elsewhere is the program through which the command leaves this host or its file system, like docker.
	elsewhere string
	// marked says that Magento's own marker ties the command to the Magento 2 root, whatever path it names.
	marked bool
	// script is the shell script that is being read; empty for the command line itself.
	script string
	depth  int
}

// invocation is one start of Magento's cron that a command line holds.
type invocation struct {
	kind      Kind
	system    System
	certainty Certainty
	text      string
	note      string
}

// The most that is followed: a command in a string in a script and so on, scripts in one look, and bytes of each.
const (
	maxDepth       = 4
	maxScripts     = 1000
	maxScriptBytes = 64 << 10
	maxWords       = 1000 // of one command
	maxArgs        = 50   // of one program
	maxWrapped     = 10   // words before a script
)

// invocations finds the starts of cron in shell text. The text is only read: what a condition decides, like test -f x &&, counts as true.
func (l *look) invocations(text string, sh shell) []invocation {
	if sh.depth > maxDepth || len(l.sites) == 0 {
		return nil
	}
	lex := &lexer{text: text}
	var found []invocation
	var outer []string
	for {
		lex.vars = sh.vars
		words, end := lex.command()
		for _, inner := range lex.nested {
			found = append(found, l.invocations(inner, sh.inner())...)
		}
		found = append(found, l.simple(words, &sh)...)
		switch {
		case end == 0:
			return found
		case end == '(':
			outer = append(outer, sh.dir)
		case end == ')' && len(outer) > 0:
			sh.dir, outer = outer[len(outer)-1], outer[:len(outer)-1]
		}
	}
}

func (sh shell) inner() shell {
	sh.depth++
	return sh
}

var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// simple reads one command. A cd changes sh for those that follow.
func (l *look) simple(words []token, sh *shell) []invocation {
	for len(words) > 0 {
		switch word := words[0]; {
		case slices.Contains([]string{"if", "then", "else", "elif", "do", "while", "until", "!", "{", "time", "exec", "export", "command"}, word.text):
		case assignment.MatchString(word.text):
			sh.assign(word)
		default:
			if word.text == "cd" || word.text == "pushd" {
				sh.changeDirectory(words[1:], l.accounts)
				return nil
			}
			return l.run(words, *sh)
		}
		words = words[1:]
	}
	return nil
}

// maxVars is far above what a crontab sets.
const maxVars = 100

func (sh *shell) assign(word token) {
	name, value, _ := strings.Cut(word.text, "=")
	vars := maps.Clone(sh.vars)
	if vars == nil {
		vars = map[string]string{}
	}
	if word.open || len(vars) >= maxVars {
		delete(vars, name)
	} else {
		vars[name] = value
	}
	sh.vars = vars
}

func (sh *shell) changeDirectory(args []token, a accounts) {
	for len(args) > 0 && strings.HasPrefix(args[0].text, "-") && args[0].text != "-" {
		args = args[1:]
	}
	switch {
	case len(args) == 0:
		sh.dir = sh.vars["HOME"]
	case args[0].open || args[0].text == "-":
		sh.dir = ""
	default:
		sh.dir = absolute(sh.dir, sh.tilde(args[0].text, a))
	}
}

// tilde replaces ~ and ~user.
func (sh *shell) tilde(name string, a accounts) string {
	if !strings.HasPrefix(name, "~") {
		return name
	}
	user, rest, _ := strings.Cut(name[1:], "/")
	home := sh.vars["HOME"]
	if user != "" {
		home = a[user].home
	}
	if home == "" {
		return name
	}
	return filepath.Join(home, rest)
}

var (
	// bystanders name Magento's programs without running them.
	bystanders = []string{
		"grep", "egrep", "fgrep", "zgrep", "rg", "pgrep", "pkill", "killall", "echo", "printf", "logger", "test", "[", "[[", "awk", "sed",
		"rm", "ls", "cat", "tail", "head", "ps", "true", ":", "touch", "chmod", "chown",
	}
	// doors lead to another host or file system.
	doors = []string{
		"docker", "docker-compose", "podman", "podman-compose", "nerdctl", "kubectl", "oc", "crictl", "ssh", "lxc", "lxc-attach", "incus", "nsenter",
		"chroot", "machinectl", "vagrant", "ddev", "lando", "warden", "magento-cloud",
	}
	// becomers run a command as somebody else.
	becomers  = []string{"su", "sudo", "runuser", "doas"}
	userValue = regexp.MustCompile(`^(-[A-Za-z]*[uUgG]|--user|--group)$`)
	fetchers  = []string{"curl", "wget", "lynx", "links", "w3m", "fetch", "GET", "http", "https"}
	// noFile are options, variables and addresses: what has a slash and can have a password.
	noFile    = regexp.MustCompile(`^-|^[A-Za-z_][A-Za-z0-9_]*=|://`)
	plainHost = regexp.MustCompile(`^([^:\[\]]+|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?$`)
	cronURL   = regexp.MustCompile(`^(https?://)?([^/?#\s]+@)?([^/?#@\s]+)(/[^?#\s]*)?/cron\.php([?#].*)?$`)
	shells    = []string{"sh", "bash", "dash", "ash", "ksh", "zsh", ".", "source"}
	shebang   = regexp.MustCompile(`^#!\s*(\S*/env\s+(-\S+\s+)*)?(\S*/)?(ba|da|a|k|z)?sh\b`)
	// ownScript is what hints at Magento's cron in a text or a path.
	ownScript = regexp.MustCompile(`(?i)mage|cron|consumer`)
)

// run finds what one command, with all that wraps it, starts: the first word that is a way into Magento's cron.
func (l *look) run(words []token, sh shell) []invocation {
	words = words[:min(len(words), maxWords)]
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = word.text
	}
	fetching, isCommand := false, true
	for i, word := range words {
		base := filepath.Base(word.text)
		if i > 0 && userValue.MatchString(words[i-1].text) {
			base = "" // a user can be called docker
		}
		switch {
		case interpreter.MatchString(base):
			isCommand = false // what follows is a file
		case slices.Contains(bystanders, base) && isCommandName(word.text):
			return nil
		case slices.Contains(doors, base):
			sh.elsewhere, sh.dir = base, ""
		case slices.Contains(fetchers, base):
			fetching = true
		case fetching && (cronURL.MatchString(word.text) || word.open && strings.HasSuffix(word.text, "cron.php")):
			return l.fetched(word.text)
		case slices.Contains(becomers, base):
			sh = l.becomes(words[i+1:], sh)
		case base == "run-parts":
			return l.runParts(words[i+1:], sh)
		case strings.ContainsAny(word.text, " \t\n") && ownScript.MatchString(word.text):
			return l.invocations(word.text, sh.inner())
		}
		if p, ok := namedProgram(l.scriptName(word, isCommand, sh), texts[i+1:min(len(texts), i+1+maxArgs)]); ok {
			unknown := word.open || p.up < 0 && slices.ContainsFunc(words[i+1:], func(t token) bool { return t.open })
			if found, ok := l.started(p, unknown, sh); ok {
				return []invocation{found}
			}
		}
	}
	return l.follow(words, sh)
}

// ofSystem matches paths of programs that came with the system, which are no scripts of the shop's.
var ofSystem = regexp.MustCompile(`^(/usr)?/(bin|sbin|lib(32|64|exec)?|share)/|^/(dev|proc|sys)/`)

// isCommandName tells whether a word can name a program of the system, other than the path of some file called test.
func isCommandName(word string) bool {
	return !strings.Contains(word, "/") || ofSystem.MatchString(word)
}

// scriptName is the path that a word means, as far as it is known: of $ROOT/pub/cron.php without ROOT's value, pub/cron.php. A command
// without a slash stays as it is.
func (l *look) scriptName(word token, isCommand bool, sh shell) string {
	if word.open {
		return strings.TrimLeft(word.text, "/")
	}
	name := sh.tilde(word.text, l.accounts)
	if path := absolute(sh.dir, name); path != "" && (!isCommand || strings.Contains(name, "/")) {
		return path
	}
	return name
}

// becomes follows sudo and su to another user's home directory.
func (l *look) becomes(args []token, sh shell) shell {
	home, login := l.accounts["root"].home, false
	for _, arg := range args {
		switch {
		case arg.text == "--login", strings.HasPrefix(arg.text, "-") && !strings.HasPrefix(arg.text, "--") && (arg.text == "-" || strings.ContainsAny(arg.text, "il")):
			login = true
		case l.accounts[arg.text].name != "":
			home = l.accounts[arg.text].home
		}
	}
	vars := maps.Clone(sh.vars)
	if vars == nil {
		vars = map[string]string{}
	}
	vars["HOME"] = home
	sh.vars = vars
	if login {
		sh.dir = home
	}
	return sh
}

// started tells whose a program is that a command starts.
func (l *look) started(p program, unknown bool, sh shell) (invocation, bool) {
	dir := sh.dir
	if unknown {
		p.root, dir = "", ""
	}
	if p.up > 0 && !strings.Contains(p.script, "/") && !unknown {
		p.script, dir = sh.findInPath(p.script), ""
	}
	system, certainty, ok := l.owner(p, dir)
	found := invocation{kind: p.kind, system: system, certainty: certainty, text: strings.TrimSpace(p.script + " " + p.text)}
	switch {
	case sh.marked && p.isOf(Magento2):
		found.system, found.certainty, ok = Magento2, Certain, true
	case sh.elsewhere != "":
		found.system, found.certainty, ok = p.systems[0], Possible, l.looksFor(p.systems[0])
		found.note = "it runs through " + sh.elsewhere + ", so it cannot be told from here whether it is this Magento's"
	case certainty == Possible:
		found.note = "the directory that it runs in cannot be told"
	}
	if sh.script != "" {
		found.note = joinNotes("in the script "+sh.script, found.note)
	}
	return found, ok
}

func (l *look) looksFor(s System) bool {
	return slices.ContainsFunc(l.sites, func(site site) bool { return site.system == s })
}

// findInPath finds a command that is named without a directory. What is not found keeps its bare name.
func (sh shell) findInPath(name string) string {
	path, ok := sh.vars["PATH"]
	if !ok {
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	for _, dir := range filepath.SplitList(path) {
		full := filepath.Join(dir, name)
		if info, err := os.Stat(full); err == nil && info.Mode().IsRegular() && filepath.IsAbs(full) {
			return full
		}
	}
	return name
}

// fetched is cron.php behind a web address. Both Magentos have one, and from the address nothing tells whose it is.
func (l *look) fetched(address string) []invocation {
	if !l.looksFor(Magento2) {
		return nil
	}
	shown := "cron.php"
	if m := cronURL.FindStringSubmatch(address); m != nil && plainHost.MatchString(m[3]) {
		// A password can be before the host, in the query and in a directory.
		shown = m[1] + m[3] + "/…/cron.php"
		if m[4] == "" || m[4] == "/pub" {
			shown = m[1] + m[3] + m[4] + "/cron.php"
		}
	}
	return []invocation{{
		kind: PubCron, system: Magento2, certainty: Possible, text: shown,
		note: "it runs through the web server, so it cannot be told from here whether it is this Magento's",
	}}
}

// follow reads the shell script that a command starts, because people wrap cron in scripts of their own.
func (l *look) follow(words []token, sh shell) []invocation {
	if sh.elsewhere != "" {
		return nil
	}
	behindShell := false
	for _, word := range words[:min(len(words), maxWrapped)] {
		isFile := behindShell || strings.Contains(word.text, "/")
		behindShell = behindShell || slices.Contains(shells, filepath.Base(word.text))
		path := absolute(sh.dir, sh.tilde(word.text, l.accounts))
		if !isFile || word.open || path == "" || ofSystem.MatchString(path) || noFile.MatchString(word.text) {
			continue
		}
		if found := l.scriptFile(path, sh); len(found) > 0 {
			return found
		}
	}
	return nil
}

// scriptFile reads one shell script. What is no shell script starts nothing that could be told.
func (l *look) scriptFile(path string, sh shell) []invocation {
	if l.scripts == 0 {
		l.problem("", fmt.Sprintf("only the first %d scripts that cron runs are read", maxScripts), "name the crontabs of this Magento alone in crontabs")
		return nil
	}
	data, _, err := readRegular(path, maxScriptBytes)
	if errors.Is(err, fs.ErrPermission) && ownScript.MatchString(path) {
		l.problem(address.WithoutLogin(path), "cron runs this script, but it cannot be read", readRemedy)
	}
	if err != nil || !shebang.Match(data) && !strings.HasSuffix(path, ".sh") {
		return nil
	}
	l.scripts--
	sh = sh.inner()
	sh.script = path
	return l.invocations(string(data), sh)
}

// runParts reads the scripts of a directory like /etc/cron.hourly.
func (l *look) runParts(args []token, sh shell) []invocation {
	var found []invocation
	for _, arg := range args {
		if strings.HasPrefix(arg.text, "-") || arg.open || !filepath.IsAbs(arg.text) {
			continue
		}
		files, err := os.ReadDir(arg.text)
		if err != nil && !os.IsNotExist(err) {
			l.problem(arg.text, reason(err), readRemedy)
		}
		for _, file := range files {
			if runPartsName.MatchString(file.Name()) {
				found = append(found, l.scriptFile(filepath.Join(arg.text, file.Name()), sh)...)
			}
		}
	}
	return found
}

func joinNotes(notes ...string) string {
	return strings.Join(slices.DeleteFunc(notes, func(s string) bool { return s == "" }), "; ")
}
