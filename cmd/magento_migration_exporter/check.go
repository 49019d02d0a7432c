package main

import (
	"context"
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
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/report"
	"magento_migration_exporter/config"
)

// check evaluates once, and again what needs a second look, prints the results and returns the exit code.
func check(
	ctx context.Context, f *flags, cfg *config.Config, logger *slog.Logger, stdout io.Writer, status *statusLine,
) int {
	if err := selectMigrations(cfg, f.migrations); err != nil {
		fmt.Fprintf(status, "%s: error: %v\n", program, err)
		return exitError
	}
	file, err := outputFile(f.output)
	if err != nil {
		fmt.Fprintf(status, "%s: error: %v\n", program, err)
		return exitError
	}
	rehearse(cfg, config.Phase(f.phase))
	catalogue := precondition.All()
	expositor := exposition.NewExpositor(catalogue)
	board := collector.NewBoard(catalogue, expositor.Render)
	faults := evaluateOnce(ctx, f, cfg, board, logger, status)
	if err := ctx.Err(); err != nil && file != "" {
		logger.Error("interrupted: the file of --output stays as it was", "file", file, "err", err)
		return exitError
	}
	states := board.Snapshot()
	doc := report.NewReadiness(version.Version, states, time.Now())
	err = writeOutput(file, stdout, func(w io.Writer) error {
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
