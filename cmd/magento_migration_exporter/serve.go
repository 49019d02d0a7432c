package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/history"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// serve evaluates in the background and answers requests until ctx ends. A hangup reloads the configuration.
func serve(ctx context.Context, f *flags, cfg *config.Config, hangup <-chan os.Signal, logger *slog.Logger) error {
	logger.Info("starting", "version", version.Info(), "build", version.BuildContext(),
		"migrations", len(cfg.Migrations))
	warnIfOpen(f, logger)
	store, err := openStore(ctx, f.storagePath, logger)
	if err != nil {
		return err
	}
	defer store.Close()
	backups := backup.New(ctx, backup.Options{BytesPerSecond: cfg.Global.BackupReadBytesPerSecond})
	defer backups.Close()
	catalogue := precondition.All()
	expositor := exposition.NewExpositor(catalogue)
	board := collector.NewBoard(catalogue, expositor.Render)
	board.Remember(store.Past())
	evaluator := collector.NewEvaluator(
		collector.EvaluatorOptions{Board: board, Backups: backups, Logger: logger, Now: time.Now})
	scheduler := collector.NewScheduler(evaluator)
	reload := newReloader(f.configFile, cfg, backups, scheduler, logger)
	reload.shard, reload.webConfigFile = f.shard, f.webConfigFile()
	handler, err := newHandler(handlerOptions{
		catalogue:     catalogue,
		expositor:     expositor,
		board:         board,
		evaluator:     evaluator,
		reload:        reload,
		store:         store,
		logger:        logger,
		now:           time.Now,
		telemetryPath: f.telemetryPath,
		externalURL:   f.externalURL,
		lifecycle:     f.enableLifecycle,
		pprof:         f.enablePprof,
	})
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	background.Go(func() { evaluateAndKeep(ctx, scheduler, evaluator, board.Changed(), store) })
	if err := scheduler.Apply(ctx, cfg); err != nil {
		return nil // stopped before it began
	}
	background.Go(func() { reload.Run(ctx, hangup) })
	return listen(ctx, f, newServer(handler, logger), logger)
}

// evaluateAndKeep evaluates until ctx ends, and writes the history; also what the last evaluations found.
func evaluateAndKeep(
	ctx context.Context, scheduler *collector.Scheduler, evaluator *collector.Evaluator, changed <-chan struct{},
	store *history.Store,
) {
	keeping, end := context.WithCancel(context.WithoutCancel(ctx))
	var kept sync.WaitGroup
	kept.Go(func() {
		store.Run(keeping, changed, func() []history.Migration { return evaluator.Histories(time.Now()) })
	})
	scheduler.Run(ctx)
	end()
	kept.Wait()
}

// openStore opens the folder of --storage.path; without one nothing is stored. It does not wait for a dead mount.
func openStore(ctx context.Context, dir string, logger *slog.Logger) (*history.Store, error) {
	type opening struct {
		store *history.Store
		err   error
	}
	opened := make(chan opening, 1)
	go func() {
		store, err := history.Open(dir, logger, time.Now)
		opened <- opening{store, err}
	}()
	select {
	case o := <-opened:
		return o.store, o.err
	case <-time.After(defaultReadLimit):
		return nil, fmt.Errorf(
			"--storage.path=%s: reading the history does not end: look for a file system that hangs",
			dir,
		)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// newServer limits the time and the bytes that a client can take.
func newServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(webLog{logger.Handler()}, slog.LevelDebug),
	}
}

// listen serves until ctx ends, and then waits for the running requests.
func listen(ctx context.Context, f *flags, server *http.Server, logger *slog.Logger) error {
	failed := make(chan error, 1)
	go func() { failed <- web.ListenAndServe(server, f.web, slog.New(webLog{logger.Handler()})) }()
	select {
	case err := <-failed:
		return fmt.Errorf("listening: %w", webError{err})
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
		return fmt.Errorf("listening: %w", webError{err})
	}
	return nil
}

// warnIfOpen warns when anybody on the network can read the findings.
func warnIfOpen(f *flags, logger *slog.Logger) {
	if f.webConfigFile() != "" || f.web.WebListenAddresses == nil {
		return
	}
	for _, address := range *f.web.WebListenAddresses {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			continue
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			logger.Warn("serving other hosts without TLS or login: set --web.config.file", "address", address)
		}
	}
}
