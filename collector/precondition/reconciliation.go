package precondition

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/reconcile"
	"magento_migration_exporter/config"
)

// The metric families of reconciliation.
const (
	reconciliationRows  = "reconciliation_rows"
	reconciliationEqual = "reconciliation_equal"
	gridStaleRows       = "grid_stale_rows"
)

// reconciliation says whether Magento 2 holds what Magento 1 holds.
func reconciliation() Precondition {
	return Precondition{
		ID: "reconciliation", Title: "Reconciliation", Group: GroupCutover,
		Needs:  []Need{Magento1Database, Magento2Database, LocalFiles},
		Phases: []config.Phase{config.PhaseMigrate, config.PhaseDelta, config.PhaseCutover},
		Families: []finding.Family{
			{
				Name: reconciliationRows, Labels: []string{"system", "entity"},
				Help: "Rows of an entity in each system.",
			},
			{
				Name: reconciliationEqual, Labels: []string{"entity"},
				Help: "Whether counts, maxima, sums and checksums of an entity agree, apart from what waits in the " +
					"delta " +
					"log (1 yes, 0 no).",
			},
			{
				Name: gridStaleRows, Labels: []string{"entity"},
				Help: "Rows of Magento 2's grid that are missing or old; it stops at 10001.",
			},
		},
		Evaluate: evaluateReconciliation,
	}
}

// reconciliationJudge judges one comparison.
type reconciliationJudge struct {
	*finding.Verdict
	e *evidence.Evidence
	r *evidence.Reconciliation
	// sells is true when Magento 2 has taken orders of its own.
	sells bool
}

func evaluateReconciliation(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "Magento 2 holds what Magento 1 holds"}
	if e.Phase.Phase == "" {
		v.Unknown("phase", "it is unknown whether Magento 2 has to hold Magento 1's data by now",
			fmt.Sprint(e.Phase.Err), e.PhaseRemedy())
		return v
	}
	r, ok := e.Reconcile(ctx, &v)
	if !ok {
		return v
	}
	j := &reconciliationJudge{Verdict: &v, e: e, r: r}
	for _, o := range r.Outcomes {
		j.sells = j.sells || o.Pair.Document == "sales_flat_order" && o.Own > 0
	}
	j.samples()
	if e.Phase.Phase == config.PhaseMigrate {
		j.progress()
		return v
	}
	v.Incomplete = r.Open
	if r.Again > 0 {
		v.Again = r.Again + evidence.SecondLook
	}
	j.judge()
	return v
}

// progress shows how far migrate:data is. It judges nothing: rows are missing until it has ended.
func (j *reconciliationJudge) progress() {
	var texts []string
	for _, o := range j.r.Outcomes {
		if o.Pair.Main() && o.Looked && o.Err == nil && o.Counted {
			texts = append(texts, fmt.Sprintf("%s %d of %d", o.Pair.Many, o.Rows[1], o.Rows[0]))
		}
	}
	j.Summary = "migrate:data has not ended; nothing is judged yet"
	if len(texts) > 0 {
		j.Note("progress", "Magento 2 has "+strings.Join(texts, ", "), "", "")
	}
}

func (j *reconciliationJudge) judge() {
	for _, o := range j.r.Outcomes {
		j.unread(o)
		for _, d := range o.Differences {
			if o.Pair.Level != reconcile.Uncovered {
				j.difference(o, d)
			}
		}
	}
	j.grids()
	j.uncovered()
	j.unlisted()
	j.sequences()
	j.inventory()
	j.urlPaths()
	j.rewrites()
	j.unfinished()
	j.notCompared()
	j.notes()
}

