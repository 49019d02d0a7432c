// Package backup finds out what the files and directories are that are configured as backups of a database, whether
// they are whole, and what they hold of a Magento.
//
// It is a leaf: it knows dumps, archives and Magento's tables, and nothing of preconditions. Find lists candidates, a
// Reader reads them one at a time at its own pace and keeps a Report of each, and Database.Content answers what a
// verdict needs to know of a report.
//
// Others wrote the files that are read here, so nothing in them is trusted: memory stays constant whatever their size,
// reading ends at the first thing that cannot be right, and what a file does not show is unknown, never guessed.
package backup

import (
	"fmt"
	"time"

	"magento_migration_exporter/collector/finding"
)

// Kind is what wrote a backup.
type Kind string

// The kinds, found out by content, never by a file's name. A dump of another program has that program's name as its
// kind: see writers.yml.
const (
	KindUnknown     Kind = ""             // none of the others
	KindMysqldump   Kind = "mysqldump"    // MySQL's mysqldump, and MariaDB's under its old name
	KindMariaDBDump Kind = "mariadb-dump" // MariaDB's mariadb-dump
	KindSQL         Kind = "SQL dump"     // SQL statements without a line that says who wrote them
	KindMagento     Kind = "setup:backup" // Magento's own backup, of either Magento
	KindMydumper    Kind = "mydumper"     // a mydumper directory
	KindMySQLShell  Kind = "MySQL Shell"  // a directory of util.dumpInstance, dumpSchemas or dumpTables
	KindMariabackup Kind = "mariabackup"  // a mariabackup or xtrabackup directory
	KindXbstream    Kind = "xbstream"     // the streamed form of the same

	KindTables Kind = "one-table dumps" // several dumps, each of another table of the same database
	KindTab    Kind = "mysqldump --tab" // a folder with a file of statements and a file of rows for each table
	KindRestic Kind = "restic"          // a repository of restic
	KindBorg   Kind = "borg"            // a repository of borg
)

// Container is what a backup is in, beside a compression.
type Container string

// The containers that are read through.
const (
	ContainerNone  Container = ""
	ContainerTar   Container = "tar"
	ContainerZip   Container = "ZIP"
	ContainerParts Container = "parts of a split file"
)

// Compression is how the bytes of a file were made smaller.
type Compression string

// The compressions, found out by the first bytes. pigz writes gzip.
const (
	CompressionNone  Compression = ""
	CompressionGzip  Compression = "gzip"
	CompressionZstd  Compression = "zstd"
	CompressionXz    Compression = "xz"
	CompressionBzip2 Compression = "bzip2"
	CompressionLZ4   Compression = "lz4"
)

// State is whether a backup can be restored, as far as reading it tells.
type State string

const (
	// StateWhole means that it was read to its end, that its checksums agree and that what its writer puts last is
	// last.
	StateWhole State = "whole"
	// StateDamaged means that it is cut short, corrupt, empty or no backup; Report.Damage says which, and Report.Offset
	// where.
	StateDamaged State = "damaged"
	// StateInProgress means that it was still being written.
	StateInProgress State = "in progress"
	// StateUndetermined means that its content does not show it: a dump without comments has no end mark, dumps of
	// single tables are of different moments.
	StateUndetermined State = "undetermined"
	// StateOpaque means that it is not looked into: it is encrypted, or in an archive of a kind that is not read here.
	// It may be a good backup. Report.Damage says what it is, and Report.Advice how a person gets at its content.
	StateOpaque State = "cannot be looked into"
)

// Report is what one reading of a candidate found. It is plain data, shared between callers: do not change it.
type Report struct {
	Candidate     Candidate
	Kind          Kind
	Compression   Compression
	State         State
	Damage        string     // why it is not whole, for people; empty when it is
	Offset        int64      // where, in bytes of the (decompressed) stream; -1 where there is no one place
	Place         string     // which file of a directory or archive Offset counts in; "" for a plain file
	Truncated     bool       // damaged by ending too early, as a backup that is being written looks
	Tool          string     // the writer's own version line, for people
	ServerVersion string     // the server that was dumped, as the backup spells it
	Began         Moment     // zero where the backup does not say: dumps record no start
	Finished      Moment     // when it was completed
	Databases     []Database // what it holds, in the backup's order
	Notes         []string   // what a reader should know and that does not make it less whole
	Bytes         int64      // bytes read after decompression
	Container     Container  // what it is in
	Advice        string     // what to do about Damage, where that is not just to make another backup; else ""
	// Members are the reports of the backups in an archive or a folder, where there is more than one. The report itself
	// is then that of the one that most looks like a Magento's; Of finds the one that holds a database.
	Members []Report

	unread bool // the operating system did not let it be read, which may pass
}

