package progress

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/config/sourcefile"
)

const (
	asJSON = `{"Migration\\Step\\Settings\\Integrity":{"integrity ` +
		`check":{"result":true}},"Migration\\Step\\Map\\Data":{"run":{"process":["catalog_product_entity",` +
		`"sales_order"]},"data migration":{"result":false}},"PostProcessing":{"changedDocumentRowsCount":{"process":` +
		`{"0":"a","2":"b"}}}}`
	asPHP = `a:3:{s:33:"Migration\Step\Settings\Integrity";a:1:{s:15:"integrity ` +
		`check";a:1:{s:6:"result";b:1;}}s:23:"Migration\Step\Map\Data";a:2:{s:3:"run";a:1:{s:7:"process";a:2:{i:0;s:` +
		`22:"catalog_product_entity";i:1;s:11:"sales_order";}}s:14:"data ` +
		`migration";a:1:{s:6:"result";b:0;}}s:14:"PostProcessing";a:1:{s:24:"changedDocumentRowsCount";a:1:{s:7:` +
		`"process";a:2:{i:0;s:1:"a";i:2;s:1:"b";}}}}`
)

func write(l *Lock) string {
	parts := []string{string(l.Format)}
	for _, step := range l.Steps {
		for _, stage := range step.Stages {
			parts = append(parts, fmt.Sprintf("%s/%s %v %v", step.Class, stage.Name, stage.Done, stage.Process))
		}
	}
	return strings.Join(parts, "; ")
}

func TestParse(t *testing.T) {
	t.Parallel()
	const steps = `; Migration\Step\Settings\Integrity/integrity check true []; Migration\Step\Map\Data/run false ` +
		`[catalog_product_entity sales_order]; Migration\Step\Map\Data/data migration false []; ` +
		`PostProcessing/changedDocumentRowsCount false [a b]`
	for _, test := range []struct{ text, want string }{
		{asJSON, "json" + steps},
		{asPHP, "php" + steps},
		{asJSON + "\n", "json" + steps},
		{"", "empty"},
		{"0", "empty"},
		{"[]", "empty"},
		{"a:0:{}", "empty"},
		{"{}", "empty"},
		{"0\n", "empty"},
		{
			`{"A":{"s":{"result":"0"}},"B":{"s":{"result":1}},"C":{"s":{"result":null}},"D":{"s":[]},"E":[],"F":{` +
				`"s":true}}`,
			"json; A/s false []; B/s true []; C/s false []; D/s false []; F/s false []",
		},
		{`{"A":{"s":{"result":false}},"A":{"s":{"result":true}}}`, "json; A/s true []"},
	} {
		text, want := test.text, test.want
		l, err := Parse("x.lock", []byte(text))
		if err != nil {
			t.Errorf("%.60s: %v", text, err)
		} else if got := write(l); got != want {
			t.Errorf("%.60s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestDone(t *testing.T) {
	t.Parallel()
	l, err := Parse("x.lock", []byte(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		class, stage string
		want         bool
	}{
		{`Migration\Step\Settings\Integrity`, "integrity check", true},
		{`Migration\Step\Settings\Integrity`, "data migration", false},
		{`Migration\Step\Map\Data`, "data migration", false},
		{`Migration\Step\Other`, "integrity check", false},
	} {
		if got := l.Done(test.class, test.stage); got != test.want {
			t.Errorf("%s %s: %v", test.class, test.stage, got)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{asJSON[:100], "x.lock:1:101: the file ends in the middle of the JSON"},
		{asPHP[:200], "x.lock:1:175: the string is not as long as it says"},
		{" " + asJSON, "x.lock:1:1: this is no serialized value"},
		{"\xef\xbb\xbf" + asJSON, "x.lock:1:1: this is no serialized value"},
		{
			"{\"A\":\n{\"s\"}}",
			"x.lock:2:5: this is not well-formed JSON: a character that is not allowed after object key",
		},
		{`{"A":true}`, `x.lock: the entry of a class is not an array of stages`},
		{`a:1:{s:1:"A";b:1;}`, `x.lock:1:14: the entry of a class is not an array of stages`},
		{`s:1:"A";`, "x.lock:1:1: the lock file does not hold an array"},
		{`a:1:{s:1:"A";O:1:"B":0:{}}`, "x.lock:1:14: objects and references are not read"},
		{"1", "x.lock:1:1: this is no serialized value"},
		{"\x00\x00\x00\x00", "x.lock:1:1: this is no serialized value"},
		{`{"A":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + "}", "x.lock: is not JSON"},
		{strings.Repeat(" ", 10<<20), "x.lock: is larger than 2097152 bytes, which no file of this kind is"},
	} {
		text, want := test.text, test.want
		_, err := Parse("x.lock", []byte(text))
		if err == nil || err.Error() != want {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
	}
	root := t.TempDir()
	path := filepath.Join(root, "var/migration-tool-progress.lock")
	if _, err := Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := os.Mkdir(filepath.Join(root, "var"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := Read(path); err != nil || l.Format != Empty {
		t.Error(l, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(asJSON))
	f.Add([]byte(asPHP))
	f.Add([]byte("0"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := Parse("x.lock", data)
		if _, ok := errors.AsType[*sourcefile.Error](err); err != nil && !ok {
			t.Fatalf("an error without a place: %v", err)
		}
		if err == nil && l.Format == Empty && len(l.Steps) > 0 {
			t.Fatalf("%+v", l)
		}
	})
}
