package backup

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// directory is a backup directory being read.
type directory struct {
	j        job
	r        *Report
	contents *contents
	names    []string         // of the files in it, sorted; those in subdirectories as sub/name
	sizes    map[string]int64 // of the files that were read, decompressed
}

// readDir reports on a backup directory.
func (j job) readDir(ctx context.Context, r *Report) error {
	d := &directory{j: j, r: r, contents: newContents(), sizes: map[string]int64{}}
	if err := d.list(ctx); err != nil {
		return err
	}
	r.Kind = directoryKind(firstNames(d.names))
	if r.Candidate.Parts != (Names{}) {
		r.Kind = tablesKind(d.names)
	}
	kind := r.Kind
	var err error
	switch kind {
	case KindTables, KindTab:
		err = d.readTables(ctx)
	case KindRestic, KindBorg:
		err = opaque(
			"Restore a copy of the backup from it ("+string(r.Kind)+" extracts it) where the backups are looked for.",
			"it is a repository of %s, which is not looked into", r.Kind)
	case KindMydumper:
		err = d.readMydumper(ctx)
	case KindMySQLShell:
		err = d.readMySQLShell(ctx)
	case KindMariabackup:
		err = d.readMariabackup(ctx)
	default:
		err = corrupt(-1, "it is no backup directory any more")
	}
	if kind != KindTables && kind != KindTab {
		r.Databases = d.contents.list()
	}
	if changed := d.unchanged(ctx); changed != nil {
		return changed
	}
	return err
}

// firstNames returns the names of what is in a directory itself, sorted.
func firstNames(paths []string) []string {
	names := make([]string, 0, len(paths))
	for _, p := range paths {
		first, _, _ := strings.Cut(p, "/")
		names = append(names, first)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// list reads the names of the files.
func (d *directory) list(ctx context.Context) (err error) {
	d.j.progress.waiting(func() {
		err = eachPart(ctx, d.r.Candidate, func(name string, _ fs.FileInfo) error {
			d.j.progress.answered()
			d.names = append(d.names, name)
			return nil
		})
	})
	slices.Sort(d.names)
	return err
}

// unchanged reports whether the directory is still as it was when it was listed.
func (d *directory) unchanged(ctx context.Context) (err error) {
	now := d.r.Candidate
	d.j.progress.waiting(func() { err = addParts(ctx, &now, d.j.progress.answered) })
	if err == nil && now.version() != d.r.Candidate.version() {
		return errChanged
	}
	return err
}

// holds reports whether there is a file of that name.
func (d *directory) holds(name string) bool {
	_, found := slices.BinarySearch(d.names, name)
	return found
}

// at adds to an error of a file which file it is about.
func (d *directory) at(name string, err error) error {
	var own *damage
	if !errors.As(err, &own) || d.r.Place != "" {
		return err
	}
	d.r.Place = oneLine(name)
	named := *own
	named.place, named.text = oneLine(name), oneLine(name)+": "+own.text
	return &named
}

// part opens a file of the directory and has it read.
func (d *directory) part(name string, read func(io.Reader) error) (err error) {
	if !d.holds(name) { // it may come from metadata, and lead out of the directory
		return d.at(name, truncated(-1, "it is missing"))
	}
	path := filepath.Join(d.r.Candidate.Path, name)
	c := Candidate{Path: path}
	d.j.progress.waiting(func() {
		var info fs.FileInfo
		if info, err = os.Lstat(path); err != nil {
			return
		}
		if !info.Mode().IsRegular() {
			err = corrupt(-1, "it is %s, not a file", typeName(info.Mode()))
			return
		}
		c = fileCandidate(path, info)
	})
	if err != nil {
		return d.at(name, err)
	}
	in, err := d.j.open(c)
	if err != nil {
		return d.at(name, err)
	}
	if err = read(in); err == nil && in.kind == CompressionNone && stem(name) != name {
		err = truncated(0, "it is not compressed, as its name says")
	}
	d.r.Bytes += in.count
	d.sizes[name] = in.count
	if in.kind != CompressionNone {
		d.r.Compression = in.kind
	}
	if changed := in.unchanged(); changed != nil {
		err = changed
	}
	return d.at(name, errors.Join(err, in.Close()))
}

// text reads a small file whole.
func (d *directory) text(name string, limit int64) (content []byte, err error) {
	err = d.part(name, func(in io.Reader) error {
		content, err = io.ReadAll(io.LimitReader(in, limit+1))
		if err == nil && int64(len(content)) > limit {
			err = undetermined("it is larger than %d bytes, which is more than is read of such a file", limit)
		}
		return err
	})
	return content, err
}

// sql reads a file of statements into a database.
func (d *directory) sql(ctx context.Context, name, database string, loose bool) (p *dumpParser, err error) {
	err = d.part(name, func(in io.Reader) error {
		buffered := bufio.NewReaderSize(in, 4<<10)
		head, err := buffered.Peek(512)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if text, ok := foreign(head); ok {
			return corrupt(0, "%s", text)
		}
		d.contents.use(database)
		p = newDumpParser(newSource(buffered), d.contents)
		p.loose = loose
		return p.run(ctx)
	})
	if err == nil && p.statements == 0 {
		err = d.at(name, truncated(0, "it holds no statement"))
	}
	return p, err
}

// stem drops the extension of a compression.
func stem(name string) string {
	for _, ext := range []string{".gz", ".zst", ".zstd", ".lz4", ".xz", ".bz2"} {
		if s, ok := strings.CutSuffix(name, ext); ok {
			return s
		}
	}
	return name
}

// notFinished is the damage of a backup whose last file is not there.
func notFinished(name string) error {
	return truncated(-1, "%s is missing, which is written last: the backup did not finish", name)
}
