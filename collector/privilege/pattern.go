package privilege

import "strings"

// A database name in GRANT is a pattern: % is any text, _ any one byte, and \ takes the next byte literally.
const (
	wildMany   = '%'
	wildOne    = '_'
	wildEscape = '\\'
)

var patternEscaper = strings.NewReplacer(`\`, `\\`, `_`, `\_`, `%`, `\%`)

// escapePattern returns the pattern that matches exactly this database name.
func escapePattern(name string) string { return patternEscaper.Replace(name) }

// matchPattern reports whether a database name matches a pattern. As on the server it compares bytes, so that _ is not
// a character but a byte.
func matchPattern(pattern, name string) bool {
	p, n := 0, 0
	retryPattern, retryName := -1, 0
	for n < len(name) {
		literal, width, wild := patternByte(pattern, p)
		switch {
		case wild == wildMany:
			retryPattern, retryName = p+width, n
			p += width
		case width > 0 && (wild == wildOne || literal == name[n]):
			p += width
			n++
		case retryPattern >= 0:
			// The last % takes one byte more.
			retryName++
			p, n = retryPattern, retryName
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == wildMany {
		p++
	}
	return p == len(pattern)
}

// patternByte reads one element of a pattern: a literal byte or a wildcard. Its width is 0 at the end.
func patternByte(pattern string, at int) (literal byte, width int, wild byte) {
	if at >= len(pattern) {
		return 0, 0, 0
	}
	switch c := pattern[at]; c {
	case wildMany, wildOne:
		return 0, 1, c
	case wildEscape:
		if at+1 < len(pattern) {
			return pattern[at+1], 2, 0
		}
		return c, 1, 0
	default:
		return c, 1, 0
	}
}

// firstWildcard returns the offset of the first wildcard, or -1 when the pattern matches one name only.
func firstWildcard(pattern string) int {
	for at := 0; at < len(pattern); {
		_, width, wild := patternByte(pattern, at)
		if wild != 0 {
			return at
		}
		at += width
	}
	return -1
}

// hasWildcard reports whether there is a wildcard character in a name, also an escaped one.
func hasWildcard(pattern string) bool { return strings.ContainsAny(pattern, "%_") }
