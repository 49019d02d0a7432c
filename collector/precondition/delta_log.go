package precondition

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/delta"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/privilege"
	"magento_migration_exporter/config"
)

// The metric families of delta_log.
const (
	deltaLogTables  = "delta_log_tables"
	deltaLogCreated = "delta_log_created_timestamp_seconds"
	deltaLostRows   = "delta_lost_rows"
)

// deltaLogID is the precondition's id, which waivers name.
const deltaLogID = "delta_log"

// deltaLog says whether every change of Magento 1 is logged for migrate:delta.
func deltaLog() Precondition {
	return Precondition{
		ID: deltaLogID, Title: "Delta log", Group: GroupCutover,
		Needs: []Need{Magento1Database, Magento2Database, LocalFiles}, Phases: untilDone(),
		Families: []finding.Family{
			{
				Name: deltaLogTables, Labels: []string{"state"},
				Help: "Tables of Magento 1 that the migration tool is to log, by how their logging stands.",
			},
			{
				Name: deltaLogCreated,
				Help: "When the newest of the migration tool's triggers was made, in Unix seconds.",
			},
			{
				Name: deltaLostRows,
				Help: "Rows of Magento 1 whose changes were proved lost: they differ from Magento 2 and are in no log.",
			},
		},
		Evaluate: evaluateDeltaLog,
	}
}

// deltaLogJudge judges one delta log.
type deltaLogJudge struct {
	*finding.Verdict
	e *evidence.Evidence
	d *evidence.Delta
	// hidden is true when the account may not see triggers, so that a missing one is not known to be missing.
	hidden bool
	// missing is the statement that gives the account what it lacks, empty where it lacks nothing.
	missing string
}

func evaluateDeltaLog(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "every change of Magento 1 is logged"}
	d, ok := e.Delta(ctx, &v)
	if !ok {
		return v
	}
	j := &deltaLogJudge{Verdict: &v, e: e, d: d}
	if !d.Log.Exists() {
		j.nothing(ctx)
		return v
	}
	j.definers(ctx)
	j.stoppers()
	switch phase := e.Phase.Phase; {
	case phase == "":
		v.Unknown("phase", "it is unknown whether changes have to be logged by now", fmt.Sprint(e.Phase.Err),
			e.PhaseRemedy())
	case phase == config.PhasePrepare:
		v.NotApplicable, v.Summary = true, "the delta log is judged from migrate:data on; what is there does not stop "+
			"the shop"
	case phase == config.PhaseCutover && j.drainedWhole():
		v.Summary = "the delta log is drained, and its triggers do not stop the shop"
		j.samples()
	default:
		j.whole()
		j.remember()
	}
	return v
}

// The subjects of findings about a table. Its name alone is that of triggers that were made again, which a person
// compares and waives; a waiver for them must not hide what happens to the table later.
func logSubject(s delta.Standing) string     { return s.Document + " log table" }
func triggerSubject(s delta.Standing) string { return s.Document + " triggers" }
func rowsSubject(s delta.Standing) string    { return s.Document + " rows" }

// deltaLogMemory keeps whether the log was whole when it was drained.
type deltaLogMemory struct{ drainedWhole bool }

// drainedWhole reports whether the log is drained and had no fault when that was seen first: a log that lost its
// triggers before is empty as well, and proves nothing.
func (j *deltaLogJudge) drainedWhole() bool {
	memory := evidence.Recall[deltaLogMemory](j.e.Memory, deltaLogID)
	memory.drainedWhole = memory.drainedWhole && j.d.Drained
	return memory.drainedWhole
}

func (j *deltaLogJudge) remember() {
	faulty := slices.ContainsFunc(j.Findings, func(f finding.Finding) bool {
		return f.Status == finding.Fail || f.Status == finding.Unknown
	})
	evidence.Recall[deltaLogMemory](j.e.Memory, deltaLogID).drainedWhole = j.d.Drained && !faulty
}

