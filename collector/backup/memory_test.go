package backup

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// full reads everything at full size, for make soak.
var full = flag.Bool("full", false, "read dumps of hundreds of megabytes, and cut one at each byte")

// less is by how much less is read than at full size.
func less() int {
	if *full {
		return 1
	}
	return 32
}

// rows is about a megabyte of a dump's rows, in one statement.
func rows(table string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "INSERT INTO `%s` VALUES ", table)
	for i := 0; b.Len() < 1<<20; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(
			&b,
			"(%d,'sku-%d',NULL,%d.%04d,'2026-11-23 00:%02d:%02d','%s')",
			i,
			i*7919,
			i%997,
			i%9973,
			i/60%60,
			i%60,
			strings.Repeat("it\\'s text; ", i%17),
		)
	}
	b.WriteString(";\n")
	return b.Bytes()
}

// bigDump is a dump of at least this many bytes, as pieces to be read one after another, most of them the same. Each
// piece is compressed by itself, and a file of several compressed streams is read as one.
func bigDump(tb testing.TB, size int, args []string) io.Reader {
	tb.Helper()
	const columns = "`id` int, `sku` text, `n` text, `price` decimal(12,4), `created_at` timestamp, `body` text"
	head := "-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB\n-- Host: localhost    Database: big\n" +
		"CREATE TABLE `catalog_product_entity` (" + columns + ");\nCREATE TABLE `quote` (" + columns + ");\n"
	pair := append(rows("quote"), rows("catalog_product_entity")...)
	middle := bytes.Repeat(pair, min(8, max(1, size/len(pair))))
	pieces := []io.Reader{bytes.NewReader(compress(tb, []byte(head), args))}
	body := compress(tb, middle, args)
	for n := 0; n < size; n += len(middle) {
		pieces = append(pieces, bytes.NewReader(body))
	}
	pieces = append(pieces, bytes.NewReader(compress(tb, []byte("-- Dump completed on 2026-11-23  0:19:11\n"), args)))
	return io.MultiReader(pieces...)
}

// TestMemory reads dumps of hundreds of megabytes, and less of the slow compressions, and counts what is allocated in
// all: what is not allocated is not in use. It runs alone.
func TestMemory(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
		args []string
	}{
		{"plain", 256 << 20, nil},
		{"gzip", 128 << 20, []string{"gzip", "-c"}},
		{"zstd", 128 << 20, []string{"zstd", "-c"}},
		{"zstd-19", 128 << 20, []string{"zstd", "-19", "-c"}},
		{"xz", 64 << 20, []string{"xz", "-c", "-T2"}},
		{"bzip2", 32 << 20, []string{"bzip2", "-c"}},
		{"lz4", 128 << 20, []string{"lz4", "-c"}},
	} {
		c.size /= less()
		t.Run(c.name, func(t *testing.T) {
			in := bigDump(t, c.size, c.args)
			allocated := allocatedBy(func() {
				r := readAs(t, in)
				if r.State != StateWhole || r.Bytes < int64(c.size) {
					t.Errorf("%s after %d bytes: %s", r.State, r.Bytes, r.Damage)
				}
				if n := r.Databases[0].Content("").Entities["product"].Rows; n == 0 {
					t.Error("no products are counted")
				}
			})
			t.Logf("%d KiB", allocated>>10)
			const limit = 16 << 20
			if allocated > limit {
				t.Errorf("%d bytes were allocated, more than %d", allocated, limit)
			}
		})
	}
}

// TestArchiveMemory counts what is allocated while archives of a large dump are read.
func TestArchiveMemory(t *testing.T) {
	size := (128 << 20) / less()
	content, err := io.ReadAll(bigDump(t, size, nil))
	must(t, err)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "m2.sql"), content, 0o600))
	tool(t, "tar", "-C", dir, "-cf", filepath.Join(dir, "a.tar"), "m2.sql")
	tool(t, "zip", "-q1j", filepath.Join(dir, "a.zip"), filepath.Join(dir, "m2.sql"))
	for _, name := range []string{"a.tar", "a.zip"} {
		allocated := allocatedBy(func() { wantWhole(t, report(t, filepath.Join(dir, name))) })
		t.Logf("%s: %d KiB", name, allocated>>10)
		if limit := uint64(8 << 20); allocated > limit {
			t.Errorf("%s: %d bytes were allocated, more than %d", name, allocated, limit)
		}
	}
}

// readAs reads a stream as if it were a file.
func readAs(tb testing.TB, in io.Reader) Report {
	tb.Helper()
	counted := &counter{r: in}
	j := unlimited()
	s, err := unpack(counted, func() int64 { return counted.n }, j.limits)
	must(tb, err)
	var r Report
	r.judge(j.readStream(tb.Context(), &r, s))
	r.Bytes = s.count
	must(tb, s.in.Close())
	return r
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// allocatedBy returns how many bytes are allocated while work is done, those included that are free again by then.
func allocatedBy(work func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	work()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func BenchmarkDump(b *testing.B) {
	content, err := io.ReadAll(bigDump(b, 64<<20, nil))
	must(b, err)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		if r := readAs(b, bytes.NewReader(content)); r.State != StateWhole {
			b.Fatal(r.Damage)
		}
	}
}
