package cron

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shellCase is a script that cron runs. Each is read here and run by a real shell, which shows whether it starts
// Magento's cron.
type shellCase struct {
	name, script string
	// want is the certainty of what is found; empty for nothing.
	want Certainty
	// runs says that the real shell starts it, with nothing on the host that the script asks for.
	runs bool
}

// TestShell reads scripts, and lets bash and, where they are in POSIX's language, dash run them.
func TestShell(t *testing.T) {
	t.Parallel()
	const mage = "php {ROOT}/bin/magento cron:run\n"
	cases := []shellCase{
		// Here-documents.
		{"text for cat", "cat <<EOF\n" + mage + "EOF\n", "", false},
		{"text for cat with other commands", "cat <<'END'\nUsage:\n" + mage + "END\ntrue\n", "", false},
		{"text for a file", "cat > {DIR}/readme <<EOF\n" + mage + "EOF\n", "", false},
		{"text for nothing", ": <<'OFF'\n" + mage + "OFF\n", "", false},
		{"text with tabs for cat", "cat <<-EOF\n\t" + mage + "\tEOF\n", "", false},
		{"text for mail", "mail -s off root <<EOF\n" + mage + "EOF\n", "", false},
		{"two texts", "cat <<A; cat <<B\n" + mage + "A\n" + mage + "B\n", "", false},
		{"text for a shell", "sh <<EOF\n" + mage + "EOF\n", Certain, true},
		{"text for a shell, behind a pipe", "cat <<EOF | bash -s\n" + mage + "EOF\n", Certain, true},
		{
			"text for a shell with a variable", "R={ROOT}\nsh <<EOF\ncd $R\nphp bin/magento cron:run\nEOF\n", Certain,
			true,
		},
		{
			"quoted text for a shell with a variable",
			"R=/x\nsh <<'EOF'\nR={ROOT}\nphp $R/bin/magento cron:run\nEOF\n", Certain, true,
		},
		{
			"text for a shell with something unknown",
			"sh <<EOF\ncd $(head -1 {DIR}/where)\nphp bin/magento cron:run\nEOF\n", Possible, true,
		},
		{
			"text read line by line", "while read -r c; do php {ROOT}/bin/magento \"$c\"; done <<EOF\ncron:run\nEOF\n",
			Possible, true,
		},
		{"text behind a text", "cat <<EOF\nnothing\nEOF\n" + mage, Certain, true},
		{"text for a script that is run", "cat > {DIR}/x.sh <<EOF\n" + mage + "EOF\nsh {DIR}/x.sh\n", Certain, true},

		// Functions.
		{"function that nobody calls", "cron() {\n" + mage + "}\ntrue\n", "", false},
		{"function of bash that nobody calls", "function cron {\n" + mage + "}\n", "", false},
		{"function in a subshell that is over", "( f() { " + mage + "} )\nf\n", "", false},
		{"function that is taken back", "f() { " + mage + "}\nf() { true; }\nf\n", "", false},
		{"function that another calls which nobody calls", "f() { " + mage + "}\ng() { f; }\n", "", false},
		{"function that is called", "cron() {\n" + mage + "}\ncron\n", Certain, true},
		{
			"function with the script's arguments",
			"P={ROOT}\nmage() {\n  php -d memory_limit=-1 \"$P/bin/magento\" \"$@\"\n}\nmage cron:run\n", Certain, true,
		},
		{
			"function that is called with another command",
			"mage() { php {ROOT}/bin/magento \"$@\"; }\nmage cache:flush # cron:run\n", "", false,
		},
		{
			"function by way of another", "f() { php {ROOT}/bin/magento \"$1\"; }\ng() { f cron:\"$1\"; }\ng run\n",
			Certain, true,
		},
		{"function that sets where", "where() { R={ROOT}; }\nwhere\nphp $R/bin/magento cron:run\n", Certain, true},
		{"function that returns before", "f() { return\n" + mage + "}\nf\ntrue\n", "", false},
		{"function that returns, and what follows", "f() { return; }\nf\n" + mage, Certain, true},
		{"function that ends the script", "f() { exit; }\nf\n" + mage, "", false},
		{"function that calls itself", "f() { f; }\ntrue || f\n", "", false},
		{
			"main", "main() {\n  run\n}\nrun() {\n  cd {ROOT} && php bin/magento cron:run\n}\nmain \"$@\"\n", Certain,
			true,
		},
		{"function called from a trap", "f() { " + mage + "}\ntrap f EXIT\n", Certain, true},

		// What is not reached.
		{"behind exit", "exit 0\n" + mage, "", false},
		{"behind exec", "exec true\n" + mage, "", false},
		{"behind false", "false && " + mage, "", false},
		{"behind true", "true || " + mage, "", false},
		{"if false", "if false; then\n" + mage + "fi\n", "", false},
		{"while false", "while false; do " + mage + "done\n", "", false},
		{"case of another", "case backup in cron) " + strings.TrimSpace(mage) + ";; *) true;; esac\n", "", false},
		{"case of this", "case cron in c*n) " + strings.TrimSpace(mage) + ";; *) true;; esac\n", Certain, true},
		{"guard that holds", "[ $# -eq 0 ] && exit\n" + mage, "", false},
		{"guard that does not hold", "[ $# -gt 0 ] && exit\n" + mage, Certain, true},
		{"guard that a file decides", "test -e {DIR}/stop && exit\n" + mage, Certain, true},
		{"switch of the script's own", "ENABLED=0\nif [ \"$ENABLED\" = 1 ]; then\n" + mage + "fi\n", "", false},
		{"switch of bash", "E=no\nif [[ $E == y* ]]; then " + mage + "fi\n", "", false},
		{"or exit", "cd {ROOT} || exit 1\nphp bin/magento cron:run\n", Certain, true},
		{"line that is broken", mage + "if\n", Certain, true},
		{"line that is broken before", ")\n" + mage, Possible, false},

		// Words.
		{"braces and quotes", "A={ROOT}; php \"${A}\"'/bin/'magento cron\":\"run\n", Certain, true},
		{"words of an array", "c=(php {ROOT}/bin/magento cron:run)\n\"${c[@]}\"\n", Certain, true},
		{"command in a variable", "c=\"php {ROOT}/bin/magento cron:run\"\n$c\n", Certain, true},
		{
			"command in a variable that nothing uses",
			"c=\"php {ROOT}/bin/magento cron:run\"\necho $c\npgrep -f \"$c\"\n", "", false,
		},
		{"eval", "c=\"php {ROOT}/bin/magento\"\neval \"$c cron:run\"\n", Certain, true},
		{
			"directory of the script", "cd \"$(dirname \"$0\")/../home/shop/www\" && php bin/magento cron:run\n",
			Certain, true,
		},
		{
			"directory of the script by a parameter", "D=${0%/*}\nphp $D/../home/shop/www/bin/magento cron:run\n",
			Certain, true,
		},
		{
			"directory of the script, absolute", "D=\"$( cd \"$( dirname \"${BASH_SOURCE[0]}\" )\" && pwd )\"\nphp " +
				"$D/../home/shop/www/bin/magento cron:run\n", Certain, true,
		},
		{"default", "php ${R:-{ROOT}}/bin/magento cron:run\n", Certain, true},
		{"default that is not taken", "R={OTHER}\nphp ${R:-{ROOT}}/bin/magento cron:run\n", "", false},
		{
			"one of two directories",
			"if test -e {DIR}/x; then R={OTHER}; else R={ROOT}; fi\nphp $R/bin/magento cron:run\n", Possible, true,
		},
		{
			"directory that a condition changes",
			"cd {ROOT}\ntest -e {DIR}/x && cd {OTHER}\nphp bin/magento cron:run\n", Possible, true,
		},
		{
			"loop over commands", "for c in indexer:reindex cron:run; do php {ROOT}/bin/magento $c; done\n", Certain,
			true,
		},
		{"loop over shops", "for r in {OTHER} {ROOT}; do cd $r && php bin/magento cron:run; done\n", Certain, true},
		{"loop over others", "for r in {OTHER}; do cd $r && php bin/magento cron:run; done\n", "", false},
		{"pattern", "php {DIR}/home/*/www/bin/magento cron:run\n", Certain, true},
		{"arguments of the shell", "set -- cron:run\nphp {ROOT}/bin/magento \"$@\"\n", Certain, true},
		{"arguments that were taken", "set -- cron:run x\nshift\nphp {ROOT}/bin/magento \"$@\"\n", "", false},
		{"Latin-1", "# caf\xe9\necho 'caf\xe9'\n" + mage, Certain, true},
		{"Windows", "true\r\n" + mage, Certain, true},

		// Pipes.
		{"echo", "echo \"php {ROOT}/bin/magento cron:run\" | tee -a {DIR}/log\n", "", false},
		{"echo for a shell", "echo \"php {ROOT}/bin/magento cron:run\" | sh\n", Certain, true},
		{"printf for a shell", "printf '%s %s\\n' php '{ROOT}/bin/magento cron:run' | sh\n", Certain, true},
		{
			"base64 for a shell",
			"cd {ROOT}\necho cGhwIGJpbi9tYWdlbnRvIGNyb246cnVuCg== | base64 -d | sh\n",
			Certain,
			true,
		},
		{
			"base64 of another command for a shell",
			"cd {ROOT}\necho cGhwIGJpbi9tYWdlbnRvIGNhY2hlOmZsdXNoCg== | base64 -d | sh\n",
			"",
			false,
		},
		{
			"base64 in a file for a shell",
			"echo cGhwIGJpbi9tYWdlbnRvIGNyb246cnVuCg== >{DIR}/x\ncd {ROOT}\nbase64 --decode {DIR}/x | bash -s\n",
			Certain, true,
		},
		{
			"base64 as a text for a shell",
			"cd {ROOT}\nbase64 -di <<<cGhwIGJpbi9tYWdlbnRvIGNyb246cnVuCg== | bash\n",
			Certain,
			true,
		},
		{
			"base64 that is evaluated",
			"cd {ROOT}\neval \"$(echo cGhwIGJpbi9tYWdlbnRvIGNyb246cnVuCg== | base64 -d)\"\n",
			Certain,
			true,
		},
		{"base64 of what is not known", "base64 -d /nowhere/x | sh\n", Possible, false},
		{"base64 that is damaged", "echo %%% | base64 -d | sh\n", Possible, false},
		{"a compressed text for a shell", "zcat /nowhere/job.gz | sh\n", Possible, false},
		{
			"base64 that is only written",
			"echo cGhwIGJpbi9tYWdlbnRvIGNyb246cnVuCg== | base64 -d >/dev/null\n",
			"",
			false,
		},
		{"base64 that encodes", "echo 'php {ROOT}/bin/magento cron:run' | base64 -w0 | mail root\n", "", false},
		{"echo through sed for a shell", "echo 'php {ROOT}/bin/magento @@' | sed s/@@/cron:run/ | sh\n", Possible, true},
		{
			"the whole through sed for a shell", "echo '#php {ROOT}/bin/magento cron:run' | sed s/#// | sh\n",
			Possible, true,
		},
		{"echo for xargs", "echo cron:run | xargs php {ROOT}/bin/magento\n", Possible, true},
		{"echo for xargs with the name", "echo cron:run | xargs -I{} php {ROOT}/bin/magento {}\n", Possible, true},
		{
			"xargs that ends it",
			"echo 999999 | xargs kill 2>/dev/null; pgrep -f '{ROOT}/bin/magento cron:run' | xargs -r kill\n", "", false,
		},
		{
			"looking for it first", "pgrep -f '{DIR}/x/bin/magento cron:run' || php {ROOT}/bin/magento cron:run\n",
			Certain, true,
		},
		{"counting it", "[ $(ps ax | grep -c '[b]in/magento cron:run') -gt 5 ] && echo many\n", "", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testShellCase(t, c)
		})
	}
}

