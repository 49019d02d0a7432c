package toolmap

import (
	"regexp"
	"strings"
)

// The forms of what the tool's handler Placeholder changes in a text. They match as little as possible, as the tool's
// do, and no line break.
var (
	anyPlaceholder = regexp.MustCompile(`(?U)({{widget|{{block).*}}`)
	templateModule = regexp.MustCompile(`(?U)({{widget|{{block)(.*template=")(.*/)(.*".*}})`)
	unknownWidget  = regexp.MustCompile(`(?U){{widget type="[\w\-]+/[\w\-]+".+}}`)
)

// Rewrite returns what the tool's handler Placeholder makes of a text of Magento 1: classes are replaced, the module
// goes from the paths of templates, and widgets of unknown classes go.
func (c *ClassMap) Rewrite(text string) string {
	if !anyPlaceholder.MatchString(text) {
		return text
	}
	for from, to := range c.classes {
		to = strings.ReplaceAll(to, `\`, `\\`)
		text = strings.ReplaceAll(text, `type="`+from+`"`, `type="`+to+`"`)
	}
	text = templateModule.ReplaceAllString(text, "${1}${2}${4}")
	return unknownWidget.ReplaceAllString(text, "")
}
