package toolconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/config/sourcefile"
)

const (
	steps = `<steps mode="settings"><step title="Settings Step"><integrity>Migration\Step\Settings\Integrity` +
		`</integrity></step></steps>
<steps mode="data"><step title="Map Step"><integrity>Migration\Step\Map\Integrity</integrity>` +
		`<data>Migration\Step\Map\Data</data></step></steps>
<steps mode="delta"><step title="Map Step"><delta>Migration\Step\Map\Delta</delta></step></steps>
`
	databases = `<source><database host="m1" name="shop" user="dmt" password="hunter2"/></source>
<destination><database host="m2" name="shop2" user="dmt"/></destination>
`
)

// options returns a block with everything that is needed, of which each can be replaced.
func options(replace map[string]string) string {
	var b strings.Builder
	b.WriteString("<options>\n")
	for _, row := range rows(optionsTable) {
		text := "x"
		switch {
		case row[3] == "int":
			text = "0"
		case row[0] == "map_file":
			text = "etc/opensource-to-opensource/1.9.4.5/map.xml.dist"
		case row[0] == "edition_migrate":
			text = "opensource-to-opensource"
		case row[0] == "edition_number":
			text = "1.9.4.5"
		case row[2] != "text":
			text = "etc/" + row[0] + ".xml"
		}
		if r, ok := replace[row[0]]; ok {
			text = r
		}
		if row[1] == "all" && text != "-" {
			fmt.Fprintf(&b, "<%s>%s</%s>\n", row[0], text, row[0])
		}
	}
	b.WriteString("</options>\n")
	return b.String()
}

func document(parts ...string) string {
	return "<config>\n" + strings.Join(parts, "") + "</config>\n"
}

// write shows the problems as lines of line:column severity subject: text.
func write(problems []Problem) string {
	var lines []string
	for _, p := range problems {
		lines = append(lines, fmt.Sprintf("%s %s %s: %s", p.Place, p.Severity, p.Subject, p.Text))
	}
	return strings.Join(lines, "\n")
}

