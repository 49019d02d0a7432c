package backup

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/flate"
)

// The methods of compression in ZIP archives that are read beside storing and deflating (PKWARE's APPNOTE, 4.4.5).
const (
	zipBzip2 = 12
	zipZstd  = 93
	zipXz    = 95
)

// maxZipDirectory bounds the directory of a ZIP archive, which is read into memory: about a hundred thousand files.
const maxZipDirectory = 8 << 20

// readZip reads a ZIP archive through. Its directory, which is written last, is read first.
func (j job) readZip(ctx context.Context, r *Report, f io.ReaderAt, size int64) error {
	r.Container = ContainerZip
	budgeted := &budgetedAt{r: f, left: maxZipDirectory}
	z, err := zip.NewReader(budgeted, size)
	switch {
	case budgeted.over:
		return undetermined(
			"the directory of the ZIP archive has more than %d MiB, which is not read",
			maxZipDirectory>>20,
		)
	case errors.Is(err, zip.ErrInsecurePath): // nothing is written to the paths in it
	case isReadError(err):
		return err
	case err != nil:
		return truncated(-1, "the directory of the ZIP archive, which is written last, is missing or corrupt")
	}
	budgeted.left = freeBytes + 4*size // each byte of it is read about once, unless files in it overlap
	a := newArchive(j, "ZIP", place{})
	registerMethods(z, j.limits)
	for _, file := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !file.Mode().IsRegular() || file.UncompressedSize64 == 0 {
			a.replaces(file.Name)
			continue
		}
		if err := a.zipped(ctx, r, file, budgeted); err != nil {
			return a.broken(r, err)
		}
	}
	return a.conclude(r)
}

// registerMethods makes an archive's files be decompressed with bounded memory.
func registerMethods(z *zip.Reader, lim limits) {
	z.RegisterDecompressor(zip.Deflate, func(r io.Reader) io.ReadCloser { return flate.NewReader(bufio.NewReader(r)) })
	for method, kind := range map[uint16]Compression{
		zipBzip2: CompressionBzip2, zipZstd: CompressionZstd, zipXz: CompressionXz,
	} {
		z.RegisterDecompressor(method, func(r io.Reader) io.ReadCloser {
			d, err := decompress(kind, r, lim)
			if err != nil {
				return io.NopCloser(failing{err})
			}
			return d
		})
	}
}

// failing is a reader that has nothing but an error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// zipped looks at a file in a ZIP archive.
func (a *archive) zipped(ctx context.Context, r *Report, file *zip.File, raw *budgetedAt) error {
	const encrypted = 1
	a.replaces(file.Name)
	if file.Flags&encrypted != 0 {
		if nameOf(file.Name) != nameOther {
			a.opaque(file.Name, opaque("Unpack it with its password (unzip) where the backups are looked for.",
				"it is encrypted by a password, so it is not looked into"))
		}
		a.files++
		return nil
	}
	content, err := file.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		a.files++
		a.opaque(file.Name, opaque("Unpack it (7z x) where the backups are looked for.",
			"it is compressed by a method of ZIP that is not read here (%d)", file.Method))
		return nil
	}
	if err != nil {
		return corrupt(-1, "%s in the ZIP archive is corrupt", oneLine(file.Name))
	}
	from := raw.read
	s := &stream{in: content, kind: compressionZip, lim: a.j.limits, read: func() int64 { return raw.read - from }}
	err = a.file(ctx, file.Name, zipModified(file), s)
	r.Bytes += s.count
	if err == nil && raw.err != nil {
		err = raw.err
	}
	return errors.Join(err, closeZipped(content))
}

// closeZipped closes a file in an archive, of which the rest may be unread.
func closeZipped(content io.Closer) error {
	if err := content.Close(); err != nil && !errors.Is(err, zip.ErrChecksum) {
		return fmt.Errorf("closing a file in the ZIP archive: %w", err)
	}
	return nil
}

// zipModified returns when a file in a ZIP archive was last written: where the archive has it in UTC, as Info-ZIP
// writes it; the other time is in a zone that nothing tells.
func zipModified(file *zip.File) time.Time {
	const unixTimes, header = 0x5455, 4
	for extra := file.Extra; len(extra) >= header; {
		id, size := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if size > len(extra)-header {
			break
		}
		if id == unixTimes {
			return file.Modified
		}
		extra = extra[header+size:]
	}
	return time.Time{}
}

// budgetedAt reads a file at any offset through one buffer, so much and no more.
type budgetedAt struct {
	r     io.ReaderAt
	left  int64
	over  bool
	read  int64 // bytes read
	err   error // why the file could not be read
	cache []byte
	at    int64 // offset of cache
}

// readAhead is how much is read at once.
const readAhead = 128 << 10

// errBudget ends the reading of an archive that makes too much of it necessary.
var errBudget = errors.New("too much is to be read")

func (b *budgetedAt) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		if i := off + int64(done) - b.at; i >= 0 && i < int64(len(b.cache)) {
			done += copy(p[done:], b.cache[i:])
			continue
		}
		if err := b.fill(off + int64(done)); err != nil {
			return done, err
		}
	}
	return done, nil
}

// fill reads what is at an offset, at least a byte.
func (b *budgetedAt) fill(off int64) error {
	if b.left <= 0 {
		b.over = true
		return errBudget
	}
	if b.cache == nil {
		b.cache = make([]byte, 0, readAhead)
	}
	n, err := b.r.ReadAt(b.cache[:min(int64(cap(b.cache)), b.left)], off)
	b.cache, b.at = b.cache[:n], off
	b.left -= int64(n)
	b.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	if n > 0 {
		return nil
	}
	return err
}
