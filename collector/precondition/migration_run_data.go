package precondition

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/fit"
	"magento_migration_exporter/config"
)

// data foretells which rows of Magento 1 collide in Magento 2's keys or do not fit into its columns. It is asked for
// before migrate:data alone: afterwards Magento 2 holds them already.
func (j *runJudge) data(ctx context.Context) {
	if j.e.Phase.Phase != config.PhasePrepare {
		return
	}
	if j.e.Tool.Config == nil {
		j.Unknown("data", "it is unknown which rows the migration tool copies", "",
			"Set "+j.e.Migration.Key("migration_tool.config")+" to the tool's config.xml.")
		return
	}
	r, ok := j.e.Fit(ctx, j.Verdict)
	d := dataJudge{j.Verdict, j.e, r}
	d.progress(ok)
	j.lacks(r.Unread)
	d.unread()
	for _, p := range r.Problems {
		d.problem(p)
	}
	d.quiet()
	d.tables()
	d.notLookedAt()
}

// dataJudge judges what was found in the rows.
type dataJudge struct {
	*finding.Verdict
	e *evidence.Evidence
	r fit.Report
}

// progress says how far the first look at all rows is.
func (j *dataJudge) progress(goesOn bool) {
	if j.r.Whole {
		return
	}
	j.Incomplete = j.Incomplete || goesOn
	if j.r.Total > 0 {
		j.Unknown("data", "Magento 1's rows are still being compared with Magento 2's keys and columns",
			fmt.Sprintf("%d of %d parts were looked at", j.r.Done, j.r.Total),
			"Wait: each evaluation looks at some more.")
	}
}

// unread reports what could not be looked at.
func (j *dataJudge) unread() {
	for _, f := range j.r.Failures {
		summary, remedy := j.e.SystemOf(f.Err).StatementFault(f.Err)
		j.Unknown(f.What, "rows could not be looked at: "+summary, f.Err.Error(), remedy)
	}
}

// problem reports what ends the tool's run, or is stored otherwise than it was.
func (j *dataJudge) problem(p fit.Problem) {
	switch p.Kind {
	case fit.Collision, fit.Merge:
		j.collision(p)
	case fit.Group, fit.Set, fit.Attribute, fit.StoreGroup:
		j.namesake(p)
	case fit.AttributeType:
		j.attributeType(p)
	case fit.OnlyNull:
		j.Fail(p.Subject(), fmt.Sprintf("the only row of %s has NULL, which %s does not take: migrate:data would die "+
			"with error 1048", p.Document, p.Target), j.evidence(p),
			"Give the row a value in Magento 1, or delete it. See it with:\n"+p.Query)
	case fit.Orphan:
		j.orphan(p)
	case fit.Null, fit.ZeroDate: // see quiet
	default:
		j.misfit(p)
	}
}

// evidence names the first rows.
func (j *dataJudge) evidence(p fit.Problem) string {
	var parts []string
	if len(p.Values) > 0 {
		parts = append(parts, strings.Join(p.Values, "; "))
	}
	if len(p.IDs) > 0 {
		ids := strings.Join(p.IDs, ", ")
		if p.Rows > len(p.IDs) || p.More {
			ids += ", …"
		}
		parts = append(parts, "ids in "+j.e.Magento1.Prefix+p.Document+": "+ids)
	}
	return strings.Join(parts, "; ")
}

// amount is a number of things with what they do, in one form for a single one and in one for several.
func amount(p fit.Problem, one, many string) string {
	if p.More {
		return "at least " + finding.Grouped(p.Rows) + " " + many
	}
	return finding.GroupedOf(p.Rows, one, many)
}

func (j *dataJudge) collision(p fit.Problem) {
	remedy := "Change or delete all but one of each in Magento 1. See them with:\n" + p.Query
	what := fmt.Sprintf("rows of %s share %s of Magento 2's unique key %s of %s", p.Document,
		amount(p, "value", "values"), p.Key, p.Target)
	if p.Kind == fit.Merge {
		j.Note(p.Subject(), what+": migrate:data keeps one of them", j.evidence(p), "")
		return
	}
	mode := "migrate:data"
	if slices.Contains([]string{"core_store", "core_store_group", "core_website"}, p.Document) {
		mode = "migrate:settings"
	}
	j.Fail(p.Subject(), what+": "+mode+" would die with error 1062", j.evidence(p), remedy)
}

// namesake reports what the tool adds to Magento 2's attributes, sets, groups and stores under a name that is taken.
func (j *dataJudge) namesake(p fit.Problem) {
	what, mode := "", "migrate:data"
	remedy := "Rename it in Magento 1: spell it as Magento 2's, with the same capital letters, or so that it differs " +
		"in more than that."
	switch p.Kind {
	case fit.Group:
		what = "groups of attributes get a name or code that their attribute set has already"
		remedy = "Rename the group in Magento 1 (Catalog, Attributes, Manage Attribute Sets). A code is the name in " +
			"small letters, with a - for all but letters and digits. Where all of the groups are Magento 2's, delete " +
			"the attribute set there, or restore Magento 2's first backup."
	case fit.Set:
		what = "attribute sets have the name of one of Magento 2 in another spelling"
	case fit.Attribute:
		what = "attributes have the code of one of Magento 2 in another spelling"
	case fit.StoreGroup:
		what, mode = "groups of stores get the same code", "migrate:settings"
		remedy = "Rename them in Magento 1 (System, Manage Stores) so that their letters from a to z and digits " +
			"differ; a name without such letters gets the code store_group."
	}
	j.Fail(
		p.Subject(),
		fmt.Sprintf("%s (%s): %s would die with error 1062 in the key %s", what, finding.Grouped(p.Rows), mode, p.Key),
		j.evidence(p),
		remedy,
	)
}

