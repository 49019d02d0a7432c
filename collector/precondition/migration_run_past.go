package precondition

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/delta"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/progress"
)

// past judges what the tool's earlier runs did.
func (j *runJudge) past(r *evidence.Runs) {
	switch {
	case r.LogErr != nil:
		j.Unknown(
			"log",
			"it is unknown how the tool's earlier runs ended: its log cannot be read",
			r.LogErr.Error(),
			"Set "+j.e.Migration.Key(
				"magento2.root",
			)+", or "+j.key(
				"log",
			)+" to the tool's log, and let the exporter's user "+
				"read it.",
		)
		return
	case !r.Whole:
		j.Incomplete = true
		j.Unknown("log", "the tool's log has not been read to its end yet", r.Log,
			"Wait: each evaluation continues where the last one ended.")
		return
	}
	latest := latestMode(r)
	if latest < 0 && j.e.Phase.Migrated() {
		j.Unknown(
			"log",
			"it is unknown how the tool's earlier runs ended: its log has no line of one, although the phase "+
				"is "+string(j.e.Phase.Phase),
			"no run in "+r.Log,
			"Set "+j.key("log")+" to the log that the tool wrote, if it is another file or was rotated. If it is "+
				"lost, check that the last run ended well, and add a waiver for this.",
		)
	}
	for i, run := range r.History.Runs {
		if !run.Ran() {
			continue
		}
		j.Sample(toolLastRun, finding.UnixSeconds(run.At), run.Mode)
		working := i == latest && (r.Working || !r.Known)
		if !working || run.Completed {
			j.Sample(toolLastRunOK, finding.Bool(run.Completed), run.Mode)
		}
		j.run(r, run, i == latest, slices.ContainsFunc(r.History.Runs[:i], func(earlier delta.ModeRun) bool {
			return earlier.At.After(run.At)
		}))
	}
}

// latestMode is the index of the mode that ran last, -1 when none has.
func latestMode(r *evidence.Runs) int {
	latest := -1
	for i, run := range r.History.Runs {
		if run.Ran() && (latest < 0 || run.At.After(r.History.Runs[latest].At)) {
			latest = i
		}
	}
	return latest
}

// run judges the last run of one mode. Last is true when no other mode ran later. Over is true when a mode that comes
// before it was run again: then it has to be run again as well.
func (j *runJudge) run(r *evidence.Runs, run delta.ModeRun, last, over bool) {
	subject, command := "last migrate:"+run.Mode, "migrate:"+run.Mode
	words := j.words(r, run)
	switch {
	case run.Completed:
		j.Note(subject, "the last "+command+" was completed", words, "")
	case over:
		j.Note(subject, "the last "+command+" did not end well; an earlier mode was run again since", words, "")
	case last && r.Working:
		j.Note(subject, command+" is at work: "+r.Seen, words, "")
	case last && !r.Known:
		j.Again = max(j.Again, delta.DefaultCycle)
		j.Unknown(subject, "it is unknown whether "+command+" is at work or has died", words+"; "+r.Seen,
			"Wait for the next evaluation. If it stays so, look for the process where the tool runs.")
	default:
		j.ended(subject, r, run, words)
	}
}

// ended judges a run that did not come to its end.
func (j *runJudge) ended(subject string, r *evidence.Runs, run delta.ModeRun, words string) {
	command := "migrate:" + run.Mode
	f := finding.Finding{Status: finding.Fail, Subject: subject, Evidence: words, Remedy: j.wayOn(r, run)}
	cause := j.sqlError(r, run)
	where := fmt.Sprintf("in %s (%s)", run.Step, run.Stage)
	switch {
	case run.Refused || run.Stage == delta.StageIntegrity && run.ErrorCount > 0:
		f.Summary = "the last " + command + " stopped after its integrity check"
	case run.Failed:
		f.Summary = fmt.Sprintf("the last %s ended with an error %s: %s", command, where, run.Errors[len(run.Errors)-1])
	case cause != "":
		f.Summary = fmt.Sprintf("the last %s died %s: %s", command, where, cause)
	case r.SQLErrorErr != nil && run.Mode == delta.ModeData: // the cause decides how to go on
		f.Summary = "the last " + command + " died or was killed " + where
		j.e.Magento2.Unreadable(j.Verdict, subject+" in system.log", "it is unknown why the last "+command+
			" died: Magento 2's system.log cannot be read", r.SQLErrorErr)
	case run.Mode == delta.ModeDelta: // a person who stops it leaves the same lines
		f.Status = finding.Warn
		f.Summary = "the last " + command + " died or was stopped " + where
	default:
		f.Summary = "the last " + command + " died or was killed " + where
	}
	switch {
	case j.e.Phase.Phase != config.PhasePrepare:
	case f.Status == finding.Fail: // nothing is lost yet, and other preconditions say what will stop the next run
		f.Status = finding.Warn
	}
	j.Add(f)
}

