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
	//go:embed files/sell.sql
	sellSQL string
	//go:embed files/grid.sql
	gridSQL string
	//go:embed files/delivered.tsv
	deliveredTable string
)

const (
	// salePause and cyclePause are those of the fake shop and of the fake delta; the tool's own pause is 5 s.
	salePause  = 500 * time.Millisecond
	cyclePause = 2 * time.Second
	// firstSale is a number of an order that the small Magento 1 has not.
	firstSale = 1000
)

// live lets a shop sell, and its delta deliver. The window is migrated already, the other waits for migrate:data.
func (d *demo) live(ctx context.Context, s *site, migrated bool) error {
	if migrated {
		if err := s.migrate(ctx); err != nil {
			return err
		}
	}
	d.group.Go(func() error { every(ctx, salePause, s.sell); return nil })
	d.group.Go(func() error { every(ctx, cyclePause, s.cycle); return nil })
	return nil
}

// migrate does to a site whose databases are on one server what migrate:data does, and starts the delta.
func (s *site) migrate(ctx context.Context) error {
	script := mysqltest.MigrateData(s.DB1, s.DB2, "", "") + s.sameTimes(s.DB1)
	if err := s.Server2.Load(ctx, s.DB2, script); err != nil {
		return err
	}
	// The tool's triggers run as its account.
	if err := mysqltest.SetUpDeltaLog(ctx, s.Server1, s.DB1, "", s.Account()); err != nil {
		return err
	}
	if err := os.WriteFile(s.Running(), nil, 0o600); err != nil {
		return fmt.Errorf("start the delta of %s: %w", s.Name, err)
	}
	err := s.log(time.Now().Add(-50*time.Minute),
		"[INFO][mode: data][stage: integrity check][step: Map Step]: started",
		"[INFO][mode: data][stage: data migration][step: Map Step]: started",
		"[INFO][mode: data][stage: data migration][step: Map Step]: Migration completed")
	if err != nil {
		return fmt.Errorf("write the tool's log of %s: %w", s.Name, err)
	}
	return nil
}

// log writes lines to the tool's log.
func (s *site) log(at time.Time, lines ...string) error {
	f, err := os.OpenFile(s.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
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

// sell is one step of the shop, unless Magento 1 is closed. An error is no fault: people break the shop on purpose.
func (s *site) sell(ctx context.Context, n int) {
	if _, err := os.Stat(filepath.Join(s.Root1, "maintenance.flag")); err == nil {
		return
	}
	sale := strings.ReplaceAll(sellSQL, "{{n}}", strconv.Itoa(firstSale+n))
	_ = s.Server1.Exec(ctx, append([]string{"USE `" + s.DB1 + "`"}, statements(sale)...)...)
}

// cycle is one cycle of the delta, while its file is there. The shop waits for the rows of the log that it delivers, so
// that no change is lost between; the real tool loses some there.
func (s *site) cycle(ctx context.Context, _ int) {
	if _, err := os.Stat(s.Running()); err != nil {
		return
	}
	_ = s.log(time.Now(), "[INFO][mode: delta][stage: delta delivering][step: Map Step]: started")
	if err := s.deliver(ctx); err != nil {
		return // as when the shop was faster, or somebody has broken it
	}
	_ = s.log(time.Now(),
		"[INFO][mode: delta][stage: volume check][step: Map Step]: Migration completed successfully",
		"[INFO][mode: delta][stage: volume check][step: Map Step]: Automatic restart in 5 sec. Use CTRL-C to abort")
}

// deliver delivers what waits in the log. A row leaves the log after it has reached Magento 2.
func (s *site) deliver(ctx context.Context) (err error) {
	root, err := s.Server1.Root(ctx)
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
		d := document{
			old: "`" + s.DB1 + "`." + column[0], log: "`" + s.DB1 + "`.m2_cl_" + column[0],
			made: "`" + s.DB2 + "`." + column[1], key: column[2], columns: column[3],
		}
		if err := d.deliver(ctx, tx, s.Server2); err != nil {
			return err
		}
	}
	if err := s.Server2.Exec(ctx, append([]string{"USE `" + s.DB2 + "`"}, statements(gridSQL)...)...); err != nil {
		return err
	}
	return tx.Commit()
}

// document is what one step of the delta delivers: a table of Magento 1, its log, and the table of Magento 2.
type document struct{ old, log, made, key, columns string }

// deliver marks the rows of the log, copies or deletes theirs in Magento 2, and deletes them from the log.
func (d document) deliver(ctx context.Context, magento1 *sql.Tx, magento2 *mysqltest.Server) error {
	_, err := magento1.ExecContext(ctx, "UPDATE "+d.log+" l LEFT JOIN "+d.old+" o USING ("+d.key+") "+
		"SET l.processed = 1 WHERE o."+d.key+" IS NOT NULL OR l.operation = 'DELETE'")
	if err != nil {
		return err
	}
	root, err := magento2.Root(ctx)
	if err != nil {
		return err
	}
	marked := " FROM " + d.log + " WHERE processed = 1"
	err = eachRow(ctx, magento1, "SELECT "+d.key+marked+" AND operation = 'DELETE'", func(row []any) error {
		_, err := root.ExecContext(ctx, "DELETE FROM "+d.made+" WHERE "+d.key+" = ?", row...)
		return err
	})
	if err != nil {
		return err
	}
	places := strings.Repeat(", ?", strings.Count(d.columns, ",")+1)[2:]
	err = eachRow(ctx, magento1, "SELECT "+d.columns+" FROM "+d.old+" WHERE "+d.key+" IN (SELECT "+d.key+marked+")",
		func(row []any) error {
			_, err := root.ExecContext(ctx, "REPLACE INTO "+d.made+" ("+d.columns+") VALUES ("+places+")", row...)
			return err
		})
	if err != nil {
		return err
	}
	_, err = magento1.ExecContext(ctx, "DELETE"+marked)
	return err
}

// eachRow calls do with the values of each row.
func eachRow(ctx context.Context, tx *sql.Tx, query string, do func(row []any) error) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		row, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			places[i] = &row[i]
		}
		if err := rows.Scan(places...); err != nil {
			return err
		}
		if err := do(row); err != nil {
			return err
		}
	}
	return rows.Err()
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
