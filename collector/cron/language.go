package cron

import (
	"path/filepath"
	"regexp"
	"strings"
)

// language is what has to be known of a programming language to set apart what is only said in a program.
type language struct {
	name string
	// comments begin comments that end with the line, blocks are those with an end of their own.
	comments []string
	blocks   [][2]string
	// quotes begin and end texts.
	quotes []string
	// hereDocument is how a here-document begins; nil where there is none.
	hereDocument *regexp.Regexp
	// tags enclose the program; what is outside is output.
	tags [2]string
	// newlines says that a statement ends with its line.
	newlines bool
	// starts matches what a program needs to start another, or to run text as a program.
	starts *regexp.Regexp
	// includes matches the name of a file that becomes part of the program.
	includes *regexp.Regexp
	// code are the options whose value is a program, values and longValues the others that take one.
	code, values, longValues string
}

// startsSomething are the names that hint, in any language, at a way to start a program.
const startsSomething = `(?i)\b_*(?:system|exec\w*|spawn\w*|popen\w*|fork|shell\w*|eval|run\w*|call|process\w*|` +
	`subprocess|invoke|pexpect|paramiko|fabric|docker|expect|send`

var (
	anyStarts = regexp.MustCompile(startsSomething + ")\\b|`")
	phpStarts = regexp.MustCompile(startsSomething + `|passthru|pcntl_\w+|proc_open|assert|curl_\w+|` +
		`file_get_contents|fopen|fsockopen|include\w*|require\w*|Bootstrap|Cli|createApplication|ObjectManager\w*)\b|` +
		"`")
	pythonStarts = regexp.MustCompile(startsSomething + `|sh|plumbum|check_\w+|getoutput|urlopen|requests|urllib|` +
		`httpx|import_module|runpy|__import__)\b`)
	perlStarts = regexp.MustCompile(startsSomething + "|qx|open[23]?|do|require|readpipe|LWP\\w*|get)\\b|`")
	rubyStarts = regexp.MustCompile(startsSomething + "|open[23]?|load|require\\w*|capture\\w*|sh|Net)\\b|`|%x")
	nodeStarts = regexp.MustCompile(startsSomething + "|execa|child_process|zx|shelljs|fetch|https?|axios|" +
		"require|import)\\b|\\$`")

	phpIncludes = regexp.MustCompile(`(?i)\b(?:include|require)(?:_once)?\b[\s(]*` +
		`((?:__DIR__|dirname\(__FILE__\))\s*\.\s*)?["']([^"'$\n]+)["']`)
	pythonIncludes = regexp.MustCompile(`(?m)^\s*(?:from|import)()\s+\.?(\w+)`)
	perlIncludes   = regexp.MustCompile(`\b(?:require|do)()\s*["']([^"'$\n]+)["']`)
	rubyIncludes   = regexp.MustCompile(`\b(?:require_relative|load)()\s*\(?["']([^"'#\n]+)["']`)
	nodeIncludes   = regexp.MustCompile(`\b(?:require|import)()\s*\(?\s*["'](\.[^"'\n]+)["']`)

	perlHereDocument = regexp.MustCompile(`^<<[~-]?(?:"([^"\n]+)"|'([^'\n]+)'|([A-Z_]\w*))`)
	phpHereDocument  = regexp.MustCompile(`^<<<[ \t]*(?:"([^"\n]+)"|'([^'\n]+)'|([A-Za-z_]\w*))`)
)

// languageOf returns the language that an interpreter reads, by the interpreter's name. The second result is false for
// programs that are none.
func languageOf(name string) (language, bool) {
	hash, block := []string{"#"}, [][2]string{{"/*", "*/"}}
	texts := []string{`"`, "'", "`"}
	switch name = strings.TrimRight(name, "0123456789."); name {
	case "php", "lsphp", "hhvm", "frankenphp", "php-cli", "php-cgi":
		return language{
			name: "php", comments: []string{"#", "//"}, blocks: block, quotes: texts, hereDocument: phpHereDocument,
			tags: [2]string{"<?", "?>"}, starts: phpStarts, includes: phpIncludes, code: "rBRE", values: "dczFt",
			longValues: "--php-ini --define --zend-extension --docroot --server",
		}, true
	case "python", "pypy":
		return language{
			name: "python", comments: hash, quotes: []string{`"""`, "'''", `"`, "'"}, newlines: true,
			starts: pythonStarts, includes: pythonIncludes, code: "c", values: "WXm",
		}, true
	case "perl":
		return language{
			name: "perl", comments: hash, quotes: texts, hereDocument: perlHereDocument,
			starts: perlStarts, includes: perlIncludes, code: "eE", values: "IMm",
		}, true
	case "ruby", "jruby":
		return language{
			name: "ruby", comments: hash, quotes: texts, hereDocument: perlHereDocument, newlines: true,
			starts: rubyStarts, includes: rubyIncludes, code: "e", values: "IrE",
		}, true
	case "node", "nodejs", "deno", "bun", "ts-node", "tsx":
		return language{
			name: "javascript", comments: []string{"//"}, blocks: block, quotes: texts,
			starts: nodeStarts, includes: nodeIncludes, code: "ep", values: "r",
			longValues: "--require --import --loader --experimental-loader --env-file --conditions",
		}, true
	case "lua", "tclsh", "expect", "fish", "pwsh", "Rscript", "groovy", "elixir", "escript", "guile":
		return unknownLanguage(), true
	}
	return language{}, false
}

// unknownLanguage is one of which no more is known than that it has comments and texts like most.
func unknownLanguage() language {
	return language{
		comments: []string{"#", "//", "--", ";"}, quotes: []string{`"`}, newlines: true, starts: anyStarts, code: "ec",
	}
}

// fileLanguage returns the language of a file by the interpreter in its first line, or else by its name.
func fileLanguage(path, text string) (interpreter string, l language, ok bool) {
	if m := shebang.FindStringSubmatch(text); m != nil {
		l, ok = languageOf(m[1])
		return m[1], l, ok
	}
	interpreter = interpreterOfSuffix(filepath.Ext(path))
	if interpreter == "" && strings.HasPrefix(text, "<?php") {
		interpreter = "php"
	}
	l, ok = languageOf(interpreter)
	return interpreter, l, ok
}

func interpreterOfSuffix(suffix string) string {
	switch suffix {
	case ".sh", ".bash", ".zsh", ".ksh", ".fish", ".lua", ".groovy":
		return suffix[1:]
	case ".php", ".phar", ".phtml", ".inc":
		return "php"
	case ".py":
		return "python"
	case ".pl", ".pm":
		return "perl"
	case ".rb":
		return "ruby"
	case ".js", ".mjs", ".cjs", ".ts":
		return "node"
	case ".tcl", ".exp":
		return "expect"
	case ".ps1", ".go", ".exs", ".kts", ".java":
		return "pwsh" // or another language of which no more is known
	}
	return ""
}

// shebang matches a script's first line, with the interpreter's name.
var shebang = regexp.MustCompile(`^#!\s*(?:\S*/env\s+(?:-\S+\s+|[A-Za-z_]\w*=\S*\s+)*)?(?:\S*/)?([\w.+-]+)`)
