package cron

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"regexp"
	"strings"

	"magento_migration_exporter/collector/finding"
)

// site is an installation whose cron is looked for.
type site struct {
	system finding.System
	// given is its root as configured, resolved the same without symbolic links, as PHP's __DIR__ has it.
	given, resolved string
}

func (s site) resolve() site {
	s.given = filepath.Clean(s.given)
	s.resolved = s.given
	if resolved, err := filepath.EvalSymlinks(s.given); err == nil {
		s.resolved = resolved
	}
	return s
}

// isRoot reports whether dir is the root directory, or an older release of it.
func (s site) isRoot(dir string) bool {
	if dir == s.given || dir == s.resolved || s.isRelease(dir) {
		return true
	}
	resolved, err := filepath.EvalSymlinks(dir)
	return err == nil && (resolved == s.resolved || s.isRelease(resolved))
}

// isRelease reports whether dir is a release beside the present one, as Deployer and Capistrano keep them: root is a
// link to releases/5 then, and a consumer that was started from releases/4 works on the same database until somebody
// stops it.
func (s site) isRelease(dir string) bool {
	releases := filepath.Dir(s.resolved)
	return s.given != s.resolved && filepath.Base(releases) == "releases" && filepath.Dir(dir) == releases
}

// wroteMarker reports whether Magento wrote a crontab marker with this hash from this root. Magento hashes its root's
// path, with SHA-256 in the releases 2.3.5 to 2.4.8 and with MD5 in older ones
// (lib/internal/Magento/Framework/Crontab/CrontabManager.php).
func (s site) wroteMarker(hash string) bool {
	for _, root := range []string{s.given, s.resolved} {
		long := sha256.Sum256([]byte(root))
		short := md5.Sum([]byte(root)) //nolint:gosec // Magento's choice, and no secret
		for _, sum := range [][]byte{long[:], short[:]} {
			if strings.EqualFold(hash, hex.EncodeToString(sum)) {
				return true
			}
		}
	}
	return false
}

// program is a way into Magento's cron that a command names.
type program struct {
	kind Kind
	// systems are whose it can be.
	systems []finding.System
	// script is its path as it was named.
	script string
	// up is how many directories the root is above the script; -1 means that the working directory decides.
	up int
	// root is what --root-dir says, for n98-magerun.
	root string
	// text is what can be shown of it beside the path.
	text string
}

var (
	magerun2 = regexp.MustCompile(`^(n98-)?magerun2(-[0-9.]+)?(\.phar)?$`)
	magerun1 = regexp.MustCompile(`^(n98-)?magerun(-[0-9.]+)?(\.phar)?$`)
	// consumerName is how queue consumers are called, in Magento and in what is known of extensions. Nothing else is
	// shown.
	consumerName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)
)

// namedProgram tells which way into cron a script with these arguments is.
func namedProgram(script string, args []string) (program, bool) {
	p := program{script: script, systems: []finding.System{finding.Magento2}}
	switch base := filepath.Base(script); {
	case base == "magento":
		p.up = 2
		return p, p.magentoCommand(args)
	case magerun2.MatchString(base), magerun1.MatchString(base):
		if magerun1.MatchString(base) {
			p.systems = []finding.System{finding.Magento1}
		}
		p.up = -1
		return p, p.magerunCommand(args)
	case base == "cron.php":
		p.cronPHP()
		return p, true
	case base == "cron.sh", base == "scheduler_cron.sh":
		p.kind, p.systems, p.up = Magento1Cron, []finding.System{finding.Magento1}, 1
		return p, true
	}
	return p, false
}

// cronPHP sets what a script of that name is by its directory.
func (p *program) cronPHP() {
	switch filepath.Base(filepath.Dir(p.script)) {
	case "pub":
		p.kind, p.up = PubCron, 2
	case "update":
		p.kind, p.up = UpdateCron, 2
	case ".": // from a directory that is not known
		p.kind, p.systems, p.up = PubCron, []finding.System{finding.Magento2, finding.Magento1}, 1
	default:
		p.kind, p.systems, p.up = Magento1Cron, []finding.System{finding.Magento1}, 1
	}
}

