package cron

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	dockerfileName   = regexp.MustCompile(`(?i)^(docker|container)file([.-][\w.-]+)?$|\.(docker|container)file$`)
	dockerfileLine   = regexp.MustCompile(`(?is)^\s*(RUN|CMD|ENTRYPOINT|COPY|ADD)\s+(.*)$`)
	dockerfileOption = regexp.MustCompile(`^(--\S+\s+)+`)
)

// isDockerfile reports whether a file's name is that of an image's definition.
func isDockerfile(path string) bool { return dockerfileName.MatchString(filepath.Base(path)) }

// dockerfile reads what an image runs: its command, and the crontabs that come into it while it is built.
func (l *look) dockerfile(path string, data []byte) {
	d := definition{look: l, path: path}
	written := map[string]word{}
	var entrypoint []word
	for i, line := range continuedLines(string(data)) {
		m := dockerfileLine.FindStringSubmatch(line)
		if m == nil || !d.visit() {
			continue
		}
		instruction, text := strings.ToUpper(m[1]), dockerfileOption.ReplaceAllString(m[2], "")
		p := part{line: i + 1, runs: "a container", note: instruction + " of an image", remedy: "stop its containers"}
		words := execForm(text)
		switch instruction {
		case "RUN":
			d.report(p, func(r *reader, sh shell) { r.build(text, written, sh) })
			continue
		case "COPY", "ADD":
			d.report(p, func(r *reader, sh shell) { r.copied(path, text, sh) })
			continue
		case "ENTRYPOINT":
			entrypoint = words
		case "CMD":
			words = append(slices.Clip(entrypoint), words...)
		}
		d.report(p, func(r *reader, sh shell) {
			if execForm(text) != nil {
				r.run(words, sh, stream{})
				return
			}
			r.text(text, &sh, dialectsOf("sh"))
		})
	}
}

// execForm returns the words of a command that is written as a list; nil for one that is written for a shell.
func execForm(text string) []word {
	var list []string
	if json.Unmarshal([]byte(text), &list) != nil {
		return nil
	}
	words := make([]word, len(list))
	for i, w := range list {
		words[i] = word(strings.ReplaceAll(w, unknown, ""))
	}
	return words
}

// build reads a command of an image's build. It is over when a container starts, but for the crontabs that it leaves
// behind.
func (r *reader) build(text string, written map[string]word, sh shell) {
	r.written = written
	r.text(text, &sh, dialectsOf("sh"))
	r.undecided.Reset()
	r.found = slices.DeleteFunc(r.found, func(i invocation) bool { return i.schedule == "" })
}

// copied reads the files that go from beside the Dockerfile into a place of crontabs.
func (r *reader) copied(path, text string, sh shell) {
	words := splitWords(text)
	if list := execForm(text); list != nil {
		words = list
	}
	if len(words) < 2 || !strings.Contains(string(words[len(words)-1]), "cron") {
		return
	}
	for _, source := range words[:min(len(words)-1, maxIncluded)] {
		for _, dir := range []string{filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
			if file := filepath.Join(dir, string(source)); isFile(file) && !source.open() {
				if text, ok := r.scriptText(file); ok {
					r.look.isFirst(file) // so that it is not reported once more where it lies
					r.crontabText(file, text, crontabFormat{isUser: isLikelyUser}, sh)
				}
				break
			}
		}
	}
}

// continuedLines returns a file's lines, by their number from 0, with what a backslash joins to them. Comments between
// them are left out.
func continuedLines(text string) []string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	joined := make([]string, len(lines))
	start := 0
	for i, line := range lines {
		if i > start && strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		kept, more := strings.CutSuffix(strings.TrimRight(line, " \t"), `\`)
		if len(joined[start]) < maxShellText {
			joined[start] += kept + " "
		}
		if !more {
			start = i + 1
		}
	}
	return joined
}

// cronPlace matches the files that cron reads.
var cronPlace = regexp.MustCompile(`^/etc/(cron\.d/|crontabs/|crontab$)|^/var/spool/cron/`)

// wroteCrontab reads what a command writes into a place of crontabs.
func (r *reader) wroteCrontab(path string, text word, sh shell) {
	if !cronPlace.MatchString(path) || text == "" {
		return
	}
	sh.doubt = "it is written into " + path + ", from where cron runs it"
	r.crontabText("", text.source(), crontabFormat{isUser: isLikelyUser}, sh)
}
