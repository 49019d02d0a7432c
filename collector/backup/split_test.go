package backup

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
)

// splitBy has the program split make parts of a file, in a new directory.
func splitBy(t *testing.T, content []byte, prefix string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "split", append(args, write(t, "whole", content), prefix)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("split: %v: %s", err, out)
	}
	for name := range readTree(t, dir) {
		age(t, filepath.Join(dir, name), time.Hour)
	}
	return dir
}

// TestSplitFiles reads files in parts, as split and others name them, as the one file that they are.
func TestSplitFiles(t *testing.T) {
	t.Parallel()
	m2 := dump(t, "m2")
	gz := compress(t, m2, []string{"gzip", "-c"})
	// Here a part begins that looks like a message of PGP.
	chance := len(gz) / 3
	for !isPGP(gz[chance:]) {
		chance++
	}
	for name, dir := range map[string]string{
		"part-aa":      splitBy(t, gz, "s.sql.gz.part-", "-b", "4k"),
		"aa":           splitBy(t, gz, "s.sql.gz", "-b", "4k"),
		".aaa":         splitBy(t, gz, "s.sql.gz.", "-b", "1k", "-a", "3"),
		"xaa":          splitBy(t, gz, "x", "-b", "4k"),
		".00":          splitBy(t, gz, "s.sql.gz.", "-b", "4k", "-d"),
		".001":         splitBy(t, gz, "s.sql.gz.", "-b", "4k", "-a", "3", "--numeric-suffixes=1"),
		"part1":        splitBy(t, gz, "s.part", "-b", "8k", "-a", "1", "--numeric-suffixes=1"),
		"equal chunks": splitBy(t, gz, "s.sql.gz.", "-n", "3", "-d"),
		"lines":        splitBy(t, m2, "dump.sql-", "-l", "200"),
		"bytes of SQL": splitBy(t, m2, "dump.sql.part_", "-b", "16k"),
		"by chance":    splitBy(t, gz, "s.sql.gz.", "-b", strconv.Itoa(chance), "-d"),
		"chance, aa":   splitBy(t, gz, "s.sql.gz", "-b", strconv.Itoa(chance)),
		"a tar":        splitBy(t, tarOf(t, tree{"m2.sql": m2}, "-z"), "m2.tar.gz.", "-b", "8k"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			must(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("x"), 0o600))
			found, problems := Find(t.Context(), []string{dir})
			found = slices.DeleteFunc(found, func(c Candidate) bool { return strings.HasSuffix(c.Path, "notes.txt") })
			if len(found) != 1 || len(problems) != 0 || len(found[0].Parts.List()) < 2 {
				t.Fatalf("found %v, problems %v", found, problems)
			}
			r, err := unlimited().read(t.Context(), found[0])
			must(t, err)
			wantWhole(t, r)
			wantFresh(t, r.Databases[0].Content(""))
			if !slices.ContainsFunc(
				r.Notes,
				func(note string) bool { return strings.Contains(note, "join them (cat ") },
			) {
				t.Errorf("notes %q", r.Notes)
			}
			wantJoined(t, found[0], r)
			wantMissingPart(t, dir, found[0].Parts.List())
		})
	}
}

// wantJoined runs the command that is said to join the parts, and compares.
func wantJoined(t *testing.T, c Candidate, r Report) {
	t.Helper()
	_, command, _ := strings.Cut(r.Notes[len(r.Notes)-1], "join them (")
	if i := slices.IndexFunc(r.Notes, func(note string) bool { return strings.Contains(note, "join them") }); i >= 0 {
		_, command, _ = strings.Cut(r.Notes[i], "join them (")
	}
	command = strings.TrimSuffix(command, ")")
	tool(t, "sh", "-c", command)
	_, whole, _ := strings.Cut(command, " > ")
	info, err := os.Stat(strings.Trim(whole, "'"))
	must(t, err)
	if info.Size() != c.Size {
		t.Errorf("%s makes %d bytes of %d", command, info.Size(), c.Size)
	}
	must(t, os.Remove(strings.Trim(whole, "'")))
}