// When returns the moment that stands for the backup's age: its start where that is recorded, else its end, else the
// file's modification time.
func (r Report) When() Moment {
	if !r.Began.Time.IsZero() {
		return r.Began
	}
	if !r.Finished.Time.IsZero() {
		return r.Finished
	}
	return Moment{Time: r.Candidate.ModTime, Source: SourceModTime}
}

// Database returns the database of that name, or the only one where the backup does not name it.
func (r Report) Database(name string) (Database, bool) {
	for _, d := range r.Databases {
		if d.Name == name || (d.Name == "" && len(r.Databases) == 1) {
			return d, true
		}
	}
	return Database{}, false
}

// Magento1 names the table that shows that the backup is of a Magento 1, whether it is whole or not, and the table's
// database where that is not the one of the name given; "" where nothing shows it. A database in which there is a
// Magento 2 too is not one.
func (r Report) Magento1(database string) string {
	databases := r.Databases
	if d, ok := r.Database(database); ok {
		databases = []Database{d}
	}
	table := ""
	for _, d := range databases {
		for _, prefix := range d.Prefixes() {
			switch systemOf(d.Tables.List(), prefix) {
			case finding.Magento2:
				return ""
			case finding.Magento1:
				table = prefix + "core_resource"
				if d.Name != "" && d.Name != database {
					table += fmt.Sprintf(" in the database %q", d.Name)
				}
			}
		}
	}
	return table
}

// The sources of a Moment.
const (
	SourceHead     = "the dump's head"
	SourceTrailer  = "the dump's last line"
	SourceMetadata = "the backup's metadata"
	SourceModTime  = "the file's modification time"
)

// Moment is a time that a backup records.
type Moment struct {
	Time   time.Time // in UTC
	Source string    // where it was read
	// Uncertain means that the backup gave a wall clock without a zone, and the zone is unknown: the true moment is up
	// to MaxZone away from Time.
	Uncertain bool
}

// MaxZone is how far a wall clock can be from UTC.
const MaxZone = 14 * time.Hour

// wallClock is how backups write times, always without a zone.
const wallClock = "2006-01-02 15:04:05"

// zone is the offset of the wall clocks in a backup from UTC.
type zone struct {
	offset time.Duration
	known  bool
}

// inferZone finds the zone by the last time that a backup writes. Its file is closed a moment later, so when the file's
// modification time is just that much later but for the offset of a zone (whole quarters of an hour), that is the zone.
// The time of a file that was copied does not fit.
func inferZone(last, modified time.Time) zone {
	const (
		quarter = 15 * time.Minute
		early   = -time.Second // both are cut to whole seconds
		late    = 5 * time.Second
	)
	offset := last.Sub(modified).Round(quarter)
	if gap := modified.Add(offset).Sub(last); offset.Abs() <= MaxZone && gap >= early && gap <= late {
		return zone{offset, true}
	}
	return zone{}
}

// moment turns a wall clock of the zone, read as if it were UTC, into a Moment.
func (z zone) moment(wall time.Time, source string) Moment {
	return Moment{Time: wall.Add(-z.offset), Source: source, Uncertain: !z.known}
}

// metadataTimes sets the report's times from the wall clocks in the metadata of a backup; the start may be "".
func (r *Report) metadataTimes(started, finished string) error {
	last, err := time.Parse(wallClock, finished)
	if err != nil {
		return corrupt(-1, "the time at which it ended is no time")
	}
	z := inferZone(last, r.Candidate.ModTime)
	r.Finished = z.moment(last, SourceMetadata)
	if started == "" {
		return nil
	}
	first, err := time.Parse(wallClock, started)
	if err != nil {
		return corrupt(-1, "the time at which it began is no time")
	}
	r.Began = z.moment(first, SourceMetadata)
	return nil
}