// nothing judges a Magento 1 without a delta log.
func (j *deltaLogJudge) nothing(ctx context.Context) {
	switch phase := j.e.Phase.Phase; phase {
	case config.PhasePrepare:
		j.NotApplicable, j.Summary = true, "migrate:data has not set up the delta log yet"
		return
	case "":
		j.Unknown("phase", "it is unknown whether changes have to be logged by now", fmt.Sprint(j.e.Phase.Err),
			j.e.PhaseRemedy())
		return
	case config.PhaseMigrate:
		migrated, err := j.e.DataMigrated(ctx)
		if err != nil {
			j.e.Magento1.Broken(j.Verdict, "delta log", err)
			return
		}
		if !migrated {
			j.NotApplicable, j.Summary = true, "migrate:data has not copied anything yet"
			return
		}
	}
	j.Fail("triggers", "Magento 1 has no delta log: no change since migrate:data reaches Magento 2",
		"there is no table "+j.e.Magento1.Prefix+"m2_cl_* and no trigger that writes one; migrate:delta would say "+
			"\"Deltalog for … is not installed\"", j.again("this is a copy of Magento 1 without its triggers, or "+
			"they were "+
			"removed"))
}

// again is the way back where the log as a whole is not to be trusted.
func (j *deltaLogJudge) again(cause string) string {
	return "Find out what happened: " + cause + ". Check that config.xml names the live Magento 1. Then set up the " +
		"log " +
		"again: restore Magento 2's backup, and run migrate:settings and migrate:data once more with --reset."
}

// definers takes over what is known of the accounts as which the triggers run: they stop the live shop.
func (j *deltaLogJudge) definers(ctx context.Context) {
	var discarded finding.Verdict // privileges says why
	observation, ok := j.e.Privileges(ctx, j.e.Magento1, &discarded)
	if !ok {
		j.hidden = len(j.d.Log.Triggers) == 0
		return
	}
	assessment := privilege.Assess(observation, j.e.Task())
	j.missing = assessment.Grant
	for _, f := range assessment.Findings {
		if j.d.AboutTriggers(f, j.e.Magento1) {
			f.Subject = "definer"
			j.Add(f)
		}
	}
	for _, h := range assessment.Privileges {
		j.hidden = j.hidden || h.Privilege == privilege.Trigger && h.State != privilege.Held
	}
}

// stoppers are what stops the live shop now.
func (j *deltaLogJudge) stoppers() {
	for _, s := range j.d.Standings {
		writers := slices.Clone(s.Elsewhere)
		if len(s.Fires) > 0 {
			writers = append(writers, s.Name)
		}
		if len(writers) == 0 || s.HasLog && len(s.Lacks) == 0 {
			continue
		}
		cause, code, statements := "is missing", 1146, []string{createLog(s)}
		if s.HasLog {
			cause, code = "has no column "+strings.Join(s.Lacks, ", "), 1054
			statements = []string{renameLog(s), createLog(s)}
		}
		j.Fail(
			logSubject(s),
			fmt.Sprintf("the live shop cannot write %s: the log table %s %s",
				strings.Join(writers, ", "), s.LogName, cause),
			fmt.Sprintf("each INSERT, UPDATE or DELETE there ends with error %d, because a trigger of the tool writes "+
				"%s", code, s.LogName),
			"Make the table again now, as "+maker(s)+", so that the shop can write"+j.logged(s, statements...),
		)
	}
}

// maker is who makes a log table: the tool's account need not be allowed to rename one.
func maker(s delta.Standing) string {
	if s.HasLog {
		return "an administrator"
	}
	return "the tool's account"
}

// renameLog is the statement that puts a log table away.
func renameLog(s delta.Standing) string {
	return "RENAME TABLE " + database.Quote(s.LogName) + " TO " +
		database.Quote(s.LogName[:min(len(s.LogName), maxTriggerName-4)]+"_old") + ";"
}

// createLog is the statement that makes a log table as the tool does.
func createLog(s delta.Standing) string {
	var columns []string
	var keys []string
	for _, k := range s.Keys {
		columns = append(columns, database.Quote(k)+" INT NOT NULL")
		keys = append(keys, database.Quote(k))
	}
	columns = append(columns, "`operation` TEXT", "`processed` TINYINT(1) NOT NULL DEFAULT 0",
		"PRIMARY KEY ("+strings.Join(keys, ", ")+")")
	return "CREATE TABLE " + database.Quote(s.LogName) + " (" + strings.Join(columns, ", ") + ") ENGINE=InnoDB;"
}

// logged are statements, and the one that logs the table's rows behind them. What no step reads is not delivered, and
// is not logged in vain.
func (j *deltaLogJudge) logged(s delta.Standing, statements ...string) string {
	if !s.Read {
		return " (no step of config.xml reads this log, so its rows need not be logged):\n" +
			strings.Join(statements, "\n")
	}
	return ", then log its rows, so that the next cycle delivers them:\n" +
		strings.Join(append(statements, j.relog(s)), "\n")
}