// unread reports a pair that could not be compared.
func (j *reconciliationJudge) unread(o reconcile.Outcome) {
	switch {
	case o.Err != nil:
		j.Unknown(o.Pair.Document, o.Pair.Many+" could not be compared", o.Err.Error(),
			"Run CHECK TABLE "+database.Quote(o.Tables[0])+" and CHECK TABLE "+database.Quote(o.Tables[1])+
				" in their databases, and look at what the account may read.")
	case o.Lost > 0:
		j.Unknown(o.Pair.Document, finding.Counted(o.Lost, "row of ", "rows of ")+o.Pair.Many+" could not be compared",
			"the server could not compute their checksum; a row may be longer than its max_allowed_packet",
			"Raise max_allowed_packet on both servers, for example:\nSET GLOBAL max_allowed_packet = 268435456;")
	case o.Hidden:
		j.Unknown(o.Pair.Document, "so many "+o.Pair.Many+" differ for a known reason that others were not looked at",
			j.tables(o)+"; the rows that were found have other times in Magento 2, which it sets itself",
			"Compare these two tables by hand.")
	case o.Unfound:
		j.Unknown(o.Pair.Document, o.Pair.Many+" differ, but no row was found that does",
			fmt.Sprintf("%s and %s have %d and %d rows and different checksums", o.Tables[0], o.Tables[1], o.Rows[0],
				o.Rows[1]), "Compare the two tables by hand, and report it to the exporter's maintainers.")
	}
}

// difference reports rows that differ, with nothing pending.
func (j *reconciliationJudge) difference(o reconcile.Outcome, d reconcile.Difference) {
	summary := describe(d)
	evidence := j.tables(o) + "; seen in two looks"
	switch {
	case j.r.LogErr != nil:
		j.Unknown(o.Pair.Entity, summary+"; whether they wait in the delta log is unknown", j.r.LogErr.Error(),
			"Fix what the precondition delta_log says.")
		return
	case o.Pair.Level == reconcile.Grid:
		return // in grids
	case j.sells && j.e.Phase.Phase == config.PhaseCutover && d.Later:
		j.Note(o.Pair.Entity, summary+"; Magento 2 sells, and changed them later than Magento 1", evidence, "")
		return
	}
	if d.Later {
		evidence += "; Magento 2's rows are the younger ones: they were changed there"
	}
	f := finding.Finding{
		Status: finding.Warn, Subject: o.Pair.Entity, Summary: summary + "; nothing is pending", Evidence: evidence,
		Remedy: j.remedy(o, d),
	}
	if o.Pair.Level == reconcile.Fail {
		f.Status = finding.Fail
		if j.sells && j.e.Phase.Phase == config.PhaseCutover && d.Kind == reconcile.Changed && o.Pair.Document ==
			"cataloginventory_stock_item" {
			f.Status = finding.Warn
			f.Evidence += "; Magento 2 sells already, so that this can be its own change"
		}
	}
	j.Add(f)
}

func (j *reconciliationJudge) tables(o reconcile.Outcome) string {
	return fmt.Sprintf("%s has %d rows in %s, %s has %d in %s", j.e.Magento1.Label(), o.Rows[0], o.Tables[0],
		j.e.Magento2.Label(), o.Rows[1], o.Tables[1])
}

// describe says which rows differ, and how.
func describe(d reconcile.Difference) string {
	what, is, differ := d.Pair.Many, "are", "differ"
	if d.Count == 1 && !d.More {
		what, is, differ = d.Pair.One, "is", "differs"
	}
	number := fmt.Sprint(d.Count)
	if d.More {
		number = "at least " + number
	}
	ids := strings.Join(d.Shown, ", ")
	if d.Count > len(d.Shown) {
		ids += ", …"
	}
	columns := ""
	if len(d.Columns) > 0 {
		columns = " in " + strings.Join(d.Columns, ", ")
	}
	switch {
	case d.Kind == reconcile.Missing && columns != "":
		return fmt.Sprintf("%s %s without %s in Magento 2: %s", number, what, strings.Join(d.Columns, ", "), ids)
	case d.Kind == reconcile.Missing:
		return fmt.Sprintf("%s %s of Magento 1 %s not in Magento 2: %s", number, what, is, ids)
	case d.Kind == reconcile.Extra && columns != "":
		return fmt.Sprintf("%s %s with %s in Magento 2 only: %s", number, what, strings.Join(d.Columns, ", "), ids)
	case d.Kind == reconcile.Extra:
		return fmt.Sprintf("%s %s of Magento 2 %s not in Magento 1: %s", number, what, is, ids)
	}
	return fmt.Sprintf("%s %s %s%s: %s", number, what, differ, columns, ids)
}

