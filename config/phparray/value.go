package phparray

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"

	"magento_migration_exporter/config/sourcefile"
)

// Kind is the type of a value.
type Kind uint8

// The kinds of values. An Unknown value is one that only PHP could compute.
const (
	Unknown Kind = iota
	Null
	Bool
	Int
	Float
	String
	Array
)

// String names the kind as PHP's gettype does, roughly.
func (k Kind) String() string {
	return [...]string{"unknown", "null", "bool", "int", "float", "string", "array"}[k]
}

// Value is a PHP value that was written as a literal, or Unknown. Values hold secrets: they print their kind and their
// place only.
type Value struct {
	kind   Kind
	lines  *sourcefile.Lines // nil when the value does not stem from a file
	offset int
	text   string // String, and the reason of Unknown
	number int64  // Int, and 1 for true
	float  float64
	*elements
}

// elements are what an array holds.
type elements struct {
	entries []entry
	index   map[string]int
	certain []int  // the entries that were set since the last element with a computed key
	next    int64  // the key that the next element without one gets
	auto    bool   // next is known
	open    *Value // the first element whose key is not known, if any
}

type entry struct {
	key   string
	value *Value
}

// Kind returns the value's type. A nil Value has no type and must not be asked.
func (v *Value) Kind() Kind { return v.kind }

// Place returns where the value begins; it is zero when the value does not stem from a file.
func (v *Value) Place() sourcefile.Place {
	if v.lines == nil {
		return sourcefile.Place{}
	}
	return v.lines.At(v.offset)
}

// Reason says why an Unknown value is unknown, and is empty otherwise.
func (v *Value) Reason() string {
	if v.kind == Unknown {
		return v.text
	}
	return ""
}

// Text returns a scalar as PHP converts it to a string. It is false for arrays, unknown values and floats, whose text
// depends on PHP's settings.
func (v *Value) Text() (string, bool) {
	switch v.kind {
	case String:
		return v.text, true
	case Null:
		return "", true
	case Bool:
		if v.number == 1 {
			return "1", true
		}
		return "", true
	case Int:
		return strconv.FormatInt(v.number, 10), true
	}
	return "", false
}

// Truth returns what PHP takes the value for in a condition. It is false, false for unknown values.
func (v *Value) Truth() (truth, known bool) {
	switch v.kind {
	case Unknown:
		return false, false
	case String:
		return v.text != "" && v.text != "0", true
	case Float:
		return v.float != 0, true
	case Array:
		return len(v.entries) > 0, len(v.entries) > 0 || v.open == nil
	}
	return v.number != 0, true
}

// Get follows keys from array to array. It returns nil when the last array is known to have no such key, and an Unknown
// value when only PHP could tell. A key is the text of a PHP key: "8" is the integer 8, as in PHP itself.
func (v *Value) Get(keys ...string) *Value {
	for _, key := range keys {
		if v.kind == Unknown {
			return v
		}
		if v.kind != Array {
			return nil
		}
		if i, ok := v.index[key]; ok {
			v = v.entries[i].value
		} else if v = v.open; v == nil {
			return nil
		}
	}
	return v
}

// Entries yields the known keys of an array with their values, in PHP's order.
func (v *Value) Entries() iter.Seq2[string, *Value] {
	return func(yield func(string, *Value) bool) {
		if v.elements == nil {
			return
		}
		for _, e := range v.entries {
			if !yield(e.key, e.value) {
				return
			}
		}
	}
}

// Open returns the first element of an array whose key only PHP could compute, or nil. An array with one may have any
// further key.
func (v *Value) Open() *Value {
	if v.elements == nil {
		return nil
	}
	return v.open
}

// Format prints the kind and the place, whatever the verb, because values hold passwords and keys.
func (v *Value) Format(f fmt.State, _ rune) {
	if v == nil {
		_, _ = io.WriteString(f, "absent")
		return
	}
	_, _ = fmt.Fprintf(f, "%s at %s", v.kind, v.Place())
}

// MarshalJSON writes what Format prints.
func (v *Value) MarshalJSON() ([]byte, error) {
	return json.Marshal(fmt.Sprint(v))
}

// NewString returns a string that does not stem from a file.
func NewString(text string) *Value {
	return &Value{kind: String, text: text}
}

