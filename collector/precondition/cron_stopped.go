package precondition

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
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

// cronActivity is the content of cron_schedule that shows whether cron runs.
type cronActivity struct {
	// serverNow is the server's clock in UTC.
	serverNow time.Time
	// last is the newest entry; zero when cron never ran.
	last time.Time
	// longJobs are jobs that are still marked as running, with their scheduled times.
	longJobs []string
}

// newestCronRows is how many rows are read from the end of the primary key: far more than cron writes within a day, and
// cheap when a broken clean-up has left millions.
const newestCronRows = 10000

// readCronActivity finds the newest entry of cron. Both Magentos write times in UTC. Magento 1 writes them with the
// server's own time zone in its session: read at +00:00, they would be wrong by that zone.
func readCronActivity(ctx context.Context, s *evidence.System) (cronActivity, error) {
	text := "%s"
	if s.Name == finding.Magento1 {
		text = "CONVERT_TZ(%s, '+00:00', @@global.time_zone)"
	}
	at := func(column string) string { return fmt.Sprintf("MAX("+text+")", column) }
	query := fmt.Sprintf("SELECT UTC_TIMESTAMP(), %s, %s, %s FROM "+
		"(SELECT created_at, executed_at, finished_at FROM %s ORDER BY schedule_id DESC LIMIT %d) newest",
		at("created_at"), at("executed_at"), at("finished_at"), s.Table("cron_schedule"), newestCronRows)
	var now string
	var created, executed, finished sql.NullString
	err := s.Session.Row(ctx, query, nil, &now, &created, &executed, &finished)
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

// runningJobs lists jobs that were started within a day and have not ended. A job that runs for three hours writes no
// other row in that time.
func runningJobs(ctx context.Context, s *evidence.System) ([]string, error) {
	query := fmt.Sprintf("SELECT job_code, MAX(scheduled_at) FROM (SELECT job_code, scheduled_at, status FROM %s "+
		"ORDER BY schedule_id DESC LIMIT %d) newest "+
		"WHERE status = 'running' AND scheduled_at > UTC_TIMESTAMP() - INTERVAL 1 DAY "+
		"GROUP BY job_code ORDER BY job_code LIMIT 20", s.Table("cron_schedule"), newestCronRows)
	var jobs []string
	err := s.Session.Rows(ctx, query, nil, func(scan func(...any) error) error {
		var job, due string
		err := scan(&job, &due)
		jobs = append(jobs, job+" (due "+due+" UTC)")
		return err
	})
	return jobs, err
}

// cronClockSlack is how far an entry can lie in the future before a clock must be wrong.
const cronClockSlack = 2 * time.Minute

// cronState is whether cron runs, according to one sign.
type cronState int

const (
	cronUnknown cronState = iota
	cronQuiet
	cronActive
)

// cronSign is one thing that shows whether Magento 2's cron runs or is armed, that is: something will start it.
type cronSign struct {
	state                      cronState
	subject, summary, evidence string
	// remedy stops what is active, or makes known what is unknown.
	remedy string
}

// unknownSign is a sign that could not be read, with the finding that says why.
func unknownSign(subject string, why finding.Finding) cronSign {
	return cronSign{cronUnknown, subject, why.Summary, why.Evidence, why.Remedy}
}

// The metric families of cron_stopped.
const (
	cronRunning      = "cron_running"
	cronLastActivity = "cron_last_activity_timestamp_seconds"
)

const cronStoppedID = "cron_stopped"

// cronStopped checks whether Magento 2's cron runs or is armed: before the cutover it must not, at the cutover it must.
func cronStopped() Precondition {
	return Precondition{
		ID: cronStoppedID, Title: "Magento 2 cron", Needs: []Need{Magento1Database, Magento2Database, LocalFiles},
		Families: []finding.Family{
			{
				Name: cronRunning, Labels: []string{"system"},
				Help: "Whether the system's cron runs or is armed to run (1 yes, 0 neither).",
			},
			{
				Name: cronLastActivity, Labels: []string{"system"},
				Help: "The newest entry of cron in cron_schedule, in Unix seconds.",
			},
		},
		Settings: func() config.Settings { return &cronSettings{} },
		Evaluate: evaluateCronStopped,
	}
}

// cronSettings say where Magento 2's cron could be started from.
type cronSettings struct {
	config.Judgment `yaml:",inline"`
	// Window is how long a running cron can be quiet.
	Window model.Duration `yaml:"window"`
	// Crontabs are files and glob patterns. Nil means the usual places, empty that cron is not on this host.
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

// defaultCronWindow is the time within which a running Magento 2 cron writes an entry: 22 of its jobs run each minute.
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
	if e.Phase.Phase == config.PhaseCutover || e.Phase.Phase == config.PhaseDone {
		judgeCronAtCutover(&v, state, signs)
	} else {
		judgeCronBeforeCutover(&v, signs)
	}
	if e.Phase.Phase != config.PhaseDone {
		judgeMagento1Cron(ctx, &v, e, found)
	}
	return v
}

// combineSigns is active when any sign is, and quiet only when all are.
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

// judgeCronAtCutover reverses the rule: the shop goes live and needs its cron.
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
		v.Fail("cron", "Magento 2's cron does not run, and the cutover needs it", "",
			"Start it as the user that owns the files:\nbin/magento cron:install")
	}
}

