// Package exposition renders the metrics of migrations in Prometheus's formats. Results are rendered and compressed
// once, when they are new; a scrape only copies them.
package exposition

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
)

// block is a piece of an exposition that is rendered and compressed once, and then only copied.
type block struct {
	// lineStart is what each line begins with and text leaves out, in two parts; the first is empty for a whole text.
	lineStart [2]string
	text      []byte
	// size is the length of the text with the beginnings of its lines.
	size int
	// deflated is the whole text as deflate blocks. They end on a whole byte and refer to nothing before them: blocks
	// in any order make one stream.
	deflated []byte
	checksum checksum
}

func newBlock(text []byte) block {
	return block{
		text: text, size: len(text), deflated: bytes.Clone(deflate(nil, text)), checksum: newChecksum(text),
	}
}

// deflate appends a text as deflate blocks.
func deflate(to, text []byte) []byte {
	b := bytes.NewBuffer(to)
	_ = flate.StatelessDeflate(b, text, false, nil) // writing to memory does not fail
	return b.Bytes()
}

// writeTo writes the whole text.
func (b *block) writeTo(w *bufio.Writer) error {
	if b.lineStart[0] == "" {
		_, err := w.Write(b.text)
		return err
	}
	for line := range bytes.Lines(b.text) {
		_, _ = w.WriteString(b.lineStart[0]) // an error stays, and comes again below
		_, _ = w.WriteString(b.lineStart[1])
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// after returns the CRC-32 of two texts: the first has the sum before, the second is the block's.
func (b *block) after(before uint32) uint32 {
	if b.lineStart[0] == "" && b.size < joinedFrom {
		return crc32.Update(before, crc32.IEEETable, b.text)
	}
	return b.checksum.after(before)
}

// rendering is all samples of a migration. A thousand of them are kept: what all lines of a family begin with is left
// out, and all families share three pieces of memory.
type rendering struct {
	// migration is how each line goes on after the name of its family.
	migration      string
	text, deflated []byte
	// pieces come in the order of the expositor's families.
	pieces []piece
}

// piece is the samples of one family in a rendering.
type piece struct {
	// text and deflated are where they end; they begin where those of the family before end.
	text, deflated uint32
	// size and checksum are as in block.
	size     uint32
	checksum checksum
}

// block returns a family's samples, false when there are none.
func (r *rendering) block(family int, name string) (block, bool) {
	var from piece
	if family > 0 {
		from = r.pieces[family-1]
	}
	to := r.pieces[family]
	return block{
		lineStart: [2]string{name, r.migration},
		text:      r.text[from.text:to.text],
		size:      int(to.size),
		deflated:  r.deflated[from.deflated:to.deflated],
		checksum:  to.checksum,
	}, to.size > 0
}

// renderingOf returns the samples of a state; nil before the first evaluation.
func renderingOf(s *collector.MigrationState) *rendering {
	r, _ := s.Rendering().(*rendering)
	return r
}

// Render writes each family's samples of a state; the board keeps them. Numbers are in the notation of the text format,
// which is valid in OpenMetrics too.
func (x *Expositor) Render(s *collector.MigrationState) collector.Rendering {
	byFamily := map[string][]finding.Sample{}
	for _, sample := range Samples(s) {
		byFamily[sample.Family] = append(byFamily[sample.Family], sample)
	}
	migration := string(appendLabelValue([]byte(`{migration="`), s.Migration.Name))
	r := &rendering{migration: migration, pieces: make([]piece, len(x.families))}
	var whole, text, deflated []byte
	for i := range x.families {
		f := &x.families[i]
		whole = whole[:0]
		for _, sample := range byFamily[f.Name] {
			whole = append(append(whole, x.names[i]...), migration...)
			rest := len(whole)
			whole = appendSample(whole, f, sample)
			text = append(text, whole[rest:]...)
		}
		if len(whole) > 0 {
			deflated = deflate(deflated, whole)
			r.pieces[i].checksum = newChecksum(whole)
		}
		r.pieces[i].text, r.pieces[i].deflated = uint32(len(text)), uint32(len(deflated))
		r.pieces[i].size = uint32(len(whole))
	}
	r.text, r.deflated = bytes.Clone(text), bytes.Clone(deflated) // clones have little spare capacity
	return r
}

// appendSample appends what follows the name of the migration in a sample's line.
func appendSample(b []byte, f *finding.Family, s finding.Sample) []byte {
	for i, label := range f.Labels {
		b = append(b, `",`...)
		b = append(b, label...)
		b = append(b, `="`...)
		b = appendLabelValue(b, s.Labels[i])
	}
	b = append(b, `"} `...)
	b = strconv.AppendFloat(b, s.Value, 'g', -1, 64)
	return append(b, '\n')
}

// appendLabelValue escapes what both formats escape.
func appendLabelValue(b []byte, value string) []byte {
	value = strings.ToValidUTF8(value, "\uFFFD")
	for i := range len(value) {
		switch c := value[i]; c {
		case '\\', '"':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, c)
		}
	}
	return b
}

// Formats are the formats that Exposition writes, the preferred one first. Protobuf is not one of them, because results
// are kept as text.
func Formats() []expfmt.Format {
	return []expfmt.Format{expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtOpenMetrics_0_0_1, expfmt.FmtText}
}

// Exposition is the answer to a scrape: one snapshot of the board in one of Formats, the samples of each family
// together.
type Exposition struct {
	// head holds the families that are rendered for this scrape, tail the end marker of the format.
	head, tail block
	layout     *layout
	names      []string
	states     []*collector.MigrationState
	buffers    *sync.Pool
}

// layout is the part of an exposition that never changes in one format.
type layout struct {
	headers []block
	order   []int
	tail    block
}

// Expositor renders states and makes expositions of them.
type Expositor struct {
	families          []finding.Family
	names             []string // with the namespace
	text, openMetrics *layout
	buffers           sync.Pool
}

// bufferSize joins the blocks, which are small, into writes of this many bytes.
const bufferSize = 32 << 10

// NewExpositor returns an expositor for migrations with a catalogue's preconditions. Several goroutines can use it.
func NewExpositor(catalogue precondition.Catalogue) *Expositor {
	families := Families(catalogue)
	names := make([]string, len(families))
	for i := range families {
		names[i] = families[i].FullName()
	}
	return &Expositor{
		families:    families,
		names:       names,
		text:        newLayout(expfmt.TypeTextPlain, families),
		openMetrics: newLayout(expfmt.TypeOpenMetrics, families),
		buffers:     sync.Pool{New: func() any { return bufio.NewWriterSize(nil, bufferSize) }},
	}
}

func newLayout(format expfmt.FormatType, families []finding.Family) *layout {
	l := &layout{}
	if format == expfmt.TypeOpenMetrics {
		l.tail = newBlock([]byte("# EOF\n"))
	}
	for i := range families {
		l.order = append(l.order, i)
		l.headers = append(l.headers, newBlock(header(&families[i], format)))
	}
	slices.SortFunc(l.order, func(a, b int) int { return strings.Compare(families[a].Name, families[b].Name) })
	return l
}

// header is the HELP and TYPE lines of a family. In OpenMetrics only a counter's samples have the suffix _total.
func header(f *finding.Family, format expfmt.FormatType) []byte {
	name, kind := f.FullName(), "gauge"
	if f.Counter {
		kind = "counter"
		if format == expfmt.TypeOpenMetrics {
			name = strings.TrimSuffix(name, "_total")
		}
	}
	return fmt.Appendf(nil, "# HELP %s %s\n# TYPE %s %s\n", name, f.Help, name, kind)
}

// New makes the exposition of a snapshot. The given families, for example the exporter's own, come first.
func (x *Expositor) New(
	format expfmt.Format, families []*dto.MetricFamily, states []*collector.MigrationState,
) (*Exposition, error) {
	l := x.text
	if format.FormatType() == expfmt.TypeOpenMetrics {
		l = x.openMetrics
	}
	head, err := encode(format, families)
	return &Exposition{head: head, layout: l, tail: l.tail, names: x.names, states: states, buffers: &x.buffers}, err
}

func encode(format expfmt.Format, families []*dto.MetricFamily) (block, error) {
	if len(families) == 0 {
		return block{}, nil
	}
	var text bytes.Buffer
	encoder := expfmt.NewEncoder(&text, format)
	for _, f := range families {
		if err := encoder.Encode(f); err != nil {
			return block{}, fmt.Errorf("encoding %s: %w", f.GetName(), err)
		}
	}
	return newBlock(text.Bytes()), nil
}

// blocks yields the pieces in the order in which they are written.
func (e *Exposition) blocks() iter.Seq[block] {
	return func(yield func(block) bool) {
		if !yield(e.head) {
			return
		}
		for _, family := range e.layout.order {
			begun := false
			for _, state := range e.states {
				r := renderingOf(state)
				if r == nil {
					continue
				}
				b, seen := r.block(family, e.names[family])
				if !seen {
					continue
				}
				if !begun && !yield(e.layout.headers[family]) || !yield(b) {
					return
				}
				begun = true
			}
		}
		yield(e.tail)
	}
}

// Size returns how many bytes WriteTo writes.
func (e *Exposition) Size() int {
	size := 0
	for b := range e.blocks() {
		size += b.size
	}
	return size
}

// WriteTo implements io.WriterTo.
func (e *Exposition) WriteTo(w io.Writer) (int64, error) {
	var written int64
	err := e.buffered(w, func(w *bufio.Writer) error {
		for b := range e.blocks() {
			if err := b.writeTo(w); err != nil {
				return err
			}
			written += int64(b.size)
		}
		return nil
	})
	return written, err
}

func (e *Exposition) buffered(w io.Writer, write func(*bufio.Writer) error) error {
	buffer := e.buffers.Get().(*bufio.Writer)
	defer e.buffers.Put(buffer)
	buffer.Reset(w)
	defer buffer.Reset(nil)
	if err := write(buffer); err != nil {
		return err
	}
	return buffer.Flush()
}

// gzipHeader begins a gzip member (RFC 1952): no name, no time, fastest compression, unknown system.
var gzipHeader = [...]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff}

// lastBlock is an empty deflate block that ends a stream.
var lastBlock = [...]byte{1, 0, 0, 0xff, 0xff}

// checksumAndSize is the length of the end of a gzip member.
const checksumAndSize = 8

// GzipSize returns how many bytes WriteGzip writes.
func (e *Exposition) GzipSize() int {
	size := len(gzipHeader) + len(lastBlock) + checksumAndSize
	for b := range e.blocks() {
		size += len(b.deflated)
	}
	return size
}

// WriteGzip writes one gzip member. It compresses only the head: the rest was compressed when it was rendered.
func (e *Exposition) WriteGzip(w io.Writer) error {
	return e.buffered(w, func(w *bufio.Writer) error {
		if _, err := w.Write(gzipHeader[:]); err != nil {
			return err
		}
		var sum, size uint32
		for b := range e.blocks() {
			sum = b.after(sum)
			size += uint32(b.size) //nolint:gosec // modulo 2^32, as RFC 1952 says
			if _, err := w.Write(b.deflated); err != nil {
				return err
			}
		}
		end := binary.LittleEndian.AppendUint32(lastBlock[:], sum)
		_, err := w.Write(binary.LittleEndian.AppendUint32(end, size))
		return err
	})
}
