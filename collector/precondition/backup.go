package precondition

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

// The metric families of backup.
const (
	backupAge    = "backup_age_seconds"
	backupTime   = "backup_timestamp_seconds"
	backupSize   = "backup_size_bytes"
	backupMaxAge = "backup_max_age_seconds"
)

const backupID = "backup"

// backups says whether there is a backup that restores Magento 2's initial state.
func backups() Precondition {
	return Precondition{
		ID: backupID, Title: "The Magento 2 database was backed up after installation",
		Needs: []Need{Magento1Database, Magento2Database, LocalFiles},
		Families: []finding.Family{
			{Name: backupAge, Help: "How long before the evaluation the newest qualifying backup began."},
			{Name: backupTime, Help: "When the newest qualifying backup began, in Unix seconds."},
			{Name: backupSize, Help: "Size of the newest qualifying backup."},
			{Name: backupMaxAge, Help: "The configured age from which a backup is warned about."},
		},
		Settings:   func() config.Settings { return &backupSettings{} },
		Evaluate:   evaluateBackup,
		Configured: configuredBackupAge,
		Wait:       waitForBackups,
		Leave:      func(migration string, backups *backup.Reader) { backups.Request(migration, nil) },
	}
}

// backupSettings name the backups of the Magento 2 database.
type backupSettings struct {
	config.Judgment `yaml:",inline"`
	// Files are files, folders and glob patterns.
	Files []string `yaml:"paths"`
	// MaxAge is the age from which a backup is warned about; 0 is never.
	MaxAge model.Duration `yaml:"max_age"`
}

// Validate implements config.Validator.
func (b *backupSettings) Validate(fail func(message string, path ...any)) {
	if b.MaxAge < 0 {
		fail("max_age must not be negative", "max_age")
	}
}

// Paths implements config.PathSettings.
func (b *backupSettings) Paths(resolve func(path *string, keys ...any)) {
	for i := range b.Files {
		resolve(&b.Files[i], "paths", i)
	}
}

func backupSettingsOf(m *config.Migration) *backupSettings {
	return config.SettingsOf[backupSettings](&m.Preconditions, backupID)
}

func configuredBackupAge(m *config.Migration) []finding.Sample {
	age := time.Duration(backupSettingsOf(m).MaxAge)
	if age <= 0 {
		return nil
	}
	return []finding.Sample{{Family: backupMaxAge, Value: age.Seconds()}}
}

// waitForBackups returns when the backups were read, or the context ends: what was not read by then is unknown.
func waitForBackups(ctx context.Context, m *config.Migration, backups *backup.Reader) {
	candidates, _ := findBackups(ctx, m, backups)
	backups.Request(m.Name, candidates)
	_ = backups.Wait(ctx, candidates) // the precondition says what was not read
}

