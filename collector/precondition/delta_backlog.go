package precondition

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/delta"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/privilege"
	"magento_migration_exporter/config"
)

// The metric families of delta_backlog.
const (
	deltaPending       = "delta_pending_rows"
	deltaUndeliverable = "delta_undeliverable_rows"
	deltaRunning       = "delta_running"
	deltaArrival       = "delta_arrival_rows_per_second"
	deltaDelivery      = "delta_delivery_rows_per_second"
	deltaDrain         = "delta_drain_seconds"
)

// deltaBacklog says whether what is pending in the delta log will be in Magento 2 in time.
func deltaBacklog() Precondition {
	return Precondition{
		ID: "delta_backlog", Title: "Delta backlog", Group: GroupCutover,
		Needs:  []Need{Magento1Database, LocalFiles},
		Phases: []config.Phase{config.PhaseDelta, config.PhaseCutover},
		Families: []finding.Family{
			{
				Name: deltaPending, Labels: []string{"group"},
				Help: "Rows of the delta log that the next cycles will deliver, by the group of the migration " +
					"tool's delta " +
					"files; a table counts up to 100001.",
			},
			{
				Name: deltaUndeliverable, Labels: []string{"reason"},
				Help: "Rows of the delta log that are never delivered: unread (no step of config.xml reads the " +
					"table) or " +
					"orphaned (their own row is gone, which is harmless).",
			},
			{Name: deltaRunning, Help: "Whether migrate:delta is at work or sleeps between two cycles (1 yes, 0 no)."},
			{Name: deltaArrival, Help: "Rows that the delta log gets, over at least one whole cycle."},
			{
				Name: deltaDelivery,
				Help: "Rows that migrate:delta delivers while it delivers: the best that was seen, 1000 until then.",
			},
			{
				Name: deltaDrain,
				Help: "Seconds until nothing is pending at these rates; +Inf when more arrives than is delivered.",
			},
		},
		Evaluate: evaluateDeltaBacklog,
	}
}

// deltaBacklogJudge judges one backlog.
type deltaBacklogJudge struct {
	*finding.Verdict
	e *evidence.Evidence
	d *evidence.Delta
	b delta.Backlog
	// cutover is true in that phase.
	cutover bool
}

func evaluateDeltaBacklog(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "nothing is pending"}
	d, ok := e.Delta(ctx, &v)
	switch {
	case !ok:
		return v
	case e.Phase.Phase == "":
		v.Unknown("phase", "it is unknown whether changes have to be delivered by now", fmt.Sprint(e.Phase.Err),
			e.PhaseRemedy())
		return v
	case !d.Log.Exists():
		v.Unknown("delta log", "there is no delta log in which something could be pending", "", "See the precondition "+
			"delta_log.")
		return v
	case d.CountsErr != nil:
		e.Magento1.Broken(&v, "delta log", d.CountsErr)
		return v
	}
	j := &deltaBacklogJudge{Verdict: &v, e: e, d: d, b: d.Backlog, cutover: e.Phase.Phase == config.PhaseCutover}
	j.judge()
	j.chart()
	j.samples()
	return v
}

func (j *deltaBacklogJudge) judge() {
	if j.d.ScopeErr != nil {
		j.Unknown("configuration", "it is unknown which log tables a step reads: all were counted as read",
			j.d.ScopeErr.Error(),
			"Set "+j.e.Migration.Key("migration_tool.config")+" to the tool's config.xml, and "+
				j.e.Migration.Key("magento2.root")+", so that the files that it names are found.")
	}
	if j.d.Empty {
		j.Unknown("source", "Magento 1's logged tables have no rows, so nothing shows that this is the live shop",
			"", "Check that config.xml and "+j.e.Magento1.Key("database")+" name the database of the live Magento 1, "+
				"and not a copy of its structure.")
	}
	j.marked()
	j.unset()
	if j.cutover {
		j.drained()
	} else {
		j.running()
		j.pace()
	}
	j.unread()
	j.orderGrid()
	j.volume()
	j.toolLog()
	j.notes()
}