// remedy says how rows that differ get to Magento 2.
func (j *reconciliationJudge) remedy(o reconcile.Outcome, d reconcile.Difference) string {
	switch {
	case d.Kind == reconcile.Extra:
		return "Find out why the delta did not delete them: delta_log says what it lost. Delete them in Magento 2 " +
			"if Magento 1 really has none."
	case j.r.Covered[o.Pair.Document]:
		return "Find out why the delta did not deliver them: delta_log says what it lost. Then put them into the " +
			"log again, as the tool's account, so that the next cycle delivers them" + others(d.Count, d.Keys) + ":\n" +
			j.relog(o, d)
	}
	return "The delta does not deliver this table, so no later run fixes it: copy the rows by hand, or restore " +
		"Magento 2's backup and run migrate:data again. Otherwise waive " + o.Pair.Entity + "."
}

// others says that a statement is for the first rows only; it is empty where it is for all.
func others(count int, keys []int64) string {
	if count <= len(keys) {
		return ""
	}
	return " (later evaluations name the rows behind these)"
}

// relog is the statement that logs rows of Magento 1 again.
func (j *reconciliationJudge) relog(o reconcile.Outcome, d reconcile.Difference) string {
	l := j.r.Logs[o.Pair.Document]
	var keys []string
	for _, k := range l.Keys {
		keys = append(keys, database.Quote(k))
	}
	columns := strings.Join(keys, ", ")
	return fmt.Sprintf("INSERT INTO %s (%s, `operation`) SELECT %[2]s, 'UPDATE' FROM %[3]s WHERE %[4]s IN (%[5]s) "+
		"ON DUPLICATE KEY UPDATE `operation` = 'UPDATE', `processed` = 0;",
		database.Quote(l.Name), columns, database.Quote(l.Table), database.Quote(o.Pair.Key), joined(d.Keys))
}

// grids reports Magento 2's grids, which are filled for the first page of a cycle only.
func (j *reconciliationJudge) grids() {
	for _, o := range j.r.Outcomes {
		if o.Pair.Level != reconcile.Grid || len(o.Differences) == 0 || j.r.LogErr != nil {
			continue
		}
		var ids []string
		var keys []int64
		for _, d := range o.Differences {
			if d.Kind != reconcile.Extra {
				ids, keys = append(ids, d.Shown...), append(keys, d.Keys...)
			}
		}
		subject := o.Pair.Entity + " grid"
		if len(ids) == 0 {
			j.Note(subject, "Magento 2's grid of "+o.Pair.Many+" has rows that its own table lacks", "", "")
			continue
		}
		j.Warn(subject, "Magento 2's grid of "+o.Pair.Many+" lacks rows or shows an old state: "+
			finding.Count(max(o.Stale, len(ids))),
			fmt.Sprintf("%s against %s: %s; nothing is pending", o.Tables[1], o.Tables[0],
				strings.Join(ids[:min(len(ids), reconcile.MaxShown)], ", ")), gridRemedy(o, keys))
	}
}

// gridRemedy says how a grid is filled again. A cycle of the tool refreshes its first page only.
func gridRemedy(o reconcile.Outcome, keys []int64) string {
	return "Let the delta run all the time, so that a cycle stays small, and change these once more in Magento 1. Or " +
		"remove them from the grid" + others(o.Stale, keys) + ", and let Magento 2's cron fill it: that adds what " +
		"the grid lacks, once grids are indexed asynchronously:\nbin/magento config:set dev/grid/async_indexing 1\n" +
		fmt.Sprintf("DELETE FROM %s WHERE %s IN (%s);",
			database.Quote(o.Tables[1]), database.Quote(o.Pair.Key), joined(keys))
}

