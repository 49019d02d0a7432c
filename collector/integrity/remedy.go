package integrity

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"

	"magento_migration_exporter/config/toolmap"
)

// Remedy is how to fix what is predicted.
type Remedy struct {
	// Option is the option of config.xml that names the file, File the file, which is best copied before it is edited.
	Option, File string
	// Inside is where in the file the lines belong: an element, or two, one in the other, like source/document_rules.
	Inside string
	// XML is the lines to paste; empty where no lines help.
	XML string
	// Text says what else to do; for people.
	Text string
}

// String says what to paste where, or what else to do.
func (r Remedy) String() string {
	if r.XML == "" {
		return r.Text
	}
	text := r.place() + " inside <" + strings.ReplaceAll(r.Inside, "/", "><") + ">"
	if r.Text != "" {
		text += " (" + strings.TrimSuffix(r.Text, ".") + ")"
	}
	return text + ":\n" + strings.ReplaceAll(r.XML, "\n", "")
}

// place begins the sentence over the lines.
func (r Remedy) place() string { return inCopy(r.Option, r.File, "add") }

// inCopy says to do something in a file of config.xml. A file that the tool brings is not edited but copied.
func inCopy(option, file, what string) string {
	if name, dist := strings.CutSuffix(file, ".dist"); dist {
		return fmt.Sprintf("Copy %s to %s, set <%s> to %s in config.xml, and %s", file, name, option, name, what)
	}
	return "In " + file + ", " + what
}

// fieldForm is map.xsd's fieldFormatType.
var fieldForm = regexp.MustCompile(`^[^.]+\.[^.]+$`)

// element writes <outer><inner>text</inner></outer>.
func element(outer, inner, text string) string {
	return fmt.Sprintf("<%s><%s>%s</%s></%s>", outer, inner, escape(text), inner, outer)
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder has no errors
	return b.String()
}

// ignoreDocument is the rule that makes the tool leave a table out.
func (c *checker) ignoreDocument(option string, side toolmap.Side, document string) Remedy {
	return c.plan.paste(option, string(side)+"/document_rules", element("ignore", "document", document))
}

// ignoreField is the rule that makes the tool leave out a column, or only its data type.
func (c *checker) ignoreField(option string, side toolmap.Side, what, document, field string) Remedy {
	name := document + "." + field
	if !fieldForm.MatchString(name) {
		return Remedy{
			Text: fmt.Sprintf(
				"Rename the column %q of %s in %s: the tool's rules cannot name it.",
				field,
				document,
				system(side),
			),
		}
	}
	return c.plan.paste(option, string(side)+"/field_rules", element("ignore", what, name))
}

func (p *Plan) paste(option, inside, lines string) Remedy {
	return Remedy{Option: option, File: p.path(option), Inside: inside, XML: lines}
}
