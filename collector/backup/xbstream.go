package backup

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"unicode"
)

// xbMagic begins each chunk of an archive of mbstream or xbstream.
const xbMagic = "XBSTCK01"

// Limits of what an archive may ask for.
const (
	maxXbPath   = 4096
	maxXbFiles  = maxParts
	maxXbSparse = 1 << 20 // entries of a sparse map
	maxXbOpen   = 4096    // files whose end was not met
	xbIgnorable = 0x01
	xbPayload   = 'P'
	xbSparse    = 'S'
	xbEndOfFile = 'E'
)

// xbReader reads an archive chunk by chunk.
//
// A chunk is the magic, flags, a type, the path with its length, and for payload the length, the offset in the file and
// a CRC-32, all little-endian. A file ends with a chunk of type E; nothing ends the archive itself.
type xbReader struct {
	in    *bufio.Reader
	at    int64             // offset of the next byte
	open  map[string]int64  // the next offset of files that have not ended
	small map[string][]byte // the beginning of files that describe the backup
	p     *physical
}

// readXbstream reads a streamed mariabackup or xtrabackup.
func (j job) readXbstream(ctx context.Context, r *Report, in io.Reader, at place) error {
	r.Kind = KindXbstream
	x := &xbReader{
		in:    bufio.NewReaderSize(in, 64<<10),
		open:  map[string]int64{},
		small: map[string][]byte{},
		p:     newPhysical(),
	}
	found := at.tables()
	err := x.run(ctx)
	if err == nil {
		err = x.finish()
	}
	if err == nil {
		err = x.p.judge(r, found)
	} else {
		x.p.list(found)
	}
	r.Databases = found.list()
	return err
}

func (x *xbReader) run(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := x.in.Peek(1); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := x.chunk(); err != nil {
			return err
		}
	}
}

// take reads exactly n bytes, a few.
func (x *xbReader) take(n int) ([]byte, error) {
	b := make([]byte, n)
	got, err := io.ReadFull(x.in, b)
	x.at += int64(got)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, truncated(x.at, "it ends within a chunk")
	}
	return b, err
}

func (x *xbReader) chunk() error {
	start := x.at
	head, err := x.take(len(xbMagic) + 6)
	if err != nil {
		return err
	}
	flags, kind, length := head[8], head[9], binary.LittleEndian.Uint32(head[10:])
	if string(head[:8]) != xbMagic || flags&^xbIgnorable != 0 || length == 0 || length > maxXbPath {
		return corrupt(start, "a chunk of the archive does not begin as one")
	}
	raw, err := x.take(int(length))
	if err != nil {
		return err
	}
	name := strings.TrimPrefix(string(raw), "./")
	if strings.ContainsFunc(name, unicode.IsControl) || strings.HasPrefix(name, "/") || strings.Contains(name, "..") {
		return corrupt(start, "a chunk is of a file that cannot be: %s", printable(raw))
	}
	switch kind {
	case xbEndOfFile:
		if err := x.place(name, x.open[name], 0, start); err != nil { // an empty file has only an end
			return err
		}
		return x.endFile(name)
	case xbPayload, xbSparse:
		return x.payload(name, kind == xbSparse, start)
	}
	return corrupt(start, "a chunk of an unknown type")
}

// payload reads a piece of a file.
func (x *xbReader) payload(name string, sparse bool, start int64) error {
	sum := crc32.NewIEEE()
	entries := uint32(0)
	if sparse {
		b, err := x.take(4)
		if err != nil {
			return err
		}
		if entries = binary.LittleEndian.Uint32(b); entries > maxXbSparse {
			return corrupt(start, "a chunk with too long a sparse map")
		}
	}
	b, err := x.take(20)
	if err != nil {
		return err
	}
	length, offset, want := int64(binary.LittleEndian.Uint64(b)), int64(
		binary.LittleEndian.Uint64(b[8:])), binary.LittleEndian.Uint32(b[16:])
	holes := int64(0)
	for range entries {
		b, err := x.take(8)
		if err != nil {
			return err
		}
		sum.Write(b)
		holes += int64(binary.LittleEndian.Uint32(b))
	}
	if err := x.place(name, offset, length+holes, start); err != nil {
		return err
	}
	if err := x.body(name, length, sum); err != nil {
		return err
	}
	if sum.Sum32() != want {
		return corrupt(start, "the checksum of a chunk of %s is wrong", oneLine(name))
	}
	return nil
}

// place checks that a piece goes on where the file was left.
func (x *xbReader) place(name string, offset, length int64, start int64) error {
	next, known := x.open[name]
	if !known && (len(x.p.files) >= maxXbFiles || len(x.open) >= maxXbOpen) {
		return undetermined(
			"the archive holds more than %d files, or more than %d at once, which are not all looked at",
			maxXbFiles,
			maxXbOpen,
		)
	}
	if length < 0 || offset != next || x.p.files[name] {
		return corrupt(start, "a chunk of %s is not where the file was left", oneLine(name))
	}
	x.open[name] = next + length
	return nil
}

// body reads the bytes of a piece, and keeps those that describe the backup.
func (x *xbReader) body(name string, length int64, sum io.Writer) error {
	keep := int64(0)
	switch {
	case isCheckpoints(name), isInfo(name):
		keep = maxInfo
	case strings.HasSuffix(name, ".TRN"):
		keep = maxTriggerName
	case isRedo(name), strings.HasSuffix(name, ".frm"):
		keep = 16
	}
	for length > 0 {
		buf, err := x.in.Peek(int(min(length, 32<<10)))
		if len(buf) == 0 {
			if errors.Is(err, io.EOF) {
				return truncated(x.at, "it ends within %s", oneLine(name))
			}
			return err
		}
		sum.Write(buf) //nolint:errcheck // a hash does not fail
		if have := int64(len(x.small[name])); have < keep {
			x.small[name] = append(x.small[name], buf[:min(int64(len(buf)), keep-have)]...)
		}
		n, err := x.in.Discard(len(buf))
		x.at += int64(n)
		length -= int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *xbReader) endFile(name string) error {
	size := x.open[name]
	delete(x.open, name)
	x.p.files[name] = true
	small := x.small[name]
	delete(x.small, name)
	switch {
	case isCheckpoints(name):
		x.p.checkpoints = parseKeys(small)
	case isInfo(name):
		x.p.info = parseKeys(small)
	case isRedo(name):
		redo, err := readRedo(name, strings.NewReader(string(small)))
		if err != nil {
			return err
		}
		redo.size = size
		x.p.redo = redo
	case strings.HasSuffix(name, ".TRN"):
		x.p.trigger(name, small)
	case strings.HasSuffix(name, ".frm") && strings.HasPrefix(string(small), "TYPE=VIEW"):
		x.p.files[strings.TrimSuffix(name, ".frm")+".view"] = true
	}
	return nil
}

// finish looks for files that did not end.
func (x *xbReader) finish() error {
	for name := range x.open {
		return truncated(x.at, "%s has no end: the archive is cut short", oneLine(name))
	}
	return nil
}
