package collector

import (
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"magento_migration_exporter/config"
)

// dump makes a backup of a database with the real tool.
func (s *shop) dump(path, database string, compressed bool, options ...string) {
	s.t.Helper()
	args := append([]string{"--no-defaults", "--socket=" + s.server2.Socket(), "--user=root", "--single-transaction"}, options...)
	out, err := exec.CommandContext(s.t.Context(), "mariadb-dump", append(args, database)...).Output()
	if err != nil {
		s.t.Fatalf("mariadb-dump: %v", err)
	}
	f, err := os.Create(path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if !compressed {
		_, err = f.Write(out)
	} else {
		z := gzip.NewWriter(f)
		if _, err = z.Write(out); err == nil {
			err = z.Close()
		}
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// cutFile leaves only the beginning.
func cutFile(t *testing.T, path string, size int64) {
	t.Helper()
	// An old file, because one that was just written counts as being written.
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	age(t, path, time.Hour)
}

func age(t *testing.T, path string, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func newShopWithBackup(t *testing.T) (s *shop, dir string) {
	s = newShop(t)
	dir = t.TempDir()
	s.migration.Preconditions.Backup.Paths = []string{filepath.Join(dir, "*.sql*")}
	return s, dir
}

func TestBackup(t *testing.T) {
	t.Parallel()
	s, dir := newShopWithBackup(t)
	s.wantFinding("backup", Fail, "there is no backup", "mysqldump --single-transaction", s.db2)
	s.wantAbsent(backupAge)

	path := filepath.Join(dir, "m2.sql.gz")
	s.dump(path, s.db2, true)
	s.wantFinding("backup", Pass, "this backup counts", "gzip")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s.wantValue(float64(info.Size()), backupSize)
	if got, ok := s.value(backupAge); !ok || got < 0 || got > 60 {
		t.Errorf("age %v", got)
	}
	if got, ok := s.value(backupTime); !ok || time.Since(time.Unix(int64(got), 0)) > time.Minute {
		t.Errorf("time %v", got)
	}

	cutFile(t, path, info.Size()/2)
	s.wantFinding("backup", Fail, "not whole")
	s.wantAbsent(backupSize)
	again := filepath.Join(dir, "again.sql")
	s.dump(again, s.db2, false)
	s.want("backup", Pass)
	for _, p := range []string{path, again} {
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
	s.want("backup", Fail)
}

func TestBackupOlderOneCounts(t *testing.T) {
	t.Parallel()
	s, dir := newShopWithBackup(t)
	older, newer := filepath.Join(dir, "older.sql"), filepath.Join(dir, "newer.sql.gz")
	s.dump(older, s.db2, false)
	s.dump(newer, s.db2, true)
	cutFile(t, newer, 1000)
	age(t, older, 2*time.Hour)
	f := s.wantFinding("backup", Pass, "a newer backup does not count", "not whole")
	if f.Subject != newer {
		t.Errorf("subject %q", f.Subject)
	}
	s.wantFinding("backup", Pass, "this backup counts")
}

func TestBackupWhatItHolds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prepare func(s *shop, path string)
		status  Status
		words   []string
	}{
		"another database": {func(s *shop, path string) {
			s.exec(s.server2, "CREATE DATABASE other_"+s.db2, "CREATE TABLE other_"+s.db2+".t (id int)")
			s.t.Cleanup(func() { _ = s.server2.Exec(s.t.Context(), "DROP DATABASE other_"+s.db2) })
			s.dump(path, "other_"+s.db2, true)
		}, Fail, []string{"of another database", "other_"}},
		"no rows": {func(s *shop, path string) { s.dump(path, s.db2, true, "--no-data") }, Fail, []string{"does not hold the installation"}},
		"a table left out": {func(s *shop, path string) { s.dump(path, s.db2, true, "--ignore-table="+s.db2+".salesrule") },
			Fail, []string{"lacks tables", "salesrule"}},
		"no triggers": {func(s *shop, path string) { s.dump(path, s.db2, true, "--skip-triggers") }, Fail, []string{"triggers"}},
		"no end mark": {func(s *shop, path string) { s.dump(path, s.db2, true, "--compact") }, Unknown, []string{"cannot be told"}},
		"new entities": {func(s *shop, path string) {
			s.on2("INSERT INTO catalog_product_entity (attribute_set_id, sku) VALUES (4, 'new')")
			s.dump(path, s.db2, true)
		}, Warn, []string{"product: 1"}},
		"patches since": {func(s *shop, path string) {
			s.dump(path, s.db2, true)
			s.on2(`INSERT INTO patch_list (patch_name) VALUES ('Acme\\Blog\\Setup\\Patch\\Data\\Install')`)
		}, Warn, []string{"installed since", `Acme\Blog`}},
		"migrated data": {func(s *shop, path string) {
			s.on2("UPDATE catalog_category_entity SET created_at = '2016-02-03 09:15:21' WHERE entity_id = 1")
			s.dump(path, s.db2, true)
			s.on2("UPDATE catalog_category_entity SET created_at = '2025-06-10 14:00:26' WHERE entity_id = 1")
		}, Fail, []string{"migrated data"}},
		"empty":                 {func(s *shop, path string) { s.write(path, "") }, Fail, []string{"not whole", "empty"}},
		"a text":                {func(s *shop, path string) { s.write(path, "hello\n") }, Fail, []string{"not whole"}},
		"a name with a newline": {func(s *shop, path string) { s.dump(strings.Replace(path, "m2", "m\n2", 1), s.db2, true) }, Unknown, []string{"control character"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newShopWithBackup(t)
			tc.prepare(s, filepath.Join(dir, "m2.sql.gz"))
			s.wantFinding("backup", tc.status, tc.words...)
		})
	}
}

func (s *shop) write(path, content string) {
	s.t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	age(s.t, path, time.Hour)
}

func TestBackupAge(t *testing.T) {
	t.Parallel()
	s, dir := newShopWithBackup(t)
	s.dump(filepath.Join(dir, "m2.sql"), s.db2, false)
	s.migration.Preconditions.Backup.MaxAge = model.Duration(time.Hour)
	s.want("backup", Pass)
	s.wantValue(3600, backupMaxAge)
	s.offset = 2 * time.Hour
	s.wantFinding("backup", Warn, "older than max_age")
	if got, _ := s.value(backupAge); got < 7200 || got > 7300 {
		t.Errorf("age %v", got)
	}
	s.migration.Preconditions.Backup.Severity = config.SeverityFail
	s.want("backup", Fail)
}

func TestBackupWhatCannotBeSeen(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.wantFinding("backup", Unknown, "no backups are configured", "preconditions.backup.paths")
	dir := t.TempDir()
	s.migration.Preconditions.Backup.Paths = []string{dir}
	s.dump(filepath.Join(dir, "m2.sql"), s.db2, false)
	s.want("backup", Pass)
	s.migration.Magento2.Database.Host = "no-such-host.invalid"
	s.wantFinding("backup", Unknown, "network")
	s.wantAbsent(backupAge)
}
