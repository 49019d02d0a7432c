package exposition

import (
	"bufio"
	"bytes"
	"hash/crc32"
	"strings"
	"testing"
)

func TestChecksum(t *testing.T) {
	t.Parallel()
	var text []byte
	sum := uint32(0)
	for _, part := range [][]byte{
		{}, {0}, []byte("a"), []byte("magento_migration_ready"), bytes.Repeat([]byte("\xff\x00x"), 1<<20), {},
	} {
		text = append(text, part...)
		if sum = newChecksum(part).after(sum); sum != crc32.ChecksumIEEE(text) {
			t.Errorf("%d bytes: %08x, want %08x", len(text), sum, crc32.ChecksumIEEE(text))
		}
	}
}

// TestChecksumOfBlocks joins short blocks, long ones, and those whose lines are kept without their beginnings.
func TestChecksumOfBlocks(t *testing.T) {
	t.Parallel()
	whole := []byte("name{migration=\"x\",a=\"b\"} 1\nname{migration=\"x\"} 2\n")
	without := block{
		lineStart: [2]string{"name", "{migration=\"x"},
		text:      []byte("\",a=\"b\"} 1\n\"} 2\n"),
		size:      len(whole),
		checksum:  newChecksum(whole),
	}
	var text bytes.Buffer
	w := bufio.NewWriter(&text)
	sum := uint32(0)
	for _, b := range []block{
		newBlock([]byte("a")), without, newBlock(bytes.Repeat([]byte("long"), 1000)), without, newBlock(nil),
	} {
		before := text.Len()
		if err := b.writeTo(w); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		if n := text.Len() - before; n != b.size {
			t.Errorf("%d bytes, want %d", n, b.size)
		}
		if sum = b.after(sum); sum != crc32.ChecksumIEEE(text.Bytes()) {
			t.Errorf("after %q: %08x, want %08x", b.text, sum, crc32.ChecksumIEEE(text.Bytes()))
		}
	}
	if want := "a" + string(whole); !strings.HasPrefix(text.String(), want) {
		t.Errorf("%q, want %q", text.String()[:len(want)], want)
	}
}
