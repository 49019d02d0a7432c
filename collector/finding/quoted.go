package finding

import "strconv"

// Quoted returns a text in quotation marks, as in Go; an empty one is called empty.
func Quoted(text string) string {
	if text == "" {
		return "empty"
	}
	return strconv.Quote(text)
}
