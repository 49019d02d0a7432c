package collector

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/config"
)

// evaluateBackup tells whether there is a backup that restores Magento 2's initial state.
func evaluateBackup(ctx context.Context, e *Evidence) Verdict {
	v := Verdict{}
	settings := &e.Migration.Preconditions.Backup
	if len(settings.Paths) == 0 {
		v.unknown("", "no backups are configured", "", "Name the backups of Magento 2's database under preconditions.backup.paths: files, folders or patterns like /backup/magento2-*.sql.gz.")
		return v
	}
	candidates, problems := findBackups(ctx, e)
	if e.Magento2.unseen(&v) {
		e.Backups.Request(e.Migration.Name, candidates)
		return v
	}
	today, err := readBackupTarget(ctx, e)
	if err != nil {
		e.Magento2.broken(&v, "tables", err)
		return v
	}
	judged := judgeCandidates(e, today, candidates)
	e.Backups.Request(e.Migration.Name, stillWanted(judged))
	if newestQualifying(judged) == nil {
		waitForSmallBackups(ctx, e, candidates)
		judged = judgeCandidates(e, today, candidates)
	}
	concludeBackups(&v, e, today, judged, problems)
	return v
}

// findBackups returns the candidates, the newest first.
func findBackups(ctx context.Context, e *Evidence) ([]backup.Candidate, []backup.Problem) {
	candidates, problems := e.Backups.Find(ctx, e.Migration.Name, e.Migration.Preconditions.Backup.Paths)
	slices.SortStableFunc(candidates, func(a, b backup.Candidate) int { return b.ModTime.Compare(a.ModTime) })
	return candidates, problems
}

// smallBackupLimit is what a small backup needs to be read: so the first evaluation can tell of it.
const smallBackupLimit = 500 * time.Millisecond

func waitForSmallBackups(ctx context.Context, e *Evidence, candidates []backup.Candidate) {
	ctx, cancel := context.WithTimeout(ctx, smallBackupLimit)
	defer cancel()
	_ = e.Backups.Wait(ctx, candidates) // what is not read by then goes on being read
}

// backupTarget is what a backup is compared with: the two databases as they are.
type backupTarget struct {
	// tables are Magento 2's base tables without prefix. They are compared only before data was migrated.
	tables   []string
	triggers int
	patches  []string
	// installed is zero when it is not known.
	installed time.Time
	// magento1 is nil when Magento 1 cannot be read.
	magento1 *migratedMarks
}

// migratedMarks are what migrate:data brings from Magento 1 unchanged.
type migratedMarks struct {
	rootCreated       string
	orders, customers string
}

func readBackupTarget(ctx context.Context, e *Evidence) (backupTarget, error) {
	var t backupTarget
	var err error
	m2 := e.Magento2
	if t.tables, err = baseTables(ctx, m2); err != nil {
		return t, err
	}
	if err := m2.Session.Row(ctx, "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()", nil, &t.triggers); err != nil {
		return t, err
	}
	if slices.Contains(t.tables, "patch_list") {
		if t.patches, err = column(ctx, m2, "SELECT patch_name FROM "+m2.table("patch_list")); err != nil {
			return t, err
		}
	}
	if slices.Contains(t.tables, "admin_user") {
		if t.installed, err = installTime(ctx, e); err != nil {
			return t, err
		}
	}
	if e.Magento1.Err == nil {
		t.magento1, err = readMigratedMarks(ctx, e.Magento1)
	}
	return t, err
}

func readMigratedMarks(ctx context.Context, m1 *System) (*migratedMarks, error) {
	var marks migratedMarks
	var err error
	if marks.rootCreated, err = rootCategoryCreated(ctx, m1); err != nil {
		return nil, err
	}
	if marks.orders, err = idRange(ctx, m1, "sales_flat_order"); err != nil {
		return nil, err
	}
	marks.customers, err = idRange(ctx, m1, "customer_entity")
	return &marks, err
}

