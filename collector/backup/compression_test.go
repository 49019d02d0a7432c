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

// TestGzipEnds reads what may follow a gzip stream: nothing but other streams, and the zeros at its end that gzip passes
// over without a word.
func TestGzipEnds(t *testing.T) {
	t.Parallel()
	plain := dump(t, "other")
	half := len(plain) / 2
	gz := func(content []byte) []byte { return compress(t, content, []string{"gzip", "-c"}) }
	whole, first, second := gz(plain), gz(plain[:half]), gz(plain[half:])
	const garbage = "trailing garbage"
	for name, c := range map[string]struct {
		content []byte
		damage  string // "": it is whole
	}{
		"zeros":                 {slices.Concat(whole, make([]byte, 100_000)), ""},
		"one zero":              {slices.Concat(whole, make([]byte, 1)), ""},
		"zeros behind two":      {slices.Concat(first, second, make([]byte, 512)), ""},
		"an empty stream":       {slices.Concat(first, gz(nil), second), ""},
		"a short text":          {slices.Concat(whole, []byte("more")), garbage},
		"a long text":           {slices.Concat(whole, plain), garbage},
		"a text behind zeros":   {slices.Concat(whole, make([]byte, 100), []byte("more")), garbage},
		"zeros between two":     {slices.Concat(first, make([]byte, 512), second), garbage},
		"half a beginning":      {slices.Concat(whole, []byte(gzipMagic[:2])), "ends too early"},
		"half of another":       {slices.Concat(first, second[:len(second)/2]), "ends too early"},
		"another, its sum gone": {slices.Concat(first, second[:len(second)-8]), "ends too early"},
	} {
		r := report(t, write(t, "dump.sql.gz", c.content))
		if (r.State == StateWhole) != (c.damage == "") || !strings.Contains(r.Damage, c.damage) {
			t.Errorf("%s: %s: %q, want %q", name, r.State, r.Damage, c.damage)
		}
	}
}
