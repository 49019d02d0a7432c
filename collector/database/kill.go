package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// killTimeout limits the login and the statements that end another session: whoever waits for the statement has waited
// long enough.
const killTimeout = time.Second

// kill ends the session on the server, where its statement goes on although nobody waits for it here: MySQL before
// 5.7.8 has no limit of its own, later ones have one for SELECT alone, and no server has one for everything.
func (s *Session) kill(ctx context.Context, query string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.killTimeout)
	defer cancel()
	if err := s.killOn(ctx, query); err != nil {
		s.options.Logger.Warn("a statement may still be running on the server",
			"server", s.endpoint.String(), "connection_id", s.id, "err", err)
	}
}

// killOn logs in once more and kills the session if that still runs the query.
func (s *Session) killOn(ctx context.Context, query string) error {
	network, address, err := s.endpoint.Address()
	if err != nil {
		return err
	}
	var timing Timing // the session's own times are those of its own login
	connector, err := s.connector(network, address, &timing, s.killTimeout)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for {
		running, there, err := statementOf(ctx, conn, s.id)
		switch {
		case err != nil, !there:
			return err
		case running != "" && !sameStatement(running, query):
			// Behind a load balancer this may be another server, on which the number is somebody else's.
			return errors.New("the connection of this number runs another statement")
		case running != "":
			_, err = conn.ExecContext(ctx, "KILL CONNECTION "+strconv.FormatUint(s.id, 10))
			return err
		}
		// A busy server may not have begun with the statement yet, or not have noticed that the connection is closed.
		select {
		case <-ctx.Done():
			return fmt.Errorf("the connection is still there: %w", ctx.Err())
		case <-time.After(pollInterval):
		}
	}
}

// pollInterval is how long kill waits between two looks at the list of connections.
const pollInterval = 20 * time.Millisecond

// statementOf returns what a connection is running, empty when it is idle, and whether it is there. Servers cut it
// after 100 characters.
func statementOf(ctx context.Context, conn *sql.Conn, id uint64) (running string, there bool, err error) {
	rows, err := conn.QueryContext(ctx, "SHOW PROCESSLIST")
	if err != nil {
		return "", false, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", false, err
	}
	// Id, User, Host, db, Command, Time, State, Info; MariaDB has more.
	if len(columns) < 8 {
		return "", false, fmt.Errorf("SHOW PROCESSLIST has %d columns", len(columns))
	}
	values, dest := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return "", false, err
		}
		if values[0].String == strconv.FormatUint(id, 10) {
			return values[7].String, true, nil
		}
	}
	return "", false, rows.Err()
}

// sameStatement compares what a process list shows of a statement with the statement, up to its first parameter.
func sameStatement(shown, query string) bool {
	fixed, _, _ := strings.Cut(query, "?")
	return strings.HasPrefix(shown, fixed) || len(shown) > 0 && strings.HasPrefix(fixed, shown)
}