// uncovered reports what the delta never delivers, as one warning.
func (j *reconciliationJudge) uncovered() {
	var what, evidence, meanings []string
	for _, o := range j.r.Outcomes {
		if o.Pair.Level != reconcile.Uncovered || len(o.Differences) == 0 {
			continue
		}
		what = append(what, o.Pair.Many)
		for _, d := range o.Differences {
			evidence = append(evidence, describe(d))
		}
		if meaning := o.Pair.Many + ": " + o.Pair.Meaning; !slices.Contains(meanings, meaning) {
			meanings = append(meanings, meaning)
		}
	}
	for _, l := range j.listed() {
		if said := l.describe(); said != "" {
			what, evidence = append(what, l.what), append(evidence, said)
			meanings = append(meanings, l.what+": "+l.meaning)
		}
	}
	if len(what) == 0 {
		return
	}
	j.Warn(
		"uncovered",
		"what the delta never delivers differs: "+strings.Join(what, ", "),
		strings.Join(evidence, "; "),
		"Copy these by hand before the cutover, or make the same changes in Magento 2's administration. What it "+
			"means "+
			"otherwise:\n"+strings.Join(meanings, "\n"),
	)
}

// listed is what is compared by names.
type listed struct {
	reconcile.Listed
	what, one, many, meaning string
	// readable is what has to be readable for it.
	readable string
}

func (j *reconciliationJudge) listed() []listed {
	t := j.r.Traces
	return []listed{
		{
			t.Settings, "configuration", "setting", "settings",
			"Magento 2 works with the old settings, or without them. Values are not shown: compare them by path",
			"Let the tool's accounts read core_config_data in both databases, and the exporter's user the file that " +
				"settings_map_file in config.xml names; see the precondition migration_tool.",
		},
		{
			t.Attributes, "attributes and their sets", "attribute or attribute set", "attributes or attribute sets",
			"values of these are not delivered, or are another thing in Magento 2",
			"Let the tool's accounts read eav_attribute, eav_attribute_set and eav_entity_type in both databases.",
		},
	}
}

