package cron

import (
	"regexp"
	"slices"
	"strings"
)

// isPassive reports whether a program starts nothing, whatever its arguments are: it prints, compares, copies, sends or
// ends something.
func isPassive(name string, words []word) bool {
	switch name {
	case "find":
		return !slices.ContainsFunc(words, func(w word) bool { return hasWord("-exec -execdir -ok -okdir", string(w)) })
	case "awk", "gawk", "mawk":
		return !slices.ContainsFunc(words, runsCommands)
	case "echo", "printf", "cat", "tac", "tee", "pwd", "dirname", "basename", "readlink", "realpath", "grep",
		"egrep", "fgrep", "zgrep", "rg", "ag", "sed", "cut", "tr", "sort", "uniq", "head", "tail", "wc", "column",
		"jq", "envsubst", "less", "more", "zcat", "strings", "hexdump", "od", "base64", "base32", "xxd",
		"uudecode", "md5sum", "sha1sum", "sha256sum", "diff", "cmp", "comm", "stat", "file", "pgrep", "pkill",
		"killall", "kill", "ps", "pidof",
		"lsof", "fuser", "top", "logger", "wall", "write", "systemd-notify", "mail", "mailx", "mutt", "sendmail",
		"msmtp", "ssmtp", "swaks", "rm", "rmdir", "mkdir", "mktemp", "ls", "touch", "chmod", "chown", "chgrp",
		"cp", "mv", "ln", "dd", "install", "truncate", "du", "df", "tar", "gzip", "gunzip", "bzip2", "xz", "zstd",
		"zip", "unzip", "rsync", "scp", "sftp", "rclone", "s3cmd", "logrotate", "vi", "vim", "nano", "emacs",
		"shellcheck", "shfmt", "date", "sleep", "hostname", "uname", "id", "whoami", "which", "seq", "expr",
		"mysqldump", "mariadb-dump", "git", "svn", "hg", "sync", "tput", "clear", "stty", "[[":
		return true
	}
	return false
}

// isPassiveCall reports whether the first word names a program of the system that starts nothing.
func isPassiveCall(words []word) bool {
	return len(words) > 0 && isSystemCommand(words[0]) && isPassive(baseName(words[0]), words)
}

// runsCommands reports whether an awk program can start others.
func runsCommands(w word) bool {
	program := strings.ReplaceAll(string(w), " ", "")
	return strings.Contains(program, "system(") || strings.Contains(program, `|"`)
}

// isRemote reports whether a program runs its command on another host or in another file system.
func isRemote(name string) bool {
	switch name {
	case "docker", "docker-compose", "podman", "podman-compose", "nerdctl", "kubectl", "oc", "crictl", "ssh", "lxc",
		"lxc-attach", "incus", "nsenter", "chroot", "machinectl", "vagrant", "ddev", "lando", "warden", "magento-cloud",
		"systemd-nspawn", "pct", "flatpak-spawn":
		return true
	}
	return false
}

// isShell reports whether a program reads shell text.
func isShell(name string) bool {
	switch strings.TrimPrefix(name, "r") {
	case "sh", "bash", "dash", "ash", "ksh", "mksh", "zsh":
		return true
	}
	return false
}

// isTerminal reports whether a program runs the texts in its arguments as commands, in a terminal of their own or again
// and again.
func isTerminal(name string) bool {
	switch name {
	case "screen", "tmux", "script", "watch", "sg", "daemonize":
		return true
	}
	return false
}

// isFetcher reports whether a program asks for a web address.
func isFetcher(name string) bool {
	switch name {
	case "curl", "wget", "lynx", "links", "w3m", "fetch", "GET", "http", "https":
		return true
	}
	return false
}

// flags say how a program's options end and its command begins.
type flags struct {
	// short are the one-letter options that take a value, long the others whose value is a word of its own.
	short, long string
	// operands is how many words come before the command.
	operands int
}