// cronWindow is how long a running cron can be quiet.
func cronWindow(c *cronSettings) time.Duration {
	if c.Window > 0 {
		return time.Duration(c.Window)
	}
	return defaultCronWindow
}

const stopCron = "Stop it as the user that owns the files: bin/magento cron:remove " +
	"(and remove hand-written lines: crontab -e); then wait until its jobs have ended."

// scheduleSign reads Magento 2's cron_schedule, which shows cron on any host.
func scheduleSign(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) cronSign {
	const subject = "cron_schedule"
	var unread finding.Verdict
	if e.Magento2.Unreachable(&unread) {
		return unknownSign(subject, unread.Findings[0])
	}
	a, err := readCronActivity(ctx, e.Magento2)
	if err != nil {
		e.Magento2.Broken(&unread, subject, err)
		return unknownSign(subject, unread.Findings[0])
	}
	if group, err := cronLock(ctx, e.Magento2); err == nil && group != "" {
		evidence := "its group " + group + " holds its lock in the database"
		return cronSign{cronActive, subject, "Magento 2's cron runs right now", evidence, stopCron}
	}
	if a.last.IsZero() {
		return cronSign{cronQuiet, subject, "Magento 2's cron has never run", "cron_schedule has no entry of it", ""}
	}
	v.Sample(cronLastActivity, finding.UnixSeconds(a.last), string(finding.Magento2))
	last, quiet := a.last.Format(time.DateTime), a.serverNow.Sub(a.last)
	evidence := fmt.Sprintf("newest entry in cron_schedule at %s UTC, %s ago", last, quiet)
	switch {
	case quiet < -cronClockSlack:
		return cronSign{
			cronUnknown, subject, "Magento 2's cron_schedule has an entry from the future",
			fmt.Sprintf("%s UTC, but the server's clock says %s UTC", last, a.serverNow.Format(time.DateTime)),
			"Set the clocks of the web and database servers (timedatectl), then delete the rows from the future.",
		}
	case quiet <= cronWindow(cronSettingsOf(e)):
		return cronSign{cronActive, subject, "Magento 2's cron runs", evidence, stopCron}
	}
	judgeLongJobs(v, e, a)
	text := "Magento 2's cron ran before and has been quiet since " + last + " UTC"
	return cronSign{cronQuiet, subject, text, evidence, ""}
}

// judgeLongJobs warns about jobs that may still run although nothing else shows it.
func judgeLongJobs(v *finding.Verdict, e *evidence.Evidence, a cronActivity) {
	if len(a.longJobs) > 0 && e.Phase.Phase != config.PhaseCutover && e.Phase.Phase != config.PhaseDone {
		v.Warn("jobs", "Magento 2 has cron jobs that are marked as running", strings.Join(a.longJobs, ", "),
			"Check whether they run: ps -ef | grep cron:run. Wait for them, or kill them; "+
				"the next clean-up deletes the row of a killed job.")
	}
}

// cronGroups are the groups whose locks are checked: those of every Magento 2.
var cronGroups = []string{"default", "index", "consumers"}