// relog is the statement that puts all rows of a table into its log, so that the next cycle delivers them.
func (j *deltaLogJudge) relog(s delta.Standing) string {
	var keys []string
	for _, k := range s.Keys {
		keys = append(keys, database.Quote(k))
	}
	list := strings.Join(keys, ", ")
	return fmt.Sprintf("INSERT INTO %s (%s, `operation`) SELECT %s, 'UPDATE' FROM %s "+
		"ON DUPLICATE KEY UPDATE `operation` = 'UPDATE', `processed` = 0;",
		database.Quote(s.LogName), list, list, database.Quote(s.Name))
}

// whole judges all of the log.
func (j *deltaLogJudge) whole() {
	j.losses()
	j.replica()
	j.triggers()
	j.conditions()
	j.created()
	j.outgrown()
	j.tables()
	j.configuration()
	j.notes()
	j.samples()
}

// losses are what the tripwire has proved.
func (j *deltaLogJudge) losses() {
	if j.d.Suspects > 0 {
		j.Again = j.d.Cycle() + time.Second
	}
	if err := j.d.LossesErr; err != nil {
		if errors.Is(err, evidence.ErrCopying) {
			j.copying()
			return
		}
		system := j.e.Magento1
		if side, ok := errors.AsType[*database.SideError](err); !ok || side.Side == 1 {
			system = j.e.Magento2
		}
		if !system.Unreachable(j.Verdict) {
			summary, remedy := system.StatementFault(err)
			j.Unknown("tripwire", "whether changes were lost is unknown: "+summary, err.Error(), remedy)
		}
		return
	}
	for _, l := range j.d.Losses {
		i := slices.IndexFunc(j.d.Standings, func(s delta.Standing) bool { return s.Document == l.Document })
		if i < 0 {
			continue
		}
		j.Fail(
			rowsSubject(j.d.Standings[i]),
			fmt.Sprintf("changes of Magento 1's %s were lost: %s", l.Many, finding.Rows(len(l.IDs),
				"differs from Magento 2 and is in no log", "differ from Magento 2 and are in no log")),
			fmt.Sprintf(
				"%s with %s %s%s; seen in two evaluations more than one cycle apart; in Magento 2 the table is %s",
				j.d.Standings[i].Name,
				l.Key,
				someIDs(l.IDs),
				deleted(l.Gone),
				j.e.Magento2.Prefix+l.Magento2,
			),
			"Find out which of the other findings lost them. Then put them into the log again, so that the next "+
				"cycle delivers "+
				"them (look after what belongs to them, like items and addresses, too):\n"+relogRows(
				j.d.Standings[i],
				l,
			),
		)
	}
}

// copying says why nothing was compared. Only before the delta is that as it should be.
func (j *deltaLogJudge) copying() {
	const subject, compared = "tripwire", "the newest rows of both systems are compared once migrate:data has ended"
	if j.e.Phase.Phase == config.PhaseMigrate {
		j.Note(subject, compared, j.d.LossesErr.Error(), "")
		return
	}
	j.Unknown(
		subject,
		"whether changes were lost is unknown: "+compared,
		j.d.LossesErr.Error(),
		"Wait until migrate:data has ended. If it was stopped, run it again; the precondition migration_run says "+
			"how it ended.")
}

// shownIDs is how many ids a text names.
const shownIDs = 20

func someIDs(ids []int64) string {
	var texts []string
	for _, id := range ids[:min(len(ids), shownIDs)] {
		texts = append(texts, fmt.Sprint(id))
	}
	if len(ids) > shownIDs {
		texts = append(texts, fmt.Sprintf("and %d more", len(ids)-shownIDs))
	}
	return strings.Join(texts, ", ")
}

func deleted(ids []int64) string {
	if len(ids) == 0 {
		return ""
	}
	return ", of which Magento 1 has deleted " + someIDs(ids)
}

