package cron

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What Magento's files hold, in a few words of each.
const (
	cronOf24 = "<?php\nuse Magento\\Framework\\App\\Bootstrap;\nuse Magento\\Framework\\App\\Cron;\nrequire " +
		"dirname(__DIR__) . '/app/bootstrap.php';\n" +
		"$bootstrap = Bootstrap::create(BP, $_SERVER);\n$app = $bootstrap->createApplication(Cron::class, " +
		"['parameters' => $opt]);\n"
	cronOf20 = "<?php\nrequire dirname(__DIR__) . '/app/bootstrap.php';\n$app = " +
		"$bootstrap->createApplication('Magento\\Framework\\App\\Cron', []);\n"
	cronOf1 = "<?php\nrequire 'app/Mage.php';\nMage::app('admin')->setUseSessionInUrl(false);\n" +
		"Mage::getConfig()->init()->loadEventObservers('crontab');\nMage::app()->addEventArea('crontab');\n" +
		"Mage::dispatchEvent('default');\n"
	updateOf23 = "<?php\nrequire_once __DIR__ . '/app/bootstrap.php';\n$jobQueue = new \\Magento\\Update\\Queue();\n"
)

// TestEntries reads PHP files with other names than Magento's that hold what starts its cron.
func TestEntries(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, path, text, command string
		want                      string
	}{
		{
			"pub/cron.php of 2.4", "home/shop/www/pub/kron.php", cronOf24, "php {ROOT}/pub/kron.php",
			"magento2 certain pub/cron.php",
		},
		{
			"pub/cron.php of 2.0", "home/shop/www/pub/kron.php", cronOf20, "php {ROOT}/pub/kron.php",
			"magento2 certain pub/cron.php",
		},
		{"in the root", "home/shop/www/x.php", cronOf24, "cd {ROOT} && php -q x.php", "magento2 certain pub/cron.php"},
		{
			"without a suffix", "home/shop/www/bin/run", "#!/usr/bin/env php\n" + cronOf24, "{ROOT}/bin/run",
			"magento2 certain pub/cron.php",
		},
		{
			"update/cron.php", "home/shop/www/update/x.php", updateOf23, "php {ROOT}/update/x.php",
			"magento2 certain update/cron.php",
		},
		{"Magento 1's", "srv/old/kron.php", cronOf1, "php {OLD}/kron.php", "magento1 certain cron.sh"},
		{
			"a link of another name", "home/shop/www/bin/magento", "<?php\n", "php {ROOT}/mage cron:run",
			"magento2 certain cron:run",
		},
		{"a link with another command", "home/shop/www/bin/magento", "<?php\n", "php {ROOT}/mage cache:flush", ""},
		{
			"the observer", "home/shop/www/x.php",
			"<?php $o->get(\\Magento\\Cron\\Observer\\ProcessCronQueueObserver::class)->execute($e);",
			"php {ROOT}/x.php", "magento2 certain pub/cron.php",
		},
		{
			"the console's command", "home/shop/www/x.php",
			"<?php $o->create(\\Magento\\Cron\\Console\\Command\\CronCommand::class)->run($i, $out);",
			"php {ROOT}/x.php", "magento2 certain cron:run",
		},
		{
			"another command of the console's", "home/shop/www/x.php",
			"<?php $o->create(\\Magento\\Cron\\Console\\Command\\CronRemoveCommand::class)->run($i, $out);",
			"php {ROOT}/x.php", "",
		},
		{
			"outside of any", "opt/kron.php", strings.ReplaceAll(cronOf24, "dirname(__DIR__) . '", "'{ROOT}"),
			"php {DIR}/opt/kron.php", "magento2 possible pub/cron.php",
		},
		{
			"of a web address", "home/shop/www/pub/kron.php", cronOf24, "curl -s https://shop.example/kron.php?x=1",
			"magento2 possible pub/cron.php",
		},
		{
			"of a web address of Magento 1", "srv/old/kron.php", cronOf1, "wget -q -O- http://old.example/kron.php",
			"magento1 possible cron.sh",
		},

		{"another's", "srv/other/pub/kron.php", cronOf24, "php {OTHER}/pub/kron.php", ""},
		{
			"a comment", "home/shop/www/x.php",
			"<?php\n// Magento\\Framework\\App\\Cron\n/* addEventArea('crontab') */", "php {ROOT}/x.php", "",
		},
		{
			"a class beside it", "home/shop/www/x.php",
			"<?php use Magento\\Framework\\App\\CronX; use Magento\\Framework\\App\\Cron\\X;", "php {ROOT}/x.php", "",
		},
		{"a web address of nothing", "home/shop/www/x.php", cronOf24, "curl https://shop.example/kron.php", ""},
		{
			"a script of the shop's", "home/shop/www/x.php",
			"<?php require 'app/bootstrap.php'; $b->createApplication(Http::class);", "php {ROOT}/x.php", "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.symlink(t, "bin/magento", "home/shop/www/mage")
			if err := os.Chmod(h.write(t, test.path, test.text), 0o700); err != nil {
				t.Fatal(err)
			}
			h.write(t, "spool/cron/shop", "* * * * * "+test.command+"\n")
			e := h.files(t, h.options(), []string{"spool/cron/*"})
			var got []string
			for _, entry := range e.Entries {
				got = append(got, strings.Join([]string{string(entry.System), string(entry.Certainty),
					string(entry.Kind)}, " "))
			}
			if strings.Join(got, "\n") != test.want || len(e.Problems) > 0 {
				t.Errorf("got %q, want %q: %+v", got, test.want, e)
			}
		})
	}
}

