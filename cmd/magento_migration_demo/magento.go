package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// The demo's Magento 2 is only a database. Its bin/magento is a link to the demo's own binary, which then does what the
// demo shows of the real command: write and remove the crontab that starts Magento 2's cron.
const (
	magentoCommand = "magento"
	crontabName    = "crontab"
	crontab        = "* * * * * bin/magento cron:run\n"
	cronPause      = time.Second
)

// magento is bin/magento; it returns the exit code.
func magento(args []string, stdout, stderr io.Writer) int {
	path := filepath.Join(filepath.Dir(args[0]), "..", crontabName)
	var err error
	switch {
	case len(args) == 2 && args[1] == "cron:install":
		err = os.WriteFile(path, []byte(crontab), 0o600)
	case len(args) == 2 && args[1] == "cron:remove":
		if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	default:
		err = errors.New("the demo's bin/magento supports only cron:install and cron:remove")
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	fmt.Fprintln(stdout, args[1]+": done")
	return 0
}

// startCron creates bin/magento, installs the crontab, and acts as cron while the crontab exists.
func (d *demo) startCron(ctx context.Context, s *shops) error {
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the demo's own binary: %w", err)
	}
	bin := filepath.Join(s.MagentoRoot, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return fmt.Errorf("create Magento 2's folder: %w", err)
	}
	if err := os.Symlink(binary, filepath.Join(bin, magentoCommand)); err != nil {
		return fmt.Errorf("create bin/magento: %w", err)
	}
	path := filepath.Join(s.MagentoRoot, crontabName)
	if err := os.WriteFile(path, []byte(crontab), 0o600); err != nil {
		return fmt.Errorf("install the crontab: %w", err)
	}
	d.group.Go(func() error {
		runCron(ctx, path, s.Magento2)
		return nil
	})
	return s.Magento2.Server.Exec(ctx, cronSQL)
}

// runCron writes cron's entries into cron_schedule while the crontab exists.
func runCron(ctx context.Context, crontab string, magento2 *shop) {
	tick := time.NewTicker(cronPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := os.Stat(crontab); err == nil {
			// An error is no fault: while somebody restores the backup, the table does not exist.
			_ = magento2.Server.Exec(ctx, cronSQL)
		}
	}
}
