package backup

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
)

// tree is a directory's files by name.
type tree map[string][]byte

func readTree(tb testing.TB, root string) tree {
	tb.Helper()
	files := tree{}
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(root, path)
		files[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return files
}

// put writes the files into a new directory.
func (t tree) put(tb testing.TB) string {
	tb.Helper()
	root := tb.TempDir()
	for name, content := range t {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			tb.Fatal(err)
		}
		rewrite(tb, path, content)
	}
	return root
}

// with returns a copy in which one file has other content; nil removes it.
func (t tree) with(name string, content []byte) tree {
	c := maps.Clone(t)
	c[name] = content
	if content == nil {
		delete(c, name)
	}
	return c
}

func mydumperArgs(dir string, more ...string) []string {
	return append(
		[]string{"-u", "root", "-h", "127.0.0.1", "-P", strconv.Itoa(server.Port()), "-o", dir, "-G"},
		more...)
}

func TestMydumper(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"usual":       {"-B", "m2"},
		"gzip":        {"-B", "m2", "-c"},
		"empty files": {"-B", "m2", "-e"},
		"chunks":      {"-B", "m2", "-r", "5"},
		"columns":     {"-B", "m2", "--complete-insert"},
		"all":         {"--regex", "^(m2|other)\\.", "-R", "-E"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "dump")
			tool(t, "mydumper", mydumperArgs(dir, args...)...)
			r := report(t, dir)
			wantWhole(t, r)
			if r.Kind != KindMydumper || r.Began.Time.IsZero() || r.Finished.Time.Before(r.Began.Time) {
				t.Errorf("%s, %v to %v", r.Kind, r.Began, r.Finished)
			}
			db, ok := r.Database("m2")
			if !ok {
				t.Fatalf("databases %+v", r.Databases)
			}
			wantFresh(t, db.Content(""))
			if want := countRows(t, "m2"); db.RowCount != want {
				t.Errorf("%d rows, want %d", db.RowCount, want)
			}
			wantDamagedParts(t, readTree(t, dir), name == "gzip", name == "empty files")
		})
	}
}

// wantDamagedParts takes files away, cuts and changes them.
func wantDamagedParts(t *testing.T, files tree, checksums, empties bool) {
	t.Helper()
	names := slices.Sorted(maps.Keys(files))
	for i := range 10 {
		name := names[len(names)*i/10]
		content := files[name]
		if len(content) == 0 || strings.HasSuffix(name, "schema-post.sql") {
			continue
		}
		for _, cut := range []int{0, len(content) / 2, len(content) - 3} {
			if cut == 0 && empties {
				continue // an empty file is what a table without rows has there
			}
			if cut > 0 && content[cut-1] == '\n' {
				cut++ // between two statements nothing shows a cut
			}
			wantNotWhole(t, report(t, files.with(name, content[:cut]).put(t)),
				fmt.Sprintf("%s cut at byte %d of %d", name, cut, len(content)))
		}
		if checksums && name != "metadata" {
			changed := bytes.Clone(content)
			changed[len(changed)*2/3] ^= 0x41
			wantNotWhole(t, report(t, files.with(name, changed).put(t)), name+" changed")
		}
	}
	wantNotWhole(t, report(t, files.with("metadata", nil).with("metadata.partial", files["metadata"]).put(t)),
		"metadata.partial")
	started, _, _ := strings.Cut(string(files["metadata"]), "Finished")
	wantNotWhole(t, report(t, files.with("metadata", []byte(started)).put(t)), "metadata without its end")
	for _, name := range names {
		if strings.HasPrefix(name, "m2.patch_list-schema.sql") {
			wantNotWhole(t, report(t, files.with(name, nil).put(t)), name+" missing")
		}
	}
}