// relogRows are the statements that put lost rows into the log again.
func relogRows(s delta.Standing, l delta.Loss) string {
	values := map[string][]string{}
	for _, id := range l.IDs[:min(len(l.IDs), 2*shownIDs)] {
		operation := "UPDATE"
		if slices.Contains(l.Gone, id) {
			operation = "DELETE"
		}
		values[operation] = append(values[operation], fmt.Sprintf("(%d, '%s')", id, operation))
	}
	var statements []string
	for _, operation := range slices.Sorted(maps.Keys(values)) {
		statements = append(statements, fmt.Sprintf("INSERT INTO %s (%s, `operation`) VALUES %s "+
			"ON DUPLICATE KEY UPDATE `operation` = '%s', `processed` = 0;", database.Quote(s.LogName),
			database.Quote(l.Key), strings.Join(values[operation], ", "), operation))
	}
	return strings.Join(statements, "\n")
}

func (j *deltaLogJudge) replica() {
	r := j.d.Replication
	switch {
	case r.Replica:
		j.Fail(
			"replica",
			"Magento 1's database is a replica: the tool loses every second change of a row, and breaks "+
				"the replication",
			r.Seen+"; row-based replication fires no triggers here, and what the tool deletes here stays on "+
				"the primary",
			"Name the live primary in config.xml and in "+j.e.Magento1.Key("database")+". "+
				j.again("the triggers were made on a replica"),
		)
	case !r.Known:
		j.Note("replica", "whether Magento 1's database is a replica is unknown: a replica loses changes", r.Seen,
			"To have it checked, as an administrator of Magento 1's server:\nGRANT REPLICATION CLIENT ON *.* TO "+
				privilege.ParseAccount(j.e.Magento1.Session.CurrentUser).Quoted()+";")
	}
}

// triggers judges which events of which table are logged.
func (j *deltaLogJudge) triggers() {
	faulty, all := j.faulty()
	switch {
	case len(faulty) == 0:
	case j.hidden && len(j.d.Log.Triggers) == 0:
		j.Unknown("triggers", "the account may not see triggers, so it is unknown whether changes are logged",
			fmt.Sprintf("%s has %d log tables and shows no trigger to %s; triggers that run as an account without "+
				"TRIGGER stop each write of the live shop with error 1142", j.e.Magento1.Label(),
				len(j.d.Log.Columns), j.e.Magento1.Session.CurrentUser), j.grant())
	case len(faulty) == all && len(j.d.Log.Triggers) == 0:
		j.Fail(
			"triggers",
			fmt.Sprintf("no change of Magento 1 is logged: %d log tables and no triggers",
				len(j.d.Log.Columns)),
			"migrate:delta finds empty log tables, ends its cycles without an error, and everything is lost that "+
				"changed since "+
				"the triggers were gone",
			j.again("Magento 1 was restored or copied without triggers (--skip-triggers), or somebody dropped them"),
		)
	default:
		j.eachTable(faulty)
	}
}

// faulty returns the tables of which something is not logged, and the number of tables that can be.
func (j *deltaLogJudge) faulty() (faulty []delta.Standing, all int) {
	for _, s := range j.d.Standings {
		if s.Absent || s.View || !s.HasLog {
			continue
		}
		if all++; len(s.Missing()) > 0 {
			faulty = append(faulty, s)
		}
	}
	return faulty, all
}

func (j *deltaLogJudge) grant() string {
	statement := j.missing
	if statement == "" {
		statement = privilege.GrantOn(j.e.Magento1.Endpoint.Name,
			privilege.ParseAccount(j.e.Magento1.Session.CurrentUser), privilege.Trigger)
	}
	return "Let the account see triggers, as an administrator of Magento 1's server:\n" + statement
}

func (j *deltaLogJudge) eachTable(faulty []delta.Standing) {
	for _, s := range faulty {
		missing := strings.Join(s.Missing(), ", ")
		switch {
		case len(s.Elsewhere) > 0:
			j.Fail(
				triggerSubject(s),
				fmt.Sprintf("changes of %s are not logged: its triggers sit on %s", s.Name,
					strings.Join(s.Elsewhere, ", ")),
				"not logged: "+missing+"; the tables were probably swapped by RENAME, and triggers follow the old "+
					"table. What "+
					"changed since then is lost, and migrate:delta does not say so",
				j.recreate(s),
			)
		case j.hidden && len(s.Fires) == 0:
			j.Unknown(triggerSubject(s), "the account may not see the triggers of "+s.Name, "", j.grant())
		default:
			j.Fail(
				triggerSubject(s),
				"changes of "+s.Name+" are not logged: "+missingTriggers(s.Missing()),
				"migrate:delta goes on without an error, and Magento 2 keeps the old rows. Magento 1 does not say "+
					"since when: "+
					"count everything that changed since migrate:data as lost",
				j.recreate(s),
			)
		}
	}
}

