package backup

import (
	"bufio"
	"context"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"magento_migration_exporter/collector/finding"
)

// mydumperMeta is mydumper's metadata file: lines of text up to 0.11, later like an INI file with most of it in
// comments.
type mydumperMeta struct {
	started, finished string
	rows              map[string]int64 // by `database`.`table`, where the file has them
}

var (
	mydumperTime    = regexp.MustCompile(`^(?:# )?(Started|Finished) dump at: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)$`)
	mydumperSection = regexp.MustCompile("^\\[[`\"](.+)[`\"]\\.[`\"](.+)[`\"]\\]$")
	mydumperValue   = regexp.MustCompile(`^(rows|real_table_name) ?= ?"?([^"]*)"?$`)
)

// maxMydumperTables bounds what is kept of a metadata file.
const maxMydumperTables = maxTables

// parseMydumper reads a metadata file.
func parseMydumper(in io.Reader) (mydumperMeta, error) {
	m := mydumperMeta{rows: map[string]int64{}}
	lines := bufio.NewScanner(in)
	database, table := "", ""
	var at int64
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if t := mydumperTime.FindStringSubmatch(line); t != nil {
			if t[1] == "Started" {
				m.started = t[2]
			} else {
				m.finished = t[2]
			}
		}
		if strings.HasPrefix(line, "[") {
			database, table = "", ""
			if s := mydumperSection.FindStringSubmatch(line); s != nil {
				database, table = s[1], s[2]
			}
		}
		if v := mydumperValue.FindStringSubmatch(line); v != nil && table != "" {
			if v[1] == "real_table_name" {
				table = v[2]
			} else {
				n, err := strconv.ParseInt(v[2], 10, 64)
				if err != nil || n < 0 || len(m.rows) == maxMydumperTables {
					return m, corrupt(at, "this is not a number of rows")
				}
				m.rows[rowsKey(database, table)] = n
			}
		}
		at += int64(len(lines.Bytes())) + 1
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return m, corrupt(at, "a line of the metadata is too long")
	}
	return m, lines.Err()
}

func rowsKey(database, table string) string { return "`" + database + "`.`" + table + "`" }

// mydumperFile is what the name of a file says.
type mydumperFile struct {
	name     string
	database string
	part     string
}

// The parts of a mydumper directory, in the order in which they are read.
var mydumperParts = []string{
	"schema-create",
	"schema",
	"schema-sequence",
	"schema-view",
	"schema-triggers",
	"schema-post",
	"data",
}

var (
	mydumperSQL = regexp.MustCompile(
		`^([^.]+?)(?:\.(.+?))?-(schema(?:-create|-post|-triggers|-view|-sequence)?)\.sql$`,
	)
	mydumperData = regexp.MustCompile(`^([^.]+)\.(.+?)((?:\.\d+){0,2})\.(sql|dat)$`)
)

// mydumperFiles sorts the files of a directory by what they are.
func mydumperFiles(names []string) map[string][]mydumperFile {
	files := map[string][]mydumperFile{}
	for _, name := range names {
		f := mydumperFile{name: name}
		base := stem(name)
		if m := mydumperSQL.FindStringSubmatch(base); m != nil {
			f.database, f.part = m[1], m[3]
		} else if m := mydumperData.FindStringSubmatch(base); m != nil {
			f.database, f.part = m[1], "data"
			if m[4] == "dat" {
				f.part = "raw"
			}
		} else {
			continue
		}
		files[f.part] = append(files[f.part], f)
	}
	return files
}

// readMydumper reads a mydumper directory.
func (d *directory) readMydumper(ctx context.Context) error {
	if !d.holds("metadata") {
		return notFinished("metadata")
	}
	var meta mydumperMeta
	if err := d.part("metadata", func(in io.Reader) (err error) {
		meta, err = parseMydumper(in)
		return err
	}); err != nil {
		return err
	}
	if err := d.mydumperTimes(meta); err != nil {
		return err
	}
	files := mydumperFiles(d.names)
	var empty []string
	for _, part := range mydumperParts {
		for _, f := range files[part] {
			rows, err := d.mydumperPart(ctx, f)
			if err != nil {
				return err
			}
			if f.part == "data" && !rows {
				empty = append(empty, f.name)
			}
		}
	}
	for _, f := range files["raw"] {
		err := d.part(f.name, func(in io.Reader) error {
			_, err := io.Copy(io.Discard, in)
			return err
		})
		if err != nil {
			return err
		}
		for _, db := range d.contents.databases {
			db.rowsHidden = true
		}
	}
	if err := d.mydumperEmpty(empty); err != nil {
		return err
	}
	return d.mydumperRows(meta)
}

func (d *directory) mydumperTimes(meta mydumperMeta) error {
	if meta.finished == "" {
		return d.at("metadata", truncated(-1, "the line %q is missing: the backup did not finish", "Finished dump at"))
	}
	return d.at("metadata", d.r.metadataTimes(meta.started, meta.finished))
}

// mydumperPart reads one file, and reports whether it has rows.
func (d *directory) mydumperPart(ctx context.Context, f mydumperFile) (rows bool, err error) {
	// mydumper separates the statements of triggers, routines and events by semicolons that are within them too, so
	// those files cannot be cut.
	loose := f.part == "schema-triggers" || f.part == "schema-post"
	p, err := d.sql(ctx, f.name, f.database, loose)
	var own *damage
	if errors.As(err, &own) && own.at == 0 && (p == nil || p.statements == 0) &&
		(f.part == "data" || f.part == "schema-post") {
		d.r.Place = ""
		return false, nil // judged by mydumperEmpty
	}
	if err != nil {
		return false, err
	}
	if f.part == "data" && p.inserts == 0 {
		return false, d.at(f.name, truncated(p.lex.src.offset(), "it holds no row"))
	}
	return true, nil
}

// mydumperEmpty judges empty data files. With --build-empty-files each table without rows has one, without it none has.
func (d *directory) mydumperEmpty(empty []string) error {
	if len(empty) == 0 {
		return nil
	}
	withData := map[string]bool{}
	for _, name := range d.names {
		if m := mydumperData.FindStringSubmatch(stem(name)); m != nil {
			withData[rowsKey(m[1], m[2])] = true
		}
	}
	for _, db := range d.contents.databases {
		for name, t := range db.tables {
			if !t.view && !withData[rowsKey(db.name, name)] {
				return d.at(empty[0], truncated(0, "it is empty"))
			}
		}
	}
	return nil
}

// mydumperRows compares the rows that were found with those that mydumper says it wrote, and looks for rows without a
// table.
func (d *directory) mydumperRows(meta mydumperMeta) error {
	for _, db := range d.contents.databases {
		for name, t := range db.tables {
			if !t.created {
				return corrupt(
					-1,
					"there are rows of %s, but the file that creates it is missing",
					rowsKey(db.name, name),
				)
			}
		}
	}
	for key, want := range meta.rows {
		database, name, _ := strings.Cut(strings.Trim(key, "`"), "`.`")
		db, known := d.contents.byName[database]
		if !known {
			return truncated(-1, "the files of %s are missing", key)
		}
		t := db.tables[name]
		if t == nil {
			return truncated(-1, "the files of %s are missing", key)
		}
		if !db.rowsHidden && !t.view && t.Count != want {
			return truncated(-1, "%s has %s of %d that were written", key,
				finding.Counted(int(t.Count), "row", "rows"), want)
		}
	}
	return nil
}
