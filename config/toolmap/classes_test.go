package toolmap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/config/composer"
	"magento_migration_exporter/config/sourcefile"
)

func TestReadHandlers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, test := range map[string]struct{ text, want string }{
		"a settings map": {
			`<settings><key/><value>` + "\n" +
				`<transform><path>a/b</path><handler class="\Migration\Handler\Settings\Encrypt"/></transform>` + "\n" +
				`<transform><path>c/d</path><handler class="Acme\Handler"><param name="class" ` +
				`value="No\Handler"/></handler></transform>` +
				"\n</value></settings>",
			`2:37 Migration\Handler\Settings\Encrypt, 3:37 Acme\Handler`,
		},
		"a map": {
			`<map><source><field_rules><transform><field>a.b</field><handler class="\Migration\Handler\SetValue"/>` +
				`</transform></field_rules></source><destination/></map>`,
			`1:65 Migration\Handler\SetValue`,
		},
		"groups":          {`<groups><group name="a"><document>b</document></group></groups>`, ""},
		"without a class": {`<map><handler/><handler Class="A"/></map>`, ""},
		"not well-formed": {
			"<map>\n<handler class='a&b'/>",
			"2:18: there is an & that begins no entity of XML: write &amp; for the character itself",
		},
		"too large": {
			strings.Repeat(" ", MaxSize+1), ": is larger than 2097152 bytes, which no file of this kind is",
		},
	} {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "_")+".xml")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		handlers, err := ReadHandlers(path)
		var got []string
		for _, h := range handlers {
			got = append(got, h.Place.String()+" "+h.Class)
		}
		if err != nil {
			got = []string{strings.TrimPrefix(err.Error(), path+":")}
			test.want = strings.TrimPrefix(test.want, ":")
		}
		if all := strings.Join(got, ", "); all != test.want {
			t.Errorf("%s\n got %s\nwant %s", name, all, test.want)
		}
	}
	if _, err := ReadHandlers(filepath.Join(dir, "none.xml")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestClassesLack(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, file := range []string{
		"vendor/magento/data-migration-tool/src/Migration/Handler/Settings/Encrypt.php",
		"vendor/acme/migration/src/Handler/Status.php",
		"vendor/acme/migration/lib/Other.php",
		"vendor/acme/handlers/Migration/Handler/Acme.php",
		"app/code/Acme/Local/Handler.php",
		"generated/code/Acme/Local/Proxy.php",
		"src/Shop/Handler.php",
	} {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	whole := Classes{
		Root: root, ModuleDir: filepath.Join(root, "vendor/magento/data-migration-tool"),
		Lock: &composer.Lock{
			Packages: []composer.Package{
				{Name: "acme/migration", Classes: map[string][]string{`Acme\Migration\`: {"src/", "lib"}}},
				{Name: "acme/handlers", Classes: map[string][]string{`Migration\`: {"Migration"}}},
				{Name: "acme/none"},
			},
			Root: composer.Package{Classes: map[string][]string{`Shop\`: {"src/Shop"}}},
		},
	}
	for class, want := range map[string]bool{
		`\Migration\Handler\Settings\Encrypt`: false,
		`Migration\Handler\Settings\Encrypt`:  false,
		`\Migration\Handler\Settings\Acme`:    true,
		`\Migration\Handler\Settings`:         true,
		`\Migration\handler\Settings\Encrypt`: true, // files of PHP classes differ by case
		`\Migration\Handler\Acme`:             false,
		`\Acme\Migration\Handler\Status`:      false,
		`\Acme\Migration\Other`:               false,
		`\Acme\Migration\Handler\None`:        true,
		`\Acme\Local\Handler`:                 false,
		`\Acme\Local\Proxy`:                   false,
		`\Acme\Local\None`:                    true,
		`\Shop\Handler`:                       false,
		`\Shop\None`:                          true,
		``:                                    false,
		`\`:                                   false,
		`Migration\..\..\etc\passwd`:          false,
		`Migration/Handler`:                   false,
		`a b`:                                 false,
	} {
		if got := whole.Lack(class); got != want {
			t.Errorf("%s: %v", class, got)
		}
	}
	const missing = `\Migration\Handler\Settings\Acme`
	for name, c := range map[string]Classes{
		"without the root":          {ModuleDir: whole.ModuleDir, Lock: whole.Lock},
		"without the tool":          {Root: root, Lock: whole.Lock},
		"without composer.lock":     {Root: root, ModuleDir: whole.ModuleDir},
		"without the tool's source": {Root: root, ModuleDir: filepath.Join(root, "vendor/acme/handlers"), Lock: whole.Lock},
		"without anything about it": {},
	} {
		if c.Lack(missing) {
			t.Errorf("%s it is not known whether the class is there", name)
		}
	}
}

func FuzzHandlers(f *testing.F) {
	f.Add([]byte(`<settings><value><transform><handler class="\A\B"/></transform></value></settings>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		handlers, err := parseHandlers("m.xml", data)
		if err != nil {
			if _, ok := errors.AsType[*sourcefile.Error](err); !ok {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		c := Classes{Root: "/nowhere", ModuleDir: "/nowhere/tool", Lock: &composer.Lock{}}
		for _, h := range *handlers {
			if !h.Place.IsKnown() {
				t.Fatalf("a handler without a place: %+v", h)
			}
			for _, file := range c.files(h.Class) {
				if c.Lack(h.Class) && !strings.HasPrefix(filepath.Clean(file), "/nowhere/") {
					t.Fatalf("%q is looked for in %s", h.Class, fmt.Sprint(file))
				}
			}
		}
	})
}
