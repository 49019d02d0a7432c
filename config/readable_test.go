package config

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeMode writes a file whose mode is exactly that, whatever the umask.
func writeMode(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// warnedAbout returns the files that warnings name, after it has done what they say and seen that they are gone.
func warnedAbout(t *testing.T, warnings func() []string) []string {
	t.Helper()
	var files []string
	for _, w := range warnings() {
		file, _, ok := strings.Cut(w, " contains a secret, and everybody on this host can read it ")
		_, line, chmod := strings.Cut(w, ": chmod ")
		if !ok || !chmod || strings.Contains(w, "canary") {
			t.Fatalf("warning: %s", w)
		}
		if out, err := exec.CommandContext(t.Context(), "sh", "-c", "chmod "+line).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		files = append(files, filepath.Base(file))
	}
	if again := warnings(); len(again) > 0 {
		t.Errorf("after chmod: %q", again)
	}
	return files
}

func TestWarningsAboutReadableConfiguration(t *testing.T) {
	t.Parallel()
	const one = "migrations:\n- name: a\n"
	for name, tc := range map[string]struct {
		mode  os.FileMode
		files map[string]string
		want  string
	}{
		"no secret": {
			0o644, map[string]string{"c.yml": one + "  magento1: {database: {user: u, password_env: X}}\n"}, "",
		},
		"no password": {
			0o644,
			map[string]string{
				"c.yml": one + "  magento1: {database: {password: \"\"}}\n  magento2: {database: {password: ~}}\n",
			},
			"",
		},
		"a password": {
			0o644, map[string]string{"c.yml": one + "  magento1: {database: {password: canary}}\n"}, "c.yml",
		},
		"a password, group": {
			0o640, map[string]string{"c.yml": one + "  magento1: {database: {password: canary}}\n"}, "",
		},
		"an odd name": {
			0o604, map[string]string{"o'brien $(x).yml": one + "  magento2: {database: {password: 1234}}\n"},
			"o'brien $(x).yml",
		},
		"a login in a URL": {
			0o644,
			map[string]string{
				"c.yml": one + "  preconditions: {extensions: {decisions: {cache: {dropped: 'redis://:canary@r:6379'}}}}\n",
			},
			"c.yml",
		},
		"a login in a node": {
			0o644, map[string]string{"c.yml": one + "  preconditions: {backup: {paths: ['https://u:canary@w']}}\n"},
			"c.yml",
		},
		"a URL without": {
			0o644,
			map[string]string{
				"c.yml": one + "  waivers: [{precondition: backup, reason: 'see https://wiki/@jane', expires: 2999-01-01}]\n",
			},
			"",
		},
		"one of several files": {
			0o644,
			map[string]string{"a.yml": one, "b.yml": "templates: {t: {magento1: {database: {password: canary}}}}\n"},
			"b.yml",
		},
		"a password in an anchor": {
			0o644,
			map[string]string{
				"c.yml": one + "  magento1: {database: &db {password: canary}}\n  magento2: {database: *db}\n",
			},
			"c.yml",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, text := range tc.files {
				writeMode(t, filepath.Join(dir, file), text, tc.mode)
			}
			c, err := Load(dir, testSections())
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(warnedAbout(t, func() []string { return c.Warnings(time.Now()) }), " "); got != tc.want {
				t.Errorf("warned about %q, want %q", got, tc.want)
			}
		})
	}
}

// TestWarningsAboutSecretFiles warns once about a file, however many migrations name it.
func TestWarningsAboutSecretFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"open": 0o644, "closed": 0o400, "open.key": 0o444, "ca.pem": 0o644} {
		writeMode(t, filepath.Join(dir, name), "canary", mode)
	}
	const text = "template: t, magento2: {database: {password_file: closed, tls: {ca_file: ca.pem, cert_file: ca.pem, key_file: open.key}}}"
	config := "templates: {t: {magento1: {database: {password_file: open}}}}\nmigrations:\n- {name: a, " + text + "}\n- {name: b, " + text + "}\n- {name: c, magento1: {database: {password_file: " + dir + "}}}\n"
	writeMode(t, filepath.Join(dir, "c.yml"), config, 0o644)
	c, err := Load(filepath.Join(dir, "c.yml"), testSections())
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(warnedAbout(t, func() []string { return c.Warnings(time.Now()) }), " "); got != "open open.key" {
		t.Errorf("warned about %q", got)
	}
}

func TestWebConfigWarnings(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mode       os.FileMode
		text, want string
	}{
		"headers only":      {0o644, "http_server_config: {headers: {X-Frame-Options: deny}}\n", ""},
		"TLS by files":      {0o644, "tls_server_config: {cert_file: ca.pem, key_file: closed.key}\n", ""},
		"an open key":       {0o644, "tls_server_config: {cert_file: ca.pem, key_file: open.key}\n", "open.key"},
		"a key":             {0o644, "tls_server_config: {cert: x, key: canary}\n", "web.yml"},
		"hashes":            {0o644, "basic_auth_users: {jane: canary}\n", "web.yml"},
		"hashes, closed":    {0o600, "basic_auth_users: {jane: canary}\n", ""},
		"not even YAML":     {0o644, "basic_auth_users: [\n", ""},
		"of the wrong kind": {0o644, "basic_auth_users: canary\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeMode(t, filepath.Join(dir, "open.key"), "canary", 0o644)
			writeMode(t, filepath.Join(dir, "closed.key"), "canary", 0o600)
			file := filepath.Join(dir, "web.yml")
			writeMode(t, file, tc.text, tc.mode)
			if got := strings.Join(warnedAbout(t, func() []string { return WebConfigWarnings(file) }),
				" "); got != tc.want {
				t.Errorf("warned about %q, want %q", got, tc.want)
			}
		})
	}
	for _, file := range []string{"", filepath.Join(t.TempDir(), "nowhere")} {
		if w := WebConfigWarnings(file); len(w) > 0 {
			t.Errorf("%q: %q", file, w)
		}
	}
}

func FuzzWebConfig(f *testing.F) {
	f.Add([]byte("tls_server_config: {cert_file: c, key_file: k}\nbasic_auth_users: {a: h}"))
	f.Add([]byte("tls_server_config: &t {key: *t}\nbasic_auth_users: {<<: [*t]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if inside, keyFile := webSecrets(data); (inside || keyFile != "") && !bytes.ContainsRune(data, ':') &&
			!bytes.ContainsRune(data, '?') {
			t.Errorf("secrets in a text without a key: %v %q", inside, keyFile)
		}
	})
}
