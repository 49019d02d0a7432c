package precondition

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"magento_migration_exporter/collector/cron"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/envphp"
)

// cronActivity is what cron_schedule tells.
type cronActivity struct {
	// serverNow is the server's clock in UTC.
	serverNow time.Time
	// last is the newest trace; zero when cron never ran.
	last time.Time
	// longJobs are jobs that are still marked running, with when they were due.
	longJobs []string
}

// newestCronRows is how many rows are looked at from the end of the primary key: far more than cron makes within a day,
// and cheap where a broken clean-up has left millions.
const newestCronRows = 10000

// readCronActivity finds the newest trace of cron. Magento 2 writes in UTC. Magento 1 writes UTC texts too, but under
// the server's own zone, so that reading them at +00:00 would be off by the zone.
func readCronActivity(ctx context.Context, s *evidence.System) (cronActivity, error) {
	text := "%s"
	if s.Name == finding.Magento1 {
		text = "CONVERT_TZ(%s, '+00:00', @@global.time_zone)"
	}
	at := func(column string) string { return fmt.Sprintf("MAX("+text+")", column) }
	var now string
	var created, executed, finished sql.NullString
	err := s.Session.Row(
		ctx,
		fmt.Sprintf(
			"SELECT UTC_TIMESTAMP(), %s, %s, %s FROM (SELECT created_at, executed_at, finished_at FROM %s ORDER BY schedule_id DESC LIMIT %d) newest",
			at(
				"created_at",
			),
			at("executed_at"),
			at("finished_at"),
			s.Table("cron_schedule"),
			newestCronRows,
		),
		nil,
		&now,
		&created,
		&executed,
		&finished,
	)
	if err != nil {
		return cronActivity{}, err
	}
	var a cronActivity
	if a.serverNow, err = time.Parse(time.DateTime, now); err != nil {
		return a, fmt.Errorf("reading the server's clock: %w", err)
	}
	for _, column := range []sql.NullString{created, executed, finished} {
		if t, err := time.Parse(time.DateTime, column.String); err == nil && t.After(a.last) {
			a.last = t
		}
	}
	if s.Name == finding.Magento2 {
		a.longJobs, err = runningJobs(ctx, s)
	}
	return a, err
}

// runningJobs lists jobs that were started within a day and have not ended: a job of three hours writes no row
// meanwhile.
func runningJobs(ctx context.Context, s *evidence.System) ([]string, error) {
	var jobs []string
	err := s.Session.Rows(
		ctx,
		"SELECT job_code, MAX(scheduled_at) FROM (SELECT job_code, scheduled_at, status FROM "+s.Table("cron_schedule")+
			fmt.Sprintf(" ORDER BY schedule_id DESC LIMIT %d) newest", newestCronRows)+
			" WHERE status = 'running' AND scheduled_at > UTC_TIMESTAMP() - INTERVAL 1 DAY GROUP BY job_code ORDER BY job_code LIMIT 20",
		nil,
		func(scan func(...any) error) error {
			var job, due string
			err := scan(&job, &due)
			jobs = append(jobs, job+" (due "+due+" UTC)")
			return err
		},
	)
	return jobs, err
}

// cronClockSlack is how far a trace can lie in the future before the clocks are called wrong.
const cronClockSlack = 2 * time.Minute

// cronState is whether cron runs, as far as one sign of it tells.
type cronState int

const (
	cronUnknown cronState = iota
	cronQuiet
	cronActive
)

// cronSign is one thing that tells whether Magento 2's cron runs or is armed to.
type cronSign struct {
	state                      cronState
	subject, summary, evidence string
	// remedy stops what is active, or lets be seen what is unknown.
	remedy string
}

// The metric families of cron_stopped.
const (
	cronRunning      = "cron_running"
	cronLastActivity = "cron_last_activity_timestamp_seconds"
)

const cronStoppedID = "cron_stopped"

