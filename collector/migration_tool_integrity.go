package collector

import (
	"context"
	"fmt"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/integrity"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/envphp"
)

// integrityMemory is what the forecast of the tool's integrity check keeps from one evaluation of a migration to the next, because
// reading it anew each minute would cost a big shop too much.
type integrityMemory struct {
	// of are the databases that the rest was learnt of.
	of         [2]database.Instance
	forecaster integrity.Forecaster
	orphans    integrity.Orphans
	rewrites   []integrity.Finding
	// roundEnded is when all foreign keys were gone through; zero while that never happened.
	roundEnded time.Time
}

const (
	// orphanBudget is how long one evaluation looks for orphans; a round goes on over as many evaluations as it needs.
	orphanBudget = 300 * time.Millisecond
	// orphanRest is the time between two rounds.
	orphanRest = time.Hour
)

// judgeIntegrity foretells what the tool's integrity check would say: the first thing that migrate:data does. What it refuses is a
// warning, because --auto makes the tool go on.
func judgeIntegrity(ctx context.Context, v *Verdict, e *Evidence) {
	if e.Phase.Phase != config.PhasePrepare && e.Phase.Phase != config.PhaseMigrate || e.Tool.Config == nil || e.Tool.moduleDir(e.Migration.Magento2.Root) == "" || e.memory == nil {
		return
	}
	forecast, err := e.forecast(ctx)
	if err != nil {
		_, remedy := e.Magento1.statementFault(err) // whichever it was, the remedy is the same
		v.unknown("integrity", "what the tool's integrity check would say cannot be foretold", err.Error(), remedy)
		return
	}
	findings := append([]integrity.Finding{}, forecast.Findings...)
	if err := searchOrphans(ctx, e, forecast); err != nil {
		v.note("foreign_keys", "the search for orphans in Magento 1 was interrupted", err.Error(), "It goes on at the next evaluation.")
	}
	findings = append(findings, e.memory.rewrites...)
	findings = append(findings, e.memory.orphans.Findings(forecast.Plan, forecast.Source)...)
	integrity.Sort(findings)
	reportIntegrity(v, e, forecast, findings)
}

// forecast forgets what was learnt of other databases before it learns more.
func (e *Evidence) forecast(ctx context.Context) (*integrity.Forecast, error) {
	instance1, err := e.Magento1.Session.Instance(ctx)
	if err != nil {
		return nil, err
	}
	instance2, err := e.Magento2.Session.Instance(ctx)
	if err != nil {
		return nil, err
	}
	if of := e.memory.of; !of[0].Is(instance1) || !of[1].Is(instance2) {
		*e.memory = integrityMemory{of: [2]database.Instance{instance1, instance2}}
	}
	return e.memory.forecaster.Forecast(ctx, integrityInput(ctx, e))
}

func integrityInput(ctx context.Context, e *Evidence) integrity.Input {
	in := integrity.Input{
		Config: e.Tool.Config, Options: integrity.Options{MagentoRoot: e.Migration.Magento2.Root},
		Source: e.Magento1.Session, Destination: e.Magento2.Session, SourcePrefix: e.Magento1.Prefix, DestinationPrefix: e.Magento2.Prefix,
	}
	if env, err := e.files.env(); err == nil && env.Mode.State == envphp.Known {
		in.Options.Developer = env.Mode.Value == "developer"
	}
	if modules, err := e.files.configPHP(); err == nil && modules.Unknown == "" {
		in.Modules = map[string]bool{}
		for _, m := range modules.Modules {
			in.Modules[m.Name] = m.Enabled
		}
	}
	var unheard Verdict // that core_resource cannot be read is told under extensions
	if found, ok := findExtensions(ctx, &unheard, e); ok {
		for _, x := range found {
			in.Extensions = append(in.Extensions, x.codes...)
		}
	}
	return in
}

// searchOrphans goes on looking for rows of Magento 1 whose parents are missing, on a session of its own.
func searchOrphans(ctx context.Context, e *Evidence, forecast *integrity.Forecast) error {
	m := e.memory
	if !m.roundEnded.IsZero() && e.Now.Sub(m.roundEnded) < orphanRest {
		return nil
	}
	session, err := database.Open(ctx, e.Magento1.Endpoint, database.Options{StatementTimeout: e.Magento1.statementTimeout, Logger: e.Magento1.logger})
	if err != nil {
		return err
	}
	defer session.Close()
	// Not kept between evaluations: they take 70 kB, and a round mostly ends in the evaluation in which it began.
	keys, err := integrity.ReadForeignKeys(ctx, session)
	if err != nil {
		return err
	}
	if m.orphans.Last == (integrity.ForeignKey{}) {
		if m.rewrites, err = integrity.FindDuplicateRewrites(ctx, session, forecast.Plan, forecast.Source); err != nil {
			return err
		}
	}
	rounds := m.orphans.Rounds
	m.orphans, err = integrity.FindOrphans(ctx, session, keys, m.orphans, orphanBudget, time.Now)
	if m.orphans.Rounds > rounds {
		m.roundEnded = e.Now
	}
	return err
}

// reportIntegrity counts by kind and turns the findings into this program's own.
func reportIntegrity(v *Verdict, e *Evidence, forecast *integrity.Forecast, findings []integrity.Finding) {
	counts := map[integrity.Kind]int{}
	for _, f := range findings {
		counts[f.Kind]++
		v.add(integrityFinding(f))
	}
	for _, kind := range integrity.Kinds() {
		searched := !e.memory.roundEnded.IsZero() || kind != integrity.ForeignKeys && kind != integrity.URLRewrites
		if searched || counts[kind] > 0 {
			v.sample(integrityFindings, float64(counts[kind]), string(kind))
		}
	}
	if o := e.memory.orphans; e.memory.roundEnded.IsZero() {
		v.note("foreign_keys", "Magento 1 is being searched for orphans", fmt.Sprintf("%d of %d foreign keys looked at", o.Checked, o.Total), "")
	}
	for _, u := range e.memory.orphans.Unknown {
		v.note("foreign_keys", "whether a foreign key of Magento 1 has orphans takes too long to tell", fmt.Sprintf("%s.%s: %v", u.Table, u.Column, u.Err), "")
	}
	for _, step := range forecast.Plan.Unforetold {
		v.note("integrity", "config.xml has a step that is not the tool's own, whose check cannot be foretold", step.Mode+", "+step.Title+": "+step.Class, "")
	}
}

func integrityFinding(f integrity.Finding) Finding {
	status := Warn
	if f.Level == integrity.Warning {
		status = Pass
	}
	var evidence []string
	for _, text := range []string{strings.TrimSuffix("migrate:"+f.Mode+", "+f.Step, ", "), f.Detail} {
		if text != "" {
			evidence = append(evidence, text)
		}
	}
	if f.Rows >= 0 {
		evidence = append(evidence, "it holds "+countText(f.Rows)+" rows")
	}
	if f.Extension != "" {
		evidence = append(evidence, "it probably belongs to "+f.Extension)
	}
	remedy := f.Remedy.String()
	if f.Alternative != nil {
		remedy += "\nOr: " + f.Alternative.String()
	}
	return Finding{Status: status, Subject: f.Subject(), Summary: f.Message, Evidence: strings.Join(evidence, "; "), Remedy: remedy}
}
