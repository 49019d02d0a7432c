package phparray

import (
	"bytes"
	"strconv"

	"magento_migration_exporter/config/sourcefile"
)

// Unserialize reads what PHP's serialize() wrote: arrays, strings, numbers, booleans and null.
// Objects and references, which make PHP's own unserialize() dangerous, are refused.
func Unserialize(file string, data []byte) (*Value, error) {
	if err := sourcefile.CheckSize(file, len(data), MaxSize); err != nil {
		return nil, err
	}
	u := &unserializer{lexer: lexer{file: file, data: data, lines: sourcefile.NewLines(data)}}
	v, err := u.value()
	if err == nil && len(bytes.TrimSpace(data[u.pos:])) > 0 {
		err = u.errorAt(u.pos, "something follows the serialized value")
	}
	return v, err
}

// unserializer shares the position and the errors of the lexer.
type unserializer struct {
	lexer
	nesting int
}

func (u *unserializer) value() (*Value, error) {
	start := u.pos
	v := &Value{lines: &u.lines, offset: start}
	tag := u.at(0)
	switch {
	case start >= len(u.data):
		return nil, u.errorAt(start, "the file ends in the middle of a serialized value")
	case tag == 'N' && u.at(1) == ';':
		v.kind = Null
		u.pos += 2
		return v, nil
	case u.at(1) != ':':
		return nil, u.errorAt(start, "this is no serialized value")
	}
	u.pos += 2
	var err error
	switch tag {
	case 'b', 'i':
		v.kind = map[byte]Kind{'b': Bool, 'i': Int}[tag]
		v.number, err = u.integer(';')
		if tag == 'b' && v.number != 0 && v.number != 1 {
			err = u.errorAt(start, "this is no boolean")
		}
	case 'd':
		v.kind = Float
		v.float, err = u.floatingPoint()
	case 's':
		v.kind = String
		v.text, err = u.text()
	case 'a':
		v.kind, v.elements = Array, newArray().elements
		err = u.array(v)
	case 'O', 'C', 'E', 'R', 'r':
		err = u.errorAt(start, "objects and references are not read")
	default:
		err = u.errorAt(start, "this is no serialized value")
	}
	return v, err
}

// until returns what stands before the next occurrence of a byte and moves behind that.
func (u *unserializer) until(end byte) (string, error) {
	rest := u.data[min(u.pos, len(u.data)):]
	// No number is longer: a file without the byte is not searched again and again.
	n := bytes.IndexByte(rest[:min(len(rest), 64)], end)
	if n < 0 {
		return "", u.errorAt(u.pos, "a number and %q are missing here", end)
	}
	u.pos += n + 1
	return string(rest[:n]), nil
}

func (u *unserializer) integer(end byte) (int64, error) {
	start := u.pos
	text, err := u.until(end)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, u.errorAt(start, "this is no number")
	}
	return n, nil
}

func (u *unserializer) floatingPoint() (float64, error) {
	start := u.pos
	text, err := u.until(';')
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, u.errorAt(start, "this is no number")
	}
	return f, nil
}

// text reads the length in bytes and the text in quotes.
func (u *unserializer) text() (string, error) {
	start := u.pos
	length, err := u.integer(':')
	if err != nil {
		return "", err
	}
	rest := u.data[u.pos:]
	if length < 0 || length > int64(len(rest))-3 || rest[0] != '"' || string(rest[length+1:length+3]) != `";` {
		return "", u.errorAt(start, "the string is not as long as it says")
	}
	u.pos += int(length) + 3
	return string(rest[1 : length+1]), nil
}

func (u *unserializer) array(v *Value) error {
	start := u.pos
	if u.nesting++; u.nesting > maxDepth {
		return u.errorAt(start, "arrays are nested deeper than %d levels", maxDepth)
	}
	defer func() { u.nesting-- }()
	count, err := u.integer(':')
	if err != nil {
		return err
	}
	if count < 0 {
		return u.errorAt(start, "an array cannot have fewer than no elements")
	}
	if u.at(0) != '{' {
		return u.errorAt(u.pos, "a { is missing here")
	}
	u.pos++
	for range count {
		key, err := u.value()
		if err != nil {
			return err
		}
		if key.kind != Int && key.kind != String {
			return u.errorAt(key.offset, "a value of type %s cannot be a key", key.kind)
		}
		element, err := u.value()
		if err != nil {
			return err
		}
		name, _ := key.Text()
		v.set(name, element)
	}
	if u.at(0) != '}' {
		return u.errorAt(u.pos, "the array does not end where it should")
	}
	u.pos++
	return nil
}
