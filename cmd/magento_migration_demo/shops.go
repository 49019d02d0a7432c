package main

import (
	"compress/gzip"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"magento_migration_exporter/collector/mysqltest"
)

var (
	//go:embed files/account.sql
	accountSQL string
	//go:embed files/tester.sql
	testerSQL string
	//go:embed files/cron.sql
	cronSQL string
	//go:embed files/settings.sql
	settingsSQL string
)

// What the tool's account holds in the two databases: all that the tool needs, and what the demo begins with.
var (
	enough = [...]string{
		"SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, TRIGGER",
		"SELECT, INSERT, UPDATE, DELETE, CREATE, DROP",
	}
	lacking = [...]string{"SELECT, INSERT, UPDATE, DELETE", "SELECT, INSERT, UPDATE, DELETE, CREATE"}
)

// shops are the two migrations.
type shops struct {
	// Demo is before migrate:data, and some of its preconditions fail.
	Demo *site
	// Window is between migrate:data and the cutover.
	Window *site
}

// openShops starts the servers, fills them, and makes some preconditions fail.
func (d *demo) openShops(ctx context.Context) (*shops, error) {
	s := &shops{Demo: newSite(d.dir, "demo", "migration"), Window: newSite(d.dir, "window", "window")}
	d.step("Starting two private MariaDB servers with a small Magento 1 and a small Magento 2 ...")
	var err error
	demo, window := s.Demo, s.Window
	demo.DB1, demo.DB2, window.DB1, window.DB2 = "magento1", "magento2", "live1", "live2"
	// The binary log is on and creators of triggers are not trusted, as on most servers with a replica.
	if demo.Server1, err = d.openServer(ctx, "magento1", "--log-bin=binlog", "--server-id=1"); err != nil {
		return nil, err
	}
	if demo.Server2, err = d.openServer(ctx, "magento2"); err != nil {
		return nil, err
	}
	window.Server1, window.Server2 = demo.Server2, demo.Server2
	web, search, err := d.serveShop(ctx)
	if err != nil {
		return nil, err
	}
	demo.Web, window.Web, window.Decided = web, web, true
	for site, privileges := range map[*site][2]string{demo: lacking, window: enough} {
		if err := site.open(ctx, search, privileges); err != nil {
			return nil, fmt.Errorf("make the migration %q: %w", site.Name, err)
		}
	}
	if err := demo.Server2.Load(ctx, demo.DB2, testerSQL); err != nil {
		return nil, fmt.Errorf("create a product in Magento 2: %w", err)
	}
	if err := d.startCron(ctx, demo, window); err != nil {
		return nil, err
	}
	if err := d.live(ctx, demo, false); err != nil {
		return nil, err
	}
	return s, d.live(ctx, window, true)
}

// openServer starts a server that runs until the demo ends.
func (d *demo) openServer(ctx context.Context, name string, args ...string) (*mysqltest.Server, error) {
	// Otherwise the error log has a line for every look at whether the server answers.
	server, err := mysqltest.Start(ctx, mysqltest.Options{Dir: d.dir, Args: append(args, "--log-warnings=1")})
	if err != nil {
		return nil, err
	}
	d.group.Go(func() error {
		d.watch(ctx, name, server)
		return server.Stop()
	})
	return server, nil
}

// open fills the databases of a site, makes its accounts with the privileges in the two, writes its files, and makes
// the backup.
func (s *site) open(ctx context.Context, search string, privileges [2]string) error {
	host, port, _ := strings.Cut(search, ":")
	of := strings.NewReplacer(
		"{{account}}",
		s.Account(),
		"{{password}}",
		s.Password,
		"{{host}}",
		host,
		"{{port}}",
		port,
		"{{magento1}}",
		s.DB1,
		"{{magento2}}",
		s.DB2,
		"{{privileges1}}",
		privileges[0],
		"{{privileges2}}",
		privileges[1],
	)
	account1, account2, _ := strings.Cut(accountSQL, "-- On Magento 2's server.")
	for _, load := range []struct {
		server *mysqltest.Server
		db     string
		script string
	}{
		{s.Server1, s.DB1, mysqltest.Magento1("") + account1},
		{s.Server2, s.DB2, mysqltest.Magento2("") + account2 + settingsSQL},
	} {
		if err := load.server.Load(ctx, load.db, of.Replace(load.script)); err != nil {
			return err
		}
	}
	if err := s.write(); err != nil {
		return err
	}
	return s.dump(ctx)
}

const watchInterval = 500 * time.Millisecond

// watch lives with a server that ends, because that is what people try first: it says what it saw, and starts it
// again when somebody asks for it. It returns when ctx ends.
func (d *demo) watch(ctx context.Context, system string, server *mysqltest.Server) {
	ask := filepath.Join(d.dir, "start-"+system)
	down := false
	every(ctx, watchInterval, func(ctx context.Context, _ int) {
		if _, err := os.Stat(ask); err == nil {
			_ = os.Remove(ask)
			if err := server.Restart(ctx); err != nil {
				d.step("The server of %s does not start: %v", system, err)
				return
			}
		}
		err := ping(ctx, server)
		switch {
		case ctx.Err() != nil:
		case err != nil && !down:
			d.step("\nThe server of %s ended: %v. Its error log ends with:\n%s\nThe exporter sees it within seconds. "+
				"The demo goes on. To start the server again:\n  touch %s\n",
				system, err, lastBytes(server.ErrorLog()), ask)
			down = true
		case err == nil && down:
			d.step("The server of %s is back.", system)
			down = false
		}
	})
}

// ping returns why nobody answers. A server that answers with an error runs, for example one without a free connection.
func ping(ctx context.Context, server *mysqltest.Server) error {
	_, err := server.Root(ctx)
	if _, answered := errors.AsType[*mysql.MySQLError](err); answered {
		return nil
	}
	return err
}

func lastBytes(text string) string { return text[max(0, len(text)-keptLog):] }

// dump makes the backup that the guide requires: of Magento 2 as it is after its installation.
func (s *site) dump(ctx context.Context) (err error) {
	f, err := os.OpenFile(s.Backup, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make the backup: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	compressed := gzip.NewWriter(f)
	var stderr strings.Builder
	args := append(clientArgs(s.Server2, s.DB2), "--single-transaction", "--triggers")
	cmd := exec.CommandContext(ctx, "mariadb-dump", args...)
	cmd.Stdout, cmd.Stderr = compressed, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("make the backup with mariadb-dump: %w: %s", err, stderr.String())
	}
	if err := compressed.Close(); err != nil {
		return fmt.Errorf("make the backup: %w", err)
	}
	return nil
}

// cronPause is how often the demo's cron writes its entries.
const cronPause = time.Second

// startCron acts as the cron of each Magento 2 while its crontab exists. Of the first one it exists.
func (d *demo) startCron(ctx context.Context, sites ...*site) error {
	install := exec.CommandContext(ctx, filepath.Join(sites[0].Root2, "bin/magento"), "cron:install")
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("install the crontab: %w: %s", err, out)
	}
	for _, s := range sites {
		d.group.Go(func() error {
			every(ctx, cronPause, func(ctx context.Context, _ int) {
				if _, err := os.Stat(s.Crontab()); err == nil {
					// An error is no fault: while somebody restores the backup, the table does not exist.
					_ = s.Server2.Exec(ctx, "USE `"+s.DB2+"`", cronSQL)
				}
			})
			return nil
		})
	}
	return sites[0].Server2.Exec(ctx, "USE `"+sites[0].DB2+"`", cronSQL)
}