func testShellCase(t *testing.T, c shellCase) {
	h := newHost(t)
	h.stubPHP(t)
	h.write(t, "where", "{ROOT}\n")
	script := h.write(t, "opt/job.sh", "#!/bin/bash\n"+c.script)
	h.write(t, "spool/cron/shop", "PATH={DIR}/bin:/usr/bin:/bin\n* * * * * bash {DIR}/opt/job.sh\n")
	e := h.files(t, h.options(), []string{"spool/cron/*"})
	var got Certainty
	for _, entry := range e.Entries {
		if got != Certain {
			got = entry.Certainty
		}
	}
	if got != c.want {
		t.Errorf("%s\nfound %q, want %q: %+v", c.script, got, c.want, e.Entries)
	}
	if len(e.Problems) > 0 {
		t.Errorf("problems: %v", e.Problems)
	}
	if ran := h.runs(t, "bash", script); ran != c.runs {
		t.Errorf("%s\nbash starts cron: %v, want %v", c.script, ran, c.runs)
	}
}

// stubPHP makes a php and a bin/magento that note what they are started with.
func (h host) stubPHP(t *testing.T) {
	t.Helper()
	h.write(t, "bin/php",
		"#!/bin/sh\nfor a; do case $a in *.php|-r) exec /usr/bin/php \"$@\";; esac; done\nwhile :; do case $1 in -d) "+
			"shift 2;; -*) shift;; *) break;; esac; done\n. \"$1\"\n")
	for name, root := range map[string]string{"home/shop/www": "ours", "srv/other": "other"} {
		h.write(t, name+"/bin/magento", "echo \""+root+" $2\" >> {DIR}/started\n")
	}
	if err := os.Chmod(filepath.Join(h.dir, "bin/php"), 0o700); err != nil {
		t.Fatal(err)
	}
}

