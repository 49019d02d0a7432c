package precondition_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/shoptest"
)

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
	s.Set("backup", map[string]any{"paths": []string{filepath.Join(dir, "*.sql*")}})
	return s, dir
}

func TestBackup(t *testing.T) {
	t.Parallel()
	s, dir := newShopWithBackup(t)
	s.WantFinding("backup", finding.Fail, "there is no backup", "mariadb-dump --single-transaction", s.DB2)
	s.WantAbsent("backup_age_seconds")

	path := filepath.Join(dir, "m2.sql.gz")
	s.Dump(path, s.DB2, true)
	s.WantFinding("backup", finding.Pass, "the newest valid backup", "gzip")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s.WantValue(float64(info.Size()), "backup_size_bytes")
	if got, ok := s.Value("backup_age_seconds"); !ok || got < 0 ||
		got > (time.Since(info.ModTime())+time.Minute).Seconds() {
		t.Errorf("age %v", got)
	}
	if got, ok := s.Value("backup_timestamp_seconds"); !ok ||
		time.Unix(int64(got), 0).Sub(info.ModTime()).Abs() > time.Minute {
		t.Errorf("time %v", got)
	}

	cutFile(t, path, info.Size()/2)
	s.WantFinding("backup", finding.Fail, "incomplete or damaged")
	s.WantAbsent("backup_size_bytes")
	again := filepath.Join(dir, "again.sql")
	s.Dump(again, s.DB2, false)
	s.Want("backup", finding.Pass)
	for _, p := range []string{path, again} {
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
	s.Want("backup", finding.Fail)
}

func TestBackupOlderOneCounts(t *testing.T) {
	t.Parallel()
	s, dir := newShopWithBackup(t)
	older, newer := filepath.Join(dir, "older.sql"), filepath.Join(dir, "newer.sql.gz")
	s.Dump(older, s.DB2, false)
	s.Dump(newer, s.DB2, true)
	cutFile(t, newer, 1000)
	age(t, older, 2*time.Hour)
	f := s.WantFinding("backup", finding.Pass, "a newer backup is not valid", "incomplete or damaged")
	if f.Subject != newer {
		t.Errorf("subject %q", f.Subject)
	}
	s.WantFinding("backup", finding.Pass, "the newest valid backup")
}

func TestBackupWhatItHolds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prepare func(s *shop, path string)
		status  finding.Status
		words   []string
	}{
		"another database": {func(s *shop, path string) {
			s.Exec(s.Server2, "CREATE DATABASE other_"+s.DB2, "CREATE TABLE other_"+s.DB2+".t (id int)")
			s.T.Cleanup(func() { _ = s.Server2.Exec(s.T.Context(), "DROP DATABASE other_"+s.DB2) })
			s.Dump(path, "other_"+s.DB2, true)
		}, finding.Fail, []string{"of another database", "other_"}},
		"no rows": {
			func(s *shop, path string) { s.Dump(path, s.DB2, true, "--no-data") }, finding.Fail,
			[]string{"does not contain the installation"},
		},
		"a table left out": {func(s *shop, path string) {
			s.Dump(path, s.DB2, true,
				"--ignore-table="+s.DB2+".salesrule")
		},
			finding.Fail, []string{"lacks tables", "salesrule"}},
		"no triggers": {
			func(s *shop, path string) { s.Dump(path, s.DB2, true, "--skip-triggers") }, finding.Fail,
			[]string{"triggers"},
		},
		"rows left out": {func(s *shop, path string) { s.Dump(path, s.DB2, true, "--where=1=1 LIMIT 1") },
			finding.Fail, []string{"lacks rows that the installation created", "--where=1=1 LIMIT 1"}},
		"encrypted": {func(s *shop, path string) { s.write(path, "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n") },
			finding.Unknown, []string{"content cannot be read", "gpg -d"}},
		"no end mark": {
			func(s *shop, path string) { s.Dump(path, s.DB2, true, "--compact") }, finding.Unknown,
			[]string{"it is unknown whether the backup is complete"},
		},
		"new entities": {func(s *shop, path string) {
			s.On2("INSERT INTO catalog_product_entity (attribute_set_id, sku) VALUES (4, 'new')")
			s.Dump(path, s.DB2, true)
		}, finding.Warn, []string{"product: 1"}},
		"patches since": {func(s *shop, path string) {
			s.Dump(path, s.DB2, true)
			s.On2(`INSERT INTO patch_list (patch_name) VALUES ('Acme\\Blog\\Setup\\Patch\\Data\\Install')`)
		}, finding.Warn, []string{"installed since", `Acme\Blog`}},
		"migrated data": {func(s *shop, path string) {
			s.On2("UPDATE catalog_category_entity SET created_at = '2016-02-03 09:15:21' WHERE entity_id = 1")
			s.Dump(path, s.DB2, true)
			s.On2("UPDATE catalog_category_entity SET created_at = '2025-06-10 14:00:26' WHERE entity_id = 1")
		}, finding.Fail, []string{"migrated data"}},
		"empty": {
			func(s *shop, path string) { s.write(path, "") }, finding.Fail, []string{"incomplete or damaged", "empty"},
		},
		"a text": {
			func(s *shop, path string) { s.write(path, "hello\n") }, finding.Fail, []string{"incomplete or damaged"},
		},
		"a name with a newline": {
			func(s *shop, path string) { s.Dump(strings.Replace(path, "m2", "m\n2", 1), s.DB2, true) }, finding.Unknown,
			[]string{"control character"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newShopWithBackup(t)
			tc.prepare(s, filepath.Join(dir, "m2.sql.gz"))
			s.WantFinding("backup", tc.status, tc.words...)
		})
	}
}

