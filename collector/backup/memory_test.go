package backup

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"
)

// rows is about a megabyte of a dump's rows, in one statement.
func rows(table string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "INSERT INTO `%s` VALUES ", table)
	for i := 0; b.Len() < 1<<20; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "(%d,'sku-%d',NULL,%d.%04d,'2026-11-23 00:%02d:%02d','%s')", i, i*7919, i%997, i%9973, i/60%60, i%60, strings.Repeat("it\\'s text; ", i%17))
	}
	b.WriteString(";\n")
	return b.Bytes()
}

// bigDump is a dump of at least this many bytes, as pieces to be read one after
// another, most of them the same. Each piece is compressed by itself, and a file
// of several compressed streams is read as one.
func bigDump(tb testing.TB, size int, args []string) io.Reader {
	tb.Helper()
	const columns = "`id` int, `sku` text, `n` text, `price` decimal(12,4), `created_at` timestamp, `body` text"
	head := "-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB\n-- Host: localhost    Database: big\n" +
		"CREATE TABLE `catalog_product_entity` (" + columns + ");\nCREATE TABLE `quote` (" + columns + ");\n"
	middle := bytes.Repeat(append(rows("quote"), rows("catalog_product_entity")...), 8)
	pieces := []io.Reader{bytes.NewReader(compress(tb, []byte(head), args))}
	body := compress(tb, middle, args)
	for n := 0; n < size; n += len(middle) {
		pieces = append(pieces, bytes.NewReader(body))
	}
	pieces = append(pieces, bytes.NewReader(compress(tb, []byte("-- Dump completed on 2026-11-23  0:19:11\n"), args)))
	return io.MultiReader(pieces...)
}

// TestMemory reads dumps of 2 GB and more, and less of the slow compressions,
// and watches how much memory is in use meanwhile. It runs alone, and reads less under the race
// detector.
func TestMemory(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
		args []string
	}{
		{"plain", 2 << 30, nil},
		{"gzip", 1 << 30, []string{"gzip", "-c"}},
		{"zstd", 1 << 30, []string{"zstd", "-c"}},
		{"zstd-19", 128 << 20, []string{"zstd", "-19", "-c"}},
		{"xz", 32 << 20, []string{"xz", "-c", "-T2"}},
		{"bzip2", 16 << 20, []string{"bzip2", "-c"}},
		{"lz4", 512 << 20, []string{"lz4", "-c"}},
	} {
		c.size /= raceFactor
		t.Run(c.name, func(t *testing.T) {
			in := bigDump(t, c.size, c.args)
			debug.FreeOSMemory()
			peak := watchHeap(func() {
				start := time.Now()
				r := readAs(t, in)
				if r.State != StateWhole || r.Bytes < int64(c.size) {
					t.Errorf("%s after %d bytes: %s", r.State, r.Bytes, r.Damage)
				}
				if products := r.Databases[0].Content("").Entities; r.Databases[0].rows["catalog_product_entity"].Count == 0 || products == nil {
					t.Errorf("rows not counted: %+v", products)
				}
				t.Logf("%d MB/s", r.Bytes/max(1, time.Since(start).Milliseconds())/1000)
			})
			t.Logf("%d MiB of heap", peak>>20)
			const limit = 64 << 20
			if peak > limit {
				t.Errorf("%d bytes of heap in use", peak)
			}
		})
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

// watchHeap returns the most heap that was in use while work was done.
func watchHeap(work func()) uint64 {
	var peak uint64
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	work()
	close(done)
	watch.Wait()
	return peak
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
