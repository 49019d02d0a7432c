package precondition

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
)

// withNotes adds what a reader of a backup should know to the evidence.
func withNotes(text string, r *backup.Report) string {
	var parts []string
	if text != "" {
		parts = append(parts, text)
	}
	return strings.Join(append(parts, r.Notes...), "; ")
}

// magento1Text says what shows that a backup is of a Magento 1, whether it is whole or not; it is empty when nothing
// does. A database in which there is a Magento 2 too is not one.
func magento1Text(r *backup.Report, name string) string {
	databases := r.Databases
	if d, ok := r.Database(name); ok {
		databases = []backup.Database{d}
	}
	text := ""
	for _, d := range databases {
		for _, prefix := range d.Prefixes() {
			switch d.Content(prefix).System {
			case backup.SystemMagento2:
				return ""
			case backup.SystemMagento1:
				text = "it has " + prefix + "core_resource"
				if d.Name != "" && d.Name != name {
					text += fmt.Sprintf(" in the database %q", d.Name)
				}
			}
		}
	}
	return text
}

// noMagento2Text says what is in a database without a Magento 2 of the configured prefix.
func noMagento2Text(r *backup.Report, name string, c *backup.Content) string {
	d, _ := r.Database(name)
	tables := len(d.Tables.List())
	with := "without a table prefix"
	if c.Prefix != "" {
		with = fmt.Sprintf("with the table prefix %q", c.Prefix)
	}
	text := fmt.Sprintf("it has %d tables, but no Magento 2 %s", tables, with)
	switch found := d.Prefixes(); {
	case len(found) == 0:
		return text
	case found[0] == "":
		return text + "; there is one without a prefix"
	default:
		return text + fmt.Sprintf("; there is one with %q", found[0])
	}
}

// leftOutText lists the tables of whose rows a backup has too few.
func leftOutText(left []backup.LeftOut) string {
	var texts []string
	for _, l := range left {
		text := fmt.Sprintf("%s: %d of at least %d rows", l.Table, l.Rows, l.Today)
		if l.Where != "" {
			text += " (made with --where=" + l.Where + ")"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// refuseCut refuses the newest qualifying backups from which rows are cut that Magento 2 still has: a row with a key
// below the counter in the backup is older than the backup. It asks the database only about the newest one, and about
// the next one where that is refused. After data was migrated the rows are others.
func refuseCut(ctx context.Context, e *evidence.Evidence, today backupTarget, judged []judgedBackup) error {
	if e.Phase.Migrated() {
		return nil
	}
	for best := newestQualifying(judged); best != nil; best = newestQualifying(judged) {
		cut, err := cutTables(ctx, e.Magento2, today, &best.content)
		if err != nil || len(cut) == 0 {
			return err
		}
		best.refusal = today.orUnknown(e, finding.Finding{
			Status: finding.Fail, Subject: best.candidate.Path,
			Summary:  "the backup lacks rows that the database had when it was made",
			Evidence: withNotes(strings.Join(cut, ", "), &best.report), Remedy: today.remedy,
		})
	}
	return nil
}

// cutTables returns a text for each table from which the backup lacks rows, by their keys.
func cutTables(
	ctx context.Context, m2 *evidence.System, today backupTarget, c *backup.Content,
) (texts []string, err error) {
	var parts []string
	var args []any
	for _, k := range c.FilledKeys() {
		if slices.Contains(today.tables, k.Table) {
			parts = append(parts, fmt.Sprintf("SELECT ? AS t, (SELECT COUNT(*) FROM %s WHERE %s < ?) AS n, ? AS had",
				m2.Table(k.Table), database.Quote(k.Key)))
			args = append(args, k.Table, k.Below, k.Rows)
		}
	}
	if len(parts) == 0 {
		return nil, nil
	}
	query := "SELECT t, n, had FROM (" + strings.Join(parts, " UNION ALL ") + ") counts WHERE n > had"
	err = m2.Session.Rows(ctx, query, args, func(scan func(...any) error) error {
		var table string
		var n, had int64
		err := scan(&table, &n, &had)
		texts = append(texts, fmt.Sprintf("%s: %d of %d rows", table, had, n))
		return err
	})
	return texts, err
}
