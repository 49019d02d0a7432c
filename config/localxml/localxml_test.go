package localxml

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/config/sourcefile"
)

// asInstalled is laid out as Magento 1's installer does.
const asInstalled = `<?xml version="1.0"?>
<config>
    <global>
        <install>
            <date><![CDATA[Sat, 09 Aug 2014 17:10:27 +0000]]></date>
        </install>
        <crypt>
            <key><![CDATA[0123456789abcdef0123456789abcdef]]></key>
        </crypt>
        <disable_local_modules>false</disable_local_modules>
        <resources>
            <db>
                <table_prefix><![CDATA[mage_]]></table_prefix>
            </db>
            <default_setup>
                <connection>
                    <host><![CDATA[db1:3307]]></host>
                    <username><![CDATA[shop]]></username>
                    <password><![CDATA[hun<&>ter2]]></password>
                    <dbname><![CDATA[magento]]></dbname>
                    <initStatements><![CDATA[SET NAMES utf8]]></initStatements>
                    <model><![CDATA[mysql4]]></model>
                    <type><![CDATA[pdo_mysql]]></type>
                    <pdoType><![CDATA[]]></pdoType>
                    <active>1</active>
                </connection>
            </default_setup>
        </resources>
        <session_save><![CDATA[files]]></session_save>
    </global>
    <admin/>
</config>
`

