package report

import (
	"html"
	"html/template"
	"regexp"
	"strings"
)

// advice is a remedy as a page shows it.
type advice struct {
	Parts []remedyText
	// base is what links to preconditions begin with.
	base string
}

func newAdvice(remedy, base string) advice { return advice{remedyTexts(remedy), base} }

// namedPrecondition finds a precondition in a sentence, such as "See the precondition network.".
var namedPrecondition = regexp.MustCompile(`\bthe precondition ([a-z0-9_]+)`)

// Prose is a sentence in which preconditions are links.
func (a advice) Prose(text string) template.HTML {
	var b strings.Builder
	from := 0
	for _, m := range namedPrecondition.FindAllStringSubmatchIndex(text, -1) {
		id := text[m[2]:m[3]]
		b.WriteString(string(breakable(text[from:m[2]])))
		b.WriteString(`<a href="` + html.EscapeString(a.base+id) + `">` + id + `</a>`)
		from = m[3]
	}
	b.WriteString(string(breakable(text[from:])))
	return template.HTML(b.String()) //nolint:gosec // breakable escapes it
}

// longWord finds words that can be wider than a phone, such as paths and keys of the configuration.
var longWord = regexp.MustCompile(`\S{20,}`)

// joint is where a long word is broken.
var joint = regexp.MustCompile(`[/._\-\]=,:]+`)

// breakable is a text in which a browser breaks long words at their joints first. Control characters are replaced.
func breakable(text string) template.HTML {
	text = longWord.ReplaceAllStringFunc(printable(text), func(word string) string {
		return joint.ReplaceAllString(word, "$0\x00")
	})
	// The mark cannot be in a printable text.
	broken := strings.ReplaceAll(html.EscapeString(text), "\x00", "<wbr>")
	return template.HTML(broken) //nolint:gosec // it is escaped
}