func TestParse(t *testing.T) {
	t.Parallel()
	c, err := Parse("config.xml",
		[]byte(document(steps, databases,
			options(map[string]string{"crypt_key": "0123abcd", "source_prefix": "mage_"}))),
		nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := write(c.Problems); got != "" {
		t.Errorf("problems:\n%s", got)
	}
	got := strings.Join([]string{
		c.Source.Address.String(), c.Source.Name, c.Source.User, string(c.Source.Password),
		c.Destination.Address.String(),
		string(c.CryptKey), c.Value("source_prefix"), c.Value("edition_number"),
	}, " ")
	if got != "m1:3306 shop dmt hunter2 m2:3306 0123abcd mage_ 1.9.4.5" {
		t.Error(got)
	}
	got = fmt.Sprint(c.Stages("data", "integrity"), c.Stages("delta", "delta"), c.Stages("settings", "data"))
	if got != `[Migration\Step\Map\Integrity] [Migration\Step\Map\Delta] []` {
		t.Error(got)
	}
	if len(c.Options) != 29 || len(c.PathOptions()) != 16 || slices.Contains(c.PathOptions(), "log_file") {
		t.Errorf("%d options, files %v", len(c.Options), c.PathOptions())
	}
}

// Columns and lines are those of what has to be changed.
func TestProblems(t *testing.T) {
	t.Parallel()
	database := func(attributes string) string {
		return document(steps,
			"<source><database "+attributes+"/></source>\n<destination><database host='m2' name='b' "+
				"user='c'/></destination>\n",
			options(nil))
	}
	for name, test := range map[string]struct{ document, want string }{
		"localhost with a port": {database(`host="localhost" port="3307" name="a" user="b"`),
			"5:36 misleading source: PHP takes localhost for its default Unix socket and ignores the port: write " +
				"127.0.0.1 to use the port"},
		"port in host and port": {database(`host="db:3306" port="3307" name="a" user="b"`),
			"5:34 misleading source: what follows the second colon (4 characters) is dropped"},
		"IPv6": {database(`host="2001:db8::1" name="a" user="b"`),
			"5:19 misleading source: an IPv6 address is split at its colons, so that another host is meant: use a " +
				"name or an IPv4 address\n5:19 misleading source: the port is not a number from 1 to 65535"},
		"IPv6 and port": {database(`host="2001:db8::1" port="3307" name="a" user="b"`),
			"5:19 misleading source: an IPv6 address is split at its colons, so that another host is meant: use a " +
				"name or an IPv4 address"},
		"IPv6 in brackets": {database(`host="[::1]" name="a" user="b"`),
			"5:19 misleading source: an IPv6 address is split at its colons, so that another host is meant: use a " +
				"name or an IPv4 address"},
		"IPv6 in brackets with its port": {database(`host="[::1]:3307" name="a" user="b"`),
			"5:19 misleading source: an IPv6 address is split at its colons, so that another host is meant: use a " +
				"name or an IPv4 address"},
		"socket and port": {database(`host="/run/x.sock" port="3306" name="a" user="b"`),
			"5:38 misleading source: a port behind the path of a Unix socket becomes part of the path"},
		"port 0": {
			database(`host="db" port="0" name="a" user="b"`), "5:29 misleading source: PHP takes the port 0 for none",
		},
		"password 0": {
			database(`host="db" name="a" user="b" password="0"`),
			"5:47 misleading source: PHP takes the password 0 for none, so the tool sends an empty one: set another " +
				"password",
		},
		"misspelt": {database("host='db'\n dbname='a'\n username='b'\n pass='hunter2'"),
			"5:9 refused source: the attribute name is missing\n5:9 refused source: the attribute user is " +
				"missing\n6:2 refused source: the tool does not read the attribute dbname: it is name\n7:2 refused " +
				"source: the tool does not read the attribute username: it is user\n8:2 refused source: the tool " +
				"does not read the attribute pass: it is password"},
		"other attributes": {database(`HOST='db' name="" user="b" driver="x"`),
			"5:9 refused source: the attribute host is missing\n5:19 refused source: the tool does not read the " +
				"attribute HOST: it is host\n5:29 broken source: the attribute name is empty\n5:46 refused source: " +
				"the tool does not read the attribute driver"},
		"half of TLS": {
			database(`host="db" name="a" user="b" ssl_ca="/ca.pem"`),
			"5:9 misleading source: the connection is not encrypted: the tool uses TLS only when ssl_ca, ssl_cert " +
				"and ssl_key are all set",
		},
		"no databases": {document(steps, options(nil)),
			"1:1 broken source: there is no <source><database …/></source>\n1:1 broken destination: there is no " +
				"<destination><database …/></destination>\n5:1 refused options: <options> stands out of order: it " +
				"is steps, source, destination, options, each but steps once"},
		"another adapter": {document(steps,
			strings.ReplaceAll(databases, "<database host=\"m1\"", "<mysql version='1' host=\"m1\""), options(nil)),
			"5:9 refused source: the element in <source> is <mysql>, not <database>\n5:16 refused source: the tool " +
				"does not read the attribute version"},
		"two sources": {document(steps, databases[:strings.Index(databases, "\n")+1], databases, options(nil)),
			"5:9 misleading source: the <database> of line 6 is used instead of this one\n6:1 refused source: " +
				"<source> stands out of order: it is steps, source, destination, options, each but steps once"},
		"two databases in one": {document(steps,
			"<source x='1'><database host='a' name='b' user='c'/><database host='d' name='e' user='f'/>t</source>\n",
			databases[strings.Index(databases, "\n")+1:], options(nil)),
			"5:1 refused source: there is text directly in <source>\n5:9 refused source: <source> has no attribute " +
				"x\n5:53 refused source: <source> has a second element, which the tool does not read"},
		"two blocks": {document(steps, databases, options(map[string]string{"crypt_key": "first"}),
			"<options>\n  <crypt_key>second</crypt_key>\n</options>\n"),
			"11:1 misleading crypt_key: the <crypt_key> of line 39 is used instead of this one\n38:1 refused " +
				"options: <options> stands out of order: it is steps, source, destination, options, each but steps " +
				"once"},
		"missing and misspelt options": {document(steps, databases,
			options(map[string]string{
				"delta_document_groups_file": "-", "init_statements_source": "-", "crypt_key": "-",
			}),
			""),
			"7:1 broken crypt_key: the option crypt_key is missing\n7:1 broken delta_document_groups_file: the " +
				"option delta_document_groups_file is missing: without it the tool silently creates no triggers, so " +
				"no change reaches Magento 2 later\n7:1 broken init_statements_source: the option " +
				"init_statements_source is missing: without it the tool dies on PHP 8.1 and later"},
		"commerce": {document(steps, databases,
			options(map[string]string{
				"edition_migrate": "commerce-to-commerce", "edition_number": "1.14.4.5",
				"map_file": "etc/commerce-to-commerce/1.14.4.5/map.xml.dist",
			})),
			"7:1 broken customer_attr_document_groups_file: the option customer_attr_document_groups_file is " +
				"missing\n7:1 broken customer_attr_map_file: the option customer_attr_map_file is missing\n7:1 " +
				"broken sales_order_map_file: the option sales_order_map_file is missing"},
		"texts of options": {document(steps, databases,
			options(map[string]string{
				"map_file": "etc/my map.xml", "bulk_size": "many", "class_map": " etc/class-map.xml",
				"stores_map_file": "", "crypt_key": "\n abc\n",
			})),
			"9:1 refused bulk_size: bulk_size is not a whole number\n10:1 broken class_map: there is white space " +
				"around the text, which the tool takes for a part of it\n11:1 misleading crypt_key: there is white " +
				"space around the key, which the tool takes for a part of it\n31:1 refused map_file: the path must " +
				"end in .xml or .dist and consist of letters, digits and - / . _ only, without white space around " +
				"it\n36:1 broken stores_map_file: no file is named"},
		"another mapping": {document(steps, databases,
			options(map[string]string{"map_file": "etc/opensource-to-commerce/1.9.4.4/map.xml.dist"})),
			"21:1 misleading edition_migrate: edition_migrate is not that of map_file, which is in the directory " +
				"for opensource-to-commerce 1.9.4.4\n22:1 misleading edition_number: edition_number is not that of " +
				"map_file, which is in the directory for opensource-to-commerce 1.9.4.4"},
		"no options": {document(steps, databases),
			"1:1 refused config: <config> does not end with <options>\n1:1 broken options: there is no <options>\n" +
				missingEverything()},
		"layout": {strings.Replace(document("<x/>\n", steps, databases, options(nil), "text<steps mode='data'/>\n"),
			"<config>", "<config a='1'>", 1),
			"1:1 refused config: there is text directly in <config>\n1:1 refused config: <config> does not end with " +
				"<options>\n1:9 refused config: <config> has no attribute a\n2:1 refused x: <config> has no element " +
				"<x>"},
		"root": {
			strings.NewReplacer("<config>", "<cfg>", "</config>",
				"</cfg>").Replace(document(steps, databases, options(nil))),
			"1:1 refused config: the root element is <cfg>, not <config>",
		},
		"steps": {document(steps,
			"<steps><step title='a'/></steps>\n<steps mode='Data' x='1'><step><data>A\\B</data></step><b/><step "+
				"title='s'><data> A\\B</data><data>C\\D</data><rollback>A\\B</rollback></step><step "+
				"title='s'>t</step></steps>\n",
			databases, options(nil)),
			"5:1 refused steps: the attribute mode is missing: settings, data or delta\n6:8 misleading steps: the " +
				"tool has no such mode: settings, data or delta\n6:20 refused steps: <steps> has no attribute " +
				"x\n6:26 refused steps: the attribute title is missing: the tool leaves this step out\n6:55 refused " +
				"steps: <steps> has no element <b>\n6:75 refused steps: <data> holds something other than the name " +
				"of a class, or white space\n6:75 misleading steps: the <data> of line 6 is used instead of this " +
				"one\n6:108 refused steps: <step> has no element <rollback>\n6:139 refused steps: there is text " +
				"directly in <step>\n6:139 misleading steps: this step and the one of line 6 have one title: the " +
				"tool makes one step of them"},
		"no steps": {document(databases, options(nil)),
			"1:1 broken steps: there are no steps for the mode settings\n1:1 broken steps: there are no steps for " +
				"the mode data\n1:1 broken steps: there are no steps for the mode delta\n2:1 refused source: " +
				"<source> stands out of order: it is steps, source, destination, options, each but steps once"},
		"empty and filled": {document(steps,
			"<source/>\n<destination><database host='a' name='b' user='c'>hunter2</database></destination>\n",
			options(map[string]string{"map_file": "etc/map.xml<b/>", "class_map": "a<b/>"})),
			"1:1 broken source: there is no <source><database …/></source>\n5:1 refused source: <source> is " +
				"empty\n6:14 refused destination: <database> is not empty: everything is said in its " +
				"attributes\n29:22 refused map_file: there is an element in <map_file>"},
		"text elements": {document(strings.Replace(steps, "<integrity>", "<integrity x='1'><b/>", 1), databases,
			options(nil)),
			"2:63 refused steps: <integrity> has no attribute x\n2:69 refused steps: there is an element in " +
				"<integrity>"},
		"empty options": {document(steps, databases, "<options a='1'/>\n", options(nil)),
			"7:1 refused options: <options> is empty\n7:10 refused options: <options> has no attribute a\n8:1 " +
				"refused options: <options> stands out of order: it is steps, source, destination, options, each " +
				"but steps once"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Parse("config.xml", []byte(test.document), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := write(c.Problems); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func missingEverything() string {
	c, err := Parse("config.xml", []byte(document(steps, databases, "<options><x/></options>")), nil)
	if err != nil {
		return err.Error()
	}
	var missing []Problem
	for _, p := range c.Problems {
		if p.Severity == Broken {
			p.Place = sourcefile.Place{Line: 1, Column: 1}
			missing = append(missing, p)
		}
	}
	if len(missing) != 29 {
		return fmt.Sprint(len(missing), " options are missing")
	}
	return write(missing)
}

func TestTheLastOptionWins(t *testing.T) {
	t.Parallel()
	c, err := Parse("config.xml",
		[]byte(document(steps, databases, options(map[string]string{"crypt_key": "first", "source_prefix": "a_"}),
			"<options><source_prefix>b_</source_prefix><crypt_key><![CDATA[second]]></crypt_key></options>")),
		nil)
	if err != nil {
		t.Fatal(err)
	}
	o, ok := c.Option("source_prefix")
	if !ok || o.Value != "b_" || o.Block != 2 || o.Replaced || string(c.CryptKey) != "second" {
		t.Errorf("%+v %q", o, string(c.CryptKey))
	}
}

// Steps of one title are one step, and a later stage replaces an earlier one.
func TestStepsAreMergedByTitle(t *testing.T) {
	t.Parallel()
	c, err := Parse("config.xml",
		[]byte(document(`<steps mode="data"><step title="a"><data>A\A</data><volume>A\V</volume></step></`+
			`steps><steps mode="data"><step title="a"><data>B\A</data></step></steps>`)),
		nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Stages("data", "data"), c.Stages("data", "volume")); got != `[B\A] [A\V]` {
		t.Error(got)
	}
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	c, err := Parse("config.xml",
		[]byte(document(steps, databases,
			options(map[string]string{
				"map_file": "app/etc/map.xml", "eav_map_file": "/srv/map-eav.xml", "class_map": "etc/class-map.xml",
				"log_map_file": "",
			}))),
		nil)
	if err != nil {
		t.Fatal(err)
	}
	for option, want := range map[string]string{
		"map_file":     "[{/m2/app/etc/map.xml true} {/m2/vendor/magento/data-migration-tool/app/etc/map.xml false}]",
		"eav_map_file": "[{/srv/map-eav.xml false} {/m2/vendor/magento/data-migration-tool/srv/map-eav.xml false}]",
		"class_map":    "[{/m2/vendor/magento/data-migration-tool/etc/class-map.xml false}]",
		"log_map_file": "[]",
	} {
		if got := fmt.Sprint(c.Candidates(option, "/m2", ModuleDirs("/m2", "/m2/app/etc/config.xml")[0])); got != want {
			t.Errorf("%s: %s, want %s", option, got, want)
		}
	}
	for file, want := range map[string]string{
		"/m2/app/etc/migration/config.xml":                         "[/m2/vendor/magento/data-migration-tool]",
		"/src/dmt/etc/opensource-to-opensource/1.9.4.5/config.xml": "[/m2/vendor/magento/data-migration-tool /src/dmt]",
		"config.xml": "[/m2/vendor/magento/data-migration-tool]",
	} {
		if got := fmt.Sprint(ModuleDirs("/m2", file)); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
}

func TestMappingOf(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"etc/opensource-to-opensource/1.9.4.5/map.xml.dist": "opensource-to-opensource 1.9.4.5 true",
		"/x/etc/commerce-to-commerce/1.14.4.5/sub/map.xml":  "commerce-to-commerce 1.14.4.5 true",
		"etc/opensource-to-opensource/map-eav.xml.dist":     "  false",
		"how-to-migrate/readme/map.xml":                     "  false",
		"map.xml":                                           "  false",
		"":                                                  "  false",
	} {
		edition, version, ok := MappingOf(path)
		if got := fmt.Sprint(edition, " ", version, " ", ok); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	c, err := Parse("config.xml", []byte(document(steps,
		strings.Replace(databases, `user="dmt"/`, `user="dmt" pass="hunter2"/`, 1),
		options(map[string]string{"crypt_key": " hunter2 "}), "<options><cryptkey>hunter2</cryptkey></options>")), nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out = append(out, fmt.Sprintf(verb, c)...)
		out = append(out, fmt.Sprintf(verb, *c)...)
		out = append(out, fmt.Sprintf(verb, c.Source)...)
		out = append(out, fmt.Sprintf(verb, []Database{*c.Source})...)
	}
	if strings.Contains(string(out), "hunter2") || strings.Contains(string(out), "68756e746572") {
		t.Errorf("leaks: %s", out)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.xml")
	if _, err := Read(file, ""); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := os.WriteFile(file, make([]byte, 10<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Read(file, "")
	if err == nil || err.Error() != file+": is larger than 1048576 bytes, which no file of this kind is" {
		t.Error(err)
	}
	for _, test := range []struct{ text, want string }{
		{"", "config.xml:1:1: there is no element"},
		{
			"<config>\n  <source>\n    <database host=\"a\" password=\"hunter2&x\"/>",
			"config.xml:3:41: there is an & that begins no entity of XML: write &amp; for the character itself",
		},
		{"<config>\r\n<source>\r\n</config>", "config.xml:3:10: this end tag is not that of the element of line 2"},
	} {
		text, want := test.text, test.want
		if _, err := Parse("config.xml", []byte(text), nil); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(document(steps, databases, options(nil))))
	f.Add([]byte(document(databases,
		"<options><map_file>x</map_file></options><options/><steps mode='data'><step "+
			"title='a'><data/><data/></step></steps>")))
	f.Add([]byte("<source><database host='::1:' port='x' password='0' ssl_ca=''/></source>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("config.xml", data, nil)
		if err != nil {
			if _, ok := errors.AsType[*sourcefile.Error](err); !ok {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		if c, err = Parse("config.xml", data, c); err != nil || strings.Contains(write(c.Problems), "missing steps") {
			t.Fatalf("a file lacks something of itself: %v", err)
		}
		shipped, err := Parse("config.xml.dist", []byte(document(shippedSteps, databases, options(nil))), nil)
		if err != nil {
			t.Fatal(err)
		}
		if c, err = Parse("config.xml", data, shipped); err != nil {
			t.Fatal(err)
		}
		for _, p := range c.Problems {
			if p.Place.Line < 1 || p.Place.Column < 1 || p.Text == "" || p.Subject == "" {
				t.Fatalf("a problem without a place: %+v", p)
			}
		}
		for _, name := range c.PathOptions() {
			c.Candidates(name, "/m2", "/m2/vendor")
		}
	})
}