// harmless are the programs that a script finds. It does not find those that would end processes of this host, or send
// a mail.
const harmless = `awk base64 basename bash cat cut dash date dirname echo env expr false find flock gawk grep gunzip
gzip head ln ls make mawk mktemp mkdir nice node nohup openssl perl pgrep printf ps pwd python3 readlink realpath rev
run-parts sed seq setsid sh sleep sort stat strings tail tee test timeout touch tr true uniq w wc xargs zcat [`

// runs lets a shell run a script as cron does, and reports whether it started this Magento's cron.
func (h host) runs(t *testing.T, command ...string) bool {
	t.Helper()
	for name := range strings.FieldsSeq(harmless) {
		if isFile("/usr/bin/" + name) {
			h.symlink(t, "/usr/bin/"+name, "harmless/"+name)
		}
	}
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = filepath.Join(h.dir, "home/shop")
	cmd.Env = []string{"HOME=" + cmd.Dir, "LOGNAME=shop", "SHELL=/bin/sh", "PATH=" + h.dir + "/bin:" + h.dir + "/harmless"}
	_ = cmd.Run() // a script can end as it likes
	started, err := os.ReadFile(filepath.Join(h.dir, "started"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return slices.Contains(strings.Split(strings.TrimSpace(string(started)), "\n"), "ours cron:run")
}

// TestScriptsEndNoProcess has a script that ends what looks like cron, which may be that of a shop on this host.
func TestScriptsEndNoProcess(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	cron := exec.CommandContext(t.Context(), "/bin/sh", "-c", "read line", h.magento2+"/bin/magento", "cron:run")
	stdin, err := cron.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cron.Start(); err != nil {
		t.Fatal(err)
	}
	awaitCommand(t, cron.Process.Pid, "cron:run")
	h.runs(t, "sh", "-c", h.fill("pgrep -f '{ROOT}/bin/magento cron:run' >{DIR}/ids; xargs -r kill <{DIR}/ids"))
	if _, err := stdin.Write([]byte("go on\n")); err != nil {
		t.Error(err)
	}
	if err := cron.Wait(); err != nil {
		t.Errorf("the process was ended: %v", err)
	}
	if ids, err := os.ReadFile(filepath.Join(h.dir, "ids")); err != nil || len(ids) == 0 {
		t.Errorf("the script found %q, %v", ids, err)
	}
}

// TestShellLimits reads text that would take a parser without limits too much memory: what it says of cron is possible.
func TestShellLimits(t *testing.T) {
	t.Parallel()
	const mage = "php {ROOT}/bin/magento cron:run"
	for name, script := range map[string]string{
		"nesting":     strings.Repeat("$(", 10_000) + mage,
		"comments":    strings.Repeat("$(#)\n", 6_000) + mage,
		"keywords":    strings.Repeat("if ", 5_000) + mage,
		"signs":       "$((" + strings.Repeat("-\n", 2_000) + mage,
		"questions":   "$((" + strings.Repeat("a?", 2_000) + mage,
		"backticks":   strings.Repeat("`", 6_000) + mage,
		"long":        strings.Repeat("true\n", maxShellText/5) + mage,
		"calls":       "f() { " + strings.Repeat("f; ", 20) + "}\nf\n" + mage,
		"many values": "for i in " + strings.Repeat("a ", 100) + "cron:run; do php {ROOT}/bin/magento $i; done",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.write(t, "opt/job.sh", "#!/bin/bash\n"+script+"\n")
			h.write(t, "spool/cron/shop", "* * * * * {DIR}/opt/job.sh\n")
			e := h.files(t, h.options(), []string{"spool/cron/*"})
			if len(e.Entries) != 1 || e.Entries[0].Certainty != Possible {
				t.Errorf("%+v", e)
			}
		})
	}
}

