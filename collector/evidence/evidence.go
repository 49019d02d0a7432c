// Package evidence gathers what the preconditions of one migration look at during one evaluation: the two databases,
// the files below both roots, the tool's configuration, the phase, the release. It judges nothing. No other package
// opens a database session.
package evidence

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

// Evidence is what the preconditions of one migration look at during one evaluation.
type Evidence struct {
	Migration *config.Migration
	// Now is when the evaluation began.
	Now                time.Time
	Tool               Tool
	Magento1, Magento2 *System
	Phase              Phase
	// Files are those below both roots.
	Files *Files
	// Backups reads backups in the background.
	Backups *backup.Reader
	// Memory is what this migration keeps between its evaluations.
	Memory *Memory
	// Lifetime is what the process reads only once.
	Lifetime *Lifetime

	flights *Flights
	patient bool
	delta   deltaLook

	php       phpLook
	systemLog systemLogLook
	processes processLook

	releaseOnce sync.Once
	release     Release
	releaseErr  error
}

// Options are the inputs that do not come from the migration's own configuration.
type Options struct {
	Now              time.Time
	StatementTimeout time.Duration
	Backups          *backup.Reader
	Memory           *Memory
	Lifetime         *Lifetime
	Flights          *Flights
	Logins           *Logins
	// Patient says that the next evaluation follows at once, because somebody waits until all is looked at: each one
	// takes more time for what is spread over evaluations.
	Patient bool
	Logger  *slog.Logger
}

// Gather reads the files that the configuration names, and logs in to both databases at the same time: one that hangs
// must not take time from the other. Close ends the sessions.
func Gather(ctx context.Context, m *config.Migration, o Options) *Evidence {
	e := &Evidence{
		Migration: m, Now: o.Now, Files: newFiles(m), Backups: o.Backups,
		Memory: o.Memory, Lifetime: o.Lifetime, flights: o.Flights,
		patient: o.Patient,
	}
	e.Tool = readTool(ctx, m, o)
	e.Magento1 = newSystem(finding.Magento1, m, &m.Magento1, e.Tool, o)
	e.Magento2 = newSystem(finding.Magento2, m, &m.Magento2, e.Tool, o)
	var both sync.WaitGroup
	for _, s := range e.Systems() {
		both.Go(func() {
			s.readSecrets(ctx, o)
			s.connect(ctx)
		})
	}
	both.Wait()
	e.Phase = findPhase(ctx, e)
	return e
}

// Final reports whether somebody waits for the verdict, which no later evaluation corrects: what must be seen again is
// unknown until it was.
func (e *Evidence) Final() bool { return e.patient }

// budget returns how long one evaluation takes for work that is spread over evaluations.
func (e *Evidence) budget(serving time.Duration) time.Duration {
	if e.patient {
		return max(serving, e.Magento1.statementTimeout)
	}
	return serving
}

// Systems returns both.
func (e *Evidence) Systems() []*System { return []*System{e.Magento1, e.Magento2} }

// Close ends the sessions.
func (e *Evidence) Close() {
	for _, s := range e.Systems() {
		if err := errors.Join(s.Session.Close(), s.searching.close()); err != nil {
			s.logger.Debug("closing a session failed", "system", s.Name, "err", err)
		}
	}
}
