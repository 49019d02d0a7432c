package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/common/version"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/report"
	"magento_migration_exporter/config"
)

// check evaluates once, and again what needs a second look, prints the results and returns the exit code.
func check(
	ctx context.Context, f *flags, cfg *config.Config, logger *slog.Logger, stdout io.Writer, status *statusLine,
) int {
	asked, err := f.ask(cfg, logger, time.Now())
	if err != nil {
		fmt.Fprintf(status, "%s: error: %v\n", program, err)
		return exitError
	}
	catalogue := precondition.All()
	expositor := exposition.NewExpositor(catalogue)
	board := collector.NewBoard(catalogue, expositor.Render)
	board.Remember(asked.past)
	faults := evaluateOnce(ctx, f, cfg, board, logger, status)
	if err := ctx.Err(); err != nil && asked.file != "" {
		logger.Error("interrupted: the file of --output stays as it was", "file", asked.file, "err", err)
		return exitError
	}
	states := board.Snapshot()
	doc := report.NewReadiness(version.Version, states, time.Now())
	asked.compare(&doc)
	err = writeOutput(asked.file, stdout, func(w io.Writer) error {
		if f.format == prometheusFormat {
			return printMetrics(w, expositor, states)
		}
		return printDocument(f, doc, w)
	})
	if err != nil {
		logger.Error("printing the results failed", "err", err)
		return exitError
	}
	if faults > 0 {
		logger.Error("the exporter itself failed in some evaluations", "evaluations", faults)
		return exitError
	}
	return exitCode(doc, f.strict)
}

// question is what a check is asked for, beside the migrations.
type question struct {
	// file is that of --output, empty for standard output.
	file string
	// since is zero when nobody asks what changed.
	since time.Time
	// past is the history of --storage.path.
	past map[string]history.Migration
	// reports is true for a report that is compared with the one before.
	reports bool
}

// compare adds to a document what changed, if somebody asked for it or can know it.
func (q question) compare(doc *report.Readiness) {
	switch {
	case !q.since.IsZero():
		doc.Compare(q.since)
	case q.reports:
		doc.CompareWithReports(func(name string) time.Time {
			return history.LastReport(q.past[name].Reports, doc.GeneratedAt)
		})
	}
}

// ask reads the flags of check, and leaves in the configuration what they ask for. The history is only read.
func (f *flags) ask(cfg *config.Config, logger *slog.Logger, now time.Time) (question, error) {
	var q question
	err := selectMigrations(cfg, f.migrations)
	if err != nil {
		return q, err
	}
	rehearse(cfg, config.Phase(f.phase))
	if q.file, err = outputFile(f.output); err != nil {
		return q, err
	}
	switch {
	case f.since == "":
	case f.storagePath == "":
		return q, errors.New("--since needs --storage.path: the folder in which serve keeps the history")
	case f.phase != "":
		return q, errors.New("--since and --phase do not go together: what differs would differ by the phase")
	default:
		if q.since, err = report.ParseSince(f.since, now); err != nil {
			return q, fmt.Errorf("--since=%w", err)
		}
	}
	if f.storagePath == "" || f.phase != "" {
		return q, nil // a rehearsal has no past
	}
	past, warning, err := history.Read(f.storagePath, now)
	if warning != nil {
		logger.Warn("the history is not complete", "path", f.storagePath, "warning", warning)
	}
	q.past, q.reports = past, f.format == "html"
	return q, err
}

// evaluateOnce fills the board within the time limit, and returns how many evaluations failed by a fault of the program
// itself.
func evaluateOnce(
	ctx context.Context, f *flags, cfg *config.Config, board *collector.Board, logger *slog.Logger, status *statusLine,
) uint64 {
	// Without the deadline: a backup that is not read by then is still being read, and not damaged.
	options := backup.Options{BytesPerSecond: cfg.Global.BackupReadBytesPerSecond}
	backups := backup.New(context.WithoutCancel(ctx), options)
	defer backups.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(f.timeout))
	defer cancel()
	evaluator := collector.NewEvaluator(collector.EvaluatorOptions{
		Board:   board,
		Backups: backups,
		Patient: true,
		Logger:  logger,
		Now:     time.Now,
	})
	defer status.watch(board, len(cfg.Migrations))()
	evaluator.EvaluateAll(ctx, cfg)
	evaluator.EvaluateAgain(ctx, cfg)
	return evaluator.Faults()
}

// rehearse gives all migrations another phase than the configuration does; an empty one changes nothing.
func rehearse(cfg *config.Config, phase config.Phase) {
	for i := range cfg.Migrations {
		if m := &cfg.Migrations[i]; phase != "" && m.Phase != phase {
			m.Phase, m.Rehearsed = phase, true
		}
	}
}

func printDocument(f *flags, doc report.Readiness, w io.Writer) error {
	switch f.format {
	case "json":
		return report.JSON(w, doc)
	case "markdown":
		return report.Markdown(w, doc)
	case "html":
		return report.HTML(w, doc)
	}
	return report.Table(w, doc, report.TableOptions{Colour: colours(w), Verbose: f.verbose})
}

// colours reports whether w is a terminal whose user has not disabled colours; see https://no-color.org.
func colours(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == ""
}

// exitCode is the worst of all migrations: a failure is worse than an unknown.
func exitCode(doc report.Readiness, strict bool) int {
	code := exitReady
	for _, m := range doc.Migrations {
		for _, p := range m.Preconditions {
			switch {
			case p.Status == finding.Fail, strict && p.Status == finding.Warn:
				return exitFails
			case p.Status == finding.Unknown:
				code = exitUnknown
			}
		}
	}
	return code
}
