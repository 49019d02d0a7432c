package toolconfig

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const shippedSteps = `<steps mode="settings">
<step title="Settings Step"><integrity>Migration\Step\Settings\Integrity</integrity></step>
<step title="Stores Step"><data>Migration\Step\Stores\Data</data><volume>Migration\Step\Stores\Volume</volume></step>
</steps>
<steps mode="data">
<step title="Data Integrity Step"><integrity>Migration\Step\DataIntegrity\Integrity</integrity></step>
<step title="EAV Step"><data>Migration\Step\Eav\Data</data><volume>Migration\Step\Eav\Volume</volume></step>
<step title="Map Step"><integrity>Migration\Step\Map\Integrity</integrity><data>Migration\Step\Map\Data</data></step>
<step title="Acme Step"><data>Acme\Migration\Data</data></step>
</steps>
<steps mode="delta">
<step title="Map Step"><delta>Migration\Step\Map\Delta</delta></step>
<step title="Acme Step"><delta>Acme\Migration\Delta</delta></step>
</steps>
`

// dist is the config.xml.dist of a release of the tool.
func dist(t *testing.T, document string) *Config {
	t.Helper()
	c, err := Parse("/tool/config.xml.dist", []byte(document), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// leave takes steps out of the shipped ones by their titles.
func leave(titles ...string) string {
	var kept []string
	for line := range strings.Lines(shippedSteps) {
		if !slices.ContainsFunc(titles, func(title string) bool { return strings.Contains(line, `"`+title+`"`) }) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func TestStepsAreMissing(t *testing.T) {
	t.Parallel()
	const (
		eav = "EAV Step (attributes, attribute sets and attribute groups are not copied)"
		m   = "Map Step (products, categories, orders, CMS pages and all other tables without a step of their own " +
			"are not copied)"
		d = "Map Step (new and changed orders, products and all other rows without a step of their own are not " +
			"delivered)"
		all = "1:1 misleading missing steps: steps that the shipped config.xml.dist has are missing: "
	)
	shipped := dist(t, document(shippedSteps, databases, options(nil)))
	for name, test := range map[string]struct{ steps, want string }{
		"nothing":   {shippedSteps, ""},
		"two steps": {leave("EAV Step", "Map Step"), all + "data: " + eav + ", " + m + "; delta: " + d},
		"no search": {
			leave("Data Integrity Step"), all + "data: Data Integrity Step (orphaned records are not looked for)",
		},
		"somebody's own": {
			leave("Acme Step"),
			all + "data: Acme Step (what it copies is not copied); delta: Acme Step (what it delivers is not " +
				"delivered)",
		},
		"of the settings": {
			leave("Stores Step"), all + "settings: Stores Step (websites, store groups and store views are not copied)",
		},
		"a stage for counting": {
			strings.Replace(shippedSteps, `<volume>Migration\Step\Eav\Volume</volume>`, "", 1),
			all + "data: <volume> of EAV Step (nothing is counted after it)",
		},
		"a stage for checking": {
			strings.Replace(shippedSteps, `<integrity>Migration\Step\Map\Integrity</integrity>`, "", 1),
			all + "data: <integrity> of Map Step (nothing is checked before it copies)",
		},
		"a stage for copying": {
			strings.Replace(shippedSteps, `<data>Migration\Step\Map\Data</data>`, "", 1), all + "data: <data> of " + m,
		},
		"another title": {strings.ReplaceAll(shippedSteps, "EAV Step", "Attributes"), ""},
		"another class": {strings.ReplaceAll(shippedSteps, `Migration\Step\Eav`, `Acme\Eav`), ""},
		"another order": {
			`<steps mode="delta"><step title="Acme Step"><delta>Acme\Migration\Delta</delta></step></steps>` +
				shippedSteps,
			"8:1 misleading steps: this step and the one of line 2 have one title: the tool makes one step of " +
				"them\n8:25 misleading steps: the <delta> of line 8 is used instead of this one",
		},
		"one more": {shippedSteps + `<steps mode="data"><step title="More"><data>A\B</data></step></steps>`, ""},
		"no data at all": {
			strings.ReplaceAll(shippedSteps, `mode="data"`, `mode="delta"`),
			"1:1 broken steps: there are no steps for the mode data",
		},
	} {
		c, err := Parse("config.xml", []byte(document(test.steps, databases, options(nil))), shipped)
		if err != nil {
			t.Fatal(err)
		}
		var got []Problem
		for _, p := range c.Problems {
			if name != "no data at all" || p.Severity == Broken {
				got = append(got, p)
			}
		}
		text := write(got)
		if name == "another order" {
			lines := strings.Split(text, "\n")
			text = fmt.Sprint(len(lines), " ", strings.Contains(text, "missing"))
			test.want = "2 false"
		}
		if text != test.want {
			t.Errorf("%s\n got %s\nwant %s", name, text, test.want)
		}
		if c.Shipped != "/tool/config.xml.dist" {
			t.Errorf("compared with %q", c.Shipped)
		}
	}
}

// What the tool's own config.xml.dist has is what is required, and nothing else.
func TestOptionsOfTheShippedRelease(t *testing.T) {
	t.Parallel()
	without := func(names ...string) string {
		replace := map[string]string{}
		for _, name := range names {
			replace[name] = "-"
		}
		return options(replace)
	}
	more := strings.Replace(options(nil), "</options>",
		"<new_map_file>etc/new.xml.dist</new_map_file>\n<threads>2</threads>\n</options>", 1)
	for name, test := range map[string]struct{ shipped, options, want string }{
		"an older release": {
			without("stores_map_file", "tier_price_map_file", "init_statements_source"),
			without("stores_map_file", "tier_price_map_file", "init_statements_source"), "",
		},
		"a newer release": {more, more, ""},
		"an option of a newer release": {
			more, options(nil), "7:1 broken new_map_file: the option new_map_file is missing\n7:1 broken threads: " +
				"the option threads is missing",
		},
		"an option of an older release": {
			options(nil), without("delta_document_groups_file"),
			"7:1 broken delta_document_groups_file: the option delta_document_groups_file is missing: without it " +
				"the tool silently creates no triggers, so no change reaches Magento 2 later",
		},
		"a misspelt option": {
			more, strings.Replace(more, "threads>", "thraeds>", 2),
			"7:1 broken threads: the option threads is missing\n38:1 misleading thraeds: the tool has no option " +
				"thraeds: is it misspelt, or that of a step of your own?",
		},
	} {
		c, err := Parse("config.xml", []byte(document(steps, databases, test.options)),
			dist(t, document(steps, databases, test.shipped)))
		if err != nil {
			t.Fatal(err)
		}
		if got := write(c.Problems); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", name, got, test.want)
		}
	}
	c, err := Parse("config.xml", []byte(document(steps, databases, more)), dist(t, document(steps, databases, more)))
	if err != nil || c.Value("new_map_file") != "etc/new.xml.dist" {
		t.Errorf("the value of an option that only the release has is %q %v", c.Value("new_map_file"), err)
	}
}

// put writes files below a new folder.
func put(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestReadFindsTheShippedFile(t *testing.T) {
	t.Parallel()
	const vendor = "m2/vendor/magento/data-migration-tool/"
	own := document(steps, databases, options(nil))
	whole := document(shippedSteps, databases, options(nil))
	mapping := vendor + "etc/opensource-to-opensource/1.9.4.5/"
	for name, test := range map[string]struct {
		file    string
		files   map[string]string
		shipped string
	}{
		"beside it": {"c/config.xml", map[string]string{"c/config.xml.dist": whole}, "c/config.xml.dist"},
		"under its name": {
			"c/acme.xml", map[string]string{"c/acme.xml.dist": whole, "c/config.xml.dist": own}, "c/acme.xml.dist",
		},
		"under another": {"c/acme.xml", map[string]string{"c/config.xml.dist": whole}, "c/config.xml.dist"},
		"in the tool": {
			"m2/app/etc/migration/config.xml",
			map[string]string{vendor + "etc/config.xsd": "", mapping + "config.xml.dist": whole},
			mapping + "config.xml.dist",
		},
		"above it": {
			"dmt/etc/acme/config.xml",
			map[string]string{
				"dmt/etc/config.xsd": "", "dmt/etc/opensource-to-opensource/1.9.4.5/config.xml.dist": whole,
			},
			"dmt/etc/opensource-to-opensource/1.9.4.5/config.xml.dist",
		},
		"not broken": {
			"c/config.xml",
			map[string]string{
				"c/config.xml.dist": "<config>", vendor + "etc/config.xsd": "", mapping + "config.xml.dist": whole,
			},
			mapping + "config.xml.dist",
		},
		"not empty": {"c/config.xml", map[string]string{"c/config.xml.dist": "<config/>"}, ""},
		"another mapping": {
			"c/config.xml",
			map[string]string{
				vendor + "etc/config.xsd": "", vendor + "etc/opensource-to-opensource/1.9.4.4/config.xml.dist": whole,
			},
			"",
		},
		"none":             {"c/config.xml", nil, ""},
		"the shipped one":  {"c/config.xml.dist", nil, ""},
		"no tool is known": {"c/config.xml", map[string]string{mapping + "config.xml.dist": whole}, ""},
	} {
		files := map[string]string{test.file: own}
		maps.Copy(files, test.files)
		root := put(t, files)
		c, err := Read(filepath.Join(root, test.file), filepath.Join(root, "m2"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := test.shipped
		if want != "" {
			want = filepath.Join(root, want)
		}
		if c.Shipped != want || (want != "") != strings.Contains(write(c.Problems), "missing steps") {
			t.Errorf("%s: compared with %q, want %q: %s", name, c.Shipped, want, write(c.Problems))
		}
	}
	// A named pipe is not waited for.
	root := put(t, map[string]string{"config.xml": own})
	if err := syscall.Mkfifo(filepath.Join(root, "config.xml.dist"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Read(filepath.Join(root, "config.xml"), ""); err != nil || c.Shipped != "" {
		t.Errorf("%v", err)
	}
}

func TestMappings(t *testing.T) {
	t.Parallel()
	root := put(t, map[string]string{
		"t[1]/etc/config.xsd": "",
		"t[1]/etc/opensource-to-opensource/1.9.4.5/config.xml.dist": "",
		"t[1]/etc/opensource-to-opensource/1.6.0.0/config.xml.dist": "",
		"t[1]/etc/commerce-to-commerce/1.14.4.5/config.xml.dist":    "",
		"t[1]/etc/ce-to-ee/1.9.3.1/config.xml.dist":                 "",
		"t[1]/etc/opensource-to-opensource/1.9.4.4/map.xml.dist":    "",
		"t[1]/etc/opensource-to-opensource/acme/config.xml.dist":    "",
		"t[1]/etc/opensource-to-opensource/map.xml.dist":            "",
	})
	var got []string
	for _, m := range Mappings(filepath.Join(root, "t[1]")) {
		got = append(got, m.Edition+" "+m.Magento1)
		if _, err := os.Stat(filepath.Join(m.Dir, "config.xml.dist")); err != nil {
			t.Error(err)
		}
	}
	want := "ce-to-ee 1.9.3.1, commerce-to-commerce 1.14.4.5, opensource-to-opensource 1.6.0.0, " +
		"opensource-to-opensource 1.9.4.5"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %v", got)
	}
	if got := Mappings(filepath.Join(root, "none")); got != nil {
		t.Errorf("got %v", got)
	}
	for edition, want := range map[string]bool{
		"commerce-to-commerce": true, "ee-to-ee": true,
		"opensource-to-commerce": false, "ce-to-ee": false, "ce-to-ce": false, "": false,
	} {
		if FromCommerce(edition) != want {
			t.Errorf("%s: %v", edition, !want)
		}
	}
	if OldestMagento1(false) != "1.6.0.0" || OldestMagento1(true) != "1.11.0.0" {
		t.Error("the oldest releases are others")
	}
	dir := ModuleDir(filepath.Join(root, "none"), filepath.Join(root, "t[1]/etc/acme/config.xml"))
	if dir != filepath.Join(root, "t[1]") {
		t.Error(dir)
	}
	if dir := ModuleDir(root, "config.xml"); dir != "" {
		t.Error(dir)
	}
}

// Forms of a host that other programs take and the tool does not.
func TestWrongHosts(t *testing.T) {
	t.Parallel()
	const (
		start = "and the tool takes all of it for the path of a Unix socket, to which it cannot connect: write "
		url   = "the host is a URL, " + start + "the name of the host alone, and the port into the attribute port"
		path  = "the path of a socket stands behind a host, " + start +
			"the path alone, as in /run/mysqld/mysqld.sock"
		another = "something stands behind the host, " + start + "the name of the host alone"
	)
	for attributes, want := range map[string]string{
		`host="mysql://127.0.0.1"`:                 "5:19 " + url,
		`host="mysql://u:hunter2@db:3306/shop"`:    "5:19 " + url,
		`host="tcp://db" port="3306"`:              "5:19 " + url,
		`host="localhost:/run/mysqld/mysqld.sock"`: "5:19 " + path,
		`host="db:/s" port="3306"`:                 "5:19 " + path,
		`host="db/shop"`:                           "5:19 " + another,
		`host="/run/mysqld/mysqld.sock"`:           "",
		`host="db"`:                                "",
		`host="db:3307"`:                           "",
	} {
		source := "<source><database " + attributes + ` name="a" user="b"/></source>` + "\n"
		c, err := Parse("config.xml",
			[]byte(document(steps, source, databases[strings.Index(databases, "\n")+1:], options(nil))), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(write(c.Problems), "misleading source: ", "")
		if got != want || strings.Contains(got, "hunter2") {
			t.Errorf("%s\n got %s\nwant %s", attributes, got, want)
		}
	}
}

// An & that is not written as &amp; is an error that says where it is.
func TestRawAmpersand(t *testing.T) {
	t.Parallel()
	const wrong = "there is an & that begins no entity of XML: write &amp; for the character itself"
	for text, want := range map[string]string{
		"<config>\n<source><database host='a' password=\"pa&ss\"/></source></config>":   "config.xml:2:40: " + wrong,
		"<config>\n<source><database host='a' password=\"pa&ss;x\"/></source></config>": "config.xml:2:40: " + wrong,
		"<config>\n<source><database host='a' password='&'/></source></config>":         "config.xml:2:38: " + wrong,
		"<config>\n<options>\n  <crypt_key>a&b</crypt_key></options></config>":          "config.xml:3:15: " + wrong,
		"<config>\n<options>\n  <crypt_key>a &amp b</crypt_key></options></config>":     "config.xml:3:16: " + wrong,
		"<config><options><crypt_key>a&amp;b &c;</crypt_key></options></config>":        "config.xml:1:37: " + wrong,
	} {
		if _, err := Parse("config.xml", []byte(text), nil); err == nil || err.Error() != want {
			t.Errorf("%q\n got %v\nwant %s", text, err, want)
		}
	}
}