// wrapperOptions returns how a program is called that runs the command in its arguments, and nothing else.
func wrapperOptions(name string) (flags, bool) {
	switch name {
	case "nohup", "setsid", "chronic", "cronic", "run-one", "unbuffer", "command", "builtin", "catchsegv", "torsocks",
		"proxychains", "proxychains4", "dumb-init", "eatmydata", "busybox", "systemd-inhibit":
		return flags{}, true
	case "nice":
		return flags{short: "n", long: "--adjustment"}, true
	case "ionice":
		return flags{short: "cnpPu", long: "--class --classdata"}, true
	case "timeout":
		return flags{short: "ks", long: "--kill-after --signal", operands: 1}, true
	case "flock":
		return flags{short: "wE", long: "--timeout --wait --conflict-exit-code", operands: 1}, true
	case "env":
		return flags{short: "uC", long: "--unset --chdir"}, true
	case "time":
		return flags{short: "fo", long: "--format --output"}, true
	case "stdbuf":
		return flags{short: "ioe", long: "--input --output --error"}, true
	case "chrt":
		return flags{short: "TPD", operands: 1}, true
	case "taskset":
		return flags{operands: 1}, true
	case "setuidgid", "s6-setuidgid", "gosu", "su-exec":
		return flags{operands: 1}, true
	case "chpst":
		return flags{short: "uUbenlLmdopfct/"}, true
	case "sudo":
		return flags{
			short: "ughpCrtTUDR",
			long:  "--user --group --host --prompt --chdir --chroot --role --type --other-user --close-from",
		}, true
	case "doas":
		return flags{short: "uC"}, true
	case "systemd-cat":
		return flags{short: "tp", long: "--identifier --priority --stderr-priority"}, true
	case "systemd-run":
		return flags{
			short: "pEHMu",
			long: "--unit --property --setenv --uid --gid --slice --description --on-calendar --on-active --on-boot " +
				"--working-directory --nice --machine",
		}, true
	case "tini":
		return flags{short: "pe"}, true
	case "cgexec":
		return flags{short: "g"}, true
	case "lckdo":
		return flags{short: "W", operands: 1}, true
	}
	return flags{}, false
}

// remoteOptions returns how a program that leads elsewhere is called, up to the command there. The words of its own
// come first.
func remoteOptions(words []word) ([]flags, bool) {
	name := baseName(words[0])
	compose := flags{
		short: "fp",
		long:  "--file --project-name --profile --project-directory --env-file --ansi --parallel --progress",
	}
	global := flags{short: "Hlc", long: "--host --log-level --context --config --tlscacert --tlscert --tlskey"}
	inside := flags{
		short:    "euwv",
		long:     "--env --env-file --user --workdir --index --detach-keys --volume --name --entrypoint",
		operands: 1,
	}
	switch {
	case name == "ssh":
		return []flags{{short: "bBcDEeFIiJLlmOopQRSWw", operands: 1}}, true
	case name == "chroot":
		return []flags{{long: "--userspec --groups", operands: 1}}, true
	case strings.HasSuffix(name, "-compose"):
		return []flags{compose, inside}, true
	case name == "docker", name == "podman", name == "nerdctl":
		if rest := skipOptions(words[1:], global); len(rest) > 0 && rest[0] == "compose" {
			return []flags{global, compose, inside}, true
		}
		return []flags{global, inside}, true
	}
	return nil, false
}

// isSubcommand reports whether a word makes a container program run the command that follows, or with last false lead
// to such a word.
func isSubcommand(w word, last bool) bool {
	return last && w == "exec" || !last && w == "compose"
}

// skipOptions returns what follows a program's options.
func skipOptions(words []word, o flags) []word {
	for len(words) > 0 && len(words[0]) > 1 && words[0][0] == '-' {
		option := string(words[0])
		words = words[1:]
		switch {
		case option == "--":
			return words
		case strings.HasPrefix(option, "--"):
			if hasWord(o.long, option) && len(words) > 0 {
				words = words[1:]
			}
		case takesNext(option[1:], o.short) && len(words) > 0:
			words = words[1:]
		}
	}
	return words
}

// takesNext reports whether the last of some one-letter options takes the next word as its value.
func takesNext(letters, withValue string) bool {
	for i := range len(letters) {
		if strings.IndexByte(withValue, letters[i]) >= 0 {
			return i == len(letters)-1
		}
	}
	return false
}

func hasWord(list, w string) bool {
	for name := range strings.FieldsSeq(list) {
		if name == w {
			return true
		}
	}
	return false
}

var (
	// plainHost is a host name in a web address that holds no login.
	plainHost = regexp.MustCompile(`^([^:\[\]]+|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?$`)
	cronURL   = regexp.MustCompile(`^(https?://)?([^/?#\s]+@)?([^/?#@\s]+)(/[^?#\s]*)?/cron\.php([?#].*)?$`)
	// ofSystem matches paths of programs that came with the system, which are no scripts of the shop's.
	ofSystem = regexp.MustCompile(`^(/usr)?/(bin|sbin|lib(32|64|exec)?|share)/|^/(dev|proc|sys)/`)
	// ownScript is what hints at Magento's cron in a text or a path.
	ownScript = regexp.MustCompile(`(?i)mage|cron|consumer`)
)