// conditions are triggers that log some changes only. Whether those are all that matter a person has to know.
func (j *deltaLogJudge) conditions() {
	for _, s := range j.d.Standings {
		if len(s.Conditional) == 0 {
			continue
		}
		var show []string
		for _, name := range s.Conditions {
			show = append(show, "SHOW CREATE TRIGGER "+database.Quote(name)+";")
		}
		j.Unknown(
			s.Document+" conditions",
			fmt.Sprintf(
				"%s of %s: its trigger logs it under a condition only, so it is unknown whether every change is "+
					"logged",
				strings.Join(s.Conditional, ", "),
				s.Name,
			),
			"the INSERT into "+s.LogName+" stands in an IF, a CASE, a loop or a handler, or behind a LEAVE: "+
				strings.Join(s.Conditions, ", "),
			"Look at the condition, as the tool's account:\n"+strings.Join(
				show,
				"\n",
			)+"\nIf it leaves changes out, let "+
				"the trigger write the log each time, and migrate again what changed meanwhile. If it does not, "+
				"waive it:\n"+j.waiver(
				s.Document+" conditions",
			),
		)
	}
}

func missingTriggers(events []string) string {
	if len(events) == 1 {
		return "the trigger for " + events[0] + " is missing"
	}
	return "the triggers for " + strings.Join(events, ", ") + " are missing"
}

// recreate makes the missing triggers of a table again and logs all its rows. The triggers have one statement each, so
// that they can be pasted without another delimiter. Where the binary log is on and creators of triggers are not
// trusted, the tool's account may not make any (1419): an administrator makes them in its name.
func (j *deltaLogJudge) recreate(s delta.Standing) string {
	var statements []string
	for _, t := range j.d.Log.Triggers {
		if slices.Contains(s.Elsewhere, t.Table) && slices.Contains(t.Writes, s.LogName) {
			statements = append(statements, "DROP TRIGGER "+database.Quote(t.Name)+";")
		}
	}
	for _, event := range s.Missing() {
		statements = append(statements, createTrigger(s, event, j.definer()))
	}
	return "Rows that were deleted meanwhile have to be deleted in Magento 2 by hand. The new triggers are younger " +
		"than migrate:data, which this precondition reports until you waive it. Make the triggers again, as an " +
		"administrator or as the tool's account" +
		j.logged(s, append([]string{"SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION';"}, statements...)...)
}

// definer returns the account as which most of the triggers run, or the account of the session where there are none.
func (j *deltaLogJudge) definer() string {
	account, most := j.e.Magento1.Session.CurrentUser, 0
	definers := j.d.Log.Definers()
	for _, name := range slices.Sorted(maps.Keys(definers)) {
		if definers[name] > most {
			account, most = name, definers[name]
		}
	}
	return privilege.ParseAccount(account).Quoted()
}

// maxTriggerName is the longest name that a server takes for a trigger.
const maxTriggerName = 64

func createTrigger(s delta.Standing, event, definer string) string {
	name := []rune("trg_" + s.Name + "_after_" + strings.ToLower(event))
	row := "NEW"
	if event == "DELETE" {
		row = "OLD"
	}
	var keys, values []string
	for _, k := range s.Keys {
		keys = append(keys, database.Quote(k))
		values = append(values, row+"."+database.Quote(k))
	}
	return fmt.Sprintf("CREATE DEFINER = %[7]s TRIGGER %[1]s AFTER %[2]s ON %[3]s FOR EACH ROW "+
		"INSERT INTO %[4]s (%[5]s, `operation`) VALUES (%[6]s, '%[2]s') "+
		"ON DUPLICATE KEY UPDATE `operation` = '%[2]s';",
		database.Quote(string(name[max(0, len(name)-maxTriggerName):])), event, database.Quote(s.Name),
		database.Quote(s.LogName), strings.Join(keys, ", "), strings.Join(values, ", "), definer)
}

// clockSlack is what the two clocks and their rounding can make up beside the measured difference.
const clockSlack = 2 * time.Second

