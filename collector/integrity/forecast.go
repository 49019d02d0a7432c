package integrity

import (
	"context"

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

// Forecaster keeps what Forecast need not read again: the plan while no file changes, the schemas while no table does.
// Its zero value is ready. It is for one migration and one goroutine at a time.
type Forecaster struct {
	key     string
	plan    *Plan
	schemas map[toolmap.Side]*Schema
	prints  map[toolmap.Side]string
}

// Forecast is what the tool would say now.
type Forecast struct {
	Plan *Plan
	// Source and Destination are the schemas that were compared.
	Source, Destination *Schema
	// Findings are in the tool's order. Orphans of foreign keys and duplicates of URL rewrites are not among them.
	Findings []Finding
}

// Forecast reads what has changed since the last call and compares. With nothing changed it costs the two fingerprints, six short
// statements for the attributes, and one for each unmapped table.
func (f *Forecaster) Forecast(ctx context.Context, in Input) (*Forecast, error) {
	if key := Key(in.Config, in.Options); key != f.key {
		f.plan, f.key = NewPlan(in.Config, in.Options), key
	}
	sessions := map[toolmap.Side]*database.Session{toolmap.Source: in.Source, toolmap.Destination: in.Destination}
	for side, prefix := range map[toolmap.Side]string{toolmap.Source: in.SourcePrefix, toolmap.Destination: in.DestinationPrefix} {
		if err := f.refresh(ctx, side, sessions[side], prefix); err != nil {
			return nil, err
		}
	}
	result := &Forecast{Plan: f.plan, Source: f.schemas[toolmap.Source], Destination: f.schemas[toolmap.Destination]}
	facts, err := ReadFacts(ctx, f.plan, in.Source, in.Destination, result.Source, result.Destination)
	if err != nil {
		return nil, err
	}
	facts.Modules, facts.Extensions = in.Modules, in.Extensions
	result.Findings = Check(f.plan, result.Source, result.Destination, facts)
	return result, CountRows(ctx, result.Findings, sessions, f.schemas)
}

func (f *Forecaster) refresh(ctx context.Context, side toolmap.Side, session *database.Session, prefix string) error {
	fingerprint, err := Fingerprint(ctx, session)
	if err != nil {
		return err
	}
	if fingerprint = prefix + " " + fingerprint; f.prints[side] == fingerprint {
		return nil
	}
	schema, err := ReadSchema(ctx, session, prefix)
	if err != nil {
		return err
	}
	if f.schemas == nil {
		f.schemas, f.prints = map[toolmap.Side]*Schema{}, map[toolmap.Side]string{}
	}
	f.schemas[side], f.prints[side] = schema, fingerprint
	return nil
}
