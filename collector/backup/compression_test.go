package backup

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

// TestXz reads what the xz format allows beside a plain file: padding between streams, filters, and checksums of a kind
// that nobody writes.
func TestXz(t *testing.T) {
	t.Parallel()
	plain := dump(t, "other")
	half := len(plain) / 2
	xz := func(content []byte, args ...string) []byte {
		return compress(t, content, append([]string{"xz", "-c"}, args...))
	}
	first, second := xz(plain[:half]), xz(plain[half:])
	unknownCheck := bytes.Clone(first)
	unknownCheck[7] = 2
	binary.LittleEndian.PutUint32(unknownCheck[8:], crc32.ChecksumIEEE(unknownCheck[6:8]))
	for name, c := range map[string]struct {
		content []byte
		want    State
		damage  string
	}{
		"padding":           {slices.Concat(first, make([]byte, 8), second, make([]byte, 4)), StateWhole, ""},
		"odd padding":       {slices.Concat(first, make([]byte, 3), second), StateDamaged, "corrupt"},
		"a filter for code": {xz(plain, "--x86", "--lzma2"), StateWhole, ""},
		"no checksum":       {xz(plain, "--check=none"), StateWhole, ""},
		"unknown checksum":  {unknownCheck, StateUndetermined, "checksum of xz"},
		"only a header":     {first[:14], StateDamaged, "ends too early"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := report(t, write(t, "dump.sql.xz", c.content))
			if r.State != c.want || !strings.Contains(r.Damage, c.damage) {
				t.Errorf("%s: %q, want %s, %q", r.State, r.Damage, c.want, c.damage)
			}
		})
	}
}