// cronLock returns the group whose cron holds its lock right now, empty for none. The lock's name begins with the
// database's; releases before 2.3.5 had another prefix after it.
func cronLock(ctx context.Context, m2 *evidence.System) (string, error) {
	var cases []string
	var args []any
	for _, group := range cronGroups {
		cases = append(cases, "WHEN IS_USED_LOCK(CONCAT(DATABASE(), '|CRON_', ?)) IS NOT NULL "+
			"OR IS_USED_LOCK(CONCAT(DATABASE(), '|CRON_GROUP_', ?)) IS NOT NULL THEN ?")
		args = append(args, group, group, group)
	}
	var group string
	err := m2.Session.Row(ctx, "SELECT CASE "+strings.Join(cases, " ")+" ELSE '' END", args, &group)
	return group, err
}

// lookAtHost finds what starts cron on this host. wanted is false when the configuration says that cron is on another
// one.
func lookAtHost(ctx context.Context, e *evidence.Evidence) (found cron.Evidence, wanted bool) {
	c := cronSettingsOf(e)
	crontabs := c.Crontabs == nil || len(*c.Crontabs) > 0
	if !crontabs && !c.watchProcesses() {
		return found, false
	}
	if e.Migration.Magento1.Root == "" && e.Migration.Magento2.Root == "" {
		return found, true // without a root, nothing here can be assigned to this migration
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

// hostSigns judges crontabs, systemd units and processes. They can be Magento 2's only when its root is on this host.
func hostSigns(e *evidence.Evidence, found cron.Evidence, wanted bool) []cronSign {
	root := e.Migration.Magento2.Root
	if !wanted {
		return nil
	}
	if _, err := os.Stat(cmp.Or(root, "/nonexistent")); root == "" || err != nil {
		return []cronSign{{
			cronUnknown, "host", "it is unknown whether a crontab or process of this host is Magento 2's",
			"magento2.root is " + finding.Quoted(root),
			"Set " + e.Magento2.Key("root") + " to Magento 2's folder on this host. When its cron is on another " +
				"host, set " + cronKey(e, "crontabs") + ": [] and " + cronKey(e, "processes") + ": false; " +
				"then the database alone decides.",
		}}
	}
	enabled := readCronSwitch(e)
	var signs []cronSign
	for _, entry := range found.Entries {
		if sign, ok := entrySign(entry, enabled); ok {
			signs = append(signs, sign)
		}
	}
	for _, p := range found.Processes {
		if p.System == finding.Magento2 {
			signs = append(signs, processSign(p))
		}
	}
	for _, p := range found.Problems {
		const summary = "something that can start cron on this host cannot be read"
		signs = append(signs, cronSign{cronUnknown, "host", summary, p.String(), p.Remedy})
	}
	if len(signs) == 0 {
		evidence := "looked at " + finding.Counted(len(found.Looked), "place", "places")
		if len(found.Overlooked) > 0 {
			evidence += "; not looked into: " + strings.Join(found.Overlooked, ", ")
		}
		signs = append(signs, cronSign{cronQuiet, "host", "nothing on this host starts Magento 2's cron", evidence, ""})
	}
	return signs
}

// cronKey is the path of one of the settings from the configuration's root.
func cronKey(e *evidence.Evidence, path string) string {
	return e.Migration.Key("preconditions." + cronStoppedID + "." + path)
}

// cronSwitch is cron.enabled in env.php, which only bin/magento cron:run obeys.
type cronSwitch struct {
	off bool
	// unknown says why it is unknown; it is empty when it is known.
	unknown string
}

// readCronSwitch reads cron.enabled. Without env.php cron is enabled.
func readCronSwitch(e *evidence.Evidence) cronSwitch {
	env, err := e.Files.Env()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return cronSwitch{}
	case err != nil:
		return cronSwitch{unknown: err.Error()}
	case env.CronEnabled.State == envphp.Unknown:
		return cronSwitch{unknown: fmt.Sprintf("%s: cron.enabled: %s", env.CronEnabled.Place, env.CronEnabled.Reason)}
	}
	return cronSwitch{off: env.CronEnabled.State == envphp.Known && !env.CronEnabled.Value}
}

// with is the switch where the environment of what starts cron may turn it on again: newer releases heed that instead
// of env.php.
func (s cronSwitch) with(entry cron.Entry) cronSwitch {
	const variable = "MAGENTO_DC_CRON__ENABLED"
	switch entry.CronEnabled {
	case "", "0":
		return s
	case "1", "true":
		return cronSwitch{}
	}
	if s.off {
		return cronSwitch{unknown: "the command's environment sets " + variable + ", which can turn it on"}
	}
	return s
}

func entrySign(entry cron.Entry, enabled cronSwitch) (cronSign, bool) {
	place := entry.File
	if entry.Line > 0 {
		place = fmt.Sprintf("%s:%d", entry.File, entry.Line)
	}
	evidence := strings.TrimSpace(fmt.Sprintf("%s: %s %s %s", place, entry.Schedule, entry.Text, entry.Note))
	enabled = enabled.with(entry)
	sign := cronSign{cronActive, place, "Magento 2's cron is armed on this host", evidence, entry.Remedy}
	switch {
	case entry.System != finding.Magento2:
		return sign, false
	case !entry.Armed():
		sign.state = cronQuiet
		sign.summary = "Magento 2's cron is configured on this host, but does not run: " + entry.Dormant
	case entry.Kind == cron.CronRun && enabled.off:
		sign.state = cronQuiet
		sign.summary = "Magento 2's cron is armed on this host, but cron.enabled is 0 in env.php " +
			"(MAGENTO_DC_CRON__ENABLED in PHP's environment would override that)"
	case entry.Kind == cron.CronRun && enabled.unknown != "":
		sign.state = cronUnknown
		sign.summary = "Magento 2's cron is armed on this host, and it is unknown whether cron.enabled is 0 in env.php"
		sign.evidence += "; " + enabled.unknown
		sign.remedy = "Write 'cron' => ['enabled' => 0] into the array of app/etc/env.php as a plain value, or: " +
			sign.remedy
	case entry.Certainty == cron.Possible:
		sign.state, sign.summary = cronUnknown, "something on this host may start Magento 2's cron"
	}
	return sign, true
}

func processSign(p cron.Process) cronSign {
	evidence := fmt.Sprintf("pid %d of %s: %s %s", p.PID, p.User, p.Text, p.Note)
	sign := cronSign{cronActive, "process", "a process of Magento 2's cron runs on this host", evidence, p.Remedy}
	if p.Certainty == cron.Possible {
		sign.state, sign.summary = cronUnknown, "a process on this host may belong to Magento 2's cron"
	}
	return sign
}

// magento1CronWindow is longer than Magento 2's: Magento 1 writes its schedule each quarter of an hour.
const magento1CronWindow = 15 * time.Minute

// judgeMagento1Cron reports on Magento 1's cron, which must be stopped from the first migrate:settings until Magento 2
// is live.
func judgeMagento1Cron(ctx context.Context, v *finding.Verdict, e *evidence.Evidence, found cron.Evidence) {
	const subject = "magento1 cron"
	migrating := e.Phase.Phase == config.PhaseMigrate || e.Phase.Phase == config.PhaseDelta
	unknown := func(summary, evidence, remedy string) {
		if migrating {
			v.Unknown(subject, summary, evidence, remedy)
			return
		}
		v.Note(subject, summary, evidence, remedy)
	}
	const unread = "it is unknown whether Magento 1's cron runs"
	if e.Magento1.Err != nil {
		unknown(unread, e.Magento1.Err.Error(), "See the precondition network.")
		return
	}
	a, err := readCronActivity(ctx, e.Magento1)
	if err != nil {
		unknown(unread, err.Error(), "Let the account read Magento 1's cron_schedule; the next evaluation tries again.")
		return
	}
	armed := found.Armed(finding.Magento1)
	running := len(armed) > 0 || len(found.Running(finding.Magento1)) > 0
	evidence := "Magento 1's cron_schedule has no entry of it"
	if !a.last.IsZero() {
		v.Sample(cronLastActivity, finding.UnixSeconds(a.last), string(finding.Magento1))
		quiet := a.serverNow.Sub(a.last)
		evidence = fmt.Sprintf("newest entry in Magento 1's cron_schedule at %s UTC, %s ago",
			a.last.Format(time.DateTime), quiet)
		if quiet < -cronClockSlack {
			unknown("Magento 1's cron_schedule has an entry from the future", evidence,
				"Compare the clocks and time zones of Magento 1's web and database servers.")
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
		v.Warn(subject, "Magento 1's cron runs during the migration", evidence,
			"Comment its line out (crontab -e as the user of Magento 1's web server) until Magento 2 is live.")
	case running:
		v.Note(subject, "Magento 1's cron runs", evidence,
			"Stop it before migrate:settings, and do not start it again before Magento 2 is live.")
	}
}
