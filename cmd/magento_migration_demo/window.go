package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"magento_migration_exporter/collector/mysqltest"
)

var (
	//go:embed files/window_account.sql
	windowAccount string
	//go:embed files/sell.sql
	sellSQL string
	//go:embed files/deliver.sql
	deliverSQL string
	//go:embed files/grid.sql
	gridSQL string
	//go:embed files/delivered.tsv
	deliveredTable string
	//go:embed files/config.xml.tmpl
	windowConfig string
	//go:embed files/map.xml
	windowMap string
	//go:embed files/deltalog.xml.tmpl
	windowDeltaLog string
)

const (
	// salePause and cyclePause are those of the fake shop and of the fake delta; the tool's own pause is 5 s.
	salePause  = 500 * time.Millisecond
	cyclePause = 2 * time.Second
	// firstSale is a number of an order that the small Magento 1 has not.
	firstSale = 1000
)

// window is a second migration, whose data was copied: a shop that goes on to sell, and a delta that delivers. Both
// databases, live1 and live2, are on Magento 2's server.
type window struct {
	*shop
	// Root is the folder of Magento 2's files, where the tool's log is too.
	Root string
}

// Running is the file whose existence lets the delta run.
func (w *window) Running() string { return filepath.Join(w.Root, "delta-runs") }

// Log is the tool's own log.
func (w *window) Log() string { return filepath.Join(w.Root, "var", "migration.log") }

// Client is the shell command that opens the live shop's database as the server's administrator.
func (w *window) Client() string {
	return "mariadb --no-defaults --socket=" + w.Server.Socket() + " --user=root live1"
}

// openWindow migrates another small Magento 1 on a server, and lets it sell.
func (d *demo) openWindow(ctx context.Context, on *shop, password string) (*window, error) {
	w := &window{on, filepath.Join(d.dir, "live2")}
	server := on.Server
	for name, schema := range map[string]string{"live1": mysqltest.Magento1(""), "live2": mysqltest.Magento2("")} {
		if err := server.Load(ctx, name, schema); err != nil {
			return nil, fmt.Errorf("fill %s: %w", name, err)
		}
	}
	if err := server.Load(ctx, "live1", strings.ReplaceAll(windowAccount, "{{password}}", password)); err != nil {
		return nil, fmt.Errorf("create the account of the second migration: %w", err)
	}
	if err := mysqltest.SimulateMigrateData(ctx, server, "live1", "live2", "", ""); err != nil {
		return nil, err
	}
	// The tool's triggers run as its account.
	if err := mysqltest.DropDeltaLog(ctx, server, "live1", ""); err != nil {
		return nil, err
	}
	if err := mysqltest.SetUpDeltaLog(ctx, server, "live1", "", "'window'@'localhost'"); err != nil {
		return nil, err
	}
	const sameTimes = "UPDATE customer_entity c JOIN live1.customer_entity o USING (entity_id) " +
		"SET c.updated_at = o.updated_at"
	if err := server.Load(ctx, "live2", sameTimes); err != nil {
		return nil, err
	}
	if err := w.writeFiles(); err != nil {
		return nil, fmt.Errorf("write the files of the second migration: %w", err)
	}
	d.group.Go(func() error { every(ctx, salePause, w.sell); return nil })
	d.group.Go(func() error { every(ctx, cyclePause, w.cycle); return nil })
	return w, nil
}

// writeFiles writes the tool's configuration, and the log of a migrate:data that began after the triggers were made.
func (w *window) writeFiles() error {
	if err := os.MkdirAll(filepath.Dir(w.Log()), 0o700); err != nil {
		return err
	}
	if err := writeTemplate(filepath.Join(w.Root, "config.xml"), windowConfig, w); err != nil {
		return err
	}
	logged := mysqltest.DeltaLogged()
	if err := writeTemplate(filepath.Join(w.Root, "deltalog.xml"), windowDeltaLog, logged); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.Root, "map.xml"), []byte(windowMap), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(w.Running(), nil, 0o600); err != nil {
		return err
	}
	return w.log(time.Now().Add(-50*time.Minute),
		"[INFO][mode: data][stage: integrity check][step: Map Step]: started",
		"[INFO][mode: data][stage: data migration][step: Map Step]: started",
		"[INFO][mode: data][stage: data migration][step: Map Step]: Migration completed")
}

// log writes lines to the tool's log.
func (w *window) log(at time.Time, lines ...string) error {
	f, err := os.OpenFile(w.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if _, err = fmt.Fprintf(f, "[%s]%s\n", at.UTC().Format("2006-01-02T15:04:05.000000-07:00"), line); err != nil {
			break
		}
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// every calls step with rising numbers until ctx ends.
func every(ctx context.Context, pause time.Duration, step func(context.Context, int)) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			step(ctx, n)
		}
	}
}

// sell is one step of the shop. An error is no fault: people break the shop on purpose.
func (w *window) sell(ctx context.Context, n int) {
	sale := strings.ReplaceAll(sellSQL, "{{n}}", strconv.Itoa(firstSale+n))
	_ = w.Server.Exec(ctx, statements(sale)...)
}

// cycle is one cycle of the delta, while its file is there. The shop waits for the rows of the log that it delivers, so
// that no change is lost between; the real tool loses some there.
func (w *window) cycle(ctx context.Context, _ int) {
	if _, err := os.Stat(w.Running()); err != nil {
		return
	}
	_ = w.log(time.Now(), "[INFO][mode: delta][stage: delta delivering][step: Map Step]: started")
	if err := w.deliver(ctx); err != nil {
		return // as when the shop was faster, or somebody has broken it
	}
	_ = w.log(time.Now(),
		"[INFO][mode: delta][stage: volume check][step: Map Step]: Migration completed successfully",
		"[INFO][mode: delta][stage: volume check][step: Map Step]: Automatic restart in 5 sec. Use CTRL-C to abort")
}

// deliver delivers what waits in the log.
func (w *window) deliver(ctx context.Context) (err error) {
	root, err := w.Server.Root(ctx)
	if err != nil {
		return err
	}
	tx, err := root.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	for line := range strings.Lines(deliveredTable) {
		column := strings.Split(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(line, "#") || len(column) != 4 {
			continue
		}
		script := strings.NewReplacer(
			"{{document}}", column[0], "{{magento2}}", column[1], "{{key}}", column[2], "{{columns}}", column[3],
		).Replace(deliverSQL)
		if err := execute(ctx, tx, script); err != nil {
			return err
		}
	}
	if err := execute(ctx, tx, gridSQL); err != nil {
		return err
	}
	return tx.Commit()
}

func execute(ctx context.Context, tx *sql.Tx, script string) error {
	for _, statement := range statements(script) {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// statements are those of a script without texts that end a line with a semicolon.
func statements(script string) []string {
	var all []string
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			all = append(all, strings.TrimSuffix(line, ";"))
		}
	}
	return all
}
