package privilege

import (
	"context"
	"database/sql"
	_ "embed" // the SQL files
	"errors"
	"fmt"

	"magento_migration_exporter/collector/database"
)

var (
	//go:embed sql/restart_mariadb.sql
	restartMariaDBQuery string
	//go:embed sql/restart_mysql8.sql
	restartMySQL8Query string
)

// restart is what a restart of the server makes of log_bin_trust_function_creators.
type restart struct {
	// origin is where the present value comes from, in the server's word; empty where it does not say.
	origin string
	// trust says whether the server trusts after a restart, as far as that is known. A value that was set while the
	// server ran may stand in a configuration file as well, or not, and no server says that.
	trust State
}

// readRestart asks the server where the value comes from. MySQL before 8.0 does not say.
func readRestart(ctx context.Context, s *database.Session, server Server) (restart, error) {
	var r restart
	var persisted sql.NullString
	var err error
	switch {
	case server.isMariaDB():
		err = s.Row(ctx, restartMariaDBQuery, nil, &r.origin)
	case server.isMySQL8():
		err = s.Row(ctx, restartMySQL8Query, nil, &r.origin, &persisted)
	default:
		return r, nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return r, nil
	}
	number, err := serverError(err)
	if err != nil {
		return r, fmt.Errorf("looking where log_bin_trust_function_creators is set: %w", err)
	}
	if number == 0 {
		r.judge(server, persisted)
	}
	return r, nil
}

func (r *restart) judge(server Server, persisted sql.NullString) {
	switch {
	case persisted.Valid: // mysqld-auto.cnf wins over the command line and the other files
		r.origin += fmt.Sprintf(", SET PERSIST to %s", persisted.String)
		if r.trust = Missing; isOn(persisted.String) {
			r.trust = Held
		}
	case r.origin == "SQL", r.origin == "DYNAMIC": // set while the server ran
	case r.origin == "":
	default:
		if r.trust = Missing; server.BinaryLog.Trust {
			r.trust = Held
		}
	}
}
