package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"hash/fnv"
	"io"
	"runtime"

	"github.com/ulikunitz/xz/lzma"
)

// xzReader reads .xz files. The container (streams, blocks, checks, index) is
// read here and only LZMA2 is left to the library, because the library takes
// any dictionary size that a file asks for, up to 4 GiB.
//
// The format is https://tukaani.org/xz/xz-file-format.txt, version 1.2.1.
type xzReader struct {
	in     *countedReader
	window int64
	err    error

	check  byte      // the stream's kind of check
	block  io.Reader // the open block, nil between blocks
	sum    hash.Hash // its check
	begin  int64     // where it begins
	size   int64     // what came out of it
	header xzBlockHeader
	blocks uint64      // blocks of the stream
	sizes  hash.Hash64 // of their sizes, as the index lists them
}

type xzBlockHeader struct {
	length       int64 // of the header itself
	compressed   int64 // -1 where the header does not say
	uncompressed int64
	dictionary   int64
}

func newXzReader(r io.Reader, window int64) *xzReader {
	x := &xzReader{in: &countedReader{r: bufio.NewReaderSize(r, 64<<10)}, window: window}
	x.err = x.streamHeader()
	return x
}

// countedReader counts the bytes taken from it.
type countedReader struct {
	r     *bufio.Reader
	count int64
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.count += int64(n)
	return n, err
}

func (c *countedReader) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.count++
	}
	return b, err
}

var errXz = errors.New("invalid data")

