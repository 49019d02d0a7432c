package cron

import (
	"encoding/base64"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"magento_migration_exporter/collector/finding"
)

// hidden begins a word that a program wrote which decodes or decrypts, where nothing here shows what it wrote.
const hidden = "\x01"

func (w word) isHidden() bool { return strings.HasPrefix(string(w), hidden) }

// hiddenText reports a text that a shell runs and that nothing shows.
func (r *reader) hiddenText(sh shell) outcome {
	if r.look.looksFor(finding.Magento2) {
		r.found = append(r.found, invocation{
			kind: CronRun, system: finding.Magento2, certainty: Possible, text: "an encoded text",
			note: joinNotes(sh.scriptNote(), "a shell runs what is decoded here, and nothing shows what that is"),
		})
	}
	return outcome{out: opaque()}
}

// isDecoder reports whether a program writes what only who has its key, or runs it, can read.
func isDecoder(name string, args []word) bool {
	has := func(options string) bool {
		return slices.ContainsFunc(args, func(w word) bool { return hasWord(options, string(w)) })
	}
	switch name {
	case "openssl":
		return has("-d -decrypt")
	case "gpg", "gpg2", "age", "rage", "sops", "mcrypt":
		return has("-d --decrypt")
	case "ccat", "ccdecrypt", "mdecrypt", "base64url", "basenc":
		return true
	}
	return false
}

// reversed is what rev writes.
func reversed(in stream) stream {
	lines := strings.Split(string(in.text), "\n")
	for i, line := range lines {
		runes := []rune(line)
		slices.Reverse(runes)
		lines[i] = string(runes)
	}
	return stream{text: word(strings.Join(lines, "\n")), altered: in.altered || in.file != "", encoded: in.file != ""}
}

var (
	// encodedLiteral finds what can be a text in Base64, composedCron the parts of cron:run where a program puts it
	// together, dataName the name of a file from which a program can take its commands.
	encodedLiteral = regexp.MustCompile(`[A-Za-z0-9+/]{16,}={0,2}`)
	composedCron   = regexp.MustCompile(`(?s)["'](?:setup:)?cron:?["'].*(?::run\b|["']:?run["'])`)
	dataName       = regexp.MustCompile(`["']([^"'\s$]+\.` +
		`(?:json|ya?ml|ini|conf|cfg|txt|toml|env|list|lst|tab|cron|xml|csv))["']`)
)

// decodedLiterals returns the texts in a program that are in Base64 and can have to do with Magento's cron.
func decodedLiterals(program string) []string {
	var texts []string
	for _, literal := range encodedLiteral.FindAllString(program, maxPaths) {
		text, err := base64.StdEncoding.DecodeString(literal)
		if err == nil && utf8.Valid(text) && ownScript.Match(text) {
			texts = append(texts, string(text))
		}
	}
	return texts
}

// undecideData notes what a program hides in Base64, and what is in the files that it names.
func (r *reader) undecideData(path, program string) {
	for _, text := range decodedLiterals(program) {
		r.undecide(text)
	}
	for _, m := range dataName.FindAllStringSubmatch(program, maxNamedScripts) {
		name := m[1]
		if !filepath.IsAbs(name) && path == "" {
			continue
		}
		name = absolute(filepath.Dir(path), name)
		if ofSystem.MatchString(name) || !isFile(name) || isMagento(name) {
			continue
		}
		if text, ok := r.scriptText(name); ok && !isBinary(text) {
			r.undecide(withoutComments(text))
		}
	}
}

var charEscape = regexp.MustCompile(`\\(x[0-9A-Fa-f]{1,2}|0?[0-7]{1,3})`)

// escaped replaces the escapes by which printf and echo -e write any character.
func escaped(text string) string {
	return charEscape.ReplaceAllStringFunc(text, func(escape string) string {
		digits, base := strings.TrimPrefix(escape[1:], "x"), 8
		if digits != escape[1:] {
			base = 16
		}
		n, err := strconv.ParseUint(digits, base, 8)
		if err != nil || n == 0 || byte(n) == hidden[0] {
			return ""
		}
		return string([]byte{byte(n)})
	})
}
