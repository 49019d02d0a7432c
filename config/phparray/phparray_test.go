package phparray

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"magento_migration_exporter/config/sourcefile"
)

// write shows a value with its text, for comparison in tests.
func write(v *Value) string {
	if v == nil {
		return "absent"
	}
	switch v.kind {
	case Unknown:
		return "unknown(" + v.text + ")"
	case String:
		return strconv.Quote(v.text)
	case Float:
		return "float:" + strconv.FormatFloat(v.float, 'g', -1, 64)
	case Null:
		return "null"
	case Bool:
		return strconv.FormatBool(v.number == 1)
	case Int:
		return strconv.FormatInt(v.number, 10)
	}
	var parts []string
	for key, element := range v.Entries() {
		parts = append(parts, key+":"+write(element))
	}
	if v.Open() != nil {
		parts = append(parts, "...")
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// What each expression is was checked against PHP 8.2.
func TestParseLiterals(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		// arrays, keys
		`[]`:                               `[]`,
		`array()`:                          `[]`,
		`ARRAY ( 'a' => [1, 2,], )`:        `[a:[0:1 1:2]]`,
		`['a' => 1, 'b' => 2, 'a' => 3]`:   `[a:3 b:2]`,
		`[5 => 'a', 'b', '7' => 'c', 'd']`: `[5:"a" 6:"b" 7:"c" 8:"d"]`,
		`['08' => 1, '-5' => 2, '-0' => 3, ' 1' => 4]`: `[08:1 -5:2 -0:3  1:4]`,
		`[true => 'a', false => 'b', null => 'c']`:     `[1:"a" 0:"b" :"c"]`,
		`[1.7 => 'a', -1.7 => 'b', 1e3 => 'c']`:        `[1:"a" -1:"b" 1000:"c"]`,
		`[0x10 => 1, 010 => 2, 0b11 => 3, 1_0 => 4]`:   `[16:1 8:2 3:3 10:4]`,
		`['a' . 'b' => ('c' . 'd')]`:                   `[ab:"cd"]`,
		`[1014 => false]`:                              `[1014:false]`,
		// numbers
		`[1, -1, +1, - 5, 9223372036854775807]`:                              `[0:1 1:-1 2:1 3:-5 4:9223372036854775807]`,
		`[9223372036854775808, 0x8000000000000000, 01000000000000000000000]`: `[0:float:9.223372036854776e+18 1:float:9.223372036854776e+18 2:float:9.223372036854776e+18]`,
		`[1.5, .5, 1., 1e3, -1E-3, 1e999]`:                                   `[0:float:1.5 1:float:0.5 2:float:1 3:float:1000 4:float:-0.001 5:float:+Inf]`,
		`[TRUE, False, NULL, \true]`:                                         `[0:true 1:false 2:null 3:true]`,
		// strings
		`['it\'s', 'a\\b', 'a\nb', '$x']`:           `[0:"it's" 1:"a\\b" 2:"a\\nb" 3:"$x"]`,
		`["\n\t\r\v\e\f\\\$\"", "\'", "\q"]`:        `[0:"\n\t\r\v\x1b\f\\$\"" 1:"\\'" 2:"\\q"]`,
		`["\101\7\400", "\x41\x4\xZ", "\u{1F600}"]`: `[0:"A\a\x00" 1:"A\x04\\xZ" 2:"😀"]`,
		`["\u", "$", "$1", "{a}", "{ $", "$ {"]`:    `[0:"\\u" 1:"$" 2:"$1" 3:"{a}" 4:"{ $" 5:"$ {"]`,
		`['a' . "b" . 1 . true . null . -2]`:        `[0:"ab11-2"]`,
		"['a\r\nb']":                                `[0:"a\r\nb"]`,
		// heredocs
		"[<<<X\na\n b\\t\\\"\nX, <<<'Y'\n\\t $a\nY]":  `[0:"a\n b\t\\\"" 1:"\\t $a"]`,
		"[<<<\"X\"\n    a\n\n      b\n    X, 'c']":    `[0:"a\n\n  b" 1:"c"]`,
		"[<<<X\nX, <<<X\n\nX]":                        `[0:"" 1:""]`,
		"[<<<KEYS\n0123456789abcdef\nfedcba\nKEYS\n]": `[0:"0123456789abcdef\nfedcba"]`,
		"[<<<X\r\n  a\r\n  b\r\n  X]":                 `[0:"a\r\nb"]`,
		// comments
		"[ // 'a' => 1,\n # ]\n 'b' /* => 2, ] */ => 3 /** x */ ]": `[b:3]`,
		// what only PHP can compute
		`['h' => getenv('DB'), 'n' => 'x']`:                                                     `[h:unknown(calls getenv()) n:"x"]`,
		`['h' => hunter2('x'), 'n' => 'x']`:                                                     `[h:unknown(calls a function) n:"x"]`,
		`['h' => hunter2, 'n' => $x, 'd' => __DIR__.'/']`:                                       `[h:unknown(is a constant) n:unknown(is a variable) d:unknown(is a constant)]`,
		`[PDO::A, \Foo\Bar::BAZ, X::class]`:                                                     `[0:unknown(is a class constant) 1:unknown(is a class constant) 2:unknown(is a class constant)]`,
		`["a $b", "{$c['d']} e", "${f}", ` + "`ls`]":                                            `[0:unknown(holds a variable) 1:unknown(holds a variable) 2:unknown(holds a variable) 3:unknown(holds a variable)]`,
		`['a' => 'b' . getenv('C') . 'd', 'e' => 1]`:                                            `[a:unknown(calls getenv()) e:1]`,
		`[60 * 60, 1 + 2, 'a' ?: 'b', [1][0], !true]`:                                           `[0:unknown(is computed) 1:unknown(is computed) 2:unknown(is computed) 3:unknown(is computed) 4:unknown(is computed)]`,
		`[(int) '5', -'5', 'a' . 1.5]`:                                                          `[0:unknown(is computed) 1:unknown(is computed) 2:unknown(joins something that is not a string)]`,
		`[fn($x) => $x, 'a' => static fn() => [1, 2], 3]`:                                       `[0:unknown(is an object) a:unknown(is an object) 1:3]`,
		`[function () { return ['x', 'y']; }, new A(1, 2), match (1) { 1 => 2, default => 3 }]`: `[0:unknown(is an object) 1:unknown(is an object) 2:unknown(calls a function)]`,
		"[<<<X\n $a\nX, 'b']":                                                                   `[0:unknown(holds a variable) 1:"b"]`,
		// elements whose key is not known may replace those before them
		`['a' => 1, getenv('K') => 2, 'b' => 3]`: `[a:unknown(may be replaced by an element further down, whose key PHP computes) b:3 ...]`,
		`['a' => 1, ...$more, 'b' => 3]`:         `[a:unknown(may be replaced by an element further down, whose key PHP computes) b:3 ...]`,
		`[-5 => 'a', 'b', 'c' => 'd']`:           `[-5:"a" c:"d" ...]`,
		`['a' => 1, 1e30 => 2]`:                  `[a:unknown(may be replaced by an element further down, whose key PHP computes) ...]`,
		`[PHP_INT_MAX => 1]`:                     `[...]`,
		// #[ is a comment in PHP 7 and an attribute in PHP 8
		"[#[db]\n'a' => 1, 'b' => 2]": `[b:2 ...]`,
	} {
		v, err := Parse("env.php", []byte("<?php\nreturn "+expression+";\n"))
		if err != nil {
			t.Errorf("%s: %v", expression, err)
		} else if got := write(v); got != want {
			t.Errorf("%s\n got %s\nwant %s", expression, got, want)
		}
	}
}

func TestParseFindsTheReturnedValue(t *testing.T) {
	t.Parallel()
	const conditional = "unknown(depends on a condition)"
	for source, want := range map[string]string{
		"<?php return ['a'];":                `[0:"a"]`,
		"<?PHP\r\nreturn['a'];":              `[0:"a"]`,
		"<?php return ['a'] ?>\n":            `[0:"a"]`,
		"<?php return ['a'];\nreturn ['b'];": `[0:"a"]`,
		"\xef\xbb\xbf<?php\nreturn ['a'];":   `[0:"a"]`,
		"<?php\ndeclare(strict_types=1);\nnamespace A;\nuse B\\C;\nreturn [1];":           `[0:1]`,
		"<?php\n$f = function () { return 1; };\nfunction g() { return 2; }\nreturn [3];": `[0:3]`,
		"<?php\nclass A { function f() { return 1; } }\nif ($x) { f(); }\nreturn [2];":    `[0:2]`,
		"<?php ?>\n<?php return [1];":                                                                  `[0:1]`,
		"<?php return 'x';":                                                                            `"x"`,
		"<?php return $config;":                                                                        `unknown(is a variable)`,
		"<?php return array_merge(['a' => 1], require 'b.php');":                                       `unknown(calls array_merge())`,
		"<?php return ['a' => 1] + ['b' => 2];":                                                        `unknown(is computed)`,
		"<?php\nif (getenv('X')) {\n  return ['a'];\n}\nreturn ['b'];":                                 conditional,
		"<?php\nif (getenv('X')) return ['a'];\nreturn ['b'];":                                         conditional,
		"<?php\nif (getenv('X')):\n$a = 1;\nreturn ['a'];\nendif;\nreturn ['b'];":                      conditional,
		"<?php\ntry { return ['a']; } catch (E $e) { return []; }":                                     conditional,
		"<?php\nif ($a) { $x->return(); X::return(); }\nreturn ['b'];":                                 `[0:"b"]`,
		"<?php\nif ($a) { f(function () { return 1; }); }\nreturn ['b'];":                              `[0:"b"]`,
		"<?php\nabstract class A { abstract function f(); function g() { return 1; } }\nreturn ['b'];": `[0:"b"]`,
		"<?php\nuse function A\\b;\nreturn ['b'];":                                                     `[0:"b"]`,
	} {
		v, err := Parse("env.php", []byte(source))
		if err != nil {
			t.Errorf("%q: %v", source, err)
		} else if got := write(v); got != want {
			t.Errorf("%q\n got %s\nwant %s", source, got, want)
		}
	}
}

func TestParseFollowsVariables(t *testing.T) {
	t.Parallel()
	const (
		several = "unknown(is a variable that several statements set or use)"
		alone   = "unknown(is a variable)"
	)
	for source, want := range map[string]string{
		"<?php\n$config = ['cron' => ['enabled' => 0]];\nreturn $config;":             `[cron:[enabled:0]]`,
		"<?php $c = array('a'); // the configuration\nreturn $c ?>":                   `[0:"a"]`,
		"<?php\n$a = ['x'];\n$b = $a;\nreturn $b;":                                    `[0:"x"]`,
		"<?php\n$other = 1; $c = ['x' => $other]; f($other); return $c;":              `[x:unknown(is a variable)]`,
		"<?php\nfunction f() { return 1; }\n$c = [1];\nif (f()) { g(); }\nreturn $c;": `[0:1]`,
		"<?php\nrequire 'constants.php';\n$c = [1];\nreturn $c;":                      `[0:1]`,
		"<?php\n$c = ['a' => include 'a.php'];\nreturn $c;":                           `[a:unknown(calls include())]`,
		"<?php\n$c = include __DIR__ . '/env.base.php';\nreturn $c;":                  `unknown(calls include())`,
		"<?php\n$c = getenv('X') ? [] : [1];\nreturn $c;":                             `unknown(calls getenv())`,
		"<?php\n$c = ['a'];\n$c['b'] = 1;\nreturn $c;":                                several,
		"<?php\n$c = include 'a.php';\n$c['cron']['enabled'] = 0;\nreturn $c;":        several,
		"<?php\n$c = ['a'];\n$c = ['b'];\nreturn $c;":                                 several,
		"<?php\n$c = ['a'];\narray_push($c, 'b');\nreturn $c;":                        several,
		"<?php\n$c = ['a'];\n$d = &$c;\n$d = 1;\nreturn $c;":                          several,
		"<?php\n$c = &$d;\nreturn $c;":                                                several,
		"<?php\n$c == ['a'];\nreturn $c;":                                             several,
		"<?php\nif ($x) { $c = ['a']; }\nreturn $c;":                                  several,
		"<?php\nif ($x) $c = ['a'];\nreturn $c;":                                      several,
		"<?php\nforeach ($x as $c) { }\nreturn $c;":                                   several,
		"<?php\nf(function () use (&$c) { });\n$c = ['a'];\nreturn $c;":               several,
		"<?php\n$c = ['a'];\nrequire 'more.php';\nreturn $c;":                         several,
		"<?php\n$c = ['a'];\nif (is_file('x')) { include 'x'; }\nreturn $c;":          several,
		"<?php\n$c = ['a'];\nextract($x);\nreturn $c;":                                several,
		"<?php\n$c = ['a'];\n$$name = ['b'];\nreturn $c;":                             several,
		"<?php\n$c = ['a'];\n$x = \"{$f($c = 1)}\";\nreturn $c;":                      several,
		"<?php\nreturn $c;\n$c = ['a'];":                                              several,
		"<?php\n$a = $b;\n$b = $a;\nreturn $b;":                                       several,
		"<?php\n$c = ['a'];\n$x = \"cc {$d}\";\nreturn $c;":                           `[0:"a"]`,
		"<?php\nreturn $c['a'];":                                                      alone,
		"<?php\n$C = ['a'];\nreturn $c;":                                              alone,
		"<?php\n$c = ['a'];\nreturn ['x' => $c];":                                     `[x:unknown(is a variable)]`,
	} {
		v, err := Parse("env.php", []byte(source))
		if err != nil {
			t.Errorf("%q: %v", source, err)
		} else if got := write(v); got != want {
			t.Errorf("%q\n got %s\nwant %s", source, got, want)
		}
	}
	// Where the value stands, and what is wrong with it, is what the assignment says.
	v, err := Parse("env.php", []byte("<?php\n$c =\n  ['a'];\nreturn $c;"))
	if err != nil || v.Place().String() != "3:3" {
		t.Errorf("%v %v", v, err)
	}
	if _, err := Parse("env.php", []byte("<?php\n$c = ['a' 'b'];\nreturn $c;")); err == nil ||
		err.Error() != "env.php:2:11: a comma is missing before this" {
		t.Error(err)
	}
	if _, err := Parse("env.php", []byte("<?php\n$c = ;\nreturn $c;")); err == nil {
		t.Error("an empty assignment was accepted")
	} else if err.Error() != "env.php:2:6: = is followed by nothing" {
		t.Error(err)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                   "env.php:1:1: the file is empty",
		" \n":                "env.php:1:1: the file is empty",
		"{\"a\": 1}":         "env.php:1:1: the file does not begin with <?php",
		"\n<?php return [];": "env.php:1:1: the file does not begin with <?php",
		"<?= [1]":            "env.php:1:1: the file does not begin with <?php",
		"<?phpreturn [];":    "env.php:1:6: <?php is not followed by white space",
		"\xff\xfe<\x00?\x00": "env.php:1:1: the file is UTF-16, which PHP does not read: save it as UTF-8",
		"\xef\xbb\xbf<?php\ndeclare(strict_types=1);\nreturn [];": "env.php:1:1: the file begins with a byte order mark, behind which PHP allows no declare",
		"<?php":                     "env.php:1:6: the file ends without returning anything",
		"<?php\n$x = ['a' => 1];\n": "env.php:3:1: the file ends without returning anything",
		"<?php\nreturn;":            "env.php:2:7: return is followed by nothing",
		"<?php\nreturn ['a' => 1]":  "env.php:2:18: a semicolon is missing behind the returned value",
		"<?php\nreturn [\n  'a' => [\n    'b' => 'c',\n":                          "env.php:3:10: the [ that stands here is never closed",
		"<?php\nreturn [\n  'a' => 'b,\n];\n":                                     "env.php:3:10: the string that begins here does not end",
		"<?php\nreturn [\n  'ä' => \"b,\n];\n":                                    "env.php:3:10: the string that begins here does not end",
		"<?php\nreturn [\"{$a\"];":                                                "env.php:2:13: the string that begins here does not end",
		"<?php\nreturn [\"${a":                                                    "env.php:2:10: the code in a string that begins here does not end",
		"<?php\n/* return [];":                                                    "env.php:2:1: the comment that begins here does not end",
		"<?php\nreturn [<<<X\na\nY\n];":                                           "env.php:2:9: the heredoc that begins here does not end",
		"<?php\nreturn [<<<X a\nX];":                                              "env.php:2:9: the label of the heredoc that begins here is not at the end of its line",
		"<?php\nreturn [<<<'X\na\nX];":                                            "env.php:2:9: the label of the heredoc that begins here has no closing quote",
		"<?php\nreturn [<<<X\n    a\n  b\n    X];":                                "env.php:4:1: this line of a heredoc is indented less than its closing label, or otherwise",
		"<?php\nreturn [<<<X\n \t a\n \t X];":                                     "env.php:4:1: the heredoc is indented with both tabs and spaces",
		"<?php\nreturn ['a' => 1\n  'b' => 2];":                                   "env.php:3:3: a comma is missing before this",
		"<?php\nreturn ['a' => hunter 2,\n 'b' => hunter2 => 3];":                 "env.php:3:17: a comma or the end of the array is missing here",
		"<?php\nreturn ['a' 'b'];":                                                "env.php:2:13: a comma is missing before this",
		"<?php\nreturn [1,,2];":                                                   "env.php:2:11: a value is missing here",
		"<?php\nreturn [,1];":                                                     "env.php:2:9: a value is missing here",
		"<?php\nreturn ['a' => ];":                                                "env.php:2:16: a value is missing here",
		"<?php\nreturn ['a' => ()];":                                              "env.php:2:17: a value is missing here",
		"<?php\nreturn ['a' . ];":                                                 "env.php:2:15: a value is missing here",
		"<?php\nreturn [('a', 'b')];":                                             "env.php:2:13: this does not belong in parentheses",
		"<?php\nreturn [[1] => 2];":                                               "env.php:2:9: an array cannot be a key",
		"<?php\nreturn ['a' => 1; 'b' => 2];":                                     "env.php:2:17: a comma or the end of the array is missing here",
		"<?php\nreturn ['a' => [1)];":                                             "env.php:2:18: this ) does not close the [ of line 2",
		"<?php\nreturn ['a' => 1]];":                                              "env.php:2:18: this ] closes nothing",
		"<?php\nreturn [08];":                                                     "env.php:2:9: this is no number",
		"<?php\nreturn [0b2];":                                                    "env.php:2:9: this is no number",
		"<?php\nreturn [\"ä\\u{110000}\"];":                                       "env.php:2:11: the escape \\u{ is not followed by a code point and }",
		"<?php\nreturn [\"\\u{}\"];":                                              "env.php:2:10: the escape \\u{ is not followed by a code point and }",
		"<?php\nreturn ['a'\x00 => 1];":                                           "env.php:2:12: the control character 0x00 does not belong in PHP",
		"<?php\nreturn ['a' => 1 ?>, 2];":                                         "env.php:2:8: the [ that stands here is never closed",
		"<?php return " + strings.Repeat("[", 70) + strings.Repeat("]", 70) + ";": "env.php:1:78: arrays are nested deeper than 64 levels",
		"<?php return " + strings.Repeat("(", 70) + "1" + strings.Repeat(")", 70) + ";": "env.php:1:78: arrays are nested deeper than 64 levels",
		"<?php return [" + strings.Repeat(`"{$a[`, 20):                                  "env.php:1:56: strings with code in them are nested deeper than 8 levels",
		"<?php return [" + strings.Repeat("[", 1<<20):                                   "env.php:1:1048590: the [ that stands here is never closed",
		strings.Repeat("x", MaxSize+1):                                                  "env.php: is larger than 2097152 bytes, which no file of this kind is",
	} {
		_, err := Parse("env.php", []byte(source))
		if err == nil {
			t.Errorf("%.80q: no error", source)
			continue
		}
		if _, ok := errors.AsType[*sourcefile.Error](err); !ok {
			t.Errorf("%.80q: %T has no place", source, err)
		}
		if err.Error() != want {
			t.Errorf("%.80q\n got %s\nwant %s", source, err, want)
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	v, err := Parse(
		"env.php",
		[]byte("<?php\r\nreturn [\r\n    'db' => ['host' => getenv('H'),\r\n        'näme' => 'x'],\r\n];"),
	)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"db": "3:13", "db/host": "3:24", "db/näme": "4:19"} {
		if got := v.Get(strings.Split(path, "/")...).Place().String(); got != want {
			t.Errorf("%s is at %s, want %s", path, got, want)
		}
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	v, err := Parse(
		"env.php",
		[]byte("<?php return ['a' => ['b' => 1], 'u' => getenv('U'), 'o' => [...$x, 'k' => 2], 's' => 'text'];"),
	)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"a/b": "1", "a/c": "absent", "a/b/c": "absent", "s/x": "absent", "x": "absent",
		"u": "unknown(calls getenv())", "u/x/y": "unknown(calls getenv())",
		"o/k": "2", "o/other": "unknown(spreads another array)",
	} {
		if got := write(v.Get(strings.Split(path, "/")...)); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
}

func TestTextAndTruth(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`'x'`: `"x" true; true true`, `'0'`: `"0" true; false true`, `''`: `"" true; false true`, `'0.0'`: `"0.0" true; true true`,
		`0`: `"0" true; false true`, `-1`: `"-1" true; true true`, `null`: `"" true; false true`, `true`: `"1" true; true true`, `false`: `"" true; false true`,
		`0.0`: `"" false; false true`, `0.1`: `"" false; true true`, `[]`: `"" false; false true`, `[0]`: `"" false; true true`,
		`getenv('X')`: `"" false; false false`, `[...$x]`: `"" false; false false`, `[...$x, 'a' => 1]`: `"" false; true true`,
	} {
		v, err := Parse("x", []byte("<?php return "+expression+";"))
		if err != nil {
			t.Fatal(err)
		}
		text, ok := v.Text()
		truth, known := v.Truth()
		if got := fmt.Sprintf("%q %t; %t %t", text, ok, truth, known); got != want {
			t.Errorf("%s: %s, want %s", expression, got, want)
		}
	}
}

func TestFunctionReturnsAndProperties(t *testing.T) {
	t.Parallel()
	s, err := NewSource("Mage.php", []byte(`<?php
final class Mage {
    const EDITION_COMMUNITY = 'Community';
    // function decoy() { return 1; }
    static private $_edition = self::EDITION_COMMUNITY;
    public static function getInfo(): array { $f = function () { return 'inner'; }; if (self::x()) { return ['a' => 1]; } return ['a' => 2]; }
    abstract function none();
    public static function &getName(array $x = []) { return 'n'; }
}`))
	if err != nil {
		t.Fatal(err)
	}
	values, found, err := s.FunctionReturns("GETINFO")
	if err != nil || !found || len(values) != 2 || write(values[0])+write(values[1]) != "[a:1][a:2]" {
		t.Errorf("getInfo: %v %v %v", values, found, err)
	}
	if _, found, _ := s.FunctionReturns("decoy"); found {
		t.Error("found a function in a comment")
	}
	if got, ok := s.PropertyDefault("$_edition"); !ok || got != "self::EDITION_COMMUNITY" {
		t.Errorf("property %q %v", got, ok)
	}
}

func TestFromJSON(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		`{"db":{"connection":{"default":{"host":"h","port":3306}}},"x":[true,null,1.5,99999999999999999999]}`: `[db:[connection:[default:[host:"h" port:3306]]] x:[0:true 1:null 2:float:1.5 3:float:1e+20]]`,
		`{"a":1,"a":2,"8":3}`: `[a:2 8:3]`,
		`"x"`:                 `"x"`,
		`{"a":1`:              `is not JSON`, `{"a":1}}`: `is not JSON`, `{} {}`: `is not JSON`, ``: `is not JSON`, `{'a':1}`: `is not JSON`,
		strings.Repeat("[", 600) + strings.Repeat("]", 600): `is not JSON`,
		strings.Repeat("[", 1000000):                        `is not JSON`,
	} {
		v, err := FromJSON([]byte(document))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = write(v)
		}
		if got != want {
			t.Errorf("%.60s: %s, want %s", document, got, want)
		}
	}
}

