package backup

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// What is where in a page of InnoDB, in bytes (storage/innobase/include/fil0fil.h and fsp0types.h of MariaDB 10.11 and
// MySQL 8.0).
const (
	pageNumber = 4  // 4 bytes
	pageType   = 24 // 2 bytes
	pageSpace  = 34 // 4 bytes
	pageData   = 38
	fspSize    = 46 // 4 bytes, in page 0: pages of the tablespace
	fspFlags   = 54 // 4 bytes, in page 0
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// pageFormat is how the pages of one file are checked.
type pageFormat struct {
	size int
	// full: MariaDB's full_crc32, one CRC-32C at the end of the page. Else the format that MySQL has and MariaDB had: a
	// checksum at the page's front.
	full bool
	// plain: the pages are neither compressed nor encrypted in a way that leaves their checksum elsewhere.
	plain bool
	space uint32
	pages uint32
}

// parsePageFormat reads it from the first bytes of page 0.
func parsePageFormat(page []byte) (pageFormat, error) {
	flags := binary.BigEndian.Uint32(page[fspFlags:])
	f := pageFormat{space: binary.BigEndian.Uint32(page[pageSpace:]), pages: binary.BigEndian.Uint32(page[fspSize:])}
	shift, compressed := flags>>6&0xf, flags>>1&0xf
	if f.full = flags&0x10 != 0; f.full {
		shift, compressed = flags&0xf, 0
		f.plain = flags>>5&7 == 0
	} else {
		f.plain = compressed == 0
	}
	switch {
	case compressed > 0: // ROW_FORMAT=COMPRESSED
		f.size = 512 << compressed
	case shift == 0:
		f.size = 16 << 10
	default:
		f.size = 512 << shift
	}
	if f.size < 1<<10 || f.size > 64<<10 || binary.BigEndian.Uint32(page[pageNumber:]) != 0 {
		return f, corrupt(0, "its first page is not that of a tablespace")
	}
	return f, nil
}

// checkPages checks the checksum of each page of a tablespace, where pages have one that can be checked.
func checkPages(in io.Reader) error {
	r := bufio.NewReaderSize(in, 64<<10)
	head, err := r.Peek(64)
	if errors.Is(err, io.EOF) {
		return truncated(int64(len(head)), "it is shorter than a page")
	}
	if err != nil {
		return err
	}
	f, err := parsePageFormat(head)
	if err != nil {
		return err
	}
	page := make([]byte, f.size)
	var n int64
	for ; ; n++ {
		_, err := io.ReadFull(r, page)
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return truncated(n*int64(f.size), "it ends within a page")
		}
		if err != nil {
			return err
		}
		if f.plain && !f.doublewrite(n) && !f.intact(page, n) {
			return corrupt(n*int64(f.size), "the checksum of page %d is wrong", n)
		}
	}
	if n < int64(f.pages) {
		return truncated(n*int64(f.size), "it has %d of its %d pages", n, f.pages)
	}
	return nil
}

// doublewrite recognizes the pages of the system tablespace that are only InnoDB's safety net for writing others, and
// may be torn.
func (f pageFormat) doublewrite(n int64) bool {
	extent := int64(1<<20) / int64(min(f.size, 16<<10))
	return f.space == 0 && n >= extent && n < 3*extent
}

// intact checks one page. A page that was never written is all zero.
func (f pageFormat) intact(page []byte, n int64) bool {
	if f.full {
		end := len(page) - 4
		if crc32.Checksum(page[:end], castagnoli) == binary.BigEndian.Uint32(page[end:]) && f.numbered(page, n) {
			return true
		}
		return zero(page)
	}
	const compressed, encrypted, compressedEncrypted, rtree = 14, 15, 16, 17
	if t := binary.BigEndian.Uint16(page[pageType:]); t >= compressed && t <= compressedEncrypted || t == 34354 ||
		t == 37401 {
		return true // their checksums cover something else
	}
	stored := binary.BigEndian.Uint32(page)
	crc := crc32.Checksum(page[pageNumber:26], castagnoli) ^ crc32.Checksum(page[pageData:len(page)-8], castagnoli)
	const none = 0xdeadbeef
	if (stored == crc || stored == none || stored == oldChecksum(page)) && f.numbered(page, n) {
		return true
	}
	return zero(page)
}

func (f pageFormat) numbered(page []byte, n int64) bool {
	return int64(binary.BigEndian.Uint32(page[pageNumber:])) == n
}

func zero(page []byte) bool {
	for _, b := range page {
		if b != 0 {
			return false
		}
	}
	return true
}

// oldChecksum is innodb_checksum_algorithm=innodb, the default up to MySQL 5.6 and MariaDB 10.1.
func oldChecksum(page []byte) uint32 {
	return fold(page[pageNumber:26]) + fold(page[pageData:len(page)-8])
}

// fold is ut_fold_binary of InnoDB's ut0rnd.ic, in 32 bits of its result.
func fold(b []byte) uint32 {
	const random1, random2 = 1463735687, 1653893711
	var f uint64
	for _, c := range b {
		f = ((((f ^ uint64(c) ^ random2) << 8) + f) ^ random1) + uint64(c)
	}
	return uint32(f)
}