// bad is a warning in delta and a failure in cutover.
func (j *deltaBacklogJudge) bad(subject, summary, evidence, remedy string) {
	if j.cutover {
		j.Fail(subject, summary, evidence, remedy)
		return
	}
	j.Warn(subject, summary, evidence, remedy)
}

// marked are rows that a delta marked and did not take away. A change that is made to one of them keeps the mark, and
// the next cycle drops it unseen.
func (j *deltaBacklogJudge) marked() {
	if j.b.Marked == 0 || j.d.Activity.Running || !j.d.Activity.Known {
		return
	}
	// A delta that cannot be seen marks rows too, and takes them away at the end of its cycle.
	if j.d.MarkedFor <= j.d.Cycle() && j.d.Run.State != delta.Failed {
		j.Again = max(j.Again, j.d.Cycle()+time.Second)
		return
	}
	lines := []string{"While no migrate:delta runs, as the tool's account:"}
	for _, table := range j.b.MarkedTables[:min(len(j.b.MarkedTables), shownTables)] {
		lines = append(lines, "UPDATE "+database.Quote(table)+" SET processed = 0 WHERE processed = 1;")
	}
	j.bad("processed", fmt.Sprintf(
		"a delta died in the middle: %s marked as processed, and the next cycle drops "+
			"later changes of it unseen",
		finding.Rows(
			j.b.Marked,
			"is",
			"are",
		),
	), strings.Join(j.b.MarkedTables[:min(len(j.b.MarkedTables), shownTables)], ", ")+
		"; "+j.d.Activity.Seen,
		strings.Join(lines, "\n"))
}

// unset are rows without any mark, which no cycle reads.
func (j *deltaBacklogJudge) unset() {
	if j.b.Unset == 0 {
		return
	}
	tables := j.b.UnsetTables[:min(len(j.b.UnsetTables), shownTables)]
	lines := []string{"Let the next cycle read them, as the tool's account:"}
	for _, table := range tables {
		lines = append(lines, "UPDATE "+database.Quote(table)+" SET processed = 0 WHERE processed IS NULL;")
	}
	j.bad("processed", finding.Rows(j.b.Unset, "has", "have")+" NULL in the column processed of the log: no cycle of "+
		"migrate:delta delivers that", strings.Join(tables, ", "), strings.Join(lines, "\n"))
}

// shownTables is how many tables a text names.
const shownTables = 20

// drained judges whether Magento 1 can be left.
func (j *deltaBacklogJudge) drained() {
	switch {
	case len(j.d.Losses) > 0:
		j.Fail(
			"lost changes",
			"the log is not drained: changes were proved lost",
			"",
			"See the precondition delta_log.",
		)
	case j.d.LossesErr != nil:
		j.Unknown("lost changes", "whether changes were lost is unknown", j.d.LossesErr.Error(),
			"See the precondition delta_log, which says why.")
	case j.d.Empty || j.b.Unset > 0: // which was said
	case j.d.Drained:
		j.Summary = "the delta log is drained: nothing was pending over two whole cycles, and Magento 1 is quiet"
	case j.b.Pending+j.b.Marked > 0:
		j.Fail(
			"pending",
			"the log is not drained: "+j.left(),
			j.groups(),
			j.plan()+" "+j.start(),
		)
	default:
		j.Again = max(2*j.d.Cycle()-j.d.QuietFor, 0) + evidence.SecondLook
		j.Fail("pending", "nothing is pending, but not yet over two whole cycles in which Magento 1 was quiet",
			"", "Close Magento 1 (maintenance.flag, cron off) and let migrate:delta end two more cycles.")
	}
}

// left says what has still to leave the log.
func (j *deltaBacklogJudge) left() string {
	var parts []string
	if j.b.Pending > 0 {
		parts = append(parts, waiting(j.b.Pending))
	}
	if j.b.Marked > 0 {
		parts = append(parts, finding.Rows(j.b.Marked, "is", "are")+" marked as processed")
	}
	return strings.Join(parts, ", ")
}

func (j *deltaBacklogJudge) start() string {
	if j.d.Activity.Running {
		return "Wait, with Magento 1 closed."
	}
	return "Close Magento 1 and start the delta:\nbin/magento migrate:delta " + j.configArgument()
}

