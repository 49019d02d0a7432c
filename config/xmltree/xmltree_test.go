package xmltree

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"magento_migration_exporter/config/sourcefile"
)

// write shows a tree with its places.
func write(n *Node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s@%s", n.Name, n.Place)
	for _, a := range n.Attributes {
		fmt.Fprintf(&b, " %s=%q@%s", strings.TrimPrefix(a.Namespace+":"+a.Name, ":"), a.Value, a.Place)
	}
	if n.Text() != "" {
		fmt.Fprintf(&b, " %q", n.Text())
	}
	for _, c := range n.Children {
		b.WriteString(" (" + write(c) + ")")
	}
	return b.String()
}

func utf16Text(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func TestParse(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		`<a/>`: `a@1:1`,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- c -->\n<a>\n <b x='1'\r\n  y = \"&lt;2&#65;\">t<![CDATA[<&]]>u</b></a>\n": `a@3:1 "\n " (b@4:2 x="1"@4:5 y="<2A"@5:3 "t<&u")`,
		"\xef\xbb\xbf<a>\xc3\xa4<b/></a>":                            `a@1:1 "ä" (b@1:5)`,
		utf16Text("<a>\n\u00e4<b/></a>"):                             `a@1:1 "\nä" (b@2:2)`,
		"<?xml version='1.0' encoding='iso-8859-1'?><a>\xe4<b/></a>": `a@1:44 "ä" (b@1:48)`,
		`<a xmlns:xs="u" xs:x="1" x="2"/>`:                           `a@1:1 xmlns:xs="u"@1:4 u:x="1"@1:17 x="2"@1:26`,
		"<a\tx='>'/>":                                                `a@1:1 x=">"@1:4`,
		"<a><?php echo 1 ?></a>":                                     `a@1:1`,
	} {
		n, err := Parse("c.xml", []byte(document))
		if err != nil {
			t.Errorf("%q: %v", document, err)
		} else if got := write(n); got != want {
			t.Errorf("%q\n got %s\nwant %s", document, got, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for document, want := range map[string]string{
		"":                           "1:1: there is no element",
		" \n<!-- nothing -->":        "2:17: there is no element",
		"{}":                         "1:1: text stands outside of the root element",
		"<a/>\n text":                "2:2: text stands outside of the root element",
		"<a/>\n<b/>":                 "2:1: a second root element begins here",
		" <?xml version='1.0'?><a/>": "1:2: the XML declaration is not at the start of the file",
		"<a>\n<b>":                   "2:4: the file ends before the element of line 2 does",
		"<a>\n<b x='hunter2":         "2:14: the file ends before the element of line 1 does",
		"<a><![CDATA[hunter2</a>":    "1:24: the file ends before the element of line 1 does",
		"<a>hunter2<hunter2</a>":     "1:19: an attribute is missing here",
		"<a>\n<hunter2></a>":         "2:14: this end tag is not that of the element of line 2",
		"<a></a></hunter2>":          "1:18: this end tag closes nothing",
		"<a x='a&hunter2'/>":         "1:8: there is an & that begins no entity of XML: write &amp; for the character itself",
		"<a>&hunter2;</a>":           "1:4: there is an & that begins no entity of XML: write &amp; for the character itself",
		"<a>hunter2< b</a>":          "1:12: there is a < that begins no element: write &lt; for the character itself",
		"<a x='<hunter2'/>":          "1:8: there is a < in an attribute: write &lt; for the character itself",
		"<a hunter2 y='1'/>":         "1:13: this attribute has no value",
		"<a x=hunter2/>":             "1:7: the value of this attribute is not in quotes",
		"<a x='1' x='hunter2'/>":     "1:10: this attribute stands twice in the element",
		"<a>]]></a>":                 "1:7: there is a ]]> outside of a CDATA section",
		"<a><!-- -- --></a>":         "1:12: there is a -- in a comment",
		"<a>\x00</a>":                "1:5: there is a control character that XML does not allow",
		"<a>&#0;</a>":                "1:8: there is a control character that XML does not allow",
		"<a>\xe4</a>":                "1:5: there is a byte that is not UTF-8",
		"<?xml version='1.1'?><a/>":  "1:22: this is not XML 1.0",
		"<?xml version='1.0' encoding='windows-1252'?><a/>":                                                "1:1: the declared encoding is not one that is read here: save the file as UTF-8",
		"<!DOCTYPE a SYSTEM 'file:///etc/passwd'>\n<a/>":                                                   "1:1: a document type declaration is not read here: remove it",
		"<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>\n<a>&x;</a>":        "2:1: a document type declaration is not read here: remove it",
		"<!DOCTYPE a [<!ENTITY l 'lol'><!ENTITY m '&l;&l;&l;&l;'><!ENTITY n '&m;&m;&m;&m;'>]>\n<a>&n;</a>": "1:1: a document type declaration is not read here: remove it",
		strings.Repeat("<a>", 101) + strings.Repeat("</a>", 101):                                           "1:301: elements are nested deeper than 100 levels",
		"<a>" + strings.Repeat("<b/>", maxElements) + "</a>":                                               "1:200000: there are more than 50000 elements",
		"<a><b" + strings.Repeat(" x=''", 20000) + "/></a>":                                                "1:4: this element has more than 100 attributes",
		strings.Repeat(" ", MaxSize+1):                                                                     " is larger than 4194304 bytes, which no file of this kind is",
	} {
		_, err := Parse("c.xml", []byte(document))
		if err == nil {
			t.Errorf("%.60q: no error", document)
			continue
		}
		if got := strings.TrimPrefix(err.Error(), "c.xml:"); got != want {
			t.Errorf("%.60q\n got %s\nwant %s", document, got, want)
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%.60q: the error quotes the document: %v", document, err)
		}
	}
}

func TestChild(t *testing.T) {
	t.Parallel()
	n, err := Parse("c.xml", []byte("<a><b><c>1</c><c>2</c></b></a>"))
	if err != nil {
		t.Fatal(err)
	}
	if got := n.Child("b", "c").Text(); got != "1" {
		t.Errorf("b/c is %q", got)
	}
	if got := n.Child("x", "y"); got != nil || got.Text() != "" {
		t.Errorf("x/y is %v", got)
	}
	count := 0
	for range n.All() {
		count++
	}
	if count != 4 {
		t.Errorf("%d elements", count)
	}
	if out := fmt.Sprintf("%v %+v %#v %s", n, n, n.Child("b", "c"), n.Child("x")); strings.Contains(out, "1)") ||
		!strings.Contains(out, "<a> at 1:1") {
		t.Error(out)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"<?xml version=\"1.0\"?>\n<a x=\"1\" y='2'><b>t</b><![CDATA[c]]><!-- d --></a>",
		"<a xmlns:x='u' x:y='1'>&amp;&#65;</a>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<a\n\tx\r\n=\r\n'>'\r\n/>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := Parse("c.xml", data)
		if err != nil {
			place, ok := errors.AsType[*sourcefile.Error](err)
			if !ok || place.Line < 1 || place.Column < 1 {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		for e := range n.All() {
			for _, a := range e.Attributes {
				if a.Line < e.Line {
					t.Fatalf("the attribute at %s is before its element at %s", a.Place, e.Place)
				}
			}
		}
	})
}

func TestAnElementThatIsNotThere(t *testing.T) {
	t.Parallel()
	var n *Node
	for range n.All() {
		t.Error("it has an element")
	}
	if n.Attribute("x") != nil || n.Child("x", "y") != nil || n.Text() != "" || n.TextContent() != "" {
		t.Error("it has something")
	}
}