func (s *shop) write(path, content string) {
	s.T.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.T.Fatal(err)
	}
	age(s.T, path, time.Hour)
}

func TestBackupAge(t *testing.T) {
	t.Parallel()
	s, dir := newShopWithBackup(t)
	s.Dump(filepath.Join(dir, "m2.sql"), s.DB2, false)
	settings := map[string]any{"paths": []string{filepath.Join(dir, "*.sql*")}, "max_age": "1h"}
	s.Set("backup", settings)
	s.Want("backup", finding.Pass)
	s.WantValue(3600, "backup_max_age_seconds")
	s.Offset = 2 * time.Hour
	s.WantFinding("backup", finding.Warn, "older than max_age")
	if got, _ := s.Value("backup_age_seconds"); got < 7200 || got > 7300 {
		t.Errorf("age %v", got)
	}
	settings["severity"] = "fail"
	s.Set("backup", settings)
	s.Want("backup", finding.Fail)
}

func TestBackupWhatCannotBeSeen(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.WantFinding("backup", finding.Unknown, "no backups are configured", "preconditions.backup.paths")
	dir := t.TempDir()
	s.Set("backup", map[string]any{"paths": []string{dir}})
	s.Dump(filepath.Join(dir, "m2.sql"), s.DB2, false)
	s.Want("backup", finding.Pass)
	s.Migration.Magento2.Database.Host = "no-such-host.invalid"
	s.WantFinding("backup", finding.Unknown, "network")
	s.WantAbsent("backup_age_seconds")
}

func TestBackupWithTheTriggersOfOneTableOnly(t *testing.T) {
	t.Parallel()
	s, dir := newShopWithBackup(t)
	path := filepath.Join(dir, "m2.sql")
	s.On2("CREATE TRIGGER trg_catalog_product_entity_after_insert AFTER INSERT ON catalog_product_entity " +
		"FOR EACH ROW SET @changed = 1")
	s.On2("DROP TRIGGER trg_catalog_category_entity_after_insert")
	s.Dump(path, s.DB2, false)
	s.On2("CREATE TRIGGER trg_catalog_category_entity_after_insert AFTER INSERT ON catalog_category_entity " +
		"FOR EACH ROW SET @changed = 1")
	s.WantFinding("backup", finding.Fail, "lacks triggers", "catalog_category_entity: 1 of 2")
	s.Dump(path, s.DB2, false)
	s.Want("backup", finding.Pass)
}

// A snapshot is not a file: a person confirms it, until something contradicts.
func TestBackupAttested(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		at     time.Duration
		status finding.Status
		words  []string
	}{
		"now": {0, finding.Pass, []string{"a person confirms this backup", "snapshot 4711", "Ana"}},
		"from the future": {
			time.Hour, finding.Fail, []string{"from the future", "preconditions.backup.attested"},
		},
		"before the installation": {-20 * 365 * 24 * time.Hour, finding.Fail, []string{"older than the installation"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.Set("backup", map[string]any{"attested": map[string]any{
				"at": time.Now().Add(tc.at), "by": "Ana", "what": "snapshot 4711",
			}})
			s.Want("backup", tc.status)
			s.WantFinding("backup", tc.status, tc.words...)
			if _, ok := s.Value("backup_age_seconds"); ok != (tc.status == finding.Pass) {
				t.Errorf("an age: %v", ok)
			}
		})
	}
}

// Who pastes the remedy into a shell has a backup that counts.
func TestBackupRemedyMakesABackup(t *testing.T) {
	t.Parallel()
	s, dir := newShopWithBackup(t)
	f := s.WantFinding("backup", finding.Fail, "there is no backup")
	lines := strings.Split(f.Remedy, "\n")
	s.Exec(s.Server2, strings.TrimSuffix(lines[1], ";"))
	command := strings.Replace(lines[len(lines)-1], "--password ", "--password='"+shoptest.Password+"' ", 1)
	cmd := exec.CommandContext(t.Context(), "bash", "-c", command)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
	s.Want("backup", finding.Pass)
}
