package evidence

import (
	"context"
	"errors"

	"magento_migration_exporter/collector/delta"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/integrity"
	"magento_migration_exporter/collector/reconcile"
	"magento_migration_exporter/config/toolmap"
)

// Reconciliation is whether Magento 2 holds what Magento 1 holds, as far as all evaluations up to this one have found
// out.
type Reconciliation struct {
	reconcile.Report
	// MapsErr is why the map files cannot be read; then the tables of Magento 2 are those of the tool's own maps.
	MapsErr error
	// LogErr is why the delta log does not say what is pending.
	LogErr error
	// Logs are the delta's log tables by document.
	Logs map[string]reconcile.Logged
	// Logging are the documents that have a log table, also those whose own table is not there.
	Logging map[string]bool
	// Covered are the documents whose changes the delta delivers; nil when that is unknown.
	Covered map[string]bool
}

// reconcileMemory is what is kept of a comparison from one evaluation to the next.
type reconcileMemory struct {
	key     string
	plan    *reconcile.Plan
	made    int
	mapsErr error
	turn    int
}

// replan is after how many evaluations the schemas are read again.
const replan = 30

// Reconcile compares what this evaluation has time for. It is false when a database cannot be read; the verdict then
// says why.
func (e *Evidence) Reconcile(ctx context.Context, v *finding.Verdict) (*Reconciliation, bool) {
	unreachable := e.Magento1.Unreachable(v)
	if e.Magento2.Unreachable(v) || unreachable {
		return nil, false
	}
	r := &Reconciliation{}
	in := reconcile.Input{Now: e.Now, SettingsRules: e.settingsRules, Classes: e.classMap}
	e.explainByLog(ctx, r, &in)
	memory, err := recallOf[reconcileMemory](ctx, e, "reconcile")
	if err != nil {
		e.SystemOf(err).Broken(v, "comparison", err)
		return nil, false
	}
	sides := [2]reconcile.Side{
		{Session: e.Magento1.Session, Prefix: e.Magento1.Prefix},
		{Session: e.Magento2.Session, Prefix: e.Magento2.Prefix},
	}
	if err := e.planComparison(ctx, memory, sides); err != nil {
		e.SystemOf(err).Broken(v, "comparison", err)
		return nil, false
	}
	memory.turn++
	in.Turn, in.Brief = memory.turn, memory.made == memory.turn-1 && memory.made > 0
	r.Report = memory.plan.Round(ctx, sides, in)
	r.MapsErr = memory.mapsErr
	return r, true
}

// explainByLog adds what the delta log says is pending.
func (e *Evidence) explainByLog(ctx context.Context, r *Reconciliation, in *reconcile.Input) {
	var discarded finding.Verdict // delta_log says why
	d, ok := e.Delta(ctx, &discarded)
	switch {
	case !ok:
		r.LogErr = errors.New("the delta log cannot be read")
		return
	case !d.Log.Exists():
		return
	case d.CountsErr != nil:
		r.LogErr = d.CountsErr
		return
	}
	in.Running = d.works()
	if in.Running {
		in.Cycle = d.Cycle()
	}
	in.Log = map[string]reconcile.Logged{}
	r.Logs, r.Covered = in.Log, map[string]bool{}
	r.Logging = map[string]bool{}
	for _, s := range d.Standings {
		r.Logging[s.Document] = s.HasLog
		if s.Absent || !s.HasLog || s.Wrong != "" {
			continue
		}
		count := d.Counts[s.Document]
		in.Log[s.Document] = reconcile.Logged{
			Name: s.LogName, Table: s.Name, Keys: s.Keys, Read: s.Read, Waiting: count.Waiting, Marked: count.Marked,
		}
		r.Covered[s.Document] = s.Read && s.State() == delta.Intact
	}
}

// works reports whether the tool may be delivering. Rows that were marked lately are a delta's that cannot be seen.
func (d *Delta) works() bool {
	return d.Activity.Running || !d.Activity.Known || d.Backlog.Marked > 0 && d.MarkedFor <= d.Cycle()
}

// planComparison makes the plan again when there is none, and when its files changed or the schemas may have.
func (e *Evidence) planComparison(ctx context.Context, m *reconcileMemory, sides [2]reconcile.Side) error {
	key := ""
	if e.Tool.Config != nil {
		key = integrity.Key(e.Tool.Config, integrity.Options{MagentoRoot: e.Migration.Magento2.Root})
	}
	if m.plan != nil && m.key == key && m.turn-m.made < replan {
		return nil
	}
	maps, err := e.reconcileMaps(ctx)
	m.mapsErr = err
	shared, err := Once(e.Lifetime, "comparisons", func() (*reconcile.Definitions, error) {
		return &reconcile.Definitions{}, nil
	})
	if err != nil {
		return err
	}
	plan, err := reconcile.NewPlan(ctx, sides, maps, shared)
	if err != nil {
		return err
	}
	plan.Continue(m.plan)
	m.plan, m.key, m.made = plan, key, m.turn
	return nil
}

// settingsRules reads the tool's map of settings, nil where the tool's files are not known.
func (e *Evidence) settingsRules() (*toolmap.Settings, error) {
	return readRules(e, "settings_map_file", toolmap.ReadSettings)
}

// classMap reads the tool's class map, nil where the tool's files are not known.
func (e *Evidence) classMap() (*toolmap.ClassMap, error) {
	return readRules(e, "class_map", toolmap.ReadClassMap)
}

func readRules[T any](e *Evidence, option string, read func(path string) (*T, error)) (*T, error) {
	if e.Tool.Err != nil || e.Tool.Config == nil {
		return nil, e.Tool.Err
	}
	path := e.Tool.File(option, e.Migration.Magento2.Root)
	if path == "" {
		return nil, nil
	}
	return read(path)
}

// reconcileMaps reads the map files that say which table of Magento 2 belongs to one of Magento 1.
func (e *Evidence) reconcileMaps(ctx context.Context) (reconcile.Maps, error) {
	switch {
	case e.Tool.Err != nil:
		return nil, e.Tool.Err
	case e.Tool.Config == nil:
		return nil, errNoTool
	}
	flight := Flight{e.Migration.Name, "map files"}
	return answered(ctx, e.flights, flight, e.Magento1.statementTimeout, func() (reconcile.Maps, error) {
		return e.readMaps(reconcile.MapOptions()...)
	})
}