func evaluateBackup(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{}
	if len(backupSettingsOf(e.Migration).Files) == 0 {
		v.Unknown(
			"",
			"no backups are configured",
			"",
			"Name the backups of Magento 2's database in "+e.Migration.Key(
				"preconditions.backup.paths",
			)+": files, folders or patterns like /backup/magento2-*.sql.gz.",
		)
		return v
	}
	candidates, problems := findBackups(ctx, e.Migration, e.Backups)
	if e.Magento2.Unseen(&v) {
		e.Backups.Request(e.Migration.Name, candidates)
		return v
	}
	today, err := readBackupTarget(ctx, e)
	if err != nil {
		e.Magento2.Broken(&v, "tables", err)
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
func findBackups(
	ctx context.Context,
	m *config.Migration,
	backups *backup.Reader,
) ([]backup.Candidate, []backup.Problem) {
	candidates, problems := backups.Find(ctx, m.Name, backupSettingsOf(m).Files)
	slices.SortStableFunc(candidates, func(a, b backup.Candidate) int { return b.ModTime.Compare(a.ModTime) })
	return candidates, problems
}

// smallBackupLimit is what a small backup needs to be read: so the first evaluation can tell of it.
const smallBackupLimit = 500 * time.Millisecond

func waitForSmallBackups(ctx context.Context, e *evidence.Evidence, candidates []backup.Candidate) {
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
	// finding.Magento1 is nil when Magento 1 cannot be read.
	magento1 *migratedMarks
}

// migratedMarks are what migrate:data brings from Magento 1 unchanged.
type migratedMarks struct {
	rootCreated       string
	orders, customers string
}

func readBackupTarget(ctx context.Context, e *evidence.Evidence) (backupTarget, error) {
	var t backupTarget
	var err error
	m2 := e.Magento2
	if t.tables, err = m2.BaseTables(ctx); err != nil {
		return t, err
	}
	if err := m2.Session.Row(ctx, "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()", nil, &t.triggers); err != nil {
		return t, err
	}
	if slices.Contains(t.tables, "patch_list") {
		if t.patches, err = m2.Column(ctx, "SELECT patch_name FROM "+m2.Table("patch_list")); err != nil {
			return t, err
		}
	}
	if slices.Contains(t.tables, "admin_user") {
		if t.installed, err = e.Installed(ctx); err != nil {
			return t, err
		}
	}
	if e.Magento1.Err == nil {
		t.magento1, err = readMigratedMarks(ctx, e.Magento1)
	}
	return t, err
}

func readMigratedMarks(ctx context.Context, m1 *evidence.System) (*migratedMarks, error) {
	var marks migratedMarks
	var err error
	if marks.rootCreated, err = m1.RootCategoryCreated(ctx); err != nil {
		return nil, err
	}
	if marks.orders, err = m1.IDRange(ctx, "sales_flat_order"); err != nil {
		return nil, err
	}
	marks.customers, err = m1.IDRange(ctx, "customer_entity")
	return &marks, err
}

// judgedBackup is a candidate with what was found out about it.
type judgedBackup struct {
	candidate backup.Candidate
	report    backup.Report
	standing  backup.Standing
	progress  backup.Progress
	content   backup.Content
	// refusal is why it does not qualify, finding.Pass when it does.
	refusal finding.Finding
}

func (j *judgedBackup) qualifies() bool {
	return j.standing == backup.StandingRead && j.refusal.Status == finding.Pass
}

// pending reports whether the backup has still to be read.
func (j *judgedBackup) pending() bool { return j.standing != backup.StandingRead }

func judgeCandidates(e *evidence.Evidence, today backupTarget, candidates []backup.Candidate) []judgedBackup {
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

// stillWanted leaves out what cannot be newer than the newest that qualifies: a backup is not younger than its file,
// apart from its clock's zone.
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
func refuse(e *evidence.Evidence, today backupTarget, j *judgedBackup) finding.Finding {
	r := &j.report
	switch r.State {
	case backup.StateDamaged:
		return finding.Finding{
			Status:   finding.Fail,
			Summary:  "the backup is not whole",
			Evidence: damageText(r),
			Remedy:   dumpRemedy(e),
		}
	case backup.StateInProgress:
		return finding.Finding{
			Status:   finding.Fail,
			Summary:  "the backup is still being written",
			Evidence: r.Damage,
			Remedy:   "Wait until it is written; the next evaluation looks again.",
		}
	case backup.StateUndetermined:
		return finding.Finding{
			Status:   finding.Unknown,
			Summary:  "whether the backup is whole cannot be told",
			Evidence: r.Damage,
			Remedy:   "Make one that has its own end mark. " + dumpRemedy(e),
		}
	}
	name := e.Magento2.Endpoint.Name
	d, ok := r.Database(name)
	if !ok {
		return finding.Finding{
			Status:   finding.Fail,
			Summary:  "the backup is of another database",
			Evidence: fmt.Sprintf("it holds %s, not %q", databaseNames(r), name),
			Remedy:   dumpRemedy(e),
		}
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
func refuseContent(e *evidence.Evidence, today backupTarget, j *judgedBackup) finding.Finding {
	c, fail := &j.content, func(summary, evidence string) finding.Finding {
		return finding.Finding{Status: finding.Fail, Summary: summary, Evidence: evidence, Remedy: dumpRemedy(e)}
	}
	when := j.report.When()
	switch {
	case c.System == backup.SystemMagento1:
		return fail("the backup is of a Magento 1", "it has core_resource and sales_flat_order")
	case c.System == backup.SystemNone:
		return fail(
			"the backup holds no Magento 2",
			fmt.Sprintf("it has %d tables, and none of Magento 2's under the prefix %q", len(c.Tables), c.Prefix),
		)
	case c.RowsKnown && !c.Installed():
		return fail("the backup does not hold the installation", "it has no rows of patch_list or setup_module")
	case !today.installed.IsZero() && when.Time.Add(backup.MaxZone).Before(today.installed):
		return fail(
			"the backup is older than the installation",
			fmt.Sprintf("made at %s, installed at %s", finding.Time(when.Time), finding.Time(today.installed)),
		)
	case len(c.MigrationLeft) > 0:
		return fail("the backup was made while data was being migrated", "it has "+strings.Join(c.MigrationLeft, ", "))
	}
	if f := refuseMigrated(today, c, e.Phase.Phase); f.Status != finding.Pass {
		f.Remedy = cmp.Or(f.Remedy, dumpRemedy(e))
		return f
	}
	if e.Phase.Phase == config.PhasePrepare {
		if missing := c.Missing(today.tables); len(missing) > 0 {
			return fail(
				"the backup lacks tables of Magento 2",
				fmt.Sprintf("%d tables: %s", len(missing), strings.Join(missing[:min(len(missing), 20)], ", ")),
			)
		}
		if c.RowsKnown && today.triggers > 0 && c.Triggers == 0 {
			return fail(
				"the backup lacks Magento 2's triggers",
				fmt.Sprintf("the database has %d, which keep its indexes current", today.triggers),
			)
		}
	}
	return finding.Finding{Status: finding.Pass}
}

// refuseMigrated finds data that migrate:data brought: restoring it does not bring the initial state back.
func refuseMigrated(today backupTarget, c *backup.Content, phase config.Phase) finding.Finding {
	if !c.RowsKnown && phase == config.PhasePrepare {
		return finding.Finding{Status: finding.Pass} // there was no migrated data yet
	}
	if !c.RowsKnown {
		return finding.Finding{
			Status:   finding.Unknown,
			Summary:  "whether the backup holds migrated data cannot be told",
			Evidence: "it is a copy of the server's files, and Magento 2 holds migrated data now",
			Remedy:   "Look for a dump from before migrate:settings, or restore this backup on another server to see.",
		}
	}
	if m1 := today.magento1; m1 != nil {
		orders, customers := rangeText(c.Orders), rangeText(c.Customers)
		sameIDs := m1.orders != "" && m1.orders == orders && m1.customers != "" && m1.customers == customers
		if c.TimesUTC && m1.rootCreated != "" && m1.rootCreated == c.RootCreated || sameIDs {
			return finding.Finding{
				Status:  finding.Fail,
				Summary: "the backup holds migrated data",
				Evidence: "its root category was made at " + c.RootCreated + ", its orders have the ids " + cmp.Or(
					orders,
					"of none",
				),
			}
		}
		return finding.Finding{Status: finding.Pass}
	}
	// Installation makes the root category and the first admin account within minutes; migrate:data puts Magento 1's in
	// the former's place.
	root, err1 := time.Parse(time.DateTime, c.RootCreated)
	admin, err2 := time.Parse(time.DateTime, c.AdminCreated)
	if err1 == nil && err2 == nil && admin.Sub(root).Abs() < 24*time.Hour {
		return finding.Finding{Status: finding.Pass}
	}
	return finding.Finding{
		Status:  finding.Unknown,
		Summary: "whether the backup holds migrated data cannot be told without Magento 1's database",
		Evidence: fmt.Sprintf(
			"its root category was made at %q, its first admin account at %q",
			c.RootCreated,
			c.AdminCreated,
		),
		Remedy: "Mend what the precondition network says of Magento 1.",
	}
}

// rangeText has the form of evidence.IdRange.
func rangeText(r backup.Range) string {
	if r == (backup.Range{}) {
		return ""
	}
	return fmt.Sprintf("%d to %d", r.Min, r.Max)
}

// concludeBackups turns what is known of the candidates into findings and values.
func concludeBackups(
	v *finding.Verdict,
	e *evidence.Evidence,
	today backupTarget,
	judged []judgedBackup,
	problems []backup.Problem,
) {
	best := newestQualifying(judged)
	for _, p := range problems {
		f := finding.Finding{
			Status:   finding.Pass,
			Subject:  p.Path,
			Summary:  "a backup path leads to no backup",
			Evidence: p.Text,
		}
		if p.Unseen {
			f.Summary, f.Remedy = "a backup path cannot be looked at", "Let the user that the exporter runs as read it, or take it out of "+e.Migration.Key(
				"preconditions.backup.paths",
			)+"."
		}
		if p.Unseen && best == nil {
			f.Status = finding.Unknown
		}
		v.Add(f)
	}
	if best == nil {
		noBackup(v, e, judged)
		return
	}
	when := best.report.When()
	age := e.Now.Sub(when.Time)
	v.Sample(backupTime, finding.UnixSeconds(when.Time))
	v.Sample(backupAge, max(age, 0).Seconds())
	v.Sample(backupSize, float64(best.candidate.Size))
	v.Summary = fmt.Sprintf(
		"the newest backup that counts is %s old, from %s",
		finding.Duration(age),
		finding.Time(when.Time),
	)
	v.Note(best.candidate.Path, "this backup counts", backupText(best), "")
	for i := range judged {
		if j := &judged[i]; j != best && j.candidate.ModTime.After(best.candidate.ModTime) {
			noteNewer(v, j)
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
	text := fmt.Sprintf(
		"%s, %s, %d bytes, %d tables, time from %s",
		r.Kind,
		compression,
		j.candidate.Size,
		len(j.content.Tables),
		r.When().Source,
	)
	return strings.Join(append([]string{text}, r.Notes...), "; ")
}

// noteNewer says why a newer backup does not count. It is no fault of the one that does.
func noteNewer(v *finding.Verdict, j *judgedBackup) {
	if j.pending() {
		v.Note(j.candidate.Path, "a newer backup is not read yet", pendingText(j), "")
		return
	}
	if !j.qualifies() {
		v.Note(
			j.candidate.Path,
			"a newer backup does not count: "+j.refusal.Summary,
			j.refusal.Evidence,
			j.refusal.Remedy,
		)
	}
}

// noBackup says of each candidate why it does not count.
func noBackup(v *finding.Verdict, e *evidence.Evidence, judged []judgedBackup) {
	if len(judged) == 0 && v.Worst() != finding.Unknown {
		v.Fail(
			"",
			"there is no backup",
			"nothing matches "+strings.Join(backupSettingsOf(e.Migration).Files, ", "),
			dumpRemedy(e),
		)
	}
	for i := range judged {
		j := &judged[i]
		switch {
		case !j.pending():
			v.Add(j.refusal)
		case j.standing == backup.StandingStalled:
			v.Unknown(
				j.candidate.Path,
				"the backup's file system does not answer",
				pendingText(j),
				"Look at the mount; reading goes on when it answers.",
			)
		default:
			v.Unknown(
				j.candidate.Path,
				"the backup is being read",
				pendingText(j),
				"Wait; global.backup_read_bytes_per_second limits the pace.",
			)
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
func warnAboutBackup(v *finding.Verdict, e *evidence.Evidence, today backupTarget, best *judgedBackup) {
	path := best.candidate.Path
	var fresh []string
	for _, name := range slices.Sorted(maps.Keys(best.content.Entities)) {
		if n := best.content.Entities[name].New; n > 0 {
			fresh = append(fresh, fmt.Sprintf("%s: %d", name, n))
		}
	}
	if len(fresh) > 0 {
		v.Warn(
			path+" entities",
			"the backup holds entities that installation does not make",
			strings.Join(fresh, ", "),
			"Delete them in Magento 2 and make a new backup, if they are not wanted in the initial state.",
		)
	}
	if best.content.RowsKnown && !best.content.NamesCapped {
		var missing []string
		for _, p := range today.patches {
			if !slices.Contains(best.content.Patches, p) {
				missing = append(missing, p)
			}
		}
		if len(missing) > 0 {
			v.Warn(
				path+" patches",
				"extensions were installed since the backup: restoring it loses them",
				fmt.Sprintf("%d patches: %s", len(missing), strings.Join(missing[:min(len(missing), 10)], ", ")),
				dumpRemedy(e),
			)
		}
	}
	if most := time.Duration(backupSettingsOf(e.Migration).MaxAge); most > 0 &&
		e.Now.Sub(best.report.When().Time) > most {
		v.Warn(
			"age",
			"the backup is older than max_age",
			fmt.Sprintf("%s old, max_age is %s", finding.Duration(e.Now.Sub(best.report.When().Time)), most),
			dumpRemedy(e),
		)
	}
}

// dumpRemedy is the command that makes a good backup.
func dumpRemedy(e *evidence.Evidence) string {
	text := "Make one:\nmysqldump --single-transaction --triggers " + e.Magento2.ClientOptions() + " | gzip > magento2.sql.gz"
	if e.Phase.Migrated() {
		return "The initial state is gone from the database: keep looking for a backup from before migrate:settings, or install Magento 2 anew."
	}
	return text
}
