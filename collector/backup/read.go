package backup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// job is one reading of one candidate.
type job struct {
	limits
	// pace waits until some bytes may be read, at most n, and says how many. It fails when the reading is to end.
	pace     func(n int) (int, error)
	progress *progress
}

// progress tells from outside how far a reading is.
type progress struct {
	read  atomic.Int64 // bytes read from disk
	since atomic.Int64 // Unix nanoseconds since when the operating system is being waited for; 0: it is not
}

// answered says that the operating system has answered within a longer call.
func (p *progress) answered() { p.since.Store(time.Now().UnixNano()) }

// waiting runs a call that a hung mount may not return from.
func (p *progress) waiting(call func()) {
	p.since.Store(time.Now().UnixNano())
	defer p.since.Store(0)
	call()
}

// read reports on a candidate. It returns an error only when ctx ends.
func (j job) read(ctx context.Context, c Candidate) (r Report, err error) {
	r = Report{Candidate: c, Offset: -1}
	defer func() {
		// What is read is hostile and decompressors are the work of others: a panic of theirs ends one reading, not the
		// program.
		if p := recover(); p != nil {
			r.judge(undetermined("reading it failed inside this program: %T", p))
		}
	}()
	if c.Dir {
		err = j.readDir(ctx, &r)
	} else {
		err = j.readFile(ctx, &r)
	}
	if ctx.Err() != nil {
		return r, ctx.Err()
	}
	r.judge(err)
	return r, nil
}

// file is a file being read, in the decompressed form.
type file struct {
	*stream
	j     job
	raw   rawSource
	want  Candidate
	taken int64 // compressed bytes read
}

// rawSource is the bytes of a candidate as they are on disk.
type rawSource interface {
	io.ReadCloser
	// current describes the candidate as it is now.
	current() (Candidate, error)
}

// plainFile is the source of a candidate that is one file.
type plainFile struct {
	*os.File
	path string
}

func (f plainFile) current() (Candidate, error) {
	info, err := f.Stat()
	if err != nil {
		return Candidate{}, err
	}
	return fileCandidate(f.path, info), nil
}

// openRaw opens the candidate's file, or the first of its parts.
func openRaw(c Candidate) (rawSource, error) {
	if names := c.Parts.List(); len(names) > 0 {
		return &splitFile{want: c, names: names}, nil
	}
	f, _, err := openRegular(c.Path)
	if err != nil {
		return nil, err
	}
	return plainFile{f, c.Path}, nil
}

// open opens the candidate's file and its decompressor. A file that is not the one that was listed any more is
// errChanged.
func (j job) open(c Candidate) (*file, error) {
	in := &file{j: j, want: c}
	var err error
	var now Candidate
	j.progress.waiting(func() {
		if in.raw, err = openRaw(c); err == nil {
			now, err = in.raw.current()
		}
	})
	switch {
	case in.raw == nil:
		return nil, errors.New(reason(err))
	case err != nil:
		return nil, errors.Join(errors.New(reason(err)), in.raw.Close())
	case now.version() != c.version():
		return nil, errors.Join(errChanged, in.raw.Close())
	}
	in.stream, err = unpack(rawFile{in}, func() int64 { return in.taken }, j.limits)
	if err != nil {
		return nil, errors.Join(err, in.raw.Close())
	}
	return in, nil
}

