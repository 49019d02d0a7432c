package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/config"
)

// serve evaluates in the background and answers requests until ctx ends.
func serve(ctx context.Context, f *flags, cfg *config.Config, logger *slog.Logger) error {
	logger.Info("starting", "version", version.Info(), "build", version.BuildContext(), "migrations", len(cfg.Migrations))
	warnIfOpen(f, logger)
	backups := backup.New(ctx, backup.Options{BytesPerSecond: cfg.Global.BackupReadBytesPerSecond})
	defer backups.Close()
	board := collector.NewBoard()
	evaluator := collector.NewEvaluator(collector.EvaluatorOptions{Board: board, Backups: backups, Logger: logger, Now: time.Now})
	scheduler := collector.NewScheduler(evaluator)
	reload := newReloader(f.configFile, cfg, backups, scheduler, logger)
	handler, err := newHandler(handlerOptions{
		board: board, evaluator: evaluator, reload: reload, logger: logger, now: time.Now,
		telemetryPath: f.telemetryPath, externalURL: f.externalURL, lifecycle: f.enableLifecycle, pprof: f.enablePprof,
	})
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	background.Go(func() { scheduler.Run(ctx) })
	background.Go(func() { reloadOnHangup(ctx, reload) })
	scheduler.Apply(ctx, cfg)
	return listen(ctx, f, handler, logger)
}

// listen serves until ctx ends, and then lets requests in flight end.
func listen(ctx context.Context, f *flags, handler http.Handler, logger *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- web.ListenAndServe(server, f.web, logger) }()
	select {
	case err := <-failed:
		return fmt.Errorf("listening: %w", err)
	case <-ctx.Done():
	}
	logger.Info("stopping")
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	if err := server.Shutdown(limit); err != nil {
		logger.Warn("requests did not end in time", "err", err)
		_ = server.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("listening: %w", err)
	}
	return nil
}

func reloadOnHangup(ctx context.Context, reload *reloader) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-hangup:
			_ = reload.Reload(ctx) // it has logged why, and the gauge says it
		case <-ctx.Done():
			return
		}
	}
}

// warnIfOpen says that anybody on the network can read the findings.
func warnIfOpen(f *flags, logger *slog.Logger) {
	if f.web.WebConfigFile != nil && *f.web.WebConfigFile != "" || f.web.WebListenAddresses == nil {
		return
	}
	for _, address := range *f.web.WebListenAddresses {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			continue
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			logger.Warn("serving beyond this host without TLS or login: set --web.config.file", "address", address)
		}
	}
}

// reloader loads the configuration anew. The last good one stays when the file is refused.
type reloader struct {
	file      string
	backups   *backup.Reader
	scheduler *collector.Scheduler
	logger    *slog.Logger

	mu       sync.Mutex
	ok       bool
	loadedAt time.Time
	config   *config.Config
}

func newReloader(file string, cfg *config.Config, backups *backup.Reader, scheduler *collector.Scheduler, logger *slog.Logger) *reloader {
	return &reloader{file: file, backups: backups, scheduler: scheduler, logger: logger, ok: true, loadedAt: time.Now(), config: cfg}
}

// Reload loads the file and makes it the running configuration, or says why not.
func (r *reloader) Reload(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	cfg, err := config.Load(r.file, collector.PreconditionIDs())
	if err != nil {
		r.ok = false
		r.logger.Error("the configuration was not reloaded: the last good one stays", "err", err)
		return err
	}
	for _, w := range cfg.Warnings() {
		r.logger.Warn("the configuration is hardly meant so", "warning", w)
	}
	r.backups.SetBytesPerSecond(cfg.Global.BackupReadBytesPerSecond)
	r.scheduler.Apply(ctx, cfg)
	r.ok, r.loadedAt, r.config = true, time.Now(), cfg
	r.logger.Info("the configuration was reloaded", "migrations", len(cfg.Migrations))
	return nil
}

// state returns whether the last attempt worked, when one last did, and what runs.
func (r *reloader) state() (ok bool, loadedAt time.Time, cfg *config.Config) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ok, r.loadedAt, r.config
}
