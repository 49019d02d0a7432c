package backup

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
)

// The metadata files of MySQL Shell's dump utilities, as modules/util/dump/dumper.cc of MySQL Shell 8 and 9 writes
// them. The times are the wall clock of the host that ran the shell.
type (
	shellBegin struct {
		Dumper        string            `json:"dumper"`
		ServerVersion string            `json:"serverVersion"`
		Begin         string            `json:"begin"`
		TzUTC         bool              `json:"tzUtc"`
		Schemas       []string          `json:"schemas"`
		Basenames     map[string]string `json:"basenames"`
	}
	shellDone struct {
		End            string           `json:"end"`
		ChunkFileBytes map[string]int64 `json:"chunkFileBytes"` // uncompressed, from 8.0.28 on
	}
	shellSchema struct {
		Schema      string            `json:"schema"`
		IncludesDDL bool              `json:"includesDdl"`
		Tables      []string          `json:"tables"`
		Views       []string          `json:"views"`
		Basenames   map[string]string `json:"basenames"`
	}
	shellTable struct {
		Options struct {
			Columns    []string `json:"columns"`
			Terminated string   `json:"fieldsTerminatedBy"`
			Enclosed   string   `json:"fieldsEnclosedBy"`
			Escaped    string   `json:"fieldsEscapedBy"`
			Lines      string   `json:"linesTerminatedBy"`
		} `json:"options"`
		Triggers    []string `json:"triggers"`
		IncludesDDL bool     `json:"includesDdl"`
		Extension   string   `json:"extension"`
	}
)

// maxJSON bounds the metadata that is read into memory.
const maxJSON = 8 << 20

// object reads a JSON file of the directory.
func (d *directory) object(name string, into any) error {
	text, err := d.text(name, maxJSON)
	if err != nil {
		return err
	}
	return d.at(name, parseObject(text, into))
}

func parseObject(text []byte, into any) error {
	err := json.Unmarshal(text, into)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(text)):
		return truncated(syntax.Offset, "the JSON ends too early")
	case errors.As(err, &syntax):
		return corrupt(syntax.Offset, "it is no JSON")
	case errors.As(err, &kind):
		return corrupt(kind.Offset, "%s is not what MySQL Shell writes there", kind.Field)
	}
	return corrupt(-1, "it is no JSON")
}

// readMySQLShell reads a directory that util.dumpInstance, dumpSchemas or dumpTables wrote.
func (d *directory) readMySQLShell(ctx context.Context) error {
	if !d.holds("@.json") {
		return truncated(-1, "@.json is missing, without which nothing can be restored")
	}
	if !d.holds("@.done.json") {
		return notFinished("@.done.json")
	}
	var begin shellBegin
	if err := d.object("@.json", &begin); err != nil {
		return err
	}
	d.r.Tool, d.r.ServerVersion = begin.Dumper, begin.ServerVersion
	var done shellDone
	if err := d.object("@.done.json", &done); err != nil {
		return err
	}
	if err := d.at("@.done.json", d.r.metadataTimes(begin.Begin, done.End)); err != nil {
		return err
	}
	for _, schema := range begin.Schemas {
		if err := d.shellSchema(ctx, cmp.Or(begin.Basenames[schema], schema), begin.TzUTC); err != nil {
			return err
		}
	}
	return d.shellChunks(done)
}

// shellSchema reads the definitions and the rows of one database.
func (d *directory) shellSchema(ctx context.Context, base string, utc bool) error {
	var schema shellSchema
	if err := d.object(base+".json", &schema); err != nil {
		return err
	}
	d.contents.use(schema.Schema)
	db, err := d.contents.database("")
	if err != nil {
		return err
	}
	for _, table := range schema.Tables {
		file := cmp.Or(schema.Basenames[table], base+"@"+table)
		if err := d.shellTable(ctx, db, file, table, schema.IncludesDDL, utc); err != nil {
			return err
		}
	}
	for _, view := range schema.Views {
		if _, err := d.sql(ctx, cmp.Or(schema.Basenames[view], base+"@"+view)+".sql", schema.Schema, true); err != nil {
			return err
		}
		if err := d.contents.view(db, view); err != nil {
			return err
		}
	}
	return nil
}

