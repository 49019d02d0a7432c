// Package indexer reads what Magento 2's database says about its indexers: their states, and what cron has still to
// index. It gathers; the preconditions judge.
package indexer

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
)

// maxIndexers caps how many indexers and views are read; a Magento 2.4 has 14 of each.
const maxIndexers = 200

// Indexer is a row of indexer_state.
type Indexer struct {
	ID string
	// Status is valid, invalid, working or suspended.
	Status string
	// Updated is when the status changed, zero when that is unknown.
	Updated time.Time
}

// View is a row of mview_state: what is to be indexed, and how far cron has come.
type View struct {
	ID string
	// Scheduled is true for "Update by Schedule": changes are noted in the view's change log, and cron indexes them.
	Scheduled bool
	// Status is idle, working or suspended.
	Status string
	// Updated is when cron last worked on it, zero when it never did or when that is unknown.
	Updated time.Time
	// HasLog is true when there is a change log that can be read.
	HasLog bool
	// Backlog is how many entities cron has still to index; it stops at finding.CountCap + 1 changes.
	Backlog int

	version uint64
}

// State is what one look at the database found.
type State struct {
	// ServerNow is the server's clock in UTC, zero when there is neither an indexer nor a view.
	ServerNow time.Time
	Indexers  []Indexer
	Views     []View
}

// Read reads indexers, views and their backlogs in two statements, or four when a change log is not there.
func Read(ctx context.Context, s *database.Session, prefix string) (State, error) {
	var state State
	if err := state.readStates(ctx, s, prefix); err != nil {
		return state, fmt.Errorf("reading the states of indexers and views: %w", err)
	}
	for i := range state.Views {
		state.Views[i].HasLog = state.Views[i].Scheduled && state.Views[i].ID != ""
	}
	err := state.count(ctx, s, prefix)
	if database.Number(err) != 0 && database.CauseOf(err) != database.Timeout { // a change log is not there
		for i := range state.Views {
			state.Views[i].HasLog = false
		}
		if err := state.findLogs(ctx, s, prefix); err != nil {
			return state, fmt.Errorf("looking for the views' change logs: %w", err)
		}
		err = state.count(ctx, s, prefix)
	}
	if err != nil {
		return state, fmt.Errorf("counting what is still to be indexed: %w", err)
	}
	return state, nil
}

// readStates reads both tables in one statement.
func (state *State) readStates(ctx context.Context, s *database.Session, prefix string) error {
	query := fmt.Sprintf("(SELECT 0, COALESCE(indexer_id, ''), COALESCE(status, ''), CAST(updated AS CHAR), "+
		"CAST(UTC_TIMESTAMP() AS CHAR), 0, 0 FROM %s ORDER BY indexer_id LIMIT %d) UNION ALL "+
		"(SELECT 1, COALESCE(view_id, ''), COALESCE(status, ''), CAST(updated AS CHAR), "+
		"CAST(UTC_TIMESTAMP() AS CHAR), "+
		"COALESCE(mode, '') = 'enabled', COALESCE(version_id, 0) FROM %s ORDER BY view_id LIMIT %[2]d)",
		database.Quote(prefix+"indexer_state"), maxIndexers, database.Quote(prefix+"mview_state"))
	return s.Rows(ctx, query, nil, func(scan func(...any) error) error {
		var isView, scheduled bool
		var id, status string
		var updated, now sql.NullString
		var version uint64
		err := scan(&isView, &id, &status, &updated, &now, &scheduled, &version)
		at := database.Time(updated.String)
		state.ServerNow = database.Time(now.String)
		if isView {
			state.Views = append(state.Views, View{
				ID: id, Scheduled: scheduled, Status: status, Updated: at, version: version,
			})
		} else {
			state.Indexers = append(state.Indexers, Indexer{ID: id, Status: status, Updated: at})
		}
		return err
	})
}

// logName is the table in which a view's changes are noted.
func logName(prefix, view string) string { return prefix + view + "_cl" }

// findLogs finds out which change logs are there with the column that all of Magento's own have.
func (state *State) findLogs(ctx context.Context, s *database.Session, prefix string) error {
	var names []any
	views := map[string]*View{}
	for i := range state.Views {
		if v := &state.Views[i]; v.Scheduled && v.ID != "" {
			names = append(names, logName(prefix, v.ID))
			views[logName(prefix, v.ID)] = v
		}
	}
	if len(names) == 0 {
		return nil
	}
	query := "SELECT TABLE_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() " +
		"AND COLUMN_NAME = 'entity_id' AND TABLE_NAME IN (" + database.Parameters(len(names)) + ")"
	return s.Rows(ctx, query, names, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		if v := views[name]; v != nil {
			v.HasLog = true
		}
		return err
	})
}

// count counts the entities behind each view's version, from its end of the primary key.
func (state *State) count(ctx context.Context, s *database.Session, prefix string) error {
	var parts []string
	for i, v := range state.Views {
		if v.HasLog {
			parts = append(parts, fmt.Sprintf("SELECT %d, COUNT(DISTINCT entity_id) FROM (SELECT entity_id FROM %s "+
				"WHERE version_id > %d LIMIT %d) t%[1]d",
				i, database.Quote(logName(prefix, v.ID)), v.version, finding.CountCap+1))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return s.Rows(ctx, strings.Join(parts, " UNION ALL "), nil, func(scan func(...any) error) error {
		var i, n int
		err := scan(&i, &n)
		state.Views[i].Backlog = n
		return err
	})
}
