package cron

import (
	"os"
	"strings"
	"testing"
)

// TestOtherStarters reads what the configuration names and what is no crontab: the programs of services, anacrontabs,
// and files in formats that are not known here.
func TestOtherStarters(t *testing.T) {
	t.Parallel()
	const run = "php {ROOT}/bin/magento cron:run"
	const loop = "while true; do " + run + "; sleep 60; done\n"
	const certain = "magento2 certain armed cron:run|/home/shop/www/bin/magento cron:run"
	const possible = "magento2 possible armed cron:run|cron:run"
	for _, test := range []struct {
		name, file, text string
		want             string // "" where nothing is found
		says             string // part of the note or remedy
	}{
		{"runit", "etc/sv/m2/run", "#!/bin/sh\nexec chpst -u shop sh -c '" + loop + "'", ":0 ||" + certain, "sv down"},
		{"runit without a first line", "etc/sv/m2/run", loop, ":0 ||" + certain, "the program of the service m2"},
		{"s6's execline", "etc/s6/m2/run", "#!/command/execlineb -P\nforeground { " + run + " }\n", ":0 ||" + possible, "s6-svc"},
		{"a service of another", "etc/sv/m2/run", "#!/bin/sh\nphp {OTHER}/bin/magento cron:run\n", "", ""},
		{"a service of other things", "etc/sv/m2/run", "#!/bin/sh\nexec nginx\n", "", ""},
		{"a script", "opt/start", "#!/bin/bash\n" + loop, ":0 ||" + certain, "in the script"},
		{"a script in Python", "opt/start.py", "#!/usr/bin/python3\nos.system('" + run + "')\n", ":0 ||" + possible, "its text names this"},
		{"an anacrontab", "x/anacrontab", "SHELL=/bin/sh\n1 5 m2.daily " + run + "\n", ":2 1 5 m2.daily|root|" + certain, "line 2"},
		{"an anacrontab with a name of a period", "x/anacrontab", "@weekly 10 m2 nice " + run + "\n", ":1 @weekly 10 m2|root|" + certain, ""},
		{"an anacrontab that is off", "x/anacrontab", "#1 5 m2.daily " + run + "\n", "", ""},
		{"an anacrontab with a crontab's line", "x/anacrontab", "* * * * * " + run + "\n",
			":1 |root|" + strings.Replace(certain, "armed", "dormant", 1), ""},
		{"a Procfile", "x/Procfile", "web: nginx\ncron: " + loop, ":2 ||" + possible, "no format that is known here"},
		{"Nomad's", "x/cron.hcl", "job \"m2\" {\n  config { args = [\"bin/magento\", \"cron:run\"] }\n}\n", ":2 ||" + possible, ""},
		{"Monit's", "x/monitrc", "check program m2\n  with path \"" + run + "\"\n", ":2 ||" + possible, ""},
		{"Upstart's", "x/m2.conf", "start on runlevel [2345]\nexec " + run + "\n", ":2 ||" + possible, ""},
		{"a plist", "x/m2.plist", "<plist>\n<string>{ROOT}/bin/magento</string>\n<string>cron:run</string></plist>\n", ":3 ||" + possible, ""},
		{"PM2's", "x/ecosystem.config.js", "module.exports = {\n// x\nscript: '{ROOT}/bin/magento', args: 'cron:run'}\n", ":3 ||" + possible, ""},
		{"a unit in another place", "x/m2.unit", "[Service]\nExecStart=" + run + "\n", ":2 ||" + possible, ""},
		{"commented out", "x/Procfile", "web: nginx\n# cron: " + loop, "", ""},
		{"of another", "x/Procfile", "cron: php {OTHER}/bin/magento cron:run\n", "", ""},
		{"an INI file of another program", "x/php.ini", "[PHP]\nmemory_limit=2G\n", "", ""},
		{"a crontab with a variable that nothing uses", "x/tab", "CRON=" + run + "\n#* * * * * $CRON\n", "", ""},
		{"a crontab that begins like a script", "var/spool/cron/crontabs/shop", "#!/bin/sh\n* * * * * " + run + "\n",
			":2 * * * * *|shop|" + certain, "crontab -u shop -e"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.write(t, test.file, test.text)
			e := h.files(t, h.options(), []string{test.file})
			want := test.want
			if want != "" {
				want = "/" + test.file + want
			}
			if got := h.short(e.Entries); got != want || len(e.Problems) > 0 {
				t.Errorf("got:\n%s\nwant:\n%s\n%v", got, want, e.Problems)
			}
			if len(e.Entries) > 0 && !strings.Contains(e.Entries[0].Note+e.Entries[0].Remedy, test.says) {
				t.Errorf("%+v", e.Entries[0])
			}
		})
	}
}