func (x *xzReader) Read(p []byte) (int, error) {
	for x.err == nil {
		if x.block == nil {
			x.err = x.nextBlock()
			continue
		}
		n, err := x.block.Read(p)
		x.sum.Write(p[:n])
		x.size += int64(n)
		if errors.Is(err, io.EOF) {
			x.err = x.endBlock()
		} else {
			x.err = err
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, x.err
}

// full reads exactly n bytes.
func (x *xzReader) full(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(x.in, b); err != nil {
		return nil, notYet(err)
	}
	return b, nil
}

// notYet turns an end in the middle of something into an unexpected one.
func notYet(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (x *xzReader) streamHeader() error {
	h, err := x.full(12)
	if err != nil {
		return err
	}
	if string(h[:6]) != "\xfd7zXZ\x00" || h[6] != 0 || h[7] > 15 || crc32.ChecksumIEEE(h[6:8]) != binary.LittleEndian.Uint32(h[8:]) {
		return errXz
	}
	x.check, x.blocks, x.sizes = h[7], 0, fnv.New64a()
	return nil
}

// nextBlock opens the next block, or ends the stream where its index begins.
func (x *xzReader) nextBlock() error {
	x.begin = x.in.count
	first, err := x.in.ReadByte()
	if err != nil {
		return notYet(err)
	}
	if first == 0 {
		return x.endStream()
	}
	rest, err := x.full((int(first)+1)*4 - 1)
	if err != nil {
		return err
	}
	if x.header, err = parseXzBlock(append([]byte{first}, rest...)); err != nil {
		return err
	}
	dictionary := x.header.dictionary
	if x.header.uncompressed >= 0 {
		dictionary = min(dictionary, max(x.header.uncompressed, lzma.MinDictCap))
	}
	if dictionary > x.window {
		return undetermined("decompressing it needs %d MiB of memory, more than the %d MiB that are allowed: compress it with xz -9 or less", dictionary>>20, x.window>>20)
	}
	if x.blocks > 0 && dictionary >= 16<<20 {
		runtime.GC() // else two dictionaries would be there at once
	}
	x.sum, x.size = newXzCheck(x.check), 0
	x.block, err = lzma.Reader2Config{DictCap: int(dictionary)}.NewReader2(x.in)
	return err
}

// parseXzBlock reads a whole block header.
func parseXzBlock(h []byte) (xzBlockHeader, error) {
	out := xzBlockHeader{length: int64(len(h)), compressed: -1, uncompressed: -1}
	body, sum := h[:len(h)-4], binary.LittleEndian.Uint32(h[len(h)-4:])
	if crc32.ChecksumIEEE(body) != sum || len(body) < 2 {
		return out, errXz
	}
	flags, r := body[1], bytes.NewReader(body[2:])
	if flags&0x3c != 0 {
		return out, errXz
	}
	for _, f := range []struct {
		bit  byte
		into *int64
	}{{0x40, &out.compressed}, {0x80, &out.uncompressed}} {
		if flags&f.bit == 0 {
			continue
		}
		n, err := binary.ReadUvarint(r)
		if err != nil || n > 1<<62 {
			return out, errXz
		}
		*f.into = int64(n)
	}
	const lzma2 = 0x21
	id, err := binary.ReadUvarint(r)
	if err != nil {
		return out, errXz
	}
	if flags&3 != 0 || id != lzma2 {
		return out, undetermined("it uses a filter of xz that is not for text, which is not read here")
	}
	n, err1 := r.ReadByte()
	bits, err2 := r.ReadByte()
	if err1 != nil || err2 != nil || n != 1 || bits > 40 {
		return out, errXz
	}
	out.dictionary = int64(2|bits&1) << (bits/2 + 11)
	if bits == 40 {
		out.dictionary = 1<<32 - 1
	}
	for r.Len() > 0 {
		if b, _ := r.ReadByte(); b != 0 {
			return out, errXz
		}
	}
	return out, nil
}

// newXzCheck returns the hash for a kind of check; one that is not known here
// hashes nothing.
func newXzCheck(kind byte) hash.Hash {
	switch kind {
	case 1:
		return crc32.NewIEEE()
	case 4:
		return crc64.New(crc64.MakeTable(crc64.ECMA))
	case 10:
		return sha256.New()
	}
	return fnv.New32()
}

// xzCheckSizes are the sizes of the checks by their kind.
var xzCheckSizes = [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}

// endBlock compares the block's check and sizes.
func (x *xzReader) endBlock() error {
	x.block = nil
	unpadded := x.in.count - x.begin
	h := x.header
	if h.compressed >= 0 && h.compressed != unpadded-h.length || h.uncompressed >= 0 && h.uncompressed != x.size {
		return errXz
	}
	padding, err := x.full(int(-unpadded & 3))
	if err != nil {
		return err
	}
	for _, b := range padding {
		if b != 0 {
			return errXz
		}
	}
	check, err := x.full(xzCheckSizes[x.check])
	if err != nil {
		return err
	}
	if want := x.sum.Sum(nil); (x.check == 1 || x.check == 4 || x.check == 10) && !bytes.Equal(reversed(want, x.check), check) {
		return errXz
	}
	x.blocks++
	x.addSizes(uint64(unpadded)+uint64(len(check)), uint64(x.size))
	return nil
}

// reversed turns a CRC into the little-endian order of the format.
func reversed(sum []byte, kind byte) []byte {
	if kind == 10 {
		return sum
	}
	for i, j := 0, len(sum)-1; i < j; i, j = i+1, j-1 {
		sum[i], sum[j] = sum[j], sum[i]
	}
	return sum
}

func (x *xzReader) addSizes(unpadded, uncompressed uint64) {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], unpadded)
	binary.LittleEndian.PutUint64(b[8:], uncompressed)
	x.sizes.Write(b[:])
}

// endStream reads the index and the footer, and opens the next stream where
// one follows. It returns io.EOF at the end of the file.
func (x *xzReader) endStream() error {
	sum := crc32.NewIEEE()
	sum.Write([]byte{0})
	want := x.sizes.Sum64()
	if err := x.index(sum); err != nil {
		return err
	}
	if x.sizes.Sum64() != want {
		return errXz
	}
	indexSize := x.in.count - x.begin
	padding, err := x.full(int(-indexSize & 3))
	if err != nil {
		return err
	}
	sum.Write(padding)
	stored, err := x.full(4)
	if err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(stored) != sum.Sum32() || bytes.ContainsFunc(padding, func(r rune) bool { return r != 0 }) {
		return errXz
	}
	if err := x.footer(x.in.count - x.begin); err != nil {
		return err
	}
	return x.nextStream()
}

// index reads the records of the index into a fresh x.sizes.
func (x *xzReader) index(sum hash.Hash) error {
	in := &summingByteReader{x.in, sum}
	n, err := binary.ReadUvarint(in)
	if err != nil {
		return notYet(err)
	}
	if n != x.blocks {
		return errXz
	}
	x.sizes = fnv.New64a()
	for range n {
		unpadded, err := binary.ReadUvarint(in)
		if err != nil {
			return notYet(err)
		}
		uncompressed, err := binary.ReadUvarint(in)
		if err != nil {
			return notYet(err)
		}
		x.addSizes(unpadded, uncompressed)
	}
	return nil
}

type summingByteReader struct {
	r   io.ByteReader
	sum hash.Hash
}

func (s *summingByteReader) ReadByte() (byte, error) {
	b, err := s.r.ReadByte()
	if err == nil {
		s.sum.Write([]byte{b})
	}
	return b, err
}

func (x *xzReader) footer(indexSize int64) error {
	f, err := x.full(12)
	if err != nil {
		return err
	}
	backward := (int64(binary.LittleEndian.Uint32(f[4:])) + 1) * 4
	if binary.LittleEndian.Uint32(f) != crc32.ChecksumIEEE(f[4:10]) || string(f[10:]) != "YZ" ||
		f[8] != 0 || f[9] != x.check || backward != indexSize {
		return errXz
	}
	return nil
}

// nextStream steps over the padding behind a stream.
func (x *xzReader) nextStream() error {
	for {
		head, err := x.in.r.Peek(4)
		switch {
		case len(head) == 0 && errors.Is(err, io.EOF):
			return io.EOF
		case err != nil:
			return notYet(err)
		case !bytes.Equal(head, []byte{0, 0, 0, 0}):
			return x.streamHeader()
		}
		if _, err := x.full(4); err != nil {
			return err
		}
	}
}