// wantMissingPart takes parts away.
func wantMissingPart(t *testing.T, dir string, names []string) {
	t.Helper()
	for _, i := range []int{0, 1, len(names) - 1} {
		path := filepath.Join(dir, names[i])
		must(t, os.Rename(path, path+"~gone"))
		found, _ := Find(t.Context(), []string{filepath.Join(dir, "*[!~]")})
		for _, c := range found {
			if strings.HasSuffix(c.Path, "~gone") || strings.HasSuffix(c.Path, "notes.txt") {
				continue
			}
			r, err := unlimited().read(t.Context(), c)
			must(t, err)
			wantNotWhole(t, r, names[i]+" is missing")
			isDump := strings.Contains(names[i], ".sql") && !strings.Contains(names[i], "sql-") &&
				!strings.HasSuffix(names[i], "gz.aaa")
			if isDump && i == 0 && !strings.Contains(r.Damage, "first part is missing") ||
				(isDump || names[i][0] == 'x') && i == 1 && !strings.Contains(r.Damage, "a part between") {
				t.Errorf("%s is missing: %s", names[i], r.Damage)
			}
		}
		must(t, os.Rename(path+"~gone", path))
	}
}

// TestNotSplit finds files that are named like parts, and are not.
func TestNotSplit(t *testing.T) {
	t.Parallel()
	sql := dump(t, "other")
	gz := compress(t, sql, []string{"gzip", "-c"})
	for name, files := range map[string]tree{
		"rotated":             {"m2.sql.gz.1": gz, "m2.sql.gz.2": gz, "m2.sql.gz.3": gz},
		"rotated, two digits": {"m2.sql.01": sql, "m2.sql.02": sql},
		"rotated, encrypted": {
			"m2.gpg.01": []byte("\x8c\x0d\x04\x07\x03\x02abc"), "m2.gpg.02": []byte("\x8c\x0d\x04\x07\x03\x02xyz"),
		},
		"rotated, one is empty": {"m2.sql.01": sql, "m2.sql.02": nil},
		"rotated, one is broken": {
			"m2.sql.01": sql[:200], "m2.sql.02": []byte("mysqldump: Got error: 1045\n" + strings.Repeat("x", 300)),
		},
		"rotated, one is gone": {"m2.sql.gz.1": gz, "m2.sql.gz.3": gz[:200], "m2.sql.gz.4": gz},
		"logs, one is gone":    {"cron.log.01": []byte("started\n"), "cron.log.03": []byte("started\n")},
		"words, one is gone":   {"notesaa": []byte("started\n"), "notesad": []byte("started\n")},
		"texts of other sizes": {"m2.sqlaa": sql, "m2.sqlad": []byte("started\n"), "m2.sqlae": []byte("x\n")},
		"words":                {"baa.sql": sql, "bab.sql": sql, "dumpaa": sql, "dumpab": sql},
		"logs":                 {"cron.log.01": []byte("started\n"), "cron.log.02": []byte("started\n")},
		"a part alone":         {"m2.sql.gz.part-aa": gz[:100]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, problems := Find(t.Context(), []string{files.put(t)})
			if len(found) != len(files) || len(problems) != 0 {
				t.Errorf("found %v, problems %v", found, problems)
			}
		})
	}
}

// TestSplitPartOfLines takes a part away whose lines the file restores without: that is no whole backup all the same.
func TestSplitPartOfLines(t *testing.T) {
	t.Parallel()
	m2 := string(dump(t, "--skip-extended-insert", "m2"))
	i := strings.LastIndex(m2, "INSERT INTO `cms_page`")
	j := i + strings.Index(m2[i:], "\n") + 1
	files := tree{"m2.sql.part-aa": []byte(m2[:i]), "m2.sql.part-ac": []byte(m2[j:])}
	dir := files.put(t)
	for name := range files {
		age(t, filepath.Join(dir, name), time.Hour)
	}
	if r := report(t, dir); r.State != StateDamaged || !strings.Contains(r.Damage, "a part between") {
		t.Errorf("%s: %s", r.State, r.Damage)
	}
	must(t, os.WriteFile(filepath.Join(dir, "m2.sql.part-ab"), []byte(m2[i:j]), 0o600))
	wantWhole(t, report(t, dir))
}