func FuzzShell(f *testing.F) {
	f.Add("f() { cd \"$1\" && php bin/magento \"${@:2}\"; }\n" +
		"for r in /srv/*; do f $r cron:run || exit; done <<EOF\n$X\nEOF\n")
	f.Add("case ${1:-x} in a*) sh -c \"$*\";; *) echo " +
		"`php /srv/m2/bin/magento cron:run` | sed s/a/b/ | sh;; esac; X=(a b); eval ${X[@]} ~root/x\n")
	f.Add("if [[ $a == b* && -n ${c%/*} ]]; then . /nonexistent; set -- a b; " +
		"shift; trap 'echo $?' EXIT; fi & while read -r a; do :; done\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, shell := range []string{"sh", "zsh", "ksh"} {
			l := newLook(Options{Magento2Root: "/srv/m2", Magento1Root: "/srv/m1"}, "/nonexistent")
			sh := fuzzedShell(shell)
			for _, found := range l.invocations(text, stream{text: word(text)}, sh) {
				if found.kind == "" || found.system == "" || found.certainty == "" ||
					strings.Contains(found.text, unknown) {
					t.Errorf("%+v", found)
				}
			}
		}
	})
}

func fuzzedShell(name string) shell {
	sh := shell{dir: "/srv", closed: true}
	sh.assign("SHELL", exportedWord(word(name)))
	return sh
}
