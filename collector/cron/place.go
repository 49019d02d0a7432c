package cron

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"magento_migration_exporter/collector/finding"
)

// usualPlaces are where cron daemons and service managers keep what they start, below a host's root directory: Debian's
// and Red Hat's crontabs, SUSE's, systemd's system units by falling precedence, supervisor's, and the user units in the
// home directory of the account that owns the Magento installation.
func usualPlaces(root, home string) []string {
	places := []string{
		"/etc/crontab", "/etc/anacrontab", "/etc/cron.d",
		"/var/spool/cron/crontabs", "/var/spool/cron/tabs", "/var/spool/cron/*",
		"/etc/systemd/system", "/run/systemd/system", "/run/systemd/transient", "/run/systemd/generator",
		"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
		"/etc/systemd/user", "/usr/lib/systemd/user",
		"/etc/supervisor/supervisord.conf", "/etc/supervisor/conf.d/*.conf",
		"/etc/supervisord.conf", "/etc/supervisord.d/*.ini",
		"/etc/service/*/run", "/var/service/*/run", "/service/*/run", "/run/service/*/run", "/etc/services.d/*/run",
		"/etc/s6-overlay/s6-rc.d/*/run",
	}
	for i, place := range places {
		places[i] = filepath.Join(root, place)
	}
	if home != "" {
		places = append(places, filepath.Join(home, ".config/systemd/user"))
	}
	return places
}

// ownerHome is the home directory of the account that owns Magento 2's root; empty when that is not known.
func (l *look) ownerHome() string {
	for _, s := range l.sites {
		if info, err := os.Stat(s.resolved); err == nil && s.system == finding.Magento2 {
			owner, _ := l.accounts.byUID(ownerOf(info))
			return owner.home
		}
	}
	return ""
}

// Limits of one look.
const (
	maxFileBytes = 1 << 20
	maxFiles     = 20_000
)

// files reads what the places name. Only the usual ones may be missing.
func (l *look) files(ctx context.Context, places []string) {
	var system, user, others []string
	for _, place := range places {
		switch dir, of := unitPlace(place); of {
		case "user":
			user = append(user, dir)
		case "system":
			system = append(system, dir)
		default:
			others = append(others, place)
		}
	}
	l.unitDirs = slices.Concat(system, user)
	found := 0
	for _, place := range others {
		if ctx.Err() != nil {
			return
		}
		found += l.place(ctx, place)
	}
	found += l.unitFiles(ctx, system, false) + l.unitFiles(ctx, user, true)
	if l.usual && found == 0 {
		l.problem("", "neither crontabs nor systemd units are in any of the usual places",
			"where the exporter runs in a container, mount the host's crontabs into it "+
				"and name them in cron_stopped.crontabs; "+
				"where cron does not run on this host, set it to []")
	}
}

// unitPlace reports whether a place holds systemd units, and for which of its two managers.
func unitPlace(place string) (dir, of string) {
	if ext := filepath.Ext(place); ext == ".timer" || ext == ".service" {
		place = filepath.Dir(place)
	} else if base := filepath.Base(filepath.Dir(place)); base != "systemd" || strings.ContainsAny(place, "*?[") {
		return "", ""
	}
	if filepath.Base(place) == "user" {
		return place, "user"
	}
	return place, "system"
}

// place reads the crontabs and supervisor files that one place names, and returns how many directories and files of it
// are there.
func (l *look) place(ctx context.Context, place string) int {
	paths, err := expandPlace(place)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist) && l.usual:
		return 0
	case errors.Is(err, fs.ErrNotExist):
		l.problem(place, "there is no such directory", "correct cron_stopped.crontabs")
		return 0
	case errors.Is(err, filepath.ErrBadPattern):
		l.problem(place, "it is no valid pattern", "correct cron_stopped.crontabs: * ? and [ ] are as in a shell")
		return 0
	default:
		l.problem(place, reason(err), readRemedy)
		return 1
	}
	l.looked(fmt.Sprintf("%s (%s)", place, finding.Counted(len(paths), "file", "files")))
	for _, path := range paths {
		if ctx.Err() != nil {
			break
		}
		l.file(path)
	}
	return 1
}

// file reads a crontab or a supervisor file, once.
func (l *look) file(path string) {
	data, info, ok := l.read(path)
	switch {
	case !ok:
	case isCronPlace(path):
		l.crontabFile(path, data, info)
	case isProgram(path, data):
		l.programFile(path)
	case isINI(path):
		if !l.supervisorFile(path, data) && !l.ofeliaFile(path, data) {
			l.strange(path, data)
		}
	case isDockerfile(path):
		l.dockerfile(path, data)
	case isDefinition(path):
		l.definitionFile(path, data)
	default:
		l.crontabFile(path, data, info)
	}
}

// isCronPlace reports whether a cron reads the file for sure.
func isCronPlace(path string) bool {
	format, user := formatOf(path)
	return format.system || user != "" || format.anacron
}

func isINI(path string) bool {
	return filepath.Ext(path) == ".conf" || filepath.Ext(path) == ".ini"
}

// read reads a file that was not read before. What cannot be read is a problem; what vanished meanwhile is not.
func (l *look) read(path string) ([]byte, fs.FileInfo, bool) {
	resolved, err := filepath.EvalSymlinks(path)
	if err == nil && l.seen[resolved] {
		return nil, nil, false
	}
	if len(l.seen) >= maxFiles {
		l.problem("", fmt.Sprintf("only the first %d files are read", maxFiles), fewerRemedy)
		return nil, nil, false
	}
	l.seen[resolved] = true
	data, info, err := readRegular(path, maxFileBytes)
	if err == nil {
		l.inodes[inodeOf(info)] = true
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errNotRegular) && l.usual:
		return nil, nil, false // cron and systemd read regular files only
	case err != nil:
		l.problem(path, reason(err), readRemedy)
		return nil, nil, false
	}
	return data, info, true
}

// expandPlace lists the files that a place names. In a directory that is named itself they are the files in it, a
// pattern's directories are passed over. Unlike filepath.Glob it says when a directory cannot be listed, which is how
// Debian keeps its users' crontabs.
func expandPlace(place string) ([]string, error) {
	info, err := os.Stat(place)
	switch {
	case err == nil && info.IsDir():
		return list(place, "*")
	case err == nil:
		return []string{place}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if _, err := filepath.Match(place, ""); err != nil {
		return nil, err
	}
	dir, name := filepath.Split(place)
	dirs := []string{filepath.Clean(dir)}
	if strings.ContainsAny(dir, `*?[\`) {
		if dirs, err = filepath.Glob(filepath.Clean(dir)); err != nil {
			return nil, err
		}
		if len(dirs) == 0 {
			return nil, fs.ErrNotExist
		}
	}
	var paths []string
	for _, dir := range dirs {
		found, err := list(dir, name)
		if err != nil {
			return nil, err
		}
		paths = append(paths, found...)
	}
	return paths, nil
}

// list returns the files of a directory whose name matches, in order. Links are taken for files until they are read.
func list(dir, pattern string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if ok, _ := filepath.Match(pattern, entry.Name()); !ok || entry.IsDir() {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			continue
		}
		paths = append(paths, path)
	}
	return paths, nil
}
