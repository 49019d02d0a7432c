package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// keyTable has the keys of each type that a configuration can have, by the type's name in the decoder's messages.
type keyTable map[string][]string

// newKeyTable lists the keys of the file and of the preconditions' sections.
func newKeyTable(sections []Section) keyTable {
	table := keyTable{}
	table.add(reflect.TypeFor[file]())
	table.add(reflect.TypeFor[Migration]())
	migration := reflect.TypeFor[Migration]().String()
	table[migration] = append(table[migration], "template")
	for _, s := range sections {
		table.add(reflect.TypeOf(s.settings()))
	}
	ids := []string{}
	for _, s := range sections {
		ids = append(ids, s.ID)
	}
	table[preconditionsType] = ids
	return table
}

// file has the keys at the top of a configuration.
type file struct {
	Global     Global         `yaml:"global"`
	Migrations []Migration    `yaml:"migrations"`
	Defaults   map[string]any `yaml:"defaults"`
	Templates  map[string]any `yaml:"templates"`
}

// preconditionsType stands for the keys below preconditions, which no struct has.
const preconditionsType = "preconditions"

func (t keyTable) add(of reflect.Type) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]() || of == reflect.TypeFor[Preconditions]() {
		return
	}
	if _, known := t[of.String()]; known {
		return
	}
	t[of.String()] = nil
	for field := range of.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			t.add(field.Type)
			t[of.String()] = append(t[of.String()], t[field.Type.String()]...)
		case name != "" && name != "-" && field.IsExported():
			t[of.String()] = append(t[of.String()], name)
			t.add(field.Type)
		}
	}
}

// unknownKey is the sentence for a key that a type does not have.
func (t keyTable) unknownKey(key, typeName string) string {
	keys := t[typeName]
	if typeName == "config.Config" {
		keys = t[reflect.TypeFor[file]().String()]
	}
	message := fmt.Sprintf("unknown key %q", clipKey(key))
	if typeName == preconditionsType {
		message = fmt.Sprintf("unknown precondition %q", clipKey(key))
	}
	if near := nearest(key, keys); near != "" {
		return message + fmt.Sprintf(", did you mean %q?", near)
	}
	if len(keys) == 0 {
		return message
	}
	return message + ": expected " + oneOf(keys)
}

func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return "one of " + strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// nearest returns the word that is most like another one, empty when none is.
func nearest(word string, words []string) string {
	best, least := "", max(1, len(word)/3)+1
	for _, w := range words {
		if d := distance(strings.ToLower(word), w); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance is the number of letters that differ, are missing, or are too many.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// almostTime matches what people write in place of RFC 3339.
var almostTime = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d)?(?:\.\d+)? ?(?:UTC|GMT|Z)?$`)

// notATime is the sentence for a value that is no time. It has the corrected value when that is clear.
func notATime(value string) string {
	if m := almostTime.FindStringSubmatch(strings.TrimSpace(value)); m != nil {
		seconds := m[3]
		if seconds == "" {
			seconds = ":00"
		}
		corrected := m[1] + "T" + m[2] + seconds + "Z"
		if _, err := time.Parse(time.RFC3339, corrected); err == nil {
			return "write " + corrected + " for UTC, or with an offset, like " +
				strings.TrimSuffix(corrected, "Z") + "+01:00"
		}
	}
	return "expected a time like 2026-12-31T02:00:00Z (UTC) or 2026-12-31T02:00:00+01:00, " +
		"or a date, which is its midnight in UTC"
}

// notADuration is the sentence for a value that is no duration.
func notADuration(value string) string {
	if number := strings.Trim(value, " "); number != "" && strings.Trim(number, "0123456789") == "" {
		return fmt.Sprintf("%s has no unit: write %[1]ss for seconds (units: ms, s, m, h, d, w, y)", number)
	}
	return "expected a duration like 90s, 5m or 1h30m (units: ms, s, m, h, d, w, y)"
}

// plainWords are for the parser's messages about YAML itself.
func plainWords() [][2]string {
	return [][2]string{
		{"found a tab character", "there is a tab: indent with spaces"},
		{"found character '\\t'", "there is a tab: indent with spaces"},
		{
			"did not find expected '-' indicator",
			"this line begins in another column than the others of its block: align it",
		},
		{"did not find expected key", "this line begins in another column than the others of its block, " +
			"or a quote before it is wrong"},
		{
			"mapping values are not allowed",
			"a colon too many, or a line in the wrong column: a text with a colon needs quotes",
		},
		{"found character that cannot start any token", "a text that begins with %, @ or ` needs quotes, like '%x'"},
		{
			"did not find expected ',' or '}'",
			"a {…} is not closed, or a text in it needs quotes: one with a colon, a brace, or # after a space",
		},
		{"did not find expected ',' or ']'", "a […] is not closed, or a text in it needs quotes"},
		{"found unexpected end of stream", "a quote is opened and not closed"},
		{"could not find expected ':'", "expected a key with a colon and a space after it, like phase: auto"},
		{"found unknown escape character", "in double quotes \\ has a meaning: use single quotes"},
	}
}

// inPlainWords puts plain words before the parser's.
func inPlainWords(message string) string {
	for _, words := range plainWords() {
		if strings.HasPrefix(message, words[0]) {
			return words[1] + " (" + message + ")"
		}
	}
	return message
}

// portInHost reports whether a host has a port behind it, and returns both.
func portInHost(host string) (name, port string, ok bool) {
	name, port, ok = strings.Cut(host, ":")
	isPort := len(port) > 0 && len(port) <= 5 && strings.Trim(port, "0123456789") == ""
	return name, port, ok && isPort && !slices.Contains([]string{"", "["}, name)
}
