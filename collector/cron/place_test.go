package cron

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"magento_migration_exporter/collector/finding"
)

// TestUsualPlaces finds one line in each of the places.
func TestUsualPlaces(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	line := "* * * * * php {ROOT}/bin/magento cron:run\n"
	withUser := "* * * * * shop php {ROOT}/bin/magento cron:run\n"
	h.write(t, "etc/crontab", withUser)
	h.write(t, "etc/cron.d/magento", withUser)
	h.write(t, "etc/cron.d/.placeholder", "# nothing\n")
	h.write(t, "etc/cron.d/sub/dir", withUser)
	h.write(t, "var/spool/cron/crontabs/shop", line)
	h.write(t, "var/spool/cron/tabs/shop", line)
	h.write(t, "var/spool/cron/shop", line)
	h.symlink(t, "shop", "var/spool/cron/same")
	h.symlink(t, "nowhere", "var/spool/cron/dangling")
	h.write(t, "etc/supervisord.conf", "[program:x]\ncommand={ROOT}/bin/magento queue:consumers:start x\n")
	h.write(t, "etc/supervisord.d/x.ini", "[program:y]\ncommand={ROOT}/bin/magento queue:consumers:start y\n")
	h.write(t, "usr/lib/systemd/system/x.service", "[Service]\nExecStart={ROOT}/bin/magento cron:run\n")
	h.symlink(t, "usr/lib", "lib")
	h.symlink(t, "../x.service", "usr/lib/systemd/system/timers.target.wants/x.service")
	if err := syscall.Mkfifo(filepath.Join(h.dir, "etc/cron.d/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := h.files(t, h.options(), nil)
	var files []string
	for _, entry := range e.Entries {
		files = append(files, strings.TrimPrefix(entry.File, h.dir))
	}
	want := "/etc/crontab /etc/cron.d/magento /var/spool/cron/crontabs/shop /var/spool/cron/tabs/shop " +
		"/var/spool/cron/same /etc/supervisord.conf /etc/supervisord.d/x.ini /usr/lib/systemd/system/x.service"
	if got := strings.Join(files, " "); got != want {
		t.Errorf("found in %s\nwant %s", got, want)
	}
	if len(e.Problems) > 0 {
		t.Errorf("problems: %v", e.Problems)
	}
	if looked := strings.Join(e.Looked, "\n"); !strings.Contains(looked, h.dir+"/var/spool/cron/crontabs (1 file)") {
		t.Errorf("looked at %s", looked)
	}
}

// TestProblems checks that what cannot be seen is said.
func TestProblems(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		make   func(t *testing.T, h host)
		places []string
		want   string
	}{
		{"nothing in the usual places", func(*testing.T, host) {}, nil, "neither crontabs nor systemd units"},
		{
			"a directory that is not there", func(*testing.T, host) {}, []string{"etc/cron.d/*"},
			"/etc/cron.d/*: there is no such directory",
		},
		{
			"a pattern's directories are not there", func(*testing.T, host) {}, []string{"x*/cron.d/*"},
			"/x*/cron.d/*: there is no such directory",
		},
		{
			"a unit directory that is not there", func(*testing.T, host) {}, []string{"units/*.timer"},
			"/units: there is no such directory",
		},
		{"a bad pattern", func(*testing.T, host) {}, []string{"etc/cron[.d/*"}, "no valid pattern"},
		{"a file that is not there, in a directory that is", func(*testing.T, host) {}, []string{"etc/crontab"}, ""},
		{
			"an empty directory", func(t *testing.T, h host) { h.write(t, "etc/cron.d/sub/x", "") },
			[]string{"etc/cron.d", "etc/cron.d/*"}, "",
		},
		{
			"a large file", func(t *testing.T, h host) {
				h.write(t, "etc/cron.d/x", strings.Repeat("#",
					maxFileBytes+1))
			}, []string{"etc/cron.d"}, "/etc/cron.d/x: it is larger than 1024 KiB, so it was not read",
		},
		{
			"a large unit", func(t *testing.T, h host) {
				h.write(t, "u/x.service", strings.Repeat("#",
					maxUnitBytes+1))
			}, []string{"u/*.service"}, "/u/x.service: it is larger than 256 KiB, so it was not read",
		},
		{"a FIFO", func(t *testing.T, h host) {
			h.write(t, "etc/cron.d/a", "")
			if err := syscall.Mkfifo(filepath.Join(h.dir, "etc/cron.d/x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"etc/cron.d"}, "/etc/cron.d/x: it is not a regular file"},
		{
			"a device", func(t *testing.T, h host) { h.symlink(t, "/dev/zero", "etc/cron.d/x") },
			[]string{"etc/cron.d"}, "/etc/cron.d/x: it is not a regular file",
		},
		{
			"a link to itself", func(t *testing.T, h host) { h.symlink(t, "x", "etc/cron.d/x") },
			[]string{"etc/cron.d"}, "/etc/cron.d/x: too many levels of symbolic links",
		},
		{
			"a name with a line feed", func(t *testing.T, h host) { h.symlink(t, "/dev/zero", "etc/cron.d/x\ny") },
			[]string{"etc/cron.d"}, `/etc/cron.d/x\ny: it is not a regular file`,
		},
		{"more entries than anybody reads", func(t *testing.T, h host) {
			h.write(t, "etc/cron.d/x", strings.Repeat("* * * * * x {ROOT}/bin/magento cron:run\n", maxEntries+10))
		}, []string{"etc/cron.d"}, "only the first 1000 entries are reported"},
		{"more scripts than anybody has", func(t *testing.T, h host) {
			h.write(t, "opt/x", "#!/bin/sh\n")
			h.write(t, "etc/cron.d/x", strings.Repeat("* * * * * x {DIR}/opt/x\n", maxScripts+10))
		}, []string{"etc/cron.d"}, "only the first 1000 scripts and 64 MiB that cron runs are read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			if test.places == nil {
				h.dir = t.TempDir() // without an etc directory
			}
			test.make(t, h)
			e := h.files(t, h.options(), test.places)
			var got []string
			for _, p := range e.Problems {
				got = append(got, strings.TrimPrefix(p.String(), h.dir))
				if p.Remedy == "" {
					t.Errorf("%s has no remedy", p)
				}
			}
			if len(got) > 1 || (test.want == "") != (len(got) == 0) || !strings.Contains(strings.Join(got, ""),
				test.want) {
				t.Errorf("problems %q, want %q", got, test.want)
			}
		})
	}
}

// TestManyProblems checks that a directory full of unreadable files does not fill the memory.
func TestManyProblems(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for i := range maxProblems + 10 {
		h.write(t, "etc/cron.d/x", "")
		if err := syscall.Mkfifo(filepath.Join(h.dir, fmt.Sprintf("etc/cron.d/%d", i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e := h.files(t, h.options(), []string{"etc/cron.d"})
	if last := e.Problems[len(e.Problems)-1]; len(e.Problems) != maxProblems+1 ||
		last.Text != "there are more problems than these" {
		t.Errorf("%d problems, the last one %s", len(e.Problems), last)
	}
}

// TestUnreadable looks as a user who may read neither the crontabs of others nor list their directory. Root drops that
// right for the thread that looks; anybody else does not have it.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write(t, "var/spool/cron/crontabs/shop", "* * * * * php {ROOT}/bin/magento cron:run\n")
	h.write(t, "etc/cron.d/closed", "* * * * * x php {ROOT}/bin/magento cron:run\n")
	h.write(t, "etc/cron.d/open", "* * * * * x php {ROOT}/bin/magento cron:run\n* * * * * x {DIR}/opt/magento-cron\n"+
		"* * * * * x {DIR}/opt/other\n")
	h.write(t, "opt/magento-cron", "#!/bin/sh\n")
	h.write(t, "opt/other", "#!/bin/sh\n")
	h.write(t, "etc/systemd/system/x.service", "[Service]\n")
	h.write(t, "etc/systemd/system/y.service.d/a.conf", "[Service]\n")
	h.write(t, "etc/systemd/system/y.target.wants/x.timer", "")
	for name, mode := range map[string]os.FileMode{"var/spool/cron/crontabs": 0o300, "etc/cron.d/closed": 0,
		"etc/cron.d/open": 0o644, "etc/systemd/system/x.service": 0, "opt/magento-cron": 0, "opt/other": 0,
		"etc/systemd/system/y.service.d": 0, "etc/systemd/system/y.target.wants": 0, "etc/passwd": 0o644} {
		if err := os.Chmod(filepath.Join(h.dir, name), mode); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(filepath.Join(h.dir, name), 0o700) })
	}
	for dir := h.dir; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var e Evidence
	asNobody(t, func() { e = h.files(t, h.options(), nil) })
	if got, want := h.short(e.Entries), "/etc/cron.d/open:1 * * * * *|x|magento2 certain armed "+
		"cron:run|/home/shop/www/bin/magento cron:run"; got != want {
		t.Errorf("entries %s, want %s", got, want)
	}
	var problems []string
	for _, p := range e.Problems {
		problems = append(problems, strings.TrimPrefix(p.String(), h.dir))
		if !strings.Contains(p.Remedy, "CAP_DAC_READ_SEARCH") {
			t.Errorf("remedy %q", p.Remedy)
		}
	}
	want := "/etc/cron.d/closed: permission denied\n/opt/magento-cron: cron runs this script, but it cannot be read\n" +
		"/var/spool/cron/crontabs: permission denied\n/etc/systemd/system/y.service.d: permission denied\n" +
		"/etc/systemd/system/y.target.wants: permission denied\n/etc/systemd/system/x.service: permission denied"
	if got := strings.Join(problems, "\n"); got != want {
		t.Errorf("problems:\n%s\nwant:\n%s", got, want)
	}
}

// asNobody runs f without root's right to read everything.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if os.Getuid() == 0 {
		const nobody = 65534
		if err := syscall.Setfsuid(nobody); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := syscall.Setfsuid(0); err != nil {
				panic(err)
			}
		}()
	}
	f()
}

// TestEnded checks that a look that was ended says so.
func TestEnded(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write(t, "etc/cron.d/x", "* * * * * x php {ROOT}/bin/magento cron:run\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := Look(ctx, Options{Magento2Root: h.magento2, Crontabs: []string{filepath.Join(h.dir, "etc/cron.d/*")},
		Processes: true})
	if len(e.Entries) > 0 || len(e.Problems) != 1 || !strings.Contains(e.Problems[0].Text, "context canceled") {
		t.Errorf("%+v", e)
	}
}

// TestNowhere checks that an empty list of crontabs is not the usual places.
func TestNowhere(t *testing.T) {
	t.Parallel()
	e := Look(t.Context(), Options{Magento2Root: "/nonexistent", Crontabs: []string{}})
	if len(e.Looked) > 0 || len(e.Problems) > 0 {
		t.Errorf("%+v", e)
	}
}

// TestThisHost looks at the host that the tests run on, whatever is there.
func TestThisHost(t *testing.T) {
	t.Parallel()
	e := Look(t.Context(), Options{Magento2Root: t.TempDir(), Magento1Root: t.TempDir(), Processes: true})
	if got := append(e.Armed(finding.Magento2), e.Armed(finding.Magento1)...); len(got) > 0 || len(e.Running(finding.Magento2)) > 0 {
		t.Errorf("found %+v", e)
	}
}

// TestHostile reads what somebody could write to keep the exporter busy. With a reader that takes the square of its
// input's length, or doubles it, it does not end within go test's time.
func TestHostile(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for name, text := range map[string]string{
		"doubling": "* * * * * a=xxxxxxxxxxxxxxxx; " + strings.Repeat("a=$a$a; ",
			60) + " php $a/bin/magento cron:run\n",
		"arguments":   "* * * * * " + strings.Repeat("magerun2 ", 30_000) + "\n",
		"scripts":     "* * * * * " + strings.Repeat("/x ", 50_000) + "\n",
		"assignments": "* * * * * " + strings.Repeat("A=1 ", 30_000) + "\n",
		"nesting":     "* * * * * " + strings.Repeat("$(", 100_000) + "\n",
		"backticks":   "* * * * * " + strings.Repeat("`", 200_000) + "\n",
		"parentheses": "* * * * * " + strings.Repeat("(", 200_000) + "\n",
		"percents":    "* * * * * " + strings.Repeat(`\%`, 100_000) + "\n",
		"backslashes": strings.Repeat("* * * * * x magento \\\n", 3_000),
		"one word":    "* * * * * " + strings.Repeat("x", 1_000_000) + "/bin/magento cron:run\n",
		"quoted":      "* * * * * sh -c '" + strings.Repeat("magento ", 30_000) + "'\n",
		"variables":   strings.Repeat("A=1\n* * * * * x\n", 10_000),
	} {
		h.write(t, "spool/cron/"+name, text)
	}
	e := h.files(t, h.options(), []string{"spool/cron/*"})
	if len(e.Armed(finding.Magento2)) > 0 {
		t.Errorf("found %+v", e.Entries)
	}
}

func FuzzCrontab(f *testing.F) {
	f.Add([]byte("SHELL=/bin/sh\n* * * * * shop cd /srv/m2 && php bin/magento cron:run \\\n>x 2>&1 %y\n" +
		"@reboot sh -c 'php /srv/m2/bin/magento \"queue:consumers:start\" x'\n"))
	f.Add([]byte("#~ MAGENTO START " + hash256("/srv/m2") +
		"\n* * * * * $(X=${Y:-z} `php x`) && curl http://u:p@h/cron.php?x\r\n#~ MAGENTO END\n"))
	dir := f.TempDir()
	info, err := os.Stat(dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, path := range []string{"/etc/cron.d/x", "/var/spool/cron/crontabs/shop", "/x"} {
			l := newLook(Options{Magento2Root: "/srv/m2", Magento1Root: "/srv/m1"}, "/nonexistent")
			l.crontabFile(path, data, info)
			for _, e := range l.evidence.Entries {
				if !plausible(e, data) {
					t.Errorf("%+v", e)
				}
			}
		}
	})
}

// plausible reports whether an entry says what every entry must, in text that a terminal takes literally.
func plausible(e Entry, data []byte) bool {
	return e.Line >= 1 && e.Line <= breaks(data)+1 &&
		e.Kind != "" && e.System != "" && e.Certainty != "" && e.Remedy != "" &&
		!strings.ContainsFunc(e.Text, func(r rune) bool { return r < ' ' })
}

// breaks counts what some file format ends a line with: a carriage return alone does so in YAML.
func breaks(data []byte) (n int) {
	for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
		n += bytes.Count(data, []byte(end))
	}
	return n
}

func FuzzUnit(f *testing.F) {
	f.Add([]byte("[Service]\nUser=shop\nWorkingDirectory=/srv/m2\n" +
		"ExecStart=-/usr/bin/php \\\n# x\n bin/magento cron:run ; x\nEnvironment=\"A=b\" C=%i\n"))
	f.Add([]byte("[program:x]\ncommand=php /srv/m2/bin/magento\n " +
		"queue:consumers:start %(x)s ; y\nenvironment=A=\"b\"\nautostart=no\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := newLook(Options{Magento2Root: "/srv/m2"}, "/nonexistent")
		l.supervisorFile("/x", data)
		settings := parseOptions("/x", unitLines(data))
		for _, command := range settings.list("Service", "ExecStart") {
			l.serviceCommand(&unitSet{}, "x@y.service", settings, command, nil)
		}
		for _, e := range l.evidence.Entries {
			if !plausible(e, data) {
				t.Errorf("%+v", e)
			}
		}
	})
}

func FuzzPasswd(f *testing.F) {
	f.Add([]byte("root:x:0:0:root:/root:/bin/sh\nshop:x:1001:1001::/home/shop:\n+::::::\nx:y:-1:0:::\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		found := parseAccounts(data)
		for name, a := range found {
			owner, ok := found.byUID(a.uid)
			if name != a.name || strings.ContainsAny(a.name+a.home, ":\n") || ok && owner.uid != a.uid {
				t.Errorf("%q is %+v, %+v", name, a, owner)
			}
		}
	})
}
