// Package shell quotes texts for commands that a person pastes into a POSIX shell.
package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Word quotes a text where it needs it. Bytes that no shell word can have are left out.
func Word(text string) string {
	word, err := syntax.Quote(text, syntax.LangPOSIX)
	if err != nil {
		// POSIX has no escapes: what is not printable goes between single quotes as it is, apart from NUL.
		return "'" + strings.NewReplacer("\x00", "", "'", `'\''`).Replace(text) + "'"
	}
	return word
}
