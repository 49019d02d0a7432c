package database

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// noSuchTable finds database and table in the server's message, whatever its language.
var noSuchTable = regexp.MustCompile(`'([^']*)'`)

// unlessListed returns the error of a table that does not exist, or another one where the server lists the table all
// the same: then it cannot open the table's files. That error has no number, so that nobody takes the table for
// missing.
func (s *Session) unlessListed(ctx context.Context, err error) error {
	answer, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return err
	}
	m := noSuchTable.FindStringSubmatch(answer.Message)
	if m == nil {
		return err
	}
	prefix := s.endpoint.Name + "."
	if len(m[1]) <= len(prefix) || !strings.EqualFold(m[1][:len(prefix)], prefix) {
		return err
	}
	table := m[1][len(prefix):]
	var listed string
	if s.conn.QueryRowContext(ctx, "SHOW TABLES LIKE ?", EscapeLike(table)).Scan(&listed) != nil {
		return err
	}
	return &Fault{Cause: TableUnreadable, Doing: "opening the table " + table,
		Err: fmt.Errorf("SHOW TABLES lists it, but a statement that uses it is answered: %s", answer.Error())}
}
