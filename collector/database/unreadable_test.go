package database

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/collector/mysqltest"
)

// lock makes a file one that cannot be opened. Mode bits do not keep root from it, a symbolic link that leads to itself
// does.
func lock(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := errors.Join(os.Remove(path), os.Symlink(filepath.Base(path), path)); err != nil {
		t.Fatal(err)
	}
}

// TestUnreadableTableIsNotMissing takes the right to read their files from the server, for which it answers error 1146
// here and there.
func TestUnreadableTableIsNotMissing(t *testing.T) {
	t.Parallel()
	// Servers of their own, which stay damaged.
	for _, flavor := range []mysqltest.Flavor{mysqltest.MariaDB, mysqltest.MySQL56} {
		t.Run(flavor.String(), func(t *testing.T) {
			t.Parallel()
			testUnreadable(t, mysqltest.New(t, mysqltest.Options{Flavor: flavor}))
		})
	}
}

func testUnreadable(t *testing.T, server *mysqltest.Server) {
	if err := server.Load(t.Context(), "shop", `CREATE TABLE innodb_definition (id int) ENGINE=InnoDB;
			CREATE TABLE innodb_rows (id int) ENGINE=InnoDB;
			CREATE TABLE myisam_definition (id int) ENGINE=MyISAM; CREATE TABLE myisam_index (id int) ENGINE=MyISAM;
			CREATE TABLE myisam_rows (id int) ENGINE=MyISAM;
			CREATE VIEW seen AS SELECT id FROM innodb_definition`); err != nil {
		t.Fatal(err)
	}
	files := []string{"innodb_definition.frm", "innodb_rows.ibd", "myisam_definition.frm"}
	if os.Geteuid() != 0 { // MyISAM follows no link
		files = append(files, "myisam_index.MYI", "myisam_rows.MYD")
	}
	for _, file := range files {
		path := filepath.Join(server.DataDir(), "shop", file)
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			continue // this server keeps definitions elsewhere
		}
		lock(t, path)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := open(t, server, options())
	var n int
	for _, file := range files {
		table := strings.TrimSuffix(file, filepath.Ext(file))
		err := s.Row(t.Context(), "SELECT COUNT(*) FROM "+Quote(table), nil, &n)
		if cause := CauseOf(err); cause != TableUnreadable && cause != TableDamaged || Number(err) == ErrNoSuchTable {
			t.Errorf("%s: %q, %v", table, cause, err)
		}
	}
	for _, table := range []string{"none", "shop.none", "it's none"} {
		if err := s.Row(t.Context(), "SELECT COUNT(*) FROM "+Quote(table), nil, &n); Number(err) != ErrNoSuchTable {
			t.Errorf("a table that is not there: %v", err)
		}
	}
}