func (j *deltaBacklogJudge) configArgument() string {
	if j.e.Tool.Path == "" {
		return "<path to config.xml>"
	}
	return j.e.Tool.Path
}

// running warns when rows wait and nobody delivers them. A shop that copies once, closed, needs no delta.
func (j *deltaBacklogJudge) running() {
	a := j.d.Activity
	switch {
	case a.Running || j.b.Pending == 0:
	case a.Hidden:
		j.Unknown("delta", waiting(j.b.Pending)+", and it is unknown whether migrate:delta runs", a.Seen,
			"Let the exporter log in as the tool's account, or let it see its connections, as an administrator of "+
				"Magento 1's server:\nGRANT PROCESS ON *.* TO "+
				privilege.ParseAccount(j.e.Magento1.Session.CurrentUser).Quoted()+";")
	case !a.Known:
		j.Again = max(j.Again, a.Again)
		j.Note("delta", "whether migrate:delta runs shows at the next evaluation", a.Seen, "")
	default:
		j.Warn("delta", fmt.Sprintf("migrate:delta does not run, and %s", waiting(j.b.Pending)),
			strings.Join(append([]string{a.Seen}, j.lastRun()...), "; "),
			"Start it, and let it run until the cutover, so that each cycle stays small:\nbin/magento migrate:delta "+
				j.configArgument())
	}
}

// lastRun says how the last delta ended.
func (j *deltaBacklogJudge) lastRun() []string {
	run := j.d.Run
	var seen []string
	switch {
	case j.d.RunLog == nil && j.d.RunLogErr != nil:
		return []string{"its log: " + j.d.RunLogErr.Error()}
	case run.State == delta.NeverRan:
		return []string{"its log has no run of it"}
	case run.State == delta.Failed:
		seen = append(seen, "it ended with an error at "+finding.Time(run.At)+": "+run.Error)
	case run.State == delta.AtWork:
		seen = append(seen, "it died or was stopped in "+run.Step+" at "+finding.Time(run.At))
	default:
		seen = append(seen, "it was stopped between two cycles at "+finding.Time(run.At))
	}
	if j.d.SQLError != "" && j.d.SQLErrorAt.After(run.At.Add(-time.Minute)) {
		seen = append(seen, "Magento 2's system.log, "+finding.Time(j.d.SQLErrorAt)+": "+j.d.SQLError)
	}
	return seen
}

// pace warns when what is pending would not be delivered in time.
func (j *deltaBacklogJudge) pace() {
	r := j.b.Rates
	if j.b.Pending == 0 || !r.Known {
		return
	}
	switch at := j.e.Migration.Cutover; {
	case j.d.Activity.Running && math.IsInf(r.Drain, 1):
		j.Warn("pace", "migrate:delta does not keep up: more changes arrive than it delivers",
			fmt.Sprintf("%.1f rows a second arrive, %.1f are delivered (%s); %s", r.Arrival, r.Delivery, measured(r),
				j.groups()),
			"Give the delta a faster host or more memory, run it near the databases, and close Magento 1 long enough "+
				"before the "+
				"cutover: "+j.plan())
	case at == nil:
	case j.e.Now.Add(seconds(r.Closed)).After(*at):
		j.Warn(
			"cutover",
			"what is pending would not be delivered by the cutover",
			fmt.Sprintf(
				"the cutover is at %s; %s",
				finding.Time(*at),
				j.groups(),
			),
			"Move the cutover, or close Magento 1 "+
				"earlier: "+j.plan(),
		)
	}
}

// seconds is a duration, at most a year.
func seconds(s float64) time.Duration {
	const year = 365 * 24 * 3600
	return time.Duration(min(s, year) * float64(time.Second))
}

func measured(r delta.Rates) string {
	if r.Measured {
		return "the best that was seen"
	}
	return "a cautious guess, because no delta was seen at work yet"
}

// waiting says how many rows wait.
func waiting(n int) string { return finding.Rows(n, "waits", "wait") }