// magentoCommand reads the arguments of bin/magento.
func (p *program) magentoCommand(args []string) bool {
	for i, arg := range args {
		if strings.HasPrefix(arg, "-") {
			continue
		}
		for _, kind := range []Kind{CronRun, SetupCronRun, Consumers} {
			if abbreviates(arg, string(kind)) {
				p.kind, p.text = kind, string(kind)
				if kind == Consumers {
					p.text += consumer(args[i+1:])
				}
				return true
			}
		}
		return false
	}
	return false
}

// consumer is the name of the consumer that is started, if it looks like one.
func consumer(args []string) string {
	for _, arg := range args {
		if !strings.HasPrefix(arg, "-") && consumerName.MatchString(arg) {
			return " " + arg
		}
	}
	return ""
}

// magerunCommand reads the arguments of n98-magerun.
func (p *program) magerunCommand(args []string) bool {
	found := false
	for i, arg := range args {
		switch {
		case strings.HasPrefix(arg, "--root-dir="):
			p.root = strings.TrimPrefix(arg, "--root-dir=")
		case arg == "--root-dir" && i+1 < len(args):
			p.root = args[i+1]
		case abbreviates(arg, string(MagerunCron)):
			p.kind, p.text, found = MagerunCron, string(MagerunCron), true
		}
	}
	return found
}

// abbreviates reports whether Symfony's console takes word for the command: each part may be shortened as long as no
// other command begins so. The last part of cron:run and setup:cron:run needs two letters, because there is a
// cron:remove.
func abbreviates(word, command string) bool {
	parts, full := strings.Split(word, ":"), strings.Split(command, ":")
	if len(parts) != len(full) {
		return false
	}
	for i, part := range parts {
		if part == "" || !strings.HasPrefix(full[i], part) {
			return false
		}
	}
	return full[len(full)-1] != "run" || len(parts[len(parts)-1]) >= 2
}

// owner tells whose a program is when it is started in dir, which is empty when that is not known. Other roots'
// programs are nobody's.
func (l *look) owner(p program, dir string) (finding.System, Certainty, bool) {
	if !filepath.IsAbs(p.root) && p.up < 0 {
		p.root = absolute(dir, p.root)
	}
	root := p.root
	if p.up >= 0 {
		root = absolute(dir, p.script)
	}
	for _, s := range l.sites {
		if !p.isOf(s.system) {
			continue
		}
		if root == "" {
			return s.system, Possible, true
		}
		if p.up < 0 && s.contains(root) || p.up >= 0 && s.holds(root, p.up) {
			return s.system, Certain, true
		}
	}
	return "", "", false
}

// isConsole reports whether the program is one of those whose first argument says what they do.
func (p program) isConsole() bool { return p.kind == "" && p.up != 0 }

func (p program) isOf(s finding.System) bool {
	return len(p.systems) > 0 && (p.systems[0] == s || len(p.systems) > 1 && p.systems[1] == s)
}

// holds reports whether the script lies up directories below the root, as it is named or where its links lead.
func (s site) holds(script string, up int) bool {
	if s.isRoot(above(script, up)) {
		return true
	}
	resolved, err := filepath.EvalSymlinks(script)
	return err == nil && s.isRoot(above(resolved, up))
}

// contains reports whether dir is the root or below it, which is where n98-magerun finds it from.
func (s site) contains(dir string) bool {
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	for _, root := range []string{s.given, s.resolved} {
		if dir == root || strings.HasPrefix(dir, strings.TrimSuffix(root, "/")+"/") {
			return true
		}
	}
	return false
}

func above(path string, up int) string {
	for range up {
		path = filepath.Dir(path)
	}
	return path
}

// absolute is the path that a name means in a directory; empty when that is not known.
func absolute(dir, name string) string {
	switch {
	case filepath.IsAbs(name):
		return filepath.Clean(name)
	case dir == "":
		return ""
	}
	return filepath.Join(dir, name)
}
