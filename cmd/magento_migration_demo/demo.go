package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// options is the command line.
type options struct {
	exporter string
	rules    string
	// alertmanager is a configuration file.
	alertmanager string
	faster       int
}

// demo is a running demonstration.
type demo struct {
	options
	// dir has everything that it creates.
	dir    string
	stdout io.Writer
	stderr io.Writer
	// group has the parts that run in the background: when one fails, all end.
	group *errgroup.Group
}

// demonstrate runs the demonstration until ctx ends or a part of it fails, and removes everything that it created.
func demonstrate(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "magento_migration_demo-")
	if err != nil {
		return fmt.Errorf("create a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// Otherwise a template of the servers' data would stay in a cache.
	if err := os.Setenv("MYSQLTEST_CACHE", filepath.Join(dir, "cache")); err != nil {
		return fmt.Errorf("keep the template in the demo's folder: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	d := &demo{options: o, dir: dir, stdout: stdout, stderr: stderr, group: group}
	err = d.run(ctx)
	cancel()
	// When a part of the demo has ended, every other error is a consequence.
	if ended := group.Wait(); ended != nil {
		return ended
	}
	return err
}

// run starts all parts and shows them until ctx ends.
func (d *demo) run(ctx context.Context) error {
	shops, err := d.openShops(ctx)
	if err != nil {
		return err
	}
	exporter, err := d.startExporter(ctx, shops)
	if err != nil {
		return err
	}
	monitoring, err := d.startMonitoring(ctx, exporter.Address)
	if err != nil {
		return err
	}
	if err := exporter.check(ctx, d.stdout, d.stderr); err != nil {
		return err
	}
	readiness, err := exporter.readiness(ctx)
	if err != nil {
		return err
	}
	if err := d.explain(shops, exporter, monitoring, readiness); err != nil {
		return err
	}
	exporter.log.show(d.stderr)
	<-ctx.Done()
	return nil
}

// step prints what the demo does in the next seconds.
func (d *demo) step(format string, args ...any) { fmt.Fprintf(d.stderr, format+"\n", args...) }
