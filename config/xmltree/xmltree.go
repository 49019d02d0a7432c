// Package xmltree reads small XML configuration files into a tree that knows where each element and attribute stands.
//
// It refuses document type declarations, and with them external entities and entity bombs.
package xmltree

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"magento_migration_exporter/config/sourcefile"
)

const (
	// MaxSize is the largest document that is read, in bytes.
	MaxSize = 4 << 20
	// maxDepth is how deep elements may be nested; libxml's own limit is 256.
	maxDepth = 100
	// maxElements is how many elements a document may have.
	maxElements = 50000
	// maxAttributes is how many attributes an element may have.
	maxAttributes = 100
)

// Node is an element. A nil Node is an element that is not there: its methods return nothing.
type Node struct {
	Name       string
	Attributes []Attribute
	Children   []*Node
	sourcefile.Place
	text strings.Builder
}

// Attribute is an attribute, with the namespace (or xmlns) of its prefix.
type Attribute struct {
	Namespace, Name, Value string
	sourcefile.Place
}

// Text returns the text and CDATA directly in the element, with all white space: what PHP's SimpleXML gives as its
// string.
func (n *Node) Text() string {
	if n == nil {
		return ""
	}
	return n.text.String()
}

// TextContent returns the text and CDATA in the element and in all elements in it: what PHP's DOM gives as nodeValue.
// Text behind inner elements comes after theirs, not between them; settings have no such text.
func (n *Node) TextContent() string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	for e := range n.All() {
		b.WriteString(e.Text())
	}
	return b.String()
}

// Child follows element names downwards, taking the first element of each name. It returns nil where there is none.
func (n *Node) Child(path ...string) *Node {
	for _, name := range path {
		n = n.child(name)
	}
	return n
}

func (n *Node) child(name string) *Node {
	if n == nil {
		return nil
	}
	for _, c := range n.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Attribute returns the attribute of this name without a namespace, or nil.
func (n *Node) Attribute(name string) *Attribute {
	if n == nil {
		return nil
	}
	for i := range n.Attributes {
		if a := &n.Attributes[i]; a.Namespace == "" && a.Name == name {
			return a
		}
	}
	return nil
}

// All yields the element and all elements in it, in the order of the document.
func (n *Node) All() iter.Seq[*Node] {
	return func(yield func(*Node) bool) { n.walk(yield) }
}

func (n *Node) walk(yield func(*Node) bool) bool {
	if n == nil {
		return true
	}
	if !yield(n) {
		return false
	}
	for _, c := range n.Children {
		if !c.walk(yield) {
			return false
		}
	}
	return true
}

// Format prints the name and the place only, whatever the verb: elements hold passwords and keys.
func (n *Node) Format(f fmt.State, _ rune) {
	if n == nil {
		_, _ = io.WriteString(f, "no element")
		return
	}
	_, _ = fmt.Fprintf(f, "<%s> at %s", n.Name, n.Place)
}

// Parse reads a document and returns its root element. The error says where it is not well-formed, never what stands
// there.
func Parse(file string, data []byte) (*Node, error) {
	if err := sourcefile.CheckSize(file, len(data), MaxSize); err != nil {
		return nil, err
	}
	text, err := decode(data)
	if err != nil {
		return nil, &sourcefile.Error{File: file, Place: sourcefile.Place{Line: 1, Column: 1}, Problem: err.Error()}
	}
	p := parser{file: file, data: text, lines: sourcefile.NewLines(text)}
	p.decoder = xml.NewDecoder(bytes.NewReader(text))
	p.decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil } // decode did it
	for {
		offset := int(p.decoder.InputOffset())
		token, err := p.decoder.Token()
		switch {
		case errors.Is(err, io.EOF) && p.root == nil:
			return nil, p.errorAt(len(text), "there is no element")
		case errors.Is(err, io.EOF):
			return p.root, nil
		case err != nil:
			return nil, p.syntaxError(err)
		}
		if err := p.add(token, offset); err != nil {
			return nil, err
		}
	}
}

