package config

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Messages quote little of a file: a password without quotes can end up anywhere. Its comma begins a new key, its
// asterisk names an anchor, and a whole login can stand where something else was expected.

// Clip is a value for a message. It keeps a hostile text from filling the terminal, and shows no address, which can
// have a login.
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

// plainKey is what the keys of this file look like, and passwords do not.
var plainKey = regexp.MustCompile(`^[A-Za-z_]{1,40}[0-9]?[A-Za-z_]{0,40}$`)

// clipKey is a key for a message.
func clipKey(s string) string {
	if !plainKey.MatchString(s) {
		return "…"
	}
	return s
}

// keyWithoutColon returns a key behind which no colon stands, as the rest of a text is that has a comma in braces; nil
// where there is none.
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
