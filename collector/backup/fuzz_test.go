package backup

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fuzzStream reads bytes as the content of a file.
func fuzzStream(t *testing.T, in io.Reader) Report {
	var r Report
	j := unlimited()
	j.output, j.window = 16<<20, 8<<20
	s, err := unpack(in, func() int64 { return 1 << 20 }, j.limits)
	if err == nil {
		err = j.readStream(context.Background(), &r, s)
	}
	r.judge(err)
	wantSane(t, r)
	return r
}

// wantSane checks what holds of every report.
func wantSane(t *testing.T, r Report) {
	t.Helper()
	if (r.State == StateWhole) != (r.Damage == "") {
		t.Errorf("%s, damage %q", r.State, r.Damage)
	}
	if strings.ContainsFunc(r.Damage, func(c rune) bool { return c < ' ' }) {
		t.Errorf("a control character in %q", r.Damage)
	}
	for _, d := range r.Databases {
		for _, p := range append(d.Prefixes(), "") {
			c := d.Content(p)
			c.LeftOut(map[string]int64{"store": 2})
			c.LeftOutOfCode(map[string]int64{"eav_entity_type": 8}, []string{"patch"}, nil)
			c.FilledKeys()
			c.TriggerGaps(map[string]int{"store": 2})
		}
	}
	for _, m := range r.Members {
		wantSane(t, m)
	}
	r.Of("m2")
}

// seeds are the dumps that fuzzing begins with, by the arguments of mariadb-dump that made them. They are files, since
// each worker of the fuzzer would start a server of its own to make them.
func seeds() map[string][]string {
	return map[string][]string{
		"usual.sql":     {"other"},
		"compact.sql":   {"--compact", "other"},
		"databases.sql": {"--databases", "other"},
		"unquoted.sql":  {"--skip-quote-names", "other"},
	}
}

func seed(tb testing.TB, name string) []byte {
	tb.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "seeds", name))
	must(tb, err)
	return content
}

// TestSeeds compares what the seeds are read as with what mariadb-dump writes today is.
func TestSeeds(t *testing.T) {
	t.Parallel()
	for name, args := range seeds() {
		seeded, today := report(t, write(t, name, seed(t, name))), report(t, write(t, name, dump(t, args...)))
		says := func(r Report) string {
			text := fmt.Sprintf("%s %s %q", r.Kind, r.State, r.Damage)
			for _, d := range r.Databases {
				text += fmt.Sprintf(", %q: %q, %d rows", d.Name, d.Content("").Tables, d.RowCount)
			}
			return text
		}
		if got, want := says(seeded), says(today); got != want {
			t.Errorf("%s is read as %s; what mariadb-dump %q writes is %s", name, got, args, want)
		}
	}
}

func FuzzDump(f *testing.F) {
	for _, name := range slices.Sorted(maps.Keys(seeds())) {
		f.Add(seed(f, name))
	}
	f.Add([]byte(awkward))
	f.Add(
		[]byte(
			"-- Magento DB backup\nINSERT INTO `store` VALUES ('0',_binary 'a\\'',0x00,x'00',-1.5e3,f(1,(2)));\n" +
				"-- Dump completed on 2026-11-23 10:11:12 GMT",
		),
	)
	f.Add(
		[]byte("/*M!999999\\- enable the sandbox mode */\nDELIMITER ;;\nCREATE TRIGGER t BEGIN; END ;;\nDELIMITER ;\n"),
	)
	f.Add(
		[]byte(
			"CREATE TABLE `sales_order` (`entity_id` int GENERATED ALWAYS AS (1), KEY (a));/*!40101 SET TIME_ZONE='+00:00' */;",
		),
	)
	for _, e := range exports {
		f.Add([]byte(e.head + "CREATE TABLE `store` (`a` int); INSERT INTO store VALUES (_binary 0x00);" + e.end))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		whole := fuzzStream(t, bytes.NewReader(content))
		// How the bytes come must not matter.
		pieces := fuzzStream(t,
			io.MultiReader(bytes.NewReader(content[:len(content)/3]), bytes.NewReader(content[len(content)/3:])))
		if whole.State != pieces.State || whole.Damage != pieces.Damage {
			t.Errorf("at once: %s %q, in pieces: %s %q", whole.State, whole.Damage, pieces.State, pieces.Damage)
		}
	})
}

func FuzzCompressed(f *testing.F) {
	plain := seed(f, "usual.sql")
	for _, c := range compressors[1:] {
		f.Add(compress(f, plain, c.args))
	}
	f.Fuzz(func(t *testing.T, content []byte) { fuzzStream(t, bytes.NewReader(content)) })
}

