package backup

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed table_names.txt
var tableNamesData string

// tableNames are tables of Magento 1 and Magento 2: see table_names.txt.
var tableNames = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for line := range strings.Lines(tableNamesData) {
		if name := strings.TrimSpace(line); !strings.HasPrefix(name, "#") {
			names[name] = true
		}
	}
	return names
})

// minTableFiles is how many of their files a folder has to have.
const minTableFiles = 4

// tableFile is what a name says that may be of the dump of one table.
type tableFile struct {
	prefix    string // before the table's name: a table prefix, or the database as MySQL Workbench puts it there
	extension string
}

// tableFileOf splits the name of a dump of one of the tables. What may be a prefix is as short as it can be.
func tableFileOf(name string) (tableFile, bool) {
	table, ok := strings.CutSuffix(stem(name), ".sql")
	if !ok {
		return tableFile{}, false
	}
	for i := range table {
		if tableNames()[table[i:]] {
			return tableFile{table[:i], strings.TrimPrefix(name, table)}, true
		}
	}
	return tableFile{}, false
}

// tableFiles returns those names, of files in one directory, that are dumps of single tables of one Magento, and the
// files with the rows of mysqldump --tab; nil where there are none.
func tableFiles(names []string) []string {
	marks := map[tableFile]int{}
	for _, name := range names {
		if f, ok := tableFileOf(name); ok {
			marks[f]++
		}
	}
	var best tableFile
	for f, n := range marks {
		if n > marks[best] || n == marks[best] && f.prefix < best.prefix {
			best = f
		}
	}
	if marks[best] < minTableFiles {
		return nil
	}
	var files []string
	tables := map[string]bool{}
	for _, name := range names {
		if table, ok := strings.CutSuffix(name, best.extension); ok && strings.HasPrefix(name, best.prefix) &&
			isTableName(table, best.prefix) {
			files = append(files, name)
			tables[table] = true
		}
	}
	for _, name := range names {
		if table, ok := strings.CutSuffix(stem(name), ".txt"); ok && tables[table] {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// texts returns those names that are of files like the ones with the rows of mysqldump --tab.
func texts(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(stem(name), ".txt") })
}

// isTableName reports whether what is before the extension may be a table's name. Another dump that is taken for one,
// as of a database with such a name, is recognized by its content.
func isTableName(name, prefix string) bool {
	table := strings.TrimPrefix(name, prefix)
	return table != "" && !strings.ContainsAny(table, ".- ")
}

// tablesKind distinguishes a folder of dumps from one of mysqldump --tab.
func tablesKind(names []string) Kind {
	if slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(stem(name), ".txt") }) {
		return KindTab
	}
	return KindTables
}

// joinFiles makes one candidate of files that are one backup.
func joinFiles(found []Candidate) []Candidate {
	folders := map[string][]string{}
	at := map[string]int{}
	for i, c := range found {
		if !c.Dir {
			dir := filepath.Dir(c.Path)
			folders[dir] = append(folders[dir], filepath.Base(c.Path))
			at[c.Path] = i
		}
	}
	gone := make([]bool, len(found))
	for dir, names := range folders {
		slices.Sort(names)
		for _, group := range fileGroups(dir, names) {
			var places []int
			for _, name := range group.names {
				if i, ok := at[filepath.Join(dir, name)]; ok {
					places = append(places, i)
				}
			}
			candidate := group.candidate(dir, found[places[0]])
			first := slices.Min(places)
			for _, i := range places {
				gone[i] = i != first
			}
			found[first] = candidate
		}
	}
	var kept []Candidate
	for i, c := range found {
		if !gone[i] {
			kept = append(kept, c)
		}
	}
	return kept
}

// fileGroup is files of one directory that are one backup.
type fileGroup struct {
	names  []string
	folder bool // dumps of single tables; else parts of a split file
}

