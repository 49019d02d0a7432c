package backup

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// must fails the test where setting it up fails.
func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// places is a directory of what may be found where backups should be.
func places(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	in := func(name string) string { return filepath.Join(root, name) }
	for _, dir := range []string{"deep/a/b/c/d/e", "md", "empty"} {
		must(t, os.MkdirAll(in(dir), 0o700))
	}
	for i, name := range []string{
		"old.sql", "new.sql", "deep/a/inner.sql", "md/metadata", "md/x.t-schema.sql", "deep/.hidden", "[odd].sql",
		"line\nfeed.sql", "deep/a/b/c/d/e/deepest.sql",
	} {
		must(t, os.WriteFile(in(name), []byte(name), 0o600))
		age(t, in(name), time.Duration(20-i)*time.Hour)
	}
	must(t, syscall.Mkfifo(in("fifo"), 0o600))
	socket, err := net.Listen("unix", in("socket"))
	must(t, err)
	t.Cleanup(func() { must(t, socket.Close()) })
	must(t, os.Symlink("loop", in("loop")))
	must(t, os.Symlink("nowhere", in("broken")))
	must(t, os.Symlink("new.sql", in("latest.sql")))
	must(t, os.Symlink("/dev/null", in("device")))
	must(t, os.Symlink("..", in("deep/up")))
	must(t, os.Link(in("new.sql"), in("same.sql")))
	return root
}

func TestFind(t *testing.T) {
	t.Parallel()
	root := places(t)
	for _, c := range []struct {
		pattern  string
		found    string // names, newest first
		problems string // a part of each text
	}{
		{"*.sql", "[odd].sql new.sql old.sql", "control character"},
		{"latest.sql", "latest.sql", ""},
		{"lat*", "latest.sql", ""},
		{"[odd].sql", "[odd].sql", ""},
		{"md", "md", ""},
		{"m*", "md", ""},
		{"deep", "deep/a/inner.sql", "more than 3 deep"},
		{"deep/up/md", "deep/up/md", ""},
		{"empty", "", ""},
		{"fifo", "", "a named pipe"},
		{"socket", "", "a socket"},
		{"device", "", "a device"},
		{"loop", "", "leads to itself"},
		{"broken", "", "does not exist"},
		{"nothing.sql", "", "does not exist"},
		{"nothing*.sql", "", "nothing matches"},
		{"[", "", "does not exist|no valid pattern"},
		{"new.sql/x", "", "not a directory"},
	} {
		t.Run(c.pattern, func(t *testing.T) {
			t.Parallel()
			found, problems := Find(t.Context(), []string{filepath.Join(root, c.pattern)})
			var names []string
			for _, f := range found {
				name, _ := filepath.Rel(root, f.Path)
				names = append(names, name)
			}
			if got := strings.Join(names, " "); got != c.found {
				t.Errorf("found %q, want %q", got, c.found)
			}
			if len(problems) > 1 || (len(problems) == 1) != (c.problems != "") {
				t.Fatalf("problems %v, want %q", problems, c.problems)
			}
			for _, p := range problems {
				if !containsAny(p.Text, strings.Split(c.problems, "|")) || strings.Contains(p.Path, "\n") {
					t.Errorf("problem %q: %s", p.Path, p.Text)
				}
				certain := []string{"exist", "matches", "valid", "leads", "pipe", "socket", "device", "not a directory"}
				if p.Unread == containsAny(p.Text, certain) {
					t.Errorf("problem %q: %s: may be a backup: %v", p.Path, p.Text, p.Unread)
				}
			}
		})
	}
}

func containsAny(text string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

func TestFindEverything(t *testing.T) {
	t.Parallel()
	root := places(t)
	found, problems := Find(t.Context(), []string{root, filepath.Join(root, "*"), filepath.Join(root, "new.sql")})
	if len(found) != 5 { // old, new, odd, inner, md, each once
		t.Errorf("found %v", found)
	}
	for _, p := range problems {
		if p.Text == "" {
			t.Errorf("no word about %q", p.Path)
		}
	}
}

func TestFindIsCapped(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for i := range maxCandidates + 5 {
		must(t, os.WriteFile(filepath.Join(root, fmt.Sprint(i)), nil, 0o600))
	}
	found, problems := Find(t.Context(), []string{root})
	if len(found) != maxCandidates || len(problems) != 1 || !strings.Contains(problems[0].Text, "only the first") {
		t.Errorf("%d found, problems %v", len(found), problems)
	}
	for i := range 2 * maxProblems {
		must(t, os.Symlink("nowhere", filepath.Join(root, fmt.Sprint("link", i))))
	}
	if _, problems = Find(t.Context(), []string{filepath.Join(root, "link*")}); len(problems) != maxProblems {
		t.Errorf("%d problems", len(problems))
	}
}

func TestFindEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	found, problems := Find(ctx, []string{places(t)})
	if len(found) != 0 || len(problems) == 0 {
		t.Errorf("found %v, problems %v", found, problems)
	}
}

// unreadableEnv makes the test program list a path and end: see TestFindUnreadable.
const unreadableEnv = "BACKUP_TEST_FIND"

func listAndEnd(path string) int {
	found, problems := Find(context.Background(), []string{path})
	fmt.Println(found, problems)
	return 0
}

// TestFindUnreadable looks as a user who may not read: root may read all.
func TestFindUnreadable(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "list")
	binary, err := os.ReadFile(os.Args[0])
	must(t, err)
	must(t, os.WriteFile(program, binary, 0o700))
	root, err := os.MkdirTemp("", "unreadable")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(root)) })
	must(t, os.WriteFile(filepath.Join(root, "secret.sql"), []byte("x"), 0o000))
	must(t, os.Mkdir(filepath.Join(root, "closed"), 0o000))
	must(t, os.Chmod(root, 0o755))
	cmd := exec.CommandContext(t.Context(), program)
	if os.Geteuid() == 0 {
		for dir := filepath.Dir(program); len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
			must(t, os.Chmod(dir, 0o755))
		}
		must(t, os.Chmod(program, 0o755))
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	cmd.Env = append(os.Environ(), unreadableEnv+"="+root)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "permission denied") != 2 || !strings.HasPrefix(string(out), "[] ") {
		t.Errorf("%v: %s", err, out)
	}
}
