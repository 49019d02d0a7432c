package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/finding"
)

// maxArchiveName is how many bytes are kept of the name of a file in an archive: its end.
const maxArchiveName = 256

// maxNesting is how many archives may be in each other.
const maxNesting = 3

// place says where a stream is found.
type place struct {
	depth      int       // archives around it
	compressed bool      // it was decompressed already
	modified   time.Time // when it was last written, zero where that is not known
	contents   *contents // where its tables go; nil: into ones of their own
	tail       bool      // statements may follow the end of a dump, as triggers do in the files of mysqldump --tab
}

// archive is an archive being read.
type archive struct {
	j       job
	kind    string // for people
	at      place
	dumps   *collection
	files   int
	some    []string        // names of some files that are no dumps
	closed  []opaqueFile    // files that may hold a dump and are not looked into
	kept    map[string]bool // the names in dumps and closed
	folders map[string]Kind // backup directories in it
	schemas map[string]bool // directories with files of mydumper
	buffer  *bufio.Reader
}

// opaqueFile is a file in an archive that is not looked into.
type opaqueFile struct {
	name string
	why  error
}

func newArchive(j job, kind string, at place) *archive {
	return &archive{
		j: j, kind: kind, at: at, dumps: newCollection(), folders: map[string]Kind{}, schemas: map[string]bool{},
		kept:   map[string]bool{},
		buffer: bufio.NewReaderSize(nil, 4<<10),
	}
}

// readTar reads a tar archive through. What is in it is not unpacked, and links in it are not followed.
func (j job) readTar(ctx context.Context, r *Report, in io.Reader, at place) error {
	r.Container = ContainerTar
	a, raw := newArchive(j, "tar", at), &tarStream{r: in}
	t := tar.NewReader(raw)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return a.broken(r, raw.explain(err))
		}
		if h.Typeflag != tar.TypeReg || h.Size == 0 {
			a.replaces(h.Name)
			continue
		}
		if err := a.file(ctx, h.Name, h.ModTime, &tarFile{t, raw}); err != nil {
			return a.broken(r, err)
		}
		if raw.err != nil {
			return a.broken(r, raw.err)
		}
	}
	// Checksums of a compression stand behind the archive's end.
	if _, err := io.Copy(io.Discard, raw); err != nil {
		return a.broken(r, raw.explain(err))
	}
	if raw.zeros < tarBlock {
		return a.broken(r, truncated(-1, "the tar archive has no end"))
	}
	return a.conclude(r)
}

// tarStream is the bytes of a tar archive. It remembers why they ended, and how many zeros they ended with.
type tarStream struct {
	r     io.Reader
	zeros int
	err   error // why there are no more, nil at the end
}

func (s *tarStream) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	end := n
	for end > 0 && p[end-1] == 0 {
		end--
	}
	if end > 0 {
		s.zeros = 0
	}
	s.zeros = min(s.zeros+n-end, 2*tarBlock)
	if err != nil && !errors.Is(err, io.EOF) && s.err == nil {
		s.err = err
	}
	return n, err
}

// explain says what an error of the library means for the archive.
func (s *tarStream) explain(err error) error {
	switch {
	case s.err != nil:
		return s.err
	case errors.Is(err, io.ErrUnexpectedEOF):
		s.err = truncated(-1, "the tar archive ends too early")
	default:
		s.err = corrupt(-1, "the tar archive is corrupt")
	}
	return s.err
}

// tarFile is a file in a tar archive.
type tarFile struct {
	t   *tar.Reader
	raw *tarStream
}

func (f *tarFile) Read(p []byte) (int, error) {
	n, err := f.t.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = f.raw.explain(err)
	}
	return n, err
}

// broken keeps what was found in an archive that cannot be read to its end.
func (a *archive) broken(r *Report, err error) error {
	if len(a.dumps.members) > 0 {
		_ = a.dumps.conclude(r) // what is known of a file in it says less than that the archive is broken
	}
	r.Place, r.Advice, r.Members = "", "", nil
	return err
}

// file looks at a file in the archive, and reads it if it is a dump.
func (a *archive) file(ctx context.Context, name string, modified time.Time, in io.Reader) error {
	if a.files++; a.files > maxParts {
		return undetermined("the %s archive holds more than %d files, which are not all looked at", a.kind, maxParts)
	}
	a.replaces(name)
	name = shortName(name)
	a.folder(name)
	a.buffer.Reset(in)
	head, err := a.buffer.Peek(tarBlock)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	named := nameOf(name)
	if named == nameOther && !knownHead(head) && !bytes.HasPrefix(head, []byte(xbMagic)) {
		a.other(name)
		return nil
	}
	at := place{depth: a.at.depth + 1, modified: modifiedOf(modified), contents: a.dumps.newContents()}
	r := Report{Offset: -1}
	err = a.read(ctx, &r, at, named == nameDump)
	var own *damage
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case isReadError(err):
		return err
	case errors.Is(err, errNoDump):
		a.other(name)
		return nil
	case errors.As(err, &own) && own.state == StateOpaque:
		a.opaque(name, err)
		return nil
	}
	a.kept[path.Clean(name)] = true
	return a.dumps.add(name, r, at.contents, err)
}

