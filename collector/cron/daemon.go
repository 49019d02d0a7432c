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
	"strconv"
	"strings"
	"syscall"

	"github.com/prometheus/procfs"
)

// isCronDaemon reports whether a program runs the jobs of crontabs that it is given, or installs one.
func isCronDaemon(name string) bool {
	switch name {
	case "supercronic", "crond", "cron", "go-crond", "crontab":
		return true
	}
	return false
}

// cronDaemon reads the crontabs that a cron daemon is given. Those in the usual places are read anyway.
func (r *reader) cronDaemon(words []word, sh shell, in stream) {
	args := words[1:]
	switch name := baseName(words[0]); name {
	case "supercronic":
		if file, ok := supercronicFile(args); ok {
			r.ownCrontab(file, name, crontabFormat{supercronic: true}, sh)
		}
	case "go-crond":
		for _, arg := range skipOptions(args, flags{}) {
			_, file, found := strings.Cut(string(arg), ":")
			if !found {
				file = string(arg)
			}
			r.ownCrontab(word(file), name, crontabFormat{isUser: r.look.isUser}, sh)
		}
	case "crontab":
		r.installed(args, sh, in)
	default:
		for i, arg := range args {
			named := i+1 < len(args) && !strings.HasPrefix(string(args[i+1]), "-")
			switch {
			case named && directoryOption.MatchString(string(arg)):
				r.crontabDirectory(args[i+1], name, arg == "-s", sh)
			case strings.HasPrefix(string(arg), "-c") && len(arg) > 2:
				r.crontabDirectory(arg[2:], name, false, sh)
			}
		}
	}
}

// directoryOption matches the options of crond that a directory follows, also behind others as in -fc.
var directoryOption = regexp.MustCompile(`^-([bfS]*c|s)$`)

// supercronicFile is the crontab that supercronic is given; none where it only tests it.
func supercronicFile(args []word) (word, bool) {
	for i := 0; i < len(args); i++ {
		option := strings.TrimLeft(string(args[i]), "-")
		switch {
		case option == string(args[i]):
			return args[i], true
		case option == "test" || option == "version":
			return "", false
		case hasWord("prometheus-listen-address sentry-dsn sentryDsn sentry-environment sentry-release", option):
			i++
		}
	}
	return "", false
}

// installed reads the crontab that crontab installs: a file or its input. When that happens is not known.
func (r *reader) installed(args []word, sh shell, in stream) {
	files := skipOptions(args, flags{short: "uls"})
	if slices.ContainsFunc(args, func(w word) bool { return hasWord("-l -r -e -i", string(w)) }) {
		return
	}
	sh.doubt = "crontab installs it, which makes cron run it from then on"
	if len(files) > 0 && files[0] != "-" {
		r.ownCrontab(files[0], "crontab", crontabFormat{}, sh)
		return
	}
	r.crontabText("", in.text.source(), crontabFormat{}, sh)
}

func (l *look) isUser(name string) bool { return l.accounts[name].name != "" }

// crontabDirectory reads the crontabs in a directory: those of users, each with the user's name, or with system true
// those with a column for the user.
func (r *reader) crontabDirectory(name word, daemon string, system bool, sh shell) {
	dir := sh.resolve(name)
	if dir == "" {
		r.unknownCrontab(daemon, sh)
		return
	}
	files, err := sh.list(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.look.problem(dir, reason(err), readRemedy)
	}
	for _, file := range files[:min(len(files), maxScripts)] {
		r.ownCrontab(word(file), daemon, crontabFormat{system: system, isUser: r.look.isUser}, sh)
	}
}

// ownCrontab reads one crontab of a daemon, unless it has been read where it lies.
func (r *reader) ownCrontab(name word, daemon string, format crontabFormat, sh shell) {
	path := sh.resolve(name)
	if text, ok := r.written[path]; ok && path != "" {
		r.crontabText("", text.source(), format, sh)
		return
	}
	if path == "" || sh.elsewhere != "" && sh.view == "" {
		r.unknownCrontab(daemon, sh)
		return
	}
	if sh.view != "" {
		r.crontabInView(path, daemon, format, sh)
		return
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil && r.look.seen[resolved] {
		return
	}
	text, err := r.readScript(path)
	switch {
	case err == nil:
		r.crontabText(path, text, format, sh)
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errTooMany):
		r.look.problem(path, daemon+" reads this crontab, but the exporter cannot: "+reason(err), readRemedy)
	}
}

// unknownCrontab reports a daemon whose crontab is not known.
func (r *reader) unknownCrontab(daemon string, sh shell) {
	if sh.elsewhere != "" {
		return // which says nothing about Magento
	}
	r.look.problem("", daemon+" is started with a crontab that is not known here",
		"name its crontab in cron_stopped.crontabs")
}