// created compares when the triggers were made with when the data was copied.
func (j *deltaLogJudge) created() {
	if len(j.d.Log.Triggers) == 0 {
		return
	}
	if j.d.DataStart.IsZero() {
		j.Unknown(
			"created",
			"whether the triggers are older than the copied data is unknown",
			"the newest was made at "+finding.Time(j.d.Log.Created())+"; "+noDataStart(j.d),
			"Set "+j.e.Migration.Key(
				"magento2.root",
			)+" to the folder in which the tool was run: var/ there has its log "+
				"and its "+
				"progress file. Or compare the times yourself and waive this subject.",
		)
		return
	}
	limit := j.d.DataStart.Add(j.d.Skew.Abs() + clockSlack)
	var younger []delta.Standing
	for _, s := range j.d.Standings {
		if s.Created.After(limit) {
			younger = append(younger, s)
		}
	}
	if len(younger) > 1 && len(younger) == j.loggedTables() {
		j.restored(younger)
		return
	}
	for _, s := range younger {
		j.Fail(s.Document, "the triggers of "+s.Name+" were made after the data was copied",
			j.times(s.Created)+"; what changed between is not logged",
			"Compare the table in both systems and migrate again what changed. Then waive it:\n"+j.waiver(s.Document))
	}
}

func (j *deltaLogJudge) loggedTables() int {
	n := 0
	for _, s := range j.d.Standings {
		if !s.Created.IsZero() {
			n++
		}
	}
	return n
}

func noDataStart(d *evidence.Delta) string {
	if d.RunLogErr != nil {
		return d.RunLogErr.Error()
	}
	return "the tool's log has no line of migrate:data"
}

func (j *deltaLogJudge) times(created time.Time) string {
	return fmt.Sprintf("made at %s, migrate:data copied from %s on (%s)",
		finding.Time(created), finding.Time(j.d.DataStart), j.d.DataStartFrom)
}

// restored says that the log as a whole is younger than the copied data.
func (j *deltaLogJudge) restored(younger []delta.Standing) {
	j.Fail(
		"created",
		"all triggers were made after the data was copied: Magento 1 was restored or copied",
		fmt.Sprintf(
			"%s, %s; the log goes on as it was in the dump, and what happened since is gone from Magento "+
				"1 as well, or is on another server",
			j.times(j.d.Log.Created()),
			finding.Counted(len(younger), "table", "tables"),
		),
		j.again("Magento 1 was restored from a dump, or config.xml names a copy of the live one")+
			" If nothing was sold between, compare both systems and waive it:\n"+j.waiver("created"),
	)
}

// waiverDays is how long the waiver that a remedy shows runs.
const waiverDays = 14

func (j *deltaLogJudge) waiver(subject string) string {
	return fmt.Sprintf("waivers:\n  - {precondition: %s, subject: %s, reason: compared and migrated again, owner: "+
		"YOU, expires: %s}",
		deltaLogID, subject, j.e.Now.UTC().AddDate(0, 0, waiverDays).Format(time.DateOnly))
}

// outgrown are tables whose ids no longer fit into the log.
func (j *deltaLogJudge) outgrown() {
	for _, s := range j.d.Standings {
		if s.Next == 0 || s.Absent {
			continue
		}
		var changes []string
		for _, k := range s.Keys {
			changes = append(changes, "MODIFY "+database.Quote(k)+" BIGINT UNSIGNED NOT NULL")
		}
		j.Fail(
			logSubject(s),
			fmt.Sprintf("ids of %s are too large for its log: such rows all share the log's row %d", s.Name,
				s.Holds),
			fmt.Sprintf("the next id is %d; their changes are lost", s.Next),
			"Let the log hold larger ids, as an administrator, then put the rows above that into the log "+
				"again:\nALTER TABLE "+
				database.Quote(
					s.LogName,
				)+" "+strings.Join(
				changes,
				", ",
			)+";\n"+
				fmt.Sprintf(
					"INSERT INTO %s (%[2]s, `operation`) SELECT %[2]s, 'UPDATE' FROM %[3]s WHERE %[2]s > %[4]d "+
						"ON DUPLICATE KEY UPDATE `operation` = 'UPDATE', `processed` = 0;",
					database.Quote(s.LogName),
					database.Quote(s.Keys[0]),
					database.Quote(s.Name),
					s.Holds,
				),
		)
	}
}

