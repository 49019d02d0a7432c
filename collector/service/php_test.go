package service

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestRealPHP(t *testing.T) {
	t.Parallel()
	p, err := AskPHP(limited(t), "php")
	if err != nil {
		t.Fatal(err)
	}
	if !versionText.MatchString(p.Version) || len(p.Extensions) < 5 || p.MemoryLimit == "" {
		t.Errorf("%+v", p)
	}
	for _, binary := range []string{"/nowhere/php", "/bin/true", "/bin/cat"} {
		if got, err := AskPHP(limited(t), binary); err == nil {
			t.Errorf("%s: %+v", binary, got)
		}
	}
}

// script writes a stand-in for php.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "php")
	// A process that another test starts meanwhile must not have it open: the kernel would refuse to run it.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// A php that hangs ends with the context. It opens one FIFO to show that it runs, and hangs in another one.
func TestHungPHP(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"runs", "hangs"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hung := script(t, "echo here > "+dir+"/runs\nread line < "+dir+"/hangs\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read := make(chan error, 1)
	go func() {
		_, err := os.ReadFile(filepath.Join(dir, "runs"))
		read <- err
		cancel()
	}()
	err := answerOf(t, "AskPHP", func() error { _, err := AskPHP(ctx, hung); return err })
	if CauseOf(err) != TimedOut {
		t.Errorf("%v has the cause %q", err, CauseOf(err))
	}
	if err := <-read; err != nil {
		t.Error(err)
	}
}

// TestPHPEnvironment changes the environment of the whole process, so it does not run beside others.
func TestPHPEnvironment(t *testing.T) {
	t.Setenv("MAGENTO1_PASSWORD", "canary")
	t.Setenv("PHP_INI_SCAN_DIR", "/canary")
	t.Setenv("LD_PRELOAD", "")
	t.Setenv("HOME", "/home/of/somebody")
	t.Setenv("LANG", "C.UTF-8")
	seen := filepath.Join(t.TempDir(), "environment")
	fake := script(t, "env > "+seen+"\n"+`echo '{"version": "8.2.1", "extensions": [], "memory_limit": "2G"}'`+"\n")
	if p, err := AskPHP(limited(t), fake); err != nil || p.Version != "8.2.1" {
		t.Fatalf("%+v %v", p, err)
	}
	text, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(line, "=")
		if !slices.Contains([]string{"PWD", "OLDPWD", "SHLVL", "_"}, name) { // the shell's own
			names = append(names, name)
		}
	}
	slices.Sort(names)
	home := strings.Contains(string(text), "HOME=/home/of/somebody\n")
	if !slices.Equal(names, []string{"HOME", "LANG", "PATH"}) || !home {
		t.Errorf("the environment is\n%s", text)
	}
}

// Without any of the three variables the environment is empty, not the exporter's.
func TestPHPEnvironmentOfNothing(t *testing.T) {
	for _, name := range []string{"PATH", "HOME", "LANG"} {
		t.Setenv(name, "")
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	if environ := phpEnvironment(); environ == nil || len(environ) > 0 {
		t.Errorf("%#v", environ)
	}
}

func FuzzPHPAnswer(f *testing.F) {
	f.Add([]byte("PHP Warning: x\n{\"version\":\"8.2.1\",\"extensions\":[\"intl\"],\"memory_limit\":\"2G\"}"))
	f.Add([]byte("{\"version\": 8}{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if p, ok := phpAnswer(text); ok && (p.Version == "" || !bytes.Contains(text, []byte("{"))) {
			t.Errorf("%q is %+v", text, p)
		}
	})
}
