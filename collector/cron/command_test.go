package cron

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

// TestCommands reads one command each, as the user shop's crontab has it.
func TestCommands(t *testing.T) {
	t.Parallel()
	const ours, maybe = "magento2 certain armed ", "magento2 possible armed "
	const old, maybeOld = "magento1 certain armed ", "magento1 possible armed "
	const run = "/home/shop/www/bin/magento cron:run"
	for _, test := range []struct{ name, command, want string }{
		{
			"Magento's own", `/usr/bin/php8.2 {ROOT}/bin/magento cron:run 2>&1 | grep -v "Ran jobs by schedule" >> ` +
				`{ROOT}/var/log/magento.cron.log`, ours + "cron:run|" + run,
		},
		{
			"setup cron", `/usr/bin/php {ROOT}/bin/magento setup:cron:run >> {ROOT}/var/log/setup.cron.log`,
			ours + "setup:cron:run|/home/shop/www/bin/magento setup:cron:run",
		},
		{
			"update cron", `/usr/bin/php {ROOT}/update/cron.php >> {ROOT}/var/log/update.cron.log`,
			ours + "update/cron.php|/home/shop/www/update/cron.php",
		},
		{"pub cron", `php {ROOT}/pub/cron.php`, ours + "pub/cron.php|/home/shop/www/pub/cron.php"},
		{
			"pub cron in its directory", `cd {ROOT}/pub && php cron.php`,
			ours + "pub/cron.php|/home/shop/www/pub/cron.php",
		},
		{
			"consumer", `php {ROOT}/bin/magento queue:consumers:start product_action_attribute.update ` +
				`--single-thread --max-messages=10000`, ours + "queue:consumers:start|" +
				"/home/shop/www/bin/magento queue:consumers:start product_action_attribute.update",
		},
		{
			"consumer with a name that is none", `php {ROOT}/bin/magento queue:consumers:start 's3cret!'`,
			ours + "queue:consumers:start|/home/shop/www/bin/magento queue:consumers:start",
		},
		{
			"abbreviated", `php {ROOT}/bin/magento c:ru; php {ROOT}/bin/magento q:c:s async`, ours + "cron:run|" +
				run + "\n" + ours + "queue:consumers:start|/home/shop/www/bin/magento queue:consumers:start async",
		},
		{
			"options first", `php -d memory_limit=-1 -f {ROOT}/bin/magento -- --no-ansi cron:run --group=index`,
			ours + "cron:run|" + run,
		},
		{"cd", `cd {ROOT} && php bin/magento cron:run`, ours + "cron:run|" + run},
		{"cd and ./", `cd {ROOT}; ./bin/magento cron:run`, ours + "cron:run|" + run},
		{"cd into bin", `cd '{ROOT}/bin' && php magento cron:run`, ours + "cron:run|" + run},
		{
			"cd with options", `cd -P -- {ROOT} && pushd pub >/dev/null && php ../bin/magento cron:run`,
			ours + "cron:run|" + run,
		},
		{"cd back", `cd {OTHER} && cd - && php bin/magento cron:run`, maybe + "cron:run|bin/magento cron:run"},
		{"export", `export M={ROOT}; php $M/bin/magento cron:run`, ours + "cron:run|" + run},
		{"cd by steps", `cd {DIR}/home && cd shop/www && php bin/magento cron:run`, ours + "cron:run|" + run},
		{"cd home", `cd && cd www && bin/magento cron:run`, ours + "cron:run|" + run},
		{"below the home directory", `php www/bin/magento cron:run`, ours + "cron:run|" + run},
		{"tilde", `php ~/www/bin/magento cron:run`, ours + "cron:run|" + run},
		{"another's tilde", `cd ~shop/www && php bin/magento cron:run`, ours + "cron:run|" + run},
		{"HOME", `"$HOME"/www/bin/magento cron:run`, ours + "cron:run|" + run},
		{"variables", `PHP="php -d x=1" M={ROOT}; cd ${M} && $PHP bin/magento cron:run`, ours + "cron:run|" + run},
		{"unknown variable", `cd $SHOP && php bin/magento cron:run`, maybe + "cron:run|bin/magento cron:run"},
		{"unknown variable in the path", `php $SHOP/pub/cron.php`, maybe + "pub/cron.php|pub/cron.php"},
		{
			"substitution as directory", `cd $(cat /etc/shop) && php bin/magento cron:run`,
			maybe + "cron:run|bin/magento cron:run",
		},
		{
			"substitution", "X=$(cd {ROOT} && php bin/magento cron:run); Y=`php {ROOT}/bin/magento cron:run`",
			ours + "cron:run|" + run + "\n" + ours + "cron:run|" + run,
		},
		{"subshell", `(cd {ROOT} && php bin/magento cron:run); php bin/magento cron:run`, ours + "cron:run|" + run},
		{
			"wrappers", `/usr/bin/flock -n /tmp/magento.lock nice -n 19 ionice -c3 timeout -k 5 1h /usr/bin/env A=b ` +
				`php {ROOT}/bin/magento cron:run`, ours + "cron:run|" + run,
		},
		{
			"flock -c", `flock -xn /tmp/l -c "cd {ROOT} && php bin/magento cron:run >/dev/null"`,
			ours + "cron:run|" + run,
		},
		{"sh -c in sh -c", `bash -lc "sh -c 'php {ROOT}/bin/magento cron:run'"`, ours + "cron:run|" + run},
		{"sudo", `sudo -u www-data php {ROOT}/bin/magento cron:run`, ours + "cron:run|" + run},
		{
			"sudo as a user called magento or mail",
			`sudo -u magento nice php {ROOT}/bin/magento cron:run; sudo -u mail php {ROOT}/bin/magento cron:run`,
			ours + "cron:run|" + run + "\n" + ours + "cron:run|" + run,
		},
		{"su with a login", `su - shop -c "php www/bin/magento cron:run"`, ours + "cron:run|" + run},
		{
			"home directory of another user", `HOME=/x; sudo -u shop sh -c 'php ~/www/bin/magento cron:run'`,
			ours + "cron:run|" + run,
		},
		{
			"redirection between words", `php {ROOT}/bin/magento >/tmp/log 2>> /tmp/log cron:run`,
			ours + "cron:run|" + run,
		},
		{"su elsewhere", `cd {OTHER} && su shop -c "php bin/magento cron:run"`, ""},
		{
			"condition", `[ -f {ROOT}/var/.maintenance.flag ] || php {ROOT}/bin/magento cron:run`,
			ours + "cron:run|" + run,
		},
		{"if", `if test -f {ROOT}/x; then php {ROOT}/bin/magento cron:run; fi`, ours + "cron:run|" + run},
		{
			"background and redirections", `php {ROOT}/bin/magento cron:run>/dev/null 2>&1 & exit`,
			ours + "cron:run|" + run,
		},
		{"link to the root", `php {DIR}/current/bin/magento cron:run`, ours + "cron:run|/current/bin/magento cron:run"},
		{"link to the script", `{DIR}/local/magento cron:run`, ours + "cron:run|/local/magento cron:run"},
		{"in PATH", `PATH={DIR}/local:$PATH; magento cron:run`, maybe + "cron:run|magento cron:run"},
		{"in a known PATH", `PATH={DIR}/local:/bin; magento cron:run`, ours + "cron:run|/local/magento cron:run"},
		{
			"in a known PATH behind wrappers", `PATH={DIR}/local:/bin; nice -n 19 sudo -u www-data magento cron:run`,
			ours + "cron:run|/local/magento cron:run",
		},
		{
			"magerun", `n98-magerun2.phar --root-dir={ROOT} sys:cron:run some_job`,
			ours + "sys:cron:run|n98-magerun2.phar sys:cron:run",
		},
		{
			"magerun in a directory of Magento",
			`cd {ROOT}/pub && /usr/local/bin/n98-magerun2-7.4.0.phar -q sys:cron:run some_job`,
			ours + "sys:cron:run|/usr/local/bin/n98-magerun2-7.4.0.phar sys:cron:run",
		},
		{"magerun of another", `n98-magerun2 --root-dir {OTHER} sys:cron:run x`, ""},
		{
			"magerun of Magento 1", `cd {OLD} && n98-magerun sys:cron:run x`,
			old + "sys:cron:run|n98-magerun sys:cron:run",
		},
		{"wrapper script", `{DIR}/opt/shop-cron {ROOT}`, ours + "cron:run|" + run},
		{"wrapper script behind wrappers", `flock -n /tmp/l sh {DIR}/opt/shop-cron`, ours + "cron:run|" + run},
		{
			"wrapper script without its directory", `cd {DIR}/opt && bash -x shop-cron; . ./shop-cron`,
			ours + "cron:run|" + run + "\n" + ours + "cron:run|" + run,
		},
		{"script that does other things", `{DIR}/opt/backup`, ""},
		{
			"run-parts", `cd / && run-parts --report {DIR}/etc/cron.hourly`,
			ours + "pub/cron.php|/home/shop/www/pub/cron.php",
		},
		{
			"docker", `docker exec -u www-data m2 php {ROOT}/bin/magento cron:run`,
			maybe + "cron:run|/home/shop/www/bin/magento cron:run",
		},
		{
			"docker compose", `cd {DIR} && /usr/bin/docker compose exec -T php sh -c "bin/magento cron:run"`,
			maybe + "cron:run|bin/magento cron:run",
		},
		{
			"ssh", `ssh -i key web@host "cd /var/www && php bin/magento queue:consumers:start async"`,
			maybe + "queue:consumers:start|/var/www/bin/magento queue:consumers:start async",
		},
		{"kubectl", `kubectl -n shop exec deploy/php -- bin/magento cron:run`, maybe + "cron:run|bin/magento cron:run"},
		{
			"curl", `curl -fsS 'https://user:s3cret@shop.example/pub/cron.php?token=s3cret' >/dev/null`,
			maybe + "pub/cron.php|https://shop.example/pub/cron.php",
		},
		{
			"curl of a secret address", `curl https://shop.example/s3cret/cron.php`,
			maybe + "pub/cron.php|https://shop.example/…/cron.php",
		},
		{
			"wget without scheme", `/usr/bin/wget -q -O- shop.example/cron.php`,
			maybe + "pub/cron.php|shop.example/cron.php",
		},
		{"curl of a variable", `curl "$URL/cron.php"`, maybe + "pub/cron.php|cron.php"},
		{"Magento 1", `/bin/sh {OLD}/cron.sh`, old + "cron.sh|/srv/old/cron.sh"},
		{"Magento 1, php", `php -f {OLD}/cron.php -- -mdefault=1`, old + "cron.sh|/srv/old/cron.php"},
		{"Magento 1, cd", `cd {OLD} && ./cron.sh`, old + "cron.sh|/srv/old/cron.sh"},
		{
			"Magento 1, scheduler",
			`! test -e {OLD}/maintenance.flag && /bin/bash {OLD}/scheduler_cron.sh --mode default`,
			old + "cron.sh|/srv/old/scheduler_cron.sh",
		},
		{"Magento 1, unknown directory", `cd $X && sh cron.sh`, maybeOld + "cron.sh|cron.sh"},
		{
			"password beside it", `DB_PASSWORD=s3cret php {ROOT}/bin/magento cron:run --db-password=s3cret s3cret`,
			ours + "cron:run|" + run,
		},
		{
			"an older release", `php {DIR}/srv/releases/4/bin/magento cron:run`,
			ours + "cron:run|/srv/releases/4/bin/magento cron:run",
		},

		{"input of a shell", `sh%php {ROOT}/bin/magento cron:run`, ours + "cron:run|" + run},
		{"input of a shell, two lines", `/bin/sh -s%cd {ROOT}%php bin/magento cron:run`, ours + "cron:run|" + run},
		{"at", `echo "php {ROOT}/bin/magento cron:run" | at now`, ours + "cron:run|" + run},
		{
			"array of systemd-run", `systemd-run -u x --on-calendar '*:0/5' php {ROOT}/bin/magento cron:run`,
			ours + "cron:run|" + run,
		},
		{"env -S", `env -S "A=b php" {ROOT}/bin/magento cron:run`, ours + "cron:run|" + run},
		{"runuser", `runuser -u www-data -- php {ROOT}/bin/magento cron:run`, ours + "cron:run|" + run},
		{"runuser -c", `runuser -l shop -c 'php www/bin/magento cron:run'`, ours + "cron:run|" + run},
		{
			"a wrapper that nobody knows", `/opt/x/wrap --key=1 php {ROOT}/bin/magento cron:run`,
			ours + "cron:run|" + run,
		},
		{"a script in the PATH", `PATH={DIR}/opt:/bin; shop-cron`, ours + "cron:run|" + run},
		{
			"a container called test", `docker exec test php bin/magento cron:run`,
			maybe + "cron:run|bin/magento cron:run",
		},
		{
			"a host called echo", `ssh echo "cd /x && php bin/magento cron:run"`,
			maybe + "cron:run|/x/bin/magento cron:run",
		},
		{
			"text for a program that nobody knows", `/opt/x/run "php {ROOT}/bin/magento cron:run"`,
			maybe + "cron:run|" + run,
		},
		{"script for a program that nobody knows", `/opt/x/run {DIR}/opt/shop-cron`, maybe + "cron:run|" + run},
		{"popd", `pushd {ROOT}; popd; php bin/magento cron:run`, maybe + "cron:run|bin/magento cron:run"},
		{
			"home directory of nobody", `cd ~nobody-here/www && php bin/magento cron:run`,
			maybe + "cron:run|bin/magento cron:run",
		},
		{
			"awk that starts it", `awk 'BEGIN { system("php {ROOT}/bin/magento cron:run") }'`,
			maybe + "cron:run|cron:run",
		},
		{"a line that no shell reads", `php {ROOT}/bin/magento cron:run; (`, maybe + "cron:run|cron:run"},

		{
			"shell behind a program that nobody knows", `/opt/x/wrap -k 1 bash -c 'php {ROOT}/bin/magento cron:run'`,
			ours + "cron:run|" + run,
		},
		{"screen", `screen -dmS cron bash -c 'php {ROOT}/bin/magento cron:run'`, ours + "cron:run|" + run},
		{"tmux", `tmux new-session -d 'php {ROOT}/bin/magento cron:run'`, ours + "cron:run|" + run},
		{
			"find", `find /srv -maxdepth 1 -type d -exec php {}/bin/magento cron:run \;`,
			maybe + "cron:run|bin/magento cron:run",
		},
		{"xargs", `ls -d /srv/* | xargs -I{} php {}/bin/magento cron:run`, maybe + "cron:run|bin/magento cron:run"},
		{"unit that is not found", `systemctl start magento-cron`, maybe + "cron:run|magento-cron"},

		{"unit of something else", `systemctl restart php-fpm; service cron restart`, ""},
		{"unit that is stopped", `systemctl stop magento-cron`, ""},
		{"taking it out of the crontab", `(crontab -l | grep -v 'bin/magento cron:run') | crontab -`, ""},
		{"deleting it from the crontab", `crontab -l | sed '/bin.magento cron:run/d' | crontab -`, ""},
		{"ending what was found", `ps aux | grep 'bin/magento cron:run' | awk '{print $2}' | xargs kill -9`, ""},
		{"awk that looks for it", `ps ax | awk '/bin.magento cron:run/ { print $1 }'`, ""},
		{"a mail about it", `mail -s "php {ROOT}/bin/magento cron:run" x </dev/null`, ""},
		{"a message about it", `curl -d "text=php {ROOT}/bin/magento cron:run failed" https://hooks.example/x`, ""},
		{"a copy of the script", `cp {DIR}/opt/shop-cron /backup/`, ""},
		{"home directory that is quoted", `php '~/www/bin/magento' cron:run`, ""},
		{"beside the releases", `php {DIR}/srv/4/bin/magento cron:run`, ""},
		{"another root", `php {OTHER}/bin/magento cron:run`, ""},
		{"another root by cd", `cd {OTHER} && php bin/magento cron:run`, ""},
		{"another root whose path begins the same", `php {ROOT}2/bin/magento cron:run`, ""},
		{"another application's cron.php", `php -f /var/www/nextcloud/cron.php`, ""},
		{"another command", `php {ROOT}/bin/magento cache:flush cron:run`, ""},
		{
			"another cron command",
			`php {ROOT}/bin/magento cron:remove; php {ROOT}/bin/magento cron:install; {ROOT}/bin/magento c:r`, "",
		},
		{"comment", `true # php {ROOT}/bin/magento cron:run`, ""},
		{
			"killing it",
			`pkill -f "{ROOT}/bin/magento cron:run"; sudo -n pkill -f '{ROOT}/bin/magento queue:consumers:start'`, "",
		},
		{"looking for it", `ps ax | grep "{ROOT}/bin/magento cron:run" | mail -s x y`, ""},
		{"talking about it", `echo 'php {ROOT}/bin/magento cron:run'`, ""},
		{"a log file of that name", `find {ROOT}/var -name cron.php.log`, ""},
		{"web page", `curl https://shop.example/`, ""},
		{"nothing", ``, ""},
		{"quotes that do not end", `sh -c "php 'x`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			if test.name == "an older release" {
				h.write(t, "srv/releases/5/bin/magento", "<?php")
				h.symlink(t, "releases/5", "srv/current")
				h.magento2 = h.fill("{DIR}/srv/current")
			}
			h.symlink(t, "{ROOT}", "current")
			h.symlink(t, "{ROOT}/bin/magento", "local/magento")
			h.write(t, "opt/shop-cron", "#!/bin/bash -e\n# php {OTHER}/bin/magento cron:run\nset -u\nROOT={ROOT}\nif "+
				"true; then\n  cd \"$ROOT\"\n  exec php bin/magento \\\n    cron:run\nfi\n")
			h.write(t, "opt/backup", "#!/bin/sh\nmysqldump magento >/backup/cron.sql\n")
			h.write(t, "etc/cron.hourly/magento", "#!/bin/sh\nphp {ROOT}/pub/cron.php\n")
			h.write(t, "etc/cron.hourly/magento.sh", "#!/bin/sh\nphp {ROOT}/bin/magento cron:run\n")
			h.write(t, "var/spool/cron/crontabs/shop", "* * * * * "+test.command+"\n")
			e := h.files(t, h.options(), []string{"var/spool/cron/crontabs"})
			if got, want := h.short(e.Entries), onLine1(test.want); got != want {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", test.command, got, want)
			}
			if len(e.Problems) > 0 {
				t.Errorf("problems: %v", e.Problems)
			}
			if all := fmt.Sprintf("%+v", e); strings.Contains(all, "s3cret") {
				t.Errorf("a secret shows in %s", all)
			}
		})
	}
}

// onLine1 writes what is expected as if the command stood in the first line of shop's crontab.
func onLine1(want string) string {
	if want == "" {
		return ""
	}
	const place = "/var/spool/cron/crontabs/shop:1 * * * * *|shop|"
	return place + strings.ReplaceAll(want, "\n", "\n"+place)
}

func hash256(path string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(path))) }
func hash128(path string) string { return fmt.Sprintf("%x", md5.Sum([]byte(path))) }

func TestPrintable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"größe /x y", "größe /x y"},
		{"a\nb\x1b[0m\u202e\"", `a\nb\x1b[0m\u202e\"`},
		{"\xff", `\xff`},
		{strings.Repeat("x", maxShown), strings.Repeat("x", maxShown)},
		{"x" + strings.Repeat("é", maxShown), "x" + strings.Repeat("é", (maxShown-1)/2) + "…"},
	} {
		if got := printable(test.text); got != test.want {
			t.Errorf("printable(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}
