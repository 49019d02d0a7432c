package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestCompletionAndManPage(t *testing.T) {
	t.Parallel()
	// The program's name is what shells complete.
	path := filepath.Join(t.TempDir(), program)
	if err := os.Symlink(binary(t), path); err != nil {
		t.Fatal(err)
	}
	shell := func(script string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "bash", "--norc", "-c", script)
		c.Env = append(os.Environ(), asProgram+"=1", "PATH="+filepath.Dir(path)+":"+os.Getenv("PATH"))
		output, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		return string(output)
	}
	for words, want := range map[string]string{
		"che": "check ", "check --form": "--format ", "check --format m": "markdown ", "--web.enable-l": "--web.enable-lifecycle ", "check --str": "--strict ", "": "help serve check ", "--config.file x s": "serve ",
	} {
		got := shell(
			fmt.Sprintf(
				`empty=(%[3]s); eval "$(%[1]s --completion-script-bash)"; COMP_WORDS=(%[1]s %[2]s "${empty[@]}"); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _%[1]s_bash_autocomplete; printf '%%s ' "${COMPREPLY[@]}"`,
				program,
				words,
				map[bool]string{true: `""`}[words == ""],
			),
		)
		if got != want {
			t.Errorf("%q is completed to %q, want %q", words, got, want)
		}
	}
	if got := shell(program + " --completion-script-zsh"); !strings.HasPrefix(got, "#compdef "+program) {
		t.Errorf("the zsh script is %q", got)
	}
	page := shell(program + " --help-man")
	if !strings.HasPrefix(page, ".TH "+program+" 1 ") || strings.Contains(strings.SplitN(page, "\n", 3)[1], "build") {
		t.Errorf("the man page begins with %.200q", page)
	}
	for _, flag := range []string{"config.file", "web.listen-address", "migration", "format"} {
		if !strings.Contains(page, `\fB--`+flag) {
			t.Errorf("the man page lacks --%s", flag)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	help := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := run(t.Context(), args, &out, &out); code != exitReady {
			t.Errorf("%v: exit code %d", args, code)
		}
		return out.String()
	}
	all, check := help("--help"), help("check", "--help")
	for _, flag := range []string{"--config.file=FILE", "--web.telemetry-path", "--migration=NAME", "--log.level"} {
		if !strings.Contains(all, flag) {
			t.Errorf("--help lacks %s", flag)
		}
	}
	if strings.Contains(check, "--web.") || !strings.Contains(check, "--config.file=FILE") ||
		!strings.Contains(check, "strict") {
		t.Errorf("check --help: %s", check)
	}
	for line := range strings.Lines(all + check) {
		if len(line) > 100 && !strings.Contains(line, "https://") {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
	}
}