// TestSplitArchives finds the parts that archivers make, which only they can join.
func TestSplitArchives(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files tree
		want  string
	}{
		"7z": {
			tree{"m2.7z.001": []byte("7z\xbc\xaf\x27\x1c....."), "m2.7z.002": []byte("..........."), "m2.7z.003": []byte("..")},
			"7z archive",
		},
		"gpg": {
			tree{
				"m2.gpg.001": []byte("\x8c\x0d\x04\x07\x03\x02abc"), "m2.gpg.002": []byte("\xa4xxxxxxxx"),
				"m2.gpg.003": []byte("zzz"),
			},
			"encrypted by PGP",
		},
		"RAR": {
			tree{"m2.part1.rar": []byte("Rar!\x1a\x07\x01\x00"), "m2.part2.rar": []byte("Rar!\x1a\x07\x01\x00")}, "RAR archive",
		},
		"ZIP": {
			tree{"m2.z01": []byte("PK\x07\x08PK\x03\x04"), "m2.z02": []byte("..."), "m2.zip": []byte("...")},
			"split ZIP archive",
		},
		"zip": {tree{"m2.zip.part-aa": []byte("PK\x03\x04...."), "m2.zip.part-ab": []byte("...")}, "ZIP archive within"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := report(t, c.files.put(t))
			if r.State != StateOpaque || !strings.Contains(r.Damage, c.want) || r.Advice == "" {
				t.Errorf("%s: %s: %s", r.State, r.Damage, r.Advice)
			}
		})
	}
}

// TestSplitIsWritten reads parts of which the last is not complete, and one that changes.
func TestSplitIsWritten(t *testing.T) {
	t.Parallel()
	gz := compress(t, dump(t, "m2"), []string{"gzip", "-c"})
	dir := splitBy(t, gz, "s.sql.gz.part-", "-b", "4k")
	found, _ := Find(t.Context(), []string{dir})
	names := found[0].Parts.List()
	last := filepath.Join(dir, names[len(names)-1])
	rewrite(t, last, []byte("x"))
	r, err := unlimited().read(t.Context(), found[0])
	must(t, err)
	if r.State != StateInProgress {
		t.Errorf("changed since it was found: %s: %s", r.State, r.Damage)
	}
	must(t, os.Remove(last))
	if r := report(t, dir); !r.Truncated {
		t.Errorf("the last part is missing: %s: %s", r.State, r.Damage)
	}
}

// TestTableFolders reads folders of dumps of single tables as one candidate, whose content is known and whose moment is
// not.
func TestTableFolders(t *testing.T) {
	t.Parallel()
	plain := perTable(t)
	named := func(change func(name string) string, args ...string) tree {
		files := tree{}
		for name, content := range plain {
			files[change(name)] = compress(t, content, args)
		}
		return files
	}
	gz, first := []string{"gzip", "-c"}, slices.Min(slices.Collect(maps.Keys(plain)))
	for name, c := range map[string]struct {
		files tree
		state State
		want  string
	}{
		"plain": {plain, StateUndetermined, "made one after the other"},
		"compressed": {
			named(func(name string) string { return name + ".gz" }, gz...), StateUndetermined, "made one after the other",
		},
		"MySQL Workbench": {
			named(func(name string) string { return "m2_" + name }), StateUndetermined, "made one after the other",
		},
		"one is cut":       {plain.with("store.sql", plain["store.sql"][:400]), StateDamaged, "store.sql: "},
		"the first is cut": {plain.with(first, plain[first][:300]), StateDamaged, first + ": "},
		"one is empty": {
			plain.with("store.sql", nil).with("store.sql", []byte{}), StateDamaged, "store.sql: it is empty",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := report(t, c.files.put(t))
			if r.State != c.state || !strings.Contains(r.Damage, c.want) || r.Kind != KindTables {
				t.Errorf("%s, %s: %s", r.Kind, r.State, r.Damage)
			}
			db, ok := r.Database("m2")
			if !ok {
				t.Fatalf("databases %v", r.Databases)
			}
			if c.state == StateUndetermined {
				wantFresh(t, db.Content(""))
			}
		})
	}
}

