package exposition

import (
	"bytes"
	"hash/crc32"
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
		if sum = newChecksum(part).after(sum, part); sum != crc32.ChecksumIEEE(text) {
			t.Errorf("%d bytes: %08x, want %08x", len(text), sum, crc32.ChecksumIEEE(text))
		}
	}
}