// describe names what differs, "" for nothing.
func (l listed) describe() string {
	var said []string
	if n := len(l.Missing); n > 0 {
		said = append(said, fmt.Sprintf("%s of Magento 1 %s not in Magento 2: %s", finding.Counted(n, l.one, l.many),
			isOrAre(n), firstOf(l.Missing)))
	}
	if n := len(l.Different); n > 0 {
		differ := "differ"
		if n == 1 {
			differ = "differs"
		}
		said = append(said, fmt.Sprintf("%s %s: %s", finding.Counted(n, l.one, l.many), differ, firstOf(l.Different)))
	}
	return strings.Join(said, "; ")
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// firstOf names the first of a list.
func firstOf(names []string) string {
	if len(names) > reconcile.MaxShown {
		return strings.Join(names[:reconcile.MaxShown], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// unlisted reports settings and attributes that could not be compared, and notes what is not compared of them.
func (j *reconciliationJudge) unlisted() {
	if j.r.TracesErr != nil {
		return
	}
	for _, l := range j.listed() {
		if l.Err != nil {
			j.Unknown(l.what, "the "+l.what+" cannot be compared", l.Err.Error(),
				l.readable)
		}
	}
	s := j.r.Traces.Settings
	if len(s.Later) > 0 {
		j.Note("configuration", "settings differ that were changed in Magento 2 after migrate:settings",
			firstOf(s.Later), "")
	}
	if s.Uncompared > 0 {
		j.Note("configuration", "settings that the tool writes in another form are not compared: "+
			finding.Count(s.Uncompared), "encrypted and serialized values", "")
	}
}

// sequences reports stores that have no numbers: the step that makes them did not run, or not to its end.
func (j *reconciliationJudge) sequences() {
	t := j.r.Traces
	if j.r.TracesErr != nil || !t.Sequences || len(t.Lacking) == 0 {
		return
	}
	j.Fail(
		"sequences",
		fmt.Sprintf("Magento 2 has no number sequences for %d of its stores: the last steps of migrate:data "+
			"did not run", len(t.Lacking)),
		"sales_sequence_meta lacks types of documents for the store ids "+numbers(t.Lacking),
		"Let migrate:data end: run it again without --reset, so that it continues where it stopped.",
	)
}

// numbers names the first ids of a list.
func numbers(ids []int64) string {
	if len(ids) > reconcile.MaxShown {
		return joined(ids[:reconcile.MaxShown]) + ", …"
	}
	return joined(ids)
}

// joined lists ids as SQL takes them.
func joined(ids []int64) string {
	var texts []string
	for _, id := range ids {
		texts = append(texts, strconv.FormatInt(id, 10))
	}
	return strings.Join(texts, ", ")
}

// inventory reports products whose stock Magento 2's sources do not have.
func (j *reconciliationJudge) inventory() {
	v := j.r.Traces.Inventory
	if j.r.TracesErr != nil || !v.Known {
		return
	}
	const remedy = "The tool's Inventory step fills inventory_source_item. Let migrate:data end, or save these " +
		"products' stock in " +
		"Magento 1 again, so that the next cycle delivers it."
	if n := len(v.Missing); n > 0 {
		j.Fail(
			"stock",
			fmt.Sprintf("products with a stock item and without a source in Magento 2, which cannot be sold: %d", n),
			"inventory_source_item lacks the products "+numbers(v.Missing)+"; nothing is pending",
			remedy,
		)
	}
	if n := len(v.Different); n > 0 {
		add := j.Fail
		if j.sells {
			add = j.Warn
		}
		add("stock", fmt.Sprintf("products with another quantity in Magento 2's source than in its stock item: "+
			"%d", n),
			"inventory_source_item and cataloginventory_stock_item differ for the products "+numbers(v.Different)+
				"; nothing is pending", remedy)
	}
}

// urlPaths reports that the last step did not remove what Magento 2 must not have. Products that are saved in Magento 1
// bring some back, which is harmless.
func (j *reconciliationJudge) urlPaths() {
	p := j.r.Traces.URLPaths
	if j.r.TracesErr != nil || !p.Known || p.Rows[1] == 0 {
		return
	}
	evidence := fmt.Sprintf(
		"Magento 1 has %s of them, Magento 2 %s",
		finding.Count(p.Rows[0]),
		finding.Count(p.Rows[1]),
	)
	if p.Rows[1] < p.Rows[0] {
		j.Note("url_path", "Magento 2 has url_path values of products, which saved products bring back", evidence, "")
		return
	}
	j.Warn(
		"url_path",
		"Magento 2 has all url_path values of products: the last step of migrate:data did not run",
		evidence,
		"Let migrate:data end: run it again without --reset, so that it continues where it stopped.",
	)
}

func (j *reconciliationJudge) rewrites() {
	w := j.r.Traces.Rewrites
	switch {
	case j.r.TracesErr != nil:
		j.Unknown("traces", "what the last steps of migrate:data left could not be read", j.r.TracesErr.Error(),
			"Look at what the account may read, and run CHECK TABLE on the table that the error names.")
	case len(j.r.Traces.Lacks) > 0:
		j.Unknown("url_rewrite", "URL rewrites cannot be compared: "+strings.Join(j.r.Traces.Lacks, ", "), "",
			"Find out where the table is: restore it, correct the prefix, or let the account read it.")
	case !w.Known || w.Pending || w.Looks < 2:
	default:
		j.Warn("url_rewrite", rewritesDiffer(w),
			fmt.Sprintf("Magento 1 has %d, Magento 2 %d without those of CMS pages; url_rewrite_id in Magento 1: %s; "+
				"in Magento 2: %s; nothing is pending", w.Rows[0], w.Rows[1], numbers(w.Missing), numbers(w.Extra)),
			"Addresses that are missing answer with 404. Add the tool's UrlRewrite step to the mode delta, or "+
				"regenerate the rewrites in Magento 2 by saving the products and categories.")
	}
}

// rewritesDiffer says how many URL rewrites differ, where that is known.
func rewritesDiffer(w reconcile.Rewrites) string {
	least := ""
	switch {
	case w.MissingCount+w.ExtraCount == 0:
		return "URL rewrites differ, and have other ids in Magento 2"
	case w.More:
		least = "at least "
	}
	return fmt.Sprintf("URL rewrites differ: Magento 2 lacks %s%d of Magento 1, and has %s%d others", least,
		w.MissingCount, least, w.ExtraCount)
}

// unfinished says what was not compared yet.
func (j *reconciliationJudge) unfinished() {
	var open, seen []string
	looked := 0
	for _, o := range j.r.Outcomes {
		if o.Looked || o.Err != nil {
			looked++
		}
		if o.Looked && o.Progress < 1 {
			open = append(open, fmt.Sprintf("%s %.0f %%", o.Pair.Many, 100*o.Progress))
		}
		if o.Suspects > 0 {
			seen = append(seen, fmt.Sprintf("%s %d", o.Pair.Many, o.Suspects))
		}
	}
	if n := len(j.r.Outcomes); looked < n {
		j.Unknown("progress", fmt.Sprintf("%d of %d pairs of tables were compared so far", looked, n), "",
			"Wait: each evaluation compares some more.")
	} else if lacks := j.r.Traces.Lacks; j.r.TracesErr == nil && len(lacks) == 0 && !j.r.Traces.Rewrites.Known {
		j.Unknown("progress", "URL rewrites are still being compared", strings.Join(open, ", "),
			"Wait: each evaluation compares some more.")
	} else if len(open) > 0 {
		j.Unknown("progress", "older rows of large tables are still being compared", strings.Join(open, ", "),
			"Wait: each evaluation compares some more.")
	}
	const again = "rows differ that must be seen again, because a change can be under way"
	switch {
	case len(seen) == 0:
	case j.e.Final():
		j.Unknown("seen once", again, strings.Join(seen, ", "), "Run it again, with a longer --timeout: what differs "+
			"counts when the next look finds it too, and while migrate:delta is at work after a whole cycle of it.")
	default:
		j.Note("seen once", again, strings.Join(seen, ", "), "")
	}
}

// neverCompared is what no comparison looks at.
const neverCompared = "never compared: conditions of cart and catalog price rules and other serialized values, " +
	"encrypted values, system attributes that the documentation does not name, search terms, sessions and tokens"

// notCompared names what is not compared. A table that a system lacks, or that its account may not see, is no reason to
// be silent; only what few shops have may be nowhere. What has a log table was there when migrate:data began.
func (j *reconciliationJudge) notCompared() {
	var rest []string
	for _, s := range j.r.Skipped {
		switch {
		case s.Why == reconcile.Nowhere && s.Level != reconcile.Fail, s.Why == reconcile.Unused:
		case s.Why == reconcile.Nowhere && !j.r.Logging[s.Document] || s.Why == reconcile.Unmapped:
			rest = append(rest, s.What+" ("+s.Why+")")
		case s.Level == reconcile.Fail:
			j.Unknown(s.Document, s.Many+" cannot be compared: "+s.Why, "",
				"Find out where the table is: restore it, correct the prefix and the map file, or let the account "+
					"read it.")
		default:
			rest = append(rest, s.What+" ("+s.Why+")")
		}
	}
	for _, s := range j.r.Columns {
		rest = append(rest, s.What+" ("+s.Why+")")
	}
	j.Note("not compared", "some tables and columns are not compared",
		strings.Join(append(rest, neverCompared), "; "), "")
}

// notes say what has an explanation.
func (j *reconciliationJudge) notes() {
	var pending, own, touched []string
	for _, o := range j.r.Outcomes {
		for _, n := range []struct {
			list *[]string
			rows int
		}{{&pending, o.Pending}, {&own, o.Own}, {&touched, o.Touched}} {
			if n.rows > 0 && o.Pair.Level != reconcile.Grid {
				*n.list = append(*n.list, fmt.Sprintf("%s %s", o.Pair.Many, finding.Count(n.rows)))
			}
		}
	}
	if len(pending) > 0 {
		j.Note("pending", "rows differ that wait in the delta log", strings.Join(pending, ", "), "")
	}
	if len(own) > 0 {
		j.Note(
			"own",
			"Magento 2 has rows above Magento 1's highest id: it took them itself, or Magento 1 deleted its newest "+
				"ones or was restored",
			strings.Join(own, ", "),
			"The precondition m2_entities judges them.",
		)
	}
	if len(touched) > 0 {
		j.Note(
			"touched",
			"rows have a later updated_at in Magento 2, and nothing else differs",
			strings.Join(touched, ", "),
			"",
		)
	}
	if err := j.r.MapsErr; err != nil {
		j.Note("maps", "the tool's map files cannot be read: the tables were compared as its own maps "+
			"say", err.Error(),
			"Set "+j.e.Migration.Key("migration_tool.config")+" to the tool's config.xml, and "+
				j.e.Migration.Key("magento2.root")+".")
	}
}

// uncounted are entities of which reconciliation_rows has no series.
func uncounted() []string {
	return []string{"cms", "rules", "groups", "taxes", "ratings", "stores", "options", "other"}
}

func (j *reconciliationJudge) samples() {
	equal, known := map[string]bool{}, map[string]bool{}
	for _, o := range j.r.Outcomes {
		p := o.Pair
		if p.Level == reconcile.Grid {
			if o.Looked && o.Err == nil && o.Stale >= 0 {
				j.Sample(gridStaleRows, float64(o.Stale), p.Entity)
			}
			continue
		}
		if p.Main() && o.Looked && o.Err == nil && o.Counted && !slices.Contains(uncounted(), p.Entity) {
			j.Sample(reconciliationRows, float64(o.Rows[0]), string(finding.Magento1), p.Entity)
			j.Sample(reconciliationRows, float64(o.Rows[1]), string(finding.Magento2), p.Entity)
		}
		before, seen := equal[p.Entity]
		equal[p.Entity] = o.Equal && (before || !seen)
		was, seen := known[p.Entity]
		known[p.Entity] = o.Looked && o.Err == nil && o.Progress == 1 && (was || !seen)
	}
	for _, entity := range reconcile.Entities() {
		if known[entity] || !equal[entity] && j.differs(entity) {
			j.Sample(reconciliationEqual, finding.Bool(equal[entity]), entity)
		}
	}
	if w := j.r.Traces.Rewrites; w.Known && j.r.TracesErr == nil {
		j.Sample(reconciliationRows, float64(w.Rows[0]), string(finding.Magento1), "url_rewrite")
		j.Sample(reconciliationRows, float64(w.Rows[1]), string(finding.Magento2), "url_rewrite")
		j.Sample(reconciliationEqual, finding.Bool(w.Looks == 0), "url_rewrite")
	}
}

// differs reports whether a difference of an entity is known, although not all of it was compared.
func (j *reconciliationJudge) differs(entity string) bool {
	return slices.ContainsFunc(j.r.Outcomes, func(o reconcile.Outcome) bool {
		return o.Pair.Entity == entity && o.Pair.Level != reconcile.Grid && len(o.Differences) > 0
	})
}