func (j *dataJudge) attributeType(p fit.Problem) {
	j.Warn(
		p.Subject(),
		fmt.Sprintf("the attribute %s stores %s in Magento 1 and %s in Magento 2, which would not find "+
			"its values", p.Attribute, p.Column, p.Limit),
		j.evidence(p),
		"Rename the attribute's code in Magento 1, or give it Magento 2's type there and move its values.",
	)
}

func (j *dataJudge) orphan(p fit.Problem) {
	summary := amount(p, "row of "+p.Document+" has", "rows of "+p.Document+" have") + " no parent in " + p.Limit +
		", which Magento 2's foreign key " + p.Key + " wants"
	j.Warn(
		p.Subject()+" "+p.Key,
		summary,
		j.evidence(p)+"; the tool turns foreign keys off, but when its connection to "+
			"the server breaks, it goes on with them and would die with error 1452",
		"Delete them in the copy of Magento 1 that is migrated, or give them a parent. See them with:\n"+p.Query,
	)
}

// misfit reports values that the server stores otherwise, without a word to the tool.
func (j *dataJudge) misfit(p fit.Problem) {
	whose := p.Document + "." + p.Column
	if p.Attribute != "" {
		whose = fmt.Sprintf("%s (attribute %s)", whose, p.Attribute)
	}
	are := amount(p, "value of "+whose+" is", "values of "+whose+" are")
	form := map[fit.Kind]string{
		fit.Cut:       "%s too long for %s, and would be cut",
		fit.Range:     "%s out of the range of %s, and would be changed",
		fit.Rounded:   "%s more exact than %s, and would be rounded",
		fit.Lossy:     "%s not all in the character set of %s, and would get question marks",
		fit.NoMember:  "%s none of those of %s, and would be empty",
		fit.OtherKind: "%s of another kind than %s, and would be 0 or empty",
	}[p.Kind]
	summary := fmt.Sprintf(form, are, p.Target+", "+p.Limit)
	remedy := "Change the values in Magento 1, or make Magento 2's column larger before migrate:data. See them with:\n"
	if p.Kind == fit.Lossy {
		remedy = "Change the values in Magento 1. Where Magento 2's column has the character set utf8mb4, set " +
			"<init_statements_source> and <init_statements_destination> of config.xml to SET NAMES utf8mb4; instead. " +
			"See them with:\n"
	}
	j.Warn(p.Subject(), summary, j.evidence(p), remedy+p.Query)
}

// quiet notes what is changed in a way that the tool's authors reckoned with.
func (j *dataJudge) quiet() {
	notes := map[fit.Kind][]string{}
	for _, p := range j.r.Problems {
		if p.Kind == fit.Null || p.Kind == fit.ZeroDate {
			notes[p.Kind] = append(
				notes[p.Kind],
				amount(p, "in "+p.Document+"."+p.Column, "in "+p.Document+"."+p.Column),
			)
		}
	}
	if n := notes[fit.Null]; n != nil {
		j.Note("null", "NULL becomes 0, the zero date or an empty text where Magento 2's column has no NULL",
			strings.Join(n, ", "), "")
	}
	if n := notes[fit.ZeroDate]; n != nil {
		j.Note("zero dates", "rows have the date 0000-00-00, which Magento 2 keeps", strings.Join(n, ", "), "")
	}
}

// tables reports what is unusual about Magento 2's tables.
func (j *dataJudge) tables() {
	if names := named(j.r.Engines); names != "" {
		j.Warn("engines", "tables of Magento 2 that migrate:data fills are not in InnoDB", names,
			"Convert them in Magento 2, for each: ALTER TABLE … ENGINE=InnoDB;")
	}
	if names := named(j.r.RowFormats); names != "" {
		j.Note(
			"row formats",
			"tables of Magento 2 have an old row format: long rows can fail with error 1118",
			names,
			"",
		)
	}
	var strange []fit.TableFact
	own, rows := 0, int64(0)
	for _, f := range j.r.Triggers {
		if slices.ContainsFunc(strings.Split(f.Value, ", "), func(name string) bool {
			return !strings.HasPrefix(name, "trg_")
		}) {
			strange = append(strange, f)
			continue
		}
		own++
		rows += f.Rows
	}
	if len(strange) > 0 {
		j.Warn(
			"triggers",
			"triggers of Magento 2 that are none of its indexers fire for each row that migrate:data inserts",
			named(strange),
			"Drop them before migrate:data, and create them again afterwards.",
		)
	}
	if own > 0 {
		j.Note(
			"indexer triggers",
			fmt.Sprintf("the triggers of Magento 2's indexers fire for each row that migrate:data "+
				"inserts into %s (about %s rows)", finding.Counted(own, "table", "tables"), finding.Grouped(int(rows))),
			"",
			"To spare them: bin/magento indexer:set-mode realtime before migrate:data, and schedule afterwards.",
		)
	}
}

func named(facts []fit.TableFact) string {
	var texts []string
	for _, f := range facts {
		texts = append(texts, f.Target+" ("+f.Value+")")
	}
	return strings.Join(texts, ", ")
}

// notLookedAt names what a prediction says nothing of.
func (j *dataJudge) notLookedAt() {
	var texts []string
	for _, s := range j.r.Skipped {
		texts = append(texts, s.String())
	}
	if len(texts) > 0 {
		j.Note("not looked at", "some columns and keys are not looked at", strings.Join(texts, "; "), "")
	}
}