// cronStopped says whether Magento 2's cron runs or is armed to run: before cutover it must not, at cutover it must.
func cronStopped() Precondition {
	return Precondition{
		ID: cronStoppedID, Title: "Magento 2's cron jobs are not started",
		Needs: []Need{Magento1Database, Magento2Database, LocalFiles},
		Families: []finding.Family{
			{
				Name: cronRunning, Labels: []string{"system"},
				Help: "Whether the system's cron runs or is armed to run (1 yes, 0 neither).",
			},
			{
				Name: cronLastActivity, Labels: []string{"system"},
				Help: "The newest trace of cron in cron_schedule, in Unix seconds.",
			},
		},
		Settings: func() config.Settings { return &cronSettings{} },
		Evaluate: evaluateCronStopped,
	}
}

// cronSettings say where Magento 2's cron could be started from.
type cronSettings struct {
	config.Judgment `yaml:",inline"`
	// Window is how long a cron that works can be quiet.
	Window model.Duration `yaml:"window"`
	// Crontabs are files and glob patterns; nil looks in the usual places, empty says that cron is not on this host.
	Crontabs *[]string `yaml:"crontabs"`
	// Processes is false when Magento 2's processes do not run on this host; nil is true.
	Processes *bool `yaml:"processes"`
}

// Validate implements config.Validator.
func (c *cronSettings) Validate(fail func(message string, path ...any)) {
	if c.Window < 0 {
		fail("window must not be negative", "window")
	}
}

// Paths implements config.PathSettings.
func (c *cronSettings) Paths(resolve func(path *string, keys ...any)) {
	if c.Crontabs == nil {
		return
	}
	for i := range *c.Crontabs {
		resolve(&(*c.Crontabs)[i], "crontabs", i)
	}
}

// watchProcesses reports whether Magento 2's processes can be seen on this host.
func (c *cronSettings) watchProcesses() bool { return c.Processes == nil || *c.Processes }

// defaultCronWindow is within what time a working Magento 2 cron leaves a trace: 22 of its jobs are due each minute.
const defaultCronWindow = 5 * time.Minute

func cronSettingsOf(e *evidence.Evidence) *cronSettings {
	return config.SettingsOf[cronSettings](&e.Migration.Preconditions, cronStoppedID)
}

func evaluateCronStopped(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "Magento 2's cron does not run"}
	found, wanted := lookAtHost(ctx, e)
	signs := append([]cronSign{scheduleSign(ctx, &v, e)}, hostSigns(e, found, wanted)...)
	state := combineSigns(signs)
	if state != cronUnknown {
		v.Sample(cronRunning, finding.Bool(state == cronActive), string(finding.Magento2))
	}
	if e.Phase.Phase == config.PhaseCutover {
		judgeCronAtCutover(&v, state, signs)
	} else {
		judgeCronBeforeCutover(&v, signs)
	}
	judgeMagento1Cron(ctx, &v, e, found)
	return v
}

// combineSigns is active when anything is, and quiet only when everything is.
func combineSigns(signs []cronSign) cronState {
	state := cronQuiet
	for _, s := range signs {
		switch s.state {
		case cronActive:
			return cronActive
		case cronUnknown:
			state = cronUnknown
		}
	}
	return state
}

func judgeCronBeforeCutover(v *finding.Verdict, signs []cronSign) {
	for _, s := range signs {
		switch s.state {
		case cronActive:
			v.Fail(s.subject, s.summary, s.evidence, s.remedy)
		case cronUnknown:
			v.Unknown(s.subject, s.summary, s.evidence, s.remedy)
		default:
			v.Note(s.subject, s.summary, s.evidence, "")
		}
	}
}

// judgeCronAtCutover turns the rule round: the shop is about to go live and needs its cron.
func judgeCronAtCutover(v *finding.Verdict, state cronState, signs []cronSign) {
	v.Summary = "Magento 2's cron runs, as it must at cutover"
	for _, s := range signs {
		if s.state == cronUnknown && state == cronUnknown {
			v.Unknown(s.subject, s.summary, s.evidence, s.remedy)
			continue
		}
		v.Note(s.subject, s.summary, s.evidence, "")
	}
	if state == cronQuiet {
		v.Fail(
			"cron",
			"Magento 2's cron does not run, and the cutover needs it",
			"",
			"Start it as the user that owns the files:\nbin/magento cron:install",
		)
	}
}

