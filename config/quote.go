package config

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Messages quote little of a file, because a password without quotes can be anywhere: its comma begins a new key, its
// asterisk refers to an anchor, and a whole login can be in the wrong place.

// Clip is a value for a message. It cuts long texts, and shows no address, because an address can contain a login.
func Clip(s string) string {
	const most = 80
	switch r := []rune(s); {
	case strings.ContainsAny(s, ":@/=$"):
		return "…"
	case len(r) > most:
		return string(r[:most]) + "…"
	}
	return s
}

// plainKey matches the keys of this file; most passwords do not look like them.
var plainKey = regexp.MustCompile(`^[A-Za-z_]{1,40}[0-9]?[A-Za-z_]{0,40}$`)

// clipKey is a key for a message.
func clipKey(s string) string {
	if !plainKey.MatchString(s) {
		return "…"
	}
	return s
}

// keyWithoutColon returns a key without a colon after it, or nil. The rest of an unquoted text after a comma in braces
// is such a key.
func keyWithoutColon(node *yaml.Node) *yaml.Node {
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 && child.Kind == yaml.ScalarNode && child.Style == 0 {
			value := node.Content[i+1]
			if value.Value == "" && value.ShortTag() == "!!null" && value.Line == child.Line &&
				value.Column == child.Column+utf8.RuneCountInString(child.Value) {
				return child
			}
		}
		if found := keyWithoutColon(child); found != nil {
			return found
		}
	}
	return nil
}
