package cron

import (
	"strings"
	"testing"
)

// unitHost is a host with one service that runs cron and a timer of the same name, neither of them enabled.
func unitHost(t *testing.T) host {
	t.Helper()
	h := newHost(t)
	h.write(t, "lib/systemd/system/timers.target", "[Unit]\nDescription=x\n")
	h.write(t, "etc/systemd/system/shop-cron.service", "[Unit]\nDescription=Magento\n\n[Service]\nType=oneshot\n"+
		"User=shop\nExecStart=/usr/bin/php {ROOT}/bin/magento cron:run\n")
	h.write(t, "etc/systemd/system/shop-cron.timer",
		"[Timer]\nOnCalendar=minutely\n[Install]\nWantedBy=timers.target\n")
	return h
}

func TestUnits(t *testing.T) {
	t.Parallel()
	const service = "/etc/systemd/system/shop-cron.service:7 "
	const run = "cron:run|/home/shop/www/bin/magento cron:run"
	for _, test := range []struct {
		name string
		make func(t *testing.T, h host)
		want string
		// note and remedy must be in the first entry.
		note, remedy string
	}{
		{
			name: "not enabled", make: func(*testing.T, host) {},
			want: service + "|shop|magento2 certain dormant " + run,
			note: "neither shop-cron.service nor a timer of it is enabled", remedy: "leave it disabled",
		},
		{
			name: "enabled timer",
			make: func(t *testing.T, h host) {
				h.symlink(t, "{DIR}/etc/systemd/system/shop-cron.timer",
					"etc/systemd/system/timers.target.wants/shop-cron.timer")
			},
			want: service + "OnCalendar=minutely|shop|magento2 certain armed " + run,
			note: "systemd starts it by shop-cron.timer", remedy: "systemctl disable --now shop-cron.timer",
		},
		{
			name: "enabled service and timer",
			make: func(t *testing.T, h host) {
				h.symlink(t, "../shop-cron.timer", "etc/systemd/system/timers.target.wants/shop-cron.timer")
				h.symlink(t, "../shop-cron.service", "etc/systemd/system/multi-user.target.wants/shop-cron.service")
			},
			want:   service + "OnCalendar=minutely|shop|magento2 certain armed " + run,
			remedy: "systemctl disable --now shop-cron.service shop-cron.timer",
		},
		{
			name: "enabled by an alias",
			make: func(t *testing.T, h host) {
				h.symlink(t, "shop-cron.service", "etc/systemd/system/other.service")
				h.symlink(t, "../other.service", "etc/systemd/system/default.target.requires/other.service")
			},
			want: service + "|shop|magento2 certain armed " + run, remedy: "systemctl disable --now shop-cron.service",
		},
		{
			name: "timer of another name",
			make: func(t *testing.T, h host) {
				h.write(t, "usr/lib/systemd/system/every.timer",
					"[Timer]\nUnit=shop-cron.service\nOnBootSec=1min\nOnUnitActiveSec=1min\n")
				h.symlink(t, "../every.timer", "usr/lib/systemd/system/timers.target.wants/every.timer")
			},
			want:   service + "OnBootSec=1min OnUnitActiveSec=1min|shop|magento2 certain armed " + run,
			remedy: "systemctl disable --now every.timer",
		},
		{
			name: "masked", make: func(t *testing.T, h host) {
				h.symlink(t, "/dev/null", "run/systemd/system/masked.service")
				h.write(t, "lib/systemd/system/masked.service",
					"[Service]\nExecStart={ROOT}/bin/magento setup:cron:run\n")
			},
			want: service + "|shop|magento2 certain dormant " + run,
		},
		{
			name: "masked timer", make: func(t *testing.T, h host) {
				h.write(t, "etc/systemd/system/every.timer", "") // masks as well
				h.write(t, "lib/systemd/system/every.timer", "[Timer]\nUnit=shop-cron.service\nOnBootSec=1min\n")
				h.symlink(t, "../every.timer", "etc/systemd/system/timers.target.wants/every.timer")
				replaceLink(t, h.dir+"/etc/systemd/system/shop-cron.timer", "/dev/null")
				h.symlink(t, "../shop-cron.timer", "etc/systemd/system/timers.target.wants/shop-cron.timer")
			},
			want: service + "|shop|magento2 certain dormant " + run,
		},
		{
			name: "a directory before wins", make: func(t *testing.T, h host) {
				h.write(t, "lib/systemd/system/shop-cron.service",
					"[Service]\nExecStart={ROOT}/bin/magento setup:cron:run\n")
			},
			want: service + "|shop|magento2 certain dormant " + run,
		},
		{
			name: "drop-in that takes the command back", make: func(t *testing.T, h host) {
				h.write(t, "lib/systemd/system/shop-cron.service.d/10-a.conf", "[Service]\nExecStart=/bin/false\n")
				h.write(t, "etc/systemd/system/shop-cron.service.d/20-b.conf",
					"[Service]\nExecStart=\n ExecStart = -/usr/bin/php \\\n# not this\n  {ROOT}/pub/cron.php\n")
				h.write(t, "etc/systemd/system/shop-cron.service.d/30-c.txt", "[Service]\nExecStart=\n")
			},
			want: "/etc/systemd/system/shop-cron.service.d/20-b.conf:3 |shop|magento2 certain dormant " +
				"pub/cron.php|/home/shop/www/pub/cron.php",
		},
		{
			name: "directory, variables and continuation", make: func(t *testing.T, h host) {
				h.write(t, "etc/systemd/system/shop-cron.service",
					"[Service]\r\n; x\r\nWorkingDirectory={DIR}\r\nEnvironment=\"A=home/shop\" B=www\r\n"+
						"ExecStart=@/usr/bin/php php \\\r\n  ${A}/$B/bin/magento \\\r\n\tcron:run\r\n")
			},
			want: "/etc/systemd/system/shop-cron.service:5 ||magento2 certain dormant " + run,
		},
		{
			name: "directory below the home directory", make: func(t *testing.T, h host) {
				h.write(t, "etc/systemd/system/shop-cron.service",
					"[Service]\nUser=shop\nWorkingDirectory=-%h/www\nExecStart=/bin/sh -c 'bin/magento cron:run'\n")
			},
			want: "/etc/systemd/system/shop-cron.service:4 |shop|magento2 certain dormant " + run,
		},
		{
			name: "directory that only systemd knows", make: func(t *testing.T, h host) {
				h.write(t, "etc/systemd/system/shop-cron.service",
					"[Service]\nWorkingDirectory=/srv/%H\nExecStart=/usr/bin/php bin/magento cron:run\n"+
						"ExecStart=/usr/bin/php %S/bin/magento cron:run\nExecStartPost=/bin/echo 100%% bin/magento "+
						"cron:run\n")
			},
			want: "/etc/systemd/system/shop-cron.service:3 ||magento2 possible dormant cron:run|bin/magento " +
				"cron:run\n/etc/systemd/system/shop-cron.service:4 ||magento2 possible dormant " +
				"cron:run|bin/magento cron:run",
		},
		{
			name: "instances of a template", make: func(t *testing.T, h host) {
				h.write(t, "etc/systemd/system/shop-cron.service", "[Service]\nExecStart=/bin/true\n")
				h.write(t, "etc/systemd/system/consumer@.service",
					"[Service]\nExecStart={ROOT}/bin/magento queue:consumers:start %i\n")
				h.symlink(t, "../consumer@.service",
					"etc/systemd/system/multi-user.target.wants/consumer@async.operations.all.service")
			},
			want: "/etc/systemd/system/consumer@.service:2 ||magento2 certain armed " +
				"queue:consumers:start|/home/shop/www/bin/magento queue:consumers:start async.operations.all",
			remedy: "systemctl disable --now consumer@async.operations.all.service",
		},
		{
			name: "timer of an instance", make: func(t *testing.T, h host) {
				h.write(t, "etc/systemd/system/shop-cron.service", "[Service]\nExecStart=/bin/true\n")
				h.write(t, "etc/systemd/system/magento@.service",
					"[Service]\nExecStart=/usr/bin/php {DIR}/home/%i/www/bin/magento cron:run\n")
				h.write(t, "etc/systemd/system/magento@.timer", "[Timer]\nOnCalendar=*:0/5\n")
				h.symlink(t, "../magento@.timer", "etc/systemd/system/timers.target.wants/magento@shop.timer")
				h.symlink(t, "../magento@.timer", "etc/systemd/system/timers.target.wants/magento@another.timer")
			},
			want:   "/etc/systemd/system/magento@.service:2 OnCalendar=*:0/5||magento2 certain armed " + run,
			remedy: "systemctl disable --now magento@shop.timer",
		},
		{
			name: "template without instances", make: func(t *testing.T, h host) {
				h.write(t, "etc/systemd/system/shop-cron.service", "[Service]\nExecStart=/bin/true\n")
				h.write(t, "etc/systemd/system/consumer@.service",
					"[Service]\nExecStart={ROOT}/bin/magento queue:consumers:start %i\n")
			},
			want: "/etc/systemd/system/consumer@.service:2 ||magento2 certain dormant " +
				"queue:consumers:start|/home/shop/www/bin/magento queue:consumers:start",
		},
		{
			name: "transient", make: func(t *testing.T, h host) {
				h.write(t, "etc/systemd/system/shop-cron.service", "[Service]\nExecStart=/bin/true\n")
				h.write(t, "run/systemd/transient/run-r1.timer", "[Timer]\nOnCalendar=minutely\n")
				h.write(t, "run/systemd/transient/run-r1.service",
					"[Service]\nExecStart=\"/usr/bin/php\" \"{ROOT}/bin/magento\" \"cron:run\"\n")
			},
			want:   "/run/systemd/transient/run-r1.service:2 OnCalendar=minutely||magento2 certain armed " + run,
			remedy: "systemctl disable --now run-r1.service run-r1.timer",
		},
		{
			name: "all of a service's commands", make: func(t *testing.T, h host) {
				h.write(t, "etc/systemd/system/shop-cron.service",
					"[Service]\nExecStartPre=+/usr/bin/php {ROOT}/bin/magento setup:cron:run\nExecStart=/bin/true ; "+
						"/usr/bin/php {ROOT}/update/cron.php\nExecStop={ROOT}/bin/magento cron:run\n[Other]\n"+
						"ExecStart={ROOT}/bin/magento cron:run\nnonsense\n[Service\n")
			},
			want: "/etc/systemd/system/shop-cron.service:2 ||magento2 certain dormant " +
				"setup:cron:run|/home/shop/www/bin/magento setup:cron:run\n" +
				"/etc/systemd/system/shop-cron.service:3 ||magento2 certain dormant " +
				"update/cron.php|/home/shop/www/update/cron.php",
		},
		{
			name: "user units of the owner", make: func(t *testing.T, h host) {
				h.write(t, "etc/systemd/system/shop-cron.service", "[Service]\nExecStart=/bin/true\n")
				h.write(t, "home/shop/.config/systemd/user/magento.service",
					"[Service]\nExecStart=/usr/bin/php www/bin/magento cron:run\n")
				h.write(t, "home/shop/.config/systemd/user/magento.timer", "[Timer]\nOnCalendar=minutely\n")
				h.symlink(t, "../magento.timer", "home/shop/.config/systemd/user/timers.target.wants/magento.timer")
			},
			want: "/home/shop/.config/systemd/user/magento.service:2 OnCalendar=minutely|shop|magento2 certain armed " +
				run, remedy: "as shop: systemctl --user disable --now magento.timer",
		},
		{
			name: "started by a crontab", make: func(t *testing.T, h host) {
				h.write(t, "etc/cron.d/x", "* * * * * root systemctl start shop-cron\n* * * * * root systemctl start "+
					"consumer@async.service\n")
				h.write(t, "etc/systemd/system/consumer@.service",
					"[Service]\nExecStart={ROOT}/bin/magento queue:consumers:start %i\n")
			},
			want: "/etc/systemd/system/consumer@.service:2 ||magento2 certain armed " +
				"queue:consumers:start|/home/shop/www/bin/magento queue:consumers:start async\n" +
				service + "|shop|magento2 certain armed " + run,
			note:   "line 2 of {DIR}/etc/cron.d/x starts consumer@async.service",
			remedy: "take the start of consumer@async.service out of line 2 of {DIR}/etc/cron.d/x",
		},
		{
			name: "stopped by a crontab", make: func(t *testing.T, h host) {
				h.write(t, "etc/cron.d/x", "* * * * * root systemctl stop shop-cron; systemctl status shop-cron\n")
			},
			want: service + "|shop|magento2 certain dormant " + run,
		},
		{
			name: "supervisor", make: func(t *testing.T, h host) {
				h.write(t, "etc/systemd/system/shop-cron.service", "[Service]\nExecStart=/bin/true\n")
				h.write(t, "etc/supervisor/conf.d/consumers.conf",
					"; [program:x]\n[program:async]\ncommand = php\n  {ROOT}/bin/magento\n\tqueue:consumers:start "+
						"%(program_name)s ; comment\nuser=shop\nprocess_name=%(program_name)s_%(process_num)02d\n\n"+
						"[program:off]\ncommand=php bin/magento cron:run\ndirectory={ROOT}\nautostart=False\n"+
						"environment=A=\"b\",C=d\n[program:unknown]\ncommand=php %(ENV_ROOT)s/bin/magento "+
						"cron:run\n[program:dir]\ndirectory=/srv/%(ENV_X)s\ncommand=bin/magento cron:run\n")
			},
			want: "/etc/supervisor/conf.d/consumers.conf:3 |shop|magento2 certain armed " +
				"queue:consumers:start|/home/shop/www/bin/magento queue:consumers:start\n" +
				"/etc/supervisor/conf.d/consumers.conf:10 ||magento2 certain dormant " + run + "\n" +
				"/etc/supervisor/conf.d/consumers.conf:15 ||magento2 possible armed cron:run|bin/magento cron:run\n" +
				"/etc/supervisor/conf.d/consumers.conf:18 ||magento2 possible armed cron:run|bin/magento cron:run",
			note: "supervisor's program async", remedy: "supervisorctl stop async:*",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := unitHost(t)
			test.make(t, h)
			l := newLook(Options{Magento1Root: h.magento1, Magento2Root: h.magento2}, h.dir+"/etc/passwd")
			// Who runs the tests owns their files.
			for name, a := range l.accounts {
				if name == "shop" {
					a.uid = ownUID()
					l.accounts = accounts{"shop": a, "root": {name: "zero", uid: 1 << 31, home: "/root"}}
				}
			}
			l.files(t.Context(), usualPlaces(h.dir, l.ownerHome()))
			e := l.evidence
			if got := h.short(e.Entries); got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
			if len(e.Problems) > 0 {
				t.Errorf("problems: %v", e.Problems)
			}
			if len(e.Entries) > 0 && (!strings.Contains(e.Entries[0].Note+e.Entries[0].Dormant, h.fill(test.note)) ||
				!strings.Contains(e.Entries[0].Remedy, h.fill(test.remedy))) {
				t.Errorf("note %q, dormant %q, remedy %q", e.Entries[0].Note, e.Entries[0].Dormant, e.Entries[0].Remedy)
			}
		})
	}
}