func (j *deltaBacklogJudge) groups() string {
	var texts []string
	for _, g := range j.b.Groups {
		if g.Pending > 0 {
			more := ""
			if g.Capped {
				more = "more than "
			}
			texts = append(texts, fmt.Sprintf("%s %s%d", g.Name, more, g.Pending))
		}
	}
	return "pending by group: " + strings.Join(texts, ", ")
}

// plan says in words how long draining takes.
func (j *deltaBacklogJudge) plan() string {
	r := j.b.Rates
	low := seconds(r.Closed)
	return fmt.Sprintf("At %s rows a second (%s) %s; after Magento 1 closes, draining takes about %s to %s; order "+
		"grids: run migrate:delta with a memory_limit of at least 2G, or fewer than %s changed orders of a cycle "+
		"are refreshed.",
		finding.Grouped(int(r.Delivery)), measured(r), waiting(j.b.Pending), finding.Duration(low),
		finding.Duration(low*3/2), finding.Grouped(gridPage))
}

// chart is the course of the backlog, for the page.
func (j *deltaBacklogJudge) chart() {
	pending, arrival, delivery := finding.Line{Name: "pending"}, finding.Line{Name: "arrive"},
		finding.Line{Name: "are delivered at most"}
	for _, p := range j.b.Points {
		pending.Points = append(pending.Points, finding.Point{At: p.At, Value: float64(p.Pending)})
		if p.ArrivalKnown {
			arrival.Points = append(arrival.Points, finding.Point{At: p.At, Value: p.Arrival})
		}
		if p.DeliveryKnown {
			delivery.Points = append(delivery.Points, finding.Point{At: p.At, Value: p.Delivery})
		}
	}
	j.Chart = &finding.Chart{
		Title: "Rows of the delta log over the last day",
		Panels: []finding.Panel{
			{Unit: "rows", Lines: []finding.Line{pending}},
			{Unit: "rows a second", Lines: []finding.Line{arrival, delivery}},
		},
	}
	if j.b.Pending > 0 {
		j.Chart.Caption = j.plan()
	}
}

// unread are tables whose log nobody reads: a loss.
func (j *deltaBacklogJudge) unread() {
	for _, w := range j.b.Unread {
		meaning := w.Meaning
		if meaning == "" {
			meaning = "these changes do not reach Magento 2"
		}
		j.Warn(
			w.Document,
			fmt.Sprintf("%s in %s, which no step of config.xml reads: %s", waiting(w.Rows), w.LogName,
				meaning),
			"the mode delta of config.xml has no step for the group "+w.Group,
			"Add the step to the mode delta, if the tool has it (TierPrice, ConfigurablePrices, UrlRewrite), or "+
				"copy what "+
				"changed by hand before the cutover.",
		)
	}
}

const (
	// gridColumns and gridBytes are what the tool divides memory_limit by for a page of orders.
	gridColumns, gridBytes = 138, 3000
	// gridMemory is a memory_limit of 2G.
	gridMemory = 2 << 30
	// gridPage is how many orders a page then has.
	gridPage = (gridMemory + gridColumns*gridBytes - 1) / (gridColumns * gridBytes)
)

// orderGrid predicts that a cycle has more changed orders than the grid is refreshed for: its first page only.
func (j *deltaBacklogJudge) orderGrid() {
	if j.b.Orders <= gridPage {
		return
	}
	j.Warn(
		"order grid",
		fmt.Sprintf("%d changed orders wait: the tool refreshes Magento 2's order grid for the "+
			"first page of a cycle only",
			j.b.Orders),
		fmt.Sprintf("with a memory_limit of 2G a page has %d orders", gridPage),
		"Let migrate:delta run all the time, so that a cycle stays small. Give its php as much memory as it takes, "+
			"and "+
			"no small bulk_size; "+
			"orders that stay stale are refreshed when they are changed in Magento 1 again.",
	)
}

