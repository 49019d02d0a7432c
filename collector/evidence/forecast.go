package evidence

import (
	"context"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/integrity"
	"magento_migration_exporter/config/composer"
	"magento_migration_exporter/config/envphp"
)

// Forecast is what the tool's integrity check, the first step of migrate:data, would report now.
type Forecast struct {
	// Plan has the steps of config.xml.
	Plan *integrity.Plan
	// Predictions are in the tool's order.
	Predictions []integrity.Prediction
	// Orphans is the state of the search for rows of Magento 1 without their parents.
	Orphans integrity.Orphans
	// Searched becomes true when the search has gone through all foreign keys and URL rewrites once.
	Searched bool
	// Interrupted is why the search did not continue in this evaluation; nil when it did.
	Interrupted error
	// Rewrites is why the search for duplicate URL rewrites failed; nil when it did not.
	Rewrites error
}

// forecastMemory is what the forecast keeps from one evaluation of a migration to the next: to read it again each
// minute would cost a big shop too much.
type forecastMemory struct {
	forecaster integrity.Forecaster
	orphans    integrity.Orphans
	rewrites   integrity.Rewrites
	// orphansEnded is true while the search for duplicate URL rewrites still goes on.
	orphansEnded bool
	// rewritesErr is why the last search for duplicate URL rewrites failed.
	rewritesErr error
	// roundEnded is when the last complete search ended; zero before the first one.
	roundEnded time.Time
}

const (
	// orphanBudget is how long one evaluation looks for orphans; a round takes as many evaluations as it needs.
	orphanBudget = 300 * time.Millisecond
	// orphanRest is the time between two rounds.
	orphanRest = time.Hour
)

// Forecast compares the two databases as the tool's integrity check does. It needs both and a readable config.xml.
func (e *Evidence) Forecast(ctx context.Context) (*Forecast, error) {
	memory, err := recallOf[forecastMemory](ctx, e, "forecast")
	if err != nil {
		return nil, err
	}
	made, err := memory.forecaster.Forecast(ctx, e.integrityInput(ctx))
	if err != nil {
		return nil, err
	}
	f := &Forecast{Plan: made.Plan, Interrupted: e.search(ctx, memory, made)}
	f.Orphans, f.Rewrites, f.Searched = memory.orphans, memory.rewritesErr, !memory.roundEnded.IsZero()
	f.Predictions = append(f.Predictions, made.Predictions...)
	f.Predictions = append(f.Predictions, memory.rewrites.Found...)
	f.Predictions = append(f.Predictions, memory.orphans.Predictions(made.Plan, made.Source)...)
	integrity.Sort(f.Predictions)
	return f, nil
}

func (e *Evidence) integrityInput(ctx context.Context) integrity.Input {
	in := integrity.Input{
		Config: e.Tool.Config, Options: integrity.Options{MagentoRoot: e.Migration.Magento2.Root},
		Source: e.Magento1.Session, Destination: e.Magento2.Session,
		SourcePrefix: e.Magento1.Prefix, DestinationPrefix: e.Magento2.Prefix,
	}
	if env, err := e.Files.Env(); err == nil && env.Mode.State == envphp.Known {
		in.Options.Developer = env.Mode.Value == "developer"
	}
	if lock, err := e.Files.Lock(); err == nil {
		tool, _ := lock.Package(composer.DataMigrationTool)
		in.Options.Tool = tool.Version
	}
	if modules, err := e.Files.ConfigPHP(); err == nil && modules.Unknown == "" {
		in.Modules = map[string]bool{}
		for _, m := range modules.Modules {
			in.Modules[m.Name] = m.Enabled
		}
	}
	var unread finding.Verdict // the precondition extensions reports what could not be read
	if found, ok := e.Extensions(ctx, &unread); ok {
		for _, x := range found.Found {
			in.Extensions = append(in.Extensions, x.Codes...)
		}
	}
	return in
}

// search continues the search for rows of Magento 1 whose parents are missing, and then for duplicate URL rewrites, on
// the session for searches.
func (e *Evidence) search(ctx context.Context, m *forecastMemory, made *integrity.Forecast) error {
	if !m.roundEnded.IsZero() && e.Now.Sub(m.roundEnded) < orphanRest {
		return nil
	}
	return e.Magento1.search(ctx, func(session *database.Session) error {
		return e.searchRows(ctx, session, m, made)
	})
}

func (e *Evidence) searchRows(
	ctx context.Context, session *database.Session, m *forecastMemory, made *integrity.Forecast,
) error {
	if !m.orphansEnded {
		// Not kept between evaluations: they take 70 kB, and most rounds end in the evaluation in which they began.
		keys, err := integrity.ReadForeignKeys(ctx, session)
		if err != nil {
			return err
		}
		rounds := m.orphans.Rounds
		if m.orphans, err = integrity.FindOrphans(ctx, session, keys, m.orphans, e.budget(orphanBudget),
			time.Now); err != nil {
			return err
		}
		if m.orphansEnded = m.orphans.Rounds > rounds; !m.orphansEnded {
			return nil
		}
	}
	budget, rounds := e.budget(orphanBudget), m.rewrites.Rounds
	if m.roundEnded.IsZero() {
		budget = max(budget, e.firstBudget(ctx))
	}
	err := m.rewrites.Find(ctx, session, made.Plan, made.Source, budget, time.Now)
	if err == nil && m.rewrites.Rounds == rounds {
		return nil
	}
	m.rewritesErr, m.roundEnded, m.orphansEnded = err, e.Now, false
	return ctx.Err()
}