// TestTableFoldersWithMore looks at folders in which more than dumps of tables are.
func TestTableFoldersWithMore(t *testing.T) {
	t.Parallel()
	plain, m2 := perTable(t), dump(t, "m2")
	t.Run("a whole dump of another kind of file", func(t *testing.T) {
		t.Parallel()
		root := plain.with("m2.sql.gz", compress(t, m2, []string{"gzip", "-c"})).with("sub/more.sql", m2).put(t)
		found, problems := Find(t.Context(), []string{root})
		if len(found) != 3 || len(problems) != 0 {
			t.Fatalf("found %v, problems %v", found, problems)
		}
	})
	t.Run("a whole dump that is named like them", func(t *testing.T) {
		t.Parallel()
		r := report(t, plain.with("m2.sql", m2).put(t)).Of("m2")
		wantWhole(t, r)
		wantFresh(t, r.Databases[0].Content(""))
	})
	t.Run("a table twice", func(t *testing.T) {
		t.Parallel()
		for _, again := range []string{"store_old.sql", "a_store.sql"} {
			r := report(t, plain.with(again, plain["store.sql"]).put(t)).Of("m2")
			if r.State != StateUndetermined || r.Kind != KindTables {
				t.Errorf("%s, %s: %s", r.Kind, r.State, r.Damage)
			}
			wantFresh(t, r.Databases[0].Content(""))
		}
	})
	t.Run("a pattern", func(t *testing.T) {
		t.Parallel()
		root := plain.put(t)
		found, _ := Find(t.Context(), []string{filepath.Join(root, "*.sql"), root, filepath.Join(root, "store.sql")})
		if len(found) != 1 || found[0].Path != root || !found[0].Dir {
			t.Errorf("found %v", found)
		}
	})
	t.Run("a Magento 1", func(t *testing.T) {
		t.Parallel()
		files := tree{}
		for _, table := range []string{"core_resource", "core_store", "sales_flat_order", "core_config_data", "cms_page"} {
			files[table+".sql"] = dump(t, "m1", table)
		}
		r := report(t, files.put(t))
		if r.Kind != KindTables || r.Databases[0].Content("").System != finding.Magento1 {
			t.Errorf("%s: %v", r.Kind, r.Databases)
		}
	})
	t.Run("dumps of databases", func(t *testing.T) {
		t.Parallel()
		files := tree{"store.sql": m2, "shop.sql": m2, "blog.sql": m2, "cms_page.sql": m2, "wiki_store.sql": m2}
		if found, _ := Find(t.Context(), []string{files.put(t)}); len(found) != len(files) {
			t.Errorf("found %v", found)
		}
	})
}

// tabbed has mysqldump write a file of statements and one of rows for each table.
func tabbed(t *testing.T, args ...string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tab") // the server writes into it
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	must(t, os.Chmod(dir, 0o777))
	dump(t, append([]string{"--tab=" + dir, "--ignore-table=m2.acme;log"}, append(args, "m2")...)...)
	return dir
}

