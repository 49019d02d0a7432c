package collector

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// block is a piece of an exposition that is rendered and compressed once, and then only copied.
type block struct {
	text []byte
	// deflated is text as deflate blocks that end on a whole byte and refer to nothing before them, so that blocks in any order make
	// one stream.
	deflated []byte
	checksum checksum
}

func newBlock(text []byte) block {
	var b bytes.Buffer
	_ = flate.StatelessDeflate(&b, text, false, nil) // memory takes everything
	return block{text, bytes.Clone(b.Bytes()), newChecksum(text)}
}

// blocks returns the samples of each family, in the order of descriptions. Rendering happens once, when the results are new.
func (s *MigrationState) blocks() []block {
	if s.rendered == nil {
		return nil
	}
	return s.rendered()
}

// render writes each family's samples. Numbers are written as the text format has them, which OpenMetrics reads too.
func (s *MigrationState) render() []block {
	byFamily := map[family][]Sample{}
	for _, sample := range s.samples() {
		byFamily[sample.family] = append(byFamily[sample.family], sample)
	}
	all := descriptions()
	blocks := make([]block, len(all))
	var text []byte
	for i, d := range all {
		text = text[:0]
		for _, sample := range byFamily[d.family] {
			text = appendSample(text, &d, s.Migration.Name, sample)
		}
		if len(text) > 0 {
			blocks[i] = newBlock(bytes.Clone(text)) // without the room to grow, of which there would be as much for each migration
		}
	}
	return blocks
}

func appendSample(b []byte, d *description, migration string, s Sample) []byte {
	b = append(b, d.name()...)
	b = append(b, `{migration="`...)
	b = appendLabelValue(b, migration)
	for i, label := range d.labels {
		b = append(b, `",`...)
		b = append(b, label...)
		b = append(b, `="`...)
		b = appendLabelValue(b, s.labels[i])
	}
	b = append(b, `"} `...)
	b = strconv.AppendFloat(b, s.value, 'g', -1, 64)
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

// Formats are the formats that Exposition writes, the preferred one first. Results are kept as text, so protobuf is not among them.
func Formats() []expfmt.Format {
	return []expfmt.Format{expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtOpenMetrics_0_0_1, expfmt.FmtText}
}

// Exposition is what a scrape answers: one snapshot of the board, in one of Formats, the samples of each family in one block.
type Exposition struct {
	// head holds families that are rendered for this scrape, tail what ends the format.
	head, tail block
	layout     *layout
	states     []*MigrationState
	buffers    *sync.Pool
}

// layout is the part of an exposition that never changes in one format.
type layout struct {
	headers []block
	order   []int
	tail    block
}

// Expositor makes expositions.
type Expositor struct {
	text, openMetrics *layout
	buffers           sync.Pool
}

// bufferSize joins the blocks, which are small, into writes of this many bytes.
const bufferSize = 32 << 10

// NewExpositor returns an expositor, which can be used by several goroutines.
func NewExpositor() *Expositor {
	return &Expositor{
		text: newLayout(expfmt.TypeTextPlain), openMetrics: newLayout(expfmt.TypeOpenMetrics),
		buffers: sync.Pool{New: func() any { return bufio.NewWriterSize(nil, bufferSize) }},
	}
}

func newLayout(format expfmt.FormatType) *layout {
	l := &layout{}
	if format == expfmt.TypeOpenMetrics {
		l.tail = newBlock([]byte("# EOF\n"))
	}
	all := descriptions()
	for i, d := range all {
		l.order = append(l.order, i)
		l.headers = append(l.headers, newBlock(d.header(format)))
	}
	slices.SortFunc(l.order, func(a, b int) int { return strings.Compare(all[a].name(), all[b].name()) })
	return l
}

func (d *description) name() string {
	return prometheus.BuildFQName(Namespace, "", string(d.family))
}

// header is what stands before a family's samples. OpenMetrics leaves a counter's suffix to its samples.
func (d *description) header(format expfmt.FormatType) []byte {
	name, kind := d.name(), "gauge"
	if d.kind == prometheus.CounterValue {
		kind = "counter"
		if format == expfmt.TypeOpenMetrics {
			name = strings.TrimSuffix(name, "_total")
		}
	}
	return fmt.Appendf(nil, "# HELP %s %s\n# TYPE %s %s\n", name, d.help, name, kind)
}

// New makes the exposition of a snapshot, after families that are none of a migration's, like the exporter's own.
func (x *Expositor) New(format expfmt.Format, families []*dto.MetricFamily, states []*MigrationState) (*Exposition, error) {
	l := x.text
	if format.FormatType() == expfmt.TypeOpenMetrics {
		l = x.openMetrics
	}
	head, err := encode(format, families)
	return &Exposition{head: head, layout: l, tail: l.tail, states: states, buffers: &x.buffers}, err
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
				blocks := state.blocks()
				if blocks == nil || blocks[family].text == nil {
					continue
				}
				if !begun && !yield(e.layout.headers[family]) || !yield(blocks[family]) {
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
		size += len(b.text)
	}
	return size
}

// WriteTo implements io.WriterTo.
func (e *Exposition) WriteTo(w io.Writer) (int64, error) {
	var written int64
	err := e.buffered(w, func(w *bufio.Writer) error {
		for b := range e.blocks() {
			n, err := w.Write(b.text)
			written += int64(n)
			if err != nil {
				return err
			}
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

// What RFC 1952 puts around a deflate stream: no name, no time, compressed in the fastest way, on an unknown system.
var gzipHeader = [...]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff}

// lastBlock is an empty deflate block that ends a stream.
var lastBlock = [...]byte{1, 0, 0, 0xff, 0xff}

// checksumAndSize is the length of what ends a gzip member.
const checksumAndSize = 8

// GzipSize returns how many bytes WriteGzip writes.
func (e *Exposition) GzipSize() int {
	size := len(gzipHeader) + len(lastBlock) + checksumAndSize
	for b := range e.blocks() {
		size += len(b.deflated)
	}
	return size
}

// WriteGzip writes one gzip member. Nothing is compressed for it but the head: the rest was when it was rendered.
func (e *Exposition) WriteGzip(w io.Writer) error {
	return e.buffered(w, func(w *bufio.Writer) error {
		if _, err := w.Write(gzipHeader[:]); err != nil {
			return err
		}
		var sum, size uint32
		for b := range e.blocks() {
			sum = b.checksum.after(sum, b.text)
			size += uint32(len(b.text)) //nolint:gosec // modulo 2^32, as RFC 1952 says
			if _, err := w.Write(b.deflated); err != nil {
				return err
			}
		}
		end := binary.LittleEndian.AppendUint32(lastBlock[:], sum)
		_, err := w.Write(binary.LittleEndian.AppendUint32(end, size))
		return err
	})
}
