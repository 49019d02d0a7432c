package integrity

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"unique"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/config/toolconfig"
	"magento_migration_exporter/config/toolmap"
)

// Input is what a forecast is made of.
type Input struct {
	Config  *toolconfig.Config
	Options Options
	// Source and Destination are sessions of Magento 1's and Magento 2's databases.
	Source, Destination *database.Session
	// SourcePrefix and DestinationPrefix are the prefixes of their tables.
	SourcePrefix, DestinationPrefix string
	// Modules and Extensions are as in Facts.
	Modules    map[string]bool
	Extensions []string
}

// Forecaster keeps the last forecast while nothing changes that it was made of. It keeps nothing of the plan's files
// and little of the schemas, which take megabytes for each migration. Its zero value is ready. It is for one migration
// and one goroutine at a time.
type Forecaster struct {
	// inputs and facts show whether kept still holds.
	inputs string
	facts  [sha256.Size]byte
	// kept has no schemas: those are packed.
	kept    *Forecast
	schemas [2]packedSchema
}

// Forecast is what the tool would say now.
type Forecast struct {
	// Plan has the steps.
	Plan *Plan
	// Source and Destination are the schemas that were compared, with the tables alone that reading facts or the
	// predictions need.
	Source, Destination *Schema
	// Predictions are in the tool's order. Orphans of foreign keys and duplicates of URL rewrites are not among them.
	Predictions []Prediction
}

// Forecast reads what may have changed since the last call, and compares when it has. With nothing changed it costs the
// two fingerprints, six short statements for the attributes, and one for each unmapped table.
func (f *Forecaster) Forecast(ctx context.Context, in Input) (*Forecast, error) {
	inputs, err := in.key(ctx)
	if err != nil {
		return nil, err
	}
	if f.kept != nil && inputs == f.inputs {
		kept, err := f.open()
		if err != nil {
			return nil, err
		}
		facts, err := in.facts(ctx, kept)
		if err != nil {
			return nil, err
		}
		if facts.hash() == f.facts {
			return kept.counted(ctx, in)
		}
	}
	f.kept = nil
	whole, facts, err := in.compare(ctx)
	if err != nil {
		return nil, err
	}
	reduced := whole.reduced()
	if err := f.keep(reduced); err != nil {
		return nil, err
	}
	f.inputs, f.facts = inputs, facts.hash()
	return reduced.counted(ctx, in)
}

// keep keeps a reduced forecast.
func (f *Forecaster) keep(made *Forecast) error {
	for i, s := range []*Schema{made.Source, made.Destination} {
		var err error
		if f.schemas[i], err = s.pack(); err != nil {
			return err
		}
	}
	f.kept = &Forecast{Plan: made.Plan, Predictions: made.Predictions}
	return nil
}

// open returns what is kept.
func (f *Forecaster) open() (*Forecast, error) {
	kept := *f.kept
	for i, s := range []**Schema{&kept.Source, &kept.Destination} {
		var err error
		if *s, err = f.schemas[i].open(); err != nil {
			return nil, err
		}
	}
	return &kept, nil
}

// key changes with the files and with the schemas.
func (in Input) key(ctx context.Context) (string, error) {
	source, err := Fingerprint(ctx, in.Source)
	if err != nil {
		return "", err
	}
	destination, err := Fingerprint(ctx, in.Destination)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(
		"%s %q %s %q %s",
		Key(in.Config, in.Options),
		in.SourcePrefix,
		source,
		in.DestinationPrefix,
		destination,
	), nil
}

func (in Input) facts(ctx context.Context, f *Forecast) (Facts, error) {
	facts, err := ReadFacts(ctx, f.Plan, in.Source, in.Destination, f.Source, f.Destination)
	facts.Modules, facts.Extensions = in.Modules, in.Extensions
	return facts, err
}

// hash tells facts apart.
func (f Facts) hash() [sha256.Size]byte {
	hash := sha256.New()
	fmt.Fprintf(hash, "%#v", f) // which tells nil from empty
	return [sha256.Size]byte(hash.Sum(nil))
}

// compare reads everything.
func (in Input) compare(ctx context.Context) (*Forecast, Facts, error) {
	f := &Forecast{Plan: NewPlan(in.Config, in.Options)}
	var err error
	if f.Source, err = ReadSchema(ctx, in.Source, in.SourcePrefix); err != nil {
		return nil, Facts{}, err
	}
	if f.Destination, err = ReadSchema(ctx, in.Destination, in.DestinationPrefix); err != nil {
		return nil, Facts{}, err
	}
	facts, err := in.facts(ctx, f)
	if err != nil {
		return nil, Facts{}, err
	}
	f.Predictions = Check(f.Plan, f.Source, f.Destination, facts)
	return f, facts, nil
}

// reduced leaves out what only Check needs.
func (f *Forecast) reduced() *Forecast {
	p := f.Plan
	plan := &Plan{
		Steps:              p.Steps,
		Unpredicted:        p.Unpredicted,
		ModuleDir:          p.ModuleDir,
		resolvesDuplicates: p.resolvesDuplicates,
		tool:               p.tool,
	}
	predictions := slices.Clone(f.Predictions) // without room for more
	for i := range predictions {
		predictions[i].remedy = unique.Make(predictions[i].RemedyText())
	}
	return &Forecast{
		plan,
		f.Source.reduced(toolmap.Source, f.Predictions),
		f.Destination.reduced(toolmap.Destination, f.Predictions),
		predictions,
	}
}

// reduced leaves the tables that ReadFacts and Rewrites look at, and the names of those whose rows are counted.
func (s *Schema) reduced(side toolmap.Side, predictions []Prediction) *Schema {
	kept := &Schema{Database: s.Database, Prefix: s.Prefix, tables: map[string]*Table{}}
	for _, f := range predictions {
		if t := s.Table(f.Document); t != nil && f.Side == side && f.Kind == Documents {
			kept.tables[t.Name] = &Table{Name: t.Name, View: t.View}
		}
	}
	for _, document := range append(factsDocuments(), rewritesDocuments()...) {
		if t := s.Table(document); t != nil {
			kept.tables[t.Name] = t
		}
	}
	return kept
}

// counted returns the forecast with the rows that unmapped tables hold now.
func (f *Forecast) counted(ctx context.Context, in Input) (*Forecast, error) {
	result := *f
	result.Predictions = slices.Clone(f.Predictions)
	return &result, CountRows(ctx, result.Predictions,
		map[toolmap.Side]*database.Session{toolmap.Source: in.Source, toolmap.Destination: in.Destination},
		map[toolmap.Side]*Schema{toolmap.Source: f.Source, toolmap.Destination: f.Destination})
}