// shellTable reads the definition and the rows of one table.
func (d *directory) shellTable(ctx context.Context, db *database, base, name string, ddl, utc bool) error {
	var meta shellTable
	if err := d.object(base+".json", &meta); err != nil {
		return err
	}
	if ddl {
		if _, err := d.sql(ctx, base+".sql", db.name, false); err != nil {
			return err
		}
	}
	t, err := d.contents.table(db, name)
	if err != nil {
		return err
	}
	if ddl && !t.created {
		return d.at(base+".sql", truncated(-1, "it does not create %s", printable([]byte(name))))
	}
	if len(meta.Triggers) > 0 {
		if _, err := d.sql(ctx, base+".triggers.sql", db.name, false); err != nil {
			return err
		}
	}
	db.rowsHidden = db.rowsHidden || !meta.usual()
	for _, chunk := range d.chunksOf(base, meta.Extension) {
		err := d.part(chunk, func(in io.Reader) error { return readTSV(in, t, meta, utc) })
		if err != nil {
			return err
		}
	}
	return nil
}

// chunksOf lists the data files of a table: base.ext, base@N.ext, base@@N.ext.
func (d *directory) chunksOf(base, extension string) []string {
	if extension == "" {
		return nil
	}
	var chunks []string
	first, _ := slices.BinarySearch(d.names, base)
	for _, name := range d.names[first:] {
		rest, ok := strings.CutPrefix(name, base)
		if !ok {
			break
		}
		number, isData := strings.CutSuffix(rest, "."+extension)
		if isData && strings.Trim(number, "@0123456789") == "" {
			chunks = append(chunks, name)
		}
	}
	return chunks
}

// shellChunks looks for data files that are missing.
func (d *directory) shellChunks(done shellDone) error {
	for _, name := range d.names {
		if strings.HasSuffix(name, ".dumping") {
			return truncated(-1, "%s was not finished", oneLine(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(done.ChunkFileBytes)) {
		if !d.holds(name) {
			return truncated(-1, "%s is missing", oneLine(name))
		}
		if got, read := d.sizes[name]; read && got != done.ChunkFileBytes[name] {
			return d.at(name, truncated(got, "it has %d bytes, and %d were written", got, done.ChunkFileBytes[name]))
		}
	}
	return nil
}

// usual reports whether rows are written as they are unless one asks for another form.
func (m shellTable) usual() bool {
	o := m.Options
	return o.Terminated == "\t" && o.Enclosed == "" && o.Escaped == `\` && o.Lines == "\n"
}

// readTSV reads rows as text: fields between tabs, a row a line, backslashes before what is special. In another form
// rows are neither counted nor read.
func readTSV(in io.Reader, t *table, meta shellTable, utc bool) error {
	o := meta.Options
	if !meta.usual() {
		_, err := io.Copy(io.Discard, in)
		return err
	}
	s := newSource(in)
	reader := newRowReader(t, o.Columns, utc)
	for s.peek() != 0 {
		n := 0
		for more := true; more; n++ {
			var err error
			if more, err = tsvField(s, reader.slot(n)); err != nil {
				return err
			}
		}
		if n != len(o.Columns) {
			return corrupt(s.offset(), "a row of %d fields for %d columns", n, len(o.Columns))
		}
		reader.take()
	}
	return s.failure()
}

// tsvField reads one field and what ends it; more reports whether the row goes on.
func tsvField(s *source, into *field) (more bool, err error) {
	if into != nil {
		into.Text, into.Null = into.Text[:0], false
	}
	for {
		c := s.peek()
		if c == 0 {
			return false, s.ended("it ends within a row")
		}
		s.pos++
		switch c {
		case '\t', '\n':
			return c == '\t', nil
		case '\\':
			if c = s.peek(); c == 0 {
				continue
			}
			s.pos++
			if c == 'N' && into != nil {
				into.Null = true
				continue
			}
			c = unescape(c)
		}
		if into != nil && len(into.Text) < maxField {
			into.Text = append(into.Text, c)
		}
	}
}
