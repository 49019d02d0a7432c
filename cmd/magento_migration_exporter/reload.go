package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// reloader loads the configuration again. When the file is refused, the last valid one stays.
type reloader struct {
	file string
	// shard is the part of the migrations that this process evaluates.
	shard shard
	// webConfigFile is empty without --web.config.file.
	webConfigFile string
	backups       *backup.Reader
	scheduler     *collector.Scheduler
	logger        *slog.Logger

	// readLimit is how long reading the configuration can take.
	readLimit time.Duration
	// settled is the time without a change after which the files are complete: the next part of a file that is written
	// in parts comes sooner, and a first part can be valid by itself.
	settled time.Duration

	// asked has the requests for Run, each with a channel for the answer. ended is closed when Run has returned.
	asked chan chan<- error
	ended chan struct{}
	// state is read by scrapes, which never wait for a reload.
	state atomic.Pointer[reloadState]

	// unread belongs to Run: a reading that did not end in time, for example on a dead mount.
	unread <-chan reading
}

// reloadState is what the exporter's own metrics report about the configuration.
type reloadState struct {
	// ok is whether the last attempt worked, loadedAt when an attempt last worked.
	ok       bool
	loadedAt time.Time
	running  *config.Config
	// refused is why the last attempt did not work, nil when it did. It quotes no secret.
	refused error
}

// reading is the result of reading the configuration.
type reading struct {
	config   *config.Config
	warnings []string
	// changed is the files' last modification, as it was after they were read.
	changed time.Time
	err     error
}

const (
	defaultReadLimit = 20 * time.Second
	defaultSettled   = 50 * time.Millisecond
	// settleFactor times settled is how long a reload waits for files that change all the time.
	settleFactor = 10
)

var (
	errStopping = errors.New("the exporter is stopping")
	errUnread   = errors.New("reading the configuration does not end: " +
		"look for a file system that hangs, or a pipe without a writer")
)

func newReloader(
	file string, cfg *config.Config, backups *backup.Reader, scheduler *collector.Scheduler, logger *slog.Logger,
) *reloader {
	r := &reloader{
		file:      file,
		backups:   backups,
		scheduler: scheduler,
		logger:    logger,
		readLimit: defaultReadLimit,
		settled:   defaultSettled,
		asked:     make(chan chan<- error),
		ended:     make(chan struct{}),
	}
	r.state.Store(&reloadState{ok: true, loadedAt: time.Now(), running: cfg})
	return r
}

// Reload makes the file's content the running configuration, or returns why it did not. A reload that has begun
// continues when ctx ends.
func (r *reloader) Reload(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case r.asked <- answer:
	case <-r.ended:
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-r.ended:
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run reloads at each hangup and each call of Reload, until ctx ends. One reload serves all requests that came during
// the one before.
func (r *reloader) Run(ctx context.Context, hangup <-chan os.Signal) {
	defer close(r.ended)
	for {
		var answers []chan<- error
		select {
		case <-hangup:
		case answer := <-r.asked:
			answers = r.alsoAsked(answer)
		case <-ctx.Done():
			return
		}
		err := r.reload(ctx)
		for _, answer := range answers {
			answer <- err
		}
	}
}

// alsoAsked returns the given answer channels and those of all other waiting requests.
func (r *reloader) alsoAsked(answers ...chan<- error) []chan<- error {
	for {
		select {
		case answer := <-r.asked:
			answers = append(answers, answer)
		default:
			return answers
		}
	}
}

func (r *reloader) reload(ctx context.Context) error {
	got := r.load(ctx)
	if got.err == nil {
		r.shard.keep(got.config)
		got.err = r.scheduler.Apply(ctx, got.config)
	}
	if ctx.Err() != nil {
		return errStopping
	}
	if got.err != nil {
		last := *r.state.Load()
		last.ok, last.refused = false, got.err
		r.state.Store(&last)
		r.logger.Error("the configuration was not reloaded: the last valid one stays", "err", got.err)
		return got.err
	}
	logWarnings(r.logger, got.warnings)
	r.backups.SetBytesPerSecond(got.config.Global.BackupReadBytesPerSecond)
	r.state.Store(&reloadState{ok: true, loadedAt: time.Now(), running: got.config})
	r.logger.Info("the configuration was reloaded", "migrations", len(got.config.Migrations))
	return nil
}

// load reads the configuration until its files no longer change.
func (r *reloader) load(ctx context.Context) reading {
	limit := time.Now().Add(settleFactor * r.settled)
	for {
		began := time.Now()
		got := r.read(ctx)
		if began.Sub(got.changed) >= r.settled || began.After(limit) {
			return got
		}
		select {
		case <-time.After(r.settled):
		case <-ctx.Done():
			return reading{err: ctx.Err()}
		}
	}
}

// read reads the configuration once. A reading that hangs must not keep the process from ending, and must not start
// again and again.
func (r *reloader) read(ctx context.Context) reading {
	if r.unread != nil {
		select {
		case <-r.unread: // too old to be used
			r.unread = nil
		default:
			return reading{err: errUnread}
		}
	}
	result := readConfig(r.file, r.webConfigFile)
	select {
	case got := <-result:
		return got
	case <-time.After(r.readLimit):
		r.unread = result
		return reading{err: errUnread}
	case <-ctx.Done():
		return reading{err: ctx.Err()}
	}
}

// readConfig reads the configuration in the background: the caller need not wait for the end.
func readConfig(file, webConfigFile string) <-chan reading {
	result := make(chan reading, 1)
	go func() {
		var got reading
		if got.config, got.err = config.Load(file, precondition.All().Sections()); got.err == nil {
			got.warnings = warnings(got.config, webConfigFile)
		}
		got.changed = config.LastChange(file)
		result <- got
	}()
	return result
}

// warnings are about suspicious settings in the exporter's own files.
func warnings(cfg *config.Config, webConfigFile string) []string {
	return append(cfg.Warnings(time.Now()), config.WebConfigWarnings(webConfigFile)...)
}

func logWarnings(logger *slog.Logger, warnings []string) {
	for _, w := range warnings {
		logger.Warn("suspicious configuration", "warning", w)
	}
}
