package backup

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// Problem is something under the configured paths that cannot be a candidate.
type Problem struct {
	Path string // as it was configured or found, escaped so that it is one line
	Text string // why not
	// Unread means that there may be a backup which could not be looked at: permission denied, an I/O error, a limit.
	// Else there certainly is none: nothing matches, or what is there is no file.
	Unread bool
}

// How much of a directory is looked at.
const (
	maxDepth      = 3       // directories below a configured one
	maxCandidates = 10_000  // candidates of all patterns together
	maxProblems   = 100     // problems of all patterns together
	maxParts      = 200_000 // files of one backup directory
)

// Find lists what the patterns name: files, the files in directories, and backup directories, newest first. A pattern
// is a path or a glob as path/filepath.Match has it; a file that exists is meant by its name even if that has
// characters of a glob.
//
// Hidden files and links to directories within a directory are passed over. A file with several names is listed once.
// The parts of a split file are one candidate, and so are the dumps of single tables in a folder.
//
// Find looks at ctx between calls of the operating system, but such a call on a hung network mount does not return. A
// caller that cannot wait uses Reader.Find.
func Find(ctx context.Context, patterns []string) ([]Candidate, []Problem) {
	f := &finder{seen: map[[2]uint64]int{}}
	for _, p := range patterns {
		f.pattern(ctx, p)
	}
	if err := ctx.Err(); err != nil {
		f.unread(strings.Join(patterns, " "), "looking for backups took too long: "+err.Error())
	}
	f.found = joinFiles(f.found)
	slices.SortStableFunc(f.found, func(a, b Candidate) int { return b.ModTime.Compare(a.ModTime) })
	return f.found, f.problems
}

type finder struct {
	found    []Candidate
	problems []Problem
	seen     map[[2]uint64]int // device and inode, to the place in found
	capped   bool
}

// unseen adds a problem of something that may be a backup.
func (f *finder) unread(path, text string) { f.problem(Problem{path, text, true}) }

// nothing adds a problem of what is certainly no backup.
func (f *finder) nothing(path, text string) { f.problem(Problem{path, text, false}) }

func (f *finder) problem(p Problem) {
	switch len(f.problems) {
	case maxProblems:
	case maxProblems - 1:
		f.problems = append(f.problems, Problem{Text: "there are more problems than these", Unread: true})
	default:
		p.Path = oneLine(p.Path)
		f.problems = append(f.problems, p)
	}
}

// failed adds the problem of a call of the operating system.
func (f *finder) failed(path string, err error) {
	p := Problem{
		Path:   path,
		Unread: !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ELOOP) && !errors.Is(err, syscall.ENOTDIR),
	}
	p.Text = statProblem(path, err)
	f.problem(p)
}

func (f *finder) full(ctx context.Context) bool {
	if len(f.found) < maxCandidates {
		return ctx.Err() != nil
	}
	if !f.capped {
		f.capped = true
		f.unread(
			"",
			fmt.Sprintf("only the first %d files are looked at: name the backups more narrowly", maxCandidates),
		)
	}
	return true
}

