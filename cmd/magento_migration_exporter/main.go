// Command magento_migration_exporter checks whether a migration from Magento 1 to Magento 2 can start, and exports the
// results to Prometheus.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	kitlog "github.com/go-kit/log"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"
	sloggokit "github.com/tjhop/slog-gokit"

	"magento_migration_exporter/config"
)

//go:embed usage.tmpl
var usageTemplate string

const program = "magento_migration_exporter"

const (
	serveCommand = "serve"
	checkCommand = "check"
)

// The exit codes; only check uses the last two.
const (
	exitReady   = 0
	exitError   = 1
	exitFails   = 2
	exitUnknown = 3
)

// flags is the command line.
type flags struct {
	configFile  string
	configCheck bool
	shard       shard
	storagePath string
	logLevel    string
	logFormat   string

	web             *web.FlagConfig
	telemetryPath   string
	externalURL     string
	enableLifecycle bool
	enablePprof     bool

	migrations []string
	format     string
	output     string
	since      string
	strict     bool
	phase      string
	verbose    bool
	timeout    model.Duration
}

// gcPercent is a third of Go's default of 100, with which there can be as much garbage as live memory: what is kept of
// a thousand migrations takes 65 MB. docs/performance.md has what BenchmarkProgram shows of it; GOGC overrides it.
const gcPercent = 30

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var f flags
	app, ended := newApplication(&f, args, stdout, stderr)
	command, err := app.Parse(withoutPartialCommand(args))
	if code, is := ended(); is {
		return code
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s: error: %v, try --help\n", program, err)
		return exitError
	}
	status := &statusLine{w: stderr}
	logger := newLogger(f.logLevel, f.logFormat, status)
	// Before the configuration is read, and never given back: a SIGHUP that comes early, or that is on its way when the
	// process ends, must not end it.
	hangup := make(chan os.Signal, 1)
	if command == serveCommand {
		signal.Notify(hangup, syscall.SIGHUP)
	}
	var got reading
	select {
	case got = <-readConfig(f.configFile, f.webConfigFile()):
	case <-ctx.Done():
		got.err = fmt.Errorf("reading the configuration: %w", ctx.Err())
	}
	if got.err != nil {
		fmt.Fprintln(stderr, got.err)
		return exitError
	}
	logWarnings(logger, got.warnings)
	cfg := got.config
	f.shard.keep(cfg)
	switch {
	case f.configCheck:
		return f.checkConfig(cfg, stdout, stderr)
	case command == checkCommand:
		return check(ctx, &f, cfg, logger, stdout, status)
	}
	if err := serve(ctx, &f, cfg, hangup, logger); err != nil {
		logger.Error("stopped", "err", err)
		return exitError
	}
	return exitReady
}

// checkConfig answers --config.check for a configuration that is valid: the web configuration has to be too.
func (f *flags) checkConfig(cfg *config.Config, stdout, stderr io.Writer) int {
	if file := f.webConfigFile(); file != "" {
		if err := web.Validate(file); err != nil {
			fmt.Fprintf(stderr, "%s: %v\n", file, webError{err})
			return exitError
		}
	}
	many := "s"
	if len(cfg.Migrations) == 1 {
		many = ""
	}
	fmt.Fprintf(stdout, "%s is valid: %d migration%s\n", f.configFile, len(cfg.Migrations), many)
	return exitReady
}

// webConfigFile is empty without --web.config.file.
func (f *flags) webConfigFile() string {
	if f.web == nil || f.web.WebConfigFile == nil {
		return ""
	}
	return *f.web.WebConfigFile
}

// newApplication declares the command line. The returned function reports whether parsing has already answered, as for
// --help, and with which exit code.
func newApplication(f *flags, args []string, stdout, stderr io.Writer) (*kingpin.Application, func() (int, bool)) {
	code, ended := 0, false
	app := kingpin.New(program,
		"Checks whether a migration from Magento 1 to Magento 2 can start, and exports the results to Prometheus.")
	app.Terminate(func(c int) {
		if !ended {
			code, ended = c, true
		}
	})
	app.UsageWriter(stdout).ErrorWriter(stderr)
	app.UsageTemplate(usageTemplate)
	app.Version(versionText(args))
	app.HelpFlag.Short('h')
	app.Flag("config.file", "The configuration: a file, a folder of .yml and .yaml files, or a pattern.").
		PlaceHolder("FILE").Required().StringVar(&f.configFile)
	app.Flag("shard", "Evaluate only a part of the migrations: shard K of N, chosen by their names.").
		PlaceHolder("K/N").SetValue(&f.shard)
	app.Flag("storage.path", "Folder in which the history of the preconditions outlives a restart.").
		PlaceHolder("DIR").StringVar(&f.storagePath)
	app.Flag("log.level", "Least severe level to log: debug, info, warn or error.").
		Default("info").EnumVar(&f.logLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "Format of the log: logfmt or json.").
		Default("logfmt").EnumVar(&f.logFormat, "logfmt", "json")
	declareServe(app, f)
	declareCheck(app, f)
	return app, func() (int, bool) { return code, ended }
}