func parse(t *testing.T, document string) *File {
	t.Helper()
	f, err := Parse("local.xml", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func global(content string) string {
	return "<config><global>\n" + content + "\n</global></config>"
}

func TestParse(t *testing.T) {
	t.Parallel()
	f := parse(t, asInstalled)
	if len(f.Problems) > 0 {
		t.Errorf("problems: %+v", f.Problems)
	}
	c, ok := f.Connection("core_read")
	got := fmt.Sprintf("%s %s %s %v %v %s %s %s %s %s %s %v %s",
		f.InstallDate.Format("2006-01-02T15:04Z07"), string(f.CryptKey), f.TablePrefix, f.DisableLocalModules, ok,
		c.Resource, c.Address, c.User, string(c.Password), c.Name, c.InitStatements, c.Active, c.Place)
	want := "2014-08-09T17:10Z 0123456789abcdef0123456789abcdef mage_ false true default_setup db1:3307 shop " +
		"hun<&>ter2 magento SET NAMES utf8 true 16:17"
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if f.Session.Backend != "files" || f.Cache.Backend != "" || f.FullPageCache.Backend != "" ||
		len(f.Cache.Servers) > 0 {
		t.Errorf("%+v %+v %+v", f.Session, f.Cache, f.FullPageCache)
	}
}

func TestConnections(t *testing.T) {
	t.Parallel()
	f := parse(t, global(`<resources>
<default_setup><connection><host>master</host><dbname>shop</dbname><active>1</active></connection></default_setup>
<default_read><connection>
<use/><host>[2001:db8::2]:3307</host><dbname>shop</dbname><active>1</active>
</connection></default_read>
<core_write><connection><host>ignored</host></connection></core_write>
<blog_setup><connection><host>/run/blog.sock</host><dbname>blog</dbname><active>0</active></connection></blog_setup>
<blog_read><connection><use>blog_setup</use></connection></blog_read>
<loop_a><connection><use>loop_b</use></connection></loop_a><loop_b><connection><use>loop_a</use></connection></loop_b>
<catalog_setup><setup><module>Mage_Catalog</module></setup></catalog_setup>
</resources>`))
	for resource, want := range map[string]string{
		"default_setup": "master:3306 shop true", "default_write": "master:3306 shop true",
		"core_setup":   "master:3306 shop true",
		"core_write":   "master:3306 shop true", // Magento's default <use> is still there
		"default_read": "[2001:db8::2]:3307 shop true", "core_read": "[2001:db8::2]:3307 shop true",
		"blog_read": "/run/blog.sock blog false", "loop_a": "none", "catalog_setup": "none", "other": "none",
	} {
		got := "none"
		if c, ok := f.Connection(resource); ok {
			got = fmt.Sprint(c.Address, " ", c.Name, " ", c.Active)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", resource, got, want)
		}
	}
	var got []string
	for _, p := range f.Problems {
		got = append(got, fmt.Sprintf("%s %s: %s", p.Place, p.Subject, p.Text))
	}
	want := strings.Join([]string{
		"0:0 install/date: there is no date of installation, without which Magento 1 takes itself for not installed",
		"7:25 resources/core_write/connection: this connection is not used, " +
			`because <use> names "default_write", be it in Magento's defaults: add an empty <use/>`,
		"8:13 resources/blog_setup/connection: the connection is not active, " +
			"so that Magento 1 does not use it: <active>1</active>",
	}, "\n")
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

// Magento merges: the last text of a name wins, elements with children are put together.
func TestDuplicateElementsAreMerged(t *testing.T) {
	t.Parallel()
	f := parse(t, "<config><global><crypt><key>a</key><key>b</key></crypt><resources><db><table_prefix>x_</"+
		"table_prefix></db>"+
		"<default_setup><connection><host>one</host><active>1</active></connection></default_setup></resources></"+
		"global>"+
		"<global><crypt/><resources><default_setup><connection><host>two</host></connection></default_setup></"+
		"resources></global></config>")
	c, _ := f.Connection("default_setup")
	if string(f.CryptKey) != "b" || f.TablePrefix != "x_" || c.Host != "two" || !c.Active {
		t.Errorf("%q %q %+v", string(f.CryptKey), f.TablePrefix, c)
	}
}

func TestStores(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ content, want string }{
		"files": {`<session_save>files</session_save>`, `files [] |  [] |  []`},
		"database": {
			`<session_save>db</session_save><cache><backend>database</backend></cache>`, `db [] | database [] |  []`,
		},
		"Cm_RedisSession": {
			`<session_save>db</session_save><redis_session><host>redis1</host><port>6380</port><password>hunter2</` +
				`password></redis_session>`,
			`redis [redis1:6380] |  [] |  []`,
		},
		"redis by path": {
			`<session_save>redis</session_save><session_save_path>tcp://r:hunter2@redis1:6381?auth=hunter2,tcp://` +
				`redis2:6382</session_save_path>`,
			`redis [redis1:6381 redis2:6382] |  [] |  []`,
		},
		"memcache": {
			`<session_save><![CDATA[memcache]]></session_save><session_save_path><![CDATA[tcp://10.0.0.1:` +
				`11211?persistent=1&weight=2]]></session_save_path>`,
			`memcache [10.0.0.1:11211] |  [] |  []`,
		},
		"memcached": {
			`<session_save>memcached</session_save><session_save_path>10.0.0.1,10.0.0.2:11212</session_save_path>`,
			`memcached [10.0.0.1:11211 10.0.0.2:11212] |  [] |  []`,
		},
		"redis cache": {
			`<cache><backend>Cm_Cache_Backend_Redis</backend><backend_options><server>/run/redis.sock</` +
				`server><port>6379</port></backend_options></cache>`,
			` [] | Cm_Cache_Backend_Redis [/run/redis.sock] |  []`,
		},
		"redis sentinels": {
			`<cache><backend>Mage_Cache_Backend_Redis</backend><backend_options><server>tcp://s1,tcp://s2</` +
				`server><port>26379</port></backend_options></cache>`,
			` [] | Mage_Cache_Backend_Redis [s1:26379 s2:26379] |  []`,
		},
		"memcached cache": {
			`<cache><backend>memcached</backend><memcached><servers><a><host><![CDATA[m1]]></host><port>11212</` +
				`port></a><b><host>m2</host></b></servers></memcached></cache>`,
			` [] | memcached [m1:11212 m2:11211] |  []`,
		},
		"full page cache": {
			`<full_page_cache><backend>Cm_Cache_Backend_Redis</backend><backend_options><server>redis3</server></` +
				`backend_options></full_page_cache>`,
			` [] |  [] | Cm_Cache_Backend_Redis [redis3:6379]`,
		},
		"not an address": {
			`<full_page_cache><backend>Cm_Cache_Backend_Redis</backend><backend_options><server>redis ` +
				`3</server></backend_options></full_page_cache>`,
			` [] |  [] | Cm_Cache_Backend_Redis [] 2:76 full_page_cache/backend_options/server: this is not the ` +
				`address of a server`,
		},
		"no server at all": {
			`<cache><backend>Cm_Cache_Backend_Redis</backend></cache>`,
			` [] | Cm_Cache_Backend_Redis [] |  [] 0:0 cache/backend_options/server: this is not the address of a ` +
				`server`,
		},
	} {
		f := parse(t, global(test.content))
		parts := []string{
			fmt.Sprint(f.Session.Backend, " ", f.Session.Servers, " | ", f.Cache.Backend, " ", f.Cache.Servers, " | ",
				f.FullPageCache.Backend, " ", f.FullPageCache.Servers),
		}
		for _, p := range f.Problems {
			if !strings.HasPrefix(p.Subject, "install") && !strings.HasPrefix(p.Subject, "resources") {
				parts = append(parts, fmt.Sprintf("%s %s: %s", p.Place, p.Subject, p.Text))
			}
		}
		if got := strings.Join(parts, " "); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", name, got, test.want)
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ content, want string }{
		{
			`<install><date>{{date}}</date></install>`,
			"2:10 install/date: there is no date of installation, without which Magento 1 takes itself for not " +
				"installed",
		},
		{
			`<resources><db><table_prefix> m_ </table_prefix></db></resources>`,
			"2:16 resources/db/table_prefix: there is white space around the text, which Magento 1 takes for a part " +
				"of it",
		},
		{`<resources/>`, "0:0 resources/default_setup: there is no connection, so that Magento 1 has no database"},
		{
			"<resources><default_setup><connection>\n<host>localhost:3307</host><active>true</active></connection></" +
				"default_setup></resources>",
			"3:1 resources/default_setup/connection/host: PHP takes localhost for its default Unix socket and " +
				"ignores the port: write 127.0.0.1 to use the port",
		},
		{
			"<resources><default_setup><connection><use>default_read</use></connection></default_setup></resources>",
			"2:12 resources/default_setup: <use> leads to no connection",
		},
		{
			"<resources><default_setup><connection><password>\nhunter2</password></connection></default_setup></" +
				"resources>",
			"2:39 resources/default_setup/connection/password: there is white space around the text, which Magento " +
				"1 takes for a part of it",
		},
	} {
		content, want := test.content, test.want
		var got []string
		for _, p := range parse(t, global(content)).Problems {
			got = append(got, fmt.Sprintf("%s %s: %s", p.Place, p.Subject, p.Text))
		}
		if all := strings.Join(got, "\n"); !strings.Contains(all, want) || strings.Contains(all, "hunter2") {
			t.Errorf("%s\n got %s\nwant %s", content, all, want)
		}
	}
	if f := parse(t, "<config><admin/></config>"); f.Problems[0].Text != "there is no <global>" {
		t.Errorf("%+v", f.Problems)
	}
}

func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	f := parse(t, global(`<crypt><key>hunter2</key></crypt><session_save>memcache</session_save>
<session_save_path>tcp://u:hunter2@m:1?k=hunter2, hunter2 hunter2</session_save_path>
<redis_session><host>r</host><password>hunter2</password></redis_session>
<resources><default_setup><connection>
<host>h</host><password>hunter2</password>
</connection></default_setup></resources>`))
	out, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := f.Connection("default_setup")
	if string(c.Password) != "hunter2" || string(f.CryptKey) != "hunter2" {
		t.Errorf("%q %q", string(c.Password), string(f.CryptKey))
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out = append(out, fmt.Sprintf(verb, f)...)
		out = append(out, fmt.Sprintf(verb, *f)...)
		out = append(out, fmt.Sprintf(verb, c)...)
		out = append(out, fmt.Sprintf(verb, f.Connections)...)
	}
	if strings.Contains(string(out), "hunter2") || strings.Contains(string(out), "68756e746572") {
		t.Errorf("leaks: %s", out)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "local.xml")
	if _, err := Read(file); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte(asInstalled), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := Read(file); err != nil || f.TablePrefix != "mage_" {
		t.Error(f, err)
	}
	truncated, _, _ := strings.Cut(asInstalled, "</password>")
	for _, test := range []struct{ text, want string }{
		{"", "local.xml:1:1: there is no element"},
		{truncated, "local.xml:19:53: the file ends before the element of line 19 does"},
		{
			strings.Replace(asInstalled, "<![CDATA[hun<&>ter2]]>", "hun<&>ter2", 1),
			"local.xml:19:35: there is a < that begins no element: write &lt; for the character itself",
		},
		{
			strings.Replace(asInstalled, "<![CDATA[hun<&>ter2]]>", "hunter2&amp", 1),
			"local.xml:19:38: there is an & that begins no entity of XML: write &amp; for the character itself",
		},
		{
			strings.Replace(asInstalled, "]]></username>", "</username>", 1),
			"local.xml:19:64: this end tag is not that of the element of line 18",
		},
		{
			strings.Replace(asInstalled, "<config>", "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><config>",
				1),
			"local.xml:2:1: a document type declaration is not read here: remove it",
		},
		{strings.Repeat(" ", MaxSize+1), "local.xml: is larger than 1048576 bytes, which no file of this kind is"},
	} {
		text, want := test.text, test.want
		_, err := Parse("local.xml", []byte(text))
		if err == nil || err.Error() != want {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "ter2") || strings.Contains(err.Error(), "shop")) {
			t.Errorf("leaks: %v", err)
		}
	}
	crlf, err := Parse("local.xml", []byte("\xef\xbb\xbf"+strings.ReplaceAll(asInstalled, "\n", "\r\n")))
	if err != nil || crlf.TablePrefix != "mage_" || crlf.Connections[0].Place.Line != 16 {
		t.Errorf("CRLF: %v %v", crlf, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(asInstalled))
	f.Add([]byte(global(`<resources><a><connection><use>b</use></connection></a><b><connection><use>a</use><host>[::` +
		`1]:x</host></connection></b></resources><cache><backend>memcached</backend><memcached><servers><x><host>,</` +
		`host></x></servers></memcached></cache>`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("local.xml", data)
		if err != nil {
			if _, ok := errors.AsType[*sourcefile.Error](err); !ok {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		for _, name := range CoreResources {
			if c, ok := file.Connection(name); ok && c.Use != "" {
				t.Fatalf("%s ends at a <use>", name)
			}
		}
	})
}
