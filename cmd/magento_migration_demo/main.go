// Command magento_migration_demo shows the exporter at work on two private database servers with a small Magento 1 and
// a small Magento 2. Several preconditions fail on purpose and can be fixed. At its end it removes everything.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
)

func main() {
	var o options
	app := kingpin.New("magento_migration_demo",
		"Shows the exporter at work on two private database servers, until Ctrl-C.")
	app.HelpFlag.Short('h')
	app.Flag("exporter", "The exporter's binary.").
		Default("bin/magento_migration_exporter").ExistingFileVar(&o.exporter)
	app.Flag("rules", "Folder with Prometheus rules to load when Prometheus is installed.").
		Default("dashboards/rules").StringVar(&o.rules)
	app.Flag("alertmanager", "Alertmanager's configuration, used when Alertmanager is installed.").
		Default("dashboards/alertmanager.yml").StringVar(&o.alertmanager)
	app.Flag("faster", "How many times shorter alerts and notifications wait than in production.").
		Default("30").IntVar(&o.faster)
	kingpin.MustParse(app.Parse(os.Args[1:]))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := show(ctx, o, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// show is the whole program; it returns the exit code.
func show(ctx context.Context, o options, stdout, stderr io.Writer) int {
	err := demonstrate(ctx, o, stdout, stderr)
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(stderr, "magento_migration_demo:", err)
		return 1
	}
	return 0
}
