package collector

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/requirements"
	"magento_migration_exporter/config"
)

// Evidence is what the preconditions of one migration look at during one evaluation.
type Evidence struct {
	Migration *config.Migration
	// Now is when the evaluation began.
	Now                time.Time
	Tool               Tool
	Magento1, Magento2 *System
	Phase              PhaseEvidence
	Backups            *backup.Reader
	files              *files
	memory             *integrityMemory
	flights            *flights
	// builtInRequirements is read once in the evaluator's life.
	builtInRequirements func() (requirements.Table, error)
}

// gather reads what the configuration names and logs in to both databases at once, so that one that hangs does not cost the other its time.
func gather(ctx context.Context, m *config.Migration, o gatherOptions) *Evidence {
	e := &Evidence{Migration: m, Now: o.now, Backups: o.backups, files: newFiles(m), memory: o.memory, flights: o.flights, builtInRequirements: o.requirements}
	e.Tool = readTool(ctx, m, o)
	e.Magento1 = newSystem(magento1, &m.Magento1, e.Tool, o)
	e.Magento2 = newSystem(magento2, &m.Magento2, e.Tool, o)
	var both sync.WaitGroup
	for _, s := range []*System{e.Magento1, e.Magento2} {
		both.Go(func() {
			s.readSecrets(ctx, m, o)
			s.connect(ctx)
		})
	}
	both.Wait()
	e.Phase = findPhase(ctx, e)
	return e
}

// gatherOptions is what does not come from the migration's own configuration.
type gatherOptions struct {
	now              time.Time
	statementTimeout time.Duration
	backups          *backup.Reader
	memory           *integrityMemory
	flights          *flights
	requirements     func() (requirements.Table, error)
	logger           *slog.Logger
}

// Close ends the sessions.
func (e *Evidence) Close() {
	for _, s := range []*System{e.Magento1, e.Magento2} {
		if err := s.Session.Close(); err != nil {
			s.logger.Debug("closing a session failed", "system", s.Name, "err", err)
		}
	}
}

// System returns the system of that name.
func (e *Evidence) System(name string) *System {
	if name == magento1 {
		return e.Magento1
	}
	return e.Magento2
}
