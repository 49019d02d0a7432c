package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// splitName is what the name of a part of a split file says.
type splitName struct {
	name   string
	stem   string // what the parts' names have in common
	suffix string // what tells them apart
	kind   splitKind
}

// splitKind is how parts are named.
type splitKind int

const (
	splitLetters splitKind = iota // dump.sql.gzaa, as split names them: the letters may also be meant otherwise
	splitNumbers                  // dump.sql.gz.001: so are backups that are kept for a while
	splitMarked                   // dump.sql.gz.part-aa: the name says that it is a part
	splitRAR                      // dump.part1.rar: each part begins as a whole
	splitZip                      // dump.z01, and dump.zip at last
)

var (
	rarPart      = regexp.MustCompile(`^(.+\.part)(\d{1,3})\.rar$`)
	zipPart      = regexp.MustCompile(`^(.+\.z)(\d\d)$`)
	markedPart   = regexp.MustCompile(`^(.+[._-]part[._-]?)([a-z]{2,4}|\d{1,4})$`)
	numberedPart = regexp.MustCompile(`^(.+\.)(\d{2,4})$`)
	letters      = regexp.MustCompile(`[a-z]{2,4}$`)
)

// splitNames returns what a name may say.
func splitNames(name string) []splitName {
	for _, p := range []struct {
		pattern *regexp.Regexp
		kind    splitKind
	}{{rarPart, splitRAR}, {zipPart, splitZip}, {markedPart, splitMarked}, {numberedPart, splitNumbers}} {
		if m := p.pattern.FindStringSubmatch(name); m != nil {
			return []splitName{{name, m[1], m[2], p.kind}}
		}
	}
	var names []splitName
	for n := 2; n <= len(letters.FindString(name)); n++ {
		names = append(names, splitName{name, name[:len(name)-n], name[len(name)-n:], splitLetters})
	}
	return names
}

// index returns the place of a part by its suffix: 0 for aa, 00 and 0, 1 for ab, 01 and 1.
func (s splitName) index() int {
	if n, err := strconv.Atoi(s.suffix); err == nil {
		return n
	}
	n := 0
	for _, c := range s.suffix {
		n = n*26 + int(c-'a')
	}
	return n
}

// splitGroups finds the names, of files in one directory, that may be the parts of split files: at least two with one
// stem and suffixes of one length, in their order.
func splitGroups(names []string) [][]splitName {
	type key struct {
		stem   string
		kind   splitKind
		length int
	}
	sets := map[key][]splitName{}
	for _, name := range names {
		for _, s := range splitNames(name) {
			k := key{s.stem, s.kind, len(s.suffix)}
			if s.kind == splitMarked || s.kind == splitRAR {
				k.length = 0
			}
			sets[k] = append(sets[k], s)
		}
	}
	var groups [][]splitName
	for k, set := range sets {
		slices.SortFunc(set, func(a, b splitName) int { return a.index() - b.index() })
		if last := strings.TrimSuffix(k.stem, "z") + "zip"; k.kind == splitZip && slices.Contains(names, last) {
			set = append(set, splitName{last, k.stem, strconv.Itoa(set[len(set)-1].index() + 1), splitZip})
		}
		// More letters, of a word before the suffix, would make another set, in which the first part is missing.
		whole := startsAtFirst(set) && gap(set) < 0
		if len(set) > 1 && (whole || k.kind != splitLetters || k.length == 2) {
			groups = append(groups, set)
		}
	}
	slices.SortFunc(groups, func(a, b []splitName) int {
		return cmp.Or(len(b)-len(a), strings.Compare(a[0].name, b[0].name), len(b[0].suffix)-len(a[0].suffix))
	})
	return groups
}

func startsAtFirst(set []splitName) bool {
	first := set[0].index()
	return first == 0 || first == 1 && strings.Trim(set[0].suffix, "0123456789") == ""
}

// gap returns the place of the first part behind which one is missing, -1 where none is.
func gap(set []splitName) int {
	for i := range set[1:] {
		if set[i+1].index() != set[i].index()+1 {
			return i
		}
	}
	return -1
}

