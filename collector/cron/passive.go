package cron

import (
	"encoding/base64"
	"path/filepath"
	"slices"
	"strings"
)

// passiveOutput is what a program writes that starts nothing, as far as it follows from its arguments.
func (r *reader) passiveOutput(words []word, sh *shell, in stream) stream {
	args := words[1:]
	switch baseName(words[0]) {
	case "echo":
		return stream{text: echoed(args)}
	case "printf":
		return printed(args)
	case "pwd":
		return known(sh.dir)
	case "dirname", "basename", "readlink", "realpath":
		return pathOutput(words, sh)
	case "ls":
		return r.listed(args, sh)
	case "cat", "tee":
		return r.passedThrough(words, sh, in)
	case "sed", "awk", "gawk", "mawk", "tr", "envsubst":
		return stream{text: in.text + "\n" + joinWords(args, " "), altered: true, file: in.file}
	case "grep", "egrep", "head", "tail", "cut", "sort", "uniq", "tac":
		return stream{text: in.text, altered: true, file: in.file}
	case "base64", "base32", "xxd", "uudecode", "zcat", "gunzip":
		return r.decoded(words, sh, in)
	}
	return opaque()
}

// listed is what ls writes of one directory, or of the files that it is given.
func (r *reader) listed(args []word, sh *shell) stream {
	var files []word
	for _, w := range args {
		isOption := strings.HasPrefix(string(w), "-")
		switch {
		case w.open(), strings.HasPrefix(string(w), "--"), isOption && strings.Contains(string(w), "l"):
			return opaque()
		case !isOption:
			files = append(files, w)
		}
	}
	if len(files) != 1 {
		return opaque()
	}
	var names []word
	for _, name := range r.names(quoteGlob(string(files[0]))+"/*", sh) {
		names = append(names, word(filepath.Base(string(name))))
	}
	return known(string(joinWords(names, "\n")))
}

// decoded is what programs write that decode texts. The others than base64 are not followed.
func (r *reader) decoded(words []word, sh *shell, in stream) stream {
	decodes := baseName(words[0]) != "base64"
	for _, w := range words[1:] {
		long := strings.HasPrefix(string(w), "--")
		switch {
		case len(w) == 0 || w[0] != '-':
			in = stream{file: sh.resolve(w)}
		case w == "--decode", !long && strings.ContainsAny(string(w), "dD"):
			decodes = true
		}
	}
	if !decodes {
		return opaque()
	}
	hidden := stream{altered: true, encoded: true}
	if in.file != "" && !in.altered {
		text, ok := r.scriptText(in.file)
		in = stream{text: word(shellText(text)), altered: !ok}
	}
	if baseName(words[0]) != "base64" || in.altered || in.text.open() {
		return hidden
	}
	text, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(in.text)), ""))
	if err != nil || len(text) == 0 {
		return hidden
	}
	return stream{text: word(shellText(string(text)))}
}

// known is one line of text; an empty one means that it is not known.
func known(text string) stream {
	if text == "" {
		return opaque()
	}
	return stream{text: word(text + "\n")}
}

func echoed(args []word) word {
	end, escapes := word("\n"), false
	for len(args) > 0 && slices.Contains([]word{"-n", "-e", "-E", "-ne", "-en"}, args[0]) {
		if strings.Contains(string(args[0]), "n") {
			end = ""
		}
		escapes = escapes || strings.Contains(string(args[0]), "e")
		args = args[1:]
	}
	text := joinWords(args, " ") + end
	if escapes {
		return word(escaped(string(text)))
	}
	return text
}

func joinWords(words []word, separator string) word {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return word(strings.Join(texts, separator))
}

// printed is what printf writes with the formats that scripts use; with others the text is only a hint.
func printed(args []word) stream {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return opaque()
	}
	format := escaped(strings.ReplaceAll(string(args[0]), `\n`, "\n"))
	if strings.Count(format, "%") > strings.Count(format, "%s") || strings.Contains(format, `\`) {
		return stream{text: joinWords(args, " "), altered: true}
	}
	values := args[1:]
	var text strings.Builder
	for {
		rest := format
		for {
			before, after, found := strings.Cut(rest, "%s")
			text.WriteString(before)
			if !found {
				break
			}
			if len(values) > 0 {
				text.WriteString(string(values[0]))
				values = values[1:]
			}
			rest = after
		}
		if len(values) == 0 || !strings.Contains(format, "%s") || text.Len() > maxShellText {
			return stream{text: word(text.String())}
		}
	}
}

// pathOutput is what dirname, basename, readlink -f and realpath write.
func pathOutput(words []word, sh *shell) stream {
	args := words[1:]
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		args = args[1:]
	}
	name := baseName(words[0])
	if len(args) == 0 || len(args) > 1 && name != "basename" || args[0].open() {
		return opaque()
	}
	switch name {
	case "dirname":
		return known(filepath.Dir(string(args[0])))
	case "basename":
		base := filepath.Base(string(args[0]))
		if len(args) > 1 {
			base = strings.TrimSuffix(base, string(args[1]))
		}
		return known(base)
	}
	path := sh.resolve(args[0])
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return known(resolved)
	}
	return known(path)
}

// passedThrough is what cat and tee write: their input, or the files that cat is given.
func (r *reader) passedThrough(words []word, sh *shell, in stream) stream {
	var files []word
	for _, w := range words[1:] {
		if w == "-" || len(w) == 0 || w[0] != '-' {
			files = append(files, w)
		}
	}
	switch {
	case baseName(words[0]) == "tee", len(files) == 0, len(files) == 1 && files[0] == "-":
		if baseName(words[0]) == "tee" && len(files) == 1 {
			r.write(sh.resolve(files[0]), in.text)
			r.wroteCrontab(sh.resolve(files[0]), in.text, *sh)
		}
		return in
	case len(files) == 1 && sh.resolve(files[0]) != "":
		return stream{file: sh.resolve(files[0])}
	}
	return opaque()
}