// tables are what breaks migrate:delta: log tables that are missing or have other columns.
func (j *deltaLogJudge) tables() {
	for _, s := range j.d.Standings {
		guessed := j.d.ScopeErr != nil
		switch {
		case s.Absent && !guessed && !s.HasLog:
			j.Fail(
				logSubject(s),
				"the delta files name "+s.Name+", which Magento 1 does not have: each cycle of "+
					"migrate:delta ends with an error",
				"the tool empties the log of every listed table at the end of a cycle: error 1146 for "+s.LogName,
				"Take the document out of the file that delta_document_groups_file names, or give the tool the log "+
					"table that "+
					"it looks for:\n"+
					createLog(
						s,
					),
			)
		case s.View:
			j.Fail(
				logSubject(s),
				s.Name+" is a view: no trigger can log its changes",
				"it is to be logged as the delta files say",
				"Put the table back in place of the view. "+j.again("a table was replaced by a view"),
			)
		case !s.HasLog && len(s.Fires) == 0 && len(s.Elsewhere) == 0:
			j.Fail(
				logSubject(s),
				"changes of "+s.Name+" are not logged: it has neither a log table nor triggers",
				notInstalled(
					s,
				),
				"Make the log table, as the tool's account:\n"+createLog(s)+"\n"+j.recreate(s),
			)
		case s.HasLog && s.Wrong != "" && !guessed && len(s.Lacks) == 0:
			j.Fail(logSubject(s), "the log table "+s.LogName+" is not as the tool needs it", s.Wrong,
				"Rename it away and make it again, as an administrator"+j.logged(s, renameLog(s), createLog(s)))
		}
	}
}

func notInstalled(s delta.Standing) string {
	if s.Read {
		return "migrate:delta stops with \"Deltalog for " + s.Document + " is not installed\""
	}
	return "no step reads this log, but the tool empties it at the end of each cycle: error 1146 then, and no cycle " +
		"is completed"
}

// configuration is what of the tool's configuration cannot be read or understood.
func (j *deltaLogJudge) configuration() {
	if err := j.d.ScopeErr; err != nil {
		remedy := "Set " + j.e.Migration.Key("migration_tool.config") + " to the tool's config.xml, and " +
			j.e.Migration.Key("magento2.root") + ", so that the files that it names are found."
		if errors.Is(err, evidence.ErrHangs) {
			remedy = evidence.HangRemedy
		}
		j.Unknown("configuration", "it is unknown what has to be logged: what is there was compared with itself only",
			err.Error(), remedy)
	}
	for _, p := range j.d.Scope.Problems {
		j.Warn("delta_document_groups_file", "the tool does not read an entry of its delta files as it is written", p,
			"Correct the file that delta_document_groups_file in config.xml names.")
	}
	for _, class := range j.d.Scope.UnknownSteps {
		j.Note(
			"steps",
			"config.xml has a delta step that is not the tool's own: which log tables it reads is not known",
			class,
			"",
		)
	}
}

func (j *deltaLogJudge) notes() {
	if definers := j.d.Log.Definers(); len(definers) > 1 {
		var names []string
		for account, n := range definers {
			names = append(names, fmt.Sprintf("%s (%d)", account, n))
		}
		slices.Sort(names)
		j.Warn("definer", fmt.Sprintf("the triggers run as %d accounts: the log was set up in parts", len(definers)),
			strings.Join(names[:min(len(names), shownIDs)], ", "),
			"Keep all these accounts as long as Magento 1 is in use, and find out who made triggers beside the tool.")
	}
	var unread []string
	for _, s := range j.d.Standings {
		if !s.Read && !s.Rebuilt {
			unread = append(unread, s.Document)
		}
	}
	if len(unread) > 0 {
		j.Note("unread", fmt.Sprintf("no step of config.xml reads the log of %s",
			finding.Counted(len(unread), "table", "tables")),
			strings.Join(unread[:min(len(unread), shownIDs)], ", "), "delta_backlog says when changes wait there.")
	}
}

func (j *deltaLogJudge) samples() {
	if created := j.d.Log.Created(); !created.IsZero() {
		j.Sample(deltaLogCreated, finding.UnixSeconds(created))
	}
	if j.d.LossesErr == nil {
		lost := 0
		for _, l := range j.d.Losses {
			lost += len(l.IDs)
		}
		j.Sample(deltaLostRows, float64(lost))
	}
	if j.hidden && len(j.d.Log.Triggers) == 0 {
		return
	}
	counts := map[delta.State]int{}
	for _, s := range j.d.Standings {
		if !s.Absent {
			counts[s.State()]++
		}
	}
	for _, state := range delta.States() {
		j.Sample(deltaLogTables, float64(counts[state]), state.String())
	}
}