// cronWindow is how long a cron that works can be quiet.
func cronWindow(c *cronSettings) time.Duration {
	if c.Window > 0 {
		return time.Duration(c.Window)
	}
	return defaultCronWindow
}

const stopCron = "Stop it as the user that owns the files: bin/magento cron:remove (and remove hand-written lines: crontab -e); then wait until its jobs have ended."

// scheduleSign reads Magento 2's cron_schedule, which shows cron wherever it runs.
func scheduleSign(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) cronSign {
	const subject = "cron_schedule"
	var unseen finding.Verdict
	if e.Magento2.Unseen(&unseen) {
		f := unseen.Findings[0]
		return cronSign{cronUnknown, subject, f.Summary, f.Evidence, f.Remedy}
	}
	a, err := readCronActivity(ctx, e.Magento2)
	if err != nil {
		e.Magento2.Broken(&unseen, subject, err)
		f := unseen.Findings[0]
		return cronSign{cronUnknown, subject, f.Summary, f.Evidence, f.Remedy}
	}
	if group, err := cronLock(ctx, e.Magento2); err == nil && group != "" {
		return cronSign{
			cronActive,
			subject,
			"Magento 2's cron works right now",
			"its group " + group + " holds its lock in the database",
			stopCron,
		}
	}
	if a.last.IsZero() {
		return cronSign{
			state:    cronQuiet,
			subject:  subject,
			summary:  "Magento 2's cron has never run",
			evidence: "cron_schedule has no trace of it",
		}
	}
	v.Sample(cronLastActivity, finding.UnixSeconds(a.last), string(finding.Magento2))
	evidence := fmt.Sprintf(
		"newest trace in cron_schedule at %s UTC, %s ago",
		a.last.Format(time.DateTime),
		a.serverNow.Sub(a.last),
	)
	switch quiet := a.serverNow.Sub(a.last); {
	case quiet < -cronClockSlack:
		return cronSign{
			cronUnknown,
			subject,
			"Magento 2's cron_schedule has a trace from the future",
			fmt.Sprintf(
				"%s UTC, while the server's clock says %s UTC",
				a.last.Format(time.DateTime),
				a.serverNow.Format(time.DateTime),
			),
			"Set the clocks of the web and database servers (timedatectl), then delete the rows from the future.",
		}
	case quiet <= cronWindow(cronSettingsOf(e)):
		return cronSign{cronActive, subject, "Magento 2's cron runs", evidence, stopCron}
	default:
		judgeLongJobs(v, e, a)
		return cronSign{
			state:    cronQuiet,
			subject:  subject,
			summary:  "Magento 2's cron ran before and is quiet since " + a.last.Format(time.DateTime) + " UTC",
			evidence: evidence,
		}
	}
}

// judgeLongJobs warns about jobs that may still be at work although nothing else shows it.
func judgeLongJobs(v *finding.Verdict, e *evidence.Evidence, a cronActivity) {
	if len(a.longJobs) > 0 && e.Phase.Phase != config.PhaseCutover {
		v.Warn(
			"jobs",
			"Magento 2 has cron jobs that are marked as running",
			strings.Join(a.longJobs, ", "),
			"See whether they run: ps -ef | grep cron:run. Wait for them, or kill them; a row that a killed job left goes with the next clean-up.",
		)
	}
}

// cronGroups are the groups whose lock is asked for: those of every Magento 2.
var cronGroups = []string{"default", "index", "consumers"}