func declareServe(app *kingpin.Application, f *flags) {
	serve := app.Command(serveCommand, "Evaluate again and again, and serve the results. This is the default.").
		Default()
	serve.Flag("config.check", "Check the configuration and exit.").BoolVar(&f.configCheck)
	f.web = kingpinflag.AddFlags(serve, ":10102")
	serve.Flag("web.telemetry-path", "Path of the metrics.").Default("/metrics").StringVar(&f.telemetryPath)
	serve.Flag("web.external-url", "URL under which people reach the exporter, for links.").
		PlaceHolder("URL").StringVar(&f.externalURL)
	serve.Flag("web.enable-lifecycle", "Let POST /-/reload reload the configuration.").BoolVar(&f.enableLifecycle)
	serve.Flag("web.enable-pprof", "Serve Go's profiles under /debug/pprof/.").BoolVar(&f.enablePprof)
}

func declareCheck(app *kingpin.Application, f *flags) {
	check := app.Command(checkCommand, "Evaluate once, print the results, and exit 0 when ready, "+
		"2 when a precondition fails, 3 when none fails but something is unknown, 1 on errors.")
	check.Flag("migration", "Evaluate only the migration with this name; repeatable.").
		PlaceHolder("NAME").StringsVar(&f.migrations)
	check.Flag("format", "Format of the results: table, json, markdown, html or prometheus.").
		Default("table").EnumVar(&f.format, "table", "json", "markdown", "html", prometheusFormat)
	check.Flag("output", "Write the results to this file, which is replaced when the new one is whole.").
		PlaceHolder("FILE").StringVar(&f.output)
	check.Flag("since", "Say also what changed since then: a duration, a date or a time. It needs --storage.path.").
		PlaceHolder("24h|TIME").StringVar(&f.since)
	check.Flag("strict", "Count warnings as failures in the exit code.").BoolVar(&f.strict)
	check.Flag("phase", "Judge as in this phase, whatever the configuration says: a rehearsal.").
		PlaceHolder("cutover").EnumVar(&f.phase, phaseNames()...)
	check.Flag("verbose", "Print every migration whole. Without it, the ready ones of more than ten get one line.").
		BoolVar(&f.verbose)
	check.Flag("timeout", "Time limit of the whole check.").Default("1m").SetValue(&durationValue{&f.timeout})
}

// phaseNames are the phases that can be rehearsed.
func phaseNames() []string {
	var names []string
	for _, p := range config.Phases() {
		names = append(names, string(p))
	}
	return names
}

// versionText is what --version prints. A man page has it in its title, which has only one line.
func versionText(args []string) string {
	if slices.Contains(args, "--help-man") {
		return version.Version
	}
	return version.Print(program)
}

// withoutPartialCommand makes shell completion of commands work: when there is a default command, kingpin lists the
// commands only before the first letter. The command line has no other words than commands and values of flags.
func withoutPartialCommand(args []string) []string {
	const completion = "--completion-bash"
	last := len(args) - 1
	if last < 1 || args[0] != completion || strings.HasPrefix(args[last], "-") {
		return args
	}
	if before := args[last-1]; before != completion && strings.HasPrefix(before, "-") {
		return args
	}
	return args[:last]
}

// durationValue reads durations in Prometheus's notation.
type durationValue struct{ d *model.Duration }

// Set implements kingpin.Value.
func (v *durationValue) Set(text string) error {
	d, err := model.ParseDuration(text)
	if err == nil && d <= 0 {
		err = errors.New("must be above zero")
	}
	*v.d = d
	return err
}

// String implements kingpin.Value.
func (v *durationValue) String() string { return v.d.String() }

// newLogger makes the go-kit logger and wraps it: everything else takes a *slog.Logger.
func newLogger(level, format string, w io.Writer) *slog.Logger {
	var least slog.LevelVar
	_ = least.UnmarshalText([]byte(level)) // the flag allows only valid levels
	kit := kitlog.NewLogfmtLogger(kitlog.NewSyncWriter(w))
	if format == "json" {
		kit = kitlog.NewJSONLogger(kitlog.NewSyncWriter(w))
	}
	return slog.New(sloggokit.NewGoKitHandler(kit, &least))
}

// selectMigrations keeps only the named ones.
func selectMigrations(cfg *config.Config, names []string) error {
	if len(names) == 0 {
		return nil
	}
	var selected []config.Migration
	for _, name := range names {
		i := slices.IndexFunc(cfg.Migrations, func(m config.Migration) bool { return m.Name == name })
		if i < 0 {
			return fmt.Errorf("--migration=%s: the configuration has no migration with this name, "+
				"or it belongs to another shard", name)
		}
		if !slices.ContainsFunc(selected, func(m config.Migration) bool { return m.Name == name }) {
			selected = append(selected, cfg.Migrations[i])
		}
	}
	cfg.Migrations = selected
	return nil
}

// shutdownLimit is how long running requests have to end.
const shutdownLimit = 5 * time.Second
