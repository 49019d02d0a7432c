package backup

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/pierrec/lz4/v4"
)

// limits bound what decompression may cost.
type limits struct {
	window int64 // bytes of history a decompressor may keep
	output int64 // decompressed bytes
	ratio  int64 // decompressed bytes for each compressed one, beyond the free ones
	free   int64 // decompressed bytes whatever the ratio
}

// compressionZip is the compression of a file in a ZIP archive, whatever its method.
const compressionZip Compression = "ZIP"

const gzipMagic = "\x1f\x8b\x08"

// magics are the first bytes of the compressions.
var magics = []struct {
	kind  Compression
	magic string
}{
	{CompressionGzip, gzipMagic},
	{CompressionZstd, "\x28\xb5\x2f\xfd"},
	{CompressionXz, "\xfd7zXZ\x00"},
	{CompressionBzip2, "BZh"},
	{CompressionLZ4, "\x04\x22\x4d\x18"},
}

func sniffCompression(head []byte) Compression {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.kind
		}
	}
	return CompressionNone
}

// decompress returns the bytes within. The caller closes it.
func decompress(kind Compression, r io.Reader, lim limits) (io.ReadCloser, error) {
	switch kind {
	case CompressionGzip:
		return newGzipMembers(r)
	case CompressionZstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(uint64(lim.window)))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case CompressionXz:
		z, err := xz.NewReader(r, uint32(min(lim.window, math.MaxUint32)))
		if err != nil {
			return nil, err
		}
		return io.NopCloser(z), nil
	case CompressionBzip2:
		return io.NopCloser(bzip2.NewReader(r)), nil
	case CompressionLZ4:
		z := lz4.NewReader(r)
		if err := z.Apply(lz4.ConcurrencyOption(1)); err != nil {
			return nil, err
		}
		return io.NopCloser(z), nil
	}
	return io.NopCloser(r), nil
}

// gzipMembers reads the members of a gzip file, one after the other. Zeros may follow them, with which tapes fill their
// blocks.
type gzipMembers struct {
	*gzip.Reader
	raw *bufio.Reader
}

func newGzipMembers(r io.Reader) (*gzipMembers, error) {
	g := &gzipMembers{raw: bufio.NewReaderSize(r, 4<<10)}
	if buffered, ok := r.(*bufio.Reader); ok {
		g.raw = buffered
	}
	var err error
	if g.Reader, err = gzip.NewReader(g.raw); err != nil {
		return nil, err
	}
	g.Multistream(false)
	return g, nil
}

// errTrailing says that something which begins no member follows a gzip stream.
var errTrailing = errors.New("something follows it that is no gzip stream, which gzip calls trailing garbage")

// Read implements io.Reader.
func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.Reader.Read(p)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		if more, err := g.next(); n > 0 || err != nil || !more {
			return n, cmp.Or(err, endUnless(more))
		}
	}
}

func endUnless(more bool) error {
	if more {
		return nil
	}
	return io.EOF
}

// next goes on to the next member, and reports whether there is one.
func (g *gzipMembers) next() (bool, error) {
	first, err := g.raw.Peek(1)
	for err == nil && first[0] == 0 {
		if _, err = g.raw.Discard(1); err == nil {
			first, err = g.raw.Peek(1)
		}
		if err == nil && first[0] != 0 {
			return false, errTrailing
		}
	}
	switch {
	case errors.Is(err, io.EOF):
		return false, nil
	case err != nil:
		return false, err
	}
	if head, _ := g.raw.Peek(len(gzipMagic)); string(head) != gzipMagic[:len(head)] {
		return false, errTrailing
	}
	if err := g.Reset(g.raw); err != nil {
		return false, err
	}
	g.Multistream(false)
	return true, nil
}

// stream is the decompressed content of a file. It counts, keeps to the limits, and says what a decompressor's error
// means for the backup.
type stream struct {
	in    io.ReadCloser
	kind  Compression
	head  []byte       // the first bytes as they are, before decompression
	read  func() int64 // compressed bytes read so far
	lim   limits
	count int64
}

// freeBytes may come out of a compressed file whatever its ratio.
const freeBytes = 256 << 20

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	s.count += int64(n)
	if s.count > s.lim.output {
		return 0, undetermined("more than %d bytes come out of it; it is not read further", s.lim.output)
	}
	if s.kind != CompressionNone && s.count > s.lim.free && s.count/s.lim.ratio > s.read() {
		return 0, undetermined("more than %d times its size comes out of it, as no dump does; it is not read further",
			s.lim.ratio)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.explain(err)
	}
	return n, err
}

// explain distinguishes a damaged file from one that could not be read.
func (s *stream) explain(err error) error {
	var own *damage
	if s.kind == CompressionNone || errors.As(err, &own) || isReadError(err) {
		return err
	}
	switch {
	case errors.Is(err, errBudget):
		return undetermined("the files in the archive overlap; it is not read further")
	case errors.Is(err, zip.ErrChecksum):
		return corrupt(s.count, "its checksum in the ZIP archive is wrong")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, xz.ErrBuf):
		return truncated(s.count, "the %s stream ends too early", s.kind)
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return undetermined("decompressing it needs more memory than the %d MiB that are allowed: "+
			"compress it without --long or --ultra", s.lim.window>>20)
	case errors.Is(err, xz.ErrMemlimit):
		return undetermined("decompressing it needs more memory than the %d MiB that are allowed: "+
			"compress it with xz -9 or less", s.lim.window>>20)
	case errors.Is(err, xz.ErrOptions), errors.Is(err, xz.ErrUnsupportedCheck):
		return undetermined(
			"it uses a filter or a checksum of xz that is not read here: compress it with xz's own settings",
		)
	}
	return corrupt(
		s.count,
		"the %s stream is corrupt: %s",
		s.kind,
		strings.TrimPrefix(err.Error(), string(s.kind)+": "),
	)
}

// readError marks an error of the file below a decompressor.
type readError struct{ err error }

func (e *readError) Error() string { return fmt.Sprintf("reading: %v", e.err) }
func (e *readError) Unwrap() error { return e.err }

func isReadError(err error) bool {
	var r *readError
	return errors.As(err, &r)
}

func isTruncation(err error) bool {
	var d *damage
	return errors.As(err, &d) && d.truncated
}
