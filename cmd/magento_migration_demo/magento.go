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

// The demo's Magento 2 is a database only. Its bin/magento is a link to the demo's own binary, which then does what the
// command does as far as the demo can show it: write and remove the crontab that starts Magento 2's cron.
const (
	magentoCommand = "magento"
	crontabName    = "crontab"
	crontab        = "* * * * * bin/magento cron:run\n"
	cronPause      = time.Second
)

// magento is bin/magento: it returns the exit code.
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
		err = errors.New("the demo's bin/magento knows only cron:install and cron:remove")
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	fmt.Fprintln(stdout, args[1]+": done")
	return 0
}

// startCron makes bin/magento, installs the crontab, and works as cron does while it is there.
func (d *demo) startCron(ctx context.Context, s *shops) error {
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the demo's own binary: %w", err)
	}
	bin := filepath.Join(s.MagentoRoot, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return fmt.Errorf("make Magento 2's folder: %w", err)
	}
	if err := os.Symlink(binary, filepath.Join(bin, magentoCommand)); err != nil {
		return fmt.Errorf("make bin/magento: %w", err)
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

// runCron leaves cron's traces in cron_schedule while the crontab is there.
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
			// While somebody restores the backup, there is no such table.
			_ = magento2.Server.Exec(ctx, cronSQL)
		}
	}
}
