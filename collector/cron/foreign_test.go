package cron

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// foreignCase is a crontab line with the files that it needs, below the host's directory.
type foreignCase struct {
	name, command string
	files         map[string]string
	// want is the certainty of what is found; empty for nothing.
	want Certainty
	// runs says that the real programs start cron.
	runs bool
}

// TestForeign reads what other programs than a shell do, and lets the real ones do it.
func TestForeign(t *testing.T) {
	t.Parallel()
	for _, c := range slices.Concat(sourcedCases(), fileCases(), hiddenCases(), namedCases(), languageCases(), makeCases()) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := checkForeign(t, c)
			if program := missingProgram(c.command); program != "" {
				t.Logf("%s is not on this host: what it does is not compared", program)
				return
			}
			if ran := h.runs(t, "sh", "-c", h.fill(c.command)); ran != c.runs {
				t.Errorf("%s\nit starts cron: %v, want %v", c.command, ran, c.runs)
			}
		})
	}
}

// missingProgram is the program of those that a command needs that is not on this host; empty when all are.
func missingProgram(command string) string {
	for _, program := range []string{"php", "python3", "perl", "node", "make"} {
		if strings.Contains(command, program+" ") && !isFile("/usr/bin/"+program) {
			return program
		}
	}
	return ""
}

// TestTasks reads the files of programs that run tasks. They are on few hosts, so they are not run.
func TestTasks(t *testing.T) {
	t.Parallel()
	for _, c := range taskCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			checkForeign(t, c)
		})
	}
}