// Replace returns base with the elements of another array in it, those with equal keys replaced, as PHP's array_replace
// does.
func Replace(base, other *Value) *Value {
	result := newArray()
	result.lines, result.offset = base.lines, base.offset
	switch base.kind {
	case Array:
		for key, v := range base.Entries() {
			result.set(key, v)
		}
		result.open = base.open
	case Unknown:
		result.open = base
	}
	for key, v := range other.Entries() {
		result.set(key, v)
	}
	return result
}

func newArray() *Value {
	return &Value{kind: Array, elements: &elements{index: map[string]int{}, auto: true}}
}

// set adds an element under a key, as PHP does: a key that is there keeps its position and gets the new value.
func (v *Value) set(key string, value *Value) {
	i, exists := v.index[key]
	if !exists {
		i = len(v.entries)
		v.index[key] = i
		v.entries = append(v.entries, entry{key: key})
	}
	v.entries[i].value = value
	v.certain = append(v.certain, i)
	n, isInt := integerKey(key)
	switch {
	case !isInt || !v.auto:
	case n < 0:
		// What follows a negative key is 0 in older releases of PHP and n+1 in newer ones.
		v.auto = v.next > 0
	case n == math.MaxInt64:
		v.auto = false
	default:
		v.next = max(v.next, n+1)
	}
}

// add appends an element without a key.
func (v *Value) add(value *Value) {
	if v.auto {
		v.set(strconv.FormatInt(v.next, 10), value)
		return
	}
	// The new key is not known, but it is new: nothing is replaced.
	if v.open == nil {
		v.open = value.unknown("has a key that depends on the release of PHP")
	}
}

// widen notes an element whose key is not known. It may replace any element before it, so none of those is known any
// more.
func (v *Value) widen(element *Value) {
	if v.open == nil {
		v.open = element
	}
	v.auto = false
	for _, i := range v.certain {
		e := &v.entries[i]
		e.value = e.value.unknown("may be replaced by an element further down, whose key PHP computes")
	}
	v.certain = v.certain[:0]
}

// unknown returns an Unknown value at the place of v.
func (v *Value) unknown(reason string) *Value {
	return &Value{kind: Unknown, lines: v.lines, offset: v.offset, text: reason}
}

// integerKey reports whether a string key is one that PHP turns into an integer.
func integerKey(key string) (int64, bool) {
	n, err := strconv.ParseInt(key, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == key
}

// castKey returns the text of the key that PHP makes of a scalar. It is false when that is not certain.
func castKey(v *Value) (string, bool) {
	switch {
	case v.kind == Float && (math.IsNaN(v.float) || math.Abs(v.float) >= 1<<63):
		return "", false
	case v.kind == Float:
		return strconv.FormatInt(int64(v.float), 10), true
	case v.kind == Bool:
		return strconv.FormatInt(v.number, 10), true
	}
	return v.Text()
}

// maxJSONDepth is PHP's own limit in json_decode.
const maxJSONDepth = 512

// FromJSON turns a JSON object into the array that PHP's json_decode makes of it. PHP takes anything that is not JSON
// for null, and Magento ignores it: that is the error here.
func FromJSON(data []byte) (*Value, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := decodeJSON(d, 0)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("more follows")
		}
	}
	if err != nil {
		return nil, errors.New("is not JSON")
	}
	return v, nil
}

func decodeJSON(d *json.Decoder, depth int) (*Value, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxJSONDepth {
		return nil, fmt.Errorf("is nested deeper than %d levels", maxJSONDepth)
	}
	switch t := t.(type) {
	case json.Delim:
		return decodeJSONArray(d, t == '{', depth)
	case bool:
		return boolean(t), nil
	case string:
		return &Value{kind: String, text: t}, nil
	case json.Number:
		if n, err := strconv.ParseInt(t.String(), 10, 64); err == nil {
			return &Value{kind: Int, number: n}, nil
		}
		f, err := t.Float64()
		return &Value{kind: Float, float: f}, err
	}
	return &Value{kind: Null}, nil
}

func decodeJSONArray(d *json.Decoder, object bool, depth int) (*Value, error) {
	array := newArray()
	for d.More() {
		key := ""
		if object {
			t, err := d.Token()
			if err != nil {
				return nil, err
			}
			key, _ = t.(string)
		}
		v, err := decodeJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		if object {
			array.set(key, v)
		} else {
			array.add(v)
		}
	}
	_, err := d.Token()
	return array, err
}

func boolean(b bool) *Value {
	v := &Value{kind: Bool}
	if b {
		v.number = 1
	}
	return v
}
