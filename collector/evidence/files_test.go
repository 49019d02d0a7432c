package evidence_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/config/envphp"
	"magento_migration_exporter/config/sourcefile"
)

// TestUnreadableFilesHaveARemedyForEachCause makes app/etc/env.php one that cannot be read, in each way that a test can.
func TestUnreadableFilesHaveARemedyForEachCause(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	g := &gathering{shop: s, now: time.Now()}
	m2 := g.gather(t.Context()).Magento2
	dir := t.TempDir()
	path := filepath.Join(dir, "env.php")
	for name, test := range map[string]struct {
		make func() error
		want string
	}{
		"missing": {func() error { return nil }, "Set migrations[acme].magento2.root to the folder of Magento 2"},
		"a link to itself": {func() error { return os.Symlink("env.php", path) },
			"leads nowhere: a symbolic link to itself, or a file where a folder should be. Correct it. This shows " +
				"which:\nnamei -l " + path},
		"a folder":    {func() error { return os.Mkdir(path, 0o700) }, "Put a file of the right kind there"},
		"cut":         {func() error { return os.WriteFile(path, []byte("<?php return ["), 0o600) }, "Correct the file"},
		"much larger": {func() error { return sparse(path, 1<<30) }, "Put a file of the right kind there"},
	} {
		if err := errors.Join(os.RemoveAll(path), test.make()); err != nil {
			t.Fatal(err)
		}
		_, err := envphp.Read(path, nil)
		if got := m2.UnreadableRemedy(err); err == nil || !strings.Contains(got, test.want) {
			t.Errorf("%s: %v: %q, want %q", name, err, got, test.want)
		}
	}
	// What a test that root runs cannot make, and what no test can.
	for _, test := range []struct {
		err  error
		want string
	}{
		{&fs.PathError{Op: "open", Path: "/srv/my shop/env.php", Err: fs.ErrPermission},
			"whose right is missing:\nnamei -l '/srv/my shop/env.php'"},
		{&fs.PathError{Op: "read", Path: path, Err: errors.New("input/output error")}, "dmesg"},
		{fmt.Errorf("x: %w", evidence.ErrHangs), "ls there hangs too"},
		{fmt.Errorf("magento2.%w", evidence.ErrNoRoot), "Set migrations[acme].magento2.root to the folder of"},
		{&sourcefile.Error{File: path, Place: sourcefile.Place{Line: 1, Column: 1}, Problem: "x"},
			"at the place that is named"},
	} {
		if got := m2.UnreadableRemedy(test.err); !strings.Contains(got, test.want) {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
	}
}

// sparse makes a file of a size that takes no room.
func sparse(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Close())
}