// TestMydumperRows checks the metadata of mydumper 0.14 and later, which counts rows. The one that Debian ships does
// not write it, so it is put together here.
func TestMydumperRows(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "dump")
	tool(t, "mydumper", mydumperArgs(dir, "-B", "m2")...)
	files := readTree(t, dir)
	metadata := func(stores int, end string) []byte {
		return fmt.Appendf(nil, "# Started dump at: 2026-11-23 10:00:00\n[config]\nquote-character = BACKTICK\n\n"+
			"[`m2`.`store`]\nreal_table_name=store\nrows = %d\n\n[`m2`.`mydumper_1`]\nreal_table_name=acme;log\nrows = 5\n"+
			"%s", stores, end)
	}
	const finished = "# Finished dump at: 2026-11-23 10:00:05\n"
	wantWhole(t, report(t, files.with("metadata", metadata(2, finished)).put(t)))
	far := files.with("metadata", metadata(2, finished)).put(t)
	for name := range files { // written two hours west of what the clock on the wall said
		modified := time.Date(2026, 11, 23, 12, 0, 6, 0, time.UTC)
		must(t, os.Chtimes(filepath.Join(far, name), modified, modified))
	}
	began := Moment{Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Source: SourceMetadata}
	if r := report(t, far); r.Began != began {
		t.Errorf("began %v, want %v", r.Began, began)
	}
	wantNotWhole(t, report(t, files.with("metadata", metadata(3, finished)).put(t)), "a row is missing")
	wantNotWhole(t, report(t, files.with("metadata", metadata(2, "")).put(t)), "no end")
	wantNotWhole(t, report(t, files.with("metadata", metadata(2, finished)).with("m2.store.sql", nil).put(t)),
		"a table's rows are missing")
	wantNotWhole(t, report(t, files.with("metadata", []byte("[`m2`.`store`]\nrows = x\n"+finished)).put(t)),
		"rows that are no number")
}

