package sourcefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Field is a member of a JSON object.
type Field struct {
	Name  string
	Value json.RawMessage
	// Offset is where the value begins in the file.
	Offset int
}

// JSONFields returns the members of the object that a JSON file consists of, in order, also those with one name.
func JSONFields(file string, data []byte) ([]Field, error) {
	fail := func(offset int, problem string) error {
		return &Error{File: file, Place: NewLines(data).At(offset), Problem: problem}
	}
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return nil, fail(0, "the file begins with a byte order mark, which no reader of JSON accepts")
	}
	var all json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		syntax, ok := errors.AsType[*json.SyntaxError](err)
		if !ok || int(syntax.Offset) >= len(data) && err.Error() == "unexpected end of JSON input" {
			return nil, fail(len(data), "the file ends in the middle of the JSON")
		}
		return nil, fail(int(syntax.Offset)-1, "this is not well-formed JSON: "+withoutCharacter(err.Error()))
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fail(0, "the file is not a JSON object")
	}
	var fields []Field
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, fail(int(d.InputOffset()), err.Error())
		}
		f := Field{Name: fmt.Sprint(name)}
		if err := d.Decode(&f.Value); err != nil {
			return nil, fail(int(d.InputOffset()), err.Error())
		}
		f.Offset = int(d.InputOffset()) - len(f.Value)
		fields = append(fields, f)
	}
	return fields, nil
}

// withoutCharacter takes the character out of a decoder's message, which can be a password's.
func withoutCharacter(message string) string {
	const invalid = "invalid character '"
	if rest, ok := strings.CutPrefix(message, invalid); ok {
		if _, what, ok := strings.Cut(rest, "' "); ok {
			return "a character that is not allowed " + what
		}
	}
	return message
}

// Decode reads the value of a field. Its error says where in the file something is of another type than v.
func (f Field) Decode(file string, data []byte, v any) error {
	err := json.Unmarshal(f.Value, v)
	if err == nil {
		return nil
	}
	place, name := NewLines(data).At(f.Offset), f.Name
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		place = NewLines(data).At(f.Offset + int(mismatch.Offset) - 1)
		if mismatch.Field != "" {
			name += "." + mismatch.Field
		}
	}
	return &Error{File: file, Place: place, Problem: fmt.Sprintf("the value of %q is of the wrong type", name)}
}
