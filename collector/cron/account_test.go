package cron

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/collector/finding"
)

// TestLongLine reads a passwd file with a line that is longer than any buffer: what follows it counts all the same.
func TestLongLine(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write(t, "etc/passwd", "#"+strings.Repeat("x", 1<<20)+"\nshop:x:1000:33::{HOME}:/bin/sh\r\n")
	h.write(t, "spool/cron/shop", "* * * * * php www/bin/magento cron:run\n")
	e := h.files(t, h.options(), []string{"spool/cron/*"})
	if len(e.Armed(finding.Magento2)) != 1 || len(e.Problems) > 0 {
		t.Errorf("%+v", e)
	}
}

// TestAccountsUnreadable says so when the users' home directories cannot be known.
func TestAccountsUnreadable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		make func(path string) error
		want string
	}{
		{
			"too large", func(path string) error { return os.WriteFile(path, make([]byte, maxPasswd+1), 0o600) },
			"it is larger than",
		},
		{"a directory", func(path string) error { return os.Mkdir(path, 0o700) }, "not a regular file"},
		{"not there", func(string) error { return nil }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "passwd")
			if err := test.make(path); err != nil {
				t.Fatal(err)
			}
			e := newLook(Options{Magento2Root: "/srv/m2"}, path).evidence
			if (len(e.Problems) > 0) != (test.want != "") {
				t.Fatalf("problems: %v", e.Problems)
			}
			for _, p := range e.Problems {
				if !strings.Contains(p.Text, test.want) || p.Remedy == "" {
					t.Errorf("%+v", p)
				}
			}
		})
	}
}