// shellDump is a directory as util.dumpSchemas(["m2"]) of MySQL Shell 8.0.36 writes it; MySQL Shell itself is in no
// Debian package.
func shellDump(tb testing.TB) tree {
	tb.Helper()
	files := tree{
		"@.json": []byte(
			`{"dumper":"mysqlsh Ver 8.0.36 for Linux","version":"2.0.1","origin":"dumpSchemas",
			"schemas":["m2"],"basenames":{"m2":"m2"},
			"defaultCharacterSet":"utf8mb4","tzUtc":true,"bytesPerChunk":64000000,
			"serverVersion":"8.0.36","begin":"2020-11-23 10:00:00"}`,
		),
		"@.sql":      []byte("-- MySQLShell dump 2.0.1  Distrib Ver 8.0.36\n"),
		"@.post.sql": []byte("-- MySQLShell dump 2.0.1  Distrib Ver 8.0.36\n"),
		"m2.sql":     []byte("-- MySQLShell dump\nCREATE DATABASE /*!32312 IF NOT EXISTS*/ `m2`;\n"),
	}
	type table struct {
		columns string
		ddl     string
		rows    string
	}
	tables := map[string]table{
		"patch_list": {`"patch_id","patch_name"`, "`patch_id` int NOT NULL, `patch_name` varchar(1024) NOT NULL",
			"1\tMagento\\\\Store\\\\Setup\n2\ta\\tb\\\nc\n"},
		"store": {
			`"store_id","code"`,
			"`store_id` smallint NOT NULL, `code` varchar(32)",
			"0\tadmin\n1\t\\N\n",
		},
		"sales_order":   {`"entity_id"`, "`entity_id` int NOT NULL", ""},
		"eav_attribute": {`"attribute_id"`, "`attribute_id` int NOT NULL", "1\n"},
		"catalog_category_entity": {
			`"entity_id","created_at"`,
			"`entity_id` int NOT NULL, `created_at` timestamp",
			"1\t2026-11-23 00:04:26\n3\t2026-11-24 00:00:00\n",
		},
	}
	names, bases := []string{}, map[string]string{"v": "m2@v"}
	sizes := map[string]int{}
	for name, spec := range tables {
		base := "m2@" + name
		names, bases[name] = append(names, name), base
		files[base+".json"] = fmt.Appendf(
			nil,
			`{"options":{"schema":"m2","table":%q,"columns":[%s],"fieldsTerminatedBy":"\t","fieldsEnclosedBy":"",
			"fieldsEscapedBy":"\\","linesTerminatedBy":"\n"},"triggers":[],"includesData":true,
			"includesDdl":true,"extension":"tsv.zst","compression":"zstd"}`,
			name,
			spec.columns,
		)
		files[base+".sql"] = fmt.Appendf(
			nil,
			"-- MySQLShell dump\n/*!50503 SET character_set_client = utf8mb4 */;\n"+
				"CREATE TABLE IF NOT EXISTS `%s` (%s) ENGINE=InnoDB;\n",
			name,
			spec.ddl,
		)
		files[base+"@@0.tsv.zst"] = pipe(tb, []byte(spec.rows), "zstd", "-c")
		files[base+"@@0.tsv.zst.idx"] = make([]byte, 8)
		sizes[base+"@@0.tsv.zst"] = len(spec.rows)
	}
	files["m2@v.sql"] = []byte("-- MySQLShell dump\n/*!50001 CREATE VIEW `v` AS SELECT 1 */;\n")
	slices.Sort(names)
	files["m2.json"] = marshal(
		tb,
		map[string]any{
			"schema":      "m2",
			"includesDdl": true,
			"tables":      names,
			"views":       []string{"v"},
			"basenames":   bases,
		},
	)
	files["@.done.json"] = marshal(tb,
		map[string]any{"end": "2020-11-23 10:00:05", "dataBytes": 1, "chunkFileBytes": sizes})
	files["m2@store.triggers.sql"] = []byte(
		"DELIMITER ;;\nCREATE TRIGGER t AFTER INSERT ON `store` FOR EACH ROW BEGIN SET @a = 1; END ;;\nDELIMITER ;\n")
	files["m2@store.json"] = bytes.Replace(
		files["m2@store.json"],
		[]byte(`"triggers":[]`),
		[]byte(`"triggers":["t"]`),
		1,
	)
	return files
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func TestMySQLShell(t *testing.T) {
	t.Parallel()
	files := shellDump(t)
	r := report(t, files.put(t))
	wantWhole(t, r)
	db, _ := r.Database("m2")
	c := db.Content("")
	if r.Kind != KindMySQLShell || r.ServerVersion != "8.0.36" || r.Began.Time.Hour() != 10 {
		t.Errorf("%s of %s began %v", r.Kind, r.ServerVersion, r.Began)
	}
	if c.System != finding.Magento2 || !slices.Equal(c.Patches, []string{`Magento\Store\Setup`, "a\tb\nc"}) ||
		!has(c.Views, "v") ||
		c.Triggers != 1 {
		t.Errorf("%+v", c)
	}
	if c.RootCreated != "2026-11-23 00:04:26" || !c.TimesUTC || c.Entities["category"].New != 1 {
		t.Errorf("root %q, UTC %v, %+v", c.RootCreated, c.TimesUTC, c.Entities)
	}
	for name, content := range files {
		if name == "@.sql" || name == "@.post.sql" || name == "m2.sql" || strings.HasSuffix(name, ".idx") {
			continue // not needed to tell
		}
		wantNotWhole(t, report(t, files.with(name, nil).put(t)), name+" missing")
		for _, cut := range []int{0, 1, len(content) / 2, len(content) - 2} {
			wantNotWhole(t, report(t, files.with(name, content[:cut]).put(t)),
				fmt.Sprintf("%s cut at %d of %d", name, cut, len(content)))
		}
	}
	wantNotWhole(t, report(t, files.with("m2@store@1.tsv.zst.dumping", []byte("x")).put(t)),
		"a file that is being written")
	outside := bytes.ReplaceAll(files["@.json"], []byte(`{"m2":"m2"}`), []byte(`{"m2":"../m2"}`))
	wantNotWhole(t, report(t, files.with("@.json", outside).put(t)), "a name that leads out")
}

// copied is the server that more than one test makes backups of, started when the first does. None changes it.
var copied struct {
	sync.Mutex
	*mysqltest.Server
}

// physicalServer is a server for backups of files. Without options of its own it is shared, and ends with the tests.
func physicalServer(tb testing.TB, args ...string) *mysqltest.Server {
	tb.Helper()
	if len(args) > 0 {
		s := mysqltest.New(tb, mysqltest.Options{Args: args})
		must(tb, loadPhysical(s))
		return s
	}
	copied.Lock()
	defer copied.Unlock()
	if copied.Server == nil {
		s, err := mysqltest.Start(context.Background(), mysqltest.Options{})
		must(tb, err)
		copied.Server = s
		must(tb, loadPhysical(s))
	}
	return copied.Server
}

// loadPhysical makes a Magento 2, with tables whose pages are of the older formats too.
func loadPhysical(s *mysqltest.Server) error {
	return s.Load(context.Background(), "m2", mysqltest.Magento2("")+awkward+oddPages)
}

// oddPages are tables whose pages have no checksum where others have it.
const oddPages = `
CREATE TABLE page_compressed (id int PRIMARY KEY, body text) PAGE_COMPRESSED=1;
CREATE TABLE row_compressed (id int PRIMARY KEY, body text) ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8;
INSERT INTO page_compressed SELECT seq, REPEAT('x', 1000) FROM seq_1_to_500;
INSERT INTO row_compressed SELECT seq, REPEAT('x', 1000) FROM seq_1_to_500;
`

func mariabackup(tb testing.TB, s *mysqltest.Server, args ...string) []byte {
	tb.Helper()
	root, err := s.Root(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	var data string
	if err := root.QueryRowContext(tb.Context(), "SELECT @@datadir").Scan(&data); err != nil {
		tb.Fatal(err)
	}
	return tool(tb, "mariabackup", append([]string{"--no-defaults", "--backup", "--user=root", "--host=127.0.0.1",
		"--port=" + strconv.Itoa(s.Port()), "--datadir=" + data}, args...)...)
}

func wantPhysical(t *testing.T, r Report, kind Kind) {
	t.Helper()
	wantWhole(t, r)
	db, ok := r.Database("m2")
	if !ok {
		t.Fatalf("databases %+v", r.Databases)
	}
	c := db.Content("")
	if r.Kind != kind || c.System != finding.Magento2 || c.RowsKnown || c.Installed() {
		t.Errorf("%s, %q, rows known %v", r.Kind, c.System, c.RowsKnown)
	}
	if !has(c.Tables, "store") || !has(c.Tables, "acme;log") || !has(c.Views, "inventory_stock_1") || c.Triggers < 3 {
		t.Errorf("tables %q, views %q, %d triggers", c.Tables, c.Views, c.Triggers)
	}
	if gaps := c.TriggerGaps(todayTriggers(t, "m2", "")); !c.TriggersKnown || len(gaps) != 0 {
		t.Errorf("triggers known: %v, too few: %v", c.TriggersKnown, gaps)
	}
	if r.Began.Time.IsZero() || !strings.Contains(r.ServerVersion, "MariaDB") {
		t.Errorf("began %v, server %q", r.Began, r.ServerVersion)
	}
}

func TestMariabackupDirectory(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"full_crc32": nil,
		"crc32":      {"--innodb-checksum-algorithm=crc32"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := physicalServer(t, args...)
			dir := filepath.Join(t.TempDir(), "full")
			mariabackup(t, s, "--target-dir="+dir)
			wantPhysical(t, report(t, dir), KindMariabackup)
			wantDamagedPages(t, dir)
			prepared := filepath.Join(t.TempDir(), "prepared")
			if err := os.CopyFS(prepared, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			tool(t, "mariabackup", "--no-defaults", "--prepare", "--target-dir="+prepared)
			wantPhysical(t, report(t, prepared), KindMariabackup)
		})
	}
}

// wantDamagedPages takes files away, cuts them, and changes bytes in pages.
func wantDamagedPages(t *testing.T, dir string) {
	t.Helper()
	change := func(name, what string, to func([]byte) []byte) {
		t.Helper()
		path := filepath.Join(dir, name)
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if now := to(was); now == nil {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else {
			rewrite(t, path, now)
		}
		wantNotWhole(t, report(t, dir), name+" "+what)
		rewrite(t, path, was)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "m2", "store*.[in][be][dw]"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tablespaces: %v", err)
	}
	table := filepath.Join("m2", filepath.Base(tables[0]))
	for i := range 10 {
		at := func(b []byte) int { return len(b) * i / 10 }
		change(table, fmt.Sprintf("cut at %d/10", i), func(b []byte) []byte { return b[:at(b)] })
		change("ib_logfile0", fmt.Sprintf("cut at %d/10", i), func(b []byte) []byte { return b[:at(b)] })
		change(table, fmt.Sprintf("changed at %d/10", i), func(b []byte) []byte {
			c := bytes.Clone(b)
			page := at(b) &^ 0xfff // within a page that is in use
			for page > 0 && zero(b[page:page+64]) {
				page -= 0x1000
			}
			c[page+60] ^= 0x41
			return c
		})
	}
	for _, name := range []string{"xtrabackup_checkpoints", "xtrabackup_info", "ib_logfile0"} {
		change(name, "missing", func([]byte) []byte { return nil })
		change(name, "cut", func(b []byte) []byte { return b[:len(b)/3] })
	}
	change("xtrabackup_checkpoints", "incremental", func(b []byte) []byte {
		return bytes.Replace(b, []byte("full-backuped"), []byte("incremental"), 1)
	})
	wantPhysical(t, report(t, dir), KindMariabackup)
}

// TestPhysicalTriggers looks for triggers in the files of MariaDB, of which one is missing, and in those of MySQL 8.
func TestPhysicalTriggers(t *testing.T) {
	t.Parallel()
	name := []byte("TYPE=TRIGGERNAME\ntrigger_table=store\n")
	today := map[string]int{"store": 2}
	for system, c := range map[string]struct {
		files tree
		known bool
		gaps  []TriggerGap
	}{
		"MariaDB":     {tree{"m2/store.frm": nil, "m2/a.TRN": name, "m2/b.TRN": name, "sys/c.TRN": name}, true, nil},
		"one missing": {tree{"m2/store.frm": nil, "m2/a.TRN": name}, true, []TriggerGap{{"store", 1, 2}}},
		"MySQL 8":     {tree{"m2/store.ibd": nil}, false, nil},
	} {
		p, found := newPhysical(), newContents()
		for name, content := range c.files {
			p.files[name] = true
			if strings.HasSuffix(name, ".TRN") {
				must(t, p.file(name, bytes.NewReader(content)))
			}
		}
		p.list(found)
		db, _ := Report{Databases: found.list()}.Database("m2")
		if got := db.Content(""); got.TriggersKnown != c.known || !slices.Equal(got.TriggerGaps(today), c.gaps) {
			t.Errorf("%s: known %v, too few %v", system, got.TriggersKnown, got.TriggerGaps(today))
		}
	}
}

func TestXbstream(t *testing.T) {
	t.Parallel()
	s := physicalServer(t)
	plain := mariabackup(t, s, "--stream=xbstream")
	for _, c := range []struct {
		name string
		args []string
	}{{"plain", nil}, {"gzip", []string{"gzip", "-1", "-c"}}, {"zstd", []string{"zstd", "-1", "-c"}}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			content := compress(t, plain, c.args)
			wantPhysical(t, report(t, write(t, "backup.xb", content)), KindXbstream)
			wantAllDamaged(t, content, true)
		})
	}
	t.Run("files missing", func(t *testing.T) {
		t.Parallel()
		for _, name := range []string{"xtrabackup_info", "xtrabackup_checkpoints"} {
			r := report(t, write(t, "backup.xb", withoutFile(plain, name)))
			wantNotWhole(t, r, name+" is missing")
			if !strings.Contains(r.Damage, name) {
				t.Errorf("%s is not named: %s", name, r.Damage)
			}
		}
	})
	t.Run("headers", func(t *testing.T) {
		t.Parallel()
		for _, at := range []int{0, 7, 8, 9, 10, 13, 14, 20} {
			changed := bytes.Clone(plain)
			changed[at] ^= 0x41
			wantNotWhole(t, report(t, write(t, "backup.xb", changed)), fmt.Sprint("byte changed: ", at))
		}
	})
}

