package cron

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"magento_migration_exporter/collector/leaktest"
)

func TestMain(m *testing.M) {
	leaktest.Main(m)
}

// host is a directory with a host's files, and a Magento of each kind on it.
type host struct {
	dir, magento1, magento2 string
}

// newHost makes a host on which the user shop has Magento 2 below the home directory, like /home/shop/www.
func newHost(t *testing.T) host {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := host{dir: dir, magento1: filepath.Join(dir, "srv/old"), magento2: filepath.Join(dir, "home/shop/www")}
	h.write(t, "srv/old/cron.php", "<?php")
	h.write(t, "srv/old/cron.sh", "#!/bin/sh\n")
	h.write(t, "home/shop/www/bin/magento", "#!/usr/bin/env php\n<?php")
	h.write(t, "home/shop/www/pub/cron.php", "<?php")
	h.write(t, "srv/other/bin/magento", "#!/usr/bin/env php\n<?php")
	h.write(t, "etc/passwd", fmt.Sprintf("root:x:0:0:root:%[2]s/root:/bin/sh\n"+
		"shop:x:%[1]d:33::%[2]s/home/shop:/bin/sh\nnohome:x:77:77::/nonexistent:/bin/sh\nbroken\n", os.Getuid()+100000,
		dir))
	return h
}

// write makes a file with its directories. ROOT, OTHER, OLD, HOME and DIR in the text stand for the host's directories.
func (h host) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	// A process that another test starts meanwhile would have the file open for writing until it runs its program, and
	// the kernel refuses to run such a file.
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, []byte(h.fill(text)), 0o600)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (h host) fill(text string) string {
	return strings.NewReplacer("{ROOT}", h.magento2, "{OLD}", h.magento1, "{OTHER}", filepath.Join(h.dir, "srv/other"),
		"{HOME}", filepath.Join(h.dir, "home/shop"), "{DIR}", h.dir).Replace(text)
}

func (h host) symlink(t *testing.T, target, name string) {
	t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(h.fill(target), path); err != nil {
		t.Fatal(err)
	}
}

func (h host) options() Options {
	return Options{Magento1Root: h.magento1, Magento2Root: h.magento2, Crontabs: []string{}}
}

// files looks at places below the host's directory; nil are the usual ones.
func (h host) files(t *testing.T, o Options, places []string) Evidence {
	t.Helper()
	o.Crontabs = nil
	if places != nil {
		o.Crontabs = []string{}
		for _, place := range places {
			o.Crontabs = append(o.Crontabs, filepath.Join(h.dir, place))
		}
	}
	l := newLook(o, filepath.Join(h.dir, "etc/passwd"))
	places = o.Crontabs
	if places == nil {
		places = usualPlaces(h.dir, l.ownerHome())
	}
	l.files(t.Context(), places)
	l.rootDefinitions(t.Context())
	return l.evidence
}

// short writes entries as tests compare them: place, schedule, user, kind and so on, one a line.
func (h host) short(entries []Entry) string {
	var lines []string
	for _, e := range entries {
		state := "armed"
		if !e.Armed() {
			state = "dormant"
		}
		lines = append(lines, fmt.Sprintf("%s:%d %s|%s|%s %s %s %s|%s", strings.TrimPrefix(e.File, h.dir), e.Line,
			e.Schedule, e.User, e.System, e.Certainty, state, e.Kind, strings.ReplaceAll(e.Text, h.dir, "")))
	}
	return strings.Join(lines, "\n")
}

func ownUID() uint64 { return uint64(os.Getuid()) }
