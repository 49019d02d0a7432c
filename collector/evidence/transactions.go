package evidence

import (
	"context"
	"database/sql"
	_ "embed" // the queries
	"fmt"

	"magento_migration_exporter/collector/database"
)

// Transaction is one that is open on a server.
type Transaction struct {
	// ID is the connection's, User its account's name.
	ID   uint64
	User string
	// Seconds is how long it has been open.
	Seconds int64
	// Dump is true when it looks like a dump that reads all tables.
	Dump bool
}

//go:embed sql/transactions.sql
var transactionsQuery string

// errNeedsProcess is the server's answer to an account without the privilege PROCESS.
const errNeedsProcess = 1227

// OldTransactions returns the transactions of Magento 1's server that have been open for longer than so many seconds,
// the oldest first. They are not shown, and shown is false, to an account without the privilege PROCESS.
func (e *Evidence) OldTransactions(ctx context.Context, seconds int) (old []Transaction, shown bool, err error) {
	err = e.Magento1.Session.Rows(ctx, transactionsQuery, []any{seconds}, func(scan func(...any) error) error {
		var t Transaction
		var user sql.NullString
		err := scan(&t.ID, &user, &t.Seconds, &t.Dump)
		t.User = user.String
		old = append(old, t)
		return err
	})
	switch {
	case database.Number(err) == errNeedsProcess:
		return nil, false, nil
	case err != nil:
		return nil, true, fmt.Errorf("listing the open transactions: %w", err)
	}
	return old, true, nil
}