// withoutFile drops the chunks of a file from an archive.
func withoutFile(archive []byte, name string) []byte {
	var out []byte
	for at := 0; at < len(archive); {
		length := int(binary.LittleEndian.Uint32(archive[at+10:]))
		end := at + 14 + length
		if archive[at+9] == xbPayload {
			end += 20 + int(binary.LittleEndian.Uint64(archive[end:]))
		}
		if string(archive[at+14:at+14+length]) != name {
			out = append(out, archive[at:end]...)
		}
		at = end
	}
	return out
}

// xbChunk writes a chunk as Percona XtraBackup does, sparse where it has holes.
func xbChunk(kind byte, name string, offset uint64, holes []uint32, data []byte) []byte {
	b := append([]byte(xbMagic), 0, kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(name)))
	b = append(b, name...)
	if kind == xbEndOfFile {
		return b
	}
	var sparse []byte
	if kind == xbSparse {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(holes)))
		for _, h := range holes {
			sparse = binary.LittleEndian.AppendUint32(sparse, h)
			sparse = binary.LittleEndian.AppendUint32(sparse, uint32(len(data)/len(holes)))
		}
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(len(data)))
	b = binary.LittleEndian.AppendUint64(b, offset)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(slices.Concat(sparse, data)))
	return slices.Concat(b, sparse, data)
}