// cronLock returns the group whose cron holds its lock right now, empty for none. Magento names the lock after its
// database; releases before 2.3.5 had another prefix.
func cronLock(ctx context.Context, m2 *evidence.System) (string, error) {
	var questions []string
	var args []any
	for _, group := range cronGroups {
		questions = append(
			questions,
			"WHEN IS_USED_LOCK(CONCAT(DATABASE(), '|CRON_', ?)) IS NOT NULL OR IS_USED_LOCK(CONCAT(DATABASE(), '|CRON_GROUP_', ?)) IS NOT NULL THEN ?",
		)
		args = append(args, group, group, group)
	}
	var group string
	err := m2.Session.Row(ctx, "SELECT CASE "+strings.Join(questions, " ")+" ELSE '' END", args, &group)
	return group, err
}

// lookAtHost finds what starts cron on this host. The second result is false for a part that the configuration says is
// elsewhere.
func lookAtHost(ctx context.Context, e *evidence.Evidence) (found cron.Evidence, wanted bool) {
	c := cronSettingsOf(e)
	crontabs := c.Crontabs == nil || len(*c.Crontabs) > 0
	if !crontabs && !c.watchProcesses() {
		return found, false
	}
	if e.Migration.Magento1.Root == "" && e.Migration.Magento2.Root == "" {
		return found, true // nothing here could be told to be this migration's
	}
	o := cron.Options{
		Magento1Root: e.Migration.Magento1.Root,
		Magento2Root: e.Migration.Magento2.Root,
		Processes:    c.watchProcesses(),
	}
	if c.Crontabs != nil {
		o.Crontabs = *c.Crontabs
	}
	return cron.Look(ctx, o), true
}

// hostSigns looks at crontabs, systemd units and processes. They can be Magento 2's only where its root is.
func hostSigns(e *evidence.Evidence, found cron.Evidence, wanted bool) []cronSign {
	root := e.Migration.Magento2.Root
	if !wanted {
		return nil
	}
	if _, err := os.Stat(cmp.Or(root, "/nonexistent")); root == "" || err != nil {
		return []cronSign{
			{
				cronUnknown,
				"host",
				"whether a crontab or process of this host is Magento 2's cannot be told",
				fmt.Sprintf("magento2.root is %q", root),
				"Set " + e.Magento2.Key(
					"root",
				) + " to Magento 2's folder on this host. When its cron is not on this host, set " + cronKey(
					e,
					"crontabs",
				) + ": [] and " + cronKey(
					e,
					"processes",
				) + ": false, to judge by the database.",
			},
		}
	}
	disabled := cronDisabled(e)
	var signs []cronSign
	for _, entry := range found.Entries {
		if sign, ok := entrySign(entry, disabled); ok {
			signs = append(signs, sign)
		}
	}
	for _, p := range found.Processes {
		if p.System == cron.Magento2 {
			signs = append(signs, processSign(p))
		}
	}
	for _, p := range found.Problems {
		signs = append(
			signs,
			cronSign{
				cronUnknown,
				"host",
				"not everything that can start cron on this host can be looked at",
				p.String(),
				p.Remedy,
			},
		)
	}
	if len(signs) == 0 {
		signs = append(
			signs,
			cronSign{
				state:    cronQuiet,
				subject:  "host",
				summary:  "nothing on this host starts Magento 2's cron",
				evidence: fmt.Sprintf("looked at %d places", len(found.Looked)),
			},
		)
	}
	return signs
}

// cronKey names one of the settings from the configuration's root.
func cronKey(e *evidence.Evidence, path string) string {
	return e.Migration.Key("preconditions." + cronStoppedID + "." + path)
}

// cronDisabled reports whether env.php switches bin/magento cron:run off. What only PHP could tell does not excuse
// anything.
func cronDisabled(e *evidence.Evidence) bool {
	env, err := e.Files.Env()
	return err == nil && env.CronEnabled.State == envphp.Known && !env.CronEnabled.Value
}

