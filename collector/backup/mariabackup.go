package backup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// physical is what mariabackup and xtrabackup write, whether into a directory or into a stream: the server's own files,
// and some that describe the backup.
type physical struct {
	checkpoints map[string]string // key = value
	info        map[string]string
	files       map[string]bool
	triggered   map[string]map[string]string // by directory and file, the table of each trigger
	redo        *redoLog
}

// redoLog is the copy of InnoDB's log that belongs to the backup.
type redoLog struct {
	name  string
	size  int64
	first int64 // LSN of the first byte behind the header, 0 where the header does not tell
}

func newPhysical() *physical {
	return &physical{files: map[string]bool{}, triggered: map[string]map[string]string{}}
}

// The files that describe a backup: xtrabackup's names, and those that MariaDB 11.1 and later use.
func isCheckpoints(name string) bool {
	return name == "xtrabackup_checkpoints" || name == "mariadb_backup_checkpoints"
}

func isInfo(name string) bool { return name == "xtrabackup_info" || name == "mariadb_backup_info" }

func isRedo(name string) bool { return name == "ib_logfile0" || name == "xtrabackup_logfile" }

// maxInfo bounds the files of keys and values.
const maxInfo = 1 << 20

// parseKeys reads lines of key = value.
func parseKeys(text []byte) map[string]string {
	keys := map[string]string{}
	for line := range bytes.Lines(text) {
		if key, value, ok := strings.Cut(string(line), "="); ok {
			keys[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return keys
}

// readMariabackup reads a mariabackup or xtrabackup directory.
func (d *directory) readMariabackup(ctx context.Context) error {
	p := newPhysical()
	for _, name := range d.names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.part(name, func(in io.Reader) error { return p.file(name, in) }); err != nil {
			p.list(d.contents)
			return err
		}
	}
	return p.judge(d.r, d.contents)
}

// file reads one of the server's files.
func (p *physical) file(name string, in io.Reader) error {
	p.files[name] = true
	base := path.Base(name)
	switch {
	case isCheckpoints(name), isInfo(name):
		text, err := io.ReadAll(io.LimitReader(in, maxInfo))
		if err != nil {
			return err
		}
		if isInfo(name) {
			p.info = parseKeys(text)
		} else {
			p.checkpoints = parseKeys(text)
		}
	case isRedo(name):
		redo, err := readRedo(name, in)
		if err != nil {
			return err
		}
		p.redo = redo
	case isTablespace(base):
		return checkPages(in)
	case strings.HasSuffix(base, ".TRN"):
		text, err := io.ReadAll(io.LimitReader(in, maxTriggerName))
		if err != nil {
			return err
		}
		p.trigger(name, text)
	case strings.HasSuffix(base, ".frm"):
		view, err := readFrm(in)
		if view {
			p.files[strings.TrimSuffix(name, ".frm")+".view"] = true
		}
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

// maxTriggerName bounds the files that say which table a trigger is of.
const maxTriggerName = 4 << 10

// trigger takes the file of a trigger's name. MySQL 8 has no such files, nor those of tables' definitions.
func (p *physical) trigger(name string, text []byte) {
	dir := path.Dir(name)
	if p.triggered[dir] == nil {
		p.triggered[dir] = map[string]string{}
	}
	p.triggered[dir][name] = parseKeys(text)["trigger_table"]
}

// isTablespace recognizes InnoDB's files by their names. A table that was created while the backup ran is in a file
// that ends in .new until it is prepared.
func isTablespace(base string) bool {
	return strings.HasSuffix(base, ".ibd") || strings.HasSuffix(base, ".new") || strings.HasPrefix(base, "ibdata") ||
		strings.HasPrefix(base, "undo") && !strings.Contains(base, ".")
}

// readFrm checks the first bytes of a table's definition, and reports whether it is a view's.
func readFrm(in io.Reader) (view bool, err error) {
	r := bufio.NewReader(in)
	head, err := r.Peek(9)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	view = string(head) == "TYPE=VIEW"
	if !view && !bytes.HasPrefix(head, []byte{0xfe, 0x01}) && !bytes.HasPrefix(head, []byte("TYPE=")) {
		return false, corrupt(0, "it is no table definition")
	}
	_, err = io.Copy(io.Discard, r)
	return view, err
}

// readRedo reads the header of the log. MariaDB 10.8 and later write "Phys" and the first LSN there; from then on the
// file's size follows from the LSNs.
func readRedo(name string, in io.Reader) (*redoLog, error) {
	r := bufio.NewReader(in)
	head, err := r.Peek(16)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	redo := &redoLog{name: name}
	if len(head) == 16 && string(head[:4]) == "Phys" {
		for _, b := range head[8:] {
			redo.first = redo.first<<8 | int64(b)
		}
	}
	redo.size, err = io.Copy(io.Discard, r)
	return redo, err
}

// judge checks that everything is there, and writes into the report what it is.
func (p *physical) judge(r *Report, found *contents) error {
	p.list(found)
	if p.checkpoints == nil && p.info == nil && p.files["ibdata1"] && !p.files["backup-my.cnf"] {
		return corrupt(-1,
			"it is a server's data directory or a bare copy of one, which nothing says was copied in one piece")
	}
	if p.checkpoints == nil {
		return notFinished("xtrabackup_checkpoints")
	}
	if p.info == nil {
		return notFinished("xtrabackup_info")
	}
	r.Tool = strings.TrimSpace(p.info["tool_name"] + " " + p.info["tool_version"])
	r.ServerVersion = p.info["server_version"]
	if p.info["end_time"] == "" {
		return truncated(-1, "xtrabackup_info: the line end_time is missing: the backup did not finish")
	}
	if err := r.metadataTimes(p.info["start_time"], p.info["end_time"]); err != nil {
		return err
	}
	switch p.checkpoints["backup_type"] {
	case "full-backuped", "full-prepared", "log-applied":
	case "incremental":
		return corrupt(-1, "it is an incremental backup, which restores nothing without the full one it is based on")
	default:
		return corrupt(-1, "xtrabackup_checkpoints: its backup_type is none that can be restored")
	}
	if p.info["partial"] == "Y" {
		r.Notes = append(r.Notes, "it is a partial backup: not all databases and tables of the server are in it")
	}
	r.Notes = append(r.Notes, "a physical backup holds pages: its tables are known by name, its rows are not looked at")
	return p.judgeRedo()
}

// redoHeader is the size of the log's header since MariaDB 10.8.
const redoHeader = 12288

// judgeRedo compares the log's length with the LSNs of the checkpoints.
func (p *physical) judgeRedo() error {
	if p.checkpoints["backup_type"] != "full-backuped" {
		return nil // applied already
	}
	if p.redo == nil {
		return truncated(-1, "the copy of InnoDB's log (ib_logfile0) is missing")
	}
	to, err1 := strconv.ParseInt(p.checkpoints["to_lsn"], 10, 64)
	last, err2 := strconv.ParseInt(p.checkpoints["last_lsn"], 10, 64)
	if err1 != nil || err2 != nil || last < to {
		return corrupt(-1, "xtrabackup_checkpoints: to_lsn and last_lsn are no log positions")
	}
	want := last - to
	if p.redo.first > 0 {
		want = redoHeader + last - p.redo.first
	}
	if p.redo.size < want {
		return truncated(
			p.redo.size,
			"%s: it has %d bytes, and the log up to last_lsn needs %d",
			p.redo.name,
			p.redo.size,
			want,
		)
	}
	return nil
}

// ownDatabases are the server's own directories.
var ownDatabases = []string{"mysql", "performance_schema", "sys", "information_schema", "#innodb_redo", "#innodb_temp"}

var (
	partition = regexp.MustCompile(`#[pP]#.*$`)
	ftsTable  = regexp.MustCompile(`^FTS_[0-9a-f]{16}_`)
)

// list finds the tables by the names of their files.
func (p *physical) list(found *contents) {
	defined := map[string]bool{} // directories with definitions of tables and triggers, which MySQL 8 has not
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		dir, file, ok := strings.Cut(stem(strings.TrimSuffix(name, ".qp")), "/")
		if !ok || slices.Contains(ownDatabases, dir) || strings.Contains(file, "/") {
			continue
		}
		defined[dir] = defined[dir] || path.Ext(file) == ".frm"
		db, err := found.database(decodeName(dir))
		if err == nil {
			err = listFile(found, db, file)
		}
		if err != nil {
			return
		}
	}
	for dir, known := range defined {
		db := found.byName[decodeName(dir)]
		db.rowsHidden, db.triggersHidden = true, !known
		for file, table := range p.triggered[dir] {
			db.trigger(file, table)
		}
	}
}

// listFile adds what the name of one file tells.
func listFile(found *contents, db *database, file string) error {
	ext := path.Ext(file)
	name := partition.ReplaceAllString(strings.TrimSuffix(file, ext), "")
	if strings.HasPrefix(name, "#sql") || ftsTable.MatchString(name) {
		return nil
	}
	switch ext {
	case ".frm", ".ibd", ".new", ".MYD":
		t, err := found.table(db, decodeName(name))
		if err == nil {
			t.created = true
		}
		return err
	case ".view":
		return found.view(db, decodeName(name))
	}
	return nil
}

var encodedByte = regexp.MustCompile(`@[0-9a-f]{4}`)

// decodeName undoes the server's encoding of names in file names.
func decodeName(name string) string {
	return encodedByte.ReplaceAllStringFunc(name, func(code string) string {
		n, err := strconv.ParseUint(code[1:], 16, 32)
		if err != nil {
			return code
		}
		return string(rune(n))
	})
}