// fileGroups finds them.
func fileGroups(dir string, names []string) []fileGroup {
	var groups []fileGroup
	taken := map[string]bool{}
	add := func(names []string, folder bool) {
		groups = append(groups, fileGroup{names, folder})
		for _, name := range names {
			taken[name] = true
		}
	}
	if tables := tableFiles(names); len(tables) > 0 {
		// The files with the rows belong to those with the statements, even where a pattern leaves them out.
		if all, err := readNames(dir); err == nil {
			tables = tableFiles(append(tables, texts(all)...))
		}
		add(tables, true)
	}
	for _, set := range splitGroups(names) {
		var parts []string
		free := true
		for _, s := range set {
			parts = append(parts, s.name)
			free = free && !taken[s.name]
		}
		if free && isSplit(dir, set) {
			add(parts, false)
		}
	}
	return groups
}

// candidate makes one candidate of the group, whose first file is given. What cannot be looked at is found out when it
// is read.
func (g fileGroup) candidate(dir string, first Candidate) Candidate {
	c := first
	c.Parts = newNames(slices.Clone(g.names))
	if g.folder {
		c.Dir, c.Path = true, dir
		if info, err := os.Stat(dir); err == nil {
			c.Inode = fileCandidate(dir, info).Inode
		}
	}
	_ = addParts(context.Background(), &c, func() {}) // what it could not look at differs when it is read
	return c
}

// readTables reads a folder of dumps of single tables, or one of mysqldump --tab.
func (d *directory) readTables(ctx context.Context) error {
	dumps, kind := newCollection(), d.r.Kind
	dumps.together = true
	for _, name := range d.names {
		table, ok := strings.CutSuffix(stem(name), ".sql")
		if !ok {
			continue
		}
		if err := d.readTable(ctx, dumps, name, table); err != nil {
			return err
		}
	}
	if len(dumps.members) == 0 {
		return corrupt(-1, "it holds no dump any more")
	}
	bytes, err := d.r.Bytes, dumps.conclude(d.r)
	d.r.Bytes = bytes
	if len(d.r.Members) > 0 {
		return err
	}
	d.r.Kind = kind
	if kind == KindTab && severity(err) <= 1 {
		return undetermined("the files with the rows that mysqldump --tab writes have no end, so one may be cut short")
	}
	return err
}

// readTable reads the dump of a table, and its rows where --tab has them in another file. It returns only what keeps
// the others from being read.
func (d *directory) readTable(ctx context.Context, dumps *collection, name, table string) error {
	r := Report{Offset: -1}
	found := dumps.newContents()
	err := d.part(name, func(in io.Reader) error {
		var modified time.Time
		if info, err := os.Stat(filepath.Join(d.r.Candidate.Path, name)); err == nil {
			modified = info.ModTime()
		}
		return d.j.readAt(ctx, &r, in, place{
			compressed: true, modified: modified, contents: found, tail: d.r.Kind == KindTab,
		})
	})
	if err == nil {
		err = d.readTab(table, found)
	}
	if ctx.Err() != nil || isReadError(err) || errors.Is(err, errChanged) {
		return err
	}
	d.r.Place = ""
	return dumps.add(name, r, found, err)
}

// readTab reads the rows of a table that --tab wrote, in its usual form. Of another form they are not known.
func (d *directory) readTab(table string, found *contents) error {
	i := slices.IndexFunc(d.names, func(name string) bool { return stem(name) == table+".txt" })
	if i < 0 {
		return nil
	}
	for _, db := range found.databases {
		for _, t := range db.tables {
			if !t.created || t.view {
				continue
			}
			var meta shellTable
			meta.Options.Columns, meta.Options.Terminated = t.columns, "\t"
			meta.Options.Escaped, meta.Options.Lines = `\`, "\n"
			return d.part(d.names[i], func(in io.Reader) error {
				buffered := bufio.NewReaderSize(in, 64<<10)
				if !isTab(buffered, len(t.columns)) {
					db.rowsHidden = true
					_, err := io.Copy(io.Discard, buffered)
					return err
				}
				return readTSV(buffered, t, meta, false)
			})
		}
	}
	return nil
}

// isTab reports whether the first row looks like one with that many fields between tabs. A row that is longer than what
// can be looked at counts as one.
func isTab(in *bufio.Reader, columns int) bool {
	head, err := in.Peek(64 << 10)
	if len(head) == 0 && errors.Is(err, io.EOF) {
		return true
	}
	tabs := 0
	for i := 0; i < len(head); i++ {
		switch head[i] {
		case '\\':
			i++
		case '\t':
			tabs++
		case '\n':
			return tabs == columns-1
		}
	}
	return true
}