func TestSparseXbstream(t *testing.T) {
	t.Parallel()
	archive := slices.Concat(
		xbChunk(xbSparse, "m2/store.ibd", 0, []uint32{4096, 8192}, []byte("abcdefgh")),
		xbChunk(xbPayload, "m2/store.ibd", 4096+8192+8, nil, []byte("ij")),
		xbChunk(xbEndOfFile, "m2/store.ibd", 0, nil, nil),
		xbChunk(xbPayload, "xtrabackup_logfile", 0, nil, make([]byte, 200)),
		xbChunk(xbEndOfFile, "xtrabackup_logfile", 0, nil, nil),
		xbChunk(xbPayload, "xtrabackup_checkpoints", 0, nil,
			[]byte("backup_type = full-backuped\nfrom_lsn = 0\nto_lsn = 100\nlast_lsn = 200\n")),
		xbChunk(xbEndOfFile, "xtrabackup_checkpoints", 0, nil, nil),
		xbChunk(xbPayload, "xtrabackup_info", 0, nil,
			[]byte("tool_name = xtrabackup\nstart_time = 2020-11-23 10:00:00\nend_time = 2020-11-23 10:00:05\n")),
		xbChunk(xbEndOfFile, "xtrabackup_info", 0, nil, nil),
	)
	r := report(t, write(t, "backup.xbstream", archive))
	wantWhole(t, r)
	if _, ok := r.Database("m2"); !ok || r.When().Time != time.Date(2020, 11, 23, 10, 0, 0, 0, time.UTC) {
		t.Errorf("%v, %+v", r.When(), r.Databases)
	}
	for cut := range archive {
		wantNotWhole(t, report(t, write(t, "cut.xbstream", archive[:cut])), fmt.Sprint("cut at ", cut))
	}
}

// TestDataDirectory checks that a copy of a server's files is no backup.
func TestDataDirectory(t *testing.T) {
	t.Parallel()
	r := report(t, tree{"ibdata1": make([]byte, 16384), "m2/store.ibd": make([]byte, 16384)}.put(t))
	if r.State != StateDamaged {
		t.Errorf("%s: %s", r.State, r.Damage)
	}
}

// TestOldPageChecksum checks the checksum of MySQL 5.6's pages against one that its own innochecksum would accept.
func TestOldPageChecksum(t *testing.T) {
	t.Parallel()
	page := make([]byte, 16384)
	page[38] = 1
	sum := oldChecksum(page)
	binary.BigEndian.PutUint32(page, sum)
	f := pageFormat{size: len(page), plain: true}
	if !f.intact(page, 0) {
		t.Error("a page with the old checksum is not accepted")
	}
	page[5000] ^= 1
	if f.intact(page, 0) {
		t.Error("a changed page is accepted")
	}
}