func TestValuesPrintNoSecrets(t *testing.T) {
	t.Parallel()
	v, err := Parse(
		"env.php",
		[]byte("<?php return ['hunter2' => ['password' => 'hunter2', 'n' => hunter2, 'f' => \"hunter2 $x\"]];"),
	)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := json.Marshal(struct{ V *Value }{v})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out = append(out, fmt.Sprintf(verb, v)...)
		out = append(out, fmt.Sprintf(verb, v.Get("hunter2", "n"))...)
		out = append(out, fmt.Sprintf(verb, struct{ V *Value }{v})...)
	}
	out = append(out, v.Get("hunter2", "n").Reason()+v.Get("hunter2", "f").Reason()...)
	if strings.Contains(string(out), "hunter2") || strings.Contains(string(out), "68756e746572") {
		t.Errorf("leaks: %s", out)
	}
}

// Inputs that could take quadratic time take a moment only.
func TestParseIsLinear(t *testing.T) {
	t.Parallel()
	half := MaxSize / 8
	var replaced strings.Builder
	replaced.WriteString("[")
	for i := range 20000 {
		fmt.Fprintf(&replaced, "'%d'=>1,$a=>1,", i)
	}
	replaced.WriteString("]")
	for name, body := range map[string]string{
		"elements":       "[" + strings.Repeat("1,", half/2) + "]",
		"unknown keys":   "[" + strings.Repeat("$a=>1,", half/6) + "]",
		"replaced keys":  replaced.String(),
		"concatenation":  "['x'" + strings.Repeat(".'x'", half/4) + "]",
		"nested unknown": "[f(" + strings.Repeat("[", half/2) + strings.Repeat("]", half/2) + ")]",
		"digits":         "[" + strings.Repeat("9", half) + "]",
		"hex digits":     "[0x" + strings.Repeat("F", half) + "]",
		"comments":       "[" + strings.Repeat("/**/", half/4) + "]",
		"labels":         "[<<<A\n" + strings.Repeat("  A_\n", half/5) + "A]",
		"functions":      "1 ?> <?php " + strings.Repeat("function f", half/10),
		"brackets":       "f(" + strings.Repeat("{", half),
	} {
		if len(body) > MaxSize-20 {
			t.Fatalf("%s: too large", name)
		}
		took := processorTime(t, func() {
			_, _ = Parse("env.php", []byte("<?php return "+body+";"))
			if s, err := NewSource("env.php", []byte("<?php "+body)); err == nil {
				_, _ = s.Returned()
				_, _, _ = s.FunctionReturns("f")
			}
		})
		if took > 30*time.Second {
			t.Errorf("%s: %s", name, took)
		} else {
			t.Logf("%s: %s", name, took)
		}
	}
}