// FuzzArchive reads bytes as an archive: a ZIP archive by its directory, others from front to back.
func FuzzArchive(f *testing.F) {
	sql := []byte("-- MySQL dump 10.13\nCREATE TABLE `store` (`a` int);\n-- Dump completed on 2026-11-23 10:11:12\n")
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, name := range []string{"m2.sql", "db/" + strings.Repeat("x", 90), "metadata"} {
			must(f, w.WriteHeader(&tar.Header{Name: name, Size: int64(len(sql)), Format: format}))
			_, err := w.Write(sql)
			must(f, err)
		}
		must(f, w.Close())
		f.Add(b.Bytes())
	}
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range []string{"m2.sql", "a/b.txt", "m2.sql.gpg"} {
			w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
			must(f, err)
			_, err = w.Write(sql)
			must(f, err)
		}
		must(f, z.Close())
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if !isZip(content) {
			fuzzStream(t, bytes.NewReader(content))
			return
		}
		j := unlimited()
		j.output, j.window = 16<<20, 8<<20
		var r Report
		r.judge(j.readZip(context.Background(), &r, bytes.NewReader(content), int64(len(content))))
		wantSane(t, r)
	})
}

// FuzzNames takes the lines of a text for the names of files in a directory.
func FuzzNames(f *testing.F) {
	f.Add("a.part-aa\na.part-ab\nb.001\nb.002\ncaa\ncab\nd.z01\nd.zip\ne.part1.rar\ne.part2.rar")
	f.Add("store.sql\neav_attribute.sql\nsales_order.sql\ncms_page.sql\nstore.txt\nm2_store.sql.gz")
	f.Fuzz(func(t *testing.T, text string) {
		names := strings.Split(text, "\n")
		slices.Sort(names)
		names = slices.Compact(names)
		for _, set := range splitGroups(names) {
			for _, s := range set {
				if !slices.Contains(names, s.name) || len(set) < 2 {
					t.Errorf("%q makes %v", names, set)
				}
			}
			missingPart(set)
		}
		for _, name := range tableFiles(names) {
			if !slices.Contains(names, name) {
				t.Errorf("%q makes %q", names, name)
			}
		}
		directoryKind(firstNames(names))
	})
}

func FuzzXbstream(f *testing.F) {
	f.Add(xbChunk(xbPayload, "xtrabackup_info", 0, nil, []byte("end_time = 2026-11-23 10:00:00\n")))
	f.Add(xbChunk(xbSparse, "m2/a.ibd", 0, []uint32{1}, []byte("x")))
	f.Add(
		append(
			xbChunk(xbPayload, "ib_logfile0", 0, nil, []byte("Phys0000000000001")),
			xbChunk(xbEndOfFile, "ib_logfile0", 0, nil, nil)...),
	)
	f.Fuzz(func(t *testing.T, content []byte) {
		fuzzStream(t, io.MultiReader(strings.NewReader(xbMagic), bytes.NewReader(content)))
	})
}

func FuzzMydumperMetadata(f *testing.F) {
	f.Add([]byte("Started dump at: 2026-11-23 04:53:19\nFinished dump at: 2026-11-23 04:53:20\n"))
	f.Add(
		[]byte(
			"# Started dump at: 2026-11-23 04:53:19\n[`a`.`b`]\nreal_table_name=c\nrows = 5\n" +
				"# Finished dump at: 2026-11-23 04:53:20\n",
		),
	)
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseMydumper(bytes.NewReader(text))
		for key, n := range m.rows {
			if n < 0 || key == "" {
				t.Errorf("%q has %d rows, %v", key, n, err)
			}
		}
	})
}

func FuzzMySQLShellMetadata(f *testing.F) {
	for _, name := range []string{"@.json", "@.done.json", "m2.json", "m2@store.json"} {
		f.Add(shellDump(f)[name], []byte("0\tadmin\\N\t\n"))
	}
	f.Fuzz(func(_ *testing.T, text, rows []byte) {
		for _, into := range []any{&shellBegin{}, &shellDone{}, &shellSchema{}} {
			var r Report
			r.judge(parseObject(text, into))
		}
		var meta shellTable
		var r Report
		if r.judge(parseObject(text, &meta)); r.State == StateWhole {
			r.judge(readTSV(bytes.NewReader(rows), &table{name: "store"}, meta, true))
		}
	})
}

func FuzzPhysicalMetadata(f *testing.F) {
	f.Add([]byte("backup_type = full-backuped\nto_lsn = 1\nlast_lsn = 2\n"), []byte("end_time = 2026-11-23 10:00:00\n"),
		[]byte("Phys00000000000000"))
	f.Fuzz(func(_ *testing.T, checkpoints, info, redo []byte) {
		p := newPhysical()
		for name, text := range map[string][]byte{
			"xtrabackup_checkpoints": checkpoints, "xtrabackup_info": info, "ib_logfile0": redo, "m2/a@0024b.ibd": redo,
			"m2/v.frm": redo,
		} {
			if err := p.file(name, bytes.NewReader(text)); err != nil {
				return
			}
		}
		var r Report
		r.judge(p.judge(&r, newContents()))
	})
}

func FuzzPages(f *testing.F) {
	page := make([]byte, 16384)
	f.Add(page)
	page[fspFlags+3] = 0x15
	f.Add(page)
	f.Fuzz(func(_ *testing.T, content []byte) {
		var r Report
		r.judge(checkPages(bytes.NewReader(content)))
	})
}