func entrySign(entry cron.Entry, disabled bool) (cronSign, bool) {
	place := entry.File
	if entry.Line > 0 {
		place = fmt.Sprintf("%s:%d", entry.File, entry.Line)
	}
	evidence := strings.TrimSpace(fmt.Sprintf("%s: %s %s %s", place, entry.Schedule, entry.Text, entry.Note))
	sign := cronSign{cronActive, place, "Magento 2's cron is armed on this host", evidence, entry.Remedy}
	switch {
	case entry.System != cron.Magento2:
		return sign, false
	case !entry.Armed():
		sign.state, sign.summary = cronQuiet, "Magento 2's cron is written down on this host, and does not run: "+entry.Dormant
	case entry.Kind == cron.CronRun && disabled:
		sign.state, sign.summary = cronQuiet, "Magento 2's cron is armed on this host, and cron.enabled is 0 in env.php (MAGENTO_DC_CRON__ENABLED in PHP's environment would undo that)"
	case entry.Certainty == cron.Possible:
		sign.state, sign.summary = cronUnknown, "something on this host may start Magento 2's cron"
	}
	return sign, true
}

func processSign(p cron.Process) cronSign {
	sign := cronSign{
		cronActive,
		"process",
		"a process of Magento 2's cron runs on this host",
		fmt.Sprintf("pid %d of %s: %s %s", p.PID, p.User, p.Text, p.Note),
		p.Remedy,
	}
	if p.Certainty == cron.Possible {
		sign.state, sign.summary = cronUnknown, "a process on this host may be of Magento 2's cron"
	}
	return sign
}

// magento1CronWindow is longer than Magento 2's: Magento 1's schedule is made each quarter of an hour.
const magento1CronWindow = 15 * time.Minute

// judgeMagento1Cron shows Magento 1's cron. It has to be stopped from the first migrate:settings until Magento 2 is
// live.
func judgeMagento1Cron(ctx context.Context, v *finding.Verdict, e *evidence.Evidence, found cron.Evidence) {
	const subject = "magento1 cron"
	migrating := e.Phase.Phase == config.PhaseMigrate || e.Phase.Phase == config.PhaseDelta
	unseen := func(summary, evidence, remedy string) {
		if migrating {
			v.Unknown(subject, summary, evidence, remedy)
			return
		}
		v.Note(subject, summary, evidence, remedy)
	}
	if e.Magento1.Err != nil {
		unseen("whether Magento 1's cron runs cannot be seen", e.Magento1.Err.Error(), "See the precondition network.")
		return
	}
	a, err := readCronActivity(ctx, e.Magento1)
	if err != nil {
		unseen(
			"whether Magento 1's cron runs cannot be seen",
			err.Error(),
			"Let the account read Magento 1's cron_schedule; the next evaluation tries again.",
		)
		return
	}
	armed := found.Armed(cron.Magento1)
	running := len(armed) > 0 || len(found.Running(cron.Magento1)) > 0
	evidence := "Magento 1's cron_schedule has no trace of it"
	if !a.last.IsZero() {
		v.Sample(cronLastActivity, finding.UnixSeconds(a.last), string(finding.Magento1))
		quiet := a.serverNow.Sub(a.last)
		evidence = fmt.Sprintf(
			"newest trace in Magento 1's cron_schedule at %s UTC, %s ago",
			a.last.Format(time.DateTime),
			quiet,
		)
		if quiet < -cronClockSlack {
			unseen(
				"Magento 1's cron_schedule has a trace from the future",
				evidence,
				"Compare the clocks and time zones of Magento 1's web and database servers.",
			)
			return
		}
		running = running || quiet <= magento1CronWindow
	}
	if len(armed) > 0 {
		evidence += "; " + armed[0].File + " starts it"
	}
	v.Sample(cronRunning, finding.Bool(running), string(finding.Magento1))
	switch {
	case running && migrating:
		v.Warn(
			subject,
			"Magento 1's cron runs during the migration",
			evidence,
			"Comment its line out (crontab -e as the user of Magento 1's web server) and leave it so until Magento 2 is live.",
		)
	case running:
		v.Note(
			subject,
			"Magento 1's cron runs",
			evidence,
			"Stop it before migrate:settings, and leave it so until Magento 2 is live.",
		)
	}
}