// TestServiceThatIsDown sees the file with which a service is kept down.
func TestServiceThatIsDown(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write(t, "etc/service/m2/run", "#!/bin/sh\nphp {ROOT}/bin/magento queue:consumers:start x\n")
	h.write(t, "etc/service/other/run", "#!/bin/sh\nexec sleep 1\n")
	e := h.files(t, h.options(), nil)
	if len(e.Entries) != 1 || !e.Entries[0].Armed() || e.Entries[0].Kind != Consumers {
		t.Fatalf("%+v", e.Entries)
	}
	h.write(t, "etc/service/m2/down", "")
	if e = h.files(t, h.options(), nil); len(e.Entries) != 1 || e.Entries[0].Armed() {
		t.Errorf("%+v", e.Entries)
	}
}

// TestEnvironmentFile reads the variables that a unit takes from a file.
func TestEnvironmentFile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ unit, file, want string }{
		"a root": {
			"EnvironmentFile={DIR}/etc/default/m2\nExecStart=/usr/bin/php ${SHOP}/bin/magento cron:run\n",
			"# x\nSHOP={ROOT}\n", "certain",
		},
		"another root": {
			"EnvironmentFile={DIR}/etc/default/m2\nExecStart=/usr/bin/php ${SHOP}/bin/magento cron:run\n",
			"SHOP={OTHER}\n", "",
		},
		"a command": {
			"EnvironmentFile=-{DIR}/etc/default/*\nExecStart=/bin/sh -c \"$COMMAND\"\n",
			"COMMAND=\"php {ROOT}/bin/magento cron:run\"\n", "certain",
		},
		"it wins over Environment": {
			"Environment=SHOP={OTHER}\nEnvironmentFile={DIR}/etc/default/m2\nExecStart=php ${SHOP}/bin/magento cron:run\n",
			"SHOP='{ROOT}'\n", "certain",
		},
		"a file that is not there": {
			"EnvironmentFile=-{DIR}/nowhere\nExecStart=/usr/bin/php ${SHOP}/bin/magento cron:run\n", "", "possible",
		},
		"an unknown file": {
			"EnvironmentFile=/etc/%j/m2\nExecStart=/usr/bin/php ${SHOP}/bin/magento cron:run\n", "", "possible",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.write(t, "etc/default/m2", test.file)
			h.write(t, "etc/systemd/system/m2.service", "[Service]\n"+test.unit)
			h.write(t, "etc/systemd/system/multi-user.target.wants/m2.service", "x")
			e := h.files(t, h.options(), nil)
			got := ""
			for _, entry := range e.Entries {
				got += string(entry.Certainty)
			}
			if got != test.want {
				t.Errorf("%q, want %q: %+v", got, test.want, e)
			}
		})
	}
}

// TestFilesOfUnknownPrograms looks into what a program is given whose working is not known.
func TestFilesOfUnknownPrograms(t *testing.T) {
	t.Parallel()
	const run = "php {ROOT}/bin/magento cron:run"
	for name, test := range map[string]struct{ command, text, want string }{
		"a playbook":                {"ansible-playbook {DIR}/x/list", "- command: " + run + "\n", "possible"},
		"behind an option":          {"runner --tasks={DIR}/x/list", "- command: " + run + "\n", "possible"},
		"a list for xargs":          {"cat {DIR}/x/list | xargs -I@ sh -c @", run + "\n", "possible"},
		"a command for eval":        {"eval \"$(cat {DIR}/x/list)\"", run + "\n", "certain"},
		"a justfile":                {"just -f {DIR}/x/list cron", "cron:\n  " + run + "\n", "possible"},
		"of another":                {"ansible-playbook {DIR}/x/list", "- command: php {OTHER}/bin/magento cron:run\n", ""},
		"commented out":             {"ansible-playbook {DIR}/x/list", "# - command: " + run + "\n", ""},
		"something else":            {"ansible-playbook {DIR}/x/list", "- command: nginx\n", ""},
		"a program that only reads": {"grep cron:run {DIR}/x/list", run + "\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.write(t, "x/list", test.text)
			h.write(t, "etc/cron.d/m2", "* * * * * root "+test.command+"\n")
			got := ""
			for _, entry := range h.files(t, h.options(), []string{"etc/cron.d"}).Entries {
				got += string(entry.Certainty)
			}
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// TestOverlooked says which program was not looked into.
func TestOverlooked(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	path := h.write(t, "opt/huge", "\x7fELF\x00")
	if err := os.Truncate(path, maxProgram+1); err != nil {
		t.Fatal(err)
	}
	h.write(t, "etc/cron.d/m2", "* * * * * root {DIR}/opt/huge now\n")
	e := h.files(t, h.options(), []string{"etc/cron.d"})
	if len(e.Entries) != 0 || len(e.Overlooked) != 1 || !strings.Contains(e.Overlooked[0], path) {
		t.Errorf("%+v", e)
	}
}
