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
	"magento_migration_exporter/collector/baseline"
	"magento_migration_exporter/collector/database"
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

// backups checks that there is a backup that restores Magento 2's initial state.
func backups() Precondition {
	return Precondition{
		ID: backupID, Title: "Backup",
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

// backupSettings are the places of the backups of the Magento 2 database.
type backupSettings struct {
	config.Judgment `yaml:",inline"`
	// Files are files, folders and glob patterns.
	Files []string `yaml:"paths"`
	// MaxAge is the age from which there is a warning; 0 means never.
	MaxAge model.Duration `yaml:"max_age"`
	// Attested is a backup that is not a file, such as a snapshot; nil for none.
	Attested *attestedBackup `yaml:"attested"`
}

// attestedBackup is a backup that a person confirms: the exporter cannot read it.
type attestedBackup struct {
	At   time.Time `yaml:"at"`
	By   string    `yaml:"by"`
	What string    `yaml:"what"`
}

// Validate implements config.Validator.
func (b *backupSettings) Validate(fail func(message string, path ...any)) {
	if b.MaxAge < 0 {
		fail("max_age must not be negative", "max_age")
	}
	a := b.Attested
	if a != nil && (a.At.IsZero() || strings.TrimSpace(a.By) == "" || strings.TrimSpace(a.What) == "") {
		fail("attested needs at (a time like 2026-11-02T10:00:00Z), by (a name) and what (which backup it is)",
			"attested")
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

// waitForBackups returns when the backups were read, or the context ends: a backup that was not read by then is
// unknown.
func waitForBackups(ctx context.Context, m *config.Migration, backups *backup.Reader) {
	candidates, _ := findBackups(ctx, m, backups)
	backups.Request(m.Name, candidates)
	_ = backups.Wait(ctx, candidates) // the precondition reports what was not read
}

func evaluateBackup(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{}
	settings := backupSettingsOf(e.Migration)
	if len(settings.Files) == 0 && settings.Attested == nil {
		v.Unknown("", "no backups are configured", "", "List the backups of Magento 2's database in "+
			e.Migration.Key("preconditions.backup.paths")+
			": files, folders or patterns like /backup/magento2-*.sql.gz. Confirm a snapshot, which is not a file, in "+
			e.Migration.Key("preconditions.backup.attested")+".")
		return v
	}
	candidates, problems := findBackups(ctx, e.Migration, e.Backups)
	if e.Magento2.Unreachable(&v) {
		e.Backups.Request(e.Migration.Name, candidates)
		return v
	}
	today, err := readBackupTarget(ctx, e)
	if err != nil {
		e.Magento2.Broken(&v, "tables", err)
		return v
	}
	if settings.Attested != nil && judgeAttested(&v, e, today, settings) {
		return v
	}
	judged, err := judgeCandidates(ctx, e, today, candidates)
	e.Backups.Request(e.Migration.Name, stillWanted(judged))
	if err == nil && newestQualifying(judged) == nil {
		waitForSmallBackups(ctx, e, candidates)
		judged, err = judgeCandidates(ctx, e, today, candidates)
	}
	if err != nil {
		e.Magento2.Broken(&v, "tables", err)
		return v
	}
	concludeBackups(&v, e, today, judged, problems)
	return v
}

// judgeAttested accepts a confirmed backup until data was migrated, unless its time is impossible. It reports whether
// the backup is valid.
func judgeAttested(v *finding.Verdict, e *evidence.Evidence, today backupTarget, settings *backupSettings) bool {
	const subject = "attested"
	a := settings.Attested
	seen := fmt.Sprintf("%s, made at %s, attested by %s", a.What, finding.Time(a.At), a.By)
	key := e.Migration.Key("preconditions.backup.attested")
	switch {
	case a.At.After(e.Now):
		v.Fail(subject, "the attested backup is from the future", seen, "Correct "+key+".at.")
	case !today.installed.IsZero() && a.At.Before(today.installed):
		v.Fail(subject, "the attested backup is older than the installation",
			seen+", installed at "+finding.Time(today.installed), "Make a new one, and correct "+key+".")
	case e.Phase.Migrated() && len(settings.Files) == 0:
		v.Unknown(subject, "it is unknown whether the attested backup contains migrated data", seen,
			"Restore it on another server and look there; then waive this subject.")
	case e.Phase.Migrated():
		v.Note(subject, "the attested backup is no longer valid: data was migrated since", seen, "")
	default:
		v.Sample(backupTime, finding.UnixSeconds(a.At))
		v.Sample(backupAge, e.Now.Sub(a.At).Seconds())
		age := finding.Duration(e.Now.Sub(a.At))
		v.Summary = fmt.Sprintf("attested backup: %s old, from %s", age, finding.Time(a.At))
		v.Note(subject, "a person confirms this backup", seen, "")
		return true
	}
	return len(settings.Files) == 0
}

// findBackups returns the candidates, the newest first.
func findBackups(
	ctx context.Context, m *config.Migration, backups *backup.Reader,
) ([]backup.Candidate, []backup.Problem) {
	candidates, problems := backups.Find(ctx, m.Name, backupSettingsOf(m).Files)
	slices.SortStableFunc(candidates, func(a, b backup.Candidate) int { return b.ModTime.Compare(a.ModTime) })
	return candidates, problems
}

// smallBackupLimit is enough to read a small backup: the first evaluation has its result already.
const smallBackupLimit = 500 * time.Millisecond

func waitForSmallBackups(ctx context.Context, e *evidence.Evidence, candidates []backup.Candidate) {
	ctx, cancel := context.WithTimeout(ctx, smallBackupLimit)
	defer cancel()
	_ = e.Backups.Wait(ctx, candidates) // the reader continues after the limit
}

// backupTarget is what a backup is compared with: the two databases as they are now.
type backupTarget struct {
	// tables are Magento 2's base tables without prefix. They are compared only before data was migrated.
	tables  []string
	patches []string
	// modules are those of setup_module.
	modules []string
	// filled counts the rows of the tables that an installation fills; a count stops above what an installation
	// creates.
	filled map[string]int64
	// triggers are by table, without prefix; only those that the account may see.
	triggers map[string]int
	// hiddenTriggers is the GRANT that lets the account see triggers; empty where it sees them, or may.
	hiddenTriggers string
	// scheduledViews is the number of indexers that are updated by schedule: each records its changes with triggers.
	scheduledViews int
	// remedy is how to make a valid backup.
	remedy string
	// installed is zero when it is unknown.
	installed time.Time
	// magento1 is nil when Magento 1 cannot be read.
	magento1 *migratedMarks
}

// migratedMarks are values that migrate:data copies from Magento 1 unchanged.
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
	t.remedy = dumpRemedy(ctx, e)
	if err := readTriggers(ctx, m2, &t); err != nil {
		return t, err
	}
	t.hiddenTriggers = hiddenTriggers(ctx, e)
	if err := readFilledTables(ctx, m2, &t); err != nil {
		return t, err
	}
	if slices.Contains(t.tables, "patch_list") {
		if t.patches, err = m2.Column(ctx, "SELECT patch_name FROM "+m2.Table("patch_list")); err != nil {
			return t, err
		}
	}
	if slices.Contains(t.tables, "setup_module") {
		if t.modules, err = m2.Column(ctx, "SELECT module FROM "+m2.Table("setup_module")); err != nil {
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

// readTriggers counts the triggers that the account may see. To an account without TRIGGER the server shows none,
// without an error; then Magento's own list of views shows whether there must be some.
func readTriggers(ctx context.Context, m2 *evidence.System, t *backupTarget) error {
	t.triggers = map[string]int{}
	query := "SELECT EVENT_OBJECT_TABLE, COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() " +
		"GROUP BY EVENT_OBJECT_TABLE"
	err := m2.Session.Rows(ctx, query, nil, func(scan func(...any) error) error {
		var table string
		var n int
		err := scan(&table, &n)
		if name, ok := strings.CutPrefix(table, m2.Prefix); ok {
			t.triggers[name] = n
		}
		return err
	})
	if err != nil || len(t.triggers) > 0 || !slices.Contains(t.tables, "mview_state") {
		return err
	}
	t.scheduledViews, err = m2.Count(ctx, "mview_state", "mode = 'enabled'")
	return err
}

// readFilledTables counts the rows of all these tables in one statement, with a limit for each table.
func readFilledTables(ctx context.Context, m2 *evidence.System, t *backupTarget) error {
	var parts []string
	var args []any
	for _, f := range baseline.FilledTables() {
		if slices.Contains(t.tables, f.Table) {
			const count = "SELECT ? AS t, (SELECT COUNT(*) FROM (SELECT 1 FROM %s LIMIT %d) c) AS n"
			parts = append(parts, fmt.Sprintf(count, m2.Table(f.Table), f.Limit()))
			args = append(args, f.Table)
		}
	}
	t.filled = map[string]int64{}
	if len(parts) == 0 {
		return nil
	}
	return m2.Session.Rows(ctx, strings.Join(parts, " UNION ALL "), args, func(scan func(...any) error) error {
		var table string
		var n int64
		err := scan(&table, &n)
		t.filled[table] = n
		return err
	})
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

// judgedBackup is a candidate with what is known about it.
type judgedBackup struct {
	candidate backup.Candidate
	report    backup.Report
	standing  backup.Standing
	progress  backup.Progress
	content   backup.Content
	// refusal is why it does not qualify; its status is finding.Pass when it does.
	refusal finding.Finding
}

func (j *judgedBackup) qualifies() bool {
	return j.standing == backup.StandingRead && j.refusal.Status == finding.Pass
}

// pending reports whether the backup was not read yet.
func (j *judgedBackup) pending() bool { return j.standing != backup.StandingRead }

func judgeCandidates(
	ctx context.Context, e *evidence.Evidence, today backupTarget, candidates []backup.Candidate,
) ([]judgedBackup, error) {
	var judged []judgedBackup
	for _, c := range candidates {
		j := judgedBackup{candidate: c}
		j.report, j.progress, j.standing = e.Backups.Lookup(c)
		if !j.pending() {
			j.refusal = refuse(e, today, &j)
			j.refusal.Evidence = withNotes(j.refusal.Evidence, &j.report)
			j.refusal.Subject = c.Path
		}
		judged = append(judged, j)
	}
	return judged, refuseCut(ctx, e, today, judged)
}

// stillWanted leaves out backups that cannot be newer than the newest qualifying one: a backup begins before its file's
// modification time, apart from a difference of time zones.
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
	name := e.Magento2.Endpoint.Name
	j.report = j.report.Of(name)
	r := &j.report
	if table := r.Magento1(name); table != "" {
		return finding.Finding{
			Status: finding.Fail, Summary: "the backup is of a Magento 1", Evidence: "it has " + table,
			Remedy: today.remedy,
		}
	}
	if f := refuseTableDumps(e, today, j); f.Status == finding.Fail {
		return f
	}
	switch r.State {
	case backup.StateOpaque:
		return finding.Finding{
			Status: finding.Unknown, Summary: "the backup's content cannot be read", Evidence: damageText(r),
			Remedy: cmp.Or(r.Advice, "Restore it on another server and look there; then waive this subject."),
		}
	case backup.StateDamaged:
		return finding.Finding{
			Status:   finding.Fail,
			Summary:  "the backup is incomplete or damaged",
			Evidence: damageText(r),
			Remedy:   today.remedy,
		}
	case backup.StateInProgress:
		return finding.Finding{
			Status:   finding.Fail,
			Summary:  "the backup is still being written",
			Evidence: r.Damage,
			Remedy:   "Wait until it is complete; the next evaluation checks again.",
		}
	case backup.StateUndetermined:
		return finding.Finding{
			Status:   finding.Unknown,
			Summary:  "it is unknown whether the backup is complete",
			Evidence: r.Damage,
			Remedy:   "Use a format that has an end mark. " + today.remedy,
		}
	}
	d, ok := r.Database(name)
	if !ok {
		return finding.Finding{
			Status:   finding.Fail,
			Summary:  "the backup is of another database",
			Evidence: databaseNames(r, name),
			Remedy:   today.remedy,
		}
	}
	j.content = d.Content(e.Magento2.Prefix)
	return refuseContent(e, today, j)
}

// refuseTableDumps judges the content of a folder of dumps of single tables, which are of no one moment: what is
// missing there is missing all the same.
func refuseTableDumps(e *evidence.Evidence, today backupTarget, j *judgedBackup) finding.Finding {
	r := &j.report
	d, ok := r.Database(e.Magento2.Endpoint.Name)
	read := r.State == backup.StateWhole || r.State == backup.StateUndetermined
	if !ok || !read || r.Kind != backup.KindTables && r.Kind != backup.KindTab {
		return finding.Finding{}
	}
	c := d.Content(e.Magento2.Prefix)
	if missing := c.Missing(today.tables); len(missing) > 0 && !e.Phase.Migrated() {
		return today.lacksTables(missing)
	}
	if left := c.LeftOut(today.filled); c.RowsKnown && len(left) > 0 {
		return today.lacksRows(left)
	}
	return finding.Finding{}
}

// lacksTables is the finding for a backup without some of today's tables.
func (t backupTarget) lacksTables(missing []string) finding.Finding {
	return finding.Finding{
		Status: finding.Fail, Summary: "the backup lacks tables of Magento 2", Remedy: t.remedy,
		Evidence: fmt.Sprintf("%s: %s", finding.Counted(len(missing), "table", "tables"),
			strings.Join(missing[:min(len(missing), 20)], ", ")),
	}
}

// lacksRows is the finding for a backup without rows that an installation makes.
func (t backupTarget) lacksRows(left []backup.LeftOut) finding.Finding {
	return finding.Finding{
		Status: finding.Fail, Summary: "the backup lacks rows that the installation created",
		Evidence: backup.LeftOutText(left), Remedy: t.remedy,
	}
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

// databaseNames says which databases are in a backup that is not of the one of that name.
func databaseNames(r *backup.Report, name string) string {
	var names []string
	for _, d := range r.Databases {
		names = append(names, fmt.Sprintf("%q", d.Name))
	}
	if len(names) == 0 {
		return "it contains no database"
	}
	return fmt.Sprintf("it contains %s, not %q", strings.Join(names[:min(len(names), 10)], ", "), name)
}

// refuseContent judges a complete backup of the right database by its content.
func refuseContent(e *evidence.Evidence, today backupTarget, j *judgedBackup) finding.Finding {
	fail := func(summary, evidence string) finding.Finding {
		return finding.Finding{Status: finding.Fail, Summary: summary, Evidence: evidence, Remedy: today.remedy}
	}
	c, name := &j.content, e.Magento2.Endpoint.Name
	when := j.report.When()
	switch {
	case c.System == "":
		return fail("the backup contains no Magento 2", noMagento2Text(&j.report, name, c))
	case c.RowsKnown && !c.Installed():
		return fail("the backup does not contain the installation", "it has no rows of patch_list or setup_module")
	case !today.installed.IsZero() && when.Time.Add(backup.MaxZone).Before(today.installed):
		return fail("the backup is older than the installation",
			fmt.Sprintf("made at %s, installed at %s", finding.Time(when.Time), finding.Time(today.installed)))
	case len(c.MigrationLeft) > 0:
		return fail("the backup was made while data was being migrated", "it has "+strings.Join(c.MigrationLeft, ", "))
	}
	if left := c.LeftOut(today.filled); c.RowsKnown && len(left) > 0 {
		return today.lacksRows(left)
	}
	if f := refuseMigrated(today, c, e.Phase.Phase); f.Status != finding.Pass {
		f.Remedy = cmp.Or(f.Remedy, today.remedy)
		return f
	}
	if e.Phase.Migrated() {
		return finding.Finding{Status: finding.Pass}
	}
	return today.orUnknown(e, refuseGaps(today, c))
}

// refuseGaps compares a backup with the database as it is before data was migrated.
func refuseGaps(today backupTarget, c *backup.Content) finding.Finding {
	fail := func(summary, evidence string) finding.Finding {
		return finding.Finding{Status: finding.Fail, Summary: summary, Evidence: evidence, Remedy: today.remedy}
	}
	if missing := c.Missing(today.tables); len(missing) > 0 {
		return today.lacksTables(missing)
	}
	if f := refuseHiddenTriggers(today, c); f.Status != finding.Pass {
		return f
	}
	if gaps := triggerGaps(today, c); gaps != "" {
		return fail("the backup lacks triggers of Magento 2, which keep its indexes current", gaps)
	}
	if left := c.LeftOutOfCode(today.filled, today.patches, today.modules); len(left) > 0 {
		return today.lacksRows(left)
	}
	return finding.Finding{Status: finding.Pass}
}

// orUnknown makes a failure unknown that only holds before data was migrated, while the phase is unknown.
func (t backupTarget) orUnknown(e *evidence.Evidence, f finding.Finding) finding.Finding {
	if f.Status != finding.Fail || e.Phase.Phase == config.PhasePrepare {
		return f
	}
	f.Status = finding.Unknown
	f.Summary = "without the phase it is unknown whether the backup is whole: " + f.Summary
	f.Remedy = e.PhaseRemedy() + " " + f.Remedy
	return f
}

// triggerGaps says which triggers a backup is known to lack; it is empty when there are none.
func triggerGaps(today backupTarget, c *backup.Content) string {
	if !c.TriggersKnown {
		return ""
	}
	if len(today.triggers) == 0 && today.scheduledViews > 0 && c.Triggers == 0 {
		return fmt.Sprintf("it has none, but %d indexers of the database are updated by schedule (mview_state), "+
			"which needs triggers", today.scheduledViews)
	}
	var texts []string
	for _, gap := range c.TriggerGaps(today.triggers) {
		texts = append(texts, fmt.Sprintf("%s: %d of %d", gap.Table, gap.Has, gap.Today))
	}
	if over := len(texts) - 10; over > 0 {
		texts = append(texts[:10], "and "+finding.Counted(over, "more table", "more tables"))
	}
	return strings.Join(texts, ", ")
}

// refuseMigrated looks for data that migrate:data copied: a backup with it does not restore the initial state.
func refuseMigrated(today backupTarget, c *backup.Content, phase config.Phase) finding.Finding {
	if !c.RowsKnown && phase == config.PhasePrepare {
		return finding.Finding{Status: finding.Pass} // there was no migrated data yet
	}
	if !c.RowsKnown {
		return finding.Finding{
			Status:   finding.Unknown,
			Summary:  "it is unknown whether the backup contains migrated data",
			Evidence: "it is a copy of the server's files, and Magento 2 contains migrated data now",
			Remedy: "Look for a dump from before migrate:settings, or restore this backup on another server " +
				"and look there.",
		}
	}
	if m1 := today.magento1; m1 != nil {
		orders, customers := rangeText(c.Orders), rangeText(c.Customers)
		sameIDs := m1.orders != "" && m1.orders == orders && m1.customers != "" && m1.customers == customers
		if c.TimesUTC && m1.rootCreated != "" && m1.rootCreated == c.RootCreated || sameIDs {
			return finding.Finding{
				Status:  finding.Fail,
				Summary: "the backup contains migrated data",
				Evidence: fmt.Sprintf("its root category was created at %s, the ids of its orders: %s",
					c.RootCreated, cmp.Or(orders, "none")),
			}
		}
		return finding.Finding{Status: finding.Pass}
	}
	// The installation creates the root category and the first admin account within minutes; migrate:data replaces the
	// root category by Magento 1's.
	root, err1 := time.Parse(time.DateTime, c.RootCreated)
	admin, err2 := time.Parse(time.DateTime, c.AdminCreated)
	if err1 == nil && err2 == nil && admin.Sub(root).Abs() < 24*time.Hour {
		return finding.Finding{Status: finding.Pass}
	}
	return finding.Finding{
		Status:  finding.Unknown,
		Summary: "without Magento 1's database it is unknown whether the backup contains migrated data",
		Evidence: fmt.Sprintf("its root category was created at %q, its first admin account at %q",
			c.RootCreated, c.AdminCreated),
		Remedy: "Fix what the precondition network reports about Magento 1.",
	}
}

// rangeText has the form of System.IDRange of package evidence.
func rangeText(r backup.Range) string {
	if r == (backup.Range{}) {
		return ""
	}
	return fmt.Sprintf("%d to %d", r.Min, r.Max)
}

// concludeBackups makes findings and values of what is known about the candidates.
func concludeBackups(
	v *finding.Verdict, e *evidence.Evidence, today backupTarget, judged []judgedBackup, problems []backup.Problem,
) {
	best := newestQualifying(judged)
	for _, p := range problems {
		v.Add(backupProblem(e, p, best != nil))
	}
	if best == nil {
		noBackup(v, e, today, judged)
		return
	}
	when := best.report.When()
	age := e.Now.Sub(when.Time)
	v.Sample(backupTime, finding.UnixSeconds(when.Time))
	v.Sample(backupAge, max(age, 0).Seconds())
	v.Sample(backupSize, float64(best.candidate.Size))
	v.Summary = fmt.Sprintf("newest valid backup: %s old, from %s", finding.Duration(age), finding.Time(when.Time))
	v.Note(best.candidate.Path, "the newest valid backup", backupText(best), "")
	for i := range judged {
		if j := &judged[i]; j != best && j.candidate.ModTime.After(best.candidate.ModTime) {
			noteNewer(v, j)
		}
	}
	warnAboutBackup(v, e, today, best)
}

// backupProblem is the finding for a path that has no backup or cannot be read. It is unknown only while no backup
// qualifies.
func backupProblem(e *evidence.Evidence, p backup.Problem, hasBackup bool) finding.Finding {
	f := finding.Finding{
		Status:   finding.Pass,
		Subject:  p.Path,
		Summary:  "there is no backup at this path",
		Evidence: p.Text,
	}
	if !p.Unread {
		return f
	}
	f.Summary = "a backup path cannot be read"
	f.Remedy = "Let the user that the exporter runs as read it, or remove it from " +
		e.Migration.Key("preconditions.backup.paths") + "."
	if !hasBackup {
		f.Status = finding.Unknown
	}
	return f
}

func backupText(j *judgedBackup) string {
	r := &j.report
	compression := string(r.Compression)
	if compression == "" {
		compression = "not compressed"
	}
	text := fmt.Sprintf("%s, %s, %d bytes, %s, time from %s", r.Kind, compression, j.candidate.Size,
		finding.Counted(len(j.content.Tables), "table", "tables"), r.When().Source)
	return withNotes(text, r)
}

// noteNewer says why a newer backup is not valid. The status stays that of the valid one.
func noteNewer(v *finding.Verdict, j *judgedBackup) {
	if j.pending() {
		v.Note(j.candidate.Path, "a newer backup was not read yet", pendingText(j), "")
		return
	}
	if !j.qualifies() {
		v.Note(j.candidate.Path, "a newer backup is not valid: "+j.refusal.Summary, j.refusal.Evidence,
			j.refusal.Remedy)
	}
}

// noBackup says why each candidate is not valid.
func noBackup(v *finding.Verdict, e *evidence.Evidence, today backupTarget, judged []judgedBackup) {
	if len(judged) == 0 && v.Worst() != finding.Unknown {
		paths := strings.Join(backupSettingsOf(e.Migration).Files, ", ")
		v.Fail("", "there is no backup", "nothing matches "+paths, today.remedy)
	}
	for i := range judged {
		j := &judged[i]
		switch {
		case !j.pending():
			v.Add(j.refusal)
		case j.standing == backup.StandingStalled:
			v.Unknown(j.candidate.Path, "the backup's file system does not answer", pendingText(j),
				"Look at the mount; reading continues when it answers.")
		default:
			v.Unknown(j.candidate.Path, "the backup is being read", pendingText(j),
				"Wait; global.backup_read_bytes_per_second limits the pace.")
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

// warnAboutBackup warns about what restoring the backup would lose, and about what it would restore beside the
// installation.
func warnAboutBackup(v *finding.Verdict, e *evidence.Evidence, today backupTarget, best *judgedBackup) {
	path := best.candidate.Path
	var fresh []string
	for _, name := range slices.Sorted(maps.Keys(best.content.Entities)) {
		if n := best.content.Entities[name].New; n > 0 {
			fresh = append(fresh, fmt.Sprintf("%s: %d", name, n))
		}
	}
	if len(fresh) > 0 {
		v.Warn(path+" entities", "the backup contains entities that the installation does not create",
			strings.Join(fresh, ", "),
			"Delete them in Magento 2 and make a new backup, if you do not want them in the initial state.")
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
				fmt.Sprintf(
					"%s: %s",
					finding.Counted(len(missing), "patch", "patches"),
					strings.Join(missing[:min(len(missing), 10)], ", "),
				),
				today.remedy,
			)
		}
	}
	age, most := e.Now.Sub(best.report.When().Time), time.Duration(backupSettingsOf(e.Migration).MaxAge)
	if most > 0 && age > most {
		v.Warn("age", "the backup is older than max_age",
			fmt.Sprintf("%s old, max_age is %s", finding.Duration(age), most), today.remedy)
	}
}

// dumpRemedy is how to make a valid backup: the GRANT for the account, and the command. mysqldump leaves out triggers
// that its account may not see, and without pipefail a pipe would hide its failure.
func dumpRemedy(ctx context.Context, e *evidence.Evidence) string {
	if e.Phase.Migrated() {
		return "The database no longer has the initial state: look for a backup from before migrate:settings, " +
			"or install Magento 2 again."
	}
	m2 := e.Magento2
	command := "mysqldump"
	options := " --single-transaction --triggers --routines --hex-blob"
	if m2.Session != nil && m2.Session.Version.Flavor == database.MariaDB {
		command = "mariadb-dump"
		if m2.Endpoint.TLS == nil {
			options += " --skip-ssl" // from 11.4 on its client requires TLS by default
		}
	} else {
		// MariaDB's client, which Debian calls mysqldump, does not know the last one.
		options += " --no-tablespaces --loose-set-gtid-purged=OFF"
	}
	text := "Make a new backup:\nset -o pipefail; " + command + options + " " + m2.ClientOptions() +
		" | gzip > magento2.sql.gz"
	if grant := dumpGrant(ctx, e); grant != "" {
		text = "Let the account see triggers and views, as an administrator:\n" + grant + "\n" + text
	}
	return text
}

// withNotes adds what a reader of a backup should know to the evidence.
func withNotes(text string, r *backup.Report) string {
	var parts []string
	if text != "" {
		parts = append(parts, text)
	}
	return strings.Join(append(parts, r.Notes...), "; ")
}

// noMagento2Text says what is in a database without a Magento 2 of the configured prefix.
func noMagento2Text(r *backup.Report, name string, c *backup.Content) string {
	d, _ := r.Database(name)
	tables := len(d.Tables.List())
	with := "without a table prefix"
	if c.Prefix != "" {
		with = fmt.Sprintf("with the table prefix %q", c.Prefix)
	}
	text := fmt.Sprintf("it has %s, but no Magento 2 %s", finding.Counted(tables, "table", "tables"), with)
	switch found := d.Prefixes(); {
	case len(found) == 0:
		return text
	case found[0] == "":
		return text + "; there is one without a prefix"
	default:
		return text + fmt.Sprintf("; there is one with %q", found[0])
	}
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
		texts = append(texts, fmt.Sprintf("%s: %d of %s", table, had, finding.Counted(int(n), "row", "rows")))
		return err
	})
	return texts, err
}
