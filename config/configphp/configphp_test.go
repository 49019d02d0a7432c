package configphp

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

func TestParse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ source, want string }{
		"as written by Magento": {"<?php\nreturn [\n    'modules' => [\n        'Magento_Store' => 1,\n        " +
			"'Magento_AdminAnalytics' => 0\n    ],\n    'scopes' => []\n];\n",
			"Magento_Store@4:28 true, Magento_AdminAnalytics@5:37 false"},
		"of Magento 2.0": {
			"<?php\nreturn array (\n  'modules' =>\n  array (\n    'Magento_Store' => 1,\n    'A_B' => '0',\n    " +
				"'C_D' => true,\n  ),\n);",
			"Magento_Store@5:24 true, A_B@6:14 false, C_D@7:14 true",
		},
		"in a variable": {
			"<?php\n$config = ['modules' => ['A_B' => 1, 'C_D' => 0]];\nreturn $config;",
			"A_B@2:35 true, C_D@2:47 false",
		},
		"in a variable that is changed": {
			"<?php\n$config = ['modules' => ['A_B' => 1]];\n$config['modules']['C_D'] = 1;\nreturn $config;",
			"more: what stands at 4:8 is a variable that several statements set or use",
		},
		"twice": {"<?php return ['modules' => ['A_B' => 1, 'A_B' => 0]];", "A_B@1:50 false"},
		"one is computed": {
			"<?php return ['modules' => ['A_B' => getenv('X'), 'C_D' => 1]];",
			"A_B@1:38 unknown: what stands at 1:38 calls getenv(), C_D@1:60 true",
		},
		"more are computed": {
			"<?php return ['modules' => ['A_B' => 1, ...$more, 'C_D' => 1]];",
			"A_B@1:38 unknown: what stands at 1:38 may be replaced by an element further down, whose key PHP " +
				"computes, C_D@1:60 true, more: what stands at 1:41 spreads another array",
		},
		"all are computed": {
			"<?php return ['modules' => require 'modules.php'];", "more: what stands at 1:28 calls require()",
		},
		"the file is computed": {
			"<?php return array_merge(['modules' => []], []);", "more: what stands at 1:14 calls array_merge()",
		},
		"none": {"<?php return ['modules' => []];", ""},
	} {
		f, err := Parse("config.php", []byte(test.source))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, m := range f.Modules {
			state := fmt.Sprint(m.Enabled)
			if m.Unknown != "" {
				state = "unknown: " + m.Unknown
			}
			got = append(got, fmt.Sprintf("%s@%s %s", m.Name, m.Place, state))
		}
		if f.Unknown != "" {
			got = append(got, "more: "+f.Unknown)
		}
		if all := strings.Join(got, ", "); all != test.want {
			t.Errorf("%s\n got %s\nwant %s", name, all, test.want)
		}
	}
}

func TestEnabled(t *testing.T) {
	t.Parallel()
	closed, err := Parse("config.php", []byte("<?php return ['modules' => ['A_On' => 1, 'A_Off' => 0, 'A_X' => X]];"))
	if err != nil {
		t.Fatal(err)
	}
	open, err := Parse("config.php", []byte("<?php return ['modules' => [...$x, 'A_On' => 1]];"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		f              *File
		module         string
		enabled, known bool
	}{
		{closed, "A_On", true, true}, {closed, "A_Off", false, true}, {closed, "A_X", false, false},
		{closed, "A_None", false, true},
		{open, "A_On", true, true}, {open, "A_None", false, false},
	} {
		if enabled, known := test.f.Enabled(test.module); enabled != test.enabled || known != test.known {
			t.Errorf("%s: %v %v", test.module, enabled, known)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                                   "config.php:1:1: the file is empty",
		"<?php\nreturn [];":                  "config.php:2:8: there is no array 'modules': Magento 2 is not installed",
		"<?php\nreturn ['modules' => 1];":    "config.php:2:22: 'modules' is not an array",
		"<?php\nreturn ['modules' => [\n'A'": "config.php:2:22: the [ that stands here is never closed",
		"<?php return ['modules' => ['A_B' => 1\n'C_D' => 1]];": "config.php:2:1: a comma is missing before this",
		strings.Repeat(" ", MaxSize+1): "config.php: is larger than 2097152 bytes, which " +
			"no file of this kind is",
	} {
		if _, err := Parse("config.php", []byte(source)); err == nil || err.Error() != want {
			t.Errorf("%.60q: %v, want %s", source, err, want)
		}
	}
	file := filepath.Join(t.TempDir(), "config.php")
	if _, err := Read(file); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte("<?php return ['modules' => ['A_B' => 1]];"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := Read(file); err != nil || len(f.Modules) != 1 || f.File != file {
		t.Error(f, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("<?php return ['modules' => ['A_B' => 1, ...$x, 'C_D' => getenv('X')]];"))
	f.Add([]byte("<?php return array('modules' => array(1, 2));"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("config.php", data)
		if err != nil {
			if _, ok := errors.AsType[*sourcefile.Error](err); !ok {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		for _, m := range file.Modules {
			if _, known := file.Enabled(m.Name); known != (m.Unknown == "") {
				t.Fatalf("%+v", m)
			}
		}
	})
}

func TestSetting(t *testing.T) {
	t.Parallel()
	f, err := Parse(
		"config.php",
		[]byte("<?php return ['modules' => [], 'system' => ['default' => ['a' => 'b', 'n' => 8, "+
			"'no' => null, 'x' => getenv('X')]]];"),
	)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"system/default/a": "b", "system/default/n": "8", "system/default/no": "", "system/default/x": "",
		"system/default": "", "system/default/a/b": "", "system/stores/a": "", "": "",
	} {
		if text, ok := f.Setting(path); text != want || ok != (want != "") {
			t.Errorf("%s: %q %v, want %q", path, text, ok, want)
		}
	}
}