func checkForeign(t *testing.T, c foreignCase) host {
	t.Helper()
	h := newHost(t)
	h.stubPHP(t)
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		if err := os.Chmod(h.write(t, name, c.files[name]), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	h.write(t, "spool/cron/shop", "PATH={DIR}/bin:/usr/local/bin:/usr/bin:/bin\n* * * * * "+c.command+"\n")
	e := h.files(t, h.options(), []string{"spool/cron/*"})
	var got Certainty
	for _, entry := range e.Entries {
		if got != Certain {
			got = entry.Certainty
		}
	}
	if got != c.want || len(e.Problems) > 0 {
		t.Errorf("%s\nfound %q, want %q: %+v", c.command, got, c.want, e)
	}
	return h
}

func sourcedCases() []foreignCase {
	const mage = "php {ROOT}/bin/magento cron:run\n"
	lib := map[string]string{"opt/lib.sh": "R={ROOT}\nrun_cron() {\n  cd $R && php bin/magento \"$@\"\n}\n"}
	with := func(name, text string) map[string]string {
		files := maps.Clone(lib)
		files[name] = text
		return files
	}
	return []foreignCase{
		{
			"sourced function", "bash {DIR}/opt/x.sh", with("opt/x.sh",
				"#!/bin/bash\n. {DIR}/opt/lib.sh\nrun_cron cron:run\n"), Certain, true,
		},
		{
			"sourced beside the script", "{DIR}/opt/x", with("opt/x",
				"#!/bin/bash\nsource \"$(dirname \"${BASH_SOURCE[0]}\")/lib.sh\"\nrun_cron cron:run\n"), Certain, true,
		},
		{
			"sourced by a relative name", "cd {DIR}/opt && bash x.sh", with("opt/x.sh",
				"source ./lib.sh\nrun_cron cron:run\n"), Certain, true,
		},
		{"sourced in the crontab's line", ". {DIR}/opt/lib.sh; run_cron cron:run", lib, Certain, true},
		{
			"sourced variables", "sh {DIR}/x.sh", map[string]string{"env": "MAGE={ROOT}\n",
				"x.sh": ". {DIR}/env\nphp $MAGE/bin/magento cron:run\n"}, Certain, true,
		},
		{
			"sourced script that runs it", "sh {DIR}/x.sh", map[string]string{"y": mage, "x.sh": ". {DIR}/y\n"},
			Certain, true,
		},
		{
			"sourced by another that is sourced", "sh {DIR}/x.sh", map[string]string{"z": mage, "y": ". {DIR}/z\n",
				"x.sh": ". {DIR}/y\n"}, Certain, true,
		},
		{
			"sourced from where nobody knows", "bash {DIR}/x.sh", with("x.sh",
				". $(cat {DIR}/lib-name)\nrun_magento cron:run\n"), Possible, false,
		},
		{
			"sourced from somewhere that is not there", "sh {DIR}/x.sh",
			map[string]string{"x.sh": ". /nonexistent/lib.sh\nmage cron:run\n"}, Possible, false,
		},
		{
			"sourced variables that are not known", "bash {DIR}/x.sh",
			map[string]string{"x.sh": "source <(echo MAGE={ROOT})\nphp $MAGE/bin/magento cron:run\n"}, Possible, true,
		},
		{
			"sourced if it is there", "sh {DIR}/x.sh", map[string]string{
				"env": "R={ROOT}\n", "x.sh": "R=/x\n[ -f {DIR}/env ] && . {DIR}/env\nphp $R/bin/magento cron:run\n",
			}, Certain, true,
		},
		{
			"sourced if it is there, which it is not", "sh {DIR}/x.sh", map[string]string{
				"x.sh": "R={ROOT}\nif test -r {DIR}/env; then\n. {DIR}/env\nfi\nphp $R/bin/magento cron:run\n",
			}, Certain, true,
		},
		{
			"sourced if something else is there", "sh {DIR}/x.sh", map[string]string{
				"env": "R={OTHER}\n", "x.sh": "R={ROOT}\ntest -e {DIR}/y && . {DIR}/env\nphp $R/bin/magento cron:run\n",
			}, Possible, true,
		},
		{
			"sourced function that is not called", "bash {DIR}/x.sh", with("x.sh",
				". {DIR}/opt/lib.sh\nrun_cron cache:flush\n"), "", false,
		},
		{
			"sourced return", "sh {DIR}/x.sh", map[string]string{"y": "return\n" + mage, "x.sh": ". {DIR}/y\ntrue\n"},
			"", false,
		},
		{"sourced exit", "sh {DIR}/x.sh", map[string]string{"y": "exit\n", "x.sh": ". {DIR}/y\n" + mage}, "", false},
		{
			"sourced by itself", "sh {DIR}/x.sh",
			map[string]string{"x.sh": "test $# -gt 0 && exit\nset -- x\n. {DIR}/x.sh\n"}, "", false,
		},
		{
			"wrapper that runs its arguments", "{DIR}/w php {ROOT}/bin/magento cron:run",
			map[string]string{"w": "#!/bin/sh\nexec \"$@\"\n"}, Certain, true,
		},
		{
			"wrapper that runs one command for all", "{DIR}/w cron:run",
			map[string]string{"w": "#!/bin/sh\nexec php {ROOT}/bin/magento \"$@\"\n"}, Certain, true,
		},
		{
			"wrapper that writes down its arguments", "{DIR}/w php {ROOT}/bin/magento cron:run",
			map[string]string{"w": "#!/bin/sh\necho \"$@\" >> {DIR}/log\n"}, "", false,
		},
		{
			"wrapper of another", "{DIR}/w cron:run",
			map[string]string{"w": "#!/bin/sh\nexec php {OTHER}/bin/magento \"$@\"\n"}, "", false,
		},
		{
			"wrapper with a case for it", "{DIR}/w cron",
			map[string]string{"w": "#!/bin/sh\ncase $1 in cron) php {ROOT}/bin/magento cron:run;; esac\n"}, Certain,
			true,
		},
		{
			"wrapper with a case for something else", "{DIR}/w backup",
			map[string]string{"w": "#!/bin/sh\ncase $1 in cron) php {ROOT}/bin/magento cron:run;; esac\n"}, "", false,
		},
		{"script without a first line or suffix", "{DIR}/w", map[string]string{"w": mage}, Certain, true},
		{
			"zsh's pattern", "{DIR}/w",
			map[string]string{"w": "#!/bin/zsh\nfor r in {ROOT}(N); do php $r/bin/magento cron:run; done\n"}, Possible,
			false,
		},
		{
			"script that writes a crontab", "sh {DIR}/w", map[string]string{"w": "echo '* * * * * root " +
				mage[:len(mage)-1] + "' > /etc/cron.d/nonexistent/magento\n"}, Possible, false,
		},
		{
			"script that writes another file", "sh {DIR}/w",
			map[string]string{"w": "echo '* * * * * root " + mage[:len(mage)-1] + "' > {DIR}/magento\n"}, "", false,
		},
		{"script without a first line", "{DIR}/w.sh", map[string]string{"w.sh": mage}, Certain, true},
	}
}

// fileCases are commands that run the files of a directory, or what a file says.
func fileCases() []foreignCase {
	const mage, jobs = "php {ROOT}/bin/magento cron:run\n", "opt/jobs/"
	one := map[string]string{jobs + "a.sh": "true\n", jobs + "b.sh": mage}
	other := map[string]string{jobs + "a.sh": "true\n", jobs + "b.txt": mage}
	many := map[string]string{}
	for i := range 30 {
		many[fmt.Sprintf("%s%02d.sh", jobs, i)] = "true\n"
	}
	many[jobs+"29.sh"] = mage
	in := func(script string) map[string]string {
		return map[string]string{jobs + "b.sh": mage, "x.sh": "cd {DIR}/opt\n" + script}
	}
	return []foreignCase{
		{"each file of a directory", `for f in {DIR}/opt/jobs/*; do sh "$f"; done`, one, Certain, true},
		{"each file of some", "for f in {DIR}/opt/jobs/*.sh; do sh $f; done", one, Certain, true},
		{"each file of others", "for f in {DIR}/opt/jobs/*.sh; do sh $f; done", other, "", false},
		{"each file that is a program", `for f in {DIR}/opt/j*/[a-c].sh; do "$f"; done`, one, Certain, true},
		{"each of many files", `for f in {DIR}/opt/jobs/*; do sh "$f"; done`, many, Possible, true},
		{"each file, by a relative name", "sh {DIR}/x.sh", in("for f in jobs/*.sh; do sh ./$f; done\n"), Certain, true},
		{"each file that is listed", "sh {DIR}/x.sh", in("for f in $(ls jobs); do sh jobs/$f; done\n"), Certain, true},
		{"a file by a pattern", "sh {DIR}/opt/jobs/b*", one, Certain, true},
		{"files that are removed", "cd {DIR}; echo rm opt/jobs/*", one, "", false},
		{"a quoted pattern", "sh '{DIR}/opt/jobs/b*'", one, "", false},
		{"the root by a pattern", "php {DIR}/home/*/www/bin/magento cron:run", nil, Certain, true},
		{"found files", `find {DIR}/opt -name '*.sh' -exec sh {} \;`, one, Possible, true},
		{"found programs", `find {DIR}/opt/jobs -type f -exec {} \;`, one, Possible, true},
		{"other files are found", `find {DIR}/opt -name '*.sh' -exec sh {} \;`, other, "", false},
		{"many files are found", `find {DIR}/opt -exec sh {} \;`, many, Possible, true},
		{"found files are removed", `find {DIR}/opt -name '*.log' -exec rm {} +`, one, "", false},
		{"parts with other names", "run-parts --regex '.*' {DIR}/opt/jobs", map[string]string{
			jobs + "b.sh": "#!/bin/sh\n" + mage,
		}, Certain, true},
		{"parts with names that count for nothing", "run-parts {DIR}/opt/jobs", map[string]string{
			jobs + "b.sh": "#!/bin/sh\n" + mage,
		}, "", false},
		{"an alias", "bash {DIR}/x.sh", in("shopt -s expand_aliases\nalias m='php {ROOT}/bin/magento'\nm cron:run\n"),
			Certain, true},
		{"an alias with another command", "bash {DIR}/x.sh",
			in("shopt -s expand_aliases\nalias m='php {ROOT}/bin/magento'\nm cache:flush\n"), "", false},
		{"lines of a file", "bash {DIR}/x.sh", map[string]string{"jobs.txt": mage,
			"x.sh": "mapfile -t L < {DIR}/jobs.txt\nfor l in \"${L[@]}\"; do eval \"$l\"; done\n"}, Possible, true},
		{"one line of a file", "bash {DIR}/x.sh", map[string]string{"jobs.txt": mage,
			"x.sh": "read -r L < {DIR}/jobs.txt\neval \"$L\"\n"}, Possible, true},
	}
}

// hiddenCases are commands that decode what they run, put it together, or take it from elsewhere.
func hiddenCases() []foreignCase {
	const mage = "php {ROOT}/bin/magento cron:run\n"
	file := func(name, text string) map[string]string { return map[string]string{name: text} }
	python := func(text string) map[string]string { return file("x.py", "import base64, json, os, sys\n"+text) }
	with := func(files map[string]string, name, text string) map[string]string { files[name] = text; return files }
	const encoded = "cGhwIGJpbi9tYWdlbnRvIGNyb246cnVuCg==" // php bin/magento cron:run
	return []foreignCase{
		{"decoded into eval", "cd {ROOT}; eval \"$(echo " + encoded + " | base64 -d)\"", nil, Certain, true},
		{"decoded from nobody knows where", `eval "$(base64 -d {DIR}/nothing)"`, nil, Possible, false},
		{"decoded for a shell's option", `sh -c "$(base64 -d {DIR}/nothing)"`, nil, Possible, false},
		{"decoded into a variable that is run", `X=$(base64 -d {DIR}/nothing); $X`, nil, Possible, false},
		{"decoded into a variable", `X=$(base64 -d {DIR}/nothing); echo "$X"`, nil, "", false},
		{"decoded for bash", "bash {DIR}/x.sh", file("x.sh", "bash <(base64 -d {DIR}/nothing)\n"), Possible, false},
		{"decoded and sourced", "bash {DIR}/x.sh", file("x.sh", ". <(base64 -d {DIR}/nothing)\n"), Possible, false},
		{"decoded as a shell's input", "bash {DIR}/x.sh", file("x.sh", "sh <<< $(base64 -d {DIR}/nothing)\n"), Possible,
			false},
		{"decrypted", "openssl enc -d -aes-256-cbc -in {DIR}/nothing 2>/dev/null | sh", nil, Possible, false},
		{"decrypted by gpg", "gpg -d {DIR}/nothing 2>/dev/null | sh", nil, Possible, false},
		{"encrypted", "openssl enc -aes-256-cbc -in {DIR}/nothing 2>/dev/null | sh", nil, "", false},
		{"reversed", "cd {ROOT}; echo 'nur:norc otnegam/nib php' | rev | sh", nil, Certain, true},
		{"characters by their numbers", `printf 'php {ROOT}/bin/magento \143ron:\162un\n' | sh`, nil, Certain, true},

		{"put together in Python", "python3 {DIR}/x.py",
			python("os.system('php {ROOT}/bin/magento ' + 'cron' + ':' + 'run')\n"), Possible, true},
		{"put together by a loop in Python", "python3 {DIR}/x.py",
			python("for c in ('indexer', 'cron'): os.system(f'php {ROOT}/bin/magento {c}:run')\n"), Possible, true},
		{"put together in PHP", "php {DIR}/x.php",
			file("x.php", "<?php $c = 'cron'; exec('php {ROOT}/bin/magento ' . $c . ':run');"), Possible, true},
		{"another command put together", "python3 {DIR}/x.py",
			python("for c in ('indexer', 'cache'): os.system(f'php {ROOT}/bin/magento {c}:run')\n"), "", false},
		{"encoded in Python", "python3 {DIR}/x.py", python("os.chdir('{ROOT}')\nos.system(base64.b64decode('" + encoded +
			"').decode())\n"), Possible, true},
		{"encoded in PHP", "cd {ROOT}; php {DIR}/x.php", file("x.php", "<?php system(base64_decode('"+encoded+"'));"),
			Possible, true},

		{"commands in a file", "python3 {DIR}/x.py", with(python("for c in json.load(open('{DIR}/jobs.json')): os.system(c)\n"),
			"jobs.json", `["php {ROOT}/bin/magento cron:run"]`), Possible, true},
		{"commands in a file beside it", "cd {DIR} && python3 x.py", with(python("for c in open('jobs.txt'): os.system(c)\n"),
			"jobs.txt", mage), Possible, true},
		{"commands in a file that it is given", "python3 {DIR}/x.py {DIR}/jobs.txt",
			with(python("for c in open(sys.argv[1]): os.system(c)\n"), "jobs.txt", mage), Possible, true},
		{"other commands in a file", "python3 {DIR}/x.py", with(python("for c in json.load(open('{DIR}/jobs.json')): "+
			"os.system(c)\n"), "jobs.json", `["php {ROOT}/bin/magento cache:flush"]`), "", false},
		{"a file that is only read", "python3 {DIR}/x.py", with(python("print(open('{DIR}/jobs.txt').read())\n"),
			"jobs.txt", mage), "", false},
	}
}

// namedCases are files that have the names of Magento's own.
func namedCases() []foreignCase {
	file := func(name, text string) map[string]string { return map[string]string{name: text} }
	return []foreignCase{
		{
			"a cron.php of the shop's", "php {DIR}/opt/cron.php", file("opt/cron.php",
				"<?php exec('php {ROOT}/bin/magento cron:run');"), Possible, true,
		},
		{
			"a cron.php of the shop's in the root", "php {ROOT}/cron.php", file("home/shop/www/cron.php",
				"<?php exec('php {ROOT}/bin/magento cron:run');"), Possible, true,
		},
		{
			"a cron.php of something else", "php {DIR}/opt/cron.php", file("opt/cron.php",
				"<?php exec('true'); // bin/magento cron:run"), "", false,
		},
		{
			"a cron.sh of the shop's", "sh {DIR}/opt/cron.sh", file("opt/cron.sh",
				"cd {ROOT} && php bin/magento cron:run\n"), Certain, true,
		},
		{"a cron.sh of another Magento 1", "sh {DIR}/m1/cron.sh", map[string]string{
			"m1/cron.sh":      "CRONSCRIPT=cron.php\nD=`echo $0 | sed 's/cron.sh//g'`\nphp $D$CRONSCRIPT\n",
			"m1/app/Mage.php": "<?php", "m1/cron.php": "<?php",
		}, "", false},
		{
			"a magento of the shop's", "{DIR}/tools/magento cron:run", file("tools/magento",
				"#!/bin/sh\nexec php {ROOT}/bin/magento \"$@\"\n"), Certain, true,
		},
		{
			"a magento of the shop's in a bin", "{DIR}/local/bin/magento cron:run", file("local/bin/magento",
				"#!/bin/sh\nexec php {ROOT}/bin/magento \"$@\"\n"), Certain, true,
		},
		{
			"a magento in the PATH", "magento cron:run", file("bin/magento",
				"#!/bin/sh\ncd {ROOT}\nphp bin/magento \"$@\"\n"), Certain, true,
		},
		{
			"a magento in the PATH with another command", "magento cache:flush", file("bin/magento",
				"#!/bin/sh\ncd {ROOT}\nphp bin/magento \"$@\"\n"), "", false,
		},
		{
			"a magento in the PATH, of another", "magento cron:run", file("bin/magento",
				"#!/bin/sh\ncd {OTHER}\nphp bin/magento \"$@\"\n"), "", false,
		},
	}
}

func languageCases() []foreignCase {
	py := func(text string) map[string]string {
		return map[string]string{"opt/cron.py": "#!/usr/bin/env python3\n" + text}
	}
	php := func(text string) map[string]string { return map[string]string{"opt/job.php": "<?php\n" + text} }
	pl := func(text string) map[string]string {
		return map[string]string{"opt/cron.pl": "#!/usr/bin/perl\n" + text}
	}
	js := func(text string) map[string]string {
		return map[string]string{"opt/cron.js": "#!/usr/bin/env node\n" + text}
	}
	const python, perl, node = "python3 {DIR}/opt/cron.py", "perl {DIR}/opt/cron.pl", "node {DIR}/opt/cron.js"
	return []foreignCase{
		{"python", python, py("import os\nos.system('php {ROOT}/bin/magento cron:run')\n"), Possible, true},
		{
			"python by its first line", "{DIR}/opt/cron.py",
			py("import os\nos.system('php {ROOT}/bin/magento cron:run')\n"), Possible, true,
		},
		{
			"python with a list", python, py("import subprocess as s\nM = [\n    'php',\n    '{ROOT}/bin/magento',\n " +
				"   'cron:run',\n]\ns.call(M)\n"), Possible, true,
		},
		{
			"python with joined names", python, py("import os, subprocess\nr = '{ROOT}'\nsubprocess.run(['php', " +
				"os.path.join(r, 'bin', 'magento'), 'cron:run'])\n"), Possible, true,
		},
		{
			"python with a text of variables", python,
			py("import os\nr = '{ROOT}'\nos.system(f'php {r}/bin/magento cron:run')\n"), Possible, true,
		},
		{
			"python with an argument", python + " cron:run",
			py("import os, sys\nos.system('php {ROOT}/bin/magento ' + sys.argv[1])\n"), Possible, true,
		},
		{
			"python in an argument", `python3 -c "import os; os.system('php {ROOT}/bin/magento cron:run')"`, nil,
			Possible, true,
		},
		{"python with a module", python, map[string]string{
			"opt/cron.py":    "from shoplib import run\nrun()\n",
			"opt/shoplib.py": "import os\ndef run():\n    os.system('php {ROOT}/bin/magento cron:run')\n",
		}, Possible, true},
		{
			"python as a module", "cd {DIR}/opt && python3 -m shop.cron cron:run", map[string]string{
				"opt/shop/cron.py": "import os, sys\nos.system('php {ROOT}/bin/magento ' + sys.argv[1])\n",
			}, Possible, true,
		},
		{"python that runs a script", python, map[string]string{
			"opt/cron.py": "import subprocess\nsubprocess.run(['sh', '{DIR}/opt/mage.sh'])\n",
			"opt/mage.sh": "php {ROOT}/bin/magento cron:run\n",
		}, Possible, true},
		{"python that hands a script its command", python, map[string]string{
			"opt/cron.py": "import subprocess\nsubprocess.run(['{DIR}/opt/mage.sh', 'cron:run'])\n",
			"opt/mage.sh": "#!/bin/sh\nphp {ROOT}/bin/magento \"$@\"\n",
		}, Possible, true},
		{
			"python's comment", python, py("import os\n# os.system('php {ROOT}/bin/magento cron:run')\n" +
				"os.system('true')  # bin/magento cron:run is off\n"), "", false,
		},
		{
			"python's docstring", python, py("\"\"\"Instead of php bin/magento cron:run.\n\"\"\"\nimport os\ndef " +
				"f():\n    '''bin/magento cron:run'''\nos.system('true')\n"), "", false,
		},
		{
			"python that says it", python,
			py("import os\nprint('now run php {ROOT}/bin/magento cron:run')\nos.system('true')\n"), "", false,
		},
		{
			"python that logs it", python, py("import logging, os\nlogging.warning('php {ROOT}/bin/magento cron:run " +
				"is %s', 'off')\nos.system('true')\n"), "", false,
		},
		{
			"python that explains it", python, py("import argparse, os\np = " +
				"argparse.ArgumentParser(description='runs bin/magento cron:run')\np.add_argument('--x', " +
				"help='bin/magento cron:run')\nos.system('true')\n"), "", false,
		},
		{
			"python that starts nothing", python, py("text = 'php {ROOT}/bin/magento cron:run'\nassert text\n"), "",
			false,
		},
		{"python of another", python, py("import os\nos.system('php {OTHER}/bin/magento cron:run')\n"), "", false},
		{
			"python with an apostrophe in a comment behind a name", python,
			py("import os\nx=1#don't\nos.system('php {ROOT}/bin/magento cron:run')\n"), Possible, true,
		},

		{"php", "php {DIR}/opt/job.php", php("exec('php {ROOT}/bin/magento cron:run');\n"), Possible, true},
		{
			"php with backticks", "php {DIR}/opt/job.php",
			php("$r = '{ROOT}';\necho `php $r/bin/magento cron:run`;\n"), Possible, true,
		},
		{
			"php with a text of its own", "php -f {DIR}/opt/job.php",
			php("$c = <<<EOT\nphp {ROOT}/bin/magento cron:run\nEOT;\nshell_exec($c);\n"), Possible, true,
		},
		{"php in an argument", `php -r 'passthru("php {ROOT}/bin/magento cron:run");'`, nil, Possible, true},
		{
			"php that includes the entry", "php {DIR}/opt/job.php", php("require '{ROOT}/pub/cron.php';\n"), Possible,
			false,
		},
		{"php with a file", "php {DIR}/opt/job.php", map[string]string{
			"opt/job.php": "<?php require_once __DIR__ . '/lib.php'; go();",
			"opt/lib.php": "<?php function go() { system('php {ROOT}/bin/magento cron:run'); }",
		}, Possible, true},
		{
			"php with Symfony's process", "php {DIR}/opt/job.php",
			php("(new Process(['bin/magento', 'cron:run'], '{ROOT}'))->run();\n"), Possible, false,
		},
		{
			"php with Magento's console", "php {DIR}/opt/job.php",
			php("require '{ROOT}/app/bootstrap.php';\n$a = new \\Magento\\Framework\\Console\\Cli('x');\n$a->run(new " +
				"ArrayInput(['command' => 'cron:run']));\n"), Possible, false,
		},
		{
			"php that goes to the entry", "php {DIR}/opt/job.php",
			php("chdir('{ROOT}/pub');\nrequire './cron.php';\n"), Possible, false,
		},
		{
			"php that goes to another's", "php {DIR}/opt/job.php",
			php("chdir('{OTHER}/pub');\nrequire './cron.php';\n"), "", false,
		},
		{
			"php's comments", "php {DIR}/opt/job.php", php("// exec('php bin/magento cron:run');\n# bin/magento " +
				"cron:run\n/* exec('bin/magento cron:run') */\n/** bin/magento cron:run */\nexec('true');\n"), "",
			false,
		},
		{
			"php that says it", "php {DIR}/opt/job.php",
			php("echo 'php {ROOT}/bin/magento cron:run';\nerror_log(\"bin/magento cron:run\");\nexec('true');\n"), "",
			false,
		},
		{
			"php around a page", "php {DIR}/opt/job.php", map[string]string{"opt/job.php": "<p>bin/magento " +
				"cron:run</p><?php exec('true') ?><p>bin/magento cron:run"}, "", false,
		},
		{
			"php with its own lists in comments", "php {DIR}/opt/job.php",
			php("#[Attribute]\nclass A {}\nexec('php {ROOT}/bin/magento cron:run');\n"), Possible, true,
		},

		{"perl", perl, pl("system('php', '{ROOT}/bin/magento', 'cron:run');\n"), Possible, true},
		{"perl with words", perl, pl("exec qw(php {ROOT}/bin/magento cron:run);\n"), Possible, true},
		{"perl with backticks", perl, pl("my $r = '{ROOT}'; print `php $r/bin/magento cron:run`;\n"), Possible, true},
		{"perl with die before", perl, pl("die 'x' if system 'php {ROOT}/bin/magento cron:run';\n"), Possible, true},
		{
			"perl with a pipe", perl, pl("open(my $p, '-|', 'php {ROOT}/bin/magento cron:run') or die; <$p>;\n"),
			Possible, true,
		},
		{
			"perl as a clock", "perl -e 'alarm shift; exec @ARGV' 300 php {ROOT}/bin/magento cron:run", nil, Possible,
			true,
		},
		{
			"perl's comment and manual", perl, pl("# system('bin/magento cron:run');\n=pod\n\nbin/magento cron:run\n" +
				"\n=cut\nsystem('true');\n__END__\nbin/magento cron:run\n"), "", false,
		},
		{
			"perl that says it", perl,
			pl("print <<EOT;\nbin/magento cron:run\nEOT\nwarn 'bin/magento cron:run';\nsystem('true');\n"), "", false,
		},

		{"node", node, js("require('child_process').execSync('php {ROOT}/bin/magento cron:run');\n"), Possible, true},
		{
			"node with a template", node,
			js("const r = '{ROOT}';\nrequire('child_process').spawnSync('php', [`${r}/bin/magento`, 'cron:run']);\n"),
			Possible, true,
		},
		{
			"node's comments", node, js("// bin/magento cron:run\n/* bin/magento\n * cron:run */\n" +
				"require('child_process').execSync('true');\n"), "", false,
		},
		{
			"node that says it", node,
			js("const c = require('child_process');\nconsole.log('bin/magento cron:run');\nc.execSync('true');\n"), "",
			false,
		},

		{
			"program that was compiled", "{DIR}/opt/x",
			map[string]string{"opt/x": "\x7fELF\x00\x00php\x00{ROOT}/bin/magento\x00cron:run\x00"}, Possible, false,
		},
		{
			"program that was compiled and runs its arguments", "{DIR}/opt/x exec php {ROOT}/bin/magento cron:run",
			map[string]string{"opt/x": "\x7fELF\x00\x00exec\x00"}, Certain, false,
		},
		{
			"program that was compiled for something else", "{DIR}/opt/x",
			map[string]string{"opt/x": "\x7fELF\x00\x00cron:run\x00"}, "", false,
		},
		{
			"language that nobody knows", "{DIR}/opt/x",
			map[string]string{"opt/x": "#!/opt/nonexistent/zx\n$`php {ROOT}/bin/magento cron:run`\n"}, Possible, false,
		},
		{
			"comment in a language that nobody knows", "{DIR}/opt/x",
			map[string]string{"opt/x": "#!/opt/nonexistent/zx\n# php {ROOT}/bin/magento cron:run\nrun x\n"}, "", false,
		},
		{"name of the file alone", "python3 /nonexistent/magento-cron.py", nil, "", false},
	}
}

// taskCases are tasks of which most are named in a file in the directory. Their programs are not on every host.
func taskCases() []foreignCase {
	const scripts = `{"scripts": {"cron": "php {ROOT}/bin/magento cron:run", "all": ["@cron", "true"], ` +
		`"post-install-cmd": ["@php {ROOT}/bin/magento cron:run"], "x": "php {ROOT}/bin/magento cache:flush"}}`
	composer, npm := map[string]string{"opt/composer.json": scripts}, map[string]string{"opt/package.json": scripts}
	return []foreignCase{
		{"composer's script", "cd {DIR}/opt && composer run-script cron", composer, Certain, false},
		{"composer's script by another", "composer -d {DIR}/opt all", composer, Certain, false},
		{"composer's script behind install", "composer install --working-dir={DIR}/opt", composer, Certain, false},
		{"npm's script", "cd {DIR}/opt && npm run cron", npm, Certain, false},
		{"yarn's script", "yarn --cwd {DIR}/opt cron", npm, Certain, false},
		{
			"just", "cd {DIR}/opt && just cron",
			map[string]string{"opt/justfile": "cron:\n  php {ROOT}/bin/magento cron:run\n"}, Possible, false,
		},
		{
			"robo", "cd {DIR}/opt && vendor/bin/robo cron", map[string]string{"opt/RoboFile.php": "<?php class X { " +
				"function cron() { $this->_exec('php {ROOT}/bin/magento cron:run'); } }"}, Possible, false,
		},
		{
			"phing", "cd {DIR}/opt && phing cron", map[string]string{"opt/build.xml": "<target name=\"cron\"><exec " +
				"command=\"php {ROOT}/bin/magento cron:run\"/></target>"}, Possible, false,
		},

		{"composer's other script", "cd {DIR}/opt && composer x", composer, "", false},
		{"composer's update", "cd {DIR}/opt && composer update", composer, "", false},
		{"npm's other script", "cd {DIR}/opt && npm run build", npm, "", false},
		{
			"just a comment", "cd {DIR}/opt && just x",
			map[string]string{"opt/justfile": "# php {ROOT}/bin/magento cron:run\nx:\n  true\n"}, "", false,
		},
	}
}

func makeCases() []foreignCase {
	file := func(text string) map[string]string { return map[string]string{"opt/Makefile": text} }
	const simple = "R := {ROOT}\nall: build\nbuild:\n\t@true\ncron: build ## run cron\n\t@cd $(R) && php bin/magento " +
		"cron:run\n"
	return []foreignCase{
		{"make", "make -C {DIR}/opt cron", file(simple), Certain, true},
		{"make in its directory", "cd {DIR}/opt && make -s cron", file(simple), Certain, true},
		{"make of a file", "make -f {DIR}/opt/Makefile cron", file(simple), Certain, true},
		{
			"make of something else with parts that are unknown", "make -C {DIR}/opt clean",
			file("include gone.mk\nclean:\n\ttrue\ncron:\n\tphp {ROOT}/bin/magento cron:run\n"), "", false,
		},
		{
			"make of something else, which runs what is unknown", "make -C {DIR}/opt clean",
			file("define x\nendef\nclean:\n\t./nonexistent\ncron:\n\tphp {ROOT}/bin/magento cron:run\n"), Possible,
			false,
		},
		{
			"make of something else without a file that need not be there", "make -C {DIR}/opt clean",
			file("-include .env\nclean:\n\t./nonexistent\ncron:\n\tphp {ROOT}/bin/magento cron:run\n"), "", false,
		},
		{"make of something else", "make -C {DIR}/opt build", file(simple), "", false},
		{"make of the first target", "make -C {DIR}/opt", file(simple), "", false},
		{"make of the first target, which needs it", "make -C {DIR}/opt", file("all: cron\n" + simple), Certain, true},
		{"make's default goal", "make -C {DIR}/opt", file(".DEFAULT_GOAL := cron\n" + simple), Certain, true},
		{
			"make with a variable", "make -C {DIR}/opt run C=cron:run",
			file("C ?= cache:flush\nrun:\n\tphp {ROOT}/bin/magento ${C}\n"), Certain, true,
		},
		{
			"make with another's value", "make -C {DIR}/opt run",
			file("C ?= cache:flush\nrun:\n\tphp {ROOT}/bin/magento ${C} # cron:run\n"), "", false,
		},
		{
			"make with a line that goes on", "make -C {DIR}/opt run",
			file("run:\n\tcd {ROOT} && \\\n\tphp bin/magento \\\n\t  cron:run\n"), Certain, true,
		},
		{"make by way of another make", "make -C {DIR}/opt run", map[string]string{
			"opt/Makefile":     "run:\n\t$(MAKE) -C sub cron\n",
			"opt/sub/Makefile": "cron:\n\tphp {ROOT}/bin/magento cron:run\n",
		}, Certain, true},
		{
			"make with an include", "make -C {DIR}/opt cron", map[string]string{"opt/Makefile": "include shop.mk\n",
				"opt/shop.mk": simple}, Certain, true,
		},
		{
			"make with a function", "make -C {DIR}/opt cron",
			file("define run\nphp {ROOT}/bin/magento $(1)\nendef\ncron:\n\t$(call run,cron:run)\n"), Possible, true,
		},
		{
			"make with a pattern", "make -C {DIR}/opt do-cron:run", file("do-%:\n\tphp {ROOT}/bin/magento $*\n"),
			Possible, true,
		},
		{
			"make with what a command says", "make -C {DIR}/opt cron",
			file("R := $(shell echo {ROOT})\ncron:\n\tphp $(R)/bin/magento cron:run\n"), Possible, true,
		},
		{
			"make with a condition", "make -C {DIR}/opt cron",
			file("ifeq ($(X),)\nR = {ROOT}\nendif\ncron:\n\tphp $(R)/bin/magento cron:run\n"), Certain, true,
		},
		{
			"make with a doubled dollar", "make -C {DIR}/opt cron",
			file("cron:\n\tR={ROOT}; php $$R/bin/magento cron:run\n"), Certain, true,
		},
		{
			"make's comment", "make -C {DIR}/opt cron",
			file("# php {ROOT}/bin/magento cron:run\ncron:\n\t@# php {ROOT}/bin/magento cron:run\n\ttrue\n"), "", false,
		},
		{"make without a file", "make -C {DIR}/nonexistent cron", nil, "", false},
		{"make of another", "make -C {DIR}/opt cron", file("cron:\n\tphp {OTHER}/bin/magento cron:run\n"), "", false},
	}
}

func FuzzForeign(f *testing.F) {
	f.Add("import os\n\"\"\"x\"\"\"\nos.system('php /srv/m2/bin/magento cron:run') # y\nprint(\"a\", [1, {2: 'b'}])\n")
	f.Add("<p><?php // x ?>\n#[A]\n$c = <<<'EOT'\nphp bin/magento cron:run\nEOT;\nshell_exec(\"$c\"); require " +
		"__DIR__ . '/x.php' ?>")
	f.Add("=pod\n=cut\nprint <<EOT, 'x';\na\nEOT\nexec qw(php /srv/m2/bin/magento cron:run) or die \"x\"; `x`\n" +
		"__END__\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"php", "python3", "perl", "ruby", "node", "lua"} {
			l := newLook(Options{Magento2Root: "/srv/m2", Magento1Root: "/srv/m1"}, "/nonexistent")
			steps := maxSteps
			r := &reader{look: l, steps: &steps, written: map[string]word{}}
			language, _ := languageOf(name)
			r.foreign("/srv/m2/x", text, language, []word{"cron:run"}, shell{})
			if p := language.program(text); len(p.text) > 4*len(text)+1000 || len(p.code) > 4*len(text)+1000 {
				t.Errorf("%d bytes become %d and %d", len(text), len(p.text), len(p.code))
			}
			for _, found := range r.found {
				if found.kind == "" || found.system == "" || found.certainty == "" {
					t.Errorf("%+v", found)
				}
			}
		}
	})
}

func FuzzMakefile(f *testing.F) {
	f.Add("R ?= /srv/m2\nexport X := $(R)/bin\ndefine d\nx\nendef\nifeq ($(X),y)\ninclude x.mk\nendif\nall: a b | c "+
		"; echo $@\n%.o: %.c\n", "all R=x -C /srv")
	f.Add("a b:: c\n\t@cd $(R) && \\\n\tphp bin/magento cron:run $$x ${A:b=c} $(shell x $(y))\n.ONESHELL:\n$(eval "+
		"x)\n", "a -f Makefile")
	f.Fuzz(func(t *testing.T, text, args string) {
		l := newLook(Options{Magento2Root: "/srv/m2"}, "/nonexistent")
		steps := maxSteps
		r := &reader{look: l, steps: &steps, written: map[string]word{"/srv/Makefile": word(text)}}
		r.make(splitWords(args), shell{dir: "/srv"})
		for _, found := range r.result(shell{}) {
			if found.kind == "" || found.system == "" || found.certainty == "" {
				t.Errorf("%+v", found)
			}
		}
	})
}