// baseTables returns the tables under the prefix, without it.
func baseTables(ctx context.Context, s *System) ([]string, error) {
	all, err := column(ctx, s, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'")
	var tables []string
	for _, t := range all {
		if name, ok := strings.CutPrefix(t, s.Prefix); ok {
			tables = append(tables, name)
		}
	}
	return tables, err
}

// column returns a query's only column, NULL as empty.
func column(ctx context.Context, s *System, query string, args ...any) ([]string, error) {
	var values []string
	err := s.Session.Rows(ctx, query, args, func(scan func(...any) error) error {
		var value sql.NullString
		err := scan(&value)
		values = append(values, value.String)
		return err
	})
	return values, err
}

// judgedBackup is a candidate with what was found out about it.
type judgedBackup struct {
	candidate backup.Candidate
	report    backup.Report
	standing  backup.Standing
	progress  backup.Progress
	content   backup.Content
	// refusal is why it does not qualify, Pass when it does.
	refusal Finding
}

func (j *judgedBackup) qualifies() bool {
	return j.standing == backup.StandingRead && j.refusal.Status == Pass
}

// pending reports whether the backup has still to be read.
func (j *judgedBackup) pending() bool { return j.standing != backup.StandingRead }

func judgeCandidates(e *Evidence, today backupTarget, candidates []backup.Candidate) []judgedBackup {
	var judged []judgedBackup
	for _, c := range candidates {
		j := judgedBackup{candidate: c}
		j.report, j.progress, j.standing = e.Backups.Lookup(c)
		if !j.pending() {
			j.refusal = refuse(e, today, &j)
			j.refusal.Subject = c.Path
		}
		judged = append(judged, j)
	}
	return judged
}

// stillWanted leaves out what cannot be newer than the newest that qualifies: a backup is not younger than its file, apart from its
// clock's zone.
func stillWanted(judged []judgedBackup) []backup.Candidate {
	best := newestQualifying(judged)
	var wanted []backup.Candidate
	for i := range judged {
		j := &judged[i]
		if best == nil || j.candidate.ModTime.Add(backup.MaxZone).After(best.report.When().Time) {
			wanted = append(wanted, j.candidate)
		}
	}
	return wanted
}

func newestQualifying(judged []judgedBackup) *judgedBackup {
	var best *judgedBackup
	for i := range judged {
		j := &judged[i]
		if j.qualifies() && (best == nil || j.report.When().Time.After(best.report.When().Time)) {
			best = j
		}
	}
	return best
}

// refuse returns why a backup that was read does not qualify, or a finding that passes.
func refuse(e *Evidence, today backupTarget, j *judgedBackup) Finding {
	r := &j.report
	switch r.State {
	case backup.StateDamaged:
		return Finding{Status: Fail, Summary: "the backup is not whole", Evidence: damageText(r), Remedy: dumpRemedy(e)}
	case backup.StateInProgress:
		return Finding{Status: Fail, Summary: "the backup is still being written", Evidence: r.Damage, Remedy: "Wait until it is written; the next evaluation looks again."}
	case backup.StateUndetermined:
		return Finding{Status: Unknown, Summary: "whether the backup is whole cannot be told", Evidence: r.Damage, Remedy: "Make one that has its own end mark. " + dumpRemedy(e)}
	}
	name := e.Magento2.Endpoint.Name
	d, ok := r.Database(name)
	if !ok {
		return Finding{Status: Fail, Summary: "the backup is of another database", Evidence: fmt.Sprintf("it holds %s, not %q", databaseNames(r), name), Remedy: dumpRemedy(e)}
	}
	j.content = d.Content(e.Magento2.Prefix)
	return refuseContent(e, today, j)
}

func damageText(r *backup.Report) string {
	text := string(r.Kind) + ": " + r.Damage
	if r.Kind == backup.KindUnknown {
		text = r.Damage
	}
	if r.Offset >= 0 {
		text += fmt.Sprintf(" (at byte %d", r.Offset)
		if r.Place != "" {
			text += " of " + r.Place
		}
		text += ")"
	}
	return text
}

func databaseNames(r *backup.Report) string {
	var names []string
	for _, d := range r.Databases {
		names = append(names, fmt.Sprintf("%q", d.Name))
	}
	if len(names) == 0 {
		return "no database"
	}
	return strings.Join(names[:min(len(names), 10)], ", ")
}

// refuseContent judges a whole backup of the right database by what is in it.
func refuseContent(e *Evidence, today backupTarget, j *judgedBackup) Finding {
	c, fail := &j.content, func(summary, evidence string) Finding {
		return Finding{Status: Fail, Summary: summary, Evidence: evidence, Remedy: dumpRemedy(e)}
	}
	when := j.report.When()
	switch {
	case c.System == backup.SystemMagento1:
		return fail("the backup is of a Magento 1", "it has core_resource and sales_flat_order")
	case c.System == backup.SystemNone:
		return fail("the backup holds no Magento 2", fmt.Sprintf("it has %d tables, and none of Magento 2's under the prefix %q", len(c.Tables), c.Prefix))
	case c.RowsKnown && !c.Installed():
		return fail("the backup does not hold the installation", "it has no rows of patch_list or setup_module")
	case !today.installed.IsZero() && when.Time.Add(backup.MaxZone).Before(today.installed):
		return fail("the backup is older than the installation", fmt.Sprintf("made at %s, installed at %s", utcText(when.Time), utcText(today.installed)))
	case len(c.MigrationLeft) > 0:
		return fail("the backup was made while data was being migrated", "it has "+strings.Join(c.MigrationLeft, ", "))
	}
	if f := refuseMigrated(today, c, e.Phase.Phase); f.Status != Pass {
		f.Remedy = cmp.Or(f.Remedy, dumpRemedy(e))
		return f
	}
	if e.Phase.Phase == config.PhasePrepare {
		if missing := c.Missing(today.tables); len(missing) > 0 {
			return fail("the backup lacks tables of Magento 2", fmt.Sprintf("%d tables: %s", len(missing), strings.Join(missing[:min(len(missing), 20)], ", ")))
		}
		if c.RowsKnown && today.triggers > 0 && c.Triggers == 0 {
			return fail("the backup lacks Magento 2's triggers", fmt.Sprintf("the database has %d, which keep its indexes current", today.triggers))
		}
	}
	return Finding{Status: Pass}
}

// refuseMigrated finds data that migrate:data brought: restoring it does not bring the initial state back.
func refuseMigrated(today backupTarget, c *backup.Content, phase config.Phase) Finding {
	if !c.RowsKnown && phase == config.PhasePrepare {
		return Finding{Status: Pass} // there was no migrated data yet
	}
	if !c.RowsKnown {
		return Finding{Status: Unknown, Summary: "whether the backup holds migrated data cannot be told", Evidence: "it is a copy of the server's files, and Magento 2 holds migrated data now",
			Remedy: "Look for a dump from before migrate:settings, or restore this backup on another server to see."}
	}
	if m1 := today.magento1; m1 != nil {
		orders, customers := rangeText(c.Orders), rangeText(c.Customers)
		sameIDs := m1.orders != "" && m1.orders == orders && m1.customers != "" && m1.customers == customers
		if c.TimesUTC && m1.rootCreated != "" && m1.rootCreated == c.RootCreated || sameIDs {
			return Finding{Status: Fail, Summary: "the backup holds migrated data", Evidence: "its root category was made at " + c.RootCreated + ", its orders have the ids " + cmp.Or(orders, "of none")}
		}
		return Finding{Status: Pass}
	}
	// Installation makes the root category and the first admin account within minutes; migrate:data puts Magento 1's in the former's place.
	root, err1 := time.Parse(time.DateTime, c.RootCreated)
	admin, err2 := time.Parse(time.DateTime, c.AdminCreated)
	if err1 == nil && err2 == nil && admin.Sub(root).Abs() < 24*time.Hour {
		return Finding{Status: Pass}
	}
	return Finding{Status: Unknown, Summary: "whether the backup holds migrated data cannot be told without Magento 1's database",
		Evidence: fmt.Sprintf("its root category was made at %q, its first admin account at %q", c.RootCreated, c.AdminCreated), Remedy: "Mend what the precondition network says of Magento 1."}
}

// rangeText has the form of idRange.
func rangeText(r backup.Range) string {
	if r == (backup.Range{}) {
		return ""
	}
	return fmt.Sprintf("%d to %d", r.Min, r.Max)
}

func utcText(t time.Time) string { return t.UTC().Format(time.DateTime) + " UTC" }

// concludeBackups turns what is known of the candidates into findings and values.
func concludeBackups(v *Verdict, e *Evidence, today backupTarget, judged []judgedBackup, problems []backup.Problem) {
	best := newestQualifying(judged)
	for _, p := range problems {
		f := Finding{Status: Pass, Subject: p.Path, Summary: "a backup path leads to no backup", Evidence: p.Text}
		if p.Unseen {
			f.Summary, f.Remedy = "a backup path cannot be looked at", "Let the user that the exporter runs as read it, or take it out of preconditions.backup.paths."
		}
		if p.Unseen && best == nil {
			f.Status = Unknown
		}
		v.add(f)
	}
	if best == nil {
		noBackup(v, e, judged)
		return
	}
	when := best.report.When()
	age := e.Now.Sub(when.Time)
	v.sample(backupTime, unixSeconds(when.Time))
	v.sample(backupAge, max(age, 0).Seconds())
	v.sample(backupSize, float64(best.candidate.Size))
	v.Summary = fmt.Sprintf("the newest backup that counts is %s old, from %s", roughly(age), utcText(when.Time))
	v.note(best.candidate.Path, "this backup counts", backupText(best), "")
	for i := range judged {
		if j := &judged[i]; j != best && j.candidate.ModTime.After(best.candidate.ModTime) {
			v.noteNewer(j)
		}
	}
	warnAboutBackup(v, e, today, best)
}

func backupText(j *judgedBackup) string {
	r := &j.report
	compression := string(r.Compression)
	if compression == "" {
		compression = "not compressed"
	}
	text := fmt.Sprintf("%s, %s, %d bytes, %d tables, time from %s", r.Kind, compression, j.candidate.Size, len(j.content.Tables), r.When().Source)
	return strings.Join(append([]string{text}, r.Notes...), "; ")
}

// noteNewer says why a newer backup does not count. It is no fault of the one that does.
func (v *Verdict) noteNewer(j *judgedBackup) {
	if j.pending() {
		v.note(j.candidate.Path, "a newer backup is not read yet", pendingText(j), "")
		return
	}
	if !j.qualifies() {
		v.note(j.candidate.Path, "a newer backup does not count: "+j.refusal.Summary, j.refusal.Evidence, j.refusal.Remedy)
	}
}

// noBackup says of each candidate why it does not count.
func noBackup(v *Verdict, e *Evidence, judged []judgedBackup) {
	if len(judged) == 0 && v.worst() != Unknown {
		v.fail("", "there is no backup", "nothing matches "+strings.Join(e.Migration.Preconditions.Backup.Paths, ", "), dumpRemedy(e))
	}
	for i := range judged {
		j := &judged[i]
		switch {
		case !j.pending():
			v.add(j.refusal)
		case j.standing == backup.StandingStalled:
			v.unknown(j.candidate.Path, "the backup's file system does not answer", pendingText(j), "Look at the mount; reading goes on when it answers.")
		default:
			v.unknown(j.candidate.Path, "the backup is being read", pendingText(j), "Wait; global.backup_read_bytes_per_second limits the pace.")
		}
	}
}

func pendingText(j *judgedBackup) string {
	percent := int64(0)
	if j.progress.Size > 0 {
		percent = j.progress.Read * 100 / j.progress.Size
	}
	return fmt.Sprintf("%s: %d of %d bytes (%d %%)", j.standing, j.progress.Read, j.progress.Size, percent)
}

// warnAboutBackup says what restoring the backup would lose or bring along.
func warnAboutBackup(v *Verdict, e *Evidence, today backupTarget, best *judgedBackup) {
	path := best.candidate.Path
	var fresh []string
	for _, name := range slices.Sorted(maps.Keys(best.content.Entities)) {
		if n := best.content.Entities[name].New; n > 0 {
			fresh = append(fresh, fmt.Sprintf("%s: %d", name, n))
		}
	}
	if len(fresh) > 0 {
		v.warn(path+" entities", "the backup holds entities that installation does not make", strings.Join(fresh, ", "), "Delete them in Magento 2 and make a new backup, if they are not wanted in the initial state.")
	}
	if best.content.RowsKnown && !best.content.NamesCapped {
		var missing []string
		for _, p := range today.patches {
			if !slices.Contains(best.content.Patches, p) {
				missing = append(missing, p)
			}
		}
		if len(missing) > 0 {
			v.warn(path+" patches", "extensions were installed since the backup: restoring it loses them", fmt.Sprintf("%d patches: %s", len(missing), strings.Join(missing[:min(len(missing), 10)], ", ")), dumpRemedy(e))
		}
	}
	if most := time.Duration(e.Migration.Preconditions.Backup.MaxAge); most > 0 && e.Now.Sub(best.report.When().Time) > most {
		v.warn("age", "the backup is older than max_age", fmt.Sprintf("%s old, max_age is %s", roughly(e.Now.Sub(best.report.When().Time)), most), dumpRemedy(e))
	}
}

// dumpRemedy is the command that makes a good backup.
func dumpRemedy(e *Evidence) string {
	client := strings.TrimPrefix(e.Magento2.clientCommand(), "mysql ")
	text := "Make one:\nmysqldump --single-transaction --triggers " + client + " | gzip > magento2.sql.gz"
	if e.Phase.Migrated() {
		return "The initial state is gone from the database: keep looking for a backup from before migrate:settings, or install Magento 2 anew."
	}
	return text
}

// roughly drops the digits that nobody reads.
func roughly(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}