// processorTime returns for how long a function computed. Unlike the time on the clock, it does not depend on what else
// the machine does.
func processorTime(t *testing.T, compute func()) time.Duration {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	used := func() time.Duration {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	compute()
	return used() - before
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"<?php\nreturn ['a' => 'b', \"c\" => [1, -2.5, null], ...$x, getenv('X') => \"{$y['z']}\"];",
		"<?php return array('k' => <<<X\n  a\n  X, 'n' => <<<'Y'\n\\\nY);",
		"<?php if (1) { return 2; } function f() { return [3]; } return fn() => [4, 5];",
		"<?php return [#[a]\n1 /* */ . 'b' // c\n];",
		"<?php return [\"\\u{41}\\x41\\101\", 0x1F, 0b1, 1_0, .5e-3];",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse("env.php", data)
		if err != nil {
			var place *sourcefile.Error
			if !errors.As(err, &place) {
				t.Fatalf("an error without a place: %v", err)
			}
			if lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1; place.Line < 1 ||
				place.Line > lines {
				t.Fatalf("%v is outside of the %d lines", err, lines)
			}
			return
		}
		if v.Kind() == Unknown && v.Reason() == "" {
			t.Fatal("unknown without a reason")
		}
		s, err := NewSource("env.php", data)
		if err != nil {
			t.Fatal(err)
		}
		_, _, _ = s.FunctionReturns("f")
		s.PropertyDefault("$x")
	})
}