func TestTab(t *testing.T) {
	t.Parallel()
	dir := tabbed(t)
	files := readTree(t, dir)
	r := report(t, dir)
	if r.Kind != KindTab || r.State != StateUndetermined || !strings.Contains(r.Damage, "--tab") {
		t.Errorf("%s, %s: %s", r.Kind, r.State, r.Damage)
	}
	db, _ := r.Database("m2")
	wantFresh(t, db.Content(""))
	want := countRows(t, "m2") - 5 // those of the table that is left out
	if db.RowCount != want {
		t.Errorf("%d rows, want %d", db.RowCount, want)
	}
	if found, problems := Find(t.Context(), []string{filepath.Join(dir, "*.sql")}); len(found) != 1 ||
		len(problems) != 0 {
		t.Errorf("by a pattern: found %v, problems %v", found, problems)
	} else if r, _ := unlimited().read(t.Context(), found[0]); r.Kind != KindTab {
		t.Errorf("by a pattern: %s", r.Kind)
	}
	for name, c := range map[string]struct {
		files tree
		want  string
	}{
		"rows are cut": {
			files.with("store.txt", files["store.txt"][:len(files["store.txt"])-3]), "store.txt: it ends within a row",
		},
		"a row is no row": {
			files.with("store.txt", append(bytes.Clone(files["store.txt"]), "nonsense\n"...)), "store.txt: a row of 1 fields",
		},
		"a definition is cut":    {files.with("store.sql", files["store.sql"][:300]), "store.sql: "},
		"a definition is broken": {files.with("store.sql", []byte("CREATE TABEL x")), "store.sql: "},
	} {
		if r := report(t, c.files.put(t)); r.State != StateDamaged || !strings.Contains(r.Damage, c.want) {
			t.Errorf("%s: %s: %s", name, r.State, r.Damage)
		}
	}
	db, _ = report(t, files.with("store.txt", nil).put(t)).Database("m2")
	if left := db.Content("").LeftOut(todayRows(t, "m2", "")); len(left) != 1 || left[0].Table != "store" {
		t.Errorf("without store.txt: left out %v", left)
	}
}

// TestTabOfAnotherForm checks that rows in a form that nothing tells are not taken for anything.
func TestTabOfAnotherForm(t *testing.T) {
	t.Parallel()
	dir := tabbed(t, "--fields-terminated-by=,", "--fields-enclosed-by=\"")
	r := report(t, dir)
	db, _ := r.Database("m2")
	if r.Kind != KindTab || r.State != StateUndetermined || db.RowsKnown {
		t.Errorf("%s, %s: %s, rows known %v", r.Kind, r.State, r.Damage, db.RowsKnown)
	}
}

// TestRepositories names repositories of backup programs, which only those read.
func TestRepositories(t *testing.T) {
	t.Parallel()
	for kind, files := range map[Kind]tree{
		KindRestic: {
			"config": []byte("x"), "data/00/a": []byte("x"), "keys/k": []byte("x"), "snapshots/s": []byte("x"),
			"index/i": []byte("x"),
		},
		KindBorg: {
			"config": []byte("[repository]"), "README": []byte("x"), "data/0/1": []byte("x"), "hints.1": []byte("x"),
			"index.1": []byte("x"),
		},
	} {
		if r := report(t, files.put(t)); r.Kind != kind || r.State != StateOpaque ||
			!strings.Contains(r.Advice, string(kind)) {
			t.Errorf("%s: %s: %s: %s", r.Kind, r.State, r.Damage, r.Advice)
		}
	}
}

// TestSplitNamesAgree checks that the order in which names come does not matter.
func TestSplitNamesAgree(t *testing.T) {
	t.Parallel()
	names := []string{
		"a.part-aa",
		"a.part-ab",
		"b.001",
		"b.002",
		"caa",
		"cab",
		"d.part10",
		"d.part2",
		"d.part1",
		"e.z01",
		"e.zip",
	}
	want := fmt.Sprint(splitGroups(names))
	slices.Reverse(names)
	if got := fmt.Sprint(splitGroups(names)); got != want || len(splitGroups(names)) != 5 {
		t.Errorf("%s, backwards %s", want, got)
	}
	for _, set := range splitGroups(names) {
		if set[0].stem == "d.part" && set[2].name != "d.part10" {
			t.Errorf("in the order %v", set)
		}
	}
}
