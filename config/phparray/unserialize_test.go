package phparray

import (
	"errors"
	"strings"
	"testing"

	"magento_migration_exporter/config/sourcefile"
)

// The texts are what PHP 8.2's serialize wrote.
func TestUnserialize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`N;`:           `null`,
		`b:1;`:         `true`,
		`b:0;`:         `false`,
		`i:-5;`:        `-5`,
		`d:0.5;`:       `float:0.5`,
		`d:-INF;`:      `float:-Inf`,
		`s:3:"a"b";`:   `"a\"b"`,
		"s:2:\"ä\";\n": `"ä"`,
		`s:0:"";`:      `""`,
		`a:0:{}`:       `[]`,
		`a:2:{i:0;s:1:"x";s:1:"k";a:1:{i:7;b:1;}}`: `[0:"x" k:[7:true]]`,
		`a:2:{s:1:"8";i:1;i:8;i:2;}`:               `[8:2]`,
		`a:1:{s:27:"Migration\Step\Map\Integrity";a:1:{s:15:"integrity check";a:1:{s:6:"result";b:1;}}}`: ``,
		`a:1:{s:28:"Migration\Step\Map\Integrity";a:1:{s:15:"integrity check";a:1:{s:6:"result";b:1;}}}`: `[Migration\Step\Map\Integrity:[integrity check:[result:true]]]`,
	} {
		v, err := Unserialize("x.lock", []byte(text))
		if want == "" {
			if err == nil || err.Error() != "x.lock:1:8: the string is not as long as it says" {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := write(v); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestUnserializeErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                                  "1:1: the file ends in the middle of a serialized value",
		`0`:                                 "1:1: this is no serialized value",
		`x:1;`:                              "1:1: this is no serialized value",
		`i:1`:                               "1:3: a number and ';' are missing here",
		`i:x;`:                              "1:3: this is no number",
		`i:99999999999999999999;`:           "1:3: this is no number",
		`d:x;`:                              "1:3: this is no number",
		`d:1`:                               "1:3: a number and ';' are missing here",
		`b:2;`:                              "1:1: this is no boolean",
		`i:1;i:2;`:                          "1:5: something follows the serialized value",
		`s:-1:"";`:                          "1:3: the string is not as long as it says",
		`s:9223372036854775807:"x";`:        "1:3: the string is not as long as it says",
		`s:3:"a";`:                          "1:3: the string is not as long as it says",
		`s:1:'a';`:                          "1:3: the string is not as long as it says",
		`a:1:[]`:                            "1:5: a { is missing here",
		`a:2:{i:0;i:1;}`:                    "1:14: this is no serialized value",
		"a:1:{i:0;\ni:1;i:2;}":              "1:10: this is no serialized value",
		`a:1:{i:0;i:1;i:2;}`:                "1:14: the array does not end where it should",
		`a:-1:{}`:                           "1:3: an array cannot have fewer than no elements",
		`a:9223372036854775807:{}`:          "1:24: this is no serialized value",
		`a:1:{b:1;i:1;}`:                    "1:6: a value of type bool cannot be a key",
		`a:1:{N;i:1;}`:                      "1:6: a value of type null cannot be a key",
		`a:1:{i:0;`:                         "1:10: the file ends in the middle of a serialized value",
		`O:8:"stdClass":0:{}`:               "1:1: objects and references are not read",
		`a:1:{i:0;O:8:"stdClass":0:{}}`:     "1:10: objects and references are not read",
		`a:1:{i:0;R:1;}`:                    "1:10: objects and references are not read",
		`C:1:"X":0:{}`:                      "1:1: objects and references are not read",
		`E:5:"A:B;";`:                       "1:1: objects and references are not read",
		strings.Repeat("a:1:{i:0;", 100000): "1:579: arrays are nested deeper than 64 levels",
		strings.Repeat("x", MaxSize+1):      " is larger than 2097152 bytes, which no file of this kind is",
	} {
		_, err := Unserialize("x.lock", []byte(text))
		got := ""
		if err != nil {
			got = strings.TrimPrefix(err.Error(), "x.lock:")
		}
		if got != want {
			t.Errorf("%.60q: %q, want %q", text, got, want)
		}
	}
}

func FuzzUnserialize(f *testing.F) {
	f.Add([]byte(`a:2:{i:0;s:1:"x";s:1:"k";a:3:{i:7;b:1;i:8;d:0.5;i:9;N;}}`))
	f.Add([]byte(`a:1:{i:0;O:8:"stdClass":0:{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Unserialize("x.lock", data)
		if _, ok := errors.AsType[*sourcefile.Error](err); err != nil && !ok {
			t.Fatalf("an error without a place: %v", err)
		}
		if err == nil && v.Kind() == Unknown {
			t.Fatal("a serialized value is unknown")
		}
	})
}
