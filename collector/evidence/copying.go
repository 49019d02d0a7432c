package evidence

import (
	"context"
	"errors"

	"magento_migration_exporter/config"
)

// ErrCopying is why the newest rows of both systems are not compared while Magento 2 does not have them all yet.
var ErrCopying = errors.New("migrate:data has not ended, so Magento 2 does not have all rows yet")

// copying returns ErrCopying while migrate:data has not ended: what it has not copied yet differs from Magento 2 and is
// in no log. Any other error is one of Magento 2's database.
func (e *Evidence) copying(ctx context.Context, d *Delta) error {
	migrating := e.Phase.Phase == config.PhaseMigrate
	logged := d.RunLog != nil && d.RunLog.Mode() != ""
	copies := logged && d.RunLog.Copying()
	if complete, known := lockIsComplete(ctx, e); known {
		if !complete && (migrating || copies) {
			return ErrCopying
		}
		return nil
	}
	if logged {
		if copies {
			return ErrCopying
		}
		return nil
	}
	return e.copyingByRows(ctx, d, migrating)
}

// copyingByRows looks at the two databases alone. Orders are not the last rows that are copied: the sequences of
// Magento 2's stores are made later. Only the tool itself, which is connected while it works, leaves them for later.
func (e *Evidence) copyingByRows(ctx context.Context, d *Delta, migrating bool) error {
	if migrating {
		orders, err := e.Magento2.Count(ctx, "sales_order", "")
		if err != nil {
			return err
		}
		if complete, _, err := hasAllOrders(ctx, e, orders); err != nil || !complete {
			return errors.Join(err, ErrCopying)
		}
	}
	if d.Activity.Known && !d.Activity.Running {
		return nil
	}
	stores, err := e.Magento2.Column(ctx, "SELECT s.store_id FROM "+e.Magento2.Table("store")+" s LEFT JOIN "+
		e.Magento2.Table("sales_sequence_meta")+" m ON m.store_id = s.store_id WHERE m.store_id IS NULL LIMIT 1")
	if err != nil {
		return err
	}
	if len(stores) > 0 {
		return ErrCopying
	}
	return nil
}