// TestNamedUnits reads units in places that the configuration names.
func TestNamedUnits(t *testing.T) {
	t.Parallel()
	for _, places := range [][]string{{"etc/systemd/system"}, {"etc/systemd/system/*.timer",
		"etc/systemd/system/*.service"}, {"etc/systemd/system/shop-cron.service"}} {
		h := unitHost(t)
		h.symlink(t, "../shop-cron.timer", "etc/systemd/system/timers.target.wants/shop-cron.timer")
		e := h.files(t, h.options(), places)
		if len(e.Entries) != 1 || !e.Entries[0].Armed() || len(e.Problems) > 0 {
			t.Errorf("%v: %+v", places, e)
		}
	}
}

func TestSpecifiers(t *testing.T) {
	t.Parallel()
	const text = "%n %N %p %i %I %h %% %H %"
	for _, test := range []struct{ unit, home, want string }{
		{"a@b.service", "/home/x", "a@b.service a@b a b b /home/x % ${?} %"},
		{"a.timer", "", "a.timer a a   ${?} % ${?} %"},
	} {
		if got := fillSpecifiers(text, test.unit, test.home); got != test.want {
			t.Errorf("fillSpecifiers(%q, %q) = %q, want %q", test.unit, test.home, got, test.want)
		}
	}
}