// isSplit reports whether files that are named like parts are parts of one file: none but the first begins as a backup
// does. Backups that are numbered, as logrotate does it, each begin as one, and are not all of one size. Where one is
// missing, and the names do not say that they are parts, their sizes have to say it. One part in sixty of a compressed
// file begins like a message of PGP.
func isSplit(dir string, set []splitName) bool {
	kind := set[0].kind
	if kind == splitRAR || kind == splitZip {
		return true
	}
	sized := kind == splitNumbers || kind == splitLetters && (!startsAtFirst(set) || gap(set) >= 0)
	var size int64
	perhaps := 0 // how many begin like a backup, as random bytes do sometimes
	for i, s := range set {
		head, n, err := headOf(filepath.Join(dir, s.name))
		last := i == len(set)-1
		chance := beginsByChance(head)
		if chance {
			perhaps++
		}
		switch {
		case err != nil, n == 0, i > 0 && beginsBackup(head) && !chance:
			return false
		case i == 0 && kind != splitMarked && !beginsBackup(head) &&
			nameOf(strings.TrimRight(s.stem, "._-")) != nameDump:
			return false
		case i == 0:
			size = n
		case sized && (!last && n != size || last && n > size+int64(len(set))):
			return false // split -n puts what does not go up into the last part
		}
	}
	return kind != splitNumbers || perhaps < len(set)
}

// headOf reads the beginning of a file, and returns its size.
func headOf(path string) ([]byte, int64, error) {
	f, info, err := openRegular(path)
	if err != nil {
		return nil, 0, err
	}
	head := make([]byte, tarBlock)
	n, err := io.ReadFull(f, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return head[:n], info.Size(), errors.Join(err, f.Close())
}

// partsOf returns what the names of a candidate's parts say.
func partsOf(names []string) []splitName {
	for _, set := range splitGroups(names) {
		if len(set) == len(names) {
			return set
		}
	}
	return nil
}

// missingPart returns a word on the part that is missing, "" where the names show none.
func missingPart(set []splitName) string {
	if len(set) == 0 {
		return ""
	}
	if !startsAtFirst(set) {
		return "its first part is missing: " + set[0].name + " is none"
	}
	if i := gap(set); i >= 0 {
		return "a part between " + set[i].name + " and " + set[i+1].name + " is missing"
	}
	return ""
}

// splitFile is the source of a candidate that is in parts.
type splitFile struct {
	want  Candidate
	names []string // of the parts that are not read yet
	open  io.ReadCloser
}

func (s *splitFile) Read(p []byte) (int, error) {
	for {
		if s.open == nil {
			if len(s.names) == 0 {
				return 0, io.EOF
			}
			f, _, err := openRegular(filepath.Join(s.want.folder(), s.names[0]))
			if err != nil {
				return 0, err
			}
			s.open, s.names = f, s.names[1:]
		}
		n, err := s.open.Read(p)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		err, s.open = s.open.Close(), nil
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Close closes the part that is open.
func (s *splitFile) Close() error {
	if s.open == nil {
		return nil
	}
	return s.open.Close()
}

// current describes the parts as they are now.
func (s *splitFile) current() (Candidate, error) {
	now := s.want
	err := addParts(context.Background(), &now, func() {})
	return now, err
}

// joined adds to the report of a split file what a reader should know of its parts.
func joined(r *Report, err error) error {
	r.Container = ContainerParts
	set := partsOf(r.Candidate.Parts.List())
	var own *damage
	isOwn := errors.As(err, &own)
	if len(set) == 0 || set[0].kind == splitRAR || set[0].kind == splitZip {
		return err // their own programs join them
	}
	join := joinCommand(r.Candidate, set[0].stem)
	r.Notes = append(r.Notes, fmt.Sprintf("parts of one split file, %d of them: join them (%s)", len(set), join))
	switch text := missingPart(set); {
	case text != "" && (isOwn || err == nil):
		return truncated(-1, "%s", text)
	case isOwn && own.state == StateOpaque:
		opened := *own
		opened.advice = "Join the parts (" + join + "). " + own.advice
		return &opened
	}
	return err
}

// joinCommand is the command of the shell that joins the parts.
func joinCommand(c Candidate, stem string) string {
	whole := strings.TrimRight(strings.TrimSuffix(strings.TrimRight(stem, "._-"), "part"), "._-")
	dir := c.folder()
	return "cat " + shellQuote(filepath.Join(dir, stem)) + "* > " + shellQuote(filepath.Join(dir, whole))
}

var shellSafe = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+-]+$`)

// shellQuote quotes a word for the shell, where it needs that.
func shellQuote(word string) string {
	if shellSafe.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