// shortName is what is kept of the name of a file in an archive.
func shortName(name string) string {
	if len(name) > maxArchiveName {
		name = "…" + name[len(name)-maxArchiveName:]
	}
	return strings.ToValidUTF8(name, "?")
}

// replaces drops what was read under a name that the archive has again: unpacking it leaves the last one.
func (a *archive) replaces(name string) {
	name = path.Clean(shortName(name))
	if !a.kept[name] {
		return
	}
	delete(a.kept, name)
	a.dumps.members = slices.DeleteFunc(a.dumps.members, func(m member) bool { return path.Clean(m.name) == name })
	a.closed = slices.DeleteFunc(a.closed, func(f opaqueFile) bool { return path.Clean(f.name) == name })
}

// errNoDump says that a file in an archive is something else.
var errNoDump = errors.New("it is no dump")

// read reads a file in the archive, which may be compressed by itself. Where its name does not say that it is a dump,
// its beginning has to.
func (a *archive) read(ctx context.Context, r *Report, at place, named bool) error {
	head, err := a.buffer.Peek(tarBlock)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if sniffCompression(head) == CompressionNone {
		if !named && !isDump(head) {
			return errNoDump
		}
		return a.j.readAt(ctx, r, a.buffer, at)
	}
	counted := &byteCounter{r: a.buffer}
	s, err := unpack(counted, func() int64 { return counted.n }, a.j.limits)
	if err != nil {
		return err
	}
	within := bufio.NewReaderSize(s, 4<<10)
	head, err = within.Peek(tarBlock)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
	case !named && !isDump(head):
		err = errNoDump
	default:
		at.compressed = true
		err = a.j.readAt(ctx, r, within, at)
	}
	r.Bytes = s.count
	return errors.Join(err, s.in.Close())
}

// isDump reports whether what begins like this is a dump, or may hold one.
func isDump(head []byte) bool {
	tar, _ := isTar(head)
	_, closed := opaqueBeginning(head)
	return tar || closed || isZip(head) || bytes.HasPrefix(head, []byte(xbMagic)) || knownHead(head)
}

// byteCounter counts what is read through it.
type byteCounter struct {
	r io.Reader
	n int64
}

func (c *byteCounter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// other takes note of a file that is no dump.
func (a *archive) other(name string) {
	if len(a.some) < 3 {
		a.some = append(a.some, oneLine(name))
	}
}

// opaque takes note of a file that is not looked into.
func (a *archive) opaque(name string, why error) {
	if len(a.closed) < 3 {
		a.kept[path.Clean(name)] = true
		a.closed = append(a.closed, opaqueFile{name, why})
	}
}

// folder takes note of a backup directory in the archive.
func (a *archive) folder(name string) {
	dir, base := path.Split(name)
	if strings.Contains(base, "-schema.sql") && len(a.schemas) < maxMembers {
		a.schemas[dir] = true
	}
	if kind := directoryKind([]string{base}); kind != KindUnknown && len(a.folders) < maxMembers {
		a.folders[dir] = kind
	}
}

// conclude says what the archive holds.
func (a *archive) conclude(r *Report) error {
	var kept []member
	var folder string
	for _, m := range a.dumps.members {
		dir, _ := path.Split(m.name)
		if a.isFolder(dir) {
			folder = dir
			continue
		}
		kept = append(kept, m)
	}
	for dir := range a.folders {
		if a.isFolder(dir) && (folder == "" || dir < folder) {
			folder = dir
		}
	}
	a.dumps.members = kept
	switch {
	case len(kept) > 0:
		err := a.dumps.conclude(r)
		if len(kept) == 1 {
			r.Notes = append(r.Notes, fmt.Sprintf("it is the file %s in the %s archive", oneLine(kept[0].name), a.kind))
		}
		return err
	case folder != "":
		return opaque("Unpack the archive where the backups are looked for.",
			"the %s archive holds a directory of %s (%s), which is not looked into there", a.kind, a.folders[folder],
			oneLine(folder))
	case len(a.closed) > 0:
		return inFile(a.closed[0].name, a.closed[0].why)
	case a.files == 0:
		return corrupt(-1, "the %s archive is empty", a.kind)
	}
	return corrupt(
		-1,
		"the %s archive holds no dump: %s, such as %s",
		a.kind,
		finding.Counted(a.files, "file", "files"),
		strings.Join(a.some, ", "),
	)
}

// isFolder reports whether a directory in the archive is a backup directory. A file called metadata makes none alone.
func (a *archive) isFolder(dir string) bool {
	kind := a.folders[dir]
	return kind != KindUnknown && (kind != KindMydumper || a.schemas[dir])
}