// crontabText reads the jobs of a crontab that a program is given.
func (r *reader) crontabText(path, text string, format crontabFormat, sh shell) {
	if sh.depth > maxDepth {
		return
	}
	for j := range jobs([]byte(text), format) {
		if j.dormant != "" {
			continue
		}
		there := r.look.cronShell(j)
		there.depth, there.doubt, there.elsewhere, there.view = sh.depth+1, sh.doubt, sh.elsewhere, sh.view
		if format.supercronic {
			there.dir, there.closed = sh.dir, false
			there.vars = withVars(sh.child().vars, j.vars)
		}
		p := r.part()
		p.textWithInput(j.command, stream{text: word(j.input)}, &there, dialectsOf(there.value("SHELL")))
		for _, found := range p.result(there) {
			if found.schedule == "" {
				found.schedule = j.schedule
			}
			if found.file == "" && path != "" {
				found.file, found.line, found.schedule = path, j.line, j.schedule
			}
			r.found = append(r.found, found)
		}
	}
}

// withVars adds exported variables.
func withVars(vars map[string]variable, values map[string]string) map[string]variable {
	all := maps.Clone(vars)
	maps.Copy(all, environment(values))
	return all
}

// containerPlaces are where a cron daemon looks by default: Debian's and Red Hat's cron and Alpine's crond,
// in a container.
func containerPlaces() (system, users []string) {
	return []string{"/etc/cron.d"}, []string{"/var/spool/cron/crontabs", "/var/spool/cron", "/etc/crontabs"}
}

// daemonProcess reads the crontabs of a cron daemon that runs, if they are its own: those that its arguments name, or
// those of its container. It reports whether the process is such a daemon.
func (l *look) daemonProcess(t *processTable, p procfs.Proc, args []string) bool {
	if len(args) > 1 && filepath.Base(args[0]) == "busybox" {
		args = args[1:]
	}
	if len(args) == 0 || len(l.sites) == 0 {
		return false
	}
	name := filepath.Base(args[0])
	if !isCronDaemon(name) || name == "crontab" {
		return false
	}
	dir, _ := p.Cwd()
	sh := shell{dir: dir}
	if mounts := mountNamespace(p); mounts != 0 && t.mounts != 0 && mounts != t.mounts {
		sh.view = filepath.Join(t.root, strconv.Itoa(p.PID), "root")
		sh.elsewhere = "a container or another mount namespace"
		if _, err := os.Stat(sh.view + "/."); errors.Is(err, fs.ErrPermission) {
			text := fmt.Sprintf("process %d is %s in a container, and its crontabs cannot be read", p.PID, name)
			l.problem(t.root, text, processRemedy)
			return true
		}
	}
	words := make([]word, len(args))
	for i, arg := range args {
		words[i] = word(strings.ReplaceAll(arg, unknown, ""))
	}
	r := l.newReader()
	r.cronDaemon(words, sh, stream{})
	if sh.view != "" && name != "supercronic" && !slices.ContainsFunc(words, isDirectoryOption) {
		r.containerCrontabs(name, sh)
	}
	for _, found := range r.found {
		l.entry(found.entry(Entry{
			File: fmt.Sprintf("process %d (%s)", p.PID, name), User: l.processUser(p),
			Remedy: fmt.Sprintf("stop process %d", p.PID),
		}))
	}
	return true
}

func isDirectoryOption(w word) bool {
	return strings.HasPrefix(string(w), "-c") || directoryOption.MatchString(string(w)) && w != "-s"
}

func (r *reader) containerCrontabs(daemon string, sh shell) {
	system, users := containerPlaces()
	r.ownCrontab("/etc/crontab", daemon, crontabFormat{system: true}, sh)
	for _, dir := range system {
		r.crontabDirectory(word(dir), daemon, true, sh)
	}
	for _, dir := range users {
		r.crontabDirectory(word(dir), daemon, false, sh)
	}
}

// crontabInView reads a crontab of another mount namespace. Links that lead out of it are not followed.
func (r *reader) crontabInView(path, daemon string, format crontabFormat, sh shell) {
	data, info, err := readInView(sh.view, path)
	switch {
	case err == nil && r.look.inodes[inodeOf(info)]: // it is the host's, which has been read
	case err == nil:
		r.look.scriptBytes -= len(data)
		r.crontabText(filepath.Join(sh.view, path), string(data), format, sh)
	case errors.Is(err, fs.ErrPermission):
		r.look.problem(filepath.Join(sh.view, path),
			daemon+" in a container reads this crontab, but the exporter cannot", processRemedy)
	}
}

func readInView(view, path string) ([]byte, fs.FileInfo, error) {
	root, err := os.OpenRoot(view)
	if err != nil {
		return nil, nil, err
	}
	f, err := root.OpenFile(strings.TrimPrefix(path, "/"), os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, errors.Join(err, root.Close())
	}
	data, info, err := readOpened(f, maxFileBytes)
	return data, info, errors.Join(err, f.Close(), root.Close())
}

// list returns the files of a directory as the shell sees it.
func (sh *shell) list(dir string) ([]string, error) {
	if sh.view == "" {
		return list(dir, "*")
	}
	root, err := os.OpenRoot(sh.view)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(root.FS(), strings.TrimPrefix(dir, "/"))
	var files []string
	for _, entry := range entries {
		if !entry.IsDir() {
			files = append(files, filepath.Join(dir, entry.Name()))
		}
	}
	return files, errors.Join(err, root.Close())
}
