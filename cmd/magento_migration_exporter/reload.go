package main

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/config"
)

// reloader loads the configuration anew. The last good one stays when the file is refused.
type reloader struct {
	file string
	// shard is what of it this process looks after.
	shard shard
	// webConfigFile is empty when none was named.
	webConfigFile string
	backups       *backup.Reader
	scheduler     *collector.Scheduler
	logger        *slog.Logger

	// reloading lets one reload happen at a time. Scrapes read state and never wait for it.
	reloading sync.Mutex
	state     atomic.Pointer[reloadState]
}

// reloadState is what the exporter's own metrics say of the configuration.
type reloadState struct {
	// ok is whether the last attempt worked, loadedAt when one last did.
	ok       bool
	loadedAt time.Time
	running  *config.Config
}

func newReloader(file string, cfg *config.Config, backups *backup.Reader, scheduler *collector.Scheduler, logger *slog.Logger) *reloader {
	r := &reloader{file: file, backups: backups, scheduler: scheduler, logger: logger}
	r.state.Store(&reloadState{ok: true, loadedAt: time.Now(), running: cfg})
	return r
}

// Reload loads the file and makes it the running configuration, or says why not.
func (r *reloader) Reload(ctx context.Context) error {
	r.reloading.Lock()
	defer r.reloading.Unlock()
	cfg, err := config.Load(r.file, collector.PreconditionIDs())
	if err == nil {
		r.shard.keep(cfg)
		err = r.scheduler.Apply(ctx, cfg)
	}
	if err != nil {
		last := *r.state.Load()
		last.ok = false
		r.state.Store(&last)
		r.logger.Error("the configuration was not reloaded: the last good one stays", "err", err)
		return err
	}
	logWarnings(r.logger, cfg, r.webConfigFile)
	r.backups.SetBytesPerSecond(cfg.Global.BackupReadBytesPerSecond)
	r.state.Store(&reloadState{ok: true, loadedAt: time.Now(), running: cfg})
	r.logger.Info("the configuration was reloaded", "migrations", len(cfg.Migrations))
	return nil
}