// TestRunningEntry sees a process of a copy of pub/cron.php.
func TestRunningEntry(t *testing.T) {
	t.Parallel()
	h := processHost(t)
	h.write(t, "home/shop/www/pub/kron.php", "read line # <?php Magento\\Framework\\App\\Cron\n")
	h.write(t, "home/shop/www/pub/other.php", "read line # <?php\n")
	h.symlink(t, filepath.Join(h.dir, "bin/php8.2"), "bin/php")
	pid, stop := h.start(t, "{ROOT}/pub", "{DIR}/bin/php8.2", "kron.php")
	awaitCommand(t, pid, "kron.php")
	other, stopOther := h.start(t, "{ROOT}/pub", "{DIR}/bin/php8.2", "other.php")
	awaitCommand(t, other, "other.php")
	e := h.processesOf(t, 1)
	if len(e.Processes) != 1 || e.Processes[0].PID != pid || e.Processes[0].Kind != PubCron ||
		e.Processes[0].Certainty != Certain {
		t.Errorf("%+v", e)
	}
	stop()
	stopOther()
	if e := h.processesOf(t, 0); len(e.Processes) > 0 {
		t.Errorf("still there after its end: %+v", e.Processes)
	}
}

// TestLargePrograms looks through programs that are longer than a script may be.
func TestLargePrograms(t *testing.T) {
	t.Parallel()
	const names = "\x00{ROOT}/bin/magento\x00cron:run\x00"
	for _, test := range []struct {
		name string
		size int64
		text string
		want int
	}{
		{"that names it", maxScriptBytes + 70_000, names, 1},
		{"that names nothing", maxScriptBytes + 70_000, "\x00{ROOT}\x00", 0},
		{"that is as long as a program with its interpreter", maxProgram - 1, names, 1},
		{"that is longer than anybody's wrapper", maxProgram + 1, names, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			path := h.write(t, "opt/run", "\x7fELF\x00")
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			// Across the border of two blocks.
			if _, err := f.WriteAt([]byte(h.fill(test.text)), 64<<10-10); err != nil {
				t.Fatal(err)
			}
			if err := f.Truncate(test.size); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			h.write(t, "spool/cron/shop", "* * * * * {DIR}/opt/run\n")
			if e := h.files(t, h.options(), []string{"spool/cron/*"}); len(e.Entries) != test.want ||
				len(e.Problems) > 0 {
				t.Errorf("%+v", e)
			}
		})
	}
}