var encodingDeclaration = regexp.MustCompile(`^<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)

// decode returns the document as UTF-8 without a byte order mark.
func decode(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return decodeUTF16(data[2:], binary.LittleEndian), nil
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return decodeUTF16(data[2:], binary.BigEndian), nil
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	declared := ""
	if m := encodingDeclaration.FindSubmatch(data); m != nil {
		declared = strings.ToLower(string(m[1]))
	}
	switch declared {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return data, nil
	case "iso-8859-1", "latin1":
		decoded := make([]byte, 0, len(data))
		for _, b := range data {
			decoded = utf8.AppendRune(decoded, rune(b))
		}
		return decoded, nil
	}
	return nil, errors.New("the declared encoding is not one that is read here: save the file as UTF-8")
}

func decodeUTF16(data []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, 0, len(data)/2)
	for ; len(data) > 1; data = data[2:] {
		units = append(units, order.Uint16(data))
	}
	return []byte(string(utf16.Decode(units)))
}

type parser struct {
	file     string
	data     []byte
	lines    sourcefile.Lines
	decoder  *xml.Decoder
	root     *Node
	open     []*Node
	elements int
}

func (p *parser) errorAt(offset int, format string, args ...any) error {
	return &sourcefile.Error{File: p.file, Place: p.lines.At(offset), Problem: fmt.Sprintf(format, args...)}
}

// add adds a token that begins at an offset to the tree.
func (p *parser) add(token xml.Token, offset int) error {
	switch t := token.(type) {
	case xml.StartElement:
		return p.startElement(t, offset)
	case xml.EndElement:
		p.open = p.open[:len(p.open)-1]
	case xml.CharData:
		if len(p.open) > 0 {
			p.open[len(p.open)-1].text.Write(t)
		} else if text := bytes.TrimLeft(t, " \t\r\n"); len(text) > 0 {
			return p.errorAt(offset+len(t)-len(text), "text stands outside of the root element")
		}
	case xml.Directive:
		return p.errorAt(offset, "a document type declaration is not read here: remove it")
	case xml.ProcInst:
		if t.Target == "xml" && offset > 0 {
			return p.errorAt(offset, "the XML declaration is not at the start of the file")
		}
	}
	return nil
}

func (p *parser) startElement(start xml.StartElement, offset int) error {
	n := &Node{Name: start.Name.Local, Place: p.lines.At(offset)}
	if len(start.Attr) > maxAttributes {
		return p.errorAt(offset, "this element has more than %d attributes", maxAttributes)
	}
	places := p.attributeOffsets(offset, len(start.Attr))
	for i, a := range start.Attr {
		for _, other := range n.Attributes {
			if other.Name == a.Name.Local && other.Namespace == a.Name.Space {
				return p.errorAt(places[i], "this attribute stands twice in the element")
			}
		}
		n.Attributes = append(
			n.Attributes,
			Attribute{Namespace: a.Name.Space, Name: a.Name.Local, Value: a.Value, Place: p.lines.At(places[i])},
		)
	}
	p.elements++
	switch {
	case p.elements > maxElements:
		return p.errorAt(offset, "there are more than %d elements", maxElements)
	case len(p.open) == maxDepth:
		return p.errorAt(offset, "elements are nested deeper than %d levels", maxDepth)
	case len(p.open) > 0:
		parent := p.open[len(p.open)-1]
		parent.Children = append(parent.Children, n)
	case p.root != nil:
		return p.errorAt(offset, "a second root element begins here")
	default:
		p.root = n
	}
	p.open = append(p.open, n)
	return nil
}

// attributeOffsets returns where the attributes of a well-formed start tag begin.
func (p *parser) attributeOffsets(offset, count int) []int {
	offsets := make([]int, 0, count)
	tag := p.data[offset:p.decoder.InputOffset()]
	i := bytes.IndexAny(tag, " \t\r\n")
	for ; len(offsets) < count; i++ {
		for strings.IndexByte(" \t\r\n", tag[i]) >= 0 {
			i++
		}
		offsets = append(offsets, offset+i)
		i += bytes.IndexAny(tag[i:], `"'`)
		i += 1 + bytes.IndexByte(tag[i+1:], tag[i])
	}
	return offsets
}

// syntaxError says what is wrong without a word of the document: the parser's own messages quote it.
func (p *parser) syntaxError(err error) error {
	offset := int(p.decoder.InputOffset())
	opened := ""
	if len(p.open) > 0 {
		opened = fmt.Sprintf(" of line %d", p.open[len(p.open)-1].Line)
	}
	message := err.Error()
	if strings.Contains(message, "invalid character entity") { // the decoder stops behind it
		offset = max(0, bytes.LastIndexByte(p.data[:offset], '&'))
	}
	for _, known := range []struct{ part, problem string }{
		{"unexpected EOF", "the file ends before the element" + opened + " does"},
		{"invalid character entity", "there is an & that begins no entity of XML: write &amp; for the character " +
			"itself"},
		{"illegal character code", "there is a control character that XML does not allow"},
		{"invalid UTF-8", "there is a byte that is not UTF-8"},
		{"closed by", "this end tag is not that of the element" + opened},
		{"unexpected end element", "this end tag closes nothing"},
		{"unescaped <", "there is a < in an attribute: write &lt; for the character itself"},
		{"expected element name after <", "there is a < that begins no element: write &lt; for the character itself"},
		{"expected attribute name", "an attribute is missing here"},
		{"attribute name without =", "this attribute has no value"},
		{"attribute value", "the value of this attribute is not in quotes"},
		{"unescaped ]]>", "there is a ]]> outside of a CDATA section"},
		{"sequence \"--\"", "there is a -- in a comment"},
		{"unsupported version", "this is not XML 1.0"},
	} {
		if strings.Contains(message, known.part) {
			return p.errorAt(offset, "%s", known.problem)
		}
	}
	return p.errorAt(offset, "this is not well-formed XML")
}