// unpack finds out how raw is compressed and decompresses it; taken tells how many of its bytes were read.
func unpack(raw io.Reader, taken func() int64, lim limits) (*stream, error) {
	buffered := bufio.NewReaderSize(raw, maxChunk)
	head, err := buffered.Peek(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	s := &stream{kind: sniffCompression(head), head: bytes.Clone(head), lim: lim, read: taken}
	if s.in, err = decompress(s.kind, buffered, lim); err != nil {
		return nil, s.explain(err)
	}
	return s, nil
}

// Close closes the decompressor and the file.
func (in *file) Close() error { return errors.Join(in.in.Close(), in.raw.Close()) }

// unchanged reports whether the file is still the one that was opened.
func (in *file) unchanged() (err error) {
	in.j.progress.waiting(func() {
		var now Candidate
		if now, err = in.raw.current(); err == nil && now.version() != in.want.version() {
			err = errChanged
		}
	})
	return err
}

// rawFile reads the bytes as they are on disk, at the allowed pace.
type rawFile struct{ *file }

// checkEvery is how many bytes are read before the file is looked at again.
const checkEvery = 64 << 20

func (r rawFile) Read(p []byte) (int, error) { return r.paced(p, r.raw.Read) }

// ReadAt reads at an offset, of a candidate that is one file. It may return fewer bytes than asked for.
func (r rawFile) ReadAt(p []byte, off int64) (int, error) {
	f, ok := r.raw.(plainFile)
	if !ok {
		return 0, errors.New("parts of a file cannot be read at an offset")
	}
	return r.paced(p, func(p []byte) (int, error) { return f.ReadAt(p, off) })
}

// paced reads as much as is allowed.
func (r rawFile) paced(p []byte, read func([]byte) (int, error)) (n int, err error) {
	allowed, err := r.j.pace(len(p))
	if err != nil {
		return 0, &readError{err}
	}
	r.j.progress.waiting(func() { n, err = read(p[:allowed]) })
	before := r.taken / checkEvery
	r.taken += int64(n)
	r.j.progress.read.Add(int64(n))
	if r.taken/checkEvery != before {
		if changed := r.unchanged(); changed != nil {
			return n, &readError{changed}
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = &readError{err}
	}
	return n, err
}

// readFile reports on a single file, or one in parts.
func (j job) readFile(ctx context.Context, r *Report) error {
	if r.Candidate.Size == 0 {
		return truncated(0, "it is empty")
	}
	in, err := j.open(r.Candidate)
	if err != nil {
		return err
	}
	r.Compression = in.kind
	err = j.readOpened(ctx, r, in)
	changed := in.unchanged()
	if closeErr := in.Close(); err == nil && changed == nil {
		return closeErr
	}
	if changed != nil {
		return changed
	}
	return err
}

// readOpened reads a file that was opened, as what it is.
func (j job) readOpened(ctx context.Context, r *Report, in *file) error {
	if isZip(in.head) && r.Candidate.Parts == (Names{}) {
		return j.readZip(ctx, r, rawFile{in}, r.Candidate.Size)
	}
	err := j.readStream(ctx, r, in)
	r.Bytes = in.count
	if r.Candidate.Parts != (Names{}) {
		return joined(r, err)
	}
	return err
}

// readStream finds out what the decompressed content is, and reads it.
func (j job) readStream(ctx context.Context, r *Report, in io.Reader) error {
	return j.readAt(ctx, r, in, place{compressed: true, modified: r.Candidate.ModTime})
}

// readAt finds out what a decompressed content is that may be in an archive, and reads it.
func (j job) readAt(ctx context.Context, r *Report, in io.Reader, at place) error {
	buffered := bufio.NewReaderSize(in, 4<<10)
	head, err := buffered.Peek(tarBlock)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if tar, intact := isTar(head); tar {
		switch {
		case !intact:
			return corrupt(0, "it is a tar archive whose first header is corrupt")
		case at.depth == maxNesting:
			return opaque("Unpack it where the backups are looked for.",
				"archives are in each other more than %d deep", maxNesting)
		}
		return j.readTar(ctx, r, buffered, at)
	}
	if isZip(head) {
		return opaque("Unpack it (unzip) where the backups are looked for.",
			"it is a ZIP archive within something else, which is not looked into")
	}
	if b, ok := opaqueBeginning(head); ok {
		return opaque(b.advice(), "it is %s, which is not looked into", b.text)
	}
	if b, ok := opaqueByName(r.Candidate.Path, head); ok && at.depth == 0 {
		return opaque(b.advice(), "it is %s, which is not looked into", b.text)
	}
	if text, ok := foreign(head); ok {
		return corrupt(0, "%s", text)
	}
	if bytes.HasPrefix(head, []byte(xbMagic)) {
		return j.readXbstream(ctx, r, buffered, at)
	}
	return j.readDump(ctx, r, buffered, at)
}

// tables returns where the tables of a stream go.
func (at place) tables() *contents {
	if at.contents != nil {
		return at.contents
	}
	return newContents()
}

// readDump reads a dump of SQL statements.
func (j job) readDump(ctx context.Context, r *Report, in io.Reader, at place) error {
	found := at.tables()
	p := newDumpParser(newSource(in), found)
	p.tail = at.tail
	err := p.run(ctx)
	r.Kind, r.Tool, r.ServerVersion, r.Began = p.kind, p.tool, p.server, p.began
	r.Databases, r.Notes = found.list(), p.writerNotes()
	if err != nil {
		if r.Kind == KindUnknown && p.statements == 0 && !isTruncation(err) {
			return corrupt(0, "it is no backup of a kind that is known here: %v", err)
		}
		return err
	}
	if r.Kind == KindUnknown {
		r.Kind = KindSQL
	}
	r.Finished, err = p.finish(at.modified)
	return err
}

// foreign names content that, by its first bytes, is certainly no backup that the mysql client restores.
func foreign(head []byte) (string, bool) {
	switch {
	case len(bytes.TrimSpace(bytes.TrimPrefix(head, []byte(byteOrderMark)))) == 0:
		return "it is empty", true
	case bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")):
		return "it is in UTF-16, as PowerShell's > writes it: the mysql client cannot restore that", true
	case sniffCompression(head) != CompressionNone:
		return fmt.Sprintf("it is compressed twice (%s within)", sniffCompression(head)), true
	}
	for _, m := range foreignMagics {
		if strings.HasPrefix(string(head), m.magic) {
			return m.text, true
		}
	}
	return "", false
}

var foreignMagics = []struct{ magic, text string }{
	{"<?xml", "it is XML (mysqldump --xml), which the mysql client cannot restore"},
	{"PGDMP", "it is a dump of PostgreSQL"},
	{"--\n-- PostgreSQL database", "it is a dump of PostgreSQL"},
	{"SQLite format 3", "it is an SQLite database"},
}