func (f *finder) pattern(ctx context.Context, pattern string) {
	if _, err := os.Lstat(pattern); err == nil || !strings.ContainsAny(pattern, `*?[\`) {
		f.path(ctx, pattern, 0)
		return
	}
	matches, err := filepath.Glob(pattern)
	switch {
	case err != nil:
		f.nothing(pattern, "it is no valid pattern: "+err.Error())
	case len(matches) == 0:
		f.nothing(pattern, "nothing matches it")
	}
	for _, m := range matches {
		if f.full(ctx) {
			return
		}
		f.path(ctx, m, 0)
	}
}

// path adds what a path names. Links are followed where they were named by the configuration, and from anywhere to a
// file.
func (f *finder) path(ctx context.Context, path string, depth int) {
	if f.full(ctx) {
		return
	}
	if strings.ContainsFunc(path, unicode.IsControl) {
		f.unread(path, "its name has a line feed or another control character")
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		f.failed(path, err)
		return
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		f.file(path, info)
	case mode.IsDir():
		f.dir(ctx, path, info, depth)
	default:
		f.nothing(path, "it is "+typeName(mode)+", not a file")
	}
}

// statProblem says why nothing is known of a path.
func statProblem(path string, err error) string {
	link, linkErr := os.Lstat(path)
	isLink := linkErr == nil && link.Mode()&fs.ModeSymlink != 0
	switch {
	case errors.Is(err, syscall.ELOOP):
		return "it is a symbolic link that leads to itself"
	case errors.Is(err, fs.ErrNotExist) && isLink:
		return "it is a symbolic link to something that does not exist"
	case errors.Is(err, fs.ErrNotExist):
		return "it does not exist"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied: the exporter's user needs to search the directories above it and read it"
	}
	return reason(err)
}

// reason drops the path, which is said elsewhere, from an error.
func reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}

func (f *finder) file(path string, info fs.FileInfo) {
	const read = 4
	if err := syscall.Access(path, read); err != nil {
		f.failed(path, err)
		return
	}
	f.add(fileCandidate(path, info))
}

func (f *finder) add(c Candidate) {
	key := [2]uint64{c.Device, c.Inode}
	i, known := f.seen[key]
	if !known {
		f.seen[key] = len(f.found)
		f.found = append(f.found, c)
		return
	}
	if isLink(f.found[i].Path) && !isLink(c.Path) {
		f.found[i] = c
	}
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// dir adds a backup directory, or what a plain directory holds.
func (f *finder) dir(ctx context.Context, path string, info fs.FileInfo, depth int) {
	names, err := readNames(path)
	if err != nil {
		f.failed(path, err)
		return
	}
	if directoryKind(names) != KindUnknown {
		c := fileCandidate(path, info)
		c.Dir = true
		if err := addParts(ctx, &c, func() {}); err != nil {
			f.unread(path, reason(err))
			return
		}
		f.add(c)
		return
	}
	if depth > maxDepth {
		f.unread(path, fmt.Sprintf("directories more than %d deep are not looked into", maxDepth))
		return
	}
	for _, name := range names {
		if f.full(ctx) {
			return
		}
		if strings.HasPrefix(name, ".") {
			continue
		}
		child := filepath.Join(path, name)
		if target, err := os.Stat(child); err == nil && target.IsDir() && isLink(child) {
			continue
		}
		f.path(ctx, child, depth+1)
	}
}

// readNames lists a directory, sorted, up to maxParts names.
func readNames(path string) ([]string, error) {
	d, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	names, err := d.Readdirnames(maxParts)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, d.Close())
	}
	slices.Sort(names)
	return names, d.Close()
}

// addParts completes the candidate of several files with the sum of their sizes, the latest of their times, and a
// digest of them all. It calls answered for each file.
func addParts(ctx context.Context, c *Candidate, answered func()) error {
	digest := fnv.New64a()
	c.Size, c.ModTime = 0, time.Time{}
	err := eachPart(ctx, *c, func(name string, info fs.FileInfo) error {
		answered()
		c.Size += info.Size()
		if info.ModTime().After(c.ModTime) {
			c.ModTime = info.ModTime()
		}
		_, err := fmt.Fprintf(digest, "%s\x00%d\x00%d\x00", name, info.Size(), info.ModTime().UnixNano())
		return err
	})
	c.Files = digest.Sum64()
	return err
}

// eachPart goes through the files of a candidate of several.
func eachPart(ctx context.Context, c Candidate, each func(name string, info fs.FileInfo) error) error {
	names := c.Parts.List()
	if len(names) == 0 {
		return walkParts(ctx, c.Path, each)
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		info, err := os.Stat(filepath.Join(c.folder(), name))
		if err == nil {
			err = each(name, info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// folder returns the directory that holds the candidate's files.
func (c Candidate) folder() string {
	if c.Dir {
		return c.Path
	}
	return filepath.Dir(c.Path)
}

// walkParts goes through what is in a backup directory, and in the directories within it.
func walkParts(ctx context.Context, root string, each func(name string, info fs.FileInfo) error) error {
	count := 0
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if count++; count > maxParts {
			return fmt.Errorf("it holds more than %d files", maxParts)
		}
		if entry.IsDir() {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return each(name, info)
	})
}

// directoryKind tells by the names in a directory what wrote it.
func directoryKind(names []string) Kind {
	holds := func(name string) bool { _, found := slices.BinarySearch(names, name); return found }
	switch {
	case holds("@.json"), holds("@.done.json"):
		return KindMySQLShell
	case holds("metadata"), holds("metadata.partial"):
		return KindMydumper
	case holds("xtrabackup_checkpoints"), holds("xtrabackup_info"), holds("xtrabackup_logfile"), holds("backup-my.cnf"),
		holds("mariadb_backup_checkpoints"), holds("mariadb_backup_info"), holds("ibdata1"):
		return KindMariabackup
	case holds("config") && holds("data") && holds("keys") && holds("snapshots"):
		return KindRestic
	case holds("config") && holds("data") && slices.ContainsFunc(names, isHints):
		return KindBorg
	}
	return KindUnknown
}

// isHints recognizes a file that only repositories of borg have.
func isHints(name string) bool { return strings.HasPrefix(name, "hints.") }

// oneLine escapes what would break a line.
func oneLine(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Sprintf("%q", path)
	}
	return path
}