// sqlError returns the database's exception that ended a run: one that was logged after its last line, and before
// another run.
func (j *runJudge) sqlError(r *evidence.Runs, run delta.ModeRun) string {
	if r.SQLError == "" || r.SQLErrorAt.Before(run.At.Add(-time.Second)) {
		return ""
	}
	for _, other := range r.History.Runs {
		if other.Mode != run.Mode && other.Began.After(run.At) && r.SQLErrorAt.After(other.Began) {
			return ""
		}
	}
	return r.SQLError
}

// words are the tool's own about a run, and what it has left behind.
func (j *runJudge) words(r *evidence.Runs, run delta.ModeRun) string {
	parts := []string{fmt.Sprintf("began %s, last line %s in %s, %s: %s", finding.Time(run.Began), finding.Time(run.At),
		run.Stage, run.Step, run.Last)}
	if run.Completed {
		return parts[0]
	}
	if run.ErrorCount > 0 {
		text := strings.Join(run.Errors, "; ")
		if more := run.ErrorCount - len(run.Errors); more > 0 {
			text += fmt.Sprintf("; %d more", more)
		}
		parts = append(parts, "errors: "+text)
	}
	if cause := j.sqlError(r, run); cause != "" {
		parts = append(parts, "system.log at "+finding.Time(r.SQLErrorAt)+": "+cause)
	}
	if run.Mode == delta.ModeData {
		parts = append(parts, j.leftBehind(r)...)
	}
	return strings.Join(parts, "; ")
}

// leftBehind says what a migrate:data that died leaves.
func (j *runJudge) leftBehind(r *evidence.Runs) []string {
	var parts []string
	if len(r.Backups) > 0 {
		parts = append(parts, "left behind: "+strings.Join(r.Backups, ", "))
	}
	lock, err := j.e.Files.Progress()
	if err != nil {
		return append(parts, "the progress file cannot be read: "+err.Error())
	}
	if n := len(lock.Steps); n == 0 {
		return append(parts, "the progress file is empty: nothing is noted as done")
	}
	return append(parts, "the progress file ends with "+lastNoted(lock))
}

// lastNoted is the last thing that the progress file has: the step, and the table for a step that notes its tables.
func lastNoted(lock *progress.Lock) string {
	step := lock.Steps[len(lock.Steps)-1]
	for _, stage := range step.Stages {
		if n := len(stage.Process); n > 0 && !lock.Done(step.Class, delta.StageData) {
			return fmt.Sprintf("%s, %s, the last is %s", step.Class, finding.Counted(n, "table", "tables"),
				stage.Process[n-1])
		}
	}
	return step.Class
}

// The ways to go on, as the tool was seen to need them.
const (
	runAgain = "then run the same command again without --reset: it goes on where the progress file ends."
	startNew = "restore Magento 2 from its backup, then run migrate:settings --reset and migrate:data --reset. What " +
		"was copied cannot be copied a second time."
)

// wayOn says how to go on after a run that did not end well.
func (j *runJudge) wayOn(r *evidence.Runs, run delta.ModeRun) string {
	cause := j.sqlError(r, run)
	switch {
	case run.Mode == delta.ModeDelta:
		return "Fix the cause, and start migrate:delta again. What it had marked and not delivered is what the " +
			"precondition delta_backlog reports."
	case run.Mode == delta.ModeSettings:
		return "Fix the cause, and run migrate:settings again: it replaces what it has written."
	case run.Stage == delta.StageIntegrity:
		return "Nothing was copied. Fix what the precondition migration_tool lists, or run it with --auto; " + runAgain
	case run.Stage == delta.StageTriggers:
		return "No row was copied. Fix what the preconditions privileges and binlog_trust report; " + runAgain
	case strings.Contains(cause, "1153"):
		return "Raise max_allowed_packet as the findings about statements say; " + runAgain
	case strings.Contains(cause, "1062") && strings.Contains(run.Step, "EAV"):
		return "Fix the duplicate in Magento 1 that the error names; " + startNew
	case j.lockLost():
		return "The progress file does not know what was copied: " + startNew
	}
	return "Fix the cause; " + runAgain + " If it dies there again, " + startNew
}

// lockLost reports whether rows were copied that the progress file does not know of.
func (j *runJudge) lockLost() bool {
	lock, err := j.e.Files.Progress()
	return (evidence.Missing(err) || err == nil && len(lock.Steps) == 0) && j.e.Phase.Phase != config.PhasePrepare
}
