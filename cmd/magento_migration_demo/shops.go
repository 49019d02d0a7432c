package main

import (
	"compress/gzip"
	"context"
	"crypto/rand"
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
	//go:embed files/magento1_account.sql
	magento1Account string
	//go:embed files/magento2_account.sql
	magento2Account string
	//go:embed files/tester.sql
	testerSQL string
	//go:embed files/cron.sql
	cronSQL string
)

// shop is one Magento's database on its own private server.
type shop struct {
	// System is magento1 or magento2; its database has the same name.
	System string
	Server *mysqltest.Server
}

// Client is the shell command that opens the database as the server's administrator.
func (s *shop) Client() string { return "mariadb " + strings.Join(s.clientArgs(), " ") }

func (s *shop) clientArgs() []string {
	return []string{"--no-defaults", "--socket=" + s.Server.Socket(), "--user=root", s.System}
}

// shops are the two Magentos and their files.
type shops struct {
	Magento1, Magento2 *shop
	// Window is the second migration, between migrate:data and the cutover.
	Window       *window
	PasswordFile string
	Backup       string
	// MagentoRoot is the folder with bin/magento.
	MagentoRoot string
}

// openShops starts the servers, fills them, and makes some preconditions fail.
func (d *demo) openShops(ctx context.Context) (*shops, error) {
	s := &shops{
		PasswordFile: filepath.Join(d.dir, "password"),
		Backup:       filepath.Join(d.dir, "magento2.sql.gz"),
		MagentoRoot:  filepath.Join(d.dir, "magento2"),
	}
	password := rand.Text()
	if err := os.WriteFile(s.PasswordFile, []byte(password+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("write the accounts' password: %w", err)
	}
	d.step("Starting two private MariaDB servers with a small Magento 1 and a small Magento 2 ...")
	var err error
	// The binary log is on and creators of triggers are not trusted, as on most servers with a replica.
	s.Magento1, err = d.openShop(ctx, "magento1", mysqltest.Magento1(""), magento1Account, password,
		"--log-bin=binlog", "--server-id=1")
	if err != nil {
		return nil, err
	}
	s.Magento2, err = d.openShop(ctx, "magento2", mysqltest.Magento2(""), magento2Account, password)
	if err != nil {
		return nil, err
	}
	if err := s.Magento2.dump(ctx, s.Backup); err != nil {
		return nil, err
	}
	if err := s.Magento2.Server.Load(ctx, "magento2", testerSQL); err != nil {
		return nil, fmt.Errorf("create a product in Magento 2: %w", err)
	}
	if s.Window, err = d.openWindow(ctx, s.Magento2, password); err != nil {
		return nil, err
	}
	return s, d.startCron(ctx, s)
}

// openShop starts a server that runs until the demo ends.
func (d *demo) openShop(ctx context.Context, system, schema, account, password string, args ...string) (*shop, error) {
	server, err := mysqltest.Start(ctx, mysqltest.Options{Dir: d.dir, Args: args})
	if err != nil {
		return nil, err
	}
	d.group.Go(func() error {
		d.watch(ctx, system, server)
		return server.Stop()
	})
	if err := server.Load(ctx, system, schema); err != nil {
		return nil, fmt.Errorf("fill %s: %w", system, err)
	}
	if err := server.Load(ctx, system, strings.ReplaceAll(account, "{{password}}", password)); err != nil {
		return nil, fmt.Errorf("create the account on %s: %w", system, err)
	}
	return &shop{System: system, Server: server}, nil
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
func (s *shop) dump(ctx context.Context, path string) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make the backup: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	compressed := gzip.NewWriter(f)
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, "mariadb-dump", append(s.clientArgs(), "--single-transaction", "--triggers")...)
	cmd.Stdout, cmd.Stderr = compressed, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("make the backup with mariadb-dump: %w: %s", err, stderr.String())
	}
	if err := compressed.Close(); err != nil {
		return fmt.Errorf("make the backup: %w", err)
	}
	return nil
}

// Waived are the preconditions that the second migration is not here for.
func (*shops) Waived() []string {
	return []string{"system_requirements", "topology", "backup", "extensions", "migration_tool"}
}