// volume shows the volume check's warnings of the last whole cycle. Most mean little; a table that is empty in
// Magento 1 and not in Magento 2 was truncated, which no trigger logs.
func (j *deltaBacklogJudge) volume() {
	var noise []string
	for _, w := range j.d.Run.Warnings {
		document, truncated := truncatedDocument(w)
		switch {
		case truncated:
			j.Warn(
				document,
				document+" is empty in Magento 1 and not in Magento 2: it was truncated, which no trigger logs",
				"migration.log: "+w,
				"Empty it in Magento 2 as well, if that was meant.",
			)
		case len(noise) < shownTables:
			noise = append(noise, w)
		}
	}
	if len(noise) > 0 {
		j.Note("volume check", "the volume check of the last cycle has warnings, which deleted orders and saved "+
			"products leave for ever",
			strings.Join(noise, "; "), "")
	}
}

// toolLog says what of the tool's own log cannot be read. It is only one of the signs of a delta.
func (j *deltaBacklogJudge) toolLog() {
	const subject = "migration.log"
	switch err := j.d.RunLogErr; {
	case errors.Is(err, evidence.ErrNoLog):
		j.Note(
			subject,
			"the tool's own log is not read",
			err.Error(),
			"Set "+j.e.Migration.Key("migration_tool.config")+
				" and "+j.e.Migration.Key("magento2.root")+", if the tool runs on this host.",
		)
	case errors.Is(err, fs.ErrNotExist):
		j.Note(subject, "the tool's own log does not exist, so it is unknown how the last run ended", err.Error(), "")
	case errors.Is(err, evidence.ErrHangs):
		j.Warn(subject, "the tool's own log cannot be read", err.Error(), evidence.HangRemedy)
	case err != nil:
		j.Warn(subject, "the tool's own log cannot be read", err.Error(),
			"Let the user that the exporter runs as read it, or correct log_file in config.xml.")
	case j.d.RunLog != nil && j.d.RunLog.Size > 0 && len(j.d.RunLog.Lines) == 0:
		j.Warn(subject, "the end of the tool's own log has no line as the tool writes them", j.d.RunLog.File,
			"Look at the file: the tool writes UTF-8. Move it away if something else wrote it, or correct log_file in "+
				"config.xml.")
	}
}

// truncatedDocument reads a warning like: Mismatch of entities in the document: wishlist Source: 0 Destination: 12.
func truncatedDocument(warning string) (document string, ok bool) {
	rest, ok := strings.CutPrefix(warning, "Mismatch of entities in the document: ")
	if !ok {
		return "", false
	}
	document, counts, ok := strings.Cut(rest, " ")
	return document, ok && strings.HasPrefix(counts, "Source: 0 Destination: ") && !strings.HasSuffix(counts, " 0")
}

func (j *deltaBacklogJudge) notes() {
	if j.b.Pending > 0 {
		j.Note("plan", j.plan(), j.groups(), "")
		if j.Summary == "nothing is pending" {
			j.Summary = waiting(j.b.Pending) + " for the next cycle"
		}
	}
	if j.b.Orphaned > 0 {
		j.Note("orphaned", fmt.Sprintf("%s for ever, which is harmless: what they stand for was deleted with what it "+
			"belonged to",
			finding.Rows(j.b.Orphaned, "of the log stays", "of the log stay")), "", "")
	}
	if j.d.Activity.Known && j.d.Activity.Running {
		j.Note("delta", "migrate:delta runs", j.d.Activity.Seen, "")
	}
}

func (j *deltaBacklogJudge) samples() {
	if j.d.ScopeErr == nil {
		for _, g := range j.b.Groups {
			j.Sample(deltaPending, float64(g.Pending), g.Name)
		}
		unread := 0
		for _, w := range j.b.Unread {
			unread += w.Rows
		}
		j.Sample(deltaUndeliverable, float64(unread), "unread")
		j.Sample(deltaUndeliverable, float64(j.b.Orphaned), "orphaned")
	}
	if j.d.Activity.Known {
		j.Sample(deltaRunning, finding.Bool(j.d.Activity.Running))
	}
	if j.b.Rates.Known {
		j.Sample(deltaArrival, j.b.Rates.Arrival)
		j.Sample(deltaDrain, j.b.Rates.Drain)
	}
	j.Sample(deltaDelivery, j.b.Rates.Delivery)
}
