package cron

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOwnCrontabs reads the crontabs that cron daemons are given by supervisor, systemd or a crontab.
func TestOwnCrontabs(t *testing.T) {
	t.Parallel()
	const job = "* * * * * php {ROOT}/bin/magento cron:run\n"
	const run = "magento2 certain armed cron:run|/home/shop/www/bin/magento cron:run"
	const conf = "etc/supervisor/conf.d/cron.conf"
	program := func(command string) string { return "[program:cron]\ncommand=" + command + "\nuser=shop\n" }
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
		// note, remedy and problem must be in the first of each.
		note, remedy, problem string
	}{
		{
			name: "supercronic",
			files: map[string]string{conf: program("/usr/local/bin/supercronic {DIR}/app/crontab"),
				"app/crontab": "# x\n" + job},
			want: "/app/crontab:2 * * * * *|shop|" + run,
			note: "line 2 of {DIR}/" + conf + " starts what reads it; supervisor's program cron",
			remedy: "comment out line 2 of {DIR}/app/crontab; or run supervisorctl stop cron:* and set " +
				"autostart=false in {DIR}/" + conf,
		},
		{
			name: "supercronic with options", want: "/app/c:1 */5 * * * *|shop|" + run,
			files: map[string]string{
				conf: program("supercronic -passthrough-logs -prometheus-listen-address 127.0.0.1 -sentry-dsn=x " +
					"{DIR}/app/c"),
				"app/c": strings.Replace(job, "*", "*/5", 1),
			},
		},
		{
			name: "supercronic with seconds and years",
			want: "/app/c:1 */10 * * * * * *|shop|" + run + "\n/app/c:2 * * * * * 2026|shop|" + run,
			files: map[string]string{conf: program("supercronic {DIR}/app/c"),
				"app/c": "*/10 * " + job + strings.Replace(job, " php", " 2026 php", 1)},
		},
		{
			name: "supercronic with a percent sign", want: "/app/c:1 * * * * *|shop|" + run,
			files: map[string]string{conf: program("supercronic {DIR}/app/c"),
				"app/c": "* * * * * date +%s; php {ROOT}/bin/magento cron:run\n"},
		},
		{
			name: "supercronic with its own directory and variables", want: "/app/c:2 * * * * *|shop|" + run,
			files: map[string]string{conf: program("supercronic c") + "directory={DIR}/app\nenvironment=P=bin\n",
				"app/c": "M=magento\n* * * * * cd {ROOT} && php $P/$M cron:run\n"},
		},
		{
			name:  "supercronic that only tests",
			files: map[string]string{conf: program("supercronic -test {DIR}/app/c"), "app/c": job},
		},
		{
			name: "supercronic of another", files: map[string]string{conf: program("supercronic {DIR}/app/c"),
				"app/c": strings.ReplaceAll(job, "{ROOT}", "{OTHER}")},
		},
		{
			name: "supercronic with nothing", files: map[string]string{conf: program("supercronic {DIR}/app/c"),
				"app/c": "#" + job},
		},
		{
			name:  "supercronic with a file that is not there",
			files: map[string]string{conf: program("supercronic {DIR}/app/c")},
		},
		{
			name: "supercronic with an unknown file", files: map[string]string{conf: program("supercronic %(ENV_C)s")},
			problem: "supercronic is started with a crontab that is not known here",
		},
		{
			name: "supercronic that is off", want: "/app/c:1 * * * * *|shop|" + strings.Replace(run, "armed",
				"dormant", 1),
			files: map[string]string{conf: program("supercronic {DIR}/app/c") + "autostart=false\n", "app/c": job},
		},
		{
			name: "supercronic by a script", want: "/app/c:1 * * * * *|shop|" + run,
			files: map[string]string{conf: program("sh -c 'exec {DIR}/app/start'"),
				"app/start": "#!/bin/sh\nexec supercronic \"$(dirname \"$0\")/c\"\n", "app/c": job},
		},
		{
			name: "crond with a directory", want: "/app/tabs/shop:1 * * * * *|shop|" + run,
			files: map[string]string{conf: program("crond -f -c {DIR}/app/tabs"), "app/tabs/shop": job,
				"app/tabs/sub/x": job},
		},
		{
			name: "crond with a directory behind other options", want: "/app/tabs/shop:1 * * * * *|shop|" + run,
			files: map[string]string{conf: program("crond -fSc {DIR}/app/tabs"),
				"app/tabs/shop": job},
		}, {
			name: "busybox's crond with a directory", want: "/app/tabs/shop:1 * * * * *|shop|" + run,
			files: map[string]string{conf: program("/bin/busybox crond -f -l 8 -c{DIR}/app/tabs"),
				"app/tabs/shop": job},
		},
		{
			name: "crond with a directory of the system's", want: "/app/cron.d/shop:1 * * * * *|shop|" + run,
			files: map[string]string{conf: program("/usr/sbin/crond -s {DIR}/app/cron.d"),
				"app/cron.d/shop": strings.Replace(job, "php", "shop php", 1)},
		},
		{
			name: "crond without a directory", files: map[string]string{conf: program("/usr/sbin/crond -n -s"),
				"app/tabs/shop": job},
		},
		{
			name: "go-crond", want: "/app/c:1 * * * * *|shop|" + run,
			files: map[string]string{conf: program("go-crond --allow-unprivileged shop:{DIR}/app/c"),
				"app/c": strings.Replace(job, "php", "shop php", 1)},
		},
		{
			name: "a unit", want: "/app/c:1 * * * * *||" + run, note: "systemd starts it by cron.service",
			files: map[string]string{"etc/systemd/system/cron.service": "[Service]\n" +
				"ExecStart=/usr/local/bin/supercronic {DIR}/app/c\n",
				"etc/systemd/system/multi-user.target.wants/cron.service": "x", "app/c": job},
			remedy: "comment out line 1 of {DIR}/app/c; or systemctl disable --now cron.service",
		},
		{
			name: "a crontab that another makes", want: "/app/c:1 * * * * *|shop|" + strings.Replace(run, "certain",
				"possible", 1), note: "crontab installs it",
			files: map[string]string{"var/spool/cron/crontabs/shop": "@reboot crontab {DIR}/app/c\n", "app/c": job},
		},
		{
			name: "a crontab from a pipe", want: "/var/spool/cron/crontabs/shop:1 @reboot|shop|" + strings.Replace(run,
				"certain", "possible", 1), note: "crontab installs it",
			files: map[string]string{"var/spool/cron/crontabs/shop": "@reboot (crontab -l; echo '* * * * * php " +
				"{ROOT}/bin/magento cron:run') | crontab -\n"},
		},
		{
			name: "a crontab that is listed", files: map[string]string{"var/spool/cron/crontabs/shop": "@reboot " +
				"crontab -l > {DIR}/app/c; crontab -u shop -r\n", "app/c": job},
		},
		{
			name: "a crontab that has been read", want: "/etc/cron.d/shop:1 * * * * *|shop|" + run,
			files: map[string]string{"etc/cron.d/shop": strings.Replace(job, "php", "shop php", 1),
				conf: program("crond -s {DIR}/etc/cron.d")},
		},
		{
			name: "a daemon that reads its own start", files: map[string]string{conf: program("crond -c {DIR}/app"),
				"app/x": "* * * * * crond -c {DIR}/app\n"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			for name, text := range test.files {
				if err := os.Chmod(h.write(t, name, text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			e := h.files(t, h.options(), nil)
			if got := h.short(e.Entries); got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
			if len(e.Entries) > 0 && (!strings.Contains(e.Entries[0].Note, h.fill(test.note)) ||
				!strings.Contains(e.Entries[0].Remedy, h.fill(test.remedy))) {
				t.Errorf("%+v", e.Entries[0])
			}
			if len(e.Problems) > 1 || (len(e.Problems) > 0) != (test.problem != "") || len(e.Problems) > 0 &&
				!strings.Contains(e.Problems[0].Text, test.problem) {
				t.Errorf("problems: %v, want %q", e.Problems, test.problem)
			}
		})
	}
}

// TestOwnCrontabUnreadable names a daemon's crontab that the exporter must not read.
func TestOwnCrontabUnreadable(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write(t, "etc/x.conf",
		"[program:cron]\ncommand=supercronic {DIR}/app/c\n[program:fifo]\ncommand=supercronic {DIR}/app/f\n")
	if err := os.Chmod(h.write(t, "app/c", ""), 0); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(h.dir, "app/f"), 0o600); err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Join(h.dir, "app"); dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"etc", "etc/passwd", "etc/x.conf"} {
		if err := os.Chmod(filepath.Join(h.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var e Evidence
	asNobody(t, func() { e = h.files(t, h.options(), []string{"etc/x.conf"}) })
	if got := fmt.Sprint(e.Problems); len(e.Problems) != 2 || !strings.Contains(got,
		"supercronic reads this crontab, but the exporter cannot: permission denied") ||
		!strings.Contains(got, "it is not a regular file") {
		t.Errorf("%v", e.Problems)
	}
}

// TestDaemonProcesses finds the crontabs of cron daemons that run, on the host and in containers.
func TestDaemonProcesses(t *testing.T) {
	t.Parallel()
	const job = "* * * * * php {ROOT}/bin/magento cron:run\n"
	const exporter = "/usr/bin/exporter"
	contained := func(t *testing.T, h host, root string) {
		t.Helper()
		replaceLink(t, filepath.Join(root, "7/ns/mnt"), "mnt:[2]")
		replaceLink(t, filepath.Join(root, "7/root"), filepath.Join(h.dir, "container"))
		h.symlink(t, "{ROOT}", "container/app")
	}
	for _, test := range []struct {
		name, command string
		files         map[string]string
		change        func(t *testing.T, h host, root string)
		want          string
	}{
		{
			"supercronic", "/usr/local/bin/supercronic -quiet {DIR}/app/c", map[string]string{"app/c": job}, nil,
			"/app/c:1 * * * * *|12345|magento2 certain armed cron:run|/home/shop/www/bin/magento cron:run",
		},
		{"the host's own cron", "/usr/sbin/cron -f", map[string]string{"etc/cron.d/x": job}, nil, ""},
		{
			"supercronic in a container", "supercronic /c",
			map[string]string{"container/c": "* * * * * php /app/bin/magento cron:run\n"}, contained,
			"/proc/7/root/c:1 * * * * *|12345|magento2 certain armed cron:run|/app/bin/magento cron:run",
		},
		{
			"supercronic in a container, of another", "supercronic /c", map[string]string{
				"container/c": "* * * * * php /srv/bin/magento cron:run\n", "container/srv/bin/magento": "",
			}, contained, "",
		},
		{
			"cron in a container", "cron -f", map[string]string{
				"container/etc/cron.d/x": "* * * * * shop cd /app && php bin/magento cron:run\n",
				"container/etc/crontab":  "# x\n",
			}, contained,
			"/proc/7/root/etc/cron.d/x:1 * * * * *|12345|magento2 certain armed cron:run|/app/bin/magento cron:run",
		},
		{
			"Alpine's crond in a container", "busybox crond -f -l 2",
			map[string]string{"container/etc/crontabs/root": "* * * * * php /app/bin/magento cron:run\n"},
			contained, "/proc/7/root/etc/crontabs/root:1 * * * * *|12345|magento2 certain armed " +
				"cron:run|/app/bin/magento cron:run",
		},
		{"a container's link out of it", "supercronic /c", map[string]string{"app/c": job}, func(t *testing.T, h host,
			root string) {
			contained(t, h, root)
			h.symlink(t, "{DIR}/app/c", "container/c")
		}, ""},
		{
			"a container that reads a file of the host's that has been read", "cron -f",
			map[string]string{"spool/cron/shop": job}, func(t *testing.T, h host, root string) {
				contained(t, h, root)
				if err := os.MkdirAll(filepath.Join(h.dir, "container/etc/crontabs"), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.Link(filepath.Join(h.dir, "spool/cron/shop"), filepath.Join(h.dir,
					"container/etc/crontabs/shop")); err != nil {
					t.Fatal(err)
				}
			},
			"/spool/cron/shop:1 * * * * *|shop|magento2 certain armed cron:run|/home/shop/www/bin/magento cron:run",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := processHost(t)
			root := h.table(t, map[int]string{1: "init", 100: exporter, 7: h.fill(test.command)})
			for name, text := range test.files {
				h.write(t, name, text)
			}
			if test.change != nil {
				test.change(t, h, root)
			}
			o := h.options()
			o.Processes, o.ProcRoot = true, root
			o.Crontabs = []string{filepath.Join(h.dir, "spool/cron/*")}
			h.write(t, "spool/cron/x", "")
			e := Look(t.Context(), o)
			if got := h.short(e.Entries); got != test.want || len(e.Problems) > 0 {
				t.Errorf("got:\n%s\nwant:\n%s\nproblems: %v", got, test.want, e.Problems)
			}
		})
	}
}
